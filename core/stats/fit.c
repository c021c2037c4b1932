#include "core/stats/fit.h"

#include "core/memory.h"
#include "core/stats/ks.h"

#include "core/text.h"

#include <gsl/gsl_multimin.h>
#include <gsl/gsl_sf_psi.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define MOST_REFINED 2048
#define MOST_COMPARED 65536
#define STEPS 200
/* What a cell beyond the resolution of 1 − F counts as: an outlier must not weigh like a wall. */
#define LEAST_PROBABILITY 1e-18

/* The sample as distinct rising values with their counts, and the sums that estimates come from. */
struct sample {
    double *values;
    uint64_t *counts;
    size_t distinct;
    double n, resolution;
    double mean, deviation;         /* of the values */
    double mean_log, deviation_log; /* of their logarithms; NaN where a value is not positive */
};

double fit_resolution(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] != floor(values[i]))
            return 0;
    return n > 0 ? 1 : 0;
}

/* Where a value stands for the estimates that need its logarithm: a rounded 0 lies in [0, r/2). */
static double positive_value(const struct sample *s, size_t i)
{
    double x = s->values[i];
    return x > 0 || s->resolution <= 0 ? x : s->resolution / 4;
}

static double log_value(const struct sample *s, size_t i)
{
    double x = positive_value(s, i);
    return x > 0 ? log(x) : NAN;
}

static void sum_up(struct sample *s)
{
    double squares = 0, squares_log = 0;
    for (size_t i = 0; i < s->distinct; i++) {
        s->mean += (double)s->counts[i] * s->values[i] / s->n;
        s->mean_log += (double)s->counts[i] * log_value(s, i) / s->n;
    }
    for (size_t i = 0; i < s->distinct; i++) {
        double x = s->values[i] - s->mean, y = log_value(s, i) - s->mean_log;
        squares += (double)s->counts[i] * x * x;
        squares_log += (double)s->counts[i] * y * y;
    }
    s->deviation = sqrt(squares / s->n);
    s->deviation_log = sqrt(squares_log / s->n);
}

static int sample_init(struct sample *s, const double *values, size_t n, double resolution,
                       struct error *err)
{
    *s = (struct sample){.n = (double)n, .resolution = resolution};
    if (n == 0)
        return error_set(err, ERR_INPUT, "no values to fit a distribution to");
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return error_set(err, ERR_INPUT, "value %zu is not finite: no distribution fits",
                             i + 1);
    s->values = mem_alloc(n * sizeof *s->values);
    s->counts = mem_zero(n, sizeof *s->counts);
    for (size_t i = 0; i < n; i++)
        s->values[i] = values[i];
    gsl_sort(s->values, 1, n);
    for (size_t i = 0; i < n; i++) {
        if (s->distinct == 0 || s->values[i] != s->values[s->distinct - 1])
            s->values[s->distinct++] = s->values[i];
        s->counts[s->distinct - 1]++;
    }
    sum_up(s);
    return 0;
}

static void sample_free(struct sample *s)
{
    free(s->values);
    free(s->counts);
}

/* ln k − ψ(k) = ln(mean) − mean(ln), by Newton's steps from Minka's (2002) start. */
static void gamma_estimate(const struct sample *s, struct fit *f)
{
    double gap = log(s->mean) - s->mean_log;
    double k = (3 - gap + sqrt((gap - 3) * (gap - 3) + 24 * gap)) / (12 * gap);
    for (int i = 0; i < STEPS; i++) {
        double step = (log(k) - gsl_sf_psi(k) - gap) / (1 / k - gsl_sf_psi_1(k));
        double next = k - step > 0 ? k - step : k / 2;
        if (fabs(next - k) < 1e-12 * k)
            break;
        k = next;
    }
    f->a = k;
    f->b = s->mean / k;
}

