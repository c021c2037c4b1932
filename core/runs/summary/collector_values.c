/* The values behind a summary, for plots. */
#include "core/memory.h"
#include "core/runs/summary/collector_state.h"

#include <math.h>

int64_t collector_window_start(const struct collector *c, const struct summary *s)
{
    int64_t first_ns = sorter_count(&c->rows) ? c->first_due_ns : 0;
    return first_ns + (int64_t)llround(s->warmup_s * 1e9) - SUMMARY_ROUNDING_NS;
}

size_t collector_points(struct collector *c, const struct summary *s, enum metric m,
                        struct metric_point **out)
{
    int64_t from_ns = collector_window_start(c, s), value;
    struct sorter_scan scan;
    const struct request_row *r;
    size_t n = 0;
    *out = mem_alloc((size_t)sorter_count(&c->rows) * sizeof **out);
    if (m == METRIC_CHUNK_GAP)
        return 0;
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan)))
        if (r->scheduled_ns >= from_ns && row_metric(r, m, &value))
            (*out)[n++] =
                (struct metric_point){(double)r->scheduled_ns / 1e9, (double)value / NS_PER_MS};
    sorter_scan_end(&scan);
    return n;
}

static void fill_gaps(const struct gap_store *g, int64_t from_ns, struct histogram *out)
{
    struct spool_scan scan = spool_scan_of(&g->exact);
    for (const struct timed_value *v; (v = spool_scan_next(&scan));)
        if (v->due_ns >= from_ns)
            histogram_add(out, v->value_ns, 1);
    for (int i = 0; g->folded && i < GAP_SLICES; i++)
        if ((i + 1) * g->slice_ns > from_ns)
            histogram_merge(out, &g->slices[i]);
}

void collector_fill_histogram(struct collector *c, const struct summary *s, enum metric m,
                              struct histogram *out)
{
    int64_t from_ns = collector_window_start(c, s), value;
    struct sorter_scan scan;
    const struct request_row *r;
    if (m == METRIC_CHUNK_GAP) {
        fill_gaps(&c->gaps, from_ns, out);
        return;
    }
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan)))
        if (r->scheduled_ns >= from_ns && row_metric(r, m, &value))
            histogram_add(out, value, 1);
    sorter_scan_end(&scan);
}
