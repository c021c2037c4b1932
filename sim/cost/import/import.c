/* The importers' common ground: entries, findings, counts, single prices. */
#include "sim/cost/import/import.h"

#include "core/memory.h"
#include "sim/cost/import/import_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const reason_texts[IMPORT_REASONS] = {
    [IMPORT_SAMPLE] = "the list's own sample, not a model",
    [IMPORT_NO_PRICE] = "no price given",
    [IMPORT_ALIAS] = "another name of an entry, without prices of its own",
    [IMPORT_NEGATIVE] = "negative price: a router that charges what its choice costs",
    [IMPORT_SAME_NAME] = "a second entry of that name",
    [IMPORT_NAME] = "a name that is empty, too long or not one line",
    [IMPORT_CONDITION] = "a condition on the price that plans have no form for",
    [IMPORT_BY_RESULTS] = "price by the number of results asked for",
    [IMPORT_BY_PIECE] = "price by the length of one piece",
    [IMPORT_UNIT_VARIES] =
        "a unit's or tool's price that varies with input length, service or date",
    [IMPORT_SURCHARGE] = "surcharge by region or speed",
    [IMPORT_STORAGE] = "price of storage by size and time",
    [IMPORT_OTHER_CURRENCY] = "price in another currency, none in USD",
    [IMPORT_TWICE] = "two different prices for the same thing",
    [IMPORT_TIERS] = "more tiers, units or windows than a plan is given here",
    [IMPORT_NUMBER] = "not a number that a plan can hold",
    [IMPORT_UNKNOWN_KEY] = "a price key that this version does not know",
    [IMPORT_KEPT_STANDARD] = "a service without a price for cache hits or writes: standard kept",
    [IMPORT_ANY_LENGTH] = "no price of its own for long inputs: the one for every length",
    [IMPORT_LONGEST_KEPT] = "writes kept for 12 hours: as cache_write_1h, the longer kept ones",
    [IMPORT_SINCE] = "a variant's price since a day: taken for every date",
    [IMPORT_DATED] = "dated prices beside a service's: those of the day that the list is of",
    [IMPORT_SHARED] = "free calls that several models share: given to each",
    [IMPORT_REASONING] = "a service without a price for reasoning: at its output's price",
};

const char *import_reason_text(enum import_reason reason)
{
    return reason < IMPORT_REASONS ? reason_texts[reason] : "";
}

static struct import_finding *add_finding(struct import *im, enum import_change change,
                                          enum import_reason reason, const char *field)
{
    struct import_report *r = im->report;
    mem_grow(&r->findings, &r->finding_capacity, r->finding_count + 1, sizeof *r->findings);
    struct import_finding *f = &r->findings[r->finding_count++];
    *f = (struct import_finding){.change = change,
                                 .reason = reason,
                                 .entry = mem_copy_string(im->plan->name),
                                 .field = field ? mem_copy_string(field) : NULL};
    return f;
}

void import_drop(struct import *im, enum import_reason why)
{
    if (im->plan->dropped)
        return;
    im->plan->dropped = true;
    im->plan->why = why;
}

void import_miss(struct import *im, const char *field, enum import_reason why)
{
    add_finding(im, IMPORT_IN_PART, why, field);
}

void import_assume(struct import *im, const char *field, enum import_reason what)
{
    add_finding(im, IMPORT_ASSUMED, what, field);
}

/* A number, a text that is one, or either somewhere inside. */
static bool holds_number(struct json_scan *s, int depth)
{
    struct text value, key;
    struct import_number n;
    bool found = false;
    switch (json_peek(s)) {
    case JSON_NUMBER:
        return json_number(s, &value);
    case JSON_STRING:
        return json_string(s, &value) && import_number_read(value, &n);
    case JSON_OBJECT:
        json_object_begin(s);
        while (depth > 0 && json_object_next(s, &key))
            found |= holds_number(s, depth - 1);
        return found;
    case JSON_ARRAY:
        json_array_begin(s);
        while (depth > 0 && json_array_next(s))
            found |= holds_number(s, depth - 1);
        return found;
    default:
        json_skip(s, NULL);
        return false;
    }
}

