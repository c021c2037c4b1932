/* The scan: the cheapest plan for every number of sessions a month. */
#include "sim/cost/ladder/ladder_parts.h"

#include "core/memory.h"

#include <stdlib.h>

/* ---- offers ---- */

/* As plans are ranked: those that cut nothing first, then cash, then fewer, then as asked for. */
static bool ranks_before(const struct ladder_search *s, const struct ladder_spot *a,
                         const struct ladder_spot *b)
{
    if (b->plan == LADDER_NONE || a->cut != b->cut)
        return b->plan == LADDER_NONE || a->cut < b->cut;
    if (a->total != b->total)
        return a->total < b->total;
    if (a->subscriptions != b->subscriptions)
        return a->subscriptions < b->subscriptions;
    return s->plans[a->plan].number < s->plans[b->plan].number;
}

void ladder_offer(const struct ladder_search *s, struct ladder_spot *spot, size_t plan, bool cut,
                  money total, uint64_t subscriptions)
{
    struct ladder_spot offer = {.total = total,
                                .subscriptions = subscriptions,
                                .plan = (uint32_t)plan,
                                .cut = cut,
                                .settled = spot->settled};
    if (total < MONEY_MAX && ranks_before(s, &offer, spot))
        *spot = offer;
}

/* ---- plans by sums: every S ---- */

static void scan_sums(struct ladder_search *s, size_t plan)
{
    struct ladder_plan *p = &s->plans[plan];
    uint64_t to = p->first_bad <= s->m->most ? p->first_bad - 1 : s->m->most;
    ladder_plan_charge(p, s->m);
    for (uint64_t n = s->m->first_done; n <= to; n++) {
        money usage = ladder_usage(p, s->m, n);
        money total =
            p->linear ? p->fixed + usage : ladder_total(p, s->m, ladder_count(p, 1), usage);
        if (ladder_may_be_cheaper(&s->spots[n], n >= p->first_cut, total))
            ladder_offer(s, &s->spots[n], plan, n >= p->first_cut, total, ladder_count(p, 1));
    }
    s->scaled_usage[plan] = ladder_usage(p, s->m, s->m->most);
    if (!s->keeps_charges)
        ladder_plan_drop_charges(p);
}

/* ---- other plans: what they cost at least ---- */

/* At least what a plan costs that must be billed. */
static money floor_of(const struct ladder_plan *p, const struct ladder_month *m, uint64_t sessions)
{
    money price = ladder_least_period(p), usage = ladder_usage(p, m, sessions);
    if (p->plan->quota_count == 0)
        return price + usage;
    return usage > price ? usage : price;
}

struct bounds {
    uint64_t least, most;
};

static bool has_bounds(const struct ladder_plan *p, const struct ladder_month *m, uint64_t n,
                       const struct bounds *b)
{
    struct bounds now;
    ladder_need_bounds(p, m, n, &now.least, &now.most);
    return now.least == b->least && now.most == b->most;
}

