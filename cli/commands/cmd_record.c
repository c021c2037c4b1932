/* farebox record: a relay in front of an endpoint that makes a trace of what passes. */
#include "bench/recorder/recorder.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_bill.h"
#include "core/memory.h"
#include "sim/cost/book/budget.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct record_options {
    struct common_options common;
    const char *listen, *to, *output, *session_from, *key_file, *ca_file;
    struct option_list labels, plans;
    uint64_t block_size, max_size;
    bool force, content, insecure;
};

#define AT(field) offsetof(struct record_options, field)
static const struct option_spec options[] = {
    {"listen", 'l', OPTION_TEXT, AT(listen), "127.0.0.1:8088", "HOST:PORT",
     .help = "where to listen; port 0 picks a free one and prints it", .group = "Relay"},
    {"to", 't', OPTION_TEXT, AT(to), .unit = "URL",
     .help = "the endpoint: the API's base as clients take it, https://api.example.com/v1"},
    {"cacert", 0, OPTION_TEXT, AT(ca_file), .unit = "FILE", .help = "certificates to trust"},
    {"insecure", 0, OPTION_FLAG, AT(insecure), .help = "do not check certificates"},

    {"output", 'o', OPTION_OUTPUT, AT(output), .unit = "FILE",
     .help = "the trace: a line for each request, written when it ends; - is standard output",
     .group = "Trace"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing file"},
    {"max-size", 0, OPTION_COUNT, AT(max_size), .unit = "BYTES", .min = 1024, .max = 1e15,
     .help = "go on in the next file (trace-2.jsonl, ...) before a file passes this; SIGHUP does "
             "so at once"},
    {"label", 0, OPTION_LIST, AT(labels), .unit = "NAME=HEADER",
     .help = "label each request with the value of a header: user=x-user"},
    {"session-from", 0, OPTION_TEXT, AT(session_from), .unit = "header:NAME|field:PATH",
     .help = "what names a request's session: a header, or a member of the body such as "
             "field:metadata.user_id; else those are one session of which each request begins with "
             "the messages of an earlier one"},
    {"block-size", 0, OPTION_COUNT, AT(block_size), "16", "TOKENS", .min = 1, .max = 65536,
     .help = "tokens for each number that says which beginnings prompts share"},
    {"key-file", 0, OPTION_TEXT, AT(key_file), .unit = "FILE",
     .help = "keep the key of those numbers here, made where it is not there, so that they are the "
             "same in a later recording; else it is random and only in memory",
     .secret = true},
    {"content", 0, OPTION_FLAG, AT(content),
     .help = "keep what was asked (the body of each request), to be sent again as it is"},

    {"plans", 'p', OPTION_LIST, AT(plans), NULL, "PLAN|FILE[,...]",
     .help = "show what the answers cost so far under the first two of these plans",
     .group = "Cost"},
    {0},
};

struct recording {
    const struct record_options *o;
    const struct terminal *terminal;
    struct recorder_config config;
    struct recorder_label *labels;
    struct recorder *recorder;
    struct progress progress;
    struct workload none; /* the budget's: nothing is planned */
    struct budget budget;
};

/* ---- options ---- */

static int read_label(char *rule, struct recorder_label *out, struct error *err)
{
    char *equals = strchr(rule, '=');
    if (!equals || equals == rule || !equals[1])
        return error_set(err, ERR_INPUT, "--label %s: expected NAME=HEADER, such as user=x-user",
                         rule);
    *equals = '\0';
    *out = (struct recorder_label){rule, equals + 1};
    return 0;
}

static int read_labels(struct recording *r, struct error *err)
{
    const struct option_list *l = &r->o->labels;
    r->labels = mem_zero(l->count, sizeof *r->labels);
    r->config.labels = r->labels;
    for (size_t i = 0; i < l->count; i++) {
        char *rule = mem_copy_string(l->items[i]);
        if (read_label(rule, &r->labels[i], err) < 0) {
            free(rule);
            return err->code;
        }
        r->config.label_count++;
    }
    return 0;
}

static int read_session_from(struct recording *r, struct error *err)
{
    const char *from = r->o->session_from;
    if (!from)
        return 0;
    if (strncmp(from, "header:", 7) == 0 && from[7])
        r->config.session_header = from + 7;
    else if (strncmp(from, "field:", 6) == 0 && from[6])
        r->config.clerk.session_path = from + 6;
    else
        return error_set(err, ERR_INPUT,
                         "--session-from %s: expected header:NAME or field:PATH, such as "
                         "header:x-session-id or field:metadata.user_id",
                         from);
    return 0;
}

static bool note_spend(void *context, const struct record *r)
{
    budget_note(context, r);
    return true;
}

static int make_budget(struct recording *r, struct error *err)
{
    static const struct budget_asked any = {NULL, 1};
    struct plan_selection plans = {0};
    if (r->o->plans.count == 0)
        return 0;
    if (run_bill_select(&r->o->plans, &plans, err) < 0)
        return err->code;
    budget_init(&r->budget, plans, &any, 1, &r->none);
    r->config.clerk.observer = (struct run_observer){&r->budget, note_spend};
    return 0;
}

static void show_progress(void *context, int64_t now_ns);

static int make_config(struct recording *r, struct error *err)
{
    const struct record_options *o = r->o;
    if (!o->to)
        return error_set(err, ERR_INPUT,
                         "--to is missing: the endpoint that is to be recorded, "
                         "such as https://api.example.com/v1");
    if (!o->output)
        return error_set(err, ERR_INPUT,
                         "-o is missing: the trace that is to be written, such as "
                         "trace.jsonl");
    size_t n = strlen(o->output);
    if (n > 3 && strcmp(o->output + n - 3, ".gz") == 0)
        return error_set(err, ERR_INPUT,
                         "-o %s: a recording is written line by line as it is; "
                         "farebox workload convert makes a .gz of it",
                         o->output);
    r->config = (struct recorder_config){
        .listen = o->listen,
        .to = o->to,
        .ca_file = o->ca_file,
        .insecure = o->insecure,
        .clerk = {.path = o->output,
                  .key_file = o->key_file,
                  .max_size = o->max_size,
                  .block_tokens = (uint32_t)o->block_size,
                  .content = o->content,
                  .started_ns = clock_now_ns(),
                  .started_unix_ns = clock_wall_ns()},
        .on_tick = show_progress,
        .context = r,
    };
    if (read_labels(r, err) < 0 || read_session_from(r, err) < 0)
        return err->code;
    return make_budget(r, err);
}

/* ---- what is said ---- */

static void tell_start(const struct recording *r)
{
    const struct terminal *t = r->terminal;
    struct buffer b;
    struct json_writer w;
    fprintf(t->human, "recording %s to %s (Ctrl-C ends it)\n", recorder_url(r->recorder),
            strcmp(r->o->output, "-") == 0 ? "standard output" : r->o->output);
    fprintf(t->human, "clients take %s as their base URL in place of %s\n",
            recorder_url(r->recorder), r->o->to);
    fflush(t->human);
    fflush(stdout);
    if (!r->o->common.json)
        return;
    buffer_init(&b, BUFFER_UNBOUNDED);
    json_write_init(&w, &b, 0);
    json_begin_object(&w);
    json_pair_string(&w, "url", recorder_url(r->recorder));
    json_pair_string(&w, "host", recorder_host(r->recorder));
    json_pair_u64(&w, "port", recorder_port(r->recorder));
    json_end_object(&w);
    buffer_add_byte(&b, '\n');
    print_buffer(t->machine, &b);
    fflush(t->machine);
    buffer_free(&b);
}

static void show_progress(void *context, int64_t now_ns)
{
    struct recording *r = context;
    struct recorder_report seen;
    char text[320], spent[160] = "";
    if (!progress_due(&r->progress, now_ns))
        return;
    recorder_look(r->recorder, &seen);
    if (r->budget.workload)
        budget_show(&r->budget, spent, sizeof spent);
    snprintf(text, sizeof text,
             "%" PRIu64 " requests  in flight %zu  %" PRIu64 " tokens in, %" PRIu64 " out%s%s",
             seen.requests, seen.in_flight, seen.clerk.input_tokens, seen.clerk.output_tokens,
             spent[0] ? "  " : "", spent);
    progress_show(&r->progress, now_ns, -1, text);
}

static uint64_t lost_rows(const struct recorder_report *e)
{
    return e->clerk.lost + e->clerk.dropped;
}

static void put_end(const struct recorder_report *e, struct json_writer *w)
{
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"rows", e->clerk.rows},
        {"failed", e->clerk.failed},
        {"aborted", e->clerk.aborted},
        {"retries", e->clerk.retries},
        {"estimated", e->clerk.estimated},
        {"lost", lost_rows(e)},
        {"requests", e->requests},
        {"passed", e->passed},
        {"refused", e->refused},
        {"unreachable", e->unreachable},
        {"sessions", e->clerk.sessions},
        {"files", e->clerk.files},
        {"connections", e->connections},
        {"connections_turned_away", e->turned_away},
        {"chunks", e->chunks},
        {"input_tokens", e->clerk.input_tokens},
        {"cached_tokens", e->clerk.cached_tokens},
        {"output_tokens", e->clerk.output_tokens},
    };
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        json_pair_u64(w, counts[i].key, counts[i].value);
    json_key(w, "delay_ms");
    json_begin_object(w);
    json_pair_statistic(w, "p50", e->delay_p50_ms);
    json_pair_statistic(w, "p99", e->delay_p99_ms);
    json_pair_statistic(w, "max", e->chunks ? e->delay_max_ms : NAN);
    json_end_object(w);
    json_pair_statistic(w, "busy", e->busy);
}

