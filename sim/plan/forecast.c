#include "sim/plan/forecast.h"

#include "core/memory.h"
#include "core/stats/quantile.h"
#include "core/stop.h"
#include "sim/cost/bill/bill.h"
#include "sim/cost/bill/bought.h"
#include "sim/plan/forecast_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPLIT_ROWS 2000000 /* of larger samples the split is not looked for */

#define CHUNKS 256 /* of futures that are drawn together, at least so many in each */
#define CHUNK_LEAST 4

struct make {
    struct forecast *f;
    struct future_source from;
    struct tasks *futures;

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
    size_t days = h ? h->days : m->from.sample.day_count;
    double *demand = mem_alloc((days + 1) * sizeof *demand);
    int64_t start = o->has_start ? o->start_unix_ns : f->workload->start_unix_ns;
    bool known = o->has_start || f->workload->has_start;
    int64_t first = start + m->from.sample.origin_ns;
    m->from.sample_phase = known ? weekday_of(first) : 0;
    m->from.by_tokens = h && h->has_tokens;
    for (size_t i = 0; i < days; i++) {
        if (h)
            demand[i] = (double)(h->has_tokens ? h->tokens[i] : h->requests[i]);
        else
            demand[i] = m->from.sample.days[i].requests / m->from.sample.day_length;
    }
    if (h)
        first = h->first_day * FORECAST_DAY_NS;
    f->has_start = known || h;
    f->begin_unix_ns = f->has_start ? first + (int64_t)days * FORECAST_DAY_NS : 0;
    m->from.aligned = !h || known;
    int phase = f->has_start ? weekday_of(first) : 0;
    demand_model_fit(&m->from.model, demand, days, phase, f->has_start, !o->no_season, o->seed);
    f->weekly = m->from.model.weekly;
    f->has_trend = m->from.model.trend;
    f->trend_percent = 100 * expm1(m->from.model.trust * m->from.model.slope * FORECAST_MONTH_DAYS);
    f->noise = m->from.model.noise;
    f->model_days = days;
    m->from.few_days = days < 7;
    free(demand);
}

struct forecast_band forecast_band_of(double *values, size_t n)
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

struct forecast_end forecast_end_of(size_t *days, size_t n)
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
        struct forecast_band b = forecast_band_of(m->cumulative + (p * days + t) * n, n);
        out->p5[t] = b.p5;
        out->p50[t] = b.p50;
        out->p95[t] = b.p95;
        if ((t + 1) % FORECAST_MONTH_DAYS == 0) {
            out->month_usd[t / FORECAST_MONTH_DAYS] = b.mean - before;
            before = b.mean;
        }
        out->bill = b;
    }
    out->quota = forecast_end_of(m->quota_end + p * n, n);
    out->budget = forecast_end_of(m->budget_end + p * n, n);
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

