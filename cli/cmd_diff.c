/* farebox diff: did it change? Two runs compared, measure by measure, with intervals. */
#include "cli/command.h"
#include "cli/diff_costs.h"
#include "cli/report/summary_table.h"
#include "cli/run_bill.h"
#include "core/runs/run_diff.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct diff_options {
    struct common_options common;
    double tolerance, share_tolerance;
    struct option_list slos, plans;
};

#define AT(field) offsetof(struct diff_options, field)
static const struct option_spec options[] = {
    {"tolerance", 0, OPTION_NUMBER, AT(tolerance), "5", "PERCENT", .min = 0, .max = 1000,
     .help = "exit 1 if something got worse, beyond chance and by more than this"},
    {"share-tolerance", 0, OPTION_NUMBER, AT(share_tolerance), "1", "POINTS", .min = 0, .max = 100,
     .help = "the same for shares (failed, within objectives), in percentage points"},
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=MS",
     .help = "objective on each request, for goodput: ttft=500, tpot=50, e2e=10000; the runs' own "
             "unless given"},
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "FILE|NAME",
     .help = "one plan of a price book: requests cost what it charges, not what the provider "
             "reported"},
    {0},
};

static const char *verdict(const struct diff_row *row)
{
    double change = row->comparison.change;
    if (!row->finding)
        return row->regression ? "▲ in one stretch" : "= no change";
    if (row->latency)
        return change > 0 ? "▲ slower" : "▼ faster";
    return change > 0 ? "▲ higher" : "▼ lower";
}

/* Ratios as percent, shares as percentage points. */
static void format_change(const struct comparison *c, double value, char out[CELL_SIZE])
{
    if (!isfinite(value))
        snprintf(out, CELL_SIZE, "–");
    else if (fabs(value) >= 100)
        snprintf(out, CELL_SIZE, "×%.3g", value + 1);
    else
        snprintf(out, CELL_SIZE, "%+.1f %s", value * 100, c->what == COMPARE_SHARE ? "pt" : "%");
}

static void format_value(const struct comparison *c, double value, char out[CELL_SIZE])
{
    if (c->what == COMPARE_SHARE && isfinite(value))
        snprintf(out, CELL_SIZE, "%.2f %%", value * 100);
    else if (value > 0 && value < 0.01)
        snprintf(out, CELL_SIZE, "%.3g", value);
    else
        format_cell(value, out);
}

static void print_row(const struct diff_row *row, struct buffer *out)
{
    const struct comparison *c = &row->comparison;
    char statistic[DIFF_STATISTIC_SIZE], name[64], cell[CELL_SIZE], low[CELL_SIZE], text[96];
    diff_statistic(c, statistic);
    snprintf(name, sizeof name, "%s%s, %s", row->title, row->latency ? " ms" : "", statistic);
    add_padded(out, name, 29, false);
    format_value(c, c->before, cell);
    add_padded(out, cell, 9, true);
    format_value(c, c->after, cell);
    add_padded(out, cell, 9, true);
    format_change(c, c->change, cell);
    add_padded(out, cell, 11, true);
    if (!c->supported) {
        buffer_add_format(out, "  not compared: %s\n", c->why);
        return;
    }
    format_change(c, c->low, low);
    format_change(c, c->high, cell);
    snprintf(text, sizeof text, "%s … %s", low, cell);
    add_padded(out, text, 22, true);
    buffer_add_format(out, "  %s%s\n", verdict(row), row->regression ? " !" : "");
}

