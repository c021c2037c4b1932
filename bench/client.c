#include "bench/client.h"

#include "core/clock.h"
#include "core/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARD_CONNECTIONS 250
#define READ_BUFFER 16384L

/* What the loop watches on one socket. */
struct watch {
    struct event event;
    struct client *client;
    struct shard *shard; /* whose transfer uses it; NULL = idle */
    short events;        /* registered in the loop; 0 = not */
};

struct shard {
    CURLM *multi;
    struct client *client;
    int64_t timer_ns;
    uint32_t in_flight;
    int running;    /* what libcurl says; falls when a transfer has ended */
    bool ended;     /* there may be messages to read */
    bool *resolved; /* per endpoint: its addresses are in this multi's cache */
};

struct client {
    struct event_base *base;
    struct client_config config;
    struct shard **shards;
    size_t shard_count, shard_capacity;
    struct watch **watches; /* by socket number */
    size_t watch_capacity;
    struct transfer *free;
    struct transfer **all;
    size_t transfer_count, transfer_capacity;
    struct arrival now;
    bool fresh;                           /* no callback has run since the loop waited */
    bool unasked;                         /* libcurl acts, but no socket was reported readable */
    struct transfer *ended, **ended_last; /* in the order of their ends */
    struct client_counts counts;
};

/* ---- sockets and timers in the loop ---- */

/* Where endpoints say joins, a transfer first asks for HTTP/2 as such, which uses the connections
 * that there are and waits for one that is being opened. Where libcurl would open another, it is
 * stopped before it does; the transfer then goes by prior knowledge over a connection of its own,
 * which the next ones join. */
static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = context;
    (void)purpose;
    if (t->joins) {
        t->found_none = true;
        return CURL_SOCKET_BAD;
    }
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        t->open_errno = errno;
    return fd;
}

static void send_alone(struct transfer *t)
{
    t->joins = t->found_none = false;
    t->error[0] = '\0';
    curl_multi_remove_handle(t->shard->multi, t->easy);
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_multi_add_handle(t->shard->multi, t->easy);
}

/* Takes note of the transfers that libcurl has ended; they wait for client_collect. */
static void note_ends(struct shard *s)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(s->multi, &left))) {
        struct transfer *t;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (t->found_none) {
            send_alone(t);
            continue;
        }
        t->code = message->data.result;
        t->ended = true;
        t->next = NULL;
        *s->client->ended_last = t;
        s->client->ended_last = &t->next;
    }
}

static void act(struct shard *s, curl_socket_t fd, int what)
{
    int running;
    curl_multi_socket_action(s->multi, fd, what, &running);
    note_ends(s);
}

/* Lets libcurl do what is to be done now: send, above all. It may also read, even the answer to
 * what it has just sent. */
