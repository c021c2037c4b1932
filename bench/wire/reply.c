#include "bench/wire/reply.h"

#include "core/json/json_scan.h"
#include "core/json/json_write.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TEXT ((size_t)16 << 20)

static void clear_call(struct reply_call *c)
{
    buffer_clear(&c->id);
    buffer_clear(&c->name);
    buffer_clear(&c->arguments);
    c->place = 0;
    c->is_custom = false;
}

void reply_clear(struct reply *r)
{
    buffer_clear(&r->text);
    for (size_t i = 0; i < r->call_count; i++)
        clear_call(&r->calls[i]);
    r->call_count = 0;
}

void reply_free(struct reply *r)
{
    buffer_free(&r->text);
    for (size_t i = 0; i < r->call_made; i++) {
        buffer_free(&r->calls[i].id);
        buffer_free(&r->calls[i].name);
        buffer_free(&r->calls[i].arguments);
    }
    free(r->calls);
    *r = (struct reply){0};
}

bool reply_is_empty(const struct reply *r)
{
    return r->text.length == 0 && r->call_count == 0;
}

void reply_add(struct buffer *to, struct text raw)
{
    to->cap = MAX_TEXT;
    json_unescape(raw, to);
}

void reply_add_plain(struct buffer *to, struct text plain)
{
    to->cap = MAX_TEXT;
    buffer_add(to, plain.at, plain.length);
}

struct reply_call *reply_call_at(struct reply *r, size_t index)
{
    if (index >= REPLY_CALLS)
        return NULL;
    mem_grow(&r->calls, &r->call_capacity, index + 1, sizeof *r->calls);
    for (; r->call_made <= index; r->call_made++)
        r->calls[r->call_made] = (struct reply_call){0};
    if (r->call_count <= index)
        r->call_count = index + 1;
    return &r->calls[index];
}

struct reply_call *reply_call_begin(struct reply *r, uint64_t place)
{
    struct reply_call *call = reply_call_at(r, r->call_count);
    if (call)
        call->place = place;
    return call;
}

struct reply_call *reply_call_of(struct reply *r, uint64_t place)
{
    for (size_t i = r->call_count; i-- > 0;)
        if (r->calls[i].place == place)
            return &r->calls[i];
    return NULL;
}

bool reply_is_blank(const struct reply *r)
{
    size_t i = 0;
    while (i < r->text.length && strchr(" \t\r\n", r->text.data[i]))
        i++;
    return i == r->text.length;
}

int reply_write(const struct buffer *text, struct buffer *out)
{
    struct buffer plain;
    size_t bad;
    buffer_init(&plain, BUFFER_UNBOUNDED);
    buffer_add(&plain, text->data ? text->data : "", text->length);
    for (size_t at = 0;
         at < plain.length && !text_is_utf8(plain.data + at, plain.length - at, &bad);
         at += bad + 1)
        plain.data[at + bad] = '?';
    json_escape(out, (struct text){plain.length ? plain.data : "", plain.length});
    buffer_free(&plain);
    return 0;
}

void reply_write_id(const struct reply *r, size_t index, struct buffer *out)
{
    if (r->calls[index].id.length)
        reply_write(&r->calls[index].id, out);
    else
        buffer_add_format(out, "\"call_%zu\"", index);
}
