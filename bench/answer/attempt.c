#include "bench/answer/attempt.h"

#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_TEXT ((size_t)16 << 20)
#define MAX_RAW_USAGE ((size_t)64 << 10)
#define ERROR_BODY ((size_t)64 << 10) /* of an answer outside 2xx: enough for its message */
#define KEPT_BODY ((size_t)32 << 10)

/* Several chunks in one read from a stream that had been silent before: where most of a stream
 * came like that, something between collects it. A single such read is a hiccup. */
#define BATCH_CHUNKS 5
#define BATCH_SILENCE_NS (20 * NS_PER_MS)

void attempt_init(struct attempt *a)
{
    *a = (struct attempt){0};
    sse_init(&a->sse, 0);
    buffer_init(&a->body, 0);
    buffer_init(&a->text, MAX_TEXT);
    buffer_init(&a->raw_usage, MAX_RAW_USAGE);
}

void attempt_free(struct attempt *a)
{
    sse_free(&a->sse);
    buffer_free(&a->body);
    buffer_free(&a->text);
    buffer_free(&a->raw_usage);
    free(a->chunk_ns);
}

static void empty(struct buffer *b)
{
    if (b->capacity > KEPT_BODY)
        buffer_free(b);
    else
        buffer_clear(b);
}

void attempt_begin(struct attempt *a, const struct attempt_config *config, int64_t sent_ns)
{
    struct sse sse = a->sse;
    struct buffer body = a->body, text = a->text, raw_usage = a->raw_usage;
    int64_t *chunk_ns = a->chunk_ns;
    size_t chunk_capacity = a->chunk_capacity;
    *a = (struct attempt){.config = config,
                          .last_byte_ns = TIME_NEVER,
                          .last_read_ns = sent_ns,
                          .sse = sse,
                          .body = body,
                          .text = text,
                          .raw_usage = raw_usage,
                          .chunk_ns = chunk_ns,
                          .chunk_capacity = chunk_capacity};
    record_init(&a->seen);
    a->seen.sent_ns = sent_ns;
    sse_reset(&a->sse);
    a->sse.max_event = a->sse.line.cap = a->sse.data.cap = config->max_event;
    empty(&a->body);
    empty(&a->text);
    buffer_clear(&a->raw_usage);
}

/* What an HTTP status outside 2xx means. */
static enum failure_class status_failure(int http_status)
{
    if (http_status == 401 || http_status == 403)
        return FAILURE_AUTH;
    if (http_status == 429)
        return FAILURE_RATE_LIMITED;
    if (http_status >= 400 && http_status < 500)
        return FAILURE_BAD_REQUEST;
    if (http_status >= 500 && http_status < 600)
        return FAILURE_SERVER;
    return FAILURE_HTTP;
}

static bool is_good(const struct attempt *a)
{
    return a->http_status >= 200 && a->http_status < 300;
}

static bool contains(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; text && *text; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return false;
}

void attempt_answer(struct attempt *a, int http_status, const char *content_type)
{
    a->http_status = http_status;
    a->headers_in_read = true;
    bool says_events = contains(content_type, "event-stream");
    bool says_json = contains(content_type, "json");
    a->is_stream = is_good(a) && (says_events || (a->config->stream && !says_json));
    a->body.cap = is_good(a) ? a->config->max_body : ERROR_BODY;
}

/* Control characters become spaces, bytes that are not UTF-8 question marks. */
static void make_plain(struct buffer *words)
{
    size_t n = words->length, bad;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)words->data[i];
        if (c < ' ' || c == 0x7f)
            words->data[i] = ' ';
    }
    for (size_t at = 0; at < n && !text_is_utf8(words->data + at, n - at, &bad); at += bad + 1)
        words->data[at + bad] = '?';
}

/* Keeps words about a failure, without secrets, as text that a terminal can show, cut between two
 * characters. */
