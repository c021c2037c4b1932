/* What a client asks: a request body, checked and reduced to what the mock needs.
 *
 *     struct ask a;
 *     struct api_error e;
 *     if (ask_parse(&a, &mock_chat, body, length, &rules, &e) < 0)
 *         return refuse(&e);
 *     use(a.prompt.tokens, a.output_tokens);
 *     ask_free(&a);
 *
 * The ask owns its JSON tree; the texts and cJSON pointers point into it. ask_parse leaves an ask
 * that ask_free accepts, whatever it returns.
 */
#ifndef FAREBOX_SIM_MOCK_API_ASK_H
#define FAREBOX_SIM_MOCK_API_ASK_H

#include "sim/mock/api/api_error.h"
#include "sim/mock/api/kept.h"
#include "sim/mock/api/prefixes.h"
#include "sim/mock/api/tokens.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct mock_api;

struct ask_rules {
    struct token_rules tokens;
    const char *model;       /* the only model served; NULL = any */
    uint32_t default_output; /* tokens of an answer whose length nobody asked for */
    uint32_t max_output;     /* most that may be asked for */
    const struct kept *kept; /* what a request may go on from; NULL = nothing */
};

#define ASK_MAX_STOPS 4 /* as OpenAI has it */
#define ASK_STOPS 64
#define ASK_MAX_INPUTS 2048
#define ASK_MAX_CHOICES 16

/* A function that may be called; parameters: its JSON schema, NULL = none. */
struct ask_tool {
    const char *name;
    const cJSON *parameters;
};

/* An image's tokens, and how many of the prompt's stand before them. */
struct ask_image {
    uint64_t before, tokens;
};

struct ask {
    cJSON *body;
    const char *model;
    bool stream, include_usage;
    bool output_given;      /* the client said how long the answer may be */
    uint32_t output_tokens; /* said, or the default */
    int32_t priority;       /* smaller = more urgent */
    struct prompt prompt;

    const char *stops[ASK_STOPS];
    size_t stop_count;
    struct ask_tool *tools; /* owned; those that may be called */
    size_t tool_count;
    const char *tool_name; /* the one function that must be called, or NULL */
    bool tool_required;
    bool parallel_tools;
    bool after_tool;              /* the conversation ends with a tool's result */
    bool json_object;             /* response_format asks for some JSON object */
    const cJSON *json_schema;     /* or for this schema; NULL */
    bool reasons;                 /* an answer may begin with reasoning */
    const char *reasoning_effort; /* NULL = not said */
    bool reasoning_summary;       /* it is told as a summary */

    bool keeps;         /* what is added to the prompt is noted, for a later request */
    struct buffer said; /* owned */

    char *echo; /* members that the answer says again, each with a comma; owned; NULL = none */

    struct ask_image *images; /* of the prompt, in its order; owned */
    size_t image_count, image_capacity;
    uint32_t choices; /* answers to it, each a sequence of its own; 1 to ASK_MAX_CHOICES */
    bool logprobs;    /* of the tokens of its text */
    uint32_t top_logprobs;
    char *echoes[ASK_MAX_CHOICES]; /* the prompt that a choice begins with; owned; NULL = none */
    uint32_t reasoning_budget;     /* tokens that it may have, and has some of; 0 = not said */
    bool hides_reasoning;          /* it takes its time, and none of it is told */
    struct prefix_list prefixes;   /* places and marks in the prompt */

    uint32_t inputs; /* embeddings: how many texts; rerank: documents */
    uint32_t top_n;  /* rerank: how many of them are told */
    uint32_t search_units;
    bool tells_documents; /* rerank: their texts too; the body is kept for it */
    uint32_t dimensions;
    bool base64;
};

/* 0, or -1 with the error that the client gets. */
int ask_parse(struct ask *a, const struct mock_api *api, const char *body, size_t length,
              const struct ask_rules *rules, struct api_error *e);
void ask_free(struct ask *a);

/* Frees the tree, which can be large, once the answer is planned: only numbers and flags are left.
 */
void ask_drop_body(struct ask *a);

/* ---- for the APIs ---- */

/* A member of an object; NULL if it is not there or null. The same, if it is a string. */
const cJSON *ask_member(const cJSON *object, const char *name);
const char *ask_string(const cJSON *object, const char *name);

/* The error for a parameter that is not there; -1. */
int ask_missing(const char *name, struct api_error *e);

/* Adds text to the prompt; who speaks. */
void ask_add_text(struct ask *a, const char *text);
void ask_add_role(struct ask *a, const char *role);

#endif
