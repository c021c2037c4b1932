/* Who bears how much of a bill, on its page. */
#include "cli/report/page/html_parts.h"
#include "sim/cost/shares/shares.h"

#include <stdio.h>
#include <string.h>

/* As the screen writes it; sorted by the number that it begins with. */
static void add_number(const char *text, struct buffer *out)
{
    size_t number = strspn(text, "-0123456789.");
    if (number > 0)
        buffer_add_format(out, "<td data-v=\"%.*s\">%s</td>", (int)number, text, text);
    else
        buffer_add_format(out, "<td>%s</td>", text);
}

static void add_group(const struct plan_bill *p, const struct bill_group *g, struct buffer *out)
{
    char trend[BILL_TREND_SIZE], text[BILL_TREND_SIZE];
    money each = 0;
    if (g->requests > 0)
        (void)money_prorate(g->total, 1, g->requests, &each);
    buffer_add_text(out, "<tr><th>");
    html_add_text(out, g->name);
    buffer_add_text(out, "</th>");
    snprintf(text, sizeof text, "%.1f %%", (double)g->share_tenths / 10);
    add_number(p->total > 0 ? text : "–", out);
    if (g->requests > 0) {
        html_add_count_cell(out, g->requests);
        html_add_money_cell(out, each, 6);
    } else {
        buffer_add_text(out, "<td>–</td><td>–</td>");
    }
    html_add_money_cell(out, g->shown, p->shown_decimals);
    add_number(bill_share_cv(p, g, text), out);
    add_number(bill_share_dearest(p, g, text), out);
    buffer_add_format(out, "<td data-v=\"%.6g\">%s</td></tr>",
                      g->has_trend && g->trend_before > 0
                          ? cost_usd(g->trend_now) / cost_usd(g->trend_before)
                          : 0,
                      bill_share_trend(g, trend));
}

static void add_notes(const struct bill *b, const struct plan_bill *p, struct buffer *out)
{
    struct buffer notes;
    buffer_init(&notes, BUFFER_UNBOUNDED);
    bill_shares_put_notes(b, p, &notes);
    for (char *line = notes.length ? strtok(notes.data, "\n") : NULL; line;
         line = strtok(NULL, "\n")) {
        buffer_add_text(out, "<p>");
        html_add_text(out, line);
        buffer_add_text(out, "</p>");
    }
    buffer_free(&notes);
}

#define SHOWN_GROUPS 200

/* The first, and then those of no value; of the others there is bill.json. */
static void add_groups(const struct plan_bill *p, struct buffer *out)
{
    size_t left = 0;
    for (size_t g = 0; g < p->group_count; g++)
        if (g < SHOWN_GROUPS || p->groups[g].kind != GROUP_VALUE)
            add_group(p, &p->groups[g], out);
        else
            left++;
    buffer_add_text(out, HTML_TABLE_END);
    if (left > 0)
        buffer_add_format(out, "<p>%zu more are in bill.json and shares.csv.</p>", left);
}

void html_add_shares(const struct bill *b, struct buffer *out)
{
    char name[BILL_NAME_SIZE];
    for (size_t i = 0; i < b->plan_count; i++) {
        const struct plan_bill *p = &b->plans[i];
        if (p->group_count == 0 || bill_repeats(b, i))
            continue;
        buffer_add_text(out, "<h3>");
        html_add_text(out, bill_plan_name(p, name));
        buffer_add_text(out, " by ");
        html_add_text(out, b->options.by);
        buffer_add_text(out, "</h3>" HTML_TABLE "<thead><tr><th><th>share<th>requests"
                             "<th>each<th>in all<th>CV<th>dearest / median<th>7 days</tr></thead>"
                             "<tbody>");
        add_groups(p, out);
        add_notes(b, p, out);
    }
}
