#include "core/stats/usl.h"

#include "core/text.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdbool.h>

enum { LAMBDA, SIGMA, KAPPA, PARAMETERS };

#define MOST_STEPS 200
#define TOLERANCE 1e-12

/* Throughputs are divided by `scale`, so that the tolerances mean the same in any unit. */
struct points {
    const double *n, *x;
    size_t count;
    double scale;
};

static double capacity(double n, double sigma, double kappa)
{
    return n / (1 + sigma * (n - 1) + kappa * n * (n - 1));
}

double usl_throughput(const struct usl_fit *fit, double concurrency)
{
    return fit->lambda.value * capacity(concurrency, fit->sigma.value, fit->kappa.value);
}

static int residuals(const gsl_vector *at, void *data, gsl_vector *out)
{
    const struct points *p = data;
    for (size_t i = 0; i < p->count; i++) {
        double c = capacity(p->n[i], gsl_vector_get(at, SIGMA), gsl_vector_get(at, KAPPA));
        gsl_vector_set(out, i, gsl_vector_get(at, LAMBDA) * c - p->x[i] / p->scale);
    }
    return GSL_SUCCESS;
}

static int jacobian(const gsl_vector *at, void *data, gsl_matrix *out)
{
    const struct points *p = data;
    double lambda = gsl_vector_get(at, LAMBDA);
    for (size_t i = 0; i < p->count; i++) {
        double n = p->n[i];
        double c = capacity(n, gsl_vector_get(at, SIGMA), gsl_vector_get(at, KAPPA));
        gsl_matrix_set(out, i, LAMBDA, c);
        gsl_matrix_set(out, i, SIGMA, -lambda * c * c * (n - 1) / n);
        gsl_matrix_set(out, i, KAPPA, -lambda * c * c * (n - 1));
    }
    return GSL_SUCCESS;
}

static int check_points(const double *n, const double *x, size_t count, struct error *err)
{
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(n[i] > 0 && isfinite(n[i]) && x[i] > 0 && isfinite(x[i])))
            return error_set(err, ERR_INPUT,
                             "point %zu (%s, %s): concurrency and throughput must be positive",
                             i + 1, TEXT_SHORT(n[i], 6), TEXT_SHORT(x[i], 6));
        size_t seen = 0;
        while (seen < i && n[seen] != n[i])
            seen++;
        distinct += seen == i;
    }
    if (count < PARAMETERS + 1 || distinct < PARAMETERS)
        return error_set(err, ERR_INPUT,
                         "%zu points at %zu concurrencies: a scalability fit needs at least 4 "
                         "points at 3 concurrencies",
                         count, distinct);
    return 0;
}

/* Least squares of N/X on 1, N − 1 and N(N − 1): 1/λ, σ/λ, κ/λ. */
static void linear_start(const struct points *p, gsl_vector *start)
{
    gsl_matrix *terms = gsl_matrix_alloc(p->count, PARAMETERS);
    gsl_matrix *covariance = gsl_matrix_alloc(PARAMETERS, PARAMETERS);
    gsl_vector *ratio = gsl_vector_alloc(p->count);
    gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(p->count, PARAMETERS);
    double chi_squared;
    for (size_t i = 0; i < p->count; i++) {
        gsl_matrix_set(terms, i, LAMBDA, 1);
        gsl_matrix_set(terms, i, SIGMA, p->n[i] - 1);
        gsl_matrix_set(terms, i, KAPPA, p->n[i] * (p->n[i] - 1));
        gsl_vector_set(ratio, i, p->n[i] * p->scale / p->x[i]);
    }
    gsl_multifit_linear(terms, ratio, start, covariance, &chi_squared, work);
    double inverse = gsl_vector_get(start, LAMBDA);
    if (inverse > 0)
        gsl_vector_scale(start, 1 / inverse);
    else
        gsl_vector_set_zero(start);
    gsl_vector_set(start, LAMBDA, inverse > 0 ? 1 / inverse : 1);
    gsl_multifit_linear_free(work);
    gsl_vector_free(ratio);
    gsl_matrix_free(covariance);
    gsl_matrix_free(terms);
}

static struct usl_parameter parameter(double value, double variance, double t)
{
    double error = sqrt(variance);
    return (struct usl_parameter){value, error, value - t * error, value + t * error};
}

