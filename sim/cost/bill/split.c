/* A split of two plans as a choice of what fits (sim/cost/split/pick.h).
 *
 * A request costs c by the token and r at the flat plan's own prices. What is paid for a choice is
 *
 *     sum of c - gains of what goes to the flat plan + n x (its price of every period begun +
 * setup).
 *
 * Where the flat plan's quotas make wait or turn away, a request goes there out of the quota (gain
 * c, or c - r where no quota is for it), as quotas and limits have room when it is due. Where one
 * pays beyond its quotas, any request can go there for r (gain c - r, where that is above 0) and in
 * their room saves min(c, r) more. Included credit is room of money: it takes r of it to save
 * min(c, r); of the last one a part, which a choice of cut items covers.
 * What neither serves at a price costs more than all else together, so that it goes first.
 */
#include "sim/cost/bill/bill_parts.h"

#include "core/memory.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>
#include <string.h>

const char *split_why_alone(const struct plan *p)
{
    const struct plan_fees *f = &p->fees;
    size_t credits = 0, others = 0;
    if (p->charged != CHARGED_REQUEST)
        return "it charges by the turn or the session";
    if (f->minimum > 0 || f->volume_count > 0 || f->credit_fee_millionths > 0 ||
        f->credit_fee_minimum > 0 || f->credit_bonus_millionths > 0 ||
        p->rounding.scope == ROUND_BILL)
        return "its fees and discounts go by the whole bill";
    if (p->subscription.present && p->provisioned.present)
        return "it is paid by two periods";
    for (size_t i = 0; i < p->quota_count; i++) {
        bool credit = p->quotas[i].unit == QUOTA_USD && p->quotas[i].beyond == BEYOND_PAY;
        if (p->quotas[i].of)
            return "it has free calls or units";
        if (p->quotas[i].rolls_over)
            return "what it includes rolls over";
        credits += credit;
        others += !credit;
    }
    if (credits > 1 || (credits == 1 && others > 0))
        return "it has several credits, or credit and a quota";
    if (2 * plan_limit_count(p) > PICK_LIMITS_MOST)
        return "it has too many limits";
    return NULL;
}

/* Numbers of windows: one more where the next one begins. Rows come in the order of time. */
struct numbering {
    struct plan_quota grid;
    bool one; /* all in one */
    int64_t begin_ns;
    uint32_t next;
};

static uint32_t number_of(struct numbering *n, int64_t start_unix_ns, int64_t at_ns)
{
    int64_t begin, end;
    if (n->one)
        return n->next = 1, 0;
    window_bounds(&n->grid, start_unix_ns, at_ns, &begin, &end);
    if (n->next == 0 || begin != n->begin_ns)
        n->next++;
    n->begin_ns = begin;
    return n->next - 1;
}

/* The most windows of a quota that reach into the time from the first row to the last start. */
static uint64_t windows_over(const struct split_problem *p, const struct plan_quota *q)
{
    int64_t window = q->length_ns > 0 ? q->length_ns : 28 * 86400 * NS_PER_S;
    int64_t length = p->count ? p->at_ns[p->count - 1] - p->at_ns[0] + p->max_wait_ns : 0;
    /* those of a session begin with a request; others may begin before the first, and a rolling
     * one is two of a grid */
    return (uint64_t)(length / window) + (q->alignment == WINDOW_SESSION ? 1 : 2);
}

static bool is_by_count(const struct plan_quota *q)
{
    return !plan_quota_is_settled(q) && !q->of;
}

/* Which of the plan's limits hold a choice back: those that are held where nothing is paid beyond,
 * else those that include. */
static bool holds(const struct split_problem *p, const struct plan *flat, size_t i)
{
    if (i >= flat->quota_count)
        return !p->pays;
    const struct plan_quota *q = &flat->quotas[i];
    return p->pays ? q->beyond == BEYOND_PAY && !q->of : is_by_count(q);
}

/* Limits of one measure: what they count, and how. */
static int measure_of(const struct plan *flat, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (plan_limit_at(flat, k)->unit == plan_limit_at(flat, i)->unit &&
            plan_limit_at(flat, k)->counts == plan_limit_at(flat, i)->counts)
            return (int)k;
    return (int)i;
}

/* together: all windows of the quota as one, however they lie. */
static void open_limit(struct split_problem *p, const struct plan *flat, size_t i, bool together,
                       struct pick_limit *l, struct numbering *n)
{
    const struct plan_quota *q = plan_limit_at(flat, i);
    bool session = q->alignment == WINDOW_SESSION;
    *l = (struct pick_limit){.measure = measure_of(flat, i),
                             .room = plan_quota_amount(q),
                             .times = session ? 2 : 1,
                             .is_loose = session,
                             .rolling_ns = q->alignment == WINDOW_ROLLING && q->unit != QUOTA_USD
                                               ? plan_quota_length(q)
                                               : 0};
    *n = (struct numbering){.grid = window_on_grid(q)};
    if (together) {
        n->one = true;
        l->is_loose = l->only_bounds = true;
        l->rolling_ns = 0;
        l->times = windows_over(p, q);
    }
    l->window = mem_alloc((p->count + 1) * sizeof(uint32_t));
    l->need = mem_alloc((p->count + 1) * sizeof(money_magnitude));
}

