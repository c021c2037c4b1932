#include "sim/fleet/demand.h"

#include "core/memory.h"
#include "sim/cost/bill/tariff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALIKE 0.2      /* mixes are at least so far apart: means that differ by about a fifth */
#define TELLING 30     /* requests of a slot that a mix may be named after */
#define PART_LEAST 200 /* requests of a part */

/* ---- slots ---- */

struct ordered {
    int64_t due_ns;
    uint32_t row;
};

static int by_due(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    if (x->due_ns != y->due_ns)
        return x->due_ns < y->due_ns ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static void order_rows(struct fleet_demand *d)
{
    size_t count = d->workload->count;
    struct ordered *all = mem_alloc(count * sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = (struct ordered){serve_due(&d->rows, i), (uint32_t)i};
    qsort(all, count, sizeof *all, by_due);
    d->order = mem_alloc(count * sizeof *d->order);
    for (size_t i = 0; i < count; i++)
        d->order[i] = all[i].row;
    free(all);
}

static void cut_slots(struct fleet_demand *d)
{
    const struct workload *w = d->workload;
    size_t at = 0;
    d->first = mem_zero(d->slot_count + 1, sizeof *d->first);
    d->slots = mem_zero(d->slot_count, sizeof *d->slots);
    d->input = mem_zero(d->slot_count, sizeof *d->input);
    d->output = mem_zero(d->slot_count, sizeof *d->output);
    d->mix = mem_zero(d->slot_count, sizeof *d->mix);
    for (size_t t = 0; t < d->slot_count; t++) {
        int64_t end_ns = (int64_t)(t + 1) * d->slot_ns;
        d->first[t] = at;
        for (; at < w->count && serve_due(&d->rows, d->order[at]) < end_ns; at++) {
            d->input[t] += w->input_tokens[d->order[at]];
            d->output[t] += w->output_tokens[d->order[at]];
        }
        d->slots[t].demand = at - d->first[t];
        double n = d->slots[t].demand ? (double)d->slots[t].demand : 1;
        d->input[t] /= n;
        d->output[t] /= n;
    }
    d->first[d->slot_count] = at;
}

int fleet_demand_make(const struct workload *w, int64_t slot_ns, struct fleet_demand *out,
                      struct error *err)
{
    *out = (struct fleet_demand){.workload = w, .slot_ns = slot_ns};
    if (w->requests)
        return error_set(err, ERR_INPUT,
                         "rows of a usage report stand for many requests each: a fleet needs the "
                         "requests themselves");
    if (serve_rows_make(&out->rows, w, (struct serve_duration){0}, err) < 0)
        return err->code;
    order_rows(out);
    int64_t last_ns = serve_due(&out->rows, out->order[w->count - 1]);
    if (last_ns / slot_ns >= FLEET_SLOTS) {
        fleet_demand_free(out);
        return error_set(err, ERR_INPUT,
                         "the workload spans more than %d slots: a longer --slot makes them fewer",
                         FLEET_SLOTS);
    }
    out->slot_count = (size_t)(last_ns / slot_ns) + 1;
    cut_slots(out);
    return 0;
}

void fleet_demand_free(struct fleet_demand *d)
{
    serve_rows_free(&d->rows);
    free(d->first);
    free(d->order);
    free(d->slots);
    free(d->input);
    free(d->output);
    free(d->mix);
    *d = (struct fleet_demand){0};
}

/* ---- what the API would take ---- */

static int check_plan(const struct plan *plan, bool start_known, struct error *err)
{
    const char *why = NULL;
    if (plan->subscription.present)
        why = "is paid by the period";
    else if (plan->provisioned.present)
        why = "is paid by the hour";
    else if (plan->quota_count > 0)
        why = "includes a quota";
    else if (plan->fees.volume_count > 0 || plan->fees.minimum > 0 ||
             plan->fees.credit_fee_millionths > 0 || plan->fees.credit_fee_minimum > 0)
        why = "has discounts, fees or a minimum for the whole bill";
    if (why)
        return error_set(err, ERR_INPUT,
                         "--spill %s: it %s: what spills over needs a plan that is paid by use "
                         "alone",
                         plan->name, why);
    if (plan_needs_start(plan) && !start_known)
        return error_set(err, ERR_INPUT,
                         "--spill %s: it has prices by date or hour, and the workload does not say "
                         "when it starts",
                         plan->name);
    return 0;
}

static int charge_slot(struct fleet_demand *d, const struct tariff *t, size_t slot,
                       struct error *err)
{
    d->slots[slot].spill_usd = 0;
    for (size_t i = d->first[slot]; i < d->first[slot + 1]; i++) {
        struct row_charge c;
        if (!tariff_serves(t, d->order[i]))
            return error_set(err, ERR_INPUT,
                             "--spill %s: it does not serve request %u of the workload (%s)",
                             t->plan->name, d->order[i] + 1,
                             serve_fate_name((enum serve_fate)t->served->fate[d->order[i]]));
        if (tariff_charge(t, d->order[i], &c) < 0 ||
            money_add(d->slots[slot].spill_usd, c.total, &d->slots[slot].spill_usd) < 0)
            return error_set(err, ERR_INPUT, "--spill %s: its charges are too large",
                             t->plan->name);
        d->guessed += (c.last.unpriced & UNPRICED_SERVICE) != 0;
        if (c.last.unpriced & ~(uint32_t)UNPRICED_SERVICE)
            return error_set(err, ERR_INPUT,
                             "--spill %s: something of request %u has no price there",
                             t->plan->name, d->order[i] + 1);
    }
    return 0;
}

int fleet_demand_price(struct fleet_demand *d, const struct plan *plan, struct error *err)
{
    const struct workload *w = d->workload;
    struct serve_conditions conditions = {w->has_start ? w->start_unix_ns : 0, false};
    struct serve_result served;
    struct tariff t;
    int status = 0;
    if (check_plan(plan, w->has_start, err) < 0)
        return err->code;
    struct plan open = *plan;
    open.rate_limit_count = 0;
    open.limits.concurrency = 0;
    serve_plan(&open, &d->rows, &conditions, &served);
    tariff_init(&t, &open, &d->rows, &served, w->has_start ? w->start_unix_ns : TIME_NEVER, false);
    for (size_t slot = 0; slot < d->slot_count && status == 0; slot++)
        status = charge_slot(d, &t, slot, err);
    tariff_free(&t);
    serve_result_free(&served);
    d->priced = status == 0;
    return status;
}

/* ---- mixes ---- */

static double distance(double input, double output, double to_input, double to_output)
{
    return hypot(log((input + 1) / (to_input + 1)), log((output + 1) / (to_output + 1)));
}

static size_t nearest(const struct fleet_mixes *m, double input, double output, double *far)
{
    size_t best = 0;
    *far = INFINITY;
    for (size_t i = 0; i < m->count; i++) {
        double d = distance(input, output, m->input[i], m->output[i]);
        if (d < *far) {
            *far = d;
            best = i;
        }
    }
    return best;
}

static void add_mix(struct fleet_mixes *m, const struct fleet_demand *d, size_t slot)
{
    m->input[m->count] = d->input[slot];
    m->output[m->count++] = d->output[slot];
}

/* The slot that is farthest from all mixes; false where none is far. */
static bool find_far(const struct fleet_mixes *m, const struct fleet_demand *d, size_t *slot)
{
    double most = ALIKE, far;
    bool found = false;
    for (size_t t = 0; t < d->slot_count; t++) {
        if (d->slots[t].demand < TELLING)
            continue;
        nearest(m, d->input[t], d->output[t], &far);
        if (far <= most)
            continue;
        most = far;
        *slot = t;
        found = true;
    }
    return found;
}

void fleet_mixes_assign(const struct fleet_mixes *mixes, struct fleet_demand *d)
{
    double far;
    for (size_t t = 0; t < d->slot_count; t++)
        if (d->slots[t].demand > 0)
            d->mix[t] = (uint8_t)nearest(mixes, d->input[t], d->output[t], &far);
}

/* The means of what a mix has now. */
static void settle_mixes(struct fleet_mixes *m, const struct fleet_demand *d)
{
    double input[FLEET_MIXES] = {0}, output[FLEET_MIXES] = {0};
    memset(m->requests, 0, sizeof m->requests);
    memset(m->slots, 0, sizeof m->slots);
    for (size_t t = 0; t < d->slot_count; t++) {
        size_t i = d->mix[t];
        double n = (double)d->slots[t].demand;
        if (d->slots[t].demand == 0)
            continue;
        input[i] += n * d->input[t];
        output[i] += n * d->output[t];
        m->requests[i] += d->slots[t].demand;
        m->slots[i]++;
    }
    for (size_t i = 0; i < m->count; i++)
        if (m->requests[i] > 0) {
            m->input[i] = input[i] / (double)m->requests[i];
            m->output[i] = output[i] / (double)m->requests[i];
        }
}

void fleet_mixes_make(struct fleet_demand *d, size_t most, struct fleet_mixes *out)
{
    size_t busiest = 0, far;
    *out = (struct fleet_mixes){.count = 0};
    for (size_t t = 1; t < d->slot_count; t++)
        if (d->slots[t].demand > d->slots[busiest].demand)
            busiest = t;
    add_mix(out, d, busiest);
    while (out->count < most && out->count < FLEET_MIXES && find_far(out, d, &far))
        add_mix(out, d, far);
    for (int round = 0; round < 4; round++) {
        fleet_mixes_assign(out, d);
        settle_mixes(out, d);
    }
}

void fleet_demand_row(const struct fleet_demand *d, uint32_t row, int64_t zero_ns,
                      struct request *out)
{
    workload_get(d->workload, row, out);
    out->timestamp_ns = serve_due(&d->rows, row) - zero_ns;
    out->delay_ns = 0;
    out->after_count = 0;
    out->messages = out->body = out->extra = (struct text){0};
}

int fleet_mix_workload(const struct fleet_demand *d, size_t mix, size_t part, size_t parts,
                       struct workload *to, struct error *err)
{
    uint64_t count = 0, at = 0;
    for (size_t t = 0; t < d->slot_count; t++)
        count += d->mix[t] == mix ? d->slots[t].demand : 0;
    if (count < parts * PART_LEAST) { /* too few to be cut */
        part = 0;
        parts = 1;
    }
    for (size_t t = 0; t < d->slot_count; t++)
        for (size_t i = d->first[t]; i < d->first[t + 1] && d->mix[t] == mix; i++, at++) {
            struct request r;
            if (at < count * part / parts || at >= count * (part + 1) / parts)
                continue;
            fleet_demand_row(d, d->order[i], 0, &r);
            if (workload_add(to, &r, err) < 0)
                return err->code;
        }
    return 0;
}
