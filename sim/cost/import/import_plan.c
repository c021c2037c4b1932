/* One imported entry: its prices collected, and written as a plan. */
#include "sim/cost/import/import_parts.h"

#include "sim/cost/book/plan.h"

#include <stdio.h>
#include <string.h>

#define PER_MILLION 6

void import_set_class(struct import *im, struct import_set *set, enum usage_class class,
                      uint64_t from, const struct import_number *price, const char *field)
{
    struct import_class *c = &set->classes[class];
    set->used = true;
    if (from == 0) {
        if (c->given && !import_number_equal(&c->base, price))
            import_miss(im, field, IMPORT_TWICE);
        if (!c->given)
            c->base = *price;
        c->given = true;
        return;
    }
    size_t at = 0;
    while (at < c->tier_count && c->tiers[at].from < from)
        at++;
    if (at < c->tier_count && c->tiers[at].from == from) {
        if (!import_number_equal(&c->tiers[at].price, price))
            import_miss(im, field, IMPORT_TWICE);
        return;
    }
    if (c->tier_count == IMPORT_TIERS_MAX) {
        import_miss(im, field, IMPORT_TIERS);
        return;
    }
    memmove(&c->tiers[at + 1], &c->tiers[at], (c->tier_count - at) * sizeof c->tiers[0]);
    c->tiers[at] = (struct import_tier){from, *price};
    c->tier_count++;
}

static bool has_price(const struct import_class *c)
{
    return c->given || c->tier_count > 0;
}

/* The standard price of a class with the service's own tiers on it. */
static void lay_tiers_over(struct import *im, struct import_set *set, enum usage_class class)
{
    struct import_class own = set->classes[class], *k = &set->classes[class];
    *k = im->plan->standard.classes[class];
    for (size_t i = 0; i < own.tier_count; i++) {
        size_t at = 0;
        while (at < k->tier_count && k->tiers[at].from != own.tiers[i].from)
            at++;
        if (at < k->tier_count)
            k->tiers[at].price = own.tiers[i].price;
        else
            import_set_class(im, set, class, own.tiers[i].from, &own.tiers[i].price,
                             "tiers of a service");
    }
}

static void assume(struct import *im, const char *label, enum usage_class class,
                   enum import_reason what)
{
    char field[128];
    snprintf(field, sizeof field, "%s %s", label, plan_class_key(class));
    import_assume(im, field, what);
}

void import_complete_service(struct import *im, enum service service, bool silent)
{
    import_complete_set(im, &im->plan->services[service], service_name(service), silent);
}

void import_complete_set(struct import *im, struct import_set *set, const char *label, bool silent)
{
    const struct import_class *standard = im->plan->standard.classes;
    if (!set->used)
        return;
    bool own_output = has_price(&set->classes[USAGE_OUTPUT]);
    for (int c = 0; c < USAGE_CLASSES; c++) {
        enum usage_class class = (enum usage_class)c;
        struct import_class *own = &set->classes[c];
        if (own->given) {
            if (silent && own->tier_count == 0 && standard[c].tier_count > 0)
                assume(im, label, class, IMPORT_ANY_LENGTH);
        } else if (class == USAGE_REASONING && own_output) {
            if (standard[c].given &&
                !import_number_equal(&standard[c].base, &standard[USAGE_OUTPUT].base))
                assume(im, label, class, IMPORT_REASONING);
        } else {
            if (silent && own->tier_count == 0 && has_price(&standard[c]))
                assume(im, label, class, IMPORT_KEPT_STANDARD);
            lay_tiers_over(im, set, class);
        }
    }
}

const struct import_fee *import_find_fee(const struct import_fees *fees, const char *name)
{
    for (size_t i = 0; i < fees->count; i++)
        if (strcmp(fees->items[i].name, name) == 0)
            return &fees->items[i];
    return NULL;
}

void import_add_fee(struct import *im, struct import_fees *fees, const char *name,
                    const struct import_number *price, const char *field)
{
    const struct import_fee *known = import_find_fee(fees, name);
    if (known) {
        if (!import_number_equal(&known->price, price))
            import_miss(im, field, IMPORT_TWICE);
        return;
    }
    if (fees->count == IMPORT_FEES_MAX) {
        import_miss(im, field, IMPORT_TIERS);
        return;
    }
    struct import_fee *fee = &fees->items[fees->count++];
    snprintf(fee->name, sizeof fee->name, "%s", name);
    fee->price = *price;
}

