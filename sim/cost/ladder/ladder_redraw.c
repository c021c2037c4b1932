/* How sure the ends of a ladder are: months are drawn anew, and the ends found in each.
 *
 * Where the sample spans some days, whole days are drawn with replacement, with their sessions at
 * their times (in blocks of seven where there are two weeks and more: a circular block bootstrap,
 * Politis and Romano 1992), until the month is full; its S sessions then start along the curve of
 * those days' arrivals, so that busy days stay as busy beside quiet ones as they were. Else
 * sessions are drawn with replacement, and placed as in the ladder.
 */
#include "sim/cost/ladder/ladder_parts.h"

#include "core/memory.h"
#include "core/random.h"

#include <stdlib.h>

#define DAY_NS (86400 * NS_PER_S)
#define DAYS_LEAST 3
#define DAYS_FOR_WEEKS 14
#define REDRAWS_LEAST 40

/* The sample's days, from its first session on. */
struct days {
    size_t count;
    size_t *first;   /* day d has order[first[d]] .. order[first[d + 1]] */
    uint32_t *order; /* sessions by the time at which they begin */
    int64_t begin_ns;
    size_t sessions;
};

/* One drawn month. */
struct drawing {
    const struct ladder_month *m;
    const struct days *days; /* NULL: sessions are drawn */
    uint32_t *drawn;         /* sessions, or a day of the sample for each of the month */
    uint64_t *before;        /* of the days before each */
    size_t count;
    struct random random; /* of this month: sessions are drawn as they are asked for, */
    size_t done;          /* so many of them */
    uint64_t number;      /* months drawn */
};

static void list_days(struct days *d, const struct ladder_month *m)
{
    const int64_t *begin = m->sessions.begin_ns;
    *d = (struct days){.sessions = m->used};
    d->order = workload_order_by(begin, m->used);
    d->begin_ns = begin[d->order[0]];
    int64_t span = begin[d->order[m->used - 1]] - d->begin_ns;
    d->count = (size_t)(span / DAY_NS) + 1;
    if (d->count > 1 && span % DAY_NS < DAY_NS / 2)
        d->count--; /* the last one has hardly begun */
    d->first = mem_zero(d->count + 2, sizeof *d->first);
    size_t at = 0;
    for (size_t day = 0; day <= d->count; day++) {
        while (at < m->used && begin[d->order[at]] - d->begin_ns < (int64_t)day * DAY_NS)
            at++;
        d->first[day] = at;
    }
}

static void free_days(struct days *d)
{
    free(d->first);
    free(d->order);
}

static void open_drawing(struct drawing *d, const struct ladder_month *m, const struct days *days)
{
    *d = (struct drawing){.m = m, .days = days->count >= DAYS_LEAST ? days : NULL};
    d->count = d->days ? (size_t)(m->length_ns / DAY_NS) : m->used;
    d->drawn = mem_alloc((d->count + 1) * sizeof *d->drawn);
    d->before = mem_zero(d->count + 2, sizeof *d->before);
}

static void close_drawing(struct drawing *d)
{
    free(d->drawn);
    free(d->before);
}

static void draw_days(struct drawing *d)
{
    struct random *r = &d->random;
    const struct days *days = d->days;
    size_t block = days->count >= DAYS_FOR_WEEKS ? 7 : 1;
    do {
        for (size_t i = 0, day = 0; i < d->count; i++) {
            day = i % block == 0 ? (size_t)random_below(r, days->count) : (day + 1) % days->count;
            d->drawn[i] = (uint32_t)day;
            d->before[i + 1] = d->before[i] + days->first[day + 1] - days->first[day];
        }
    } while (d->before[d->count] == 0); /* nothing but days without requests */
}

static void draw(struct drawing *d, uint64_t seed, uint64_t number)
{
    random_init(&d->random, seed, RANDOM_BOOTSTRAP, number);
    d->done = 0;
    d->number++;
    if (d->days)
        draw_days(d);
}

static void draw_sessions(struct drawing *d, uint64_t count)
{
    for (; d->done < count && d->done < d->count; d->done++)
        d->drawn[d->done] = (uint32_t)random_below(&d->random, d->m->used);
}

/* Session j of S starts where the drawn days' arrivals reach (j + ½) / S of all, between one of
 * them and the next. */
