/* Prometheus metrics under vLLM's names, so that dashboards made for vLLM read the mock.
 *
 *     struct metrics x = {0};
 *     metrics_observe(&x, METRIC_TTFT, ttft_ns);
 *     metrics_write(&x, &state, "model", &text);
 *     metrics_free(&x);
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
    METRIC_COUNT,
};

enum finish { FINISH_STOP, FINISH_LENGTH, FINISH_ABORT, FINISH_COUNT };

struct metrics {
    struct histogram values[METRIC_COUNT];
    int64_t sums[METRIC_COUNT], max[METRIC_COUNT];
    uint64_t finished[FINISH_COUNT];
};

void metrics_observe(struct metrics *x, enum metric which, int64_t value);
void metrics_finish(struct metrics *x, const char *finish_reason); /* NULL = aborted */

/* The text of /metrics, version 0.0.4. */
void metrics_write(const struct metrics *x, const struct engine_state *state, const char *model,
                   struct buffer *out);
void metrics_free(struct metrics *x);

#endif
