#include "workloads/trace/logs/otel.h"

#include "core/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 128
#define MAX_DEPTH 6

void otel_init(struct otel *o)
{
    log_init(&o->log, o->in);
    names_init(&o->spans);
}

void otel_free(struct otel *o)
{
    log_free(&o->log);
    names_free(&o->spans);
    free(o->parent);
    free(o->is_call);
    free(o->restated);
}

/* Attributes that count tokens, and the key of a usage object that each stands for. Of those with
 * one key the first that comes counts. */
static const struct {
    const char *name, *key;
} counts[] = {
    {"gen_ai.usage.input_tokens", "prompt_tokens"},
    {"gen_ai.usage.prompt_tokens", "prompt_tokens"},
    {"gen_ai.usage.output_tokens", "completion_tokens"},
    {"gen_ai.usage.completion_tokens", "completion_tokens"},
    {"gen_ai.usage.total_tokens", "total_tokens"},
    {"gen_ai.usage.cache_read.input_tokens", "cached_tokens"},
    {"gen_ai.usage.cache_read_input_tokens", "cached_tokens"},
    {"gen_ai.usage.cached_tokens", "cached_tokens"},
    {"gen_ai.usage.details.cache_read_tokens", "cached_tokens"},
    {"gen_ai.usage.details.cached_tokens", "cached_tokens"},
    {"gen_ai.usage.cache_write.input_tokens", "cache_creation_tokens"},
    {"gen_ai.usage.cache_creation.input_tokens", "cache_creation_tokens"},
    {"gen_ai.usage.cache_creation_input_tokens", "cache_creation_tokens"},
    {"gen_ai.usage.details.cache_write_tokens", "cache_creation_tokens"},
    {"gen_ai.usage.reasoning.output_tokens", "reasoning_tokens"},
    {"gen_ai.usage.reasoning_tokens", "reasoning_tokens"},
    {"gen_ai.usage.details.reasoning_tokens", "reasoning_tokens"},
    {"gen_ai.usage.image.input_tokens", "prompt_image_tokens"},
    {"gen_ai.usage.image.cache_read.input_tokens", "cached_image_tokens"},
    {"gen_ai.usage.image.output_tokens", "completion_image_tokens"},
    {"gen_ai.usage.audio.input_tokens", "prompt_audio_tokens"},
    {"gen_ai.usage.audio.cache_read.input_tokens", "cached_audio_tokens"},
    {"gen_ai.usage.audio.output_tokens", "completion_audio_tokens"},
    {"gen_ai.usage.video.input_tokens", "prompt_video_tokens"},
    {"farebox.usage.cache_write_1h.input_tokens", "ephemeral_1h_tokens"},
    {"llm.usage.prompt_tokens", "prompt_tokens"},
    {"llm.usage.completion_tokens", "completion_tokens"},
    {"llm.usage.total_tokens", "total_tokens"},
    {"llm.usage.reasoning_tokens", "reasoning_tokens"},
    {"llm.token_count.prompt", "prompt_tokens"},
    {"llm.token_count.completion", "completion_tokens"},
    {"llm.token_count.total", "total_tokens"},
    {"llm.token_count.prompt_details.cache_read", "cached_tokens"},
    {"llm.token_count.prompt_details.cache_write", "cache_creation_tokens"},
    {"llm.token_count.completion_details.reasoning", "reasoning_tokens"},
    /* Gemini CLI's events */
    {"input_token_count", "promptTokenCount"},
    {"output_token_count", "candidatesTokenCount"},
    {"cached_content_token_count", "cachedContentTokenCount"},
    {"thoughts_token_count", "thoughtsTokenCount"},
    {"tool_token_count", "toolUsePromptTokenCount"},
    {"total_token_count", "totalTokenCount"},
    /* Claude Code's */
    {"input_tokens", "input_tokens"},
    {"output_tokens", "output_tokens"},
    {"cache_read_tokens", "cache_read_input_tokens"},
    {"cache_creation_tokens", "cache_creation_input_tokens"},
};

