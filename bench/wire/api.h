/* The APIs that bench speaks: a row of a table each, in a file of its own.
 *
 *     const struct bench_api *api = bench_api_find("chat");
 *     api->add_prompt(&prompt, &body);                      // "messages":[...],
 *     if (api->read_event(&so_far, name, data, &chunk) < 0) ...
 *     whole = chunk.ends;
 *
 * An API is its file (api_chat.c is the example), its name at the end of this header, and a line in
 * the table of api.c. What differs between APIs stands here and nowhere else; what differs between
 * servers of one API is for its readers to bear.
 *
 * Rows do not change and are shared by all threads.
 */
#ifndef FAREBOX_BENCH_WIRE_API_H
#define FAREBOX_BENCH_WIRE_API_H

#include "bench/wire/chunk.h"
#include "bench/wire/reply.h"
#include "core/buffer.h"

/* What a request's body is to ask. */
struct api_prompt {
    struct text messages; /* the request's own, a JSON array; empty = text is made */
    size_t images;        /* that stand behind the made text; 0 = none */
    /* Appends image i as a PNG file in base64; 0, or -1 beyond the buffer's cap. */
    int (*add_image)(const void *source, size_t i, struct buffer *out);
    uint32_t documents; /* of the made text, where an API wants several; at least 1 */
    /* Appends the made text, which needs no escapes in JSON; 0, or -1 beyond the buffer's cap. */
    int (*add_text)(const void *source, struct buffer *out);
    const void *source;
    struct text history; /* before the made text: what add_turn() made of earlier turns; empty */
};

/* What an answer has told by its earlier events; all zero at its start. */
struct answer_so_far {
    bool has_usage;
    struct usage usage;
    unsigned tokens;      /* kinds of token text that came */
    unsigned part_tokens; /* ... since a part began last */
    bool usage_grows;     /* its output is not told to the end yet */
};

struct bench_api {
    const char *name; /* as --api and run.json have it */
    const char *path; /* behind the endpoint's base URL */
    bool generates;   /* its answers are tokens, and can be streamed; else vectors, scores */

    /* Headers. One that the user gives too is left out. */
    const char *key_header;     /* "Authorization: Bearer "; the key follows */
    const char *key_variable;   /* asked for the key before OPENAI_API_KEY; NULL = none */
    const char *const *headers; /* further lines, ended by NULL; NULL = none */

    /* Bodies. The lists end with NULL; a request that brings a member of one brings them all. */
    const char *const *prompt_keys; /* members that hold a prompt */
    const char *const *output_keys; /* members that limit the answer: the first is ours */
    const char *stream_options;     /* asks a stream for its usage; NULL = it comes unasked */
    bool takes_messages;            /* a request's own messages can be sent */
    bool takes_images;              /* images can stand beside the text */
    uint32_t probe_output;          /* least tokens that every server lets ask for; 0 = 1 */
    /* Appends the members that hold the prompt, each with a comma behind it; 0, or -1 beyond the
     * buffer's cap. */
    int (*add_prompt)(const struct api_prompt *p, struct buffer *out);

    /* Answers, with the usage in the chunk: 0, or -1 for what is not the JSON that was promised.
     * Events that bear nothing give an empty chunk. */
    int (*read_event)(const struct answer_so_far *so_far, const char *event, struct text data,
                      struct chunk *out);
    int (*read_answer)(struct text body, struct chunk *out);
    bool events_stand_alone; /* what a text means lies in its event's name and bytes alone */

    /* Conversations; NULL = the API has none (--thread-replies is refused). read_reply gathers from
     * an event of a stream, or a whole answer, what a later turn is to carry; what it cannot read
     * it leaves. add_turn appends to a session's history the prompt that was made and what came of
     * it, in the form in which add_prompt puts it before its text; 0, or -1 beyond the buffer's
     * cap.
     */
    void (*read_reply)(struct text payload, struct reply *r);
    int (*add_turn)(const struct api_prompt *p, const struct reply *r, struct buffer *history);

    const char *end_mark; /* the event that ends a stream, in words: "[DONE]" */
};

/* NULL: there is none of that name. */
const struct bench_api *bench_api_find(const char *name);

/* The name of API number i, in the table's order; NULL behind the last. */
const char *bench_api_name(size_t i);

/* Appends `opening`, the made text, `closing`. */
int api_add_text(const struct api_prompt *p, const char *opening, const char *closing,
                 struct buffer *out);

/* Appends each image between `opening` and `closing`. */
int api_add_images(const struct api_prompt *p, const char *opening, const char *closing,
                   struct buffer *out);

extern const struct bench_api api_chat, api_completions, api_embeddings, api_responses;
extern const struct bench_api api_messages;
extern const struct bench_api api_rerank;

#endif
