#include "sim/engine/calibrate/calibrate_fit.h"

#include "core/memory.h"
#include "sim/engine/engine.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NOISE 0.02 /* of a logarithm: what counts as one unit of residual */
#define FARTHEST 7 /* logarithm: no constant moves by more than a factor of 1000 */
#define ITERATIONS 15
#define GROUPS 20                  /* of requests, each compared by its mean */
#define VIEWS 5                    /* by what they are grouped, see residuals() */
#define RESIDUALS (VIEWS * GROUPS) /* without the prior */

/* Steps of the finite differences, one fit after the other: a replay's schedule jumps with its
 * constants, wide steps look over that and narrow ones finish. */
static const double difference_steps[] = {0.15, 0.05, 0.02};

/* A constant that can be fitted; `start` is where one that the preset leaves at 0 begins. */
struct known_constant {
    const char *name;
    size_t offset;
    double start;
};

#define AT(member) offsetof(struct engine_config, member)
static const struct known_constant known[] = {
    {"k", AT(steps.k), 1},
    {"w0", AT(steps.w0), 5},
    {"w1", AT(steps.w1), 0.01},
    {"c0", AT(steps.c0), 5},
    {"c1", AT(steps.c1), 0.05},
    {"ap", AT(steps.ap), 1},
    {"kappa", AT(steps.kappa), 10},
    {"d0", AT(steps.d0), 0.2},
    {"d1", AT(steps.d1), 0.002},
    {"s0", AT(steps.s0), 0.3},
    {"s1", AT(steps.s1), 0.001},
    {"ar_latency", AT(steps.ar_latency), 0.01},
    {"request_overhead_ms", AT(request_overhead_ms), 4},
};
#define KNOWN (sizeof known / sizeof *known)

/* What the model makes of the run, seconds; NAN for a request it refused. */
struct replay {
    const struct measured_run *run;
    double *ttft, *e2e, *tpot;
    uint32_t *hung_up; /* run->load requests, in the order in which the client hung up on them */
};

/* One way to group the requests: `order` stands from the first group to the last. */
struct view {
    const double *measured, *model; /* by request */
    uint32_t *order;                /* of requests that have a measured value */
    size_t count;
    bool quantiles; /* the model is sorted by itself: distributions are compared */
};

struct problem {
    struct calibration *result;
    const struct known_constant *constants[CALIBRATE_CONSTANTS];
    struct replay replay;
    struct view views[VIEWS];
    double *sorted; /* room for the model's values of a view */
};

static double *field_of(struct engine_config *config, const struct known_constant *k)
{
    return (double *)(void *)((char *)config + k->offset);
}

static void hear_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns)
{
    struct replay *p = context;
    (void)count;
    if (first == 0)
        p->ttft[tag] = (double)(at_ns - p->run->requests[tag].arrival_ns) / 1e9;
}

static void hear_done(void *context, uint64_t tag, uint32_t cached, int64_t at_ns)
{
    struct replay *p = context;
    const struct measured_request *r = &p->run->requests[tag];
    (void)cached;
    p->e2e[tag] = (double)(at_ns - r->arrival_ns) / 1e9;
    if (r->output_tokens > 1)
        p->tpot[tag] = (p->e2e[tag] - p->ttft[tag]) / (r->output_tokens - 1);
}

/* Hangs up on those whose client did so until `until_ns`; `next` counts those done. */
static void cancel_until(const struct replay *p, struct engine *e, const struct engine_sink *sink,
                         int64_t until_ns, size_t *next)
{
    for (; *next < p->run->load; (*next)++) {
        size_t tag = p->hung_up[*next];
        int64_t at_ns = p->run->requests[tag].cancelled_ns;
        if (at_ns > until_ns)
            return;
        engine_advance(e, at_ns, sink);
        engine_cancel(e, at_ns, tag);
    }
}

