/* Prometheus metrics under the names of vLLM 0.32, so that dashboards made for vLLM read the mock.
 *
 *     struct metrics x = {0};
 *     metrics_observe(&x, METRIC_TTFT, ttft_ns, 1);
 *     metrics_finish(&x, "stop", &times);
 *     metrics_write(&x, &view, &text);
 *     metrics_free(&x);
 *
 * All replicas are engine 0. Each distribution of a request has as many values as requests have
 * ended, whatever their reason.
 */
#ifndef FAREBOX_SIM_MOCK_METRICS_H
#define FAREBOX_SIM_MOCK_METRICS_H

#include "core/buffer.h"
#include "core/stats/histogram.h"
#include "sim/engine/engine.h"

#include <stdint.h>

/* Distributions: durations in ns, or token counts. */
enum metric {
    METRIC_TTFT,
    METRIC_ITL,
    METRIC_E2E,
    METRIC_LATENESS,
    METRIC_PROMPT_TOKENS,
    METRIC_OUTPUT_TOKENS,
    METRIC_QUEUE,     /* in the engine's queue */
    METRIC_PREFILL,   /* from the batch to the first token */
    METRIC_DECODE,    /* first to last token */
    METRIC_INFERENCE, /* from the batch to the last token */
    METRIC_TPOT,      /* decode / (tokens - 1) */
    METRIC_ITERATION, /* tokens of a step */
    METRIC_COUNT,
};

enum finish { FINISH_STOP, FINISH_LENGTH, FINISH_ABORT, FINISH_COUNT };

struct metrics {
    struct histogram values[METRIC_COUNT];
    int64_t sums[METRIC_COUNT], max[METRIC_COUNT];
    uint64_t finished[FINISH_COUNT];
};

/* What is known of a request that has ended. Instants: TIME_NEVER = it did not get so far. */
struct metrics_request {
    int64_t read_ns, done_ns;
    struct engine_stay stay;
    int64_t first_ns, last_ns; /* its first and last token, in the engine */
    uint32_t engine_tokens;    /* that the engine made of it */
    uint64_t prompt_tokens, written_tokens;
};

/* So many equal values. */
void metrics_observe(struct metrics *x, enum metric which, int64_t value, uint64_t count);

/* A request has ended; reason NULL = aborted. */
void metrics_finish(struct metrics *x, const char *finish_reason, const struct metrics_request *r);

/* What the engine says at this instant. */
struct metrics_view {
    const struct engine_state *state;
    const struct engine_config *engine;
    const char *model;
};

/* The text of /metrics, version 0.0.4. */
void metrics_write(const struct metrics *x, const struct metrics_view *view, struct buffer *out);
void metrics_free(struct metrics *x);

#endif
