/* The best split of every pair of plans: how many of the flat plan, over which periods, and which
 * requests go there. */
#include "sim/cost/bill/bill_parts.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Of larger workloads only the cheapest token plan's splits are worked out. */
#define SPLIT_ALL_ROWS 100000
/* Of still larger ones none: a choice takes some 120 bytes a request. */
#define SPLIT_MOST_ROWS 3000000
#define TOO_MANY "more than 3,000,000 requests"

/* ---- which plans can share requests ---- */

static bool is_token_side(const struct plan_bill *p)
{
    return !p->flat && !p->plan->quota_count && !plan_is_paid_by_period(p->plan) &&
           p->plan->rate_count > 0 && p->served_requests > 0;
}

/* Limits of the token plan that hold nothing of the whole workload hold nothing of a part. */
static const char *why_no_token_side(const struct plan_bill *p)
{
    bool sessions = false;
    for (size_t i = 0; i < p->plan->rate_limit_count; i++)
        sessions = sessions || p->plan->rate_limits[i].alignment == WINDOW_SESSION;
    if (p->served.delayed > 0 || sessions ||
        p->served.count[SERVE_RATE] + p->served.count[SERVE_LARGE] > 0)
        return "its limits make wait or turn away";
    return split_why_alone(p->plan);
}

static void leave_out(struct bill *bill, size_t plan, const char *why)
{
    struct bill_left_out *l =
        mem_append(&bill->left_out, &bill->left_out_count, sizeof *bill->left_out);
    *l = (struct bill_left_out){plan, why};
}

/* ---- what a choice costs ---- */

struct splitting {
    const struct bill *bill;
    const struct plan_bill *flat, *token;
    const struct serve_rows *rows;
    const struct split_charges *charges;
    struct split_problem problem;
    struct split_price price;
    uint64_t most;  /* subscriptions that are tried */
    uint8_t *taken; /* by item, of the choice that is looked at */
    uint8_t *best_taken;
    money best_claim; /* what that would cost if all of it fits in truth */
    uint64_t best_n;
    size_t best_begin, best_end;
    money below; /* no choice costs less */
    struct bill_split found;
};

/* Periods that are paid where `first` and `last` go to the flat plan. */
static uint64_t periods_of(const struct splitting *s, int64_t first_ns, int64_t last_ns)
{
    const struct bill *b = s->bill;
    int64_t elapsed = last_ns - first_ns;
    if (!plan_is_paid_by_period(s->flat->plan))
        return 1;
    if (b->options.period != PERIOD_TRACE && elapsed >= b->billed_span_ns)
        elapsed = b->billed_span_ns - 1;
    return bill_periods(b, plan_period_ns(s->flat->plan), first_ns, elapsed);
}

/* All that queues turns away instead: so nobody waits, and what would wait is known. */
static void turn_away(struct bought *b)
{
    for (size_t i = 0; i < b->plan.quota_count; i++)
        if (b->quotas[i].beyond == BEYOND_QUEUE)
            b->quotas[i].beyond = BEYOND_REJECT;
    for (size_t i = 0; i < b->plan.rate_limit_count; i++)
        if (b->rate_limits[i].beyond == BEYOND_QUEUE)
            b->rate_limits[i].beyond = BEYOND_REJECT;
    b->plan.limits.beyond = BEYOND_REJECT;
}

/* The rows of a choice under so many of the flat plan. Those that find no room, or cost more there
 * than by the token, are sent to the token plan: again until nothing changes. */
#define ROUNDS 8
static void settle_rows(const struct splitting *s, const struct plan *plan, struct serve_rows *rows,
                        uint8_t *elsewhere, struct serve_result *served, struct tariff *t)
{
    const struct serve_conditions conditions = {s->bill->start_unix_ns, false};
    for (int round = 0;; round++) {
        bool changed = false;
        rows->span_ns = 0;
        for (size_t i = 0; i < rows->workload->count; i++)
            if (!elsewhere[i] && serve_due(rows, i) > rows->span_ns)
                rows->span_ns = serve_due(rows, i);
        serve_plan(plan, rows, &conditions, served);
        tariff_init(t, plan, rows, served, bill_known_start(s->bill), false);
        for (size_t i = 0; i < rows->workload->count && s->problem.pays && round + 1 < ROUNDS; i++)
            if (served->fate[i] == SERVE_PAID && plan->quota_count > 0 &&
                plan->quotas[0].unit != QUOTA_USD && s->charges->flat[i] > s->charges->token[i]) {
                elsewhere[i] = 1;
                changed = true;
            }
        if (!changed)
            return;
        tariff_free(t);
        serve_result_free(served);
    }
}

