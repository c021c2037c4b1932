/* summary.json: a row a key. */
#include "core/runs/summary/summary.h"

#include "core/file.h"
#include "core/json/json_fields.h"
#include "core/runs/record/run_dir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUMMARY_MOST ((size_t)64 << 20) /* bytes of the file */

static const struct json_field count_or_nothing = {
    .kind = JSON_AS_UINT, .size = sizeof(uint64_t), .optional = true};

/* ---- metrics ---- */

/* The two ends of an interval; null where there is none. */
static void read_pair(struct json_scan *s, const struct json_field *f, void *member)
{
    double *ci = member;
    (void)f;
    json_array_begin(s);
    for (int i = 0; i < 2 && json_array_next(s); i++)
        json_double(s, -1e300, 1e300, &ci[i]);
    if (json_array_next(s))
        json_fail(s, "expected two ends of an interval");
}

static void write_pair(struct json_writer *w, const struct json_field *f, const void *member)
{
    const double *ci = member;
    (void)f;
    if (isnan(ci[0])) {
        json_put_null(w);
        return;
    }
    json_begin_array(w);
    json_put_statistic(w, ci[0]);
    json_put_statistic(w, ci[1]);
    json_end_array(w);
}

#define PAIR(member) JSON_AS_OTHER, member, .read = read_pair, .write = write_pair

#define AT(member) JSON_AT(struct metric_summary, member)
static const struct json_field interval_rows[] = {
    {"mean", PAIR(AT(ci_mean))}, {"p50", PAIR(AT(ci_p50))}, {"p99", PAIR(AT(ci_p99))}};
static const struct json_table interval_table = {JSON_ROWS(interval_rows), .open = true,
                                                 .nulls = true};

static const char *const quantile_methods[] = {"exact", "histogram", NULL};
static const struct json_field metric_rows[] = {
    {"count", JSON_AS_UINT, AT(count)},
    {"mean", JSON_AS_FIGURE, AT(mean)},
    {"stddev", JSON_AS_FIGURE, AT(stddev)},
    {"min", JSON_AS_FIGURE, AT(min)},
    {"p50", JSON_AS_FIGURE, AT(p50)},
    {"p90", JSON_AS_FIGURE, AT(p90)},
    {"p95", JSON_AS_FIGURE, AT(p95)},
    {"p99", JSON_AS_FIGURE, AT(p99)},
    {"p999", JSON_AS_FIGURE, AT(p999)},
    {"max", JSON_AS_FIGURE, AT(max)},
    {"quantile_method", JSON_AS_NAME, AT(quantile_method), .names = quantile_methods,
     .what = "quantile_method"},
    {"ci95", JSON_AS_OBJECT, .table = &interval_table},
};
static const struct json_table metric_table = {JSON_ROWS(metric_rows), .open = true};
static const struct json_field metric_item = {
    .kind = JSON_AS_OBJECT, .size = sizeof(struct metric_summary), .table = &metric_table};

#undef AT
#define AT(member) JSON_AT(struct short_metric, member)
static const struct json_field short_rows[] = {
    {"count", JSON_AS_UINT, AT(count)}, {"mean", JSON_AS_FIGURE, AT(mean)},
    {"p50", JSON_AS_FIGURE, AT(p50)},   {"p90", JSON_AS_FIGURE, AT(p90)},
    {"p99", JSON_AS_FIGURE, AT(p99)},
};
static const struct json_table short_table = {JSON_ROWS(short_rows), .open = true};

/* ---- phases ---- */

#undef AT
#define AT(member) JSON_AT(struct phase_summary, member)
static const char *const media_keys[] = {"image_input_tokens",        "audio_input_tokens",
                                         "video_input_tokens",        "cached_image_input_tokens",
                                         "cached_audio_input_tokens", "image_output_tokens",
                                         "audio_output_tokens",       NULL};
