/* What stops a run before all is sent, and what the rules on that look at. Those who watch a run
 * raise a request; its workers read it. */
#ifndef FAREBOX_BENCH_CLIENT_STOP_REQUEST_H
#define FAREBOX_BENCH_CLIENT_STOP_REQUEST_H

#include "core/runs/summary/stop_when.h"

#include <stdatomic.h>

enum stop_request {
    STOP_NONE,
    STOP_UNREACHABLE, /* nothing more is sent; what is in flight may end */
    STOP_BUDGET,
    STOP_SATURATED, /* a condition of the config's stop rules holds */
    STOP_INTERRUPTED,
    STOP_NOW, /* what is in flight is cancelled */
};

/* Flights as stop rules see them; zero is empty, free(items) at the end. */
struct stop_flights {
    struct stop_flight *items;
    size_t count, capacity;
};

/* Raises a stop request; a lower one is ignored. */
void stop_raise(atomic_int *stop, enum stop_request request);

#endif
