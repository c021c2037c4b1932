#include "sim/fleet/fleet_plan.h"

#include <math.h>

static double hours(int64_t ns)
{
    return (double)ns / 3.6e12;
}

static void write_table(const struct fleet_plan *p, size_t offer, struct json_writer *w)
{
    json_key(w, "capacity");
    json_begin_array(w);
    for (size_t m = 0; m < p->mixes.count; m++) {
        if (p->mixes.requests[m] == 0)
            continue;
        json_begin_object(w);
        json_pair_u64(w, "mix", m);
        json_pair_statistic(w, "rate_rps", p->table[offer][m].rate_rps);
        json_pair_bool(w, "at_least", p->table[offer][m].unbounded);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_offers(const struct fleet_plan *p, struct json_writer *w)
{
    const struct fleet_terms *terms = p->options->terms;
    json_key(w, "offers");
    json_begin_array(w);
    for (size_t o = 0; o < terms->offer_count; o++) {
        const struct fleet_offer *x = &terms->offers[o];
        json_begin_object(w);
        json_pair_string(w, "offer", x->name);
        json_pair_u64(w, "gpus", x->gpus);
        json_pair_money(w, "replica_hour_usd", x->hour);
        json_pair_double(w, "unit_s", (double)x->unit_ns / 1e9);
        json_pair_double(w, "start_s", (double)x->start_ns / 1e9);
        json_pair_bool(w, "spot", x->spot);
        json_pair_known_u64(w, "most", x->most > 0, x->most);
        json_pair_u64(w, "units", p->course.units[o]);
        json_pair_u64(w, "starts", p->course.starts[o]);
        write_table(p, o, w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_commitments(const struct fleet_plan *p, struct json_writer *w)
{
    const struct fleet_terms *terms = p->options->terms;
    json_key(w, "commitments");
    json_begin_array(w);
    for (size_t c = 0; c < terms->commitment_count; c++) {
        const struct fleet_commitment *x = &terms->commitments[c];
        json_begin_object(w);
        json_pair_string(w, "offer", terms->offers[x->offer].name);
        json_pair_double(w, "discount_percent", (double)x->off_millionths / 1e4);
        json_pair_double(w, "term_s", (double)x->term_ns / 1e9);
        json_pair_u64(w, "replicas", p->course.committed[c]);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_mixes(const struct fleet_plan *p, struct json_writer *w)
{
    json_key(w, "mixes");
    json_begin_array(w);
    for (size_t m = 0; m < p->mixes.count; m++) {
        if (p->mixes.requests[m] == 0)
            continue;
        json_begin_object(w);
        json_pair_u64(w, "mix", m);
        json_pair_u64(w, "slots", p->mixes.slots[m]);
        json_pair_u64(w, "requests", p->mixes.requests[m]);
        json_pair_statistic(w, "input_tokens", p->mixes.input[m]);
        json_pair_statistic(w, "output_tokens", p->mixes.output[m]);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_replicas(const struct fleet_plan *p, size_t t, struct json_writer *w)
{
    json_key(w, "replicas");
    json_begin_array(w);
    for (size_t o = 0; o < p->options->terms->offer_count; o++)
        json_put_u64(w, fleet_plan_replicas(p, t, o));
    json_end_array(w);
}

static void write_slots(const struct fleet_plan *p, struct json_writer *w)
{
    json_key(w, "slots");
    json_begin_array(w);
    for (size_t t = 0; t < p->demand.slot_count; t++) {
        const struct fleet_hour *h = &p->replay.hours[t];
        json_begin_object(w);
        json_pair_double(w, "from_h", hours((int64_t)t * p->demand.slot_ns));
        json_pair_u64(w, "requests", h->due);
        json_pair_u64(w, "mix", p->demand.mix[t]);
        write_replicas(p, t, w);
        json_pair_u64(w, "added", p->added[t]);
        json_pair_u64(w, "spilled", h->spilled);
        json_pair_u64(w, "met", h->met);
        json_pair_statistic(w, "goodput_fraction",
                            h->due > 0 ? (double)(h->met + h->spilled) / (double)h->due : NAN);
        json_pair_bool(w, "misses", !fleet_hour_holds(h, p->options->goodput));
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_figure(const struct fleet_figure *f, struct json_writer *w)
{
    json_pair_money(w, "cash_usd", f->cash);
    json_pair_money(w, "replicas_usd", f->replicas_usd);
    json_pair_money(w, "commitments_usd", f->commitments_usd);
    json_pair_money(w, "spill_usd", f->spill_usd);
    json_pair_double(w, "replica_hours", f->replica_hours);
    json_pair_u64(w, "replicas_most", f->most);
    json_pair_u64(w, "requests", f->due);
    json_pair_u64(w, "met", f->met);
    json_pair_u64(w, "spilled", f->spilled);
    json_pair_u64(w, "unserved", f->unserved);
    json_pair_u64(w, "missed_slots", f->missed_hours);
}

static void write_ways(const struct fleet_plan *p, struct json_writer *w)
{
    json_key(w, "held_out");
    if (!p->has_held_out) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_pair_string(w, "is", p->drawn ? "another draw" : "the end of the workload");
    json_pair_double(w, "from_h", hours((int64_t)p->held_from * p->demand.slot_ns));
    json_pair_u64(w, "slots", p->period_slots);
    json_pair_string(w, "autoscaled_offer", p->options->terms->offers[p->reactive_offer].name);
    json_pair_statistic(w, "autoscaled_target", p->reactive_target);
    for (enum fleet_way way = 0; way < FLEET_WAYS; way++) {
        json_key(w, fleet_way_name(way));
        json_begin_object(w);
        write_figure(&p->figures[way], w);
        json_end_object(w);
    }
    json_end_object(w);
}

static void write_curve(const struct fleet_plan *p, struct json_writer *w)
{
    json_key(w, "objective_curve");
    json_begin_array(w);
    for (size_t i = 0; i < FLEET_CURVE; i++) {
        json_begin_object(w);
        json_pair_double(w, "objectives_times", p->curve[i].scale);
        json_pair_known_money(w, "cash_usd", p->curve[i].possible, p->curve[i].cash);
        json_pair_known_u64(w, "spilled", p->curve[i].possible, p->curve[i].spilled);
        json_end_object(w);
    }
    json_end_array(w);
}

void fleet_plan_write(const struct fleet_plan *p, struct json_writer *w)
{
    const struct fleet_options *o = p->options;
    json_begin_object(w);
    json_pair_string(w, "command", "plan fleet");
    json_pair_string(w, "workload", o->horizon->name ? o->horizon->name : "workload");
    json_key(w, "slo");
    json_begin_object(w);
    for (size_t i = 0; i < o->slos->count; i++)
        json_pair_double(w, metric_key(o->slos->items[i].metric), o->slos->items[i].limit_ms);
    json_end_object(w);
    json_pair_double(w, "goodput", o->goodput);
    json_pair_double(w, "headroom", o->headroom);
    json_pair_double(w, "slot_s", (double)o->slot_ns / 1e9);
    json_pair_u64(w, "slot_count", p->demand.slot_count);
    if (o->spill)
        json_pair_string(w, "spill", o->spill->name);
    if (o->spill)
        json_pair_u64(w, "spill_at_standard_price", p->demand.guessed);
    json_pair_u64(w, "interruptions", o->terms->interruption_count);
    write_figure(&p->whole, w);
    json_pair_u64(w, "courses_replayed", p->rounds);
    write_offers(p, w);
    write_commitments(p, w);
    write_mixes(p, w);
    write_slots(p, w);
    write_ways(p, w);
    write_curve(p, w);
    json_end_object(w);
}
