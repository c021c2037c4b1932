#include "sim/plan/capacity.h"

#include "core/stats/erlang.h"
#include "sim/plan/trial.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define RATE_MAX 1e5
#define RATE_MIN 1e-4     /* of one request at a time: below it no load is left */
#define TOLERANCE 1.005   /* width of the last bracket, as a factor */
#define PAST_KNEE 1.15    /* where the limit is looked for, times the knee's rate */
#define HELD_CLEARLY 0.25 /* share of the time with somebody waiting that names a limit */

/* The search under way. */
struct search {
    const struct capacity_options *o;
    struct capacity *out;
    unsigned seed;
    struct trial_load load;
};

static int probe(struct search *s, double rate_rps, struct trial_result *r, struct error *err)
{
    struct capacity_progress p = {s->seed, s->o->seeds, s->out->probes, rate_rps};
    if (s->o->on_probe)
        s->o->on_probe(s->o->context, &p);
    s->out->probes++;
    return trial_run(s->o, &s->load, rate_rps, r, err);
}

/* ---- points ---- */

static void fill_point(const struct trial_result *r, double rate_rps, struct capacity_point *p)
{
    const struct phase_summary *w = &r->summary.window;
    const struct metric_summary *ttft = &w->metrics[METRIC_TTFT_SCHEDULED],
                                *tpot = &w->metrics[METRIC_TPOT],
                                *e2e = &w->metrics[METRIC_E2E_SCHEDULED];
    *p = (struct capacity_point){.rate_rps = rate_rps,
                                 .goodput = w->goodput_fraction,
                                 .goodput_low = w->goodput_fraction,
                                 .goodput_high = w->goodput_fraction,
                                 .ttft_mean = ttft->mean,
                                 .ttft_p50 = ttft->p50,
                                 .ttft_p99 = ttft->p99,
                                 .tpot_p50 = tpot->p50,
                                 .tpot_p99 = tpot->p99,
                                 .e2e_mean = e2e->mean,
                                 .e2e_p50 = e2e->p50,
                                 .e2e_p99 = e2e->p99,
                                 .output_tps = w->output_throughput_tps,
                                 .in_flight = r->in_flight,
                                 .completed_rps = w->request_throughput_rps};
}

static void add_point(struct capacity_point *sum, const struct capacity_point *p, double weight)
{
    double *to[] = {&sum->goodput,  &sum->ttft_mean,  &sum->ttft_p50,  &sum->ttft_p99,
                    &sum->tpot_p50, &sum->tpot_p99,   &sum->e2e_mean,  &sum->e2e_p50,
                    &sum->e2e_p99,  &sum->output_tps, &sum->in_flight, &sum->completed_rps};
    const double from[] = {p->goodput,  p->ttft_mean,  p->ttft_p50,  p->ttft_p99,
                           p->tpot_p50, p->tpot_p99,   p->e2e_mean,  p->e2e_p50,
                           p->e2e_p99,  p->output_tps, p->in_flight, p->completed_rps};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        *to[i] += weight * from[i];
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
    for (unsigned i = 0; i < out->seeds; i++)
        out->seed_rps[i] *= factor;
}

static void choose_seed(struct search *s, unsigned seed)
{
    s->seed = seed;
    s->load.seed = s->o->seed + seed;
    s->load.workload = s->o->workloads[seed % s->o->workload_count];
}

/* The mean over all seeds at a rate. */
static int measure_point(struct search *s, double rate_rps, struct capacity_point *out,
                         struct error *err)
{
    struct trial_result r;
    double measured = 0;
    *out = (struct capacity_point){.rate_rps = rate_rps, .goodput_low = 1};
    for (unsigned i = 0; i < s->o->seeds; i++) {
        struct capacity_point p;
        choose_seed(s, i);
        s->seed = s->o->seeds;
        if (probe(s, rate_rps, &r, err) < 0)
            return err->code;
        fill_point(&r, rate_rps, &p);
        add_point(out, &p, 1.0 / s->o->seeds);
        measured += r.measured_rps / s->o->seeds;
    }
    if (has_turns(s->load.workload))
        out->rate_rps = measured;
    return 0;
}

/* ---- the search of one seed ---- */

static int meets(struct search *s, double rate_rps, bool *good, struct error *err)
{
    struct trial_result r;
    if (probe(s, rate_rps, &r, err) < 0)
        return err->code;
    *good = r.summary.window.goodput_fraction >= s->o->goodput;
    return 0;
}

/* Widens from the guess until the goodput holds at *low and not at *high. */
static int bracket(struct search *s, double guess, double factor, double *low, double *high,
                   struct error *err)
{
    bool good;
    if (meets(s, guess, &good, err) < 0)
        return err->code;
    *low = *high = guess;
    for (bool first = good; good == first;) {
        double next = first ? *high * factor : *low / factor;
        if (first && next > RATE_MAX) {
            s->out->unbounded = true;
            return 0;
        }
        if (!first && next < guess * RATE_MIN) {
            s->out->attainable = false;
            return 0;
        }
        if (meets(s, next, &good, err) < 0)
            return err->code;
        if (first) {
            *low = *high;
            *high = next;
        } else {
            *high = *low;
            *low = next;
        }
        factor *= factor < 2 ? factor : 1;
    }
    return 0;
}

