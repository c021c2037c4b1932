/* Futures: months drawn from the sample and settled under every plan. They depend on nothing but
 * their number, so that they are tasks, some at a time. */
#include "sim/plan/forecast_parts.h"

#include "core/memory.h"
#include "sim/cost/book/plan_terms.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS_MAX (UINT64_C(1) << 20)

/* A future that is being drawn. */
struct drawing {
    const struct future_source *from;
    uint64_t sample_key;
    double *demand, *scratch;
    size_t *source;              /* day of the sample */
    struct block_charge *course; /* [plan × days + day] */
    money *spend;                /* of one plan */
    double *cumulative;          /* the same, in USD, up to the end of each day */
};

/* A day without requests cannot stand for a day with some: the next of its weekday, else the next
 * that has any. */
static size_t day_with_requests(const struct drawing *m, size_t day)
{
    size_t n = m->from->sample.day_count;
    for (size_t other = day; other < n; other += 7)
        if (m->from->sample.days[other].requests > 0)
            return other;
    for (size_t k = 0; k < n; k++)
        if (m->from->sample.days[(day + k) % n].requests > 0)
            return (day + k) % n;
    return day;
}

/* Which day of the sample each day of the future is made of: of one week of the sample, drawn for
 * each week, the day that has the same weekday; without a season any day. */
static void choose_sources(struct drawing *m, struct random *r)
{
    size_t n = m->from->sample.day_count;
    bool by_weekday = m->from->weekly && m->from->aligned && n >= 7;
    size_t week = 0;
    for (size_t t = 0; t < m->from->days; t++) {
        if (!by_weekday) {
            m->source[t] = day_with_requests(m, (size_t)random_below(r, n));
            continue;
        }
        if (t % 7 == 0)
            week = (size_t)random_below(r, m->from->weeks);
        int weekday = (m->from->model.phase + (int)((m->from->model.days + t) % 7)) % 7;
        size_t offset = (size_t)((weekday - m->from->sample_phase + 7) % 7);
        m->source[t] = week * 7 + offset;
        if (m->source[t] >= n)
            m->source[t] -= 7;
        m->source[t] = day_with_requests(m, m->source[t]);
    }
}

/* The Poisson variate of this mean at which the distribution function passes u. */
static uint64_t poisson_at(double mean, double zero, double u)
{
    if (mean > 30) {
        double x = floor(mean + sqrt(mean) * gsl_cdf_ugaussian_Pinv(u) + 0.5);
        return x < 0 ? 0 : x > (double)REPEATS_MAX ? REPEATS_MAX : (uint64_t)x;
    }
    uint64_t k = 0;
    for (double p = zero, sum = zero; u > sum && k < 200; sum += p)
        p *= mean / (double)++k;
    return k;
}

/* A uniform number that belongs to the unit and the key. */
static double unit_chance(uint64_t key, uint64_t unit)
{
    return ((double)(random_mix(key, unit) >> 11) + 0.5) * 0x1p-53;
}

/* How often the block is taken. Of few days the sample itself is drawn anew first, once for the
 * whole future: each block stands in it as often as a Poisson variate with mean 1 says. */
static uint64_t repeats_of(const struct drawing *m, uint64_t key, uint64_t unit, double mean,
                           double zero)
{
    if (m->from->few_days) {
        mean *= (double)poisson_at(1, exp(-1), unit_chance(m->sample_key, unit));
        zero = exp(-mean);
    }
    return mean > 0 ? poisson_at(mean, zero, unit_chance(key, unit)) : 0;
}

/* One day of the future from blocks of its source. */
static int draw_day(struct drawing *m, size_t t, uint64_t key, double *requests)
{
    const struct forecast_sample *s = &m->from->sample;
    const struct sample_day *day = &s->days[m->source[t]];
    double size = m->from->by_tokens ? day->tokens : day->requests;
    double mean = size > 0 ? m->demand[t] / size : 0, zero = exp(-mean);
    if (mean > (double)REPEATS_MAX / 2)
        return -1;
    for (size_t b = day->first; b < day->first + day->count; b++) {
        uint64_t n = repeats_of(m, key, s->blocks[b].unit, mean, zero);
        if (n == 0)
            continue;
        *requests += (double)(n * s->blocks[b].requests);
        for (size_t p = 0; p < s->plan_count; p++)
            if (forecast_sample_add(s, b, p, n, &m->course[p * m->from->days + t]) < 0)
                return -1;
    }
    return 0;
}

