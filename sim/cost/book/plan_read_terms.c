/* Terms other than prices: subscription, quotas, limits, provisioned units, fees, billing of what
 * did not complete. */
#include "sim/cost/book/plan_read.h"

#include "core/memory.h"

#include <stdlib.h>

static const char *const alignments[] = {"calendar", "rolling", "anchored", "session", NULL};
static const char *const beyonds[] = {"queue", "reject", "pay", NULL};

static void add_quota(struct plan_quota **list, size_t *count, struct plan_quota quota)
{
    *list = mem_resize(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = quota;
}

/* ---- quotas: {"requests": 1000, "per": "day", "window": "rolling", "beyond": "pay"} ---- */

/* The first rows stand in the order of enum plan_unit. */
enum quota_row {
    CREDITS = QUOTA_UNITS + 1,
    CREDIT_USD,
    TOOL,
    UNIT,
    PER,
    WINDOW,
    BEYOND,
    ROLLOVER,
    FOR_MODELS,
    FOR_CLASSES,
    COUNTS,
};

static json_field_read read_amount, read_counts;

#define QUOTA(member) JSON_AT(struct plan_quota, member)
static const struct json_field quota_rows[] = {
    [QUOTA_REQUESTS] = {"requests", .read = read_amount},
    [QUOTA_TOKENS] = {"tokens", .read = read_amount},
    [QUOTA_INPUT_TOKENS] = {"input_tokens", .read = read_amount},
    [QUOTA_OUTPUT_TOKENS] = {"output_tokens", .read = read_amount},
    [QUOTA_USD] = {"usd", .read = read_amount},
    [QUOTA_CALLS] = {"calls", .read = read_amount},
    [QUOTA_UNITS] = {"count", .read = read_amount},
    [CREDITS] = {"credits", .read = read_amount},
    [CREDIT_USD] = {"credit_usd", PLAN_MTOK_PRICE(QUOTA(usd))},
    [TOOL] = {"tool", JSON_AS_STRING, QUOTA(of), 0, PLAN_TEXT_MAX},
    [UNIT] = {"unit", JSON_AS_STRING, QUOTA(of), 0, PLAN_TEXT_MAX},
    [PER] = {"per", PLAN_WINDOW(QUOTA(length_ns))},
    [WINDOW] = {"window", JSON_AS_CHOICE, QUOTA(alignment), .names = alignments},
    [BEYOND] = {"beyond", JSON_AS_CHOICE, QUOTA(beyond), .names = beyonds},
    [ROLLOVER] = {"rollover", JSON_AS_BOOL, QUOTA(rolls_over)},
    [FOR_MODELS] = {"models", PLAN_PATTERNS(struct plan_quota, models, model_count)},
    [FOR_CLASSES] = {"classes", PLAN_PATTERNS(struct plan_quota, classes, class_count)},
    [COUNTS] = {"counts", JSON_AS_OTHER, QUOTA(counts), .read = read_counts},
    PLAN_REMARKS,
};

/* {"cached_input": "0.1", "output": 4}: what a token of a class counts for; else 1. */
static void read_counts(struct json_scan *s, const struct json_field *f, void *member)
{
    uint64_t *counts = mem_alloc(USAGE_CLASSES * sizeof *counts);
    const struct json_field row = {f->name, JSON_AS_OTHER, .max = PLAN_WEIGHT_MAX};
    struct text key;
    for (int c = 0; c < USAGE_CLASSES; c++)
        counts[c] = PLAN_MICRO;
    free(*(uint64_t **)member);
    *(uint64_t **)member = counts;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        const char *names[USAGE_CLASSES + 1] = {NULL};
        int class = -1;
        for (int c = 0; c < USAGE_CLASSES; c++) {
            names[c] = plan_class_key((enum usage_class)c);
            class = text_equal(key, names[c]) ? c : class;
        }
        if (class < 0)
            json_unknown_key(s, key, names, "\"counts\"");
        else
            plan_read_micro(s, &row, &counts[class]);
        if (s->failed)
            return;
    }
}

