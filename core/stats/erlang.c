#include "core/stats/erlang.h"

#include <math.h>

double erlang_b(unsigned servers, double load)
{
    double b = 1;
    for (unsigned c = 1; c <= servers; c++)
        b = load * b / (c + load * b);
    return b;
}

double erlang_c(unsigned servers, double load)
{
    if (!(load > 0))
        return 0;
    double b = erlang_b(servers, load);
    return load >= servers ? 1 : servers * b / (servers - load * (1 - b));
}

double erlang_wait_quantile(unsigned servers, double load, double service, double p)
{
    if (load >= servers)
        return INFINITY;
    double c = erlang_c(servers, load);
    return c > 1 - p ? log(c / (1 - p)) / (servers - load) * service : 0;
}
