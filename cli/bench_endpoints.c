#include "cli/bench_endpoints.h"

#include "cli/report/summary_table.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* As records name it. */
static const char *name_of(const struct endpoint_config *c)
{
    return c->name ? c->name : c->url;
}

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
        if (strcmp(name_of(&e->configs[i]), r->endpoint) == 0) {
            collector_add(e->collectors[i], r);
            return;
        }
    }
}

static void add_number(struct buffer *out, double value, int width)
{
    char cell[CELL_SIZE];
    format_cell(value, cell);
    add_padded(out, cell, width, true);
}

static void add_count(struct buffer *out, uint64_t value, int width)
{
    char cell[GROUPED_SIZE];
    format_grouped((int64_t)value, cell);
    add_padded(out, cell, width, true);
}

void bench_endpoints_show(struct bench_endpoints *e, const struct summary_options *options,
                          struct buffer *out)
{
    static const char *const heads[] = {"requests", "failed",  "TTFT p50", "TTFT p99",
                                        "TPOT p50", "E2E p50", "E2E p99",  "tok/s out"};
    if (e->count == 0)
        return;
    add_padded(out, "by endpoint, from the sending, ms", 34, false);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        add_padded(out, heads[i], i < 2 ? 9 : 10, true);
    buffer_add_byte(out, '\n');
    for (size_t i = 0; i < e->count; i++) {
        struct summary s;
        collector_summarize(e->collectors[i], options, &s);
        const struct metric_summary *m = s.window.metrics;
        buffer_add_format(out, "%-34.34s", name_of(&e->configs[i]));
        add_count(out, s.accounting.scheduled, 9);
        add_count(out, s.accounting.failed, 9);
        add_number(out, m[METRIC_TTFT].p50, 10);
        add_number(out, m[METRIC_TTFT].p99, 10);
        add_number(out, m[METRIC_TPOT].p50, 10);
        add_number(out, m[METRIC_E2E].p50, 10);
        add_number(out, m[METRIC_E2E].p99, 10);
        add_number(out, s.window.output_throughput_tps, 10);
        buffer_add_byte(out, '\n');
    }
    buffer_add_byte(out, '\n');
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
        summary_write(&s, NULL, &inner);
        json_key(&w, name_of(&e->configs[i]));
        json_put_raw(&w, (struct text){one.data, one.length - 1});
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
