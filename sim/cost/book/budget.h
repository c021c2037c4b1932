/* A budget while requests are made: what the answers cost so far under each plan, and what may
 * still be asked.
 *
 *     struct budget b;
 *     budget_init(&b, plans, &asked, 1, &workload);
 *     if (budget_limit(&b, "1.50", err) < 0) ...
 *     ... budget_admit(&b, row) before each sending, from any thread
 *     ... budget_note(&b, &record) for each record
 *     budget_free(&b);
 *
 * Quotas, subscriptions and what depends on other requests are the bill's business: this is the
 * usage alone. With a limit, what is in flight counts at the workload's lengths, by the dearest
 * model that it may have gone to, until its answer is there.
 */
#ifndef FAREBOX_SIM_COST_BOOK_BUDGET_H
#define FAREBOX_SIM_COST_BOOK_BUDGET_H

#include "core/buffer.h"
#include "core/runs/record/record.h"
#include "sim/cost/book/select.h"
#include "workloads/model/workload.h"

#include <pthread.h>

/* One that requests may go to. */
struct budget_asked {
    const char *model; /* that it is asked for; NULL: the request's own, else the first it lists */
    double share;      /* of the sessions, relative to the others */
};

struct budget {
    struct plan_selection plans;
    struct budget_asked *asked;
    size_t asked_count;
    const struct workload *workload;
    money *spent; /* by plan */
    bool limited;
    money limit, reserved, probe; /* of the first plan; the probe is in `reserved` for good */
    int64_t start_unix_ns;
    bool overflowed; /* an amount did not fit: the spend is too low, and nothing more is admitted */
    pthread_mutex_t lock; /* workers ask, the observer notes */
};

/* Takes the plans, copies `asked` (its names and the workload are borrowed). */
void budget_init(struct budget *b, struct plan_selection plans, const struct budget_asked *asked,
                 size_t asked_count, const struct workload *w);
void budget_free(struct budget *b);

/* `limit` is a decimal number of USD: the value of --max-cost. ERR_INPUT where it is no amount, or
 * there is no plan. */
int budget_limit(struct budget *b, const char *limit, struct error *err);

/* Requests that are no records of the run: what they may cost is set aside for good. Each of
 * `asked` gets one for each of `inputs`, prompts of so many tokens at most. ERR_WORK where that may
 * use up the limit. */
int budget_reserve(struct budget *b, const uint64_t *inputs, size_t count, const char *limit,
                   struct error *err);

/* Before the run: adds a line for each thing that the limit cannot stop, because the first plan
 * charges nothing for it. */
void budget_add_blind(struct budget *b, const char *limit, struct buffer *lines);

/* True if the most that the request can cost still fits; it is reserved then. */
bool budget_admit(struct budget *b, uint32_t row);

void budget_note(struct budget *b, const struct record *r);

/* ---- shares of the limit for other processes that send the same workload ---- */

/* The most that each row's request can cost, for those who admit by themselves; NULL without a
 * limit, or where one does not fit. The caller frees it. */
money *budget_most_by_row(struct budget *b);

/* Reserves one of so many parts of what is left, but no less than `least` as far as there is that
 * much; 0 where nothing is left. What is spent of it is settled by the records, which are noted
 * here; the rest is given back. */
money budget_take_slice(struct budget *b, uint64_t parts, money least);
void budget_give_back(struct budget *b, money unused);

/* "$0.41 name · $3.25 name" of the first two plans; empty without plans. */
void budget_show(struct budget *b, char *out, size_t size);

/* What a request would cost. */
struct budget_quote {
    money amount;
    bool sold;     /* the plan sells the model */
    bool guessed;  /* the model is not known: the dearest that the plan sells */
    bool unpriced; /* its service, or some of its tokens, tools or units, has no price: too low */
};

/* What the request would cost, sent to that one of `asked` at that instant of the run, if it is
 * answered as the workload says. -1 where it does not fit. */
int budget_quote(struct budget *b, size_t plan, uint32_t row, size_t asked, int64_t sent_ns,
                 struct budget_quote *out);

#endif
