/* Time in a replica: arrivals, jumps and what the sink hears at their ends. */
#include "sim/engine/replica.h"

#include "core/memory.h"
#include "sim/engine/replica_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LIMIT_MIN 1024
#define JUMP_MAX (UINT64_C(1) << 24) /* steps; keeps every sum of femtoseconds in 128 bits */

void list_insert_behind(struct replica *r, struct sequence_list *list, uint32_t behind,
                        uint32_t slot)
{
    struct sequence *s = slot_at(r, slot);
    uint32_t *before = behind == SLOT_NONE ? &list->first : &slot_at(r, behind)->next;
    s->previous = behind;
    s->next = *before;
    *before = slot;
    if (s->next == SLOT_NONE)
        list->last = slot;
    else
        slot_at(r, s->next)->previous = slot;
    list->count++;
}

void list_push_first(struct replica *r, struct sequence_list *list, uint32_t slot)
{
    list_insert_behind(r, list, SLOT_NONE, slot);
}

void list_push_last(struct replica *r, struct sequence_list *list, uint32_t slot)
{
    list_insert_behind(r, list, list->last, slot);
}

void list_remove(struct replica *r, struct sequence_list *list, uint32_t slot)
{
    struct sequence *s = slot_at(r, slot);
    if (s->previous == SLOT_NONE)
        list->first = s->next;
    else
        slot_at(r, s->previous)->next = s->next;
    if (s->next == SLOT_NONE)
        list->last = s->previous;
    else
        slot_at(r, s->next)->previous = s->previous;
    list->count--;
}

struct replica *replica_create(const struct engine_config *config,
                               const struct acceptance *acceptance, uint64_t seed, uint32_t number,
                               enum replica_role role)
{
    static const struct sequence_list empty = {SLOT_NONE, SLOT_NONE, 0};
    struct replica *r = mem_zero(1, sizeof *r);
    r->block_size = config->block_size;
    r->max_running = config->max_num_seqs;
    r->budget = config->max_num_batched_tokens;
    r->prefix_cache = config->prefix_cache;
    r->per_token = config->per_token;
    r->no_jumps = config->no_jumps || config->per_token;
    r->role = role;
    if (role != REPLICA_DECODES)
        r->overhead_ns = llround(config->request_overhead_ms * (double)NS_PER_MS);
    step_model_init(&r->model, config, seed, number);
    r->policy = policy_at(config->policy);
    r->acceptance = acceptance;
    r->plan = acceptance ? mem_zero(DRAFTED_STEPS, sizeof *r->plan) : NULL;
    r->decode_width = 1 + config->speculative.num_speculative_tokens;
    kv_pool_init(&r->pool, config->kv_blocks - 1);
    r->entering = r->waiting = r->running = empty;
    r->free_slot = SLOT_NONE;
    r->block_phase = mem_zero(r->block_size, sizeof *r->block_phase);
    r->log_limit = LOG_LIMIT_MIN;
    return r;
}

void replica_free(struct replica *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->slot_count; i++) {
        free(r->slots[i].hashes);
        free(r->slots[i].units);
        free(r->slots[i].spans);
    }
    free(r->slots);
    free(r->chunks);
    free(r->lanes);
    free(r->plan);
    free(r->times);
    free(r->block_phase);
    heap_free(&r->ending);
    step_log_free(&r->log);
    kv_pool_free(&r->pool);
    free(r);
}

static uint32_t take_slot(struct replica *r)
{
    uint32_t slot = r->free_slot;
    if (slot != SLOT_NONE) {
        r->free_slot = slot_at(r, slot)->next;
        return slot;
    }
    mem_grow(&r->slots, &r->slot_capacity, r->slot_count + 1, sizeof *r->slots);
    memset(&r->slots[r->slot_count], 0, sizeof *r->slots);
    return (uint32_t)r->slot_count++;
}

static void give_slot_back(struct replica *r, uint32_t slot)
{
    struct sequence *s = slot_at(r, slot);
    s->stage = SEQUENCE_FREE;
    s->next = r->free_slot;
    r->free_slot = slot;
}

