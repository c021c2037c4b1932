/* The keys of usage objects. Private to core/usage/.
 *
 *     const struct usage_key *k = usage_key_find(text);      // NULL: not known
 *     if (k && k->count != COUNT_NOTHING) ...
 */
#ifndef FAREBOX_CORE_USAGE_USAGE_KEYS_H
#define FAREBOX_CORE_USAGE_USAGE_KEYS_H

#include "core/text.h"
#include "core/usage/usage_report.h"

/* Where in a usage object a key stands: what its details are of. */
enum usage_place {
    PLACE_TOP,
    PLACE_INPUT,
    PLACE_CACHED,
    PLACE_OUTPUT,
    PLACE_WRITTEN, /* cache writes by their lifetime */
    PLACE_TOOLS,
    PLACE_COST,
    PLACE_OTHER,   /* under a name that is not known: taken where nothing else is said */
    PLACE_NOWHERE, /* passed over: it says again what is said elsewhere */
};

enum {                               /* behind enum usage_count */
       COUNT_NOTHING = USAGE_COUNTS, /* known, and inside another count */
       COUNT_OBJECT,                 /* no number under this name is of tokens */
       COUNT_KIND_TEXT,              /* of the place: input, cached, output */
       COUNT_KIND_IMAGE,
       COUNT_KIND_AUDIO,
       COUNT_KIND_VIDEO,
       COUNT_WHOLE, /* "total": of the place */
       COUNT_COST,
       COUNT_COST_TICKS, /* 1e-10 USD */
       COUNT_COST_UPSTREAM,
       COUNT_COST_TOTAL,
       COUNT_OWN_KEY, /* true: the cost of the upstream comes on top */
       COUNT_CURRENCY,
};

struct usage_key {
    const char *name;    /* letters and digits alone, small */
    unsigned char count; /* what a number under it says */
    unsigned char place; /* of an object or array under it */
};

/* NULL where the key is not known. */
const struct usage_key *usage_key_find(struct text key);

/* Number i of the table; NULL behind the last. */
const struct usage_key *usage_key_at(size_t i);

/* The count that a key's number is of, in a place: >= USAGE_COUNTS where it is none. */
unsigned usage_key_count(const struct usage_key *k, enum usage_place place);

/* True for a key that seems to count tokens. */
bool usage_key_is_of_tokens(struct text key);

#endif
