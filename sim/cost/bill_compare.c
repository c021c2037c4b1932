/* Comparing plans: break-evens, the best split, the map of the cheapest. */
#include "sim/cost/bill_parts.h"

#include "core/memory.h"

#include <stdlib.h>

/* The flat price of a plan: full use of its quota, or its price per request. */
static bool flat_price_of(const struct plan_bill *p, struct flat_price *out)
{
    if (p->without_caps || !p->flat)
        return false;
    if (p->has_full_use) {
        *out = (struct flat_price){p->full_use_price, p->full_use_requests};
        return p->full_use_price > 0;
    }
    *out = (struct flat_price){
        p->plan->rates[0].resolved[SERVICE_STANDARD].per_request_micro * PLAN_MICRO, 1};
    return out->price > 0;
}

/* Means of first inputs and of growth from turn to turn over sessions of two turns and more. */
static bool session_growth(const struct serve_rows *rows, uint64_t *first, uint64_t *growth)
{
    const struct workload *w = rows->workload;
    if (!w->session || w->sessions.count == 0)
        return false;
    struct {
        uint64_t turns, first, last;
    } *s = mem_zero(w->sessions.count, sizeof *s);
    uint64_t runs = 0, steps = 0, firsts = 0, grown = 0;
    for (size_t i = 0; i < w->count; i++) {
        size_t row = rows->order ? rows->order[i] : i;
        uint32_t n = w->session[row];
        if (n == NAME_NONE)
            continue;
        if (s[n].turns++ == 0)
            s[n].first = w->input_tokens[row];
        s[n].last = w->input_tokens[row];
    }
    for (size_t n = 0; n < w->sessions.count; n++)
        if (s[n].turns > 1) {
            runs++;
            steps += s[n].turns - 1;
            firsts += s[n].first;
            grown += s[n].last > s[n].first ? s[n].last - s[n].first : 0;
        }
    free(s);
    if (runs == 0)
        return false;
    *first = firsts / runs;
    *growth = grown / steps;
    return true;
}

static uint64_t mean_of(uint64_t sum, uint64_t count)
{
    return count ? (sum + count / 2) / count : 0;
}

/* Every row's charge under a token plan, and the rows dearest first where splits are wanted. */
struct charged {
    money *charges; /* MONEY_MAX: not served */
    struct split_candidate *sorted;
    size_t count;
};

/* The bill keeps no row: they are served and charged again. */
static void charge_rows(struct charged *c, const struct bill *bill, const struct serve_rows *rows,
                        const struct plan_bill *p)
{
    struct serve_conditions conditions = {bill->start_unix_ns, p->without_caps};
    struct serve_result served;
    struct tariff t;
    serve_plan(p->plan, rows, &conditions, &served);
    tariff_init(&t, p->plan, rows, &served, bill->has_start ? bill->start_unix_ns : TIME_NEVER,
                p->without_caps, bill->options.earlier);
    *c = (struct charged){.count = rows->workload->count};
    c->charges = mem_alloc((c->count + 1) * sizeof *c->charges);
    for (size_t i = 0; i < c->count; i++) {
        struct row_charge row;
        bool charged = tariff_serves(&t, i) && tariff_charge_fast(&t, i, &row) == 0;
        c->charges[i] = charged ? row.total : MONEY_MAX;
    }
    tariff_free(&t);
    serve_result_free(&served);
}

/* charge × requests > price is charge > ⌊price / requests⌋. */
static uint64_t count_dearer(const struct charged *c, const struct flat_price *flat)
{
    money most = flat->price / (money)flat->requests;
    uint64_t dearer = 0;
    for (size_t i = 0; i < c->count; i++)
        dearer += c->charges[i] > most && c->charges[i] != MONEY_MAX;
    return dearer;
}

static money flat_part(const struct bill *bill, const struct split *split,
                       const struct plan_bill *flat, const struct flat_price *price)
{
    const struct plan_subscription *sub = &flat->plan->subscription;
    int64_t span = split->covered_ns > bill->span_ns ? split->covered_ns : bill->span_ns;
    money part = 0;
    if (!sub->present) /* paid by the request */
        return money_multiply(price->price, split->to_flat, &part) < 0 ? MONEY_MAX / 2 : part;
    if (money_multiply(sub->price, sub->seats, &part) < 0 ||
        money_prorate(part, (uint64_t)span, (uint64_t)sub->period_ns, &part) < 0)
        return MONEY_MAX / 2;
    return part;
}

