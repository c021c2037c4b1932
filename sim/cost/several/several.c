#include "sim/cost/several/several.h"

#include "core/memory.h"
#include "core/wrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_up(struct several *all, size_t plan)
{
    struct several_plan *p = &all->plans[plan];
    p->serves = true;
    for (size_t i = 0; i < all->count; i++) {
        const struct plan_bill *b = &all->bills[i]->plans[plan];
        p->serves = p->serves && b->rank > 0 && money_add(p->total, b->total, &p->total) == 0;
    }
}

static void rank(struct several *all)
{
    all->ranking = mem_alloc((all->plan_count + 1) * sizeof *all->ranking);
    for (size_t i = 0; i < all->plan_count; i++) {
        if (!all->plans[i].serves)
            continue;
        size_t at = all->ranking_count++;
        for (; at > 0 && all->plans[i].total < all->plans[all->ranking[at - 1]].total; at--)
            all->ranking[at] = all->ranking[at - 1];
        all->ranking[at] = i;
    }
    for (size_t i = 0; i < all->ranking_count; i++)
        all->plans[all->ranking[i]].rank = (int)i + 1;
}

static void add_reported(struct several *all)
{
    all->has_reported = true;
    for (size_t i = 0; i < all->count; i++) {
        const struct bill *b = all->bills[i];
        all->has_reported = all->has_reported && b->reported_requests == b->sample->count &&
                            money_add(all->reported, b->reported, &all->reported) == 0;
    }
}

void several_make(struct several *out, const struct bill *const *bills, size_t count)
{
    *out = (struct several){.bills = bills, .count = count, .plan_count = bills[0]->plan_count};
    out->plans = mem_zero(out->plan_count + 1, sizeof *out->plans);
    for (size_t i = 0; i < out->plan_count; i++)
        add_up(out, i);
    add_reported(out);
    rank(out);
}

void several_free(struct several *all)
{
    free(all->plans);
    free(all->ranking);
    *all = (struct several){0};
}

/* ---- JSON ---- */

static void put_together(const struct several *all, struct json_writer *w)
{
    json_begin_object(w);
    if (all->has_reported)
        json_pair_money(w, "reported_usd", all->reported);
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; i < all->plan_count; i++) {
        const struct several_plan *p = &all->plans[i];
        char name[BILL_NAME_SIZE];
        json_begin_object(w);
        json_pair_string(w, "plan", bill_plan_name(&all->bills[0]->plans[i], name));
        json_pair_known_u64(w, "rank", p->rank, (uint64_t)p->rank);
        json_pair_known_money(w, "total_usd", p->serves, p->total);
        json_end_object(w);
    }
    json_end_array(w);
    json_key(w, "ranking");
    json_begin_array(w);
    for (size_t i = 0; i < all->ranking_count; i++)
        json_put_string(w, all->bills[0]->plans[all->ranking[i]].plan->name);
    json_end_array(w);
    json_end_object(w);
}

void several_write_json(const struct several *all, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_u64(w, "schema_version", 1);
    json_key(w, "bills");
    json_begin_array(w);
    for (size_t i = 0; i < all->count; i++)
        bill_write_json(all->bills[i], w);
    json_end_array(w);
    json_key(w, "together");
    put_together(all, w);
    json_end_object(w);
}

/* ---- text ---- */

#define CELL 13
#define NAME_MOST 34

bool several_serves(const struct several *all, size_t bill, size_t plan)
{
    const struct bill *b = all->bills[bill];
    const struct plan_bill *p = &b->plans[plan];
    return p->period_served == p->period_requests && p->sums.unpriced == 0 && b->completed > 0 &&
           !bill_waits_too_long(p, b);
}

/* A total, marked where the plan does not serve everything. */
static void put_total(const struct several *all, size_t bill, size_t plan, struct buffer *out)
{
    const struct plan_bill *p = &all->bills[bill]->plans[plan];
    char text[MONEY_TEXT_SIZE];
    money_format_column(p->total, 4, text);
    buffer_add_byte(out, ' ');
    wrap_padded(text, CELL - 1, true, out);
    buffer_add_byte(out, several_serves(all, bill, plan) ? ' ' : '*');
}

static void put_sum(const struct several_plan *p, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE];
    money_format_column(p->total, 4, text);
    buffer_add_byte(out, ' ');
    wrap_padded(p->serves ? text : "–", CELL - 1, true, out);
}

static void put_name(const struct several *all, size_t plan, size_t name, struct buffer *out)
{
    char text[BILL_NAME_SIZE];
    bill_plan_name(&all->bills[0]->plans[plan], text);
    if (all->plans[plan].rank)
        buffer_add_format(out, "%2d ", all->plans[plan].rank);
    else
        buffer_add_text(out, all->bills[0]->plans[plan].without_caps ? " ? " : " – ");
    wrap_padded(text, name, false, out);
    if (wrap_columns(text_of(text)) > name)
        buffer_add_format(out, "\n   %*s", (int)name, "");
}

bool several_shows(const struct several *all, size_t plan)
{
    for (size_t i = 0; i < all->count; i++)
        if (!bill_repeats(all->bills[i], plan))
            return true;
    return false;
}

