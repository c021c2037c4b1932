#include "bench/recorder/head.h"

#include <string.h>

size_t head_length(struct text bytes)
{
    const char *end = bytes.length ? memmem(bytes.at, bytes.length, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - bytes.at) + 4 : 0;
}

bool head_is(struct text name, const char *wanted)
{
    return text_equal_nocase(name, wanted);
}

bool head_lists(struct text value, const char *word)
{
    while (value.length > 0) {
        const char *comma = memchr(value.at, ',', value.length);
        size_t n = comma ? (size_t)(comma - value.at) : value.length;
        if (head_is(text_trim((struct text){value.at, n}), word))
            return true;
        n += comma != NULL;
        value = (struct text){value.at + n, value.length - n};
    }
    return false;
}

bool head_is_of_connection(struct text name)
{
    static const char *const names[] = {"Connection",        "Keep-Alive", "Proxy-Connection",
                                        "Transfer-Encoding", "TE",         "Trailer",
                                        "Upgrade",           NULL};
    for (size_t i = 0; names[i]; i++)
        if (head_is(name, names[i]))
            return true;
    return false;
}

/* One line without its end; false at the end of all. */
static bool next_line(struct text *lines, struct text *line)
{
    const char *end = lines->length ? memmem(lines->at, lines->length, "\r\n", 2) : NULL;
    if (!end)
        return false;
    *line = (struct text){lines->at, (size_t)(end - lines->at)};
    *lines = (struct text){end + 2, lines->length - line->length - 2};
    return true;
}

bool head_next(struct text *lines, struct text *name, struct text *value)
{
    struct text line;
    if (!next_line(lines, &line) || line.length == 0)
        return false;
    const char *colon = memchr(line.at, ':', line.length);
    size_t n = colon ? (size_t)(colon - line.at) : line.length;
    *name = (struct text){line.at, n};
    n += colon != NULL;
    *value = text_trim((struct text){line.at + n, line.length - n});
    return true;
}

bool head_find(struct text lines, const char *wanted, struct text *value)
{
    struct text name;
    while (head_next(&lines, &name, value))
        if (head_is(name, wanted))
            return true;
    return false;
}

/* A word up to a blank or the end of the line. */
static struct text take_word(struct text *line)
{
    const char *blank = line->length ? memchr(line->at, ' ', line->length) : NULL;
    struct text word = {line->at, blank ? (size_t)(blank - line->at) : line->length};
    size_t n = word.length + (blank != NULL);
    *line = (struct text){line->at + n, line->length - n};
    return word;
}

static bool is_token(struct text name)
{
    for (size_t i = 0; i < name.length; i++)
        if (name.at[i] <= ' ' || name.at[i] == 127 || strchr("\"(),/:;<=>?@[\\]{}", name.at[i]))
            return false;
    return name.length > 0;
}

/* Line ends alone, and zeros, are what one server reads so and the next one otherwise. */
static bool is_clean(struct text text)
{
    return !memchr(text.at, '\r', text.length) && !memchr(text.at, '\n', text.length) &&
           !memchr(text.at, '\0', text.length);
}

static int read_first_line(struct head *h, struct text line)
{
    h->method = take_word(&line);
    h->target = take_word(&line);
    if (!is_token(h->method) || !is_clean(h->target) || h->target.length == 0)
        return 400;
    if (h->target.at[0] != '/' && !text_equal(h->target, "*"))
        return 400;
    if (!text_equal(line, "HTTP/1.1") && !text_equal(line, "HTTP/1.0"))
        return text_starts(line, "HTTP/") ? 505 : 400;
    h->old = text_equal(line, "HTTP/1.0");
    h->closes = h->old;
    return 0;
}

struct said {
    bool length, host;
};

static int read_header(struct head *h, struct text name, struct text value, struct said *said)
{
    uint64_t length;
    if (!is_token(name) || name.at[name.length] != ':' || !is_clean(value))
        return 400;
    if (head_is(name, "Content-Length")) {
        if (!text_to_u64(value, &length) || (said->length && length != h->length))
            return 400;
        h->length = length;
        said->length = true;
    } else if (head_is(name, "Host")) {
        if (said->host)
            return 400;
        said->host = true;
    } else if (head_is(name, "Transfer-Encoding")) {
        if (!head_is(value, "chunked") || h->chunked)
            return 501;
        h->chunked = true;
    } else if (head_is(name, "Connection")) {
        h->closes |= head_lists(value, "close");
    } else if (head_is(name, "Expect")) {
        h->expects = head_is(value, "100-continue");
    }
    return 0;
}

int head_read(struct head *h, struct text bytes)
{
    struct text line, name, value;
    struct said said = {0};
    *h = (struct head){0};
    if (!next_line(&bytes, &line))
        return 400;
    int status = read_first_line(h, line);
    h->lines = bytes;
    while (status == 0 && head_next(&bytes, &name, &value))
        status = read_header(h, name, value, &said);
    if (status == 0 && h->chunked && (said.length || h->old))
        return 400;
    return status;
}
