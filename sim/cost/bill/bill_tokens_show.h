/* Whose tokens a bill counts, in words and as JSON; private to sim/cost, and to the page. */
#ifndef FAREBOX_SIM_COST_BILL_BILL_TOKENS_SHOW_H
#define FAREBOX_SIM_COST_BILL_BILL_TOKENS_SHOW_H

#include "sim/cost/bill/bill.h"

/* ", counts of gpt-4o", where a plan takes another model's counts for its own; else nothing. */
void bill_put_counts(const struct token_counts *c, struct buffer *out);

/* A sentence in the place of the one that names the cheapest plan, where bill.undecided. */
void bill_put_undecided(const struct bill *b, struct buffer *out);

/* The same of a pair, in the place of its break-even. */
void bill_put_pair_undecided(const struct bill *b, size_t token, size_t flat, struct buffer *out);

/* That so many of the requests name no model that counted their tokens; nothing for 0. */
void bill_put_unnamed(uint64_t unnamed, uint64_t requests, struct buffer *out);

/* That requests name no model; which plans' tokens were scaled, and by what. */
void bill_put_token_remarks(const struct bill *b, struct buffer *out);

/* Members of a plan's object, and of the bill's: nothing where there is nothing to say. */
void bill_put_counts_json(const struct plan_bill *p, struct json_writer *w);
void bill_put_undecided_json(const struct bill *b, struct json_writer *w);

#endif
