#include "cli/report/text/load_text.h"
#include "cli/report/text/summary_table.h"
#include "core/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void capacity_objectives_text(const struct capacity_plan *p, struct buffer *out)
{
    char a[CELL_SIZE];
    for (size_t i = 0; i < p->slos->count; i++)
        buffer_add_format(out, "%s%s %s ms", i ? ", " : "", metric_title(p->slos->items[i].metric),
                          format_cell(p->slos->items[i].limit_ms, a));
    buffer_add_format(out, " met by %s %% of the requests", TEXT_SHORT(100 * p->goodput, 6));
}

static const char *curve_mark(const void *context, size_t row)
{
    const struct capacity *c = context;
    if (c->curve[row].load == c->knee.load)
        return "<- knee";
    return c->curve[row].sustained == SUSTAINED_NO ? load_verdict_mark(LOAD_QUEUE_GROWS) : "";
}

static void add_curve(const struct capacity *c, int width, struct buffer *out)
{
    static const enum load_column shown[] = {
        LOAD_LOAD,     LOAD_GOODPUT, LOAD_SERVED,  LOAD_TTFT_P50,  LOAD_TTFT_P99,  LOAD_TPOT_P50,
        LOAD_TPOT_P99, LOAD_E2E_P50, LOAD_E2E_P99, LOAD_IN_FLIGHT, LOAD_OUTPUT_TPS};
    load_table_write(
        &(struct load_table){c->curve, c->curve_count, shown, COUNT_OF(shown), true, curve_mark, c},
        width, out);
    buffer_add_format(out,
                      "latencies in ms, means over %u seeds; served: completed over due while "
                      "requests came; %u simulations\n",
                      c->seeds, c->probes);
    if (c->knee.sustained == SUSTAINED_UNCLEAR)
        buffer_add_text(out, "the simulations were too short to tell whether a queue grows at the "
                             "knee: a longer workload or more --requests tell\n");
    if (c->by_queue)
        buffer_add_text(out, "past the knee the objectives are still met, but requests come faster "
                             "than they are served\n");
}

static void add_limit(const struct capacity_plan *p, struct buffer *out)
{
    static const char *const advice[] = {
        "computing prompts: a larger step budget, prefix caching, or more replicas help",
        "steps grow with the batch: faster memory, more GPUs to a replica, or more replicas help",
        "requests wait for KV blocks: more memory, shorter contexts, or more replicas help",
        "requests wait for a place in the batch: raise max_num_seqs if memory allows"};
    const struct capacity *c = &p->capacity;
    buffer_add_format(out, "\nWhat limits: %s", capacity_limit_name(c->limit));
    if (isfinite(c->limit_share))
        buffer_add_format(out, " (holds the queue up %.0f %% of the time past the knee)",
                          100 * c->limit_share);
    buffer_add_format(out, "\n  %s\n", advice[c->limit]);
}

static void add_theory(const struct capacity *c, struct buffer *out)
{
    char a[CELL_SIZE], b[CELL_SIZE];
    const struct capacity_theory *t = &c->theory;
    buffer_add_format(out, "\nBeside it: Erlang-C for %u servers of %s s says %s requests/s; ",
                      t->servers, format_cell(t->service_s, a), format_cell(t->rate_rps, b));
    buffer_add_format(out, "Little's law gives %s in flight at the knee, ",
                      format_cell(t->littles_load, a));
    buffer_add_format(out, "the simulation had %s\n", format_cell(t->measured_load, a));
    if (c->limit != CAPACITY_SEQS && c->limit != CAPACITY_MEMORY)
        buffer_add_format(out,
                          "  (Erlang-C knows places, not steps: it is an upper bound where %s "
                          "limits)\n",
                          capacity_limit_name(c->limit));
}

static void add_fleet(const struct capacity_plan *p, struct buffer *out)
{
    char demand[CELL_SIZE], hours[CELL_SIZE], cost[MONEY_TEXT_SIZE];
    buffer_add_format(out, "\nReplicas, loaded to %.0f %% (headroom %.0f %%), %u GPU%s each%s\n",
                      100 * (1 - p->headroom), 100 * p->headroom, p->gpus, p->gpus == 1 ? "" : "s",
                      p->demand_is_own ? "; the demand is the workload's own rate" : "");
    for (size_t i = 0; i < p->month_count; i++) {
        const struct capacity_month *m = &p->months[i];
        char name[32];
        snprintf(name, sizeof name, i ? "in %zu month%s" : "now", i, i == 1 ? "" : "s");
        add_padded(out, name, 14, false);
        buffer_add_format(out, "%8s requests/s  %6" PRIu64 " replicas",
                          format_cell(m->demand_rps, demand), m->replicas);
        if (m->replicas_low == 0)
            buffer_add_text(out, " (the interval reaches down to 0)");
        else if (m->replicas_low != m->replicas)
            buffer_add_format(out, " (%" PRIu64 " at the interval's lower end)", m->replicas_low);
        buffer_add_format(out, "  %s GPU-hours a month", format_cell(m->gpu_hours, hours));
        if (p->has_price) {
            money_format_amount(m->cost, 2, cost);
            buffer_add_format(out, "  $%s", cost);
        }
        buffer_add_byte(out, '\n');
    }
}

