#include "sim/fleet/course.h"

#include "core/memory.h"
#include "core/stop.h"
#include "sim/fleet/course_offer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define JOINT_SLOTS 4000000 /* states of all offers together, over all slots: 32 bytes each */
#define WORK 3000000000u    /* steps looked at: some seconds */

/* What a course comes to from a slot on, over all scenarios together; the less, the better. Cash of
 * MONEY_MAX: it cannot be. */
struct worth {
    money cash;
    uint64_t spilled, slots;
};

static const struct worth nowhere = {MONEY_MAX, 0, 0};

struct search {
    const struct course_problem *p;
    struct course_states states[COURSE_OFFERS];
    size_t stride[COURSE_OFFERS], joint;
    size_t scenarios; /* at least 1 */
    uint32_t committed[COURSE_COMMITMENTS];
    struct worth *after, *within; /* of one slot */
    bool overflow;
};

static bool is_possible(const struct worth *w)
{
    return w->cash != MONEY_MAX;
}

static int compare(const struct worth *a, const struct worth *b)
{
    if (a->cash != b->cash)
        return a->cash < b->cash ? -1 : 1;
    if (a->spilled != b->spilled)
        return a->spilled < b->spilled ? -1 : 1;
    return a->slots < b->slots ? -1 : a->slots > b->slots;
}

/* ---- a slot ---- */

uint64_t course_lacks(const struct course_problem *p, const uint32_t *replicas,
                      const uint32_t *committed, size_t t, size_t s)
{
    uint32_t lost = p->lost ? p->lost[s * p->slot_count + t] : 0;
    money_magnitude serves = 0;
    for (size_t o = 0; o < p->offer_count; o++) {
        uint32_t n = replicas[o];
        if (p->offers[o].spot)
            n = n > lost ? n - lost : 0;
        for (size_t c = 0; c < p->commitment_count; c++)
            n += p->commitments[c].offer == o ? committed[c] : 0;
        serves += (money_magnitude)n * p->capacity_micro[t * p->offer_count + o];
    }
    serves /= COURSE_MICRO;
    return serves >= p->slots[t].demand ? 0 : p->slots[t].demand - (uint64_t)serves;
}

static bool is_allowed(const struct search *s, const uint32_t *replicas, size_t t)
{
    const struct course_problem *p = s->p;
    const uint32_t *least = p->least ? p->least + t * p->offer_count : NULL;
    for (size_t o = 0; least && o < p->offer_count; o++)
        if (p->fixed ? replicas[o] != least[o] : replicas[o] < least[o])
            return false;
    return true;
}

/* What a slot with so many replicas takes beside their units. */
static struct worth slot_worth(struct search *s, const uint32_t *replicas, size_t t)
{
    const struct course_problem *p = s->p;
    const struct course_slot *slot = &p->slots[t];
    struct worth w = {0, 0, 0};
    if (!is_allowed(s, replicas, t))
        return nowhere;
    for (size_t k = 0; k < s->scenarios; k++) {
        money usd = 0;
        uint64_t lacks = course_lacks(p, replicas, s->committed, t, k);
        if (lacks > 0 && !p->can_spill && !p->fixed)
            return nowhere;
        if (lacks > 0 && p->can_spill &&
            (money_prorate(slot->spill_usd, lacks, slot->demand, &usd) < 0 ||
             money_add(w.cash, usd, &w.cash) < 0))
            s->overflow = true;
        w.spilled += lacks;
    }
    for (size_t o = 0; o < p->offer_count; o++)
        w.slots += replicas[o];
    return w;
}

static void add_worth(struct search *s, struct worth *w, const struct worth *more)
{
    if (!is_possible(w) || !is_possible(more)) {
        *w = nowhere;
        return;
    }
    if (money_add(w->cash, more->cash, &w->cash) < 0)
        s->overflow = true;
    w->spilled += more->spilled;
    w->slots += more->slots;
}

static struct worth step_worth(struct search *s, size_t o, const struct course_step *step)
{
    struct worth w = {0, 0, 0};
    if (money_multiply(s->p->offers[o].unit_usd, (uint64_t)step->units * s->scenarios, &w.cash) < 0)
        s->overflow = true;
    return w;
}

