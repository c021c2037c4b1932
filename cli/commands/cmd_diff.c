/* farebox diff: did it change? Two runs compared, measure by measure, with intervals. */
#include "cli/command.h"
#include "cli/commands/diff_costs.h"
#include "cli/output.h"
#include "cli/report/text/summary_table.h"
#include "cli/run_bill.h"
#include "core/runs/compare/run_diff.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diff_options {
    struct common_options common;
    double tolerance, share_tolerance;
    struct option_list slos, plans, fail_on;
    const char *undecided;
};

#define AT(field) offsetof(struct diff_options, field)
static const struct option_spec options[] = {
    {"fail-on", 0, OPTION_LIST, AT(fail_on), .unit = "'FIGURE>X'",
     .help = "what is judged: exit 1 if it got worse by more than X, as in 'ttft_p99>10%' or "
             "'failed>0.5pp'; repeatable. Unless given: failed, TTFT p50 and p99, TPOT mean, E2E "
             "mean and p99, by the two tolerances"},
    {"tolerance", 0, OPTION_NUMBER, AT(tolerance), "5", "PERCENT", .min = 0, .max = 1000,
     .help = "how much worse the latencies may be that are judged without --fail-on"},
    {"share-tolerance", 0, OPTION_NUMBER, AT(share_tolerance), "1", "POINTS", .min = 0, .max = 100,
     .help = "the same for the share that failed, in percentage points"},
    {"undecided", 0, OPTION_TEXT, AT(undecided), "pass", "fail|pass",
     .help = "exit status where the runs are too short to tell: pass warns"},
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=TIME",
     .help =
         "objective on each request, for goodput: ttft=500ms, tpot=50ms, e2e=10s; the runs' own "
         "unless given"},
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "PLAN|FILE",
     .help = "one plan of a price book: requests cost what it charges, not what the provider "
             "reported"},
    {0},
};

static double tolerated(const struct run_diff *d, const struct diff_row *row)
{
    const struct comparison *c = &row->comparison;
    for (size_t i = 0; i < d->judged_count; i++)
        if (strcmp(d->judged[i].figure.key, row->key) == 0 && d->judged[i].figure.what == c->what)
            return d->judged[i].figure.allowed;
    return (c->what == COMPARE_SHARE ? d->share_tolerance : d->tolerance) / 100;
}

/* In the words of the interval beside it: a change that may be chance among so many rows is
 * asked, and only what surely lies within the tolerance is called none. */
static const char *words_for(const struct run_diff *d, const struct diff_row *row)
{
    const struct comparison *c = &row->comparison;
    double most = tolerated(d, row);
    if (row->finding && row->latency)
        return c->change > 0 ? "▲ slower" : "▼ faster";
    if (row->finding)
        return c->change > 0 ? "▲ higher" : "▼ lower";
    if (row->regression)
        return "▲ in one go";
    if (c->supported && c->low > 0)
        return row->latency ? "△ slower?" : "△ higher?";
    if (c->supported && c->high < 0)
        return row->latency ? "▽ faster?" : "▽ lower?";
    return c->supported && c->low >= -most && c->high <= most ? "= no change" : "? unclear";
}

/* Ratios as percent, shares as percentage points. */
static void format_change(const struct comparison *c, double value, char out[CELL_SIZE])
{
    if (!isfinite(value))
        snprintf(out, CELL_SIZE, "–");
    else if (fabs(value) >= 100)
        snprintf(out, CELL_SIZE, "×%s", TEXT_SHORT(value + 1, 3));
    else
        snprintf(out, CELL_SIZE, "%+.*f %s", fabs(value) < 1 ? 1 : 0, value * 100,
                 c->what == COMPARE_SHARE ? "pt" : "%");
}

static void format_value(const struct comparison *c, double value, char out[CELL_SIZE])
{
    if (c->what == COMPARE_SHARE && isfinite(value))
        snprintf(out, CELL_SIZE, "%.2f %%", value * 100);
    else if (value > 0 && value < 0.01)
        snprintf(out, CELL_SIZE, "%s", TEXT_SHORT(value, 3));
    else
        format_cell(value, out);
}

