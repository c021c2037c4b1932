/* Warm sockets: connections opened before the clock starts, for the first requests of a closed
 * loop, which would else open all of theirs at one instant and measure that.
 *
 *     struct warm_sockets warm = {0};
 *     warm_open(&warm, &endpoint, 50, 2 * NS_PER_S);        // blocks until they are there
 *     int fd = warm_take(&warm, &endpoint, address, &connect_ns);  // connected; the taker's own
 *     warm_free(&warm);                                     // closes what nobody took
 *
 * TCP only: over TLS the handshake is still to be made, by whoever takes the socket.
 */
#ifndef FAREBOX_BENCH_CLIENT_WARM_H
#define FAREBOX_BENCH_CLIENT_WARM_H

#include "bench/client/endpoint.h"

#include <stdint.h>
#include <sys/socket.h>

struct warm_socket {
    const struct endpoint *endpoint;
    int fd;
    int64_t connect_ns; /* how long it took to open */
};

struct warm_sockets {
    struct warm_socket *all;
    size_t count, capacity, taken; /* the first `taken` are gone */
};

/* Opens `count` connections to the endpoint, a few at a time so that a short queue of the server's
 * does not overflow, and gives up at the first that fails, after limit_ns, or when a stop is asked
 * for: what is missing then is opened when it is needed, and says there what is wrong. None for a
 * Unix socket, or for HTTP/2, which shares connections. */
void warm_open(struct warm_sockets *w, const struct endpoint *e, uint32_t count, int64_t limit_ns);

/* The socket that was opened first of those to this endpoint and address and that its server has
 * not closed since; -1 if there is none. */
int warm_take(struct warm_sockets *w, const struct endpoint *e, const struct sockaddr *address,
              int64_t *connect_ns);

void warm_free(struct warm_sockets *w);

#endif
