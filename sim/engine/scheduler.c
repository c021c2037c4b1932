/* Who runs in the next step: the rules of vLLM V1's scheduler. */
#include "sim/engine/replica_state.h"

#include "core/memory.h"

uint32_t tokens_made(const struct replica *r, const struct sequence *s)
{
    uint64_t steps = r->step - s->token_step;
    if (s->stage != SEQUENCE_DECODE)
        return s->made;
    return s->made + (uint32_t)(r->acceptance ? drafted_tokens(r, s, steps) : steps);
}

/* Tokens whose KV blocks the sequence has, before step r->step takes its own. */
static uint64_t tokens_held(const struct replica *r, const struct sequence *s)
{
    if (s->stage != SEQUENCE_DECODE)
        return s->computed;
    return r->acceptance ? drafted_held(r, s) : s->target + (r->step - 1 - s->token_step);
}

static uint32_t phase_of(const struct replica *r, const struct sequence *s)
{
    uint64_t b = r->block_size;
    return (uint32_t)((s->token_step + 1 + b - s->target % b) % b);
}

void begin_decode(struct replica *r, uint32_t slot, uint64_t step)
{
    struct sequence *s = slot_at(r, slot);
    s->stage = SEQUENCE_DECODE;
    s->token_step = step;
    uint64_t steps = s->output - s->made;
    r->decodes++;
    if (r->acceptance) {
        steps = 1 + drafted_steps(r, s);
    } else {
        r->kv_offset += (int64_t)s->target - (int64_t)step;
        r->block_phase[phase_of(r, s)]++;
    }
    heap_set(&r->ending, slot, (int64_t)(step + steps), s->order);
}

static void end_decode(struct replica *r, uint32_t slot)
{
    struct sequence *s = slot_at(r, slot);
    r->decodes--;
    if (r->acceptance) {
        count_drafts(r, s, &r->drafts);
    } else {
        r->kv_offset -= (int64_t)s->target - (int64_t)s->token_step;
        r->block_phase[phase_of(r, s)]--;
    }
    heap_remove(&r->ending, slot);
}

struct prefix_hit find_prefix(const struct replica *r, const uint64_t *hashes, uint32_t count,
                              uint32_t unit_blocks, uint64_t limit_blocks)
{
    struct prefix_hit hit = {0};
    while (hit.units < count && hit.blocks < limit_blocks) {
        uint32_t unit = kv_find(&r->pool, hashes[hit.units]);
        if (unit == KV_NONE)
            break;
        const struct kv_unit *u = &r->pool.units[unit];
        hit.units++;
        hit.blocks += u->blocks;
        if (u->refs == 0)
            hit.queued += u->blocks;
        if (u->blocks < unit_blocks)
            break;
    }
    if (hit.blocks > limit_blocks)
        hit.blocks = limit_blocks;
    return hit;
}

/* Names the blocks that are full once so many tokens are done. */
static void publish_units(struct replica *r, struct sequence *s, uint64_t tokens)
{
    uint64_t full = (tokens < s->named ? tokens : s->named) / r->block_size;
    uint32_t size = s->unit_blocks;
    uint32_t i = s->unit_count > 0 ? s->unit_count - 1 : 0;
    for (; i < s->hash_count && (uint64_t)i * size < full; i++) {
        uint64_t covered = full - (uint64_t)i * size;
        if (covered > size)
            covered = size;
        if (i == s->unit_count) {
            s->unit_count++;
            s->units[i] = KV_NONE;
            if (kv_find(&r->pool, s->hashes[i]) != KV_NONE)
                continue; /* another request has the same blocks; these stay private */
            s->units[i] = kv_publish(&r->pool, s->hashes[i], covered);
            s->shared += covered;
        } else if (s->units[i] != KV_NONE && r->pool.units[s->units[i]].blocks < covered) {
            uint64_t more = covered - r->pool.units[s->units[i]].blocks;
            kv_extend(&r->pool, s->units[i], more);
            s->shared += more;
        }
    }
}

/* A decode's blocks get their names here: nobody can repeat an answer before it is out. */
void release_blocks(struct replica *r, uint32_t slot)
{
    struct sequence *s = slot_at(r, slot);
    uint64_t held = tokens_held(r, s);
    if (s->named > s->prompt)
        publish_units(r, s, held);
    bool drafts = r->acceptance && s->stage == SEQUENCE_DECODE;
    kv_give(&r->pool, (drafts ? drafted_blocks(r, s) : blocks_for(r, held)) - s->shared);
    for (uint32_t i = s->unit_count; i-- > 0;)
        if (s->units[i] != KV_NONE)
            kv_drop(&r->pool, s->units[i]);
    s->unit_count = 0;
    s->shared = 0;
    if (s->stage == SEQUENCE_DECODE)
        end_decode(r, slot);
    r->head_blocked = false;
}

