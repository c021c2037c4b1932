/* FOCUS rows as text: what stands in each column. */
#include "core/json/json_scan.h"
#include "sim/cost/focus/focus.h"
#include "sim/cost/focus/focus_rows.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What a row of a kind is; NULL: null. */
struct kind {
    const char *category, *frequency, *meter, *unit, *description;
};

static const struct kind kinds[FOCUS_KINDS] = {
    [USAGE_UNCACHED_INPUT] = {"Usage", "Usage-Based", "Input Tokens", "Tokens", "input tokens"},
    [USAGE_CACHED_INPUT] = {"Usage", "Usage-Based", "Cached Input Tokens", "Tokens",
                            "input tokens read from a cache"},
    [USAGE_CACHE_WRITE] = {"Usage", "Usage-Based", "Cache Write Tokens", "Tokens",
                           "input tokens written to a cache"},
    [USAGE_CACHE_WRITE_1H] = {"Usage", "Usage-Based", "One Hour Cache Write Tokens", "Tokens",
                              "input tokens written to a cache for an hour"},
    [USAGE_OUTPUT] = {"Usage", "Usage-Based", "Output Tokens", "Tokens", "output tokens"},
    [USAGE_REASONING] = {"Usage", "Usage-Based", "Reasoning Tokens", "Tokens", "reasoning tokens"},
    [USAGE_IMAGE_INPUT] = {"Usage", "Usage-Based", "Image Input Tokens", "Tokens",
                           "input tokens of images"},
    [USAGE_AUDIO_INPUT] = {"Usage", "Usage-Based", "Audio Input Tokens", "Tokens",
                           "input tokens of sound"},
    [USAGE_VIDEO_INPUT] = {"Usage", "Usage-Based", "Video Input Tokens", "Tokens",
                           "input tokens of video"},
    [USAGE_CACHED_IMAGE_INPUT] = {"Usage", "Usage-Based", "Cached Image Input Tokens", "Tokens",
                                  "input tokens of images read from a cache"},
    [USAGE_CACHED_AUDIO_INPUT] = {"Usage", "Usage-Based", "Cached Audio Input Tokens", "Tokens",
                                  "input tokens of sound read from a cache"},
    [USAGE_IMAGE_OUTPUT] = {"Usage", "Usage-Based", "Image Output Tokens", "Tokens",
                            "output tokens of images"},
    [USAGE_AUDIO_OUTPUT] = {"Usage", "Usage-Based", "Audio Output Tokens", "Tokens",
                            "output tokens of sound"},
    [FOCUS_REQUEST] = {"Usage", "Usage-Based", "Requests", "Requests", "requests"},
    [FOCUS_TOOL] = {"Usage", "Usage-Based", "Tool Calls", "Calls", "calls of"},
    [FOCUS_UNIT] = {"Usage", "Usage-Based", "Units", "Units", "units of"},
    [FOCUS_RETRIES] = {"Usage", "Usage-Based", "Retried Attempts", "USD",
                       "attempts before the last"},
    [FOCUS_FREE] = {"Usage", "Usage-Based", "Free Requests", "Requests",
                    "requests that cost nothing"},
    [FOCUS_USED] = {"Usage", "Usage-Based", "Included Usage", NULL, "included usage"},
    [FOCUS_UNUSED] = {"Usage", "Recurring", "Included Usage", NULL,
                      "the unused part of the subscription"},
    [FOCUS_SUBSCRIPTION] = {"Purchase", "Recurring", "Subscription", NULL, "the subscription"},
    [FOCUS_SETUP] = {"Purchase", "One-Time", "Setup", "Setups", "the set-up fee"},
    [FOCUS_INCLUDED] = {"Credit", "Recurring", NULL, NULL, "included credit"},
    [FOCUS_VOLUME] = {"Credit", "Recurring", NULL, NULL, "volume discount"},
    [FOCUS_CREDIT_FEE] = {"Purchase", "One-Time", "Credit Fee", "Fees", "the fee on credits"},
    [FOCUS_MINIMUM] = {"Purchase", "Recurring", "Minimum Spend", "Fees",
                       "what the minimum spend adds"},
    [FOCUS_ROUNDING] = {"Adjustment", "Usage-Based", NULL, NULL,
                        "rounding and minimum of single requests"},
    [FOCUS_ROUNDED] = {"Adjustment", "One-Time", NULL, NULL, "rounding of the bill"},
};

