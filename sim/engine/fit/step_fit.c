#include "sim/engine/fit/step_fit.h"

#include "core/memory.h"
#include "core/random.h"
#include "sim/engine/step_time.h"

#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SOFT 0.05 /* relative error from which on a row counts less than its square */
#define STARTS 6  /* fits from different beginnings; the best one counts */
#define ITERATIONS 200
#define NEARLY 0.05     /* a form with more constants must be off by that much less */
#define DIFFERENCE 1e-4 /* of a logarithm: above what whole femtoseconds round */
/* Logarithms beyond which a constant means nothing: of a step in ms, and of all else. Sums of whole
 * femtoseconds stay within 64 bits. */
#define LARGEST_STEP 12.0
#define LARGEST 6.0
#define EXACT 1e-4   /* a loss below which forms are alike: 0.05 % off */
#define NOTHING 1e-6 /* of any unit */

/* ---- the model ---- */

static struct step_model model_of(const struct step_constants *c)
{
    struct engine_config config;
    struct step_model m;
    engine_config_init(&config);
    config.steps = *c;
    step_model_init(&m, &config, 0, 0);
    return m;
}

static struct step_load load_of(const struct grid *g, const struct grid_row *r)
{
    uint64_t q = r->q, batch = r->batch;
    struct step_load load = {.tokens = q + batch,
                             .sequences = batch + (q > 0),
                             .decodes = batch,
                             .decode_kv = batch * r->context,
                             .prefill_work = q * (2 * (uint64_t)r->prefix + q)};
    if (g->mixed_without_kv && r->kind == GRID_MIXED)
        load.decode_kv = 0;
    return load;
}

static double ms_of(struct step_model *m, const struct grid *g, const struct grid_row *r)
{
    struct step_load load = load_of(g, r);
    return (double)step_duration(m, 0, &load).first_fs / 1e12;
}

double step_fit_ms(const struct step_constants *constants, const struct grid *grid,
                   const struct grid_row *row)
{
    struct step_model m = model_of(constants);
    return ms_of(&m, grid, row);
}

/* ---- errors ---- */

struct fit_error step_fit_error(const struct step_constants *constants, const struct grid *grid,
                                enum grid_kind kind, bool only_held)
{
    struct step_model m = model_of(constants);
    struct fit_error e = {0, NAN, NAN, NAN, NAN};
    double *off = mem_alloc((grid->count + 1) * sizeof *off), sum = 0;
    for (size_t i = 0; i < grid->count; i++) {
        const struct grid_row *r = &grid->rows[i];
        if ((kind != GRID_KINDS && r->kind != kind) || (only_held && !r->held))
            continue;
        double relative = ms_of(&m, grid, r) / r->ms - 1;
        sum += relative;
        off[e.rows++] = fabs(relative);
    }
    if (e.rows > 0) {
        gsl_sort(off, 1, e.rows);
        e.median = gsl_stats_quantile_from_sorted_data(off, 1, e.rows, 0.5);
        e.p90 = gsl_stats_quantile_from_sorted_data(off, 1, e.rows, 0.9);
        e.most = off[e.rows - 1];
        e.mean_signed = sum / (double)e.rows;
    }
    free(off);
    return e;
}

/* ---- one fit ---- */

struct constant {
    size_t offset;
    double start; /* of the shortest step where `of_step`, else itself */
    bool of_step;
    bool prefill, experts, tile, knee; /* needed by those only */
    bool line;                         /* the arithmetic of all: not beside a knee */
};

#define AT(member) offsetof(struct step_constants, member)
static const struct constant known[] = {
    {AT(w0), .start = 0.8, .of_step = true},
    {AT(w1), .start = 0.01},
    {AT(c0), .start = 0.5, .of_step = true, .line = true},
    {AT(c1), .start = 0.05, .line = true},
    {AT(kappa), .start = 30},
    {AT(d0), .start = 0.3},
    {AT(d1), .start = 0.01},
    {AT(ap), .start = 4, .prefill = true},
    {AT(p0), .start = 0.5, .prefill = true},
    {AT(m0), .start = 1, .of_step = true, .experts = true},
    {AT(n0), .start = 64, .experts = true},
    {AT(e0), .start = 64, .knee = true},
    {AT(e1), .start = 0.05, .knee = true},
    {AT(c2), .start = 0.05, .tile = true},
};
#define KNOWN COUNT_OF(known)

struct form {
    bool experts;
    uint32_t tile;
    bool knee; /* arithmetic that the experts' kernels wait for, in place of the step's */
};

struct problem {
    const struct grid *grid;
    struct form form;
    const struct constant *constants[KNOWN];
    size_t count;
    bool all; /* rows kept back, too, are fitted */
    double shortest_ms;
};

static struct step_constants constants_at(const struct problem *p, const gsl_vector *x)
{
    struct step_constants c = {.k = 1, .tile = p->form.tile};
    for (size_t i = 0; i < p->count; i++) {
        double most = p->constants[i]->of_step ? LARGEST_STEP : LARGEST;
        double value = exp(fmin(gsl_vector_get(x, i), most));
        memcpy((char *)&c + p->constants[i]->offset, &value, sizeof value);
    }
    return c;
}

/* √(2·(√(1 + z²) − 1)) with the sign of z: its square is the soft loss. */
static double soften(double relative)
{
    double z = relative / SOFT;
    return copysign(sqrt(2 * (sqrt(1 + z * z) - 1)), z);
}

