/* The draws: the same for all candidates. */
#include "sim/decide/decide_parts.h"

#include "core/memory.h"
#include "core/random.h"
#include "core/stop.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

#define P90 1.6448536269514722 /* of |z| < it are 90 % of a standard normal */

/* Each source of doubt has a stream of its own, so that a candidate more changes no other's. */
enum doubt { DOUBT_SESSIONS, DOUBT_ERROR, DOUBT_CAPS, DOUBT_COUNTS, DOUBT_GOODPUT, DOUBTS };

struct drawing {
    struct decide *d;
    struct bill reference; /* of as many requests as are drawn, nobody drawn */
    const struct bill *expected;
    uint64_t volume;
    double *unit, *sampled;  /* by row and draw: all that is in doubt, and the sample alone */
    bool *acceptable, *held; /* likewise */
    uint64_t number;
};

static void stream(const struct drawing *w, size_t row, enum doubt what, struct random *r)
{
    random_init(r, random_mix(w->d->options.seed, row * DOUBTS + what + 1), RANDOM_BOOTSTRAP,
                w->number);
}

/* ---- a run's goodput ---- */

/* Circular blocks, of n^(1/3) requests each as for a mean (Hall, Horowitz and Jing 1995). */
static double draw_goodput(const struct measured *m, struct random *r)
{
    uint64_t n = m->count, length = (uint64_t)ceil(cbrt((double)n)), met = 0, taken = 0;
    while (taken < n) {
        uint64_t from = random_below(r, n), take = n - taken < length ? n - taken : length;
        uint64_t to = from + take;
        met += to <= n ? m->before[to] - m->before[from]
                       : m->before[n] - m->before[from] + m->before[to - n];
        taken += take;
    }
    return (double)met / (double)n;
}

/* ---- a plan's money ---- */

/* Of the month's cash what is charged by use goes with the draw; the rest is paid as ever. */
static double scale_up(const struct drawing *w, size_t plan, bool caps, double drawn)
{
    const struct plan_bill *p = decide_line(w->expected, plan, caps);
    const struct plan_bill *reference = decide_line(&w->reference, plan, caps);
    double before = money_to_double(reference->cash[LINE_USAGE]);
    double total = money_to_double(p->total), usage = money_to_double(p->cash[LINE_USAGE]);
    double fixed = money_to_double(reference->total) - before;
    return before > 0 ? total - usage + usage * (drawn - fixed) / before : total;
}

static double cash_in(const struct drawing *w, const struct bill *bill, size_t plan, bool caps,
                      double counts)
{
    double cash = decide_plan_cash(bill, plan, caps, counts);
    return w->d->scaled ? scale_up(w, plan, caps, cash) : cash;
}

static void draw_plan(struct drawing *w, size_t row, const struct bill *bill)
{
    struct decide *d = w->d;
    const struct decide_row *r = &d->rows[row];
    size_t at = row * d->options.draws + w->number;
    struct random caps, counts, goodput;
    stream(w, r->plan, DOUBT_CAPS, &caps);
    stream(w, r->plan, DOUBT_COUNTS, &counts);
    stream(w, row, DOUBT_GOODPUT, &goodput);
    bool with = random_unit(&caps) < 0.5;
    double doubt = 2 * random_unit(&counts) - 1,
           good = draw_goodput(r->candidate->measured, &goodput);
    w->unit[at] = cash_in(w, bill, r->plan, with, doubt) / ((double)d->volume * good);
    w->sampled[at] = cash_in(w, bill, r->plan, true, 0) / ((double)d->volume * r->goodput);
    w->acceptable[at] = decide_plan_serves(bill, r->plan, with) && good >= d->options.goodput;
    w->held[at] = decide_plan_serves(bill, r->plan, true);
}

/* ---- one's own ---- */

/* What a drawn request asks of a replica, over what the sample's do: of prompts where those bind,
 * else of answers. */
static double lengths_of(const struct drawing *w, size_t row, const struct bill *bill)
{
    const struct bill *reference = &w->reference;
    bool prompts = w->d->own[row].capacity.limit == CAPACITY_PREFILL;
    double now = prompts ? (double)bill->input_tokens : (double)bill->output_tokens;
    double then = prompts ? (double)reference->input_tokens : (double)reference->output_tokens;
    now /= (double)bill->workload->count;
    then /= (double)reference->workload->count;
    return then > 0 && now > 0 ? now / then : 1;
}

