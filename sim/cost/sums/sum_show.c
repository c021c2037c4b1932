/* A bill of sums as JSON and as a person reads it. */
#include "sim/cost/sums/sum_bill.h"

#include "core/wrap.h"
#include "sim/cost/book/plan_words.h"
#include "sim/cost/book/price.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 24
#define DAY_NS (INT64_C(86400) * NS_PER_S)

static const struct {
    const char *name, *words;
} reasons[SUM_REASONS] = {
    {"tiers", "its price depends on how long each request is"},
    {"hours", "its price depends on the hour, and a row spans several"},
    {"count", "it has a price by the request, and the rows do not say how many they are"},
    {"rounding", "it rounds each request's charge"},
    {"minimum", "each request costs a minimum"},
    {"units", "it bills units in steps or from a minimum on"},
    {"input_cap", "some requests may be longer than it takes"},
    {"output_cap", "some answers may be longer than it gives"},
    {"quota", "what its quota takes depends on when each request came"},
    {"limit", "its limits may ask for more of it, make requests wait or turn them away"},
    {"periods", "the first or the last period that is paid depends on when requests came"},
    {"fees", "its credit, discount or minimum depends on when each request came"},
};

/* ---- JSON ---- */

static void put_workload(const struct sum_bill *b, struct json_writer *w)
{
    json_key(w, "workload");
    json_begin_object(w);
    json_pair_string(w, "name", b->workload->name);
    json_pair_u64(w, "rows", b->workload->count);
    json_pair_known_u64(w, "requests", b->requests_known, b->requests);
    json_pair_u64(w, "input_tokens", b->input_tokens);
    json_pair_u64(w, "output_tokens", b->output_tokens);
    json_pair_statistic(w, "duration_s", (double)(b->end_ns - b->begin_ns) * 1e-9);
    if (b->has_reported)
        json_pair_money(w, "reported_usd", b->reported);
    json_pair_instant(w, "start", b->has_start ? b->start_unix_ns : TIME_NEVER);
    json_end_object(w);
}

static void put_count(struct json_writer *w, const char *key, uint64_t count)
{
    json_pair_known_u64(w, key, count != UINT64_MAX, count);
}

static void put_reasons(const struct sum_plan *p, struct json_writer *w)
{
    json_key(w, "inexact_by");
    json_begin_array(w);
    for (int i = 0; i < SUM_REASONS && !sum_is_exact(p); i++)
        if (p->why >> i & 1)
            json_put_string(w, reasons[i].name);
    json_end_array(w);
    json_key(w, "unpriced_what");
    json_begin_array(w);
    for (int i = 0; i < UNPRICED_NAMES; i++)
        if (p->unpriced_what >> i & 1)
            json_put_string(w, unpriced_name(i));
    json_end_array(w);
}

static void put_plan(const struct sum_bill *b, const struct sum_plan *p, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "plan", p->plan->name);
    json_pair_known_u64(w, "rank", p->rank, (uint64_t)p->rank);
    json_pair_bool(w, "exact", sum_is_exact(p));
    json_pair_known_money(w, "total_usd", sum_is_exact(p), p->total.least);
    json_pair_money(w, "least_usd", p->total.least);
    json_pair_known_money(w, "most_usd", !p->total.open, p->total.most);
    json_pair_money(w, "least_usage_usd", p->usage.least);
    json_pair_known_money(w, "most_usage_usd", !p->usage.open, p->usage.most);
    json_pair_bool(w, "serves_all", p->serves);
    json_pair_bool(w, "limits_checked", !p->limits_unchecked);
    json_pair_u64(w, "rows_unserved", p->rows_unserved);
    put_count(w, "least_subscriptions", p->subscriptions_least);
    put_count(w, "most_subscriptions", p->subscriptions_most);
    plan_put_remarks_json(p->plan, b->workload, w);
    put_reasons(p, w);
    json_end_object(w);
}

void sum_bill_write_json(const struct sum_bill *b, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_u64(w, "schema_version", 1);
    put_workload(b, w);
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; i < b->plan_count; i++)
        put_plan(b, &b->plans[i], w);
    json_end_array(w);
    json_key(w, "ranking");
    json_begin_array(w);
    for (size_t i = 0; i < b->ranking_count; i++)
        json_put_string(w, b->plans[b->ranking[i]].plan->name);
    json_end_array(w);
    json_end_object(w);
}

/* ---- text ---- */

static void put_head(const struct sum_bill *b, int width, struct buffer *screen)
{
    struct buffer words, *out = &words;
    buffer_init(out, BUFFER_UNBOUNDED);
    char n[TEXT_GROUPED_SIZE], rows[TEXT_GROUPED_SIZE], in[TEXT_GROUPED_SIZE],
        made[TEXT_GROUPED_SIZE];
    buffer_add_format(out, "%s · %s rows of a usage report · ",
                      b->workload->name ? b->workload->name : "workload",
                      text_group_u64(b->workload->count, rows));
    if (b->requests_known)
        buffer_add_format(out, "%s requests", text_group_u64(b->requests, n));
    else
        buffer_add_text(out, "requests not counted");
    buffer_add_format(out, " in %s days · %s tokens in, %s out",
                      TEXT_SHORT((double)(b->end_ns - b->begin_ns) / (double)DAY_NS, 4),
                      text_group_u64(b->input_tokens, in), text_group_u64(b->output_tokens, made));
    if (b->has_start) {
        char text[CLOCK_INSTANT_SIZE];
        clock_format_instant(b->start_unix_ns, text);
        buffer_add_format(out, " · start %.10s %.5s UTC", text, text + 11);
    }
    buffer_add_byte(out, '\n');
    if (b->has_reported) {
        char amount[MONEY_TEXT_SIZE];
        money_format_amount(b->reported, 4, amount);
        buffer_add_format(out, "You paid $%s, as the report says; these would have charged:\n",
                          amount);
    }
    wrap_text((struct text){words.data, words.length}, (size_t)width, 2, screen);
    buffer_free(&words);
    buffer_add_byte(screen, '\n');
}

