#include "bench/client/bench_hide.h"

#include "bench/answer/secrets.h"
#include "core/json/json_scan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- what is a credential ---- */

/* As a word of its own: "x-auth", not "author". */
static bool contains_word(struct text t, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= t.length; i++) {
        bool begins = i == 0 || !isalnum((unsigned char)t.at[i - 1]);
        bool ends = i + length == t.length || !isalnum((unsigned char)t.at[i + length]);
        if (begins && ends && strncasecmp(t.at + i, word, length) == 0)
            return true;
    }
    return false;
}

static bool is_credential_name(struct text name)
{
    static const char *const parts[] = {"authorization", "api-key", "api_key",
                                        "apikey",        "token",   "secret",
                                        "password",      "cookie",  "credential"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (text_find_nocase(name, parts[i]))
            return true;
    return false;
}

static bool is_credential_value(struct text value)
{
    static const char *const starts[] = {"Bearer ", "Basic ", "sk-", "sk_",
                                         "gsk_",    "hf_",    "eyJ", "AIza"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (value.length > strlen(starts[i]) &&
            strncasecmp(value.at, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* ---- headers ---- */

bool split_header(const char *line, struct text *name, struct text *value)
{
    const char *colon = strchr(line, ':');
    if (!colon)
        return false;
    *name = (struct text){line, (size_t)(colon - line)};
    *value = text_of(colon + 1 + strspn(colon + 1, " \t"));
    return true;
}

bool header_is_secret(const char *line)
{
    struct text name, value;
    return split_header(line, &name, &value) && value.length && value.at[0] != '@' &&
           (is_credential_name(name) || contains_word(name, "key") || contains_word(name, "auth") ||
            is_credential_value(value));
}

struct text header_credential(struct text value)
{
    size_t scheme = 0;
    while (scheme < value.length && isalpha((unsigned char)value.at[scheme]))
        scheme++;
    if (scheme == 0 || scheme + 1 >= value.length || value.at[scheme] != ' ')
        return value;
    return (struct text){value.at + scheme + 1, value.length - scheme - 1};
}

void hide_in_header(const char *line, struct buffer *out)
{
    struct text name, value;
    if (!split_header(line, &name, &value)) { /* none, and refused: it may be a key all the same */
        buffer_add_text(out, SECRETS_HIDDEN);
    } else if (header_is_secret(line)) {
        buffer_add(out, name.at, name.length);
        buffer_add_text(out, ": " SECRETS_HIDDEN);
    } else {
        buffer_add_text(out, line);
    }
}

/* ---- URLs ---- */

struct text url_user_info(const char *url)
{
    const char *start = strstr(url, "://"), *at = NULL;
    start = start ? start + 3 : url;
    size_t length = strcspn(start, "/?#");
    for (size_t i = 0; i < length; i++)
        if (start[i] == '@')
            at = start + i;
    return (struct text){start, at ? (size_t)(at - start) : 0};
}

/* A stretch of letters and digits such as keys have and names have not. */
static bool looks_made_up(struct text value)
{
    size_t run = 0, digits = 0, letters = 0;
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.at[i];
        run = isalnum(c) ? run + 1 : 0;
        digits = run ? digits + (isdigit(c) != 0) : 0;
        letters = run ? letters + (isalpha(c) != 0) : 0;
        if (run >= 16 && digits > 0 && letters > 0)
            return true;
    }
    return false;
}

#define PLAIN_SIZE 512 /* of a name or value, as far as it is looked at */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* As a server reads it: "api%5Fkey" is api_key, and a plus is a space. */
static struct text decode(struct text t, char plain[PLAIN_SIZE])
{
    size_t n = 0;
    for (size_t i = 0; i < t.length && n < PLAIN_SIZE; i++) {
        int high = t.at[i] == '%' && i + 2 < t.length ? hex_digit(t.at[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(t.at[i + 2]) : -1;
        plain[n++] = low >= 0 ? (char)(high * 16 + low) : (t.at[i] == '+' ? ' ' : t.at[i]);
        i += low >= 0 ? 2 : 0;
    }
    return (struct text){plain, n};
}

static bool is_plain_secret(struct text name, struct text value)
{
    static const char *const words[] = {"key", "auth", "sig", "code", "pass", "pwd", "pw"};
    bool pair = memchr(value.at, '=', value.length); /* "a=b;token=c", or an address with a query */
    bool named = is_credential_name(name) || text_find_nocase(name, "signature") ||
                 (pair && is_credential_name(value));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        named = named || contains_word(name, words[i]);
    return value.length && (named || text_equal(value, SECRETS_HIDDEN) ||
                            is_credential_value(value) || looks_made_up(value));
}

static bool is_query_secret(struct text name, struct text value)
{
    char plain_name[PLAIN_SIZE], plain_value[PLAIN_SIZE];
    struct text plain = decode(value, plain_value);
    return is_plain_secret(decode(name, plain_name), plain) || looks_made_up(value);
}

bool url_query_secret(const char *url, const char **from, struct text *secret)
{
    const char *at = *from ? *from : strchr(url, '?');
    while (at && *at && *at != '#') {
        const char *item = at + 1;
        size_t length = strcspn(item, "&#"), name = 0;
        while (name < length && item[name] != '=')
            name++;
        size_t skipped = name < length ? name + 1 : 0; /* a word alone is a value */
        *secret = (struct text){item + skipped, length - skipped};
        *from = at = item + length;
        if (is_query_secret((struct text){item, skipped ? name : 0}, *secret))
            return true;
    }
    return false;
}

void hide_in_url(const char *url, struct buffer *out)
{
    struct text user = url_user_info(url), secret;
    const char *shown = user.at + user.length, *from = NULL;
    buffer_add(out, url, (size_t)(user.at - url));
    if (user.length)
        buffer_add_text(out, SECRETS_HIDDEN);
    while (url_query_secret(url, &from, &secret)) {
        buffer_add(out, shown, (size_t)(secret.at - shown));
        buffer_add_text(out, SECRETS_HIDDEN);
        shown = secret.at + secret.length;
    }
    buffer_add_text(out, shown);
}

/* ---- bodies ---- */

struct walk {
    struct json_scan scan;
    const char *shown_to; /* what stands before it is in `out` */
    struct buffer *out;
    void (*found)(void *context, struct text secret); /* NULL */
    void *context;
};

static void hide_string(struct walk *w, struct text raw)
{
    if (w->found)
        w->found(w->context, raw);
    buffer_add(w->out, w->shown_to, (size_t)(raw.at - w->shown_to));
    buffer_add_text(w->out, SECRETS_HIDDEN);
    w->shown_to = raw.at + raw.length;
}

static void walk_value(struct walk *w, bool credential)
{
    struct json_scan *s = &w->scan;
    struct text key, raw = {"", 0};
    switch (json_peek(s)) {
    case JSON_OBJECT:
        json_object_begin(s);
        while (json_object_next(s, &key))
            walk_value(w, credential || is_credential_name(key));
        break;
    case JSON_ARRAY:
        json_array_begin(s);
        while (json_array_next(s))
            walk_value(w, credential);
        break;
    case JSON_STRING:
        if (json_string(s, &raw) && raw.length && (credential || is_credential_value(raw)))
            hide_string(w, raw);
        break;
    default:
        json_skip(s, NULL);
    }
}

static int walk_body(struct walk *w, const char *json)
{
    json_scan_init(&w->scan, "--body", json, strlen(json), 1);
    w->shown_to = json;
    walk_value(w, false);
    return json_scan_end(&w->scan, NULL);
}

void hide_in_body(const char *body, struct buffer *out)
{
    struct buffer shown;
    struct walk w = {.out = &shown};
    buffer_init(&shown, BUFFER_UNBOUNDED);
    if (body[0] == '@') {
        buffer_add_text(out, body);
    } else if (walk_body(&w, body) < 0) {
        buffer_add_text(out, SECRETS_HIDDEN);
    } else {
        buffer_add(out, shown.data, shown.length);
        buffer_add_text(out, w.shown_to);
    }
    buffer_free(&shown);
}

void find_in_body(const char *json, void (*found)(void *context, struct text secret), void *context)
{
    struct buffer shown;
    struct walk w = {.out = &shown, .found = found, .context = context};
    buffer_init(&shown, BUFFER_UNBOUNDED);
    walk_body(&w, json);
    buffer_free(&shown);
}
