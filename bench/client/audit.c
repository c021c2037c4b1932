#include "bench/client/audit.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void audit_sent(struct audit *a, int64_t lag_ns)
{
    histogram_add(&a->lag, lag_ns, 1);
    if (lag_ns > a->lag_max_ns)
        a->lag_max_ns = lag_ns;
}

void audit_first_token(struct audit *a, int64_t ttft_ns)
{
    histogram_add(&a->ttft, ttft_ns, 1);
}

void audit_stall(struct audit *a, int64_t stall_ns)
{
    if (stall_ns > a->stall_max_ns)
        a->stall_max_ns = stall_ns;
}

void audit_tick(struct audit *a, int64_t now_ns, bool last)
{
    if (a->window_wall_ns != 0 && now_ns - a->window_wall_ns < NS_PER_S && !last)
        return;
    int64_t cpu_ns = clock_thread_cpu_ns(), wall_ns = now_ns - a->window_wall_ns;
    if (a->window_wall_ns == 0) {
        a->started_ns = now_ns;
        a->started_cpu_ns = cpu_ns;
    } else if (wall_ns >= NS_PER_S) { /* a shorter rest says little */
        double share = (double)(cpu_ns - a->window_cpu_ns) / (double)wall_ns;
        if (share > a->cpu_peak)
            a->cpu_peak = share;
    }
    a->window_wall_ns = now_ns;
    a->window_cpu_ns = cpu_ns;
    if (last) {
        a->cpu_ns = cpu_ns - a->started_cpu_ns;
        a->wall_ns = now_ns - a->started_ns;
    }
}

void audit_merge(struct audit *into, const struct audit *from)
{
    histogram_merge(&into->lag, &from->lag);
    histogram_merge(&into->ttft, &from->ttft);
    if (from->lag_max_ns > into->lag_max_ns)
        into->lag_max_ns = from->lag_max_ns;
    audit_stall(into, from->stall_max_ns);
    if (from->cpu_peak > into->cpu_peak)
        into->cpu_peak = from->cpu_peak;
    into->cpu_ns += from->cpu_ns;
    if (from->wall_ns > into->wall_ns)
        into->wall_ns = from->wall_ns;
    fidelity_counts_add(&into->counts, &from->counts);
    usage_key_names_merge(&into->unknown_usage_keys, &from->unknown_usage_keys);
    if (into->workers < FIDELITY_WORKERS && from->wall_ns > 0)
        into->cpu_of[into->workers] = (double)from->cpu_ns / (double)from->wall_ns;
    into->workers++;
}

void audit_free(struct audit *a)
{
    histogram_free(&a->lag);
    histogram_free(&a->ttft);
}

/* ---- the machine ---- */

static void read_stat(struct machine_time *out)
{
    FILE *file = mem_given(fopen("/proc/stat", "re"));
    unsigned long long v[8] = {0};
    if (!file)
        return;
    if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3],
               &v[4], &v[5], &v[6], &v[7]) == 8) {
        double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
        for (int i = 0; i < 8; i++)
            out->total_s += (double)v[i] * tick;
        out->steal_s = (double)v[7] * tick;
    }
    fclose(file);
}

/* Control groups v2: throttled_usec in cpu.stat of our own group. */
static void read_throttling(struct machine_time *out)
{
    char line[512], path[600];
    FILE *file = mem_given(fopen("/proc/self/cgroup", "re"));
    if (!file)
        return;
    bool found = false;
    while (!found && fgets(line, sizeof line, file)) {
        if (strncmp(line, "0::", 3) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.stat", line + 3);
        found = true;
    }
    fclose(file);
    file = found ? mem_given(fopen(path, "re")) : NULL;
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        unsigned long long us;
        if (sscanf(line, "throttled_usec %llu", &us) == 1)
            out->throttled_s = (double)us / 1e6;
    }
    fclose(file);
}

void machine_time_read(struct machine_time *out)
{
    *out = (struct machine_time){0};
    read_stat(out);
    read_throttling(out);
}

/* ---- the verdict ---- */

static double ms(double ns)
{
    return ns / 1e6;
}

/* Whether the p99 is above the limit, and not by one or two requests: of 40 it is the longest. */
static bool lags_behind(const struct audit *a, const struct fidelity *v)
{
    double last = (double)a->lag.count - 1;
    double third_longest = last > 2 ? 1 - 2 / last : 0;
    double p = fmin(0.99, third_longest);
    return a->lag.count && ms(histogram_quantile(&a->lag, p)) > v->lag_limit_ms;
}

static void judge(const struct audit *a, struct fidelity *v)
{
    bool lags = lags_behind(a, v);
    bool busy =
        a->cpu_peak > AUDIT_MAX_CPU || (a->wall_ns >= NS_PER_S && v->cpu_mean > AUDIT_MAX_CPU);
    bool stalls = a->stall_max_ns > AUDIT_MAX_STALL_NS;
    v->client_limited = lags || busy || stalls || a->counts.client_failures;
    if (a->counts.client_failures)
        snprintf(v->reason, sizeof v->reason,
                 "%llu attempts failed for want of open files or ports: raise ulimit -n, or take "
                 "--max-in-flight",
                 (unsigned long long)a->counts.client_failures);
    else if (busy)
        snprintf(v->reason, sizeof v->reason,
                 "a worker's CPU was at %.0f%% over a second: lower the load or add --workers",
                 v->cpu_peak * 100);
    else if (lags)
        snprintf(v->reason, sizeof v->reason,
                 "send lag p99 is %s ms: lower the load, add --workers, or read the scheduled "
                 "latencies only",
                 TEXT_SHORT(v->lag_p99_ms, 3));
    else if (stalls)
        snprintf(v->reason, sizeof v->reason,
                 "the client stood still for %s ms: something else took its CPU; free a core "
                 "for it",
                 TEXT_SHORT(v->stall_max_ms, 3));
}

void audit_finish(const struct audit *a, const struct machine_time *before,
                  const struct machine_time *after, struct fidelity *out)
{
    out->kind = FIDELITY_CLIENT;
    out->known = true;
    out->counts = a->counts;
    out->unknown_usage_keys = a->unknown_usage_keys;
    if (a->lag.count) {
        out->lag_p50_ms = ms(histogram_quantile(&a->lag, 0.5));
        out->lag_p99_ms = ms(histogram_quantile(&a->lag, 0.99));
    }
    out->lag_max_ms = ms((double)a->lag_max_ns);
    out->stall_max_ms = ms((double)a->stall_max_ns);
    double limit_ns = a->ttft.count ? 0.02 * histogram_quantile(&a->ttft, 0.5) : 0;
    out->lag_limit_ms = ms(fmax(limit_ns, (double)AUDIT_MIN_LAG_NS));
    out->workers = a->workers;
    memcpy(out->cpu_of, a->cpu_of, sizeof out->cpu_of);
    out->cpu_peak = a->cpu_peak;
    if (a->wall_ns > 0 && a->workers)
        out->cpu_mean = (double)a->cpu_ns / (double)a->wall_ns / a->workers;
    if (out->cpu_mean > out->cpu_peak) /* a run of less than a second has no other figure */
        out->cpu_peak = out->cpu_mean;
    if (after->total_s > before->total_s)
        out->steal = (after->steal_s - before->steal_s) / (after->total_s - before->total_s);
    out->throttled_s = after->throttled_s - before->throttled_s;
    judge(a, out);
}
