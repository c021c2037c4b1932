#include "sim/cost/reconcile/terms.h"

#include "core/memory.h"
#include "sim/cost/book/price.h"

#include <stdlib.h>

#define SAMPLE 512    /* pairs that a search looks at */
#define SUGGESTING 24 /* pairs that suggest a factor */
#define KEPT_A_PAIR 3
#define MOST_FACTORS 96
#define FLOATING_DIGITS ((money)10000000000000) /* what sums of doubles keep */
#define FINEST_ROUNDING 12                      /* decimals: finer amounts are not rounded ones */

struct terms terms_none(void)
{
    return (struct terms){TERMS_ONE, TERMS_ONE, 0, ROUND_HALF_EVEN};
}

static int divide(money a, money by, money *out, bool *exact)
{
    money quotient = a / by, rest = a % by;
    if (rest != 0 && exact)
        *exact = false;
    money twice = rest < 0 ? -2 * rest : 2 * rest;
    if (twice > by || (twice == by && (quotient & 1)))
        quotient += a < 0 ? -1 : 1;
    *out = quotient;
    return 0;
}

int terms_scale(money a, uint64_t millionths, money *out, bool *exact)
{
    if (millionths == TERMS_ONE) {
        *out = a;
        return 0;
    }
    money product;
    return money_multiply(a, millionths, &product) < 0
               ? -1
               : divide(product, (money)TERMS_ONE, out, exact);
}

int terms_unscale(money a, uint64_t millionths, money *out, bool *exact)
{
    money product;
    if (millionths == TERMS_ONE) {
        *out = a;
        return 0;
    }
    return millionths == 0 || money_multiply(a, TERMS_ONE, &product) < 0
               ? -1
               : divide(product, (money)millionths, out, exact);
}

money terms_round(money amount, money unit, enum rounding_mode mode)
{
    const struct plan_rounding rounding = {ROUND_REQUESTS, mode, unit};
    if (unit == 0)
        return amount;
    return amount < 0 ? -price_round(&rounding, -amount) : price_round(&rounding, amount);
}

int terms_apply(const struct terms *t, money list, money *out)
{
    money paid;
    if (terms_scale(list, t->factor, &paid, NULL) < 0 ||
        terms_scale(paid, t->per_usd, &paid, NULL) < 0)
        return -1;
    *out = terms_round(paid, t->unit, t->mode);
    return 0;
}

bool terms_fit(const struct terms *t, money list, money amount)
{
    money out;
    if (terms_apply(t, list, &out) < 0)
        return false;
    money miss = out > amount ? out - amount : amount - out, size = amount < 0 ? -amount : amount;
    return miss == 0 || (terms_is_floating(amount) && miss <= size / FLOATING_DIGITS);
}

bool terms_is_floating(money amount)
{
    return amount % (MONEY_PICO_USD / 1000) != 0;
}

bool terms_millionths(struct text number, uint64_t *out)
{
    money value;
    if (money_parse(number.at, number.length, MONEY_PER_ONE, &value) != MONEY_OK || value < 0)
        return false;
    money unit = MONEY_USD / (money)TERMS_ONE;
    *out = (uint64_t)(value / unit);
    return value % unit == 0 && value / unit <= UINT32_MAX;
}

/* ---- what fits ---- */

static size_t step_of(size_t count)
{
    return count <= SAMPLE ? 1 : count / SAMPLE;
}

static size_t count_fits(const struct terms_pair *pairs, size_t count, size_t step,
                         const struct terms *t)
{
    size_t fits = 0;
    for (size_t i = 0; i < count; i += step)
        fits += terms_fit(t, pairs[i].list, pairs[i].amount);
    return fits;
}

/* The coarsest power of ten that all amounts are multiples of; 0 where it is finer than amounts are
 * rounded to. */
static money unit_of(const struct terms_pair *pairs, size_t count)
{
    money unit = MONEY_USD * 100;
    for (size_t i = 0; i < count; i++)
        while (unit > 1 && pairs[i].amount % unit != 0)
            unit /= 10;
    money finest = MONEY_USD;
    for (int i = 0; i < FINEST_ROUNDING; i++)
        finest /= 10;
    return unit < finest ? 0 : unit;
}

struct factors {
    uint64_t item[MOST_FACTORS];
    size_t count;
};

static void add_factor(struct factors *f, uint64_t factor)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->item[i] == factor)
            return;
    if (f->count < MOST_FACTORS)
        f->item[f->count++] = factor;
}

/* The factors of fewest decimals by which the list price comes within a unit of the amount. */
static void suggest(struct factors *f, const struct terms_pair *p, uint64_t per_usd, money unit)
{
    money whole, product;
    if (p->list <= 0 || p->amount <= 0 || terms_scale(p->list, per_usd, &whole, NULL) < 0 ||
        whole == 0 || money_multiply(p->amount, TERMS_ONE, &product) < 0)
        return;
    money exact = (product + whole / 2) / whole;
    int kept = 0;
    if (exact > UINT32_MAX)
        return;
    for (uint64_t grain = 100000; grain > 0; grain /= 10) {
        uint64_t factor = ((uint64_t)exact + grain / 2) / grain * grain;
        money out, miss;
        if (terms_scale(whole, factor, &out, NULL) < 0)
            continue;
        miss = out > p->amount ? out - p->amount : p->amount - out;
        if (miss <= unit && kept++ < KEPT_A_PAIR)
            add_factor(f, factor);
    }
}

static int by_list(const void *a, const void *b)
{
    money x = ((const struct terms_pair *)a)->list, y = ((const struct terms_pair *)b)->list;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The largest list prices tell a factor best. */
static void suggest_all(struct factors *f, const struct terms_pair *pairs, size_t count,
                        size_t step, uint64_t per_usd, money unit)
{
    struct terms_pair sample[2 * SAMPLE] = {{0, 0}};
    size_t n = 0;
    for (size_t i = 0; i < count && n < 2 * SAMPLE; i += step)
        sample[n++] = pairs[i];
    qsort(sample, n, sizeof *sample, by_list);
    add_factor(f, TERMS_ONE);
    for (size_t i = 0; i < n && i < SUGGESTING; i++) {
        suggest(f, &sample[i], per_usd, 0);
        if (unit > 0)
            suggest(f, &sample[i], per_usd, unit);
    }
}

size_t terms_infer(const struct terms_pair *pairs, size_t count, struct terms *t)
{
    static const enum rounding_mode modes[] = {ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP,
                                               ROUND_DOWN};
    struct factors f = {.count = 0};
    size_t step = step_of(count), best = 0;
    money unit = unit_of(pairs, count);
    suggest_all(&f, pairs, count, step, t->per_usd, unit);
    *t = (struct terms){TERMS_ONE, t->per_usd, 0, ROUND_HALF_EVEN};
    best = count_fits(pairs, count, step, t);
    for (size_t i = 0; i < f.count; i++)
        for (size_t m = 0; m <= COUNT_OF(modes); m++) { /* m 0: not rounded */
            struct terms tried = {f.item[i], t->per_usd, m ? unit : 0, modes[m ? m - 1 : 0]};
            size_t fits = m && unit == 0 ? 0 : count_fits(pairs, count, step, &tried);
            if (fits > best) {
                best = fits;
                *t = tried;
            }
        }
    return step == 1 ? best : count_fits(pairs, count, 1, t);
}
