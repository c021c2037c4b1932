#include "sim/fleet/tabulate.h"

#include "core/memory.h"
#include "sim/plan/capacity.h"
#include "sim/plan/fleet.h"

#include <math.h>
#include <stdlib.h>

/* ---- capacities ---- */

struct mix_workloads {
    struct workload all[CAPACITY_SEEDS];
    const struct workload *list[CAPACITY_SEEDS];
    size_t count;
};

static int make_workloads(const struct fleet_plan *p, size_t mix, struct mix_workloads *m,
                          struct error *err)
{
    for (m->count = 0; m->count < p->options->seeds;) {
        size_t i = m->count++;
        workload_init(&m->all[i]);
        m->list[i] = &m->all[i];
        if (fleet_mix_workload(&p->demand, mix, i, p->options->seeds, &m->all[i], err) < 0)
            return err->code;
    }
    return 0;
}

static void free_workloads(struct mix_workloads *m)
{
    for (size_t i = 0; i < m->count; i++)
        workload_free(&m->all[i]);
    free(m);
}

static int find_one(const struct fleet_plan *p, const struct mix_workloads *m,
                    const struct slo_list *slos, size_t offer, struct fleet_capacity *out,
                    struct error *err)
{
    const struct fleet_options *o = p->options;
    struct capacity c;
    struct capacity_options how = {.engine = &o->terms->offers[offer].engine,
                                   .workloads = m->list,
                                   .workload_count = m->count,
                                   .slos = slos,
                                   .goodput = o->goodput,
                                   .seed = o->seed,
                                   .seeds = o->seeds,
                                   .requests = o->requests,
                                   .rate_only = true};
    if (capacity_find(&how, &c, err) < 0)
        return err->code;
    out->unbounded = c.unbounded;
    out->rate_rps = !c.attainable ? 0 : c.unbounded ? c.tried_rps : c.rate_rps;
    out->in_flight = c.knee.in_flight;
    return 0;
}

int fleet_tabulate(const struct fleet_plan *p, double scale,
                   struct fleet_capacity table[COURSE_OFFERS][FLEET_MIXES], struct error *err)
{
    struct slo_list slos = *p->options->slos;
    int status = 0;
    for (size_t i = 0; i < slos.count; i++)
        slos.items[i].limit_ms *= scale;
    for (size_t mix = 0; mix < p->mixes.count && status == 0; mix++) {
        struct mix_workloads *m = mem_zero(1, sizeof *m);
        status = p->mixes.requests[mix] > 0 ? make_workloads(p, mix, m, err) : 0;
        for (size_t o = 0; o < p->options->terms->offer_count && m->count > 0 && status == 0; o++)
            status = find_one(p, m, &slos, o, &table[o][mix], err);
        free_workloads(m);
    }
    return status;
}

/* ---- the problem ---- */

/* Millionths of a request that a replica takes in a slot. */
static uint64_t slot_micro(const struct fleet_plan *p, const struct fleet_capacity *c)
{
    double requests = c->rate_rps * (1 - p->options->headroom) * (double)p->demand.slot_ns / 1e9;
    return requests < 1e12 ? (uint64_t)(requests * COURSE_MICRO) : (uint64_t)1e18;
}

static void set_capacities(const struct fleet_plan *p, const struct fleet_view *view,
                           struct fleet_capacity table[COURSE_OFFERS][FLEET_MIXES],
                           struct fleet_problem *out)
{
    size_t offers = out->p.offer_count;
    for (size_t t = 0; t < view->count; t++)
        for (size_t o = 0; o < offers; o++)
            out->capacity_micro[t * offers + o] =
                slot_micro(p, &table[o][view->demand->mix[view->from + t]]);
}

/* Replicas of an offer that could be of use in some slot: all of its requests. */
static uint32_t most_of_use(const struct fleet_problem *out, size_t offer)
{
    uint64_t most = 0;
    for (size_t t = 0; t < out->p.slot_count; t++) {
        uint64_t each = out->capacity_micro[t * out->p.offer_count + offer];
        money_magnitude all = (money_magnitude)out->p.slots[t].demand * COURSE_MICRO;
        uint64_t n = each > 0 ? (uint64_t)((all + each - 1) / each) : 0;
        most = n > most ? n : most;
    }
    return most < FLEET_MOST ? (uint32_t)most : FLEET_MOST;
}

