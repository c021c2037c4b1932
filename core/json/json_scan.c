#include "core/json/json_scan.h"

#include "core/json/json_plain.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_scan_init(struct json_scan *s, const char *file, const char *text, size_t length,
                    long first_line)
{
    s->text = s->at = s->value = text;
    s->end = text + length;
    s->file = file;
    s->first_line = first_line;
    s->depth = 0;
    s->first = false;
    s->failed = false;
    s->inside = s->context = NULL;
    s->error.code = ERR_NONE;
}

void json_place(const struct json_scan *s, const char *at, long *line, long *column)
{
    *line = s->first_line;
    const char *start = s->text;
    for (const char *p = s->text; p < at && p < s->end; p++) {
        if (*p == '\n') {
            (*line)++;
            start = p + 1;
        }
    }
    *column = at - start + 1;
}

static void fail_at(struct json_scan *s, const char *at, const char *message)
{
    if (s->failed)
        return;
    s->failed = true;
    memset(&s->error, 0, sizeof s->error);
    long line, column;
    json_place(s, at, &line, &column);
    error_at(&s->error, s->file, line, column, "%s", message);
}

void json_fail(struct json_scan *s, const char *format, ...)
{
    char message[768];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fail_at(s, s->value, message);
}

/* Of few keys all are named. */
#define KNOWN_NAMED 8
static void fail_with_known(struct json_scan *s, struct text key, const char *const *known,
                            const char *where)
{
    char names[256] = "";
    size_t count = 0, used = 0;
    while (known[count])
        count++;
    for (size_t i = 0; i < count && count <= KNOWN_NAMED && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s\"%s\"",
                                 i ? ", " : "; known are ", known[i]);
    json_fail(s, "unknown key \"%.*s\" in %s%s", key.length > 80 ? 80 : (int)key.length, key.at,
              where, used < sizeof names ? names : "");
}

void json_unknown_key(struct json_scan *s, struct text key, const char *const *known,
                      const char *where)
{
    const char *near = text_nearest(key, known);
    if (near)
        json_fail(s, "unknown key \"%.*s\" in %s; did you mean \"%s\"?",
                  key.length > 80 ? 80 : (int)key.length, key.at, where, near);
    else
        fail_with_known(s, key, known, where);
}

static void skip_space(struct json_scan *s)
{
    const char *at = s->at;
    while (at < s->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
        at++;
    s->at = at;
}

enum json_kind json_peek(struct json_scan *s)
{
    if (s->failed)
        return JSON_NOTHING;
    skip_space(s);
    if (s->at == s->end)
        return JSON_NOTHING;
    switch (*s->at) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return *s->at == '-' || (*s->at >= '0' && *s->at <= '9') ? JSON_NUMBER : JSON_NOTHING;
    }
}

/* Fails with what was wanted and what stands there instead. */
static bool unexpected(struct json_scan *s, const char *wanted)
{
    if (s->failed)
        return false;
    skip_space(s);
    char message[200];
    size_t left = (size_t)(s->end - s->at);
    if (left == 0) {
        snprintf(message, sizeof message, "expected %s, found the end of the text", wanted);
    } else {
        size_t shown = 0;
        while (shown < left && shown < 24 && s->at[shown] > ' ' && s->at[shown] < 0x7f &&
               (shown == 0 || !strchr(",:]}", s->at[shown])))
            shown++;
        if (shown == 0)
            snprintf(message, sizeof message, "expected %s, found byte 0x%02x", wanted,
                     (unsigned char)*s->at);
        else
            snprintf(message, sizeof message, "expected %s, found %.*s", wanted, (int)shown, s->at);
    }
    fail_at(s, s->at, message);
    return false;
}

