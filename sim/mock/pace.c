/* Pace: when things leave. One timerfd with absolute nanoseconds drives everything. */
#include "sim/mock/server.h"

#include <sys/timerfd.h>
#include <unistd.h>

/* At high rates, chunks that fall due within this time of each other leave together: it saves a
 * wake-up each and costs at most as much lateness. */
#define COALESCE_NS (100 * NS_PER_US)

static void set_timer(struct mock *m)
{
    int64_t next = engine_next_ns(m->engine);
    if (m->last_advance_told && next < m->last_advance_ns + COALESCE_NS)
        next = m->last_advance_ns + COALESCE_NS;
    if (m->park_until_ns < next)
        next = m->park_until_ns;
    struct itimerspec at = {0};
    if (next != TIME_NEVER) {
        at.it_value.tv_sec = next / NS_PER_S;
        at.it_value.tv_nsec = next % NS_PER_S;
        if (next <= 0)
            at.it_value.tv_nsec = 1; /* zero would disarm it */
    }
    timerfd_settime(m->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

int64_t pace_held_until(const struct mock *m, int64_t now_ns)
{
    if (m->first_read_ns == TIME_NEVER || m->config.hold_to_ns <= m->config.hold_from_ns)
        return 0;
    int64_t since = now_ns - m->first_read_ns;
    bool held = since >= m->config.hold_from_ns && since < m->config.hold_to_ns;
    return held ? m->first_read_ns + m->config.hold_to_ns : 0;
}

void pace_park(struct exchange *x, int64_t until_ns)
{
    x->resume_ns = until_ns;
    x->parked = true;
    if (until_ns < x->mock->park_until_ns)
        x->mock->park_until_ns = until_ns;
    set_timer(x->mock);
}

static void unpark(struct mock *m, int64_t now_ns)
{
    if (now_ns < m->park_until_ns)
        return;
    m->park_until_ns = TIME_NEVER;
    for (struct exchange *x = m->exchanges; x; x = x->next) {
        if (!x->parked)
            continue;
        if (x->resume_ns > now_ns) {
            if (x->resume_ns < m->park_until_ns)
                m->park_until_ns = x->resume_ns;
            continue;
        }
        x->parked = false;
        exchange_touch(x);
    }
}

void pace_advance(struct mock *m, int64_t now_ns)
{
    engine_advance(m->engine, now_ns, &m->sink);
    unpark(m, now_ns);
    m->last_advance_ns = now_ns;
    m->last_advance_told = m->touched != NULL;
    while (m->touched) {
        struct exchange *x = m->touched;
        m->touched = x->next_touched;
        if (!m->touched)
            m->touched_tail = &m->touched;
        x->touched = false;
        exchange_flush(x, now_ns);
    }
    set_timer(m);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    pace_advance(context, clock_now_ns()); /* setting the timer anew also clears its count */
}

int pace_open(struct mock *m, struct error *err)
{
    m->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (m->timer_fd < 0)
        return error_errno(err, "cannot make a timer");
    m->timer = event_new(m->base, m->timer_fd, EV_READ | EV_PERSIST, on_timer, m);
    if (!m->timer || event_add(m->timer, NULL) < 0)
        return error_set(err, ERR_SYSTEM, "cannot watch a timer");
    m->park_until_ns = TIME_NEVER;
    m->touched_tail = &m->touched;
    return 0;
}

void pace_close(struct mock *m)
{
    if (m->timer)
        event_free(m->timer);
    if (m->timer_fd >= 0)
        close(m->timer_fd);
}