static void act_unasked(struct shard *s)
{
    struct client *c = s->client;
    c->unasked = true;
    c->now.read++;
    act(s, CURL_SOCKET_TIMEOUT, 0);
    c->unasked = false;
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
    struct watch *w = context;
    struct client *c = w->client;
    int64_t now_ns = clock_now_ns();
    client_woke(c, now_ns);
    if (!w->shard) { /* an idle connection was closed by its peer: libcurl will notice */
        event_del(&w->event);
        w->events = 0;
        return;
    }
    c->now.read_ns = now_ns;
    c->now.read++;
    act(w->shard, fd,
        (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
    c->config.on_ready(c->config.context);
}

static struct watch *watch_of(struct client *c, curl_socket_t fd)
{
    size_t place = (size_t)fd, before = c->watch_capacity;
    mem_grow(&c->watches, &c->watch_capacity, place + 1, sizeof *c->watches);
    for (size_t i = before; i < c->watch_capacity; i++)
        c->watches[i] = NULL;
    if (!c->watches[place]) {
        c->watches[place] = mem_zero(1, sizeof **c->watches);
        c->watches[place]->client = c;
    }
    return c->watches[place];
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct shard *s = context;
    struct watch *w = watch_of(s->client, fd);
    (void)easy;
    (void)socket_context;
    short wanted = EV_READ | EV_PERSIST;
    if (what == CURL_POLL_OUT)
        wanted = EV_WRITE | EV_PERSIST;
    else if (what == CURL_POLL_INOUT)
        wanted = EV_READ | EV_WRITE | EV_PERSIST;
    w->shard = what == CURL_POLL_REMOVE || what == CURL_POLL_NONE ? NULL : s;
    if (w->events == wanted || (!w->shard && w->events == 0))
        return 0;
    if (w->events)
        event_del(&w->event);
    event_assign(&w->event, s->client->base, fd, wanted, on_ready, w);
    event_add(&w->event, NULL);
    w->events = wanted;
    return 0;
}

static int on_close(void *context, curl_socket_t fd)
{
    struct client *c = context;
    if ((size_t)fd < c->watch_capacity && c->watches[fd]) {
        struct watch *w = c->watches[fd];
        if (w->events)
            event_del(&w->event);
        w->events = 0;
        w->shard = NULL;
    }
    return close(fd);
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct shard *s = context;
    (void)multi;
    s->timer_ns = timeout_ms < 0 ? TIME_NEVER : clock_now_ns() + timeout_ms * NS_PER_MS;
    return 0;
}

/* ---- one exchange ---- */

/* 0 as long as no answer has begun. */
static int status_of(const struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static void take_answer(struct transfer *t)
{
    char *type = NULL;
    if (t->answered)
        return;
    t->answered = true;
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    attempt_answer(&t->attempt, status_of(t), type);
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    struct arrival now = t->client->now;
    /* A socket that carries many streams was readable for any of them, and libcurl reads on while
     * it serves them: what this one got is known to be there now, not before. The same holds where
     * libcurl reads without having been told that a socket is readable. */
    if (t->endpoint->config->http2 || t->client->unasked)
        now.wake_ns = now.read_ns = clock_now_ns();
    take_answer(t);
    size_t length = size * count;
    bool go_on = attempt_feed(&t->attempt, &now, bytes, length);
    if (go_on && t->whole_ns == TIME_NEVER && attempt_is_whole(&t->attempt)) {
        t->whole_ns = clock_now_ns();
        t->client->config.on_whole(t->client->config.context, t);
    }
    return go_on ? length : 0;
}

/* Called before each sending. A second one is libcurl's own resend on a connection that was reset:
 * it would hide a failure and charge twice, so it is stopped. */
static int on_sending(void *context, char *ip, char *local_ip, int port, int local_port)
{
    struct transfer *t = context;
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    t->connected_ns = clock_now_ns();
    if (++t->sendings == 1)
        return CURL_PREREQFUNC_OK;
    t->client->counts.hidden_resends++;
    return CURL_PREREQFUNC_ABORT;
}

static void set_up(struct transfer *t)
{
    CURL *e = t->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_sending);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, t->client);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, READ_BUFFER);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(t->client->config.connect_timeout_ns / NS_PER_MS));
}

struct transfer *client_get(struct client *c)
{
    struct transfer *t = c->free;
    if (t) {
        c->free = t->next;
        return t;
    }
    t = mem_zero(1, sizeof *t);
    t->client = c;
    t->easy = curl_easy_init();
    attempt_init(&t->attempt);
    buffer_init(&t->body, BUFFER_UNBOUNDED);
    t->headers.data = t->id_line;
    set_up(t);
    mem_grow(&c->all, &c->transfer_capacity, c->transfer_count + 1, sizeof *c->all);
    c->all[c->transfer_count++] = t;
    return t;
}

void client_release(struct client *c, struct transfer *t)
{
    if (t->body.capacity > 65536)
        buffer_free(&t->body);
    else
        buffer_clear(&t->body);
    t->next = c->free;
    c->free = t;
}

static struct shard *new_shard(struct client *c)
{
    struct shard *s = mem_zero(1, sizeof *s);
    s->client = c;
    s->multi = curl_multi_init();
    s->timer_ns = TIME_NEVER;
    s->resolved = mem_zero(c->config.endpoints, sizeof *s->resolved);
    curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
    curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
    curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)c->config.shard_connections + 16);
    curl_multi_setopt(s->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    /* Streams on a connection; else libcurl stops at 100, whatever the server allows. */
    curl_multi_setopt(s->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)c->config.shard_connections);
    mem_grow(&c->shards, &c->shard_capacity, c->shard_count + 1, sizeof *c->shards);
    c->shards[c->shard_count++] = s;
    return s;
}