static void read_number(struct json_scan *s, const struct json_field *f, struct plan_quota *q)
{
    const struct json_field decimal = {f->name, JSON_AS_OTHER, .max = PLAN_COUNT_MAX};
    if (f == &quota_rows[CREDITS])
        plan_read_micro(s, &decimal, &q->credits_micro);
    else if (q->unit == QUOTA_CALLS || q->unit == QUOTA_UNITS)
        plan_read_micro(s, &decimal, &q->amount);
    else if (q->unit == QUOTA_USD)
        plan_read_price(s, f, &q->usd);
    else
        json_u64(s, 0, (uint64_t)PLAN_COUNT_MAX, &q->amount);
}

/* {"from": 45, "to": 225}: of what the seller does not publish, the end that this reading is for.
 */
static void read_range(struct json_scan *s, const struct json_field *f, struct plan_quota *q)
{
    static const char *const names[] = {"from", "to", NULL};
    struct plan_reading *r = s->context;
    struct plan_quota ends[2] = {*q, *q};
    struct text key;
    unsigned seen = 0;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        bool to = text_equal(key, "to");
        if (!to && !text_equal(key, "from"))
            json_unknown_key(s, key, names, "a range");
        read_number(s, f, &ends[to]);
        seen |= 1u << to;
    }
    if (seen != 3)
        json_fail(s, "a range needs \"from\" and \"to\", the least and the most that it may be");
    if (ends[0].amount > ends[1].amount || ends[0].usd > ends[1].usd ||
        ends[0].credits_micro > ends[1].credits_micro)
        json_fail(s, "a range goes from the smaller amount to the larger one");
    r->ranges = true;
    *q = ends[r->high];
}

static void read_amount(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan_quota *q = member;
    if (q->label)
        json_fail(s, "one entry includes one thing; use a list for several");
    q->label = f->name;
    q->unit = f == &quota_rows[CREDITS] ? QUOTA_USD : (enum plan_unit)(f - quota_rows);
    if (json_peek(s) == JSON_OBJECT)
        read_range(s, f, q);
    else
        read_number(s, f, q);
    if (q->unit == QUOTA_REQUESTS)
        q->amount *= PLAN_MICRO;
}

/* Until the subscription around it has been read, which may say it for all. */
#define BEYOND_UNSAID ((enum plan_beyond)(BEYOND_PAY + 1))

static void init_quota(void *quota)
{
    ((struct plan_quota *)quota)->beyond = BEYOND_UNSAID;
}

static bool has(uint64_t seen, enum quota_row row)
{
    return seen >> row & 1;
}

/* Credits are kept as the USD that they stand for. */
static void check_credits(struct json_scan *s, struct plan_quota *q, uint64_t seen)
{
    if (has(seen, CREDITS) != has(seen, CREDIT_USD))
        json_fail(s, "\"credits\" need \"credit_usd\", what one of them pays of the plan's prices, "
                     "and the other way round");
    if (has(seen, CREDITS) && money_multiply(q->usd, q->credits_micro, &q->usd) < 0)
        json_fail(s, "so many credits are too much money");
}

/* Free calls and units: of what, and that one pays beyond them. */
static void check_free_calls(struct json_scan *s, const struct plan_quota *q, uint64_t seen)
{
    if ((q->unit == QUOTA_CALLS) != has(seen, TOOL))
        json_fail(s, "\"calls\" need \"tool\", its name in \"per_tool\", and the other way round");
    if ((q->unit == QUOTA_UNITS) != has(seen, UNIT))
        json_fail(s, "\"count\" needs \"unit\", its name in \"per_unit\", and the other way round");
    if (q->of && q->beyond != BEYOND_PAY && q->beyond != BEYOND_UNSAID)
        json_fail(s, "free calls and units need \"beyond\": \"pay\"");
}

