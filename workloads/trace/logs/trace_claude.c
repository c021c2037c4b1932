/* Claude Code's sessions (~/.claude/projects/PROJECT/SESSION.jsonl, and SESSION/subagents/ *.jsonl
 * beside it): a line for each block of an answer's content, of which all have the answer's id, and
 * lines of other kinds. A session that is resumed repeats lines in another file.
 *
 * One request is one id of a message and of the request for it, the line of most output tokens;
 * its time is that of its first line. A person asked for the first answer behind a turn of hers,
 * the agent for the others and for all of a sub-agent.
 *
 * Compared with apps/ccusage/src/data-loader.ts of github.com/ryoppippi/ccusage (commit 00659d2):
 * the fields of a line, the id of message and request, that the line of most tokens counts, that
 * "<synthetic>" is no model. isSidechain, gitBranch, service_tier and speed stand so in the files
 * that tests of other public readers hold. isMeta, and lines of progress with an answer inside,
 * were compared with no public code.
 */
#include "workloads/trace/logs/log.h"

#include <string.h>

struct claude {
    struct log log;
    bool person;        /* spoke last */
    struct buffer last; /* the id of the last answer */
    bool asked;         /* by a person */
};

/* The parts of a line. */
struct entry {
    struct text type, time, session, message, request, uuid, folder, branch, cost;
    bool sidechain, error, meta;
};

static bool probe(const struct trace_probe *p)
{
    static const char *const ours[] = {"\"sessionId\"", "\"uuid\"", "\"message\"", "\"type\""};
    if (!p->is_object || trace_probe_key(p, "traceId") || trace_probe_key(p, "payload") ||
        trace_probe_key(p, "messages"))
        return false;
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (!memmem(p->all.at, p->all.length, ours[i], strlen(ours[i])))
            return false;
    return trace_probe_key(p, "type") &&
           (trace_probe_key(p, "sessionId") || trace_probe_key(p, "leafUuid") ||
            trace_probe_key(p, "messageId"));
}

static void read_entry(struct json_scan *s, struct entry *e)
{
    struct text key, raw;
    *e = (struct entry){.error = false};
    json_object_begin(s);
    while (json_object_next(s, &key) && json_skip(s, &raw)) {
        const struct {
            const char *name;
            struct text *into;
        } parts[] = {
            {"type", &e->type},       {"timestamp", &e->time},    {"sessionId", &e->session},
            {"message", &e->message}, {"requestId", &e->request}, {"uuid", &e->uuid},
            {"cwd", &e->folder},      {"gitBranch", &e->branch},  {"costUSD", &e->cost}};
        bool yes = text_equal(raw, "true");
        e->sidechain |= yes && text_equal(key, "isSidechain");
        e->error |= yes && text_equal(key, "isApiErrorMessage");
        e->meta |= yes && text_equal(key, "isMeta");
        for (size_t i = 0; i < COUNT_OF(parts); i++)
            if (text_equal(key, parts[i].name) && !text_equal(raw, "null"))
                *parts[i].into = raw;
    }
}

/* A sub-agent's answer may also come inside a line that tells of its progress. */
static void unwrap_progress(struct entry *e, struct text line)
{
    struct text inner;
    if (!text_equal(e->type, "\"progress\"") || !log_find(line, "data.message", &inner))
        return;
    log_find(inner, "type", &e->type);
    log_find(inner, "message", &e->message);
    log_find(inner, "requestId", &e->request);
    e->sidechain = true;
}

/* What the user's line brings is her words, unless it brings what tools found. */
static bool is_of_person(const struct entry *e)
{
    struct text content;
    if (e->meta || e->sidechain || !log_find(e->message, "content", &content))
        return false;
    return content.at[0] == '"' || !memmem(content.at, content.length, "\"tool_result\"", 13);
}

static void note_other(struct trace_input *in, struct text type)
{
    static const char *const kinds[] = {"user",   "summary",         "file-history-snapshot",
                                        "system", "queue-operation", "progress"};
    type = log_unquoted(type);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (text_equal(type, kinds[i])) {
            trace_note(in, kinds[i], true);
            return;
        }
    trace_note(in, "other_lines", true);
}

static void take_tier(struct claude *c, struct text usage)
{
    struct text value;
    if (log_find(usage, "service_tier", &value))
        log_take(&c->log, FIELD_SERVICE, value);
    if (log_find(usage, "speed", &value) && !text_equal(value, "\"standard\""))
        log_label(&c->log, "speed", value);
    if (log_find(usage, "inference_geo", &value) && !text_equal(value, "\"not_available\"") &&
        !text_equal(value, "\"\""))
        log_label(&c->log, "inference_geo", value);
}

static void take_labels(struct log *l, const struct entry *e)
{
    if (e->folder.length)
        log_label(l, "project", e->folder);
    if (e->branch.length)
        log_label(l, "branch", e->branch);
}

static void take_id(struct log *l, const struct entry *e)
{
    struct text id = log_name(e->message, "id"), request = log_unquoted(e->request);
    if (id.length + request.length > 0)
        log_id(l, id, request);
    else
        log_id(l, log_unquoted(e->uuid), request);
}

/* The first answer behind a person's words is the one that she asked for, on all its lines. */
static void note_asker(struct claude *c, const struct entry *e)
{
    struct text id = {c->log.id.data, c->log.id.length};
    if (!e->sidechain && !text_same(id, (struct text){c->last.data, c->last.length})) {
        buffer_clear(&c->last);
        buffer_add(&c->last, id.at, id.length);
        c->asked = c->person;
        c->person = false;
    }
    log_initiator(&c->log, c->asked && !e->sidechain);
}

static int add_answer(struct claude *c, const struct entry *e, struct text line, struct text usage,
                      struct error *err)
{
    struct log *l = &c->log;
    log_begin(l, line);
    if (e->time.length)
        log_take(l, FIELD_TIMESTAMP, e->time);
    if (e->session.length)
        log_take(l, FIELD_SESSION, e->session);
    if (e->cost.length)
        log_take(l, FIELD_COST, e->cost);
    log_take_at(l, FIELD_MODEL, e->message, "model");
    log_take(l, FIELD_USAGE, usage);
    take_tier(c, usage);
    take_labels(l, e);
    if (e->sidechain)
        log_take(l, FIELD_CLASS, text_of("\"subagent\""));
    take_id(l, e);
    note_asker(c, e);
    return log_add(l, err);
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct claude *c = context;
    struct json_scan s;
    struct entry e;
    struct text usage;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    read_entry(&s, &e);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    unwrap_progress(&e, line);
    if (!text_equal(e.type, "\"assistant\"")) {
        c->person |= text_equal(e.type, "\"user\"") && is_of_person(&e);
        note_other(in, e.type);
        return 0;
    }
    bool synthetic = log_is(e.message, "model", "<synthetic>");
    if (e.error || synthetic || !log_find(e.message, "usage", &usage)) {
        trace_note(in, e.error ? "api_error" : synthetic ? "synthetic" : "no_call", true);
        return 0;
    }
    return add_answer(c, &e, line, usage, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct claude c = {.person = false};
    log_init(&c.log, in);
    buffer_init(&c.last, BUFFER_UNBOUNDED);
    int status = trace_each_line(in, &c, read_line, err);
    if (status == 0)
        status = log_settle(&c.log, err);
    buffer_free(&c.last);
    log_free(&c.log);
    return status;
}

const struct trace_reader trace_reader_claude = {
    "claude-code",
    "Claude Code's sessions",
    probe,
    read_rows,
};
