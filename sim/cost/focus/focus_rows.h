/* A bill as FOCUS 1.2 rows: what each charge was for, by day, model, service and labels.
 *
 *     struct focus_options o = {.account = "acme"};
 *     struct focus_rows rows;
 *     if (focus_rows_make(&rows, &bill, plan_number, err) < 0) return err->code;
 *     focus_write(&rows, &o, &buffer);
 *     focus_rows_free(&rows);
 *
 * Every charge is a product of a quantity and a price, exactly. BilledCost adds up to the bill's
 * total, to the last digit, and so does EffectiveCost: what is paid by the period is a purchase
 * without effective cost, and the usage that its allowance took, with the part of it that nobody
 * used, has that cost instead (CommitmentDiscountStatus).
 */
#ifndef FAREBOX_SIM_COST_FOCUS_FOCUS_ROWS_H
#define FAREBOX_SIM_COST_FOCUS_FOCUS_ROWS_H

#include "sim/cost/shares/ledger.h"

/* What a row is for. Those of the token classes come first, by enum usage_class. */
enum focus_kind {
    FOCUS_REQUEST = USAGE_CLASSES,
    FOCUS_TOOL,
    FOCUS_UNIT,
    FOCUS_RETRIES, /* attempts before the last, in USD */
    FOCUS_FREE,    /* requests that cost nothing */
    FOCUS_USED,    /* of an allowance that is paid by the period */
    FOCUS_UNUSED,
    FOCUS_SUBSCRIPTION,
    FOCUS_SETUP,
    FOCUS_INCLUDED,   /* what included credit pays, negative */
    FOCUS_VOLUME,     /* volume discount, negative */
    FOCUS_CREDIT_FEE, /* or bonus, negative */
    FOCUS_MINIMUM,
    FOCUS_ROUNDING, /* of classes and requests, and what a minimum adds to each */
    FOCUS_ROUNDED,  /* of the whole bill */
    FOCUS_KINDS,
};

/* One row. Quantities are money of 1 USD each. */
struct focus_row {
    int64_t begin_ns, end_ns; /* Unix time */
    size_t span;              /* of the ledger, where kind is FOCUS_USED; else 0 */
    enum focus_kind kind;
    uint32_t model, labels; /* numbers of the workload's names; NAME_NONE */
    uint8_t service;
    const char *name; /* the tool or unit; NULL */
    money price;      /* of one */
    money quantity, consumed;
    money billed, effective, list;
    money_magnitude metered;                        /* by the ledger's meter */
    uint64_t requests, input_tokens, output_tokens; /* counted here and on no other row */
    bool counts;                                    /* some are */
};

struct focus_rows {
    const struct bill *bill;
    const struct plan_bill *p;
    struct ledger ledger;
    struct focus_row *rows; /* by their time, then by kind, model, labels */
    size_t count;
    /* while they are made: slots of an open hash, row number + 1 */
    size_t capacity, slot_count;
    uint32_t *slots;
};

/* Borrows the bill. ERR_INPUT: no start is known, or the bill was scaled to a period. */
int focus_rows_make(struct focus_rows *out, const struct bill *bill, size_t plan,
                    struct error *err);
void focus_rows_free(struct focus_rows *rows);

/* What the bill does not know. NULL: see docs/focus.md for what stands there then. */
struct focus_options {
    const char *account, *account_name, *sub_account, *provider, *publisher, *issuer, *invoice,
        *service;
};

/* The file: a header and the rows. */
void focus_write(const struct focus_rows *rows, const struct focus_options *o, struct buffer *out);

#endif