static void replicas_of(const struct search *s, size_t joint, uint32_t *replicas)
{
    for (size_t o = 0; o < s->p->offer_count; o++)
        replicas[o] = s->states[o].replicas[joint / s->stride[o] % s->states[o].count];
}

/* ---- from the last slot back ---- */

/* The best over one offer's steps; the states of the others stay as they are. */
static void step_back(struct search *s, size_t o, const struct worth *from, struct worth *to)
{
    const struct course_states *states = &s->states[o];
    for (size_t j = 0; j < s->joint; j++) {
        size_t mine = j / s->stride[o] % states->count, base = j - mine * s->stride[o];
        to[j] = nowhere;
        for (size_t k = states->first[mine]; k < states->first[mine + 1]; k++) {
            const struct course_step *step = &states->steps[k];
            struct worth w = from[base + step->to * s->stride[o]];
            if (!is_possible(&w))
                continue;
            struct worth more = step_worth(s, o, step);
            add_worth(s, &w, &more);
            if (compare(&w, &to[j]) < 0)
                to[j] = w;
        }
    }
}

/* `next`: from slot t + 1 on; `now`: from slot t on, by the state before it. */
static void slot_back(struct search *s, size_t t, const struct worth *next, struct worth *now)
{
    uint32_t replicas[COURSE_OFFERS];
    for (size_t j = 0; j < s->joint; j++) {
        replicas_of(s, j, replicas);
        s->after[j] = slot_worth(s, replicas, t);
        add_worth(s, &s->after[j], &next[j]);
    }
    for (size_t o = 0; o < s->p->offer_count; o++) {
        step_back(s, o, s->after, s->within);
        struct worth *swap = s->after;
        s->after = s->within;
        s->within = swap;
    }
    memcpy(now, s->after, s->joint * sizeof *now);
}

/* With the commitments of s: what all slots come to. `all` has the worths of every slot, the last
 * row of them zero. */
static struct worth search_back(struct search *s, struct worth *all)
{
    struct worth whole;
    for (size_t t = s->p->slot_count; t-- > 0 && !s->overflow && !stop_level();)
        slot_back(s, t, all + (t + 1) * s->joint, all + t * s->joint);
    whole = all[0];
    for (size_t c = 0; c < s->p->commitment_count; c++) {
        struct worth w = {0, 0, 0};
        if (money_multiply(s->p->commitments[c].cash, s->committed[c] * s->scenarios, &w.cash) < 0)
            s->overflow = true;
        add_worth(s, &whole, &w);
    }
    return whole;
}

/* The next of all numbers of commitments, the last one fastest; false behind the last. */
static bool next_commitments(struct search *s)
{
    for (size_t c = s->p->commitment_count; c-- > 0;) {
        if (s->committed[c]++ < s->p->commitments[c].most)
            return true;
        s->committed[c] = 0;
    }
    return false;
}

static struct worth find_best(struct search *s, struct worth *all)
{
    struct worth best = nowhere;
    uint32_t chosen[COURSE_COMMITMENTS] = {0};
    memcpy(s->committed, s->p->committed, sizeof s->committed);
    do {
        struct worth w = search_back(s, all);
        if (compare(&w, &best) < 0) {
            best = w;
            memcpy(chosen, s->committed, sizeof chosen);
        }
    } while (!s->p->fixed && next_commitments(s));
    memcpy(s->committed, chosen, sizeof chosen);
    if (s->p->commitment_count > 0 && is_possible(&best))
        search_back(s, all);
    return best;
}

/* ---- the course itself ---- */

/* A state in which the best course may be after a slot, and how it got there. */
struct place {
    size_t joint;
    uint32_t replicas[COURSE_OFFERS];
    uint64_t units[COURSE_OFFERS], starts[COURSE_OFFERS];
};

struct places {
    struct place *items;
    size_t count, capacity;
};

static int compare_replicas(const struct search *s, const uint32_t *a, const uint32_t *b)
{
    for (size_t o = 0; o < s->p->offer_count; o++)
        if (a[o] != b[o])
            return a[o] < b[o] ? -1 : 1;
    return 0;
}

