/* farebox report: the tables and plots of runs that are done. */
#include "cli/command.h"
#include "cli/report/run_plots.h"
#include "cli/report/summary_table.h"
#include "cli/run_output.h"
#include "core/file.h"
#include "core/json_scan.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

struct report_options {
    struct common_options common;
    struct option_list plans, slos;
    bool gnuplot_script, no_plots;
};

#define AT(field) offsetof(struct report_options, field)
static const struct option_spec options[] = {
    {"plans", 0, OPTION_LIST, AT(plans), .unit = "FILE[,FILE]",
     .help = "price books whose plans' spend is drawn"},
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=MS",
     .help = "objective on each request, for goodput: ttft=500, tpot=50, e2e=10000"},
    {"gnuplot-script", 0, OPTION_FLAG, AT(gnuplot_script),
     .help = "keep each plot's script with its data beside it, for restyling"},
    {"no-plots", 0, OPTION_FLAG, AT(no_plots), .help = "tables only"},
    {0},
};

/* The last part of a path: what people call the run. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

struct books {
    struct plan_book *items;
    const struct plan_book **views;
    size_t count;
};

static void free_books(struct books *b)
{
    for (size_t i = 0; i < b->count; i++)
        plan_book_free(&b->items[i]);
    free(b->items);
    free(b->views);
}

/* Loads "a.json,b.json" given any number of times. */
static int load_books(const struct option_list *lists, struct books *b, struct error *err)
{
    *b = (struct books){0};
    for (size_t i = 0; i < lists->count; i++) {
        for (const char *at = lists->items[i]; *at;) {
            size_t length = strcspn(at, ",");
            char *path = mem_copy_text(at, length);
            b->items = mem_resize(b->items, b->count + 1, sizeof *b->items);
            b->items[b->count] = (struct plan_book){0};
            int status = plan_book_load(path, &b->items[b->count], err);
            free(path);
            if (status < 0)
                return status;
            b->count++;
            at += length + (at[length] == ',');
        }
    }
    b->views = mem_zero(b->count, sizeof *b->views);
    for (size_t i = 0; i < b->count; i++)
        b->views[i] = &b->items[i];
    return 0;
}

/* What run.json says of the run, as far as the summary needs it. */
static void read_run_json(const char *run, struct summary_options *o)
{
    char *path = run_dir_file(run, "summary.json"), *text = NULL;
    size_t length;
    o->command = "bench";
    o->load = "trace";
    if (file_read_all(path, (size_t)64 << 20, &text, &length, NULL) == 0) {
        struct json_scan s;
        struct text key, value;
        json_scan_init(&s, path, text, length, 1);
        json_object_begin(&s);
        while (json_object_next(&s, &key)) {
            bool command = text_equal(key, "command"), load = text_equal(key, "load");
            if ((command || load) && json_peek(&s) == JSON_STRING && json_string(&s, &value)) {
                if (command && text_equal(value, "sim"))
                    o->command = "sim";
                if (load)
                    o->load = text_equal(value, "closed") ? "closed"
                              : text_equal(value, "open") ? "open"
                                                          : "trace";
            } else {
                json_skip(&s, NULL);
            }
        }
        free(text);
    }
    free(path);
}

static int report_one(const struct terminal *t, const struct report_options *o, const char *run,
                      const struct books *books, struct error *err)
{
    struct summary_options so = {0};
    struct summary s;
    bool torn;
    if (!run_dir_is_run(run))
        return error_set(err, ERR_INPUT, "%s is no run directory: it has no requests.jsonl", run);
    for (size_t i = 0; i < o->slos.count; i++)
        if (slo_parse(o->slos.items[i], &so.slos, err) < 0)
            return ERR_INPUT;
    read_run_json(run, &so);
    struct collector *c = collector_create();
    int status = collector_read_run(c, run, &torn, err);
    if (status == 0) {
        struct buffer text;
        buffer_init(&text, BUFFER_UNBOUNDED);
        collector_summarize(c, &so, &s);
        if (o->common.json) {
            struct json_writer w;
            json_write_init(&w, &text, 2);
            summary_write(&s, NULL, &w);
            print_buffer(t->machine, &text);
        }
        summary_table(&s, base_name(run), NULL, &text);
        print_buffer(t->human, &text);
        buffer_free(&text);
        if (torn)
            warn(t, "the last record of %s is cut short: the run was killed while writing it", run);
        struct run_plots plots = {.run = run,
                                  .title = base_name(run),
                                  .keep_script = o->gnuplot_script,
                                  .books = books->views,
                                  .book_count = books->count};
        unsigned drawn = 0;
        if (!o->no_plots)
            status = run_plots_draw(&plots, c, &s, &drawn, err);
        if (drawn)
            say(t, "drew %u plots into %s/plots/ as SVG and PNG", drawn, run);
    }
    collector_free(c);
    return status;
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct report_options *o = parsed;
    struct books books;
    if (o->common.argument_count == 0)
        return error_set(err, ERR_INPUT, "expected run directories; --help shows how");
    int status = load_books(&o->plans, &books, err);
    for (size_t i = 0; i < o->common.argument_count && status == 0; i++)
        status = report_one(t, o, o->common.arguments[i], &books, err);
    free_books(&books);
    return status;
}

const struct command command_report = {
    .name = "report",
    .summary = "tables and plots of runs",
    .usage = "RUN... [--plans FILE]",
    .about =
        "Reads run directories, prints their tables and draws their plots (latency CDF, timeline,\n"
        "cumulative spend per plan) as SVG and PNG into RUN/plots/.",
    .examples = "  farebox report results/demo --plans workloads/plans.json\n"
                "  farebox report results/demo --slo ttft=500 --json\n",
    .options = options,
    .options_size = sizeof(struct report_options),
    .run = run,
};
