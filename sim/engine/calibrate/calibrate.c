/* Which constants to fit, and to how much of the runs. */
#include "sim/engine/calibrate/calibrate.h"

#include "core/memory.h"
#include "sim/engine/calibrate/calibrate_cut.h"
#include "sim/engine/calibrate/calibrate_server.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUARTERS 4   /* of a single run: its folds */
#define STRETCHES 20 /* of the run, by arrival: every fourth is a fold */
#define LEAST 40     /* requests: fewer tell no set of constants from another */
#define NEARLY 1.05  /* of the least error: a smaller set is as good */
#define NEARLY_ABSOLUTE 0.01

static const char *const candidates[CALIBRATE_CANDIDATES] = {
    CALIBRATE_SMALL_SET,
    "k,w0,request_overhead_ms",
    "k,w0,kappa,s0,request_overhead_ms",
    "k,w0,w1,c0,c1,ap,kappa,d0,d1,s0,s1,request_overhead_ms",
};

/* What the choice and the fits look at. */
struct work {
    struct measured_run *runs; /* copies: load may be put in */
    size_t count;
    const struct engine_config *preset;
    struct calibrate_mask *judged, *kept; /* by run; kept: room for what a fold looks at */
    struct calibrate_logs *logs;
    struct calibrate_part *found; /* by run: cut, judged, drift */
};

static struct calibrate_task task_of(const struct work *w, const char *names,
                                     const struct calibrate_mask *masks, size_t left_out)
{
    return (struct calibrate_task){.runs = w->runs,
                                   .count = w->count,
                                   .preset = w->preset,
                                   .names = names,
                                   .masks = masks,
                                   .left_out = left_out,
                                   .logs = w->logs};
}

/* ---- the choice ---- */

/* Requests that follow each other share their load: whole stretches of a run are left out. */
static size_t quarter_of(size_t request, size_t count)
{
    return request * STRETCHES / count % QUARTERS;
}

/* By the logs of a run, of what is judged and was not kept for the fit: squares and their number.
 */
static void add_squares(const struct work *w, size_t run, bool all, double *squares, double *n)
{
    const struct calibrate_mask *judged = &w->judged[run], *kept = &w->kept[run];
    for (size_t i = 0; i < w->runs[run].count; i++) {
        const double logs[] = {w->logs[run].ttft[i], w->logs[run].tpot[i]};
        const bool held[] = {judged->ttft[i] && (all || !kept->ttft[i]),
                             judged->tpot[i] && (all || !kept->tpot[i])};
        for (int k = 0; k < 2; k++)
            if (held[k] && isfinite(logs[k])) {
                *squares += logs[k] * logs[k];
                (*n)++;
            }
    }
}

/* How far a fit without the fold is off in it: a run of several, a quarter of a single one. */
static double foretell_fold(const struct work *w, const char *names, size_t fold)
{
    struct calibration fit;
    double squares = 0, n = 0;
    bool alone = w->count == 1;
    for (size_t i = 0; alone && i < w->runs->count; i++) {
        bool kept = quarter_of(i, w->runs->count) != fold;
        w->kept->ttft[i] = kept && w->judged->ttft[i];
        w->kept->tpot[i] = kept && w->judged->tpot[i];
    }
    struct calibrate_task task =
        alone ? task_of(w, names, w->kept, CALIBRATE_NONE) : task_of(w, names, w->judged, fold);
    if (calibrate_fit(&task, &fit, NULL) < 0)
        return INFINITY;
    add_squares(w, alone ? 0 : fold, !alone, &squares, &n);
    calibration_free(&fit);
    return n > 0 ? sqrt(squares / n) : INFINITY;
}

/* The median over the folds, for a single fit may end in a wrong valley. */
static double foretell(const struct work *w, const char *names)
{
    size_t folds = w->count == 1 ? QUARTERS : w->count;
    double *errors = mem_alloc(folds * sizeof *errors);
    for (size_t f = 0; f < folds; f++)
        errors[f] = foretell_fold(w, names, f);
    gsl_sort(errors, 1, folds);
    double median = gsl_stats_median_from_sorted_data(errors, 1, folds);
    free(errors);
    return median;
}

