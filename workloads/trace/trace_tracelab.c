/* TraceLab rounds, JSON Lines: real calls of coding agents, with every token class.
 *
 * A round starts at its first timing event (what was put in) and ends at its last; it waits for the
 * round of its session that ended before it, so that the delay is the tools' and the person's time.
 * Claude's input is uncached + written + read; all of its writes are taken at the 5-minute
 * lifetime, as the trace does not tell them apart. Codex reads its prefix from the cache, and
 * its output includes the reasoning.
 */
#include "workloads/trace/trace_json.h"

#include "core/json/json_write.h"
#include "core/memory.h"

#include <stdlib.h>

struct tracelab {
    struct trace_row line;
    struct trace_usage usage;
    struct buffer labels;
    const char *provider, *project;
    uint32_t prefix, cache_read, cache_write, reasoning;
    bool has_cache_read;
    int64_t first_ns, last_ns;
    int64_t *end_ns; /* by row */
    size_t end_capacity;
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_key(p, "input_tokens_total") && trace_probe_key(p, "timing_events");
}

static void read_event_time(struct json_scan *s, const struct json_field *f, void *tracelab)
{
    struct tracelab *t = tracelab;
    struct text instant;
    int64_t ns;
    (void)f;
    if (!json_string(s, &instant))
        return;
    if (clock_parse_instant(instant.at, instant.length, &ns) < 0) {
        json_fail(s, "expected an instant such as \"2026-06-01T05:40:20.151Z\"");
        return;
    }
    if (t->first_ns == TIME_NEVER || ns < t->first_ns)
        t->first_ns = ns;
    if (t->last_ns == TIME_NEVER || ns > t->last_ns)
        t->last_ns = ns;
}

static const struct json_field event_rows[] = {{"timestamp", .read = read_event_time}};
static const struct json_table event_table = {JSON_ROWS(event_rows), .open = true};

static void read_events(struct json_scan *s, const struct json_field *f, void *tracelab)
{
    (void)f;
    json_array_begin(s);
    while (json_array_next(s))
        json_fields_read(s, &event_table, tracelab);
}

#define AT(member) JSON_AT(struct tracelab, member)
enum { INPUT, OUTPUT };
static const struct json_field rows[] = {
    [INPUT] = {"input_tokens_total", JSON_AS_UINT, AT(line.row.input_tokens), .required = true},
    [OUTPUT] = {"output_tokens", JSON_AS_UINT, AT(line.row.output_tokens), .required = true},
    {"prefix_tokens", JSON_AS_UINT, AT(prefix)},
    {"claude_cache_read_input_tokens", JSON_AS_UINT, AT(cache_read),
     JSON_HAS(struct tracelab, has_cache_read)},
    {"claude_cache_creation_input_tokens", JSON_AS_UINT, AT(cache_write)},
    {"reasoning_output_tokens", JSON_AS_UINT, AT(reasoning)},
    {"timing_events", .read = read_events},
    {"session_id", TRACE_NAME(AT(line.row.session_id))},
    {"trace_key", TRACE_NAME(AT(line.row.request_id))},
    {"model", TRACE_NAME(AT(line.row.model))},
    {"provider", TRACE_NAME(AT(provider))},
    {"project", TRACE_NAME(AT(project))},
};
static const struct json_table table = {JSON_ROWS(rows), .open = true, .nulls = true};

static void put_labels(struct tracelab *t)
{
    struct json_writer w;
    buffer_clear(&t->labels);
    json_write_init(&w, &t->labels, 0);
    json_begin_object(&w);
    if (t->provider)
        json_pair_string(&w, "provider", t->provider);
    if (t->project)
        json_pair_string(&w, "project", t->project);
    json_end_object(&w);
    if (t->provider || t->project)
        t->line.row.labels = t->labels.data;
}

static int read_row(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct tracelab *t = context;
    struct request *r = &t->line.row;
    size_t row = in->out->count;
    trace_row_start(&t->line, in, line);
    t->provider = t->project = NULL;
    t->prefix = t->cache_read = t->cache_write = t->reasoning = 0;
    t->has_cache_read = false;
    t->first_ns = t->last_ns = TIME_NEVER;
    t->line.seen = json_fields_read(&t->line.scan, &table, t);
    t->usage.tokens[USAGE_CACHED_INPUT] = t->has_cache_read ? t->cache_read : t->prefix;
    t->usage.tokens[USAGE_CACHE_WRITE] = t->cache_write;
    t->usage.tokens[USAGE_REASONING] = t->reasoning;
    r->has_usage = true;
    if ((t->line.seen & 1u << INPUT) && (t->line.seen & 1u << OUTPUT))
        trace_usage_fill(&t->line.scan, &t->usage, r);
    int status = trace_row_end(&t->line, in, line, &table, err);
    if (status < 0)
        return status;
    if (t->first_ns == TIME_NEVER)
        return trace_fail(in, 1, err, "expected \"timing_events\" with at least one timestamp");
    put_labels(t);
    r->timestamp_ns = t->first_ns;
    mem_grow(&t->end_ns, &t->end_capacity, row + 1, sizeof *t->end_ns);
    t->end_ns[row] = t->last_ns;
    return trace_add(in, r, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct tracelab t = {.end_ns = NULL};
    trace_row_init(&t.line, in);
    trace_usage_init(&t.usage);
    buffer_init(&t.labels, TRACE_MAX_NAME * 16);
    int status = trace_each_line(in, &t, read_row, err);
    if (status == 0) {
        workload_link_sessions(in->out, t.end_ns);
        trace_start_at_first(in);
    }
    trace_row_free(&t.line);
    trace_usage_free(&t.usage);
    buffer_free(&t.labels);
    free(t.end_ns);
    return status;
}

const struct trace_reader trace_reader_tracelab = {
    "tracelab",
    "TraceLab rounds of coding agents (JSON Lines)",
    probe,
    read_rows,
};