/* The first shard with room: load gathers in the first ones, where connections are warm. */
static struct shard *pick_shard(struct client *c)
{
    for (size_t i = 0; i < c->shard_count; i++)
        if (c->shards[i]->in_flight < c->config.shard_connections)
            return c->shards[i];
    return new_shard(c);
}

static void point_at(struct transfer *t, const struct endpoint *e)
{
    if (t->endpoint != e) {
        endpoint_apply(e, t->easy);
        t->headers.next = e->headers;
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, &t->headers);
    }
    t->endpoint = e;
    t->joins = e->joins;
    t->found_none = false;
    if (t->joins)
        curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_0);
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 0L);
    /* The list stays, only the text of its first line changes: "X:" sends nothing. */
    snprintf(t->id_line, sizeof t->id_line, "X-Request-Id:%s%s", t->request_id[0] ? " " : "",
             t->request_id);
    bool *resolved = &t->shard->resolved[e - t->client->config.first_endpoint];
    curl_easy_setopt(t->easy, CURLOPT_RESOLVE, *resolved ? NULL : e->resolve);
    *resolved = true;
}

void client_send(struct client *c, struct transfer *t, const struct endpoint *e,
                 const struct attempt_config *config, int64_t now_ns)
{
    t->shard = pick_shard(c);
    t->connected_ns = t->done_ns = TIME_NEVER;
    t->dns_ns = t->connect_ns = t->tls_ns = TIME_NEVER;
    t->sendings = t->connects = 0;
    t->open_errno = 0;
    t->retry_after_s = 0;
    t->answered = t->ended = false;
    t->whole_ns = TIME_NEVER;
    t->error[0] = '\0';
    attempt_begin(&t->attempt, config, now_ns);
    point_at(t, e);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.length);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body.data);
    c->counts.sent++;
    t->shard->in_flight++;
    curl_multi_add_handle(t->shard->multi, t->easy);
    act_unasked(t->shard);
}

/* ---- ends ---- */

/* True if it was this machine that could not make the connection: no open file, no port. */
static bool lacks_means(struct transfer *t)
{
    long from_connect = 0;
    if (!t->open_errno && curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &from_connect) == CURLE_OK)
        t->open_errno = (int)from_connect;
    return t->open_errno == EMFILE || t->open_errno == ENFILE || t->open_errno == ENOBUFS ||
           t->open_errno == ENOMEM || t->open_errno == EADDRNOTAVAIL;
}

static enum failure_class classify(struct transfer *t, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
    case CURLE_WRITE_ERROR: /* we hung up: the attempt knows why */
        return FAILURE_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
        return FAILURE_DNS;
    case CURLE_COULDNT_CONNECT:
        return lacks_means(t) ? FAILURE_CLIENT : FAILURE_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
        return FAILURE_TLS;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2_STREAM: /* HTTP/2's reset: of one stream, the connection lives on */
    case CURLE_ABORTED_BY_CALLBACK:
        return FAILURE_RESET;
    case CURLE_PARTIAL_FILE: /* also of an HTTP/2 stream whose answer had not begun */
        return status_of(t) ? FAILURE_TRUNCATED : FAILURE_RESET;
    case CURLE_OPERATION_TIMEDOUT:
        return t->connected_ns == TIME_NEVER ? FAILURE_TIMEOUT_CONNECT : FAILURE_TIMEOUT_TOTAL;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
    case CURLE_BAD_CONTENT_ENCODING:
        return FAILURE_HTTP;
    default:
        return FAILURE_OTHER;
    }
}

static int64_t microseconds(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, what, &us);
    return (int64_t)us * NS_PER_US;
}

static void read_facts(struct transfer *t)
{
    long connects = 0, version = CURL_HTTP_VERSION_NONE;
    curl_off_t after = 0;
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    t->connects = (uint32_t)connects;
    t->client->counts.connects += t->connects;
    if (t->sendings && connects == 0)
        t->client->counts.reuses++;
    if (status_of(t))
        curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    t->client->counts.http2_answers += version == CURL_HTTP_VERSION_2_0;
    t->client->counts.http1_answers +=
        version == CURL_HTTP_VERSION_1_1 || version == CURL_HTTP_VERSION_1_0;
    if (connects) {
        int64_t dns = microseconds(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
        int64_t connected = microseconds(t->easy, CURLINFO_CONNECT_TIME_T);
        int64_t secured = microseconds(t->easy, CURLINFO_APPCONNECT_TIME_T);
        t->dns_ns = dns;
        if (connected > 0)
            t->connect_ns = connected - dns;
        if (secured > 0)
            t->tls_ns = secured - connected;
    }
    if (curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after) == CURLE_OK)
        t->retry_after_s = (int64_t)after;
}

