/* farebox report: the tables, plots and page of runs that are done. */
#include "cli/command.h"
#include "cli/report/export/export.h"
#include "cli/report/page/html.h"
#include "cli/report/plot/run_plots.h"
#include "cli/report/text/summary_table.h"
#include "cli/run_bill.h"
#include "core/file.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report_options {
    struct common_options common;
    struct option_list plans, slos, tokens_as;
    const char *output, *export, *start;
    bool force, gnuplot_script, no_tables, no_plots, no_html;
};

#define AT(field) offsetof(struct report_options, field)
static const struct option_spec options[] = {
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "PLAN|FILE[,...]",
     .help = "price books, bundled books or plans of theirs (* and ? allowed)"},
    TOKENS_AS_OPTION(struct report_options, tokens_as),
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=TIME",
     .help =
         "objective on each request, for goodput: ttft=500ms, tpot=50ms, e2e=10s; the run's own "
         "unless given"},
    {"output", 'o', OPTION_OUTPUT, AT(output), .unit = "FILE|DIR",
     .help = "where the page (with --export: the export) goes; report.html of the first run unless "
             "given; - is standard output"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace existing files"},
    {"export", 0, OPTION_TEXT, AT(export), .unit = "vllm|aiperf|csv|otlp|sqlite",
     .help = "instead of plots and page: the run as a vLLM result file (vllm), as AIPerf's profile "
             "exports (aiperf, -o DIR), its requests as CSV (csv), its attempts as spans of "
             "OpenTelemetry (otlp), or all of it as a database (sqlite); with -o the last two hold "
             "several runs in one file"},
    {"start", 0, OPTION_TEXT, AT(start), .unit = "INSTANT",
     .help = "with --export otlp or sqlite: when a run began that does not say it, such as a "
             "simulation: 2026-11-01T00:00:00Z"},
    {"gnuplot-script", 0, OPTION_FLAG, AT(gnuplot_script),
     .help = "keep each plot's script with its data beside it, for restyling"},
    {"no-tables", 0, OPTION_FLAG, AT(no_tables), .help = "print no tables"},
    {"no-plots", 0, OPTION_FLAG, AT(no_plots), .help = "draw nothing"},
    {"no-html", 0, OPTION_FLAG, AT(no_html), .help = "write no page"},
    {0},
};

