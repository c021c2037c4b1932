/* Is `diff` calibrated? 200 pairs of simulated runs that differ in nothing but their seeds, and 200
 * in which the second engine is 5% slower, at three loads. With other requests on each side
 * ("apart") and with the same requests on a jittering engine ("paired"). At most 18 of 200 equal
 * pairs may show any finding among nine comparisons after Holm's correction. */
#include "core/memory.h"
#include "core/random.h"
#include "core/stats/compare.h"
#include "sim/simulate.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PAIRS 200
#define ALLOWED 18
#define MOST 5000
#define METRICS 3
#define FAMILY 9

struct run {
    double values[METRICS][MOST]; /* TTFT, TPOT, E2E from the schedule, ms, by row */
    size_t completed;
};

struct kind {
    size_t requests;
    double load, slower, jitter_cv;
    bool paired;
};

static bool take(void *context, const struct record *r)
{
    struct run *run = context;
    if (r->status != RECORD_COMPLETED)
        return true;
    run->values[0][r->row] = (double)(r->first_token_ns - r->scheduled_ns) / 1e6;
    run->values[1][r->row] =
        (double)(r->last_token_ns - r->first_token_ns) / 1e6 / (r->asked_output - 1);
    run->values[2][r->row] = (double)(r->last_token_ns - r->scheduled_ns) / 1e6;
    run->completed++;
    return true;
}

/* Poisson arrivals, lognormal lengths. Returns the seconds that the run took, < 0 on failure. */
static double simulate(const struct kind *kind, double rate_rps, double slower, uint64_t requests,
                       uint64_t seed, uint32_t concurrency, struct run *run)
{
    struct workload w;
    struct random r;
    struct error err = {0};
    struct simulate_options options;
    struct simulate_report report;
    const struct run_observer observer = {run, take};
    workload_init(&w);
    random_init(&r, requests, RANDOM_TEST, 0);
    double now_s = 0;
    for (size_t i = 0; i < kind->requests; i++) {
        now_s += gsl_ran_exponential(random_gsl(&r), 1 / rate_rps);
        double in = fmin(4000, gsl_ran_lognormal(random_gsl(&r), 5.5, 1));
        double out = fmin(1000, gsl_ran_lognormal(random_gsl(&r), 4.7, 0.8));
        workload_add_plain(&w, (int64_t)(now_s * 1e9), (uint32_t)in + 1, (uint32_t)out + 2);
    }
    simulate_options_init(&options);
    run->completed = 0;
    int status = engine_config_load("rtx4090-llama-3.1-8b-tp1", &options.engine, &err);
    options.engine.steps.k *= slower;
    options.engine.jitter_cv = kind->jitter_cv;
    options.seed = seed;
    options.no_chunks = true;
    if (concurrency) {
        options.schedule.mode = SCHEDULE_CLOSED;
        profile_hold(&options.schedule.load, concurrency);
    }
    if (status == 0)
        status = simulate_run(&w, &options, &observer, &report, &err);
    profile_free(&options.schedule.load);
    workload_free(&w);
    if (status < 0 || run->completed != kind->requests) {
        printf("%s\n", status < 0 ? err.message : "a request did not complete");
        return -1;
    }
    return (double)report.duration_ns / 1e9;
}

static void compare(const struct kind *kind, struct run runs[2], struct comparison family[FAMILY])
{
    static const double what[] = {COMPARE_MEAN, 0.5, 0.99};
    for (size_t m = 0; m < METRICS; m++)
        compare_samples(runs[0].values[m], kind->requests, runs[1].values[m], kind->requests,
                        kind->paired, what, 3, family + 3 * m);
    compare_adjust(family, FAMILY);
}

/* One line of the table; false if a run failed or too many equal pairs differ. */
static bool judge(const struct kind *kind, double capacity_rps, struct run runs[2])
{
    int any = 0, mean = 0, p50 = 0;
    for (uint64_t pair = 0; pair < PAIRS; pair++) {
        struct comparison family[FAMILY];
        for (uint64_t side = 0; side < 2; side++) {
            uint64_t requests = kind->paired ? pair : pair * 2 + side;
            double slower = side == 1 ? kind->slower : 1;
            if (simulate(kind, capacity_rps * kind->load, slower, requests, pair * 2 + side, 0,
                         &runs[side]) < 0)
                return false;
        }
        compare(kind, runs, family);
        bool found = false;
        for (size_t i = 0; i < FAMILY; i++)
            found = found || family[i].p_adjusted < 0.05;
        any += found;
        mean += family[6].p_adjusted < 0.05;
        p50 += family[7].p_adjusted < 0.05;
    }
    bool equal = kind->slower == 1;
    printf("%-7s %-10s %4.0f%% %8zu %8d %10d %9d%s\n", kind->paired ? "paired" : "apart",
           equal ? "equal" : "5% slower", kind->load * 100, kind->requests, any, mean, p50,
           equal && any > ALLOWED ? "  too many" : "");
    fflush(stdout);
    return !equal || any <= ALLOWED;
}

int main(void)
{
    static const double loads[] = {0.5, 0.8, 0.9};
    static const size_t sizes[] = {200, 1000, 5000};
    bool good = true;
    gsl_set_error_handler_off();
    struct run *runs = mem_zero(2, sizeof *runs);
    struct kind full = {.requests = 3000};
    double seconds = simulate(&full, 1, 1, 999, 1, 200, &runs[0]);
    if (seconds < 0)
        return EXIT_FAILURE;
    printf("findings of %d pairs       load requests      any   E2E mean   E2E p50\n", PAIRS);
    for (int paired = 0; paired < 2; paired++) {
        for (size_t a = 0; a < 3; a++) {
            for (size_t b = 0; b < 3; b++) {
                struct kind kind = {sizes[b], loads[a], 1, paired ? 0.05 : 0, paired};
                good = judge(&kind, 3000 / seconds, runs) && good;
            }
            struct kind slower = {MOST, loads[a], 1.05, paired ? 0.05 : 0, paired};
            good = judge(&slower, 3000 / seconds, runs) && good;
        }
    }
    free(runs);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