/* Gives the sequence a chunk of the step; its blocks are free. */
static void add_chunk(struct replica *r, uint32_t slot, uint32_t tokens)
{
    struct sequence *s = slot_at(r, slot);
    uint64_t before = blocks_for(r, s->computed);
    if (r->role == REPLICA_DECODES && s->known_cached > 0) {
        r->known_prompts++;
        r->known_kv += s->computed + tokens;
    } else {
        r->prefill_work += (uint64_t)tokens * (2 * (uint64_t)s->computed + tokens);
    }
    r->chunk_tokens += tokens;
    s->computed += tokens;
    kv_take(&r->pool, blocks_for(r, s->computed) - before);
    if (s->hash_count > 0) {
        publish_units(r, s, s->computed);
        r->head_blocked = false; /* it may share them */
    }
    mem_grow(&r->chunks, &r->chunk_capacity, r->chunk_count + 1, sizeof *r->chunks);
    r->chunks[r->chunk_count++] = (struct prefill_chunk){slot, tokens};
}

/* New blocks that a decode needs in the step being scheduled. */
static uint64_t begins_blocks(const struct replica *r, const struct sequence *s)
{
    if (s->stage != SEQUENCE_DECODE)
        return 0;
    return r->acceptance ? drafted_step_blocks(r, s) : phase_of(r, s) == r->step % r->block_size;
}

/* The sequence that gives way goes back to the queue, to be computed anew. */
static uint32_t preempt(struct replica *r)
{
    uint32_t slot = r->policy->victim(r);
    struct sequence *s = slot_at(r, slot);
    uint32_t made = tokens_made(r, s);
    if (r->role == REPLICA_DECODES)
        s->known_cached = 0; /* what came is lost with the blocks */
    if (s->stage == SEQUENCE_DECODE && s->span_count > 0)
        s->spans[s->span_count - 1].count = (uint32_t)(r->step - s->token_step);
    if (r->decodes_served || s->block_step == r->step)
        kv_give(&r->pool, begins_blocks(r, s));
    release_blocks(r, slot);
    list_remove(r, &r->running, slot);
    s->made = made;
    s->computed = 0;
    s->stage = SEQUENCE_WAITING;
    r->requeued++;
    r->policy->requeue(r, slot);
    r->preempted = true;
    r->preemptions++;
    return slot;
}

/* Preempts until `blocks` are free; false if that took `slot` itself. */
static bool make_room(struct replica *r, uint32_t slot, uint64_t blocks)
{
    while (r->pool.free < blocks)
        if (preempt(r) == slot)
            return false;
    return true;
}

/* Blocks for the running decodes, one by one in order, where there are not enough for all. */
static void take_decode_blocks_in_order(struct replica *r)
{
    for (uint32_t slot = r->running.first; slot != SLOT_NONE;) {
        struct sequence *s = slot_at(r, slot);
        uint64_t blocks = begins_blocks(r, s);
        if (blocks > 0 && s->block_step != r->step) {
            if (!make_room(r, slot, blocks)) {
                slot = r->running.first; /* others may have gone with it */
                continue;
            }
            kv_take(&r->pool, blocks);
            s->block_step = r->step;
        }
        slot = s->next;
    }
}

static void schedule_running(struct replica *r)
{
    uint64_t needed =
        r->acceptance ? drafted_batch_blocks(r) : r->block_phase[r->step % r->block_size];
    r->decodes_served = needed <= r->pool.free;
    if (r->decodes_served)
        kv_take(&r->pool, needed);
    else
        take_decode_blocks_in_order(r);
    uint32_t slot = r->running.last;
    if (slot == SLOT_NONE || slot_at(r, slot)->stage != SEQUENCE_PREFILL)
        return;
    struct sequence *s = slot_at(r, slot);
    uint32_t left = r->budget - r->decodes * r->decode_width, tokens = s->target - s->computed;
    if (tokens > left)
        tokens = left;
    uint64_t blocks = blocks_for(r, s->computed + tokens) - blocks_for(r, s->computed);
    if (tokens > 0 && make_room(r, slot, blocks))
        add_chunk(r, slot, tokens);
}

/* Whether the whole prompt fits beside what the hit's units take. */
static bool fits(const struct replica *r, const struct sequence *s, struct prefix_hit hit)
{
    return blocks_for(r, s->target) - hit.blocks + hit.queued <= r->pool.free;
}

/* What of the sequence's tokens is there. A full hit still computes its last block. Held units are
 * held whole: in an empty replica one of which a part is needed must not be what keeps the
 * sequence out for ever. */
