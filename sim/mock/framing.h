/* Whether a request says in one way only where it ends. What two servers would cut differently is
 * how a second request is smuggled past the first of them (RFC 9112, sections 6.1, 6.3, 11.2).
 *
 *     if (!framing_is_clear(request)) refuse(400);
 */
#ifndef FAREBOX_SIM_MOCK_FRAMING_H
#define FAREBOX_SIM_MOCK_FRAMING_H

#include <event2/http.h>
#include <stdbool.h>

/* False: lengths that differ or are no plain numbers, a length beside chunks, chunks in HTTP/1.0, a
 * transfer coding other than "chunked", a second Host, a header's name that is no token. */
bool framing_is_clear(struct evhttp_request *request);

#endif