void import_pass_over(struct import *im, struct text key, const char *const *known)
{
    struct text raw;
    struct json_scan inside;
    char name[80];
    if (!json_skip(&im->s, &raw))
        return;
    for (; *known; known++) {
        size_t length = strlen(*known);
        bool prefix = (*known)[length - 1] == '*';
        if (prefix ? key.length >= length - 1 && memcmp(key.at, *known, length - 1) == 0
                   : text_equal(key, *known))
            return;
    }
    json_scan_init(&inside, "", raw.at, raw.length, 1);
    if (!holds_number(&inside, 8))
        return;
    snprintf(name, sizeof name, "%.*s", key.length > 79 ? 79 : (int)key.length, key.at);
    import_miss(im, name, IMPORT_UNKNOWN_KEY);
}

void import_plan_begin(struct import *im, const char *seller, struct text raw_name)
{
    struct buffer name;
    buffer_init(&name, BUFFER_UNBOUNDED);
    if (!json_unescape(raw_name, &name))
        buffer_clear(&name);
    *im->plan = (struct import_plan){.name = buffer_take(&name),
                                     .seller = seller ? mem_copy_string(seller) : NULL,
                                     .first_finding = im->report->finding_count};
    im->report->read++;
}

static void note_change(struct import *im, enum import_change change, const char *field,
                        struct text raw, const struct import_number *n, int per)
{
    char now[IMPORT_NUMBER_TEXT], detail[192];
    import_number_text(n, per, now);
    snprintf(detail, sizeof detail, "%.*s is %s", raw.length > 80 ? 80 : (int)raw.length, raw.at,
             now);
    add_finding(im, change, IMPORT_REASONS, field)->detail = mem_copy_string(detail);
}

/* A price's text, or false where there is none (null) or something else stands there. */
static bool price_text(struct import *im, const char *field, struct text *raw)
{
    switch (json_peek(&im->s)) {
    case JSON_NUMBER:
        return json_number(&im->s, raw);
    case JSON_STRING:
        return json_string(&im->s, raw);
    case JSON_NULL:
        json_null(&im->s);
        return false;
    default:
        json_skip(&im->s, NULL);
        import_miss(im, field, IMPORT_NUMBER);
        return false;
    }
}

/* No price is that large: as written in a book, 1e9 USD; of a token, 1,000 USD. */
static bool too_large(const struct import_number *n, enum import_what what)
{
    return n->count > 0 && n->count + n->exponent > (what == IMPORT_TOKEN ? 3 : 9);
}

bool import_price(struct import *im, const char *field, int per, enum import_what what,
                  struct import_number *out)
{
    struct text raw;
    if (!price_text(im, field, &raw))
        return false;
    if (!import_number_read(raw, out)) {
        import_miss(im, field, IMPORT_NUMBER);
        return false;
    }
    if (out->negative) {
        import_drop(im, IMPORT_NEGATIVE);
        return false;
    }
    bool snapped = import_number_snap(out);
    if (out->count > 0)
        out->exponent -= per;
    if (too_large(out, what)) {
        import_miss(im, field, IMPORT_NUMBER);
        return false;
    }
    bool rounded = import_number_limit(out, what == IMPORT_TOKEN ? 24 : 18);
    if (snapped)
        note_change(im, IMPORT_SNAPPED, field, raw, out, per);
    if (rounded)
        note_change(im, IMPORT_ROUNDED, field, raw, out, per);
    im->report->snapped += snapped;
    im->report->rounded += rounded;
    im->report->prices++;
    return true;
}

