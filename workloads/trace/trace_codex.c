/* Codex's rollouts (~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl): a row for each count of tokens
 * that moved the session's total. The same count comes again with each change of the rate limits;
 * the model is the last one named by a turn.
 *
 * Source: the events of github.com/openai/codex, codex-rs/protocol/src/protocol.rs
 * (TokenCountEvent, TokenUsageInfo, TurnContextItem).
 */
#include "workloads/trace/trace_fields.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

struct codex {
    struct trace_fields fields;
    struct buffer total, model, session; /* of the lines so far; raw JSON */
};

static bool probe(const struct trace_probe *p)
{
    struct text type, payload;
    return p->is_object && trace_json_find(p->line, "type", &type) &&
           trace_json_find(p->line, "payload", &payload) && payload.at[0] == '{' &&
           (text_equal(type, "\"session_meta\"") || text_equal(type, "\"event_msg\"") ||
            text_equal(type, "\"turn_context\"") || text_equal(type, "\"response_item\""));
}

static void keep(struct buffer *b, struct text raw)
{
    buffer_clear(b);
    buffer_add(b, raw.at, raw.length);
}

/* The text of a JSON string; escapes stay, names have none. */
static struct text unquoted(struct text raw)
{
    if (raw.length < 2 || raw.at[0] != '"')
        return (struct text){"", 0};
    return (struct text){raw.at + 1, raw.length - 2};
}

static const char *set(struct codex *c, enum trace_field field, struct text value)
{
    return trace_fields_set(&c->fields, field, "", value);
}

static int add_call(struct trace_input *in, struct codex *c, struct text line, struct text usage,
                    struct error *err)
{
    struct text time = {"", 0};
    trace_fields_clear(&c->fields);
    trace_json_find(line, "timestamp", &time);
    const char *wanted = set(c, FIELD_TIMESTAMP, unquoted(time));
    if (!wanted)
        wanted = set(c, FIELD_USAGE, usage);
    if (!wanted && c->model.length)
        wanted = set(c, FIELD_MODEL, unquoted((struct text){c->model.data, c->model.length}));
    if (!wanted && c->session.length)
        wanted = set(c, FIELD_SESSION, unquoted((struct text){c->session.data, c->session.length}));
    if (!wanted)
        wanted = trace_fields_finish(&c->fields);
    if (wanted)
        return trace_fail(in, 1, err, "expected %s", wanted);
    trace_fields_note_usage(in, &c->fields);
    return trace_add(in, &c->fields.row, err);
}

static int read_count(struct trace_input *in, struct codex *c, struct text line, struct error *err)
{
    struct text total, last;
    if (!trace_json_find(line, "payload.info.total_token_usage", &total) ||
        !trace_json_find(line, "payload.info.last_token_usage", &last))
        return 0;
    if (text_same(total, (struct text){c->total.data, c->total.length})) {
        trace_note(in, "repeated", true);
        return 0;
    }
    keep(&c->total, total);
    return add_call(in, c, line, last, err);
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct codex *c = context;
    struct json_scan s;
    struct text type, value;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    json_skip(&s, NULL);
    if (json_scan_end(&s, NULL) < 0) {
        trace_note(in, "no_json", true);
        return 0;
    }
    if (trace_json_find(line, "payload.model", &value) && value.at[0] == '"')
        keep(&c->model, value);
    if (trace_json_find(line, "type", &type) && text_equal(type, "\"session_meta\"") &&
        trace_json_find(line, "payload.id", &value)) {
        keep(&c->session, value);
        buffer_clear(&c->total);
        buffer_clear(&c->model);
    }
    if (trace_json_find(line, "payload.type", &type) && text_equal(type, "\"token_count\""))
        return read_count(in, c, line, err);
    trace_note(in, "no_call", true);
    return 0;
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct codex *c = mem_zero(1, sizeof *c);
    trace_fields_init(&c->fields, in);
    buffer_init(&c->total, TRACE_MAX_NAME);
    buffer_init(&c->model, TRACE_MAX_NAME);
    buffer_init(&c->session, TRACE_MAX_NAME);
    int status = trace_each_line(in, c, read_line, err);
    if (status == 0)
        trace_start_at_first(in);
    buffer_free(&c->total);
    buffer_free(&c->model);
    buffer_free(&c->session);
    trace_fields_free(&c->fields);
    free(c);
    return status;
}

const struct trace_reader trace_reader_codex = {
    "codex",
    "Codex's rollouts",
    probe,
    read_rows,
};
