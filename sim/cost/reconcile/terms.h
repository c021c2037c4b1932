/* The terms on which list prices become amounts: a discount, a currency, a rounding.
 *
 *     struct terms t = terms_none();
 *     t.factor = 900000;                            // 10 % off
 *     money amount;
 *     if (terms_apply(&t, list, &amount) < 0) ...   // beyond what money holds
 *     terms_infer(pairs, count, &t);                // from list prices and amounts
 *
 * Factors are millionths. All is exact but where a product has digits below 1e-24, which are
 * rounded half to even.
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_TERMS_H
#define FAREBOX_SIM_COST_RECONCILE_TERMS_H

#include "core/text.h"
#include "sim/cost/book/plan.h"

#define TERMS_ONE UINT64_C(1000000)

struct terms {
    uint64_t factor;  /* what is paid of the list price: TERMS_ONE = all of it */
    uint64_t per_usd; /* of the invoice's currency */
    money unit;       /* amounts are multiples of it, in the invoice's currency; 0 = not rounded */
    enum rounding_mode mode;
};

struct terms terms_none(void);

/* a × millionths / 1,000,000, and back: *exact is false where digits were lost. -1: it does not
 * fit. */
int terms_scale(money a, uint64_t millionths, money *out, bool *exact);
int terms_unscale(money a, uint64_t millionths, money *out, bool *exact);

/* The amount, in the invoice's currency, of what costs `list` USD. */
int terms_apply(const struct terms *t, money list, money *out);

/* Rounds to the unit; 0 leaves it as it is. Negative amounts as positive ones. */
money terms_round(money amount, money unit, enum rounding_mode mode);

struct terms_pair {
    money list, amount;
};

/* Finds factor, unit and mode by which most pairs fit; t->per_usd is given. Of those that explain
 * equally many the simplest: no factor before one, no rounding before some. Returns how many pairs
 * fit. */
size_t terms_infer(const struct terms_pair *pairs, size_t count, struct terms *t);

/* An amount that passed through floating point, as its digits below 1e-15 say, fits within 1e-13 of
 * it. */
bool terms_fit(const struct terms *t, money list, money amount);

bool terms_is_floating(money amount);

/* A decimal number from 0 on with at most six decimals, as millionths; false for another. */
bool terms_millionths(struct text number, uint64_t *out);

#endif
