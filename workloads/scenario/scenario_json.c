/* Scenarios as they stand in files: reading. */
#include "core/memory.h"
#include "workloads/scenario/scenario.h"
#include "workloads/scenario/servegen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CLASSES 10000
#define MOST_TOKENS 100000000
#define MOST_POOL 1000000
#define DEFAULT_BLOCK 512

/* Takes a number into 32 bits. */
static void parse_u32(struct json_scan *s, uint64_t min, uint64_t max, uint32_t *out)
{
    uint64_t value = 0;
    if (json_u64(s, min, max, &value))
        *out = (uint32_t)value;
}

/* Replaces a length that has a default. */
static void parse_length(struct json_scan *s, struct length *out)
{
    length_free(out);
    if (!length_parse(s, out))
        *out = length_constant(0);
}

static void parse_string(struct json_scan *s, char **out)
{
    free(*out);
    *out = NULL;
    json_string_copy(s, 65536, out);
}

/* A JSON object as written, at most `cap` bytes. */
static void parse_object_text(struct json_scan *s, size_t cap, char **out)
{
    struct text raw;
    if (json_peek(s) != JSON_OBJECT) {
        json_object_begin(s); /* says what was expected */
        return;
    }
    if (!json_skip(s, &raw))
        return;
    if (raw.length > cap) {
        json_fail(s, "this object is longer than %zu bytes", cap);
        return;
    }
    free(*out);
    *out = mem_copy_text(raw.at, raw.length);
}

static int choose(struct json_scan *s, const char *const *names, const char *what)
{
    struct text name;
    if (!json_string(s, &name))
        return -1;
    for (int i = 0; names[i]; i++)
        if (text_equal(name, names[i]))
            return i;
    const char *near = text_nearest(name, names);
    json_fail(s, "unknown %s \"%.*s\"; did you mean \"%s\"?", what,
              (int)(name.length < 60 ? name.length : 60), name.at, near ? near : names[0]);
    return -1;
}

/* {"tokens": LENGTH, "count": 20, "zipf": 1.0}, for documents also "per_turn"; a shared prefix has
 * "share" for "tokens": the share of the input that others begin with too. */
static void parse_pool(struct json_scan *s, const char *where, const char *tokens,
                       struct scenario_pool *pool, struct length *per_turn)
{
    const char *known[] = {tokens, "count", "zipf", per_turn ? "per_turn" : NULL, NULL};
    bool given = false;
    struct text key;
    pool->count = 1;
    pool->zipf = 1;
    json_object_begin(s);
    const char *start = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, tokens)) {
            parse_length(s, &pool->tokens);
            given = true;
        } else if (text_equal(key, "count")) {
            parse_u32(s, 1, MOST_POOL, &pool->count);
        } else if (text_equal(key, "zipf")) {
            json_double(s, 0, 10, &pool->zipf);
        } else if (per_turn && text_equal(key, "per_turn")) {
            parse_length(s, per_turn);
        } else {
            json_unknown_key(s, key, known, where);
        }
    }
    if (!given && !s->failed) {
        s->value = start;
        json_fail(s, "\"%s\" needs \"%s\"", where, tokens);
    }
}

static void parse_session(struct json_scan *s, struct scenario_class *c)
{
    static const char *const known[] = {"turns",      "think_s", "context", "max_context_tokens",
                                        "early_stop", NULL};
    static const char *const contexts[] = {"fresh", "grow", NULL};
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "turns"))
            parse_length(s, &c->turns);
        else if (text_equal(key, "think_s"))
            parse_length(s, &c->think_s);
        else if (text_equal(key, "context"))
            c->grows = choose(s, contexts, "context") == 1;
        else if (text_equal(key, "max_context_tokens"))
            parse_u32(s, 2, MOST_TOKENS, &c->max_context);
        else if (text_equal(key, "early_stop"))
            json_double(s, 0, 1, &c->early_stop);
        else
            json_unknown_key(s, key, known, "session");
    }
}

static struct length *tool_length(struct scenario_tools *t, struct text key)
{
    const struct {
        const char *key;
        struct length *to;
    } lengths[] = {
        {"steps", &t->steps},           {"output", &t->output},
        {"result", &t->result},         {"time_s", &t->time_s},
        {"error", &t->error},           {"calls", &t->calls},
        {"call_input", &t->call_input}, {"call_output", &t->call_output},
    };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        if (text_equal(key, lengths[i].key))
            return lengths[i].to;
    return NULL;
}

