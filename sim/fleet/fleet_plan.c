#include "sim/fleet/fleet_plan.h"

#include "core/memory.h"
#include "sim/fleet/tabulate.h"
#include "sim/plan/fleet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS (86400 * NS_PER_S)
#define TARGET_UNKNOWN 100 /* requests in a replica, where no rate is known at which it misses */

static const double scales[FLEET_CURVE] = {0.5, 0.7, 1, 1.4, 2};

const char *fleet_way_name(enum fleet_way way)
{
    static const char *const names[FLEET_WAYS] = {"foresight", "last_period", "reactive"};
    return names[way];
}

static void say(const struct fleet_plan *p, const char *what)
{
    if (p->options->on_step)
        p->options->on_step(p->options->context, what);
}

/* ---- a course that holds when it is replayed ---- */

/* Of a view: the problem, its course and what came of it. */
struct solving {
    struct fleet_plan *p;
    struct fleet_view view;
    struct fleet_problem problem;
    uint64_t *tabulated; /* capacities that are replayed: those of the table */
    struct course course;
    struct fleet_replay replay;
    uint32_t *added;
    size_t rounds;
};

static uint32_t replicas_in(const struct solving *s, size_t t, size_t offer)
{
    const struct course_problem *p = &s->problem.p;
    uint32_t n = s->course.replicas[t * p->offer_count + offer];
    for (size_t c = 0; c < p->commitment_count; c++)
        n += p->commitments[c].offer == offer ? s->course.committed[c] : 0;
    return n;
}

/* The offer that takes most of the slot and may have one more; offer_count = none. */
static size_t offer_to_grow(const struct solving *s, size_t t)
{
    const struct course_problem *p = &s->problem.p;
    size_t best = p->offer_count;
    double most = 0;
    for (size_t o = 0; o < p->offer_count; o++) {
        uint32_t limit = s->p->options->terms->offers[o].most;
        uint32_t own = s->course.replicas[t * p->offer_count + o];
        double takes =
            (double)replicas_in(s, t, o) * (double)p->capacity_micro[t * p->offer_count + o];
        if (takes > most && (limit == 0 || own < limit)) {
            best = o;
            most = takes;
        }
    }
    return best;
}

/* One more replica in slot t, for as many requests as before. False where there can be none. */
static bool grow(struct solving *s, size_t t)
{
    struct course_problem *p = &s->problem.p;
    size_t offer = offer_to_grow(s, t);
    uint64_t all = 0;
    if (offer == p->offer_count)
        return false;
    uint32_t *least = &s->problem.least[t * p->offer_count + offer];
    *least = s->course.replicas[t * p->offer_count + offer] + 1;
    if (*least > s->problem.offers[offer].most)
        s->problem.offers[offer].most = *least;
    for (size_t o = 0; o < p->offer_count; o++)
        all += replicas_in(s, t, o);
    for (size_t o = 0; o < p->offer_count; o++) {
        uint64_t *micro = &s->problem.capacity_micro[t * p->offer_count + o];
        *micro = (uint64_t)((money_magnitude)*micro * all / (all + 1));
    }
    s->added[t]++;
    return true;
}

static bool grow_missed(struct solving *s)
{
    bool grown = false;
    for (size_t t = 0; t < s->view.count; t++)
        if (!fleet_hour_holds(&s->replay.hours[t], s->p->options->goodput))
            grown |= grow(s, t);
    return grown;
}

static struct fleet_replaying how_to_replay(const struct solving *s)
{
    const struct fleet_options *o = s->p->options;
    return (struct fleet_replaying){o->terms, o->slos, o->seed, s->tabulated};
}

static int begin_solving(struct solving *s, struct error *err)
{
    size_t cells = s->view.count * s->p->options->terms->offer_count;
    s->added = mem_zero(s->view.count, sizeof *s->added);
    if (fleet_problem_make(s->p, &s->view, s->p->table, &s->problem, err) < 0)
        return err->code;
    s->tabulated = mem_alloc(cells * sizeof *s->tabulated);
    memcpy(s->tabulated, s->problem.capacity_micro, cells * sizeof *s->tabulated);
    return 0;
}

