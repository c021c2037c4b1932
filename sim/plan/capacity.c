#include "sim/plan/capacity.h"

#include "core/memory.h"
#include "core/stats/erlang.h"
#include "sim/plan/capacity_limit.h"
#include "sim/plan/load_search.h"
#include "sim/plan/trial.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

#define RATE_MAX 1e5
#define RATE_MIN 1e-4   /* of one request at a time: below it no load is left */
#define TOLERANCE 1.005 /* width of the last bracket, as a factor */
#define ROUGHLY 1.1     /* the same where one seed looks for a guess */
#define PROBES 160
#define ROUNDS 4          /* of looking at what lies below the knee */
#define PAST_KNEE 1.15    /* where the limit is looked for, times the knee's rate */
#define HELD_CLEARLY 0.25 /* share of the time with somebody waiting that names a limit */

/* A rate at which seeds were simulated: by how much they meet the criteria. */
struct margin {
    double rate_rps, least, most; /* at the limits of the interval; least ≥ 0: surely sustained */
    bool sustained;
};

/* The search under way. */
struct search {
    const struct capacity_options *o;
    struct capacity *out;
    struct trial_load load;
    struct margin probes[PROBES]; /* of all seeds, by rising rate */
    size_t count;
};

static int probe(struct search *s, double rate_rps, struct trial_result *r, struct error *err)
{
    if (s->o->on_probe)
        s->o->on_probe(s->o->context, s->out->probes, rate_rps);
    s->out->probes++;
    return trial_run(s->o, &s->load, rate_rps, r, err);
}

/* ---- points ---- */

static void add_point(struct load_point *sum, const struct load_point *p, double weight)
{
    static const size_t means[] = {
        offsetof(struct load_point, ttft_mean),   offsetof(struct load_point, ttft_p50),
        offsetof(struct load_point, ttft_p99),    offsetof(struct load_point, tpot_p50),
        offsetof(struct load_point, tpot_p99),    offsetof(struct load_point, e2e_mean),
        offsetof(struct load_point, e2e_p50),     offsetof(struct load_point, e2e_p99),
        offsetof(struct load_point, output_tps),  offsetof(struct load_point, in_flight),
        offsetof(struct load_point, request_rps), offsetof(struct load_point, served)};
    for (size_t i = 0; i < COUNT_OF(means); i++)
        *(double *)(void *)((char *)sum + means[i]) +=
            weight * *(const double *)(const void *)((const char *)p + means[i]);
    sum->goodput_low = fmin(sum->goodput_low, p->goodput);
    sum->goodput_high = fmax(sum->goodput_high, p->goodput);
}

/* Turns come when those before have ended, so that the rate asked for is met only roughly. */
static bool has_turns(const struct workload *w)
{
    return w->after_start && w->after_start[w->count] > 0;
}

/* From rates asked for to rates measured. */
static void scale_rates(struct capacity *out, double factor)
{
    out->rate_rps *= factor;
    out->low_rps *= factor;
    out->high_rps *= factor;
}

static void choose_seed(struct search *s, unsigned seed)
{
    s->load.seed = s->o->seed + seed;
    s->load.workload = s->o->workloads[seed % s->o->workload_count];
}

/* They may be simulated at once, where there is somebody to do so. */
static void want_seeds(struct search *s, unsigned seeds, double rate_rps)
{
    for (unsigned i = 0; i < seeds; i++) {
        choose_seed(s, i);
        trial_want(s->o, &s->load, rate_rps);
    }
}

/* ---- all seeds at a rate ---- */

struct spread {
    double mean, half; /* of the 95 % interval; 0 of one value */
};

static struct spread spread_of(const double *values, unsigned n)
{
    struct spread s = {0, 0};
    double squares = 0;
    for (unsigned i = 0; i < n; i++)
        s.mean += values[i] / n;
    for (unsigned i = 0; i < n; i++)
        squares += (values[i] - s.mean) * (values[i] - s.mean);
    if (n > 1)
        s.half = gsl_cdf_tdist_Pinv(0.975, n - 1) * sqrt(squares / (n - 1) / n);
    return s;
}

static void keep_margin(struct search *s, struct margin m)
{
    size_t i = s->count;
    if (s->count == PROBES)
        return;
    for (; i > 0 && s->probes[i - 1].rate_rps > m.rate_rps; i--)
        s->probes[i] = s->probes[i - 1];
    s->probes[i] = m;
    s->count++;
}

