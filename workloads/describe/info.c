#include "workloads/describe/info.h"

#include "core/memory.h"
#include "core/stats/moments.h"
#include "core/stats/quantile.h"
#include "workloads/model/block_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void info_summarise(const uint32_t *values, size_t count, struct info_summary *out)
{
    static const double p[] = {0.5, 0.9, 0.99};
    double q[3];
    struct moments m = {0};
    double *copy = mem_alloc(count * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = values[i];
        moments_add(&m, values[i], 1);
    }
    quantiles_select(copy, count, p, 3, q);
    free(copy);
    *out = (struct info_summary){
        .count = count,
        .total = (uint64_t)m.sum,
        .mean = moments_mean(&m),
        .stddev = moments_stddev(&m),
        .min = count ? (double)m.min : NAN,
        .p50 = q[0],
        .p90 = q[1],
        .p99 = q[2],
        .max = count ? (double)m.max : NAN,
    };
}

static void count_requests(const struct workload *w, struct workload_info *out)
{
    out->requests = w->count;
    for (size_t i = 0; i < w->count; i++) {
        enum request_status status = w->status ? (enum request_status)w->status[i] : REQUEST_OK;
        out->failed += status == REQUEST_FAILED;
        out->aborted += status == REQUEST_ABORTED;
        out->empty_outputs += w->output_tokens[i] == 0;
        out->dependent += w->after_start && w->after_start[i + 1] > w->after_start[i];
    }
    out->models = w->models.count;
    out->classes = w->classes.count;
}

/* Mean and CV of the gaps between consecutive timestamps. */
static void measure_gaps(const struct workload *w, const uint32_t *order, struct workload_info *out)
{
    struct moments gaps = {0};
    for (size_t i = 1; i < w->count && w->timestamp_ns[order[i]] != TIME_NEVER; i++)
        moments_add(&gaps, w->timestamp_ns[order[i]] - w->timestamp_ns[order[i - 1]], 1);
    out->interarrival_mean_s = out->interarrival_cv = NAN;
    if (!out->has_duration || gaps.count == 0)
        return;
    double n = (double)gaps.count;
    out->interarrival_mean_s = moments_mean(&gaps) / 1e9;
    out->interarrival_cv = moments_cv(&gaps) * sqrt((n - 1) / n);
}

static void measure_times(const struct workload *w, const uint32_t *order,
                          struct workload_info *out)
{
    int64_t first = 0, last = 0;
    out->has_start = w->has_start;
    out->start_unix_ns = w->start_unix_ns;
    out->rate_rps = NAN;
    if (workload_time_range(w, &first, &last) && last > first) {
        out->has_duration = true;
        out->duration_ns = last - first;
        out->rate_rps = (double)w->count / ((double)out->duration_ns / 1e9);
    }
    measure_gaps(w, order, out);
}

static void count_sessions(const struct workload *w, struct workload_info *out)
{
    uint32_t *turns = mem_zero(w->sessions.count, sizeof *turns);
    for (size_t i = 0; i < w->count && w->session; i++)
        if (w->session[i] != NAME_NONE)
            turns[w->session[i]]++;
    out->sessions = w->sessions.count;
    info_summarise(turns, w->sessions.count, &out->turns_per_session);
    free(turns);
}

