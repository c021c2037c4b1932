/* Time. Inside: monotonic nanoseconds in int64_t. Wall-clock time is only ever a label.
 *
 * Code that schedules, limits or simulates takes `now_ns` as an argument and never calls
 * clock_now_ns() itself; only the loops of bench, mock and the progress line do.
 */
#ifndef FAREBOX_CORE_CLOCK_H
#define FAREBOX_CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* An instant that never comes, or did not come. */
#define TIME_NEVER INT64_MAX

/* The last instant at which a request may be due: 100 years. int64 nanoseconds end at 292, and what
 * takes its time behind it has room. */
#define TIME_LAST_DUE (INT64_C(100) * 365 * 86400 * NS_PER_S)

/* The last instant that a simulation goes to, 150 years: what waits for another request is due
 * within 100 years of it. Engines know none behind TIME_LAST_PLANNED, 280 years: what would end
 * later ends there. */
#define TIME_LAST_SIMULATED (INT64_C(150) * 365 * 86400 * NS_PER_S)
#define TIME_LAST_PLANNED (INT64_C(280) * 365 * 86400 * NS_PER_S)

/* The last whole multiple of `unit` that is not after `ns`, also before 0. */
static inline int64_t clock_floor(int64_t ns, int64_t unit)
{
    int64_t rest = ns % unit;
    return ns - (rest < 0 ? rest + unit : rest);
}

/* CLOCK_MONOTONIC. */
int64_t clock_now_ns(void);

/* CPU time of the calling thread. */
int64_t clock_thread_cpu_ns(void);

/* CLOCK_REALTIME as nanoseconds since 1970-01-01 UTC: a label, never subtracted from another. */
int64_t clock_wall_ns(void);

/* Parses an instant: "2023-11-16 18:17:03.9799600", "2024-05-10T00:00:00.009930+00:00",
 * "2026-11-01T00:00:00Z", date alone. `T` or one space between; up to 9 digits of fraction, more
 * are cut; no zone means UTC. Gives nanoseconds since 1970-01-01 UTC. Returns 0, or -1 if the
 * text (all `length` bytes of it) is not an instant between the years 1678 and 2262. */
int clock_parse_instant(const char *text, size_t length, int64_t *out_ns);

/* Parses a length of time: "30s", "500ms", "2m", "1h", "7d", "10us", "5ns"; a bare number is
 * seconds. Gives nanoseconds. Returns 0, or -1 if the text is none, is below 0 or above 285 years.
 */
int clock_parse_duration(const char *text, size_t length, int64_t *out_ns);

/* "2026-11-01T12:00:00Z"; with a fraction (3, 6 or 9 digits) only where it is not zero. */
#define CLOCK_INSTANT_SIZE 40
void clock_format_instant(int64_t unix_ns, char out[CLOCK_INSTANT_SIZE]);

/* Days since 1970-01-01 of a day in the proleptic Gregorian calendar, and back. */
int64_t clock_days_from_civil(int64_t year, int month, int day);
void clock_civil_from_days(int64_t days, int64_t *year, int *month, int *day);

/* The day, counted as above, in which an instant lies: -1 is the last one before 1970. */
int64_t clock_day_of(int64_t unix_ns);

#endif
