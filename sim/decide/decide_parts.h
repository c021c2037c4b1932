/* What the files of this room share. */
#ifndef FAREBOX_SIM_DECIDE_DECIDE_PARTS_H
#define FAREBOX_SIM_DECIDE_DECIDE_PARTS_H

#include "sim/decide/decide.h"

/* One way the world may be. */
struct decide_world {
    double volume;      /* requests a month */
    double own_lengths; /* what a request asks of a replica, over what the sample's do */
    double own_slower;
    double slo_scale;
    double own_price, plan_price; /* times */
};

/* As it is expected to be, but for so many requests a month. */
static inline struct decide_world decide_world_of(double volume)
{
    return (struct decide_world){volume, 1, 1, 1, 1, 1};
}

/* What a row costs there: cash, and cash for each good request; false: it does not serve it. */
struct decide_cost {
    double cash, unit, goodput;
    uint64_t count;
    bool serves;
};

/* `bill` is of that world's volume. */
struct decide_cost decide_cost_of(const struct decide *d, size_t row, const struct bill *bill,
                                  const struct decide_world *world);

/* A month of so many requests under all plans, made of the sample, of what was drawn of it last, or
 * of another workload; the caller frees it. */
int decide_bill(const struct decide *d, uint64_t volume, struct bill *out, struct error *err);
int decide_bill_drawn(const struct decide *d, uint64_t volume, struct bill *out, struct error *err);
int decide_bill_other(const struct decide *d, const struct workload *w, struct bill *out,
                      struct error *err);

/* The plan's line as it is asked for: a plan without caps that nobody confirmed stands behind the
 * plan with them. */
const struct plan_bill *decide_line(const struct bill *bill, size_t plan, bool caps);

/* The plan's money there, with or without caps that nobody confirmed, and with `counts` from −1 to
 * 1 through the doubt about token counts. */
double decide_plan_cash(const struct bill *bill, size_t plan, bool caps, double counts);
bool decide_plan_serves(const struct bill *bill, size_t plan, bool caps);

/* The bill's line of a row's plan. */
size_t decide_plan_line(const struct decide *d, size_t row);

/* The cheapest judged row there, but for `without`; VERDICT_NOBODY. */
size_t decide_cheapest(const struct decide *d, const struct bill *bill,
                       const struct decide_world *world, size_t without, double *unit);

int decide_draw(struct decide *d, struct error *err);
int decide_climb(struct decide *d, struct error *err);
int decide_weigh(struct decide *d, struct error *err);

#endif
