/* FOCUS 1.2: the FinOps Open Cost and Usage Specification, its columns and how they are read.
 *
 * A file of it has a row for each charge: what it was for, when, how much, whose. Which columns we
 * write and where each comes from: docs/focus.md. Read are files of 1.0 to 1.2 from anybody: the
 * charge's category and period and one cost must be there, other columns may be absent, and columns
 * of other names are passed over.
 *
 *     struct focus_reader r;
 *     struct focus_charge c;
 *     int more;
 *     if (focus_reader_open(&r, "invoice.csv", err) < 0) return err->code;
 *     while ((more = focus_reader_next(&r, &c, err)) > 0)
 *         if (c.category == FOCUS_TAX) tax += c.cost[FOCUS_BILLED];
 *     focus_reader_close(&r);
 *
 * Costs and quantities are exact. Texts of a charge are lent until the next call.
 */
#ifndef FAREBOX_SIM_COST_FOCUS_FOCUS_H
#define FAREBOX_SIM_COST_FOCUS_FOCUS_H

#include "core/clock.h"
#include "core/csv/csv.h"
#include "core/money.h"

/* The columns that we know, in the order in which they are written; those of our own come last. */
enum focus_column {
    FOCUS_BILLED_COST,
    FOCUS_BILLING_ACCOUNT_ID,
    FOCUS_BILLING_ACCOUNT_NAME,
    FOCUS_BILLING_CURRENCY,
    FOCUS_BILLING_PERIOD_END,
    FOCUS_BILLING_PERIOD_START,
    FOCUS_CHARGE_CATEGORY,
    FOCUS_CHARGE_CLASS,
    FOCUS_CHARGE_DESCRIPTION,
    FOCUS_CHARGE_FREQUENCY,
    FOCUS_CHARGE_PERIOD_END,
    FOCUS_CHARGE_PERIOD_START,
    FOCUS_COMMITMENT_CATEGORY, /* CommitmentDiscount...: of a commitment discount */
    FOCUS_COMMITMENT_ID,
    FOCUS_COMMITMENT_NAME,
    FOCUS_COMMITMENT_QUANTITY,
    FOCUS_COMMITMENT_STATUS,
    FOCUS_COMMITMENT_TYPE,
    FOCUS_COMMITMENT_UNIT,
    FOCUS_CONSUMED_QUANTITY,
    FOCUS_CONSUMED_UNIT,
    FOCUS_CONTRACTED_COST,
    FOCUS_CONTRACTED_UNIT_PRICE,
    FOCUS_EFFECTIVE_COST,
    FOCUS_INVOICE_ID,
    FOCUS_INVOICE_ISSUER,
    FOCUS_LIST_COST,
    FOCUS_LIST_UNIT_PRICE,
    FOCUS_PRICING_CATEGORY,
    FOCUS_PRICING_CURRENCY, /* PricingCurrency...: the same in the currency of the prices */
    FOCUS_PRICING_CURRENCY_CONTRACTED,
    FOCUS_PRICING_CURRENCY_EFFECTIVE,
    FOCUS_PRICING_CURRENCY_LIST,
    FOCUS_PRICING_QUANTITY,
    FOCUS_PRICING_UNIT,
    FOCUS_PROVIDER,
    FOCUS_PUBLISHER,
    FOCUS_RESOURCE_ID,
    FOCUS_RESOURCE_NAME,
    FOCUS_RESOURCE_TYPE,
    FOCUS_SERVICE_CATEGORY,
    FOCUS_SERVICE_NAME,
    FOCUS_SERVICE_SUBCATEGORY,
    FOCUS_SKU_ID,
    FOCUS_SKU_METER,
    FOCUS_SKU_PRICE_DETAILS,
    FOCUS_SKU_PRICE_ID,
    FOCUS_SUB_ACCOUNT_ID,
    FOCUS_SUB_ACCOUNT_NAME,
    FOCUS_TAGS,
    FOCUS_X_INPUT_TOKENS,
    FOCUS_X_MODEL,
    FOCUS_X_OUTPUT_TOKENS,
    FOCUS_X_REQUESTS,
    FOCUS_COLUMNS,
};

/* "BilledCost", ..., "x_RequestCount". */
const char *focus_column_name(enum focus_column column);

enum focus_category {
    FOCUS_USAGE,
    FOCUS_PURCHASE,
    FOCUS_TAX,
    FOCUS_CREDIT,
    FOCUS_ADJUSTMENT,
    FOCUS_CATEGORIES,
};

enum focus_cost { FOCUS_BILLED, FOCUS_EFFECTIVE, FOCUS_LIST, FOCUS_CONTRACTED, FOCUS_COSTS };

/* A number that may be missing. 1 USD of money stands for 1: quantities are exact to 1e-24. */
struct focus_number {
    bool known;
    money value;
};

struct focus_charge {
    struct text text[FOCUS_COLUMNS]; /* as written; length 0 where it is null or absent */
    enum focus_category category;
    bool unused;              /* the unused part of a commitment */
    int64_t begin_ns, end_ns; /* the charge's period, Unix time, its end exclusive */
    int64_t billing_begin_ns, billing_end_ns; /* TIME_NEVER where it is null */
    money cost[FOCUS_COSTS]; /* what is absent is as the billed cost; that as the effective one */
    struct focus_number consumed, priced, requests, input_tokens, output_tokens;
    long line;
};

struct focus_reader {
    struct csv_reader csv;
    int field[FOCUS_COLUMNS]; /* of the file's rows; -1: the file has no such column */
};

/* True if the text is the header of such a file: it names a category, a period and a cost. */
bool focus_is_header(struct text line);

/* Opens a file ("-": standard input) and reads its header. ERR_INPUT where a column that must be
 * there is not, or stands twice. On an error nothing is left to close. */
int focus_reader_open(struct focus_reader *r, const char *path, struct error *err);

/* The same of what is open already, with CSV_MAX_LINE: the reader has it from now on. */
int focus_reader_take(struct focus_reader *r, struct line_reader *lines, struct error *err);

/* 1, 0 at the end, or ERR_INPUT with line and column: a row with more or fewer fields than the
 * header, a cost or quantity that is no number or finer than 1e-24, an instant that is none, a
 * period that ends before it begins, a category that FOCUS does not know. */
int focus_reader_next(struct focus_reader *r, struct focus_charge *out, struct error *err);
void focus_reader_close(struct focus_reader *r);

#endif
