#include "workloads/scenario/generate_session.h"

#include "core/clock.h"
#include "core/memory.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* No single drawn text is longer, whatever tail its distribution has. */
#define MOST_DELAY_S 1e9

static void pool_make(struct pool_table *t, const struct scenario_pool *pool, uint64_t seed,
                      uint64_t key)
{
    *t = (struct pool_table){.key = random_mix(seed, key)};
    if (pool->count == 0)
        return;
    double *values = mem_alloc(pool->count * sizeof *values);
    double *weights = mem_alloc(pool->count * sizeof *weights);
    t->tokens = mem_alloc(pool->count * sizeof *t->tokens);
    struct random r;
    random_init(&r, seed, RANDOM_PROMPTS, key);
    for (uint32_t i = 0; i < pool->count; i++) {
        uint32_t tokens = length_draw_count(&pool->tokens, &r, 0);
        t->tokens[i] = tokens < WORKLOAD_MAX_TOKENS ? tokens : WORKLOAD_MAX_TOKENS;
        values[i] = i + 1.0;
        weights[i] = pow(values[i], -pool->zipf);
    }
    t->popularity = length_from_weights(values, weights, pool->count);
    free(values);
    free(weights);
}

void class_table_make(struct class_table *t, const struct scenario_class *law, uint64_t seed,
                      size_t number)
{
    t->law = law;
    t->turns = scenario_class_has_turns(law);
    pool_make(&t->system, &law->system, seed, 4 * number);
    pool_make(&t->documents, &law->documents, seed, 4 * number + 1);
    pool_make(&t->prefix, &law->prefix, seed, 4 * number + 2);
}

void class_table_free(struct class_table *t)
{
    free(t->system.tokens);
    free(t->documents.tokens);
    free(t->prefix.tokens);
    length_free(&t->system.popularity);
    length_free(&t->documents.popularity);
    length_free(&t->prefix.popularity);
}

static uint32_t draw_tokens(const struct length *l, struct random *r, uint32_t least)
{
    uint32_t tokens = length_draw_count(l, r, least);
    return tokens < WORKLOAD_MAX_TOKENS ? tokens : WORKLOAD_MAX_TOKENS;
}

static int64_t draw_ns(const struct length *l, struct random *r)
{
    double seconds = length_draw(l, r);
    seconds = seconds < MOST_DELAY_S ? seconds : MOST_DELAY_S;
    return seconds > 0 ? llround(seconds * 1e9) : 0;
}

static uint32_t score_tokens(const struct length *l, double z, uint32_t least)
{
    double x = round(length_at_score(l, z));
    return !(x > least) ? least : x >= WORKLOAD_MAX_TOKENS ? WORKLOAD_MAX_TOKENS : (uint32_t)x;
}

/* What the turn adds and what it answers; joined by a Gaussian copula where they depend. */
static void draw_turn(struct session_maker *m, uint32_t *input, uint32_t *output)
{
    const struct scenario_class *c = m->table->law;
    double rho = c->correlation;
    if (fabs(rho) < 1e-9) {
        *input = draw_tokens(&c->input, &m->random, 1);
        *output = draw_tokens(&c->output, &m->random, 0);
        return;
    }
    double z = gsl_ran_gaussian_ziggurat(random_gsl(&m->random), 1);
    double other = gsl_ran_gaussian_ziggurat(random_gsl(&m->random), 1);
    *input = score_tokens(&c->input, z, 1);
    *output = score_tokens(&c->output, rho * z + sqrt(1 - rho * rho) * other, 0);
}

/* A text that only this session has. */
static uint64_t own_text(struct session_maker *m)
{
    return random_mix(m->key, m->texts++);
}

static void push_own(struct session_maker *m, uint64_t tokens)
{
    context_push(&m->context, own_text(m), tokens);
}

static void push_shared(struct session_maker *m, const struct pool_table *pool)
{
    uint32_t item = length_draw_count(&pool->popularity, &m->random, 1) - 1;
    context_push(&m->context, random_mix(pool->key, item), pool->tokens[item]);
}

