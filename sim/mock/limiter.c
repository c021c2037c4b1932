#include "sim/mock/limiter.h"

#include "core/clock.h"

#include <stdio.h>

static void bucket_init(struct bucket *b, uint64_t limit, int64_t period_ns, int64_t now_ns)
{
    *b = (struct bucket){limit, period_ns, now_ns, (bucket_level)limit * (uint64_t)period_ns};
}

static void bucket_refill(struct bucket *b, int64_t now_ns)
{
    bucket_level full = (bucket_level)b->limit * (uint64_t)b->period_ns;
    if (now_ns > b->at_ns) {
        b->level += (bucket_level)b->limit * (uint64_t)(now_ns - b->at_ns);
        b->at_ns = now_ns;
    }
    if (b->level > full)
        b->level = full;
}

/* Time until the bucket holds `level`; rounded up. */
static int64_t bucket_wait_ns(const struct bucket *b, bucket_level level)
{
    if (b->limit == 0 || level <= b->level)
        return 0;
    return (int64_t)((level - b->level + b->limit - 1) / b->limit);
}

static bucket_level bucket_cost(const struct bucket *b, uint64_t count)
{
    return (bucket_level)count * (uint64_t)b->period_ns;
}

static bool bucket_lacks(const struct bucket *b, uint64_t count)
{
    return b->limit > 0 && b->level < bucket_cost(b, count);
}

static void bucket_take(struct bucket *b, uint64_t count)
{
    if (b->limit > 0)
        b->level -= bucket_cost(b, count);
}

static uint64_t bucket_left(const struct bucket *b)
{
    return (uint64_t)(b->level / (uint64_t)b->period_ns);
}

static int64_t bucket_reset_ns(const struct bucket *b)
{
    return bucket_wait_ns(b, bucket_cost(b, b->limit));
}

void limiter_init(struct limiter *l, const struct limit_rules *rules, int64_t now_ns)
{
    *l = (struct limiter){.rules = *rules};
    bucket_init(&l->rpm, rules->rpm, 60 * NS_PER_S, now_ns);
    bucket_init(&l->tpm, rules->tpm, 60 * NS_PER_S, now_ns);
    bucket_init(&l->rpd, rules->rpd, 86400 * NS_PER_S, now_ns);
}

static enum limit find_hit(const struct limiter *l, uint64_t tokens, int64_t *wait_ns)
{
    if (bucket_lacks(&l->rpd, 1)) {
        *wait_ns = bucket_wait_ns(&l->rpd, bucket_cost(&l->rpd, 1));
        return LIMIT_RPD;
    }
    if (bucket_lacks(&l->rpm, 1)) {
        *wait_ns = bucket_wait_ns(&l->rpm, bucket_cost(&l->rpm, 1));
        return LIMIT_RPM;
    }
    if (bucket_lacks(&l->tpm, tokens)) {
        *wait_ns = bucket_wait_ns(&l->tpm, bucket_cost(&l->tpm, tokens));
        return LIMIT_TPM;
    }
    if (l->rules.concurrency && l->running >= l->rules.concurrency) {
        *wait_ns = NS_PER_S;
        return LIMIT_CONCURRENCY;
    }
    return LIMIT_NONE;
}

/* The request headers tell of the minute, unless only the day is limited. */
static void describe(const struct limiter *l, struct limit_answer *out)
{
    const struct bucket *r = l->rpm.limit ? &l->rpm : &l->rpd;
    out->has_requests = r->limit > 0;
    out->limit_requests = r->limit;
    out->remaining_requests = bucket_left(r);
    out->reset_requests_ns = bucket_reset_ns(r);
    out->has_tokens = l->tpm.limit > 0;
    out->limit_tokens = l->tpm.limit;
    out->remaining_tokens = bucket_left(&l->tpm);
    out->reset_tokens_ns = bucket_reset_ns(&l->tpm);
}

