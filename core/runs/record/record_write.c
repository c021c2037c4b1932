#include "core/json/json_write.h"
#include "core/runs/record/record_file.h"

static void put_time(struct json_writer *w, const char *key, int64_t ns)
{
    if (ns == TIME_NEVER)
        return;
    json_key(w, key);
    json_put_i64(w, ns);
}

static void put_name(struct json_writer *w, const char *key, const char *text)
{
    if (!text)
        return;
    json_key(w, key);
    json_put_string(w, text);
}

static void put_count(struct json_writer *w, const char *key, uint64_t count)
{
    json_key(w, key);
    json_put_u64(w, count);
}

static void put_extras(struct json_writer *w, const struct usage *u, bool units)
{
    bool any = false;
    for (size_t i = 0; i < u->extra_count; i++) {
        if ((u->extras[i].is_unit != 0) != units)
            continue;
        if (!any) {
            json_key(w, units ? "units" : "tools");
            json_begin_object(w);
        }
        any = true;
        json_key(w, u->extras[i].name);
        json_put_double(w, (double)u->extras[i].count_micro / 1e6);
    }
    if (any)
        json_end_object(w);
}

static void put_usage(struct json_writer *w, const struct record *r)
{
    if (r->usage_from == USAGE_NONE)
        return;
    json_key(w, "usage");
    json_begin_object(w);
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (r->usage.tokens[c] || c == USAGE_UNCACHED_INPUT || c == USAGE_OUTPUT)
            put_count(w, usage_class_name((enum usage_class)c), r->usage.tokens[c]);
    put_extras(w, &r->usage, false);
    put_extras(w, &r->usage, true);
    json_end_object(w);
    put_name(w, "usage_from", r->usage_from == USAGE_SERVER ? "server" : "estimated");
}

static void put_outcome(struct json_writer *w, const struct record *r)
{
    put_name(w, "status", record_status_name(r->status));
    if (r->failure != FAILURE_NONE)
        put_name(w, "error", failure_name(r->failure));
    if (r->unsent != UNSENT_NONE)
        put_name(w, "error", unsent_name(r->unsent));
    put_name(w, "message", r->message);
    if (r->http_status)
        put_count(w, "http_status", (uint64_t)r->http_status);
    put_name(w, "finish_reason", r->finish_reason);
}

/* Answers of text alone, as most are, do without: first_output_ns says it. */
static void put_kinds(struct json_writer *w, const struct record *r)
{
    if (r->first_reasoning_ns == TIME_NEVER && r->first_tool_ns == TIME_NEVER)
        return;
    put_time(w, "first_reasoning_ns", r->first_reasoning_ns);
    put_time(w, "first_text_ns", r->first_text_ns);
    put_time(w, "first_tool_ns", r->first_tool_ns);
}

static void put_times(struct json_writer *w, const struct record *r)
{
    put_time(w, "scheduled_ns", r->scheduled_ns);
    put_time(w, "ready_ns", r->ready_ns);
    put_time(w, "sent_ns", r->sent_ns);
    put_time(w, "first_byte_ns", r->first_byte_ns);
    put_time(w, "first_token_ns", r->first_token_ns);
    put_time(w, "first_output_ns", r->first_output_ns);
    put_kinds(w, r);
    put_time(w, "last_token_ns", r->last_token_ns);
    put_time(w, "done_ns", r->done_ns);
    put_time(w, "dns_ns", r->dns_ns);
    put_time(w, "connect_ns", r->connect_ns);
    put_time(w, "tls_ns", r->tls_ns);
}

static void put_detail(struct json_writer *w, const struct record *r, unsigned detail)
{
    if ((detail & RECORD_CHUNKS) && r->chunk_ns) {
        json_key(w, "chunks_ns");
        json_begin_array(w);
        for (uint32_t i = 0; i < r->chunks; i++)
            json_put_i64(w, r->chunk_ns[i]);
        json_end_array(w);
    }
    if (detail & RECORD_TEXT)
        put_name(w, "text", r->text);
    if ((detail & RECORD_RAW) && r->raw_usage) {
        json_key(w, "raw_usage");
        json_put_raw(w, text_of(r->raw_usage));
    }
}

void record_write_line(const struct record *r, unsigned detail, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    put_name(&w, "request_id", r->request_id);
    put_name(&w, "session_id", r->session_id);
    put_count(&w, "attempt", r->attempt);
    json_key(&w, "final");
    json_put_bool(&w, r->final);
    put_name(&w, "endpoint", r->endpoint);
    put_name(&w, "model", r->model);
    put_name(&w, "class", r->class_name);
    put_name(&w, "service", r->service);
    if (r->labels) {
        json_key(&w, "labels");
        json_put_raw(&w, text_of(r->labels));
    }
    put_times(&w, r);
    put_outcome(&w, r);
    json_key(&w, "asked");
    json_begin_object(&w);
    put_count(&w, "input", r->asked_input);
    put_count(&w, "output", r->asked_output);
    json_end_object(&w);
    put_usage(&w, r);
    json_key(&w, "streamed");
    json_put_bool(&w, r->streamed);
    put_count(&w, "chunks", r->chunks);
    if (r->reasoning_chunks) {
        json_key(&w, "reasoning_chunks");
        json_put_bool(&w, true);
    }
    if (r->slow_reader) {
        json_key(&w, "buffered");
        json_put_bool(&w, true);
    }
    put_count(&w, "connects", r->connects);
    if (r->has_cost) {
        json_key(&w, "cost_usd");
        json_put_money(&w, r->cost);
    }
    put_detail(&w, r, detail);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}
