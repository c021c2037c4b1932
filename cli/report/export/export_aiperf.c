/* AIPerf's profile_export.jsonl (a row per request) and profile_export_aiperf.json (statistics).
 *
 * Its clock is the epoch: a simulation, which has no date, starts at 0. */
#include "cli/report/export/export_rows.h"
#include "core/memory.h"
#include "core/stats/quantile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Per request; chunk gaps, which are many, come last. */
enum {
    REQUEST_LATENCY,
    TTFT,
    TTST,
    TTFO,
    ITL,
    PER_USER,
    OUTPUT_COUNT,
    REASONING_COUNT,
    OUTPUT_LENGTH,
    INPUT_LENGTH,
    CHUNK_GAPS,
    METRICS
};

static const struct {
    const char *tag, *unit;
} metrics[METRICS] = {
    {"request_latency", "ms"},
    {"time_to_first_token", "ms"},
    {"time_to_second_token", "ms"},
    {"time_to_first_output_token", "ms"},
    {"inter_token_latency", "ms"},
    {"output_token_throughput_per_user", "tokens/sec/user"},
    {"output_token_count", "tokens"},
    {"reasoning_token_count", "tokens"},
    {"output_sequence_length", "tokens"},
    {"input_sequence_length", "tokens"},
    {"inter_chunk_latency", "ms"},
};

static double milliseconds(int64_t from_ns, int64_t to_ns)
{
    return export_seconds(from_ns, to_ns) * 1e3;
}

/* The request's value of a metric; false if it has none. */
static bool value_of(const struct export_rows *x, const struct export_row *r, int metric,
                     double *value)
{
    double ttft = milliseconds(r->sent_ns, r->first_token_ns);
    double latency = milliseconds(r->sent_ns, r->last_token_ns);
    double itl = export_has_tpot(r) ? (latency - ttft) / (r->output - 1) : 0;
    bool streamed = r->streamed && r->first_token_ns != TIME_NEVER;
    switch (metric) {
    case REQUEST_LATENCY:
        *value = latency;
        return r->last_token_ns != TIME_NEVER;
    case TTFT:
        *value = ttft;
        return streamed;
    case TTST:
        *value = r->chunk_count > 1
                     ? milliseconds(x->chunks[r->chunk_first], x->chunks[r->chunk_first + 1])
                     : 0;
        return r->chunk_count > 1;
    case TTFO:
        *value = milliseconds(r->sent_ns, r->first_output_ns);
        return streamed && r->first_output_ns != TIME_NEVER;
    case ITL:
        *value = itl;
        return export_has_tpot(r);
    case PER_USER:
        *value = itl > 0 ? 1000 / itl : 0;
        return itl > 0;
    case OUTPUT_COUNT:
        *value = r->output - r->reasoning;
        return true;
    case REASONING_COUNT:
        *value = r->reasoning;
        return r->reasoning > 0;
    case OUTPUT_LENGTH:
        *value = r->output;
        return true;
    default:
        *value = r->input;
        return metric == INPUT_LENGTH;
    }
}

/* ---- profile_export.jsonl ---- */

static void put_instant(struct json_writer *w, const char *key, const struct export_rows *x,
                        int64_t at_ns)
{
    json_key(w, key);
    if (at_ns == TIME_NEVER)
        json_put_null(w);
    else
        json_put_i64(w, x->started_unix_ns + at_ns);
}

static void put_metadata(struct json_writer *w, const struct export_rows *x,
                         const struct export_row *r, uint64_t number)
{
    const char *session = export_name(x, r->session), *id = export_name(x, r->id);
    bool cancelled = r->status == RECORD_CANCELLED;
    json_key(w, "metadata");
    json_begin_object(w);
    json_pair_u64(w, "session_num", number);
    json_pair_string(w, "x_request_id", id);
    json_pair_string(w, "x_correlation_id", session ? session : id);
    json_pair_string(w, "conversation_id", session);
    json_pair_u64(w, "turn_index", r->turn);
    put_instant(w, "request_start_ns", x, r->sent_ns);
    put_instant(w, "request_ack_ns", x, r->first_byte_ns);
    put_instant(w, "request_end_ns", x, r->done_ns);
    json_pair_string(w, "worker_id", "farebox");
    json_pair_string(w, "record_processor_id", "farebox");
    json_pair_string(w, "benchmark_phase", "profiling");
    json_pair_bool(w, "was_cancelled", cancelled);
    put_instant(w, "cancellation_time_ns", x, cancelled ? r->done_ns : TIME_NEVER);
    json_end_object(w);
}

