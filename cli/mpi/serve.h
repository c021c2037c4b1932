/* What every rank but 0 does in a farm: the tasks of one kind, until it is released. */
#ifndef FAREBOX_CLI_MPI_SERVE_H
#define FAREBOX_CLI_MPI_SERVE_H

#include "cli/mpi/grace.h"
#include "cli/mpi/post.h"

/* `context` is the letter that tells of one. True where there is nothing more to do: rank 0 has
 * sent all away. */
bool serve_tasks(struct post *post, const struct letter *context, struct grace *grace);

#endif
