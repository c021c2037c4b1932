#include "sim/plan/forecast.h"

#include "core/memory.h"
#include "core/stats/quantile.h"
#include "sim/cost/bill/bill.h"
#include "sim/plan/forecast_parts.h"

#include <gsl/gsl_cdf.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS_MAX (UINT64_C(1) << 20)
#define SPLIT_ROWS 2000000 /* of larger samples the split is not looked for */

struct make {
    struct forecast *f;
    struct forecast_sample sample;
    struct demand_model model;
    bool aligned; /* model and sample agree on the days of the week */
    int sample_phase;
    bool by_tokens; /* demand is measured in tokens */
    size_t weeks;   /* of the sample, to choose days from */
    bool few_days;  /* the days cannot show how uncertain the level is: the blocks must */
    uint64_t sample_key;

    /* of the future being drawn */
    double *demand, *scratch;
    size_t *source;              /* day of the sample */
    struct block_charge *course; /* [plan × days + day] */
    money *spend;                /* of one plan */

    /* of all futures of a scenario */
    double *cumulative;             /* [(plan × days + day) × samples + sample] */
    double *requests;               /* by sample */
    size_t *quota_end, *budget_end; /* [plan × samples + sample] */
};

static int weekday_of(int64_t unix_ns)
{
    int64_t days = clock_day_of(unix_ns);
    return (int)(((days + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday; 0 = Monday */
}

static int check_length(const struct forecast *f, const struct forecast_sample *s,
                        struct error *err)
{
    size_t days = f->options.history  ? f->options.history->days
                  : s->day_length < 1 ? 0
                                      : s->day_count;
    if (days >= 7 || f->options.assume_stationary)
        return 0;
    return error_set(err, ERR_INPUT,
                     "the %s spans %s days: less than a whole week says nothing about the other "
                     "days of a week; record longer, give a demand history (--history), or state "
                     "that every hour is like these with --assume-stationary",
                     f->options.history ? "demand history" : "sample",
                     TEXT_SHORT(f->options.history ? (double)days : f->span_days, 3));
}

/* Where the horizon begins, and which model the demand follows. */
static void fit_demand(struct make *m)
{
    struct forecast *f = m->f;
    const struct forecast_options *o = &f->options;
    const struct demand_history *h = o->history;
    size_t days = h ? h->days : m->sample.day_count;
    double *demand = mem_alloc((days + 1) * sizeof *demand);
    int64_t start = o->has_start ? o->start_unix_ns : f->workload->start_unix_ns;
    bool known = o->has_start || f->workload->has_start;
    int64_t first = start + m->sample.origin_ns;
    m->sample_phase = known ? weekday_of(first) : 0;
    m->by_tokens = h && h->has_tokens;
    for (size_t i = 0; i < days; i++) {
        if (h)
            demand[i] = (double)(h->has_tokens ? h->tokens[i] : h->requests[i]);
        else
            demand[i] = m->sample.days[i].requests / m->sample.day_length;
    }
    if (h)
        first = h->first_day * FORECAST_DAY_NS;
    f->has_start = known || h;
    f->begin_unix_ns = f->has_start ? first + (int64_t)days * FORECAST_DAY_NS : 0;
    m->aligned = !h || known;
    int phase = f->has_start ? weekday_of(first) : 0;
    demand_model_fit(&m->model, demand, days, phase, f->has_start, !o->no_season, o->seed);
    f->weekly = m->model.weekly;
    f->has_trend = m->model.trend;
    f->trend_percent = 100 * expm1(m->model.trust * m->model.slope * FORECAST_MONTH_DAYS);
    f->noise = m->model.noise;
    f->model_days = days;
    m->few_days = days < 7;
    free(demand);
}

/* A day without requests cannot stand for a day with some: the next of its weekday, else the next
 * that has any. */
static size_t day_with_requests(const struct make *m, size_t day)
{
    size_t n = m->sample.day_count;
    for (size_t other = day; other < n; other += 7)
        if (m->sample.days[other].requests > 0)
            return other;
    for (size_t k = 0; k < n; k++)
        if (m->sample.days[(day + k) % n].requests > 0)
            return (day + k) % n;
    return day;
}

/* Which day of the sample each day of the future is made of: of one week of the sample, drawn for
 * each week, the day that has the same weekday; without a season any day. */
static void choose_sources(struct make *m, struct random *r)
{
    size_t n = m->sample.day_count;
    bool by_weekday = m->f->weekly && m->aligned && n >= 7;
    size_t week = 0;
    for (size_t t = 0; t < m->f->days; t++) {
        if (!by_weekday) {
            m->source[t] = day_with_requests(m, (size_t)random_below(r, n));
            continue;
        }
        if (t % 7 == 0)
            week = (size_t)random_below(r, m->weeks);
        int weekday = (m->model.phase + (int)((m->model.days + t) % 7)) % 7;
        size_t offset = (size_t)((weekday - m->sample_phase + 7) % 7);
        m->source[t] = week * 7 + offset;
        if (m->source[t] >= n)
            m->source[t] -= 7;
        m->source[t] = day_with_requests(m, m->source[t]);
    }
}

/* The Poisson variate of this mean at which the distribution function passes u. */
static uint64_t poisson_at(double mean, double zero, double u)
{
    if (mean > 30) {
        double x = floor(mean + sqrt(mean) * gsl_cdf_ugaussian_Pinv(u) + 0.5);
        return x < 0 ? 0 : x > (double)REPEATS_MAX ? REPEATS_MAX : (uint64_t)x;
    }
    uint64_t k = 0;
    for (double p = zero, sum = zero; u > sum && k < 200; sum += p)
        p *= mean / (double)++k;
    return k;
}

/* A uniform number that belongs to the unit and the key. */
static double unit_chance(uint64_t key, uint64_t unit)
{
    return ((double)(random_mix(key, unit) >> 11) + 0.5) * 0x1p-53;
}

/* How often the block is taken. Of few days the sample itself is drawn anew first, once for the
 * whole future: each block stands in it as often as a Poisson variate with mean 1 says. */
static uint64_t repeats_of(const struct make *m, uint64_t key, uint64_t unit, double mean,
                           double zero)
{
    if (m->few_days) {
        mean *= (double)poisson_at(1, exp(-1), unit_chance(m->sample_key, unit));
        zero = exp(-mean);
    }
    return mean > 0 ? poisson_at(mean, zero, unit_chance(key, unit)) : 0;
}

/* One day of the future from blocks of its source. */
static int draw_day(struct make *m, size_t t, uint64_t key, double *requests)
{
    const struct forecast_sample *s = &m->sample;
    const struct sample_day *day = &s->days[m->source[t]];
    double size = m->by_tokens ? day->tokens : day->requests;
    double mean = size > 0 ? m->demand[t] / size : 0, zero = exp(-mean);
    if (mean > (double)REPEATS_MAX / 2)
        return -1;
    for (size_t b = day->first; b < day->first + day->count; b++) {
        uint64_t n = repeats_of(m, key, s->blocks[b].unit, mean, zero);
        if (n == 0)
            continue;
        *requests += (double)(n * s->blocks[b].requests);
        for (size_t p = 0; p < s->plan_count; p++)
            if (forecast_sample_add(s, b, p, n, &m->course[p * m->f->days + t]) < 0)
                return -1;
    }
    return 0;
}

static int draw_future(struct make *m, size_t sample, const double *growth)
{
    struct forecast *f = m->f;
    struct random r;
    uint64_t key = 0;
    /* The same stream for every scenario: their differences are not chance. */
    random_init(&r, f->options.seed, RANDOM_BOOTSTRAP, sample);
    demand_model_draw(&m->model, &r, growth, m->scratch, m->demand, f->days);
    choose_sources(m, &r);
    m->sample_key = random_u64(&r);
    memset(m->course, 0, f->plan_count * f->days * sizeof *m->course);
    m->requests[sample] = 0;
    for (size_t t = 0; t < f->days; t++) {
        if (t % 7 == 0)
            key = random_u64(&r);
        if (draw_day(m, t, key, &m->requests[sample]) < 0)
            return -1;
    }
    return 0;
}

static int settle_plan(struct make *m, size_t sample, size_t p, struct forecast_plan *out)
{
    struct forecast *f = m->f;
    size_t n = f->options.samples;
    struct plan_course c = {.plan = out->plan,
                            .demand = m->course + p * f->days,
                            .days = f->days,
                            .begin_unix_ns = f->begin_unix_ns,
                            .spend = m->spend};
    if (plan_course_settle(&c) < 0)
        return -1;
    money sum = 0;
    size_t over = FORECAST_NEVER;
    for (size_t t = 0; t < f->days; t++) {
        sum += m->spend[t];
        m->cumulative[(p * f->days + t) * n + sample] = money_to_double(sum);
        if (over == FORECAST_NEVER && f->options.has_budget && sum > f->options.budget)
            over = t;
    }
    m->quota_end[p * n + sample] = c.quota_end;
    m->budget_end[p * n + sample] = over;
    out->over_budget += sum > f->options.budget && f->options.has_budget;
    out->subscriptions += (double)c.subscriptions / (double)n;
    double asked = 0;
    for (size_t t = 0; t < f->days; t++)
        asked += (double)c.demand[t].weight_micro;
    if (asked > 0) {
        out->unserved_share += c.unserved / asked;
        out->delayed_share += c.delayed / asked;
    }
    return 0;
}

static struct forecast_band band_of(double *values, size_t n)
{
    const double p[] = {0.05, 0.5, 0.95};
    struct forecast_band b = {0};
    double q[3];
    for (size_t i = 0; i < n; i++)
        b.mean += values[i] / (double)n;
    quantiles_of(values, n, p, 3, q);
    b.p5 = q[0];
    b.p50 = q[1];
    b.p95 = q[2];
    return b;
}

static int by_day(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

static struct forecast_end end_of(size_t *days, size_t n)
{
    struct forecast_end e = {0};
    size_t within = 0;
    qsort(days, n, sizeof *days, by_day);
    while (within < n && days[within] != FORECAST_NEVER)
        within++;
    e.probability = (double)within / (double)n;
    e.p5 = days[(size_t)(0.05 * (double)(n - 1))];
    e.p50 = days[(n - 1) / 2];
    e.p95 = days[(size_t)(0.95 * (double)(n - 1))];
    return e;
}

static void summarise_plan(struct make *m, size_t p, struct forecast_plan *out)
{
    struct forecast *f = m->f;
    size_t n = f->options.samples, days = f->days;
    double before = 0;
    out->p5 = mem_alloc(days * sizeof *out->p5);
    out->p50 = mem_alloc(days * sizeof *out->p50);
    out->p95 = mem_alloc(days * sizeof *out->p95);
    out->month_usd = mem_zero(f->options.months, sizeof *out->month_usd);
    for (size_t t = 0; t < days; t++) {
        struct forecast_band b = band_of(m->cumulative + (p * days + t) * n, n);
        out->p5[t] = b.p5;
        out->p50[t] = b.p50;
        out->p95[t] = b.p95;
        if ((t + 1) % FORECAST_MONTH_DAYS == 0) {
            out->month_usd[t / FORECAST_MONTH_DAYS] = b.mean - before;
            before = b.mean;
        }
        out->bill = b;
    }
    out->quota = end_of(m->quota_end + p * n, n);
    out->budget = end_of(m->budget_end + p * n, n);
    out->over_budget /= (double)n;
    out->unserved_share /= (double)n;
    out->delayed_share /= (double)n;
}

static bool serves_all(const struct forecast_plan *p)
{
    return p->rejected == 0 && p->unserved_share <= 0;
}

/* True if `a` goes before `b`: at once before late, then by price. */
static bool better(const struct forecast_plan *a, double a_usd, const struct forecast_plan *b,
                   double b_usd)
{
    if ((a->delayed_share > 0) != (b->delayed_share > 0))
        return b->delayed_share > 0;
    return a_usd < b_usd;
}

/* The expected bill at an end of the doubt about tokens, by the sample's charges there. */
static double at_end(const struct forecast_plan *p, money sample)
{
    return p->sample_usd > 0
               ? p->bill.mean * (money_to_double(sample) / money_to_double(p->sample_usd))
               : p->bill.mean;
}

/* True if how two plans count tokens may turn their order round. */
static bool may_turn(const struct forecast_plan *first, const struct forecast_plan *other)
{
    const struct token_counts *a = &first->counts, *b = &other->counts;
    bool doubt[2] = {token_counts_in_doubt(a), token_counts_in_doubt(b)};
    bool together =
        doubt[0] && doubt[1] && a->priced && b->priced && strcmp(a->priced, b->priced) == 0;
    if (together)
        return at_end(other, other->least_usd) < at_end(first, first->least_usd) ||
               at_end(other, other->most_usd) < at_end(first, first->most_usd);
    return (doubt[0] || doubt[1]) &&
           at_end(other, other->least_usd) < at_end(first, first->most_usd);
}

static bool is_undecided(const struct forecast *f, const struct forecast_result *r)
{
    for (size_t p = 0; p < f->plan_count && r->cheapest != FORECAST_NEVER; p++)
        if (p != r->cheapest && serves_all(&r->plans[p]) &&
            may_turn(&r->plans[r->cheapest], &r->plans[p]))
            return true;
    return false;
}

static void choose_plans(const struct forecast *f, struct forecast_result *r)
{
    r->schedule = mem_alloc((f->options.months + 1) * sizeof *r->schedule);
    r->cheapest = FORECAST_NEVER;
    for (size_t k = 0; k <= f->options.months; k++) {
        size_t best = FORECAST_NEVER;
        for (size_t p = 0; p < f->plan_count; p++) {
            const struct forecast_plan *x = &r->plans[p], *y = &r->plans[best % f->plan_count];
            bool whole = k == f->options.months;
            if (serves_all(x) &&
                (best == FORECAST_NEVER || better(x, whole ? x->bill.mean : x->month_usd[k], y,
                                                  whole ? y->bill.mean : y->month_usd[k])))
                best = p;
        }
        if (k == f->options.months)
            r->cheapest = best;
        else
            r->schedule[k] = best;
        if (k < f->options.months && best != FORECAST_NEVER)
            r->schedule_usd += r->plans[best].month_usd[k];
    }
    r->undecided = is_undecided(f, r);
}

static int run_scenario(struct make *m, const struct forecast_plan *plans,
                        struct forecast_result *r, struct error *err)
{
    struct forecast *f = m->f;
    double slope = log1p(r->scenario.percent / 100) / FORECAST_MONTH_DAYS;
    const double *growth = r->scenario.assumed ? &slope : NULL;
    r->percent = r->scenario.assumed ? r->scenario.percent : f->trend_percent;
    r->plans = mem_alloc((f->plan_count + 1) * sizeof *r->plans);
    memcpy(r->plans, plans, f->plan_count * sizeof *plans);
    for (size_t i = 0; i < f->options.samples; i++) {
        int code = draw_future(m, i, growth);
        for (size_t p = 0; p < f->plan_count && code == 0; p++)
            code = settle_plan(m, i, p, &r->plans[p]);
        if (code < 0)
            return error_set(err, ERR_INPUT,
                             "scenario \"%s\": the demand grows beyond what can be charged; check "
                             "--growth and the demand history",
                             r->scenario.name);
    }
    r->requests = band_of(m->requests, f->options.samples);
    for (size_t p = 0; p < f->plan_count; p++)
        summarise_plan(m, p, &r->plans[p]);
    choose_plans(f, r);
    return 0;
}

static int allocate(struct make *m, struct error *err)
{
    const struct forecast *f = m->f;
    size_t n = f->options.samples, cells = f->plan_count * f->days;
    if (n * cells > (size_t)1 << 27)
        return error_set(err, ERR_INPUT,
                         "%zu samples of %zu days under %zu plans do not fit in memory; take fewer "
                         "--samples or plans",
                         n, f->days, f->plan_count);
    m->demand = mem_alloc(f->days * sizeof *m->demand);
    m->scratch = mem_alloc((m->model.days + 1) * sizeof *m->scratch);
    m->source = mem_alloc(f->days * sizeof *m->source);
    m->course = mem_alloc((cells + 1) * sizeof *m->course);
    m->spend = mem_alloc(f->days * sizeof *m->spend);
    m->cumulative = mem_alloc((cells * n + 1) * sizeof *m->cumulative);
    m->requests = mem_alloc(n * sizeof *m->requests);
    m->quota_end = mem_alloc((f->plan_count * n + 1) * sizeof *m->quota_end);
    m->budget_end = mem_alloc((f->plan_count * n + 1) * sizeof *m->budget_end);
    return 0;
}

static void release(struct make *m)
{
    free(m->demand);
    free(m->scratch);
    free(m->source);
    free(m->course);
    free(m->spend);
    free(m->cumulative);
    free(m->requests);
    free(m->quota_end);
    free(m->budget_end);
    demand_model_free(&m->model);
    forecast_sample_free(&m->sample);
}

/* The split that the sample's bill offers. */
static int find_split(struct forecast *f, const struct plan *const *plans, struct error *err)
{
    struct bill bill;
    struct bill_options o = {.workers = 1,
                             .has_start = f->options.has_start,
                             .start_unix_ns = f->options.start_unix_ns,
                             .scales = f->options.scales};
    if (f->plan_count < 2 || f->workload->count > SPLIT_ROWS)
        return 0;
    int code = bill_make(&bill, f->workload, plans, f->plan_count, &o, err);
    if (code < 0)
        return code;
    const struct bill_split *b = bill.best_split;
    if (b && bill.ranking_count > 0 && bill.best_split_saved > 0 && !bill.split_undecided &&
        !bill.undecided) {
        const struct plan_bill *token = &bill.plans[b->token_plan];
        double alone = money_to_double(bill.plans[bill.ranking[0]].total);
        f->split = (struct forecast_split){
            .present = true,
            .flat = bill.plans[b->flat_plan].plan,
            .token = token->plan,
            .to_flat_share = (double)b->to_flat / (double)f->workload->count,
            .least_moved = b->least_moved,
            .saved = bill.best_split_saved,
            .saved_share = alone > 0 ? money_to_double(bill.best_split_saved) / alone : 0};
    }
    bill_free(&bill);
    return 0;
}

static int make_all(struct make *m, struct forecast_plan *plans, const struct plan *const *given,
                    struct error *err)
{
    struct forecast *f = m->f;
    int code =
        forecast_sample_make(&m->sample, f->workload, &f->options, plans, f->plan_count, err);
    if (code < 0)
        return code;
    f->sample_days = m->sample.day_length < 1 ? 0 : m->sample.day_count;
    f->span_days = m->sample.day_length < 1 ? m->sample.day_length : (double)m->sample.day_count;
    f->left_out = m->sample.left_out;
    m->weeks = m->sample.day_count / 7;
    code = check_length(f, &m->sample, err);
    if (code < 0)
        return code;
    fit_demand(m);
    code = allocate(m, err);
    for (size_t i = 0; i < f->options.scenario_count && code == 0; i++) {
        f->results[i].scenario = f->options.scenarios[i];
        code = run_scenario(m, plans, &f->results[i], err);
    }
    return code == 0 ? find_split(f, given, err) : code;
}

int forecast_make(struct forecast *out, const struct workload *w, const struct plan *const *plans,
                  size_t count, const struct forecast_options *options, struct error *err)
{
    struct make m = {.f = out};
    *out = (struct forecast){.options = *options, .workload = w, .plan_count = count};
    if (options->months < 1 || options->months > FORECAST_MAX_MONTHS || options->samples < 20 ||
        options->samples > FORECAST_MAX_SAMPLES || count == 0 || options->scenario_count == 0)
        return error_set(err, ERR_INPUT,
                         "a forecast takes 1 to %d months, 20 to %d samples, and at least one plan "
                         "and scenario",
                         FORECAST_MAX_MONTHS, FORECAST_MAX_SAMPLES);
    for (size_t i = 0; i < options->scenario_count; i++)
        if (!(options->scenarios[i].percent > -100 && options->scenarios[i].percent <= 1000))
            return error_set(err, ERR_INPUT,
                             "growth per month lies above -100 and up to 1000 percent, scenario "
                             "\"%s\" has %s",
                             options->scenarios[i].name,
                             TEXT_SHORT(options->scenarios[i].percent, 6));
    out->days = (size_t)options->months * FORECAST_MONTH_DAYS;
    out->results = mem_zero(options->scenario_count, sizeof *out->results);
    struct forecast_plan *charged = mem_zero(count, sizeof *charged);
    for (size_t i = 0; i < count; i++)
        charged[i].plan = plans[i];
    int code = make_all(&m, charged, plans, err);
    free(charged);
    release(&m);
    if (code < 0)
        forecast_free(out);
    return code;
}

void forecast_free(struct forecast *f)
{
    for (size_t i = 0; f->results && i < f->options.scenario_count; i++) {
        struct forecast_result *r = &f->results[i];
        for (size_t p = 0; r->plans && p < f->plan_count; p++) {
            free(r->plans[p].p5);
            free(r->plans[p].p50);
            free(r->plans[p].p95);
            free(r->plans[p].month_usd);
        }
        free(r->plans);
        free(r->schedule);
    }
    free(f->results);
    f->results = NULL;
}
