#include "sim/plan/trial.h"

#include "core/memory.h"
#include "core/runs/compare/sustained.h"
#include "core/runs/summary/collector.h"
#include "sim/simulate.h"
#include "workloads/model/workload_pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_SPANS 20 /* a simulation lasts at least so many unloaded service times */
#define TELLING_SPANS                                                                    \
    10           /* in so many, at a rate that is sustained, the first answers have left \
                  */
#define MUCH 0.2 /* more than a batch that fills leaves unanswered */
#define REQUESTS_MAX 200000

/* Watches a simulation: the summary's collector, the delays, and requests in flight within the
 * window. */
struct watch {
    struct collector *collector;
    struct sustained_log log;
    int64_t from_ns, to_ns;
    double busy_s; /* Σ time in flight within the window */
};

static bool on_attempt(void *context, const struct record *r)
{
    struct watch *w = context;
    collector_add(w->collector, r);
    sustained_add(&w->log, r);
    if (r->sent_ns == TIME_NEVER || r->done_ns == TIME_NEVER)
        return true;
    int64_t from = r->sent_ns > w->from_ns ? r->sent_ns : w->from_ns;
    int64_t to = r->done_ns < w->to_ns ? r->done_ns : w->to_ns;
    if (to > from)
        w->busy_s += (double)(to - from) / 1e9;
    return true;
}

static uint64_t requests_for(const struct capacity_options *o, const struct trial_load *load,
                             double rate_rps)
{
    double spans = SERVICE_SPANS * rate_rps * load->service_s;
    uint64_t count = o->requests;
    if (spans > (double)count)
        count = spans < REQUESTS_MAX ? (uint64_t)spans : REQUESTS_MAX;
    return count;
}

static bool has_parents(const struct workload *w)
{
    return w->after_start && w->after_start[w->count] > 0;
}

/* The load at a rate: how many requests, over how long. */
static void set_open(const struct capacity_options *o, const struct trial_load *load,
                     double rate_rps, struct simulate_options *s, struct watch *watch)
{
    const struct workload *w = load->workload;
    uint64_t count = requests_for(o, load, rate_rps);
    double span_s = (double)count / rate_rps, warmup = 0.1;
    s->schedule.mode = SCHEDULE_OPEN;
    s->schedule.arrivals = o->arrivals;
    s->schedule.burstiness = o->burstiness > 0 ? o->burstiness : 1;
    if (has_parents(w)) {
        count = count < w->count ? count : w->count;
        span_s = (double)count / rate_rps; /* in which all sessions begin */
        s->schedule.duration_ns = llround(span_s * 1e9);
        warmup = 0.25;
    }
    s->schedule.max_requests = count;
    watch->from_ns = llround(span_s * warmup * 1e9);
    watch->to_ns = llround(span_s * 1e9);
}

/* Where many are still unanswered as the arrivals end, the last answers become quick again, or so
 * few have left that their drift is not known: then the share that was served tells λ/μ − 1. Not of
 * turns: their number at once rises to the end of a workload that is not begun anew. */
static double end_drift(const struct trial_load *load, const struct sustained *s, double span_s)
{
    double short_by = NAN;
    if (!has_parents(load->workload) && span_s >= TELLING_SPANS * load->service_s)
        short_by = 1 / s->served - 1;
    if (!s->end.supported)
        return short_by;
    return short_by > MUCH ? fmax(s->end.rate, short_by) : s->end.rate;
}

static void fill(const struct capacity_options *o, const struct trial_load *load, double rate_rps,
                 const struct summary *s, struct watch *watch, struct trial_result *out)
{
    struct sustained sustained;
    double span_s = (double)(watch->to_ns - watch->from_ns) / 1e9;
    sustained_judge(&watch->log, watch->from_ns, &sustained);
    load_point_fill(&out->point, rate_rps, false, s);
    out->point.in_flight = rate_rps > 0 ? watch->busy_s / span_s : 1;
    out->point.served = sustained.served;
    out->point.growth = 0;
    out->duration_s = s->duration_s;
    out->goodput_all = s->all.goodput_fraction;
    for (size_t i = 0; i < o->slos->count; i++)
        out->p99_ms[i] = s->window.metrics[o->slos->items[i].metric].p99;
    out->measured_rps = rate_rps > 0 ? (double)s->window.requests / span_s : NAN;
    out->start_drift = sustained.start.rate;
    out->end_drift = end_drift(load, &sustained, span_s);
}

static int simulate(const struct capacity_options *o, const struct trial_load *load,
                    double rate_rps, struct trial_result *out, struct error *err)
{
    struct simulate_options s;
    struct simulate_report report;
    struct summary summary;
    struct watch watch = {.collector = collector_create()};
    struct run_observer observer = {&watch, on_attempt};
    struct summary_options so = {
        .command = "sim", .load = "open", .slos = *o->slos, .no_intervals = true};
    *out = (struct trial_result){0};
    simulate_options_init(&s);
    s.engine = *o->engine;
    s.engine.replicas = engine_config_unit(o->engine);
    s.engine.autoscale.metric = AUTOSCALE_NONE; /* how many are needed is the question */
    s.seed = load->seed;
    s.no_chunks = true;
    s.schedule.mode = SCHEDULE_CLOSED;
    s.schedule.max_requests = o->requests;
    profile_hold(&s.schedule.load, rate_rps > 0 ? rate_rps : 1);
    if (rate_rps > 0) {
        set_open(o, load, rate_rps, &s, &watch);
        so.warmup = WARMUP_GIVEN;
        so.warmup_ns = watch.from_ns;
    }
    int status = simulate_run(load->workload, &s, &observer, &report, err);
    if (status == 0 && report.end == SIMULATE_INTERRUPTED)
        status = error_set(err, ERR_INTERRUPTED, "interrupted");
    if (status == 0) {
        collector_summarize(watch.collector, &so, &summary);
        fill(o, load, rate_rps, &summary, &watch, out);
        out->engine = report.engine;
        summary_free(&summary);
    }
    profile_free(&s.schedule.load);
    sustained_free(&watch.log);
    collector_free(watch.collector);
    return status;
}

