/* A rank's own part of a run: a run directory that `farebox merge` takes, whatever becomes of the
 * others. Rank 3 of 8 keeps DIR/rank-3 on its own machine, as --shard 4/8 would have made it. */
#ifndef FAREBOX_CLI_MPI_PART_H
#define FAREBOX_CLI_MPI_PART_H

#include "bench/many/assignment.h"
#include "cli/run_output.h"

struct part {
    struct run_output output;
    bool open;
    struct error failure; /* why it is not kept, or not whole: the run goes on without */
};

void part_begin(struct part *p, const struct assignment *a, uint32_t rank, uint32_t ranks);
void part_add(struct part *p, const struct record *r);
void part_tick(struct part *p);

/* Writes its summary; `fidelity` is copied, without what it points to. */
void part_finish(struct part *p, const struct assignment *a, const struct fidelity *fidelity,
                 uint64_t not_due);

#endif
