#include "cli/commands/plan_show.h"

#include "cli/report/plot/plot.h"
#include "cli/report/text/summary_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *cell(double value, char out[CELL_SIZE])
{
    format_cell(value, out);
    return out;
}

bool plan_overtake(const struct capacity_plan *p, size_t plan, double *request_usd,
                   struct fleet_overtake *out)
{
    const struct plan_bill *b = &p->bill->plans[plan];
    if (!p->has_price || b->without_caps || b->cash[LINE_PROVISIONED] != 0 || b->period_served == 0)
        return false;
    *request_usd = money_to_double(b->total) / (double)b->period_served;
    *out = fleet_overtake(money_to_double(p->gpu_hour) * p->gpus, *request_usd,
                          p->capacity.rate_rps * (1 - p->headroom));
    return true;
}

/* ---- text ---- */

static void add_objectives(const struct capacity_plan *p, struct buffer *out)
{
    char a[CELL_SIZE];
    for (size_t i = 0; i < p->slos->count; i++)
        buffer_add_format(out, "%s%s %s ms", i ? ", " : "", metric_title(p->slos->items[i].metric),
                          cell(p->slos->items[i].limit_ms, a));
    buffer_add_format(out, " met by %g %% of the requests", 100 * p->goodput);
}

static const char *mark_of(const struct capacity *c, const struct capacity_point *p)
{
    if (p->rate_rps == c->knee.rate_rps)
        return "  <- knee";
    return p->queue_grows ? "  the queue grows" : "";
}

static void add_table(const struct capacity *c, struct buffer *out)
{
    static const char *const heads[] = {"rate (1/s)", "goodput",   "served",    "TTFT p50",
                                        "p99",        "TPOT p50",  "p99",       "E2E p50",
                                        "p99",        "in flight", "output t/s"};
    char text[CELL_SIZE];
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        add_padded(out, heads[i], i == 0 ? 12 : 11, true);
    buffer_add_byte(out, '\n');
    for (size_t i = 0; i < c->curve_count; i++) {
        const struct capacity_point *p = &c->curve[i];
        const double values[] = {p->rate_rps, 100 * p->goodput, 100 * p->served, p->ttft_p50,
                                 p->ttft_p99, p->tpot_p50,      p->tpot_p99,     p->e2e_p50,
                                 p->e2e_p99,  p->in_flight,     p->output_tps};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            char number[CELL_SIZE + 4];
            snprintf(number, sizeof number, "%s%s", cell(values[k], text),
                     k == 1 || k == 2 ? " %" : "");
            add_padded(out, number, k == 0 ? 12 : 11, true);
        }
        buffer_add_format(out, "%s\n", mark_of(c, p));
    }
    buffer_add_format(out,
                      "latencies in ms, means over %u seeds; served: completed over due while "
                      "requests came; %u simulations\n",
                      c->seeds, c->probes);
    if (c->knee.too_short)
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
                      t->servers, cell(t->service_s, a), cell(t->rate_rps, b));
    buffer_add_format(out, "Little's law gives %s in flight at the knee, ",
                      cell(t->littles_load, a));
    buffer_add_format(out, "the simulation had %s\n", cell(t->measured_load, a));
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
        const struct plan_month *m = &p->months[i];
        char name[32];
        snprintf(name, sizeof name, i ? "in %zu month%s" : "now", i, i == 1 ? "" : "s");
        add_padded(out, name, 14, false);
        buffer_add_format(out, "%8s requests/s  %6" PRIu64 " replicas", cell(m->demand_rps, demand),
                          m->replicas);
        if (m->replicas_low == 0)
            buffer_add_text(out, " (the interval reaches down to 0)");
        else if (m->replicas_low != m->replicas)
            buffer_add_format(out, " (%" PRIu64 " at the interval's lower end)", m->replicas_low);
        buffer_add_format(out, "  %s GPU-hours a month", cell(m->gpu_hours, hours));
        if (p->has_price) {
            money_format_fixed(m->cost, 2, cost);
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
    if (!plan_overtake(p, plan, &request_usd, &o))
        return;
    if (!o.ever)
        buffer_add_text(out, "; self-hosting never overtakes it");
    else if (o.always_rps == o.first_rps)
        buffer_add_format(out, "; self-hosting overtakes from %s requests/s", cell(o.first_rps, a));
    else if (isfinite(o.always_rps))
        buffer_add_format(out, "; self-hosting overtakes from %s requests/s, for good from %s",
                          cell(o.first_rps, a), cell(o.always_rps, b));
    else
        buffer_add_format(out, "; self-hosting equals it at best, from %s requests/s",
                          cell(o.first_rps, a));
}

