#include "sim/cost/shares/ledger.h"

#include "core/memory.h"
#include "sim/cost/bill/bill_windows.h"
#include "sim/cost/shares/remainder.h"

#include <stdlib.h>
#include <string.h>

#define DAY_NS (86400 * NS_PER_S)

const char *meter_words(const struct plan_meter *m, const struct plan *plan)
{
    static const char *const charged[] = {"requests", "turns", "sessions"};
    if (!m->is_quota)
        return m->kind == METER_TOKENS ? "tokens" : "requests";
    if (m->quota.unit == QUOTA_REQUESTS)
        return charged[plan->charged];
    switch (m->quota.unit) {
    case QUOTA_INPUT_TOKENS:
        return "input tokens";
    case QUOTA_OUTPUT_TOKENS:
        return "output tokens";
    case QUOTA_USD:
        return m->quota.credits_micro > 0 ? "credits" : "USD";
    default:
        return "tokens";
    }
}

static money_magnitude times(money_magnitude a, money_magnitude b, money_magnitude c)
{
    return a / c > (money_magnitude)MONEY_MAX / b ? (money_magnitude)MONEY_MAX
                                                  : remainder_scale(a, b, c);
}

money ledger_quantity(const struct ledger *l, money_magnitude metered)
{
    const struct bill *b = l->bill;
    const struct plan_quota *q = &l->meter.quota;
    if (b->scale_ns > 0)
        metered = times(metered, b->scaled_requests, b->workload->count);
    if (l->meter.is_quota && q->credits_micro > 0 && q->usd > 0)
        return (money)times(metered,
                            (money_magnitude)q->credits_micro * (uint64_t)1000000000 * 1000000000,
                            (money_magnitude)q->usd);
    return (money)times(metered, (money_magnitude)MONEY_USD, l->meter.unit);
}

int64_t ledger_start_ns(const struct ledger *l, size_t row)
{
    const struct serve_result *s = &l->purchase.served;
    return s->start_ns ? s->start_ns[row] : serve_due(&l->rows, row);
}

