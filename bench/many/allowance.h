/* An allowance: what a process may spend of the budget that all processes share.
 *
 *     struct allowance a;
 *     allowance_init(&a, most_by_row, rows);
 *     if (allowance_admit(&a, row)) send();             // from any worker
 *     if (allowance_low(&a)) want_more();
 *     allowance_add(&a, granted);                       // a slice of the budget came
 *     allowance_free(&a);
 *
 * A slice is reserved where the budget is kept, before it is given. Here each request takes the
 * most that it can cost; what it really cost, and what is left of it, is settled there when its
 * record comes. So all processes together never pass the limit, and none waits for an answer
 * before it sends: more is asked for while half of the last slice, and the dearest request, is
 * left.
 */
#ifndef FAREBOX_BENCH_MANY_ALLOWANCE_H
#define FAREBOX_BENCH_MANY_ALLOWANCE_H

#include "core/money.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct allowance {
    const money *most_by_row; /* NULL = without limit */
    money dearest;            /* of them */
    money left, slice;        /* slice: the last one that was granted */
    pthread_mutex_t lock;
};

/* The prices are borrowed. Nothing may be spent yet. */
void allowance_init(struct allowance *a, const money *most_by_row, size_t rows);
void allowance_free(struct allowance *a);

void allowance_add(struct allowance *a, money slice);

/* True if the most that the row's request can cost was left; it is taken then. */
bool allowance_admit(struct allowance *a, uint32_t row);

/* True where more should be asked for. */
bool allowance_low(struct allowance *a);

/* What was not used, to be given back; nothing is admitted any more. */
money allowance_close(struct allowance *a);

#endif