/* A row on its way into the file. */
struct cells {
    const struct focus_rows *f;
    const struct focus_options *o;
    const struct focus_row *r;
    struct kind kind;
    const char *plan, *seller; /* the seller's name, or what stands before the plan's slash */
    char seller_text[128];
    const char *model; /* NULL */
};

/* ---- single cells; each gives false for null ---- */

static bool put_money(money value, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE];
    money_format(value, text);
    buffer_add_text(out, text);
    if (!strchr(text, '.')) /* a column of whole numbers is taken for one of integers */
        buffer_add_text(out, ".0");
    return true;
}

static bool put_text(const char *text, struct buffer *out)
{
    if (text)
        buffer_add_text(out, text);
    return text && *text;
}

/* FOCUS has whole seconds. */
static bool put_instant(int64_t unix_ns, struct buffer *out)
{
    char text[CLOCK_INSTANT_SIZE];
    clock_format_instant(clock_floor(unix_ns, NS_PER_S), text);
    return put_text(text, out);
}

/* The calendar month of the charge's beginning, or the one after it. */
static bool put_month(int64_t unix_ns, int later, struct buffer *out)
{
    const int64_t day_ns = 86400 * NS_PER_S;
    int64_t days = unix_ns / day_ns - (unix_ns % day_ns < 0), year;
    int month, day;
    clock_civil_from_days(days, &year, &month, &day);
    int64_t number = year * 12 + month - 1 + later;
    return put_instant(clock_days_from_civil(number / 12, (int)(number % 12) + 1, 1) * day_ns, out);
}

static bool is_priced(const struct cells *c)
{
    return strcmp(c->kind.category, "Usage") == 0 || strcmp(c->kind.category, "Purchase") == 0;
}

static bool is_consumed(const struct cells *c)
{
    return strcmp(c->kind.category, "Usage") == 0 && c->r->kind != FOCUS_UNUSED;
}

static bool is_committed(const struct cells *c)
{
    return c->r->kind == FOCUS_USED || c->r->kind == FOCUS_UNUSED ||
           c->r->kind == FOCUS_SUBSCRIPTION;
}

/* Words with capitals: "input tokens" as "Input Tokens". */
static void capitalise(char *text)
{
    bool first = true;
    for (; *text; text++) {
        if (first)
            *text = (char)toupper((unsigned char)*text);
        first = *text == ' ';
    }
}

static bool put_meter_unit(const struct cells *c, struct buffer *out)
{
    const struct ledger *l = &c->f->ledger;
    const char *words = meter_words(&l->meter, l->p->plan);
    put_text(words, out);
    if (strcmp(words, "USD") != 0)
        capitalise(out->data);
    return true;
}

/* "H100", of letters and digits only, as units are; else "Unit". */
static const char *unit_word(const char *unit)
{
    for (const char *at = unit; at && *at; at++)
        if (!isalnum((unsigned char)*at))
            return "Unit";
    return unit && isalpha((unsigned char)*unit) ? unit : "Unit";
}

/* What one of a purchase is: "Subscription-Months", "H100-Hours". */
static void put_purchase_unit(const struct cells *c, struct buffer *out)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } periods[] = {{60, "Minutes"},
                   {3600, "Hours"},
                   {86400, "Days"},
                   {30 * 86400, "Months"},
                   {365 * 86400, "Years"}};
    const struct plan *plan = c->f->p->plan;
    const char *what =
        plan->subscription.present ? "Subscription" : unit_word(plan->provisioned.unit);
    int64_t period = plan_period_ns(plan);
    buffer_add_text(out, what);
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++)
        if (period == periods[i].seconds * NS_PER_S)
            buffer_add_format(out, "-%s", periods[i].name);
}

