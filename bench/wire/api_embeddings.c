/* OpenAI's embeddings. */
#include "bench/wire/openai.h"

static int add_prompt(const struct api_prompt *p, struct buffer *out)
{
    return api_add_text(p, "\"input\":\"", "\",", out);
}

const struct bench_api api_embeddings = {
    .name = "embeddings",
    .path = "/embeddings",
    .key_header = "Authorization: Bearer ",
    .prompt_keys = openai_prompt_keys,
    .output_keys = openai_output_keys,
    .add_prompt = add_prompt,
    .read_event = openai_read_event,
    .read_answer = openai_read_answer,
    .end_mark = "[DONE]",
};
