/* farebox bill: what every plan would charge for a workload or a run. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/run_bill.h"
#include "cli/workload_files.h"
#include "core/runs/record/run_dir.h"
#include "core/text.h"
#include "sim/cost/bill/what_if.h"
#include "sim/cost/sums/sum_bill.h"

#include <string.h>

struct bill_command {
    struct common_options common;
    struct option_list plans, what_if, slos;
    const char *period, *by, *start, *output;
    bool force;
    uint64_t workers, units, requests, break_even_output, volume;
    int64_t max_wait_ns;
    double ttft_ms, tpot_ms;
    struct trace_reading reading;
};

#define AT(field) offsetof(struct bill_command, field)
static const struct option_spec options[] = {
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "FILE|NAME[,...]",
     .help = "price books, bundled books or plans of theirs (* and ? allowed)",
     .group = "What is billed"},
    {"requests", 'n', OPTION_COUNT, AT(requests), .unit = "N", .help = "the first N requests only"},
    {"start", 0, OPTION_TEXT, AT(start), .unit = "INSTANT",
     .help = "wall clock of the workload's first instant, such as 2026-11-01T00:00:00Z"},
    {"period", 0, OPTION_TEXT, AT(period), "trace", "trace|day|month",
     .help = "what a day or a month at the workload's own rate costs: an extrapolation"},
    {"volume", 0, OPTION_COUNT, AT(volume), .unit = "N", .min = 1, .max = 1e12,
     .help = "what a month of so many requests like these costs: an extrapolation"},
    {"max-wait", 0, OPTION_DURATION, AT(max_wait_ns), "0", .unit = "TIME", .zero = true,
     .help = "how long a request may wait for a plan that queues; as many subscriptions are bought "
             "as that takes"},
    {"by", 0, OPTION_TEXT, AT(by), .unit = "KEY",
     .help = "split by model, class, session, day, or the key of a label such as user"},
    {"what-if", 'w', OPTION_LIST, AT(what_if), .unit = "CHANGE",
     .help = "price a changed workload beside: cache, or a transform such as truncate=tokens:4000 "
             "(farebox workload transform --list); again and again"},
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=MS",
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
    {"output", 'o', OPTION_OUTPUT, AT(output), .unit = "FILE",
     .help = "where bill.json goes; a run's own directory unless given; - is standard output"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing file"},
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
    if (o->start) {
        out->has_start = true;
        if (clock_parse_instant(o->start, strlen(o->start), &out->start_unix_ns) < 0)
            return error_set(err, ERR_INPUT,
                             "--start expects an instant such as 2026-11-01T00:00:00Z, found "
                             "\"%s\"",
                             o->start);
    }
    int code = parse_period(o->period, &out->period, err);
    if (code == 0 && o->volume > 0 && out->period == PERIOD_DAY)
        return error_set(
            err, ERR_INPUT,
            "--volume is requests a month; leave --period day out, or give --period day "
            "alone for the workload's own rate");
    return code;
}

/* What is billed, and where it came from. */
struct subject {
    struct run_workload run; /* of a trace the workload alone */
    bool is_run;
};

static int read_subject(const struct terminal *t, const struct bill_command *o, struct subject *s,
                        struct error *err)
{
    const char *path = o->common.arguments[0];
    struct slo_list slos = {0};
    if (slo_list_read(o->slos.items, o->slos.count, &slos, err) < 0)
        return err->code;
    workload_init(&s->run.workload);
    s->is_run = run_dir_is_run(path);
    if (trace_or_run_read(path, &o->reading, &slos, t, &s->run, err) < 0)
        return err->code;
    if (s->is_run)
        run_bill_tell(t, &s->run.report);
    if (o->requests > 0 && o->requests < s->run.workload.count)
        s->run.workload.count = o->requests;
    return 0;
}

static int write_bill(const struct bill_command *o, const struct subject *s, struct output *out,
                      struct error *err)
{
    if (o->output)
        return output_keep(out, NULL, o->output, err);
    return s->is_run ? output_keep(out, o->common.arguments[0], "bill.json", err) : 0;
}

