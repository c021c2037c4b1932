#include "sim/cost/focus/focus.h"

#include <string.h>

/* FOCUS 1.2, CostAndUsage; custom columns begin with x_. */
static const char *const columns[FOCUS_COLUMNS + 1] = {
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
    "x_InputTokens",
    "x_Model",
    "x_OutputTokens",
    "x_RequestCount",
    NULL,
};

static const char *const categories[FOCUS_CATEGORIES + 1] = {"Usage",  "Purchase",   "Tax",
                                                             "Credit", "Adjustment", NULL};

const char *focus_column_name(enum focus_column column)
{
    return columns[column];
}

/* ---- the header ---- */

static bool has(const struct focus_reader *r, enum focus_column c)
{
    return r->field[c] >= 0;
}

static const char *missing(const struct focus_reader *r)
{
    static const enum focus_column needed[] = {FOCUS_CHARGE_CATEGORY, FOCUS_CHARGE_PERIOD_START,
                                               FOCUS_CHARGE_PERIOD_END};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!has(r, needed[i]))
            return columns[needed[i]];
    return has(r, FOCUS_BILLED_COST) || has(r, FOCUS_EFFECTIVE_COST) ? NULL : "BilledCost";
}

static int read_header(struct focus_reader *r, struct error *err)
{
    const struct csv_reader *csv = &r->csv;
    for (int c = 0; c < FOCUS_COLUMNS; c++)
        r->field[c] = -1;
    for (size_t i = 0; i < csv->count; i++) {
        int c = text_place(text_trim(csv->fields[i]), columns);
        if (c < 0)
            continue;
        if (r->field[c] >= 0)
            return error_at(err, csv->lines.name, csv->line, (long)csv->places[i] + 1,
                            "the column %s stands twice", columns[c]);
        r->field[c] = (int)i;
    }
    const char *name = missing(r);
    return name ? error_at(err, csv->lines.name, csv->line, 1,
                           "expected the columns of FOCUS, found no %s", name)
                : 0;
}

bool focus_is_header(struct text line)
{
    static const char *const names[] = {"ChargePeriodStart", "ChargeCategory"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!memmem(line.at, line.length, names[i], strlen(names[i])))
            return false;
    return memmem(line.at, line.length, "Cost", 4) != NULL;
}

int focus_reader_take(struct focus_reader *r, struct line_reader *lines, struct error *err)
{
    csv_reader_take(&r->csv, lines);
    int code = csv_reader_next(&r->csv, err);
    if (code == 0)
        code =
            error_at(err, r->csv.lines.name, 1, 1, "expected the columns of FOCUS, found nothing");
    if (code > 0)
        code = read_header(r, err);
    if (code < 0)
        csv_reader_close(&r->csv);
    return code;
}

int focus_reader_open(struct focus_reader *r, const char *path, struct error *err)
{
    struct line_reader lines;
    int code = line_reader_open(&lines, path, CSV_MAX_LINE, err);
    return code < 0 ? code : focus_reader_take(r, &lines, err);
}

void focus_reader_close(struct focus_reader *r)
{
    csv_reader_close(&r->csv);
}

/* ---- rows ---- */

static bool is_null(struct text t)
{
    return t.length == 0 || text_equal(t, "NULL") || text_equal(t, "null");
}

static int read_number(struct focus_reader *r, const struct focus_charge *c,
                       enum focus_column column, struct focus_number *out, struct error *err)
{
    struct text t = c->text[column];
    *out = (struct focus_number){0};
    if (t.length == 0)
        return 0;
    enum money_fault fault = money_parse(t.at, t.length, MONEY_PER_ONE, &out->value);
    out->known = fault == MONEY_OK;
    if (fault == MONEY_OK)
        return 0;
    return csv_reader_fail(&r->csv, (size_t)r->field[column], err,
                           fault == MONEY_TOO_FINE    ? "a number with at most 24 decimals"
                           : fault == MONEY_TOO_LARGE ? "a number up to 1.7e14"
                                                      : "a number");
}

static int read_instant(struct focus_reader *r, const struct focus_charge *c,
                        enum focus_column column, int64_t *out, struct error *err)
{
    struct text t = c->text[column];
    bool needed = column == FOCUS_CHARGE_PERIOD_START || column == FOCUS_CHARGE_PERIOD_END;
    *out = TIME_NEVER;
    if ((t.length == 0 && !needed) || clock_parse_instant(t.at, t.length, out) == 0)
        return 0;
    return csv_reader_fail(&r->csv, (size_t)r->field[column], err,
                           "an instant such as 2026-11-01T00:00:00Z");
}

