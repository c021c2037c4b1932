/* A slow and obvious model of what a row is charged: the plan as it was read, one price at a time.
 */
#ifndef FAREBOX_TESTS_TARIFF_MODEL_H
#define FAREBOX_TESTS_TARIFF_MODEL_H

#include "testing.h"

#include "sim/cost/bill/tariff.h"
#include "workloads/model/attempts.h"

#include <string.h>
#include <time.h>

struct model_charge {
    money part[CHARGE_PARTS], total;
    uint32_t unpriced;
};

static inline bool model_window_holds(const struct price_window *w, int64_t at_unix_ns)
{
    struct tm tm;
    time_t seconds = (time_t)(at_unix_ns / NS_PER_S);
    if (at_unix_ns == TIME_NEVER || at_unix_ns < w->from_unix_ns || at_unix_ns >= w->until_unix_ns)
        return false;
    gmtime_r(&seconds, &tm);
    int minute = tm.tm_hour * 60 + tm.tm_min;
    if (!(w->weekdays >> (tm.tm_wday + 6) % 7 & 1))
        return false;
    if (!w->timed || w->start_minute == w->end_minute)
        return true;
    if (w->start_minute < w->end_minute)
        return w->start_minute <= minute && minute < w->end_minute;
    return minute >= w->start_minute || minute < w->end_minute;
}

static inline bool sells_tokens(const struct price_set *set)
{
    return set && (set->base.given || set->tier_count);
}

/* What the seller asks at that time, for that service. */
struct model_prices {
    const struct price_set *set;
    money factor, per_request_micro;
};

static inline struct model_prices model_prices(const struct plan_rate *rate, enum service service,
                                               const char *other, int64_t at_unix_ns)
{
    const struct named_service none = {NULL, NULL, MONEY_USD}, *named = &none;
    for (size_t i = 0; service == SERVICE_OTHER && i < rate->other_service_count; i++)
        if (strcmp(rate->other_services[i].name, other) == 0)
            named = &rate->other_services[i];
    bool known = service != SERVICE_OTHER;
    money factor = known ? rate->multipliers[service] : named->multiplier;
    struct model_prices m = {&rate->base, factor, rate->base.per_request_micro};
    const struct price_set *own = known ? rate->services[service] : named->set;
    const struct price_window *window = NULL;
    for (size_t i = 0; i < rate->window_count; i++)
        if (model_window_holds(&rate->windows[i], at_unix_ns))
            window = &rate->windows[i];
    if (sells_tokens(own)) {
        m.set = own;
        m.factor = MONEY_USD;
    }
    if (own && own->has_per_request)
        m.per_request_micro = own->per_request_micro;
    if (!window)
        return m;
    if (sells_tokens(&window->set)) {
        m.set = &window->set;
        m.factor = factor;
    }
    if (window->set.has_per_request)
        m.per_request_micro = window->set.per_request_micro;
    if (money_scale(m.factor, window->multiplier, &m.factor) < 0)
        ck_abort_msg("multipliers with too many decimals");
    return m;
}

/* tier[class], base[class], tier[parent], base[parent]; -1: no price. */
static inline money model_token(const struct model_prices *m, const struct usage *u, int class)
{
    static const int parents[USAGE_CLASSES] = {-1,
                                               0,
                                               0,
                                               USAGE_CACHE_WRITE,
                                               -1,
                                               USAGE_OUTPUT,
                                               0,
                                               0,
                                               0,
                                               USAGE_CACHED_INPUT,
                                               USAGE_CACHED_INPUT,
                                               USAGE_OUTPUT,
                                               USAGE_OUTPUT};
    const struct price_tier *tier = NULL;
    for (size_t i = 0; i < m->set->tier_count; i++)
        if ((m->set->tiers[i].by_output ? usage_output(u) : usage_input(u)) >=
            m->set->tiers[i].input_from)
            tier = &m->set->tiers[i];
    for (int c = class; c >= 0; c = parents[c]) {
        const struct token_prices *from = tier && tier->prices.given >> c & 1 ? &tier->prices
                                          : m->set->base.given >> c & 1       ? &m->set->base
                                                                              : NULL;
        money price;
        if (!from)
            continue;
        return money_scale(from->price[c], m->factor, &price) < 0 ? -1 : price;
    }
    return -1;
}

static inline money model_fee(const struct plan_rate *rate, const struct usage_extra *e,
                              uint32_t *lacks)
{
    const struct named_fee *fees = e->is_unit ? rate->units : rate->tools;
    size_t count = e->is_unit ? rate->unit_count : rate->tool_count;
    for (size_t i = 0; i < count; i++) {
        uint64_t n = (uint64_t)e->count_micro, step = fees[i].step_micro;
        if (strcmp(fees[i].name, e->name) != 0)
            continue;
        if (n > 0 && n < fees[i].minimum_micro)
            n = fees[i].minimum_micro;
        while (step > 0 && n % step != 0)
            n++;
        return fees[i].price_micro * (money)n;
    }
    *lacks |= e->count_micro != 0 ? UNPRICED_EXTRAS : 0;
    return 0;
}

