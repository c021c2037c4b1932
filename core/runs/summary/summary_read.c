/* summary.json, read back into the summary that it was written from. */
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/summary/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the value of a key goes: a number (null = NAN), a count, or one of a list's names. */
struct field {
    const char *key;
    double *number;
    uint64_t *count;
    const char **name;
    const char *const *names; /* ends with NULL */
};

#define SUMMARY_MOST ((size_t)64 << 20) /* bytes of the file */
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void read_number(struct json_scan *scan, double *out)
{
    *out = NAN;
    if (json_peek(scan) == JSON_NULL)
        json_null(scan);
    else
        json_double(scan, -1e300, 1e300, out);
}

/* A name is kept as the list's own text, which outlives the file's. */
static void read_name(struct json_scan *scan, const struct field *f)
{
    struct text word;
    if (!json_string(scan, &word))
        return;
    for (int i = 0; f->names[i]; i++)
        if (text_equal(word, f->names[i])) {
            *f->name = f->names[i];
            return;
        }
    json_fail(scan, "unknown %s", f->key);
}

/* False where none of the fields has the key. */
static bool read_field(struct json_scan *scan, struct text key, const struct field *fields,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(key, fields[i].key))
            continue;
        if (fields[i].number)
            read_number(scan, fields[i].number);
        else if (fields[i].count)
            json_u64(scan, 0, UINT64_MAX, fields[i].count);
        else
            read_name(scan, &fields[i]);
        return true;
    }
    return false;
}

static void read_fields(struct json_scan *scan, const struct field *fields, size_t count)
{
    struct text key;
    json_object_begin(scan);
    while (json_object_next(scan, &key))
        if (!read_field(scan, key, fields, count))
            json_skip(scan, NULL);
}

/* At most size − 1 bytes, ended by a zero. */
static void keep_text(struct text raw, char *out, size_t size)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_unescape(raw, &text);
    snprintf(out, size, "%.*s", (int)text.length, text.length ? text.data : "");
    buffer_free(&text);
}

static void read_pair(struct json_scan *scan, double ci[2])
{
    if (json_peek(scan) == JSON_NULL) {
        json_null(scan);
        return;
    }
    json_array_begin(scan);
    for (int i = 0; i < 2 && json_array_next(scan); i++)
        read_number(scan, &ci[i]);
    if (json_array_next(scan))
        json_fail(scan, "expected two ends of an interval");
}

static void read_intervals(struct json_scan *scan, struct metric_summary *m)
{
    struct text key;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        if (text_equal(key, "mean"))
            read_pair(scan, m->ci_mean);
        else if (text_equal(key, "p50"))
            read_pair(scan, m->ci_p50);
        else if (text_equal(key, "p99"))
            read_pair(scan, m->ci_p99);
        else
            json_skip(scan, NULL);
    }
}

static void read_metric(struct json_scan *scan, struct metric_summary *m)
{
    static const char *const methods[] = {"exact", "histogram", NULL};
    const struct field fields[] = {
        {"count", .count = &m->count},
        {"mean", .number = &m->mean},
        {"stddev", .number = &m->stddev},
        {"min", .number = &m->min},
        {"p50", .number = &m->p50},
        {"p90", .number = &m->p90},
        {"p95", .number = &m->p95},
        {"p99", .number = &m->p99},
        {"p999", .number = &m->p999},
        {"max", .number = &m->max},
        {"quantile_method", .name = &m->quantile_method, .names = methods}};
    struct text key;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        if (text_equal(key, "ci95") && json_peek(scan) == JSON_OBJECT)
            read_intervals(scan, m);
        else if (!read_field(scan, key, fields, COUNT_OF(fields)))
            json_skip(scan, NULL);
    }
}

/* What is said of figures that stand nowhere. */
static void forget(struct phase_summary *p)
{
    const double none[2] = {NAN, NAN};
    p->duration_s = p->goodput_rps = p->goodput_fraction = NAN;
    for (int i = 0; i < METRIC_COUNT; i++) {
        struct metric_summary *m = &p->metrics[i];
        m->mean = m->stddev = m->min = m->max = NAN;
        m->p50 = m->p90 = m->p95 = m->p99 = m->p999 = NAN;
        m->quantile_method = "exact";
        memcpy(m->ci_mean, none, sizeof none);
        memcpy(m->ci_p50, none, sizeof none);
        memcpy(m->ci_p99, none, sizeof none);
    }
}

