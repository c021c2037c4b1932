/* Bills as tables for a spreadsheet.
 *
 *     struct buffer table;
 *     export_bill_plans(bills, count, &table);        // plans.csv
 *     export_bill_requests(bills, count, &table);     // requests.csv
 *
 * Several bills are of the same plans, each of a workload of its own. Money is exact; what is not
 * known is an empty cell.
 */
#ifndef FAREBOX_CLI_REPORT_EXPORT_EXPORT_BILL_H
#define FAREBOX_CLI_REPORT_EXPORT_EXPORT_BILL_H

#include "core/buffer.h"
#include "sim/cost/bill/bill.h"

/* A row for each workload and plan, with every figure of bill.json's plans. */
void export_bill_plans(const struct bill *const *bills, size_t count, struct buffer *out);

/* A row for each request as billed (of an extrapolation: of the period), in the order of their
 * times, with what each plan charges for it alone; empty where it does not serve it. What is paid
 * by the period is in no row. */
void export_bill_requests(const struct bill *const *bills, size_t count, struct buffer *out);

#endif
