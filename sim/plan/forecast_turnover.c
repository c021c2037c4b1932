/* How far the users of a sample come and go, from what they took of its two halves. */
#include "sim/plan/forecast_parts.h"

#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <stdlib.h>

#define GROUPS 4096     /* more users than that are taken together */
#define PERIODS_LEAST 8 /* of less than four days */
#define DAYS_LEAST 4
#define LEFT 0.25 /* of what users move, the rest is in the days of demand already */

struct shares {
    size_t groups, periods;
    double *of; /* [group × periods + period]: tokens, then their share of the period's */
};

/* Sums over groups, of squares of shares of all tokens. */
struct moves {
    double halves; /* of the difference between the halves of the sample */
    double chance; /* of what the periods' own variance makes of it */
    double size, fourth;
};

static void sum_tokens(struct shares *s, const struct forecast_rows *rows)
{
    const struct workload *w = rows->workload;
    bool many = rows->user_count > GROUPS;
    for (size_t i = 0; i < w->count; i++) {
        int64_t at = rows->begins_ns[i] - rows->origin_ns;
        if (at < 0 || at >= rows->span_ns)
            continue;
        double place = (double)at / (double)rows->span_ns * (double)s->periods;
        size_t period = (size_t)place < s->periods ? (size_t)place : s->periods - 1;
        size_t user = rows->user[i];
        size_t group = many && user > 0 ? 1 + random_mix(5, user) % GROUPS : user;
        s->of[group * s->periods + period] +=
            (double)w->input_tokens[i] + (double)w->output_tokens[i];
    }
}

static void share_tokens(struct shares *s)
{
    for (size_t t = 0; t < s->periods; t++) {
        double all = 0;
        for (size_t g = 0; g <= s->groups; g++)
            all += s->of[g * s->periods + t];
        for (size_t g = 0; g <= s->groups && all > 0; g++)
            s->of[g * s->periods + t] /= all;
    }
}

/* Neighbouring periods tell the variance of one, whatever moves slowly (von Neumann, 1941). */
static void add_moves(struct moves *m, const double *share, size_t periods)
{
    size_t half = periods / 2;
    double first = 0, last = 0, steps = 0;
    for (size_t t = 0; t < half; t++) {
        first += share[t] / (double)half;
        last += share[periods - half + t] / (double)half;
    }
    for (size_t t = 0; t + 1 < periods; t++)
        steps += (share[t + 1] - share[t]) * (share[t + 1] - share[t]);
    double variance = steps / 2 / (double)(periods - 1), mean = (first + last) / 2;
    m->halves += (first - last) * (first - last);
    m->chance += 2 * variance / (double)half;
    m->size += mean * mean;
    m->fourth += mean * mean * mean * mean;
}

/* Few heavy users say little: a standard error is added to what they moved. */
static double turnover_of(const struct moves *m, double days)
{
    if (m->size <= m->chance / 4)
        return FORECAST_TURNOVER_MAX;
    double error = m->chance * sqrt(2 * m->fourth) / m->size;
    double moved = fmax(m->halves - m->chance, 0) * (1 + FORECAST_MONTH_DAYS / days) * LEFT;
    return fmin((moved + error) / (m->size - m->chance / 4), FORECAST_TURNOVER_MAX);
}

double forecast_turnover(const struct forecast_rows *rows)
{
    double days = (double)rows->span_ns / (double)FORECAST_DAY_NS;
    struct shares s = {.groups = rows->user_count < GROUPS ? rows->user_count : GROUPS,
                       .periods = days < DAYS_LEAST ? PERIODS_LEAST : (size_t)days};
    struct moves m = {0};
    if (rows->user_count == 0)
        return 0;
    s.of = mem_zero((s.groups + 1) * s.periods, sizeof *s.of);
    sum_tokens(&s, rows);
    share_tokens(&s);
    for (size_t g = 1; g <= s.groups; g++)
        add_moves(&m, s.of + g * s.periods, s.periods);
    free(s.of);
    return turnover_of(&m, days);
}
