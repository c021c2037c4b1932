#include "sim/plan/load_series.h"

#include "core/file.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"

#include <stdlib.h>

int load_run_take(struct load_run *r, const struct summary *s, struct error *err)
{
    load_point_fill(&r->point, r->load, !r->is_rate, s);
    if (r->is_rate && load_point_sustained(&r->point, r->path, s, err) < 0)
        return err->code;
    r->measured = true;
    return 0;
}

int load_series_begin(struct load_series *s, struct error *err)
{
    if (run_place_begin(&s->place, s->directory, s->force, err) < 0)
        return err->code;
    return file_make_directories(s->place.path, err);
}

static void tell(const struct load_series *s, const struct load_run *r, const char *missed)
{
    if (s->progress)
        s->progress(s->progress_context, s, r, missed);
}

void load_series_want(struct load_series *s, double load, const char *name)
{
    char *path = run_dir_file(s->place.path, name);
    struct load_run r = {.load = load, .is_rate = s->is_rate, .path = path};
    if (s->want)
        s->want(s->context, &r);
    free(path);
}

bool load_series_is_done(struct load_series *s, double load, const char *name)
{
    char *path = run_dir_file(s->place.path, name);
    struct load_run r = {.load = load, .is_rate = s->is_rate, .path = path};
    bool done = s->is_done && s->is_done(s->context, &r);
    free(path);
    return done;
}

int load_series_measure(struct load_series *s, double load, const char *name, uint64_t requests,
                        bool *over_budget, struct error *err)
{
    char *path = run_dir_file(s->place.path, name);
    struct load_run r = {.load = load, .is_rate = s->is_rate, .requests = requests, .path = path};
    struct error missed = {0};
    if (!s->want)              /* else whoever begins it */
        run_files_clear(path); /* of a series that is gone on with: a run that did not end */
    tell(s, &r, NULL);
    int status = s->run(s->context, &r, &missed);
    if (over_budget)
        *over_budget = r.over_budget;
    if (r.over_budget) {
        status = 0;
    } else if (r.measured && (status == 0 || status == ERR_WORK)) {
        s->points[s->count++] = r.point;
        tell(s, &r, status < 0 ? missed.message : NULL);
        status = 0;
    } else if (status < 0) {
        *err = missed;
    }
    free(path);
    return status;
}

int load_series_take(struct load_series *s, int status, struct error *err)
{
    bool completed = false;
    for (size_t i = 0; i < s->count; i++)
        completed |= load_point_completed(&s->points[i]);
    if (!completed || status == ERR_SYSTEM)
        return 0;
    return run_place_take(&s->place, err);
}

bool load_series_is_beside(struct load_series *s)
{
    if (run_place_is_beside(&s->place) && s->count == 0)
        run_place_discard(&s->place);
    return run_place_is_beside(&s->place) && file_exists(s->place.path);
}

void load_series_end(struct load_series *s)
{
    run_place_free(&s->place);
}
