/* Importing public price lists: LiteLLM's map, genai-prices' data, OpenRouter's model list.
 *
 * A list is read whole and written as a price book (sim/cost/book/plan.h). Every entry becomes a
 * plan, a plan without some of the entry's prices, or is left out; what is missing is a finding
 * with its reason: read = represented + partly + left_out, always.
 *
 *     struct import_options o = {.file = "models.json", .book = "openrouter"};
 *     struct import_report report;
 *     struct buffer book;
 *     buffer_init(&book, BUFFER_UNBOUNDED);
 *     if (prices_import(IMPORT_OPENROUTER, text, length, &o, &book, &report, err) < 0) ...
 *     file_write_atomic(path, book.data, book.length, err);
 *     import_report_free(&report);
 *
 * Numbers are taken digit by digit, never through binary floating point. Two rules change one,
 * and each change is a finding:
 *   - snapped: a number of more than 12 significant digits that, rounded half to even to 12 of
 *     them, has at most 9 left without its trailing zeros, is an artefact of floating point and
 *     becomes the rounded one: 2.9999999999999997e-06 is 0.000003. Others (1/12 = 0.08333…) keep
 *     their digits.
 *   - rounded: what is finer than a plan can hold (1e-24 USD a token, 1e-18 USD a unit, call or
 *     request) is rounded half to even there.
 * Token prices that depend on the length of the input, on the service, on dates or hours become
 * tiers, services and windows; those of a region or a speed become plans of their own beside the
 * entry's, "gpt-5.6 (eu)". Prices of anything that is not text become units, named as in
 * docs/prices.md. What the form has no place for is listed under enum import_reason; so is a key
 * that is not known, wherever it could hold a price.
 */
#ifndef FAREBOX_SIM_COST_IMPORT_IMPORT_H
#define FAREBOX_SIM_COST_IMPORT_IMPORT_H

#include "core/buffer.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

#define IMPORT_MAX_BYTES ((size_t)256 << 20)

enum import_form { IMPORT_LITELLM, IMPORT_GENAI, IMPORT_OPENROUTER };

/* Why a price, or a whole entry, is not in the book. */
enum import_reason {
    IMPORT_SAMPLE,
    IMPORT_NO_PRICE,
    IMPORT_ALIAS,
    IMPORT_NEGATIVE,
    IMPORT_SAME_NAME,
    IMPORT_NAME,
    IMPORT_CONDITION,
    IMPORT_BY_RESULTS,
    IMPORT_BY_PIECE,
    IMPORT_UNIT_VARIES,
    IMPORT_SURCHARGE,
    IMPORT_STORAGE,
    IMPORT_OTHER_CURRENCY,
    IMPORT_TWICE,
    IMPORT_TIERS,
    IMPORT_NUMBER,
    IMPORT_UNKNOWN_KEY,
    IMPORT_KEPT_STANDARD,
    IMPORT_ANY_LENGTH,
    IMPORT_REASONING,
    IMPORT_LONGEST_KEPT,
    IMPORT_SINCE,
    IMPORT_DATED,
    IMPORT_SHARED,
    IMPORT_REASONS,
};

/* "negative price: a router that charges what its choice costs" and such; static. */
const char *import_reason_text(enum import_reason reason);

enum import_change {
    IMPORT_LEFT_OUT, /* the whole entry */
    IMPORT_IN_PART,  /* one price of it */
    IMPORT_SNAPPED,
    IMPORT_ROUNDED,
    IMPORT_ASSUMED, /* the list is silent about it: docs/prices.md has the rule */
};

struct import_finding {
    enum import_change change;
    enum import_reason reason; /* IMPORT_REASONS where a number changed */
    char *entry, *field;       /* field NULL: the whole entry */
    char *detail;              /* "2.9999999999999997e-06 is 0.000003"; NULL */
};

struct import_report {
    size_t read, represented, partly, left_out;
    size_t variants;                    /* plans beside the entries' own: regions, speeds */
    size_t prices, snapped, rounded;    /* numbers */
    size_t left_out_by[IMPORT_REASONS]; /* entries; their sum is left_out */
    size_t partly_by[IMPORT_REASONS];   /* entries with a price missing for this reason */
    size_t assumed_by[IMPORT_REASONS];  /* entries where a rule filled what the list leaves open */
    struct import_finding *findings;    /* every one, in the file's order */
    size_t finding_count, finding_capacity;
};

struct import_options {
    const char *file;   /* as messages call it */
    const char *book;   /* the book's name */
    const char *as_of;  /* the date of the prices, which chooses among dated ones that a plan cannot
                           hold all; NULL = not said */
    const char *source; /* NULL = not said */
    bool models;        /* plans serve only the model that the entry names; else any */
};

/* Reads a list and adds the book's JSON to `book`. Returns 0, or ERR_INPUT with file, line and
 * column where the text is not JSON or not such a list; then the report is empty. */
int prices_import(enum import_form form, const char *text, size_t length,
                  const struct import_options *options, struct buffer *book,
                  struct import_report *report, struct error *err);

void import_report_free(struct import_report *report);

#endif
