/* What an answer said, as a later turn of its session carries it: its text, and the tools that it
 * called. Reasoning is no part of it.
 *
 *     struct reply r = {0};
 *     api->read_reply(data, &r);                // of each event, or of a whole answer
 *     api->add_turn(&prompt, &r, &history);
 *     reply_clear(&r);                          // for the next answer
 *     reply_free(&r);
 */
#ifndef FAREBOX_BENCH_WIRE_REPLY_H
#define FAREBOX_BENCH_WIRE_REPLY_H

#include "core/buffer.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_CALLS 128 /* further ones are left out */

/* What a called tool is said to have answered; needs no escapes in JSON. */
#define REPLY_TOOL_RESULT "done"

struct reply_call {
    struct buffer id, name, arguments;
    uint64_t place; /* of its part of the answer, where an API numbers those */
    bool is_custom; /* its arguments are no JSON */
};

/* All texts are plain, without JSON's escapes. Zeroed, it is empty. */
struct reply {
    struct buffer text;
    struct reply_call *calls;
    size_t call_count, call_made, call_capacity; /* made: those whose buffers may hold memory */
};

void reply_clear(struct reply *r);
void reply_free(struct reply *r);
bool reply_is_empty(const struct reply *r);

/* Adds raw text of a JSON string to `to`, which is one of the reply's buffers; what is beyond 16
 * MiB is left out. */
void reply_add(struct buffer *to, struct text raw);

/* The same of a text without escapes. */
void reply_add_plain(struct buffer *to, struct text plain);

/* Call number `index` of the answer; NULL for one too many. */
struct reply_call *reply_call_at(struct reply *r, size_t index);

/* A further call, at that place of the answer; NULL for one too many. */
struct reply_call *reply_call_begin(struct reply *r, uint64_t place);

/* The last call that was begun at a place; NULL: there is none. */
struct reply_call *reply_call_of(struct reply *r, uint64_t place);

/* Whether the text says nothing: it is empty, or of blanks and line breaks alone. */
bool reply_is_blank(const struct reply *r);

/* Appends a buffer of the reply as a JSON string, with its quotes. Bytes that are no UTF-8, which
 * strict servers refuse, become question marks. */
int reply_write(const struct buffer *text, struct buffer *out);

/* Appends the id of call number `index` as a JSON string; where the server left it out calls are
 * told apart by their number. */
void reply_write_id(const struct reply *r, size_t index, struct buffer *out);

#endif