static void add_bills(const struct capacity_plan *p, struct buffer *out)
{
    char cost[MONEY_TEXT_SIZE], count[TEXT_GROUPED_SIZE];
    if (!p->bill)
        return;
    buffer_add_text(out, "\nThe same demand for a month (30 days)\n");
    if (p->has_price) {
        money_format_fixed(p->months[0].cost, 2, cost);
        buffer_add_format(out, "  %16s  self-hosted, %" PRIu64 " replicas\n", cost,
                          p->months[0].replicas);
    }
    for (size_t i = 0; i < p->bill->plan_count; i++) {
        const struct plan_bill *b = &p->bill->plans[i];
        char name[BILL_NAME_SIZE];
        if (bill_repeats(p->bill, i))
            continue;
        money_format_fixed(b->total, 2, cost);
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
    const struct capacity_point *u = &p->capacity.unloaded;
    buffer_add_format(out, "\nNo rate meets the objectives: of requests one at a time %.2f %% do\n",
                      100 * u->goodput);
    buffer_add_format(out, "  without load: TTFT p99 %s ms, ", cell(u->ttft_p99, a));
    buffer_add_format(out, "TPOT p99 %s ms, ", cell(u->tpot_p99, a));
    buffer_add_format(out, "E2E p99 %s ms\n", cell(u->e2e_p99, a));
}

void plan_show_text(const struct capacity_plan *p, struct buffer *out)
{
    char a[CELL_SIZE], b[CELL_SIZE], c[CELL_SIZE];
    const struct capacity *found = &p->capacity;
    buffer_add_format(out, "%s → simulated %s: ", p->stem, p->engine->name);
    add_objectives(p, out);
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
            cell(found->tried_rps, a));
        return;
    }
    buffer_add_format(out, "\nOne replica sustains %s requests/s (95 %%: %s to %s)\n\n",
                      cell(found->rate_rps, a), cell(found->low_rps, b), cell(found->high_rps, c));
    add_table(found, out);
    add_limit(p, out);
    add_theory(found, out);
    if (p->month_count > 0)
        add_fleet(p, out);
    else
        buffer_add_text(out, "\n--demand RPS says how many replicas that makes\n");
    add_bills(p, out);
}

/* ---- JSON ---- */

static void write_point(const struct capacity_point *p, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_statistic(w, "rate_rps", p->rate_rps);
    json_pair_statistic(w, "goodput_fraction", p->goodput);
    json_pair_statistic(w, "goodput_fraction_min", p->goodput_low);
    json_pair_statistic(w, "goodput_fraction_max", p->goodput_high);
    json_pair_statistic(w, "ttft_ms_mean", p->ttft_mean);
    json_pair_statistic(w, "ttft_ms_p50", p->ttft_p50);
    json_pair_statistic(w, "ttft_ms_p99", p->ttft_p99);
    json_pair_statistic(w, "tpot_ms_p50", p->tpot_p50);
    json_pair_statistic(w, "tpot_ms_p99", p->tpot_p99);
    json_pair_statistic(w, "e2e_ms_mean", p->e2e_mean);
    json_pair_statistic(w, "e2e_ms_p50", p->e2e_p50);
    json_pair_statistic(w, "e2e_ms_p99", p->e2e_p99);
    json_pair_statistic(w, "request_throughput_rps", p->completed_rps);
    json_pair_statistic(w, "output_throughput_tps", p->output_tps);
    json_pair_statistic(w, "in_flight", p->in_flight);
    json_pair_statistic(w, "served_fraction", p->served);
    json_pair_statistic(w, "delay_growth", p->growth);
    if (p->too_short && !p->queue_grows)
        json_pair_raw(w, "queue_grows", text_of("null"));
    else
        json_pair_bool(w, "queue_grows", p->queue_grows);
    json_end_object(w);
}

