/* The demand of a fleet: a workload's requests by slot, and the mixes that the slots are of.
 *
 *     struct fleet_demand d;
 *     if (fleet_demand_make(&workload, HOUR_NS, &d, err) < 0) return err->code;
 *     fleet_demand_price(&d, plan, err);                   // what each slot would cost at an API
 *     struct fleet_mixes mixes;
 *     fleet_mixes_make(&d, 3, &mixes);                     // and d.mix[t]
 *     fleet_demand_free(&d);
 *
 * A slot has the requests that are due in it: at their own time, and those that wait for others
 * `delay` after the last of them, as if answers took no time. Slots are counted from the workload's
 * zero to the last request.
 *
 * Slots of alike requests share a mix, so that one capacity holds for them: the means of prompts
 * and answers, on a logarithmic scale, are grouped around so many slots that lie far apart.
 */
#ifndef FAREBOX_SIM_FLEET_DEMAND_H
#define FAREBOX_SIM_FLEET_DEMAND_H

#include "sim/cost/bill/serve.h"
#include "sim/fleet/course.h"
#include "workloads/model/workload.h"

#define FLEET_MIXES 8
#define FLEET_SLOTS 10000

struct fleet_demand {
    const struct workload *workload; /* borrowed */
    struct serve_rows rows;
    int64_t slot_ns;
    size_t slot_count;
    size_t *first;             /* by slot, to first[slot_count]: in `order` */
    uint32_t *order;           /* rows by due time */
    struct course_slot *slots; /* demand, and what the API takes */
    double *input, *output;    /* means of a slot's requests */
    uint8_t *mix;
    bool priced;
    uint64_t
        guessed; /* requests whose service the API's plan does not name: at its standard price */
};

/* ERR_INPUT where rows wait in a ring, stand for many requests, or there are too many slots. */
int fleet_demand_make(const struct workload *w, int64_t slot_ns, struct fleet_demand *out,
                      struct error *err);
void fleet_demand_free(struct fleet_demand *d);

/* What a slot's requests cost under a plan by use. ERR_INPUT for a plan whose price depends on more
 * than the request, or that does not serve one of them. */
int fleet_demand_price(struct fleet_demand *d, const struct plan *plan, struct error *err);

struct fleet_mixes {
    double input[FLEET_MIXES], output[FLEET_MIXES]; /* of the slot that it is named after */
    uint64_t requests[FLEET_MIXES];
    size_t slots[FLEET_MIXES], count;
};

/* At most `most` mixes of the demand's slots; sets d->mix. */
void fleet_mixes_make(struct fleet_demand *d, size_t most, struct fleet_mixes *out);

/* Sets d->mix of another demand: the nearest. */
void fleet_mixes_assign(const struct fleet_mixes *mixes, struct fleet_demand *d);

/* The requests of a mix in order, without what they wait for: part `part` of `parts`, to a
 * workload that is initialised. */
int fleet_mix_workload(const struct fleet_demand *d, size_t mix, size_t part, size_t parts,
                       struct workload *to, struct error *err);

/* A row as it is replayed: at its due time, less `zero_ns`, and waiting for nobody. */
void fleet_demand_row(const struct fleet_demand *d, uint32_t row, int64_t zero_ns,
                      struct request *out);

#endif
