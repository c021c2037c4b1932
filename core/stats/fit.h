/* Which distribution is this sample like? Maximum-likelihood fits and a choice among them.
 *
 *     struct fit best;
 *     struct error err = {0};
 *     double resolution = fit_resolution(values, n);          // 1 for token counts
 *     if (fit_best(values, n, resolution, NULL, &best, &err) < 0) return err.code;
 *     fit_describe(&best, text, sizeof text);                 // "lognormal(mu=6.2, sigma=0.9)"
 *     double draw = fit_random(&best, random_gsl(&r));
 *
 * Rounded values: with resolution r a value x stands for the cell [x − r/2, x + r/2), and the
 * likelihood is that of the cells, F(x + r/2) − F(x − r/2), maximised by Nelder and Mead's simplex
 * from the plain estimate. The smallest value, if it is at most r, stands for everything below its
 * cell, too: lengths are raised to 1. (From 2,048 distinct values on, rounding is finer than
 * anything that a fit shows, and the plain estimate stands.) Round a draw to get such values back.
 *
 * The choice is the smallest Kolmogorov–Smirnov distance, but a family with fewer parameters wins
 * where it is farther off by no more than 0.5/√n. The distance says how good the best is: above
 * about 0.05 none of them describes the sample. A struct fit owns nothing.
 */
#ifndef FAREBOX_CORE_STATS_FIT_H
#define FAREBOX_CORE_STATS_FIT_H

#include "core/error.h"

#include <gsl/gsl_rng.h>
#include <stdbool.h>
#include <stddef.h>

enum fit_family {
    FIT_CONSTANT,    /* value */
    FIT_EXPONENTIAL, /* mean */
    FIT_GAMMA,       /* shape, scale */
    FIT_WEIBULL,     /* scale, shape */
    FIT_LOGNORMAL,   /* mu, sigma: of the logarithm */
    FIT_NORMAL,      /* mean, sigma */
    FIT_PARETO,      /* alpha, minimum */
    FIT_FAMILIES,
};

struct fit {
    enum fit_family family;
    double a, b;     /* the parameters in the order above; b is 0 where there is one */
    double distance; /* Kolmogorov–Smirnov; NaN until fitted or where the fit failed */
};

/* 1 if all values are whole, else 0 (continuous). */
double fit_resolution(const double *values, size_t n);

/* One family. ERR_INPUT where there are no values, one is not finite, all are equal (only
 * FIT_CONSTANT fits), or one is ≤ 0 and not rounded and the family has none such. */
int fit_one(enum fit_family family, const double *values, size_t n, double resolution,
            struct fit *out, struct error *err);

/* Every family that can be fitted, into all[FIT_FAMILIES] (may be NULL), and the choice. */
int fit_best(const double *values, size_t n, double resolution, struct fit *all, struct fit *best,
             struct error *err);

/* P(X ≤ x), its inverse, and a variate. */
double fit_cdf(const struct fit *f, double x);
double fit_quantile(const struct fit *f, double p);
double fit_random(const struct fit *f, gsl_rng *random);

/* "lognormal", and its parameters' names: NULL for one that the family has not. */
const char *fit_family_name(enum fit_family family);
const char *fit_parameter_name(enum fit_family family, int parameter);

/* "lognormal(mu=6.21461, sigma=0.9)", always terminated. */
void fit_describe(const struct fit *f, char *out, size_t out_size);

#endif