/* What a request asks of each limit, with its charge known. */
static void ask(const struct split_problem *p, const struct plan *flat, size_t item,
                struct serve_ask *out)
{
    struct serve_conditions conditions = {p->start_unix_ns, false};
    serve_ask_of(flat, p->rows, &conditions, p->row[item], out);
    out->charge = p->own[item] == MONEY_MAX ? 0 : (money_magnitude)p->own[item];
}

static money_magnitude need_of(const struct plan_quota *q, const struct serve_ask *a)
{
    if (q->unit == QUOTA_USD)
        return plan_quota_is_for(q, a->model, a->class_name) ? a->charge : 0;
    return serve_need(q, a);
}

static void fill_limit(struct split_problem *p, const struct plan *flat, size_t i, bool together,
                       struct pick_limit *l)
{
    const struct plan_quota *q = plan_limit_at(flat, i);
    struct numbering n;
    open_limit(p, flat, i, together, l, &n);
    uint32_t *window = (uint32_t *)(uintptr_t)l->window;
    money_magnitude *need = (money_magnitude *)(uintptr_t)l->need;
    for (size_t k = 0; k < p->count; k++) {
        struct serve_ask a;
        ask(p, flat, k, &a);
        need[k] = need_of(q, &a);
        window[k] = need[k] > 0 ? number_of(&n, p->start_unix_ns, p->at_ns[k]) : PICK_NOWHERE;
    }
    l->windows = n.next;
}

/* loose: requests may wait, so that a window may take what is due in another one. */
static void make_pick(struct split_problem *p, const struct plan *flat, bool loose,
                      struct pick *out)
{
    size_t all = plan_limit_count(flat);
    *out = (struct pick){.count = p->count, .value = p->value, .at_ns = p->at_ns};
    out->limits = mem_zero(2 * all + 1, sizeof *out->limits);
    for (size_t i = 0; i < all; i++) {
        const struct plan_quota *q = plan_limit_at(flat, i);
        bool waits = loose && q->beyond == BEYOND_QUEUE;
        if (!holds(p, flat, i))
            continue;
        if (!waits)
            fill_limit(p, flat, i, false, &out->limits[out->limit_count++]);
        if (waits || q->alignment == WINDOW_SESSION)
            fill_limit(p, flat, i, true, &out->limits[out->limit_count++]);
    }
}

/* What no limit is for needs no choice: its value is a gain. */
static void free_the_unlimited(struct split_problem *p)
{
    for (size_t k = 0; k < p->count; k++) {
        bool limited = false;
        for (size_t l = 0; l < p->strict.limit_count; l++)
            limited = limited || p->strict.limits[l].window[k] != PICK_NOWHERE;
        if (limited)
            continue;
        p->gain[k] += p->value[k];
        p->value[k] = 0;
    }
}

/* ---- items ---- */

/* True if some quota is for the request; counts: one that is no credit. */
static bool is_included(const struct plan *flat, const struct serve_ask *a, bool counts)
{
    for (size_t i = 0; i < flat->quota_count; i++)
        if (!flat->quotas[i].of && (!counts || is_by_count(&flat->quotas[i])) &&
            plan_quota_is_for(&flat->quotas[i], a->model, a->class_name))
            return true;
    return false;
}

/* Alone more than one of the plan allows. */
static bool is_too_large(const struct plan *flat, const struct serve_ask *a)
{
    for (size_t i = 0; i < plan_limit_count(flat); i++) {
        const struct plan_quota *q = plan_limit_at(flat, i);
        if (q->beyond != BEYOND_PAY && !q->pooled && serve_need(q, a) > plan_quota_amount(q))
            return true;
    }
    return false;
}

static void add_item(struct split_problem *p, size_t row, money own, money gain, money value)
{
    if (gain <= 0 && value <= 0)
        return;
    p->row[p->count] = (uint32_t)row;
    p->at_ns[p->count] = serve_due(p->rows, row);
    p->own[p->count] = own;
    p->gain[p->count] = gain > 0 ? gain : 0;
    p->value[p->count++] = value > 0 ? value : 0;
}

static bool cuts_answer(const struct plan *plan, const struct workload *w, size_t row)
{
    return plan->limits.max_output_tokens > 0 &&
           w->output_tokens[row] > plan->limits.max_output_tokens;
}