#define AT(member) offsetof(struct otel_span, member)
static const struct {
    const char *name;
    size_t offset;
} names[] = {
    {"traceId", AT(trace)},
    {"trace_id", AT(trace)},
    {"traceID", AT(trace)},
    {"context.trace_id", AT(trace)},
    {"context.traceId", AT(trace)},
    {"spanId", AT(id)},
    {"span_id", AT(id)},
    {"spanID", AT(id)},
    {"context.span_id", AT(id)},
    {"context.spanId", AT(id)},
    {"parentSpanId", AT(parent)},
    {"parent_span_id", AT(parent)},
    {"parent_id", AT(parent)},
    {"parentId", AT(parent)},
    {"name", AT(name)},
    {"operationName", AT(name)},
    {"startTimeUnixNano", AT(start_ns)},
    {"start_time_unix_nano", AT(start_ns)},
    {"start_time", AT(start)},
    {"startTime", AT(start)},
    {"start_timestamp", AT(start)},
    {"timeUnixNano", AT(start_ns)},
    {"endTimeUnixNano", AT(end_ns)},
    {"end_time_unix_nano", AT(end_ns)},
    {"end_time", AT(end)},
    {"endTime", AT(end)},
    {"end_timestamp", AT(end)},
    {"status", AT(status)},
    {"status.code", AT(status)},
    {"status.status_code", AT(status)},
    {"status_code", AT(status)},
    {"otel.status_code", AT(status)},
    {"event.name", AT(event)},
    {"event_name", AT(event)},
    {"eventName", AT(event)},
    {"event.timestamp", AT(time)},
    {"observedTimeUnixNano", AT(time)},
    {"timestamp", AT(time)},
    {"gen_ai.operation.name", AT(operation)},
    {"openinference.span.kind", AT(kind)},
    {"traceloop.span.kind", AT(kind)},
    {"span_kind", AT(kind)},
    {"gen_ai.request.model", AT(request_model)},
    {"gen_ai.response.model", AT(response_model)},
    {"llm.model_name", AT(model)},
    {"llm.request.model", AT(model)},
    {"llm.response.model", AT(response_model)},
    {"model", AT(model)},
    {"gen_ai.conversation.id", AT(conversation)},
    {"session.id", AT(session)},
    {"langfuse.session.id", AT(session)},
    {"service.name", AT(service)},
    {"user.id", AT(user)},
    {"enduser.id", AT(user)},
    {"gen_ai.agent.name", AT(agent)},
    {"gen_ai.provider.name", AT(provider)},
    {"gen_ai.system", AT(provider)},
    {"error.type", AT(error)},
    {"gen_ai.openai.response.service_tier", AT(tier)},
    {"openai.response.service_tier", AT(tier)},
    {"gen_ai.response.time_to_first_chunk", AT(first_chunk)},
    {"cost_usd", AT(cost)},
    {"farebox.cost_usd", AT(cost)},
    {"farebox.class", AT(class_name)},
    {"farebox.service", AT(tier)},
};

/* Labels of a workload, as our own spans have them. */
static const char label_prefix[] = "farebox.label.";

static void take_attribute(struct otel *o, const char *name, struct text raw)
{
    if (strncmp(name, "attributes.", 11) == 0)
        name += 11;
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        if (strcmp(counts[i].name, name) == 0)
            log_count(&o->log, counts[i].key, raw);
    if (text_equal(raw, "null"))
        return;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct text *into = (struct text *)((char *)&o->span + names[i].offset);
        if (strcmp(names[i].name, name) == 0 && into->length == 0 && raw.at[0] != '{')
            *into = raw;
    }
    if (strncmp(name, label_prefix, sizeof label_prefix - 1) == 0)
        log_label(&o->log, name + sizeof label_prefix - 1, raw);
}

/* {"stringValue": "x"}, {"intValue": "12"}: the value itself. Anything else is one. */
static struct text any_value(struct text raw)
{
    struct json_scan s;
    struct text key, inner;
    if (raw.length == 0 || raw.at[0] != '{')
        return raw;
    json_scan_init(&s, "", raw.at, raw.length, 1);
    json_object_begin(&s);
    return json_object_next(&s, &key) && text_starts(key, "") && json_skip(&s, &inner) ? inner
                                                                                       : raw;
}

/* [{"key": "gen_ai.system", "value": {"stringValue": "openai"}}, ...] */
static void take_list(struct otel *o, struct text list)
{
    struct json_scan s;
    struct text item, key, value;
    char name[NAME_SIZE];
    json_scan_init(&s, "", list.at, list.length, 1);
    json_array_begin(&s);
    while (json_array_next(&s) && json_skip(&s, &item)) {
        if (item.at[0] != '{' || !log_find(item, "key", &key) || !log_find(item, "value", &value) ||
            key.length >= NAME_SIZE)
            continue;
        key = log_unquoted(key);
        snprintf(name, sizeof name, "%.*s", (int)key.length, key.at);
        take_attribute(o, name, any_value(value));
    }
}

/* Jaeger: [{"refType": "CHILD_OF", "spanID": "x"}] */
static void take_references(struct otel *o, struct text list)
{
    struct json_scan s;
    struct text item;
    json_scan_init(&s, "", list.at, list.length, 1);
    json_array_begin(&s);
    while (json_array_next(&s) && json_skip(&s, &item))
        if (item.at[0] == '{' && log_is(item, "refType", "CHILD_OF"))
            log_find(item, "spanID", &o->span.parent);
}