/* Σ y^k ln y / Σ y^k − 1/k = mean(ln y), with y = x / largest so that no power overflows. */
static void weibull_estimate(const struct sample *s, struct fit *f)
{
    double top = log_value(s, s->distinct - 1), k = M_PI / sqrt(6) / s->deviation_log, zero = 0;
    for (int step = 0; step < STEPS; step++) {
        double first = 0, second = 0;
        zero = 0;
        for (size_t i = 0; i < s->distinct; i++) {
            double y = log_value(s, i) - top, power = (double)s->counts[i] * exp(k * y);
            zero += power;
            first += power * y;
            second += power * y * y;
        }
        double value = first / zero - 1 / k - (s->mean_log - top);
        double slope = second / zero - first / zero * (first / zero) + 1 / (k * k);
        double next = k - value / slope > 0 ? k - value / slope : k / 2;
        bool done = fabs(next - k) < 1e-12 * k;
        k = next;
        if (done)
            break;
    }
    f->a = exp(top + log(zero / s->n) / k);
    f->b = k;
}

static void pareto_estimate(const struct sample *s, struct fit *f)
{
    double least = positive_value(s, 0);
    f->b = least > s->resolution / 2 ? least - s->resolution / 2 : least;
    f->a = 1 / (s->mean_log - log(f->b));
}

/* The estimates as if the values were not rounded. */
static void plain_estimate(const struct sample *s, struct fit *f)
{
    switch (f->family) {
    case FIT_GAMMA:
        gamma_estimate(s, f);
        break;
    case FIT_WEIBULL:
        weibull_estimate(s, f);
        break;
    case FIT_LOGNORMAL:
        f->a = s->mean_log;
        f->b = s->deviation_log;
        break;
    case FIT_PARETO:
        pareto_estimate(s, f);
        break;
    case FIT_NORMAL:
        f->a = s->mean;
        f->b = s->deviation;
        break;
    case FIT_EXPONENTIAL:
    case FIT_CONSTANT:
    case FIT_FAMILIES:
        f->a = s->mean;
        break;
    }
}

/* −ln likelihood of the cells. */
static double cells_cost(const struct sample *s, const struct fit *f)
{
    double cost = 0, half = s->resolution / 2, last = -INFINITY, last_cdf = 0;
    for (size_t i = 0; i < s->distinct; i++) {
        double x = s->values[i], low = x - half, high = x + half;
        if (i == 0 && x <= s->resolution)
            low = -INFINITY;
        double from = low == last ? last_cdf : isinf(low) ? 0 : fit_cdf(f, low);
        double to = fit_cdf(f, high);
        cost -= (double)s->counts[i] * log(fmax(to - from, LEAST_PROBABILITY));
        last = high;
        last_cdf = to;
    }
    return cost;
}

struct search {
    const struct sample *sample;
    struct fit start;
};

/* The simplex moves in steps of the parameters' own scale: logarithms of positive ones, standard
 * deviations for a location. */
static struct fit moved(const struct search *search, const gsl_vector *at)
{
    struct fit f = search->start;
    double x = gsl_vector_get(at, 0), y = at->size > 1 ? gsl_vector_get(at, 1) : 0;
    bool location = f.family == FIT_LOGNORMAL || f.family == FIT_NORMAL;
    f.a = location ? f.a + x * f.b : f.a * exp(x);
    f.b *= exp(y);
    return f;
}

static double search_cost(const gsl_vector *at, void *context)
{
    const struct search *search = context;
    struct fit f = moved(search, at);
    double cost = cells_cost(search->sample, &f);
    return isfinite(cost) ? cost : GSL_DBL_MAX;
}

static void refine(const struct sample *s, struct fit *f)
{
    struct search search = {s, *f};
    size_t parameters = f->family == FIT_EXPONENTIAL ? 1 : 2;
    gsl_multimin_function cost = {search_cost, parameters, &search};
    gsl_vector *at = gsl_vector_calloc(parameters), *step = gsl_vector_alloc(parameters);
    gsl_multimin_fminimizer *simplex =
        gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, parameters);
    gsl_vector_set_all(step, 0.1);
    gsl_multimin_fminimizer_set(simplex, &cost, at, step);
    for (int i = 0; i < STEPS && gsl_multimin_fminimizer_size(simplex) > 1e-6; i++)
        if (gsl_multimin_fminimizer_iterate(simplex))
            break;
    *f = moved(&search, simplex->x);
    gsl_multimin_fminimizer_free(simplex);
    gsl_vector_free(step);
    gsl_vector_free(at);
}