static void set_message(struct attempt *a, struct text words)
{
    struct printable filter = {0};
    struct buffer hidden, shown;
    buffer_init(&hidden, 4 * sizeof a->message);
    buffer_init(&shown, BUFFER_UNBOUNDED);
    secrets_hide(a->config->secrets, words, hidden.cap - 1, &hidden);
    make_plain(&hidden);
    if (hidden.length)
        printable_add(&filter, hidden.data, hidden.length, &shown);
    printable_end(&filter, &shown);
    text_cut((struct text){shown.data ? shown.data : "", shown.length}, a->message,
             sizeof a->message);
    buffer_free(&hidden);
    buffer_free(&shown);
}

static void fail(struct attempt *a, enum failure_class why, struct text words)
{
    if (a->failure != FAILURE_NONE)
        return;
    a->failure = why;
    set_message(a, words);
}

/* With words that stand in JSON. */
static void fail_json(struct attempt *a, enum failure_class why, struct text raw)
{
    struct buffer words;
    buffer_init(&words, ERROR_BODY);
    if (json_unescape(raw, &words) && words.length)
        raw = (struct text){words.data, words.length};
    fail(a, why, raw);
    buffer_free(&words);
}

/* When the chunk arrived: see struct arrival. Never before the read before it, nor before it was
 * asked for. */
static int64_t chunk_time(const struct attempt *a)
{
    int64_t at_ns = a->read_items > 0 ? a->now.read_ns : a->now.wake_ns;
    return at_ns > a->last_read_ns ? at_ns : a->last_read_ns;
}

static void note_first(int64_t *first_ns, bool is_there, int64_t at_ns)
{
    if (is_there && *first_ns == TIME_NEVER)
        *first_ns = at_ns;
}

static void note_token(struct attempt *a, const struct chunk *c)
{
    int64_t at_ns = chunk_time(a);
    a->read_chunks++;
    if (a->read_chunks >= BATCH_CHUNKS && a->read_gap_ns >= BATCH_SILENCE_NS)
        a->batched += a->read_chunks == BATCH_CHUNKS ? BATCH_CHUNKS : 1;
    mem_grow(&a->chunk_ns, &a->chunk_capacity, (size_t)a->chunks + 1, sizeof *a->chunk_ns);
    a->chunk_ns[a->chunks++] = at_ns;
    note_first(&a->seen.first_token_ns, true, at_ns);
    note_first(&a->seen.first_output_ns, c->tokens & CHUNK_OUTPUT, at_ns);
    note_first(&a->seen.first_reasoning_ns, c->tokens & CHUNK_REASONING, at_ns);
    note_first(&a->seen.first_text_ns, c->tokens & (CHUNK_CONTENT | CHUNK_REFUSAL), at_ns);
    note_first(&a->seen.first_tool_ns, c->tokens & CHUNK_TOOL, at_ns);
    if (!(c->tokens & CHUNK_OUTPUT))
        a->reasoning_count++;
    a->seen.last_token_ns = at_ns;
}

static void note_rest(struct attempt *a, const struct chunk *c)
{
    if (c->finish_reason.length) {
        struct text reason = c->finish_reason, found;
        if (secrets_find(a->config->secrets, reason, 0, &found))
            reason = text_of(SECRETS_HIDDEN);
        size_t n = reason.length;
        n = n < sizeof a->finish_reason - 1 ? n : sizeof a->finish_reason - 1;
        memcpy(a->finish_reason, reason.at, n);
        a->finish_reason[n] = '\0';
    }
    if (c->has_usage) {
        a->so_far = (struct answer_so_far){true, c->usage};
        if (a->config->keep_raw) {
            buffer_clear(&a->raw_usage);
            buffer_add(&a->raw_usage, c->raw_usage.at, c->raw_usage.length);
        }
    }
    if (c->has_cost) {
        a->has_cost = true;
        a->cost = c->cost;
    }
    if (a->config->keep_text) {
        json_unescape(c->reasoning, &a->text);
        json_unescape(c->content, &a->text);
        json_unescape(c->refusal, &a->text);
        json_unescape(c->tool, &a->text);
    }
}

