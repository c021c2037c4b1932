/* Rates: the prices of models. */
#include "sim/cost/book/plan_read.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- prices of tokens, in the order of enum usage_class ---- */

#define TOKEN(key, class)                                                \
    {                                                                    \
        key, PLAN_MTOK_PRICE(JSON_AT(struct token_prices, price[class])) \
    }
static const struct json_field token_rows[] = {
    TOKEN("input", USAGE_UNCACHED_INPUT),
    TOKEN("cached_input", USAGE_CACHED_INPUT),
    TOKEN("cache_write", USAGE_CACHE_WRITE),
    TOKEN("cache_write_1h", USAGE_CACHE_WRITE_1H),
    TOKEN("output", USAGE_OUTPUT),
    TOKEN("reasoning", USAGE_REASONING),
    TOKEN("image_input", USAGE_IMAGE_INPUT),
    TOKEN("audio_input", USAGE_AUDIO_INPUT),
    TOKEN("video_input", USAGE_VIDEO_INPUT),
    TOKEN("cached_image_input", USAGE_CACHED_IMAGE_INPUT),
    TOKEN("cached_audio_input", USAGE_CACHED_AUDIO_INPUT),
    TOKEN("image_output", USAGE_IMAGE_OUTPUT),
    TOKEN("audio_output", USAGE_AUDIO_OUTPUT),
    PLAN_REMARKS,
};

const char *plan_class_key(enum usage_class c)
{
    return token_rows[c].name;
}

static void check_token_prices(struct json_scan *s, void *prices, uint64_t seen)
{
    (void)s;
    ((struct token_prices *)prices)->given |= (uint16_t)(seen & ((1u << USAGE_CLASSES) - 1));
}

static const struct json_table token_table = {JSON_ROWS(token_rows), .where = "\"per_mtok\" of",
                                              .check = check_token_prices};
static const struct json_table tier_token_table = {
    JSON_ROWS(token_rows), .where = "\"per_mtok\" of a tier", .check = check_token_prices};

/* ---- tiers ---- */

static void read_over(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    if (json_u64(s, 0, UINT32_MAX, member))
        ++*(uint64_t *)member;
}

#define TIER(member) JSON_AT(struct price_tier, member)
static const struct json_field tier_rows[] = {
    {"input_over", JSON_AS_OTHER, TIER(input_from), .read = read_over},
    {"input_from", JSON_AS_UINT, TIER(input_from), 1, UINT32_MAX},
    {"output_over", JSON_AS_OTHER, TIER(input_from), .read = read_over},
    {"output_from", JSON_AS_UINT, TIER(input_from), 1, UINT32_MAX},
    {"per_mtok", JSON_AS_OBJECT, TIER(prices), .table = &tier_token_table},
    PLAN_REMARKS,
};

static void check_tier(struct json_scan *s, void *tier, uint64_t seen)
{
    uint64_t which = seen & 15;
    if (which == 0 || (which & (which - 1)) != 0)
        json_fail(s, "a tier needs \"input_over\" or \"input_from\", or of the answer's length "
                     "\"output_over\" or \"output_from\", and only one");
    ((struct price_tier *)tier)->by_output = which >= 4;
}

static const struct json_table tier_table = {JSON_ROWS(tier_rows), .where = "a tier of",
                                             .check = check_tier};
static const struct json_field tier_item = {
    .kind = JSON_AS_OBJECT, .table = &tier_table, .size = sizeof(struct price_tier)};

/* Kept in the order of their thresholds. */
static void add_tier(struct json_scan *s, struct price_set *set, struct price_tier tier)
{
    for (size_t i = 0; i < set->tier_count && !s->failed; i++)
        if (set->tiers[i].input_from == tier.input_from)
            json_fail(s,
                      "this tier overlaps another of the same rate: both begin at %llu input "
                      "tokens",
                      (unsigned long long)tier.input_from);
    if (set->tier_count > 0 && set->by_output != tier.by_output)
        json_fail(s, "the tiers of one rate go by the input or by the output, not by both");
    set->by_output = tier.by_output;
    size_t at = set->tier_count;
    set->tiers = mem_resize(set->tiers, set->tier_count + 1, sizeof *set->tiers);
    for (; at > 0 && set->tiers[at - 1].input_from > tier.input_from; at--)
        set->tiers[at] = set->tiers[at - 1];
    set->tiers[at] = tier;
    set->tier_count++;
}

static void read_tiers(struct json_scan *s, const struct json_field *f, void *member)
{
    json_array_begin(s);
    while (json_array_next(s)) {
        struct price_tier tier = {0};
        json_fields_read(s, f->item->table, &tier);
        add_tier(s, plan_owner(f, member), tier);
    }
}

