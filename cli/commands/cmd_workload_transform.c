/* farebox workload transform TRACE -t TRANSFORM... -o FILE: what if. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/workload_files.h"
#include "core/file_output.h"
#include "workloads/transform/transform.h"

#define AT(field) offsetof(struct transform_options, field)

struct transform_options {
    struct common_options common;
    struct trace_reading reading;
    struct option_list transforms;
    const char *output;
    bool force, list;
};

static const struct option_spec options[] = {
    {"transform", 't', OPTION_LIST, AT(transforms), NULL, "NAME=...",
     .help = "what to change, again and again, in this order; --list shows all"},
    {"output", 'o', OPTION_OUTPUT, AT(output), NULL, "FILE",
     .help = "where to write canonical JSON Lines; .gz compresses, - is standard output"},
    {"force", 'f', OPTION_FLAG, AT(force), NULL, NULL, .help = "replace an existing file"},
    {"list", 0, OPTION_FLAG, AT(list), NULL, NULL, .help = "list the transforms and their forms"},
    TRACE_READING_OPTIONS(struct transform_options, reading),
    {0},
};

static int check(const struct transform_options *o, struct error *err)
{
    if (command_arguments(&o->common, 1, TRACE_ARGUMENT, err) < 0)
        return ERR_INPUT;
    if (o->transforms.count == 0)
        return error_set(err, ERR_INPUT, "expected -t NAME=...; --list shows what there is");
    if (workload_output_given(o->output, err) < 0)
        return ERR_INPUT;
    for (size_t i = 0; i < o->transforms.count; i++) { /* before anything is read */
        struct transform t;
        if (transform_parse(o->transforms.items[i], &t, err) < 0)
            return ERR_INPUT;
        transform_free(&t);
    }
    return 0;
}

static void list_transforms(const struct terminal *t, bool json)
{
    struct output out;
    output_begin(&out);
    json_begin_array(&out.json);
    for (const struct transform_info *i = transform_list(); i->name; i++) {
        buffer_add_format(&out.text, "%s\n    %s\n", i->form, i->about);
        json_begin_object(&out.json);
        json_pair_string(&out.json, "name", i->name);
        json_pair_string(&out.json, "form", i->form);
        json_pair_string(&out.json, "about", i->about);
        json_end_object(&out.json);
    }
    json_end_array(&out.json);
    output_end(&out, json ? NULL : t->human, json ? t->machine : NULL);
}

/* Collects what each transform did, and says it. */
struct notes {
    const struct terminal *terminal;
    struct json_writer *json;
};

static void note(void *context, const char *text)
{
    const struct notes *n = context;
    say(n->terminal, "%s", text);
    json_put_string(n->json, text);
}

static int run_transforms(const struct terminal *t, const struct transform_options *o,
                          struct workload *w, struct json_writer *j, struct error *err)
{
    struct notes notes = {t, j};
    json_begin_object(j);
    json_pair_string(j, "input", o->common.arguments[0]);
    json_pair_string(j, "output", o->output);
    json_pair_u64(j, "requests_before", w->count);
    json_key(j, "transforms");
    json_begin_array(j);
    int status = transform_apply_all(o->transforms.items, o->transforms.count, o->common.seed, w,
                                     note, &notes, err);
    json_end_array(j);
    json_pair_u64(j, "requests", w->count);
    json_end_object(j);
    return status;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct transform_options *o = given;
    struct workload w;
    struct output out;
    if (o->list) {
        list_transforms(t, o->common.json);
        return 0;
    }
    if (check(o, err) < 0)
        return ERR_INPUT;
    workload_init(&w);
    output_begin(&out);
    int status = workload_input_read(o->common.arguments[0], &o->reading, t, &w, err);
    if (status == 0)
        status = run_transforms(t, o, &w, &out.json, err);
    if (status == 0)
        status = trace_write(&w, TRACE_CANONICAL, o->output, err);
    if (status == 0 && !o->common.json)
        say(t, "%zu requests written to %s", w.count, file_output_name(o->output));
    output_end(&out, NULL, status == 0 && o->common.json ? t->machine : NULL);
    workload_free(&w);
    return status;
}

const struct command command_workload_transform = {
    .name = "workload transform",
    .summary = "what if: scale, sample, cut, cache, route, retry, reorder a workload",
    .usage = "TRACE -t NAME=... -o FILE",
    .about = "Changes a workload and writes it as canonical JSON Lines. --list shows the "
             "transforms; the same\ntexts are taken by bill, sim and plan.",
    .examples =
        "  farebox workload transform conv.csv -t route=input<300:small,*:large -o r.jsonl\n"
        "  farebox workload transform t.jsonl -t sample=0.1 -t time=0.5 -o faster.jsonl\n"
        "  farebox workload transform t.jsonl -t cache=ttl:300s,min:1024,step:128 -o c.jsonl\n",
    .options = options,
    .options_size = sizeof(struct transform_options),
    .run = run,
};
