/* GPUs: what their datasheets say, and which share of it engines achieve.
 *
 *     struct gpu g;
 *     if (gpu_load("h200", &g, err) < 0) return err->code;  // bundled, or a file of the same form
 */
#ifndef FAREBOX_SIM_ENGINE_HARDWARE_GPU_H
#define FAREBOX_SIM_ENGINE_HARDWARE_GPU_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Which share of the datasheet an engine achieves, and what each layer of a step costs beside it.
 */
struct gpu_achieved {
    double weights, compute, cache, attention,
        link;                               /* shares of bandwidth, arithmetic, bandwidth, ... */
    double padding;                         /* a row that fills a tile, against a full one */
    double layer_ms, decode_ms, prefill_ms; /* a layer: of any step, beside decodes, prefills */
    double token_ms;                        /* a token and layer while weights are read */
    double error_median, error_p90;         /* of steps on layouts it was not fitted to */
    char from[96];                          /* the engine, and what it was fitted to */
};

struct gpu {
    char name[64], source[320];
    char also[64];                              /* another name */
    double memory_bytes;                        /* as CUDA reports it */
    double bandwidth_gbs;                       /* of the memory, GB/s */
    double tflops_bf16, tflops_fp8, tflops_fp4; /* dense; 0: the type is computed as the next */
    struct gpu_achieved bf16, fp8, experts; /* by the type of the weights; weights 0: not known */
    double link_gbs;                        /* between the GPUs of a machine, both ways */
};

/* Returns 0 or ERR_INPUT with the place and what would be right. */
int gpu_load(const char *name_or_path, struct gpu *out, struct error *err);

/* The bundled GPU that goes by that name; NULL: none. */
const char *gpu_called(const char *name);

/* What shares were fitted to. */
enum gpu_shares { SHARES_OF_EXPERTS, SHARES_OF_WEIGHTS, SHARES_OF_H100 };

/* The shares for weights of so many bits, or of a mixture of experts: the GPU's own, else those of
 * its other type, else those of an H100. */
enum gpu_shares gpu_find_shares(const struct gpu *g, double weight_bits, bool has_experts,
                                struct gpu_achieved *out);

/* FLOP/s for weights of so many bits; of a type the GPU has no units for, those of the next wider
 * one. */
double gpu_flops(const struct gpu *g, double weight_bits);

#endif