/* The first weight whose model, class and hours fit. */
static inline uint64_t model_weight(const struct plan_rate *rate, const struct price_query *q)
{
    for (size_t i = 0; i < rate->weight_count; i++) {
        const struct plan_hours *h = &rate->weights[i].hours;
        const struct price_window as_window = {.timed = h->timed,
                                               .start_minute = h->start_minute,
                                               .end_minute = h->end_minute,
                                               .from_unix_ns = INT64_MIN,
                                               .until_unix_ns = TIME_NEVER,
                                               .weekdays = h->weekdays};
        if (h->weekdays && !model_window_holds(&as_window, q->at_unix_ns))
            continue;
        struct request_weight always = rate->weights[i];
        always.hours.weekdays = 0;
        always.weight_micro = 0;
        if (plan_weight(&always, 1, q->model, q->class_name, TIME_NEVER) == 0)
            return rate->weights[i].weight_micro;
    }
    return PLAN_MICRO;
}

/* What the labels do to a price: the uplifts of the random plans, as a person reads them. */
static inline money model_lifted(const struct plan_rate *rate, const char *labels, money price)
{
    static const struct {
        const char *label;
        unsigned percent;
    } factors[] = {{"\"region\": \"eu\"", 110}, {"\"region\": \"us\"", 75}, {"\"fast\"", 600}};
    for (int i = 0; rate->uplift_count && labels && i < 3; i++)
        if (strstr(labels, factors[i].label))
            price = price * (money)factors[i].percent / 100;
    return price;
}

/* One attempt. */
static inline void model_attempt(const struct plan *plan, const struct plan_rate *rate,
                                 const struct price_query *q, const char *labels,
                                 struct model_charge *out)
{
    static const enum charge_part parts[USAGE_CLASSES] = {
        PART_INPUT, PART_CACHED, PART_INPUT,  PART_INPUT,  PART_OUTPUT, PART_REASONING, PART_INPUT,
        PART_INPUT, PART_INPUT,  PART_CACHED, PART_CACHED, PART_OUTPUT, PART_OUTPUT};
    struct model_prices m = model_prices(rate, q->service, q->other_service, q->at_unix_ns);
    const struct usage *u = q->usage;
    bool any = rate->cache_storage > 0;
    *out = (struct model_charge){0};
    for (int c = 0; c < USAGE_CLASSES; c++)
        any = any || model_token(&m, u, c) >= 0;
    for (int c = 0; c < USAGE_CLASSES; c++) {
        money price = model_token(&m, u, c), amount = 0;
        if (rate->cache_storage > 0 && (c == USAGE_CACHE_WRITE || c == USAGE_CACHE_WRITE_1H))
            price = (price < 0 ? 0 : price) + rate->cache_storage;
        if (price > 0)
            amount = model_lifted(rate, labels, price) * (money)u->tokens[c];
        if (price < 0 && any && u->tokens[c] > 0)
            out->unpriced |= 1u << c;
        if (plan->rounding.scope == ROUND_CLASSES)
            amount = price_round(&plan->rounding, amount);
        out->part[parts[c]] += amount;
        out->total += amount;
    }
    money fees = q->goes_along ? 0 : m.per_request_micro * (money)model_weight(rate, q);
    for (size_t i = 0; i < u->extra_count; i++)
        fees += model_fee(rate, &u->extras[i], &out->unpriced);
    money total = out->total + fees;
    if (total < plan->fees.minimum_per_request)
        total = plan->fees.minimum_per_request;
    if (plan->rounding.scope == ROUND_REQUESTS)
        total = price_round(&plan->rounding, total);
    out->part[PART_FEES] = total - out->total;
    out->total = total;
    struct model_prices first = model_prices(rate, SERVICE_STANDARD, NULL, TIME_NEVER);
    bool said = q->service < SERVICE_COUNT && (rate->services_priced >> q->service & 1);
    for (size_t i = 0; q->service == SERVICE_OTHER && i < rate->other_service_count; i++)
        said = said || strcmp(rate->other_services[i].name, q->other_service) == 0;
    if ((first.set->base.given || rate->cache_storage) && q->service != SERVICE_STANDARD && !said)
        out->unpriced |= UNPRICED_SERVICE;
}

