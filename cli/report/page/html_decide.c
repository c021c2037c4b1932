/* A decision, as a memo: question, answer, how sure, what would change it, other volumes, and an
 * appendix of all figures. The sentences are those of the screen. */
#include "cli/report/page/html_document.h"
#include "cli/report/page/html_parts.h"
#include "cli/report/plot/decide_plots.h"
#include "cli/report/text/decide_text.h"
#include "core/json/json_look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sentences ---- */

/* `each` opens a sentence, and `end` closes it. */
static void add_sentences(const struct html_document *d, const char *key, const char *each,
                          const char *end, struct buffer *out)
{
    struct text *items;
    size_t count = json_look_items(json_look_part(d->json, "sentences"), key, &items);
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, each);
        html_add_item(items[i], out);
        buffer_add_text(out, end);
    }
    free(items);
}

static bool has(struct text object, const char *list)
{
    struct text *items;
    size_t count = json_look_items(object, list, &items);
    free(items);
    return count > 0;
}

static void add_answer(const struct html_document *d, struct buffer *out)
{
    struct text *items;
    size_t count = json_look_items(json_look_part(d->json, "sentences"), "answer", &items);
    buffer_add_text(out, "</h2><dl><dt>Which is the cheapest?</dt>");
    add_sentences(d, "question", "<dd>", "</dd>", out);
    buffer_add_text(out, "<dt>The answer</dt>");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, i ? "<dd>" : "<dd><b>");
        html_add_item(items[i], out);
        buffer_add_text(out, i ? "</dd>" : "</b></dd>");
    }
    if (has(json_look_part(d->json, "sentences"), "how_sure"))
        buffer_add_text(out, "<dt>How sure is that?</dt>");
    add_sentences(d, "how_sure", "<dd>", "</dd>", out);
    buffer_add_text(out, "</dl>");
    free(items);
}

/* ---- tables ---- */

static void add_words_cell(struct text object, const char *key, struct buffer *out)
{
    buffer_add_text(out, "<td>");
    html_look_text(object, key, out);
    buffer_add_text(out, "</td>");
}

static bool is_answer(const struct html_document *d, struct text candidate)
{
    char *best = json_look_string(json_look_part(d->json, "answer"), "cheapest"),
         *name = json_look_string(candidate, "name");
    bool same = best && name && strcmp(best, name) == 0;
    free(best);
    free(name);
    return same;
}

static void add_unit_cell(double usd, struct buffer *out)
{
    char text[DECIDE_USD_SIZE];
    if (isfinite(usd))
        buffer_add_format(out, "<td data-v=\"%.9g\">%s</td>", usd, decide_usd(usd, text));
    else
        buffer_add_text(out, "<td>–</td>");
}

static void add_range_cells(struct text candidate, struct buffer *out)
{
    double ends[2];
    (void)json_look_pair(candidate, "usd_per_good_request_95", ends);
    add_unit_cell(ends[0], out);
    add_unit_cell(ends[1], out);
}

static void add_candidate(const struct html_document *d, struct text c, struct buffer *out)
{
    buffer_add_format(out, "<tr%s><th>", is_answer(d, c) ? " class=best" : "");
    html_look_text(c, "name", out);
    buffer_add_text(out, "</th>");
    html_look_usd_cell(c, "usd_a_month", out);
    html_look_count_cell(c, "count", out);
    html_look_cell(c, "goodput", 100, out);
    add_unit_cell(json_look_number(c, "usd_per_good_request"), out);
    add_range_cells(c, out);
    html_look_cell(c, "p_cheapest", 100, out);
    html_look_cell(c, "p_acceptable", 100, out);
    buffer_add_format(out, "<td class=words>%s</td></tr>",
                      !json_look_true(c, "judged")          ? "not measured: takes no part"
                      : !json_look_true(c, "serves")        ? "does not serve all"
                      : !json_look_true(c, "meets_goodput") ? "misses the objectives"
                                                            : "");
}