static void add_overtake(const struct capacity_plan *p, size_t plan, struct buffer *out)
{
    char a[CELL_SIZE], b[CELL_SIZE];
    struct fleet_overtake o;
    double request_usd;
    if (!capacity_overtake(p, plan, &request_usd, &o))
        return;
    if (!o.ever)
        buffer_add_text(out, "; self-hosting never overtakes it");
    else if (o.always_rps == o.first_rps)
        buffer_add_format(out, "; self-hosting overtakes from %s requests/s",
                          format_cell(o.first_rps, a));
    else if (isfinite(o.always_rps))
        buffer_add_format(out, "; self-hosting overtakes from %s requests/s, for good from %s",
                          format_cell(o.first_rps, a), format_cell(o.always_rps, b));
    else
        buffer_add_format(out, "; self-hosting equals it at best, from %s requests/s",
                          format_cell(o.first_rps, a));
}

void capacity_bills_text(const struct capacity_plan *p, struct buffer *out)
{
    char cost[MONEY_TEXT_SIZE], count[TEXT_GROUPED_SIZE];
    if (!p->bill)
        return;
    buffer_add_text(out, "\nThe same demand for a month (30 days)\n");
    if (p->has_price) {
        money_format_amount(p->months[0].cost, 2, cost);
        buffer_add_format(out, "  %16s  self-hosted, %" PRIu64 " replicas\n", cost,
                          p->months[0].replicas);
    }
    for (size_t i = 0; i < p->bill->plan_count; i++) {
        const struct plan_bill *b = &p->bill->plans[i];
        char name[BILL_NAME_SIZE];
        if (bill_repeats(p->bill, i))
            continue;
        money_format_amount(b->total, 2, cost);
        buffer_add_format(out, "  %16s  %s", cost, bill_plan_name(b, name));
        if (b->subscriptions > 1)
            buffer_add_format(out, ", %s of it", text_group_u64(b->subscriptions, count));
        if (b->period_served < b->period_requests) {
            buffer_add_format(out, "; does not serve %s requests",
                              text_group_u64(b->period_requests - b->period_served, count));
        }
        add_overtake(p, i, out);
        buffer_add_byte(out, '\n');
    }
}

static void add_unattainable(const struct capacity_plan *p, struct buffer *out)
{
    char a[CELL_SIZE];
    const struct load_point *u = &p->capacity.unloaded;
    buffer_add_format(out, "\nNo rate meets the objectives: of requests one at a time %.2f %% do\n",
                      100 * u->goodput);
    buffer_add_format(out, "  without load: TTFT p99 %s ms, ", format_cell(u->ttft_p99, a));
    buffer_add_format(out, "TPOT p99 %s ms, ", format_cell(u->tpot_p99, a));
    buffer_add_format(out, "E2E p99 %s ms\n", format_cell(u->e2e_p99, a));
}

void capacity_plan_write_text(const struct capacity_plan *p, int width, struct buffer *out)
{
    char a[CELL_SIZE], b[CELL_SIZE], c[CELL_SIZE];
    const struct capacity *found = &p->capacity;
    buffer_add_format(out, "%s → simulated %s: ", p->stem, p->engine->name);
    capacity_objectives_text(p, out);
    buffer_add_byte(out, '\n');
    if (!found->attainable) {
        add_unattainable(p, out);
        return;
    }
    if (found->unbounded) {
        buffer_add_format(
            out,
            "\nNo limit: the engine meets the objectives, and no queue grows, at every "
            "rate tried (up to %s requests/s; a longer workload or more --requests "
            "allow higher ones)\n",
            format_cell(found->tried_rps, a));
        return;
    }
    buffer_add_format(out, "\nOne replica sustains %s requests/s (95 %%: %s to %s)\n",
                      format_cell(found->rate_rps, a), format_cell(found->low_rps, b),
                      format_cell(found->high_rps, c));
    if (engine_config_unit(p->engine) > 1)
        buffer_add_format(out, "A replica here is a group: %u for prefill, %u for decode.\n",
                          p->engine->prefill_replicas,
                          p->engine->replicas - p->engine->prefill_replicas);
    add_curve(found, width, out);
    add_limit(p, out);
    add_theory(found, out);
    if (p->month_count > 0)
        add_fleet(p, out);
    else
        buffer_add_text(out, "\n--demand RPS says how many replicas that makes\n");
    capacity_bills_text(p, out);
}
