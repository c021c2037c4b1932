/* Records on their way from the workers to the observer's thread.
 *
 *     struct outbox box;
 *     outbox_init(&box);
 *     outbox_put(&box, first, last, count);           // a worker, a chain at a time
 *     struct finished *f = outbox_take(&box);         // the observer's thread, every few ms
 *     outbox_free(&box);
 *
 * A finished record owns its texts and chunk times; finished_free releases them.
 */
#ifndef FAREBOX_BENCH_CLIENT_OUTBOX_H
#define FAREBOX_BENCH_CLIENT_OUTBOX_H

#include "bench/answer/attempt.h"
#include "workloads/load/due_record.h"

#include <pthread.h>

struct finished {
    struct finished *next;
    struct record record; /* its texts point into this struct, or to what outlives the run */
    char id[DUE_ID_SIZE], finish_reason[24];
    char *message, *content_type, *text, *raw_usage;
    int64_t *chunk_ns;
    struct usage_extra unit; /* what record.usage.extras points to */
};

void finished_free(struct finished *f);

struct outbox {
    pthread_mutex_t lock;
    struct finished *first, *last;
    uint64_t waiting, peak;
};

void outbox_init(struct outbox *b);
void outbox_free(struct outbox *b);

/* Adds a chain of `count` records. */
void outbox_put(struct outbox *b, struct finished *first, struct finished *last, uint64_t count);

/* Takes all that is there, as a chain; NULL if there is nothing. Never waits: waking a thread for
 * each record would cost the workers more than the record. */
struct finished *outbox_take(struct outbox *b);

#endif
