/* An exchange: from a request's last byte to its answer's last byte. */
#include "sim/mock/server.h"

#include "core/memory.h"
#include "core/random.h"

#include <ctype.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Rendered at most before the socket is asked whether it takes more. */
#define FLUSH_BYTES (256 * 1024)

/* The client's x-request-id, if it can stand in a header and a log, else one of ours. */
static void set_request_id(struct exchange *x)
{
    const char *given =
        evhttp_find_header(evhttp_request_get_input_headers(x->request), "x-request-id");
    size_t length = given ? strlen(given) : 0;
    bool usable = length > 0 && length < sizeof x->request_id;
    for (size_t i = 0; usable && i < length; i++)
        usable = isgraph((unsigned char)given[i]) && given[i] != '"' && given[i] != '\\';
    if (usable)
        memcpy(x->request_id, given, length + 1);
    else
        snprintf(x->request_id, sizeof x->request_id, "req_%016llx",
                 (unsigned long long)random_mix(x->mock->config.seed, x->serial));
}

/* Must the connection close after the answer? (evhttp decides by the same headers.) */
static bool asks_to_close(const struct evhttp_request *r)
{
    const char *connection = evhttp_find_header(r->input_headers, "Connection");
    bool old = r->major < 1 || (r->major == 1 && r->minor < 1);
    if (old)
        return !connection || strncasecmp(connection, "keep-alive", 10) != 0;
    return connection && strcasecmp(connection, "close") == 0;
}

struct exchange *exchange_create(struct connection *c, struct evhttp_request *request,
                                 int64_t now_ns)
{
    struct mock *m = c->mock;
    struct exchange *x = mem_zero(1, sizeof *x);
    x->mock = m;
    x->connection = c;
    x->request = request;
    x->serial = m->serial++;
    x->read_ns = now_ns;
    x->created_s = clock_wall_ns() / NS_PER_S;
    x->close = asks_to_close(request);
    x->chunked = request->major == 1 && request->minor >= 1;
    x->outcome = "aborted";
    buffer_init(&x->pending, BUFFER_UNBOUNDED);
    set_request_id(x);
    x->next = m->exchanges;
    if (x->next)
        x->next->previous = x;
    m->exchanges = x;
    c->exchange = x;
    if (m->first_read_ns == TIME_NEVER)
        m->first_read_ns = now_ns;
    m->report.requests++;
    return x;
}

void exchange_free(struct exchange *x)
{
    struct mock *m = x->mock;
    if (x->previous)
        x->previous->next = x->next;
    else
        m->exchanges = x->next;
    if (x->next)
        x->next->previous = x->previous;
    if (x->writable)
        event_free(x->writable);
    ask_free(&x->ask);
    answer_free(&x->answer);
    voice_free(&x->voice);
    buffer_free(&x->pending);
    free(x->due_ns);
    free(x->written_ns);
    free(x->model);
    free(x);
}

/* The answer is out: evhttp may read the next request, or closes. */
static void finish(struct exchange *x)
{
    struct connection *c = x->connection;
    struct evhttp_request *request = x->request;
    x->mock->report.completed += x->status < 400;
    x->mock->report.refused += x->status >= 400;
    if (x->close && !asks_to_close(request))
        evhttp_add_header(request->output_headers, "Connection", "close");
    exchange_free(x);
    connection_release(c);
    evhttp_send_reply_end(request); /* may close the connection */
}

void exchange_abandon(struct exchange *x)
{
    struct mock *m = x->mock;
    if (x->submitted && !x->engine_done)
        engine_cancel(m->engine, clock_now_ns(), (uintptr_t)x);
    m->report.aborted++;
    struct evhttp_request *request = x->request;
    x->connection->exchange = NULL;
    exchange_free(x);
    /* evhttp has let go of the request when the client left; when we close, it frees it. */
    if (!evhttp_request_get_connection(request))
        evhttp_request_free(request);
}

void exchange_touch(struct exchange *x)
{
    struct mock *m = x->mock;
    if (x->touched || x->parked)
        return;
    x->touched = true;
    x->next_touched = NULL;
    *m->touched_tail = x;
    m->touched_tail = &x->next_touched;
}

static void add_head(struct exchange *x, const char *type, int64_t length, struct buffer *out)
{
    buffer_add_format(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nx-request-id: %s\r\n", x->status,
                      http_reason(x->status), type, x->request_id);
    if (length >= 0)
        buffer_add_format(out, "Content-Length: %lld\r\n", (long long)length);
    else if (x->chunked)
        buffer_add_text(out, "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n");
    else
        x->close = true; /* HTTP/1.0: the end of the connection ends the stream */
    if (x->close)
        buffer_add_text(out, "Connection: close\r\n");
    else if (!x->chunked)
        buffer_add_text(out, "Connection: keep-alive\r\n");
    buffer_add_text(out, "\r\n");
    x->head_sent = true;
}

