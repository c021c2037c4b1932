/* Inside core/runs: what a collector keeps, shared by the files that add, sum up and write. */
#ifndef FAREBOX_CORE_RUNS_SUMMARY_COLLECTOR_STATE_H
#define FAREBOX_CORE_RUNS_SUMMARY_COLLECTOR_STATE_H

#include "core/names.h"
#include "core/runs/summary/collector.h"
#include "core/runs/summary/groups.h"
#include "core/sorter.h"
#include "core/stats/histogram.h"
#include "core/stats/moments.h"

/* One request, from its first attempt's sending to its final attempt's tokens. */
struct request_row {
    int64_t scheduled_ns, ready_ns, sent_ns;
    int64_t first_token_ns, first_output_ns, last_token_ns, done_ns;
    uint32_t input, cached, output, reasoning, asked_input, asked_output;
    uint32_t paced_tokens; /* of its struct pace */
    uint16_t group;        /* combination in the group store */
    uint8_t status, streamed : 1, has_usage : 1, has_images : 1, long_history : 1;
    uint8_t one_token : 1;   /* the only one that its stream could show */
    uint8_t from_output : 1; /* its pace is, not from its first token */
};

/* A measured value, and when its request was due. */
struct timed_value {
    int64_t due_ns, value_ns;
};

/* Gaps between chunks: each one exactly up to GAPS_EXACT; beyond that one histogram per slice of
 * scheduled time, so that a warm-up can still be cut off. */
#define GAPS_EXACT 1000000
#define GAP_SLICES 64

struct gap_store {
    struct spool exact; /* of struct timed_value, as they came */
    bool folded;
    int64_t slice_ns; /* width of a slice; doubles when the run outgrows GAP_SLICES */
    struct histogram slices[GAP_SLICES];
    struct moments moments[GAP_SLICES];
};

/* Requests that will be tried again: when they were sent first. One whose final attempt has come
 * is forgotten, so that memory follows the retries that are under way. */
struct retry_store {
    struct names ids;
    struct retry *first; /* by number */
    size_t capacity, waiting;
};

/* Output tokens by the instant they arrived, in bins that widen as the run grows. */
#define TOKEN_BINS ((size_t)1 << 20)

struct token_bins {
    uint64_t *counts;
    size_t count, capacity;
    int64_t width_ns; /* a millisecond, doubled so many times: */
    unsigned doublings;
};

/* Tokens that are not of text, of a completed request that had some: few runs have any. */
struct media_row {
    int64_t done_ns;
    uint32_t tokens[USAGE_MEDIA_CLASSES];
    /* Of one that was asked beside images, whose usage tells them apart: of its text; else 0. */
    uint32_t asked_text, text;
};

struct collector {
    struct sorter rows;      /* in scheduled order when read; a run of any length takes a few MB */
    struct request_row last; /* added last */
    int64_t first_due_ns, last_due_ns, last_done_ns; /* of all rows: TIME_NEVER, 0, 0 without any */
    struct spool media;                              /* of struct media_row */
    struct gap_store gaps;
    struct token_bins tokens;
    struct group_store groups;
    struct accounting accounting; /* all but `scheduled`, which is the sum */
    uint64_t estimated_usage, connects, slow_reads, asked_images;
    uint64_t odd[ODDITIES];          /* answers, final or not */
    uint64_t chunks, chunked_tokens; /* of completed requests */
    struct retry_store retries;
};

/* collector.c: an attempt as if it were the request's only one. */
struct request_row row_of(const struct record *r);

/* collector_gaps.c */
void gap_store_init(struct gap_store *g);
void gap_store_free(struct gap_store *g);
/* The gaps between a request's chunks, which came at these instants. */
void gap_store_add(struct gap_store *g, int64_t due_ns, const int64_t *at_ns, size_t chunks);
void gap_store_merge(struct gap_store *g, const struct gap_store *from);
void token_bins_init(struct token_bins *t);
void token_bins_free(struct token_bins *t);
void token_bins_add(struct token_bins *t, int64_t at_ns, uint64_t tokens);
/* Divides tokens evenly among a request's chunks, whole ones to each. */
void token_bins_spread(struct token_bins *t, const int64_t *at_ns, size_t chunks, uint64_t tokens);
void token_bins_merge(struct token_bins *t, const struct token_bins *from);
/* Tokens in [from, to); a bin that is cut counts in proportion. */
uint64_t token_bins_between(const struct token_bins *t, int64_t from_ns, int64_t to_ns);

/* collector_retries.c */
void retry_store_init(struct retry_store *s);
void retry_store_free(struct retry_store *s);
/* An attempt that was not the last: only its sending matters, the clock is never reset. */
void retry_store_add(struct retry_store *s, const struct record *r);
/* The final attempt of a request: puts its first sending into the row and forgets it. */
void retry_store_finish(struct retry_store *s, const struct record *r, struct request_row *row);

/* Instants of sending, and of the end, of everything that was sent and ended. */
struct flights {
    struct sorter starts, ends; /* of int64_t */
};
void collector_flights(struct collector *c, struct flights *out);
void collector_flights_free(struct flights *f);

/* collector_groups.c: of every dimension that has more than one, for requests scheduled from `from`
 * on. */
void collector_summarize_groups(struct collector *c, int64_t from_ns, struct summary *out);

/* collector_columns.c: the values of a metric as a column of struct timed_value, in scheduled
 * order. */
struct columns {
    struct spool of[METRIC_COUNT]; /* but for the chunk gaps */
};
void columns_fill(struct columns *columns, struct collector *c);
void columns_free(struct columns *columns);

/* The values, int64_t, of what was due from `from` on; appended to `values` (initialised). */
void column_values(const struct spool *column, int64_t from_ns, struct spool *values,
                   struct moments *moments);

/* The same values in rising order, appended to `sorted`. */
void sort_values(const struct spool *values, struct spool *sorted);

/* What the values of requests due from `from` on amount to. */
struct metric_summary column_summarize(const struct spool *column, int64_t from_ns, bool intervals);
struct metric_summary gaps_summarize(const struct gap_store *g, int64_t from_ns, bool intervals);

/* collector_values.c: where the measured window of the summary of these records begins. A summary
 * that was read back gives microseconds: its first request must not fall out by rounding. */
int64_t collector_window_start(const struct collector *c, const struct summary *s);

/* The value of a metric for a row; false if the row has none. */
bool row_metric(const struct request_row *r, enum metric m, int64_t *value_ns);

/* True if the request met every objective. A metric that it lacks cannot meet one, but for the
 * TPOT of an answer of one token. */
bool row_meets_slos(const struct request_row *r, const struct slo_list *slos);

#endif
