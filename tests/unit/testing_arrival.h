/* The rate curve of a scenario's arrivals, point by point: what the streams are held against. */
#ifndef FAREBOX_TESTS_UNIT_TESTING_ARRIVAL_H
#define FAREBOX_TESTS_UNIT_TESTING_ARRIVAL_H

#include "workloads/scenario/arrival.h"

#include <math.h>

static inline double testing_stages_rate(const struct arrival *a, double at_s)
{
    double total = 0, start = 0;
    for (size_t i = 0; i < a->stage_count; i++)
        total += a->stages[i].duration_s;
    if (at_s >= total && !a->repeat)
        return 0;
    double into = fmod(at_s, total);
    size_t i = 0;
    while (i + 1 < a->stage_count && into - start >= a->stages[i].duration_s)
        start += a->stages[i++].duration_s;
    const struct arrival_stage *g = &a->stages[i];
    return g->from_rps + (g->to_rps - g->from_rps) * (into - start) / g->duration_s;
}

/* The rate at a time, without the random phases. */
static inline double testing_rate_at(const struct arrival *a, double at_s)
{
    double rate = a->stages ? testing_stages_rate(a, at_s) : a->rate_rps;
    double hour = a->start_hour + at_s / 3600, day = floor(hour / 24);
    double factor = 1 + a->amplitude * cos(2 * acos(-1) * (hour - a->peak_hour) / 24);
    return rate * factor * a->day_factor[(int)(day - 7 * floor(day / 7))];
}

#endif
