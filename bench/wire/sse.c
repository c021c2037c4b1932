#include "bench/wire/sse.h"

#include <string.h>

#define KEPT_BYTES ((size_t)16 << 10)

void sse_init(struct sse *s, size_t max_event)
{
    *s = (struct sse){.max_event = max_event};
    buffer_init(&s->line, max_event);
    buffer_init(&s->data, max_event);
}

void sse_free(struct sse *s)
{
    buffer_free(&s->line);
    buffer_free(&s->data);
}

static void empty(struct buffer *b)
{
    if (b->capacity > KEPT_BYTES)
        buffer_free(b);
    else
        buffer_clear(b);
}

void sse_reset(struct sse *s)
{
    empty(&s->line);
    empty(&s->data);
    s->name[0] = '\0';
    s->started = s->has_data = s->is_lent = s->skip_lf = s->too_large = s->no_blanks = false;
}

/* Moves the lent data line into the parser's own buffer: the piece is about to go, or another
 * data line follows. */
static bool own_data(struct sse *s)
{
    if (!s->is_lent)
        return true;
    s->is_lent = false;
    return buffer_add(&s->data, s->lent.at, s->lent.length) == 0;
}

static bool add_data(struct sse *s, struct text value, bool in_piece)
{
    if (value.length > s->max_event)
        return false;
    if (!s->has_data && in_piece) {
        s->has_data = s->is_lent = true;
        s->lent = value;
        return true;
    }
    bool fits = own_data(s) && (!s->has_data || buffer_add_byte(&s->data, '\n') == 0) &&
                buffer_add(&s->data, value.at, value.length) == 0;
    s->has_data = true;
    return fits;
}

static void set_name(struct sse *s, struct text value)
{
    size_t length = value.length < sizeof s->name - 1 ? value.length : sizeof s->name - 1;
    memcpy(s->name, value.at, length);
    s->name[length] = '\0';
}

static enum sse_verdict dispatch(struct sse *s, sse_sink *sink, void *context)
{
    bool go_on = true;
    if (s->has_data) {
        struct text data = s->is_lent ? s->lent : (struct text){s->data.data, s->data.length};
        if (!data.at)
            data.at = "";
        go_on = sink(context, s->name, data);
    }
    buffer_clear(&s->data);
    s->has_data = s->is_lent = false;
    s->name[0] = '\0';
    return go_on ? SSE_GO_ON : SSE_STOPPED;
}

static struct text field_value(struct text line, size_t colon)
{
    size_t from = colon + 1;
    if (from > line.length)
        return (struct text){line.at + line.length, 0};
    if (from < line.length && line.at[from] == ' ')
        from++;
    return (struct text){line.at + from, line.length - from};
}

static bool looks_whole(struct text data)
{
    return data.length > 1 && data.at[0] == '{' && data.at[data.length - 1] == '}';
}

/* A data line. Of several in one event each is usually a part of a text; objects that are whole, or
 * what follows on one, are events whose blank line is missing. */
static enum sse_verdict take_data(struct sse *s, struct text value, bool in_piece, sse_sink *sink,
                                  void *context)
{
    enum sse_verdict verdict = SSE_GO_ON;
    if (s->has_data) {
        struct text held = s->is_lent ? s->lent : (struct text){s->data.data, s->data.length};
        s->no_blanks = looks_whole(held) && (looks_whole(value) || text_starts(value, "["));
        if (s->no_blanks)
            verdict = dispatch(s, sink, context);
    }
    if (verdict != SSE_GO_ON)
        return verdict;
    if (!add_data(s, value, in_piece))
        return SSE_TOO_LARGE;
    return s->no_blanks ? dispatch(s, sink, context) : SSE_GO_ON;
}

/* "event", "id" and "retry" are fields; any other name is something that the server wrote beside
 * the stream. */