static void put_cell(struct buffer *out, bool known, money amount)
{
    char text[MONEY_TEXT_SIZE];
    money_format_column(amount, 4, text);
    buffer_add_byte(out, ' ');
    wrap_padded(known ? text : "–", 14, true, out);
}

static void put_fate(const struct sum_bill *b, const struct sum_plan *p, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], all[TEXT_GROUPED_SIZE];
    if (p->rows_unserved > 0)
        buffer_add_format(out, "  not %s of %s rows", text_group_u64(p->rows_unserved, n),
                          text_group_u64(b->workload->count, all));
    else
        buffer_add_text(out, p->serves ? "  all" : "  maybe not all");
    const char *comma = ", without a price for ";
    for (int i = 0; i < UNPRICED_NAMES; i++)
        if (p->unpriced_what >> i & 1) {
            buffer_add_format(out, "%s%s", comma, unpriced_name(i));
            comma = ", ";
        }
    buffer_add_text(out, "\n");
}

static void put_row(const struct sum_bill *b, const struct sum_plan *p, struct buffer *out)
{
    if (p->rank)
        buffer_add_format(out, "%2d ", p->rank);
    else
        buffer_add_text(out, " – ");
    wrap_padded(p->plan->name, NAME_WIDTH, false, out);
    if (wrap_columns(text_of(p->plan->name)) > NAME_WIDTH) /* has a line of its own */
        buffer_add_format(out, "\n   %*s", NAME_WIDTH, "");
    put_cell(out, sum_is_exact(p), p->total.least);
    put_cell(out, !sum_is_exact(p), p->total.least);
    put_cell(out, !sum_is_exact(p) && !p->total.open, p->total.most);
    put_fate(b, p, out);
}

static void put_why(const struct sum_plan *p, struct buffer *out)
{
    const char *comma = ": ";
    if (p->limits_unchecked)
        buffer_add_format(out,
                          "%s: whether its limits make requests wait is not known, as the rows do "
                          "not say when each came.\n",
                          p->plan->name);
    if (sum_is_exact(p))
        return;
    buffer_add_format(out, "%s has no one figure", p->plan->name);
    for (int i = 0; i < SUM_REASONS; i++)
        if (p->why >> i & 1) {
            buffer_add_format(out, "%s%s", comma, reasons[i].words);
            comma = "; ";
        }
    buffer_add_text(out, ".\n");
}

/* Plans that may turn out cheaper than the cheapest with one figure. */
static void put_cheapest(const struct sum_bill *b, struct buffer *out)
{
    char amount[MONEY_TEXT_SIZE];
    if (b->ranking_count == 0) {
        buffer_add_text(out, "No plan has one figure and serves all of it for certain.\n");
        return;
    }
    const struct sum_plan *first = &b->plans[b->ranking[0]];
    money_format_amount(first->total.least, 4, amount);
    buffer_add_format(out, "Cheapest of those with one figure: %s at $%s", first->plan->name,
                      amount);
    const char *comma = "; depending on the single requests cheaper: ";
    for (size_t i = 0; i < b->plan_count; i++) {
        const struct sum_plan *p = &b->plans[i];
        if (sum_is_exact(p) || p->rows_unserved > 0 || p->unpriced_what ||
            p->total.least >= first->total.least)
            continue;
        buffer_add_format(out, "%s%s", comma, p->plan->name);
        comma = ", ";
    }
    buffer_add_text(out, ".\n");
}

void sum_bill_write_table(const struct sum_bill *b, int width, struct buffer *out)
{
    struct buffer sentences;
    put_head(b, width, out);
    buffer_add_format(out, "   %-*s %14s %14s %14s  %s\n", NAME_WIDTH, "plan, USD", "this once",
                      "or at least", "at most", "served");
    for (size_t i = 0; i < b->ranking_count; i++)
        put_row(b, &b->plans[b->ranking[i]], out);
    for (size_t i = 0; i < b->plan_count; i++)
        if (!b->plans[i].rank)
            put_row(b, &b->plans[i], out);
    buffer_add_text(out, "\n");
    buffer_init(&sentences, BUFFER_UNBOUNDED);
    put_cheapest(b, &sentences);
    for (size_t i = 0; i < b->plan_count; i++)
        put_why(&b->plans[i], &sentences);
    for (size_t i = 0; i < b->plan_count; i++)
        plan_put_remarks(b->plans[i].plan, b->workload, &sentences);
    wrap_text((struct text){sentences.data, sentences.length}, (size_t)width, 2, out);
    buffer_free(&sentences);
}