void import_vary_fee(struct import *im, bool tool, const char *name,
                     const struct import_number *price, const char *field)
{
    struct import_plan *p = im->plan;
    if (p->varied_count == IMPORT_FEES_MAX) {
        import_miss(im, field, IMPORT_TIERS);
        return;
    }
    struct import_varied *v = &p->varied[p->varied_count++];
    snprintf(v->field, sizeof v->field, "%s", field);
    snprintf(v->name, sizeof v->name, "%s", name);
    v->tool = tool;
    v->price = *price;
}

void import_check_varied(struct import *im)
{
    const struct import_plan *p = im->plan;
    for (size_t i = 0; i < p->varied_count; i++) {
        const struct import_varied *v = &p->varied[i];
        const struct import_fee *fee = import_find_fee(v->tool ? &p->tools : &p->units, v->name);
        if (!fee || !import_number_equal(&fee->price, &v->price))
            import_miss(im, v->field, IMPORT_UNIT_VARIES);
    }
}

static void put_number(struct json_writer *w, const char *key, const struct import_number *n,
                       int shift)
{
    char text[IMPORT_NUMBER_TEXT];
    import_number_text(n, shift, text);
    json_pair_string(w, key, text);
}

/* The least threshold above `after`; 0 = none. */
static uint64_t next_threshold(const struct import_set *set, uint64_t after)
{
    uint64_t next = 0;
    for (int c = 0; c < USAGE_CLASSES; c++)
        for (size_t i = 0; i < set->classes[c].tier_count; i++) {
            uint64_t from = set->classes[c].tiers[i].from;
            if (from > after && (next == 0 || from < next))
                next = from;
        }
    return next;
}

/* In a plan one tier decides for all classes, so each class repeats in it the price that it has
 * from its own last threshold on. */
static void put_tier(struct json_writer *w, const struct import_set *set, uint64_t from,
                     bool inclusive)
{
    json_begin_object(w);
    json_pair_u64(w, inclusive ? "input_from" : "input_over", inclusive ? from : from - 1);
    json_key(w, "per_mtok");
    json_begin_object(w);
    for (int c = 0; c < USAGE_CLASSES; c++) {
        const struct import_class *k = &set->classes[c];
        size_t i = k->tier_count;
        while (i > 0 && k->tiers[i - 1].from > from)
            i--;
        if (i > 0)
            put_number(w, plan_class_key((enum usage_class)c), &k->tiers[i - 1].price, PER_MILLION);
    }
    json_end_object(w);
    json_end_object(w);
}

static void put_set(struct json_writer *w, const struct import_set *set, bool inclusive)
{
    bool any = false;
    for (int c = 0; c < USAGE_CLASSES; c++)
        any |= set->classes[c].given;
    if (any) {
        json_key(w, "per_mtok");
        json_begin_object(w);
        for (int c = 0; c < USAGE_CLASSES; c++)
            if (set->classes[c].given)
                put_number(w, plan_class_key((enum usage_class)c), &set->classes[c].base,
                           PER_MILLION);
        json_end_object(w);
    }
    uint64_t from = next_threshold(set, 0);
    if (from > 0) {
        json_key(w, "tiers");
        json_begin_array(w);
        for (; from > 0; from = next_threshold(set, from))
            put_tier(w, set, from, inclusive);
        json_end_array(w);
    }
    if (set->has_request)
        put_number(w, "per_request", &set->request, 0);
}

static void put_fees(struct json_writer *w, const char *key, const struct import_fees *fees)
{
    if (fees->count == 0)
        return;
    json_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i < fees->count; i++)
        put_number(w, fees->items[i].name, &fees->items[i].price, 0);
    json_end_object(w);
}

static void put_services(struct json_writer *w, const struct import_plan *p)
{
    bool any = false;
    for (int s = 0; s < SERVICE_COUNT; s++)
        any |= s != SERVICE_STANDARD && p->services[s].used;
    if (!any)
        return;
    json_key(w, "services");
    json_begin_object(w);
    for (int s = 0; s < SERVICE_COUNT; s++) {
        if (s == SERVICE_STANDARD || !p->services[s].used)
            continue;
        json_key(w, service_name((enum service)s));
        json_begin_object(w);
        put_set(w, &p->services[s], p->inclusive);
        json_end_object(w);
    }
    json_end_object(w);
}

