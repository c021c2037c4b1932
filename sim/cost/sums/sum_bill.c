#include "sim/cost/sums/sum_bill.h"

#include "core/memory.h"
#include "sim/cost/bill/bought.h"
#include "sim/cost/book/price.h"
#include "sim/cost/sums/sum_fees.h"

#include <stdlib.h>

void sum_row_get(const struct sum_bill *bill, const struct plan *plan, size_t i,
                 struct sum_row *out)
{
    const struct workload *w = bill->workload;
    uint32_t requests = w->requests ? w->requests[i] : 1;
    *out = (struct sum_row){
        .usage = workload_usage(w, i),
        .least = requests == REQUESTS_UNKNOWN ? 1 : requests,
        .most = requests == REQUESTS_UNKNOWN ? SUM_NOT_COUNTED : requests,
        .from_ns = w->timestamp_ns[i],
        .until_ns = workload_bucket_end_ns(w, i),
        .start_unix_ns = bill->has_start ? bill->start_unix_ns : TIME_NEVER,
        .status = w->status ? (enum request_status)w->status[i] : REQUEST_OK,
    };
    out->service = workload_service(w, i, &out->other_service);
    if (w->model && w->model[i] != UINT16_MAX)
        out->model = names_text(&w->models, w->model[i]);
    if (w->class_number && w->class_number[i] != UINT16_MAX)
        out->class_name = names_text(&w->classes, w->class_number[i]);
    if (plan && (plan->rate_count == 1 || out->model))
        out->rate = plan_rate_for(plan, out->model);
    if (out->rate)
        out->uplift = plan_rate_uplift(out->rate,
                                       w->labels ? names_text(&w->label_sets, w->labels[i]) : NULL);
}

enum sum_caps sum_caps_of(const struct plan *plan, const struct sum_row *row)
{
    const struct plan_limits *m = &plan->limits;
    uint64_t input = usage_input(&row->usage), output = usage_output(&row->usage);
    uint64_t caps[2][2] = {{m->max_input_tokens, input}, {m->max_total_tokens, input + output}};
    enum sum_caps found = CAPS_LET_IN;
    if (!row->rate)
        return CAPS_DO_NOT;
    for (int i = 0; i < 2; i++) {
        uint64_t cap = caps[i][0], tokens = caps[i][1];
        if (i == 1 && row->most == 1 && m->max_output_tokens > 0 && output > m->max_output_tokens)
            tokens = input + m->max_output_tokens;
        if (cap == 0 || tokens <= cap)
            continue;
        if (row->most == 1)
            return CAPS_DO_NOT;
        found = CAPS_MAY_NOT;
    }
    return found;
}

/* All rows as if no quota took them. */
static int charge_rows(struct sum_bill *bill, struct sum_plan *p, bool whenever)
{
    for (size_t i = 0; i < bill->workload->count; i++) {
        struct sum_row row;
        struct money_range x;
        sum_row_get(bill, p->plan, i, &row);
        row.whenever = whenever;
        enum sum_caps caps = sum_caps_of(p->plan, &row);
        p->rows_unserved += caps == CAPS_DO_NOT;
        p->serves &= caps == CAPS_LET_IN;
        if (caps == CAPS_DO_NOT)
            continue;
        if (sum_charge(p->plan, &row, &x, &p->why, &p->unpriced_what) < 0)
            return -1;
        if (caps == CAPS_MAY_NOT) {
            p->why |= SUM_INPUT_CAP;
            x.least = 0;
        }
        if (range_add(&p->usage, x) < 0)
            return -1;
    }
    return 0;
}

static void count_periods(const struct sum_bill *bill, struct sum_plan *p,
                          const struct sum_extent *e)
{
    int64_t period = plan_period_ns(p->plan);
    p->periods_least =
        bought_periods(period, bill->has_start, bill->start_unix_ns + e->first_most_ns,
                       e->last_least_ns - e->first_most_ns);
    p->periods_most =
        bought_periods(period, bill->has_start, bill->start_unix_ns + e->first_least_ns,
                       e->last_most_ns - e->first_least_ns);
    if (p->periods_least != p->periods_most)
        p->why |= SUM_PERIODS;
}

/* What the requests cost beside what quotas include. */
static void take_quotas(struct sum_plan *p, const struct sum_limits *l)
{
    if (l->has_quota && l->fits)
        p->usage = (struct money_range){0, 0, false}; /* all of it is included */
    else if (l->has_quota || l->may_refuse)
        p->usage.least = 0;
    p->why |= l->why;
    p->serves &= !l->may_refuse && !l->may_lack;
    p->limits_unchecked = l->may_wait;
}

static int add_periods(const struct sum_bill *bill, struct sum_plan *p, const struct sum_limits *l,
                       const struct sum_extent *e, uint64_t units)
{
    struct bought one;
    struct money_range all;
    if (!plan_is_paid_by_period(p->plan))
        return 0;
    bought_make(&one, p->plan, 1, units);
    money price = plan_period_price(&one.plan);
    bought_free(&one);
    count_periods(bill, p, e);
    p->subscriptions_least = l->need_least;
    p->subscriptions_most = l->need_most;
    uint64_t most = l->need_most;
    if (most != SUM_NOT_COUNTED && __builtin_mul_overflow(most, p->periods_most, &most))
        return -1;
    if (range_times((struct money_range){price, price, false}, l->need_least * p->periods_least,
                    most, &all) < 0)
        return -1;
    all.open |= l->may_wait && price > 0; /* a queue may last into periods to come */
    if (plan_is_bought_in_numbers(p->plan, units) &&
        !sum_credit_is_dear(bill, p->plan, e, price * (money)p->periods_least)) {
        p->why |= SUM_FEES;
        p->total.least = 0;
    }
    return range_add(&p->total, all);
}

