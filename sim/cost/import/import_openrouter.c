/* OpenRouter's public model list: {"data": [{"id": .., "pricing": {"prompt": "0.000001", ..}}]}.
 * Prices are strings, per token or per unit; -1 marks routers whose price is their choice's. */
#include "sim/cost/import/import_parts.h"

#include <stdio.h>

static const struct {
    const char *key;
    enum usage_class class;
} classes[] = {
    {"prompt", USAGE_UNCACHED_INPUT},
    {"completion", USAGE_OUTPUT},
    {"input_cache_read", USAGE_CACHED_INPUT},
    {"input_cache_write", USAGE_CACHE_WRITE},
    {"input_cache_write_1h", USAGE_CACHE_WRITE_1H},
    {"input_cache_write_12h", USAGE_CACHE_WRITE_1H},
    {"internal_reasoning", USAGE_REASONING},
    {"image_token", USAGE_IMAGE_INPUT},
    {"image_output", USAGE_IMAGE_OUTPUT},
    {"audio", USAGE_AUDIO_INPUT},
    {"audio_output", USAGE_AUDIO_OUTPUT},
    {"input_audio_cache", USAGE_CACHED_AUDIO_INPUT},
    {"input_image_cache", USAGE_CACHED_IMAGE_INPUT},
    {"video", USAGE_VIDEO_INPUT},
};

static const struct {
    const char *key, *name;
    bool tool;
} fees[] = {
    {"web_search", "web_search", true},
    {"image", "input_image", false},
};

/* Reads the key's price into a set if it is one; false if the key is unknown. Fees of a window
 * (`timed`) vary. */
static bool read_price(struct import *im, struct import_set *set, bool timed, struct text key,
                       uint64_t from)
{
    struct import_number n;
    struct import_plan *p = im->plan;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (text_equal(key, classes[i].key)) {
            if (!import_price(im, classes[i].key, 0, IMPORT_TOKEN, &n))
                return true;
            if (timed && from == 0)
                set->classes[classes[i].class] = (struct import_class){.given = true, .base = n};
            else
                import_set_class(im, set, classes[i].class, from, &n, classes[i].key);
            return true;
        }
    for (size_t i = 0; i < sizeof fees / sizeof fees[0]; i++) {
        if (!text_equal(key, fees[i].key))
            continue;
        if (!import_price(im, fees[i].key, 0, IMPORT_FEE, &n))
            return true;
        if (from == 0 && !timed)
            import_add_fee(im, fees[i].tool ? &p->tools : &p->units, fees[i].name, &n, fees[i].key);
        else
            import_vary_fee(im, fees[i].tool, fees[i].name, &n, fees[i].key);
        return true;
    }
    return false;
}

static void unknown_key(struct import *im, struct text key)
{
    char name[80];
    snprintf(name, sizeof name, "%.*s", key.length > 79 ? 79 : (int)key.length, key.at);
    json_skip(&im->s, NULL);
    import_miss(im, name, IMPORT_UNKNOWN_KEY);
}

/* What an override holds for. */
struct condition {
    uint64_t from; /* input tokens; 0 = any */
    struct import_hours hours;
    bool timed, unknown;
};

/* 1630 as 16:30. */
static bool read_clock(struct import *im, int *out)
{
    uint64_t clock;
    struct text t;
    if (json_peek(&im->s) == JSON_STRING
            ? !json_string(&im->s, &t) || !text_to_u64(t, &clock)
            : !json_skip_unless(&im->s, JSON_NUMBER) || !json_u64(&im->s, 0, 2400, &clock))
        return false;
    *out = (int)(clock / 100 * 60 + clock % 100) % 1440;
    return clock <= 2400 && clock % 100 < 60;
}

static bool read_days(struct import *im, uint8_t *out)
{
    struct text t;
    *out = 0;
    if (!json_skip_unless(&im->s, JSON_ARRAY))
        return false;
    json_array_begin(&im->s);
    while (json_array_next(&im->s)) {
        if (json_skip_unless(&im->s, JSON_STRING) && json_string(&im->s, &t))
            *out |= import_weekday(t);
    }
    return *out != 0;
}

static bool is_condition(struct text key)
{
    return text_equal(key, "min_prompt_tokens") || text_equal(key, "utc_start") ||
           text_equal(key, "utc_end") || text_equal(key, "utc_days");
}

/* The conditions of the override that comes next, which stays to be read: they may stand behind the
 * prices. */
