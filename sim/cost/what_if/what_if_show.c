/* The what-if table as JSON and as a person reads it. */
#include "sim/cost/what_if/what_if.h"

#include "core/wrap.h"

#include <stdio.h>
#include <string.h>

static void put_cell(const struct what_if_cell *c, const struct plan *plan, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "plan", plan->name);
    json_pair_money(w, "usage_usd", c->usage);
    json_pair_money(w, "total_usd", c->total);
    json_pair_u64(w, "subscriptions", c->subscriptions);
    json_pair_u64(w, "served", c->served);
    json_pair_money(w, "by_period_usd", c->by_period);
    json_pair_u64(w, "periods", c->periods);
    json_pair_known_money(w, "saved_usd", c->has_saved, c->saved);
    if (c->counts_of)
        json_pair_string(w, "counts_of", c->counts_of);
    if (c->undecided)
        json_pair_bool(w, "undecided", true);
    json_pair_u64(w, "rejected", c->rejected);
    json_pair_u64(w, "delayed", c->delayed);
    json_pair_u64(w, "truncated", c->truncated);
    json_pair_u64(w, "unpriced", c->unpriced);
    json_pair_string(w, "why", c->why);
    json_end_object(w);
}

static void write_json(const void *what_if, struct json_writer *w)
{
    const struct what_if *table = what_if;
    json_begin_array(w);
    for (size_t i = 0; i < table->case_count; i++) {
        const struct what_if_case *c = &table->cases[i];
        json_begin_object(w);
        json_pair_string(w, "change", c->name);
        json_pair_string(w, "note", c->note);
        json_pair_u64(w, "requests", c->requests);
        json_pair_u64(w, "failed", c->failed);
        json_key(w, "plans");
        json_begin_array(w);
        for (size_t p = 0; p < table->plan_count; p++)
            put_cell(&c->cells[p], table->plans[p], w);
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
}

void what_if_attach(const struct what_if *table, struct bill *bill)
{
    bill->what_if = table;
    bill_attach(bill, "what_if", table, write_json);
}

#define NAME_WIDTH 30

/* A name that is too long has a line of its own: alternatives often differ in their last word. */
static void put_name(const char *name, struct buffer *out)
{
    if (strlen(name) > NAME_WIDTH)
        buffer_add_format(out, "   %s\n   %-*s", name, NAME_WIDTH, "");
    else
        buffer_add_format(out, "   %-*s", NAME_WIDTH, name);
}

void what_if_put_remarks(const struct what_if_case *c, const struct what_if_cell *cell,
                         struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    if (c->failed > 0)
        buffer_add_format(out, ", %s failed", text_group_u64(c->failed, n));
    if (cell->unpriced > 0)
        buffer_add_format(out, ", %s without a price", text_group_u64(cell->unpriced, n));
    if (cell->delayed > 0)
        buffer_add_format(out, ", %s delayed", text_group_u64(cell->delayed, n));
    if (cell->truncated > 0)
        buffer_add_format(out, ", %s truncated", text_group_u64(cell->truncated, n));
    if (cell->counts_of)
        buffer_add_format(out, ", counts of %s", cell->counts_of);
}

static void put_row(const struct what_if_case *c, const struct what_if_cell *cell,
                    struct buffer *out)
{
    char total[MONEY_TEXT_SIZE], saved[MONEY_TEXT_SIZE], n[TEXT_GROUPED_SIZE];
    char served[TEXT_GROUPED_SIZE], all[TEXT_GROUPED_SIZE];
    money_format_column(cell->total, 4, total);
    money_format_column(cell->saved, 4, saved);
    put_name(c->name, out);
    buffer_add_format(out, " %11s", total);
    if (cell->has_saved)
        buffer_add_format(out, " %11s", saved);
    else
        buffer_add_text(out, "           –");
    buffer_add_format(out, " %5s  %s of %s", text_group_u64(cell->subscriptions, n),
                      text_group_u64(cell->served, served), text_group_u64(c->requests, all));
    what_if_put_remarks(c, cell, out);
    buffer_add_byte(out, '\n');
}

/* Why the figures of a plan move or not; changes with the same reason share a sentence. */
static void put_reasons(const struct what_if *t, size_t p, struct buffer *out)
{
    for (size_t i = 1, next; i < t->case_count; i = next) {
        const char *why = t->cases[i].cells[p].why;
        buffer_add_text(out, t->cases[i].name);
        for (next = i + 1; next < t->case_count; next++) {
            if (strcmp(t->cases[next].cells[p].why, why) != 0)
                break;
            buffer_add_format(out, ", %s", t->cases[next].name);
        }
        buffer_add_format(out, ": %s.\n", why);
    }
}

void what_if_put_terms(const struct what_if *t, struct buffer *out)
{
    bool uneven = false, unknown = false, undecided = false;
    for (size_t i = 1; i < t->case_count; i++) {
        const struct what_if_case *c = &t->cases[i];
        uneven = uneven || c->failed != t->cases[0].failed;
        for (size_t p = 0; p < t->plan_count; p++) {
            undecided = undecided || c->cells[p].undecided;
            unknown = unknown || (!c->cells[p].has_saved && !c->cells[p].undecided);
        }
    }
    if (uneven)
        buffer_add_text(out, "Not the same number of requests fail: USD is what the plan charges "
                             "with them failed, saved counts them as answered in the end.\n");
    if (unknown)
        buffer_add_text(out,
                        "Where more or fewer requests go unserved or without a price than as it "
                        "is, nothing is called saved (–)."
                        "\n");
    if (undecided)
        buffer_add_format(out,
                          "Where %d %% fewer or more tokens than another model counted turn a "
                          "saving into a loss, nothing is called saved (–); --tokens-as says how "
                          "many they are.\n",
                          TOKEN_DOUBT_PERCENT);
}

/* What each change did to the workload, and what is compared. */
static void put_changes(const struct what_if *t, struct buffer *out)
{
    for (size_t i = 1; i < t->case_count; i++) {
        const struct what_if_case *c = &t->cases[i];
        if (c->note[0])
            buffer_add_format(out, "What if %s · %s.\n", c->name, c->note);
    }
    what_if_put_terms(t, out);
}

static void put_wrapped(struct buffer *text, int width, struct buffer *out)
{
    wrap_text((struct text){text->data, text->length}, (size_t)width, 2, out);
    buffer_clear(text);
}

void what_if_write_table(const struct what_if *table, int width, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_byte(out, '\n');
    put_changes(table, &text);
    put_wrapped(&text, width, out);
    for (size_t p = 0; p < table->plan_count; p++) {
        buffer_add_format(out, "\n   %-*.*s %11s %11s %5s  %s\n", NAME_WIDTH, NAME_WIDTH,
                          table->plans[p]->name, "USD", "saved", "count", "served");
        for (size_t i = 0; i < table->case_count; i++)
            put_row(&table->cases[i], &table->cases[i].cells[p], out);
        put_reasons(table, p, &text);
        put_wrapped(&text, width, out);
    }
    buffer_free(&text);
}
