/* Look-up and multipliers, worked out once when a book is loaded. */
#include "sim/cost/book/plan_read.h"

#include "core/memory.h"

#include <stdlib.h>

/* The class whose price a class takes where it has none; itself at the end of the chain. */
static int parent_of(int class)
{
    switch (class) {
    case USAGE_CACHED_INPUT:
    case USAGE_CACHE_WRITE:
    case USAGE_IMAGE_INPUT:
    case USAGE_AUDIO_INPUT:
    case USAGE_VIDEO_INPUT:
        return USAGE_UNCACHED_INPUT;
    case USAGE_CACHED_IMAGE_INPUT:
    case USAGE_CACHED_AUDIO_INPUT:
        return USAGE_CACHED_INPUT;
    case USAGE_CACHE_WRITE_1H:
        return USAGE_CACHE_WRITE;
    case USAGE_REASONING:
    case USAGE_IMAGE_OUTPUT:
    case USAGE_AUDIO_OUTPUT:
        return USAGE_OUTPUT;
    default:
        return class;
    }
}

/* tier[class], base[class], tier[parent], base[parent], and so on; false: no price anywhere. */
static bool look_up(const struct token_prices *base, const struct token_prices *tier, int class,
                    money *out)
{
    for (;;) {
        if (tier && tier->given & 1u << class) {
            *out = tier->price[class];
            return true;
        }
        if (base->given & 1u << class) {
            *out = base->price[class];
            return true;
        }
        if (parent_of(class) == class)
            return false;
        class = parent_of(class);
    }
}

static void fill_table(struct json_scan *s, const struct price_set *set, size_t tier_number,
                       money multiplier, struct token_table *out)
{
    char where[JSON_WHERE_SIZE];
    const struct price_tier *tier = tier_number > 0 ? &set->tiers[tier_number - 1] : NULL;
    *out = (struct token_table){.input_from = tier ? tier->input_from : 0};
    for (int c = 0; c < USAGE_CLASSES; c++) {
        if (!look_up(&set->base, tier ? &tier->prices : NULL, c, &out->price[c]))
            continue;
        out->priced |= (uint16_t)(1u << c);
        if (money_scale(out->price[c], multiplier, &out->price[c]) < 0)
            json_fail(s, "a multiplier makes a price of %s finer than 1e-24 USD a token",
                      json_fields_where(s, where));
        if (out->price[c] > PLAN_TOKEN_PRICE_MAX)
            json_fail(s, "a token price of %s is above 1,000 USD a token",
                      json_fields_where(s, where));
    }
}

/* Writing to a cache costs what the tokens cost to be kept, too. */
static void add_storage(struct token_table *table, money storage)
{
    static const int written[] = {USAGE_CACHE_WRITE, USAGE_CACHE_WRITE_1H};
    for (int i = 0; i < 2 && storage > 0; i++) {
        table->price[written[i]] += storage;
        table->priced |= (uint16_t)(1u << written[i]);
    }
}

static bool has_token_prices(const struct price_set *set)
{
    return set && (set->base.given || set->tier_count > 0);
}

/* What a service of the rate has of its own: a set or NULL, and its factor. */
static const struct price_set *own_set(const struct plan_rate *rate, size_t service)
{
    return service < SERVICE_COUNT ? rate->services[service]
                                   : rate->other_services[service - SERVICE_COUNT].set;
}

static money own_multiplier(const struct plan_rate *rate, size_t service)
{
    return service < SERVICE_COUNT ? rate->multipliers[service]
                                   : rate->other_services[service - SERVICE_COUNT].multiplier;
}

