/* One caller's connection: its requests in, its answers out. */
#include "bench/recorder/recorder_state.h"
#include "core/json/json_write.h"
#include "core/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 << 10)
#define MOST_READ_AHEAD ((size_t)64 << 10) /* while an answer is under way */
#define LEAVE_BELOW ((size_t)64 << 10)     /* so little waits: the endpoint is read again */
#define DRAIN_NS (5 * NS_PER_S)
#define IDLE_NS (300 * NS_PER_S)

static void on_read(evutil_socket_t fd, short what, void *context);
static void on_write(evutil_socket_t fd, short what, void *context);

static void watch(struct event *e, bool *is_on, bool wanted)
{
    if (wanted == *is_on)
        return;
    if (wanted)
        event_add(e, NULL);
    else
        event_del(e);
    *is_on = wanted;
}

void caller_accept(struct recorder *r, int fd)
{
    struct caller *c = mem_zero(1, sizeof *c);
    c->recorder = r;
    c->fd = fd;
    c->since_ns = clock_now_ns();
    buffer_init(&c->in, RECORDER_MAX_BODY);
    buffer_init(&c->out, BUFFER_UNBOUNDED);
    event_assign(&c->read, r->base, fd, EV_READ | EV_PERSIST, on_read, c);
    event_assign(&c->write, r->base, fd, EV_WRITE | EV_PERSIST, on_write, c);
    c->next = r->callers;
    if (c->next)
        c->next->previous = c;
    r->callers = c;
    r->caller_count++;
    watch(&c->read, &c->reads, true);
}

/* The head holds the caller's key. */
static void wipe(struct buffer *b)
{
    if (b->data)
        explicit_bzero(b->data, b->capacity);
    buffer_free(b);
}

void caller_close(struct caller *c)
{
    struct recorder *r = c->recorder;
    struct exchange *x = c->exchange;
    c->exchange = NULL;
    c->gone = true;
    if (x && c->relays)
        upstream_abandon(x);
    else
        exchange_free(x);
    watch(&c->read, &c->reads, false);
    watch(&c->write, &c->writes, false);
    close(c->fd);
    if (c->previous)
        c->previous->next = c->next;
    else
        r->callers = c->next;
    if (c->next)
        c->next->previous = c->previous;
    r->caller_count--;
    wipe(&c->in);
    buffer_free(&c->out);
    free(c);
}

/* ---- out ---- */

size_t caller_backlog(const struct caller *c)
{
    return c->out.length;
}