static void put_spend(struct recording *r, struct json_writer *w)
{
    struct budget *b = &r->budget;
    if (!b->workload)
        return;
    json_key(w, "spent_usd");
    json_begin_object(w);
    for (size_t i = 0; i < b->plans.count; i++)
        json_pair_money(w, b->plans.plans[i]->name, b->spent[i]);
    json_end_object(w);
}

static void warn_of_losses(const struct terminal *t, const struct recorder_report *e)
{
    if (e->clerk.lost)
        warn(t, "%" PRIu64 " rows could not be written and are missing from the trace: %s",
             e->clerk.lost, strerror(e->clerk.lost_errno));
    if (e->clerk.dropped)
        warn(t,
             "%" PRIu64 " requests came faster than rows could be made of them and are missing "
             "from the trace",
             e->clerk.dropped);
    if (e->clerk.estimated)
        warn(t,
             "%" PRIu64 " answers said no usage: their lengths are estimated (\"usage_from\"); "
             "clients get it in streams by \"stream_options\": {\"include_usage\": true}",
             e->clerk.estimated);
    if (e->clerk.forgotten)
        warn(t,
             "more beginnings of prompts came than are remembered: prefixes that are shared "
             "across %" PRIu64 " places in the trace are not seen",
             e->clerk.forgotten);
}

