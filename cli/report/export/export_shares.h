/* Who bears how much of a bill, as a table for a spreadsheet.
 *
 *     export_bill_shares(bills, count, &table);        // shares.csv
 */
#ifndef FAREBOX_CLI_REPORT_EXPORT_EXPORT_SHARES_H
#define FAREBOX_CLI_REPORT_EXPORT_EXPORT_SHARES_H

#include "core/buffer.h"
#include "sim/cost/bill/bill.h"

/* A row for each workload, plan and part of its bill: values of options.by, what has none, what is
 * unused. Money is exact, and the parts of a plan add up to its total. */
void export_bill_shares(const struct bill *const *bills, size_t count, struct buffer *out);

#endif
