#include "bench/refusal/refusal_words.h"

#include "bench/wire/chunk.h"
#include "core/json/json_scan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define DEPTH 6          /* of a body, as far as it is looked into */
#define MOST_WORDS 16384 /* bytes of them */

/* ---- what a JSON body is about ---- */

/* ["body", "messages", 0, "role"] as messages.0.role. */
static void read_place(struct json_scan *s, struct buffer *out)
{
    struct text part;
    buffer_clear(out);
    json_array_begin(s);
    while (json_array_next(s)) {
        enum json_kind kind = json_peek(s);
        bool taken = kind == JSON_STRING   ? json_string(s, &part)
                     : kind == JSON_NUMBER ? json_number(s, &part)
                                           : (json_skip(s, NULL), false);
        if (taken && !(out->length == 0 && text_equal(part, "body"))) {
            buffer_add_text(out, out->length ? "." : "");
            buffer_add(out, part.at, part.length);
        }
    }
}

/* The first `param` or `loc` that names something. */
static void find_place(struct json_scan *s, int depth, struct buffer *out)
{
    struct text key;
    enum json_kind kind = json_peek(s);
    if (depth == 0 || (kind != JSON_OBJECT && kind != JSON_ARRAY)) {
        json_skip(s, NULL);
    } else if (kind == JSON_ARRAY) {
        json_array_begin(s);
        while (out->length == 0 && json_array_next(s))
            find_place(s, depth - 1, out);
    } else {
        json_object_begin(s);
        while (out->length == 0 && json_object_next(s, &key)) {
            bool loc = text_equal(key, "loc") && json_peek(s) == JSON_ARRAY;
            bool param = text_equal(key, "param") && json_peek(s) == JSON_STRING;
            struct text value;
            if (loc)
                read_place(s, out);
            else if (param && json_string(s, &value))
                buffer_add(out, value.at, value.length);
            else
                find_place(s, depth - 1, out);
        }
    }
}

static void add_place(struct text body, const char *words, struct buffer *out)
{
    struct json_scan s;
    struct buffer place;
    buffer_init(&place, 200);
    json_scan_init(&s, "answer", body.at, body.length, 1);
    find_place(&s, DEPTH, &place);
    if (place.length && !strstr(words, place.data))
        buffer_add_format(out, " (%s)", place.data);
    buffer_free(&place);
}

/* ---- web pages ---- */

static struct text without_blanks(struct text t)
{
    while (t.length && isspace((unsigned char)t.at[0]))
        t = (struct text){t.at + 1, t.length - 1};
    while (t.length && isspace((unsigned char)t.at[t.length - 1]))
        t.length--;
    return t;
}

static bool begins(struct text t, const char *word)
{
    return t.length >= strlen(word) && strncasecmp(t.at, word, strlen(word)) == 0;
}

bool refusal_is_page(const char *content_type, struct text body)
{
    body = without_blanks(body);
    bool by_type = content_type && text_find_nocase(text_of(content_type), "html");
    return by_type || begins(body, "<!doctype html") || begins(body, "<html");
}

static struct text behind(struct text t, const char *at)
{
    return (struct text){at, t.length - (size_t)(at - t.at)};
}

/* What stands between the tags <title...> and </title>; empty without. */
static struct text page_title(struct text page)
{
    const char *open = text_find_nocase(page, "<title");
    const char *start = open ? memchr(open, '>', behind(page, open).length) : NULL;
    const char *end = start ? text_find_nocase(behind(page, start), "</title") : NULL;
    return end ? (struct text){start + 1, (size_t)(end - start - 1)} : (struct text){"", 0};
}

/* The text outside of tags, of which runs of blanks become one; scripts and styles are none. */
static void add_page_words(struct text page, struct buffer *out)
{
    const char *body = text_find_nocase(page, "<body");
    struct text rest = body ? behind(page, body) : page;
    bool blank = true;
    size_t start = out->length;
    while (rest.length && out->length < start + 120) {
        const char *end = rest.at[0] != '<'         ? NULL
                          : begins(rest, "<script") ? text_find_nocase(rest, "</script")
                          : begins(rest, "<style")  ? text_find_nocase(rest, "</style")
                                                    : rest.at;
        if (end)
            end = memchr(end, '>', behind(rest, end).length);
        bool tag = rest.at[0] == '<';
        if (!blank && (tag || isspace((unsigned char)rest.at[0])))
            buffer_add_byte(out, ' ');
        blank = tag ? true : isspace((unsigned char)rest.at[0]);
        if (!blank)
            buffer_add_byte(out, rest.at[0]);
        if (tag && !end)
            break;
        rest = behind(rest, tag ? end + 1 : rest.at + 1);
    }
    while (out->length > start && out->data[out->length - 1] == ' ')
        out->data[--out->length] = '\0';
}

static void add_page(struct text page, struct buffer *out)
{
    struct text title = without_blanks(page_title(page));
    buffer_add_text(out, "a web page");
    size_t before = out->length;
    buffer_add_text(out, ": \"");
    if (title.length)
        buffer_add(out, title.at, title.length < 160 ? title.length : 160);
    else
        add_page_words(page, out);
    if (out->length > before + 3)
        buffer_add_byte(out, '"');
    else
        out->data[out->length = before] = '\0';
}

/* ---- redirects ---- */

bool refusal_add_base(const char *location, const char *path, struct buffer *out)
{
    size_t length = strcspn(location, "?#"), tail = strlen(path);
    bool slash = length && location[length - 1] == '/';
    size_t end = slash ? length - 1 : length;
    if (end < tail || strncmp(location + end - tail, path, tail) != 0)
        return false;
    if (slash)
        buffer_add_text(out, location);
    else
        buffer_add_format(out, "%.*s%s", (int)(end - tail), location, location + end);
    return true;
}

static void add_redirect(const struct refusal *r, struct buffer *out)
{
    struct buffer base;
    buffer_init(&base, MOST_WORDS);
    buffer_add_format(out, "HTTP status %d to %.1000s", r->http_status, r->location);
    if (!refusal_add_base(r->location, r->path, &base))
        buffer_add_text(out, ", which is no address of this API");
    else if (strcmp(base.data, r->location) == 0)
        buffer_add_text(out, ": give that as --url");
    else
        buffer_add_format(out, ": give --url %s", base.data);
    buffer_free(&base);
}

/* ---- all of it ---- */

static void add_json_words(struct text raw, struct text body, struct buffer *out)
{
    struct buffer words;
    buffer_init(&words, MOST_WORDS);
    if (!json_unescape(raw, &words)) {
        buffer_clear(&words);
        buffer_add(&words, raw.at, raw.length < MOST_WORDS ? raw.length : MOST_WORDS);
    }
    buffer_add(out, words.data, words.length);
    add_place(body, words.data, out);
    buffer_free(&words);
}

void refusal_add_words(const struct refusal *r, struct buffer *out)
{
    struct text words, body = without_blanks(r->body);
    if (r->http_status >= 300 && r->http_status < 400 && r->location && r->location[0])
        add_redirect(r, out);
    else if (refusal_is_page(r->content_type, body))
        add_page(body, out);
    else if (body.length == 0)
        buffer_add_format(out, "HTTP status %d with an empty body", r->http_status);
    else if (chunk_find_words(body, &words))
        add_json_words(words, body, out);
    else
        buffer_add(out, body.at, body.length < MOST_WORDS ? body.length : MOST_WORDS);
}
