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
    x->framing.chunked = request->major == 1 && request->minor >= 1;
    fault_init(&x->fault);
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

static void exchange_free(struct exchange *x)
{
    struct mock *m = x->mock;
    if (x->submitted && !x->engine_done) /* a fault or the client ended it early */
        engine_cancel(m->engine, clock_now_ns(), (uintptr_t)x);
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
    if (x->limiter)
        limiter_release(x->limiter);
    free(x->due_ns);
    free(x->written_ns);
    free(x->model);
    free(x);
}

static void log_exchange(struct exchange *x)
{
    struct mock *m = x->mock;
    int64_t now_ns = clock_now_ns();
    bool answered = x->submitted && x->status < 400;
    if (answered) {
        metrics_observe(&m->metrics, METRIC_E2E, now_ns - x->read_ns);
        metrics_observe(&m->metrics, METRIC_PROMPT_TOKENS, (int64_t)x->ask.prompt.tokens);
        metrics_observe(&m->metrics, METRIC_OUTPUT_TOKENS, x->written);
        metrics_finish(&m->metrics,
                       x->complete && x->cut == CUT_NONE ? x->answer.finish_reason : NULL);
    }
    struct usage billed = {0};
    if (answered)
        billed = usage_from_totals(x->ask.prompt.tokens, x->usage.tokens[USAGE_CACHED_INPUT], 0, 0,
                                   x->logged, x->answer.reasoning_tokens);
    struct truth_entry e = {
        .request_id = x->request_id,
        .outcome = x->outcome,
        .fault = x->fault.text[0] ? x->fault.text : NULL,
        .status = x->status,
        .stream = x->stream,
        .read_ns = x->read_ns,
        .done_ns = now_ns,
        .due_ns = x->due_ns,
        .written_ns = x->written_ns,
        .due_count = m->log.fd >= 0 ? x->due : 0,
        .written_count = x->logged ? (x->stream ? x->logged : 1) : 0,
        .billed = billed,
    };
    truth_log_add(&m->log, &e);
}

/* RST instead of FIN: dissolving the association resets a TCP connection at once. */
static void reset_socket(int fd)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    connect(fd, &nobody, sizeof nobody);
}

/* The answer is out: evhttp may read the next request, or closes. */
void exchange_finish(struct exchange *x)
{
    struct connection *c = x->connection;
    struct evhttp_request *request = x->request;
    if (x->cut != CUT_NONE) {
        if (x->cut == CUT_RESET)
            reset_socket(c->fd);
        connection_drop(c); /* abandons the exchange */
        return;
    }
    x->mock->report.completed += x->status < 400;
    x->mock->report.refused += x->status >= 400;
    if (x->close && !asks_to_close(request))
        evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
    log_exchange(x);
    exchange_free(x);
    connection_release(c);
    evhttp_send_reply_end(request); /* may close the connection */
}

void exchange_abandon(struct exchange *x)
{
    struct mock *m = x->mock;
    if (x->cut != CUT_NONE)
        m->report.faulted++;
    else
        m->report.aborted++;
    if (x->cut == CUT_NONE)
        x->outcome = "aborted";
    log_exchange(x);
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

/* A reply that waits for no engine, though perhaps for the end of a hold or stall. */
void exchange_reply(struct exchange *x, int status, const char *type, const struct buffer *body)
{
    struct buffer *out = &x->pending;
    x->status = status;
    stream_add_head(x, type, (int64_t)body->length, out);
    if (evhttp_request_get_command(x->request) != EVHTTP_REQ_HEAD)
        buffer_add(out, body->data, body->length);
    x->complete = true;
    x->outcome = status < 400 ? "completed" : "refused";
    x->pending_since_ns = x->read_ns;
    if (x->fault.stall_first_ns)
        pace_park(x, x->read_ns + x->fault.stall_first_ns);
    exchange_flush(x, x->read_ns);
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
    x->framing.crlf = x->fault.crlf;
    if (x->fault.stall_first_ns)
        pace_park(x, now_ns + x->fault.stall_first_ns);
    if (x->stream || x->fault.reset)
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
