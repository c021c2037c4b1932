/* Months that are billed as ever: where a plan can be asked in no other way, and those of so many
 * requests that the bill of a stretch is scaled. */
#include "sim/cost/ladder/ladder_parts.h"

#include "core/memory.h"

#include <stdlib.h>

/* A row that is billed is worth so many that are counted, and more where the number that costs
 * least is sought among many. */
#define BILLED_ROW 75
#define NUMBERS_TRIED 24

static bool tries_numbers(const struct ladder_plan *p)
{
    return p->in_numbers && plan_pays_beyond(p->plan);
}

static int64_t work_of(const struct ladder_plan *p, size_t rows)
{
    return (int64_t)rows * BILLED_ROW * (tries_numbers(p) ? NUMBERS_TRIED : 1);
}

static bool is_asked(const struct ladder_search *s, size_t plan, uint64_t which)
{
    return which & ladder_bit(plan) && s->plans[plan].how != LADDER_SUMS;
}

/* Bills what is asked for by sums over sessions, where prices by the hour are all that a bill would
 * add. Returns the plans that are left. */
static uint64_t add_up_hours(struct ladder_search *s, uint64_t requests, uint64_t which,
                             struct ladder_spot *spot)
{
    uint64_t sessions = ladder_sessions(s->m, requests);
    struct ladder_layout l = {0};
    for (size_t i = 0; i < s->count && s->count <= 64; i++) {
        struct ladder_plan *p = &s->plans[i];
        money usage, total;
        if (!is_asked(s, i, which) || p->hours.window_count == 0 || requests > EXTRAPOLATE_MOST)
            continue;
        if (!l.start)
            ladder_lay_out(s->m, sessions, &l);
        if (ladder_hours_usage(p, s->m, &l, &usage) < 0 ||
            (total = ladder_total(p, s->m, ladder_count(p, 1), usage)) == MONEY_MAX)
            continue; /* the bill says what is wrong */
        which &= ~ladder_bit(i);
        s->m->work -= work_of(p, ladder_rows(s->m, sessions));
        ladder_offer(s, spot, i, sessions >= p->first_cut, total, ladder_count(p, 1));
    }
    ladder_layout_free(&l);
    return which;
}

static void bill_as_ever(struct ladder_search *s, uint64_t requests, uint64_t which,
                         struct ladder_spot *spot)
{
    struct bill_options options = s->m->bill->options;
    const struct extrapolation_sample sample = {&s->m->rows, &s->m->sessions, &s->m->profile};
    const struct plan **plans = mem_alloc((s->count + 1) * sizeof(struct plan *));
    size_t *number = mem_alloc((s->count + 1) * sizeof *number), count = 0;
    struct bill bill;
    for (size_t i = 0; i < s->count; i++)
        if (is_asked(s, i, which)) {
            number[count] = i;
            plans[count++] = s->plans[i].plan;
        }
    options.volume = requests;
    options.by = NULL;
    options.both_caps = false;
    options.totals_only = true;
    options.sample = &sample;
    if (count > 0)
        s->code = bill_make(&bill, s->m->sample, plans, count, &options, s->err);
    if (count > 0 && s->code == 0) {
        for (size_t i = 0; i < count; i++)
            s->m->work -= work_of(&s->plans[number[i]], bill.workload->count);
        for (size_t i = 0; i < count; i++)
            if (bill.plans[i].rank > 0)
                ladder_offer(s, spot, number[i], bill.plans[i].served.truncated > 0,
                             bill.plans[i].total, bill.plans[i].subscriptions);
        bill_free(&bill);
    }
    free(plans);
    free(number);
}

void ladder_bill_spot(struct ladder_search *s, uint64_t requests, uint64_t which,
                      struct ladder_spot *spot)
{
    bool some = false;
    for (size_t i = 0; i < s->count; i++)
        some = some || is_asked(s, i, which);
    if (!some || s->code < 0)
        return;
    bill_as_ever(s, requests, add_up_hours(s, requests, which, spot), spot);
    if (s->code == 0)
        s->m->work -= (int64_t)s->m->sample->count;
}

