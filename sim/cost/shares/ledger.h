/* The ledger of a plan's bill: what each request was charged, what included credit paid of that,
 * and what the plan's own meter counted of it.
 *
 * What is paid by the period is divided by the meter: the requests, tokens or dollars that the
 * allowance counts. Each span of paid time has its fee and its capacity; what nobody used of it is
 * the unused part.
 *
 *     struct ledger l;
 *     ledger_open(&l, &bill, plan_number);
 *     for (size_t i = 0; i < l.count; i++)
 *         if (l.served[i]) use(l.charge[i], l.covered ? l.covered[i] : 0);
 *     ledger_close(&l);
 *
 * Rows are those of the workload as billed. The charges add up to the bill's sums.total; where the
 * bill was scaled to a period they are those of the stretch that was placed. Borrows the bill.
 */
#ifndef FAREBOX_SIM_COST_SHARES_LEDGER_H
#define FAREBOX_SIM_COST_SHARES_LEDGER_H

#include "sim/cost/bill/bill_parts.h"

/* What the meter counts in. */
enum meter_kind { METER_REQUESTS, METER_TOKENS, METER_USD };

struct plan_meter {
    enum meter_kind kind;
    bool
        is_quota; /* an allowance of the plan is it, `quota`, of all that are bought together; else
                     all served requests count alike, or their tokens where units are provisioned */
    struct plan_quota quota;
    money_magnitude unit;           /* so much of `metered` is one request, token or dollar */
    money_magnitude used, capacity; /* over all spans; the same where no allowance counts */
};

/* "requests", "turns", "sessions", "tokens", "input tokens", "output tokens", "credits", "USD". */
const char *meter_words(const struct plan_meter *meter, const struct plan *plan);

/* Paid time: a period, or all that begin within a day of the first where periods are shorter. */
struct paid_span {
    int64_t begin_ns, end_ns; /* of the workload's time */
    money fee;
    money_magnitude used, capacity;
};

struct ledger {
    const struct bill *bill;
    const struct plan_bill *p;
    struct serve_rows rows;
    struct purchase purchase;
    size_t count;
    bool *served;
    money *charge;            /* by row; 0 where it is not served */
    money *covered;           /* by row; NULL: the plan includes no credit */
    money_magnitude *metered; /* by row; NULL: nothing is paid by the period */
    struct plan_meter meter;
    struct paid_span *spans; /* in their order */
    size_t span_count;
};

void ledger_open(struct ledger *out, const struct bill *bill, size_t plan);
void ledger_close(struct ledger *l);

/* So much of what the meter counts in requests, tokens, credits or USD, 1 USD of money for each; of
 * a bill that is scaled, for all of its period. To 1e-24, cut. */
money ledger_quantity(const struct ledger *l, money_magnitude metered);

/* When the request started, of the workload's time. */
int64_t ledger_start_ns(const struct ledger *l, size_t row);

/* The paid span in which the request started. */
size_t ledger_span_of(const struct ledger *l, size_t row);

#endif
