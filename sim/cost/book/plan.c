#include "sim/cost/book/plan.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/text.h"
#include "sim/cost/book/plan_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const plan_keys[] = {"name",
                                        "seller",
                                        "source",
                                        "note",
                                        "comment",
                                        "as_of",
                                        "rates",
                                        "models",
                                        "per_mtok",
                                        "tiers",
                                        "per_request",
                                        "weights",
                                        "per_tool",
                                        "per_unit",
                                        "multipliers",
                                        "services",
                                        "windows",
                                        "subscription",
                                        "free",
                                        "limits",
                                        "provisioned",
                                        "billed",
                                        "rounding",
                                        "credit_fee",
                                        "minimum_per_request",
                                        "minimum",
                                        "volume",
                                        NULL};

typedef void read_terms(struct json_scan *s, struct plan *plan, const char *where);

static const struct {
    const char *key;
    read_terms *read;
} terms[] = {
    {"rates", plan_read_rates},
    {"subscription", plan_read_subscription},
    {"free", plan_read_free},
    {"limits", plan_read_limits},
    {"provisioned", plan_read_provisioned},
    {"billed", plan_read_billed},
    {"rounding", plan_read_rounding},
    {"credit_fee", plan_read_credit_fee},
    {"minimum", plan_read_minimum},
    {"volume", plan_read_volume},
};

static bool read_text_key(struct json_scan *s, struct text key, struct plan *plan)
{
    const struct {
        const char *key;
        char **out;
    } texts[] = {{"name", &plan->name},
                 {"seller", &plan->seller},
                 {"source", &plan->source},
                 {"note", &plan->note},
                 {"as_of", &plan->as_of}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (text_equal(key, texts[i].key)) {
            plan_read_text(s, texts[i].out);
            return true;
        }
    return false;
}

static bool read_term_key(struct json_scan *s, struct text key, struct plan *plan,
                          const char *where)
{
    if (text_equal(key, "minimum_per_request")) {
        plan_read_price(s, MONEY_PER_ONE, &plan->fees.minimum_per_request);
        return true;
    }
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++)
        if (text_equal(key, terms[i].key)) {
            terms[i].read(s, plan, where);
            return true;
        }
    return false;
}

static void name_place(const struct plan *plan, size_t number, char out[PLAN_WHERE_SIZE])
{
    if (plan->name)
        snprintf(out, PLAN_WHERE_SIZE, "plan \"%.100s\"", plan->name);
    else
        snprintf(out, PLAN_WHERE_SIZE, "plan %zu of the book", number + 1);
}

/* The rate that stands in the plan itself, and whether it says anything. */
static void add_own_rate(struct json_scan *s, const char *place, struct plan *plan,
                         struct plan_rate *own, bool used, const char *where)
{
    if (plan->rate_count > 0) {
        if (used)
            plan_fail_at(s, place, "%s has \"rates\" and prices of its own; move them into a rate",
                         where);
        plan_free_rate(own);
        return;
    }
    plan->rates = mem_alloc(sizeof *plan->rates);
    plan->rates[0] = *own;
    plan->rate_count = 1;
    plan_resolve_rate(s, place, &plan->rates[0], where);
}

static void check_plan(struct json_scan *s, const char *place, const struct plan *plan, bool priced,
                       const char *where)
{
    if (!plan->name || plan->name[0] == '\0')
        plan_fail_at(s, place, "%s has no \"name\"", where);
    if (!priced && !plan->subscription.present && !plan->provisioned.present)
        plan_fail_at(s, place,
                     "%s has no way to be paid: \"per_mtok\", \"per_request\", \"rates\", "
                     "\"subscription\" or \"provisioned\"",
                     where);
    for (size_t i = 0; i < plan->quota_count && !priced; i++)
        if (plan->quotas[i].pooled)
            plan_fail_at(s, place,
                         "%s pays for what is beyond its units (\"beyond\": \"pay\"), but has no "
                         "price for it: \"per_mtok\" or \"per_request\"",
                         where);
}

static bool own_rate_prices(const struct plan_rate *r)
{
    return r->base.base.given || r->base.tier_count > 0 || r->base.has_per_request ||
           r->tool_count > 0 || r->unit_count > 0;
}

