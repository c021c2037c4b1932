#include "core/stats/moments.h"

#include <math.h>

#define SQUARES_MAX (~(moments_squares)0)

static moments_squares add_saturated(moments_squares a, moments_squares b)
{
    moments_squares sum;
    return __builtin_add_overflow(a, b, &sum) ? SQUARES_MAX : sum;
}

void moments_add(struct moments *m, int64_t value, uint64_t count)
{
    if (count == 0)
        return;
    if (m->count == 0 || value < m->min)
        m->min = value;
    if (m->count == 0 || value > m->max)
        m->max = value;
    m->count += count;
    m->sum += (moments_sum)value * (moments_sum)count;
    moments_squares square = (moments_squares)((moments_sum)value * value);
    if (__builtin_mul_overflow(square, (moments_squares)count, &square))
        square = SQUARES_MAX;
    m->squares = add_saturated(m->squares, square);
}

void moments_add_steps(struct moments *m, const int64_t *values, size_t count)
{
    struct moments part = {.min = INT64_MAX, .max = INT64_MIN};
    if (count < 2)
        return;
    for (size_t i = 1; i < count; i++) {
        int64_t step = values[i] - values[i - 1];
        part.min = step < part.min ? step : part.min;
        part.max = step > part.max ? step : part.max;
        moments_squares square = (moments_squares)((moments_sum)step * step);
        part.squares = add_saturated(part.squares, square);
    }
    part.count = count - 1;
    part.sum = (moments_sum)values[count - 1] - values[0];
    moments_merge(m, &part);
}

void moments_merge(struct moments *into, const struct moments *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->min < into->min)
        into->min = from->min;
    if (into->count == 0 || from->max > into->max)
        into->max = from->max;
    into->count += from->count;
    into->sum += from->sum;
    into->squares = add_saturated(into->squares, from->squares);
}

/* sum = q · count + r with 0 ≤ r < count. */
static int64_t split_mean(const struct moments *m, uint64_t *remainder)
{
    moments_sum n = (moments_sum)m->count, q = m->sum / n, r = m->sum % n;
    if (r < 0) {
        r += n;
        q--;
    }
    *remainder = (uint64_t)r;
    return (int64_t)q;
}

double moments_mean(const struct moments *m)
{
    if (m->count == 0)
        return NAN;
    uint64_t remainder;
    int64_t whole = split_mean(m, &remainder);
    return (double)((long double)whole + (long double)remainder / (long double)m->count);
}

double moments_stddev(const struct moments *m)
{
    if (m->count == 0 || m->squares == SQUARES_MAX)
        return NAN;
    if (m->count == 1)
        return 0;
    uint64_t r;
    moments_squares q = (moments_squares)(moments_sum)split_mean(m, &r);
    /* Modulo 2^128 the intermediate products may wrap; the result is below Σx² + n and does not. */
    moments_squares about_q =
        m->squares - 2 * q * (moments_squares)m->sum + (moments_squares)m->count * q * q;
    long double n = (long double)m->count;
    long double deviations = (long double)about_q - (long double)r * ((long double)r / n);
    return (double)sqrtl(fmaxl(deviations, 0) / (n - 1));
}

double moments_cv(const struct moments *m)
{
    double mean = moments_mean(m);
    return mean == 0 ? NAN : moments_stddev(m) / fabs(mean);
}

static void format_magnitude(moments_squares value, bool negative, char out[MOMENTS_TEXT_SIZE])
{
    char digits[MOMENTS_TEXT_SIZE];
    size_t n = 0, at = 0;
    do {
        digits[n++] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value);
    if (negative)
        out[at++] = '-';
    while (n)
        out[at++] = digits[--n];
    out[at] = '\0';
}

void moments_format_sums(const struct moments *m, char sum[MOMENTS_TEXT_SIZE],
                         char squares[MOMENTS_TEXT_SIZE])
{
    bool negative = m->sum < 0;
    moments_squares magnitude = (moments_squares)m->sum;
    format_magnitude(negative ? 0 - magnitude : magnitude, negative, sum);
    format_magnitude(m->squares, false, squares);
}

static bool parse_magnitude(const char *text, size_t length, moments_squares *out)
{
    moments_squares value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (moments_squares)10, &value) ||
            __builtin_add_overflow(value, (moments_squares)(text[i] - '0'), &value))
            return false;
    }
    *out = value;
    return length > 0;
}

bool moments_parse_sums(struct moments *m, const char *sum, size_t sum_length, const char *squares,
                        size_t squares_length)
{
    bool negative = sum_length > 0 && sum[0] == '-';
    moments_squares magnitude, parsed_squares;
    if (!parse_magnitude(sum + negative, sum_length - negative, &magnitude) ||
        !parse_magnitude(squares, squares_length, &parsed_squares) || magnitude > SQUARES_MAX >> 1)
        return false;
    m->sum = negative ? -(moments_sum)magnitude : (moments_sum)magnitude;
    m->squares = parsed_squares;
    return true;
}
