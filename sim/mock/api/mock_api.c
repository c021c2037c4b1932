#include "sim/mock/api/mock_api.h"

#include <string.h>

/* clang-format off */
static const struct mock_api *const apis[] = {
    &mock_chat, &mock_completions, &mock_embeddings,
    &mock_responses,
    &mock_messages, &mock_count_tokens,
    &mock_rerank,
};
/* clang-format on */

const struct mock_api *mock_api_find(const char *path)
{
    for (size_t i = 0; i < sizeof apis / sizeof *apis; i++)
        if (strcmp(apis[i]->path, path) == 0)
            return apis[i];
    return NULL;
}

const struct mock_api *mock_api_at(size_t i)
{
    return i < sizeof apis / sizeof *apis ? apis[i] : NULL;
}
