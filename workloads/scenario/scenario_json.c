/* Scenarios as they stand in files: a row a key. What has its default is left out in writing. */
#include "core/memory.h"
#include "workloads/scenario/scenario.h"
#include "workloads/scenario/servegen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CLASSES 10000
#define MOST_POOL 1000000
#define MOST_TURNS 100000
#define DEFAULT_BLOCK 512

/* ---- what a row's value may be ---- */

static void read_remark(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text ignored;
    (void)f;
    (void)member;
    json_string(s, &ignored);
}

static bool is_zero(const void *member)
{
    return !(fabs(*(const double *)member) > 0);
}

static bool is_true(const void *member)
{
    return *(const bool *)member;
}

static bool is_constant(const struct length *l, double value)
{
    return l->kind == LENGTH_CONSTANT && fabs(l->a - value) < 1e-12;
}

static bool is_no_length(const void *member)
{
    return is_constant(member, 0);
}

#define STRING(member) JSON_AS_STRING, member, .optional = true
#define LENGTH(member, most)                                                       \
    JSON_AS_OTHER, member, .read = length_read_field, .write = length_write_field, \
                           .table = &length_table, .max = most
#define ARRIVAL(member)                                                              \
    JSON_AS_OTHER, member, .read = arrival_read_field, .write = arrival_write_field, \
                           .table = &arrival_table

/* ---- pools: {"tokens": LENGTH, "count": 20, "zipf": 1.0} ---- */

static void init_pool(void *pool)
{
    struct scenario_pool *p = pool;
    p->count = 1;
    p->zipf = 1;
}

static bool has_no_pool(const void *pool)
{
    return ((const struct scenario_pool *)pool)->count == 0;
}

#define POOL(member) JSON_AT(struct scenario_pool, member)
#define POOL_ROWS(key, most)                                \
    {key, LENGTH(POOL(tokens), most), .required = true},    \
        {"count", JSON_AS_UINT, POOL(count), 1, MOST_POOL}, \
    {                                                       \
        "zipf", JSON_AS_DOUBLE, POOL(zipf), 0, 10           \
    }

static const struct json_field system_rows[] = {POOL_ROWS("tokens", WORKLOAD_MAX_TOKENS)};
static const struct json_table system_table = {JSON_ROWS(system_rows), .where = "system_prompt",
                                               .needs = "\"system_prompt\" needs \"tokens\"",
                                               .init = init_pool};

/* The share of the input that others begin with too stands for "tokens". */
static const struct json_field prefix_rows[] = {POOL_ROWS("share", 1)};
static const struct json_table prefix_table = {JSON_ROWS(prefix_rows), .where = "shared_prefix",
                                               .needs = "\"shared_prefix\" needs \"share\"",
                                               .init = init_pool};

static const struct json_field documents_rows[] = {
    POOL_ROWS("tokens", WORKLOAD_MAX_TOKENS), {"per_turn", LENGTH(POOL(per_turn), MOST_TURNS)}};
static const struct json_table documents_table = {JSON_ROWS(documents_rows), .where = "documents",
                                                  .needs = "\"documents\" needs \"tokens\"",
                                                  .init = init_pool};

/* ---- sessions and tools ---- */

#define AT(member) JSON_AT(struct scenario_class, member)

static bool has_no_session(const void *class)
{
    const struct scenario_class *c = class;
    return is_constant(&c->turns, 1) && c->grows && c->max_context == 0 && !(c->early_stop > 0);
}

static const char *const growth_names[] = {"fresh", "grow", NULL};
static const struct json_field session_rows[] = {
    {"turns", LENGTH(AT(turns), MOST_TURNS)},
    {"think_s", LENGTH(AT(think_s), SCENARIO_MOST_SECONDS), .is_nothing = is_no_length},
    {"context", JSON_AS_CHOICE, AT(grows), .names = growth_names, .what = "context",
     .is_nothing = is_true},
    {"max_context_tokens", JSON_AS_UINT, AT(max_context), 2, WORKLOAD_MAX_TOKENS, .optional = true},
    {"early_stop", JSON_AS_DOUBLE, AT(early_stop), 0, 1, .is_nothing = is_zero},
};
static const struct json_table session_table = {JSON_ROWS(session_rows), .where = "session"};

