/* What if: the workload transformed, re-priced under all plans, in one table.
 *
 *     struct what_if table;
 *     const char *changes[] = {"cache", "route=input<300:small,*:large"};
 *     if (what_if_make(&table, &w, plans, n, changes, 2, &options, seed, NULL, err) < 0) ...
 *     what_if_write_table(&table, 100, &buffer);     // plan by plan, so many columns
 *     what_if_write_matrix(&table, &buffer);         // all on one screen of 80 columns
 *     what_if_free(&table);
 *
 * A change is a transform as workloads/transform/transform.h writes it, or the word "cache": no
 * cache, an infinite one, and one that forgets after 5 idle minutes, from 1,024 tokens in steps of
 * 128. Transforms joined by '+' are one change, one after another. Each change is applied to the
 * workload as it is; where there are several, all transforms together follow. Changes of one kind
 * are alternatives: they are never added up, and each has its own "together".
 *
 * Savings are against the workload as it is; negative ones are losses. They compare equal work:
 * requests that end failed count there as answered in the end, and where more or fewer requests go
 * unserved or unpriced there is no saving to speak of. The table borrows the plans.
 */
#ifndef FAREBOX_SIM_COST_WHAT_IF_WHAT_IF_H
#define FAREBOX_SIM_COST_WHAT_IF_WHAT_IF_H

#include "sim/cost/bill/bill.h"

/* One change under one plan. */
struct what_if_cell {
    money usage, total;
    money by_period; /* of the total: subscriptions and provisioned hours */
    bool has_saved;  /* false: more or fewer go unserved or unpriced than as it is */
    money saved;     /* total as it is − total so, both with all requests answered in the end */
    uint64_t subscriptions, periods;
    uint64_t served, rejected, delayed, truncated, unpriced;
    uint64_t input_tokens, output_tokens; /* served */
    int64_t last_start_ns;                /* when the last request is served */
    char *why;                            /* why the total moves, or does not; "" as it is */
    char *counts_of; /* the model whose tokens the requests count and the plan takes for its own;
                        NULL: its own, or nobody knows */
    bool doubt;      /* other counts may be right: the totals with them */
    money at[TOKEN_SIDES];
    char *priced_as; /* the model that those counts are priced as; NULL: several */
    bool undecided;  /* whether it saves anything depends on how the plan counts: no saving */
};

struct what_if_case {
    char *name;
    char *note;                 /* what the transform says it did */
    bool together;              /* of all kinds of changes at once */
    uint64_t requests, failed;  /* failed: of them end without an answer */
    struct what_if_cell *cells; /* by plan */
};

struct what_if {
    const struct plan *const *plans;
    size_t plan_count;
    struct what_if_case *cases; /* the first: as it is */
    size_t case_count;
};

/* `as_is` is the bill of that workload under those plans, whose figures are taken where it is at
 * hand; NULL. ERR_INPUT: a transform that is not one, or that the workload cannot bear. */
int what_if_make(struct what_if *out, const struct workload *w, const struct plan *const *plans,
                 size_t plan_count, const char *const *changes, size_t change_count,
                 const struct bill_options *options, uint64_t seed, const struct bill *as_is,
                 struct error *err);
void what_if_free(struct what_if *table);

/* From now on bill.json has an array of the cases, and who shows the bill finds them; the table
 * must outlive that use. */
void what_if_attach(const struct what_if *table, struct bill *bill);

/* `width` columns wide. */
void what_if_write_table(const struct what_if *table, int width, struct buffer *out);

/* Plans across, changes down, each cell with its money, what it saves, and a mark where not all is
 * served: 80 columns wide, in blocks of three plans. */
void what_if_write_matrix(const struct what_if *table, struct buffer *out);

/* The cells as CSV, one a line, with a head. */
void what_if_write_csv(const struct what_if *table, struct buffer *out);

/* What is to be said of a cell beside how many are served: ", 3 failed, 2 delayed"; nothing where
 * there is nothing. For the table and the matrix. */
void what_if_put_remarks(const struct what_if_case *c, const struct what_if_cell *cell,
                         struct buffer *out);

/* The sentences about what is compared; for the table and the matrix. */
void what_if_put_terms(const struct what_if *table, struct buffer *out);

#endif
