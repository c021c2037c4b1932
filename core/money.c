#include "core/money.h"

#include <stdio.h>
#include <string.h>

/* Digits of the number with the point taken out, and where the point belongs. */
struct decimal {
    bool negative;
    money_magnitude digits;
    long exponent; /* value = digits × 10^exponent */
    bool overflow; /* more significant digits than fit */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void push_digit(struct decimal *d, int digit, bool after_point)
{
    if (d->digits > ((money_magnitude)MONEY_MAX - 9) / 10) {
        if (digit != 0)
            d->overflow = true;
        if (!after_point)
            d->exponent++;
        return;
    }
    d->digits *= 10;
    d->digits += (unsigned)digit;
    if (after_point)
        d->exponent--;
}

static bool read_exponent(const char **at, const char *end, long *exponent)
{
    bool negative = false;
    if (*at < end && (**at == '+' || **at == '-'))
        negative = *(*at)++ == '-';
    if (*at == end || !is_digit(**at))
        return false;
    long value = 0;
    for (; *at < end && is_digit(**at); (*at)++)
        if (value < 100000)
            value = value * 10 + (**at - '0');
    *exponent += negative ? -value : value;
    return true;
}

static bool read_decimal(const char *text, size_t length, struct decimal *d)
{
    const char *at = text, *end = length ? text + length : text; /* NULL has no end */
    bool any = false;
    *d = (struct decimal){0};
    if (at < end && (*at == '-' || *at == '+'))
        d->negative = *at++ == '-';
    for (; at < end && is_digit(*at); at++, any = true)
        push_digit(d, *at - '0', false);
    if (at < end && *at == '.')
        for (at++; at < end && is_digit(*at); at++, any = true)
            push_digit(d, *at - '0', true);
    if (!any)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (!read_exponent(&at, end, &d->exponent))
            return false;
    }
    return at == end;
}

enum money_fault money_parse(const char *text, size_t length, enum money_per per, money *out)
{
    struct decimal d;
    if (!read_decimal(text, length, &d))
        return MONEY_NOT_A_NUMBER;
    if (d.digits == 0 && !d.overflow) {
        *out = 0;
        return MONEY_OK;
    }
    long shift = d.exponent + MONEY_DECIMALS - (long)per;
    if (d.overflow)
        return shift < 0 ? MONEY_TOO_FINE : MONEY_TOO_LARGE;
    for (; shift < 0; shift++) {
        if (d.digits % 10 != 0)
            return MONEY_TOO_FINE;
        d.digits /= 10;
    }
    for (; shift > 0; shift--) {
        if (d.digits > (money_magnitude)MONEY_MAX / 10)
            return MONEY_TOO_LARGE;
        d.digits *= 10;
    }
    *out = d.negative ? -(money)d.digits : (money)d.digits;
    return MONEY_OK;
}

const char *money_fault_text(enum money_fault fault)
{
    switch (fault) {
    case MONEY_NOT_A_NUMBER:
        return "is not a decimal number such as \"2.50\"";
    case MONEY_TOO_FINE:
        return "is finer than 1e-24 USD per unit, which is the smallest price kept exactly";
    case MONEY_TOO_LARGE:
        return "is larger than any price (the limit is 1.7e14 USD)";
    default:
        return "is a price";
    }
}