/* Returns where the plan starts, for findings about it. */
static const char *read_plan(struct json_scan *s, struct plan *plan, size_t number)
{
    struct plan_rate own = {0};
    struct text key;
    char where[PLAN_WHERE_SIZE];
    bool own_used = false;
    for (int i = 0; i < SERVICE_COUNT; i++)
        own.multipliers[i] = MONEY_USD;
    plan->billed = (struct plan_billing){BILLED_NONE, BILLED_DELIVERED, true, NULL, 0};
    json_object_begin(s);
    const char *place = s->value;
    long column;
    json_place(s, place, &plan->line, &column);
    while (json_object_next(s, &key)) {
        name_place(plan, number, where);
        if (read_text_key(s, key, plan) || read_term_key(s, key, plan, where))
            continue;
        if (plan_read_rate_key(s, key, &own, where))
            own_used = true;
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, plan_keys, where);
    }
    name_place(plan, number, where);
    check_plan(s, place, plan, own_rate_prices(&own) || plan->rate_count > 0, where);
    add_own_rate(s, place, plan, &own, own_used, where);
    return place;
}

static void check_name_is_new(struct json_scan *s, const char *place, const struct plan_book *book)
{
    const struct plan *last = &book->plans[book->count - 1];
    for (size_t i = 0; i + 1 < book->count && !s->failed; i++)
        if (strcmp(book->plans[i].name, last->name) == 0)
            plan_fail_at(s, place, "the plan \"%.100s\" is already in this book, at line %ld",
                         last->name, book->plans[i].line);
}

static void read_plans(struct json_scan *s, struct plan_book *book)
{
    size_t capacity = 0;
    json_array_begin(s);
    while (json_array_next(s)) {
        mem_grow(&book->plans, &capacity, book->count + 1, sizeof *book->plans);
        book->plans[book->count] = (struct plan){0};
        const char *place = read_plan(s, &book->plans[book->count], book->count);
        book->count++;
        if (!s->failed)
            check_name_is_new(s, place, book);
    }
}

static void read_currency(struct json_scan *s)
{
    struct text currency;
    if (json_string(s, &currency) && !text_equal(currency, "USD"))
        json_fail(s,
                  "the currency must be \"USD\", found \"%.*s\"; convert the prices and note "
                  "the rate in \"source\"",
                  currency.length > 40 ? 40 : (int)currency.length, currency.at);
}

static void read_book(struct json_scan *s, struct plan_book *book)
{
    static const char *const keys[] = {"book", "as_of",   "currency", "source",
                                       "note", "comment", "plans",    NULL};
    struct text key;
    bool has_plans = false;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "book"))
            plan_read_text(s, &book->name);
        else if (text_equal(key, "as_of"))
            plan_read_text(s, &book->as_of);
        else if (text_equal(key, "source"))
            plan_read_text(s, &book->source);
        else if (text_equal(key, "currency"))
            read_currency(s);
        else if (text_equal(key, "plans"))
            has_plans = true, read_plans(s, book);
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, "a price book");
    }
    if (!has_plans)
        plan_fail_at(s, place, "a price book needs \"plans\": [ ... ]");
}

int plan_book_parse(const char *file, const char *text, size_t length, struct plan_book *out,
                    struct error *err)
{
    struct json_scan s;
    json_scan_init(&s, file, text, length, 1);
    read_book(&s, out);
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

uint64_t plan_weight(const struct request_weight *weights, size_t count, const char *model,
                     const char *class_name)
{
    for (size_t i = 0; i < count; i++)
        if (matches_any(weights[i].models, weights[i].model_count, model) &&
            matches_any(weights[i].classes, weights[i].class_count, class_name))
            return weights[i].weight_micro;
    return PLAN_MICRO;
}

bool plan_needs_start(const struct plan *plan)
{
    for (size_t i = 0; i < plan->rate_count; i++)
        if (plan->rates[i].window_count > 0)
            return true;
    return false;
}

int64_t plan_quota_length(const struct plan_quota *quota)
{
    return quota->length_ns > 0 ? quota->length_ns : 30 * 86400 * NS_PER_S;
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
        if (q->unit != QUOTA_REQUESTS)
            continue;
        uint64_t windows = (uint64_t)(sub->period_ns / plan_quota_length(q));
        uint64_t n = q->amount / PLAN_MICRO * (windows ? windows : 1);
        if (*requests == 0 || n < *requests)
            *requests = n;
    }
    return *requests > 0;
}
