#include "bench/client/credentials.h"

#include "bench/answer/secrets.h"
#include "bench/client/bench_hide.h"
#include "core/file.h"
#include "core/memory.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECRET_CAP 16384
#define BODY_CAP ((size_t)1 << 20)
#define KEY_VARIABLE "OPENAI_API_KEY"

static bool is_hidden(struct text t)
{
    return text_equal(t, SECRETS_HIDDEN);
}

static void add_word(struct credentials *s, struct text word)
{
    s->words = mem_resize(s->words, s->word_count + 2, sizeof *s->words);
    s->words[s->word_count++] = mem_copy_text(word.at, word.length);
    s->words[s->word_count] = NULL;
}

/* The first line of a file, without the spaces at its end. */
static int read_line(const char *path, const char *what, char **out, struct error *err)
{
    size_t length;
    if (file_read_all(path, SECRET_CAP, out, &length, err) < 0)
        return ERR_INPUT;
    length = strcspn(*out, "\r\n");
    while (length && ((*out)[length - 1] == ' ' || (*out)[length - 1] == '\t'))
        length--;
    (*out)[length] = '\0';
    if (length)
        return 0;
    return error_set(err, ERR_INPUT, "%s holds no %s in its first line", path, what);
}

/* ---- keys ---- */

static int read_key(const char *source, bool is_file, char **out, struct error *err)
{
    if (strcmp(source, "none") == 0)
        return 0;
    if (is_file)
        return read_line(source, "key", out, err);
    const char *key = getenv(source);
    if (!key || !*key)
        return error_set(err, ERR_INPUT, "--api-key-env %.80s: the environment has no such key",
                         source);
    *out = mem_copy_string(key);
    return 0;
}

bool credentials_same_host(const char *a, const char *b)
{
    struct text ends[2];
    const char *const urls[] = {a, b};
    for (int i = 0; i < 2; i++) {
        struct text user = url_user_info(urls[i]);
        const char *host = user.at + user.length + (user.length > 0);
        ends[i] = (struct text){host, strcspn(host, "/?#")};
    }
    size_t scheme = strcspn(a, ":");
    return strncasecmp(a, b, scheme + 1) == 0 && ends[0].length == ends[1].length &&
           strncasecmp(ends[0].at, ends[1].at, ends[0].length) == 0;
}

static bool is_own(const char *url)
{
    return strncmp(url, "mock:", 5) == 0;
}

/* The endpoints that bench starts itself aside. */
static bool is_one_host(const struct credential_list *urls)
{
    const char *first = NULL;
    for (size_t i = 0; i < urls->count; i++) {
        if (is_own(urls->items[i]))
            continue;
        if (first && !credentials_same_host(first, urls->items[i]))
            return false;
        first = urls->items[i];
    }
    return true;
}

static void give_key(struct credential_site *site, char *key, const char *from)
{
    site->key = key;
    site->key_from = key ? mem_copy_string(from) : NULL;
}

/* The variable whose key is sent unasked: the API's own, if it holds one; NULL = there is none. */
static const char *default_variable(const struct credential_sources *o)
{
    const char *const names[] = {o->key_variable, KEY_VARIABLE};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *key = names[i] ? getenv(names[i]) : NULL;
        if (key && *key)
            return names[i];
    }
    return NULL;
}

static int take_default_key(const struct credential_sources *o, struct credentials *s)
{
    const char *variable = default_variable(o), *key = variable ? getenv(variable) : NULL;
    for (size_t i = 0; key && is_one_host(&o->urls) && i < s->site_count; i++)
        if (!s->sites[i].user && !is_own(s->sites[i].url))
            give_key(&s->sites[i], mem_copy_string(key), variable);
    return 0;
}

