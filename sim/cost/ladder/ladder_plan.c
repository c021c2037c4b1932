/* One plan of a ladder: how it can be asked, and what its requests are charged. */
#include "sim/cost/ladder/ladder_parts.h"

#include "core/memory.h"

#include <stdlib.h>

/* ---- how it can be asked ---- */

static bool has_windowed_fees(const struct plan *p)
{
    return p->fees.volume_count > 0 || p->fees.minimum > 0;
}

static bool checks_concurrency(const struct ladder_month *m, const struct plan *p)
{
    return p->limits.concurrency > 0 && m->bill->options.duration.known;
}

static enum ladder_how how_of(struct ladder_plan *p, struct ladder_month *m)
{
    const struct plan *plan = p->plan;
    if (m->bill->plans[p->number].tokens || plan_needs_start(plan) || has_windowed_fees(plan) ||
        checks_concurrency(m, plan))
        return LADDER_BILL;
    if (plan->quota_count + plan->rate_limit_count == 0)
        return LADDER_SUMS;
    return ladder_limits_make(p, m) ? LADDER_WINDOWS : LADDER_BILL;
}

/* ---- what it serves ---- */

void ladder_charging_open(struct ladder_charging *c, const struct ladder_plan *p,
                          const struct ladder_month *m, size_t window)
{
    const struct serve_conditions conditions = {.start_unix_ns = m->bill->start_unix_ns};
    c->plan = *p->plan;
    c->plan.quota_count = c->plan.rate_limit_count = c->plan.limits.concurrency = 0;
    c->rates = mem_alloc((p->plan->rate_count + 1) * sizeof *c->rates);
    for (size_t i = 0; i < p->plan->rate_count; i++) {
        struct plan_rate *r = &c->rates[i];
        *r = p->plan->rates[i];
        r->resolved +=
            plan_rate_services(r) * (window < r->window_count ? window : r->window_count);
        r->window_count = 0;
    }
    c->plan.rates = c->rates;
    serve_plan(&c->plan, &m->rows, &conditions, &c->served);
    tariff_init(&c->tariff, &c->plan, &m->rows, &c->served, bill_known_start(m->bill), false);
}

void ladder_charging_close(struct ladder_charging *c)
{
    tariff_free(&c->tariff);
    serve_result_free(&c->served);
    free(c->rates);
}

/* True if the row is in the quotas of the plan as a whole: nothing more is charged for it. */
static bool is_included(const struct ladder_plan *p, const struct serve_ask *ask)
{
    for (size_t i = 0; p->how == LADDER_WINDOWS && i < p->plan->quota_count; i++)
        if (plan_quota_is_for(&p->plan->quotas[i], ask->model, ask->class_name))
            return true;
    return false;
}

static bool is_too_large(const struct ladder_plan *p, const struct serve_ask *ask)
{
    for (size_t i = 0; i < p->limit_count; i++)
        if (serve_need(&p->limits[i].quota, ask) > p->limits[i].amount)
            return true;
    return false;
}

/* A row that the plan does not serve, or not for a price that it has. */
static bool is_bad(const struct ladder_plan *p, const struct ladder_month *m,
                   const struct ladder_charging *c, size_t row)
{
    const struct serve_conditions conditions = {.start_unix_ns = m->bill->start_unix_ns};
    struct row_charge charge;
    if (!tariff_serves(&c->tariff, row))
        return true;
    if (p->plan->quota_count + p->plan->rate_limit_count > 0) {
        struct serve_ask ask;
        serve_ask_of(p->plan, &m->rows, &conditions, row, &ask);
        if (ask.unbegun || !serve_within_caps(p->plan, &conditions, &ask) || is_too_large(p, &ask))
            return true;
        if (is_included(p, &ask) || (p->how == LADDER_BILL && p->plan->quota_count > 0))
            return false; /* of those that are billed nobody knows what will be charged */
    }
    return tariff_charge(&c->tariff, row, &charge) == 0 && charge.last.unpriced != 0;
}

/* True if the bill has seen every row of the sample, and none was bad or cut. */
static bool all_served(const struct ladder_plan *p, const struct ladder_month *m)
{
    const struct plan_bill *b = &m->bill->plans[p->number];
    if (m->bill->period && m->bill->extrapolation.sessions < m->sessions.count)
        return false;
    for (int i = SERVE_INCLUDED + 1; i < SERVE_FATES; i++)
        if (i != SERVE_QUOTA && i != SERVE_RATE && b->served.count[i] > 0)
            return false;
    return b->rejected == 0 && b->sums.unpriced == 0 && b->served.truncated == 0;
}

