/* A small HTTP server of raw sockets for the client's tests: one behaviour per server, a thread
 * per connection, loopback only. Shares no code with the product.
 *
 *     struct fault_server s;
 *     fault_server_start(&s, FAULT_NO_DONE);
 *     ... talk to s.url ...
 *     fault_server_stop(&s);
 */
#ifndef FAREBOX_TESTS_FAULT_SERVER_H
#define FAREBOX_TESTS_FAULT_SERVER_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum fault {
    FAULT_NONE,         /* a stream of max_tokens chunks, usage, [DONE] */
    FAULT_WHOLE_JSON,   /* one JSON body */
    FAULT_STATUS,       /* server.status with an error object */
    FAULT_STATUS_ONCE,  /* the same for the first request, then streams */
    FAULT_RESET_FIRST,  /* closes with RST before any answer */
    FAULT_RESET_INSIDE, /* RST after two chunks */
    FAULT_CUT_INSIDE,   /* closes in the middle of the chunked body */
    FAULT_NO_DONE,
    FAULT_NO_FINISH,
    FAULT_BAD_JSON,
    FAULT_ERROR_EVENT,
    FAULT_HUGE_EVENT,
    FAULT_EMPTY_STREAM, /* role and usage, no token */
    FAULT_HTML,         /* 200 with a page */
    FAULT_NOT_HTTP,
    FAULT_SILENT,       /* reads and never answers */
    FAULT_STALL_INSIDE, /* silent after one token */
    FAULT_BYTE_BY_BYTE,
    FAULT_CRLF,
    FAULT_REASONING,
    FAULT_CLOSE_REUSED, /* closes a connection, unanswered, when a second request comes on it */
    FAULT_BEGIN_REUSED, /* the same, after the first bytes of a status line */
    FAULT_SLOW,         /* answers after server.delay_ms */
    FAULT_ALL_AT_ONCE,  /* 100 ms of silence, then all chunks in one write */
    FAULT_LEFT_OPEN,    /* a whole stream, and then nothing: neither the body's end nor a close */
    FAULT_KEPT_ALIVE,   /* a whole stream, and then a comment every 20 ms until the client leaves */
};

struct fault_server {
    enum fault fault;
    int status, delay_ms;
    int listener, port;
    char url[64];
    char retry_after[128]; /* a whole header line, or "" */
    bool always;           /* requests that want no stream meet the fault, too */
    atomic_int requests, connections;
    atomic_bool stopping;
    pthread_t thread;
    pthread_t workers[512];
    int sockets[512];
    int worker_count;
};

struct fault_connection {
    struct fault_server *server;
    int fd;
};

