/* The least that a client of streams can do: one epoll loop, bare sockets, events counted by their
 * empty lines and nothing parsed. The yardstick for every client that does more.
 *
 *     struct raw_load load = {.port = port, .streams = 1000, .tokens = 100, .spread_ns = NS_PER_S};
 *     struct raw_result r;
 *     raw_reader_run(&load, &r);          // r.events, r.cpu_ns, r.wall_ns
 *
 * Every stream is a connection of its own with one request on it. Requests start evenly over
 * spread_ns. The run ends when all streams have ended.
 */
#ifndef FAREBOX_TESTS_RAW_READER_H
#define FAREBOX_TESTS_RAW_READER_H

#include "core/clock.h"
#include "core/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct raw_load {
    uint16_t port;
    uint32_t streams, tokens;
    int64_t spread_ns;
};

struct raw_result {
    uint64_t events, bytes; /* SSE events: tokens + role + finish + [DONE] of every stream */
    uint32_t ended, failed;
    int64_t cpu_ns, wall_ns;
};

struct raw_stream {
    int fd;
    char last; /* last byte read, for an event's end that is cut */
};

static inline int raw_open(const struct raw_load *load)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(load->port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
        return -1;
    char body[256], text[512];
    int length = snprintf(body, sizeof body,
                          "{\"model\":\"m\",\"stream\":true,\"max_tokens\":%u,\"messages\":"
                          "[{\"role\":\"user\",\"content\":\"hello\"}]}",
                          load->tokens);
    int total = snprintf(text, sizeof text,
                         "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         "Content-Length: %d\r\n\r\n%s",
                         length, body);
    if (send(fd, text, (size_t)total, MSG_NOSIGNAL) != total)
        return -1;
    return fd;
}

static inline void raw_count_events(struct raw_stream *s, const char *bytes, size_t n,
                                    struct raw_result *r)
{
    r->bytes += n;
    if (s->last == '\n' && bytes[0] == '\n')
        r->events++;
    const char *end = bytes + n - 1;
    for (const char *p = bytes; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        if (p[1] == '\n')
            r->events++;
    s->last = bytes[n - 1];
}

static inline void raw_read(struct raw_stream *s, struct raw_result *r)
{
    char bytes[65536];
    ssize_t n = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0) {
        raw_count_events(s, bytes, (size_t)n, r);
    } else if (n == 0) {
        close(s->fd);
        r->ended++;
    }
}

static inline void raw_reader_run(const struct raw_load *load, struct raw_result *r)
{
    *r = (struct raw_result){0};
    struct raw_stream *streams = mem_zero(load->streams, sizeof *streams);
    int64_t start_ns = clock_now_ns(), cpu_ns = clock_thread_cpu_ns();
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    uint32_t opened = 0;
    while (r->ended + r->failed < load->streams) {
        int64_t passed_ns = clock_now_ns() - start_ns;
        while (opened < load->streams &&
               passed_ns >= load->spread_ns / load->streams * (int64_t)opened) {
            struct raw_stream *s = &streams[opened++];
            s->fd = raw_open(load);
            struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
            if (s->fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, s->fd, &e) < 0)
                r->failed++;
        }
        struct epoll_event ready[256];
        int n = epoll_wait(poll_fd, ready, 256, opened < load->streams ? 1 : 1000);
        for (int i = 0; i < n; i++)
            raw_read(ready[i].data.ptr, r);
    }
    close(poll_fd);
    free(streams);
    r->cpu_ns = clock_thread_cpu_ns() - cpu_ns;
    r->wall_ns = clock_now_ns() - start_ns;
}

#endif
