/* libFuzzer entry: the first byte says what the rest is: an event (with what came before it), a
 * whole answer, or a chat's messages. What is lent must lie inside the bytes, and what is made of
 * messages must be JSON wherever they are. */
#include "bench/wire/responses.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static void inside(struct text t, const char *from, size_t size)
{
    bool ours = t.length == 0 || t.at < from || t.at >= from + size; /* a word of the reader's */
    if (!ours && t.at + t.length > from + size)
        abort();
}

static void check_chunk(const struct chunk *c, const char *from, size_t size)
{
    const struct text lent[] = {c->content, c->reasoning, c->refusal, c->tool, c->raw_usage};
    for (size_t i = 0; i < sizeof lent / sizeof *lent; i++)
        if (lent[i].length && (lent[i].at < from || lent[i].at + lent[i].length > from + size))
            abort();
    inside(c->finish_reason, from, size);
    inside(c->error_message, from, size);
    bool text = c->content.length || c->reasoning.length || c->refusal.length || c->tool.length;
    if (text != (c->tokens != 0))
        abort();
}

static void check_input(struct text messages)
{
    struct json_scan s;
    struct buffer out;
    json_scan_init(&s, "messages", messages.at, messages.length, 1);
    bool good = json_skip(&s, NULL) && json_scan_end(&s, NULL) == 0;
    buffer_init(&out, 1 << 20);
    bool made = responses_add_input(messages, &out) == 0;
    cJSON *json = made && good ? cJSON_ParseWithLength(out.data, out.length) : NULL;
    if (made && good && !cJSON_IsArray(json))
        abort();
    cJSON_Delete(json);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct text bytes = {(const char *)data + 1, size - 1};
    struct answer_so_far so_far = {.tokens = data[0] >> 4, .part_tokens = data[0] >> 2 & 3};
    struct chunk c;
    if (data[0] % 4 == 3)
        check_input(bytes);
    else if ((data[0] % 4 == 2 ? responses_read_answer(bytes, &c)
                               : responses_read_event(&so_far, "", bytes, &c)) == 0)
        check_chunk(&c, bytes.at, bytes.length);
    return 0;
}
