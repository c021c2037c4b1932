/* Answers drawn at random, of the shapes that servers send, with what must be read from them.
 *
 *     struct made_answer m;
 *     made_init(&m);
 *     made_begin(&m, seed, 7);              // answer number 7 of the seed
 *     made_chat_stream(&m, &api_chat);      // m.body, and what it says: m.events, m.text, m.usage
 *     made_free(&m);
 *
 * An answer is written event by event. Each notes where in the body it is known to be whole, and
 * which kinds of tokens it bears: whatever way the body is cut, its instant follows from that.
 */
#ifndef FAREBOX_TESTS_ANSWERS_MAKER_H
#define FAREBOX_TESTS_ANSWERS_MAKER_H

#include "bench/answer/attempt.h"
#include "tests/unit/answers_usage.h"

#include <stdio.h>

#define MADE_EVENTS 128
#define MADE_AT_END SIZE_MAX /* an event that only the stream's end makes whole */

enum made_lines { LINES_LF, LINES_CRLF, LINES_CR, LINES_MIXED };

struct made_event {
    size_t whole_at; /* bytes of the body that must have come */
    unsigned kinds;  /* CHUNK_ bits of its tokens; 0 = it bears none */
};

struct made_answer {
    struct random random;
    const struct bench_api *api;
    bool asks_stream, is_stream;
    const char *type; /* content type; NULL = none */
    struct buffer body, text, payload;
    struct made_event events[MADE_EVENTS];
    unsigned count;
    enum made_lines lines;
    bool no_blanks, pending; /* pending: the last event waits for a line behind it */
    bool junk_last;          /* the last event was no JSON: cut, it would not count as odd */
    bool ends;               /* its end mark came: nothing behind it counts */
    uint32_t odd;
    const char *finish;
    enum failure_class failure, transport;
    const char *message; /* of the failure, its beginning; NULL = any */
    struct made_usage usage;
    bool has_usage;
    bool told_at_start;    /* usage came at the answer's start, and not again */
    uint64_t first_tokens; /* told of the first chunk; 0 = not told */
    uint32_t tool_number;
};

static inline uint64_t draw(struct made_answer *m, uint64_t below)
{
    return random_below(&m->random, below);
}

static inline void made_init(struct made_answer *m)
{
    *m = (struct made_answer){0};
    buffer_init(&m->body, BUFFER_UNBOUNDED);
    buffer_init(&m->text, BUFFER_UNBOUNDED);
    buffer_init(&m->payload, BUFFER_UNBOUNDED);
    buffer_init(&m->usage.json, BUFFER_UNBOUNDED);
}

static inline void made_free(struct made_answer *m)
{
    buffer_free(&m->body);
    buffer_free(&m->text);
    buffer_free(&m->payload);
    buffer_free(&m->usage.json);
}

/* Ready for the next answer; `key` names it. */
static inline void made_begin(struct made_answer *m, uint64_t seed, uint64_t key)
{
    struct buffer body = m->body, text = m->text, payload = m->payload, json = m->usage.json;
    *m = (struct made_answer){.body = body, .text = text, .payload = payload};
    m->usage.json = json;
    buffer_clear(&m->body);
    buffer_clear(&m->text);
    buffer_clear(&m->payload);
    random_init(&m->random, seed, RANDOM_TEST, key);
    m->asks_stream = m->is_stream = true;
    m->type = "text/event-stream; charset=utf-8";
}

/* ---- words ---- */

struct made_words {
    char json[256], plain[256];
};

/* None begins with another: increments must not look like texts that grow. */
static const struct made_words made_words[] = {
    {" to", " to"},
    {" cab", " cab"},
    {"\\n\\n", "\n\n"},
    {" \\\"q\\\"", " \"q\""},
    {"\\u00e9", "é"},
    {"\\ud83d\\ude80", "\xf0\x9f\x9a\x80"},
    {"\xe8\xbb\x8a", "\xe8\xbb\x8a"},
    {"[DONE]", "[DONE]"},
    {"data: x", "data: x"},
    {"error: 5", "error: 5"},
    {"{\\\"a\\\":1}", "{\"a\":1}"},
    {"\\/", "/"},
    {"null", "null"},
    {"\\\\n", "\\n"},
    {"0", "0"},
    {"\\tx", "\tx"},
};
#define MADE_WORDS (sizeof made_words / sizeof *made_words)

static inline void words_add(struct made_words *to, const struct made_words *w)
{
    strcat(to->json, w->json);
    strcat(to->plain, w->plain);
}

/* One to three words. Two texts of one event are drawn with different `which`: one text under two
 * names is one. */
static inline struct made_words words_draw(struct made_answer *m, unsigned which)
{
    struct made_words w = {"", ""};
    words_add(&w, &made_words[draw(m, MADE_WORDS / 4) * 4 + which % 4]);
    for (uint64_t more = draw(m, 3); more > 0; more--)
        words_add(&w, &made_words[draw(m, MADE_WORDS)]);
    return w;
}

static inline void keep(struct made_answer *m, const struct made_words *w)
{
    buffer_add_text(&m->text, w->plain);
}

#define PUT(...) buffer_add_format(&m->payload, __VA_ARGS__)

/* ---- lines and events ---- */

static inline void line_end(struct made_answer *m)
{
    bool crlf = m->lines == LINES_CRLF || (m->lines == LINES_MIXED && draw(m, 2));
    buffer_add_text(&m->body, crlf ? "\r\n" : m->lines == LINES_CR ? "\r" : "\n");
}

