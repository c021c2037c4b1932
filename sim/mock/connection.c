/* Connections: what evhttp is asked for, and what it does not watch over by itself: slow and
 * oversized requests, idle connections, and too many of them. */
#include "sim/mock/server.h"

#include "core/memory.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_HEAD_BYTES (64 * 1024)      /* request line and headers */
#define MAX_PIPELINED_BYTES (64 * 1024) /* read ahead while an answer is under way */
#define DOOMED_NS (5 * NS_PER_S)        /* how long a refused sender is drained */

static void unlink_connection(struct connection *c)
{
    struct mock *m = c->mock;
    if (c->previous)
        c->previous->next = c->next;
    else
        m->connections = c->next;
    if (c->next)
        c->next->previous = c->previous;
    if (c->fd >= 0 && (size_t)c->fd < m->by_fd_count && m->by_fd[c->fd] == c)
        m->by_fd[c->fd] = NULL;
    m->connection_count--;
    m->held -= c->held;
    free(c);
}

static void set_held(struct connection *c, size_t bytes)
{
    c->mock->held += bytes - c->held;
    c->held = bytes;
}

static void on_close(struct evhttp_connection *evhttp, void *context)
{
    (void)evhttp;
    struct connection *c = context;
    if (c->exchange)
        exchange_abandon(c->exchange);
    unlink_connection(c);
}

