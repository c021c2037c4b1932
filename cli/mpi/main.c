/* farebox-mpi: the same program on many machines at once. */
#include "cli/mpi/follow.h"
#include "cli/mpi/lead.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/stop.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static int run_as_leader(struct post *post, int argc, char **argv, bool *together)
{
    struct error err = {0};
    struct lead *l = lead_create(post);
    int status = 1;
    if (lead_gather(l, &err) == 0)
        status = program_run(argc, argv, post_ranks(post) > 1 ? lead_crew(l) : NULL);
    else
        fprintf(stderr, "farebox-mpi: %s\n", err.message);
    fflush(NULL);
    *together = lead_leave(l);
    lead_free(l);
    return status;
}

int main(int argc, char **argv)
{
    bool together = true;
    program_prepare();
    stop_take_signal(SIGUSR1); /* mpirun passes it on, and ends nothing: the way to drain a run */
    struct post *post = post_open();
    int status = post_rank(post) == 0 ? run_as_leader(post, argc, argv, &together)
                                      : follow_run(post, &together);
    if (!together) /* some are gone: whoever waited for them here would wait for ever */
        _exit(status ? status : 1);
    post_close(post);
    return status;
}
