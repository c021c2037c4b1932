#include "sim/cost/book/plan.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/text.h"
#include "sim/cost/book/plan_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void plan_read_name(const struct json_scan *s, const void *object, char out[JSON_WHERE_SIZE])
{
    const struct plan_reading *r = s->context;
    (void)object;
    if (r->plan.name)
        snprintf(out, JSON_WHERE_SIZE, "plan \"%.100s\"", r->plan.name);
    else
        snprintf(out, JSON_WHERE_SIZE, "plan %zu of the book", r->number + 1);
}

/* ---- a plan ---- */

#define PLAN(member) JSON_AT(struct plan_reading, plan.member)
#define TEXT(key, member)                             \
    {                                                 \
        key, JSON_AS_STRING, member, 0, PLAN_TEXT_MAX \
    }
static const struct json_field plan_rows[] = {
    [0] = {.kind = JSON_AS_INLINE, JSON_AT(struct plan_reading, own), .table = &plan_prices_table},
    {"name", JSON_AS_STRING, PLAN(name), 0, PLAN_TEXT_MAX, .required = true},
    TEXT("seller", PLAN(seller)),
    TEXT("source", PLAN(source)),
    TEXT("note", PLAN(note)),
    TEXT("as_of", PLAN(as_of)),
    {.name = "comment"},
    {"rates", JSON_AS_LIST, PLAN(rates), .count = offsetof(struct plan_reading, plan.rate_count),
     .item = &plan_rate_item},
    {.kind = JSON_AS_INLINE, .table = &plan_terms_table},
};

static void init_plan(void *reading)
{
    struct plan_reading *r = reading;
    plan_rate_init(&r->own);
    r->plan.billed = (struct plan_billing){BILLED_NONE, BILLED_DELIVERED, true, NULL, 0};
    r->plan.fees.minimum_period_ns = 30 * 86400 * NS_PER_S;
}

/* The rate that stands in the plan itself, where it has no others. */
static void add_own_rate(struct plan_reading *r)
{
    if (r->plan.rate_count > 0) {
        plan_free_rate(&r->own);
        return;
    }
    r->plan.rates = mem_alloc(sizeof *r->plan.rates);
    r->plan.rates[0] = r->own;
    r->plan.rate_count = 1;
}

static bool own_rate_prices(const struct plan_rate *r)
{
    return r->base.base.given || r->base.tier_count > 0 || r->base.has_per_request ||
           r->tool_count > 0 || r->unit_count > 0;
}

static void check_plan(struct json_scan *s, void *reading, uint64_t seen)
{
    struct plan_reading *r = reading;
    const struct plan *plan = &r->plan;
    bool own = plan->rate_count == 0, priced = !own || own_rate_prices(&r->own);
    char where[JSON_WHERE_SIZE];
    long column;
    plan_read_name(s, r, where);
    json_place(s, s->value, &r->plan.line, &column);
    if (!plan->name || plan->name[0] == '\0')
        json_fail(s, "%s has no \"name\"", where);
    for (const char *c = plan->name; c && *c; c++)
        if ((unsigned char)*c < 0x20) {
            json_fail(s, "the name of a plan is one line without tabs; %s has another one", where);
            break;
        }
    if (!priced && !plan->subscription.present && !plan->provisioned.present)
        json_fail(s,
                  "%s has no way to be paid: \"per_mtok\", \"per_request\", \"rates\", "
                  "\"subscription\" or \"provisioned\"",
                  where);
    for (size_t i = 0; i < plan->quota_count && !priced; i++)
        if (plan->quotas[i].pooled)
            json_fail(s,
                      "%s pays for what is beyond its units (\"beyond\": \"pay\"), but has no "
                      "price for it: \"per_mtok\" or \"per_request\"",
                      where);
    if (!own && seen & 1 << 0) /* the row of its own prices */
        json_fail(s, "%s has \"rates\" and prices of its own; move them into a rate", where);
    if (own)
        plan_resolve_rate(s, &r->own);
}

