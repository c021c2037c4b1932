/* Streams of chat and of completions; see answers_maker.h. */
#ifndef FAREBOX_TESTS_ANSWERS_CHAT_H
#define FAREBOX_TESTS_ANSWERS_CHAT_H

#include "tests/unit/answers_maker.h"

/* ---- what one delta says ---- */

static inline unsigned put_content(struct made_answer *m)
{
    struct made_words w = words_draw(m, 0), more = words_draw(m, 1);
    uint64_t shape = draw(m, 10);
    keep(m, &w);
    if (shape == 1)
        PUT("\"content\":[\"%s\"]", w.json);
    else if (shape == 2)
        PUT("\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]", w.json);
    else if (shape == 3)
        PUT("\"content\":{\"text\":\"%s\",\"type\":\"output_text\"}", w.json);
    else if (shape == 4)
        PUT("\"content\":[{\"type\":\"text\",\"text\":\"%s\"},\"%s\"]", w.json, more.json);
    else
        PUT("\"content\":\"%s\",\"refusal\":null,\"reasoning_content\":%s", w.json,
            draw(m, 2) ? "null" : "\"\"");
    if (shape == 4)
        keep(m, &more);
    return CHUNK_CONTENT;
}

static inline unsigned put_reasoning(struct made_answer *m)
{
    static const char *const names[] = {"reasoning_content", "reasoning", "reasoning_text",
                                        "thinking",          "thought",   "reasoning_summary"};
    struct made_words w = words_draw(m, 2);
    uint64_t shape = draw(m, 10);
    keep(m, &w);
    if (shape == 0)
        PUT("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"%s\",\"index\":0}]",
            w.json);
    else if (shape == 1)
        PUT("\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"%s\",\"signature\":"
            "\"c2ln\"}]",
            w.json);
    else if (shape == 2)
        PUT("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"%s\"}"
            "]}]",
            w.json);
    else if (shape == 3) /* under two names */
        PUT("\"reasoning\":\"%s\",\"reasoning_details\":[{\"text\":\"%s\",\"type\":"
            "\"reasoning.text\"},{\"type\":\"reasoning.encrypted\",\"data\":\"c2Vj\"}]",
            w.json, w.json);
    else
        PUT("\"content\":%s,\"%s\":\"%s\"", draw(m, 2) ? "null" : "\"\"", names[draw(m, 5)],
            w.json);
    return CHUNK_REASONING;
}

static inline unsigned put_refusal(struct made_answer *m)
{
    struct made_words w = words_draw(m, 0);
    keep(m, &w);
    if (draw(m, 2))
        PUT("\"refusal\":\"%s\"", w.json);
    else
        PUT("\"content\":[{\"type\":\"refusal\",\"refusal\":\"%s\"}]", w.json);
    return CHUNK_REFUSAL;
}

/* A call's name, then its arguments: as a text in pieces, or at once as an object. */
static inline unsigned put_tool(struct made_answer *m)
{
    struct made_words w = words_draw(m, 3);
    const char *index = draw(m, 2) ? "\"index\":0," : "";
    char name[16];
    uint64_t shape = m->tool_number++ ? 1 + draw(m, 2) : draw(m, 5) ? 0 : 3;
    snprintf(name, sizeof name, "f%u", m->tool_number);
    if (shape == 0)
        PUT("\"tool_calls\":[{%s\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"%s\","
            "\"arguments\":\"\"}}]",
            index, name);
    else if (shape == 1)
        PUT("\"tool_calls\":[{%s\"function\":{\"arguments\":\"%s\"}}]", index, w.json);
    else if (shape == 2)
        PUT("\"tool_calls\":{\"function\":{\"name\":\"%s\",\"arguments\":{\"a\":1}}}", name);
    else
        PUT("\"function_call\":{\"name\":\"%s\",\"arguments\":\"%s\"}", name, w.json);
    if (shape != 1)
        buffer_add_text(&m->text, name);
    if (shape == 1 || shape == 3)
        keep(m, &w);
    if (shape == 2)
        buffer_add_text(&m->text, "{\"a\":1}");
    return CHUNK_TOOL;
}

