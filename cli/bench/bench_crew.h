/* The crew: other processes that carry out a bench together with this one, which leads.
 *
 *     if (t->crew) config.shards = t->crew->ranks;
 *     crew->begin(crew->context, &run);                  // what was read and learnt goes to them
 *     config.company = crew->company;
 *     bench_run(...);
 *     status = crew->end(crew->context, &report, err);   // what came of their parts
 *     ... write the run ...
 *     crew->close(crew->context);
 *
 * There is one in farebox-mpi (cli/mpi); the program without MPI has none.
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_CREW_H
#define FAREBOX_CLI_BENCH_BENCH_CREW_H

#include "bench/client/company.h"
#include "cli/bench/bench_options.h"
#include "cli/terminal.h"
#include "sim/cost/book/budget.h"

/* A run that all carry out. */
struct bench_crew_run {
    const struct terminal *terminal;
    const struct bench_setup *setup;
    const struct workload *workload;
    const struct fidelity_probe *probes; /* one for each endpoint */
    const char *directory;               /* of the run, which is there already */
    const char *described;               /* the workload as run.json has it */
    struct budget *budget;
};

struct bench_crew {
    void *context;
    uint32_t ranks; /* with this one */
    bool one_host;  /* all of them are on one machine */
    const struct bench_company *company;
    void (*begin)(void *context, const struct bench_crew_run *run);
    /* Behind bench_run: makes the report one of all. NULL: that failed. An error where the run
     * could not begin. */
    int (*end)(void *context, struct bench_report *report, struct error *err);
    void (*close)(void *context);
};

/* ERR_WORK where a rank was lost, and with it a part of the load that nobody knows the end of. */
int bench_crew_judge(const struct fidelity *f, const char *path, struct error *err);

#endif
