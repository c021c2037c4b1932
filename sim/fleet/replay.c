#include "sim/fleet/replay.h"

#include "core/memory.h"
#include "core/runs/summary/collector.h"
#include "sim/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPILLS COURSE_OFFERS /* where a request goes that no offer takes */
#define NOWHERE 255

/* ---- who takes which request ---- */

struct sharing {
    const struct fleet_view *view;
    size_t offers;
    uint8_t *place;   /* by row of the workload: an offer, SPILLS or NOWHERE */
    uint8_t *session; /* by session: where its last request went */
};

/* How many of a slot's requests go where, by weights, to `total`: largest remainders, the first
 * offer's of equal ones. */
static void share_out(const double *weights, size_t count, uint64_t total, uint64_t *quota)
{
    double sum = 0, rest[COURSE_OFFERS];
    uint64_t given = 0;
    for (size_t o = 0; o < count; o++)
        sum += weights[o];
    for (size_t o = 0; o < count; o++) {
        double exact = sum > 0 ? (double)total * weights[o] / sum : 0;
        quota[o] = (uint64_t)exact;
        rest[o] = exact - (double)quota[o];
        given += quota[o];
    }
    for (; sum > 0 && given < total; given++) {
        size_t most = 0;
        for (size_t o = 1; o < count; o++)
            if (rest[o] > rest[most])
                most = o;
        quota[most]++;
        rest[most] = -1;
    }
}

/* The place that is furthest behind its share after `at` of `all` requests. */
static size_t behind(const uint64_t *quota, const uint64_t *given, uint64_t at, uint64_t all)
{
    size_t best = NOWHERE;
    double most = 0;
    for (size_t o = 0; o <= SPILLS; o++) {
        double lag = (double)quota[o] * (double)(at + 1) / (double)all - (double)given[o];
        if (given[o] < quota[o] && (best == NOWHERE || lag > most)) {
            best = o;
            most = lag;
        }
    }
    return best;
}

static void share_slot(struct sharing *s, size_t t, const uint64_t quota[SPILLS + 1])
{
    const struct fleet_demand *d = s->view->demand;
    const struct workload *w = d->workload;
    uint64_t given[SPILLS + 1] = {0};
    size_t first = d->first[s->view->from + t], end = d->first[s->view->from + t + 1];
    for (size_t i = first; i < end; i++) {
        uint32_t row = d->order[i];
        uint32_t number = w->session ? w->session[row] : NAME_NONE;
        size_t place = number == NAME_NONE ? NOWHERE : s->session[number];
        if (place == NOWHERE || given[place] >= quota[place])
            place = behind(quota, given, i - first, end - first);
        s->place[row] = (uint8_t)place;
        if (place == NOWHERE)
            continue;
        given[place]++;
        if (number != NAME_NONE)
            s->session[number] = (uint8_t)place;
    }
}

static uint32_t replicas_at(const struct fleet_replaying *how, const struct course *c, size_t t,
                            size_t offer)
{
    uint32_t n = c->replicas[t * how->terms->offer_count + offer];
    for (size_t i = 0; i < how->terms->commitment_count; i++)
        n += how->terms->commitments[i].offer == offer ? c->committed[i] : 0;
    return n;
}

static void share_all(const struct fleet_replaying *how, const struct course *c, struct sharing *s)
{
    size_t offers = how->terms->offer_count;
    for (size_t t = 0; t < s->view->count; t++) {
        uint64_t quota[SPILLS + 1] = {0};
        uint64_t due = s->view->demand->slots[s->view->from + t].demand;
        double weights[COURSE_OFFERS];
        for (size_t o = 0; o < offers; o++) /* what meets at no rate takes the rest */
            weights[o] = (double)replicas_at(how, c, t, o) *
                         ((double)how->capacity_micro[t * offers + o] + 1);
        quota[SPILLS] = c->spilled[t];
        share_out(weights, offers, due - c->spilled[t], quota);
        share_slot(s, t, quota);
    }
}

/* ---- one engine ---- */

struct watch {
    struct collector *collector;
    const struct slo_list *slos;
    const uint32_t *slot; /* by row of the offer's workload */
    struct fleet_hour *hours;
};

static bool on_attempt(void *context, const struct record *r)
{
    struct watch *w = context;
    collector_add(w->collector, r);
    if (collector_last_meets(w->collector, w->slos))
        w->hours[w->slot[r->row]].met++;
    return true;
}

