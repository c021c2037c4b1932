/* LiteLLM's map: {"model": {"input_cost_per_token": 2.5e-06, ...}}. What a price is for stands in
 * its key: a class or unit, then `_above_128k_tokens` (of total input), then the service. */
#include "sim/cost/import/import_litellm.h"

#include <stdio.h>
#include <string.h>

#define KEY_MAX 96
#define LONGEST_KEPT "cache_creation_input_token_cost_above_12hr"

static const struct {
    const char *key;
    enum usage_class class;
} classes[] = {
    {"input_cost_per_token", USAGE_UNCACHED_INPUT},
    {"output_cost_per_token", USAGE_OUTPUT},
    {"output_cost_per_reasoning_token", USAGE_REASONING},
    {"cache_read_input_token_cost", USAGE_CACHED_INPUT},
    {"input_cost_per_token_cache_hit", USAGE_CACHED_INPUT},
    {"cache_creation_input_token_cost", USAGE_CACHE_WRITE},
    {"cache_creation_input_token_cost_above_1hr", USAGE_CACHE_WRITE_1H},
    {LONGEST_KEPT, USAGE_CACHE_WRITE_1H},
    {"input_cost_per_image_token", USAGE_IMAGE_INPUT},
    {"input_cost_per_audio_token", USAGE_AUDIO_INPUT},
    {"input_cost_per_video_token", USAGE_VIDEO_INPUT},
    {"cache_read_input_image_token_cost", USAGE_CACHED_IMAGE_INPUT},
    {"cache_read_input_audio_token_cost", USAGE_CACHED_AUDIO_INPUT},
    {"output_cost_per_image_token", USAGE_IMAGE_OUTPUT},
    {"output_cost_per_audio_token", USAGE_AUDIO_OUTPUT},
};

enum fee_kind { UNIT, TOOL };

static const struct {
    const char *key, *name;
    enum fee_kind kind;
    int per; /* the price is for 10^per */
} fees[] = {
    {"cache_creation_input_audio_token_cost", "cache_write_audio_token", UNIT, 0},
    {"output_cost_per_video_token", "output_video_token", UNIT, 0},
    {"citation_cost_per_token", "citation_token", UNIT, 0},
    {"input_cost_per_image", "input_image", UNIT, 0},
    {"output_cost_per_image", "output_image", UNIT, 0},
    {"input_cost_per_pixel", "input_pixel", UNIT, 0},
    {"output_cost_per_pixel", "output_pixel", UNIT, 0},
    {"input_cost_per_character", "input_character", UNIT, 0},
    {"output_cost_per_character", "output_character", UNIT, 0},
    {"input_cost_per_second", "input_second", UNIT, 0},
    {"output_cost_per_second", "output_second", UNIT, 0},
    {"output_cost_per_second_480p", "output_second_480p", UNIT, 0},
    {"output_cost_per_second_720p", "output_second_720p", UNIT, 0},
    {"output_cost_per_second_768p", "output_second_768p", UNIT, 0},
    {"output_cost_per_second_1080p", "output_second_1080p", UNIT, 0},
    {"output_cost_per_second_2k", "output_second_2k", UNIT, 0},
    {"output_cost_per_second_4k", "output_second_4k", UNIT, 0},
    {"output_cost_per_image_0.5K", "output_image_0.5K", UNIT, 0},
    {"output_cost_per_image_1K", "output_image_1K", UNIT, 0},
    {"output_cost_per_image_2K", "output_image_2K", UNIT, 0},
    {"output_cost_per_image_4K", "output_image_4K", UNIT, 0},
    {"output_cost_per_image_512", "output_image_512", UNIT, 0},
    {"output_cost_per_image_1024", "output_image_1024", UNIT, 0},
    {"output_cost_per_image_1536", "output_image_1536", UNIT, 0},
    {"input_cost_per_text_message", "text_message", UNIT, 0},
    {"cost_per_second", "second", UNIT, 0},
    {"input_cost_per_audio_per_second", "input_audio_second", UNIT, 0},
    {"input_cost_per_video_per_second", "input_video_second", UNIT, 0},
    {"output_cost_per_video_per_second", "output_video_second", UNIT, 0},
    {"input_cost_per_query", "query", UNIT, 0},
    {"ocr_cost_per_page", "page", UNIT, 0},
    {"annotation_cost_per_page", "annotation_page", UNIT, 0},
    {"ocr_cost_per_credit", "credit", UNIT, 0},
    {"code_interpreter_cost_per_session", "code_interpreter", TOOL, 0},
    {"file_search_cost_per_1k_calls", "file_search", TOOL, 3},
    {"google_maps_grounding_cost_per_query", "google_maps", TOOL, 0},
};

