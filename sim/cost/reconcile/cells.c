#include "sim/cost/reconcile/cells.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define MOST_BUCKETS 1000000
#define MOST_PLACES ((size_t)64 << 20)

/* ---- which classes are told apart ---- */

static const int parent[USAGE_CLASSES] = {
    [USAGE_UNCACHED_INPUT] = USAGE_CLASSES,
    [USAGE_CACHED_INPUT] = USAGE_UNCACHED_INPUT,
    [USAGE_CACHE_WRITE] = USAGE_UNCACHED_INPUT,
    [USAGE_CACHE_WRITE_1H] = USAGE_CACHE_WRITE,
    [USAGE_OUTPUT] = USAGE_CLASSES,
    [USAGE_REASONING] = USAGE_OUTPUT,
    [USAGE_IMAGE_INPUT] = USAGE_UNCACHED_INPUT,
    [USAGE_AUDIO_INPUT] = USAGE_UNCACHED_INPUT,
    [USAGE_VIDEO_INPUT] = USAGE_UNCACHED_INPUT,
    [USAGE_CACHED_IMAGE_INPUT] = USAGE_CACHED_INPUT,
    [USAGE_CACHED_AUDIO_INPUT] = USAGE_CACHED_INPUT,
    [USAGE_IMAGE_OUTPUT] = USAGE_OUTPUT,
    [USAGE_AUDIO_OUTPUT] = USAGE_OUTPUT,
};

static bool some_line_has(const struct cells *c, int class)
{
    for (size_t i = 0; i < c->j->invoice->count; i++) {
        const struct invoice_line *l = &c->j->invoice->lines[i];
        if (c->tokens ? l->usage.tokens[class] > 0 : l->of_class == class)
            return true;
    }
    return false;
}

/* Amounts stand where the invoice has their class. Of tokens only reasoning and what is not text
 * may be inside another class: a report that has no cached input says that none was. */
static void choose_classes(struct cells *c)
{
    c->target[USAGE_CLASSES] = USAGE_CLASSES;
    for (int k = 0; k < USAGE_CLASSES; k++) {
        bool apart = c->tokens && k < USAGE_REASONING;
        int at = k;
        while (at != USAGE_CLASSES && !apart && !some_line_has(c, at)) {
            if (c->tokens && parent[at] == USAGE_CLASSES)
                break;
            at = parent[at];
            apart = c->tokens && at < USAGE_REASONING;
        }
        c->target[k] = at;
    }
}

/* ---- buckets ---- */

static int by_time(const void *a, const void *b)
{
    const struct bucket_time *x = a, *y = b;
    if (x->from_ns != y->from_ns)
        return x->from_ns < y->from_ns ? -1 : 1;
    return x->until_ns < y->until_ns ? -1 : x->until_ns > y->until_ns;
}

/* False, with the error, where they overlap. Days between them that have no line are there too. */
static int list_buckets(struct cells *c, struct error *err)
{
    const struct invoice *invoice = c->j->invoice;
    struct bucket_time *all = mem_alloc((invoice->count + 1) * sizeof *all);
    size_t n = 0;
    for (size_t i = 0; i < invoice->count; i++) {
        const struct invoice_line *l = &invoice->lines[i];
        if (joining_has(c->j, l)) {
            joining_time(l, &all[n].from_ns, &all[n].until_ns);
            n++;
        }
    }
    qsort(all, n, sizeof *all, by_time);
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        struct bucket_time *last = c->bucket_count ? &c->buckets[c->bucket_count - 1] : NULL;
        if (last && by_time(last, &all[i]) == 0)
            continue;
        if (last && all[i].from_ns < last->until_ns)
            status = error_set(err, ERR_INPUT,
                               "the invoice's sums overlap in time: expected days or hours that "
                               "follow each other");
        while (last && status == 0 && last->until_ns < all[i].from_ns &&
               c->bucket_count < MOST_BUCKETS) {
            struct bucket_time gap = {last->until_ns,
                                      last->until_ns + (last->until_ns - last->from_ns)};
            if (gap.until_ns > all[i].from_ns)
                gap.until_ns = all[i].from_ns;
            *(struct bucket_time *)mem_append(&c->buckets, &c->bucket_count, sizeof gap) = gap;
            last = &c->buckets[c->bucket_count - 1];
        }
        *(struct bucket_time *)mem_append(&c->buckets, &c->bucket_count, sizeof *all) = all[i];
    }
    free(all);
    return status;
}

