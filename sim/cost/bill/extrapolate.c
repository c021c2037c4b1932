#include "sim/cost/bill/extrapolate.h"

#include "core/memory.h"
#include "workloads/model/attempts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_NS (3600 * NS_PER_S)

void session_list_make(struct session_list *s, const struct serve_rows *sample)
{
    const struct workload *w = sample->workload;
    uint32_t *number = mem_alloc((w->count + 1) * sizeof *number); /* by row */
    uint32_t *of_name = mem_alloc((w->sessions.count + 1) * sizeof *of_name);
    for (size_t i = 0; i < w->sessions.count; i++)
        of_name[i] = NAME_NONE;
    *s = (struct session_list){0};
    for (size_t i = 0; i < w->count; i++) {
        uint32_t name = w->session ? w->session[i] : NAME_NONE;
        if (name == NAME_NONE)
            number[i] = (uint32_t)s->count++;
        else if (of_name[name] == NAME_NONE)
            number[i] = of_name[name] = (uint32_t)s->count++;
        else
            number[i] = of_name[name];
    }
    s->start = mem_zero(s->count + 2, sizeof *s->start);
    s->row = mem_alloc((w->count + 1) * sizeof *s->row);
    s->begin_ns = mem_alloc((s->count + 1) * sizeof *s->begin_ns);
    for (size_t i = 0; i < s->count; i++)
        s->begin_ns[i] = INT64_MAX;
    for (size_t i = 0; i < w->count; i++) {
        s->start[number[i] + 2]++;
        if (serve_due(sample, i) < s->begin_ns[number[i]])
            s->begin_ns[number[i]] = serve_due(sample, i);
    }
    for (size_t i = 0; i < s->count; i++)
        s->start[i + 2] += s->start[i + 1];
    for (size_t i = 0; i < w->count; i++)
        s->row[s->start[number[i] + 1]++] = (uint32_t)i;
    free(number);
    free(of_name);
}

void session_list_free(struct session_list *s)
{
    free(s->start);
    free(s->row);
    free(s->begin_ns);
}

static int hour_of_week(int64_t unix_ns)
{
    int64_t hour = unix_ns / HOUR_NS - (unix_ns % HOUR_NS < 0);
    return (int)(((hour % WEEK_HOURS) + WEEK_HOURS) % WEEK_HOURS);
}

void week_profile_make(struct week_profile *p, const struct session_list *s,
                       const struct serve_rows *sample, int64_t start_unix_ns)
{
    double seen[WEEK_HOURS] = {0};
    *p = (struct week_profile){.known = sample->span_ns >= WEEK_HOURS * HOUR_NS};
    if (!p->known)
        return;
    for (int64_t at = 0; at < sample->span_ns; at += HOUR_NS)
        seen[hour_of_week(start_unix_ns + at)]++;
    for (size_t i = 0; i < s->count; i++)
        p->starts[hour_of_week(start_unix_ns + s->begin_ns[i])]++;
    for (int h = 0; h < WEEK_HOURS; h++)
        p->starts[h] = seen[h] > 0 ? p->starts[h] / seen[h] : 0;
}

static double weight_of_hour(const struct placing *p, int64_t hour)
{
    int64_t left = p->e.horizon_ns - hour * HOUR_NS;
    double share = left >= HOUR_NS ? 1 : (double)left / (double)HOUR_NS;
    return share * p->profile->starts[hour_of_week(p->e.start_unix_ns + hour * HOUR_NS)];
}

void placing_begin(struct placing *p, const struct extrapolation *e,
                   const struct week_profile *profile)
{
    *p = (struct placing){.e = *e, .profile = profile->known ? profile : NULL};
    for (int64_t h = 0; p->profile && h * HOUR_NS < e->horizon_ns; h++)
        p->total += weight_of_hour(p, h);
    if (p->total <= 0)
        p->profile = NULL;
}

int64_t placing_start(struct placing *p, uint64_t j)
{
    if (!p->profile) {
        money_magnitude at = ((money_magnitude)j * 2 + 1) * (uint64_t)p->e.horizon_ns;
        return (int64_t)(at / (p->e.sessions * 2));
    }
    double aim = ((double)j + 0.5) / (double)p->e.sessions * p->total;
    while ((p->hour + 1) * HOUR_NS < p->e.horizon_ns &&
           p->reached + weight_of_hour(p, p->hour) <= aim)
        p->reached += weight_of_hour(p, p->hour++);
    double weight = weight_of_hour(p, p->hour),
           within = weight > 0 ? (aim - p->reached) / weight : 0;
    return p->hour * HOUR_NS + (int64_t)(within * (double)HOUR_NS);
}

void placing_shares_make(struct placing_shares *s, const struct placing *p)
{
    *s = (struct placing_shares){.horizon_ns = p->e.horizon_ns};
    if (!p->profile)
        return;
    s->hours = (size_t)((p->e.horizon_ns + HOUR_NS - 1) / HOUR_NS);
    s->before = mem_alloc((s->hours + 1) * sizeof *s->before);
    s->before[0] = 0;
    for (size_t h = 0; h < s->hours; h++)
        s->before[h + 1] = s->before[h] + weight_of_hour(p, (int64_t)h);
}

