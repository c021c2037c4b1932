#include "core/stats/sample.h"

#include <math.h>
#include <string.h>

struct sample sample_of_array(const double *values, size_t n)
{
    return (struct sample){.n = n, .array = values};
}

struct sample sample_of_spool(const struct spool *items, double unit)
{
    return (struct sample){.n = (size_t)items->count, .spool = items, .unit = unit};
}

void sample_read(const struct sample *s, size_t from, size_t count, double *out)
{
    if (!s->spool) {
        if (count)
            memcpy(out, s->array + from, count * sizeof *out);
        return;
    }
    int64_t items[SAMPLE_PIECE];
    for (size_t done = 0; done < count;) {
        size_t wanted = count - done < SAMPLE_PIECE ? count - done : SAMPLE_PIECE;
        size_t got = spool_read(s->spool, from + done, wanted, items);
        for (size_t i = 0; i < got; i++)
            out[done + i] = (double)items[i] / s->unit;
        done += got;
    }
}

struct sample_scan sample_scan_of(const struct sample *s, size_t from, size_t to)
{
    struct sample_scan scan;
    scan.sample = s;
    scan.next = from;
    scan.end = to;
    scan.used = scan.have = 0;
    return scan;
}

bool sample_next(struct sample_scan *scan, double *value)
{
    if (scan->used == scan->have) {
        size_t left = scan->end - scan->next;
        scan->have = left < SAMPLE_PIECE ? left : SAMPLE_PIECE;
        scan->used = 0;
        if (scan->have == 0)
            return false;
        sample_read(scan->sample, scan->next, scan->have, scan->piece);
        scan->next += scan->have;
    }
    *value = scan->piece[scan->used++];
    return true;
}

double sample_quantile(const struct sample *sorted, double p)
{
    if (sorted->n == 0 || !(p >= 0 && p <= 1))
        return NAN;
    double position = p * (double)(sorted->n - 1), at[2];
    size_t low = (size_t)position, last = sorted->n - 1;
    if (low >= last) {
        sample_read(sorted, last, 1, at);
        return at[0];
    }
    sample_read(sorted, low, 2, at);
    return at[0] + (position - (double)low) * (at[1] - at[0]);
}
