/* From list prices to amounts: which terms and which hypotheses make one of the other. */
#include "core/memory.h"
#include "sim/cost/reconcile/joining.h"

#include <stdlib.h>

#define MOST_PAIRED 64 /* requests of an item that are tried two by two */

struct candidate {
    struct hypothesis h; /* cause CAUSES = the plan's prices as they are */
    struct terms terms;
    size_t fits;
};

struct settling {
    struct joining *j;
    const struct items *items;
    struct hypothesis hypotheses[HYPOTHESES_MOST];
    size_t hypothesis_count;
    struct terms terms;
    uint32_t factor_causes; /* what the factor is; several where it cannot be told */
    uint32_t same;          /* causes that explain everything without it just as well */
};

/* ---- hypotheses ---- */

static void add_hypothesis(struct settling *s, struct hypothesis h)
{
    if (s->hypothesis_count < HYPOTHESES_MOST)
        s->hypotheses[s->hypothesis_count++] = h;
}

static void add_day(struct settling *s, int64_t day_ns)
{
    for (size_t i = 0; i < s->hypothesis_count; i++)
        if (s->hypotheses[i].cause == CAUSE_PRICE_DATE && s->hypotheses[i].day_ns == day_ns)
            return;
    add_hypothesis(s, (struct hypothesis){.cause = CAUSE_PRICE_DATE, .day_ns = day_ns});
}

/* The days before and after every change of a price. */
static void add_days(struct settling *s, const struct plan_rate *rate)
{
    const int64_t day = INT64_C(86400) * NS_PER_S;
    for (size_t i = 0; i < rate->window_count; i++) {
        const struct price_window *w = &rate->windows[i];
        if (w->from_unix_ns > 0) {
            add_day(s, w->from_unix_ns - day);
            add_day(s, w->from_unix_ns);
        }
        if (w->until_unix_ns != TIME_NEVER) {
            add_day(s, w->until_unix_ns - day);
            add_day(s, w->until_unix_ns);
        }
    }
}

static bool service_is_said(const struct invoice *invoice)
{
    for (size_t i = 0; i < invoice->count; i++)
        if (invoice->lines[i].has_service)
            return true;
    return false;
}

static void list_hypotheses(struct settling *s)
{
    const struct plan *plan = s->j->how->plan;
    size_t tables = 0;
    uint8_t services = 1;
    if (!plan)
        return;
    for (size_t i = 0; i < plan->rate_count; i++) {
        const struct plan_rate *rate = &plan->rates[i];
        add_days(s, rate);
        services |= rate->services_priced;
        for (size_t k = 0; k < plan_rate_services(rate) * (rate->window_count + 1); k++)
            if (rate->resolved[k].table_count > tables)
                tables = rate->resolved[k].table_count;
    }
    for (int k = 0; k < SERVICE_COUNT && !service_is_said(s->j->invoice); k++)
        if (services >> k & 1)
            add_hypothesis(s,
                           (struct hypothesis){.cause = CAUSE_SERVICE, .service = (enum service)k});
    for (size_t k = 0; k < tables && tables > 1; k++)
        add_hypothesis(s, (struct hypothesis){.cause = CAUSE_TIER, .table = k});
}

struct facts hypothesis_facts(const struct facts *f, const struct hypothesis *h,
                              const struct plan *plan)
{
    struct facts under = *f;
    if (h->cause == CAUSE_PRICE_DATE)
        under.at_ns = facts_on_day(f->at_ns, h->day_ns);
    else if (h->cause == CAUSE_SERVICE)
        under.service = h->service, under.other_service = NULL;
    if (h->cause != CAUSE_TIER)
        return under;
    const struct rate_prices *p = facts_tables(plan, f);
    under.has_tier = true;
    under.tier_from = p && h->table < p->table_count ? p->tables[h->table].input_from : UINT64_MAX;
    return under;
}

/* ---- terms ---- */

static bool list_under(const struct settling *s, const struct item *item,
                       const struct hypothesis *h, money *out)
{
    *out = item->list;
    return h->cause == CAUSES || s->items->price(s->items->context, item, h, out);
}

/* Pairs of list prices and amounts: the invoice's own list prices say more than the plan's. */
static size_t pairs_under(const struct settling *s, const struct hypothesis *h,
                          struct terms_pair *pairs)
{
    size_t n = 0;
    for (size_t i = 0; i < s->items->count; i++) {
        const struct item *item = &s->items->list[i];
        money list = item->said;
        if (!item->has_amount || item->closed ||
            (!item->has_said && !list_under(s, item, h, &list)))
            continue;
        pairs[n++] = (struct terms_pair){list, item->amount};
    }
    return n;
}