/* Runs the requests through the engine. Returns how many it refused, or an error. */
static int replay_run(struct replay *p, const struct engine_config *config, struct error *err)
{
    struct engine *e = engine_create(config, 1, err);
    const struct engine_sink sink = {.context = p, .on_tokens = hear_tokens, .on_done = hear_done};
    int refused = 0;
    size_t next = 0;
    if (!e)
        return ERR_INPUT;
    for (size_t i = 0; i < p->run->count; i++) {
        const struct measured_request *m = &p->run->requests[i];
        struct engine_request r = {.tag = i,
                                   .input_tokens = m->input_tokens,
                                   .output_tokens = m->output_tokens,
                                   .known_cached = m->cached_tokens};
        p->ttft[i] = p->tpot[i] = p->e2e[i] = NAN;
        cancel_until(p, e, &sink, m->arrival_ns, &next);
        engine_advance(e, m->arrival_ns, &sink);
        refused += engine_submit(e, m->arrival_ns, &r) != ENGINE_ACCEPTED;
    }
    cancel_until(p, e, &sink, TIME_NEVER - 1, &next);
    engine_advance(e, TIME_NEVER - 1, &sink);
    engine_free(e);
    return refused;
}

static void apply(struct problem *p, const gsl_vector *x, struct engine_config *config)
{
    *config = p->result->config;
    for (size_t i = 0; i < p->result->count; i++) {
        double log_factor = gsl_vector_get(x, i);
        log_factor = fmax(-FARTHEST, fmin(FARTHEST, log_factor));
        *field_of(config, p->constants[i]) = p->result->constants[i].before * exp(log_factor);
    }
}

/* Mean logarithms of each group, model over measured. */
static void compare_groups(const struct problem *p, const struct view *v, gsl_vector *f,
                           size_t first)
{
    for (size_t i = 0; i < v->count; i++)
        p->sorted[i] = isnan(v->model[v->order[i]]) ? 0 : v->model[v->order[i]];
    if (v->quantiles)
        gsl_sort(p->sorted, 1, v->count);
    for (size_t g = 0; g < GROUPS; g++) {
        size_t from = v->count * g / GROUPS, to = v->count * (g + 1) / GROUPS, n = 0;
        double sum = 0;
        for (size_t i = from; i < to; i++)
            if (p->sorted[i] > 0) {
                sum += log(p->sorted[i] / v->measured[v->order[i]]);
                n++;
            }
        gsl_vector_set(f, first + g, n ? sum / (double)n / NOISE : 0);
    }
}

/* A single request's time jumps when the schedule does; means of groups move smoothly. TTFT and
 * TPOT are compared as distributions, TTFT also by prompt length, both by arrival; then comes the
 * prior. */
static int residuals(const gsl_vector *x, void *context, gsl_vector *f)
{
    struct problem *p = context;
    struct engine_config config;
    apply(p, x, &config);
    p->result->replays++;
    if (replay_run(&p->replay, &config, NULL) < 0)
        return GSL_EFAILED;
    for (size_t i = 0; i < VIEWS; i++)
        compare_groups(p, &p->views[i], f, i * GROUPS);
    for (size_t i = 0; i < p->result->count; i++)
        gsl_vector_set(f, RESIDUALS + i, gsl_vector_get(x, i));
    return GSL_SUCCESS;
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

/* Compares the pairs in which both sides are known; sorts its copies. */
static struct calibrate_figure compare(const double *measured, const double *model, size_t count)
{
    struct calibrate_figure f = {0};
    double *a = mem_alloc((count + 1) * sizeof *a), *b = mem_alloc((count + 1) * sizeof *b);
    double squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(measured[i] > 0) || !(model[i] > 0))
            continue;
        a[n] = measured[i];
        b[n++] = model[i];
        squares += pow(log(model[i] / measured[i]), 2);
    }
    gsl_sort(a, 1, n);
    gsl_sort(b, 1, n);
    f.error = n ? sqrt(squares / (double)n) : NAN;
    f.mean_measured = mean_of(a, n);
    f.mean_model = mean_of(b, n);
    f.p50_measured = quantile_of(a, n, 0.5);
    f.p50_model = quantile_of(b, n, 0.5);
    f.p99_measured = quantile_of(a, n, 0.99);
    f.p99_model = quantile_of(b, n, 0.99);
    free(a);
    free(b);
    return f;
}

