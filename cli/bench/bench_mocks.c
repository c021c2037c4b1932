#include "cli/bench/bench_mocks.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define OWN_ENDPOINT "mock:"

/* Two of one preset are told apart by their ports. */
static bool is_twin(const struct bench_options *o, const struct bench_setup *s, size_t i)
{
    for (size_t k = 0; k < s->config.endpoint_count; k++)
        if (k != i && o->urls.count > 1 && strcmp(o->urls.items[k], o->urls.items[i]) == 0)
            return true;
    return false;
}

static struct mock *start(const struct bench_options *o, struct bench_setup *s, size_t i,
                          struct error *err)
{
    struct endpoint_config *e = &s->endpoints[i];
    const char *preset = e->url + strlen(OWN_ENDPOINT);
    struct mock_config config;
    mock_config_init(&config);
    config.listen = "127.0.0.1:0";
    config.seed = o->common.seed;
    if (*preset && engine_config_load(preset, &config.engine, err) < 0)
        return NULL;
    struct mock *m = mock_create(&config, err);
    if (!m || mock_start(m, err) < 0)
        return m;
    if (!e->name && s->config.endpoint_count > 1 && !is_twin(o, s, i))
        e->name = e->url;
    e->url = mock_url(m);
    e->shown = NULL;
    return m;
}

struct mock **bench_mocks_start(const struct bench_options *o, struct bench_setup *s,
                                const struct bench_crew *crew, int *status, struct error *err)
{
    struct mock **mocks = mem_zero(s->config.endpoint_count, sizeof *mocks);
    *status = 0;
    for (size_t i = 0; i < s->config.endpoint_count && *status == 0; i++) {
        if (strncmp(s->endpoints[i].url, OWN_ENDPOINT, strlen(OWN_ENDPOINT)) != 0)
            continue;
        if (crew && !crew->one_host)
            *status = error_set(err, ERR_INPUT,
                                "%s would answer on one of the machines only: start farebox mock "
                                "there, and give its --url",
                                s->endpoints[i].url);
        else
            mocks[i] = start(o, s, i, err);
        *status = err->code;
    }
    return mocks;
}

void bench_mocks_free(struct mock **mocks, size_t count)
{
    for (size_t i = 0; mocks && i < count; i++)
        mock_free(mocks[i]);
    free(mocks);
}
