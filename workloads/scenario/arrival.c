#include "workloads/scenario/arrival.h"

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdlib.h>

#define HOUR_S 3600.0
#define DAY_S 86400.0
/* A day's sine is followed by straight lines of this length: the rate is off by less than 3e-6. */
#define CURVE_STEP_S 60.0

struct arrival arrival_poisson(double rate_rps)
{
    struct arrival a = {.process = ARRIVAL_POISSON, .shape = 1, .rate_rps = rate_rps};
    for (int i = 0; i < 7; i++)
        a.day_factor[i] = 1;
    return a;
}

void arrival_free(struct arrival *a)
{
    free(a->stages);
    a->stages = NULL;
    a->stage_count = 0;
}

/* CV² of Weibull gaps = Γ(1 + 2/k) / Γ(1 + 1/k)² − 1, which falls as k grows. */
static double weibull_cv(double shape)
{
    return sqrt(expm1(gsl_sf_lngamma(1 + 2 / shape) - 2 * gsl_sf_lngamma(1 + 1 / shape)));
}

double arrival_shape_for_cv(enum arrival_process process, double cv)
{
    if (process != ARRIVAL_WEIBULL)
        return 1 / (cv * cv);
    double low = 0.1, high = 100;
    for (int i = 0; i < 100; i++) {
        double middle = sqrt(low * high);
        if (weibull_cv(middle) > cv)
            low = middle;
        else
            high = middle;
    }
    return sqrt(low * high);
}

double arrival_mean_rps(const struct arrival *a)
{
    double requests = 0, seconds = 0;
    if (!a->stages)
        return a->rate_rps;
    for (size_t i = 0; i < a->stage_count; i++) {
        requests += a->stages[i].duration_s * (a->stages[i].from_rps + a->stages[i].to_rps) / 2;
        seconds += a->stages[i].duration_s;
    }
    return seconds > 0 ? requests / seconds : 0;
}

static bool has_days(const struct arrival *a)
{
    for (int i = 0; i < 7; i++)
        if (a->day_factor[i] < 1 || a->day_factor[i] > 1)
            return true;
    return false;
}

static double stage_rate(const struct arrival_stage *g, double into_s)
{
    return g->from_rps + (g->to_rps - g->from_rps) * into_s / g->duration_s;
}

static double phase_rate(const struct arrival *a, bool on)
{
    if (a->on_s <= 0)
        return 1;
    double on_rate = (a->on_s + a->off_s) / (a->on_s + a->off_s * a->off_factor);
    return on ? on_rate : on_rate * a->off_factor;
}

static double phase_length(struct arrival_stream *s)
{
    double mean = s->on ? s->law->on_s : s->law->off_s;
    return s->law->fixed_phases ? mean : gsl_ran_exponential(random_gsl(&s->phases), mean);
}

void arrival_start(struct arrival_stream *s, const struct arrival *law, double factor,
                   uint64_t seed, uint64_t key)
{
    *s = (struct arrival_stream){.law = law, .factor = factor, .on = true};
    random_init(&s->gaps, seed, RANDOM_ARRIVALS, 2 * key);
    random_init(&s->phases, seed, RANDOM_ARRIVALS, 2 * key + 1);
    bool daily = law->amplitude > 0 || has_days(law);
    s->plain = !law->stages && !daily && law->on_s <= 0;
    s->phase_end_s = INFINITY;
    if (law->on_s > 0) {
        /* The first phase is on or off as often as the long run is; its rest is exponential. */
        if (!law->fixed_phases)
            s->on = random_unit(&s->phases) < law->on_s / (law->on_s + law->off_s);
        s->phase_end_s = phase_length(s);
    }
}

/* Moves to the next stage if `at_s` has reached the end of this one. False: there is none. */
static bool stage_enter(struct arrival_stream *s, double at_s)
{
    const struct arrival *a = s->law;
    while (at_s >= s->stage_start_s + a->stages[s->stage].duration_s) {
        s->stage_start_s += a->stages[s->stage].duration_s;
        if (++s->stage < a->stage_count)
            continue;
        if (!a->repeat)
            return false;
        s->stage = 0;
    }
    return true;
}

