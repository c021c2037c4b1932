#include "sim/engine/preset.h"

#include "core/embedded.h"
#include "core/json/json_fields.h"
#include "core/memory.h"
#include "sim/engine/policy.h"
#include "sim/engine/step_time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PRESET_FILE_MAX (1 << 20)

static const char *const kind_names[] = {"steps", "constant", NULL};
static const char *const router_names[] = {"round-robin", "least-loaded", "prefix-aware", NULL};

/* Which engines are written with a row. */
enum { FOR_STEPS = 1 << ENGINE_STEPS, FOR_CONSTANT = 1 << ENGINE_CONSTANT };

#define AT(member) JSON_AT(struct engine_config, member)

static bool is_zero(const void *member)
{
    double value;
    memcpy(&value, member, sizeof value);
    return !(value > 0);
}

static bool is_true(const void *member)
{
    return *(const bool *)member;
}

static const struct json_field rows[] = {
    {"kind", JSON_AS_CHOICE, AT(kind), .names = kind_names, .what = "kind of engine"},
    {"source", JSON_AS_CHARS, AT(source)},
    {"caveat", JSON_AS_CHARS, AT(caveat), .optional = true},
    {"error_step", JSON_AS_DOUBLE, AT(error_step), 0, 100, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"error_tpot", JSON_AS_DOUBLE, AT(error_tpot), 0, 100, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"error_ttft", JSON_AS_DOUBLE, AT(error_ttft), 0, 100, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"replicas", JSON_AS_UINT, AT(replicas), 1, 100000},
    {"router", JSON_AS_CHOICE, AT(router), .names = router_names, .what = "router",
     .groups = FOR_STEPS},
    {"max_num_seqs", JSON_AS_UINT, AT(max_num_seqs), 0, 1e6},
    {"scheduling", JSON_AS_CHOICE, AT(policy), .names = policy_names, .what = "scheduling policy",
     .groups = FOR_STEPS, .optional = true},
    {"request_overhead_ms", JSON_AS_DOUBLE, AT(request_overhead_ms), 0, 1e6},
    {"ttft_ms", JSON_AS_DOUBLE, AT(ttft_ms), 0, 1e7, .groups = FOR_CONSTANT},
    {"itl_ms", JSON_AS_DOUBLE, AT(itl_ms), 0, 1e7, .groups = FOR_CONSTANT},
    {"layers", JSON_AS_UINT, AT(layers), 1, 10000, .groups = FOR_STEPS},
    {"hidden", JSON_AS_UINT, AT(hidden), 1, 10000000, .groups = FOR_STEPS},
    {"tensor_parallel", JSON_AS_UINT, AT(tensor_parallel), 1, 1024, .groups = FOR_STEPS},
    {"kv_bytes_per_token", JSON_AS_DOUBLE, AT(kv_bytes_per_token), 0, 1e12, .groups = FOR_STEPS},
    {"kv_heads", JSON_AS_UINT, AT(kv_heads), 0, 100000, .groups = FOR_STEPS, .optional = true},
    {"weight_bytes", JSON_AS_DOUBLE, AT(weight_bytes), 0, 1e15, .groups = FOR_STEPS},
    {"memory_bytes", JSON_AS_DOUBLE, AT(memory_bytes), 0, 1e15, .groups = FOR_STEPS},
    {"memory_utilisation", JSON_AS_DOUBLE, AT(memory_utilisation), 0.01, 1, .groups = FOR_STEPS},
    {"activation_bytes", JSON_AS_DOUBLE, AT(activation_bytes), 0, 1e15, .groups = FOR_STEPS},
    {"block_size", JSON_AS_UINT, AT(block_size), 1, 1024, .groups = FOR_STEPS},
    {"kv_blocks", JSON_AS_UINT, AT(kv_blocks), 0, 1e9, .groups = FOR_STEPS},
    {"max_num_batched_tokens", JSON_AS_UINT, AT(max_num_batched_tokens), 0, 1e7,
     .groups = FOR_STEPS},
    {"prefix_cache", JSON_AS_BOOL, AT(prefix_cache), .groups = FOR_STEPS},
    {"generated", JSON_AS_BOOL, AT(generated), .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_true},
    {"jitter_cv", JSON_AS_DOUBLE, AT(jitter_cv), 0, 2, .groups = FOR_STEPS},
    {"k", JSON_AS_DOUBLE, AT(steps.k), 1e-6, 1e6, .groups = FOR_STEPS},
    {"w0", JSON_AS_DOUBLE, AT(steps.w0), 0, 1e6, .groups = FOR_STEPS},
    {"w1", JSON_AS_DOUBLE, AT(steps.w1), 0, 1e6, .groups = FOR_STEPS},
    {"c0", JSON_AS_DOUBLE, AT(steps.c0), 0, 1e6, .groups = FOR_STEPS},
    {"c1", JSON_AS_DOUBLE, AT(steps.c1), 0, 1e6, .groups = FOR_STEPS},
    {"ap", JSON_AS_DOUBLE, AT(steps.ap), 0, 1e6, .groups = FOR_STEPS},
    {"kappa", JSON_AS_DOUBLE, AT(steps.kappa), 0, 1e6, .groups = FOR_STEPS},
    {"d0", JSON_AS_DOUBLE, AT(steps.d0), 0, 1e6, .groups = FOR_STEPS},
    {"d1", JSON_AS_DOUBLE, AT(steps.d1), 0, 1e6, .groups = FOR_STEPS},
    {"s0", JSON_AS_DOUBLE, AT(steps.s0), 0, 1e6, .groups = FOR_STEPS},
    {"s1", JSON_AS_DOUBLE, AT(steps.s1), 0, 1e6, .groups = FOR_STEPS},
    {"p0", JSON_AS_DOUBLE, AT(steps.p0), 0, 1e6, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"m0", JSON_AS_DOUBLE, AT(steps.m0), 0, 1e6, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"n0", JSON_AS_DOUBLE, AT(steps.n0), 0, 1e9, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"e0", JSON_AS_DOUBLE, AT(steps.e0), 0, 1e9, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"e1", JSON_AS_DOUBLE, AT(steps.e1), 0, 1e6, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"c2", JSON_AS_DOUBLE, AT(steps.c2), 0, 1e6, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"tile", JSON_AS_UINT, AT(steps.tile), 0, 65536, .groups = FOR_STEPS, .optional = true},
    {"o0", JSON_AS_DOUBLE, AT(steps.o0), 0, 1e6, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"o1", JSON_AS_DOUBLE, AT(steps.o1), 0, 1e6, .groups = FOR_STEPS, .optional = true,
     .is_nothing = is_zero},
    {"ar_latency", JSON_AS_DOUBLE, AT(steps.ar_latency), 0, 1e6, .groups = FOR_STEPS},
    {"ar_bandwidth", JSON_AS_DOUBLE, AT(steps.ar_bandwidth), 0, 1e6, .groups = FOR_STEPS},
    {"autoscale", JSON_AS_OBJECT, AT(autoscale), .table = &autoscale_table, .groups = FOR_STEPS,
     .is_nothing = autoscale_is_nothing},
    {"prefill_replicas", JSON_AS_UINT, AT(prefill_replicas), 0, 100000, .groups = FOR_STEPS,
     .optional = true},
    {"kv_transfer_bandwidth", JSON_AS_DOUBLE, AT(kv_transfer_bandwidth), 0, 1e6,
     .groups = FOR_STEPS, .optional = true, .is_nothing = is_zero},
    {"kv_transfer_latency_ms", JSON_AS_DOUBLE, AT(kv_transfer_latency_ms), 0, 1e6,
     .groups = FOR_STEPS, .optional = true, .is_nothing = is_zero},
    {"speculative_config", JSON_AS_OBJECT, AT(speculative), .table = &speculative_table,
     .groups = FOR_STEPS, .is_nothing = speculative_is_nothing},
};
static const struct json_table preset_table = {JSON_ROWS(rows), .where = "engine preset",
                                               .once = true};

