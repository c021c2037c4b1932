/* The month of a ladder: which sessions it places, and where. */
#include "sim/cost/ladder/ladder_parts.h"

#include "core/memory.h"

#include <stdlib.h>

static bool is_done(const struct workload *w, size_t row)
{
    return !w->status || w->status[row] == REQUEST_OK;
}

/* The longest session, and the first one with a request that completed. */
static void look_at_sessions(struct ladder_month *m)
{
    const struct session_list *s = &m->sessions;
    m->first_done = UINT64_MAX;
    for (size_t n = 0; n < s->count; n++)
        for (size_t i = s->start[n]; i < s->start[n + 1]; i++) {
            int64_t length = serve_due(&m->rows, s->row[i]) - s->begin_ns[n];
            m->tail_ns = length > m->tail_ns ? length : m->tail_ns;
            if (m->first_done == UINT64_MAX && is_done(m->sample, s->row[i]))
                m->first_done = n + 1;
        }
}

static void share_out(struct ladder_month *m)
{
    struct placing p;
    struct extrapolation e = {
        .horizon_ns = m->length_ns, .start_unix_ns = m->bill->start_unix_ns, .sessions = m->most};
    week_profile_make(&m->profile, &m->sessions, &m->rows, m->bill->start_unix_ns);
    placing_begin(&p, &e, &m->profile);
    placing_shares_make(&m->shares, &p);
}

int ladder_month_make(struct ladder_month *m, const struct bill *bill, struct error *err)
{
    *m = (struct ladder_month){.bill = bill, .sample = bill->sample};
    int code = serve_rows_make(&m->rows, bill->sample, bill->options.duration, err);
    if (code < 0)
        return code;
    session_list_make(&m->sessions, &m->rows);
    m->length_ns = bill_month_length(bill);
    look_at_sessions(m);
    m->as_month = (struct bill){.options = bill->options,
                                .workload = &m->placed,
                                .has_start = bill->has_start,
                                .start_unix_ns = bill->start_unix_ns,
                                .billed_span_ns = m->length_ns};
    m->as_month.options.period = PERIOD_MONTH;
    return 0;
}

void ladder_month_extend(struct ladder_month *m, uint64_t end, uint64_t here)
{
    m->here = ladder_sessions(m, here);
    m->most = ladder_sessions(m, end < EXTRAPOLATE_MOST ? end : EXTRAPOLATE_MOST);
    m->used = m->most < m->sessions.count ? (size_t)m->most : m->sessions.count;
    share_out(m);
}

void ladder_month_free(struct ladder_month *m)
{
    serve_rows_free(&m->rows);
    session_list_free(&m->sessions);
    placing_shares_free(&m->shares);
}

uint64_t ladder_sessions(const struct ladder_month *m, uint64_t requests)
{
    return extrapolate_sessions(requests, m->sessions.count, m->sample->count);
}

uint64_t ladder_first_requests(const struct ladder_month *m, uint64_t sessions)
{
    if (sessions <= 1)
        return 1;
    money_magnitude half = (money_magnitude)(2 * sessions - 1) * m->sample->count;
    uint64_t n = (uint64_t)(half / (2 * m->sessions.count));
    n = n > 2 ? n - 2 : 1;
    while (ladder_sessions(m, n) < sessions)
        n++;
    return n;
}

uint64_t ladder_rows(const struct ladder_month *m, uint64_t sessions)
{
    const struct session_list *s = &m->sessions;
    return sessions / s->count * m->sample->count + s->start[sessions % s->count];
}

void ladder_lay_out(const struct ladder_month *m, uint64_t sessions, struct ladder_layout *out)
{
    struct placing p;
    struct extrapolation e = {
        .horizon_ns = m->length_ns, .start_unix_ns = m->bill->start_unix_ns, .sessions = sessions};
    *out = (struct ladder_layout){.count = sessions};
    out->start = mem_alloc((sessions + 1) * sizeof *out->start);
    placing_begin(&p, &e, &m->profile);
    for (uint64_t j = 0; j < sessions; j++)
        out->start[j] = placing_start(&p, j);
}

void ladder_layout_free(struct ladder_layout *l)
{
    free(l->start);
    if (l->drawing == 0)
        free(l->session);
    *l = (struct ladder_layout){0};
}
