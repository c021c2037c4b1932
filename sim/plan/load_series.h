/* Loads measured one after the other, each by a run in a directory of its own: what sweeps and the
 * search for the highest rate have in common.
 *
 *     struct load_series s = {.command = "sim", .directory = "results/x", .target = target,
 *                             .run = run_point, .context = &mine};
 *     if (load_series_begin(&s, err) < 0) return err->code;
 *     status = load_series_measure(&s, 4, "rate-4", 0, NULL, err);
 *     status = load_series_take(&s, status, err);      // s.points, s.count
 *     load_series_end(&s);
 *
 * The runs replace what an earlier series left there only when they are worth it, see
 * core/runs/record/run_place.h.
 */
#ifndef FAREBOX_SIM_PLAN_LOAD_SERIES_H
#define FAREBOX_SIM_PLAN_LOAD_SERIES_H

#include "core/runs/record/run_place.h"
#include "sim/plan/load_point.h"

#include <stdint.h>

#define LOAD_POINTS 64

/* A run at one load. */
struct load_run {
    double load;
    bool is_rate;      /* else requests at a time */
    uint64_t requests; /* 0 = as the options say */
    const char *path;  /* of the run's directory */

    /* filled by the one who runs it */
    bool measured;    /* `point` is known, also where an objective was missed */
    bool over_budget; /* a cost budget ended it, or left nothing to it: it does not count */
    struct load_point point;
};

/* Takes the figures of a run whose summary is made and whose requests are in r->path. */
int load_run_take(struct load_run *r, const struct summary *s, struct error *err);

struct load_series {
    const char *command; /* "sim" or "bench" */
    const char *directory;
    bool force, is_rate;
    struct load_target target;
    /* Runs r->load into r->path; ERR_WORK where an objective on the run was missed. */
    int (*run)(void *context, struct load_run *r, struct error *err);
    /* Of runs that others may begin (core/farm/tasks.h), and then clear the directory: told of
     * those that run() will be asked for; and whether one is done. NULL */
    void (*want)(void *context, const struct load_run *r);
    bool (*is_done)(void *context, const struct load_run *r);
    void *context;
    /* Told as a run begins, and once more when it was measured, with what it missed. NULL */
    void (*progress)(void *context, const struct load_series *s, const struct load_run *r,
                     const char *missed);
    void *progress_context;

    struct load_point points[LOAD_POINTS];
    size_t count;
    struct run_place place; /* place.path: where the runs are */
};

/* Finds the place, and makes the directory. */
int load_series_begin(struct load_series *s, struct error *err);

/* `load` will be measured into NAME: somebody may begin. */
void load_series_want(struct load_series *s, double load, const char *name);

/* Somebody has: load_series_measure() takes what came of it at once. */
bool load_series_is_done(struct load_series *s, double load, const char *name);

/* Runs `load` into NAME and adds its point. *over_budget (may be NULL): it was used up, and there
 * is no point. ERR_WORK where the run gave no figures. */
int load_series_measure(struct load_series *s, double load, const char *name, uint64_t requests,
                        bool *over_budget, struct error *err);

/* Once all files are written: what was there is replaced, if a request of a point completed and
 * nothing failed to be written (`status`, of the runs, is no ERR_SYSTEM). */
int load_series_take(struct load_series *s, int status, struct error *err);

/* Removes runs that came to nothing beside an earlier series. True where they are kept beside it,
 * in s->place.path. */
bool load_series_is_beside(struct load_series *s);
void load_series_end(struct load_series *s);

#endif
