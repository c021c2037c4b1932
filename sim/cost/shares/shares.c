#include "sim/cost/shares/shares.h"

#include "core/memory.h"
#include "sim/cost/shares/ledger.h"
#include "sim/cost/shares/remainder.h"

#include <stdlib.h>
#include <string.h>

#define DAY_NS (86400 * NS_PER_S)

/* One plan's groups while they are made: the values, then what has none, then what is unused. */
struct division {
    const struct bill *bill;
    struct plan_bill *p;
    const struct bill_grouping *grouping;
    struct ledger ledger;
    size_t values, count; /* count = values + 2 */
    struct bill_group *groups;
    money *charges, *covered, *net, *metered, *parts; /* by group; charges of the rows as placed */
};

static size_t none_of(const struct division *d)
{
    return d->values;
}

static size_t unused_of(const struct division *d)
{
    return d->values + 1;
}

static size_t group_of(const struct division *d, size_t row)
{
    uint32_t g = d->grouping->group[row];
    return g == NAME_NONE ? none_of(d) : g;
}

/* ---- sums by group ---- */

static void add_rows(struct division *d)
{
    const struct ledger *l = &d->ledger;
    for (size_t i = 0; i < l->count; i++) {
        size_t g = group_of(d, i);
        if (!l->served[i])
            continue;
        d->groups[g].requests++;
        d->charges[g] += l->charge[i];
        d->covered[g] += l->covered ? l->covered[i] : 0;
        d->metered[g] += l->metered ? (money)l->metered[i] : 0;
    }
    for (size_t g = 0; g < d->count; g++)
        d->groups[g].requests = bill_scaled(d->bill, d->groups[g].requests);
}

/* Rows by group, those that are not served left out: first[g] to first[g + 1] of `rows`. */
static void sort_rows(const struct division *d, size_t *first, uint32_t *rows)
{
    const struct ledger *l = &d->ledger;
    for (size_t i = 0; i < l->count; i++)
        first[group_of(d, i) + 2] += l->served[i];
    for (size_t g = 2; g < d->count + 2; g++)
        first[g] += first[g - 1];
    for (size_t i = 0; i < l->count; i++)
        if (l->served[i])
            rows[first[group_of(d, i) + 1]++] = (uint32_t)i;
}

static void add_statistics(struct division *d)
{
    const struct ledger *l = &d->ledger;
    size_t *first = mem_zero(d->count + 3, sizeof *first);
    uint32_t *rows = mem_alloc((l->count + 1) * sizeof *rows);
    int64_t *quanta = mem_alloc((l->count + 1) * sizeof *quanta);
    sort_rows(d, first, rows);
    for (size_t g = 0; g < d->count; g++) {
        size_t n = first[g + 1] - first[g];
        for (size_t i = 0; i < n; i++)
            quanta[i] = charge_quanta(l->charge[rows[first[g] + i]]);
        cost_stats_of(quanta, n, &d->groups[g].stats);
    }
    free(first);
    free(rows);
    free(quanta);
}

/* ---- the week before ---- */

static int64_t day_of(const struct division *d, size_t row)
{
    return clock_day_of(d->bill->start_unix_ns + serve_due(&d->ledger.rows, row));
}

/* Of fourteen days of the calendar at least: charges of the last seven and of the seven before, or
 * requests where nothing is charged by use. A month that was made of a sample has no trend. */
static void add_trend(struct division *d)
{
    const struct ledger *l = &d->ledger;
    int64_t first = INT64_MAX, last = INT64_MIN;
    bool charged = d->p->sums.total > 0;
    for (size_t i = 0; i < l->count; i++) {
        int64_t day = day_of(d, i);
        first = day < first ? day : first;
        last = day > last ? day : last;
    }
    if (l->count == 0 || last - first < 13 || d->bill->period ||
        strcmp(d->bill->options.by, "day") == 0)
        return;
    for (size_t g = 0; g <= none_of(d); g++)
        d->groups[g].has_trend = true;
    for (size_t i = 0; i < l->count; i++) {
        struct bill_group *g = &d->groups[group_of(d, i)];
        int64_t ago = last - day_of(d, i);
        if (l->served[i] && ago < 14)
            *(ago < 7 ? &g->trend_now : &g->trend_before) += charged ? l->charge[i] : 1;
    }
}

