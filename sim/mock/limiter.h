/* Rate limits of one API key: requests and tokens a minute, requests a day, requests at once.
 *
 * Each limit is a bucket that holds as much as its limit and refills evenly over its period, as
 * OpenAI's do. A request takes one from the request buckets and its tokens from the token bucket,
 * or nothing from any.
 *
 *     struct limiter l;
 *     limiter_init(&l, &rules, now_ns);
 *     struct limit_answer a;
 *     if (limiter_take(&l, now_ns, tokens, &a) != LIMIT_NONE)
 *         refuse(a.retry_after_ns);
 *     ...
 *     limiter_release(&l);                 // the request is over
 *
 * Time is an argument and may not run backwards. A plain value; it owns nothing.
 */
#ifndef FAREBOX_SIM_MOCK_LIMITER_H
#define FAREBOX_SIM_MOCK_LIMITER_H

#include "core/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* 0 = no limit. At most 10^12 each. */
struct limit_rules {
    uint64_t rpm, tpm, rpd, concurrency;
};

enum limit { LIMIT_NONE, LIMIT_RPM, LIMIT_TPM, LIMIT_RPD, LIMIT_CONCURRENCY };

__extension__ typedef unsigned __int128 bucket_level;

struct bucket {
    uint64_t limit;
    int64_t period_ns, at_ns;
    bucket_level level; /* what is left, in 1/period_ns of one */
};

struct limiter {
    struct limit_rules rules;
    struct bucket rpm, tpm, rpd;
    uint64_t running;
};

/* What the client is told, whether it was let in or not. */
struct limit_answer {
    enum limit hit;
    bool too_large;         /* more tokens than the bucket can ever hold */
    int64_t retry_after_ns; /* when it was refused; concurrency has no such time: 1 s */
    bool has_requests, has_tokens;
    uint64_t limit_requests, remaining_requests, limit_tokens, remaining_tokens;
    int64_t reset_requests_ns, reset_tokens_ns; /* until the bucket is full */
};

void limiter_init(struct limiter *l, const struct limit_rules *rules, int64_t now_ns);

/* Lets a request of so many tokens in, or says which limit it hit; fills `out`. */
enum limit limiter_take(struct limiter *l, int64_t now_ns, uint64_t tokens,
                        struct limit_answer *out);

/* A request that was let in has ended. */
void limiter_release(struct limiter *l);

/* x-ratelimit-* lines and, where it was refused, retry-after (whole seconds, rounded up) and
 * retry-after-ms, each with CRLF. */
void limiter_add_headers(const struct limit_answer *a, struct buffer *out);

/* The same under Anthropic's names, anthropic-ratelimit-*: a bucket is full at an instant of the
 * wall clock, which shows `unix_ns` now. */
void limiter_add_anthropic_headers(const struct limit_answer *a, int64_t unix_ns,
                                   struct buffer *out);

/* "1s", "6m0s", "1h2m3s", "250ms": durations as in those headers. */
#define LIMIT_DURATION_SIZE 40
void limit_format_duration(int64_t ns, char out[LIMIT_DURATION_SIZE]);

/* "requests per min (RPM)", ... */
const char *limit_name(enum limit hit);

#endif