#define TOOLS(member) JSON_AT(struct scenario_tools, member)
static const char *const context_names[] = {"own", "full", NULL};
static const struct json_field tools_rows[] = {
    {"steps", LENGTH(TOOLS(steps), MOST_TURNS), .required = true},
    {"output", LENGTH(TOOLS(output), WORKLOAD_MAX_TOKENS)},
    {"result", LENGTH(TOOLS(result), WORKLOAD_MAX_TOKENS)},
    {"time_s", LENGTH(TOOLS(time_s), SCENARIO_MOST_SECONDS)},
    {"failure", JSON_AS_DOUBLE, TOOLS(failure), 0, 1},
    {"error", LENGTH(TOOLS(error), WORKLOAD_MAX_TOKENS)},
    {"max_repeats", JSON_AS_UINT, TOOLS(max_repeats), 0, 1000},
    {"calls", LENGTH(TOOLS(calls), MOST_TURNS)},
    {"call_input", LENGTH(TOOLS(call_input), WORKLOAD_MAX_TOKENS)},
    {"call_output", LENGTH(TOOLS(call_output), WORKLOAD_MAX_TOKENS)},
    {"call_context", JSON_AS_CHOICE, TOOLS(call_context), .names = context_names,
     .what = "call_context"},
};
static const struct json_table tools_table = {JSON_ROWS(tools_rows), .where = "tools",
                                              .needs = "\"tools\" needs \"steps\""};

/* ---- classes ---- */

static void init_class(void *class)
{
    scenario_class_init(class);
}

/* A class with arrivals of its own has no share of the scenario's. */
static bool has_no_weight(const void *weight)
{
    const void *class = (const char *)weight - offsetof(struct scenario_class, weight);
    return ((const struct scenario_class *)class)->has_arrival;
}

static void read_service(struct json_scan *s, const struct json_field *f, void *class)
{
    struct scenario_class *c = class;
    char *name = NULL;
    (void)f;
    if (!json_string_copy(s, SERVICE_NAME_MAX, &name))
        return;
    free(c->other_service);
    c->service = service_called(text_of(name));
    c->other_service = c->service == SERVICE_OTHER ? name : NULL;
    if (!c->other_service)
        free(name);
}

static void write_service(struct json_writer *w, const struct json_field *f, const void *class)
{
    const struct scenario_class *c = class;
    (void)f;
    json_put_string(w, c->other_service ? c->other_service : service_name(c->service));
}

static bool is_standard(const void *class)
{
    return ((const struct scenario_class *)class)->service == SERVICE_STANDARD;
}

static const struct json_field image_item = {
    .kind = JSON_AS_OBJECT, .size = sizeof(struct image_size), .table = &image_size_table};

static const struct json_field class_rows[] = {
    {"class", STRING(AT(name))},
    {"comment", .read = read_remark},
    {"arrivals", ARRIVAL(AT(arrival)), JSON_HAS(struct scenario_class, has_arrival)},
    {"weight", JSON_AS_DOUBLE, AT(weight), 0, 1e12, .is_nothing = has_no_weight},
    {"model", STRING(AT(model))},
    {"service", JSON_AS_OTHER, .read = read_service, .write = write_service,
     .is_nothing = is_standard},
    {"priority", JSON_AS_INT, AT(priority), -32768, 32767, .optional = true},
    {"labels", JSON_AS_RAW, AT(labels), .max = 65536, .optional = true},
    {"body", JSON_AS_RAW, AT(body), .max = 1 << 20, .optional = true},
    {"images", JSON_AS_LIST, AT(images), .max = REQUEST_MAX_IMAGES, .what = "images",
     .item = &image_item, .count = offsetof(struct scenario_class, image_count), .optional = true},
    {"input", LENGTH(AT(input), WORKLOAD_MAX_TOKENS), .required = true},
    {"output", LENGTH(AT(output), WORKLOAD_MAX_TOKENS), .required = true},
    {"correlation", JSON_AS_DOUBLE, AT(correlation), -1, 1, .is_nothing = is_zero},
    {"reasoning", LENGTH(AT(reasoning), 1), JSON_HAS(struct scenario_class, has_reasoning)},
    {"system_prompt", JSON_AS_OBJECT, AT(system), .table = &system_table,
     .is_nothing = has_no_pool},
    {"documents", JSON_AS_OBJECT, AT(documents), .table = &documents_table,
     .is_nothing = has_no_pool},
    {"shared_prefix", JSON_AS_OBJECT, AT(prefix), .table = &prefix_table,
     .is_nothing = has_no_pool},
    {"session", JSON_AS_OBJECT, .table = &session_table, .is_nothing = has_no_session},
    {"tools", JSON_AS_OBJECT, AT(tools), .table = &tools_table,
     JSON_HAS(struct scenario_class, tools.used)},
};
static const struct json_table class_table = {JSON_ROWS(class_rows), .where = "a class",
                                              .needs = "a class needs \"input\" and \"output\"",
                                              .init = init_class};
static const struct json_field class_item = {
    .kind = JSON_AS_OBJECT, .size = sizeof(struct scenario_class), .table = &class_table};

/* ---- the scenario ---- */

static void read_start(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text raw;
    (void)f;
    if (json_string(s, &raw) && clock_parse_instant(raw.at, raw.length, member) < 0)
        json_fail(s, "expected an instant such as \"2026-11-01T00:00:00Z\"");
}

static void write_start(struct json_writer *w, const struct json_field *f, const void *member)
{
    (void)f;
    json_put_instant(w, *(const int64_t *)member);
}

