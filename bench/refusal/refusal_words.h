/* What an answer that is none says, in one line: its own words, the title of a web page, where a
 * redirect leads to.
 *
 *     struct refusal r = {.http_status = 404, .content_type = "text/html", .body = body};
 *     refusal_add_words(&r, &out);                   // a web page: "404 Not Found"
 *
 * Whatever the body holds may be in it: who shows it hides the secrets and what is no text.
 */
#ifndef FAREBOX_BENCH_REFUSAL_REFUSAL_WORDS_H
#define FAREBOX_BENCH_REFUSAL_REFUSAL_WORDS_H

#include "core/buffer.h"
#include "core/text.h"

#include <stdbool.h>

struct refusal {
    int http_status;
    const char *content_type; /* NULL = not said */
    const char *location;     /* of a redirect, the whole URL; NULL */
    const char *path;         /* of the API, such as "/chat/completions" */
    struct text body;
};

/* - A redirect: "HTTP status 307 to https://host/v1/chat/completions/: give that as --url".
 * - JSON: the message, however it is wrapped, and in brackets the member of the request that it is
 *   about where the message does not name it: "Extra inputs are not permitted (stream_options)".
 * - A web page: its title, else its first words.
 * - Anything else as it is; of an empty body the status. */
void refusal_add_words(const struct refusal *r, struct buffer *out);

/* True for a web page, by its type or its beginning. */
bool refusal_is_page(const char *content_type, struct text body);

/* Appends what is to be given as --url to get to `location`, an address of the API's `path`: the
 * base, or the address itself where more follows the path. False (nothing is added) if it is of
 * another path. */
bool refusal_add_base(const char *location, const char *path, struct buffer *out);

#endif