enum limit limiter_take(struct limiter *l, int64_t now_ns, uint64_t tokens,
                        struct limit_answer *out)
{
    *out = (struct limit_answer){0};
    bucket_refill(&l->rpm, now_ns);
    bucket_refill(&l->tpm, now_ns);
    bucket_refill(&l->rpd, now_ns);
    out->hit = find_hit(l, tokens, &out->retry_after_ns);
    out->too_large = out->hit == LIMIT_TPM && tokens > l->tpm.limit;
    if (out->hit == LIMIT_NONE) {
        bucket_take(&l->rpm, 1);
        bucket_take(&l->rpd, 1);
        bucket_take(&l->tpm, tokens);
        l->running++;
    }
    describe(l, out);
    return out->hit;
}

void limiter_release(struct limiter *l)
{
    if (l->running > 0)
        l->running--;
}

void limit_format_duration(int64_t ns, char out[LIMIT_DURATION_SIZE])
{
    int64_t ms = (ns + NS_PER_MS - 1) / NS_PER_MS;
    if (ms < 1000) {
        snprintf(out, LIMIT_DURATION_SIZE, "%lldms", (long long)ms);
        return;
    }
    long long hours = ms / 3600000, minutes = ms / 60000 % 60;
    double seconds = (double)(ms % 60000) / 1000;
    if (hours)
        snprintf(out, LIMIT_DURATION_SIZE, "%lldh%lldm%gs", hours, minutes, seconds);
    else if (minutes)
        snprintf(out, LIMIT_DURATION_SIZE, "%lldm%gs", minutes, seconds);
    else
        snprintf(out, LIMIT_DURATION_SIZE, "%gs", seconds);
}

static void add_group(struct buffer *out, const char *what, uint64_t limit, uint64_t remaining,
                      int64_t reset_ns)
{
    char reset[LIMIT_DURATION_SIZE];
    limit_format_duration(reset_ns, reset);
    buffer_add_format(out,
                      "x-ratelimit-limit-%s: %llu\r\nx-ratelimit-remaining-%s: %llu\r\n"
                      "x-ratelimit-reset-%s: %s\r\n",
                      what, (unsigned long long)limit, what, (unsigned long long)remaining, what,
                      reset);
}

static void add_retry(const struct limit_answer *a, struct buffer *out)
{
    if (a->hit != LIMIT_NONE)
        buffer_add_format(out, "retry-after: %lld\r\nretry-after-ms: %lld\r\n",
                          (long long)((a->retry_after_ns + NS_PER_S - 1) / NS_PER_S),
                          (long long)((a->retry_after_ns + NS_PER_MS - 1) / NS_PER_MS));
}

void limiter_add_headers(const struct limit_answer *a, struct buffer *out)
{
    if (a->has_requests)
        add_group(out, "requests", a->limit_requests, a->remaining_requests, a->reset_requests_ns);
    if (a->has_tokens)
        add_group(out, "tokens", a->limit_tokens, a->remaining_tokens, a->reset_tokens_ns);
    add_retry(a, out);
}

static void add_anthropic_group(struct buffer *out, const char *what, uint64_t limit,
                                uint64_t remaining, int64_t reset_unix_ns)
{
    char reset[CLOCK_INSTANT_SIZE];
    clock_format_instant(reset_unix_ns, reset);
    buffer_add_format(out,
                      "anthropic-ratelimit-%s-limit: %llu\r\nanthropic-ratelimit-%s-remaining: "
                      "%llu\r\nanthropic-ratelimit-%s-reset: %s\r\n",
                      what, (unsigned long long)limit, what, (unsigned long long)remaining, what,
                      reset);
}

void limiter_add_anthropic_headers(const struct limit_answer *a, int64_t unix_ns,
                                   struct buffer *out)
{
    if (a->has_requests)
        add_anthropic_group(out, "requests", a->limit_requests, a->remaining_requests,
                            unix_ns + a->reset_requests_ns);
    if (a->has_tokens)
        add_anthropic_group(out, "tokens", a->limit_tokens, a->remaining_tokens,
                            unix_ns + a->reset_tokens_ns);
    add_retry(a, out);
}

const char *limit_name(enum limit hit)
{
    static const char *const names[] = {
        [LIMIT_NONE] = "",
        [LIMIT_RPM] = "requests per min (RPM)",
        [LIMIT_TPM] = "tokens per min (TPM)",
        [LIMIT_RPD] = "requests per day (RPD)",
        [LIMIT_CONCURRENCY] = "requests at once",
    };
    return names[hit];
}
