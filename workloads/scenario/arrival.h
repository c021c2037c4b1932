/* Arrivals: when sessions (or single requests) begin.
 *
 * A process gives the gaps at a rate of one per unit of time: constant, Poisson, Gamma or Weibull.
 * A rate curve λ(t) then stretches that time: an arrival of the unit process at u happens at the t
 * with ∫₀ᵗ λ = u. For Poisson this is the same process that thinning gives; for the others it
 * keeps their burstiness at every rate, which thinning would wash out.
 *
 *     λ(t) = (rate_rps or the stages) · diurnal(t) · weekly(t) · on_off(t)
 *
 * The factors have a long-run mean of 1, so that rate_rps stays the mean rate.
 *
 *     struct arrival_stream s;
 *     arrival_start(&s, &scenario_arrival, 1.0, seed, source_number);
 *     double at_s;
 *     while (arrival_next(&s, &at_s)) ...
 *
 * The stream borrows the law; the law owns its stages.
 */
#ifndef FAREBOX_WORKLOADS_SCENARIO_ARRIVAL_H
#define FAREBOX_WORKLOADS_SCENARIO_ARRIVAL_H

#include "core/json/json_fields.h"
#include "workloads/load/arrival_process.h"

#include <stdbool.h>

/* Of every time in a scenario, and in a ServeGen data set. */
#define SCENARIO_MOST_SECONDS 1e9

/* A piece of the rate curve: a straight line from from_rps to to_rps, with its own process. */
struct arrival_stage {
    double duration_s, from_rps, to_rps;
    enum arrival_process process;
    double shape;
};

struct arrival {
    enum arrival_process process;
    double shape;    /* of Gamma (1/CV², vLLM's burstiness) or Weibull gaps */
    double rate_rps; /* mean arrivals per second; unused with stages */

    struct arrival_stage *stages; /* owned; NULL = rate_rps for ever */
    size_t stage_count;
    bool repeat; /* begin again after the last stage; else the arrivals end */

    double amplitude, peak_hour; /* 1 + amplitude·cos(2π(hour − peak_hour)/24); 0 = none */
    double day_factor[7];        /* Monday first; all 1 = none */
    double start_hour;           /* hours since Monday 00:00 at time 0 */
    double on_s, off_s;          /* mean lengths of the on and off phases; 0 = none */
    double off_factor;           /* the off phase's rate over the on phase's */
    bool fixed_phases;           /* phases last exactly on_s, off_s; else exponential times */
};

/* Poisson arrivals at a rate. */
struct arrival arrival_poisson(double rate_rps);
void arrival_free(struct arrival *a);

/* Takes an object from the scanner. False after an error, which sticks there. */
bool arrival_parse(struct json_scan *s, struct arrival *out);

/* Rows of tables (core/json/json_fields.h) whose member are arrivals; what was in it is freed.
 * What is written reads back as the same arrivals. */
void arrival_read_field(struct json_scan *s, const struct json_field *f, void *member);
void arrival_write_field(struct json_writer *w, const struct json_field *f, const void *member);
extern const struct json_table arrival_table; /* the keys of its object */

/* The shape of Gamma or Weibull gaps that have this coefficient of variation (0.05 … 20). */
double arrival_shape_for_cv(enum arrival_process process, double cv);

/* Mean rate: rate_rps, or the mean over all stages. */
double arrival_mean_rps(const struct arrival *a);

struct arrival_stream {
    const struct arrival *law;
    double factor; /* multiplies every rate */
    /* Set after arrival_start(): begins as if the process had gone on for ever, so that the
     * expected number of arrivals by any time is the curve's integral. Else with a whole gap. */
    bool stationary;
    struct random gaps, phases;
    bool begun, plain; /* plain: the rate never changes */
    double at_s;       /* the last arrival */
    double piece_start_s, piece_end_s, piece_from_rps, piece_to_rps;
    size_t stage;
    double stage_start_s;
    bool on;
    double phase_end_s;
};

/* Streams of different keys are independent. The stream must not be moved once started. */
void arrival_start(struct arrival_stream *s, const struct arrival *law, double factor,
                   uint64_t seed, uint64_t key);

/* The next arrival, in seconds from the start; false when the stages are over. */
bool arrival_next(struct arrival_stream *s, double *at_s);

#endif
