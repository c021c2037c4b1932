/* Time and dependency order of a workload's rows. */
#include "workloads/model/workload.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

bool workload_time_range(const struct workload *w, int64_t *first_ns, int64_t *last_ns)
{
    bool any = false;
    for (size_t i = 0; i < w->count; i++) {
        int64_t t = w->timestamp_ns[i];
        if (t == TIME_NEVER)
            continue;
        if (!any || t < *first_ns)
            *first_ns = t;
        if (!any || t > *last_ns)
            *last_ns = t;
        any = true;
    }
    return any;
}

#define YEAR_NS (INT64_C(365) * 86400 * NS_PER_S)

int workload_check_speed(const struct workload *w, double speed, struct error *err)
{
    for (size_t i = 0; i < w->count; i++) {
        double at = w->timestamp_ns[i] == TIME_NEVER ? 0 : (double)w->timestamp_ns[i] / speed;
        double delay = w->delay_ns ? (double)w->delay_ns[i] / speed : 0;
        if (at <= (double)TIME_LAST_DUE && delay <= (double)TIME_LAST_DUE)
            continue;
        return error_set(err, ERR_INPUT,
                         "at --speed %s row %zu would be due after %s years, and a run ends at "
                         "%d: a higher --speed, or a --duration",
                         TEXT_SHORT(speed, 6), i + 1,
                         TEXT_SHORT((at > delay ? at : delay) / (double)YEAR_NS, 3),
                         (int)(TIME_LAST_DUE / YEAR_NS));
    }
    return 0;
}

int workload_check_rate(const struct workload *w, uint64_t requests, double rate_rps,
                        struct error *err)
{
    uint64_t roots = 0, rows = requests && requests < w->count ? requests : w->count;
    for (size_t i = 0; i < rows; i++)
        roots += !w->after_start || w->after_start[i] == w->after_start[i + 1];
    if (roots == rows && requests)
        roots = requests;
    double ns = (double)roots / rate_rps * 1e9;
    if (ns <= (double)TIME_LAST_DUE)
        return 0;
    return error_set(err, ERR_INPUT,
                     "at a rate of %s requests/s the last of %llu would be due after %s years, "
                     "and a run ends at %d: a higher --rate, fewer --requests, or a --duration",
                     TEXT_SHORT(rate_rps, 6), (unsigned long long)roots,
                     TEXT_SHORT(ns / (double)YEAR_NS, 3), (int)(TIME_LAST_DUE / YEAR_NS));
}

int64_t workload_span_ns(const struct workload *w)
{
    int64_t first = 0, last = 0;
    return workload_time_range(w, &first, &last) ? last : 0;
}

static int compare_times(const void *a, const void *b, void *context)
{
    const int64_t *times = context;
    uint32_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    if (times[left] != times[right])
        return times[left] < times[right] ? -1 : 1;
    return (left > right) - (left < right);
}

uint32_t *workload_order_by(const int64_t *times, size_t count)
{
    uint32_t *order = mem_alloc((count + 1) * sizeof *order);
    bool sorted = true;
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
        sorted = sorted && (i == 0 || times[i] >= times[i - 1]);
    }
    if (!sorted)
        qsort_r(order, count, sizeof *order, compare_times, (void *)(uintptr_t)times);
    return order;
}

uint32_t *workload_time_order(const struct workload *w)
{
    return workload_order_by(w->timestamp_ns, w->count);
}

void workload_shift(struct workload *w, int64_t by_ns)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->timestamp_ns[i] != TIME_NEVER)
            w->timestamp_ns[i] += by_ns;
    if (w->has_start)
        w->start_unix_ns -= by_ns;
}

/* How many parents of each row have not ended yet; sets *backward if all parents come first, so
 * that no ring can exist. */
static int count_parents(const struct workload *w, uint32_t *waiting, bool *backward, size_t *row,
                         struct error *err)
{
    *backward = true;
    for (size_t i = 0; i < w->count; i++) {
        for (uint64_t k = w->after_start[i]; k < w->after_start[i + 1]; k++) {
            if (w->after[k] >= w->count) {
                *row = i;
                return error_set(err, ERR_INPUT, "\"after\" names a request that does not exist");
            }
            if (w->after[k] >= i)
                *backward = false;
            waiting[i]++;
        }
    }
    return 0;
}

/* The rows that wait for each row, as lists: children of row p are child[start[p]…start[p+1]). */
static void invert(const struct workload *w, uint64_t *start, uint32_t *child)
{
    uint64_t edges = w->after_start[w->count];
    for (uint64_t k = 0; k < edges; k++)
        start[w->after[k] + 1]++;
    for (size_t i = 0; i < w->count; i++)
        start[i + 1] += start[i];
    for (size_t i = w->count; i-- > 0;)
        for (uint64_t k = w->after_start[i]; k < w->after_start[i + 1]; k++)
            child[--start[w->after[k] + 1]] = (uint32_t)i;
    /* Filling moved each list's end down to its start: shift back. */
    memmove(start, start + 1, w->count * sizeof *start);
    start[w->count] = edges;
}

/* Ends rows in dependency order (Kahn 1962); true if all could end. */
static bool all_can_end(const struct workload *w, uint32_t *waiting)
{
    uint64_t edges = w->after_start[w->count];
    uint64_t *start = mem_zero(w->count + 1, sizeof *start);
    uint32_t *child = mem_alloc((size_t)edges * sizeof *child);
    uint32_t *queue = mem_alloc(w->count * sizeof *queue);
    size_t ready = 0, ended = 0;
    invert(w, start, child);
    for (size_t i = 0; i < w->count; i++)
        if (waiting[i] == 0)
            queue[ready++] = (uint32_t)i;
    while (ended < ready) {
        uint32_t row = queue[ended++];
        for (uint64_t k = start[row]; k < start[row + 1]; k++)
            if (--waiting[child[k]] == 0)
                queue[ready++] = child[k];
    }
    free(start);
    free(child);
    free(queue);
    return ready == w->count;
}

/* The parent that keeps a stuck row from ending. */
static size_t stuck_parent(const struct workload *w, const uint32_t *waiting, size_t row)
{
    uint64_t k = w->after_start[row];
    while (waiting[w->after[k]] == 0)
        k++;
    return w->after[k];
}

/* A row on a ring that waits for a later row (or itself), as every ring has: reached by walking
 * backwards from a row that could not end. */
static size_t row_on_ring(const struct workload *w, const uint32_t *waiting)
{
    size_t row = 0;
    while (waiting[row] == 0)
        row++;
    /* Each stuck row has a stuck parent, so after `count` steps the walk is on a ring. */
    for (size_t step = 0; step < w->count; step++)
        row = stuck_parent(w, waiting, row);
    while (stuck_parent(w, waiting, row) < row)
        row = stuck_parent(w, waiting, row);
    return row;
}

int workload_check_order(const struct workload *w, size_t *row, struct error *err)
{
    size_t ignored = 0;
    row = row ? row : &ignored;
    if (!w->after_start)
        return 0;
    bool backward;
    uint32_t *waiting = mem_zero(w->count, sizeof *waiting);
    int status = count_parents(w, waiting, &backward, row, err);
    if (status == 0 && !backward && !all_can_end(w, waiting)) {
        char made[REQUEST_ID_SIZE];
        *row = row_on_ring(w, waiting);
        status = error_set(err, ERR_INPUT,
                           "request \"%.60s\" waits for itself through \"after\"; expected no ring",
                           workload_request_id(w, *row, made));
    }
    free(waiting);
    return status;
}
