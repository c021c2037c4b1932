#include "workloads/scenario/generate.h"

#include "core/clock.h"
#include "core/heap.h"
#include "core/memory.h"
#include "core/stop.h"
#include "workloads/scenario/generate_session.h"
#include "workloads/scenario/session_rate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LAST_START_S ((double)TIME_LAST_DUE / 1e9)

/* Where sessions come from: the scenario's arrivals, or those of one class. */
struct source {
    struct arrival_stream stream;
    struct load_arrivals *load; /* instead of the stream; NULL */
    size_t class_number;        /* SIZE_MAX: chosen by weight */
    int64_t next_ns;            /* TIME_NEVER: over */
};

struct generator {
    const struct scenario *scenario;
    uint64_t seed;
    struct generate_options options;
    struct class_table *tables;
    struct length choice; /* 1 … class_count by weight */
    bool has_choice;
    bool name_sessions;
    struct source *sources; /* never moved: streams are not to be */
    struct heap order;      /* of the sources by their next arrival */
    size_t source_count;
    double per_session;        /* requests, on average; 0 without a load */
    struct load_arrivals load; /* in sessions */
    uint64_t session;          /* number of the next one */
    uint64_t requests;         /* made so far */
    struct session_maker maker;
};

/* How long arrivals in stages last; INFINITY where they do not end. */
static double arrival_length_s(const struct arrival *a)
{
    double length_s = 0;
    if (!a->stages || a->repeat)
        return INFINITY;
    for (size_t i = 0; i < a->stage_count; i++)
        length_s += a->stages[i].duration_s;
    return length_s;
}

/* How long all arrivals of the scenario last. */
static double scenario_length_s(const struct scenario *s)
{
    double length_s = s->has_arrival ? arrival_length_s(&s->arrival) : 0;
    for (size_t i = 0; i < s->class_count; i++)
        if (s->classes[i].has_arrival)
            length_s = fmax(length_s, arrival_length_s(&s->classes[i].arrival));
    return length_s;
}

/* The options with the scenario's own extent where none was given. */
static int settle_extent(const struct scenario *s, struct generate_options *o, struct error *err)
{
    bool given =
        o->requests > 0 || o->duration_s > 0 || (o->load && profile_end_ns(o->load) != TIME_NEVER);
    if (!given) {
        double length_s = scenario_length_s(s);
        o->requests = s->requests;
        o->duration_s = s->duration_s;
        given = o->requests > 0 || o->duration_s > 0 || (s->class_count && isfinite(length_s));
        if (o->load && !o->requests && !(o->duration_s > 0) && given)
            o->duration_s = length_s; /* arrivals at a rate do not end with the stages */
    }
    if (o->shards == 0)
        o->shards = 1;
    if (o->shard >= o->shards)
        return error_set(err, ERR_INPUT, "shard %u of %u does not exist", o->shard + 1, o->shards);
    if (!given)
        return error_set(err, ERR_INPUT,
                         "scenario \"%s\" never ends: say how many requests or how "
                         "long",
                         s->name);
    return 0;
}

/* True if all sessions come by one process, at a load, whatever arrivals the scenario has. */
static bool is_loaded(const struct generator *g)
{
    return g->options.load && !g->options.own_arrivals;
}

static void make_choice(struct generator *g)
{
    const struct scenario *s = g->scenario;
    double *values = mem_alloc(s->class_count * sizeof *values);
    double *weights = mem_alloc(s->class_count * sizeof *weights);
    double sum = 0;
    for (size_t i = 0; i < s->class_count; i++) {
        values[i] = (double)i;
        weights[i] = is_loaded(g)                ? scenario_class_sessions_rps(s, i)
                     : s->classes[i].has_arrival ? 0
                                                 : s->classes[i].weight;
        sum += weights[i];
    }
    g->has_choice = sum > 0;
    if (g->has_choice)
        g->choice = length_from_weights(values, weights, s->class_count);
    free(values);
    free(weights);
}

static void find_next(struct source *source)
{
    double at_s;
    if (source->load)
        source->next_ns = load_arrivals_next(source->load);
    else if (arrival_next(&source->stream, &at_s) && at_s < LAST_START_S)
        source->next_ns = llround(at_s * 1e9);
    else
        source->next_ns = TIME_NEVER;
}

/* All sessions from one process; how often they begin follows from how many requests they have. */
static void make_loaded_source(struct generator *g)
{
    const struct generate_options *o = &g->options;
    load_arrivals_begin(&g->load, o->load, g->per_session, o->arrivals, o->burstiness,
                        o->arrival_seed);
    g->sources[0].load = &g->load;
    g->sources[0].class_number = SIZE_MAX;
    find_next(&g->sources[0]);
    g->source_count = 1;
}

