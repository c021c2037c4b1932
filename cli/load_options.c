#include "cli/load_options.h"

#include "workloads/load/request_rate.h"

#include <math.h>
#include <string.h>

#define MOST_RPS 1e7
#define MOST_SLOTS 1e6

static int read_arrival(const struct load_options *o, const struct load_use *use,
                        struct rate_load *out, struct error *err)
{
    bool shaped = o->burstiness != 1; /* run.json gives the default too */
    int kind = shaped ? ARRIVAL_GAMMA : ARRIVAL_POISSON;
    bool to_come = use->search || (use->sweep && strncmp(use->sweep, "rate=", 5) == 0);
    if (!o->rate && !to_come && (o->arrival || shaped))
        return error_set(err, ERR_INPUT, "--arrival and --burstiness are about arrivals at --rate");
    if (o->arrival && strcmp(o->arrival, "scenario") == 0) {
        if (use->source && !workload_source_generates(use->source))
            return error_set(err, ERR_INPUT,
                             "--arrival scenario: a trace has no process of its own; leave --rate "
                             "out for its own times (--speed makes them faster)");
        if (use->source && use->source->transforms.count)
            return error_set(err, ERR_INPUT,
                             "--arrival scenario and --transform: transform the scenario first "
                             "(farebox workload gen, workload transform)");
        out->own_arrivals = true;
        kind = ARRIVAL_POISSON;
    } else if (o->arrival) {
        kind = arrival_process_from_name(o->arrival);
    }
    if (kind < 0)
        return error_set(err, ERR_INPUT,
                         "--arrival %.40s: expected poisson, constant, gamma or scenario",
                         o->arrival);
    if (shaped && (kind != ARRIVAL_GAMMA || out->own_arrivals))
        return error_set(err, ERR_INPUT,
                         "--burstiness is the shape of gamma arrivals: --arrival %.40s has none",
                         o->arrival);
    out->arrivals = (enum arrival_process)kind;
    out->burstiness = o->burstiness;
    return 0;
}

/* A transform of the arrivals' rate would have no effect beside --rate. */
static int check_transforms(const struct workload_source *source, struct error *err)
{
    for (size_t i = 0; source && i < source->transforms.count; i++)
        if (strncmp(source->transforms.items[i], "rate=", 5) == 0)
            return error_set(err, ERR_INPUT,
                             "--transform %.40s: --rate says how often requests come; leave one of "
                             "the two out",
                             source->transforms.items[i]);
    return 0;
}

/* The highest value of a load. */
static double peak(const struct profile *p)
{
    double most = 0;
    for (size_t i = 0; i < p->count; i++)
        most = fmax(most, fmax(p->stages[i].from, p->stages[i].to));
    return most;
}

/* What is wrong with a load is told with its option. */
static int parse_load(const char *option, const char *text, struct profile *out, struct error *err)
{
    struct error why = {0};
    if (profile_parse(text, out, &why) < 0)
        return error_set(err, ERR_INPUT, "--%s: %s", option, why.message);
    return 0;
}

static int read_rate(const char *text, struct profile *out, struct error *err)
{
    if (parse_load("rate", text, out, err) < 0)
        return ERR_INPUT;
    if (peak(out) <= MOST_RPS)
        return 0;
    profile_free(out);
    return error_set(err, ERR_INPUT,
                     "--rate %.40s: expected a number above 0, at most %s requests per second, or "
                     "stages of that such as 10:30s,10-50:60s",
                     text, TEXT_SHORT(MOST_RPS, 6));
}

int load_options_one_rate(const char *rate, double *rps, struct error *err)
{
    struct profile load;
    if (read_rate(rate, &load, err) < 0)
        return ERR_INPUT;
    bool held = profile_end_ns(&load) == TIME_NEVER;
    *rps = profile_value(&load, 0);
    profile_free(&load);
    return held ? 0 : error_set(err, ERR_INPUT, "--rate %.40s: expected one rate", rate);
}

