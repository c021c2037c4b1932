#include "sim/mock/api/render.h"

#include "core/json/json_write.h"

#include <string.h>

void rendering_free(struct rendering *r)
{
    buffer_free(&r->head);
}

void render_event(struct rendering *r, const char *name)
{
    frame_event(name, r->json->data, r->json->length, r->framing, r->out);
    buffer_clear(r->json);
}

void render_string(const char *text, struct buffer *out)
{
    json_escape(out, text_of(text));
}

/* Text made beforehand holds quotes; words do not. */
void render_text(const struct answer *a, uint32_t part, uint32_t token, uint32_t count,
                 struct buffer *out)
{
    if (!a->parts[part].text) {
        for (uint32_t i = 0; i < count; i++)
            answer_add_piece(a, part, token + i, out);
        return;
    }
    struct buffer text, escaped;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_init(&escaped, BUFFER_UNBOUNDED);
    for (uint32_t i = 0; i < count; i++)
        answer_add_piece(a, part, token + i, &text);
    json_escape(&escaped, (struct text){text.length ? text.data : "", text.length});
    buffer_add(out, escaped.data + 1, escaped.length - 2);
    buffer_free(&text);
    buffer_free(&escaped);
}

void render_parts(const struct answer *a, enum part_kind kind, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    bool any = false;
    for (uint32_t i = 0; i < a->part_count; i++) {
        if (a->parts[i].kind != kind)
            continue;
        any = true;
        answer_add_part(a, i, &text);
    }
    if (any)
        json_escape(out, (struct text){text.length ? text.data : "", text.length});
    else
        buffer_add_text(out, "null");
    buffer_free(&text);
}

/* Chunk sizes in hexadecimal: one small piece of every frame, so not through printf. */
static void add_chunk_size(size_t length, struct buffer *out)
{
    char text[20];
    size_t at = sizeof text;
    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = "0123456789abcdef"[length & 15];
        length >>= 4;
    } while (length);
    buffer_add(out, text + at, sizeof text - at);
}

void frame_bytes(const char *bytes, size_t length, bool chunked, struct buffer *out)
{
    if (length == 0)
        return; /* an empty chunk would end the body */
    if (chunked)
        add_chunk_size(length, out);
    buffer_add(out, bytes, length);
    if (chunked)
        buffer_add(out, "\r\n", 2);
}

void frame_event(const char *name, const char *bytes, size_t length, struct framing f,
                 struct buffer *out)
{
    const char *end = f.crlf ? "\r\n\r\n" : "\n\n";
    size_t end_length = f.crlf ? 4 : 2;
    size_t name_length = name ? strlen(name) : 0;
    if (f.chunked)
        add_chunk_size((name ? 7 + name_length + end_length / 2 : 0) + 6 + length + end_length,
                       out);
    if (name) {
        buffer_add(out, "event: ", 7);
        buffer_add(out, name, name_length);
        buffer_add(out, end, end_length / 2);
    }
    buffer_add(out, "data: ", 6);
    buffer_add(out, bytes, length);
    buffer_add(out, end, end_length);
    if (f.chunked)
        buffer_add(out, "\r\n", 2);
}
