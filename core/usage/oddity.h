/* What was odd about an answer that was understood all the same.
 *
 * Only an answer's text and its end decide whether it failed. Whatever else a server does that its
 * API does not say is resolved by a rule, noted in the answer's record by one of these bits, and
 * counted for the run, so that nothing is passed over in silence.
 *
 *     uint32_t odd = 0;
 *     odd |= ODDITY(NO_END_MARK);
 *     for (int i = 0; i < ODDITIES; i++)
 *         if (odd & 1u << i) printf("%s: %s\n", oddity_names[i], oddity_words(i));
 */
#ifndef FAREBOX_CORE_USAGE_ODDITY_H
#define FAREBOX_CORE_USAGE_ODDITY_H

#include <stdint.h>

enum oddity {
    ODDITY_NO_END_MARK,      /* a finish_reason and a whole body, but not the event that ends */
    ODDITY_NO_FINISH_REASON, /* the event that ends, but no finish_reason */
    ODDITY_CONTENT_TYPE,     /* an event stream or a JSON body that is called something else */
    ODDITY_NOT_JSON,         /* events that are no JSON, passed over */
    ODDITY_NO_DATA,          /* lines that are no field of an event stream */
    ODDITY_BAD_TEXT,         /* bytes that are no UTF-8, numbers that are no JSON */
    ODDITY_NO_TEXT,          /* whole, and without any text */
    ODDITY_USAGE_NUMBER,     /* a count that is no whole number: rounded up, or unknown */
    ODDITY_USAGE_ZERO,       /* 0 tokens counted where text came: estimated instead */
    ODDITY_USAGE_TOTAL,      /* the total says more than its parts: taken for reasoning */
    ODDITY_USAGE_CACHED,     /* more cached than prompt tokens: taken to stand beside them */
    ODDITY_USAGE_BACK,       /* a count fell within the answer: the largest was kept */
    ODDITY_USAGE_KEY,        /* counts under names that are not known */
    ODDITY_NO_BLANK,         /* events without the blank line that ends one */
    ODDITY_REPEATS,          /* text that had come before: only what is new counts */
    ODDITY_USAGE_UNKNOWN,    /* a usage without a count that is known: estimated instead */
    ODDITY_USAGE_PARTS,      /* counts of each event alone: added up */
    ODDITY_TEXT_CUT,         /* more text than is kept */
    ODDITIES,
};

#define ODDITY(name) (UINT32_C(1) << ODDITY_##name)

/* "no_end_mark", ...: as files have them; ended by NULL. */
extern const char *const oddity_names[];

/* What was done, as a sentence goes on behind "12 answers" or "1 answer": "ended without the event
 * that ends a stream: the finish_reason and the whole body stand for it". */
const char *oddity_words(enum oddity o);

#endif
