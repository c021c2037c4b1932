/* Anthropic's messages. */
#include "bench/wire/messages.h"

static const char *const prompt_keys[] = {"messages", "prompt", "input", NULL};
static const char *const output_keys[] = {"max_tokens", "max_completion_tokens", NULL};
static const char *const headers[] = {"anthropic-version: 2023-06-01", NULL};

static int add_prompt(const struct api_prompt *p, struct buffer *out)
{
    if (p->messages.length)
        return messages_add_prompt(p->messages, out);
    if (buffer_add_text(out, "\"messages\":[") < 0 ||
        buffer_add(out, p->history.at, p->history.length) < 0 || messages_add_user(p, out) < 0)
        return -1;
    return buffer_add_text(out, "],");
}

const struct bench_api api_messages = {
    .name = "messages",
    .path = "/messages",
    .generates = true,
    .key_header = "x-api-key: ",
    .key_variable = "ANTHROPIC_API_KEY",
    .headers = headers,
    .prompt_keys = prompt_keys,
    .output_keys = output_keys,
    .takes_messages = true,
    .takes_images = true,
    .add_prompt = add_prompt,
    .read_event = messages_read_event,
    .read_answer = messages_read_answer,
    .events_stand_alone = true,
    .read_reply = messages_read_reply,
    .add_turn = messages_add_turn,
    .end_mark = "message_stop",
};
