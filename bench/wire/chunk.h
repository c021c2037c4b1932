/* What one JSON payload of an endpoint tells: a streamed event, or a whole answer.
 *
 *     struct chunk c;
 *     if (api->read_answer(body, &c) < 0) ...      // not the JSON that was promised
 *     if (c.tokens & CHUNK_OUTPUT) first_output = now;
 *     if (c.has_usage) record->usage = c.usage;
 *
 * Texts are lent from the payload, raw (with their escapes). The chunk owns nothing.
 *
 * A token is non-empty content, reasoning, refusal or tool-call text (a tool call's name or
 * arguments), however it is wrapped: what counts is a value's shape. A role alone, an empty string,
 * an empty delta and the usage chunk are none.
 */
#ifndef FAREBOX_BENCH_WIRE_CHUNK_H
#define FAREBOX_BENCH_WIRE_CHUNK_H

#include "core/json/json_scan.h"
#include "core/text.h"
#include "core/usage/oddity.h"
#include "core/usage/usage_report.h"

#include <stdbool.h>
#include <stddef.h>

enum chunk_tokens {
    CHUNK_CONTENT = 1,
    CHUNK_REASONING = 2,
    CHUNK_REFUSAL = 4,
    CHUNK_TOOL = 8,
    CHUNK_SUMMARY = 16, /* beside CHUNK_REASONING: a summary, whose tokens are not those counted */
    CHUNK_OUTPUT = CHUNK_CONTENT | CHUNK_REFUSAL | CHUNK_TOOL,
};

#define CHUNK_MORE 6

struct chunk {
    unsigned tokens; /* which kinds of token text it bears; 0 = none */
    struct text content, reasoning, refusal, tool;
    struct text finish_reason; /* empty = null or not said */
    bool begins;               /* a part of the answer begins: no text of it came before */
    size_t results;            /* elements of `data`: of an answer that is no text */
    bool has_usage;
    struct usage usage; /* of the report, alone: see answer_so_far for all of an answer */
    bool usage_grows;   /* told at the answer's start: of its output only what there was then */
    struct text raw_usage;
    struct usage_extra unit; /* what is billed beside tokens; its name is NULL where nothing is */
    uint32_t odd;            /* ODDITY bits: what was odd about this payload */
    bool has_cost;           /* the provider's own, told beside the usage, in 1e-24 USD: */
    money cost;
    bool ends; /* nothing follows in this stream */
    bool is_error;
    struct text error_message;    /* raw; the whole error where it holds no message */
    bool is_whole_text;           /* its text stands where whole answers have theirs */
    bool is_foreign;              /* it has none of the members of its API's answers */
    bool says_twice;              /* the same text stands in more than one place */
    uint32_t logprobs;            /* tokens that it gives a log probability of */
    unsigned more_count;          /* further texts of any kind, as far as they fit */
    struct text more[CHUNK_MORE]; /* not set beyond their number */
    struct usage_report report;   /* only with has_usage: readers need not clear it */
};

/* ---- for the readers of APIs: each takes the scanner's next value ---- */

/* Token text by its shape: a string, a list of texts or parts, an object that holds some, such as
 * {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}. A part is of the kind that
 * its type or its member's name says, else of `kind`; the first text of it is put into `where`
 * (content, reasoning, refusal or tool of `c`, as the kind is), others behind it into `more`.
 * Pictures and sound are tokens without a text. Null, numbers, signatures and what is encrypted
 * bear none. */
void chunk_read_text(struct json_scan *s, enum chunk_tokens kind, struct text *where,
                     struct chunk *c);

/* Tool calls: a list of them or one, each with a name and arguments (or an input), in an object of
 * their own or not. */
void chunk_read_tools(struct json_scan *s, struct chunk *c);

/* Whether a member is called as reasoning is: "reasoning_content", "thinking_blocks". */
bool chunk_names_reasoning(struct text key);

/* Counts the entries of a choice's log probabilities: {"content": [...]}, {"tokens": [...]}. */
void chunk_read_logprobs(struct json_scan *s, struct chunk *c);

/* A finish reason: a string, or {"type": "abort", "message": "..."}; null, also in quotes, is none.
 */
void chunk_read_finish(struct json_scan *s, struct chunk *c);

/* Whether a finish reason says that the server gave up: "error", "abort", "network_error". */
bool chunk_reason_fails(struct text reason);

/* A usage object of any provider (core/usage/usage_report.h); further ones of the same payload are
 * merged. */
void chunk_read_usage(struct json_scan *s, struct chunk *c);

/* The same where the key of a payload's or choice's member says that usage stands there, or may
 * stand inside: "usage", "usageMetadata", "x_groq", "message", ... False: it is neither, and the
 * value is still to be taken. */
bool chunk_find_usage(struct json_scan *s, struct text key, struct chunk *c);

/* An error: {"message": "..."}, "...", true. What is empty ("", {}, [], 0, null, false, the code 0
 * or 200) is none. */
void chunk_read_error(struct json_scan *s, struct chunk *c);

/* "[DONE]", "[END]" and the like, also with blanks around it or in quotes. */
bool chunk_is_end_mark(struct text data);

/* ---- for whoever has a body that no reader understands ---- */

/* The words of a body that reports an error in a form of its own, such as {"detail": "..."},
 * {"detail": [{"msg": "..."}]}, {"code": 7, "message": "..."} or [{"error": {"message": "..."}}].
 * False if there are none. `out` lends them from the body, with JSON's escapes. */
bool chunk_find_words(struct text body, struct text *out);

/* The API whose answers have the form of this whole one, in words that go on behind "looks like ":
 * "one of --api messages". NULL where it looks like none. `api` becomes its name, or stays
 * NULL where farebox does not speak it. */
const char *chunk_looks_like(struct text body, const char **api);

/* The same of an event of a stream, by its type or its members. */
const char *chunk_event_looks_like(struct text data, const char **api);

/* An object that stands alone in a list, as errors of Google's servers do: [{"error": {...}}]; all
 * else as it is. */
struct text chunk_unwrap(struct text body);

#endif