static int read_keys(const struct credential_sources *o, struct credentials *s, struct error *err)
{
    bool is_file = o->key_files.count > 0;
    const struct credential_list *list = is_file ? &o->key_files : &o->key_variables;
    if (is_file && o->key_variables.count)
        return error_set(err, ERR_INPUT,
                         "--api-key-file and --api-key-env exclude each other: give one of them "
                         "once, or once for each --url");
    if (list->count == 0)
        return take_default_key(o, s);
    if (list->count > 1 && list->count != s->site_count)
        return error_set(err, ERR_INPUT,
                         "%zu --api-key-%s and %zu --url do not pair: give one for all, or one for "
                         "each, \"none\" for a --url without a key",
                         list->count, is_file ? "file" : "env", s->site_count);
    for (size_t i = 0; i < s->site_count; i++) {
        const char *from = list->items[list->count == 1 ? 0 : i];
        char *key = NULL;
        if (i && list->count == 1)
            key = s->sites[0].key ? mem_copy_string(s->sites[0].key) : NULL;
        else if (read_key(from, is_file, &key, err) < 0) {
            secrets_wipe(key);
            return ERR_INPUT;
        }
        give_key(&s->sites[i], key, from);
    }
    return 0;
}

/* ---- URLs ---- */

static char *decoded(const char *at, size_t length)
{
    int count = 0;
    char *made = curl_easy_unescape(NULL, at, (int)length, &count);
    char *copy = mem_copy_text(made ? made : "", (size_t)count);
    curl_free(made);
    return copy;
}

/* What the query holds is a secret as it is sent, and as a server may decode it. */
static int read_query(const char *url, struct credential_site *site, struct credentials *s,
                      struct error *err)
{
    struct text secret;
    struct buffer shown;
    const char *from = NULL;
    while (url_query_secret(url, &from, &secret)) {
        if (is_hidden(secret))
            return error_set(err, ERR_INPUT,
                             "--url %.200s: a value of its query is not in run.json: give every "
                             "--url anew",
                             url);
        add_word(s, secret);
        char *plain = decoded(secret.at, secret.length);
        add_word(s, text_of(plain));
        secrets_wipe(plain);
    }
    buffer_init(&shown, BUFFER_UNBOUNDED);
    hide_in_url(site->url, &shown);
    site->shown = buffer_take(&shown);
    return 0;
}

static int read_site(const char *url, struct credential_site *site, struct credentials *s,
                     struct error *err)
{
    struct text info = url_user_info(url);
    if (is_hidden(info))
        return error_set(err, ERR_INPUT,
                         "--url %.200s: its user and password are not in run.json: give every "
                         "--url anew",
                         url);
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    buffer_add(&shown, url, (size_t)(info.at - url));
    buffer_add_text(&shown, info.at + info.length + (info.length > 0));
    site->url = buffer_take(&shown);
    if (read_query(url, site, s, err) < 0)
        return ERR_INPUT;
    if (info.length == 0)
        return 0;
    const char *colon = memchr(info.at, ':', info.length);
    size_t user = colon ? (size_t)(colon - info.at) : info.length;
    site->user = decoded(info.at, user);
    site->password = colon ? decoded(colon + 1, info.length - user - 1) : mem_copy_string("");
    return 0;
}

static int read_sites(const struct credential_sources *o, struct credentials *s, struct error *err)
{
    s->sites = mem_zero(o->urls.count + 1, sizeof *s->sites);
    for (size_t i = 0; i < o->urls.count; i++)
        if (read_site(o->urls.items[i], &s->sites[s->site_count++], s, err) < 0)
            return ERR_INPUT;
    return 0;
}

/* ---- headers and body ---- */

static int read_header(const char *line, struct credentials *s, struct error *err)
{
    struct text name, value;
    char *secret = NULL;
    struct buffer whole;
    if (!split_header(line, &name, &value) || value.length == 0 || value.at[0] != '@') {
        s->headers[s->header_count++] = mem_copy_string(line);
        if (!header_is_secret(line))
            return 0;
        if (is_hidden(value))
            return error_set(err, ERR_INPUT,
                             "the value of the header %.*s is not in run.json: give every header "
                             "anew, this one as --header \"%.*s: @FILE\"",
                             (int)name.length, name.at, (int)name.length, name.at);
        add_word(s, header_credential(value));
        return 0;
    }
    if (read_line(value.at + 1, "value", &secret, err) < 0) {
        secrets_wipe(secret);
        return ERR_INPUT;
    }
    buffer_init(&whole, BUFFER_UNBOUNDED);
    buffer_add_format(&whole, "%.*s: %s", (int)name.length, name.at, secret);
    s->headers[s->header_count++] = buffer_take(&whole);
    add_word(s, header_credential(text_of(secret)));
    secrets_wipe(secret);
    return 0;
}

