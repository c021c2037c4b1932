#include "workloads/trace/value/instant.h"

#include "core/clock.h"
#include "core/memory.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct cursor {
    const char *at, *end;
};

/* What was read of an instant; months from 1. */
struct when {
    int year, month, day;
    int64_t time_ns, zone_ns;
    bool has_zone, ambiguous;
};

static char next_char(const struct cursor *c)
{
    return c->at < c->end ? *c->at : '\0';
}

static bool take(struct cursor *c, char wanted)
{
    if (next_char(c) != wanted || c->at == c->end)
        return false;
    c->at++;
    return true;
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

/* A number of at most `most` digits: how many it had, 0 for none or more of them. */
static int take_number(struct cursor *c, int most, int *out)
{
    int digits = 0;
    *out = 0;
    while (c->at + digits < c->end && isdigit((unsigned char)c->at[digits]) && digits <= most)
        *out = *out * 10 + (c->at[digits++] - '0');
    if (digits > most)
        return 0;
    c->at += digits;
    return digits;
}

/* A word of letters; empty where there is none. */
static struct text peek_word(const struct cursor *c)
{
    const char *p = c->at;
    while (p < c->end && isalpha((unsigned char)*p))
        p++;
    return (struct text){c->at, (size_t)(p - c->at)};
}

/* The place of a word among names that it may shorten to three letters, or -1. */
static int find_name(struct text word, const char *const *names, int count)
{
    for (int i = 0; i < count && word.length >= 3; i++)
        if (word.length <= strlen(names[i]) && strncasecmp(word.at, names[i], word.length) == 0)
            return i;
    return -1;
}

static bool take_month_name(struct cursor *c, int *month)
{
    static const char *const names[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
    struct text word = peek_word(c);
    int found = find_name(word, names, COUNT_OF(names));
    if (found < 0)
        return false;
    *month = found + 1;
    c->at += word.length;
    take(c, '.');
    return true;
}

static void skip_weekday(struct cursor *c)
{
    static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};
    struct text word = peek_word(c);
    if (find_name(word, names, COUNT_OF(names)) < 0)
        return;
    c->at += word.length;
    take(c, '.');
    take(c, ',');
    skip_blanks(c);
}

static bool take_zone(struct cursor *c, struct when *w)
{
    int hours, minutes = 0;
    struct text word = peek_word(c);
    bool named = (word.length == 1 && (*word.at == 'Z' || *word.at == 'z')) ||
                 (word.length == 3 &&
                  (strncasecmp(word.at, "UTC", 3) == 0 || strncasecmp(word.at, "GMT", 3) == 0));
    if (named)
        c->at += word.length;
    int sign = take(c, '+') ? 1 : take(c, '-') ? -1 : 0;
    w->has_zone = named || sign;
    if (!sign)
        return named;
    int digits = take_number(c, 4, &hours);
    if (digits == 4) {
        minutes = hours % 100;
        hours /= 100;
    } else if (digits == 0 || digits == 3) {
        return false;
    } else if (take(c, ':') && take_number(c, 2, &minutes) != 2) {
        return false;
    }
    w->zone_ns = sign * (hours * INT64_C(60) + minutes) * 60 * NS_PER_S;
    return hours < 24 && minutes < 60;
}

/* Two numbers of which one is the day and one the month. */
static void day_and_month(int first, int second, enum date_order order, struct when *w)
{
    bool day_first = first > 12 || (second <= 12 && order == DATES_DAY_FIRST);
    w->ambiguous = first <= 12 && second <= 12 && first != second && order == DATES_NOT_SAID;
    w->day = day_first ? first : second;
    w->month = day_first ? second : first;
}

/* Behind a first number of one or two digits: "/3/2026", " Mar 2026", "-Mar-26" is refused. */
static bool take_day_first(struct cursor *c, int first, enum date_order order, struct when *w)
{
    int second;
    char between = next_char(c);
    if (!between || !strchr("/-. ", between))
        return false;
    c->at++;
    skip_blanks(c);
    if (take_month_name(c, &w->month)) {
        w->day = first;
        between = next_char(c);
        if (!between || !strchr("/-, ", between))
            return false;
        c->at++;
        skip_blanks(c);
        return take_number(c, 4, &w->year) == 4;
    }
    if (between == ' ' || take_number(c, 2, &second) == 0 || !take(c, between))
        return false;
    day_and_month(first, second, between == '.' ? DATES_DAY_FIRST : order, w);
    return take_number(c, 4, &w->year) == 4;
}

/* A date that begins with a number. */
static bool take_numbers(struct cursor *c, enum date_order order, struct when *w)
{
    int first, digits = take_number(c, 8, &first);
    if (digits == 8) {
        w->year = first / 10000;
        w->month = first / 100 % 100;
        w->day = first % 100;
        return true;
    }
    if (digits == 1 || digits == 2)
        return take_day_first(c, first, order, w);
    char between = next_char(c);
    if (digits != 4 || !between || !strchr("/-.", between))
        return false;
    w->year = first;
    c->at++;
    return (take_month_name(c, &w->month) || take_number(c, 2, &w->month)) && take(c, between) &&
           take_number(c, 2, &w->day);
}

static bool take_time(struct cursor *c, struct when *w)
{
    int hour, minute, second = 0, digits = take_number(c, 6, &hour);
    int64_t fraction = 0, unit = NS_PER_S;
    if (digits == 6 || digits == 4) { /* 100000 */
        second = digits == 6 ? hour % 100 : 0;
        hour = digits == 6 ? hour / 100 : hour;
        minute = hour % 100;
        hour /= 100;
    } else if (digits == 0 || digits > 2 || !take(c, ':') || take_number(c, 2, &minute) != 2 ||
               (take(c, ':') && take_number(c, 2, &second) != 2)) {
        return false;
    }
    if (next_char(c) == '.' || next_char(c) == ',') {
        c->at++;
        if (!isdigit((unsigned char)next_char(c)))
            return false;
        for (; isdigit((unsigned char)next_char(c)); c->at++) {
            unit /= 10;
            fraction += (*c->at - '0') * unit;
        }
    }
    skip_blanks(c);
    struct text word = peek_word(c);
    if (word.length == 2 && tolower((unsigned char)word.at[1]) == 'm' &&
        strchr("aApP", word.at[0])) {
        if (hour < 1 || hour > 12)
            return false;
        hour = hour % 12 + (tolower((unsigned char)word.at[0]) == 'p' ? 12 : 0);
        c->at += 2;
    }
    w->time_ns = ((hour * 60 + minute) * INT64_C(60) + second) * NS_PER_S + fraction;
    return hour < 24 && minute < 60 && second <= 60;
}

/* "Mar 1, 2026 10:00", and date(1)'s "Mar  1 10:00:00 UTC 2026". */
static bool take_month_first(struct cursor *c, struct when *w, bool *has_time)
{
    skip_blanks(c);
    if (take_number(c, 2, &w->day) == 0)
        return false;
    take(c, ',');
    skip_blanks(c);
    struct cursor before = *c;
    if (take_number(c, 4, &w->year) == 4 && next_char(c) != ':')
        return true;
    *c = before;
    *has_time = true;
    if (!take_time(c, w))
        return false;
    skip_blanks(c);
    if (!isdigit((unsigned char)next_char(c)) && !take_zone(c, w))
        return false;
    skip_blanks(c);
    return take_number(c, 4, &w->year) == 4;
}

/* What stands between a date and its time. */
static bool take_gap(struct cursor *c)
{
    const char *start = c->at;
    take(c, ',');
    skip_blanks(c);
    if (c->at == start && !take(c, 'T') && !take(c, 't') && !take(c, ':'))
        return false;
    struct text word = peek_word(c);
    if (word.length == 2 && strncasecmp(word.at, "at", 2) == 0) {
        c->at += 2;
        skip_blanks(c);
    }
    return true;
}

static bool take_instant(struct cursor *c, enum date_order order, struct when *w)
{
    bool has_time = false;
    skip_weekday(c);
    if (take_month_name(c, &w->month)) {
        if (!take_month_first(c, w, &has_time))
            return false;
    } else if (!take_numbers(c, order, w)) {
        return false;
    }
    if (has_time || c->at == c->end)
        return true;
    if (!take_gap(c) || !take_time(c, w))
        return false;
    skip_blanks(c);
    return c->at == c->end || take_zone(c, w);
}

static bool is_date(const struct when *w)
{
    int64_t year;
    int month, day;
    if (w->year < 1678 || w->year > 2261 || w->month < 1 || w->month > 12 || w->day < 1)
        return false;
    clock_civil_from_days(clock_days_from_civil(w->year, w->month, w->day), &year, &month, &day);
    return year == w->year && month == w->month && day == w->day;
}

enum instant_verdict instant_parse(struct text t, const struct instant_rules *rules,
                                   int64_t *unix_ns)
{
    struct cursor c = {t.at, t.length ? t.at + t.length : t.at};
    struct when w = {0};
    if (rules->zone_ns == 0 && clock_parse_instant(t.at, t.length, unix_ns) == 0)
        return INSTANT_GOOD;
    if (!take_instant(&c, rules->order, &w) || c.at != c.end || !is_date(&w))
        return INSTANT_NONE;
    if (w.ambiguous)
        return INSTANT_AMBIGUOUS;
    *unix_ns = clock_days_from_civil(w.year, w.month, w.day) * 86400 * NS_PER_S + w.time_ns -
               (w.has_zone ? w.zone_ns : rules->zone_ns);
    return INSTANT_GOOD;
}

int instant_zone_parse(struct text t, int64_t *zone_ns)
{
    struct cursor c = {t.at, t.length ? t.at + t.length : t.at};
    struct when w = {0};
    if (!take_zone(&c, &w) || c.at != c.end)
        return -1;
    *zone_ns = w.zone_ns;
    return 0;
}