/* The keys of a span, and of objects inside it, joined by points. */
static void take_object(struct otel *o, struct text object, const char *outer, int depth)
{
    struct json_scan s;
    struct text key, raw;
    char name[NAME_SIZE];
    json_scan_init(&s, "", object.at, object.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key) && json_skip(&s, &raw)) {
        int n = snprintf(name, sizeof name, "%s%s%.*s", outer, *outer ? "." : "",
                         key.length < NAME_SIZE ? (int)key.length : 0, key.at);
        if (n < 0 || n >= NAME_SIZE)
            continue;
        if (raw.at[0] == '[' && (text_equal(key, "attributes") || text_equal(key, "tags")))
            take_list(o, raw);
        else if (raw.at[0] == '[' && text_equal(key, "references"))
            take_references(o, raw);
        else if (raw.at[0] == '{' && depth < MAX_DEPTH)
            take_object(o, raw, text_equal(key, "attributes") ? "" : name, depth + 1);
        else if (raw.at[0] != '[')
            take_attribute(o, name, raw);
    }
}

void otel_resource(struct otel *o, struct text resource)
{
    struct text list, item, name, value;
    struct json_scan s;
    o->service.length = 0;
    if (!log_find(resource, "attributes", &list) || list.at[0] != '[')
        return;
    json_scan_init(&s, "", list.at, list.length, 1);
    json_array_begin(&s);
    while (json_array_next(&s) && json_skip(&s, &item))
        if (item.at[0] == '{' && log_find(item, "key", &name) &&
            text_equal(name, "\"service.name\"") && log_find(item, "value", &value))
            o->service = any_value(value);
}

/* ---- which spans are calls ---- */

static bool is_word(struct text raw, const char *const *words)
{
    struct text word = log_unquoted(raw);
    for (; *words; words++)
        if (text_equal(word, *words))
            return true;
    return false;
}

/* What a span is that is no call of a model, as notes name it; NULL for those that may be one. */
static const char *no_call(const struct otel_span *s)
{
    static const char *const agents[] = {
        "invoke_agent",    "create_agent", "agent", "AGENT", "workflow",
        "invoke_workflow", "task",         "CHAIN", "chain", NULL};
    static const char *const tools[] = {"execute_tool", "tool",      "TOOL", "RETRIEVER",
                                        "retriever",    "retrieval", NULL};
    if (is_word(s->operation, agents) || is_word(s->kind, agents))
        return "agent_spans";
    if (is_word(s->operation, tools) || is_word(s->kind, tools))
        return "tool_spans";
    return NULL;
}

static bool is_own_event(const struct otel_span *s)
{
    static const char *const own[] = {"gemini_cli.api_response", "claude_code.api_request",
                                      "api_request", "qwen-code.api_response", NULL};
    return is_word(s->event, own);
}

/* "trace/span" as a number; NAME_NONE without a span's id. */
static uint32_t span_number(struct otel *o, struct text trace, struct text id)
{
    char key[NAME_SIZE * 2];
    trace = log_unquoted(trace);
    id = log_unquoted(id);
    if (id.length == 0 || id.length >= NAME_SIZE || trace.length >= NAME_SIZE)
        return NAME_NONE;
    int n =
        snprintf(key, sizeof key, "%.*s/%.*s", (int)trace.length, trace.at, (int)id.length, id.at);
    size_t before = o->spans.count;
    uint32_t number = names_add(&o->spans, (struct text){key, (size_t)n});
    if (o->spans.count > before) {
        mem_grow(&o->parent, &o->parent_capacity, (size_t)number + 1, sizeof *o->parent);
        mem_grow(&o->is_call, &o->call_capacity, (size_t)number + 1, sizeof *o->is_call);
        o->parent[number] = NAME_NONE;
        o->is_call[number] = false;
    }
    return number;
}

/* ---- the request ---- */

/* What the caller ended itself is no failure of the model's. */
static bool is_aborted(const struct otel_span *s)
{
    static const char *const words[] = {"cancelled", "canceled", NULL};
    return is_word(s->error, words);
}

static bool is_failed(const struct otel_span *s)
{
    static const char *const errors[] = {"ERROR", "Error", "error", "STATUS_CODE_ERROR", NULL};
    return s->error.length > 0 || is_word(s->status, errors) || text_equal(s->status, "2");
}

static void take_names(struct otel *o)
{
    const struct otel_span *s = &o->span;
    struct log *l = &o->log;
    struct text model = s->response_model.length  ? s->response_model
                        : s->request_model.length ? s->request_model
                                                  : s->model;
    struct text session = s->conversation.length ? s->conversation
                          : s->session.length    ? s->session
                                                 : s->trace;
    const struct {
        const char *name;
        struct text raw;
    } labels[] = {
        {"service", o->service}, {"user", s->user}, {"agent", s->agent}, {"provider", s->provider}};
    if (model.length)
        log_take(l, FIELD_MODEL, model);
    if (session.length)
        log_take(l, FIELD_SESSION, session);
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        if (labels[i].raw.length)
            log_label(l, labels[i].name, labels[i].raw);
    if (s->tier.length)
        log_take(l, FIELD_SERVICE, s->tier);
    if (s->class_name.length)
        log_take(l, FIELD_CLASS, s->class_name);
}