static bool put_pricing_unit(const struct cells *c, enum focus_column column, struct buffer *out)
{
    (void)column;
    if (c->r->kind == FOCUS_USED || c->r->kind == FOCUS_UNUSED)
        return put_meter_unit(c, out);
    if (c->r->kind == FOCUS_SUBSCRIPTION) {
        put_purchase_unit(c, out);
        return true;
    }
    return put_text(is_priced(c) ? c->kind.unit : NULL, out);
}

static bool put_consumed_unit(const struct cells *c, enum focus_column column, struct buffer *out)
{
    if (!is_consumed(c))
        return false;
    return c->r->kind == FOCUS_RETRIES ? put_text("Requests", out)
                                       : put_pricing_unit(c, column, out);
}

/* What is bought, the same at every price: plan, model, meter. */
static bool put_sku(const struct cells *c, enum focus_column column, struct buffer *out)
{
    (void)column;
    if (!is_priced(c))
        return false;
    buffer_add_format(out, "%s/%s/%s%s%s", c->plan, c->model ? c->model : "*", c->kind.meter,
                      c->r->name ? " " : "", c->r->name ? c->r->name : "");
    return true;
}

static const char *service_of(const struct cells *c)
{
    return workload_service_name(c->f->bill->workload, c->r->service);
}

static bool put_sku_price(const struct cells *c, enum focus_column column, struct buffer *out)
{
    char price[MONEY_TEXT_SIZE];
    if (!put_sku(c, column, out))
        return false;
    money_format(c->r->price, price);
    buffer_add_format(out, "/%s@%s", service_of(c), price);
    return true;
}

static bool put_sku_meter(const struct cells *c, enum focus_column column, struct buffer *out)
{
    (void)column;
    if (!is_priced(c))
        return false;
    buffer_add_format(out, "%s%s%s", c->kind.meter, c->r->name ? " " : "",
                      c->r->name ? c->r->name : "");
    return true;
}

static bool put_description(const struct cells *c, enum focus_column column, struct buffer *out)
{
    (void)column;
    bool service = c->r->service != SERVICE_STANDARD;
    buffer_add_format(out, "%s: %s%s%s%s%s%s%s", c->plan, c->kind.description,
                      c->r->name ? " " : "", c->r->name ? c->r->name : "", c->model ? " of " : "",
                      c->model ? c->model : "", service ? ", " : "", service ? service_of(c) : "");
    return true;
}

static bool put_details(const struct cells *c, enum focus_column column, struct buffer *out)
{
    (void)column;
    struct json_writer w;
    if (!is_priced(c) || (!c->model && c->r->service == SERVICE_STANDARD))
        return false;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    if (c->model)
        json_pair_string(&w, "x_Model", c->model);
    json_pair_string(&w, "x_Service", service_of(c));
    json_end_object(&w);
    return true;
}

static bool put_sub_account(const struct cells *c, enum focus_column column, struct buffer *out)
{
    (void)column;
    const char *labels = names_text(&c->f->bill->workload->label_sets, c->r->labels);
    struct text value;
    return c->o->sub_account && labels && json_member(labels, c->o->sub_account, &value) &&
           value.length > 0 && json_unescape(value, out);
}

static const char *or_else(const char *given, const char *fallback)
{
    return given && *given ? given : fallback;
}

static const char *account_of(const struct cells *c)
{
    return or_else(c->o->account, or_else(c->f->bill->workload->name, "workload"));
}

static bool put_commitment(const struct cells *c, enum focus_column column, struct buffer *out)
{
    bool provisioned = !c->f->p->plan->subscription.present;
    if (!is_committed(c))
        return false;
    switch (column) {
    case FOCUS_COMMITMENT_CATEGORY:
        return put_text(c->f->ledger.meter.kind == METER_USD ? "Spend" : "Usage", out);
    case FOCUS_COMMITMENT_QUANTITY:
        return put_money(ledger_quantity(&c->f->ledger, c->r->metered), out);
    case FOCUS_COMMITMENT_STATUS:
        return put_text(c->r->kind == FOCUS_USED     ? "Used"
                        : c->r->kind == FOCUS_UNUSED ? "Unused"
                                                     : NULL,
                        out);
    case FOCUS_COMMITMENT_TYPE:
        return put_text(provisioned ? "Provisioned Capacity" : "Subscription", out);
    case FOCUS_COMMITMENT_UNIT:
        return put_meter_unit(c, out);
    default:
        return put_text(c->plan, out);
    }
}