static void on_writable(evutil_socket_t fd, short what, void *context);

static void wait_for_socket(struct exchange *x)
{
    struct mock *m = x->mock;
    if (!x->writable)
        x->writable = event_new(m->base, x->connection->fd, EV_WRITE, on_writable, x);
    event_add(x->writable, NULL);
}

/* Writes all of m->out, or keeps what the socket does not take. False if it is gone. */
static bool write_out(struct exchange *x, int64_t now_ns)
{
    struct buffer *out = &x->mock->out;
    if (out->length == 0)
        return true;
    ssize_t n = send(x->connection->fd, out->data, out->length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    size_t taken = n > 0 ? (size_t)n : 0;
    if (taken < out->length) {
        buffer_add(&x->pending, out->data + taken, out->length - taken);
        x->pending_since_ns = now_ns;
        wait_for_socket(x);
    }
    return true;
}

/* Notes when the tokens written so far left. */
static void note_written(struct exchange *x)
{
    struct mock *m = x->mock;
    if (x->logged == x->written)
        return;
    int64_t now_ns = clock_now_ns();
    for (uint32_t i = x->logged; i < x->written; i++) {
        int64_t due = x->due_ns[i - x->first_kept];
        due = due > x->resume_ns ? due : x->resume_ns;
        histogram_add(&m->lateness, now_ns > due ? now_ns - due : 0, 1);
        if (now_ns - due > m->lateness_max_ns)
            m->lateness_max_ns = now_ns - due;
    }
    m->report.chunks += x->written - x->logged;
    x->logged = x->written;
    x->first_kept = x->written;
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct exchange *x = context;
    ssize_t n = send(fd, x->pending.data, x->pending.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        connection_drop(x->connection);
        return;
    }
    if (n > 0) {
        buffer_drop_front(&x->pending, (size_t)n);
        x->pending_since_ns = clock_now_ns();
    }
    if (x->pending.length) {
        wait_for_socket(x);
        return;
    }
    note_written(x);
    if (x->complete)
        finish(x);
    else
        exchange_flush(x, clock_now_ns());
}

static void add_event(struct exchange *x)
{
    struct mock *m = x->mock;
    frame_event(m->json.data, m->json.length, x->chunked, &m->out);
    buffer_clear(&m->json);
}

/* One token-bearing chunk, and before it whatever its part begins with. */
static void add_token(struct exchange *x)
{
    struct mock *m = x->mock;
    while (x->part_token >= x->answer.parts[x->part].tokens) {
        x->part++;
        x->part_token = 0;
    }
    if (x->part_token == 0 && x->answer.parts[x->part].kind == PART_TOOL) {
        render_tool_head(&x->voice, &x->answer, x->part, &m->json);
        add_event(x);
    }
    render_piece(&x->voice, &x->answer, x->part, x->part_token, 1, &m->json);
    add_event(x);
    x->part_token++;
    x->written++;
}

static void add_tail(struct exchange *x)
{
    struct mock *m = x->mock;
    render_finish(&x->voice, x->answer.finish_reason, &m->json);
    add_event(x);
    if (x->voice.include_usage) {
        render_usage_chunk(&x->voice, &x->usage, &m->json);
        add_event(x);
    }
    frame_event("[DONE]", 6, x->chunked, &m->out);
    if (x->chunked)
        buffer_add_text(&m->out, "0\r\n\r\n");
    x->complete = true;
    x->outcome = "completed";
}

/* What of the stream is due and fits one writing. */
static void render_stream(struct exchange *x)
{
    struct mock *m = x->mock;
    if (!x->head_sent)
        add_head(x, "text/event-stream; charset=utf-8", -1, &m->out);
    if (!x->role_sent && (x->due > 0 || x->engine_done)) {
        if (x->ask.kind == ASK_CHAT) {
            render_role(&x->voice, &m->json);
            add_event(x);
        }
        x->role_sent = true;
    }
    while (x->written < x->due && m->out.length < FLUSH_BYTES)
        add_token(x);
    if (x->engine_done && x->written == x->due)
        add_tail(x);
}

static void render_body(struct exchange *x)
{
    struct mock *m = x->mock;
    if (x->ask.kind == ASK_EMBEDDING)
        render_embeddings(&x->ask, x->model, x->ask.prompt.chain, &m->json);
    else
        render_whole(&x->ask, x->model, &x->answer, x->id, x->created_s, &x->usage, &m->json);
    add_head(x, "application/json", (int64_t)m->json.length, &m->out);
    buffer_add(&m->out, m->json.data, m->json.length);
    x->written = x->due;
    x->complete = true;
    x->outcome = "completed";
}

void exchange_flush(struct exchange *x, int64_t now_ns)
{
    struct mock *m = x->mock;
    int64_t held = pace_held_until(m, now_ns);
    if (held) {
        pace_park(x, held);
        return;
    }
    if (x->complete && x->pending.length && !x->writable)
        wait_for_socket(x); /* a reply that a hold kept back */
    while (!x->complete && x->pending.length == 0) {
        buffer_clear(&m->out);
        buffer_clear(&m->json);
        if (x->stream)
            render_stream(x);
        else if (x->engine_done)
            render_body(x);
        if (m->out.length == 0)
            return;
        if (!write_out(x, now_ns)) {
            connection_drop(x->connection);
            return;
        }
        if (x->pending.length == 0)
            note_written(x);
    }
    if (x->complete && x->pending.length == 0)
        finish(x);
}

/* A reply that waits for no engine, though perhaps for the end of a hold. */
void exchange_reply(struct exchange *x, int status, const char *type, const struct buffer *body)
{
    struct mock *m = x->mock;
    x->status = status;
    buffer_clear(&m->out);
    add_head(x, type, (int64_t)body->length, &m->out);
    if (evhttp_request_get_command(x->request) != EVHTTP_REQ_HEAD)
        buffer_add(&m->out, body->data, body->length);
    x->complete = true;
    x->outcome = status < 400 ? "completed" : "refused";
    int64_t held = pace_held_until(m, x->read_ns);
    if (held) {
        buffer_add(&x->pending, m->out.data, m->out.length);
        pace_park(x, held);
        pace_advance(m, x->read_ns);
    } else if (!write_out(x, x->read_ns))
        connection_drop(x->connection);
    else if (x->pending.length == 0)
        finish(x);
}

void exchange_reply_error(struct exchange *x, const struct api_error *e)
{
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    api_error_write(e, &body);
    exchange_reply(x, e->status, "application/json", &body);
    buffer_free(&body);
}

static void plan(struct exchange *x)
{
    struct mock *m = x->mock;
    struct ask *a = &x->ask;
    x->status = 200;
    x->stream = a->stream;
    x->model = mem_copy_string(a->model);
    const char *prefix = a->kind == ASK_CHAT ? "chatcmpl" : "cmpl";
    snprintf(x->id, sizeof x->id, "%s-%016llx", prefix,
             (unsigned long long)random_mix(m->config.seed ^ 0x6661726562786964, x->serial));
    answer_plan(&x->answer, a, &m->answer_rules, random_mix(m->config.seed, a->prompt.chain));
    if (x->stream)
        voice_init(&x->voice, a->kind, x->model, x->id, x->created_s, a->include_usage);
    cJSON_Delete(a->body); /* it can be large, and the answer may take long */
    a->body = NULL;
}

void exchange_submit(struct exchange *x, int64_t now_ns)
{
    struct mock *m = x->mock;
    plan(x);
    struct engine_request r = {
        .tag = (uintptr_t)x,
        .input_tokens = (uint32_t)x->ask.prompt.tokens,
        .output_tokens = x->answer.tokens,
        .hash_ids = x->ask.prompt.blocks,
        .hash_count = x->ask.prompt.block_count,
        .block_size = m->ask_rules.tokens.block_size,
    };
    if (engine_submit(m->engine, now_ns, &r) != ENGINE_ACCEPTED) {
        struct api_error e;
        api_error_invalid(&e, "messages", "context_length_exceeded",
                          "The prompt of %llu tokens does not fit this endpoint's memory.",
                          (unsigned long long)x->ask.prompt.tokens);
        exchange_reply_error(x, &e);
        return;
    }
    x->submitted = true;
    prompt_free(&x->ask.prompt);
    if (x->stream)
        exchange_touch(x); /* the head leaves at once, as servers do */
    pace_advance(m, now_ns);
}

void exchange_on_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns)
{
    (void)context;
    (void)first;
    struct exchange *x = (struct exchange *)(uintptr_t)tag;
    mem_grow(&x->due_ns, &x->due_capacity, x->due + count - x->first_kept, sizeof *x->due_ns);
    for (uint32_t i = 0; i < count; i++)
        x->due_ns[x->due++ - x->first_kept] = at_ns;
    if (x->stream)
        exchange_touch(x);
}

void exchange_on_done(void *context, uint64_t tag, uint32_t cached_tokens, int64_t at_ns)
{
    (void)context;
    (void)at_ns;
    struct exchange *x = (struct exchange *)(uintptr_t)tag;
    x->engine_done = true;
    x->usage = usage_from_totals(x->ask.prompt.tokens, cached_tokens, 0, 0, x->answer.tokens,
                                 x->answer.reasoning_tokens);
    struct mock_report *report = &x->mock->report;
    report->prompt_tokens += x->ask.prompt.tokens;
    report->cached_tokens += cached_tokens;
    report->output_tokens += x->answer.tokens;
    exchange_touch(x);
}
