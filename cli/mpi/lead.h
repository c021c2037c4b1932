/* Rank 0: hands out the parts of a run, agrees on the start, takes what comes of them.
 *
 *     struct lead *l = lead_create(post);
 *     if (lead_gather(l, err) < 0) ...                  // all ranks are there, of one version
 *     status = program_run(argc, argv, &(struct program_others){.crew = lead_crew(l)});
 *     lead_leave(l);                                    // the others may go
 *     lead_free(l);
 */
#ifndef FAREBOX_CLI_MPI_LEAD_H
#define FAREBOX_CLI_MPI_LEAD_H

#include "cli/bench/bench_crew.h"
#include "cli/mpi/post.h"

struct lead;

struct lead *lead_create(struct post *post);
void lead_free(struct lead *l);

/* Waits for every rank's greeting, a minute at most. ERR_WORK for one that does not come, or is of
 * another build. */
int lead_gather(struct lead *l, struct error *err);

const struct bench_crew *lead_crew(const struct lead *l);

/* Sends all away. True where all can leave MPI together; false where some are lost. */
bool lead_leave(struct lead *l);

#endif