/* A fresh sequence in a slot whose arrays are kept. */
static void fill_slot(struct replica *r, uint32_t slot, const struct engine_request *request)
{
    struct sequence *s = slot_at(r, slot);
    struct sequence fresh = {.tag = request->tag,
                             .order = r->submitted++,
                             .stage = SEQUENCE_ENTERING,
                             .admitted_ns = TIME_NEVER,
                             .prompt = request->input_tokens ? request->input_tokens : 1,
                             .output = request->output_tokens,
                             .known_cached = request->known_cached,
                             .priority = request->priority,
                             .hashes = s->hashes,
                             .hash_capacity = s->hash_capacity,
                             .units = s->units,
                             .unit_capacity = s->unit_capacity,
                             .spans = s->spans,
                             .span_capacity = s->span_capacity};
    *s = fresh;
    uint32_t units = r->prefix_cache ? sequence_unit_limit(request, r->block_size) : 0;
    if (units == 0)
        return;
    mem_grow(&s->hashes, &s->hash_capacity, units, sizeof *s->hashes);
    mem_grow(&s->units, &s->unit_capacity, units, sizeof *s->units);
    s->unit_blocks = sequence_unit_blocks(request->block_size, r->block_size);
    s->hash_count = sequence_unit_hashes(request, r->block_size, s->hashes, units);
    s->named = sequence_named_tokens(request);
}

struct step_instant jump_instant(const struct replica *r, uint64_t steps)
{
    const struct jump *jump = &r->jump;
    if (!r->acceptance)
        return step_instant_after(jump->start, jump->duration, steps);
    return steps > 0 ? r->plan[steps - 1].end : jump->start;
}

/* The first step that ends later than `at_ns` is the jump's last. */
static void cut_jump(struct replica *r, int64_t at_ns)
{
    struct jump *jump = &r->jump;
    uint64_t low = 1, high = jump->steps;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (jump_instant(r, middle).ns > at_ns)
            high = middle;
        else
            low = middle + 1;
    }
    if (low < jump->steps) {
        jump->steps = low;
        jump->end = jump_instant(r, low);
    }
}

/* Cuts the jump where the scheduler would act on the next arrival. */
static void cut_for_arrival(struct replica *r)
{
    if (r->jump.steps == 1 || r->entering.count == 0 || r->running.count >= r->max_running)
        return;
    uint32_t seen = r->policy->next_seen(r);
    if (seen != SLOT_NONE && slot_at(r, seen)->enters_ns < r->jump.end.ns)
        cut_jump(r, slot_at(r, seen)->enters_ns);
}

void replica_submit(struct replica *r, int64_t now_ns, const struct engine_request *request)
{
    uint32_t slot = take_slot(r);
    fill_slot(r, slot, request);
    slot_at(r, slot)->enters_ns = now_ns + r->overhead_ns;
    list_push_last(r, &r->entering, slot);
    if (r->jump.active)
        cut_for_arrival(r);
}

bool replica_cancel(struct replica *r, int64_t now_ns, uint64_t tag)
{
    for (uint32_t slot = 0; slot < r->slot_count; slot++) {
        struct sequence *s = slot_at(r, slot);
        if (s->stage == SEQUENCE_FREE || s->tag != tag || s->cancelled)
            continue;
        if (s->stage == SEQUENCE_ENTERING || s->stage == SEQUENCE_WAITING) {
            bool entering = s->stage == SEQUENCE_ENTERING;
            list_remove(r, entering ? &r->entering : &r->waiting, slot);
            r->requeued -= s->admitted_before;
            give_slot_back(r, slot);
            r->head_blocked = false;
        } else {
            s->cancelled = true;
            r->cancelled++;
        }
        /* An empty queue lets the next arrival in, a cancelled sequence leaves at a step's end. */
        if (r->jump.active && r->jump.steps > 1)
            cut_jump(r, now_ns);
        return true;
    }
    return false;
}

int64_t replica_next_ns(const struct replica *r)
{
    if (r->jump.active)
        return r->jump.end.ns;
    return r->entering.count ? r->slots[r->entering.first].enters_ns : TIME_NEVER;
}

static void end_sequence(struct replica *r, uint32_t slot, const struct engine_sink *sink)
{
    struct sequence *s = slot_at(r, slot);
    if (s->span_count > 0)
        s->spans[s->span_count - 1].count = (uint32_t)(r->step - s->token_step);
    list_remove(r, &r->running, slot);
    release_blocks(r, slot);
    r->ending_now = s;
    if (sink->on_done)
        sink->on_done(sink->context, s->tag, s->cached, r->now.ns);
    r->ending_now = NULL;
    give_slot_back(r, slot);
}

