/* The families of core/stats/fit.h as distributions; the fitting itself is in fit.c. */
#include "core/stats/fit.h"

#include "core/text.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>

static const struct {
    const char *name, *parameters[2];
} families[FIT_FAMILIES] = {
    [FIT_CONSTANT] = {"constant", {"value", NULL}},
    [FIT_EXPONENTIAL] = {"exponential", {"mean", NULL}},
    [FIT_GAMMA] = {"gamma", {"shape", "scale"}},
    [FIT_WEIBULL] = {"weibull", {"scale", "shape"}},
    [FIT_LOGNORMAL] = {"lognormal", {"mu", "sigma"}},
    [FIT_NORMAL] = {"normal", {"mean", "sigma"}},
    [FIT_PARETO] = {"pareto", {"alpha", "minimum"}},
};

const char *fit_family_name(enum fit_family family)
{
    return families[family].name;
}

const char *fit_parameter_name(enum fit_family family, int parameter)
{
    return parameter == 0 || parameter == 1 ? families[family].parameters[parameter] : NULL;
}

void fit_describe(const struct fit *f, char *out, size_t out_size)
{
    const char *const *names = families[f->family].parameters;
    if (names[1])
        snprintf(out, out_size, "%s(%s=%s, %s=%s)", families[f->family].name, names[0],
                 TEXT_SHORT(f->a, 6), names[1], TEXT_SHORT(f->b, 6));
    else
        snprintf(out, out_size, "%s(%s=%s)", families[f->family].name, names[0],
                 TEXT_SHORT(f->a, 6));
}

double fit_cdf(const struct fit *f, double x)
{
    bool positive = f->family != FIT_CONSTANT && f->family != FIT_NORMAL;
    if (positive && x <= 0)
        return 0;
    switch (f->family) {
    case FIT_EXPONENTIAL:
        return gsl_cdf_exponential_P(x, f->a);
    case FIT_GAMMA:
        return gsl_cdf_gamma_P(x, f->a, f->b);
    case FIT_WEIBULL:
        return gsl_cdf_weibull_P(x, f->a, f->b);
    case FIT_LOGNORMAL:
        return gsl_cdf_lognormal_P(x, f->a, f->b);
    case FIT_NORMAL:
        return gsl_cdf_gaussian_P(x - f->a, f->b);
    case FIT_PARETO:
        return gsl_cdf_pareto_P(x, f->a, f->b);
    case FIT_CONSTANT:
    case FIT_FAMILIES:
        break;
    }
    return x >= f->a ? 1 : 0;
}

double fit_quantile(const struct fit *f, double p)
{
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (f->family == FIT_CONSTANT)
        return f->a;
    if (p == 1)
        return INFINITY;
    if (p == 0)
        return f->family == FIT_NORMAL ? -INFINITY : f->family == FIT_PARETO ? f->b : 0;
    switch (f->family) {
    case FIT_EXPONENTIAL:
        return gsl_cdf_exponential_Pinv(p, f->a);
    case FIT_GAMMA:
        return gsl_cdf_gamma_Pinv(p, f->a, f->b);
    case FIT_WEIBULL:
        return gsl_cdf_weibull_Pinv(p, f->a, f->b);
    case FIT_LOGNORMAL:
        return gsl_cdf_lognormal_Pinv(p, f->a, f->b);
    case FIT_NORMAL:
        return f->a + gsl_cdf_gaussian_Pinv(p, f->b);
    case FIT_PARETO:
        return gsl_cdf_pareto_Pinv(p, f->a, f->b);
    case FIT_CONSTANT:
    case FIT_FAMILIES:
        break;
    }
    return NAN;
}

double fit_random(const struct fit *f, gsl_rng *random)
{
    switch (f->family) {
    case FIT_EXPONENTIAL:
        return gsl_ran_exponential(random, f->a);
    case FIT_GAMMA:
        return gsl_ran_gamma(random, f->a, f->b);
    case FIT_WEIBULL:
        return gsl_ran_weibull(random, f->a, f->b);
    case FIT_LOGNORMAL:
        return gsl_ran_lognormal(random, f->a, f->b);
    case FIT_NORMAL:
        return f->a + gsl_ran_gaussian(random, f->b);
    case FIT_PARETO:
        return gsl_ran_pareto(random, f->a, f->b);
    case FIT_CONSTANT:
    case FIT_FAMILIES:
        break;
    }
    return f->a;
}
