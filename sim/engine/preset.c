#include "sim/engine/preset.h"

#include "core/embedded.h"
#include "core/file.h"
#include "core/json/json_scan.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRESET_FILE_MAX (1 << 20)

enum field_type {
    FIELD_DOUBLE,
    FIELD_U32,
    FIELD_U64,
    FIELD_BOOL,
    FIELD_TEXT,
    FIELD_KIND,
    FIELD_ROUTER
};

/* One key of a preset file, and where its value goes. */
struct field {
    const char *key;
    enum field_type type;
    size_t offset, size; /* size: of a text's array */
    double min, max;
    enum { FOR_ALL, FOR_CONSTANT, FOR_STEPS } kind; /* which engines are written with it */
};

#define AT(member) \
    offsetof(struct engine_config, member), sizeof(((struct engine_config *)0)->member)

/* In the order in which they are written. */
static const struct field fields[] = {
    {"kind", FIELD_KIND, AT(kind), 0, 0, FOR_ALL},
    {"source", FIELD_TEXT, AT(source), 0, 0, FOR_ALL},
    {"replicas", FIELD_U32, AT(replicas), 1, 100000, FOR_ALL},
    {"router", FIELD_ROUTER, AT(router), 0, 0, FOR_STEPS},
    {"max_num_seqs", FIELD_U32, AT(max_num_seqs), 0, 1e6, FOR_ALL},
    {"request_overhead_ms", FIELD_DOUBLE, AT(request_overhead_ms), 0, 1e6, FOR_ALL},
    {"ttft_ms", FIELD_DOUBLE, AT(ttft_ms), 0, 1e7, FOR_CONSTANT},
    {"itl_ms", FIELD_DOUBLE, AT(itl_ms), 0, 1e7, FOR_CONSTANT},
    {"layers", FIELD_U32, AT(layers), 1, 10000, FOR_STEPS},
    {"hidden", FIELD_U32, AT(hidden), 1, 10000000, FOR_STEPS},
    {"tensor_parallel", FIELD_U32, AT(tensor_parallel), 1, 1024, FOR_STEPS},
    {"kv_bytes_per_token", FIELD_DOUBLE, AT(kv_bytes_per_token), 0, 1e12, FOR_STEPS},
    {"weight_bytes", FIELD_DOUBLE, AT(weight_bytes), 0, 1e15, FOR_STEPS},
    {"memory_bytes", FIELD_DOUBLE, AT(memory_bytes), 0, 1e15, FOR_STEPS},
    {"memory_utilisation", FIELD_DOUBLE, AT(memory_utilisation), 0.01, 1, FOR_STEPS},
    {"activation_bytes", FIELD_DOUBLE, AT(activation_bytes), 0, 1e15, FOR_STEPS},
    {"block_size", FIELD_U32, AT(block_size), 1, 1024, FOR_STEPS},
    {"kv_blocks", FIELD_U64, AT(kv_blocks), 0, 1e9, FOR_STEPS},
    {"max_num_batched_tokens", FIELD_U32, AT(max_num_batched_tokens), 0, 1e7, FOR_STEPS},
    {"prefix_cache", FIELD_BOOL, AT(prefix_cache), 0, 0, FOR_STEPS},
    {"jitter_cv", FIELD_DOUBLE, AT(jitter_cv), 0, 2, FOR_STEPS},
    {"k", FIELD_DOUBLE, AT(steps.k), 1e-6, 1e6, FOR_STEPS},
    {"w0", FIELD_DOUBLE, AT(steps.w0), 0, 1e6, FOR_STEPS},
    {"w1", FIELD_DOUBLE, AT(steps.w1), 0, 1e6, FOR_STEPS},
    {"c0", FIELD_DOUBLE, AT(steps.c0), 0, 1e6, FOR_STEPS},
    {"c1", FIELD_DOUBLE, AT(steps.c1), 0, 1e6, FOR_STEPS},
    {"ap", FIELD_DOUBLE, AT(steps.ap), 0, 1e6, FOR_STEPS},
    {"kappa", FIELD_DOUBLE, AT(steps.kappa), 0, 1e6, FOR_STEPS},
    {"d0", FIELD_DOUBLE, AT(steps.d0), 0, 1e6, FOR_STEPS},
    {"d1", FIELD_DOUBLE, AT(steps.d1), 0, 1e6, FOR_STEPS},
    {"s0", FIELD_DOUBLE, AT(steps.s0), 0, 1e6, FOR_STEPS},
    {"s1", FIELD_DOUBLE, AT(steps.s1), 0, 1e6, FOR_STEPS},
    {"ar_latency", FIELD_DOUBLE, AT(steps.ar_latency), 0, 1e6, FOR_STEPS},
    {"ar_bandwidth", FIELD_DOUBLE, AT(steps.ar_bandwidth), 0, 1e6, FOR_STEPS},
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

static const char *const kind_names[] = {"steps", "constant", NULL};
static const char *const router_names[] = {"round-robin", "least-loaded", "prefix-aware", NULL};

const char *engine_kind_name(enum engine_kind kind)
{
    return kind_names[kind];
}

const char *engine_router_name(enum engine_router router)
{
    return router_names[router];
}

int engine_router_from_name(const char *name)
{
    for (int i = 0; router_names[i]; i++)
        if (strcmp(name, router_names[i]) == 0)
            return i;
    return -1;
}

void engine_config_init(struct engine_config *config)
{
    *config = (struct engine_config){.kind = ENGINE_STEPS,
                                     .replicas = 1,
                                     .router = ROUTER_ROUND_ROBIN,
                                     .layers = 1,
                                     .hidden = 1,
                                     .tensor_parallel = 1,
                                     .block_size = 16,
                                     .memory_utilisation = 0.9,
                                     .activation_bytes = 2e9,
                                     .prefix_cache = true,
                                     .steps = {.k = 1}};
}

struct engine_config engine_config_constant(double ttft_ms, double itl_ms)
{
    struct engine_config config;
    engine_config_init(&config);
    config.kind = ENGINE_CONSTANT;
    snprintf(config.name, sizeof config.name, "constant");
    config.ttft_ms = ttft_ms;
    config.itl_ms = itl_ms;
    return config;
}

/* A string that must be one of `names`: its number, 0 after an error. */
static int scan_choice(struct json_scan *s, const char *const *names, const char *what)
{
    struct text raw;
    if (!json_string(s, &raw))
        return 0;
    for (int i = 0; names[i]; i++)
        if (text_equal(raw, names[i]))
            return i;
    const char *near = text_nearest(raw, names);
    json_fail(s, "unknown %s \"%.*s\"; %s \"%s\"%s", what, (int)(raw.length < 64 ? raw.length : 64),
              raw.at, near ? "did you mean" : "known are", near ? near : names[0],
              near ? "?" : " and others");
    return 0;
}

static void scan_text(struct json_scan *s, const struct field *field, char *out)
{
    char *copy = NULL;
    if (json_string_copy(s, field->size - 1, &copy))
        memcpy(out, copy, strlen(copy) + 1);
    free(copy);
}

static void scan_field(struct json_scan *s, const struct field *field, struct engine_config *config)
{
    void *out = (char *)config + field->offset;
    uint64_t number = 0;
    switch (field->type) {
    case FIELD_DOUBLE:
        json_double(s, field->min, field->max, out);
        break;
    case FIELD_U32:
        if (json_u64(s, (uint64_t)field->min, (uint64_t)field->max, &number))
            *(uint32_t *)out = (uint32_t)number;
        break;
    case FIELD_U64:
        json_u64(s, (uint64_t)field->min, (uint64_t)field->max, out);
        break;
    case FIELD_BOOL:
        json_bool(s, out);
        break;
    case FIELD_TEXT:
        scan_text(s, field, out);
        break;
    case FIELD_KIND:
        config->kind = (enum engine_kind)scan_choice(s, kind_names, "kind of engine");
        break;
    case FIELD_ROUTER:
        config->router = (enum engine_router)scan_choice(s, router_names, "router");
        break;
    }
}

static const struct field *find_field(struct text key)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (text_equal(key, fields[i].key))
            return &fields[i];
    return NULL;
}