static int find_and_replay(struct solving *s, struct error *err)
{
    struct fleet_replaying how = how_to_replay(s);
    course_free(&s->course);
    fleet_replay_free(&s->replay);
    s->rounds++;
    if (course_find(&s->problem.p, &s->course, err) < 0)
        return err->code;
    if (!s->problem.p.can_spill)
        memset(s->course.spilled, 0, s->view.count * sizeof *s->course.spilled);
    return fleet_replay_course(&how, &s->view, &s->course, &s->replay, err);
}

static int solve(struct solving *s, struct error *err)
{
    if (begin_solving(s, err) < 0)
        return err->code;
    do {
        if (find_and_replay(s, err) < 0)
            return err->code;
    } while (s->rounds < FLEET_ROUNDS && grow_missed(s));
    return 0;
}

static void end_solving(struct solving *s)
{
    fleet_problem_free(&s->problem);
    course_free(&s->course);
    fleet_replay_free(&s->replay);
    free(s->tabulated);
    free(s->added);
}

/* ---- figures ---- */

static void count_replay(const struct fleet_plan *p, const struct fleet_replay *r, size_t slots,
                         struct fleet_figure *out)
{
    out->known = true;
    out->due = r->due;
    out->met = r->met;
    out->spilled = r->spilled;
    out->unserved = r->unserved;
    for (size_t t = 0; t < slots; t++)
        out->missed_hours += !fleet_hour_holds(&r->hours[t], p->options->goodput);
}

static void fill_figure(const struct solving *s, struct fleet_figure *out)
{
    const struct course_problem *p = &s->problem.p;
    const struct course *c = &s->course;
    *out = (struct fleet_figure){.cash = c->cash,
                                 .replicas_usd = c->units_usd,
                                 .commitments_usd = c->commitments_usd,
                                 .spill_usd = c->spill_usd};
    for (size_t o = 0; o < p->offer_count; o++)
        out->replica_hours += (double)c->units[o] * (double)p->offers[o].unit_ns / 3.6e12;
    for (size_t i = 0; i < p->commitment_count; i++)
        out->replica_hours += c->committed[i] * (double)p->slot_count * (double)p->slot_ns / 3.6e12;
    for (size_t t = 0; t < p->slot_count; t++) {
        uint32_t all = 0;
        for (size_t o = 0; o < p->offer_count; o++)
            all += replicas_in(s, t, o);
        out->most = all > out->most ? all : out->most;
    }
    count_replay(s->p, &s->replay, s->view.count, out);
}

/* ---- the three ways, on what is held out ---- */

static int figure_foresight(struct fleet_plan *p, struct fleet_view held, struct error *err)
{
    struct solving s = {.p = p, .view = held};
    int status = solve(&s, err);
    if (status == 0)
        fill_figure(&s, &p->figures[FLEET_FORESIGHT]);
    end_solving(&s);
    return status;
}

/* The course of an earlier time, hour by hour, whatever comes. */
static int figure_schedule(struct fleet_plan *p, struct fleet_view held, const struct course *c,
                           size_t slots, struct error *err)
{
    struct solving s = {.p = p, .view = held};
    size_t offers = p->options->terms->offer_count;
    int status = begin_solving(&s, err);
    s.problem.p.fixed = true;
    memcpy(s.problem.p.committed, c->committed, sizeof c->committed);
    for (size_t t = 0; t < held.count && status == 0; t++)
        for (size_t o = 0; o < offers; o++) {
            uint32_t n = c->replicas[t % slots * offers + o];
            s.problem.least[t * offers + o] = n;
            if (n > s.problem.offers[o].most)
                s.problem.offers[o].most = n;
        }
    if (status == 0)
        status = find_and_replay(&s, err);
    if (status == 0)
        fill_figure(&s, &p->figures[FLEET_LAST]);
    end_solving(&s);
    return status;
}

static int figure_last(struct fleet_plan *p, struct fleet_view held, struct error *err)
{
    if (p->drawn)
        return figure_schedule(p, held, &p->course, p->demand.slot_count, err);
    struct solving s = {.p = p,
                        .view = {&p->demand, p->held_from - p->period_slots, p->period_slots}};
    int status = solve(&s, err);
    if (status == 0)
        status = figure_schedule(p, held, &s.course, p->period_slots, err);
    end_solving(&s);
    return status;
}

static size_t main_mix(const struct fleet_plan *p)
{
    size_t best = 0;
    for (size_t i = 1; i < p->mixes.count; i++)
        if (p->mixes.requests[i] > p->mixes.requests[best])
            best = i;
    return best;
}

