#include "bench/answer/attempt_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_TEXT ((size_t)16 << 20)
#define MAX_LINES ((size_t)64 << 10)
#define MAX_RAW_USAGE ((size_t)64 << 10)
#define KEPT_BODY ((size_t)32 << 10)

void attempt_init(struct attempt *a)
{
    *a = (struct attempt){0};
    sse_init(&a->sse, 0);
    buffer_init(&a->body, 0);
    buffer_init(&a->text, MAX_TEXT);
    buffer_init(&a->raw_usage, MAX_RAW_USAGE);
    buffer_init(&a->mended, 0);
    buffer_init(&a->lines, MAX_LINES);
}

void attempt_free(struct attempt *a)
{
    sse_free(&a->sse);
    buffer_free(&a->body);
    buffer_free(&a->text);
    buffer_free(&a->raw_usage);
    buffer_free(&a->mended);
    buffer_free(&a->lines);
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
    struct buffer body = a->body, text = a->text, raw_usage = a->raw_usage, mended = a->mended,
                  lines = a->lines;
    int64_t *chunk_ns = a->chunk_ns;
    size_t chunk_capacity = a->chunk_capacity;
    *a = (struct attempt){.config = config,
                          .last_byte_ns = TIME_NEVER,
                          .last_read_ns = sent_ns,
                          .sse = sse,
                          .body = body,
                          .text = text,
                          .raw_usage = raw_usage,
                          .mended = mended,
                          .lines = lines,
                          .chunk_ns = chunk_ns,
                          .chunk_capacity = chunk_capacity};
    record_init(&a->seen);
    a->seen.sent_ns = sent_ns;
    sse_reset(&a->sse);
    a->sse.max_event = a->sse.line.cap = a->sse.data.cap = config->max_event;
    empty(&a->body);
    empty(&a->text);
    empty(&a->mended);
    buffer_clear(&a->raw_usage);
    empty(&a->lines);
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
    a->says_events = contains(content_type, "event-stream");
    a->says_lines = contains(content_type, "ndjson") || contains(content_type, "jsonl") ||
                    contains(content_type, "json-lines") || contains(content_type, "stream+json");
    a->is_stream = attempt_is_good(a) &&
                   (a->says_events || (a->config->stream && !contains(content_type, "json") &&
                                       !contains(content_type, "html")));
    if (content_type)
        text_cut(text_of(content_type), a->content_type, sizeof a->content_type);
    a->shape = attempt_is_good(a) ? SHAPE_OPEN : SHAPE_BODY;
    a->body.cap = attempt_is_good(a) ? a->config->max_body : ATTEMPT_ERROR_BODY;
}

/* LiteLLM's; under the second name before its own discounts. */
const char *const attempt_cost_headers[] = {"x-litellm-response-cost",
                                            "x-litellm-response-cost-original", NULL};

void attempt_header(struct attempt *a, struct text name, struct text value)
{
    struct usage_report r;
    char json[96];
    bool is_own = text_equal_nocase(name, attempt_cost_headers[0]);
    if (!is_own && (a->header_cost_is_own || !text_equal_nocase(name, attempt_cost_headers[1])))
        return;
    value = text_trim(value);
    if (value.length == 0 || value.length > 60 || memchr(value.at, '"', value.length))
        return;
    snprintf(json, sizeof json, "{\"cost\": \"%.*s\"}", (int)value.length, value.at);
    if (!usage_report_parse(text_of(json), &r) || !r.has_cost)
        return;
    a->has_header_cost = true;
    a->header_cost_is_own = is_own;
    a->header_cost = r.cost;
}

static bool feed_body(struct attempt *a, const char *bytes, size_t count)
{
    if (!attempt_is_good(a)) { /* only the start of an error page is kept */
        size_t room = a->body.cap - a->body.length;
        return buffer_add(&a->body, bytes, count < room ? count : room) == 0;
    }
    if (buffer_add(&a->body, bytes, count) == 0)
        return true;
    attempt_fail(a, FAILURE_TOO_LARGE, text_of("the body is beyond the size cap"));
    return false;
}

/* ---- what the body is ---- */

/* The beginning of an event stream: 1; what cannot begin one: -1; too few bytes to tell: 0. */
static int begins_stream(struct text body)
{
    static const char *const fields[] = {"data:", "event:", ":", "id:", "retry:"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t n = strlen(fields[i]);
        size_t shared = n < body.length ? n : body.length;
        if (memcmp(body.at, fields[i], shared) == 0)
            return body.length >= n ? 1 : 0;
    }
    return -1;
}

static struct text skip_blanks(struct text t)
{
    while (t.length && memchr(" \t\r\n", *t.at, 4))
        t = (struct text){t.at + 1, t.length - 1};
    return t;
}

struct text attempt_behind_blanks(struct text body)
{
    bool marked = text_starts(body, "\xef\xbb\xbf");
    return skip_blanks(marked ? (struct text){body.at + 3, body.length - 3} : body);
}

/* Decides by the first bytes whether events come or a whole body; false: they are too few. What is
 * neither is what the headers say. */
static bool decide_shape(struct attempt *a, struct text body)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct text rest = {body.at + a->blanks, body.length - a->blanks};
    struct text start = a->blanks ? skip_blanks(rest) : attempt_behind_blanks(body);
    if (start.length == 0) { /* what was looked at is not looked at again */
        a->blanks = body.length;
        return false;
    }
    if (start.length < 3 && memcmp(start.at, mark, start.length) == 0)
        return false;
    int stream = begins_stream(start);
    if (stream == 0)
        return false;
    bool object = *start.at == '{' || *start.at == '[';
    bool other = stream > 0 ? !a->says_events : object && a->says_events;
    if (stream > 0 || object || !a->says_events)
        a->is_stream = stream > 0 || (object && a->says_lines && a->config->stream);
    a->odd |= other ? ODDITY(CONTENT_TYPE) : 0;
    a->shape = a->is_stream ? SHAPE_EVENTS : SHAPE_BODY;
    return true;
}

/* Bytes of an answer whose shape is still open: they are kept until it is known. */
static bool feed_open(struct attempt *a, const char *bytes, size_t count)
{
    struct text all = {bytes, count};
    if (a->body.length) {
        if (!feed_body(a, bytes, count))
            return false;
        all = (struct text){a->body.data, a->body.length};
    }
    if (!decide_shape(a, all))
        return a->body.length || feed_body(a, bytes, count);
    if (a->shape == SHAPE_BODY)
        return a->body.length || feed_body(a, bytes, count);
    bool go_on = attempt_feed_events(a, all.at, all.length);
    buffer_clear(&a->body);
    return go_on;
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
        a->seen.first_byte_ns = attempt_now(a);
    a->last_byte_ns = arrival->read_ns;
    if (a->shape == SHAPE_EVENTS)
        return attempt_feed_events(a, bytes, count);
    return a->shape == SHAPE_OPEN ? feed_open(a, bytes, count) : feed_body(a, bytes, count);
}
