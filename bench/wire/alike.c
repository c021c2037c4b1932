#include "bench/wire/alike.h"

#include <stddef.h>
#include <string.h>

/* Bears content, as one text, and says nothing beside it. */
static bool is_plain(const struct chunk *c)
{
    bool ends = c->ends || c->finish_reason.length || c->is_error || c->error_message.length;
    bool bills = c->has_usage || c->has_cost || c->unit.name || c->results;
    bool texts = c->reasoning.length || c->refusal.length || c->tool.length || c->more_count;
    return c->tokens == CHUNK_CONTENT && c->content.length && !texts && !ends && !bills &&
           !c->odd && !c->begins && !c->is_whole_text && !c->is_foreign && !c->says_twice &&
           !c->logprobs;
}

void alike_learn(struct alike *a, const char *name, struct text data, const struct chunk *c)
{
    if (!is_plain(c) || c->content.at <= data.at || c->content.at[-1] != '"')
        return;
    size_t head = (size_t)(c->content.at - data.at);
    size_t tail = data.length - head - c->content.length;
    if (head + tail > sizeof a->bytes || strlen(name) >= sizeof a->name)
        return;
    strcpy(a->name, name);
    memcpy(a->bytes, data.at, head);
    memcpy(a->bytes + head, c->content.at + c->content.length, tail);
    a->head = (uint16_t)head;
    a->tail = (uint16_t)tail;
}

bool alike_read(const struct alike *a, const char *name, struct text data, struct chunk *out)
{
    struct json_scan s;
    struct text content;
    size_t around = (size_t)a->head + a->tail;
    if (!a->head || data.length <= around || strcmp(name, a->name) != 0 ||
        memcmp(data.at, a->bytes, a->head) != 0 ||
        memcmp(data.at + data.length - a->tail, a->bytes + a->head, a->tail) != 0)
        return false;
    size_t length = data.length - around;
    json_scan_init(&s, "answer", data.at + a->head - 1, length + 2, 1);
    if (!json_string(&s, &content) || content.length != length)
        return false;
    memset(out, 0, offsetof(struct chunk, more));
    out->tokens = CHUNK_CONTENT;
    out->content = content;
    return true;
}
