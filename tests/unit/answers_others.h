/* Streams of responses and of messages, and whole bodies; see answers_maker.h. */
#ifndef FAREBOX_TESTS_ANSWERS_OTHERS_H
#define FAREBOX_TESTS_ANSWERS_OTHERS_H

#include "tests/unit/answers_chat.h"

/* An event whose name stands beside it, in its `type`, or in both. */
static inline void emit_named(struct made_answer *m, const char *name, unsigned kinds)
{
    emit(m, draw(m, 6) ? name : NULL, kinds);
}

static inline void put_type(struct made_answer *m, const char *name)
{
    PUT("{\"type\":\"%s\",\"sequence_number\":%u", name, m->count);
}

/* ---- responses ---- */

struct part {
    const char *stem, *item, *whole; /* of its events; of its item; the member of a whole */
    unsigned kind;
};

static const struct part response_parts[] = {
    {"response.output_text", "message", "text", CHUNK_CONTENT},
    {"response.reasoning_text", "reasoning", "text", CHUNK_REASONING},
    {"response.reasoning_summary_text", "reasoning", "text", CHUNK_REASONING | CHUNK_SUMMARY},
    {"response.refusal", "message", "refusal", CHUNK_REFUSAL},
    {"response.function_call_arguments", "function_call", "arguments", CHUNK_TOOL},
};

static inline void say(struct made_answer *m, const char *stem, const char *end, const char *member,
                       const char *words, unsigned kinds)
{
    char name[80];
    snprintf(name, sizeof name, "%s.%s", stem, end);
    put_type(m, name);
    PUT(",\"item_id\":\"i\",\"output_index\":0,\"%s\":\"%s\"}", member, words);
    emit_named(m, name, kinds);
}

static inline void item_added(struct made_answer *m, const struct part *p)
{
    bool call = p->kind == CHUNK_TOOL;
    put_type(m, "response.output_item.added");
    PUT(",\"item\":{\"id\":\"i\",\"type\":\"%s\"%s,\"status\":\"in_progress\"}}", p->item,
        call ? ",\"name\":\"fn\",\"arguments\":\"\"" : ",\"content\":[]");
    emit_named(m, "response.output_item.added", call ? CHUNK_TOOL : 0);
    if (call)
        buffer_add_text(&m->text, "fn");
}

/* One item of the output: its text in pieces, or, of some servers, only whole. */
static inline void response_item(struct made_answer *m, const struct part *p)
{
    bool pieces = draw(m, 6) != 0 || p->kind == CHUNK_TOOL;
    item_added(m, p);
    if (p->kind != CHUNK_TOOL && draw(m, 2)) {
        put_type(m, "response.content_part.added");
        PUT(",\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}");
        emit_named(m, "response.content_part.added", 0);
    }
    for (uint64_t left = pieces ? 1 + draw(m, 6) : 0; left > 0; left--) {
        struct made_words w = words_draw(m, (unsigned)left);
        keep(m, &w);
        say(m, p->stem, "delta", "delta", w.json, p->kind);
        maybe_junk(m);
    }
    struct made_words whole = words_draw(m, 0);
    if (!pieces)
        keep(m, &whole);
    say(m, p->stem, "done", p->whole, whole.json, pieces ? 0 : p->kind);
    put_type(m, "response.output_item.done");
    PUT(",\"item\":{\"type\":\"%s\",\"content\":[{\"type\":\"output_text\",\"text\":\"again\"}]}}",
        p->item);
    emit_named(m, "response.output_item.done", 0);
}

/* The output of a response, all of it once more, or its text alone where none came. */
static inline void put_output(struct made_answer *m, bool is_new)
{
    struct made_words r = words_draw(m, 2), w = words_draw(m, 0);
    PUT("\"output\":[{\"type\":\"reasoning\",\"summary\":[],\"content\":[{\"type\":"
        "\"reasoning_text\",\"text\":\"%s\"}]},{\"type\":\"message\",\"content\":[{\"text\":\"%s\","
        "\"type\":\"output_text\"}]}]",
        r.json, w.json);
    if (!is_new)
        return;
    keep(m, &r);
    keep(m, &w);
}

static inline void put_response(struct made_answer *m, const char *status, bool is_new)
{
    PUT("{\"id\":\"r\",\"object\":\"response\",\"status\":\"%s\",\"error\":null,%s", status,
        strcmp(status, "incomplete") == 0
            ? "\"incomplete_details\":{\"reason\":\"max_output_tokens\"},"
            : "\"incomplete_details\":null,");
    put_output(m, is_new);
    if (m->has_usage) {
        PUT(",");
        put_usage(m);
    }
    PUT("}");
}

