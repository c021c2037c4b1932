/* Text that is nearly JSON, as servers and logs have it: made JSON, so that what it says is read
 * whatever stands beside it.
 *
 *     if (read_event(data, &chunk) < 0 && mend_json(data, &mended))
 *         read_event((struct text){mended.data, mended.length}, &chunk);
 *
 * Bytes that are no UTF-8 become the replacement mark (U+FFFD), control characters inside strings
 * their escapes, escapes that JSON does not know what they stand before, NaN, Infinity and other
 * words that are no JSON null, Python's True, False, None and its quotes JSON's; commas before a
 * closing bracket go.
 */
#ifndef FAREBOX_CORE_JSON_MEND_H
#define FAREBOX_CORE_JSON_MEND_H

#include "core/buffer.h"
#include "core/text.h"

#include <stdbool.h>

/* Puts the mended text into `out` in place of what was there. False where there was nothing to
 * mend, or the result passes the buffer's cap. Whether it is JSON now is for its reader to say. */
bool mend_json(struct text payload, struct buffer *out);

#endif