static int simulate(const struct fleet_replaying *how, const struct engine_config *engine,
                    const struct workload *w, const uint32_t *slot, struct fleet_hour *hours,
                    struct simulate_report *report, struct error *err)
{
    struct watch watch = {collector_create(), how->slos, slot, hours};
    struct run_observer observer = {&watch, on_attempt};
    struct simulate_options s;
    simulate_options_init(&s);
    s.engine = *engine;
    s.seed = how->seed;
    s.no_chunks = true;
    int status = simulate_run(w, &s, &observer, report, err);
    if (status == 0 && report->end == SIMULATE_INTERRUPTED)
        status = error_set(err, ERR_INTERRUPTED, "interrupted");
    collector_free(watch.collector);
    return status;
}

/* The requests of one place, by due time from the view's begin; *slot is by row of it. */
static int take_rows(const struct sharing *s, size_t place, struct workload *to, uint32_t **slot,
                     struct error *err)
{
    const struct fleet_demand *d = s->view->demand;
    size_t capacity = 0;
    for (size_t t = 0; t < s->view->count; t++)
        for (size_t i = d->first[s->view->from + t]; i < d->first[s->view->from + t + 1]; i++) {
            struct request r;
            if (s->place[d->order[i]] != place)
                continue;
            fleet_demand_row(d, d->order[i], (int64_t)s->view->from * d->slot_ns, &r);
            mem_grow(slot, &capacity, to->count + 1, sizeof **slot);
            (*slot)[to->count] = (uint32_t)t;
            if (workload_add(to, &r, err) < 0)
                return err->code;
        }
    return 0;
}

/* ---- a schedule ---- */

/* Replicas that must have been begun at an instant: those of its slot, and of all that begin within
 * the cold start. */
