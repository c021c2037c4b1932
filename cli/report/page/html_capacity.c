/* What one replica sustains, how many are needed, and what that costs. */
#include "cli/report/page/html_document.h"
#include "cli/report/page/html_parts.h"
#include "core/json/json_look.h"

#include <math.h>
#include <stdlib.h>

/* "ttft_scheduled_ms" as people read it. */
static const char *title_of(struct text key)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (text_equal(key, metric_key((enum metric)i)))
            return metric_title((enum metric)i);
    return "latency";
}

static void add_objectives(struct text plan, struct buffer *out)
{
    struct json_scan s;
    struct text slo, key;
    double limit;
    bool some = false;
    if (!json_look(plan, "slo", &slo))
        return;
    json_scan_init(&s, "", slo.at, slo.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key) && json_double(&s, 0, INFINITY, &limit)) {
        buffer_add_format(out, "%s%s ≤ ", some ? ", " : " (", title_of(key));
        html_add_figure(limit, out);
        buffer_add_text(out, " ms");
        some = true;
    }
    buffer_add_text(out, some ? ")" : "");
}

/* "rtx4090: 2.26 requests/s (95 %: 2.05 to 2.97)" */
static void add_rate(struct text plan, struct buffer *out)
{
    double ends[2];
    buffer_add_text(out, "<b>");
    html_add_figure(json_look_number(plan, "rate_rps"), out);
    buffer_add_text(out, " requests/s</b>");
    if (json_look_pair(plan, "rate_rps_ci95", ends)) {
        buffer_add_text(out, " (95 %: ");
        html_add_figure(ends[0], out);
        buffer_add_text(out, " to ");
        html_add_figure(ends[1], out);
        buffer_add_text(out, ")");
    }
}

static void answer_rate(struct text plan, struct buffer *out)
{
    buffer_add_text(out, "<dt>How much does one replica take?</dt><dd>");
    html_look_text(plan, "engine", out);
    if (json_look_true(plan, "unbounded")) {
        buffer_add_text(out, " held every rate that was tried, up to ");
        html_add_figure(json_look_number(plan, "tried_rps"), out);
        buffer_add_text(out, " requests/s");
    } else if (json_look_true(plan, "attainable")) {
        buffer_add_text(out, " sustains ");
        add_rate(plan, out);
        buffer_add_text(out, " within the objectives");
        add_objectives(plan, out);
        buffer_add_text(out, "; beyond, ");
        html_look_text(plan, "limit", out);
        buffer_add_text(out, " is the limit");
    } else {
        buffer_add_text(out, " misses the objectives");
        add_objectives(plan, out);
        buffer_add_text(out, " even without load");
    }
    buffer_add_text(out, ". This is a simulation, a model's times and not a measurement.</dd>");
}

/* "12 replicas, $5,256.00 a month." */
static void add_fleet(struct text month, struct buffer *out)
{
    money cost;
    buffer_add_text(out, "<b>");
    html_add_count(out, (uint64_t)json_look_number(month, "replicas"));
    buffer_add_text(out, " replicas</b>");
    if (json_look_money(month, "cost_usd", &cost)) {
        buffer_add_text(out, ", ");
        html_add_usd(out, cost, 2);
        buffer_add_text(out, " a month");
    }
    buffer_add_text(out, ".");
}

/* Of the first month, and of the last. */
static void answer_fleet(const struct text *months, size_t count, struct buffer *out)
{
    if (count == 0)
        return;
    buffer_add_text(out, "<dt>What must I buy?</dt><dd>Now, for ");
    html_add_figure(json_look_number(months[0], "demand_rps"), out);
    buffer_add_text(out, " requests/s: ");
    add_fleet(months[0], out);
    if (count > 1) {
        buffer_add_text(out, " In month ");
        html_add_count(out, count - 1);
        buffer_add_text(out, ": ");
        add_fleet(months[count - 1], out);
    }
    buffer_add_text(out, "</dd>");
}

