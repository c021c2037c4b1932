/* The head of a bill and its row for each plan, as a person reads them. Columns that a narrow
 * terminal has no room for are left out, names never: one that is too long has a line of its own.
 */
#include "sim/cost/bill/bill_parts.h"
#include "sim/cost/bill/bill_tokens_show.h"

#include "core/memory.h"
#include "core/wrap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LEAST 12

/* What fits the width. */
struct layout {
    int width, name, total;
    bool quantiles, dearest; /* p50 and p99; the dearest over the median */
};

static const char *millions(uint64_t tokens, char out[TEXT_GROUPED_SIZE])
{
    if (tokens < 100000)
        return text_group_u64(tokens, out);
    char plain[TEXT_GROUPED_SIZE];
    snprintf(plain, sizeof plain, "%.2f", (double)tokens * 1e-6);
    text_group(plain, out);
    strncat(out, " M", TEXT_GROUPED_SIZE - 1 - strlen(out));
    return out;
}

void bill_put_extent(const struct bill *b, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], in[TEXT_GROUPED_SIZE], tokens_out[TEXT_GROUPED_SIZE], span[32];
    uint64_t requests = bill_scaled(b, b->workload->count);
    buffer_add_format(out, "%s request%s in %s · %s tokens in, %s out", text_group_u64(requests, n),
                      requests == 1 ? "" : "s",
                      bill_duration(b->period ? b->billed_span_ns : b->span_ns - b->first_ns, span),
                      millions(bill_scaled(b, b->input_tokens), in),
                      millions(bill_scaled(b, b->output_tokens), tokens_out));
    if (b->has_start) {
        char text[CLOCK_INSTANT_SIZE];
        clock_format_instant(b->start_unix_ns, text);
        buffer_add_format(out, " · start %.10s %.5s UTC", text, text + 11);
    }
    if (b->period)
        buffer_add_format(out, " · extrapolated from %s", text_group_u64(b->sample->count, n));
}

void bill_put_origin(const struct bill *b, struct buffer *out)
{
    if (b->generated)
        buffer_add_format(out,
                          "Generated from the scenario %s (seed %llu): nobody has sent these "
                          "requests.\n",
                          b->generated, (unsigned long long)b->generated_seed);
}

/* "1,234 requests", or how many of them say what they cost. */
static void put_paid_for(const struct bill *b, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], all[TEXT_GROUPED_SIZE];
    if (b->reported_requests == b->sample->count)
        buffer_add_format(out, " for %s", b->reported_requests == 1 ? "this request" : "these ");
    else
        buffer_add_format(out, " for %s of the ", text_group_u64(b->reported_requests, n));
    if (b->sample->count != 1)
        buffer_add_format(out, "%s requests", text_group_u64(b->sample->count, all));
}

void bill_put_paid(const struct bill *b, struct buffer *out)
{
    static const char *const spans[] = {"", " for a day", " for a month"};
    char text[MONEY_TEXT_SIZE], n[TEXT_GROUPED_SIZE];
    if (!b->has_reported)
        return;
    money_format_amount(b->reported, 4, text);
    buffer_add_format(out, "You paid $%s", text);
    put_paid_for(b, out);
    if (b->reported_requests < b->sample->count)
        buffer_add_format(out, " (the other %s do not say what they cost); for all of them",
                          text_group_u64(b->sample->count - b->reported_requests, n));
    else
        buffer_add_text(out, ";");
    buffer_add_format(out, " these would %s%s:\n", b->period ? "charge" : "have charged",
                      spans[b->options.period]);
}

void bill_put_head(const struct bill *b, int width, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_format(&text, "%s · ", b->workload->name ? b->workload->name : "workload");
    bill_put_extent(b, &text);
    buffer_add_byte(&text, '\n');
    bill_put_origin(b, &text);
    bill_put_paid(b, &text);
    wrap_text((struct text){text.data, text.length}, (size_t)width, 2, out);
    buffer_free(&text);
    buffer_add_byte(out, '\n');
}

/* Flush right in a column; NAN and what is unknown is a dash. */
static void put_cell(struct buffer *out, const char *text, int width)
{
    buffer_add_byte(out, ' ');
    wrap_padded(text, (size_t)width, true, out);
}

void bill_put_money_cell(struct buffer *out, money value, int width, int decimals)
{
    char text[MONEY_TEXT_SIZE];
    money_format_column(value, decimals, text);
    put_cell(out, text, width);
}

