#include "sim/plan/capacity_plan.h"

#include <math.h>

#define MONTH_HOURS 720 /* 30 days */

double capacity_own_rate(const struct workload *w)
{
    int64_t first_ns, last_ns;
    if (!workload_time_range(w, &first_ns, &last_ns) || last_ns <= first_ns)
        return 0;
    return (double)w->count / ((double)(last_ns - first_ns) / 1e9);
}

int capacity_plan_months(struct capacity_plan *p, double demand_rps, size_t ahead,
                         struct error *err)
{
    if (!(demand_rps > 0) || !(p->capacity.rate_rps > 0))
        return 0;
    for (size_t i = 0; i <= ahead; i++, demand_rps *= 1 + p->growth_percent / 100) {
        struct capacity_month *month = &p->months[p->month_count++];
        month->demand_rps = demand_rps;
        month->replicas = fleet_replicas(demand_rps, p->capacity.rate_rps, p->headroom);
        month->replicas_low = fleet_replicas(demand_rps, p->capacity.low_rps, p->headroom);
        month->gpu_hours = (double)month->replicas * p->gpus * MONTH_HOURS;
        if (month->replicas == 0 || month->replicas > 1000000000 ||
            money_multiply(p->gpu_hour, month->replicas * p->gpus * MONTH_HOURS, &month->cost) < 0)
            return error_set(err, ERR_INPUT, "%s requests per second need more than 1e9 replicas",
                             TEXT_SHORT(demand_rps, 6));
    }
    return 0;
}

int capacity_spread(const struct workload *from, double demand_rps, struct workload *to,
                    struct error *err)
{
    double gap_s = from->count > 1 ? (double)from->count / (double)(from->count - 1) : 1;
    to->has_start = from->has_start;
    to->start_unix_ns = from->start_unix_ns;
    for (size_t i = 0; i < from->count; i++) {
        struct request r;
        workload_get(from, i, &r);
        r.timestamp_ns = llround((double)i * gap_s / demand_rps * 1e9);
        r.delay_ns = 0;
        r.after_count = r.hash_count = 0;
        r.block_size = 0;
        r.messages = r.body = r.extra = (struct text){0};
        if (workload_add(to, &r, err) < 0)
            return err->code;
    }
    return 0;
}

bool capacity_overtake(const struct capacity_plan *p, size_t plan, double *request_usd,
                       struct fleet_overtake *out)
{
    const struct plan_bill *b = &p->bill->plans[plan];
    if (!p->has_price || b->without_caps || b->cash[LINE_PROVISIONED] != 0 || b->period_served == 0)
        return false;
    *request_usd = money_to_double(b->total) / (double)b->period_served;
    *out = fleet_overtake(money_to_double(p->gpu_hour) * p->gpus, *request_usd,
                          p->capacity.rate_rps * (1 - p->headroom));
    return true;
}

/* ---- JSON ---- */

static void write_capacity(const struct capacity *c, struct json_writer *w)
{
    json_pair_statistic(w, "rate_rps", c->rate_rps);
    json_pair_statistics(w, "rate_rps_ci95", (double[]){c->low_rps, c->high_rps}, 2);
    json_pair_statistics(w, "seed_goodput_fraction", c->seed_goodput, c->seeds);
    json_pair_string(w, "bound_by", c->by_queue ? "queue" : "objectives");
    json_pair_string(w, "limit", capacity_limit_name(c->limit));
    json_pair_statistic(w, "limit_share", c->limit_share);
    json_key(w, "theory");
    json_begin_object(w);
    json_pair_u64(w, "servers", c->theory.servers);
    json_pair_statistic(w, "service_s", c->theory.service_s);
    json_pair_statistic(w, "wait_limit_s", c->theory.wait_limit_s);
    json_pair_statistic(w, "erlang_c_rps", c->theory.rate_rps);
    json_pair_statistic(w, "littles_in_flight", c->theory.littles_load);
    json_pair_statistic(w, "measured_in_flight", c->theory.measured_load);
    json_end_object(w);
    json_key(w, "curve");
    json_begin_array(w);
    for (size_t i = 0; i < c->curve_count; i++)
        load_point_write(&c->curve[i], LOAD_IN_CURVE, w);
    json_end_array(w);
}

static void write_months(const struct capacity_plan *p, struct json_writer *w)
{
    json_key(w, "months");
    json_begin_array(w);
    for (size_t i = 0; i < p->month_count; i++) {
        const struct capacity_month *m = &p->months[i];
        json_begin_object(w);
        json_pair_u64(w, "month", i);
        json_pair_statistic(w, "demand_rps", m->demand_rps);
        json_pair_u64(w, "replicas", m->replicas);
        json_pair_u64(w, "replicas_at_lower_limit", m->replicas_low);
        json_pair_statistic(w, "gpu_hours", m->gpu_hours);
        if (p->has_price)
            json_pair_money(w, "cost_usd", m->cost);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_bills(const struct capacity_plan *p, struct json_writer *w)
{
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; p->bill && i < p->bill->plan_count; i++) {
        const struct plan_bill *b = &p->bill->plans[i];
        struct fleet_overtake o;
        double request_usd;
        char name[BILL_NAME_SIZE];
        json_begin_object(w);
        json_pair_string(w, "plan", bill_plan_name(b, name));
        json_pair_money(w, "month_usd", b->total);
        json_pair_u64(w, "subscriptions", b->subscriptions);
        json_pair_u64(w, "requests", b->period_requests);
        json_pair_u64(w, "served", b->period_served);
        if (capacity_overtake(p, i, &request_usd, &o)) {
            json_pair_statistic(w, "per_request_usd", request_usd);
            json_pair_bool(w, "self_hosting_overtakes", o.ever);
            json_pair_statistic(w, "overtakes_from_rps", o.first_rps);
            json_pair_statistic(w, "overtakes_for_good_from_rps", o.always_rps);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

void capacity_plan_write_members(const struct capacity_plan *p, struct json_writer *w)
{
    const struct capacity *c = &p->capacity;
    json_pair_string(w, "workload", p->stem);
    json_pair_string(w, "engine", p->engine->name);
    json_key(w, "slo");
    json_begin_object(w);
    for (size_t i = 0; i < p->slos->count; i++)
        json_pair_statistic(w, metric_key(p->slos->items[i].metric), p->slos->items[i].limit_ms);
    json_end_object(w);
    json_pair_statistic(w, "goodput", p->goodput);
    json_pair_statistic(w, "headroom", p->headroom);
    json_pair_bool(w, "attainable", c->attainable);
    json_pair_bool(w, "unbounded", c->unbounded);
    if (c->unbounded)
        json_pair_statistic(w, "tried_rps", c->tried_rps);
    json_key(w, "unloaded");
    load_point_write(&c->unloaded, LOAD_IN_CURVE, w);
    if (c->attainable && !c->unbounded) {
        write_capacity(c, w);
        write_months(p, w);
        write_bills(p, w);
    }
}

void capacity_plan_write(const struct capacity_plan *p, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "command", "plan capacity");
    capacity_plan_write_members(p, w);
    json_end_object(w);
}
