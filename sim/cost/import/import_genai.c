/* genai-prices' data: [{"id": provider, "models": [{"id": .., "prices": {..} or [{"constraint",
 * "prices"}], "price_variants": [{"when": {"processing": "batch"}, "prices": {..}}]}]}]. Prices are
 * per million tokens or per thousand calls, flat or {base, tiers}; of several conditional sets the
 * last active one holds. A variant replaces the standard prices key by key for requests that were
 * served so. */
#include "sim/cost/import/import_genai.h"
#include "core/clock.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *key;
    enum usage_class class;
} classes[] = {
    {"input_mtok", USAGE_UNCACHED_INPUT},
    {"cache_read_mtok", USAGE_CACHED_INPUT},
    {"cache_write_mtok", USAGE_CACHE_WRITE},
    {"cache_write_5m_mtok", USAGE_CACHE_WRITE},
    {"cache_write_1h_mtok", USAGE_CACHE_WRITE_1H},
    {"cache_write_12h_mtok", USAGE_CACHE_WRITE_1H},
    {"output_mtok", USAGE_OUTPUT},
    {"output_reasoning_mtok", USAGE_REASONING},
    {"input_image_mtok", USAGE_IMAGE_INPUT},
    {"input_audio_mtok", USAGE_AUDIO_INPUT},
    {"input_video_mtok", USAGE_VIDEO_INPUT},
    {"cache_image_read_mtok", USAGE_CACHED_IMAGE_INPUT},
    {"cache_audio_read_mtok", USAGE_CACHED_AUDIO_INPUT},
    {"output_image_mtok", USAGE_IMAGE_OUTPUT},
    {"output_audio_mtok", USAGE_AUDIO_OUTPUT},
};

static const struct {
    const char *key, *name;
    bool tool;
    int per;
} fees[] = {
    {"output_video_mtok", "output_video_token", false, 6},
    {"output_citation_mtok", "citation_token", false, 6},
    {"audio_hours", "audio_hour", false, 0},
    {"input_audio_hours", "input_audio_hour", false, 0},
    {"output_audio_hours", "output_audio_hour", false, 0},
    {"input_mchars", "input_character", false, 6},
    {"output_mchars", "output_character", false, 6},
    {"input_gpixels", "input_pixel", false, 9},
    {"input_document_kpages", "page", false, 3},
    {"input_annotated_document_kpages", "annotation_page", false, 3},
    {"rerank_searches_kcount", "query", false, 3},
    {"input_text_messages_kcount", "text_message", false, 3},
    {"social_searches_kcount", "social_search", true, 3},
    {"code_executions_kcount", "code_execution", true, 3},
    {"web_searches_kcount", "web_search", true, 3},
    {"storage_searches_kcount", "file_search", true, 3},
};

struct provider {
    char id[80], name[80], unknown[80]; /* a key that no model of it can be sure about; or empty */
};

bool genai_is_one_of(struct text t, const char *const *names)
{
    while (*names && !text_equal(t, *names))
        names++;
    return *names != NULL;
}

/* {"start": 200000, "price": 6} */
static void read_tier(struct import *im, struct genai_target *to, size_t class)
{
    struct import_number n;
    struct text key;
    uint64_t start = 0;
    bool has_start = false, has_price = false;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "start"))
            has_start = json_u64(&im->s, 0, UINT32_MAX - 1, &start);
        else if (text_equal(key, "price"))
            has_price = import_price(im, classes[class].key, 6, IMPORT_TOKEN, &n);
        else
            json_skip(&im->s, NULL), import_miss(im, classes[class].key, IMPORT_UNKNOWN_KEY);
    }
    if (has_start && has_price)
        import_set_class(im, to->set, classes[class].class, start + 1, &n, classes[class].key);
    else
        import_miss(im, classes[class].key, IMPORT_NUMBER);
}

static void read_class(struct import *im, struct genai_target *to, size_t class)
{
    struct import_number n;
    struct text key;
    const char *field = classes[class].key;
    if (json_peek(&im->s) != JSON_OBJECT) {
        if (import_price(im, field, 6, IMPORT_TOKEN, &n))
            import_set_class(im, to->set, classes[class].class, 0, &n, field);
        return;
    }
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "base")) {
            if (import_price(im, field, 6, IMPORT_TOKEN, &n))
                import_set_class(im, to->set, classes[class].class, 0, &n, field);
        } else if (text_equal(key, "tiers")) {
            json_array_begin(&im->s);
            while (json_array_next(&im->s))
                read_tier(im, to, class);
        } else {
            json_skip(&im->s, NULL);
            import_miss(im, field, IMPORT_UNKNOWN_KEY);
        }
    }
}