static const struct json_field totals_rows[] = {
    {"input_tokens", JSON_AS_UINT, AT(input_tokens)},
    {"cached_input_tokens", JSON_AS_UINT, AT(cached_input_tokens)},
    {"output_tokens", JSON_AS_UINT, AT(output_tokens)},
    {"reasoning_tokens", JSON_AS_UINT, AT(reasoning_tokens)},
    {NULL, JSON_AS_EACH, AT(media_tokens), .item = &count_or_nothing, .names = media_keys},
    {"request_throughput_rps", JSON_AS_FIGURE, AT(request_throughput_rps)},
    {"output_throughput_tps", JSON_AS_FIGURE, AT(output_throughput_tps)},
    {"total_throughput_tps", JSON_AS_FIGURE, AT(total_throughput_tps)},
    {"goodput_rps", JSON_AS_FIGURE, AT(goodput_rps)},
    {"goodput_fraction", JSON_AS_FIGURE, AT(goodput_fraction)},
};
static const struct json_table totals_table = {JSON_ROWS(totals_rows)};

static const struct json_field all_rows[] = {
    {"duration_s", JSON_AS_FIGURE, AT(duration_s)},
    {"requests", JSON_AS_UINT, AT(requests)},
    {NULL, JSON_AS_INLINE, .table = &totals_table},
    {NULL, JSON_AS_EACH, AT(metrics), .item = &metric_item, .names = metric_keys},
};
static const struct json_table all_table = {JSON_ROWS(all_rows), .open = true};

/* ---- accounting ---- */

static const struct json_field failed_rows[] = {
    {NULL, JSON_AS_EACH, .item = &count_or_nothing, .names = failure_names}};
static const struct json_table failed_table = {JSON_ROWS(failed_rows), .open = true};
static const struct json_field unsent_rows[] = {
    {NULL, JSON_AS_EACH, .item = &count_or_nothing, .names = unsent_names}};
static const struct json_table unsent_table = {JSON_ROWS(unsent_rows), .open = true};

#undef AT
#define AT(member) JSON_AT(struct accounting, member)
static const struct json_field accounting_rows[] = {
    {"scheduled", JSON_AS_UINT, AT(scheduled)},
    {"completed", JSON_AS_UINT, AT(completed)},
    {"failed", JSON_AS_UINT, AT(failed)},
    {"cancelled", JSON_AS_UINT, AT(cancelled)},
    {"unsent", JSON_AS_UINT, AT(unsent)},
    {"not_due", JSON_AS_UINT, AT(not_due)},
    {"attempts", JSON_AS_UINT, AT(attempts)},
    {"retried", JSON_AS_UINT, AT(retried)},
    {"failed_by", JSON_AS_OBJECT, AT(failed_by), .table = &failed_table},
    {"unsent_by", JSON_AS_OBJECT, AT(unsent_by), .table = &unsent_table},
};
const struct json_table accounting_table = {JSON_ROWS(accounting_rows), .open = true};

/* ---- groups: {"class": {"chat": {...}, ...}, ...} ---- */

static const char *const group_metrics[] = {"ttft_scheduled_ms", "ttft_ms", "tpot_ms", "e2e_ms",
                                            NULL};
static const struct json_field short_item = {
    .kind = JSON_AS_OBJECT, .size = sizeof(struct short_metric), .table = &short_table};

#undef AT
#define AT(member) JSON_AT(struct group_summary, member)
static const struct json_field group_rows[] = {
    {"requests", JSON_AS_UINT, AT(requests)},
    {"completed", JSON_AS_UINT, AT(completed)},
    {"failed", JSON_AS_UINT, AT(failed)},
    {"cancelled", JSON_AS_UINT, AT(cancelled)},
    {"unsent", JSON_AS_UINT, AT(unsent)},
    {"input_tokens", JSON_AS_UINT, AT(input_tokens)},
    {"output_tokens", JSON_AS_UINT, AT(output_tokens)},
    {"goodput_fraction", JSON_AS_FIGURE, AT(goodput_fraction)},
    {NULL, JSON_AS_EACH, AT(metrics), .item = &short_item, .names = group_metrics},
};
static const struct json_table group_table = {JSON_ROWS(group_rows), .open = true};

/* At most size − 1 bytes, ended by a zero. */
static void keep_text(struct text raw, char *out, size_t size)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_unescape(raw, &text);
    snprintf(out, size, "%.*s", (int)text.length, text.length ? text.data : "");
    buffer_free(&text);
}

