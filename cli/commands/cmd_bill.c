/* farebox bill: what every plan would charge for a workload or a run. */
#include "cli/command.h"
#include "cli/commands/bill/bill_export.h"
#include "cli/commands/bill/bill_output.h"
#include "cli/commands/bill/bill_subjects.h"
#include "cli/output.h"
#include "cli/run_bill.h"
#include "core/memory.h"
#include "core/text.h"
#include "sim/cost/ladder/ladder.h"
#include "sim/cost/several/several.h"
#include "sim/cost/shares/shares.h"
#include "sim/cost/sums/sum_bill.h"
#include "sim/cost/what_if/what_if.h"
#include "sim/cost/what_if/what_if_changes.h"

#include <stdlib.h>
#include <string.h>

struct bill_command {
    struct common_options common;
    struct option_list plans, scenarios, transforms, what_if, slos, focus, tokens_as;
    const char *period, *by, *start, *output, *export;
    bool force, ladder, requests_csv, no_plots, matrix;
    uint64_t workers, units, requests, break_even_output, volume;
    int64_t max_wait_ns, duration_ns;
    double ttft_ms, tpot_ms;
    struct trace_reading reading;
};

#define AT(field) offsetof(struct bill_command, field)
static const struct option_spec options[] = {
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "PLAN|FILE[,...]",
     .help = "price books, bundled books or plans of theirs (* and ? allowed)",
     .group = "What is billed"},
    {"scenario", 's', OPTION_LIST, AT(scenarios), .unit = "SCENARIO|FILE",
     .help = "a workload that is generated: a bundled scenario or a JSON file; again and again"},
    {"requests", 'n', OPTION_COUNT, AT(requests), .unit = "N", .max = 4e9,
     .help = "the first N requests only; of a scenario so many"},
    {"duration", 'd', OPTION_DURATION, AT(duration_ns), .unit = "TIME", .max = 3e8,
     .help = "of a scenario: sessions begin within this time"},
    {"transform", 0, OPTION_LIST, AT(transforms), .unit = "NAME=...",
     .help = "change traces and scenarios first, again and again: route=*:big, sample=0.1 "
             "(workload transform --list)"},
    {"start", 0, OPTION_TEXT, AT(start), .unit = "INSTANT",
     .help = "wall clock of the workload's first instant, such as 2026-11-01T00:00:00Z"},
    {"period", 0, OPTION_TEXT, AT(period), "trace", "trace|day|month",
     .help = "what a day or a month at the workload's own rate costs: an extrapolation"},
    {"volume", 0, OPTION_COUNT, AT(volume), .unit = "N", .min = 1, .max = 1e12,
     .help = "what a month of so many requests like these costs: an extrapolation"},
    {"ladder", 0, OPTION_FLAG, AT(ladder),
     .help = "the cheapest plan for each number of requests a month, up to ten times these; a "
             "month's bill always has it"},
    {"max-wait", 0, OPTION_DURATION, AT(max_wait_ns), "0", .unit = "TIME", .max = 3e8, .zero = true,
     .help = "how long a request may wait for a plan that queues; as many subscriptions are bought "
             "as that takes"},
    {"by", 0, OPTION_TEXT, AT(by), .unit = "KEY",
     .help = "who bears it: by model, class, session, day, or the key of a label such as team"},
    {"what-if", 'w', OPTION_LIST, AT(what_if), .unit = "CHANGE",
     .help = "price a changed workload beside: cache, or a transform such as truncate=tokens:4000 "
             "(farebox workload transform --list), several joined by +; again and again. all: what "
             "one would look at, as a matrix"},
    {"matrix", 0, OPTION_FLAG, AT(matrix),
     .help = "the what-ifs of all plans on one screen; of all changes, without --what-if"},
    TOKENS_AS_OPTION(struct bill_command, tokens_as),
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=TIME",
     .help = "objective on each request of a run, as for report: what misses it is waste"},
    {"ttft-ms", 0, OPTION_NUMBER, AT(ttft_ms), .unit = "MS", .max = 1e9, .zero = true,
     .help =
         "how long requests run, for concurrency limits and turns that wait: to the first token",
     .group = "How it runs"},
    {"tpot-ms", 0, OPTION_NUMBER, AT(tpot_ms), .unit = "MS", .max = 1e9, .zero = true,
     .help = "and from token to token"},
    {"units", 0, OPTION_COUNT, AT(units), .unit = "N", .min = 1, .max = 1e6,
     .help = "provisioned units or GPUs, instead of the plan's"},
    {"break-even-output", 0, OPTION_COUNT, AT(break_even_output), .unit = "TOKENS", .max = 1e9,
     .help = "output length at which plans are compared; the mean unless given"},
    {"workers", 0, OPTION_COUNT, AT(workers), .unit = "N", .min = 1, .max = TARIFF_WORKERS_MAX,
     .help = "threads; the result does not depend on it"},
    {"output", 'o', OPTION_OUTPUT, AT(output), .unit = "DIR|FILE.json",
     .help = "a directory of its own for the bill: page (index.html), plots, tables for a "
             "spreadsheet (CSV) and bill.json; or bill.json alone, which goes into a run's own "
             "directory unless given; - is standard output",
     .group = "Results"},
    {"requests-csv", 0, OPTION_FLAG, AT(requests_csv),
     .help = "with -o DIR: requests.csv too, a row for each request with every plan's charge"},
    {"no-plots", 0, OPTION_FLAG, AT(no_plots), .help = "with -o DIR: draw nothing"},
    {"export", 0, OPTION_TEXT, AT(export), .unit = "csv|focus",
     .help = "a table for a spreadsheet (of the plans, with --by of the parts), or one plan's bill "
             "as FOCUS 1.2 rows: to standard output, or the file of -o"},
    {"focus", 0, OPTION_LIST, AT(focus), .unit = "KEY=VALUE",
     .help = "what FOCUS rows say beside the bill: account, account-name, sub-account (a label), "
             "provider, publisher, issuer, invoice, service; again and again"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing file or bill"},
    TRACE_READING_OPTIONS(struct bill_command, reading),
    {0},
};