/* ---- a set of prices: of a rate, of a service, of a window ---- */

#define SET(member) JSON_AT(struct price_set, member)
static const struct json_field set_rows[] = {
    {"per_mtok", JSON_AS_OBJECT, SET(base), .table = &token_table},
    {"tiers", JSON_AS_LIST, SET(tiers), .count = offsetof(struct price_set, tier_count),
     .item = &tier_item, .read = read_tiers},
    {"per_request", PLAN_MTOK_PRICE(SET(per_request_micro)),
     JSON_HAS(struct price_set, has_per_request)},
};
static const struct json_table set_table = {JSON_ROWS(set_rows)};
#define SET_ROWS(member)                                    \
    {                                                       \
        .kind = JSON_AS_INLINE, member, .table = &set_table \
    }

/* ---- fees ---- */

#define FEE(member) JSON_AT(struct named_fee, member)
static const struct json_field fee_rows[] = {
    {"price", PLAN_MTOK_PRICE(FEE(price_micro))},
    {"step", PLAN_MICRO_FACTOR(FEE(step_micro), 1000000)},
    {"minimum", PLAN_MICRO_FACTOR(FEE(minimum_micro), 1000000)},
    PLAN_REMARKS,
};
static const struct json_table fee_table = {JSON_ROWS(fee_rows), .where = "a fee"};

/* {"web_search": "0.01", "audio_second": {"price": "0.0001", "step": 1}} */
static void read_fees(struct json_scan *s, const struct json_field *f, void *member)
{
    struct named_fee **fees = member;
    size_t *count = (size_t *)((char *)plan_owner(f, member) + f->count);
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        *fees = mem_resize(*fees, *count + 1, sizeof **fees);
        struct named_fee *fee = &(*fees)[(*count)++];
        *fee = (struct named_fee){.name = mem_copy_text(key.at, key.length)};
        if (json_peek(s) == JSON_OBJECT)
            json_fields_read(s, &fee_table, fee);
        else
            plan_read_mtok_price(s, &fee_rows[0], &fee->price_micro);
    }
}

/* ---- services ---- */

/* The service of a key: a known one, or one by its own name, which is new to the rate or not. A
 * name that is nearly a known one is taken for a mistake. NULL after a failure. */
static struct named_service *other_service(struct json_scan *s, struct plan_rate *rate,
                                           struct text key)
{
    static const char *const names[] = {"batch", "flex", "priority", "standard", NULL};
    char name[SERVICE_NAME_MAX + 1];
    const char *near = text_nearest(key, names);
    if (near && text_distance(key, text_of(near)) == 1) {
        json_fail(s, "the service \"%.*s\" is one letter off \"%s\": is that meant?",
                  (int)key.length, key.at, near);
        return NULL;
    }
    if (key.length > SERVICE_NAME_MAX) {
        json_fail(s, "a service's name has at most %d bytes", SERVICE_NAME_MAX);
        return NULL;
    }
    snprintf(name, sizeof name, "%.*s", (int)key.length, key.at);
    size_t place = plan_rate_service(rate, SERVICE_OTHER, name);
    if (place != PLAN_NO_SERVICE)
        return &rate->other_services[place - SERVICE_COUNT];
    size_t count = rate->other_service_count;
    rate->other_services =
        mem_resize(rate->other_services, count + 1, sizeof *rate->other_services);
    rate->other_services[count] =
        (struct named_service){.name = mem_copy_string(name), .multiplier = MONEY_USD};
    rate->other_service_count++;
    return &rate->other_services[count];
}

static void read_multipliers(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan_rate *rate = plan_owner(f, member);
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        enum service service = service_called(key);
        struct named_service *other = NULL;
        if (service == SERVICE_OTHER && !(other = other_service(s, rate, key)))
            return;
        plan_read_factor(s, f, other ? &other->multiplier : &rate->multipliers[service]);
        if (!other)
            rate->services_priced |= (uint8_t)(1u << service);
    }
}

static const struct json_field service_rows[] = {SET_ROWS(.offset = 0), PLAN_REMARKS};
static const struct json_table service_table = {JSON_ROWS(service_rows), .where = "a service of"};

static void read_services(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan_rate *rate = plan_owner(f, member);
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        enum service service = service_called(key);
        struct named_service *other = NULL;
        if (service == SERVICE_OTHER && !(other = other_service(s, rate, key)))
            return;
        struct price_set **set = other ? &other->set : &rate->services[service];
        if (!*set)
            *set = mem_zero(1, sizeof **set);
        if (!other)
            rate->services_priced |= (uint8_t)(1u << service);
        json_fields_read(s, f->table, *set);
    }
}