static void read_fee(struct import *im, struct genai_target *to, size_t fee)
{
    struct import_number n;
    struct import_plan *p = im->plan;
    if (json_peek(&im->s) == JSON_OBJECT) {
        json_skip(&im->s, NULL);
        import_miss(im, fees[fee].key, IMPORT_UNIT_VARIES);
        return;
    }
    if (!import_price(im, fees[fee].key, fees[fee].per, IMPORT_FEE, &n))
        return;
    if (to->tools && fees[fee].tool) {
        import_add_fee(im, to->tools, fees[fee].name, &n, fees[fee].key);
    } else if (to->varies) {
        import_vary_fee(im, fees[fee].tool, fees[fee].name, &n, fees[fee].key);
        import_add_fee(im, &to->seen, fees[fee].name, &n, fees[fee].key);
    } else {
        import_add_fee(im, fees[fee].tool ? &p->tools : &p->units, fees[fee].name, &n,
                       fees[fee].key);
    }
}

static void read_price_key(struct import *im, struct genai_target *to, struct text key)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (text_equal(key, classes[i].key)) {
            read_class(im, to, i);
            return;
        }
    for (size_t i = 0; i < sizeof fees / sizeof fees[0]; i++)
        if (text_equal(key, fees[i].key)) {
            read_fee(im, to, i);
            return;
        }
    if (text_equal(key, "requests_kcount")) {
        if (import_price(im, "requests_kcount", 3, IMPORT_FEE, &to->set->request))
            to->set->has_request = to->set->used = true;
        return;
    }
    char name[80];
    snprintf(name, sizeof name, "%.*s", key.length > 79 ? 79 : (int)key.length, key.at);
    json_skip(&im->s, NULL);
    import_miss(im, name, IMPORT_UNKNOWN_KEY);
}

void genai_read_prices(struct import *im, struct genai_target *to)
{
    struct text key;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key))
        read_price_key(im, to, key);
}

/* "16:30:00Z" as "16:30"; false where it is finer or in another zone. */
static bool minute_of_day(struct text t, char out[8])
{
    uint64_t hour, minute;
    if (t.length != 9 || t.at[2] != ':' || memcmp(t.at + 5, ":00Z", 4) != 0 ||
        !text_to_u64((struct text){t.at, 2}, &hour) || hour > 23 ||
        !text_to_u64((struct text){t.at + 3, 2}, &minute) || minute > 59)
        return false;
    snprintf(out, 8, "%.5s", t.at);
    return true;
}

bool genai_read_constraint(struct import *im, struct import_window *w)
{
    struct text key, value;
    bool known = true;
    int64_t instant;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (!json_skip_unless(&im->s, JSON_STRING)) {
            known = false;
        } else if (!json_string(&im->s, &value)) {
            return false;
        } else if (text_equal(key, "start_date") && value.length < sizeof w->from) {
            known &= clock_parse_instant(value.at, value.length, &instant) == 0;
            snprintf(w->from, sizeof w->from, "%.*s", (int)value.length, value.at);
        } else if (text_equal(key, "start_time")) {
            known &= minute_of_day(value, w->start);
        } else if (text_equal(key, "end_time")) {
            known &= minute_of_day(value, w->end);
        } else {
            known = false;
        }
    }
    return known && (w->from[0] || (w->start[0] && w->end[0])) && !w->start[0] == !w->end[0];
}

/* What a window takes over from the plan by its silence must not be the plan's. */
static void finish_window(struct import *im, struct genai_target *to)
{
    struct import_plan *p = im->plan;
    bool tokens = false;
    for (int c = 0; c < USAGE_CLASSES; c++)
        tokens |= to->set->classes[c].given;
    if (!tokens)
        import_drop(im, IMPORT_CONDITION);
    if (p->standard.has_request && !to->set->has_request) {
        to->set->request = (struct import_number){0};
        to->set->has_request = true;
    }
    const struct import_fees *own[] = {&p->units, &p->tools};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < own[k]->count; i++)
            if (!import_find_fee(&to->seen, own[k]->items[i].name))
                import_miss(im, own[k]->items[i].name, IMPORT_UNIT_VARIES);
}

