/* A workload as a plan counts it: whose tokens its rows are, and the rows in the tokens of the
 * models priced.
 *
 *     struct token_view view;
 *     token_view_make(&view, &workload, plan, &scales, TOKENS_AS);
 *     ... view.workload, view.counts.foreign ...
 *     token_view_free(&view);
 *
 * The model priced is the row's own where a rate lists models, else the one that the plan's name
 * tells (model_name_of_plan), else the row's. A row counts the tokens of the model that it names,
 * or named before a change of models (workload.counted).
 *
 * A view borrows all columns of the workload but those of lengths and usage where they are scaled.
 */
#ifndef FAREBOX_SIM_COST_TOKENS_TOKEN_VIEW_H
#define FAREBOX_SIM_COST_TOKENS_TOKEN_VIEW_H

#include "sim/cost/book/plan.h"
#include "sim/cost/tokens/token_scale.h"

/* What the rows' counts are to a plan. */
struct token_counts {
    uint64_t scaled;  /* rows: counts of another model, that a scale turns into the model priced */
    uint64_t foreign; /* counts of another model, taken as they are */
    uint64_t unnamed; /* nobody knows whose counts, taken as they are */
    bool learnt;      /* some scale is learnt: it has an interval */
    const char *counted;   /* of `foreign`: the model of most rows; borrowed from the workload */
    size_t counted_models; /* how many different ones */
    const char *priced;    /* the model that all rows with other counts are priced as; NULL where
                              there are several. Borrowed from plan or workload */
    uint64_t used;         /* bit n: the n-th scale turns some row, of the first 64 */
    const struct token_scale *scale; /* the one of the first scaled row; NULL */
};

/* True if other counts than these may be right. */
static inline bool token_counts_in_doubt(const struct token_counts *c)
{
    return c->foreign > 0 || (c->scaled > 0 && c->learnt);
}

void token_counts_make(struct token_counts *out, const struct workload *w, const struct plan *plan,
                       const struct token_scales *scales);

struct token_view {
    struct workload workload;
    struct token_counts counts;
    bool changed; /* it has lengths and usage of its own */
};

/* TOKENS_AS: scaled rows by their factor, foreign ones as they are. LOW and HIGH: by the ends of
 * the intervals, foreign ones 30 % less and more. `scales` may be NULL; its items are borrowed. */
void token_view_make(struct token_view *out, const struct workload *w, const struct plan *plan,
                     const struct token_scales *scales, enum token_side side);
void token_view_free(struct token_view *view);

/* What turns a count of the model `counted` (NULL: nobody knows) into tokens of what the plan
 * prices for requests that name `model` (NULL: none): NULL where nothing does. */
const struct token_scale *token_scale_for(const struct plan *plan, const char *model,
                                          const char *counted, const struct token_scales *scales);

#endif