static int parse_period(const char *name, enum bill_period *out, struct error *err)
{
    static const char *const names[] = {"trace", "day", "month", NULL};
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum bill_period)i;
            return 0;
        }
    return error_set(err, ERR_INPUT, "--period takes trace, day or month, found \"%s\"", name);
}

static int fill_options(const struct bill_command *o, struct bill_options *out, struct error *err)
{
    *out = (struct bill_options){.by = o->by,
                                 .units = o->units,
                                 .break_even_output = o->break_even_output,
                                 .volume = o->volume,
                                 .max_wait_ns = o->max_wait_ns,
                                 .workers = o->workers ? (unsigned)o->workers : run_bill_workers(),
                                 .both_caps = true};
    if (o->ttft_ms > 0 || o->tpot_ms > 0)
        out->duration =
            (struct serve_duration){true, (int64_t)(o->ttft_ms * 1e6), (int64_t)(o->tpot_ms * 1e6)};
    out->has_start = o->start != NULL;
    if (o->start && options_parse_instant("--start", o->start, &out->start_unix_ns, err) < 0)
        return ERR_INPUT;
    int code = parse_period(o->period, &out->period, err);
    if (code == 0 && o->volume > 0 && out->period == PERIOD_DAY)
        return error_set(
            err, ERR_INPUT,
            "--volume is requests a month; leave --period day out, or give --period day "
            "alone for the workload's own rate");
    return code;
}

/* -o is a directory for all of the bill, and not the file of an export. */
static bool is_directory(const struct bill_command *o)
{
    return o->output && !o->export && bill_output_is_directory(o->output);
}

static int write_bill(const struct bill_command *o, const struct bill_subject *s,
                      struct output *out, struct error *err)
{
    if (o->output && !o->export)
        return output_keep(out, NULL, o->output, err);
    return s->is_run ? output_keep(out, s->path, "bill.json", err) : 0;
}

static bool is_all(const char *change)
{
    return strcmp(change, "all") == 0;
}

static bool is_matrix(const struct bill_command *o)
{
    bool matrix = o->matrix;
    for (size_t i = 0; i < o->what_if.count; i++)
        matrix = matrix || is_all(o->what_if.items[i]);
    return matrix;
}

