/* farebox workload info TRACE: what a workload is like. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/plot/info_plots.h"
#include "cli/trace_options.h"
#include "workloads/describe/info.h"

struct info_options {
    struct common_options common;
    struct trace_reading reading;
    const char *plots;
};

static const struct option_spec options[] = {
    {"plots", 0, OPTION_TEXT, offsetof(struct info_options, plots), NULL, "DIR",
     .help = "draw lengths, arrivals and prefix hits into this directory (SVG and PNG)"},
    TRACE_READING_OPTIONS(struct info_options, reading),
    {0},
};

static void show(const struct terminal *t, const struct info_options *o,
                 const struct workload_info *info)
{
    struct output out;
    output_begin(&out);
    workload_info_put_json(info, &out.json);
    workload_info_put_text(info, t->width, &out.text);
    output_end(&out, o->common.json ? NULL : t->human, o->common.json ? t->machine : NULL);
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct info_options *o = given;
    struct workload w;
    struct trace_report report;
    struct workload_info info;
    struct trace_options reading = trace_reading_options(&o->reading);
    if (command_arguments(&o->common, 1, TRACE_ARGUMENT, err) < 0)
        return ERR_INPUT;
    workload_init(&w);
    int status = trace_read(o->common.arguments[0], &reading, &w, &report, err);
    if (status < 0)
        return status;
    workload_info_compute(&w, &report, &info);
    if (!w.requests)
        workload_info_add_detail(&w, &info);
    show(t, o, &info);
    if (o->plots && w.requests)
        status = workload_check_single(&w, "--plots", err);
    else if (o->plots)
        status = info_plots_draw(&w, &info, o->plots, err);
    workload_info_free(&info);
    workload_free(&w);
    return status;
}

const struct command command_workload_info = {
    .name = "workload info",
    .summary = "describe a trace: lengths, rates, sessions, prefix sharing",
    .usage = "TRACE",
    .about =
        "Reads a trace in any known form (recognised from its content; .gz too) and says what it\n"
        "is like. Percentiles are type 7; the inter-arrival CV uses the population's sigma.\n"
        "What was skipped or odd is counted. The earliest request is time 0, here as in every "
        "command.",
    .examples = "  farebox workload info AzureLLMInferenceTrace_code.csv\n"
                "  farebox workload info --json trace.jsonl.gz | jq .input_tokens.p99\n"
                "  farebox workload info --columns timestamp=Time,input=3,output=4 gateway.csv\n",
    .options = options,
    .options_size = sizeof(struct info_options),
    .run = run,
};
