/* How many replicas there should be: by requests in flight, by the queue, or by a schedule.
 *
 * The rules are those of Kubernetes' HorizontalPodAutoscaler (which KEDA drives, too) for a metric
 * with an average value as its target. At every sync, `sync_period_s` apart from the first request
 * on:
 *
 *     wanted = ceil(total / target)             the total over all ready replicas; as many as there
 *                                               are while total / (target·replicas) is within 1 ±
 *                                               tolerance
 *     at most twice as many as there are, or four more; min_replicas to max_replicas
 *     fewer only if the whole stabilization window wanted no more: its highest wish counts
 *
 * A schedule says at once how many there are from an instant on, counted from the first request.
 *
 *     struct autoscaler a;
 *     autoscaler_init(&a, &config, 2, now_ns);
 *     while (a.next_ns <= now_ns)
 *         wanted = autoscaler_sync(&a, replicas, total);
 *     autoscaler_free(&a);
 */
#ifndef FAREBOX_SIM_ENGINE_AUTOSCALE_H
#define FAREBOX_SIM_ENGINE_AUTOSCALE_H

#include "core/clock.h"
#include "core/error.h"
#include "core/json/json_fields.h"

#include <stdbool.h>
#include <stdint.h>

#define AUTOSCALE_SCHEDULE_MOST 512 /* a week of hours, each with two */

enum autoscale_metric {
    AUTOSCALE_NONE,
    AUTOSCALE_CONCURRENCY, /* requests in a replica, waiting or running */
    AUTOSCALE_QUEUE,       /* requests that wait */
    AUTOSCALE_SCHEDULE,
};

struct autoscale_point {
    double at_s;
    uint32_t replicas;
};

struct autoscale_config {
    enum autoscale_metric metric; /* none: nothing else counts */
    uint32_t min_replicas, max_replicas;
    double target;       /* of the metric, a replica */
    double cold_start_s; /* from the decision until it takes requests */
    double sync_period_s, tolerance, stabilization_window_s;
    struct autoscale_point schedule[AUTOSCALE_SCHEDULE_MOST]; /* by time; the last holds */
    uint32_t schedule_count;
    double period_s;       /* after which the schedule begins anew; 0 = never */
    double billing_unit_s; /* replicas are paid in whole units of it, each from its start; 0 */
};

extern const struct json_table autoscale_table;

void autoscale_config_init(struct autoscale_config *c);

/* Of a row's member: true if nothing is scaled. */
bool autoscale_is_nothing(const void *config);

/* As speculative_config_parse. */
int autoscale_config_parse(const char *option, const char *text, struct autoscale_config *c,
                           struct error *err);

/* `replicas` are there at first. ERR_INPUT says what contradicts itself. */
int autoscale_config_check(const struct autoscale_config *c, uint32_t replicas, struct error *err);

/* A wish of an earlier sync. */
struct autoscale_wish {
    int64_t at_ns;
    uint32_t replicas;
};

struct autoscaler {
    const struct autoscale_config *config; /* borrowed */
    int64_t begun_ns, next_ns;             /* the next sync */
    struct autoscale_wish *wishes;         /* of the window, in order, each below the one before */
    size_t count, capacity;
};

/* Of `replicas` at now_ns, which count as wished for then. */
void autoscaler_init(struct autoscaler *a, const struct autoscale_config *config, uint32_t replicas,
                     int64_t now_ns);
void autoscaler_free(struct autoscaler *a);

/* The sync at a->next_ns: of so many replicas, starting ones among them, and the metric's total.
 * Returns how many there should be. */
uint32_t autoscaler_sync(struct autoscaler *a, uint32_t replicas, uint64_t total);

#endif