static void put_bill(const struct terminal *t, const struct bill_command *o,
                     const struct bill *bill, struct buffer *out)
{
    bill_write_table(bill, t->width, out);
    bill_shares_write_table(bill, t->width, out);
    if (bill->ladder)
        ladder_write_table(bill->ladder, t->width, out);
    if (bill->what_if && is_matrix(o))
        what_if_write_matrix(bill->what_if, out);
    else if (bill->what_if)
        what_if_write_table(bill->what_if, t->width, out);
}

/* Each run has its own bill.json; a file that is asked for has all of them. */
static int write_bills(const struct bill_command *o, const struct bill_subjects *s,
                       struct output *all, struct error *err)
{
    int code = 0;
    if (is_directory(o))
        return 0; /* see write_directory() */
    if ((o->output && !o->export) || s->count == 1)
        return write_bill(o, &s->items[0], all, err);
    for (size_t i = 0; i < s->count && code == 0; i++) {
        struct output out;
        output_begin(&out);
        bill_write_json(&s->items[i].bill, &out.json);
        code = write_bill(o, &s->items[i], &out, err);
        output_end(&out, NULL, NULL);
    }
    return code;
}

static int write_directory(const struct bill_command *o, const struct several *all,
                           struct output *shown, struct error *err)
{
    struct bill_output out = {.path = o->output,
                              .all = all,
                              .json = &shown->document,
                              .requests = o->requests_csv,
                              .no_plots = o->no_plots};
    if (!is_directory(o))
        return 0;
    return bill_output_write(&out, &shown->text, err);
}

/* Of more workloads than this people see the table side by side; the JSON and the page have all. */
#define BLOCKS_MOST 6

/* A block for each workload; of several, all of them side by side below. */
static int show(const struct terminal *t, const struct bill_command *o, const struct bill_export *x,
                const struct bill_subjects *s, const struct several *all, struct error *err)
{
    struct output out;
    output_begin(&out);
    for (size_t i = 0; i < s->count && s->count <= BLOCKS_MOST; i++) {
        put_bill(t, o, &s->items[i].bill, &out.text);
        if (s->count > 1)
            buffer_add_byte(&out.text, '\n');
    }
    if (s->count > 1) {
        several_write_table(all, t->width, &out.text);
        several_write_json(all, &out.json);
    } else {
        bill_write_json(&s->items[0].bill, &out.json);
    }
    int code = write_bills(o, s, &out, err);
    if (code == 0)
        code = write_directory(o, all, &out, err);
    if (code == 0)
        code = bill_export_write(x, all->bills, s->count, &out.text, err);
    bool table = !bill_export_prints(x) && (!o->common.json || !o->common.quiet);
    output_end(&out, code == 0 && table ? t->human : NULL,
               code == 0 && o->common.json ? t->machine : NULL);
    return code;
}

static int change(const struct bill_command *o, struct bill_subject *s,
                  const struct plan_selection *plans, const struct bill_options *how,
                  struct error *err)
{
    const struct workload *w = &s->run.workload;
    struct what_if_changes changes = {0};
    if (o->what_if.count == 0 && o->matrix)
        what_if_changes_all(&changes, w, plans->plans, plans->count);
    for (size_t i = 0; i < o->what_if.count; i++)
        if (is_all(o->what_if.items[i]))
            what_if_changes_all(&changes, w, plans->plans, plans->count);
        else
            what_if_changes_add(&changes, o->what_if.items[i]);
    int code = 0;
    if (changes.count > 0)
        code = what_if_make(&s->what_if, w, plans->plans, plans->count, changes.items,
                            changes.count, how, o->common.seed, &s->bill, err);
    if (s->what_if.case_count > 0)
        what_if_attach(&s->what_if, &s->bill);
    what_if_changes_free(&changes);
    return code;
}

/* For a month's bill, and where it is asked for. */
static int add_ladder(const struct bill_command *o, struct bill_subject *s, struct error *err)
{
    struct ladder_options how = {.seed = o->common.seed, .redraws = LADDER_REDRAWS};
    if ((!o->ladder && s->bill.options.period != PERIOD_MONTH) || s->bill.completed == 0)
        return 0;
    s->bill.no_ladder = s->bill.undecided;
    if (s->bill.undecided)
        return 0;
    int code = ladder_make(&s->ladder, &s->bill, &how, err);
    if (code == 0)
        ladder_attach(&s->ladder, &s->bill);
    return code;
}