/* ---- scaled months ---- */

/* At least so many of the plan a limit asks for: in the windows of the stretch that is billed, or
 * of the month where they are longer than that (less one, for what is rounded there). */
static uint64_t count_for(const struct ladder_search *s, const struct ladder_limit *l,
                          uint64_t requests)
{
    const struct ladder_month *m = s->m;
    int64_t stretch = (int64_t)((money_magnitude)m->length_ns * EXTRAPOLATE_MOST / requests);
    money_magnitude demand = ladder_demand(l, m, m->most), windows, count;
    if (l->length_ns <= stretch) {
        windows =
            (money_magnitude)((stretch + m->tail_ns + m->bill->options.max_wait_ns) / l->length_ns +
                              2);
        count = demand / windows / l->amount;
    } else {
        windows = (money_magnitude)(m->length_ns / l->length_ns);
        demand = demand * requests / ladder_rows(m, m->most);
        count = demand / (windows ? windows : 1) / l->amount;
    }
    return count > 1 ? (uint64_t)count - 1 : 1;
}

/* At least what its requests are charged: `usage` is of those that are placed. */
static money usage_of(const struct ladder_search *s, money usage, uint64_t requests)
{
    money scaled;
    if (money_prorate(usage, requests, ladder_rows(s->m, s->m->most), &scaled) < 0)
        return 0;
    return scaled > MONEY_PICO_USD ? scaled - MONEY_PICO_USD : 0; /* rounded */
}

/* At least what a plan that must be billed costs. */
static money floor_of(const struct ladder_search *s, size_t plan, uint64_t requests)
{
    const struct ladder_plan *p = &s->plans[plan];
    money price = ladder_least_period(p), total;
    uint64_t count = 1;
    for (size_t i = 0; p->in_numbers && i < p->limit_count; i++) {
        uint64_t need = count_for(s, &p->limits[i], requests);
        count = need > count ? need : count;
    }
    if (money_multiply(price, count, &total) < 0)
        return MONEY_MAX;
    money usage = p->how == LADDER_BILL && p->plan->quota_count == 0
                      ? usage_of(s, s->scaled_usage[plan], requests)
                      : 0;
    return money_add(total, usage, &total) < 0 ? MONEY_MAX : total;
}

/* True if totals are straight lines over the requests, but for rounding at the last place. */
static bool all_linear(const struct ladder_search *s)
{
    bool linear = true;
    for (size_t i = 0; i < s->count; i++)
        linear = linear && (s->plans[i].how != LADDER_SUMS || s->plans[i].linear);
    return linear;
}

/* Bills the plans of one kind that may be cheaper than what is known. False: there is none. */
static bool bill_some(struct ladder_search *s, enum ladder_how how, uint64_t requests,
                      struct ladder_spot *spot)
{
    uint64_t sessions = s->m->most, which = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct ladder_plan *p = &s->plans[i];
        if (p->how == how && sessions < p->first_bad &&
            ladder_may_be_cheaper(spot, sessions >= p->first_cut, floor_of(s, i, requests))) {
            which |= ladder_bit(i);
            s->gave_up = s->gave_up || tries_numbers(p);
        }
    }
    if (which && !s->gave_up)
        ladder_bill_spot(s, requests, which, spot);
    return which != 0;
}

static struct ladder_spot spot_of(struct ladder_search *s, uint64_t requests)
{
    struct ladder_spot spot = {.plan = LADDER_NONE, .total = MONEY_MAX};
    uint64_t sessions = s->m->most, placed = ladder_rows(s->m, sessions);
    if (sessions < s->m->first_done)
        return spot;
    for (size_t i = 0; i < s->count; i++) {
        const struct ladder_plan *p = &s->plans[i];
        if (p->how == LADDER_SUMS && sessions < p->first_bad)
            ladder_offer(s, &spot, i, sessions >= p->first_cut,
                         ladder_scaled_total(p, s->m, s->scaled_usage[i], requests, placed),
                         ladder_count(p, 1));
    }
    bool some = bill_some(s, LADDER_WINDOWS, requests, &spot);
    some = bill_some(s, LADDER_BILL, requests, &spot) || some;
    spot.settled = !some && all_linear(s) ? LADDER_PROVEN : LADDER_OPEN;
    return spot;
}