static void fill_reasoning(struct session_maker *m, struct request *r)
{
    const struct scenario_class *c = m->table->law;
    if (!c->has_reasoning)
        return;
    double share = fmin(fmax(length_draw(&c->reasoning, &m->random), 0), 1);
    uint64_t reasoning = (uint64_t)llround(share * r->output_tokens);
    r->has_usage = true;
    r->usage = usage_from_totals(r->input_tokens, 0, 0, 0, r->output_tokens, reasoning);
}

/* One request with a context as its input, waiting for what `joined` (or else `last`) names. */
static bool emit(struct session_maker *m, struct context *context, uint32_t output,
                 int64_t delay_ns, uint32_t *row)
{
    const struct scenario_class *c = m->table->law;
    if (m->left == 0 || m->status < 0)
        return false;
    char id[48], session[32];
    uint64_t tokens = context->now.tokens;
    struct request r = {
        .timestamp_ns = m->made ? TIME_NEVER : m->at_ns,
        .delay_ns = m->made ? delay_ns : 0,
        .input_tokens = tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX, /* is refused */
        .output_tokens = output,
        .request_id = id,
        .model = c->model,
        .class_name = c->name,
        .images = c->images,
        .image_count = c->image_count,
        .labels = c->labels,
        .service = c->service,
        .other_service = c->other_service,
        .priority = c->priority,
        .body = c->body ? text_of(c->body) : (struct text){0},
        .attempts = 1,
    };
    fill_reasoning(m, &r); /* drawn for every shard alike */
    m->left--;
    m->made++;
    if (!m->out)
        return true;
    if (m->name_sessions) {
        snprintf(session, sizeof session, "s%llu", (unsigned long long)m->session + 1);
        snprintf(id, sizeof id, "%s.%u", session, m->made);
        r.session_id = session;
    } else {
        snprintf(id, sizeof id, "r%llu", (unsigned long long)m->session + 1);
    }
    if (m->made > 1) {
        r.after = m->joined_count ? m->joined : &m->last;
        r.after_count = m->joined_count ? m->joined_count : 1;
    }
    if (context->block_size) {
        r.hash_count = context_hashes(context, &r.hash_ids);
        r.block_size = context->block_size;
    }
    m->status = workload_add(m->out, &r, m->err);
    if (m->status == 0)
        *row = (uint32_t)(m->out->count - 1); /* not before: r.after may point at it */
    return m->status == 0;
}

/* A request in the session's main line: the next one waits for it, its answer joins the context. */
static bool emit_main(struct session_maker *m, uint32_t output, int64_t delay_ns)
{
    if (!emit(m, &m->context, output, delay_ns, &m->last))
        return false;
    m->joined_count = 0;
    push_own(m, output);
    return true;
}

/* The model calls of a step, side by side; the next request joins them. */
static bool make_calls(struct session_maker *m, uint32_t calls)
{
    const struct scenario_tools *t = &m->table->law->tools;
    struct context *context = t->call_context ? &m->context : &m->side;
    struct context_mark here = context_mark(&m->context);
    uint32_t row = 0;
    size_t count = 0;
    uint64_t answers = 0;
    mem_grow((void **)&m->joined, &m->joined_capacity, calls, sizeof *m->joined);
    m->joined_count = 0; /* each waits for the step before, not for its neighbours */
    for (uint32_t i = 0; i < calls; i++) {
        uint32_t output = draw_tokens(&t->call_output, &m->random, 0);
        if (t->call_context)
            context_return(context, here);
        else
            context_clear(context);
        context_push(context, own_text(m), draw_tokens(&t->call_input, &m->random, 1));
        if (!emit(m, context, output, 0, &row))
            return false;
        m->joined[count++] = row;
        answers += output;
    }
    context_return(&m->context, here);
    m->joined_count = count;
    push_own(m, answers);
    return true;
}

static bool fits(struct session_maker *m, uint32_t output)
{
    uint32_t most = m->table->law->max_context;
    m->full = most > 0 && m->context.now.tokens + output > most;
    return !m->full;
}

/* One step: the tools work, side calls are made and joined, and the model is asked with the
 * results; a failed step is asked again. */