/* Bytes arrived. Called in the middle of reading, so what is too much is only marked here. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
    (void)input;
    struct connection *c = context;
    struct mock *m = c->mock;
    if (info->n_added == 0 || c->doomed)
        return;
    if (!c->exchange && c->began_ns == 0)
        c->began_ns = clock_now_ns();
    size_t most = m->config.max_body_bytes + 2 * MAX_HEAD_BYTES;
    size_t held = c->held + info->n_added;
    set_held(c, held < most ? held : most);
    if (held >= most || m->held > m->config.max_held_bytes) {
        c->marked = held < most ? 503 : 413;
        m->marked = true;
        event_active(m->adopt, EV_TIMEOUT, 0);
    }
}

static struct bufferevent *on_new_connection(struct event_base *base, void *context)
{
    struct mock *m = context;
    struct connection *c = mem_zero(1, sizeof *c);
    c->mock = m;
    c->fd = -1;
    c->bufferevent = bufferevent_socket_new(base, -1, 0);
    if (!c->bufferevent) {
        free(c);
        return NULL;
    }
    evbuffer_add_cb(bufferevent_get_input(c->bufferevent), on_input, c);
    c->idle_since_ns = clock_now_ns();
    c->next = m->connections;
    if (c->next)
        c->next->previous = c;
    m->connections = c;
    m->connection_count++;
    m->report.connections++;
    event_active(m->adopt, EV_TIMEOUT, 0);
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
static void doom(struct connection *c, int status)
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
    c->doomed = true;
    c->began_ns = clock_now_ns();
    c->mock->report.requests++;
    c->mock->report.refused++;
    bufferevent_event_cb on_event;
    void *argument;
    bufferevent_getcb(c->bufferevent, NULL, NULL, &on_event, &argument);
    bufferevent_setcb(c->bufferevent, on_discard, NULL, on_event, argument);
    on_discard(c->bufferevent, NULL);
    set_held(c, 0);
    bufferevent_enable(c->bufferevent, EV_READ);
}

static void adopt(struct mock *m, struct connection *c)
{
    void *argument = NULL;
    bufferevent_getcb(c->bufferevent, NULL, NULL, NULL, &argument);
    c->evhttp = argument;
    c->fd = bufferevent_getfd(c->bufferevent);
    size_t index = (size_t)c->fd;
    if (index >= m->by_fd_count) {
        size_t count = index * 2 + 64;
        m->by_fd = mem_resize(m->by_fd, count, sizeof(struct connection *));
        memset(m->by_fd + m->by_fd_count, 0,
               (count - m->by_fd_count) * sizeof(struct connection *));
        m->by_fd_count = count;
    }
    m->by_fd[index] = c;
    evhttp_connection_set_closecb(c->evhttp, on_close, c);
}

/* New connections are at the head of the list; evhttp has finished making them by now. */
static void on_adopt(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct mock *m = context;
    struct connection *next;
    for (struct connection *c = m->connections; c && !c->evhttp; c = next) {
        next = c->next;
        adopt(m, c);
        if (m->connection_count > m->config.max_connections) {
            m->report.turned_away++;
            connection_drop(c);
        }
    }
    bool marked = m->marked;
    m->marked = false;
    for (struct connection *c = marked ? m->connections : NULL; c; c = next) {
        next = c->next;
        if (!c->marked)
            continue;
        int status = c->marked;
        c->marked = 0;
        if (!c->exchange && !c->doomed)
            doom(c, status);
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
    struct mock *m = context;
    struct evhttp_connection *evhttp = evhttp_request_get_connection(request);
    struct bufferevent *b = evhttp_connection_get_bufferevent(evhttp);
    struct connection *c = m->by_fd[bufferevent_getfd(b)];
    bufferevent_data_cb on_write;
    bufferevent_event_cb on_event;
    void *argument;
    bufferevent_getcb(b, NULL, &on_write, &on_event, &argument);
    bufferevent_setcb(b, NULL, on_write, on_event, argument);
    bufferevent_setwatermark(b, EV_READ, 0, MAX_PIPELINED_BYTES);
    bufferevent_enable(b, EV_READ);
    c->began_ns = 0;
    route_request(c, request);
}

static void sweep_one(struct connection *c, int64_t now_ns)
{
    struct mock *m = c->mock;
    const struct mock_config *config = &m->config;
    if (c->exchange) {
        const struct exchange *x = c->exchange;
        if (x->pending.length && !x->parked &&
            now_ns - x->pending_since_ns > config->write_timeout_ns) {
            m->report.timed_out++;
            connection_drop(c);
        }
    } else if (c->doomed) {
        if (now_ns - c->began_ns > DOOMED_NS)
            connection_drop(c);
    } else if (c->began_ns) {
        if (now_ns - c->began_ns > config->read_timeout_ns) {
            m->report.timed_out++;
            doom(c, 408);
        }
    } else if (now_ns - c->idle_since_ns > config->idle_timeout_ns) {
        connection_drop(c);
    }
}

void connections_sweep(struct mock *m, int64_t now_ns)
{
    evconnlistener_enable(m->listener);
    struct connection *next;
    for (struct connection *c = m->connections; c; c = next) {
        next = c->next;
        if (c->evhttp)
            sweep_one(c, now_ns);
    }
}

/* Out of file descriptors: accept nothing until the next sweep instead of spinning. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    struct mock *m = context;
    m->report.turned_away++;
    evconnlistener_disable(listener);
}

/* "HOST:PORT" to an address to bind; the host may be in brackets or empty. */
static struct addrinfo *resolve(const char *listen, struct error *err)
{
    const char *colon = strrchr(listen, ':');
    char host[128];
    size_t length = colon ? (size_t)(colon - listen) : 0;
    const char *start = listen;
    if (length >= 2 && listen[0] == '[' && listen[length - 1] == ']') {
        start++;
        length -= 2;
    }
    uint64_t port;
    if (!colon || length == 0 || length >= sizeof host || !text_to_u64(text_of(colon + 1), &port) ||
        port > 65535) {
        error_set(err, ERR_INPUT, "--listen: \"%s\" is not HOST:PORT, such as 127.0.0.1:8000",
                  listen);
        return NULL;
    }
    memcpy(host, start, length);
    host[length] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int bad = getaddrinfo(host, colon + 1, &hints, &found);
    if (bad)
        error_set(err, ERR_INPUT, "--listen: %s: %s", host, gai_strerror(bad));
    return found;
}

static void note_address(struct mock *m, int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char port[16] = "0";
    if (getsockname(fd, (struct sockaddr *)&address, &length) == 0)
        getnameinfo((struct sockaddr *)&address, length, m->host, sizeof m->host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    m->port = (uint16_t)atoi(port);
    bool six = strchr(m->host, ':') != NULL;
    snprintf(m->url, sizeof m->url, "http://%s%s%s:%u/v1", six ? "[" : "", m->host, six ? "]" : "",
             m->port);
}

/* What is accepted inherits TCP_NODELAY: without it small chunks would wait for acknowledgements.
 */
static int listen_on(struct mock *m, const struct addrinfo *at, struct error *err)
{
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_errno(err, "cannot make a socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, 4096) < 0) {
        error_errno(err, "cannot listen on %s", m->config.listen);
        close(fd);
        return ERR_SYSTEM;
    }
    m->listener = evconnlistener_new(m->base, NULL, NULL,
                                     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!m->listener || !evhttp_bind_listener(m->http, m->listener)) {
        close(fd);
        return error_set(err, ERR_SYSTEM, "cannot watch the listening socket");
    }
    evconnlistener_set_error_cb(m->listener, on_accept_error);
    note_address(m, fd);
    return 0;
}

static void set_limits(struct mock *m)
{
    evhttp_set_max_headers_size(m->http, MAX_HEAD_BYTES);
    evhttp_set_max_body_size(m->http, -1); /* on_input watches it */
    evhttp_set_allowed_methods(m->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                            EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                            EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    struct rlimit files;
    if (m->config.max_connections == 0 && getrlimit(RLIMIT_NOFILE, &files) == 0)
        m->config.max_connections = files.rlim_cur > 128 ? (uint32_t)files.rlim_cur - 64 : 64;
}

int connections_open(struct mock *m, struct error *err)
{
    struct addrinfo *at = resolve(m->config.listen, err);
    if (!at)
        return ERR_INPUT;
    m->http = evhttp_new(m->base);
    m->adopt = event_new(m->base, -1, 0, on_adopt, m);
    int bad = 0;
    if (!m->http || !m->adopt)
        bad = error_set(err, ERR_SYSTEM, "cannot make an HTTP server");
    else
        bad = listen_on(m, at, err);
    freeaddrinfo(at);
    if (bad < 0)
        return bad;
    evhttp_set_bevcb(m->http, on_new_connection, m);
    evhttp_set_gencb(m->http, on_request, m);
    set_limits(m);
    return 0;
}

void connections_close(struct mock *m)
{
    if (m->adopt)
        on_adopt(-1, 0, m); /* the last to come may not have been seen yet */
    if (m->http)
        evhttp_free(m->http); /* closes the listener and every connection */
    if (m->adopt)
        event_free(m->adopt);
    free(m->by_fd);
}
