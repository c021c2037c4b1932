#include "sim/engine/calibrate/calibrate_cut.h"

#include "core/memory.h"
#include "sim/engine/calibrate/calibrate_load.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

#define LEAST_JUDGED 20  /* requests before the cut */
#define CUT_VARIOUS 0.3  /* coefficient of variation of the times to be served */
#define CUT_LATE 5       /* answers in the last stretch */
#define CUT_RATE 0.5     /* of their usual rate */
#define MEETS 0.02       /* of a logarithm, by request */
#define DRIFT_LEAST 0.03 /* of a logarithm, and so many standard errors: beyond chance */
#define DRIFT_ERRORS 3

struct calibrate_mask calibrate_mask_create(size_t count)
{
    return (struct calibrate_mask){mem_zero(count, sizeof(bool)), mem_zero(count, sizeof(bool))};
}

void calibrate_mask_free(struct calibrate_mask *m)
{
    free(m->ttft);
    free(m->tpot);
}

struct calibrate_logs calibrate_logs_create(size_t count)
{
    return (struct calibrate_logs){mem_zero(count, sizeof(double)),
                                   mem_zero(count, sizeof(double))};
}

void calibrate_logs_free(struct calibrate_logs *l)
{
    free(l->ttft);
    free(l->tpot);
}

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
    struct calibrate_logs logs = calibrate_logs_create(run->count);
    struct calibrate_task task = {run,  1, preset, CALIBRATE_SMALL_SET, clean, CALIBRATE_NONE,
                                  &logs};
    double early = 0, late = 0, early_square = 0, late_square = 0;
    *drift = NAN;
    *meets = false;
    if (calibrate_fit(&task, &fit, NULL) == 0) {
        mean_of(&logs, clean, run->count, true, &early, &early_square);
        mean_of(&logs, clean, run->count, false, &late, &late_square);
        *drift = late - early;
        *meets = fit.parts[0].after.tpot.error < MEETS;
        calibration_free(&fit);
    }
    calibrate_logs_free(&logs);
    return *drift > DRIFT_LEAST && *drift > DRIFT_ERRORS * sqrt(early_square + late_square);
}

static enum calibrate_cut cut_of(const struct measured_run *run, const struct engine_config *preset,
                                 const struct calibrate_mask *clean, double *drift)
{
    bool meets, slower = drifts(run, preset, clean, drift, &meets);
    if (run->endless)
        return CALIBRATE_KILLED;
    if (run->served_out)
        return CALIBRATE_WHOLE;
    if (run->killed)
        return CALIBRATE_KILLED;
    return slower || (!meets && ends_abruptly(run)) ? CALIBRATE_LOOKS_CUT : CALIBRATE_WHOLE;
}

static int refuse(const struct measured_run *run, size_t clean, bool killed, struct error *err)
{
    return error_set(
        err, ERR_INPUT,
        "%s %s: of its %zu requests %zu ended early enough to be free of what was in "
        "flight then and has no record (%d are needed), and no server metrics up to the "
        "cut (bench --server-metrics) tell that load; calibrate on a run that was served "
        "out, or say --served-out if this one was",
        run->name, killed ? "was cut" : "looks cut", run->count - (size_t)run->load, clean,
        LEAST_JUDGED);
}

/* Load for what has no record; -1 where nothing tells it. What only looks cut was not where the
 * server counted nobody else. */
static int64_t add_load(struct measured_run *run, struct calibrate_part *part)
{
    if (part->cut == CALIBRATE_WHOLE || run->endless)
        return 0;
    int64_t put_in = calibrate_add_load(run);
    if (put_in == 0 && part->cut == CALIBRATE_LOOKS_CUT)
        part->cut = CALIBRATE_WHOLE;
    return put_in;
}

int calibrate_find_cut(struct measured_run *run, const struct engine_config *preset,
                       struct calibrate_mask *mask, struct calibrate_part *part, struct error *err)
{
    int64_t until_ns = clean_until(run), all_ns = INT64_MAX - 1;
    *mask = calibrate_mask_create(run->count);
    size_t clean = judge_until(run, until_ns, mask);
    bool enough = clean >= LEAST_JUDGED;
    if (!enough)
        judge_until(run, all_ns, mask);
    part->cut = cut_of(run, preset, mask, &part->drift);
    int64_t put_in = add_load(run, part);
    if (put_in < 0 && !enough)
        return refuse(run, clean, part->cut == CALIBRATE_KILLED, err);
    part->put_in = put_in > 0 ? (uint64_t)put_in : 0;
    part->counted = put_in >= 0 && part->cut != CALIBRATE_WHOLE && !run->endless;
    calibrate_mask_free(mask);
    *mask = calibrate_mask_create(run->count);
    bool all = part->cut == CALIBRATE_WHOLE || !enough;
    part->judged = judge_until(run, all ? all_ns : until_ns, mask);
    return 0;
}