static void scan_preset(struct json_scan *s, struct engine_config *config)
{
    const char *known[FIELD_COUNT + 1] = {NULL};
    for (size_t i = 0; i < FIELD_COUNT; i++)
        known[i] = fields[i].key;
    struct text key;
    bool seen[FIELD_COUNT] = {false};
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        const struct field *field = find_field(key);
        if (!field) {
            json_unknown_key(s, key, known, "engine preset");
            return;
        }
        if (seen[field - fields]) {
            json_fail(s, "\"%s\" is given twice in the engine preset", field->key);
            return;
        }
        seen[field - fields] = true;
        scan_field(s, field, config);
    }
}

static void name_after_file(struct engine_config *config, const char *file)
{
    const char *base = strrchr(file, '/');
    base = base ? base + 1 : file;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".json") == 0)
        length -= 5;
    if (length >= sizeof config->name)
        length = sizeof config->name - 1;
    memcpy(config->name, base, length);
    config->name[length] = '\0';
}

int engine_config_parse(const char *file, const char *text, size_t length,
                        struct engine_config *config, struct error *err)
{
    struct json_scan s;
    engine_config_init(config);
    name_after_file(config, file);
    json_scan_init(&s, file, text, length, 1);
    scan_preset(&s, config);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    struct engine_config checked = *config;
    struct error why = {0};
    if (engine_config_check(&checked, &why) < 0)
        return error_at(err, file, 0, 0, "%s", why.message);
    return 0;
}

