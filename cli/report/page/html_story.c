/* A story: its sentences with the commands that show them, the plots, the table. */
#include "cli/report/page/html_document.h"
#include "cli/report/page/html_parts.h"
#include "cli/report/plot/story_plots.h"
#include "core/json/json_look.h"

#include <math.h>
#include <stdlib.h>

/* ---- sentences ---- */

static void add_sentence(struct text sentence, bool first, struct buffer *out)
{
    struct text *commands;
    size_t count = json_look_items(sentence, "commands", &commands);
    buffer_add_text(out, first ? "<dd><b>" : "<dd>");
    html_look_text(sentence, "text", out);
    buffer_add_text(out, first ? "</b>" : "");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, "<br><code>");
        html_add_item(commands[i], out);
        buffer_add_text(out, "</code>");
    }
    buffer_add_text(out, "</dd>");
    free(commands);
}

static void add_sentences(const struct html_document *d, struct buffer *out)
{
    static const char *const asked[] = {
        "How much does the price of one request vary?", "What does a flat price make of it?",
        "What does a prompt cache save?", "What do smaller models, tools and retries do?",
        "From how many requests a month does flat pay?"};
    struct text *items;
    size_t count = json_look_items(d->json, "sentences", &items);
    buffer_add_text(out, "<dl>");
    for (size_t i = 0; i < count && i < COUNT_OF(asked); i++) {
        buffer_add_format(out, "<dt>%s</dt>", asked[i]);
        add_sentence(items[i], i == 0, out);
    }
    buffer_add_text(out, "</dl>");
    free(items);
}

/* ---- the table ---- */

static void add_pays_cell(struct text plan, struct buffer *out)
{
    struct text pays = json_look_part(plan, "flat_pays_from");
    if (isnan(json_look_number(pays, "looked_up_to")))
        buffer_add_text(out, "<td>–</td>");
    else if (isnan(json_look_number(pays, "requests")))
        buffer_add_text(out, "<td>never</td>");
    else
        html_look_count_cell(pays, "requests", out);
}

static void add_plan(struct text workload, struct text plan, struct buffer *out)
{
    static const char *const changes[] = {"cache", "tiers", "parallel", "retry"};
    buffer_add_text(out, "<tr><th>");
    html_look_text(workload, "workload", out);
    buffer_add_text(out, "</th><td class=words>");
    html_look_text(plan, "plan", out);
    buffer_add_text(out, "</td>");
    html_look_usd_cell(plan, "usd_a_month", out);
    html_look_count_cell(plan, "count", out);
    html_look_cell(plan, "max_over_median", 1, out);
    html_look_cell(plan, "cv", 1, out);
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        html_add_cell(out, story_moved_percent(plan, changes[i]));
    add_pays_cell(plan, out);
    buffer_add_text(out, "</tr>");
}

static void add_table(const struct html_document *d, struct buffer *out)
{
    struct text *items;
    size_t count = json_look_items(d->json, "workloads", &items);
    buffer_add_text(out, "<h3>All of it</h3>" HTML_TABLE
                         "<thead><tr><th>workload<th>plan<th>a month<th>of it"
                         "<th>dearest / median<th>CV<th>cache (%)<th>tiers (%)<th>tools (%)"
                         "<th>retries (%)<th>flat pays from</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++) {
        struct text *plans;
        size_t plan_count = json_look_items(items[i], "plans", &plans);
        for (size_t k = 0; k < plan_count; k++)
            add_plan(items[i], plans[k], out);
        free(plans);
    }
    buffer_add_text(out, HTML_TABLE_END);
    free(items);
}

void html_story(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    buffer_add_text(out, " <small>by the token, or flat</small></h2>");
    add_sentences(d, out);
    html_add_picture(
        d, picture_story_variance,
        "What requests of each workload cost by the token, over its median one: the cheaper "
        "half, what lies above the median, and the dearest of a hundred.",
        plot_number, out);
    html_add_picture(
        d, picture_story_changes,
        "By how much the month's cash moves with one change at a time; where there is no bar "
        "the change does not apply.",
        plot_number, out);
    html_add_picture(
        d, picture_story_pays,
        "From how many requests a month a flat plan is cheaper than the one by the token, and "
        "where that lies in 95 % of months drawn anew. No dot: not up to ten times here.",
        plot_number, out);
    add_table(d, out);
}
