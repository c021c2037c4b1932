/* A run as a report knows it: its records read once, its summary, its bill.
 *
 *     struct report_subject s = {0};
 *     struct report_reading how = {&o->plans, &o->slos, &o->tokens_as, NULL};
 *     if (report_subject_read(&s, terminal, "results/x", &how, err) == 0)
 *         show(&s.summary);
 *     report_subject_free(&s);                        // after errors, too
 */
#ifndef FAREBOX_CLI_COMMANDS_REPORT_REPORT_SUBJECT_H
#define FAREBOX_CLI_COMMANDS_REPORT_REPORT_SUBJECT_H

#include "cli/report/export/export.h"
#include "cli/report/page/html.h"
#include "cli/run_bill.h"
#include "core/runs/record/run_json.h"

/* What of the command's options decides the reading. */
struct report_reading {
    const struct option_list *plans, *slos, *tokens_as;
    struct export *exporter; /* takes the records too; NULL */
    uint64_t volume;         /* requests of the month that is billed; 0: the run is */
};

struct report_subject {
    const char *path, *name; /* borrowed; the name: of the directory */
    struct run_json run;     /* what it says of itself */
    struct collector *collector;
    struct summary summary;
    bool recomputed;     /* from the records, not from the run's own summary.json */
    char *model, *plots; /* NULL where the run does not say */
    char started[24];    /* "2026-11-30 18:04 UTC"; "" */
    bool torn, is_billed;
    struct run_bill bill;
    struct export *exporter;       /* with --export; lent */
    size_t slots[FAILURE_CLASSES]; /* by class: its place in `errors` + 1 */
    struct html_error errors[FAILURE_CLASSES];
    char *messages[FAILURE_CLASSES];
    size_t error_count;
};

/* Of a run directory; ERR_INPUT where it is none, ERR_SYSTEM where a file of it cannot be read.
 * Warns of what is missing. */
int report_subject_read(struct report_subject *s, const struct terminal *t, const char *path,
                        const struct report_reading *how, struct error *err);
void report_subject_free(struct report_subject *s);

#endif
