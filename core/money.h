/* Exact money: signed 128-bit integers of 1e-24 USD.
 *
 * That is fine enough for every published per-token price and its multipliers, and large enough
 * for ±170 trillion USD. Charges and totals are sums and products of these integers and never
 * pass through binary floating point; only divisions round, half to even, at 1e-12 USD.
 *
 *     money price, bill;
 *     money_parse("2.50", 4, MONEY_PER_MILLION, &price);     // $2.50 per million tokens
 *     money_multiply(price, 1234, &bill);                       // exact, -1 on overflow
 *     money_format(bill, text);                                 // "0.003085"
 */
#ifndef FAREBOX_CORE_MONEY_H
#define FAREBOX_CORE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 money;
__extension__ typedef unsigned __int128 money_magnitude;

#define MONEY_DECIMALS 24
#define MONEY_MAX ((money)(~(money_magnitude)0 >> 1))
#define MONEY_USD ((money)1000000000000 * (money)1000000000000)
#define MONEY_PICO_USD ((money)1000000000000) /* 1e-12 USD: where divisions round */

/* What a written price is for: 10^n units. */
enum money_per { MONEY_PER_ONE = 0, MONEY_PER_MILLION = 6 };

enum money_fault {
    MONEY_OK,
    MONEY_NOT_A_NUMBER, /* not a decimal number such as 2.50, .5 or 25e-7 */
    MONEY_TOO_FINE,     /* has digits below 1e-24 USD per unit */
    MONEY_TOO_LARGE,    /* beyond ±1.7e14 USD */
};

/* Parses all `length` bytes of a decimal number: sign, digits, fraction, exponent. Gives the value
 * divided by 10^per, exactly, or says why not. */
enum money_fault money_parse(const char *text, size_t length, enum money_per per, money *out);

/* What a fault means, to follow the quoted text: "is finer than 1e-24 USD". */
const char *money_fault_text(enum money_fault fault);

/* Sums and products; return 0, or -1 where the result does not fit (then *out is undefined). */
static inline int money_add(money a, money b, money *out)
{
    return __builtin_add_overflow(a, b, out) ? -1 : 0;
}

static inline int money_multiply(money price, uint64_t count, money *out)
{
    return __builtin_mul_overflow(price, (money)count, out) ? -1 : 0;
}

/* a × numerator / denominator, rounded half to even at 1e-12 USD. The product is formed in 256
 * bits. -1 if denominator is 0 or the result does not fit. */
int money_prorate(money a, uint64_t numerator, uint64_t denominator, money *out);

/* Multiplies by a decimal factor such as "0.5" given as a money value (0.5 USD stands for 0.5).
 * Exact: -1 if the product has digits below 1e-24 or does not fit. */
int money_scale(money price, money factor, money *out);

/* Rounds half to even to a multiple of `unit` (> 0). */
money money_round(money value, money unit);

/* Shortest exact decimal text, no exponent: "0.00108387", "-3", "0". */
#define MONEY_TEXT_SIZE 48
void money_format(money value, char out[MONEY_TEXT_SIZE]);

/* As money_format with exactly `decimals` digits after the point (at most 24), rounded half to
 * even: for tables. */
void money_format_fixed(money value, int decimals, char out[MONEY_TEXT_SIZE]);

/* How people read money, everywhere: "1,234.56", "0.1230", "80.00". Thousands set apart; cents, or
 * `decimals` digits after the point (2 at least) where there is more than whole cents; what would
 * round to nothing shows its first two: "0.000041". */
void money_format_amount(money value, int decimals, char out[MONEY_TEXT_SIZE]);

/* The same for a column that is flush right: blanks stand for the digits that are left out, so that
 * the points stand below each other. At most 12 `decimals`. */
void money_format_column(money value, int decimals, char out[MONEY_TEXT_SIZE]);

/* USD for statistics only: never summed back into a charge. */
double money_to_double(money value);

#endif
