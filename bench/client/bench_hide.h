/* How bench writes options that may hold secrets: names stay, values become "(hidden)".
 *
 *     hide_in_header("x-api-key: abc", &out);               // x-api-key: (hidden)
 *     hide_in_header("x-api-key: @key.txt", &out);          // as it is: the file holds the secret
 *     hide_in_url("https://me:pw@host/v1", &out);           // https://(hidden)@host/v1
 *     hide_in_url("https://host/v1?key=abc&v=2", &out);      // https://host/v1?key=(hidden)&v=2
 *     hide_in_body("{\"api_key\": \"abc\"}", &out);         // {"api_key": "(hidden)"}
 *
 * A header or a text in a body is taken for a credential by its name (*authorization*, *api-key*,
 * *token*, *secret*, *password*, *cookie*, *credential*, and for headers a word "key" or "auth"),
 * or by a value that begins as keys do ("Bearer ", "sk-"). A body that is no JSON is hidden whole.
 */
#ifndef FAREBOX_BENCH_CLIENT_BENCH_HIDE_H
#define FAREBOX_BENCH_CLIENT_BENCH_HIDE_H

#include "core/buffer.h"
#include "core/text.h"

#include <stdbool.h>

/* "Name: value" and its parts; the value without the spaces before it. False: no colon. */
bool split_header(const char *line, struct text *name, struct text *value);

/* True where the header's value is a credential that stands in the option itself. */
bool header_is_secret(const char *line);

/* The credential of a header's value: what follows a scheme such as "Bearer ". */
struct text header_credential(struct text value);

/* Where a URL's "user:password" stands; its length is 0 where there is none. */
struct text url_user_info(const char *url);

/* The next value in a URL's query that looks like a secret: by its name (as above; also "sig",
 * "code", "pass"), by how it begins, or by 16 letters and digits in a row; percent-encoded or not.
 * `from` is NULL at first and moves on. */
bool url_query_secret(const char *url, const char **from, struct text *secret);

/* Appends the option as it may be written. */
void hide_in_header(const char *line, struct buffer *out);
void hide_in_url(const char *url, struct buffer *out);

void hide_in_body(const char *body, struct buffer *out);

/* Calls `found` with each credential of a body, as it stands in the JSON. */
void find_in_body(const char *json, void (*found)(void *context, struct text secret),
                  void *context);

#endif