static void read_groups(struct json_scan *scan, const struct json_field *f, void *summary)
{
    struct summary *s = summary;
    struct text dimension, name;
    (void)f;
    json_object_begin(scan);
    while (json_object_next(scan, &dimension)) {
        json_object_begin(scan);
        while (json_object_next(scan, &name)) {
            if (s->group_count == SUMMARY_GROUPS) {
                json_fail(scan, "expected at most %d groups", SUMMARY_GROUPS);
                return;
            }
            struct group_summary *g = &s->groups[s->group_count++];
            keep_text(dimension, g->dimension, sizeof g->dimension);
            keep_text(name, g->name, sizeof g->name);
            g->goodput_fraction = NAN;
            json_fields_read(scan, &group_table, g);
        }
    }
}

/* Groups of a dimension stand together. */
static void write_groups(struct json_writer *w, const struct json_field *f, const void *summary)
{
    const struct summary *s = summary;
    (void)f;
    json_begin_object(w);
    for (size_t i = 0; i < s->group_count; i++) {
        const char *name = s->groups[i].dimension;
        if (i == 0 || strcmp(name, s->groups[i - 1].dimension) != 0) {
            json_key(w, name);
            json_begin_object(w);
        }
        json_key(w, s->groups[i].name);
        json_fields_write(w, &group_table, &s->groups[i], 0);
        if (i + 1 == s->group_count || strcmp(name, s->groups[i + 1].dimension) != 0)
            json_end_object(w);
    }
    json_end_object(w);
}

/* ---- other parts ---- */

static const char *const set_up_names[] = {
    "dns_ms",        "connect_ms",    "tls_ms", "first_byte_ms", "first_reasoning_ms",
    "first_text_ms", "first_tool_ms", NULL};

static bool is_empty(const void *short_metric)
{
    return ((const struct short_metric *)short_metric)->count == 0;
}

static const struct json_field set_up_item = {.kind = JSON_AS_OBJECT,
                                              .size = sizeof(struct short_metric),
                                              .table = &short_table,
                                              .is_nothing = is_empty};
static const struct json_field set_up_rows[] = {
    {NULL, JSON_AS_EACH, .item = &set_up_item, .names = set_up_names}};
static const struct json_table set_up_table = {JSON_ROWS(set_up_rows), .open = true};

/* {"ttft_ms": 500} */
static void read_slos(struct json_scan *scan, const struct json_field *f, void *member)
{
    struct slo_list *slos = member;
    struct text key;
    (void)f;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        double limit = NAN;
        if (json_peek(scan) == JSON_NULL)
            json_null(scan);
        else
            json_double(scan, -1e300, 1e300, &limit);
        for (int m = 0; m < METRIC_COUNT; m++)
            if (text_equal(key, metric_keys[m]) && slos->count < SLO_MAX)
                slos->items[slos->count++] = (struct slo){(enum metric)m, limit};
    }
}

static void write_slos(struct json_writer *w, const struct json_field *f, const void *member)
{
    const struct slo_list *slos = member;
    (void)f;
    json_begin_object(w);
    for (size_t i = 0; i < slos->count; i++) {
        json_key(w, metric_key(slos->items[i].metric));
        json_put_figure(w, slos->items[i].limit_ms);
    }
    json_end_object(w);
}

/* {"rate_limited": ["busy"]}: the samples of one class. */
static void read_samples(struct json_scan *scan, const struct json_field *f, void *member)
{
    char *samples = member;
    struct text sample;
    int i = 0;
    (void)f;
    json_array_begin(scan);
    while (json_array_next(scan))
        if (json_string(scan, &sample) && i < ERROR_SAMPLES)
            keep_text(sample, samples + i++ * ERROR_SAMPLE_SIZE, ERROR_SAMPLE_SIZE);
}

static void write_samples(struct json_writer *w, const struct json_field *f, const void *member)
{
    const char *samples = member;
    (void)f;
    json_begin_array(w);
    for (int i = 0; i < ERROR_SAMPLES && samples[i * ERROR_SAMPLE_SIZE]; i++)
        json_put_string(w, samples + i * ERROR_SAMPLE_SIZE);
    json_end_array(w);
}

static bool has_no_sample(const void *member)
{
    return !*(const char *)member;
}

static const struct json_field samples_item = {.size = ERROR_SAMPLES * ERROR_SAMPLE_SIZE,
                                               .read = read_samples,
                                               .write = write_samples,
                                               .is_nothing = has_no_sample};
