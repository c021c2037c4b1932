/* Records on their way to the process that writes the run.
 *
 *     record_pack(&record, &block);                     // one behind the other
 *
 *     struct record_room room = {0};
 *     while (u.left && record_unpack(&u, &room, &record)) take(&record);
 *     record_room_free(&room);
 *
 * Everything is kept to the nanosecond: what is summed up there is what would have been summed up
 * here. Instants of chunks are packed as their distances, some four bytes each.
 */
#ifndef FAREBOX_BENCH_MANY_RECORD_PACK_H
#define FAREBOX_BENCH_MANY_RECORD_PACK_H

#include "core/pack/pack.h"
#include "core/runs/record/record.h"

/* What unpacked records lend from, one at a time. */
struct record_room {
    int64_t *chunks;
    struct usage_extra *extras;
    size_t chunk_capacity, extra_capacity;
};

void record_pack(const struct record *r, struct buffer *out);

/* False where the bytes are broken. The record is lent until the next one, its texts as long as the
 * bytes. */
bool record_unpack(struct unpack *u, struct record_room *room, struct record *r);
void record_room_free(struct record_room *room);

#endif
