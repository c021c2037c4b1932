/* How long a rank has after a SIGTERM: mpirun ends a job by that signal, to all ranks at once (a
 * Ctrl-C, or the death of a rank), and by SIGKILL soon after.
 *
 *     struct grace g;
 *     grace_init(&g);
 *     m->stop = grace_stop(&g, m->stop, now_ns);       // each time round
 *     if (grace_is_over(&g, now_ns)) write_what_there_is();
 */
#ifndef FAREBOX_CLI_MPI_GRACE_H
#define FAREBOX_CLI_MPI_GRACE_H

#include "bench/client/stop_request.h"

#include <stdbool.h>
#include <stdint.h>

struct grace {
    int64_t length_ns;     /* between the two signals; TIME_NEVER where the launcher does not say */
    int64_t terminated_ns; /* when the first was seen; TIME_NEVER */
};

/* Open MPI's mpirun gives odls_base_sigkill_timeout, a second unless it is set. */
void grace_init(struct grace *g);

/* What stops the run now: what did before, or the signal. What is in flight goes on for half of the
 * grace, if that is worth it. */
enum stop_request grace_stop(struct grace *g, enum stop_request stop, int64_t now_ns);

/* True where nothing more may be waited for: the rest of the grace is for writing. */
bool grace_is_over(const struct grace *g, int64_t now_ns);

/* True where even what is being written must not be waited for. */
bool grace_is_late(const struct grace *g, int64_t now_ns);

bool grace_has_begun(const struct grace *g);

#endif