static int read_period(struct focus_reader *r, struct focus_charge *c, struct error *err)
{
    if (read_instant(r, c, FOCUS_CHARGE_PERIOD_START, &c->begin_ns, err) < 0 ||
        read_instant(r, c, FOCUS_CHARGE_PERIOD_END, &c->end_ns, err) < 0 ||
        read_instant(r, c, FOCUS_BILLING_PERIOD_START, &c->billing_begin_ns, err) < 0 ||
        read_instant(r, c, FOCUS_BILLING_PERIOD_END, &c->billing_end_ns, err) < 0)
        return ERR_INPUT;
    if (c->end_ns >= c->begin_ns)
        return 0;
    return csv_reader_fail(&r->csv, (size_t)r->field[FOCUS_CHARGE_PERIOD_END], err,
                           "an end that is not before the ChargePeriodStart");
}

static int read_costs(struct focus_reader *r, struct focus_charge *c, struct error *err)
{
    static const enum focus_column from[FOCUS_COSTS] = {FOCUS_BILLED_COST, FOCUS_EFFECTIVE_COST,
                                                        FOCUS_LIST_COST, FOCUS_CONTRACTED_COST};
    struct focus_number n[FOCUS_COSTS];
    for (int i = 0; i < FOCUS_COSTS; i++)
        if (read_number(r, c, from[i], &n[i], err) < 0)
            return ERR_INPUT;
    if (!n[FOCUS_BILLED].known)
        n[FOCUS_BILLED] = n[FOCUS_EFFECTIVE];
    if (!n[FOCUS_BILLED].known)
        return error_at(err, r->csv.lines.name, r->csv.line, 1,
                        "expected a cost in this row, found none");
    for (int i = 0; i < FOCUS_COSTS; i++)
        c->cost[i] = n[i].known ? n[i].value : n[FOCUS_BILLED].value;
    return 0;
}

static int read_quantities(struct focus_reader *r, struct focus_charge *c, struct error *err)
{
    const struct {
        enum focus_column from;
        struct focus_number *to;
    } all[] = {{FOCUS_CONSUMED_QUANTITY, &c->consumed},
               {FOCUS_PRICING_QUANTITY, &c->priced},
               {FOCUS_X_REQUESTS, &c->requests},
               {FOCUS_X_INPUT_TOKENS, &c->input_tokens},
               {FOCUS_X_OUTPUT_TOKENS, &c->output_tokens}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (read_number(r, c, all[i].from, all[i].to, err) < 0)
            return ERR_INPUT;
    return 0;
}

static int read_category(struct focus_reader *r, struct focus_charge *c, struct error *err)
{
    int category = text_place(c->text[FOCUS_CHARGE_CATEGORY], categories);
    if (category < 0)
        return csv_reader_fail(&r->csv, (size_t)r->field[FOCUS_CHARGE_CATEGORY], err,
                               "Usage, Purchase, Tax, Credit or Adjustment");
    c->category = (enum focus_category)category;
    c->unused = text_equal(c->text[FOCUS_COMMITMENT_STATUS], "Unused");
    return 0;
}

int focus_reader_next(struct focus_reader *r, struct focus_charge *out, struct error *err)
{
    size_t wanted = r->csv.count;
    int more = csv_reader_next(&r->csv, err);
    if (more <= 0)
        return more;
    if (r->csv.count != wanted)
        return error_at(err, r->csv.lines.name, r->csv.line, 1,
                        "expected %zu fields as in the header, found %zu", wanted, r->csv.count);
    *out = (struct focus_charge){.line = r->csv.line};
    for (int i = 0; i < FOCUS_COLUMNS; i++)
        if (r->field[i] >= 0 && !is_null(r->csv.fields[r->field[i]]))
            out->text[i] = text_trim(r->csv.fields[r->field[i]]);
    return read_category(r, out, err) < 0 || read_period(r, out, err) < 0 ||
                   read_costs(r, out, err) < 0 || read_quantities(r, out, err) < 0
               ? ERR_INPUT
               : 1;
}