static void draw_own(struct drawing *w, size_t row, const struct bill *bill)
{
    struct decide *d = w->d;
    size_t at = row * d->options.draws + w->number;
    struct random error;
    stream(w, row, DOUBT_ERROR, &error);
    struct decide_world world = decide_world_of((double)d->volume);
    world.own_lengths = lengths_of(w, row, bill);
    world.own_slower = exp(gsl_ran_gaussian(random_gsl(&error), log1p(d->own[row].error) / P90));
    struct decide_cost all = decide_cost_of(d, row, w->expected, &world);
    world.own_slower = 1;
    struct decide_cost sampled = decide_cost_of(d, row, w->expected, &world);
    w->unit[at] = all.unit;
    w->acceptable[at] = all.serves;
    w->sampled[at] = sampled.unit;
    w->held[at] = sampled.serves;
}

static int draw_one(struct drawing *w, struct error *err)
{
    struct decide *d = w->d;
    struct bill bill;
    redraw_make(&d->sample, d->options.seed, w->number);
    int status = decide_bill_drawn(d, w->volume, &bill, err);
    for (size_t i = 0; i < d->count && status == 0; i++) {
        if (!d->rows[i].judged)
            continue;
        if (d->rows[i].candidate->kind == CANDIDATE_OWN)
            draw_own(w, i, &bill);
        else
            draw_plan(w, i, &bill);
    }
    bill_free(&bill);
    return status;
}

/* ---- what the draws say ---- */

static double variance(const double *a, const double *b, const bool *use_a, const bool *use_b,
                       size_t n, double *mean)
{
    double sum = 0, squares = 0;
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if (use_a[i] && use_b[i]) {
            double by = a[i] - b[i];
            sum += by;
            squares += by * by;
            used++;
        }
    *mean = used ? sum / (double)used : NAN;
    return used > 1 ? (squares - sum * *mean) / (double)(used - 1) : NAN;
}

/* How much of the doubt between the first two is the sample's, and what sample would decide. */
static void see_sample(struct drawing *w)
{
    struct decide *d = w->d;
    struct verdict *v = &d->verdict;
    size_t n = d->options.draws, a = v->leader * n, b = v->runner_up * n;
    double mean, ignored;
    d->sample_factor = d->sampled_share = NAN;
    if (v->leader == VERDICT_NOBODY || v->runner_up == VERDICT_NOBODY)
        return;
    double all = variance(w->unit + a, w->unit + b, w->acceptable + a, w->acceptable + b, n, &mean);
    double sampled =
        variance(w->sampled + a, w->sampled + b, w->held + a, w->held + b, n, &ignored);
    if (!(all >= 0) || !(sampled >= 0))
        return;
    double other = all > sampled ? all - sampled : 0;
    d->sampled_share = all > 0 ? fmin(sampled / all, 1) : 0;
    d->sample_factor = verdict_sample_factor(mean, sqrt(sampled), sqrt(other));
}

static int draw_all(struct drawing *w, struct error *err)
{
    struct decide *d = w->d;
    for (; w->number < d->options.draws; w->number++) {
        if (stop_level() > 0)
            return error_set(err, ERR_INTERRUPTED, "interrupted: nothing was decided");
        if (d->options.on_progress)
            d->options.on_progress(d->options.context, "drawing months anew",
                                   (double)w->number / (double)d->options.draws);
        if (draw_one(w, err) < 0)
            return err->code;
    }
    return 0;
}

int decide_draw(struct decide *d, struct error *err)
{
    struct drawing w = {.d = d, .expected = &d->bill, .volume = d->volume};
    size_t cells = d->count * d->options.draws + 1;
    d->scaled = w.volume > DECIDE_DRAW_ROWS;
    if (d->scaled)
        w.volume = DECIDE_DRAW_ROWS;
    w.unit = mem_zero(cells, sizeof *w.unit);
    w.sampled = mem_zero(cells, sizeof *w.sampled);
    w.acceptable = mem_zero(cells, sizeof *w.acceptable);
    w.held = mem_zero(cells, sizeof *w.held);
    int status = decide_bill(d, w.volume, &w.reference, err);
    if (status == 0)
        status = draw_all(&w, err);
    if (status == 0) {
        verdict_make(&d->verdict, w.unit, w.acceptable, d->count, d->options.draws);
        see_sample(&w);
    }
    bill_free(&w.reference);
    free(w.unit);
    free(w.sampled);
    free(w.acceptable);
    free(w.held);
    return status;
}
