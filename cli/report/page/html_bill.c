#include "cli/report/page/html_bill.h"

#include "cli/report/page/html_parts.h"
#include "core/memory.h"
#include "sim/cost/ladder/ladder.h"
#include "sim/cost/what_if/what_if.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCREEN 110 /* columns of what stands as on the screen */

static const char *name_of(const struct bill *b)
{
    return b->workload->name ? b->workload->name : "workload";
}

static void add_plan_name(struct buffer *out, const struct plan_bill *p)
{
    char name[BILL_NAME_SIZE];
    html_add_text(out, bill_plan_name(p, name));
}

/* What a function writes of the bill, as text. */
static void add_words(const struct bill *b, void (*put)(const struct bill *, struct buffer *),
                      struct buffer *out)
{
    struct buffer words;
    buffer_init(&words, BUFFER_UNBOUNDED);
    put(b, &words);
    if (words.length)
        html_add_text(out, words.data);
    buffer_free(&words);
}

/* "You paid ...: " ends where the table of the screen follows. */
static void answer_paid(const struct bill *b, struct buffer *out)
{
    if (!b->has_reported)
        return;
    buffer_add_text(out, "<dt>What was paid?</dt><dd><b>");
    add_words(b, bill_put_paid, out);
    buffer_add_text(out, "</b></dd><dd><ol>");
    for (size_t i = 0; i < b->ranking_count && i < 5; i++) {
        const struct plan_bill *p = &b->plans[b->ranking[i]];
        buffer_add_text(out, "<li>");
        add_plan_name(out, p);
        buffer_add_text(out, " ");
        html_add_usd(out, p->total, 4);
        buffer_add_text(out, "</li>");
    }
    buffer_add_text(out, "</ol>");
    if (b->ranking_count == 0)
        buffer_add_text(out, "No plan serves all of it.");
    add_words(b, bill_put_against_paid, out);
    buffer_add_text(out, "</dd>");
}

static bool has_line(const struct bill *b, int line)
{
    for (size_t i = 0; i < b->plan_count; i++)
        if (!bill_repeats(b, i) && b->plans[i].cash[line] != 0)
            return true;
    return false;
}