static void check_quota(struct json_scan *s, void *quota, uint64_t seen)
{
    struct plan_quota *q = quota;
    char where[JSON_WHERE_SIZE];
    check_credits(s, q, seen);
    check_free_calls(s, q, seen);
    if (q->rolls_over && q->alignment != WINDOW_CALENDAR && q->alignment != WINDOW_ANCHORED)
        json_fail(s, "\"rollover\" goes with windows that follow each other: \"calendar\" or "
                     "\"anchored\"");
    if (q->counts && q->unit != QUOTA_TOKENS && q->unit != QUOTA_INPUT_TOKENS &&
        q->unit != QUOTA_OUTPUT_TOKENS)
        json_fail(s, "\"counts\" goes with an amount of tokens");
    if (!q->label)
        json_fail(s,
                  "%s needs an amount: \"requests\", \"tokens\", \"usd\", \"credits\" and the "
                  "like",
                  json_fields_where(s, where));
    if (!has(seen, PER))
        json_fail(s, "%s needs \"per\": the window that it refills in, such as \"day\"",
                  json_fields_where(s, where));
}

static const struct json_table includes_table = {JSON_ROWS(quota_rows), .where = "\"includes\" of",
                                                 .init = init_quota, .check = check_quota};
static const struct json_table free_table = {JSON_ROWS(quota_rows), .where = "\"free\" of",
                                             .init = init_quota, .check = check_quota};

/* What is beyond a quota that does not say so itself. */
static void say_beyond(struct plan_quota *q, enum plan_beyond beyond)
{
    if (q->beyond == BEYOND_UNSAID)
        q->beyond = q->of ? BEYOND_PAY : beyond;
}

/* One or a list of them, to the plan's quotas. */
static void read_quotas(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan_reading *r = s->context;
    bool list = json_peek(s) == JSON_ARRAY;
    (void)member;
    if (list)
        json_array_begin(s);
    while (!list || json_array_next(s)) {
        struct plan_quota q = {0};
        json_fields_read(s, f->table, &q);
        if (f->table == &free_table)
            say_beyond(&q, BEYOND_PAY);
        add_quota(&r->plan.quotas, &r->plan.quota_count, q);
        if (!list)
            return;
    }
}

/* ---- subscription ---- */

struct subscription {
    struct plan_subscription terms;
    enum plan_beyond beyond; /* of the quotas that do not say so themselves */
};

#define SUBSCRIPTION(member) JSON_AT(struct subscription, member)
static const struct json_field subscription_rows[] = {
    {"price", PLAN_PRICE(SUBSCRIPTION(terms.price)), .required = true},
    {"period", PLAN_PERIOD(SUBSCRIPTION(terms.period_ns)), .required = true},
    {"seats", JSON_AS_UINT, SUBSCRIPTION(terms.seats), 1, 1000000},
    {"setup", PLAN_PRICE(SUBSCRIPTION(terms.setup))},
    {"includes", JSON_AS_OTHER, .table = &includes_table, .read = read_quotas},
    {"beyond", JSON_AS_CHOICE, SUBSCRIPTION(beyond), .names = beyonds},
    PLAN_REMARKS,
};
static const struct json_table subscription_table = {
    JSON_ROWS(subscription_rows), .name = plan_read_name,
    .needs = "a subscription needs \"price\" and \"period\""};

static void read_subscription(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan *plan = &((struct plan_reading *)s->context)->plan;
    struct subscription sub = {.terms = {.present = true, .seats = 1}, .beyond = BEYOND_PAY};
    size_t first = plan->quota_count;
    json_fields_read(s, f->table, &sub);
    for (size_t i = first; i < plan->quota_count; i++) {
        struct plan_quota *q = &plan->quotas[i];
        say_beyond(q, sub.beyond);
        q->amount *= sub.terms.seats;
        q->credits_micro *= sub.terms.seats;
        if (q->unit == QUOTA_USD && money_multiply(q->usd, sub.terms.seats, &q->usd) < 0)
            json_fail(s, "the included amount times \"seats\" is too large");
    }
    *(struct plan_subscription *)member = sub.terms;
}

/* ---- provisioned units ---- */

struct provisioned {
    struct plan_provisioned terms;
    enum plan_beyond beyond;
    uint64_t *counts; /* what a token of a class uses of the capacity */
};

