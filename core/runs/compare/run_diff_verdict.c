/* What of a comparison of two runs is a finding, and what must be said about it. */
#include "core/runs/compare/run_diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void run_diff_note(struct run_diff *d, const char *format, ...)
{
    va_list arguments;
    if (d->note_count == DIFF_NOTES)
        return;
    va_start(arguments, format);
    vsnprintf(d->notes[d->note_count++], DIFF_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

struct diff_row *run_diff_find(struct run_diff *d, const char *key, double what)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->rows[i].key, key) == 0 && d->rows[i].comparison.what == what)
            return &d->rows[i];
    return NULL;
}

/* How much a row may differ and still be called unchanged. */
static double tolerated(const struct run_diff *d, const struct diff_row *row)
{
    const struct comparison *c = &row->comparison;
    for (size_t i = 0; i < d->judged_count; i++)
        if (strcmp(d->judged[i].figure.key, row->key) == 0 && d->judged[i].figure.what == c->what &&
            !d->judged[i].figure.absolute)
            return d->judged[i].figure.allowed;
    return (c->what == COMPARE_SHARE ? d->share_tolerance : d->tolerance) / 100;
}

enum diff_outcome run_diff_outcome(const struct run_diff *d, const struct diff_row *row)
{
    const struct comparison *c = &row->comparison;
    double most = tolerated(d, row);
    if (row->finding)
        return c->change > 0 ? DIFF_HIGHER : DIFF_LOWER;
    if (!c->supported)
        return DIFF_NOT_COMPARED;
    if (c->low > 0)
        return DIFF_PERHAPS_HIGHER;
    if (c->high < 0)
        return DIFF_PERHAPS_LOWER;
    return c->low >= -most && c->high <= most ? DIFF_NO_DIFFERENCE : DIFF_NONE_FOUND;
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
        row->finding = all[i].p_adjusted < 0.05; /* NaN: could not be tested */
    }
    const struct diff_row *offered = run_diff_find(d, "offered_rps", COMPARE_RATE);
    const struct diff_row *output = run_diff_find(d, "output_tokens", COMPARE_MEAN);
    const struct diff_row *failed = run_diff_find(d, "failed_fraction", COMPARE_SHARE);
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
    for (size_t i = 0; other_load && i < d->count; i++)
        if (d->rows[i].comparison.what == COMPARE_RATE)
            d->rows[i].better = DIFF_NEITHER;
}
