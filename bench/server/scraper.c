#include "bench/server/scraper.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/printable.h"
#include "core/runs/record/run_dir.h"
#include "core/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* A source, as its thread has it. What others ask for is under the scraper's lock. */
struct scrape {
    struct scraper *scraper;
    const struct scrape_source *source;
    pthread_t thread;
    bool running;
    CURL *easy;
    struct curl_slist *headers;
    struct endpoint endpoint; /* where it has one */
    struct secrets secrets;
    struct buffer body;
    size_t url;   /* of source->urls */
    bool settled; /* which of them; true once one answered */
    bool given_up;
    int64_t until_ns; /* of the exchange under way: aborted then */
    /* under the lock */
    const char *shown; /* the URL that is asked */
    bool over;         /* given up */
    bool asked;        /* once */
    bool good;         /* the last scrape was */
    uint64_t ok, failed;
    struct server_found found;
    char server[SERVER_NAME_SIZE], error[SERVER_ERROR_SIZE];
};

/* A line, and its source. */
struct early {
    size_t number;
    struct server_line line;
};

struct scraper {
    struct scraper_config config;
    struct scrape *scrapes;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a scrape was made; the start is known; stop */
    bool stopping;
    int64_t start_ns; /* TIME_NEVER as long as it is not known */
    int fd;
    struct early *early; /* before the start was known */
    size_t early_count;
    struct buffer text;
    struct error failure; /* of writing */
};

/* ---- server.jsonl ---- */

/* Under the lock. */
static void put_line(struct scraper *s, struct server_line *line)
{
    line->t_ns -= s->start_ns;
    if (s->failure.code)
        return;
    buffer_clear(&s->text);
    server_line_write(line, &s->text);
    file_write_all(s->fd, s->text.data, s->text.length, "server.jsonl", &s->failure);
}

/* Under the lock. A run that never begins keeps a bounded number of lines. */
static void keep_line(struct scraper *s, size_t number, const struct server_line *line)
{
    struct early own = {number, *line};
    if (s->start_ns != TIME_NEVER)
        put_line(s, &own.line);
    else if (s->early_count < 4 * SERVER_SOURCES)
        *(struct early *)mem_append(&s->early, &s->early_count, sizeof own) = own;
}

void scraper_set_start(struct scraper *s, int64_t start_ns)
{
    pthread_mutex_lock(&s->lock);
    s->start_ns = start_ns;
    for (size_t i = 0; i < s->config.count; i++) /* in the order of the sources */
        for (size_t k = 0; k < s->early_count; k++)
            if (s->early[k].number == i)
                put_line(s, &s->early[k].line);
    s->early_count = 0;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* ---- one exchange ---- */

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    return buffer_add(context, bytes, size * count) == 0 ? size * count : 0;
}

static bool is_stopping(struct scraper *s)
{
    pthread_mutex_lock(&s->lock);
    bool stopping = s->stopping;
    pthread_mutex_unlock(&s->lock);
    return stopping;
}

/* An exchange that hangs when the run ends is given up soon. */
static int until_over(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct scrape *x = context;
    int64_t now_ns = clock_now_ns();
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    if (stop_level() > 1)
        return 1;
    if (x->until_ns == TIME_NEVER && is_stopping(x->scraper))
        x->until_ns = now_ns + SCRAPE_LAST_NS;
    return now_ns > x->until_ns;
}

/* As any exchange with the endpoint: its credentials, its certificates. */
static void apply_endpoint(struct scrape *x)
{
    endpoint_apply(&x->endpoint, x->easy);
    curl_easy_setopt(x->easy, CURLOPT_RESOLVE, x->endpoint.resolve);
    curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, x->endpoint.joins ? 1L : 0L);
    for (struct curl_slist *h = x->endpoint.headers; h; h = h->next)
        if (strncasecmp(h->data, "Content-Type:", 13) && strncasecmp(h->data, "Accept:", 7))
            x->headers = curl_slist_append(x->headers, h->data);
}