static bool is_sustained(const struct search *s, const struct load_point *p)
{
    return p->goodput >= s->o->goodput && p->sustained != SUSTAINED_NO;
}

/* Goodputs and drifts of the seeds, judged together. A drift that is not known does not count. */
static void judge_seeds(struct search *s, unsigned seeds, const double *goodput,
                        double (*drift)[CAPACITY_SEEDS], struct load_point *p)
{
    static const double limits[] = {CAPACITY_DRIFT, CAPACITY_END_DRIFT};
    struct spread good = spread_of(goodput, seeds), d = {0, 0};
    struct margin m = {p->load, good.mean - good.half - s->o->goodput,
                       good.mean + good.half - s->o->goodput, false};
    bool grows = false;
    p->goodput = good.mean;
    p->growth = spread_of(drift[0], seeds).mean;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        d = spread_of(drift[i], seeds);
        if (!isfinite(d.mean))
            continue;
        grows |= d.mean > limits[i];
        m.least = fmin(m.least, limits[i] - d.mean - d.half);
        m.most = fmin(m.most, limits[i] - d.mean + d.half);
    }
    p->sustained = grows ? SUSTAINED_NO : isfinite(d.mean) ? SUSTAINED_YES : SUSTAINED_UNCLEAR;
    m.sustained = is_sustained(s, p);
    if (seeds == s->o->seeds)
        keep_margin(s, m);
}

/* The means over the first `seeds` seeds at a rate. */
static int measure_point(struct search *s, unsigned seeds, double rate_rps, struct load_point *out,
                         struct error *err)
{
    struct trial_result r;
    double measured = 0, goodput[CAPACITY_SEEDS], drift[2][CAPACITY_SEEDS];
    *out = (struct load_point){.load = rate_rps, .goodput_low = 1};
    want_seeds(s, seeds, rate_rps);
    for (unsigned i = 0; i < seeds; i++) {
        choose_seed(s, i);
        if (probe(s, rate_rps, &r, err) < 0)
            return err->code;
        add_point(out, &r.point, 1.0 / seeds);
        measured += r.measured_rps / seeds;
        goodput[i] = r.point.goodput;
        drift[0][i] = r.start_drift;
        drift[1][i] = r.end_drift;
        s->out->seed_goodput[i] = r.point.goodput;
    }
    judge_seeds(s, seeds, goodput, drift, out);
    if (has_turns(s->load.workload))
        out->load = measured;
    if (is_sustained(s, out) && out->sustained == SUSTAINED_YES)
        s->out->tried_rps = fmax(s->out->tried_rps, out->load);
    return 0;
}

/* ---- the search ---- */

/* As many seeds as decide. */
struct rate_search {
    struct search *search;
    unsigned seeds;
};

static int measure_rate(void *context, double *rate_rps, struct load_answer *answer,
                        struct error *err)
{
    struct rate_search *r = context;
    struct search *s = r->search;
    struct load_point p;
    if (measure_point(s, r->seeds, *rate_rps, &p, err) < 0)
        return err->code;
    trial_forget(s->o); /* of the guesses half were wrong */
    answer->holds = is_sustained(s, &p);
    if (!answer->holds) /* the last such rate is the lowest */
        s->out->by_queue = p.goodput >= s->o->goodput;
    return 0;
}

static void look_ahead(void *context, double rate_rps)
{
    struct rate_search *r = context;
    want_seeds(r->search, r->seeds, rate_rps);
}

/* *rate: the highest that was simulated and is sustained. `known` is what is known of it, or where
 * to begin. */
static int find_rate(struct search *s, unsigned seeds, struct load_search known, double *rate,
                     struct error *err)
{
    struct rate_search context = {s, seeds};
    known.least = known.start * RATE_MIN;
    known.most = RATE_MAX;
    known.measure = measure_rate;
    known.ahead = look_ahead;
    known.context = &context;
    if (load_search_run(&known, err) < 0)
        return err->code;
    s->out->attainable = known.low > 0;
    s->out->unbounded = !isfinite(known.high);
    *rate = known.low;
    return 0;
}