static int find_rate(struct search *s, double guess, double factor, double *rate, struct error *err)
{
    double low, high;
    if (bracket(s, guess, factor, &low, &high, err) < 0)
        return err->code;
    if (s->out->unbounded || !s->out->attainable)
        return 0;
    while (high / low > TOLERANCE) {
        bool good;
        double middle = sqrt(low * high);
        if (meets(s, middle, &good, err) < 0)
            return err->code;
        *(good ? &low : &high) = middle;
    }
    *rate = sqrt(low * high);
    return 0;
}

static int find_rates(struct search *s, struct error *err)
{
    struct capacity *out = s->out;
    double guess = 1 / fmax(s->load.service_s, 1e-4), factor = 2, sum = 0, squares = 0;
    for (unsigned i = 0; i < s->o->seeds; i++) {
        choose_seed(s, i);
        if (find_rate(s, guess, factor, &out->seed_rps[i], err) < 0)
            return err->code;
        if (out->unbounded || !out->attainable)
            return 0;
        guess = out->seed_rps[i];
        factor = 1.03;
        sum += out->seed_rps[i];
    }
    out->seeds = s->o->seeds;
    out->rate_rps = sum / out->seeds;
    for (unsigned i = 0; i < out->seeds; i++)
        squares += (out->seed_rps[i] - out->rate_rps) * (out->seed_rps[i] - out->rate_rps);
    double error = sqrt(squares / (out->seeds - 1) / out->seeds);
    double t = gsl_cdf_tdist_Pinv(0.975, out->seeds - 1);
    /* A bracket's half width more: what the bisection left open. */
    double half = t * error + out->rate_rps * (TOLERANCE - 1) / 2;
    out->low_rps = fmax(0, out->rate_rps - half);
    out->high_rps = out->rate_rps + half;
    return 0;
}

/* ---- what limits ---- */

/* The objective that is missed most, judged by its p99 over its limit. */
static enum metric worst_metric(const struct capacity_options *o, const struct summary *s)
{
    enum metric worst = METRIC_TTFT;
    double most = 0;
    for (size_t i = 0; i < o->slos->count; i++) {
        double over = s->window.metrics[o->slos->items[i].metric].p99 / o->slos->items[i].limit_ms;
        if (over > most) {
            most = over;
            worst = o->slos->items[i].metric;
        }
    }
    return worst;
}

static int find_limit(struct search *s, struct error *err)
{
    struct trial_result r;
    struct capacity *out = s->out;
    choose_seed(s, 0);
    if (probe(s, out->rate_rps * PAST_KNEE, &r, err) < 0)
        return err->code;
    const struct engine_state *e = &r.engine;
    const struct {
        enum capacity_limit limit;
        int64_t ns;
    } held[] = {{CAPACITY_MEMORY, e->held_by_memory_ns},
                {CAPACITY_SEQS, e->held_by_seqs_ns},
                {CAPACITY_PREFILL, e->held_by_budget_ns}};
    out->past_knee = *e;
    size_t most = 0;
    for (size_t i = 1; i < 3; i++)
        if (held[i].ns > held[most].ns)
            most = i;
    out->limit = held[most].limit;
    out->limit_share = (double)held[most].ns / 1e9 / r.summary.duration_s;
    enum metric worst = worst_metric(s->o, &r.summary);
    bool first_token = worst == METRIC_TTFT || worst == METRIC_TTFT_SCHEDULED;
    /* A few late first tokens need but few waits; slow tokens come from the steps themselves. */
    double clearly = worst == METRIC_TPOT ? HELD_CLEARLY : 1 - s->o->goodput;
    if (out->limit_share >= clearly)
        return 0;
    out->limit_share = NAN;
    out->limit = first_token || e->prefill_ns > e->decode_ns ? CAPACITY_PREFILL : CAPACITY_DECODE;
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
    const struct capacity_point *free_point = &out->unloaded, *knee = &out->knee;
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
    t->littles_load = knee->completed_rps * knee->e2e_mean / 1e3;
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
    fill_point(&r, 0, &s->out->unloaded);
    s->out->unloaded.goodput = r.summary.all.goodput_fraction;
    s->load.service_s = isfinite(s->out->unloaded.e2e_mean) ? s->out->unloaded.e2e_mean / 1e3 : 0;
    s->out->attainable = s->out->unloaded.goodput >= s->o->goodput;
    return 0;
}

static int measure_curve(struct search *s, struct error *err)
{
    static const double shares[] = {0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.88, 0.95, 1, 1.05, 1.15, 1.3};
    struct capacity *out = s->out;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        if (measure_point(s, shares[i] * out->rate_rps, &out->curve[i], err) < 0)
            return err->code;
        if (shares[i] == 1)
            out->knee = out->curve[i];
        out->curve_count++;
    }
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
    if (find_rates(&s, err) < 0)
        return err->code;
    if (out->unbounded || !out->attainable)
        return 0;
    if (measure_curve(&s, err) < 0 || find_limit(&s, err) < 0)
        return err->code;
    scale_rates(out, out->knee.rate_rps / out->rate_rps);
    compare_theory(&s);
    return 0;
}

const char *capacity_limit_name(enum capacity_limit limit)
{
    static const char *const names[] = {"prefill", "decode", "KV memory", "max_num_seqs"};
    return names[limit];
}
