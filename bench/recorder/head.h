/* The head of a request in HTTP/1.1: what a relay must know of it, and nothing that could be read
 * in two ways.
 *
 *     struct head h;
 *     status = head_read(&h, bytes);          // 0, or the HTTP status to refuse it with
 *     while (head_next(&lines, &name, &value)) ...
 *
 * All texts are lent from the bytes.
 */
#ifndef FAREBOX_BENCH_RECORDER_HEAD_H
#define FAREBOX_BENCH_RECORDER_HEAD_H

#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

#define HEAD_MAX ((size_t)64 << 10)

struct head {
    struct text method, target;
    struct text lines; /* the headers, each with its line end */
    bool old;          /* HTTP/1.0 */
    bool closes;       /* the connection is to end with the answer */
    bool chunked, expects;
    uint64_t length; /* of the body, where it is not chunked */
};

/* The length of a head at the start of the bytes, the empty line included; 0: it is not whole. */
size_t head_length(struct text bytes);

/* Reads a whole head. Returns 0 or the HTTP status that says why it cannot be passed on. */
int head_read(struct head *h, struct text bytes);

/* The next header of `lines`, which moves on; false behind the last. */
bool head_next(struct text *lines, struct text *name, struct text *value);

/* The value of a header; false where it is not there. */
bool head_find(struct text lines, const char *name, struct text *value);

/* Whether a name is this one, in whatever case. */
bool head_is(struct text name, const char *wanted);

/* Whether a list such as "close, TE" has the word, in whatever case. */
bool head_lists(struct text value, const char *word);

/* Whether a header speaks of the connection only, and ends with it. */
bool head_is_of_connection(struct text name);

#endif
