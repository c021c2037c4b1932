#include "sim/engine/hardware/gpu.h"

#include "core/embedded.h"
#include "core/json/json_fields.h"

#include <string.h>

#define GPU_FILE_MAX (1 << 20)

#define SHARE(member) JSON_AT(struct gpu_achieved, member)
static const struct json_field achieved_rows[] = {
    {"from", JSON_AS_CHARS, SHARE(from)},
    {"weights", JSON_AS_DOUBLE, SHARE(weights), 1e-3, 10, .required = true},
    {"compute", JSON_AS_DOUBLE, SHARE(compute), 1e-3, 10, .required = true},
    {"cache", JSON_AS_DOUBLE, SHARE(cache), 1e-3, 10, .required = true},
    {"attention", JSON_AS_DOUBLE, SHARE(attention), 1e-3, 10, .required = true},
    {"link", JSON_AS_DOUBLE, SHARE(link), 1e-3, 10, .required = true},
    {"padding", JSON_AS_DOUBLE, SHARE(padding), 0, 100},
    {"layer_ms", JSON_AS_DOUBLE, SHARE(layer_ms), 0, 100},
    {"decode_ms", JSON_AS_DOUBLE, SHARE(decode_ms), 0, 100},
    {"prefill_ms", JSON_AS_DOUBLE, SHARE(prefill_ms), 0, 100},
    {"token_ms", JSON_AS_DOUBLE, SHARE(token_ms), 0, 100},
    {"error_median", JSON_AS_DOUBLE, SHARE(error_median), 0, 100},
    {"error_p90", JSON_AS_DOUBLE, SHARE(error_p90), 0, 100},
};
static const struct json_table achieved_table = {
    JSON_ROWS(achieved_rows), .where = "the shares that are achieved",
    .needs = "expected weights, compute, cache, attention and link: shares of the datasheet",
    .once = true};

#define AT(member) JSON_AT(struct gpu, member)
static const struct json_field rows[] = {
    {"name", JSON_AS_CHARS, AT(name)},
    {"also", JSON_AS_CHARS, AT(also)},
    {"memory_bytes", JSON_AS_DOUBLE, AT(memory_bytes), 1e6, 1e15, .required = true},
    {"bandwidth_gbs", JSON_AS_DOUBLE, AT(bandwidth_gbs), 1, 1e9, .required = true},
    {"tflops_bf16", JSON_AS_DOUBLE, AT(tflops_bf16), 1e-3, 1e9, .required = true},
    {"tflops_fp8", JSON_AS_DOUBLE, AT(tflops_fp8), 0, 1e9},
    {"tflops_fp4", JSON_AS_DOUBLE, AT(tflops_fp4), 0, 1e9},
    {"link_gbs", JSON_AS_DOUBLE, AT(link_gbs), 0, 1e9},
    {"source", JSON_AS_CHARS, AT(source)},
    {"achieved_bf16", JSON_AS_OBJECT, AT(bf16), .table = &achieved_table},
    {"achieved_fp8", JSON_AS_OBJECT, AT(fp8), .table = &achieved_table},
    {"achieved_experts", JSON_AS_OBJECT, AT(experts), .table = &achieved_table},
};
static const struct json_table gpu_table = {
    JSON_ROWS(rows), .where = "the GPU",
    .needs = "expected memory_bytes, bandwidth_gbs and tflops_bf16", .once = true};

static int parse(const char *file, const char *text, size_t length, struct gpu *out,
                 struct error *err)
{
    struct json_scan s;
    *out = (struct gpu){0};
    json_scan_init(&s, file, text, length, 1);
    json_fields_read(&s, &gpu_table, out);
    return json_scan_end(&s, err) < 0 ? ERR_INPUT : 0;
}

static int unknown(const char *name, struct error *err)
{
    struct buffer known;
    buffer_init(&known, BUFFER_UNBOUNDED);
    embedded_list("gpus", &known);
    error_set(err, ERR_INPUT, "unknown GPU \"%s\"; expected %s, or a JSON file of its figures",
              name, known.data);
    buffer_free(&known);
    return ERR_INPUT;
}

int gpu_load(const char *name_or_path, struct gpu *out, struct error *err)
{
    struct embedded_text t;
    int found = embedded_read("gpus", name_or_path, GPU_FILE_MAX, &t, err);
    if (found <= 0)
        return found < 0 ? found : unknown(name_or_path, err);
    int status = parse(t.file, t.bytes, t.length, out, err);
    embedded_text_free(&t);
    return status;
}

const char *gpu_called(const char *name)
{
    for (const struct embedded_file *f = NULL; (f = embedded_next("gpus", f));) {
        struct gpu g;
        if (parse(f->stem, f->bytes, f->length, &g, &(struct error){0}) == 0 &&
            (strcasecmp(f->stem, name) == 0 || strcasecmp(g.also, name) == 0))
            return f->stem;
    }
    return NULL;
}

static bool find_own(const struct gpu *g, double weight_bits, struct gpu_achieved *out)
{
    bool narrow = weight_bits <= 8;
    const struct gpu_achieved *first = narrow ? &g->fp8 : &g->bf16;
    *out = first->weights > 0 ? *first : narrow ? g->bf16 : g->fp8;
    return out->weights > 0;
}

enum gpu_shares gpu_find_shares(const struct gpu *g, double weight_bits, bool has_experts,
                                struct gpu_achieved *out)
{
    struct gpu usual;
    *out = g->experts;
    if (has_experts && out->weights > 0)
        return SHARES_OF_EXPERTS;
    if (find_own(g, weight_bits, out))
        return SHARES_OF_WEIGHTS;
    gpu_load("h100", &usual, &(struct error){0});
    find_own(&usual, weight_bits, out);
    return SHARES_OF_H100;
}

double gpu_flops(const struct gpu *g, double weight_bits)
{
    double tflops = g->tflops_bf16;
    if (weight_bits <= 8 && g->tflops_fp8 > 0)
        tflops = g->tflops_fp8;
    if (weight_bits < 8 && g->tflops_fp4 > 0)
        tflops = g->tflops_fp4;
    return tflops * 1e12;
}
