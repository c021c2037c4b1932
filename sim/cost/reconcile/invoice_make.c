#include "sim/cost/reconcile/invoice_make.h"

#include "core/memory.h"
#include "sim/cost/reconcile/invoice_draft.h"

#include <stdlib.h>
#include <string.h>

static void begin(struct draft *d)
{
    const struct own_list *own = d->own;
    d->lines = mem_zero(own->count + 1, sizeof *d->lines);
    d->count = d->capacity = own->count;
    for (size_t i = 0; i < own->count; i++) {
        const struct own *o = &own->items[i];
        struct draft_line *l = &d->lines[i];
        l->own = o;
        l->at_ns = o->at_ns;
        l->model = l->price_model = o->model;
        l->service = o->service;
        l->other_service = o->other_service;
        l->billed = o->billed;
        l->usage = o->billed ? own_billed_usage(o, d->how->plan) : o->usage;
    }
}

static void add_tokens(struct usage *to, const struct usage *u)
{
    for (int c = 0; c < USAGE_CLASSES; c++)
        to->tokens[c] += u->tokens[c];
}

/* What of a line is the same for all that one sum holds. */
static struct invoice_line *sum_of(struct invoice *out, const struct draft_line *l,
                                   int64_t length_ns, struct names *keys)
{
    char key[256];
    int64_t from = clock_floor(l->at_ns, length_ns);
    snprintf(key, sizeof key, "%lld|%d|%.60s|%.160s", (long long)from, (int)l->service,
             l->other_service ? l->other_service : "", l->model ? l->model : "");
    size_t known = keys->count;
    uint32_t n = names_add(keys, text_of(key));
    if (n < known)
        return &out->lines[n];
    struct invoice_line *line = invoice_add(out);
    line->kind = LINE_OF_BUCKET;
    line->from_ns = from;
    line->until_ns = from + length_ns;
    line->has_requests = true;
    return line;
}

static struct invoice_line *line_of(struct invoice *out, const struct draft_line *l)
{
    struct invoice_line *line = invoice_add(out);
    line->from_ns = line->until_ns = l->at_ns;
    line->id = invoice_text(out, text_of(l->own ? l->own->id : l->id));
    line->labels = l->own && l->own->labels ? invoice_text(out, text_of(l->own->labels)) : NULL;
    line->has_tier = l->has_tier;
    line->tier_from = l->tier_from;
    line->has_requests = true;
    return line;
}

static int add_line(struct invoice *out, const struct draft *d, const struct draft_line *l,
                    struct names *keys)
{
    money list;
    if (draft_list(d, l, &list) < 0)
        return -1;
    struct invoice_line *line =
        d->how->bucket_ns ? sum_of(out, l, d->how->bucket_ns, keys) : line_of(out, l);
    line->model = l->model ? invoice_text(out, text_of(l->model)) : NULL;
    line->service = l->service;
    line->other_service = l->other_service ? invoice_text(out, text_of(l->other_service)) : NULL;
    line->has_service = true;
    line->has_usage = true;
    line->requests += !(l->own && l->own->earlier);
    add_tokens(&line->usage, &l->usage);
    if (!d->how->bucket_ns && l->usage.extra_count > 0) {
        line->usage.extras = l->usage.extras; /* borrowed of the records: written at once */
        line->usage.extra_count = l->usage.extra_count;
    }
    return money_add(line->list, list, &line->list);
}

static int add_charge(struct invoice *out, enum cause c, money usd, const struct terms *terms)
{
    struct invoice_line *line = invoice_add(out);
    struct terms only = *terms;
    only.factor = TERMS_ONE;
    only.unit = 0;
    line->kind = LINE_CHARGE;
    line->charge = c;
    line->has_amount = true;
    return terms_apply(&only, usd, &line->amount);
}

