/* farebox bench --selftest: what this machine can measure, before anyone trusts a number. */
#ifndef FAREBOX_CLI_BENCH_BENCH_SELFTEST_H
#define FAREBOX_CLI_BENCH_BENCH_SELFTEST_H

#include "cli/command.h"

/* Drives a null endpoint in a thread of this process for a few seconds and prints the limits of
 * clock, timer, requests, chunks and connections. */
int bench_selftest(const struct terminal *t, bool json, struct error *err);

#endif
