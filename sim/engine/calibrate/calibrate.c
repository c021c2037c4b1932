/* Which constants to fit, and to how much of the run. */
#include "sim/engine/calibrate/calibrate_fit.h"

#include "core/clock.h"
#include "core/memory.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDS 4
#define STRETCHES 20 /* of the run, by arrival: every fourth is a fold */
#define LEAST 40     /* requests: fewer tell no set of constants from another */
#define NEARLY 1.05  /* of the least error: a smaller set is as good */
#define NEARLY_ABSOLUTE 0.01
#define LEAST_JUDGED 20  /* requests before the cut */
#define CUT_VARIOUS 0.3  /* coefficient of variation of the times to be served */
#define CUT_LATE 5       /* answers in the last stretch */
#define CUT_RATE 0.5     /* of their usual rate */
#define MEETS 0.02       /* of a logarithm, by request */
#define DRIFT_LEAST 0.03 /* of a logarithm, and so many standard errors: beyond chance */
#define DRIFT_ERRORS 3

static const char *const candidates[CALIBRATE_CANDIDATES] = {
    "k,request_overhead_ms",
    "k,w0,request_overhead_ms",
    "k,w0,kappa,s0,request_overhead_ms",
    "k,w0,w1,c0,c1,ap,kappa,d0,d1,s0,s1,request_overhead_ms",
};

static struct calibrate_mask mask_create(size_t count)
{
    return (struct calibrate_mask){mem_zero(count, sizeof(bool)), mem_zero(count, sizeof(bool))};
}

static void mask_free(struct calibrate_mask *m)
{
    free(m->ttft);
    free(m->tpot);
}

static struct calibrate_logs logs_create(size_t count)
{
    return (struct calibrate_logs){mem_zero(count, sizeof(double)),
                                   mem_zero(count, sizeof(double))};
}

static void logs_free(struct calibrate_logs *l)
{
    free(l->ttft);
    free(l->tpot);
}

/* ---- the cut ---- */

/* What has its figure by `until_ns` is judged; returns how many have their TPOT. */
static size_t judge_until(const struct measured_run *run, int64_t until_ns,
                          const struct calibrate_mask *m)
{
    size_t judged = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct measured_request *r = &run->requests[i];
        bool known = !r->cancelled;
        m->ttft[i] = known && r->first_ns <= until_ns;
        m->tpot[i] = known && r->last_ns <= until_ns;
        judged += m->tpot[i];
    }
    return judged;
}

/* The times from first to last token, sorted; returns how many. The caller frees them. */
static size_t service_times(const struct measured_run *run, double **out, int64_t *last_ns)
{
    size_t n = 0;
    *out = mem_alloc(run->count * sizeof **out);
    *last_ns = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct measured_request *r = &run->requests[i];
        if (r->cancelled)
            continue;
        (*out)[n++] = (double)(r->last_ns - r->first_ns);
        *last_ns = r->last_ns > *last_ns ? r->last_ns : *last_ns;
    }
    gsl_sort(*out, 1, n);
    return n;
}

/* Until when all that ran had ended before the last record, as far as one can see. */
static int64_t clean_until(const struct measured_run *run)
{
    double *service;
    int64_t last_ns;
    size_t n = service_times(run, &service, &last_ns);
    last_ns -= (int64_t)service[n - 1];
    free(service);
    return last_ns;
}

/* A load that ends is served out: of answers of various lengths, the longest come last and few at a
 * time. Where they end at their full rate until the last instant, records are missing. */
static bool ends_abruptly(const struct measured_run *run)
{
    double *service;
    int64_t last_ns, first_ns = INT64_MAX;
    size_t n = service_times(run, &service, &last_ns), late = 0;
    double window = gsl_stats_median_from_sorted_data(service, 1, n) / 2;
    double various = gsl_stats_sd(service, 1, n) / gsl_stats_mean(service, 1, n);
    for (size_t i = 0; i < run->count; i++) {
        const struct measured_request *r = &run->requests[i];
        if (r->cancelled)
            continue;
        late += (double)(last_ns - r->last_ns) < window;
        first_ns = r->last_ns < first_ns ? r->last_ns : first_ns;
    }
    free(service);
    double usual = (double)(n - late) * window / ((double)(last_ns - first_ns) - window);
    return n >= LEAST_JUDGED && various > CUT_VARIOUS && late >= CUT_LATE && usual > 0 &&
           (double)late > CUT_RATE * usual;
}

/* Mean and squared standard error of the logs that are judged, or of those that are not. */
static void mean_of(const struct calibrate_logs *l, const struct calibrate_mask *m, size_t count,
                    bool judged, double *mean, double *square)
{
    double sum = 0, squares = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(l->tpot[i]) && m->tpot[i] == judged) {
            sum += l->tpot[i];
            squares += l->tpot[i] * l->tpot[i];
            n++;
        }
    *mean = sum / n;
    *square = n > 1 ? (squares / n - *mean * *mean) / (n - 1) : INFINITY;
}

/* Fits what is clean, and looks whether the rest is slower than that foretells. True if so; *meets
 * if all of the run is met so well that no load can be missing. */
