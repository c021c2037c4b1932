#include "bench/client/client_state.h"
#include "bench/client/stale.h"
#include "core/clock.h"
#include "core/memory.h"

#include <errno.h>
#include <unistd.h>

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
    curl_socket_t fd =
        warm_take(&t->client->warm, t->endpoint, &address->addr, &t->warm_connect_ns);
    t->opened = fd;
    if (fd >= 0)
        return fd;
    t->warm_connect_ns = TIME_NEVER;
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    t->opened = fd;
    if (fd < 0)
        t->open_errno = errno;
    return fd;
}

/* Called for each socket that on_open gave. */
static int on_opened(void *context, curl_socket_t fd, curlsocktype purpose)
{
    const struct transfer *t = context;
    (void)fd;
    (void)purpose;
    return t->warm_connect_ns == TIME_NEVER ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ALREADY_CONNECTED;
}

void transfer_add_anew(struct transfer *t)
{
    t->error[0] = '\0';
    curl_multi_remove_handle(t->shard->multi, t->easy);
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_multi_add_handle(t->shard->multi, t->easy);
}

static void send_alone(struct transfer *t)
{
    t->joins = t->found_none = false;
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    transfer_add_anew(t);
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
        if (stale_sent_again(t, message->data.result))
            continue;
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

void client_act_unasked(struct shard *s)
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

struct watch *client_watch(struct client *c, curl_socket_t fd)
{
    size_t place = (size_t)fd, before = c->watch_capacity;
    mem_grow(&c->watches, &c->watch_capacity, place + 1, sizeof *c->watches);
    for (size_t i = before; i < c->watch_capacity; i++)
        c->watches[i] = NULL;
    if (!c->watches[place]) {
        c->watches[place] = mem_zero(1, sizeof **c->watches);
        c->watches[place]->client = c;
        c->watches[place]->fd = fd;
    }
    return c->watches[place];
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct shard *s = context;
    struct watch *w = client_watch(s->client, fd);
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
        stale_note_close(w, fd);
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

void client_set_up_shard(struct shard *s)
{
    curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
    curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
}

void client_set_up_sockets(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_SOCKOPTFUNCTION, on_opened);
    curl_easy_setopt(t->easy, CURLOPT_SOCKOPTDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETDATA, t->client);
}
