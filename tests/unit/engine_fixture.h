/* Requests on an engine, and what became of them: jumps, single steps and token by token.
 *
 *     jobs[0] = plain_job(0, 600, 40, 0);
 *     struct engine_state state = run_jobs(&config, jobs, 1, 16, &one);
 *     ck_assert_uint_eq(one.fates[0].tokens, 40);
 *     compare(config, seed, 16, true);             // a crowd, three times: the same nanoseconds
 */
#ifndef FAREBOX_TESTS_ENGINE_FIXTURE_H
#define FAREBOX_TESTS_ENGINE_FIXTURE_H

#include "core/memory.h"
#include "core/random.h"
#include "sim/engine/engine.h"
#include "testing.h"

#include <string.h>

#define MAX_REQUESTS 400

/* What became of one request. */
struct fate {
    int64_t first_ns, done_ns;
    uint32_t cached, tokens;
    uint64_t times_hash;
    bool in_order;
};

struct heard {
    struct engine *engine;
    bool per_token;
    uint32_t drafts;
    int64_t last_ns;
    struct fate fates[MAX_REQUESTS];
    int64_t times[4096];
};

static inline uint64_t add_time(uint64_t hash, int64_t ns)
{
    return random_mix(hash, (uint64_t)ns);
}

static inline void hear_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count,
                               int64_t at_ns)
{
    struct heard *h = context;
    struct fate *f = &h->fates[tag];
    ck_assert_int_ge(at_ns, h->last_ns);
    h->last_ns = at_ns;
    ck_assert(count == 1 || (count > 0 && h->drafts > 0 && first > 0));
    if (first == 0)
        f->first_ns = at_ns;
    if (!h->per_token)
        return;
    ck_assert_uint_eq(first, f->tokens);
    for (; count > 0; count--, f->tokens++)
        f->times_hash = add_time(f->times_hash, at_ns);
}

static inline void hear_done(void *context, uint64_t tag, uint32_t cached, int64_t at_ns)
{
    struct heard *h = context;
    struct fate *f = &h->fates[tag];
    ck_assert_int_ge(at_ns, h->last_ns);
    ck_assert_int_eq(f->done_ns, 0);
    h->last_ns = at_ns;
    f->done_ns = at_ns;
    f->cached = cached;
    if (h->per_token)
        return;
    size_t count = engine_token_times(h->engine, h->times, 4096);
    f->tokens = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        f->times_hash = add_time(f->times_hash, h->times[i]);
    if (count) {
        ck_assert_int_eq(h->times[0], f->first_ns);
        ck_assert_int_eq(h->times[count - 1], at_ns);
    }
}

struct job {
    int64_t at_ns, cancel_ns; /* cancel_ns: TIME_NEVER = never */
    uint32_t input, output;
    int32_t priority;
    uint64_t ids[64];
    size_t id_count;
    uint32_t named; /* tokens of the later prompt whose ids these are; 0 = they are its own */
};

static inline struct engine_config small_config(void)
{
    struct engine_config c;
    engine_config_init(&c);
    snprintf(c.name, sizeof c.name, "test");
    c.kv_blocks = 200;
    c.max_num_seqs = 16;
    c.max_num_batched_tokens = 256;
    c.steps = (struct step_constants){.k = 1,
                                      .w0 = 10,
                                      .w1 = 0.01,
                                      .c0 = 2,
                                      .c1 = 0.08,
                                      .ap = 4.021,
                                      .kappa = 138.1,
                                      .d0 = 0.4,
                                      .d1 = 0.006,
                                      .s0 = 1.1,
                                      .s1 = 0.003};
    return c;
}

static inline void submit_job(struct engine *e, const struct job *job, uint64_t tag,
                              uint32_t block_size)
{
    struct engine_request r = {.tag = tag,
                               .input_tokens = job->input,
                               .output_tokens = job->output,
                               .priority = job->priority,
                               .hash_ids = job->ids,
                               .hash_count = job->id_count,
                               .block_size = block_size,
                               .named_tokens = job->named};
    ck_assert_int_eq(engine_submit(e, job->at_ns, &r), ENGINE_ACCEPTED);
}

