/* What to try where an exchange failed: from what came and how it was asked, one sentence.
 *
 *     struct advice_case c = {.failure = r->failure, .http_status = 404, .message = r->message,
 *                             .base = "http://host:8000", .path = "/chat/completions"};
 *     advice_add_what(&c, &out);      // POST http://host:8000/chat/completions: HTTP status 404:
 * ... if (advice_add(&c, &out)) ...   // the API's base often ends in /v1: try --url http://...
 *
 * Knows no secrets: what it gets may be shown.
 */
#ifndef FAREBOX_BENCH_REFUSAL_ADVICE_H
#define FAREBOX_BENCH_REFUSAL_ADVICE_H

#include "core/buffer.h"
#include "core/runs/record/record.h"
#include "core/text.h"

#include <stdbool.h>

/* Texts are borrowed; NULL or "" = there is none, or it is not known. */
struct advice_case {
    /* what came */
    enum failure_class failure;
    int http_status; /* 0 = no answer */
    const char *content_type, *message;
    /* how it was asked */
    const char *url;            /* the address, as it may be shown */
    const char *base;           /* --url, likewise */
    const char *api, *path;     /* --api and its path */
    const char *key_from;       /* where the key that was sent comes from: "OPENAI_API_KEY" */
    const char *model, *served; /* the models that the endpoint lists: "a, b and 3 more" */
    const char *proxy;          /* the variable of the environment that names a proxy */
    const char *body;           /* --body, a JSON object */
    const char *output_key,
        *other_output_key; /* for the answer's length, and what else it may be */
    bool http2, retries;
    bool some_completed; /* other requests to the endpoint */
};

/* "POST http://host/v1/chat/completions: HTTP status 401 (application/json): no key". */
void advice_add_what(const struct advice_case *c, struct buffer *out);

/* What to try; false if there is nothing better than the server's own words. */
bool advice_add(const struct advice_case *c, struct buffer *out);

/* True if a refusal is about the model: it is not there. */
bool advice_is_of_model(int http_status, struct text words, const char *model);

#endif
