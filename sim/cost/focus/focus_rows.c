#include "sim/cost/focus/focus_rows.h"

#include "core/memory.h"
#include "sim/cost/shares/remainder.h"

#include <stdlib.h>
#include <string.h>

#define DAY_NS (86400 * NS_PER_S)
#define MICRO_USD (MONEY_USD / PLAN_MICRO)

/* ---- rows by what they are for ---- */

static bool is_same(const struct focus_row *a, const struct focus_row *b)
{
    return a->begin_ns == b->begin_ns && a->span == b->span && a->kind == b->kind &&
           a->model == b->model && a->labels == b->labels && a->service == b->service &&
           a->price == b->price &&
           (a->name == b->name || (a->name && b->name && strcmp(a->name, b->name) == 0));
}

static size_t hash_of(const struct focus_row *r)
{
    const uint64_t parts[] = {
        (uint64_t)r->begin_ns, r->span, (uint64_t)r->kind, r->model, r->labels, r->service,
        (uint64_t)r->price};
    return (size_t)text_hash((const char *)parts, sizeof parts);
}

static void put_slot(struct focus_rows *f, size_t row)
{
    size_t at = hash_of(&f->rows[row]) & (f->slot_count - 1);
    while (f->slots[at])
        at = (at + 1) & (f->slot_count - 1);
    f->slots[at] = (uint32_t)row + 1;
}

static void grow_slots(struct focus_rows *f)
{
    if (2 * (f->count + 1) <= f->slot_count)
        return;
    f->slot_count = f->slot_count ? 2 * f->slot_count : 1024;
    free(f->slots);
    f->slots = mem_zero(f->slot_count, sizeof *f->slots);
    for (size_t i = 0; i < f->count; i++)
        put_slot(f, i);
}

/* The row of the same, or a new one; lent until the next call. */
static struct focus_row *row_like(struct focus_rows *f, const struct focus_row *like)
{
    grow_slots(f);
    for (size_t at = hash_of(like) & (f->slot_count - 1); f->slots[at];
         at = (at + 1) & (f->slot_count - 1))
        if (is_same(&f->rows[f->slots[at] - 1], like))
            return &f->rows[f->slots[at] - 1];
    mem_grow(&f->rows, &f->capacity, f->count + 1, sizeof *f->rows);
    f->rows[f->count] = *like;
    put_slot(f, f->count);
    return &f->rows[f->count++];
}

/* ---- requests ---- */

/* One request on its way into the rows. */
struct item {
    struct focus_rows *f;
    size_t row;
    struct focus_row like; /* whose and when */
    bool counted;          /* it has a row that says so */
};

static struct focus_row *item_row(struct item *x, int kind, const char *name, money price)
{
    const struct workload *w = x->f->bill->workload;
    struct focus_row like = x->like;
    like.kind = (enum focus_kind)kind;
    like.name = name;
    like.price = price;
    struct focus_row *r = row_like(x->f, &like);
    if (!x->counted && kind != FOCUS_INCLUDED && kind != FOCUS_VOLUME && kind != FOCUS_ROUNDING) {
        x->counted = r->counts = true;
        r->requests++;
        r->input_tokens += w->input_tokens[x->row];
        r->output_tokens +=
            serve_capped_output(x->f->p->plan, x->f->p->without_caps, w->output_tokens[x->row]);
    }
    return r;
}

/* So much of something at its price; gives what that costs. */
static money add_priced(struct item *x, int kind, const char *name, money price, money quantity,
                        money consumed, money cost)
{
    struct focus_row *r = item_row(x, kind, name, price);
    r->quantity += quantity;
    r->consumed += consumed;
    r->billed += cost;
    r->effective += cost;
    r->list += cost;
    return cost;
}

static money add_classes(struct item *x, const struct row_prices *prices)
{
    money sum = 0;
    for (int c = 0; c < USAGE_CLASSES; c++) {
        uint64_t tokens = prices->usage.tokens[c];
        money price = prices->table.price[c], quantity = (money)tokens * MONEY_USD;
        if (tokens > 0 && prices->table.priced)
            sum += add_priced(x, c, NULL, price, quantity, quantity, price * (money)tokens);
    }
    return sum;
}

