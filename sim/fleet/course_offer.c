#include "sim/fleet/course_offer.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define PHASES 256
#define STATES 20000
#define STEPS 8000000

/* How a replica goes on: by phase, the units that a further slot takes and the phase after it. */
struct phases {
    size_t count;
    int64_t left_ns[PHASES];
    uint32_t units[PHASES];
    size_t next[PHASES];
    uint32_t first_units; /* of one that begins; it is then in phase 0 */
};

/* What is left, and the units that were bought for it: a slot more. */
static int64_t go_on(int64_t left_ns, int64_t need_ns, int64_t unit_ns, uint32_t *units)
{
    int64_t lacks = need_ns - left_ns;
    *units = lacks > 0 ? (uint32_t)((lacks + unit_ns - 1) / unit_ns) : 0;
    return left_ns + *units * unit_ns - need_ns;
}

static size_t find_phase(struct phases *p, int64_t left_ns)
{
    size_t i = 0;
    while (i < p->count && p->left_ns[i] != left_ns)
        i++;
    return i;
}

/* False where there are too many. */
static bool make_phases(const struct course_offer *o, int64_t slot_ns, struct phases *p)
{
    p->count = 1;
    p->left_ns[0] = go_on(0, o->start_ns + slot_ns, o->unit_ns, &p->first_units);
    for (size_t i = 0; i < p->count; i++) {
        int64_t left_ns = go_on(p->left_ns[i], slot_ns, o->unit_ns, &p->units[i]);
        p->next[i] = find_phase(p, left_ns);
        if (p->next[i] < p->count)
            continue;
        if (p->count == PHASES)
            return false;
        p->left_ns[p->count++] = left_ns;
    }
    return true;
}

/* The states under way: `counts` holds phases.count numbers each, in rising order of replicas. */
struct making {
    const struct course_offer *o;
    struct phases phases;
    struct course_states *out;
    uint32_t *counts;
    size_t counts_capacity;
    bool too_many;
};

/* All ways to put `left` replicas into the phases from `phase` on. */
static void add_states(struct making *m, uint32_t *now, size_t phase, uint32_t left)
{
    size_t phases = m->phases.count;
    if (m->too_many)
        return;
    if (phase + 1 < phases) {
        for (uint32_t n = 0; n <= left; n++) {
            now[phase] = n;
            add_states(m, now, phase + 1, left - n);
        }
        return;
    }
    now[phase] = left;
    if (m->out->count == STATES) {
        m->too_many = true;
        return;
    }
    mem_grow(&m->counts, &m->counts_capacity, (m->out->count + 1) * phases, sizeof *m->counts);
    memcpy(m->counts + m->out->count++ * phases, now, phases * sizeof *now);
}

static int compare_counts(const uint32_t *a, const uint32_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static uint32_t sum_of(const uint32_t *counts, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += counts[i];
    return sum;
}

/* The number of a state, by halving within those of as many replicas. */
static uint32_t number_of(const struct making *m, const size_t *begin, const uint32_t *counts)
{
    size_t phases = m->phases.count;
    uint32_t sum = sum_of(counts, phases);
    size_t low = begin[sum], high = begin[sum + 1];
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (compare_counts(m->counts + middle * phases, counts, phases) <= 0)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

/* From a state on: `kept` of each phase goes on, and some begin. */
struct stepping {
    struct making *m;
    const size_t *begin;
    const uint32_t *from;
    uint32_t *to;
};

static void add_starts(struct stepping *s, uint32_t units, uint32_t kept)
{
    struct course_states *out = s->m->out;
    uint32_t old = s->to[0];
    for (uint32_t starts = 0; kept + starts <= s->m->o->most; starts++) {
        if (out->step_count == STEPS) {
            s->m->too_many = true;
            break;
        }
        s->to[0] = old + starts;
        mem_grow(&out->steps, &out->capacity, out->step_count + 1, sizeof *out->steps);
        out->steps[out->step_count++] = (struct course_step){
            number_of(s->m, s->begin, s->to), units + starts * s->m->phases.first_units, starts};
    }
    s->to[0] = old;
}

static void add_steps(struct stepping *s, size_t phase, uint32_t units, uint32_t kept)
{
    const struct phases *p = &s->m->phases;
    if (phase == p->count) {
        add_starts(s, units, kept);
        return;
    }
    for (uint32_t n = 0; n <= s->from[phase] && !s->m->too_many; n++) {
        s->to[p->next[phase]] += n;
        add_steps(s, phase + 1, units + n * p->units[phase], kept + n);
        s->to[p->next[phase]] -= n;
    }
}

static int by_target(const void *a, const void *b)
{
    const struct course_step *x = a, *y = b;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    if (x->units != y->units)
        return x->units < y->units ? -1 : 1;
    return x->starts < y->starts ? -1 : x->starts > y->starts;
}

/* Of steps that lead from one state to another only the cheapest stays. */
static void tidy_steps(struct course_states *s, size_t first)
{
    size_t kept = first;
    qsort(s->steps + first, s->step_count - first, sizeof *s->steps, by_target);
    for (size_t i = first; i < s->step_count; i++)
        if (kept == first || s->steps[kept - 1].to != s->steps[i].to)
            s->steps[kept++] = s->steps[i];
    s->step_count = kept;
}

static void make_all_steps(struct making *m, const size_t *begin)
{
    struct course_states *out = m->out;
    size_t phases = m->phases.count;
    uint32_t *to = mem_zero(phases, sizeof *to);
    out->first = mem_zero(out->count + 1, sizeof *out->first);
    out->replicas = mem_zero(out->count, sizeof *out->replicas);
    for (size_t i = 0; i < out->count && !m->too_many; i++) {
        struct stepping s = {m, begin, m->counts + i * phases, to};
        out->replicas[i] = sum_of(s.from, phases);
        out->first[i] = out->step_count;
        add_steps(&s, 0, 0, 0);
        tidy_steps(out, out->first[i]);
        out->first[i + 1] = out->step_count;
    }
    free(to);
}

int course_states_make(const struct course_offer *o, int64_t slot_ns, struct course_states *out,
                       struct error *err)
{
    struct making m = {.o = o, .out = out};
    *out = (struct course_states){0};
    m.too_many = !make_phases(o, slot_ns, &m.phases);
    size_t *begin = mem_zero((size_t)o->most + 2, sizeof *begin);
    uint32_t *now = mem_zero(PHASES, sizeof *now);
    for (uint32_t n = 0; n <= o->most && !m.too_many; n++) {
        begin[n] = out->count;
        add_states(&m, now, 0, n);
        begin[n + 1] = out->count;
    }
    if (!m.too_many)
        make_all_steps(&m, begin);
    free(now);
    free(begin);
    free(m.counts);
    if (!m.too_many)
        return 0;
    course_states_free(out);
    return error_set(err, ERR_INPUT,
                     "up to %u replicas whose billing units end at so many different times are "
                     "more states than can be searched: a longer slot, a unit that divides the "
                     "slot, or fewer replicas (most:N) make them fewer",
                     o->most);
}

void course_states_free(struct course_states *s)
{
    free(s->replicas);
    free(s->first);
    free(s->steps);
    *s = (struct course_states){0};
}