/* One seed tells where to look. */
static int find_knee(struct search *s, struct error *err)
{
    double rate = 0, guess = 1 / fmax(s->load.service_s, 1e-4);
    struct load_search rough = {.start = guess, .factor = 2, .narrow = ROUGHLY};
    if (find_rate(s, 1, rough, &rate, err) < 0)
        return err->code;
    if (s->out->unbounded)
        return 0;
    if (!s->out->attainable) /* to that seed; the others may be luckier */
        rate = guess;
    struct load_search close = {.start = rate, .factor = 1.03, .narrow = TOLERANCE};
    return find_rate(s, s->o->seeds, close, &s->out->rate_rps, err);
}

/* The goodput of a short workload may dip and rise again: the knee lies before the first dip that
 * was seen. *moved: it was further up. */
static int settle(struct search *s, bool *moved, struct error *err)
{
    size_t i = 0;
    while (i < s->count && s->probes[i].sustained)
        i++;
    *moved = i < s->count && s->probes[i].rate_rps < s->out->rate_rps;
    if (!*moved)
        return 0;
    struct load_search close = {
        .start = s->probes[i].rate_rps, .factor = 1.03, .narrow = TOLERANCE};
    if (i > 0) {
        close.low = s->probes[i - 1].rate_rps;
        close.high = s->probes[i].rate_rps;
    }
    return find_rate(s, s->o->seeds, close, &s->out->rate_rps, err);
}

/* Where the line between two probes' margins is 0. */
static double crossing(double from_rps, double from, double to_rps, double to)
{
    return from_rps + (to_rps - from_rps) * from / (from - to);
}

/* The limits of the rate, from the probes that were made; above them further ones. */
static int find_interval(struct search *s, struct error *err)
{
    struct capacity *out = s->out;
    struct load_point p;
    size_t i = 0, k;
    while (i + 1 < s->count && s->probes[i].least >= 0)
        i++;
    const struct margin *m = s->probes;
    out->low_rps =
        i == 0 ? 0 : crossing(m[i - 1].rate_rps, m[i - 1].least, m[i].rate_rps, m[i].least);
    for (int more = 0; m[s->count - 1].most >= 0 && more < 8; more++)
        if (measure_point(s, s->o->seeds, 1.3 * m[s->count - 1].rate_rps, &p, err) < 0)
            return err->code;
    for (k = s->count; k > 1 && m[k - 1].most < 0;)
        k--;
    out->high_rps = k == s->count
                        ? INFINITY
                        : crossing(m[k - 1].rate_rps, m[k - 1].most, m[k].rate_rps, m[k].most);
    out->low_rps = fmin(out->low_rps, out->rate_rps);
    out->high_rps = fmax(out->high_rps, out->rate_rps * TOLERANCE);
    return 0;
}

/* ---- what limits ---- */

/* The objective that is missed most, judged by its p99 over its limit. */
static enum metric worst_metric(const struct capacity_options *o, const struct trial_result *r)
{
    enum metric worst = METRIC_TTFT;
    double most = 0;
    for (size_t i = 0; i < o->slos->count; i++) {
        double over = r->p99_ms[i] / o->slos->items[i].limit_ms;
        if (over > most) {
            most = over;
            worst = o->slos->items[i].metric;
        }
    }
    return worst;
}

/* What is seen to hold requests up past the knee. */
static void see_limit(struct search *s, const struct trial_result *r)
{
    const struct engine_state *e = &r->engine;
    struct capacity *out = s->out;
    double shares[CAPACITY_LIMITS] = {[CAPACITY_MEMORY] = (double)e->held_by_memory_ns,
                                      [CAPACITY_SEQS] = (double)e->held_by_seqs_ns,
                                      [CAPACITY_PREFILL] = (double)e->held_by_budget_ns};
    static const enum capacity_limit order[] = {CAPACITY_MEMORY, CAPACITY_SEQS, CAPACITY_PREFILL};
    out->limit = CAPACITY_MEMORY;
    for (size_t i = 1; i < 3; i++)
        if (shares[order[i]] > shares[out->limit])
            out->limit = order[i];
    out->limit_share = shares[out->limit] / 1e9 / r->duration_s;
    enum metric worst = worst_metric(s->o, r);
    bool first_token = worst == METRIC_TTFT || worst == METRIC_TTFT_SCHEDULED;
    /* A few late first tokens need but few waits; slow tokens come from the steps themselves. */
    double clearly = worst == METRIC_TPOT ? HELD_CLEARLY : 1 - s->o->goodput;
    if (out->limit_share >= clearly)
        return;
    out->limit_share = NAN;
    out->limit = first_token || e->prefill_ns > e->decode_ns ? CAPACITY_PREFILL : CAPACITY_DECODE;
}

