/* An invoice under way: its requests one by one, and the terms. Private to invoice_make. */
#ifndef FAREBOX_SIM_COST_RECONCILE_INVOICE_DRAFT_H
#define FAREBOX_SIM_COST_RECONCILE_INVOICE_DRAFT_H

#include "core/random.h"
#include "sim/cost/reconcile/invoice_make.h"

struct draft_line {
    const struct own *own; /* NULL: of nobody's records */
    char id[64];           /* of such a one; empty = the record's */
    int64_t at_ns;
    const char *model, *price_model;
    enum service service;
    const char *other_service;
    struct usage usage;
    bool has_tier, billed;
    uint64_t tier_from;
};

struct draft {
    const struct own_list *own;
    const struct invoice_making *how;
    struct draft_line *lines;
    size_t count, capacity;
    struct terms terms;
    int64_t price_at_ns; /* the prices of that day; TIME_NEVER */
    money credit;
    uint64_t tax_millionths;
    struct random random; /* not to be copied */
};

/* Applies one fault; returns how many lines it touched. */
uint64_t draft_apply(struct draft *d, enum cause c);

/* What the line costs before the terms. -1: it does not fit. */
int draft_list(const struct draft *d, const struct draft_line *l, money *out);

#endif