#define PROVISIONED(member) JSON_AT(struct provisioned, member)
static const struct json_field provisioned_rows[] = {
    {"unit", JSON_AS_STRING, PROVISIONED(terms.unit), 0, PLAN_TEXT_MAX},
    {"price", PLAN_PRICE(PROVISIONED(terms.price)), .required = true},
    {"per", PLAN_PERIOD(PROVISIONED(terms.period_ns))},
    {"setup", PLAN_PRICE(PROVISIONED(terms.setup))},
    {"units", JSON_AS_UINT, PROVISIONED(terms.units), 1, 1000000,
     JSON_HAS(struct provisioned, terms.units_given)},
    {"tokens_per_minute", JSON_AS_UINT, PROVISIONED(terms.tokens_per_minute), 1, PLAN_COUNT_MAX},
    {"counts", JSON_AS_OTHER, PROVISIONED(counts), .read = read_counts},
    {"beyond", JSON_AS_CHOICE, PROVISIONED(beyond), .names = beyonds},
    PLAN_REMARKS,
};
static const struct json_table provisioned_table = {
    JSON_ROWS(provisioned_rows), .name = plan_read_name,
    .needs = "\"provisioned\" needs \"price\" (of one unit per \"per\")"};

static void read_provisioned(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan *plan = &((struct plan_reading *)s->context)->plan;
    struct provisioned p = {.terms = *(struct plan_provisioned *)member, .beyond = BEYOND_REJECT};
    p.terms.present = true;
    p.terms.units = 1;
    p.terms.period_ns = 3600 * NS_PER_S;
    json_fields_read(s, f->table, &p);
    *(struct plan_provisioned *)member = p.terms;
    if (p.terms.tokens_per_minute == 0) {
        if (p.counts)
            json_fail(s, "\"counts\" needs \"tokens_per_minute\", the capacity that they use");
        free(p.counts);
        return;
    }
    struct plan_quota q = {.unit = QUOTA_TOKENS,
                           .amount = p.terms.tokens_per_minute * p.terms.units,
                           .length_ns = 60 * NS_PER_S,
                           .alignment = WINDOW_ROLLING,
                           .beyond = p.beyond,
                           .pooled = true,
                           .counts = p.counts,
                           .label = "provisioned"};
    if (q.beyond == BEYOND_PAY)
        add_quota(&plan->quotas, &plan->quota_count, q);
    else
        add_quota(&plan->rate_limits, &plan->rate_limit_count, q);
}

/* ---- limits, which stand in the plan itself ---- */

static const struct {
    enum plan_unit unit;
    int64_t length_ns;
} rate_limits[] = {{QUOTA_REQUESTS, 60 * NS_PER_S},     {QUOTA_REQUESTS, 3600 * NS_PER_S},
                   {QUOTA_REQUESTS, 86400 * NS_PER_S},  {QUOTA_TOKENS, 60 * NS_PER_S},
                   {QUOTA_TOKENS, 86400 * NS_PER_S},    {QUOTA_INPUT_TOKENS, 60 * NS_PER_S},
                   {QUOTA_OUTPUT_TOKENS, 60 * NS_PER_S}};

static json_field_read read_rate_limit;

#define PLAN(member) JSON_AT(struct plan_reading, plan.member)
#define COUNTED(member, number) PLAN(member), .count = offsetof(struct plan_reading, plan.number)
#define RATE_LIMIT(name)                             \
    {                                                \
        name, JSON_AS_OTHER, .read = read_rate_limit \
    }
static const char *const limit_beyonds[] = {"queue", "reject", NULL};
static const struct json_field limits_rows[] = {
    RATE_LIMIT("rpm"), /* as rate_limits */
    RATE_LIMIT("rph"),
    RATE_LIMIT("rpd"),
    RATE_LIMIT("tpm"),
    RATE_LIMIT("tpd"),
    RATE_LIMIT("input_tpm"),
    RATE_LIMIT("output_tpm"),
    {"concurrency", JSON_AS_UINT, PLAN(limits.concurrency), 1, 1000000},
    {"concurrency_units", JSON_AS_LIST, COUNTED(limits.units, limits.unit_count),
     .item = &plan_weight_item},
    {"max_input_tokens", JSON_AS_UINT, PLAN(limits.max_input_tokens), 1, UINT32_MAX},
    {"max_output_tokens", JSON_AS_UINT, PLAN(limits.max_output_tokens), 1, UINT32_MAX},
    {"max_total_tokens", JSON_AS_UINT, PLAN(limits.max_total_tokens), 1, UINT32_MAX},
    {"unconfirmed", JSON_AS_BOOL, PLAN(limits.unconfirmed)},
    {"window", JSON_AS_CHOICE, JSON_AT(struct plan_reading, limit_alignment), .names = alignments},
    {"beyond", JSON_AS_CHOICE, PLAN(limits.beyond), .names = limit_beyonds},
    PLAN_REMARKS,
};

