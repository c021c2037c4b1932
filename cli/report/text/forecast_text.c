#include "cli/report/text/forecast_text.h"

#include "core/screen/table.h"
#include "core/wrap.h"
#include "sim/cost/bill/bill_stats.h"
#include "sim/cost/bill/bill_tokens_show.h"
#include "sim/cost/bill/bought.h"
#include "sim/cost/book/price.h"

#include <inttypes.h>
#include <stdio.h>

#define WORTH_CHANGING 0.005 /* of the bill: less is no reason to change plans */

/* "17 minutes", "9.5 seconds": a sample may be of any length. */
static void put_span(double days, struct buffer *out)
{
    double seconds = days * 86400;
    if (days >= 1)
        buffer_add_format(out, "%.0f day%s", days, days > 1 ? "s" : "");
    else if (seconds >= 7200)
        buffer_add_format(out, "%s hours", TEXT_SHORT(seconds / 3600, 3));
    else if (seconds >= 120)
        buffer_add_format(out, "%s minutes", TEXT_SHORT(seconds / 60, 3));
    else
        buffer_add_format(out, "%s seconds", TEXT_SHORT(seconds, 3));
}

static void put_head(const struct forecast *f, struct buffer *out)
{
    char begin[FORECAST_DATE_SIZE], end[FORECAST_DATE_SIZE];
    buffer_add_format(out, "%s · %u month%s of 30 days, %s to %s, from %zu requests in ",
                      f->workload->name ? f->workload->name : "workload", f->options.months,
                      f->options.months == 1 ? "" : "s", forecast_date(f, 0, begin),
                      forecast_date(f, f->days - 1, end), f->workload->count);
    put_span(f->span_days, out);
    buffer_add_byte(out, '\n');
    if (f->left_out > 0)
        buffer_add_format(
            out, "%" PRIu64 " requests on the last day, which is not whole, are left out\n",
            f->left_out);
    if (f->model_days > 1)
        buffer_add_format(out, "Level from %zu days of the %s, %s", f->model_days,
                          f->options.history ? "demand history" : "sample",
                          f->weekly ? "weekly season" : "every day alike");
    else
        buffer_add_text(out, "Level from the sample as a whole, every day alike");
    if (f->has_trend)
        buffer_add_format(out, ", trend %+.1f %% a month", text_shown(f->trend_percent, 1));
    if (f->noise > 0)
        buffer_add_format(out, "; a day varies by %.0f %%", 100 * f->noise);
    buffer_add_byte(out, '\n');
}

const char *forecast_usd(double usd, char out[MONEY_TEXT_SIZE])
{
    money_format_amount(cost_money(usd), 2, out);
    return out;
}

static double share_lost(const struct forecast *f, const struct forecast_plan *p)
{
    double all = f->workload->count ? (double)f->workload->count : 1;
    return 1 - (1 - (double)p->rejected / all) * (1 - p->unserved_share);
}

/* What stands behind a row: "2.1 of it on average, 3.0 % wait". */
static void put_remarks(const struct forecast_plan *p, struct buffer *out)
{
    if (p->subscriptions >= 1.05 && plan_is_bought_in_numbers(p->plan, 0))
        buffer_add_format(out, ", %.1f of it on average", p->subscriptions);
    if (p->delayed_share > 0)
        buffer_add_format(out, ", %.1f %% wait", 100 * p->delayed_share);
    bill_put_counts(&p->counts, out);
    if (p->counts.scale) {
        char text[TOKEN_SCALE_TEXT_SIZE];
        buffer_add_format(out, ", tokens %s", token_scale_text(p->counts.scale, text));
    }
}

