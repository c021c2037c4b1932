#include "cli/report/page/html_compare.h"

#include "cli/report/page/html_document.h"
#include "cli/report/page/html_parts.h"
#include "cli/report/plot/overlay.h"
#include "core/json/json_look.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROWS 12

/* ---- words ---- */

static void add_doubts(struct text json, struct buffer *out)
{
    struct text *doubts;
    size_t count = json_look_items(json, "doubts", &doubts);
    struct text whole;
    bool part = json_look(json, "whole", &whole) && text_equal(whole, "false");
    if (count > 0 || part)
        buffer_add_text(out, "<div class=doubt>");
    if (part)
        buffer_add_text(out,
                        "<p><b class=bad>✗ It is not whole</b>: the pairs below are those that "
                        "were made.</p>");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, "<p><b class=bad>✗</b> ");
        html_add_item(doubts[i], out);
        buffer_add_text(out, "</p>");
    }
    if (count > 0 || part)
        buffer_add_text(out, "</div>");
    free(doubts);
}

/* "A is vllm-0.9 at http://…/v1, model m" */
static void add_side(struct text side, struct buffer *out)
{
    static const struct {
        const char *before, *key;
    } parts[] = {{" at ", "url"}, {", model ", "model"}, {", priced by ", "plan"}};
    char *name = json_look_string(side, "name"), *letter = json_look_string(side, "side");
    html_add_text(out, letter ? letter : "?");
    if (name && letter && strcmp(name, letter) != 0) {
        buffer_add_text(out, " is <b>");
        html_add_text(out, name);
        buffer_add_text(out, "</b>");
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char *text = json_look_string(side, parts[i].key);
        if (text) {
            buffer_add_text(out, parts[i].before);
            html_add_text(out, text);
        }
        free(text);
    }
    buffer_add_text(out, ". ");
    free(name);
    free(letter);
}

void html_compare_answer(struct text json, struct buffer *out)
{
    struct text *sentences, *sides;
    size_t count = json_look_items(json, "answer", &sentences),
           side_count = json_look_items(json, "sides", &sides);
    add_doubts(json, out);
    buffer_add_text(out, "<dl><dt>Which is better?</dt><dd>");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, i ? " " : "<b>");
        html_add_item(sentences[i], out);
        buffer_add_text(out, i ? "" : "</b>");
    }
    buffer_add_text(out, "</dd><dt>What was compared?</dt><dd>");
    for (size_t i = 0; i < side_count; i++)
        add_side(sides[i], out);
    html_add_count(out, (uint64_t)fmax(0, json_look_number(json, "pairs")));
    buffer_add_text(out, " pairs of runs, in the order ");
    html_look_text(json, "order", out);
    char *method = json_look_string(json, "method");
    buffer_add_text(out, method ? "; " : "");
    html_add_text(out, method ? method : "");
    buffer_add_text(out, ".</dd></dl>");
    free(method);
    free(sentences);
    free(sides);
}

/* ---- the picture ---- */

/* The winner's color where there is one: A is the first of the palette, B the second. */
static int color_of(struct text row)
{
    struct text winner;
    if (!json_look(row, "winner", &winner))
        return PLOT_NOBODY;
    return text_equal(winner, "\"A\"") ? 0 : 1;
}

static bool take_change(struct text row, char name[64], struct overlay_change *out)
{
    struct text is;
    double ends[2];
    if (!json_look(row, "change_is", &is) || !text_equal(is, "\"ratio\"") ||
        !json_look_true(row, "headline"))
        return false;
    char *title = json_look_string(row, "title"), *statistic = json_look_string(row, "statistic");
    snprintf(name, 64, "%.40s %.16s", title ? title : "", statistic ? statistic : "");
    json_look_pair(row, "ci95", ends);
    *out = (struct overlay_change){.name = name,
                                   .change = json_look_number(row, "change"),
                                   .low = ends[0],
                                   .high = ends[1],
                                   .color = color_of(row)};
    free(title);
    free(statistic);
    return isfinite(out->change);
}

