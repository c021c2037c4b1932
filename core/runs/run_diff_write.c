/* The JSON of a comparison of two runs. */
#include "core/runs/run_diff.h"

#include <stdio.h>

void diff_statistic(const struct comparison *c, char out[DIFF_STATISTIC_SIZE])
{
    const char *name = c->what == COMPARE_MEAN    ? "mean"
                       : c->what == COMPARE_SHARE ? "share"
                       : c->what == COMPARE_RATE  ? "rate"
                                                  : NULL;
    if (name)
        snprintf(out, DIFF_STATISTIC_SIZE, "%s", name);
    else
        snprintf(out, DIFF_STATISTIC_SIZE, "p%g", c->what * 100);
}

static void put_counts(struct json_writer *w, const char *key, const uint64_t counts[2])
{
    json_key(w, key);
    json_begin_object(w);
    json_key(w, "before");
    json_put_u64(w, counts[0]);
    json_key(w, "after");
    json_put_u64(w, counts[1]);
    json_end_object(w);
}

static void put_row(struct json_writer *w, const struct diff_row *row)
{
    static const char *const better[] = {"less", "more", NULL};
    const struct comparison *c = &row->comparison;
    char statistic[DIFF_STATISTIC_SIZE];
    diff_statistic(c, statistic);
    json_begin_object(w);
    json_key(w, "metric");
    json_put_string(w, row->key);
    json_key(w, "statistic");
    json_put_string(w, statistic);
    json_key(w, "before");
    json_put_double(w, c->before);
    json_key(w, "after");
    json_put_double(w, c->after);
    json_key(w, "change");
    json_put_statistic(w, c->change);
    json_key(w, "change_is");
    json_put_string(w, c->what == COMPARE_SHARE ? "difference" : "ratio");
    json_key(w, "ci95");
    json_begin_array(w);
    json_put_statistic(w, c->low);
    json_put_statistic(w, c->high);
    json_end_array(w);
    json_key(w, "p_adjusted");
    json_put_statistic(w, c->p_adjusted);
    json_key(w, "changed");
    json_put_bool(w, row->finding);
    json_key(w, "better");
    json_put_string(w, better[row->better]);
    json_key(w, "regression");
    json_put_bool(w, row->regression);
    json_key(w, "not_compared");
    json_put_string(w, c->why);
    json_end_object(w);
}

void run_diff_write(const struct run_diff *d, struct json_writer *w)
{
    bool regression = false;
    for (size_t i = 0; i < d->count; i++)
        regression = regression || d->rows[i].regression;
    json_begin_object(w);
    json_key(w, "comparisons");
    json_begin_array(w);
    for (size_t i = 0; i < d->count; i++)
        put_row(w, &d->rows[i]);
    json_end_array(w);
    json_key(w, "regression");
    json_put_bool(w, regression);
    json_key(w, "paired");
    json_put_bool(w, d->paired);
    put_counts(w, "requests", d->requests);
    json_key(w, "pairs");
    json_put_u64(w, d->pairs);
    put_counts(w, "completed_in_one_run", d->alone);
    json_key(w, "tolerance_percent");
    json_put_double(w, d->tolerance);
    json_key(w, "share_tolerance_points");
    json_put_double(w, d->share_tolerance);
    json_key(w, "notes");
    json_begin_array(w);
    for (size_t i = 0; i < d->note_count; i++)
        json_put_string(w, d->notes[i]);
    json_end_array(w);
    json_end_object(w);
}
