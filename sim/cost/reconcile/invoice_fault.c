#include "core/memory.h"
#include "sim/cost/reconcile/invoice_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTHER_MODEL "unknown-model"

/* ---- what is said ---- */

static bool parse_offset(const char *text, int64_t *out)
{
    int hours, minutes, used = 0;
    char sign;
    if (sscanf(text, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 || text[used] != '\0' ||
        (sign != '+' && sign != '-') || hours > 14 || minutes > 59)
        return false;
    *out = (int64_t)(hours * 60 + minutes) * 60 * NS_PER_S * (sign == '-' ? -1 : 1);
    return true;
}

static bool parse_percent(const char *text, uint64_t *out)
{
    struct text t = text_of(text);
    if (t.length < 2 || t.at[t.length - 1] != '%')
        return false;
    t.length--;
    uint64_t value;
    if (!terms_millionths(t, &value) || value % 100 != 0 || value / 100 >= TERMS_ONE)
        return false;
    *out = value / 100;
    return true;
}

static bool parse_currency(const char *text, struct invoice_fault *f)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon - text != 3)
        return false;
    memcpy(f->currency, text, 3);
    return terms_millionths(text_of(colon + 1), &f->millionths) && f->millionths > 0;
}

static bool parse_money(const char *text, money *out)
{
    return money_parse(text, strlen(text), MONEY_PER_ONE, out) == MONEY_OK && *out > 0;
}

/* NULL, or what would be right. */
static const char *parse_value(enum cause c, const char *value, struct invoice_fault *f)
{
    switch (c) {
    case CAUSE_DAY_BOUNDARY:
        return value && parse_offset(value, &f->offset_ns) ? NULL : "an offset such as -08:00";
    case CAUSE_MODEL_ALIAS:
        f->name = value;
        return value && *value ? NULL : "the other name";
    case CAUSE_DISCOUNT:
    case CAUSE_TAX:
        return value && parse_percent(value, &f->millionths) ? NULL : "a share such as 10%";
    case CAUSE_CREDIT:
        return value && parse_money(value, &f->amount) ? NULL : "USD, such as 5";
    case CAUSE_ROUNDING:
        return value && parse_money(value, &f->amount) ? NULL : "the unit in USD, such as 0.01";
    case CAUSE_CURRENCY:
        return value && parse_currency(value, f) ? NULL
                                                 : "a currency and how much of it a USD is, such "
                                                   "as EUR:0.92";
    case CAUSE_PRICE_DATE:
        return value && clock_parse_instant(value, strlen(value), &f->unix_ns) == 0
                   ? NULL
                   : "a date such as 2026-10-01";
    default:
        f->count = 1;
        return !value || text_to_u64(text_of(value), &f->count) ? NULL : "how many requests";
    }
}

int invoice_fault_add(struct invoice_making *how, const char *text, struct error *err)
{
    const char *sign = strchr(text, '=');
    struct text name = {text, sign ? (size_t)(sign - text) : strlen(text)};
    struct buffer known;
    enum cause c;
    if (cause_from_name(name, &c) && c != CAUSE_TOKEN_COUNTS) {
        struct invoice_fault f = {.given = true};
        const char *wanted = parse_value(c, sign ? sign + 1 : NULL, &f);
        if (wanted)
            return error_set(err, ERR_INPUT, "--fault %.*s takes %s", (int)name.length, text,
                             wanted);
        how->faults[c] = f;
        return 0;
    }
    buffer_init(&known, BUFFER_UNBOUNDED);
    for (int i = 0; i < CAUSES; i++)
        if (i != CAUSE_TOKEN_COUNTS)
            buffer_add_format(&known, "%s%s", i ? ", " : "", cause_name((enum cause)i));
    for (size_t i = 0; i < known.length; i++) /* as they are written on a command line */
        if (known.data[i] == '_')
            known.data[i] = '-';
    error_set(err, ERR_INPUT, "--fault: there is no \"%.*s\"; there are %s",
              (int)(name.length < 60 ? name.length : 60), text, known.data);
    buffer_free(&known);
    return ERR_INPUT;
}

/* ---- what it does ---- */

typedef bool change_fn(struct draft *d, struct draft_line *l);

static struct draft_line *append(struct draft *d)
{
    mem_grow(&d->lines, &d->capacity, d->count + 1, sizeof *d->lines);
    return memset(&d->lines[d->count++], 0, sizeof *d->lines);
}

