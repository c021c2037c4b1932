/* A demand history: requests by day, from a CSV file or a bill's FOCUS rows.
 *
 *     date,requests,input_tokens,output_tokens
 *     2026-10-01,41200,58000000,9100000
 *
 * The columns are found by their names; the two of tokens may be absent, but only together. Days
 * follow each other without a gap (a day without demand is a line with 0). Where tokens are given
 * they are the measure of demand, as money follows them.
 *
 * Of a FOCUS file (sim/cost/focus/focus.h) the charges for usage count, corrections among them: our
 * own columns of requests and tokens, or where it has none what is consumed in tokens and requests.
 * Days without a charge are days without demand.
 *
 *     struct demand_history h;
 *     if (demand_history_read("demand.csv", &h, err) < 0) return err->code;
 *     demand_history_free(&h);
 */
#ifndef FAREBOX_SIM_PLAN_FORECAST_HISTORY_H
#define FAREBOX_SIM_PLAN_FORECAST_HISTORY_H

#include "core/error.h"
#include "core/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMAND_HISTORY_DAYS 4096

struct demand_history {
    int64_t first_day; /* days since 1970-01-01 */
    size_t days;
    bool has_tokens;
    uint64_t *requests, *tokens; /* by day; tokens are input and output together */
};

/* ERR_INPUT with file, line and column. On an error nothing is left to free. */
int demand_history_read(const char *path, struct demand_history *out, struct error *err);

/* The same of an open FOCUS file, which is closed; into the arrays of `out`. ERR_INPUT also where a
 * charge counts for more than a day, or none says how much was used. */
int demand_history_focus(struct line_reader *lines, struct demand_history *out, struct error *err);

void demand_history_free(struct demand_history *h);

#endif