static int bill_exactly(const struct sum_bill *bill, struct sum_plan *p)
{
    uint64_t count;
    money total;
    if (p->periods_least != p->periods_most || !p->serves || p->plan->provisioned.present ||
        p->plan->fees.volume_count > 0 || p->plan->fees.minimum > 0 ||
        p->plan->fees.credit_fee_millionths > 0 || p->plan->fees.credit_fee_minimum > 0 ||
        !sum_cheapest_count(bill, p, p->periods_least, &count, &total))
        return 0;
    p->subscriptions_least = p->subscriptions_most = count;
    p->total = (struct money_range){total, total, false};
    return 0;
}

/* Credits, discounts and minimums count by the time at which a request was served. */
static bool has_windows_of_money(const struct plan *plan)
{
    bool credit = false;
    for (size_t i = 0; i < plan->quota_count; i++)
        credit |= plan->quotas[i].unit == QUOTA_USD;
    return credit || plan->fees.volume_count > 0 || plan->fees.minimum > 0;
}

static int bill_plan(struct sum_bill *bill, struct sum_plan *p, const struct sum_options *o)
{
    struct sum_extent e = sum_extent_of(bill);
    struct sum_limits limits;
    p->serves = bill->workload->count > 0;
    sum_limits_of(bill, p, o->units, &limits);
    if (charge_rows(bill, p, limits.may_wait) < 0)
        return -1;
    take_quotas(p, &limits);
    if (sum_settle(bill, p->plan, &e, &limits, p->usage, &p->total, &p->why) < 0)
        return -1;
    if (limits.may_wait && has_windows_of_money(p->plan)) {
        p->total = (struct money_range){0, p->total.most, true};
        p->why |= SUM_LIMIT;
    }
    if (add_periods(bill, p, &limits, &e, o->units) < 0 || bill_exactly(bill, p) < 0)
        return -1;
    if (p->plan->rounding.scope == ROUND_BILL) {
        p->total.least = price_round(&p->plan->rounding, p->total.least);
        p->total.most = price_round(&p->plan->rounding, p->total.most);
    }
    return 0;
}

static void describe(struct sum_bill *bill)
{
    const struct workload *w = bill->workload;
    struct sum_extent e = sum_extent_of(bill);
    bill->requests_known = workload_count_requests(w, &bill->requests);
    workload_sum_tokens(w, w->count, &bill->input_tokens, &bill->output_tokens);
    bill->begin_ns = e.first_least_ns;
    bill->end_ns = e.last_most_ns + 1;
    for (size_t i = 0; w->cost && i < w->count; i++)
        if (w->cost[i] != MONEY_MAX) {
            bill->has_reported = true;
            bill->reported += w->cost[i];
        }
}

static bool is_ranked(const struct sum_plan *p)
{
    return sum_is_exact(p) && p->serves && p->unpriced_what == 0;
}

static void rank(struct sum_bill *bill)
{
    bill->ranking = mem_alloc((bill->plan_count + 1) * sizeof *bill->ranking);
    for (size_t i = 0; i < bill->plan_count; i++) {
        if (!is_ranked(&bill->plans[i]))
            continue;
        size_t at = bill->ranking_count++;
        for (;
             at > 0 && bill->plans[i].total.least < bill->plans[bill->ranking[at - 1]].total.least;
             at--)
            bill->ranking[at] = bill->ranking[at - 1];
        bill->ranking[at] = i;
    }
    for (size_t i = 0; i < bill->ranking_count; i++)
        bill->plans[bill->ranking[i]].rank = (int)i + 1;
}

static int make_plan(struct sum_bill *out, size_t i, const struct sum_options *o, struct error *err)
{
    const struct plan *plan = out->plans[i].plan;
    const char *term = sum_unknown_term(plan);
    if (term)
        return error_set(err, ERR_INPUT,
                         "rows stand for many requests, and the %s of plan \"%s\" cannot be told "
                         "from sums: expected a row for each request, or other plans",
                         term, plan->name);
    if (plan_needs_start(plan) && !out->has_start)
        return error_set(err, ERR_INPUT,
                         "plan \"%s\" has prices by date or hour, and the workload does not say "
                         "when it starts; give --start 2026-11-01T00:00:00Z",
                         plan->name);
    if (bill_plan(out, &out->plans[i], o) < 0)
        return error_set(err, ERR_INPUT, "the charges of plan \"%s\" pass 1.7e14 USD", plan->name);
    return 0;
}

int sum_bill_make(struct sum_bill *out, const struct workload *w, const struct plan *const *plans,
                  size_t count, const struct sum_options *options, struct error *err)
{
    int status = 0;
    *out = (struct sum_bill){
        .workload = w,
        .has_start = options->has_start || w->has_start,
        .start_unix_ns = options->has_start ? options->start_unix_ns : w->start_unix_ns,
        .plans = mem_zero(count + 1, sizeof *out->plans),
        .plan_count = count,
    };
    for (size_t i = 0; i < w->count && status == 0; i++)
        if (w->timestamp_ns[i] == TIME_NEVER)
            status = error_set(err, ERR_INPUT,
                               "rows that stand for many requests cannot wait for others: expected "
                               "a timestamp in each");
    describe(out);
    for (size_t i = 0; i < count && status == 0; i++) {
        out->plans[i].plan = plans[i];
        status = make_plan(out, i, options, err);
    }
    if (status < 0)
        sum_bill_free(out);
    else
        rank(out);
    return status;
}

void sum_bill_free(struct sum_bill *bill)
{
    free(bill->plans);
    free(bill->ranking);
    *bill = (struct sum_bill){0};
}
