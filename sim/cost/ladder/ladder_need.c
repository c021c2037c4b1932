/* How many of a plan its busiest window asks for, in a month of S sessions.
 *
 * Bounds: in a window [a, b) only requests of sessions can be due that start in [a − tail, b), and
 * all of those are that start in [a, b − tail): with tail the longest session. How many sessions
 * start in a stretch of time follows from S. Sessions come in a fixed, cyclic order, so that many
 * in a row take at most what the most that many in a row take, each no more than it takes at most
 * within a window's length; and all windows together take what
 * all sessions do, so one of them takes the mean at least.
 */
#include "sim/cost/ladder/ladder_parts.h"

#include "core/memory.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>
#include <string.h>

#define DAY_NS (86400 * NS_PER_S)
#define WINDOWS_MOST 4000000

/* ---- windows in time ---- */

static size_t window_of(const struct ladder_limit *l, int64_t at_ns)
{
    size_t n = 0;
    if (!l->ends)
        return (size_t)((at_ns + l->phase_ns) / l->length_ns);
    while (at_ns >= l->ends[n])
        n++;
    return n;
}

static void list_months(struct ladder_limit *l, int64_t start_unix_ns, int64_t span_ns)
{
    size_t capacity = (size_t)(span_ns / (28 * DAY_NS)) + 3;
    int64_t begin, end = 0;
    l->ends = mem_alloc(capacity * sizeof *l->ends);
    do {
        window_bounds(&l->quota, start_unix_ns, end, &begin, &end);
        l->ends[l->windows++] = end;
    } while (end <= span_ns);
}

static bool place_windows(struct ladder_limit *l, const struct ladder_month *m)
{
    int64_t begin, end, span = m->length_ns + m->tail_ns;
    l->length_ns = plan_quota_length(&l->quota);
    if (l->quota.alignment == WINDOW_CALENDAR && l->quota.length_ns == 0) {
        list_months(l, m->bill->start_unix_ns, span);
        return true;
    }
    window_bounds(&l->quota, m->bill->start_unix_ns, 0, &begin, &end);
    l->phase_ns = -begin;
    if (span / l->length_ns > WINDOWS_MOST)
        return false;
    l->windows = window_of(l, span) + 1;
    return true;
}

/* The bounds of a window: [*from, *to). */
static void bounds_of(const struct ladder_limit *l, size_t window, int64_t *from, int64_t *to)
{
    *from =
        l->ends ? (window ? l->ends[window - 1] : 0) : (int64_t)window * l->length_ns - l->phase_ns;
    *to = l->ends ? l->ends[window] : *from + l->length_ns;
}

/* Where most sessions may start whose requests a window may hold, and where most start that lie in
 * one window as a whole. */
#define SO_MANY ((uint64_t)1 << 40)
static void find_busiest(struct ladder_limit *l, const struct ladder_month *m)
{
    uint64_t outer = 0, inner = 0;
    for (size_t w = 0; w < l->windows; w++) {
        int64_t from, to;
        uint64_t least, most;
        bounds_of(l, w, &from, &to);
        placing_between(&m->shares, from - m->tail_ns, to, SO_MANY, &least, &most);
        if (most > outer) {
            outer = most;
            l->outer_from = from - m->tail_ns;
            l->outer_to = to;
        }
        placing_between(&m->shares, from, to - m->tail_ns, SO_MANY, &least, &most);
        if (least > inner) {
            inner = least;
            l->inner_from = from;
            l->inner_to = to - m->tail_ns;
        }
    }
}

/* ---- what rows and sessions take ---- */

#define NEED_MOST ((uint64_t)1 << 40)

/* Needs by place, or one for all. False: too large to count in 64 bits. */
static bool find_needs(struct ladder_limit *l, const struct ladder_plan *p,
                       const struct ladder_month *m)
{
    const struct serve_conditions conditions = {.start_unix_ns = m->bill->start_unix_ns};
    size_t rows = m->sessions.start[m->used];
    bool alike = true;
    if (serve_asks_alike(p->plan, &m->rows) && l->quota.unit == QUOTA_REQUESTS) {
        l->each = rows ? PLAN_MICRO : 0;
        return true;
    }
    l->need = mem_alloc((rows + 1) * sizeof *l->need);
    for (size_t i = 0; i < rows; i++) {
        struct serve_ask ask;
        serve_ask_of(p->plan, &m->rows, &conditions, m->sessions.row[i], &ask);
        money_magnitude need = serve_need(&l->quota, &ask);
        if (need > NEED_MOST)
            return false;
        l->need[i] = (uint64_t)need;
        alike = alike && need == l->need[0];
    }
    if (alike) {
        l->each = rows ? l->need[0] : 0;
        free(l->need);
        l->need = NULL;
    }
    return true;
}

static uint64_t need_at(const struct ladder_limit *l, size_t place)
{
    return l->need ? l->need[place] : l->each;
}

