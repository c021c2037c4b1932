/* The shape of a model: what its config.json says, and what follows for memory and arithmetic.
 *
 *     struct model m;
 *     if (model_load("llama-3.1-70b", &m, err) < 0)        // a bundled one, or path/to/config.json
 *         return err->code;
 *     double bytes = model_weight_bytes(&m);
 *
 * Reads the form in which Hugging Face's hub keeps a config.json: dense and mixture-of-experts
 * decoders, grouped-query attention and multi-head latent attention. A model is a plain value.
 *
 * Parameters, with h = hidden_size, d = head_dim, per layer:
 *   attention      h·d·(heads + 2·kv_heads) + heads·d·h
 *   latent (MLA)   h·q_rank + q_rank·heads·(nope + rope), without q_rank h·heads·(nope + rope)
 *                  + h·(kv_rank + rope) + kv_rank·heads·(nope + v_dim) + heads·v_dim·h
 *   dense block    3·h·intermediate_size (gate, up, down)
 *   expert         3·h·moe_intermediate_size, experts + shared ones a layer
 *   router         h·experts
 * and 2·vocabulary·h for embedding and head (1· where they are tied). Norms and biases are left
 * out. KV cache a token: 2·layers·kv_heads·d values; latent attention layers·(kv_rank + rope).
 */
#ifndef FAREBOX_SIM_ENGINE_HARDWARE_MODEL_H
#define FAREBOX_SIM_ENGINE_HARDWARE_MODEL_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model {
    char name[96];
    char source[256];
    char also[192]; /* other names, each behind a blank */
    uint32_t layers, hidden, heads, kv_heads, head_dim, intermediate, vocabulary;
    bool tied;                                                  /* the head is the embedding */
    uint32_t experts, experts_per_token;                        /* 0 experts: dense */
    uint32_t shared_experts, expert_intermediate, dense_layers; /* layers without experts */
    uint32_t kv_rank, q_rank, nope, rope, v_dim; /* latent attention; 0 kv_rank: none */
    double weight_bits;                          /* of a parameter of a layer: 16, 8, 4 */
};

/* Reads a bundled model by its name, else a config.json by its path. Returns 0 or ERR_INPUT. */
int model_load(const char *name_or_path, struct model *out, struct error *err);

/* The bundled model that goes by `name`, which may have an owner before it ("meta-llama/..."), with
 * weights of the type ("fp8", "" = as they are published); NULL: none. */
const char *model_called(const char *name, const char *weights);

/* As model_load from text; `file` is for messages. */
int model_parse(const char *file, const char *text, size_t length, struct model *out,
                struct error *err);

/* Parameters: all, those of the experts, and those that every token passes (with its experts). */
double model_parameters(const struct model *m);
double model_expert_parameters(const struct model *m);
double model_active_parameters(const struct model *m);

/* Bytes: of all weights (embedding and head stay at 16 bits), and of one token in the KV cache of
 * one copy, whose values have `kv_bits`. */
double model_weight_bytes(const struct model *m);
double model_kv_bytes_per_token(const struct model *m, double kv_bits);

/* Arithmetic of one query token and one token of context, in all layers: scores and values. */
double model_pair_flops(const struct model *m);

/* The heads among which a layer's KV cache can be divided: ranks beyond it hold copies. Latent
 * attention has one. */
uint32_t model_kv_heads(const struct model *m);

#endif
