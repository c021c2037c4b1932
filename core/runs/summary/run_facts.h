/* Inside core/runs: what only the run itself knew when it ended, read from its summary.json. */
#ifndef FAREBOX_CORE_RUNS_SUMMARY_RUN_FACTS_H
#define FAREBOX_CORE_RUNS_SUMMARY_RUN_FACTS_H

#include "core/runs/summary/slo.h"

struct run_facts {
    char load[16];   /* "trace", "open", "closed"; "" where it does not say */
    double warmup_s; /* that it left out of its window */
    struct slo_list slos;
};

/* A killed run has no summary.json, and then no facts. */
void run_facts_read(const char *run, struct run_facts *out);

#endif
