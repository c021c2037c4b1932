/* The bills of the months to come. */
#include "cli/report/page/html_document.h"
#include "cli/report/page/html_parts.h"
#include "core/json/json_look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_growth(struct text scenario, struct buffer *out)
{
    double percent = json_look_number(scenario, "growth_percent_per_month");
    buffer_add_format(out, "%+.1f %% a month", text_shown(percent, 1));
}

/* The plan of that name among those of a scenario; an empty one. */
static struct text find_plan(const struct text *plans, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        char *plan = json_look_string(plans[i], "plan");
        bool same = plan && strcmp(plan, name) == 0;
        free(plan);
        if (same)
            return plans[i];
    }
    return JSON_NO_OBJECT;
}

/* "$299.58 expected, $289.87 to $309.53 in 90 % of the futures" */
static void add_band(struct text plan, struct buffer *out)
{
    struct text bill;
    if (!json_look(plan, "bill_usd", &bill))
        return;
    buffer_add_text(out, "<b>");
    html_look_usd(bill, "mean", out);
    buffer_add_text(out, "</b> expected, ");
    html_look_usd(bill, "p5", out);
    buffer_add_text(out, " to ");
    html_look_usd(bill, "p95", out);
    buffer_add_text(out, " in 90 % of the futures");
}

static void add_budget(struct text plan, struct buffer *out)
{
    double over = json_look_number(plan, "over_budget_probability");
    if (isnan(over))
        return;
    buffer_add_format(out, " The budget is passed in %.1f %% of the futures", 100 * over);
    char *day = json_look_string(json_look_part(plan, "budget_runs_out"), "p50");
    if (day) {
        buffer_add_text(out, ", in half of them by ");
        html_add_text(out, day);
    }
    buffer_add_text(out, ".");
    free(day);
}

static void answer(struct text scenario, struct buffer *out)
{
    struct text *plans;
    size_t count = json_look_items(scenario, "plans", &plans);
    char *cheapest = json_look_string(scenario, "cheapest");
    buffer_add_text(out, "<dt>If demand goes as in ");
    html_look_text(scenario, "scenario", out);
    buffer_add_text(out, " (");
    add_growth(scenario, out);
    buffer_add_text(out, ")</dt><dd>");
    if (cheapest) {
        struct text plan = find_plan(plans, count, cheapest);
        buffer_add_text(out, "Cheapest that serves everything: <b>");
        html_add_text(out, cheapest);
        buffer_add_text(out, "</b>, ");
        add_band(plan, out);
        buffer_add_text(out, ".");
        add_budget(plan, out);
    } else if (json_look_true(scenario, "undecided")) {
        buffer_add_text(out, "No plan is named cheapest: how plans count tokens turns the order "
                             "round.");
    } else {
        buffer_add_text(out, "No plan serves everything.");
    }
    buffer_add_text(out, "</dd>");
    free(cheapest);
    free(plans);
}

static void add_row(struct text plan, bool budget, const char *cheapest, struct buffer *out)
{
    struct text bill = json_look_part(plan, "bill_usd");
    char *name = json_look_string(plan, "plan");
    buffer_add_format(out, "<tr%s><th>",
                      cheapest && name && strcmp(name, cheapest) == 0 ? " class=best" : "");
    html_add_text(out, name ? name : "–");
    buffer_add_text(out, "</th>");
    html_look_usd_cell(bill, "mean", out);
    html_look_usd_cell(bill, "p5", out);
    html_look_usd_cell(bill, "p95", out);
    if (budget) {
        html_look_cell(plan, "over_budget_probability", 100, out);
        buffer_add_text(out, "<td>");
        html_look_text(json_look_part(plan, "budget_runs_out"), "p50", out);
        buffer_add_text(out, "</td>");
    }
    buffer_add_text(out, "<td>");
    html_look_text(json_look_part(plan, "quota_runs_out"), "p50", out);
    buffer_add_text(out, "</td>");
    html_look_cell(plan, "unserved_share", 100, out);
    html_look_cell(plan, "delayed_share", 100, out);
    buffer_add_text(out, "</tr>");
    free(name);
}

/* What to commit to, where that was asked. */
static void add_commitments(struct text scenario, struct buffer *out)
{
    struct text *lines;
    size_t count = json_look_items(scenario, "commit", &lines);
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, i ? "<p>" : "<h4>What to commit to</h4><p>");
        html_add_item(lines[i], out);
        buffer_add_text(out, "</p>");
    }
    free(lines);
}

static void add_table(struct text scenario, bool budget, struct buffer *out)
{
    struct text *plans;
    size_t count = json_look_items(scenario, "plans", &plans);
    char *cheapest = json_look_string(scenario, "cheapest");
    buffer_add_text(out, "<h3>");
    html_look_text(scenario, "scenario", out);
    buffer_add_text(out, ", ");
    add_growth(scenario, out);
    buffer_add_format(out,
                      "</h3>" HTML_TABLE "<thead><tr><th>plan<th>expected<th>5 %%<th>95 %%%s"
                      "<th>quota used up by<th>turned away (%%)<th>delayed (%%)</tr></thead>"
                      "<tbody>",
                      budget ? "<th>over budget (%)<th>over by" : "");
    for (size_t i = 0; i < count; i++)
        add_row(plans[i], budget, cheapest, out);
    buffer_add_text(out, HTML_TABLE_END);
    add_commitments(scenario, out);
    free(cheapest);
    free(plans);
}

/* " 3 months from 2026-11-16 on, from 16,872 requests" */
static void add_horizon(struct text document, struct buffer *out)
{
    struct text horizon, sample;
    if (!json_look(document, "horizon", &horizon) || !json_look(document, "sample", &sample))
        return;
    double months = json_look_number(horizon, "months");
    buffer_add_format(out, " <small>%.0f month%s of 30 days", months, months == 1 ? "" : "s");
    char *begin = json_look_string(horizon, "begin");
    if (begin) {
        buffer_add_text(out, " from ");
        html_add_text(out, begin);
        buffer_add_text(out, " on");
    }
    buffer_add_text(out, ", from a sample of ");
    html_add_count(out, (uint64_t)json_look_number(sample, "requests"));
    buffer_add_text(out, " requests</small>");
    free(begin);
}

void html_forecast(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    static const char *const proof[] = {"forecast", NULL};
    struct text *scenarios;
    money budget;
    bool has_budget = json_look_money(d->json, "budget_usd", &budget);
    size_t count = json_look_items(d->json, "scenarios", &scenarios);
    add_horizon(d->json, out);
    buffer_add_text(out, "</h2><dl>");
    for (size_t i = 0; i < count; i++)
        answer(scenarios[i], out);
    buffer_add_text(out, "</dl>");
    if (has_budget) {
        buffer_add_text(out, "<p>The budget for all of it is ");
        html_add_usd(out, budget, 2);
        buffer_add_text(out, ".</p>");
    }
    html_add_plots(d->plots, proof, plot_number, out);
    for (size_t i = 0; i < count; i++)
        add_table(scenarios[i], has_budget, out);
    free(scenarios);
}
