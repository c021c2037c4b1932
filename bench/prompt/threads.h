/* What the sessions of a worker have said so far, with --thread-replies.
 *
 *     struct threads *all = threads_create(&workload);
 *     struct thread *t = threads_find(all, row, repeat);     // NULL: a row of no session
 *     prompt_maker_build_turn(maker, &workload, &due, model, t, &made, &body);
 *     prompt_maker_add_turn(maker, &workload, &due, &made, &reply, tokens, t);
 *     threads_row_ended(all, row, repeat);                   // the last one drops its history
 *     threads_free(all);
 *
 * A history holds 16 MiB at most; a turn that does not fit is left out of it.
 */
#ifndef FAREBOX_BENCH_PROMPT_THREADS_H
#define FAREBOX_BENCH_PROMPT_THREADS_H

#include "core/buffer.h"
#include "workloads/model/workload.h"

#include <stdbool.h>

/* One session, in one pass over the workload. */
struct thread {
    struct thread *next; /* of another pass */
    uint32_t repeat, ended;
    struct buffer history; /* the API's own form, see add_turn of struct bench_api */
    double tokens;         /* of text, in a prompt with the history and nothing new */
    uint32_t turns;        /* in the history */
    uint32_t images;       /* of those turns */
};

struct threads;

/* Borrows the workload. */
struct threads *threads_create(const struct workload *w);
void threads_free(struct threads *t);

/* The thread that a row belongs to, made if there is none; NULL where the row has no session, or
 * its session no other row. It is valid until the session's last row has ended. */
struct thread *threads_find(struct threads *t, uint32_t row, uint32_t repeat);

/* A row has ended for good, or will never be sent. To be called once of each. */
void threads_row_ended(struct threads *t, uint32_t row, uint32_t repeat);

/* Whether two requests of the workload are of one session. */
bool threads_exist(const struct workload *w);

#endif
