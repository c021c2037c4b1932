/* farebox workload anonymise TRACE -o FILE: traffic that may be shown to others. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/workload_files.h"
#include "core/file_output.h"
#include "workloads/transform/anonymise.h"

#include <inttypes.h>

#define AT(field) offsetof(struct anonymise_command, field)

struct anonymise_command {
    struct common_options common;
    struct trace_reading reading;
    const char *output;
    int64_t round_ns;
    bool keep_models, keep_labels, force;
};

static const struct option_spec options[] = {
    {"output", 'o', OPTION_OUTPUT, AT(output), NULL, "FILE",
     .help = "where to write canonical JSON Lines; .gz compresses, - is standard output"},
    {"keep-models", 0, OPTION_FLAG, AT(keep_models), NULL, NULL,
     .help = "models keep their names, so that the copy can be billed"},
    {"keep-labels", 0, OPTION_FLAG, AT(keep_labels), NULL, NULL,
     .help = "labels keep their values, and classes their names"},
    {"round-times", 0, OPTION_DURATION, AT(round_ns), NULL, "TIME", .max = 86400,
     .help = "times and delays down to whole multiples of this: 1s"},
    {"force", 'f', OPTION_FLAG, AT(force), NULL, NULL, .help = "replace an existing file"},
    TRACE_READING_OPTIONS(struct anonymise_command, reading),
    {0},
};

static void put_names(struct buffer *out, const struct names *names)
{
    for (uint32_t i = 0; i < names->count; i++)
        buffer_add_format(out, "%s%s", i ? ", " : "", names_text(names, i));
}

/* The text's lines: what could still identify, and what helps. */
static void put_left(const struct anonymise_command *o, const struct workload *w,
                     const struct anonymise_left *l, struct buffer *out)
{
    buffer_add_text(out, "what is left that could identify:\n");
    buffer_add_format(out, "  times      %s%s\n",
                      o->round_ns ? "rounded" : "exact; --round-times 1s makes them coarser",
                      l->has_start ? "; the date and the time of day stay" : "");
    buffer_add_format(out,
                      "  lengths    %" PRIu64 " of %zu requests have lengths that no other has:\n"
                      "             whoever knows the original finds them again\n",
                      l->unique_lengths, w->count);
    if (l->sessions)
        buffer_add_format(out,
                          "  sessions   %" PRIu64 " of %" PRIu64
                          " have a number of requests that no other has\n",
                          l->unique_sessions, l->sessions);
    if (l->models)
        buffer_add_format(
            out, "  models     %" PRIu64 " %s, %" PRIu64 " of them in fewer than %d requests\n",
            l->models, o->keep_models ? "by name" : "as numbers", l->rare_models, ANONYMISE_RARE);
    if (l->label_names.count) {
        buffer_add_format(out, "  labels     %s: ", o->keep_labels ? "names and values" : "names");
        put_names(out, &l->label_names);
        buffer_add_text(out, "\n");
    }
    if (l->tool_names.count) {
        buffer_add_text(out, "  tools      what is priced by name: ");
        put_names(out, &l->tool_names);
        buffer_add_text(out, "\n");
    }
    if (l->has_costs)
        buffer_add_text(out, "  costs      as reported\n");
}

static void put_name_list(struct json_writer *w, const char *key, const struct names *names)
{
    json_key(w, key);
    json_begin_array(w);
    for (uint32_t i = 0; i < names->count; i++)
        json_put_string(w, names_text(names, i));
    json_end_array(w);
}

static void put_json(const struct anonymise_command *o, const struct workload *w,
                     const struct anonymise_left *l, struct json_writer *j)
{
    json_begin_object(j);
    json_pair_string(j, "input", o->common.arguments[0]);
    json_pair_string(j, "output", o->output);
    json_pair_u64(j, "requests", w->count);
    json_key(j, "left");
    json_begin_object(j);
    json_pair_statistic(j, "times_rounded_to_s", (double)o->round_ns / 1e9);
    json_pair_bool(j, "start", l->has_start);
    json_pair_u64(j, "requests_of_unique_lengths", l->unique_lengths);
    json_pair_u64(j, "sessions", l->sessions);
    json_pair_u64(j, "sessions_of_unique_size", l->unique_sessions);
    json_pair_u64(j, "models", l->models);
    json_pair_u64(j, "rare_models", l->rare_models);
    json_pair_bool(j, "model_names", o->keep_models && l->models > 0);
    json_pair_bool(j, "label_values", o->keep_labels && l->label_names.count > 0);
    put_name_list(j, "label_names", &l->label_names);
    put_name_list(j, "tool_names", &l->tool_names);
    json_pair_bool(j, "costs", l->has_costs);
    json_end_object(j);
    json_end_object(j);
}

static void tell(const struct terminal *t, const struct anonymise_command *o,
                 const struct workload *w, const struct anonymise_left *left)
{
    struct output out;
    output_begin(&out);
    put_json(o, w, left, &out.json);
    put_left(o, w, left, &out.text);
    say(t, "%zu requests written to %s", w->count, file_output_name(o->output));
    output_end(&out, o->common.json ? NULL : t->human, o->common.json ? t->machine : NULL);
}

static int write_copy(const struct terminal *t, const struct anonymise_command *o,
                      const struct workload *w, struct error *err)
{
    struct anonymise_options how = {o->keep_models, o->keep_labels, o->round_ns};
    struct anonymise_left left;
    struct workload copy;
    workload_init(&copy);
    int status = workload_anonymise(w, &how, &copy, &left, err);
    if (status == 0)
        status = trace_write(&copy, TRACE_CANONICAL, o->output, err);
    if (status == 0)
        tell(t, o, &copy, &left);
    anonymise_left_free(&left);
    workload_free(&copy);
    return status;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct anonymise_command *o = given;
    struct workload w;
    if (command_arguments(&o->common, 1, TRACE_ARGUMENT, err) < 0 ||
        workload_output_given(o->output, err) < 0)
        return ERR_INPUT;
    workload_init(&w);
    int status = workload_input_read(o->common.arguments[0], &o->reading, t, &w, err);
    if (status == 0)
        status = write_copy(t, o, &w, err);
    workload_free(&w);
    return status;
}

const struct command command_workload_anonymise = {
    .name = "workload anonymise",
    .summary = "a copy of a trace without names and texts, to be shared",
    .usage = "TRACE -o FILE",
    .about =
        "Ids of requests and sessions, models, classes, values of labels and prefix blocks become\n"
        "numbers in the order in which they are first seen; messages, bodies and unknown keys go.\n"
        "Lengths, times, usage and what is shared stay. It then says what is left that could\n"
        "identify. The same trace gives the same copy.",
    .examples = "  farebox workload anonymise log.jsonl -o shared.jsonl.gz\n"
                "  farebox workload anonymise ~/.claude/projects --keep-models -o mine.jsonl\n"
                "  farebox workload anonymise log.csv --round-times 1s -o shared.jsonl\n",
    .options = options,
    .options_size = sizeof(struct anonymise_command),
    .run = run,
};
