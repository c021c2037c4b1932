/* OpenAI's chat completions. */
#include "bench/wire/openai.h"

/* The text is the first part. */
static int add_parts(const struct api_prompt *p, struct buffer *out)
{
    if (api_add_text(p,
                     "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"",
                     "\"}", out) < 0 ||
        api_add_images(p,
                       ",{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,",
                       "\"}}", out) < 0)
        return -1;
    return buffer_add_text(out, "]}],");
}

static int add_prompt(const struct api_prompt *p, struct buffer *out)
{
    if (p->messages.length == 0 && p->images)
        return add_parts(p, out);
    if (p->messages.length == 0)
        return api_add_text(p, "\"messages\":[{\"role\":\"user\",\"content\":\"", "\"}],", out);
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
    .end_mark = "[DONE]",
};
