#include "sim/plan/dry_run.h"

#include "core/memory.h"
#include "core/stop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void dry_run_init(struct dry_run *d, struct dry_endpoint *endpoints, size_t count)
{
    d->endpoints = endpoints;
    d->endpoint_count = count;
}

void dry_run_free(struct dry_run *d)
{
    for (size_t i = 0; i < d->plan_count; i++)
        free(d->plans[i].name);
    free(d->plans);
    for (size_t i = 0; i < d->endpoint_count; i++)
        free(d->endpoints[i].url);
    free(d->endpoints);
    free(d->parts);
    free(d->workload);
    free(d->load_text);
    *d = (struct dry_run){0};
}

/* ---- a run through virtual time ---- */

/* A run being added. */
struct pass {
    struct dry_run *d;
    const struct dry_run_input *in;
    struct dry_part *part;
    int64_t last_ns;
};

static void set_up(struct dry_run *d, const struct dry_run_input *in)
{
    const struct plan_selection *plans = &in->budget->plans;
    d->load_text = mem_copy_string(in->load_text);
    d->workload = mem_copy_string(in->workload->name ? in->workload->name : "workload");
    d->load = in->load;
    d->rows = in->workload->count;
    d->steady_rate_from_s = in->steady_rate_from_s;
    d->probes = in->probes;
    d->limit = in->budget->limit;
    d->plan_count = plans->count;
    d->plans = mem_zero(plans->count + 1, sizeof *d->plans);
    for (size_t i = 0; i < plans->count; i++) {
        const struct plan *p = plans->plans[i];
        d->plans[i].name = mem_copy_string(p->name);
        d->plans[i].paid_otherwise = p->subscription.present || p->provisioned.present;
    }
}

static int price(struct pass *p, const struct due *due, size_t endpoint, struct error *err)
{
    bool closed = p->in->schedule.mode == SCHEDULE_CLOSED;
    for (size_t i = 0; i < p->d->plan_count; i++) {
        struct dry_plan *plan = &p->d->plans[i];
        struct budget_quote q;
        if (budget_quote(p->in->budget, i, due->row, endpoint, closed ? 0 : due->scheduled_ns, &q) <
                0 ||
            money_add(plan->total, q.amount, &plan->total) < 0 ||
            (i == 0 && money_add(p->part->cost, q.amount, &p->part->cost) < 0))
            return error_set(err, ERR_WORK, "the cost under plan %.60s does not fit", plan->name);
        plan->unsold += !q.sold;
        plan->unpriced += q.unpriced;
        plan->guessed |= q.guessed;
        plan->priced++;
        double value = money_to_double(q.amount), step = value - plan->mean;
        plan->mean += step / (double)plan->priced;
        plan->squares += step * (value - plan->mean);
    }
    return 0;
}

static int add_request(struct pass *p, const struct due *due, struct error *err)
{
    struct dry_run *d = p->d;
    const struct workload *w = p->in->workload;
    size_t endpoint = p->in->choose(p->in->context, w, due);
    d->endpoints[p->in->endpoint == SIZE_MAX ? endpoint : p->in->endpoint].requests++;
    d->requests++;
    d->input_tokens += w->input_tokens[due->row];
    d->output_tokens += w->output_tokens[due->row];
    d->anew = due->repeat > d->anew ? due->repeat : d->anew;
    p->part->requests++;
    p->last_ns = due->scheduled_ns > p->last_ns ? due->scheduled_ns : p->last_ns;
    if (d->requests == 1)
        d->first_s = (double)due->scheduled_ns / 1e9;
    return price(p, due, endpoint, err);
}

static int drive(struct pass *p, struct schedule *s, struct error *err)
{
    struct due due;
    int64_t now_ns = 0;
    while (now_ns != TIME_NEVER && !schedule_exhausted(s, now_ns)) {
        if (stop_level() > 0)
            return error_set(err, ERR_INTERRUPTED, "interrupted");
        if (schedule_take(s, now_ns, &due)) {
            if (add_request(p, &due, err) < 0)
                return err->code;
            schedule_ended(s, &due, now_ns, true);
            continue;
        }
        int64_t next_ns = schedule_next_ns(s, now_ns);
        now_ns = next_ns > now_ns ? next_ns : TIME_NEVER;
    }
    return 0;
}

/* What the schedule says of the run, and what of it the endpoint decides. */
static void judge(struct pass *p, const struct schedule *s)
{
    struct dry_run *d = p->d;
    const struct schedule_config *c = &p->in->schedule;
    bool closed = c->mode == SCHEDULE_CLOSED, waits = closed || p->in->workload->after_start;
    int64_t end_ns = schedule_end_ns(s);
    bool ends = end_ns != TIME_NEVER;
    enum dry_requests requests = !waits || !ends                                   ? DRY_EXACT
                                 : c->max_requests || p->in->workload->after_start ? DRY_AT_MOST
                                                                                   : DRY_EACH_PASS;
    enum dry_span span = !waits           ? DRY_TO_LAST_ARRIVAL
                         : ends           ? DRY_SPAN_AT_MOST
                         : p->last_ns > 0 ? DRY_SPAN_AT_LEAST
                                          : DRY_SPAN_UNKNOWN;
    d->requests_are = requests > d->requests_are ? requests : d->requests_are;
    d->span_is = span > d->span_is ? span : d->span_is;
    d->end_s = ends ? (double)end_ns / 1e9 : 0;
    p->part->span_s = span == DRY_SPAN_UNKNOWN   ? NAN
                      : span == DRY_SPAN_AT_MOST ? d->end_s
                                                 : (double)p->last_ns / 1e9;
    d->span_s += p->part->span_s;
}

