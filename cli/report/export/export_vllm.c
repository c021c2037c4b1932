/* The result document of vLLM's serving benchmark.
 *
 * Failed and cancelled requests have output length 0 and an error text, and stand in no statistic.
 * Peaks are taken over whole seconds from the first sending, as vLLM takes them: chunks counted as
 * tokens, requests counted in every second that they touch. */
#include "cli/report/export/export_rows.h"
#include "core/memory.h"
#include "core/stats/quantile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PEAK_SECONDS ((size_t)10000000)

enum { TTFT, TPOT, ITL, E2EL, SERIES };
static const char *const series_names[SERIES] = {"ttft", "tpot", "itl", "e2el"};

struct series {
    double *values; /* milliseconds */
    size_t count, capacity;
};

static bool counts(const struct export_row *r)
{
    return r->status == RECORD_COMPLETED;
}

static void push(struct series *s, double seconds)
{
    mem_grow(&s->values, &s->capacity, s->count + 1, sizeof *s->values);
    s->values[s->count++] = seconds * 1e3;
}

static void gather(const struct export_rows *x, struct series series[SERIES])
{
    for (size_t i = 0; i < x->sent; i++) {
        const struct export_row *r = &x->rows[i];
        if (!counts(r))
            continue;
        double ttft = export_seconds(r->sent_ns, r->first_token_ns);
        double latency = export_seconds(r->sent_ns, r->done_ns);
        if (r->streamed)
            push(&series[TTFT], ttft);
        if (export_has_tpot(r))
            push(&series[TPOT], (latency - ttft) / (r->output - 1));
        push(&series[E2EL], latency);
        for (uint32_t k = 1; k < r->chunk_count && x->has_chunks; k++)
            push(&series[ITL],
                 export_seconds(x->chunks[r->chunk_first + k - 1], x->chunks[r->chunk_first + k]));
    }
}

static void put_series(struct json_writer *w, const char *name, struct series *s)
{
    static const struct {
        const char *key;
        double p;
    } points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}};
    char key[32];
    struct export_statistics all = export_statistics(s->values, s->count);
    snprintf(key, sizeof key, "mean_%s_ms", name);
    json_pair_double(w, key, all.mean);
    snprintf(key, sizeof key, "median_%s_ms", name);
    json_pair_double(w, key, s->count ? quantile_sorted(s->values, s->count, 0.5) : 0);
    snprintf(key, sizeof key, "std_%s_ms", name);
    json_pair_double(w, key, all.std);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        snprintf(key, sizeof key, "%s_%s_ms", points[i].key, name);
        json_pair_double(w, key, s->count ? quantile_sorted(s->values, s->count, points[i].p) : 0);
    }
    free(s->values);
}

/* Counts one in every second from `from` to `to`. */
static void mark(uint32_t *seconds, size_t size, double from, double to)
{
    for (double at = floor(from); at <= to && at < (double)size; at++)
        if (at >= 0)
            seconds[(size_t)at]++;
}

static uint32_t largest(const uint32_t *seconds, size_t size)
{
    uint32_t most = 0;
    for (size_t i = 0; i < size; i++)
        most = seconds[i] > most ? seconds[i] : most;
    return most;
}

static void put_peaks(struct json_writer *w, const struct export_rows *x)
{
    int64_t first_ns = TIME_NEVER, last_ns = 0;
    for (size_t i = 0; i < x->sent; i++) {
        const struct export_row *r = &x->rows[i];
        if (!counts(r))
            continue;
        first_ns = r->sent_ns < first_ns ? r->sent_ns : first_ns;
        last_ns = r->done_ns > last_ns ? r->done_ns : last_ns;
    }
    if (first_ns == TIME_NEVER || export_seconds(first_ns, last_ns) > (double)PEAK_SECONDS)
        return;
    size_t size = (size_t)ceil(export_seconds(first_ns, last_ns)) + 1;
    uint32_t *tokens = mem_zero(size, sizeof *tokens), *flying = mem_zero(size, sizeof *flying);
    for (size_t i = 0; i < x->sent; i++) {
        const struct export_row *r = &x->rows[i];
        if (!counts(r))
            continue;
        mark(flying, size, export_seconds(first_ns, r->sent_ns),
             export_seconds(first_ns, r->done_ns));
        for (uint32_t k = 0; k < r->chunk_count; k++) {
            double at = export_seconds(first_ns, x->chunks[r->chunk_first + k]);
            mark(tokens, size, at, at);
        }
    }
    if (x->has_chunks)
        json_pair_double(w, "max_output_tokens_per_s", largest(tokens, size));
    json_pair_u64(w, "max_concurrent_requests", largest(flying, size));
    free(tokens);
    free(flying);
}

/* A number as the run's options have it; stages ("1:10,5:20") as they stand; `otherwise` (NULL =
 * null) where the option was not given. */
static void put_option(struct json_writer *w, const char *key, const char *given,
                       const char *otherwise)
{
    double value;
    json_key(w, key);
    if (given && text_to_double(text_of(given), &value))
        json_put_double(w, value);
    else
        json_put_string(w, given ? given : otherwise);
}

/* "20231116-181703", or null for a simulation. */
static void put_date(struct json_writer *w, const struct export_rows *x)
{
    char text[CLOCK_INSTANT_SIZE], date[16];
    clock_format_instant(x->started_unix_ns, text);
    snprintf(date, sizeof date, "%.4s%.2s%.2s-%.2s%.2s%.2s", text, text + 5, text + 8, text + 11,
             text + 14, text + 17);
    json_pair_string(w, "date", x->started_unix_ns ? date : NULL);
}