/* ---- windows ---- */

/* "16:30" as minutes; 24:00 is the day's end. */
void plan_read_minute(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text t;
    int64_t hour, minute;
    (void)f;
    if (!json_string(s, &t))
        return;
    if (t.length != 5 || t.at[2] != ':' || !text_to_i64((struct text){t.at, 2}, &hour) ||
        !text_to_i64((struct text){t.at + 3, 2}, &minute) || hour < 0 || minute < 0 ||
        minute > 59 || hour * 60 + minute > 24 * 60)
        json_fail(s, "expected a time of day in UTC such as \"16:30\", found \"%.*s\"",
                  t.length > 40 ? 40 : (int)t.length, t.at);
    else
        *(int *)member = (int)(hour * 60 + minute) % (24 * 60);
}

static void read_instant(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text t;
    (void)f;
    if (json_string(s, &t) && clock_parse_instant(t.at, t.length, member) < 0)
        json_fail(s, "expected a date such as \"2026-11-01\" or \"2026-11-01T12:00:00Z\"");
}

void plan_read_weekdays(struct json_scan *s, const struct json_field *f, void *member)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
    uint8_t *out = member;
    (void)f;
    *out = 0;
    json_array_begin(s);
    while (json_array_next(s)) {
        int day = 0;
        json_choice(s, days, NULL, &day);
        *out |= (uint8_t)(1u << day);
    }
}

enum window_row { START, END, FROM, UNTIL, DAYS, MULTIPLIER, PRICES };

#define WINDOW(member) JSON_AT(struct price_window, member)
static const struct json_field window_rows[] = {
    [START] = {"start", JSON_AS_OTHER, WINDOW(start_minute), .read = plan_read_minute},
    [END] = {"end", JSON_AS_OTHER, WINDOW(end_minute), .read = plan_read_minute},
    [FROM] = {"from", JSON_AS_OTHER, WINDOW(from_unix_ns), .read = read_instant},
    [UNTIL] = {"until", JSON_AS_OTHER, WINDOW(until_unix_ns), .read = read_instant},
    [DAYS] = {"days", JSON_AS_OTHER, WINDOW(weekdays), .read = plan_read_weekdays},
    [MULTIPLIER] = {"multiplier", PLAN_FACTOR(WINDOW(multiplier), 1000)},
    [PRICES] = SET_ROWS(WINDOW(set)),
    PLAN_REMARKS,
};

static void init_window(void *window)
{
    *(struct price_window *)window = (struct price_window){.from_unix_ns = INT64_MIN,
                                                           .until_unix_ns = TIME_NEVER,
                                                           .weekdays = 0x7f,
                                                           .multiplier = MONEY_USD};
}

static void check_window(struct json_scan *s, void *window, uint64_t seen)
{
    struct price_window *w = window;
    bool start = seen >> START & 1, end = seen >> END & 1;
    w->timed = start;
    w->has_set = seen >> PRICES & 1;
    if (end && !start)
        json_fail(s, "a window with \"end\" needs \"start\"");
    if (start && !end)
        json_fail(s, "a window with \"start\" needs \"end\"");
    if (!start && !(seen & (1u << FROM | 1u << UNTIL | 1u << DAYS)))
        json_fail(s, "a window without start: give \"start\" and \"end\" (times of the UTC day), "
                     "\"days\", \"from\" or \"until\" (dates)");
    if (w->from_unix_ns >= w->until_unix_ns)
        json_fail(s, "a window must begin before it ends");
    if (!w->has_set && !(seen >> MULTIPLIER & 1))
        json_fail(s, "a window needs prices of its own or a \"multiplier\"");
}

static const struct json_table window_table = {JSON_ROWS(window_rows), .where = "a window of",
                                               .init = init_window, .check = check_window};
static const struct json_field window_item = {
    .kind = JSON_AS_OBJECT, .table = &window_table, .size = sizeof(struct price_window)};

/* ---- weights ---- */

#define HOURS(member) JSON_AT(struct request_weight, hours.member)
enum weight_row { WEIGHT_START, WEIGHT_END };
static const struct json_field weight_rows[] = {
    [WEIGHT_START] = {"start", JSON_AS_OTHER, HOURS(start_minute), .read = plan_read_minute},
    [WEIGHT_END] = {"end", JSON_AS_OTHER, HOURS(end_minute), .read = plan_read_minute},
    {"days", JSON_AS_OTHER, HOURS(weekdays), .read = plan_read_weekdays},
    {"models", PLAN_PATTERNS(struct request_weight, models, model_count)},
    {"classes", PLAN_PATTERNS(struct request_weight, classes, class_count)},
    {"weight", PLAN_MICRO_FACTOR(JSON_AT(struct request_weight, weight_micro), PLAN_WEIGHT_MAX),
     .required = true},
    PLAN_REMARKS,
};

