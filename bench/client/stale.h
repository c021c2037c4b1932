/* Stale connections: kept ones that the server has closed, or closes as the next request goes out.
 * libcurl looks before it uses one again; what is closed after that look takes the request with it.
 *
 * Such a request is sent again, at once and over a new connection, if the connection had carried
 * an exchange before and no byte of an answer has come: then the server said "keep-alive" and
 * closed, which is no failure of the endpoint's. It is sent again once; its clock runs on.
 */
#ifndef FAREBOX_BENCH_CLIENT_STALE_H
#define FAREBOX_BENCH_CLIENT_STALE_H

#include "bench/client/client.h"

#include <stdbool.h>
#include <stdint.h>

struct watch;

/* What had come on a connection; of a socket that is not TCP all is 0. */
struct stale_mark {
    uint64_t bytes;
    uint32_t segments; /* with data: an end alone is none */
};

/* CURLOPT_PREREQFUNCTION: called before each sending. A second one is libcurl's own, on a
 * connection that was reset: where it would hide a failure, and charge twice, it is stopped. */
int stale_on_sending(void *transfer, char *ip, char *local_ip, int port, int local_port);

/* A transfer has ended; a socket is about to be closed. */
void stale_note_end(struct transfer *t);
void stale_note_close(struct watch *w, curl_socket_t fd);

/* True if the transfer, which libcurl has ended, fell to a stale connection and was sent again. */
bool stale_sent_again(struct transfer *t, CURLcode code);

#endif
