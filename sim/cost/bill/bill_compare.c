/* Comparing plans: break-evens, the map of the cheapest. */
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

static void compare_pair(const struct comparing *c, size_t a, size_t b)
{
    struct bill *bill = c->bill;
    const struct plan_bill *t = &bill->plans[a], *f = &bill->plans[b];
    bool by_model = t->plan->rate_count > 1 || f->plan->rate_count > 1;
    const struct plan_rate *rate = plan_rate_for(t->plan, c->model);
    const struct plan_limits *caps = &f->plan->limits;
    const struct lengths *mean = by_model ? &c->of_model : &c->mean;
    uint64_t input = mean->input, output = mean->output;
    struct flat_price price;
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
    if (bill_is_undecided(bill, a, b))
        leave_undecided(&e);
    bill->break_even =
        mem_resize(bill->break_even, bill->break_even_count + 1, sizeof *bill->break_even);
    bill->break_even[bill->break_even_count++] = e;
}

static void compare_token_plan(const struct comparing *c, size_t a)
{
    const struct bill *bill = c->bill;
    for (size_t b = 0; b < bill->plan_count; b++)
        if (!bill->plans[b].without_caps && bill->plans[b].flat)
            compare_pair(c, a, b);
}

bool bill_is_token_plan(const struct plan_bill *p)
{
    return !p->flat && !p->without_caps && !p->plan->quota_count && p->plan->rate_count > 0 &&
           p->served_requests > 0;
}

static size_t cheapest_token_plan(const struct bill *bill)
{
    for (size_t i = 0; i < bill->ranking_count; i++)
        if (bill_is_token_plan(&bill->plans[bill->ranking[i]]))
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

void bill_compare(struct bill *bill, const struct serve_rows *rows, const struct dearer *dearer)
{
    const char *model = model_of_most(bill->workload);
    struct comparing c = {.bill = bill,
                          .rows = rows,
                          .model = model,
                          .counted = counted_of(bill->workload, model),
                          .mean = mean_lengths(bill->workload, NULL),
                          .of_model = mean_lengths(bill->workload, model)};
    add_session_growth(&c);
    for (size_t a = 0; a < bill->plan_count; a++)
        if (bill_is_token_plan(&bill->plans[a]) && bill->completed > 0)
            compare_token_plan(&c, a);
    dearer_tell(dearer, bill, rows);
    map_cheapest(&c);
    if (bill->completed > 0)
        bill_split_all(bill, rows, cheapest_token_plan(bill));
}
