/* A plan without its prices, as bytes for another process (core/pack/pack.h): what settles charges
 * that are known already, such as quotas, limits, subscription, fees and rounding.
 *
 *     plan_terms_pack(plan, &bytes);
 *
 *     struct unpack u = unpack_of(&bytes);
 *     struct plan_terms terms;
 *     plan_terms_unpack(&u, &terms);               // its texts are lent from the bytes
 *     settle(&terms.plan);
 *     plan_terms_free(&terms);
 */
#ifndef FAREBOX_SIM_COST_BOOK_PLAN_TERMS_H
#define FAREBOX_SIM_COST_BOOK_PLAN_TERMS_H

#include "core/pack/pack.h"
#include "sim/cost/book/plan.h"

/* The plan's name is there, but no other text about it, no rate, no weight of concurrency, and
 * nothing of what attempts that did not complete are billed as. */
struct plan_terms {
    struct plan plan;
    void **arrays; /* that it owns */
    size_t array_count;
};

void plan_terms_pack(const struct plan *plan, struct buffer *out);

/* u->broken where the bytes end before; it is freed all the same. */
void plan_terms_unpack(struct unpack *u, struct plan_terms *out);
void plan_terms_free(struct plan_terms *t);

#endif