static void parse_tools(struct json_scan *s, struct scenario_tools *t)
{
    static const char *const known[] = {"steps",      "output",      "result",       "time_s",
                                        "failure",    "error",       "max_repeats",  "calls",
                                        "call_input", "call_output", "call_context", NULL};
    static const char *const contexts[] = {"own", "full", NULL};
    bool steps = false;
    struct text key;
    t->used = true;
    json_object_begin(s);
    const char *start = s->value;
    while (json_object_next(s, &key)) {
        struct length *to = tool_length(t, key);
        steps = steps || text_equal(key, "steps");
        if (to)
            parse_length(s, to);
        else if (text_equal(key, "failure"))
            json_double(s, 0, 1, &t->failure);
        else if (text_equal(key, "max_repeats"))
            parse_u32(s, 0, 1000, &t->max_repeats);
        else if (text_equal(key, "call_context"))
            t->call_context = choose(s, contexts, "call_context") == 1;
        else
            json_unknown_key(s, key, known, "tools");
    }
    if (!steps && !s->failed) {
        s->value = start;
        json_fail(s, "\"tools\" needs \"steps\"");
    }
}

static void parse_service(struct json_scan *s, enum service *out)
{
    static const char *const names[] = {"standard", "batch", "flex", "priority", NULL};
    int number = choose(s, names, "service");
    if (number >= 0)
        *out = (enum service)number;
}

static const char *const class_keys[] = {
    "class",     "comment",       "weight",  "model",  "service",     "priority",  "labels",
    "body",      "arrivals",      "input",   "output", "correlation", "reasoning", "system_prompt",
    "documents", "shared_prefix", "session", "tools",  NULL};

/* The members that are plain values. False if the key is none of them. */
static bool parse_class_value(struct json_scan *s, struct text key, struct scenario_class *c)
{
    int64_t priority = 0;
    struct text ignored;
    if (text_equal(key, "class")) {
        parse_string(s, &c->name);
    } else if (text_equal(key, "comment")) {
        json_string(s, &ignored);
    } else if (text_equal(key, "weight")) {
        json_double(s, 0, 1e12, &c->weight);
    } else if (text_equal(key, "model")) {
        parse_string(s, &c->model);
    } else if (text_equal(key, "service")) {
        parse_service(s, &c->service);
    } else if (text_equal(key, "priority")) {
        if (json_i64(s, -32768, 32767, &priority))
            c->priority = (int)priority;
    } else if (text_equal(key, "labels")) {
        parse_object_text(s, 65536, &c->labels);
    } else if (text_equal(key, "body")) {
        parse_object_text(s, 1 << 20, &c->body);
    } else if (text_equal(key, "correlation")) {
        json_double(s, -1, 1, &c->correlation);
    } else {
        return false;
    }
    return true;
}

static void parse_class(struct json_scan *s, struct scenario *scenario)
{
    if (scenario->class_count == MOST_CLASSES) {
        json_fail(s, "more than %d classes", MOST_CLASSES);
        return;
    }
    struct scenario_class *c = scenario_add_class(scenario);
    bool input = false, output = false;
    struct text key;
    json_object_begin(s);
    const char *start = s->value;
    while (json_object_next(s, &key)) {
        input = input || text_equal(key, "input");
        output = output || text_equal(key, "output");
        if (parse_class_value(s, key, c)) {
            continue;
        } else if (text_equal(key, "arrivals")) {
            if (c->has_arrival)
                arrival_free(&c->arrival);
            c->has_arrival = arrival_parse(s, &c->arrival);
        } else if (text_equal(key, "input")) {
            parse_length(s, &c->input);
        } else if (text_equal(key, "output")) {
            parse_length(s, &c->output);
        } else if (text_equal(key, "reasoning")) {
            parse_length(s, &c->reasoning);
            c->has_reasoning = true;
        } else if (text_equal(key, "system_prompt")) {
            parse_pool(s, "system_prompt", "tokens", &c->system, NULL);
        } else if (text_equal(key, "documents")) {
            parse_pool(s, "documents", "tokens", &c->documents, &c->documents_per_turn);
        } else if (text_equal(key, "shared_prefix")) {
            parse_pool(s, "shared_prefix", "share", &c->prefix, NULL);
        } else if (text_equal(key, "session")) {
            parse_session(s, c);
        } else if (text_equal(key, "tools")) {
            parse_tools(s, &c->tools);
        } else {
            json_unknown_key(s, key, class_keys, "a class");
        }
    }
    if (!s->failed && (!input || !output)) {
        s->value = start;
        json_fail(s, "a class needs \"input\" and \"output\"");
    }
}