/* Runs are remembered for lengths of five significant bits. */
#define RUN_BITS 4
static size_t run_number(uint64_t length)
{
    size_t exponent = 0;
    while (length >> exponent >= (uint64_t)2 << RUN_BITS)
        exponent++;
    return (exponent << RUN_BITS) + (size_t)(length >> exponent);
}

/* The most that a session takes within any stretch of a window's length; all of it where its rows
 * are not in the order of time. */
static uint64_t peak_of(const struct ladder_limit *l, const struct ladder_month *m, size_t n)
{
    const struct session_list *s = &m->sessions;
    uint64_t now = 0, most = 0, whole = 0;
    bool sorted = true;
    for (size_t i = s->start[n], first = i; i < s->start[n + 1]; i++) {
        int64_t due = serve_due(&m->rows, s->row[i]);
        sorted = sorted && (i == s->start[n] || due >= serve_due(&m->rows, s->row[i - 1]));
        whole += need_at(l, i);
        now += need_at(l, i);
        while (sorted && due - serve_due(&m->rows, s->row[first]) >= l->length_ns && first < i)
            now -= need_at(l, first++);
        most = now > most ? now : most;
    }
    return sorted && !l->ends ? most : whole;
}

static uint64_t whole_of(const struct ladder_limit *l, const struct ladder_month *m, size_t n)
{
    uint64_t whole = 0;
    for (size_t i = m->sessions.start[n]; i < m->sessions.start[n + 1]; i++)
        whole += need_at(l, i);
    return whole;
}

static void sum_sessions(struct ladder_takes *t, const struct ladder_limit *l,
                         const struct ladder_month *m, bool peaks)
{
    bool alike = true;
    if (!l->need && m->sessions.count == m->sample->count) { /* each session is one request */
        t->each = l->each;
        return;
    }
    t->before = mem_zero(m->used + 1, sizeof *t->before);
    for (size_t n = 0; n < m->used; n++) {
        uint64_t takes = peaks ? peak_of(l, m, n) : whole_of(l, m, n);
        t->before[n + 1] = t->before[n] + takes;
        alike = alike && takes == t->before[1];
    }
    t->each = t->before[1];
    if (alike) {
        free(t->before);
        t->before = NULL;
        return;
    }
    t->runs = mem_zero(run_number(UINT64_MAX >> 1) + 2, sizeof *t->runs);
}

uint64_t ladder_demand(const struct ladder_limit *l, const struct ladder_month *m,
                       uint64_t sessions)
{
    const struct ladder_takes *t = &l->whole;
    uint64_t count = m->sessions.count;
    if (!t->before)
        return t->each * sessions;
    return (sessions >= count ? t->before[count] * (sessions / count) : 0) +
           t->before[sessions % count];
}

/* The most that `length` sessions in a row take, of those that are used, at most all of them. */
static uint64_t longest_run(const struct ladder_takes *t, const struct ladder_month *m,
                            uint64_t length)
{
    uint64_t used = m->used, most = 0;
    bool round = m->used == m->sessions.count; /* after the last comes the first */
    for (uint64_t from = 0; from < used; from++) {
        uint64_t to = from + length, taken;
        if (to <= used)
            taken = t->before[to] - t->before[from];
        else
            taken = t->before[used] - t->before[from] + (round ? t->before[to - used] : 0);
        most = taken > most ? taken : most;
    }
    return most;
}

/* At least what any `sessions` in a row take: exact where all take the same. */
static uint64_t most_of_run(const struct ladder_takes *t, const struct ladder_month *m,
                            uint64_t sessions)
{
    if (!t->before)
        return t->each * sessions;
    uint64_t rounds = sessions / m->used, rest = sessions % m->used, all = t->before[m->used];
    if (rest == 0)
        return all * rounds;
    size_t exponent = 0;
    while (rest >> exponent >= (uint64_t)2 << RUN_BITS)
        exponent++;
    uint64_t length = ((rest >> exponent) + (rest % ((uint64_t)1 << exponent) > 0)) << exponent;
    if (length >= m->used)
        return all * (rounds + 1);
    uint64_t *known = &t->runs[run_number(length)];
    if (*known == 0)
        *known = longest_run(t, m, length) + 1;
    return all * rounds + *known - 1;
}

/* At most what any `sessions` in a row take: all, less the most that the others take. Where not all
 * of the sample is used, and its end has no beginning behind it, nothing is known. */
static uint64_t least_of_run(const struct ladder_takes *t, const struct ladder_month *m,
                             uint64_t sessions)
{
    if (!t->before)
        return t->each * sessions;
    if (m->used < m->sessions.count)
        return 0;
    uint64_t rounds = sessions / m->used, rest = sessions % m->used, all = t->before[m->used];
    uint64_t others = rest ? most_of_run(t, m, m->used - rest) : 0;
    return all * rounds + (rest && all > others ? all - others : 0);
}

/* ---- limits ---- */