static void find_firsts(struct ladder_plan *p, const struct ladder_month *m)
{
    const struct session_list *s = &m->sessions;
    uint64_t cap = p->plan->limits.max_output_tokens;
    struct ladder_charging c;
    p->first_bad = p->first_cut = UINT64_MAX;
    if (all_served(p, m) || m->bill->plans[p->number].tokens)
        return; /* what its own tokens are, and whether they fit, is the bill's to say */
    ladder_charging_open(&c, p, m, 0);
    for (size_t n = 0; n < m->used && p->first_bad == UINT64_MAX; n++)
        for (size_t i = s->start[n]; i < s->start[n + 1]; i++) {
            if (p->first_bad == UINT64_MAX && is_bad(p, m, &c, s->row[i]))
                p->first_bad = n + 1;
            if (p->first_cut == UINT64_MAX && cap > 0 && m->sample->output_tokens[s->row[i]] > cap)
                p->first_cut = n + 1;
        }
    ladder_charging_close(&c);
}

void ladder_plan_make(struct ladder_plan *p, struct ladder_month *m, size_t number)
{
    *p = (struct ladder_plan){.number = number, .plan = m->bill->plans[number].plan};
    p->in_numbers = plan_is_bought_in_numbers(p->plan, m->bill->options.units);
    p->how = how_of(p, m);
    find_firsts(p, m);
    const struct plan_fees *f = &p->plan->fees;
    p->linear = p->how == LADDER_SUMS && p->plan->rounding.scope != ROUND_BILL &&
                f->credit_fee_millionths == 0 && f->credit_fee_minimum == 0 &&
                f->credit_bonus_millionths == 0;
    p->fixed = p->linear ? ladder_total(p, m, ladder_count(p, 1), 0) : 0;
}

void ladder_plan_free(struct ladder_plan *p)
{
    ladder_limits_free(p);
    ladder_plan_drop_charges(p);
}

/* ---- what it charges ---- */

uint64_t ladder_windows_touched(const struct ladder_month *m, const struct plan_quota *q)
{
    int64_t span = m->length_ns + m->tail_ns + m->bill->options.max_wait_ns;
    return (uint64_t)(span / plan_quota_length(q)) + 2;
}

/* What is paid beyond an allowance costs what it costs, what is within it the allowance's part of
 * the price: so a request costs at least the smaller of the two. Of credit that covers all of U
 * where n (price) buys n × windows × credit, the same holds of every dollar. */
static money floor_of(const struct ladder_plan *p, const struct ladder_month *m, size_t row,
                      money charge)
{
    const struct plan *plan = p->plan;
    const struct serve_conditions conditions = {.start_unix_ns = m->bill->start_unix_ns};
    money price = p->in_numbers ? plan_period_price(plan) : 0, share = 0;
    struct serve_ask ask;
    if (plan->quota_count == 0 || price <= 0 || plan->quota_count > 1)
        return plan->quota_count == 0 ? charge : 0;
    const struct plan_quota *q = &plan->quotas[0];
    money_magnitude amount = plan_quota_amount(q), windows = ladder_windows_touched(m, q);
    if (q->of || q->unit == QUOTA_USD || amount == 0 || amount > UINT64_MAX / windows)
        return 0;
    serve_ask_of(plan, &m->rows, &conditions, row, &ask);
    if (!plan_quota_is_for(q, ask.model, ask.class_name))
        return charge;
    money_magnitude need = serve_need(q, &ask);
    if (need > UINT64_MAX ||
        money_prorate(price, (uint64_t)need, (uint64_t)(amount * windows), &share) < 0)
        return 0;
    share = share > MONEY_USD / 1000000000 ? share - MONEY_USD / 1000000000 : 0; /* rounded */
    return q->beyond == BEYOND_PAY && charge < share ? charge : share;
}

/* What counts of a row that is charged so much at least. */
static money counted(const struct ladder_plan *p, const struct ladder_month *m, size_t row,
                     money charge)
{
    const struct serve_conditions conditions = {.start_unix_ns = m->bill->start_unix_ns};
    struct serve_ask ask;
    if (p->plan->quota_count == 0 || p->how == LADDER_SUMS)
        return charge;
    if (p->how == LADDER_BILL)
        return floor_of(p, m, row, charge);
    serve_ask_of(p->plan, &m->rows, &conditions, row, &ask);
    return is_included(p, &ask) ? 0 : charge;
}