static int show(const struct terminal *t, const struct bill_command *o, const struct subject *s,
                const struct bill *bill, struct error *err)
{
    struct output out;
    output_begin(&out);
    bill_write_json(bill, &out.json);
    bill_write_table(bill, t->width, &out.text);
    if (bill->what_if)
        what_if_write_table(bill->what_if, t->width, &out.text);
    int code = write_bill(o, s, &out, err);
    output_end(&out, code == 0 && (!o->common.json || !o->common.quiet) ? t->human : NULL,
               code == 0 && o->common.json ? t->machine : NULL);
    return code;
}

static int change(const struct bill_command *o, const struct subject *s,
                  const struct plan_selection *plans, const struct bill_options *how,
                  struct what_if *out, struct error *err)
{
    if (o->what_if.count == 0)
        return 0;
    return what_if_make(out, &s->run.workload, plans->plans, plans->count, o->what_if.items,
                        o->what_if.count, how, o->common.seed, err);
}

/* What needs a row for each request. */
static int check_sums(const struct bill_command *o, struct error *err)
{
    const struct {
        bool given;
        const char *option;
    } single[] = {
        {o->what_if.count > 0, "--what-if"},
        {o->slos.count > 0, "--slo"},
        {o->by != NULL, "--by"},
        {strcmp(o->period, "trace") != 0, "--period"},
        {o->volume > 0, "--volume"},
        {o->max_wait_ns > 0, "--max-wait"},
        {o->requests > 0, "--requests"},
        {o->ttft_ms > 0, "--ttft-ms"},
        {o->tpot_ms > 0, "--tpot-ms"},
        {o->break_even_output > 0, "--break-even-output"},
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
                     const struct subject *s, const struct plan_selection *plans,
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

static int bill_requests(const struct terminal *t, const struct bill_command *o,
                         const struct subject *s, const struct plan_selection *plans,
                         const struct bill_options *how, struct error *err)
{
    struct what_if what_if = {0};
    struct bill bill;
    int code = bill_make(&bill, &s->run.workload, plans->plans, plans->count, how, err);
    if (code < 0)
        return code;
    code = change(o, s, plans, how, &what_if, err);
    if (what_if.case_count > 0)
        bill.what_if = &what_if;
    if (code == 0)
        code = show(t, o, s, &bill, err);
    what_if_free(&what_if);
    bill_free(&bill);
    return code;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct bill_command *o = given;
    struct bill_options how;
    struct plan_selection plans = {0};
    struct subject s = {0};
    int code = command_arguments(&o->common, 1, TRACE_ARGUMENT, err);
    if (code == 0)
        code = fill_options(o, &how, err);
    if (code == 0 && o->plans.count == 0)
        code = error_set(err, ERR_INPUT,
                         "no plans: give --plans FILE or names from the price book (farebox prices "
                         "list)");
    if (code == 0)
        code = run_bill_select(&o->plans, &plans, err);
    if (code == 0)
        code = read_subject(t, o, &s, err);
    if (code == 0)
        code = s.run.workload.requests ? bill_sums(t, o, &s, &plans, &how, err)
                                       : bill_requests(t, o, &s, &plans, &how, err);
    run_workload_free(&s.run);
    plan_selection_free(&plans);
    return code;
}

const struct command command_bill = {
    .name = "bill",
    .summary = "what every plan would charge for a trace or a run, exactly",
    .usage = "(TRACE | RUN) --plans FILE[,FILE]",
    .about = "Prices a workload under every plan: what is really paid, with as many subscriptions\n"
             "as it takes, the distribution of a request's price and where its variance comes "
             "from, what limits turn away, delay or cut,\n"
             "and where one plan overtakes another. Beside a run, bill.json is written into it.",
    .examples = "  farebox bill trace.csv --plans plans.json\n"
                "  farebox bill results/demo --plans plans.json --by user\n"
                "  farebox bill trace.jsonl --plans oxlo/pro,deepseek/r1-671b --volume 20000\n",
    .options = options,
    .options_size = sizeof(struct bill_command),
    .run = run,
};
