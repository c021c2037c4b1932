#include "sim/decide/decide_parts.h"

#include "core/memory.h"
#include "sim/plan/fleet.h"

#include <math.h>
#include <stdlib.h>

/* `how` says what the month is made of. */
static int bill_month(const struct decide *d, const struct workload *w, struct bill_options *how,
                      struct bill *out, struct error *err)
{
    const struct decide_options *o = &d->options;
    how->period = PERIOD_MONTH;
    how->max_wait_ns = o->max_wait_ns;
    how->has_start = o->has_start;
    how->start_unix_ns = o->start_unix_ns;
    how->workers = o->workers;
    how->both_caps = how->totals_only = true;
    how->scales = o->scales;
    return bill_make(out, w, o->candidates->plans.plans, o->candidates->plans.count, how, err);
}

static struct extrapolation_sample sample_of(const struct decide *d)
{
    return (struct extrapolation_sample){&d->sample.rows, &d->sample.sessions, &d->profile};
}

int decide_bill(const struct decide *d, uint64_t volume, struct bill *out, struct error *err)
{
    const struct extrapolation_sample sample = sample_of(d);
    struct bill_options how = {.volume = volume, .sample = &sample};
    return bill_month(d, d->options.workload, &how, out, err);
}

int decide_bill_drawn(const struct decide *d, uint64_t volume, struct bill *out, struct error *err)
{
    const struct extrapolation_sample sample = sample_of(d);
    struct bill_options how = {.volume = volume,
                               .sample = &sample,
                               .drawn = d->sample.drawn,
                               .drawn_count = d->sample.drawn_count};
    return bill_month(d, d->options.workload, &how, out, err);
}

int decide_bill_other(const struct decide *d, const struct workload *w, struct bill *out,
                      struct error *err)
{
    struct bill_options how = {.volume = d->volume};
    return bill_month(d, w, &how, out, err);
}

const struct plan_bill *decide_line(const struct bill *bill, size_t plan, bool caps)
{
    const struct plan_bill *p = &bill->plans[plan];
    bool has_other = plan + 1 < bill->plan_count && p[1].without_caps;
    return !caps && has_other ? p + 1 : p;
}

double decide_plan_cash(const struct bill *bill, size_t plan, bool caps, double counts)
{
    const struct plan_bill *p = decide_line(bill, plan, caps);
    double total = money_to_double(p->total);
    if (counts == 0 || !token_counts_in_doubt(&p->counts))
        return total;
    double end = money_to_double(p->at[counts < 0 ? 0 : TOKEN_SIDES - 1].total);
    return total + fabs(counts) * (end - total);
}

bool decide_plan_serves(const struct bill *bill, size_t plan, bool caps)
{
    const struct plan_bill *p = decide_line(bill, plan, caps);
    return p->period_served == p->period_requests && p->period_requests > 0 &&
           !bill_waits_too_long(p, bill) && p->served.truncated == 0;
}

size_t decide_plan_line(const struct decide *d, size_t row)
{
    size_t plan = candidate_plan(d->options.candidates, d->rows[row].candidate);
    for (size_t i = 0, n = 0; i < d->bill.plan_count; i++) {
        if (d->bill.plans[i].without_caps)
            continue;
        if (n++ == plan)
            return i;
    }
    return SIZE_MAX;
}

/* ---- one's own ---- */

static struct decide_cost own_cost(const struct decide *d, size_t row, const struct bill *bill,
                                   const struct decide_world *world)
{
    const struct candidate *c = d->rows[row].candidate;
    double month_s = (double)bill->billed_span_ns / 1e9, volume = world->volume;
    double rate = own_rate(&d->own[row], world->own_slower, world->slo_scale) / world->own_lengths;
    double peak_rps = volume / month_s * d->peak;
    struct decide_cost out = {.unit = NAN, .cash = NAN, .goodput = NAN};
    out.count =
        rate > 0 ? fleet_replicas(peak_rps, isinf(rate) ? 1e12 : rate, d->options.headroom) : 0;
    if (out.count == 0)
        return out;
    out.serves = true;
    out.cash = (double)out.count * c->gpus * money_to_double(c->gpu_hour) * month_s / 3600 *
               world->own_price;
    /* The simulations are of today's times: a slower replica is as full as at a higher load. */
    double base = own_rate(&d->own[row], 1, 1);
    double load = peak_rps / (double)out.count * (isinf(rate) ? 1 : base / rate);
    out.goodput = own_goodput(&d->own[row], load);
    if (!(out.goodput >= d->options.goodput))
        out.goodput = d->options.goodput; /* what the rate was found to hold */
    out.unit = out.cash / (volume * out.goodput);
    return out;
}

