/* farebox-mpi: the same program on many machines at once. */
#include "cli/mpi/farm.h"
#include "cli/mpi/follow.h"
#include "cli/mpi/lead.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/stop.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const char about[] =
    "All ranks of an MPI job carry out bench, sim --sweep, plan capacity and plan forecast "
    "together "
    "(mpirun -n 8 farebox-mpi COMMAND ...); every other command is rank 0's alone. What they print "
    "and write is what farebox prints and writes. docs/scale.md tells more.";

/* Alone it is farebox, and no thread stands between. */
static int run_program(struct lead *l, struct post *post, int argc, char **argv)
{
    struct mpi_farm *farm = mpi_farm_create(l);
    struct program_others others = {.about = about};
    if (post_ranks(post) > 1) {
        others.crew = lead_crew(l);
        others.farm = mpi_farm(farm);
    }
    int status = program_run(argc, argv, &others);
    mpi_farm_free(farm);
    return status;
}

static int run_as_leader(struct post *post, int argc, char **argv, bool *together)
{
    struct error err = {0};
    struct lead *l = lead_create(post);
    int status = 1;
    if (lead_gather(l, &err) == 0)
        status = run_program(l, post, argc, argv);
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
