/* OpenTelemetry's spans and events of language models (the GenAI conventions and their
 * forerunners), as collectors, SDKs and viewers write them: OTLP's JSON (resourceSpans, scopeSpans,
 * spans), also one a line; spans alone, whose attributes are a list, an object, or keys of the
 * span; Tempo's batches and Jaeger's tags; and the events of agents that export their calls as
 * logs.
 *
 * A call is a span with counts of tokens whose operation is one of a model. Spans of agents, tools
 * and workflows sum up what calls inside them say, and so does a span around another call (a
 * framework's around its client's): they are passed over and counted. A span that comes twice is
 * one call. Traces are sessions where no conversation is named.
 *
 * Source: opentelemetry.io/docs/specs/otlp, github.com/open-telemetry/semantic-conventions
 * (docs/gen-ai); the attributes of OpenLLMetry, OpenInference, Claude Code and Gemini CLI.
 */
#include "workloads/trace/logs/otel.h"

#include <string.h>

static bool has_any(const struct trace_probe *p, const char *const *keys)
{
    for (; *keys; keys++)
        if (trace_probe_key(p, *keys))
            return true;
    return false;
}

static bool probe(const struct trace_probe *p)
{
    static const char *const wholes[] = {"resourceSpans", "resourceLogs", "scopeSpans",
                                         "batches",       "traceID",      NULL};
    static const char *const ids[] = {"spanId",  "span_id",         "spanID",
                                      "context", "context.span_id", NULL};
    static const char *const starts[] = {"startTimeUnixNano",    "start_time",      "startTime",
                                         "start_time_unix_nano", "start_timestamp", NULL};
    static const char *const marks[] = {"gen_ai.", "gen_ai\"", "llm.token_count", "llm.usage"};
    if (!p->is_object)
        return false;
    if (has_any(p, wholes))
        return true;
    if (trace_json_find(p->line, "attributes.event.name", &(struct text){0}))
        return true;
    if (!has_any(p, ids) || !has_any(p, starts))
        return false;
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (memmem(p->all.at, p->all.length, marks[i], strlen(marks[i])))
            return true;
    return trace_probe_key(p, "attributes");
}

static bool is_list_of(struct text key, const char *const *names)
{
    for (; *names; names++)
        if (text_equal(key, *names))
            return true;
    return false;
}

static void walk(struct otel *o, struct json_scan *s, int depth);

/* The elements of a list of spans or of what holds spans. */
static void walk_list(struct otel *o, struct json_scan *s, bool spans, int depth)
{
    struct text element;
    json_array_begin(s);
    while (json_array_next(s)) {
        if (json_peek(s) != JSON_OBJECT)
            json_skip(s, NULL);
        else if (!spans)
            walk(o, s, depth + 1);
        else if (json_skip(s, &element) && !o->failed)
            o->failed = otel_span(o, element) < 0;
    }
}

/* An object that holds spans at some depth. */
static void walk(struct otel *o, struct json_scan *s, int depth)
{
    static const char *const holders[] = {
        "resourceSpans", "scopeSpans", "batches", "instrumentationLibrarySpans",
        "resourceLogs",  "scopeLogs",  "data",    NULL};
    static const char *const lists[] = {"spans", "logRecords", NULL};
    struct text key, raw;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        enum json_kind kind = json_peek(s);
        if (kind == JSON_ARRAY && depth < 8 && is_list_of(key, holders))
            walk_list(o, s, false, depth);
        else if (kind == JSON_ARRAY && is_list_of(key, lists))
            walk_list(o, s, true, depth);
        else if (kind == JSON_OBJECT && text_equal(key, "trace") && depth < 8)
            walk(o, s, depth + 1);
        else if (kind == JSON_OBJECT && text_equal(key, "resource") && json_skip(s, &raw))
            otel_resource(o, raw);
        else
            json_skip(s, NULL);
    }
}

static bool holds_spans(struct text line)
{
    static const char *const keys[] = {"resourceSpans",
                                       "resourceLogs",
                                       "scopeSpans",
                                       "batches",
                                       "trace",
                                       "spans",
                                       "instrumentationLibrarySpans",
                                       NULL};
    struct json_scan s;
    struct text key;
    json_scan_init(&s, "", line.at, line.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        enum json_kind kind = json_peek(&s);
        if ((kind == JSON_ARRAY || kind == JSON_OBJECT) && is_list_of(key, keys))
            return true;
        json_skip(&s, NULL);
    }
    return false;
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct otel *o = context;
    struct json_scan s;
    o->err = err;
    o->failed = false;
    o->service.length = 0;
    if (!holds_spans(line))
        return otel_span(o, line);
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    walk(o, &s, 0);
    if (o->failed)
        return ERR_INPUT;
    return json_scan_end(&s, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct otel o = {.in = in, .err = err};
    otel_init(&o);
    int status = trace_each_document(in, &o, read_line, err);
    if (status == 0) {
        otel_leave_out(&o);
        status = log_settle(&o.log, err);
    }
    otel_free(&o);
    return status;
}

const struct trace_reader trace_reader_otel = {
    "otel",
    "OpenTelemetry's GenAI spans and events: OTLP JSON, lines of it, flattened exports",
    probe,
    read_rows,
};