struct point {
    uint64_t requests;
    struct ladder_spot spot;
};

static void add_run(struct ladder_search *s, const struct point *from, const struct point *to)
{
    s->large = mem_resize(s->large, s->large_count + 1, sizeof *s->large);
    s->large[s->large_count++] = (struct ladder_run){
        .from = from->requests,
        .to = to->requests,
        .sessions_from = s->m->most,
        .sessions_to = s->m->most,
        .plan = from->spot.plan == LADDER_NONE ? LADDER_NOBODY : s->plans[from->spot.plan].number,
        .subscriptions = from->spot.subscriptions,
        .total_from = from->spot.total,
        .total_to = to->spot.total,
        .proven = from->spot.settled == LADDER_PROVEN && to->spot.settled == LADDER_PROVEN,
        .plan_proven = from->spot.settled == LADDER_PROVEN && to->spot.settled == LADDER_PROVEN};
}

static bool is_same(const struct point *a, const struct point *b, bool count_too)
{
    return a->spot.plan == b->spot.plan &&
           (!count_too || a->spot.subscriptions == b->spot.subscriptions);
}

/* The last point that is as `from`, and the first one behind it; by plan only once the allowance of
 * work is used up. */
static void find_end(struct ladder_search *s, const struct point *from, struct point *low,
                     struct point *high)
{
    while (high->requests - low->requests > 1 && s->code == 0) {
        bool count_too = s->m->work > 0;
        if (!count_too && is_same(from, high, false))
            return;
        struct point middle = {.requests = low->requests + (high->requests - low->requests) / 2};
        middle.spot = spot_of(s, middle.requests);
        if (is_same(from, &middle, count_too))
            *low = middle;
        else
            *high = middle;
    }
}

/* The runs of (from, to], which ends at a point that is worked out; *begin is where the present run
 * begins. Totals of plans by sums are straight lines, so that between two points with the same plan
 * below there is no other. */
static void walk(struct ladder_search *s, struct point from, const struct point *to,
                 struct point *begin)
{
    while (!is_same(&from, to, true)) {
        struct point low = from, high = *to;
        find_end(s, &from, &low, &high);
        if (!is_same(&from, &low, true)) { /* its number changed on the way, nobody saw where */
            struct point next = low;
            next.requests = from.requests + 1;
            next.spot.total = MONEY_MAX;
            next.spot.settled = LADDER_OPEN;
            add_run(s, begin, &from);
            *begin = next;
        }
        if (high.requests - low.requests > 1) { /* somewhere in between its number changes */
            high.requests = low.requests + 1;
            high.spot.total = MONEY_MAX;
            high.spot.settled = LADDER_OPEN;
        }
        add_run(s, begin, &low);
        from = *begin = high;
    }
}

/* Here, some places on the way, and the end. */
#define STRIDES 8
void ladder_scan_large(struct ladder_search *s, uint64_t end, uint64_t here)
{
    uint64_t first = EXTRAPOLATE_MOST + 1;
    if (end < first)
        return;
    struct point from = {first, spot_of(s, first)}, begin = from;
    for (uint64_t i = 0; i <= STRIDES && s->code == 0 && !s->gave_up; i++) {
        struct point to = {i == 0         ? here
                           : i == STRIDES ? end
                                          : first + (end - first) / STRIDES * i,
                           {0}};
        if (to.requests <= from.requests || (i > 0 && i < STRIDES && s->m->work <= 0))
            continue;
        to.spot = spot_of(s, to.requests);
        if (s->gave_up)
            break;
        walk(s, from, &to, &begin);
        from = to;
    }
    if (!s->gave_up || from.requests > first)
        add_run(s, &begin, &from);
}