static inline bool fault_put(int fd, const char *bytes, size_t count)
{
    while (count) {
        ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

/* One HTTP chunk that holds `text`. */
static inline bool fault_chunk(int fd, const char *text)
{
    char head[32];
    size_t n = strlen(text);
    snprintf(head, sizeof head, "%zx\r\n", n);
    return fault_put(fd, head, strlen(head)) && fault_put(fd, text, n) && fault_put(fd, "\r\n", 2);
}

static inline void fault_reset(int fd)
{
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Reads one request; gives its max_tokens and whether it asks for a stream. False at the end. */
static inline bool fault_read_request(int fd, int *tokens, bool *stream, size_t *prompt_words)
{
    static _Thread_local char b[1 << 20];
    size_t have = 0;
    for (;;) {
        ssize_t n = recv(fd, b + have, sizeof b - 1 - have, 0);
        if (n <= 0)
            return false;
        have += (size_t)n;
        b[have] = '\0';
        char *body = strstr(b, "\r\n\r\n");
        if (!body)
            continue;
        char *length = strcasestr(b, "content-length:");
        size_t want = length && length < body ? (size_t)atol(length + 15) : 0;
        body += 4;
        if (have - (size_t)(body - b) < want)
            continue;
        char *max = strstr(body, "\"max_tokens\":");
        *tokens = max ? atoi(max + 13) : 1;
        *stream = strstr(body, "\"stream\":true") != NULL;
        *prompt_words = 0;
        char *content = strstr(body, "\"content\":\"");
        for (char *p = content ? content + 11 : body + want; *p && *p != '"'; p++)
            *prompt_words += *p == ' ';
        return true;
    }
}

static inline void fault_sleep_ms(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

static inline void fault_wait_for_close(int fd)
{
    char c[256];
    while (recv(fd, c, sizeof c, 0) > 0)
        ;
}

#define FAULT_STREAM_HEAD \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

static inline bool fault_json(int fd, int status, const char *json, const char *retry_after)
{
    char head[256];
    snprintf(head, sizeof head,
             "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n",
             status, strlen(json), retry_after);
    return fault_put(fd, head, strlen(head)) && fault_put(fd, json, strlen(json));
}

/* All events of a good answer, or of one that lacks something, as one text. */
static inline char *fault_events(const struct fault_server *s, int tokens, size_t words)
{
    const char *end = s->fault == FAULT_CRLF ? "\r\n\r\n" : "\n\n";
    const char *key = s->fault == FAULT_REASONING ? "reasoning_content" : "content";
    size_t room = (size_t)tokens * 128 + 2048, at = 0;
    char *out = malloc(room);
    at += (size_t)snprintf(out + at, room - at,
                           ": ping%sdata: {\"choices\":[{\"delta\":{\"role\":\"assistant\","
                           "\"content\":\"\"}}]}%s",
                           end, end);
    for (int i = 0; i < tokens && s->fault != FAULT_EMPTY_STREAM; i++)
        at += (size_t)snprintf(out + at, room - at,
                               "data: {\"choices\":[{\"index\":0,\"delta\":{\"%s\":\" t\"}}]}%s",
                               key, end);
    if (s->fault != FAULT_NO_FINISH)
        at += (size_t)snprintf(
            out + at, room - at,
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}%s", end);
    at += (size_t)snprintf(out + at, room - at,
                           "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%zu,"
                           "\"completion_tokens\":%d}}%s",
                           words + 5, tokens, end);
    if (s->fault != FAULT_NO_DONE)
        snprintf(out + at, room - at, "data: [DONE]%s", end);
    return out;
}

static inline bool fault_stream(struct fault_server *s, int fd, int tokens, size_t words)
{
    char *events = fault_events(s, tokens, words);
    bool good = fault_put(fd, FAULT_STREAM_HEAD, strlen(FAULT_STREAM_HEAD));
    if (s->fault == FAULT_ALL_AT_ONCE)
        fault_sleep_ms(100);
    if (s->fault == FAULT_BYTE_BY_BYTE) {
        char one[2] = {0};
        for (char *p = events; good && *p; p++) {
            one[0] = *p;
            good = fault_chunk(fd, one);
        }
    } else {
        good = good && fault_chunk(fd, events);
    }
    free(events);
    while (s->fault == FAULT_KEPT_ALIVE && good) {
        good = fault_chunk(fd, ": alive\n\n");
        fault_sleep_ms(20);
    }
    if (s->fault == FAULT_LEFT_OPEN) {
        fault_wait_for_close(fd);
        return false;
    }
    return good && fault_put(fd, "0\r\n\r\n", 5);
}

#define FAULT_TOKEN "data: {\"choices\":[{\"delta\":{\"content\":\" t\"}}]}\n\n"

/* Answers one request; false: the connection is over. */
static inline bool fault_answer(struct fault_server *s, int fd, int number, int tokens, bool stream,
                                size_t words)
{
    char json[256];
    int total = atomic_load(&s->requests);
    snprintf(json, sizeof json,
             "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],"
             "\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%d}}",
             words + 5, tokens);
    /* A probe, or another request that wants no stream. */
    if (!stream && (!s->always || (s->fault == FAULT_STATUS_ONCE && total > 1)))
        return fault_json(fd, 200, json, "");
    switch (s->fault) {
    case FAULT_WHOLE_JSON:
        return fault_json(fd, 200, json, "");
    case FAULT_STATUS_ONCE:
        if (total > 1)
            return fault_stream(s, fd, tokens, words);
        return fault_json(fd, s->status, "{\"error\":{\"message\":\"as asked\"}}", s->retry_after);
    case FAULT_STATUS:
        return fault_json(fd, s->status, "{\"error\":{\"message\":\"as asked\"}}", s->retry_after);
    case FAULT_RESET_FIRST:
        fault_reset(fd);
        return false;
    case FAULT_RESET_INSIDE:
    case FAULT_CUT_INSIDE:
        fault_put(fd, FAULT_STREAM_HEAD, strlen(FAULT_STREAM_HEAD));
        fault_chunk(fd, FAULT_TOKEN FAULT_TOKEN);
        if (s->fault == FAULT_RESET_INSIDE) {
            fault_sleep_ms(20); /* let what was written be read: RST drops it */
            fault_reset(fd);
        }
        return false;
    case FAULT_BAD_JSON:
        fault_put(fd, FAULT_STREAM_HEAD, strlen(FAULT_STREAM_HEAD));
        return fault_chunk(fd, FAULT_TOKEN "data: {\"choices\":[{\n\n") &&
               fault_put(fd, "0\r\n\r\n", 5);
    case FAULT_ERROR_EVENT:
        fault_put(fd, FAULT_STREAM_HEAD, strlen(FAULT_STREAM_HEAD));
        return fault_chunk(fd, FAULT_TOKEN "data: {\"error\":{\"message\":\"overloaded\"}}\n\n") &&
               fault_put(fd, "0\r\n\r\n", 5);
    case FAULT_HUGE_EVENT: {
        char *huge = malloc(1 << 20);
        memset(huge, 'x', 1 << 20);
        huge[(1 << 20) - 1] = '\0';
        fault_put(fd, FAULT_STREAM_HEAD, strlen(FAULT_STREAM_HEAD));
        bool good = fault_chunk(fd, "data: ");
        for (int i = 0; good && i < 8; i++)
            good = fault_chunk(fd, huge);
        free(huge);
        return false;
    }
    case FAULT_HTML: {
        const char *page =
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n"
            "<html></html>";
        return fault_put(fd, page, strlen(page));
    }
    case FAULT_NOT_HTTP:
        fault_put(fd, "SSH-2.0-x\r\n", 11);
        return false;
    case FAULT_SILENT:
        fault_wait_for_close(fd);
        return false;
    case FAULT_STALL_INSIDE:
        fault_put(fd, FAULT_STREAM_HEAD, strlen(FAULT_STREAM_HEAD));
        fault_chunk(fd, FAULT_TOKEN);
        fault_wait_for_close(fd);
        return false;
    case FAULT_CLOSE_REUSED:
        return number == 1 && fault_stream(s, fd, tokens, words);
    case FAULT_BEGIN_REUSED:
        if (number == 1)
            return fault_stream(s, fd, tokens, words);
        fault_put(fd, "HTTP/1.1 2", 10);
        return false;
    case FAULT_SLOW:
        fault_sleep_ms(s->delay_ms);
        return fault_stream(s, fd, tokens, words);
    default:
        return fault_stream(s, fd, tokens, words);
    }
}

static inline void *fault_serve(void *context)
{
    struct fault_connection *c = context;
    int tokens, number = 0;
    bool stream;
    size_t words;
    while (fault_read_request(c->fd, &tokens, &stream, &words)) {
        if (stream || c->server->always)
            atomic_fetch_add(&c->server->requests, 1);
        if (!fault_answer(c->server, c->fd, ++number, tokens, stream, words))
            break;
    }
    close(c->fd);
    free(c);
    return NULL;
}

static inline void *fault_accept(void *context)
{
    struct fault_server *s = context;
    for (;;) {
        int fd = accept(s->listener, NULL, NULL), on = 1;
        if (fd < 0)
            return NULL;
        if (atomic_load(&s->stopping) || s->worker_count == 512) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct fault_connection *c = malloc(sizeof *c);
        *c = (struct fault_connection){s, fd};
        atomic_fetch_add(&s->connections, 1);
        pthread_create(&s->workers[s->worker_count++], NULL, fault_serve, c);
    }
}

static inline void fault_server_start(struct fault_server *s, enum fault fault)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof a;
    memset(s, 0, sizeof *s);
    s->fault = fault;
    s->status = 500;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(s->listener, (struct sockaddr *)&a, sizeof a);
    listen(s->listener, 512);
    getsockname(s->listener, (struct sockaddr *)&a, &length);
    s->port = ntohs(a.sin_port);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/v1", s->port);
    pthread_create(&s->thread, NULL, fault_accept, s);
}

/* All clients must have closed their connections. */
static inline void fault_server_stop(struct fault_server *s)
{
    atomic_store(&s->stopping, true);
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    for (int i = 0; i < s->worker_count; i++)
        pthread_join(s->workers[i], NULL);
    close(s->listener);
}

#endif
