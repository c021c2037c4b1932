/* A month (or a day) made of a sample: the workload's sessions again and again at the rate asked.
 *
 *     struct extrapolation e = {.requests = 20000, .horizon_ns = 30 * 86400 * NS_PER_S};
 *     if (extrapolate(&e, &rows, &month, err) < 0) ...
 *
 * Sessions come in the file's order and from the start again when all are used, S = requests over
 * requests per session, rounded, in all. Session j starts where the profile reaches (j + ½) / S:
 * the sample's own hours of the week where it spans a week and more, even otherwise. Times inside a
 * session are kept; a row without a session is one of its own. What waits for others is due when it
 * was in the sample, and prefix blocks and texts are left out: nothing that a plan prices is lost.
 */
#ifndef FAREBOX_SIM_COST_BILL_EXTRAPOLATE_H
#define FAREBOX_SIM_COST_BILL_EXTRAPOLATE_H

#include "sim/cost/bill/serve.h"

struct extrapolation {
    uint64_t requests; /* in the horizon, about: whole sessions are placed */
    int64_t horizon_ns;
    int64_t start_unix_ns; /* wall clock of the sample's instant 0, for the hours of the week */
    uint64_t sessions;     /* out: placed */
    bool by_hour;          /* out: the sample's hours of the week were followed, else even */
};

/* Larger ones are scaled from this many. */
#define EXTRAPOLATE_MOST ((uint64_t)500000)

/* out: a workload of its own that the caller frees. ERR_INPUT: a sample without rows. */
int extrapolate(struct extrapolation *e, const struct serve_rows *sample, struct workload *out,
                struct error *err);

#endif
