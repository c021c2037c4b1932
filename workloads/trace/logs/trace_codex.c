/* Codex's rollouts (~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl, archived_sessions/): a row for
 * each count of tokens that moved the session's total. The same count comes again with each change
 * of the rate limits; a total that falls began anew; a session that was forked from another repeats
 * its counts. The model is the last one named by a turn.
 *
 * Source: the events of github.com/openai/codex, codex-rs/protocol/src/protocol.rs
 * (TokenCountEvent, TokenUsageInfo, TurnContextItem, SessionMeta). Until version 0.31 a count held
 * the tokens of one call and no total.
 */
#include "workloads/trace/logs/log.h"

#include <stdio.h>
#include <string.h>

struct codex {
    struct log log;
    struct buffer total, model, session, parent, folder; /* of the lines so far; raw JSON */
    struct names seen;                                   /* totals by session */
    bool subagent;
    bool person, knows_person; /* spoke last; speaks in this session */
};

static bool probe(const struct trace_probe *p)
{
    struct text type, payload;
    return p->is_object && trace_json_find(p->line, "type", &type) &&
           trace_json_find(p->line, "payload", &payload) && payload.at[0] == '{' &&
           (text_equal(type, "\"session_meta\"") || text_equal(type, "\"event_msg\"") ||
            text_equal(type, "\"turn_context\"") || text_equal(type, "\"response_item\"") ||
            text_equal(type, "\"compacted\""));
}

static void keep(struct buffer *b, struct text raw)
{
    buffer_clear(b);
    buffer_add(b, raw.at, raw.length);
}

static struct text kept(const struct buffer *b)
{
    return (struct text){b->data ? b->data : "", b->length};
}

/* The number of tokens at a key of a usage object; 0 where there is none. */
static uint64_t count_of(struct text usage, const char *key)
{
    struct text raw;
    uint64_t value = 0;
    return log_find(usage, key, &raw) && text_to_u64(raw, &value) ? value : 0;
}

/* What a total grew by, key by key, where the call's own count is not given; all of it where it
 * began anew. */
static void take_growth(struct codex *c, struct text total)
{
    static const char *const keys[] = {"input_tokens", "cached_input_tokens", "output_tokens",
                                       "reasoning_output_tokens", "total_tokens"};
    struct text before = kept(&c->total);
    bool anew = count_of(total, "total_tokens") < count_of(before, "total_tokens") ||
                count_of(total, "input_tokens") < count_of(before, "input_tokens");
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        char digits[24];
        uint64_t now = count_of(total, keys[i]), then = anew ? 0 : count_of(before, keys[i]);
        int n = snprintf(digits, sizeof digits, "%llu",
                         (unsigned long long)(now > then ? now - then : 0));
        struct text raw = {0}, grown = {digits, (size_t)n};
        bool null = now == 0 && trace_json_find(total, keys[i], &raw) && text_equal(raw, "null");
        log_count(&c->log, keys[i], null ? raw : grown);
    }
}

static int add_call(struct codex *c, struct text line, struct text total, struct text last,
                    struct error *err)
{
    struct log *l = &c->log;
    log_begin(l, line);
    log_take_at(l, FIELD_TIMESTAMP, line, "timestamp");
    if (last.length)
        log_take(l, FIELD_USAGE, last);
    else
        take_growth(c, total);
    if (c->model.length)
        log_take(l, FIELD_MODEL, kept(&c->model));
    if (c->session.length)
        log_take(l, FIELD_SESSION, kept(&c->session));
    if (c->folder.length)
        log_label(l, "project", kept(&c->folder));
    if (c->subagent)
        log_take(l, FIELD_CLASS, text_of("\"subagent\""));
    if (c->knows_person || c->subagent)
        log_initiator(l, c->person && !c->subagent);
    c->person = false;
    return log_add(l, err);
}

/* True where this session told the same total at the same instant before (in a copy of its file),
 * or the one that it was forked from ever did. Notes the total. */
static bool was_told(struct codex *c, struct text line, struct text total)
{
    struct buffer key;
    struct text time = {"", 0};
    bool told = false;
    buffer_init(&key, BUFFER_UNBOUNDED);
    if (c->parent.length) {
        buffer_add_format(&key, "%.*s %.*s", (int)c->parent.length, c->parent.data,
                          (int)total.length, total.at);
        told = names_find(&c->seen, (struct text){key.data, key.length}) != NAME_NONE;
    }
    buffer_clear(&key);
    log_find(line, "timestamp", &time);
    buffer_add_format(&key, "%.*s %.*s", (int)c->session.length,
                      c->session.length ? c->session.data : "", (int)total.length, total.at);
    names_add(&c->seen, (struct text){key.data, key.length});
    buffer_add_format(&key, " %.*s", (int)time.length, time.at);
    size_t known = c->seen.count;
    names_add(&c->seen, (struct text){key.data, key.length});
    told |= c->seen.count == known;
    buffer_free(&key);
    return told;
}

static int read_count(struct trace_input *in, struct codex *c, struct text line, struct error *err)
{
    struct text total = {"", 0}, last = {"", 0}, payload;
    log_find(line, "payload.info.last_token_usage", &last);
    if (!log_find(line, "payload.info.total_token_usage", &total) && last.length == 0 &&
        log_find(line, "payload", &payload) && count_of(payload, "total_tokens") > 0)
        last = payload;
    if (total.length == 0 && last.length == 0) {
        trace_note(in, "no_call", true);
        return 0;
    }
    struct text mark = total.length ? total : last;
    bool same = total.length && text_same(total, kept(&c->total));
    if (was_told(c, line, mark) || same) {
        keep(&c->total, total);
        trace_note(in, "repeated", true);
        return 0;
    }
    int status = add_call(c, line, total, last, err);
    keep(&c->total, total);
    return status;
}

static void begin_session(struct codex *c, struct text line)
{
    struct text value;
    buffer_clear(&c->total);
    buffer_clear(&c->model);
    buffer_clear(&c->parent);
    buffer_clear(&c->folder);
    if (log_find(line, "payload.id", &value))
        keep(&c->session, value);
    if (log_find(line, "payload.forked_from_id", &value))
        keep(&c->parent, value);
    if (log_find(line, "payload.cwd", &value))
        keep(&c->folder, value);
    c->person = c->knows_person = false;
    c->subagent = log_find(line, "payload.source.subagent", &value);
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct codex *c = context;
    struct json_scan s;
    struct text value;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    json_skip(&s, NULL);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    if (log_find(line, "payload.model", &value) && value.at[0] == '"')
        keep(&c->model, value);
    if (log_is(line, "type", "session_meta"))
        begin_session(c, line);
    if (log_is(line, "payload.type", "user_message"))
        c->person = c->knows_person = true;
    if (log_is(line, "payload.type", "token_count"))
        return read_count(in, c, line, err);
    trace_note(in, "no_call", true);
    return 0;
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct codex c = {.person = false};
    struct buffer *all[] = {&c.total, &c.model, &c.session, &c.parent, &c.folder};
    log_init(&c.log, in);
    names_init(&c.seen);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        buffer_init(all[i], TRACE_MAX_NAME);
    int status = trace_each_line(in, &c, read_line, err);
    if (status == 0)
        status = log_settle(&c.log, err);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        buffer_free(all[i]);
    names_free(&c.seen);
    log_free(&c.log);
    return status;
}

const struct trace_reader trace_reader_codex = {
    "codex",
    "Codex's rollouts",
    probe,
    read_rows,
};