static void count_prefix_hits(const struct workload *w, const uint32_t *order,
                              struct workload_info *out)
{
    struct block_set seen;
    uint64_t input = 0;
    out->hit_ratio_tokens = out->hit_ratio_blocks = out->hit_ratio_answers = NAN;
    if (!w->hash_start || w->block_size == 0)
        return;
    block_set_init(&seen);
    for (size_t i = 0; i < w->count; i++) {
        uint32_t row = order[i];
        const uint64_t *ids = w->hash_ids + w->hash_start[row];
        size_t count = (size_t)(w->hash_start[row + 1] - w->hash_start[row]), run = 0;
        while (run < count && block_set_has(&seen, ids[run]))
            run++;
        for (size_t k = run; k < count; k++)
            block_set_add(&seen, ids[k]);
        uint64_t tokens = (uint64_t)run * w->block_size;
        input += w->input_tokens[row];
        out->hit_tokens += tokens < w->input_tokens[row] ? tokens : w->input_tokens[row];
        out->hit_blocks += run;
        out->blocks += count;
    }
    out->block_size = w->block_size;
    out->distinct_blocks = seen.count;
    out->hit_ratio_tokens = input ? (double)out->hit_tokens / (double)input : NAN;
    out->hit_ratio_blocks = out->blocks ? (double)out->hit_blocks / (double)out->blocks : NAN;
    block_set_free(&seen);
    out->hit_ratio_answers = workload_answers_hit_ratio(w);
}

static void sum_usage(const struct workload *w, struct workload_info *out)
{
    for (size_t i = 0; i < w->count && w->usage_known; i++) {
        if (!w->usage_known[i])
            continue;
        struct usage u = workload_usage(w, i);
        out->has_usage = true;
        out->cached_tokens += usage_cached(&u);
        out->written_tokens += u.tokens[USAGE_CACHE_WRITE] + u.tokens[USAGE_CACHE_WRITE_1H];
        out->reasoning_tokens += u.tokens[USAGE_REASONING];
        for (int c = USAGE_PLAIN_CLASSES; c < USAGE_CLASSES; c++)
            out->media_tokens[c - USAGE_PLAIN_CLASSES] += u.tokens[c];
    }
}

/* Of sums nothing is known but the means. */
static void know_sums_only(struct info_summary *s, uint64_t requests, bool counted)
{
    *s = (struct info_summary){.count = requests,
                               .total = s->total,
                               .mean = counted ? (double)s->total / (double)requests : NAN,
                               .stddev = NAN,
                               .min = NAN,
                               .p50 = NAN,
                               .p90 = NAN,
                               .p99 = NAN,
                               .max = NAN};
}

static void take_sums(const struct workload *w, struct workload_info *out)
{
    uint64_t requests;
    int64_t first = 0, last = 0, end = 0;
    if (!w->requests)
        return;
    bool counted = workload_count_requests(w, &requests);
    out->rows = w->count;
    out->requests = requests;
    know_sums_only(&out->input_tokens, requests, counted);
    know_sums_only(&out->output_tokens, requests, counted);
    out->interarrival_mean_s = out->interarrival_cv = NAN;
    out->empty_outputs = 0;
    workload_time_range(w, &first, &last);
    for (size_t i = 0; i < w->count; i++)
        if (w->timestamp_ns[i] != TIME_NEVER && workload_bucket_end_ns(w, i) > end)
            end = workload_bucket_end_ns(w, i);
    out->has_duration = end > first;
    out->duration_ns = end - first;
    out->uncounted = !counted;
    out->rate_rps =
        out->has_duration && counted ? (double)requests / ((double)out->duration_ns / 1e9) : NAN;
}

void workload_info_compute(const struct workload *w, const struct trace_report *report,
                           struct workload_info *out)
{
    *out = (struct workload_info){0};
    uint32_t *order = workload_time_order(w);
    if (w->name)
        out->name = mem_copy_string(w->name);
    if (report) {
        out->report = *report;
        if (report->format)
            out->format = mem_copy_string(report->format);
    }
    count_requests(w, out);
    measure_times(w, order, out);
    info_summarise(w->input_tokens, w->count, &out->input_tokens);
    info_summarise(w->output_tokens, w->count, &out->output_tokens);
    count_sessions(w, out);
    count_prefix_hits(w, order, out);
    sum_usage(w, out);
    take_sums(w, out);
    free(order);
}

void workload_info_free(struct workload_info *info)
{
    free(info->name);
    free(info->format);
    *info = (struct workload_info){0};
}