/* Lists become amounts; credit and tax are lines of their own. */
static int settle(struct invoice *out, const struct draft *d)
{
    money sum = 0;
    for (size_t i = 0; i < out->count; i++) {
        struct invoice_line *l = &out->lines[i];
        money paid;
        if (terms_scale(l->list, d->terms.factor, &paid, NULL) < 0 ||
            money_add(sum, paid, &sum) < 0 || terms_apply(&d->terms, l->list, &l->amount) < 0 ||
            terms_scale(l->list, d->terms.per_usd, &l->list, NULL) < 0)
            return -1;
        l->has_amount = !d->how->without_amounts;
        l->has_list = !d->how->bucket_ns && !d->how->without_list && l->has_amount;
        l->has_usage = !d->how->without_usage;
        l->has_requests = l->has_requests && (l->has_usage || !d->how->bucket_ns);
    }
    money tax;
    if (terms_scale(sum, d->tax_millionths, &tax, NULL) < 0)
        return -1;
    if (d->credit > 0 && add_charge(out, CAUSE_CREDIT, -d->credit, &d->terms) < 0)
        return -1;
    return tax > 0 ? add_charge(out, CAUSE_TAX, tax, &d->terms) : 0;
}

static int finish(struct invoice *out, const struct draft *d)
{
    struct names keys;
    int status = 0;
    invoice_init(out);
    names_init(&keys);
    for (size_t i = 0; i < d->count && status == 0; i++)
        if (d->lines[i].billed)
            status = add_line(out, d, &d->lines[i], &keys);
    names_free(&keys);
    if (status == 0)
        status = settle(out, d);
    if (d->terms.per_usd != TERMS_ONE) {
        memcpy(out->currency, d->how->faults[CAUSE_CURRENCY].currency, 3);
        out->per_usd = d->terms.per_usd;
    }
    return status;
}

/* In USD, by the rate of the invoice: its usage, and its charges by cause. */
static int sum_usd(const struct draft *d, money *usage, money charges[CAUSES])
{
    struct invoice made;
    int status = finish(&made, d);
    *usage = 0;
    memset(charges, 0, CAUSES * sizeof *charges);
    for (size_t i = 0; i < made.count && status == 0; i++) {
        const struct invoice_line *l = &made.lines[i];
        money usd, *sum = l->kind == LINE_CHARGE ? &charges[l->charge] : usage;
        status = terms_unscale(l->amount, d->terms.per_usd, &usd, NULL);
        if (status == 0)
            status = money_add(*sum, usd, sum);
    }
    invoice_free(&made);
    return status;
}

/* A fault that finds nothing to change is an error, as silence would look like success. */
static int apply_all(struct draft *d, money truth[CAUSES], uint64_t changed[CAUSES],
                     struct error *err)
{
    money before = 0, after = 0, charges[CAUSES];
    if (sum_usd(d, &before, charges) < 0)
        return -1;
    for (int c = 0; c < CAUSES; c++) {
        truth[c] = 0;
        changed[c] = 0;
        if (!d->how->faults[c].given)
            continue;
        changed[c] = draft_apply(d, (enum cause)c);
        if (changed[c] == 0)
            return error_set(err, ERR_INPUT, "--fault %s finds nothing in these records to change",
                             cause_name((enum cause)c));
        if (sum_usd(d, &after, charges) < 0)
            return -1;
        truth[c] = after - before;
        before = after;
    }
    truth[CAUSE_CREDIT] = charges[CAUSE_CREDIT];
    truth[CAUSE_TAX] = charges[CAUSE_TAX];
    return 0;
}

static int check(const struct own_list *own, const struct invoice_making *how, struct error *err)
{
    if (!how->plan)
        return error_set(err, ERR_INPUT, "an invoice needs a plan that says what things cost");
    for (size_t i = 0; i < own->count && how->bucket_ns > 0; i++)
        if (own->items[i].at_ns == TIME_NEVER)
            return error_set(err, ERR_INPUT,
                             "an invoice by days needs to know when each request was: give "
                             "--start, the wall clock of the first instant");
    return 0;
}

int invoice_make(struct invoice *out, const struct own_list *own, const struct invoice_making *how,
                 money truth[CAUSES], uint64_t changed[CAUSES], struct error *err)
{
    struct draft d = {.own = own, .how = how, .terms = terms_none(), .price_at_ns = TIME_NEVER};
    if (check(own, how, err) < 0)
        return ERR_INPUT;
    random_init(&d.random, how->seed, RANDOM_FAULTS, 0);
    begin(&d);
    int status = apply_all(&d, truth, changed, err);
    if (status == 0 && finish(out, &d) < 0) {
        invoice_free(out);
        status = -1;
    }
    free(d.lines);
    if (status < 0)
        error_set(err, ERR_INPUT, "the amounts of this invoice are beyond 1.7e14 USD");
    return status < 0 ? ERR_INPUT : 0;
}