static void lay_out_days(const struct drawing *d, struct ladder_layout *l)
{
    const struct days *days = d->days;
    const int64_t *begin = d->m->sessions.begin_ns;
    uint64_t all = d->before[d->count];
    for (uint64_t j = 0, day = 0; j < l->count; j++) {
        money_magnitude aim = (money_magnitude)(2 * j + 1) * all, unit = 2 * l->count;
        uint64_t at = (uint64_t)(aim / unit);
        while (at >= d->before[day + 1])
            day++;
        uint32_t drawn = d->drawn[day];
        size_t k = days->first[drawn] + (size_t)(at - d->before[day]);
        int64_t from = days->begin_ns + (int64_t)drawn * DAY_NS, now = begin[days->order[k]] - from;
        int64_t next = k + 1 < days->first[drawn + 1] ? begin[days->order[k + 1]] - from : DAY_NS;
        l->session[j] = days->order[k];
        l->start[j] = (int64_t)day * DAY_NS + now +
                      (int64_t)((money_magnitude)(next - now) * (aim % unit) / unit);
    }
}

/* Where sessions are drawn, starts are made where they are asked for. */
static void lay_out(struct drawing *d, uint64_t sessions, struct ladder_layout *l)
{
    *l = (struct ladder_layout){.count = sessions};
    if (!d->days) {
        draw_sessions(d, sessions);
        if (sessions <= d->count) {
            l->session = d->drawn;
            l->drawing = d->number;
            return;
        }
    }
    l->session = mem_alloc((sessions + 1) * sizeof *l->session);
    if (d->days) {
        l->start = mem_alloc((sessions + 1) * sizeof *l->start);
        lay_out_days(d, l);
    } else {
        for (uint64_t j = 0; j < sessions; j++)
            l->session[j] = d->drawn[j % d->count];
    }
}

/* ---- who is cheaper ---- */

/* True if the plan can be asked what a drawn month costs. */
static bool can_be_asked(const struct ladder_search *s, const struct ladder_plan *p)
{
    return p->first_bad == UINT64_MAX && p->first_cut == UINT64_MAX &&
           (p->how == LADDER_SUMS ||
            (p->how == LADDER_WINDOWS && s->m->bill->options.max_wait_ns <= 0));
}

/* Where sessions are placed as ever and all take the same of its limits, bounds may tell the need.
 */
static uint64_t need_of(struct ladder_search *s, size_t plan, struct ladder_layout *l)
{
    struct ladder_plan *p = &s->plans[plan];
    struct ladder_layout even;
    uint64_t least = 1, most = 2;
    bool alike = !l->start;
    for (size_t i = 0; i < p->limit_count; i++)
        alike = alike && !p->limits[i].whole.before && !p->limits[i].peak.before;
    if (alike)
        ladder_need_bounds(p, s->m, l->count, &least, &most);
    if (least == most)
        return least;
    if (!l->start) {
        ladder_lay_out(s->m, l->count, &even);
        l->start = even.start;
    }
    return ladder_need(p, s->m, l);
}

/* From the month of the same drawing that was asked for before: the sessions between the two. */
static money usage_of(struct ladder_plan *p, const struct ladder_month *m,
                      const struct ladder_layout *l)
{
    if (l->drawing == 0 || !p->usage)
        return ladder_usage_of(p, m, l);
    if (p->drawn.drawing != l->drawing) {
        p->drawn.drawing = l->drawing;
        p->drawn.count = 0;
        p->drawn.usage = 0;
    }
    uint64_t n = p->drawn.count;
    for (; n < l->count; n++)
        p->drawn.usage += p->usage[l->session[n] + 1] - p->usage[l->session[n]];
    for (; n > l->count; n--)
        p->drawn.usage -= p->usage[l->session[n - 1] + 1] - p->usage[l->session[n - 1]];
    p->drawn.count = n;
    return p->drawn.usage;
}

static void offer(struct ladder_search *s, size_t plan, struct ladder_layout *l,
                  struct ladder_spot *spot)
{
    struct ladder_plan *p = &s->plans[plan];
    uint64_t need = p->how == LADDER_SUMS ? 1 : need_of(s, plan, l), count = ladder_count(p, need);
    s->m->work -= (int64_t)l->count;
    if (ladder_serves(p, need))
        ladder_offer(s, spot, plan, false, ladder_total(p, s->m, count, usage_of(p, s->m, l)),
                     count);
}

struct pair {
    struct ladder_search *s;
    struct drawing *d;
    size_t before, after; /* of s->plans */
};

/* True if the second of the two is cheaper in a month of S sessions. */
static bool pays(const struct pair *p, uint64_t sessions)
{
    struct ladder_layout l;
    struct ladder_spot spot = {.plan = LADDER_NONE};
    lay_out(p->d, sessions, &l);
    offer(p->s, p->before, &l, &spot);
    offer(p->s, p->after, &l, &spot);
    ladder_layout_free(&l);
    return spot.plan == p->after;
}

/* Where the second begins to pay near `at`, to one in 128, and not before `least`, from which on
 * the first is the cheapest in the ladder; UINT64_MAX: not up to the most. */
