/* Scenarios as they stand in files: writing. What has its default is left out. */
#include "workloads/scenario.h"

#include <math.h>

static void put_number(struct json_writer *w, const char *key, double value)
{
    json_key(w, key);
    json_put_double(w, value);
}

static void put_string(struct json_writer *w, const char *key, const char *value)
{
    if (!value)
        return;
    json_key(w, key);
    json_put_string(w, value);
}

static void put_raw(struct json_writer *w, const char *key, const char *json)
{
    if (!json)
        return;
    json_key(w, key);
    json_put_raw(w, text_of(json));
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
    json_key(w, "count");
    json_put_u64(w, pool->count);
    put_number(w, "zipf", pool->zipf);
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
    if (c->max_context) {
        json_key(w, "max_context_tokens");
        json_put_u64(w, c->max_context);
    }
    if (c->early_stop > 0)
        put_number(w, "early_stop", c->early_stop);
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
    put_number(w, "failure", t->failure);
    put_length(w, "error", &t->error);
    json_key(w, "max_repeats");
    json_put_u64(w, t->max_repeats);
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
        put_number(w, "weight", c->weight);
    }
    put_string(w, "model", c->model);
    if (c->service != SERVICE_STANDARD)
        put_string(w, "service", service_name(c->service));
    if (c->priority) {
        json_key(w, "priority");
        json_put_i64(w, c->priority);
    }
    put_raw(w, "labels", c->labels);
    put_raw(w, "body", c->body);
    put_length(w, "input", &c->input);
    put_length(w, "output", &c->output);
    if (fabs(c->correlation) > 0)
        put_number(w, "correlation", c->correlation);
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
    json_key(&w, "block_size");
    json_put_u64(&w, s->block_size);
    if (s->requests) {
        json_key(&w, "requests");
        json_put_u64(&w, s->requests);
    }
    if (s->duration_s > 0)
        put_number(&w, "duration_s", s->duration_s);
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
