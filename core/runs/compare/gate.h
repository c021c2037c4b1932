/* The figures by which one run is judged, against another and by how much each may be worse, or by
 * itself and against a limit.
 *
 *     struct gate gate = {0};
 *     if (gate_parse("ttft_p99>10%", &gate, err) < 0) ...     // --fail-on: worse than before
 *     gate_parse("failed>0.5pp", &gate, err);
 *     gate_parse("ttft_p99>500ms", &gate, err);               // above a limit, whatever was before
 *     gate_parse("goodput<95%", &gate, err);                  // below one
 *
 * Names are those of --assert: a latency and its statistic (ttft_p99, e2e_scheduled_mean), a share
 * (failed, dropped, goodput), a throughput, the cost of a request. Shares are judged in percentage
 * points, everything else in percent of what it was before. Worse is positive: slower, dearer, more
 * failures, less goodput or throughput. Limits are in the figure's own unit: ms or s, percent of
 * the requests (a share), a number per second, USD a request.
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
    double allowed; /* 0.1 = 10 % or 10 points; a limit in ms, as a share, per second, USD */
    bool points;    /* a share */
    bool absolute;  /* a limit on the run itself; else on what it is worse by */
    bool least;     /* it must not be below the limit; else not above */
};

struct gate {
    struct gate_figure figures[GATE_FIGURES];
    size_t count;
};

/* Adds "FIGURE>X%" or "FIGURE>Xpp", or a limit: "LATENCY>Xms", "SHARE>X%", "goodput<X%",
 * "THROUGHPUT<X", "cost>$X". ERR_INPUT with what would be right. */
int gate_parse(const char *text, struct gate *gate, struct error *err);

/* Adds a latency's figure, named as gate_parse would. */
void gate_add_latency(struct gate *gate, enum metric metric, double what, double allowed);

/* Adds the share of requests that failed. */
void gate_add_failed(struct gate *gate, double allowed);

/* True if the gate judges this row. */
bool gate_has(const struct gate *gate, const char *key, double what);

/* True if it judges any row with this key. */
bool gate_has_key(const struct gate *gate, const char *key);

/* True if a figure is judged against what was before; false: none is, or there are limits alone. */
bool gate_compares(const struct gate *gate);

/* How a value of the figure reads beside its limit: "500 ms", "0.5 %", "1,200 /s", "$0.012". */
#define GATE_VALUE_SIZE 48
void gate_format_value(const struct gate_figure *f, double value, char out[GATE_VALUE_SIZE]);

/* The unit of a limit, for JSON: "ms", "share", "per_second", "usd". */
const char *gate_unit(const struct gate_figure *f);

#endif