/* The cheapest for what it sustains; one that is not spot, if there is one. */
static void choose_reactive(struct fleet_plan *p)
{
    const struct fleet_terms *terms = p->options->terms;
    size_t mix = main_mix(p);
    double best = INFINITY;
    for (int spot = 0; spot < 2 && !isfinite(best); spot++)
        for (size_t o = 0; o < terms->offer_count; o++) {
            double each = money_to_double(terms->offers[o].hour) / p->table[o][mix].rate_rps;
            if (terms->offers[o].spot != spot || !(each < best))
                continue;
            best = each;
            p->reactive_offer = o;
        }
}

/* Autoscaled by `target` requests in a replica. */
static int scale_reactively(struct fleet_plan *p, struct fleet_view view, double target,
                            struct fleet_figure *out, struct error *err)
{
    struct solving s = {.p = p, .view = view};
    int status = begin_solving(&s, err);
    *out = (struct fleet_figure){.known = true};
    if (status == 0) {
        struct fleet_replaying how = how_to_replay(&s);
        const struct course_offer *o = &s.problem.offers[p->reactive_offer];
        double each = (double)s.tabulated[p->reactive_offer] / COURSE_MICRO;
        uint32_t limit = p->options->terms->offers[p->reactive_offer].most;
        uint32_t most = limit ? limit : 2 * (o->most ? o->most : 1);
        uint64_t first = fleet_replicas((double)s.problem.p.slots[0].demand, each, 0);
        first = first < 1 ? 1 : first > most ? most : first;
        status = fleet_replay_reactive(&how, &view, p->reactive_offer, target, (uint32_t)first,
                                       most, &s.replay, err);
        if (status == 0 && money_multiply(o->unit_usd, s.replay.units, &out->cash) < 0)
            status = error_set(err, ERR_WORK, "the cash of autoscaling does not fit");
        out->replicas_usd = out->cash;
        out->most = s.replay.most;
        out->replica_hours = (double)s.replay.units * (double)o->unit_ns / 3.6e12;
    }
    if (status == 0)
        count_replay(p, &s.replay, view.count, out);
    end_solving(&s);
    return status;
}

/* The target is one of those at which a mix is at its limit: on the earlier time that which misses
 * the fewest slots, and of those the cheapest. */
static int tune_reactive(struct fleet_plan *p, struct fleet_view before, struct error *err)
{
    struct fleet_figure best = {0}, now;
    p->reactive_target = TARGET_UNKNOWN;
    for (size_t i = 0; i < p->mixes.count; i++) {
        double target = p->table[p->reactive_offer][i].in_flight * (1 - p->options->headroom);
        if (p->mixes.requests[i] == 0 || !(target > 0))
            continue;
        target = fmax(target, 1);
        if (scale_reactively(p, before, target, &now, err) < 0)
            return err->code;
        if (best.known && (now.missed_hours > best.missed_hours ||
                           (now.missed_hours == best.missed_hours && now.cash >= best.cash)))
            continue;
        best = now;
        p->reactive_target = target;
    }
    return 0;
}

static int figure_reactive(struct fleet_plan *p, struct fleet_view held, struct error *err)
{
    struct fleet_view before = {&p->demand, 0, p->demand.slot_count};
    if (!p->drawn) {
        before.from = p->held_from - p->period_slots;
        before.count = p->period_slots;
    }
    choose_reactive(p);
    if (tune_reactive(p, before, err) < 0)
        return err->code;
    return scale_reactively(p, held, p->reactive_target, &p->figures[FLEET_REACTIVE], err);
}

/* ---- steps ---- */

static int read_demand(struct fleet_plan *p, const struct workload *w, struct fleet_demand *d,
                       struct error *err)
{
    if (fleet_demand_make(w, p->options->slot_ns, d, err) < 0)
        return err->code;
    return p->options->spill ? fleet_demand_price(d, p->options->spill, err) : 0;
}

