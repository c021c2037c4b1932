/* Plans that count other tokens than the requests were counted in. */
#include "sim/cost/bill/bill_parts.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Plans for which one scale turns all rows have the same rows. */
static const struct token_view *known_view(const struct bill *bill, const struct token_counts *c)
{
    bool all = c->scaled == bill->workload->count && bill->options.scales->count == 1;
    for (size_t i = 0; i < bill->view_count && all; i++)
        if (bill->views[i]->counts.scaled == c->scaled)
            return bill->views[i];
    return NULL;
}

void bill_count_tokens(struct bill *bill, struct plan_bill *p)
{
    const struct token_scales *scales = bill->options.scales;
    token_counts_make(&p->counts, bill->workload, p->plan, scales);
    if (p->counts.scaled == 0)
        return;
    p->tokens = known_view(bill, &p->counts);
    if (p->tokens)
        return;
    struct token_view *view = mem_alloc(sizeof *view);
    token_view_make(view, bill->workload, p->plan, scales, TOKENS_AS);
    bill->views = mem_resize(bill->views, bill->view_count + 1, sizeof(struct token_view *));
    bill->views[bill->view_count++] = view;
    p->tokens = view;
}

static struct bill_point point_of(const struct bill *bill, const struct plan_bill *p)
{
    return (struct bill_point){bill_is_ranked(bill, p), p->served.truncated > 0, p->total};
}

/* What the plan comes to with its tokens counted so. */
static int bill_side(const struct bill *bill, struct plan_bill *p, const struct serve_rows *rows,
                     enum token_side side)
{
    struct plan_bill trial = {
        .plan = p->plan, .without_caps = p->without_caps, .requests = p->requests};
    struct token_view view;
    struct purchase b;
    token_view_make(&view, bill->workload, p->plan, bill->options.scales, side);
    trial.tokens = &view;
    struct serve_rows own = bill_rows_for(rows, &trial);
    int code = bill_choose_count(&trial, bill, &own);
    purchase_open(&b, &trial, bill, &own, trial.subscriptions);
    purchase_charge(&b, &trial, bill->options.workers, NULL);
    if (code == 0)
        code = trial.sums.overflow ? -1 : bill_add_lines(&trial, &b.bought.plan, bill, &b.tariff);
    p->at[side] = point_of(bill, &trial);
    purchase_close(&b);
    token_view_free(&view);
    return code;
}

static bool before(const struct bill_point *a, const struct bill_point *b)
{
    if (a->ranked != b->ranked)
        return a->ranked;
    if (a->truncated != b->truncated)
        return b->truncated;
    return a->ranked && a->total < b->total;
}

static bool count_alike(const struct plan_bill *a, const struct plan_bill *b)
{
    return a->counts.priced && b->counts.priced &&
           strcmp(a->counts.priced, b->counts.priced) == 0 &&
           a->counts.foreign == b->counts.foreign && a->counts.scaled == b->counts.scaled;
}

bool bill_is_undecided(const struct bill *bill, size_t a, size_t b)
{
    const struct plan_bill *p = &bill->plans[a], *q = &bill->plans[b];
    bool p_doubt = token_counts_in_doubt(&p->counts), q_doubt = token_counts_in_doubt(&q->counts);
    bool together = p_doubt && q_doubt && count_alike(p, q);
    if ((!p_doubt && !q_doubt) || p->without_caps || q->without_caps)
        return false;
    const struct plan_bill *first = before(&q->at[TOKENS_AS], &p->at[TOKENS_AS]) ? q : p;
    const struct plan_bill *other = first == p ? q : p;
    for (int x = 0; x < TOKEN_SIDES; x++)
        for (int y = 0; y < TOKEN_SIDES; y++)
            if ((x == y || !together) && before(&other->at[y], &first->at[x]))
                return true;
    return false;
}

/* Whoever may be first beside the first. */
static void find_contested(struct bill *bill)
{
    if (bill->ranking_count == 0)
        return;
    size_t first = bill->ranking[0];
    for (size_t i = 0; i < bill->plan_count; i++) {
        bool contested = i != first && bill_is_undecided(bill, first, i);
        bill->plans[i].contested = contested;
        bill->undecided = bill->undecided || contested;
    }
    bill->plans[first].contested = bill->undecided;
}

int bill_add_doubts(struct bill *bill, const struct serve_rows *rows,
                    const struct plan_bill **where)
{
    for (size_t i = 0; i < bill->plan_count; i++) {
        struct plan_bill *p = &bill->plans[i];
        for (int side = 0; side < TOKEN_SIDES; side++)
            p->at[side] = point_of(bill, p);
        if (!token_counts_in_doubt(&p->counts) || p->without_caps)
            continue;
        *where = p;
        if (bill_side(bill, p, rows, TOKENS_LOW) < 0 || bill_side(bill, p, rows, TOKENS_HIGH) < 0)
            return -1;
    }
    find_contested(bill);
    return 0;
}

/* ---- splits ---- */

/* So much of it at an end of the doubt. */
static int token_share(const struct token_counts *c, int side, money *part)
{
    const struct token_scale *s = c->foreign > 0 ? &token_scale_unknown : c->scale;
    uint64_t most = 0, of = 1;
    for (int class = 0; class < USAGE_CLASSES; class ++) {
        uint64_t factor = s->factor[side][class], as = s->factor[TOKENS_AS][class];
        bool further = side == TOKENS_LOW ? factor * of < most * as : factor * of > most * as;
        if (most == 0 || further) {
            most = factor;
            of = as;
        }
    }
    return money_prorate(*part, most, of, part);
}

/* Whether a split is cheaper than every plan alone at both ends of the doubt: with its requests
 * where they are now, which is no better than what could be found for those counts. */
bool bill_split_is_undecided(const struct bill *bill, const struct bill_split *best)
{
    const struct plan_bill *token = &bill->plans[best->token_plan];
    if (!token_counts_in_doubt(&token->counts) || best->to_flat == 0)
        return false;
    for (int side = 0; side < TOKEN_SIDES; side++) {
        money alone = MONEY_MAX, part = best->token_usage;
        for (size_t i = 0; i < bill->plan_count; i++)
            if (bill->plans[i].at[side].ranked && bill->plans[i].at[side].total < alone)
                alone = bill->plans[i].at[side].total;
        if (side != TOKENS_AS && token_share(&token->counts, side, &part) < 0)
            return true;
        if (bill->best_split_saved > 0 && part + best->flat >= alone)
            return true;
    }
    return bill->undecided;
}
