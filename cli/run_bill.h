/* The bill of a finished run, for the commands that print it at once: bench, sim, report.
 *
 *     if (run_bill_print(t, "results/x", &options->plans, NULL, err) < 0) ...
 *
 * It is what `farebox bill RUN --plans ...` makes, and bill.json is written into the run. Whoever
 * has the records in hand makes it of those:
 *
 *     struct run_bill b = {0};
 *     run_bill_select(&options->plans, &b.plans, err);
 *     run_workload_begin(&b.run, NULL, NULL);          // and so on, see there
 *     if (run_bill_make(&b, "results/x", err) == 0)
 *         bill_write_table(&b.bill, t->width, &text);
 *     run_bill_free(&b);
 */
#ifndef FAREBOX_CLI_RUN_BILL_H
#define FAREBOX_CLI_RUN_BILL_H

#include "cli/terminal.h"
#include "sim/cost/bill/bill.h"
#include "sim/cost/bill/run_workload.h"
#include "sim/cost/book/select.h"
#include "sim/cost/ladder/ladder.h"

struct run_bill {
    uint64_t volume; /* set before: the bill of a month of so many requests; 0: of the run */
    struct plan_selection plans;
    struct run_workload run;
    struct token_scales scales;
    struct bill bill;
    struct ladder ladder; /* of a month */
};

/* Bills what is in out->run under out->plans, and writes bill.json. The caller frees it after
 * errors, too. */
int run_bill_make(struct run_bill *out, const char *run, struct error *err);
void run_bill_free(struct run_bill *b);

/* Reads the run, says what is to be known of its records, and prints the table. tokens_as: of its
 * option; NULL where a command has none. */
int run_bill_print(const struct terminal *t, const char *run, const struct option_list *plans,
                   const struct option_list *tokens_as, struct error *err);

/* As many threads as there are processors; the result does not depend on it. */
unsigned run_bill_workers(void);

/* Requests that cost nothing, and usage that nobody reported. */
void run_bill_tell(const struct terminal *t, const struct run_workload_report *r);

/* The row of the option that says how models count, and what it says; a factor that is to be learnt
 * is learnt here. ERR_INPUT as token_scales_add, token_learn. */
#define TOKENS_AS_OPTION(type, field)                                                           \
    {                                                                                           \
        "tokens-as", 0, OPTION_LIST, offsetof(type, field),                                     \
            .unit = "MODEL=FACTORS",                                                            \
            .help =                                                                             \
                "requests counted as another model but priced as MODEL have so many times the " \
                "tokens: in:1.3,out:1.1, or RUN_A:RUN_B to learn it from runs of the same "     \
                "prompts, A's model being the one that counted; again and again"                \
    }
int run_bill_read_scales(const struct option_list *list, struct token_scales *out,
                         struct error *err);

/* Chooses the plans of a --plans option; ERR_INPUT as plan_select. */
int run_bill_select(const struct option_list *plans, struct plan_selection *out, struct error *err);

/* Says which plans a seller's name stood for. */
void run_bill_say_taken(const struct terminal *t, const struct plan_selection *plans);

#endif