static void print_table(const struct terminal *t, const struct diff_options *o,
                        const struct run_diff *d)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    buffer_add_format(&out, "\n%s → %s, ", o->common.arguments[0], o->common.arguments[1]);
    if (d->paired)
        buffer_add_format(&out, "%" PRIu64 " requests in pairs\n\n", d->pairs);
    else
        buffer_add_format(&out, "%" PRIu64 " and %" PRIu64 " requests\n\n", d->requests[0],
                          d->requests[1]);
    buffer_add_format(&out, "%29s%9s%9s%11s%22s\n", "", "before", "after", "change",
                      "lies in (95 %)");
    for (size_t i = 0; i < d->count; i++)
        print_row(&d->rows[i], &out);
    buffer_add_format(
        &out,
        "\nA change is named when it is beyond chance at 5 %% over all rows together "
        "(Holm);\n! = worse by more than %g %%, shares by more than %g pt (percentage points).\n",
        d->tolerance, d->share_tolerance);
    for (size_t i = 0; i < d->note_count; i++)
        buffer_add_format(&out, "· %s\n", d->notes[i]);
    buffer_add_byte(&out, '\n');
    print_buffer(t->human, &out);
    buffer_free(&out);
}

static void print_json(const struct terminal *t, const struct run_diff *d)
{
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, BUFFER_UNBOUNDED);
    json_write_init(&w, &out, 2);
    run_diff_write(d, &w);
    buffer_add_byte(&out, '\n');
    print_buffer(t->machine, &out);
    buffer_free(&out);
}

/* Costs of both runs under the plan that --plans names. */
static int price_runs(const struct diff_options *o, const struct plan_selection *plans,
                      struct run_costs costs[2], struct error *err)
{
    if (plans->count != 1)
        return error_set(err, ERR_INPUT,
                         "--plans: diff compares costs under one plan, this names %zu; choose one "
                         "as in BOOK/PLAN (farebox prices list)",
                         plans->count);
    int status = diff_costs_make(&costs[0], o->common.arguments[0], plans->plans[0], err);
    if (status == 0)
        status = diff_costs_make(&costs[1], o->common.arguments[1], plans->plans[0], err);
    return status;
}

static int compare(const struct diff_options *o, struct run_diff *d, struct error *err)
{
    const char *const paths[2] = {o->common.arguments[0], o->common.arguments[1]};
    struct run_diff_options how = {.tolerance = o->tolerance,
                                   .share_tolerance = o->share_tolerance};
    struct plan_selection plans = {0};
    struct run_costs costs[2] = {0};
    for (size_t i = 0; i < o->slos.count; i++)
        if (slo_parse(o->slos.items[i], &how.slos, err) < 0)
            return ERR_INPUT;
    int status = 0;
    if (o->plans.count > 0) {
        status = run_bill_select(&o->plans, &plans, err);
        if (status == 0)
            status = price_runs(o, &plans, costs, err);
        how.costs[0] = &costs[0];
        how.costs[1] = &costs[1];
    }
    if (status == 0)
        status = run_diff_make(d, paths, &how, err);
    diff_costs_free(&costs[0]);
    diff_costs_free(&costs[1]);
    plan_selection_free(&plans);
    return status;
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct diff_options *o = parsed;
    struct run_diff d;
    if (command_arguments(&o->common, 2, "two run directories", err) < 0)
        return ERR_INPUT;
    int status = compare(o, &d, err);
    if (status < 0)
        return status;
    print_table(t, o, &d);
    if (o->common.json)
        print_json(t, &d);
    return run_diff_judge(&d, err);
}

const struct command command_diff = {
    .name = "diff",
    .summary = "what changed between two runs, beyond chance",
    .usage = "RUN RUN",
    .about =
        "Compares two runs metric by metric: failures, goodput, latencies, throughput, tokens and\n"
        "cost; how much changed, the interval that the change lies in, and whether it is beyond\n"
        "chance. Exits 1 if something got slower, dearer or rarer by more than --tolerance, or a\n"
        "share worse by more than --share-tolerance. Improvements, however large, exit 0.",
    .examples = "  farebox diff results/before results/after --tolerance 10\n"
                "  farebox diff results/main results/branch --slo ttft=500 --json --quiet\n",
    .options = options,
    .options_size = sizeof(struct diff_options),
    .run = run,
};