static uint64_t begins_to_pay(const struct pair *p, uint64_t least, uint64_t at)
{
    uint64_t most = p->s->m->most, low = at, high = at, by = at / 16 + 1;
    if (pays(p, at)) {
        do {
            high = low;
            low = high - least > by ? high - by : least;
            by *= 2;
        } while (low < high && pays(p, low));
    } else {
        do {
            if (high == most)
                return UINT64_MAX;
            low = high;
            high = most - low > by ? low + by : most;
            by *= 2;
        } while (!pays(p, high));
    }
    while (high - low > 1 + high / 128) {
        uint64_t middle = low + (high - low) / 2;
        if (pays(p, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void summarise(struct ladder_surety *out, const struct ladder_search *s, uint64_t *ends,
                      uint64_t count)
{
    qsort(ends, count, sizeof *ends, by_size);
    uint64_t cut = count / 40; /* 2.5 % */
    out->redraws = count;
    out->known = count >= REDRAWS_LEAST;
    for (uint64_t i = 0; i < count; i++)
        out->beyond += ends[i] == UINT64_MAX;
    uint64_t low = ends[cut], high = ends[count - 1 - cut];
    out->low = low == UINT64_MAX ? low : ladder_first_requests(s->m, low);
    out->high = high == UINT64_MAX ? high : ladder_first_requests(s->m, high);
}

static void redraw_end(struct ladder *l, struct ladder_search *s, size_t number, struct drawing *d,
                       const struct ladder_options *o)
{
    const struct ladder_run *before = &l->intervals[number - 1].run;
    struct ladder_interval *i = &l->intervals[number];
    struct pair p = {s, d, ladder_plan_of(s, before->plan), ladder_plan_of(s, i->run.plan)};
    uint64_t count = 0;
    if (p.before == LADDER_NOBODY || p.after == LADDER_NOBODY ||
        !can_be_asked(s, &s->plans[p.before]) || !can_be_asked(s, &s->plans[p.after]) ||
        i->run.from > EXTRAPOLATE_MOST || ladder_is_narrow(i) || ladder_is_narrow(i - 1))
        return;
    uint64_t *ends = mem_alloc((o->redraws + 1) * sizeof *ends);
    i->surety.by_days = d->days != NULL;
    for (; count < o->redraws && s->m->work > 0; count++) {
        draw(d, o->seed, count);
        ends[count] = begins_to_pay(&p, before->sessions_from, i->run.sessions_from);
    }
    if (count > 0)
        summarise(&i->surety, s, ends, count);
    free(ends);
}

/* In how many drawn months the cheapest plan here is the same. */
static void redraw_here(struct ladder *l, struct ladder_search *s, struct drawing *d,
                        const struct ladder_options *o)
{
    const struct ladder_interval *here = ladder_at(l, l->here);
    size_t plan = here ? ladder_plan_of(s, here->run.plan) : LADDER_NOBODY;
    uint64_t sessions = ladder_sessions(s->m, l->here);
    for (size_t i = 0; i < l->interval_count; i++) {
        size_t other = ladder_plan_of(s, l->intervals[i].run.plan);
        if (other == LADDER_NOBODY || !can_be_asked(s, &s->plans[other]))
            return;
    }
    if (plan == LADDER_NOBODY || l->interval_count < 2 || l->here > EXTRAPOLATE_MOST)
        return;
    for (uint64_t k = 0; k < o->redraws && s->m->work > 0; k++) {
        struct ladder_spot spot = {.plan = LADDER_NONE};
        struct ladder_layout layout;
        draw(d, o->seed, k);
        lay_out(d, sessions, &layout);
        for (size_t i = 0; i < l->curve_count; i++)
            offer(s, ladder_plan_of(s, l->curves[i].plan), &layout, &spot);
        ladder_layout_free(&layout);
        l->redraws++;
        l->here_same += spot.plan == plan;
    }
}

void ladder_redraw(struct ladder *l, struct ladder_search *s, const struct ladder_options *o)
{
    struct days days;
    struct drawing d;
    if (o->redraws == 0 || l->interval_count < 2)
        return;
    list_days(&days, s->m);
    open_drawing(&d, s->m, &days);
    int64_t left = 2 * s->m->allowance; /* what one does not need is for those that follow */
    for (size_t i = 1; i <= l->interval_count; i++) {
        int64_t share = left / (int64_t)(l->interval_count + 1 - i);
        s->m->work = share;
        if (i < l->interval_count)
            redraw_end(l, s, i, &d, o);
        else
            redraw_here(l, s, &d, o);
        left -= share - s->m->work;
    }
    l->by_days = d.days != NULL;
    close_drawing(&d);
    free_days(&days);
}
