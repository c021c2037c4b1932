#include "workloads/load/request_rate.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

#define UNKNOWN (-1)

static int64_t later(int64_t at_ns, int64_t by_ns)
{
    int64_t sum;
    return __builtin_add_overflow(at_ns, by_ns, &sum) ? INT64_MAX : sum;
}

/* When the row comes after the row that began its session; false while a parent is not known. */
static bool find_offset(const struct workload *w, int64_t *offsets, size_t row, int64_t answer_ns)
{
    int64_t last = UNKNOWN;
    for (uint64_t k = w->after_start[row]; k < w->after_start[row + 1]; k++) {
        int64_t parent = offsets[w->after[k]];
        if (parent == UNKNOWN)
            return false;
        last = parent > last ? parent : last;
    }
    int64_t delay_ns = w->delay_ns ? w->delay_ns[row] : 0;
    offsets[row] = last == UNKNOWN ? 0 : later(later(last, answer_ns), delay_ns);
    return true;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t rate_ramp_ns(const struct workload *w, int64_t answer_ns)
{
    if (!w->after_start || w->count == 0)
        return 0;
    int64_t *offsets = mem_alloc(w->count * sizeof *offsets);
    size_t left = w->count, before = w->count + 1;
    for (size_t i = 0; i < w->count; i++)
        offsets[i] = UNKNOWN;
    while (left > 0 && left < before) { /* once more where parents stand behind their children */
        before = left;
        for (size_t i = 0; i < w->count; i++)
            if (offsets[i] == UNKNOWN && find_offset(w, offsets, i, answer_ns))
                left--;
    }
    qsort(offsets, w->count, sizeof *offsets, by_value);
    size_t place = (size_t)ceil(RATE_REACHED * (double)w->count);
    int64_t ramp_ns = offsets[place ? place - 1 : 0];
    free(offsets);
    return ramp_ns > 0 ? ramp_ns : 0;
}