static void put_gaps(struct json_writer *w, const struct export_rows *x, const struct export_row *r)
{
    json_begin_array(w);
    for (uint32_t k = 1; k < r->chunk_count; k++)
        json_put_double(
            w, milliseconds(x->chunks[r->chunk_first + k - 1], x->chunks[r->chunk_first + k]));
    json_end_array(w);
}

static void put_value_begin(struct json_writer *w, const char *tag)
{
    json_key(w, tag);
    json_begin_object(w);
    json_key(w, "value");
}

static void put_value_end(struct json_writer *w, const char *unit)
{
    json_pair_string(w, "unit", unit);
    json_end_object(w);
}

static void put_metrics(struct json_writer *w, const struct export_rows *x,
                        const struct export_row *r)
{
    double value;
    json_key(w, "metrics");
    json_begin_object(w);
    if (r->status != RECORD_COMPLETED) {
        put_value_begin(w, "error_isl");
        json_put_u64(w, r->input);
        put_value_end(w, "tokens");
    }
    for (int m = 0; m < METRICS && r->status == RECORD_COMPLETED; m++) {
        if (m == CHUNK_GAPS && r->chunk_count > 1) {
            put_value_begin(w, metrics[m].tag);
            put_gaps(w, x, r);
            put_value_end(w, metrics[m].unit);
        } else if (value_of(x, r, m, &value)) {
            put_value_begin(w, metrics[m].tag);
            json_put_double(w, value);
            put_value_end(w, metrics[m].unit);
        }
    }
    json_end_object(w);
}

static void put_error(struct json_writer *w, const struct export_rows *x,
                      const struct export_row *r)
{
    bool cancelled = r->status == RECORD_CANCELLED;
    const char *message = export_name(x, r->message);
    json_begin_object(w);
    json_key(w, "code");
    if (cancelled)
        json_put_u64(w, 499); /* AIPerf's own code for it */
    else if (r->http_status)
        json_put_i64(w, r->http_status);
    else
        json_put_null(w);
    json_pair_string(w, "type", cancelled ? "RequestCancellationError" : failure_name(r->failure));
    json_pair_string(w, "message",
                     message     ? message
                     : cancelled ? "cancelled"
                                 : failure_name(r->failure));
    json_end_object(w);
}

void export_write_aiperf_rows(const struct export_rows *x, struct buffer *out)
{
    /* session_num: one number for a session, one for each request without a session. */
    uint64_t *numbers = mem_zero(x->names.count + 1, sizeof *numbers), next = 0;
    for (size_t i = 0; i < x->sent; i++) {
        const struct export_row *r = &x->rows[i];
        uint64_t number;
        if (r->session == NAME_NONE)
            number = next++;
        else if (numbers[r->session])
            number = numbers[r->session] - 1;
        else
            numbers[r->session] = (number = next++) + 1;
        struct json_writer w;
        json_write_init(&w, out, 0);
        json_begin_object(&w);
        put_metadata(&w, x, r, number);
        put_metrics(&w, x, r);
        json_key(&w, "error");
        if (r->status == RECORD_COMPLETED)
            json_put_null(&w);
        else
            put_error(&w, x, r);
        json_end_object(&w);
        buffer_add_byte(out, '\n');
    }
    free(numbers);
}

/* ---- profile_export_aiperf.json ---- */

static void put_statistics(struct json_writer *w, int metric, double *values, size_t count)
{
    static const int points[] = {1, 5, 10, 25, 50, 75, 90, 95, 99};
    struct export_statistics s = export_statistics(values, count);
    if (count == 0)
        return;
    json_key(w, metrics[metric].tag);
    json_begin_object(w);
    json_pair_string(w, "unit", metrics[metric].unit);
    json_pair_double(w, "avg", s.mean);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        char key[8];
        snprintf(key, sizeof key, "p%d", points[i]);
        json_pair_double(w, key, quantile_sorted(values, count, points[i] / 100.0));
    }
    json_pair_double(w, "min", s.min);
    json_pair_double(w, "max", s.max);
    json_pair_double(w, "std", s.std);
    json_end_object(w);
}

static void put_metric(struct json_writer *w, const struct export_rows *x, int metric)
{
    double *values = mem_alloc((x->sent + x->chunk_count) * sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < x->sent; i++) {
        const struct export_row *r = &x->rows[i];
        if (r->status != RECORD_COMPLETED)
            continue;
        if (metric != CHUNK_GAPS) {
            count += value_of(x, r, metric, &values[count]);
            continue;
        }
        for (uint32_t k = 1; k < r->chunk_count; k++)
            values[count++] =
                milliseconds(x->chunks[r->chunk_first + k - 1], x->chunks[r->chunk_first + k]);
    }
    put_statistics(w, metric, values, count);
    free(values);
}

