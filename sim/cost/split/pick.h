/* Which requests to take where room is limited: the sum of their values as large as it can be.
 *
 * Items stand in the order of time, and each has a value (what taking it saves). Each limit puts
 * the items into windows and allows so much in every one of them.
 *
 *     struct pick p = {.count = n, .value = values, .at_ns = times, .limits = limits, 2};
 *     pick_prepare(&p);
 *     struct pick_answer a;
 *     pick_solve(&p, 3, 0, n, taken, &a);      // three times the room
 *     if (a.exact) ...                         // nothing else has a larger value
 *     else ... a.most ...                      // nothing can have more than this
 *     pick_free(&p);
 *
 * Exact where every limit counts items (each asks for the same of it) and
 * - the windows nest: any two have no item in common, or one has all of the other. The sets that
 *   fit are then the independent sets of a laminar matroid, and of a matroid the greedy choice by
 *   value is the largest (Rado 1957, Edmonds 1971); or
 * - the windows are stretches of time of any kind, rolling or crossing each other, up to
 *   PICK_FLOW_MOST items: with P(i) the number of items taken before i, a window from l to r says
 *   P(r) - P(l) <= room, an item 0 <= P(i+1) - P(i) <= 1. That is the dual of a min-cost flow,
 * whose potentials are whole numbers (pick_flow.c). Elsewhere what is taken fits, and `most` is
 * proven: leaving limits out, and letting the last item of a window be cut, only ever adds value.
 * With what nests and one measure, the largest value of cut items is again greedy, by value for
 * each unit of room (a polymatroid).
 */
#ifndef FAREBOX_SIM_COST_SPLIT_PICK_H
#define FAREBOX_SIM_COST_SPLIT_PICK_H

#include "core/money.h"

#define PICK_NOWHERE UINT32_MAX
#define PICK_FLOW_MOST 2000
#define PICK_LIMITS_MOST 32

struct pick_limit {
    int measure;            /* limits of one measure ask the same of an item that they are for */
    const uint32_t *window; /* by item; PICK_NOWHERE: the limit is not for it */
    size_t windows;         /* numbers are below this */
    const money_magnitude *need; /* by item */
    money_magnitude room;        /* of one window, for one of what is bought */
    uint64_t times;              /* so many windows of the plan may reach into one of these; 1 */
    int64_t rolling_ns; /* the last so long up to now; then `window` holds stretches of that
                           length, of which any two that touch hold a rolling one; 0 */
    bool is_loose;      /* what fits here may not fit in truth: no answer is exact */
    bool only_bounds;   /* looked at for what nothing can exceed, not for what fits */
    /* worked out by pick_prepare */
    bool counts; /* every item that it is for asks for `each` */
    money_magnitude each;
    bool for_all;            /* it is for every item that has a value */
    uint32_t *sorted_window; /* in the order of value; `windows`: not for it */
};

struct pick {
    size_t count;
    const money *value;   /* 0 or above */
    const int64_t *at_ns; /* rising */
    struct pick_limit *limits;
    size_t limit_count;
    /* worked out by pick_prepare */
    uint32_t *by_value, *by_density; /* orders; of measure `density_of` */
    int density_of;
    size_t valued; /* items with a value above 0: the first in their order */
    money *sorted_value;
    bool counts, stretches, nests_all;
    bool *nested; /* [a × limit_count + b]: the windows of a and b nest */
};

struct pick_answer {
    money value; /* of what is taken */
    money most;  /* no choice has more */
    bool exact;  /* value == most */
};

/* Orders the items and looks at how windows lie. Borrows all that is given. */
void pick_prepare(struct pick *p);
void pick_free(struct pick *p);

/* Chooses among items begin .. end - 1 for n times the room. taken: by item, 1 or 0; NULL where
 * only the values are asked for. */
void pick_solve(struct pick *p, uint64_t n, size_t begin, size_t end, uint8_t *taken,
                struct pick_answer *out);

/* out->most alone, faster: from what nests, and no flow. */
money pick_most(struct pick *p, uint64_t n, size_t begin, size_t end);

/* A bound that is concave in n: with each more it grows by less, or by as much. */
money pick_most_smooth(struct pick *p, uint64_t n, size_t begin, size_t end);

/* -1, 0, 1 as a / b is below, at or above c / d; exact. b and d above 0. */
int pick_compare(money_magnitude a, money_magnitude b, money_magnitude c, money_magnitude d);

/* The largest value by min-cost flow, where all limits count and are stretches of time; for
 * pick.c. */
money pick_by_flow(const struct pick *p, uint64_t n, size_t begin, size_t end, uint8_t *taken);

/* The greedy choice by value among items begin .. end - 1 where each takes one of so many places in
 * its window of each limit (PICK_NO_LIMIT: of no matter). What has no value is not taken. */
#define PICK_NO_LIMIT UINT64_MAX
money pick_take_items(const struct pick *p, const uint64_t *slots, size_t begin, size_t end,
                      uint8_t *taken);
void pick_items_make(struct pick *p);
void pick_items_free(struct pick *p);

/* How many items one window takes of n; for a limit that counts. */
uint64_t pick_slots(const struct pick_limit *l, uint64_t n);

/* Items from..to by value, the largest first, ties in their order. */
void pick_sort_by_value(const money *value, uint32_t *items, size_t count);

#endif
