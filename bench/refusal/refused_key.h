/* Which member of a request's body a server does not take, by the words of its refusal.
 *
 *     static const char *const ours[] = {"stream_options", "max_tokens", NULL};
 *     i = refused_key_find(text_of("stream_options: Extra inputs are not permitted"), ours);
 *     if (i >= 0) leave_out(ours[i]);
 *
 * A refused value ("max_tokens must be at least 16") is no refused member.
 */
#ifndef FAREBOX_BENCH_REFUSAL_REFUSED_KEY_H
#define FAREBOX_BENCH_REFUSAL_REFUSED_KEY_H

#include "core/text.h"

#include <stdbool.h>

/* The place among `keys` (ended by NULL) of the one that the words say is unknown or unsupported:
 * of several the one that they name first. -1 where they do not say so, or name none. A key that is
 * a plain word ("stream") has to stand in quotes or brackets. */
int refused_key_find(struct text words, const char *const *keys);

/* True if the words name the key, as a word of its own. */
bool refused_key_named(struct text words, const char *key);

#endif
