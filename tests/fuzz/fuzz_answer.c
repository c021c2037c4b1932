/* libFuzzer entry: the first byte gives the piece size, the second what the headers say, the third
 * the API and whether a stream was asked for, the rest is the body. Of every API: fed in pieces it
 * must be the same answer as fed whole, and what is told of it must hold together. */
#include "bench/answer/attempt.h"

#include <stdlib.h>
#include <string.h>

static const struct bench_api *const apis[] = {&api_chat,      &api_completions, &api_embeddings,
                                               &api_responses, &api_messages,    &api_rerank};
#define APIS (sizeof apis / sizeof *apis)

struct play {
    struct attempt_config config;
    const char *type, *bytes;
    size_t count;
};

static struct record play(struct attempt *a, const struct play *p, size_t piece)
{
    struct record r;
    size_t count = p->count;
    attempt_init(a);
    attempt_begin(a, &p->config, 1);
    attempt_answer(a, 200, p->type);
    for (size_t at = 0; at < count; at += piece) {
        size_t n = count - at < piece ? count - at : piece;
        char *own = malloc(n);
        memcpy(own, p->bytes + at, n);
        bool go_on = attempt_feed(a, &(struct arrival){2, 2, at + 1}, own, n);
        free(own);
        if (!go_on)
            break;
    }
    attempt_end(a, FAILURE_NONE, NULL);
    record_init(&r);
    attempt_fill(a, &r);
    return r;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_equal(const struct record *x, const struct record *y)
{
    bool equal = x->failure == y->failure && x->odd == y->odd && x->chunks == y->chunks &&
                 x->streamed == y->streamed && same(x->text, y->text) &&
                 same(x->message, y->message) && same(x->finish_reason, y->finish_reason) &&
                 same(x->raw_usage, y->raw_usage) &&
                 x->first_chunk_tokens == y->first_chunk_tokens &&
                 memcmp(x->usage.tokens, y->usage.tokens, sizeof x->usage.tokens) == 0;
    if (!equal)
        abort();
}

static void check_sense(const struct record *r)
{
    bool began = r->first_token_ns != TIME_NEVER, text = r->first_text_ns != TIME_NEVER;
    bool parts = text || r->first_tool_ns != TIME_NEVER || r->first_reasoning_ns != TIME_NEVER;
    if (r->odd >= 1u << ODDITIES || (r->failure != FAILURE_NONE) != (r->status == RECORD_FAILED) ||
        began != (r->chunks > 0) || began != parts || (began && r->last_token_ns == TIME_NEVER))
        abort();
    if (r->status == RECORD_FAILED && !r->message)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"text/event-stream", "application/json", NULL};
    struct attempt a, b;
    if (size < 3)
        return 0;
    const struct bench_api *api = apis[data[2] % APIS];
    struct play p = {.config = {.api = api,
                                .stream = api->generates && data[2] < 192,
                                .keep_text = true,
                                .keep_raw = true,
                                .max_event = 1 << 20,
                                .max_body = 1 << 20},
                     .type = types[data[1] % 3],
                     .bytes = (const char *)data + 3,
                     .count = size - 3};
    struct record x = play(&a, &p, p.count ? p.count : 1), y = play(&b, &p, 1 + data[0] % 32);
    check_equal(&x, &y);
    check_sense(&x);
    attempt_free(&a);
    attempt_free(&b);
    return 0;
}