uint32_t cells_bucket(const struct cells *c, int64_t at_ns)
{
    size_t low = 0, high = c->bucket_count;
    if (at_ns == TIME_NEVER)
        return NO_CELL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->buckets[middle].until_ns <= at_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->bucket_count && c->buckets[low].from_ns <= at_ns ? (uint32_t)low : NO_CELL;
}

/* ---- cells ---- */

/* The cell of a place, made where it is not there; its number. */
static uint32_t cells_at(struct cells *c, uint32_t bucket, uint32_t model, enum service service)
{
    if (!c->by_service)
        service = SERVICE_STANDARD;
    uint32_t *at = &c->place[(bucket * c->models.count + model) * CELL_SERVICES + (size_t)service];
    if (*at == NO_CELL) {
        mem_grow(&c->items, &c->capacity, c->count + 1, sizeof *c->items);
        c->items[c->count] =
            (struct cell){.bucket = bucket, .model = model, .service = service, .grain = c->grain};
        *at = (uint32_t)c->count++;
    }
    return *at;
}

static uint32_t model_number(struct cells *c, const char *model)
{
    return names_add(&c->models, text_of(c->by_model && model ? model : ""));
}

static int take_line(struct cells *c, const struct invoice_line *l)
{
    uint32_t bucket = cells_bucket(c, l->from_ns);
    uint32_t at = cells_at(c, bucket, model_number(c, l->model), l->service);
    struct cell *cell = &c->items[at];
    bool first = !cell->has_there;
    money amount = 0;
    cell->has_there = true;
    cell->has_requests = (first || cell->has_requests) && l->has_requests;
    cell->their_requests += l->requests;
    for (int k = 0; k < USAGE_CLASSES && c->tokens; k++)
        cell->there[c->target[k]] += (money)l->usage.tokens[k];
    if (l->has_amount && joining_amount(c->j, l->amount, &amount) < 0)
        return -1;
    cell->has_amount = cell->has_amount || l->has_amount;
    if (!c->tokens) {
        money usd = amount, *asked = &cell->asked[l->of_class], *there = &cell->there[l->of_class];
        if (c->j->out->per_usd && terms_unscale(amount, c->j->out->per_usd, &usd, NULL) < 0)
            return -1;
        if (terms_is_floating(usd))
            usd = money_round(usd, MONEY_PICO_USD);
        return money_add(*asked, amount, asked) < 0 ? -1 : money_add(*there, usd, there);
    }
    return money_add(cell->amount, amount, &cell->amount);
}

static bool some_bucket(const struct cells *c, bool model)
{
    for (size_t i = 0; i < c->j->invoice->count; i++) {
        const struct invoice_line *l = &c->j->invoice->lines[i];
        if (joining_has(c->j, l) && (model ? l->model != NULL : l->has_service))
            return true;
    }
    return false;
}

static int make_places(struct cells *c, struct error *err)
{
    const struct own_list *own = c->j->own;
    c->row_model = mem_alloc((own->count + 1) * sizeof *c->row_model);
    c->row_cell = mem_alloc((own->count + 1) * sizeof *c->row_cell);
    c->rows = mem_alloc((own->count + 1) * sizeof *c->rows);
    for (size_t i = 0; i < own->count; i++)
        c->row_model[i] = model_number(c, own->items[i].model);
    for (size_t i = 0; i < c->j->invoice->count; i++)
        if (joining_has(c->j, &c->j->invoice->lines[i]))
            model_number(c, c->j->invoice->lines[i].model);
    size_t places = c->bucket_count * c->models.count * CELL_SERVICES;
    if (places > MOST_PLACES)
        return error_set(err, ERR_INPUT,
                         "%zu stretches of time for %zu models are too many: give a report by days",
                         c->bucket_count, c->models.count);
    c->place = mem_alloc((places + 1) * sizeof *c->place);
    for (size_t i = 0; i < places; i++)
        c->place[i] = NO_CELL;
    c->renamed = mem_alloc((c->models.count + 1) * sizeof *c->renamed);
    for (size_t i = 0; i < c->models.count; i++)
        c->renamed[i] = (uint32_t)i;
    return 0;
}

