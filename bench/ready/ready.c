#include "bench/ready/ready.h"

#include "bench/client/probe.h"
#include "bench/prompt/prompt.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/stop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_ANSWER ((size_t)4 << 20)
#define WHY_SIZE 320
#define PAUSE_NS (500 * NS_PER_MS)     /* between two looks */
#define SLICE_NS (50 * NS_PER_MS)      /* of it, for a stop */
#define LEAST_NS (100 * NS_PER_MS)     /* for a look: with less left, none is begun */
#define MODELS_MOST_NS (10 * NS_PER_S) /* for a list of models; a first answer may load one */

/* One endpoint that is waited for. */
struct look {
    struct ready_wait *wait;
    struct endpoint endpoint;
    struct prompt_maker *maker;
    struct buffer answer;
    int64_t begun_ns, until_ns;
    int status;         /* of the last exchange; 0 = it came to no answer */
    char why[WHY_SIZE]; /* of the last look: why it is not ready */
};

/* ---- what an answer means ---- */

enum ready_verdict ready_of_status(int status, bool generates)
{
    if (status >= 200 && status <= 299)
        return READY_YES;
    if (status == 501) /* the method is not known there */
        return generates ? READY_NEVER : READY_YES;
    if (status == 408 || status == 425 || status == 429 || status >= 500)
        return READY_NOT_YET;
    if (status == 401 || status == 403)
        return READY_NEVER;
    if (!generates) /* a server without such a list */
        return READY_YES;
    return status == 400 || status == 422 ? READY_YES : READY_NEVER;
}

enum ready_verdict ready_of_curl(CURLcode code)
{
    static const CURLcode hopeless[] = {
        CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
        CURLE_UNSUPPORTED_PROTOCOL,     CURLE_URL_MALFORMAT,
        CURLE_SSL_CERTPROBLEM,          CURLE_FAILED_INIT,
    };
    if (code == CURLE_OK)
        return READY_YES;
    for (size_t i = 0; i < sizeof hopeless / sizeof hopeless[0]; i++)
        if (code == hopeless[i])
            return READY_NEVER;
    return READY_NOT_YET;
}

/* ---- one exchange ---- */

static void set_why(struct look *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void set_why(struct look *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(l->why, sizeof l->why, format, args);
    va_end(args);
}

static struct text answer_of(const struct look *l)
{
    return (struct text){l->answer.data ? l->answer.data : "", l->answer.length};
}

/* "HTTP status 503: " and the endpoint's words, without its secrets. */
static void tell_status(struct look *l, const char *what)
{
    struct chunk c;
    struct buffer words;
    buffer_init(&words, sizeof l->why);
    if (l->wait->config->api->read_answer(answer_of(l), &c) == 0)
        secrets_hide(&l->endpoint.secrets, c.error_message, 180, &words);
    set_why(l, "%s: HTTP status %d%s%s", what, l->status, words.length ? ": " : "",
            words.length ? words.data : "");
    buffer_free(&words);
}

static void set_up(struct look *l, CURL *easy, const struct buffer *body, int64_t limit_ns)
{
    endpoint_apply(&l->endpoint, easy);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(l->wait->config->connect_timeout_ns / NS_PER_MS));
    endpoint_set_exchange(easy, body, (long)(limit_ns / NS_PER_MS) + 1, &l->answer);
}

/* Asks for `path`, by GET where there is no body. Over a connection and after a look-up of its own:
 * a server that comes up may be another than the one that was there. */
static enum ready_verdict exchange(struct look *l, const char *path, const struct buffer *body)
{
    CURL *easy = curl_easy_init();
    struct buffer url;
    char words[CURL_ERROR_SIZE] = "", what[64];
    long status = 0;
    int64_t left_ns = l->until_ns - clock_now_ns();
    if (!body && left_ns > MODELS_MOST_NS)
        left_ns = MODELS_MOST_NS;
    snprintf(what, sizeof what, "%s %.40s", body ? "POST" : "GET", path);
    buffer_init(&url, BUFFER_UNBOUNDED);
    buffer_clear(&l->answer);
    endpoint_add_url(l->endpoint.config, path, &url);
    set_up(l, easy, body, left_ns > 0 ? left_ns : 0);
    curl_easy_setopt(easy, CURLOPT_URL, url.data);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    l->status = code == CURLE_OK ? (int)status : 0;
    if (code != CURLE_OK)
        set_why(l, "%s: %.200s", what, words[0] ? words : curl_easy_strerror(code));
    else
        tell_status(l, what);
    curl_easy_cleanup(easy);
    buffer_free(&url);
    return code != CURLE_OK ? ready_of_curl(code) : ready_of_status(l->status, body != NULL);
}

