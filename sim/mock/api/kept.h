/* Conversations that the mock keeps, so that a request can go on from an earlier answer by its id.
 *
 *     said_add(&said, SAID_ROLE, text_of("user"));
 *     said_add(&said, SAID_TEXT, text_of("What is the fare?"));
 *     kept_put(&kept, "resp_1", &said);
 *     const struct text *all = kept_find(&kept, "resp_1");
 *     for (size_t at = 0; all && said_next(*all, &at, &one);)
 *         use(one.kind, one.text);
 *
 * What was said is roles, texts and images in their order. The latest are kept: KEPT_MOST of them,
 * and no more than KEPT_BYTES together.
 */
#ifndef FAREBOX_SIM_MOCK_API_KEPT_H
#define FAREBOX_SIM_MOCK_API_KEPT_H

#include "core/buffer.h"
#include "core/text.h"

#include <stdbool.h>

#define KEPT_MOST 4096
#define KEPT_BYTES ((size_t)64 << 20)

enum said_kind { SAID_ROLE, SAID_TEXT, SAID_IMAGE, SAID_LOW_IMAGE }; /* images: their URLs */

struct said {
    enum said_kind kind;
    struct text text;
};

void said_add(struct buffer *said, enum said_kind kind, struct text text);

/* The next of what was said, from *at on (0 at first); false at the end. */
bool said_next(struct text all, size_t *at, struct said *out);

struct kept_entry {
    char id[40];
    struct text all; /* owned */
};

/* All zero at first. */
struct kept {
    struct kept_entry *entries; /* a ring */
    size_t first, count, bytes;
};

void kept_free(struct kept *k);

/* Takes the bytes; the buffer is empty again. */
void kept_put(struct kept *k, const char *id, struct buffer *said);

/* What was said by then; lent until the next kept_put(). NULL: it is not known, or no longer. */
const struct text *kept_find(const struct kept *k, const char *id);

#endif
