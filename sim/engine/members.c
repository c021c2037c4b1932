#include "sim/engine/members.h"

#include "core/memory.h"

#include <stdlib.h>

void members_begin(struct members *m, uint32_t count, int64_t now_ns)
{
    mem_grow(&m->items, &m->capacity, count, sizeof *m->items);
    for (m->count = 0; m->count < count; m->count++)
        m->items[m->count] = (struct member){MEMBER_READY, now_ns, now_ns};
    m->ready = m->most = count;
}

void members_free(struct members *m)
{
    free(m->items);
    *m = (struct members){0};
}

uint32_t members_start(struct members *m, int64_t now_ns, int64_t ready_ns)
{
    uint32_t i = 0;
    while (i < m->count && m->items[i].stage != MEMBER_OFF)
        i++;
    if (i == m->count) {
        mem_grow(&m->items, &m->capacity, m->count + 1, sizeof *m->items);
        m->count++;
    }
    m->items[i] = (struct member){MEMBER_STARTING, now_ns, ready_ns};
    m->starting++;
    m->starts++;
    return i;
}

void members_settle(struct members *m, int64_t now_ns)
{
    for (size_t i = 0; i < m->count && m->starting > 0; i++) {
        struct member *x = &m->items[i];
        if (x->stage != MEMBER_STARTING || x->ready_ns > now_ns)
            continue;
        x->stage = MEMBER_READY;
        m->cold_ns += x->ready_ns - x->begun_ns;
        m->starting--;
        m->ready++;
    }
    if (m->ready > m->most)
        m->most = m->ready;
}

/* Whether x goes before y: later stages stay, and of one stage those that are ready earlier. */
static bool goes_before(const struct member *x, const struct member *y)
{
    return x->stage < y->stage || (x->stage == y->stage && x->ready_ns >= y->ready_ns);
}

uint32_t members_stop(struct members *m, int64_t now_ns)
{
    uint32_t chosen = MEMBER_NONE;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct member *x = &m->items[i];
        if (x->stage != MEMBER_STARTING && x->stage != MEMBER_READY)
            continue;
        if (chosen == MEMBER_NONE || goes_before(x, &m->items[chosen]))
            chosen = i;
    }
    if (chosen == MEMBER_NONE)
        return MEMBER_NONE;
    m->stops++;
    if (m->items[chosen].stage == MEMBER_STARTING) {
        members_off(m, chosen, now_ns);
        return chosen;
    }
    m->items[chosen].stage = MEMBER_DRAINING;
    m->ready--;
    m->draining++;
    return chosen;
}

static uint64_t units_of(const struct members *m, int64_t ns)
{
    return m->unit_ns > 0 ? (uint64_t)((ns + m->unit_ns - 1) / m->unit_ns) : 0;
}

void members_off(struct members *m, uint32_t i, int64_t now_ns)
{
    struct member *x = &m->items[i];
    m->off_ns += now_ns - x->begun_ns;
    m->off_units += units_of(m, now_ns - x->begun_ns);
    if (x->stage == MEMBER_STARTING) {
        m->cold_ns += now_ns - x->begun_ns;
        m->starting--;
    } else {
        m->draining--;
    }
    x->stage = MEMBER_OFF;
}

int64_t members_time_ns(const struct members *m, int64_t now_ns)
{
    int64_t ns = m->off_ns;
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].stage != MEMBER_OFF)
            ns += now_ns - m->items[i].begun_ns;
    return ns;
}

int64_t members_cold_ns(const struct members *m, int64_t now_ns)
{
    int64_t ns = m->cold_ns;
    for (size_t i = 0; i < m->count; i++) {
        const struct member *x = &m->items[i];
        if (x->stage == MEMBER_STARTING)
            ns += (now_ns < x->ready_ns ? now_ns : x->ready_ns) - x->begun_ns;
    }
    return ns;
}

uint64_t members_units(const struct members *m, int64_t now_ns)
{
    uint64_t units = m->off_units;
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].stage != MEMBER_OFF)
            units += units_of(m, now_ns - m->items[i].begun_ns);
    return units;
}