static const struct json_table plan_table = {JSON_ROWS(plan_rows), .name = plan_read_name,
                                             .init = init_plan, .check = check_plan};
static const struct json_field plan_item = {.kind = JSON_AS_OBJECT, .table = &plan_table};

static void check_name_is_new(struct json_scan *s, const struct plan_book *book)
{
    const struct plan *last = &book->plans[book->count - 1];
    for (size_t i = 0; i + 1 < book->count && !s->failed; i++)
        if (strcmp(book->plans[i].name, last->name) == 0)
            json_fail(s, "the plan \"%.100s\" is already in this book, at line %ld", last->name,
                      book->plans[i].line);
}

/* ---- the book ---- */

/* ---- another currency, at a dated rate ---- */

#define CURRENCY(member) JSON_AT(struct plan_currency, member)
static const struct json_field currency_rows[] = {
    {"code", JSON_AS_STRING, CURRENCY(code), 0, 16, .required = true},
    {"usd", PLAN_PRICE(CURRENCY(usd)), .required = true},
    {"as_of", JSON_AS_STRING, CURRENCY(as_of), 0, 40, .required = true},
    PLAN_REMARKS,
};

static void check_currency(struct json_scan *s, void *currency, uint64_t seen)
{
    (void)seen;
    if (((const struct plan_currency *)currency)->usd <= 0)
        json_fail(s, "the rate of a currency must be above 0: what one of it is in USD");
}

static const struct json_table currency_table = {
    JSON_ROWS(currency_rows), .where = "\"currency\" of",
    .needs = "a currency other than \"USD\" needs its rate: {\"code\": \"CNY\", \"usd\": "
             "\"0.1385\", \"as_of\": \"2026-11-02\"}",
    .check = check_currency};

static void read_currency(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan_book *book = plan_owner(f, member);
    struct text currency;
    if (book->count > 0)
        json_fail(s, "\"currency\" must stand before \"plans\", whose prices go by it");
    if (json_peek(s) == JSON_OBJECT)
        json_fields_read(s, f->table, member);
    else if (json_string(s, &currency) && !text_equal(currency, "USD"))
        json_fail(s,
                  "the currency must be \"USD\" or come with its rate, such as {\"code\": "
                  "\"%.*s\", \"usd\": \"0.1385\", \"as_of\": \"2026-11-02\"}",
                  currency.length > 16 ? 16 : (int)currency.length, currency.at);
}

static char *currency_words(const struct plan_currency *c)
{
    char text[160], rate[MONEY_TEXT_SIZE];
    money_format(c->usd, rate);
    snprintf(text, sizeof text, "%.16s at %.60s USD (%.40s)", c->code, rate, c->as_of);
    return mem_copy_string(text);
}

/* One plan, with the low ends of its ranges or with the high ones. */
static void read_plan(struct json_scan *s, const struct json_field *f, struct plan_book *book,
                      struct plan_reading *r)
{
    size_t capacity = book->count;
    r->number = book->count;
    r->usd_rate = book->currency.usd;
    s->context = r;
    json_fields_read(s, f->item->table, r);
    add_own_rate(r);
    if (r->usd_rate > 0)
        r->plan.currency = currency_words(&book->currency);
    if (r->ranges && r->plan.name) {
        char name[PLAN_TEXT_MAX + 16];
        snprintf(name, sizeof name, "%s (at %s)", r->plan.name, r->high ? "most" : "least");
        free(r->plan.name);
        r->plan.name = mem_copy_string(name);
    }
    mem_grow(&book->plans, &capacity, book->count + 1, sizeof *book->plans);
    book->plans[book->count++] = r->plan;
    if (!s->failed)
        check_name_is_new(s, book);
}

/* A plan whose seller gives an allowance as a range is two plans, one for each end. */
static void read_plans(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan_book *book = plan_owner(f, member);
    json_array_begin(s);
    while (json_array_next(s)) {
        const struct json_scan before = *s;
        struct plan_reading low = {.high = false}, high = {.high = true};
        read_plan(s, f, book, &low);
        if (s->failed || !low.ranges)
            continue;
        *s = before;
        read_plan(s, f, book, &high);
    }
}