/* {"path": "deepseek-r1.tgz", "rate_rps": 10, "clients": 20}; the path is relative to the file. */
struct servegen_source {
    char *path;
    struct servegen_options options;
};

static void read_source(struct json_scan *s, void *object, uint64_t seen)
{
    struct servegen_source *from = object;
    const char *slash = strrchr(s->file, '/');
    int folder = slash && from->path[0] != '/' ? (int)(slash - s->file) + 1 : 0;
    struct error err = {0};
    struct buffer whole;
    (void)seen;
    buffer_init(&whole, 4096);
    buffer_add_format(&whole, "%.*s%s", folder, s->file, from->path);
    if (servegen_read(whole.data ? whole.data : from->path, &from->options, s->context, NULL,
                      &err) < 0)
        json_fail(s, "%s%s%s", err.file, err.file[0] ? ": " : "", err.message);
    buffer_free(&whole);
}

#define SOURCE(member) JSON_AT(struct servegen_source, member)
static const struct json_field source_rows[] = {
    {"path", JSON_AS_STRING, SOURCE(path), .required = true},
    {"rate_rps", JSON_AS_DOUBLE, SOURCE(options.rate_rps), 1e-9, 1e7},
    {"clients", JSON_AS_UINT, SOURCE(options.clients), 1, 1000000},
};
static const struct json_table source_table = {JSON_ROWS(source_rows), .where = "servegen",
                                               .needs = "\"servegen\" needs \"path\"",
                                               .check = read_source};

static void read_servegen(struct json_scan *s, const struct json_field *f, void *scenario)
{
    struct servegen_source from = {0};
    (void)scenario; /* it is the context, too */
    json_fields_read(s, f->table, &from);
    free(from.path);
}

/* What can only be said once every key is known. */
static void check_scenario(struct json_scan *s, void *object, uint64_t seen);

#undef AT
#define AT(member) JSON_AT(struct scenario, member)
static const struct json_field rows[] = {
    {.name = "$schema"}, /* for editors */
    {"scenario", STRING(AT(name))},
    {"comment", STRING(AT(comment))},
    {"start", JSON_AS_OTHER, AT(start_unix_ns), .read = read_start, .write = write_start,
     JSON_HAS(struct scenario, has_start)},
    {"block_size", JSON_AS_UINT, AT(block_size), 0, 65536},
    {"requests", JSON_AS_UINT, AT(requests), 1, UINT32_MAX - 2, .optional = true},
    {"duration_s", JSON_AS_DOUBLE, AT(duration_s), 1e-6, 1e9, .is_nothing = is_zero},
    {"arrivals", ARRIVAL(AT(arrival)), JSON_HAS(struct scenario, has_arrival)},
    {"classes", JSON_AS_LIST, AT(classes), .max = MOST_CLASSES, .what = "classes",
     .item = &class_item, .count = offsetof(struct scenario, class_count)},
    {"servegen", .read = read_servegen, .table = &source_table},
};
enum { ROW_BLOCK_SIZE = 4 };
const struct json_table scenario_table = {JSON_ROWS(rows), .where = "the scenario",
                                          .check = check_scenario};

static void check_scenario(struct json_scan *s, void *object, uint64_t seen)
{
    struct scenario *out = object;
    double weight = 0;
    bool all_own = true, shares = false;
    for (size_t i = 0; i < out->class_count; i++) {
        const struct scenario_class *c = &out->classes[i];
        weight += c->has_arrival ? 0 : c->weight;
        all_own = all_own && c->has_arrival;
        shares = shares || c->system.count || c->documents.count || c->prefix.count ||
                 scenario_class_has_turns(c);
    }
    if (!(seen >> ROW_BLOCK_SIZE & 1) && shares)
        out->block_size = DEFAULT_BLOCK;
    if (out->class_count == 0)
        json_fail(s, "a scenario needs \"classes\" with at least one class, or \"servegen\"");
    else if (!out->has_arrival && !all_own)
        json_fail(s, "a scenario needs \"arrivals\", of its own or for each class");
    else if (out->has_arrival && all_own)
        json_fail(s, "every class has its own \"arrivals\": nothing is left for the scenario's");
    else if (!all_own && weight <= 0)
        json_fail(s, "the classes' weights are all 0");
}

int scenario_parse(const char *file, const char *text, size_t length, struct scenario *out,
                   struct error *err)
{
    struct json_scan s;
    scenario_init(out);
    json_scan_init(&s, file, text, length, 1);
    s.context = out;
    json_fields_read(&s, &scenario_table, out);
    int status = json_scan_end(&s, err);
    if (status < 0) {
        scenario_free(out);
        return status;
    }
    if (!out->name) {
        const char *slash = strrchr(file, '/');
        out->name = mem_copy_string(slash ? slash + 1 : file);
    }
    return 0;
}

void scenario_write(const struct scenario *s, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 2);
    json_fields_write(&w, &scenario_table, s, 0);
    buffer_add_byte(out, '\n');
}