static void read_rate_limit(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan *plan = &((struct plan_reading *)member)->plan;
    size_t row = (size_t)(f - limits_rows);
    struct plan_quota q = {
        .unit = rate_limits[row].unit, .length_ns = rate_limits[row].length_ns, .label = f->name};
    json_u64(s, 1, (uint64_t)PLAN_COUNT_MAX, &q.amount);
    if (q.unit == QUOTA_REQUESTS)
        q.amount *= PLAN_MICRO;
    add_quota(&plan->rate_limits, &plan->rate_limit_count, q);
}

static void init_limits(void *reading)
{
    struct plan_reading *r = reading;
    r->limit_alignment = WINDOW_CALENDAR;
    r->plan.limits.beyond = BEYOND_QUEUE;
}

static void check_limits(struct json_scan *s, void *reading, uint64_t seen)
{
    struct plan_reading *r = reading;
    (void)s;
    (void)seen;
    for (size_t i = 0; i < r->plan.rate_limit_count; i++) {
        struct plan_quota *q = &r->plan.rate_limits[i];
        if (q->pooled) /* of provisioned units */
            continue;
        q->alignment = r->limit_alignment;
        q->beyond = r->plan.limits.beyond;
    }
}

static const struct json_table limits_table = {JSON_ROWS(limits_rows), .name = plan_read_name,
                                               .init = init_limits, .check = check_limits};

/* ---- what is billed for attempts that did not complete ---- */

static const char *const billed_names[] = {"none", "input", "delivered", "full", NULL};
static const char *const retried_names[] = {"final", "each", NULL};

/* "429", "5xx" or "default" */
static void read_status(struct json_scan *s, struct text key, struct plan_billing *b)
{
    uint64_t from = 0, to = 0;
    int what = 0;
    bool other = text_equal(key, "default");
    if (!other && key.length == 3 && key.at[1] == 'x' && key.at[2] == 'x' && key.at[0] >= '1' &&
        key.at[0] <= '5') {
        from = (uint64_t)(key.at[0] - '0') * 100;
        to = from + 99;
    } else if (!other) {
        if (!text_to_u64(key, &from) || from < 100 || from > 599)
            json_fail(s, "expected an HTTP status such as \"429\", \"5xx\" or \"default\"");
        to = from;
    }
    json_choice(s, billed_names, NULL, &what);
    if (other) {
        b->failed = (enum billed)what;
        return;
    }
    b->statuses = mem_resize(b->statuses, b->status_count + 1, sizeof *b->statuses);
    b->statuses[b->status_count++] = (struct billed_status){(int)from, (int)to, (enum billed)what};
}

static void read_failed(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan_billing *b = plan_owner(f, member);
    struct text key;
    int what = 0;
    if (json_peek(s) != JSON_OBJECT) {
        json_choice(s, f->names, NULL, &what);
        b->failed = (enum billed)what;
        return;
    }
    json_object_begin(s);
    while (json_object_next(s, &key))
        read_status(s, key, b);
}

#define BILLED(member) JSON_AT(struct plan_billing, member)
static const struct json_field billed_rows[] = {
    {"failed", JSON_AS_OTHER, BILLED(failed), .names = billed_names, .read = read_failed},
    {"aborted", JSON_AS_CHOICE, BILLED(aborted), .names = billed_names},
    {"retried", JSON_AS_CHOICE, BILLED(retried_each), .names = retried_names},
    PLAN_REMARKS,
};
static const struct json_table billed_table = {JSON_ROWS(billed_rows), .name = plan_read_name};

/* ---- rounding ---- */

static const char *const mode_names[] = {"half_even", "half_up", "up", "down", NULL};
static const char *const scope_names[] = {"class", "request", "bill", NULL};

