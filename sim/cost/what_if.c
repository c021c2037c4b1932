#include "sim/cost/what_if.h"

#include "core/memory.h"
#include "sim/cost/bill_parts.h"
#include "workloads/transform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const cache_changes[] = {"cache=none", "cache=infinite",
                                            "cache=ttl:300s,min:1024,step:128"};

static void add_note(void *context, const char *text)
{
    struct buffer *note = context;
    buffer_add_format(note, "%s%s", note->length ? "; " : "", text);
}

/* Bills the workload and takes down one case of the table. */
static int add_case(struct what_if *t, const char *name, const char *note, const struct workload *w,
                    const struct bill_options *options, struct error *err)
{
    struct bill bill;
    int code = bill_make(&bill, w, t->plans, t->plan_count, options, err);
    if (code < 0)
        return code;
    t->cases = mem_resize(t->cases, t->case_count + 1, sizeof *t->cases);
    struct what_if_case *c = &t->cases[t->case_count++];
    *c = (struct what_if_case){.name = mem_copy_string(name),
                               .note = mem_copy_string(note),
                               .requests = w->count,
                               .cells = mem_zero(t->plan_count + 1, sizeof *c->cells)};
    for (size_t i = 0; i < t->plan_count; i++) {
        const struct plan_bill *p = &bill.plans[i];
        c->cells[i] = (struct what_if_cell){
            .usage = p->sums.total,
            .total = p->total,
            .saved = t->cases[0].cells[i].total - p->total,
            .subscriptions = p->subscriptions,
            .served = p->served_requests,
            .rejected = p->rejected,
            .delayed = p->served.delayed,
            .truncated = p->served.truncated,
        };
        if (t->case_count == 1)
            c->cells[i].saved = 0;
    }
    bill_free(&bill);
    return 0;
}

static int add_changed(struct what_if *t, const char *name, const struct workload *w,
                       const char *const *changes, size_t count, const struct bill_options *options,
                       uint64_t seed, struct error *err)
{
    struct workload changed;
    struct buffer note;
    int code = bill_copy_workload(w, &changed, err);
    if (code < 0)
        return code;
    buffer_init(&note, BUFFER_UNBOUNDED);
    buffer_add_text(&note, "");
    code = transform_apply_all(changes, count, seed, &changed, add_note, &note, err);
    if (code == 0)
        code = add_case(t, name, note.data, &changed, options, err);
    buffer_free(&note);
    workload_free(&changed);
    return code;
}

int what_if_make(struct what_if *out, const struct workload *w, const struct plan *const *plans,
                 size_t plan_count, const char *const *changes, size_t change_count,
                 const struct bill_options *options, uint64_t seed, struct error *err)
{
    struct bill_options plain = *options;
    const char **together = mem_alloc((change_count + 1) * sizeof *together);
    size_t count = 0;
    plain.by = NULL;
    plain.both_caps = false;
    plain.earlier = NULL; /* a transformed workload has other rows */
    *out = (struct what_if){.plans = plans, .plan_count = plan_count};
    int code = add_case(out, "as it is", "", w, &plain, err);
    for (size_t i = 0; i < change_count && code == 0; i++) {
        if (strcmp(changes[i], "cache") != 0) {
            together[count++] = changes[i];
            code = add_changed(out, changes[i], w, &changes[i], 1, &plain, seed, err);
            continue;
        }
        for (size_t c = 0; c < sizeof cache_changes / sizeof cache_changes[0] && code == 0; c++)
            code = add_changed(out, cache_changes[c], w, &cache_changes[c], 1, &plain, seed, err);
    }
    if (code == 0 && count > 1)
        code = add_changed(out, "all together", w, together, count, &plain, seed, err);
    free(together);
    if (code < 0)
        what_if_free(out);
    return code;
}

void what_if_free(struct what_if *table)
{
    for (size_t i = 0; i < table->case_count; i++) {
        free(table->cases[i].name);
        free(table->cases[i].note);
        free(table->cases[i].cells);
    }
    free(table->cases);
    *table = (struct what_if){0};
}

static void put_cell(const struct what_if_cell *c, const struct plan *plan, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "plan", plan->name);
    json_pair_money(w, "usage_usd", c->usage);
    json_pair_money(w, "total_usd", c->total);
    json_pair_u64(w, "subscriptions", c->subscriptions);
    json_pair_u64(w, "served", c->served);
    json_pair_money(w, "saved_usd", c->saved);
    json_pair_u64(w, "rejected", c->rejected);
    json_pair_u64(w, "delayed", c->delayed);
    json_pair_u64(w, "truncated", c->truncated);
    json_end_object(w);
}

void what_if_write_json(const struct what_if *table, struct json_writer *w)
{
    json_begin_array(w);
    for (size_t i = 0; i < table->case_count; i++) {
        const struct what_if_case *c = &table->cases[i];
        json_begin_object(w);
        json_pair_string(w, "change", c->name);
        json_pair_string(w, "note", c->note);
        json_pair_u64(w, "requests", c->requests);
        json_key(w, "plans");
        json_begin_array(w);
        for (size_t p = 0; p < table->plan_count; p++)
            put_cell(&c->cells[p], table->plans[p], w);
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_row(const struct what_if_case *c, const struct what_if_cell *cell,
                    struct buffer *out)
{
    char total[MONEY_TEXT_SIZE], saved[MONEY_TEXT_SIZE], served[TEXT_GROUPED_SIZE],
        all[TEXT_GROUPED_SIZE], n[TEXT_GROUPED_SIZE];
    money_format_fixed(cell->total, 4, total);
    money_format_fixed(cell->saved, 4, saved);
    buffer_add_format(out, "   %-30.30s %12s %12s %6s  %s of %s", c->name, total, saved,
                      text_group_u64(cell->subscriptions, n), text_group_u64(cell->served, served),
                      text_group_u64(c->requests, all));
    if (cell->delayed > 0)
        buffer_add_format(out, ", %s delayed", text_group_u64(cell->delayed, n));
    if (cell->truncated > 0)
        buffer_add_format(out, ", %s truncated", text_group_u64(cell->truncated, n));
    buffer_add_byte(out, '\n');
}

void what_if_write_table(const struct what_if *table, struct buffer *out)
{
    for (size_t p = 0; p < table->plan_count; p++) {
        buffer_add_format(out, "\n   %-30.30s %12s %12s %6s  %s\n", table->plans[p]->name, "USD",
                          "saved", "count", "served");
        for (size_t i = 0; i < table->case_count; i++)
            put_row(&table->cases[i], &table->cases[i].cells[p], out);
    }
}