/* What is known of one run. */
struct subject {
    const char *path, *name;
    struct collector *collector;
    struct summary summary;
    bool recomputed;     /* from the records, not from the run's own summary.json */
    char *model, *plots; /* NULL where the run does not say */
    bool torn, is_billed;
    struct run_bill bill;
    struct export *exporter;       /* with --export; lent */
    size_t slots[FAILURE_CLASSES]; /* by class: its place in `errors` + 1 */
    struct html_error errors[FAILURE_CLASSES];
    char *messages[FAILURE_CLASSES];
    size_t error_count;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* The model, and a sample of each failure's words. */
static void note_record(struct subject *s, const struct record *r)
{
    if (!s->model && r->model)
        s->model = mem_copy_string(r->model);
    if (r->status != RECORD_FAILED)
        return;
    size_t *slot = &s->slots[r->failure];
    if (*slot == 0) {
        *slot = ++s->error_count;
        s->errors[*slot - 1].what = failure_name(r->failure);
        s->messages[*slot - 1] = r->message ? mem_copy_string(r->message) : NULL;
        s->errors[*slot - 1].message = s->messages[*slot - 1];
    }
    s->errors[*slot - 1].count++;
}

static int take_record(void *context, const struct record *r, struct error *err)
{
    struct subject *s = context;
    collector_add(s->collector, r);
    note_record(s, r);
    if (s->exporter && export_add(s->exporter, r, err) < 0)
        return err->code;
    return s->is_billed ? run_workload_add(&s->bill.run, r, err) : 0;
}

/* The run's own summary, where it is whole and of these records. It knows what no record says: what
 * never became due, every chunk's time, how the client fared. `why`: why it could not be read. */
static bool is_own_summary(const struct terminal *t, const struct subject *s,
                           const struct error *why)
{
    char *path = run_dir_file(s->path, "summary.json"), message[1200];
    bool own = why->code == 0 && collector_agrees(s->collector, &s->summary.accounting);
    error_format(why, message, sizeof message);
    if (!file_exists(path))
        warn(t,
             "%s has no summary.json, as a run that was killed: its figures are recomputed from "
             "its records",
             s->path);
    else if (why->code)
        warn(t, "%s; the figures are recomputed from the records", message);
    else if (!own)
        warn(t,
             "%s counts other requests than requests.jsonl: the figures are recomputed from the "
             "records",
             path);
    free(path);
    return own;
}

static const char *command_of(const char *run)
{
    struct run_json j;
    run_json_read(run, &j, NULL);
    const char *command = text_equal(j.command, "sim") ? "sim" : "bench";
    run_json_free(&j);
    return command;
}

/* How the run's own summary was made, as far as is known. */
static struct summary_options options_of(const struct subject *s)
{
    const struct summary *own = &s->summary;
    struct summary_options how = {.command = own->command, .load = own->load, .slos = own->slos};
    if (!how.command)
        how.command = command_of(s->path);
    if (!how.load)
        how.load = "trace";
    if (own->warmup_s > 0) {
        how.warmup = WARMUP_GIVEN;
        how.warmup_ns = (int64_t)llround(own->warmup_s * 1e9) - SUMMARY_ROUNDING_NS;
    }
    return how;
}

/* Other objectives than the run's own: only what depends on them is counted anew. */
static void take_goodput(struct subject *s, const struct slo_list *slos)
{
    struct summary_options how = options_of(s);
    struct summary *anew = mem_zero(1, sizeof *anew), *own = &s->summary;
    how.slos = *slos;
    how.no_intervals = true;
    collector_summarize(s->collector, &how, anew);
    own->slos = *slos;
    own->window.goodput_rps = anew->window.goodput_rps;
    own->window.goodput_fraction = anew->window.goodput_fraction;
    own->all.goodput_rps = anew->all.goodput_rps;
    own->all.goodput_fraction = anew->all.goodput_fraction;
    for (size_t i = 0; i < own->group_count; i++)
        for (size_t k = 0; k < anew->group_count; k++)
            if (strcmp(own->groups[i].dimension, anew->groups[k].dimension) == 0 &&
                strcmp(own->groups[i].name, anew->groups[k].name) == 0)
                own->groups[i].goodput_fraction = anew->groups[k].goodput_fraction;
    free(anew);
}

static void make_summary(const struct terminal *t, struct subject *s, const struct slo_list *slos,
                         const struct error *why)
{
    collector_read_gaps(s->collector, s->path);
    s->recomputed = !is_own_summary(t, s, why);
    if (s->recomputed) {
        struct summary_options how = options_of(s);
        if (slos->count > 0)
            how.slos = *slos;
        struct fidelity fidelity = s->summary.fidelity;
        collector_summarize(s->collector, &how, &s->summary);
        s->summary.fidelity = fidelity;
        collector_read_server(s->collector, s->path, &s->summary);
    } else if (slos->count > 0) {
        take_goodput(s, slos);
    }
}

/* One pass over the records, for all who want them. */
static int read_run(const struct terminal *t, struct subject *s, const struct slo_list *slos,
                    struct error *err)
{
    struct error why = {0};
    summary_read_run(s->path, &s->summary, &why);
    if (s->is_billed)
        run_workload_begin(&s->bill.run, slos->count ? slos : &s->summary.slos, s->collector);
    int status = run_records_read(s->path, take_record, s, &s->torn, err);
    if (status == 0)
        make_summary(t, s, slos, &why);
    return status;
}

static int read_subject(const struct terminal *t, struct subject *s, const char *path,
                        const struct report_options *o, struct error *err)
{
    struct slo_list slos = {0};
    s->path = path;
    s->name = base_name(path);
    s->is_billed = o->plans.count > 0;
    if (!run_dir_is_run(path))
        return error_set(err, ERR_INPUT, "%s is no run directory: it has no requests.jsonl", path);
    if (slo_list_read(o->slos.items, o->slos.count, &slos, err) < 0)
        return err->code;
    s->collector = collector_create();
    if (s->exporter && export_begin(s->exporter, path, s->collector, err) < 0)
        return err->code;
    int status = run_bill_select(&o->plans, &s->bill.plans, err);
    if (status == 0)
        status = run_bill_read_scales(&o->tokens_as, &s->bill.scales, err);
    if (status == 0)
        status = read_run(t, s, &slos, err);
    if (status == 0 && s->is_billed)
        status = run_workload_end(&s->bill.run, path, err);
    if (status == 0 && s->is_billed)
        status = run_bill_make(&s->bill, path, err);
    return status;
}

static void free_subject(struct subject *s)
{
    collector_free(s->collector);
    run_bill_free(&s->bill);
    for (size_t i = 0; i < s->error_count; i++)
        free(s->messages[i]);
    summary_free(&s->summary);
    free(s->model);
    free(s->plots);
}

/* "run · model m, over HTTP/1.1", and the figures. */
static void add_table(const struct subject *s, int width, struct buffer *out)
{
    struct buffer title, versions;
    buffer_init(&title, BUFFER_UNBOUNDED);
    buffer_init(&versions, BUFFER_UNBOUNDED);
    fidelity_add_versions(&s->summary.fidelity, &versions);
    buffer_add_format(&title, "%s%s%.60s", s->name, s->model ? " · model " : "",
                      s->model ? s->model : "");
    if (versions.length)
        buffer_add_format(&title, ", over %s", versions.data);
    summary_table(&s->summary, title.data, width, out);
    buffer_free(&title);
    buffer_free(&versions);
}

static void print_subject(const struct terminal *t, const struct subject *s,
                          const struct report_options *o)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    if (!o->no_tables)
        add_table(s, t->width, &text);
    if (!o->no_tables && s->is_billed)
        buffer_add_byte(&text, '\n');
    if (!o->no_tables && s->is_billed)
        bill_write_table(&s->bill.bill, t->width, &text);
    print_buffer(t->human, &text);
    buffer_free(&text);
    if (s->torn)
        warn(t, "the last record of %s is cut short: the run was killed while writing it", s->path);
}

