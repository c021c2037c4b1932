#include "bench/many/roster.h"

#include "core/memory.h"

#include <stdlib.h>

void roster_init(struct roster *r, uint32_t count, int64_t now_ns)
{
    *r = (struct roster){.of = mem_zero(count, sizeof *r->of), .count = count};
    roster_begin(r, now_ns);
}

void roster_free(struct roster *r)
{
    free(r->of);
    *r = (struct roster){0};
}

void roster_begin(struct roster *r, int64_t now_ns)
{
    for (uint32_t i = 0; i < r->count; i++) {
        bool lost = r->of[i].lost;
        r->of[i] = (struct roster_entry){.heard_ns = now_ns, .lost = lost};
    }
}

bool roster_hear(struct roster *r, uint32_t rank, int64_t now_ns)
{
    struct roster_entry *e = &r->of[rank];
    if (e->lost)
        return false;
    if (e->silent) {
        e->silence_ns = now_ns - e->heard_ns;
        e->silent = false;
        e->back = true;
    }
    e->heard_ns = now_ns;
    return true;
}

void roster_end(struct roster *r, uint32_t rank)
{
    r->of[rank].ended = true;
}

void roster_lose(struct roster *r, uint32_t rank)
{
    r->of[rank].lost = true;
}

static enum roster_change change_of(struct roster_entry *e, int64_t now_ns)
{
    int64_t silence_ns = now_ns - e->heard_ns;
    if (e->lost || e->ended)
        return ROSTER_SAME;
    if (e->back) {
        e->back = false;
        return ROSTER_BACK;
    }
    if (silence_ns >= ROSTER_LOST_NS) {
        e->lost = true;
        return ROSTER_LOST;
    }
    if (silence_ns >= ROSTER_SILENT_NS && !e->silent) {
        e->silent = true;
        return ROSTER_SILENT;
    }
    return ROSTER_SAME;
}

enum roster_change roster_next(struct roster *r, int64_t now_ns, uint32_t *rank)
{
    for (uint32_t i = 0; i < r->count; i++) {
        enum roster_change change = change_of(&r->of[i], now_ns);
        *rank = i;
        if (change != ROSTER_SAME)
            return change;
    }
    return ROSTER_SAME;
}

bool roster_working(const struct roster *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (!r->of[i].ended && !r->of[i].lost)
            return true;
    return false;
}
