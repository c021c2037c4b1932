/* A worker: one thread, one event loop, one client, its own part of the schedule.
 *
 *     struct worker *w = worker_create(&setup, number, err);
 *     pthread_create(&thread, NULL, worker_main, w);      // runs until its part is done
 *     pthread_join(thread, NULL);
 *     worker_result(w, &audit, &not_due);
 *     worker_free(w);
 *
 * Workers share what does not change (workload, prompts, endpoints), the outbox, and two atomics:
 * the stop request, which they read, and the count in flight, which others may read.
 */
#ifndef FAREBOX_BENCH_CLIENT_WORKER_H
#define FAREBOX_BENCH_CLIENT_WORKER_H

#include "bench/client/audit.h"
#include "bench/client/bench_config.h"
#include "bench/client/outbox.h"
#include "bench/client/stop_request.h"
#include "bench/prompt/prompt.h"

#include <stdatomic.h>

/* What all workers share. */
struct worker_setup {
    const struct bench_config *config;
    const struct workload *workload;
    struct prompt_maker *const *makers; /* one per endpoint */
    const double *turn_tokens;          /* by endpoint: what its template adds for a turn more */
    const struct endpoint *endpoints;
    struct outbox *outbox;
    int64_t start_ns;
    atomic_int *stop;                /* enum stop_request: only ever raised */
    atomic_uint_fast64_t *connected; /* attempts that reached the endpoint */
};

struct worker;

struct worker *worker_create(const struct worker_setup *setup, uint32_t number, struct error *err);
void worker_free(struct worker *w);

/* In a closed loop, before the clock starts and the thread: opens the connections that the first
 * requests will use. Takes two seconds at most. */
void worker_open(struct worker *w);

/* The thread's main function; gives NULL. */
void *worker_main(void *worker);

uint32_t worker_in_flight(const struct worker *w);
uint64_t worker_sent(const struct worker *w);
bool worker_done(const struct worker *w);

/* Appends what was in flight a quarter of a second ago at most; a worker that watches nothing (no
 * stop rules) tells nothing. From any thread. */
void worker_add_flights(struct worker *w, struct stop_flights *out);

/* After the join. */
void worker_result(struct worker *w, struct audit *merge_into, uint64_t *add_not_due);

#endif
