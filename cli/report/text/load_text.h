/* What loads that were measured amount to, for a person: the table of sweeps, of the search for the
 * highest rate and of capacities, each with its conclusion. */
#ifndef FAREBOX_CLI_REPORT_TEXT_LOAD_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_LOAD_TEXT_H

#include "sim/plan/capacity_compare.h"
#include "sim/plan/find_max.h"
#include "sim/plan/sweep.h"

enum load_column {
    LOAD_NUMBER, /* of the row, from 1 */
    LOAD_LOAD,
    LOAD_REQUEST_RPS,
    LOAD_SERVED,
    LOAD_OUTPUT_TPS,
    LOAD_GOODPUT,
    LOAD_TTFT_P50,
    LOAD_TTFT_P99,
    LOAD_TPOT_P50,
    LOAD_TPOT_P99,
    LOAD_E2E_P50,
    LOAD_E2E_P99,
    LOAD_IN_FLIGHT,
    LOAD_FAILED,
    LOAD_CANCELLED, /* this and the next only where a point has some */
    LOAD_UNSENT,
    LOAD_COLUMNS
};

struct load_table {
    const struct load_point *points;
    size_t count;
    const enum load_column *columns;
    size_t column_count;
    bool is_rate;
    const char *(*mark)(const void *context, size_t row); /* what stands behind a row; "" */
    const void *context;
};

/* As the other texts here, `width` columns wide. */
void load_table_write(const struct load_table *t, int width, struct buffer *out);

/* What a table says beside a point: "" for one that misses its objectives or holds. */
const char *load_verdict_mark(enum load_verdict v);

void sweep_write_text(const struct sweep *s, int width, struct buffer *out);
void find_max_write_text(const struct find_max *f, int width, struct buffer *out);
void capacity_plan_write_text(const struct capacity_plan *p, int width, struct buffer *out);
void capacity_comparison_write_text(const struct capacity_comparison *c, struct buffer *out);

/* Parts of a capacity's text: "TTFT 500 ms met by 99 % of the requests", and what the demand costs
 * by use, beside the fleet. */
void capacity_objectives_text(const struct capacity_plan *p, struct buffer *out);
void capacity_bills_text(const struct capacity_plan *p, struct buffer *out);

#endif
