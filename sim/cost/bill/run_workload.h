/* A finished run as a workload to be billed: one row per request, its earlier attempts beside it.
 *
 *     struct run_workload run;
 *     if (run_workload_read(&run, "results/x", NULL, err) == 0)
 *         bill_make(&bill, &run.workload, plans, count, &options, err);
 *     run_workload_free(&run);                         // also after an error
 *
 * A row is the final attempt that was sent: its usage, its fate, sent when it was sent. Requests
 * that were never sent cost nothing and are counted in the report only. Whoever has the records in
 * hand gives them one by one:
 *
 *     run_workload_begin(&run, NULL, NULL);
 *     run_workload_add(&run, &record, err);
 *     run_workload_end(&run, "results/x", err);
 */
#ifndef FAREBOX_SIM_COST_BILL_RUN_WORKLOAD_H
#define FAREBOX_SIM_COST_BILL_RUN_WORKLOAD_H

#include "core/error.h"
#include "core/runs/record/record.h"
#include "core/runs/summary/slo.h"
#include "workloads/model/attempts.h"
#include "workloads/model/workload.h"

struct run_workload_report {
    uint64_t records, unsent, estimated; /* estimated: usage counted by us, not by the server */
    uint64_t without_usage;              /* sent, and nobody knows what was used */
    bool torn;                           /* the last line was cut */
};

struct run_workload {
    struct workload workload; /* with its earlier attempts */
    struct run_workload_report report;
    struct run_reading *reading; /* while records come */
};

/* With objectives it is told which requests missed one. ERR_INPUT with file, line and column for
 * what is no run or a broken one. */
int run_workload_read(struct run_workload *out, const char *run, const struct slo_list *slos,
                      struct error *err);

struct collector;

/* `slos` may be NULL. `collector`, where there is one, has each record before it is added here;
 * else one is kept for the objectives. */
void run_workload_begin(struct run_workload *out, const struct slo_list *slos,
                        struct collector *collector);
int run_workload_add(struct run_workload *out, const struct record *r, struct error *err);

/* Takes the wall clock of the start from the run's run.json, and its name. */
int run_workload_end(struct run_workload *out, const char *run, struct error *err);
void run_workload_free(struct run_workload *run);

#endif