static size_t name_width(const struct several *all)
{
    size_t width = 12;
    for (size_t i = 0; i < all->plan_count; i++) {
        char name[BILL_NAME_SIZE];
        bill_plan_name(&all->bills[0]->plans[i], name);
        size_t columns = wrap_columns(text_of(name));
        if (several_shows(all, i) && columns > width)
            width = columns < NAME_MOST ? columns : NAME_MOST;
    }
    return width;
}

/* Workloads `from` to `to`, and behind the last one the sum. */
static void put_titles(const struct several *all, size_t from, size_t to, size_t name,
                       struct buffer *out)
{
    buffer_add_text(out, "   ");
    wrap_padded("plan, USD", name, false, out);
    for (size_t i = from; i < to; i++) {
        char title[CELL * 4];
        const char *said = all->bills[i]->workload->name;
        if (!said || wrap_columns(text_of(said)) > CELL - 1) {
            snprintf(title, sizeof title, "(%zu)", i + 1);
            said = title;
        }
        buffer_add_byte(out, ' ');
        wrap_padded(said, CELL - 1, true, out);
        buffer_add_byte(out, ' ');
    }
    if (to == all->count)
        buffer_add_format(out, " %*s", CELL - 1, "together");
    buffer_add_byte(out, '\n');
}

static void put_row(const struct several *all, size_t plan, size_t from, size_t to, size_t name,
                    struct buffer *out)
{
    put_name(all, plan, name, out);
    for (size_t i = from; i < to; i++)
        put_total(all, i, plan, out);
    if (to == all->count)
        put_sum(&all->plans[plan], out);
    buffer_add_byte(out, '\n');
}

static void put_rows(const struct several *all, size_t from, size_t to, size_t name,
                     struct buffer *out)
{
    put_titles(all, from, to, name, out);
    for (size_t i = 0; i < all->ranking_count; i++)
        put_row(all, all->ranking[i], from, to, name, out);
    for (size_t i = 0; i < all->plan_count; i++)
        if (!all->plans[i].rank && several_shows(all, i))
            put_row(all, i, from, to, name, out);
    buffer_add_byte(out, '\n');
}

/* "(1) a-long-name · 2,000 requests ...", a line each. */
static void put_workloads(const struct several *all, struct buffer *out)
{
    for (size_t i = 0; i < all->count; i++) {
        const char *name = all->bills[i]->workload->name;
        buffer_add_format(out, "(%zu) %s · ", i + 1, name ? name : "workload");
        bill_put_extent(all->bills[i], out);
        buffer_add_byte(out, '\n');
    }
}

static bool some_unserved(const struct several *all)
{
    for (size_t i = 0; i < all->count; i++)
        for (size_t p = 0; p < all->plan_count; p++)
            if (!several_serves(all, i, p) && several_shows(all, p))
                return true;
    return false;
}

/* True if the printed amounts of a row do not add up to its printed sum. */
static bool is_rounded(const struct several *all)
{
    const money unit = MONEY_USD / 10000;
    for (size_t p = 0; p < all->plan_count; p++) {
        money sum = 0;
        for (size_t i = 0; i < all->count; i++)
            sum += money_round(all->bills[i]->plans[p].total, unit);
        if (all->plans[p].serves && sum != money_round(all->plans[p].total, unit))
            return true;
    }
    return false;
}

void several_put_cheapest(const struct several *all, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE], name[BILL_NAME_SIZE];
    if (all->has_reported) {
        money_format_amount(all->reported, 4, text);
        buffer_add_format(out, "You paid $%s for all of them. ", text);
    }
    if (all->ranking_count == 0) {
        buffer_add_text(out, "No plan serves all of them.");
    } else {
        const struct several_plan *first = &all->plans[all->ranking[0]];
        money_format_amount(first->total, 4, text);
        buffer_add_format(out,
                          "Cheapest for all of them under one plan: %s at $%s together, where each "
                          "buys subscriptions of its own.",
                          bill_plan_name(&all->bills[0]->plans[all->ranking[0]], name), text);
    }
    if (is_rounded(all))
        buffer_add_text(out, " Amounts are rounded; some rows add up to another last digit.");
    if (some_unserved(all))
        buffer_add_text(out, " *: does not serve all of it, or not in time; see its own bill.");
    buffer_add_byte(out, '\n');
}

/* So many workloads from this one on as have room beside each other, and the sum beside the last.
 */
static size_t last_of(const struct several *all, size_t from, size_t room)
{
    size_t left = all->count - from, most = room / (CELL + 1);
    if (left * (CELL + 1) + CELL <= room || left == 1)
        return all->count;
    most = most < left ? most : left - 1;
    return from + (most ? most : 1);
}

void several_write_table(const struct several *all, int width, struct buffer *out)
{
    struct buffer text;
    size_t name = name_width(all);
    buffer_init(&text, BUFFER_UNBOUNDED);
    put_workloads(all, &text);
    wrap_text((struct text){text.data, text.length}, (size_t)width, 4, out);
    buffer_add_byte(out, '\n');
    for (size_t from = 0, to; from < all->count; from = to) {
        to = last_of(all, from, (size_t)width - 3 - name);
        put_rows(all, from, to, name, out);
    }
    buffer_clear(&text);
    several_put_cheapest(all, &text);
    wrap_text((struct text){text.data, text.length}, (size_t)width, 2, out);
    buffer_free(&text);
}
