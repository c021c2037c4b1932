/* Pictures to be sent: valid PNG files of any size that are small in bytes.
 *
 *     picture_add_base64(1024, 768, seed, &body);     // some 300 bytes for 1024 × 768
 *
 * Black and white, black but for some pixels at the top that the seed decides: pictures of
 * different seeds are different ones to a cache, and the same seed gives the same bytes. Making one
 * costs the compression of width × height bits: 0.1 ms for 1024 × 1024.
 */
#ifndef FAREBOX_BENCH_PROMPT_PICTURE_H
#define FAREBOX_BENCH_PROMPT_PICTURE_H

#include "core/buffer.h"

#include <stdint.h>

/* Appends the PNG file; width and height are 1 to 2^24. 0, or -1 beyond the buffer's cap. */
int picture_add(uint32_t width, uint32_t height, uint64_t seed, struct buffer *out);

/* The same in base64, as data URLs have it. */
int picture_add_base64(uint32_t width, uint32_t height, uint64_t seed, struct buffer *out);

#endif
