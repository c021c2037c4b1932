/* Serving under limits that only count requests: each asks for one, and windows lie on a grid, so
 * that a request is a look at a few counters. What comes out is what serve.c says. */
#include "sim/cost/bill/serve.h"

#include "core/memory.h"
#include "sim/cost/book/window.h"

#include <string.h>

#define SERVE_PLAIN_LIMITS 8

bool serve_is_counted(const struct plan_quota *q)
{
    return q->unit == QUOTA_REQUESTS && !q->of && !q->pooled && !q->rolls_over &&
           (q->alignment == WINDOW_CALENDAR || q->alignment == WINDOW_ANCHORED) &&
           !plan_quota_is_settled(q) && plan_quota_amount(q) >= PLAN_MICRO &&
           plan_quota_amount(q) < UINT64_MAX / 2;
}

bool serve_is_plain(const struct plan *p, const struct serve_rows *rows)
{
    size_t limits = plan_limit_count(p);
    if (rows->elsewhere || limits == 0 || limits > SERVE_PLAIN_LIMITS ||
        (p->limits.concurrency > 0 && rows->duration.known) || !serve_asks_alike(p, rows))
        return false;
    for (size_t i = 0; i < limits; i++) {
        const struct plan_quota *q = plan_limit_at(p, i);
        if (!serve_is_counted(q) || (q->most > 0 && q->most < PLAN_MICRO))
            return false;
    }
    return true;
}

/* One limit, and the window that is looked at. */
struct counter {
    const struct plan_quota *quota;
    int64_t end_ns;
    uint64_t used, amount; /* in millionths of a request */
    bool is_quota, queues, rejects;
};

struct plain_line {
    struct counter counters[SERVE_PLAIN_LIMITS];
    size_t count;
    int64_t start_unix_ns, last_start_ns;
    bool has_quota;
};

static void open_line(struct plain_line *l, const struct plan *p, int64_t start_unix_ns)
{
    *l = (struct plain_line){.count = plan_limit_count(p),
                             .start_unix_ns = start_unix_ns,
                             .has_quota = p->quota_count > 0};
    for (size_t i = 0; i < l->count; i++) {
        const struct plan_quota *q = plan_limit_at(p, i);
        l->counters[i] = (struct counter){.quota = q,
                                          .end_ns = INT64_MIN,
                                          .amount = (uint64_t)plan_quota_amount(q),
                                          .is_quota = i < p->quota_count,
                                          .queues = q->beyond == BEYOND_QUEUE,
                                          .rejects = q->beyond == BEYOND_REJECT};
    }
}

static inline bool has_room(struct counter *c, int64_t start_unix_ns, int64_t now_ns)
{
    int64_t begin;
    if (now_ns >= c->end_ns) {
        window_bounds(c->quota, start_unix_ns, now_ns, &begin, &c->end_ns);
        c->used = 0;
    }
    return c->used + PLAN_MICRO <= c->amount;
}

/* The start that all queueing windows agree on. */
static inline int64_t queue_until(struct plain_line *l, int64_t now_ns)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < l->count; i++)
            if (l->counters[i].queues && !has_room(&l->counters[i], l->start_unix_ns, now_ns)) {
                now_ns = l->counters[i].end_ns;
                moved = true;
            }
    }
    return now_ns;
}

static inline enum serve_fate enter(struct plain_line *l, int64_t now_ns)
{
    bool included = true;
    for (size_t i = 0; i < l->count; i++) {
        struct counter *c = &l->counters[i];
        bool fits = has_room(c, l->start_unix_ns, now_ns) || c->queues;
        if (!fits && c->rejects)
            return c->is_quota ? SERVE_QUOTA : SERVE_RATE;
        included = included && (fits || !c->is_quota);
    }
    for (size_t i = 0; i < l->count; i++)
        l->counters[i].used += included || !l->counters[i].is_quota ? PLAN_MICRO : 0;
    return l->has_quota && included ? SERVE_INCLUDED : SERVE_PAID;
}

/* Starts are kept from the first one on that is late. */
static void note_late(const struct serve_rows *rows, size_t row, int64_t due_ns, int64_t start_ns,
                      struct serve_result *out)
{
    if (!out->start_ns) {
        out->start_ns = mem_alloc((rows->workload->count + 1) * sizeof *out->start_ns);
        for (size_t i = 0; i < rows->workload->count; i++)
            out->start_ns[i] = serve_due(rows, i);
    }
    out->start_ns[row] = start_ns;
    out->last_start_ns = start_ns > out->last_start_ns ? start_ns : out->last_start_ns;
    out->delayed++;
    out->delay_sum_ns += (uint64_t)(start_ns - due_ns);
    out->delay_max_ns =
        start_ns - due_ns > out->delay_max_ns ? start_ns - due_ns : out->delay_max_ns;
}

void serve_plainly(const struct plan *plan, const struct serve_rows *rows,
                   const struct serve_conditions *conditions, struct serve_result *out)
{
    const struct workload *w = rows->workload;
    struct plain_line l;
    open_line(&l, plan, conditions->start_unix_ns);
    out->fate = mem_alloc(w->count + 1);
    for (size_t i = 0; i < w->count; i++) {
        size_t row = rows->order ? rows->order[i] : i;
        int64_t due = serve_due(rows, row);
        out->fate[row] = SERVE_INPUT;
        if (serve_row_within(plan, conditions, w, row)) {
            int64_t at = queue_until(&l, due > l.last_start_ns ? due : l.last_start_ns);
            out->fate[row] = (uint8_t)enter(&l, at);
            l.last_start_ns = at;
            if (at > due && serve_is_served(out->fate[row]))
                note_late(rows, row, due, at, out);
        }
        out->count[out->fate[row]]++;
    }
    out->quota_used = (money_magnitude)out->count[SERVE_INCLUDED] * PLAN_MICRO;
}

void serve_plainly_needed(const struct plan *plan, const struct serve_rows *rows,
                          const struct serve_conditions *conditions, struct serve_need *out)
{
    const struct workload *w = rows->workload;
    struct plain_line l;
    uint64_t enough[SERVE_PLAIN_LIMITS];
    open_line(&l, plan, conditions->start_unix_ns);
    memset(enough, 0, sizeof enough);
    for (size_t i = 0; i < w->count; i++) {
        size_t row = rows->order ? rows->order[i] : i;
        if (!serve_row_within(plan, conditions, w, row))
            continue;
        for (size_t k = 0; k < l.count; k++) {
            struct counter *c = &l.counters[k];
            (void)has_room(c, l.start_unix_ns, serve_due(rows, row));
            c->used += PLAN_MICRO;
            if (c->used <= enough[k] || c->quota->beyond == BEYOND_PAY)
                continue;
            uint64_t count = c->used / c->amount + (c->used % c->amount > 0);
            enough[k] = count * c->amount;
            if (count > out->count)
                *out = (struct serve_need){.count = count, .window = *c->quota};
        }
    }
}
