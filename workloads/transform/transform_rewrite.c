#include "workloads/transform/transform_rewrite.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Parents of a row after dropped ones were replaced by their own. */
struct links {
    uint32_t *rows;
    size_t count, capacity;
    int64_t delay_ns, timestamp_ns;
};

struct rewriter {
    const struct workload *in;
    const bool *keep;
    uint32_t *moved; /* new number of each kept row */
    struct links links;
    uint32_t *stack;
    int64_t *stack_delay;
    size_t stack_capacity, delay_capacity;
};

static void add_link(struct links *l, uint32_t row)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->rows[i] == row)
            return;
    mem_grow((void **)&l->rows, &l->capacity, l->count + 1, sizeof *l->rows);
    l->rows[l->count++] = row;
}

static void push(struct rewriter *rw, size_t *depth, uint32_t row, int64_t delay_ns)
{
    mem_grow((void **)&rw->stack, &rw->stack_capacity, *depth + 1, sizeof *rw->stack);
    mem_grow((void **)&rw->stack_delay, &rw->delay_capacity, *depth + 1, sizeof *rw->stack_delay);
    rw->stack[*depth] = row;
    rw->stack_delay[(*depth)++] = delay_ns;
}

/* A dropped parent answers at once: its child waits for what it waited for, its delay on top. */
static void relink(struct rewriter *rw, struct request *r)
{
    struct links *l = &rw->links;
    size_t depth = 0;
    *l = (struct links){.rows = l->rows,
                        .capacity = l->capacity,
                        .delay_ns = r->delay_ns,
                        .timestamp_ns = r->timestamp_ns};
    for (size_t i = r->after_count; i-- > 0;) /* a stack: the first comes out first */
        push(rw, &depth, r->after[i], r->delay_ns);
    while (depth > 0) {
        uint32_t row = rw->stack[--depth];
        int64_t delay_ns = rw->stack_delay[depth];
        struct request parent;
        if (!rw->keep || rw->keep[row]) {
            add_link(l, rw->moved[row]);
            if (delay_ns > l->delay_ns)
                l->delay_ns = delay_ns;
            continue;
        }
        workload_get(rw->in, row, &parent);
        for (size_t i = 0; i < parent.after_count; i++)
            push(rw, &depth, parent.after[i], delay_ns + parent.delay_ns);
        if (parent.timestamp_ns != TIME_NEVER) {
            int64_t begin_ns = parent.timestamp_ns + delay_ns;
            if (l->timestamp_ns == TIME_NEVER || begin_ns > l->timestamp_ns)
                l->timestamp_ns = begin_ns;
        }
    }
    r->after = l->rows;
    r->after_count = l->count;
    r->timestamp_ns = l->timestamp_ns;
    r->delay_ns = l->count ? l->delay_ns : 0;
}

static bool keeps_all(const bool *keep, size_t count)
{
    for (size_t i = 0; keep && i < count; i++)
        if (!keep[i])
            return false;
    return true;
}

static int copy_rows(struct rewriter *rw, struct workload *out, rewrite_row *change, void *context,
                     uint64_t *changed, struct error *err)
{
    const struct workload *in = rw->in;
    bool name_rows = in->ids.count == 0 && !keeps_all(rw->keep, in->count);
    char made[REQUEST_ID_SIZE];
    for (size_t i = 0; i < in->count; i++) {
        struct request r;
        if (rw->keep && !rw->keep[i])
            continue;
        workload_get(in, i, &r);
        if (name_rows)
            r.request_id = workload_request_id(in, i, made);
        if (change && change(context, i, &r) && changed)
            ++*changed;
        if (r.after_count)
            relink(rw, &r);
        if (workload_add(out, &r, err) < 0)
            return ERR_INPUT;
    }
    return 0;
}

int rewrite_rows(struct workload *w, const bool *keep, rewrite_row *change, void *context,
                 uint64_t *changed, struct error *err)
{
    struct rewriter rw = {.in = w, .keep = keep};
    struct workload out;
    workload_init(&out);
    rw.moved = mem_alloc((w->count + 1) * sizeof *rw.moved);
    uint32_t next = 0;
    for (size_t i = 0; i < w->count; i++)
        rw.moved[i] = !keep || keep[i] ? next++ : UINT32_MAX;
    int status = copy_rows(&rw, &out, change, context, changed, err);
    free(rw.moved);
    free(rw.links.rows);
    free(rw.stack);
    free(rw.stack_delay);
    if (status < 0) {
        workload_free(&out);
        return status;
    }
    out.name = w->name;
    w->name = NULL;
    out.has_start = w->has_start;
    out.start_unix_ns = w->start_unix_ns;
    if (out.block_size == 0)
        out.block_size = w->block_size;
    workload_free(w);
    *w = out;
    return 0;
}

/* The row's begin if all its parents' are known; else the first unknown parent in *missing. */
static bool begin_of(const struct workload *w, const int64_t *times, size_t row, int64_t *out,
                     uint32_t *missing)
{
    struct request r;
    workload_get(w, row, &r);
    int64_t begin_ns = r.timestamp_ns == TIME_NEVER ? 0 : r.timestamp_ns;
    for (size_t i = 0; i < r.after_count; i++) {
        if (times[r.after[i]] == TIME_NEVER) {
            *missing = r.after[i];
            return false;
        }
        if (times[r.after[i]] + r.delay_ns > begin_ns)
            begin_ns = times[r.after[i]] + r.delay_ns;
    }
    *out = begin_ns;
    return true;
}

int64_t *rewrite_begin_times(const struct workload *w)
{
    int64_t *times = mem_alloc((w->count + 1) * sizeof *times);
    if (!w->after_start) {
        for (size_t i = 0; i < w->count; i++)
            times[i] = w->timestamp_ns[i] == TIME_NEVER ? 0 : w->timestamp_ns[i];
        return times;
    }
    uint32_t *stack = NULL, missing = 0;
    size_t depth = 0, capacity = 0;
    for (size_t i = 0; i < w->count; i++)
        times[i] = TIME_NEVER;
    for (size_t i = 0; i < w->count; i++) {
        uint32_t row = (uint32_t)i;
        while (times[i] == TIME_NEVER) {
            if (begin_of(w, times, row, &times[row], &missing)) {
                row = depth ? stack[--depth] : (uint32_t)i;
                continue;
            }
            mem_grow((void **)&stack, &capacity, depth + 1, sizeof *stack);
            stack[depth++] = row;
            row = missing;
        }
    }
    free(stack);
    return times;
}

uint32_t *rewrite_leaders(const struct workload *w)
{
    uint32_t *leaders = mem_alloc((w->count + 1) * sizeof *leaders);
    uint32_t *first = mem_alloc((w->sessions.count + 1) * sizeof *first);
    int64_t *times = rewrite_begin_times(w);
    uint32_t *order = workload_order_by(times, w->count);
    memset(first, 0xff, (w->sessions.count + 1) * sizeof *first);
    for (size_t k = 0; k < w->count; k++) {
        uint32_t i = order[k], session = w->session ? w->session[i] : NAME_NONE;
        struct request r;
        if (session != NAME_NONE) {
            if (first[session] == UINT32_MAX)
                first[session] = i;
            leaders[i] = first[session];
            continue;
        }
        workload_get(w, i, &r);
        leaders[i] = i;
        if (r.after_count && times[r.after[0]] <= times[i] && r.after[0] < i)
            leaders[i] = leaders[r.after[0]];
    }
    free(times);
    free(order);
    free(first);
    return leaders;
}