static void put_optional(struct json_writer *w, const char *key, const char *text)
{
    if (text[0])
        json_pair_string(w, key, text);
}

static void put_days(struct json_writer *w, uint8_t days)
{
    if (days == 0 || days == IMPORT_EVERY_DAY)
        return;
    json_key(w, "days");
    json_begin_array(w);
    for (int d = 0; d < 7; d++)
        if (days >> d & 1)
            json_put_string(w, import_weekdays[d]);
    json_end_array(w);
}

static void put_windows(struct json_writer *w, const struct import_plan *p)
{
    if (p->window_count == 0)
        return;
    json_key(w, "windows");
    json_begin_array(w);
    for (size_t i = 0; i < p->window_count; i++) {
        const struct import_window *window = &p->windows[i];
        json_begin_object(w);
        put_optional(w, "start", window->start);
        put_optional(w, "end", window->end);
        put_optional(w, "from", window->from);
        put_optional(w, "until", window->until);
        put_days(w, window->days);
        put_set(w, &window->set, p->inclusive);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_free(struct json_writer *w, const struct import_plan *p)
{
    if (p->free_searches == 0)
        return;
    json_key(w, "free");
    json_begin_object(w);
    json_pair_string(w, "tool", "web_search");
    json_pair_u64(w, "calls", p->free_searches);
    json_pair_string(w, "per", p->free_period);
    json_end_object(w);
}

/* What the plan lacks, so that whoever reads the book alone knows. */
static void put_note(struct import *im)
{
    char note[2048] = "";
    size_t used = (size_t)snprintf(note, sizeof note, "%s", im->plan->remark);
    size_t missing = 0;
    for (size_t i = im->plan->first_finding; i < im->report->finding_count; i++) {
        const struct import_finding *f = &im->report->findings[i];
        if (f->change != IMPORT_IN_PART || used > sizeof note - 256)
            continue;
        used += (size_t)snprintf(note + used, sizeof note - used, "%s%.100s (%s)",
                                 missing++ ? ", "
                                 : used    ? "; without "
                                           : "without ",
                                 f->field, import_reason_text(f->reason));
    }
    put_optional(&im->w, "note", note);
}

/* The model as the entry names it, and without its path: lists put a seller before it. */
static void put_models(struct json_writer *w, const char *name)
{
    const char *slash = strrchr(name, '/');
    json_key(w, "models");
    json_begin_array(w);
    json_put_string(w, name);
    if (slash && slash[1])
        json_put_string(w, slash + 1);
    json_end_array(w);
}

/* Where a list has no price for what comes from a cache, that costs what it costs elsewhere: a
 * cached token of sound is one of sound. */
static void complete_cached(struct import_set *set)
{
    static const enum usage_class pairs[][2] = {{USAGE_CACHED_IMAGE_INPUT, USAGE_IMAGE_INPUT},
                                                {USAGE_CACHED_AUDIO_INPUT, USAGE_AUDIO_INPUT}};
    if (has_price(&set->classes[USAGE_CACHED_INPUT]))
        return;
    for (int i = 0; i < 2; i++)
        if (!has_price(&set->classes[pairs[i][0]]))
            set->classes[pairs[i][0]] = set->classes[pairs[i][1]];
}

void import_write_plan(struct import *im)
{
    struct import_plan *p = im->plan;
    complete_cached(&p->standard);
    for (int service = 0; service < SERVICE_COUNT; service++)
        complete_cached(&p->services[service]);
    for (size_t i = 0; i < p->window_count; i++)
        complete_cached(&p->windows[i].set);
    json_begin_object(&im->w);
    json_pair_string(&im->w, "name", p->name);
    put_optional(&im->w, "seller", p->seller ? p->seller : "");
    put_note(im);
    if (im->options->models)
        put_models(&im->w, p->model ? p->model : p->name);
    put_set(&im->w, &p->standard, p->inclusive);
    put_services(&im->w, p);
    put_fees(&im->w, "per_tool", &p->tools);
    put_fees(&im->w, "per_unit", &p->units);
    put_free(&im->w, p);
    put_windows(&im->w, p);
    json_end_object(&im->w);
}