static void finish(struct transfer *t, enum failure_class why, const char *message)
{
    struct client *c = t->client;
    t->done_ns = clock_now_ns();
    curl_multi_remove_handle(t->shard->multi, t->easy);
    t->shard->in_flight--;
    if (t->sendings)
        take_answer(t);
    read_facts(t);
    attempt_end(&t->attempt, why, message);
    c->config.on_end(c->config.context, t);
}

static const char *words_for(const struct transfer *t, enum failure_class why, CURLcode code)
{
    if (why == FAILURE_CLIENT)
        return strerror(t->open_errno);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return "the connection was closed before an answer came";
    return t->error[0] ? t->error : curl_easy_strerror(code);
}

bool client_collect(struct client *c)
{
    if (!c->ended)
        return false;
    while (c->ended) {
        struct transfer *t = c->ended;
        c->ended = t->next;
        if (!c->ended)
            c->ended_last = &c->ended;
        enum failure_class why = classify(t, t->code);
        c->counts.client_failures += why == FAILURE_CLIENT;
        finish(t, why, words_for(t, why, t->code));
    }
    return true;
}

void client_abort(struct client *c, struct transfer *t, enum failure_class why, const char *message)
{
    if (t->ended)
        return;
    if (t->whole_ns != TIME_NEVER) { /* nothing is cut short any more */
        client_hang_up(c, t);
        return;
    }
    if (why == FAILURE_NONE)
        t->attempt.cancelled = true;
    finish(t, why, message);
}

void client_hang_up(struct client *c, struct transfer *t)
{
    if (t->ended)
        return;
    c->counts.left_open++;
    finish(t, FAILURE_NONE, NULL);
}

/* ---- time ---- */

void client_before_wait(struct client *c)
{
    c->fresh = true;
}

int64_t client_busy_ns(const struct client *c, int64_t now_ns)
{
    return c->fresh || c->now.wake_ns == 0 ? 0 : now_ns - c->now.wake_ns;
}

void client_woke(struct client *c, int64_t now_ns)
{
    if (!c->fresh)
        return;
    c->fresh = false;
    c->now.wake_ns = now_ns;
}

int64_t client_next_ns(const struct client *c)
{
    int64_t next_ns = TIME_NEVER;
    for (size_t i = 0; i < c->shard_count; i++)
        if (c->shards[i]->timer_ns < next_ns)
            next_ns = c->shards[i]->timer_ns;
    return next_ns;
}

void client_run_timers(struct client *c, int64_t now_ns)
{
    for (size_t i = 0; i < c->shard_count; i++) {
        struct shard *s = c->shards[i];
        if (s->timer_ns > now_ns)
            continue;
        s->timer_ns = TIME_NEVER;
        act_unasked(s);
    }
}

/* ---- life ---- */

struct client *client_create(struct event_base *base, const struct client_config *config)
{
    struct client *c = mem_zero(1, sizeof *c);
    c->base = base;
    c->config = *config;
    c->ended_last = &c->ended;
    if (c->config.shard_connections == 0)
        c->config.shard_connections = SHARD_CONNECTIONS;
    return c;
}

void client_free(struct client *c)
{
    for (size_t i = 0; i < c->transfer_count; i++) {
        struct transfer *t = c->all[i];
        curl_easy_cleanup(t->easy);
        attempt_free(&t->attempt);
        buffer_free(&t->body);
        free(t);
    }
    for (size_t i = 0; i < c->shard_count; i++) {
        curl_multi_cleanup(c->shards[i]->multi);
        free(c->shards[i]->resolved);
        free(c->shards[i]);
    }
    for (size_t i = 0; i < c->watch_capacity; i++)
        free(c->watches[i]);
    free(c->watches);
    free(c->shards);
    free(c->all);
    free(c);
}

void client_count(const struct client *c, struct client_counts *out)
{
    *out = c->counts;
    out->shards = (uint32_t)c->shard_count;
}
