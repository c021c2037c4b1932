#include "bench/client/flight.h"

#include "core/memory.h"

#include <stdlib.h>

struct flight *flights_get(struct flights *f)
{
    struct flight *flight;
    if (f->free_count) {
        flight = f->all[f->free[--f->free_count]];
    } else {
        mem_grow(&f->all, &f->capacity, f->count + 1, sizeof *f->all);
        flight = mem_zero(1, sizeof *flight);
        flight->place = (uint32_t)f->count;
        f->all[f->count++] = flight;
    }
    flight->used = true;
    flight->attempt = 0;
    flight->transfer = NULL;
    flight->held = NULL;
    f->used++;
    return flight;
}

void flights_release(struct flights *f, struct flight *flight)
{
    flight->used = false;
    flight->generation++;
    mem_grow(&f->free, &f->free_capacity, f->free_count + 1, sizeof *f->free);
    f->free[f->free_count++] = flight->place;
    f->used--;
}

void flights_free(struct flights *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->all[i]->held)
            finished_free(f->all[i]->held);
        reply_free(&f->all[i]->reply);
        free(f->all[i]);
    }
    free(f->all);
    free(f->free);
    *f = (struct flights){0};
}

uint64_t flight_ticket(const struct flight *flight)
{
    return (uint64_t)flight->generation << 32 | flight->place;
}

struct flight *flights_find(const struct flights *f, uint64_t ticket)
{
    struct flight *flight = f->all[(uint32_t)ticket];
    return flight->used && flight->generation == (uint32_t)(ticket >> 32) ? flight : NULL;
}