static inline void end_response(struct made_answer *m)
{
    bool cut = draw(m, 4) == 0, is_new = true;
    char name[40];
    const char *status = cut ? "incomplete" : "completed";
    for (unsigned i = 0; i < m->count; i++)
        is_new &= m->events[i].kinds == 0;
    snprintf(name, sizeof name, "response.%s", status);
    put_type(m, name);
    PUT(",\"response\":");
    put_response(m, status, is_new);
    PUT("}");
    m->finish = cut ? "length" : "stop";
    emit_named(m, name, is_new ? CHUNK_REASONING | CHUNK_CONTENT : 0);
    m->ends = true;
    maybe_cut_blank(m);
}

static inline void fail_response(struct made_answer *m)
{
    bool failed = draw(m, 2);
    const char *name = failed ? "response.failed" : "error";
    put_type(m, name);
    if (failed)
        PUT(",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":"
            "\"it broke\"},\"output\":[]}}");
    else
        PUT(",\"code\":\"server_error\",\"message\":\"it broke\",\"param\":null}");
    emit_named(m, name, 0);
    m->failure = FAILURE_ERROR_EVENT;
    m->message = "it broke";
    m->has_usage = false;
}

static inline void made_responses_stream(struct made_answer *m)
{
    m->api = &api_responses;
    begin_stream(m);
    draw_usage(m);
    if (m->has_usage && strstr(m->usage.json.data, "NaN")) /* mended with all of the response */
        m->usage.odd = ODDITY(BAD_TEXT);
    put_type(m, "response.created");
    PUT(",\"response\":{\"status\":\"in_progress\",\"error\":null,\"usage\":null,\"output\":[]}}");
    emit_named(m, "response.created", 0);
    for (uint64_t left = draw(m, 4); left > 0; left--)
        response_item(m, &response_parts[draw(m, 5)]);
    if (draw(m, 20) == 0) {
        fail_response(m);
    } else if (draw(m, 20) == 0) {
        m->has_usage = false;
        end_truncated(m);
    } else {
        end_response(m);
    }
    if (draw(m, 20) == 0)
        break_off(m);
}

/* ---- messages ---- */

struct block {
    const char *type, *delta, *member;
    unsigned kind;
};

static const struct block message_blocks[] = {
    {"text", "text_delta", "text", CHUNK_CONTENT},
    {"thinking", "thinking_delta", "thinking", CHUNK_REASONING},
    {"tool_use", "input_json_delta", "partial_json", CHUNK_TOOL},
};

static inline void message_block(struct made_answer *m, const struct block *b)
{
    bool call = b->kind == CHUNK_TOOL;
    put_type(m, "content_block_start");
    PUT(",\"index\":0,\"content_block\":{\"type\":\"%s\",%s}}", b->type,
        call ? "\"id\":\"t\",\"name\":\"fn\",\"input\":{}" : "\"text\":\"\"");
    emit_named(m, "content_block_start", call ? CHUNK_TOOL : 0);
    if (call)
        buffer_add_text(&m->text, "fn");
    for (uint64_t left = 1 + draw(m, 6); left > 0; left--) {
        struct made_words w = words_draw(m, (unsigned)left);
        keep(m, &w);
        put_type(m, "content_block_delta");
        PUT(",\"index\":0,\"delta\":{\"type\":\"%s\",\"%s\":\"%s\"}}", b->delta, b->member, w.json);
        emit_named(m, "content_block_delta", b->kind);
        maybe_junk(m);
    }
    if (b->kind == CHUNK_REASONING) {
        PUT("{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"signature_delta\","
            "\"signature\":\"c2ln\"}}");
        emit_named(m, "content_block_delta", 0);
    }
    PUT("{\"type\":\"content_block_stop\",\"index\":0}");
    emit_named(m, "content_block_stop", 0);
}

/* Anthropic's, told twice: at the start with an output of 1, and at the end. */
static inline void draw_message_usage(struct made_answer *m)
{
    struct made_usage *u = &m->usage;
    m->has_usage = true;
    buffer_clear(&u->json);
    memset(u->tokens, 0, sizeof u->tokens);
    u->odd = 0;
    u->cost = NULL;
    u->estimates = false;
    for (int c = 0; c <= USAGE_OUTPUT; c++)
        u->tokens[c] = c == USAGE_UNCACHED_INPUT || draw(m, 2) ? 1 + draw(m, 5000) : 0;
    u->tokens[USAGE_OUTPUT] += 1 + MADE_EVENTS; /* as many as there may be chunks */
}

static inline void message_start(struct made_answer *m)
{
    const uint64_t output = m->usage.tokens[USAGE_OUTPUT];
    m->usage.tokens[USAGE_OUTPUT] = 1;
    say_anthropic(&m->usage, false);
    m->usage.tokens[USAGE_OUTPUT] = output;
    put_type(m, "message_start");
    PUT(",\"message\":{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"stop_reason\":"
        "null,\"usage\":%s}}",
        m->usage.json.data);
    emit_named(m, "message_start", 0);
}

