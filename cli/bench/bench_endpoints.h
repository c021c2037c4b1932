/* Several endpoints in one bench: the figures of each, beside those of all.
 *
 *     struct bench_endpoints e;
 *     bench_endpoints_init(&e, configs, count);         // nothing to do for one endpoint
 *     bench_endpoints_note(&e, &record);
 *     bench_endpoints_write(&e, &summary_options, &text);
 *     bench_endpoints_free(&e);
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_ENDPOINTS_H
#define FAREBOX_CLI_BENCH_BENCH_ENDPOINTS_H

#include "bench/client/endpoint.h"
#include "core/buffer.h"
#include "core/runs/summary/collector.h"

struct bench_endpoints {
    const struct endpoint_config *configs; /* borrowed */
    size_t count;                          /* 0 where there is one endpoint only */
    struct collector **collectors;
};

void bench_endpoints_init(struct bench_endpoints *e, const struct endpoint_config *configs,
                          size_t count);
void bench_endpoints_note(struct bench_endpoints *e, const struct record *r);

/* {"NAME": summary.json's object, ...}; nothing where there is one endpoint only. */
void bench_endpoints_write(struct bench_endpoints *e, const struct summary_options *options,
                           struct buffer *out);
void bench_endpoints_free(struct bench_endpoints *e);

#endif
