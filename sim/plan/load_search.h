/* The search for the highest load that holds: widens a bracket, then halves it.
 *
 *     struct load_search s = {.start = 4, .factor = 4, .narrow = 1.04, .most = 1e5,
 *                             .measure = measure, .context = &mine};
 *     if (load_search_run(&s, err) < 0) return err->code;
 *     if (s.low > 0) printf("%g holds, %g does not\n", s.low, s.high);
 *
 * From `start` the load is multiplied (or divided) by `factor` until one holds and one does not;
 * a factor below 2 is squared at each step. Then the middle between them, on a logarithmic scale,
 * is measured until high / low is at most `narrow`. What is measured, and what holds, is the
 * callback's business.
 */
#ifndef FAREBOX_SIM_PLAN_LOAD_SEARCH_H
#define FAREBOX_SIM_PLAN_LOAD_SEARCH_H

#include "core/error.h"

#include <stdbool.h>

/* What a load that was measured tells the search. */
struct load_answer {
    bool holds;
    bool again;   /* it tells nothing: the same load is measured once more */
    bool stop;    /* ends the search, and this load does not count: a budget was used up */
    double guess; /* a load that may hold where this one does not; NAN = none */
};

struct load_search {
    double start, factor, narrow;
    double least, most; /* a load outside ends the search; 0 = no bound */
    /* *load may be rounded: that load then counts. A negative code ends the search. */
    int (*measure)(void *context, double *load, struct load_answer *answer, struct error *err);
    /* Told of the load to be measured and of those that may follow, by what it and the next ones
     * tell: the nearest first. Where all that is known is whether they hold. NULL */
    void (*ahead)(void *context, double load);
    void *context;

    /* The highest load below `high` that holds, and the lowest that does not; 0 and INFINITY = not
     * known. What is known already may be given (a `high` of 0 is not known). */
    double low, high;
};

/* 0, or what `measure` returned. */
int load_search_run(struct load_search *s, struct error *err);

#endif
