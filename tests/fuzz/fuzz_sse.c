/* libFuzzer entry: the first byte gives the piece size, the rest is the stream. Fed in pieces it
 * must give the same events as fed whole. */
#include "bench/wire/sse.h"

#include <stdlib.h>

struct heard {
    uint64_t hash;
    size_t events;
};

static bool hear(void *context, const char *name, struct text data)
{
    struct heard *h = context;
    h->hash = h->hash * 31 + text_hash(data.at, data.length) + (unsigned char)name[0];
    h->events++;
    return true;
}

static struct heard run(const char *bytes, size_t count, size_t piece)
{
    struct sse s;
    struct heard h = {0};
    sse_init(&s, 1 << 20);
    for (size_t at = 0; at < count; at += piece) {
        size_t n = count - at < piece ? count - at : piece;
        char *own = malloc(n);
        __builtin_memcpy(own, bytes + at, n);
        if (sse_feed(&s, own, n, hear, &h) != SSE_GO_ON)
            abort();
        free(own);
    }
    sse_end(&s, hear, &h);
    sse_free(&s);
    return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > (1 << 19))
        return 0;
    const char *bytes = (const char *)data + 1;
    struct heard whole = run(bytes, size - 1, size), cut = run(bytes, size - 1, data[0] % 32 + 1u);
    if (whole.hash != cut.hash || whole.events != cut.events)
        abort();
    return 0;
}
