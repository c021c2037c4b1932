/* What of a comparison of two runs is a finding, what a regression, and which is the worst. */
#include "core/runs/run_diff.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INCIDENT 0.10 /* a rise of the failed share that counts even as a single event */

void run_diff_note(struct run_diff *d, const char *format, ...)
{
    va_list arguments;
    if (d->note_count == DIFF_NOTES)
        return;
    va_start(arguments, format);
    vsnprintf(d->notes[d->note_count++], DIFF_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

static const struct diff_row *find_row(const struct run_diff *d, const char *key)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->rows[i].key, key) == 0)
            return &d->rows[i];
    return NULL;
}

/* How much worse, in the unit of the change; negative: better. */
static double worse_by(const struct diff_row *row)
{
    double change = row->comparison.change;
    return row->better == DIFF_LESS ? change : row->better == DIFF_MORE ? -change : 0;
}

static double tolerated(const struct run_diff *d, const struct diff_row *row)
{
    return (row->comparison.what == COMPARE_SHARE ? d->share_tolerance : d->tolerance) / 100;
}

/* Many failures in one stretch: beyond chance only if each request failed by itself. */
static bool is_incident(const struct run_diff *d, const struct diff_row *row)
{
    return row->failures && !row->finding && worse_by(row) >= INCIDENT &&
           row->comparison.p_independent * (double)d->count < 0.05;
}

void run_diff_conclude(struct run_diff *d)
{
    struct comparison all[DIFF_ROWS];
    for (size_t i = 0; i < d->count; i++)
        all[i] = d->rows[i].comparison;
    compare_adjust(all, d->count);
    for (size_t i = 0; i < d->count; i++) {
        struct diff_row *row = &d->rows[i];
        row->comparison = all[i];
        row->finding = all[i].supported && all[i].p_adjusted < 0.05;
    }
    const struct diff_row *offered = find_row(d, "offered_rps");
    const struct diff_row *output = find_row(d, "output_tokens");
    const struct diff_row *failed = find_row(d, "failed_fraction");
    bool other_load = offered && offered->finding;
    if (!d->paired && failed && failed->finding)
        run_diff_note(
            d, "latencies are of what completed: which requests failed may have made them differ");
    if (other_load)
        run_diff_note(
            d,
            "the load itself differs: throughput follows it, and latencies are not like with like");
    if (output && output->finding)
        run_diff_note(
            d, "the answers differ in length: E2E, throughput and cost are of different work");
    for (size_t i = 0; i < d->count; i++) {
        struct diff_row *row = &d->rows[i];
        if (other_load && row->comparison.what == COMPARE_RATE)
            row->better = DIFF_NEITHER;
        row->regression =
            (row->finding || is_incident(d, row)) && worse_by(row) > tolerated(d, row);
        if (row->regression && !row->finding)
            run_diff_note(
                d, "failures came in one stretch: an event, not a rate, and counted as worse");
    }
}

static int tell_regression(const struct run_diff *d, const struct diff_row *worst,
                           struct error *err)
{
    char statistic[DIFF_STATISTIC_SIZE];
    const struct comparison *c = &worst->comparison;
    diff_statistic(c, statistic);
    if (c->what == COMPARE_SHARE)
        return error_set(err, ERR_WORK,
                         "the share %s went from %.1f %% to %.1f %%, by more than the tolerance of "
                         "%g points",
                         worst->title, c->before * 100, c->after * 100, d->share_tolerance);
    return error_set(err, ERR_WORK, "%s %s is %.1f %% %s, more than the tolerance of %g %%",
                     worst->title, statistic, fabs(c->change) * 100,
                     worst->latency  ? "slower"
                     : c->change > 0 ? "higher"
                                     : "lower",
                     d->tolerance);
}

int run_diff_judge(const struct run_diff *d, struct error *err)
{
    const struct diff_row *worst = NULL;
    bool latency = false;
    for (size_t i = 0; i < d->count; i++) {
        const struct diff_row *row = &d->rows[i];
        latency = latency || row->latency;
        if (!row->regression)
            continue;
        bool share = row->comparison.what == COMPARE_SHARE;
        /* Shares come first: what failed has no latency. */
        if (!worst || (!share && worst->comparison.what != COMPARE_SHARE &&
                       fabs(row->comparison.change) > fabs(worst->comparison.change)))
            worst = row;
    }
    if (worst)
        return tell_regression(d, worst, err);
    return latency ? 0 : error_set(err, ERR_WORK, "the runs have no latency in common");
}
