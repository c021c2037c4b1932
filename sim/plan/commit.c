#include "sim/plan/commit.h"

#include "core/memory.h"
#include "core/stop.h"
#include "sim/cost/bill/bought.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_COUNT ((uint64_t)1 << 30)

/* The cost of one count, summed over the futures: of the horizon, and month by month. */
struct costs {
    uint64_t count;
    money total, *month;
};

struct choosing {
    const struct commit_question *q;
    struct plan plan; /* as the question's, but what it has no room for is not kept waiting */
    size_t months;
    struct costs *known;
    size_t known_count, known_capacity;
    money *spend;   /* by day */
    uint64_t *left; /* by day: demand that has no room, in micro-requests */
    struct block_charge *nothing;
    double *by_future; /* of the count that is worked out; NULL: not asked */
    double *by_month;  /* [sample × months + month]; NULL likewise */
    size_t month;      /* that is searched; months: all of them */
    bool failed;
};

/* ---- the plan ---- */

static struct plan_quota *without_queues(const struct plan_quota *from, size_t count,
                                         bool pays_beyond)
{
    struct plan_quota *out = mem_alloc((count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = from[i];
        if (out[i].beyond == BEYOND_QUEUE ||
            (out[i].beyond == BEYOND_PAY && !pays_beyond && !plan_quota_is_settled(&out[i])))
            out[i].beyond = BEYOND_REJECT;
    }
    return out;
}

static void begin(struct choosing *x, const struct commit_question *q)
{
    *x = (struct choosing){.q = q, .plan = *q->plan};
    x->months = (q->days + FORECAST_MONTH_DAYS - 1) / FORECAST_MONTH_DAYS;
    x->month = x->months;
    x->plan.quotas = without_queues(q->plan->quotas, q->plan->quota_count, q->pays_beyond);
    x->plan.rate_limits =
        without_queues(q->plan->rate_limits, q->plan->rate_limit_count, q->pays_beyond);
    x->spend = mem_zero(q->days + 1, sizeof *x->spend);
    x->left = mem_zero(q->days + 1, sizeof *x->left);
    x->nothing = mem_zero(q->days + 1, sizeof *x->nothing);
}

static void end(struct choosing *x)
{
    for (size_t i = 0; i < x->known_count; i++)
        free(x->known[i].month);
    free(x->known);
    free(x->plan.quotas);
    free(x->plan.rate_limits);
    free(x->spend);
    free(x->left);
    free(x->nothing);
}

/* ---- the cost of a count ---- */

/* Of a day, what goes elsewhere. */
static int elsewhere(const struct choosing *x, uint64_t count, size_t sample, size_t day,
                     money *out)
{
    size_t at = sample * x->q->days + day;
    const struct block_charge *demand = &x->q->demand[at];
    *out = x->q->elsewhere[at];
    if (count == 0 || demand->weight_micro == 0)
        return 0;
    return money_prorate(x->q->elsewhere[at], x->left[day], demand->weight_micro, out);
}

/* x->spend and x->left of so many of the plan for this demand. */
static int settle(struct choosing *x, uint64_t count, const struct block_charge *demand)
{
    struct plan_course c = {.plan = &x->plan,
                            .demand = demand,
                            .days = x->q->days,
                            .begin_unix_ns = x->q->begin_unix_ns,
                            .spend = x->spend,
                            .left = x->left,
                            .holds_capacity = true,
                            .peak_milli = x->q->peak_milli};
    if (count > 0)
        return plan_course_settle_count(&c, count);
    memset(x->spend, 0, x->q->days * sizeof *x->spend);
    return 0;
}

static int add_future(struct choosing *x, struct costs *c, size_t sample)
{
    money sum = 0;
    if (settle(x, c->count, x->q->demand + sample * x->q->days) < 0)
        return -1;
    for (size_t day = 0; day < x->q->days; day++) {
        size_t month = day / FORECAST_MONTH_DAYS;
        money spilled, cost;
        if (elsewhere(x, c->count, sample, day, &spilled) < 0 ||
            money_add(x->spend[day], spilled, &cost) < 0 || money_add(sum, cost, &sum) < 0 ||
            money_add(c->month[month], cost, &c->month[month]) < 0)
            return -1;
        if (x->by_month)
            x->by_month[sample * x->months + month] += money_to_double(cost);
    }
    if (x->by_future)
        x->by_future[sample] = money_to_double(sum);
    return money_add(c->total, sum, &c->total);
}

/* NULL: beyond 128 bits. What is known is not worked out again, unless the futures' are asked. */
static const struct costs *costs_of(struct choosing *x, uint64_t count)
{
    for (size_t i = 0; i < x->known_count && !x->by_future && !x->by_month; i++)
        if (x->known[i].count == count)
            return &x->known[i];
    mem_grow((void **)&x->known, &x->known_capacity, x->known_count + 1, sizeof *x->known);
    struct costs *c = &x->known[x->known_count++];
    *c = (struct costs){.count = count, .month = mem_zero(x->months + 1, sizeof *c->month)};
    for (size_t i = 0; i < x->q->samples; i++)
        if (stop_level() || add_future(x, c, i) < 0) {
            x->failed = true;
            return NULL;
        }
    return c;
}

static money cost_of(void *context, uint64_t count)
{
    struct choosing *x = context;
    const struct costs *c = x->failed ? NULL : costs_of(x, count);
    return !c ? MONEY_MAX : x->month == x->months ? c->total : c->month[x->month];
}

/* ---- the best count ---- */

/* What one of the plan costs though nothing is asked of it: of the horizon, and of the month where
 * that is least. */
static int standing(struct choosing *x, money *all, money *least_month)
{
    money month[FORECAST_MAX_MONTHS] = {0};
    *all = 0;
    if (settle(x, 1, x->nothing) < 0)
        return -1;
    for (size_t day = 0; day < x->q->days; day++) {
        size_t k = day / FORECAST_MONTH_DAYS;
        if (money_add(*all, x->spend[day], all) < 0 ||
            money_add(month[k], x->spend[day], &month[k]) < 0)
            return -1;
    }
    *least_month = month[0];
    for (size_t k = 1; k < x->months; k++)
        *least_month = month[k] < *least_month ? month[k] : *least_month;
    return 0;
}

/* More than these cost more than none, whatever they take in. */
static uint64_t most_of(const struct choosing *x, money none, money one)
{
    money_magnitude most =
        one > 0 ? (money_magnitude)none / ((money_magnitude)one * x->q->samples) + 1 : 1;
    return most > MOST_COUNT ? MOST_COUNT : (uint64_t)most;
}

/* For the horizon (month = months), or for one month alone. */
static uint64_t best_of(struct choosing *x, size_t month, money one)
{
    money least;
    x->month = month;
    money none = cost_of(x, 0);
    if (one <= 0)
        return none <= cost_of(x, 1) ? 0 : 1;
    uint64_t best = bought_cheapest(1, most_of(x, none, one), cost_of, x, &least);
    x->month = x->months;
    return least < none ? best : 0;
}

/* The most that one could cost over the horizon and pay: what it saves elsewhere, the mean of as
 * many as save most each. */
static double worth_of(struct choosing *x, money one)
{
    double none = money_to_double(cost_of(x, 0)), best = -INFINITY;
    uint64_t most = most_of(x, cost_of(x, 0), one);
    for (uint64_t n = 1; n <= most && !x->failed; n *= 2) {
        double standing_cost = (double)n * money_to_double(one) * (double)x->q->samples;
        double saved = none - (money_to_double(cost_of(x, n)) - standing_cost);
        double each = saved / (double)n / (double)x->q->samples;
        if (each < best || n > most / 2) /* more of them save less each */
            return fmax(best, each);
        best = each;
    }
    return best;
}

/* ---- what is said of it ---- */

static double *futures_of(struct choosing *x, uint64_t count, double **by_month)
{
    double *out = mem_zero(x->q->samples + 1, sizeof *out);
    *by_month = mem_zero(x->q->samples * x->months + 1, sizeof **by_month);
    x->by_future = out;
    x->by_month = *by_month;
    (void)costs_of(x, count);
    x->by_future = x->by_month = NULL;
    return out;
}

/* The first month from which on, to the horizon's end, the other choice is the better one. */
static size_t turn_of(const bool *pays, size_t months, bool now)
{
    size_t from = months;
    while (from > 0 && pays[from - 1] != now)
        from--;
    return from < months ? from * FORECAST_MONTH_DAYS : FORECAST_NEVER;
}

/* When the choice turns, in each future: so many against none, month by month. */
static void find_turns(struct choosing *x, struct commitment *out, const double *with,
                       const double *without)
{
    size_t n = x->q->samples, *days = mem_alloc((n + 1) * sizeof *days);
    bool now = out->by_month[0] > 0, pays[FORECAST_MAX_MONTHS];
    for (size_t k = 0; k < x->months; k++)
        pays[k] = out->by_month[k] > 0;
    out->turns = turn_of(pays, x->months, now);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < x->months; k++)
            pays[k] = with[i * x->months + k] < without[i * x->months + k];
        days[i] = turn_of(pays, x->months, now);
    }
    out->turn = forecast_end_of(days, n);
    free(days);
}