static void put_single(struct json_writer *w, const char *tag, const char *unit, double value)
{
    json_key(w, tag);
    json_begin_object(w);
    json_pair_string(w, "unit", unit);
    json_pair_double(w, "avg", value);
    json_end_object(w);
}

struct totals {
    uint64_t completed, failed, input, output, reasoning, error_input;
};

static struct totals count_totals(const struct export_rows *x)
{
    struct totals t = {0};
    for (size_t i = 0; i < x->sent; i++) {
        const struct export_row *r = &x->rows[i];
        bool good = r->status == RECORD_COMPLETED;
        t.completed += good;
        t.failed += !good;
        t.input += good ? r->input : 0;
        t.output += good ? r->output : 0;
        t.reasoning += good ? r->reasoning : 0;
        t.error_input += good ? 0 : r->input;
    }
    return t;
}

static void put_totals(struct json_writer *w, const struct export_request *q,
                       const struct export_rows *x)
{
    struct totals t = count_totals(x);
    const struct summary *s = q->summary;
    put_single(w, "request_throughput", "requests/sec", (double)t.completed / s->duration_s);
    put_single(w, "output_token_throughput", "tokens/sec", (double)t.output / s->duration_s);
    put_single(w, "total_token_throughput", "tokens/sec",
               (double)(t.input + t.output) / s->duration_s);
    put_single(w, "benchmark_duration", "sec", s->duration_s);
    put_single(w, "request_count", "requests", (double)t.completed);
    put_single(w, "total_isl", "tokens", (double)t.input);
    put_single(w, "total_osl", "tokens", (double)t.output);
    put_single(w, "total_output_tokens", "tokens", (double)(t.output - t.reasoning));
    if (t.reasoning)
        put_single(w, "total_reasoning_tokens", "tokens", (double)t.reasoning);
    if (t.failed) {
        put_single(w, "error_request_count", "requests", (double)t.failed);
        put_single(w, "total_error_isl", "tokens", (double)t.error_input);
    }
    if (s->slos.count) {
        put_single(w, "goodput", "requests/sec", s->all.goodput_rps);
        put_single(w, "good_request_count", "requests",
                   nearbyint(s->all.goodput_rps * s->all.duration_s));
    }
}

/* Failures by class, each with the words of one of them. */
static void put_errors(struct json_writer *w, const struct export_rows *x)
{
    size_t counts[FAILURE_CLASSES + 1] = {0}, samples[FAILURE_CLASSES + 1] = {0};
    for (size_t i = 0; i < x->sent; i++) {
        const struct export_row *r = &x->rows[i];
        size_t slot = r->status == RECORD_CANCELLED ? FAILURE_CLASSES : r->failure;
        if (r->status == RECORD_COMPLETED)
            continue;
        if (counts[slot]++ == 0)
            samples[slot] = i;
    }
    json_key(w, "error_summary");
    json_begin_array(w);
    for (size_t k = 0; k <= FAILURE_CLASSES; k++) {
        if (counts[k] == 0)
            continue;
        json_begin_object(w);
        json_key(w, "error_details");
        put_error(w, x, &x->rows[samples[k]]);
        json_pair_u64(w, "count", counts[k]);
        json_end_object(w);
    }
    json_end_array(w);
}

/* ISO 8601 without a zone, as AIPerf writes it; null for a simulation. */
static void put_time(struct json_writer *w, const char *key, const struct export_rows *x,
                     double after_s)
{
    char text[CLOCK_INSTANT_SIZE];
    json_key(w, key);
    if (!x->started_unix_ns) {
        json_put_null(w);
        return;
    }
    clock_format_instant(x->started_unix_ns + (int64_t)(after_s * 1e6) * 1000, text);
    text[strcspn(text, "Z")] = '\0';
    json_put_string(w, text);
}

void export_write_aiperf_summary(const struct export_request *q, const struct export_rows *x,
                                 struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 2);
    json_begin_object(&w);
    for (int m = 0; m < METRICS; m++)
        if (m != CHUNK_GAPS || x->has_chunks)
            put_metric(&w, x, m);
    put_totals(&w, q, x);
    json_pair_bool(&w, "was_cancelled", q->summary->accounting.unsent_by[UNSENT_INTERRUPTED] > 0);
    put_time(&w, "start_time", x, 0);
    put_time(&w, "end_time", x, q->summary->duration_s);
    put_errors(&w, x);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}
