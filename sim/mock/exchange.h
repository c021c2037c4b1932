/* An exchange: from a request's last byte to its answer's last byte.
 *
 *     struct exchange *x = exchange_begin(server, connection, request, now_ns);
 *     exchange_submit(x, &mock_chat);           // its body is an ask: to the engine, or refused
 *     exchange_reply(x, 200, "text/plain", &body);              // or a whole body at once
 *
 * From there on it goes by itself: pace has what fell due written (exchange_write_due), until all
 * is out or the connection is gone (exchange_abandon).
 *
 * Exchanges own themselves and what they hold; the request is evhttp's.
 */
#ifndef FAREBOX_SIM_MOCK_EXCHANGE_H
#define FAREBOX_SIM_MOCK_EXCHANGE_H

#include "sim/mock/api/mock_api.h"
#include "sim/mock/connection.h"
#include "sim/mock/server.h"

struct exchange *exchange_begin(struct server *s, struct connection *c,
                                struct evhttp_request *request, int64_t now_ns);

/* The request's body, which the request owns. */
struct evbuffer *exchange_input(struct exchange *x);

/* Answers with a whole body at once; errors in the form of the API that was asked, if one was. */
void exchange_reply(struct exchange *x, int status, const char *type, const struct buffer *body);
void exchange_reply_error(struct exchange *x, const struct api_error *e);

/* The value of a header of its request; NULL. */
const char *exchange_header(const struct exchange *x, const char *name);

/* Hands the request to the engine, or answers why not: its key, a fault, its body, a limit. */
void exchange_submit(struct exchange *x, const struct mock_api *api);

/* pace's write_due and the engine's sink. */
void exchange_write_due(struct paced *what, int64_t now_ns);
void exchange_on_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns);
void exchange_on_done(void *context, uint64_t tag, uint32_t cached_tokens, int64_t at_ns);

/* The connection's handler: is the client not reading, and what if it is gone. */
bool exchange_is_stuck(const struct exchange *x, int64_t now_ns);
void exchange_abandon(struct exchange *x);

#endif
