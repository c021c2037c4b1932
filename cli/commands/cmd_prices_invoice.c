/* farebox prices invoice: what a provider would write for some records, with errors if asked. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/run_bill.h"
#include "cli/workload_files.h"
#include "core/file.h"
#include "sim/cost/reconcile/invoice_make.h"

#include <string.h>

struct invoice_command {
    struct common_options common;
    struct option_list plan, faults;
    const char *as, *start, *output;
    bool without_usage, without_amounts, without_list, force;
    struct trace_reading reading;
};

static const char *form_name(size_t i)
{
    static const char *const names[] = {"requests", "hours", "days"};
    return i < 3 ? names[i] : NULL;
}

#define AT(field) offsetof(struct invoice_command, field)
static const struct option_spec options[] = {
    {"plan", 'p', OPTION_LIST, AT(plan), .unit = "PLAN|FILE#PLAN",
     .help = "what each request is billed at", .group = "What is billed"},
    {"start", 0, OPTION_TEXT, AT(start), .unit = "INSTANT",
     .help = "wall clock of the records' first instant, such as 2026-11-01T00:00:00Z"},
    {"as", 0, OPTION_TEXT, AT(as), "requests", "NAME", .choice = form_name,
     .help = "a line for each request, or sums by model and service: ", .group = "The invoice"},
    {"fault", 0, OPTION_LIST, AT(faults), NULL, "KIND[=VALUE]",
     .help = "an error in it, again and again: missing-here=3, day-boundary=-08:00, discount=10%, "
             "...; docs/reconcile.md lists them"},
    {"without-usage", 0, OPTION_FLAG, AT(without_usage), .help = "amounts alone, no tokens"},
    {"without-amounts", 0, OPTION_FLAG, AT(without_amounts), .help = "tokens alone, no amounts"},
    {"without-list", 0, OPTION_FLAG, AT(without_list),
     .help = "no list prices beside the amounts of requests"},
    {"output", 'o', OPTION_OUTPUT, AT(output), .unit = "FILE",
     .help = "where it goes; - is standard output"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing file"},
    TRACE_READING_OPTIONS(struct invoice_command, reading),
    {0},
};

static int fill(const struct invoice_command *o, struct invoice_making *how, struct error *err)
{
    const int64_t hour = 3600 * NS_PER_S;
    *how = (struct invoice_making){.without_usage = o->without_usage,
                                   .without_amounts = o->without_amounts,
                                   .without_list = o->without_list,
                                   .seed = o->common.seed};
    how->bucket_ns = strcmp(o->as, "hours") == 0  ? hour
                     : strcmp(o->as, "days") == 0 ? 24 * hour
                                                  : 0;
    if (!how->bucket_ns && strcmp(o->as, "requests") != 0)
        return error_set(err, ERR_INPUT, "--as %s: expected requests, hours or days", o->as);
    if (o->without_usage && o->without_amounts)
        return error_set(err, ERR_INPUT,
                         "without usage and without amounts nothing is left of an invoice");
    for (size_t i = 0; i < o->faults.count; i++)
        if (invoice_fault_add(how, o->faults.items[i], err) < 0)
            return ERR_INPUT;
    return 0;
}

static int read_start(const struct invoice_command *o, struct workload *w, struct error *err)
{
    if (!o->start)
        return 0;
    w->has_start = true;
    return options_parse_instant("--start", o->start, &w->start_unix_ns, err);
}

static void put_truth(struct json_writer *w, const struct invoice_making *how,
                      const struct invoice *invoice, const money truth[CAUSES],
                      const uint64_t changed[CAUSES])
{
    json_begin_object(w);
    json_pair_u64(w, "lines", invoice->count);
    json_key(w, "faults");
    json_begin_array(w);
    for (int c = 0; c < CAUSES; c++) {
        if (!how->faults[c].given)
            continue;
        json_begin_object(w);
        json_pair_string(w, "cause", cause_name((enum cause)c));
        json_pair_u64(w, "changed", changed[c]);
        json_pair_money(w, "usd", truth[c]);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

/* What the invoice lacks of what was asked for. */
static void warn_of_less(const struct terminal *t, const struct invoice_making *how,
                         const uint64_t changed[CAUSES])
{
    if (own_plan_charges_more(how->plan))
        warn(t,
             "%s: the invoice has what it charges for each request, without subscription, quota, "
             "minimum and volume discount",
             how->plan->name);
    for (int c = 0; c < CAUSES; c++)
        if (how->faults[c].given && changed[c] < how->faults[c].count)
            warn(t, "--fault %s: %llu were asked for, and these records have only %llu to change",
                 cause_name((enum cause)c), (unsigned long long)how->faults[c].count,
                 (unsigned long long)changed[c]);
}