/* A key taken apart: "cache_read_input_token_cost_above_200k_tokens_priority". */
struct price_key {
    char whole[KEY_MAX], base[KEY_MAX];
    enum service service;
    const char *variant; /* a service that plans have no name for; NULL */
    uint64_t over;       /* tokens; 0 = no threshold */
};

static bool cut_end(char *text, const char *end)
{
    size_t length = strlen(text), cut = strlen(end);
    if (length <= cut || strcmp(text + length - cut, end) != 0)
        return false;
    text[length - cut] = '\0';
    return true;
}

static void cut_service(struct price_key *k)
{
    static const struct {
        const char *end;
        enum service service;
    } services[] = {
        {"_priority", SERVICE_PRIORITY}, {"_flex", SERVICE_FLEX}, {"_batches", SERVICE_BATCH}};
    static const char *const others[] = {"_ultrafast", "_balanced", "_decisions", "_fast"};
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (cut_end(k->base, services[i].end))
            k->service = services[i].service;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (cut_end(k->base, others[i]))
            k->variant = others[i] + 1;
}

/* "_above_200k_tokens" or "_above_200000_tokens" at the end. */
static void cut_threshold(struct price_key *k)
{
    char kept[KEY_MAX], *above = NULL;
    memcpy(kept, k->base, sizeof kept);
    for (char *at = k->base; (at = strstr(at, "_above_")); at++)
        above = at;
    if (!above || !cut_end(k->base, "_tokens"))
        return;
    uint64_t unit = cut_end(k->base, "k") ? 1000 : 1;
    if (above < k->base + strlen(k->base) &&
        text_to_u64(text_of(above + strlen("_above_")), &k->over) && k->over > 0 &&
        k->over <= 4000000000 / unit) {
        k->over *= unit;
        *above = '\0';
        return;
    }
    memcpy(k->base, kept, sizeof kept);
    k->over = 0;
}

static struct price_key take_apart(struct text key)
{
    struct price_key k = {.service = SERVICE_STANDARD};
    snprintf(k.whole, sizeof k.whole, "%.*s", key.length >= KEY_MAX ? KEY_MAX - 1 : (int)key.length,
             key.at);
    memcpy(k.base, k.whole, sizeof k.base);
    cut_service(&k);
    cut_threshold(&k);
    if (k.service == SERVICE_STANDARD && !k.variant)
        cut_service(&k); /* "..._priority_above_200k_tokens" */
    return k;
}

static uint64_t tier_from(const struct import *im, uint64_t over)
{
    return over == 0 || im->plan->inclusive ? over : over + 1;
}

/* Where the prices of a key belong; NULL where there is no more room. */
static struct import_set *set_of(struct import *im, const struct price_key *k)
{
    struct import_plan *p = im->plan;
    if (k->variant) {
        struct import_variant *v = import_variant(im, k->variant);
        return v ? &v->set : NULL;
    }
    return k->service == SERVICE_STANDARD ? &p->standard : &p->services[k->service];
}

int litellm_class(const char *base)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strcmp(base, classes[i].key) == 0)
            return (int)classes[i].class;
    return -1;
}

static bool read_class(struct import *im, const struct price_key *k)
{
    struct import_number n;
    int class = litellm_class(k->base);
    if (class < 0)
        return false;
    struct import_set *set = set_of(im, k);
    if (import_price(im, k->whole, 0, IMPORT_TOKEN, &n) && set)
        import_set_class(im, set, (enum usage_class) class, tier_from(im, k->over), &n, k->whole);
    if (strcmp(k->base, LONGEST_KEPT) == 0)
        import_assume(im, k->whole, IMPORT_LONGEST_KEPT);
    return true;
}

