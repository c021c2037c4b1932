#include "sim/cost/reconcile/own.h"

#include "core/memory.h"
#include "sim/cost/bill/tariff.h"
#include "workloads/model/attempts.h"

#include <stdlib.h>

static size_t service_of(const struct plan_rate *rate, const struct facts *f)
{
    return plan_rate_service(rate, f->service, f->other_service);
}

const struct rate_prices *facts_tables(const struct plan *plan, const struct facts *f)
{
    const struct plan_rate *rate = plan_rate_for(plan, f->model);
    return rate ? price_in_force(rate, service_of(rate, f), f->at_ns) : NULL;
}

#define DAY_NS (INT64_C(86400) * NS_PER_S)

int64_t facts_on_day(int64_t at_ns, int64_t day_ns)
{
    if (day_ns == TIME_NEVER)
        return at_ns;
    return clock_floor(day_ns, DAY_NS) +
           (at_ns == TIME_NEVER ? 0 : at_ns - clock_floor(at_ns, DAY_NS));
}

static const struct token_table *table_from(const struct rate_prices *prices, uint64_t from)
{
    for (size_t i = 0; i < prices->table_count; i++) {
        uint64_t at = prices->tables[i].input_from; /* a seller's "200k-1M" may be either side */
        if (at == from || at == from + 1 || at + 1 == from)
            return &prices->tables[i];
    }
    return NULL;
}

/* Another table's prices for the tokens, with all else as it is. */
static int reprice(const struct plan *plan, const struct rate_prices *prices, const struct facts *f,
                   struct charge *c)
{
    const struct token_table *table = table_from(prices, f->tier_from);
    if (!table || plan_rate_for(plan, f->model)->uplift_count ||
        plan->rounding.scope == ROUND_CLASSES || plan->rounding.scope == ROUND_REQUESTS)
        return -1;
    for (int k = 0; k < USAGE_CLASSES; k++) {
        money amount;
        if (money_multiply(table->price[k], f->usage->tokens[k], &amount) < 0)
            return -1;
        c->total += amount - c->line[k];
        c->line[k] = amount;
    }
    return 0;
}

int facts_charge(const struct plan *plan, const struct facts *f, struct charge *out)
{
    const struct plan_rate *rate = plan_rate_for(plan, f->model);
    *out = (struct charge){0};
    if (!rate)
        return 0;
    struct price_query q = {.usage = f->usage,
                            .service = f->service,
                            .other_service = f->other_service,
                            .at_unix_ns = f->at_ns,
                            .model = f->model,
                            .class_name = f->class_name};
    if (rate->uplift_count)
        q.uplift = plan_rate_uplift(rate, f->labels);
    if (price_request(plan, rate, &q, out) < 0)
        return -1;
    if (f->has_tier &&
        reprice(plan, price_in_force(rate, service_of(rate, f), f->at_ns), f, out) < 0)
        return -1;
    return 1;
}

int facts_price(const struct plan *plan, const struct facts *f, money *out)
{
    struct charge c;
    int sold = facts_charge(plan, f, &c);
    *out = sold > 0 ? c.total : 0;
    return sold;
}

struct facts own_facts(const struct own *o, const struct usage *usage)
{
    return (struct facts){.model = o->model,
                          .class_name = o->class_name,
                          .labels = o->labels,
                          .service = o->service,
                          .other_service = o->other_service,
                          .usage = usage,
                          .at_ns = o->at_ns};
}

struct usage own_billed_usage(const struct own *o, const struct plan *plan)
{
    enum billed what = plan ? price_billed(plan, o->status, o->http_status) : BILLED_DELIVERED;
    if (plan && o->earlier && !plan->billed.retried_each)
        what = BILLED_NONE;
    struct usage u = price_billed_usage(what, &o->usage, o->asked_output);
    if (plan && what != BILLED_NONE)
        tariff_cap_output(plan, false, &u);
    return u;
}

static bool is_billed(const struct own *o, const struct plan *plan)
{
    return (!o->earlier || plan->billed.retried_each) &&
           price_billed(plan, o->status, o->http_status) != BILLED_NONE;
}

static int price_own(struct own_list *out, struct own *o, const struct request *r)
{
    if (!out->plan) {
        o->billed = !o->earlier && r->has_cost;
        o->price = o->billed ? r->cost : 0;
        out->unpriced += !o->earlier && !r->has_cost;
        return 0;
    }
    o->billed = is_billed(o, out->plan);
    if (!o->billed)
        return 0;
    struct usage u = own_billed_usage(o, out->plan);
    struct facts f = own_facts(o, &u);
    int sold = facts_price(out->plan, &f, &o->price);
    out->unpriced += sold == 0;
    return sold < 0 ? -1 : 0;
}