static int make(const struct terminal *t, const struct invoice_command *o,
                const struct own_list *own, const struct invoice_making *how, struct error *err)
{
    money truth[CAUSES];
    uint64_t changed[CAUSES];
    struct invoice invoice;
    struct buffer text;
    struct output out;
    if (invoice_make(&invoice, own, how, truth, changed, err) < 0)
        return ERR_INPUT;
    buffer_init(&text, BUFFER_UNBOUNDED);
    warn_of_less(t, how, changed);
    invoice_write(&invoice, &text);
    int code = file_write_atomic(o->output, text.data, text.length, err);
    buffer_free(&text);
    output_begin(&out);
    put_truth(&out.json, how, &invoice, truth, changed);
    buffer_add_format(&out.text, "%zu lines written to %s\n", invoice.count, o->output);
    output_end(&out, code == 0 ? t->human : NULL, code == 0 && o->common.json ? t->machine : NULL);
    invoice_free(&invoice);
    return code;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct invoice_command *o = given;
    struct invoice_making how;
    struct plan_selection plans = {0};
    struct run_workload records = {0};
    struct own_list own = {0};
    int code = command_arguments(&o->common, 1, TRACE_ARGUMENT, err);
    if (code == 0)
        code = fill(o, &how, err);
    if (code == 0 && (!o->output || o->plan.count == 0))
        code = error_set(err, ERR_INPUT, "expected --plan NAME and -o FILE (or -o -)");
    if (code == 0)
        code = run_bill_select(&o->plan, &plans, err);
    if (code == 0 && plans.count != 1)
        code = error_set(err, ERR_INPUT, "--plan names %zu plans; expected one", plans.count);
    workload_init(&records.workload);
    if (code == 0)
        code = trace_or_run_read(o->common.arguments[0], &o->reading, NULL, t, &records, err);
    if (code == 0)
        code = read_start(o, &records.workload, err);
    if (code == 0)
        code = own_list_make(&own, &records.workload, plans.plans[0], err);
    if (code == 0) {
        how.plan = plans.plans[0];
        code = make(t, o, &own, &how, err);
    }
    own_list_free(&own);
    run_workload_free(&records);
    plan_selection_free(&plans);
    return code;
}

const struct command command_prices_invoice = {
    .name = "prices invoice",
    .summary = "the invoice that a provider would write, with errors of known kinds if asked",
    .usage = "(TRACE | RUN) --plan NAME [--as days] [--fault KIND[=VALUE]]... -o FILE",
    .about =
        "Bills every request of a trace, a run or a mock's truth log and writes the invoice,\n"
        "line by line or as sums, with errors in it if asked: what farebox reconcile is tried\n"
        "on. --json says by how many USD each error changed it.\n",
    .examples = "  farebox prices invoice trace.jsonl --plan demo/token -o invoice.jsonl\n"
                "  farebox prices invoice trace.jsonl --plan demo/token --as days --fault "
                "missing-there=2 --fault discount=10% -o invoice.jsonl\n",
    .options = options,
    .options_size = sizeof(struct invoice_command),
    .run = run,
};
