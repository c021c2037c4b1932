/* The null endpoint: the fastest server we can be, to measure the harness itself.
 *
 *     struct null_endpoint *n = null_endpoint_create(10 * NS_PER_MS, err);   // between tokens
 *     pthread_create(&thread, NULL, null_endpoint_main, n);       // or in a process of its own
 *     drive(null_endpoint_url(n));
 *     null_endpoint_stop(n); pthread_join(thread, NULL);
 *     null_endpoint_free(n);
 *
 * Loopback only. A body with "stream":true is answered by max_tokens chunks of the size that
 * OpenAI's (or Anthropic's) have, others by a small whole answer, in the form of the API whose path
 * is asked: chat, completions, responses, messages. It parses nothing that it does not need: it is
 * for our own client, not a model of an endpoint (that is sim/mock).
 */
#ifndef FAREBOX_BENCH_CLIENT_NULL_ENDPOINT_H
#define FAREBOX_BENCH_CLIENT_NULL_ENDPOINT_H

#include "core/error.h"

#include <stdint.h>

struct null_endpoint;

/* `gap_ns`: between two tokens of a stream; 0 = all at once. ERR_SYSTEM without a socket. */
struct null_endpoint *null_endpoint_create(int64_t gap_ns, struct error *err);
const char *null_endpoint_url(const struct null_endpoint *n);

/* Serves until null_endpoint_stop; a thread's main function, gives NULL. */
void *null_endpoint_main(void *endpoint);
void null_endpoint_stop(struct null_endpoint *n);
void null_endpoint_free(struct null_endpoint *n);

#endif
