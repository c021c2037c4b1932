#include "core/json/mend.h"

#include "core/json/json_scan.h"

#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

struct mender {
    const char *at, *end;
    struct buffer *out;
    bool changed;
};

static void put(struct mender *m, const char *bytes, size_t count)
{
    buffer_add(m->out, bytes, count);
    m->at += count;
}

static void replace(struct mender *m, size_t count, const char *by)
{
    buffer_add_text(m->out, by);
    m->at += count;
    m->changed = true;
}

/* ---- inside strings ---- */

static void mend_escape(struct mender *m)
{
    size_t left = (size_t)(m->end - m->at);
    unsigned code;
    if (left < 2)
        replace(m, left, "\\\\");
    else if (m->at[1] == 'u' && json_hex4(m->at + 2, m->end, &code))
        put(m, m->at, 6);
    else if (m->at[1] != '\0' && strchr("\"\\/bfnrt", m->at[1]))
        put(m, m->at, 2);
    else if (m->at[1] == '\'')
        replace(m, 2, "'");
    else
        replace(m, 1, "\\\\");
}

static void mend_control(struct mender *m)
{
    char escape[8];
    snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)*m->at);
    replace(m, 1, escape);
}

/* A run of bytes beyond ASCII, up to the first that is no UTF-8, which is replaced. */
static void mend_high(struct mender *m)
{
    const char *stop = m->at;
    size_t bad;
    while (stop < m->end && (unsigned char)*stop >= 0x80)
        stop++;
    size_t length = (size_t)(stop - m->at);
    if (text_is_utf8(m->at, length, &bad)) {
        put(m, m->at, length);
        return;
    }
    put(m, m->at, bad);
    replace(m, 1, REPLACEMENT);
}

static void mend_string(struct mender *m)
{
    char quote = *m->at;
    m->changed |= quote != '"';
    buffer_add_byte(m->out, '"');
    m->at++;
    while (m->at < m->end && *m->at != quote) {
        unsigned char c = (unsigned char)*m->at;
        if (c == '\\')
            mend_escape(m);
        else if (c == '"')
            replace(m, 1, "\\\"");
        else if (c < ' ')
            mend_control(m);
        else if (c >= 0x80)
            mend_high(m);
        else
            put(m, m->at, 1);
    }
    if (m->at < m->end) {
        buffer_add_byte(m->out, '"');
        m->at++;
    }
}

/* ---- between them ---- */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '-' || c == '.' || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_value(struct text word)
{
    struct json_scan s;
    json_scan_init(&s, "", word.at, word.length, 1);
    json_skip(&s, NULL);
    return json_scan_end(&s, NULL) == 0;
}

static void mend_word(struct mender *m)
{
    struct text word = {m->at, 0};
    while (m->at + word.length < m->end && is_word(m->at[word.length]))
        word.length++;
    if (is_value(word))
        put(m, word.at, word.length);
    else
        replace(m, word.length,
                text_equal(word, "True")    ? "true"
                : text_equal(word, "False") ? "false"
                                            : "null");
}

/* A comma that nothing follows before the bracket. */
static void mend_comma(struct mender *m)
{
    const char *next = m->at + 1;
    while (next < m->end && (*next == ' ' || *next == '\n' || *next == '\t' || *next == '\r'))
        next++;
    if (next < m->end && (*next == ']' || *next == '}'))
        replace(m, 1, "");
    else
        put(m, m->at, 1);
}

bool mend_json(struct text payload, struct buffer *out)
{
    struct mender m = {payload.at, payload.length ? payload.at + payload.length : payload.at, out,
                       false};
    buffer_clear(out);
    if (buffer_reserve(out, payload.length) < 0)
        return false;
    while (m.at < m.end) {
        if (*m.at == '"' || *m.at == '\'')
            mend_string(&m);
        else if (*m.at == ',')
            mend_comma(&m);
        else if (is_word(*m.at))
            mend_word(&m);
        else
            put(&m, m.at, 1);
    }
    return m.changed && out->data;
}