static enum sse_verdict take_field(struct sse *s, struct text line, sse_sink *sink, void *context)
{
    const char *colon = memchr(line.at, ':', line.length);
    struct text name = {line.at, colon ? (size_t)(colon - line.at) : line.length};
    struct text value = field_value(line, name.length);
    if (text_equal(name, "data"))
        return take_data(s, value, false, sink, context);
    if (text_equal(name, "event"))
        set_name(s, value);
    else if (s->stray && !text_equal(name, "id") && !text_equal(name, "retry"))
        return s->stray(context, "", line) ? SSE_GO_ON : SSE_STOPPED;
    return SSE_GO_ON;
}

/* One whole line without its end. `in_piece`: it lies in the fed bytes, not in our buffer. */
static enum sse_verdict take_line(struct sse *s, struct text line, bool in_piece, sse_sink *sink,
                                  void *context)
{
    if (!s->started) {
        s->started = true;
        if (text_starts(line, "\xef\xbb\xbf"))
            line = (struct text){line.at + 3, line.length - 3};
    }
    if (line.length == 0)
        return dispatch(s, sink, context);
    if (line.length >= 5 && memcmp(line.at, "data:", 5) == 0)
        return take_data(s, field_value(line, 4), in_piece, sink, context);
    return line.at[0] == ':' ? SSE_GO_ON : take_field(s, line, sink, context);
}

/* Line ends in a piece. Each kind is searched once per stretch without it, so that a stream with
 * one kind of line end only does not pay for the other at every line. */
struct line_ends {
    const char *lf, *cr, *end;
};

static const char *find(const char *at, const char *end, char c)
{
    const char *found = at < end ? memchr(at, c, (size_t)(end - at)) : NULL;
    return found ? found : end;
}

static const char *next_line_end(struct line_ends *e, const char *at)
{
    if (e->lf < at)
        e->lf = find(at, e->end, '\n');
    if (e->cr < at)
        e->cr = find(at, e->end, '\r');
    return e->lf < e->cr ? e->lf : e->cr;
}

static enum sse_verdict finish_line(struct sse *s, struct text tail, sse_sink *sink, void *context)
{
    if (s->line.length == 0)
        return take_line(s, tail, true, sink, context);
    if (buffer_add(&s->line, tail.at, tail.length) < 0)
        return SSE_TOO_LARGE;
    enum sse_verdict verdict =
        take_line(s, (struct text){s->line.data, s->line.length}, false, sink, context);
    buffer_clear(&s->line);
    return verdict;
}

static enum sse_verdict too_large(struct sse *s)
{
    s->too_large = true;
    return SSE_TOO_LARGE;
}

enum sse_verdict sse_feed(struct sse *s, const char *bytes, size_t count, sse_sink *sink,
                          void *context)
{
    const char *at = bytes, *end = bytes + count;
    if (s->too_large)
        return SSE_TOO_LARGE;
    if (count && s->skip_lf) {
        s->skip_lf = false;
        if (*at == '\n')
            at++;
    }
    struct line_ends ends = {find(at, end, '\n'), find(at, end, '\r'), end};
    while (at < end) {
        const char *stop = next_line_end(&ends, at);
        if (stop == end)
            break;
        struct text tail = {at, (size_t)(stop - at)};
        at = stop + 1;
        if (*stop == '\r') {
            s->skip_lf = at == end;
            if (at < end && *at == '\n')
                at++;
        }
        enum sse_verdict verdict = finish_line(s, tail, sink, context);
        if (verdict == SSE_TOO_LARGE)
            return too_large(s);
        if (verdict != SSE_GO_ON)
            return verdict;
    }
    /* The piece goes: what is unfinished is kept. */
    if (!own_data(s) || (at < end && buffer_add(&s->line, at, (size_t)(end - at)) < 0))
        return too_large(s);
    return SSE_GO_ON;
}

enum sse_verdict sse_end(struct sse *s, sse_sink *sink, void *context)
{
    if (s->too_large)
        return SSE_TOO_LARGE;
    if (s->line.length) {
        enum sse_verdict verdict = finish_line(s, (struct text){"", 0}, sink, context);
        if (verdict != SSE_GO_ON)
            return verdict;
    }
    return dispatch(s, sink, context);
}
