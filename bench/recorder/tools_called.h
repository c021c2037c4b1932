/* Which tools an answer calls: their names, out of the bytes of a stream or of a whole answer.
 *
 *     tools_called(answer, &out);      // ["get_weather", "search"], or nothing
 */
#ifndef FAREBOX_BENCH_RECORDER_TOOLS_CALLED_H
#define FAREBOX_BENCH_RECORDER_TOOLS_CALLED_H

#include "core/buffer.h"
#include "core/text.h"

/* Appends the names as a JSON array, each once, in their order; nothing where none is called. */
void tools_called(struct text answer, struct buffer *out);

#endif
