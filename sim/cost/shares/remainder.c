#include "sim/cost/shares/remainder.h"

#include "core/memory.h"

#include <stdlib.h>

/* a × b = c × *quotient + the remainder that is returned, b by b's bits; c below 2^127. */
static money_magnitude divide(money_magnitude a, money_magnitude b, money_magnitude c,
                              money_magnitude *quotient)
{
    money_magnitude product, whole = a / c, part = a % c, q = 0, r = 0;
    if (!__builtin_mul_overflow(a, b, &product)) {
        *quotient = product / c;
        return product % c;
    }
    for (int bit = 127; bit >= 0; bit--) {
        q <<= 1;
        r <<= 1;
        if (r >= c) {
            r -= c;
            q++;
        }
        if (!(b >> bit & 1))
            continue;
        q += whole;
        r += part;
        if (r >= c) {
            r -= c;
            q++;
        }
    }
    *quotient = q;
    return r;
}

money_magnitude remainder_scale(money_magnitude a, money_magnitude b, money_magnitude c)
{
    money_magnitude q;
    divide(a, b, c, &q);
    return q;
}

money remainder_unit(money whole)
{
    return whole % MONEY_PICO_USD == 0 ? MONEY_PICO_USD : 1;
}

struct cut {
    money_magnitude lost;
    size_t part;
};

static int by_loss(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;
    if (x->lost != y->lost)
        return x->lost > y->lost ? -1 : 1;
    return x->part < y->part ? -1 : x->part > y->part;
}

/* The share of `units`, cut towards minus infinity, and what the cut took. */
static money take(money_magnitude units, money part, money_magnitude sum, money_magnitude *lost)
{
    money_magnitude q;
    *lost = divide(part < 0 ? (money_magnitude)-part : (money_magnitude)part, units, sum, &q);
    if (part >= 0)
        return (money)q;
    if (*lost > 0) {
        *lost = sum - *lost;
        q++;
    }
    return -(money)q;
}

void remainder_divide(money whole, const money *parts, size_t count, money unit, money *out)
{
    money sum = 0;
    money_magnitude units = (money_magnitude)(whole < 0 ? -whole : whole) / (money_magnitude)unit;
    money left = (money)units;
    struct cut *cuts = mem_alloc((count + 1) * sizeof *cuts);
    for (size_t i = 0; i < count; i++)
        sum += parts[i];
    for (size_t i = 0; i < count; i++) {
        out[i] = sum > 0 ? take(units, parts[i], (money_magnitude)sum, &cuts[i].lost)
                         : take(units, 1, count, &cuts[i].lost);
        cuts[i].part = i;
        left -= out[i];
    }
    if (left > 0)
        qsort(cuts, count, sizeof *cuts, by_loss);
    for (size_t i = 0; i < count && left > 0; i++, left--)
        out[cuts[i].part]++;
    for (size_t i = 0; i < count; i++)
        out[i] *= whole < 0 ? -unit : unit;
    free(cuts);
}
