#include "core/stats/erlang.h"

#include <math.h>

static double next_b(double b, unsigned servers, double load)
{
    return load * b / (servers + load * b);
}

double erlang_b(unsigned servers, double load)
{
    double b = 1;
    for (unsigned c = 1; c <= servers; c++)
        b = next_b(b, c, load);
    return b;
}

static double c_from_b(double b, unsigned servers, double load)
{
    return load >= servers ? 1 : servers * b / (servers - load * (1 - b));
}

double erlang_c(unsigned servers, double load)
{
    return load > 0 ? c_from_b(erlang_b(servers, load), servers, load) : 0;
}

static double quantile(double c, unsigned servers, double load, double service, double p)
{
    if (load >= servers)
        return INFINITY;
    return c > 1 - p ? log(c / (1 - p)) / (servers - load) * service : 0;
}

double erlang_wait_quantile(unsigned servers, double load, double service, double p)
{
    return quantile(erlang_c(servers, load), servers, load, service, p);
}
