/* What the page says about money. */
#include "cli/report/page/html_parts.h"
#include "cli/report/text/summary_table.h"
#include "core/memory.h"
#include "sim/cost/bill/bill_rows.h"
#include "sim/cost/bill/bill_tokens_show.h"

#include <math.h>
#include <stdlib.h>

static void add_name(struct buffer *out, const struct plan_bill *p)
{
    char name[BILL_NAME_SIZE];
    html_add_text(out, bill_plan_name(p, name));
}

/* " (9 of it)", where one buys more than one. */
static void add_times(const struct plan_bill *p, struct buffer *out)
{
    if (p->subscriptions < 2)
        return;
    buffer_add_text(out, " (");
    html_add_count(out, p->subscriptions);
    buffer_add_text(out, " of it)");
}

/* The bill's own sentence, which names those that may be the cheapest. */
static void add_undecided(const struct bill *b, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    bill_put_undecided(b, &text);
    html_add_text(out, text.data);
    buffer_add_text(out, "</dd>");
    buffer_free(&text);
}

void html_answer_plan(const struct bill *b, struct buffer *out)
{
    static const char *const spans[] = {" for this workload, paid once", " for the day",
                                        " for the month"};
    buffer_add_text(out, "<dt>Which plan?</dt><dd>");
    if (b->completed == 0) {
        buffer_add_text(out, "Nothing was served, so no plan is ranked.</dd>");
        return;
    }
    if (b->ranking_count == 0) {
        buffer_add_text(out, "No plan serves every request.</dd>");
        return;
    }
    if (b->undecided) {
        add_undecided(b, out);
        return;
    }
    const struct plan_bill *best = &b->plans[b->ranking[0]];
    buffer_add_text(out, "Cheapest of those that serve everything: <b>");
    add_name(out, best);
    buffer_add_text(out, "</b>");
    add_times(best, out);
    buffer_add_text(out, " at ");
    html_add_usd(out, best->total, 4);
    buffer_add_text(out, spans[b->options.period]);
    if (b->ranking_count > 1) {
        const struct plan_bill *next = &b->plans[b->ranking[1]];
        buffer_add_text(out, "; next comes ");
        add_name(out, next);
        add_times(next, out);
        buffer_add_text(out, " at ");
        html_add_usd(out, next->total, 4);
        buffer_add_text(out, next->served.delayed     ? ", which makes requests wait"
                             : next->served.truncated ? ", which cuts answers short"
                                                      : "");
    }
    buffer_add_text(out, ".");
    for (size_t i = 0; i < b->plan_count; i++) {
        const struct plan_bill *p = &b->plans[i];
        if (p->rank == 0 && p->rejected > 0) {
            buffer_add_text(out, " ");
            add_name(out, p);
            buffer_add_text(out, " does not serve ");
            html_add_count(out, p->rejected);
            buffer_add_text(out, " of the requests.");
        }
    }
    buffer_add_text(out, "</dd>");
}

/* What one of a plan makes wait or turns away. */
struct limited {
    size_t waiting, away;
    int64_t longest_ns;
};

static struct limited count_limited(const struct bill_row *rows, size_t count)
{
    struct limited l = {0};
    for (size_t i = 0; i < count; i++) {
        int64_t wait = rows[i].start_ns - rows[i].due_ns;
        l.away += rows[i].fate == SERVE_QUOTA || rows[i].fate == SERVE_RATE;
        l.waiting += wait > 0;
        l.longest_ns = wait > l.longest_ns ? wait : l.longest_ns;
    }
    return l;
}