/* How many are set against none to see when that turns: those of the first month, else those of the
 * first month that has some. */
static uint64_t turning_count(const struct commitment *c, size_t months)
{
    for (size_t k = 0; k < months; k++)
        if (c->by_month[k] > 0)
            return c->by_month[k];
    return 1;
}

static void describe(struct choosing *x, struct commitment *out)
{
    double *none_months, *months, *turn_months;
    double *none = futures_of(x, 0, &none_months), *some = futures_of(x, out->count, &months),
           *turning = futures_of(x, turning_count(out, x->months), &turn_months);
    for (size_t i = 0; i < x->q->samples; i++)
        out->saves += (some[i] < none[i]) / (double)x->q->samples;
    find_turns(x, out, turn_months, none_months);
    out->usd = forecast_band_of(some, x->q->samples);
    out->without = forecast_band_of(none, x->q->samples);
    free(none);
    free(none_months);
    free(some);
    free(months);
    free(turning);
    free(turn_months);
}

int commit_choose(struct commitment *out, const struct commit_question *q)
{
    struct choosing x;
    money one, one_month;
    begin(&x, q);
    *out = (struct commitment){.plan = out->plan,
                               .elsewhere = out->elsewhere,
                               .pays_beyond = q->pays_beyond,
                               .turns = FORECAST_NEVER};
    out->by_month = mem_zero(x.months + 1, sizeof *out->by_month);
    x.failed = standing(&x, &one, &one_month) < 0;
    if (!x.failed) {
        out->count = best_of(&x, x.months, one);
        for (size_t k = 0; k < x.months; k++)
            out->by_month[k] = x.months == 1 ? out->count : best_of(&x, k, one_month);
        out->one_usd = money_to_double(one);
        out->worth_usd = worth_of(&x, one);
    }
    if (!x.failed)
        describe(&x, out);
    bool failed = x.failed;
    end(&x);
    if (failed)
        commit_free(out);
    return failed ? ERR_INPUT : 0;
}