static void put_row(const struct forecast *f, const struct forecast_plan *p, struct table *t)
{
    char date[FORECAST_DATE_SIZE], usd[MONEY_TEXT_SIZE], share[32];
    double lost = share_lost(f, p);
    table_cell(t, p->plan->name);
    table_cell(t, forecast_usd(p->bill.mean, usd));
    table_cell(t, forecast_usd(p->bill.p5, usd));
    table_cell(t, forecast_usd(p->bill.p95, usd));
    if (f->options.has_budget) {
        snprintf(share, sizeof share, "%.1f %%", 100 * p->over_budget);
        table_cell(t, share);
        table_cell(t, forecast_date(f, p->budget.p50, date));
    }
    table_cell(t, forecast_has_allowance(p->plan) ? forecast_date(f, p->quota.p50, date) : "");
    snprintf(share, sizeof share, "%.1f %%", 100 * (1 - lost));
    table_cell(t, lost > 0 ? share : "all");
}

/* Below the table, by name: it has no room for them. */
static void put_all_remarks(const struct forecast *f, const struct forecast_result *r, int width,
                            struct buffer *out)
{
    for (size_t i = 0; i < f->plan_count; i++) {
        struct buffer line;
        buffer_init(&line, BUFFER_UNBOUNDED);
        put_remarks(&r->plans[i], &line);
        if (line.length > 2) {
            struct buffer whole;
            buffer_init(&whole, BUFFER_UNBOUNDED);
            buffer_add_format(&whole, "  %s: %s\n", r->plans[i].plan->name, line.data + 2);
            wrap_text((struct text){whole.data, whole.length}, (size_t)width, 4, out);
            buffer_free(&whole);
        }
        buffer_free(&line);
    }
}

static void put_rows(const struct forecast *f, const struct forecast_result *r, int width,
                     struct buffer *out)
{
    static const struct table_column with[] = {
        {.head = "plan, USD", .left = true, .indent = 2},
        {.head = "expected"},
        {.head = "5 %"},
        {.head = "95 %"},
        {.head = "P(over)"},
        {.head = "over on", .left = true},
        {.head = "quota out", .left = true, .optional = true},
        {.head = "served"}};
    static const struct table_column without[] = {
        {.head = "plan, USD", .left = true, .indent = 2},
        {.head = "expected"},
        {.head = "5 %"},
        {.head = "95 %"},
        {.head = "quota out", .left = true, .optional = true},
        {.head = "served"}};
    struct table *t = f->options.has_budget ? table_create(with, COUNT_OF(with))
                                            : table_create(without, COUNT_OF(without));
    for (size_t i = 0; i < f->plan_count; i++)
        put_row(f, &r->plans[i], t);
    table_end(t, width, out);
    put_all_remarks(f, r, width, out);
}

static void put_advice(const struct forecast *f, const struct forecast_result *r,
                       struct buffer *out)
{
    char usd[MONEY_TEXT_SIZE];
    if (r->cheapest == FORECAST_NEVER) {
        buffer_add_text(out, "  No plan serves everything.\n");
        return;
    }
    if (r->undecided) {
        buffer_add_format(out,
                          "  No plan is named cheapest: %d %% fewer or more tokens than another "
                          "model counted\n  turn the order round (--tokens-as says how many)\n",
                          TOKEN_DOUBT_PERCENT);
        return;
    }
    buffer_add_format(out, "  Cheapest that serves everything: %s, $%s expected\n",
                      forecast_plan_name(r, r->cheapest),
                      forecast_usd(r->plans[r->cheapest].bill.mean, usd));
    bool changes = false;
    for (size_t k = 0; k < f->options.months; k++)
        changes = changes || r->schedule[k] != r->cheapest;
    if (!changes || r->schedule_usd > (1 - WORTH_CHANGING) * r->plans[r->cheapest].bill.mean)
        return;
    buffer_add_text(out, "  Month by month:");
    for (size_t k = 0; k < f->options.months; k++)
        if (k == 0 || r->schedule[k] != r->schedule[k - 1])
            buffer_add_format(
                out, "%s %s from month %zu", k ? "," : "",
                r->schedule[k] == FORECAST_NEVER ? "none" : forecast_plan_name(r, r->schedule[k]),
                k + 1);
    buffer_add_format(out, "; $%s expected\n", forecast_usd(r->schedule_usd, usd));
}

