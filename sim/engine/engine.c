#include "sim/engine/engine.h"

#include "core/memory.h"
#include "sim/engine/constant.h"

#include <stdlib.h>

struct engine {
    struct engine_config config;
    struct constant_engine *constant;
};

struct engine *engine_create(const struct engine_config *config, uint64_t seed, struct error *err)
{
    struct engine_config checked = *config;
    if (engine_config_check(&checked, err) < 0)
        return NULL;
    (void)seed;
    if (checked.kind != ENGINE_CONSTANT) {
        error_set(err, ERR_INPUT, "engines of kind \"steps\" are not served yet");
        return NULL;
    }
    struct engine *e = mem_zero(1, sizeof *e);
    e->config = checked;
    e->constant = constant_create(&checked);
    return e;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    constant_free(e->constant);
    free(e);
}

enum engine_refusal engine_submit(struct engine *e, int64_t now_ns,
                                  const struct engine_request *request)
{
    constant_submit(e->constant, now_ns, request);
    return ENGINE_ACCEPTED;
}

void engine_cancel(struct engine *e, int64_t now_ns, uint64_t tag)
{
    constant_cancel(e->constant, now_ns, tag);
}

int64_t engine_next_ns(const struct engine *e)
{
    return constant_next_ns(e->constant);
}

void engine_advance(struct engine *e, int64_t now_ns, const struct engine_sink *sink)
{
    constant_advance(e->constant, now_ns, sink);
}

size_t engine_token_times(const struct engine *e, int64_t *out, size_t capacity)
{
    return constant_token_times(e->constant, out, capacity);
}

void engine_state(const struct engine *e, struct engine_state *out)
{
    constant_state(e->constant, out);
}