static money add_extras(struct item *x, const struct row_prices *prices)
{
    money sum = 0;
    for (size_t i = 0; i < prices->usage.extra_count; i++) {
        const struct usage_extra *e = &prices->usage.extras[i];
        const struct named_fee *fee = price_fee_of(prices->rate, e->is_unit, e->name);
        if (!fee || e->count_micro <= 0)
            continue;
        uint64_t billed = price_billed_count(fee, (uint64_t)e->count_micro);
        sum += add_priced(x, e->is_unit ? FOCUS_UNIT : FOCUS_TOOL, e->name,
                          fee->price_micro * PLAN_MICRO, (money)billed * MICRO_USD,
                          (money)e->count_micro * MICRO_USD, fee->price_micro * (money)billed);
    }
    return sum;
}

/* What a request that is paid for was charged, item by item. */
static void add_paid(struct item *x, const struct row_charge *c)
{
    struct row_prices prices;
    const struct workload *w = x->f->bill->workload;
    money left = c->last.total;
    if (left + c->retries > 0 || c->last.unpriced) {
        if (tariff_prices(&x->f->ledger.purchase.tariff, x->row, &prices)) {
            left -= add_classes(x, &prices);
            if (prices.per_request_micro > 0)
                left -= add_priced(x, FOCUS_REQUEST, NULL, prices.per_request_micro * PLAN_MICRO,
                                   (money)prices.weight_micro * MICRO_USD,
                                   (money)prices.weight_micro * MICRO_USD,
                                   prices.per_request_micro * (money)prices.weight_micro);
            left -= add_extras(x, &prices);
        }
    }
    if (c->retries > 0)
        add_priced(x, FOCUS_RETRIES, NULL, MONEY_USD, c->retries,
                   (money)(w->attempts && w->attempts[x->row] > 1 ? w->attempts[x->row] - 1 : 1) *
                       MONEY_USD,
                   c->retries);
    if (left != 0)
        add_priced(x, FOCUS_ROUNDING, NULL, 0, 0, 0, left);
}

/* The list price of what an allowance took: that of a request, where the plan sells them by it. */
static money list_price(const struct item *x)
{
    const struct ledger *l = &x->f->ledger;
    struct row_prices prices;
    if (l->meter.kind != METER_REQUESTS || !l->meter.is_quota ||
        !tariff_prices(&l->purchase.tariff, x->row, &prices) || prices.table.priced)
        return 0;
    return prices.per_request_micro * PLAN_MICRO;
}

static void add_metered(struct item *x)
{
    const struct ledger *l = &x->f->ledger;
    x->like.span = ledger_span_of(l, x->row);
    money price = list_price(x);
    struct focus_row *r = item_row(x, FOCUS_USED, NULL, price);
    r->metered += l->metered[x->row];
    x->like.span = 0;
}

static void add_request(struct focus_rows *f, size_t i)
{
    const struct workload *w = f->bill->workload;
    const struct ledger *l = &f->ledger;
    int64_t day = clock_floor(f->bill->start_unix_ns + ledger_start_ns(l, i), DAY_NS);
    struct item x = {.f = f, .row = i};
    struct row_charge c;
    x.like = (struct focus_row){.begin_ns = day,
                                .end_ns = day + DAY_NS,
                                .model = NAME_NONE,
                                .labels = w->labels ? w->labels[i] : NAME_NONE,
                                .service = w->service ? w->service[i] : SERVICE_STANDARD};
    if (w->model && w->model[i] != UINT16_MAX)
        x.like.model = w->model[i];
    if (l->metered && l->metered[i] > 0)
        add_metered(&x);
    if (tariff_charge(&l->purchase.tariff, i, &c) == 0)
        add_paid(&x, &c);
    if (l->covered && l->covered[i] > 0)
        add_priced(&x, FOCUS_INCLUDED, NULL, 0, 0, 0, -l->covered[i]);
    if (f->p->cash[LINE_VOLUME] != 0 && l->charge[i] > 0) /* its weight, until it is divided */
        item_row(&x, FOCUS_VOLUME, NULL, 0)->billed += l->charge[i];
    if (!x.counted)
        add_priced(&x, FOCUS_FREE, NULL, 0, MONEY_USD, MONEY_USD, 0);
}

/* ---- what does not belong to a request ---- */

