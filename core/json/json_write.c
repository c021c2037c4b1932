#include "core/json/json_write.h"

#include "core/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_write_init(struct json_writer *w, struct buffer *out, int indent)
{
    *w = (struct json_writer){.out = out, .indent = indent, .first = true};
}

static void new_line(struct json_writer *w)
{
    if (w->indent == 0)
        return;
    buffer_add_byte(w->out, '\n');
    for (int i = 0; i < w->indent * w->depth; i++)
        buffer_add_byte(w->out, ' ');
}

/* What stands between the last thing written and the next value or key. */
static void separate(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    if (!w->first)
        buffer_add(w->out, ", ", w->indent ? 1 : 2);
    new_line(w);
    w->first = false;
}

static void begin(struct json_writer *w, char bracket)
{
    separate(w);
    buffer_add_byte(w->out, bracket);
    w->depth++;
    w->first = true;
}

static void end(struct json_writer *w, char bracket)
{
    w->depth--;
    if (!w->first)
        new_line(w);
    buffer_add_byte(w->out, bracket);
    w->first = false;
}

void json_begin_object(struct json_writer *w)
{
    begin(w, '{');
}

void json_end_object(struct json_writer *w)
{
    end(w, '}');
}

void json_begin_array(struct json_writer *w)
{
    begin(w, '[');
}

void json_end_array(struct json_writer *w)
{
    end(w, ']');
}

void json_key_plain(struct json_writer *w, const char *key)
{
    size_t length = strlen(key), comma = w->depth > 0 && !w->first ? 2 : 0;
    if (w->indent || w->after_key || buffer_reserve(w->out, comma + length + 4) < 0) {
        json_key(w, key);
        return;
    }
    char *to = w->out->data + w->out->length;
    memcpy(to, ", ", 2); /* there is room for it in any case */
    to[comma] = '"';
    memcpy(to + comma + 1, key, length);
    memcpy(to + comma + 1 + length, "\": ", 4); /* with the zero behind it */
    w->out->length += comma + length + 4;
    w->first = false;
    w->after_key = true;
}

void json_key(struct json_writer *w, const char *key)
{
    separate(w);
    json_escape(w->out, text_of(key));
    buffer_add(w->out, ": ", 2);
    w->after_key = true;
}

void json_put_raw(struct json_writer *w, struct text json)
{
    separate(w);
    buffer_add(w->out, json.at, json.length);
}

void json_put_text(struct json_writer *w, struct text text)
{
    separate(w);
    json_escape(w->out, text);
}

void json_put_string(struct json_writer *w, const char *text)
{
    if (text)
        json_put_text(w, text_of(text));
    else
        json_put_null(w);
}

void json_put_null(struct json_writer *w)
{
    json_put_raw(w, text_of("null"));
}

void json_put_bool(struct json_writer *w, bool value)
{
    json_put_raw(w, text_of(value ? "true" : "false"));
}

void json_put_u64(struct json_writer *w, uint64_t value)
{
    separate(w);
    buffer_add_u64(w->out, value);
}

void json_put_i64(struct json_writer *w, int64_t value)
{
    separate(w);
    buffer_add_i64(w->out, value);
}

void json_put_double(struct json_writer *w, double value)
{
    char text[40];
    if (!isfinite(value)) {
        json_put_null(w);
        return;
    }
    value = value == 0 ? 0 : value; /* and not -0 */
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    json_put_raw(w, text_of(text));
}

void json_put_statistic(struct json_writer *w, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.6g", value);
    json_put_double(w, isfinite(value) ? strtod(text, NULL) : value);
}

void json_put_figure(struct json_writer *w, double value)
{
    if (fabs(value) < 1e-3)
        json_put_statistic(w, value);
    else
        json_put_double(w, isfinite(value) ? nearbyint(value * 1e6) / 1e6 : value);
}

void json_put_ms(struct json_writer *w, int64_t ns)
{
    separate(w);
    if (ns < 0)
        buffer_add_byte(w->out, '-');
    uint64_t magnitude = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    buffer_add_u64(w->out, magnitude / (uint64_t)NS_PER_MS);
    unsigned rest = (unsigned)(magnitude % (uint64_t)NS_PER_MS);
    if (rest == 0)
        return;
    char fraction[8];
    int length = snprintf(fraction, sizeof fraction, ".%06u", rest);
    while (fraction[length - 1] == '0')
        length--;
    buffer_add(w->out, fraction, (size_t)length);
}

void json_put_money(struct json_writer *w, money value)
{
    char text[MONEY_TEXT_SIZE];
    money_format(value, text);
    json_put_string(w, text);
}

void json_put_instant(struct json_writer *w, int64_t unix_ns)
{
    char text[CLOCK_INSTANT_SIZE];
    if (unix_ns != TIME_NEVER)
        clock_format_instant(unix_ns, text);
    json_put_string(w, unix_ns != TIME_NEVER ? text : NULL);
}

