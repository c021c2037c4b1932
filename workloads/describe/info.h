/* What a workload is like: counts, rates, lengths, gaps, sessions, prefix sharing.
 *
 *     struct workload_info info;
 *     workload_info_compute(&w, &report, &info);
 *     printf("%zu requests, inter-arrival CV %.3f\n", info.requests, info.interarrival_cv);
 *     workload_info_free(&info);
 *
 * Terms. Duration: last minus first timestamp. Rate: requests / duration. Gaps: between
 * timestamps in time order (ties in file order). Their CV is σ/mean with the population's σ
 * (divided by n); stddev of lengths is the sample's (n − 1). Percentiles are type 7. What cannot be
 * told (no times, one request, no blocks) is NaN here, null in JSON, a dash in text.
 *
 * Prefix hits with an infinite cache: requests in time order; the hit is the leading run of blocks
 * that an earlier request had, and counts min(block_size × run, input_tokens) tokens. With answers:
 * a later turn of a conversation hits the answers that it repeats too
 * (workloads/model/later_turn.h), as a server does, in blocks of INFO_SERVER_BLOCK tokens.
 *
 * The info owns its arrays and copies of its texts; it does not borrow the workload.
 */
#ifndef FAREBOX_WORKLOADS_DESCRIBE_INFO_H
#define FAREBOX_WORKLOADS_DESCRIBE_INFO_H

#include "core/buffer.h"
#include "core/json/json_write.h"
#include "core/stats/fit.h"
#include "workloads/model/workload.h"
#include "workloads/trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct info_summary {
    uint64_t count, total; /* total: exact sum */
    double mean, stddev, min, p50, p90, p99, max;
};

/* Hit ratio by tokens with a least-recently-used cache of so many blocks. */
struct info_cache_point {
    uint64_t blocks;
    double hit_ratio_tokens;
};

/* Hit ratio by tokens where a block not used for longer than this is gone. */
struct info_ttl_point {
    int64_t ttl_ns;
    double hit_ratio_tokens;
};

/* One of the equal parts of the duration: its requests, and the CV of the gaps that begin in it. */
struct info_window {
    double start_s;
    uint64_t requests;
    double rate_rps, interarrival_cv;
};

/* Counts in windows of one length: variance / mean (1 for Poisson arrivals) and largest / mean. */
struct info_dispersion {
    int64_t window_ns;
    double index, peak_to_mean;
};

/* The distribution that a sample is most like; unset where it cannot be fitted. */
struct info_fit {
    bool known;
    struct fit fit;
};

#define INFO_SERVER_BLOCK 16 /* tokens of a KV block, vLLM's default */
#define INFO_WINDOWS 24
#define INFO_DISPERSIONS 6
#define INFO_CACHE_POINTS 40
#define INFO_TTL_POINTS 6

/* What takes longer to find, see workload_info_add_detail. */
struct workload_detail {
    struct info_window windows[INFO_WINDOWS];
    size_t window_count; /* 0: no duration */
    struct info_dispersion dispersion[INFO_DISPERSIONS];
    size_t dispersion_count;
    struct info_cache_point cache[INFO_CACHE_POINTS]; /* sizes double; the last holds everything */
    size_t cache_count;
    struct info_ttl_point ttl[INFO_TTL_POINTS];
    size_t ttl_count;
    struct info_fit input, output, interarrival_s;
};

struct workload_info {
    char *name, *format;                         /* NULL where unknown */
    size_t requests, failed, aborted, dependent; /* dependent: wait for other requests */
    size_t rows;    /* of a usage report, which stand for many requests each; else 0 */
    bool uncounted; /* some do not say how many: `requests` are no more than certain */
    bool has_start;
    int64_t start_unix_ns;
    bool has_duration;
    int64_t duration_ns;
    double rate_rps;
    struct info_summary input_tokens, output_tokens;
    size_t empty_outputs; /* requests with no output token */
    double interarrival_mean_s, interarrival_cv;
    size_t sessions, models, classes;
    struct info_summary turns_per_session;
    uint32_t block_size; /* 0: no prefix blocks */
    uint64_t blocks, distinct_blocks, hit_blocks, hit_tokens;
    double hit_ratio_tokens, hit_ratio_blocks;
    double hit_ratio_answers; /* of tokens, with answers; NaN where no turn repeats one */
    bool has_usage;           /* the recording says what was cached, written, thought */
    uint64_t cached_tokens, written_tokens, reasoning_tokens;
    uint64_t media_tokens[USAGE_MEDIA_CLASSES];
    bool has_detail;
    struct workload_detail detail;
    struct trace_report report; /* zero where there was none */
};

/* `report` may be NULL (a workload that was not read from a file). */
void workload_info_compute(const struct workload *w, const struct trace_report *report,
                           struct workload_info *out);
void workload_info_free(struct workload_info *info);

/* Tokens over input tokens that a cache which forgets nothing hits, with answers; NaN where no turn
 * is known to repeat one. */
double workload_answers_hit_ratio(const struct workload *w);

/* Adds burstiness over time, hit ratios against cache size and idle time, and fitted distributions.
 *
 * Cache size: a block is there if fewer than `blocks` different blocks were used since its last use
 * (Mattson's stack distance, 1970); of one request's blocks the last ones count as used first, so
 * that a prefix's tail goes before its root. Block k of a leading run hits where all blocks up to
 * it do. Fits are made of at most 100,000 values, evenly taken from the file. */
void workload_info_add_detail(const struct workload *w, struct workload_info *info);

/* The object of `workload info --json`. */
void workload_info_put_json(const struct workload_info *info, struct json_writer *w);

/* The same for people: its table is `width` columns wide. */
void workload_info_put_text(const struct workload_info *info, int width, struct buffer *out);

/* A summary's keys: mean, stddev, min, p50, p90, p99, max (whole object null without values). */
void info_summary_put_json(const struct info_summary *s, struct json_writer *w);

/* Of `count` unsigned numbers. */
void info_summarise(const uint32_t *values, size_t count, struct info_summary *out);

#endif