/* What sessions cost, in parallel. */
struct charging_block {
    const struct ladder_plan *plan;
    const struct ladder_month *month;
    const struct ladder_charging *charging; /* by window */
    size_t windows;
    money *least; /* at whatever hour, by session; */
    money **each; /* by window, the same at its prices; NULL: nobody asks */
};

static void add_charge(money *sum, money charge)
{
    *sum = money_add(*sum, charge, sum) < 0 ? MONEY_MAX / 2 : *sum;
}

static void charge_row(const struct charging_block *b, size_t row, size_t session)
{
    money least = MONEY_MAX, charge;
    for (size_t w = 0; w < b->windows; w++) {
        if (tariff_total(&b->charging[w].tariff, row, &charge, NULL) < 0)
            charge = MONEY_MAX / 2;
        if (b->each)
            add_charge(&b->each[w][session], charge);
        least = charge < least ? charge : least;
    }
    add_charge(&b->least[session], counted(b->plan, b->month, row, least));
}

static void charge_block(void *context, size_t begin, size_t end)
{
    const struct charging_block *b = context;
    const struct session_list *s = &b->month->sessions;
    for (size_t n = begin; n < end; n++) {
        b->least[n] = 0;
        for (size_t w = 0; b->each && w < b->windows; w++)
            b->each[w][n] = 0;
        for (size_t i = s->start[n]; i < s->start[n + 1]; i++)
            charge_row(b, s->row[i], n);
    }
}

/* From the sums of sessions to those of all before each; NULL where nothing is charged. */
static money *sum_before(const struct ladder_month *m, money *sums)
{
    money before = 0;
    for (size_t n = 0; n <= m->used; n++) {
        money own = n < m->used ? sums[n] : 0;
        sums[n] = before;
        add_charge(&before, own);
    }
    if (before != 0)
        return sums;
    free(sums);
    return NULL;
}

/* What a bill adds to the charges may take some off again, or the charges are not known from the
 * rows alone. */
static bool has_floor(const struct plan *p)
{
    bool windows = false;
    for (size_t i = 0; i < p->rate_count; i++)
        windows = windows || p->rates[i].window_count > 0;
    return (!plan_needs_start(p) || windows) && !has_windowed_fees(p) &&
           p->fees.credit_bonus_millionths == 0 && p->rounding.scope != ROUND_BILL;
}

/* True if some quota includes every request. */
static bool includes_all(const struct ladder_plan *p)
{
    for (size_t i = 0; p->how == LADDER_WINDOWS && i < p->plan->quota_count; i++)
        if (p->plan->quotas[i].model_count + p->plan->quotas[i].class_count == 0)
            return true;
    return false;
}

/* True if the bill says what every row of the sample costs, whenever it is sent. */
static bool cost_alike(const struct ladder_plan *p, const struct ladder_month *m)
{
    const struct plan_bill *b = &m->bill->plans[p->number];
    return p->how == LADDER_SUMS && !m->bill->period && b->sums.alike &&
           b->served.count[SERVE_PAID] == m->sample->count;
}

/* By session, of those before, where every row costs the same. */
static money *sum_alike(const struct ladder_month *m, money each)
{
    if (each == 0)
        return NULL;
    money *sum = mem_alloc((m->used + 1) * sizeof *sum);
    for (size_t n = 0; n <= m->used; n++)
        sum[n] = money_multiply(each, m->sessions.start[n], &sum[n]) < 0 ? MONEY_MAX / 2 : sum[n];
    return sum;
}

static size_t windows_of(const struct plan *plan)
{
    size_t most = 0;
    for (size_t i = 0; i < plan->rate_count; i++)
        most = plan->rates[i].window_count > most ? plan->rates[i].window_count : most;
    return most + 1;
}

/* What sessions cost at least, at whatever hour; by the hour, too, where that is all that the plan
 * takes. */