/* A row of nobody's, for [begin, end) of the workload's time. */
static struct focus_row *add_row(struct focus_rows *f, enum focus_kind kind, int64_t begin_ns,
                                 int64_t end_ns, money cost)
{
    struct focus_row like = {.begin_ns = f->bill->start_unix_ns + begin_ns,
                             .end_ns = f->bill->start_unix_ns + end_ns,
                             .kind = kind,
                             .model = NAME_NONE,
                             .labels = NAME_NONE,
                             .price = cost > 0 ? cost : 0};
    struct focus_row *r = row_like(f, &like);
    r->quantity += MONEY_USD;
    r->billed += cost;
    r->effective += cost;
    r->list += cost;
    return r;
}

/* On the bill's last day. */
static void add_line(struct focus_rows *f, enum focus_kind kind, money cost)
{
    int64_t start = f->bill->start_unix_ns;
    int64_t last = bill_paid_until(f->bill, f->p->served.last_start_ns);
    int64_t day = clock_floor(start + last, DAY_NS) - start;
    if (cost != 0)
        add_row(f, kind, day, day + DAY_NS, cost);
}

/* The row's price and number where the price is that of one: seats, units, months. */
static void price_purchase(const struct focus_rows *f, struct focus_row *r)
{
    const struct plan *plan = f->p->plan;
    bool both = f->p->cash[LINE_SUBSCRIPTION] != 0 && f->p->cash[LINE_PROVISIONED] != 0;
    money one =
        f->p->cash[LINE_SUBSCRIPTION] != 0 ? plan->subscription.price : plan->provisioned.price;
    if (both || one <= 0 || r->billed % one != 0)
        return;
    r->price = one;
    r->quantity = r->billed / one * MONEY_USD;
}

/* Both are without effective cost: the usage that they pay for has it. */
static void add_purchases(struct focus_rows *f)
{
    for (size_t i = 0; i < f->ledger.span_count; i++) {
        const struct paid_span *s = &f->ledger.spans[i];
        struct focus_row *r = add_row(f, FOCUS_SUBSCRIPTION, s->begin_ns, s->end_ns, s->fee);
        r->effective = 0;
        r->metered = s->capacity;
        price_purchase(f, r);
    }
    int64_t first = f->bill->first_ns;
    if (f->p->cash[LINE_SETUP] != 0)
        add_row(f, FOCUS_SETUP, first, first + DAY_NS, f->p->cash[LINE_SETUP]);
}

static void add_unused(struct focus_rows *f)
{
    for (size_t i = 0; i < f->ledger.span_count; i++) {
        const struct paid_span *s = &f->ledger.spans[i];
        if (s->capacity > s->used || s->used == 0) {
            struct focus_row *r = add_row(f, FOCUS_UNUSED, s->begin_ns, s->end_ns, 0);
            r->span = i;
            r->metered = s->capacity - s->used;
        }
    }
}

/* ---- divisions ---- */

/* Divides `whole` among the rows that `is` picks, by their weights, into their effective cost and,
 * where it is `billed`, their billed and list cost, too. */
struct sharing {
    size_t *rows;
    money *weights, *parts;
    size_t count;
};

static void divide(struct focus_rows *f, struct sharing *x, money whole, bool billed)
{
    remainder_divide(whole, x->weights, x->count, remainder_unit(whole), x->parts);
    for (size_t i = 0; i < x->count; i++) {
        struct focus_row *r = &f->rows[x->rows[i]];
        r->effective = x->parts[i];
        if (billed)
            r->billed = r->list = x->parts[i];
    }
}

static void sharing_add(struct sharing *x, size_t row, money weight)
{
    x->rows[x->count] = row;
    x->weights[x->count++] = weight;
}

static int by_span(const void *a, const void *b)
{
    const struct focus_row *x = a, *y = b;
    bool mine = x->kind == FOCUS_USED || x->kind == FOCUS_UNUSED;
    bool theirs = y->kind == FOCUS_USED || y->kind == FOCUS_UNUSED;
    if (mine != theirs)
        return mine ? -1 : 1;
    return x->span != y->span ? (x->span < y->span ? -1 : 1) : 0;
}

