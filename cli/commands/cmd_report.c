/* farebox report: the tables, plots and page of runs that are done. */
#include "cli/command.h"
#include "cli/commands/report/report_page.h"
#include "cli/report/export/export.h"
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
    uint64_t volume;
    bool force, gnuplot_script, no_tables, no_plots, no_html;
};

#define AT(field) offsetof(struct report_options, field)
static const struct option_spec options[] = {
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "PLAN|FILE[,...]",
     .help = "price books, bundled books or plans of theirs (* and ? allowed)"},
    {"volume", 0, OPTION_COUNT, AT(volume), .unit = "N", .min = 1, .max = 1e12,
     .help = "with --plans: what a month of so many requests like these costs, as farebox bill has "
             "it, instead of this run once"},
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

/* "run · model m, over HTTP/1.1", and the figures. */
static void add_table(const struct report_subject *s, int width, struct buffer *out)
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

static void print_subject(const struct terminal *t, const struct report_subject *s,
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

/* One summary, or document, stands alone; several are an array, in the order of the arguments. */
static void print_json(const struct terminal *t, const struct report_sections *s,
                       const struct report_subject *subjects)
{
    struct buffer text;
    struct json_writer w;
    size_t parts = 0;
    for (size_t i = 0; i < s->count; i++)
        parts += s->items[i].json ? 1 : s->items[i].count;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    if (parts > 1)
        json_begin_array(&w);
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].json)
            json_put_raw(&w, text_of(s->items[i].json));
        for (size_t k = 0; !s->items[i].json && k < s->items[i].count; k++)
            summary_write(&subjects[s->items[i].first + k].summary, &w);
    }
    if (parts > 1)
        json_end_array(&w);
    print_buffer(t->machine, &text);
    buffer_free(&text);
}

static int draw_subject(const struct terminal *t, struct report_subject *s,
                        const struct report_options *o, struct error *err)
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

/* The run is read: what is exported of it is whole. */
static int export_subject(const struct terminal *t, const struct report_subject *s,
                          struct error *err)
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

/* Whether one file can hold so many runs. */
static int check_one(const struct report_options *o, size_t count, struct error *err)
{
    enum export_kind kind = EXPORT_VLLM;
    if (!o->export || !o->output || count <= 1 || export_parse_kind(o->export, &kind, err) < 0 ||
        export_holds_many(kind))
        return err->code;
    return error_set(err, ERR_INPUT,
                     "--export %s with --output takes one run at a time (otlp and sqlite hold "
                     "several)",
                     o->export);
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
    if (check_one(o, count, err) < 0)
        return err->code;
    if (count == 0)
        return error_set(err, ERR_INPUT, "expected run directories; --help shows how");
    if (o->volume > 0 && (o->plans.count == 0 || o->export))
        return error_set(
            err, ERR_INPUT,
            "--volume is a month's bill on the page: it goes with --plans, and without "
            "--export");
    if (o->export)
        return export_check_output(kind, o->output, o->force, err);
    return o->output ? file_output_check(o->output, o->force, err) : 0;
}

/* One run: its table, and its export, or its plots where the page will have them. */
static int show_subject(const struct terminal *t, struct report_subject *s, bool draws,
                        const struct report_options *o, struct error *err)
{
    print_subject(t, s, o);
    if (s->exporter)
        return export_subject(t, s, err);
    return draws ? draw_subject(t, s, o, err) : 0;
}

/* Of a series the page has the curves over each other; only runs that are named are drawn apart. */
static bool is_series(const struct report_sections *s, size_t run)
{
    for (size_t i = 0; i < s->count; i++)
        if (run >= s->items[i].first && run < s->items[i].first + s->items[i].count)
            return s->items[i].kind != REPORT_RUNS;
    return false;
}

static int read_all(const struct terminal *t, const struct report_options *o,
                    const struct report_sections *s, struct report_subject *subjects,
                    struct export *exporter, struct error *err)
{
    struct report_reading how = {&o->plans, &o->slos, &o->tokens_as, exporter, o->volume};
    for (size_t i = 0; i < s->run_count; i++) {
        if (report_subject_read(&subjects[i], t, s->runs[i].path, &how, err) < 0)
            return err->code;
        if (i == 0)
            run_bill_say_taken(t, &subjects[i].bill.plans);
        if (show_subject(t, &subjects[i], !o->no_plots && !is_series(s, i), o, err) < 0)
            return err->code;
    }
    return 0;
}

static int show_all(const struct terminal *t, const struct report_options *o,
                    const struct report_sections *s, struct report_subject *subjects,
                    struct error *err)
{
    struct export *exporter = open_export(o);
    int status = read_all(t, o, s, subjects, exporter, err);
    status = close_export(t, exporter, status, err);
    if (o->common.json && status == 0)
        print_json(t, s, subjects);
    if (status == 0 && !o->no_html && !o->export)
        status = report_page_write(t, s, subjects, !o->no_plots, o->output, err);
    return status;
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct report_options *o = parsed;
    struct report_sections s = {0};
    struct report_subject *subjects = NULL;
    int status = check(o, err);
    if (status == 0)
        status = report_sections_find(&s, o->common.arguments, o->common.argument_count, err);
    if (status == 0)
        status = check_one(o, s.run_count, err);
    if (status == 0 && o->export && s.run_count == 0)
        status = error_set(err, ERR_INPUT, "--export takes runs; %s is none", s.items[0].path);
    if (status == 0) {
        subjects = mem_zero(s.run_count + 1, sizeof *subjects);
        status = show_all(t, o, &s, subjects, err);
    }
    for (size_t i = 0; subjects && i < s.run_count; i++)
        report_subject_free(&subjects[i]);
    free(subjects);
    report_sections_free(&s);
    return status;
}

const struct command command_report = {
    .name = "report",
    .summary = "tables, plots and a page of runs",
    .usage = "(RUN | DIR)... [--plans FILE]",
    .about =
        "Reads run directories, prints their tables (of a run that was killed before it wrote its\n"
        "summary, recomputed from its records), draws their plots as SVG and PNG into\n"
        "RUN/plots/ (latency CDF and percentiles, latency over time, chunk gaps, timeline; with\n"
        "--plans what a request costs, cumulative spend, the cheapest plan by length, variance),\n"
        "and writes report.html: one self-contained page. Several runs are shown over each other.\n"
        "A DIR is what another command wrote with -o: repeats or an A/B of bench, a sweep, the\n"
        "search for the highest rate, a capacity, a forecast, a bill; all of them go on one page.\n"
        "--json gives the summary of one run, or an array of several.",
    .examples = "  farebox report results/demo --plans demo\n"
                "  farebox report results/demo --plans demo --volume 20000\n"
                "  farebox report results/before results/after -o compare.html\n"
                "  farebox report results/ab results/capacity results/forecast -o answer.html\n"
                "  farebox report results/demo --export vllm -o demo.json\n"
                "  farebox report results/before results/after --export sqlite -o runs.sqlite\n",
    .options = options,
    .options_size = sizeof(struct report_options),
    .run = run,
};