/* Changes so many lines in an order that is drawn; fewer where fewer can be. */
static uint64_t change_some(struct draft *d, uint64_t count, change_fn *change)
{
    size_t n = d->count;
    size_t *order = mem_alloc((n + 1) * sizeof *order);
    uint64_t changed = 0;
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = 0; i < n && changed < count; i++) {
        size_t k = i + (size_t)random_below(&d->random, n - i), taken = order[k];
        order[k] = order[i];
        order[i] = taken;
        changed += change(d, &d->lines[taken]);
    }
    free(order);
    return changed;
}

static uint64_t change_all(struct draft *d, change_fn *change)
{
    uint64_t changed = 0;
    for (size_t i = 0; i < d->count; i++)
        changed += change(d, &d->lines[i]);
    return changed;
}

static bool shift(struct draft *d, struct draft_line *l)
{
    if (l->at_ns == TIME_NEVER)
        return false;
    l->at_ns += d->how->faults[CAUSE_DAY_BOUNDARY].offset_ns;
    return l->billed;
}

static bool delay(struct draft *d, struct draft_line *l)
{
    (void)d;
    if (l->at_ns == TIME_NEVER || !l->billed)
        return false;
    l->at_ns += 24 * 3600 * NS_PER_S;
    return true;
}

/* A request like this one in the same hour, of other lengths. */
static struct draft_line *add_like(struct draft *d, const struct draft_line *like, const char *mark)
{
    struct draft_line made = *like;
    made.own = NULL;
    snprintf(made.id, sizeof made.id, "%s-%016llx", mark,
             (unsigned long long)random_u64(&d->random));
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (made.usage.tokens[c])
            made.usage.tokens[c] += 1 + random_below(&d->random, 997);
    struct draft_line *l = append(d);
    *l = made;
    return l;
}

static bool add_other(struct draft *d, struct draft_line *l)
{
    if (!l->own || !l->billed)
        return false;
    struct draft_line *other = add_like(d, l, "other");
    other->model = OTHER_MODEL;
    other->price_model = plan_rate_for(d->how->plan, OTHER_MODEL) ? OTHER_MODEL : NULL;
    return true;
}

static bool add_unknown(struct draft *d, struct draft_line *l)
{
    if (!l->own || !l->billed)
        return false;
    add_like(d, l, "unknown");
    return true;
}

static bool drop(struct draft *d, struct draft_line *l)
{
    (void)d;
    if (!l->own || !l->billed)
        return false;
    l->billed = false;
    l->own = NULL; /* nothing else befalls it */
    return true;
}

static bool rename_model(struct draft *d, struct draft_line *l)
{
    const char *first = d->lines[0].own ? d->lines[0].own->model : NULL;
    if (!l->own || (first && (!l->model || strcmp(first, l->model) != 0)))
        return false;
    l->model = d->how->faults[CAUSE_MODEL_ALIAS].name;
    if (plan_rate_for(d->how->plan, l->model)) /* billed as what it is called */
        l->price_model = l->model;
    return l->billed;
}

static bool turn_cache(struct draft *d, struct draft_line *l)
{
    uint64_t *t = l->usage.tokens;
    (void)d;
    if (!l->own || !l->billed || l->own->status != RECORD_COMPLETED)
        return false;
    if (t[USAGE_CACHED_INPUT] > 0) {
        t[USAGE_UNCACHED_INPUT] += t[USAGE_CACHED_INPUT];
        t[USAGE_CACHED_INPUT] = 0;
        return true;
    }
    uint64_t part = t[USAGE_UNCACHED_INPUT] / 2;
    t[USAGE_UNCACHED_INPUT] -= part;
    t[USAGE_CACHED_INPUT] += part;
    return part > 0;
}

static bool turn_lifetime(struct draft *d, struct draft_line *l)
{
    uint64_t *t = l->usage.tokens;
    (void)d;
    if (!l->own || !l->billed || l->own->status != RECORD_COMPLETED ||
        t[USAGE_CACHE_WRITE] == t[USAGE_CACHE_WRITE_1H])
        return false;
    uint64_t other = t[USAGE_CACHE_WRITE];
    t[USAGE_CACHE_WRITE] = t[USAGE_CACHE_WRITE_1H];
    t[USAGE_CACHE_WRITE_1H] = other;
    return true;
}