/* The fee of each span among the rows of usage that it paid for, and the unused one. */
static void divide_fees(struct focus_rows *f, struct sharing *x)
{
    qsort(f->rows, f->count, sizeof *f->rows, by_span);
    size_t at = 0;
    for (size_t s = 0; s < f->ledger.span_count; s++) {
        x->count = 0;
        for (; at < f->count && f->rows[at].span == s &&
               (f->rows[at].kind == FOCUS_USED || f->rows[at].kind == FOCUS_UNUSED);
             at++)
            sharing_add(x, at, (money)f->rows[at].metered);
        if (x->count > 0)
            divide(f, x, f->ledger.spans[s].fee, false);
    }
}

/* Discounts and credit: the bill's line, in the proportion of what the rows have. */
static void divide_line(struct focus_rows *f, struct sharing *x, enum focus_kind kind, money line)
{
    money sum = 0;
    x->count = 0;
    for (size_t i = 0; i < f->count; i++)
        if (f->rows[i].kind == kind) {
            money part = f->rows[i].billed;
            sharing_add(x, i, part < 0 ? -part : part);
            sum += part;
        }
    if (x->count > 0 && sum != line)
        divide(f, x, line, true);
    else if (x->count == 0)
        add_line(f, kind, line);
}

static void finish_quantities(struct focus_rows *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct focus_row *r = &f->rows[i];
        if (r->kind != FOCUS_USED && r->kind != FOCUS_UNUSED)
            continue;
        r->quantity = ledger_quantity(&f->ledger, r->metered);
        r->consumed = r->kind == FOCUS_USED ? r->quantity : 0;
        r->list = 0;
        if (r->price > 0 && money_scale(r->price, r->quantity, &r->list) < 0)
            r->price = r->list = 0;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct focus_row *x = a, *y = b;
    int names = strcmp(x->name ? x->name : "", y->name ? y->name : "");
#define ORDER(member)           \
    if (x->member != y->member) \
    return x->member < y->member ? -1 : 1
    ORDER(begin_ns);
    ORDER(end_ns);
    ORDER(kind);
    ORDER(model);
    ORDER(service);
    ORDER(labels);
    ORDER(span);
    if (names != 0)
        return names;
    ORDER(price);
#undef ORDER
    return 0;
}

static void add_everything(struct focus_rows *f)
{
    const money *cash = f->p->cash;
    struct sharing x;
    for (size_t i = 0; i < f->ledger.count; i++)
        if (f->ledger.served[i])
            add_request(f, i);
    add_purchases(f);
    add_unused(f);
    x.rows = mem_alloc((f->count + 1) * sizeof *x.rows);
    x.weights = mem_alloc((f->count + 1) * sizeof *x.weights);
    x.parts = mem_alloc((f->count + 1) * sizeof *x.parts);
    divide_line(f, &x, FOCUS_INCLUDED, cash[LINE_INCLUDED]);
    divide_line(f, &x, FOCUS_VOLUME, cash[LINE_VOLUME]);
    add_line(f, FOCUS_CREDIT_FEE, cash[LINE_CREDIT_FEE]);
    add_line(f, FOCUS_MINIMUM, cash[LINE_MINIMUM]);
    add_line(f, FOCUS_ROUNDED, cash[LINE_ROUNDING]);
    divide_fees(f, &x);
    free(x.rows);
    free(x.weights);
    free(x.parts);
    finish_quantities(f);
    qsort(f->rows, f->count, sizeof *f->rows, by_time);
}

int focus_rows_make(struct focus_rows *out, const struct bill *bill, size_t plan, struct error *err)
{
    *out = (struct focus_rows){.bill = bill, .p = &bill->plans[plan]};
    if (!bill->has_start)
        return error_set(err, ERR_INPUT,
                         "FOCUS rows have dates, and the workload does not say when it starts; "
                         "give --start 2026-11-01T00:00:00Z");
    if (bill->scale_ns > 0)
        return error_set(err, ERR_INPUT,
                         "FOCUS rows are charges for requests, and these were scaled to a period; "
                         "leave --volume and --period out, or take a smaller one");
    ledger_open(&out->ledger, bill, plan);
    add_everything(out);
    free(out->slots);
    out->slots = NULL;
    return 0;
}

void focus_rows_free(struct focus_rows *f)
{
    if (f->p)
        ledger_close(&f->ledger);
    free(f->rows);
    free(f->slots);
    *f = (struct focus_rows){0};
}
