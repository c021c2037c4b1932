/* The cheapest plan over input and output length. */
#include "sim/cost/bill/break_even.h"

#include "core/memory.h"
#include "sim/cost/bill/bought.h"

#include <stdlib.h>
#include <string.h>

static bool caps_allow(const struct plan_limits *l, uint64_t input, uint64_t output)
{
    return (l->max_input_tokens == 0 || input <= l->max_input_tokens) &&
           (l->max_output_tokens == 0 || output <= l->max_output_tokens) &&
           (l->max_total_tokens == 0 || input + output <= l->max_total_tokens);
}

static bool price_at(const struct map_plan *m, enum token_side side, uint64_t input,
                     uint64_t output, struct flat_price *out)
{
    const struct token_scale *scale = m->scale ? m->scale : &token_scale_unknown;
    const struct plan *plan = m->plan;
    const struct plan_rate *rate = plan_rate_for(plan, m->model);
    if (m->scale || (m->doubt && side != TOKENS_AS)) {
        input = token_scale_apply(scale, side, USAGE_UNCACHED_INPUT, input);
        output = token_scale_apply(scale, side, USAGE_OUTPUT, output);
    }
    struct usage u = usage_from_totals(input, 0, 0, 0, output, 0);
    struct price_query q = {.usage = &u, .model = m->model, .at_unix_ns = TIME_NEVER};
    struct charge c;
    if (!caps_allow(&plan->limits, input, output))
        return false;
    *out = m->paid;
    if (out->requests > 0)
        return true;
    if (plan_is_paid_by_period(plan) || !rate)
        return false;
    if (price_request(plan, rate, &q, &c) < 0 || c.unpriced)
        return false;
    *out = (struct flat_price){c.total, 1};
    return true;
}

/* Fractions are compared crosswise. */
static bool is_less(const struct flat_price *a, const struct flat_price *b)
{
    money x, y;
    if (money_multiply(a->price, b->requests, &x) < 0 ||
        money_multiply(b->price, a->requests, &y) < 0)
        return false;
    return x < y;
}

bool price_of_lengths(const struct map_plan *m, uint64_t input, uint64_t output,
                      struct flat_price *out)
{
    return price_at(m, TOKENS_AS, input, output, out);
}

/* True if `b` is cheaper than `a` where either counts otherwise, within the doubt. */
static bool may_turn(const struct map_plan *a, const struct map_plan *b, uint64_t input,
                     uint64_t output)
{
    bool together =
        a->doubt && b->doubt && a->priced && b->priced && strcmp(a->priced, b->priced) == 0;
    for (int x = 0; x < TOKEN_SIDES && (a->doubt || b->doubt); x++)
        for (int y = 0; y < TOKEN_SIDES; y++) {
            struct flat_price first, other;
            if ((together && x != y) || !price_at(b, (enum token_side)y, input, output, &other))
                continue;
            if (!price_at(a, (enum token_side)x, input, output, &first) || is_less(&other, &first))
                return true;
        }
    return false;
}

static int cheapest_of(const struct map_plan *plans, size_t count, uint64_t input, uint64_t output)
{
    struct flat_price best = {0};
    int found = -1;
    for (size_t i = 0; i < count; i++) {
        struct flat_price p;
        if (!price_of_lengths(&plans[i], input, output, &p))
            continue;
        if (found >= 0 && !is_less(&p, &best))
            continue;
        best = p;
        found = (int)i;
    }
    for (size_t i = 0; i < count && found >= 0; i++)
        if (may_turn(&plans[found], &plans[i], input, output))
            return -2;
    return found;
}

/* Half octaves: 64, 91, 128, ... */
static uint64_t *lengths(uint64_t from, size_t count)
{
    uint64_t *out = mem_alloc(count * sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = i % 2 ? (from << i / 2) * 14142 / 10000 : from << i / 2;
    return out;
}

void cheapest_map_make(const struct map_plan *plans, size_t count, struct cheapest_map *out)
{
    *out = (struct cheapest_map){.input_count = 25, .output_count = 21};
    out->inputs = lengths(64, out->input_count);
    out->outputs = lengths(16, out->output_count);
    out->cheapest = mem_alloc(out->input_count * out->output_count * sizeof *out->cheapest);
    for (size_t i = 0; i < out->input_count; i++)
        for (size_t o = 0; o < out->output_count; o++)
            out->cheapest[i * out->output_count + o] =
                cheapest_of(plans, count, out->inputs[i], out->outputs[o]);
}

void cheapest_map_free(struct cheapest_map *map)
{
    free(map->inputs);
    free(map->outputs);
    free(map->cheapest);
    *map = (struct cheapest_map){0};
}
