/* Who bears how much of a bill: each plan's total, divided by model, class, session, day or label.
 *
 *     struct bill_options options = {.by = "team"};
 *     ...
 *     if (bill_make(&bill, &workload, plans, count, &options, err) < 0) ...
 *     if (bill_shares_make(&bill, err) < 0) ...         // fills bill.plans[..].groups
 *     bill_shares_write_table(&bill, width, &buffer);
 *
 * Charges go to whom they were made for, and so does the credit that paid them. What is paid by the
 * period is divided by what the plan's own meter counted (ledger.h); what nobody used of it, and
 * what a minimum adds, is a part of its own. Volume discounts go by the charges, fees on credits by
 * what is left of them, set-up fees by the meter. All divisions are by the largest remainder: the
 * parts add up to the total, to the last digit, and so do the figures of the table.
 */
#ifndef FAREBOX_SIM_COST_SHARES_SHARES_H
#define FAREBOX_SIM_COST_SHARES_SHARES_H

#include "sim/cost/bill/bill.h"

/* Fills the groups of every plan; nothing where the options have no `by`. ERR_INPUT: no request has
 * such a label. The bill owns what is made. */
int bill_shares_make(struct bill *bill, struct error *err);

/* What divides a plan's bill, which parts are credits, and what is compared: a line each. */
void bill_shares_put_notes(const struct bill *bill, const struct plan_bill *p, struct buffer *out);

/* "+12 %", "×25", "new", or "–". */
#define BILL_TREND_SIZE 32
const char *bill_share_trend(const struct bill_group *g, char out[BILL_TREND_SIZE]);

/* How a request's price varies within the part: deviation / mean ("0.86"), and the dearest over the
 * median ("6.0×"); of a plan that charges nothing by the request 0.00 and 1.0×, "–" where nothing
 * was served or paid. */
const char *bill_share_cv(const struct plan_bill *p, const struct bill_group *g,
                          char out[BILL_TREND_SIZE]);
const char *bill_share_dearest(const struct plan_bill *p, const struct bill_group *g,
                               char out[BILL_TREND_SIZE]);

/* What a person reads, `width` columns wide. */
void bill_shares_write_table(const struct bill *bill, int width, struct buffer *out);

#endif
