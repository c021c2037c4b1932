#include "sim/engine/hardware/placement.h"

#include <string.h>

/* vLLM's defaults of a server (vllm/engine/arg_utils.py, 0.10): more on GPUs of 70 GiB and more,
 * A100 excepted. */
#define LARGE_MEMORY 70e9
#define LARGE_BANDWIDTH 2500 /* GB/s: what A100 has not */

#define REQUEST_OVERHEAD_MS 8 /* before a request reaches the scheduler, as seen on vLLM */

const char *placement_kv_type(size_t i)
{
    static const char *const names[] = {"bf16", "fp8", NULL};
    return names[i];
}

double placement_kv_bits(const char *type)
{
    return strcmp(type, "fp8") == 0 ? 8 : 16;
}

static void set_batch_limits(const struct gpu *g, struct engine_config *config)
{
    bool large = g->memory_bytes >= LARGE_MEMORY && g->bandwidth_gbs >= LARGE_BANDWIDTH;
    config->max_num_batched_tokens = large ? 8192 : 2048;
    config->max_num_seqs = large ? 1024 : 256;
}

static double weight_bytes(const struct placement *p)
{
    double all = model_weight_bytes(p->model);
    if (p->data_parallel <= 1)
        return all;
    double experts = model_expert_parameters(p->model) * p->model->weight_bits / 8;
    return all - experts + experts / p->data_parallel;
}

int placement_apply(const struct placement *p, struct engine_config *config, struct error *err)
{
    const struct model *m = p->model;
    struct engine_config checked;
    struct error why = {0};
    config->layers = m->layers;
    config->hidden = m->hidden;
    config->tensor_parallel = p->tensor_parallel;
    config->kv_bytes_per_token = model_kv_bytes_per_token(m, p->kv_bits);
    config->kv_heads = model_kv_heads(m);
    config->weight_bytes = weight_bytes(p);
    config->replicas = p->data_parallel > 1 ? p->data_parallel : 1;
    config->memory_bytes = p->gpu->memory_bytes;
    config->kv_blocks = 0;
    config->request_overhead_ms = REQUEST_OVERHEAD_MS;
    set_batch_limits(p->gpu, config);
    checked = *config;
    if (checked.steps.w0 + checked.steps.w1 + checked.steps.c0 + checked.steps.c1 <= 0)
        checked.steps.w0 = 1;
    if (engine_config_check(&checked, &why) < 0)
        return error_set(err, ERR_INPUT, "%s does not fit on %u × %s: %s", m->name,
                         p->tensor_parallel, p->gpu->name, why.message);
    config->kv_blocks = checked.kv_blocks;
    return 0;
}
