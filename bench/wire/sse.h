/* Server-sent events, fed in arbitrary pieces.
 *
 * Follows the event-stream format of the WHATWG HTML standard, section 9.2: LF, CRLF and CR line
 * ends, a byte-order mark, comments, several data lines in one event. Deviations, on purpose, of
 * what servers are seen to do:
 * - an event that the stream's end cuts before its blank line is handed on by sse_end(); whether
 * its data is whole is for the reader of the data to say.
 * - a line that is no field of an event, such as an error's JSON without `data:`, is handed to
 *   `stray`, if that is set.
 * - an object on a data line that stands behind a whole object, without the blank line between, is
 *   an event of its own, and so is then every data line of that stream.
 *
 *     struct sse s;
 *     sse_init(&s, 1 << 20);                     // no event larger than 1 MiB
 *     while ((n = read(fd, piece, sizeof piece)) > 0)
 *         if (sse_feed(&s, piece, n, on_event, context) != SSE_GO_ON) break;
 *     sse_end(&s, on_event, context);
 *     sse_free(&s);
 *
 * The data of an event is lent until the sink returns: from the fed piece where the event lies in
 * one piece and has one data line, else from the parser's buffer. Nothing is allocated while
 * events do not straddle pieces.
 */
#ifndef FAREBOX_BENCH_WIRE_SSE_H
#define FAREBOX_BENCH_WIRE_SSE_H

#include "core/buffer.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

enum sse_verdict {
    SSE_GO_ON = 0,
    SSE_STOPPED,   /* the sink asked to stop */
    SSE_TOO_LARGE, /* an event beyond the cap */
};

#define SSE_EVENT_NAME_SIZE 32

/* Gets one event; `name` is "" where the event has none (names longer than the array are cut).
 * Returns true to go on. */
typedef bool sse_sink(void *context, const char *name, struct text data);

struct sse {
    struct buffer line; /* an unfinished line from earlier pieces */
    struct buffer data; /* data lines of the open event that had to be copied */
    struct text lent;   /* the open event's only data line, still in the piece */
    sse_sink *stray;    /* gets lines that are no field, as they stand, with the name ""; NULL */
    size_t max_event;
    char name[SSE_EVENT_NAME_SIZE];
    bool started, has_data, is_lent;
    bool skip_lf; /* the last line ended in CR: an LF that follows belongs to it */
    bool too_large;
    bool no_blanks; /* events of this stream have no blank line behind them */
};

void sse_init(struct sse *s, size_t max_event);
void sse_free(struct sse *s);

/* Ready for the next stream; keeps `stray`, and the buffers unless they grew beyond 16 KiB. */
void sse_reset(struct sse *s);

/* Takes the next bytes of the stream. After SSE_STOPPED or SSE_TOO_LARGE the stream is over:
 * only sse_reset() or sse_free() may follow. */
enum sse_verdict sse_feed(struct sse *s, const char *bytes, size_t count, sse_sink *sink,
                          void *context);

/* The stream ended: hands on an event that lacked its blank line or last line end. */
enum sse_verdict sse_end(struct sse *s, sse_sink *sink, void *context);

#endif
