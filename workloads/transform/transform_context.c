/* Transforms of what a session carries: truncation, response caches, tool calls one by one or side
 * by side. */
#include "workloads/transform/transform_rewrite.h"

#include "core/memory.h"
#include "core/random.h"
#include "workloads/model/block_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prefix blocks after the input's length changed; `ids` is reused from row to row. */
struct blocks {
    uint64_t *ids;
    size_t capacity;
};

static size_t blocks_for(uint64_t tokens, uint32_t block_size)
{
    return (size_t)((tokens + block_size - 1) / block_size);
}

static void set_input(struct request *r, uint64_t tokens)
{
    r->input_tokens = tokens < WORKLOAD_MAX_TOKENS ? (uint32_t)tokens : WORKLOAD_MAX_TOKENS;
    r->has_usage = false; /* what was recorded was recorded for another input */
    uint64_t *t = r->usage.tokens;
    if (usage_output(&r->usage) > t[USAGE_OUTPUT]) {
        r->has_usage = true;
        for (int c = 0; c < USAGE_CLASSES; c++)
            t[c] = usage_is_output((enum usage_class)c) ? t[c] : 0;
        usage_fit(&r->usage, r->input_tokens, r->output_tokens);
        r->usage.extras = NULL;
        r->usage.extra_count = 0;
    }
}

/* Drops `cut` tokens behind the first `head`. The whole blocks of the head stay; the others become
 * new ones, the same for the same text cut at the same place. */
static void cut_blocks(struct blocks *b, struct request *r, uint64_t head, uint64_t cut)
{
    if (r->hash_count == 0)
        return;
    size_t same = (size_t)(head / r->block_size);
    uint64_t left = (uint64_t)r->input_tokens - cut;
    size_t count = blocks_for(left, r->block_size), shift = r->hash_count - count;
    if (count > r->hash_count)
        return;
    mem_grow((void **)&b->ids, &b->capacity, count + 1, sizeof *b->ids);
    for (size_t i = 0; i < count; i++)
        b->ids[i] = i < same ? r->hash_ids[i] : random_mix(r->hash_ids[i + shift], cut) >> 11;
    r->hash_ids = b->ids;
    r->hash_count = count;
}

struct truncation {
    const struct transform *t;
    const uint64_t *before; /* tokens said before the turns that are kept */
    struct blocks blocks;
    uint64_t dropped;
};

static bool truncate_row(void *context, size_t row, struct request *r)
{
    struct truncation *c = context;
    uint64_t input = r->input_tokens, cut = 0, head = c->t->head;
    if (c->t->tokens)
        cut = input > c->t->tokens ? input - c->t->tokens : 0;
    else if (c->before[row] > head && c->before[row] < input)
        cut = c->before[row] - head;
    if (cut == 0)
        return false;
    cut_blocks(&c->blocks, r, head, cut);
    set_input(r, input - cut);
    c->dropped += cut;
    return true;
}

/* For each row, input and output of the turn `turns` before it in its session: all that was said
 * before the turns that are kept. 0 where there is no such turn. */
static uint64_t *said_before(const struct workload *w, uint32_t turns)
{
    uint64_t *before = mem_zero(w->count + 1, sizeof *before);
    uint32_t *parent = mem_alloc((w->count + 1) * sizeof *parent);
    uint32_t *last = mem_alloc((w->sessions.count + 1) * sizeof *last);
    int64_t *times = rewrite_begin_times(w);
    uint32_t *order = workload_order_by(times, w->count);
    memset(last, 0xff, (w->sessions.count + 1) * sizeof *last);
    for (size_t k = 0; k < w->count; k++) {
        uint32_t i = order[k], session = w->session ? w->session[i] : NAME_NONE;
        parent[i] = UINT32_MAX;
        if (session == NAME_NONE)
            continue;
        parent[i] = last[session];
        last[session] = i;
    }
    for (size_t i = 0; i < w->count; i++) {
        uint32_t at = (uint32_t)i;
        for (uint32_t n = 0; n < turns && at != UINT32_MAX; n++)
            at = parent[at];
        if (at != UINT32_MAX)
            before[i] = (uint64_t)w->input_tokens[at] + w->output_tokens[at];
    }
    free(parent);
    free(last);
    free(times);
    free(order);
    return before;
}