void placing_shares_free(struct placing_shares *s)
{
    free(s->before);
}

/* The share of all sessions that start before an instant. The last hour may be cut short. */
static double share_before(const struct placing_shares *s, int64_t at_ns)
{
    size_t hour = (size_t)(at_ns / HOUR_NS);
    if (hour >= s->hours)
        return 1;
    double weight = s->before[hour + 1] - s->before[hour];
    double within = (double)(at_ns - (int64_t)hour * HOUR_NS) / (double)HOUR_NS;
    return (s->before[hour] + weight * within) / s->before[s->hours];
}

void placing_between(const struct placing_shares *s, int64_t from_ns, int64_t to_ns,
                     uint64_t sessions, uint64_t *least, uint64_t *most)
{
    from_ns = from_ns < 0 ? 0 : from_ns;
    to_ns = to_ns > s->horizon_ns ? s->horizon_ns : to_ns;
    *least = *most = 0;
    if (to_ns <= from_ns)
        return;
    if (!s->before) {
        uint64_t horizon = (uint64_t)s->horizon_ns;
        money_magnitude all = (money_magnitude)sessions * (uint64_t)(to_ns - from_ns);
        *least = (uint64_t)(all / horizon);
        *most = *least + (all % horizon > 0);
        return;
    }
    double count = (double)sessions * (share_before(s, to_ns) - share_before(s, from_ns));
    *least = count * (1 - 1e-9) > 2 ? (uint64_t)(count * (1 - 1e-9)) - 1 : 0;
    *most = (uint64_t)ceil(count * (1 + 1e-9)) + 2;
    *most = *most > sessions ? sessions : *most;
}

uint64_t extrapolate_sessions(uint64_t requests, size_t sessions, size_t rows)
{
    double exact = (double)requests * (double)sessions / (double)rows;
    return exact < 1.5 ? 1 : (uint64_t)llround(exact);
}

/* Which row of the sample each row is made of, and when it is due. */
struct plan_of_rows {
    uint32_t *base, *session;
    size_t count, capacity;
};

static void append(struct plan_of_rows *r, struct workload *out, uint32_t base, uint32_t session,
                   int64_t due_ns)
{
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 1024;
        r->base = mem_resize(r->base, r->capacity, sizeof *r->base);
        r->session = mem_resize(r->session, r->capacity, sizeof *r->session);
        out->timestamp_ns = mem_resize(out->timestamp_ns, r->capacity, sizeof *out->timestamp_ns);
    }
    r->base[r->count] = base;
    r->session[r->count] = session;
    out->timestamp_ns[r->count++] = due_ns;
}

static void *gather(const void *column, size_t size, const struct plan_of_rows *r)
{
    if (!column)
        return NULL;
    char *out = mem_alloc((r->count + 1) * size);
    for (size_t i = 0; i < r->count; i++)
        memcpy(out + i * size, (const char *)column + r->base[i] * size, size);
    return out;
}

static void *copy_array(const void *from, size_t bytes)
{
    return memcpy(mem_alloc(bytes + 1), from, bytes);
}

static void copy_names(const struct names *from, struct names *to)
{
    for (size_t i = 0; i < from->count; i++)
        names_add(to, text_of(names_text(from, (uint32_t)i)));
}

/* Sessions that were drawn may come more than once in a round. */
static uint64_t round_of(const struct extrapolation *e, uint64_t j, size_t sessions)
{
    return e->drawn ? j : j / sessions;
}

static size_t session_of(const struct extrapolation *e, uint64_t j, size_t sessions)
{
    return e->drawn ? e->drawn[j % e->drawn_count] : (size_t)(j % sessions);
}

static uint64_t sessions_of(const struct extrapolation *e, const struct session_list *s,
                            size_t rows)
{
    if (!e->drawn)
        return extrapolate_sessions(e->requests, s->count, rows);
    size_t drawn_rows = 0;
    for (size_t i = 0; i < e->drawn_count; i++)
        drawn_rows += s->start[e->drawn[i] + 1] - s->start[e->drawn[i]];
    return extrapolate_sessions(e->requests, e->drawn_count, drawn_rows);
}

/* The session's name, and from its second use on the number of it. */
static uint32_t name_session(const struct workload *w, struct workload *out, uint32_t row,
                             uint64_t round)
{
    char name[512];
    if (!w->session || w->session[row] == NAME_NONE)
        return NAME_NONE;
    snprintf(name, sizeof name, round ? "%.480s (%llu)" : "%.480s",
             names_text(&w->sessions, w->session[row]), (unsigned long long)round + 1);
    return names_add(&out->sessions, text_of(name));
}