/* Counts what goes where; false if the flat plan takes nothing. */
static bool count_rows(const struct splitting *s, const struct serve_rows *rows,
                       const struct serve_result *served, struct bill_split *out, struct bill *part)
{
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; i < s->charges->count; i++) {
        money charge = s->charges->token[i];
        int64_t due = serve_due(rows, i);
        if (!serve_is_served((enum serve_fate)served->fate[i])) {
            out->unserved += charge == MONEY_MAX;
            out->to_token += charge != MONEY_MAX;
            out->token_usage += charge == MONEY_MAX ? 0 : charge;
            continue;
        }
        first = due < first ? due : first;
        last = due > last ? due : last;
        out->to_flat++;
        if (charge == MONEY_MAX)
            continue;
        out->moved_usage += charge;
        if (out->least_moved == 0 || charge < out->least_moved)
            out->least_moved = charge;
    }
    split_cut_bill(part, first, last);
    return out->to_flat > 0;
}

/* The bill of a choice, as any bill is made. False: nothing goes to the flat plan, or sums do not
 * fit. */
static bool bill_of(const struct splitting *s, uint64_t n, uint8_t *elsewhere,
                    struct bill_split *out)
{
    struct bill part = *s->bill;
    struct plan_bill p = {.plan = s->flat->plan, .subscriptions = n};
    struct serve_rows rows = *s->rows;
    struct bought bought;
    struct tariff t;
    bought_make(&bought, p.plan, n, s->bill->options.units);
    turn_away(&bought);
    rows.elsewhere = elsewhere;
    settle_rows(s, &bought.plan, &rows, elsewhere, &p.served, &t);
    *out = (struct bill_split){.subscriptions = plan_is_paid_by_period(p.plan) ? n : 0};
    bool ok = count_rows(s, &rows, &p.served, out, &part);
    p.served.last_start_ns = part.span_ns;
    tariff_charge_all(&t, s->bill->options.workers, &p.sums, NULL);
    ok = ok && !p.sums.overflow && p.sums.unpriced == 0 &&
         bill_add_lines(&p, &bought.plan, &part, &t) == 0;
    out->flat = p.total;
    ok = ok && money_add(out->token_usage, p.total, &out->total) == 0;
    tariff_free(&t);
    serve_result_free(&p.served);
    bought_free(&bought);
    return ok;
}

static bool is_better(const struct bill_split *a, const struct bill_split *b)
{
    if (a->unserved != b->unserved)
        return a->unserved < b->unserved;
    return a->total < b->total;
}

/* The true cost of what is chosen among items begin .. end - 1, and of what pays anyway. */
static void try_choice(struct splitting *s, uint64_t n, size_t begin, size_t end,
                       const uint8_t *taken)
{
    const struct split_problem *p = &s->problem;
    uint8_t *elsewhere = mem_alloc(s->charges->count + 1);
    struct bill_split now;
    memset(elsewhere, 1, s->charges->count);
    for (size_t k = begin; k < end; k++)
        if ((taken[k] && p->value[k] > 0) || p->gain[k] > 0)
            elsewhere[p->row[k]] = 0;
    if (bill_of(s, n, elsewhere, &now) && is_better(&now, &s->found))
        s->found = now;
    free(elsewhere);
}

/* ---- the search ---- */

static money gains(const struct split_problem *p, size_t begin, size_t end)
{
    money sum = 0;
    for (size_t k = begin; k < end; k++)
        sum += p->gain[k];
    return sum;
}

/* Items begin .. end - 1 may go to the flat plan, which is then paid for so many periods. */
struct range {
    size_t begin, end;
    uint64_t periods;
    money gains;
};

static money paid_for(const struct splitting *s, uint64_t n, uint64_t periods)
{
    struct split_price price = s->price;
    price.periods = periods;
    return split_paid_for(&price, n);
}

/* No choice of the range costs less under so many of the plan. Convex in n: what they save grows
 * by less with each more. */
static money bound_of(struct splitting *s, const struct range *r, uint64_t n)
{
    struct split_problem *p = &s->problem;
    money most = pick_most_smooth(p->waits ? &p->loose : &p->strict, n, r->begin, r->end);
    return p->base - r->gains - most + paid_for(s, n, r->periods);
}

static void note_below(struct splitting *s, money cost)
{
    s->below = cost < s->below ? cost : s->below;
}