static void add_candidates(const struct html_document *d, struct buffer *out)
{
    struct text *items;
    size_t count = json_look_items(d->json, "candidates", &items);
    buffer_add_text(out, "<h3>Appendix: the candidates</h3>" HTML_TABLE
                         "<thead><tr><th>candidate<th>a month<th>of it<th>good (%)"
                         "<th>a good request<th>95 % from<th>to<th>P (%)"
                         "<th>acceptable in (%)<th>remark</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++)
        add_candidate(d, items[i], out);
    buffer_add_text(out, HTML_TABLE_END);
    add_sentences(d, "remarks", "<p>", "</p>", out);
    free(items);
}

static void add_end(struct text end, struct buffer *out)
{
    add_words_cell(end, "if", out);
    html_look_cell(end, "advantage", 100, out);
    add_words_cell(end, "cheapest", out);
}

static void add_hinges(const struct html_document *d, struct buffer *out)
{
    struct text *items;
    size_t count = json_look_items(d->json, "hinges", &items);
    buffer_add_text(out, HTML_TABLE
                    "<thead><tr><th>what<th>if it is<th>cheaper by (%)<th>the cheapest"
                    "<th>if it is<th>cheaper by (%)<th>the cheapest</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++) {
        buffer_add_format(out, "<tr%s><th>",
                          json_look_true(items[i], "turns") ? " class=best" : "");
        html_look_text(items[i], "what", out);
        buffer_add_text(out, "</th>");
        add_end(json_look_part(items[i], "less"), out);
        add_end(json_look_part(items[i], "more"), out);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
    free(items);
}

static void add_steps(const struct html_document *d, struct buffer *out)
{
    struct text *items;
    size_t count = json_look_items(d->json, "ladder", &items);
    buffer_add_text(out, HTML_TABLE "<thead><tr><th>the cheapest, as expected"
                                    "<th>from requests a month<th>to</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++) {
        char *name = json_look_string(items[i], "cheapest");
        buffer_add_text(out, "<tr><th>");
        html_add_text(out, name ? name : "none of them");
        buffer_add_text(out, "</th>");
        html_look_count_cell(items[i], "from_requests", out);
        html_look_count_cell(items[i], "to_requests", out);
        buffer_add_text(out, "</tr>");
        free(name);
    }
    buffer_add_text(out, HTML_TABLE_END);
    free(items);
}

/* The presets' errors, and the rates that were found. */
static void add_engines(const struct html_document *d, struct buffer *out)
{
    struct text *items;
    size_t count = json_look_items(d->json, "candidates", &items), shown = 0;
    for (size_t i = 0; i < count; i++) {
        struct text own;
        if (!json_look(items[i], "own", &own))
            continue;
        if (shown++ == 0)
            buffer_add_text(out, "<h3>Appendix: one's own replicas</h3>" HTML_TABLE
                                 "<thead><tr><th>engine<th>a GPU-hour<th>GPUs each<th>replicas"
                                 "<th>sustained (1/s)<th>error of its times (±%)<th>stated"
                                 "</tr></thead><tbody>");
        buffer_add_text(out, "<tr><th>");
        html_look_text(own, "engine", out);
        buffer_add_text(out, "</th>");
        html_look_usd_cell(own, "gpu_hour_usd", out);
        html_look_count_cell(own, "gpus_per_replica", out);
        html_look_count_cell(own, "replicas", out);
        html_look_cell(own, "replica_rps", 1, out);
        html_look_cell(own, "error", 100, out);
        buffer_add_format(out, "<td>%s</td></tr>",
                          json_look_true(own, "error_stated") ? "by the preset" : "taken");
    }
    if (shown)
        buffer_add_text(out, HTML_TABLE_END);
    free(items);
}

static void add_drawn(const struct html_document *d, struct buffer *out)
{
    struct text doubt = json_look_part(d->json, "doubt"),
                question = json_look_part(d->json, "question");
    double share = json_look_number(doubt, "share_of_the_sample");
    if (isnan(json_look_number(doubt, "draws")))
        return;
    buffer_add_text(out, "<h3>Appendix: what was drawn</h3><p>");
    html_add_count(out, (uint64_t)json_look_number(doubt, "draws"));
    buffer_add_text(out, " months, each of the sample's ");
    html_add_count(out, (uint64_t)json_look_number(doubt, "drawn_from"));
    buffer_add_text(out, " ");
    html_look_text(doubt, "drawn", out);
    buffer_add_text(out, " (");
    html_add_count(out, (uint64_t)json_look_number(question, "sample_requests"));
    buffer_add_text(out, " requests in ");
    html_add_count(out, (uint64_t)json_look_number(question, "sample_sessions"));
    buffer_add_text(
        out, " sessions), with a run's share of good requests, the error of engines, "
             "counts of tokens and caps that nobody confirmed: the same for all candidates.");
    if (isfinite(share))
        buffer_add_format(out,
                          " Of the variance between the first two %.0f %% is the sample's, the "
                          "rest is all else.",
                          100 * share);
    buffer_add_text(out, "</p>");
}

static void add_changes(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    if (!has(d->json, "hinges"))
        return;
    buffer_add_text(out, "<h3>What would change it?</h3>");
    html_add_picture(
        d, picture_decide_hinges,
        "By how much the cheapest of the expected month is cheaper than the best of the others "
        "when one thing is less or more than it was taken to be; left of the line the choice "
        "turns round. What loses by more than 100 % is drawn to the edge.",
        plot_number, out);
    add_hinges(d, out);
}

static void add_volumes(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    if (!has(d->json, "ladder"))
        return;
    buffer_add_text(out, "<h3>At other volumes</h3>");
    html_add_picture(
        d, picture_decide_ladder,
        "What each candidate costs for each request that meets the objectives, where it serves "
        "them all (dashed: only if its unconfirmed caps do not hold). Bars at this month's volume "
        "hold 95 % of the draws; the other marks are where another one leads.",
        plot_number, out);
    add_steps(d, out);
}

void html_decide(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    buffer_add_text(out, " <small>hosted, flat or own</small>");
    add_answer(d, out);
    add_changes(d, plot_number, out);
    add_volumes(d, plot_number, out);
    add_candidates(d, out);
    add_engines(d, out);
    add_drawn(d, out);
}
