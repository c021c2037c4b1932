#include "cli/bench/bench_server.h"

#include "bench/client/bench_hide.h"
#include "bench/client/credentials.h"
#include "core/library/library.h"
#include "core/memory.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_NS (2 * NS_PER_S) /* that the start waits for the first scrape */
#define AUTO "auto"

/* ---- the option's values ---- */

static bool begins_url(const char *at)
{
    return strncmp(at, "http://", 7) == 0 || strncmp(at, "https://", 8) == 0;
}

/* The next of a comma list. A comma is between two of them only where another one begins behind it:
 * a query may hold some. */
static bool next_item(const char **at, struct text *item)
{
    if (!**at)
        return false;
    const char *comma = *at;
    while ((comma = strchr(comma, ',')) && !begins_url(comma + 1) &&
           strncmp(comma + 1, AUTO, strlen(AUTO)) != 0)
        comma++;
    *item = (struct text){*at, comma ? (size_t)(comma - *at) : strlen(*at)};
    *at += item->length + (comma != NULL);
    return true;
}

void bench_server_hide(const char *value, struct buffer *out)
{
    struct text item;
    const char *comma = "";
    while (next_item(&value, &item)) {
        char *url = mem_copy_text(item.at, item.length);
        buffer_add_text(out, comma);
        hide_in_url(url, out);
        comma = ",";
        free(url);
    }
}

static int check_item(const char *url, struct error *err)
{
    struct buffer shown;
    library_prepare_curl();
    CURLU *parts = curl_url();
    bool good = strcmp(url, AUTO) == 0 ||
                (begins_url(url) && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK);
    bool hidden = strstr(url, SECRETS_HIDDEN) != NULL;
    curl_url_cleanup(parts);
    if (good && !hidden)
        return 0;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    hide_in_url(url, &shown);
    int status =
        hidden ? error_set(err, ERR_INPUT,
                           "--server-metrics %.200s: what is hidden there is not in run.json: give "
                           "every --server-metrics anew",
                           shown.data)
               : error_set(err, ERR_INPUT,
                           "--server-metrics \"%.200s\": expected auto, or a URL such as "
                           "http://127.0.0.1:8000/metrics",
                           shown.length ? shown.data : "");
    buffer_free(&shown);
    return status;
}

static int read_rules(const struct bench_options *o, struct server_rules *rules, struct error *err)
{
    for (size_t i = 0; i < o->server_names.count; i++)
        if (server_rules_add(rules, o->server_names.items[i], err) < 0)
            return ERR_INPUT;
    return 0;
}

int bench_server_check(const struct bench_options *o, struct error *err)
{
    struct server_rules rules = {0};
    struct text item;
    size_t count = 0;
    int status = read_rules(o, &rules, err);
    server_rules_free(&rules);
    if (status == 0 && o->server_names.count && !o->server_metrics.count)
        status = error_set(err, ERR_INPUT,
                           "--server-metric names what --server-metrics asks for: give that too");
    for (size_t i = 0; i < o->server_metrics.count && status == 0; i++) {
        const char *at = o->server_metrics.items[i];
        if (!*at)
            status = check_item(at, err);
        while (status == 0 && next_item(&at, &item)) {
            char *url = mem_copy_text(item.at, item.length);
            status = check_item(url, err);
            free(url);
            count++;
        }
    }
    if (status == 0 && count > SERVER_SOURCES)
        status = error_set(err, ERR_INPUT, "--server-metrics: expected at most %d URLs, found %zu",
                           SERVER_SOURCES, count);
    return status;
}

void bench_server_add_open(const struct bench_options *o, struct buffer *lines)
{
    for (size_t i = 0; i < o->server_metrics.count && options_typed(o, "server-metrics"); i++) {
        struct buffer shown;
        buffer_init(&shown, BUFFER_UNBOUNDED);
        bench_server_hide(o->server_metrics.items[i], &shown);
        if (shown.data && strcmp(shown.data, o->server_metrics.items[i]) != 0)
            buffer_add_text(lines, "every user of this machine can read the secret in "
                                   "--server-metrics on the command line: give the URL in a file "
                                   "by --config FILE\n");
        buffer_free(&shown);
    }
}

/* ---- addresses ---- */

static char *decoded(const char *at, size_t length)
{
    int count = 0;
    char *made = curl_easy_unescape(NULL, at, (int)length, &count);
    char *copy = mem_copy_text(made ? made : "", (size_t)count);
    curl_free(made);
    return copy;
}

static void add_secret(struct server_address *a, char *word)
{
    a->secrets = mem_resize(a->secrets, a->secret_count + 2, sizeof *a->secrets);
    a->secrets[a->secret_count++] = word;
    a->secrets[a->secret_count] = NULL;
}

/* "user:password@" goes out of the URL; the secrets of its query stay in it. */
static void read_address(const char *url, struct server_address *a)
{
    struct text info = url_user_info(url), secret;
    struct buffer plain, shown;
    const char *from = NULL;
    buffer_init(&plain, BUFFER_UNBOUNDED);
    buffer_init(&shown, BUFFER_UNBOUNDED);
    buffer_add(&plain, url, (size_t)(info.at - url));
    buffer_add_text(&plain, info.at + info.length + (info.length > 0));
    if (info.length) {
        const char *colon = memchr(info.at, ':', info.length);
        size_t user = colon ? (size_t)(colon - info.at) : info.length;
        a->user = decoded(info.at, user);
        a->password = colon ? decoded(colon + 1, info.length - user - 1) : mem_copy_string("");
        add_secret(a, mem_copy_string(colon ? a->password : a->user));
    }
    while (url_query_secret(url, &from, &secret)) {
        add_secret(a, mem_copy_text(secret.at, secret.length));
        add_secret(a, decoded(secret.at, secret.length));
    }
    a->urls[0] = buffer_take(&plain);
    hide_in_url(a->urls[0], &shown);
    a->shown[0] = buffer_take(&shown);
}

