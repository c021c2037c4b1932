/* What farebox plan capacity found, as text, JSON and a plot. */
#ifndef FAREBOX_CLI_COMMANDS_PLAN_SHOW_H
#define FAREBOX_CLI_COMMANDS_PLAN_SHOW_H

#include "sim/cost/bill/bill.h"
#include "sim/plan/capacity.h"
#include "sim/plan/fleet.h"

#define PLAN_MONTHS 121 /* now, and ten years */

/* The fleet of one month. */
struct plan_month {
    double demand_rps;
    uint64_t replicas, replicas_low; /* low: were the capacity the interval's lower end */
    double gpu_hours;                /* of 30 days */
    money cost;
};

struct capacity_plan {
    const char *stem; /* of the workload */
    const struct engine_config *engine;
    const struct slo_list *slos;
    double goodput, headroom, growth_percent;
    bool demand_is_own; /* taken from the workload's times */
    bool has_price;
    money gpu_hour;
    uint32_t gpus; /* of a replica */
    struct capacity capacity;
    struct plan_month months[PLAN_MONTHS];
    size_t month_count;      /* at least 1: now; 0 = no demand is known */
    const struct bill *bill; /* a month of the demand; NULL */
};

/* When the fleet overtakes the plan of the bill; false for plans without a price per request. */
bool plan_overtake(const struct capacity_plan *p, size_t plan, double *request_usd,
                   struct fleet_overtake *out);

void plan_show_text(const struct capacity_plan *p, struct buffer *out);
void plan_write_json(const struct capacity_plan *p, struct json_writer *w);

/* capacity.svg and capacity.png: goodput and latency over the rate. */
int plan_draw(const struct capacity_plan *p, const char *directory, bool keep_script,
              struct error *err);

#endif
