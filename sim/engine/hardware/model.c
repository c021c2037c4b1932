#include "sim/engine/hardware/model.h"

#include "core/embedded.h"
#include "core/json/json_fields.h"

#include <stdio.h>
#include <string.h>

#define CONFIG_FILE_MAX (4 << 20)

/* ---- quantization_config ---- */

struct quantization {
    char method[32], type[32];
    double bits;
};

#define Q(member) JSON_AT(struct quantization, member)
static const struct json_field quantization_rows[] = {
    {"quant_method", JSON_AS_CHARS, Q(method)},
    {"quant_algo", JSON_AS_CHARS, Q(type)},
    {"bits", JSON_AS_DOUBLE, Q(bits), 1, 32},
};
static const struct json_table quantization_table = {
    JSON_ROWS(quantization_rows), .where = "quantization_config", .nulls = true, .open = true};

static bool names(const struct quantization *q, const char *part)
{
    return strcasestr(q->method, part) || strcasestr(q->type, part);
}

static void read_quantization(struct json_scan *s, const struct json_field *f, void *member)
{
    struct quantization q = {0};
    double *bits = member;
    (void)f;
    if (json_peek(s) != JSON_OBJECT) {
        json_skip(s, NULL);
        return;
    }
    json_fields_read(s, &quantization_table, &q);
    *bits = q.bits > 0                                            ? q.bits
            : names(&q, "fp4")                                    ? 4.5 /* a scale for 16 values */
            : names(&q, "fp8") || names(&q, "compressed-tensors") ? 8
                                                                  : *bits;
}

/* ---- config.json ---- */

#define AT(member) JSON_AT(struct model, member)
static const struct json_field rows[] = {
    {"source", JSON_AS_CHARS, AT(source)},
    {"also", JSON_AS_CHARS, AT(also)},
    {"num_hidden_layers", JSON_AS_UINT, AT(layers), 1, 10000, .required = true},
    {"hidden_size", JSON_AS_UINT, AT(hidden), 1, 1e6, .required = true},
    {"num_attention_heads", JSON_AS_UINT, AT(heads), 1, 1e5, .required = true},
    {"num_key_value_heads", JSON_AS_UINT, AT(kv_heads), 1, 1e5},
    {"head_dim", JSON_AS_UINT, AT(head_dim), 1, 65536},
    {"intermediate_size", JSON_AS_UINT, AT(intermediate), 1, 1e7},
    {"vocab_size", JSON_AS_UINT, AT(vocabulary), 1, 1e8},
    {"tie_word_embeddings", JSON_AS_BOOL, AT(tied)},
    {"n_routed_experts", JSON_AS_UINT, AT(experts), 0, 1e5},
    {"num_experts", JSON_AS_UINT, AT(experts), 0, 1e5},
    {"num_local_experts", JSON_AS_UINT, AT(experts), 0, 1e5},
    {"num_experts_per_tok", JSON_AS_UINT, AT(experts_per_token), 0, 1e5},
    {"n_shared_experts", JSON_AS_UINT, AT(shared_experts), 0, 1e5},
    {"moe_intermediate_size", JSON_AS_UINT, AT(expert_intermediate), 0, 1e7},
    {"first_k_dense_replace", JSON_AS_UINT, AT(dense_layers), 0, 10000},
    {"kv_lora_rank", JSON_AS_UINT, AT(kv_rank), 0, 1e6},
    {"q_lora_rank", JSON_AS_UINT, AT(q_rank), 0, 1e6},
    {"qk_nope_head_dim", JSON_AS_UINT, AT(nope), 0, 1e6},
    {"qk_rope_head_dim", JSON_AS_UINT, AT(rope), 0, 1e6},
    {"v_head_dim", JSON_AS_UINT, AT(v_dim), 0, 1e6},
    {"quantization_config", JSON_AS_OTHER, AT(weight_bits), .read = read_quantization},
};
static const struct json_table model_table = {
    JSON_ROWS(rows), .where = "the model's config",
    .needs = "expected num_hidden_layers, hidden_size and num_attention_heads, as in the "
             "config.json of a model on Hugging Face's hub (of one that also sees, the part called "
             "text_config)",
    .nulls = true, .open = true};

/* What configs leave out. */
static void fill_in(struct model *m)
{
    if (m->kv_heads == 0)
        m->kv_heads = m->heads;
    if (m->head_dim == 0)
        m->head_dim = m->hidden / m->heads;
    if (m->intermediate == 0)
        m->intermediate = 4 * m->hidden;
    if (m->experts && m->expert_intermediate == 0)
        m->expert_intermediate = m->intermediate;
    if (m->experts && m->experts_per_token == 0)
        m->experts_per_token = 1;
    if (m->dense_layers > m->layers)
        m->dense_layers = m->layers;
}

