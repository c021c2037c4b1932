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

static const struct diff_row *find_row(const struct run_diff *d, const char *key)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->rows[i].key, key) == 0)
            return &d->rows[i];
    return NULL;
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
    for (size_t i = 0; other_load && i < d->count; i++)
        if (d->rows[i].comparison.what == COMPARE_RATE)
            d->rows[i].better = DIFF_NEITHER;
}
