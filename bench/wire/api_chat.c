/* OpenAI's chat completions. */
#include "bench/wire/openai.h"

static int add_prompt(const struct api_prompt *p, struct buffer *out)
{
    if (p->messages.length == 0) {
        if (buffer_add_text(out, "\"messages\":[") < 0 ||
            buffer_add(out, p->history.at, p->history.length) < 0)
            return -1;
        return openai_add_user(p, out) < 0 ? -1 : buffer_add_text(out, "],");
    }
    if (buffer_add_text(out, "\"messages\":") < 0 ||
        buffer_add(out, p->messages.at, p->messages.length) < 0)
        return -1;
    return buffer_add_byte(out, ',');
}

const struct bench_api api_chat = {
    .name = "chat",
    .path = "/chat/completions",
    .generates = true,
    .key_header = "Authorization: Bearer ",
    .prompt_keys = openai_prompt_keys,
    .output_keys = openai_output_keys,
    .stream_options = "{\"include_usage\":true}",
    .takes_messages = true,
    .takes_images = true,
    .add_prompt = add_prompt,
    .read_event = openai_read_event,
    .read_answer = openai_read_answer,
    .events_stand_alone = true,
    .read_reply = openai_read_reply,
    .add_turn = openai_add_message_turn,
    .end_mark = "[DONE]",
};
