/* OpenAI's responses. */
#include "bench/wire/openai.h"
#include "bench/wire/responses.h"

static const char *const output_keys[] = {"max_output_tokens", NULL};

static int add_prompt(const struct api_prompt *p, struct buffer *out)
{
    if (p->messages.length == 0 && p->history.length == 0 && p->images == 0)
        return api_add_text(p, "\"input\":\"", "\",", out);
    if (buffer_add_text(out, "\"input\":") < 0 ||
        (p->messages.length ? responses_add_input(p->messages, out) : responses_add_made(p, out)) <
            0)
        return -1;
    return buffer_add_byte(out, ',');
}

const struct bench_api api_responses = {
    .name = "responses",
    .path = "/responses",
    .generates = true,
    .key_header = "Authorization: Bearer ",
    .prompt_keys = openai_prompt_keys,
    .output_keys = output_keys,
    .takes_messages = true,
    .takes_images = true,
    .probe_output = 16, /* OpenAI refuses less */
    .add_prompt = add_prompt,
    .read_event = responses_read_event,
    .read_answer = responses_read_answer,
    .read_reply = responses_read_reply,
    .add_turn = responses_add_turn,
    .end_mark = "response.completed",
};
