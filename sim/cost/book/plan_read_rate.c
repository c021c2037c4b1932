/* Rates: the prices of models. */
#include "sim/cost/book/plan_read.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const class_keys[] = {"input",  "cached_input", "cache_write", "cache_write_1h",
                                         "output", "reasoning",    NULL};

const char *const plan_rate_keys[] = {"models",   "per_mtok", "tiers",    "per_request",
                                      "weights",  "per_tool", "per_unit", "multipliers",
                                      "services", "windows",  NULL};

static void read_token_prices(struct json_scan *s, struct token_prices *prices, const char *where)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        int c = 0;
        while (class_keys[c] && !text_equal(key, class_keys[c]))
            c++;
        if (class_keys[c]) {
            plan_read_price(s, MONEY_PER_MILLION, &prices->price[c]);
            prices->given |= (uint8_t)(1u << c);
        } else if (!plan_skip_remark(s, key)) {
            json_unknown_key(s, key, class_keys, where);
        }
    }
}

static void read_tier(struct json_scan *s, struct price_set *set, const char *where)
{
    static const char *const keys[] = {"input_over", "input_from", "per_mtok", NULL};
    struct price_tier tier = {0};
    struct text key;
    int thresholds = 0;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "input_over")) {
            json_u64(s, 0, UINT32_MAX, &tier.input_from);
            tier.input_from++;
            thresholds++;
        } else if (text_equal(key, "input_from")) {
            json_u64(s, 1, UINT32_MAX, &tier.input_from);
            thresholds++;
        } else if (text_equal(key, "per_mtok")) {
            read_token_prices(s, &tier.prices, "\"per_mtok\" of a tier");
        } else if (!plan_skip_remark(s, key)) {
            json_unknown_key(s, key, keys, where);
        }
    }
    if (thresholds != 1)
        plan_fail_at(s, place, "a tier needs \"input_over\" or \"input_from\", and only one");
    for (size_t i = 0; i < set->tier_count && !s->failed; i++)
        if (set->tiers[i].input_from == tier.input_from)
            plan_fail_at(s, place,
                         "this tier overlaps another of the same rate: both begin at %llu input "
                         "tokens",
                         (unsigned long long)tier.input_from);
    size_t at = set->tier_count;
    set->tiers = mem_resize(set->tiers, set->tier_count + 1, sizeof *set->tiers);
    for (; at > 0 && set->tiers[at - 1].input_from > tier.input_from; at--)
        set->tiers[at] = set->tiers[at - 1];
    set->tiers[at] = tier;
    set->tier_count++;
}

static void read_tiers(struct json_scan *s, struct price_set *set, const char *where)
{
    char tier_where[PLAN_WHERE_SIZE];
    snprintf(tier_where, sizeof tier_where, "a tier of %.100s", where);
    json_array_begin(s);
    while (json_array_next(s))
        read_tier(s, set, tier_where);
}

/* The keys of a price set; false if the key is none of them. */
static bool read_set_key(struct json_scan *s, struct text key, struct price_set *set,
                         const char *where)
{
    if (text_equal(key, "per_mtok")) {
        char prices_where[PLAN_WHERE_SIZE];
        snprintf(prices_where, sizeof prices_where, "\"per_mtok\" of %.100s", where);
        read_token_prices(s, &set->base, prices_where);
    } else if (text_equal(key, "tiers")) {
        read_tiers(s, set, where);
    } else if (text_equal(key, "per_request")) {
        plan_read_price(s, MONEY_PER_MILLION, &set->per_request_micro);
        set->has_per_request = true;
    } else {
        return false;
    }
    return true;
}

static void read_fee(struct json_scan *s, struct named_fee *fee)
{
    static const char *const keys[] = {"price", "step", "minimum", NULL};
    struct text key;
    if (json_peek(s) != JSON_OBJECT) {
        plan_read_price(s, MONEY_PER_MILLION, &fee->price_micro);
        return;
    }
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "price"))
            plan_read_price(s, MONEY_PER_MILLION, &fee->price_micro);
        else if (text_equal(key, "step"))
            plan_read_micro(s, 1000000, &fee->step_micro);
        else if (text_equal(key, "minimum"))
            plan_read_micro(s, 1000000, &fee->minimum_micro);
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, "a fee");
    }
}

static void read_fees(struct json_scan *s, struct named_fee **fees, size_t *count)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        *fees = mem_resize(*fees, *count + 1, sizeof **fees);
        struct named_fee *fee = &(*fees)[(*count)++];
        *fee = (struct named_fee){.name = mem_copy_text(key.at, key.length)};
        read_fee(s, fee);
    }
}