static void put_commitments(const struct forecast *f, const struct forecast_result *r, int width,
                            struct buffer *out)
{
    struct buffer lines;
    if (!f->options.commits)
        return;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    forecast_commit_lines(f, r, &lines);
    buffer_add_text(out, "  What to commit to\n");
    wrap_text((struct text){lines.data, lines.length}, (size_t)width, 2, out);
    buffer_free(&lines);
}

static void put_scenario(const struct forecast *f, const struct forecast_result *r, int width,
                         struct buffer *out)
{
    buffer_add_format(out,
                      "\nScenario %s: %+.1f %% a month%s · %.0f requests (90 %%: %.0f to %.0f)\n",
                      r->scenario.name, text_shown(r->percent, 1),
                      r->scenario.assumed ? ""
                      : f->has_trend      ? ", the trend goes on"
                                          : "",
                      r->requests.mean, r->requests.p5, r->requests.p95);
    put_rows(f, r, width, out);
    put_advice(f, r, out);
    put_commitments(f, r, width, out);
}

static void put_note(const char *text, int width, struct buffer *out)
{
    wrap_text(text_of(text), (size_t)width, 2, out);
    buffer_add_byte(out, '\n');
}

static void put_notes(const struct forecast *f, int width, struct buffer *out)
{
    struct buffer line;
    bool limits = false;
    buffer_init(&line, BUFFER_UNBOUNDED);
    for (size_t p = 0; p < f->plan_count; p++)
        limits = limits || f->results[0].plans[p].short_limits;
    buffer_add_byte(out, '\n');
    if (f->split.present) {
        char from[MONEY_TEXT_SIZE], saved[MONEY_TEXT_SIZE];
        money_format_amount(f->split.least_moved, 6, from);
        money_format_amount(f->split.saved, 2, saved);
        buffer_add_format(
            &line,
            "Best split: %.0f %% of the requests, those from about $%s on, to %s, the "
            "rest to %s: saves $%s on the sample, %.1f %% of %s alone.",
            100 * f->split.to_flat_share, from, f->split.flat->name, f->split.token->name, saved,
            100 * f->split.saved_share, f->split.token->name);
        put_note(line.data, width, out);
        buffer_clear(&line);
    }
    if (f->options.assume_stationary && f->sample_days < 7 && !f->options.history)
        put_note("Every hour is assumed to be like those of the sample (--assume-stationary): "
                 "season and trend are not in the band.",
                 width, out);
    for (size_t p = 0; p < f->plan_count; p++)
        for (int i = 0; i < FORECAST_TERMS; i++)
            if (f->results[0].plans[p].terms >> i & 1) {
                buffer_clear(&line);
                buffer_add_format(&line, "%s: %s; farebox bill counts them exactly.",
                                  f->results[0].plans[p].plan->name,
                                  forecast_term_words((enum forecast_term)i));
                put_note(line.data, width, out);
            }
    for (size_t p = 0; p < f->plan_count; p++) {
        const struct forecast_plan *plan = &f->results[0].plans[p];
        if (!price_is_by_token(plan->plan) || plan->counts.unnamed == 0)
            continue;
        bill_put_unnamed(plan->counts.unnamed, f->workload->count, &line);
        line.length--;
        line.data[line.length] = '\0';
        put_note(line.data, width, out);
        buffer_clear(&line);
        break;
    }
    if (limits)
        put_note("Rate limits below a day and concurrency are not looked at; farebox bill does.",
                 width, out);
    buffer_free(&line);
}

void forecast_write_text(const struct forecast *f, int width, struct buffer *out)
{
    put_head(f, out);
    for (size_t i = 0; i < f->options.scenario_count; i++)
        put_scenario(f, &f->results[i], width, out);
    put_notes(f, width, out);
}
