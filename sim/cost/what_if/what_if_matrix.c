/* The what-if table as a matrix, and as a table for a spreadsheet. */
#include "sim/cost/what_if/what_if.h"

#include "core/csv/csv.h"
#include "core/memory.h"
#include "core/wrap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MATRIX_WIDTH 80
#define LABEL_WIDTH 8
#define NAME_WIDTH 23 /* of a plan: two amounts of eleven characters */

/* "as it is", then "a" to "z", "aa", ... */
static const char *label(size_t number, char out[16])
{
    if (number == 0)
        snprintf(out, 16, "as it is");
    else if (number <= 26)
        snprintf(out, 16, "%c", (char)('a' + number - 1));
    else
        snprintf(out, 16, "%c%c", (char)('a' + (number - 27) / 26 % 26),
                 (char)('a' + (number - 27) % 26));
    return out;
}

static void put_wrapped(struct buffer *text, struct buffer *out)
{
    wrap_text((struct text){text->data, text->length}, MATRIX_WIDTH, 3, out);
    buffer_clear(text);
}

/* What stands behind each letter. */
static void put_legend(const struct what_if *t, struct buffer *out)
{
    struct buffer text;
    char name[16];
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_text(out, "\nWhat if\n");
    for (size_t i = 1; i < t->case_count; i++) {
        const struct what_if_case *c = &t->cases[i];
        bool all = c->together; /* the notes of its parts stand above */
        buffer_add_format(&text, "%s  %s", label(i, name), c->name);
        if (c->note[0] && !all)
            buffer_add_format(&text, " · %s", c->note);
        buffer_add_text(&text, all ? ", with one of each other kind of change\n" : "\n");
    }
    put_wrapped(&text, out);
    buffer_free(&text);
}

/* ---- the heads: a plan's name over its two columns ---- */

/* The part up to the last '/', and what follows; either may be cut at its front. */
static void put_name_part(const char *from, size_t length, struct buffer *out)
{
    bool cut = length > NAME_WIDTH;
    if (cut) {
        from += length - NAME_WIDTH + 1;
        length = NAME_WIDTH - 1;
        while (length > 0 && ((unsigned char)*from & 0xc0) == 0x80) { /* not inside a character */
            from++;
            length--;
        }
    }
    size_t columns = cut + wrap_columns((struct text){from, length});
    buffer_add_format(out, " %*s%s%.*s", (int)(NAME_WIDTH - columns), "", cut ? "…" : "",
                      (int)length, from);
}

static void put_heads(const struct what_if *t, size_t from, size_t to, struct buffer *out)
{
    buffer_add_format(out, "\n%-*s", LABEL_WIDTH, "");
    for (size_t p = from; p < to; p++) {
        const char *name = t->plans[p]->name, *slash = strrchr(name, '/');
        put_name_part(name, slash ? (size_t)(slash + 1 - name) : 0, out);
    }
    buffer_add_format(out, "\n%-*s", LABEL_WIDTH, "");
    for (size_t p = from; p < to; p++) {
        const char *name = t->plans[p]->name, *slash = strrchr(name, '/');
        name = slash ? slash + 1 : name;
        put_name_part(name, strlen(name), out);
    }
    buffer_add_format(out, "\n%-*s", LABEL_WIDTH, "");
    for (size_t p = from; p < to; p++)
        buffer_add_format(out, " %11s %11s", "USD", "saved");
    buffer_add_byte(out, '\n');
}

/* ---- the cells ---- */

/* Something is to be said of the cell beside its money. */
static bool is_marked(const struct what_if_case *c, const struct what_if_cell *cell)
{
    return cell->served < c->requests || cell->unpriced > 0 || cell->truncated > 0 ||
           cell->delayed > 0 || cell->counts_of || c->failed > 0;
}

static void put_cell(const struct what_if_case *c, const struct what_if_cell *cell, bool first,
                     struct buffer *out)
{
    char total[MONEY_TEXT_SIZE + 1], saved[MONEY_TEXT_SIZE];
    total[0] = '*';
    money_format_amount(cell->total, 4, total + 1);
    money_format_amount(cell->saved, 4, saved);
    buffer_add_format(out, "%12s", is_marked(c, cell) ? total : total + 1);
    if (first)
        buffer_add_format(out, " %11s", "");
    else if (cell->has_saved)
        buffer_add_format(out, " %11s", saved);
    else
        buffer_add_text(out, "           –");
}

