/* The constant engine: first token at submit + overhead + ttft, token i another i·itl later.
 *
 * Without max_num_seqs nothing waits; with it, replicas × max_num_seqs requests are served at once
 * and the others wait first-come-first-served. engine.c wraps it.
 */
#ifndef FAREBOX_SIM_ENGINE_CONSTANT_H
#define FAREBOX_SIM_ENGINE_CONSTANT_H

#include "sim/engine/engine.h"

struct constant_engine;

struct constant_engine *constant_create(const struct engine_config *config);
void constant_free(struct constant_engine *c);
void constant_submit(struct constant_engine *c, int64_t now_ns, const struct engine_request *r);
void constant_cancel(struct constant_engine *c, int64_t now_ns, uint64_t tag);
int64_t constant_next_ns(const struct constant_engine *c);
void constant_advance(struct constant_engine *c, int64_t now_ns, const struct engine_sink *sink);
size_t constant_token_times(const struct constant_engine *c, int64_t *out, size_t capacity);
bool constant_find_stay(const struct constant_engine *c, uint64_t tag, struct engine_stay *out);
void constant_state(const struct constant_engine *c, struct engine_state *out);

#endif
