/* Burstiness over time and fitted distributions. */
#include "workloads/describe/info_detail.h"

#include "core/memory.h"
#include "core/stats/moments.h"

#include <math.h>
#include <stdlib.h>

#define FIT_SAMPLE ((size_t)100000)
#define MOST_WINDOWS ((int64_t)10000000)
#define LEAST_WINDOWS 10

/* The timestamps in time order, from 0; the caller frees them. */
static int64_t *sorted_times(const struct workload *w, const uint32_t *order, size_t *count)
{
    int64_t *times = mem_alloc(w->count * sizeof *times);
    *count = 0;
    for (size_t i = 0; i < w->count && w->timestamp_ns[order[i]] != TIME_NEVER; i++)
        times[(*count)++] = w->timestamp_ns[order[i]] - w->timestamp_ns[order[0]];
    return times;
}

static double population_cv(const struct moments *m)
{
    double n = (double)m->count;
    return m->count ? moments_cv(m) * sqrt((n - 1) / n) : NAN;
}

static void fill_windows(const int64_t *times, size_t count, struct workload_info *info)
{
    struct workload_detail *d = &info->detail;
    size_t at = 0;
    double length_s = (double)info->duration_ns / 1e9 / INFO_WINDOWS;
    d->window_count = INFO_WINDOWS;
    for (int k = 0; k < INFO_WINDOWS; k++) {
        struct moments gaps = {0};
        /* The last request stands at the very end and belongs to the last window. */
        int64_t end =
            k == INFO_WINDOWS - 1 ? INT64_MAX : info->duration_ns / INFO_WINDOWS * (k + 1);
        size_t first = at;
        for (; at < count && times[at] < end; at++)
            if (at + 1 < count)
                moments_add(&gaps, times[at + 1] - times[at], 1);
        d->windows[k] = (struct info_window){
            .start_s = length_s * k,
            .requests = at - first,
            .rate_rps = (double)(at - first) / length_s,
            .interarrival_cv = population_cv(&gaps),
        };
    }
}

/* Counts in whole windows; what is behind the last whole one is left out. */
static void measure_dispersion(const int64_t *times, size_t count, int64_t window_ns,
                               struct workload_info *info)
{
    int64_t windows = info->duration_ns / window_ns;
    if (windows < LEAST_WINDOWS || windows > MOST_WINDOWS)
        return;
    uint32_t *counts = mem_zero((size_t)windows, sizeof *counts);
    struct moments m = {0};
    for (size_t i = 0; i < count; i++)
        if (times[i] / window_ns < windows)
            counts[times[i] / window_ns]++;
    for (int64_t i = 0; i < windows; i++)
        moments_add(&m, counts[i], 1);
    free(counts);
    double mean = moments_mean(&m), cv = population_cv(&m);
    info->detail.dispersion[info->detail.dispersion_count++] =
        (struct info_dispersion){window_ns, cv * cv * mean, (double)m.max / mean};
}

static void find_fit(double *values, size_t count, double resolution, struct info_fit *out)
{
    struct error ignored = {0};
    out->known = count > 1 && fit_best(values, count, resolution, NULL, &out->fit, &ignored) == 0 &&
                 isfinite(out->fit.distance);
}

static void fit_lengths(const uint32_t *lengths, size_t count, struct info_fit *out)
{
    size_t step = (count + FIT_SAMPLE - 1) / FIT_SAMPLE, taken = 0;
    double *values = mem_alloc((count / (step ? step : 1) + 1) * sizeof *values);
    for (size_t i = 0; i < count; i += step)
        values[taken++] = lengths[i];
    find_fit(values, taken, 1, out);
    free(values);
}

/* Gaps in seconds. Equal times are common where the clock is coarse: gaps of whole milliseconds are
 * fitted as rounded. */
static void fit_gaps(const int64_t *times, size_t count, struct info_fit *out)
{
    if (count < 2)
        return;
    size_t gaps = count - 1, step = (gaps + FIT_SAMPLE - 1) / FIT_SAMPLE, taken = 0;
    double *values = mem_alloc((gaps / step + 1) * sizeof *values);
    int64_t unit = NS_PER_S;
    for (size_t i = 0; i < gaps; i += step) {
        int64_t gap = times[i + 1] - times[i];
        while (unit > 1 && gap % unit != 0)
            unit /= 10;
        values[taken++] = (double)gap / 1e9;
    }
    find_fit(values, taken, unit >= NS_PER_MS ? (double)unit / 1e9 : 0, out);
    free(values);
}

void workload_info_add_detail(const struct workload *w, struct workload_info *info)
{
    static const int64_t windows_s[] = {1, 10, 60, 600, 3600, 86400};
    size_t count;
    uint32_t *order = workload_time_order(w);
    int64_t *times = sorted_times(w, order, &count);
    info->has_detail = true;
    info->detail = (struct workload_detail){0};
    if (info->has_duration) {
        fill_windows(times, count, info);
        for (size_t i = 0; i < INFO_DISPERSIONS; i++)
            measure_dispersion(times, count, windows_s[i] * NS_PER_S, info);
        fit_gaps(times, count, &info->detail.interarrival_s);
    }
    fit_lengths(w->input_tokens, w->count, &info->detail.input);
    fit_lengths(w->output_tokens, w->count, &info->detail.output);
    if (info->block_size > 0)
        info_measure_reuse(w, order, &info->detail);
    free(times);
    free(order);
}
