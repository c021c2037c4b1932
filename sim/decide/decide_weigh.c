/* What the choice hinges on: one thing changed at a time. */
#include "sim/decide/decide_parts.h"

#include "sim/cost/bill/bill_parts.h"
#include "workloads/transform/transform.h"

#include <math.h>
#include <string.h>

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

static void weigh_end(const struct decide *d, struct decide_end *end, const struct bill *bill,
                      const struct decide_world *world)
{
    end->advantage = advantage(d, bill, world, &end->leader);
    end->known = !isnan(end->advantage);
}

static struct decide_hinge *add(struct decide *d, const char *what, const char *less,
                                const char *more)
{
    struct decide_hinge *h = &d->hinges[d->hinge_count++];
    *h = (struct decide_hinge){.what = what, .less.label = less, .more.label = more};
    return h;
}

static int weigh_volume(struct decide *d, struct decide_end *end, uint64_t volume,
                        struct error *err)
{
    struct bill bill;
    const struct decide_world world = decide_world_of((double)volume);
    int status = decide_bill(d, volume, &bill, err);
    if (status == 0)
        weigh_end(d, end, &bill, &world);
    bill_free(&bill);
    return status;
}

/* A copy of the workload, changed as `workload transform` would. */
static int weigh_change(struct decide *d, struct decide_end *end, const char *change,
                        struct error *err)
{
    struct workload changed;
    struct bill bill = {0};
    const struct decide_world world = decide_world_of((double)d->volume);
    int status = bill_copy_workload(d->options.workload, &changed, err);
    if (status == 0)
        status = transform_apply_all(&change, 1, d->options.seed, &changed, NULL, NULL, err);
    if (status == 0)
        status = decide_bill_other(d, &changed, &bill, err);
    if (status == 0)
        weigh_end(d, end, &bill, &world);
    bill_free(&bill);
    workload_free(&changed);
    return status;
}

static bool any(const struct decide *d, enum candidate_kind kind)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->rows[i].candidate->kind == kind)
            return true;
    return false;
}

/* A factor of the world, of what one kind of candidates comes to. */
struct factor {
    enum candidate_kind of;
    const char *what, *less, *more;
    size_t at; /* in struct decide_world */
    double ends[2];
};

#define AT(member) offsetof(struct decide_world, member)
static const struct factor factors[] = {
    {CANDIDATE_OWN,
     "times of one's own engines",
     "1.2 times as fast",
     "1.2 times as slow",
     AT(own_slower),
     {1 / 1.2, 1.2}},
    {CANDIDATE_OWN, "objectives, for one's own engines", "half", "twice", AT(slo_scale), {0.5, 2}},
    {CANDIDATE_OWN, "price of a GPU-hour", "20 % less", "25 % more", AT(own_price), {0.8, 1.25}},
    {CANDIDATE_MEASURED,
     "prices of the plans",
     "20 % less",
     "25 % more",
     AT(plan_price),
     {0.8, 1.25}},
};

static void weigh_factor(struct decide *d, const struct factor *f)
{
    struct decide_hinge *h = add(d, f->what, f->less, f->more);
    for (int more = 0; more < 2; more++) {
        struct decide_world world = decide_world_of((double)d->volume);
        memcpy((char *)&world + f->at, &f->ends[more], sizeof f->ends[more]);
        weigh_end(d, more ? &h->more : &h->less, &d->bill, &world);
    }
}

int decide_weigh(struct decide *d, struct error *err)
{
    const struct decide_world world = decide_world_of((double)d->volume);
    size_t leader;
    d->expected_advantage = NAN;
    if (d->expected == VERDICT_NOBODY || d->judged < 2)
        return 0;
    d->expected_advantage = advantage(d, &d->bill, &world, &leader);
    struct decide_hinge *h = add(d, "requests a month", "half", "twice");
    int status = weigh_volume(d, &h->less, (d->volume + 1) / 2, err);
    if (status == 0)
        status = weigh_volume(d, &h->more, d->volume * 2, err);
    if (status == 0 && any(d, CANDIDATE_MEASURED)) {
        h = add(d, "prompt cache", "no hits", "every hit");
        status = weigh_change(d, &h->less, "cache=none", err);
        if (status == 0 && d->options.workload->block_size > 0)
            status = weigh_change(d, &h->more, "cache=infinite", err);
    }
    for (size_t i = 0; i < COUNT_OF(factors) && status == 0; i++)
        if (any(d, factors[i].of))
            weigh_factor(d, &factors[i]);
    return status;
}