static bool read_fee(struct import *im, const struct price_key *k)
{
    struct import_plan *p = im->plan;
    struct import_number n;
    for (size_t i = 0; i < sizeof fees / sizeof fees[0]; i++) {
        if (strcmp(k->base, fees[i].key) != 0)
            continue;
        bool tool = fees[i].kind == TOOL;
        if (!import_price(im, k->whole, fees[i].per, IMPORT_FEE, &n))
            return true;
        if (k->over > 0 || k->service != SERVICE_STANDARD || k->variant)
            import_vary_fee(im, tool, fees[i].name, &n, k->whole);
        else
            import_add_fee(im, tool ? &p->tools : &p->units, fees[i].name, &n, k->whole);
        return true;
    }
    return false;
}

/* {"search_context_size_low": .., "_medium", "_high"}: web_search is the medium one; the sizes
 * have names of their own where they differ. */
static void read_search(struct import *im)
{
    static const char *const sizes[] = {"search_context_size_low", "search_context_size_medium",
                                        "search_context_size_high"};
    static const char *const names[] = {"web_search_low", "web_search_medium", "web_search_high"};
    struct import_number n[3];
    bool given[3] = {false};
    struct text key;
    struct import_fees *tools = &im->plan->tools;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        int i = 0;
        while (i < 3 && !text_equal(key, sizes[i]))
            i++;
        if (i == 3) {
            json_skip(&im->s, NULL);
            import_miss(im, "search_context_cost_per_query", IMPORT_UNKNOWN_KEY);
        } else {
            given[i] = import_price(im, sizes[i], 0, IMPORT_FEE, &n[i]);
        }
    }
    int usual = given[1] ? 1 : given[0] ? 0 : 2;
    if (!given[usual])
        return;
    bool differ = false;
    import_add_fee(im, tools, "web_search", &n[usual], sizes[usual]);
    for (int i = 0; i < 3; i++)
        differ |= given[i] && !import_number_equal(&n[i], &n[usual]);
    for (int i = 0; differ && i < 3; i++)
        if (given[i])
            import_add_fee(im, tools, names[i], &n[i], sizes[i]);
}

/* "range": [256000, 1000000] of one element of tiered_pricing; false if it has no such range. */
static bool find_range(struct import *im, uint64_t *low)
{
    struct json_scan s;
    struct text key;
    double bounds[2] = {0};
    int count = -1;
    json_peek(&im->s);
    s = im->s;
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (!text_equal(key, "range")) {
            json_skip(&s, NULL);
            continue;
        }
        count = 0;
        json_array_begin(&s);
        while (json_array_next(&s))
            if (json_double(&s, 0, 4e9, &bounds[count < 1 ? 0 : 1]))
                count++;
    }
    if (s.failed)
        im->s = s;
    *low = (uint64_t)bounds[0];
    return !s.failed && count == 2 && bounds[0] < bounds[1] && bounds[0] == (double)*low;
}

static void read_tier(struct import *im)
{
    uint64_t low;
    struct text key;
    if (!find_range(im, &low)) {
        if (im->s.failed)
            return;
        json_skip(&im->s, NULL);
        import_miss(im, "tiered_pricing", IMPORT_BY_RESULTS);
        return;
    }
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        struct price_key k = take_apart(key);
        if (text_equal(key, "range")) {
            json_skip(&im->s, NULL);
            continue;
        }
        bool known = k.over == 0;
        k.over = low;
        if (known && read_class(im, &k))
            continue;
        json_skip(&im->s, NULL);
        import_miss(im, k.whole, IMPORT_UNKNOWN_KEY);
    }
}

static void read_tiers(struct import *im)
{
    json_array_begin(&im->s);
    while (json_array_next(&im->s))
        read_tier(im);
}