static const char *choose(const struct work *w, struct calibration *found)
{
    double best = INFINITY;
    size_t judged = 0;
    for (size_t r = 0; r < w->count; r++)
        judged += w->found[r].judged;
    if (judged < LEAST)
        return candidates[0];
    for (size_t i = 0; i < CALIBRATE_CANDIDATES; i++) {
        double error = foretell(w, candidates[i]);
        found->candidates[i] = (struct calibrate_candidate){candidates[i], error};
        best = fmin(best, error);
    }
    found->candidate_count = CALIBRATE_CANDIDATES;
    for (size_t i = 0; i < CALIBRATE_CANDIDATES; i++)
        if (found->candidates[i].error <= fmax(NEARLY * best, best + NEARLY_ABSOLUTE))
            return candidates[i];
    return candidates[0];
}

/* ---- all together ---- */

static struct measured_run copy_of(const struct measured_run *run)
{
    struct measured_run copy = *run;
    copy.requests = mem_alloc(run->count * sizeof *copy.requests);
    copy.capacity = run->count;
    memcpy(copy.requests, run->requests, run->count * sizeof *copy.requests);
    return copy;
}

static int work_init(struct work *w, const struct measured_run *runs, size_t count,
                     const struct engine_config *preset, struct error *err)
{
    int status = 0;
    *w = (struct work){.runs = mem_zero(count, sizeof *w->runs),
                       .count = count,
                       .preset = preset,
                       .judged = mem_zero(count, sizeof *w->judged),
                       .kept = mem_zero(count, sizeof *w->kept),
                       .logs = mem_zero(count, sizeof *w->logs),
                       .found = mem_zero(count, sizeof *w->found)};
    for (size_t r = 0; r < count && status == 0; r++) {
        w->runs[r] = copy_of(&runs[r]);
        status = calibrate_find_cut(&w->runs[r], preset, &w->judged[r], &w->found[r], err);
        w->kept[r] = calibrate_mask_create(w->runs[r].count);
        w->logs[r] = calibrate_logs_create(w->runs[r].count);
    }
    return status;
}

static void work_free(struct work *w)
{
    for (size_t r = 0; r < w->count; r++) {
        calibrate_mask_free(&w->judged[r]);
        calibrate_mask_free(&w->kept[r]);
        calibrate_logs_free(&w->logs[r]);
        free(w->runs[r].requests);
    }
    free(w->runs);
    free(w->judged);
    free(w->kept);
    free(w->logs);
    free(w->found);
}

static void keep_found(const struct work *w, const struct calibration *found, const char *names,
                       struct calibration *out)
{
    snprintf(out->names, sizeof out->names, "%s", names);
    memcpy(out->candidates, found->candidates, sizeof out->candidates);
    out->candidate_count = found->candidate_count;
    for (size_t r = 0; r < w->count; r++) {
        out->parts[r].cut = w->found[r].cut;
        out->parts[r].judged = w->found[r].judged;
        out->parts[r].drift = w->found[r].drift;
        out->parts[r].put_in = w->found[r].put_in;
        out->parts[r].counted = w->found[r].counted;
        out->parts[r].name = w->runs[r].name;
    }
}

/* Each run as the fit to the others has it. */
static int foretell_parts(const struct work *w, const char *names, struct calibration *out,
                          struct error *err)
{
    for (size_t r = 0; w->count > 1 && r < w->count; r++) {
        struct calibration fit;
        struct calibrate_task task = task_of(w, names, w->judged, r);
        if (calibrate_fit(&task, &fit, err) < 0)
            return err ? err->code : ERR_INPUT;
        out->parts[r].unseen = fit.parts[r].after;
        calibration_free(&fit);
    }
    return 0;
}

static int run_work(const struct work *w, const char *names, struct calibration *out,
                    struct error *err)
{
    struct calibration found = {0};
    if (strcmp(names, "auto") == 0)
        names = choose(w, &found);
    struct calibrate_task task = task_of(w, names, w->judged, CALIBRATE_NONE);
    if (calibrate_fit(&task, out, err) < 0)
        return ERR_INPUT;
    keep_found(w, &found, names, out);
    int status = foretell_parts(w, names, out, err);
    for (size_t r = 0; status == 0 && r < w->count; r++)
        status = calibrate_compare_server(&w->runs[r], &out->config, &out->parts[r].server, err);
    if (status < 0)
        calibration_free(out);
    return status;
}

int calibrate(const struct measured_run *runs, size_t count, const struct engine_config *preset,
              const char *names, struct calibration *out, struct error *err)
{
    struct work w;
    *out = (struct calibration){0};
    int status = work_init(&w, runs, count, preset, err);
    if (status == 0)
        status = run_work(&w, names, out, err);
    work_free(&w);
    return status;
}

void calibration_free(struct calibration *c)
{
    free(c->parts);
    *c = (struct calibration){0};
}
