/* Terms other than prices: subscription, quotas, limits, provisioned units, fees, billing of what
 * did not complete. */
#include "sim/cost/book/plan_read.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const alignments[] = {"calendar", "rolling", "anchored", NULL};
static const char *const beyonds[] = {"queue", "reject", "pay", NULL};

static void add_quota(struct plan_quota **list, size_t *count, struct plan_quota quota)
{
    *list = mem_resize(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = quota;
}

static bool read_amount(struct json_scan *s, struct text key, struct plan_quota *q)
{
    static const struct {
        const char *key;
        enum plan_unit unit;
    } units[] = {{"requests", QUOTA_REQUESTS},
                 {"tokens", QUOTA_TOKENS},
                 {"input_tokens", QUOTA_INPUT_TOKENS},
                 {"output_tokens", QUOTA_OUTPUT_TOKENS},
                 {"usd", QUOTA_USD}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!text_equal(key, units[i].key))
            continue;
        if (q->label)
            json_fail(s, "one entry includes one thing; use a list for several");
        q->label = units[i].key;
        q->unit = units[i].unit;
        if (q->unit == QUOTA_USD)
            plan_read_price(s, MONEY_PER_ONE, &q->usd);
        else
            json_u64(s, 0, UINT64_C(1000000000000), &q->amount);
        if (q->unit == QUOTA_REQUESTS)
            q->amount *= PLAN_MICRO;
        return true;
    }
    return false;
}

/* {"requests": 1000, "per": "day", "window": "rolling", "beyond": "pay"} */
static void read_quota(struct json_scan *s, struct plan_quota *q, const char *where)
{
    static const char *const keys[] = {"requests",      "tokens", "input_tokens",
                                       "output_tokens", "usd",    "per",
                                       "window",        "beyond", NULL};
    struct text key;
    bool has_per = false;
    int choice = 0;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "per")) {
            has_per = true;
            plan_read_length(s, true, &q->length_ns);
        } else if (text_equal(key, "window")) {
            plan_read_choice(s, alignments, &choice);
            q->alignment = (enum plan_alignment)choice;
        } else if (text_equal(key, "beyond")) {
            int beyond = (int)q->beyond;
            plan_read_choice(s, beyonds, &beyond);
            q->beyond = (enum plan_beyond)beyond;
        } else if (!read_amount(s, key, q) && !plan_skip_remark(s, key)) {
            json_unknown_key(s, key, keys, where);
        }
    }
    if (!q->label)
        plan_fail_at(s, place, "%s needs an amount: \"requests\", \"tokens\" or \"usd\"", where);
    if (!has_per)
        plan_fail_at(s, place, "%s needs \"per\": the window that it refills in, such as \"day\"",
                     where);
    if (q->unit == QUOTA_USD && q->beyond != BEYOND_PAY)
        plan_fail_at(s, place, "an amount of \"usd\" needs \"beyond\": \"pay\"");
}

static void read_quotas(struct json_scan *s, struct plan *plan, enum plan_beyond beyond,
                        const char *where)
{
    bool list = json_peek(s) == JSON_ARRAY;
    if (list)
        json_array_begin(s);
    while (!list || json_array_next(s)) {
        struct plan_quota q = {.beyond = beyond};
        read_quota(s, &q, where);
        add_quota(&plan->quotas, &plan->quota_count, q);
        if (!list)
            return;
    }
}