/* A prefill's tokens that count: prompts and answers each once, where roles are apart too. */
static uint64_t tokens_of_prefill(const struct replica *r, const struct sequence *s)
{
    bool prompt = s->made == 0 && r->role != REPLICA_DECODES;
    bool answer = s->output > 0 && r->role != REPLICA_PREFILLS;
    return (prompt ? s->prompt : 0) + answer;
}

/* The steps that are over, to those who count tokens by step: `tokens` of the decodes. */
static void tell_step(const struct replica *r, const struct engine_sink *sink, uint64_t steps,
                      uint64_t tokens)
{
    if (!sink->on_step)
        return;
    for (size_t i = 0; i < r->chunk_count; i++) {
        const struct sequence *s = &r->slots[r->chunks[i].slot];
        if (s->stage == SEQUENCE_PREFILL && s->computed == s->target)
            tokens += tokens_of_prefill(r, s);
    }
    sink->on_step(sink->context, steps, tokens);
}

static void tell(struct replica *r, const struct engine_sink *sink, const struct sequence *s,
                 uint32_t number)
{
    r->output_tokens += r->role != REPLICA_PREFILLS;
    if (sink->on_tokens && (number == 0 || r->per_token))
        sink->on_tokens(sink->context, s->tag, number, 1, r->now.ns);
}

/* The step just done was the prefill's last: its token is out. */
static void end_prefill(struct replica *r, uint32_t slot, const struct engine_sink *sink)
{
    struct sequence *s = slot_at(r, slot);
    if (s->output == 0) {
        end_sequence(r, slot, sink);
        return;
    }
    begin_decode(r, slot, r->step - 1);
    if (!r->per_token) {
        mem_grow(&s->spans, &s->span_capacity, s->span_count + 1, sizeof *s->spans);
        s->spans[s->span_count++] = (struct token_span){r->step - 1, 0, (uint32_t)s->draw};
    }
    tell(r, sink, s, s->made);
}

static void drop_cancelled(struct replica *r)
{
    for (uint32_t slot = r->running.first; slot != SLOT_NONE && r->cancelled > 0;) {
        uint32_t next = slot_at(r, slot)->next;
        if (slot_at(r, slot)->cancelled) {
            list_remove(r, &r->running, slot);
            release_blocks(r, slot);
            give_slot_back(r, slot);
            r->cancelled--;
        }
        slot = next;
    }
}

/* A token for every decode of the step just done. */
static void tell_decodes(struct replica *r, const struct engine_sink *sink)
{
    for (uint32_t slot = r->running.first; slot != SLOT_NONE; slot = slot_at(r, slot)->next) {
        const struct sequence *s = slot_at(r, slot);
        if (s->stage != SEQUENCE_DECODE || !sink->on_tokens)
            continue;
        uint32_t made = tokens_made(r, s), before = made - 1;
        if (r->acceptance)
            before = s->made + (uint32_t)drafted_tokens(r, s, r->step - 1 - s->token_step);
        sink->on_tokens(sink->context, s->tag, before, made - before, r->now.ns);
    }
}

/* Forgets the steps that no sequence in the replica has tokens of. */
static void clean_log(struct replica *r)
{
    if (step_log_room(&r->log) < r->log_limit)
        return;
    uint64_t oldest = r->step;
    for (uint32_t slot = r->running.first; slot != SLOT_NONE; slot = slot_at(r, slot)->next)
        if (slot_at(r, slot)->span_count && slot_at(r, slot)->spans[0].first_step < oldest)
            oldest = slot_at(r, slot)->spans[0].first_step;
    uint32_t requeued = r->requeued;
    for (uint32_t slot = r->waiting.first; requeued > 0; slot = slot_at(r, slot)->next) {
        requeued -= slot_at(r, slot)->admitted_before;
        if (slot_at(r, slot)->span_count && slot_at(r, slot)->spans[0].first_step < oldest)
            oldest = slot_at(r, slot)->spans[0].first_step;
    }
    step_log_forget(&r->log, oldest);
    r->log_limit = 2 * step_log_room(&r->log) + LOG_LIMIT_MIN;
}