static void print_row(const struct run_diff *d, const struct diff_row *row, struct buffer *out)
{
    const struct comparison *c = &row->comparison;
    char statistic[DIFF_STATISTIC_SIZE], name[64], cell[CELL_SIZE], low[CELL_SIZE], text[96];
    diff_statistic(c, statistic);
    snprintf(name, sizeof name, "%s, %s", row->title, statistic);
    add_padded(out, name, 24, false);
    format_value(c, c->before, cell);
    add_padded(out, cell, 8, true);
    format_value(c, c->after, cell);
    add_padded(out, cell, 8, true);
    format_change(c, c->change, cell);
    add_padded(out, cell, 9, true);
    if (isnan(c->p_value) || (!c->supported && !row->finding && !row->regression)) {
        buffer_add_format(out, "  %s\n", c->why);
        return;
    }
    format_change(c, c->low, low);
    format_change(c, c->high, cell);
    snprintf(text, sizeof text, "%s … %s", low, cell);
    buffer_add_byte(out, ' ');
    add_padded(out, c->supported ? text : c->why, 18, true);
    buffer_add_format(out, " %s\n", words_for(d, row));
}

/* "+28.6 %", of what a figure was before or in points. */
static void format_worse(const struct gate_figure *f, double value, char out[CELL_SIZE])
{
    struct comparison of = {.what = f->what};
    format_change(&of, value, out);
}

static void print_judged(const struct diff_judged *j, struct buffer *out)
{
    char cell[CELL_SIZE], text[2 * CELL_SIZE];
    add_padded(out, diff_verdict_name(j->verdict), 11, false);
    add_padded(out, j->figure.name, 24, false);
    format_worse(&j->figure, j->worse, cell);
    add_padded(out, cell, 10, true);
    format_worse(&j->figure, j->limit, cell);
    add_padded(out, cell, 10, true);
    snprintf(cell, sizeof cell, "%s %s", TEXT_SHORT(j->figure.allowed * 100, 6),
             j->figure.points ? "pt" : "%");
    add_padded(out, cell, 9, true);
    if (j->would_decide > 0) {
        format_cell((double)j->would_decide, cell);
        snprintf(text, sizeof text, "%s%s", j->at_least ? "≥ " : "", cell);
        add_padded(out, text, 14, true);
    }
    buffer_add_byte(out, '\n');
}

static void print_verdicts(const struct run_diff *d, struct buffer *out)
{
    buffer_add_format(out, "\n%35s%10s%10s%9s%14s\n", "", "worse by", "at most", "allowed",
                      "would decide");
    for (size_t i = 0; i < d->judged_count; i++)
        print_judged(&d->judged[i], out);
    buffer_add_text(
        out, "FAIL: worse beyond chance (2.5 %, one-sided, Holm over these) and by more than\n"
             "allowed. PASS: with 97.5 % certainty by no more. Would decide: so many requests.\n");
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
    buffer_add_format(&out, "%-24s%8s%8s%9s%19s\n", "latencies in ms", "before", "after", "change",
                      "lies in (95 %)");
    for (size_t i = 0; i < d->count; i++)
        print_row(d, &d->rows[i], &out);
    buffer_add_text(&out,
                    "▲ ▼ beyond chance at 5 % over all rows together (Holm). △ ▽ by its interval\n"
                    "alone, as one row in twenty is by chance. = surely within the tolerance.\n");
    print_verdicts(d, &out);
    if (d->note_count > 0)
        buffer_add_byte(&out, '\n');
    for (size_t i = 0; i < d->note_count; i++)
        buffer_add_format(&out, "· %s\n", d->notes[i]);
    buffer_add_byte(&out, '\n');
    print_buffer(t->human, &out);
    buffer_free(&out);
}