static bool take(struct json_scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* Takes the escape at s->at (a backslash). */
static bool check_escape(struct json_scan *s)
{
    const char *at = s->at;
    unsigned code;
    if (s->end - at >= 2 && strchr("\"\\/bfnrt", at[1]) && at[1] != '\0') {
        s->at += 2;
        return true;
    }
    if (s->end - at >= 2 && at[1] == 'u' && json_hex4(at + 2, s->end, &code)) {
        s->at += 6;
        return true;
    }
    fail_at(s, at, "bad escape in a string");
    return false;
}

/* Takes the rest of a string whose opening quote was taken. */
static bool string_body(struct json_scan *s, struct text *raw)
{
    const char *start = s->at;
    bool high = false;
    for (;;) {
        const char *at = json_skip_plain(s->at, s->end);
        s->at = at;
        if (at == s->end) {
            fail_at(s, start - 1, "this string is not closed");
            return false;
        }
        switch (json_byte_class[(unsigned char)*at]) {
        case QUOTE: {
            size_t bad;
            raw->at = start;
            raw->length = (size_t)(at - start);
            s->at++;
            if (high && !text_is_utf8(start, raw->length, &bad)) {
                fail_at(s, start + bad, "this is not UTF-8");
                return false;
            }
            return true;
        }
        case ESCAPE:
            if (!check_escape(s))
                return false;
            break;
        case CONTROL:
            fail_at(s, at, "control character inside a string; write it as \\n, \\t or \\u00XX");
            return false;
        default:
            high = true;
            s->at++;
        }
    }
}

static bool enter(struct json_scan *s, char open, const char *wanted)
{
    if (s->failed)
        return false;
    skip_space(s);
    s->value = s->at;
    if (!take(s, open))
        return unexpected(s, wanted);
    if (++s->depth > JSON_SCAN_DEPTH) {
        fail_at(s, s->value, "nested too deeply");
        return false;
    }
    s->first = true;
    return true;
}

bool json_object_begin(struct json_scan *s)
{
    return enter(s, '{', "an object");
}

bool json_array_begin(struct json_scan *s)
{
    return enter(s, '[', "an array");
}

/* True if another element follows; false at the closing bracket (taken) or on an error. */
static bool another(struct json_scan *s, char close, const char *wanted)
{
    if (s->failed)
        return false;
    if (take(s, close)) {
        s->depth--;
        s->first = false;
        return false;
    }
    if (s->first)
        s->first = false;
    else if (!take(s, ','))
        return unexpected(s, wanted);
    return true;
}

bool json_object_next(struct json_scan *s, struct text *key)
{
    if (!another(s, '}', "',' or '}'"))
        return false;
    skip_space(s);
    s->value = s->at;
    if (!take(s, '"'))
        return unexpected(s, "a key in quotes");
    if (!string_body(s, key))
        return false;
    if (!take(s, ':'))
        return unexpected(s, "':'");
    return true;
}

bool json_array_next(struct json_scan *s)
{
    return another(s, ']', "',' or ']'");
}

bool json_string(struct json_scan *s, struct text *raw)
{
    if (s->failed)
        return false;
    skip_space(s);
    s->value = s->at;
    if (!take(s, '"'))
        return unexpected(s, "a string");
    return string_body(s, raw);
}

static const char *digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* The end of the number that starts at `at`, or NULL. */
static const char *number_end(const char *at, const char *end)
{
    if (at < end && *at == '-')
        at++;
    const char *whole = at;
    at = digits(at, end);
    if (at == whole || (*whole == '0' && at - whole > 1))
        return NULL;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = digits(at, end);
        if (at == fraction)
            return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        const char *exponent = at;
        at = digits(at, end);
        if (at == exponent)
            return NULL;
    }
    return at;
}

bool json_number(struct json_scan *s, struct text *out)
{
    if (s->failed)
        return false;
    skip_space(s);
    s->value = s->at;
    const char *end = number_end(s->at, s->end);
    if (!end || (end < s->end && (*end == '.' || (*end >= '0' && *end <= '9'))))
        return unexpected(s, "a number");
    *out = (struct text){s->at, (size_t)(end - s->at)};
    s->at = end;
    return true;
}