static int service_key(struct json_scan *s, struct text key, const char *where)
{
    static const char *const names[] = {"batch", "flex", "priority", "standard", NULL};
    int service = service_from_name(key);
    if (service < 0)
        json_unknown_key(s, key, names, where);
    return service;
}

static void read_multipliers(struct json_scan *s, struct plan_rate *rate)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        int service = service_key(s, key, "\"multipliers\"");
        if (service >= 0) {
            plan_read_factor(s, 1000, &rate->multipliers[service]);
            rate->services_priced |= (uint8_t)(1u << service);
        }
    }
}

static void read_services(struct json_scan *s, struct plan_rate *rate, const char *where)
{
    static const char *const keys[] = {"per_mtok", "tiers", "per_request", NULL};
    char set_where[PLAN_WHERE_SIZE];
    struct text key;
    snprintf(set_where, sizeof set_where, "a service of %.100s", where);
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        int service = service_key(s, key, "\"services\"");
        if (service < 0)
            return;
        if (!rate->services[service])
            rate->services[service] = mem_zero(1, sizeof **rate->services);
        rate->services_priced |= (uint8_t)(1u << service);
        json_object_begin(s);
        while (json_object_next(s, &key))
            if (!read_set_key(s, key, rate->services[service], set_where) &&
                !plan_skip_remark(s, key))
                json_unknown_key(s, key, keys, set_where);
    }
}

/* "16:30" as minutes; 24:00 is the day's end. */
static void read_minute(struct json_scan *s, int *out)
{
    struct text t;
    int64_t hour, minute;
    if (!json_string(s, &t))
        return;
    if (t.length != 5 || t.at[2] != ':' || !text_to_i64((struct text){t.at, 2}, &hour) ||
        !text_to_i64((struct text){t.at + 3, 2}, &minute) || hour < 0 || minute < 0 ||
        minute > 59 || hour * 60 + minute > 24 * 60)
        json_fail(s, "expected a time of day in UTC such as \"16:30\", found \"%.*s\"",
                  t.length > 40 ? 40 : (int)t.length, t.at);
    else
        *out = (int)(hour * 60 + minute) % (24 * 60);
}

static void read_instant(struct json_scan *s, int64_t *out)
{
    struct text t;
    if (!json_string(s, &t))
        return;
    if (clock_parse_instant(t.at, t.length, out) < 0)
        json_fail(s, "expected a date such as \"2026-11-01\" or \"2026-11-01T12:00:00Z\"");
}

static void read_weekdays(struct json_scan *s, uint8_t *out)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
    *out = 0;
    json_array_begin(s);
    while (json_array_next(s)) {
        int day = 0;
        plan_read_choice(s, days, &day);
        *out |= (uint8_t)(1u << day);
    }
}

struct window_seen {
    bool start, end, from, until, days, multiplier;
};

static bool read_window_key(struct json_scan *s, struct text key, struct price_window *w,
                            struct window_seen *seen)
{
    if (text_equal(key, "start"))
        seen->start = true, read_minute(s, &w->start_minute);
    else if (text_equal(key, "end"))
        seen->end = true, read_minute(s, &w->end_minute);
    else if (text_equal(key, "from"))
        seen->from = true, read_instant(s, &w->from_unix_ns);
    else if (text_equal(key, "until"))
        seen->until = true, read_instant(s, &w->until_unix_ns);
    else if (text_equal(key, "days"))
        seen->days = true, read_weekdays(s, &w->weekdays);
    else if (text_equal(key, "multiplier"))
        seen->multiplier = true, plan_read_factor(s, 1000, &w->multiplier);
    else
        return false;
    return true;
}

static void check_window(struct json_scan *s, const char *place, const struct price_window *w,
                         const struct window_seen *seen)
{
    if (seen->end && !seen->start)
        plan_fail_at(s, place, "a window with \"end\" needs \"start\"");
    if (seen->start && !seen->end)
        plan_fail_at(s, place, "a window with \"start\" needs \"end\"");
    if (!seen->start && !seen->from && !seen->until && !seen->days)
        plan_fail_at(s, place,
                     "a window without start: give \"start\" and \"end\" (times of the UTC day), "
                     "\"days\", \"from\" or \"until\" (dates)");
    if (w->from_unix_ns >= w->until_unix_ns)
        plan_fail_at(s, place, "a window must begin before it ends");
    if (!w->has_set && !seen->multiplier)
        plan_fail_at(s, place, "a window needs prices of its own or a \"multiplier\"");
}

