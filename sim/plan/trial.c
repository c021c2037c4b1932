#include "sim/plan/trial.h"

#include "sim/simulate.h"

#include <math.h>

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

int trial_run(const struct capacity_options *o, const struct trial_load *load, double rate_rps,
              struct trial_result *out, struct error *err)
{
    struct simulate_options s;
    struct simulate_report report;
    struct watch watch = {.collector = collector_create()};
    struct run_observer observer = {&watch, on_attempt};
    struct summary_options so = {
        .command = "sim", .load = "open", .slos = *o->slos, .no_intervals = true};
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
        collector_summarize(watch.collector, &so, &out->summary);
        sustained_judge(&watch.log, watch.from_ns, &out->sustained);
        out->engine = report.engine;
        out->span_s = (double)(watch.to_ns - watch.from_ns) / 1e9;
        out->end_drift = end_drift(load, &out->sustained, out->span_s);
        out->in_flight = rate_rps > 0 ? watch.busy_s / out->span_s : 1;
        out->measured_rps = rate_rps > 0 ? (double)out->summary.window.requests / out->span_s : NAN;
    }
    profile_free(&s.schedule.load);
    sustained_free(&watch.log);
    collector_free(watch.collector);
    return status;
}