/* ---- one look ---- */

/* What is asked for where --model does not say: a model of the workload, else the first listed. */
static char *model_of(const struct look *l)
{
    const struct workload *w = l->wait->workload;
    const char *model = l->endpoint.config->model;
    if (!model && w->model && w->count && w->model[0] != UINT16_MAX)
        model = names_text(&w->models, w->model[0]);
    if (model)
        return mem_copy_string(model);
    char *first = probe_first_model(&l->answer);
    return first ? first : mem_copy_string("default");
}

/* Is the last answer one? A gateway's page, or an error under status 200, is none. */
static bool is_answer(struct look *l)
{
    struct chunk c;
    if (l->wait->config->api->read_answer(answer_of(l), &c) < 0) {
        set_why(l, "POST %.40s: the answer is not the JSON that was promised",
                l->wait->config->api->path);
        return false;
    }
    return !c.is_error; /* whose words are told already */
}

static enum ready_verdict look_once(struct look *l)
{
    const struct bench_api *api = l->wait->config->api;
    enum ready_verdict v = exchange(l, "/models", NULL);
    if (v != READY_YES)
        return v;
    struct buffer text, body;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_init(&body, BUFFER_UNBOUNDED);
    char *model = model_of(l);
    words_add_listed((uint32_t)++l->wait->requests, READY_WORDS, &text);
    prompt_maker_build_probe(l->maker, model, (struct text){text.data, text.length}, &body);
    v = exchange(l, api->path, &body);
    if (v == READY_YES && l->status < 300 && !is_answer(l))
        v = READY_NOT_YET;
    free(model);
    buffer_free(&text);
    buffer_free(&body);
    return v;
}

/* ---- the wait ---- */

static void pause_before(int64_t until_ns)
{
    while (stop_level() == 0 && clock_now_ns() < until_ns) {
        int64_t left_ns = until_ns - clock_now_ns();
        struct timespec slice = {0, left_ns < SLICE_NS ? (left_ns > 0 ? left_ns : 0) : SLICE_NS};
        nanosleep(&slice, NULL);
    }
}

static int wait_for(struct look *l, struct error *err)
{
    const struct endpoint_config *e = l->endpoint.config;
    for (;;) {
        enum ready_verdict v = look_once(l);
        int64_t now_ns = clock_now_ns();
        if (stop_level() > 0)
            return error_set(err, ERR_INTERRUPTED, "interrupted while waiting for %s",
                             endpoint_shown(e));
        if (v == READY_YES)
            return 0;
        if (v == READY_NEVER)
            return error_set(err, ERR_WORK, "%s will not get ready by waiting: %s",
                             endpoint_shown(e), l->why);
        if (now_ns >= l->until_ns - LEAST_NS)
            return error_set(err, ERR_WORK, "%s was not ready within %s s (--wait-ready): %s",
                             endpoint_shown(e), TEXT_SHORT((double)l->wait->limit_ns / 1e9, 6),
                             l->why);
        if (l->wait->told)
            l->wait->told(l->wait->context, e, l->why, now_ns - l->begun_ns);
        int64_t next_ns = now_ns + PAUSE_NS;
        int64_t last_ns = l->until_ns - 2 * LEAST_NS; /* time for a last look */
        pause_before(next_ns < last_ns ? next_ns : last_ns);
    }
}

int ready_run(struct ready_wait *wait, struct error *err)
{
    const struct bench_config *c = wait->config;
    int64_t begun_ns = clock_now_ns();
    int status = 0;
    for (size_t i = 0; i < c->endpoint_count && status == 0; i++) {
        struct prompt_config prompt = {c->api, c->stream, c->extra_body, c->output_key, c->salt};
        struct look l = {.wait = wait, .begun_ns = begun_ns, .until_ns = begun_ns + wait->limit_ns};
        if (endpoint_prepare(&l.endpoint, &c->endpoints[i], c->api, false, err) < 0)
            return err->code;
        buffer_init(&l.answer, MAX_ANSWER);
        l.maker = prompt_maker_create(&prompt, wait->workload, err);
        status = l.maker ? wait_for(&l, err) : ERR_INPUT;
        prompt_maker_free(l.maker);
        buffer_free(&l.answer);
        endpoint_free(&l.endpoint);
    }
    return status;
}
