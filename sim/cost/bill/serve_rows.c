/* When each request is due. */
#include "sim/cost/bill/serve.h"

#include "core/memory.h"

#include <stdlib.h>

static int64_t duration_of(const struct serve_duration *d, uint32_t output)
{
    return d->known ? d->first_ns + d->per_output_ns * (int64_t)output : 0;
}

/* Children of every row: start[r] .. start[r + 1] in list. */
static void invert(const struct workload *w, uint64_t *start, uint32_t *list)
{
    uint64_t edges = w->after_start[w->count];
    for (uint64_t e = 0; e < edges; e++)
        start[w->after[e] + 1]++;
    for (size_t i = 0; i < w->count; i++)
        start[i + 1] += start[i];
    uint64_t *at = mem_alloc((w->count + 1) * sizeof *at);
    for (size_t i = 0; i <= w->count; i++)
        at[i] = start[i];
    for (size_t i = 0; i < w->count; i++)
        for (uint64_t e = w->after_start[i]; e < w->after_start[i + 1]; e++)
            list[at[w->after[e]]++] = (uint32_t)i;
    free(at);
}

static int64_t own_due(const struct workload *w, size_t i)
{
    return w->timestamp_ns[i] == TIME_NEVER ? 0 : w->timestamp_ns[i];
}

/* Kahn's order: a row is due once all that it waits for have ended. Returns the rows reached. */
static size_t follow(const struct workload *w, const struct serve_duration *d, int64_t *due)
{
    uint64_t *start = mem_zero(w->count + 1, sizeof *start);
    uint32_t *children = mem_alloc((w->after_start[w->count] + 1) * sizeof *children);
    uint32_t *open = mem_alloc((w->count + 1) * sizeof *open);
    uint32_t *ready = mem_alloc((w->count + 1) * sizeof *ready);
    size_t tail = 0, head = 0;
    invert(w, start, children);
    for (size_t i = 0; i < w->count; i++) {
        open[i] = (uint32_t)(w->after_start[i + 1] - w->after_start[i]);
        due[i] = own_due(w, i);
        if (open[i] == 0)
            ready[tail++] = (uint32_t)i;
    }
    while (head < tail) {
        uint32_t r = ready[head++];
        int64_t end = due[r] + duration_of(d, w->output_tokens[r]);
        for (uint64_t e = start[r]; e < start[r + 1]; e++) {
            uint32_t child = children[e];
            int64_t at = end + (w->delay_ns ? w->delay_ns[child] : 0);
            if (at > due[child])
                due[child] = at;
            if (--open[child] == 0)
                ready[tail++] = child;
        }
    }
    free(start);
    free(children);
    free(open);
    free(ready);
    return tail;
}

/* Of each session, the first row by time begins it. */
static void mark_later(struct serve_rows *out)
{
    const struct workload *w = out->workload;
    if (!w->session)
        return;
    bool *begun = mem_zero(w->sessions.count + 1, sizeof *begun);
    out->later = mem_zero(w->count + 1, sizeof *out->later);
    for (size_t i = 0; i < w->count; i++) {
        size_t row = out->order ? out->order[i] : i;
        if (w->session[row] == NAME_NONE)
            continue;
        out->later[row] = begun[w->session[row]];
        begun[w->session[row]] = true;
    }
    free(begun);
}

int serve_rows_make(struct serve_rows *out, const struct workload *w,
                    struct serve_duration duration, struct error *err)
{
    *out = (struct serve_rows){.workload = w, .duration = duration};
    bool sorted = true, timed = true;
    for (size_t i = 0; i < w->count && timed; i++)
        timed = w->timestamp_ns[i] != TIME_NEVER;
    if (w->after_start || !timed) {
        out->due_ns = mem_alloc((w->count + 1) * sizeof *out->due_ns);
        for (size_t i = 0; i < w->count && !w->after_start; i++)
            out->due_ns[i] = own_due(w, i);
        if (w->after_start && follow(w, &duration, out->due_ns) < w->count) {
            serve_rows_free(out);
            return error_set(err, ERR_INPUT,
                             "some requests wait for each other in a ring: none can ever start");
        }
    }
    for (size_t i = 0; i < w->count; i++) {
        if (i > 0 && serve_due(out, i) < serve_due(out, i - 1))
            sorted = false;
        if (serve_due(out, i) > out->span_ns)
            out->span_ns = serve_due(out, i);
    }
    if (!sorted)
        out->order = workload_order_by(out->due_ns ? out->due_ns : w->timestamp_ns, w->count);
    mark_later(out);
    return 0;
}

void serve_rows_free(struct serve_rows *rows)
{
    free(rows->due_ns);
    free(rows->order);
    free(rows->later);
    *rows = (struct serve_rows){0};
}