static int load_file(const char *path, struct engine_config *config, struct error *err)
{
    char *text = NULL;
    size_t length = 0;
    if (file_read_all(path, PRESET_FILE_MAX, &text, &length, err) < 0)
        return ERR_INPUT;
    int result = engine_config_parse(path, text, length, config, err);
    free(text);
    return result;
}

int engine_config_load(const char *name_or_path, struct engine_config *config, struct error *err)
{
    const struct embedded_file *file = embedded_find("presets", name_or_path);
    if (file)
        return engine_config_parse(file->stem, file->bytes, file->length, config, err);
    if (strchr(name_or_path, '/') || strstr(name_or_path, ".json") || file_exists(name_or_path))
        return load_file(name_or_path, config, err);
    const char *near = embedded_nearest("presets", name_or_path);
    return error_set(err, ERR_INPUT, "unknown engine preset \"%s\"; %s%s%s", name_or_path,
                     near ? "did you mean \"" : "farebox engine list names the bundled ones",
                     near ? near : "", near ? "\"?" : ", a path ends in .json");
}

static int check_steps(struct engine_config *c, struct error *err)
{
    if (c->max_num_seqs == 0)
        c->max_num_seqs = 256;
    if (c->max_num_batched_tokens == 0)
        c->max_num_batched_tokens = 2048;
    if (c->max_num_batched_tokens < c->max_num_seqs)
        return error_set(err, ERR_INPUT,
                         "max_num_batched_tokens (%u) must be at least max_num_seqs (%u): every "
                         "running request takes a token of each step",
                         c->max_num_batched_tokens, c->max_num_seqs);
    const struct step_constants *s = &c->steps;
    if (s->w0 + s->w1 + s->c0 + s->c1 + s->d0 + s->d1 + s->s0 + s->s1 <= 0)
        return error_set(err, ERR_INPUT,
                         "a step takes no time: give w0, w1, c0 or c1 in milliseconds");
    if (c->kv_blocks > 0)
        return 0;
    if (c->memory_bytes <= 0 || c->kv_bytes_per_token <= 0)
        return error_set(err, ERR_INPUT, "give kv_blocks, or memory_bytes and kv_bytes_per_token");
    double tp = c->tensor_parallel;
    double room =
        c->memory_utilisation * c->memory_bytes * tp - c->weight_bytes - c->activation_bytes * tp;
    double blocks = floor(room / (c->block_size * c->kv_bytes_per_token));
    if (blocks < 2)
        return error_set(err, ERR_INPUT,
                         "the weights (%.3g bytes) leave no room for KV blocks in %.3g bytes",
                         c->weight_bytes, c->memory_utilisation * c->memory_bytes * tp);
    c->kv_blocks = blocks < 1e9 ? (uint64_t)blocks : 1000000000;
    return 0;
}

int engine_config_check(struct engine_config *config, struct error *err)
{
    if (config->replicas == 0)
        config->replicas = 1;
    if (config->kind == ENGINE_CONSTANT)
        return 0;
    if (config->kv_blocks == 1)
        return error_set(err, ERR_INPUT, "kv_blocks must be at least 2: one block is reserved");
    return check_steps(config, err);
}

static void write_field(const struct field *field, const struct engine_config *config,
                        struct json_writer *w)
{
    const void *in = (const char *)config + field->offset;
    switch (field->type) {
    case FIELD_DOUBLE:
        json_put_double(w, *(const double *)in);
        break;
    case FIELD_U32:
        json_put_u64(w, *(const uint32_t *)in);
        break;
    case FIELD_U64:
        json_put_u64(w, *(const uint64_t *)in);
        break;
    case FIELD_BOOL:
        json_put_bool(w, *(const bool *)in);
        break;
    case FIELD_TEXT:
        json_put_string(w, in);
        break;
    case FIELD_KIND:
        json_put_string(w, kind_names[config->kind]);
        break;
    case FIELD_ROUTER:
        json_put_string(w, router_names[config->router]);
        break;
    }
}

void engine_config_write(const struct engine_config *config, struct json_writer *w)
{
    json_begin_object(w);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].kind == FOR_CONSTANT && config->kind != ENGINE_CONSTANT)
            continue;
        if (fields[i].kind == FOR_STEPS && config->kind != ENGINE_STEPS)
            continue;
        json_key(w, fields[i].key);
        write_field(&fields[i], config, w);
    }
    json_end_object(w);
}