static struct condition find_condition(struct import *im)
{
    struct condition c = {.hours.days = IMPORT_EVERY_DAY};
    struct text key;
    json_peek(&im->s);
    struct json_scan start = im->s;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        bool timed = is_condition(key) && !text_equal(key, "min_prompt_tokens");
        c.timed |= timed;
        if (text_equal(key, "min_prompt_tokens"))
            json_u64(&im->s, 1, UINT32_MAX, &c.from);
        else if (text_equal(key, "utc_start"))
            c.unknown |= !read_clock(im, &c.hours.start);
        else if (text_equal(key, "utc_end"))
            c.unknown |= !read_clock(im, &c.hours.end);
        else if (text_equal(key, "utc_days"))
            c.unknown |= !read_days(im, &c.hours.days);
        else
            json_skip(&im->s, NULL);
    }
    if (!im->s.failed)
        im->s = start;
    return c;
}

/* {"min_prompt_tokens": 200000, "prompt": .., ..}, {"utc_start": 1000, "utc_end": 0, "utc_days":
 * ["monday"], ..}. Overrides without hours come first, as windows repeat what they say. */
static void read_override(struct import *im, bool timed)
{
    struct text key;
    struct condition c = find_condition(im);
    if (im->s.failed)
        return;
    if (c.timed != timed || c.unknown || (c.from == 0 && !c.timed)) {
        json_skip(&im->s, NULL);
        if (c.timed == timed)
            import_miss(im, "overrides", IMPORT_CONDITION);
        return;
    }
    struct import_set window = im->plan->standard, *set = timed ? &window : &im->plan->standard;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (is_condition(key))
            json_skip(&im->s, NULL);
        else if (!read_price(im, set, timed, key, c.from))
            unknown_key(im, key);
    }
    if (timed && !im->s.failed)
        import_windows_at(im, &c.hours, set);
}

static void read_overrides(struct import *im, bool timed)
{
    if (json_peek(&im->s) == JSON_NULL) {
        json_null(&im->s);
        return;
    }
    json_array_begin(&im->s);
    while (json_array_next(&im->s))
        read_override(im, timed);
}

static void read_pricing(struct import *im)
{
    struct import_number n;
    struct text key;
    struct import_plan *p = im->plan;
    struct json_scan overrides = {0};
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "overrides")) {
            json_peek(&im->s);
            overrides = im->s;
            json_skip(&im->s, NULL);
        } else if (text_equal(key, "request")) {
            if (import_price(im, "request", 0, IMPORT_FEE, &n))
                p->standard.request = n, p->standard.has_request = true;
        } else if (!read_price(im, &p->standard, false, key, 0)) {
            unknown_key(im, key);
        }
    }
    struct json_scan after = im->s;
    for (int timed = 0; timed < 2 && overrides.text && !im->s.failed; timed++) {
        im->s = overrides;
        read_overrides(im, timed);
        if (!im->s.failed)
            im->s = after;
    }
}

/* The id of the model that comes next, which stays to be read. */
static bool find_id(struct import *im, struct text *id)
{
    struct text key;
    *id = (struct text){0};
    json_peek(&im->s);
    struct json_scan s = im->s;
    json_object_begin(&s);
    const char *place = s.value;
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "id"))
            json_string(&s, id);
        else
            json_skip(&s, NULL);
    }
    if (!s.failed && !id->at) {
        s.value = place;
        json_fail(&s, "an entry of \"data\" needs \"id\"");
    }
    if (s.failed)
        im->s = s;
    return !s.failed;
}

static void read_model(struct import *im)
{
    static const char *const not_prices[] = {"id",
                                             "canonical_slug",
                                             "hugging_face_id",
                                             "name",
                                             "created",
                                             "description",
                                             "context_length",
                                             "architecture",
                                             "per_request_limits",
                                             "supported_*",
                                             "top_provider",
                                             "knowledge_cutoff",
                                             "expiration_date",
                                             "links",
                                             "default_parameters",
                                             "reasoning",
                                             "benchmarks",
                                             "alias_target",
                                             NULL};
    struct text key, id;
    if (!find_id(im, &id))
        return;
    import_plan_begin(im, "OpenRouter", id);
    im->plan->inclusive = true;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "pricing") && json_peek(&im->s) == JSON_OBJECT)
            read_pricing(im);
        else
            import_pass_over(im, key, not_prices);
    }
    const struct import_class *priced = im->plan->standard.classes;
    if (priced[USAGE_REASONING].given && priced[USAGE_REASONING].tier_count == 0 &&
        priced[USAGE_OUTPUT].tier_count > 0)
        import_assume(im, "internal_reasoning", IMPORT_ANY_LENGTH);
    import_plan_end(im);
}

void import_openrouter(struct import *im)
{
    struct text key;
    json_object_begin(&im->s);
    const char *place = im->s.value;
    bool found = false;
    while (json_object_next(&im->s, &key)) {
        if (!text_equal(key, "data")) {
            json_skip(&im->s, NULL);
            continue;
        }
        found = true;
        json_array_begin(&im->s);
        while (json_array_next(&im->s))
            read_model(im);
    }
    if (!found) {
        im->s.value = place;
        json_fail(&im->s, "expected OpenRouter's model list: an object with \"data\": [ ... ]");
    }
}