static void measured_times(const struct measured_request *r, double *ttft, double *tpot,
                           double *e2e)
{
    *ttft = *tpot = *e2e = NAN;
    if (r->cancelled)
        return;
    *ttft = (double)(r->first_ns - r->arrival_ns) / 1e9;
    *e2e = (double)(r->last_ns - r->arrival_ns) / 1e9;
    if (r->per_token_ns && r->per_token_ns != TIME_NEVER)
        *tpot = (double)r->per_token_ns / 1e9;
    else if (r->per_token_ns == 0 && r->output_tokens > 1)
        *tpot = (*e2e - *ttft) / (r->output_tokens - 1);
}

static struct calibrate_fit compare_all(const struct replay *p)
{
    size_t n = p->run->count;
    struct calibrate_fit fit;
    double *values = mem_alloc(3 * n * sizeof *values);
    for (size_t i = 0; i < n; i++)
        measured_times(&p->run->requests[i], &values[i], &values[n + i], &values[2 * n + i]);
    fit.ttft = compare(values, p->ttft, n);
    fit.tpot = compare(values + n, p->tpot, n);
    fit.e2e = compare(values + 2 * n, p->e2e, n);
    free(values);
    return fit;
}

/* ---- the fit ---- */

static void take_result(struct problem *p, gsl_multifit_nlinear_workspace *work)
{
    struct calibration *c = p->result;
    struct engine_config config;
    gsl_matrix *covariance = gsl_matrix_alloc(c->count, c->count);
    gsl_vector *x = gsl_multifit_nlinear_position(work), *f = gsl_multifit_nlinear_residual(work);
    double squares;
    gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(work), 0, covariance);
    gsl_blas_ddot(f, f, &squares);
    double scale = sqrt(squares / RESIDUALS);
    apply(p, x, &config);
    for (size_t i = 0; i < c->count; i++) {
        double variance = gsl_matrix_get(covariance, i, i);
        c->constants[i].after = *field_of(&config, p->constants[i]);
        c->constants[i].at_limit = fabs(gsl_vector_get(x, i)) >= FARTHEST;
        c->constants[i].relative_error = variance > 0 ? scale * sqrt(variance) : NAN;
    }
    c->config = config;
    gsl_matrix_free(covariance);
}

/* One fit from x on, which it moves to the best point. */
static int fit_once(struct problem *p, gsl_vector *x, double step)
{
    size_t count = p->result->count, n = RESIDUALS + count;
    gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf functions = {.f = residuals, .n = n, .p = count, .params = p};
    parameters.h_df = step;
    gsl_multifit_nlinear_workspace *work =
        gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, n, count);
    int info, status = gsl_multifit_nlinear_init(x, &functions, work);
    if (status == GSL_SUCCESS)
        status = gsl_multifit_nlinear_driver(ITERATIONS, 1e-4, 1e-6, 1e-6, NULL, NULL, &info, work);
    /* No further progress and no more iterations are ends like others: the residuals are told. */
    if (status == GSL_EMAXITER || status == GSL_ENOPROG)
        status = GSL_SUCCESS;
    if (status == GSL_SUCCESS) {
        gsl_vector_memcpy(x, gsl_multifit_nlinear_position(work));
        take_result(p, work);
    }
    gsl_multifit_nlinear_free(work);
    return status;
}

