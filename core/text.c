#include "core/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct text text_of(const char *zero_terminated)
{
    return (struct text){zero_terminated, strlen(zero_terminated)};
}

bool text_same(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

bool text_equal_nocase(struct text a, const char *b)
{
    return a.length == strlen(b) && strncasecmp(a.at, b, a.length) == 0;
}

const char *text_find_nocase(struct text t, const char *part)
{
    size_t length = strlen(part);
    for (size_t i = 0; i + length <= t.length; i++)
        if (strncasecmp(t.at + i, part, length) == 0)
            return t.at + i;
    return NULL;
}

bool text_starts(struct text a, const char *prefix)
{
    size_t length = strlen(prefix);
    return a.length >= length && memcmp(a.at, prefix, length) == 0;
}

struct text text_trim(struct text t)
{
    while (t.length > 0 && (t.at[0] == ' ' || t.at[0] == '\t')) {
        t.at++;
        t.length--;
    }
    while (t.length > 0 && (t.at[t.length - 1] == ' ' || t.at[t.length - 1] == '\t'))
        t.length--;
    return t;
}

bool text_to_u64(struct text t, uint64_t *out)
{
    uint64_t value = 0;
    if (t.length == 0)
        return false;
    for (size_t i = 0; i < t.length; i++) {
        unsigned digit = (unsigned)t.at[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool text_to_i64(struct text t, int64_t *out)
{
    bool negative = t.length > 0 && t.at[0] == '-';
    if (negative) {
        t.at++;
        t.length--;
    }
    uint64_t magnitude;
    if (!text_to_u64(t, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool text_to_double(struct text t, double *out)
{
    char copy[1100], *end; /* the longest exact decimal of a double has 1,077 characters */
    if (t.length == 0 || t.length >= sizeof copy || t.at[0] == '+')
        return false;
    for (size_t i = 0; i < t.length; i++)
        if (!strchr("0123456789+-.eE", t.at[i]))
            return false;
    memcpy(copy, t.at, t.length);
    copy[t.length] = '\0';
    *out = strtod(copy, &end); /* LC_NUMERIC stays "C" in this program */
    return *end == '\0' && isfinite(*out);
}

/* Plain decimals take the integer road; exponents are rare and go through long double. */
bool text_to_fixed(struct text t, int decimals, int64_t *out)
{
    const char *at = t.at, *end = t.length ? at + t.length : at;
    bool negative = at < end && *at == '-', any = false;
    int64_t value = 0;
    int fraction = -1;
    at += negative;
    for (; at < end; at++) {
        if (*at == '.' && fraction < 0) {
            fraction = 0;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        any = true;
        if (fraction >= 0 && fraction++ >= decimals)
            continue;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return false;
    }
    if (!any)
        return false;
    if (at < end) {
        double exact;
        if ((*at != 'e' && *at != 'E') || !text_to_double(t, &exact))
            return false;
        double scaled = nearbyint(exact * pow(10, decimals));
        if (fabs(scaled) >= 9.2e18)
            return false;
        *out = (int64_t)scaled;
        return true;
    }
    for (int i = fraction < 0 ? 0 : fraction; i < decimals; i++)
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    *out = negative ? -value : value;
    return true;
}

const char *text_group(const char *decimal, char out[TEXT_GROUPED_SIZE])
{
    size_t first = *decimal == '-', whole = first + strspn(decimal + first, "0123456789"), at = 0;
    for (size_t i = 0; decimal[i] && at < TEXT_GROUPED_SIZE - 2; i++) {
        if (i > first && i < whole && (whole - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = decimal[i];
    }
    out[at] = '\0';
    return out;
}

const char *text_group_u64(uint64_t value, char out[TEXT_GROUPED_SIZE])
{
    char decimal[24];
    snprintf(decimal, sizeof decimal, "%" PRIu64, value);
    return text_group(decimal, out);
}

/* "1.2e+30" as "1.2 × 10^30". */
static void write_power(double value, int digits, char out[TEXT_SHORT_SIZE])
{
    char plain[TEXT_SHORT_SIZE];
    snprintf(plain, sizeof plain, "%.*e", digits > 1 ? digits - 1 : 0, value);
    char *e = strchr(plain, 'e');
    *e = '\0';
    snprintf(out, TEXT_SHORT_SIZE, "%.24s × 10^%ld", plain, strtol(e + 1, NULL, 10));
}

double text_shown(double value, int decimals)
{
    char plain[400]; /* more than any double has before its point, and twenty decimals */
    if (!(value <= 0) || value <= -1)
        return value;
    snprintf(plain, sizeof plain, "%.*f", decimals, value);
    return strpbrk(plain, "123456789") ? value : 0;
}

const char *text_short(double value, int digits, char out[TEXT_SHORT_SIZE])
{
    char plain[TEXT_SHORT_SIZE];
    double size = fabs(value);
    value = value == 0 ? 0 : value; /* and not -0 */
    snprintf(plain, sizeof plain, "%.*g", digits, value);
    if (strchr(plain, 'e')) { /* too large for so many digits, or below 0.0001 */
        if (size >= 1e15 || size < 1e-12) {
            write_power(value, digits, out);
            return out;
        }
        int decimals = size >= 1 ? 0 : digits - 1 - (int)floor(log10(size));
        snprintf(plain, sizeof plain, "%.*f", decimals, value);
    }
    return text_group(plain, out);
}

#define NEAREST_MAX 48

/* Levenshtein distance with swaps of neighbours counting one; NEAREST_MAX if too long. */
unsigned text_distance(struct text a, struct text b)
{
    unsigned rows[3][NEAREST_MAX + 1];
    if (a.length > NEAREST_MAX || b.length > NEAREST_MAX)
        return NEAREST_MAX;
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.length; j++)
        last[j] = before[j] = (unsigned)j;
    for (size_t i = 1; i <= a.length; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.length; j++) {
            unsigned best = last[j - 1] + (a.at[i - 1] != b.at[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        unsigned *reuse = before;
        before = last;
        last = now;
        now = reuse;
    }
    return last[b.length];
}

const char *text_nearest(struct text typed, const char *const *names)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)(typed.length / 3) + 2;
    for (; *names; names++) {
        unsigned d = text_distance(typed, text_of(*names));
        if (d < best_distance && d < strlen(*names)) {
            best = *names;
            best_distance = d;
        }
    }
    return best;
}

int text_place(struct text t, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (text_equal(t, names[i]))
            return i;
    return -1;
}

bool text_matches(struct text t, struct text pattern)
{
    size_t i = 0, p = 0, star = SIZE_MAX, resume = 0;
    while (i < t.length) {
        if (p < pattern.length && pattern.at[p] == '*') {
            star = p++;
            resume = i;
        } else if (p < pattern.length && (pattern.at[p] == '?' || pattern.at[p] == t.at[i])) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.at[p] == '*')
        p++;
    return p == pattern.length;
}

/* Length of the well-formed sequence at s (RFC 3629), or 0. */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || left < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return length;
}

bool text_is_utf8(const char *bytes, size_t length, size_t *bad)
{
    const unsigned char *s = (const unsigned char *)bytes;
    for (size_t i = 0; i < length;) {
        size_t step = utf8_sequence(s + i, length - i);
        if (step == 0) {
            if (bad)
                *bad = i;
            return false;
        }
        i += step;
    }
    return true;
}

char *text_cut(struct text t, char *out, size_t size)
{
    static const char ellipsis[] = "…";
    size_t length = t.length;
    if (length >= size) {
        length = size - sizeof ellipsis;
        while (length > 0 && ((unsigned char)t.at[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(out, t.at, length);
    strcpy(out + length, length < t.length ? ellipsis : "");
    return out;
}

uint64_t text_hash(const char *bytes, size_t length)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 32;
}
