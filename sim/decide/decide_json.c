#include "sim/decide/decide.h"

#include <math.h>

static void put_name(const struct decide *d, struct json_writer *w, const char *key, size_t row)
{
    json_pair_string(w, key, row == VERDICT_NOBODY ? NULL : d->rows[row].candidate->name);
}

static void put_measured(const struct measured *m, struct json_writer *w)
{
    json_key(w, "measured");
    json_begin_object(w);
    json_pair_string(w, "run", m->run);
    json_pair_u64(w, "requests", m->count);
    json_pair_u64(w, "good", m->good);
    json_pair_statistic(w, "rate_rps", m->rate_rps);
    json_pair_bool(w, "simulated", m->simulated);
    json_end_object(w);
}

static void put_own(const struct own *o, const struct decide_row *r, struct json_writer *w)
{
    json_key(w, "own");
    json_begin_object(w);
    json_pair_string(w, "engine", r->candidate->engine->name);
    json_pair_money(w, "gpu_hour_usd", r->candidate->gpu_hour);
    json_pair_u64(w, "gpus_per_replica", r->candidate->gpus);
    json_pair_u64(w, "replicas", r->count);
    json_pair_statistic(w, "replica_rps", r->replica_rps);
    json_pair_statistic(w, "replica_rps_low", o->capacity.low_rps);
    json_pair_statistic(w, "replica_rps_high", o->capacity.high_rps);
    json_pair_statistic(w, "error", o->error);
    json_pair_bool(w, "error_stated", !o->error_unknown);
    json_end_object(w);
}

static void put_row(const struct decide *d, size_t i, struct json_writer *w)
{
    const struct decide_row *r = &d->rows[i];
    const struct candidate *c = r->candidate;
    const struct verdict_range *range = &d->verdict.ranges[i];
    json_begin_object(w);
    json_pair_string(w, "name", c->name);
    json_pair_string(w, "kind", candidate_kind_name(c->kind));
    json_pair_string(w, "plan", c->plan ? c->plan->name : NULL);
    json_pair_bool(w, "judged", r->judged);
    json_pair_bool(w, "serves", r->serves);
    json_pair_string(w, "why_not", r->why_not);
    json_pair_bool(w, "figures_without_caps", r->without_caps);
    json_pair_statistic(w, "usd_a_month", r->cash);
    json_pair_statistic(w, "goodput", r->goodput);
    json_pair_bool(w, "meets_goodput", r->goodput >= d->options.goodput);
    json_pair_statistic(w, "usd_per_good_request", r->unit);
    json_pair_known_u64(w, "count", r->count > 0, r->count);
    json_pair_statistic(w, "p_cheapest", r->judged ? d->verdict.probability[i] : NAN);
    json_pair_statistics(w, "usd_per_good_request_95", (double[]){range->low, range->high}, 2);
    json_pair_statistic(w, "p_acceptable", r->judged ? range->acceptable : NAN);
    if (c->measured)
        put_measured(c->measured, w);
    if (c->kind == CANDIDATE_OWN)
        put_own(&d->own[i], r, w);
    json_end_object(w);
}

static void put_objectives(const struct decide *d, struct json_writer *w)
{
    json_key(w, "slo");
    json_begin_object(w);
    for (size_t i = 0; i < d->options.slos->count; i++)
        json_pair_statistic(w, metric_key(d->options.slos->items[i].metric),
                            d->options.slos->items[i].limit_ms);
    json_end_object(w);
    json_pair_statistic(w, "goodput", d->options.goodput);
}

static void put_question(const struct decide *d, struct json_writer *w)
{
    json_key(w, "question");
    json_begin_object(w);
    json_pair_string(w, "workload", d->options.workload->name);
    json_pair_u64(w, "sample_requests", d->options.workload->count);
    json_pair_u64(w, "sample_sessions", d->sample.sessions.count);
    json_pair_u64(w, "requests_a_month", d->volume);
    json_pair_statistic(w, "mean_rps", d->mean_rps);
    json_pair_statistic(w, "peak_over_mean", d->peak);
    json_pair_string(w, "profile", d->by_hour ? "hour of week" : "even");
    put_objectives(d, w);
    json_end_object(w);
}

