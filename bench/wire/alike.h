/* Events of a stream that differ in nothing but their text, which most do: the name of one and the
 * bytes around its text are kept, and the next that has them too is known without being read.
 *
 *     if (!alike_read(&alike, name, data, &c)) {
 *         api->read_event(so_far, name, data, &c);
 *         alike_learn(&alike, name, data, &c);
 *     }
 *
 * For APIs where what a text means lies in its event alone, whatever came before.
 */
#ifndef FAREBOX_BENCH_WIRE_ALIKE_H
#define FAREBOX_BENCH_WIRE_ALIKE_H

#include "bench/wire/chunk.h"

#include <stdint.h>

#define ALIKE_BYTES 448

/* Owns nothing. Zero: nothing is known. */
struct alike {
    uint16_t head, tail;     /* bytes before the text, with its opening quote, and behind it */
    char name[32];           /* of the event; "" = it has none */
    char bytes[ALIKE_BYTES]; /* the head, then the tail; both empty: nothing is known */
};

/* Keeps the form of an event that bears content and nothing else; of any other nothing, and what
 * was known stays. `c` is what `data` was read to. */
void alike_learn(struct alike *a, const char *name, struct text data, const struct chunk *c);

/* True if the event has the form that is known: `out` is what reading it gives. */
bool alike_read(const struct alike *a, const char *name, struct text data, struct chunk *out);

#endif
