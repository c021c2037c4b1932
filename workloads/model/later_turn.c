#include "workloads/model/later_turn.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define LOOKED_AT 16 /* following requests of a conversation */
#define MOST_BACKWARD 4

/* Of a class of requests: how often a later prompt repeats an earlier one, and the reverse. */
struct tally {
    uint64_t forward, backward;
};

static size_t id_count(const struct workload *w, uint32_t row)
{
    return (size_t)(w->hash_start[row + 1] - w->hash_start[row]);
}

/* Whether the prompt of `later` can be that of `row` with its answer and more. */
static bool repeats(const struct workload *w, uint32_t row, uint32_t later)
{
    uint64_t both = (uint64_t)w->input_tokens[row] + w->output_tokens[row];
    size_t full = w->input_tokens[row] / w->block_size;
    if (w->output_tokens[row] == 0 || w->input_tokens[later] < both || id_count(w, row) < full ||
        id_count(w, later) < full)
        return false;
    return memcmp(w->hash_ids + w->hash_start[row], w->hash_ids + w->hash_start[later],
                  full * sizeof *w->hash_ids) == 0;
}

/* The conversation of each row: a session's number, or that of the row that the others wait for. */
static uint64_t *conversations(const struct workload *w)
{
    uint64_t *out = mem_alloc(w->count * sizeof *out);
    for (size_t i = 0; i < w->count; i++) {
        out[i] = w->sessions.count + i;
        if (w->session && w->session[i] != NAME_NONE)
            out[i] = w->session[i];
        else if (w->after_start && w->after_start[i] < w->after_start[i + 1] &&
                 w->after[w->after_start[i]] < i)
            out[i] = out[w->after[w->after_start[i]]];
    }
    return out;
}

/* By row the following one of its conversation, in time order. */
static uint32_t *followers(const struct workload *w)
{
    size_t groups = w->sessions.count + w->count;
    uint64_t *group = conversations(w);
    uint32_t *order = workload_time_order(w), *first = mem_alloc(groups * sizeof *first);
    uint32_t *out = mem_alloc(w->count * sizeof *out);
    memset(first, 0xFF, groups * sizeof *first);
    for (size_t k = w->count; k-- > 0;) {
        uint32_t row = order[k];
        out[row] = first[group[row]];
        first[group[row]] = row;
    }
    free(group);
    free(order);
    free(first);
    return out;
}

static size_t class_of(const struct workload *w, uint32_t row)
{
    bool named = w->class_number && w->class_number[row] != UINT16_MAX;
    return named ? w->class_number[row] : w->classes.count;
}

static uint32_t look_ahead(const struct workload *w, const uint32_t *follower, uint32_t row,
                           struct tally *tally)
{
    uint32_t next = LATER_TURN_NONE, later = follower[row];
    bool backward = false;
    for (int i = 0; i < LOOKED_AT && later != LATER_TURN_NONE; i++, later = follower[later]) {
        if (next == LATER_TURN_NONE && repeats(w, row, later))
            next = later;
        backward = backward || repeats(w, later, row);
    }
    tally->forward += next != LATER_TURN_NONE;
    tally->backward += backward;
    return next;
}

/* From each row's next turn to its last one. Every row on the way is set, so that none is walked
 * through twice. */
static void go_to_the_last(uint32_t *next, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t last = (uint32_t)i;
        while (next[last] != LATER_TURN_NONE)
            last = next[last];
        for (uint32_t row = (uint32_t)i; row != last;) {
            uint32_t following = next[row];
            next[row] = last;
            row = following;
        }
    }
}

uint32_t *later_turns_find(const struct workload *w)
{
    if (!w->hash_start || w->block_size == 0 || (!w->session && !w->after_start))
        return NULL;
    struct tally *tallies = mem_zero(w->classes.count + 1, sizeof *tallies);
    uint32_t *follower = followers(w), *next = mem_alloc(w->count * sizeof *next);
    uint64_t known = 0;
    for (uint32_t row = 0; row < w->count; row++)
        next[row] = look_ahead(w, follower, row, &tallies[class_of(w, row)]);
    for (uint32_t row = 0; row < w->count; row++) {
        const struct tally *t = &tallies[class_of(w, row)];
        if (t->backward * MOST_BACKWARD > t->forward)
            next[row] = LATER_TURN_NONE;
        known += next[row] != LATER_TURN_NONE;
    }
    go_to_the_last(next, w->count);
    free(follower);
    free(tallies);
    if (known)
        return next;
    free(next);
    return NULL;
}