/* What binds need not be what is seen: who waits for memory may do so because steps are slow. */
static int find_limit(struct search *s, struct error *err)
{
    struct trial_result r;
    struct capacity *out = s->out;
    struct limit_search lifts = {s->o, s->load.service_s, out->rate_rps, false};
    choose_seed(s, 0);
    out->asked_rps = out->rate_rps;
    if (probe(s, out->rate_rps * PAST_KNEE, &r, err) < 0)
        return err->code;
    out->past_knee = r.engine;
    see_limit(s, &r);
    enum capacity_limit seen = out->limit;
    if (capacity_lift_engine(&lifts, &r.engine, out->lifts, err) < 0)
        return err->code;
    out->limit = capacity_choose_limit(out->lifts, seen);
    if (out->limit == seen)
        return 0;
    int64_t held = out->limit == CAPACITY_MEMORY ? r.engine.held_by_memory_ns
                   : out->limit == CAPACITY_SEQS ? r.engine.held_by_seqs_ns
                                                 : 0;
    out->limit_share = held > 0 ? (double)held / 1e9 / r.duration_s : NAN;
    return 0;
}

int capacity_find_objective(const struct capacity_options *o, const struct capacity *c,
                            double lifts[SLO_MAX], size_t *binds, struct error *err)
{
    struct limit_search s = {o, c->unloaded.e2e_mean / 1e3, c->asked_rps, false};
    if (capacity_lift_objectives(&s, lifts, err) < 0)
        return err->code;
    *binds = 0;
    for (size_t i = 1; i < o->slos->count; i++)
        if (lifts[i] > lifts[*binds])
            *binds = i;
    if (c->by_queue)
        *binds = SLO_MAX;
    return 0;
}

/* ---- theory ---- */

static unsigned count_servers(const struct search *s, const struct engine_state *e)
{
    const struct workload *w = s->load.workload;
    double servers = s->o->engine->max_num_seqs ? s->o->engine->max_num_seqs : 1e6;
    uint64_t input, output;
    workload_sum_tokens(w, w->count, &input, &output);
    double tokens = (double)(input + output);
    double held = (double)e->kv_blocks_total * s->o->engine->block_size;
    if (held > 0 && held / (tokens / (double)w->count) < servers)
        servers = held / (tokens / (double)w->count);
    return servers < 1 ? 1 : (unsigned)servers;
}

static double theory_rate(const struct capacity_theory *t, double goodput)
{
    double low = 0, high = t->servers;
    if (!(t->service_s > 0) || t->wait_limit_s < 0)
        return NAN;
    for (int i = 0; i < 60; i++) {
        double load = (low + high) / 2;
        bool good =
            erlang_wait_quantile(t->servers, load, t->service_s, goodput) <= t->wait_limit_s;
        *(good ? &low : &high) = load;
    }
    return low / t->service_s;
}

static void compare_theory(struct search *s)
{
    struct capacity *out = s->out;
    struct capacity_theory *t = &out->theory;
    const struct load_point *free_point = &out->unloaded, *knee = &out->knee;
    bool tokens = isfinite(free_point->ttft_mean);
    double wait_ms =
        tokens ? knee->ttft_mean - free_point->ttft_mean : knee->e2e_mean - free_point->e2e_mean;
    t->servers = count_servers(s, &out->past_knee);
    t->service_s = (knee->e2e_mean - wait_ms) / 1e3;
    t->wait_limit_s = INFINITY;
    for (size_t i = 0; i < s->o->slos->count; i++) {
        const struct slo *slo = &s->o->slos->items[i];
        bool first = slo->metric == METRIC_TTFT || slo->metric == METRIC_TTFT_SCHEDULED;
        bool whole = slo->metric == METRIC_E2E || slo->metric == METRIC_E2E_SCHEDULED;
        if (first || whole)
            t->wait_limit_s = fmin(
                t->wait_limit_s,
                (slo->limit_ms - (first ? free_point->ttft_mean : free_point->e2e_mean)) / 1e3);
    }
    t->rate_rps = theory_rate(t, s->o->goodput);
    t->littles_load = knee->request_rps * knee->e2e_mean / 1e3;
    t->measured_load = knee->in_flight;
}

