#include "sim/cost/reconcile/reconcile.h"

#include "core/memory.h"
#include "sim/cost/reconcile/joining.h"

#include <stdlib.h>
#include <string.h>

/* ---- findings ---- */

static struct finding *finding_of(struct reconciliation *r, uint32_t causes)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->findings[i].causes == causes)
            return &r->findings[i];
    struct finding *f = mem_append(&r->findings, &r->count, sizeof *f);
    f->causes = causes;
    return f;
}

void finding_add(struct joining *j, uint32_t causes, money usd, uint64_t rows)
{
    struct finding *f = finding_of(j->out, causes);
    f->usd += usd;
    *(usd > 0 ? &f->up : &f->down) += usd;
    f->rows += rows;
}

void finding_move(struct joining *j, uint32_t causes, money moved, uint64_t rows)
{
    struct finding *f = finding_of(j->out, causes);
    f->moved += moved;
    f->rows += rows;
}

void finding_moved(struct joining *j, uint32_t causes, money moved)
{
    finding_of(j->out, causes)->moved += moved;
}

const struct finding *reconciliation_find(const struct reconciliation *r, uint32_t causes)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->findings[i].causes == causes)
            return &r->findings[i];
    return NULL;
}

static bool is_one(uint32_t causes)
{
    return (causes & (causes - 1)) == 0;
}

static int by_cause(const void *a, const void *b)
{
    uint32_t x = ((const struct finding *)a)->causes, y = ((const struct finding *)b)->causes;
    if (is_one(x) != is_one(y))
        return is_one(x) ? -1 : 1;
    return x < y ? -1 : x > y;
}

static money size_of(money a)
{
    return a < 0 ? -a : a;
}

money reconciliation_unexplained(const struct reconciliation *r)
{
    money sum = size_of(r->rest);
    for (size_t i = 0; i < r->count; i++)
        if (!is_one(r->findings[i].causes))
            sum += size_of(r->findings[i].usd);
    return sum;
}

/* ---- currencies ---- */

int joining_amount(const struct joining *j, money amount, money *out)
{
    if (j->out->per_usd || !j->how->usd_each) {
        *out = amount;
        return 0;
    }
    return terms_scale(amount, j->how->usd_each, out, NULL);
}

int joining_usd(const struct joining *j, money amount, money *out)
{
    *out = amount;
    if (!j->out->per_usd)
        return 0;
    return j->how->usd_each ? terms_scale(amount, j->how->usd_each, out, NULL)
                            : terms_unscale(amount, j->out->per_usd, out, NULL);
}

static int check_currency(const struct reconciliation *r, const struct reconcile_options *how,
                          struct error *err)
{
    if (strcmp(r->currency, "USD") == 0 || r->per_usd || how->usd_each)
        return 0;
    return error_set(err, ERR_INPUT,
                     "the invoice is in %s and does not say what one is worth: give --rate %s=USD, "
                     "such as --rate %s=1.08",
                     r->currency, r->currency, r->currency);
}

/* ---- what both ways share ---- */

/* Credits, taxes and the like that stand as lines: as they are. */
static int add_charges(struct joining *j)
{
    for (size_t i = 0; i < j->invoice->count; i++) {
        const struct invoice_line *l = &j->invoice->lines[i];
        money amount, plain, usd;
        if (l->kind != LINE_CHARGE || !l->has_amount)
            continue;
        if (joining_amount(j, l->amount, &amount) < 0 || joining_usd(j, amount, &usd) < 0)
            return -1;
        plain = usd;
        if (j->out->per_usd && terms_unscale(amount, j->out->per_usd, &plain, NULL) < 0)
            return -1;
        if (l->charge == CAUSES)
            j->out->rest_rows++;
        else
            finding_add(j, CAUSE_BIT(l->charge), plain, 1);
        if (usd != plain && l->charge != CAUSES)
            finding_add(j, CAUSE_BIT(CAUSE_CURRENCY), usd - plain, 1);
        if (money_add(j->out->theirs, usd, &j->out->theirs) < 0)
            return -1;
    }
    return 0;
}

static bool is_inside(const struct reconciliation *r, int64_t at_ns)
{
    return !r->has_period || at_ns == TIME_NEVER || (at_ns >= r->from_ns && at_ns < r->until_ns);
}

void joining_time(const struct invoice_line *l, int64_t *from_ns, int64_t *until_ns)
{
    const int64_t day = INT64_C(86400) * NS_PER_S;
    *from_ns = l->from_ns;
    *until_ns = l->until_ns;
    if (l->from_ns != l->until_ns || l->from_ns == TIME_NEVER)
        return;
    *from_ns = clock_floor(l->from_ns, day);
    *until_ns = *from_ns + day;
}

