/* Shared by the importers of price lists; private to sim/cost.
 *
 * An importer fills one `struct import_plan` per entry: prices of tokens by class, service and
 * window, fees of tools and units. import_plan_end() then writes it as a plan or leaves it out,
 * and counts.
 */
#ifndef FAREBOX_SIM_COST_IMPORT_IMPORT_PARTS_H
#define FAREBOX_SIM_COST_IMPORT_IMPORT_PARTS_H

#include "core/json/json_scan.h"
#include "core/json/json_write.h"
#include "core/names.h"
#include "core/usage/usage.h"
#include "sim/cost/import/import.h"
#include "workloads/model/workload.h"

#define IMPORT_DIGITS 60
#define IMPORT_TIERS_MAX 16
#define IMPORT_FEES_MAX 32
#define IMPORT_WINDOWS_MAX 32
#define IMPORT_VARIANTS_MAX 32
#define IMPORT_NUMBER_TEXT 96
#define IMPORT_NAME_MAX 1000

/* A decimal number: digits × 10^exponent, without leading or trailing zeros; zero has no digits. */
struct import_number {
    char digits[IMPORT_DIGITS + 1];
    int count, exponent;
    bool negative;
};

/* False if the text is no decimal number or has more than IMPORT_DIGITS digits. */
bool import_number_read(struct text t, struct import_number *out);
bool import_number_equal(const struct import_number *a, const struct import_number *b);

/* n × factor, exactly; false, and n as it was, where that has more digits than fit. */
bool import_number_multiply(struct import_number *n, const struct import_number *factor);

/* True if the number was an artefact of floating point and is now what was meant. */
bool import_number_snap(struct import_number *n);

/* Rounds half to even to `decimals` places; true if that changed it. */
bool import_number_limit(struct import_number *n, int decimals);

/* n × 10^shift in plain decimal: "0.0000025", "15". */
void import_number_text(const struct import_number *n, int shift, char out[IMPORT_NUMBER_TEXT]);

struct import_tier {
    uint64_t from; /* inclusive */
    struct import_number price;
};

struct import_class {
    bool given, replaced;      /* replaced: a window's own, not the standard one */
    struct import_number base; /* of one token */
    struct import_tier tiers[IMPORT_TIERS_MAX];
    size_t tier_count;
};

struct import_set {
    bool used, has_request;
    struct import_class classes[USAGE_CLASSES];
    struct import_number request;
};

struct import_fee {
    char name[64];
    struct import_number price;
};

struct import_fees {
    struct import_fee items[IMPORT_FEES_MAX];
    size_t count;
};

/* A fee that some condition changes. Plans keep one price for a fee, so it must equal the other. */
struct import_varied {
    char field[96], name[64];
    bool tool;
    struct import_number price;
};

/* Prices at certain hours or dates. Texts are in the form of a book: "2026-09-01", "16:30". */
struct import_window {
    char from[40], until[40], start[8], end[8];
    uint8_t days; /* UTC, bit 0 = Monday; 0 = every day */
    struct import_set set;
};

/* Minutes of the UTC day, [start, end), which may wrap; equal = all day. On some days only, as
 * they are in a place so many minutes before UTC. */
struct import_hours {
    int start, end, offset;
    uint8_t days; /* bit 0 = Monday */
};

#define IMPORT_EVERY_DAY 0x7f

/* As plans write them, by their bits. */
extern const char *const import_weekdays[7];

/* What the same model costs otherwise: in a region, at a speed. It becomes a plan of its own beside
 * the entry's, "NAME (eu)". */
struct import_variant {
    char name[64];
    bool multiplied; /* every price of a token × factor; else by the set */
    struct import_number factor;
    struct import_set set; /* what it leaves open costs as it does in the entry */
    struct import_fees tools;
};

struct import_plan {
    char *name, *seller; /* owned */
    bool inclusive;      /* tiers begin at the threshold that the list gives, not above it */
    struct import_set standard;
    struct import_set services[SERVICE_COUNT]; /* [SERVICE_STANDARD] is not used */
    struct import_fees units, tools;
    struct import_varied varied[IMPORT_FEES_MAX];
    size_t varied_count;
    struct import_window *windows; /* owned */
    size_t window_count, window_capacity;
    struct import_variant *variants; /* owned */
    size_t variant_count, variant_capacity;
    uint64_t free_searches; /* in each `free_period`, which is static */
    const char *free_period;
    const char *model; /* what the model is called, where the plan's name says more; NULL */
    char remark[96];   /* for the plan's note; or empty */
    bool alias;        /* another name: without prices of its own it is left out as that */
    bool dropped;      /* the whole entry cannot be represented */
    enum import_reason why;
    size_t first_finding;
};

