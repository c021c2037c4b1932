#include "bench/server/exposition.h"

#include <ctype.h>
#include <math.h>

void exposition_begin(struct exposition *x, struct text body)
{
    *x = (struct exposition){.at = body.at, .end = body.at + body.length};
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

static bool is_name_byte(char c, bool colon)
{
    return isalnum((unsigned char)c) || c == '_' || (c == ':' && colon);
}

static struct text take_name(const char **at, const char *end, bool colon)
{
    struct text name = {*at, 0};
    while (*at < end && is_name_byte(**at, colon) && (name.length || !isdigit((unsigned char)**at)))
        name.length = (size_t)(++*at - name.at);
    return name;
}

/* Behind the opening quote; false where there is no closing one. */
static bool take_quoted(const char **at, const char *end, struct text *raw)
{
    const char *from = ++*at;
    while (*at < end && **at != '"')
        *at += **at == '\\' && *at + 1 < end ? 2 : 1;
    if (*at >= end)
        return false;
    *raw = (struct text){from, (size_t)(*at - from)};
    ++*at;
    return true;
}

/* One of the things between braces: key="value", or a metric's name in quotes. A pair without a key
 * is a name. */
static bool take_label(const char **at, const char *end, struct text *key, struct text *value)
{
    *at = skip_blanks(*at, end);
    bool quoted = *at < end && **at == '"';
    *key = (struct text){*at, 0};
    if (quoted) {
        if (!take_quoted(at, end, key))
            return false;
    } else {
        *key = take_name(at, end, false);
        if (key->length == 0)
            return false;
    }
    *at = skip_blanks(*at, end);
    if (*at < end && **at == '=') {
        *at = skip_blanks(*at + 1, end);
        return *at < end && **at == '"' && take_quoted(at, end, value);
    }
    *value = *key;
    *key = (struct text){*at, 0};
    return quoted;
}

/* From the opening brace to behind the closing one. */
static bool take_labels(const char **at, const char *end, struct exposition_sample *s)
{
    struct text key, value;
    const char *from = ++*at;
    for (;;) {
        *at = skip_blanks(*at, end);
        if (*at < end && **at == '}')
            break;
        if (!take_label(at, end, &key, &value))
            return false;
        if (key.length == 0 && s->name.length)
            return false; /* two names */
        if (key.length == 0)
            s->name = value;
        *at = skip_blanks(*at, end);
        if (*at < end && **at == ',')
            ++*at;
        else if (*at >= end || **at != '}')
            return false;
    }
    s->labels = (struct text){from, (size_t)(*at - from)};
    ++*at;
    return true;
}

/* False for what is no number; one that is not finite is given as it is. */
static bool read_value(struct text t, double *value)
{
    static const char *const names[] = {"NaN", "nan", "+Inf", "Inf", "-Inf", "inf", "+inf", "-inf"};
    if (t.length > 1 && t.at[0] == '+' &&
        text_to_double((struct text){t.at + 1, t.length - 1}, value))
        return true;
    if (text_to_double(t, value))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (text_equal(t, names[i])) {
            *value = NAN;
            return true;
        }
    return false;
}

static struct text take_word(const char **at, const char *end)
{
    *at = skip_blanks(*at, end);
    struct text word = {*at, 0};
    while (*at < end && **at != ' ' && **at != '\t')
        word.length = (size_t)(++*at - word.at);
    return word;
}

/* name{labels} value [timestamp] [# exemplar] */
static bool read_line(struct text line, struct exposition_sample *s)
{
    const char *at = line.at, *end = line.at + line.length;
    double stamp;
    *s = (struct exposition_sample){.name = take_name(&at, end, true), .labels = {line.at, 0}};
    at = skip_blanks(at, end);
    if (at < end && *at == '{' && !take_labels(&at, end, s))
        return false;
    if (s->name.length == 0 || !read_value(take_word(&at, end), &s->value))
        return false;
    at = skip_blanks(at, end);
    if (at < end && *at != '#' && !read_value(take_word(&at, end), &stamp))
        return false;
    at = skip_blanks(at, end);
    return at == end || *at == '#';
}

bool exposition_next(struct exposition *x, struct exposition_sample *s)
{
    while (x->at < x->end) {
        const char *stop = memchr(x->at, '\n', (size_t)(x->end - x->at));
        size_t length = (size_t)((stop ? stop : x->end) - x->at);
        struct text line = {x->at, length};
        x->at += length + (stop != NULL);
        if (line.length && line.at[line.length - 1] == '\r')
            line.length--;
        line = text_trim(line);
        if (line.length == 0 || line.at[0] == '#')
            continue;
        bool good = read_line(line, s);
        x->samples += good;
        x->broken += !good;
        if (good && isfinite(s->value))
            return true;
    }
    return false;
}

bool exposition_label(const struct exposition_sample *s, struct text key, struct text *value)
{
    const char *at = s->labels.at, *end = at + s->labels.length;
    struct text own;
    while ((at = skip_blanks(at, end)) < end && take_label(&at, end, &own, value)) {
        if (own.length && text_same(own, key))
            return true;
        at = skip_blanks(at, end);
        at += at < end && *at == ',';
    }
    return false;
}
