/* Why a provider's figure differs from one's own: the difference split by cause.
 *
 *     struct reconciliation r;
 *     struct reconcile_options how = {.plan = plan};
 *     if (reconcile(&r, &own, &invoice, &how, err) < 0) return err->code;
 *     reconciliation_write_table(&r, width, &text);
 *     reconciliation_write_json(&r, &writer);
 *     reconciliation_free(&r);
 *
 * ours + every finding + rest = theirs, to the last digit of 1e-24 USD. A finding names one cause,
 * or several that cannot be told apart. Lines with ids are joined with the records one by one; sums
 * by days are compared cell by cell, and there only what reproduces a difference exactly is named.
 * What nothing reproduces stays in the rest.
 *
 * What each request would be billed is turned into what it was billed one fact after the other, in
 * the order of enum cause: the difference that a step makes is that cause's, so what two causes do
 * together belongs to the later one. Credits and taxes that stand as lines are taken as they stand.
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_RECONCILE_H
#define FAREBOX_SIM_COST_RECONCILE_RECONCILE_H

#include "core/json/json_write.h"
#include "sim/cost/reconcile/invoice.h"
#include "sim/cost/reconcile/own.h"

struct reconcile_options {
    const struct plan *plan; /* NULL: the costs that the records report */
    uint64_t usd_each;       /* millionths of a USD for one of the invoice's currency; 0 = as the
                                invoice says */
    bool has_period;         /* compare this time only, instead of the invoice's own */
    int64_t from_ns, until_ns;
};

struct finding {
    uint32_t causes; /* bits; one of them, and the others cannot be told from it */
    uint64_t rows;   /* requests, lines or sums that it touches */
    money usd;       /* theirs − ours */
    money up, down;  /* of it what is dearer there, and what is cheaper (negative) */
    money moved;     /* amounts that stand on another day there */
};

struct reconciliation {
    const char *form; /* of the invoice */
    const char *plan; /* NULL */
    bool by_id;
    uint64_t own_rows, own_inside, invoice_lines, joined; /* own: requests; inside: compared */
    uint64_t outside;  /* own charges outside of the invoice's time: not compared */
    uint64_t unpriced; /* own requests that have no price */
    bool has_period;
    int64_t from_ns, until_ns;
    money ours, theirs, rest;
    uint64_t rest_rows;
    bool rest_unpriced; /* some sums of tokens have no price without their requests: they count as
                           one's own */
    struct finding *findings; /* in the order of causes, those of one cause first */
    size_t count;
    int64_t offset_ns;                    /* of the day boundary; 0 */
    int64_t offset_from_ns, offset_to_ns; /* sums: every offset between explains as much */
    uint64_t factor;                      /* of the list price that is paid, as found; TERMS_ONE */
    money unit;                           /* of rounding, as found; 0 */
    int64_t price_date_ns;                /* a day of the prices there; TIME_NEVER */
    char currency[8];
    uint64_t per_usd;
    bool amounts; /* theirs are the invoice's; else its usage at the plan's prices */
};

/* ERR_INPUT: neither a plan nor costs, a currency without its rate, sums and records without times,
 * nothing that can be compared. */
int reconcile(struct reconciliation *out, const struct own_list *own, const struct invoice *invoice,
              const struct reconcile_options *how, struct error *err);
void reconciliation_free(struct reconciliation *r);

/* The finding of exactly these causes; NULL. */
const struct finding *reconciliation_find(const struct reconciliation *r, uint32_t causes);

/* The sum of what cannot be told apart, without signs, and of the rest. */
money reconciliation_unexplained(const struct reconciliation *r);

void reconciliation_write_json(const struct reconciliation *r, struct json_writer *w);
void reconciliation_write_table(const struct reconciliation *r, int width, struct buffer *out);

#endif