/* Runs the jobs (sorted by time); cancels come at their own instants. */
static inline struct engine_state run_jobs(const struct engine_config *config,
                                           const struct job *jobs, size_t count,
                                           uint32_t block_size, struct heard *h)
{
    struct engine *e = engine_create(config, 7, NULL);
    ck_assert_ptr_nonnull(e);
    memset(h, 0, sizeof *h);
    h->engine = e;
    h->per_token = config->per_token;
    h->drafts = config->speculative.num_speculative_tokens;
    struct engine_sink sink = {.context = h, .on_tokens = hear_tokens, .on_done = hear_done};
    size_t next = 0;
    bool cancelled[MAX_REQUESTS] = {false};
    for (;;) {
        int64_t at = engine_next_ns(e);
        size_t victim = count;
        if (next < count && jobs[next].at_ns < at)
            at = jobs[next].at_ns;
        for (size_t i = 0; i < next; i++)
            if (!cancelled[i] && jobs[i].cancel_ns < at) {
                at = jobs[i].cancel_ns;
                victim = i;
            }
        if (at == TIME_NEVER)
            break;
        engine_advance(e, at, &sink);
        if (victim < count) {
            engine_cancel(e, at, victim);
            cancelled[victim] = true;
        }
        for (; next < count && jobs[next].at_ns <= at; next++)
            submit_job(e, &jobs[next], next, block_size);
    }
    struct engine_state state;
    engine_state(e, &state);
    ck_assert_uint_eq(state.running + state.waiting, 0);
    ck_assert_uint_eq(state.kv_blocks_used, 0);
    engine_free(e);
    return state;
}

/* A crowd with shared prefixes, bursts, and requests that nearly fill the memory; with answers,
 * blocks of every second one's answer have names that others' prompts and answers may have too. */
static inline void make_jobs(struct job *jobs, size_t count, uint64_t seed, uint32_t block_size,
                             bool cancels, bool answers)
{
    struct random r;
    random_init(&r, seed, RANDOM_TEST, 0);
    int64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        struct job *j = &jobs[i];
        at += random_below(&r, 3) ? (int64_t)random_below(&r, 60 * NS_PER_MS) : 0;
        *j = (struct job){.at_ns = at, .cancel_ns = TIME_NEVER};
        j->input = 1 + (uint32_t)random_below(&r, 600);
        j->output = random_below(&r, 20) ? (uint32_t)random_below(&r, 120) + 1 : 0;
        if (random_below(&r, 30) == 0)
            j->input = 2400;
        if (answers && j->input <= 600 && j->output > 0 && random_below(&r, 2))
            j->named = j->input + j->output + (uint32_t)random_below(&r, 40);
        j->id_count = ((j->named ? j->named : j->input) + block_size - 1) / block_size;
        uint64_t family = random_below(&r, 6), shared = random_below(&r, j->id_count + 1);
        for (size_t b = 0; b < j->id_count && b < 64; b++)
            j->ids[b] = b < shared ? family * 1000 + b : random_u64(&r);
        if (j->id_count > 64)
            j->id_count = 64;
        if (cancels && random_below(&r, 5) == 0)
            j->cancel_ns = at + (int64_t)random_below(&r, 3 * NS_PER_S);
        j->priority = (int32_t)random_below(&r, 5) - 2;
    }
}

static inline void same_fates(const struct heard *a, const struct heard *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(a->fates[i].first_ns, b->fates[i].first_ns);
        ck_assert_int_eq(a->fates[i].done_ns, b->fates[i].done_ns);
        ck_assert_uint_eq(a->fates[i].cached, b->fates[i].cached);
        if (a->fates[i].done_ns == 0)
            continue;
        ck_assert_uint_eq(a->fates[i].tokens, b->fates[i].tokens);
        ck_assert_uint_eq(a->fates[i].times_hash, b->fates[i].times_hash);
    }
}

static struct job jobs[MAX_REQUESTS];
static struct heard one, two, three;

/* Jumps, single steps and token by token are the same run. */
static inline struct engine_state compare(struct engine_config config, uint64_t seed,
                                          uint32_t block_size, bool cancels)
{
    make_jobs(jobs, 300, seed, block_size, cancels, config.generated);
    struct engine_state a = run_jobs(&config, jobs, 300, block_size, &one);
    config.no_jumps = true;
    struct engine_state b = run_jobs(&config, jobs, 300, block_size, &two);
    config.per_token = true;
    run_jobs(&config, jobs, 300, block_size, &three);
    same_fates(&one, &two, 300);
    same_fates(&one, &three, 300);
    ck_assert_uint_eq(a.steps, b.steps);
    ck_assert_uint_eq(a.preemptions, b.preemptions);
    ck_assert_uint_eq(a.cached_tokens, b.cached_tokens);
    if (!cancels) /* of those the jump under way is not told */
        ck_assert_uint_eq(a.output_tokens, b.output_tokens);
    ck_assert_uint_eq(a.drafts, b.drafts);
    ck_assert_uint_eq(a.accepted_tokens, b.accepted_tokens);
    return a;
}

static inline struct job plain_job(int64_t at_ns, uint32_t input, uint32_t output, int32_t priority)
{
    return (struct job){at_ns, TIME_NEVER, input, output, priority, {0}, 0, 0};
}

#endif
