/* Endpoints of bench's own, for --url mock:PRESET. */
#ifndef FAREBOX_CLI_BENCH_BENCH_MOCKS_H
#define FAREBOX_CLI_BENCH_BENCH_MOCKS_H

#include "cli/bench/bench_crew.h"
#include "cli/bench/bench_options.h"
#include "sim/mock/mock.h"

/* Starts a mock for each endpoint that wants one, and puts its URL in place. Gives them by
 * endpoint, NULL = a real one; *status is 0 or an error. Those that began are given then, too. */
struct mock **bench_mocks_start(const struct bench_options *o, struct bench_setup *s,
                                const struct bench_crew *crew, int *status, struct error *err);
void bench_mocks_free(struct mock **mocks, size_t count);

#endif