static int draw_future(struct drawing *m, size_t sample, const double *growth, double *requests)
{
    const struct future_source *from = m->from;
    struct random r;
    uint64_t key = 0;
    /* The same stream for every scenario: their differences are not chance. */
    random_init(&r, from->seed, RANDOM_BOOTSTRAP, sample);
    demand_model_draw(&from->model, &r, growth, m->scratch, m->demand, from->days);
    choose_sources(m, &r);
    m->sample_key = random_u64(&r);
    memset(m->course, 0, from->plan_count * from->days * sizeof *m->course);
    *requests = 0;
    for (size_t t = 0; t < from->days; t++) {
        if (t % 7 == 0)
            key = random_u64(&r);
        if (draw_day(m, t, key, requests) < 0)
            return -1;
    }
    return 0;
}

/* What came of it, and the spend up to the end of each day behind that. */
static int settle_plan(struct drawing *m, size_t p, struct buffer *answer)
{
    const struct future_source *from = m->from;
    struct plan_course c = {.plan = from->plans[p],
                            .demand = m->course + p * from->days,
                            .days = from->days,
                            .begin_unix_ns = from->begin_unix_ns,
                            .spend = m->spend,
                            .holds_capacity = true,
                            .peak_milli = from->peak_milli};
    struct future_plan out;
    double asked = 0;
    money sum = 0;
    if (plan_course_settle(&c) < 0)
        return -1;
    memset(&out, 0, sizeof out);
    out.budget_end = FORECAST_NEVER;
    for (size_t t = 0; t < from->days; t++) {
        sum += m->spend[t];
        asked += (double)c.demand[t].weight_micro;
        m->cumulative[t] = money_to_double(sum);
        if (out.budget_end == FORECAST_NEVER && from->has_budget && sum > from->budget)
            out.budget_end = t;
    }
    out.quota_end = c.quota_end;
    out.over_budget = sum > from->budget && from->has_budget;
    out.subscriptions = c.subscriptions;
    out.unserved_share = asked > 0 ? c.unserved / asked : 0;
    out.delayed_share = asked > 0 ? c.delayed / asked : 0;
    pack_value(answer, out);
    buffer_add(answer, m->cumulative, from->days * sizeof *m->cumulative);
    return 0;
}

static int add_future(struct drawing *m, size_t sample, const double *growth, struct buffer *answer)
{
    double requests;
    if (draw_future(m, sample, growth, &requests) < 0)
        return -1;
    pack_value(answer, requests);
    for (size_t p = 0; p < m->from->plan_count; p++)
        if (settle_plan(m, p, answer) < 0)
            return -1;
    return 0;
}

/* ---- as a task ---- */

static void begin(struct drawing *m, const struct future_source *from)
{
    *m = (struct drawing){.from = from};
    m->demand = mem_alloc(from->days * sizeof *m->demand);
    m->scratch = mem_alloc((from->model.days + 1) * sizeof *m->scratch);
    m->source = mem_alloc(from->days * sizeof *m->source);
    m->course = mem_alloc((from->plan_count * from->days + 1) * sizeof *m->course);
    m->spend = mem_alloc(from->days * sizeof *m->spend);
    m->cumulative = mem_alloc(from->days * sizeof *m->cumulative);
}

static void end(struct drawing *m)
{
    free(m->demand);
    free(m->scratch);
    free(m->source);
    free(m->course);
    free(m->spend);
    free(m->cumulative);
}

/* Of the future that was drawn last. */
static int keep(struct drawing *m, size_t sample, struct kept_futures *out)
{
    const struct future_source *from = m->from;
    size_t first = sample * from->days;
    for (size_t p = 0; p < from->plan_count; p++)
        if (out->demand[p])
            memcpy(out->demand[p] + first, m->course + p * from->days,
                   from->days * sizeof *m->course);
    struct plan_course c = {.plan = from->plans[out->spend_of],
                            .demand = m->course + out->spend_of * from->days,
                            .days = from->days,
                            .begin_unix_ns = from->begin_unix_ns,
                            .spend = out->spend + first};
    return plan_course_settle(&c);
}