static void add_place(struct server_address *a, const char *url, size_t length, const char *path)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add(&b, url, length);
    buffer_add_text(&b, path);
    for (size_t i = 0; i < SCRAPE_URLS; i++) {
        if (a->urls[i] && strcmp(a->urls[i], b.data) == 0)
            break;
        if (a->urls[i])
            continue;
        a->urls[i] = mem_copy_string(b.data);
        a->shown[i] = mem_copy_string(b.data);
        break;
    }
    buffer_free(&b);
}

/* /metrics of the endpoint's host; behind a prefix of its own; where trtllm-serve has it. */
static void guess_address(const char *url, struct server_address *a)
{
    size_t scheme = strcspn(url, ":") + 3, base = strcspn(url, "?#");
    size_t host = scheme + strcspn(url + scheme, "/?#");
    while (base > host && url[base - 1] == '/')
        base--;
    if (base >= host + 3 && strncmp(url + base - 3, "/v1", 3) == 0)
        base -= 3;
    add_place(a, url, host, "/metrics");
    add_place(a, url, base, "/metrics");
    add_place(a, url, host, "/prometheus/metrics");
}

static void free_address(struct server_address *a)
{
    for (size_t i = 0; i < SCRAPE_URLS; i++) {
        secrets_wipe(a->urls[i]);
        free(a->shown[i]);
    }
    for (size_t i = 0; i < a->secret_count; i++)
        secrets_wipe(a->secrets[i]);
    free(a->secrets);
    free(a->user);
    secrets_wipe(a->password);
    *a = (struct server_address){0};
}

/* Only an endpoint of the very same host lends its credentials, and only to a URL without its own.
 */
static const struct endpoint_config *lender(const struct bench_setup *setup,
                                            const struct server_address *a)
{
    for (size_t i = 0; i < setup->config.endpoint_count && !a->user; i++)
        if (credentials_same_host(setup->endpoints[i].url, a->urls[0]))
            return &setup->endpoints[i];
    return NULL;
}

/* Takes the address over: as a source, unless there is one like it. */
static void add_source(struct bench_server *s, const struct bench_setup *setup,
                       struct server_address *a)
{
    bool known = s->count == SERVER_SOURCES;
    for (size_t i = 0; i < s->count; i++)
        known = known || strcmp(s->addresses[i].urls[0], a->urls[0]) == 0;
    if (known) {
        free_address(a);
        return;
    }
    const struct endpoint_config *first = &setup->endpoints[0];
    struct scrape_source *source = &s->sources[s->count];
    s->addresses[s->count++] = *a;
    *source = (struct scrape_source){.endpoint = lender(setup, a),
                                     .user = a->user,
                                     .password = a->password,
                                     .secrets = (const char *const *)a->secrets,
                                     .ca_file = first->ca_file,
                                     .insecure = first->insecure};
    for (size_t i = 0; i < SCRAPE_URLS; i++) {
        source->urls[i] = a->urls[i];
        source->shown[i] = a->shown[i];
    }
}

static void add_item(struct bench_server *s, const struct bench_setup *setup, const char *url)
{
    struct server_address a = {0};
    if (strcmp(url, AUTO) != 0) {
        read_address(url, &a);
        add_source(s, setup, &a);
        return;
    }
    for (size_t i = 0; i < setup->config.endpoint_count; i++) {
        a = (struct server_address){0};
        guess_address(setup->endpoints[i].url, &a);
        add_source(s, setup, &a);
    }
}

/* ---- the run ---- */

static void say_lines(const struct terminal *t, struct buffer *lines, bool warning)
{
    for (char *line = lines->data ? strtok(lines->data, "\n") : NULL; line;
         line = strtok(NULL, "\n"))
        if (warning)
            warn(t, "%s", line);
        else
            say(t, "%s", line);
    buffer_free(lines);
}

void bench_server_start(struct bench_server *s, const struct bench_options *o,
                        const struct bench_setup *setup, const char *directory,
                        const struct terminal *t)
{
    struct text item;
    struct error err = {0};
    *s = (struct bench_server){0};
    for (size_t i = 0; i < o->server_metrics.count; i++) {
        const char *at = o->server_metrics.items[i];
        while (next_item(&at, &item)) {
            char *url = mem_copy_text(item.at, item.length);
            add_item(s, setup, url);
            secrets_wipe(url);
        }
    }
    if (s->count == 0)
        return;
    read_rules(o, &s->rules, NULL);
    struct scraper_config config = {s->sources, s->count, &s->rules, setup->config.api};
    s->scraper = scraper_start(&config, directory, &err);
    if (!s->scraper) {
        warn(t, "no server metrics: %s", err.message);
        return;
    }
    struct buffer lines;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    scraper_wait(s->scraper, FIRST_NS);
    scraper_add_state(s->scraper, &lines);
    say_lines(t, &lines, false);
}

void bench_server_set_start(struct bench_server *s, int64_t start_ns)
{
    if (s->scraper)
        scraper_set_start(s->scraper, start_ns);
}

void bench_server_stop(struct bench_server *s, const struct terminal *t)
{
    struct buffer lines;
    if (s->scraper) {
        buffer_init(&lines, BUFFER_UNBOUNDED);
        scraper_stop(s->scraper);
        scraper_add_failures(s->scraper, &lines);
        say_lines(t, &lines, true);
        scraper_free(s->scraper);
    }
    for (size_t i = 0; i < s->count; i++)
        free_address(&s->addresses[i]);
    server_rules_free(&s->rules);
    *s = (struct bench_server){0};
}