/* A doubt is said where a pipeline looks. */
static void warn_undecided(const struct terminal *t, const struct run_diff *d)
{
    for (size_t i = 0; i < d->judged_count; i++) {
        const struct diff_judged *j = &d->judged[i];
        char worse[CELL_SIZE], limit[CELL_SIZE], needed[96] = "";
        if (j->verdict != DIFF_UNDECIDED)
            continue;
        format_worse(&j->figure, j->worse, worse);
        format_worse(&j->figure, j->limit, limit);
        if (j->would_decide > 0)
            snprintf(needed, sizeof needed, "; %s%" PRIu64 " requests would decide",
                     j->at_least ? "no fewer than " : "about ", j->would_decide);
        if (isnan(j->limit))
            warn(t, "%s is UNDECIDED: worse by %s, no limit (%s), %s %s allowed%s", j->figure.name,
                 worse, j->why ? j->why : "too few values", TEXT_SHORT(j->figure.allowed * 100, 6),
                 j->figure.points ? "pt" : "%", needed);
        else
            warn(t, "%s is UNDECIDED: worse by %s, at most %s, %s %s allowed%s", j->figure.name,
                 worse, limit, TEXT_SHORT(j->figure.allowed * 100, 6),
                 j->figure.points ? "pt" : "%", needed);
    }
    if (run_diff_verdict(d) == DIFF_UNDECIDED && !d->undecided_fails)
        warn(t, "what is undecided passes; --undecided fail exits 1 on it");
}

static void print_json(const struct terminal *t, const struct run_diff *d)
{
    struct output out;
    output_begin(&out);
    run_diff_write(d, &out.json);
    output_end(&out, NULL, t->machine);
}

static int choose_plan(const struct diff_options *o, struct plan_selection *plans,
                       struct error *err)
{
    if (run_bill_select(&o->plans, plans, err) < 0)
        return ERR_INPUT;
    return plans->count == 1
               ? 0
               : error_set(err, ERR_INPUT,
                           "--plans: diff compares costs under one plan, this names %zu; choose "
                           "one as in BOOK/PLAN (farebox prices list)",
                           plans->count);
}

static int compare(const struct diff_options *o, struct run_diff *d, struct error *err)
{
    const char *const paths[2] = {o->common.arguments[0], o->common.arguments[1]};
    struct run_diff_options how = {.tolerance = o->tolerance,
                                   .share_tolerance = o->share_tolerance,
                                   .undecided_fails = strcmp(o->undecided, "fail") == 0};
    struct plan_selection plans = {0};
    if (slo_list_read(o->slos.items, o->slos.count, &how.slos, err) < 0)
        return err->code;
    if (!how.undecided_fails && strcmp(o->undecided, "pass") != 0)
        return error_set(err, ERR_INPUT, "--undecided %s: expected fail or pass", o->undecided);
    for (size_t i = 0; i < o->fail_on.count; i++)
        if (gate_parse(o->fail_on.items[i], &how.gate, err) < 0)
            return ERR_INPUT;
    int status = o->plans.count > 0 ? choose_plan(o, &plans, err) : 0;
    struct diff_costs costs;
    struct run_pricing pricing = diff_costs_begin(&costs, plans.count ? plans.plans[0] : NULL);
    if (costs.plan)
        how.pricing = &pricing;
    if (status == 0)
        status = run_diff_make(d, paths, &how, err);
    diff_costs_free(&costs);
    plan_selection_free(&plans);
    return status;
}

/* A difference may be the client's where it was the limit of one run. */
static void warn_of_limits(const struct terminal *t, const struct diff_options *o,
                           const struct run_diff *d)
{
    for (size_t i = 0; i < 2; i++)
        if (d->client_limited[i])
            warn(t, "the client was the limit of %s%s%s: a change may be the client's",
                 o->common.arguments[i], d->limits[i][0] ? ": " : "", d->limits[i]);
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
    warn_of_limits(t, o, &d);
    print_table(t, o, &d);
    if (o->common.json)
        print_json(t, &d);
    warn_undecided(t, &d);
    return run_diff_judge(&d, err);
}

const struct command command_diff = {
    .name = "diff",
    .summary = "what changed between two runs, beyond chance",
    .usage = "RUN RUN",
    .about =
        "Compares two runs metric by metric: failures, goodput, latencies, throughput, tokens and\n"
        "cost; how much changed, the interval that the change lies in, and whether it is beyond\n"
        "chance. The figures of --fail-on are judged, worse being positive. FAIL (exit 1): worse\n"
        "beyond chance, and by more than allowed. PASS: surely no worse than allowed. UNDECIDED:\n"
        "the runs are too short; how many requests would do is said on standard error.\n"
        "Improvements, however large, exit 0.",
    .examples = "  farebox diff results/before results/after --tolerance 10\n"
                "  farebox diff results/main results/branch --fail-on 'ttft_p99>10%' --fail-on "
                "'failed>0.5pp'\n",
    .options = options,
    .options_size = sizeof(struct diff_options),
    .run = run,
};