/* How many different list prices there are that are not 0, at most three. */
static size_t different(const struct terms_pair *pairs, size_t n)
{
    money seen[3];
    size_t count = 0;
    for (size_t i = 0; i < n && count < 3; i++) {
        bool is_new = pairs[i].list != 0;
        for (size_t k = 0; k < count; k++)
            is_new = is_new && pairs[i].list != seen[k];
        if (is_new)
            seen[count++] = pairs[i].list;
    }
    return count;
}

static struct candidate try(const struct settling *s, const struct hypothesis *h,
                            struct terms_pair *pairs)
{
    struct candidate c = {.h = *h, .terms = {.per_usd = s->terms.per_usd}};
    size_t n = pairs_under(s, h, pairs), kinds = different(pairs, n);
    c.fits = terms_infer(pairs, n, &c.terms);
    /* One amount is any share of one price: a factor needs two, and three where all is rounded. */
    bool factor = c.terms.factor != TERMS_ONE, rounded = c.terms.unit != 0;
    if (factor && (kinds < (rounded ? 3u : 2u) || c.fits < (rounded ? 3u : 2u)))
        c.terms = (struct terms){TERMS_ONE, s->terms.per_usd, 0, ROUND_HALF_EVEN};
    else
        return c;
    c.fits = 0;
    for (size_t i = 0; i < n; i++)
        c.fits += terms_fit(&c.terms, pairs[i].list, pairs[i].amount);
    return c;
}

static int causes_of(const struct candidate *c)
{
    return (c->h.cause != CAUSES) + (c->terms.factor != TERMS_ONE) + (c->terms.unit != 0);
}

static uint32_t factor_causes(uint64_t factor)
{
    return factor < TERMS_ONE ? CAUSE_BIT(CAUSE_DISCOUNT)
                              : CAUSE_BIT(CAUSE_TAX) | CAUSE_BIT(CAUSE_PRICE_DATE);
}

/* The terms by which most fits, with the fewest causes. What a factor says and a hypothesis without
 * it says as well cannot be told apart. */
static void find_terms(struct settling *s)
{
    struct candidate all[HYPOTHESES_MOST + 1];
    const struct hypothesis none = {.cause = CAUSES};
    struct terms_pair *pairs = mem_alloc((s->items->count + 1) * sizeof *pairs);
    size_t best = 0;
    all[0] = try(s, &none, pairs);
    bool simple = all[0].fits == pairs_under(s, &none, pairs) && causes_of(&all[0]) == 0;
    size_t n = simple ? 1 : s->hypothesis_count + 1;
    for (size_t i = 1; i < n; i++)
        all[i] = try(s, &s->hypotheses[i - 1], pairs);
    for (size_t i = 1; i < n; i++)
        if (all[i].fits > all[best].fits ||
            (all[i].fits == all[best].fits && causes_of(&all[i]) < causes_of(&all[best])))
            best = i;
    s->terms = all[best].terms;
    s->factor_causes = s->terms.factor == TERMS_ONE ? 0 : factor_causes(s->terms.factor);
    for (size_t i = 0; i < n && s->factor_causes; i++)
        if (all[i].fits == all[best].fits && all[i].h.cause != CAUSES &&
            all[i].terms.factor == TERMS_ONE && causes_of(&all[i]) == causes_of(&all[best]))
            s->same |= CAUSE_BIT(all[i].h.cause);
    for (size_t i = 0; i < n && !s->factor_causes; i++)
        if (all[i].fits == all[best].fits && all[i].terms.factor != TERMS_ONE &&
            causes_of(&all[i]) == causes_of(&all[best]))
            s->same |= factor_causes(all[i].terms.factor);
    s->factor_causes |= s->factor_causes ? s->same : 0;
    free(pairs);
}

/* ---- an item ---- */

/* What an item's amount is made of, in USD, step by step. */
struct steps {
    money list, discounted, converted, rounded;
};

/* In USD by the invoice's rate, and by the one that was given. */
static int steps_of(const struct settling *s, money list, struct steps *out)
{
    const struct terms *t = &s->terms;
    struct terms plain = {t->factor, t->per_usd, 0, t->mode};
    money amount;
    out->list = list;
    if (terms_scale(list, t->factor, &out->discounted, NULL) < 0 ||
        terms_apply(&plain, list, &amount) < 0 || joining_usd(s->j, amount, &out->converted) < 0)
        return -1;
    /* there and back loses digits where the rate is no round one: no conversion is no difference */
    if (!s->j->how->usd_each || s->j->out->per_usd == 0)
        out->converted = out->discounted;
    amount = terms_round(amount, t->unit, t->mode);
    if (t->unit == 0)
        out->rounded = out->converted;
    else if (joining_usd(s->j, amount, &out->rounded) < 0)
        return -1;
    return 0;
}

static bool fits(const struct settling *s, const struct item *item, money list)
{
    if (item->has_said && item->said != list)
        return false;
    return terms_fit(&s->terms, list, item->amount);
}

