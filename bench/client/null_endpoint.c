#include "bench/client/null_endpoint.h"

#include "core/clock.h"
#include "core/heap.h"
#include "core/memory.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES 65536
#define EVENTS 256
#define BURST 64 /* chunks in one write where there is no gap between them */

#define CHUNK_BYTES 512

/* What an API's streams and answers are made of. */
struct face {
    const char *path, *chunk, *tail, *whole;
};

/* The first stands for every path that is not named. */
static const struct face faces[] = {
    {"/chat/completions",
     "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\","
     "\"created\":1700000000,\"model\":\"null\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
     "\" token\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
     "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
     "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}\n\n"
     "data: [DONE]\n\n",
     "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}"},
    {"/completions",
     "data: "
     "{\"id\":\"cmpl-0123456789abcdef\",\"object\":\"text_completion\",\"created\":1700000000,"
     "\"model\":\"null\",\"choices\":[{\"index\":0,\"text\":\" token\",\"logprobs\":null,"
     "\"finish_reason\":null}]}\n\n",
     "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n"
     "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}\n\n"
     "data: [DONE]\n\n",
     "{\"choices\":[{\"text\":\"x\",\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}"},
    {"/responses",
     "event: response.output_text.delta\n"
     "data: {\"type\":\"response.output_text.delta\",\"sequence_number\":7,\"item_id\":"
     "\"msg_0123456789abcdef\",\"output_index\":0,\"content_index\":0,\"delta\":\" token\","
     "\"logprobs\":[]}\n\n",
     "event: response.completed\n"
     "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[],"
     "\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n",
     "{\"object\":\"response\",\"status\":\"completed\",\"output\":[{\"type\":\"message\","
     "\"content\":[{\"type\":\"output_text\",\"text\":\"x\"}]}],"
     "\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}"},
    {"/messages",
     "event: content_block_delta\n"
     "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
     "\"text\":\" token\"}}\n\n",
     "event: message_delta\n"
     "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},"
     "\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}\n\n"
     "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
     "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"stop_reason\":"
     "\"end_turn\",\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}"},
};
#define FACES (sizeof faces / sizeof *faces)

/* A face's bytes as they are sent. */
struct bytes {
    char chunks[BURST * CHUNK_BYTES], tail[1024], whole[512];
    size_t chunk_length;
};

struct link {
    int fd;
    const struct bytes *bytes; /* of the API that was asked */
    bool streaming;
    uint32_t left; /* tokens to come */
    int64_t due_ns;
    size_t have; /* bytes of the request so far */
    char *request;
};

struct null_endpoint {
    int listener, epoll;
    char url[48];
    int64_t gap_ns;
    atomic_bool stopping;
    struct link **links; /* by socket number */
    size_t link_capacity;
    struct heap due; /* by socket number; of equal times the first one in comes first */
    uint64_t pushed;
    struct bytes bytes[FACES];
};

static void fill_bytes(struct bytes *b, const struct face *f)
{
    b->chunk_length =
        (size_t)snprintf(b->chunks, CHUNK_BYTES, "%zx\r\n%s\r\n", strlen(f->chunk), f->chunk);
    for (size_t i = 1; i < BURST; i++)
        memcpy(b->chunks + i * b->chunk_length, b->chunks, b->chunk_length);
    snprintf(b->tail, sizeof b->tail, "%zx\r\n%s\r\n0\r\n\r\n", strlen(f->tail), f->tail);
    snprintf(b->whole, sizeof b->whole,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(f->whole), f->whole);
}

struct null_endpoint *null_endpoint_create(int64_t gap_ns, struct error *err)
{
    struct null_endpoint *n = mem_zero(1, sizeof *n);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event want = {.events = EPOLLIN, .data.ptr = NULL};
    socklen_t length = sizeof a;
    n->gap_ns = gap_ns;
    for (size_t i = 0; i < FACES; i++)
        fill_bytes(&n->bytes[i], &faces[i]);
    n->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    n->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (n->listener < 0 || n->epoll < 0 || bind(n->listener, (struct sockaddr *)&a, sizeof a) ||
        listen(n->listener, 4096) || getsockname(n->listener, (struct sockaddr *)&a, &length) ||
        epoll_ctl(n->epoll, EPOLL_CTL_ADD, n->listener, &want)) {
        error_errno(err, "the null endpoint cannot listen");
        null_endpoint_free(n);
        return NULL;
    }
    snprintf(n->url, sizeof n->url, "http://127.0.0.1:%d/v1", ntohs(a.sin_port));
    return n;
}

const char *null_endpoint_url(const struct null_endpoint *n)
{
    return n->url;
}

/* ---- connections ---- */

