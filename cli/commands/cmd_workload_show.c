/* farebox workload show TRACE|SCENARIO: a workload in words, and one picture of it. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/plot/info_plots.h"
#include "cli/report/text/summary_table.h"
#include "cli/workload_files.h"
#include "core/embedded.h"
#include "core/wrap.h"
#include "workloads/describe/words.h"
#include "workloads/scenario/generate.h"

#include <string.h>

struct show_options {
    struct common_options common;
    struct trace_reading reading;
    const char *plots;
    uint64_t requests;
};

static const struct option_spec options[] = {
    {"requests", 'n', OPTION_COUNT, offsetof(struct show_options, requests), NULL, "N", .min = 1,
     .max = 4294967293.0, .help = "of a scenario: so many; else as the scenario says"},
    {"plots", 0, OPTION_TEXT, offsetof(struct show_options, plots), NULL, "DIR",
     .help = "draw lengths, arrivals and prefix hits into this directory (SVG and PNG)"},
    TRACE_READING_OPTIONS(struct show_options, reading),
    {0},
};

/* What is shown, and where it comes from. */
struct shown {
    struct workload workload;
    struct trace_report report;
    struct scenario scenario;
    bool is_scenario;
};

/* A bundled name, or a .json file that is one: traces are tried afterwards. */
static bool find_scenario(const char *name, struct scenario *out)
{
    size_t length = strlen(name);
    bool file = length > 5 && strcmp(name + length - 5, ".json") == 0;
    struct error why = {0};
    return (embedded_find("scenarios", name) || file) && scenario_load(name, out, &why) == 0;
}

static int load(const struct terminal *t, const struct show_options *o, struct shown *out,
                struct error *err)
{
    const char *name = o->common.arguments[0];
    struct trace_options reading = trace_reading_options(&o->reading);
    struct generate_options extent = {.requests = o->requests};
    out->is_scenario = find_scenario(name, &out->scenario);
    if (out->is_scenario)
        return workload_generate(&out->scenario, o->common.seed, &extent, &out->workload, err);
    if (o->requests)
        return error_set(err, ERR_INPUT, "--requests is for scenarios: a trace is shown whole");
    int status = trace_read(name, &reading, &out->workload, &out->report, err);
    if (status == 0)
        status = workload_check_single(&out->workload, "this command", err);
    if (status == 0 && trace_report_skipped(&out->report))
        warn(t, "%llu rows of the trace were skipped; workload info says which",
             (unsigned long long)trace_report_skipped(&out->report));
    return status;
}

static void put_kind(const struct show_options *o, const struct shown *s,
                     const struct workload_info *info, struct buffer *b)
{
    if (s->is_scenario)
        buffer_add_format(b, "%s is a scenario%s%s With seed %llu it makes", s->scenario.name,
                          s->scenario.comment ? ": " : ".",
                          s->scenario.comment ? s->scenario.comment : "",
                          (unsigned long long)o->common.seed);
    else
        buffer_add_format(b, "%s is a trace (%s) of", info->name, info->format);
}

static void put_extent(const struct workload_info *info, struct buffer *b)
{
    char count[TEXT_GROUPED_SIZE], span[CELL_SIZE];
    buffer_add_format(b, " %s requests", text_group_u64(info->requests, count));
    if (info->has_duration)
        buffer_add_format(b, " in %s, %s a second",
                          format_span((double)info->duration_ns / 1e9, span),
                          TEXT_SHORT(info->rate_rps, 3));
    if (info->models)
        buffer_add_format(b, ", for %zu model%s", info->models, info->models > 1 ? "s" : "");
    if (info->classes > 1)
        buffer_add_format(b, ", of %zu classes", info->classes);
    buffer_add_text(b, ".");
    if (info->failed + info->aborted)
        buffer_add_format(b, " %zu failed and %zu were ended by the caller.", info->failed,
                          info->aborted);
}

static void put_head(const struct show_options *o, const struct shown *s,
                     const struct workload_info *info, struct buffer *out)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    put_kind(o, s, info, &b);
    put_extent(info, &b);
    wrap_text((struct text){b.data, b.length}, 80, 0, out);
    buffer_add_text(out, "\n");
    buffer_free(&b);
}

static void show(const struct terminal *t, const struct show_options *o, const struct shown *s,
                 const struct workload_info *info)
{
    struct workload_words words;
    struct output out;
    workload_words_make(&s->workload, info, &words);
    output_begin(&out);
    json_begin_object(&out.json);
    json_pair_string(&out.json, "kind", s->is_scenario ? "scenario" : "trace");
    workload_words_put_json(&words, &out.json);
    json_key(&out.json, "info");
    workload_info_put_json(info, &out.json);
    json_end_object(&out.json);
    put_head(o, s, info, &out.text);
    workload_words_put_text(&words, info, &out.text);
    output_end(&out, o->common.json ? NULL : t->human, o->common.json ? t->machine : NULL);
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct show_options *o = given;
    struct shown s = {0};
    struct workload_info info;
    if (command_arguments(&o->common, 1, "a trace, a run directory, or a scenario", err) < 0)
        return ERR_INPUT;
    workload_init(&s.workload);
    int status = load(t, o, &s, err);
    if (status == 0) {
        workload_info_compute(&s.workload, s.is_scenario ? NULL : &s.report, &info);
        workload_info_add_detail(&s.workload, &info);
        show(t, o, &s, &info);
        if (o->plots)
            status = info_plots_draw(&s.workload, &info, o->plots, err);
        workload_info_free(&info);
    }
    workload_free(&s.workload);
    if (s.is_scenario)
        scenario_free(&s.scenario);
    return status;
}

const struct command command_workload_show = {
    .name = "workload show",
    .summary = "a trace or scenario in words: lengths, bursts, sessions, a day",
    .usage = "TRACE|SCENARIO",
    .about = "Says in a few sentences what a workload is like, and draws its requests over time.\n"
             "A scenario is shown by what it makes with the seed. workload info has the figures.",
    .examples = "  farebox workload show agent\n"
                "  farebox workload show ~/.claude/projects\n"
                "  farebox workload show --plots plots trace.jsonl\n",
    .options = options,
    .options_size = sizeof(struct show_options),
    .run = run,
};