static void put_answer(const struct decide *d, struct json_writer *w)
{
    const struct verdict *v = &d->verdict;
    double month = (double)d->volume;
    bool known = v->leader != VERDICT_NOBODY;
    json_key(w, "answer");
    json_begin_object(w);
    put_name(d, w, "cheapest", v->leader);
    json_pair_bool(w, "too_close_to_call", v->close);
    json_pair_bool(w, "sample_too_small", d->too_few);
    json_pair_statistic(w, "p_clearly_cheapest", v->clear);
    json_pair_statistic(w, "p_cheapest", known ? v->probability[v->leader] : NAN);
    json_pair_statistic(w, "usd_a_month", known ? d->rows[v->leader].cash : NAN);
    put_name(d, w, "next", v->runner_up);
    put_name(d, w, "cheapest_as_expected", d->expected);
    json_pair_statistic(w, "advantage_as_expected", d->expected_advantage);
    json_pair_statistic(w, "advantage", v->advantage);
    json_key(w, "expected_regret_usd_a_month");
    json_begin_object(w);
    json_pair_statistic(w, "mean", known ? v->regret * month : NAN);
    json_pair_statistic(w, "low", known ? v->regret_low * month : NAN);
    json_pair_statistic(w, "high", known ? v->regret_high * month : NAN);
    json_end_object(w);
    json_pair_known_u64(w, "flips_below_requests", d->flips_below > 0, d->flips_below);
    put_name(d, w, "cheapest_below", d->below);
    json_pair_known_u64(w, "flips_above_requests", d->flips_above > 0, d->flips_above);
    put_name(d, w, "cheapest_above", d->above);
    json_end_object(w);
}

static void put_doubt(const struct decide *d, struct json_writer *w)
{
    json_key(w, "doubt");
    json_begin_object(w);
    json_pair_u64(w, "draws", d->options.draws);
    json_pair_string(w, "drawn", redraw_unit(&d->sample));
    json_pair_u64(w, "drawn_from", d->sample.blocks);
    json_pair_bool(w, "drawn_months_scaled", d->scaled);
    json_pair_statistic(w, "share_of_the_sample", d->sampled_share);
    json_pair_statistic(w, "sample_that_decides_times", d->sample_factor);
    json_pair_bool(w, "a_larger_sample_decides", isfinite(d->sample_factor));
    json_end_object(w);
}

static void put_steps(const struct decide *d, struct json_writer *w)
{
    json_key(w, "ladder");
    json_begin_array(w);
    for (size_t i = 0; i < d->step_count; i++) {
        json_begin_object(w);
        json_pair_u64(w, "from_requests", d->steps[i].from);
        json_pair_u64(w, "to_requests",
                      i + 1 < d->step_count ? d->steps[i + 1].from - 1 : d->steps_end);
        put_name(d, w, "cheapest", d->steps[i].leader);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_points(const struct decide *d, size_t row, struct json_writer *w)
{
    json_key(w, "points");
    json_begin_array(w);
    for (size_t k = 0; k < d->point_count; k++) {
        json_begin_object(w);
        json_pair_u64(w, "requests", d->points[k].requests);
        json_pair_statistic(w, "usd_per_good_request", d->points[k].units[row]);
        json_pair_statistic(w, "usd_per_good_request_without_caps", d->points[k].open[row]);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_curves(const struct decide *d, struct json_writer *w)
{
    json_key(w, "curves");
    json_begin_array(w);
    for (size_t i = 0; i < d->count; i++) {
        if (!d->rows[i].judged)
            continue;
        json_begin_object(w);
        put_name(d, w, "candidate", i);
        put_points(d, i, w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_end(const struct decide *d, struct json_writer *w, const char *key,
                    const struct decide_end *end)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_string(w, "if", end->label);
    json_pair_statistic(w, "advantage", end->known ? end->advantage : NAN);
    put_name(d, w, "cheapest", end->known ? end->leader : VERDICT_NOBODY);
    json_end_object(w);
}

static bool turns(const struct decide *d, const struct decide_end *end)
{
    return end->known && end->leader != d->expected;
}

static void put_hinges(const struct decide *d, struct json_writer *w)
{
    json_key(w, "hinges");
    json_begin_array(w);
    for (size_t i = 0; i < d->hinge_count; i++) {
        const struct decide_hinge *h = &d->hinges[i];
        json_begin_object(w);
        json_pair_string(w, "what", h->what);
        put_end(d, w, "less", &h->less);
        put_end(d, w, "more", &h->more);
        json_pair_bool(w, "turns", turns(d, &h->less) || turns(d, &h->more));
        json_end_object(w);
    }
    json_end_array(w);
}

void decide_write_json(const struct decide *d, decide_member *more, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_u64(w, "schema_version", 1);
    json_pair_string(w, "command", "decide");
    put_question(d, w);
    put_answer(d, w);
    json_key(w, "candidates");
    json_begin_array(w);
    for (size_t i = 0; i < d->count; i++)
        put_row(d, i, w);
    json_end_array(w);
    put_doubt(d, w);
    put_steps(d, w);
    put_curves(d, w);
    put_hinges(d, w);
    if (more)
        more(d, w);
    json_end_object(w);
}