/* A number of nanoseconds, as proto3's JSON writes it: in a string. */
static bool read_ns(struct text raw, int64_t *out)
{
    return text_to_i64(raw.length && raw.at[0] == '"' ? log_unquoted(raw) : raw, out) && *out >= 0;
}

/* How long the answer took, and its first chunk. Times that contradict each other are left. */
static void take_measured(struct otel *o, int64_t took_ns)
{
    int64_t first_ns;
    char text[32];
    struct text first = o->span.first_chunk;
    snprintf(text, sizeof text, "%" PRId64 ".%09" PRId64, took_ns / NS_PER_S, took_ns % NS_PER_S);
    log_take(&o->log, FIELD_E2E_S, text_of(text));
    if (first.length && text_to_fixed(first, 9, &first_ns) && first_ns >= 0 && first_ns <= took_ns)
        log_take(&o->log, FIELD_TTFT_S, first);
}

static void take_times(struct otel *o)
{
    const struct otel_span *s = &o->span;
    struct log *l = &o->log;
    struct text start = s->start_ns.length ? s->start_ns : s->start.length ? s->start : s->time;
    int64_t from, to;
    if (read_ns(s->start_ns, &from))
        log_take(l, FIELD_TIMESTAMP_NS, s->start_ns);
    else if (start.length)
        log_take(l, FIELD_TIMESTAMP, start);
    if (s->end.length)
        log_end(l, s->end);
    if (!read_ns(s->end_ns, &to))
        return;
    l->end_ns = to;
    if (read_ns(s->start_ns, &from) && from <= to)
        take_measured(o, to - from);
}

static int add_call(struct otel *o, uint32_t number)
{
    const struct otel_span *s = &o->span;
    struct log *l = &o->log;
    take_times(o);
    if (s->cost.length)
        log_take(l, FIELD_COST, s->cost);
    if (is_failed(s))
        l->fields.row.status = is_aborted(s) ? REQUEST_ABORTED : REQUEST_FAILED;
    take_names(o);
    if (number != NAME_NONE) {
        log_id(l, text_of(names_text(&o->spans, number)), (struct text){"", 0});
        o->is_call[number] = true;
    }
    return log_add(l, o->err);
}

/* An event that an agent's own one may tell again: with its span, where that told nothing yet, or
 * by a number of its own. */
static uint32_t restated_number(struct otel *o, uint32_t number)
{
    char made[32];
    if (number != NAME_NONE && o->is_call[number])
        return number;
    if (number == NAME_NONE) {
        int n = snprintf(made, sizeof made, "\"%zu\"", o->restated_count);
        number = span_number(o, text_of("\"event\""), (struct text){made, (size_t)n});
    }
    mem_grow(&o->restated, &o->restated_capacity, o->restated_count + 1, sizeof *o->restated);
    o->restated[o->restated_count++] = number;
    return number;
}

int otel_span(struct otel *o, struct text span)
{
    struct log *l = &o->log;
    log_begin(l, span);
    memset(&o->span, 0, sizeof o->span);
    take_object(o, span, "", 0);
    uint32_t number = NAME_NONE;
    bool own = is_own_event(&o->span), event = o->span.event.length > 0;
    if (!own)
        number = span_number(o, o->span.trace, o->span.id);
    if (number != NAME_NONE && o->span.parent.length) {
        uint32_t parent = span_number(o, o->span.trace, o->span.parent);
        o->parent[number] = parent == number ? NAME_NONE : parent;
    }
    const char *other = no_call(&o->span);
    if (other || l->usage.length == 0) {
        trace_note(o->in, other ? other : event ? "other_events" : "other_spans", true);
        return 0;
    }
    o->own_events += own;
    if (event && !own)
        number = restated_number(o, number);
    return add_call(o, number);
}

void otel_leave_out(struct otel *o)
{
    for (size_t i = 0; i < o->spans.count; i++) {
        uint32_t at = o->is_call[i] ? o->parent[i] : NAME_NONE;
        for (size_t steps = 0; at != NAME_NONE && steps < 1000; steps++, at = o->parent[at])
            if (o->is_call[at] &&
                trace_unique_drop(o->log.unique, text_of(names_text(&o->spans, at))))
                trace_note(o->in, "spans_around_calls", true);
    }
    for (size_t i = 0; o->own_events > 0 && i < o->restated_count; i++)
        if (trace_unique_drop(o->log.unique, text_of(names_text(&o->spans, o->restated[i]))))
            trace_note(o->in, "told_again", true);
}
