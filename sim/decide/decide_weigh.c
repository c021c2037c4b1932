/* What the choice hinges on: one thing changed at a time. */
#include "sim/decide/decide_parts.h"

#include "sim/cost/bill/bill_parts.h"
#include "workloads/transform/transform.h"

#include <math.h>

/* The advantage of the expected cheapest over the cheapest other there. */
static double advantage(const struct decide *d, const struct bill *bill,
                        const struct decide_world *world, size_t *leader)
{
    double unit, other;
    size_t mine = d->expected;
    *leader = decide_cheapest(d, bill, world, VERDICT_NOBODY, &unit);
    struct decide_cost c = decide_cost_of(d, mine, bill, world);
    if (decide_cheapest(d, bill, world, mine, &other) == VERDICT_NOBODY)
        return NAN;
    return c.serves && c.goodput >= d->options.goodput ? 1 - c.unit / other : -INFINITY;
}

static void set_end(struct decide_hinge *h, bool high, double advantage, size_t leader)
{
    *(high ? &h->high_advantage : &h->low_advantage) = advantage;
    *(high ? &h->high_leader : &h->low_leader) = leader;
    *(high ? &h->high_known : &h->low_known) = !isnan(advantage);
}

static void weigh_end(const struct decide *d, struct decide_hinge *h, bool high,
                      const struct bill *bill, const struct decide_world *world)
{
    size_t leader;
    double found = advantage(d, bill, world, &leader);
    set_end(h, high, found, leader);
}

static struct decide_hinge *add(struct decide *d, const char *what, const char *low,
                                const char *high)
{
    struct decide_hinge *h = &d->hinges[d->hinge_count++];
    *h = (struct decide_hinge){.what = what, .low = low, .high = high};
    return h;
}

static int weigh_volume(struct decide *d, struct error *err)
{
    struct decide_hinge *h = add(d, "requests a month", "half", "twice");
    for (int high = 0; high < 2; high++) {
        struct bill bill;
        struct decide_world world = DECIDE_AS_IT_IS;
        uint64_t volume = high ? d->volume * 2 : (d->volume + 1) / 2;
        world.volume = (double)volume;
        int status = decide_bill(d, d->options.workload, volume, NULL, &bill, err);
        if (status == 0)
            weigh_end(d, h, high, &bill, &world);
        bill_free(&bill);
        if (status < 0)
            return status;
    }
    return 0;
}

/* A copy of the workload, changed as `workload transform` would. */
static int weigh_change(struct decide *d, struct decide_hinge *h, bool high, const char *change,
                        double lengths, struct error *err)
{
    struct workload changed;
    struct bill bill = {0};
    struct decide_world world = DECIDE_AS_IT_IS;
    world.volume = (double)d->volume;
    world.own_lengths = lengths;
    int status = bill_copy_workload(d->options.workload, &changed, err);
    if (status == 0)
        status = transform_apply_all(&change, 1, d->options.seed, &changed, NULL, NULL, err);
    if (status == 0)
        status = decide_bill(d, &changed, d->volume, NULL, &bill, err);
    if (status == 0)
        weigh_end(d, h, high, &bill, &world);
    bill_free(&bill);
    workload_free(&changed);
    return status;
}

static void weigh_world(struct decide *d, const char *what, const char *low, const char *high,
                        const struct decide_world ends[2])
{
    struct decide_hinge *h = add(d, what, low, high);
    for (int i = 0; i < 2; i++)
        weigh_end(d, h, i, &d->bill, &ends[i]);
}

static bool any(const struct decide *d, enum candidate_kind kind)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->rows[i].candidate->kind == kind)
            return true;
    return false;
}

static void weigh_worlds(struct decide *d)
{
    double v = (double)d->volume;
    if (any(d, CANDIDATE_OWN)) {
        const struct decide_world faster[2] = {{v, 1, 1 / 1.2, NULL, 1, 1, 1},
                                               {v, 1, 1.2, NULL, 1, 1, 1}};
        const struct decide_world objectives[2] = {{v, 1, 1, NULL, 0.5, 1, 1},
                                                   {v, 1, 1, NULL, 2, 1, 1}};
        const struct decide_world hour[2] = {{v, 1, 1, NULL, 1, 0.8, 1},
                                             {v, 1, 1, NULL, 1, 1.25, 1}};
        weigh_world(d, "times of one's own engines", "1.2 times as fast", "1.2 times as slow",
                    faster);
        weigh_world(d, "objectives, for one's own engines", "half", "twice", objectives);
        weigh_world(d, "price of a GPU-hour", "20 % less", "25 % more", hour);
    }
    if (any(d, CANDIDATE_MEASURED)) {
        const struct decide_world plans[2] = {{v, 1, 1, NULL, 1, 1, 0.8},
                                              {v, 1, 1, NULL, 1, 1, 1.25}};
        weigh_world(d, "prices of the plans", "20 % less", "25 % more", plans);
    }
}

int decide_weigh(struct decide *d, struct error *err)
{
    struct decide_world world = DECIDE_AS_IT_IS;
    size_t leader;
    d->expected_advantage = NAN;
    if (d->expected == VERDICT_NOBODY || d->judged < 2)
        return 0;
    world.volume = (double)d->volume;
    d->expected_advantage = advantage(d, &d->bill, &world, &leader);
    int status = weigh_volume(d, err);
    struct decide_hinge *h = NULL;
    if (status == 0 && any(d, CANDIDATE_MEASURED)) {
        h = add(d, "prompt cache", "no hits", "every hit");
        status = weigh_change(d, h, false, "cache=none", 1, err);
    }
    if (status == 0 && h && d->options.workload->block_size > 0)
        status = weigh_change(d, h, true, "cache=infinite", 1, err);
    if (status == 0)
        weigh_worlds(d);
    return status;
}
