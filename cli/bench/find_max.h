/* The highest rate that holds on a live endpoint, in few probes: the goodput meets its target and
 * no queue grows (core/runs/compare/sustained.h).
 *
 *     struct find_max f = {.sweep = &s, .start_rps = 4, .requests = 600, .max_requests = 20000};
 *     if (find_max_run(&f, err) < 0) return err->code;
 *
 * `sweep` lends the directory, the objectives and the function that runs a point. From the start
 * the rate is quadrupled (or lowered) until one holds and one does not, then halved between them on
 * a logarithmic scale until they lie within 4 %, in at most twelve probes. What an overloaded
 * endpoint completed per second is the first guess below it. Every probe sees the same arrivals,
 * only closer together. The answer is the highest rate that was measured to hold; a run that was
 * too short to tell does not count, and neither does one in which the client was the limit: that is
 * made once more, and if it is limited again, the search goes on below it. What is found under such
 * a limit is a lower bound and is called one (rate_is: measured, at_least, unknown).
 */
#ifndef FAREBOX_CLI_BENCH_FIND_MAX_H
#define FAREBOX_CLI_BENCH_FIND_MAX_H

#include "cli/bench/sweep.h"

#define FIND_MAX_PROBES 12
#define FIND_MAX_LEAST 50 /* requests of a probe: fewer tell nothing about 99 % */

struct find_max {
    const struct sweep *sweep;
    double start_rps;
    uint64_t requests;     /* of one probe */
    uint64_t max_requests; /* of all probes; 0 = no limit */
};

/* ERR_WORK where no rate held; the probes made are shown in every case. */
int find_max_run(const struct find_max *f, struct error *err);

#endif