struct import {
    struct json_scan s;
    struct json_writer w;
    const struct import_options *options;
    struct import_report *report;
    struct import_plan *plan;  /* the entry at hand */
    struct json_scan off_peak; /* where its prices of some hours stand; no text = none */
    struct names seen;
};

/* Each reads its whole list. */
void import_litellm(struct import *im);
void import_genai(struct import *im);
void import_openrouter(struct import *im);

/* Begins an entry; its name may carry JSON escapes. */
void import_plan_begin(struct import *im, const char *seller, struct text raw_name);

/* Writes the plan or leaves it out, with its counts. */
void import_plan_end(struct import *im);

/* Writes the entry at hand as a plan of the book. */
void import_write_plan(struct import *im);

/* The whole entry is left out (the first reason counts), or one of its prices is. */
void import_drop(struct import *im, enum import_reason why);
void import_miss(struct import *im, const char *field, enum import_reason why);

/* Notes what a rule filled in because the list leaves it open. */
void import_assume(struct import *im, const char *field, enum import_reason what);

/* Skips the value of a key that is no price. If it is not among the known (a "*" at the end stands
 * for any rest) and holds a number, the list may have a price there: that is a finding. */
void import_pass_over(struct import *im, struct text key, const char *const *known);

/* A price as a number or a string, divided by 10^per, and applied with the rules of import.h.
 * `what` tells where it goes: IMPORT_TOKEN prices may have 24 decimals, the others 18. Null is
 * taken and false. False also where it cannot be used: that is a finding then. */
enum import_what { IMPORT_TOKEN, IMPORT_FEE };
bool import_price(struct import *im, const char *field, int per, enum import_what what,
                  struct import_number *out);

/* Sets a class's price from `from` input tokens on (0: the base). A second, different one is a
 * finding. */
void import_set_class(struct import *im, struct import_set *set, enum usage_class class,
                      uint64_t from, const struct import_number *price, const char *field);

/* Fills the classes for which a service has no price of its own from the standard ones, but for
 * reasoning: it costs what the service's own output costs. Where a service has tiers of a class
 * only, they stand on the standard base. `silent` tells that the list may leave out prices that
 * differ: what is filled in is noted then. */
void import_complete_service(struct import *im, enum service service, bool silent);

/* The same of any set; `label` names it in findings. */
void import_complete_set(struct import *im, struct import_set *set, const char *label, bool silent);

/* One more window, without prices; NULL, with the entry dropped, where there are too many. Good
 * until the next one. */
struct import_window *import_window_add(struct import *im);

/* The bit of "mon", "Monday" and such; 0 where it is no day. */
uint8_t import_weekday(struct text t);

/* "16:30-00:30" and such; false where it is none. */
bool import_hours_read(struct text t, struct import_hours *out);

/* Adds windows with these prices: hours that wrap, and days that begin elsewhere at another time of
 * the UTC day, are cut into pieces that lie within one UTC day. */
void import_windows_at(struct import *im, const struct import_hours *hours,
                       const struct import_set *set);

/* The variant of that name, made where it is new; NULL, with a finding, where there are too many.
 * Good until the next one. */
struct import_variant *import_variant(struct import *im, const char *name);

/* Writes the entry's variants as plans, after the entry's own. */
void import_write_variants(struct import *im);

/* Adds a fee; one of that name and another price is a finding. */
void import_add_fee(struct import *im, struct import_fees *fees, const char *name,
                    const struct import_number *price, const char *field);
/* Notes a fee that holds for some service, length or date only; at the entry's end it is a finding
 * unless the plan's own fee is the same. */
void import_vary_fee(struct import *im, bool tool, const char *name,
                     const struct import_number *price, const char *field);
void import_check_varied(struct import *im);
const struct import_fee *import_find_fee(const struct import_fees *fees, const char *name);

#endif