static bool word(struct json_scan *s, const char *name)
{
    size_t length = strlen(name);
    skip_space(s);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, name, length) != 0)
        return false;
    s->value = s->at;
    s->at += length;
    return true;
}

bool json_bool(struct json_scan *s, bool *out)
{
    if (s->failed)
        return false;
    if (word(s, "true"))
        *out = true;
    else if (word(s, "false"))
        *out = false;
    else
        return unexpected(s, "true or false");
    return true;
}

bool json_null(struct json_scan *s)
{
    if (s->failed)
        return false;
    return word(s, "null") ? true : unexpected(s, "null");
}

static int shown(struct text t)
{
    return t.length > 60 ? 60 : (int)t.length;
}

bool json_u64(struct json_scan *s, uint64_t min, uint64_t max, uint64_t *out)
{
    struct text t;
    uint64_t value;
    if (!json_number(s, &t))
        return false;
    if (text_to_u64(t, &value) && value >= min && value <= max) {
        *out = value;
        return true;
    }
    json_fail(s, "expected a whole number from %llu to %llu, found %.*s", (unsigned long long)min,
              (unsigned long long)max, shown(t), t.at);
    return false;
}

bool json_i64(struct json_scan *s, int64_t min, int64_t max, int64_t *out)
{
    struct text t;
    int64_t value;
    if (!json_number(s, &t))
        return false;
    if (text_to_i64(t, &value) && value >= min && value <= max) {
        *out = value;
        return true;
    }
    json_fail(s, "expected a whole number from %lld to %lld, found %.*s", (long long)min,
              (long long)max, shown(t), t.at);
    return false;
}

bool json_double(struct json_scan *s, double min, double max, double *out)
{
    struct text t;
    double value;
    if (!json_number(s, &t))
        return false;
    if (text_to_double(t, &value) && value >= min && value <= max) {
        *out = value;
        return true;
    }
    json_fail(s, "expected a number from %s to %s, found %.*s", TEXT_SHORT(min, 6),
              TEXT_SHORT(max, 6), shown(t), t.at);
    return false;
}

/* Takes the elements that stand as ", 123" (one blank at most, up to 19 digits, no leading zero)
 * and leaves the first that does not, or the closing bracket, to the usual road. */
static size_t plain_elements(struct json_scan *s, uint64_t **items, size_t *capacity, size_t count)
{
    for (;;) {
        const char *p = s->at, *end = s->end;
        if (!s->first) {
            if (p == end || *p != ',')
                return count;
            p++;
        }
        if (p < end && *p == ' ')
            p++;
        const char *start = p;
        uint64_t value = 0;
        while (p < end && (unsigned)(*p - '0') <= 9 && p - start < 19)
            value = value * 10 + (uint64_t)(*p++ - '0');
        if (p == start || p == end || (*p != ',' && *p != ']') || (*start == '0' && p - start > 1))
            return count;
        mem_grow(items, capacity, count + 1, sizeof **items);
        (*items)[count++] = value;
        s->first = false;
        s->at = p;
    }
}

bool json_u64_array(struct json_scan *s, uint64_t **items, size_t *capacity, size_t *count)
{
    *count = 0;
    if (!json_array_begin(s))
        return false;
    for (;;) {
        *count = plain_elements(s, items, capacity, *count);
        if (!json_array_next(s))
            return !s->failed;
        mem_grow(items, capacity, *count + 1, sizeof **items);
        if (!json_u64(s, 0, UINT64_MAX, &(*items)[*count]))
            return false;
        (*count)++;
    }
}

bool json_string_copy(struct json_scan *s, size_t max_length, char **out)
{
    struct text raw;
    if (!json_string(s, &raw))
        return false;
    struct buffer copy;
    buffer_init(&copy, max_length);
    if (!json_unescape(raw, &copy)) {
        buffer_free(&copy);
        json_fail(s, "this string is longer than %zu bytes", max_length);
        return false;
    }
    if (memchr(copy.data ? copy.data : "", '\0', copy.length)) {
        buffer_free(&copy);
        json_fail(s, "this string holds a zero byte");
        return false;
    }
    *out = copy.data ? buffer_take(&copy) : mem_copy_string("");
    return true;
}