static void add(struct settling *s, uint32_t causes, money usd, const struct item *item)
{
    if (usd != 0)
        finding_add(s->j, causes, usd, item->rows);
}

/* The hypotheses by which the item is billed what it was; *list is the first one's. */
static uint32_t hypotheses_of(struct settling *s, const struct item *item, money *list)
{
    uint32_t causes = 0;
    for (size_t i = 0; i < s->hypothesis_count; i++) {
        money under;
        if (!s->items->price(s->items->context, item, &s->hypotheses[i], &under) ||
            !fits(s, item, under))
            continue;
        if (s->hypotheses[i].cause == CAUSE_PRICE_DATE)
            s->j->out->price_date_ns = s->hypotheses[i].day_ns;
        *list = under;
        causes |= CAUSE_BIT(s->hypotheses[i].cause);
    }
    return causes;
}

/* Hypotheses of which one or two requests of the item alone make its amount; *list is the first
 * one's. */
static uint32_t parts_of(struct settling *s, const struct item *item, money *list)
{
    uint32_t causes = 0;
    const struct items *all = s->items;
    for (size_t i = 0; i < s->hypothesis_count && all->part; i++) {
        const struct hypothesis *h = &s->hypotheses[i];
        money one, two;
        for (size_t k = 0; all->part(all->context, item, h, k, &one); k++) {
            bool found = one != 0 && fits(s, item, item->list + one);
            for (size_t n = k + 1; !found && one != 0 && k < MOST_PAIRED && n < MOST_PAIRED &&
                                   all->part(all->context, item, h, n, &two);
                 n++) {
                found = two != 0 && fits(s, item, item->list + one + two);
                one += found ? two : 0;
            }
            if (!found)
                continue;
            *list = causes ? *list : item->list + one;
            causes |= CAUSE_BIT(h->cause);
            break;
        }
    }
    return causes;
}

/* A price date is the last step, other hypotheses come before the terms. */
static int add_steps(struct settling *s, const struct item *item, uint32_t causes, money list)
{
    struct steps own;
    money usd, base = item->list;
    bool last = causes == CAUSE_BIT(CAUSE_PRICE_DATE);
    if (causes && !last) {
        add(s, causes | (causes & s->same ? s->same : 0), list - item->list, item);
        base = list;
    }
    if (steps_of(s, base, &own) < 0 || joining_usd(s->j, item->amount, &usd) < 0)
        return -1;
    add(s, s->factor_causes, own.discounted - own.list, item);
    add(s, CAUSE_BIT(CAUSE_CURRENCY), own.converted - own.discounted, item);
    add(s, CAUSE_BIT(CAUSE_ROUNDING), (last ? own.rounded : usd) - own.converted, item);
    if (last)
        add(s, causes | (causes & s->same ? s->same : 0), usd - own.rounded, item);
    return 0;
}

/* What is known of the terms is said of a closed item too; what is left is what is pending. */
static int settle_closed(struct settling *s, const struct item *item)
{
    struct steps own;
    money usd;
    if (joining_usd(s->j, item->amount, &usd) < 0 || steps_of(s, item->list, &own) < 0)
        return -1;
    if (item->pending)
        finding_add(s->j, item->pending, usd - item->list, item->rows);
    else
        s->j->out->rest_rows += item->rows;
    return 0;
}

static int settle(struct settling *s, const struct item *item)
{
    money list = item->list;
    if (!item->has_amount)
        return 0;
    if (item->closed)
        return settle_closed(s, item);
    if (fits(s, item, item->list))
        return add_steps(s, item, 0, list);
    uint32_t causes = hypotheses_of(s, item, &list);
    if (!causes && s->terms.unit == 0) /* of what is rounded too many parts would do */
        causes = parts_of(s, item, &list);
    if (causes)
        return add_steps(s, item, causes, list);
    s->j->out->rest_rows += item->rows;
    return 0;
}

static void begin(struct settling *s, struct joining *j)
{
    s->terms.per_usd = j->out->per_usd ? j->out->per_usd : TERMS_ONE;
    list_hypotheses(s);
    find_terms(s);
}

bool items_fit(struct joining *j, const struct items *items)
{
    struct settling s = {j, items, .terms = terms_none()};
    money list;
    begin(&s, j);
    for (size_t i = 0; i < items->count; i++)
        if (!fits(&s, &items->list[i], items->list[i].list) &&
            !hypotheses_of(&s, &items->list[i], &list))
            return false;
    return true;
}

int items_settle(struct joining *j, const struct items *items)
{
    struct settling s = {j, items, .terms = terms_none()};
    begin(&s, j);
    j->out->factor = s.terms.factor;
    j->out->unit = s.terms.unit;
    for (size_t i = 0; i < items->count; i++)
        if (settle(&s, &items->list[i]) < 0)
            return -1;
    return 0;
}
