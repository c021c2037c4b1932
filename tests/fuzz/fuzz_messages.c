/* libFuzzer entry: the first byte chooses what the rest is.
 * 0: lines are the events of one stream of Anthropic's; what is lent must lie inside them, and its
 *    usage never falls.
 * 1: a whole answer.
 * 2: a list of messages; if it is JSON, so is the body that it becomes. */
#include "bench/wire/messages.h"

#include <stdlib.h>

static void inside(struct text t, struct text all)
{
    if (t.length && (t.at < all.at || t.at + t.length > all.at + all.length))
        abort();
}

static void check(const struct chunk *c, struct text all)
{
    inside(c->content, all);
    inside(c->reasoning, all);
    inside(c->tool, all);
    inside(c->raw_usage, all);
    inside(c->error_message, all);
}

static void read_stream(struct text all)
{
    struct answer_so_far so_far = {0};
    struct chunk c;
    while (all.length) {
        const char *end = memchr(all.at, '\n', all.length);
        struct text line = {all.at, end ? (size_t)(end - all.at) : all.length};
        size_t taken = line.length + (end != NULL);
        all = (struct text){all.at + taken, all.length - taken};
        if (messages_read_event(&so_far, "message_delta", line, &c) < 0)
            continue;
        check(&c, line);
        if (!c.has_usage)
            continue;
        if (usage_input(&c.usage) < usage_input(&so_far.usage) ||
            usage_output(&c.usage) < usage_output(&so_far.usage))
            abort();
        so_far = (struct answer_so_far){true, c.usage, c.usage_grows};
    }
}

static bool is_json(const char *at, size_t length)
{
    struct json_scan s;
    json_scan_init(&s, "fuzz", at, length, 1);
    json_skip(&s, NULL);
    return json_scan_end(&s, NULL) == 0;
}

static void say(struct text list)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    buffer_add_byte(&out, '{');
    if (messages_add_prompt(list, &out) < 0)
        abort();
    out.data[out.length - 1] = '}'; /* the last comma */
    if (is_json(list.at, list.length) && !is_json(out.data, out.length))
        abort();
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chunk c;
    if (size == 0)
        return 0;
    struct text rest = {(const char *)data + 1, size - 1};
    if (data[0] % 3 == 0)
        read_stream(rest);
    else if (data[0] % 3 == 2)
        say(rest);
    else if (messages_read_answer(rest, &c) == 0)
        check(&c, rest);
    return 0;
}