size_t ledger_span_of(const struct ledger *l, size_t row)
{
    int64_t at = ledger_start_ns(l, row);
    size_t low = 0, high = l->span_count;
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        if (l->spans[middle].begin_ns <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- what is charged, and what credit covers of it ---- */

static void fill_charges(struct ledger *l)
{
    l->charge = mem_zero(l->count + 1, sizeof *l->charge);
    l->served = mem_zero(l->count + 1, sizeof *l->served);
    for (size_t i = 0; i < l->count; i++) {
        struct row_charge c;
        l->served[i] = tariff_serves(&l->purchase.tariff, i);
        if (l->served[i] && tariff_charge(&l->purchase.tariff, i, &c) == 0)
            l->charge[i] = c.total;
    }
}

/* Of each window's charges those that started first, up to the credit and what rolled over: in sum
 * what the bill's line has. */
static void cover_rows(const struct ledger *l, const struct plan_quota *credit, money *by_row)
{
    struct window_walk walk;
    struct plan_quota windows = *credit;
    size_t row, window, current = 0;
    money carried = 0, left = credit->usd;
    if (windows.alignment == WINDOW_ROLLING)
        windows.alignment = WINDOW_ANCHORED;
    window_walk_begin(&walk, &l->purchase.tariff, &windows, true);
    while (window_walk_next(&walk, &row, &window)) {
        if (window != current) {
            money unused = left < credit->usd ? left : credit->usd;
            carried = !credit->rolls_over ? 0 : window > current + 1 ? credit->usd : unused;
            left = credit->usd + carried;
            current = window;
        }
        money taken = l->charge[row] < left ? l->charge[row] : left;
        by_row[row] += taken;
        left -= taken;
    }
    window_walk_end(&walk);
}

static bool is_credit(const struct plan_quota *q)
{
    return q->unit == QUOTA_USD && plan_quota_is_settled(q);
}

static void fill_covered(struct ledger *l)
{
    const struct plan *plan = &l->purchase.bought.plan;
    if (l->p->cash[LINE_INCLUDED] == 0)
        return;
    l->covered = mem_zero(l->count + 1, sizeof *l->covered);
    for (size_t q = 0; q < plan->quota_count; q++)
        if (is_credit(&plan->quotas[q]))
            cover_rows(l, &plan->quotas[q], l->covered);
    bill_free_calls(plan, l->bill, &l->purchase.tariff, l->covered);
}

/* ---- paid time ---- */

/* Periods that make one span. */
static uint64_t periods_together(const struct ledger *l, int64_t period_ns)
{
    if (l->bill->scale_ns > 0) /* the rows are those of one stretch: it stands for all */
        return l->p->periods;
    return period_ns < DAY_NS ? (uint64_t)((DAY_NS + period_ns - 1) / period_ns) : 1;
}

static int64_t period_begin(const struct ledger *l, int64_t period_ns, uint64_t n)
{
    const struct bill *b = l->bill;
    return b->first_ns +
           bought_period_begin(period_ns, b->has_start, b->start_unix_ns + b->first_ns, n);
}

static void fill_fees(struct ledger *l, uint64_t together)
{
    money whole = l->p->cash[LINE_SUBSCRIPTION] + l->p->cash[LINE_PROVISIONED];
    money *weights = mem_alloc((l->span_count + 1) * sizeof *weights);
    money *fees = mem_alloc((l->span_count + 1) * sizeof *fees);
    for (size_t i = 0; i < l->span_count; i++) {
        uint64_t left = l->p->periods - i * together;
        weights[i] = (money)(left < together ? left : together);
    }
    remainder_divide(whole, weights, l->span_count, remainder_unit(whole), fees);
    for (size_t i = 0; i < l->span_count; i++)
        l->spans[i].fee = fees[i];
    free(weights);
    free(fees);
}

static void fill_spans(struct ledger *l)
{
    int64_t period_ns = plan_period_ns(l->p->plan);
    uint64_t together = periods_together(l, period_ns), periods = l->p->periods;
    l->span_count = (size_t)((periods + together - 1) / together);
    l->spans = mem_zero(l->span_count + 1, sizeof *l->spans);
    for (size_t i = 0; i < l->span_count; i++) {
        uint64_t end = (i + 1) * together;
        l->spans[i].begin_ns = period_begin(l, period_ns, i * together);
        l->spans[i].end_ns = period_begin(l, period_ns, end < periods ? end : periods);
    }
    fill_fees(l, together);
}

/* ---- the meter ---- */

/* True where every request that is served counts, not only those that were included: limits of
 * provisioned units, and what a scaled bill settles for the whole period. */
static bool counts_all(const struct ledger *l, const struct plan_quota *q, bool is_limit)
{
    return is_limit || (l->bill->scale_ns > 0 && plan_quota_length(q) > l->bill->scale_ns);
}

/* What the meter counts of each row. */
static void meter_rows(const struct ledger *l, const struct plan_quota *q, bool is_limit,
                       money_magnitude *out)
{
    const struct serve_conditions conditions = {l->bill->start_unix_ns, l->p->without_caps};
    const uint8_t *fate = l->purchase.served.fate;
    const struct serve_result as_due = {0};
    struct tariff due;
    bool all = counts_all(l, q, is_limit), dear = q->unit == QUOTA_USD;
    memset(out, 0, l->count * sizeof *out);
    if (is_credit(q)) {
        cover_rows(l, q, (money *)out);
        return;
    }
    tariff_init(&due, &l->purchase.bought.plan, &l->rows, &as_due, bill_known_start(l->bill),
                l->p->without_caps);
    for (size_t i = 0; i < l->count; i++) {
        struct serve_ask ask;
        struct row_charge c;
        if (!l->served[i] || (!all && (!fate || fate[i] != SERVE_INCLUDED)))
            continue;
        serve_ask_of(&l->purchase.bought.plan, &l->rows, &conditions, i, &ask);
        if (dear && tariff_charge(&due, i, &c) == 0)
            ask.charge = (money_magnitude)c.total;
        out[i] = serve_need(q, &ask);
    }
    tariff_free(&due);
}

static money_magnitude sum_of(const money_magnitude *values, size_t count)
{
    money_magnitude sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* What the quota allows in so much time; of months so many whole ones, one at least. */
static money_magnitude allowed_in(const struct plan_quota *q, int64_t ns)
{
    int64_t length = plan_quota_length(q);
    money_magnitude amount = plan_quota_amount(q);
    if (ns <= length)
        return amount;
    if (length >= 28 * DAY_NS)
        return amount * (uint64_t)(ns / length);
    return remainder_scale(amount, (money_magnitude)ns, (money_magnitude)length);
}

static money_magnitude allowed_in_all(const struct ledger *l, const struct plan_quota *q)
{
    money_magnitude sum = 0;
    for (size_t i = 0; i < l->span_count; i++)
        sum += allowed_in(q, l->spans[i].end_ns - l->spans[i].begin_ns);
    return sum;
}

struct candidate {
    const struct plan_quota *quota;
    bool is_limit, for_all;
    uint64_t fullness; /* used over allowed, in 1e-9 */
};

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    if (!b->quota || a->for_all != b->for_all)
        return !b->quota || a->for_all;
    return a->fullness > b->fullness;
}

static void try_quota(const struct ledger *l, const struct plan_quota *q, bool is_limit,
                      struct candidate *best)
{
    struct candidate c = {q, is_limit, q->model_count + q->class_count == 0, 0};
    money_magnitude *rows = mem_alloc((l->count + 1) * sizeof *rows);
    money_magnitude allowed = allowed_in_all(l, q);
    meter_rows(l, q, is_limit, rows);
    if (allowed > 0)
        c.fullness = (uint64_t)remainder_scale(sum_of(rows, l->count), 1000000000, allowed);
    if (is_better(&c, best))
        *best = c;
    free(rows);
}

/* Provisioned capacity; else of the allowances the one that is used the most. */
static struct candidate choose_quota(const struct ledger *l)
{
    const struct plan *plan = &l->purchase.bought.plan;
    struct candidate best = {0};
    bool provisioned = plan->provisioned.present;
    for (size_t i = 0; i < plan->quota_count; i++)
        if (!plan->quotas[i].of && (!provisioned || plan->quotas[i].pooled))
            try_quota(l, &plan->quotas[i], false, &best);
    for (size_t i = 0; i < plan->rate_limit_count && provisioned; i++)
        if (plan->rate_limits[i].pooled)
            try_quota(l, &plan->rate_limits[i], true, &best);
    return best;
}

static void describe_meter(struct plan_meter *m, const struct plan_quota *q)
{
    *m = (struct plan_meter){.is_quota = true, .quota = *q};
    m->kind = q->unit == QUOTA_USD        ? METER_USD
              : q->unit == QUOTA_REQUESTS ? METER_REQUESTS
                                          : METER_TOKENS;
    m->unit = q->unit == QUOTA_USD                     ? (money_magnitude)MONEY_USD
              : q->unit == QUOTA_REQUESTS || q->counts ? PLAN_MICRO
                                                       : 1;
}

/* Of a stretch that stands for a longer period, the share that it has of it. */
static money_magnitude placed_share(const struct ledger *l, money_magnitude capacity)
{
    const struct bill *b = l->bill;
    return b->scale_ns == 0 ? capacity
                            : remainder_scale(capacity, b->workload->count, b->scaled_requests);
}

static void fill_use(struct ledger *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->metered[i] > 0)
            l->spans[ledger_span_of(l, i)].used += l->metered[i];
    for (size_t i = 0; i < l->span_count; i++) {
        struct paid_span *s = &l->spans[i];
        if (l->meter.is_quota)
            s->capacity = placed_share(l, allowed_in(&l->meter.quota, s->end_ns - s->begin_ns));
        if (s->capacity < s->used)
            s->capacity = s->used; /* windows of the calendar reach over both its ends */
        l->meter.used += s->used;
        l->meter.capacity += s->capacity;
    }
}

static void fill_meter(struct ledger *l)
{
    struct candidate best = choose_quota(l);
    l->metered = mem_zero(l->count + 1, sizeof *l->metered);
    if (best.quota) {
        describe_meter(&l->meter, best.quota);
        meter_rows(l, best.quota, best.is_limit, l->metered);
    } else {
        bool tokens = l->p->plan->provisioned.present;
        const struct workload *w = l->bill->workload;
        l->meter = (struct plan_meter){.kind = tokens ? METER_TOKENS : METER_REQUESTS, .unit = 1};
        for (size_t i = 0; i < l->count; i++)
            if (l->served[i])
                l->metered[i] =
                    tokens ? (money_magnitude)w->input_tokens[i] + w->output_tokens[i] : 1;
    }
    fill_use(l);
}

void ledger_open(struct ledger *l, const struct bill *bill, size_t plan)
{
    const struct plan_bill *p = &bill->plans[plan];
    *l = (struct ledger){.bill = bill, .p = p};
    if (serve_rows_make(&l->rows, bill->workload, bill->options.duration, NULL) == 0)
        l->count = bill->workload->count; /* as it must: bill_make has read the same rows */
    purchase_open(&l->purchase, p, bill, &l->rows, p->subscriptions);
    fill_charges(l);
    fill_covered(l);
    if (p->cash[LINE_SUBSCRIPTION] + p->cash[LINE_PROVISIONED] + p->cash[LINE_SETUP] == 0)
        return;
    fill_spans(l);
    fill_meter(l);
}

void ledger_close(struct ledger *l)
{
    purchase_close(&l->purchase);
    serve_rows_free(&l->rows);
    free(l->served);
    free(l->charge);
    free(l->covered);
    free(l->metered);
    free(l->spans);
    *l = (struct ledger){0};
}