static int fit(struct problem *p, struct error *err)
{
    gsl_vector *x = gsl_vector_calloc(p->result->count);
    struct engine_config start = p->result->config, fitted = start;
    int status = GSL_SUCCESS;
    for (size_t i = 0; i < sizeof difference_steps / sizeof *difference_steps; i++) {
        p->result->config = start; /* apply() multiplies the preset's constants */
        if (status == GSL_SUCCESS)
            status = fit_once(p, x, difference_steps[i]);
        fitted = p->result->config;
    }
    p->result->config = fitted;
    gsl_vector_free(x);
    return status == GSL_SUCCESS
               ? 0
               : error_set(err, ERR_WORK, "the fit failed: %s", gsl_strerror(status));
}

static int choose_constants(struct problem *p, const char *names, struct error *err)
{
    const char *all[KNOWN + 1] = {NULL};
    struct calibration *c = p->result;
    for (size_t i = 0; i < KNOWN; i++)
        all[i] = known[i].name;
    for (const char *at = names; *at;) {
        struct text name = {at, strcspn(at, ",")};
        size_t i = 0;
        while (i < KNOWN && !text_equal(name, known[i].name))
            i++;
        if (i == KNOWN) {
            const char *near = text_nearest(name, all);
            return error_set(err, ERR_INPUT, "unknown constant \"%.*s\"%s%s%s", (int)name.length,
                             name.at, near ? "; did you mean \"" : "; known are k, w0, c1, kappa …",
                             near ? near : "", near ? "\"?" : "");
        }
        for (size_t k = 0; k < c->count; k++)
            if (p->constants[k] == &known[i])
                return error_set(err, ERR_INPUT, "\"%s\" is given twice", known[i].name);
        double *value = field_of(&c->config, &known[i]);
        if (*value <= 0)
            *value = known[i].start;
        p->constants[c->count] = &known[i];
        c->constants[c->count++] = (struct calibrate_constant){
            .name = known[i].name, .before = *value, .after = *value, .relative_error = NAN};
        at += name.length + (at[name.length] == ',');
    }
    return c->count ? 0 : error_set(err, ERR_INPUT, "expected constants to fit, such as k");
}

/* Sorts the requests that have a value, and that are judged, by a key. */
static void make_view(struct view *v, const double *measured, const double *model,
                      const double *key, const bool *judged, size_t count)
{
    double *keys = mem_alloc((count + 1) * sizeof *keys);
    size_t *places = mem_alloc((count + 1) * sizeof *places);
    uint32_t *rows = mem_alloc((count + 1) * sizeof *rows);
    *v = (struct view){measured, model, mem_alloc((count + 1) * sizeof *v->order), 0,
                       key == measured};
    for (size_t i = 0; i < count; i++)
        if (measured[i] > 0 && (!judged || judged[i])) {
            keys[v->count] = key[i];
            rows[v->count++] = (uint32_t)i;
        }
    gsl_sort_index(places, keys, 1, v->count);
    for (size_t i = 0; i < v->count; i++)
        v->order[i] = rows[places[i]];
    free(keys);
    free(places);
    free(rows);
}

static void make_views(struct problem *p, const double *ttft, const double *tpot,
                       const struct calibrate_mask *mask)
{
    const bool *by_ttft = mask ? mask->ttft : NULL, *by_tpot = mask ? mask->tpot : NULL;
    const struct measured_run *run = p->replay.run;
    double *prompt = mem_alloc(run->count * sizeof *prompt);
    double *arrival = mem_alloc(run->count * sizeof *arrival);
    for (size_t i = 0; i < run->count; i++) {
        prompt[i] = run->requests[i].input_tokens;
        arrival[i] = (double)i;
    }
    make_view(&p->views[0], ttft, p->replay.ttft, ttft, by_ttft, run->count);
    make_view(&p->views[1], tpot, p->replay.tpot, tpot, by_tpot, run->count);
    make_view(&p->views[2], ttft, p->replay.ttft, prompt, by_ttft, run->count);
    make_view(&p->views[3], ttft, p->replay.ttft, arrival, by_ttft, run->count);
    make_view(&p->views[4], tpot, p->replay.tpot, arrival, by_tpot, run->count);
    free(prompt);
    free(arrival);
}

