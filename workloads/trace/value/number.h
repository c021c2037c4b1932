/* Numbers as tables and logs write them. Private to workloads/.
 *
 * Counts are whole: 1234, 1234.0, 1.234e3, "1,234", 1'234, 1 234 (with the blanks that typesetters
 * use, too), and 1.234 where the table writes decimals with a comma. Amounts are dollars: 0.0012,
 * $0.0012, 1,234.50 USD, 1.2e-05, and 0,0012 there.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_VALUE_NUMBER_H
#define FAREBOX_WORKLOADS_TRACE_VALUE_NUMBER_H

#include "core/money.h"
#include "core/text.h"

/* True for what stands where there is no value: nothing, nan, null, None, N/A, NA, -, \N. */
bool number_is_missing(struct text t);

/* False if it is no whole number from 0. `decimal_comma`: of the table. */
bool number_count(struct text t, bool decimal_comma, uint64_t *out);

/* False if it is no amount in dollars that is known exactly. */
bool number_dollars(struct text t, bool decimal_comma, money *out);

#endif