/* As many as the socket takes now. */
static size_t put(struct caller *c, const char *bytes, size_t count)
{
    size_t written = 0;
    while (written < count && !c->gone) {
        ssize_t n = send(c->fd, bytes + written, count - written, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            written += (size_t)n;
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        else
            c->gone = true;
    }
    return written;
}

void caller_send(struct caller *c, const char *bytes, size_t count)
{
    size_t written = c->out.length ? 0 : put(c, bytes, count);
    if (c->gone || written == count)
        return;
    buffer_add(&c->out, bytes + written, count - written);
    watch(&c->write, &c->writes, true);
}

/* All is told: the caller is given time to read it, for closing at once would take it away where
 * some of the request is not read yet. */
static void finish_sending(struct caller *c)
{
    shutdown(c->fd, SHUT_WR);
    c->drains = true;
    c->since_ns = clock_now_ns();
    watch(&c->read, &c->reads, true);
}

static void take_requests(struct caller *c);

static void on_write(evutil_socket_t fd, short what, void *context)
{
    struct caller *c = context;
    (void)fd;
    (void)what;
    recorder_woke(c->recorder);
    buffer_drop_front(&c->out, put(c, c->out.data, c->out.length));
    if (c->gone) {
        caller_close(c);
        return;
    }
    watch(&c->write, &c->writes, c->out.length > 0);
    if (c->exchange && c->relays && c->out.length < LEAVE_BELOW)
        upstream_go_on(c->exchange);
    else if (!c->exchange && c->out.length == 0 && c->closes)
        finish_sending(c);
}

/* ---- the end of an answer ---- */

/* A caller that cannot see by the framing that an answer was cut sees it by the connection. */
static void reset(struct caller *c)
{
    struct linger now = {1, 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    caller_close(c);
}

static void take_next(struct caller *c)
{
    watch(&c->read, &c->reads, true);
    take_requests(c);
}

void caller_end(struct caller *c, enum answer_end how)
{
    c->exchange = NULL;
    c->relays = false;
    c->since_ns = clock_now_ns();
    c->closes |= how != ANSWER_WHOLE || c->recorder->stops;
    if (c->gone)
        caller_close(c);
    else if (how == ANSWER_LOST)
        reset(c);
    else if (!c->closes)
        take_next(c);
    else if (c->out.length == 0)
        finish_sending(c);
}

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{400, "Bad Request"},
                   {413, "Content Too Large"},
                   {431, "Request Header Fields Too Large"},
                   {501, "Not Implemented"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}

void caller_refuse(struct caller *c, int status, const char *words)
{
    struct buffer body, all;
    buffer_init(&body, BUFFER_UNBOUNDED);
    buffer_init(&all, BUFFER_UNBOUNDED);
    buffer_add_text(&body, "{\"error\": {\"message\": ");
    json_escape(&body, text_of(words));
    buffer_add_format(&body, ", \"type\": \"farebox_record\", \"code\": %d}}\n", status);
    buffer_add_format(&all,
                      "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: "
                      "%zu\r\nConnection: close\r\n\r\n",
                      status, reason_of(status), body.length);
    if (!c->head_only)
        buffer_add(&all, body.data, body.length);
    caller_send(c, all.data, all.length);
    c->closes = true;
    buffer_free(&body);
    buffer_free(&all);
}

/* ---- in ---- */

static void refuse(struct caller *c, int status, const char *words)
{
    c->recorder->report.refused++;
    exchange_free(c->exchange);
    c->exchange = NULL;
    caller_refuse(c, status, words);
    caller_end(c, ANSWER_WHOLE);
}

static void take_labels(struct exchange *x, const struct recorder_config *o, struct text lines)
{
    struct buffer b;
    struct json_writer w;
    struct text value;
    bool any = false;
    buffer_init(&b, BUFFER_UNBOUNDED);
    json_write_init(&w, &b, 0);
    json_begin_object(&w);
    for (size_t i = 0; i < o->label_count; i++) {
        if (!head_find(lines, o->labels[i].header, &value))
            continue;
        json_key(&w, o->labels[i].name);
        json_put_text(&w, value);
        any = true;
    }
    json_end_object(&w);
    if (any)
        x->labels = mem_copy_string(b.data);
    buffer_free(&b);
}

static void take_names(struct exchange *x, const struct recorder_config *o, struct text lines)
{
    struct text value;
    if (o->label_count > 0)
        take_labels(x, o, lines);
    if (o->session_header && head_find(lines, o->session_header, &value) && value.length > 0)
        x->session = mem_copy_text(value.at, value.length);
}

static const char *words_of(int status)
{
    return status == 400   ? "the request's head is not HTTP/1.1 that can be passed on"
           : status == 501 ? "of transfer encodings only chunked can be passed on"
                           : "only HTTP/1.1 is spoken here";
}

/* Begins a request whose head is whole. False: it was refused. The head stays at the front of `in`
 * until the request is whole, for its headers are sent on then. */
static bool begin(struct caller *c, struct head *h, size_t length)
{
    struct recorder *r = c->recorder;
    int bad = head_read(h, (struct text){c->in.data, length});
    c->head_only = bad == 0 && text_equal(h->method, "HEAD");
    if (bad) {
        refuse(c, bad, words_of(bad));
        return false;
    }
    c->chunked = h->chunked;
    c->framing = (struct chunked){0};
    c->body_left = h->length;
    c->old = h->old;
    c->closes = h->closes;
    c->exchange = exchange_create(upstream_api(h->method, h->target), clock_now_ns());
    c->exchange->caller = c;
    take_names(c->exchange, r->config, h->lines);
    if (h->length > RECORDER_MAX_BODY) {
        refuse(c, 413, "the body is beyond 64 MiB, which is as much as the recorder takes");
        return false;
    }
    if (h->expects && c->in.length == length && (h->length > 0 || h->chunked))
        caller_send(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    return true;
}

/* Moves what there is of the body; how many bytes of `at` it took, -1 where it is none. */
static ssize_t take_body(struct caller *c, const char *at, size_t count)
{
    struct exchange *x = c->exchange;
    struct text data;
    size_t taken = 0;
    if (!c->chunked) {
        taken = count < c->body_left ? count : (size_t)c->body_left;
        buffer_add(&x->body, at, taken);
        c->body_left -= taken;
        return (ssize_t)taken;
    }
    while (taken < count && !c->framing.done) {
        taken += chunked_take(&c->framing, at + taken, count - taken, &data);
        if (c->framing.bad) {
            refuse(c, 400, "the body's chunks cannot be read");
            return -1;
        }
        if (buffer_add(&x->body, data.at, data.length) < 0) {
            refuse(c, 413, "the body is beyond 64 MiB, which is as much as the recorder takes");
            return -1;
        }
    }
    return (ssize_t)taken;
}

static bool is_whole(const struct caller *c)
{
    return c->chunked ? c->framing.done : c->body_left == 0;
}

/* Takes what stands in `in` behind the head, which has `length` bytes. True once all is there. */
static bool take_rest(struct caller *c, size_t length)
{
    ssize_t taken = take_body(c, c->in.data + length, c->in.length - length);
    if (taken < 0)
        return false;
    size_t behind = c->in.length - length - (size_t)taken;
    memmove(c->in.data + length, c->in.data + length + taken, behind);
    c->in.length -= (size_t)taken;
    return is_whole(c);
}

static void send_on(struct caller *c, size_t length)
{
    struct recorder *r = c->recorder;
    struct exchange *x = c->exchange;
    struct head h;
    head_read(&h, (struct text){c->in.data, length});
    c->relays = true;
    r->report.requests++;
    r->report.passed += x->api == NULL;
    upstream_send(r, x, &h);
    explicit_bzero(c->in.data, length);
    buffer_drop_front(&c->in, length);
}

/* The next request of those that may stand in `in`. */
static void take_requests(struct caller *c)
{
    struct text all = {c->in.data ? c->in.data : "", c->in.length};
    struct head h;
    while (!c->exchange && all.length >= 2 && memcmp(all.at, "\r\n", 2) == 0) {
        buffer_drop_front(&c->in, 2); /* between requests a line end more does not matter */
        all = (struct text){c->in.data, c->in.length};
    }
    size_t length = head_length(all);
    if (length > HEAD_MAX || (length == 0 && all.length > HEAD_MAX)) {
        refuse(c, 431, "the request's head is beyond 64 KiB");
        return;
    }
    if (length == 0 || (!c->exchange && !begin(c, &h, length)))
        return;
    if (take_rest(c, length))
        send_on(c, length);
}

static void on_read(evutil_socket_t fd, short what, void *context)
{
    struct caller *c = context;
    struct recorder *r = c->recorder;
    (void)what;
    recorder_woke(r);
    ssize_t n = recv(fd, r->scratch, READ_SIZE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        caller_close(c);
        return;
    }
    if (c->drains)
        return;
    buffer_add(&c->in, r->scratch, (size_t)n);
    explicit_bzero(r->scratch, (size_t)n);
    if (c->relays)
        watch(&c->read, &c->reads, c->in.length < MOST_READ_AHEAD);
    else if (c->exchange || !c->closes)
        take_requests(c);
    else
        buffer_clear(&c->in);
}

void callers_sweep(struct recorder *r, int64_t now_ns)
{
    for (struct caller *c = r->callers, *next; c; c = next) {
        next = c->next;
        bool idle = !c->exchange && c->out.length == 0 && c->in.length == 0;
        if ((c->drains && now_ns - c->since_ns > DRAIN_NS) ||
            (!c->drains && idle && (r->stops || now_ns - c->since_ns > IDLE_NS)))
            caller_close(c);
    }
}