int dry_run_add(struct dry_run *d, const struct dry_run_input *in, struct error *err)
{
    struct schedule_config config = in->schedule;
    struct pass p = {.d = d, .in = in};
    if (!d->workload)
        set_up(d, in);
    mem_grow((void **)&d->parts, &d->part_capacity, d->part_count + 1, sizeof *d->parts);
    p.part = &d->parts[d->part_count++];
    *p.part = (struct dry_part){0};
    snprintf(p.part->label, sizeof p.part->label, "%s", in->label ? in->label : "");
    if (config.mode == SCHEDULE_CLOSED && config.max_requests == 0)
        config.max_requests = in->workload->count; /* or an endpoint this fast never ends */
    struct schedule *s = schedule_create(&config, in->workload, err);
    if (!s)
        return ERR_INPUT;
    int status = drive(&p, s, err);
    judge(&p, s);
    d->not_due += schedule_not_due(s);
    schedule_free(s);
    if (money_add(d->probe, in->budget->probe, &d->probe) < 0)
        return error_set(err, ERR_WORK, "the cost of the probe does not fit");
    return status;
}

/* ---- what is told ---- */

void dry_plan_interval(const struct dry_plan *p, double *low, double *high)
{
    double n = (double)p->priced, middle = p->mean * n;
    double half = p->priced > 1 ? 1.96 * sqrt(p->squares / (n - 1) * n) : 0;
    *low = middle > half ? middle - half : 0;
    *high = middle + half;
}

bool dry_run_over_budget(const struct dry_run *d)
{
    money all;
    return d->limit > 0 && (money_add(d->plans[0].total, d->probe, &all) < 0 || all > d->limit);
}

static void put_endpoints(const struct dry_run *d, struct json_writer *w)
{
    json_key(w, "endpoints");
    json_begin_array(w);
    for (size_t i = 0; i < d->endpoint_count; i++) {
        json_begin_object(w);
        json_pair_string(w, "url", d->endpoints[i].url);
        json_pair_string(w, "model", d->endpoints[i].model);
        json_pair_u64(w, "requests", d->endpoints[i].requests);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_plans(const struct dry_run *d, struct json_writer *w)
{
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; i < d->plan_count; i++) {
        const struct dry_plan *p = &d->plans[i];
        double ci95[2];
        dry_plan_interval(p, &ci95[0], &ci95[1]);
        json_begin_object(w);
        json_pair_string(w, "plan", p->name);
        json_pair_money(w, "usage_usd", p->total);
        json_pair_statistics(w, "ci95_usd", ci95, 2);
        json_pair_bool(w, "paid_by_period", p->paid_otherwise);
        json_pair_bool(w, "dearest_model", p->guessed);
        json_pair_u64(w, "unsold", p->unsold);
        json_pair_u64(w, "unpriced", p->unpriced);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_parts(const struct dry_run *d, struct json_writer *w)
{
    json_key(w, "parts");
    json_begin_array(w);
    for (size_t i = 0; i < d->part_count; i++) {
        json_begin_object(w);
        json_pair_string(w, "run", d->parts[i].label);
        json_pair_u64(w, "requests", d->parts[i].requests);
        json_pair_statistic(w, "duration_s", d->parts[i].span_s);
        json_pair_known_money(w, "usage_usd", d->plan_count, d->parts[i].cost);
        json_end_object(w);
    }
    json_end_array(w);
}

void dry_run_write(const struct dry_run *d, struct json_writer *w)
{
    static const char *const runs[] = {"exact", "at_most", "first"},
                             *const requests[] = {"exact", "at_most", "each_pass"},
                             *const spans[] = {"to_last_arrival", "at_most", "at_least", "unknown"};
    json_begin_object(w);
    json_pair_bool(w, "dry_run", true);
    json_pair_string(w, "load", d->load);
    json_pair_u64(w, "runs", d->part_count);
    json_pair_string(w, "runs_are", runs[d->runs_are]);
    json_pair_u64(w, "requests", d->requests);
    json_pair_string(w, "requests_are", requests[d->requests_are]);
    json_pair_u64(w, "not_due", d->not_due);
    json_pair_u64(w, "begun_anew", d->anew);
    json_pair_u64(w, "input_tokens", d->input_tokens);
    json_pair_u64(w, "output_tokens", d->output_tokens);
    json_pair_statistic(w, "duration_s", d->span_is == DRY_SPAN_UNKNOWN ? NAN : d->span_s);
    json_pair_string(w, "duration_is", spans[d->span_is]);
    json_pair_statistic(w, "first_due_s", d->first_s);
    json_pair_statistic(w, "steady_rate_from_s", d->steady_rate_from_s);
    json_pair_bool(w, "probe", d->probes);
    put_endpoints(d, w);
    put_plans(d, w);
    json_pair_bool(w, "over_max_cost", dry_run_over_budget(d));
    put_parts(d, w);
    json_end_object(w);
}
