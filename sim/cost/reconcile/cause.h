/* The causes by which a provider's figure differs from one's own, in the order in which a
 * difference is split: what two causes do together belongs to the later one.
 *
 *     puts(cause_words(CAUSE_CACHE_CLASS));            // "cache class"
 *     enum cause c;
 *     if (!cause_from_name(text_of("late_arrival"), &c)) ...
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_CAUSE_H
#define FAREBOX_SIM_COST_RECONCILE_CAUSE_H

#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

enum cause {
    CAUSE_DAY_BOUNDARY,  /* days begin at another hour there: one offset for all rows */
    CAUSE_LATE_ARRIVAL,  /* single rows stand on a later day there */
    CAUSE_OTHER_TRAFFIC, /* of a model, a label or an hour of the day that the records do not have
                          */
    CAUSE_MISSING_HERE,
    CAUSE_MISSING_THERE,
    CAUSE_MODEL_ALIAS,  /* billed as another model */
    CAUSE_CACHE_CLASS,  /* the same input, otherwise divided into read, written and neither */
    CAUSE_TIME_TO_LIVE, /* written for five minutes or an hour */
    CAUSE_TOKEN_COUNTS, /* other numbers of tokens, which none of the two before explains */
    CAUSE_TIER,         /* the prices of another length of context */
    CAUSE_SERVICE,      /* batch, flex, priority */
    CAUSE_FAILED,
    CAUSE_ABORTED,
    CAUSE_RETRIED,
    CAUSE_DISCOUNT,
    CAUSE_CREDIT,
    CAUSE_TAX,
    CAUSE_CURRENCY, /* converted at another rate */
    CAUSE_ROUNDING,
    CAUSE_PRICE_DATE, /* the prices of another day */
    CAUSES,
};

/* A set of causes: bit c is cause c. */
#define CAUSE_BIT(cause) (UINT32_C(1) << (cause))

/* "late_arrival" as files have it, "late arrival" for people. */
const char *cause_name(enum cause c);
const char *cause_words(enum cause c);

/* False where no cause has the name; dashes stand for the lines below. */
bool cause_from_name(struct text name, enum cause *out);

#endif
