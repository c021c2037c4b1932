#include "sim/mock/pace.h"

#include "core/memory.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* At high rates, chunks that fall due within this time of each other leave together: it saves a
 * wake-up each and costs at most as much lateness. */
#define COALESCE_NS (100 * NS_PER_US)

struct pace {
    struct pace_config config;
    int timer_fd;
    struct event *timer;
    struct paced *all, *touched, **touched_tail;
    int64_t first_ns;      /* TIME_NEVER before the first was added */
    int64_t park_until_ns; /* the earliest resume_ns of the parked */
    int64_t last_advance_ns;
    bool last_advance_wrote;
};

static void set_timer(struct pace *p)
{
    int64_t next = engine_next_ns(p->config.engine);
    if (p->last_advance_wrote && next < p->last_advance_ns + COALESCE_NS)
        next = p->last_advance_ns + COALESCE_NS;
    if (p->park_until_ns < next)
        next = p->park_until_ns;
    struct itimerspec at = {0};
    if (next != TIME_NEVER) {
        at.it_value.tv_sec = next / NS_PER_S;
        at.it_value.tv_nsec = next % NS_PER_S;
        if (next <= 0)
            at.it_value.tv_nsec = 1; /* zero would disarm it */
    }
    timerfd_settime(p->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

void pace_add(struct pace *p, struct paced *what, int64_t now_ns)
{
    what->next = p->all;
    if (what->next)
        what->next->previous = what;
    p->all = what;
    if (p->first_ns == TIME_NEVER)
        p->first_ns = now_ns;
}

void pace_remove(struct pace *p, struct paced *what)
{
    if (what->previous)
        what->previous->next = what->next;
    else
        p->all = what->next;
    if (what->next)
        what->next->previous = what->previous;
}

int64_t pace_since_first(const struct pace *p, int64_t now_ns)
{
    return now_ns - p->first_ns;
}

int64_t pace_held_until(const struct pace *p, int64_t now_ns)
{
    const struct pace_config *c = &p->config;
    if (p->first_ns == TIME_NEVER || c->hold_to_ns <= c->hold_from_ns)
        return 0;
    int64_t since = now_ns - p->first_ns;
    bool held = since >= c->hold_from_ns && since < c->hold_to_ns;
    return held ? p->first_ns + c->hold_to_ns : 0;
}

void pace_touch(struct pace *p, struct paced *what)
{
    if (what->touched || what->parked)
        return;
    what->touched = true;
    what->next_touched = NULL;
    *p->touched_tail = what;
    p->touched_tail = &what->next_touched;
}

void pace_park(struct pace *p, struct paced *what, int64_t until_ns)
{
    what->resume_ns = until_ns;
    what->parked = true;
    if (until_ns < p->park_until_ns)
        p->park_until_ns = until_ns;
    set_timer(p);
}

static void unpark(struct pace *p, int64_t now_ns)
{
    if (now_ns < p->park_until_ns)
        return;
    p->park_until_ns = TIME_NEVER;
    for (struct paced *what = p->all; what; what = what->next) {
        if (!what->parked)
            continue;
        if (what->resume_ns > now_ns) {
            if (what->resume_ns < p->park_until_ns)
                p->park_until_ns = what->resume_ns;
            continue;
        }
        what->parked = false;
        pace_touch(p, what);
    }
}

void pace_advance(struct pace *p, int64_t now_ns)
{
    engine_advance(p->config.engine, now_ns, &p->config.sink);
    unpark(p, now_ns);
    p->last_advance_ns = now_ns;
    p->last_advance_wrote = p->touched != NULL;
    while (p->touched) {
        struct paced *what = p->touched;
        p->touched = what->next_touched;
        if (!p->touched)
            p->touched_tail = &p->touched;
        what->touched = false;
        p->config.write_due(what, now_ns);
    }
    set_timer(p);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    pace_advance(context, clock_now_ns()); /* setting the timer anew also clears its count */
}

struct pace *pace_create(const struct pace_config *config, struct error *err)
{
    struct pace *p = mem_zero(1, sizeof *p);
    p->config = *config;
    p->first_ns = p->park_until_ns = TIME_NEVER;
    p->touched_tail = &p->touched;
    p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (p->timer_fd < 0)
        error_errno(err, "cannot make a timer");
    else
        p->timer = event_new(config->base, p->timer_fd, EV_READ | EV_PERSIST, on_timer, p);
    if (p->timer && event_add(p->timer, NULL) == 0)
        return p;
    error_set(err, ERR_SYSTEM, "cannot watch a timer"); /* the first error stays */
    pace_free(p);
    return NULL;
}

void pace_free(struct pace *p)
{
    if (!p)
        return;
    if (p->timer)
        event_free(p->timer);
    if (p->timer_fd >= 0)
        close(p->timer_fd);
    free(p);
}
