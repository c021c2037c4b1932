/* An assignment: all that a process needs to carry out its part of a run, as one message.
 *
 *     struct assignment a = {.config = config, .probes = probes, .workload = &workload, ...};
 *     assignment_pack(&a, &bytes);                     // where the options and files were read
 *
 *     struct assignment got;
 *     if (assignment_unpack(&bytes, &got) < 0) ...     // in the other process
 *     bench_run(&got.config, got.workload, ...);
 *     assignment_free(&got);
 *
 * Secrets are in it: it is kept in memory only, and wiped when it is freed.
 */
#ifndef FAREBOX_BENCH_MANY_ASSIGNMENT_H
#define FAREBOX_BENCH_MANY_ASSIGNMENT_H

#include "bench/client/bench_config.h"
#include "core/money.h"
#include "core/runs/summary/slo.h"

struct assignment {
    struct bench_config config;          /* its callbacks stay behind */
    const struct fidelity_probe *probes; /* one for each endpoint */
    const struct workload *workload;
    const char *directory; /* of the run: parts stand in it */
    const char *described; /* the workload as run.json has it: a JSON object as text */
    const char *load;      /* "trace", "open", "closed" */
    struct slo_list slos;
    unsigned detail;          /* of the part's records: enum record_detail */
    const money *most_by_row; /* what a request can cost; NULL = there is no budget */

    struct assignment_room *room; /* what an unpacked one lends from */
};

void assignment_pack(const struct assignment *a, struct buffer *out);

/* Takes the bytes over. 0, or -1 where they are no assignment. */
int assignment_unpack(struct buffer *bytes, struct assignment *out);

/* Of one that was unpacked. */
void assignment_free(struct assignment *a);

#endif
