/* A workload as bytes, for another process that takes a part of it (core/pack/pack.h).
 *
 *     workload_pack(&workload, &bytes);
 *     struct unpack u = unpack_of(&bytes);
 *     workload_unpack(&u, &copy);                    // u.broken: what is not all of one
 *
 * Every row with all its columns, texts and lists; but not the earlier attempts of a run that was
 * read back, which nobody sends again.
 */
#ifndef FAREBOX_WORKLOADS_MODEL_WORKLOAD_PACK_H
#define FAREBOX_WORKLOADS_MODEL_WORKLOAD_PACK_H

#include "core/pack/pack.h"
#include "workloads/model/workload.h"

void workload_pack(const struct workload *w, struct buffer *out);

/* Into a workload that is initialised; the caller frees it, where the bytes are broken too. */
void workload_unpack(struct unpack *u, struct workload *w);

#endif