int model_parse(const char *file, const char *text, size_t length, struct model *out,
                struct error *err)
{
    struct json_scan s;
    *out = (struct model){.weight_bits = 16};
    embedded_stem_of(file, out->name, sizeof out->name);
    json_scan_init(&s, file, text, length, 1);
    json_fields_read(&s, &model_table, out);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    fill_in(out);
    return 0;
}

static int unknown(const char *name, struct error *err)
{
    const char *near = embedded_nearest("models", name);
    struct buffer known;
    if (near)
        return error_set(err, ERR_INPUT, "unknown model \"%s\"; did you mean \"%s\"?", name, near);
    buffer_init(&known, BUFFER_UNBOUNDED);
    embedded_list("models", &known);
    error_set(err, ERR_INPUT, "unknown model \"%s\"; expected %s, or the path of a config.json",
              name, known.data);
    buffer_free(&known);
    return ERR_INPUT;
}

int model_load(const char *name_or_path, struct model *out, struct error *err)
{
    struct embedded_text t;
    int found = embedded_read("models", name_or_path, CONFIG_FILE_MAX, &t, err);
    if (found <= 0)
        return found < 0 ? found : unknown(name_or_path, err);
    int status = model_parse(t.file, t.bytes, t.length, out, err);
    embedded_text_free(&t);
    return status;
}

static bool is_among(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; length && (at = strcasestr(at, name)); at++)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

const char *model_called(const char *name, const char *weights)
{
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    for (const struct embedded_file *f = NULL; (f = embedded_next("models", f));) {
        struct model m;
        char typed[128];
        if (model_parse(f->stem, f->bytes, f->length, &m, &(struct error){0}) < 0 ||
            (strcasecmp(f->stem, base) != 0 && !is_among(m.also, base)))
            continue;
        snprintf(typed, sizeof typed, "%s-%s", f->stem, weights);
        const struct embedded_file *other = embedded_find("models", typed);
        return *weights && other ? other->stem : f->stem;
    }
    return NULL;
}

/* ---- sizes ---- */

static double attention_parameters(const struct model *m)
{
    double h = m->hidden, heads = m->heads;
    if (m->kv_rank == 0)
        return h * m->head_dim * (heads + 2.0 * m->kv_heads) + heads * m->head_dim * h;
    double queries = heads * (m->nope + m->rope);
    double into = m->q_rank ? h * m->q_rank + m->q_rank * queries : h * queries;
    return into + h * (m->kv_rank + m->rope) + m->kv_rank * heads * (m->nope + m->v_dim) +
           heads * m->v_dim * h;
}

static double one_expert(const struct model *m)
{
    return 3.0 * m->hidden * m->expert_intermediate;
}

static uint32_t expert_layers(const struct model *m)
{
    return m->experts ? m->layers - m->dense_layers : 0;
}

/* Of all layers: attention, dense blocks, shared experts and routers. */
static double common_parameters(const struct model *m)
{
    double with_experts = expert_layers(m);
    return m->layers * attention_parameters(m) +
           (m->layers - with_experts) * 3.0 * m->hidden * m->intermediate +
           with_experts * (m->shared_experts * one_expert(m) + (double)m->hidden * m->experts);
}

static double outer_parameters(const struct model *m)
{
    return (m->tied ? 1.0 : 2.0) * m->vocabulary * m->hidden;
}

double model_expert_parameters(const struct model *m)
{
    return expert_layers(m) * (double)m->experts * one_expert(m);
}

double model_parameters(const struct model *m)
{
    return common_parameters(m) + model_expert_parameters(m) + outer_parameters(m);
}

double model_active_parameters(const struct model *m)
{
    return common_parameters(m) + expert_layers(m) * m->experts_per_token * one_expert(m) +
           (double)m->vocabulary * m->hidden;
}

double model_weight_bytes(const struct model *m)
{
    return (common_parameters(m) + model_expert_parameters(m)) * m->weight_bits / 8 +
           outer_parameters(m) * 2;
}

double model_kv_bytes_per_token(const struct model *m, double kv_bits)
{
    double values = m->kv_rank ? m->kv_rank + m->rope : 2.0 * m->kv_heads * m->head_dim;
    return m->layers * values * kv_bits / 8;
}

uint32_t model_kv_heads(const struct model *m)
{
    return m->kv_rank ? 1 : m->kv_heads;
}

double model_pair_flops(const struct model *m)
{
    double wide = m->kv_rank ? m->nope + m->rope + m->v_dim : 2.0 * m->head_dim;
    return 2.0 * m->layers * m->heads * wide;
}
