/* A model on GPUs: what of a preset follows from the two.
 *
 *     struct placement p = {.model = &model, .gpu = &gpu, .tensor_parallel = 4, .kv_bits = 16};
 *     engine_config_init(&config);
 *     if (placement_apply(&p, &config, err) < 0) return err->code;   // "does not fit"
 */
#ifndef FAREBOX_SIM_ENGINE_HARDWARE_PLACEMENT_H
#define FAREBOX_SIM_ENGINE_HARDWARE_PLACEMENT_H

#include "sim/engine/hardware/gpu.h"
#include "sim/engine/hardware/model.h"
#include "sim/engine/preset.h"

struct placement {
    const struct model *model;
    const struct gpu *gpu;
    uint32_t tensor_parallel;
    double kv_bits; /* 16, 8 */
    /* Copies of the attention that share the experts, each a replica of its own: a rank has a share
     * of the experts and all the rest. 0 or 1: none. */
    uint32_t data_parallel;
};

/* Sets layers, hidden, tensor_parallel, the bytes of weights and KV cache, kv_heads, the memory,
 * the KV blocks, and the batch limits with which vLLM starts on such a GPU and the time that it
 * takes before the scheduler. Returns 0, or ERR_INPUT where the weights do not fit. */
int placement_apply(const struct placement *p, struct engine_config *config, struct error *err);

/* Types of a KV cache by name, NULL behind the last, and the bits of one. */
const char *placement_kv_type(size_t i);
double placement_kv_bits(const char *type);

#endif