static inline void message_delta(struct made_answer *m, bool finishes)
{
    static const char *const reasons[][2] = {
        {"end_turn", "stop"},       {"max_tokens", "length"}, {"stop_sequence", "stop"},
        {"tool_use", "tool_calls"}, {"refusal", "refusal"},   {"pause_turn", "pause_turn"}};
    uint64_t which = draw(m, 6);
    put_type(m, "message_delta");
    PUT(",\"delta\":{\"stop_reason\":%s%s%s,\"stop_sequence\":null},\"usage\":{\"output_tokens\":"
        "%llu}}",
        finishes ? "\"" : "", finishes ? reasons[which][0] : "null", finishes ? "\"" : "",
        (unsigned long long)m->usage.tokens[USAGE_OUTPUT]);
    m->finish = finishes ? reasons[which][1] : NULL;
    emit_named(m, "message_delta", 0);
}

/* Usage grows while the answer does: of one that broke, what came is estimated. */
static inline void fail_message(struct made_answer *m)
{
    PUT("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"it broke\"}}");
    emit_named(m, "error", 0);
    m->failure = FAILURE_ERROR_EVENT;
    m->message = "it broke";
    m->told_at_start = true;
}

static inline void end_message(struct made_answer *m)
{
    bool finishes = draw(m, 10), ends = draw(m, 10);
    message_delta(m, finishes);
    if (ends) {
        put_type(m, "message_stop");
        PUT("}");
        emit_named(m, "message_stop", 0);
        m->ends = true;
    }
    maybe_cut_blank(m);
    if (draw(m, 20) == 0)
        break_off(m);
    else if (!finishes && !ends)
        end_truncated(m);
}

static inline void made_messages_stream(struct made_answer *m)
{
    m->api = &api_messages;
    begin_stream(m);
    draw_message_usage(m);
    message_start(m);
    PUT("{\"type\":\"ping\"}");
    emit_named(m, "ping", 0);
    for (uint64_t left = draw(m, 4); left > 0; left--)
        message_block(m, &message_blocks[draw(m, 3)]);
    if (draw(m, 20) == 0)
        fail_message(m);
    else
        end_message(m);
}

/* ---- whole bodies ---- */

static inline void whole_chat(struct made_answer *m)
{
    unsigned kind = draw_kind(m, 0);
    PUT("{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
        "\"assistant\",");
    put_kind(m, kind);
    PUT("},\"logprobs\":null,\"finish_reason\":\"%s\"}]", m->finish = made_reasons[draw(m, 8)]);
}

static inline void whole_completion(struct made_answer *m)
{
    PUT("{\"object\":\"text_completion\",\"choices\":[{\"index\":0,");
    text_member(m);
    PUT(",\"finish_reason\":\"%s\"}]", m->finish = made_reasons[draw(m, 8)]);
}

static inline void whole_message(struct made_answer *m)
{
    struct made_words r = words_draw(m, 2), w = words_draw(m, 0);
    PUT("{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
        "\"thinking\":\"%s\",\"signature\":\"c2ln\"},{\"type\":\"text\",\"text\":\"%s\"}],"
        "\"stop_reason\":\"end_turn\"",
        r.json, w.json);
    keep(m, &r);
    keep(m, &w);
    m->finish = "stop";
}

static inline void put_whole(struct made_answer *m)
{
    if (m->api == &api_responses) {
        put_response(m, "completed", true);
        m->finish = "stop";
        return;
    }
    if (m->api == &api_chat)
        whole_chat(m);
    else if (m->api == &api_completions)
        whole_completion(m);
    else
        whole_message(m);
    if (m->has_usage) {
        PUT(",");
        put_usage(m);
    }
    PUT("}");
}

/* A body that is one answer, whether a stream was asked for or not, whatever it is called. */
static inline void made_whole(struct made_answer *m)
{
    static const struct bench_api *const apis[] = {&api_chat, &api_completions, &api_responses,
                                                   &api_messages};
    static const char *const types[] = {"application/json", "application/json; charset=utf-8",
                                        "text/plain", NULL, "text/event-stream"};
    m->api = apis[draw(m, 4)];
    m->asks_stream = draw(m, 4) == 0;
    m->is_stream = false;
    m->type = types[draw(m, 5)];
    if (m->type && strcmp(m->type, "text/event-stream") == 0)
        m->odd |= ODDITY(CONTENT_TYPE);
    draw_usage(m);
    if (draw(m, 10) == 0)
        PUT("\r\n \n");
    put_whole(m);
    if (draw(m, 2))
        PUT("\n");
    buffer_add(&m->body, m->payload.data, m->payload.length);
    buffer_clear(&m->payload);
    m->ends = true;
}

#endif