static void fill_prices(struct json_scan *s, const struct plan_rate *rate,
                        const struct price_window *window, size_t service, struct rate_prices *out)
{
    char where[JSON_WHERE_SIZE];
    const struct price_set *set = &rate->base, *own = own_set(rate, service);
    money multiplier = MONEY_USD;
    if (has_token_prices(own))
        set = own;
    else
        multiplier = own_multiplier(rate, service);
    if (window && has_token_prices(&window->set)) {
        set = &window->set;
        multiplier = own_multiplier(rate, service);
    }
    if (window && money_scale(multiplier, window->multiplier, &multiplier) < 0)
        json_fail(s, "the multipliers of %s have too many decimals together",
                  json_fields_where(s, where));
    out->table_count = set->tier_count + 1;
    out->tables = mem_zero(out->table_count, sizeof *out->tables);
    out->by_output = set->by_output;
    for (size_t i = 0; i < out->table_count; i++) {
        fill_table(s, set, i, multiplier, &out->tables[i]);
        add_storage(&out->tables[i], rate->cache_storage);
    }
    out->per_request_micro = rate->base.per_request_micro;
    if (own && own->has_per_request)
        out->per_request_micro = own->per_request_micro;
    if (window && window->set.has_per_request)
        out->per_request_micro = window->set.per_request_micro;
}

void plan_resolve_rate(struct json_scan *s, struct plan_rate *rate)
{
    char where[JSON_WHERE_SIZE];
    size_t services = plan_rate_services(rate);
    for (size_t i = 0; i < services; i++)
        if (own_set(rate, i) && own_multiplier(rate, i) != MONEY_USD)
            json_fail(s, "%s gives both a multiplier and prices of its own for \"%s\"",
                      json_fields_where(s, where), plan_rate_service_name(rate, i));
    rate->resolved = mem_zero((rate->window_count + 1) * services, sizeof *rate->resolved);
    for (size_t w = 0; w <= rate->window_count && !s->failed; w++)
        for (size_t i = 0; i < services; i++)
            fill_prices(s, rate, w ? &rate->windows[w - 1] : NULL, i,
                        &rate->resolved[w * services + i]);
    if (!s->failed)
        plan_uplifts_check(s, rate);
}

static void free_set(struct price_set *set)
{
    free(set->tiers);
}

static void free_own_set(struct price_set *set)
{
    if (set)
        free_set(set);
    free(set);
}

static void free_patterns(char **patterns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(patterns[i]);
    free(patterns);
}

static void free_weights(struct request_weight *weights, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free_patterns(weights[i].models, weights[i].model_count);
        free_patterns(weights[i].classes, weights[i].class_count);
    }
    free(weights);
}

static void free_fees(struct named_fee *fees, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(fees[i].name);
    free(fees);
}

void plan_free_rate(struct plan_rate *rate)
{
    for (size_t i = 0; rate->resolved && i < (rate->window_count + 1) * plan_rate_services(rate);
         i++)
        free(rate->resolved[i].tables);
    free(rate->resolved);
    free_patterns(rate->models, rate->model_count);
    plan_free_uplifts(rate);
    free_set(&rate->base);
    for (int i = 0; i < SERVICE_COUNT; i++)
        free_own_set(rate->services[i]);
    for (size_t i = 0; i < rate->other_service_count; i++) {
        free(rate->other_services[i].name);
        free_own_set(rate->other_services[i].set);
    }
    free(rate->other_services);
    for (size_t i = 0; i < rate->window_count; i++)
        free_set(&rate->windows[i].set);
    free(rate->windows);
    free_weights(rate->weights, rate->weight_count);
    free_fees(rate->tools, rate->tool_count);
    free_fees(rate->units, rate->unit_count);
}

static void free_quotas(struct plan_quota *quotas, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(quotas[i].of);
        free(quotas[i].counts);
        free_patterns(quotas[i].models, quotas[i].model_count);
        free_patterns(quotas[i].classes, quotas[i].class_count);
    }
    free(quotas);
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->rate_count; i++)
        plan_free_rate(&plan->rates[i]);
    free(plan->rates);
    free(plan->name);
    free(plan->seller);
    free(plan->source);
    free(plan->note);
    free(plan->as_of);
    free(plan->currency);
    free_quotas(plan->quotas, plan->quota_count);
    free_quotas(plan->rate_limits, plan->rate_limit_count);
    free(plan->provisioned.unit);
    free_weights(plan->limits.units, plan->limits.unit_count);
    free(plan->billed.statuses);
    plan_free_volumes(&plan->fees);
}
