#include "sim/engine/calibrate/replay.h"

#include "core/memory.h"
#include "sim/engine/engine.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

/* How far a replay has come with what happens between arrivals. */
struct walk {
    struct engine *engine;
    const struct engine_sink *sink;
    size_t cancelled, scraped;
};

static void hear_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns)
{
    struct replay *p = context;
    (void)count;
    if (first == 0)
        p->model.ttft[tag] = (double)(at_ns - p->run->requests[tag].arrival_ns) / 1e9;
}

static void hear_done(void *context, uint64_t tag, uint32_t cached, int64_t at_ns)
{
    struct replay *p = context;
    const struct measured_request *r = &p->run->requests[tag];
    (void)cached;
    p->model.e2e[tag] = (double)(at_ns - r->arrival_ns) / 1e9;
    if (r->output_tokens > 1)
        p->model.tpot[tag] = (p->model.e2e[tag] - p->model.ttft[tag]) / (r->output_tokens - 1);
}

static void look(const struct replay *p, const struct engine *e, size_t scrape)
{
    struct engine_state state;
    engine_state(e, &state);
    double total = (double)state.kv_blocks_total, used = (double)state.kv_blocks_used;
    p->levels[scrape] = (struct replay_level){state.waiting, state.running, used, used / total};
}

/* Hangs up on those whose client did so until `until_ns`, and looks at the levels when the run's
 * were asked for. */
static void pass(const struct replay *p, struct walk *w, int64_t until_ns)
{
    const struct measured_run *run = p->run;
    for (;;) {
        int64_t hang_up_ns = w->cancelled < run->load
                                 ? run->requests[p->hung_up[w->cancelled]].cancelled_ns
                                 : TIME_NEVER;
        int64_t scrape_ns = p->levels && w->scraped < run->scrape_count
                                ? run->scrapes[w->scraped].t_ns
                                : TIME_NEVER;
        int64_t at_ns = hang_up_ns < scrape_ns ? hang_up_ns : scrape_ns;
        if (at_ns > until_ns)
            return;
        engine_advance(w->engine, at_ns, w->sink);
        if (scrape_ns == at_ns)
            look(p, w->engine, w->scraped++);
        else
            engine_cancel(w->engine, at_ns, p->hung_up[w->cancelled++]);
    }
}

int replay_run(struct replay *p, const struct engine_config *config, struct error *err)
{
    const struct engine_sink sink = {.context = p, .on_tokens = hear_tokens, .on_done = hear_done};
    struct walk walk = {.engine = engine_create(config, 1, err), .sink = &sink};
    struct engine_state end;
    int refused = 0;
    if (!walk.engine)
        return ERR_INPUT;
    for (size_t i = 0; i < p->run->count; i++) {
        const struct measured_request *m = &p->run->requests[i];
        struct engine_request r = {.tag = i,
                                   .input_tokens = m->input_tokens,
                                   .output_tokens = m->output_tokens,
                                   .known_cached = m->cached_tokens};
        p->model.ttft[i] = p->model.tpot[i] = p->model.e2e[i] = NAN;
        pass(p, &walk, m->arrival_ns - 1);
        engine_advance(walk.engine, m->arrival_ns, &sink);
        refused += engine_submit(walk.engine, m->arrival_ns, &r) != ENGINE_ACCEPTED;
    }
    pass(p, &walk, TIME_NEVER - 1);
    engine_advance(walk.engine, TIME_NEVER - 1, &sink);
    engine_state(walk.engine, &end);
    p->preemptions = end.preemptions;
    engine_free(walk.engine);
    return refused;
}

/* ---- figures ---- */

static double mean_of(const double *sorted, size_t count)
{
    return count ? gsl_stats_mean(sorted, 1, count) : NAN;
}

static double quantile_of(const double *sorted, size_t count, double q)
{
    return count ? gsl_stats_quantile_from_sorted_data(sorted, 1, count, q) : NAN;
}

