/* The audit of a run's client: was it itself the limit? Each worker measures itself; merged, their
 * figures become the run's fidelity.
 *
 *     struct audit a = {0};                          // one per worker, merged after join
 *     audit_sent(&a, lag_ns);                        // sent - ready, first attempts and retries
 *     audit_stall(&a, late_ns);                      // how long the loop could not serve
 *     audit_tick(&a, now_ns, false);                 // each time round the loop
 *     audit_merge(&total, &a);
 *     audit_finish(&total, &before, &after, &report->fidelity);
 *
 * Client-limited: send lag p99 > max(1 ms, 2% of the median TTFT) of three requests at least, or a
 * worker's CPU share above 85% over a second, or a stall above 20 ms, or requests for which this
 * machine had no open files or ports left.
 */
#ifndef FAREBOX_BENCH_CLIENT_AUDIT_H
#define FAREBOX_BENCH_CLIENT_AUDIT_H

#include "core/runs/summary/fidelity.h"
#include "core/stats/histogram.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_MAX_CPU 0.85
#define AUDIT_MAX_STALL_NS (20 * INT64_C(1000000))
#define AUDIT_MIN_LAG_NS INT64_C(1000000)

struct audit {
    struct histogram lag, ttft;
    int64_t lag_max_ns, stall_max_ns;
    double cpu_peak;                 /* largest share of a worker over a second */
    int64_t cpu_ns;                  /* of all workers */
    int64_t wall_ns;                 /* of one worker's loop; the longest after merging */
    uint32_t workers;                /* that were merged */
    double cpu_of[FIDELITY_WORKERS]; /* by worker, over its run; after merging */
    struct fidelity_counts counts;
    struct usage_key_names unknown_usage_keys;
    int64_t window_wall_ns, window_cpu_ns; /* start of the current second; 0 = none */
    int64_t started_ns, started_cpu_ns;
};

/* What the machine took away meanwhile. */
struct machine_time {
    double total_s, steal_s; /* CPU seconds of all cores since boot */
    double throttled_s;      /* of this control group; 0 where unknown */
};

void audit_sent(struct audit *a, int64_t lag_ns);
void audit_first_token(struct audit *a, int64_t ttft_ns);

/* How long the loop could not serve: a timer that came late, or one round that took so long. */
void audit_stall(struct audit *a, int64_t stall_ns);

/* To be called at the loop's start, at least every few milliseconds (it is cheap) and at its end:
 * takes the thread's CPU time once a second. */
void audit_tick(struct audit *a, int64_t now_ns, bool last);

void audit_merge(struct audit *into, const struct audit *from);
void audit_free(struct audit *a);

/* Reads /proc/stat and the control group's cpu.stat; what cannot be read stays 0. */
void machine_time_read(struct machine_time *out);

/* Fills the verdict and what it rests on; the rest of *out stays. */
void audit_finish(const struct audit *a, const struct machine_time *before,
                  const struct machine_time *after, struct fidelity *out);

#endif
