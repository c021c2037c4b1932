/* Who leads at other volumes, and where that turns round. */
#include "sim/decide/decide_parts.h"

#include "core/memory.h"
#include "core/stop.h"

#include <math.h>
#include <stdlib.h>

#define STEPS_A_DECADE 6
#define DECADES 2 /* below, and above */

/* A measured plan's cost there if caps that nobody confirmed do not hold; NAN: nobody serves. */
static double open_unit(const struct decide *d, size_t row, const struct bill *bill, double volume)
{
    const struct decide_row *r = &d->rows[row];
    if (r->candidate->kind != CANDIDATE_MEASURED || !(r->goodput >= d->options.goodput) ||
        !decide_plan_serves(bill, r->plan, false))
        return NAN;
    return decide_plan_cash(bill, r->plan, false, 0) / (volume * r->goodput);
}

/* What the candidates cost there, kept for the ladder's plot. */
static void keep_point(struct decide *d, const struct bill *bill, const struct decide_world *world)
{
    mem_grow(&d->points, &d->point_capacity, d->point_count + 1, sizeof *d->points);
    struct decide_point *p = &d->points[d->point_count++];
    *p = (struct decide_point){(uint64_t)world->volume, mem_alloc(d->count * sizeof *p->units),
                               mem_alloc(d->count * sizeof *p->open)};
    for (size_t i = 0; i < d->count; i++) {
        struct decide_cost c = decide_cost_of(d, i, bill, world);
        bool takes_part = d->rows[i].judged && c.serves && c.goodput >= d->options.goodput;
        p->units[i] = takes_part ? c.unit : NAN;
        p->open[i] = takes_part ? NAN : open_unit(d, i, bill, world->volume);
    }
}

static int by_requests(const void *a, const void *b)
{
    const struct decide_point *x = a, *y = b;
    return x->requests < y->requests ? -1 : x->requests > y->requests;
}

/* The leader of a month of so many requests, as it is expected. */
static int leader_at(struct decide *d, uint64_t volume, size_t *leader, struct error *err)
{
    struct bill bill;
    const struct decide_world world = decide_world_of((double)volume);
    double unit;
    if (stop_level() > 0)
        return error_set(err, ERR_INTERRUPTED, "interrupted: nothing was decided");
    int status = decide_bill(d, volume, &bill, err);
    if (status == 0) {
        *leader = decide_cheapest(d, &bill, &world, VERDICT_NOBODY, &unit);
        keep_point(d, &bill, &world);
    }
    bill_free(&bill);
    return status;
}

static uint64_t volume_at(const struct decide *d, int step)
{
    double at = (double)d->volume * pow(10, (double)step / STEPS_A_DECADE);
    return at < 1 ? 1 : (uint64_t)llround(at);
}

/* Where between two volumes with different leaders the second one's begins, to one in a hundred. */
static int find_turn(struct decide *d, uint64_t low, uint64_t high, size_t low_leader,
                     size_t *leader, uint64_t *turn, struct error *err)
{
    while (high - low > 1 + high / 100) {
        uint64_t middle = low + (high - low) / 2;
        size_t found;
        if (leader_at(d, middle, &found, err) < 0)
            return err->code;
        if (found == low_leader) {
            low = middle;
        } else {
            high = middle;
            *leader = found;
        }
    }
    *turn = high;
    return 0;
}

static void add_step(struct decide *d, uint64_t from, size_t leader)
{
    d->steps = mem_resize(d->steps, d->step_count + 1, sizeof *d->steps);
    d->steps[d->step_count++] = (struct decide_step){.from = from, .leader = leader};
}

static int climb(struct decide *d, struct error *err)
{
    size_t before = VERDICT_NOBODY;
    uint64_t at = 0;
    for (int step = -DECADES * STEPS_A_DECADE; step <= DECADES * STEPS_A_DECADE; step++) {
        uint64_t volume = volume_at(d, step), turn = volume;
        size_t leader;
        if (volume <= at)
            continue;
        if (d->options.on_progress)
            d->options.on_progress(d->options.context, "other volumes",
                                   0.5 + (double)step / (2 * DECADES * STEPS_A_DECADE));
        if (leader_at(d, volume, &leader, err) < 0)
            return err->code;
        if (d->step_count > 0 && leader != before) {
            size_t next = leader;
            if (find_turn(d, at, volume, before, &next, &turn, err) < 0)
                return err->code;
            leader = next == leader ? leader : next; /* a narrow one in between is told */
        }
        if (d->step_count == 0 || leader != before)
            add_step(d, turn, leader);
        before = leader;
        at = volume;
    }
    d->steps_end = at;
    return 0;
}

/* The ends of the step that the month is in. */
static void find_flips(struct decide *d)
{
    for (size_t i = 0; i < d->step_count; i++) {
        if (d->steps[i].from <= d->volume) {
            d->flips_below = i > 0 ? d->steps[i].from - 1 : 0;
            d->below = i > 0 ? d->steps[i - 1].leader : VERDICT_NOBODY;
        } else if (d->flips_above == 0) {
            d->flips_above = d->steps[i].from;
            d->above = d->steps[i].leader;
        }
    }
}

int decide_climb(struct decide *d, struct error *err)
{
    d->below = d->above = VERDICT_NOBODY;
    if (d->judged == 0)
        return 0;
    int status = climb(d, err);
    if (status == 0) {
        find_flips(d);
        qsort(d->points, d->point_count, sizeof *d->points, by_requests);
    }
    return status;
}
