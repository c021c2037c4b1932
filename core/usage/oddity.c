#include "core/usage/oddity.h"

#include <stddef.h>

/* Each goes on behind one answer as well as behind many. */
static const char *const words[] = {
    [ODDITY_NO_END_MARK] = "ended without the event that ends a stream: the finish_reason and the "
                           "whole body stand for it",
    [ODDITY_NO_FINISH_REASON] = "gave no finish_reason: the end of the stream or body stands for "
                                "it",
    [ODDITY_CONTENT_TYPE] = "came under the content type of another form: what it looked like was "
                            "believed",
    [ODDITY_NOT_JSON] = "held events that are no JSON, such as keep-alives: passed over",
    [ODDITY_NO_DATA] = "held lines that are no field of an event stream: JSON among them was read, "
                       "the rest passed over",
    [ODDITY_BAD_TEXT] = "held bytes that are no UTF-8 (shown as U+FFFD) or values that are no JSON "
                        "(passed over)",
    [ODDITY_NO_TEXT] = "came whole but held no text: no first token, no TPOT",
    [ODDITY_USAGE_NUMBER] =
        "had counts in the usage that are no whole numbers, or beyond any request: fractions are "
        "rounded up, others are unknown",
    [ODDITY_USAGE_ZERO] = "held text but a usage of zeros: the tokens are estimated",
    [ODDITY_USAGE_TOTAL] = "had a total above its parts: the rest is taken for reasoning",
    [ODDITY_USAGE_CACHED] = "had cached tokens beside the prompt's, not inside: both are counted",
    [ODDITY_USAGE_BACK] = "had counts that fell within the answer: the largest are kept",
    [ODDITY_USAGE_KEY] = "had counts of tokens under names that are not known",
    [ODDITY_NO_BLANK] =
        "came without the blank lines that end events: each data line was taken for "
        "one",
    [ODDITY_USAGE_UNKNOWN] =
        "told usage that does not count the prompt or the answer in a known way: "
        "those tokens are estimated",
    [ODDITY_USAGE_PARTS] =
        "counted in each event's usage that event alone: the counts were added up",
    [ODDITY_TEXT_CUT] = "held more than 16 MiB of text: the first 16 MiB are in the record",
    [ODDITY_REPEATS] = "held text that had come before: only what was new is counted",
};

const char *const oddity_names[] = {
    [ODDITY_NO_END_MARK] = "no_end_mark",
    [ODDITY_NO_FINISH_REASON] = "no_finish_reason",
    [ODDITY_CONTENT_TYPE] = "content_type",
    [ODDITY_NOT_JSON] = "not_json",
    [ODDITY_NO_DATA] = "no_data",
    [ODDITY_BAD_TEXT] = "bad_text",
    [ODDITY_NO_TEXT] = "no_text",
    [ODDITY_USAGE_NUMBER] = "usage_number",
    [ODDITY_USAGE_ZERO] = "usage_zero",
    [ODDITY_USAGE_TOTAL] = "usage_total",
    [ODDITY_USAGE_CACHED] = "usage_cached",
    [ODDITY_USAGE_BACK] = "usage_back",
    [ODDITY_USAGE_KEY] = "usage_key",
    [ODDITY_NO_BLANK] = "no_blank",
    [ODDITY_REPEATS] = "repeats",
    [ODDITY_USAGE_UNKNOWN] = "usage_unknown",
    [ODDITY_USAGE_PARTS] = "usage_parts",
    [ODDITY_TEXT_CUT] = "text_cut",
    [ODDITIES] = NULL,
};

const char *oddity_words(enum oddity o)
{
    return words[o];
}