/* Of one month alone nobody can have a plan that is paid for longer. */
static bool fits_a_month(const struct plan *p)
{
    return !plan_is_paid_by_period(p) || plan_period_ns(p) <= FORECAST_MONTH_DAYS * FORECAST_DAY_NS;
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
            if (serves_all(x) && (whole || fits_a_month(x->plan)) &&
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

/* ---- drawing ---- */

static size_t chunk_of(const struct forecast *f)
{
    size_t chunk = (f->options.samples + CHUNKS - 1) / CHUNKS;
    return chunk > CHUNK_LEAST ? chunk : CHUNK_LEAST;
}

static struct future_question question_of(const struct make *m, const double *growth, size_t first)
{
    struct future_question q;
    size_t left = m->f->options.samples - first, chunk = chunk_of(m->f);
    memset(&q, 0, sizeof q); /* questions are compared byte by byte */
    q.first = first;
    q.count = left < chunk ? left : chunk;
    q.has_growth = growth;
    q.growth = growth ? *growth : 0;
    return q;
}

static void take_plan(struct make *m, size_t sample, size_t p, const struct future_plan *came,
                      struct unpack *answer, struct forecast_plan *out)
{
    const struct forecast *f = m->f;
    size_t n = f->options.samples;
    for (size_t t = 0; t < f->days; t++)
        unpack_value(answer, m->cumulative[(p * f->days + t) * n + sample]);
    m->quota_end[p * n + sample] = came->quota_end;
    m->budget_end[p * n + sample] = came->budget_end;
    out->over_budget += came->over_budget;
    out->subscriptions += (double)came->subscriptions / (double)n;
    out->unserved_share += came->unserved_share;
    out->delayed_share += came->delayed_share;
}

/* In the order of the futures, whoever drew them: sums of floating point depend on it. */
static int take_futures(struct make *m, const struct future_question *q, struct unpack *answer,
                        struct forecast_plan *plans, struct error *err)
{
    for (size_t i = q->first; i < q->first + q->count; i++) {
        unpack_value(answer, m->requests[i]);
        for (size_t p = 0; p < m->f->plan_count; p++) {
            struct future_plan came;
            unpack_value(answer, came);
            take_plan(m, i, p, &came, answer, &plans[p]);
        }
    }
    return answer->broken ? error_set(err, ERR_WORK, "the futures did not come whole") : 0;
}

static int draw_chunk(struct make *m, const struct future_question *q, struct forecast_result *r,
                      struct error *err)
{
    struct buffer question, answer;
    buffer_init(&question, BUFFER_UNBOUNDED);
    buffer_init(&answer, BUFFER_UNBOUNDED);
    pack_value(&question, *q);
    int status = tasks_get(m->futures, &question, NULL, &answer, err);
    struct unpack u = unpack_of(&answer);
    if (status == 0)
        status = take_futures(m, q, &u, r->plans, err);
    buffer_free(&question);
    buffer_free(&answer);
    return status;
}

static void want_futures(struct make *m, const double *growth)
{
    if (!tasks_are_shared(m->futures))
        return;
    for (size_t i = 0; i < m->f->options.samples; i += chunk_of(m->f)) {
        struct future_question q = question_of(m, growth, i);
        struct buffer question;
        buffer_init(&question, BUFFER_UNBOUNDED);
        pack_value(&question, q);
        tasks_want(m->futures, &question, NULL);
        buffer_free(&question);
    }
}

static int draw_futures(struct make *m, const double *growth, struct forecast_result *r,
                        struct error *err)
{
    struct error failure = {0};
    int status = 0;
    want_futures(m, growth);
    for (size_t i = 0; i < m->f->options.samples && status == 0; i += chunk_of(m->f)) {
        struct future_question q = question_of(m, growth, i);
        status = stop_level() > 0 ? error_set(&failure, ERR_INTERRUPTED, "interrupted")
                                  : draw_chunk(m, &q, r, &failure);
    }
    if (status == ERR_INPUT)
        return error_set(err, ERR_INPUT,
                         "scenario \"%s\": the demand grows beyond what can be charged; check "
                         "--growth and the demand history",
                         r->scenario.name);
    if (status < 0 && !err->code)
        *err = failure;
    return status;
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
    if (draw_futures(m, growth, r, err) < 0)
        return err->code;
    r->requests = forecast_band_of(m->requests, f->options.samples);
    for (size_t p = 0; p < f->plan_count; p++)
        summarise_plan(m, p, &r->plans[p]);
    choose_plans(f, r);
    return f->options.commits ? forecast_commit(f, &m->from, growth, r, err) : 0;
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
    m->cumulative = mem_alloc((cells * n + 1) * sizeof *m->cumulative);
    m->requests = mem_alloc(n * sizeof *m->requests);
    m->quota_end = mem_alloc((f->plan_count * n + 1) * sizeof *m->quota_end);
    m->budget_end = mem_alloc((f->plan_count * n + 1) * sizeof *m->budget_end);
    return 0;
}

static void release(struct make *m)
{
    free(m->cumulative);
    free(m->requests);
    free(m->quota_end);
    free(m->budget_end);
    demand_model_free(&m->from.model);
    forecast_sample_free(&m->from.sample);
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

/* Tokens of the busiest hour of the day over those of a mean one, in thousandths; 0: the sample is
 * less than a day. */
static uint64_t peak_of(const struct forecast *f)
{
    const struct workload *w = f->workload;
    uint64_t hour[24] = {0}, sum = 0, most = 0;
    if (f->sample_days < 1)
        return 0;
    for (size_t i = 0; i < w->count; i++) {
        if (w->timestamp_ns[i] == TIME_NEVER)
            continue;
        int64_t day_ns = (w->timestamp_ns[i] % FORECAST_DAY_NS + FORECAST_DAY_NS) % FORECAST_DAY_NS;
        hour[day_ns / (FORECAST_DAY_NS / 24)] += (uint64_t)w->input_tokens[i] + w->output_tokens[i];
    }
    for (int h = 0; h < 24; h++) {
        sum += hour[h];
        most = hour[h] > most ? hour[h] : most;
    }
    return sum ? (uint64_t)((money_magnitude)most * 24000 / sum) : 0;
}

/* What the futures are drawn from is complete, and does not change from here on. */
static int run_scenarios(struct make *m, const struct forecast_plan *plans,
                         const struct plan *const *given, struct error *err)
{
    struct forecast *f = m->f;
    struct future_source *from = &m->from;
    from->plans = given;
    from->plan_count = f->plan_count;
    from->days = f->days;
    from->seed = f->options.seed;
    from->begin_unix_ns = f->begin_unix_ns;
    from->peak_milli = f->peak_milli = peak_of(f);
    from->weekly = f->weekly;
    from->has_budget = f->options.has_budget;
    from->budget = f->options.budget;
    int code = 0;
    m->futures = tasks_create(f->options.farm, &forecast_futures, from);
    for (size_t i = 0; i < f->options.scenario_count && code == 0; i++) {
        f->results[i].scenario = f->options.scenarios[i];
        code = run_scenario(m, plans, &f->results[i], err);
    }
    tasks_free(m->futures);
    return code;
}

static int make_all(struct make *m, struct forecast_plan *plans, const struct plan *const *given,
                    struct error *err)
{
    struct forecast *f = m->f;
    int code =
        forecast_sample_make(&m->from.sample, f->workload, &f->options, plans, f->plan_count, err);
    if (code < 0)
        return code;
    f->sample_days = m->from.sample.day_length < 1 ? 0 : m->from.sample.day_count;
    f->span_days = m->from.sample.day_length < 1 ? m->from.sample.day_length
                                                 : (double)m->from.sample.day_count;
    f->left_out = m->from.sample.left_out;
    m->from.weeks = m->from.sample.day_count / 7;
    code = check_length(f, &m->from.sample, err);
    if (code < 0)
        return code;
    fit_demand(m);
    code = allocate(m, err);
    if (code == 0)
        code = run_scenarios(m, plans, given, err);
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
        for (size_t k = 0; k < r->commitment_count; k++)
            free(r->commitments[k].by_month);
        free(r->commitments);
        free(r->plans);
        free(r->schedule);
    }
    free(f->results);
    f->results = NULL;
}