static inline unsigned put_kind(struct made_answer *m, unsigned kind)
{
    if (kind == CHUNK_CONTENT)
        return put_content(m);
    if (kind == CHUNK_REASONING)
        return put_reasoning(m);
    return kind == CHUNK_REFUSAL ? put_refusal(m) : put_tool(m);
}

/* ---- chunks ---- */

static inline void chunk_opens(struct made_answer *m)
{
    if (draw(m, 2))
        PUT("{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
            "\"m\",%s\"choices\":[{\"index\":%d,",
            draw(m, 4) ? "" : "\"error\":null,\"x\":{\"y\":[1,{\"z\":\"}\"}]},",
            draw(m, 8) ? 0 : 1);
    else
        PUT("{\"choices\":[{");
}

/* Members behind a delta, some of them odd. */
static inline void choice_closes(struct made_answer *m)
{
    uint64_t more = draw(m, 40);
    if (more == 0) {
        PUT(",\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":NaN}]}");
        m->odd |= ODDITY(BAD_TEXT);
    } else if (more == 1) {
        PUT(",\"error\":%s", draw(m, 2) ? "{}" : "\"\"");
    } else if (more == 2) {
        PUT(",");
        m->odd |= ODDITY(BAD_TEXT);
    } else if (more < 20) {
        PUT(",\"logprobs\":null,\"finish_reason\":null");
    }
    PUT("}]");
}

static inline void chunk_ends(struct made_answer *m, unsigned kinds)
{
    PUT("}");
    if (!m->no_blanks && m->count && draw(m, 100) == 0) /* in front it would be a body */
        emit_stray(m, kinds);
    else
        emit(m, NULL, kinds);
}

/* Usage in every chunk counts what came so far: with this one, `so_far` tokens. */
static inline void put_usage_so_far(struct made_answer *m, uint64_t so_far)
{
    PUT(",\"usage\":{\"prompt_tokens\":%llu,\"completion_tokens\":%llu}",
        (unsigned long long)m->usage.tokens[USAGE_UNCACHED_INPUT], (unsigned long long)so_far);
}

static inline void text_member(struct made_answer *m)
{
    struct made_words w = words_draw(m, 0);
    keep(m, &w);
    PUT("\"text\":\"%s\"", w.json);
}

static inline void token_chunk(struct made_answer *m, unsigned kind, uint64_t so_far)
{
    unsigned kinds = CHUNK_CONTENT;
    chunk_opens(m);
    if (m->api == &api_chat) {
        PUT("\"delta\":{");
        kinds = put_kind(m, kind);
        PUT("}");
    } else {
        text_member(m);
    }
    choice_closes(m);
    if (so_far)
        put_usage_so_far(m, so_far);
    chunk_ends(m, kinds);
}

/* Reasoning, then text, in one chunk. */
static inline void double_chunk(struct made_answer *m)
{
    struct made_words r = words_draw(m, 2), w = words_draw(m, 0);
    chunk_opens(m);
    PUT("\"delta\":{\"content\":\"%s\",\"reasoning\":\"%s\"}", w.json, r.json);
    keep(m, &r);
    keep(m, &w);
    choice_closes(m);
    chunk_ends(m, CHUNK_REASONING | CHUNK_CONTENT);
}

/* The texts of two choices in one chunk. */
static inline void two_choices(struct made_answer *m)
{
    struct made_words a = words_draw(m, 0), b = words_draw(m, 1);
    PUT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"}},{\"index\":1,\"delta\":{"
        "\"content\":\"%s\"}}]",
        a.json, b.json);
    keep(m, &a);
    keep(m, &b);
    chunk_ends(m, CHUNK_CONTENT);
}

/* Half a character. */
static inline void broken_chunk(struct made_answer *m)
{
    PUT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"<\xe8\xbb\"}}]");
    buffer_add_text(&m->text, "<\xef\xbf\xbd\xef\xbf\xbd");
    m->odd |= ODDITY(BAD_TEXT);
    chunk_ends(m, CHUNK_CONTENT);
}

