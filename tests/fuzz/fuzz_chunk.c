/* libFuzzer entry: any bytes as an answer, and mended; what is lent must lie inside them. */
#include "bench/wire/openai.h"
#include "core/json/mend.h"

#include <stdlib.h>

static void inside(struct text t, const char *from, size_t size)
{
    if (t.length && (t.at < from || t.at + t.length > from + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static bool read(const char *bytes, size_t size)
{
    struct chunk c;
    struct text words;
    if (chunk_find_words((struct text){bytes, size}, &words))
        inside(words, bytes, size);
    if (openai_read_answer((struct text){bytes, size}, &c) < 0)
        return false;
    inside(c.content, bytes, size);
    inside(c.reasoning, bytes, size);
    inside(c.refusal, bytes, size);
    inside(c.tool, bytes, size);
    inside(c.finish_reason, bytes, size);
    inside(c.raw_usage, bytes, size);
    inside(c.error_message, bytes, size);
    for (unsigned i = 0; i < c.more_count; i++)
        inside(c.more[i], bytes, size);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct buffer mended;
    if (read(bytes, size))
        return 0;
    /* What was mended holds nothing more to mend, or is no JSON whatever is done. */
    buffer_init(&mended, 6 * (size + 1));
    if (mend_json((struct text){bytes, size}, &mended) && read(mended.data, mended.length)) {
        struct buffer again;
        buffer_init(&again, 6 * (mended.length + 1));
        if (mend_json((struct text){mended.data, mended.length}, &again))
            abort();
        buffer_free(&again);
    }
    buffer_free(&mended);
    return 0;
}
