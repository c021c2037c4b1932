/* What a sweep found: table, sweep.json, plots. */
#ifndef FAREBOX_CLI_BENCH_SWEEP_SHOW_H
#define FAREBOX_CLI_BENCH_SWEEP_SHOW_H

#include "cli/bench/sweep.h"
#include "core/stats/usl.h"

struct sweep_result {
    const struct sweep *sweep;
    struct sweep_point *points; /* by ascending value */
    size_t count;
    size_t knee;        /* SIZE_MAX: none */
    bool knee_at_least; /* at what was tried above it, the client was the limit */
    size_t limited;     /* points at which it was */
    bool has_usl;
    struct usl_fit usl;
};

/* Finds the knee and fits the USL. The knee is the highest value up to which the goodput holds at
 * every point, and which was sustained; without objectives where throughput over latency is
 * greatest (Kleinrock's power). Points at which the client was the limit count for
 * neither: the endpoint was not tried there. */
void sweep_judge(struct sweep_result *r);

/* Requests in flight: the concurrency, or by Little's law throughput × mean E2E. */
double sweep_in_flight(const struct sweep *s, const struct sweep_point *p);

void sweep_write_table(const struct sweep_result *r, struct buffer *out);
void sweep_write_json(const struct sweep_result *r, struct json_writer *w);

/* The members that tell whether the load was sustained: "yes", "no" or null. */
void sweep_write_sustained(const struct sweep_point *p, struct json_writer *w);

/* Whether the client was the limit, and why: true, false or null, and a text or null. */
void sweep_write_trust(const struct sweep_point *p, struct json_writer *w);

/* Scheduled, failed, cancelled, unsent. */
void sweep_write_counts(const struct sweep_point *p, struct json_writer *w);

/* plots/sweep.svg, .png, and usl.svg, .png where there is a fit. */
int sweep_draw(const struct sweep_result *r, struct error *err);

#endif