static bool is_countable(const struct plan_quota *q, bool is_quota)
{
    return (q->alignment == WINDOW_CALENDAR || q->alignment == WINDOW_ANCHORED) &&
           q->beyond != BEYOND_PAY && q->unit != QUOTA_USD && !plan_quota_is_settled(q) &&
           (is_quota || q->model_count + q->class_count == 0);
}

static bool add_limit(struct ladder_plan *p, struct ladder_month *m, const struct plan_quota *q,
                      bool is_quota)
{
    struct ladder_limit *l = &p->limits[p->limit_count++];
    *l = (struct ladder_limit){.quota = *q};
    money_magnitude amount = plan_quota_amount(q);
    if (!is_countable(q, is_quota) || amount == 0 || amount > (UINT64_MAX >> 2) ||
        !place_windows(l, m) || !find_needs(l, p, m))
        return false;
    l->amount = (uint64_t)amount;
    sum_sessions(&l->whole, l, m, false);
    sum_sessions(&l->peak, l, m, true);
    find_busiest(l, m);
    p->count_room = l->windows > p->count_room ? l->windows : p->count_room;
    return true;
}

bool ladder_limits_make(struct ladder_plan *p, struct ladder_month *m)
{
    const struct plan *plan = p->plan;
    struct bought one;
    bool ok = true;
    p->limits = mem_zero(plan_limit_count(plan) + 1, sizeof *p->limits);
    bought_make(&one, plan, 1, m->bill->options.units);
    for (size_t i = 0; i < plan_limit_count(plan) && ok; i++)
        ok = add_limit(p, m, plan_limit_at(&one.plan, i), i < plan->quota_count);
    bought_free(&one);
    p->counts = ok ? mem_zero(p->count_room + 1, sizeof *p->counts) : NULL;
    if (!ok)
        ladder_limits_free(p);
    return ok;
}

void ladder_limits_free(struct ladder_plan *p)
{
    for (size_t i = 0; i < p->limit_count; i++) {
        free(p->limits[i].ends);
        free(p->limits[i].need);
        free(p->limits[i].whole.before);
        free(p->limits[i].whole.runs);
        free(p->limits[i].peak.before);
        free(p->limits[i].peak.runs);
    }
    free(p->limits);
    free(p->counts);
    p->limits = NULL;
    p->counts = NULL;
    p->limit_count = p->count_room = 0;
}

static uint64_t times(uint64_t taken, uint64_t amount)
{
    return taken / amount + (taken % amount > 0);
}

void ladder_need_bounds(const struct ladder_plan *p, const struct ladder_month *m,
                        uint64_t sessions, uint64_t *least, uint64_t *most)
{
    *least = *most = 1;
    for (size_t i = 0; i < p->limit_count; i++) {
        const struct ladder_limit *l = &p->limits[i];
        uint64_t low, high, unused, all = ladder_demand(l, m, sessions);
        placing_between(&m->shares, l->outer_from, l->outer_to, sessions, &unused, &high);
        placing_between(&m->shares, l->inner_from, l->inner_to, sessions, &low, &unused);
        high = most_of_run(&l->peak, m, high < sessions ? high : sessions);
        high = high < all ? high : all;
        bool waits = m->bill->options.max_wait_ns > 0;
        uint64_t windows = waits ? ladder_windows_touched(m, &l->quota) : l->windows;
        uint64_t mean = all / windows + (all % windows > 0);
        low = waits ? 0 : least_of_run(&l->whole, m, low);
        low = low > mean ? low : mean;
        *least = times(low, l->amount) > *least ? times(low, l->amount) : *least;
        *most = times(high, l->amount) > *most ? times(high, l->amount) : *most;
    }
}

/* The most that one window takes. */
static uint64_t busiest(const struct ladder_limit *l, const struct ladder_month *m,
                        const struct ladder_layout *layout, uint64_t *counts)
{
    const struct session_list *s = &m->sessions;
    uint64_t most = 0;
    memset(counts, 0, l->windows * sizeof *counts);
    for (uint64_t j = 0; j < layout->count; j++) {
        size_t n = ladder_session(m, layout, j);
        int64_t by = layout->start[j] - s->begin_ns[n];
        for (size_t i = s->start[n]; i < s->start[n + 1]; i++) {
            uint64_t *count = &counts[window_of(l, serve_due(&m->rows, s->row[i]) + by)];
            *count += need_at(l, i);
            most = *count > most ? *count : most;
        }
    }
    return most;
}

uint64_t ladder_need(struct ladder_plan *p, struct ladder_month *m,
                     const struct ladder_layout *layout)
{
    uint64_t need = 1;
    for (size_t i = 0; i < p->limit_count; i++) {
        const struct ladder_limit *l = &p->limits[i];
        uint64_t count = times(busiest(l, m, layout, p->counts), l->amount);
        m->work -= (int64_t)(ladder_rows(m, layout->count) + l->windows / 8);
        need = count > need ? count : need;
    }
    return need;
}
