/* Steps that draft: what a decode has, and jumps whose steps differ in what they give. */
#include "core/memory.h"
#include "sim/engine/replica_state.h"

/* A decode as the steps of a jump go by. */
struct lane {
    uint64_t draw, held, blocks;
    uint64_t most; /* tokens that it ever takes blocks for */
};

/* Steps of its latest decode that are over before step r->step begins. */
static uint64_t steps_done(const struct replica *r, const struct sequence *s)
{
    return r->step - s->token_step - 1;
}

uint64_t drafted_tokens(const struct replica *r, const struct sequence *s, uint64_t steps)
{
    uint64_t most = s->output - s->made;
    uint64_t tokens = 1 + acceptance_tokens(r->acceptance, s->draw, steps - 1);
    return tokens < most ? tokens : most;
}

uint64_t drafted_held(const struct replica *r, const struct sequence *s)
{
    return s->target + acceptance_tokens(r->acceptance, s->draw, steps_done(r, s));
}

/* Blocks of a step with so many tokens before it; none for drafts beyond the answer's end. */
static uint64_t blocks_in_step(const struct replica *r, const struct sequence *s, uint64_t held)
{
    uint64_t most = (uint64_t)s->prompt + s->output - 1, tokens = held + r->decode_width;
    return blocks_for(r, tokens < most ? tokens : most);
}

uint64_t drafted_blocks(const struct replica *r, const struct sequence *s)
{
    uint64_t steps = steps_done(r, s);
    if (steps == 0)
        return blocks_for(r, s->target);
    return blocks_in_step(r, s, s->target + acceptance_tokens(r->acceptance, s->draw, steps - 1));
}

uint64_t drafted_step_blocks(const struct replica *r, const struct sequence *s)
{
    return blocks_in_step(r, s, drafted_held(r, s)) - drafted_blocks(r, s);
}

uint64_t drafted_steps(struct replica *r, struct sequence *s)
{
    s->draw = acceptance_draw(r->acceptance, r->model.replica, s->order, s->made);
    return acceptance_steps(r->acceptance, s->draw, s->output - s->made - 1);
}

void count_drafts(const struct replica *r, const struct sequence *s, struct draft_counts *out)
{
    uint64_t steps = steps_done(r, s);
    out->drafts += steps;
    out->accepted += acceptance_tokens(r->acceptance, s->draw, steps) - steps;
}

uint64_t drafted_batch_blocks(const struct replica *r)
{
    uint64_t blocks = 0;
    for (uint32_t slot = r->running.first; slot != SLOT_NONE; slot = r->slots[slot].next)
        if (r->slots[slot].stage == SEQUENCE_DECODE)
            blocks += drafted_step_blocks(r, &r->slots[slot]);
    return blocks;
}

uint64_t drafted_batch_tokens(const struct replica *r, uint64_t steps)
{
    uint64_t tokens = 0;
    for (uint32_t slot = r->running.first; slot != SLOT_NONE; slot = r->slots[slot].next) {
        const struct sequence *s = &r->slots[slot];
        uint64_t now = r->step - s->token_step;
        if (s->stage == SEQUENCE_DECODE)
            tokens += drafted_tokens(r, s, now) - drafted_tokens(r, s, now - steps);
    }
    return tokens;
}

/* The decodes of the batch; the blocks of the first step are taken. */
static size_t fill_lanes(struct replica *r, struct lane *lanes)
{
    size_t count = 0;
    for (uint32_t slot = r->running.first; slot != SLOT_NONE; slot = r->slots[slot].next) {
        const struct sequence *s = &r->slots[slot];
        if (s->stage != SEQUENCE_DECODE)
            continue;
        uint64_t held = drafted_held(r, s);
        lanes[count++] =
            (struct lane){(s->draw + steps_done(r, s)) % DRAFT_DRAWS, held,
                          blocks_in_step(r, s, held), (uint64_t)s->prompt + s->output - 1};
    }
    return count;
}

/* A step gives every decode its tokens. Returns the blocks that the next one begins. */
static uint64_t advance_lanes(const struct replica *r, struct lane *lanes, size_t count)
{
    const uint32_t *sums = r->acceptance->sums;
    uint64_t begun = 0;
    for (size_t i = 0; i < count; i++) {
        struct lane *l = &lanes[i];
        l->held += sums[l->draw + 1] - sums[l->draw];
        l->draw = (l->draw + 1) % DRAFT_DRAWS;
        uint64_t tokens = l->held + r->decode_width;
        uint64_t blocks = blocks_for(r, tokens < l->most ? tokens : l->most);
        begun += blocks - l->blocks;
        l->blocks = blocks;
    }
    return begun;
}

/* What the next step holds, a token for each decode. */
static struct step_load load_of(const struct replica *r, const struct lane *lanes, size_t count)
{
    struct step_load load = {.tokens = count + r->chunk_tokens,
                             .sequences = count + r->chunk_count,
                             .decodes = count + r->known_prompts,
                             .undrafted = r->known_prompts,
                             .decode_kv = count + r->known_kv,
                             .prefill_work = r->prefill_work};
    for (size_t i = 0; i < count; i++)
        load.decode_kv += lanes[i].held;
    return load;
}

void plan_drafted(struct replica *r, uint64_t most)
{
    struct jump *jump = &r->jump;
    mem_grow(&r->lanes, &r->lane_capacity, r->decodes, sizeof *r->lanes);
    size_t count = fill_lanes(r, r->lanes);
    struct step_instant at = jump->start;
    uint64_t free = r->pool.free, begun = 0;
    for (jump->steps = 0; jump->steps < most && begun <= free;) {
        struct drafted_step *step = &r->plan[jump->steps];
        struct step_load load = load_of(r, r->lanes, count);
        free -= begun;
        *step = (struct drafted_step){
            .fs = step_drafted_fs(&r->model, r->step + jump->steps, &load), .blocks = begun};
        at = step->end = step_instant_after(at, (struct step_duration){step->fs, 0}, 1);
        if (++jump->steps < most)
            begun = advance_lanes(r, r->lanes, count);
    }
    jump->end = at;
}

void log_drafted(struct replica *r)
{
    const struct jump *jump = &r->jump;
    struct step_instant at = jump->start;
    for (uint64_t i = 0; i < jump->steps; i++) {
        step_log_add(&r->log, jump->first_step + i, 1, at,
                     (struct step_duration){r->plan[i].fs, 0});
        at = r->plan[i].end;
    }
}

uint64_t planned_blocks(const struct replica *r, uint64_t from, uint64_t to)
{
    uint64_t blocks = 0;
    for (uint64_t i = from; i < to; i++)
        blocks += r->plan[i].blocks;
    return blocks;
}

size_t drafted_token_times(struct replica *r, const struct sequence *s, int64_t *out,
                           size_t capacity)
{
    size_t done = 0;
    if (capacity > s->output)
        capacity = s->output;
    for (size_t i = 0; i < s->span_count && done < capacity; i++) {
        const struct token_span *span = &s->spans[i];
        mem_grow(&r->times, &r->time_capacity, span->count, sizeof *r->times);
        step_log_times(&r->log, span->first_step, span->count, r->times);
        for (uint32_t k = 0; k < span->count; k++) {
            uint64_t n = k ? acceptance_tokens(r->acceptance, span->draw + k - 1, 1) : 1;
            for (; n > 0 && done < capacity; n--)
                out[done++] = r->times[k];
        }
    }
    return done;
}
