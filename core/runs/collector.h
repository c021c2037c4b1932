/* Inside core/runs: what a collector keeps, shared by the files that add, sum up and write. */
#ifndef FAREBOX_CORE_RUNS_COLLECTOR_H
#define FAREBOX_CORE_RUNS_COLLECTOR_H

#include "core/names.h"
#include "core/runs/groups.h"
#include "core/runs/summary.h"
#include "core/stats/histogram.h"
#include "core/stats/moments.h"

/* One request, from its first attempt's sending to its final attempt's tokens. */
struct request_row {
    int64_t scheduled_ns, ready_ns, sent_ns;
    int64_t first_token_ns, first_output_ns, last_token_ns, done_ns;
    uint32_t input, cached, output, reasoning, asked_input, asked_output, chunks;
    uint16_t group; /* combination in the group store */
    uint8_t status, streamed : 1, reasoning_chunks : 1, has_usage : 1;
};

/* Gaps between chunks: each one exactly, with its request, up to GAPS_EXACT; beyond that one
 * histogram per slice of scheduled time, so that a warm-up can still be cut off. */
#define GAPS_EXACT 1000000
#define GAP_SLICES 64

struct gap_store {
    int64_t *values;
    uint32_t *owners;
    size_t count, capacity, owner_capacity;
    bool folded;
    int64_t slice_ns; /* width of a slice; doubles when the run outgrows GAP_SLICES */
    struct histogram slices[GAP_SLICES];
    struct moments moments[GAP_SLICES];
};

/* Output tokens by the instant they arrived, in bins that widen as the run grows. */
#define TOKEN_BINS ((size_t)1 << 20)

struct token_bins {
    uint64_t *counts;
    size_t count, capacity;
    int64_t width_ns;
};

struct collector {
    struct request_row *rows;
    size_t row_count, row_capacity;
    struct gap_store gaps;
    struct token_bins tokens;
    struct group_store groups;
    struct accounting accounting; /* all but `scheduled`, which is the sum */
    uint64_t estimated_usage, connects, slow_reads;
    struct names retried; /* ids of requests with an attempt before the final one */
    int64_t *retried_sent_ns, *retried_ready_ns; /* of their first attempts */
    size_t retried_capacity, retried_ready_capacity;
    uint32_t *order; /* rows in scheduled order; NULL until asked for */
};

/* collector_gaps.c */
void gap_store_init(struct gap_store *g);
void gap_store_free(struct gap_store *g);
void gap_store_add(struct gap_store *g, uint32_t owner, int64_t scheduled_ns, int64_t gap_ns,
                   const struct request_row *rows);
void gap_store_merge(struct gap_store *g, const struct gap_store *from, uint32_t owner_shift,
                     const struct request_row *rows);
void token_bins_init(struct token_bins *t);
void token_bins_free(struct token_bins *t);
void token_bins_add(struct token_bins *t, int64_t at_ns, uint64_t tokens);
void token_bins_merge(struct token_bins *t, const struct token_bins *from);
/* Tokens in [from, to); a bin that is cut counts in proportion. */
uint64_t token_bins_between(const struct token_bins *t, int64_t from_ns, int64_t to_ns);

/* collector.c: the rows' numbers in scheduled order; the collector owns them. */
const uint32_t *collector_order(struct collector *c);

/* Instants of sending and of the end of everything that was sent and ended, each sorted. */
struct flights {
    int64_t *starts, *ends;
    size_t count;
};
void collector_flights(const struct collector *c, struct flights *out);
void collector_flights_free(struct flights *f);

/* The value of a metric for a row; false if the row has none. */
bool row_metric(const struct request_row *r, enum metric m, int64_t *value_ns);

/* True if the request met every objective. A metric that it lacks cannot meet one, but for the
 * TPOT of an answer of one token. */
bool row_meets_slos(const struct request_row *r, const struct slo_list *slos);

#endif