static void check_weight(struct json_scan *s, void *weight, uint64_t seen)
{
    struct plan_hours *h = &((struct request_weight *)weight)->hours;
    h->timed = seen >> WEIGHT_START & 1;
    if (h->timed != (seen >> WEIGHT_END & 1))
        json_fail(s, "a weight with \"start\" needs \"end\", and the other way round");
    if (h->timed && h->weekdays == 0)
        h->weekdays = 0x7f;
}

static const struct json_table weight_table = {JSON_ROWS(weight_rows), .where = "a weight of",
                                               .needs = "an entry of \"weights\" needs \"weight\"",
                                               .check = check_weight};
const struct json_field plan_weight_item = {
    .kind = JSON_AS_OBJECT, .table = &weight_table, .size = sizeof(struct request_weight)};

/* ---- what it costs to keep what was written to a cache ---- */

struct storage {
    money per_mtok_hour; /* of one token */
    uint64_t hours_micro;
};

static const struct json_field storage_rows[] = {
    {"per_mtok_hour", PLAN_MTOK_PRICE(JSON_AT(struct storage, per_mtok_hour)), .required = true},
    {"hours", PLAN_MICRO_FACTOR(JSON_AT(struct storage, hours_micro), 10000)},
    PLAN_REMARKS,
};
static const struct json_table storage_table = {
    JSON_ROWS(storage_rows), .where = "\"cache_storage\" of",
    .needs =
        "\"cache_storage\" needs \"per_mtok_hour\", the price of a million tokens for an hour"};

static void read_storage(struct json_scan *s, const struct json_field *f, void *member)
{
    struct storage storage = {.hours_micro = PLAN_MICRO};
    json_fields_read(s, f->table, &storage);
    if (!s->failed &&
        money_scale(storage.per_mtok_hour, (money)storage.hours_micro * (MONEY_USD / PLAN_MICRO),
                    member) < 0)
        json_fail(s, "so many hours make a price finer than 1e-24 USD a token");
}

/* ---- rates ---- */

#define RATE(member) JSON_AT(struct plan_rate, member)
#define COUNTED(member, number) RATE(member), .count = offsetof(struct plan_rate, number)
static const struct json_field prices_rows[] = {
    {"models", PLAN_PATTERNS(struct plan_rate, models, model_count)},
    SET_ROWS(RATE(base)),
    {"weights", JSON_AS_LIST, COUNTED(weights, weight_count), .item = &plan_weight_item},
    {"per_tool", JSON_AS_OTHER, COUNTED(tools, tool_count), .table = &fee_table, .read = read_fees},
    {"per_unit", JSON_AS_OTHER, COUNTED(units, unit_count), .table = &fee_table, .read = read_fees},
    {"multipliers", JSON_AS_OTHER, RATE(multipliers), 0, 1000, .read = read_multipliers},
    {"services", JSON_AS_OTHER, RATE(services), .table = &service_table, .read = read_services},
    {"windows", JSON_AS_LIST, COUNTED(windows, window_count), .item = &window_item},
    {"uplift", JSON_AS_OTHER, RATE(uplifts), .table = &plan_uplift_table,
     .read = plan_read_uplifts},
    {"cache_storage", JSON_AS_OTHER, RATE(cache_storage), .table = &storage_table,
     .read = read_storage},
};
const struct json_table plan_prices_table = {JSON_ROWS(prices_rows)};

void plan_rate_init(void *rate)
{
    for (int i = 0; i < SERVICE_COUNT; i++)
        ((struct plan_rate *)rate)->multipliers[i] = MONEY_USD;
}

static void check_rate(struct json_scan *s, void *rate, uint64_t seen)
{
    (void)seen;
    plan_resolve_rate(s, rate);
}

static const struct json_field rate_rows[] = {
    {.kind = JSON_AS_INLINE, .table = &plan_prices_table},
    PLAN_REMARKS,
};
static const struct json_table rate_table = {JSON_ROWS(rate_rows), .where = "a rate of",
                                             .init = plan_rate_init, .check = check_rate};
const struct json_field plan_rate_item = {
    .kind = JSON_AS_OBJECT, .table = &rate_table, .size = sizeof(struct plan_rate)};
