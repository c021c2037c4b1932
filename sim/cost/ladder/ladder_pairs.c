/* Where a flat plan begins to pay against one by the token, as if there were these two only. */
#include "sim/cost/ladder/ladder_parts.h"

#include "core/memory.h"

/* Places that are looked at for all pairs together; beyond that nothing is said. */
#define PLACES_MOST 4000000

struct pair {
    struct ladder_search *s;
    size_t token, flat; /* of s->plans */
};

static money token_total(const struct pair *p, uint64_t sessions)
{
    struct ladder_plan *t = &p->s->plans[p->token];
    return ladder_total(t, p->s->m, ladder_count(t, 1), ladder_usage(t, p->s->m, sessions));
}

/* The least S at which the token plan costs as much as one of the flat one without usage: charges
 * never fall as S rises. */
static uint64_t least_that_may_pay(const struct pair *p)
{
    struct ladder_plan *f = &p->s->plans[p->flat];
    money least = ladder_total(f, p->s->m, ladder_count(f, 1), 0);
    uint64_t low = p->s->m->first_done, high = p->s->m->most + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (token_total(p, middle) >= least)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* True if the flat plan ranks before the other at S. */
static bool pays(const struct pair *p, uint64_t sessions)
{
    struct ladder_plan *t = &p->s->plans[p->token], *f = &p->s->plans[p->flat];
    struct ladder_spot spot = {.plan = LADDER_NONE};
    money token = token_total(p, sessions), flat;
    uint64_t least = 1, most = 1;
    if (f->how == LADDER_WINDOWS)
        ladder_need_bounds(f, p->s->m, sessions, &least, &most);
    flat = ladder_total(f, p->s->m, ladder_count(f, least), ladder_usage(f, p->s->m, sessions));
    if (!ladder_serves(f, least) || (flat > token && sessions < t->first_cut))
        return false;
    flat = ladder_ask(p->s, p->flat, sessions);
    if (flat == MONEY_MAX)
        return false;
    ladder_offer(p->s, &spot, p->token, sessions >= t->first_cut, token, ladder_count(t, 1));
    ladder_offer(p->s, &spot, p->flat, sessions >= f->first_cut, flat, ladder_count(f, least));
    return spot.plan == p->flat;
}

static struct ladder_pair find(const struct ladder *l, const struct pair *p, int64_t *places)
{
    const struct ladder_plan *t = &p->s->plans[p->token], *f = &p->s->plans[p->flat];
    const struct ladder_month *m = p->s->m;
    struct ladder_pair out = {0};
    if (t->how != LADDER_SUMS || f->how == LADDER_BILL || t->linear == false ||
        (f->how == LADDER_WINDOWS && m->bill->options.max_wait_ns > 0))
        return out;
    uint64_t from = least_that_may_pay(p); /* who cuts answers ranks behind, whatever it costs */
    from = from < t->first_cut ? from : t->first_cut;
    for (uint64_t n = from > m->first_done ? from : m->first_done; n <= m->most; n++) {
        if (n >= t->first_bad || n >= f->first_bad)
            return (struct ladder_pair){.known = true, .never = true};
        if (--*places < 0 || m->work <= 0)
            return out;
        if (pays(p, n))
            return (struct ladder_pair){.known = true, .requests = ladder_first_requests(m, n)};
    }
    out.known = out.never = l->end <= EXTRAPOLATE_MOST;
    return out;
}

void ladder_add_pairs(struct ladder *l, struct ladder_search *s)
{
    const struct bill *bill = l->bill;
    int64_t places = PLACES_MOST;
    size_t charged = s->count;
    l->pairs = mem_zero(bill->break_even_count + 1, sizeof *l->pairs);
    s->m->work = s->m->allowance / 4;
    for (size_t i = 0; i < bill->break_even_count && places > 0; i++) {
        const struct break_even *e = &bill->break_even[i];
        struct pair p = {s, ladder_plan_of(s, e->token_plan), ladder_plan_of(s, e->flat_plan)};
        if (p.token == LADDER_NOBODY || p.flat == LADDER_NOBODY)
            continue;
        if (charged != p.token) { /* pairs of one token plan follow each other */
            if (charged < s->count)
                ladder_plan_drop_charges(&s->plans[charged]);
            charged = s->plans[p.token].usage || s->keeps_charges ? s->count : p.token;
            if (s->plans[p.token].how == LADDER_SUMS)
                ladder_plan_charge(&s->plans[p.token], s->m);
        }
        if (s->plans[p.flat].how == LADDER_SUMS)
            ladder_plan_charge(&s->plans[p.flat], s->m);
        l->pairs[i] = find(l, &p, &places);
    }
    if (charged < s->count)
        ladder_plan_drop_charges(&s->plans[charged]);
}
