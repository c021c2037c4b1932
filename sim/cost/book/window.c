#include "sim/cost/book/window.h"

#include "core/memory.h"

#include <stdlib.h>

#define NS_PER_DAY (86400 * NS_PER_S)

static void month_bounds(int64_t unix_ns, int64_t *begin, int64_t *end)
{
    int64_t year;
    int month, day;
    clock_civil_from_days(clock_floor(unix_ns, NS_PER_DAY) / NS_PER_DAY, &year, &month, &day);
    *begin = clock_days_from_civil(year, month, 1) * NS_PER_DAY;
    *end = month == 12 ? clock_days_from_civil(year + 1, 1, 1)
                       : clock_days_from_civil(year, month + 1, 1);
    *end *= NS_PER_DAY;
}

void window_bounds(const struct plan_quota *quota, int64_t start_unix_ns, int64_t at_ns,
                   int64_t *begin_ns, int64_t *end_ns)
{
    int64_t length = plan_quota_length(quota);
    if (quota->alignment == WINDOW_ANCHORED) {
        *begin_ns = clock_floor(at_ns, length);
        *end_ns = *begin_ns + length;
        return;
    }
    int64_t unix_ns = start_unix_ns + at_ns;
    if (quota->length_ns == 0) {
        month_bounds(unix_ns, begin_ns, end_ns);
    } else {
        /* weeks begin on Monday; 1970-01-01 was a Thursday */
        int64_t shift = length % (7 * NS_PER_DAY) == 0 ? 3 * NS_PER_DAY : 0;
        *begin_ns = clock_floor(unix_ns + shift, length) - shift;
        *end_ns = *begin_ns + length;
    }
    *begin_ns -= start_unix_ns;
    *end_ns -= start_unix_ns;
}

int64_t window_number(const struct plan_quota *quota, int64_t start_unix_ns, int64_t at_ns)
{
    int64_t first, at, end;
    window_bounds(quota, start_unix_ns, 0, &first, &end);
    window_bounds(quota, start_unix_ns, at_ns, &at, &end);
    int64_t length = plan_quota_length(quota);
    return (at - first + length / 2) / length; /* months: the nearest whole number of 30 days */
}

void window_init(struct quota_window *w, const struct plan_quota *quota, int64_t start_unix_ns)
{
    *w = (struct quota_window){
        .quota = quota, .start_unix_ns = start_unix_ns, .begin_ns = INT64_MIN, .end_ns = INT64_MIN};
}

void window_free(struct quota_window *w)
{
    free(w->takings);
}

static struct window_taking *taking(struct quota_window *w, size_t i)
{
    return &w->takings[(w->first + i) % w->capacity];
}

static void expire(struct quota_window *w, int64_t now_ns, int64_t length)
{
    while (w->count > 0 && taking(w, 0)->at_ns <= now_ns - length) {
        w->used -= taking(w, 0)->amount;
        w->first = (w->first + 1) % w->capacity;
        w->count--;
    }
}

static int64_t rolling_room(struct quota_window *w, int64_t now_ns, money_magnitude need)
{
    int64_t length = plan_quota_length(w->quota);
    expire(w, now_ns, length);
    money_magnitude used = w->used;
    for (size_t i = 0; used + need > plan_quota_amount(w->quota); i++) {
        used -= taking(w, i)->amount;
        now_ns = taking(w, i)->at_ns + length;
    }
    return now_ns;
}

/* What the window leaves to the next one, where that follows at once; of a window in between that
 * nobody used, all of it. What was carried into a window is used first, and ends with it. */
static money_magnitude unused_of(const struct quota_window *w, int64_t next_begin_ns)
{
    money_magnitude amount = plan_quota_amount(w->quota);
    int64_t first, end;
    if (!w->quota->rolls_over)
        return 0;
    if (w->end_ns == INT64_MIN) { /* nothing yet since the start, which is at 0 */
        window_bounds(w->quota, w->start_unix_ns, 0, &first, &end);
        return next_begin_ns > first ? amount : 0;
    }
    if (next_begin_ns > w->end_ns || w->used <= w->carried)
        return amount;
    return w->used < amount + w->carried ? amount + w->carried - w->used : 0;
}

static void move_to(struct quota_window *w, int64_t now_ns)
{
    int64_t begin, end;
    if (now_ns < w->end_ns)
        return;
    window_bounds(w->quota, w->start_unix_ns, now_ns, &begin, &end);
    w->carried = unused_of(w, begin);
    w->begin_ns = begin;
    w->end_ns = end;
    w->used = 0;
}

static void open_session(struct quota_window *w, int64_t at_ns)
{
    if (at_ns < w->end_ns)
        return;
    w->begin_ns = at_ns;
    w->end_ns = at_ns + plan_quota_length(w->quota);
    w->used = 0;
    w->opened++;
}

int64_t window_room_ns(struct quota_window *w, int64_t now_ns, money_magnitude need)
{
    if (need > plan_quota_amount(w->quota))
        return TIME_NEVER;
    if (w->quota->alignment == WINDOW_ROLLING)
        return rolling_room(w, now_ns, need);
    if (w->quota->alignment != WINDOW_SESSION)
        move_to(w, now_ns);
    else if (now_ns >= w->end_ns)
        return now_ns;
    return w->used + need <= plan_quota_amount(w->quota) + w->carried ? now_ns : w->end_ns;
}

static void add_taking(struct quota_window *w, int64_t at_ns, money_magnitude need)
{
    if (w->count == w->capacity) {
        size_t capacity = w->capacity ? w->capacity * 2 : 64;
        struct window_taking *larger = mem_alloc(capacity * sizeof *larger);
        for (size_t i = 0; i < w->count; i++)
            larger[i] = *taking(w, i);
        free(w->takings);
        w->takings = larger;
        w->first = 0;
        w->capacity = capacity;
    }
    w->count++;
    *taking(w, w->count - 1) = (struct window_taking){at_ns, need};
}

void window_take(struct quota_window *w, int64_t at_ns, money_magnitude need)
{
    if (w->quota->alignment == WINDOW_SESSION) {
        open_session(w, at_ns);
    } else if (w->quota->alignment == WINDOW_ROLLING) {
        expire(w, at_ns, plan_quota_length(w->quota));
        if (need > 0)
            add_taking(w, at_ns, need);
    } else {
        move_to(w, at_ns);
    }
    w->used += need;
}

struct plan_quota window_on_grid(const struct plan_quota *quota)
{
    struct plan_quota q = *quota;
    if (q.alignment == WINDOW_ROLLING || q.alignment == WINDOW_SESSION)
        q.alignment = WINDOW_ANCHORED;
    return q;
}