struct rounded_model {
    const struct fit *fit;
    double half;
};

static double rounded_cdf(double x, const void *model)
{
    const struct rounded_model *m = model;
    return fit_cdf(m->fit, x + m->half);
}

/* Over all distinct values, or every s-th of very many (then right to s/n). */
static double distance_to(const struct sample *s, const struct fit *f)
{
    struct rounded_model model = {f, s->resolution / 2};
    if (s->distinct <= MOST_COMPARED)
        return ks_counted(s->values, s->counts, s->distinct, rounded_cdf, &model, s->resolution > 0)
            .statistic;
    size_t stride = s->distinct / MOST_COMPARED + 1;
    double below = 0, largest = 0;
    for (size_t i = 0; i < s->distinct; i++) {
        below += (double)s->counts[i];
        if (i % stride == 0)
            largest = fmax(largest, fabs(below / s->n - rounded_cdf(s->values[i], &model)));
    }
    return largest;
}

static int fit_sample(const struct sample *s, enum fit_family family, struct fit *out,
                      struct error *err)
{
    *out = (struct fit){family, NAN, 0, NAN};
    bool constant = s->distinct == 1;
    if (constant != (family == FIT_CONSTANT))
        return error_set(err, ERR_INPUT,
                         constant ? "all values are %s: only a constant fits them"
                                  : "the values differ (from %s on): a constant does not fit them",
                         TEXT_SHORT(s->values[0], 6));
    double least = s->resolution > 0 ? 0 : nextafter(0, 1);
    bool anywhere = family == FIT_CONSTANT || family == FIT_NORMAL;
    bool zero_allowed = family == FIT_EXPONENTIAL;
    if (!anywhere && s->values[0] < (zero_allowed ? 0 : least))
        return error_set(err, ERR_INPUT, "the value %s is not positive, as a %s one must be",
                         TEXT_SHORT(s->values[0], 6), fit_family_name(family));
    plain_estimate(s, out);
    if (s->resolution > 0 && s->distinct <= MOST_REFINED && family != FIT_CONSTANT &&
        family != FIT_PARETO)
        refine(s, out);
    if (!isfinite(out->a) || !isfinite(out->b))
        return error_set(err, ERR_WORK, "no %s distribution fits these values",
                         fit_family_name(family));
    out->distance = family == FIT_CONSTANT ? 0 : distance_to(s, out);
    return 0;
}

int fit_one(enum fit_family family, const double *values, size_t n, double resolution,
            struct fit *out, struct error *err)
{
    struct sample s;
    *out = (struct fit){family, NAN, 0, NAN};
    int status = sample_init(&s, values, n, resolution, err);
    if (status == 0)
        status = fit_sample(&s, family, out, err);
    sample_free(&s);
    return status;
}

int fit_best(const double *values, size_t n, double resolution, struct fit *all, struct fit *best,
             struct error *err)
{
    struct sample s;
    double least = INFINITY;
    *best = (struct fit){FIT_CONSTANT, NAN, 0, NAN};
    int status = sample_init(&s, values, n, resolution, err);
    for (int i = 0; status == 0 && i < FIT_FAMILIES; i++) {
        struct fit f;
        bool fitted = fit_sample(&s, (enum fit_family)i, &f, NULL) == 0;
        if (all)
            all[i] = f;
        /* Families stand in the order of their parameters: later ones must be clearly closer. */
        double handicap = best->family == FIT_EXPONENTIAL ? 0.5 / sqrt(s.n) : 0;
        if (fitted && f.distance < least - handicap) {
            least = f.distance;
            *best = f;
        }
    }
    sample_free(&s);
    return status;
}