const char *engine_kind_name(enum engine_kind kind)
{
    return kind_names[kind];
}

const char *engine_router_name(size_t router)
{
    return router < COUNT_OF(router_names) ? router_names[router] : NULL;
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
                                     .generated = true,
                                     .steps = {.k = 1}};
    speculative_config_init(&config->speculative);
    autoscale_config_init(&config->autoscale);
}

uint32_t engine_config_unit(const struct engine_config *config)
{
    return config->prefill_replicas > 0 ? config->replicas : 1;
}

bool engine_config_keeps_answers(const struct engine_config *config)
{
    return config->kind == ENGINE_STEPS && config->prefix_cache && config->generated;
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

int engine_config_parse(const char *file, const char *text, size_t length,
                        struct engine_config *config, struct error *err)
{
    struct json_scan s;
    engine_config_init(config);
    embedded_stem_of(file, config->name, sizeof config->name);
    json_scan_init(&s, file, text, length, 1);
    json_fields_read(&s, &preset_table, config);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    struct engine_config checked = *config;
    struct error why = {0};
    if (engine_config_check(&checked, &why) < 0)
        return error_at(err, file, 0, 0, "%s", why.message);
    return 0;
}

static int unknown(const char *name, struct error *err)
{
    const char *near = embedded_nearest("presets", name);
    return error_set(err, ERR_INPUT, "unknown engine preset \"%s\"; %s%s%s", name,
                     near ? "did you mean \"" : "farebox engine list names the bundled ones",
                     near ? near : "", near ? "\"?" : ", a path ends in .json");
}

int engine_config_load(const char *name_or_path, struct engine_config *config, struct error *err)
{
    struct embedded_text t;
    int found = embedded_read("presets", name_or_path, PRESET_FILE_MAX, &t, err);
    if (found <= 0)
        return found < 0 ? found : unknown(name_or_path, err);
    int status = engine_config_parse(t.file, t.bytes, t.length, config, err);
    embedded_text_free(&t);
    return status;
}

static int check_pools(const struct engine_config *c, struct error *err)
{
    if (c->prefill_replicas == 0)
        return 0;
    if (c->prefill_replicas >= c->replicas)
        return error_set(
            err, ERR_INPUT,
            "prefill_replicas (%u) must be fewer than replicas (%u): the others decode",
            c->prefill_replicas, c->replicas);
    if (c->kv_bytes_per_token <= 0 || c->kv_transfer_bandwidth <= 0)
        return error_set(
            err, ERR_INPUT, "separate prefill replicas send their KV cache on: give %s",
            c->kv_bytes_per_token > 0 ? "kv_transfer_bandwidth in GB/s (a 400 Gb/s link: 50)"
                                      : "kv_bytes_per_token");
    return 0;
}

static int check_scaling(const struct engine_config *c, struct error *err)
{
    if (c->autoscale.metric != AUTOSCALE_NONE && c->prefill_replicas > 0)
        return error_set(err, ERR_INPUT,
                         "autoscale: separate prefill and decode pools keep their size here; leave "
                         "one of the two out");
    return autoscale_config_check(&c->autoscale, c->replicas, err);
}

static int check_duration(const struct engine_config *c, struct error *err)
{
    if (step_fullest_ms(c) <= STEP_MOST_MS)
        return 0;
    return error_set(err, ERR_INPUT,
                     "a full step of %u tokens would take more than an hour: constants are "
                     "milliseconds (ap and kappa: nanoseconds)",
                     c->max_num_batched_tokens);
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
    if (check_pools(c, err) < 0 || check_scaling(c, err) < 0)
        return ERR_INPUT;
    if (speculative_config_check(&c->speculative, c->layers, err) < 0)
        return ERR_INPUT;
    uint64_t width = 1 + (uint64_t)c->speculative.num_speculative_tokens;
    if (c->max_num_batched_tokens < c->max_num_seqs * width)
        return error_set(err, ERR_INPUT,
                         "max_num_batched_tokens (%u) must be at least max_num_seqs (%u) × %u: "
                         "every running request takes a token of each step and its drafts",
                         c->max_num_batched_tokens, c->max_num_seqs, (unsigned)width);
    const struct step_constants *s = &c->steps;
    if (s->w0 + s->w1 + s->c0 + s->c1 + s->d0 + s->d1 + s->s0 + s->s1 <= 0)
        return error_set(err, ERR_INPUT,
                         "a step takes no time: give w0, w1, c0 or c1 in milliseconds");
    if (s->m0 > 0 && s->n0 <= 0)
        return error_set(err, ERR_INPUT,
                         "m0 is the time to read all experts: give n0, the tokens that reach 63 %% "
                         "of them");
    if (s->c2 > 0 && s->tile == 0)
        return error_set(err, ERR_INPUT, "c2 is the time of a row that fills a tile: give tile");
    if (c->kv_blocks > 0)
        return 0;
    if (c->memory_bytes <= 0 || c->kv_bytes_per_token <= 0)
        return error_set(err, ERR_INPUT, "give kv_blocks, or memory_bytes and kv_bytes_per_token");
    double tp = c->tensor_parallel;
    double room =
        c->memory_utilisation * c->memory_bytes * tp - c->weight_bytes - c->activation_bytes * tp;
    double copies = c->kv_heads && tp > c->kv_heads ? tp / c->kv_heads : 1;
    double blocks = floor(room / (c->block_size * c->kv_bytes_per_token * copies));
    if (blocks < 2)
        return error_set(err, ERR_INPUT,
                         "the weights (%s bytes) leave no room for KV blocks in %s bytes",
                         TEXT_SHORT(c->weight_bytes, 3),
                         TEXT_SHORT(c->memory_utilisation * c->memory_bytes * tp, 3));
    c->kv_blocks = blocks < 1e9 ? (uint64_t)blocks : 1000000000;
    return 0;
}

int engine_config_check(struct engine_config *config, struct error *err)
{
    if (config->replicas == 0)
        config->replicas = 1;
    if (config->kind == ENGINE_CONSTANT && config->speculative.num_speculative_tokens > 0)
        return error_set(err, ERR_INPUT,
                         "speculative_config: an engine of constant times has no steps that draft");
    if (config->kind == ENGINE_CONSTANT && config->autoscale.metric != AUTOSCALE_NONE)
        return error_set(err, ERR_INPUT,
                         "autoscale: an engine of constant times has no replicas "
                         "that could be busy");
    if (config->kind == ENGINE_CONSTANT)
        return 0;
    if (config->kv_blocks == 1)
        return error_set(err, ERR_INPUT, "kv_blocks must be at least 2: one block is reserved");
    return check_steps(config, err) < 0 ? ERR_INPUT : check_duration(config, err);
}

void engine_config_write(const struct engine_config *config, struct json_writer *w)
{
    json_fields_write(w, &preset_table, config, 1u << config->kind);
}