#define BOOK(member) JSON_AT(struct plan_book, member)
static const struct json_field book_rows[] = {
    TEXT("book", BOOK(name)),
    TEXT("as_of", BOOK(as_of)),
    TEXT("source", BOOK(source)),
    {"currency", JSON_AS_OTHER, BOOK(currency), .table = &currency_table, .read = read_currency},
    {"plans", JSON_AS_LIST, BOOK(plans), .required = true, .item = &plan_item, .read = read_plans},
    PLAN_REMARKS,
};
const struct json_table plan_book_table = {JSON_ROWS(book_rows), .where = "a price book",
                                           .needs = "a price book needs \"plans\": [ ... ]"};

int plan_book_parse(const char *file, const char *text, size_t length, struct plan_book *out,
                    struct error *err)
{
    struct json_scan s;
    json_scan_init(&s, file, text, length, 1);
    json_fields_read(&s, &plan_book_table, out);
    int code = json_scan_end(&s, err);
    if (code < 0) {
        plan_book_free(out);
        return code;
    }
    out->file = mem_copy_string(file);
    return 0;
}

int plan_book_load(const char *path, struct plan_book *out, struct error *err)
{
    char *text;
    size_t length;
    int code = file_read_all(path, PLAN_BOOK_MAX_BYTES, &text, &length, err);
    if (code < 0)
        return code;
    code = plan_book_parse(path, text, length, out, err);
    free(text);
    return code;
}

void plan_book_free(struct plan_book *book)
{
    for (size_t i = 0; i < book->count; i++)
        plan_free(&book->plans[i]);
    free(book->plans);
    free(book->file);
    free(book->name);
    free(book->as_of);
    free(book->source);
    free(book->currency.code);
    free(book->currency.as_of);
    *book = (struct plan_book){0};
}

const struct plan *plan_book_find(const struct plan_book *book, const char *name)
{
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->plans[i].name, name) == 0)
            return &book->plans[i];
    return NULL;
}

static bool matches_any(char *const *patterns, size_t count, const char *name)
{
    if (count == 0)
        return true;
    for (size_t i = 0; name && i < count; i++)
        if (text_matches(text_of(name), text_of(patterns[i])))
            return true;
    return false;
}

const struct plan_rate *plan_rate_for(const struct plan *plan, const char *model)
{
    for (size_t i = 0; i < plan->rate_count; i++)
        if (!model || matches_any(plan->rates[i].models, plan->rates[i].model_count, model))
            return &plan->rates[i];
    return NULL;
}

size_t plan_rate_service(const struct plan_rate *rate, enum service service, const char *other)
{
    if (service != SERVICE_OTHER)
        return (size_t)service;
    for (size_t i = 0; i < rate->other_service_count; i++)
        if (strcmp(rate->other_services[i].name, other) == 0)
            return SERVICE_COUNT + i;
    return PLAN_NO_SERVICE;
}

const char *plan_rate_service_name(const struct plan_rate *rate, size_t place)
{
    return place < SERVICE_COUNT ? service_name((enum service)place)
                                 : rate->other_services[place - SERVICE_COUNT].name;
}

#define NS_PER_DAY (86400 * NS_PER_S)

bool plan_hours_hold(const struct plan_hours *h, int64_t at_unix_ns)
{
    int64_t day = at_unix_ns / NS_PER_DAY, in_day = at_unix_ns % NS_PER_DAY;
    if (in_day < 0) {
        day--;
        in_day += NS_PER_DAY;
    }
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    if (!(h->weekdays & 1u << weekday))
        return false;
    if (!h->timed || h->start_minute == h->end_minute)
        return true;
    int64_t minute = in_day / (60 * NS_PER_S);
    if (h->start_minute < h->end_minute)
        return minute >= h->start_minute && minute < h->end_minute;
    return minute >= h->start_minute || minute < h->end_minute;
}