void plan_read_subscription(struct json_scan *s, struct plan *plan, const char *where)
{
    static const char *const keys[] = {"price", "period", "seats", "includes", "beyond", NULL};
    struct plan_subscription *sub = &plan->subscription;
    char includes_where[PLAN_WHERE_SIZE];
    snprintf(includes_where, sizeof includes_where, "\"includes\" of %.100s", where);
    struct text key;
    bool has_price = false, has_period = false;
    int beyond = -1;
    *sub = (struct plan_subscription){.present = true, .seats = 1};
    size_t first = plan->quota_count;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "price"))
            has_price = true, plan_read_price(s, MONEY_PER_ONE, &sub->price);
        else if (text_equal(key, "period"))
            has_period = true, plan_read_length(s, false, &sub->period_ns);
        else if (text_equal(key, "seats"))
            json_u64(s, 1, 1000000, &sub->seats);
        else if (text_equal(key, "includes"))
            read_quotas(s, plan, BEYOND_PAY, includes_where);
        else if (text_equal(key, "beyond"))
            plan_read_choice(s, beyonds, &beyond);
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, where);
    }
    if (!has_price || !has_period)
        plan_fail_at(s, place, "a subscription needs \"price\" and \"period\"");
    for (size_t i = first; i < plan->quota_count; i++) {
        struct plan_quota *q = &plan->quotas[i];
        if (beyond >= 0 && q->unit != QUOTA_USD)
            q->beyond = (enum plan_beyond)beyond;
        q->amount *= sub->seats;
        if (q->unit == QUOTA_USD && money_multiply(q->usd, sub->seats, &q->usd) < 0)
            plan_fail_at(s, place, "the included amount times \"seats\" is too large");
    }
}

/* A free allowance is a quota beyond which one pays. */
void plan_read_free(struct json_scan *s, struct plan *plan, const char *where)
{
    char free_where[PLAN_WHERE_SIZE];
    snprintf(free_where, sizeof free_where, "\"free\" of %.100s", where);
    read_quotas(s, plan, BEYOND_PAY, free_where);
}

void plan_read_provisioned(struct json_scan *s, struct plan *plan, const char *where)
{
    static const char *const keys[] = {"unit",   "price", "per", "units", "tokens_per_minute",
                                       "beyond", NULL};
    struct plan_provisioned *p = &plan->provisioned;
    struct text key;
    bool has_price = false;
    int beyond = BEYOND_REJECT;
    p->present = true;
    p->units = 1;
    p->period_ns = 3600 * NS_PER_S;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "unit"))
            plan_read_text(s, &p->unit);
        else if (text_equal(key, "price"))
            has_price = true, plan_read_price(s, MONEY_PER_ONE, &p->price);
        else if (text_equal(key, "per"))
            plan_read_length(s, false, &p->period_ns);
        else if (text_equal(key, "units"))
            p->units_given = true, json_u64(s, 1, 1000000, &p->units);
        else if (text_equal(key, "tokens_per_minute"))
            json_u64(s, 1, UINT64_C(1000000000000), &p->tokens_per_minute);
        else if (text_equal(key, "beyond"))
            plan_read_choice(s, beyonds, &beyond);
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, where);
    }
    if (!has_price)
        plan_fail_at(s, place, "\"provisioned\" needs \"price\" (of one unit per \"per\")");
    if (p->tokens_per_minute == 0)
        return;
    struct plan_quota q = {.unit = QUOTA_TOKENS,
                           .amount = p->tokens_per_minute * p->units,
                           .length_ns = 60 * NS_PER_S,
                           .alignment = WINDOW_ROLLING,
                           .beyond = (enum plan_beyond)beyond,
                           .pooled = true,
                           .label = "provisioned"};
    if (q.beyond == BEYOND_PAY)
        add_quota(&plan->quotas, &plan->quota_count, q);
    else
        add_quota(&plan->rate_limits, &plan->rate_limit_count, q);
}

static const struct rate_key {
    const char *key;
    enum plan_unit unit;
    int64_t length_ns;
} rate_keys[] = {
    {"rpm", QUOTA_REQUESTS, 60 * NS_PER_S},
    {"rph", QUOTA_REQUESTS, 3600 * NS_PER_S},
    {"rpd", QUOTA_REQUESTS, 86400 * NS_PER_S},
    {"tpm", QUOTA_TOKENS, 60 * NS_PER_S},
    {"tpd", QUOTA_TOKENS, 86400 * NS_PER_S},
    {"input_tpm", QUOTA_INPUT_TOKENS, 60 * NS_PER_S},
    {"output_tpm", QUOTA_OUTPUT_TOKENS, 60 * NS_PER_S},
};

