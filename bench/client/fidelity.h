/* Fidelity: was the client itself the limit? Every run is audited, and says so at its top.
 *
 *     struct fidelity f = {0};                       // one per worker, merged after join
 *     fidelity_sent(&f, lag_ns);                     // sent - ready, first attempts and retries
 *     fidelity_stall(&f, late_ns);                   // how long the loop could not serve
 *     fidelity_tick(&f, now_ns, false);              // each time round the loop
 *     fidelity_merge(&total, &f);
 *     struct fidelity_verdict v;
 *     fidelity_judge(&total, &v);
 *
 * Client-limited: send lag p99 > max(1 ms, 2% of the median TTFT), or a worker's CPU share above
 * 85% over a second, or a stall above 20 ms, or requests for which this machine had no open files
 * or ports left.
 */
#ifndef FAREBOX_BENCH_CLIENT_FIDELITY_H
#define FAREBOX_BENCH_CLIENT_FIDELITY_H

#include "core/json/json_write.h"
#include "core/stats/histogram.h"

#include <stdbool.h>
#include <stdint.h>

#define FIDELITY_MAX_CPU 0.85
#define FIDELITY_MAX_STALL_NS (20 * INT64_C(1000000))
#define FIDELITY_MIN_LAG_NS INT64_C(1000000)

#define FIDELITY_WORKERS 256

struct fidelity {
    struct histogram lag, ttft;
    int64_t lag_max_ns, stall_max_ns;
    double cpu_peak; /* largest share of a worker over a second */
    int64_t cpu_ns;  /* of all workers */
    int64_t wall_ns; /* of one worker's loop; the longest after merging */
    uint64_t sent, connects, reuses, hidden_resends, slow_reads;
    uint64_t client_failures;              /* attempts that this machine had no means for */
    uint64_t stale_connections;            /* kept ones that died under a request; sent again */
    uint64_t left_open;                    /* whole answers whose exchange we had to end */
    uint64_t http1_answers, http2_answers; /* attempts by the version of their answers */
    uint32_t workers, shards;
    double cpu_of[FIDELITY_WORKERS];       /* by worker, over its run; after merging */
    double observer_cpu;                   /* share of the thread that takes the records */
    uint64_t records_waiting;              /* for it, at most */
    int64_t window_wall_ns, window_cpu_ns; /* start of the current second; 0 = none */
    int64_t started_ns, started_cpu_ns;
};

/* What the machine took away meanwhile. */
struct machine_time {
    double total_s, steal_s; /* CPU seconds of all cores since boot */
    double throttled_s;      /* of this control group; 0 where unknown */
};

struct fidelity_verdict {
    double lag_p50_ms, lag_p99_ms, lag_max_ms, lag_limit_ms, stall_max_ms;
    double cpu_peak, cpu_mean; /* of one worker, 0 … 1 */
    double steal, throttled_s; /* share of the machine's time; seconds */
    bool client_limited;
    char reason[160]; /* what was the limit and which option helps; "" = nothing */
};

void fidelity_sent(struct fidelity *f, int64_t lag_ns);
void fidelity_first_token(struct fidelity *f, int64_t ttft_ns);

/* How long the loop could not serve: a timer that came late, or one round that took so long. */
void fidelity_stall(struct fidelity *f, int64_t stall_ns);

/* To be called at the loop's start, at least every few milliseconds (it is cheap) and at its end:
 * takes the thread's CPU time once a second. */
void fidelity_tick(struct fidelity *f, int64_t now_ns, bool last);

void fidelity_merge(struct fidelity *into, const struct fidelity *from);
void fidelity_free(struct fidelity *f);

/* Reads /proc/stat and the control group's cpu.stat; what cannot be read stays 0. */
void machine_time_read(struct machine_time *out);

void fidelity_judge(const struct fidelity *f, const struct machine_time *before,
                    const struct machine_time *after, struct fidelity_verdict *out);

/* The members of summary.json's `fidelity`, into an object that is open. */
void fidelity_write(const struct fidelity *f, const struct fidelity_verdict *v,
                    struct json_writer *w);

#endif
