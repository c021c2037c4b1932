/* Demand by day: level, weekdays, trend, and futures drawn from them. */
#include "sim/plan/forecast_parts.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRUST_DRAWS 200
#define GROWTH_PRIOR (0.2 / FORECAST_MONTH_DAYS) /* τ per day, see forecast_parts.h */
#define TREND_DAYS 21                            /* less cannot tell a trend from a good week */

static int group_of(const struct demand_model *m, size_t day)
{
    return m->group[((size_t)m->phase + day) % 7];
}

/* Least squares of y on one level per group and, with a trend, a common slope: the slope from
 * deviations within the groups (Frisch, Waugh and Lovell), then the levels. */
static void fit(const struct demand_model *m, const double *y, double level[7], double *slope)
{
    double sum_y[7] = {0}, sum_t[7] = {0}, n[7] = {0}, cross = 0, square = 0;
    for (size_t t = 0; t < m->days; t++) {
        int g = group_of(m, t);
        sum_y[g] += y[t];
        sum_t[g] += (double)t;
        n[g]++;
    }
    for (size_t t = 0; t < m->days && m->trend; t++) {
        int g = group_of(m, t);
        double deviation = (double)t - sum_t[g] / n[g];
        cross += deviation * y[t];
        square += deviation * deviation;
    }
    *slope = square > 0 ? cross / square : 0;
    for (int g = 0; g < m->groups; g++)
        level[g] = n[g] > 0 ? (sum_y[g] - *slope * sum_t[g]) / n[g] : 0;
}

/* From two weeks on every weekday has its level. One week cannot tell weekday from noise: there,
 * working days and weekend have theirs if the calendar is known. */
static void choose_groups(struct demand_model *m, bool calendar)
{
    m->groups = 1;
    for (int d = 0; d < 7; d++) {
        m->group[d] = 0;
        if (m->weekly && m->days >= 14)
            m->group[d] = d, m->groups = 7;
        else if (m->weekly && calendar && m->days >= 7)
            m->group[d] = d >= 5, m->groups = 2;
    }
}

static bool has_own_profile(const struct demand_model *m)
{
    return m->weekly && m->groups < 7;
}

/* What the drawn residuals multiply demand by must not be more for their having been widened: on
 * average as much as those that the days really had, or nothing where each day stands for itself.
 */
static void set_smear(struct demand_model *m, double inflate)
{
    double wide = 0, real = 0;
    for (size_t t = 0; t < m->days; t++) {
        wide += exp(m->residual[t]);
        real += has_own_profile(m) ? 1 : exp(m->residual[t] / inflate);
    }
    m->smear = m->days > 0 ? log(wide / real) : 0;
}

/* Residuals vary less than the noise: the fit took its degrees of freedom, and the mean of a block
 * of L among n days varies about the mean of all by (1 - L/n) of what it varies by itself. */
static void set_residuals(struct demand_model *m)
{
    size_t taken = (size_t)m->groups + m->trend;
    double freedom = m->days > taken ? (double)(m->days - taken) : 1, square = 0;
    double n = (double)m->days, block = (double)m->block;
    double inflate = sqrt(n / freedom * (1 - 1 / n) / (1 - block / n));
    if (m->days <= m->block)
        inflate = 1;
    for (size_t t = 0; t < m->days; t++) {
        double e = m->y[t] - m->level[group_of(m, t)] - m->slope * (double)t;
        square += e * e;
        m->residual[t] = e * inflate;
    }
    m->noise = m->days > taken ? sqrt(square / freedom) : 0;
    set_smear(m, inflate);
}

void demand_model_free(struct demand_model *m)
{
    free(m->y);
    free(m->residual);
    *m = (struct demand_model){0};
}

