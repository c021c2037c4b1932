/* farebox report: the tables, plots and page of runs that are done. */
#include "cli/command.h"
#include "cli/export.h"
#include "cli/report/html.h"
#include "cli/report/run_plots.h"
#include "cli/report/summary_table.h"
#include "cli/run_bill.h"
#include "core/file.h"
#include "core/json_scan.h"
#include "core/memory.h"
#include "core/runs/record_file.h"
#include "core/runs/run_dir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report_options {
    struct common_options common;
    struct option_list plans, slos;
    const char *output, *export;
    bool gnuplot_script, no_tables, no_plots, no_html;
};

#define AT(field) offsetof(struct report_options, field)
static const struct option_spec options[] = {
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "FILE|NAME[,...]",
     .help = "price books, bundled books or plans of theirs (* and ? allowed)"},
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=MS",
     .help = "objective on each request, for goodput: ttft=500, tpot=50, e2e=10000; the run's own "
             "unless given"},
    {"output", 'o', OPTION_TEXT, AT(output), .unit = "FILE",
     .help = "where the page (with --export: the export) goes; report.html of the first run unless "
             "given"},
    {"export", 0, OPTION_TEXT, AT(export), .unit = "vllm|aiperf|csv",
     .help =
         "instead of plots and page: the run as a vLLM result file, as AIPerf's profile exports "
         "(-o DIR), or its requests as CSV"},
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
    struct breakdown *parts;
    const struct breakdown_group *groups; /* lent by parts */
    size_t group_count;
    struct summary summary;
    char *fidelity, *model, *plots; /* NULL where the run does not say */
    struct slo_list slos;           /* the run's own */
    char load[16];
    double warmup_s; /* that the run left out of its window */
    bool torn, simulated, has_bill;
    struct run_bill bill;
    struct html_error errors[FAILURE_CLASSES];
    char *messages[FAILURE_CLASSES];
    size_t error_count;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* The objectives that the run was held to: {"ttft_ms": 500}. */
static void read_slos(struct json_scan *scan, struct slo_list *slos)
{
    struct text key;
    double limit;
    json_object_begin(scan);
    while (json_object_next(scan, &key) && json_double(scan, 0, 1e12, &limit))
        for (int m = 0; m < METRIC_COUNT; m++)
            if (text_equal(key, metric_key((enum metric)m)) && slos->count < SLO_MAX)
                slos->items[slos->count++] = (struct slo){(enum metric)m, limit};
}

/* What only the run itself knew when it ended: stands in its summary.json. */
static void read_summary_file(struct subject *s)
{
    char *path = run_dir_file(s->path, "summary.json"), *text = NULL;
    size_t length;
    snprintf(s->load, sizeof s->load, "trace");
    if (file_read_all(path, (size_t)64 << 20, &text, &length, NULL) == 0) {
        struct json_scan scan;
        struct text key, value;
        json_scan_init(&scan, path, text, length, 1);
        json_object_begin(&scan);
        while (json_object_next(&scan, &key)) {
            if (text_equal(key, "fidelity") && json_peek(&scan) == JSON_OBJECT) {
                json_skip(&scan, &value);
                s->fidelity = mem_copy_text(value.at, value.length);
            } else if (text_equal(key, "slo") && json_peek(&scan) == JSON_OBJECT) {
                read_slos(&scan, &s->slos);
            } else if (text_equal(key, "warmup_s") && json_peek(&scan) == JSON_NUMBER) {
                json_double(&scan, 0, 1e9, &s->warmup_s);
            } else if (text_equal(key, "command") && json_peek(&scan) == JSON_STRING) {
                json_string(&scan, &value);
                s->simulated = text_equal(value, "sim");
            } else if (text_equal(key, "load") && json_peek(&scan) == JSON_STRING) {
                json_string(&scan, &value);
                snprintf(s->load, sizeof s->load, "%.*s", (int)value.length, value.at);
            } else {
                json_skip(&scan, NULL);
            }
        }
        free(text);
    }
    free(path);
}

/* One record: the model, and a sample of each failure's words. */
static void note_record(struct subject *s, const struct record *r, size_t slots[FAILURE_CLASSES])
{
    if (!s->model && r->model)
        s->model = mem_copy_string(r->model);
    if (r->status != RECORD_FAILED)
        return;
    if (slots[r->failure] == 0) {
        slots[r->failure] = ++s->error_count;
        s->errors[s->error_count - 1].what = failure_name(r->failure);
        s->messages[s->error_count - 1] = r->message ? mem_copy_string(r->message) : NULL;
        s->errors[s->error_count - 1].message = s->messages[s->error_count - 1];
    }
    s->errors[slots[r->failure] - 1].count++;
}

static int read_records(struct subject *s, struct error *err)
{
    char *path = run_dir_file(s->path, "requests.jsonl");
    struct record_reader reader;
    struct record r;
    size_t slots[FAILURE_CLASSES] = {0};
    int more = record_reader_open(&reader, path, err);
    free(path);
    if (more < 0)
        return more;
    s->collector = collector_create();
    s->parts = breakdown_create();
    while ((more = record_reader_next(&reader, &r, err)) > 0) {
        collector_add(s->collector, &r);
        breakdown_add(s->parts, &r);
        note_record(s, &r, slots);
    }
    s->torn = reader.torn;
    record_reader_close(&reader);
    return more;
}