/* Chunks without a token. */
static inline void maybe_silent(struct made_answer *m)
{
    static const char *const silent[] = {
        "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
        "{\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}",
        "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null}],\"usage\":null}",
        "{\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":[]},\"error\":0}],\"error\":{}}",
        ("{\"choices\":[{\"delta\":{\"reasoning_details\":[{\"type\":\"reasoning.encrypted\","
         "\"data\":\"c2Vj\"}],\"thinking_signature\":\"c2ln\"}}]}"),
    };
    if (draw(m, 10))
        return;
    PUT("%s", silent[draw(m, 5)]);
    emit(m, NULL, 0);
}

/* ---- texts that grow ---- */

/* Each chunk has all of the text so far, under `name`; *all is what it came to. */
static inline void growing(struct made_answer *m, const char *name, unsigned kind,
                           struct made_words *all)
{
    for (uint64_t left = 4 + draw(m, 4); left > 0; left--) {
        struct made_words w = made_words[draw(m, MADE_WORDS)];
        words_add(all, &w);
        keep(m, &w);
        PUT("{\"choices\":[{\"delta\":{\"%s\":\"%s\"}}]", name, all->json);
        chunk_ends(m, kind);
        maybe_junk(m);
    }
    m->odd |= ODDITY(REPEATS);
}

/* Reasoning that grows, then text, beside which it may be said again. */
static inline void growing_stream(struct made_answer *m)
{
    struct made_words thought = {"", ""}, said = {"", ""};
    bool again = draw(m, 2);
    if (draw(m, 3) == 0) {
        growing(m, "content", CHUNK_CONTENT, &said);
        return;
    }
    growing(m, "reasoning_content", CHUNK_REASONING, &thought);
    for (uint64_t left = 1 + draw(m, 5); left > 0; left--) {
        struct made_words w = words_draw(m, (unsigned)left);
        keep(m, &w);
        PUT("{\"choices\":[{\"delta\":{\"content\":\"%s\"", w.json);
        if (again)
            PUT(",\"reasoning_content\":\"%s\"", thought.json);
        PUT("}}]");
        chunk_ends(m, CHUNK_CONTENT);
    }
}

/* ---- the end ---- */

static const char *const made_reasons[] = {"stop",     "length",         "tool_calls", "eos_token",
                                           "end_turn", "content_filter", "STOP",       "eos"};

static inline void finish_chunk(struct made_answer *m)
{
    m->finish = made_reasons[draw(m, 8)];
    if (m->text.length && m->api == &api_chat && draw(m, 12) == 0) { /* the answer once more */
        PUT("{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"all of it\"},"
            "\"finish_reason\":\"%s\"}]}",
            m->finish);
        m->odd |= ODDITY(REPEATS);
    } else {
        PUT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]}", m->finish);
    }
    emit(m, NULL, 0);
}

/* Where usage stands. */
static inline void usage_chunk(struct made_answer *m)
{
    static const char *const opens[] = {"{\"choices\":[],", "{\"choices\":[{\"delta\":{},",
                                        "{\"choices\":[],\"x_groq\":{\"id\":\"r\",", "{"};
    static const char *const closes[] = {"}", "}]}", "}}", "}"};
    uint64_t where = draw(m, 4);
    PUT("%s", opens[where]);
    put_usage(m);
    PUT("%s", closes[where]);
    emit(m, NULL, 0);
}

static inline void end_mark(struct made_answer *m)
{
    static const char *const marks[] = {"[DONE]", " [DONE] ", "\"[DONE]\"", "[done]", "[DONE]"};
    PUT("%s", marks[m->no_blanks ? 0 : draw(m, 5)]);
    emit(m, NULL, 0);
    m->ends = true;
}

