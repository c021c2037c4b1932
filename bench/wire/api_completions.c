/* OpenAI's text completions. */
#include "bench/wire/openai.h"

static int add_prompt(const struct api_prompt *p, struct buffer *out)
{
    if (buffer_add_text(out, "\"prompt\":\"") < 0 ||
        buffer_add(out, p->history.at, p->history.length) < 0)
        return -1;
    return api_add_text(p, "", "\",", out);
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
    .events_stand_alone = true,
    .read_reply = openai_read_reply,
    .add_turn = openai_add_text_turn,
    .end_mark = "[DONE]",
};