static bool drifts(const struct measured_run *run, const struct engine_config *preset,
                   const struct calibrate_mask *clean, double *drift, bool *meets)
{
    struct calibration fit;
    struct calibrate_logs logs = logs_create(run->count);
    double early = 0, late = 0, early_square = 0, late_square = 0;
    *drift = NAN;
    *meets = false;
    if (calibrate_fit(run, preset, candidates[0], clean, &logs, &fit, NULL) == 0) {
        mean_of(&logs, clean, run->count, true, &early, &early_square);
        mean_of(&logs, clean, run->count, false, &late, &late_square);
        *drift = late - early;
        *meets = fit.after.tpot.error < MEETS;
    }
    logs_free(&logs);
    return *drift > DRIFT_LEAST && *drift > DRIFT_ERRORS * sqrt(early_square + late_square);
}

/* Decides what is judged: everything, or what is clean of a run that was cut. */
static void find_cut(const struct measured_run *run, const struct engine_config *preset,
                     const struct calibrate_mask *m, struct calibration *found)
{
    size_t clean = judge_until(run, clean_until(run), m);
    bool meets, killed = run->killed || run->endless;
    if (clean < LEAST_JUDGED)
        clean = judge_until(run, INT64_MAX - 1, m);
    bool slower = drifts(run, preset, m, &found->drift, &meets);
    slower = slower || (!meets && ends_abruptly(run));
    found->cut = killed ? CALIBRATE_KILLED : slower ? CALIBRATE_LOOKS_CUT : CALIBRATE_WHOLE;
    found->judged = found->cut == CALIBRATE_WHOLE ? judge_until(run, INT64_MAX - 1, m) : clean;
}

/* ---- the choice ---- */

/* Requests that follow each other share their load: whole stretches of the run are left out. */
static size_t fold_of(size_t request, size_t count)
{
    return request * STRETCHES / count % FOLDS;
}

static void add_squares(const struct calibrate_logs *l, const struct calibrate_mask *judged,
                        size_t fold, size_t count, double *squares, double *n)
{
    for (size_t i = 0; i < count; i++) {
        const double logs[] = {l->ttft[i], l->tpot[i]};
        const bool held[] = {judged->ttft[i], judged->tpot[i]};
        for (int k = 0; k < 2; k++)
            if (held[k] && isfinite(logs[k]) && fold_of(i, count) == fold) {
                *squares += logs[k] * logs[k];
                (*n)++;
            }
    }
}

/* How far fits of three quarters are off in the fourth: the median, for a single fit may end in a
 * wrong valley. */
static double foretell(const struct measured_run *run, const struct engine_config *preset,
                       const char *names, const struct calibrate_mask *judged)
{
    struct calibrate_mask m = mask_create(run->count);
    struct calibrate_logs logs = logs_create(run->count);
    struct calibration fit;
    double errors[FOLDS];
    for (size_t f = 0; f < FOLDS; f++) {
        double squares = 0, n = 0;
        for (size_t i = 0; i < run->count; i++) {
            bool kept = fold_of(i, run->count) != f;
            m.ttft[i] = kept && judged->ttft[i];
            m.tpot[i] = kept && judged->tpot[i];
        }
        if (calibrate_fit(run, preset, names, &m, &logs, &fit, NULL) == 0)
            add_squares(&logs, judged, f, run->count, &squares, &n);
        errors[f] = n > 0 ? sqrt(squares / n) : INFINITY;
    }
    mask_free(&m);
    logs_free(&logs);
    gsl_sort(errors, 1, FOLDS);
    return gsl_stats_median_from_sorted_data(errors, 1, FOLDS);
}

static const char *choose(const struct measured_run *run, const struct engine_config *preset,
                          const struct calibrate_mask *judged, struct calibration *found)
{
    double best = INFINITY;
    if (found->judged < LEAST)
        return candidates[0];
    for (size_t i = 0; i < CALIBRATE_CANDIDATES; i++) {
        double error = foretell(run, preset, candidates[i], judged);
        found->candidates[i] = (struct calibrate_candidate){candidates[i], error};
        best = fmin(best, error);
    }
    found->candidate_count = CALIBRATE_CANDIDATES;
    for (size_t i = 0; i < CALIBRATE_CANDIDATES; i++)
        if (found->candidates[i].error <= fmax(NEARLY * best, best + NEARLY_ABSOLUTE))
            return candidates[i];
    return candidates[0];
}

static void keep_found(const struct calibration *found, const char *names, struct calibration *out)
{
    snprintf(out->names, sizeof out->names, "%s", names);
    memcpy(out->candidates, found->candidates, sizeof out->candidates);
    out->candidate_count = found->candidate_count;
    out->cut = found->cut;
    out->judged = found->judged;
    out->drift = found->drift;
}

int calibrate(const struct measured_run *run, const struct engine_config *preset, const char *names,
              struct calibration *out, struct error *err)
{
    struct calibration found = {.drift = NAN};
    struct calibrate_mask m = mask_create(run->count);
    find_cut(run, preset, &m, &found);
    if (strcmp(names, "auto") == 0)
        names = choose(run, preset, &m, &found);
    int status = calibrate_fit(run, preset, names, &m, NULL, out, err);
    if (status == 0)
        keep_found(&found, names, out);
    mask_free(&m);
    return status;
}
