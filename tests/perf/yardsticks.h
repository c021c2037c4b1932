/* What the client's cost is measured against: libcurl that throws away what it reads, and bare
 * sockets. The server is the null endpoint in a process of its own.
 *
 *     struct server s = start_server(10 * NS_PER_MS);            // between two tokens
 *     double spent_s = bare_run(&s, 32, 30000, body);            // of this process's CPU
 *     double chunks_per_s = raw_chunks(&s, 500, 300);
 *     stop_server(&s);
 */
#ifndef FAREBOX_TESTS_YARDSTICKS_H
#define FAREBOX_TESTS_YARDSTICKS_H

#include "bench/client/null_endpoint.h"
#include "core/clock.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static inline double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct server {
    pid_t pid;
    char url[64];
    int port;
};

static inline struct server start_server(int64_t gap_ns)
{
    struct server s;
    struct error err = {0};
    struct null_endpoint *n = null_endpoint_create(gap_ns, &err);
    if (!n) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    snprintf(s.url, sizeof s.url, "%s", null_endpoint_url(n));
    s.port = atoi(strrchr(s.url, ':') + 1);
    s.pid = fork();
    if (s.pid == 0) {
        null_endpoint_main(n);
        _exit(0);
    }
    null_endpoint_free(n);
    return s;
}

static inline void stop_server(const struct server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

/* ---- libcurl in a bare multi_socket loop ---- */

struct bare {
    CURLM *multi;
    int epoll;
    long timeout_ms;
};

static inline size_t ignore(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static inline int bare_socket(CURL *e, curl_socket_t fd, int what, void *context, void *known)
{
    struct bare *b = context;
    struct epoll_event want = {.data.fd = fd};
    (void)e;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(b->epoll, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(b->multi, fd, NULL);
        return 0;
    }
    want.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    epoll_ctl(b->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &want);
    curl_multi_assign(b->multi, fd, b);
    return 0;
}

static inline int bare_timer(CURLM *m, long ms, void *context)
{
    (void)m;
    ((struct bare *)context)->timeout_ms = ms;
    return 0;
}

/* What is asked: so many tokens, and further members. */
#define BODY                                                                                       \
    "{\"model\":\"null\",\"messages\":[{\"role\":\"user\",\"content\":\" one two three four five " \
    "six seven eight nine ten\"}],\"max_tokens\":%d%s}"

static inline CURL *bare_open(const char *url, const char *body, struct curl_slist *headers)
{
    CURL *e = curl_easy_init();
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    return e;
}

static inline void bare_init(struct bare *b)
{
    *b = (struct bare){curl_multi_init(), epoll_create1(0), -1};
    curl_multi_setopt(b->multi, CURLMOPT_SOCKETFUNCTION, bare_socket);
    curl_multi_setopt(b->multi, CURLMOPT_SOCKETDATA, b);
    curl_multi_setopt(b->multi, CURLMOPT_TIMERFUNCTION, bare_timer);
    curl_multi_setopt(b->multi, CURLMOPT_TIMERDATA, b);
    curl_multi_setopt(b->multi, CURLMOPT_MAXCONNECTS, 1024L);
}

static inline void bare_step(struct bare *b)
{
    struct epoll_event events[64];
    int running, count = epoll_wait(b->epoll, events, 64, (int)b->timeout_ms);
    if (count == 0 || b->timeout_ms == 0) {
        b->timeout_ms = -1; /* libcurl asks anew where it wants another */
        curl_multi_socket_action(b->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (int i = 0; i < count; i++)
        curl_multi_socket_action(b->multi, events[i].data.fd,
                                 (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                     (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0),
                                 &running);
}

/* CPU seconds of so many requests over `slots` connections, whatever comes thrown away. */
static inline double bare_run(const struct server *s, int slots, int requests, const char *body)
{
    struct bare b;
    char url[128];
    int done = 0, begun = 0, left;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURLMsg *m;
    bare_init(&b);
    snprintf(url, sizeof url, "%s/chat/completions", s->url);
    double start = cpu_s();
    for (; begun < slots; begun++)
        curl_multi_add_handle(b.multi, bare_open(url, body, headers));
    while (done < requests) {
        bare_step(&b);
        while ((m = curl_multi_info_read(b.multi, &left))) {
            CURL *e = m->easy_handle;
            curl_multi_remove_handle(b.multi, e);
            done++;
            if (begun++ < requests)
                curl_multi_add_handle(b.multi, e);
            else
                curl_easy_cleanup(e);
        }
    }
    double spent = cpu_s() - start;
    curl_multi_cleanup(b.multi);
    curl_slist_free_all(headers);
    close(b.epoll);
    return spent;
}

/* ---- bare sockets ---- */

static inline int bare_connect(const struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)s->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        return -1;
    return fd;
}

/* Counts the events ("\n\n") of all streams and notes when each read came. */
static inline double raw_chunks(const struct server *s, int streams, int tokens)
{
    char request[1024], body[512], bytes[16384];
    int epoll = epoll_create1(0), open = 0;
    uint64_t chunks = 0;
    int64_t last_ns = 0;
    snprintf(body, sizeof body, BODY, tokens, ",\"stream\":true");
    int length = snprintf(request, sizeof request,
                          "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    double start = cpu_s();
    for (int i = 0; i < streams; i++) {
        int fd = bare_connect(s);
        struct epoll_event want = {.events = EPOLLIN, .data.fd = fd};
        if (fd < 0 || write(fd, request, (size_t)length) != length)
            exit(1);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &want);
        open++;
    }
    while (open) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            ssize_t n = read(events[i].data.fd, bytes, sizeof bytes);
            last_ns += clock_now_ns();
            for (char *at = bytes; (at = memmem(at, (size_t)(bytes + n - at), "\n\n", 2)); at += 2)
                chunks++;
            if (n <= 0 || memmem(bytes, (size_t)n, "[DONE]", 6)) {
                close(events[i].data.fd);
                open--;
            }
        }
    }
    double spent = cpu_s() - start;
    close(epoll);
    return last_ns ? (double)chunks / spent : 0;
}

#endif