/* A statistic of USD. */
static void put_usd_cell(struct buffer *out, double usd, int width, int decimals)
{
    if (isnan(usd))
        put_cell(out, "–", width);
    else
        bill_put_money_cell(out, cost_money(usd), width, decimals);
}

static void put_reasons(const struct plan_bill *p, struct buffer *out)
{
    static const char *const words[SERVE_FATES] = {
        "",          "",      "model",      "no model named", "input cap",
        "too large", "quota", "rate limit", "no initiator",   "elsewhere"};
    const char *comma = " (";
    for (int i = SERVE_INCLUDED + 1; i < SERVE_FATES; i++) {
        char n[TEXT_GROUPED_SIZE];
        if (p->served.count[i] == 0)
            continue;
        buffer_add_format(out, "%s%s %s", comma, text_group_u64(p->served.count[i], n), words[i]);
        comma = ", ";
    }
    buffer_add_text(out, ")");
}

/* Why a plan is not ranked that has no price for some of what is asked. */
static void put_unpriced(const struct plan_bill *p, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    const char *comma = "";
    if (p->sums.unpriced == 0)
        return;
    buffer_add_format(out, ", %s without a price for ", text_group_u64(p->sums.unpriced, n));
    for (int i = 0; i < UNPRICED_NAMES; i++)
        if (p->sums.unpriced_what >> i & 1) {
            buffer_add_format(out, "%s%s", comma, unpriced_name(i));
            comma = ", ";
        }
}

void bill_put_served(const struct bill *b, const struct plan_bill *p, struct buffer *out)
{
    char served[TEXT_GROUPED_SIZE], all[TEXT_GROUPED_SIZE], n[TEXT_GROUPED_SIZE], span[32];
    if (b->completed == 0) {
        buffer_add_text(out, "nothing");
        return;
    }
    if (p->period_served < p->period_requests && p->period_requests != p->requests) {
        buffer_add_format(out, "%s of %s", text_group_u64(p->period_served, served),
                          text_group_u64(p->period_requests, all));
    } else if (p->rejected > 0) {
        buffer_add_format(out, "%s of %s", text_group_u64(p->served_requests, served),
                          text_group_u64(p->requests, all));
        put_reasons(p, out);
    } else {
        buffer_add_text(out, "all");
    }
    if (p->served.delayed > 0)
        buffer_add_format(out, ", %s queued up to %s%s", text_group_u64(p->served.delayed, n),
                          bill_duration(p->served.delay_max_ns, span),
                          bill_waits_too_long(p, b) ? " (over --max-wait)" : "");
    if (p->served.truncated > 0)
        buffer_add_format(out, ", %s truncated", text_group_u64(p->served.truncated, n));
    put_unpriced(p, out);
    bill_put_counts(&p->counts, out);
}

/* The mean of all that is paid; how it varies where the request decides it. */
static void put_per_request(const struct plan_bill *p, const struct layout *l, struct buffer *out)
{
    bool varies = plan_bill_varies(p);
    if (p->period_served > 0)
        bill_put_money_cell(out, p->per_used_request, 12, 6);
    else
        put_cell(out, "–", 12);
    if (l->quantiles) {
        put_usd_cell(out, varies ? p->stats.p50 : NAN, 9, 5);
        put_usd_cell(out, varies ? p->stats.p99 : NAN, 9, 5);
    }
    if (l->dearest && varies && !isnan(p->stats.max_over_median)) {
        char times[48], grouped[TEXT_GROUPED_SIZE];
        snprintf(times, sizeof times, "%.1f", p->stats.max_over_median);
        buffer_add_format(out, " %7s×", text_group(times, grouped));
    } else if (l->dearest)
        put_cell(out, varies || p->total == 0 ? "–" : "1.0×", 8);
    double cv = varies ? p->stats.cv : p->total > 0 ? 0 : NAN;
    if (isnan(cv))
        put_cell(out, "–", 5);
    else
        buffer_add_format(out, " %5.2f", cv);
}

static int columns_of(const struct layout *l)
{
    return 3 + l->name + 1 + l->total + 6 + 13 + (l->quantiles ? 20 : 0) + (l->dearest ? 9 : 0) + 6;
}

