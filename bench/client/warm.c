#include "bench/client/warm.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/stop.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUP 16         /* connections under way at a time */
#define LOOK_EVERY_MS 50 /* for a stop */

/* A group of connections under way. */
struct opening {
    const struct endpoint *endpoint;
    int64_t begun_ns, until_ns;
    struct pollfd fds[GROUP];
    nfds_t count;
};

static bool begin(struct opening *o, const struct addrinfo *to)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol);
    if (fd < 0)
        return false;
    if (connect(fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS) {
        close(fd);
        return false;
    }
    o->fds[o->count++] = (struct pollfd){.fd = fd, .events = POLLOUT};
    return true;
}

static void add_socket(struct warm_sockets *w, const struct opening *o, int fd)
{
    mem_grow(&w->all, &w->capacity, w->count + 1, sizeof *w->all);
    w->all[w->count++] = (struct warm_socket){o->endpoint, fd, clock_now_ns() - o->begun_ns};
}

static bool is_connected(int fd)
{
    int code = 0;
    socklen_t size = sizeof code;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code == 0;
}

/* Waits for the group. False if one of it is not there. */
static bool finish(struct warm_sockets *w, struct opening *o)
{
    nfds_t left = o->count;
    bool good = true;
    while (good && left && stop_level() == 0 && clock_now_ns() < o->until_ns) {
        if (poll(o->fds, o->count, LOOK_EVERY_MS) < 0 && errno != EINTR)
            break;
        for (nfds_t i = 0; i < o->count; i++) {
            struct pollfd *p = &o->fds[i];
            if (p->fd < 0 || !p->revents)
                continue;
            good = is_connected(p->fd) && good;
            if (good)
                add_socket(w, o, p->fd);
            else
                close(p->fd);
            p->fd = -1; /* poll leaves it out */
            left--;
        }
    }
    for (nfds_t i = 0; i < o->count; i++)
        if (o->fds[i].fd >= 0)
            close(o->fds[i].fd);
    return left == 0 && good;
}

static bool open_group(struct warm_sockets *w, struct opening *o, const struct addrinfo *to,
                       uint32_t count)
{
    bool begun = true;
    o->count = 0;
    o->begun_ns = clock_now_ns();
    for (uint32_t i = 0; begun && i < count; i++)
        begun = begin(o, to);
    return finish(w, o) && begun;
}

void warm_open(struct warm_sockets *w, const struct endpoint *e, uint32_t count, int64_t limit_ns)
{
    struct opening o = {.endpoint = e, .until_ns = clock_now_ns() + limit_ns};
    const struct addrinfo *to = e->addresses;
    if (count == 0 || e->config->http2)
        return;
    while (to && !open_group(w, &o, to, 1)) /* the first address that takes one gets them all */
        to = to->ai_next;
    uint32_t open = 1;
    while (to && open < count) {
        uint32_t group = count - open < GROUP ? count - open : GROUP;
        if (!open_group(w, &o, to, group))
            break;
        open += group;
    }
}

static bool leads_to(int fd, const struct sockaddr *address)
{
    struct sockaddr_storage there = {0};
    socklen_t size = sizeof there;
    if (getpeername(fd, (struct sockaddr *)&there, &size) < 0 ||
        there.ss_family != address->sa_family)
        return false;
    if (there.ss_family == AF_INET) {
        const struct sockaddr_in *a = (const void *)&there, *b = (const void *)address;
        return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *a = (const void *)&there, *b = (const void *)address;
    return a->sin6_port == b->sin6_port && memcmp(&a->sin6_addr, &b->sin6_addr, 16) == 0;
}

/* Nothing to read, not even an end. */
static bool is_alive(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

int warm_take(struct warm_sockets *w, const struct endpoint *e, const struct sockaddr *address,
              int64_t *connect_ns)
{
    for (size_t i = w->taken; i < w->count; i++) {
        struct warm_socket s = w->all[i];
        if (s.endpoint != e || !leads_to(s.fd, address))
            continue;
        memmove(&w->all[w->taken + 1], &w->all[w->taken], (i - w->taken) * sizeof s);
        w->taken++;
        if (is_alive(s.fd)) {
            *connect_ns = s.connect_ns;
            return s.fd;
        }
        close(s.fd);
    }
    return -1;
}

void warm_free(struct warm_sockets *w)
{
    for (size_t i = w->taken; i < w->count; i++)
        close(w->all[i].fd);
    free(w->all);
    *w = (struct warm_sockets){0};
}
