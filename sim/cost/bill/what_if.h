/* What if: the workload transformed, re-priced under all plans, in one table.
 *
 *     struct what_if table;
 *     const char *changes[] = {"cache", "route=input<300:small,*:large"};
 *     if (what_if_make(&table, &w, plans, n, changes, 2, &options, seed, err) < 0) ...
 *     what_if_write_table(&table, 100, &buffer);     // columns
 *     what_if_free(&table);
 *
 * A change is a transform as workloads/transform/transform.h writes it, or the word "cache": no
 * cache, an infinite one, and one that forgets after 5 idle minutes, from 1,024 tokens in steps of
 * 128. Each is applied to the workload as it is; where there are several, all transforms together
 * follow. Changes of one kind are alternatives: they are never added up, and each has its own
 * "together".
 *
 * Savings are against the workload as it is; negative ones are losses. They compare equal work:
 * requests that end failed count there as answered in the end, and where more or fewer requests go
 * unserved or unpriced there is no saving to speak of. The table borrows the plans.
 */
#ifndef FAREBOX_SIM_COST_BILL_WHAT_IF_H
#define FAREBOX_SIM_COST_BILL_WHAT_IF_H

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
};

struct what_if_case {
    char *name;
    char *note;                 /* what the transform says it did */
    uint64_t requests, failed;  /* failed: of them end without an answer */
    struct what_if_cell *cells; /* by plan */
};

struct what_if {
    const struct plan *const *plans;
    size_t plan_count;
    struct what_if_case *cases; /* the first: as it is */
    size_t case_count;
};

/* ERR_INPUT: a transform that is not one, or that the workload cannot bear. */
int what_if_make(struct what_if *out, const struct workload *w, const struct plan *const *plans,
                 size_t plan_count, const char *const *changes, size_t change_count,
                 const struct bill_options *options, uint64_t seed, struct error *err);
void what_if_free(struct what_if *table);

void what_if_write_json(const struct what_if *table, struct json_writer *w);
/* `width` columns wide. */
void what_if_write_table(const struct what_if *table, int width, struct buffer *out);

#endif
