/* Gemini CLI's sessions (~/.gemini/tmp/PROJECT/chats/session-*.json): one document with messages,
 * or in newer versions a line a message behind one that names the session. A message of type
 * "gemini" with tokens is a call; one that is written again has the same id.
 *
 * The counts are Gemini's: "input" is the prompt with what is cached, "output" the candidates
 * without thoughts, "tool" the prompts of tools beside the prompt.
 *
 * Source: github.com/google-gemini/gemini-cli, packages/core/src/services/chatRecordingService.ts.
 */
#include "workloads/trace/logs/log.h"

#include <string.h>

struct gemini {
    struct log log;
    struct buffer session; /* raw */
    bool person;           /* spoke last */
    struct error *err;
    int status;
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_key(p, "sessionId") && trace_probe_key(p, "projectHash");
}

static void take_tokens(struct log *l, struct text tokens)
{
    static const char *const keys[][2] = {
        {"input", "promptTokenCount"},         {"output", "candidatesTokenCount"},
        {"cached", "cachedContentTokenCount"}, {"thoughts", "thoughtsTokenCount"},
        {"tool", "toolUsePromptTokenCount"},   {"total", "totalTokenCount"}};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        log_count_at(l, keys[i][1], tokens, keys[i][0]);
}

static int read_message(struct gemini *g, struct text message)
{
    struct log *l = &g->log;
    struct text tokens;
    bool user = log_is(message, "type", "user");
    if (!log_is(message, "type", "gemini") || !log_find(message, "tokens", &tokens)) {
        g->person |= user;
        trace_note(l->in, user ? "user" : "no_call", true);
        return 0;
    }
    log_begin(l, message);
    log_take_at(l, FIELD_TIMESTAMP, message, "timestamp");
    log_take_at(l, FIELD_MODEL, message, "model");
    if (g->session.length)
        log_take(l, FIELD_SESSION, (struct text){g->session.data, g->session.length});
    take_tokens(l, tokens);
    log_initiator(l, g->person);
    g->person = false;
    log_id(l, log_name(message, "id"), (struct text){"", 0});
    return log_add(l, g->err);
}

static void keep_session(struct gemini *g, struct text raw)
{
    buffer_clear(&g->session);
    buffer_add(&g->session, raw.at, raw.length);
    g->person = false;
}

static void read_messages(struct json_scan *s, struct gemini *g)
{
    struct text message;
    json_array_begin(s);
    while (json_array_next(s) && json_skip(s, &message))
        if (message.at[0] == '{' && g->status == 0)
            g->status = read_message(g, message);
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct gemini *g = context;
    struct json_scan s;
    struct text key, raw;
    bool holds = false, session = false;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    g->err = err;
    g->status = 0;
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "messages") && json_peek(&s) == JSON_ARRAY) {
            holds = true;
            read_messages(&s, g);
        } else if (json_skip(&s, &raw) && text_equal(key, "sessionId")) {
            session = true;
            keep_session(g, raw);
        }
    }
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    if (!holds && !session)
        g->status = read_message(g, line);
    return g->status;
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct gemini g = {.err = err};
    log_init(&g.log, in);
    buffer_init(&g.session, TRACE_MAX_NAME);
    int status = trace_each_document(in, &g, read_line, err);
    if (status == 0)
        status = log_settle(&g.log, err);
    buffer_free(&g.session);
    log_free(&g.log);
    return status;
}

const struct trace_reader trace_reader_gemini = {
    "gemini-cli",
    "Gemini CLI's sessions",
    probe,
    read_rows,
};
