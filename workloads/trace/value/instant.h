/* Instants as programs and people write them. Private to workloads/.
 *
 *     struct instant_rules rules = {.zone_ns = 2 * 3600 * NS_PER_S, .order = DATES_NOT_SAID};
 *     switch (instant_parse(text, &rules, &unix_ns)) { case INSTANT_AMBIGUOUS: ... }
 *
 * Read are, with or without a weekday in front: 2026-03-01, 2026/3/1, 20260301, 1.3.2026,
 * 1 Mar 2026, 01/Mar/2026, March 1, 2026, and 3/1/2026 where a number above 12 or the rules say
 * which one is the month; behind it, after a blank, a comma, a colon or a T, 10:00, 10:00:00,
 * 10:00:00.123 or ,123, with AM or PM; behind that Z, UTC, GMT or an offset (+02:00, +0200, +02);
 * and date(1)'s own form, Sun Mar  1 10:00:00 UTC 2026. Names of other zones are refused: they do
 * not say what offset they had.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_VALUE_INSTANT_H
#define FAREBOX_WORKLOADS_TRACE_VALUE_INSTANT_H

#include "core/text.h"

#include <stdint.h>

enum date_order { DATES_NOT_SAID, DATES_DAY_FIRST, DATES_MONTH_FIRST };

struct instant_rules {
    int64_t zone_ns; /* offset of times that name no zone */
    enum date_order order;
};

enum instant_verdict { INSTANT_GOOD, INSTANT_AMBIGUOUS, INSTANT_NONE };

enum instant_verdict instant_parse(struct text t, const struct instant_rules *rules,
                                   int64_t *unix_ns);

/* "+02:00", "-0330", "Z", "UTC", "UTC+2": 0, or -1. */
int instant_zone_parse(struct text t, int64_t *zone_ns);

#endif
