/* A preset from datasheets: a roofline with the shares of it that engines achieve.
 *
 *     struct placement p = {&model, &gpu, 4, 16, 1};
 *     engine_config_init(&config);
 *     if (derive_preset(&p, &config, err) < 0) return err->code;
 *
 * In the terms of sim/engine/step_time.h, with the weights W of a rank without experts, E its
 * experts, A the parameters a token passes, L layers, R ranks, bw and flops of the datasheet, and
 * the shares and times a layer of struct gpu_achieved:
 *   w0 = W/(bw·weights) + L·layer        m0 = E/(bw·weights)       n0 = experts / chosen ones
 *   c0 = L·layer       c1 = 2·A/(R·flops·compute)       c2 = c1·padding, tile 256
 *   kappa = KV bytes of a rank/(bw·cache)               d0 = L·decode, p0 = L·prefill
 *   ap = arithmetic of a query and a key/(R·flops bf16·attention)
 *   the all-reduce from the link: 2·L·2(R−1)/R·hidden·2 bytes/(link·share), in w1 and c1
 */
#ifndef FAREBOX_SIM_ENGINE_HARDWARE_DERIVE_H
#define FAREBOX_SIM_ENGINE_HARDWARE_DERIVE_H

#include "sim/engine/hardware/placement.h"

/* Sets the step constants and all that placement_apply() sets. Returns 0 or ERR_INPUT. */
int derive_preset(const struct placement *p, struct engine_config *config, struct error *err);

#endif
