/* Pace: when things leave. One timerfd with absolute nanoseconds drives the engine and whatever
 * waits for it or for a time.
 *
 *     struct pace *p = pace_create(&config, err);
 *     pace_add(p, &x->paced, now_ns);
 *     pace_touch(p, &x->paced);             // something of it is due: write_due() comes
 *     pace_park(p, &x->paced, until_ns);    // nothing of it leaves before
 *     pace_advance(p, now_ns);              // the engine's time, then every write_due()
 *     pace_remove(p, &x->paced);
 *     pace_free(p);
 *
 * What is paced belongs to its owner and must be removed before it goes.
 */
#ifndef FAREBOX_SIM_MOCK_PACE_H
#define FAREBOX_SIM_MOCK_PACE_H

#include "core/clock.h"
#include "core/error.h"
#include "sim/engine/engine.h"

#include <event2/event.h>
#include <stdbool.h>

/* A part of what is paced; zero at first. Only pace changes it. */
struct paced {
    bool parked, touched;
    int64_t resume_ns; /* nothing leaves before */
    struct paced *previous, *next, *next_touched;
};

struct pace_config {
    struct event_base *base;
    struct engine *engine;
    struct engine_sink sink;
    int64_t hold_from_ns, hold_to_ns; /* see struct mock_config */
    void (*write_due)(struct paced *what, int64_t now_ns);
};

struct pace;

struct pace *pace_create(const struct pace_config *config, struct error *err);
void pace_free(struct pace *p);

/* From here to there; the hold window counts from the first that was ever added. */
void pace_add(struct pace *p, struct paced *what, int64_t now_ns);
void pace_remove(struct pace *p, struct paced *what);

/* Nanoseconds since the first was added; `now_ns` is of one that was. */
int64_t pace_since_first(const struct pace *p, int64_t now_ns);

/* Something of it is due, unless it is parked. */
void pace_touch(struct pace *p, struct paced *what);

/* Nothing of it leaves before `until_ns`. */
void pace_park(struct pace *p, struct paced *what, int64_t until_ns);

/* Until when everything is held at `now_ns`; 0 = nothing is. */
int64_t pace_held_until(const struct pace *p, int64_t now_ns);

/* Lets the engine pass to now, has what fell due written, and sets the timer for the next. */
void pace_advance(struct pace *p, int64_t now_ns);

#endif