/* A 256-bit product of two magnitudes, as four 64-bit limbs, least first. */
static void multiply_wide(money_magnitude a, money_magnitude b, uint64_t limbs[4])
{
    uint64_t x[2] = {(uint64_t)a, (uint64_t)(a >> 64)}, y[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
    memset(limbs, 0, 4 * sizeof limbs[0]);
    for (int i = 0; i < 2; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 2; j++) {
            money_magnitude t = (money_magnitude)x[i] * y[j] + limbs[i + j] + carry;
            limbs[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        limbs[i + 2] += carry;
    }
}

/* Divides the limbs by a 64-bit number in place and returns the remainder. */
static uint64_t divide_wide(uint64_t limbs[4], uint64_t divisor)
{
    money_magnitude rest = 0;
    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | limbs[i];
        limbs[i] = (uint64_t)(rest / divisor);
        rest %= divisor;
    }
    return (uint64_t)rest;
}

static bool limbs_fit(const uint64_t limbs[4], money_magnitude *out)
{
    *out = (money_magnitude)limbs[1] << 64 | limbs[0];
    return limbs[3] == 0 && limbs[2] == 0 && *out <= (money_magnitude)MONEY_MAX;
}

static money_magnitude magnitude_of(money value)
{
    return value < 0 ? (money_magnitude)0 - (money_magnitude)value : (money_magnitude)value;
}

static money with_sign(money_magnitude magnitude, bool negative)
{
    return negative ? -(money)magnitude : (money)magnitude;
}

/* Rounds half to even to a multiple of unit; `more` says that the value is a little larger than
 * written (a remainder was cut off below it). */
static money_magnitude round_magnitude(money_magnitude value, money_magnitude unit, bool more)
{
    money_magnitude quotient = value / unit, rest = value % unit, to_next = unit - rest;
    bool up = rest > to_next || (rest == to_next && (more || quotient % 2 == 1));
    return (quotient + up) * unit;
}

int money_prorate(money a, uint64_t numerator, uint64_t denominator, money *out)
{
    uint64_t limbs[4];
    money_magnitude quotient;
    if (denominator == 0)
        return -1;
    multiply_wide(magnitude_of(a), numerator, limbs);
    uint64_t rest = divide_wide(limbs, denominator);
    if (!limbs_fit(limbs, &quotient))
        return -1;
    *out = with_sign(round_magnitude(quotient, (money_magnitude)MONEY_PICO_USD, rest != 0), a < 0);
    return 0;
}

int money_scale(money price, money factor, money *out)
{
    const uint64_t root = 1000000000000; /* 1e24 = root × root */
    uint64_t limbs[4];
    money_magnitude product;
    multiply_wide(magnitude_of(price), magnitude_of(factor), limbs);
    if (divide_wide(limbs, root) != 0 || divide_wide(limbs, root) != 0)
        return -1;
    if (!limbs_fit(limbs, &product))
        return -1;
    *out = with_sign(product, (price < 0) != (factor < 0));
    return 0;
}

money money_round(money value, money unit)
{
    return with_sign(round_magnitude(magnitude_of(value), (money_magnitude)unit, false), value < 0);
}

/* Writes the magnitude with all 24 decimals; returns the text's length. */
static size_t write_all_digits(money value, char out[MONEY_TEXT_SIZE])
{
    char reversed[MONEY_TEXT_SIZE];
    size_t count = 0;
    money_magnitude rest = magnitude_of(value);
    while (rest > 0 || count <= MONEY_DECIMALS) {
        reversed[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    size_t at = 0;
    if (value < 0)
        out[at++] = '-';
    while (count > 0) {
        out[at++] = reversed[--count];
        if (count == MONEY_DECIMALS)
            out[at++] = '.';
    }
    out[at] = '\0';
    return at;
}

void money_format(money value, char out[MONEY_TEXT_SIZE])
{
    size_t length = write_all_digits(value, out);
    while (out[length - 1] == '0')
        length--;
    if (out[length - 1] == '.')
        length--;
    out[length] = '\0';
}

void money_format_fixed(money value, int decimals, char out[MONEY_TEXT_SIZE])
{
    money unit = 1;
    for (int i = decimals; i < MONEY_DECIMALS; i++)
        unit *= 10;
    size_t length = write_all_digits(money_round(value, unit), out);
    length -= (size_t)(MONEY_DECIMALS - decimals);
    if (decimals == 0)
        length--;
    out[length] = '\0';
}

/* Cents where there is nothing beyond them. */
static void trim_to_cents(char *text)
{
    char *point = strchr(text, '.');
    if (point && point[3 + strspn(point + 3, "0")] == '\0')
        point[3] = '\0';
}

/* Sets the thousands before the point apart. */
static void group_thousands(char *text)
{
    size_t first = *text == '-', end = first + strspn(text + first, "0123456789");
    for (size_t at = end; at > first + 3;) {
        at -= 3;
        memmove(text + at + 1, text + at, strlen(text + at) + 1);
        text[at] = ',';
    }
}

void money_format_amount(money value, int decimals, char out[MONEY_TEXT_SIZE])
{
    money_magnitude unit = 1;
    for (int i = decimals; i < MONEY_DECIMALS; i++)
        unit *= 10;
    if (value != 0 && magnitude_of(value) < unit)
        while (decimals < MONEY_DECIMALS && magnitude_of(value) < 10 * unit) {
            unit /= 10;
            decimals++;
        }
    money_format_fixed(value, decimals, out);
    trim_to_cents(out);
    group_thousands(out);
}

void money_format_column(money value, int decimals, char out[MONEY_TEXT_SIZE])
{
    money_format_amount(value, decimals, out);
    size_t length = strlen(out), have = length - (size_t)(strchr(out, '.') - out) - 1;
    for (; have < (size_t)decimals; have++)
        out[length++] = ' ';
    out[length] = '\0';
}

double money_to_double(money value)
{
    return (double)value / 1e24;
}