static const struct json_field samples_rows[] = {
    {NULL, JSON_AS_EACH, .item = &samples_item, .names = failure_names}};
static const struct json_table samples_table = {JSON_ROWS(samples_rows), .open = true};

static void read_fidelity(struct json_scan *scan, const struct json_field *f, void *member)
{
    (void)f;
    fidelity_free(member);
    fidelity_read(scan, member);
}

static void write_fidelity(struct json_writer *w, const struct json_field *f, const void *member)
{
    (void)f;
    fidelity_write(member, w);
}

static bool asked_no_server(const void *member)
{
    const struct server_summary *s = member;
    return s->scrapes_ok + s->scrapes_failed == 0;
}

static bool was_not_stopped(const void *outcome)
{
    return ((const struct stop_outcome *)outcome)->condition[0] == '\0';
}

/* Checked at the end, so that what can be read of another version's file is. */
static void read_version(struct json_scan *scan, const struct json_field *f, void *summary)
{
    (void)f;
    (void)summary;
    json_u64(scan, 0, UINT64_MAX, scan->context);
}

static void write_version(struct json_writer *w, const struct json_field *f, const void *summary)
{
    (void)f;
    (void)summary;
    json_put_u64(w, 1);
}

/* ---- the summary ---- */

#undef AT
#define AT(member) JSON_AT(struct summary, member)

static const struct json_field asked_rows[] = {
    {"input_tokens", JSON_AS_UINT, AT(asked_input)},
    {"output_tokens", JSON_AS_UINT, AT(asked_output)},
    {"images", JSON_AS_UINT, AT(asked_images), .optional = true},
    {"input_error_p50", JSON_AS_FIGURE, AT(input_error_p50)},
    {"input_error_p99", JSON_AS_FIGURE, AT(input_error_p99)},
    {"too_short_for_endpoint", JSON_AS_UINT, AT(asked_too_little)},
};
static const struct json_table asked_table = {JSON_ROWS(asked_rows), .open = true};

#undef AT
#define AT(member) JSON_AT(struct stop_outcome, member)
static const struct json_field stopped_rows[] = {
    {"at_s", JSON_AS_FIGURE, AT(at_s)},
    {"condition", JSON_AS_CHARS, AT(condition)},
    {"reason", JSON_AS_CHARS, AT(reason)},
};
static const struct json_table stopped_table = {JSON_ROWS(stopped_rows), .open = true};

void stop_outcome_write(const struct stop_outcome *o, struct json_writer *w)
{
    json_fields_write(w, &stopped_table, o, 0);
}

#undef AT
#define AT(member) JSON_AT(struct summary, member)
static bool is_regular(const void *odd)
{
    for (int i = 0; i < ODDITIES; i++)
        if (((const uint64_t *)odd)[i])
            return false;
    return true;
}

static const struct json_field odd_rows[] = {
    {NULL, JSON_AS_EACH, .item = &count_or_nothing, .names = oddity_names}};
static const struct json_table odd_table = {JSON_ROWS(odd_rows), .open = true};

static const char *const commands[] = {"bench", "sim", "log", NULL};
static const char *const loads[] = {"trace", "open", "closed", NULL};
static const char *const methods[] = {"none", "given", "mser5", "beyond", "unsettled", NULL};