static struct prefix_hit find_own_prefix(const struct replica *r, const struct sequence *s)
{
    uint64_t limit = (s->target - 1) / r->block_size;
    struct prefix_hit hit = find_prefix(r, s->hashes, s->hash_count, s->unit_blocks, limit);
    if (hit.units > 0 && r->running.count == 0 && !fits(r, s, hit))
        hit = find_prefix(r, s->hashes, hit.units - 1, s->unit_blocks, limit);
    return hit;
}

static void hold_prefix(struct replica *r, struct sequence *s, struct prefix_hit hit)
{
    for (uint32_t i = 0; i < hit.units; i++) {
        s->units[i] = kv_find(&r->pool, s->hashes[i]);
        kv_hold(&r->pool, s->units[i]);
    }
    s->unit_count = hit.units;
    s->shared = hit.blocks;
    s->computed = (uint32_t)(hit.blocks * r->block_size);
}

/* What the request says is cached takes blocks of its own, and no time. */
static void take_known(struct replica *r, struct sequence *s)
{
    uint32_t known = s->known_cached < s->target ? s->known_cached : s->target - 1;
    if (known <= s->computed)
        return;
    kv_take(&r->pool, blocks_for(r, known) - blocks_for(r, s->computed));
    s->computed = known;
}

/* Takes the queue's head into the batch if its whole prompt fits the free blocks. */
static bool admit_first(struct replica *r)
{
    uint32_t slot = r->waiting.first;
    struct sequence *s = slot_at(r, slot);
    s->target = s->prompt + s->made;
    struct prefix_hit hit = find_own_prefix(r, s);
    if (!fits(r, s, hit)) {
        r->head_blocked = true;
        return false;
    }
    list_remove(r, &r->waiting, slot);
    list_push_last(r, &r->running, slot);
    s->stage = SEQUENCE_PREFILL;
    hold_prefix(r, s, hit);
    take_known(r, s);
    r->requeued -= s->admitted_before;
    if (!s->admitted_before) {
        s->admitted_before = true;
        s->admitted_ns = r->now.ns;
        s->cached = s->computed;
        r->prompt_tokens += r->role == REPLICA_DECODES ? 0 : s->prompt;
        r->cached_tokens += r->role == REPLICA_DECODES ? 0 : s->cached;
    }
    uint64_t left = r->budget - r->decodes * r->decode_width - r->chunk_tokens;
    uint32_t tokens = s->target - s->computed;
    add_chunk(r, slot, tokens < left ? tokens : (uint32_t)left);
    return true;
}

static void admit_waiting(struct replica *r)
{
    while (r->waiting.count > 0 && r->running.count < r->max_running &&
           r->decodes * r->decode_width + r->chunk_tokens < r->budget)
        if (r->head_blocked || !admit_first(r))
            return;
}

bool schedule_step(struct replica *r)
{
    do {
        r->chunk_count = 0;
        r->chunk_tokens = r->prefill_work = r->known_prompts = r->known_kv = 0;
        r->preempted = false;
        schedule_running(r);
        if (!r->preempted)
            admit_waiting(r);
    } while (r->preempted && r->decodes == 0 && r->chunk_count == 0);
    return r->decodes > 0 || r->chunk_count > 0;
}

/* Blocks that begin in `steps` consecutive steps from step `first` on. */
static uint64_t blocks_begun(const struct replica *r, uint64_t first, uint64_t steps)
{
    uint64_t blocks = steps / r->block_size * r->decodes;
    for (uint64_t i = 0; i < steps % r->block_size; i++)
        blocks += r->block_phase[(first + i) % r->block_size];
    return blocks;
}

void take_jump_blocks(struct replica *r, uint64_t steps)
{
    struct jump *jump = &r->jump;
    if (steps <= jump->blocks_taken)
        return;
    uint64_t taken = jump->blocks_taken;
    kv_take(&r->pool, r->acceptance ? planned_blocks(r, taken, steps)
                                    : blocks_begun(r, jump->first_step + taken, steps - taken));
    jump->blocks_taken = steps;
}

uint64_t steps_that_fit(const struct replica *r, uint64_t wanted)
{
    if (r->decodes == 0 || (wanted / r->block_size + 1) * r->decodes <= r->pool.free)
        return wanted;
    uint64_t steps = r->pool.free / r->decodes * r->block_size;
    uint64_t left = r->pool.free % r->decodes;
    while (steps < wanted) {
        uint64_t needed = r->block_phase[(r->step + 1 + steps) % r->block_size];
        if (needed > left)
            break;
        left -= needed;
        steps++;
    }
    return steps < wanted ? steps : wanted;
}
