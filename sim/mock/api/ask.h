/* What a client asks: a request body, checked and reduced to what the mock needs.
 *
 *     struct ask a;
 *     struct api_error e;
 *     if (ask_parse(&a, ASK_CHAT, body, length, &rules, &e) < 0)
 *         return reply_error(&e);
 *     use(a.prompt.tokens, a.output_tokens);
 *     ask_free(&a);
 *
 * The ask owns its JSON tree; the cJSON pointers point into it. ask_parse leaves an ask that
 * ask_free accepts, whatever it returns.
 */
#ifndef FAREBOX_SIM_MOCK_API_ASK_H
#define FAREBOX_SIM_MOCK_API_ASK_H

#include "sim/mock/api/api_error.h"
#include "sim/mock/api/tokens.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum ask_kind { ASK_CHAT, ASK_COMPLETION, ASK_EMBEDDING };

struct ask_rules {
    struct token_rules tokens;
    const char *model;       /* the only model served; NULL = any */
    uint32_t default_output; /* tokens of an answer whose length nobody asked for */
    uint32_t max_output;     /* most that may be asked for */
};

#define ASK_MAX_STOPS 4
#define ASK_MAX_INPUTS 2048
#define ASK_MAX_COMPONENTS (2 << 20) /* numbers in one answer with embeddings */

struct ask {
    enum ask_kind kind;
    cJSON *body;
    const char *model;
    bool stream, include_usage;
    bool output_given;      /* the client said how long the answer may be */
    uint32_t output_tokens; /* said, or the default */
    struct prompt prompt;

    const char *stops[ASK_MAX_STOPS];
    size_t stop_count;
    const cJSON *tools;    /* an array, or NULL */
    const char *tool_name; /* the one function that tool_choice names, or NULL */
    bool tool_required;
    bool parallel_tools;
    bool json_object;             /* response_format asks for some JSON object */
    const cJSON *json_schema;     /* or for this schema; NULL */
    const char *reasoning_effort; /* NULL = not said */

    uint32_t inputs; /* embeddings: how many texts */
    uint32_t dimensions;
    bool base64;
};

/* 0, or -1 with the error that the client gets. */
int ask_parse(struct ask *a, enum ask_kind kind, const char *body, size_t length,
              const struct ask_rules *rules, struct api_error *e);
void ask_free(struct ask *a);

#endif
