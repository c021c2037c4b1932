/* The JSON of a comparison of two runs. */
#include "core/runs/compare/run_diff.h"

#include <math.h>
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
    json_pair_u64(w, "before", counts[0]);
    json_pair_u64(w, "after", counts[1]);
    json_end_object(w);
}

void run_diff_put_row(const struct diff_row *row, struct json_writer *w)
{
    static const char *const better[] = {"less", "more", NULL};
    const struct comparison *c = &row->comparison;
    char statistic[DIFF_STATISTIC_SIZE];
    diff_statistic(c, statistic);
    json_pair_string(w, "metric", row->key);
    json_pair_string(w, "statistic", statistic);
    json_pair_double(w, "before", c->before);
    json_pair_double(w, "after", c->after);
    json_pair_statistic(w, "change", c->change);
    json_pair_string(w, "change_is", c->what == COMPARE_SHARE ? "difference" : "ratio");
    json_key(w, "ci95");
    json_begin_array(w);
    json_put_statistic(w, c->low);
    json_put_statistic(w, c->high);
    json_end_array(w);
    json_pair_statistic(w, "p_adjusted", c->p_adjusted);
    json_pair_bool(w, "changed", row->finding);
    json_pair_string(w, "better", better[row->better]);
    json_pair_bool(w, "regression", row->regression);
    json_pair_string(w, "not_compared", isnan(c->p_value) ? c->why : NULL);
}

static const char *unit_of(const struct gate_figure *f)
{
    return f->absolute ? gate_unit(f) : f->points ? "difference" : "ratio";
}

static void put_judged(struct json_writer *w, const struct diff_judged *j)
{
    struct comparison of = {.what = j->figure.what};
    char statistic[DIFF_STATISTIC_SIZE];
    diff_statistic(&of, statistic);
    json_begin_object(w);
    json_pair_string(w, "figure", j->figure.name);
    json_pair_string(w, "metric", j->figure.key);
    json_pair_string(w, "statistic", statistic);
    json_pair_string(w, "verdict", diff_verdict_key(j->verdict));
    json_pair_statistic(w, "worse_by", j->worse);
    json_pair_statistic(w, "limit", j->limit);
    json_pair_double(w, "allowed", j->figure.allowed);
    json_pair_string(w, "unit", unit_of(&j->figure));
    json_pair_bool(w, "against_limit", j->figure.absolute);
    json_pair_statistic(w, "value", j->value);
    json_key(w, "ci95");
    json_begin_array(w);
    json_put_statistic(w, j->low);
    json_put_statistic(w, j->high);
    json_end_array(w);
    json_pair_statistic(w, "p", j->p);
    json_pair_statistic(w, "p_adjusted", j->p_adjusted);
    json_pair_known_u64(w, "requests_to_decide", j->would_decide > 0, j->would_decide);
    json_pair_bool(w, "at_least", j->at_least);
    json_pair_string(w, "why", j->why);
    json_end_object(w);
}

static void put_verdicts(struct json_writer *w, const struct run_diff *d)
{
    json_pair_string(w, "verdict", diff_verdict_key(run_diff_verdict(d)));
    json_key(w, "verdicts");
    json_begin_array(w);
    for (size_t i = 0; i < d->judged_count; i++)
        put_judged(w, &d->judged[i]);
    json_end_array(w);
}

void run_diff_put(const struct run_diff *d, struct json_writer *w)
{
    bool regression = false;
    for (size_t i = 0; i < d->count; i++)
        regression = regression || d->rows[i].regression;
    put_verdicts(w, d);
    json_pair_bool(w, "regression", regression);
    json_pair_bool(w, "paired", d->paired);
    put_counts(w, "requests", d->requests);
    json_pair_u64(w, "pairs", d->pairs);
    put_counts(w, "completed_in_one_run", d->alone);
    json_pair_double(w, "tolerance_percent", d->tolerance);
    json_pair_double(w, "share_tolerance_points", d->share_tolerance);
    json_key(w, "notes");
    json_begin_array(w);
    for (size_t i = 0; i < d->note_count; i++)
        json_put_string(w, d->notes[i]);
    json_end_array(w);
}
