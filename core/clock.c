#include "core/clock.h"

#include "core/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

/* Era arithmetic on a calendar whose year starts in March, so that the leap day comes last. */
int64_t clock_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void clock_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

int64_t clock_day_of(int64_t unix_ns)
{
    const int64_t day_ns = 86400 * NS_PER_S;
    return unix_ns / day_ns - (unix_ns % day_ns < 0);
}

/* Reads exactly `count` digits; false if they are not there. */
static bool take_digits(const char **at, const char *end, int count, int *out)
{
    if (end - *at < count)
        return false;
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *at += count;
    *out = value;
    return true;
}

static bool take_char(const char **at, const char *end, char c)
{
    if (*at == end || **at != c)
        return false;
    (*at)++;
    return true;
}

static bool take_date(const char **at, const char *end, int64_t *days)
{
    int year, month, day;
    if (!take_digits(at, end, 4, &year) || !take_char(at, end, '-') ||
        !take_digits(at, end, 2, &month) || !take_char(at, end, '-') ||
        !take_digits(at, end, 2, &day))
        return false;
    if (year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1)
        return false;
    *days = clock_days_from_civil(year, month, day);
    int64_t y;
    int m, d;
    clock_civil_from_days(*days, &y, &m, &d);
    return y == year && m == month && d == day;
}

static bool take_time(const char **at, const char *end, int64_t *ns)
{
    int hour, minute, second;
    if (!take_digits(at, end, 2, &hour) || !take_char(at, end, ':') ||
        !take_digits(at, end, 2, &minute) || !take_char(at, end, ':') ||
        !take_digits(at, end, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *ns = ((hour * 60 + minute) * INT64_C(60) + second) * NS_PER_S;
    if (!take_char(at, end, '.'))
        return true;
    int64_t unit = NS_PER_S / 10;
    if (*at == end || **at < '0' || **at > '9')
        return false;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        *ns += (**at - '0') * unit;
        unit /= 10;
    }
    return true;
}

static bool take_zone(const char **at, const char *end, int64_t *offset_ns)
{
    *offset_ns = 0;
    if (*at == end || take_char(at, end, 'Z'))
        return true;
    int sign = take_char(at, end, '+') ? 1 : take_char(at, end, '-') ? -1 : 0;
    int hours, minutes = 0;
    if (!sign || !take_digits(at, end, 2, &hours))
        return false;
    take_char(at, end, ':');
    if (*at < end && !take_digits(at, end, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *offset_ns = sign * (hours * INT64_C(60) + minutes) * 60 * NS_PER_S;
    return true;
}

int clock_parse_instant(const char *text, size_t length, int64_t *out_ns)
{
    const char *at = text, *end = text + length;
    int64_t days, time_ns = 0, offset_ns = 0;
    if (!take_date(&at, end, &days))
        return -1;
    if (at < end) {
        if (!take_char(&at, end, 'T') && !take_char(&at, end, ' '))
            return -1;
        if (!take_time(&at, end, &time_ns) || !take_zone(&at, end, &offset_ns))
            return -1;
    }
    if (at != end)
        return -1;
    *out_ns = days * 86400 * NS_PER_S + time_ns - offset_ns;
    return 0;
}

void clock_format_instant(int64_t unix_ns, char out[CLOCK_INSTANT_SIZE])
{
    int64_t seconds = unix_ns / NS_PER_S, fraction = unix_ns % NS_PER_S;
    if (fraction < 0) {
        fraction += NS_PER_S;
        seconds--;
    }
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t year;
    int month, day;
    clock_civil_from_days(days, &year, &month, &day);
    int used = snprintf(out, CLOCK_INSTANT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, month,
                        day, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
    size_t at = (size_t)used, left = CLOCK_INSTANT_SIZE - at;
    if (fraction == 0)
        snprintf(out + at, left, "Z");
    else if (fraction % NS_PER_MS == 0)
        snprintf(out + at, left, ".%03dZ", (int)(fraction / NS_PER_MS));
    else if (fraction % NS_PER_US == 0)
        snprintf(out + at, left, ".%06dZ", (int)(fraction / NS_PER_US));
    else
        snprintf(out + at, left, ".%09dZ", (int)fraction);
}

int clock_parse_duration(const char *text, size_t length, int64_t *out_ns)
{
    static const struct {
        const char *suffix;
        double ns;
    } units[] = {{"ms", 1e6}, {"us", 1e3},   {"ns", 1},      {"s", 1e9},
                 {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}, {"", 1e9}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t tail = strlen(units[i].suffix);
        double value;
        if (length <= tail || memcmp(text + length - tail, units[i].suffix, tail) != 0 ||
            !text_to_double((struct text){text, length - tail}, &value))
            continue;
        if (value < 0 || value * units[i].ns > 9e18)
            return -1;
        *out_ns = llround(value * units[i].ns);
        return 0;
    }
    return -1;
}