/* The next straight piece of the rate curve, from `start_s` on. False where the curve ends. */
static bool piece_enter(struct arrival_stream *s, double start_s)
{
    const struct arrival *a = s->law;
    double end_s = INFINITY, from = a->rate_rps, to = a->rate_rps;
    while (start_s >= s->phase_end_s) {
        s->on = !s->on;
        s->phase_end_s += phase_length(s);
    }
    if (a->stages && !stage_enter(s, start_s))
        return false;
    end_s = s->phase_end_s;
    const struct arrival_stage *stage = a->stages ? &a->stages[s->stage] : NULL;
    if (stage)
        end_s = fmin(end_s, s->stage_start_s + stage->duration_s);
    if (a->amplitude > 0)
        end_s = fmin(end_s, (floor(start_s / CURVE_STEP_S) + 1) * CURVE_STEP_S);
    if (has_days(a))
        end_s = fmin(end_s, (floor(a->start_hour / 24 + start_s / DAY_S) + 1 - a->start_hour / 24) *
                                DAY_S);
    if (end_s <= start_s) /* the sum above rounded down to where we are */
        end_s = start_s + 1e-6;
    if (stage) {
        from = stage_rate(stage, start_s - s->stage_start_s);
        to = stage_rate(stage, fmin(end_s - s->stage_start_s, stage->duration_s));
    }
    double day = a->day_factor[0];
    if (a->amplitude > 0 || has_days(a)) {
        double hour = a->start_hour + end_s / HOUR_S, middle_s = (start_s + end_s) / 2;
        double middle_hour = a->start_hour + middle_s / HOUR_S;
        double day_number = floor(middle_hour / 24);
        day = a->day_factor[(int)(day_number - 7 * floor(day_number / 7))];
        from *= 1 + a->amplitude *
                        cos(2 * M_PI * (hour - (end_s - start_s) / HOUR_S - a->peak_hour) / 24);
        to *= 1 + a->amplitude * cos(2 * M_PI * (hour - a->peak_hour) / 24);
    }
    double factor = s->factor * phase_rate(a, s->on) * day;
    s->piece_start_s = start_s;
    s->piece_end_s = end_s;
    s->piece_from_rps = fmax(from * factor, 0);
    s->piece_to_rps = fmax(to * factor, 0);
    return true;
}

static double piece_area(const struct arrival_stream *s)
{
    double span = s->piece_end_s - s->piece_start_s;
    if (isinf(span))
        return s->piece_from_rps > 0 ? INFINITY : 0;
    return span * (s->piece_from_rps + s->piece_to_rps) / 2;
}

static double next_gap(struct arrival_stream *s)
{
    const struct arrival *a = s->law;
    bool first = !s->begun, staged = a->stages && s->stage < a->stage_count;
    enum arrival_process process = staged ? a->stages[s->stage].process : a->process;
    double shape = staged ? a->stages[s->stage].shape : a->shape;
    s->begun = true;
    /* A constant rate begins with an arrival, but not in stages. */
    bool whole = process == ARRIVAL_CONSTANT ? a->stages != NULL : !s->stationary;
    return arrival_gap(process, shape, first && !whole, &s->gaps);
}

bool arrival_next(struct arrival_stream *s, double *at_s)
{
    double gap = next_gap(s);
    if (s->plain) {
        s->at_s += gap / (s->law->rate_rps * s->factor);
        *at_s = s->at_s;
        return isfinite(s->at_s);
    }
    if (s->piece_end_s <= 0 && !piece_enter(s, 0))
        return false;
    while (piece_area(s) < gap) {
        gap -= piece_area(s);
        if (isinf(s->piece_end_s) || !piece_enter(s, s->piece_end_s))
            return false;
    }
    /* What is left of the piece begins at the arrival. */
    double span = s->piece_end_s - s->piece_start_s;
    if (gap > 0) {
        double slope = (s->piece_to_rps - s->piece_from_rps) / span;
        double step = fmin(arrival_ramp(s->piece_from_rps, slope, gap), span);
        if (!isinf(span) && span > 0)
            s->piece_from_rps += (s->piece_to_rps - s->piece_from_rps) * step / span;
        s->piece_start_s += step;
    }
    *at_s = s->at_s = s->piece_start_s;
    return true;
}