/* Sources: number 0 is the scenario's own, number i + 1 that of class i. */
static void make_sources(struct generator *g)
{
    const struct scenario *s = g->scenario;
    const struct profile *load = g->options.load;
    double factor = 1;
    g->sources = mem_zero(s->class_count + 1, sizeof *g->sources);
    if (load)
        g->per_session = scenario_requests_per_session(s);
    if (is_loaded(g)) {
        make_loaded_source(g);
        return;
    }
    if (load)
        factor = profile_value(load, 0) / g->per_session / scenario_sessions_rps(s);
    for (size_t i = 0; i <= s->class_count; i++) {
        const struct arrival *law = i == 0 ? &s->arrival : &s->classes[i - 1].arrival;
        if (!(i == 0 ? s->has_arrival : s->classes[i - 1].has_arrival))
            continue;
        struct source *source = &g->sources[g->source_count++];
        source->class_number = i == 0 ? SIZE_MAX : i - 1;
        arrival_start(&source->stream, law, factor, load ? g->options.arrival_seed : g->seed, i);
        source->stream.stationary = load != NULL;
        find_next(source);
    }
}

int generator_create(const struct scenario *scenario, uint64_t seed,
                     const struct generate_options *options, struct generator **out,
                     struct error *err)
{
    struct generate_options o = *options;
    if (settle_extent(scenario, &o, err) < 0)
        return ERR_INPUT;
    struct generator *g = mem_zero(1, sizeof *g);
    g->scenario = scenario;
    g->seed = seed;
    g->options = o;
    g->tables = mem_zero(scenario->class_count, sizeof *g->tables);
    for (size_t i = 0; i < scenario->class_count; i++) {
        class_table_make(&g->tables[i], &scenario->classes[i], seed, i);
        g->name_sessions = g->name_sessions || g->tables[i].turns;
    }
    g->maker.context.block_size = g->maker.side.block_size = scenario->block_size;
    g->maker.name_sessions = g->name_sessions;
    make_choice(g);
    make_sources(g);
    for (size_t i = 0; i < g->source_count; i++)
        heap_push(&g->order, g->sources[i].next_ns, i);
    *out = g;
    return 0;
}

void generator_free(struct generator *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->scenario->class_count; i++)
        class_table_free(&g->tables[i]);
    free(g->tables);
    if (g->has_choice)
        length_free(&g->choice);
    load_arrivals_free(&g->load);
    free(g->sources);
    heap_free(&g->order);
    context_free(&g->maker.context);
    context_free(&g->maker.side);
    free(g->maker.joined);
    free(g);
}

double generator_requests_per_session(const struct generator *g)
{
    return g->per_session;
}

/* One session; 1, or 0 at the end of the workload, or an error. */
static int make_session(struct generator *g, struct workload *out, struct error *err)
{
    struct source *source = &g->sources[g->order.entries[0].number];
    int64_t at_ns = source->next_ns;
    uint64_t limit = g->options.requests;
    double until_s = g->options.duration_s > 0 ? g->options.duration_s : LAST_START_S;
    if (limit && g->requests >= limit)
        return 0;
    if (at_ns >= TIME_LAST_DUE && at_ns != TIME_NEVER && g->options.duration_s <= 0)
        return error_set(err, ERR_INPUT,
                         "request %llu would be due after %s years, and a run ends at 100: a "
                         "higher rate, fewer requests, or a duration",
                         (unsigned long long)g->requests + 1,
                         TEXT_SHORT((double)at_ns / (365 * 86400e9), 3));
    if (at_ns == TIME_NEVER || !((double)at_ns < until_s * 1e9))
        return 0;
    struct session_maker *m = &g->maker;
    random_init(&m->random, g->seed, RANDOM_SESSIONS, g->session);
    size_t number = source->class_number;
    if (number == SIZE_MAX)
        number = g->scenario->class_count == 1
                     ? 0
                     : (size_t)length_quantile(&g->choice, random_open_unit(&m->random));
    m->table = &g->tables[number];
    m->key = random_mix(g->seed ^ UINT64_C(0x5e5510), g->session);
    m->session = g->session;
    m->at_ns = at_ns;
    m->out = g->session % g->options.shards == g->options.shard ? out : NULL;
    m->left = limit ? limit - g->requests : UINT64_MAX;
    m->err = err;
    if (session_make(m) < 0)
        return ERR_INPUT;
    g->requests += m->made;
    g->session++;
    find_next(source);
    heap_delay_first(&g->order, source->next_ns);
    return 1;
}

int generator_fill(struct generator *g, size_t enough, struct workload *out, struct error *err)
{
    size_t first = out->count;
    int more = 1;
    if (g->scenario->has_start && !out->has_start) {
        out->has_start = true;
        out->start_unix_ns = g->scenario->start_unix_ns;
    }
    while (more > 0 && out->count - first < enough)
        more = stop_level() > 0
                   ? error_set(err, ERR_INTERRUPTED, "interrupted: no workload was made")
                   : make_session(g, out, err);
    return more;
}

int workload_generate(const struct scenario *scenario, uint64_t seed,
                      const struct generate_options *options, struct workload *out,
                      struct error *err)
{
    struct generator *g;
    if (generator_create(scenario, seed, options, &g, err) < 0)
        return ERR_INPUT;
    int status = generator_fill(g, SIZE_MAX, out, err);
    generator_free(g);
    if (!out->name && scenario->name)
        out->name = mem_copy_string(scenario->name);
    return status;
}
