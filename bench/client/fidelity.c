#include "bench/client/fidelity.h"

#include "core/clock.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void fidelity_sent(struct fidelity *f, int64_t lag_ns)
{
    histogram_add(&f->lag, lag_ns, 1);
    if (lag_ns > f->lag_max_ns)
        f->lag_max_ns = lag_ns;
    f->sent++;
}

void fidelity_first_token(struct fidelity *f, int64_t ttft_ns)
{
    histogram_add(&f->ttft, ttft_ns, 1);
}

void fidelity_stall(struct fidelity *f, int64_t stall_ns)
{
    if (stall_ns > f->stall_max_ns)
        f->stall_max_ns = stall_ns;
}

void fidelity_tick(struct fidelity *f, int64_t now_ns, bool last)
{
    if (f->window_wall_ns != 0 && now_ns - f->window_wall_ns < NS_PER_S && !last)
        return;
    int64_t cpu_ns = clock_thread_cpu_ns(), wall_ns = now_ns - f->window_wall_ns;
    if (f->window_wall_ns == 0) {
        f->started_ns = now_ns;
        f->started_cpu_ns = cpu_ns;
    } else if (wall_ns >= NS_PER_S) { /* a shorter rest says little */
        double share = (double)(cpu_ns - f->window_cpu_ns) / (double)wall_ns;
        if (share > f->cpu_peak)
            f->cpu_peak = share;
    }
    f->window_wall_ns = now_ns;
    f->window_cpu_ns = cpu_ns;
    if (last) {
        f->cpu_ns = cpu_ns - f->started_cpu_ns;
        f->wall_ns = now_ns - f->started_ns;
    }
}

void fidelity_merge(struct fidelity *into, const struct fidelity *from)
{
    histogram_merge(&into->lag, &from->lag);
    histogram_merge(&into->ttft, &from->ttft);
    if (from->lag_max_ns > into->lag_max_ns)
        into->lag_max_ns = from->lag_max_ns;
    fidelity_stall(into, from->stall_max_ns);
    if (from->cpu_peak > into->cpu_peak)
        into->cpu_peak = from->cpu_peak;
    into->cpu_ns += from->cpu_ns;
    if (from->wall_ns > into->wall_ns)
        into->wall_ns = from->wall_ns;
    into->sent += from->sent;
    into->connects += from->connects;
    into->reuses += from->reuses;
    into->hidden_resends += from->hidden_resends;
    into->slow_reads += from->slow_reads;
    into->client_failures += from->client_failures;
    into->stale_connections += from->stale_connections;
    into->left_open += from->left_open;
    into->http1_answers += from->http1_answers;
    into->http2_answers += from->http2_answers;
    into->shards += from->shards;
    if (into->workers < FIDELITY_WORKERS && from->wall_ns > 0)
        into->cpu_of[into->workers] = (double)from->cpu_ns / (double)from->wall_ns;
    into->workers++;
}

void fidelity_free(struct fidelity *f)
{
    histogram_free(&f->lag);
    histogram_free(&f->ttft);
}

/* ---- the machine ---- */