static void read_window(struct json_scan *s, struct plan_rate *rate, const char *where)
{
    static const char *const keys[] = {"start",      "end",      "from",  "until",       "days",
                                       "multiplier", "per_mtok", "tiers", "per_request", NULL};
    rate->windows = mem_resize(rate->windows, rate->window_count + 1, sizeof *rate->windows);
    struct price_window *w = &rate->windows[rate->window_count++];
    *w = (struct price_window){.from_unix_ns = INT64_MIN,
                               .until_unix_ns = TIME_NEVER,
                               .weekdays = 0x7f,
                               .multiplier = MONEY_USD};
    struct window_seen seen = {0};
    struct text key;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (read_set_key(s, key, &w->set, where))
            w->has_set = true;
        else if (!read_window_key(s, key, w, &seen) && !plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, where);
    }
    w->timed = seen.start;
    check_window(s, place, w, &seen);
}

static void read_windows(struct json_scan *s, struct plan_rate *rate, const char *where)
{
    char window_where[PLAN_WHERE_SIZE];
    snprintf(window_where, sizeof window_where, "a window of %.100s", where);
    json_array_begin(s);
    while (json_array_next(s))
        read_window(s, rate, window_where);
}

static void read_weight(struct json_scan *s, struct request_weight *w, const char *where)
{
    static const char *const keys[] = {"models", "classes", "weight", NULL};
    struct text key;
    bool weighted = false;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "models"))
            plan_read_patterns(s, &w->models, &w->model_count);
        else if (text_equal(key, "classes"))
            plan_read_patterns(s, &w->classes, &w->class_count);
        else if (text_equal(key, "weight"))
            weighted = true, plan_read_micro(s, PLAN_WEIGHT_MAX, &w->weight_micro);
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, where);
    }
    if (!weighted)
        plan_fail_at(s, place, "an entry of \"weights\" needs \"weight\"");
}

void plan_read_weights(struct json_scan *s, struct request_weight **out, size_t *count,
                       const char *where)
{
    char weight_where[PLAN_WHERE_SIZE];
    snprintf(weight_where, sizeof weight_where, "a weight of %.100s", where);
    json_array_begin(s);
    while (json_array_next(s)) {
        *out = mem_resize(*out, *count + 1, sizeof **out);
        (*out)[*count] = (struct request_weight){0};
        read_weight(s, &(*out)[(*count)++], weight_where);
    }
}

bool plan_read_rate_key(struct json_scan *s, struct text key, struct plan_rate *rate,
                        const char *where)
{
    if (read_set_key(s, key, &rate->base, where))
        return true;
    if (text_equal(key, "models"))
        plan_read_patterns(s, &rate->models, &rate->model_count);
    else if (text_equal(key, "weights"))
        plan_read_weights(s, &rate->weights, &rate->weight_count, where);
    else if (text_equal(key, "per_tool"))
        read_fees(s, &rate->tools, &rate->tool_count);
    else if (text_equal(key, "per_unit"))
        read_fees(s, &rate->units, &rate->unit_count);
    else if (text_equal(key, "multipliers"))
        read_multipliers(s, rate);
    else if (text_equal(key, "services"))
        read_services(s, rate, where);
    else if (text_equal(key, "windows"))
        read_windows(s, rate, where);
    else
        return false;
    return true;
}

void plan_read_rates(struct json_scan *s, struct plan *plan, const char *where)
{
    char rate_where[PLAN_WHERE_SIZE];
    snprintf(rate_where, sizeof rate_where, "a rate of %.100s", where);
    json_array_begin(s);
    while (json_array_next(s)) {
        plan->rates = mem_resize(plan->rates, plan->rate_count + 1, sizeof *plan->rates);
        struct plan_rate *rate = &plan->rates[plan->rate_count++];
        *rate = (struct plan_rate){0};
        for (int i = 0; i < SERVICE_COUNT; i++)
            rate->multipliers[i] = MONEY_USD;
        struct text key;
        json_object_begin(s);
        const char *place = s->value;
        while (json_object_next(s, &key))
            if (!plan_read_rate_key(s, key, rate, rate_where) && !plan_skip_remark(s, key))
                json_unknown_key(s, key, plan_rate_keys, rate_where);
        plan_resolve_rate(s, place, rate, rate_where);
    }
}