/* What stands in the window and in `all` alike. */
static bool read_phase(struct json_scan *scan, struct text key, struct phase_summary *p)
{
    const struct field fields[] = {{"input_tokens", .count = &p->input_tokens},
                                   {"cached_input_tokens", .count = &p->cached_input_tokens},
                                   {"output_tokens", .count = &p->output_tokens},
                                   {"reasoning_tokens", .count = &p->reasoning_tokens},
                                   {"request_throughput_rps", .number = &p->request_throughput_rps},
                                   {"output_throughput_tps", .number = &p->output_throughput_tps},
                                   {"total_throughput_tps", .number = &p->total_throughput_tps},
                                   {"goodput_rps", .number = &p->goodput_rps},
                                   {"goodput_fraction", .number = &p->goodput_fraction}};
    for (int m = 0; m < METRIC_COUNT; m++)
        if (text_equal(key, metric_key((enum metric)m))) {
            read_metric(scan, &p->metrics[m]);
            return true;
        }
    return read_field(scan, key, fields, COUNT_OF(fields));
}

static void read_all(struct json_scan *scan, struct phase_summary *all)
{
    const struct field fields[] = {{"duration_s", .number = &all->duration_s},
                                   {"requests", .count = &all->requests}};
    struct text key;
    json_object_begin(scan);
    while (json_object_next(scan, &key))
        if (!read_phase(scan, key, all) && !read_field(scan, key, fields, COUNT_OF(fields)))
            json_skip(scan, NULL);
}

static void read_accounting(struct json_scan *scan, struct accounting *a)
{
    struct field failed[FAILURE_CLASSES], unsent[UNSENT_REASONS];
    const struct field fields[] = {
        {"scheduled", .count = &a->scheduled}, {"completed", .count = &a->completed},
        {"failed", .count = &a->failed},       {"cancelled", .count = &a->cancelled},
        {"unsent", .count = &a->unsent},       {"not_due", .count = &a->not_due},
        {"attempts", .count = &a->attempts},   {"retried", .count = &a->retried}};
    struct text key;
    for (int i = 0; i < FAILURE_CLASSES; i++)
        failed[i] = (struct field){failure_name((enum failure_class)i), .count = &a->failed_by[i]};
    for (int i = 0; i < UNSENT_REASONS; i++)
        unsent[i] = (struct field){unsent_name((enum unsent_reason)i), .count = &a->unsent_by[i]};
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        if (text_equal(key, "failed_by"))
            read_fields(scan, failed, COUNT_OF(failed));
        else if (text_equal(key, "unsent_by"))
            read_fields(scan, unsent, COUNT_OF(unsent));
        else if (!read_field(scan, key, fields, COUNT_OF(fields)))
            json_skip(scan, NULL);
    }
}

static void read_slos(struct json_scan *scan, struct slo_list *slos)
{
    struct text key;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        double limit = NAN;
        read_number(scan, &limit);
        for (int m = 0; m < METRIC_COUNT; m++)
            if (text_equal(key, metric_key((enum metric)m)) && slos->count < SLO_MAX)
                slos->items[slos->count++] = (struct slo){(enum metric)m, limit};
    }
}

static void read_short(struct json_scan *scan, struct short_metric *m)
{
    const struct field fields[] = {{"count", .count = &m->count},
                                   {"mean", .number = &m->mean},
                                   {"p50", .number = &m->p50},
                                   {"p90", .number = &m->p90},
                                   {"p99", .number = &m->p99}};
    read_fields(scan, fields, COUNT_OF(fields));
}

static void read_group(struct json_scan *scan, struct group_summary *g)
{
    const struct field fields[] = {{"requests", .count = &g->requests},
                                   {"completed", .count = &g->completed},
                                   {"failed", .count = &g->failed},
                                   {"cancelled", .count = &g->cancelled},
                                   {"unsent", .count = &g->unsent},
                                   {"input_tokens", .count = &g->input_tokens},
                                   {"output_tokens", .count = &g->output_tokens},
                                   {"goodput_fraction", .number = &g->goodput_fraction}};
    struct text key;
    g->goodput_fraction = NAN;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        int m = 0;
        while (m < GROUP_METRICS && !text_equal(key, group_metric_key(m)))
            m++;
        if (m < GROUP_METRICS)
            read_short(scan, &g->metrics[m]);
        else if (!read_field(scan, key, fields, COUNT_OF(fields)))
            json_skip(scan, NULL);
    }
}