int forecast_keep_futures(const struct future_source *from, size_t samples, const double *growth,
                          struct kept_futures *out)
{
    struct drawing m;
    double requests;
    int code = 0;
    begin(&m, from);
    for (size_t i = 0; i < samples && code == 0; i++) {
        code = draw_future(&m, i, growth, &requests);
        if (code == 0)
            code = keep(&m, i, out);
    }
    end(&m);
    return code;
}

static int answer_futures(const void *context, struct unpack *question, const char *directory,
                          struct buffer *answer, struct error *err)
{
    struct drawing m;
    struct future_question q;
    int code = 0;
    (void)directory;
    unpack_value(question, q);
    if (question->broken)
        return error_set(err, ERR_WORK, "which futures to draw did not come whole");
    begin(&m, context);
    for (size_t i = q.first; i < q.first + q.count && code == 0; i++)
        code = add_future(&m, i, q.has_growth ? &q.growth : NULL, answer);
    end(&m);
    return code < 0 ? error_set(err, ERR_INPUT, "the demand grows beyond what can be charged") : 0;
}

/* ---- what they are drawn from, for another process ---- */

struct sent_source {
    struct future_source shared; /* first: it is the context */
    struct plan_terms *terms;
    const struct plan **plans;
};

static void pack(const void *context, struct buffer *out)
{
    const struct future_source *from = context;
    const struct forecast_sample *s = &from->sample;
    const struct demand_model *m = &from->model;
    pack_value(out, *from);
    pack_list(out, s->days, s->day_count, sizeof *s->days);
    pack_list(out, s->blocks, s->block_count, sizeof *s->blocks);
    pack_list(out, s->charges, s->block_count * s->plan_count, sizeof *s->charges);
    pack_list(out, s->needs, s->block_count * s->need_count, sizeof *s->needs);
    pack_list(out, s->need_first, s->plan_count + 1, sizeof *s->need_first);
    pack_list(out, m->y, m->days, sizeof *m->y);
    pack_list(out, m->residual, m->days, sizeof *m->residual);
    for (size_t i = 0; i < from->plan_count; i++)
        plan_terms_pack(from->plans[i], out);
}

static void release(void *context)
{
    struct sent_source *sent = context;
    for (size_t i = 0; i < sent->shared.plan_count; i++)
        plan_terms_free(&sent->terms[i]);
    forecast_sample_free(&sent->shared.sample);
    demand_model_free(&sent->shared.model);
    free(sent->terms);
    free(sent->plans);
    free(sent);
}

/* A list that must have so many items. */
static void *list_of(struct unpack *u, size_t count, size_t size)
{
    size_t came;
    void *items = unpack_list(u, &came, size);
    u->broken = u->broken || came != count;
    return items;
}

static void unpack_arrays(struct unpack *u, struct future_source *from)
{
    struct forecast_sample *s = &from->sample;
    struct demand_model *m = &from->model;
    s->days = list_of(u, s->day_count, sizeof *s->days);
    s->blocks = list_of(u, s->block_count, sizeof *s->blocks);
    s->charges = list_of(u, s->block_count * s->plan_count, sizeof *s->charges);
    s->needs = list_of(u, s->block_count * s->need_count, sizeof *s->needs);
    s->need_first = list_of(u, s->plan_count + 1, sizeof *s->need_first);
    m->y = list_of(u, m->days, sizeof *m->y);
    m->residual = list_of(u, m->days, sizeof *m->residual);
}

static void *unpack(struct unpack *bytes)
{
    struct sent_source *sent = mem_zero(1, sizeof *sent);
    struct future_source *from = &sent->shared;
    unpack_value(bytes, *from);
    unpack_arrays(bytes, from);
    if (bytes->broken)
        from->plan_count = 0;
    sent->terms = mem_zero(from->plan_count + 1, sizeof *sent->terms);
    sent->plans = mem_zero(from->plan_count + 1, sizeof *sent->plans);
    from->plans = sent->plans;
    for (size_t i = 0; i < from->plan_count; i++) {
        plan_terms_unpack(bytes, &sent->terms[i]);
        sent->plans[i] = &sent->terms[i].plan;
    }
    if (!bytes->broken)
        return sent;
    release(sent);
    return NULL;
}

const struct task_kind forecast_futures = {.name = "futures",
                                           .pack = pack,
                                           .unpack = unpack,
                                           .release = release,
                                           .run = answer_futures,
                                           .is_short = true};
