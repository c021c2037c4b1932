#include "cli/bench/bench_dry_run.h"

#include "bench/client/bench_hide.h"
#include "cli/bench/bench_show.h"
#include "cli/report/text/summary_table.h"
#include "core/memory.h"
#include "core/stop.h"
#include "workloads/load/request_rate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_SHOWN 64

void bench_dry_run_init(struct bench_dry_run *d, const struct bench_options *o)
{
    size_t urls = o->urls.count, models = o->models.count;
    *d = (struct bench_dry_run){.options = o, .endpoint_count = urls > models ? urls : models};
    d->endpoints = mem_zero(d->endpoint_count + 1, sizeof *d->endpoints);
    for (size_t i = 0; i < d->endpoint_count; i++) {
        struct buffer shown;
        buffer_init(&shown, BUFFER_UNBOUNDED);
        if (urls)
            hide_in_url(o->urls.items[urls == 1 ? 0 : i], &shown);
        d->endpoints[i].url = urls ? buffer_take(&shown) : NULL;
        d->endpoints[i].model = models ? o->models.items[models == 1 ? 0 : i] : NULL;
    }
}

void bench_dry_run_free(struct bench_dry_run *d)
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
    *d = (struct bench_dry_run){0};
}

/* ---- a run through virtual time ---- */

/* A run being added. */
struct pass {
    struct bench_dry_run *d;
    const struct dry_run_input *in;
    struct dry_part *part;
    int64_t last_ns;
};

