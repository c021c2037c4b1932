/* Dependencies of recorded conversations, from when their turns started and ended. */
#include "workloads/model/workload.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Recorded starts and ends come from different clocks' roundings: a turn that seems to start up to
 * this long before the last one's end still followed it. */
#define TOLERANCE_NS NS_PER_MS

struct sort_keys {
    const uint32_t *session;
    const int64_t *time_ns;
};

static int by_session_and_time(const void *a, const void *b, void *context)
{
    const struct sort_keys *k = context;
    uint32_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    if (k->session[left] != k->session[right])
        return k->session[left] < k->session[right] ? -1 : 1;
    if (k->time_ns[left] != k->time_ns[right])
        return k->time_ns[left] < k->time_ns[right] ? -1 : 1;
    return (left > right) - (left < right);
}

/* Rows that are in a session and have a time, by session and then time. */
static uint32_t *sorted_rows(const struct workload *w, const int64_t *time_ns, size_t *count)
{
    uint32_t *rows = mem_alloc(w->count * sizeof *rows);
    struct sort_keys keys = {w->session, time_ns};
    *count = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->session[i] != NAME_NONE && time_ns[i] != TIME_NEVER)
            rows[(*count)++] = (uint32_t)i;
    qsort_r(rows, *count, sizeof *rows, by_session_and_time, &keys);
    return rows;
}

/* For each row the parent it waits for, or NAME_NONE: starts and ends are swept together. */
static void find_parents(const struct workload *w, const int64_t *end_ns, uint32_t *parent)
{
    size_t start_count, end_count, e = 0;
    uint32_t *starts = sorted_rows(w, w->timestamp_ns, &start_count);
    uint32_t *ends = sorted_rows(w, end_ns, &end_count);
    uint32_t last = NAME_NONE, session = NAME_NONE;
    for (size_t s = 0; s < start_count; s++) {
        uint32_t row = starts[s];
        if (w->session[row] != session) {
            session = w->session[row];
            last = NAME_NONE;
            while (e < end_count && w->session[ends[e]] < session)
                e++;
        }
        int64_t start = w->timestamp_ns[row];
        while (e < end_count && w->session[ends[e]] == session &&
               end_ns[ends[e]] <= start + TOLERANCE_NS && w->timestamp_ns[ends[e]] < start)
            last = ends[e++];
        parent[row] = last;
    }
    free(starts);
    free(ends);
}

void workload_link_sessions(struct workload *w, const int64_t *end_ns)
{
    if (!w->session || w->after_start)
        return;
    uint32_t *parent = mem_alloc(w->count * sizeof *parent);
    memset(parent, 0xFF, w->count * sizeof *parent);
    find_parents(w, end_ns, parent);
    w->after_start = mem_zero(w->capacity + 1, sizeof *w->after_start);
    w->after = mem_alloc(w->count * sizeof *w->after);
    w->after_capacity = w->count;
    if (!w->delay_ns)
        w->delay_ns = mem_zero(w->capacity, sizeof *w->delay_ns);
    for (size_t i = 0; i < w->count; i++) {
        w->after_start[i + 1] = w->after_start[i];
        if (parent[i] == NAME_NONE)
            continue;
        int64_t delay = w->timestamp_ns[i] - end_ns[parent[i]];
        w->after[w->after_start[i + 1]++] = parent[i];
        w->delay_ns[i] = delay > 0 ? delay : 0;
    }
    free(parent);
}
