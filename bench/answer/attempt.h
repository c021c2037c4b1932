/* One attempt's answer: bytes in, times and classes out. Knows no sockets: fed by the client.
 *
 *     struct attempt a;
 *     attempt_init(&a);
 *     attempt_begin(&a, &config, sent_ns);
 *     attempt_answer(&a, 200, "text/event-stream");
 *     while (bytes come) if (!attempt_feed(&a, &arrival, bytes, n)) break;   // hang up
 *     attempt_end(&a, FAILURE_NONE, NULL);        // or how the transport failed
 *     attempt_fill(&a, &record);                  // lends its texts and chunk times
 *
 * An attempt is used again and again; attempt_begin forgets the last answer.
 */
#ifndef FAREBOX_BENCH_ANSWER_ATTEMPT_H
#define FAREBOX_BENCH_ANSWER_ATTEMPT_H

#include "bench/answer/secrets.h"
#include "bench/answer/spread.h"
#include "bench/wire/alike.h"
#include "bench/wire/api.h"
#include "bench/wire/sse.h"
#include "core/runs/record/record.h"

#define ATTEMPT_MESSAGE_SIZE 256
#define ATTEMPT_TYPE_SIZE 64

/* Of a stream: chunks that bear tokens, each of which has its time kept, and bytes of all kinds.
 * Beyond is FAILURE_TOO_LARGE. */
#define ATTEMPT_MOST_CHUNKS 2000000
#define ATTEMPT_MOST_BYTES (UINT64_C(1) << 30)

struct attempt_config {
    const struct bench_api *api;
    bool stream; /* a stream was asked for */
    bool keep_text, keep_raw;
    struct reply *reply;   /* gathers what a later turn carries; NULL = nothing */
    uint32_t cancel_after; /* hang up after so many token-bearing chunks; 0 = never */
    size_t max_event, max_body;
    const struct secrets *secrets; /* hidden in all that is kept of the answer; NULL */
};

/* When bytes arrived. A socket was reported readable at wake_ns and read at read_ns: what stands
 * first in a read was there at wake_ns already, whatever the client did in between; everything
 * behind it may have come until read_ns, and counts as come then. `read` numbers the reads. */
struct arrival {
    int64_t wake_ns, read_ns;
    uint64_t read;
};

/* What a good answer's body is, by its first bytes: servers call it one thing and send another. */
enum answer_shape { SHAPE_OPEN, SHAPE_EVENTS, SHAPE_BODY };

/* Of whom the words in `message` are while no failure is known. */
enum held_words { HELD_NOTHING, HELD_UNREAD, HELD_ERROR };

/* Texts of an answer that may repeat what came before. */
enum { GROWTH_CONTENT, GROWTH_REASONING, GROWTHS };

struct attempt {
    const struct attempt_config *config;
    struct record seen; /* only the measured times, absolute; the client sets its connection's */
    int64_t last_byte_ns;
    struct arrival now;   /* of the bytes being fed */
    int64_t last_read_ns; /* of the read before */
    uint64_t stream_bytes;
    uint32_t chunks, reasoning_count;
    int64_t *chunk_ns;
    size_t chunk_capacity;
    uint32_t batched;     /* chunks that came many in a read, after silence */
    uint32_t read_chunks; /* token-bearing chunks in the current read */
    uint32_t read_items;  /* events in the current read, and the headers if they are in it */
    int64_t read_gap_ns;  /* time since the read before the current one */
    int http_status;
    enum answer_shape shape;
    size_t blanks;    /* bytes of the body, from its start on, that are known to say nothing */
    bool says_events; /* the content type */
    bool says_lines;  /* it: an object a line */
    bool is_stream, done, ending, cancelled, headers_in_read;
    bool understood; /* an event that is no end mark was read */
    bool by_deltas;  /* a token came as an increment */
    enum held_words held;
    uint32_t odd;                                /* ODDITY bits */
    uint64_t whole_bytes, whole_reasoning_bytes; /* of a whole answer that counts no tokens */
    struct spread spread;
    struct growth growths[GROWTHS];
    size_t kept_from[GROWTHS]; /* where a growing text begins in `text` */
    uint32_t summaries;        /* chunks that bear nothing but a summary of the reasoning */
    struct answer_so_far so_far;
    struct alike alike;         /* the form of its events, where they stand alone */
    struct usage_report report; /* of all the answer's usage objects; its unknown keys are here: */
    struct usage_key_names unknown_keys;
    uint32_t usage_reports; /* usage objects, and what they count of the output, added up: */
    uint64_t usage_output_sum, usage_reasoning_sum, usage_output_last;
    bool usage_rose, usage_fell; /* from one report to the next */
    bool has_header_cost, header_cost_is_own;
    money header_cost;
    const char *looks_like; /* another API, by an event that bore no text: chunk_event_looks_like */
    struct usage_extra unit; /* billed beside tokens; see struct chunk */
    enum failure_class failure;
    char finish_reason[24], message[ATTEMPT_MESSAGE_SIZE];
    char content_type[ATTEMPT_TYPE_SIZE]; /* of the answer, "" where it has none */
    const char *location; /* where a redirect leads, the whole URL, lent until the end; NULL */
    struct sse sse;
    struct buffer body, text, raw_usage, mended;
    struct buffer lines; /* of JSON, in a stream, that are no field of one */
};

void attempt_init(struct attempt *a);
void attempt_free(struct attempt *a);

/* Borrows the config until the end. */
void attempt_begin(struct attempt *a, const struct attempt_config *config, int64_t sent_ns);

/* The status line and headers are there; content_type may be NULL. */
void attempt_answer(struct attempt *a, int http_status, const char *content_type);

/* The headers that say what an answer cost; NULL behind the last. */
extern const char *const attempt_cost_headers[];

/* A header of the answer, at any time before attempt_fill: what it says the answer cost. */
void attempt_header(struct attempt *a, struct text name, struct text value);

/* Takes the next bytes of the body. False: hang up, nothing more is wanted (see failure and
 * cancelled). */
bool attempt_feed(struct attempt *a, const struct arrival *arrival, const char *bytes,
                  size_t count);

/* True once all of the answer is there, though the exchange may go on: the event that ends a stream
 * has come. */
bool attempt_is_whole(const struct attempt *a);

/* The exchange is over. `transport` says how it failed below HTTP, with its words; FAILURE_NONE
 * where it ended well. Decides the attempt's failure. */
void attempt_end(struct attempt *a, enum failure_class transport, const char *message);

/* Puts what is known into a record: times, status, texts (lent until the next begin), usage
 * (estimated from the chunks, or a whole answer's text, where the server gave none, or counted
 * nothing where text came). */
void attempt_fill(const struct attempt *a, struct record *r);

/* The chunk times, owned by the caller from now on; NULL if there are none. */
int64_t *attempt_take_chunks(struct attempt *a);

#endif
