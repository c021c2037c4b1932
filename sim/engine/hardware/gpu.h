/* GPUs: what their datasheets say, and which share of it engines achieve.
 *
 *     struct gpu g;
 *     if (gpu_load("h200", &g, err) < 0) return err->code;  // bundled, or a file of the same form
 */
#ifndef FAREBOX_SIM_ENGINE_HARDWARE_GPU_H
#define FAREBOX_SIM_ENGINE_HARDWARE_GPU_H

#include "core/error.h"

#include <stddef.h>

struct gpu {
    char name[64], source[320];
    char also[64];                              /* another name */
    double memory_bytes;                        /* as CUDA reports it */
    double bandwidth_gbs;                       /* of the memory, GB/s */
    double tflops_bf16, tflops_fp8, tflops_fp4; /* dense; 0: the type is computed as the next */
    double link_gbs;                            /* between the GPUs of a machine, both ways */
};

/* Returns 0 or ERR_INPUT with the place and what would be right. */
int gpu_load(const char *name_or_path, struct gpu *out, struct error *err);

/* The bundled GPU that goes by that name; NULL: none. */
const char *gpu_called(const char *name);

/* FLOP/s for weights of so many bits; of a type the GPU has no units for, those of the next wider
 * one. */
double gpu_flops(const struct gpu *g, double weight_bits);

#endif
