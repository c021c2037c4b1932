/* Money while a bench runs: what the answers cost so far under each plan, and the budget.
 *
 *     struct bench_money m;
 *     bench_money_init(&m, &plans, &config, &workload, "1.50", err);
 *     ... bench_money_admit(&m, row) before each sending, from any worker
 *     ... bench_money_note(&m, &record) for each record
 *     bench_money_free(&m);
 *
 * Quotas, subscriptions and what depends on other requests are the bill's business: this is the
 * usage alone. With a budget, what is in flight counts at the workload's lengths, by the dearest
 * model that it may have gone to, until its answer is there.
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_MONEY_H
#define FAREBOX_CLI_BENCH_BENCH_MONEY_H

#include "bench/client/bench.h"
#include "cli/command.h"
#include "core/runs/record/record.h"
#include "sim/cost/book/select.h"
#include "workloads/model/workload.h"

#include <pthread.h>

struct bench_money {
    struct plan_selection plans;
    const struct bench_config *config; /* its endpoints: which model a request is for */
    const struct workload *workload;
    money *spent; /* by plan */
    bool limited;
    money limit, reserved, probe; /* of the first plan; the probe is in `reserved` for good */
    int64_t start_unix_ns;
    bool overflowed; /* an amount did not fit: the spend is too low, and nothing more is admitted */
    pthread_mutex_t lock; /* workers ask, the observer notes */
};

/* `limit` is a decimal number of USD, or NULL. The config and the workload are borrowed. ERR_INPUT
 * for unknown plans, for a limit that is no amount, and for one without a plan; ERR_WORK for one
 * that the probe may use up. */
int bench_money_init(struct bench_money *m, const struct option_list *plans,
                     const struct bench_config *c, const struct workload *w, const char *limit,
                     struct error *err);
void bench_money_free(struct bench_money *m);

/* Before the run: tells what `limit` cannot stop, because the first plan charges nothing for it. */
void bench_money_warn(struct bench_money *m, const struct terminal *t, const char *limit);

/* True if the most that the request can cost still fits; it is reserved then. */
bool bench_money_admit(struct bench_money *m, uint32_t row);

void bench_money_note(struct bench_money *m, const struct record *r);

/* "$0.41 name · $3.25 name" of the first two plans; empty without plans. */
void bench_money_show(struct bench_money *m, char *out, size_t size);

/* What a request would cost. */
struct bench_quote {
    money amount;
    bool sold;     /* the plan sells the model */
    bool guessed;  /* the model is not known: the dearest that the plan sells */
    bool unpriced; /* its service, or some of its tokens, tools or units, has no price: too low */
};

/* What the request would cost, sent to that endpoint at that instant of the run, if it is answered
 * as the workload says. Usage alone: the bill knows quotas and subscriptions. -1 where it does not
 * fit. */
int bench_money_quote(struct bench_money *m, size_t plan, uint32_t row, size_t endpoint,
                      int64_t sent_ns, struct bench_quote *out);

#endif