/* Since when, how many, and what happens to them, where one has a single one of the plan. */
static bool add_limit(const struct bill *b, size_t plan, struct buffer *out)
{
    const struct plan_bill *p = &b->plans[plan];
    struct bill_row *rows;
    char span[CELL_SIZE];
    size_t count = bill_rows_of(b, plan, 1, &rows), first = bill_rows_first_limited(rows, count);
    struct limited l = count_limited(rows, count);
    bool limited = first < count;
    if (limited) {
        buffer_add_text(out, p->subscriptions > 1 ? "One of " : "");
        add_name(out, p);
        buffer_add_format(out, " keeps up for <b>%s</b>, the first ",
                          format_span((double)(rows[first].due_ns - b->first_ns) / 1e9, span));
        html_add_count(out, first);
        buffer_add_text(out, " requests; then its quota or rate limit is used up: ");
        if (l.waiting > 0) {
            html_add_count(out, l.waiting);
            buffer_add_format(out, " wait, up to %s%s",
                              format_span((double)l.longest_ns / 1e9, span),
                              l.away ? ", and " : ". ");
        }
        if (l.away > 0) {
            html_add_count(out, l.away);
            buffer_add_text(out, " are turned away. ");
        }
        if (p->subscriptions > 1) {
            buffer_add_text(out, "The bill buys ");
            html_add_count(out, p->subscriptions);
            buffer_add_text(out, " of it. ");
        }
    }
    free(rows);
    return limited;
}

void html_answer_runs_out(const struct bill *b, struct buffer *out)
{
    bool some = false;
    if (b->completed == 0)
        return;
    buffer_add_text(out, "<dt>When does it run out?</dt><dd>");
    for (size_t i = 0; i < b->plan_count; i++)
        if (!b->plans[i].without_caps)
            some |= add_limit(b, i, out);
    if (!some)
        buffer_add_text(out, "No quota or rate limit of these plans is reached. ");
    buffer_add_text(out, "</dd>");
}

static void add_split(const struct bill_split *e, const struct bill *b, struct buffer *out)
{
    buffer_add_text(out, b->split_below < e->total ? "Best split found: " : "Best split: ");
    html_add_count(out, e->to_flat);
    buffer_add_text(out, " requests to ");
    add_name(out, &b->plans[e->flat_plan]);
    if (e->subscriptions > 1)
        buffer_add_format(out, " (%llu of it)", (unsigned long long)e->subscriptions);
    buffer_add_text(out, " as its limits allow, the other ");
    html_add_count(out, e->to_token);
    buffer_add_text(out, " to ");
    add_name(out, &b->plans[e->token_plan]);
    buffer_add_text(out, ": ");
    html_add_usd(out, e->total, 4);
    if (b->ranking_count > 0) {
        buffer_add_text(out, ", <b>");
        html_add_usd(out, b->best_split_saved, 4);
        buffer_add_text(out, " less</b> than ");
        add_name(out, &b->plans[b->ranking[0]]);
        buffer_add_text(out, " alone");
    }
    buffer_add_text(out, ". ");
}

static void add_wasted(const struct plan_bill *p, struct buffer *out)
{
    money wasted = bill_wasted(&p->waste);
    if (wasted == 0 || p->sums.total == 0) {
        buffer_add_text(out, "Nothing was wasted on retries, failed or cut requests under ");
        add_name(out, p);
        buffer_add_text(out, ". ");
    } else {
        buffer_add_text(out, "Waste: ");
        html_add_usd(out, wasted, 6);
        buffer_add_format(out, " (%.1f %%) of the charges of ",
                          100 * money_to_double(wasted) / money_to_double(p->sums.total));
        add_name(out, p);
        buffer_add_format(out, " went to retries, failed%s and cut requests; a good request cost ",
                          p->waste.has_slo ? ", late" : "");
        html_add_usd(out, p->waste.usage_per_good, 6);
        buffer_add_text(out, ". ");
    }
    if (p->waste.has_cache && p->waste.cache_misses > 0) {
        buffer_add_text(out, "Prompts repeat: an infinite prefix cache would have saved ");
        html_add_usd(out, p->waste.cache_misses, 4);
        buffer_add_text(out, ". ");
    }
}

void html_answer_savings(const struct bill *b, struct buffer *out)
{
    const struct plan_bill *token = NULL;
    if (b->completed == 0)
        return;
    for (size_t i = 0; i < b->ranking_count && !token; i++)
        if (!b->plans[b->ranking[i]].flat)
            token = &b->plans[b->ranking[i]];
    buffer_add_text(out, "<dt>What would save money?</dt><dd>");
    if (b->best_split && b->split_undecided)
        buffer_add_text(out, "Whether a split saves anything is not decided. ");
    else if (bill_split_saves(b))
        add_split(b->best_split, b, out);
    else
        buffer_add_format(out,
                          "No split between a flat plan and a plan by the token%s saves "
                          "anything. ",
                          bill_split_may_save(b) ? " that was found" : "");
    if (bill_split_may_save(b)) {
        buffer_add_text(out, "No split of them can be below ");
        html_add_usd(out, b->split_below, 4);
        buffer_add_text(out, ". ");
    }
    if (token)
        add_wasted(token, out);
    buffer_add_text(out, "</dd>");
}

