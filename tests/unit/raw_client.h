/* A client on a bare socket, for tests of the mock: it sends any bytes and reads any bytes, with a
 * deadline, and takes HTTP answers apart only as far as a test needs.
 *
 *     struct raw_client c;
 *     raw_connect(&c, port);
 *     raw_post(&c, "/v1/chat/completions", "", "{...}");
 *     raw_read_answer(&c);              // c.status, c.head, c.body (chunks joined)
 *     raw_close(&c);
 */
#ifndef FAREBOX_TESTS_RAW_CLIENT_H
#define FAREBOX_TESTS_RAW_CLIENT_H

#include "core/buffer.h"
#include "core/clock.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define RAW_DEADLINE_NS (5 * NS_PER_S)

struct raw_client {
    int fd, status;
    bool ended; /* the server closed */
    bool reset; /* ... by a reset */
    bool cut;   /* the body ended before its framing said so */
    struct buffer in, head, body;
};

static inline void raw_connect(struct raw_client *c, uint16_t port)
{
    *c = (struct raw_client){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    buffer_init(&c->in, 64 << 20);
    buffer_init(&c->head, 1 << 16);
    buffer_init(&c->body, 64 << 20);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&at, sizeof at), 0);
}

static inline void raw_close(struct raw_client *c)
{
    close(c->fd);
    buffer_free(&c->in);
    buffer_free(&c->head);
    buffer_free(&c->body);
}

static inline void raw_send(struct raw_client *c, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(c->fd, bytes, length, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        length -= (size_t)n;
    }
}

static inline void raw_send_text(struct raw_client *c, const char *text)
{
    raw_send(c, text, strlen(text));
}

/* `headers` are whole lines with CRLF. */
static inline void raw_post(struct raw_client *c, const char *path, const char *headers,
                            const char *body)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_format(&b, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", path,
                      strlen(body), headers);
    buffer_add_text(&b, body);
    raw_send(c, b.data, b.length);
    buffer_free(&b);
}

static inline void raw_get(struct raw_client *c, const char *path)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_format(&b, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    raw_send(c, b.data, b.length);
    buffer_free(&b);
}

/* Reads what is there, waiting until the deadline; false at the end of the connection. */
static inline bool raw_fill(struct raw_client *c, int64_t deadline_ns)
{
    if (c->ended)
        return false;
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    int64_t left = (deadline_ns - clock_now_ns()) / NS_PER_MS;
    ck_assert_msg(left > 0 && poll(&p, 1, (int)left) > 0, "no answer in time; so far: %.300s",
                  c->in.length ? c->in.data : "");
    char bytes[16384];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
    if (n <= 0) {
        c->ended = true;
        c->reset = n < 0 && errno == ECONNRESET;
        return false;
    }
    ck_assert_int_eq(buffer_add(&c->in, bytes, (size_t)n), 0);
    return true;
}

static inline bool raw_need(struct raw_client *c, size_t length, int64_t deadline_ns)
{
    while (c->in.length < length)
        if (!raw_fill(c, deadline_ns))
            return false;
    return true;
}

/* Length of the line at `from` with its CRLF; 0 = the connection ended before. */
static inline size_t raw_line(struct raw_client *c, int64_t deadline_ns)
{
    for (;;) {
        char *end = c->in.length ? memmem(c->in.data, c->in.length, "\r\n", 2) : NULL;
        if (end)
            return (size_t)(end - c->in.data) + 2;
        if (!raw_fill(c, deadline_ns))
            return 0;
    }
}

static inline bool raw_take(struct raw_client *c, struct buffer *to, size_t length,
                            int64_t deadline_ns)
{
    bool all = raw_need(c, length, deadline_ns);
    size_t n = all ? length : c->in.length;
    ck_assert_int_eq(buffer_add(to, c->in.data ? c->in.data : "", n), 0);
    buffer_drop_front(&c->in, n);
    return all;
}

static inline void raw_read_chunks(struct raw_client *c, int64_t deadline_ns)
{
    for (;;) {
        size_t line = raw_line(c, deadline_ns);
        c->cut = line == 0;
        if (c->cut)
            return;
        size_t size = strtoul(c->in.data, NULL, 16);
        buffer_drop_front(&c->in, line);
        c->cut = !raw_take(c, &c->body, size, deadline_ns) || raw_line(c, deadline_ns) != 2;
        if (c->cut)
            return;
        buffer_drop_front(&c->in, 2);
        if (size == 0)
            return;
    }
}

/* A header's value with everything behind it, or NULL. */
static inline const char *raw_header(const struct raw_client *c, const char *name)
{
    const char *at = c->head.length ? strcasestr(c->head.data, name) : NULL;
    return at ? at + strlen(name) + 2 : NULL;
}

/* The head of the next answer; false if the connection ends before. */
static inline bool raw_read_head(struct raw_client *c)
{
    int64_t deadline_ns = clock_now_ns() + RAW_DEADLINE_NS;
    buffer_clear(&c->head);
    buffer_clear(&c->body);
    c->status = 0;
    size_t line;
    do {
        line = raw_line(c, deadline_ns);
        if (line == 0)
            return false;
        buffer_add(&c->head, c->in.data, line);
        buffer_drop_front(&c->in, line);
    } while (line > 2);
    c->status = atoi(c->head.data + 9);
    return true;
}

/* The next answer, head and body; false if the connection ends before its head. */
static inline bool raw_read_answer(struct raw_client *c)
{
    if (!raw_read_head(c))
        return false;
    int64_t deadline_ns = clock_now_ns() + RAW_DEADLINE_NS;
    const char *length = raw_header(c, "\r\nContent-Length");
    if (raw_header(c, "\r\nTransfer-Encoding"))
        raw_read_chunks(c, deadline_ns);
    else if (length)
        c->cut = !raw_take(c, &c->body, strtoul(length, NULL, 10), deadline_ns);
    else
        while (raw_fill(c, deadline_ns) || c->in.length)
            raw_take(c, &c->body, c->in.length, deadline_ns);
    return true;
}

/* How often a text stands in the body. */
static inline unsigned raw_count(const struct raw_client *c, const char *text)
{
    unsigned count = 0;
    for (const char *p = c->body.length ? strstr(c->body.data, text) : NULL; p;
         p = strstr(p + 1, text))
        count++;
    return count;
}

static inline bool raw_has(const struct raw_client *c, const char *text)
{
    return raw_count(c, text) > 0;
}

#endif
