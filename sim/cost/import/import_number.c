/* Decimal numbers of price lists, digit by digit. */
#include "sim/cost/import/import_parts.h"

#include <string.h>

#define SNAP_DIGITS 12 /* a price that somebody wrote has no more significant digits ... */
#define SNAP_LEFT 9    /* ... and an artefact is within 5e-12 of one with at most these */

static void normalize(struct import_number *n)
{
    int zeros = 0;
    while (zeros < n->count && n->digits[zeros] == '0')
        zeros++;
    memmove(n->digits, n->digits + zeros, (size_t)(n->count - zeros));
    n->count -= zeros;
    while (n->count > 0 && n->digits[n->count - 1] == '0') {
        n->count--;
        n->exponent++;
    }
    n->digits[n->count] = '\0';
    if (n->count == 0)
        n->exponent = 0, n->negative = false;
}

/* "e-06" and nothing after it. */
static bool read_exponent(struct text t, int *out)
{
    int64_t value;
    if (t.length > 1 && t.at[0] == '+')
        t.at++, t.length--;
    if (!text_to_i64(t, &value) || value < -1000 || value > 1000)
        return false;
    *out = (int)value;
    return true;
}

bool import_number_read(struct text t, struct import_number *out)
{
    int exponent = 0, after_point = 0, seen = 0;
    bool point = false;
    size_t i = 0;
    *out = (struct import_number){0};
    if (i < t.length && (t.at[i] == '-' || t.at[i] == '+'))
        out->negative = t.at[i++] == '-';
    for (; i < t.length; i++) {
        char c = t.at[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        seen++;
        after_point += point;
        if (out->count == 0 && c == '0')
            continue;
        if (out->count == IMPORT_DIGITS)
            return false;
        out->digits[out->count++] = c;
    }
    if (seen == 0)
        return false;
    if (i < t.length && (t.at[i] | 0x20) == 'e') {
        if (!read_exponent((struct text){t.at + i + 1, t.length - i - 1}, &exponent))
            return false;
    } else if (i < t.length) {
        return false;
    }
    out->exponent = exponent - after_point;
    normalize(out);
    return true;
}

bool import_number_equal(const struct import_number *a, const struct import_number *b)
{
    return a->negative == b->negative && a->exponent == b->exponent &&
           strcmp(a->digits, b->digits) == 0;
}

bool import_number_multiply(struct import_number *n, const struct import_number *factor)
{
    struct import_number out = {.count = n->count + factor->count,
                                .exponent = n->exponent + factor->exponent,
                                .negative = n->negative != factor->negative};
    if (out.count > IMPORT_DIGITS)
        return false;
    int sums[IMPORT_DIGITS + 1] = {0};
    for (int i = 0; i < n->count; i++)
        for (int k = 0; k < factor->count; k++)
            sums[i + k + 1] += (n->digits[i] - '0') * (factor->digits[k] - '0');
    for (int i = out.count - 1; i > 0; i--) {
        sums[i - 1] += sums[i] / 10;
        sums[i] %= 10;
    }
    for (int i = 0; i < out.count; i++)
        out.digits[i] = (char)('0' + sums[i]);
    normalize(&out);
    *n = out;
    return true;
}

/* Keeps the first `kept` digits (less than all), rounded half to even. */
static void keep_digits(struct import_number *n, int kept)
{
    char next = n->digits[kept];
    bool rest = kept + 1 < n->count; /* no trailing zeros: any further digit counts */
    bool odd = kept > 0 && (n->digits[kept - 1] - '0') % 2 == 1;
    bool up = next > '5' || (next == '5' && (rest || odd));
    n->exponent += n->count - kept;
    n->count = kept;
    int i = kept;
    while (up && i > 0) {
        up = n->digits[--i] == '9';
        n->digits[i] = up ? '0' : (char)(n->digits[i] + 1);
    }
    if (up) { /* 999 → 1000: what is kept is all zeros */
        n->digits[0] = '1';
        n->exponent += kept;
        n->count = 1;
    }
    normalize(n);
}

bool import_number_snap(struct import_number *n)
{
    struct import_number meant = *n;
    if (n->count <= SNAP_DIGITS)
        return false;
    keep_digits(&meant, SNAP_DIGITS);
    if (meant.count > SNAP_LEFT)
        return false;
    *n = meant;
    return true;
}

bool import_number_limit(struct import_number *n, int decimals)
{
    int excess = -decimals - n->exponent; /* digits below the last place */
    if (n->count == 0 || excess <= 0)
        return false;
    if (excess > n->count)
        *n = (struct import_number){0};
    else
        keep_digits(n, n->count - excess);
    return true;
}

void import_number_text(const struct import_number *n, int shift, char out[IMPORT_NUMBER_TEXT])
{
    int whole = n->count + n->exponent + shift; /* digits before the point */
    int at = 0;
    if (n->negative)
        out[at++] = '-';
    if (n->count == 0)
        whole = 0;
    if (whole <= 0)
        out[at++] = '0';
    for (int i = 0; i < whole; i++)
        out[at++] = i < n->count ? n->digits[i] : '0';
    if (n->count > whole && n->count > 0) {
        out[at++] = '.';
        for (int i = whole; i < n->count; i++)
            out[at++] = i < 0 ? '0' : n->digits[i];
    }
    out[at] = '\0';
}
