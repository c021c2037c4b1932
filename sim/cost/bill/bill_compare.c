/* Comparing plans: break-evens, the best split, the map of the cheapest. */
#include "sim/cost/bill/bill_parts.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* The flat price of a plan: the cash that it took over the requests that it served, or its price
 * per request. */
static bool flat_price_of(const struct plan_bill *p, const char *model, struct flat_price *out)
{
    if (p->without_caps || !p->flat || p->period_served == 0)
        return false;
    if (plan_is_paid_by_period(p->plan)) {
        *out = (struct flat_price){p->total, p->period_served};
        return p->total > 0;
    }
    const struct plan_rate *rate = plan_rate_for(p->plan, model);
    if (!rate)
        return false;
    *out = (struct flat_price){rate->resolved[SERVICE_STANDARD].per_request_micro * PLAN_MICRO, 1};
    return out->price > 0;
}

/* The model of most requests, where plans have rates by model; NULL where none is named. */
static const char *model_of_most(const struct workload *w)
{
    size_t *count = mem_zero(w->models.count + 1, sizeof *count), most = 0;
    for (size_t i = 0; i < w->count && w->model; i++)
        if (w->model[i] != UINT16_MAX)
            count[w->model[i]]++;
    for (size_t m = 1; m < w->models.count; m++)
        if (count[m] > count[most])
            most = m;
    bool named = w->models.count > 0 && count[most] > 0;
    free(count);
    return named ? names_text(&w->models, (uint32_t)most) : NULL;
}

/* Whose tokens the first request of that model counts. */
static const char *counted_of(const struct workload *w, const char *model)
{
    for (size_t i = 0; model && w->counted && i < w->count; i++)
        if (w->model && w->model[i] != UINT16_MAX &&
            strcmp(names_text(&w->models, w->model[i]), model) == 0) {
            const char *name = names_text(&w->counters, w->counted[i]);
            return !name ? model : name[0] ? name : NULL;
        }
    return model;
}

struct lengths {
    uint64_t input, output;
};

/* What every pair is compared by. */
struct comparing {
    struct bill *bill;
    const struct serve_rows *rows;
    const char *model;             /* of most requests; NULL */
    const char *counted;           /* whose tokens those count; NULL: nobody knows */
    struct lengths mean, of_model; /* over all requests, over those of the model */
    bool has_steps;                /* some session has two turns and more; of those: */
    uint64_t first, growth;        /* means of first inputs, of growth from turn to turn */
};

