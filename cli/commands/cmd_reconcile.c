/* farebox reconcile: why a provider's figure differs from one's own. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/run_bill.h"
#include "cli/workload_files.h"
#include "core/runs/record/run_dir.h"
#include "core/text.h"
#include "sim/cost/reconcile/reconcile.h"

#include <string.h>

struct reconcile_command {
    struct common_options common;
    struct option_list plan;
    const char *rate, *start, *from, *until, *fail_over, *fail_unexplained, *output;
    const char *invoice_format, *invoice_columns, *invoice_keys;
    bool force;
    struct trace_reading reading;
};

#define AT(field) offsetof(struct reconcile_command, field)
static const struct option_spec options[] = {
    {"plan", 'p', OPTION_LIST, AT(plan), .unit = "PLAN|FILE#PLAN",
     .help = "what one's own requests are billed at; unless given, the costs that the records "
             "report",
     .group = "What is compared"},
    {"rate", 0, OPTION_TEXT, AT(rate), .unit = "CODE=USD",
     .help = "what one of the invoice's currency is in USD: EUR=1.08"},
    {"start", 0, OPTION_TEXT, AT(start), .unit = "INSTANT",
     .help = "wall clock of the records' first instant, such as 2026-11-01T00:00:00Z"},
    {"from", 0, OPTION_TEXT, AT(from), .unit = "INSTANT",
     .help = "compare from here on, with --until; the invoice's own time unless given"},
    {"until", 0, OPTION_TEXT, AT(until), .unit = "INSTANT", .help = "and only before this"},
    {"fail-over", 0, OPTION_TEXT, AT(fail_over), .unit = "X%|USD",
     .help = "exit 1 if theirs differs from ours by more than this", .group = "As a gate"},
    {"fail-unexplained", 0, OPTION_TEXT, AT(fail_unexplained), .unit = "X%|USD",
     .help = "exit 1 if more than this is in the rest or cannot be told apart"},
    {"output", 'o', OPTION_OUTPUT, AT(output), .unit = "FILE",
     .help = "where the JSON goes; - is standard output"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing file"},
    {"invoice-format", 0, OPTION_TEXT, AT(invoice_format), .unit = "NAME",
     .help = "the invoice's form, where it is not recognised from its content",
     .group = "Reading the invoice"},
    {"invoice-columns", 0, OPTION_TEXT, AT(invoice_columns), .unit = "FIELD=COLUMN,...",
     .help = "of a table, as --columns of a trace: timestamp=day,request_id=id,cost_usd=cost"},
    {"invoice-keys", 0, OPTION_TEXT, AT(invoice_keys), .unit = "FIELD=PATH,...",
     .help = "of JSON, as --keys of a trace"},
    TRACE_READING_OPTIONS(struct reconcile_command, reading),
    {0},
};

static int read_rate(const char *text, const char *currency, uint64_t *out, struct error *err)
{
    const char *sign = strchr(text, '=');
    if (!sign || sign - text != 3 || !terms_millionths(text_of(sign + 1), out) || *out == 0)
        return error_set(err, ERR_INPUT,
                         "--rate expects a currency and what one of it is in USD, with at most six "
                         "decimals, such as EUR=1.08; found \"%.60s\"",
                         text);
    if (strncmp(text, currency, 3) != 0)
        return error_set(err, ERR_INPUT, "--rate %.3s: the invoice is in %s", text, currency);
    return 0;
}

static int read_period(const struct reconcile_command *o, struct reconcile_options *out,
                       struct error *err)
{
    if (!o->from && !o->until)
        return 0;
    if (!o->from || !o->until)
        return error_set(err, ERR_INPUT, "--from and --until go together");
    out->has_period = true;
    if (options_parse_instant("--from", o->from, &out->from_ns, err) < 0 ||
        options_parse_instant("--until", o->until, &out->until_ns, err) < 0)
        return ERR_INPUT;
    return out->from_ns < out->until_ns
               ? 0
               : error_set(err, ERR_INPUT, "--until must be later than --from");
}

/* "1%" of ours, or USD. */
static int read_limit(const char *option, const char *text, money ours, money *out,
                      struct error *err)
{
    struct text t = text_of(text);
    bool share = t.length > 1 && t.at[t.length - 1] == '%';
    uint64_t millionths;
    if (share) {
        t.length--;
        if (terms_millionths(t, &millionths) && millionths % 100 == 0 &&
            terms_scale(ours, millionths / 100, out, NULL) == 0)
            return 0;
    } else if (money_parse(t.at, t.length, MONEY_PER_ONE, out) == MONEY_OK && *out >= 0) {
        return 0;
    }
    return error_set(err, ERR_INPUT,
                     "%s expects a share such as 1%% or USD such as 0.50, found "
                     "\"%.60s\"",
                     option, text);
}

static int judge(const char *option, const char *text, const char *what, money amount,
                 const struct reconciliation *r, struct error *err)
{
    money limit;
    char is[MONEY_TEXT_SIZE];
    if (!text)
        return 0;
    if (read_limit(option, text, r->ours, &limit, err) < 0)
        return ERR_INPUT;
    if ((amount < 0 ? -amount : amount) <= limit)
        return 0;
    money_format_amount(amount < 0 ? -amount : amount, 4, is);
    return error_set(err, ERR_WORK, "%s is %s$%s, more than %s %s allows", what,
                     amount < 0 ? "-" : "", is, option, text);
}