static void apply_own(struct scrape *x)
{
    const struct scrape_source *source = x->source;
    curl_easy_setopt(x->easy, CURLOPT_USERNAME, source->user);
    curl_easy_setopt(x->easy, CURLOPT_PASSWORD, source->password);
    curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, source->insecure ? 0L : 1L);
    curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, source->insecure ? 0L : 2L);
    if (source->ca_file)
        curl_easy_setopt(x->easy, CURLOPT_CAINFO, source->ca_file);
    curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "farebox/" FAREBOX_VERSION);
}

static void set_up(struct scrape *x)
{
    const struct scrape_source *source = x->source;
    x->easy = curl_easy_init();
    x->headers = curl_slist_append(NULL, "Accept: text/plain;version=0.0.4,"
                                         "application/openmetrics-text;version=1.0.0;q=0.5,"
                                         "*/*;q=0.1");
    buffer_init(&x->body, SCRAPE_MOST);
    if (source->endpoint)
        apply_endpoint(x);
    else
        apply_own(x);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(x->easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, &x->body);
    curl_easy_setopt(x->easy, CURLOPT_XFERINFOFUNCTION, until_over);
    curl_easy_setopt(x->easy, CURLOPT_XFERINFODATA, x);
    curl_easy_setopt(x->easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)(SCRAPE_NS / NS_PER_MS));
    for (const char *const *word = source->secrets; word && *word; word++)
        secrets_add(&x->secrets, *word);
}

/* The first words of an answer, without secrets and safe to show. */
static void add_words(const struct scrape *x, struct buffer *out)
{
    struct text words = text_trim((struct text){x->body.data, x->body.length});
    struct buffer hidden;
    struct printable p = {0};
    size_t line = 0;
    while (line < words.length && line < 60 && !strchr("\r\n", words.at[line]))
        line++;
    words.length = line;
    buffer_init(&hidden, BUFFER_UNBOUNDED);
    secrets_hide(x->source->endpoint ? &x->endpoint.secrets : &x->secrets, words, 100, &hidden);
    buffer_add_byte(out, '"');
    printable_add(&p, hidden.data ? hidden.data : "", hidden.length, out);
    printable_end(&p, out);
    buffer_add_byte(out, '"');
    buffer_free(&hidden);
}

/* Why there are no metrics in it; nothing is added where there are. */
static void read_answer(struct scrape *x, CURLcode code, const char *words,
                        struct server_line *line, struct server_found *found, struct buffer *out)
{
    long status = 0;
    struct text body = {x->body.data ? x->body.data : "", x->body.length};
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_WRITE_ERROR) {
        buffer_add_format(out, "more than %zu MiB", SCRAPE_MOST >> 20);
        x->given_up = true;
    } else if (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK) {
        buffer_add_format(out, "no answer within %.1f s", line->took_ms / 1e3);
    } else if (code != CURLE_OK) {
        buffer_add_format(out, "%.150s", words[0] ? words : curl_easy_strerror(code));
    } else if (status < 200 || status > 299) {
        buffer_add_format(out, "HTTP status %ld", status);
    } else if (body.length == 0) {
        buffer_add_text(out, "an empty answer");
    } else if (!server_names_read(x->scraper->config.rules, body, line, found)) {
        buffer_add_text(out, "no metrics in the answer, which begins with ");
        add_words(x, out);
    }
}

static void exchange(struct scrape *x, struct server_line *line, struct server_found *found)
{
    char words[CURL_ERROR_SIZE] = "";
    struct buffer why;
    buffer_init(&why, BUFFER_UNBOUNDED);
    buffer_clear(&x->body);
    server_line_init(line);
    snprintf(line->source, sizeof line->source, "%s", x->source->shown[x->url]);
    line->t_ns = clock_now_ns();
    x->until_ns = TIME_NEVER;
    curl_easy_setopt(x->easy, CURLOPT_URL, x->source->urls[x->url]);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, words);
    CURLcode code = curl_easy_perform(x->easy);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, NULL);
    line->took_ms = (double)(clock_now_ns() - line->t_ns) / 1e6;
    read_answer(x, code, words, line, found, &why);
    if (why.length)
        text_cut((struct text){why.data, why.length}, line->error, sizeof line->error);
    buffer_free(&why);
}

