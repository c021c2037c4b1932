/* Lengths: distributions of token counts, turn counts, document counts and waiting times.
 *
 * A length is written in a scenario as a number (constant) or as an object:
 *
 *     "input": {"distribution": "lognormal", "median": 450, "sigma": 1.1, "max": 16000}
 *
 *     struct length input;
 *     if (length_parse(&scan, &input)) {                  // errors stick in the scanner
 *         uint32_t tokens = length_draw_count(&input, &random, 1);
 *         length_free(&input);
 *     }
 *
 * Values outside `min` … `max` are moved to the bound. length_draw() gives the value before any
 * rounding; length_draw_count() the whole number next to it. The struct owns its tables.
 */
#ifndef FAREBOX_WORKLOADS_SCENARIO_LENGTH_H
#define FAREBOX_WORKLOADS_SCENARIO_LENGTH_H

#include "core/json/json_fields.h"
#include "core/random.h"

enum length_kind {
    LENGTH_CONSTANT,    /* a = the value */
    LENGTH_UNIFORM,     /* a … b, both included where a count is drawn */
    LENGTH_NORMAL,      /* a = mean, b = standard deviation */
    LENGTH_LOGNORMAL,   /* a = mean of the logarithm, b = its standard deviation (sigma) */
    LENGTH_EXPONENTIAL, /* a = mean */
    LENGTH_GAMMA,       /* a = shape, b = scale; values = ln of unit-scale quantiles by score */
    LENGTH_PARETO,      /* a = alpha, b = scale (the least value) */
    LENGTH_ZIPF,        /* 1 … count, P(k) ∝ k^-a; table = cumulated probabilities */
    LENGTH_EMPIRICAL,   /* quantiles: probability at[i] ↔ values[i], straight between */
    LENGTH_VALUES,      /* values[i] with cumulated probability at[i] */
};

struct length {
    enum length_kind kind;
    double a, b;
    double min, max;
    double *at, *values; /* owned; see the kinds */
    size_t count;
};

#define LENGTH_TABLE_MAX 1000000

/* A constant, and a uniform, for defaults. */
struct length length_constant(double value);

/* Quantile table of `count` (≥ 2) pairs, copied; `at` rises from 0 to 1, `values` never falls. */
struct length length_from_quantiles(const double *at, const double *values, size_t count);

/* Distinct values with weights (> 0 in sum), copied. */
struct length length_from_weights(const double *values, const double *weights, size_t count);

/* Gamma lengths of a shape and scale (both above 0). */
struct length length_gamma(double shape, double scale);

/* Takes a number or an object from the scanner. False after an error, which sticks there. */
bool length_parse(struct json_scan *s, struct length *out);

/* The JSON that length_parse() reads back as the same length. */
void length_write(const struct length *l, struct json_writer *w);

/* The same for a row of a table (core/json/json_fields.h) whose member is a length; what was in it
 * is freed. Where the row has a `max`, values and the middle of a distribution lie within `min` and
 * `max`, or that is an error. */
void length_read_field(struct json_scan *s, const struct json_field *f, void *member);
void length_write_field(struct json_writer *w, const struct json_field *f, const void *member);
extern const struct json_table length_table; /* the keys of its object */

void length_free(struct length *l);

/* One value, before rounding. */
double length_draw(const struct length *l, struct random *r);

/* One whole number, at least `least` and at most WORKLOAD_MAX_TOKENS. */
uint32_t length_draw_count(const struct length *l, struct random *r, uint32_t least);

/* E[1 + q + … + q^(N−1)] of N = length_draw_count(least), at most `most`; with q = 1 the mean
 * count, with q < 1 the mean of what each next one of is reached with probability q. From the
 * distribution: nothing is drawn. */
double length_count_sum(const struct length *l, uint32_t least, uint32_t most, double q);

/* The value whose standard normal score is z: the marginal of a Gaussian copula. */
double length_at_score(const struct length *l, double z);

/* The quantile function on (0, 1), before the bounds apply. */
double length_quantile(const struct length *l, double p);

#endif
