/* Plans whose prices go by the hour or the date: a month of them is the sum of what its sessions
 * cost at the prices that hold where they are placed. What the sample's sessions cost under each of
 * those prices is summed up once, so that a session takes a look at the clock and a difference. */
#include "sim/cost/ladder/ladder_parts.h"

#include "core/memory.h"

#include <stdlib.h>

#define MINUTE_NS (60 * NS_PER_S)
#define MINUTES_MOST 1000000

/* ---- which plans ---- */

/* Hours and days change on whole minutes; dates may be given to the nanosecond. */
static bool changes_on_minutes(const struct plan_rate *r)
{
    for (size_t i = 0; i < r->window_count; i++) {
        const struct price_window *w = &r->windows[i];
        if ((w->from_unix_ns != INT64_MIN && w->from_unix_ns % MINUTE_NS != 0) ||
            (w->until_unix_ns != TIME_NEVER && w->until_unix_ns % MINUTE_NS != 0))
            return false;
    }
    return true;
}

/* True if what has no price has none at any time. */
static bool always_prices_alike(const struct plan_rate *r)
{
    size_t sets = plan_rate_services(r) * (r->window_count + 1);
    for (size_t s = 0; s < sets; s++)
        for (size_t i = 0; i < r->resolved[s].table_count; i++)
            if (r->resolved[s].tables[i].priced != r->resolved[0].tables[0].priced)
                return false;
    return true;
}

static size_t minutes_of(const struct ladder_month *m)
{
    return (size_t)((m->length_ns + m->tail_ns) / MINUTE_NS) + 2;
}

bool ladder_goes_by_hours(const struct ladder_plan *p, const struct ladder_month *m)
{
    const struct plan *plan = p->plan;
    const struct plan_rate *r = plan->rates;
    return p->how == LADDER_BILL && plan->rate_count == 1 && r->window_count > 0 &&
           r->window_count < UINT8_MAX && r->weight_count == 0 && plan_limit_count(plan) == 0 &&
           plan->limits.concurrency == 0 && plan->charged == CHARGED_REQUEST &&
           !m->sample->earlier && changes_on_minutes(r) && always_prices_alike(r) &&
           minutes_of(m) <= MINUTES_MOST;
}

/* ---- what holds when ---- */

static size_t minute_of(const struct ladder_hours *h, int64_t at_ns)
{
    return (size_t)((h->offset_ns + at_ns) / MINUTE_NS);
}

static uint8_t window_at(const struct plan_rate *r, int64_t at_unix_ns)
{
    const struct rate_prices *in_force = price_in_force(r, SERVICE_STANDARD, at_unix_ns);
    return (uint8_t)((size_t)(in_force - r->resolved) / plan_rate_services(r));
}

void ladder_hours_make(struct ladder_hours *h, const struct ladder_plan *p,
                       const struct ladder_month *m)
{
    int64_t first = clock_floor(m->bill->start_unix_ns, MINUTE_NS);
    h->offset_ns = m->bill->start_unix_ns - first;
    h->minutes = minutes_of(m);
    h->window = mem_alloc(h->minutes * sizeof *h->window);
    h->until = mem_alloc(h->minutes * sizeof *h->until);
    h->window_count = p->plan->rates[0].window_count + 1;
    h->before = mem_zero(h->window_count, sizeof *h->before);
    h->charging = mem_zero(h->window_count, sizeof *h->charging);
    for (size_t w = 0; w < h->window_count; w++)
        ladder_charging_open(&h->charging[w], p, m, w);
    for (size_t i = 0; i < h->minutes; i++)
        h->window[i] = window_at(p->plan->rates, first + (int64_t)i * MINUTE_NS);
    for (size_t i = h->minutes; i-- > 0;)
        h->until[i] = i + 1 < h->minutes && h->window[i + 1] == h->window[i] ? h->until[i + 1]
                                                                             : (uint32_t)i + 1;
}

void ladder_hours_free(struct ladder_hours *h)
{
    for (size_t w = 0; w < h->window_count; w++) {
        ladder_charging_close(&h->charging[w]);
        free(h->before[w]);
    }
    free(h->charging);
    free(h->before);
    free(h->window);
    free(h->until);
    *h = (struct ladder_hours){0};
}

/* ---- what a month costs ---- */

/* A session at the prices of one window. */
static money whole_session(const struct ladder_hours *h, size_t window, size_t n)
{
    const money *before = h->before[window];
    return before ? before[n + 1] - before[n] : 0;
}

/* A session on whose way prices may change, that is placed so much later. -1: it does not fit. */
static int session_by_rows(const struct ladder_hours *h, const struct ladder_month *m, size_t n,
                           int64_t by_ns, money *sum)
{
    const struct session_list *s = &m->sessions;
    for (size_t i = s->start[n]; i < s->start[n + 1]; i++) {
        size_t minute = minute_of(h, serve_due(&m->rows, s->row[i]) + by_ns);
        const struct tariff *t = &h->charging[h->window[minute]].tariff;
        money charge;
        if (tariff_total(t, s->row[i], &charge, NULL) < 0 || money_add(*sum, charge, sum) < 0)
            return -1;
    }
    return 0;
}

int ladder_hours_usage(const struct ladder_plan *p, const struct ladder_month *m,
                       const struct ladder_layout *l, money *out)
{
    const struct ladder_hours *h = &p->hours;
    *out = 0;
    for (size_t w = 0; w < h->window_count; w++)
        if (h->before[w] && h->before[w][m->used] >= MONEY_MAX / 2)
            return -1;
    for (uint64_t j = 0; j < l->count; j++) {
        size_t n = ladder_session(m, l, j), minute = minute_of(h, l->start[j]);
        int code = minute_of(h, l->start[j] + m->tail_ns) < h->until[minute]
                       ? money_add(*out, whole_session(h, h->window[minute], n), out)
                       : session_by_rows(h, m, n, l->start[j] - m->sessions.begin_ns[n], out);
        if (code < 0)
            return -1;
    }
    return 0;
}
