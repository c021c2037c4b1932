/* The list of models that an endpoint serves, and the length of its context.
 *
 *     struct model_listed m;
 *     models_find(answer, NULL, &m);           // the first; or that of a name
 *     if (m.context_tokens) ...                // asked in + out beyond it will be refused
 */
#ifndef FAREBOX_BENCH_WIRE_MODELS_H
#define FAREBOX_BENCH_WIRE_MODELS_H

#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

#define MODEL_NAME_SIZE 128

struct model_listed {
    char id[MODEL_NAME_SIZE]; /* "" = none is listed, or it is longer */
    uint64_t
        context_tokens; /* the least of what its entry calls the context's length; 0 = unsaid */
};

/* Reads {"data": [{"id": "...", "max_model_len": 4096}]}, or the list alone. NULL asks for the
 * first entry. False if there is none, or the body is no such list. Lengths are known as
 * max_model_len (vLLM, SGLang), context_length (OpenRouter, Together), max_context_length (LM
 * Studio, Mistral), context_window (Groq), n_ctx and n_ctx_train of `meta` (llama.cpp). */
bool models_find(struct text body, const char *name, struct model_listed *out);

#endif
