#include "bench/client/probe_state.h"
#include "bench/refusal/refusal_words.h"
#include "bench/wire/chunk.h"
#include "bench/wire/models.h"
#include "bench/wire/tokenize.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/stop.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ANSWER ((size_t)4 << 20)
#define ALL_NS (30 * NS_PER_S)  /* for all exchanges with an endpoint */
#define ASIDE_NS (5 * NS_PER_S) /* for what a run can do without */

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
    endpoint_set_exchange(p->easy, body, limit_ms, &p->answer);
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
    p->status = 0;
    set_up(p, body, words, limit_ms);
    CURLcode code = curl_easy_perform(p->easy);
    curl_easy_setopt(p->easy, CURLOPT_ERRORBUFFER, NULL);
    read_head(p);
    bool good = p->status >= 200 && p->status < 300;
    p->over = code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_OPERATION_TIMEDOUT;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        set_note(p, "interrupted");
    else if (code == CURLE_OPERATION_TIMEDOUT)
        set_note(p, "%s: no answer within %s s", what,
                 TEXT_SHORT((double)(clock_now_ns() - start_ns) / 1e9, 3));
    else if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && p->status)) /* we had enough */
        set_note(p, "%.200s", words[0] ? words : curl_easy_strerror(code));
    else if (!good)
        note_refusal(p);
    else
        return 0;
    return -1;
}

static struct text answer_of(const struct probe *p)
{
    return (struct text){p->answer.data ? p->answer.data : "", p->answer.length};
}

char *probe_first_model(const struct buffer *answer)
{
    struct model_listed m;
    struct text body = {answer->data ? answer->data : "", answer->length};
    return models_find(body, NULL, &m) && m.id[0] ? mem_copy_string(m.id) : NULL;
}

const char *probe_model(const struct probe *p)
{
    return p->endpoint->model ? p->endpoint->model : "default";
}

/* ---- what is asked beside the API ---- */

static int ask_at(struct probe *p, const struct endpoint_config *base, const char *path,
                  const struct buffer *body, const char *what)
{
    struct buffer url;
    buffer_init(&url, BUFFER_UNBOUNDED);
    endpoint_add_url(base, path, &url);
    curl_easy_setopt(p->easy, CURLOPT_URL, url.data);
    if (!body)
        curl_easy_setopt(p->easy, CURLOPT_HTTPGET, 1L);
    int failed = probe_exchange(p, body, what);
    curl_easy_setopt(p->easy, CURLOPT_URL, p->endpoint->url);
    buffer_free(&url);
    return failed;
}

int probe_ask_models(struct probe *p)
{
    return ask_at(p, p->endpoint->config, "/models", NULL, "GET /models");
}

/* Which model there is, where none was named, and how long its context is. */
static void ask_models(struct probe *p)
{
    struct endpoint *e = p->endpoint;
    struct model_listed m;
    if (probe_ask_models(p) < 0 || !models_find(answer_of(p), e->model, &m))
        return;
    p->result->context_tokens = m.context_tokens;
    if (!e->model && m.id[0])
        e->model = mem_copy_string(m.id);
}

/* The same for a named model: the run can do without the answer. */
static void ask_context(struct probe *p)
{
    char note[sizeof p->result->note];
    int64_t soon_ns = clock_now_ns() + ASIDE_NS;
    memcpy(note, p->result->note, sizeof note);
    p->until_ns = soon_ns < p->until_ns ? soon_ns : p->until_ns;
    ask_models(p);
    memcpy(p->result->note, note, sizeof note);
}

static uint64_t ask_tokenize(struct probe *p, enum tokenize_form form, struct text text)
{
    struct endpoint_config base = *p->endpoint->config;
    struct buffer url, body;
    buffer_init(&url, BUFFER_UNBOUNDED);
    buffer_init(&body, BUFFER_UNBOUNDED);
    buffer_add(&url, base.url, tokenize_base_length(base.url));
    buffer_add_text(&url, base.url + strcspn(base.url, "?#"));
    base.url = url.data;
    tokenize_add_body(form, probe_model(p), text, &body);
    uint64_t tokens =
        ask_at(p, &base, "/tokenize", &body, "/tokenize") == 0 ? tokenize_read(answer_of(p)) : 0;
    buffer_free(&url);
    buffer_free(&body);
    return tokens;
}

/* What /tokenize counts, in the first form that the server takes; 0 where it is not served. */
static uint64_t count_beside(void *context, struct text text)
{
    struct probe *p = context;
    char note[sizeof p->result->note];
    uint64_t tokens = 0;
    memcpy(note, p->result->note, sizeof note);
    if (!p->form_known)
        p->form = p->config->api->takes_messages ? TOKENIZE_MESSAGES : TOKENIZE_PROMPT;
    while (!p->not_tokenized && tokens == 0) {
        tokens = ask_tokenize(p, p->form, text);
        bool form_refused = p->status == 200 || p->status == 400 || p->status == 422;
        if (tokens)
            p->form_known = true;
        else if (p->form_known || p->over || !form_refused || ++p->form == TOKENIZE_FORMS)
            p->not_tokenized = true;
    }
    if (!p->over)
        memcpy(p->result->note, note, sizeof note);
    return tokens;
}

/* ---- what is measured ---- */

/* The input tokens of a prompt; 0 if the endpoint does not say. */
static uint64_t count_body(struct probe *p, const struct buffer *body)
{
    struct chunk c;
    uint64_t tokens = 0;
    p->result->requests += !p->over;
    if (probe_exchange(p, body, "a prompt to count") == 0) {
        if (p->config->api->read_answer(answer_of(p), &c) == 0 && c.has_usage)
            tokens = usage_input(&c.usage);
        if (tokens == 0)
            set_note(p, "its answers report no usage");
        p->unbilled = tokens == 0;
        p->result->input_tokens += tokens;
    }
    return tokens;
}