static void look_at_row(struct split_problem *p, const struct plan *flat,
                        const struct split_charges *c, size_t row)
{
    struct serve_conditions conditions = {p->start_unix_ns, false};
    money token = c->token[row], own = c->flat[row];
    struct serve_ask a;
    token = token == MONEY_MAX ? p->most : token;
    p->base += token;
    serve_ask_of(flat, p->rows, &conditions, row, &a);
    a.charge = own == MONEY_MAX ? 0 : (money_magnitude)own;
    if (!serve_within_caps(flat, &conditions, &a) || is_too_large(flat, &a) ||
        cuts_answer(flat, p->rows->workload, row))
        return;
    bool counted = is_included(flat, &a, true);
    money paid = own == MONEY_MAX ? 0 : token - own; /* what paying the plan's own price saves */
    if (!p->pays)
        add_item(p, row, own, 0, counted ? token : paid);
    else if (counted || (own != MONEY_MAX && is_included(flat, &a, false)))
        add_item(p, row, own, paid, own < token ? own : token);
    else
        add_item(p, row, own, paid, 0);
}

/* More than all that is charged together, if that leaves room for sums of it. */
static bool find_most(struct split_problem *p, const struct split_charges *c)
{
    money sum = MONEY_USD, all;
    for (size_t i = 0; i < c->count; i++)
        if ((c->token[i] != MONEY_MAX && money_add(sum, c->token[i], &sum) < 0) ||
            (c->flat[i] != MONEY_MAX && money_add(sum, c->flat[i], &sum) < 0))
            return false;
    p->most = sum;
    return money_multiply(sum, 4 * (uint64_t)c->count + 4, &all) == 0;
}

static bool queues(const struct plan *flat)
{
    for (size_t i = 0; i < plan_limit_count(flat); i++)
        if (plan_limit_at(flat, i)->beyond == BEYOND_QUEUE)
            return true;
    return flat->limits.beyond == BEYOND_QUEUE && flat->limits.concurrency > 0;
}

bool split_problem_make(struct split_problem *p, const struct plan *flat,
                        const struct split_charges *c, const struct serve_rows *rows,
                        int64_t start_unix_ns, int64_t max_wait_ns)
{
    *p = (struct split_problem){.rows = rows,
                                .start_unix_ns = start_unix_ns,
                                .max_wait_ns = max_wait_ns,
                                .pays = plan_pays_beyond(flat)};
    if (!find_most(p, c))
        return false;
    p->row = mem_alloc((c->count + 1) * sizeof *p->row);
    p->at_ns = mem_alloc((c->count + 1) * sizeof *p->at_ns);
    p->own = mem_alloc((c->count + 1) * sizeof *p->own);
    p->gain = mem_alloc((c->count + 1) * sizeof *p->gain);
    p->value = mem_alloc((c->count + 1) * sizeof *p->value);
    for (size_t i = 0; i < c->count; i++)
        look_at_row(p, flat, c, rows->order ? rows->order[i] : i);
    make_pick(p, flat, false, &p->strict);
    free_the_unlimited(p);
    pick_prepare(&p->strict);
    p->waits = max_wait_ns > 0 && !p->pays && queues(flat);
    if (p->waits) {
        make_pick(p, flat, true, &p->loose);
        pick_prepare(&p->loose);
    }
    return true;
}

static void free_pick(struct pick *p)
{
    for (size_t l = 0; l < p->limit_count; l++) {
        free((void *)(uintptr_t)p->limits[l].window);
        free((void *)(uintptr_t)p->limits[l].need);
    }
    pick_free(p); /* which looks at the limits */
    free(p->limits);
}

void split_problem_free(struct split_problem *p)
{
    if (p->value)
        free_pick(&p->strict);
    if (p->waits)
        free_pick(&p->loose);
    free(p->row);
    free(p->at_ns);
    free(p->own);
    free(p->gain);
    free(p->value);
    *p = (struct split_problem){0};
}

/* As many of the plan as hold everything, and one at least. */
uint64_t split_problem_enough(const struct split_problem *p)
{
    money_magnitude enough = 1;
    for (size_t l = 0; l < p->strict.limit_count; l++) {
        const struct pick_limit *limit = &p->strict.limits[l];
        money_magnitude *used = mem_zero(limit->windows + 2, sizeof *used);
        for (size_t k = 0; k < p->count; k++) {
            if (limit->window[k] == PICK_NOWHERE || limit->room == 0)
                continue;
            /* a rolling window, or a session's, lies in two stretches at most */
            bool apart = limit->rolling_ns == 0 && !limit->is_loose;
            money_magnitude *now = &used[limit->window[k]];
            now[0] += limit->need[k];
            now[1] += apart ? 0 : limit->need[k];
            for (int i = 0; i < (apart ? 1 : 2); i++)
                if ((now[i] + limit->room - 1) / limit->room > enough)
                    enough = (now[i] + limit->room - 1) / limit->room;
        }
        free(used);
    }
    /* what a plan includes is cut to whole requests: half of it may be left in each */
    return enough > 500000000 ? 1000000000 : (uint64_t)(2 * enough);
}
