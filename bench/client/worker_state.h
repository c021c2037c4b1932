/* The inside of a worker, shared by its three files: worker.c (loop and life), worker_flight.c
 * (sending, time limits, ends), worker_record.c (records).
 */
#ifndef FAREBOX_BENCH_CLIENT_WORKER_STATE_H
#define FAREBOX_BENCH_CLIENT_WORKER_STATE_H

#include "bench/client/flight.h"
#include "bench/client/worker.h"
#include "core/heap.h"
#include "core/random.h"

#include <event2/event.h>
#include <pthread.h>

/* The body of the request that is to be sent next, built while nothing was due. */
struct prepared_body {
    struct due due; /* whose it is */
    struct prompt_made made;
    struct buffer body; /* empty: none is prepared */
};

struct worker {
    const struct worker_setup *setup;
    const struct bench_config *config;
    struct schedule_config schedule_config;
    struct schedule *schedule;
    struct event_base *base;
    struct event *tick;
    int timer_fd;
    int64_t armed_ns; /* when the timer fires; TIME_NEVER */
    struct client *client;
    struct flights flights;
    struct heap timeouts, retries; /* tickets of flights, absolute times */
    struct random retry_random;
    struct prepared_body prepared;
    struct threads *threads; /* NULL: sessions do not carry their answers */
    int64_t next_due_ns;     /* absolute: when the schedule has something */
    bool closed, done;
    int64_t drain_until_ns;
    uint32_t refused; /* connections that failed */
    struct finished *out_first, *out_last;
    uint64_t out_count;
    struct audit audit;
    int64_t next_tell_ns; /* when the flights are told again */
    pthread_mutex_t telling;
    struct stop_flights told; /* under `telling` */
    atomic_uint in_flight;
    atomic_uint_fast64_t sent;
    atomic_bool finished;
};

/* Between absolute times and those of records and the schedule. */
static inline int64_t since_start(const struct worker *w, int64_t ns)
{
    return ns == TIME_NEVER ? TIME_NEVER : ns - w->setup->start_ns;
}

static inline int64_t absolute(const struct worker *w, int64_t ns)
{
    return ns == TIME_NEVER ? TIME_NEVER : ns + w->setup->start_ns;
}

/* ---- worker_record.c ---- */

/* A request's id as the header X-Request-Id has it: ".2" behind it for a second attempt; one that
 * is long for a header is cut, and told apart by its hash. */
void worker_header_id(const char *id, uint32_t attempt, char out[CLIENT_ID_SIZE]);

/* By share; requests of a session stay together. */
const struct endpoint *worker_choose_endpoint(const struct worker *w, const struct due *due);

/* Makes the record of a flight whose transfer has ended. */
struct finished *worker_record_attempt(struct worker *w, struct flight *flight);

/* Puts a record into the chain that goes to the observer at the next flush. */
void worker_put_out(struct worker *w, struct finished *f, bool final);
void worker_put_unsent(struct worker *w, const struct due *due, enum unsent_reason why);
void worker_flush_out(struct worker *w);

/* ---- worker_flight.c ---- */

/* Builds the body of the request that is to be sent next, so that its sending need not wait for it.
 */
void worker_prepare_next(struct worker *w);

/* Sends what is due, retries included; requests that will never be sent get their record. */
void worker_send_due(struct worker *w);

/* Tells what is in flight, where stop rules look at it. */
void worker_tell_flights(struct worker *w, int64_t now_ns);

/* The client's on_end and on_whole. */
void worker_on_end(void *worker, struct transfer *t);
void worker_on_whole(void *worker, struct transfer *t);

/* Ends the flights that are beyond a time limit. */
void worker_check_limits(struct worker *w, int64_t now_ns);

/* Retries that still wait will not be made: their last attempt becomes the final one. */
void worker_give_up_retries(struct worker *w);
void worker_cancel_all(struct worker *w);

#endif