/* ---- the whole ---- */

static int check(const struct capacity_options *o, struct error *err)
{
    if (o->slos->count == 0)
        return error_set(err, ERR_INPUT,
                         "a capacity needs objectives, such as --slo ttft=500 --slo tpot=50");
    if (!(o->goodput > 0 && o->goodput < 1))
        return error_set(err, ERR_INPUT, "the goodput must lie between 0 and 1, such as 0.99");
    if (o->seeds < 2 || o->seeds > CAPACITY_SEEDS)
        return error_set(err, ERR_INPUT, "the interval needs 2 to %d seeds", CAPACITY_SEEDS);
    for (size_t i = 0; i < o->workload_count; i++)
        if (o->workloads[i]->count == 0)
            return error_set(err, ERR_INPUT, "the workload holds no request");
    return 0;
}

static int measure_unloaded(struct search *s, struct error *err)
{
    struct trial_result r;
    choose_seed(s, 0);
    if (probe(s, 0, &r, err) < 0)
        return err->code;
    s->out->unloaded = r.point;
    s->out->unloaded.goodput = r.goodput_all;
    s->load.service_s = isfinite(s->out->unloaded.e2e_mean) ? s->out->unloaded.e2e_mean / 1e3 : 0;
    s->out->attainable = s->out->unloaded.goodput >= s->o->goodput;
    return 0;
}

static bool is_on_curve(const struct search *s, double share)
{
    return !s->o->rate_only || (share <= 1 && share >= 0.5);
}

/* Around the rate, which must hold below as well. */
static int measure_curve(struct search *s, struct error *err)
{
    static const double shares[] = {0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.88, 0.95, 1, 1.05, 1.15, 1.3};
    struct capacity *out = s->out;
    double knee_goodput[CAPACITY_SEEDS];
    bool moved = true;
    for (int round = 0; moved && out->attainable && round < ROUNDS; round++) {
        out->curve_count = 0;
        for (size_t i = 0; i < COUNT_OF(shares); i++)
            if (is_on_curve(s, shares[i]))
                want_seeds(s, s->o->seeds, shares[i] * out->rate_rps);
        for (size_t i = 0; i < COUNT_OF(shares); i++) {
            double rate = shares[i] * out->rate_rps;
            if (!is_on_curve(s, shares[i]))
                continue;
            if (measure_point(s, s->o->seeds, rate, &out->curve[out->curve_count], err) < 0)
                return err->code;
            if (shares[i] == 1) {
                out->knee = out->curve[out->curve_count];
                memcpy(knee_goodput, out->seed_goodput, sizeof knee_goodput);
            }
            out->curve_count++;
        }
        moved = false;
        if (round + 1 < ROUNDS && settle(s, &moved, err) < 0)
            return err->code;
    }
    if (out->attainable && !s->o->rate_only && find_interval(s, err) < 0)
        return err->code;
    memcpy(out->seed_goodput, knee_goodput, sizeof knee_goodput);
    return 0;
}

int capacity_find(const struct capacity_options *o, struct capacity *out, struct error *err)
{
    struct search s = {.o = o, .out = out};
    *out = (struct capacity){.seeds = o->seeds};
    if (check(o, err) < 0 || measure_unloaded(&s, err) < 0)
        return err->code;
    if (!out->attainable)
        return 0;
    if (find_knee(&s, err) < 0)
        return err->code;
    if (out->unbounded || !out->attainable)
        return 0;
    if (measure_curve(&s, err) < 0)
        return err->code;
    if (!out->attainable)
        return 0;
    if (!o->rate_only && find_limit(&s, err) < 0)
        return err->code;
    scale_rates(out, out->knee.load / out->rate_rps);
    if (!o->rate_only)
        compare_theory(&s);
    return 0;
}

const char *capacity_limit_name(enum capacity_limit limit)
{
    static const char *const names[] = {"prefill", "decode", "KV memory", "max_num_seqs"};
    return names[limit];
}