/* Residuals of `count` days, in blocks of neighbours from the ring of all days. */
static void draw_residuals(const struct demand_model *m, struct random *r, double *out,
                           size_t count)
{
    size_t at = 0;
    for (size_t t = 0; t < count; t++) {
        if (t % m->block == 0)
            at = (size_t)random_below(r, m->days);
        out[t] = m->residual[(at + t % m->block) % m->days];
    }
}

/* Levels and slope fitted to a history whose residuals are drawn anew. */
static void draw_fit(const struct demand_model *m, struct random *r, double *scratch,
                     double level[7], double *slope)
{
    draw_residuals(m, r, scratch, m->days);
    for (size_t t = 0; t < m->days; t++)
        scratch[t] += m->level[group_of(m, t)] + m->slope * (double)t;
    fit(m, scratch, level, slope);
}

static void set_trust(struct demand_model *m, uint64_t seed)
{
    struct random r;
    double level[7], slope, square = 0, *scratch = mem_alloc((m->days + 1) * sizeof *scratch);
    random_init(&r, seed, RANDOM_BOOTSTRAP, UINT64_MAX);
    for (int i = 0; i < TRUST_DRAWS; i++) {
        draw_fit(m, &r, scratch, level, &slope);
        square += (slope - m->slope) * (slope - m->slope) / TRUST_DRAWS;
    }
    m->trust = GROWTH_PRIOR * GROWTH_PRIOR / (GROWTH_PRIOR * GROWTH_PRIOR + square);
    free(scratch);
}

void demand_model_fit(struct demand_model *m, const double *demand, size_t days, int phase,
                      bool calendar, bool weekly, uint64_t seed)
{
    *m = (struct demand_model){.days = days, .phase = phase, .weekly = weekly && days >= 7};
    m->y = mem_alloc((days + 1) * sizeof *m->y);
    m->residual = mem_alloc((days + 1) * sizeof *m->residual);
    for (size_t t = 0; t < days; t++)
        m->y[t] = log(demand[t] + 0.5);
    m->trend = days >= TREND_DAYS;
    m->block = days >= 56 ? 14 : days >= 28 ? 7 : days >= 14 ? 5 : 1;
    choose_groups(m, calendar);
    fit(m, m->y, m->level, &m->slope);
    set_residuals(m);
    if (m->trend)
        set_trust(m, seed);
}

/* A day's level beside the drawn one: of a single week its own day is the best guess of the
 * weekday's, and what tells the days apart is in the noise besides, which is so too large rather
 * than too small; the mean demand stays that of the week. */
static double profile(const struct demand_model *m, size_t day)
{
    if (!has_own_profile(m))
        return 0;
    size_t latest = m->days - 7 + (day - m->days) % 7;
    return m->y[latest] - m->level[group_of(m, latest)];
}

/* Turns the line of every group around its middle, where the sample knows its level best. */
static void turn(const struct demand_model *m, double level[7], double from, double to)
{
    double sum[7] = {0}, n[7] = {0};
    for (size_t t = 0; t < m->days; t++) {
        sum[group_of(m, t)] += (double)t;
        n[group_of(m, t)]++;
    }
    for (int g = 0; g < m->groups; g++)
        level[g] += n[g] > 0 ? (from - to) * sum[g] / n[g] : 0;
}

void demand_model_draw(const struct demand_model *m, struct random *r, const double *growth,
                       double *scratch, double *out, size_t horizon)
{
    double level[7], slope, last = (double)m->days - 1;
    draw_fit(m, r, scratch, level, &slope);
    draw_residuals(m, r, out, horizon);
    double shrunk = m->trust * m->slope + sqrt(m->trust) * (slope - m->slope);
    turn(m, level, slope, shrunk);
    for (size_t i = 0; i < horizon; i++) {
        size_t day = m->days + i;
        double at = (double)day;
        /* An assumed growth starts from the level of the last day. */
        double trend = growth ? shrunk * last + *growth * (at - last) : shrunk * at;
        out[i] = exp(out[i] - m->smear + level[group_of(m, day)] + profile(m, day) + trend);
    }
}
