/* Where a workload comes from: the options --trace, --scenario and --mix, and --transform to change
 * it, for every command that runs one.
 *
 *     struct sim_options { struct common_options common; struct workload_source source; ... };
 *     static const struct option_spec options[] = {
 *         WORKLOAD_SOURCE_OPTIONS(struct sim_options, source),
 *         {0},
 *     };
 *     if (workload_source_load(&o->source, t, &limits, seed, &w, err) < 0) ...
 */
#ifndef FAREBOX_CLI_WORKLOAD_SOURCE_H
#define FAREBOX_CLI_WORKLOAD_SOURCE_H

#include "cli/terminal.h"
#include "cli/trace_options.h"
#include "workloads/scenario/generate.h"

struct workload_source {
    const char *trace, *scenario, *mix;
    struct option_list transforms;
    struct trace_reading reading;
};

#define WORKLOAD_SOURCE_OPTIONS(owner, place)                                     \
    {.name = "trace",                                                             \
     .letter = 't',                                                               \
     .type = OPTION_TEXT,                                                         \
     .offset = offsetof(owner, place.trace),                                      \
     .unit = "FILE",                                                              \
     .help = "a trace in any known form, a run directory, or - (standard input)", \
     .group = "Workload"},                                                        \
        {.name = "scenario",                                                      \
         .letter = 's',                                                           \
         .type = OPTION_TEXT,                                                     \
         .offset = offsetof(owner, place.scenario),                               \
         .unit = "SCENARIO|FILE",                                                 \
         .help = "generate the workload: a bundled scenario or a JSON file"},     \
        {.name = "mix",                                                           \
         .type = OPTION_TEXT,                                                     \
         .offset = offsetof(owner, place.mix),                                    \
         .unit = "NAME:SHARE,...",                                                \
         .help = "several scenarios at once, by their shares of the requests: "   \
                 "chat:0.7,agent:0.3"},                                           \
        {.name = "transform",                                                     \
         .type = OPTION_LIST,                                                     \
         .offset = offsetof(owner, place.transforms),                             \
         .unit = "NAME=...",                                                      \
         .help = "change the workload first, again and again: sample=0.1, "       \
                 "route=input<300:small,*:large (workload transform --list)"},    \
        TRACE_READING_OPTIONS(owner, place.reading)

/* True where a scenario or a mix of them is generated, not a trace read. */
static inline bool workload_source_generates(const struct workload_source *source)
{
    return source->scenario || source->mix;
}

/* ERR_INPUT unless exactly one of trace, scenario and mix is given. */
int workload_source_check(const struct workload_source *source, struct error *err);

/* Reads or generates the workload into `w` (initialised). `limits` bound a scenario; a trace is
 * read whole. What a reader skipped is told as a warning. ERR_INPUT if none or several are
 * given, or the workload holds no request. */
int workload_source_load(const struct workload_source *source, const struct terminal *t,
                         const struct generate_options *limits, uint64_t seed, struct workload *w,
                         struct error *err);

/* A name for people and directories: the trace's or scenario's stem. */
#define WORKLOAD_STEM_SIZE 64
void workload_source_stem(const struct workload_source *source, char out[WORKLOAD_STEM_SIZE]);

/* Name, requests and tokens of a workload as keys of the object that is being written. */
void workload_put_extent(const char *name, const struct workload *w, struct json_writer *j);

/* The workload in run.json: its extent, as a JSON object appended to `out`. */
void workload_source_describe(const struct workload_source *source, const struct workload *w,
                              struct buffer *out);

#endif
