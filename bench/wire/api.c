#include "bench/wire/api.h"

#include <string.h>

/* clang-format off */
static const struct bench_api *const apis[] = {
    &api_chat, &api_completions, &api_embeddings,
    &api_responses,
    &api_messages,
    &api_rerank,
};
/* clang-format on */

const struct bench_api *bench_api_find(const char *name)
{
    for (size_t i = 0; i < sizeof apis / sizeof *apis; i++)
        if (strcmp(apis[i]->name, name) == 0)
            return apis[i];
    return NULL;
}

const char *bench_api_name(size_t i)
{
    return i < sizeof apis / sizeof *apis ? apis[i]->name : NULL;
}

int api_add_text(const struct api_prompt *p, const char *opening, const char *closing,
                 struct buffer *out)
{
    if (buffer_add_text(out, opening) < 0 || p->add_text(p->source, out) < 0)
        return -1;
    return buffer_add_text(out, closing);
}

int api_add_images(const struct api_prompt *p, const char *opening, const char *closing,
                   struct buffer *out)
{
    for (size_t i = 0; i < p->images; i++)
        if (buffer_add_text(out, opening) < 0 || p->add_image(p->source, i, out) < 0 ||
            buffer_add_text(out, closing) < 0)
            return -1;
    return 0;
}
