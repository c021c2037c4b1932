/* The inside of rank 0's part, shared by lead.c (the crew's ends), lead_start.c (assignments,
 * clocks, the start) and lead_poll.c (the run). */
#ifndef FAREBOX_CLI_MPI_LEAD_STATE_H
#define FAREBOX_CLI_MPI_LEAD_STATE_H

#include "bench/many/clock_offset.h"
#include "bench/many/record_pack.h"
#include "bench/many/roster.h"
#include "cli/mpi/grace.h"
#include "cli/mpi/lead.h"
#include "cli/mpi/part.h"
#include "cli/mpi/words.h"

/* What is known of a rank. */
struct crew_rank {
    char host[RANK_HOST_SIZE];
    bool greeted, ready, ended, wrote;
    struct clock_offset before, after;
    int64_t heard_ns; /* last, since the start; of one that was lost */
    uint64_t sent;
    uint32_t in_flight;
    struct stop_flight *flights;
    size_t flight_count;
    struct done done;
};

struct lead {
    struct post *post;
    uint32_t ranks;
    struct crew_rank *of; /* by rank; of[0] is this one */
    struct roster roster;
    struct bench_company company;
    struct bench_crew crew;
    struct record_room room;
    struct grace grace;

    /* of a run */
    struct terminal terminal;
    struct budget *budget;
    money *most_by_row, dearest;  /* NULL, 0: no budget */
    struct assignment assignment; /* its texts are the lead's own */
    char *directory, *described;
    struct part part;
    struct fidelity own; /* of rank 0 */
    uint64_t own_not_due;
    int64_t start_ns, next_tick_ns;
    bool begun, off;      /* assigned; the run could not begin */
    struct error failure; /* why */
};

/* ---- lead_start.c ---- */

void lead_begin(void *lead, const struct bench_crew_run *run);
int64_t lead_start(void *lead);
/* The next slice of the budget for a rank; 0 where none is left, or there is no budget. */
money lead_slice(struct lead *l);
void lead_measure_clocks(struct lead *l, bool after);

/* ---- lead_poll.c ---- */

void lead_poll(void *lead, struct company_meeting *m);

/* Says which ranks are silent or back, up to one that is given up: true, with it. */
bool lead_next_lost(struct lead *l, const struct terminal *t, int64_t now_ns, uint32_t *rank);
void lead_add_flights(void *lead, struct stop_flights *out);
void lead_own(void *lead, const struct record *r);

/* Sends the same to every rank that is not lost. */
void lead_tell_all(struct lead *l, enum letter_kind kind, const void *value, size_t size);

/* "rank 3 (node-b)", into a buffer of the caller's. */
const char *lead_name(const struct lead *l, uint32_t rank, char out[RANK_HOST_SIZE + 32]);

#endif