/* What is held out: another draw, or the last whole period of a horizon that has two. */
static int hold_out(struct fleet_plan *p, struct error *err)
{
    const struct fleet_options *o = p->options;
    if (o->held_out) {
        p->has_held_out = p->drawn = true;
        if (read_demand(p, o->held_out, &p->other, err) < 0)
            return err->code;
        fleet_mixes_assign(&p->mixes, &p->other);
        p->period_slots = p->other.slot_count;
        return 0;
    }
    for (int64_t days = 7; days > 0 && !p->has_held_out; days -= 6) {
        size_t slots = (size_t)(days * DAY_NS / o->slot_ns);
        if (days * DAY_NS % o->slot_ns || p->demand.slot_count < 2 * slots)
            continue;
        p->has_held_out = true;
        p->period_slots = slots;
        p->held_from = (p->demand.slot_count / slots - 1) * slots;
    }
    return 0;
}

static int plan_horizon(struct fleet_plan *p, struct error *err)
{
    struct solving s = {.p = p, .view = {&p->demand, 0, p->demand.slot_count}};
    say(p, "courses, replayed");
    int status = solve(&s, err);
    if (status == 0) {
        fill_figure(&s, &p->whole);
        p->course = s.course;
        p->replay = s.replay;
        p->added = s.added;
        p->rounds = s.rounds;
        s.course = (struct course){0};
        s.replay = (struct fleet_replay){0};
        s.added = NULL;
    }
    end_solving(&s);
    return status;
}

static int compare_ways(struct fleet_plan *p, struct error *err)
{
    struct fleet_view held = {p->drawn ? &p->other : &p->demand, p->held_from, p->period_slots};
    if (!p->has_held_out)
        return 0;
    say(p, "what is held out");
    if (figure_foresight(p, held, err) < 0 || figure_last(p, held, err) < 0)
        return err->code;
    return figure_reactive(p, held, err);
}

static int price_point(struct fleet_plan *p, struct fleet_point *out, struct error *err)
{
    struct fleet_capacity table[COURSE_OFFERS][FLEET_MIXES] = {{{0}}};
    struct fleet_view view = {&p->demand, 0, p->demand.slot_count};
    struct fleet_problem problem;
    struct course c;
    struct error why = {0};
    if (out->scale == 1)
        memcpy(table, p->table, sizeof table);
    else if (fleet_tabulate(p, out->scale, table, err) < 0)
        return err->code;
    int status = fleet_problem_make(p, &view, table, &problem, err);
    if (status == 0 && course_find(&problem.p, &c, &why) == 0) {
        out->possible = true;
        out->cash = c.cash;
        for (size_t t = 0; t < p->demand.slot_count; t++)
            out->spilled += c.spilled[t];
        course_free(&c);
    } else if (status == 0 && why.code != ERR_WORK) {
        status = error_set(err, why.code, "%s", why.message);
    }
    fleet_problem_free(&problem);
    return status;
}

static int price_objectives(struct fleet_plan *p, struct error *err)
{
    char what[64];
    for (size_t i = 0; i < FLEET_CURVE; i++) {
        p->curve[i].scale = scales[i];
        snprintf(what, sizeof what, "objectives × %g", scales[i]);
        say(p, what);
        if (price_point(p, &p->curve[i], err) < 0)
            return err->code;
    }
    return 0;
}

int fleet_plan_make(const struct fleet_options *o, struct fleet_plan *out, struct error *err)
{
    *out = (struct fleet_plan){.options = o};
    int status = read_demand(out, o->horizon, &out->demand, err);
    if (status == 0) {
        fleet_mixes_make(&out->demand, o->mixes, &out->mixes);
        say(out, "capacities");
        status = fleet_tabulate(out, 1, out->table, err);
    }
    if (status == 0)
        status = hold_out(out, err);
    if (status == 0)
        status = plan_horizon(out, err);
    if (status == 0)
        status = compare_ways(out, err);
    if (status == 0)
        status = price_objectives(out, err);
    if (status < 0)
        fleet_plan_free(out);
    return status;
}

uint32_t fleet_plan_replicas(const struct fleet_plan *p, size_t slot, size_t offer)
{
    const struct fleet_terms *terms = p->options->terms;
    uint32_t n = p->course.replicas[slot * terms->offer_count + offer];
    for (size_t c = 0; c < terms->commitment_count; c++)
        n += terms->commitments[c].offer == offer ? p->course.committed[c] : 0;
    return n;
}

void fleet_plan_free(struct fleet_plan *p)
{
    fleet_demand_free(&p->demand);
    fleet_demand_free(&p->other);
    course_free(&p->course);
    fleet_replay_free(&p->replay);
    free(p->added);
    *p = (struct fleet_plan){0};
}
