/* Splitting a bill: by model, class, session, day or label; what was wasted; what the provider
 * reported. */
#include "sim/cost/bill/bill_parts.h"

#include "core/json/json_scan.h"
#include "core/memory.h"
#include "workloads/model/attempts.h"

#include <stdlib.h>
#include <string.h>

static void group_by_day(struct bill_grouping *g, const struct workload *w,
                         const struct serve_rows *rows, int64_t start_unix_ns)
{
    const int64_t day = 86400 * NS_PER_S;
    for (size_t i = 0; i < w->count; i++) {
        char text[CLOCK_INSTANT_SIZE];
        int64_t at = start_unix_ns + serve_due(rows, i);
        clock_format_instant(clock_floor(at, day), text);
        g->group[i] = names_add(&g->names, (struct text){text, 10});
    }
}

/* Rows' numbers in one of the workload's own name tables. */
static void group_by_names(struct bill_grouping *g, const struct workload *w,
                           const uint16_t *column, const struct names *names)
{
    for (size_t i = 0; i < w->count; i++)
        if (column && column[i] != UINT16_MAX)
            g->group[i] = names_add(&g->names, text_of(names_text(names, column[i])));
}

/* The value's number; escapes of its text are resolved. */
static uint32_t add_value(struct bill_grouping *g, struct text raw)
{
    struct buffer value;
    buffer_init(&value, BUFFER_UNBOUNDED);
    bool good = json_unescape(raw, &value);
    uint32_t number = names_add(
        &g->names, good && value.length > 0 ? (struct text){value.data, value.length} : raw);
    buffer_free(&value);
    return number;
}

static bool group_by_label(struct bill_grouping *g, const struct workload *w, const char *by)
{
    size_t sets = w->label_sets.count;
    uint32_t *number = mem_alloc((sets + 1) * sizeof *number);
    for (size_t s = 0; s < sets; s++) {
        struct text value;
        number[s] = NAME_NONE;
        if (json_member(names_text(&w->label_sets, (uint32_t)s), by, &value))
            number[s] = add_value(g, value);
    }
    for (size_t i = 0; i < w->count && w->labels; i++)
        if (w->labels[i] != NAME_NONE)
            g->group[i] = number[w->labels[i]];
    free(number);
    return g->names.count > 0;
}

int bill_grouping_make(struct bill_grouping *g, const struct workload *w,
                       const struct serve_rows *rows, const char *by, int64_t start_unix_ns,
                       struct error *err)
{
    *g = (struct bill_grouping){0};
    if (!by)
        return 0;
    names_init(&g->names);
    g->group = mem_alloc((w->count + 1) * sizeof *g->group);
    for (size_t i = 0; i < w->count; i++)
        g->group[i] = NAME_NONE;
    if (strcmp(by, "day") == 0) {
        group_by_day(g, w, rows, start_unix_ns);
    } else if (strcmp(by, "model") == 0) {
        group_by_names(g, w, w->model, &w->models);
    } else if (strcmp(by, "class") == 0) {
        group_by_names(g, w, w->class_number, &w->classes);
    } else if (strcmp(by, "session") == 0) {
        for (size_t i = 0; i < w->count && w->session; i++)
            if (w->session[i] != NAME_NONE)
                g->group[i] =
                    names_add(&g->names, text_of(names_text(&w->sessions, w->session[i])));
    } else if (!group_by_label(g, w, by)) {
        bill_grouping_free(g);
        return error_set(err, ERR_INPUT,
                         "no request has a label \"%s\"; --by takes model, class, session, day or "
                         "the key of a label",
                         by);
    }
    return 0;
}

void bill_grouping_free(struct bill_grouping *g)
{
    if (g->group)
        names_free(&g->names);
    free(g->group);
    *g = (struct bill_grouping){0};
}

void bill_add_sessions(struct plan_bill *p, const struct tariff *t)
{
    const struct workload *w = t->rows->workload;
    if (!w->session || w->sessions.count == 0)
        return;
    size_t count = w->sessions.count;
    money *sum = mem_zero(count, sizeof *sum);
    int64_t *quanta = mem_alloc(count * sizeof *quanta);
    for (size_t s = 0; s < count; s++)
        quanta[s] = TARIFF_UNSERVED;
    for (size_t i = 0; i < w->count; i++) {
        money charge;
        if (w->session[i] == NAME_NONE || !tariff_serves(t, i) ||
            tariff_total(t, i, &charge, NULL) < 0)
            continue;
        sum[w->session[i]] += charge;
        quanta[w->session[i]] = 0;
    }
    for (size_t s = 0; s < count; s++)
        if (quanta[s] != TARIFF_UNSERVED)
            quanta[s] = charge_quanta(sum[s]);
    cost_stats_of(quanta, count, &p->session_stats);
    free(sum);
    free(quanta);
}

void bill_add_waste(struct plan_bill *p, const struct tariff *t)
{
    const struct workload *w = t->rows->workload;
    p->waste.retries = p->sums.part[PART_RETRIES];
    p->waste.good_requests = p->served_requests;
    p->waste.has_slo = w->earlier && w->earlier->has_slo;
    if (w->status || p->waste.has_slo) {
        p->waste.good_requests = 0;
        for (size_t i = 0; i < w->count; i++) {
            struct row_charge c;
            if (!tariff_serves(t, i) || tariff_charge(t, i, &c) < 0)
                continue;
            money last = c.last.total;
            uint8_t status = w->status ? w->status[i] : REQUEST_OK;
            if (status == REQUEST_FAILED) {
                p->waste.failed += last;
            } else if (status == REQUEST_ABORTED) {
                p->waste.aborted += last;
            } else if (p->waste.has_slo && w->earlier->finals[i].slo_missed) {
                p->waste.slo_missed += last;
                p->waste.slo_missed_requests++;
            } else {
                p->waste.good_requests++;
            }
        }
    }
    if (p->waste.good_requests > 0)
        (void)money_prorate(p->sums.total, 1, p->waste.good_requests, &p->waste.usage_per_good);
}

void bill_reconcile(struct plan_bill *p, const struct tariff *t)
{
    const struct workload *w = t->rows->workload;
    for (size_t i = 0; w->cost && i < w->count; i++) {
        struct row_charge c;
        if (w->cost[i] == MONEY_MAX || !tariff_serves(t, i) || tariff_charge(t, i, &c) < 0)
            continue;
        money difference = c.total > w->cost[i] ? c.total - w->cost[i] : w->cost[i] - c.total;
        p->reconciled.requests++;
        p->reconciled.equal += difference == 0;
        p->reconciled.ours += c.total;
        p->reconciled.reported += w->cost[i];
        if (difference > p->reconciled.largest_difference)
            p->reconciled.largest_difference = difference;
    }
}
