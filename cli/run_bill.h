/* The bill of a finished run, for the commands that print it at once: bench, sim, report.
 *
 *     struct run_bill b;
 *     if (run_bill_make(&b, "results/x", &options->plans, err) == 0) {
 *         bill_write_table(&b.bill, t->width, &text);
 *         run_bill_free(&b);
 *     }
 *
 * It is what `farebox bill RUN --plans ...` makes, and bill.json is written into the run.
 */
#ifndef FAREBOX_CLI_RUN_BILL_H
#define FAREBOX_CLI_RUN_BILL_H

#include "cli/options.h"
#include "core/error.h"
#include "sim/cost/bill/bill.h"
#include "sim/cost/bill/run_workload.h"
#include "sim/cost/book/select.h"

struct run_bill {
    struct plan_selection plans;
    struct workload workload;
    struct earlier_attempts earlier;
    struct bill bill;
};

/* On an error nothing is left to free. */
int run_bill_make(struct run_bill *out, const char *run, const struct option_list *plans,
                  struct error *err);

/* The same; answers that miss one of the objectives count as waste. */
int run_bill_make_slo(struct run_bill *out, const char *run, const struct option_list *plans,
                      const struct slo_list *slos, struct error *err);
void run_bill_free(struct run_bill *b);

/* Chooses the plans of a --plans option; ERR_INPUT as plan_select. */
int run_bill_select(const struct option_list *plans, struct plan_selection *out, struct error *err);

#endif