/* Sorts all three. */
static struct calibrate_figure figure_of(double *measured, double *model, double *off, size_t n)
{
    gsl_sort(measured, 1, n);
    gsl_sort(model, 1, n);
    gsl_sort(off, 1, n);
    return (struct calibrate_figure){.mean_measured = mean_of(measured, n),
                                     .mean_model = mean_of(model, n),
                                     .p50_measured = quantile_of(measured, n, 0.5),
                                     .p50_model = quantile_of(model, n, 0.5),
                                     .p90_measured = quantile_of(measured, n, 0.9),
                                     .p90_model = quantile_of(model, n, 0.9),
                                     .p99_measured = quantile_of(measured, n, 0.99),
                                     .p99_model = quantile_of(model, n, 0.99),
                                     .off_p50 = quantile_of(off, n, 0.5),
                                     .off_p90 = quantile_of(off, n, 0.9)};
}

/* Compares the pairs in which both sides are known. */
static struct calibrate_figure compare(const double *measured, const double *model, size_t count)
{
    double *room = mem_alloc((3 * count + 1) * sizeof *room);
    double *a = room, *b = room + count, *off = room + 2 * count, squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(measured[i] > 0) || !(model[i] > 0))
            continue;
        a[n] = measured[i];
        b[n] = model[i];
        off[n++] = fabs(model[i] / measured[i] - 1);
        squares += pow(log(model[i] / measured[i]), 2);
    }
    struct calibrate_figure f = figure_of(a, b, off, n);
    f.error = n ? sqrt(squares / (double)n) : NAN;
    free(room);
    return f;
}

struct calibrate_fit replay_compare(const struct replay *p)
{
    size_t n = p->run->count;
    return (struct calibrate_fit){compare(p->measured.ttft, p->model.ttft, n),
                                  compare(p->measured.tpot, p->model.tpot, n),
                                  compare(p->measured.e2e, p->model.e2e, n)};
}

/* ---- both sides ---- */

static void fill_measured(const struct replay_times *t, const struct measured_request *r, size_t i)
{
    t->ttft[i] = t->tpot[i] = t->e2e[i] = NAN;
    if (r->cancelled)
        return;
    t->ttft[i] = (double)(r->first_ns - r->arrival_ns) / 1e9;
    t->e2e[i] = (double)(r->last_ns - r->arrival_ns) / 1e9;
    if (r->per_token_ns && r->per_token_ns != TIME_NEVER)
        t->tpot[i] = (double)r->per_token_ns / 1e9;
    else if (r->per_token_ns == 0 && r->output_tokens > 1)
        t->tpot[i] = (t->e2e[i] - t->ttft[i]) / (r->output_tokens - 1);
}

static int by_hang_up(const void *a, const void *b, void *run)
{
    const struct measured_request *r = ((const struct measured_run *)run)->requests;
    int64_t x = r[*(const uint32_t *)a].cancelled_ns, y = r[*(const uint32_t *)b].cancelled_ns;
    return (x > y) - (x < y);
}

static uint32_t *hung_up(const struct measured_run *run)
{
    uint32_t *tags = mem_alloc((run->load + 1) * sizeof *tags);
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++)
        if (run->requests[i].cancelled)
            tags[count++] = (uint32_t)i;
    qsort_r(tags, count, sizeof *tags, by_hang_up, (void *)run);
    return tags;
}

void replay_init(struct replay *p, const struct measured_run *run)
{
    size_t n = run->count;
    double *room = mem_alloc((6 * n + 1) * sizeof *room);
    *p = (struct replay){.run = run,
                         .measured = {room, room + n, room + 2 * n},
                         .model = {room + 3 * n, room + 4 * n, room + 5 * n},
                         .hung_up = hung_up(run)};
    for (size_t i = 0; i < n; i++)
        fill_measured(&p->measured, &run->requests[i], i);
}

void replay_free(struct replay *p)
{
    free(p->measured.ttft);
    free(p->hung_up);
    free(p->levels);
    *p = (struct replay){0};
}