static void tell_end(struct recording *r, const struct recorder_report *e)
{
    const struct terminal *t = r->terminal;
    struct output out;
    char spent[160] = "";
    if (r->budget.workload)
        budget_show(&r->budget, spent, sizeof spent);
    output_begin(&out);
    buffer_add_format(&out.text, "%" PRIu64 " rows of %" PRIu64 " requests", e->clerk.rows,
                      e->requests);
    buffer_add_format(&out.text,
                      ": %" PRIu64 " failed, %" PRIu64 " aborted, %" PRIu64 " retries joined, "
                      "%" PRIu64 " passed unrecorded\n",
                      e->clerk.failed, e->clerk.aborted, e->clerk.retries, e->passed);
    if (e->chunks)
        buffer_add_format(&out.text,
                          "%" PRIu64 " pieces of answers handed on within p50 %.3f, p99 %.3f, "
                          "max %.3f ms\n",
                          e->chunks, e->delay_p50_ms, e->delay_p99_ms, e->delay_max_ms);
    if (spent[0])
        buffer_add_format(&out.text, "spent %s\n", spent);
    json_begin_object(&out.json);
    put_end(e, &out.json);
    put_spend(r, &out.json);
    json_end_object(&out.json);
    output_end(&out, t->human, r->o->common.json ? t->machine : NULL);
    warn_of_losses(t, e);
}

/* Being stopped is how a relay ends well. */
static int record(struct recording *r, struct error *err)
{
    struct recorder_report end;
    if (make_config(r, err) < 0)
        return err->code;
    r->recorder = recorder_create(&r->config, err);
    if (!r->recorder)
        return err->code;
    tell_start(r);
    progress_init(&r->progress, r->terminal, "record");
    int status = recorder_run(r->recorder, err);
    progress_end(&r->progress);
    recorder_free(r->recorder, &end);
    tell_end(r, &end);
    if (status == 0 && lost_rows(&end) > 0)
        status = error_set(err, ERR_WORK, "%" PRIu64 " rows are missing from the trace",
                           lost_rows(&end));
    return status;
}

static void free_recording(struct recording *r)
{
    budget_free(&r->budget);
    for (size_t i = 0; i < r->config.label_count; i++)
        free((char *)r->labels[i].name);
    free(r->labels);
    workload_free(&r->none);
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct record_options *o = given;
    struct recording r = {.o = o, .terminal = t};
    if (command_arguments(&o->common, 0, NULL, err) < 0)
        return err->code;
    workload_init(&r.none);
    int status = record(&r, err);
    free_recording(&r);
    return status;
}

const struct command command_record = {
    .name = "record",
    .summary = "make a trace of own traffic: a relay in front of an endpoint",
    .usage = "--listen HOST:PORT --to URL -o TRACE",
    .about =
        "Clients take its address as their base URL; everything passes unchanged and at once,\n"
        "and each request becomes a row of a trace that bill, bench and sim read: times,\n"
        "lengths, usage, shared prefixes, sessions. No content is kept unless --content\n"
        "says so, and no key ever. docs/record.md has the rows and how they are made.\n",
    .examples = "  farebox record --to https://api.openai.com/v1 -o trace.jsonl\n"
                "  OPENAI_BASE_URL=http://127.0.0.1:8088/v1 my-application\n"
                "  farebox bill trace.jsonl --plans openai\n",
    .options = options,
    .options_size = sizeof(struct record_options),
    .run = run,
};