/* ---- lines ---- */

static bool any(const money *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] != 0)
            return true;
    return false;
}

/* A line in the proportion of the weights; nobody's where nobody has any. */
static void divide_line(struct division *d, money line, const money *weights)
{
    if (line == 0)
        return;
    if (!any(weights, d->count)) {
        d->groups[unused_of(d)].total += line;
        return;
    }
    remainder_divide(line, weights, d->count, remainder_unit(line), d->parts);
    for (size_t g = 0; g < d->count; g++)
        d->groups[g].total += d->parts[g];
}

static money sum_of(const money *values, size_t count)
{
    money sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* What was charged, and the credit that paid it: to whom they belong. Where the bill was scaled to
 * a period or cut the credit, in that proportion. */
static void divide_charges(struct division *d)
{
    const money *cash = d->p->cash;
    bool whole = sum_of(d->charges, d->count) == cash[LINE_USAGE];
    for (size_t g = 0; g < d->count; g++)
        d->groups[g].usage = d->charges[g];
    if (!whole) {
        money unit = remainder_unit(cash[LINE_USAGE]);
        remainder_divide(cash[LINE_USAGE], d->charges, d->count, unit, d->parts);
        for (size_t g = 0; g < d->count; g++)
            d->groups[g].usage = any(d->charges, d->count) ? d->parts[g] : 0;
    }
    for (size_t g = 0; g < d->count; g++)
        d->groups[g].total += d->groups[g].usage;
    if (sum_of(d->covered, d->count) == -cash[LINE_INCLUDED])
        for (size_t g = 0; g < d->count; g++)
            d->groups[g].total -= d->covered[g];
    else
        divide_line(d, cash[LINE_INCLUDED], any(d->covered, d->count) ? d->covered : d->charges);
    divide_line(d, cash[LINE_VOLUME], d->charges);
    for (size_t g = 0; g < d->count; g++)
        d->net[g] = d->groups[g].total > 0 ? d->groups[g].total : 0;
    divide_line(d, cash[LINE_CREDIT_FEE], any(d->net, d->count) ? d->net : d->charges);
}

/* What the meter counted in each span, by group. */
static void divide_fees(struct division *d)
{
    const struct ledger *l = &d->ledger;
    money *weights = mem_zero(l->span_count * d->count + 1, sizeof *weights);
    for (size_t i = 0; i < l->count; i++)
        if (l->metered[i] > 0)
            weights[ledger_span_of(l, i) * d->count + group_of(d, i)] += (money)l->metered[i];
    for (size_t s = 0; s < l->span_count; s++) {
        money *of_span = &weights[s * d->count];
        of_span[unused_of(d)] = (money)(l->spans[s].capacity - l->spans[s].used);
        divide_line(d, l->spans[s].fee, of_span);
    }
    free(weights);
    divide_line(d, d->p->cash[LINE_SETUP], d->metered);
}

static void divide_lines(struct division *d)
{
    divide_charges(d);
    if (d->ledger.metered)
        divide_fees(d);
    d->groups[unused_of(d)].total += d->p->cash[LINE_MINIMUM];
    for (size_t g = 0; g < d->count; g++)
        d->net[g] = d->groups[g].total > 0 ? d->groups[g].total : 0;
    divide_line(d, d->p->cash[LINE_ROUNDING], d->net);
}

/* ---- what is shown ---- */

static int order_dear(const void *a, const void *b)
{
    const struct bill_group *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->total != y->total)
        return x->total > y->total ? -1 : 1;
    if (x->requests != y->requests)
        return x->requests > y->requests ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int order_names(const void *a, const void *b)
{
    const struct bill_group *x = a, *y = b;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

/* Four decimals, and more where the total would not have four digits. */
static int decimals_for(money total)
{
    int decimals = 4;
    money least = MONEY_USD / 10;
    while (total != 0 && (total < 0 ? -total : total) < least && decimals < 12) {
        least /= 10;
        decimals++;
    }
    return decimals;
}

/* Figures that add up to the total as it is printed, and to a hundred percent. */
static void round_parts(struct division *d)
{
    money unit = MONEY_USD, total = d->p->total, *shares = d->covered;
    d->p->shown_decimals = decimals_for(total);
    for (int i = 0; i < d->p->shown_decimals; i++)
        unit /= 10;
    int sign = total < 0 ? -1 : 1;
    for (size_t g = 0; g < d->count; g++)
        d->net[g] = sign * d->groups[g].total;
    remainder_divide(money_round(sign * total, unit), d->net, d->count, unit, d->parts);
    remainder_divide(1000, d->net, d->count, 1, shares);
    for (size_t g = 0; g < d->count; g++) {
        d->groups[g].shown = total != 0 ? sign * d->parts[g] : money_round(d->net[g], unit);
        d->groups[g].share_tenths = total > 0 ? (int64_t)shares[g] : 0;
    }
}

static void name_groups(struct division *d)
{
    for (size_t g = 0; g < d->count; g++) {
        struct bill_group *group = &d->groups[g];
        group->kind = g < d->values ? GROUP_VALUE : g == none_of(d) ? GROUP_NONE : GROUP_UNUSED;
        group->name = mem_copy_string(g < d->values ? names_text(&d->grouping->names, (uint32_t)g)
                                      : g == none_of(d) ? "(none)"
                                                        : "unused");
    }
}

/* Drops what is not there: nobody without a value, nothing unused. */
static void keep_groups(struct division *d)
{
    size_t kept = 0;
    for (size_t g = 0; g < d->count; g++) {
        struct bill_group *group = &d->groups[g];
        bool there = group->kind == GROUP_NONE     ? group->requests > 0 || group->total != 0
                     : group->kind == GROUP_UNUSED ? group->total != 0
                                                   : true;
        if (there)
            d->groups[kept++] = *group;
        else
            free(group->name);
    }
    bool days = strcmp(d->bill->options.by, "day") == 0;
    qsort(d->groups, kept, sizeof *d->groups, days ? order_names : order_dear);
    d->p->groups = d->groups;
    d->p->group_count = kept;
}

static void describe_meter(struct division *d)
{
    const struct ledger *l = &d->ledger;
    if (!l->metered)
        return;
    d->p->meter = (struct bill_meter){meter_words(&l->meter, d->p->plan), l->meter.is_quota,
                                      ledger_quantity(l, l->meter.used),
                                      ledger_quantity(l, l->meter.capacity)};
}

static void divide_plan(struct bill *bill, size_t plan, const struct bill_grouping *grouping)
{
    struct division d = {.bill = bill, .p = &bill->plans[plan], .grouping = grouping};
    d.values = grouping->names.count;
    d.count = d.values + 2;
    d.groups = mem_zero(d.count, sizeof *d.groups);
    money *room = mem_zero(5 * d.count, sizeof *room);
    d.charges = room;
    d.covered = room + d.count;
    d.net = room + 2 * d.count;
    d.metered = room + 3 * d.count;
    d.parts = room + 4 * d.count;
    ledger_open(&d.ledger, bill, plan);
    name_groups(&d);
    add_rows(&d);
    add_statistics(&d);
    add_trend(&d);
    divide_lines(&d);
    describe_meter(&d);
    round_parts(&d);
    keep_groups(&d);
    ledger_close(&d.ledger);
    free(room);
}

int bill_shares_make(struct bill *bill, struct error *err)
{
    struct serve_rows rows;
    struct bill_grouping grouping;
    if (!bill->options.by)
        return 0;
    int code = serve_rows_make(&rows, bill->workload, bill->options.duration, err);
    if (code < 0)
        return code;
    code = bill_grouping_make(&grouping, bill->workload, &rows, bill->options.by,
                              bill->start_unix_ns, err);
    for (size_t i = 0; i < bill->plan_count && code == 0; i++)
        divide_plan(bill, i, &grouping);
    if (code == 0)
        bill_grouping_free(&grouping);
    serve_rows_free(&rows);
    return code;
}