static uint64_t count_billed(void *context, struct text text)
{
    struct probe *p = context;
    struct buffer body;
    uint64_t tokens = 0;
    buffer_init(&body, BUFFER_UNBOUNDED);
    prompt_maker_build_probe(p->maker, probe_model(p), text, &body);
    if (!p->unbilled)
        tokens = count_body(p, &body);
    buffer_free(&body);
    return p->unbilled ? count_beside(p, text) : tokens;
}

/* What the template adds for a turn that was said before: its text, an answer, and a text again are
 * counted together. */
static void measure_turn(struct probe *p, const struct prompt_scale *scale)
{
    struct buffer text, body;
    double words = scale->tokens_per_word * WORDS_LISTED;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_init(&body, BUFFER_UNBOUNDED);
    for (uint32_t i = 0; i < WORDS_LISTED; i++)
        words_add_listed(i, 1, &text);
    prompt_maker_build_probe_turn(p->maker, probe_model(p), (struct text){text.data, text.length},
                                  &body);
    double more = (double)count_body(p, &body) - scale->template_tokens - 3 * words;
    if (more > 0 && !p->over)
        p->result->turn_tokens = round(more);
    buffer_free(&text);
    buffer_free(&body);
}

static void take_scale(struct fidelity_probe *result, const struct prompt_scale *scale)
{
    result->measured = true;
    result->tokens_per_word = scale->tokens_per_word;
    result->template_tokens = scale->template_tokens;
    memcpy(result->word_tokens, scale->word_tokens, sizeof result->word_tokens);
}

void prompt_scale_of(const struct fidelity_probe *probe, struct prompt_scale *out)
{
    *out = (struct prompt_scale){.tokens_per_word = probe->tokens_per_word,
                                 .template_tokens = probe->template_tokens};
    memcpy(out->model, probe->model, sizeof out->model);
    memcpy(out->word_tokens, probe->word_tokens, sizeof out->word_tokens);
}

static bool measure(struct probe *p, struct prompt_scale *scale)
{
    struct learner l = {count_billed, count_beside, p, p->config->probe_sparingly};
    struct learn_counts counts;
    switch (learn_scale(&l, scale, &counts)) {
    case LEARNT:
        if (!p->over)
            p->result->note[0] = '\0';
        return true;
    case LEARNT_NO_GROWTH:
        set_note(p,
                 "its usage does not grow with the prompt (%llu tokens for %u words, %llu for %u)",
                 (unsigned long long)counts.few, LEARN_FEW_WORDS, (unsigned long long)counts.many,
                 counts.many_words);
        return false;
    default:
        return false;
    }
}

/* What an earlier run, or an endpoint of this one, learnt of the same model. */
static bool find_known(const struct probe *p, struct prompt_scale *scale)
{
    const struct bench_config *c = p->config;
    for (size_t i = 0; i < c->scale_count; i++)
        if (c->scales[i].model[0] == '\0' || strcmp(c->scales[i].model, probe_model(p)) == 0) {
            *scale = c->scales[i];
            return true;
        }
    return false;
}

void probe_run(struct endpoint *endpoint, struct prompt_maker *maker,
               const struct bench_config *config, struct fidelity_probe *result)
{
    struct probe p = {.endpoint = endpoint,
                      .config = config,
                      .maker = maker,
                      .result = result,
                      .easy = curl_easy_init(),
                      .until_ns = clock_now_ns() + ALL_NS};
    struct prompt_scale scale;
    bool named = endpoint->model != NULL;
    *result = (struct fidelity_probe){.tokens_per_word = 1};
    buffer_init(&p.answer, MAX_ANSWER);
    buffer_init(&p.words, MAX_ANSWER);
    endpoint_apply(endpoint, p.easy);
    curl_easy_setopt(p.easy, CURLOPT_RESOLVE, endpoint->resolve);
    curl_easy_setopt(p.easy, CURLOPT_FORBID_REUSE, endpoint->joins ? 1L : 0L);
    curl_easy_setopt(p.easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(config->connect_timeout_ns / NS_PER_MS));
    if (!named)
        ask_models(&p);
    snprintf(result->model, sizeof result->model, "%s", probe_model(&p));
    if (!config->no_probe)
        probe_try_body(&p, maker);
    if (!config->no_probe && (find_known(&p, &scale) || measure(&p, &scale))) {
        take_scale(result, &scale);
        prompt_maker_set_scale(maker, &scale);
        if (config->thread_replies && !config->probe_sparingly && !p.unbilled)
            measure_turn(&p, &scale);
    }
    if (named && !config->no_probe)
        ask_context(&p);
    buffer_free(&p.answer);
    buffer_free(&p.words);
    curl_easy_cleanup(p.easy);
}

void probe_repeat(struct endpoint *endpoint, struct prompt_maker *maker,
                  const struct fidelity_probe *learnt, struct fidelity_probe *result)
{
    struct prompt_scale scale;
    *result = *learnt;
    result->endpoint = NULL;
    if (!endpoint->model && learnt->model[0])
        endpoint->model = mem_copy_string(learnt->model);
    probe_repeat_changes(learnt->changes, maker);
    if (!learnt->measured)
        return;
    prompt_scale_of(learnt, &scale);
    prompt_maker_set_scale(maker, &scale);
}