/* The coarsest power of ten that all amounts are multiples of, where that is no finer than amounts
 * are written in. */
static void find_grain(struct cells *c)
{
    money grain = MONEY_USD;
    for (size_t i = 0; i < c->count; i++)
        for (int k = 0; k < CELL_VALUES; k++)
            while (grain > MONEY_PICO_USD && c->items[i].asked[k] % grain != 0)
                grain /= 10;
    c->grain = grain > MONEY_PICO_USD ? grain : 0;
    for (size_t i = 0; i < c->count; i++)
        c->items[i].grain = c->grain;
}

int cells_make(struct cells *c, struct joining *j, struct error *err)
{
    *c = (struct cells){.j = j, .tokens = invoice_has_usage(j->invoice)};
    names_init(&c->models);
    seen_make(&c->seen, j->own);
    choose_classes(c);
    c->by_model = some_bucket(c, true);
    c->by_service = some_bucket(c, false);
    int status = list_buckets(c, err);
    if (status == 0)
        status = make_places(c, err);
    for (size_t i = 0; i < j->invoice->count && status == 0; i++)
        if (joining_has(j, &j->invoice->lines[i]))
            status = take_line(c, &j->invoice->lines[i]);
    if (status == 0 && !c->tokens)
        find_grain(c);
    if (status < 0)
        cells_free(c);
    return status;
}

void cells_free(struct cells *c)
{
    names_free(&c->models);
    seen_free(&c->seen);
    free(c->buckets);
    free(c->renamed);
    free(c->items);
    free(c->place);
    free(c->row_cell);
    free(c->row_model);
    free(c->start);
    free(c->rows);
    *c = (struct cells){0};
}

/* ---- one's own ---- */

void cells_row(const struct cells *c, size_t own, money out[CELL_VALUES])
{
    const struct own *o = &c->j->own->items[own];
    struct usage u = o->billed ? own_billed_usage(o, c->j->how->plan) : o->usage;
    memset(out, 0, CELL_VALUES * sizeof *out);
    if (c->tokens) {
        for (int k = 0; k < USAGE_CLASSES; k++)
            out[c->target[k]] += (money)u.tokens[k];
        return;
    }
    struct facts f = own_facts(o, &u);
    struct charge charge;
    if (!c->j->how->plan || facts_charge(c->j->how->plan, &f, &charge) < 0) {
        out[USAGE_CLASSES] = o->price;
        return;
    }
    for (int k = 0; k < CHARGE_LINES; k++)
        out[k < USAGE_CLASSES ? c->target[k] : USAGE_CLASSES] += charge.line[k];
}

static void sort_rows(struct cells *c)
{
    size_t n = c->j->own->count;
    free(c->start);
    c->start = mem_zero(c->count + 2, sizeof *c->start);
    for (size_t i = 0; i < n; i++)
        if (c->row_cell[i] != NO_CELL)
            c->start[c->row_cell[i] + 2]++;
    for (size_t i = 0; i < c->count; i++)
        c->start[i + 2] += c->start[i + 1];
    for (size_t i = 0; i < n; i++)
        if (c->row_cell[i] != NO_CELL)
            c->rows[c->start[c->row_cell[i] + 1]++] = (uint32_t)i;
}

void cells_place(struct cells *c, int64_t offset_ns)
{
    const struct own_list *own = c->j->own;
    for (size_t i = 0; i < c->count; i++) {
        struct cell *cell = &c->items[i];
        memset(cell->ours, 0, sizeof cell->ours);
        cell->our_requests = 0;
        cell->price = 0;
    }
    for (size_t i = 0; i < own->count; i++) {
        const struct own *o = &own->items[i];
        int64_t at_ns = o->at_ns == TIME_NEVER ? TIME_NEVER : o->at_ns + offset_ns;
        uint32_t bucket = cells_bucket(c, at_ns);
        c->row_cell[i] = NO_CELL;
        if (bucket == NO_CELL)
            continue;
        money value[CELL_VALUES];
        c->row_cell[i] = cells_at(c, bucket, c->renamed[c->row_model[i]], o->service);
        struct cell *cell = &c->items[c->row_cell[i]];
        if (!o->billed)
            continue;
        cells_row(c, i, value);
        for (int k = 0; k < CELL_VALUES; k++)
            cell->ours[k] += value[k];
        cell->our_requests += !o->earlier;
        cell->price += o->price;
    }
    sort_rows(c);
}