static void gather_columns(const struct workload *w, const struct plan_of_rows *r,
                           struct workload *out)
{
    out->count = out->capacity = out->prepared = r->count;
    out->input_tokens = gather(w->input_tokens, sizeof *w->input_tokens, r);
    out->output_tokens = gather(w->output_tokens, sizeof *w->output_tokens, r);
    out->model = gather(w->model, sizeof *w->model, r);
    out->counted = gather(w->counted, sizeof *w->counted, r);
    out->class_number = gather(w->class_number, sizeof *w->class_number, r);
    out->labels = gather(w->labels, sizeof *w->labels, r);
    out->service = gather(w->service, sizeof *w->service, r);
    out->initiator = gather(w->initiator, sizeof *w->initiator, r);
    out->status = gather(w->status, sizeof *w->status, r);
    out->priority = gather(w->priority, sizeof *w->priority, r);
    out->attempts = gather(w->attempts, sizeof *w->attempts, r);
    out->usage = gather(w->usage, sizeof *w->usage, r);
    out->media = gather(w->media, sizeof *w->media, r);
    out->usage_known = gather(w->usage_known, sizeof *w->usage_known, r);
    if (w->session)
        out->session = copy_array(r->session, r->count * sizeof *r->session);
    if (w->usage_extra_count > 0) {
        out->usage_extras =
            copy_array(w->usage_extras, w->usage_extra_count * sizeof *w->usage_extras);
        out->usage_extra_count = out->usage_extra_capacity = w->usage_extra_count;
    }
    copy_names(&w->models, &out->models);
    copy_names(&w->counters, &out->counters);
    copy_names(&w->classes, &out->classes);
    copy_names(&w->label_sets, &out->label_sets);
    copy_names(&w->extra_names, &out->extra_names);
    copy_names(&w->other_services, &out->other_services);
}

/* What attempts before the last used, as far from their request's own time as they were. */
static void gather_earlier(const struct serve_rows *sample, const struct plan_of_rows *r,
                           struct workload *out)
{
    const struct earlier_attempts *from = sample->workload->earlier;
    struct earlier_attempts *to = out->earlier = mem_zero(1, sizeof *to);
    size_t count = 0;
    to->start = mem_alloc((r->count + 1) * sizeof *to->start);
    for (size_t i = 0; i < r->count; i++) {
        to->start[i] = count;
        count += from->start[r->base[i] + 1] - from->start[r->base[i]];
    }
    to->start[r->count] = count;
    to->items = mem_alloc((count + 1) * sizeof *to->items);
    for (size_t i = 0; i < r->count; i++) {
        int64_t by = out->timestamp_ns[i] - serve_due(sample, r->base[i]);
        for (uint64_t k = 0; k < to->start[i + 1] - to->start[i]; k++) {
            struct earlier_attempt *a = &to->items[to->start[i] + k];
            *a = from->items[from->start[r->base[i]] + k];
            if (a->sent_ns != TIME_NEVER)
                a->sent_ns += by;
        }
    }
    to->finals = gather(from->finals, sizeof *from->finals, r);
    to->has_slo = from->has_slo;
}

void extrapolate_sample(struct extrapolation *e, const struct extrapolation_sample *sample,
                        struct workload *out)
{
    const struct serve_rows *rows = sample->rows;
    const struct session_list *s = sample->sessions;
    const struct workload *w = rows->workload;
    struct plan_of_rows r = {0};
    struct placing p;
    workload_init(out);
    e->sessions = sessions_of(e, s, w->count);
    e->by_hour = sample->profile->known;
    placing_begin(&p, e, sample->profile);
    for (uint64_t j = 0; j < e->sessions; j++) {
        size_t n = session_of(e, j, s->count);
        int64_t by = placing_start(&p, j) - s->begin_ns[n];
        uint32_t name = name_session(w, out, s->row[s->start[n]], round_of(e, j, s->count));
        for (size_t i = s->start[n]; i < s->start[n + 1]; i++)
            append(&r, out, s->row[i], name, serve_due(rows, s->row[i]) + by);
    }
    gather_columns(w, &r, out);
    if (w->earlier)
        gather_earlier(rows, &r, out);
    out->name = w->name ? mem_copy_string(w->name) : NULL;
    out->has_start = w->has_start;
    out->start_unix_ns = w->start_unix_ns;
    free(r.base);
    free(r.session);
}

int extrapolate(struct extrapolation *e, const struct serve_rows *rows, struct workload *out,
                struct error *err)
{
    struct week_profile profile;
    struct session_list sessions;
    const struct extrapolation_sample sample = {rows, &sessions, &profile};
    if (rows->workload->count == 0) {
        workload_init(out);
        return error_set(err, ERR_INPUT, "there is no request to make a period of");
    }
    session_list_make(&sessions, rows);
    week_profile_make(&profile, &sessions, rows, e->start_unix_ns);
    extrapolate_sample(e, &sample, out);
    session_list_free(&sessions);
    return 0;
}