static void accept_all(struct null_endpoint *n)
{
    int fd, on = 1;
    while ((fd = accept4(n->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        size_t before = n->link_capacity;
        mem_grow(&n->links, &n->link_capacity, (size_t)fd + 1, sizeof *n->links);
        for (size_t i = before; i < n->link_capacity; i++)
            n->links[i] = NULL;
        struct link *l = mem_zero(1, sizeof *l);
        l->fd = fd;
        n->links[fd] = l;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event want = {.events = EPOLLIN, .data.ptr = l};
        epoll_ctl(n->epoll, EPOLL_CTL_ADD, fd, &want);
    }
}

static void drop(struct null_endpoint *n, struct link *l)
{
    n->links[l->fd] = NULL;
    close(l->fd);
    free(l->request);
    free(l);
}

/* True if everything was written. A client that does not read is no case for this server. */
static bool put(const struct link *l, const char *bytes, size_t count)
{
    return send(l->fd, bytes, count, MSG_NOSIGNAL) == (ssize_t)count;
}

static bool answer_models(const struct link *l)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                               "Content-Length: 24\r\n\r\n{\"data\":[{\"id\":\"null\"}]}";
    return put(l, text, sizeof text - 1);
}

static bool begin_stream(struct null_endpoint *n, struct link *l)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    const char *tokens = strstr(l->request, "_tokens\":");
    l->left = tokens ? (uint32_t)strtoul(strchr(tokens, ':') + 1, NULL, 10) : 1;
    l->streaming = true;
    l->due_ns = clock_now_ns() + n->gap_ns;
    heap_set(&n->due, (uint32_t)l->fd, l->due_ns, n->pushed++);
    return put(l, head, sizeof head - 1);
}

/* The length of a whole request at the buffer's start; 0 = not all there yet. */
static size_t whole_request(const struct link *l)
{
    const char *body = strstr(l->request, "\r\n\r\n");
    if (!body)
        return 0;
    const char *length = strcasestr(l->request, "content-length:");
    size_t want = length && length < body ? strtoul(length + 15, NULL, 10) : 0;
    size_t total = (size_t)(body + 4 - l->request) + want;
    return l->have >= total ? total : 0;
}

/* By the path of the request line, "POST /v1/messages HTTP/1.1". */
static const struct bytes *asked_bytes(const struct null_endpoint *n, const char *request)
{
    const char *path = strstr(request, "/v1");
    for (size_t i = 1; path && i < FACES; i++)
        if (strncmp(path + 3, faces[i].path, strlen(faces[i].path)) == 0)
            return &n->bytes[i];
    return &n->bytes[0];
}

static bool answer(struct null_endpoint *n, struct link *l)
{
    l->bytes = asked_bytes(n, l->request);
    if (strstr(l->request, "\"stream\":true"))
        return begin_stream(n, l);
    if (memcmp(l->request, "GET", 3) == 0)
        return answer_models(l);
    return put(l, l->bytes->whole, strlen(l->bytes->whole));
}

static bool take_bytes(struct null_endpoint *n, struct link *l)
{
    if (!l->request)
        l->request = mem_alloc(REQUEST_BYTES + 1);
    ssize_t got = recv(l->fd, l->request + l->have, REQUEST_BYTES - l->have, 0);
    if (got <= 0)
        return false;
    l->have += (size_t)got;
    l->request[l->have] = '\0';
    if (l->streaming || whole_request(l) == 0)
        return l->have < REQUEST_BYTES;
    bool good = answer(n, l);
    l->have = 0;
    if (l->streaming) { /* ten thousand streams need no request buffers */
        free(l->request);
        l->request = NULL;
    }
    return good;
}

static bool send_token(struct null_endpoint *n, struct link *l)
{
    if (l->left == 0) {
        l->streaming = false;
        return put(l, l->bytes->tail, strlen(l->bytes->tail));
    }
    uint32_t count = 1;
    if (n->gap_ns == 0)
        count = l->left < BURST ? l->left : BURST;
    l->left -= count;
    l->due_ns += n->gap_ns;
    heap_set(&n->due, (uint32_t)l->fd, l->due_ns, n->pushed++);
    return put(l, l->bytes->chunks, count * l->bytes->chunk_length);
}

static void send_due(struct null_endpoint *n)
{
    int64_t now_ns = clock_now_ns();
    for (int i = 0; i < 4096 && heap_next(&n->due) <= now_ns; i++) {
        struct heap_entry e = heap_pop(&n->due);
        struct link *l = n->links[e.number];
        if (l && l->streaming && l->due_ns == e.at && !send_token(n, l))
            drop(n, l);
    }
}

void *null_endpoint_main(void *endpoint)
{
    struct null_endpoint *n = endpoint;
    struct epoll_event events[EVENTS];
    while (!atomic_load_explicit(&n->stopping, memory_order_relaxed)) {
        int64_t wait_ns = heap_next(&n->due);
        if (wait_ns != TIME_NEVER)
            wait_ns -= clock_now_ns();
        if (wait_ns > 50 * NS_PER_MS)
            wait_ns = 50 * NS_PER_MS;
        struct timespec wait = {0, wait_ns > 0 ? wait_ns : 0};
        int count = epoll_pwait2(n->epoll, events, EVENTS, &wait, NULL);
        for (int i = 0; i < count; i++) {
            struct link *l = events[i].data.ptr;
            if (!l)
                accept_all(n);
            else if (!take_bytes(n, l))
                drop(n, l);
        }
        send_due(n);
    }
    return NULL;
}

void null_endpoint_stop(struct null_endpoint *n)
{
    atomic_store(&n->stopping, true);
}

void null_endpoint_free(struct null_endpoint *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->link_capacity; i++)
        if (n->links[i])
            drop(n, n->links[i]);
    free(n->links);
    heap_free(&n->due);
    if (n->listener >= 0)
        close(n->listener);
    if (n->epoll >= 0)
        close(n->epoll);
    free(n);
}
