#include "core/listening.h"

#include "core/memory.h"
#include "core/text.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* "HOST:PORT" to an address to bind; NULL with the error. */
static struct addrinfo *resolve(const char *where, const char *example, struct error *err)
{
    const char *colon = strrchr(where, ':'), *start = where;
    size_t length = colon ? (size_t)(colon - where) : 0;
    char host[256];
    if (length >= 2 && where[0] == '[' && where[length - 1] == ']') {
        start++;
        length -= 2;
    }
    uint64_t port;
    if (!colon || length == 0 || length >= sizeof host || !text_to_u64(text_of(colon + 1), &port) ||
        port > UINT16_MAX) {
        error_set(err, ERR_INPUT, "--listen: \"%s\" is not HOST:PORT, such as %s", where, example);
        return NULL;
    }
    memcpy(host, start, length);
    host[length] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int bad = getaddrinfo(host, colon + 1, &hints, &found);
    if (bad == EAI_MEMORY)
        mem_exhausted();
    if (bad)
        error_set(err, ERR_INPUT, "--listen: %s: %s", host, gai_strerror(bad));
    return found;
}

static void note_address(struct listening *l)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char port[16] = "0";
    if (getsockname(l->fd, (struct sockaddr *)&address, &length) == 0)
        getnameinfo((struct sockaddr *)&address, length, l->host, sizeof l->host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    l->port = (uint16_t)atoi(port);
}

static int bind_to(const struct addrinfo *at, const char *where, struct listening *out,
                   struct error *err)
{
    int on = 1;
    out->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out->fd < 0)
        return error_errno(err, "cannot make a socket");
    setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(out->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(out->fd, at->ai_addr, at->ai_addrlen) < 0 || listen(out->fd, 4096) < 0) {
        error_errno(err, "cannot listen on %s", where);
        close(out->fd);
        return ERR_SYSTEM;
    }
    note_address(out);
    return 0;
}

int listening_open(const char *where, const char *example, struct listening *out, struct error *err)
{
    *out = (struct listening){.fd = -1};
    struct addrinfo *at = resolve(where, example, err);
    if (!at)
        return ERR_INPUT;
    int status = bind_to(at, where, out, err);
    freeaddrinfo(at);
    return status;
}