static inline void line(struct made_answer *m, const char *text)
{
    buffer_add_text(&m->body, text);
    line_end(m);
}

/* The first byte of the line end that stands last in the body tells that the line is whole. */
static inline size_t line_whole_at(const struct made_answer *m)
{
    size_t n = m->body.length;
    return n > 1 && m->body.data[n - 1] == '\n' && m->body.data[n - 2] == '\r' ? n - 1 : n;
}

static inline void note_event(struct made_answer *m, size_t whole_at, unsigned kinds)
{
    if (m->count < MADE_EVENTS)
        m->events[m->count++] = (struct made_event){whole_at, m->ends ? 0 : kinds};
}

/* What may stand between events and says nothing. */
static inline void maybe_comment(struct made_answer *m)
{
    static const char *const comments[] = {": ping", ":", ": OPENROUTER PROCESSING", "id: 7",
                                           "retry: 1000"};
    if (draw(m, 12) == 0)
        line(m, comments[draw(m, 5)]);
    if (draw(m, 40) == 0 && !m->no_blanks)
        line_end(m);
}

/* "data: " and the payload, at times over two lines: JSON may be cut behind its first brace. */
static inline void data_lines(struct made_answer *m)
{
    const char *field = draw(m, 4) ? "data: " : "data:";
    struct buffer *p = &m->payload;
    buffer_add_text(&m->body, field);
    if (p->length > 2 && p->data[0] == '{' && !m->no_blanks && draw(m, 20) == 0) {
        line(m, "{");
        buffer_add_text(&m->body, field);
        buffer_drop_front(p, 1);
    }
    buffer_add(&m->body, p->data ? p->data : "", p->length);
    line_end(m);
}

/* Without the blank line the next one tells that this event is whole, and each that follows is by
 * its own line. */
static inline void end_without_blank(struct made_answer *m, unsigned kinds)
{
    bool first = m->count == 0;
    if (m->pending) {
        m->events[m->count - 1].whole_at = line_whole_at(m);
        m->odd |= ODDITY(NO_BLANK);
    }
    m->pending = first;
    note_event(m, first ? MADE_AT_END : line_whole_at(m), kinds);
}

/* The payload as an event; `name` NULL = without one. */
static inline void emit(struct made_answer *m, const char *name, unsigned kinds)
{
    maybe_comment(m);
    m->junk_last = false;
    if (name) {
        buffer_add_format(&m->body, draw(m, 4) ? "event: %s" : "event:%s", name);
        line_end(m);
    }
    data_lines(m);
    buffer_clear(&m->payload);
    if (m->no_blanks) {
        end_without_blank(m, kinds);
        return;
    }
    line_end(m);
    note_event(m, line_whole_at(m), kinds);
}

/* The payload, of which the gateway lost the "data:". */
static inline void emit_stray(struct made_answer *m, unsigned kinds)
{
    buffer_add(&m->body, m->payload.data, m->payload.length);
    line_end(m);
    note_event(m, line_whole_at(m), kinds);
    line_end(m);
    buffer_clear(&m->payload);
    m->odd |= ODDITY(NO_DATA);
}

/* Keep-alives that are sent as data, and other words that are no JSON. */
static inline void maybe_junk(struct made_answer *m)
{
    static const char *const junk[] = {"null",
                                       "keepalive",
                                       ": PROCESSING",
                                       "",
                                       "[]",
                                       "ping",
                                       "{\"choices\":[{\"delta\":{\"content\":\"hal"};
    if (m->no_blanks || draw(m, 60))
        return;
    PUT("%s", junk[draw(m, 7)]);
    emit(m, NULL, 0);
    m->junk_last = true;
    m->odd |= ODDITY(NOT_JSON);
}

/* How the body begins, and what it is called. */
static inline void begin_stream(struct made_answer *m)
{
    static const char *const others[] = {"application/json", "text/plain", NULL,
                                         "application/octet-stream"};
    m->lines = draw(m, 2) ? LINES_LF : (enum made_lines)draw(m, 4);
    if (draw(m, 10) == 0) {
        m->type = others[draw(m, 4)];
        m->odd |= ODDITY(CONTENT_TYPE);
    }
    if (draw(m, 10) == 0)
        buffer_add_text(&m->body, "\xef\xbb\xbf");
    if (draw(m, 20) == 0)
        line(m, ": welcome");
}

/* The last event's blank line, or even its line end, did not come. */
static inline void maybe_cut_blank(struct made_answer *m)
{
    if (m->junk_last || m->no_blanks || m->lines != LINES_LF || draw(m, 8) || m->count == 0 ||
        m->events[m->count - 1].whole_at != m->body.length)
        return;
    m->body.length -= 1 + draw(m, 2);
    m->body.data[m->body.length] = '\0';
    m->events[m->count - 1].whole_at = MADE_AT_END;
}

/* ---- usage ---- */

/* For about one answer in eight there is none; one in eight contradicts itself. */
static inline void draw_usage(struct made_answer *m)
{
    m->has_usage = draw(m, 8) != 0;
    if (m->has_usage)
        made_usage_draw(&m->random, draw(m, 8) == 0, &m->usage);
}

static inline void put_usage(struct made_answer *m)
{
    PUT("\"usage\":%s", m->usage.json.data);
    m->odd |= m->usage.odd & ~ODDITY(USAGE_ZERO);
}

#endif