/* {"constraint": {..}, "prices": {..}}; without constraint it is the plan itself. */
static void read_conditional(struct import *im, bool first)
{
    struct import_plan *p = im->plan;
    struct import_window spare = {.from = ""}, *w = &spare;
    struct text key;
    bool constrained = false;
    if (!first)
        w = import_window_add(im);
    if (!w)
        w = &spare;
    struct genai_target to = {.set = first ? &p->standard : &w->set, .varies = !first};
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "constraint") && json_peek(&im->s) == JSON_OBJECT) {
            constrained = true;
            if (!genai_read_constraint(im, w))
                import_drop(im, IMPORT_CONDITION);
        } else if (text_equal(key, "prices")) {
            genai_read_prices(im, &to);
        } else {
            if (json_peek(&im->s) != JSON_NULL)
                import_drop(im, IMPORT_CONDITION);
            json_skip(&im->s, NULL);
        }
    }
    if (first == constrained)
        import_drop(im, IMPORT_CONDITION);
    if (!first)
        finish_window(im, &to);
}

static void read_standard(struct import *im)
{
    struct genai_target standard = {.set = &im->plan->standard};
    if (json_peek(&im->s) != JSON_ARRAY) {
        genai_read_prices(im, &standard);
        return;
    }
    json_array_begin(&im->s);
    for (bool first = true; json_array_next(&im->s); first = false)
        read_conditional(im, first);
}

/* The text at a key of the object that comes next, which stays to be read. */
static struct text find_text(struct import *im, const char *wanted)
{
    struct text key, found = {0};
    json_peek(&im->s);
    struct json_scan s = im->s;
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, wanted))
            json_string(&s, &found);
        else
            json_skip(&s, NULL);
    }
    if (s.failed)
        im->s = s;
    return found;
}

static void read_model(struct import *im, const struct provider *provider)
{
    static const char *const not_prices[] = {"id",
                                             "match",
                                             "name",
                                             "description",
                                             "deprecated",
                                             "context_window",
                                             "price_comments",
                                             "prices_checked",
                                             "collapse",
                                             NULL};
    struct text key, id = find_text(im, "id");
    if (im->s.failed)
        return;
    if (!id.at) {
        json_fail(&im->s, "an entry of \"models\" needs \"id\"");
        return;
    }
    struct buffer name;
    buffer_init(&name, BUFFER_UNBOUNDED);
    buffer_add_format(&name, "%s/%.*s", provider->id, (int)id.length, id.at);
    import_plan_begin(im, provider->name, (struct text){name.data, name.length});
    buffer_free(&name);
    if (provider->unknown[0])
        import_miss(im, provider->unknown, IMPORT_UNKNOWN_KEY);
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "prices"))
            read_standard(im);
        else if (text_equal(key, "price_variants"))
            genai_read_variants(im);
        else
            import_pass_over(im, key, not_prices);
    }
    genai_finish_services(im);
    import_plan_end(im);
}

static void text_copy(struct text t, char out[80])
{
    snprintf(out, 80, "%.*s", t.length > 79 ? 79 : (int)t.length, t.at ? t.at : "");
}

/* Keys of a provider that this version knows to hold no prices. Others concern all its models. */
static bool is_known_of_provider(struct text key)
{
    static const char *const known[] = {"id",
                                        "name",
                                        "models",
                                        "pricing_urls",
                                        "api_pattern",
                                        "description",
                                        "price_comments",
                                        "model_match",
                                        "provider_match",
                                        "extractors",
                                        "fallback_model_providers",
                                        NULL};
    return genai_is_one_of(key, known);
}

static void read_provider(struct import *im)
{
    struct json_scan models = {0};
    struct text key, id = {0}, name = {0};
    struct provider provider = {.unknown = ""};
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "id")) {
            json_string(&im->s, &id);
        } else if (text_equal(key, "name")) {
            json_string(&im->s, &name);
        } else {
            if (text_equal(key, "models")) {
                json_peek(&im->s);
                models = im->s;
            } else if (!is_known_of_provider(key)) {
                text_copy(key, provider.unknown);
            }
            json_skip(&im->s, NULL);
        }
    }
    if (!im->s.failed && (!id.at || !models.text))
        json_fail(&im->s, "expected a provider of genai-prices, with \"id\" and \"models\"");
    if (im->s.failed)
        return;
    text_copy(id, provider.id);
    text_copy(name.at ? name : id, provider.name);
    struct json_scan after = im->s;
    im->s = models;
    json_array_begin(&im->s);
    while (json_array_next(&im->s))
        read_model(im, &provider);
    if (!im->s.failed)
        im->s = after;
}

void import_genai(struct import *im)
{
    if (json_peek(&im->s) == JSON_OBJECT)
        json_fail(&im->s, "expected genai-prices' data, an array of providers; this is an object, "
                          "as --litellm and --openrouter take");
    json_array_begin(&im->s);
    while (json_array_next(&im->s))
        read_provider(im);
}
