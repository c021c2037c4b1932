/* A workload in words, for people who have not seen it before, and its requests over time as bars.
 *
 *     struct workload_words words;
 *     workload_words_make(&w, &info, &words);          // info with its detail
 *     workload_words_put_text(&words, &info, &out);    // at most 80 columns
 *     workload_words_put_json(&words, &json);
 */
#ifndef FAREBOX_WORKLOADS_DESCRIBE_WORDS_H
#define FAREBOX_WORKLOADS_DESCRIBE_WORDS_H

#include "workloads/describe/info.h"

#define WORDS_BARS 72

struct workload_words {
    double tokens_p50, tokens_max; /* of a request, input and output together */
    double dearest_to_median;      /* tokens_max / tokens_p50; NAN where that is 0 */
    double top_percent_share;      /* of all tokens, in the largest 1 % of the requests */
    uint64_t largest_session;      /* its requests; 0 = no sessions */
    bool has_day;                  /* a day and more by the clock, of a known or assumed midnight */
    uint64_t hours[24];            /* requests by the hour of the day */
    int busiest_hour, quietest_hour;
    uint64_t bars[WORDS_BARS]; /* requests in equal parts of the duration */
};

void workload_words_make(const struct workload *w, const struct workload_info *info,
                         struct workload_words *out);

/* Paragraphs and bars. */
void workload_words_put_text(const struct workload_words *words, const struct workload_info *info,
                             struct buffer *out);

/* The keys of `workload show --json` beside those of `workload info --json`, into the object that
 * is being written. */
void workload_words_put_json(const struct workload_words *words, struct json_writer *w);

#endif