static uint32_t begun_at(const struct fleet_replaying *how, const struct fleet_view *view,
                         const struct course *c, size_t offer, int64_t at_ns)
{
    int64_t slot_ns = view->demand->slot_ns;
    int64_t last = (at_ns + how->terms->offers[offer].start_ns) / slot_ns;
    uint32_t most =
        1; /* an engine has one at least; it is asked nothing while the course has none */
    for (int64_t t = at_ns / slot_ns; t <= last && t < (int64_t)view->count; t++) {
        uint32_t n = replicas_at(how, c, (size_t)t, offer);
        most = n > most ? n : most;
    }
    return most;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* A schedule's seconds count from the first request, at `zero_ns`. */
static int set_schedule(const struct fleet_replaying *how, const struct fleet_view *view,
                        const struct course *c, size_t offer, int64_t zero_ns,
                        struct engine_config *e, struct error *err)
{
    struct autoscale_config *a = &e->autoscale;
    int64_t slot_ns = view->demand->slot_ns, start_ns = how->terms->offers[offer].start_ns;
    int64_t *at = mem_alloc(2 * view->count * sizeof *at);
    for (size_t t = 0; t < view->count; t++) {
        at[2 * t] = (int64_t)t * slot_ns;
        at[2 * t + 1] = at[2 * t] - start_ns;
    }
    qsort(at, 2 * view->count, sizeof *at, by_time);
    a->metric = AUTOSCALE_SCHEDULE;
    a->cold_start_s = (double)start_ns / 1e9;
    a->schedule[0] = (struct autoscale_point){0, begun_at(how, view, c, offer, zero_ns)};
    a->schedule_count = 1;
    a->min_replicas = 1;
    a->max_replicas = a->schedule[0].replicas;
    int status = 0;
    for (size_t i = 0; i < 2 * view->count && status == 0; i++) {
        uint32_t n = at[i] > zero_ns ? begun_at(how, view, c, offer, at[i]) : 0;
        if (n == 0 || n == a->schedule[a->schedule_count - 1].replicas)
            continue;
        if (a->schedule_count == AUTOSCALE_SCHEDULE_MOST) {
            status = error_set(err, ERR_INPUT,
                               "the schedule changes more than %d times: longer slots (--slot) "
                               "make it change less often",
                               AUTOSCALE_SCHEDULE_MOST);
            break;
        }
        a->schedule[a->schedule_count++] =
            (struct autoscale_point){(double)(at[i] - zero_ns) / 1e9, n};
        a->max_replicas = n > a->max_replicas ? n : a->max_replicas;
    }
    e->replicas = a->schedule[0].replicas;
    free(at);
    return status;
}

static int replay_offer(const struct fleet_replaying *how, const struct sharing *s,
                        const struct course *c, size_t offer, struct fleet_hour *hours,
                        struct error *err)
{
    struct workload w;
    struct simulate_report report;
    uint32_t *slot = NULL;
    workload_init(&w);
    struct engine_config *e = mem_alloc(sizeof *e);
    *e = how->terms->offers[offer].engine;
    autoscale_config_init(&e->autoscale);
    int status = take_rows(s, offer, &w, &slot, err);
    if (status == 0 && w.count > 0)
        status = set_schedule(how, s->view, c, offer, w.timestamp_ns[0], e, err);
    if (status == 0 && w.count > 0)
        status = simulate(how, e, &w, slot, hours, &report, err);
    free(e);
    free(slot);
    workload_free(&w);
    return status;
}

/* ---- the whole ---- */

static void begin(const struct fleet_view *view, struct fleet_replay *out)
{
    *out = (struct fleet_replay){.hours = mem_zero(view->count, sizeof *out->hours)};
    for (size_t t = 0; t < view->count; t++)
        out->hours[t].due = view->demand->slots[view->from + t].demand;
}

static struct sharing begin_sharing(const struct fleet_replaying *how,
                                    const struct fleet_view *view)
{
    const struct workload *w = view->demand->workload;
    size_t sessions = w->session ? w->sessions.count : 0;
    struct sharing s = {.view = view, .offers = how->terms->offer_count};
    s.place = mem_alloc(w->count + 1);
    s.session = mem_alloc(sessions + 1);
    memset(s.place, NOWHERE, w->count + 1);
    memset(s.session, NOWHERE, sessions + 1);
    return s;
}

static void sum_up(const struct sharing *s, struct fleet_replay *out)
{
    const struct fleet_demand *d = s->view->demand;
    for (size_t t = 0; t < s->view->count; t++) {
        struct fleet_hour *h = &out->hours[t];
        for (size_t i = d->first[s->view->from + t]; i < d->first[s->view->from + t + 1]; i++) {
            h->spilled += s->place[d->order[i]] == SPILLS;
            h->unserved += s->place[d->order[i]] == NOWHERE;
        }
        out->due += h->due;
        out->met += h->met;
        out->spilled += h->spilled;
        out->unserved += h->unserved;
    }
}

static int finish(struct sharing *s, int status, struct fleet_replay *out)
{
    if (status == 0)
        sum_up(s, out);
    else
        fleet_replay_free(out);
    free(s->place);
    free(s->session);
    return status;
}

int fleet_replay_course(const struct fleet_replaying *how, const struct fleet_view *view,
                        const struct course *course, struct fleet_replay *out, struct error *err)
{
    struct sharing s = begin_sharing(how, view);
    int status = 0;
    begin(view, out);
    share_all(how, course, &s);
    for (size_t o = 0; o < s.offers && status == 0; o++)
        status = replay_offer(how, &s, course, o, out->hours, err);
    return finish(&s, status, out);
}

int fleet_replay_reactive(const struct fleet_replaying *how, const struct fleet_view *view,
                          size_t offer, double target, uint32_t first, uint32_t most,
                          struct fleet_replay *out, struct error *err)
{
    const struct fleet_offer *o = &how->terms->offers[offer];
    const struct fleet_demand *d = view->demand;
    struct sharing s = begin_sharing(how, view);
    struct simulate_report report;
    struct workload w;
    uint32_t *slot = NULL;
    workload_init(&w);
    begin(view, out);
    for (size_t i = d->first[view->from]; i < d->first[view->from + view->count]; i++)
        s.place[d->order[i]] = (uint8_t)offer;
    struct engine_config *e = mem_alloc(sizeof *e);
    *e = o->engine;
    autoscale_config_init(&e->autoscale);
    e->autoscale.metric = AUTOSCALE_CONCURRENCY;
    e->autoscale.target = target;
    e->autoscale.cold_start_s = (double)o->start_ns / 1e9;
    e->autoscale.billing_unit_s = (double)o->unit_ns / 1e9;
    e->autoscale.max_replicas = most;
    e->replicas = first;
    int status = take_rows(&s, offer, &w, &slot, err);
    if (status == 0 && w.count > 0)
        status = simulate(how, e, &w, slot, out->hours, &report, err);
    if (status == 0 && w.count > 0) {
        out->units = report.engine.billed_units;
        out->most = report.engine.replicas_most;
    }
    free(e);
    free(slot);
    workload_free(&w);
    return finish(&s, status, out);
}

void fleet_replay_free(struct fleet_replay *r)
{
    free(r->hours);
    *r = (struct fleet_replay){0};
}

bool fleet_hour_holds(const struct fleet_hour *h, double goodput)
{
    return (double)(h->met + h->spilled) >= goodput * (double)h->due - 1e-9;
}