void html_add_waste(const struct bill *b, struct buffer *out)
{
    bool some = false;
    for (size_t i = 0; i < b->plan_count; i++)
        some |= bill_wasted(&b->plans[i].waste) != 0;
    if (!some)
        return;
    buffer_add_text(out, "<h3>Waste</h3>" HTML_TABLE "<thead><tr><th>plan<th>retries"
                         "<th>failed<th>cut<th>late<th>good requests<th>per good request</tr>"
                         "</thead><tbody>");
    for (size_t i = 0; i < b->plan_count; i++) {
        const struct bill_waste *w = &b->plans[i].waste;
        if (bill_wasted(w) == 0)
            continue;
        buffer_add_text(out, "<tr><th>");
        add_name(out, &b->plans[i]);
        buffer_add_text(out, "</th>");
        html_add_money(out, w->retries);
        html_add_money(out, w->failed);
        html_add_money(out, w->aborted);
        html_add_money(out, w->slo_missed);
        html_add_count_cell(out, w->good_requests);
        html_add_money(out, w->usage_per_good);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
}

static void add_statistic(bool known, double usd, struct buffer *out)
{
    if (known && isfinite(usd))
        html_add_money_cell(out, cost_money(usd), 5);
    else
        buffer_add_text(out, "<td>–</td>");
}

/* The mean of all that is paid; a flat price has no distribution. */
static void add_prices(const struct plan_bill *p, struct buffer *out)
{
    bool varies = plan_bill_varies(p);
    double cv = varies ? p->stats.cv : p->total > 0 ? 0 : NAN;
    if (p->period_served > 0)
        html_add_money_cell(out, p->per_used_request, 6);
    else
        buffer_add_text(out, "<td>–</td>");
    add_statistic(varies, p->stats.p50, out);
    add_statistic(varies, p->stats.p99, out);
    if (isfinite(cv))
        buffer_add_format(out, "<td data-v=\"%.9g\">%.2f</td>", cv, cv);
    else
        buffer_add_text(out, "<td>–</td>");
}

/* ", counts of gpt-4o" */
static void add_counts(const struct plan_bill *p, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_text(&text, "");
    bill_put_counts(&p->counts, &text);
    html_add_text(out, text.data);
    buffer_free(&text);
}

static void add_plan(const struct plan_bill *p, struct buffer *out)
{
    buffer_add_text(out, "<tr><th>");
    add_name(out, p);
    add_counts(p, out);
    buffer_add_format(out, "</th><td data-v=\"%d\">", p->rank ? p->rank : 999);
    if (p->contested)
        buffer_add_text(out, "≈</td>");
    else if (p->rank)
        buffer_add_format(out, "%d</td>", p->rank);
    else
        buffer_add_text(out, "–</td>");
    html_add_money(out, p->total);
    if (p->subscriptions)
        html_add_count_cell(out, p->subscriptions);
    else
        buffer_add_text(out, "<td data-v=\"0\">–</td>");
    add_prices(p, out);
    html_add_count_cell(out, p->served_requests);
    html_add_count_cell(out, p->rejected);
    buffer_add_text(out, "</tr>");
}

void html_add_bill(const struct bill *b, struct buffer *out)
{
    size_t *shown = mem_alloc((b->plan_count + 1) * sizeof *shown), count = bill_shown(b, shown);
    buffer_add_text(out, "<h3>Bill (mean, p50 and p99 are of a request)</h3>" HTML_TABLE
                         "<thead><tr><th>plan<th>rank<th>total"
                         "<th>count<th>mean<th>p50<th>p99<th>CV<th>served<th>not served"
                         "</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++)
        add_plan(&b->plans[shown[i]], out);
    buffer_add_text(out, HTML_TABLE_END);
    free(shown);
}
