/* --wait-ready: shows what bench/ready does.
 *
 *     status = bench_wait_ready(terminal, &config, &workload, o->wait_ready_ns, err);
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_WAIT_H
#define FAREBOX_CLI_BENCH_BENCH_WAIT_H

#include "bench/ready/ready.h"
#include "cli/terminal.h"

/* What ready_run() returns. Says once of each endpoint that it is waited for, and why. */
int bench_wait_ready(const struct terminal *t, const struct bench_config *config,
                     const struct workload *w, int64_t limit_ns, struct error *err);

#endif