/* From the first line that is joined by time to the last one. */
static void span_lines(struct joining *j)
{
    struct reconciliation *r = j->out;
    for (size_t i = 0; i < j->invoice->count; i++) {
        int64_t from, until;
        joining_time(&j->invoice->lines[i], &from, &until);
        if (!joining_has(j, &j->invoice->lines[i]) || from == TIME_NEVER)
            continue;
        r->from_ns = !r->has_period || from < r->from_ns ? from : r->from_ns;
        r->until_ns = !r->has_period || until > r->until_ns ? until : r->until_ns;
        r->has_period = true;
    }
}

static void take_period(struct joining *j)
{
    struct reconciliation *r = j->out;
    r->has_period = j->how->has_period || j->invoice->has_period;
    r->from_ns = j->how->has_period ? j->how->from_ns : j->invoice->from_ns;
    r->until_ns = j->how->has_period ? j->how->until_ns : j->invoice->until_ns;
    if (!r->has_period && !r->by_id)
        span_lines(j);
    j->inside = mem_alloc(j->own->count + 1);
    for (size_t i = 0; i < j->own->count; i++) {
        const struct own *o = &j->own->items[i];
        j->inside[i] = is_inside(r, o->at_ns);
        r->ours += j->inside[i] ? o->price : 0;
        r->own_inside += j->inside[i] && !o->earlier;
        r->outside += !j->inside[i];
    }
}

uint32_t joining_id(const struct own_list *own, const char *id)
{
    uint64_t attempt;
    uint32_t number = names_find(&own->ids, text_of(id));
    const char *dot = strrchr(id, '.');
    if (number != NAME_NONE || !dot || !text_to_u64(text_of(dot + 1), &attempt) || attempt < 2)
        return number;
    return names_find(&own->ids, (struct text){id, (size_t)(dot - id)});
}

static bool some_id_is_known(const struct joining *j)
{
    for (size_t i = 0; i < j->invoice->count; i++) {
        const struct invoice_line *l = &j->invoice->lines[i];
        if (l->id && joining_id(j->own, l->id) != NAME_NONE)
            return true;
    }
    return false;
}

static int check(const struct joining *j, struct error *err)
{
    bool costs = j->out->amounts;
    if (!costs && !invoice_has_usage(j->invoice))
        return error_set(err, ERR_INPUT, "the invoice has neither amounts nor usage");
    if (!costs && !j->how->plan)
        return error_set(err, ERR_INPUT,
                         "the invoice has usage and no amounts: give --plan NAME, whose prices it "
                         "is compared at");
    if (!j->how->plan && j->own->unpriced == j->own->requests)
        return error_set(err, ERR_INPUT,
                         "the records say nothing of what they cost: give --plan NAME, whose "
                         "prices they are billed at");
    return check_currency(j->out, j->how, err);
}

static void describe(struct joining *j)
{
    struct reconciliation *r = j->out;
    r->form = j->invoice->form;
    r->plan = j->how->plan ? j->how->plan->name : NULL;
    r->own_rows = j->own->requests;
    r->invoice_lines = j->invoice->count;
    r->unpriced = j->own->unpriced;
    r->factor = TERMS_ONE;
    r->price_date_ns = TIME_NEVER;
    memcpy(r->currency, j->invoice->currency, sizeof r->currency);
    r->per_usd = j->invoice->per_usd;
    r->amounts = invoice_has_amounts(j->invoice);
    r->by_id = some_id_is_known(j);
}

/* What no finding says is the rest, so that all of it always adds up. */
static void finish(struct reconciliation *r)
{
    r->rest = r->theirs - r->ours;
    for (size_t i = 0; i < r->count; i++)
        r->rest -= r->findings[i].usd;
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->findings[i].rows > 0)
            r->findings[kept++] = r->findings[i];
    r->count = kept;
    if (r->count > 0)
        qsort(r->findings, r->count, sizeof *r->findings, by_cause);
}

int reconcile(struct reconciliation *out, const struct own_list *own, const struct invoice *invoice,
              const struct reconcile_options *how, struct error *err)
{
    struct joining j = {out, own, invoice, how, NULL};
    *out = (struct reconciliation){0};
    describe(&j);
    int status = check(&j, err);
    if (status == 0) {
        take_period(&j);
        status = add_charges(&j);
    }
    if (status == 0)
        status = out->by_id ? reconcile_by_id(&j) : reconcile_by_bucket(&j, err);
    if (status == 0)
        finish(out);
    free(j.inside);
    if (status < 0) {
        error_set(err, ERR_INPUT, "the amounts of this invoice are beyond 1.7e14 USD");
        reconciliation_free(out);
    }
    return status < 0 ? ERR_INPUT : 0;
}

void reconciliation_free(struct reconciliation *r)
{
    free(r->findings);
    *r = (struct reconciliation){0};
}
