/* Division by largest remainder: an amount among parts, so that they add up to it again.
 *
 * Each part gets its share cut to whole units; the units that are left go to those that lost most
 * by the cut, the earlier of equals first (Hamilton's method).
 *
 *     money parts[3] = {1, 1, 1}, out[3];
 *     remainder_divide(100, parts, 3, 1, out);     // 34, 33, 33
 */
#ifndef FAREBOX_SIM_COST_SHARES_REMAINDER_H
#define FAREBOX_SIM_COST_SHARES_REMAINDER_H

#include "core/money.h"

/* `whole`, a multiple of `unit`, in the proportion of the parts, in multiples of `unit`. Parts may
 * be negative; where they add up to nothing or less they count alike. The sum of the parts must fit
 * in 127 bits. */
void remainder_divide(money whole, const money *parts, size_t count, money unit, money *out);

/* The unit in which an amount is divided: 1e-12 USD, where all divisions round, unless the amount
 * itself is finer. */
money remainder_unit(money whole);

/* a × b / c cut to a whole number; c > 0 and below 2^127, the result must fit. */
money_magnitude remainder_scale(money_magnitude a, money_magnitude b, money_magnitude c);

#endif
