/* GitHub Copilot's coding agents, 2026: a session a line, with turns, of which each has calls of
 * models and batches of tools. Who began a call, a person or the agent, is in it.
 *
 * Source: github.com/Azure/AzurePublicDataset, GitHubCopilotCodingAgentDataset2026.md and
 * analysis/GitHubCopilotCodingAgents/schema.json.
 */
#include "workloads/trace/logs/log.h"

#include <string.h>

static bool probe(const struct trace_probe *p)
{
    static const char mark[] = "\"llm_calls\"";
    return trace_probe_kind(p, "turns") == JSON_ARRAY && trace_probe_key(p, "session_id") &&
           memmem(p->all.at, p->all.length, mark, sizeof mark - 1);
}

struct copilot {
    struct log log;
    struct text line, session, turn;
    struct error *err;
    int status;
};

static int add_call(struct copilot *c, struct text call)
{
    struct log *l = &c->log;
    struct text raw;
    log_begin(l, call);
    log_take_at(l, FIELD_TIMESTAMP, call, "timestamp");
    if (log_find(call, "duration_ms", &raw))
        log_end_after_ms(l, raw);
    log_take_at(l, FIELD_MODEL, call, "model");
    if (c->session.length)
        log_take(l, FIELD_SESSION, c->session);
    log_count_at(l, "prompt_tokens", call, "tokens.prompt");
    log_count_at(l, "cached_tokens", call, "tokens.cached");
    log_count_at(l, "completion_tokens", call, "tokens.completion");
    log_count_at(l, "total_tokens", call, "tokens.total");
    if (log_is(call, "result", "UserCancel") || log_is(call, "result", "Cancelled"))
        l->fields.row.status = REQUEST_ABORTED;
    else if (log_name(call, "result").length && !log_is(call, "result", "Success"))
        l->fields.row.status = REQUEST_FAILED;
    if (log_name(call, "initiator_type").length)
        log_initiator(l, log_is(call, "initiator_type", "user"));
    log_id(l, log_name(call, "message_id"), (struct text){"", 0});
    return log_add(l, c->err);
}

/* The calls of a turn, one by one, so that a line that is cut short has those before the cut. */
static void read_calls(struct json_scan *s, struct copilot *c)
{
    struct text call;
    json_array_begin(s);
    while (json_array_next(s) && json_skip(s, &call))
        if (call.at[0] == '{' && c->status == 0)
            c->status = add_call(c, call);
}

static void read_batches(struct json_scan *s, struct copilot *c)
{
    json_array_begin(s);
    while (json_array_next(s) && json_skip(s, NULL))
        trace_note(c->log.in, "tool_batches", true);
}

static void read_turn(struct json_scan *s, struct copilot *c)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        bool list = json_peek(s) == JSON_ARRAY;
        if (list && text_equal(key, "llm_calls"))
            read_calls(s, c);
        else if (list && text_equal(key, "tool_batches"))
            read_batches(s, c);
        else
            json_skip(s, NULL);
    }
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct copilot *c = context;
    struct json_scan s;
    struct text key;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    c->err = err;
    c->status = 0;
    c->session = (struct text){"", 0};
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "session_id")) {
            json_skip(&s, &c->session);
        } else if (text_equal(key, "turns") && json_peek(&s) == JSON_ARRAY) {
            json_array_begin(&s);
            while (json_array_next(&s))
                read_turn(&s, c);
        } else {
            json_skip(&s, NULL);
        }
    }
    return c->status < 0 ? c->status : json_scan_end(&s, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct copilot c = {.err = err};
    log_init(&c.log, in);
    int status = trace_each_document(in, &c, read_line, err);
    if (status == 0)
        status = log_settle(&c.log, err);
    log_free(&c.log);
    return status;
}

const struct trace_reader trace_reader_copilot = {
    "copilot",
    "GitHub Copilot's coding agents 2026, a session a line",
    probe,
    read_rows,
};
