/* What a cache that forgets nothing would hit where answers enter it too. */
#include "workloads/describe/info.h"

#include "core/memory.h"
#include "workloads/model/block_set.h"
#include "workloads/model/later_turn.h"

#include <math.h>
#include <stdlib.h>

/* The trace's blocks, each with its tokens that are there: the last one of an answer is not. */
struct held {
    struct block_set blocks;
    uint32_t *tokens;
    size_t capacity;
};

static uint32_t within(const struct workload *w, uint64_t tokens, size_t block)
{
    uint64_t begin = (uint64_t)block * w->block_size;
    uint64_t left = tokens > begin ? tokens - begin : 0;
    return left < w->block_size ? (uint32_t)left : w->block_size;
}

/* Whole blocks of the server; a prompt's last token is always computed. */
static uint64_t find_hit(const struct workload *w, uint32_t row, const uint64_t *ids, size_t count,
                         const struct held *h)
{
    uint64_t hit = 0, most = w->input_tokens[row] ? w->input_tokens[row] - 1 : 0;
    for (size_t k = 0; k < count; k++) {
        uint32_t block = block_set_find(&h->blocks, ids[k]);
        if (block == BLOCK_NONE)
            break;
        hit += h->tokens[block];
        if (h->tokens[block] < w->block_size)
            break;
    }
    hit = hit < most ? hit : most;
    return hit - hit % INFO_SERVER_BLOCK;
}

static void hold(const struct workload *w, uint64_t tokens, const uint64_t *ids, size_t count,
                 struct held *h)
{
    for (size_t k = 0; k < count && within(w, tokens, k); k++) {
        uint32_t block = block_set_add(&h->blocks, ids[k]), here = within(w, tokens, k);
        size_t known = h->capacity;
        mem_grow(&h->tokens, &h->capacity, h->blocks.count, sizeof *h->tokens);
        for (; known < h->capacity; known++)
            h->tokens[known] = 0;
        h->tokens[block] = here > h->tokens[block] ? here : h->tokens[block];
    }
}

/* The row's blocks by the names that the last turn gives them. */
static uint64_t use(const struct workload *w, uint32_t row, uint32_t later, struct held *h)
{
    uint64_t tokens = w->input_tokens[row];
    uint32_t named = row;
    if (later != LATER_TURN_NONE) {
        named = later;
        tokens += w->output_tokens[row] - 1;
    }
    const uint64_t *ids = w->hash_ids + w->hash_start[named];
    size_t count = (size_t)(w->hash_start[named + 1] - w->hash_start[named]);
    uint64_t hit = find_hit(w, row, ids, count, h);
    hold(w, tokens, ids, count, h);
    return hit;
}

double workload_answers_hit_ratio(const struct workload *w)
{
    uint32_t *later = later_turns_find(w);
    if (!later)
        return NAN;
    struct held h = {0};
    uint64_t hit = 0, input = 0;
    uint32_t *order = workload_time_order(w);
    block_set_init(&h.blocks);
    for (size_t i = 0; i < w->count; i++) {
        hit += use(w, order[i], later[order[i]], &h);
        input += w->input_tokens[order[i]];
    }
    block_set_free(&h.blocks);
    free(h.tokens);
    free(order);
    free(later);
    return input ? (double)hit / (double)input : NAN;
}