/* The best choice for so many of the plan. */
static void solve(struct splitting *s, const struct range *r, uint64_t n)
{
    struct split_problem *p = &s->problem;
    struct pick_answer a;
    money rest = p->base - r->gains + paid_for(s, n, r->periods);
    pick_solve(&p->strict, n, r->begin, r->end, s->taken, &a);
    money most = p->waits ? pick_most(&p->loose, n, r->begin, r->end) : a.most;
    note_below(s, rest - most);
    if (rest - a.value >= s->best_claim)
        return;
    s->best_claim = rest - a.value;
    s->best_n = n;
    s->best_begin = r->begin;
    s->best_end = r->end;
    memcpy(s->best_taken, s->taken, p->count);
}

/* True if the range is worth nothing more even where one of the plan has room for all of it. */
static bool is_beaten(const struct splitting *s, const struct range *r, bool by_claim)
{
    const struct split_problem *p = &s->problem;
    money least = p->base - r->gains + paid_for(s, 1, r->periods);
    for (size_t k = r->begin; k < r->end; k++)
        least -= p->value[k];
    return least >= s->below && (!by_claim || least >= s->best_claim);
}

static uint64_t lowest_bound(struct splitting *s, const struct range *r)
{
    uint64_t low = 1, high = s->most;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (bound_of(s, r, middle) <= bound_of(s, r, middle + 1))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* From where the bound is lowest on both ways, until the bound, which then only rises, passes what
 * is known: no number beyond is better. */
#define COUNTS_TRIED 200
static void search_counts(struct splitting *s, const struct range *r)
{
    if (is_beaten(s, r, true))
        return;
    uint64_t lowest = lowest_bound(s, r), n;
    money bound = bound_of(s, r, lowest);
    note_below(s, bound < s->best_claim ? MONEY_MAX : bound);
    if (bound >= s->best_claim)
        return;
    solve(s, r, lowest);
    for (int way = -1; way <= 1; way += 2)
        for (n = lowest + (uint64_t)way; n >= 1 && n <= s->most; n += (uint64_t)way) {
            bound = bound_of(s, r, n);
            if (bound >= s->best_claim || n > lowest + COUNTS_TRIED || n + COUNTS_TRIED < lowest) {
                note_below(s, bound);
                break;
            }
            solve(s, r, n);
        }
}

/* The first item that is beyond so many periods from `begin` on. */
static size_t end_of(const struct splitting *s, size_t begin, uint64_t periods)
{
    const struct split_problem *p = &s->problem;
    size_t low = begin + 1, high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (periods_of(s, p->at_ns[begin], p->at_ns[middle]) <= periods)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Every stretch of time that so many periods cover: whatever goes to the flat plan lies in the one
 * that begins with its first request. */
#define STRETCHES_WORK 3000000
static void search_stretches(struct splitting *s, uint64_t all)
{
    const struct split_problem *p = &s->problem;
    for (uint64_t k = 1; k <= all; k++)
        for (size_t begin = 0, before = 0; begin < p->count; begin++) {
            struct range r = {.begin = begin, .end = end_of(s, begin, k), .periods = k};
            if (begin > 0 && p->at_ns[begin] == p->at_ns[begin - 1])
                continue; /* the one before has all of it */
            r.gains = gains(p, r.begin, r.end);
            if (begin > 0 && r.end == before)
                continue; /* so has it here */
            before = r.end;
            search_counts(s, &r);
        }
}

/* The least that any number of the plan costs with a choice of the range. */
static void bound_range(struct splitting *s, const struct range *r)
{
    if (!is_beaten(s, r, false))
        note_below(s, bound_of(s, r, lowest_bound(s, r)));
}

static size_t first_at(const struct split_problem *p, int64_t at_ns)
{
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->at_ns[middle] < at_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where there are too many stretches: all of the time, and k periods from a few instants on. Any k
 * periods lie in one of the stretches that are `parts` of a period longer and begin a part after
 * the other: that bounds them all. */
#define PARTS 8
static void search_roughly(struct splitting *s, uint64_t all)
{
    const struct split_problem *p = &s->problem;
    int64_t longest = plan_period_ns(s->flat->plan);
    longest += longest % (30 * 86400 * NS_PER_S) == 0 || longest % (365 * 86400 * NS_PER_S) == 0
                   ? 86400 * NS_PER_S
                   : 0; /* months of 31 days, leap years */
    uint64_t parts = (money)p->count * (money)all * (money)all * PARTS < 8000000 ? PARTS : 1;
    uint64_t step = all > 24 ? all / 24 : 1; /* k, and all up to the next one */
    struct range r = {.end = p->count, .periods = all, .gains = gains(p, 0, p->count)};
    search_counts(s, &r);
    for (uint64_t k = 1; k < all; k += step) {
        uint64_t most = k + step - 1 < all ? k + step - 1 : all;
        int64_t part = longest / (int64_t)parts, length = (int64_t)most * longest + part;
        for (int64_t from = p->at_ns[0]; from <= p->at_ns[p->count - 1]; from += part) {
            r = (struct range){first_at(p, from), first_at(p, from + length), k, 0};
            if (r.begin < r.end) {
                r.gains = gains(p, r.begin, r.end);
                bound_range(s, &r);
                r.end = end_of(s, r.begin, k);
                r.gains = gains(p, r.begin, r.end);
                search_counts(s, &r);
            }
            if (from + length > p->at_ns[p->count - 1])
                break;
        }
    }
}

static void search(struct splitting *s)
{
    const struct split_problem *p = &s->problem;
    struct range all = {.end = p->count, .periods = 1};
    if (p->count == 0)
        return;
    all.gains = gains(p, 0, p->count);
    all.periods = periods_of(s, p->at_ns[0], p->at_ns[p->count - 1]);
    if (all.periods == 1 || s->price.fee == 0)
        search_counts(s, &all);
    else if ((money)p->count * p->count * (money)all.periods <= STRETCHES_WORK)
        search_stretches(s, all.periods);
    else
        search_roughly(s, all.periods);
    if (s->best_n > 0)
        try_choice(s, s->best_n, s->best_begin, s->best_end, s->best_taken);
}

/* Everything to one of the two is a split, too. */
static void try_alone(struct splitting *s)
{
    const struct plan_bill *t = s->token, *f = s->flat;
    uint64_t all = s->bill->workload->count;
    struct bill_split token = {.to_token = all, .token_usage = t->total, .total = t->total};
    struct bill_split flat = {.to_flat = all,
                              .moved_usage = t->sums.total,
                              .subscriptions = f->subscriptions,
                              .flat = f->total,
                              .total = f->total};
    if (t->rank > 0 && t->served.truncated == 0 && is_better(&token, &s->found))
        s->found = token;
    if (f->rank > 0 && f->served.truncated == 0 && is_better(&flat, &s->found))
        s->found = flat;
}

static void open_search(struct splitting *s)
{
    struct split_problem *p = &s->problem;
    s->most = s->price.in_numbers ? split_problem_enough(p) : 1;
    money saved = gains(p, 0, p->count), once = s->price.fee + s->price.setup;
    for (size_t k = 0; k < p->count; k++)
        saved += p->value[k];
    if (once > 0 && saved / once + 1 < (money)s->most)
        s->most = (uint64_t)(saved / once) + 1;
    s->taken = mem_zero(p->count + 1, 1);
    s->best_taken = mem_zero(p->count + 1, 1);
    s->best_claim = MONEY_MAX;
}

/* What the cheaper of the two costs alone, of those that serve everything; MONEY_MAX: neither. */
static money cheaper_alone(const struct plan_bill *a, const struct plan_bill *b)
{
    money cost = a->rank > 0 ? a->total : MONEY_MAX;
    return b->rank > 0 && b->total < cost ? b->total : cost;
}

static void add_split(struct bill *bill, const struct splitting *s)
{
    struct bill_split out = s->found;
    money alone = cheaper_alone(s->token, s->flat);
    out.token_plan = (size_t)(s->token - bill->plans);
    out.flat_plan = (size_t)(s->flat - bill->plans);
    out.has_alone = alone != MONEY_MAX;
    out.undecided = bill_is_undecided(bill, out.token_plan, out.flat_plan);
    out.saved = out.has_alone ? alone - out.total : 0;
    out.has_below = out.unserved == 0;
    out.below = s->below < out.total ? s->below : out.total;
    if (out.below < 0)
        out.below = 0;
    struct bill_split *to = mem_append(&bill->splits, &bill->split_count, sizeof *bill->splits);
    *to = out;
}

/* What is found, and the bound, by a choice among all rows. False: its charges are too large. */
static bool search_rows(struct splitting *s, const struct serve_rows *rows,
                        const struct split_rows *token)
{
    money *flat = bill_charge_rows(s->bill, rows, s->flat, false, false);
    const struct split_charges charges = {token->token, flat, token->count};
    s->charges = &charges;
    bool ok = split_problem_make(&s->problem, s->flat->plan, &charges, s->rows,
                                 s->bill->start_unix_ns, s->bill->options.max_wait_ns);
    if (ok) {
        open_search(s);
        search(s);
        note_below(s, s->problem.base);
        free(s->taken);
        free(s->best_taken);
    }
    split_problem_free(&s->problem);
    free(flat);
    s->charges = NULL;
    return ok;
}

/* The same where no search is needed. False: it is. */
static bool find_plainly(struct splitting *s, struct split_rows *token)
{
    size_t last = token->count - 1;
    if (!token->plain || token->count == 0)
        return false;
    s->price.periods = periods_of(s, serve_due(s->rows, 0), serve_due(s->rows, last));
    bool once = s->price.periods == 1 || s->price.fee == 0;
    if (!once || !split_plain(s->bill, s->flat, s->rows, token, &s->price, &s->found, &s->below))
        return false;
    note_below(s, token->sum);
    return true;
}

static void split_pair(struct bill *bill, const struct serve_rows *rows, struct split_rows *token,
                       size_t a, size_t b)
{
    const struct plan_bill *f = &bill->plans[b];
    struct serve_rows own = bill_rows_for(rows, f); /* the allowance that is filled is its own */
    struct splitting s = {.bill = bill,
                          .flat = f,
                          .token = &bill->plans[a],
                          .rows = &own,
                          .below = MONEY_MAX,
                          .found = {.unserved = UINT64_MAX, .total = MONEY_MAX}};
    s.price = split_price_of(f->plan, bill->options.units);
    bool ok = find_plainly(&s, token) || search_rows(&s, rows, token);
    if (ok)
        try_alone(&s);
    else
        leave_out(bill, b, "its charges are too large");
    if (s.found.unserved != UINT64_MAX)
        add_split(bill, &s);
}

/* The cheapest split that leaves nobody out, against the cheapest plan alone. */
static void choose(struct bill *bill)
{
    const struct bill_split *best = NULL;
    for (size_t i = 0; i < bill->split_count; i++) {
        const struct bill_split *s = &bill->splits[i];
        if (s->unserved > 0)
            continue;
        if (!best || s->total < best->total)
            best = s;
        if (!bill->has_split_below || s->below < bill->split_below)
            bill->split_below = s->below;
        bill->has_split_below = true;
    }
    bill->best_split = best;
    if (best && bill->ranking_count > 0)
        bill->best_split_saved = bill->plans[bill->ranking[0]].total - best->total;
    bill->split_undecided = best && bill_split_is_undecided(bill, best);
}

/* Every plan that is no plan by the token, with this one. */
static void split_with(struct bill *bill, const struct serve_rows *rows, size_t a)
{
    money *token = bill_charge_rows(bill, rows, &bill->plans[a], true, false);
    for (size_t i = 0; i < bill->workload->count; i++)
        if (bill->plans[a].plan->limits.max_output_tokens > 0 &&
            bill->workload->output_tokens[i] > bill->plans[a].plan->limits.max_output_tokens)
            token[i] = MONEY_MAX; /* a split cuts no answer */
    struct split_rows asked;
    split_rows_make(&asked, rows, token);
    for (size_t b = 0; b < bill->plan_count; b++) {
        const struct plan_bill *f = &bill->plans[b];
        if (!f->without_caps && !is_token_side(f) && !split_why_alone(f->plan) &&
            f->served_requests > 0)
            split_pair(bill, rows, &asked, a, b);
    }
    split_rows_free(&asked);
    free(token);
}

/* A plan by the token, and one of the other side: whatever their terms. */
static bool has_both_sides(const struct bill *bill)
{
    bool token = false, other = false;
    for (size_t i = 0; i < bill->plan_count; i++) {
        const struct plan_bill *p = &bill->plans[i];
        if (p->without_caps || p->served_requests == 0)
            continue;
        token = token || is_token_side(p);
        other = other || !is_token_side(p);
    }
    return token && other;
}

void bill_split_all(struct bill *bill, const struct serve_rows *rows, size_t cheapest)
{
    bool all = bill->workload->count <= SPLIT_ALL_ROWS;
    if (bill->scale_ns > 0 || !has_both_sides(bill))
        return;
    for (size_t i = 0; i < bill->plan_count; i++) {
        const struct plan_bill *p = &bill->plans[i];
        const char *why = is_token_side(p) ? why_no_token_side(p) : split_why_alone(p->plan);
        if (p->without_caps || p->served_requests == 0)
            continue;
        if (bill->workload->count > SPLIT_MOST_ROWS && !is_token_side(p))
            leave_out(bill, i, TOO_MANY);
        else if (why)
            leave_out(bill, i, why);
        else if (is_token_side(p) && (all || i == cheapest) &&
                 bill->workload->count <= SPLIT_MOST_ROWS)
            split_with(bill, rows, i);
    }
    choose(bill);
}