void json_pair_string(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_put_string(w, text);
}

void json_pair_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_put_u64(w, value);
}

void json_pair_i64(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_put_i64(w, value);
}

void json_pair_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_put_bool(w, value);
}

void json_pair_double(struct json_writer *w, const char *key, double value)
{
    json_key(w, key);
    json_put_double(w, value);
}

void json_pair_statistic(struct json_writer *w, const char *key, double value)
{
    json_key(w, key);
    json_put_statistic(w, value);
}

void json_pair_statistics(struct json_writer *w, const char *key, const double *values,
                          size_t count)
{
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++)
        json_put_statistic(w, values[i]);
    json_end_array(w);
}

void json_pair_ms(struct json_writer *w, const char *key, int64_t ns)
{
    json_key(w, key);
    json_put_ms(w, ns);
}

void json_pair_money(struct json_writer *w, const char *key, money value)
{
    json_key(w, key);
    json_put_money(w, value);
}

void json_pair_instant(struct json_writer *w, const char *key, int64_t unix_ns)
{
    json_key(w, key);
    json_put_instant(w, unix_ns);
}

void json_pair_raw(struct json_writer *w, const char *key, struct text json)
{
    json_key(w, key);
    json_put_raw(w, json);
}

void json_pair_known_u64(struct json_writer *w, const char *key, bool known, uint64_t value)
{
    json_key(w, key);
    if (known)
        json_put_u64(w, value);
    else
        json_put_null(w);
}

void json_pair_known_money(struct json_writer *w, const char *key, bool known, money value)
{
    json_key(w, key);
    if (known)
        json_put_money(w, value);
    else
        json_put_null(w);
}

static void escape_byte(struct buffer *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *found = c ? strchr(from, c) : NULL;
    if (found) {
        buffer_add_byte(out, '\\');
        buffer_add_byte(out, to[found - from]);
    } else {
        buffer_add_format(out, "\\u%04x", c);
    }
}

static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Eight of them at once: a borrow reaches a byte only from one that is not plain itself. */
static inline bool are_plain(uint64_t eight)
{
    const uint64_t ones = UINT64_MAX / 0xFF, tops = ones << 7;
    uint64_t quotes = eight ^ (ones * '"'), slashes = eight ^ (ones * '\\');
    return ((eight | (eight - ones * 0x20) | ((quotes - ones) & ~quotes) |
             ((slashes - ones) & ~slashes)) &
            tops) == 0;
}

/* Most texts need no escape: checked and copied at once. */
static bool add_plain(struct buffer *out, struct text text)
{
    if (buffer_reserve(out, text.length + 2) < 0)
        return false;
    char *to = out->data + out->length;
    *to++ = '"';
    size_t i = 0;
    bool plain = true;
    for (uint64_t eight; i + sizeof eight <= text.length && plain; i += sizeof eight) {
        memcpy(&eight, text.at + i, sizeof eight);
        memcpy(to + i, &eight, sizeof eight);
        plain = are_plain(eight);
    }
    for (; i < text.length && plain; i++) {
        to[i] = text.at[i];
        plain = is_plain((unsigned char)text.at[i]);
    }
    if (!plain) {
        out->data[out->length] = '\0';
        return false;
    }
    to += text.length;
    *to++ = '"';
    *to = '\0';
    out->length += text.length + 2;
    return true;
}

void json_escape(struct buffer *out, struct text text)
{
    if (add_plain(out, text))
        return;
    buffer_add_byte(out, '"');
    size_t plain = 0, i = 0;
    while (i < text.length) {
        unsigned char c = (unsigned char)text.at[i];
        if (is_plain(c)) {
            i++;
            continue;
        }
        buffer_add(out, text.at + plain, i - plain);
        if (c < 0x80) {
            escape_byte(out, c);
            i++;
        } else {
            size_t left = text.length - i, step = 2; /* one sequence: 2 to 4 bytes */
            while (step <= 4 && step <= left && !text_is_utf8(text.at + i, step, NULL))
                step++;
            bool good = step <= 4 && step <= left;
            buffer_add(out, good ? text.at + i : "\xEF\xBF\xBD", good ? step : 3);
            i += good ? step : 1;
        }
        plain = i;
    }
    buffer_add(out, text.at + plain, text.length - plain);
    buffer_add_byte(out, '"');
}

void json_pair_lines(struct json_writer *w, const char *key, struct text lines)
{
    json_key(w, key);
    json_begin_array(w);
    while (lines.length > 0) {
        const char *end = memchr(lines.at, '\n', lines.length);
        size_t length = end ? (size_t)(end - lines.at) : lines.length;
        json_put_text(w, (struct text){lines.at, length});
        lines.at += length + (end != NULL);
        lines.length -= length + (end != NULL);
    }
    json_end_array(w);
}