static bool read_rate_limit(struct json_scan *s, struct text key, struct plan *plan)
{
    for (size_t i = 0; i < sizeof rate_keys / sizeof rate_keys[0]; i++) {
        const struct rate_key *k = &rate_keys[i];
        if (!text_equal(key, k->key))
            continue;
        struct plan_quota q = {.unit = k->unit, .length_ns = k->length_ns, .label = k->key};
        json_u64(s, 1, UINT64_C(1000000000000), &q.amount);
        if (q.unit == QUOTA_REQUESTS)
            q.amount *= PLAN_MICRO;
        add_quota(&plan->rate_limits, &plan->rate_limit_count, q);
        return true;
    }
    return false;
}

static bool read_cap(struct json_scan *s, struct text key, struct plan *plan, const char *where)
{
    struct plan_limits *l = &plan->limits;
    if (text_equal(key, "concurrency"))
        json_u64(s, 1, 1000000, &l->concurrency);
    else if (text_equal(key, "concurrency_units"))
        plan_read_weights(s, &l->units, &l->unit_count, where);
    else if (text_equal(key, "max_input_tokens"))
        json_u64(s, 1, UINT32_MAX, &l->max_input_tokens);
    else if (text_equal(key, "max_output_tokens"))
        json_u64(s, 1, UINT32_MAX, &l->max_output_tokens);
    else if (text_equal(key, "max_total_tokens"))
        json_u64(s, 1, UINT32_MAX, &l->max_total_tokens);
    else if (text_equal(key, "unconfirmed"))
        json_bool(s, &l->unconfirmed);
    else
        return false;
    return true;
}

void plan_read_limits(struct json_scan *s, struct plan *plan, const char *where)
{
    static const char *const keys[] = {"rpm",
                                       "rph",
                                       "rpd",
                                       "tpm",
                                       "tpd",
                                       "input_tpm",
                                       "output_tpm",
                                       "concurrency",
                                       "concurrency_units",
                                       "max_input_tokens",
                                       "max_output_tokens",
                                       "max_total_tokens",
                                       "unconfirmed",
                                       "window",
                                       "beyond",
                                       NULL};
    struct text key;
    int alignment = 0, beyond = 0;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "window"))
            plan_read_choice(s, alignments, &alignment);
        else if (text_equal(key, "beyond"))
            plan_read_choice(s, (const char *const[]){"queue", "reject", NULL}, &beyond);
        else if (!read_rate_limit(s, key, plan) && !read_cap(s, key, plan, where) &&
                 !plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, where);
    }
    plan->limits.beyond = (enum plan_beyond)beyond;
    for (size_t i = 0; i < plan->rate_limit_count; i++) {
        if (plan->rate_limits[i].pooled) /* of provisioned units */
            continue;
        plan->rate_limits[i].alignment = (enum plan_alignment)alignment;
        plan->rate_limits[i].beyond = (enum plan_beyond)beyond;
    }
}

static const char *const billed_names[] = {"none", "input", "delivered", "full", NULL};

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
    plan_read_choice(s, billed_names, &what);
    if (other) {
        b->failed = (enum billed)what;
        return;
    }
    b->statuses = mem_resize(b->statuses, b->status_count + 1, sizeof *b->statuses);
    b->statuses[b->status_count++] = (struct billed_status){(int)from, (int)to, (enum billed)what};
}

void plan_read_billed(struct json_scan *s, struct plan *plan, const char *where)
{
    static const char *const keys[] = {"failed", "aborted", "retried", NULL};
    struct plan_billing *b = &plan->billed;
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        int choice = 0;
        if (text_equal(key, "failed") && json_peek(s) == JSON_OBJECT) {
            json_object_begin(s);
            while (json_object_next(s, &key))
                read_status(s, key, b);
        } else if (text_equal(key, "failed")) {
            plan_read_choice(s, billed_names, &choice);
            b->failed = (enum billed)choice;
        } else if (text_equal(key, "aborted")) {
            plan_read_choice(s, billed_names, &choice);
            b->aborted = (enum billed)choice;
        } else if (text_equal(key, "retried")) {
            plan_read_choice(s, (const char *const[]){"final", "each", NULL}, &choice);
            b->retried_each = choice == 1;
        } else if (!plan_skip_remark(s, key)) {
            json_unknown_key(s, key, keys, where);
        }
    }
}