/* Counts an entry by what is missing from it, each reason once. */
static void count_entry(struct import *im)
{
    struct import_report *r = im->report;
    bool seen[IMPORT_REASONS] = {false}, assumed[IMPORT_REASONS] = {false}, missing = false;
    if (im->plan->dropped) {
        r->left_out++;
        r->left_out_by[im->plan->why]++;
        add_finding(im, IMPORT_LEFT_OUT, im->plan->why, NULL);
        return;
    }
    for (size_t i = im->plan->first_finding; i < r->finding_count; i++) {
        const struct import_finding *f = &r->findings[i];
        if (f->change == IMPORT_ASSUMED) {
            r->assumed_by[f->reason] += !assumed[f->reason];
            assumed[f->reason] = true;
        }
        if (f->change != IMPORT_IN_PART)
            continue;
        missing = true;
        r->partly_by[f->reason] += !seen[f->reason];
        seen[f->reason] = true;
    }
    r->partly += missing;
    r->represented += !missing;
}

static bool set_has_prices(const struct import_set *set)
{
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (set->classes[c].given || set->classes[c].tier_count > 0)
            return true;
    return set->has_request;
}

/* The reason that an entry without a usable price is left out: what its prices met, if any. */
static enum import_reason why_empty(const struct import *im)
{
    for (size_t i = im->plan->first_finding; i < im->report->finding_count; i++)
        if (im->report->findings[i].change == IMPORT_IN_PART)
            return im->report->findings[i].reason;
    return im->plan->alias ? IMPORT_ALIAS : IMPORT_NO_PRICE;
}

static void free_plan(struct import_plan *p)
{
    free(p->name);
    free(p->seller);
    free(p->windows);
    free(p->variants);
}

static bool is_one_line(struct text name)
{
    for (size_t i = 0; i < name.length; i++)
        if ((unsigned char)name.at[i] < 0x20)
            return false;
    return true;
}

void import_plan_end(struct import *im)
{
    struct import_plan *p = im->plan;
    struct text name = text_of(p->name);
    if (im->s.failed) {
        free_plan(p);
        return;
    }
    import_check_varied(im);
    if (!p->dropped && !set_has_prices(&p->standard) && p->units.count == 0 && p->tools.count == 0)
        import_drop(im, why_empty(im));
    if (!p->dropped && (name.length == 0 || name.length > IMPORT_NAME_MAX || !is_one_line(name)))
        import_drop(im, IMPORT_NAME);
    if (!p->dropped && names_find(&im->seen, name) != NAME_NONE)
        import_drop(im, IMPORT_SAME_NAME);
    count_entry(im);
    if (!p->dropped) {
        names_add(&im->seen, name);
        import_write_plan(im);
        import_write_variants(im);
    }
    free_plan(p);
}

static void begin_book(struct import *im)
{
    json_begin_object(&im->w);
    json_pair_string(&im->w, "book", im->options->book ? im->options->book : "imported");
    if (im->options->as_of)
        json_pair_string(&im->w, "as_of", im->options->as_of);
    json_pair_string(&im->w, "currency", "USD");
    if (im->options->source)
        json_pair_string(&im->w, "source", im->options->source);
    json_key(&im->w, "plans");
    json_begin_array(&im->w);
}

int prices_import(enum import_form form, const char *text, size_t length,
                  const struct import_options *options, struct buffer *book,
                  struct import_report *report, struct error *err)
{
    static void (*const readers[])(struct import *) = {import_litellm, import_genai,
                                                       import_openrouter};
    struct import im = {.options = options, .report = report};
    *report = (struct import_report){0};
    im.plan = mem_zero(1, sizeof *im.plan);
    names_init(&im.seen);
    json_scan_init(&im.s, options->file, text, length, 1);
    json_write_init(&im.w, book, 1);
    begin_book(&im);
    readers[form](&im);
    json_end_array(&im.w);
    json_end_object(&im.w);
    buffer_add_byte(book, '\n');
    int code = json_scan_end(&im.s, err);
    if (code == 0 && report->read == 0)
        code = error_at(err, options->file, 1, 1, "no prices in this file: no entry was found");
    if (code < 0)
        import_report_free(report);
    names_free(&im.seen);
    free(im.plan);
    return code;
}

void import_report_free(struct import_report *report)
{
    for (size_t i = 0; i < report->finding_count; i++) {
        free(report->findings[i].entry);
        free(report->findings[i].field);
        free(report->findings[i].detail);
    }
    free(report->findings);
    *report = (struct import_report){0};
}
