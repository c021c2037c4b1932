#include "sim/engine/calibrate/calibrate_fit.h"

#include "core/library/library.h"
#include "core/memory.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NOISE 0.02 /* of a logarithm: what counts as one unit of residual */
#define FARTHEST 7 /* logarithm: no constant moves by more than a factor of 1000 */
#define ITERATIONS 15
#define GROUPS 20                  /* of requests, each compared by its mean */
#define VIEWS 5                    /* by what they are grouped, see residuals() */
#define RESIDUALS (VIEWS * GROUPS) /* of a run, without the prior */

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

/* One way to group the requests: `order` stands from the first group to the last. */
struct view {
    const double *measured, *model; /* by request */
    uint32_t *order;                /* of requests that have a measured value */
    size_t count;
    bool quantiles; /* the model is sorted by itself: distributions are compared */
};

/* A run of the task. */
struct part {
    struct replay replay;
    struct view views[VIEWS];
    bool fitted;
};

struct problem {
    struct calibration *result;
    const struct known_constant *constants[CALIBRATE_CONSTANTS];
    struct part *parts;
    size_t count, fitted; /* parts; and those that the fit looks at */
    double *sorted;       /* room for the model's values of a view */
};

static double *field_of(struct engine_config *config, const struct known_constant *k)
{
    return (double *)(void *)((char *)config + k->offset);
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

/* The groups of all runs that are fitted, as the last replays have them. */
static void compare_parts(const struct problem *p, gsl_vector *f)
{
    size_t first = 0;
    for (size_t r = 0; r < p->count; r++)
        for (size_t i = 0; p->parts[r].fitted && i < VIEWS; i++, first += GROUPS)
            compare_groups(p, &p->parts[r].views[i], f, first);
}

/* A single request's time jumps when the schedule does; means of groups move smoothly. TTFT and
 * TPOT are compared as distributions, TTFT also by prompt length, both by arrival; behind all runs
 * comes the prior. */
static int residuals(const gsl_vector *x, void *context, gsl_vector *f)
{
    struct problem *p = context;
    struct engine_config config;
    apply(p, x, &config);
    for (size_t r = 0; r < p->count; r++) {
        if (!p->parts[r].fitted)
            continue;
        p->result->replays++;
        if (replay_run(&p->parts[r].replay, &config, NULL) < 0)
            return GSL_EFAILED;
    }
    compare_parts(p, f);
    for (size_t i = 0; i < p->result->count; i++)
        gsl_vector_set(f, p->fitted * RESIDUALS + i, gsl_vector_get(x, i));
    return GSL_SUCCESS;
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
    double scale = sqrt(squares / (double)(p->fitted * RESIDUALS));
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
    size_t count = p->result->count, n = p->fitted * RESIDUALS + count;
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
        if (measured[i] > 0 && judged[i]) {
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

static void make_views(struct part *part, const struct calibrate_mask *mask)
{
    const struct replay *p = &part->replay;
    const struct replay_times *real = &p->measured, *model = &p->model;
    size_t n = p->run->count;
    double *prompt = mem_alloc((n + 1) * sizeof *prompt);
    double *arrival = mem_alloc((n + 1) * sizeof *arrival);
    for (size_t i = 0; i < n; i++) {
        prompt[i] = p->run->requests[i].input_tokens;
        arrival[i] = (double)i;
    }
    make_view(&part->views[0], real->ttft, model->ttft, real->ttft, mask->ttft, n);
    make_view(&part->views[1], real->tpot, model->tpot, real->tpot, mask->tpot, n);
    make_view(&part->views[2], real->ttft, model->ttft, prompt, mask->ttft, n);
    make_view(&part->views[3], real->ttft, model->ttft, arrival, mask->ttft, n);
    make_view(&part->views[4], real->tpot, model->tpot, arrival, mask->tpot, n);
    free(prompt);
    free(arrival);
}

/* How far the last replays are off in all groups. */
static double misfit(const struct problem *p)
{
    gsl_vector *f = gsl_vector_alloc(p->fitted * RESIDUALS);
    double squares;
    compare_parts(p, f);
    gsl_blas_ddot(f, f, &squares);
    gsl_vector_free(f);
    return NOISE * sqrt(squares / (double)(p->fitted * RESIDUALS));
}

/* The fit may end farther off than it began: a schedule jumps with its constants. */
static void keep_preset(struct problem *p, const struct engine_config *preset)
{
    struct calibration *c = p->result;
    c->config = *preset;
    c->kept = true;
    for (size_t r = 0; r < p->count; r++)
        c->parts[r].after = c->parts[r].before;
    c->misfit_after = c->misfit_before;
    for (size_t i = 0; i < c->count; i++) {
        struct calibrate_constant *k = &c->constants[i];
        k->before = k->after = *field_of(&c->config, p->constants[i]);
        k->relative_error = NAN;
        k->at_limit = false;
    }
}

/* Replays all runs, and compares them. */
static int replay_all(struct problem *p, const struct engine_config *config, bool after,
                      struct error *err)
{
    for (size_t r = 0; r < p->count; r++) {
        struct calibrate_part *to = &p->result->parts[r];
        const struct measured_run *run = p->parts[r].replay.run;
        int refused = replay_run(&p->parts[r].replay, config, err);
        if (refused < 0)
            return refused;
        to->refused = (size_t)refused;
        to->requests = run->count - run->load - to->refused;
        if (to->requests == 0)
            return error_set(err, ERR_INPUT,
                             "none of the requests of %s fits the preset's KV blocks; --kv-blocks "
                             "gives those that the measured server had",
                             run->name);
        *(after ? &to->after : &to->before) = replay_compare(&p->parts[r].replay);
    }
    return 0;
}

static int run_problem(struct problem *p, const struct engine_config *preset, struct error *err)
{
    struct calibration *c = p->result;
    if (replay_all(p, preset, false, err) < 0)
        return ERR_INPUT;
    c->misfit_before = misfit(p);
    int status = fit(p, err);
    if (status < 0 || replay_all(p, &c->config, true, err) < 0)
        return status < 0 ? status : ERR_INPUT;
    c->misfit_after = misfit(p);
    if (!(c->misfit_after < c->misfit_before))
        keep_preset(p, preset);
    return 0;
}

/* log(measured / model) of each request under the result; NAN where one is not known. */
static int take_logs(struct problem *p, const struct calibrate_logs *logs, struct error *err)
{
    for (size_t r = 0; r < p->count; r++) {
        struct replay *replay = &p->parts[r].replay;
        if (p->result->kept && replay_run(replay, &p->result->config, err) < 0)
            return ERR_INPUT;
        for (size_t i = 0; i < replay->run->count; i++) {
            logs[r].ttft[i] = log(replay->measured.ttft[i] / replay->model.ttft[i]);
            logs[r].tpot[i] = log(replay->measured.tpot[i] / replay->model.tpot[i]);
        }
    }
    return 0;
}

static void problem_init(struct problem *p, const struct calibrate_task *task)
{
    size_t most = 0;
    p->count = task->count;
    p->parts = mem_zero(task->count, sizeof *p->parts);
    p->result->parts = mem_zero(task->count, sizeof *p->result->parts);
    p->result->part_count = task->count;
    for (size_t r = 0; r < task->count; r++) {
        p->parts[r].fitted = r != task->left_out;
        p->fitted += p->parts[r].fitted;
        replay_init(&p->parts[r].replay, &task->runs[r]);
        make_views(&p->parts[r], &task->masks[r]);
        most = task->runs[r].count > most ? task->runs[r].count : most;
    }
    p->sorted = mem_alloc((most + 1) * sizeof *p->sorted);
}

static void problem_free(struct problem *p)
{
    for (size_t r = 0; r < p->count; r++) {
        for (size_t i = 0; i < VIEWS; i++)
            free(p->parts[r].views[i].order);
        replay_free(&p->parts[r].replay);
    }
    free(p->parts);
    free(p->sorted);
}

int calibrate_fit(const struct calibrate_task *task, struct calibration *out, struct error *err)
{
    const struct engine_config *preset = task->preset;
    struct problem p = {.result = out};
    *out = (struct calibration){.config = *preset};
    if (preset->kind != ENGINE_STEPS)
        return error_set(err, ERR_INPUT,
                         "preset %s has constant times: calibrate one of kind \"steps\"",
                         preset->name);
    if (engine_config_check(&out->config, err) < 0 || choose_constants(&p, task->names, err) < 0)
        return err ? err->code : ERR_INPUT;
    problem_init(&p, task);
    gsl_error_handler_t *handler = gsl_set_error_handler(library_on_gsl_error);
    int status = run_problem(&p, preset, err);
    if (status == 0 && task->logs)
        status = take_logs(&p, task->logs, err);
    gsl_set_error_handler(handler);
    problem_free(&p);
    if (status < 0)
        calibration_free(out);
    return status;
}
