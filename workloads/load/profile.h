/* Load over time: a rate or a concurrency that is held, ramped or stepped.
 *
 *     struct profile p;
 *     profile_parse("10:30s,10-50:60s,+200,50:30s", &p, err);   // hold, ramp, burst, hold
 *     double rate = profile_value(&p, t_ns);
 *     int64_t at = profile_when_sum(&p, 12.5);             // when 12.5 requests are due
 *     profile_free(&p);
 *
 * A stage goes linearly from one value to another. A burst takes no time: so many requests at one
 * instant, on top of the rate. A profile with an end is over after its last stage; "33" alone is
 * held for ever. The profile owns its stages.
 */
#ifndef FAREBOX_WORKLOADS_LOAD_PROFILE_H
#define FAREBOX_WORKLOADS_LOAD_PROFILE_H

#include "core/clock.h"
#include "core/error.h"
#include "workloads/load/arrival_process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile_stage {
    double from, to;             /* per second, or a count of slots */
    int64_t start_ns, length_ns; /* TIME_NEVER: for ever */
    double sum_before;           /* the integral over the earlier stages, in value × seconds */
    uint64_t burst; /* requests at start_ns; the stage has no length then. 0 = no burst */
};

struct profile {
    struct profile_stage *stages;
    size_t count;
};

/* Instants of arrivals, one after the other and never backwards: the process's own, and exactly as
 * many as a burst says at its instant. A zeroed struct has none. */
struct load_arrivals {
    struct profile load; /* in arrivals per second; owned */
    enum arrival_process process;
    double shape;
    struct random random;
    double sum;        /* expected arrivals by the last one drawn */
    bool begun, drawn; /* drawn: it is still to be handed out */
    size_t stage;      /* the first whose burst has not come */
    uint64_t burst_left;
    int64_t burst_ns;
};

/* From a load in requests per second, where `requests` follow from an arrival on average: each
 * stage's rate is divided by it. Bursts stay: so many requests at one instant are so many arrivals.
 * The arrivals must not be moved. */
void load_arrivals_begin(struct load_arrivals *p, const struct profile *load, double requests,
                         enum arrival_process process, double shape, uint64_t seed);
void load_arrivals_free(struct load_arrivals *p);

/* TIME_NEVER once there is no further arrival. */
int64_t load_arrivals_next(struct load_arrivals *p);

/* "VALUE", or stages "VALUE:LENGTH", "FROM-TO:LENGTH" and "+REQUESTS" with commas between; lengths
 * as clock_parse_duration() reads them, 300,000,000 s in all. ERR_INPUT says what is wrong. */
int profile_parse(const char *text, struct profile *out, struct error *err);

bool profile_has_burst(const struct profile *p);

void profile_hold(struct profile *p, double value);
void profile_free(struct profile *p);

/* End of the last stage, which a burst there still belongs to; TIME_NEVER for a profile without
 * end. */
int64_t profile_end_ns(const struct profile *p);

/* The value at an instant; 0 after the end. */
double profile_value(const struct profile *p, int64_t at_ns);

/* The integral from 0 to an instant (value × seconds), and the bursts up to it. */
double profile_sum(const struct profile *p, int64_t at_ns);

/* The instant at which the integral from 0 (value × seconds) reaches `sum`; TIME_NEVER if it never
 * does. */
int64_t profile_when_sum(const struct profile *p, double sum);

/* The first instant from `from_ns` on at which the value is at least `level`; or TIME_NEVER. */
int64_t profile_when_level(const struct profile *p, int64_t from_ns, double level);

#endif