size_t bill_shown(const struct bill *b, size_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < b->ranking_count; i++)
        out[count++] = b->ranking[i];
    for (size_t i = 0; i < b->plan_count; i++)
        if (!b->plans[i].rank && !bill_repeats(b, i))
            out[count++] = i;
    return count;
}

/* As wide as the longest name and the largest total; what the width has no room for goes, the words
 * for the dearest first, for a sentence has them too. */
static struct layout layout_of(const struct bill *b, const size_t *shown, size_t count, int width)
{
    struct layout l = {width, NAME_LEAST, 12, true, true};
    const int served = 2 + 6; /* as its title */
    for (size_t i = 0; i < count; i++) {
        const struct plan_bill *p = &b->plans[shown[i]];
        char name[BILL_NAME_SIZE], total[MONEY_TEXT_SIZE];
        int length = (int)wrap_columns(text_of(bill_plan_name(p, name)));
        l.name = length > l.name ? length : l.name;
        money_format_column(p->total, 4, total);
        l.total = (int)strlen(total) > l.total ? (int)strlen(total) : l.total;
    }
    if (columns_of(&l) + served > width)
        l.dearest = false;
    if (columns_of(&l) + served > width) {
        l.quantiles = false;
        l.dearest = true;
    }
    if (columns_of(&l) + served > width)
        l.name -= columns_of(&l) + served - width;
    l.name = l.name < NAME_LEAST ? NAME_LEAST : l.name;
    return l;
}

static void put_name(const char *name, const struct layout *l, struct buffer *out)
{
    wrap_padded(name, (size_t)l->name, false, out);
    if (wrap_columns(text_of(name)) > (size_t)l->name)
        buffer_add_format(out, "\n   %*s", l->name, "");
}

/* How many subscriptions or units the total buys; nothing where a plan has no number. */
static void put_count(const struct plan_bill *p, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    put_cell(out, p->subscriptions ? text_group_u64(p->subscriptions, n) : "–", 5);
}

/* Behind the figures where there is room, else below them. */
static void put_fate(const struct bill *b, const struct plan_bill *p, const struct layout *l,
                     struct buffer *out)
{
    struct buffer words;
    buffer_init(&words, BUFFER_UNBOUNDED);
    buffer_add_text(&words, "  ");
    bill_put_served(b, p, &words);
    if (columns_of(l) + (int)wrap_columns((struct text){words.data, words.length}) <= l->width) {
        buffer_add(out, words.data, words.length);
    } else {
        buffer_add_text(out, "\n   ");
        wrap_text((struct text){words.data, words.length}, (size_t)l->width - 3, 5, out);
    }
    buffer_add_byte(out, '\n');
    buffer_free(&words);
}

static void put_row(const struct bill *b, const struct plan_bill *p, const struct layout *l,
                    struct buffer *out)
{
    char name[BILL_NAME_SIZE];
    if (p->contested)
        buffer_add_text(out, " ≈ ");
    else if (p->rank)
        buffer_add_format(out, "%2d ", p->rank);
    else
        buffer_add_text(out, p->without_caps ? " ? " : " – ");
    put_name(bill_plan_name(p, name), l, out);
    bill_put_money_cell(out, p->total, l->total, 4);
    put_count(p, out);
    put_per_request(p, l, out);
    put_fate(b, p, l, out);
}

static void put_titles(const struct bill *b, const struct layout *l, struct buffer *out)
{
    static const char *const spans[] = {"this once", "a day", "a month"};
    buffer_add_text(out, "   ");
    wrap_padded("plan, USD", (size_t)l->name, false, out);
    put_cell(out, spans[b->options.period], l->total);
    put_cell(out, "count", 5);
    put_cell(out, "per request", 12);
    if (l->quantiles) {
        put_cell(out, "p50", 9);
        put_cell(out, "p99", 9);
    }
    if (l->dearest)
        put_cell(out, "max/med", 8);
    put_cell(out, "CV", 5);
    buffer_add_text(out, "  served\n");
}

void bill_put_rows(const struct bill *b, int width, struct buffer *out)
{
    size_t *shown = mem_alloc((b->plan_count + 1) * sizeof *shown), count = bill_shown(b, shown);
    struct layout l = layout_of(b, shown, count, width);
    put_titles(b, &l, out);
    for (size_t i = 0; i < count; i++)
        put_row(b, &b->plans[shown[i]], &l, out);
    buffer_add_text(out, "\n");
    free(shown);
}