static bool make_step(struct session_maker *m, uint32_t output)
{
    const struct scenario_tools *t = &m->table->law->tools;
    for (uint32_t repeat = 0; repeat < t->max_repeats && random_unit(&m->random) < t->failure;
         repeat++) {
        push_own(m, draw_tokens(&t->error, &m->random, 0));
        uint32_t again = draw_tokens(&t->output, &m->random, 0);
        if (!fits(m, again) || !emit_main(m, again, draw_ns(&t->time_s, &m->random)))
            return false;
    }
    uint32_t calls = length_draw_count(&t->calls, &m->random, 0);
    calls = calls < SESSION_MOST_TURNS ? calls : SESSION_MOST_TURNS;
    if (calls && !make_calls(m, calls))
        return false;
    push_own(m, draw_tokens(&t->result, &m->random, 0));
    return fits(m, output) && emit_main(m, output, draw_ns(&t->time_s, &m->random));
}

/* The part of an input that others begin with too; returns its tokens. */
static uint32_t push_beginning(struct session_maker *m, uint32_t input)
{
    const struct pool_table *pool = &m->table->prefix;
    uint32_t item = length_draw_count(&pool->popularity, &m->random, 1) - 1;
    double share = fmin(fmax(length_draw(&m->table->law->prefix.tokens, &m->random), 0), 1);
    uint32_t tokens = (uint32_t)(share * input);
    context_push(&m->context, random_mix(pool->key, item), tokens);
    return tokens;
}

/* The turn's own texts: documents, then the question; cut to what the context still takes. */
static void push_turn(struct session_maker *m, uint32_t input, uint32_t output)
{
    const struct scenario_class *c = m->table->law;
    if (c->documents.count) {
        uint32_t documents = length_draw_count(&c->documents.per_turn, &m->random, 0);
        documents = documents < SESSION_MOST_TURNS ? documents : SESSION_MOST_TURNS;
        for (uint32_t i = 0; i < documents; i++)
            push_shared(m, &m->table->documents);
    }
    uint64_t used = m->context.now.tokens + output;
    if (c->max_context && used + input > c->max_context && m->made == 0)
        input = used + 1 < c->max_context ? (uint32_t)(c->max_context - used) : 1;
    if (c->prefix.count && m->made == 0)
        input -= push_beginning(m, input);
    push_own(m, input);
}

static bool make_turn(struct session_maker *m, int64_t think_ns)
{
    const struct scenario_class *c = m->table->law;
    uint32_t input, output, steps = 0;
    draw_turn(m, &input, &output);
    if (c->tools.used)
        steps = length_draw_count(&c->tools.steps, &m->random, 0);
    steps = steps < SESSION_MOST_TURNS ? steps : SESSION_MOST_TURNS;
    uint32_t first = steps ? draw_tokens(&c->tools.output, &m->random, 0) : output;
    push_turn(m, input, first);
    if (m->made > 0 && !fits(m, first))
        return false;
    if (!emit_main(m, first, think_ns))
        return false;
    for (uint32_t i = 1; i <= steps; i++) {
        uint32_t answer = i == steps ? output : draw_tokens(&c->tools.output, &m->random, 0);
        if (!make_step(m, answer))
            return false;
    }
    return true;
}

int session_make(struct session_maker *m)
{
    const struct scenario_class *c = m->table->law;
    uint32_t turns = m->table->turns ? length_draw_count(&c->turns, &m->random, 1) : 1;
    turns = turns < SESSION_MOST_TURNS ? turns : SESSION_MOST_TURNS;
    m->made = 0;
    m->texts = 0;
    m->joined_count = 0;
    m->status = 0;
    m->full = false;
    context_clear(&m->context);
    if (c->system.count)
        push_shared(m, &m->table->system);
    struct context_mark system = context_mark(&m->context);
    for (uint32_t turn = 0; turn < turns; turn++) {
        int64_t think_ns = turn ? draw_ns(&c->think_s, &m->random) : 0;
        if (turn && c->early_stop > 0 && random_unit(&m->random) < c->early_stop)
            break;
        if (turn && !c->grows)
            context_return(&m->context, system);
        if (!make_turn(m, think_ns))
            break;
    }
    return m->status;
}
