#include "sim/mock/connection.h"

#include "core/buffer.h"
#include "core/clock.h"
#include "core/listening.h"
#include "core/memory.h"
#include "core/text.h"
#include "sim/mock/api/api_error.h"
#include "sim/mock/framing.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_HEAD_BYTES (64 * 1024)      /* request line and headers */
#define MAX_PIPELINED_BYTES (64 * 1024) /* read ahead while an answer is under way */
#define DRAIN_NS (5 * NS_PER_S)         /* how long a refused sender is drained */

struct connection {
    struct connections *all;
    struct bufferevent *bufferevent;
    struct evhttp_connection *evhttp; /* NULL until adopted */
    int fd;
    struct exchange *exchange;       /* being answered */
    struct evhttp_request *unclear;  /* a whole one that was refused for its framing; NULL */
    int64_t idle_since_ns, began_ns; /* began: first byte of an unfinished request; 0 = none */
    size_t held;                     /* bytes of the unfinished request, at most */
    bool refused;                    /* too much or too slow: told so, and drained until it goes */
    int refuse_with;                 /* the status to be refused with; 0 = it is not */
    struct connection *previous, *next;
};

struct connections {
    struct event_base *base;
    const struct mock_config *config;
    struct connection_handler handler;
    struct mock_report *report;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct event *adopt;
    struct connection *first, **by_fd;
    size_t by_fd_count;
    uint32_t count, most;
    size_t held;    /* of all connections */
    bool to_refuse; /* some connection is */
    char host[64], url[96];
    uint16_t port;
};

static void unlink_connection(struct connection *c)
{
    struct connections *all = c->all;
    if (c->previous)
        c->previous->next = c->next;
    else
        all->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    if (c->fd >= 0 && (size_t)c->fd < all->by_fd_count && all->by_fd[c->fd] == c)
        all->by_fd[c->fd] = NULL;
    all->count--;
    all->held -= c->held;
    free(c);
}

static void set_held(struct connection *c, size_t bytes)
{
    c->all->held += bytes - c->held;
    c->held = bytes;
}

static void on_close(struct evhttp_connection *evhttp, void *context)
{
    (void)evhttp;
    struct connection *c = context;
    if (c->exchange)
        c->all->handler.on_gone(c->exchange);
    /* evhttp has let go of a request when the client left; when we close, it frees it. */
    if (c->unclear && !evhttp_request_get_connection(c->unclear))
        evhttp_request_free(c->unclear);
    unlink_connection(c);
}

/* Bytes arrived. Called in the middle of reading, so what is too much is only marked here. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
    (void)input;
    struct connection *c = context;
    struct connections *all = c->all;
    if (info->n_added == 0 || c->refused)
        return;
    if (!c->exchange && c->began_ns == 0)
        c->began_ns = clock_now_ns();
    size_t most = all->config->max_body_bytes + 2 * MAX_HEAD_BYTES;
    size_t held = c->held + info->n_added;
    set_held(c, held < most ? held : most);
    if (held >= most || all->held > all->config->max_held_bytes) {
        c->refuse_with = held < most ? 503 : 413;
        all->to_refuse = true;
        event_active(all->adopt, EV_TIMEOUT, 0);
    }
}

static struct bufferevent *on_new_connection(struct event_base *base, void *context)
{
    struct connections *all = context;
    struct connection *c = mem_zero(1, sizeof *c);
    c->all = all;
    c->fd = -1;
    c->bufferevent = bufferevent_socket_new(base, -1, 0);
    if (!c->bufferevent) {
        free(c);
        return NULL;
    }
    evbuffer_add_cb(bufferevent_get_input(c->bufferevent), on_input, c);
    c->idle_since_ns = clock_now_ns();
    c->next = all->first;
    if (c->next)
        c->next->previous = c;
    all->first = c;
    all->count++;
    all->report->connections++;
    event_active(all->adopt, EV_TIMEOUT, 0);
    return c->bufferevent;
}

static void on_discard(struct bufferevent *b, void *context)
{
    (void)context;
    struct evbuffer *input = bufferevent_get_input(b);
    evbuffer_drain(input, evbuffer_get_length(input));
}

/* Refuses what is being sent: the error goes out at once, and what still comes is thrown away, for
 * closing with unread bytes would destroy the answer on its way. */