void json_unknown_choice(struct json_scan *s, struct text word, const char *const *names,
                         const char *what)
{
    char known[256] = "";
    for (int i = 0; names[i]; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s\"%s\"", i ? ", " : "", names[i]);
    }
    const char *near = text_nearest(word, names);
    if (!what)
        json_fail(s, "expected one of %s, found \"%.*s\"", known, shown(word), word.at);
    else if (near)
        json_fail(s, "unknown %s \"%.*s\"; did you mean \"%s\"?", what, shown(word), word.at, near);
    else
        json_fail(s, "unknown %s \"%.*s\"; known: %s", what, shown(word), word.at, known);
}

bool json_choice(struct json_scan *s, const char *const *names, const char *what, int *out)
{
    struct text word;
    if (!json_string(s, &word))
        return false;
    int place = text_place(word, names);
    if (place < 0) {
        json_unknown_choice(s, word, names, what);
        return false;
    }
    *out = place;
    return true;
}

/* One scalar, or the opening of an object or array, of the value being skipped: what was peeked. */
static bool skip_one(struct json_scan *s, enum json_kind kind)
{
    struct text ignored;
    bool flag;
    switch (kind) {
    case JSON_OBJECT:
        return json_object_begin(s);
    case JSON_ARRAY:
        return json_array_begin(s);
    case JSON_STRING:
        return json_string(s, &ignored);
    case JSON_NUMBER:
        return json_number(s, &ignored);
    case JSON_TRUE:
    case JSON_FALSE:
        return json_bool(s, &flag);
    case JSON_NULL:
        return json_null(s);
    default:
        return unexpected(s, "a value");
    }
}

/* An object or array, all of it. */
static bool skip_nested(struct json_scan *s)
{
    bool object[JSON_SCAN_DEPTH + 1];
    int base = s->depth;
    do {
        enum json_kind kind = json_peek(s);
        if (!skip_one(s, kind))
            return false;
        if (s->depth > base && (kind == JSON_OBJECT || kind == JSON_ARRAY))
            object[s->depth] = kind == JSON_OBJECT;
        while (s->depth > base) {
            struct text key;
            int level = s->depth;
            if (object[level] ? json_object_next(s, &key) : json_array_next(s))
                break;
            if (s->failed)
                return false;
        }
    } while (s->depth > base);
    return true;
}

bool json_skip(struct json_scan *s, struct text *raw)
{
    enum json_kind kind = json_peek(s);
    const char *start = s->at; /* the white space is passed */
    bool nested = kind == JSON_OBJECT || kind == JSON_ARRAY;
    if (s->failed || !(nested ? skip_nested(s) : skip_one(s, kind)))
        return false;
    s->value = start;
    if (raw)
        *raw = (struct text){start, (size_t)(s->at - start)};
    return true;
}

bool json_skip_unless(struct json_scan *s, enum json_kind kind)
{
    if (json_peek(s) == kind)
        return true;
    json_skip(s, NULL);
    return false;
}

int json_scan_end(struct json_scan *s, struct error *err)
{
    if (!s->failed) {
        skip_space(s);
        if (s->at != s->end)
            unexpected(s, "nothing more");
    }
    if (!s->failed)
        return 0;
    if (err && err->code == ERR_NONE)
        *err = s->error;
    return s->error.code;
}

bool json_member(const char *object, const char *wanted, struct text *out)
{
    struct json_scan s;
    struct text key;
    json_scan_init(&s, "", object, strlen(object), 1);
    if (json_peek(&s) != JSON_OBJECT || !json_object_begin(&s))
        return false;
    while (json_object_next(&s, &key)) {
        if (text_equal(key, wanted))
            return json_peek(&s) == JSON_STRING ? json_string(&s, out) : json_skip(&s, out);
        json_skip(&s, NULL);
    }
    return false;
}