bool html_compare_picture(struct text json, struct picture *p)
{
    struct overlay_change changes[MOST_ROWS];
    char names[MOST_ROWS][64];
    struct text *rows, *sentences;
    size_t count = json_look_items(json, "comparisons", &rows), shown = 0;
    for (size_t i = 0; i < count && shown < MOST_ROWS; i++)
        shown += take_change(rows[i], names[shown], &changes[shown]);
    size_t said = json_look_items(json, "answer", &sentences);
    char *title = said ? json_text_of(sentences[0]) : NULL;
    bool some = overlay_changes(changes, shown, title ? title : "B beside A",
                                "From A to B: estimate and 95 % interval; colored where a winner "
                                "is proven (A blue, B orange)",
                                p);
    free(title);
    free(sentences);
    free(rows);
    return some;
}

/* ---- the table ---- */

static void add_change_cells(struct text row, struct buffer *out)
{
    struct text is;
    bool ratio = json_look(row, "change_is", &is) && text_equal(is, "\"ratio\"");
    double change = json_look_number(row, "change"), ends[2];
    const char *unit = ratio ? " %" : " points";
    if (isfinite(change))
        buffer_add_format(out, "<td data-v=\"%.9g\">%+.1f%s</td>", change,
                          text_shown(100 * change, 1), unit);
    else
        buffer_add_text(out, "<td>–</td>");
    json_look_pair(row, "ci95", ends);
    if (isfinite(ends[0]) && isfinite(ends[1]))
        buffer_add_format(out, "<td>%+.1f … %+.1f</td>", text_shown(100 * ends[0], 1),
                          text_shown(100 * ends[1], 1));
    else
        buffer_add_text(out, "<td>–</td>");
}

static void add_row(struct text row, struct buffer *out)
{
    char *verdict = json_look_string(row, "verdict"), *winner = json_look_string(row, "winner"),
         *why = json_look_string(row, "not_compared");
    for (char *at = verdict; at && *at; at++)
        *at = *at == '_' ? ' ' : *at;
    buffer_add_format(out, "<tr%s><th>", winner ? " class=best" : "");
    html_look_text(row, "title", out);
    buffer_add_text(out, " ");
    html_look_text(row, "statistic", out);
    buffer_add_text(out, "</th>");
    html_look_cell(row, "before", 1, out);
    html_look_cell(row, "after", 1, out);
    add_change_cells(row, out);
    html_look_cell(row, "p_adjusted", 1, out);
    buffer_add_text(out, "<td>");
    html_add_text(out, winner ? winner : "–");
    buffer_add_text(out, "</td><td class=words>");
    html_add_text(out, why ? why : verdict ? verdict : "");
    buffer_add_text(out, "</td></tr>");
    free(verdict);
    free(winner);
    free(why);
}

static void add_costs(struct text json, struct buffer *out)
{
    struct text cost;
    if (!json_look(json, "cost", &cost))
        return;
    buffer_add_text(out, "<p>A thousand requests cost ");
    html_look_usd(cost, "per_1000_a_usd", out);
    buffer_add_text(out, " with A and ");
    html_look_usd(cost, "per_1000_b_usd", out);
    buffer_add_text(out, " with B.</p>");
}

void html_compare_tables(struct text json, struct buffer *out)
{
    struct text *rows, *notes;
    size_t count = json_look_items(json, "comparisons", &rows),
           note_count = json_look_items(json, "notes", &notes);
    add_costs(json, out);
    buffer_add_text(out, "<h3>Figure by figure</h3>" HTML_TABLE
                         "<thead><tr><th>figure<th>A<th>B<th>change<th>95 % interval<th>p (Holm)"
                         "<th>winner<th>verdict</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++)
        add_row(rows[i], out);
    buffer_add_text(out, HTML_TABLE_END);
    for (size_t i = 0; i < note_count; i++) {
        buffer_add_text(out, "<p>");
        html_add_item(notes[i], out);
        buffer_add_text(out, "</p>");
    }
    free(rows);
    free(notes);
}
