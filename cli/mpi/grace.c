#include "cli/mpi/grace.h"

#include "core/clock.h"
#include "core/stop.h"

#include <stdlib.h>

#define DEFAULT_NS NS_PER_S
#define WORTH_NS (4 * NS_PER_S) /* of a grace in which answers may still come */

void grace_init(struct grace *g)
{
    const char *set = getenv("OMPI_MCA_odls_base_sigkill_timeout");
    bool by_mpirun = getenv("OMPI_MCA_orte_hnp_uri") || getenv("OMPI_MCA_orte_local_daemon_uri");
    *g = (struct grace){.length_ns = by_mpirun ? DEFAULT_NS : TIME_NEVER,
                        .terminated_ns = TIME_NEVER};
    if (by_mpirun && set && atoll(set) > 0)
        g->length_ns = atoll(set) * NS_PER_S;
}

bool grace_has_begun(const struct grace *g)
{
    return g->terminated_ns != TIME_NEVER && g->length_ns != TIME_NEVER;
}

enum stop_request grace_stop(struct grace *g, enum stop_request stop, int64_t now_ns)
{
    if (g->terminated_ns == TIME_NEVER && stop_terminated())
        g->terminated_ns = now_ns;
    if (!grace_has_begun(g))
        return stop;
    bool drains = g->length_ns >= WORTH_NS && now_ns - g->terminated_ns < g->length_ns / 2;
    enum stop_request ours = drains ? STOP_INTERRUPTED : STOP_NOW;
    return stop > ours ? stop : ours;
}

bool grace_is_over(const struct grace *g, int64_t now_ns)
{
    return grace_has_begun(g) && now_ns - g->terminated_ns > g->length_ns * 6 / 10;
}

bool grace_is_late(const struct grace *g, int64_t now_ns)
{
    return grace_has_begun(g) && now_ns - g->terminated_ns > g->length_ns * 7 / 10;
}