/* ln N* = (ln(1 − σ) − ln κ) / 2, so its derivatives are −1/(2(1 − σ)) and −1/(2κ). */
static void find_optimum(struct usl_fit *f, const gsl_matrix *covariance, double t)
{
    double sigma = f->sigma.value, kappa = f->kappa.value;
    f->optimum = (struct usl_parameter){INFINITY, INFINITY, INFINITY, INFINITY};
    f->peak = kappa <= 0 && sigma > 0 ? f->lambda.value / sigma : INFINITY;
    if (kappa <= 0 || sigma >= 1)
        return;
    double ds = -0.5 / (1 - sigma), dk = -0.5 / kappa, best = sqrt((1 - sigma) / kappa);
    double variance = ds * ds * gsl_matrix_get(covariance, SIGMA, SIGMA) +
                      dk * dk * gsl_matrix_get(covariance, KAPPA, KAPPA) +
                      2 * ds * dk * gsl_matrix_get(covariance, SIGMA, KAPPA);
    double error = sqrt(fmax(0, variance));
    f->optimum.value = best;
    f->optimum.error = best * error;
    f->optimum.low = best * exp(-t * error);
    f->optimum.high = best * exp(t * error);
    f->peak = usl_throughput(f, best);
}

static void finish(const struct points *p, const gsl_multifit_nlinear_workspace *work,
                   struct usl_fit *f)
{
    gsl_matrix *covariance = gsl_matrix_alloc(PARAMETERS, PARAMETERS);
    const gsl_vector *at = work->x;
    double freedom = (double)(p->count - PARAMETERS), squares = 0, mean = 0, total = 0;
    double t = gsl_cdf_tdist_Qinv(0.025, freedom);
    for (size_t i = 0; i < p->count; i++) {
        double r = gsl_vector_get(work->f, i);
        squares += r * r;
        mean += p->x[i] / p->scale / (double)p->count;
    }
    for (size_t i = 0; i < p->count; i++)
        total += (p->x[i] / p->scale - mean) * (p->x[i] / p->scale - mean);
    gsl_multifit_nlinear_covar(work->J, 0, covariance);
    gsl_matrix_scale(covariance, squares / freedom);
    f->points = p->count;
    f->r_squared = total > 0 ? 1 - squares / total : NAN;
    f->lambda = parameter(gsl_vector_get(at, LAMBDA) * p->scale,
                          gsl_matrix_get(covariance, LAMBDA, LAMBDA) * p->scale * p->scale, t);
    f->sigma = parameter(gsl_vector_get(at, SIGMA), gsl_matrix_get(covariance, SIGMA, SIGMA), t);
    f->kappa = parameter(gsl_vector_get(at, KAPPA), gsl_matrix_get(covariance, KAPPA, KAPPA), t);
    find_optimum(f, covariance, t);
    gsl_matrix_free(covariance);
}

int usl_fit(const double *concurrency, const double *throughput, size_t count, struct usl_fit *out,
            struct error *err)
{
    if (check_points(concurrency, throughput, count, err) < 0)
        return ERR_INPUT;
    struct points p = {concurrency, throughput, count, 0};
    for (size_t i = 0; i < count; i++)
        p.scale = fmax(p.scale, throughput[i] / concurrency[i]);
    gsl_multifit_nlinear_fdf problem = {
        .f = residuals, .df = jacobian, .n = count, .p = PARAMETERS, .params = &p};
    gsl_multifit_nlinear_parameters options = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_workspace *work =
        gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &options, count, PARAMETERS);
    gsl_vector *start = gsl_vector_alloc(PARAMETERS);
    linear_start(&p, start);
    gsl_multifit_nlinear_init(start, &problem, work);
    int info, status = gsl_multifit_nlinear_driver(MOST_STEPS, TOLERANCE, TOLERANCE, 0, NULL, NULL,
                                                   &info, work);
    bool converged = status == GSL_SUCCESS || status == GSL_ENOPROG;
    if (converged)
        finish(&p, work, out);
    gsl_vector_free(start);
    gsl_multifit_nlinear_free(work);
    if (!converged || !isfinite(out->lambda.value) || !isfinite(out->sigma.error))
        return error_set(err, ERR_WORK, "the scalability law does not fit these %zu points", count);
    return 0;
}