static const struct json_field rows[] = {
    {"schema_version", .read = read_version, .write = write_version},
    {"command", JSON_AS_NAME, AT(command), .names = commands, .what = "command"},
    {"load", JSON_AS_NAME, AT(load), .names = loads, .what = "load"},
    {"duration_s", JSON_AS_FIGURE, AT(duration_s)},
    {"warmup_s", JSON_AS_FIGURE, AT(warmup_s)},
    {"warmup_method", JSON_AS_NAME, AT(warmup_method), .names = methods, .what = "warmup_method"},
    {"steady_from_s", JSON_AS_FIGURE, AT(steady_from_s)},
    {"steady_rate_from_s", JSON_AS_FIGURE, AT(steady_rate_from_s)},
    {"steady_rate_until_s", JSON_AS_FIGURE, AT(steady_rate_until_s)},
    {"window_s", JSON_AS_FIGURE, AT(window.duration_s)},
    {"accounting", JSON_AS_OBJECT, AT(accounting), .table = &accounting_table},
    {NULL, JSON_AS_INLINE, AT(window), .table = &totals_table},
    {"asked", JSON_AS_OBJECT, .table = &asked_table},
    {"tokens_per_chunk", JSON_AS_FIGURE, AT(tokens_per_chunk)},
    {"estimated_usage", JSON_AS_UINT, AT(estimated_usage)},
    {"oddities", JSON_AS_OBJECT, AT(odd), .table = &odd_table, .is_nothing = is_regular},
    {"peak_in_flight", JSON_AS_UINT, AT(peak_in_flight)},
    {"last_due_s", JSON_AS_FIGURE, AT(last_due_s)},
    {"stopped", JSON_AS_OBJECT, AT(stopped), .table = &stopped_table, .optional = true,
     .is_nothing = was_not_stopped},
    {"slo", JSON_AS_OTHER, AT(slos), .read = read_slos, .write = write_slos},
    {"fidelity", JSON_AS_OTHER, AT(fidelity), .read = read_fidelity, .write = write_fidelity},
    {NULL, JSON_AS_EACH, AT(window.metrics), .item = &metric_item, .names = metric_keys},
    {"by", .read = read_groups, .write = write_groups},
    {"breakdown", JSON_AS_OBJECT, AT(set_up), .table = &set_up_table},
    {"error_samples", JSON_AS_OBJECT, AT(error_samples), .table = &samples_table},
    {"server", JSON_AS_OBJECT, AT(server), .table = &server_summary_table,
     .is_nothing = asked_no_server},
    {"all", JSON_AS_OBJECT, AT(all), .table = &all_table},
};
static const struct json_table summary_table = {JSON_ROWS(rows), .open = true};

bool summary_is_closed(const struct summary *s)
{
    return s->load && strcmp(s->load, "closed") == 0;
}

void summary_write(const struct summary *s, struct json_writer *w)
{
    json_fields_write(w, &summary_table, s, 0);
    buffer_add_byte(w->out, '\n');
}

static int check(const struct summary *s, uint64_t version, const char *file, struct error *err)
{
    const struct accounting *a = &s->accounting;
    if (version != 1)
        return error_at(err, file, 0, 0, "expected schema_version 1");
    if (!s->command || !s->load || !s->warmup_method)
        return error_at(err, file, 0, 0, "command, load or warmup_method is missing");
    if (a->scheduled != a->completed + a->failed + a->cancelled + a->unsent)
        return error_at(err, file, 0, 0, "its accounting does not add up");
    if (isnan(s->window.duration_s) || isnan(s->all.duration_s))
        return error_at(err, file, 0, 0, "window_s or \"all\" is missing");
    return 0;
}

/* Nothing known: what no row of a metric says. */
static void forget_metrics(struct phase_summary *p)
{
    for (struct metric_summary *m = p->metrics; m < p->metrics + METRIC_COUNT; m++) {
        m->quantile_method = quantile_methods[0];
        for (int i = 0; i < 2; i++)
            m->ci_mean[i] = m->ci_p50[i] = m->ci_p99[i] = NAN;
    }
}

int summary_read(const char *file, struct text json, struct summary *s, struct error *err)
{
    struct json_scan scan;
    uint64_t version = 0;
    *s = (struct summary){0};
    json_fields_clear(&summary_table, s);
    s->warmup_s = 0;
    forget_metrics(&s->window);
    forget_metrics(&s->all);
    json_scan_init(&scan, file, json.at, json.length, 1);
    scan.context = &version;
    json_fields_read(&scan, &summary_table, s);
    int status = json_scan_end(&scan, err) < 0 ? ERR_INPUT : check(s, version, file, err);
    if (status < 0)
        summary_free(s);
    return status;
}

int summary_read_run(const char *run, struct summary *out, struct error *err)
{
    char *file = run_dir_file(run, "summary.json"), *json = NULL;
    size_t length;
    int status = file_read_all(file, SUMMARY_MOST, &json, &length, err);
    if (status == 0)
        status = summary_read(file, (struct text){json, length}, out, err);
    free(json);
    free(file);
    return status;
}

void summary_free(struct summary *s)
{
    fidelity_free(&s->fidelity);
}
