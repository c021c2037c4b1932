/* The farm of rank 0: hands the tasks of a command (core/farm/tasks.h) to all ranks, itself too.
 *
 *     struct mpi_farm *f = mpi_farm_create(lead);         // once all ranks are there
 *     program_run(argc, argv, &(struct program_others){.farm = mpi_farm(f), ...});
 *     mpi_farm_free(f);
 *
 * Whoever is idle gets the next task. A rank that says nothing for 5 s is named and gets no more,
 * one that says nothing for 15 s is given up: the others do what it had, and what it sends later is
 * not taken. The files of a task come in pieces, and are written where rank 0 wants them.
 */
#ifndef FAREBOX_CLI_MPI_FARM_H
#define FAREBOX_CLI_MPI_FARM_H

#include "cli/mpi/lead.h"
#include "core/farm/tasks.h"

struct mpi_farm;

struct mpi_farm *mpi_farm_create(struct lead *lead);
void mpi_farm_free(struct mpi_farm *f);
const struct farm *mpi_farm(const struct mpi_farm *f);

#endif