void plan_read_rounding(struct json_scan *s, struct plan *plan, const char *where)
{
    static const char *const keys[] = {"to", "mode", "on", NULL};
    struct plan_rounding *r = &plan->rounding;
    int mode = ROUND_HALF_EVEN, scope = 1;
    struct text key;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "to"))
            plan_read_price(s, MONEY_PER_ONE, &r->unit);
        else if (text_equal(key, "mode"))
            plan_read_choice(s, (const char *const[]){"half_even", "half_up", "up", "down", NULL},
                             &mode);
        else if (text_equal(key, "on"))
            plan_read_choice(s, (const char *const[]){"class", "request", "bill", NULL}, &scope);
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, where);
    }
    if (r->unit <= 0)
        plan_fail_at(s, place, "\"rounding\" needs \"to\": the smallest amount billed, above 0");
    r->mode = (enum rounding_mode)mode;
    r->scope = (enum rounding_scope)(scope + 1);
}

void plan_read_credit_fee(struct json_scan *s, struct plan *plan, const char *where)
{
    static const char *const keys[] = {"percent", "minimum", "top_up", NULL};
    struct plan_fees *f = &plan->fees;
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "percent"))
            plan_read_percent(s, &f->credit_fee_millionths);
        else if (text_equal(key, "minimum"))
            plan_read_price(s, MONEY_PER_ONE, &f->credit_fee_minimum);
        else if (text_equal(key, "top_up"))
            plan_read_price(s, MONEY_PER_ONE, &f->credit_top_up);
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, where);
    }
}

void plan_read_minimum(struct json_scan *s, struct plan *plan, const char *where)
{
    static const char *const keys[] = {"usd", "per", NULL};
    struct plan_fees *f = &plan->fees;
    struct text key;
    f->minimum_period_ns = 30 * 86400 * NS_PER_S;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "usd"))
            plan_read_price(s, MONEY_PER_ONE, &f->minimum);
        else if (text_equal(key, "per") && json_peek(s) == JSON_STRING)
            plan_read_length(s, false, &f->minimum_period_ns);
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, where);
    }
    if (f->minimum <= 0)
        plan_fail_at(s, place, "\"minimum\" needs \"usd\", above 0");
}

static void read_volume_step(struct json_scan *s, struct plan_fees *f)
{
    static const char *const keys[] = {"over_usd", "off_percent", NULL};
    struct volume_step step = {0};
    struct text key;
    json_object_begin(s);
    const char *place = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "over_usd"))
            plan_read_price(s, MONEY_PER_ONE, &step.over);
        else if (text_equal(key, "off_percent"))
            plan_read_percent(s, &step.off_millionths);
        else if (!plan_skip_remark(s, key))
            json_unknown_key(s, key, keys, "a step of \"volume\"");
    }
    if (f->volume_count > 0 && f->volume[f->volume_count - 1].over >= step.over)
        plan_fail_at(s, place, "steps of \"volume\" must rise");
    f->volume = mem_resize(f->volume, f->volume_count + 1, sizeof *f->volume);
    f->volume[f->volume_count++] = step;
}

void plan_read_volume(struct json_scan *s, struct plan *plan, const char *where)
{
    static const char *const keys[] = {"per", "steps", NULL};
    struct plan_fees *f = &plan->fees;
    struct text key;
    f->volume_period_ns = 30 * 86400 * NS_PER_S;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "per")) {
            plan_read_length(s, false, &f->volume_period_ns);
        } else if (text_equal(key, "steps")) {
            json_array_begin(s);
            while (json_array_next(s))
                read_volume_step(s, f);
        } else if (!plan_skip_remark(s, key)) {
            json_unknown_key(s, key, keys, where);
        }
    }
}
