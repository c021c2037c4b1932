/* A socket that listens, for the servers of this program.
 *
 *     struct listening at;
 *     if (listening_open("127.0.0.1:0", "127.0.0.1:8000", &at, err) < 0) return err->code;
 *     serve(at.fd, at.host, at.port);               // and close(at.fd)
 *
 * What is accepted inherits TCP_NODELAY: without it small chunks would wait for acknowledgements.
 */
#ifndef FAREBOX_CORE_LISTENING_H
#define FAREBOX_CORE_LISTENING_H

#include "core/error.h"

#include <stdint.h>

struct listening {
    int fd; /* non-blocking; the caller closes it */
    char host[64];
    uint16_t port; /* numeric both, as bound */
};

/* Listens at "HOST:PORT"; the host may be in brackets, port 0 is any free one. ERR_INPUT for what
 * is no such place (`example` is one, for the message), ERR_SYSTEM where it cannot be had. */
int listening_open(const char *where, const char *example, struct listening *out,
                   struct error *err);

#endif
