/* The inside of the post, shared by post.c (what others call) and post_thread.c (what speaks to
 * MPI).
 */
#ifndef FAREBOX_CLI_MPI_POST_STATE_H
#define FAREBOX_CLI_MPI_POST_STATE_H

#include "cli/mpi/post.h"

#include <pthread.h>

struct letters {
    struct letter *items;
    size_t count, capacity, taken; /* taken: from the front, already */
};

/* What the thread is asked to do at once, one at a time. */
struct post_job {
    struct buffer *broadcast; /* or NULL */
    uint64_t size;
    int64_t limit_ns;
    int rank; /* to measure */
    struct clock_offset offset;
    bool failed, done;
};

struct post {
    pthread_t thread;
    int rank, ranks; /* set before post_open() returns */

    pthread_mutex_t lock; /* of all that follows, up to its end */
    pthread_cond_t changed;
    bool open, closing;
    struct letters inbox, outbox; /* an outgoing letter's `from` is whom it goes to */
    size_t under_way;             /* letters that MPI has not yet done with */
    struct post_job *job;
};

/* The thread's main function. */
void *post_thread(void *post);

void letters_add(struct letters *l, struct letter letter);
bool letters_take(struct letters *l, struct letter *out);

#endif