static void charge_sessions(struct ladder_plan *p, const struct ladder_month *m)
{
    unsigned workers = m->bill->options.workers;
    size_t windows = windows_of(p->plan), bytes = (m->used + 1) * sizeof(money);
    struct ladder_charging *charging = mem_alloc(windows * sizeof *charging);
    struct charging_block *blocks = mem_alloc(workers * sizeof *blocks);
    for (size_t w = 0; w < windows; w++)
        ladder_charging_open(&charging[w], p, m, w);
    p->usage = mem_alloc(bytes);
    if (ladder_goes_by_hours(p, m))
        ladder_hours_make(&p->hours, p, m);
    for (size_t w = 0; w < p->hours.window_count; w++)
        p->hours.before[w] = mem_alloc(bytes);
    for (unsigned i = 0; i < workers; i++)
        blocks[i] = (struct charging_block){p, m, charging, windows, p->usage, p->hours.before};
    tariff_parallel(m->used, workers, charge_block, blocks, sizeof *blocks);
    p->usage = sum_before(m, p->usage);
    for (size_t w = 0; w < p->hours.window_count; w++)
        p->hours.before[w] = sum_before(m, p->hours.before[w]);
    for (size_t w = 0; w < windows; w++)
        ladder_charging_close(&charging[w]);
    free(charging);
    free(blocks);
}

void ladder_plan_charge(struct ladder_plan *p, const struct ladder_month *m)
{
    if (p->charged)
        return;
    p->charged = true;
    if (m->bill->plans[p->number].tokens || (p->how == LADDER_BILL && !has_floor(p->plan)) ||
        includes_all(p))
        return;
    if (cost_alike(p, m))
        p->usage = sum_alike(m, m->bill->plans[p->number].sums.each);
    else
        charge_sessions(p, m);
}

void ladder_plan_drop_charges(struct ladder_plan *p)
{
    ladder_hours_free(&p->hours);
    free(p->usage);
    p->usage = NULL;
    p->charged = false;
}

money ladder_usage(const struct ladder_plan *p, const struct ladder_month *m, uint64_t sessions)
{
    uint64_t count = m->sessions.count, rounds = sessions / count;
    money all = 0;
    if (!p->usage)
        return 0;
    if (rounds > 0 && money_multiply(p->usage[count], rounds, &all) < 0)
        return MONEY_MAX / 2;
    return all + p->usage[sessions % count];
}

money ladder_usage_of(const struct ladder_plan *p, const struct ladder_month *m,
                      const struct ladder_layout *l)
{
    money sum = 0;
    if (!l->session || !p->usage)
        return ladder_usage(p, m, l->count);
    for (uint64_t j = 0; j < l->count; j++)
        sum += p->usage[l->session[j] + 1] - p->usage[l->session[j]];
    return sum;
}

/* ---- what it comes to ---- */

/* With the lines that stand beside the usage, as the bill makes them. */
static money total_of(const struct ladder_plan *p, const struct ladder_month *m,
                      const struct bill *month, uint64_t subscriptions, money usage)
{
    struct plan_bill b = {.plan = p->plan, .subscriptions = subscriptions};
    struct bought bought;
    b.sums.total = usage;
    b.requests = month->workload->count;
    bought_make(&bought, p->plan, subscriptions, m->bill->options.units);
    bool ok = bill_add_lines(&b, &bought.plan, month, NULL) == 0;
    bought_free(&bought);
    return ok ? b.total : MONEY_MAX;
}

money ladder_total(struct ladder_plan *p, const struct ladder_month *m, uint64_t subscriptions,
                   money usage)
{
    if (p->last.known && p->last.subscriptions == subscriptions && p->last.usage == usage)
        return p->last.total;
    p->last.known = true;
    p->last.subscriptions = subscriptions;
    p->last.usage = usage;
    return p->last.total = total_of(p, m, &m->as_month, subscriptions, usage);
}

money ladder_scaled_total(const struct ladder_plan *p, const struct ladder_month *m, money usage,
                          uint64_t requests, uint64_t placed)
{
    struct bill month = m->as_month;
    struct workload rows = {.count = placed};
    month.workload = &rows;
    month.scaled_requests = requests;
    month.scale_ns = 1;
    return total_of(p, m, &month, ladder_count(p, 1), usage);
}

money ladder_least_period(const struct ladder_plan *p)
{
    const struct plan *plan = p->plan;
    if (!plan_is_paid_by_period(plan) || plan->fees.credit_bonus_millionths > 0 ||
        plan->rounding.scope == ROUND_BILL)
        return 0;
    return plan_period_price(plan);
}