int rate_load_read(const struct load_options *o, const struct load_use *use, struct rate_load *out,
                   struct error *err)
{
    *out = (struct rate_load){0};
    if (read_arrival(o, use, out, err) < 0)
        return ERR_INPUT;
    if (!o->rate)
        return 0;
    if (check_transforms(use->source, err) < 0 || read_rate(o->rate, &out->load, err) < 0)
        return ERR_INPUT;
    if (!out->own_arrivals || profile_end_ns(&out->load) == TIME_NEVER)
        return 0;
    rate_load_free(out);
    return error_set(err, ERR_INPUT,
                     "--rate %.40s: --arrival scenario takes one rate, the mean of the scenario's "
                     "own arrivals",
                     o->rate);
}

static int read_slots(const char *text, struct profile *out, struct error *err)
{
    uint64_t count;
    if (options_parse_count(text, &count))
        profile_hold(out, (double)count);
    else if (parse_load("concurrency", text, out, err) < 0)
        return ERR_INPUT;
    if (profile_has_burst(out))
        return error_set(err, ERR_INPUT, "a burst is a load of --rate: a closed loop has none");
    if (peak(out) >= 1 && peak(out) <= MOST_SLOTS)
        return 0;
    return error_set(err, ERR_INPUT,
                     "--concurrency %.40s is out of range: expected 1 to %s requests at a time, or "
                     "stages of that such as 8:30s,8-64:60s",
                     text, TEXT_SHORT(MOST_SLOTS, 6));
}

/* What does not go together. */
int load_options_check(const struct load_options *o, struct error *err)
{
    if (o->rate && o->concurrency)
        return error_set(err, ERR_INPUT,
                         "--rate is an open loop and --concurrency a closed one: choose one "
                         "(--max-in-flight caps an open loop)");
    if ((o->rate || o->concurrency) && o->speed != 1)
        return error_set(err, ERR_INPUT,
                         "--speed is for the workload's own times: leave out --rate and "
                         "--concurrency");
    if (o->concurrency && o->max_in_flight)
        return error_set(err, ERR_INPUT,
                         "--max-in-flight is for open loops: --concurrency is the cap already");
    return 0;
}

/* A scenario is generated at the rate; for a trace the schedule draws the arrivals. Nothing becomes
 * due after the last stage of either. */
static void set_schedule(const struct load_options *o, const struct load_use *use,
                         const struct rate_load *l, struct schedule_config *s)
{
    s->speed = o->speed;
    s->max_requests = o->requests;
    s->max_in_flight = (uint32_t)o->max_in_flight;
    s->duration_ns = o->duration_ns > 0 ? o->duration_ns : TIME_NEVER;
    s->arrivals = l->arrivals;
    s->burstiness = l->burstiness;
    if (o->rate && profile_end_ns(&l->load) < s->duration_ns)
        s->duration_ns = profile_end_ns(&l->load);
    if (o->concurrency) {
        s->mode = SCHEDULE_CLOSED;
        s->load = l->slots;
    } else if (o->rate && !rate_is_generated(l, use->source)) {
        s->mode = SCHEDULE_OPEN;
        s->load = l->load;
    }
}

int load_options_read(const struct load_options *o, const struct load_use *use,
                      struct rate_load *out, struct schedule_config *schedule, struct error *err)
{
    *out = (struct rate_load){0};
    if (load_options_check(o, err) < 0 || rate_load_read(o, use, out, err) < 0)
        return ERR_INPUT;
    if (o->concurrency && read_slots(o->concurrency, &out->slots, err) < 0) {
        rate_load_free(out);
        return ERR_INPUT;
    }
    set_schedule(o, use, out, schedule);
    return 0;
}

void rate_load_free(struct rate_load *l)
{
    profile_free(&l->load);
    profile_free(&l->slots);
}

bool rate_is_generated(const struct rate_load *l, const struct workload_source *source)
{
    return l->load.count && workload_source_generates(source) && source->transforms.count == 0;
}