static void read_groups(struct json_scan *scan, struct summary *s)
{
    struct text dimension, name;
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
            read_group(scan, g);
        }
    }
}

static void read_set_up(struct json_scan *scan, struct summary *s)
{
    struct text key;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        int part = 0;
        while (part < SET_UP_PARTS && !text_equal(key, set_up_key(part)))
            part++;
        if (part < SET_UP_PARTS)
            read_short(scan, &s->set_up[part]);
        else
            json_skip(scan, NULL);
    }
}

static void read_error_samples(struct json_scan *scan, struct summary *s)
{
    struct text key, sample;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        int f = 0, i = 0;
        while (f < FAILURE_CLASSES && !text_equal(key, failure_name((enum failure_class)f)))
            f++;
        json_array_begin(scan);
        while (json_array_next(scan))
            if (json_string(scan, &sample) && f < FAILURE_CLASSES && i < ERROR_SAMPLES)
                keep_text(sample, s->error_samples[f][i++], ERROR_SAMPLE_SIZE);
    }
}

static void read_asked(struct json_scan *scan, struct summary *s)
{
    const struct field fields[] = {{"input_tokens", .count = &s->asked_input},
                                   {"output_tokens", .count = &s->asked_output},
                                   {"input_error_p50", .number = &s->input_error_p50},
                                   {"input_error_p99", .number = &s->input_error_p99},
                                   {"too_short_for_endpoint", .count = &s->asked_too_little}};
    read_fields(scan, fields, COUNT_OF(fields));
}

/* The objects of the file. False where the key is none of theirs. */
static bool read_part(struct json_scan *scan, struct text key, struct summary *s)
{
    if (text_equal(key, "accounting"))
        read_accounting(scan, &s->accounting);
    else if (text_equal(key, "asked"))
        read_asked(scan, s);
    else if (text_equal(key, "slo"))
        read_slos(scan, &s->slos);
    else if (text_equal(key, "fidelity"))
        fidelity_read(scan, &s->fidelity);
    else if (text_equal(key, "by"))
        read_groups(scan, s);
    else if (text_equal(key, "breakdown"))
        read_set_up(scan, s);
    else if (text_equal(key, "error_samples"))
        read_error_samples(scan, s);
    else if (text_equal(key, "all"))
        read_all(scan, &s->all);
    else
        return false;
    return true;
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

int summary_read(const char *file, struct text json, struct summary *s, struct error *err)
{
    static const char *const commands[] = {"bench", "sim", NULL};
    static const char *const loads[] = {"trace", "open", "closed", NULL};
    static const char *const methods[] = {"none", "given", "mser5", "beyond", "unsettled", NULL};
    uint64_t version = 0;
    const struct field fields[] = {{"schema_version", .count = &version},
                                   {"command", .name = &s->command, .names = commands},
                                   {"load", .name = &s->load, .names = loads},
                                   {"duration_s", .number = &s->duration_s},
                                   {"warmup_s", .number = &s->warmup_s},
                                   {"warmup_method", .name = &s->warmup_method, .names = methods},
                                   {"steady_from_s", .number = &s->steady_from_s},
                                   {"steady_rate_from_s", .number = &s->steady_rate_from_s},
                                   {"steady_rate_until_s", .number = &s->steady_rate_until_s},
                                   {"window_s", .number = &s->window.duration_s},
                                   {"tokens_per_chunk", .number = &s->tokens_per_chunk},
                                   {"estimated_usage", .count = &s->estimated_usage},
                                   {"peak_in_flight", .count = &s->peak_in_flight},
                                   {"last_due_s", .number = &s->last_due_s}};
    struct json_scan scan;
    struct text key;
    *s = (struct summary){.steady_from_s = NAN,
                          .steady_rate_from_s = NAN,
                          .steady_rate_until_s = NAN,
                          .tokens_per_chunk = NAN};
    forget(&s->window);
    forget(&s->all);
    json_scan_init(&scan, file, json.at, json.length, 1);
    json_object_begin(&scan);
    while (json_object_next(&scan, &key))
        if (!read_part(&scan, key, s) && !read_phase(&scan, key, &s->window) &&
            !read_field(&scan, key, fields, COUNT_OF(fields)))
            json_skip(&scan, NULL);
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
