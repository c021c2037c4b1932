/* libFuzzer entry: any bytes as an answer; what is lent must lie inside them. */
#include "bench/wire/openai.h"

#include <stdlib.h>

static void inside(struct text t, const char *from, size_t size)
{
    if (t.length && (t.at < from || t.at + t.length > from + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct chunk c;
    if (openai_read_answer((struct text){bytes, size}, &c) < 0)
        return 0;
    inside(c.content, bytes, size);
    inside(c.reasoning, bytes, size);
    inside(c.refusal, bytes, size);
    inside(c.tool, bytes, size);
    inside(c.finish_reason, bytes, size);
    inside(c.raw_usage, bytes, size);
    inside(c.error_message, bytes, size);
    return 0;
}