static void put_rows(const struct what_if *t, size_t from, size_t to, struct buffer *out)
{
    for (size_t i = 0; i < t->case_count; i++) {
        char name[16];
        size_t start = out->length;
        buffer_add_format(out, "%-*s", LABEL_WIDTH, label(i, name));
        for (size_t p = from; p < to; p++)
            put_cell(&t->cases[i], &t->cases[i].cells[p], i == 0, out);
        while (out->length > start && out->data[out->length - 1] == ' ')
            out->length--;
        buffer_add_byte(out, '\n');
    }
}

/* ---- what is served ---- */

static void put_remark(const struct what_if_case *c, const struct what_if_cell *cell,
                       struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], all[TEXT_GROUPED_SIZE];
    buffer_add_format(out, "%s of %s served", text_group_u64(cell->served, n),
                      text_group_u64(c->requests, all));
    what_if_put_remarks(c, cell, out);
}

/* Remarks about a plan, changes with the same one together. */
static void put_remarks_of(const struct what_if *t, size_t plan, struct buffer *text)
{
    struct buffer *remarks = mem_zero(t->case_count + 1, sizeof *remarks);
    for (size_t i = 0; i < t->case_count; i++) {
        buffer_init(&remarks[i], BUFFER_UNBOUNDED);
        if (is_marked(&t->cases[i], &t->cases[i].cells[plan]))
            put_remark(&t->cases[i], &t->cases[i].cells[plan], &remarks[i]);
    }
    for (size_t i = 0; i < t->case_count; i++) {
        char name[16];
        if (remarks[i].length == 0)
            continue;
        buffer_add_format(text, "* %s: %s (%s", t->plans[plan]->name, remarks[i].data,
                          label(i, name));
        for (size_t k = i + 1; k < t->case_count; k++)
            if (remarks[k].length && strcmp(remarks[k].data, remarks[i].data) == 0) {
                buffer_add_format(text, ", %s", label(k, name));
                buffer_clear(&remarks[k]);
            }
        buffer_add_text(text, ").\n");
    }
    for (size_t i = 0; i < t->case_count; i++)
        buffer_free(&remarks[i]);
    free(remarks);
}

static void put_remarks(const struct what_if *t, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_text(&text, "Every request is served, whole and when it is due, where no * says "
                           "otherwise; saved is against as it is.\n");
    for (size_t p = 0; p < t->plan_count; p++)
        put_remarks_of(t, p, &text);
    what_if_put_terms(t, &text);
    buffer_add_byte(out, '\n');
    put_wrapped(&text, out);
    buffer_free(&text);
}

void what_if_write_matrix(const struct what_if *t, struct buffer *out)
{
    size_t columns = (MATRIX_WIDTH - LABEL_WIDTH) / (NAME_WIDTH + 1);
    put_legend(t, out);
    for (size_t from = 0; from < t->plan_count; from += columns) {
        size_t to = from + columns < t->plan_count ? from + columns : t->plan_count;
        put_heads(t, from, to, out);
        put_rows(t, from, to, out);
    }
    put_remarks(t, out);
}

/* ---- a table for a spreadsheet ---- */

static void put_money(money value, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE];
    money_format(value, text);
    buffer_add_format(out, ",%s", text);
}

static void put_line(const struct what_if_case *c, const struct what_if_cell *cell,
                     const struct plan *plan, struct buffer *out)
{
    const uint64_t counts[] = {cell->subscriptions, c->requests,    cell->served,
                               c->failed,           cell->rejected, cell->delayed,
                               cell->truncated,     cell->unpriced, cell->input_tokens,
                               cell->output_tokens};
    csv_add_text(out, text_of(c->name));
    buffer_add_byte(out, ',');
    csv_add_text(out, text_of(plan->name));
    put_money(cell->total, out);
    if (cell->has_saved)
        put_money(cell->saved, out);
    else
        buffer_add_byte(out, ',');
    put_money(cell->usage, out);
    put_money(cell->by_period, out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        buffer_add_format(out, ",%" PRIu64, counts[i]);
    buffer_add_byte(out, ',');
    csv_add_text(out, text_of(cell->counts_of ? cell->counts_of : ""));
    buffer_add_byte(out, ',');
    csv_add_text(out, text_of(cell->why));
    buffer_add_byte(out, '\n');
}

void what_if_write_csv(const struct what_if *t, struct buffer *out)
{
    buffer_add_text(out, "change,plan,total_usd,saved_usd,usage_usd,by_period_usd,subscriptions,"
                         "requests,served,failed,rejected,delayed,truncated,unpriced,input_tokens,"
                         "output_tokens,counts_of,why\n");
    for (size_t i = 0; i < t->case_count; i++)
        for (size_t p = 0; p < t->plan_count; p++)
            put_line(&t->cases[i], &t->cases[i].cells[p], t->plans[p], out);
}