/* Commitments are resources of their own; usage is of none. */
static bool put_resource(const struct cells *c, enum focus_column column, struct buffer *out)
{
    if (c->r->kind != FOCUS_UNUSED && c->r->kind != FOCUS_SUBSCRIPTION)
        return false;
    return put_commitment(
        c, column == FOCUS_RESOURCE_TYPE ? FOCUS_COMMITMENT_TYPE : FOCUS_COMMITMENT_ID, out);
}

static bool put_cost(const struct cells *c, enum focus_column column, struct buffer *out)
{
    const struct focus_row *r = c->r;
    return put_money(column == FOCUS_BILLED_COST ? r->billed
                     : column == FOCUS_EFFECTIVE_COST || column == FOCUS_PRICING_CURRENCY_EFFECTIVE
                         ? r->effective
                         : r->list,
                     out);
}

static bool put_period(const struct cells *c, enum focus_column column, struct buffer *out)
{
    switch (column) {
    case FOCUS_BILLING_PERIOD_START:
        return put_month(c->r->begin_ns, 0, out);
    case FOCUS_BILLING_PERIOD_END:
        return put_month(c->r->begin_ns, 1, out);
    case FOCUS_CHARGE_PERIOD_START:
        return put_instant(c->r->begin_ns, out);
    default:
        return put_instant(c->r->end_ns, out);
    }
}

static bool put_pricing(const struct cells *c, enum focus_column column, struct buffer *out)
{
    const struct focus_row *r = c->r;
    if (!is_priced(c))
        return false;
    if (column == FOCUS_PRICING_QUANTITY)
        return put_money(r->quantity, out);
    if (column == FOCUS_PRICING_CATEGORY)
        return put_text(r->kind == FOCUS_USED || r->kind == FOCUS_UNUSED ? "Committed" : "Standard",
                        out);
    return put_money(r->price, out);
}

static bool put_names(const struct cells *c, enum focus_column column, struct buffer *out)
{
    const struct focus_options *o = c->o;
    switch (column) {
    case FOCUS_BILLING_ACCOUNT_ID:
        return put_text(account_of(c), out);
    case FOCUS_BILLING_ACCOUNT_NAME:
        return put_text(o->account_name, out);
    case FOCUS_INVOICE_ID:
        return put_text(o->invoice, out);
    case FOCUS_INVOICE_ISSUER:
        return put_text(or_else(o->issuer, or_else(o->provider, c->seller)), out);
    case FOCUS_PROVIDER:
        return put_text(or_else(o->provider, c->seller), out);
    case FOCUS_PUBLISHER:
        return put_text(or_else(o->publisher, or_else(o->provider, c->seller)), out);
    default:
        return put_text(or_else(o->service, c->plan), out);
    }
}

static bool put_count(const struct cells *c, enum focus_column column, struct buffer *out)
{
    uint64_t n = column == FOCUS_X_REQUESTS       ? c->r->requests
                 : column == FOCUS_X_INPUT_TOKENS ? c->r->input_tokens
                                                  : c->r->output_tokens;
    buffer_add_format(out, "%llu", (unsigned long long)n);
    return c->r->counts;
}

static bool put_constant(const struct cells *c, enum focus_column column, struct buffer *out)
{
    switch (column) {
    case FOCUS_BILLING_CURRENCY:
    case FOCUS_PRICING_CURRENCY:
        return put_text("USD", out);
    case FOCUS_CHARGE_CATEGORY:
        return put_text(c->kind.category, out);
    case FOCUS_CHARGE_FREQUENCY:
        return put_text(c->kind.frequency, out);
    case FOCUS_SERVICE_CATEGORY:
        return put_text("AI and Machine Learning", out);
    case FOCUS_SERVICE_SUBCATEGORY:
        return put_text("Generative AI", out);
    default:
        return put_text(c->model, out);
    }
}