/* What needs a row for each request. */
static int check_sums(const struct bill_command *o, struct error *err)
{
    const struct {
        bool given;
        const char *option;
    } single[] = {
        {o->what_if.count > 0, "--what-if"},
        {o->matrix, "--matrix"},
        {o->slos.count > 0, "--slo"},
        {o->by != NULL, "--by"},
        {strcmp(o->period, "trace") != 0, "--period"},
        {o->volume > 0, "--volume"},
        {o->ladder, "--ladder"},
        {o->max_wait_ns > 0, "--max-wait"},
        {o->requests > 0, "--requests"},
        {o->ttft_ms > 0, "--ttft-ms"},
        {o->tpot_ms > 0, "--tpot-ms"},
        {o->break_even_output > 0, "--break-even-output"},
        {is_directory(o), "-o DIR"},
        {o->export != NULL, "--export"},
        {o->tokens_as.count > 0, "--tokens-as"},
    };
    for (size_t i = 0; i < COUNT_OF(single); i++)
        if (single[i].given)
            return error_set(err, ERR_INPUT,
                             "%s needs a row for each request, and rows of this file stand for "
                             "many, as a usage report's do",
                             single[i].option);
    return 0;
}

/* Rows that stand for many requests. */
static int bill_sums(const struct terminal *t, const struct bill_command *o,
                     const struct bill_subject *s, const struct plan_selection *plans,
                     const struct bill_options *how, struct error *err)
{
    struct sum_options sums = {how->has_start, how->start_unix_ns, how->units};
    struct sum_bill bill;
    struct output out;
    int code = check_sums(o, err);
    if (code == 0)
        code = sum_bill_make(&bill, &s->run.workload, plans->plans, plans->count, &sums, err);
    if (code < 0)
        return code;
    output_begin(&out);
    sum_bill_write_json(&bill, &out.json);
    sum_bill_write_table(&bill, t->width, &out.text);
    code = write_bill(o, s, &out, err);
    output_end(&out, code == 0 && (!o->common.json || !o->common.quiet) ? t->human : NULL,
               code == 0 && o->common.json ? t->machine : NULL);
    sum_bill_free(&bill);
    return code;
}

static int bill_requests(const struct bill_command *o, struct bill_subject *s,
                         const struct plan_selection *plans, const struct bill_options *how,
                         struct error *err)
{
    int code = bill_make(&s->bill, &s->run.workload, plans->plans, plans->count, how, err);
    if (code < 0)
        return code;
    s->bill.generated = s->scenario;
    s->bill.generated_seed = o->common.seed;
    code = change(o, s, plans, how, err);
    if (code == 0)
        code = add_ladder(o, s, err);
    return code < 0 ? code : bill_shares_make(&s->bill, err);
}

static int bill_all(const struct terminal *t, const struct bill_command *o,
                    const struct bill_export *x, struct bill_subjects *subjects,
                    const struct plan_selection *plans, const struct bill_options *how,
                    struct error *err)
{
    const struct bill **bills = mem_zero(subjects->count, sizeof *bills);
    struct several all;
    int code = 0;
    for (size_t i = 0; i < subjects->count && code == 0; i++) {
        struct bill_subject *s = &subjects->items[i];
        if (s->run.workload.requests)
            code = error_set(err, ERR_INPUT,
                             "the rows of %s stand for many requests, as a usage report's do: bill "
                             "it alone",
                             s->path);
        if (code == 0)
            code = bill_requests(o, s, plans, how, err);
        bills[i] = &s->bill;
    }
    if (code == 0) {
        several_make(&all, bills, subjects->count);
        code = show(t, o, x, subjects, &all, err);
        several_free(&all);
    }
    free(bills);
    return code;
}

static int read_subjects(const struct terminal *t, const struct bill_command *o,
                         struct bill_subjects *out, struct error *err)
{
    struct slo_list slos = {0};
    if (slo_list_read(o->slos.items, o->slos.count, &slos, err) < 0)
        return err->code;
    struct bill_subjects_request request = {.paths = o->common.arguments,
                                            .path_count = o->common.argument_count,
                                            .scenarios = &o->scenarios,
                                            .transforms = &o->transforms,
                                            .reading = &o->reading,
                                            .slos = &slos,
                                            .requests = o->requests,
                                            .duration_ns = o->duration_ns,
                                            .seed = o->common.seed};
    return bill_subjects_read(out, &request, t, err);
}

