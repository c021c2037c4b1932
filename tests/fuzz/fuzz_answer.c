/* libFuzzer entry: the first byte gives the piece size, the second what the headers say, the rest
 * is the body. Fed in pieces it must be the same answer as fed whole. */
#include "bench/answer/attempt.h"

#include <stdlib.h>
#include <string.h>

static const struct attempt_config config = {.api = &api_chat,
                                             .stream = true,
                                             .keep_text = true,
                                             .keep_raw = true,
                                             .max_event = 1 << 20,
                                             .max_body = 1 << 20};

static struct record play(struct attempt *a, const char *type, const char *bytes, size_t count,
                          size_t piece)
{
    struct record r;
    attempt_init(a);
    attempt_begin(a, &config, 1);
    attempt_answer(a, 200, type);
    for (size_t at = 0; at < count; at += piece) {
        size_t n = count - at < piece ? count - at : piece;
        char *own = malloc(n);
        memcpy(own, bytes + at, n);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"text/event-stream", "application/json", NULL};
    struct attempt a, b;
    if (size < 2)
        return 0;
    const char *type = types[data[1] % 3], *bytes = (const char *)data + 2;
    size_t count = size - 2, piece = 1 + data[0] % 32;
    struct record x = play(&a, type, bytes, count, count ? count : 1);
    struct record y = play(&b, type, bytes, count, piece);
    bool equal = x.failure == y.failure && x.odd == y.odd && x.chunks == y.chunks &&
                 x.streamed == y.streamed && same(x.text, y.text) && same(x.message, y.message) &&
                 same(x.finish_reason, y.finish_reason) && same(x.raw_usage, y.raw_usage) &&
                 x.first_chunk_tokens == y.first_chunk_tokens &&
                 memcmp(x.usage.tokens, y.usage.tokens, sizeof x.usage.tokens) == 0;
    attempt_free(&a);
    attempt_free(&b);
    if (!equal)
        abort();
    return 0;
}
