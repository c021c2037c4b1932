/* How long a server asks to be left alone, from the headers of its refusal.
 *
 *     struct answer_header headers[] = {{text_of("retry-after"), text_of("1.5")}};
 *     if (retry_after_find(headers, 1, 429, clock_wall_ns(), &wait_ns)) ...      // 1.5 s
 *
 * The first of these that says something, as the sellers' own clients read them:
 * 1. `retry-after-ms`, in milliseconds (OpenAI, Azure);
 * 2. `retry-after`: seconds with or without a fraction, a length such as "1m30s", or an instant in
 *    any of HTTP's three forms or RFC 3339's, measured from the answer's own `date` where it has
 * one;
 * 3. of a 429, the `...ratelimit...reset...` headers: lengths ("1m30.5s"; a bare number is
 * seconds), instants (Anthropic's), or seconds or milliseconds since 1970. Those count whose
 * `remaining` header says 0; else those without one; else all that end within RETRY_AFTER_MOST_NS.
 * The longest wins.
 *
 * What is none of it (negative numbers, words) is passed over; an instant that is past is no wait.
 */
#ifndef FAREBOX_BENCH_REFUSAL_RETRY_AFTER_H
#define FAREBOX_BENCH_REFUSAL_RETRY_AFTER_H

#include "core/clock.h"
#include "core/text.h"

#include <stdbool.h>

/* A server that asks for a longer wait is not tried again: its request has failed. */
#define RETRY_AFTER_MOST_NS (600 * NS_PER_S)

struct answer_header {
    struct text name, value;
};

/* True if the server says how long, and *wait_ns from now is 0 or more, at most TIME_NEVER.
 * `wall_ns` is now, since 1970. */
bool retry_after_find(const struct answer_header *headers, size_t count, int http_status,
                      int64_t wall_ns, int64_t *wait_ns);

#endif