static void parse_start(struct json_scan *s, struct scenario *out)
{
    struct text raw;
    if (!json_string(s, &raw))
        return;
    if (clock_parse_instant(raw.at, raw.length, &out->start_unix_ns) < 0)
        json_fail(s, "expected an instant such as \"2026-11-01T00:00:00Z\"");
    else
        out->has_start = true;
}

/* {"path": "deepseek-r1.tgz", "rate_rps": 10, "clients": 20}; the path is relative to the file. */
static void parse_servegen(struct json_scan *s, struct scenario *out)
{
    static const char *const known[] = {"path", "rate_rps", "clients", NULL};
    struct servegen_options o = {0};
    struct error err = {0};
    char *path = NULL;
    struct text key;
    json_object_begin(s);
    const char *start = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "path"))
            parse_string(s, &path);
        else if (text_equal(key, "rate_rps"))
            json_double(s, 1e-9, 1e7, &o.rate_rps);
        else if (text_equal(key, "clients"))
            parse_u32(s, 1, 1000000, &o.clients);
        else
            json_unknown_key(s, key, known, "servegen");
    }
    if (!s->failed) {
        const char *slash = strrchr(s->file, '/');
        int folder = slash && path && path[0] != '/' ? (int)(slash - s->file) + 1 : 0;
        struct buffer whole;
        buffer_init(&whole, 4096);
        buffer_add_format(&whole, "%.*s%s", folder, s->file, path ? path : "");
        s->value = start;
        if (!path)
            json_fail(s, "\"servegen\" needs \"path\"");
        else if (servegen_read(whole.data ? whole.data : path, &o, out, NULL, &err) < 0)
            json_fail(s, "%s%s%s", err.file, err.file[0] ? ": " : "", err.message);
        buffer_free(&whole);
    }
    free(path);
}

static const char *const scenario_keys[] = {"scenario", "comment",    "start",    "block_size",
                                            "requests", "duration_s", "arrivals", "classes",
                                            "servegen", NULL};

static void parse_member(struct json_scan *s, struct text key, struct scenario *out,
                         bool *block_given)
{
    if (text_equal(key, "$schema")) { /* for editors */
        json_skip(s, NULL);
    } else if (text_equal(key, "scenario")) {
        parse_string(s, &out->name);
    } else if (text_equal(key, "comment")) {
        parse_string(s, &out->comment);
    } else if (text_equal(key, "start")) {
        parse_start(s, out);
    } else if (text_equal(key, "block_size")) {
        parse_u32(s, 0, 65536, &out->block_size);
        *block_given = true;
    } else if (text_equal(key, "requests")) {
        json_u64(s, 1, UINT32_MAX - 2, &out->requests);
    } else if (text_equal(key, "duration_s")) {
        json_double(s, 1e-6, 1e9, &out->duration_s);
    } else if (text_equal(key, "arrivals")) {
        if (out->has_arrival)
            arrival_free(&out->arrival);
        out->has_arrival = arrival_parse(s, &out->arrival);
    } else if (text_equal(key, "servegen")) {
        parse_servegen(s, out);
    } else if (text_equal(key, "classes")) {
        json_array_begin(s);
        while (json_array_next(s))
            parse_class(s, out);
    } else {
        json_unknown_key(s, key, scenario_keys, "the scenario");
    }
}

/* What can only be said once every member is known. */
static void settle(struct json_scan *s, struct scenario *out, bool block_given)
{
    double weight = 0;
    bool all_own = true, shares = false;
    for (size_t i = 0; i < out->class_count; i++) {
        const struct scenario_class *c = &out->classes[i];
        weight += c->has_arrival ? 0 : c->weight;
        all_own = all_own && c->has_arrival;
        shares = shares || c->system.count || c->documents.count || c->prefix.count ||
                 scenario_class_has_turns(c);
    }
    if (!block_given && shares)
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
    struct text key;
    bool block_given = false;
    scenario_init(out);
    json_scan_init(&s, file, text, length, 1);
    json_object_begin(&s);
    const char *start = s.value;
    while (json_object_next(&s, &key))
        parse_member(&s, key, out, &block_given);
    if (!s.failed) {
        s.value = start;
        settle(&s, out, block_given);
    }
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
