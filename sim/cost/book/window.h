/* One quota or rate limit in time: how much of it is used, and when there is room again.
 *
 *     struct quota_window w;
 *     window_init(&w, quota, start_unix_ns);
 *     int64_t at = window_room_ns(&w, now_ns, need);   // now_ns, later, or TIME_NEVER
 *     window_take(&w, at, need);
 *     window_free(&w);
 *
 * Times never go back from call to call. The window owns its list of past takings (rolling).
 */
#ifndef FAREBOX_SIM_COST_BOOK_WINDOW_H
#define FAREBOX_SIM_COST_BOOK_WINDOW_H

#include "sim/cost/book/plan.h"

struct window_taking {
    int64_t at_ns;
    money_magnitude amount;
};

struct quota_window {
    const struct plan_quota *quota;
    int64_t start_unix_ns;
    int64_t begin_ns, end_ns;      /* of the current window, where it is not a rolling one */
    uint64_t opened;               /* windows of a session that have begun */
    money_magnitude used, carried; /* in the current window; from the one before it */
    struct window_taking *takings; /* rolling: a ring */
    size_t first, count, capacity;
};

void window_init(struct quota_window *w, const struct plan_quota *quota, int64_t start_unix_ns);
void window_free(struct quota_window *w);

/* The earliest instant from `now_ns` on at which `need` fits, if nothing else is taken until
 * then; TIME_NEVER if it never can. A session's window that is over is open for anything. */
int64_t window_room_ns(struct quota_window *w, int64_t now_ns, money_magnitude need);

/* Uses up `need` at `at_ns`, where there is room. A session's window begins with it, whatever the
 * need. */
void window_take(struct quota_window *w, int64_t at_ns, money_magnitude need);

/* The quota for those who go by numbers of windows: rolling ones and those of sessions, whose place
 * depends on the requests, lie as if anchored. */
struct plan_quota window_on_grid(const struct plan_quota *quota);

/* The calendar or anchored window [begin, end) around an instant, relative to the start. */
void window_bounds(const struct plan_quota *quota, int64_t start_unix_ns, int64_t at_ns,
                   int64_t *begin_ns, int64_t *end_ns);

/* The number of the calendar or anchored window around an instant; the one around 0 is 0. */
int64_t window_number(const struct plan_quota *quota, int64_t start_unix_ns, int64_t at_ns);

#endif