static bool take_event(struct attempt *a, const char *name, struct text data)
{
    struct chunk c;
    if (data.length == 0 || a->done)
        return true;
    if (a->config->api->read_event(&a->so_far, name, data, &c) < 0) {
        /* Cut by the end of the stream: that is truncation, not bad JSON. */
        if (!a->ending)
            fail(a, FAILURE_MALFORMED, data);
        return a->ending;
    }
    if (c.is_error) {
        fail_json(a, FAILURE_ERROR_EVENT, c.error_message.length ? c.error_message : data);
        return false;
    }
    if (c.tokens)
        note_token(a, &c);
    note_rest(a, &c);
    a->done = c.ends;
    if (c.tokens && a->config->cancel_after && a->chunks >= a->config->cancel_after)
        a->cancelled = true;
    return !a->cancelled;
}

static bool on_event(void *context, const char *name, struct text data)
{
    struct attempt *a = context;
    bool go_on = take_event(a, name, data);
    a->read_items++;
    return go_on;
}

static bool feed_stream(struct attempt *a, const char *bytes, size_t count)
{
    enum sse_verdict verdict = sse_feed(&a->sse, bytes, count, on_event, a);
    if (verdict == SSE_TOO_LARGE)
        fail(a, FAILURE_TOO_LARGE, text_of("an event of the stream is beyond the size cap"));
    return verdict == SSE_GO_ON;
}

bool attempt_feed(struct attempt *a, const struct arrival *arrival, const char *bytes, size_t count)
{
    if (arrival->read != a->now.read || a->seen.first_byte_ns == TIME_NEVER) {
        if (a->seen.first_byte_ns != TIME_NEVER)
            a->last_read_ns = a->now.read_ns;
        a->read_gap_ns = arrival->read_ns - a->last_read_ns;
        a->read_chunks = 0;
        a->read_items = a->headers_in_read;
        a->headers_in_read = false;
    }
    a->now = *arrival;
    if (a->seen.first_byte_ns == TIME_NEVER)
        a->seen.first_byte_ns = chunk_time(a);
    a->last_byte_ns = arrival->read_ns;
    if (a->is_stream)
        return feed_stream(a, bytes, count);
    if (!is_good(a)) { /* only the start of an error page is kept */
        size_t room = a->body.cap - a->body.length;
        return buffer_add(&a->body, bytes, count < room ? count : room) == 0;
    }
    if (buffer_add(&a->body, bytes, count) == 0)
        return true;
    fail(a, FAILURE_TOO_LARGE, text_of("the body is beyond the size cap"));
    return false;
}

/* ---- the end ---- */

bool attempt_is_whole(const struct attempt *a)
{
    return a->done && a->finish_reason[0];
}

static void fail_truncated(struct attempt *a)
{
    char words[80];
    snprintf(words, sizeof words, "the stream ended without %s",
             a->done ? "finish_reason" : a->config->api->end_mark);
    fail(a, FAILURE_TRUNCATED, text_of(words));
}

static void end_stream(struct attempt *a, enum failure_class transport, const char *message)
{
    a->ending = true;
    if (a->failure == FAILURE_NONE && !a->cancelled)
        sse_end(&a->sse, on_event, a);
    if (a->failure != FAILURE_NONE || a->cancelled)
        return;
    if (attempt_is_whole(a)) {
        /* All of the answer came: how the connection ended does not matter. */
        if (a->chunks == 0)
            fail(a, FAILURE_EMPTY, text_of("the stream ended without a token"));
        return;
    }
    if (transport != FAILURE_NONE)
        fail(a, transport, text_of(message));
    else
        fail_truncated(a);
}

static void end_body(struct attempt *a)
{
    struct chunk c;
    struct text body = {a->body.data ? a->body.data : "", a->body.length};
    if (a->config->api->read_answer(body, &c) < 0) {
        fail(a, FAILURE_MALFORMED, body.length ? body : text_of("the body is empty"));
        return;
    }
    if (c.is_error) {
        fail_json(a, FAILURE_ERROR_EVENT, c.error_message);
        return;
    }
    note_rest(a, &c);
    if (a->config->api->generates ? c.tokens == 0 : c.results == 0)
        fail(a, FAILURE_EMPTY, text_of("the answer holds no token"));
    a->seen.last_token_ns = a->last_byte_ns;
}

