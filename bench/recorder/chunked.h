/* The framing of HTTP/1.1's chunked bodies, taken off as the bytes pass.
 *
 *     struct chunked c = {0};
 *     while (n > 0 && !c.done && !c.bad) {
 *         size_t taken = chunked_take(&c, bytes, n, &data);     // data: some of the body, perhaps
 * none
 *         ...
 *     }
 *
 * Takes its input in pieces of any size and keeps none of it.
 */
#ifndef FAREBOX_BENCH_RECORDER_CHUNKED_H
#define FAREBOX_BENCH_RECORDER_CHUNKED_H

#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

struct chunked {
    int state;
    uint64_t left; /* of the chunk */
    unsigned digits;
    size_t line; /* bytes of the trailer's line so far; of all of it in `trailer` */
    size_t trailer;
    bool done, bad;
};

/* Takes some of the bytes and returns how many. `data` is what of them belongs to the body. */
size_t chunked_take(struct chunked *c, const char *bytes, size_t count, struct text *data);

#endif