static struct facts facts_of(const struct draft *d, const struct draft_line *l)
{
    struct facts f = {.model = l->price_model,
                      .class_name = l->own ? l->own->class_name : NULL,
                      .labels = l->own ? l->own->labels : NULL,
                      .service = l->service,
                      .other_service = l->other_service,
                      .usage = &l->usage,
                      .at_ns = l->own && l->own->at_ns != TIME_NEVER ? l->own->at_ns : l->at_ns,
                      .has_tier = l->has_tier,
                      .tier_from = l->tier_from};
    f.at_ns = facts_on_day(f.at_ns, d->price_at_ns);
    return f;
}

static bool turn_tier(struct draft *d, struct draft_line *l)
{
    struct facts f = facts_of(d, l);
    const struct rate_prices *p = facts_tables(d->how->plan, &f);
    if (!l->own || !l->billed || !p || p->table_count < 2 || p->by_output)
        return false;
    const struct token_table *now = price_table(p, usage_input(&l->usage));
    l->has_tier = true;
    l->tier_from = now == &p->tables[0] ? p->tables[1].input_from : 0;
    return true;
}

static bool turn_service(struct draft *d, struct draft_line *l)
{
    (void)d;
    if (!l->own || !l->billed)
        return false;
    l->service = l->service == SERVICE_STANDARD ? SERVICE_BATCH : SERVICE_STANDARD;
    l->other_service = NULL;
    return true;
}

static bool bill_failed(struct draft *d, struct draft_line *l)
{
    (void)d;
    if (!l->own || l->billed || l->own->earlier || l->own->status != RECORD_FAILED ||
        usage_input(&l->usage) + usage_output(&l->usage) == 0)
        return false;
    return l->billed = true;
}

/* All that was asked for. */
static bool bill_aborted(struct draft *d, struct draft_line *l)
{
    uint64_t output = usage_output(&l->usage);
    (void)d;
    if (!l->own || l->own->status != RECORD_CANCELLED || l->own->earlier ||
        (l->billed && output >= l->own->asked_output))
        return false;
    if (output < l->own->asked_output)
        l->usage.tokens[USAGE_OUTPUT] += l->own->asked_output - output;
    return l->billed = true;
}

static bool bill_twice(struct draft *d, struct draft_line *l)
{
    if (!l->own || !l->billed || l->own->earlier)
        return false;
    struct draft_line again = *l;
    *append(d) = again;
    return true;
}

static uint64_t set_terms(struct draft *d, enum cause c)
{
    const struct invoice_fault *f = &d->how->faults[c];
    if (c == CAUSE_DISCOUNT)
        d->terms.factor = TERMS_ONE - f->millionths;
    else if (c == CAUSE_CREDIT)
        d->credit = f->amount;
    else if (c == CAUSE_TAX)
        d->tax_millionths = f->millionths;
    else if (c == CAUSE_CURRENCY)
        d->terms.per_usd = f->millionths;
    else if (c == CAUSE_ROUNDING)
        d->terms.unit = f->amount;
    else
        d->price_at_ns = f->unix_ns;
    return d->count;
}

uint64_t draft_apply(struct draft *d, enum cause c)
{
    static change_fn *const some[CAUSES] = {
        [CAUSE_LATE_ARRIVAL] = delay,       [CAUSE_OTHER_TRAFFIC] = add_other,
        [CAUSE_MISSING_HERE] = add_unknown, [CAUSE_MISSING_THERE] = drop,
        [CAUSE_CACHE_CLASS] = turn_cache,   [CAUSE_TIME_TO_LIVE] = turn_lifetime,
        [CAUSE_TIER] = turn_tier,           [CAUSE_SERVICE] = turn_service,
        [CAUSE_FAILED] = bill_failed,       [CAUSE_ABORTED] = bill_aborted,
        [CAUSE_RETRIED] = bill_twice,
    };
    if (c == CAUSE_DAY_BOUNDARY)
        return change_all(d, shift);
    if (c == CAUSE_MODEL_ALIAS)
        return change_all(d, rename_model);
    return some[c] ? change_some(d, d->how->faults[c].count, some[c]) : set_terms(d, c);
}

int draft_list(const struct draft *d, const struct draft_line *l, money *out)
{
    struct facts f = facts_of(d, l);
    *out = 0;
    return l->billed && facts_price(d->how->plan, &f, out) < 0 ? -1 : 0;
}