/* Values of FOCUS's pairs are no objects or lists: such a label is its text as a string. */
static void put_tag(struct json_scan *scan, struct json_writer *w)
{
    enum json_kind kind = json_peek(scan);
    struct text raw;
    if (!json_skip(scan, &raw))
        return;
    if (kind == JSON_OBJECT || kind == JSON_ARRAY)
        json_put_text(w, raw);
    else
        json_put_raw(w, raw);
}

static bool put_tags(const struct cells *c, enum focus_column column, struct buffer *out)
{
    const char *labels = names_text(&c->f->bill->workload->label_sets, c->r->labels);
    struct json_scan scan;
    struct json_writer w;
    struct buffer name;
    struct text key;
    (void)column;
    if (!labels)
        return false;
    json_scan_init(&scan, "labels", labels, strlen(labels), 1);
    json_write_init(&w, out, 0);
    buffer_init(&name, BUFFER_UNBOUNDED);
    json_begin_object(&w);
    json_object_begin(&scan);
    while (json_object_next(&scan, &key)) {
        if (json_unescape(key, &name))
            json_key(&w, name.data ? name.data : "");
        put_tag(&scan, &w);
        buffer_clear(&name);
    }
    json_end_object(&w);
    buffer_free(&name);
    return true;
}

static bool put_consumed(const struct cells *c, enum focus_column column, struct buffer *out)
{
    (void)column;
    return is_consumed(c) && put_money(c->r->consumed, out);
}

/* Where each column comes from; NULL: nothing of ours ever stands there. */
static bool (*const cells_of[FOCUS_COLUMNS])(const struct cells *, enum focus_column,
                                             struct buffer *) = {
    [FOCUS_BILLED_COST] = put_cost,
    [FOCUS_BILLING_ACCOUNT_ID] = put_names,
    [FOCUS_BILLING_ACCOUNT_NAME] = put_names,
    [FOCUS_BILLING_CURRENCY] = put_constant,
    [FOCUS_BILLING_PERIOD_END] = put_period,
    [FOCUS_BILLING_PERIOD_START] = put_period,
    [FOCUS_CHARGE_CATEGORY] = put_constant,
    [FOCUS_CHARGE_CLASS] = NULL, /* nothing corrects an earlier invoice */
    [FOCUS_CHARGE_DESCRIPTION] = put_description,
    [FOCUS_CHARGE_FREQUENCY] = put_constant,
    [FOCUS_CHARGE_PERIOD_END] = put_period,
    [FOCUS_CHARGE_PERIOD_START] = put_period,
    [FOCUS_COMMITMENT_CATEGORY] = put_commitment,
    [FOCUS_COMMITMENT_ID] = put_commitment,
    [FOCUS_COMMITMENT_NAME] = put_commitment,
    [FOCUS_COMMITMENT_QUANTITY] = put_commitment,
    [FOCUS_COMMITMENT_STATUS] = put_commitment,
    [FOCUS_COMMITMENT_TYPE] = put_commitment,
    [FOCUS_COMMITMENT_UNIT] = put_commitment,
    [FOCUS_CONSUMED_QUANTITY] = put_consumed,
    [FOCUS_CONSUMED_UNIT] = put_consumed_unit,
    [FOCUS_CONTRACTED_COST] = put_cost,
    [FOCUS_CONTRACTED_UNIT_PRICE] = put_pricing,
    [FOCUS_EFFECTIVE_COST] = put_cost,
    [FOCUS_INVOICE_ID] = put_names,
    [FOCUS_INVOICE_ISSUER] = put_names,
    [FOCUS_LIST_COST] = put_cost,
    [FOCUS_LIST_UNIT_PRICE] = put_pricing,
    [FOCUS_PRICING_CATEGORY] = put_pricing,
    [FOCUS_PRICING_CURRENCY] = put_constant,
    [FOCUS_PRICING_CURRENCY_CONTRACTED] = put_pricing,
    [FOCUS_PRICING_CURRENCY_EFFECTIVE] = put_cost,
    [FOCUS_PRICING_CURRENCY_LIST] = put_pricing,
    [FOCUS_PRICING_QUANTITY] = put_pricing,
    [FOCUS_PRICING_UNIT] = put_pricing_unit,
    [FOCUS_PROVIDER] = put_names,
    [FOCUS_PUBLISHER] = put_names,
    [FOCUS_RESOURCE_ID] = put_resource,
    [FOCUS_RESOURCE_NAME] = NULL, /* a commitment is called by its id */
    [FOCUS_RESOURCE_TYPE] = put_resource,
    [FOCUS_SERVICE_CATEGORY] = put_constant,
    [FOCUS_SERVICE_NAME] = put_names,
    [FOCUS_SERVICE_SUBCATEGORY] = put_constant,
    [FOCUS_SKU_ID] = put_sku,
    [FOCUS_SKU_METER] = put_sku_meter,
    [FOCUS_SKU_PRICE_DETAILS] = put_details,
    [FOCUS_SKU_PRICE_ID] = put_sku_price,
    [FOCUS_SUB_ACCOUNT_ID] = put_sub_account,
    [FOCUS_SUB_ACCOUNT_NAME] = put_sub_account,
    [FOCUS_TAGS] = put_tags,
    [FOCUS_X_INPUT_TOKENS] = put_count,
    [FOCUS_X_MODEL] = put_constant,
    [FOCUS_X_OUTPUT_TOKENS] = put_count,
    [FOCUS_X_REQUESTS] = put_count,
};