/* Keeps only places of the fewest replicas, each state once. */
static void keep_place(const struct search *s, struct places *to, const struct place *x)
{
    int order = to->count ? compare_replicas(s, x->replicas, to->items[0].replicas) : 0;
    if (order > 0)
        return;
    if (order < 0)
        to->count = 0;
    for (size_t i = 0; i < to->count; i++)
        if (to->items[i].joint == x->joint)
            return;
    mem_grow(&to->items, &to->capacity, to->count + 1, sizeof *to->items);
    to->items[to->count++] = *x;
}

/* A slot ahead: from `from`, what was best from slot t on must be what the steps and slot t + 1
 * come to. */
struct ahead {
    struct search *s;
    size_t t;
    const struct worth *now, *next;
    struct places *to;
};

static void look_ahead(struct ahead *a, size_t o, const struct place *from, struct worth paid,
                       struct place x)
{
    struct search *s = a->s;
    if (o == s->p->offer_count) {
        struct worth w = slot_worth(s, x.replicas, a->t);
        add_worth(s, &w, &a->next[x.joint]);
        add_worth(s, &w, &paid);
        if (is_possible(&w) && compare(&w, &a->now[from->joint]) == 0)
            keep_place(s, a->to, &x);
        return;
    }
    const struct course_states *states = &s->states[o];
    size_t mine = from->joint / s->stride[o] % states->count;
    for (size_t k = states->first[mine]; k < states->first[mine + 1]; k++) {
        const struct course_step *step = &states->steps[k];
        struct place y = x;
        struct worth w = step_worth(s, o, step);
        add_worth(s, &w, &paid);
        y.joint += (step->to - mine) * s->stride[o];
        y.replicas[o] = states->replicas[step->to];
        y.units[o] += step->units;
        y.starts[o] += step->starts;
        look_ahead(a, o + 1, from, w, y);
    }
}

static void follow(struct search *s, const struct worth *all, struct course *out)
{
    const struct course_problem *p = s->p;
    struct places here = {0}, there = {0};
    struct place start = {0};
    keep_place(s, &here, &start);
    for (size_t t = 0; t < p->slot_count; t++) {
        struct ahead a = {s, t, all + t * s->joint, all + (t + 1) * s->joint, &there};
        there.count = 0;
        for (size_t i = 0; i < here.count; i++)
            look_ahead(&a, 0, &here.items[i], (struct worth){0, 0, 0}, here.items[i]);
        struct places swap = here;
        here = there;
        there = swap;
        memcpy(out->replicas + t * p->offer_count, here.items[0].replicas,
               p->offer_count * sizeof *out->replicas);
    }
    memcpy(out->units, here.items[0].units, sizeof out->units);
    memcpy(out->starts, here.items[0].starts, sizeof out->starts);
    free(here.items);
    free(there.items);
}

static void fill_course(struct search *s, const struct worth *best, struct course *out)
{
    const struct course_problem *p = s->p;
    money spill = best->cash, part;
    memcpy(out->committed, s->committed, sizeof out->committed);
    out->spilled_sum = best->spilled;
    out->replica_slots = best->slots;
    for (size_t o = 0; o < p->offer_count; o++) {
        money_multiply(p->offers[o].unit_usd, out->units[o], &part);
        out->units_usd += part;
    }
    for (size_t c = 0; c < p->commitment_count; c++) {
        money_multiply(p->commitments[c].cash, out->committed[c], &part);
        out->commitments_usd += part;
    }
    spill -= (out->units_usd + out->commitments_usd) * (money)s->scenarios;
    money_prorate(spill, 1, s->scenarios, &out->spill_usd);
    out->cash = out->units_usd + out->commitments_usd + out->spill_usd;
    struct course_problem calm = *p;
    calm.lost = NULL;
    for (size_t t = 0; t < p->slot_count; t++)
        out->spilled[t] =
            course_lacks(&calm, out->replicas + t * p->offer_count, out->committed, t, 0);
}

/* ---- the whole ---- */

static bool serves_nobody(const struct course_problem *p, size_t t)
{
    for (size_t o = 0; o < p->offer_count; o++)
        if (p->capacity_micro[t * p->offer_count + o] > 0)
            return false;
    return true;
}

