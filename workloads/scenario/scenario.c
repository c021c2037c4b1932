#include "workloads/scenario/scenario.h"

#include "core/embedded.h"
#include "core/file.h"
#include "core/memory.h"
#include "workloads/scenario/servegen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIO_MAX_BYTES (64u << 20)

void scenario_init(struct scenario *s)
{
    *s = (struct scenario){0};
}

void scenario_class_init(struct scenario_class *c)
{
    struct length none = length_constant(0);
    *c = (struct scenario_class){
        .weight = 1,
        .input = none,
        .output = none,
        .reasoning = none,
        .system = {.tokens = none},
        .documents = {.tokens = none, .per_turn = length_constant(1)},
        .prefix = {.tokens = none},
        .turns = length_constant(1),
        .think_s = none,
        .grows = true,
        .tools = {.steps = none,
                  .output = length_constant(80),
                  .result = none,
                  .time_s = none,
                  .error = length_constant(60),
                  .max_repeats = 3,
                  .calls = none,
                  .call_input = none,
                  .call_output = none,
                  .call_context = true},
    };
}

struct scenario_class *scenario_add_class(struct scenario *s)
{
    struct scenario_class *c = mem_append(&s->classes, &s->class_count, sizeof *c);
    scenario_class_init(c);
    return c;
}

static void class_free(struct scenario_class *c)
{
    free(c->name);
    free(c->model);
    free(c->other_service);
    free(c->labels);
    free(c->body);
    free(c->images);
    if (c->has_arrival)
        arrival_free(&c->arrival);
    struct length *lengths[] = {&c->input,
                                &c->output,
                                &c->reasoning,
                                &c->system.tokens,
                                &c->documents.tokens,
                                &c->prefix.tokens,
                                &c->documents.per_turn,
                                &c->turns,
                                &c->think_s,
                                &c->tools.steps,
                                &c->tools.output,
                                &c->tools.result,
                                &c->tools.time_s,
                                &c->tools.error,
                                &c->tools.calls,
                                &c->tools.call_input,
                                &c->tools.call_output};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        length_free(lengths[i]);
}

void scenario_free(struct scenario *s)
{
    free(s->name);
    free(s->comment);
    if (s->has_arrival)
        arrival_free(&s->arrival);
    for (size_t i = 0; i < s->class_count; i++)
        class_free(&s->classes[i]);
    free(s->classes);
    *s = (struct scenario){0};
}

/* The largest whole number the length can give, as far as its bounds tell. */
static bool is_constant_below(const struct length *l, double bound)
{
    return l->max < bound || (l->kind == LENGTH_CONSTANT && l->a < bound) ||
           (l->kind == LENGTH_UNIFORM && l->b < bound);
}

bool scenario_class_has_turns(const struct scenario_class *c)
{
    return !is_constant_below(&c->turns, 1.5) || c->tools.used;
}

static bool is_path(const char *name)
{
    size_t length = strlen(name);
    return strchr(name, '/') || !strcmp(name, "-") ||
           (length > 5 && !strcmp(name + length - 5, ".json")) || servegen_is_path(name);
}

static int unknown_name(const char *name, struct error *err)
{
    struct buffer list;
    buffer_init(&list, 4096);
    embedded_list("scenarios", &list);
    const char *near = embedded_nearest("scenarios", name);
    int code = error_set(err, ERR_INPUT,
                         "no bundled scenario \"%s\"%s%s%s; there are %s; a file is named by its "
                         "path with a '/' or ending in .json",
                         name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
                         list.data ? list.data : "none");
    buffer_free(&list);
    return code;
}

/* A ServeGen data set on its own: its clients at the rates it gives, for a day. */
static int load_servegen(const char *path, struct scenario *out, struct error *err)
{
    struct servegen_options all = {0};
    struct servegen_report report;
    if (servegen_read(path, &all, out, &report, err) < 0) {
        scenario_free(out);
        return ERR_INPUT;
    }
    const char *slash = strrchr(path, '/');
    out->name = mem_copy_string(slash && slash[1] ? slash + 1 : path);
    out->duration_s = 86400;
    return 0;
}

int scenario_load(const char *name, struct scenario *out, struct error *err)
{
    scenario_init(out);
    const struct embedded_file *f = embedded_find("scenarios", name);
    if (f) /* even where a folder of that name lies about; "./chat" names the folder */
        return scenario_parse(name, f->bytes, f->length, out, err);
    if (!is_path(name))
        return unknown_name(name, err);
    if (servegen_is_path(name))
        return load_servegen(name, out, err);
    char *text;
    size_t length;
    if (file_read_all(name, SCENARIO_MAX_BYTES, &text, &length, err) < 0)
        return ERR_INPUT;
    int status = scenario_parse(name, text, length, out, err);
    free(text);
    return status;
}