static void add_split(struct break_even *e, const struct bill *bill, const struct charged *token,
                      const struct serve_rows *rows, const struct plan_bill *flat)
{
    struct serve_conditions conditions = {bill->start_unix_ns, false};
    e->has_split = true;
    split_make(token->sorted, token->count, flat->plan, rows, &conditions, &e->split);
    e->split_total = e->split.token_usage + flat_part(bill, &e->split, flat, &e->flat);
    e->split_saved = bill->plans[e->token_plan].sums.total - e->split_total;
}

static void compare_pair(struct bill *bill, const struct serve_rows *rows,
                         const struct charged *token, size_t a, size_t b,
                         const struct flat_price *price)
{
    const struct plan_bill *t = &bill->plans[a], *f = &bill->plans[b];
    const struct plan_rate *rate = &t->plan->rates[0];
    const struct plan_limits *caps = &f->plan->limits;
    uint64_t input = mean_of(bill->input_tokens, bill->workload->count), first, growth;
    uint64_t output = bill->options.break_even_output;
    if (output == 0)
        output = mean_of(bill->output_tokens, bill->workload->count);
    struct break_even e = {.token_plan = a,
                           .flat_plan = b,
                           .flat = *price,
                           .mean_input = input,
                           .mean_output = output};
    e.input = break_even_input(rate, price, output, caps->max_input_tokens);
    e.output = break_even_output(rate, price, input, caps->max_output_tokens);
    e.cache = break_even_cache(rate, price, input, output);
    e.volume = break_even_volume(f->plan, t->sums.total, t->served_requests);
    e.utilisation = break_even_utilisation(price, t->sums.total, t->served_requests);
    e.has_steps = session_growth(rows, &first, &growth);
    if (e.has_steps)
        e.steps = break_even_steps(rate, price, first, growth, output);
    e.dearer = count_dearer(token, price);
    if (token->sorted)
        add_split(&e, bill, token, rows, f);
    bill->break_even =
        mem_resize(bill->break_even, bill->break_even_count + 1, sizeof *bill->break_even);
    bill->break_even[bill->break_even_count++] = e;
}

static void compare_token_plan(struct bill *bill, const struct serve_rows *rows, size_t a,
                               bool split)
{
    struct charged token = {0};
    for (size_t b = 0; b < bill->plan_count; b++) {
        struct flat_price price;
        if (!flat_price_of(&bill->plans[b], &price))
            continue;
        if (!token.charges)
            charge_rows(&token, bill, rows, &bill->plans[a]);
        if (split && !token.sorted)
            token.sorted = split_candidates(token.charges, token.count);
        compare_pair(bill, rows, &token, a, b, &price);
    }
    free(token.charges);
    free(token.sorted);
}

/* Splits sort all requests: of large workloads only the cheapest token plan's are worked out. */
#define SPLIT_ALL_ROWS 100000

static bool is_token_plan(const struct plan_bill *p)
{
    return !p->flat && !p->without_caps && !p->plan->quota_count && p->plan->rate_count > 0;
}

static size_t cheapest_token_plan(const struct bill *bill)
{
    for (size_t i = 0; i < bill->ranking_count; i++)
        if (is_token_plan(&bill->plans[bill->ranking[i]]))
            return bill->ranking[i];
    return SIZE_MAX;
}

void bill_compare(struct bill *bill, const struct serve_rows *rows)
{
    const struct plan **plans = mem_alloc((bill->plan_count + 1) * sizeof *plans);
    size_t cheapest = cheapest_token_plan(bill);
    for (size_t a = 0; a < bill->plan_count; a++) {
        plans[a] = bill->plans[a].plan;
        if (is_token_plan(&bill->plans[a]) && bill->completed > 0)
            compare_token_plan(bill, rows, a,
                               bill->workload->count <= SPLIT_ALL_ROWS || a == cheapest);
    }
    cheapest_map_make(plans, bill->plan_count, &bill->map);
    free(plans);
    for (size_t i = 0; i < bill->break_even_count; i++) {
        const struct break_even *e = &bill->break_even[i], *best = bill->best_split;
        if (e->has_split && e->split.unserved == 0 && (!best || e->split_total < best->split_total))
            bill->best_split = e;
    }
}
