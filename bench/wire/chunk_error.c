/* What an answer says of its end: errors in every server's form, and finish reasons. */
#include "bench/wire/chunk.h"

#include <string.h>
#include <strings.h>

#define WORDS_DEEP 6

/* ---- words ---- */

static bool names_words(struct text key)
{
    static const char *const names[] = {
        "message",    "msg",         "detail",        "error",
        "errors",     "error_msg",   "error_message", "errorMessage",
        "status_msg", "faultstring", "fault",         "Message",
        "err_msg",    "errmsg",      "reason",        "error_description"};
    static const char exception[] = "xception"; /* Bedrock's internalServerException */
    size_t n = sizeof exception - 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_equal(key, names[i]))
            return true;
    return key.length > n && memcmp(key.at + key.length - n, exception, n) == 0;
}

/* What only names the kind of error, as a rule: {"title": "Not Found", "detail": "no such model"},
 * {"error": "invalid_token", "error_description": "it has expired"}. */
static bool names_kind(struct text key)
{
    return text_equal(key, "title") || text_equal(key, "error");
}

static bool find_words(struct json_scan *s, bool named, int depth, struct text *out);

/* The words among an object's members, else what names the kind. */
static bool find_member(struct json_scan *s, int depth, struct text *out)
{
    struct text key, kind = {"", 0};
    bool found = false;
    json_object_begin(s);
    while (!found && json_object_next(s, &key)) {
        if (names_kind(key) && json_peek(s) == JSON_STRING)
            json_string(s, &kind);
        else if (names_words(key))
            found = find_words(s, true, depth - 1, out);
        else
            json_skip(s, NULL);
    }
    if (!found && kind.length)
        *out = kind;
    return found || kind.length > 0;
}

/* Takes the first text under a key that holds words, however it is wrapped; the value is passed in
 * every case. */
static bool find_words(struct json_scan *s, bool named, int depth, struct text *out)
{
    bool found = false;
    enum json_kind kind = json_peek(s);
    if (kind == JSON_STRING && named)
        return json_string(s, out) && out->length > 0;
    if ((kind != JSON_OBJECT && kind != JSON_ARRAY) || depth == 0) {
        json_skip(s, NULL);
        return false;
    }
    if (kind == JSON_ARRAY) {
        json_array_begin(s);
        while (!found && json_array_next(s))
            found = find_words(s, named, depth - 1, out);
        return found;
    }
    return find_member(s, depth, out);
}

bool chunk_find_words(struct text body, struct text *out)
{
    struct json_scan s;
    json_scan_init(&s, "answer", body.at, body.length, 1);
    return find_words(&s, false, WORDS_DEEP, out);
}

struct text chunk_unwrap(struct text body)
{
    struct json_scan s;
    struct text only = body;
    size_t count = 0;
    if (!text_starts(text_trim(body), "["))
        return body;
    json_scan_init(&s, "answer", body.at, body.length, 1);
    json_array_begin(&s);
    while (json_array_next(&s)) {
        count += json_peek(&s) == JSON_OBJECT ? 1 : 2;
        json_skip(&s, &only);
    }
    return json_scan_end(&s, NULL) == 0 && count == 1 ? only : body;
}

/* ---- errors ---- */

static bool is_one_of(struct text t, const char *const *words)
{
    for (; *words; words++)
        if (text_equal_nocase(t, *words))
            return true;
    return false;
}

/* "", "null", "0", "success": no error is called so. */
static bool is_good_word(struct text t)
{
    static const char *const words[] = {"",        "null", "none", "0",   "0.0",     "200",
                                        "success", "ok",   "-0",   "ok.", "succeed", NULL};
    return is_one_of(t, words);
}

static bool is_nothing(struct json_scan *s, int depth);

/* An object whose code is good, or which holds nothing. */
static bool object_is_nothing(struct json_scan *s, int depth)
{
    struct text key;
    bool nothing = true, good = false;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        bool code = text_equal(key, "code") || text_equal(key, "status_code");
        enum json_kind kind = json_peek(s);
        bool empty = is_nothing(s, depth);
        nothing &= empty;
        good |= code && empty && (kind == JSON_NUMBER || kind == JSON_STRING);
    }
    return nothing || good;
}

/* Takes a value; true where it is empty as an error. */
static bool is_nothing(struct json_scan *s, int depth)
{
    struct text t;
    bool nothing = true;
    switch (json_peek(s)) {
    case JSON_STRING:
        return json_string(s, &t) && is_good_word(t);
    case JSON_NUMBER:
        return json_number(s, &t) && is_good_word(t);
    case JSON_OBJECT:
        if (depth > 0)
            return object_is_nothing(s, depth - 1);
        break;
    case JSON_ARRAY:
        json_array_begin(s);
        while (json_array_next(s))
            nothing &= depth > 0 && is_nothing(s, depth - 1);
        return nothing;
    case JSON_NULL:
    case JSON_FALSE:
        json_skip(s, NULL);
        return true;
    default:
        break;
    }
    json_skip(s, NULL);
    return false;
}

void chunk_read_error(struct json_scan *s, struct chunk *c)
{
    struct json_scan inner;
    struct text raw, words;
    enum json_kind kind = json_peek(s);
    if (!json_skip(s, &raw))
        return;
    json_scan_init(&inner, "error", raw.at, raw.length, 1);
    if (is_nothing(&inner, WORDS_DEEP))
        return;
    c->is_error = true;
    if (kind == JSON_TRUE) /* the words stand beside it */
        return;
    json_scan_init(&inner, "error", raw.at, raw.length, 1);
    c->error_message = find_words(&inner, kind == JSON_STRING, WORDS_DEEP, &words) ? words : raw;
}

/* ---- finish reasons ---- */

static void finish_object(struct json_scan *s, struct chunk *c)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "type") && json_peek(s) == JSON_STRING)
            json_string(s, &c->finish_reason);
        else if (text_equal(key, "message") && json_peek(s) == JSON_STRING)
            json_string(s, &c->error_message);
        else
            json_skip(s, NULL);
    }
}

void chunk_read_finish(struct json_scan *s, struct chunk *c)
{
    enum json_kind kind = json_peek(s);
    struct text reason;
    if (kind == JSON_STRING) {
        if (json_string(s, &reason) && !text_equal(reason, "null") && !text_equal(reason, "None"))
            c->finish_reason = reason;
    } else if (kind == JSON_OBJECT)
        finish_object(s, c);
    else
        json_skip(s, NULL);
}

bool chunk_reason_fails(struct text reason)
{
    static const char *const words[] = {"error",   "abort",        "cancel",  "fail",
                                        "timeout", "insufficient", "overload"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (size_t at = 0; at + strlen(words[i]) <= reason.length; at++)
            if (strncasecmp(reason.at + at, words[i], strlen(words[i])) == 0)
                return true;
    return false;
}
