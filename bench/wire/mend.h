/* Payloads that are nearly JSON, as servers send them: made JSON, so that an answer's text is read
 * whatever stands beside it.
 *
 *     if (api->read_event(&so_far, name, data, &chunk) < 0 && mend_json(data, &mended))
 *         api->read_event(&so_far, name, (struct text){mended.data, mended.length}, &chunk);
 *
 * Bytes that are no UTF-8 become the replacement mark (U+FFFD), control characters inside strings
 * their escapes, escapes that JSON does not know what they stand before, NaN, Infinity and other
 * words that are no JSON null, Python's True, False, None and its quotes JSON's; commas before a
 * closing bracket go.
 */
#ifndef FAREBOX_BENCH_WIRE_MEND_H
#define FAREBOX_BENCH_WIRE_MEND_H

#include "core/buffer.h"
#include "core/text.h"

#include <stdbool.h>

/* Puts the mended payload into `out` in place of what was there. False where there was nothing to
 * mend, or the result passes the buffer's cap. Whether it is JSON now is for its reader to say. */
bool mend_json(struct text payload, struct buffer *out);

#endif