/* How far the last replay is off in all groups. */
static double misfit(const struct problem *p)
{
    gsl_vector *f = gsl_vector_alloc(RESIDUALS);
    double squares;
    for (size_t i = 0; i < VIEWS; i++)
        compare_groups(p, &p->views[i], f, i * GROUPS);
    gsl_blas_ddot(f, f, &squares);
    gsl_vector_free(f);
    return NOISE * sqrt(squares / RESIDUALS);
}

/* The fit may end farther off than it began: a schedule jumps with its constants. */
static void keep_preset(struct problem *p, const struct engine_config *preset)
{
    struct calibration *c = p->result;
    c->config = *preset;
    c->kept = true;
    c->after = c->before;
    c->misfit_after = c->misfit_before;
    for (size_t i = 0; i < c->count; i++) {
        struct calibrate_constant *k = &c->constants[i];
        k->before = k->after = *field_of(&c->config, p->constants[i]);
        k->relative_error = NAN;
        k->at_limit = false;
    }
}

static int run_problem(struct problem *p, const struct engine_config *preset, struct error *err)
{
    struct calibration *c = p->result;
    int refused = replay_run(&p->replay, preset, err);
    if (refused < 0)
        return refused;
    c->refused = (size_t)refused;
    c->requests = p->replay.run->count - p->replay.run->load - c->refused;
    if (c->requests == 0)
        return error_set(err, ERR_INPUT, "none of the requests fits the preset's KV blocks");
    c->before = compare_all(&p->replay);
    c->misfit_before = misfit(p);
    int status = fit(p, err);
    if (status == 0 && (status = replay_run(&p->replay, &c->config, err)) >= 0) {
        c->after = compare_all(&p->replay);
        c->misfit_after = misfit(p);
        if (!(c->misfit_after < c->misfit_before))
            keep_preset(p, preset);
        status = 0;
    }
    return status;
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

/* log(measured / model) of each request under the result; NAN where one is not known. */
static void take_logs(const struct problem *p, const double *measured_ttft,
                      const double *measured_tpot, const struct calibrate_logs *logs)
{
    for (size_t i = 0; i < p->replay.run->count; i++) {
        logs->ttft[i] = log(measured_ttft[i] / p->replay.ttft[i]);
        logs->tpot[i] = log(measured_tpot[i] / p->replay.tpot[i]);
    }
}

int calibrate_fit(const struct measured_run *run, const struct engine_config *preset,
                  const char *names, const struct calibrate_mask *mask,
                  const struct calibrate_logs *logs, struct calibration *out, struct error *err)
{
    struct problem p = {.result = out, .replay.run = run};
    *out = (struct calibration){.config = *preset};
    if (preset->kind != ENGINE_STEPS)
        return error_set(err, ERR_INPUT,
                         "preset %s has constant times: calibrate one of kind \"steps\"",
                         preset->name);
    if (engine_config_check(&out->config, err) < 0 || choose_constants(&p, names, err) < 0)
        return err ? err->code : ERR_INPUT;
    size_t n = run->count;
    double *values = mem_alloc(7 * n * sizeof *values);
    p.replay.ttft = values;
    p.replay.tpot = values + n;
    p.replay.e2e = values + 2 * n;
    p.replay.hung_up = hung_up(run);
    p.sorted = values + 3 * n;
    for (size_t i = 0; i < n; i++)
        measured_times(&run->requests[i], &values[4 * n + i], &values[5 * n + i],
                       &values[6 * n + i]);
    make_views(&p, values + 4 * n, values + 5 * n, mask);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    int status = run_problem(&p, preset, err);
    if (status == 0 && logs && (status = replay_run(&p.replay, &out->config, err)) >= 0) {
        take_logs(&p, values + 4 * n, values + 5 * n, logs);
        status = 0;
    }
    gsl_set_error_handler(handler);
    for (size_t i = 0; i < VIEWS; i++)
        free(p.views[i].order);
    free(p.replay.hung_up);
    free(values);
    return status;
}
