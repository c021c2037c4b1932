#include "bench/client/probe_state.h"
#include "bench/refusal/refusal_words.h"
#include "bench/wire/chunk.h"
#include "core/clock.h"
#include "core/json/json_scan.h"
#include "core/stop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ANSWER ((size_t)4 << 20)
#define ALL_NS (30 * NS_PER_S) /* for all exchanges with an endpoint */

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    return buffer_add(context, bytes, size * count) == 0 ? size * count : 0;
}

static int until_stopped(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)context;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return stop_level() > 0;
}

static void set_note(struct probe *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void set_note(struct probe *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->result->note, sizeof p->result->note, format, args);
    va_end(args);
}

/* "HTTP status 401: " and the endpoint's words, without its secrets. */
static void note_refusal(struct probe *p)
{
    const char *location = NULL;
    char shown[240];
    curl_easy_getinfo(p->easy, CURLINFO_REDIRECT_URL, &location);
    struct refusal r = {.http_status = (int)p->status,
                        .content_type = p->type,
                        .location = location,
                        .path = p->config->api->path,
                        .body = {p->answer.data ? p->answer.data : "", p->answer.length}};
    refusal_add_words(&r, &p->words);
    secrets_show(&p->endpoint->secrets, (struct text){p->words.data, p->words.length}, shown,
                 sizeof shown);
    if (strncmp(shown, "HTTP status", 11) == 0)
        set_note(p, "%s", shown);
    else
        set_note(p, "HTTP status %ld: %s", p->status, shown);
}

/* What one exchange may take, in milliseconds; 0 where no time is left for it. */
static long time_left_ms(const struct probe *p, int64_t now_ns)
{
    int64_t left_ns = p->until_ns - now_ns;
    if (p->config->total_timeout_ns < left_ns)
        left_ns = p->config->total_timeout_ns;
    return left_ns > 0 ? (long)((left_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static void set_up(struct probe *p, const struct buffer *body, char *words, long limit_ms)
{
    buffer_clear(&p->answer);
    buffer_clear(&p->words);
    p->status = 0;
    p->type[0] = '\0';
    curl_easy_setopt(p->easy, CURLOPT_ERRORBUFFER, words);
    curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, &p->answer);
    curl_easy_setopt(p->easy, CURLOPT_XFERINFOFUNCTION, until_stopped);
    curl_easy_setopt(p->easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, limit_ms);
    if (!body)
        return;
    curl_easy_setopt(p->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length);
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, body->data);
}

static void read_head(struct probe *p)
{
    const char *type = NULL;
    curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &p->status);
    curl_easy_getinfo(p->easy, CURLINFO_CONTENT_TYPE, &type);
    text_cut(text_of(type ? type : ""), p->type, sizeof p->type);
}

int probe_exchange(struct probe *p, const struct buffer *body, const char *what)
{
    char words[CURL_ERROR_SIZE] = "";
    int64_t start_ns = clock_now_ns();
    long limit_ms = time_left_ms(p, start_ns);
    if (!p->over && (stop_level() > 0 || limit_ms == 0)) {
        set_note(p, stop_level() > 0 ? "interrupted" : "its answers took too long");
        p->over = true;
    }
    if (p->over)
        return -1;
    set_up(p, body, words, limit_ms);
    CURLcode code = curl_easy_perform(p->easy);
    curl_easy_setopt(p->easy, CURLOPT_ERRORBUFFER, NULL);
    read_head(p);
    bool good = p->status >= 200 && p->status < 300;
    p->over = code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_OPERATION_TIMEDOUT;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        set_note(p, "interrupted");
    else if (code == CURLE_OPERATION_TIMEDOUT)
        set_note(p, "%s: no answer within %.3g s", what, (double)(clock_now_ns() - start_ns) / 1e9);
    else if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && p->status)) /* we had enough */
        set_note(p, "%.200s", words[0] ? words : curl_easy_strerror(code));
    else if (!good)
        note_refusal(p);
    else
        return 0;
    return -1;
}