uint64_t plan_weight(const struct request_weight *weights, size_t count, const char *model,
                     const char *class_name, int64_t at_unix_ns)
{
    for (size_t i = 0; i < count; i++) {
        const struct request_weight *w = &weights[i];
        if (matches_any(w->models, w->model_count, model) &&
            matches_any(w->classes, w->class_count, class_name) &&
            (w->hours.weekdays == 0 ||
             (at_unix_ns != TIME_NEVER && plan_hours_hold(&w->hours, at_unix_ns))))
            return w->weight_micro;
    }
    return PLAN_MICRO;
}

static bool some_are_timed(const struct request_weight *weights, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (weights[i].hours.weekdays)
            return true;
    return false;
}

bool plan_needs_start(const struct plan *plan)
{
    for (size_t i = 0; i < plan->rate_count; i++)
        if (plan->rates[i].window_count > 0 ||
            some_are_timed(plan->rates[i].weights, plan->rates[i].weight_count))
            return true;
    return some_are_timed(plan->limits.units, plan->limits.unit_count);
}

bool plan_volume_is_plain(const struct plan_volume *v)
{
    return !v->by_tokens && !v->per_model && v->model_count == 0 && v->alignment == WINDOW_ANCHORED;
}

bool plan_volume_is_for(const struct plan_volume *v, const char *model)
{
    return matches_any(v->models, v->model_count, model);
}

struct plan_quota plan_volume_windows(const struct plan_volume *v)
{
    bool month = v->alignment == WINDOW_CALENDAR && v->period_ns == 30 * NS_PER_DAY;
    return (struct plan_quota){.length_ns = month ? 0 : v->period_ns, .alignment = v->alignment};
}

int64_t plan_quota_length(const struct plan_quota *quota)
{
    return quota->length_ns > 0 ? quota->length_ns : 30 * 86400 * NS_PER_S;
}

bool plan_quota_is_for(const struct plan_quota *quota, const char *model, const char *class_name)
{
    return matches_any(quota->models, quota->model_count, model) &&
           matches_any(quota->classes, quota->class_count, class_name);
}

bool plan_quota_is_settled(const struct plan_quota *quota)
{
    return quota->unit == QUOTA_CALLS || quota->unit == QUOTA_UNITS ||
           (quota->unit == QUOTA_USD && quota->beyond == BEYOND_PAY);
}

money_magnitude plan_quota_amount(const struct plan_quota *quota)
{
    if (quota->unit == QUOTA_USD)
        return (money_magnitude)quota->usd;
    return (money_magnitude)quota->amount * (quota->counts ? PLAN_MICRO : 1);
}

uint64_t plan_quota_need(const struct plan_quota *quota, uint64_t weight_micro, uint64_t input,
                         uint64_t output)
{
    switch (quota->unit) {
    case QUOTA_REQUESTS:
        return weight_micro;
    case QUOTA_TOKENS:
        return input + output;
    case QUOTA_INPUT_TOKENS:
        return input;
    case QUOTA_OUTPUT_TOKENS:
        return output;
    default:
        return 0;
    }
}

bool plan_full_use(const struct plan *plan, money *price, uint64_t *requests)
{
    const struct plan_subscription *sub = &plan->subscription;
    *requests = 0;
    if (!sub->present || money_multiply(sub->price, sub->seats, price) < 0)
        return false;
    for (size_t i = 0; i < plan->quota_count; i++) {
        const struct plan_quota *q = &plan->quotas[i];
        if (q->unit != QUOTA_REQUESTS || q->model_count + q->class_count > 0)
            continue;
        uint64_t windows = (uint64_t)(sub->period_ns / plan_quota_length(q));
        uint64_t n = q->amount / PLAN_MICRO * (windows ? windows : 1);
        if (*requests == 0 || n < *requests)
            *requests = n;
    }
    return *requests > 0;
}
