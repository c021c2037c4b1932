#include "cli/bench/bench_endpoints.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void bench_endpoints_init(struct bench_endpoints *e, const struct endpoint_config *configs,
                          size_t count)
{
    *e = (struct bench_endpoints){.configs = configs, .count = count > 1 ? count : 0};
    if (e->count == 0)
        return;
    e->collectors = mem_zero(count, sizeof(struct collector *));
    for (size_t i = 0; i < count; i++)
        e->collectors[i] = collector_create();
}

void bench_endpoints_note(struct bench_endpoints *e, const struct record *r)
{
    for (size_t i = 0; i < e->count; i++) {
        if (strcmp(endpoint_name(&e->configs[i]), r->endpoint) == 0) {
            collector_add(e->collectors[i], r);
            return;
        }
    }
}

void bench_endpoints_write(struct bench_endpoints *e, const struct summary_options *options,
                           struct buffer *out)
{
    struct json_writer w;
    if (e->count == 0)
        return;
    json_write_init(&w, out, 2);
    json_begin_object(&w);
    for (size_t i = 0; i < e->count; i++) {
        struct summary s;
        struct buffer one;
        struct json_writer inner;
        buffer_init(&one, BUFFER_UNBOUNDED);
        json_write_init(&inner, &one, 0);
        collector_summarize(e->collectors[i], options, &s);
        summary_write(&s, &inner);
        json_pair_raw(&w, endpoint_name(&e->configs[i]), (struct text){one.data, one.length - 1});
        buffer_free(&one);
    }
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}

void bench_endpoints_free(struct bench_endpoints *e)
{
    for (size_t i = 0; i < e->count; i++)
        collector_free(e->collectors[i]);
    free(e->collectors);
    *e = (struct bench_endpoints){0};
}