static void refuse(struct connection *c, int status)
{
    struct buffer body, head;
    buffer_init(&body, BUFFER_UNBOUNDED);
    buffer_init(&head, BUFFER_UNBOUNDED);
    struct api_error e;
    api_error_for_status(&e, status);
    api_error_write(&e, &body);
    buffer_add_format(&head,
                      "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                      "Connection: close\r\n\r\n%s",
                      status, http_reason(status), body.length, body.data);
    send(c->fd, head.data, head.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(c->fd, SHUT_WR);
    buffer_free(&body);
    buffer_free(&head);
    c->refused = true;
    c->began_ns = clock_now_ns();
    c->all->report->requests++;
    c->all->report->refused++;
    bufferevent_event_cb on_event;
    void *argument;
    bufferevent_getcb(c->bufferevent, NULL, NULL, &on_event, &argument);
    bufferevent_setcb(c->bufferevent, on_discard, NULL, on_event, argument);
    on_discard(c->bufferevent, NULL);
    set_held(c, 0);
    bufferevent_enable(c->bufferevent, EV_READ);
}

static void adopt(struct connections *all, struct connection *c)
{
    void *argument = NULL;
    bufferevent_getcb(c->bufferevent, NULL, NULL, NULL, &argument);
    c->evhttp = argument;
    c->fd = bufferevent_getfd(c->bufferevent);
    size_t index = (size_t)c->fd;
    if (index >= all->by_fd_count) {
        size_t count = index * 2 + 64;
        all->by_fd = mem_resize(all->by_fd, count, sizeof(struct connection *));
        memset(all->by_fd + all->by_fd_count, 0,
               (count - all->by_fd_count) * sizeof(struct connection *));
        all->by_fd_count = count;
    }
    all->by_fd[index] = c;
    evhttp_connection_set_closecb(c->evhttp, on_close, c);
}

/* New connections are at the head of the list; evhttp has finished making them by now. */
static void on_adopt(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct connections *all = context;
    struct connection *next;
    for (struct connection *c = all->first; c && !c->evhttp; c = next) {
        next = c->next;
        adopt(all, c);
        if (all->count > all->most) {
            all->report->turned_away++;
            connection_drop(c);
        }
    }
    bool any = all->to_refuse;
    all->to_refuse = false;
    for (struct connection *c = any ? all->first : NULL; c; c = next) {
        next = c->next;
        if (!c->refuse_with)
            continue;
        int status = c->refuse_with;
        c->refuse_with = 0;
        if (!c->exchange && !c->refused)
            refuse(c, status);
    }
}

void connection_drop(struct connection *c)
{
    evhttp_connection_free(c->evhttp); /* calls on_close */
}

void connection_release(struct connection *c)
{
    size_t length = evbuffer_get_length(bufferevent_get_input(c->bufferevent));
    c->exchange = NULL;
    c->idle_since_ns = clock_now_ns();
    c->began_ns = length ? c->idle_since_ns : 0;
    set_held(c, length);
    bufferevent_setwatermark(c->bufferevent, EV_READ, 0, 0);
}

/* A request is complete. While it is answered, reading goes on only to see the client leave. */
static void on_request(struct evhttp_request *request, void *context)
{
    struct connections *all = context;
    struct evhttp_connection *evhttp = evhttp_request_get_connection(request);
    struct bufferevent *b = evhttp_connection_get_bufferevent(evhttp);
    struct connection *c = all->by_fd[bufferevent_getfd(b)];
    bufferevent_data_cb on_write;
    bufferevent_event_cb on_event;
    void *argument;
    if (!framing_is_clear(request)) { /* what follows may be a part of it, or another request */
        c->unclear = request;
        refuse(c, 400);
        return;
    }
    bufferevent_getcb(b, NULL, &on_write, &on_event, &argument);
    bufferevent_setcb(b, NULL, on_write, on_event, argument);
    bufferevent_setwatermark(b, EV_READ, 0, MAX_PIPELINED_BYTES);
    bufferevent_enable(b, EV_READ);
    c->began_ns = 0;
    all->handler.on_request(all->handler.context, c, request);
}

static void sweep_one(struct connection *c, int64_t now_ns)
{
    struct connections *all = c->all;
    const struct mock_config *config = all->config;
    if (c->exchange) {
        if (all->handler.is_stuck(c->exchange, now_ns)) {
            all->report->timed_out++;
            connection_drop(c);
        }
    } else if (c->refused) {
        if (now_ns - c->began_ns > DRAIN_NS)
            connection_drop(c);
    } else if (c->began_ns) {
        if (now_ns - c->began_ns > config->read_timeout_ns) {
            all->report->timed_out++;
            refuse(c, 408);
        }
    } else if (now_ns - c->idle_since_ns > config->idle_timeout_ns) {
        connection_drop(c);
    }
}

void connections_sweep(struct connections *all, int64_t now_ns)
{
    evconnlistener_enable(all->listener);
    struct connection *next;
    for (struct connection *c = all->first; c; c = next) {
        next = c->next;
        if (c->evhttp)
            sweep_one(c, now_ns);
    }
}

/* Out of file descriptors: accept nothing until the next sweep instead of spinning. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    struct connections *all = context;
    all->report->turned_away++;
    evconnlistener_disable(listener);
}

static void note_address(struct connections *all, const struct listening *at)
{
    bool six = strchr(at->host, ':') != NULL;
    memcpy(all->host, at->host, sizeof at->host);
    all->port = at->port;
    snprintf(all->url, sizeof all->url, "http://%s%s%s:%u/v1", six ? "[" : "", all->host,
             six ? "]" : "", all->port);
}

static int listen_on(struct connections *all, const struct listening *at, struct error *err)
{
    all->listener = evconnlistener_new(all->base, NULL, NULL,
                                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, at->fd);
    if (!all->listener || !evhttp_bind_listener(all->http, all->listener)) {
        close(at->fd);
        return error_set(err, ERR_SYSTEM, "cannot watch the listening socket");
    }
    evconnlistener_set_error_cb(all->listener, on_accept_error);
    note_address(all, at);
    return 0;
}

static void set_limits(struct connections *all)
{
    evhttp_set_max_headers_size(all->http, MAX_HEAD_BYTES);
    evhttp_set_max_body_size(all->http, -1); /* on_input watches it */
    evhttp_set_allowed_methods(all->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                              EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                              EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    struct rlimit files;
    all->most = all->config->max_connections;
    if (all->most == 0 && getrlimit(RLIMIT_NOFILE, &files) == 0)
        all->most = files.rlim_cur > 128 ? (uint32_t)files.rlim_cur - 64 : 64;
}

static int open_all(struct connections *all, struct error *err)
{
    struct listening at;
    all->http = evhttp_new(all->base);
    all->adopt = event_new(all->base, -1, 0, on_adopt, all);
    if (!all->http || !all->adopt)
        return error_set(err, ERR_SYSTEM, "cannot make an HTTP server");
    int bad = listening_open(all->config->listen, "127.0.0.1:8000", &at, err);
    if (bad == 0)
        bad = listen_on(all, &at, err);
    if (bad < 0)
        return bad;
    evhttp_set_bevcb(all->http, on_new_connection, all);
    evhttp_set_gencb(all->http, on_request, all);
    set_limits(all);
    return 0;
}

struct connections *connections_open(struct event_base *base, const struct mock_config *config,
                                     const struct connection_handler *handler,
                                     struct mock_report *report, struct error *err)
{
    struct connections *all = mem_zero(1, sizeof *all);
    *all =
        (struct connections){.base = base, .config = config, .handler = *handler, .report = report};
    if (open_all(all, err) == 0)
        return all;
    connections_close(all);
    return NULL;
}

void connections_close(struct connections *all)
{
    if (!all)
        return;
    if (all->adopt)
        on_adopt(-1, 0, all); /* the last to come may not have been seen yet */
    if (all->http)
        evhttp_free(all->http); /* closes the listener and every connection */
    if (all->adopt)
        event_free(all->adopt);
    free(all->by_fd);
    free(all);
}

const char *connections_host(const struct connections *all)
{
    return all->host;
}

uint16_t connections_port(const struct connections *all)
{
    return all->port;
}

const char *connections_url(const struct connections *all)
{
    return all->url;
}

int connection_socket(const struct connection *c)
{
    return c->fd;
}

void connection_answer(struct connection *c, struct exchange *x)
{
    c->exchange = x;
}