static void write_capacity(const struct capacity *c, struct json_writer *w)
{
    json_pair_statistic(w, "rate_rps", c->rate_rps);
    json_pair_statistics(w, "rate_rps_ci95", (double[]){c->low_rps, c->high_rps}, 2);
    json_pair_statistics(w, "seed_goodput_fraction", c->seed_goodput, c->seeds);
    json_pair_string(w, "bound_by", c->by_queue ? "queue" : "objectives");
    json_pair_string(w, "limit", capacity_limit_name(c->limit));
    json_pair_statistic(w, "limit_share", c->limit_share);
    json_key(w, "theory");
    json_begin_object(w);
    json_pair_u64(w, "servers", c->theory.servers);
    json_pair_statistic(w, "service_s", c->theory.service_s);
    json_pair_statistic(w, "wait_limit_s", c->theory.wait_limit_s);
    json_pair_statistic(w, "erlang_c_rps", c->theory.rate_rps);
    json_pair_statistic(w, "littles_in_flight", c->theory.littles_load);
    json_pair_statistic(w, "measured_in_flight", c->theory.measured_load);
    json_end_object(w);
    json_key(w, "curve");
    json_begin_array(w);
    for (size_t i = 0; i < c->curve_count; i++)
        write_point(&c->curve[i], w);
    json_end_array(w);
}