/* One summary is the document; several are an array, in the order of the runs. */
static void print_json(const struct terminal *t, const struct subject *subjects, size_t count)
{
    struct buffer text;
    struct json_writer w;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    if (count > 1)
        json_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        summary_write(&subjects[i].summary, &w);
    if (count > 1)
        json_end_array(&w);
    print_buffer(t->machine, &text);
    buffer_free(&text);
}

static int draw_subject(const struct terminal *t, struct subject *s, const struct report_options *o,
                        struct error *err)
{
    struct run_plots plots = {.run = s->path, .title = s->name, .keep_script = o->gnuplot_script};
    unsigned drawn = 0;
    if (s->is_billed)
        plots.bill = &s->bill.bill;
    int status = run_plots_draw(&plots, s->collector, &s->summary, &drawn, err);
    if (drawn) {
        s->plots = run_dir_file(s->path, "plots");
        say(t, "%u plots, SVG and PNG, are in %s/", drawn, s->plots);
    }
    return status;
}

static int write_page(const struct terminal *t, const struct subject *subjects, size_t count,
                      const struct report_options *o, struct error *err)
{
    struct html_run *runs = mem_zero(count, sizeof *runs);
    struct buffer page;
    for (size_t i = 0; i < count; i++)
        runs[i] = (struct html_run){.name = subjects[i].name,
                                    .summary = &subjects[i].summary,
                                    .bill = subjects[i].is_billed ? &subjects[i].bill.bill : NULL,
                                    .plots = subjects[i].plots,
                                    .model = subjects[i].model,
                                    .errors = subjects[i].errors,
                                    .error_count = subjects[i].error_count,
                                    .recomputed = subjects[i].recomputed};
    buffer_init(&page, BUFFER_UNBOUNDED);
    struct html_several all = {.runs = runs, .count = count};
    html_report(&all, &page);
    char *path =
        o->output ? mem_copy_string(o->output) : run_dir_file(subjects[0].path, "report.html");
    int status = file_write_atomic(path, page.data, page.length, err);
    if (status == 0)
        say(t, "the page is %s", file_output_name(path));
    free(path);
    buffer_free(&page);
    free(runs);
    return status;
}

/* The run is read: what is exported of it is whole. */
static int export_subject(const struct terminal *t, const struct subject *s, struct error *err)
{
    struct buffer notes;
    buffer_init(&notes, BUFFER_UNBOUNDED);
    int status =
        export_end(s->exporter, &s->summary, s->is_billed ? &s->bill.bill : NULL, &notes, err);
    print_buffer(t->human, &notes);
    buffer_free(&notes);
    return status;
}

