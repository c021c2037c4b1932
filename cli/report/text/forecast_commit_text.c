/* What to commit to, in sentences. */
#include "cli/report/text/forecast_text.h"

#include "core/text.h"
#include "sim/cost/bill/bill_stats.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void put_horizon(const struct forecast *f, struct buffer *out)
{
    if (f->options.months == 1)
        buffer_add_text(out, "the month");
    else
        buffer_add_format(out, "the %u months", f->options.months);
}

static void put_band(const struct forecast_band *b, struct buffer *out)
{
    char usd[MONEY_TEXT_SIZE];
    buffer_add_format(out, "$%s", forecast_usd(b->mean, usd));
    buffer_add_format(out, " (90 %%: %s", forecast_usd(b->p5, usd));
    buffer_add_format(out, " to %s)", forecast_usd(b->p95, usd));
}

/* How many, and what that costs beside none. */
static void put_choice(const struct forecast *f, const struct forecast_result *r,
                       const struct commitment *c, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    const char *rest = r->plans[c->elsewhere].plan->name;
    if (c->count == 0) {
        buffer_add_format(out, "a commitment does not pay: all of it at %s costs ", rest);
        put_band(&c->without, out);
        buffer_add_text(out, " over ");
        put_horizon(f, out);
        return;
    }
    buffer_add_format(out, "commit to %s: ", text_group_u64(c->count, n));
    put_band(&c->usd, out);
    buffer_add_text(out, " over ");
    put_horizon(f, out);
    if (c->pays_beyond)
        buffer_add_format(out, ", what is beyond at its own price, instead of all at %s for ",
                          rest);
    else
        buffer_add_format(out, ", the rest at %s, instead of ", rest);
    put_band(&c->without, out);
    buffer_add_format(out, "; it costs less in %.0f %% of the futures", 100 * c->saves);
}

/* At which price the first one would be signed. */
static void put_price(const struct forecast *f, const struct commitment *c, struct buffer *out)
{
    char one[MONEY_TEXT_SIZE], worth[MONEY_TEXT_SIZE];
    forecast_usd(c->one_usd, one);
    forecast_usd(fmax(c->worth_usd, 0), worth);
    if (c->worth_usd <= 0 || c->one_usd <= 0) {
        buffer_add_text(out, ". At no price would one pay.");
        return;
    }
    buffer_add_format(out, ". One costs $%s over ", one);
    put_horizon(f, out);
    if (c->worth_usd < c->one_usd)
        buffer_add_format(out,
                          " and would save $%s elsewhere: sign at a discount of %.1f %% or more.",
                          worth, ceil(1000 * commitment_discount(c)) / 10);
    else
        buffer_add_format(out, " and pays up to $%s.", worth);
}

static void put_last(const struct commitment *c, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], usd[MONEY_TEXT_SIZE];
    double more = c->last_usd - c->usd.mean;
    if (!c->has_last)
        return;
    buffer_add_format(out, " The last %zu days alone would have one buy %s", c->last_days,
                      c->last_count ? text_group_u64(c->last_count, n) : "none");
    if (c->last_count == c->count)
        buffer_add_text(out, ", too.");
    else
        buffer_add_format(out, ", which is expected to cost $%s more.",
                          forecast_usd(fmax(more, 0), usd));
}

static void put_end_day(const struct forecast *f, size_t day, struct buffer *out)
{
    char date[FORECAST_DATE_SIZE];
    if (day == FORECAST_NEVER)
        buffer_add_text(out, "later");
    else
        buffer_add_text(out, forecast_date(f, day, date));
}

static bool months_differ(const struct forecast *f, const struct commitment *c)
{
    for (size_t k = 1; k < f->options.months; k++)
        if (c->by_month[k] != c->by_month[0])
            return true;
    return false;
}

/* When it turns, in the expected months and in the futures. */
static void put_turn(const struct forecast *f, const struct commitment *c, struct buffer *out)
{
    bool now = c->by_month[0] > 0;
    char n[TEXT_GROUPED_SIZE], date[FORECAST_DATE_SIZE];
    if (f->options.months == 1) {
        buffer_add_text(out, " When that turns more --months tell.");
        return;
    }
    if (c->turns == FORECAST_NEVER) {
        buffer_add_format(out, " That does not turn%s within these months",
                          months_differ(f, c) ? " for good" : "");
        if (c->turn.probability > 0)
            buffer_add_format(out, " (in %.0f %% of the futures it does)",
                              100 * c->turn.probability);
        buffer_add_byte(out, '.');
        return;
    }
    buffer_add_format(out, " It turns on %s: ", forecast_date(f, c->turns, date));
    if (now)
        buffer_add_text(out, "from that month on none pays");
    else
        buffer_add_format(out, "from that month on %s of it pays",
                          text_group_u64(c->by_month[c->turns / FORECAST_MONTH_DAYS], n));
    buffer_add_format(
        out, " (in %.0f %% of the futures within these months; 90 %%: ", 100 * c->turn.probability);
    put_end_day(f, c->turn.p5, out);
    buffer_add_text(out, " to ");
    put_end_day(f, c->turn.p95, out);
    buffer_add_text(out, ").");
}

static void put_months(const struct forecast *f, const struct commitment *c, struct buffer *out)
{
    if (!months_differ(f, c))
        return;
    buffer_add_text(out, " Month by month:");
    for (size_t k = 0; k < f->options.months; k++)
        buffer_add_format(out, "%s %" PRIu64, k ? "," : "", c->by_month[k]);
    buffer_add_byte(out, '.');
}

void forecast_commit_lines(const struct forecast *f, const struct forecast_result *r,
                           struct buffer *out)
{
    for (size_t i = 0; i < r->commitment_count; i++) {
        const struct commitment *c = &r->commitments[i];
        buffer_add_format(out, "%s: ", r->plans[c->plan].plan->name);
        if (c->why_not) {
            buffer_add_format(out, "no commitment is worked out; %s.\n", c->why_not);
            continue;
        }
        put_choice(f, r, c, out);
        put_price(f, c, out);
        put_last(c, out);
        put_turn(f, c, out);
        put_months(f, c, out);
        buffer_add_byte(out, '\n');
    }
    if (f->split.present && r->commitment_count > 0)
        buffer_add_text(out, "Which requests go elsewhere is not chosen: it is what a day has too "
                             "many of. Choosing them may do better (the best split).\n");
    if (f->options.commits && r->commitment_count == 0)
        buffer_add_text(out, "None of these plans is one to commit to: none is paid by the period "
                             "and bought in numbers.\n");
}

void forecast_put_sentences(const struct forecast *f, const struct forecast_result *r,
                            struct json_writer *w)
{
    struct buffer text;
    if (!f->options.commits)
        return;
    buffer_init(&text, BUFFER_UNBOUNDED);
    forecast_commit_lines(f, r, &text);
    json_pair_lines(w, "commit", (struct text){text.data, text.length});
    buffer_free(&text);
}
