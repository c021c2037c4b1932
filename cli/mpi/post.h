/* The post between the ranks of an MPI job: letters that are sent and looked for, never waited for.
 *
 *     struct post *p = post_open();                    // MPI_Init, in a thread of the post's own
 *     post_send(p, 0, LETTER_ROWS, &block);            // takes the bytes over
 *     while (post_next(p, &letter)) {                  // all that has come by now
 *         ...
 *         letter_free(&letter);
 *     }
 *     post_close(p);
 *
 * Only that thread speaks to MPI, and it polls: whoever sends or looks takes a lock for an instant.
 * MPI can block inside of a call all the same (Open MPI does when a peer has died and mpirun is
 * busy with killing): then letters stay, and the run goes on.
 *
 * Letters of one sender come in the order in which they were sent.
 */
#ifndef FAREBOX_CLI_MPI_POST_H
#define FAREBOX_CLI_MPI_POST_H

#include "bench/many/clock_offset.h"
#include "core/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum letter_kind {
    LETTER_HELLO, /* to rank 0: who and where it is */
    LETTER_TURN,  /* from rank 0: an assignment is broadcast; its size */
    LETTER_READY, /* its part can begin, or why not */
    LETTER_PING,  /* of post_measure(): answered by the post itself */
    LETTER_PONG,
    LETTER_START, /* when, by the receiver's clock, and what it may spend */
    LETTER_ROWS,  /* records */
    LETTER_BEAT,  /* how far it is; rank 0 answers it */
    LETTER_WANT,  /* more to spend, please */
    LETTER_GRANT,
    LETTER_DONE,   /* its part is over: what came of it */
    LETTER_FINISH, /* from rank 0: the run is over */
    LETTER_WROTE,  /* its part is written */
    LETTER_LEAVE,  /* from rank 0: there is no further run */
    /* of tasks, see farm.h */
    LETTER_CONTEXT, /* from rank 0: their context is broadcast; its size, and their kind's name */
    LETTER_TASK,    /* from rank 0: its number, and the question */
    LETTER_FILE,    /* a piece of a file of a task's */
    LETTER_ANSWER,  /* behind its files */
    LETTER_RELEASE, /* from rank 0: no more tasks of this kind */
};

struct letter {
    int from;
    enum letter_kind kind;
    struct buffer body;
};

struct post;

struct post *post_open(void);

/* Leaves MPI together with all others. Where some of them are gone, nobody may be waited for: the
 * process ends without it. */
void post_close(struct post *p);

int post_rank(const struct post *p);
int post_ranks(const struct post *p);

/* The bytes are the post's from here on; NULL = none. */
void post_send(struct post *p, int to, enum letter_kind kind, struct buffer *body);

/* The same of bytes that are copied. */
void post_send_bytes(struct post *p, int to, enum letter_kind kind, const void *bytes, size_t size);

/* Whether a letter has come; it is the caller's then. */
bool post_next(struct post *p, struct letter *out);
void letter_free(struct letter *l);

/* True once all that was sent is on its way; waits for so long at most. */
bool post_flush(struct post *p, int64_t limit_ns);

/* From rank 0 to all, all of them at once: false where it took longer than that. The bytes come
 * into `body`, which has the size that rank 0's letter told. */
bool post_broadcast(struct post *p, struct buffer *body, uint64_t size, int64_t limit_ns);

/* How far another rank's clock is: exchanges, as many as make the error small. None where it does
 * not answer. */
void post_measure(struct post *p, int rank, struct clock_offset *out);

/* Between two looks. */
void post_pause(int64_t ns);

#endif