/* ---- a plan ---- */

static struct decide_cost plan_cost(const struct decide *d, size_t row, const struct bill *bill,
                                    const struct decide_world *world)
{
    const struct decide_row *r = &d->rows[row];
    struct decide_cost out = {.goodput = r->goodput, .unit = NAN};
    out.serves = decide_plan_serves(bill, r->plan, true);
    out.cash = decide_plan_cash(bill, r->plan, true, 0) * world->plan_price;
    out.count = bill->plans[r->plan].subscriptions;
    if (r->goodput > 0)
        out.unit = out.cash / (world->volume * r->goodput);
    return out;
}

struct decide_cost decide_cost_of(const struct decide *d, size_t row, const struct bill *bill,
                                  const struct decide_world *world)
{
    return d->rows[row].candidate->kind == CANDIDATE_OWN ? own_cost(d, row, bill, world)
                                                         : plan_cost(d, row, bill, world);
}

size_t decide_cheapest(const struct decide *d, const struct bill *bill,
                       const struct decide_world *world, size_t without, double *unit)
{
    size_t best = VERDICT_NOBODY;
    for (size_t i = 0; i < d->count; i++) {
        if (i == without || !d->rows[i].judged)
            continue;
        struct decide_cost c = decide_cost_of(d, i, bill, world);
        if (c.serves && c.goodput >= d->options.goodput &&
            (best == VERDICT_NOBODY || c.unit < *unit)) {
            best = i;
            *unit = c.unit;
        }
    }
    return best;
}

/* ---- the month as it is expected ---- */

static int find_own(struct decide *d, struct error *err)
{
    const struct decide_options *o = &d->options;
    for (size_t i = 0; i < d->count; i++) {
        const struct candidate *c = d->rows[i].candidate;
        if (c->kind != CANDIDATE_OWN)
            continue;
        const struct capacity_options how = {.engine = c->engine,
                                             .workloads = &o->workload,
                                             .workload_count = 1,
                                             .slos = o->slos,
                                             .goodput = o->goodput,
                                             .seed = o->seed,
                                             .seeds = o->capacity_seeds,
                                             .requests = o->capacity_requests,
                                             .arrivals = ARRIVAL_POISSON};
        if (o->on_progress)
            o->on_progress(o->context, c->name, (double)i / (double)d->count);
        if (own_find(&d->own[i], &how, err) < 0)
            return err->code;
    }
    return 0;
}

static const char *why_not(const struct decide *d, const struct decide_row *r,
                           const struct decide_cost *c)
{
    if (c->serves)
        return NULL;
    if (r->candidate->kind == CANDIDATE_OWN)
        return "misses the objectives even without load";
    const struct plan_bill *p = &d->bill.plans[r->plan];
    if (p->served.truncated > 0)
        return "cuts answers short";
    return bill_waits_too_long(p, &d->bill) ? "makes requests wait too long"
                                            : "does not serve every request";
}

/* Its figures are of the only way in which it serves: without caps that nobody confirmed. */
static void drop_caps(const struct decide *d, struct decide_row *r, double volume)
{
    if (r->serves || r->plan == SIZE_MAX || !decide_plan_serves(&d->bill, r->plan, false))
        return;
    r->without_caps = true;
    r->cash = decide_plan_cash(&d->bill, r->plan, false, 0);
    r->count = decide_line(&d->bill, r->plan, false)->subscriptions;
    r->unit = r->goodput > 0 ? r->cash / (volume * r->goodput) : NAN;
}

