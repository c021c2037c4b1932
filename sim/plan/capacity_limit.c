#include "sim/plan/capacity_limit.h"

#include "sim/plan/load_search.h"
#include "sim/plan/trial.h"

#include <math.h>

#define NARROW 1.015
#define FIRST_STEP 1.1
#define LEAST 1e-3      /* of the rate: below it nothing is looked for */
#define CLOSE 0.8       /* of the highest lift: not told apart from it */
#define HARD 0.5        /* the same of memory and places */
#define HARD_LEAST 0.05 /* and a lift of at least this */

/* One seed at a rate. */
struct one_seed {
    const struct capacity_options *o;
    struct trial_load load;
};

static bool within(double drift, double limit)
{
    return !isfinite(drift) || drift <= limit;
}

static int measure_seed(void *context, double *rate_rps, struct load_answer *answer,
                        struct error *err)
{
    struct one_seed *s = context;
    struct trial_result r;
    if (trial_run(s->o, &s->load, *rate_rps, &r, err) < 0)
        return err->code;
    trial_forget(s->o);
    answer->holds = r.point.goodput >= s->o->goodput && within(r.start_drift, CAPACITY_DRIFT) &&
                    within(r.end_drift, CAPACITY_END_DRIFT);
    return 0;
}

static void look_ahead(void *context, double rate_rps)
{
    struct one_seed *s = context;
    trial_want(s->o, &s->load, rate_rps);
}

/* What the first seed sustains under `o`, looked for from `start` on; 0 = next to nothing. */
static int find_rate(const struct limit_search *s, const struct capacity_options *o, double start,
                     double *rate_rps, struct error *err)
{
    struct one_seed one = {o, {o->workloads[0], o->seed, s->service_s}};
    struct load_search search = {.start = start,
                                 .factor = FIRST_STEP,
                                 .narrow = NARROW,
                                 .least = start * LEAST,
                                 .most = start * (1 + LIFT_MOST),
                                 .measure = measure_seed,
                                 .ahead = look_ahead,
                                 .context = &one};
    int status = load_search_run(&search, err);
    *rate_rps = isfinite(search.high) ? search.low : search.most;
    return status;
}

static int find_lift(struct limit_search *s, const struct capacity_options *relaxed, double *lift,
                     struct error *err)
{
    double rate;
    *lift = 0;
    if (!s->is_own && find_rate(s, s->options, s->rate_rps, &rate, err) < 0)
        return err->code;
    if (!s->is_own && rate > 0)
        s->rate_rps = rate;
    s->is_own = true;
    if (find_rate(s, relaxed, s->rate_rps, &rate, err) < 0)
        return err->code;
    *lift = rate / s->rate_rps - 1;
    if (*lift < LIFT_LEAST)
        *lift = 0;
    return 0;
}

/* ---- an engine with twice of something ---- */

static void divide(double *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *values[i] /= 2;
}

static void speed_up_prompts(struct engine_config *c)
{
    struct step_constants *t = &c->steps;
    double *const all[] = {&t->c0, &t->c1, &t->c2, &t->ap, &t->p0, &t->o1, &c->ttft_ms};
    divide(all, sizeof all / sizeof *all);
    c->max_num_batched_tokens *= 2;
}

static void speed_up_steps(struct engine_config *c)
{
    struct step_constants *t = &c->steps;
    double *const all[] = {&t->w0, &t->w1, &t->m0,    &t->d0,         &t->d1,    &t->s0,
                           &t->s1, &t->o0, &t->kappa, &t->ar_latency, &c->itl_ms};
    divide(all, sizeof all / sizeof *all);
    t->ar_bandwidth *= 2;
}

static void give_twice(struct engine_config *c, enum capacity_limit of)
{
    switch (of) {
    case CAPACITY_PREFILL:
        speed_up_prompts(c);
        break;
    case CAPACITY_DECODE:
        speed_up_steps(c);
        break;
    case CAPACITY_MEMORY:
        c->kv_blocks *= 2;
        break;
    case CAPACITY_SEQS:
        c->max_num_seqs *= 2;
        break;
    case CAPACITY_LIMITS:
        break;
    }
}

int capacity_lift_engine(struct limit_search *s, const struct engine_state *state,
                         double lifts[CAPACITY_LIMITS], struct error *err)
{
    for (enum capacity_limit i = 0; i < CAPACITY_LIMITS; i++) {
        struct engine_config engine = *s->options->engine;
        struct capacity_options relaxed = *s->options;
        lifts[i] = 0;
        if ((i == CAPACITY_MEMORY && state->held_by_memory_ns == 0) ||
            (i == CAPACITY_SEQS && state->held_by_seqs_ns == 0))
            continue;
        give_twice(&engine, i);
        relaxed.engine = &engine;
        if (find_lift(s, &relaxed, &lifts[i], err) < 0)
            return err->code;
    }
    return 0;
}

int capacity_lift_objectives(struct limit_search *s, double lifts[SLO_MAX], struct error *err)
{
    for (size_t i = 0; i < s->options->slos->count; i++) {
        struct slo_list slos = *s->options->slos;
        struct capacity_options relaxed = *s->options;
        slos.items[i].limit_ms *= 2;
        relaxed.slos = &slos;
        if (find_lift(s, &relaxed, &lifts[i], err) < 0)
            return err->code;
    }
    return 0;
}

/* ---- which of them binds ---- */

static bool is_hard(enum capacity_limit l)
{
    return l == CAPACITY_MEMORY || l == CAPACITY_SEQS;
}

static double best_lift(const double lifts[CAPACITY_LIMITS])
{
    double best = 0;
    for (size_t i = 0; i < CAPACITY_LIMITS; i++)
        best = fmax(best, lifts[i]);
    return best;
}

enum capacity_limit capacity_choose_limit(const double lifts[CAPACITY_LIMITS],
                                          enum capacity_limit seen)
{
    double best = best_lift(lifts);
    bool close[CAPACITY_LIMITS], any_hard = false;
    enum capacity_limit chosen = CAPACITY_LIMITS;
    if (best == 0)
        return seen;
    for (enum capacity_limit i = 0; i < CAPACITY_LIMITS; i++) {
        double least = is_hard(i) ? fmax(HARD * best, HARD_LEAST) : CLOSE * best;
        close[i] = lifts[i] >= least;
        any_hard |= close[i] && is_hard(i);
    }
    for (enum capacity_limit i = 0; i < CAPACITY_LIMITS; i++) {
        if (!close[i] || (any_hard && !is_hard(i)))
            continue;
        if (i == seen)
            return seen;
        if (chosen == CAPACITY_LIMITS || lifts[i] > lifts[chosen])
            chosen = i;
    }
    return chosen;
}
