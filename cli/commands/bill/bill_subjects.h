/* The workloads that farebox bill is given: traces, runs, and scenarios that are generated.
 *
 *     struct bill_subjects s;
 *     if (bill_subjects_read(&s, &request, t, err) == 0)
 *         bill_make(&s.items[0].bill, &s.items[0].run.workload, ...);
 *     bill_subjects_free(&s);                          // also after an error
 *
 * They stand in the order in which they were given, the scenarios last. Two of one name are told
 * apart: "chat", "chat (2)".
 */
#ifndef FAREBOX_CLI_COMMANDS_BILL_BILL_SUBJECTS_H
#define FAREBOX_CLI_COMMANDS_BILL_BILL_SUBJECTS_H

#include "cli/terminal.h"
#include "cli/trace_options.h"
#include "core/runs/summary/slo.h"
#include "sim/cost/bill/run_workload.h"
#include "sim/cost/ladder/ladder.h"
#include "sim/cost/what_if/what_if.h"

struct bill_subject {
    const char *path;        /* as given; NULL for a scenario */
    const char *scenario;    /* NULL: it was read */
    bool is_run;             /* a run's directory */
    struct run_workload run; /* of a trace the workload alone */
    struct bill bill;        /* made by who has read the subject; zeroed until then */
    struct what_if what_if;  /* the same */
    struct ladder ladder;    /* the same */
};

struct bill_subjects {
    struct bill_subject *items;
    size_t count;
};

struct bill_subjects_request {
    const char *const *paths;
    size_t path_count;
    const struct option_list *scenarios;
    const struct option_list *transforms; /* change each first; NULL: none */
    const struct trace_reading *reading;
    const struct slo_list *slos;
    uint64_t requests;   /* of each the first so many; 0 = all, */
    uint64_t generated;  /* but of a scenario so many; 0 = as it says */
    int64_t duration_ns; /* sessions of a scenario begin within this; 0 = as it says */
    uint64_t seed;
};

/* Warns of what readers skipped and what records do not say. ERR_INPUT as the readers, and for a
 * run that is to be changed: its attempts were made as they are. */
int bill_subjects_read(struct bill_subjects *out, const struct bill_subjects_request *request,
                       const struct terminal *t, struct error *err);
void bill_subjects_free(struct bill_subjects *s);

#endif