/* ---- rows ---- */

/* Amounts below zero are no formulas. */
static void put_cell(struct text cell, struct buffer *out)
{
    int64_t ignored;
    if (text_to_fixed(cell, 0, &ignored))
        csv_add_field(out, cell);
    else
        csv_add_text(out, cell);
}

/* Cells that are null stay empty. */
static void put_cells(const struct cells *c, struct buffer *cell, struct buffer *out)
{
    for (int i = 0; i < FOCUS_COLUMNS; i++) {
        if (i > 0)
            buffer_add_byte(out, ',');
        buffer_clear(cell);
        if (cells_of[i] && cells_of[i](c, (enum focus_column)i, cell))
            put_cell((struct text){cell->data, cell->length}, out);
    }
    buffer_add_byte(out, '\n');
}

static void put_row(struct cells *c, const struct focus_row *r, struct buffer *cell,
                    struct buffer *out)
{
    c->r = r;
    c->kind = kinds[r->kind];
    c->model = names_text(&c->f->bill->workload->models, r->model);
    if (r->kind == FOCUS_CREDIT_FEE && r->billed < 0) /* a bonus */
        c->kind = (struct kind){"Credit", "One-Time", NULL, NULL, "bonus credit"};
    put_cells(c, cell, out);
}

void focus_write(const struct focus_rows *f, const struct focus_options *o, struct buffer *out)
{
    const struct plan *plan = f->p->plan;
    const char *slash = strchr(plan->name, '/');
    struct cells c = {.f = f, .o = o, .plan = plan->name};
    struct buffer cell;
    snprintf(c.seller_text, sizeof c.seller_text, "%.*s",
             slash ? (int)(slash - plan->name) : (int)strlen(plan->name), plan->name);
    c.seller = plan->seller && *plan->seller ? plan->seller : c.seller_text;
    for (int i = 0; i < FOCUS_COLUMNS; i++)
        buffer_add_format(out, "%s%s", i > 0 ? "," : "", focus_column_name((enum focus_column)i));
    buffer_add_byte(out, '\n');
    buffer_init(&cell, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < f->count; i++)
        put_row(&c, &f->rows[i], &cell, out);
    buffer_free(&cell);
}