static struct export *open_export(const struct report_options *o)
{
    struct export_target target = {.output = o->output, .start_unix_ns = TIME_NEVER};
    if (!o->export)
        return NULL;
    export_parse_kind(o->export, &target.kind, NULL);
    if (o->start)
        options_parse_instant("--start", o->start, &target.start_unix_ns, NULL);
    return export_create(&target);
}

static int close_export(const struct terminal *t, struct export *x, int status, struct error *err)
{
    struct buffer notes;
    buffer_init(&notes, BUFFER_UNBOUNDED);
    status = export_close(x, status, &notes, err);
    print_buffer(t->human, &notes);
    buffer_free(&notes);
    return status;
}

static int check_start(const struct report_options *o, enum export_kind kind, struct error *err)
{
    int64_t start;
    if (!o->start)
        return 0;
    if (!o->export || !export_holds_many(kind))
        return error_set(err, ERR_INPUT, "--start goes with --export otlp or sqlite");
    return options_parse_instant("--start", o->start, &start, err);
}

/* What is wrong with the words, before anything is read. */
static int check(const struct report_options *o, struct error *err)
{
    size_t count = o->common.argument_count;
    enum export_kind kind = EXPORT_VLLM;
    if (o->export && export_parse_kind(o->export, &kind, err) < 0)
        return err->code;
    if (check_start(o, kind, err) < 0)
        return err->code;
    if (o->export && o->output && count > 1 && !export_holds_many(kind))
        return error_set(err, ERR_INPUT,
                         "--export %s with --output takes one run at a time (otlp and sqlite hold "
                         "several)",
                         o->export);
    if (count == 0)
        return error_set(err, ERR_INPUT, "expected run directories; --help shows how");
    if (o->export)
        return export_check_output(kind, o->output, o->force, err);
    return o->output ? file_output_check(o->output, o->force, err) : 0;
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct report_options *o = parsed;
    size_t count = o->common.argument_count;
    size_t known = 0;
    int status = 0;
    if (check(o, err) < 0)
        return err->code;
    struct subject *subjects = mem_zero(count, sizeof *subjects);
    struct export *exporter = open_export(o);
    for (size_t i = 0; i < count && status == 0; i++) {
        subjects[i].exporter = exporter;
        status = read_subject(t, &subjects[i], o->common.arguments[i], o, err);
        if (status == 0 && i == 0)
            run_bill_say_taken(t, &subjects[i].bill.plans);
        if (status == 0) {
            print_subject(t, &subjects[i], o);
            known++;
        }
        if (status == 0 && exporter)
            status = export_subject(t, &subjects[i], err);
        else if (status == 0 && !o->no_plots)
            status = draw_subject(t, &subjects[i], o, err);
    }
    status = close_export(t, exporter, status, err);
    if (o->common.json && known == count)
        print_json(t, subjects, count);
    if (status == 0 && !o->no_html && !o->export)
        status = write_page(t, subjects, count, o, err);
    for (size_t i = 0; i < count; i++)
        free_subject(&subjects[i]);
    free(subjects);
    return status;
}

const struct command command_report = {
    .name = "report",
    .summary = "tables, plots and a page of runs",
    .usage = "RUN... [--plans FILE]",
    .about =
        "Reads run directories, prints their tables (of a run that was killed before it wrote its\n"
        "summary, recomputed from its records), draws their plots as SVG and PNG into\n"
        "RUN/plots/ (latency CDF and percentiles, latency over time, chunk gaps, timeline; with\n"
        "--plans what a request costs, cumulative spend, the cheapest plan by length, variance),\n"
        "and writes report.html: one self-contained page. Several runs are shown side by side;\n"
        "--json gives the summary of one, or an array of several.",
    .examples = "  farebox report results/demo --plans demo\n"
                "  farebox report results/before results/after -o compare.html\n"
                "  farebox report results/demo --export vllm -o demo.json\n"
                "  farebox report results/before results/after --export sqlite -o runs.sqlite\n",
    .options = options,
    .options_size = sizeof(struct report_options),
    .run = run,
};