static void put_setup(struct json_writer *w, const struct export_request *q,
                      const struct export_rows *x)
{
    const char *model = x->count ? export_name(x, x->rows[0].model) : NULL;
    const char *api = x->api ? x->api : "chat";
    const char *backend = text_equal(text_of(api), "completions")  ? "openai"
                          : text_equal(text_of(api), "embeddings") ? "openai-embeddings"
                          : text_equal(text_of(api), "responses")  ? "openai-responses"
                          : text_equal(text_of(api), "rerank")     ? "vllm-rerank"
                                                                   : "openai-chat";
    put_date(w, x);
    json_pair_string(w, "endpoint_type", backend);
    json_pair_string(w, "backend", backend);
    json_pair_string(w, "label", q->summary->command);
    json_key(w, "model_id");
    if (!model && x->count)
        model = export_name(x, x->rows[0].endpoint);
    json_put_string(w, model);
    json_pair_string(w, "tokenizer_id", model);
    json_pair_u64(w, "num_prompts", x->sent);
    put_option(w, "request_rate", x->rate, "inf");
    put_option(w, "burstiness", x->burstiness ? x->burstiness : "1", NULL);
    const char *cap = x->concurrency ? x->concurrency : x->max_in_flight;
    put_option(w, "max_concurrency", cap, NULL);
}

static void put_totals(struct json_writer *w, const struct export_request *q,
                       const struct export_rows *x)
{
    uint64_t completed = 0, input = 0, output = 0;
    double duration_s = q->summary->duration_s;
    for (size_t i = 0; i < x->sent; i++)
        if (counts(&x->rows[i])) {
            completed++;
            input += x->rows[i].input;
            output += x->rows[i].output;
        }
    json_pair_double(w, "duration", duration_s);
    json_pair_u64(w, "completed", completed);
    json_pair_u64(w, "failed", x->sent - completed);
    json_pair_u64(w, "total_input_tokens", input);
    json_pair_u64(w, "total_output_tokens", output);
    json_pair_double(w, "request_throughput", (double)completed / duration_s);
    json_pair_double(w, "request_goodput", q->summary->all.goodput_rps);
    json_pair_double(w, "output_throughput", (double)output / duration_s);
    json_pair_double(w, "total_token_throughput", (double)(input + output) / duration_s);
    put_peaks(w, x);
}

static const char *error_text(const struct export_rows *x, const struct export_row *r)
{
    if (r->status == RECORD_COMPLETED)
        return "";
    if (r->status == RECORD_CANCELLED)
        return "cancelled";
    const char *message = export_name(x, r->message);
    return message && *message ? message : failure_name(r->failure);
}

static void put_gaps(struct json_writer *w, const struct export_rows *x, const struct export_row *r)
{
    json_begin_array(w);
    for (uint32_t k = 1; k < r->chunk_count; k++)
        json_put_double(
            w, export_seconds(x->chunks[r->chunk_first + k - 1], x->chunks[r->chunk_first + k]));
    json_end_array(w);
}

enum { INPUT_LENS, OUTPUT_LENS, TTFTS, ITLS, STARTS, TEXTS, ERRORS, ARRAYS };

static void put_element(struct json_writer *w, const struct export_rows *x,
                        const struct export_row *r, int array)
{
    bool good = counts(r);
    switch (array) {
    case INPUT_LENS:
        json_put_u64(w, r->input);
        break;
    case OUTPUT_LENS:
        json_put_u64(w, good ? r->output : 0);
        break;
    case TTFTS:
        json_put_double(w, good && r->streamed ? export_seconds(r->sent_ns, r->first_token_ns) : 0);
        break;
    case ITLS:
        put_gaps(w, x, r);
        break;
    case STARTS:
        json_put_double(w, export_seconds(0, r->sent_ns));
        break;
    case TEXTS:
        json_put_string(w, r->text ? x->texts[r->text - 1] : "");
        break;
    default:
        json_put_string(w, error_text(x, r));
    }
}

static void put_arrays(struct json_writer *w, const struct export_rows *x)
{
    static const char *const keys[ARRAYS] = {"input_lens",  "output_lens",     "ttfts", "itls",
                                             "start_times", "generated_texts", "errors"};
    int indent = w->indent;
    for (int a = 0; a < ARRAYS; a++) {
        if ((a == ITLS && !x->has_chunks) || (a == TEXTS && x->text_count == 0))
            continue;
        json_key(w, keys[a]);
        w->indent = 0; /* as many elements as requests: one line */
        json_begin_array(w);
        for (size_t i = 0; i < x->sent; i++)
            put_element(w, x, &x->rows[i], a);
        json_end_array(w);
        w->indent = indent;
    }
}

void export_write_vllm(const struct export_request *q, const struct export_rows *x,
                       struct buffer *out)
{
    struct json_writer w;
    struct series series[SERIES] = {0};
    json_write_init(&w, out, 2);
    json_begin_object(&w);
    put_setup(&w, q, x);
    put_totals(&w, q, x);
    put_arrays(&w, x);
    gather(x, series);
    for (int i = 0; i < SERIES; i++)
        if (series[i].count > 0 || i != ITL)
            put_series(&w, series_names[i], &series[i]);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}