int transform_truncate(const struct transform *t, uint64_t seed, struct workload *w,
                       struct transform_report *report, struct error *err)
{
    (void)seed;
    if (t->turns && !w->session)
        return error_set(err, ERR_INPUT,
                         "this workload has no sessions, so there are no turns to "
                         "cut at; truncate=tokens:N needs none");
    uint64_t *before = t->turns ? said_before(w, t->turns) : NULL;
    struct truncation c = {.t = t, .before = before};
    int status = rewrite_rows(w, NULL, truncate_row, &c, &report->changed, err);
    snprintf(report->text, sizeof report->text, "truncate: %llu tokens cut from %llu requests",
             (unsigned long long)c.dropped, (unsigned long long)report->changed);
    free(c.blocks.ids);
    free(before);
    return status;
}

/* What makes two requests the same prompt: messages, or the prefix blocks; 0 = cannot be told. */
static uint64_t prompt_key(const struct request *r)
{
    uint64_t key = 0;
    if (r->messages.length)
        key = text_hash(r->messages.at, r->messages.length);
    else if (r->hash_count)
        key = text_hash((const char *)r->hash_ids, r->hash_count * sizeof *r->hash_ids);
    else
        return 0;
    key = random_mix(key, r->input_tokens);
    key = random_mix(key, r->model ? text_hash(r->model, strlen(r->model)) : 0);
    if (r->body.length)
        key = random_mix(key, text_hash(r->body.at, r->body.length));
    return key ? key : 1;
}

/* Exact repeats within the time since the answer was stored. */
static void find_repeats(const struct transform *t, const struct workload *w, bool *keep)
{
    struct block_set seen;
    size_t capacity = 0;
    int64_t *stored = NULL, *times = rewrite_begin_times(w);
    uint32_t *order = workload_order_by(times, w->count);
    block_set_init(&seen);
    for (size_t k = 0; k < w->count; k++) {
        struct request r;
        uint32_t i = order[k];
        workload_get(w, i, &r);
        uint64_t key = prompt_key(&r);
        if (key == 0)
            continue;
        size_t known = seen.count;
        uint32_t n = block_set_add(&seen, key);
        mem_grow((void **)&stored, &capacity, (size_t)n + 1, sizeof *stored);
        if (n < known && (t->ttl_ns == TIME_NEVER || times[i] - stored[n] <= t->ttl_ns))
            keep[i] = false;
        else
            stored[n] = times[i];
    }
    block_set_free(&seen);
    free(stored);
    free(times);
    free(order);
}

int transform_responses(const struct transform *t, uint64_t seed, struct workload *w,
                        struct transform_report *report, struct error *err)
{
    if (t->factor <= 0 && !w->hash_start && !w->messages_start)
        return error_set(err, ERR_INPUT,
                         "this workload has neither prefix blocks nor messages, so "
                         "nothing tells which prompts repeat; responses=hit:0.2 "
                         "needs neither");
    bool *keep = mem_alloc(w->count + 1);
    uint64_t before = w->count;
    for (size_t i = 0; i < w->count; i++) {
        double x = (double)(random_mix(seed ^ UINT64_C(0xcace), i) >> 11) * 0x1p-53;
        keep[i] = x >= t->factor;
    }
    if (t->factor <= 0)
        find_repeats(t, w, keep);
    int status = rewrite_rows(w, keep, NULL, NULL, NULL, err);
    report->changed = before - w->count;
    snprintf(report->text, sizeof report->text,
             "responses: %llu of %llu requests answered by the "
             "cache",
             (unsigned long long)report->changed, (unsigned long long)before);
    free(keep);
    return status;
}

/* Rows that a tools transform ties together: the row this one waits for instead, and the tokens
 * that its input gains or is set to. */
struct tie {
    uint32_t *parents; /* instead of `after`; parent_start[i] … parent_start[i + 1] */
    size_t *parent_start;
    size_t parent_count, parent_capacity;
    uint64_t *input; /* new input; UINT64_MAX = as it was */
    struct blocks blocks;
};

static void tie_row(struct tie *tie, size_t row, const uint32_t *parents, size_t count)
{
    mem_grow((void **)&tie->parents, &tie->parent_capacity, tie->parent_count + count + 1,
             sizeof *tie->parents);
    for (size_t i = 0; i < count; i++)
        tie->parents[tie->parent_count++] = parents[i];
    tie->parent_start[row + 1] = tie->parent_count;
}

