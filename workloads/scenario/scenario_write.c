/* Scenarios as they stand in files: writing. What has its default is left out. */
#include "workloads/scenario/scenario.h"

#include <math.h>

static void put_string(struct json_writer *w, const char *key, const char *value)
{
    if (value)
        json_pair_string(w, key, value);
}

static void put_raw(struct json_writer *w, const char *key, const char *json)
{
    if (json)
        json_pair_raw(w, key, text_of(json));
}

static void put_length(struct json_writer *w, const char *key, const struct length *l)
{
    json_key(w, key);
    length_write(l, w);
}

static bool is_constant(const struct length *l, double value)
{
    return l->kind == LENGTH_CONSTANT && fabs(l->a - value) < 1e-12;
}

static void put_pool(struct json_writer *w, const char *key, const char *tokens,
                     const struct scenario_pool *pool, const struct length *per_turn)
{
    if (pool->count == 0)
        return;
    json_key(w, key);
    json_begin_object(w);
    put_length(w, tokens, &pool->tokens);
    json_pair_u64(w, "count", pool->count);
    json_pair_double(w, "zipf", pool->zipf);
    if (per_turn)
        put_length(w, "per_turn", per_turn);
    json_end_object(w);
}

static void put_session(struct json_writer *w, const struct scenario_class *c)
{
    if (is_constant(&c->turns, 1) && c->grows && c->max_context == 0 && !(c->early_stop > 0))
        return;
    json_key(w, "session");
    json_begin_object(w);
    put_length(w, "turns", &c->turns);
    if (!is_constant(&c->think_s, 0))
        put_length(w, "think_s", &c->think_s);
    if (!c->grows)
        put_string(w, "context", "fresh");
    if (c->max_context)
        json_pair_u64(w, "max_context_tokens", c->max_context);
    if (c->early_stop > 0)
        json_pair_double(w, "early_stop", c->early_stop);
    json_end_object(w);
}

static void put_tools(struct json_writer *w, const struct scenario_tools *t)
{
    if (!t->used)
        return;
    json_key(w, "tools");
    json_begin_object(w);
    put_length(w, "steps", &t->steps);
    put_length(w, "output", &t->output);
    put_length(w, "result", &t->result);
    put_length(w, "time_s", &t->time_s);
    json_pair_double(w, "failure", t->failure);
    put_length(w, "error", &t->error);
    json_pair_u64(w, "max_repeats", t->max_repeats);
    put_length(w, "calls", &t->calls);
    put_length(w, "call_input", &t->call_input);
    put_length(w, "call_output", &t->call_output);
    put_string(w, "call_context", t->call_context ? "full" : "own");
    json_end_object(w);
}

static void put_class(struct json_writer *w, const struct scenario_class *c)
{
    json_begin_object(w);
    put_string(w, "class", c->name);
    if (c->has_arrival) {
        json_key(w, "arrivals");
        arrival_write(&c->arrival, w);
    } else {
        json_pair_double(w, "weight", c->weight);
    }
    put_string(w, "model", c->model);
    if (c->service != SERVICE_STANDARD)
        put_string(w, "service", service_name(c->service));
    if (c->priority)
        json_pair_i64(w, "priority", c->priority);
    put_raw(w, "labels", c->labels);
    put_raw(w, "body", c->body);
    put_length(w, "input", &c->input);
    put_length(w, "output", &c->output);
    if (fabs(c->correlation) > 0)
        json_pair_double(w, "correlation", c->correlation);
    if (c->has_reasoning)
        put_length(w, "reasoning", &c->reasoning);
    put_pool(w, "system_prompt", "tokens", &c->system, NULL);
    put_pool(w, "documents", "tokens", &c->documents, &c->documents_per_turn);
    put_pool(w, "shared_prefix", "share", &c->prefix, NULL);
    put_session(w, c);
    put_tools(w, &c->tools);
    json_end_object(w);
}

void scenario_write(const struct scenario *s, struct buffer *out)
{
    struct json_writer w;
    char instant[CLOCK_INSTANT_SIZE];
    json_write_init(&w, out, 2);
    json_begin_object(&w);
    put_string(&w, "scenario", s->name);
    put_string(&w, "comment", s->comment);
    if (s->has_start) {
        clock_format_instant(s->start_unix_ns, instant);
        put_string(&w, "start", instant);
    }
    json_pair_u64(&w, "block_size", s->block_size);
    if (s->requests)
        json_pair_u64(&w, "requests", s->requests);
    if (s->duration_s > 0)
        json_pair_double(&w, "duration_s", s->duration_s);
    if (s->has_arrival) {
        json_key(&w, "arrivals");
        arrival_write(&s->arrival, &w);
    }
    json_key(&w, "classes");
    json_begin_array(&w);
    for (size_t i = 0; i < s->class_count; i++)
        put_class(&w, &s->classes[i]);
    json_end_array(&w);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}