/* ---- as a task ---- */

/* Zeroed first: questions are compared byte by byte. */
struct question {
    struct engine_config engine;
    struct slo_list slos;
    double burstiness, service_s, rate_rps;
    uint64_t seed, requests, workload;
    enum arrival_process arrivals;
};

static void put_question(const struct capacity_options *o, const struct trial_load *load,
                         double rate_rps, struct buffer *out)
{
    struct question q;
    memset(&q, 0, sizeof q);
    memcpy(&q.engine, o->engine, sizeof q.engine);
    memcpy(&q.slos, o->slos, sizeof q.slos);
    q.burstiness = o->burstiness;
    q.service_s = load->service_s;
    q.rate_rps = rate_rps;
    q.seed = load->seed;
    q.requests = o->requests;
    q.arrivals = o->arrivals;
    while (o->workloads[q.workload] != load->workload)
        q.workload++;
    buffer_init(out, BUFFER_UNBOUNDED);
    pack_value(out, q);
}

static int answer(const void *context, struct unpack *question, const char *directory,
                  struct buffer *out, struct error *err)
{
    const struct capacity_workloads *all = context;
    struct question q;
    struct trial_result r;
    (void)directory;
    unpack_value(question, q);
    if (question->broken || q.workload >= all->count)
        return error_set(err, ERR_WORK, "a trial's question did not come whole");
    struct capacity_options o = {.engine = &q.engine,
                                 .slos = &q.slos,
                                 .requests = q.requests,
                                 .arrivals = q.arrivals,
                                 .burstiness = q.burstiness};
    struct trial_load load = {all->list[q.workload], q.seed, q.service_s};
    if (simulate(&o, &load, q.rate_rps, &r, err) < 0)
        return err->code;
    pack_value(out, r);
    return 0;
}

int trial_run(const struct capacity_options *o, const struct trial_load *load, double rate_rps,
              struct trial_result *out, struct error *err)
{
    struct buffer question, bytes;
    if (!o->trials)
        return simulate(o, load, rate_rps, out, err);
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    put_question(o, load, rate_rps, &question);
    int status = tasks_get(o->trials, &question, NULL, &bytes, err);
    struct unpack u = unpack_of(&bytes);
    unpack_value(&u, *out);
    if (status == 0 && u.broken)
        status = error_set(err, ERR_WORK, "a trial's answer did not come whole");
    buffer_free(&question);
    buffer_free(&bytes);
    return status;
}

void trial_want(const struct capacity_options *o, const struct trial_load *load, double rate_rps)
{
    struct buffer question;
    if (!o->trials || !tasks_are_shared(o->trials))
        return;
    put_question(o, load, rate_rps, &question);
    tasks_want(o->trials, &question, NULL);
    buffer_free(&question);
}

void trial_forget(const struct capacity_options *o)
{
    if (o->trials)
        tasks_forget(o->trials);
}

/* ---- the workloads, for other processes ---- */

struct own_workloads {
    struct capacity_workloads shared; /* first: it is the context */
    struct workload *of;
    const struct workload **list;
};

static void pack(const void *context, struct buffer *out)
{
    const struct capacity_workloads *all = context;
    uint64_t count = all->count;
    pack_value(out, count);
    for (size_t i = 0; i < count; i++)
        workload_pack(all->list[i], out);
}

static void release(void *context)
{
    struct own_workloads *own = context;
    for (size_t i = 0; i < own->shared.count; i++)
        workload_free(&own->of[i]);
    free(own->of);
    free(own->list);
    free(own);
}

static void *unpack(struct unpack *bytes)
{
    struct own_workloads *own = mem_zero(1, sizeof *own);
    uint64_t count;
    unpack_value(bytes, count);
    own->shared.count = count <= CAPACITY_SEEDS ? (size_t)count : 0;
    own->of = mem_zero(own->shared.count + 1, sizeof *own->of);
    own->list = mem_zero(own->shared.count + 1, sizeof *own->list);
    own->shared.list = own->list;
    for (size_t i = 0; i < own->shared.count; i++) {
        workload_init(&own->of[i]);
        own->list[i] = &own->of[i];
    }
    for (size_t i = 0; i < own->shared.count; i++)
        workload_unpack(bytes, &own->of[i]);
    if (!bytes->broken && count == own->shared.count)
        return own;
    release(own);
    return NULL;
}

const struct task_kind capacity_trials = {
    .name = "trial", .pack = pack, .unpack = unpack, .release = release, .run = answer};