void rate_load_apply(const struct rate_load *l, uint64_t arrival_seed, struct generate_options *out)
{
    out->load = l->load.count ? &l->load : NULL;
    out->arrivals = l->arrivals;
    out->burstiness = l->burstiness;
    out->own_arrivals = l->own_arrivals;
    out->arrival_seed = arrival_seed;
}

/* Requests by the load's end or the duration; 0 where neither ends. */
static double expected_by(const struct rate_load *l, int64_t duration_ns)
{
    int64_t end_ns = l->load.count ? profile_end_ns(&l->load) : TIME_NEVER;
    if (duration_ns > 0 && duration_ns < end_ns)
        end_ns = duration_ns;
    return l->load.count && end_ns != TIME_NEVER ? profile_sum(&l->load, end_ns) : 0;
}

void rate_load_warn(const struct rate_load *l, const struct workload_source *source,
                    const struct workload *w, int64_t duration_ns, const struct terminal *t)
{
    char holds[TEXT_GROUPED_SIZE];
    double expected = expected_by(l, duration_ns);
    if (!(expected > 1.05 * (double)w->count) || rate_is_generated(l, source) || !w->after_start)
        return;
    warn(t,
         "the load ends early: it asks for about %s requests, the workload holds %s and is not "
         "begun anew where its requests wait for each other",
         TEXT_SHORT(expected, 4), text_group_u64(w->count, holds));
}

bool rate_is_steady(const char *rate, const char *arrival)
{
    return rate && !(arrival && strcmp(arrival, "scenario") == 0);
}

/* 0 where neither the load nor the duration ends. */
static uint64_t requests_for(const struct rate_load *l, int64_t duration_ns)
{
    double expected = expected_by(l, duration_ns);
    if (!(expected > 0))
        return 0;
    return (uint64_t)fmin(1.1 * expected + 5 * sqrt(expected) + 10, 4e9);
}

double rate_ramp_s(const struct workload *w, double answer_ms)
{
    int64_t answer_ns = answer_ms > 0 && answer_ms < 1e12 ? llround(answer_ms * 1e6) : 0;
    return (double)rate_ramp_ns(w, answer_ns) / 1e9;
}

/* When the last session begins: of a generated workload it is known, else it is when the load has
 * asked for all that there is. */
static int64_t last_session_ns(const struct rate_run *r)
{
    bool anew = !r->workload->after_start; /* and so without end, but for what was asked for */
    uint64_t rows = r->workload->count;
    int64_t end_ns = profile_end_ns(&r->load->load);
    if (r->generated)
        return workload_span_ns(r->workload);
    if (r->duration_ns > 0 && r->duration_ns < end_ns)
        end_ns = r->duration_ns;
    if (r->requests && (anew || r->requests < rows))
        rows = r->requests;
    else if (anew && end_ns != TIME_NEVER)
        return end_ns;
    int64_t all_ns = profile_when_sum(&r->load->load, (double)rows);
    return all_ns < end_ns ? all_ns : end_ns;
}

void rate_run_steady(const void *rate_run, double answer_ms, double *from_s, double *until_s)
{
    const struct rate_run *r = rate_run;
    *from_s = rate_ramp_s(r->workload, answer_ms);
    *until_s = (double)last_session_ns(r) / 1e9;
}

void load_limits(const struct load_options *o, const struct rate_load *l,
                 const struct workload_source *source, uint64_t arrival_seed,
                 struct generate_options *out)
{
    *out = (struct generate_options){.requests = o->requests};
    if (rate_is_generated(l, source))
        rate_load_apply(l, arrival_seed, out);
    else if (o->rate && o->requests == 0)
        out->requests = requests_for(l, o->duration_ns);
    if (!o->concurrency && (!o->rate || rate_is_generated(l, source)))
        out->duration_s = (double)o->duration_ns / 1e9;
}
