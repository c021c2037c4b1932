/* The Universal Scalability Law: X(N) = λN / (1 + σ(N − 1) + κN(N − 1)) (Gunther, 1993).
 *
 * λ: throughput of one; σ: contention (the share of work that queues for something shared);
 * κ: coherency (the cost of agreeing among each other), which makes throughput fall again.
 *
 *     struct usl_fit f;
 *     struct error err = {0};
 *     if (usl_fit(concurrency, throughput, count, &f, &err) < 0) return err.code;
 *     print(f.sigma.value, f.sigma.low, f.sigma.high, f.optimum.value, f.peak);
 *     double x = usl_throughput(&f, 128);
 *
 * Fitted by nonlinear least squares (GSL multifit_nlinear, Levenberg–Marquardt) from the start that
 * the linear form N/X = (1 + σ(N−1) + κN(N−1)) / λ gives. Standard errors are those of the
 * covariance at the solution, times the residual variance; 95% limits by Student's t with
 * points − 3 degrees of freedom. They assume independent errors of one size at every N.
 */
#ifndef FAREBOX_CORE_STATS_USL_H
#define FAREBOX_CORE_STATS_USL_H

#include "core/error.h"

#include <stddef.h>

struct usl_parameter {
    double value, error; /* estimate and its standard error */
    double low, high;    /* 95% */
};

struct usl_fit {
    struct usl_parameter lambda, sigma, kappa;
    struct usl_parameter optimum; /* N* = √((1 − σ)/κ), error by the delta method; all infinite
                                     where κ ≤ 0: throughput then rises without end */
    double peak;                  /* X(N*) */
    double r_squared;
    size_t points;
};

/* At least four points with at least three distinct N; N and X positive, finite. ERR_INPUT with the
 * offending point (counted from 1) otherwise; ERR_WORK if the fit does not converge. */
int usl_fit(const double *concurrency, const double *throughput, size_t count, struct usl_fit *out,
            struct error *err);

double usl_throughput(const struct usl_fit *fit, double concurrency);

#endif