/* Words of an error, in one of the forms in which servers say them. */
static inline void fail_chat(struct made_answer *m)
{
    static const char *const forms[] = {
        "{\"error\":{\"message\":\"it broke\",\"type\":\"server_error\",\"code\":500}}",
        "{\"error\":\"it broke\"}",
        "{\"choices\":[{\"delta\":{},\"finish_reason\":\"error\",\"error\":{\"message\":\"it "
        "broke\"}}]}",
        "{\"choices\":[{\"delta\":{\"error\":\"it broke\"}}]}",
        "{\"object\":\"error\",\"message\":\"it broke\",\"code\":40303}",
        "{\"base_resp\":{\"status_code\":1002,\"status_msg\":\"it broke\"}}",
        "{\"choices\":[{\"delta\":{},\"finish_reason\":{\"type\":\"abort\",\"message\":\"it "
        "broke\"}}]}",
    };
    PUT("%s", forms[draw(m, 7)]);
    emit(m, NULL, 0);
    m->failure = FAILURE_ERROR_EVENT;
    m->message = "it broke";
    m->finish = NULL;
}

/* The connection breaks: what had not come to its end is not whole. */
static inline void break_off(struct made_answer *m)
{
    m->transport = FAILURE_RESET;
    if (m->ends || m->failure == FAILURE_ERROR_EVENT)
        return;
    m->failure = FAILURE_RESET;
    m->message = "reset by peer";
}

static inline void end_truncated(struct made_answer *m)
{
    m->failure = FAILURE_TRUNCATED;
    m->message = "the stream ended without";
}

/* Finish reason and end mark; one of them may be missing, or both. */
static inline void end_stream(struct made_answer *m, bool told_usage)
{
    bool finishes = draw(m, 10), ends = draw(m, 10), usage = m->has_usage && !told_usage;
    if (m->count == 0) /* a body of nothing is none */
        finishes = true;
    bool late = usage && ends && draw(m, 10) == 0;
    if (finishes)
        finish_chunk(m);
    maybe_junk(m);
    if (usage && !late)
        usage_chunk(m);
    if (ends)
        end_mark(m);
    if (late)
        usage_chunk(m);
    maybe_cut_blank(m);
    if (draw(m, 20) == 0)
        break_off(m);
    else if (!finishes && !ends)
        end_truncated(m);
}

/* ---- streams ---- */

static inline unsigned draw_kind(struct made_answer *m, unsigned before)
{
    static const unsigned kinds[] = {CHUNK_CONTENT,   CHUNK_CONTENT, CHUNK_CONTENT,
                                     CHUNK_REASONING, CHUNK_TOOL,    CHUNK_REFUSAL};
    return before && draw(m, 3) ? before : kinds[draw(m, 6)];
}

/* True where usage was told chunk by chunk. */
static inline bool token_chunks(struct made_answer *m)
{
    bool each = m->has_usage && draw(m, 8) == 0 && m->api == &api_completions;
    uint64_t tokens = 0;
    unsigned kind = 0;
    for (uint64_t left = draw(m, 16); left > 0; left--) {
        uint64_t shape = m->api == &api_chat ? draw(m, 30) : 9;
        tokens += each ? 1 + draw(m, 3) : 0;
        if (m->first_tokens == 0)
            m->first_tokens = tokens;
        kind = draw_kind(m, kind);
        if (shape == 0)
            double_chunk(m);
        else if (shape == 1)
            two_choices(m);
        else if (shape == 2)
            broken_chunk(m);
        else
            token_chunk(m, kind, tokens);
        maybe_silent(m);
        maybe_junk(m);
    }
    if (tokens == 0)
        return false;
    m->usage.odd = 0;
    m->usage.cost = NULL;
    m->usage.estimates = false;
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (c != USAGE_UNCACHED_INPUT)
            m->usage.tokens[c] = 0;
    m->usage.tokens[USAGE_OUTPUT] = tokens;
    return true;
}

/* Streams of chat and of completions. */
static inline void made_chat_stream(struct made_answer *m, const struct bench_api *api)
{
    bool told = false;
    m->api = api;
    m->no_blanks = draw(m, 30) == 0;
    begin_stream(m);
    draw_usage(m);
    maybe_silent(m);
    if (api == &api_chat && draw(m, 20) == 0)
        growing_stream(m);
    else
        told = token_chunks(m);
    if (draw(m, 20) == 0) {
        fail_chat(m);
        m->has_usage = told;
    } else {
        end_stream(m, told);
    }
}

#endif