/* What is wrong with the words, before anything is read. */
static int check(const struct bill_command *o, struct bill_options *how, struct error *err)
{
    if (o->common.argument_count + o->scenarios.count == 0)
        return error_set(err, ERR_INPUT,
                         "expected " TRACE_ARGUMENT ", or --scenario NAME; --help "
                         "shows how");
    if (o->duration_ns > 0 && o->scenarios.count == 0)
        return error_set(err, ERR_INPUT,
                         "--duration is how long a --scenario is generated, and "
                         "there is none");
    if (o->plans.count == 0)
        return error_set(err, ERR_INPUT,
                         "no plans: give --plans FILE or names from the price book (farebox prices "
                         "list)");
    bool directory = is_directory(o);
    if (!directory && (o->requests_csv || o->no_plots))
        return error_set(err, ERR_INPUT, "%s goes with -o DIR",
                         o->requests_csv ? "--requests-csv" : "--no-plots");
    if (directory && bill_output_check(o->output, o->force, err) < 0)
        return err->code;
    return fill_options(o, how, err);
}

/* What was asked for and can change nothing here. */
static void warn_of_unused(const struct terminal *t, const struct bill_command *o,
                           const struct plan_selection *plans, const struct bill_subjects *s)
{
    bool units = false, runs = false;
    for (size_t i = 0; i < plans->count; i++)
        units = units || plans->plans[i]->provisioned.present;
    for (size_t i = 0; i < s->count; i++)
        runs = runs || s->items[i].is_run;
    if (o->units > 0 && !units)
        warn(t, "--units changes nothing: no plan here has provisioned units");
    if (o->slos.count > 0 && !runs)
        warn(t, "--slo changes nothing: only the requests of a run have latencies");
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct bill_command *o = given;
    struct bill_options how;
    struct plan_selection plans = {0};
    struct token_scales scales = {0};
    struct bill_subjects s = {0};
    struct bill_export x = {0};
    int code = check(o, &how, err);
    if (code == 0)
        code = bill_export_parse(&x, o->export, &o->focus, o->output, o->common.json, err);
    if (code == 0)
        code = run_bill_select(&o->plans, &plans, err);
    run_bill_say_taken(t, &plans);
    if (code == 0)
        code =
            bill_export_check(&x, plans.count, o->common.argument_count + o->scenarios.count, err);
    if (code == 0)
        code = run_bill_read_scales(&o->tokens_as, &scales, err);
    how.scales = &scales;
    if (code == 0)
        code = read_subjects(t, o, &s, err);
    if (code == 0)
        warn_of_unused(t, o, &plans, &s);
    if (code == 0)
        code = s.count == 1 && s.items[0].run.workload.requests
                   ? bill_sums(t, o, &s.items[0], &plans, &how, err)
                   : bill_all(t, o, &x, &s, &plans, &how, err);
    bill_export_free(&x);
    bill_subjects_free(&s);
    plan_selection_free(&plans);
    token_scales_free(&scales);
    return code;
}

const struct command command_bill = {
    .name = "bill",
    .summary = "what every plan would charge for traces, runs or scenarios, exactly",
    .usage = "(TRACE | RUN | --scenario NAME)... --plans FILE[,FILE]",
    .about = "Prices a workload under every plan: what is really paid, with as many subscriptions\n"
             "as it takes, the distribution of a request's price and where its variance comes "
             "from, what limits turn away, delay or cut,\n"
             "and where one plan overtakes another. Beside a run, bill.json is written into it.",
    .examples = "  farebox bill trace.csv --plans plans.json\n"
                "  farebox bill results/demo --plans plans.json --by user\n"
                "  farebox bill trace.jsonl --plans oxlo/pro,deepseek/r1-671b --volume 20000\n"
                "  farebox bill trace.jsonl --plans oxlo/pro --export focus -o focus.csv\n"
                "  farebox bill team-a.jsonl team-b.jsonl -s chat --plans plans.json -o bill\n",
    .options = options,
    .options_size = sizeof(struct bill_command),
    .run = run,
};