/* The lines of each plan, which add up to its total. */
static void add_lines(const struct bill *b, struct buffer *out)
{
    size_t *shown = mem_alloc((b->plan_count + 1) * sizeof *shown), count = bill_shown(b, shown);
    buffer_add_text(out, "<h3>What each total is made of</h3>" HTML_TABLE "<thead><tr>"
                         "<th>plan");
    for (int line = 0; line < BILL_LINES; line++)
        if (has_line(b, line)) {
            char title[32];
            snprintf(title, sizeof title, "%s", bill_line_name((enum bill_line)line));
            for (char *at = title; *at; at++)
                *at = *at == '_' ? ' ' : *at;
            buffer_add_format(out, "<th>%s", title);
        }
    buffer_add_text(out, "<th>total<th>periods<th>count</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++) {
        const struct plan_bill *p = &b->plans[shown[i]];
        buffer_add_text(out, "<tr><th>");
        add_plan_name(out, p);
        buffer_add_text(out, "</th>");
        for (int line = 0; line < BILL_LINES; line++)
            if (has_line(b, line))
                html_add_money(out, p->cash[line]);
        html_add_money(out, p->total);
        html_add_count_cell(out, p->periods);
        html_add_count_cell(out, p->subscriptions);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
    free(shown);
}

static bool varies(const struct plan_bill *p)
{
    return !p->flat && !p->without_caps && isfinite(p->stats.cv) && p->stats.cv > 0;
}

static bool has_part(const struct bill *b, int part)
{
    for (size_t i = 0; i < b->plan_count; i++)
        if (varies(&b->plans[i]) && b->plans[i].sums.part[part] != 0)
            return true;
    return false;
}

static void add_share_row(const struct bill *b, const struct plan_bill *p, bool *negative,
                          struct buffer *out)
{
    buffer_add_text(out, "<tr><th>");
    add_plan_name(out, p);
    char times[48], grouped[TEXT_GROUPED_SIZE];
    snprintf(times, sizeof times, "%.1f", p->stats.max_over_median);
    buffer_add_format(out, "</th><td data-v=\"%.9g\">%s×</td>", p->stats.max_over_median,
                      text_group(times, grouped));
    for (int part = 0; part < CHARGE_PARTS; part++) {
        double share = cost_share_percent(&p->stats, part);
        if (!has_part(b, part))
            continue;
        if (p->sums.part[part] == 0)
            buffer_add_text(out, "<td>–</td>");
        else
            buffer_add_format(out, "<td data-v=\"%.4f\">%.2f %%</td>", share, share);
        *negative = *negative || (p->sums.part[part] != 0 && share < 0);
    }
    buffer_add_text(out, "</tr>");
}

/* Which part of the charge the variance of a request's price comes from. */
static void add_shares(const struct bill *b, struct buffer *out)
{
    bool some = false, negative = false;
    for (size_t i = 0; i < b->plan_count; i++)
        some = some || varies(&b->plans[i]);
    if (!some)
        return;
    size_t *shown = mem_alloc((b->plan_count + 1) * sizeof *shown), count = bill_shown(b, shown);
    buffer_add_text(out,
                    "<h3>Why the price of a request varies (shares of its variance)</h3>" HTML_TABLE
                    "<thead><tr><th>plan<th>dearest / median");
    for (int part = 0; part < CHARGE_PARTS; part++)
        if (has_part(b, part))
            buffer_add_format(out, "<th>%s", charge_part_name((enum charge_part)part));
    buffer_add_text(out, "</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++)
        if (varies(&b->plans[shown[i]]))
            add_share_row(b, &b->plans[shown[i]], &negative, out);
    free(shown);
    buffer_add_text(out, HTML_TABLE_END);
    if (negative)
        buffer_add_text(out, "<p>" COST_NEGATIVE_SHARE ".</p>");
}

/* Each line of the screen's sentences is an item. */
static void add_notes(const struct bill *b, struct buffer *out)
{
    struct buffer notes;
    buffer_init(&notes, BUFFER_UNBOUNDED);
    bill_put_notes(b, &notes);
    buffer_add_text(out, "<h3>Notes</h3><ul>");
    for (char *line = notes.length ? strtok(notes.data, "\n") : NULL; line;
         line = strtok(NULL, "\n")) {
        buffer_add_text(out, "<li>");
        html_add_text(out, line);
        buffer_add_text(out, "</li>");
    }
    buffer_add_text(out, "</ul>");
    buffer_free(&notes);
}

/* A table as the screen has it, below a title. */
static void add_screen(const char *title, struct buffer *words, struct buffer *out)
{
    buffer_add_format(out, "<h3>%s</h3><pre>", title);
    html_add_text(out, words->data + strspn(words->data, "\n"));
    buffer_add_text(out, "</pre>");
    buffer_free(words);
}

static void add_ladder(const struct bill *b, struct buffer *out)
{
    struct buffer words;
    if (!b->ladder)
        return;
    buffer_init(&words, BUFFER_UNBOUNDED);
    ladder_write_table(b->ladder, SCREEN, &words);
    add_screen("The cheapest plan by requests a month", &words, out);
}

static void add_what_if(const struct bill *b, struct buffer *out)
{
    struct buffer words;
    if (!b->what_if)
        return;
    buffer_init(&words, BUFFER_UNBOUNDED);
    what_if_write_table(b->what_if, SCREEN, &words);
    add_screen("What if", &words, out);
}

static void add_bill(const struct html_bill *h, size_t *plot_number, struct buffer *out)
{
    static const char *const proof[] = {"spend", NULL};
    const struct bill *b = h->bill;
    buffer_add_text(out, "<section><h2>");
    html_add_text(out, name_of(b));
    buffer_add_text(out, " <small>");
    add_words(b, bill_put_extent, out);
    buffer_add_text(out, "</small></h2>");
    if (b->generated) {
        buffer_add_text(out, "<p>");
        add_words(b, bill_put_origin, out);
        buffer_add_text(out, "</p>");
    }
    buffer_add_text(out, "<dl>");
    answer_paid(b, out);
    html_answer_plan(b, out);
    html_answer_runs_out(b, out);
    html_answer_savings(b, out);
    buffer_add_text(out, "</dl>");
    html_add_plots(h->plots, proof, plot_number, out);
    html_add_bill(b, out);
    add_ladder(b, out);
    add_lines(b, out);
    add_shares(b, out);
    html_add_shares(b, out);
    html_add_waste(b, out);
    add_what_if(b, out);
    add_notes(b, out);
    html_add_other_plots(h->plots, proof, plot_number, out);
    buffer_add_text(out, "</section>");
}

static void add_several_row(const struct several *all, size_t plan, struct buffer *out)
{
    const struct several_plan *p = &all->plans[plan];
    buffer_add_text(out, "<tr><th>");
    add_plan_name(out, &all->bills[0]->plans[plan]);
    buffer_add_text(out, "</th>");
    for (size_t i = 0; i < all->count; i++) {
        money total = all->bills[i]->plans[plan].total;
        html_add_money(out, total); /* "<td>...</td>" */
        if (!several_serves(all, i, plan)) {
            out->length -= strlen("</td>");
            buffer_add_text(out, "*</td>");
        }
    }
    if (p->serves)
        html_add_money(out, p->total);
    else
        buffer_add_text(out, "<td>–</td>");
    buffer_add_text(out, "</tr>");
}

static void add_several(const struct several *all, struct buffer *out)
{
    struct buffer words;
    buffer_init(&words, BUFFER_UNBOUNDED);
    several_put_cheapest(all, &words);
    buffer_add_text(out, "<section><h2>Side by side</h2><p>");
    html_add_text(out, words.data);
    buffer_free(&words);
    buffer_add_text(out, "</p>" HTML_TABLE "<thead><tr><th>plan");
    for (size_t i = 0; i < all->count; i++) {
        buffer_add_text(out, "<th>");
        html_add_text(out, name_of(all->bills[i]));
    }
    buffer_add_text(out, "<th>together</tr></thead><tbody>");
    for (size_t i = 0; i < all->plan_count; i++)
        if (several_shows(all, i))
            add_several_row(all, i, out);
    buffer_add_text(out, HTML_TABLE_END "</section>");
}

void html_bill_page(const struct html_bill *bills, const struct several *all, struct buffer *out)
{
    size_t plot_number = 0;
    html_begin(out, all->count == 1 ? name_of(bills[0].bill) : "farebox: several bills",
               "farebox bill");
    if (all->count > 1)
        add_several(all, out);
    for (size_t i = 0; i < all->count; i++)
        add_bill(&bills[i], &plot_number, out);
    html_end(out);
}