/* A factor on every price of a token, in a region or at a speed: one more plan. */
static void read_factor(struct import *im, const char *field, const char *name)
{
    struct text digits;
    struct import_number n;
    if (!json_skip_unless(&im->s, JSON_NUMBER) || !json_number(&im->s, &digits))
        return;
    if (!import_number_read(digits, &n) || n.negative || n.count == 0) {
        import_miss(im, field, IMPORT_SURCHARGE);
        return;
    }
    import_number_snap(&n);
    bool one = n.count == 1 && n.digits[0] == '1' && n.exponent == 0;
    struct import_variant *v = one ? NULL : import_variant(im, name);
    if (v) {
        v->multiplied = true;
        v->factor = n;
    }
}

/* {"us": 1.1, "fast": 6.0}: a factor where the request was served, or how fast. Other numbers here
 * are switches of LiteLLM's own. */
static void read_provider_entry(struct import *im)
{
    static const char *const factors[] = {"us", "eu", "fast"};
    struct text key;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        size_t i = 0;
        while (i < sizeof factors / sizeof factors[0] && !text_equal(key, factors[i]))
            i++;
        if (i < sizeof factors / sizeof factors[0])
            read_factor(im, "provider_specific_entry", factors[i]);
        else
            json_skip(&im->s, NULL);
    }
}

/* "regional_processing_uplift_multiplier_eu", "fedramp_uplift_multiplier" and such. */
static void read_uplift(struct import *im, const char *field)
{
    static const char region[] = "regional_processing_uplift_multiplier_";
    if (strncmp(field, region, sizeof region - 1) == 0 && field[sizeof region - 1]) {
        read_factor(im, field, field + sizeof region - 1);
    } else if (strcmp(field, "fedramp_uplift_multiplier") == 0) {
        read_factor(im, field, "fedramp");
    } else if (strcmp(field, "regional_endpoint_uplift_multiplier") == 0) {
        read_factor(im, field, "regional");
    } else {
        json_skip(&im->s, NULL);
        import_miss(im, field, IMPORT_SURCHARGE);
    }
}

/* {"count": 1500, "period": "day", "shared_group": ..} of searches. */
static void read_free_searches(struct import *im)
{
    static const char *const periods[] = {"day", "week", "month", NULL};
    struct import_plan *p = im->plan;
    struct text key, value;
    uint64_t count = 0;
    const char *period = NULL;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "count") && json_skip_unless(&im->s, JSON_NUMBER)) {
            json_u64(&im->s, 0, UINT32_MAX, &count);
        } else if (text_equal(key, "period") && json_skip_unless(&im->s, JSON_STRING)) {
            json_string(&im->s, &value);
            for (int i = 0; periods[i]; i++)
                period = text_equal(value, periods[i]) ? periods[i] : period;
        } else if (text_equal(key, "shared_group") && json_peek(&im->s) == JSON_STRING) {
            json_skip(&im->s, NULL);
            import_assume(im, "search_free_requests", IMPORT_SHARED);
        }
    }
    p->free_searches = period ? count : 0;
    p->free_period = period;
    if (!period)
        import_miss(im, "search_free_requests", IMPORT_CONDITION);
}

bool litellm_about_money(const char *key)
{
    static const char *const marks[] = {"cost", "pric", "fee_", "_fee", "multiplier", "surcharge"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strstr(key, marks[i]))
            return true;
    return false;
}

/* Keys about money that are no price of a class, unit or tool. */
static void read_other(struct import *im, const struct price_key *k, bool *dbu)
{
    static const struct {
        const char *part;
        enum import_reason reason;
    } known[] = {{"s_interval", IMPORT_BY_PIECE},
                 {"_per_gb_per_day", IMPORT_STORAGE},
                 {"explicit_cache_", IMPORT_CONDITION}};
    json_skip(&im->s, NULL);
    if (strstr(k->whole, "_dbu_")) {
        *dbu = true;
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(k->whole, known[i].part)) {
            import_miss(im, k->whole, known[i].reason);
            return;
        }
    import_miss(im, k->whole, IMPORT_UNKNOWN_KEY);
}