bool cell_differs(const struct cell *cell, money out[CELL_VALUES])
{
    bool differs = false;
    for (int k = 0; k < CELL_VALUES; k++) {
        out[k] = cell->there[k] - cell->ours[k] - cell->found[k];
        differs = differs || out[k] > cell->grain || out[k] < -cell->grain;
    }
    return differs;
}

bool cell_requests_differ(const struct cell *cell, int64_t *out)
{
    *out = (int64_t)cell->their_requests - (int64_t)cell->our_requests - cell->found_requests;
    return cell->has_requests || !cell->has_there;
}

/* ---- prices of differences ---- */

/* The one table of prices that holds for all requests of the cell; NULL. */
static const struct rate_prices *only_prices(const struct cells *c, const struct cell *cell)
{
    const struct plan *plan = c->j->how->plan;
    const char *model = names_text(&c->models, cell->model);
    if (!plan || plan->rounding.scope == ROUND_CLASSES || plan->rounding.scope == ROUND_REQUESTS ||
        plan->fees.minimum_per_request > 0)
        return NULL;
    const struct plan_rate *rate = plan_rate_for(plan, c->by_model && *model ? model : NULL);
    if (!rate || rate->window_count > 0 || rate->weight_count > 0 || rate->uplift_count > 0 ||
        cell->service == SERVICE_OTHER || (!c->by_service && (rate->services_priced & ~1)) ||
        (!c->by_model && plan->rate_count > 1))
        return NULL;
    const struct rate_prices *p = price_in_force(rate, (size_t)cell->service, TIME_NEVER);
    return p->table_count == 1 ? p : NULL;
}

/* One request of these tokens, or one less; false where they are of no one request. */
static bool price_one(const struct cells *c, const struct cell *cell,
                      const money value[CELL_VALUES], int sign, money *out)
{
    const struct plan *plan = c->j->how->plan;
    const char *model = names_text(&c->models, cell->model);
    struct usage u = {0};
    struct facts f = {.model = c->by_model && *model ? model : NULL,
                      .service = cell->service,
                      .usage = &u,
                      .at_ns = c->buckets[cell->bucket].from_ns};
    const struct plan_rate *rate = plan ? plan_rate_for(plan, f.model) : NULL;
    for (size_t i = 0; rate && i < rate->window_count; i++)
        if (rate->windows[i].timed || rate->windows[i].weekdays != 0x7f)
            return false; /* it depends on its hour */
    for (int k = 0; k < USAGE_CLASSES; k++) {
        if (value[k] * sign < 0)
            return false;
        u.tokens[k] = (uint64_t)(value[k] * sign);
    }
    if (!rate || rate->uplift_count > 0 || cell->service == SERVICE_OTHER ||
        (!c->by_service && (rate->services_priced & ~1)) ||
        (!c->by_model && plan->rate_count > 1) || facts_price(plan, &f, out) <= 0)
        return false;
    *out *= sign;
    return true;
}

bool cells_price(const struct cells *c, const struct cell *cell, const money value[CELL_VALUES],
                 int64_t requests, money *out)
{
    *out = 0;
    if (!c->tokens) {
        for (int k = 0; k < CELL_VALUES; k++)
            *out += value[k];
        return true;
    }
    const struct rate_prices *p = only_prices(c, cell);
    money amount;
    if (!p)
        return (requests == 1 || requests == -1) && price_one(c, cell, value, (int)requests, out);
    for (int k = 0; k < USAGE_CLASSES; k++) {
        if (__builtin_mul_overflow(p->tables[0].price[k], value[k], &amount))
            return false;
        *out += amount;
    }
    if (__builtin_mul_overflow(p->per_request_micro * PLAN_MICRO, (money)requests, &amount))
        return false;
    *out += amount;
    return true;
}