static void fill_row(struct decide *d, size_t i)
{
    struct decide_row *r = &d->rows[i];
    const struct measured *m = r->candidate->measured;
    const struct decide_world world = decide_world_of((double)d->volume);
    bool own = r->candidate->kind == CANDIDATE_OWN;
    r->plan = own ? SIZE_MAX : decide_plan_line(d, i);
    r->goodput = m ? (double)m->good / (double)m->count : NAN;
    r->judged = r->candidate->kind != CANDIDATE_PLAN;
    r->replica_rps = own ? own_rate(&d->own[i], 1, 1) : NAN;
    struct decide_cost c = decide_cost_of(d, i, &d->bill, &world);
    r->serves = c.serves;
    r->cash = c.cash;
    r->unit = c.unit;
    r->count = c.count;
    r->goodput = own ? c.goodput : r->goodput;
    r->why_not = why_not(d, r, &c);
    drop_caps(d, r, world.volume);
    d->judged += r->judged;
}

static void find_expected(struct decide *d)
{
    const struct decide_world world = decide_world_of((double)d->volume);
    double unit;
    d->expected = decide_cheapest(d, &d->bill, &world, VERDICT_NOBODY, &unit);
}

static double peak_of(const struct decide *d)
{
    const struct week_profile *p = &d->profile;
    double most = 0, sum = 0;
    if (d->options.peak > 0)
        return d->options.peak;
    if (!p->known)
        return 1;
    for (int h = 0; h < WEEK_HOURS; h++) {
        most = p->starts[h] > most ? p->starts[h] : most;
        sum += p->starts[h] / WEEK_HOURS;
    }
    return sum > 0 ? most / sum : 1;
}

/* A month is that of a volume, or at the sample's own rate. */
static int check_rate(const struct decide *d, struct error *err)
{
    const struct redraw *r = &d->sample;
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < r->sessions.count; i++)
        first = r->sessions.begin_ns[i] < first ? r->sessions.begin_ns[i] : first;
    if (d->options.volume > 0 || r->rows.span_ns > first)
        return 0;
    return error_set(err, ERR_INPUT,
                     "the workload has no duration, so its rate is not known: say how many "
                     "requests a month it is with --volume N");
}

/* The bill says when the sample starts and at what rate it comes; then its hours are known. */
static int see_month(struct decide *d, struct error *err)
{
    struct bill_options how = {.volume = d->options.volume};
    if (redraw_open(&d->sample, d->options.workload, err) < 0 || check_rate(d, err) < 0 ||
        bill_month(d, d->options.workload, &how, &d->bill, err) < 0)
        return err->code;
    d->volume = d->bill.scale_ns > 0 ? d->bill.scaled_requests : d->bill.workload->count;
    d->mean_rps = (double)d->volume * 1e9 / (double)d->bill.billed_span_ns;
    week_profile_make(&d->profile, &d->sample.sessions, &d->sample.rows, d->bill.start_unix_ns);
    d->peak = peak_of(d);
    d->by_hour = d->bill.extrapolation.by_hour;
    d->too_few = d->sample.blocks < DECIDE_BLOCKS;
    return 0;
}

int decide_make(struct decide *out, const struct decide_options *options, struct error *err)
{
    const struct candidate_list *list = options->candidates;
    *out = (struct decide){.options = *options, .count = list->count};
    out->rows = mem_zero(list->count + 1, sizeof *out->rows);
    out->own = mem_zero(list->count + 1, sizeof *out->own);
    for (size_t i = 0; i < list->count; i++)
        out->rows[i] = (struct decide_row){.candidate = &list->items[i], .plan = SIZE_MAX};
    int status = list->count ? 0 : error_set(err, ERR_INPUT, "there is no candidate to decide on");
    if (status == 0)
        status = see_month(out, err);
    if (status == 0)
        status = find_own(out, err);
    for (size_t i = 0; i < out->count && status == 0; i++)
        fill_row(out, i);
    if (status == 0)
        find_expected(out);
    if (status == 0)
        status = decide_draw(out, err);
    if (status == 0)
        status = decide_climb(out, err);
    return status == 0 ? decide_weigh(out, err) : status;
}

void decide_free(struct decide *d)
{
    bill_free(&d->bill);
    redraw_free(&d->sample);
    verdict_free(&d->verdict);
    free(d->rows);
    free(d->own);
    free(d->steps);
    for (size_t i = 0; i < d->point_count; i++) {
        free(d->points[i].units);
        free(d->points[i].open);
    }
    free(d->points);
    *d = (struct decide){0};
}
