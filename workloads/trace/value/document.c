#include "workloads/trace/value/document.h"

#include "core/memory.h"

#include <string.h>

void document_init(struct trace_document *d, size_t max_element)
{
    *d = (struct trace_document){.rest = {"", 0}};
    buffer_init(&d->element, max_element);
}

void document_free(struct trace_document *d)
{
    buffer_free(&d->element);
}

/* Names under which exports wrap their rows. */
static bool is_wrapper(const struct trace_document *d)
{
    static const char *const names[] = {"data",   "result",  "results",      "rows",  "items",
                                        "logs",   "spans",   "requests",     "value", "records",
                                        "events", "entries", "observations", "hits",  "traces"};
    struct text key = {d->key, d->key_length};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(key, names[i]))
            return true;
    return false;
}

static void take_in_text(struct trace_document *d, char c)
{
    if (d->escaped) {
        d->escaped = false;
    } else if (c == '\\') {
        d->escaped = true;
    } else if (c == '"') {
        d->in_text = false;
        return;
    }
    if (d->depth < d->base && d->key_length < sizeof d->key)
        d->key[d->key_length++] = c;
}

static bool is_open(const struct trace_document *d)
{
    return d->depth > d->base && (d->base < 2 || d->in_list);
}

/* Takes a byte. 1 where it begins an element, 2 where it ends one, else 0. */
static int take_byte(struct trace_document *d, char c)
{
    if (d->in_text) {
        take_in_text(d, c);
        return 0;
    }
    switch (c) {
    case '"':
        d->in_text = true;
        d->key_length = 0;
        return 0;
    case '{':
    case '[':
        if (d->depth == 1 && d->base == 2)
            d->in_list = c == '[' && is_wrapper(d);
        return d->depth++ == d->base && (d->base < 2 || d->in_list);
    case '}':
    case ']':
        if (d->depth > 0)
            d->depth--;
        return d->depth == d->base && (d->base < 2 || d->in_list) ? 2 : 0;
    default:
        return 0;
    }
}

/* Where the element begins that starts in these bytes, and its end if it is there. */
static bool find_element(struct trace_document *d, struct text bytes, struct text *first)
{
    size_t begin = SIZE_MAX, i;
    for (i = 0; i < bytes.length; i++) {
        int what = take_byte(d, bytes.at[i]);
        if (what == 1 && begin == SIZE_MAX)
            begin = i;
        if (what == 2 && begin != SIZE_MAX) {
            i++;
            break;
        }
    }
    if (begin == SIZE_MAX)
        return false;
    *first = (struct text){bytes.at + begin, i - begin};
    return bytes.at[begin] == '{';
}

static void start(struct trace_document *d, int base)
{
    d->base = base;
    d->depth = 0;
    d->in_text = d->escaped = d->in_list = false;
}

/* True if an object ends on the line on which it begins. */
static bool is_whole_line(struct trace_document *d, struct text bytes)
{
    const char *end = memchr(bytes.at, '\n', bytes.length);
    struct text line = {bytes.at, end ? (size_t)(end - bytes.at) : bytes.length}, ignored;
    start(d, 0);
    find_element(d, line, &ignored);
    return d->depth == 0;
}

bool document_begins(struct trace_document *d, struct text bytes, struct text *first)
{
    bool found = false;
    if (bytes.length == 0 || (bytes.at[0] != '[' && bytes.at[0] != '{'))
        return false;
    if (bytes.at[0] == '[') {
        start(d, 1);
        found = find_element(d, bytes, first);
        start(d, 1);
        return found;
    }
    start(d, 2);
    found = find_element(d, bytes, first);
    start(d, 2);
    if (found || is_whole_line(d, bytes))
        return found;
    start(d, 0);
    found = find_element(d, bytes, first);
    start(d, 0);
    return found;
}

/* Takes what is left of a line. True if an element ended in it. */
static bool take_rest(struct trace_document *d, long number)
{
    const char *at = d->rest.at, *end = at + d->rest.length, *from = is_open(d) ? at : NULL;
    for (; at < end; at++) {
        int what = take_byte(d, *at);
        if (what == 1) {
            buffer_clear(&d->element);
            d->number = number;
            from = at;
        }
        if (what == 2 && from) {
            buffer_add(&d->element, from, (size_t)(at + 1 - from));
            d->rest = (struct text){at + 1, (size_t)(end - at - 1)};
            return true;
        }
    }
    if (from)
        buffer_add(&d->element, from, (size_t)(end - from));
    d->rest = (struct text){"", 0};
    return false;
}

int document_next(struct trace_document *d, struct line_reader *lines, struct text *element,
                  struct error *err)
{
    if (d->was_cut) {
        d->was_cut = false;
        start(d, d->base);
    }
    while (!take_rest(d, lines->number)) {
        if (is_open(d) && buffer_add_byte(&d->element, '\n') < 0)
            return error_at(err, lines->name, d->number, 0,
                            "what begins here is longer than %zu bytes", d->element.cap);
        size_t file = lines->files;
        int more = line_reader_next(lines, &d->rest, err);
        if (more <= 0)
            return more;
        d->was_cut = lines->files != file && document_is_open(d);
        if (d->was_cut)
            return DOCUMENT_CUT;
    }
    *element = (struct text){d->element.data, d->element.length};
    return 1;
}

bool document_is_open(const struct trace_document *d)
{
    return d->depth > 0;
}

bool document_partial(const struct trace_document *d, struct text *element)
{
    *element = (struct text){d->element.data, d->element.length};
    return is_open(d) && element->length > 0;
}
