#include "bench/probe.h"

#include "bench/attempt.h"
#include "bench/chunk.h"
#include "core/json_scan.h"
#include "core/memory.h"
#include "core/stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ANSWER ((size_t)4 << 20)
#define TIME_LIMIT_MS 120000L

static size_t keep(char *bytes, size_t size, size_t count, void *context)
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

/* "HTTP status 401: " and the endpoint's words, without its secrets. */
static void note_refusal(const struct endpoint *e, long status, const struct buffer *answer,
                         struct bench_probe *result)
{
    struct chunk c;
    struct buffer note;
    buffer_init(&note, sizeof result->note);
    buffer_add_format(&note, "HTTP status %ld", status);
    if (answer->data && chunk_parse(answer->data, answer->length, &c) == 0 &&
        c.error_message.length) {
        buffer_add_text(&note, ": ");
        secrets_hide(&e->secrets, c.error_message, 180, &note);
    }
    snprintf(result->note, sizeof result->note, "%s", note.data);
    buffer_free(&note);
}

/* One blocking exchange; body NULL = GET. 0, or -1 with the reason in note. */
static int exchange(const struct endpoint *e, CURL *easy, const struct buffer *body,
                    struct buffer *answer, struct bench_probe *result)
{
    char words[CURL_ERROR_SIZE] = "";
    long status = 0;
    buffer_clear(answer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, until_stopped);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIME_LIMIT_MS);
    if (body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data);
        result->requests++;
    }
    CURLcode code = curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) {
        snprintf(result->note, sizeof result->note, "%.200s",
                 words[0] ? words : curl_easy_strerror(code));
        return -1;
    }
    if (status < 200 || status > 299) {
        note_refusal(e, status, answer, result);
        return -1;
    }
    return 0;
}

/* The first id in {"data": [{"id": "..."}]}. */
static char *first_model(const struct buffer *answer)
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

static void ask_model(struct endpoint *e, CURL *easy, struct buffer *answer,
                      struct bench_probe *result)
{
    struct buffer url;
    size_t length = strlen(e->config->url);
    while (length && e->config->url[length - 1] == '/')
        length--;
    buffer_init(&url, BUFFER_UNBOUNDED);
    buffer_add(&url, e->config->url, length);
    buffer_add_text(&url, "/models");
    curl_easy_setopt(easy, CURLOPT_URL, url.data);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (exchange(e, easy, NULL, answer, result) == 0)
        e->model = first_model(answer);
    curl_easy_setopt(easy, CURLOPT_URL, e->url);
    buffer_free(&url);
}

/* The input tokens of a prompt of so many words; 0 if the endpoint does not say. */
static uint64_t count_tokens(struct endpoint *e, const struct prompt_maker *m, CURL *easy,
                             uint32_t words, struct buffer *answer, struct bench_probe *result)
{
    struct buffer body;
    struct chunk c;
    uint64_t tokens = 0;
    buffer_init(&body, BUFFER_UNBOUNDED);
    prompt_maker_build_probe(m, e->model ? e->model : "default", words, words, &body);
    if (exchange(e, easy, &body, answer, result) == 0) {
        if (chunk_parse(answer->data ? answer->data : "", answer->length, &c) == 0 && c.has_usage)
            tokens = usage_input(&c.usage);
        if (tokens == 0)
            snprintf(result->note, sizeof result->note, "its answers report no usage");
        result->input_tokens += tokens;
    }
    buffer_free(&body);
    return tokens;
}

static void measure(struct endpoint *e, struct prompt_maker *m, CURL *easy, struct buffer *answer,
                    struct bench_probe *result)
{
    uint32_t few = 32, many = 1056;
    uint64_t a = count_tokens(e, m, easy, few, answer, result);
    if (a == 0)
        return;
    uint64_t b = count_tokens(e, m, easy, many, answer, result);
    if (b == 0) { /* perhaps beyond a small context */
        many = 160;
        b = count_tokens(e, m, easy, many, answer, result);
    }
    if (b <= a) {
        snprintf(result->note, sizeof result->note,
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

void probe_run(struct endpoint *endpoint, struct prompt_maker *maker, bool no_measure,
               int64_t connect_timeout_ns, struct bench_probe *result)
{
    struct buffer answer;
    CURL *easy = curl_easy_init();
    *result = (struct bench_probe){.tokens_per_word = 1};
    buffer_init(&answer, MAX_ANSWER);
    endpoint_apply(endpoint, easy);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, endpoint->resolve);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, endpoint->joins ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_timeout_ns / NS_PER_MS));
    if (!endpoint->model)
        ask_model(endpoint, easy, &answer, result);
    if (!no_measure)
        measure(endpoint, maker, easy, &answer, result);
    buffer_free(&answer);
    curl_easy_cleanup(easy);
}