int commit_cost(const struct commit_question *q, uint64_t count, double *usd)
{
    struct choosing x;
    begin(&x, q);
    const struct costs *c = costs_of(&x, count);
    *usd = c ? money_to_double(c->total) / (double)q->samples : NAN;
    end(&x);
    return c ? 0 : ERR_INPUT;
}

double commitment_discount(const struct commitment *c)
{
    bool pays = c->worth_usd >= c->one_usd || c->one_usd <= 0;
    return pays ? NAN : 1 - fmax(c->worth_usd, 0) / c->one_usd;
}

void commit_free(struct commitment *c)
{
    free(c->by_month);
    c->by_month = NULL;
}

/* ---- over a forecast's futures, beside what last month would have one buy ---- */

#define KEPT_MOST ((size_t)1 << 30) /* bytes */

static bool is_by_use(const struct plan *p)
{
    return !plan_is_paid_by_period(p);
}

static int check_room(const struct forecast *f, struct error *err)
{
    size_t cells = f->options.samples * f->days, bytes = 0;
    const struct forecast_plan *plans = f->results[0].plans;
    for (size_t p = 0; p < f->plan_count; p++)
        bytes += cells * (plan_is_bought_in_numbers(plans[p].plan, 0) ? sizeof(struct block_charge)
                                                                      : sizeof(money));
    if (bytes <= KEPT_MOST)
        return 0;
    return error_set(err, ERR_INPUT,
                     "%u samples of %zu days under %zu plans do not fit in memory with --commit; "
                     "take fewer --samples, months or plans",
                     f->options.samples, f->days, f->plan_count);
}

