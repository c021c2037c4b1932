#include "bench/client/stale.h"

#include "bench/client/client_state.h"
#include "core/clock.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#define TLS_ALERT_BYTES 64 /* of the record that announces an end, whatever the cipher */

static struct stale_mark read_mark(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    return (struct stale_mark){info.tcpi_bytes_received, info.tcpi_data_segs_in};
}

/* Has a part of an answer come since? libcurl tells of whole lines only. Over TLS the end may be
 * announced by an alert, which is no answer. */
static bool has_answered(int fd, bool tls, const struct stale_mark *before)
{
    struct stale_mark now = read_mark(fd);
    if (tls)
        return now.bytes - before->bytes > TLS_ALERT_BYTES;
    return now.segments != before->segments;
}

/* Streams that share a connection fall by themselves too: what became of them is not known. */
static bool shares_connection(const struct transfer *t)
{
    return t->endpoint->config->http2 && !transfer_place(t)->http1;
}

/* See bench/client/stale.h. */
static bool may_go_again(const struct transfer *t)
{
    return t->reused && !t->began && !t->resent && !transfer_status(t);
}

static void count_stale(struct transfer *t)
{
    t->resent = true;
    t->client->config.counts->stale_connections++;
}

bool stale_sent_again(struct transfer *t, CURLcode code)
{
    bool fell = code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING ||
                code == CURLE_ABORTED_BY_CALLBACK;
    if (!fell || !may_go_again(t))
        return false;
    count_stale(t);
    t->sendings = 0;
    transfer_add_anew(t);
    return true;
}

static int port_of(int fd)
{
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&own, &size) < 0)
        return 0;
    if (own.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&own)->sin_port);
    return own.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)&own)->sin6_port) : 0;
}

/* The socket that a request goes out on: a new connection's was opened for it, a kept one's is
 * known by its local port. NULL where it cannot be told. */
static struct watch *find_watch(struct transfer *t, int local_port, bool is_new)
{
    struct client *c = t->client;
    if (local_port <= 0 || local_port >= CLIENT_PORTS)
        return NULL;
    if (is_new)
        c->by_port[local_port] =
            port_of(t->opened) == local_port ? client_watch(c, t->opened) : NULL;
    return c->by_port[local_port];
}

void stale_note_end(struct transfer *t)
{
    if (t->kept && t->kept->awaits == t)
        t->kept->awaits = NULL;
    t->kept = NULL;
}

void stale_note_close(struct watch *w, curl_socket_t fd)
{
    struct transfer *t = w->awaits;
    if (t)
        t->began = has_answered(fd, endpoint_is_https(t->endpoint), &w->mark);
    w->awaits = NULL;
}

static bool has_connected(const struct transfer *t)
{
    long connects = 0;
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    return connects > 0;
}

static void note_first_sending(struct transfer *t, int local_port)
{
    bool is_new = has_connected(t);
    if (shares_connection(t))
        return;
    struct watch *w = find_watch(t, local_port, is_new);
    t->reused = !is_new && !t->resent;
    if (!t->reused)
        return;
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L); /* if libcurl sends again by itself */
    t->kept = w;
    if (!w)
        return;
    w->awaits = t;
    w->mark = read_mark(w->fd);
}

int stale_on_sending(void *context, char *ip, char *local_ip, int port, int local_port)
{
    struct transfer *t = context;
    (void)ip;
    (void)local_ip;
    (void)port;
    t->connected_ns = clock_now_ns();
    if (++t->sendings == 1) {
        note_first_sending(t, local_port);
        return CURL_PREREQFUNC_OK;
    }
    if (may_go_again(t) && has_connected(t)) {
        count_stale(t);
        find_watch(t, local_port, true);
        return CURL_PREREQFUNC_OK;
    }
    if (!may_go_again(t)) /* else it is sent again once libcurl has ended it */
        t->client->config.counts->hidden_resends++;
    return CURL_PREREQFUNC_ABORT;
}