static void read_stat(struct machine_time *out)
{
    FILE *file = fopen("/proc/stat", "re");
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
    FILE *file = fopen("/proc/self/cgroup", "re");
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
    file = found ? fopen(path, "re") : NULL;
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

static void say_why(const struct fidelity *f, struct fidelity_verdict *v)
{
    bool lags = v->lag_p99_ms > v->lag_limit_ms;
    bool busy = f->cpu_peak > FIDELITY_MAX_CPU ||
                (f->wall_ns >= NS_PER_S && v->cpu_mean > FIDELITY_MAX_CPU);
    bool stalls = f->stall_max_ns > FIDELITY_MAX_STALL_NS;
    v->client_limited = lags || busy || stalls || f->client_failures;
    if (f->client_failures)
        snprintf(v->reason, sizeof v->reason,
                 "%llu attempts failed for want of open files or ports: raise ulimit -n, or take "
                 "--max-in-flight",
                 (unsigned long long)f->client_failures);
    else if (busy)
        snprintf(v->reason, sizeof v->reason,
                 "a worker's CPU was at %.0f%% over a second: lower the load or add --workers",
                 v->cpu_peak * 100);
    else if (lags)
        snprintf(v->reason, sizeof v->reason,
                 "send lag p99 is %.3g ms: lower the load, add --workers, or read the scheduled "
                 "latencies only",
                 v->lag_p99_ms);
    else if (stalls)
        snprintf(v->reason, sizeof v->reason,
                 "the client stood still for %.3g ms: something else took its CPU; free a core "
                 "for it",
                 v->stall_max_ms);
}

void fidelity_judge(const struct fidelity *f, const struct machine_time *before,
                    const struct machine_time *after, struct fidelity_verdict *out)
{
    *out = (struct fidelity_verdict){0};
    if (f->lag.count) {
        out->lag_p50_ms = ms(histogram_quantile(&f->lag, 0.5));
        out->lag_p99_ms = ms(histogram_quantile(&f->lag, 0.99));
    }
    out->lag_max_ms = ms((double)f->lag_max_ns);
    out->stall_max_ms = ms((double)f->stall_max_ns);
    double limit_ns = f->ttft.count ? 0.02 * histogram_quantile(&f->ttft, 0.5) : 0;
    out->lag_limit_ms = ms(fmax(limit_ns, (double)FIDELITY_MIN_LAG_NS));
    out->cpu_peak = f->cpu_peak;
    if (f->wall_ns > 0 && f->workers)
        out->cpu_mean = (double)f->cpu_ns / (double)f->wall_ns / f->workers;
    if (out->cpu_mean > out->cpu_peak) /* a run of less than a second has no other figure */
        out->cpu_peak = out->cpu_mean;
    if (after->total_s > before->total_s)
        out->steal = (after->steal_s - before->steal_s) / (after->total_s - before->total_s);
    out->throttled_s = after->throttled_s - before->throttled_s;
    say_why(f, out);
}

void fidelity_write(const struct fidelity *f, const struct fidelity_verdict *v,
                    struct json_writer *w)
{
    json_pair_bool(w, "client_limited", v->client_limited);
    json_pair_string(w, "reason", v->reason[0] ? v->reason : NULL);
    json_pair_statistic(w, "send_lag_p50_ms", v->lag_p50_ms);
    json_pair_statistic(w, "send_lag_p99_ms", v->lag_p99_ms);
    json_pair_statistic(w, "send_lag_max_ms", v->lag_max_ms);
    json_pair_statistic(w, "send_lag_limit_ms", v->lag_limit_ms);
    json_pair_statistic(w, "longest_stall_ms", v->stall_max_ms);
    json_pair_statistic(w, "cpu_peak", v->cpu_peak);
    json_pair_statistic(w, "cpu_mean", v->cpu_mean);
    json_pair_u64(w, "workers", f->workers);
    json_key(w, "cpu_by_worker");
    json_begin_array(w);
    for (uint32_t i = 0; i < f->workers && i < FIDELITY_WORKERS; i++)
        json_put_statistic(w, f->cpu_of[i]);
    json_end_array(w);
    json_pair_statistic(w, "observer_cpu", f->observer_cpu);
    json_pair_u64(w, "records_waiting_peak", f->records_waiting);
    json_pair_statistic(w, "steal", v->steal);
    json_pair_statistic(w, "throttled_s", v->throttled_s);
    json_pair_u64(w, "connects", f->connects);
    json_pair_u64(w, "reuses", f->reuses);
    json_pair_u64(w, "hidden_resends", f->hidden_resends);
    json_pair_u64(w, "stale_connections", f->stale_connections);
    json_pair_u64(w, "slow_reads", f->slow_reads);
    json_pair_u64(w, "client_failures", f->client_failures);
    json_pair_u64(w, "left_open", f->left_open);
    json_pair_u64(w, "http1_answers", f->http1_answers);
    json_pair_u64(w, "http2_answers", f->http2_answers);
}
