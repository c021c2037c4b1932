/* A flight: one request from its first sending to its last end, retries included; and the numbers
 * by which timers name flights.
 */
#ifndef FAREBOX_BENCH_CLIENT_FLIGHT_H
#define FAREBOX_BENCH_CLIENT_FLIGHT_H

#include "bench/client/client.h"
#include "bench/client/outbox.h"
#include "bench/prompt/prompt.h"
#include "workloads/load/schedule.h"

struct flight {
    struct due due; /* times from the run's start */
    uint32_t attempt;
    const struct endpoint *endpoint;
    struct attempt_config answer;
    struct prompt_made made;   /* of the attempt's body */
    struct reply reply;        /* of the attempt, where it belongs to a thread */
    struct transfer *transfer; /* NULL while a retry waits */
    struct finished *held;     /* the last attempt's record while a retry waits */
    int64_t ready_ns;          /* of this attempt, from the run's start */
    uint32_t place, generation;
    bool used;
};

/* All flights of a worker. Pointers stay valid until flights_free. */
struct flights {
    struct flight **all;
    size_t count, capacity;
    uint32_t *free;
    size_t free_count, free_capacity;
    uint32_t used;
};

struct flight *flights_get(struct flights *f);
void flights_release(struct flights *f, struct flight *flight);
void flights_free(struct flights *f);

/* A number for a timer, and back: NULL if the flight has ended since. */
uint64_t flight_ticket(const struct flight *flight);
struct flight *flights_find(const struct flights *f, uint64_t ticket);

#endif