/* Room for what is asked of the commitments that are worked out. */
static void keep_begin(struct kept_futures *k, const struct forecast *f,
                       const struct forecast_result *r)
{
    size_t cells = f->options.samples * f->days;
    k->demand = mem_zero(f->plan_count + 1, sizeof *k->demand);
    for (size_t i = 0; i < r->commitment_count; i++)
        if (!r->commitments[i].why_not)
            k->demand[r->commitments[i].plan] = mem_alloc((cells + 1) * sizeof **k->demand);
    k->spend_of = r->commitments[0].elsewhere;
    k->spend = mem_alloc((cells + 1) * sizeof *k->spend);
}

static void keep_end(struct kept_futures *k, const struct forecast *f)
{
    for (size_t p = 0; p < f->plan_count; p++)
        free(k->demand[p]);
    free(k->demand);
    free(k->spend);
}

/* ---- last month ---- */

/* The sample's last days, at most a month of them, again and again over the horizon. */
struct last_month {
    struct block_charge *demand;
    money *spend;
    size_t days;
};

static int fill_days(const struct forecast_sample *s, size_t plan, size_t last,
                     struct block_charge *out, size_t days)
{
    memset(out, 0, days * sizeof *out);
    for (size_t t = 0; t < days; t++) {
        const struct sample_day *day = &s->days[s->day_count - last + t % last];
        for (size_t b = day->first; b < day->first + day->count; b++)
            if (forecast_sample_add(s, b, plan, 1, &out[t]) < 0)
                return -1;
    }
    return 0;
}

static int last_month_make(struct last_month *m, const struct forecast *f,
                           const struct forecast_sample *s, const struct commitment *c)
{
    struct plan_course course = {.plan = f->results[0].plans[c->elsewhere].plan,
                                 .days = f->days,
                                 .begin_unix_ns = f->begin_unix_ns};
    m->days = s->day_count < FORECAST_MONTH_DAYS ? s->day_count : FORECAST_MONTH_DAYS;
    m->demand = mem_alloc((f->days + 1) * sizeof *m->demand);
    m->spend = mem_alloc((f->days + 1) * sizeof *m->spend);
    course.demand = m->demand;
    course.spend = m->spend;
    if (fill_days(s, c->elsewhere, m->days, m->demand, f->days) < 0 ||
        plan_course_settle(&course) < 0)
        return -1;
    return fill_days(s, c->plan, m->days, m->demand, f->days);
}

/* What last month would have one buy, and what that costs in the futures. */
static int look_back(const struct forecast *f, const struct forecast_sample *s,
                     const struct commit_question *q, struct commitment *c)
{
    struct last_month last = {0};
    struct commitment then = {0};
    if (f->options.history || f->sample_days < 1)
        return 0;
    int code = last_month_make(&last, f, s, c);
    struct commit_question asked = *q;
    asked.samples = 1;
    asked.demand = last.demand;
    asked.elsewhere = last.spend;
    if (code == 0)
        code = commit_choose(&then, &asked);
    if (code == 0)
        code = commit_cost(q, then.count, &c->last_usd);
    c->has_last = code == 0;
    c->last_days = last.days;
    c->last_count = then.count;
    commit_free(&then);
    free(last.demand);
    free(last.spend);
    return code;
}

/* ---- the commitments ---- */

/* The plan by use that is expected to cost least of those that serve everything. */
static size_t cheapest_by_use(const struct forecast *f, const struct forecast_result *r)
{
    size_t best = FORECAST_NEVER;
    for (size_t p = 0; p < f->plan_count; p++) {
        const struct forecast_plan *x = &r->plans[p];
        if (is_by_use(x->plan) && x->rejected == 0 && x->unserved_share <= 0 &&
            x->delayed_share <= 0 &&
            (best == FORECAST_NEVER || x->bill.mean < r->plans[best].bill.mean))
            best = p;
    }
    return best;
}