static void add_session_growth(struct comparing *c)
{
    const struct workload *w = c->rows->workload;
    if (!w->session || w->sessions.count == 0)
        return;
    struct {
        uint64_t turns, first, last;
    } *s = mem_zero(w->sessions.count, sizeof *s);
    uint64_t runs = 0, steps = 0, firsts = 0, grown = 0;
    for (size_t i = 0; i < w->count; i++) {
        size_t row = c->rows->order ? c->rows->order[i] : i;
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
        return;
    c->has_steps = true;
    c->first = firsts / runs;
    c->growth = grown / steps;
}

static uint64_t mean_of(uint64_t sum, uint64_t count)
{
    return count ? (sum + count / 2) / count : 0;
}

/* Every row's charge under a plan. */
struct charged {
    money *charges; /* MONEY_MAX: not served */
    size_t count;
};

/* The bill keeps no row: they are served and charged again, by one of the plan, without the quotas
 * of a flat plan that a split fills itself. */
static void charge_rows(struct charged *c, const struct bill *bill, const struct serve_rows *rows,
                        const struct plan_bill *p)
{
    struct serve_conditions conditions = {bill->start_unix_ns, p->without_caps};
    struct plan plan = *p->plan;
    struct serve_rows own = bill_rows_for(rows, p);
    struct serve_result served;
    rows = &own;
    struct tariff t;
    if (p->flat)
        plan.quota_count = plan.rate_limit_count = plan.limits.concurrency = 0;
    serve_plan(&plan, rows, &conditions, &served);
    tariff_init(&t, &plan, rows, &served, bill_known_start(bill), p->without_caps);
    *c = (struct charged){.count = rows->workload->count};
    c->charges = mem_alloc((c->count + 1) * sizeof *c->charges);
    for (size_t i = 0; i < c->count; i++) {
        struct row_charge row;
        bool charged = tariff_serves(&t, i) && tariff_charge(&t, i, &row) == 0;
        c->charges[i] = charged && !row.last.unpriced ? row.total : MONEY_MAX;
        if (p->flat && p->plan->quota_count > 0 && charged)
            c->charges[i] = 0; /* included, and beyond that a split sends nothing */
    }
    tariff_free(&t);
    serve_result_free(&served);
}

/* Requests that both serve and that cost more by the token: than the flat plan charges for that
 * request, or than its cash came to for each: charge × requests > price is charge > ⌊price /
 * requests⌋. */
static uint64_t count_dearer(const struct charged *token, const struct charged *flat,
                             const struct flat_price *paid)
{
    money each = paid ? paid->price / (money)paid->requests : 0;
    uint64_t dearer = 0;
    for (size_t i = 0; i < token->count; i++)
        dearer += token->charges[i] != MONEY_MAX && flat->charges[i] != MONEY_MAX &&
                  token->charges[i] > (paid ? each : flat->charges[i]);
    return dearer;
}

/* A split under some count of the flat plan. */
struct splitting {
    const struct bill *bill;
    const struct plan_bill *flat;
    const struct split_order *order;
    struct split split; /* of the last count tried */
    money flat_cash;
};

/* What so many of the flat plan and the token plan for the rest come to. Paid by the period from
 * the first request that goes to the flat plan until the last one. */
static money split_cash(void *context, uint64_t count)
{
    struct splitting *s = context;
    const struct bill *b = s->bill;
    const struct plan *plan = s->flat->plan;
    struct bought bought;
    money total;
    bought_make(&bought, plan, count, b->options.units);
    split_make(s->order, &bought.plan, &s->split);
    s->flat_cash = s->split.flat_usage;
    if (plan_is_paid_by_period(plan) && s->split.to_flat > 0) {
        int64_t elapsed = s->split.last_ns - s->split.first_ns;
        if (b->options.period != PERIOD_TRACE && elapsed >= b->billed_span_ns)
            elapsed = b->billed_span_ns - 1;
        uint64_t periods = bill_periods(b, plan_period_ns(plan), s->split.first_ns, elapsed);
        money price = plan_period_price(&bought.plan);
        if (money_multiply(price, periods, &price) < 0 ||
            money_add(s->flat_cash, price, &s->flat_cash) < 0)
            s->flat_cash = MONEY_MAX / 2;
    }
    bought_free(&bought);
    return money_add(s->split.token_usage, s->flat_cash, &total) < 0 ? MONEY_MAX : total;
}

/* What the cheaper of the two costs alone, of those that serve everything; MONEY_MAX: neither. */
static money cheaper_alone(const struct plan_bill *a, const struct plan_bill *b)
{
    money cost = a->rank > 0 ? a->total : MONEY_MAX;
    return b->rank > 0 && b->total < cost ? b->total : cost;
}

static void add_split(struct break_even *e, const struct bill *bill, const struct charged *token,
                      const struct charged *flat, const struct serve_rows *rows)
{
    const struct plan_bill *f = &bill->plans[e->flat_plan], *t = &bill->plans[e->token_plan];
    struct split_charges charges = {token->charges, flat->charges, token->count};
    struct serve_conditions conditions = {bill->start_unix_ns, false};
    struct split_order order;
    struct serve_rows own =
        bill_rows_for(rows, f); /* the quota that is filled is the flat plan's */
    split_order_make(&order, &charges, f->plan, &own, &conditions);
    struct splitting s = {.bill = bill, .flat = f, .order = &order};
    money price = plan_period_price(f->plan);
    uint64_t most = 1;
    if (plan_is_bought_in_numbers(f->plan, bill->options.units) && price > 0) {
        money affordable = t->total / price + 1;
        most = f->need.count > 1 ? f->need.count : 1;
        most = affordable < (money)most ? (uint64_t)affordable : most;
    }
    e->has_split = true;
    e->subscriptions = bought_cheapest(1, most, split_cash, &s, &e->split_total);
    e->split_total = split_cash(&s, e->subscriptions);
    e->split = s.split;
    e->split_flat = s.flat_cash;
    money alone = cheaper_alone(t, f);
    e->has_alone = alone != MONEY_MAX;
    e->split_saved = e->has_alone ? alone - e->split_total : 0;
    split_order_free(&order);
}

/* Means of both lengths over the requests of a model; of all without one. */
static struct lengths mean_lengths(const struct workload *w, const char *model)
{
    uint64_t count = 0, in = 0, out = 0;
    for (size_t i = 0; i < w->count; i++) {
        bool named = w->model && w->model[i] != UINT16_MAX;
        if (model && (!named || strcmp(names_text(&w->models, w->model[i]), model) != 0))
            continue;
        count++;
        in += w->input_tokens[i];
        out += w->output_tokens[i];
    }
    return (struct lengths){mean_of(in, count), mean_of(out, count)};
}

static const struct token_scale *scale_for(const struct comparing *c, const struct plan_bill *p)
{
    return token_scale_for(p->plan, c->model, c->counted, c->bill->options.scales);
}

/* Between what the requests count and what the two plans do. */
struct break_even_tokens {
    const struct token_scale *token, *flat; /* NULL: the same */
    const struct plan_limits *caps;         /* of the flat plan */
};

static uint64_t in_tokens(const struct break_even_tokens *t, uint64_t input)
{
    return t->token ? token_scale_apply(t->token, TOKENS_AS, USAGE_UNCACHED_INPUT, input) : input;
}

static uint64_t out_tokens(const struct break_even_tokens *t, uint64_t output)
{
    return t->token ? token_scale_apply(t->token, TOKENS_AS, USAGE_OUTPUT, output) : output;
}

/* An answer in the token plan's tokens as the requests count: the first count that becomes as many.
 */
static void in_counts(struct break_even_answer *a, const struct break_even_tokens *t,
                      enum usage_class class, uint64_t cap)
{
    if (a->kind != BREAK_EVEN_AT)
        return;
    if (t->token)
        a->value = token_scale_before(t->token, class, a->value);
    uint64_t flat = t->flat ? token_scale_apply(t->flat, TOKENS_AS, class, a->value) : a->value;
    if (cap > 0 && flat > cap)
        a->kind = BREAK_EVEN_BEYOND;
}

static void break_even_lengths(const struct plan_rate *rate, const struct flat_price *price,
                               const struct break_even_tokens *t, uint64_t input, uint64_t output,
                               struct break_even *e)
{
    uint64_t in = in_tokens(t, input), out = out_tokens(t, output);
    e->input = break_even_input(rate, price, out, 0);
    e->output = break_even_output(rate, price, in, 0);
    e->cache = break_even_cache(rate, price, in, out);
    in_counts(&e->input, t, USAGE_UNCACHED_INPUT, t->caps->max_input_tokens);
    in_counts(&e->output, t, USAGE_OUTPUT, t->caps->max_output_tokens);
}

/* No winner is named, and nothing from which one follows. */
static void leave_undecided(struct break_even *e)
{
    static const struct break_even_answer none = {BREAK_EVEN_UNDECIDED, 0};
    e->undecided = true;
    e->input = e->output = e->cache = e->volume = e->utilisation = e->steps = none;
}

static void compare_pair(const struct comparing *c, const struct charged *token, size_t a, size_t b,
                         bool split)
{
    struct bill *bill = c->bill;
    const struct plan_bill *t = &bill->plans[a], *f = &bill->plans[b];
    bool by_model = t->plan->rate_count > 1 || f->plan->rate_count > 1;
    const struct plan_rate *rate = plan_rate_for(t->plan, c->model);
    const struct plan_limits *caps = &f->plan->limits;
    const struct lengths *mean = by_model ? &c->of_model : &c->mean;
    uint64_t input = mean->input, output = mean->output;
    struct flat_price price;
    struct charged flat;
    if (!rate || !flat_price_of(f, c->model, &price))
        return;
    if (bill->options.break_even_output > 0)
        output = bill->options.break_even_output;
    struct break_even e = {.token_plan = a,
                           .flat_plan = b,
                           .flat = price,
                           .model = by_model ? c->model : NULL,
                           .mean_input = input,
                           .mean_output = output};
    struct break_even_tokens tokens = {scale_for(c, t), scale_for(c, f), caps};
    break_even_lengths(rate, &price, &tokens, input, output, &e);
    e.volume = break_even_volume(f->plan, t->sums.total, t->served_requests);
    e.utilisation = break_even_utilisation(&price, t->sums.total, t->served_requests);
    e.has_steps = c->has_steps;
    if (e.has_steps)
        e.steps = break_even_steps(rate, &price, in_tokens(&tokens, c->first),
                                   in_tokens(&tokens, c->growth), out_tokens(&tokens, output));
    charge_rows(&flat, bill, c->rows, f);
    e.dearer = count_dearer(token, &flat, plan_is_paid_by_period(f->plan) ? &price : NULL);
    if (split && bill->scale_ns == 0)
        add_split(&e, bill, token, &flat, c->rows);
    if (bill_is_undecided(bill, a, b))
        leave_undecided(&e);
    free(flat.charges);
    bill->break_even =
        mem_resize(bill->break_even, bill->break_even_count + 1, sizeof *bill->break_even);
    bill->break_even[bill->break_even_count++] = e;
}

static void compare_token_plan(const struct comparing *c, size_t a, bool split)
{
    const struct bill *bill = c->bill;
    struct charged token = {0};
    for (size_t b = 0; b < bill->plan_count; b++) {
        if (bill->plans[b].without_caps || !bill->plans[b].flat)
            continue;
        if (!token.charges)
            charge_rows(&token, bill, c->rows, &bill->plans[a]);
        compare_pair(c, &token, a, b, split);
    }
    free(token.charges);
}

/* Splits sort all requests: of large workloads only the cheapest token plan's are worked out. */
#define SPLIT_ALL_ROWS 100000

static bool is_token_plan(const struct plan_bill *p)
{
    return !p->flat && !p->without_caps && !p->plan->quota_count && p->plan->rate_count > 0 &&
           p->served_requests > 0;
}

static size_t cheapest_token_plan(const struct bill *bill)
{
    for (size_t i = 0; i < bill->ranking_count; i++)
        if (is_token_plan(&bill->plans[bill->ranking[i]]))
            return bill->ranking[i];
    return SIZE_MAX;
}

static void map_cheapest(const struct comparing *c)
{
    struct bill *bill = c->bill;
    struct map_plan *plans = mem_zero(bill->plan_count + 1, sizeof *plans);
    for (size_t i = 0; i < bill->plan_count; i++) {
        const struct plan_bill *p = &bill->plans[i];
        plans[i] = (struct map_plan){.plan = p->plan,
                                     .model = c->model,
                                     .scale = scale_for(c, p),
                                     .doubt = token_counts_in_doubt(&p->counts),
                                     .priced = p->counts.priced};
        if (p->flat && plan_is_paid_by_period(p->plan))
            plans[i].paid = (struct flat_price){p->total, p->period_served};
    }
    cheapest_map_make(plans, bill->plan_count, &bill->map);
    free(plans);
}

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
static bool split_is_undecided(const struct bill *bill, const struct break_even *best)
{
    const struct plan_bill *token = &bill->plans[best->token_plan];
    if (!token_counts_in_doubt(&token->counts) || best->split.to_flat == 0)
        return false;
    for (int side = 0; side < TOKEN_SIDES; side++) {
        money alone = MONEY_MAX, part = best->split.token_usage;
        for (size_t i = 0; i < bill->plan_count; i++)
            if (bill->plans[i].at[side].ranked && bill->plans[i].at[side].total < alone)
                alone = bill->plans[i].at[side].total;
        if (side != TOKENS_AS && token_share(&token->counts, side, &part) < 0)
            return true;
        if (bill->best_split_saved > 0 && part + best->split_flat >= alone)
            return true;
    }
    return bill->undecided;
}

/* The cheapest split that leaves nobody out, against the cheapest plan alone. */
static void choose_split(struct bill *bill)
{
    const struct break_even *best = NULL;
    for (size_t i = 0; i < bill->break_even_count; i++) {
        const struct break_even *e = &bill->break_even[i];
        if (e->has_split && e->split.unserved == 0 && (!best || e->split_total < best->split_total))
            best = e;
    }
    bill->best_split = best;
    if (best && bill->ranking_count > 0)
        bill->best_split_saved = bill->plans[bill->ranking[0]].total - best->split_total;
    bill->split_undecided = best && split_is_undecided(bill, best);
}

void bill_compare(struct bill *bill, const struct serve_rows *rows)
{
    const char *model = model_of_most(bill->workload);
    size_t cheapest = cheapest_token_plan(bill);
    struct comparing c = {.bill = bill,
                          .rows = rows,
                          .model = model,
                          .counted = counted_of(bill->workload, model),
                          .mean = mean_lengths(bill->workload, NULL),
                          .of_model = mean_lengths(bill->workload, model)};
    add_session_growth(&c);
    for (size_t a = 0; a < bill->plan_count; a++)
        if (is_token_plan(&bill->plans[a]) && bill->completed > 0)
            compare_token_plan(&c, a, bill->workload->count <= SPLIT_ALL_ROWS || a == cheapest);
    map_cheapest(&c);
    choose_split(bill);
}