static void read_key(struct import *im, struct text key, bool *dbu)
{
    static const char *const not_prices[] = {"max_*",
                                             "min_*",
                                             "supports_*",
                                             "supported_*",
                                             "rpm",
                                             "tpm",
                                             "rpd",
                                             "tpd",
                                             "rules",
                                             "notes",
                                             "comment",
                                             "metadata",
                                             "source",
                                             "mode",
                                             "output_vector_size",
                                             "prompt_cache_min_tokens",
                                             "tool_use_system_prompt_tokens",
                                             "token_count_*",
                                             "reasoning_*",
                                             "deprecation_*",
                                             "default_*",
                                             "successor_model",
                                             "litellm_provider",
                                             NULL};
    struct import_number n;
    struct price_key k = take_apart(key);
    if (text_equal(key, "tiered_pricing")) {
        read_tiers(im);
    } else if (text_equal(key, "search_context_cost_per_query")) {
        read_search(im);
    } else if (text_equal(key, "provider_specific_entry") && json_peek(&im->s) == JSON_OBJECT) {
        read_provider_entry(im);
    } else if (strstr(k.whole, "multiplier")) {
        read_uplift(im, k.whole);
    } else if (text_equal(key, "off_peak_pricing") && json_peek(&im->s) == JSON_OBJECT) {
        im->off_peak = im->s;
        json_skip(&im->s, NULL);
    } else if (text_equal(key, "alias_of")) {
        json_skip(&im->s, NULL);
        im->plan->alias = true;
    } else if (text_equal(key, "search_free_requests") && json_peek(&im->s) == JSON_OBJECT) {
        read_free_searches(im);
    } else if (text_equal(key, "input_cost_per_request")) {
        if (import_price(im, k.whole, 0, IMPORT_FEE, &n))
            im->plan->standard.request = n, im->plan->standard.has_request = true;
    } else if (!litellm_about_money(k.whole)) {
        import_pass_over(im, key, not_prices);
    } else if (!read_class(im, &k) && !read_fee(im, &k)) {
        read_other(im, &k, dbu);
    }
}

static void find_provider(struct import *im, char out[64])
{
    struct json_scan s;
    struct text key, value;
    out[0] = '\0';
    json_peek(&im->s);
    s = im->s;
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (!text_equal(key, "litellm_provider") || json_peek(&s) != JSON_STRING)
            json_skip(&s, NULL);
        else if (json_string(&s, &value))
            snprintf(out, 64, "%.*s", value.length > 63 ? 63 : (int)value.length, value.at);
    }
}

static void read_entry(struct import *im, struct text name)
{
    char provider[64];
    struct text key;
    bool dbu = false;
    im->off_peak = (struct json_scan){0};
    find_provider(im, provider);
    import_plan_begin(im, provider[0] ? provider : NULL, name);
    im->plan->inclusive = strcmp(provider, "xai") == 0;
    if (text_equal(name, "sample_spec"))
        import_drop(im, IMPORT_SAMPLE);
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key))
        read_key(im, key, &dbu);
    if (im->off_peak.text && !im->s.failed)
        litellm_read_off_peak(im);
    for (int i = 0; i < SERVICE_COUNT; i++)
        import_complete_service(im, (enum service)i, true);
    for (size_t i = 0; i < im->plan->variant_count; i++) {
        struct import_variant *v = &im->plan->variants[i];
        import_complete_set(im, &v->set, v->name, true);
    }
    if (dbu && !im->plan->standard.classes[USAGE_UNCACHED_INPUT].given)
        import_miss(im, "input_dbu_cost_per_token", IMPORT_OTHER_CURRENCY);
    import_plan_end(im);
}

void import_litellm(struct import *im)
{
    struct text name;
    if (json_peek(&im->s) == JSON_ARRAY)
        json_fail(&im->s, "expected LiteLLM's map, an object of models; this is an array, as "
                          "--genai-prices takes");
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &name)) {
        if (json_peek(&im->s) != JSON_OBJECT)
            json_fail(&im->s, "expected LiteLLM's map, in which every entry is an object; for "
                              "OpenRouter's list take --openrouter");
        read_entry(im, name);
    }
}
