#include "workloads/load/arrival_process.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <string.h>

const char *const arrival_process_names[] = {"poisson", "constant", "gamma", "weibull", NULL};

int arrival_process_from_name(const char *name)
{
    for (int i = 0; i < ARRIVAL_WEIBULL; i++)
        if (strcmp(name, arrival_process_names[i]) == 0)
            return i;
    return -1;
}

static double gamma_gap(double shape, bool first, struct random *r)
{
    if (!first)
        return gsl_ran_gamma(random_gsl(r), shape, 1 / shape);
    double met = gsl_ran_gamma(random_gsl(r), shape + 1, 1 / shape);
    return met * random_open_unit(r);
}

/* Weighted with its length, the gap's power of `shape` is a Gamma(1 + 1/shape) variate. */
static double weibull_gap(double shape, bool first, struct random *r)
{
    if (!first)
        return gsl_ran_weibull(random_gsl(r), 1 / gsl_sf_gamma(1 + 1 / shape), shape);
    double met = pow(gsl_ran_gamma(random_gsl(r), 1 + 1 / shape, 1), 1 / shape);
    return met / gsl_sf_gamma(1 + 1 / shape) * random_open_unit(r);
}

double arrival_gap(enum arrival_process process, double shape, bool first, struct random *r)
{
    switch (process) {
    case ARRIVAL_CONSTANT:
        return first ? 0 : 1;
    case ARRIVAL_GAMMA:
        return gamma_gap(shape, first, r);
    case ARRIVAL_WEIBULL:
        return weibull_gap(shape, first, r);
    default: /* exponential gaps have no memory: the first is like the others */
        return gsl_ran_exponential(random_gsl(r), 1);
    }
}

double arrival_ramp(double from, double slope, double sum)
{
    double under = from * from + 2 * slope * sum;
    return 2 * sum / (from + sqrt(under > 0 ? under : 0));
}