static int read_subject(struct subject *s, const char *path, const struct report_options *o,
                        struct error *err)
{
    struct summary_options how = {0};
    s->path = path;
    s->name = base_name(path);
    if (!run_dir_is_run(path))
        return error_set(err, ERR_INPUT, "%s is no run directory: it has no requests.jsonl", path);
    for (size_t i = 0; i < o->slos.count; i++)
        if (slo_parse(o->slos.items[i], &how.slos, err) < 0)
            return ERR_INPUT;
    read_summary_file(s);
    if (read_records(s, err) < 0)
        return err->code;
    how.command = s->simulated ? "sim" : "bench";
    how.load = s->load;
    if (s->warmup_s > 0) {
        how.warmup = WARMUP_GIVEN;
        how.warmup_ns = (int64_t)llround(s->warmup_s * 1e9);
    }
    if (how.slos.count == 0)
        how.slos = s->slos;
    collector_read_gaps(s->collector, path);
    collector_summarize(s->collector, &how, &s->summary);
    s->group_count = breakdown_finish(s->parts, &how, &s->groups);
    if (o->plans.count > 0) {
        if (run_bill_make_slo(&s->bill, path, &o->plans, &how.slos, err) < 0)
            return err->code;
        s->has_bill = true;
    }
    return 0;
}

static void free_subject(struct subject *s)
{
    collector_free(s->collector);
    breakdown_free(s->parts);
    if (s->has_bill)
        run_bill_free(&s->bill);
    for (size_t i = 0; i < s->error_count; i++)
        free(s->messages[i]);
    free(s->fidelity);
    free(s->model);
    free(s->plots);
}

static void print_subject(const struct terminal *t, const struct subject *s,
                          const struct report_options *o)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    bool insecure = fidelity_count(s->fidelity, "insecure") == 1;
    if (!o->no_tables)
        summary_table(&s->summary, s->name, insecure ? INSECURE_WORDS : NULL, &text);
    if (!o->no_tables && s->has_bill)
        bill_write_table(&s->bill.bill, t->width, &text);
    print_buffer(t->human, &text);
    if (o->common.json) {
        struct json_writer w;
        json_write_init(&w, &text, 2);
        summary_write(&s->summary, s->fidelity, &w);
        print_buffer(t->machine, &text);
    }
    buffer_free(&text);
    if (s->torn)
        warn(t, "the last record of %s is cut short: the run was killed while writing it", s->path);
}

static int draw_subject(const struct terminal *t, struct subject *s, const struct report_options *o,
                        struct error *err)
{
    struct run_plots plots = {.run = s->path, .title = s->name, .keep_script = o->gnuplot_script};
    unsigned drawn = 0;
    if (s->has_bill)
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
                                    .bill = subjects[i].has_bill ? &subjects[i].bill.bill : NULL,
                                    .plots = subjects[i].plots,
                                    .fidelity = subjects[i].fidelity,
                                    .model = subjects[i].model,
                                    .errors = subjects[i].errors,
                                    .error_count = subjects[i].error_count,
                                    .groups = subjects[i].groups,
                                    .group_count = subjects[i].group_count};
    buffer_init(&page, BUFFER_UNBOUNDED);
    html_report(runs, count, &page);
    char *path =
        o->output ? mem_copy_string(o->output) : run_dir_file(subjects[0].path, "report.html");
    int status = file_write_atomic(path, page.data, page.length, err);
    if (status == 0)
        say(t, "the page is %s", path);
    free(path);
    buffer_free(&page);
    free(runs);
    return status;
}

static int export_subject(const struct terminal *t, const struct subject *s,
                          const struct report_options *o, struct error *err)
{
    struct export_request q = {.run = s->path, .output = o->output, .summary = &s->summary};
    struct buffer notes;
    if (export_parse_kind(o->export, &q.kind, err) < 0)
        return err->code;
    buffer_init(&notes, BUFFER_UNBOUNDED);
    int status = export_run(&q, &notes, err);
    print_buffer(t->human, &notes);
    buffer_free(&notes);
    return status;
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct report_options *o = parsed;
    size_t count = o->common.argument_count;
    int status = 0;
    enum export_kind kind;
    if (o->export && export_parse_kind(o->export, &kind, err) < 0)
        return err->code;
    if (o->export && o->output && count > 1)
        return error_set(err, ERR_INPUT, "--export with --output takes one run at a time");
    if (count == 0)
        return error_set(err, ERR_INPUT, "expected run directories; --help shows how");
    struct subject *subjects = mem_zero(count, sizeof *subjects);
    for (size_t i = 0; i < count && status == 0; i++) {
        status = read_subject(&subjects[i], o->common.arguments[i], o, err);
        if (status == 0)
            print_subject(t, &subjects[i], o);
        if (status == 0 && o->export)
            status = export_subject(t, &subjects[i], o, err);
        else if (status == 0 && !o->no_plots)
            status = draw_subject(t, &subjects[i], o, err);
    }
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
        "Reads run directories, prints their tables, draws their plots as SVG and PNG into\n"
        "RUN/plots/ (latency CDF and percentiles, latency over time, chunk gaps, timeline; with\n"
        "--plans what a request costs, cumulative spend, the cheapest plan by length, variance),\n"
        "and writes report.html: one self-contained page. Several runs are shown side by side.",
    .examples = "  farebox report results/demo --plans demo\n"
                "  farebox report results/before results/after -o compare.html\n"
                "  farebox report results/demo --export vllm -o demo.json\n",
    .options = options,
    .options_size = sizeof(struct report_options),
    .run = run,
};