static uint32_t lost_in_slot(const struct fleet_interruption *i, int64_t from_ns, int64_t to_ns)
{
    uint32_t lost = 0;
    for (size_t k = 0; k < i->count; k++)
        if (i->spans[k].from_ns < to_ns && i->spans[k].to_ns > from_ns &&
            i->spans[k].replicas > lost)
            lost = i->spans[k].replicas;
    return lost;
}

/* The first scenario is that in which nothing is interrupted. Returns the most that are lost of
 * those of which not all are. */
static uint32_t set_lost(const struct fleet_terms *terms, struct fleet_problem *out)
{
    struct course_problem *p = &out->p;
    uint32_t most = 0;
    if (terms->interruption_count == 0)
        return 0;
    p->scenario_count = terms->interruption_count + 1;
    out->lost = mem_zero(p->scenario_count * p->slot_count, sizeof *out->lost);
    p->lost = out->lost;
    for (size_t s = 1; s < p->scenario_count; s++)
        for (size_t t = 0; t < p->slot_count; t++) {
            int64_t from_ns = (int64_t)t * p->slot_ns;
            uint32_t lost =
                lost_in_slot(&terms->interruptions[s - 1], from_ns, from_ns + p->slot_ns);
            out->lost[s * p->slot_count + t] = lost;
            most = lost != UINT32_MAX && lost > most ? lost : most;
        }
    return most;
}

static int set_offers(const struct fleet_terms *terms, struct fleet_problem *out, struct error *err)
{
    uint32_t lost = set_lost(terms, out);
    for (size_t o = 0; o < terms->offer_count; o++) {
        const struct fleet_offer *from = &terms->offers[o];
        struct course_offer *to = &out->offers[o];
        *to = (struct course_offer){.unit_ns = from->unit_ns,
                                    .start_ns = from->start_ns,
                                    .spot = from->spot,
                                    .most = most_of_use(out, o) + (from->spot ? lost : 0)};
        if (from->most > 0 && to->most > from->most)
            to->most = from->most;
        if (fleet_offer_unit_usd(from, &to->unit_usd) < 0)
            return error_set(err, ERR_INPUT, "--offer %s: its price is too large", from->name);
    }
    for (size_t c = 0; c < terms->commitment_count; c++) {
        const struct fleet_commitment *from = &terms->commitments[c];
        uint32_t use = most_of_use(out, from->offer);
        out->commitments[c].offer = from->offer;
        out->commitments[c].most = from->most > 0 && from->most < use ? from->most : use;
        if (fleet_commitment_usd(terms, from, (int64_t)out->p.slot_count * out->p.slot_ns,
                                 &out->commitments[c].cash) < 0)
            return error_set(err, ERR_INPUT, "--commit: the price of %s is too large",
                             terms->offers[from->offer].name);
    }
    return 0;
}

int fleet_problem_make(const struct fleet_plan *p, const struct fleet_view *view,
                       struct fleet_capacity table[COURSE_OFFERS][FLEET_MIXES],
                       struct fleet_problem *out, struct error *err)
{
    const struct fleet_terms *terms = p->options->terms;
    size_t cells = view->count * terms->offer_count;
    *out = (struct fleet_problem){.p = {.offer_count = terms->offer_count,
                                        .commitment_count = terms->commitment_count,
                                        .slots = view->demand->slots + view->from,
                                        .slot_count = view->count,
                                        .slot_ns = view->demand->slot_ns,
                                        .can_spill = p->options->spill != NULL}};
    out->p.offers = out->offers;
    out->p.commitments = out->commitments;
    out->capacity_micro = mem_zero(cells, sizeof *out->capacity_micro);
    out->least = mem_zero(cells, sizeof *out->least);
    out->p.capacity_micro = out->capacity_micro;
    out->p.least = out->least;
    set_capacities(p, view, table, out);
    return set_offers(terms, out, err);
}

void fleet_problem_free(struct fleet_problem *p)
{
    free(p->capacity_micro);
    free(p->lost);
    free(p->least);
}
