/* Metrics by name, service-level objectives, and assertions on a run.
 *
 * `--slo ttft=500` is an objective on each request (milliseconds; 500ms and 0.5s say the same, and
 * <= may stand for =); requests that met all of them are the goodput. `--assert ttft_p99=500` is
 * one on the run.
 */
#ifndef FAREBOX_CORE_RUNS_SUMMARY_SLO_H
#define FAREBOX_CORE_RUNS_SUMMARY_SLO_H

#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

enum metric {
    METRIC_TTFT,
    METRIC_TTFT_SCHEDULED,
    METRIC_TTFO,
    METRIC_CHUNK_GAP,
    METRIC_TPOT,
    METRIC_E2E,
    METRIC_E2E_SCHEDULED,
    METRIC_SEND_LAG,
    METRIC_QUEUE,
    METRIC_COUNT,
};

enum statistic {
    STATISTIC_MEAN,
    STATISTIC_P50,
    STATISTIC_P90,
    STATISTIC_P95,
    STATISTIC_P99,
    STATISTIC_P999,
    STATISTIC_MAX,
    STATISTIC_COUNT,
};

#define SLO_MAX 8

struct slo {
    enum metric metric;
    double limit_ms;
};

struct slo_list {
    struct slo items[SLO_MAX];
    size_t count;
};

/* "ttft_ms", ... as in summary.json; the list of all, with NULL behind. */
const char *metric_key(enum metric m);
extern const char *const metric_keys[];

/* What a person reads: "TTFT, scheduled"; what one types: "ttft_scheduled", "p99". */
const char *metric_title(enum metric m);
const char *metric_name(enum metric m);
const char *statistic_name(enum statistic s);

/* False for gaps, of which a request has many. */
bool slo_is_objective(enum metric m);

/* The metric and the statistic of "ttft_p99"; false if the name is none. */
bool slo_find_statistic(struct text name, enum metric *m, enum statistic *statistic);

/* 0.99 of a p99, 1 of a maximum; NAN of a mean. */
double statistic_quantile(enum statistic s);

/* Adds "ttft=500" to the list: any metric but the chunk gap. ERR_INPUT with what would be right. */
int slo_parse(const char *text, struct slo_list *list, struct error *err);

/* Adds `count` of them. */
int slo_list_read(const char *const *texts, size_t count, struct slo_list *list, struct error *err);

struct summary;

/* Checks "ttft_p99=500", "e2e_mean=2000", "goodput_fraction=0.95", "failed=0" against a summary:
 * latencies and counts must be at most the limit, throughputs and goodput at least. Returns 0,
 * ERR_WORK with both figures if it is missed, ERR_INPUT if it is no assertion. */
int slo_assert(const char *text, const struct summary *s, struct error *err);

#endif