static int residuals(const gsl_vector *x, void *context, gsl_vector *f)
{
    const struct problem *p = context;
    struct step_constants c = constants_at(p, x);
    struct step_model m = model_of(&c);
    size_t row = 0;
    for (size_t i = 0; i < p->grid->count; i++) {
        const struct grid_row *r = &p->grid->rows[i];
        if (p->all || !r->held)
            gsl_vector_set(f, row++, soften(ms_of(&m, p->grid, r) / r->ms - 1));
    }
    return GSL_SUCCESS;
}

static void choose_constants(struct problem *p, bool has_prefill)
{
    for (size_t i = 0; i < KNOWN; i++) {
        const struct constant *c = &known[i];
        if ((!c->prefill || has_prefill) && (!c->experts || p->form.experts) &&
            (!c->tile || p->form.tile) && (!c->knee || p->form.knee) && (!c->line || !p->form.knee))
            p->constants[p->count++] = c;
    }
}

/* The first beginning is the middle of what is usual; the others lie around it. */
static void begin_at(const struct problem *p, int start, struct random *random, gsl_vector *x)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct constant *c = p->constants[i];
        double value = log(c->start * (c->of_step ? p->shortest_ms : 1));
        if (start > 0)
            value += 3 * (random_unit(random) - 0.5);
        gsl_vector_set(x, i, value);
    }
}

static size_t count_rows(const struct problem *p)
{
    size_t rows = 0;
    for (size_t i = 0; i < p->grid->count; i++)
        rows += p->all || !p->grid->rows[i].held;
    return rows;
}

/* Fits from several beginnings; returns the least sum of squares, or infinity where the rows are
 * fewer than the constants. */
static double solve(struct problem *p, struct step_constants *out)
{
    gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf fit = {.f = residuals, .n = count_rows(p), .p = p->count, .params = p};
    struct random random;
    double best = INFINITY;
    how.h_df = DIFFERENCE;
    if (fit.n < fit.p)
        return best;
    random_init(&random, 1, RANDOM_ENGINE, p->count);
    gsl_multifit_nlinear_workspace *w =
        gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, fit.n, fit.p);
    gsl_vector *x = gsl_vector_alloc(fit.p);
    for (int start = 0; start < STARTS; start++) {
        int info;
        double cost = 0;
        begin_at(p, start, &random, x);
        gsl_multifit_nlinear_init(x, &fit, w);
        gsl_multifit_nlinear_driver(ITERATIONS, 1e-7, 1e-7, 1e-9, NULL, NULL, &info, w);
        for (size_t i = 0; i < fit.n; i++)
            cost += pow(gsl_vector_get(gsl_multifit_nlinear_residual(w), i), 2);
        if (cost < best) {
            best = cost;
            *out = constants_at(p, gsl_multifit_nlinear_position(w));
        }
    }
    gsl_vector_free(x);
    gsl_multifit_nlinear_free(w);
    return best;
}

static double shortest(const struct grid *g)
{
    double least = INFINITY;
    for (size_t i = 0; i < g->count; i++)
        least = fmin(least, g->rows[i].ms);
    return least;
}

static bool has_prefill(const struct grid *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->rows[i].q > 0)
            return true;
    return false;
}

static double fit_form(const struct grid *g, struct form form, bool all, struct step_constants *out)
{
    struct problem p = {.grid = g, .form = form, .all = all, .shortest_ms = shortest(g)};
    choose_constants(&p, has_prefill(g));
    return solve(&p, out);
}

/* ---- which form ---- */

/* What a form is judged by: the soft loss of the rows kept back, a row. */
static double held_loss(const struct step_constants *c, const struct grid *g)
{
    struct step_model m = model_of(c);
    double sum = 0;
    size_t rows = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct grid_row *r = &g->rows[i];
        if (r->held) {
            sum += pow(soften(ms_of(&m, g, r) / r->ms - 1), 2);
            rows++;
        }
    }
    return rows ? sum / (double)rows : 0;
}

/* From the simplest on. */
static const struct form forms[] = {
    {false, 0, false},  {false, 128, false}, {false, 256, false}, {true, 0, false},
    {true, 128, false}, {true, 256, false},  {true, 0, true},
};

/* Six digits are more than the figures are worth, and read better. */
static void round_constants(struct step_constants *c)
{
    for (size_t i = 0; i < KNOWN; i++) {
        double value;
        char text[32];
        memcpy(&value, (char *)c + known[i].offset, sizeof value);
        snprintf(text, sizeof text, "%.6g", value < NOTHING ? 0 : value);
        value = strtod(text, NULL);
        memcpy((char *)c + known[i].offset, &value, sizeof value);
    }
    if (c->m0 <= 0)
        c->m0 = c->n0 = 0;
    if (c->e1 <= 0)
        c->e0 = c->e1 = 0;
    if (c->c2 <= 0)
        c->tile = 0;
}

void step_fit_make(struct grid *grid, struct step_fit *out)
{
    struct form chosen = forms[0];
    double least = INFINITY;
    *out = (struct step_fit){.no_prefill = !has_prefill(grid)};
    grid_hold_back(grid);
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct step_constants c;
        if (isinf(fit_form(grid, forms[i], false, &c)))
            continue;
        double loss = held_loss(&c, grid);
        if (loss + EXACT > (least + EXACT) * (1 - NEARLY))
            continue;
        least = loss;
        chosen = forms[i];
        out->held = step_fit_error(&c, grid, GRID_KINDS, true);
        for (int kind = 0; kind < GRID_KINDS; kind++)
            out->held_of[kind] = step_fit_error(&c, grid, (enum grid_kind)kind, true);
    }
    fit_form(grid, chosen, true, &out->constants);
    round_constants(&out->constants);
    out->has_experts = out->constants.m0 > 0;
    out->fitted = step_fit_error(&out->constants, grid, GRID_KINDS, false);
}
