/* farebox workload fit TRACE -o scenario.json: a scenario whose twin is like the trace. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/workload_files.h"
#include "core/file.h"
#include "workloads/describe/fit.h"
#include "workloads/scenario/generate.h"

#include <math.h>
#include <string.h>

#define AT(field) offsetof(struct fit_options, field)

struct fit_options {
    struct common_options common;
    struct trace_reading reading;
    const char *output;
    bool force;
};

static const struct option_spec options[] = {
    {"output", 'o', OPTION_OUTPUT, AT(output), NULL, "FILE",
     .help = "where to write the scenario; - is standard output"},
    {"force", 'f', OPTION_FLAG, AT(force), NULL, NULL, .help = "replace an existing file"},
    TRACE_READING_OPTIONS(struct fit_options, reading),
    {0},
};

static int check(const struct fit_options *o, struct error *err)
{
    if (command_arguments(&o->common, 1, TRACE_ARGUMENT, err) < 0)
        return ERR_INPUT;
    return workload_output_given(o->output, err);
}

static void put_json(const struct terminal *t, const struct fit_options *o,
                     const struct fit_report *r, const struct fit_distance *d)
{
    struct output out;
    struct json_writer *w = &out.json;
    output_begin(&out);
    json_begin_object(w);
    json_pair_string(w, "input", o->common.arguments[0]);
    json_pair_string(w, "output", o->output);
    json_pair_u64(w, "requests", r->requests);
    json_pair_u64(w, "classes", r->classes);
    json_pair_u64(w, "dependent", r->dependent);
    json_pair_statistic(w, "gap_shape", r->shape);
    json_pair_statistic(w, "rate_step_s", r->step_s);
    json_pair_statistic(w, "ks_input", d->ks_input);
    json_pair_statistic(w, "ks_output", d->ks_output);
    json_pair_statistic(w, "interarrival_cv", d->interarrival_cv);
    json_pair_statistic(w, "twin_interarrival_cv", d->twin_cv);
    json_pair_statistic(w, "prefix_hit_ratio", d->hit_ratio);
    json_pair_statistic(w, "twin_prefix_hit_ratio", d->twin_hit_ratio);
    json_end_object(w);
    output_end(&out, NULL, t->machine);
}

/* What the twin is like beside the trace, for people; to standard error beside -o -. */
static void put_text(const struct terminal *t, const struct fit_options *o,
                     const struct fit_report *r, const struct fit_distance *d)
{
    FILE *to = strcmp(o->output, "-") == 0 ? t->notes : t->human;
    if (!to)
        return;
    fprintf(to, "%zu requests, %zu class%s fitted; a twin (seed %llu) beside the trace:\n",
            r->requests, r->classes, r->classes == 1 ? "" : "es",
            (unsigned long long)o->common.seed);
    fprintf(to, "  input lengths       KS distance %.4f\n", d->ks_input);
    fprintf(to, "  output lengths      KS distance %.4f\n", d->ks_output);
    fprintf(to, "  inter-arrival CV    %s, trace %s\n", TEXT_SHORT(d->twin_cv, 4),
            TEXT_SHORT(d->interarrival_cv, 4));
    if (!isnan(d->hit_ratio))
        fprintf(to, "  prefix hits         %.2f%% of the tokens, trace %.2f%%\n",
                100 * d->twin_hit_ratio, 100 * d->hit_ratio);
}

static int write_scenario(const struct scenario *s, const char *path, struct error *err)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    scenario_write(s, &text);
    int status = file_write_atomic(path, text.data, text.length, err);
    buffer_free(&text);
    return status;
}

/* Fits, compares a twin with the trace, writes. */
static int fit(const struct terminal *t, const struct fit_options *o, const struct workload *w,
               struct error *err)
{
    struct scenario s;
    struct fit_report report;
    struct fit_distance d;
    struct workload twin;
    struct error why = {0};
    if (workload_fit(w, &s, &report, &why) < 0)
        return error_at(err, o->common.arguments[0], 0, 0, "%s", why.message);
    workload_init(&twin);
    int status = workload_generate(&s, o->common.seed, &(struct generate_options){0}, &twin, err);
    if (status == 0)
        status = write_scenario(&s, o->output, err);
    if (status == 0) {
        workload_fit_compare(w, &twin, &d);
        if (report.dependent)
            warn(t, "%zu requests wait for others; the scenario does not keep that",
                 report.dependent);
        if (o->common.json)
            put_json(t, o, &report, &d);
        else
            put_text(t, o, &report, &d);
    }
    workload_free(&twin);
    scenario_free(&s);
    return status;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct fit_options *o = given;
    struct workload w;
    if (check(o, err) < 0)
        return ERR_INPUT;
    workload_init(&w);
    int status = workload_input_read(o->common.arguments[0], &o->reading, t, &w, err);
    if (status == 0)
        status = fit(t, o, &w, err);
    workload_free(&w);
    return status;
}

const struct command command_workload_fit = {
    .name = "workload fit",
    .summary = "make a scenario whose generated twin is like a trace",
    .usage = "TRACE -o SCENARIO.json",
    .about = "Fits lengths, their dependence, arrivals and prefix sharing of a trace, and writes a "
             "scenario\nthat workload gen, bench and sim take. Tells how close a twin comes.",
    .examples = "  farebox workload fit conv.csv -o conv.json\n"
                "  farebox workload gen conv.json --requests 100k --seed 7 -o more.jsonl\n",
    .options = options,
    .options_size = sizeof(struct fit_options),
    .run = run,
};