static int add(struct own_list *out, const struct own *o, const struct request *r,
               struct error *err)
{
    mem_grow(&out->items, &out->capacity, out->count + 1, sizeof *out->items);
    struct own *place = &out->items[out->count++];
    *place = *o;
    if (price_own(out, place, r) < 0 || money_add(out->total, place->price, &out->total) < 0)
        return error_set(err, ERR_INPUT, "what request \"%.100s\" costs is beyond 1.7e14 USD",
                         o->id);
    return 0;
}

static enum record_status outcome_of(enum request_status status)
{
    return status == REQUEST_FAILED    ? RECORD_FAILED
           : status == REQUEST_ABORTED ? RECORD_CANCELLED
                                       : RECORD_COMPLETED;
}

/* Of a trace only their number is known: each sent the input. */
static int add_counted(struct own_list *out, struct own o, const struct request *r,
                       struct error *err)
{
    o.earlier = true;
    o.status = RECORD_FAILED;
    o.usage = usage_from_totals(r->input_tokens, 0, 0, 0, 0, 0);
    o.asked_output = 0;
    for (uint32_t k = 1; k < r->attempts; k++)
        if (add(out, &o, r, err) < 0)
            return ERR_INPUT;
    return 0;
}

static int add_known(struct own_list *out, struct own o, const struct request *r,
                     const struct earlier_attempts *e, size_t i, int64_t start_ns,
                     struct error *err)
{
    o.earlier = true;
    for (uint64_t k = e->start[i]; k < e->start[i + 1]; k++) {
        const struct earlier_attempt *a = &e->items[k];
        o.usage = a->usage;
        o.asked_output = a->asked_output;
        o.status = a->status;
        o.http_status = a->http_status;
        o.at_ns =
            start_ns != TIME_NEVER && a->sent_ns != TIME_NEVER ? start_ns + a->sent_ns : TIME_NEVER;
        if (add(out, &o, r, err) < 0)
            return ERR_INPUT;
    }
    return 0;
}

static int add_request(struct own_list *out, const struct serve_rows *rows, size_t i,
                       struct error *err)
{
    const struct workload *w = rows->workload;
    struct request r;
    char made[REQUEST_ID_SIZE];
    const struct earlier_attempts *e = w->earlier;
    int64_t start_ns = w->has_start ? w->start_unix_ns : TIME_NEVER;
    workload_get(w, i, &r);
    uint32_t id = names_add(&out->ids, text_of(workload_request_id(w, i, made)));
    struct own o = {.id = names_text(&out->ids, id),
                    .model = r.model,
                    .class_name = r.class_name,
                    .labels = r.labels,
                    .at_ns = start_ns != TIME_NEVER && serve_due(rows, i) != TIME_NEVER
                                 ? start_ns + serve_due(rows, i)
                                 : TIME_NEVER,
                    .service = r.service,
                    .other_service = r.other_service,
                    .usage = r.usage,
                    .asked_output = e ? e->finals[i].asked_output : r.output_tokens,
                    .status = outcome_of(r.status),
                    .http_status = e ? e->finals[i].http_status : 0};
    o.attempts = e ? (uint32_t)(e->start[i + 1] - e->start[i]) + 1 : r.attempts;
    int status = e ? add_known(out, o, &r, e, i, start_ns, err) : add_counted(out, o, &r, err);
    return status < 0 ? status : add(out, &o, &r, err);
}

int own_list_make(struct own_list *out, const struct workload *w, const struct plan *plan,
                  struct error *err)
{
    *out = (struct own_list){.plan = plan, .requests = w->count};
    names_init(&out->ids);
    struct serve_rows rows = {0};
    int status = workload_check_single(w, "this command", err);
    if (status == 0 && plan && plan_needs_start(plan) && !w->has_start)
        status = error_set(err, ERR_INPUT,
                           "%s has prices by date or hour: give --start, the wall clock of the "
                           "records' first instant",
                           plan->name);
    if (status == 0)
        status = serve_rows_make(&rows, w, (struct serve_duration){0}, err);
    for (size_t i = 0; i < w->count && status == 0; i++)
        status = add_request(out, &rows, i, err);
    serve_rows_free(&rows);
    if (status < 0)
        own_list_free(out);
    return status;
}

bool own_plan_charges_more(const struct plan *p)
{
    return p->subscription.present || p->provisioned.present || p->quota_count > 0 ||
           p->fees.volume_count > 0 || p->fees.minimum > 0;
}

void own_list_free(struct own_list *own)
{
    free(own->items);
    names_free(&own->ids);
    *own = (struct own_list){0};
}
