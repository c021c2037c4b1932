/* The figures by which one run is judged against another, and by how much each may be worse.
 *
 *     struct gate gate = {0};
 *     if (gate_parse("ttft_p99>10%", &gate, err) < 0) ...     // --fail-on
 *     gate_parse("failed>0.5pp", &gate, err);
 *
 * Names are those of --assert: a latency and its statistic (ttft_p99, e2e_scheduled_mean), a share
 * (failed, dropped, goodput), a throughput, the cost of a request. Shares are judged in percentage
 * points, everything else in percent of what it was before. Worse is positive: slower, dearer, more
 * failures, less goodput or throughput.
 */
#ifndef FAREBOX_CORE_RUNS_COMPARE_GATE_H
#define FAREBOX_CORE_RUNS_COMPARE_GATE_H

#include "core/error.h"
#include "core/runs/summary/slo.h"

#include <stdbool.h>
#include <stddef.h>

#define GATE_FIGURES 16
#define GATE_NAME_SIZE 32

struct gate_figure {
    char name[GATE_NAME_SIZE]; /* as it was written: "ttft_p99" */
    const char *key;           /* the row's: "ttft_ms"; static */
    double what;               /* and its statistic, as in struct comparison */
    double allowed;            /* 0.1 = 10 % or 10 points */
    bool points;
};

struct gate {
    struct gate_figure figures[GATE_FIGURES];
    size_t count;
};

/* Adds "FIGURE>X%" or "FIGURE>Xpp". ERR_INPUT with what would be right. */
int gate_parse(const char *text, struct gate *gate, struct error *err);

/* Adds a latency's figure, named as gate_parse would. */
void gate_add_latency(struct gate *gate, enum metric metric, double what, double allowed);

/* Adds the share of requests that failed. */
void gate_add_failed(struct gate *gate, double allowed);

/* True if the gate judges this row. */
bool gate_has(const struct gate *gate, const char *key, double what);

#endif
