/* "price_variants" of genai-prices: what a model costs by service, speed or route. */
#include "core/memory.h"
#include "sim/cost/import/import_genai.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When a variant's prices hold: for a service, or under conditions that a plan has no form for,
 * which name a plan of its own. */
struct condition {
    int service;                /* -1: none */
    char name[64], finding[96]; /* "route eu"; "price_variants route=eu" */
    size_t count;
    bool standard; /* "default": as everything else */
};

static void add_name(struct condition *c, struct text key, struct text value)
{
    static const char *const plain[] = {"speed", "service_tier", "processing", NULL};
    size_t used = strlen(c->finding);
    if (used < sizeof c->finding - 1)
        snprintf(c->finding + used, sizeof c->finding - used, " %.*s=%.*s", (int)key.length, key.at,
                 (int)value.length, value.at);
    used = strlen(c->name);
    if (used < sizeof c->name - 1 && !genai_is_one_of(key, plain))
        used += (size_t)snprintf(c->name + used, sizeof c->name - used, "%s%.*s", used ? ", " : "",
                                 (int)key.length, key.at);
    used = strlen(c->name);
    if (used < sizeof c->name - 1)
        snprintf(c->name + used, sizeof c->name - used, "%s%.*s", used ? " " : "",
                 (int)value.length, value.at);
}

/* {"processing": "batch"}, {"speed": "fast"}, {"route": "eu"}. */
static struct condition read_when(struct import *im)
{
    static const char *const services[] = {"processing", "service_tier", "service", "tier", NULL};
    struct condition c = {.service = -1, .finding = "price_variants"};
    struct text key, value;
    if (!json_skip_unless(&im->s, JSON_OBJECT))
        return c;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (!json_skip(&im->s, &value))
            break;
        if (value.length >= 2 && value.at[0] == '"')
            value = (struct text){value.at + 1, value.length - 2};
        c.count++;
        int service = genai_is_one_of(key, services) ? service_from_name(value) : -1;
        c.standard |= service == SERVICE_STANDARD ||
                      (genai_is_one_of(key, services) && text_equal(value, "default"));
        if (service > SERVICE_STANDARD)
            c.service = service;
        add_name(&c, key, value);
    }
    return c;
}

/* True if a variant holds at the list's day; a later one is a finding. What began on a day is taken
 * to hold at every date. */
static bool read_since(struct import *im, const char *name)
{
    struct import_window since = {.from = ""};
    if (json_peek(&im->s) != JSON_OBJECT) {
        json_skip(&im->s, NULL);
        return true;
    }
    bool known = genai_read_constraint(im, &since) && !since.start[0];
    bool later = im->options->as_of && strncmp(since.from, im->options->as_of, 10) > 0;
    if (!known || later)
        import_miss(im, name, IMPORT_CONDITION);
    else
        import_assume(im, name, IMPORT_SINCE);
    return known && !later;
}

/* Of several variants for one condition the first that holds counts, price by price. */
static void add_missing(struct import_set *set, const struct import_set *more)
{
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (!set->classes[c].given && set->classes[c].tier_count == 0)
            set->classes[c] = more->classes[c];
    if (!set->has_request && more->has_request)
        set->request = more->request, set->has_request = true;
}

/* The prices of a variant, which im->s is at. */
static void read_variant_prices(struct import *im, const struct condition *c, const char *name)
{
    struct import_variant *v = c->service < 0 ? import_variant(im, c->name) : NULL;
    struct import_set *more = mem_zero(1, sizeof *more);
    struct import_set *set = v ? &v->set : &im->plan->services[c->service < 0 ? 0 : c->service];
    struct genai_target to = {.set = more, .tools = v ? &v->tools : NULL, .varies = true};
    if (v || c->service >= 0) {
        if (set->used && !im->options->as_of)
            import_miss(im, name, IMPORT_TWICE);
        genai_read_prices(im, &to);
        add_missing(set, more);
        set->used |= more->used;
    }
    free(more);
}

static bool is_empty_object(struct json_scan s)
{
    struct text key;
    json_object_begin(&s);
    return !json_object_next(&s, &key);
}

/* {"when": {..}, "prices": {..}, "constraint": {..}}, in any order. */
static void read_variant(struct import *im)
{
    struct json_scan prices = {0}, since = {0};
    struct condition c = {.service = -1, .finding = "price_variants"};
    struct text key;
    bool plain = true;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "when")) {
            c = read_when(im);
            continue;
        }
        enum json_kind type = json_peek(&im->s);
        if (text_equal(key, "prices") && type == JSON_OBJECT)
            prices = im->s;
        else if (text_equal(key, "constraint"))
            since = im->s;
        else
            plain = false;
        json_skip(&im->s, NULL);
    }
    if (im->s.failed)
        return;
    struct json_scan after = im->s;
    const char *name = c.finding;
    if (!plain || !prices.text || c.count == 0 || (c.count > 1 && (c.service >= 0 || c.standard)) ||
        (c.standard && !is_empty_object(prices))) {
        import_miss(im, name, IMPORT_CONDITION);
        return;
    }
    if (is_empty_object(prices))
        return;
    im->s = since;
    bool holds = !since.text || read_since(im, name);
    if (since.text && im->s.failed)
        return;
    im->s = prices;
    if (holds)
        read_variant_prices(im, &c, name);
    if (!im->s.failed)
        im->s = after;
}

void genai_read_variants(struct import *im)
{
    if (json_peek(&im->s) != JSON_ARRAY) {
        if (json_peek(&im->s) != JSON_NULL)
            import_miss(im, "price_variants", IMPORT_UNKNOWN_KEY);
        json_skip(&im->s, NULL);
        return;
    }
    json_array_begin(&im->s);
    while (json_array_next(&im->s))
        read_variant(im);
}

/* The prices of the list's day in the place of dated ones, where a plan cannot hold both. */
static bool freeze_dates(struct import *im)
{
    struct import_plan *p = im->plan;
    const char *day = im->options->as_of;
    if (!day)
        return false;
    for (size_t i = 0; i < p->window_count; i++)
        if (p->windows[i].start[0])
            return false;
    for (size_t i = 0; i < p->window_count; i++)
        if (strncmp(p->windows[i].from, day, 10) <= 0)
            p->standard = p->windows[i].set;
    p->window_count = 0;
    import_assume(im, "prices", IMPORT_DATED);
    return true;
}

static bool has_services(const struct import_plan *p)
{
    for (int i = 0; i < SERVICE_COUNT; i++)
        if (p->services[i].used)
            return true;
    return p->variant_count > 0;
}

/* A window replaces the prices of every service, so a plan cannot hold windows and services that
 * cost something else: those of the list's day stand for the dates where it is known, else the
 * services go. */
void genai_finish_services(struct import *im)
{
    struct import_plan *p = im->plan;
    bool frozen = p->window_count > 0 && has_services(p) && freeze_dates(im);
    for (int i = 0; i < SERVICE_COUNT; i++) {
        char name[96];
        if (!p->services[i].used)
            continue;
        if (p->window_count == 0 || frozen) {
            import_complete_service(im, (enum service)i, false);
            continue;
        }
        snprintf(name, sizeof name, "price_variants %s", service_name((enum service)i));
        import_miss(im, name, IMPORT_CONDITION);
        p->services[i] = (struct import_set){.used = false};
    }
    for (size_t i = 0; i < p->variant_count; i++)
        import_complete_set(im, &p->variants[i].set, p->variants[i].name, false);
}