static void write_months(const struct capacity_plan *p, struct json_writer *w)
{
    json_key(w, "months");
    json_begin_array(w);
    for (size_t i = 0; i < p->month_count; i++) {
        const struct plan_month *m = &p->months[i];
        json_begin_object(w);
        json_pair_u64(w, "month", i);
        json_pair_statistic(w, "demand_rps", m->demand_rps);
        json_pair_u64(w, "replicas", m->replicas);
        json_pair_u64(w, "replicas_at_lower_limit", m->replicas_low);
        json_pair_statistic(w, "gpu_hours", m->gpu_hours);
        if (p->has_price)
            json_pair_money(w, "cost_usd", m->cost);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_bills(const struct capacity_plan *p, struct json_writer *w)
{
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; p->bill && i < p->bill->plan_count; i++) {
        const struct plan_bill *b = &p->bill->plans[i];
        struct fleet_overtake o;
        double request_usd;
        char name[BILL_NAME_SIZE];
        json_begin_object(w);
        json_pair_string(w, "plan", bill_plan_name(b, name));
        json_pair_money(w, "month_usd", b->total);
        json_pair_u64(w, "subscriptions", b->subscriptions);
        json_pair_u64(w, "requests", b->period_requests);
        json_pair_u64(w, "served", b->period_served);
        if (plan_overtake(p, i, &request_usd, &o)) {
            json_pair_statistic(w, "per_request_usd", request_usd);
            json_pair_bool(w, "self_hosting_overtakes", o.ever);
            json_pair_statistic(w, "overtakes_from_rps", o.first_rps);
            json_pair_statistic(w, "overtakes_for_good_from_rps", o.always_rps);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

void plan_write_json(const struct capacity_plan *p, struct json_writer *w)
{
    const struct capacity *c = &p->capacity;
    json_begin_object(w);
    json_pair_string(w, "command", "plan capacity");
    json_pair_string(w, "workload", p->stem);
    json_pair_string(w, "engine", p->engine->name);
    json_key(w, "slo");
    json_begin_object(w);
    for (size_t i = 0; i < p->slos->count; i++)
        json_pair_statistic(w, metric_key(p->slos->items[i].metric), p->slos->items[i].limit_ms);
    json_end_object(w);
    json_pair_statistic(w, "goodput", p->goodput);
    json_pair_statistic(w, "headroom", p->headroom);
    json_pair_bool(w, "attainable", c->attainable);
    json_pair_bool(w, "unbounded", c->unbounded);
    if (c->unbounded)
        json_pair_statistic(w, "tried_rps", c->tried_rps);
    json_key(w, "unloaded");
    write_point(&c->unloaded, w);
    if (c->attainable && !c->unbounded) {
        write_capacity(c, w);
        write_months(p, w);
        write_bills(p, w);
    }
    json_end_object(w);
}

/* ---- plot ---- */

static const struct slo *objective(const struct capacity_plan *p, bool tpot)
{
    for (size_t i = 0; i < p->slos->count; i++) {
        enum metric m = p->slos->items[i].metric;
        if (tpot ? m == METRIC_TPOT : m == METRIC_TTFT || m == METRIC_TTFT_SCHEDULED)
            return &p->slos->items[i];
    }
    return NULL;
}

int plan_draw(const struct capacity_plan *p, const char *directory, bool keep_script,
              struct error *err)
{
    const struct capacity *c = &p->capacity;
    double x[CAPACITY_CURVE], goodput[CAPACITY_CURVE], low[CAPACITY_CURVE], high[CAPACITY_CURVE],
        ttft[2][CAPACITY_CURVE], tpot[2][CAPACITY_CURVE];
    char title[256], target[32], first[48], each[48];
    size_t n = c->curve_count;
    for (size_t i = 0; i < n; i++) {
        x[i] = c->curve[i].rate_rps;
        goodput[i] = 100 * c->curve[i].goodput;
        low[i] = 100 * c->curve[i].goodput_low;
        high[i] = 100 * c->curve[i].goodput_high;
        ttft[0][i] = c->curve[i].ttft_p50;
        ttft[1][i] = c->curve[i].ttft_p99;
        tpot[0][i] = c->curve[i].tpot_p50;
        tpot[1][i] = c->curve[i].tpot_p99;
    }
    snprintf(title, sizeof title, "Capacity of one replica · %s on %s", p->stem, p->engine->name);
    snprintf(target, sizeof target, "target %g %%", 100 * p->goodput);
    struct plot_panel panels[3] =
        {{.title = title,
          .x_label = "rate (requests/s)",
          .y_label = "goodput (%)",
          .y_min = 0,
          .y_max = 105,
          .legend = "outside right top",
          .series = {{.title = "seeds",
                      .style = PLOT_BAND,
                      .x = x,
                      .y = low,
                      .y2 = high,
                      .count = n,
                      .color = 0},
                     {.title = "goodput",
                      .style = PLOT_LINES,
                      .x = x,
                      .y = goodput,
                      .count = n,
                      .color = 0}},
          .series_count = 2,
          .marks = {{target, 100 * p->goodput, false}, {"knee", c->rate_rps, true}},
          .mark_count = 2},
         {.x_label = "rate (requests/s)",
          .y_label = "TTFT (ms)",
          .log_y = true,
          .legend = "outside right top",
          .series =
              {{.title = "p50", .style = PLOT_LINES, .x = x, .y = ttft[0], .count = n, .color = 1},
               {.title = "p99", .style = PLOT_LINES, .x = x, .y = ttft[1], .count = n, .color = 2}},
          .series_count = 2,
          .marks = {{"knee", c->rate_rps, true}},
          .mark_count = 1},
         {.x_label = "rate (requests/s)",
          .y_label = "TPOT (ms)",
          .y_max = NAN,
          .legend = "outside right top",
          .series =
              {{.title = "p50", .style = PLOT_LINES, .x = x, .y = tpot[0], .count = n, .color = 1},
               {.title = "p99", .style = PLOT_LINES, .x = x, .y = tpot[1], .count = n, .color = 2}},
          .series_count = 2,
          .marks = {{"knee", c->rate_rps, true}},
          .mark_count = 1}};
    const struct slo *slo = objective(p, false);
    if (slo) {
        snprintf(first, sizeof first, "SLO %g ms", slo->limit_ms);
        panels[1].marks[panels[1].mark_count++] = (struct plot_mark){first, slo->limit_ms, false};
    }
    if ((slo = objective(p, true))) {
        snprintf(each, sizeof each, "SLO %g ms", slo->limit_ms);
        panels[2].marks[panels[2].mark_count++] = (struct plot_mark){each, slo->limit_ms, false};
    }
    bool has_tpot = isfinite(c->knee.tpot_p50), has_ttft = isfinite(c->knee.ttft_p50);
    struct plot plot = {.name = "capacity",
                        .panels = panels,
                        .panel_count = has_tpot   ? 3
                                       : has_ttft ? 2
                                                  : 1,
                        .width = 900,
                        .height = has_tpot   ? 1000
                                  : has_ttft ? 720
                                             : 420};
    return plot_draw(&plot, directory, keep_script, err);
}