static void set_up(struct bench_dry_run *d, const struct dry_run_input *in)
{
    const struct bench_setup *s = in->setup;
    const struct plan_selection *plans = &in->money->plans;
    struct buffer load;
    buffer_init(&load, BUFFER_UNBOUNDED);
    bench_show_load(in->options, s, &load);
    d->load_text = buffer_take(&load);
    d->workload = mem_copy_string(in->workload->name ? in->workload->name : "workload");
    d->load = s->summary.load;
    d->rows = in->workload->count;
    d->steady_rate_from_s = NAN;
    if (rate_is_steady(in->options->load.rate, in->options->load.arrival))
        d->steady_rate_from_s = rate_ramp_s(in->workload, NAN);
    d->probes = !s->config.no_probe;
    d->limit = in->money->limit;
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
    bool closed = p->in->setup->config.schedule.mode == SCHEDULE_CLOSED;
    for (size_t i = 0; i < p->d->plan_count; i++) {
        struct dry_plan *plan = &p->d->plans[i];
        struct budget_quote q;
        if (budget_quote(p->in->money, i, due->row, endpoint, closed ? 0 : due->scheduled_ns, &q) <
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
    struct bench_dry_run *d = p->d;
    const struct workload *w = p->in->workload;
    size_t endpoint = bench_choose_endpoint(&p->in->setup->config, w, due);
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
    struct bench_dry_run *d = p->d;
    const struct schedule_config *c = &p->in->setup->config.schedule;
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

int bench_dry_run_add(struct bench_dry_run *d, const struct dry_run_input *in, struct error *err)
{
    const struct bench_config *c = &in->setup->config;
    struct schedule_config config = c->schedule;
    struct pass p = {.d = d, .in = in};
    if (!d->workload)
        set_up(d, in);
    mem_grow((void **)&d->parts, &d->part_capacity, d->part_count + 1, sizeof *d->parts);
    p.part = &d->parts[d->part_count++];
    *p.part = (struct dry_part){0};
    snprintf(p.part->label, sizeof p.part->label, "%s", in->label ? in->label : "");
    config.seed = c->seed;
    config.worker = c->shard;
    config.workers = c->shards ? c->shards : 1;
    if (config.mode == SCHEDULE_CLOSED && config.max_requests == 0)
        config.max_requests = in->workload->count; /* or an endpoint this fast never ends */
    struct schedule *s = schedule_create(&config, in->workload, err);
    if (!s)
        return ERR_INPUT;
    int status = drive(&p, s, err);
    judge(&p, s);
    d->not_due += schedule_not_due(s);
    schedule_free(s);
    if (money_add(d->probe, in->money->probe, &d->probe) < 0)
        return error_set(err, ERR_WORK, "the cost of the probe does not fit");
    return status;
}

/* ---- what is shown ---- */

/* 95 % limits of the cost of as many others from the same population: mean ± 1.96 standard errors
 * of the sum. */
static void interval(const struct dry_plan *p, double *low, double *high)
{
    double n = (double)p->priced, middle = p->mean * n;
    double half = p->priced > 1 ? 1.96 * sqrt(p->squares / (n - 1) * n) : 0;
    *low = middle > half ? middle - half : 0;
    *high = middle + half;
}

static bool over_budget(const struct bench_dry_run *d)
{
    money all;
    return d->limit > 0 && (money_add(d->plans[0].total, d->probe, &all) < 0 || all > d->limit);
}

static void add_title(const struct bench_dry_run *d, struct buffer *out)
{
    const struct bench_options *o = d->options;
    buffer_add_format(out, "%.60s · ", d->workload ? d->workload : "no run");
    if (o->sweep)
        buffer_add_format(out, "--sweep %.60s", o->sweep);
    else if (o->find_max)
        buffer_add_format(out, "--find-max from %s req/s on", o->load.rate ? o->load.rate : "4");
    else
        buffer_add_text(out, d->load_text);
    for (size_t i = 0; i < d->endpoint_count; i++)
        if (i == 0 || o->urls.count > 1)
            buffer_add_format(out, "%s%.80s", i ? ", " : " → ", d->endpoints[i].url);
    if (d->endpoint_count == 1 && d->endpoints[0].model)
        buffer_add_format(out, ", model %.60s", d->endpoints[0].model);
    buffer_add_text(out, "\n\nnothing was sent (--dry-run); it would be\n");
}

static void add_runs(const struct bench_dry_run *d, struct buffer *out)
{
    if (d->runs_are == DRY_FIRST)
        buffer_add_text(out,
                        "runs         as many as the throughput asks for; this is the first\n");
    else if (d->part_count > 1)
        buffer_add_format(out, "runs         %s%zu, together\n",
                          d->runs_are == DRY_MOST ? "at most " : "", d->part_count);
}

static void add_requests(const struct bench_dry_run *d, struct buffer *out)
{
    char text[TEXT_GROUPED_SIZE], span[CELL_SIZE];
    text_group_u64(d->requests, text);
    format_span(d->end_s, span);
    if (d->requests_are == DRY_EACH_PASS)
        buffer_add_format(out, "requests     as many as are answered in %s; of each %s:\n", span,
                          text);
    else
        buffer_add_format(out, "requests     %s%s",
                          d->requests_are == DRY_AT_MOST ? "at most " : "", text);
    if (d->requests_are != DRY_EACH_PASS && d->anew) {
        text_group_u64(d->rows, text);
        buffer_add_format(out, " (the workload's %s, begun anew %u time%s)", text, d->anew,
                          d->anew == 1 ? "" : "s");
    }
    text_group_u64(d->not_due, text);
    if (d->not_due && d->requests_are != DRY_EACH_PASS)
        buffer_add_format(out, "; %s%s more would never become due",
                          d->requests_are == DRY_AT_MOST ? "at least " : "", text);
    if (d->requests_are != DRY_EACH_PASS)
        buffer_add_byte(out, '\n');
    text_group_u64(d->input_tokens, text);
    buffer_add_format(out, "tokens       %s in", text);
    text_group_u64(d->output_tokens, text);
    buffer_add_format(out, " · %s out at most\n", text);
}

static void add_duration(const struct bench_dry_run *d, struct buffer *out)
{
    char span[CELL_SIZE];
    format_span(d->span_s, span);
    switch (d->span_is) {
    case DRY_TO_LAST_ARRIVAL:
        buffer_add_format(out, "duration     %s to the last arrival\n", span);
        break;
    case DRY_SPAN_AT_MOST:
        buffer_add_format(out, "duration     %s to the last sending, at most\n", span);
        break;
    case DRY_SPAN_AT_LEAST:
        buffer_add_format(out,
                          "duration     %s to the last arrival if every answer came at once; the "
                          "endpoint decides\n",
                          span);
        break;
    default:
        buffer_add_text(out, "duration     the endpoint decides\n");
    }
    format_span(d->first_s, span);
    if (d->first_s >= 2)
        buffer_add_format(out, "first        due %s after the start\n", span);
}

/* Answers take no time here, so that later turns come as early as they can. */
static void add_steady(const struct bench_dry_run *d, struct buffer *out)
{
    char span[CELL_SIZE];
    format_span(d->steady_rate_from_s, span);
    if (d->steady_rate_from_s > 0)
        buffer_add_format(
            out,
            "steady rate  from %s on (%.0f %% of it), and the time that answers take: "
            "until then\n             the sessions' later turns are still to come\n",
            span, 100 * RATE_REACHED);
}

static void add_endpoints(const struct bench_dry_run *d, struct buffer *out)
{
    char text[TEXT_GROUPED_SIZE];
    for (size_t i = 0; d->endpoint_count > 1 && i < d->endpoint_count; i++) {
        const struct dry_endpoint *e = &d->endpoints[i];
        text_group_u64(e->requests, text);
        buffer_add_format(out, "%s%s → %.80s%s%.60s\n", i ? "             " : "of them      ", text,
                          e->url, e->model ? ", model " : "", e->model ? e->model : "");
    }
}

static void add_parts(const struct bench_dry_run *d, struct buffer *out)
{
    char requests[TEXT_GROUPED_SIZE], span[CELL_SIZE], cost[MONEY_TEXT_SIZE];
    if (d->part_count < 2 || d->part_count > PARTS_SHOWN || d->runs_are != DRY_ALL)
        return;
    buffer_add_byte(out, '\n');
    for (size_t i = 0; i < d->part_count; i++) {
        const struct dry_part *p = &d->parts[i];
        text_group_u64(p->requests, requests);
        format_span(p->span_s, span);
        money_format(p->cost, cost);
        buffer_add_format(out, "  %-18s %s requests%s%s%s%s\n", p->label, requests,
                          isfinite(p->span_s) ? ", " : "", isfinite(p->span_s) ? span : "",
                          d->plan_count ? ", $" : "", d->plan_count ? cost : "");
    }
}

static void add_costs(const struct bench_dry_run *d, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE], requests[TEXT_GROUPED_SIZE];
    for (size_t i = 0; i < d->plan_count; i++) {
        const struct dry_plan *p = &d->plans[i];
        double low, high;
        interval(p, &low, &high);
        money_format(p->total, text);
        buffer_add_format(out, "cost         $%s %.60s; as many others like them: $%.4g … $%.4g\n",
                          text, p->name, low, high);
        if (p->paid_otherwise)
            buffer_add_text(out, "             and what is paid by the period: see farebox bill\n");
        if (p->guessed)
            buffer_add_text(out,
                            "             (by the dearest model that it sells: none is named)\n");
        text_group_u64(p->unsold, requests);
        if (p->unsold)
            buffer_add_format(out,
                              "             without %s requests of models that it does not "
                              "sell\n",
                              requests);
        text_group_u64(p->unpriced, requests);
        if (p->unpriced)
            buffer_add_format(out,
                              "             too low: without a price for the service, tokens or "
                              "tools of %s of them\n",
                              requests);
    }
    if (over_budget(d))
        buffer_add_format(out, "budget       --max-cost %s would end it before\n",
                          d->options->max_cost);
}

void bench_dry_run_show(const struct bench_dry_run *d, struct buffer *out)
{
    add_title(d, out);
    add_runs(d, out);
    add_requests(d, out);
    add_duration(d, out);
    add_steady(d, out);
    add_endpoints(d, out);
    if (d->probes)
        buffer_add_text(out, "probe        two requests to each endpoint before a run, not counted "
                             "here\n");
    add_costs(d, out);
    add_parts(d, out);
}

/* ---- as JSON ---- */

static void put_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_put_u64(w, value);
}

static void put_string(struct json_writer *w, const char *key, const char *value)
{
    json_key(w, key);
    json_put_string(w, value);
}

static void put_money(struct json_writer *w, const char *key, money value)
{
    json_key(w, key);
    json_put_money(w, value);
}

static void put_endpoints(const struct bench_dry_run *d, struct json_writer *w)
{
    json_key(w, "endpoints");
    json_begin_array(w);
    for (size_t i = 0; i < d->endpoint_count; i++) {
        json_begin_object(w);
        put_string(w, "url", d->endpoints[i].url);
        put_string(w, "model", d->endpoints[i].model);
        put_u64(w, "requests", d->endpoints[i].requests);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_plans(const struct bench_dry_run *d, struct json_writer *w)
{
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; i < d->plan_count; i++) {
        const struct dry_plan *p = &d->plans[i];
        double low, high;
        interval(p, &low, &high);
        json_begin_object(w);
        put_string(w, "plan", p->name);
        put_money(w, "usage_usd", p->total);
        json_key(w, "ci95_usd");
        json_begin_array(w);
        json_put_statistic(w, low);
        json_put_statistic(w, high);
        json_end_array(w);
        json_key(w, "paid_by_period");
        json_put_bool(w, p->paid_otherwise);
        json_key(w, "dearest_model");
        json_put_bool(w, p->guessed);
        put_u64(w, "unsold", p->unsold);
        put_u64(w, "unpriced", p->unpriced);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_parts(const struct bench_dry_run *d, struct json_writer *w)
{
    json_key(w, "parts");
    json_begin_array(w);
    for (size_t i = 0; i < d->part_count; i++) {
        json_begin_object(w);
        put_string(w, "run", d->parts[i].label);
        put_u64(w, "requests", d->parts[i].requests);
        json_key(w, "duration_s");
        json_put_statistic(w, d->parts[i].span_s);
        json_key(w, "usage_usd");
        if (d->plan_count)
            json_put_money(w, d->parts[i].cost);
        else
            json_put_null(w);
        json_end_object(w);
    }
    json_end_array(w);
}

void bench_dry_run_write(const struct bench_dry_run *d, struct buffer *out)
{
    static const char *const runs[] = {"exact", "at_most", "first"},
                             *const requests[] = {"exact", "at_most", "each_pass"},
                             *const spans[] = {"to_last_arrival", "at_most", "at_least", "unknown"};
    struct json_writer w;
    json_write_init(&w, out, 2);
    json_begin_object(&w);
    json_key(&w, "dry_run");
    json_put_bool(&w, true);
    put_string(&w, "load", d->load);
    put_u64(&w, "runs", d->part_count);
    put_string(&w, "runs_are", runs[d->runs_are]);
    put_u64(&w, "requests", d->requests);
    put_string(&w, "requests_are", requests[d->requests_are]);
    put_u64(&w, "not_due", d->not_due);
    put_u64(&w, "begun_anew", d->anew);
    put_u64(&w, "input_tokens", d->input_tokens);
    put_u64(&w, "output_tokens", d->output_tokens);
    json_key(&w, "duration_s");
    json_put_statistic(&w, d->span_is == DRY_SPAN_UNKNOWN ? NAN : d->span_s);
    put_string(&w, "duration_is", spans[d->span_is]);
    json_pair_statistic(&w, "first_due_s", d->first_s);
    json_key(&w, "steady_rate_from_s");
    json_put_statistic(&w, d->steady_rate_from_s);
    json_key(&w, "probe");
    json_put_bool(&w, d->probes);
    put_endpoints(d, &w);
    put_plans(d, &w);
    json_key(&w, "over_max_cost");
    json_put_bool(&w, over_budget(d));
    put_parts(d, &w);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}