/* Where the first address has no metrics, the next ones are tried, once. */
static void find_url(struct scrape *x, struct server_line *line, struct server_found *found)
{
    struct server_line first = *line;
    for (size_t i = 1; i < SCRAPE_URLS && x->source->urls[i] && !x->given_up; i++) {
        x->url = i;
        exchange(x, line, found);
        if (!line->error[0])
            return;
    }
    x->url = 0;
    *line = first;
}

static void scrape_once(struct scrape *x)
{
    struct scraper *s = x->scraper;
    struct server_line line;
    struct server_found found = {0};
    long status = 0;
    exchange(x, &line, &found);
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (line.error[0] && status && !x->settled)
        find_url(x, &line, &found);
    x->settled = x->settled || status;
    pthread_mutex_lock(&s->lock);
    x->asked = true;
    x->over = x->given_up;
    x->shown = x->source->shown[x->url];
    x->good = !line.error[0];
    x->ok += x->good;
    x->failed += !x->good;
    if (x->good) {
        x->found = found;
        snprintf(x->server, sizeof x->server, "%s", line.server);
    } else {
        snprintf(x->error, sizeof x->error, "%s", line.error);
    }
    keep_line(s, (size_t)(x - s->scrapes), &line);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* ---- the threads ---- */

static struct timespec instant(int64_t ns)
{
    return (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
}

/* Whole seconds from the run's start; until that is known, from the last scrape. */
static int64_t next_ns(const struct scraper *s, int64_t last_ns, int64_t now_ns)
{
    int64_t from_ns = s->start_ns == TIME_NEVER ? last_ns : s->start_ns;
    if (now_ns < from_ns)
        return from_ns + NS_PER_S;
    return from_ns + ((now_ns - from_ns) / NS_PER_S + 1) * NS_PER_S;
}

/* False where the run is over. */
static bool wait_for_turn(struct scrape *x, int64_t last_ns)
{
    struct scraper *s = x->scraper;
    pthread_mutex_lock(&s->lock);
    int64_t due_ns = next_ns(s, last_ns, clock_now_ns());
    bool known = s->start_ns != TIME_NEVER;
    while (!s->stopping && (x->given_up || clock_now_ns() < due_ns)) {
        struct timespec until = instant(due_ns);
        if (x->given_up)
            pthread_cond_wait(&s->changed, &s->lock);
        else
            pthread_cond_timedwait(&s->changed, &s->lock, &until);
        if (!known && s->start_ns != TIME_NEVER) {
            due_ns = next_ns(s, last_ns, clock_now_ns());
            known = true;
        }
    }
    bool go_on = !s->stopping;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

static void *scrape_main(void *context)
{
    struct scrape *x = context;
    int64_t last_ns;
    do {
        last_ns = clock_now_ns();
        scrape_once(x);
    } while (wait_for_turn(x, last_ns));
    if (x->good && stop_level() < 2)
        scrape_once(x);
    return NULL;
}

static int start_threads(struct scraper *s, struct error *err)
{
    sigset_t all, before;
    int status = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (size_t i = 0; i < s->config.count && status == 0; i++) {
        struct scrape *x = &s->scrapes[i];
        x->running = pthread_create(&x->thread, NULL, scrape_main, x) == 0;
        if (!x->running)
            status = error_set(err, ERR_SYSTEM, "cannot start a thread for server metrics");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static int prepare(struct scraper *s, const char *directory, struct error *err)
{
    char *path = run_dir_file(directory, "server.jsonl");
    int status = 0;
    s->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (s->fd < 0)
        status = error_errno(err, "%s cannot be written", path);
    free(path);
    for (size_t i = 0; i < s->config.count && status == 0; i++) {
        struct scrape *x = &s->scrapes[i];
        x->scraper = s;
        x->source = &s->config.sources[i];
        x->shown = x->source->shown[0];
        if (x->source->endpoint)
            status = endpoint_prepare(&x->endpoint, x->source->endpoint, s->config.api, false, err);
        if (status == 0)
            set_up(x);
    }
    return status;
}

struct scraper *scraper_start(const struct scraper_config *config, const char *directory,
                              struct error *err)
{
    struct scraper *s = mem_zero(1, sizeof *s);
    pthread_condattr_t monotonic;
    s->config = *config;
    s->start_ns = TIME_NEVER;
    s->scrapes = mem_zero(config->count, sizeof *s->scrapes);
    buffer_init(&s->text, BUFFER_UNBOUNDED);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (prepare(s, directory, err) == 0 && start_threads(s, err) == 0)
        return s;
    scraper_free(s);
    return NULL;
}

static bool all_asked(const struct scraper *s)
{
    for (size_t i = 0; i < s->config.count; i++)
        if (!s->scrapes[i].asked)
            return false;
    return true;
}

void scraper_wait(struct scraper *s, int64_t limit_ns)
{
    struct timespec until = instant(clock_now_ns() + limit_ns);
    pthread_mutex_lock(&s->lock);
    while (!all_asked(s) && stop_level() == 0)
        if (pthread_cond_timedwait(&s->changed, &s->lock, &until) == ETIMEDOUT)
            break;
    pthread_mutex_unlock(&s->lock);
}

void scraper_stop(struct scraper *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->config.count; i++) {
        if (s->scrapes[i].running)
            pthread_join(s->scrapes[i].thread, NULL);
        s->scrapes[i].running = false;
    }
}

void scraper_free(struct scraper *s)
{
    if (!s)
        return;
    scraper_stop(s);
    for (size_t i = 0; i < s->config.count; i++) {
        struct scrape *x = &s->scrapes[i];
        curl_easy_cleanup(x->easy);
        curl_slist_free_all(x->headers);
        endpoint_free(&x->endpoint);
        secrets_free(&x->secrets);
        buffer_free(&x->body);
    }
    if (s->fd >= 0) {
        file_sync(s->fd);
        close(s->fd);
    }
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    buffer_free(&s->text);
    free(s->early);
    free(s->scrapes);
    free(s);
}

/* ---- what is said ---- */

static void add_source(const struct scrape *x, struct buffer *out)
{
    const char *shown = x->shown;
    if (!x->asked)
        buffer_add_format(out, "server metrics from %s: no answer yet; asked again every second\n",
                          shown);
    else if (!x->good)
        buffer_add_format(out, "server metrics from %s: %s%s\n", shown, x->error,
                          x->over ? "; not asked again" : "; asked again every second");
    else if (!x->server[0])
        buffer_add_format(out,
                          "server metrics from %s: %llu metrics, and no server that is known "
                          "(--server-metric NAME=PATTERN names them)\n",
                          shown, (unsigned long long)x->found.samples);
    else
        buffer_add_format(out, "server metrics from %s: %s, %zu of %zu known names\n", shown,
                          x->server, x->found.named, x->found.known);
}

void scraper_add_state(struct scraper *s, struct buffer *lines)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->config.count; i++)
        add_source(&s->scrapes[i], lines);
    pthread_mutex_unlock(&s->lock);
}

void scraper_add_failures(const struct scraper *s, struct buffer *lines)
{
    for (size_t i = 0; i < s->config.count; i++) {
        const struct scrape *x = &s->scrapes[i];
        if (x->failed)
            buffer_add_format(lines,
                              "server metrics from %s: %llu of %llu scrapes failed, the last of "
                              "them with: %s\n",
                              x->shown, (unsigned long long)x->failed,
                              (unsigned long long)(x->ok + x->failed), x->error);
    }
    if (s->failure.code)
        buffer_add_format(lines, "server.jsonl is not whole: %s\n", s->failure.message);
}