struct subject {
    struct run_workload run;
    struct plan_selection plans;
    struct own_list own;
    struct invoice invoice;
    struct reconciliation result;
};

static int read_records(const struct terminal *t, const struct reconcile_command *o,
                        struct subject *s, struct error *err)
{
    struct workload *w = &s->run.workload;
    struct trace_reading reading = o->reading;
    reading.ids = true;
    workload_init(w);
    if (trace_or_run_read(o->common.arguments[0], &reading, NULL, t, &s->run, err) < 0)
        return err->code;
    if (run_dir_is_run(o->common.arguments[0]))
        run_bill_tell(t, &s->run.report);
    if (o->start) {
        w->has_start = true;
        if (options_parse_instant("--start", o->start, &w->start_unix_ns, err) < 0)
            return ERR_INPUT;
    }
    return own_list_make(&s->own, w, s->plans.count ? s->plans.plans[0] : NULL, err);
}

static int read_plan(const struct reconcile_command *o, struct plan_selection *plans,
                     struct error *err)
{
    if (o->plan.count == 0)
        return 0;
    if (run_bill_select(&o->plan, plans, err) < 0)
        return err->code;
    if (plans->count != 1)
        return error_set(err, ERR_INPUT, "--plan names %zu plans; expected one", plans->count);
    return 0;
}

/* What no line of a request says: such a plan is only compared in what it charges for usage. */
static void warn_of_plan(const struct terminal *t, const struct plan *plan)
{
    if (plan && own_plan_charges_more(plan))
        warn(t,
             "%s: only what it charges for each request is compared, without subscription, "
             "quota, minimum and volume discount",
             plan->name);
}

static int show(const struct terminal *t, const struct reconcile_command *o,
                const struct reconciliation *r, struct error *err)
{
    struct output out;
    output_begin(&out);
    reconciliation_write_json(r, &out.json);
    reconciliation_write_table(r, t->width, &out.text);
    int code = o->output ? output_keep(&out, NULL, o->output, err) : 0;
    output_end(&out, code == 0 ? t->human : NULL, code == 0 && o->common.json ? t->machine : NULL);
    return code;
}

static int compare(const struct terminal *t, const struct reconcile_command *o, struct subject *s,
                   struct error *err)
{
    struct reconcile_options how = {.plan = s->own.plan};
    if (read_period(o, &how, err) < 0 ||
        (o->rate && read_rate(o->rate, s->invoice.currency, &how.usd_each, err) < 0) ||
        reconcile(&s->result, &s->own, &s->invoice, &how, err) < 0)
        return ERR_INPUT;
    if (invoice_has_ids(&s->invoice) && !s->result.by_id)
        warn(t, "no id of the invoice is one of the records': they are joined by time");
    if (s->invoice.skipped)
        warn(t, "%llu rows of the invoice are no usage and no charge and were skipped",
             (unsigned long long)s->invoice.skipped);
    warn_of_plan(t, how.plan);
    int code = show(t, o, &s->result, err);
    if (code == 0)
        code = judge("--fail-over", o->fail_over, "the difference",
                     s->result.theirs - s->result.ours, &s->result, err);
    if (code == 0)
        code = judge("--fail-unexplained", o->fail_unexplained, "what is not explained",
                     reconciliation_unexplained(&s->result), &s->result, err);
    return code;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct reconcile_command *o = given;
    struct subject s = {0};
    struct trace_options reading = {.format = o->invoice_format,
                                    .columns = o->invoice_columns,
                                    .keys = o->invoice_keys,
                                    .timezone = o->reading.timezone,
                                    .dates = o->reading.dates,
                                    .ids = true,
                                    .is_invoice = true};
    int code = command_arguments(&o->common, 2, "RECORDS and INVOICE", err);
    if (code == 0)
        code = read_plan(o, &s.plans, err);
    if (code == 0)
        code = read_records(t, o, &s, err);
    if (code == 0)
        code = invoice_read(o->common.arguments[1], &reading, &s.invoice, err);
    if (code == 0)
        code = compare(t, o, &s, err);
    reconciliation_free(&s.result);
    invoice_free(&s.invoice);
    own_list_free(&s.own);
    plan_selection_free(&s.plans);
    run_workload_free(&s.run);
    return code;
}

const struct command command_reconcile = {
    .name = "reconcile",
    .summary = "why a provider's invoice differs from one's own records, by cause",
    .usage = "RECORDS INVOICE [--plan NAME]",
    .about =
        "Joins own records (a run, a trace, any log) with what a provider says: a cost or usage\n"
        "report, a gateway's log, an invoice line by line. The difference is split by cause in a\n"
        "fixed order and adds up to the last digit. What may have several causes names them all;\n"
        "what none reproduces is the rest. docs/reconcile.md tells how each cause is recognised.\n",
    .examples = "  farebox reconcile results/october costs.json --plan openai/gpt-4o\n"
                "  farebox reconcile trace.jsonl spend.json --fail-over 1%\n"
                "  farebox reconcile trace.jsonl invoice.csv --invoice-columns "
                "request_id=id,timestamp=at,input=in,output=out,cost_usd=usd --plan mine.json\n",
    .options = options,
    .options_size = sizeof(struct reconcile_command),
    .run = run,
};