static bool apply_tie(void *context, size_t row, struct request *r)
{
    struct tie *tie = context;
    size_t count = tie->parent_start[row + 1] - tie->parent_start[row];
    bool changed = count != r->after_count;
    for (size_t i = 0; i < count && !changed; i++)
        changed = r->after[i] != tie->parents[tie->parent_start[row] + i];
    r->after = tie->parents + tie->parent_start[row];
    r->after_count = count;
    uint64_t input = tie->input[row];
    if (input == UINT64_MAX || input == r->input_tokens)
        return changed;
    if (r->hash_count) {
        size_t blocks = blocks_for(input, r->block_size), old = r->hash_count;
        mem_grow((void **)&tie->blocks.ids, &tie->blocks.capacity, blocks + 1, sizeof(uint64_t));
        for (size_t i = 0; i < blocks; i++)
            tie->blocks.ids[i] = i + 1 < old || (i < old && input < r->input_tokens)
                                     ? r->hash_ids[i]
                                     : random_mix(r->hash_ids[old - 1], i + input) >> 11;
        r->hash_ids = tie->blocks.ids;
        r->hash_count = blocks;
    }
    set_input(r, input);
    return true;
}

static bool same_parents(const struct request *a, const struct request *b)
{
    return a->after_count == b->after_count && a->after_count > 0 &&
           !memcmp(a->after, b->after, a->after_count * sizeof *a->after);
}

static bool same_session(const struct workload *w, size_t a, size_t b)
{
    return w->session && w->session[a] != NAME_NONE && w->session[a] == w->session[b];
}

/* Side calls (neighbours that wait for the same rows) one after another, each with the answers of
 * those before it in its context. */
static void tie_serial(const struct workload *w, struct tie *tie)
{
    uint64_t answers = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct request r, before;
        workload_get(w, i, &r);
        bool follows = false;
        if (i > 0 && same_session(w, i, i - 1)) {
            workload_get(w, i - 1, &before);
            follows = same_parents(&r, &before);
        }
        if (!follows) {
            answers = 0;
            tie_row(tie, i, r.after, r.after_count);
            continue;
        }
        answers += before.output_tokens;
        tie->input[i] = r.input_tokens + answers;
        tie_row(tie, i, &(uint32_t){(uint32_t)(i - 1)}, 1);
    }
}

/* True if the row is a tool step: it waits only for its neighbour, and shortly. */
static bool is_step(const struct workload *w, size_t i, int64_t under_ns)
{
    struct request r;
    if (i == 0 || !same_session(w, i, i - 1))
        return false;
    workload_get(w, i, &r);
    return r.after_count == 1 && r.after[0] == i - 1 && r.timestamp_ns == TIME_NEVER &&
           r.delay_ns < under_ns;
}

/* Runs of `width` chained steps side by side, with the context that the first of them had; what
 * came after the run waits for all of it. */
static void tie_parallel(const struct workload *w, const struct transform *t, struct tie *tie)
{
    uint32_t *group = mem_alloc(t->width * sizeof *group);
    for (size_t i = 0; i < w->count;) {
        struct request r;
        uint32_t members = 0;
        /* The last step of a chain answers: it stays behind what it answers from. */
        while (members < t->width && i + members + 1 < w->count &&
               is_step(w, i + members, t->under_ns) && is_step(w, i + members + 1, t->under_ns)) {
            group[members] = (uint32_t)(i + members);
            members++;
        }
        workload_get(w, i, &r);
        if (members < 2) {
            tie_row(tie, i++, r.after, r.after_count);
            continue;
        }
        for (uint32_t m = 0; m < members; m++) {
            tie_row(tie, i + m, r.after, r.after_count);
            tie->input[i + m] = r.input_tokens;
        }
        i += members;
        tie_row(tie, i++, group, members); /* is a step too, see above */
    }
    free(group);
}

int transform_tools(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err)
{
    (void)seed;
    if (!w->session || !w->after_start)
        return error_set(err, ERR_INPUT,
                         "this workload has no sessions whose requests wait for "
                         "one another, so it has no tool calls to reorder");
    struct tie tie = {0};
    tie.parent_start = mem_zero(w->count + 1, sizeof *tie.parent_start);
    tie.input = mem_alloc((w->count + 1) * sizeof *tie.input);
    memset(tie.input, 0xff, (w->count + 1) * sizeof *tie.input);
    if (t->parallel)
        tie_parallel(w, t, &tie);
    else
        tie_serial(w, &tie);
    int status = rewrite_rows(w, NULL, apply_tie, &tie, &report->changed, err);
    snprintf(report->text, sizeof report->text, "tools: %llu requests reordered",
             (unsigned long long)report->changed);
    free(tie.parents);
    free(tie.parent_start);
    free(tie.input);
    free(tie.blocks.ids);
    return status;
}
