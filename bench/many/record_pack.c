#include "bench/many/record_pack.h"

#include "core/memory.h"

#include <stdlib.h>

#define TEXT(field) offsetof(struct record, field)
static const size_t texts[] = {TEXT(request_id),    TEXT(session_id), TEXT(endpoint),
                               TEXT(model),         TEXT(class_name), TEXT(service),
                               TEXT(labels),        TEXT(message),    TEXT(content_type),
                               TEXT(finish_reason), TEXT(text),       TEXT(raw_usage)};

static void pack_chunks(const struct record *r, struct buffer *out)
{
    uint32_t count = r->chunk_ns ? r->chunks : 0;
    int64_t before_ns = 0;
    pack_value(out, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_near(out, r->chunk_ns[i] - before_ns);
        before_ns = r->chunk_ns[i];
    }
}

static void pack_extras(const struct usage *u, struct buffer *out)
{
    uint64_t count = u->extra_count;
    pack_value(out, count);
    for (size_t i = 0; i < u->extra_count; i++) {
        pack_text(out, u->extras[i].name);
        pack_value(out, u->extras[i].count_micro);
        pack_value(out, u->extras[i].is_unit);
    }
}

void record_pack(const struct record *r, struct buffer *out)
{
    pack_value(out, *r);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        pack_text(out, *(const char *const *)(const void *)((const char *)r + texts[i]));
    pack_extras(&r->usage, out);
    pack_chunks(r, out);
}

static void unpack_extras(struct unpack *u, struct record_room *room, struct usage *usage)
{
    uint64_t count;
    unpack_value(u, count);
    usage->extra_count = 0;
    usage->extras = NULL;
    for (uint64_t i = 0; i < count && !u->broken; i++) {
        mem_grow(&room->extras, &room->extra_capacity, i + 1, sizeof *room->extras);
        struct usage_extra *e = &room->extras[i];
        e->name = unpack_text(u);
        unpack_value(u, e->count_micro);
        unpack_value(u, e->is_unit);
        usage->extras = room->extras;
        usage->extra_count = (size_t)i + 1;
    }
}

static void unpack_chunks(struct unpack *u, struct record_room *room, struct record *r)
{
    uint32_t count;
    int64_t at_ns = 0;
    unpack_value(u, count);
    r->chunk_ns = NULL;
    if (count > u->left) { /* a byte each at least */
        u->broken = true;
        return;
    }
    mem_grow(&room->chunks, &room->chunk_capacity, count, sizeof *room->chunks);
    for (uint32_t i = 0; i < count; i++)
        room->chunks[i] = at_ns += unpack_near(u);
    if (count)
        r->chunk_ns = room->chunks;
}

bool record_unpack(struct unpack *u, struct record_room *room, struct record *r)
{
    unpack_value(u, *r);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        *(const char **)(void *)((char *)r + texts[i]) = unpack_text(u);
    unpack_extras(u, room, &r->usage);
    unpack_chunks(u, room, r);
    return !u->broken;
}

void record_room_free(struct record_room *room)
{
    free(room->chunks);
    free(room->extras);
    *room = (struct record_room){0};
}
