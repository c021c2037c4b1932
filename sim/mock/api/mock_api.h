/* The APIs that the mock answers: a row of a table each, in a file of its own.
 *
 *     const struct mock_api *api = mock_api_find("/chat/completions");
 *     if (ask_parse(&ask, api, body, length, &rules, &e) < 0) ...
 *     api->begin(&rendering);
 *     api->add_piece(&rendering, part, token, count);
 *     api->finish(&rendering, &usage);
 *
 * An API is its file (chat.c is the example), its name at the end of this header, and a line in the
 * table of mock_api.c. Engine, keys, quotas, faults and the truth log serve every row alike.
 *
 * Rows do not change.
 */
#ifndef FAREBOX_SIM_MOCK_API_MOCK_API_H
#define FAREBOX_SIM_MOCK_API_MOCK_API_H

#include "sim/mock/api/fields.h"
#include "sim/mock/api/render.h"

struct mock_api {
    const char *path;      /* behind the base URL */
    const char *id_prefix; /* of its answers' ids: "chatcmpl", "msg_" */
    const char
        *key_header; /* the header that brings the key, and what stands before the key in it */
    const char *key_prefix;
    bool bearer_too;          /* "Authorization: Bearer" brings it as well */
    const char *needs_header; /* without which nothing is answered; NULL */
    const char *id_header;    /* brings a request's id beside x-request-id; NULL */
    bool anthropic_limits;    /* limits are told under Anthropic's names */

    /* Requests. `fields` lists the members that a body may have: lists of them, ended by NULL.
     * `parse` reduces a body of such members; 0, or -1 with the error. */
    const struct field *const *fields;
    int (*parse)(struct ask *a, const struct ask_rules *rules, struct api_error *e);
    bool keeps_prefixes; /* cached tokens are those of marked prefixes, not the engine's */
    bool tells_images;   /* usage has a place for the tokens of images */
    bool at_once;        /* the answer needs no engine */

    /* Keeps what a later request may go on from, once the answer is planned; NULL = nothing is. */
    void (*keep)(const struct rendering *r, struct ask *a, struct kept *kept);

    /* Adds the answer of a choice, one without reasoning, to the prompt that it is of, as a request
     * that goes on from there has it. NULL: nothing goes on from its answers. */
    void (*repeat)(const struct rendering *r, uint32_t choice, struct prompt *prompt);

    /* Streams: each appends the events for its step. Those that may be NULL have none. */
    void (*begin)(struct rendering *r);                     /* NULL */
    void (*begin_part)(struct rendering *r, uint32_t part); /* NULL */
    void (*add_piece)(struct rendering *r, uint32_t part, uint32_t token, uint32_t count);
    void (*end_part)(struct rendering *r, uint32_t part); /* NULL */
    void (*finish)(struct rendering *r, const struct usage *u);
    void (*end)(struct rendering *r); /* the event behind which nothing follows */

    /* Bodies in one piece, appended to `out`. */
    void (*add_answer)(const struct rendering *r, const struct usage *u, struct buffer *out);
    void (*add_error)(const struct api_error *e, struct buffer *out);
    /* An error in a stream: rendered by this function; NULL = the body of add_error, under this
     * name (NULL = it has none). */
    void (*add_error_event)(struct rendering *r, const struct api_error *e);
    const char *error_event;
    const char *not_utf8; /* an event whose text is none; NULL = as OpenAI's chunks */
};

/* NULL: nothing is asked for there. */
const struct mock_api *mock_api_find(const char *path);

/* API number i, in the table's order; NULL behind the last. */
const struct mock_api *mock_api_at(size_t i);

extern const struct mock_api mock_chat, mock_completions, mock_embeddings, mock_responses;
extern const struct mock_api mock_chat, mock_completions, mock_embeddings;
extern const struct mock_api mock_messages, mock_count_tokens;
extern const struct mock_api mock_rerank;

#endif
