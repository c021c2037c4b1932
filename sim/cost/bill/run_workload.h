/* A finished run as a workload to be billed: one row per request, its earlier attempts beside it.
 *
 *     struct workload w;
 *     struct earlier_attempts earlier;
 *     struct run_workload_report report;
 *     workload_init(&w);
 *     if (run_workload_read("results/x", &w, &earlier, &report, err) < 0) ...
 *     options.earlier = &earlier;                      // of struct bill_options
 *     earlier_attempts_free(&earlier);
 *
 * A row is the final attempt that was sent: its usage, its fate, sent when it was sent. Requests
 * that were never sent cost nothing and are counted in the report only. The caller owns all.
 */
#ifndef FAREBOX_SIM_COST_BILL_RUN_WORKLOAD_H
#define FAREBOX_SIM_COST_BILL_RUN_WORKLOAD_H

#include "core/error.h"
#include "core/runs/record/record.h"
#include "core/runs/summary/slo.h"
#include "workloads/model/workload.h"

/* One attempt before a request's last. */
struct earlier_attempt {
    struct usage usage; /* without extras */
    uint32_t asked_output;
    enum record_status status;
    int http_status;
    int64_t sent_ns;
};

/* Earlier attempts of row i: items[start[i]] .. items[start[i + 1]]. */
struct earlier_attempts {
    uint64_t *start;
    struct earlier_attempt *items;
    int16_t *http_status;   /* of every row's final attempt; 0 = none */
    uint32_t *asked_output; /* of every row's final attempt */
    bool *slo_missed;       /* by row; NULL where no objectives were given */
};

struct run_workload_report {
    uint64_t records, unsent, estimated; /* estimated: usage counted by us, not by the server */
    uint64_t without_usage;              /* sent, and nobody knows what was used */
    bool torn;                           /* the last line was cut */
};

/* ERR_INPUT with file, line and column for what is no run or a broken one. */
int run_workload_read(const char *directory, struct workload *w, struct earlier_attempts *earlier,
                      struct run_workload_report *report, struct error *err);

/* The same, and which requests missed one of the objectives. */
int run_workload_read_slo(const char *directory, const struct slo_list *slos, struct workload *w,
                          struct earlier_attempts *earlier, struct run_workload_report *report,
                          struct error *err);
void earlier_attempts_free(struct earlier_attempts *earlier);

#endif