/* The last S from `n` to `to` with the same bounds: neither falls while S grows. */
static uint64_t bounds_until(const struct ladder_plan *p, const struct ladder_month *m, uint64_t n,
                             uint64_t to, const struct bounds *b)
{
    uint64_t low = n, high = n, by = 1;
    while (high < to && low == high) {
        high = to - low > by ? low + by : to;
        by *= 2;
        if (has_bounds(p, m, high, b))
            low = high;
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (has_bounds(p, m, middle, b))
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* A plan by windows: exact where the bounds agree. */
static void look_at_windows(struct ladder_search *s, size_t plan, uint64_t n,
                            const struct bounds *b)
{
    struct ladder_plan *p = &s->plans[plan];
    struct ladder_spot *spot = &s->spots[n];
    bool cut = n >= p->first_cut;
    if (!ladder_serves(p, b->least))
        return;
    money total = ladder_total(p, s->m, ladder_count(p, b->least), ladder_usage(p, s->m, n));
    if (b->least == b->most)
        ladder_offer(s, spot, plan, cut, total, ladder_count(p, b->least));
    else if (ladder_may_be_cheaper(spot, cut, total))
        s->open[n] |= ladder_bit(plan);
}

static void look_at_bill(struct ladder_search *s, size_t plan, uint64_t n)
{
    const struct ladder_plan *p = &s->plans[plan];
    if (ladder_may_be_cheaper(&s->spots[n], n >= p->first_cut, floor_of(p, s->m, n)))
        s->open[n] |= ladder_bit(plan);
}

static void look_at(struct ladder_search *s, size_t plan)
{
    struct ladder_plan *p = &s->plans[plan];
    uint64_t to = p->first_bad <= s->m->most ? p->first_bad - 1 : s->m->most;
    ladder_plan_charge(p, s->m);
    for (uint64_t n = s->m->first_done; n <= to; n++) {
        if (p->how == LADDER_BILL) {
            look_at_bill(s, plan, n);
            continue;
        }
        struct bounds b;
        ladder_need_bounds(p, s->m, n, &b.least, &b.most);
        for (uint64_t last = bounds_until(p, s->m, n, to, &b); n < last; n++)
            look_at_windows(s, plan, n, &b);
        look_at_windows(s, plan, n, &b);
    }
    if (p->how == LADDER_BILL)
        s->scaled_usage[plan] = ladder_usage(p, s->m, s->m->most);
    if (p->how == LADDER_BILL && !s->keeps_charges)
        ladder_plan_drop_charges(p);
}

/* ---- what is still open ---- */

/* True if the plan's windows are counted; else it is billed. */
static bool is_counted(const struct ladder_search *s, size_t plan)
{
    return s->plans[plan].how == LADDER_WINDOWS && s->m->bill->options.max_wait_ns <= 0;
}

static void count_windows(struct ladder_search *s, size_t plan, const struct ladder_layout *l,
                          struct ladder_spot *spot)
{
    struct ladder_plan *p = &s->plans[plan];
    uint64_t least, most;
    money usage = ladder_usage(p, s->m, l->count);
    bool cut = l->count >= p->first_cut;
    ladder_need_bounds(p, s->m, l->count, &least, &most);
    if (!ladder_may_be_cheaper(spot, cut, ladder_total(p, s->m, ladder_count(p, least), usage)))
        return;
    uint64_t need = ladder_need(p, s->m, l);
    if (ladder_serves(p, need))
        ladder_offer(s, spot, plan, cut, ladder_total(p, s->m, ladder_count(p, need), usage),
                     ladder_count(p, need));
}

money ladder_ask(struct ladder_search *s, size_t plan, uint64_t n)
{
    struct ladder_plan *p = &s->plans[plan];
    struct ladder_layout l;
    uint64_t least = 1, most = 1;
    if (p->how == LADDER_BILL)
        return s->spots[n].plan == plan ? s->spots[n].total : MONEY_MAX;
    if (p->how == LADDER_WINDOWS)
        ladder_need_bounds(p, s->m, n, &least, &most);
    if (least < most && (s->m->work <= 0 || !is_counted(s, plan)))
        return s->spots[n].plan == plan ? s->spots[n].total : MONEY_MAX;
    if (least < most) {
        ladder_lay_out(s->m, n, &l);
        least = ladder_need(p, s->m, &l);
        ladder_layout_free(&l);
    }
    return ladder_serves(p, least)
               ? ladder_total(p, s->m, ladder_count(p, least), ladder_usage(p, s->m, n))
               : MONEY_MAX;
}

static bool is_asked(const struct ladder_search *s, size_t plan, uint64_t n)
{
    return s->plans[plan].how != LADDER_SUMS && s->open[n] & ladder_bit(plan) &&
           n < s->plans[plan].first_bad;
}

/* Works out S, whatever that takes. Windows are counted first: what they come to may rule out those
 * that are billed. */
static void settle(struct ladder_search *s, uint64_t n)
{
    struct ladder_spot *spot = &s->spots[n];
    struct ladder_layout l;
    uint64_t billed = 0;
    if (spot->settled != LADDER_OPEN || s->code < 0)
        return;
    ladder_lay_out(s->m, n, &l);
    s->m->work -= (int64_t)n;
    for (size_t i = 0; i < s->count; i++)
        if (is_asked(s, i, n) && is_counted(s, i))
            count_windows(s, i, &l, spot);
    ladder_layout_free(&l);
    for (size_t i = 0; i < s->count; i++)
        if (is_asked(s, i, n) && !is_counted(s, i) &&
            (s->plans[i].how != LADDER_BILL ||
             ladder_may_be_cheaper(spot, n >= s->plans[i].first_cut,
                                   floor_of(&s->plans[i], s->m, n))))
            billed |= ladder_bit(i);
    if (billed)
        ladder_bill_spot(s, ladder_first_requests(s->m, n), billed, spot);
    spot->settled = LADDER_PROVEN;
}

/* A stretch of S between two that are worked out. Of those between different plans, different
 * numbers of one plan, and equals there is a queue each. */
struct stretch {
    uint64_t from, to;
};

enum stretch_kind { BETWEEN_PLANS, BETWEEN_COUNTS, BETWEEN_EQUALS, STRETCH_KINDS };

struct stretches {
    struct stretch *items;
    size_t first, count, capacity;
};

static enum stretch_kind kind_of(const struct ladder_search *s, uint64_t from, uint64_t to)
{
    const struct ladder_spot *a = &s->spots[from], *b = &s->spots[to];
    if (a->plan != b->plan)
        return BETWEEN_PLANS;
    return a->subscriptions != b->subscriptions ? BETWEEN_COUNTS : BETWEEN_EQUALS;
}

static bool is_open(const struct ladder_search *s, uint64_t from, uint64_t to)
{
    for (uint64_t n = from + 1; n < to; n++)
        if (s->spots[n].settled == LADDER_OPEN)
            return true;
    return false;
}

static void push(const struct ladder_search *s, struct stretches *queues, uint64_t from,
                 uint64_t to)
{
    struct stretches *q = &queues[kind_of(s, from, to)];
    if (!is_open(s, from, to))
        return;
    if (q->count == q->capacity)
        mem_grow(&q->items, &q->capacity, q->count + 1, sizeof *q->items);
    q->items[q->count++] = (struct stretch){from, to};
}

static void halve(struct ladder_search *s, struct stretches *queues, enum stretch_kind kind)
{
    struct stretch at = queues[kind].items[queues[kind].first++];
    uint64_t middle = at.from + (at.to - at.from) / 2;
    settle(s, middle);
    push(s, queues, at.from, middle);
    push(s, queues, middle, at.to);
}

/* Ends between plans are found even where the allowance of work is used up; ends between numbers of
 * one plan, and what lies between equals, in turn as far as it goes. */
static enum stretch_kind next_kind(const struct ladder_search *s, const struct stretches *q,
                                   enum stretch_kind last)
{
    bool left[STRETCH_KINDS];
    for (int k = 0; k < STRETCH_KINDS; k++)
        left[k] = q[k].first < q[k].count;
    if (s->code < 0)
        return STRETCH_KINDS;
    if (left[BETWEEN_PLANS])
        return BETWEEN_PLANS;
    if (s->m->work <= 0)
        return STRETCH_KINDS;
    if (left[BETWEEN_COUNTS] && (last != BETWEEN_COUNTS || !left[BETWEEN_EQUALS]))
        return BETWEEN_COUNTS;
    return left[BETWEEN_EQUALS] ? BETWEEN_EQUALS : STRETCH_KINDS;
}

/* True if even the most that the plan can cost at S is less than what any other costs. */
static bool is_sure(struct ladder_search *s, size_t plan, uint64_t n)
{
    struct ladder_plan *p = plan < s->count ? &s->plans[plan] : NULL;
    const struct ladder_spot *other = &s->spots[n];
    uint64_t least, most;
    if (!p || p->how != LADDER_WINDOWS || s->open[n] != ladder_bit(plan) || n >= p->first_cut ||
        s->count > 64)
        return false;
    ladder_need_bounds(p, s->m, n, &least, &most);
    return ladder_serves(p, most) &&
           (other->plan == LADDER_NONE || other->cut ||
            ladder_total(p, s->m, ladder_count(p, most), ladder_usage(p, s->m, n)) < other->total);
}

/* What was not reached is as its neighbours on both sides, and the middle parts those. */
static void assume(struct ladder_search *s, const struct stretch *at)
{
    for (uint64_t n = at->from + 1; n < at->to; n++) {
        const struct ladder_spot *as = &s->spots[n - at->from <= at->to - n ? at->from : at->to];
        struct ladder_spot *spot = &s->spots[n];
        if (spot->settled != LADDER_OPEN)
            continue;
        bool sure = is_sure(s, as->plan, n);
        *spot = *as;
        spot->settled = sure ? LADDER_SURE : LADDER_ASSUMED;
        spot->total = MONEY_MAX;
    }
}

static void refine(struct ladder_search *s, struct stretches *queues)
{
    enum stretch_kind kind = STRETCH_KINDS;
    while ((kind = next_kind(s, queues, kind)) != STRETCH_KINDS)
        halve(s, queues, kind);
    for (int k = 0; k < STRETCH_KINDS; k++) {
        for (size_t i = queues[k].first; i < queues[k].count; i++)
            assume(s, &queues[k].items[i]);
        free(queues[k].items);
    }
}

/* Every run of open places lies between two that are not, or are worked out first; so is here. */
static void settle_open(struct ladder_search *s)
{
    struct stretches queues[STRETCH_KINDS] = {0};
    uint64_t first = s->m->first_done, most = s->m->most;
    if (first > most)
        return;
    settle(s, first);
    settle(s, most);
    if (s->m->here >= first && s->m->here < most)
        settle(s, s->m->here);
    for (uint64_t n = first, from = first; n <= most; n++) {
        if (s->spots[n].settled == LADDER_OPEN)
            continue;
        if (n - from > 1)
            push(s, queues, from, n);
        from = n;
    }
    refine(s, queues);
}

void ladder_scan(struct ladder_search *s)
{
    for (uint64_t n = 0; n <= s->m->most; n++)
        s->spots[n] = (struct ladder_spot){.plan = LADDER_NONE, .total = MONEY_MAX};
    for (size_t i = 0; i < s->count; i++)
        if (s->plans[i].how == LADDER_SUMS)
            scan_sums(s, i);
    for (size_t i = 0; i < s->count; i++)
        if (s->plans[i].how == LADDER_WINDOWS)
            look_at(s, i);
    for (size_t i = 0; i < s->count; i++)
        if (s->plans[i].how == LADDER_BILL)
            look_at(s, i);
    for (uint64_t n = s->m->first_done; n <= s->m->most; n++)
        s->spots[n].settled = s->open[n] ? LADDER_OPEN : LADDER_PROVEN;
    settle_open(s);
}