static const char *why_not(const struct forecast *f, const struct forecast_result *r,
                           const struct commitment *c)
{
    const struct forecast_plan *p = &r->plans[c->plan];
    if (c->elsewhere == FORECAST_NEVER)
        return "there is no plan by use among these that serves what it has no room for";
    if (r->undecided)
        return "how plans count tokens decides it (--tokens-as says how many)";
    if (p->rejected > 0)
        return "it turns requests of the sample away, however many there are of it";
    if (plan_period_ns(p->plan) > (int64_t)f->days * FORECAST_DAY_NS)
        return "it is paid for longer than these months: more --months tell";
    return NULL;
}

/* True if `a` is the better way to have the plan. */
static bool is_better_way(const struct commitment *a, const struct commitment *b)
{
    if (a->usd.mean < b->usd.mean || b->usd.mean < a->usd.mean)
        return a->usd.mean < b->usd.mean;
    return a->worth_usd > b->worth_usd;
}

/* Of a plan that lets one pay for what is beyond it, as it asks or elsewhere, whichever is less. */
static int choose(const struct kept_futures *k, const struct forecast *f,
                  const struct forecast_sample *s, const struct forecast_result *r,
                  struct commitment *c)
{
    struct commit_question q = {.plan = r->plans[c->plan].plan,
                                .days = f->days,
                                .samples = f->options.samples,
                                .begin_unix_ns = f->begin_unix_ns,
                                .demand = k->demand[c->plan],
                                .elsewhere = k->spend,
                                .peak_milli = f->peak_milli};
    struct commitment paid = *c;
    int code = commit_choose(c, &q);
    q.pays_beyond = true;
    if (code == 0 && plan_pays_beyond(q.plan))
        code = commit_choose(&paid, &q);
    if (code == 0 && paid.by_month && is_better_way(&paid, c)) {
        commit_free(c);
        *c = paid;
    } else {
        commit_free(&paid);
    }
    q.pays_beyond = c->pays_beyond;
    return code == 0 ? look_back(f, s, &q, c) : code;
}

/* The plans of which one buys a number before it is known what will be asked. Returns how many of
 * them are worked out. */
static size_t list_commitments(const struct forecast *f, struct forecast_result *r)
{
    size_t elsewhere = cheapest_by_use(f, r), worked = 0;
    r->commitments = mem_zero(f->plan_count + 1, sizeof *r->commitments);
    for (size_t p = 0; p < f->plan_count; p++) {
        struct commitment *c = &r->commitments[r->commitment_count];
        if (!plan_is_bought_in_numbers(r->plans[p].plan, 0))
            continue;
        r->commitment_count++;
        c->plan = p;
        c->elsewhere = elsewhere;
        c->turns = FORECAST_NEVER;
        c->why_not = why_not(f, r, c);
        worked += !c->why_not;
    }
    return worked;
}

static int choose_all(const struct kept_futures *k, const struct forecast *f,
                      const struct forecast_sample *sample, struct forecast_result *r,
                      struct error *err)
{
    for (size_t i = 0; i < r->commitment_count; i++) {
        struct commitment *c = &r->commitments[i];
        int code = c->why_not ? 0 : choose(k, f, sample, r, c);
        if (stop_level())
            return error_set(err, ERR_INTERRUPTED, "interrupted: nothing was forecast");
        if (code < 0)
            return error_set(err, ERR_INPUT,
                             "scenario \"%s\": what %s would cost is beyond what can be charged",
                             r->scenario.name, r->plans[c->plan].plan->name);
    }
    return 0;
}

int forecast_commit(const struct forecast *f, const struct future_source *from,
                    const double *growth, struct forecast_result *r, struct error *err)
{
    struct kept_futures k;
    size_t worked = list_commitments(f, r);
    if (check_room(f, err) < 0)
        return err->code;
    if (worked == 0)
        return 0;
    keep_begin(&k, f, r);
    int code = 0;
    if (forecast_keep_futures(from, f->options.samples, growth, &k) < 0)
        code = error_set(err, ERR_INPUT, "the demand grows beyond what can be charged");
    if (code == 0)
        code = choose_all(&k, f, &from->sample, r, err);
    keep_end(&k, f);
    return code;
}