static inline struct usage model_billed(const struct plan *plan, bool ignore_caps, enum billed what,
                                        struct usage u, uint64_t asked)
{
    uint64_t cap = ignore_caps || !plan->limits.max_output_tokens ? UINT64_MAX
                                                                  : plan->limits.max_output_tokens;
    if (what == BILLED_INPUT)
        for (int c = 0; c < USAGE_CLASSES; c++)
            u.tokens[c] = usage_is_output((enum usage_class)c) ? 0 : u.tokens[c];
    while (what == BILLED_FULL && usage_output(&u) < asked)
        u.tokens[USAGE_OUTPUT] += asked - usage_output(&u);
    while (usage_output(&u) > cap && u.tokens[USAGE_OUTPUT] > 0)
        u.tokens[USAGE_OUTPUT]--;
    while (usage_output(&u) > cap && u.tokens[USAGE_AUDIO_OUTPUT] > 0)
        u.tokens[USAGE_AUDIO_OUTPUT]--;
    while (usage_output(&u) > cap && u.tokens[USAGE_IMAGE_OUTPUT] > 0)
        u.tokens[USAGE_IMAGE_OUTPUT]--;
    while (usage_output(&u) > cap)
        u.tokens[USAGE_REASONING]--;
    return u;
}

static inline enum billed model_failed(const struct plan_billing *b, int http_status)
{
    for (size_t i = 0; i < b->status_count; i++)
        if (b->statuses[i].http_from <= http_status && http_status <= b->statuses[i].http_to)
            return b->statuses[i].what;
    return b->failed;
}

static inline void model_retry(const struct tariff *t, struct price_query q, enum billed what,
                               struct usage u, uint64_t asked, const char *labels,
                               struct model_charge *out)
{
    struct model_charge c;
    if (what == BILLED_NONE || !t->plan->billed.retried_each)
        return;
    u = model_billed(t->plan, t->ignore_caps, what, u, asked);
    q.usage = &u;
    model_attempt(t->plan, plan_rate_for(t->plan, q.model), &q, labels, &c);
    out->part[PART_RETRIES] += c.total;
    out->total += c.total;
}

/* True if another request of the session was due earlier, or as early and stands before it. */
static inline bool model_began_before(const struct serve_rows *rows, size_t row)
{
    const struct workload *w = rows->workload;
    for (size_t i = 0; w->session && w->session[row] != NAME_NONE && i < w->count; i++)
        if (w->session[i] == w->session[row] &&
            (serve_due(rows, i) < serve_due(rows, row) ||
             (serve_due(rows, i) == serve_due(rows, row) && i < row)))
            return true;
    return false;
}

static inline void model_row(const struct tariff *t, size_t row, struct model_charge *out)
{
    const struct workload *w = t->rows->workload;
    const struct plan_billing *b = &t->plan->billed;
    const struct earlier_attempts *e = t->rows->workload->earlier;
    struct request r;
    enum billed what = BILLED_DELIVERED;
    *out = (struct model_charge){0};
    if (t->served->fate && t->served->fate[row] != SERVE_PAID)
        return;
    workload_get(w, row, &r);
    struct price_query q = {.service = r.service,
                            .other_service = r.other_service,
                            .at_unix_ns = TIME_NEVER,
                            .model = r.model,
                            .class_name = r.class_name};
    q.goes_along = t->plan->charged == CHARGED_TURN      ? r.initiator == INITIATOR_AGENT
                   : t->plan->charged == CHARGED_SESSION ? model_began_before(t->rows, row)
                                                         : false;
    if (t->start_unix_ns != TIME_NEVER)
        q.at_unix_ns =
            t->start_unix_ns + (t->served->start_ns ? t->served->start_ns[row] : r.timestamp_ns);
    if (r.status == REQUEST_FAILED)
        what = model_failed(b, e ? e->finals[row].http_status : 0);
    else if (r.status == REQUEST_ABORTED)
        what = b->aborted;
    struct usage u = model_billed(t->plan, t->ignore_caps, what, r.usage,
                                  e ? e->finals[row].asked_output : r.output_tokens);
    q.usage = &u;
    if (what != BILLED_NONE)
        model_attempt(t->plan, plan_rate_for(t->plan, r.model), &q, r.labels, out);
    struct usage prompt = r.usage;
    prompt.tokens[USAGE_OUTPUT] = prompt.tokens[USAGE_REASONING] = prompt.extra_count = 0;
    prompt.tokens[USAGE_IMAGE_OUTPUT] = prompt.tokens[USAGE_AUDIO_OUTPUT] = 0;
    for (uint32_t i = 1; i < r.attempts; i++)
        model_retry(t, q, b->failed, prompt, r.output_tokens, r.labels, out);
    for (uint64_t i = e ? e->start[row] : 0; e && i < e->start[row + 1]; i++) {
        const struct earlier_attempt *a = &e->items[i];
        if (q.at_unix_ns != TIME_NEVER)
            q.at_unix_ns = t->start_unix_ns + a->sent_ns;
        model_retry(t, q, a->status == RECORD_FAILED ? model_failed(b, a->http_status) : b->aborted,
                    a->usage, a->asked_output, r.labels, out);
    }
}

#endif