static void end_refusal(struct attempt *a)
{
    struct chunk c;
    struct text body = {a->body.data ? a->body.data : "", a->body.length}, words;
    enum failure_class why = status_failure(a->http_status);
    if (body.length && a->config->api->read_answer(body, &c) == 0 && c.error_message.length)
        fail_json(a, why, c.error_message);
    else if (chunk_find_words(body, &words))
        fail_json(a, why, words);
    else
        fail(a, why, body);
}

/* Only of the whole: a secret may have come in pieces. */
static void hide_secrets(const struct attempt *a, struct buffer *kept)
{
    struct text all = {kept->data, kept->length}, found;
    struct buffer shown;
    if (!secrets_find(a->config->secrets, all, 0, &found))
        return;
    buffer_init(&shown, kept->cap);
    secrets_hide(a->config->secrets, all, kept->cap, &shown);
    buffer_free(kept);
    *kept = shown;
}

static void conclude(struct attempt *a, enum failure_class transport, const char *message)
{
    if (a->cancelled)
        return;
    if (a->http_status && !is_good(a))
        end_refusal(a);
    else if (a->http_status && a->is_stream)
        end_stream(a, transport, message);
    else if (transport != FAILURE_NONE)
        fail(a, transport, text_of(message));
    else if (a->failure == FAILURE_NONE)
        end_body(a);
}

void attempt_end(struct attempt *a, enum failure_class transport, const char *message)
{
    conclude(a, transport, message ? message : "");
    hide_secrets(a, &a->text);
    hide_secrets(a, &a->raw_usage);
}

static void estimate_usage(const struct attempt *a, struct record *r)
{
    bool answered = is_good(a) && (a->chunks > 0 || r->status == RECORD_COMPLETED);
    if (!answered)
        return;
    r->usage_from = USAGE_ESTIMATED;
    r->usage.tokens[USAGE_UNCACHED_INPUT] = r->asked_input;
    r->usage.tokens[USAGE_REASONING] = a->reasoning_count;
    r->usage.tokens[USAGE_OUTPUT] = a->chunks - a->reasoning_count;
    if (!a->is_stream && a->config->api->generates)
        r->usage.tokens[USAGE_OUTPUT] = r->asked_output;
}

void attempt_fill(const struct attempt *a, struct record *r)
{
    for (int i = RECORD_FIRST_MEASURED; i < RECORD_TIMES; i++)
        r->times_ns[i] = a->seen.times_ns[i];
    r->http_status = a->http_status;
    r->streamed = a->is_stream;
    r->chunks = a->chunks;
    r->chunk_ns = a->chunks ? a->chunk_ns : NULL;
    r->reasoning_chunks = a->reasoning_count > 0;
    r->slow_reader = a->batched * 2 > a->chunks;
    r->failure = a->failure;
    r->status = a->failure != FAILURE_NONE ? RECORD_FAILED
                : a->cancelled             ? RECORD_CANCELLED
                                           : RECORD_COMPLETED;
    r->finish_reason = a->finish_reason[0] ? a->finish_reason : NULL;
    r->message = a->message[0] ? a->message : NULL;
    r->text = a->config->keep_text && a->text.length ? a->text.data : NULL;
    r->raw_usage = a->raw_usage.length ? a->raw_usage.data : NULL;
    r->has_cost = a->has_cost;
    r->cost = a->cost;
    if (a->so_far.has_usage) {
        r->usage = a->so_far.usage;
        r->usage_from = USAGE_SERVER;
    } else {
        estimate_usage(a, r);
    }
}

int64_t *attempt_take_chunks(struct attempt *a)
{
    int64_t *taken = a->chunks ? a->chunk_ns : NULL;
    if (taken) {
        a->chunk_ns = NULL;
        a->chunk_capacity = 0;
    }
    return taken;
}