static int read_headers(const struct credential_sources *o, struct credentials *s,
                        struct error *err)
{
    s->headers = mem_zero(o->headers.count + 1, sizeof *s->headers);
    for (size_t i = 0; i < o->headers.count; i++)
        if (read_header(o->headers.items[i], s, err) < 0)
            return ERR_INPUT;
    return 0;
}

static void note_word(void *context, struct text word)
{
    add_word(context, word);
}

static int read_body(const struct credential_sources *o, struct credentials *s, struct error *err)
{
    size_t length, before = s->word_count;
    if (!o->body)
        return 0;
    if (o->body[0] != '@')
        s->body = mem_copy_string(o->body);
    else if (file_read_all(o->body + 1, BODY_CAP, &s->body, &length, err) < 0)
        return ERR_INPUT;
    find_in_body(s->body, note_word, s);
    for (size_t i = before; i < s->word_count; i++)
        if (is_hidden(text_of(s->words[i])))
            return error_set(err, ERR_INPUT,
                             "--body: a value of it is not in run.json: give the --body anew, as "
                             "--body @FILE");
    return 0;
}

/* ---- all of it ---- */

int credentials_read(const struct credential_sources *o, struct credentials *out, struct error *err)
{
    *out = (struct credentials){.words = mem_zero(1, sizeof *out->words)};
    if (read_sites(o, out, err) < 0 || read_keys(o, out, err) < 0 ||
        read_headers(o, out, err) < 0 || read_body(o, out, err) < 0)
        return ERR_INPUT;
    return 0;
}

void credentials_free(struct credentials *s)
{
    for (size_t i = 0; i < s->site_count; i++) {
        secrets_wipe(s->sites[i].url);
        free(s->sites[i].shown);
        secrets_wipe(s->sites[i].key);
        free(s->sites[i].key_from);
        secrets_wipe(s->sites[i].user);
        secrets_wipe(s->sites[i].password);
    }
    for (size_t i = 0; i < s->header_count; i++)
        secrets_wipe(s->headers[i]);
    for (size_t i = 0; i < s->word_count; i++)
        secrets_wipe(s->words[i]);
    secrets_wipe(s->body);
    free(s->sites);
    free(s->headers);
    free(s->words);
    *s = (struct credentials){0};
}

static void note_any(void *context, struct text word)
{
    (void)word;
    *(bool *)context = true;
}

#define EVERY_USER "every user of this machine can read "

static void add_header(const char *line, struct buffer *lines)
{
    struct text name, value;
    if (header_is_secret(line) && split_header(line, &name, &value) && !is_hidden(value))
        buffer_add_format(lines,
                          EVERY_USER "the value of the header %.*s on the command line: give it as "
                                     "--header \"%.*s: @FILE\"\n",
                          (int)name.length, name.at, (int)name.length, name.at);
}

static void add_url(const char *url, struct buffer *lines)
{
    const char *from = NULL;
    struct text info = url_user_info(url), secret;
    if (info.length && !is_hidden(info))
        buffer_add_text(lines, EVERY_USER
                        "the user and password of --url on the command line: give them as --header "
                        "\"Authorization: @FILE\"\n");
    if (url_query_secret(url, &from, &secret) && !is_hidden(secret))
        buffer_add_text(lines, EVERY_USER
                        "the secret in the query of --url on the command line: give the --url in a "
                        "file by --config FILE\n");
}

void credentials_add_open(const struct credential_sources *o, struct buffer *lines)
{
    const char *variable = default_variable(o);
    bool in_body = false;
    for (size_t i = 0; o->headers.typed && i < o->headers.count; i++)
        add_header(o->headers.items[i], lines);
    for (size_t i = 0; o->urls.typed && i < o->urls.count; i++)
        add_url(o->urls.items[i], lines);
    if (o->body_typed && o->body[0] != '@')
        find_in_body(o->body, note_any, &in_body);
    if (in_body)
        buffer_add_text(lines, EVERY_USER "the credential in --body on the command line: give it "
                                          "as --body @FILE\n");
    if (variable && !o->key_files.count && !o->key_variables.count && !is_one_host(&o->urls))
        buffer_add_format(lines,
                          "%s goes to no endpoint, as the --url are of several hosts: "
                          "--api-key-env %s sends it to all of them; given once for each --url, "
                          "each has its own\n",
                          variable, variable);
}