static int say_lacks(const struct course_problem *p, size_t t, uint64_t lacks, struct error *err)
{
    static const char api[] = "an API to spill over to (--spill PLAN) would take them";
    if (serves_nobody(p, t))
        return error_set(err, ERR_WORK,
                         "no fleet serves slot %zu: no offer meets the objectives at any rate for "
                         "its %" PRIu64 " requests; %s",
                         t + 1, p->slots[t].demand, api);
    return error_set(err, ERR_WORK,
                     "no fleet serves slot %zu: of its %" PRIu64 " requests %" PRIu64
                     " find no room beside as many replicas as there may be%s; %s",
                     t + 1, p->slots[t].demand, lacks,
                     p->lost ? ", in one of the interruptions" : "", api);
}

static int fail_to_serve(const struct search *s, struct error *err)
{
    const struct course_problem *p = s->p;
    uint32_t most[COURSE_OFFERS], committed[COURSE_COMMITMENTS];
    for (size_t o = 0; o < p->offer_count; o++)
        most[o] = p->offers[o].most;
    for (size_t c = 0; c < p->commitment_count; c++)
        committed[c] = p->commitments[c].most;
    for (size_t t = 0; t < p->slot_count; t++)
        for (size_t k = 0; k < s->scenarios; k++) {
            uint64_t lacks = course_lacks(p, most, committed, t, k);
            if (lacks > 0)
                return say_lacks(p, t, lacks, err);
        }
    return error_set(err, ERR_WORK, "no fleet has as many replicas as are asked for");
}

/* Sets the strides. */
static int check_size(struct search *s, struct error *err)
{
    const struct course_problem *p = s->p;
    money_magnitude steps = 10 * s->scenarios, work;
    s->joint = 1;
    for (size_t o = 0; o < p->offer_count && s->joint < JOINT_SLOTS; o++) {
        s->stride[o] = s->joint;
        s->joint *= s->states[o].count;
        steps += s->states[o].step_count / s->states[o].count + 1;
    }
    work = steps * s->joint * p->slot_count;
    for (size_t c = 0; c < p->commitment_count && !p->fixed && work < WORK; c++)
        work *= p->commitments[c].most + (money_magnitude)1;
    if (s->joint < JOINT_SLOTS / (p->slot_count + 1) && work < WORK)
        return 0;
    return error_set(err, ERR_INPUT,
                     "%zu offers and %zu commitments over %zu slots are more states than can be "
                     "searched: fewer offers, fewer replicas (most:N) or longer slots make them "
                     "fewer",
                     p->offer_count, p->commitment_count, p->slot_count);
}

static int search_all(struct search *s, struct course *out, struct error *err)
{
    const struct course_problem *p = s->p;
    struct worth *all = mem_zero((p->slot_count + 1) * s->joint, sizeof *all);
    s->after = mem_alloc(s->joint * sizeof *s->after);
    s->within = mem_alloc(s->joint * sizeof *s->within);
    struct worth best = find_best(s, all);
    int status = 0;
    if (stop_level())
        status = error_set(err, ERR_INTERRUPTED, "interrupted");
    else if (s->overflow)
        status = error_set(err, ERR_WORK, "the fleet's cash passes what can be counted exactly");
    else if (!is_possible(&best))
        status = fail_to_serve(s, err);
    else {
        follow(s, all, out);
        fill_course(s, &best, out);
    }
    free(all);
    free(s->after);
    free(s->within);
    return status;
}

int course_find(const struct course_problem *p, struct course *out, struct error *err)
{
    struct search s = {.p = p, .scenarios = p->lost ? p->scenario_count : 1};
    int status = 0;
    *out = (struct course){0};
    out->replicas = mem_zero(p->slot_count * p->offer_count, sizeof *out->replicas);
    out->spilled = mem_zero(p->slot_count, sizeof *out->spilled);
    for (size_t o = 0; o < p->offer_count && status == 0; o++)
        status = course_states_make(&p->offers[o], p->slot_ns, &s.states[o], err);
    if (status == 0)
        status = check_size(&s, err);
    if (status == 0)
        status = search_all(&s, out, err);
    for (size_t o = 0; o < p->offer_count; o++)
        course_states_free(&s.states[o]);
    if (status < 0)
        course_free(out);
    return status;
}

void course_free(struct course *c)
{
    free(c->replicas);
    free(c->spilled);
    *c = (struct course){0};
}
