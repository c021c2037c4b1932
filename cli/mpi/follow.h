/* Every rank but 0: takes assignments until it is sent away.
 *
 *     status = follow_run(post, &together);
 */
#ifndef FAREBOX_CLI_MPI_FOLLOW_H
#define FAREBOX_CLI_MPI_FOLLOW_H

#include "cli/mpi/post.h"

#include <stdbool.h>

/* *together: false where the others are gone or being killed, so that MPI is not to be left with
 * them. */
int follow_run(struct post *post, bool *together);

#endif
