#include "sim/plan/capacity_compare.h"

#include <math.h>

#define MONTH_SECONDS (30 * 86400.0)

bool capacity_plan_serves(const struct capacity_plan *p)
{
    return p->capacity.attainable && !p->capacity.unbounded && p->capacity.rate_rps > 0;
}

static void add_cost(const struct capacity_plan *p, struct capacity_cost *c)
{
    c->request = c->full_request = NAN;
    if (!p->has_price || !capacity_plan_serves(p))
        return;
    c->full_request =
        money_to_double(p->gpu_hour) * p->gpus / 3600 / (p->capacity.rate_rps * (1 - p->headroom));
    if (p->month_count > 0)
        c->request = money_to_double(p->months[0].cost) / (p->months[0].demand_rps * MONTH_SECONDS);
}

/* −1, 0, 1; whoever costs less comes first, then those without a price, then those that serve
 * nothing. */
static int compare_in(const struct capacity_comparison *c, size_t a, size_t b, size_t month)
{
    const struct capacity_plan *p = &c->plans[a], *q = &c->plans[b];
    int p_rank = !capacity_plan_serves(p) ? 2 : !p->has_price;
    int q_rank = !capacity_plan_serves(q) ? 2 : !q->has_price;
    if (p_rank != q_rank || p_rank > 0)
        return (p_rank > q_rank) - (p_rank < q_rank);
    if (p->month_count > month && q->month_count > month)
        return (p->months[month].cost > q->months[month].cost) -
               (p->months[month].cost < q->months[month].cost);
    double x = c->costs[a].full_request, y = c->costs[b].full_request;
    return (x > y) - (x < y);
}

void capacity_compare(struct capacity_comparison *c)
{
    for (size_t i = 0; i < c->count; i++)
        add_cost(&c->plans[i], &c->costs[i]);
    for (size_t i = 0; i < c->count; i++) {
        size_t at = i;
        for (; at > 0 && compare_in(c, c->order[at - 1], i, 0) > 0; at--)
            c->order[at] = c->order[at - 1];
        c->order[at] = i;
    }
    c->cheapest = 0;
    while (c->cheapest < c->count && isfinite(c->costs[c->order[c->cheapest]].full_request) &&
           compare_in(c, c->order[0], c->order[c->cheapest], 0) == 0)
        c->cheapest++;
}

size_t capacity_cheapest_in(const struct capacity_comparison *c, size_t month)
{
    size_t best = c->order[0];
    for (size_t i = 1; i < c->count; i++)
        if (compare_in(c, c->order[i], best, month) < 0)
            best = c->order[i];
    return isfinite(c->costs[best].full_request) ? best : SIZE_MAX;
}

bool capacity_error_is_ttft(const struct capacity_comparison *c, size_t a)
{
    const struct capacity_plan *p = &c->plans[a];
    size_t binds = c->costs[a].objective;
    if (binds >= p->slos->count)
        return false;
    enum metric m = p->slos->items[binds].metric;
    return m == METRIC_TTFT || m == METRIC_TTFT_SCHEDULED || m == METRIC_TTFO || m == METRIC_QUEUE;
}

double capacity_error_between(const struct capacity_comparison *c, size_t a, size_t b)
{
    const struct engine_config *p = c->plans[a].engine, *q = c->plans[b].engine;
    bool ttft = capacity_error_is_ttft(c, a);
    double one = ttft ? p->error_ttft : p->error_tpot, other = ttft ? q->error_ttft : q->error_tpot;
    return one > 0 && other > 0 ? hypot(one, other) : NAN;
}

/* ---- JSON ---- */

static void write_lifts(const struct capacity_plan *p, const struct capacity_cost *cost,
                        struct json_writer *w)
{
    static const char *const twice[CAPACITY_LIMITS] = {"prefill_speed", "decode_speed", "kv_memory",
                                                       "max_num_seqs"};
    json_pair_string(w, "binding_objective",
                     cost->objective < p->slos->count
                         ? metric_key(p->slos->items[cost->objective].metric)
                         : "queue");
    json_key(w, "rate_gain_of_twice");
    json_begin_object(w);
    for (size_t i = 0; i < CAPACITY_LIMITS; i++)
        json_pair_statistic(w, twice[i], p->capacity.lifts[i]);
    for (size_t i = 0; i < p->slos->count; i++)
        json_pair_statistic(w, metric_key(p->slos->items[i].metric), cost->objective_lifts[i]);
    json_end_object(w);
}

static void write_cost(const struct capacity_comparison *c, const struct capacity_cost *cost,
                       struct json_writer *w)
{
    double tokens = c->input_tokens + c->output_tokens;
    json_pair_statistic(w, "per_1000_requests_usd", 1e3 * cost->request);
    json_pair_statistic(w, "per_million_tokens_usd", 1e6 * cost->request / tokens);
    json_pair_statistic(w, "full_per_1000_requests_usd", 1e3 * cost->full_request);
    json_pair_statistic(w, "full_per_million_tokens_usd", 1e6 * cost->full_request / tokens);
}

static void write_engine(const struct capacity_comparison *c, size_t i, struct json_writer *w)
{
    const struct capacity_plan *p = &c->plans[i];
    json_begin_object(w);
    capacity_plan_write_members(p, w);
    json_pair_u64(w, "gpus_per_replica", p->gpus);
    if (p->has_price)
        json_pair_money(w, "gpu_hour_usd", p->gpu_hour);
    if (capacity_plan_serves(p)) {
        write_cost(c, &c->costs[i], w);
        write_lifts(p, &c->costs[i], w);
    }
    json_pair_statistic(w, "error_tpot", p->engine->error_tpot > 0 ? p->engine->error_tpot : NAN);
    json_pair_statistic(w, "error_ttft", p->engine->error_ttft > 0 ? p->engine->error_ttft : NAN);
    json_pair_string(w, "caveat", p->engine->caveat);
    json_end_object(w);
}

void capacity_comparison_write(const struct capacity_comparison *c, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "command", "plan capacity");
    json_pair_statistic(w, "input_tokens_per_request", c->input_tokens);
    json_pair_statistic(w, "output_tokens_per_request", c->output_tokens);
    json_key(w, "cheapest");
    json_begin_array(w);
    for (size_t i = 0; i < c->cheapest; i++)
        json_put_string(w, c->plans[c->order[i]].engine->name);
    json_end_array(w);
    json_key(w, "engines");
    json_begin_array(w);
    for (size_t i = 0; i < c->count; i++)
        write_engine(c, c->order[i], w);
    json_end_array(w);
    json_end_object(w);
}