static void add_months(const struct text *months, size_t count, struct buffer *out)
{
    if (count == 0)
        return;
    buffer_add_text(out, "<h3>The fleet, month by month</h3>" HTML_TABLE
                         "<thead><tr><th>month<th>demand (1/s)<th>replicas<th>at the lower limit"
                         "<th>GPU hours<th>cost</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, "<tr>");
        html_look_count_cell(months[i], "month", out);
        html_look_cell(months[i], "demand_rps", 1, out);
        html_look_count_cell(months[i], "replicas", out);
        html_look_count_cell(months[i], "replicas_at_lower_limit", out);
        html_look_cell(months[i], "gpu_hours", 1, out);
        html_look_usd_cell(months[i], "cost_usd", out);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
}

static void add_plans(struct text plan, struct buffer *out)
{
    struct text *plans;
    size_t count = json_look_items(plan, "plans", &plans);
    if (count > 0)
        buffer_add_text(out, "<h3>Paying by use instead</h3>" HTML_TABLE
                             "<thead><tr><th>plan<th>a month<th>served<th>of requests<th>per "
                             "request<th>own GPUs are cheaper from (1/s)</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, "<tr><th>");
        html_look_text(plans[i], "plan", out);
        buffer_add_text(out, "</th>");
        html_look_usd_cell(plans[i], "month_usd", out);
        html_look_count_cell(plans[i], "served", out);
        html_look_count_cell(plans[i], "requests", out);
        html_look_usd_cell(plans[i], "per_request_usd", out);
        html_look_cell(plans[i], "overtakes_for_good_from_rps", 1, out);
        buffer_add_text(out, "</tr>");
    }
    if (count > 0)
        buffer_add_text(out, HTML_TABLE_END);
    free(plans);
}

/* The first of the engines' fleets, now. */
static void add_engine(struct text plan, bool best, struct buffer *out)
{
    struct text *months;
    struct text now = json_look_items(plan, "months", &months) ? months[0] : JSON_NO_OBJECT;
    buffer_add_format(out, "<tr%s><th>", best ? " class=best" : "");
    html_look_text(plan, "engine", out);
    buffer_add_text(out, "</th>");
    html_look_count_cell(plan, "gpus_per_replica", out);
    html_look_cell(plan, "rate_rps", 1, out);
    html_look_count_cell(now, "replicas", out);
    html_look_usd_cell(now, "cost_usd", out);
    html_look_usd_cell(plan, "per_1000_requests_usd", out);
    html_look_usd_cell(plan, "per_million_tokens_usd", out);
    buffer_add_text(out, "<td class=words>");
    html_look_text(plan, "limit", out);
    buffer_add_text(out, "</td></tr>");
    free(months);
}

static void add_engines(const struct html_document *d, const struct text *engines, size_t count,
                        size_t *plot_number, struct buffer *out)
{
    static const char *const proof[] = {"capacity", NULL};
    struct text *cheapest;
    size_t best = json_look_items(d->json, "cheapest", &cheapest);
    buffer_add_text(out, "<dl><dt>Which engine?</dt><dd>");
    if (best == 0)
        buffer_add_text(out, "No prices are known, so none is the cheapest.");
    for (size_t i = 0; i < best; i++) {
        buffer_add_text(out, i ? " and <b>" : "Cheapest: <b>");
        html_add_item(cheapest[i], out);
        buffer_add_text(out, "</b>");
    }
    buffer_add_text(out, best ? ". " : " ");
    buffer_add_text(out, "These are simulations, models' times and not measurements.</dd></dl>");
    html_add_plots(d->plots, proof, plot_number, out);
    buffer_add_text(out, "<h3>Engines</h3>" HTML_TABLE
                         "<thead><tr><th>engine<th>GPUs a replica<th>rate of one (1/s)<th>replicas"
                         "<th>a month<th>per 1,000 requests<th>per million tokens<th>limit</tr>"
                         "</thead><tbody>");
    for (size_t i = 0; i < count; i++)
        add_engine(engines[i], i < best, out);
    buffer_add_text(out, HTML_TABLE_END);
    free(cheapest);
}

static void add_one(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    static const char *const proof[] = {"capacity", NULL};
    struct text *months;
    size_t count = json_look_items(d->json, "months", &months);
    buffer_add_text(out, "<dl>");
    answer_rate(d->json, out);
    answer_fleet(months, count, out);
    buffer_add_text(out, "</dl>");
    html_add_plots(d->plots, proof, plot_number, out);
    add_months(months, count, out);
    add_plans(d->json, out);
    free(months);
}

void html_capacity(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    struct text *engines;
    size_t count = json_look_items(d->json, "engines", &engines);
    buffer_add_text(out, " <small>capacity for ");
    html_look_text(count ? engines[0] : d->json, "workload", out);
    buffer_add_text(out, "</small></h2>");
    if (count > 0)
        add_engines(d, engines, count, plot_number, out);
    else
        add_one(d, plot_number, out);
    free(engines);
}