/* The jump's steps are over: time, tokens, ends. */
static void end_jump(struct replica *r, const struct engine_sink *sink)
{
    struct jump *jump = &r->jump;
    take_jump_blocks(r, jump->steps);
    int64_t span_ns = jump->end.ns - jump->start.ns;
    r->held_ns[r->hold] += span_ns;
    *(r->prefill_work > 0 ? &r->prefill_ns : &r->decode_ns) += span_ns;
    if (!r->per_token && r->acceptance)
        log_drafted(r);
    else if (!r->per_token)
        step_log_add(&r->log, jump->first_step, jump->steps, jump->start, jump->duration);
    r->step += jump->steps;
    r->now = jump->end;
    jump->active = false;
    if (r->cancelled > 0)
        drop_cancelled(r);
    uint64_t tokens =
        r->acceptance ? drafted_batch_tokens(r, jump->steps) : jump->steps * r->decodes;
    r->output_tokens += tokens;
    tell_step(r, sink, jump->steps, tokens);
    if (r->per_token)
        tell_decodes(r, sink);
    for (size_t i = 0; i < r->chunk_count; i++) {
        uint32_t slot = r->chunks[i].slot;
        const struct sequence *s = slot_at(r, slot);
        if (s->stage == SEQUENCE_PREFILL && s->computed == s->target)
            end_prefill(r, slot, sink);
    }
    while (r->ending.count > 0 && r->ending.entries[0].at <= (int64_t)r->step)
        end_sequence(r, (uint32_t)r->ending.entries[0].number, sink);
    clean_log(r);
}

/* How many steps the batch stays as it is, by all that is known now. */
static uint64_t equal_steps(const struct replica *r)
{
    if (r->no_jumps || r->chunk_count > 0 || r->preempted || r->decodes == 0)
        return 1;
    uint64_t steps = (uint64_t)r->ending.entries[0].at - r->step;
    if (steps > JUMP_MAX)
        steps = JUMP_MAX;
    if (r->model.jitter_sigma > 0 && steps > JITTER_STEPS - r->step % JITTER_STEPS)
        steps = JITTER_STEPS - r->step % JITTER_STEPS;
    return steps > 1 ? 1 + steps_that_fit(r, steps - 1) : 1;
}

static enum hold find_hold(const struct replica *r)
{
    if (r->waiting.count == 0)
        return HOLD_NONE;
    if (r->running.count >= r->max_running)
        return HOLD_SEQS;
    return r->head_blocked || r->preempted ? HOLD_MEMORY : HOLD_BUDGET;
}

/* As equal_steps of decodes that draft, whose steps are planned one by one. */
static uint64_t drafted_steps_most(const struct replica *r)
{
    if (r->no_jumps || r->chunk_count > 0 || r->preempted || r->decodes == 0)
        return 1;
    uint64_t steps = (uint64_t)r->ending.entries[0].at - r->step;
    return steps < DRAFTED_STEPS ? steps : DRAFTED_STEPS;
}

static void begin_jump(struct replica *r)
{
    r->hold = find_hold(r);
    if (r->acceptance) {
        r->jump = (struct jump){
            .active = true, .first_step = r->step, .blocks_taken = 1, .start = r->now};
        plan_drafted(r, drafted_steps_most(r));
        cut_for_arrival(r);
        return;
    }
    struct step_load load = {.tokens = r->decodes + r->chunk_tokens,
                             .sequences = r->decodes + r->chunk_count,
                             .decodes = r->decodes,
                             .prefill_work = r->prefill_work};
    load.decode_kv = (uint64_t)(r->kv_offset + (int64_t)r->decodes * (int64_t)r->step);
    load.decodes += r->known_prompts;
    load.decode_kv += r->known_kv;
    struct jump *jump = &r->jump;
    *jump = (struct jump){.active = true,
                          .first_step = r->step,
                          .steps = equal_steps(r),
                          .blocks_taken = 1,
                          .start = r->now,
                          .duration = step_duration(&r->model, r->step, &load)};
    jump->end = step_instant_after(jump->start, jump->duration, jump->steps);
    cut_for_arrival(r);
}

/* Requests whose overhead is over join the queue. */
static void enter_arrivals(struct replica *r, bool idle)
{
    while (r->entering.count > 0) {
        uint32_t slot = r->entering.first;
        int64_t enters_ns = slot_at(r, slot)->enters_ns;
        if (enters_ns > r->now.ns || (enters_ns == r->now.ns && !idle))
            return;
        list_remove(r, &r->entering, slot);
        slot_at(r, slot)->stage = SEQUENCE_WAITING;
        r->policy->enqueue(r, slot);
    }
}

