/* OpenAI's text completions. */
#include "bench/wire/openai.h"

static int add_prompt(const struct api_prompt *p, struct buffer *out)
{
    return api_add_text(p, "\"prompt\":\"", "\",", out);
}

const struct bench_api api_completions = {
    .name = "completions",
    .path = "/completions",
    .generates = true,
    .key_header = "Authorization: Bearer ",
    .prompt_keys = openai_prompt_keys,
    .output_keys = openai_output_keys,
    .stream_options = "{\"include_usage\":true}",
    .add_prompt = add_prompt,
    .read_event = openai_read_event,
    .read_answer = openai_read_answer,
    .end_mark = "[DONE]",
};
