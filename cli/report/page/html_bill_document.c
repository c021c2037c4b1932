/* A bill that stands in a directory of its own, beside other results: its answer and its plans.
 * The whole of it is the page that farebox bill wrote, index.html. */
#include "cli/report/page/html.h"
#include "cli/report/page/html_document.h"
#include "cli/report/page/html_parts.h"
#include "core/json/json_look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The plan that has the rank; an empty one. */
static struct text ranked(const struct text *plans, size_t count, double rank)
{
    for (size_t i = 0; i < count; i++)
        if (json_look_number(plans[i], "rank") == rank)
            return plans[i];
    return JSON_NO_OBJECT;
}

static void add_plan(struct text plan, const char *before, struct buffer *out)
{
    buffer_add_format(out, "%s<b>", before);
    html_look_text(plan, "plan", out);
    buffer_add_text(out, "</b> at ");
    html_look_usd(plan, "total_usd", out);
}

static void answer(struct text bill, const struct text *plans, size_t count, struct buffer *out)
{
    struct text best = ranked(plans, count, 1), next = ranked(plans, count, 2);
    struct text *ranking;
    size_t ranks = json_look_items(bill, "ranking", &ranking);
    buffer_add_text(out, "<dl><dt>Which plan?</dt><dd>");
    if (json_look_true(bill, "undecided"))
        buffer_add_text(out, "No plan is named cheapest: how plans count tokens turns the order "
                             "round.");
    else if (ranks == 0 || isnan(json_look_number(best, "rank")))
        buffer_add_text(out, "No plan serves every request.");
    else
        add_plan(best, "Cheapest of those that serve everything: ", out);
    if (!json_look_true(bill, "undecided") && !isnan(json_look_number(next, "rank")))
        add_plan(next, "; next comes ", out);
    buffer_add_text(out, "</dd></dl>");
    free(ranking);
}

static void add_row(struct text plan, struct buffer *out)
{
    struct text each = json_look_part(plan, "per_request_usd");
    double rank = json_look_number(plan, "rank");
    char *caps = json_look_string(plan, "caps");
    buffer_add_format(out, "<tr%s><th>", rank == 1 ? " class=best" : "");
    html_look_text(plan, "plan", out);
    if (caps && strcmp(caps, "ignored") == 0)
        buffer_add_text(out, " (no caps)");
    buffer_add_text(out, "</th>");
    html_look_count_cell(plan, "rank", out);
    html_look_usd_cell(plan, "total_usd", out);
    html_look_count_cell(plan, "subscriptions", out);
    html_look_usd_cell(each, "mean", out);
    html_look_usd_cell(each, "p50", out);
    html_look_usd_cell(each, "p99", out);
    html_look_count_cell(plan, "served", out);
    html_look_count_cell(plan, "rejected", out);
    buffer_add_text(out, "</tr>");
    free(caps);
}

static void add_bill(struct text bill, struct buffer *out)
{
    struct text *plans;
    size_t count = json_look_items(bill, "plans", &plans);
    answer(bill, plans, count, out);
    buffer_add_text(out, "<h3>Plans</h3>" HTML_TABLE "<thead><tr><th>plan<th>rank<th>total<th>count"
                         "<th>a request, mean<th>p50<th>p99<th>served<th>not served</tr></thead>"
                         "<tbody>");
    for (size_t i = 0; i < count; i++)
        add_row(plans[i], out);
    buffer_add_text(out, HTML_TABLE_END);
    free(plans);
}

static void add_extent(struct text bill, struct buffer *out)
{
    struct text workload;
    buffer_add_text(out, " <small>bill of ");
    if (json_look(bill, "workload", &workload)) {
        html_look_text(workload, "name", out);
        buffer_add_text(out, ", ");
        html_add_count(out, (uint64_t)json_look_number(workload, "requests"));
        buffer_add_text(out, " requests");
    }
    char *start = json_look_string(json_look_part(bill, "period"), "start");
    if (start) {
        buffer_add_text(out, " from ");
        html_escape(out, (struct text){start, strcspn(start, "T")});
        buffer_add_text(out, " on (UTC)");
    }
    buffer_add_text(out, "</small>");
    free(start);
}

void html_bill_document(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    static const char *const proof[] = {"spend", "ladder", NULL};
    struct text *bills;
    size_t count = json_look_items(d->json, "bills", &bills);
    if (count == 0)
        add_extent(d->json, out);
    buffer_add_text(out, "</h2>");
    if (count == 0)
        add_bill(d->json, out);
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, "<h3>");
        add_extent(bills[i], out);
        buffer_add_text(out, "</h3>");
        add_bill(bills[i], out);
    }
    html_add_plots(d->plots, proof, plot_number, out);
    buffer_add_text(out, "<p>All of the bill is on the page that farebox bill wrote beside it, "
                         "index.html.</p>");
    free(bills);
}