void replica_serve(struct replica *r, const struct engine_sink *sink)
{
    bool idle = !r->jump.active;
    if (idle) {
        int64_t enters_ns = slot_at(r, r->entering.first)->enters_ns;
        if (enters_ns > r->now.ns)
            r->now = (struct step_instant){enters_ns, 0};
    } else
        end_jump(r, sink);
    enter_arrivals(r, idle);
    if (schedule_step(r))
        begin_jump(r);
}

size_t replica_token_times(struct replica *r, int64_t *out, size_t capacity)
{
    size_t done = 0;
    if (!r->ending_now)
        return 0;
    if (r->acceptance)
        return drafted_token_times(r, r->ending_now, out, capacity);
    for (size_t i = 0; i < r->ending_now->span_count && done < capacity; i++) {
        const struct token_span *span = &r->ending_now->spans[i];
        size_t count = span->count < capacity - done ? span->count : capacity - done;
        step_log_times(&r->log, span->first_step, count, out + done);
        done += count;
    }
    return done;
}

bool replica_find_stay(const struct replica *r, uint64_t tag, struct engine_stay *out)
{
    const struct sequence *s = r->ending_now && r->ending_now->tag == tag ? r->ending_now : NULL;
    for (size_t slot = 0; slot < r->slot_count && !s; slot++)
        if (r->slots[slot].stage != SEQUENCE_FREE && !r->slots[slot].cancelled &&
            r->slots[slot].tag == tag)
            s = &r->slots[slot];
    if (s)
        *out = (struct engine_stay){s->enters_ns, s->admitted_ns};
    return s != NULL;
}

uint32_t replica_load(const struct replica *r)
{
    return r->entering.count + r->waiting.count + r->running.count;
}

uint32_t replica_waiting(const struct replica *r)
{
    return r->entering.count + r->waiting.count;
}

/* Takes the blocks of the steps that have begun by now_ns. */
static void settle(struct replica *r, int64_t now_ns)
{
    if (!r->jump.active || r->jump.steps == 1)
        return;
    uint64_t low = 1, high = r->jump.steps; /* the last that has begun */
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        if (jump_instant(r, middle - 1).ns <= now_ns)
            low = middle;
        else
            high = middle - 1;
    }
    take_jump_blocks(r, low);
}

uint64_t replica_cached_blocks(struct replica *r, int64_t now_ns,
                               const struct prefix_question *question)
{
    settle(r, now_ns);
    return find_prefix(r, question->hashes, question->count, question->unit_blocks,
                       question->limit_blocks)
        .blocks;
}

/* Those of the decodes that go on, too. */
static void add_drafts(const struct replica *r, struct engine_state *out)
{
    struct draft_counts all = r->drafts;
    for (uint32_t slot = r->running.first; slot != SLOT_NONE; slot = r->slots[slot].next)
        if (r->slots[slot].stage == SEQUENCE_DECODE)
            count_drafts(r, &r->slots[slot], &all);
    out->drafts += all.drafts;
    out->draft_tokens += all.drafts * r->acceptance->drafts;
    out->accepted_tokens += all.accepted;
}

void replica_add_state(struct replica *r, int64_t now_ns, struct engine_state *out)
{
    settle(r, now_ns);
    out->running += r->running.count;
    out->waiting += r->waiting.count + r->entering.count;
    out->kv_blocks_used += r->pool.capacity - r->pool.free;
    out->kv_blocks_total += r->pool.capacity;
    out->steps += r->step;
    out->preemptions += r->preemptions;
    out->prefill_ns += r->prefill_ns;
    out->decode_ns += r->decode_ns;
    out->held_by_memory_ns += r->held_ns[HOLD_MEMORY];
    out->held_by_seqs_ns += r->held_ns[HOLD_SEQS];
    out->held_by_budget_ns += r->held_ns[HOLD_BUDGET];
    out->prompt_tokens += r->prompt_tokens;
    out->cached_tokens += r->cached_tokens;
    out->output_tokens += r->output_tokens;
    if (r->acceptance)
        add_drafts(r, out);
}
