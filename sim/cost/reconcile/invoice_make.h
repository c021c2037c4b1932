/* The invoice that a provider would write for some records, with errors of known kinds in it.
 *
 *     struct invoice_making how = {.plan = plan, .seed = 1};
 *     if (invoice_fault_add(&how, "cache-class=3", err) < 0) ...
 *     invoice_make(&invoice, &own, &how, truth, changed, err);
 *     invoice_write(&invoice, &text);
 *
 * Faults are applied in the order of the causes, whatever the order in which they were given.
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_INVOICE_MAKE_H
#define FAREBOX_SIM_COST_RECONCILE_INVOICE_MAKE_H

#include "sim/cost/reconcile/invoice.h"
#include "sim/cost/reconcile/own.h"

/* One kind of error. Of most, `count` requests drawn by the seed; of the others a value. */
struct invoice_fault {
    bool given;
    uint64_t count;
    int64_t offset_ns;   /* day-boundary: "-08:00" */
    const char *name;    /* model-alias, borrowed */
    uint64_t millionths; /* discount, tax: "12.5%"; currency: "EUR:0.92" of it for a USD */
    char currency[4];
    money amount;    /* credit, rounding: "5", "0.01" */
    int64_t unix_ns; /* price-date */
};

struct invoice_making {
    const struct plan *plan;
    int64_t bucket_ns;  /* sums over so long a time, by model and service; 0 = a line a request */
    bool without_usage; /* amounts alone */
    bool without_amounts;
    bool without_list; /* of lines a request: no list price beside the amount */
    uint64_t seed;
    struct invoice_fault faults[CAUSES];
};

/* "KIND", "KIND=VALUE". ERR_INPUT with what would be right. */
int invoice_fault_add(struct invoice_making *how, const char *text, struct error *err);

/* Makes it of the records' charges. `truth` gets by how many USD each fault changed what is asked
 * for usage, in their order, and what credits and taxes come to; `changed` how many lines each
 * touched. ERR_INPUT where a fault finds nothing to change. */
int invoice_make(struct invoice *out, const struct own_list *own, const struct invoice_making *how,
                 money truth[CAUSES], uint64_t changed[CAUSES], struct error *err);

#endif