/* Without a scope nothing is rounded: that has no name. */
static void read_scope(struct json_scan *s, const struct json_field *f, void *member)
{
    int scope = 0;
    if (json_choice(s, f->names, NULL, &scope))
        *(enum rounding_scope *)member = (enum rounding_scope)(scope + ROUND_CLASSES);
}

#define ROUNDING(member) JSON_AT(struct plan_rounding, member)
static const struct json_field rounding_rows[] = {
    {"to", PLAN_PRICE(ROUNDING(unit)), .required = true},
    {"mode", JSON_AS_CHOICE, ROUNDING(mode), .names = mode_names},
    {"on", JSON_AS_CHOICE, ROUNDING(scope), .names = scope_names, .read = read_scope},
    PLAN_REMARKS,
};

#define NEEDS_UNIT "\"rounding\" needs \"to\": the smallest amount billed, above 0"

static void init_rounding(void *rounding)
{
    ((struct plan_rounding *)rounding)->mode = ROUND_HALF_EVEN;
    ((struct plan_rounding *)rounding)->scope = ROUND_REQUESTS;
}

static void check_rounding(struct json_scan *s, void *rounding, uint64_t seen)
{
    (void)seen;
    if (((const struct plan_rounding *)rounding)->unit <= 0)
        json_fail(s, NEEDS_UNIT);
}

static const struct json_table rounding_table = {JSON_ROWS(rounding_rows), .name = plan_read_name,
                                                 .needs = NEEDS_UNIT, .init = init_rounding,
                                                 .check = check_rounding};

/* ---- fees of a bill ---- */

#define FEES(member) JSON_AT(struct plan_fees, member)
static const struct json_field credit_fee_rows[] = {
    {"percent", PLAN_PERCENT(FEES(credit_fee_millionths))},
    {"minimum", PLAN_PRICE(FEES(credit_fee_minimum))},
    {"top_up", PLAN_PRICE(FEES(credit_top_up))},
    {"bonus_percent", PLAN_PERCENT(FEES(credit_bonus_millionths))},
    PLAN_REMARKS,
};
static const struct json_table credit_fee_table = {JSON_ROWS(credit_fee_rows),
                                                   .name = plan_read_name};

static const struct json_field minimum_rows[] = {
    {"usd", PLAN_PRICE(FEES(minimum)), .required = true},
    {"per", PLAN_PERIOD(FEES(minimum_period_ns))},
    PLAN_REMARKS,
};

#define NEEDS_USD "\"minimum\" needs \"usd\", above 0"

static void check_minimum(struct json_scan *s, void *fees, uint64_t seen)
{
    (void)seen;
    if (((const struct plan_fees *)fees)->minimum <= 0)
        json_fail(s, NEEDS_USD);
}

static const struct json_table minimum_table = {JSON_ROWS(minimum_rows), .name = plan_read_name,
                                                .needs = NEEDS_USD, .check = check_minimum};

/* ---- all of them ---- */

static const char *const charged_names[] = {"request", "turn", "session", NULL};

static const struct json_field terms_rows[] = {
    {"subscription", JSON_AS_OTHER, PLAN(subscription), .table = &subscription_table,
     .read = read_subscription},
    {"free", JSON_AS_OTHER, .table = &free_table, .read = read_quotas},
    {"limits", JSON_AS_OBJECT, .table = &limits_table},
    {"provisioned", JSON_AS_OTHER, PLAN(provisioned), .table = &provisioned_table,
     .read = read_provisioned},
    {"charged_per", JSON_AS_CHOICE, PLAN(charged), .names = charged_names},
    {"billed", JSON_AS_OBJECT, PLAN(billed), .table = &billed_table},
    {"rounding", JSON_AS_OBJECT, PLAN(rounding), .table = &rounding_table},
    {"credit_fee", JSON_AS_OBJECT, PLAN(fees), .table = &credit_fee_table},
    {"minimum_per_request", PLAN_PRICE(PLAN(fees.minimum_per_request))},
    {"minimum", JSON_AS_OBJECT, PLAN(fees), .table = &minimum_table},
    {"volume", JSON_AS_OTHER, PLAN(fees), .table = &plan_volume_table, .read = plan_read_volumes},
};
const struct json_table plan_terms_table = {JSON_ROWS(terms_rows)};