char *probe_first_model(const struct buffer *answer)
{
    struct json_scan s;
    struct text key;
    char *id = NULL;
    json_scan_init(&s, "models", answer->data ? answer->data : "", answer->length, 1);
    if (!json_object_begin(&s))
        return NULL;
    while (!id && json_object_next(&s, &key)) {
        if (!text_equal(key, "data")) {
            json_skip(&s, NULL);
            continue;
        }
        if (!json_array_begin(&s) || !json_array_next(&s) || !json_object_begin(&s))
            return NULL;
        while (!id && json_object_next(&s, &key)) {
            if (text_equal(key, "id") && json_peek(&s) == JSON_STRING)
                json_string_copy(&s, 120, &id);
            else
                json_skip(&s, NULL);
        }
    }
    return id;
}

int probe_ask_models(struct probe *p)
{
    struct endpoint *e = p->endpoint;
    struct buffer url;
    buffer_init(&url, BUFFER_UNBOUNDED);
    endpoint_add_url(e->config, "/models", &url);
    curl_easy_setopt(p->easy, CURLOPT_URL, url.data);
    curl_easy_setopt(p->easy, CURLOPT_HTTPGET, 1L);
    int status = probe_exchange(p, NULL, "GET /models");
    curl_easy_setopt(p->easy, CURLOPT_URL, e->url);
    buffer_free(&url);
    return status;
}

/* The input tokens of a prompt of so many words; 0 if the endpoint does not say. */
static uint64_t count_tokens(struct probe *p, const struct prompt_maker *m, uint32_t words)
{
    struct buffer body;
    struct chunk c;
    uint64_t tokens = 0;
    buffer_init(&body, BUFFER_UNBOUNDED);
    prompt_maker_build_probe(m, p->endpoint->model ? p->endpoint->model : "default", words, words,
                             &body);
    p->result->requests += !p->over;
    if (probe_exchange(p, &body, "a prompt to count") == 0) {
        struct text answer = {p->answer.data ? p->answer.data : "", p->answer.length};
        if (p->config->api->read_answer(answer, &c) == 0 && c.has_usage)
            tokens = usage_input(&c.usage);
        if (tokens == 0)
            set_note(p, "its answers report no usage");
        p->result->input_tokens += tokens;
    }
    buffer_free(&body);
    return tokens;
}

static void measure(struct probe *p, struct prompt_maker *m)
{
    struct fidelity_probe *result = p->result;
    uint32_t few = PROBE_FEW_WORDS, many = PROBE_MANY_WORDS;
    uint64_t a = count_tokens(p, m, few);
    if (a == 0)
        return;
    uint64_t b = count_tokens(p, m, many);
    if (b == 0) { /* perhaps beyond a small context */
        many = 160;
        b = count_tokens(p, m, many);
    }
    if (b == 0)
        return;
    if (b <= a) {
        set_note(p,
                 "its usage does not grow with the prompt (%llu tokens for %u words, %llu for %u)",
                 (unsigned long long)a, few, (unsigned long long)b, many);
        return;
    }
    double per_word = (double)(b - a) / (many - few), rest = (double)a - per_word * few;
    result->measured = true;
    result->note[0] = '\0';
    result->tokens_per_word = per_word;
    result->template_tokens = rest > 0 ? rest : 0;
    prompt_maker_set_scale(m, result->tokens_per_word, result->template_tokens);
}

void probe_run(struct endpoint *endpoint, struct prompt_maker *maker,
               const struct bench_config *config, struct fidelity_probe *result)
{
    struct probe p = {.endpoint = endpoint,
                      .config = config,
                      .result = result,
                      .easy = curl_easy_init(),
                      .until_ns = clock_now_ns() + ALL_NS};
    *result = (struct fidelity_probe){.tokens_per_word = 1};
    buffer_init(&p.answer, MAX_ANSWER);
    buffer_init(&p.words, MAX_ANSWER);
    endpoint_apply(endpoint, p.easy);
    curl_easy_setopt(p.easy, CURLOPT_RESOLVE, endpoint->resolve);
    curl_easy_setopt(p.easy, CURLOPT_FORBID_REUSE, endpoint->joins ? 1L : 0L);
    curl_easy_setopt(p.easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(config->connect_timeout_ns / NS_PER_MS));
    if (!endpoint->model && probe_ask_models(&p) == 0)
        endpoint->model = probe_first_model(&p.answer);
    if (!config->no_probe) {
        probe_try_body(&p, maker);
        measure(&p, maker);
    }
    buffer_free(&p.answer);
    buffer_free(&p.words);
    curl_easy_cleanup(p.easy);
}
