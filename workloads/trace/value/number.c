#include "workloads/trace/value/number.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

#define MAX_DIGITS 48

bool number_is_missing(struct text t)
{
    static const char *const words[] = {"nan", "null", "none", "n/a",  "na",
                                        "-",   "--",   "\\N",  "#n/a", "\xE2\x80\x93"};
    t = text_trim(t);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_equal_nocase(t, words[i]))
            return true;
    return t.length == 0;
}

/* The length of what may set thousands apart at this place, 0 for none. */
static size_t grouping(const char *at, const char *end, bool decimal_comma)
{
    static const char *const blanks[] = {"\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x89"};
    if (*at == '\'' || *at == ' ' || *at == '_' || *at == (decimal_comma ? '.' : ','))
        return 1;
    for (size_t i = 0; i < COUNT_OF(blanks); i++) {
        size_t n = strlen(blanks[i]);
        if ((size_t)(end - at) >= n && memcmp(at, blanks[i], n) == 0)
            return n;
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The number without what sets its thousands apart, with a point before its decimals. False where
 * groups are not of three digits, or it does not fit. */
static bool make_plain(struct text t, bool decimal_comma, char out[MAX_DIGITS + 1])
{
    const char *at = t.at, *end = t.length ? at + t.length : at;
    size_t used = 0, since = 0, groups = 0, skip;
    for (; at < end && used < MAX_DIGITS; at++) {
        if (is_digit(*at)) {
            out[used++] = *at;
            since++;
        } else if (since > 0 && at + 1 < end && (skip = grouping(at, end, decimal_comma)) > 0) {
            if (groups++ ? since != 3 : since > 3)
                return false;
            at += skip - 1;
            since = 0;
        } else {
            break;
        }
    }
    if (groups && since != 3)
        return false;
    for (bool point = false; at < end && used < MAX_DIGITS; at++) {
        bool mark = *at == (decimal_comma ? ',' : '.') && !point;
        point |= mark;
        out[used++] = mark ? '.' : *at;
    }
    out[used] = '\0';
    return at == end && used > 0;
}

bool number_count(struct text t, bool decimal_comma, uint64_t *out)
{
    char plain[MAX_DIGITS + 1];
    double value;
    if (text_to_u64(t, out))
        return true;
    if (!make_plain(t, decimal_comma, plain))
        return false;
    if (text_to_u64(text_of(plain), out))
        return true;
    if (!text_to_double(text_of(plain), &value) || value < 0 || value > 9e15 ||
        value != floor(value))
        return false;
    *out = (uint64_t)value;
    return true;
}

/* Without "$", "US$" or "USD" in front or behind. */
static struct text without_dollars(struct text t)
{
    static const char *const marks[] = {"US$", "USD", "$"};
    t = text_trim(t);
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        size_t n = strlen(marks[i]);
        if (t.length <= n)
            continue;
        if (memcmp(t.at, marks[i], n) == 0)
            return text_trim((struct text){t.at + n, t.length - n});
        if (memcmp(t.at + t.length - n, marks[i], n) == 0)
            return text_trim((struct text){t.at, t.length - n});
    }
    return t;
}

bool number_dollars(struct text t, bool decimal_comma, money *out)
{
    char plain[MAX_DIGITS + 1];
    if (money_parse(t.at, t.length, MONEY_PER_ONE, out) == MONEY_OK)
        return true;
    return make_plain(without_dollars(t), decimal_comma, plain) &&
           money_parse(plain, strlen(plain), MONEY_PER_ONE, out) == MONEY_OK;
}
