/* What a capacity amounts to: the fleet for a demand, month by month, and what that costs beside
 * paying by use.
 *
 *     struct capacity_plan p = {.engine = &engine, .slos = &slos, .headroom = 0.2, .gpus = 4};
 *     if (capacity_find(&options, &p.capacity, err) < 0 ||
 *         capacity_plan_months(&p, demand_rps, ahead, err) < 0) return err->code;
 *     capacity_plan_write(&p, &writer);
 */
#ifndef FAREBOX_SIM_PLAN_CAPACITY_PLAN_H
#define FAREBOX_SIM_PLAN_CAPACITY_PLAN_H

#include "sim/cost/bill/bill.h"
#include "sim/plan/capacity.h"
#include "sim/plan/fleet.h"

#define CAPACITY_MONTHS 121 /* now, and ten years */

/* The fleet of one month. */
struct capacity_month {
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
    struct capacity_month months[CAPACITY_MONTHS];
    size_t month_count;      /* at least 1: now; 0 = no demand is known */
    const struct bill *bill; /* a month of the demand; NULL */
};

/* The workload's own rate, by its times; 0 where they tell none. */
double capacity_own_rate(const struct workload *w);

/* Adds the months from now to `ahead`: the replicas for the demand and its growth. ERR_INPUT where
 * it needs too many. */
int capacity_plan_months(struct capacity_plan *p, double demand_rps, size_t ahead,
                         struct error *err);

/* The workload's requests evenly at the demand, without what they wait for, as a bill takes them;
 * `to` is initialised. */
int capacity_spread(const struct workload *from, double demand_rps, struct workload *to,
                    struct error *err);

/* When the fleet overtakes the plan of the bill; false for plans without a price per request. */
bool capacity_overtake(const struct capacity_plan *p, size_t plan, double *request_usd,
                       struct fleet_overtake *out);

/* capacity.json; without its braces and the command's name, to stand beside others. */
void capacity_plan_write_members(const struct capacity_plan *p, struct json_writer *w);
void capacity_plan_write(const struct capacity_plan *p, struct json_writer *w);

#endif
