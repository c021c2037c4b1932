/* The values behind a summary, for plots; and chunk gaps read back from a finished run. */
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/summary/collector_state.h"
#include "core/text.h"

#include <math.h>
#include <stdlib.h>

/* The width of a slice of gaps that belong to no instant: all of a run is in the first one, and so
 * in every window. A power of two of seconds, so that slices still join. */
#define NO_INSTANT_NS (NS_PER_S << 26)

/* Where the summary's measured window begins. A summary that was read back gives microseconds: its
 * first request must not fall out by rounding. */
static int64_t window_start(const struct collector *c, const struct summary *s)
{
    int64_t first_ns = sorter_count(&c->rows) ? c->first_due_ns : 0;
    return first_ns + (int64_t)llround(s->warmup_s * 1e9) - SUMMARY_ROUNDING_NS;
}

size_t collector_points(struct collector *c, const struct summary *s, enum metric m,
                        struct metric_point **out)
{
    int64_t from_ns = window_start(c, s), value;
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
    int64_t from_ns = window_start(c, s), value;
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

static bool read_buckets(struct json_scan *scan, struct histogram *h)
{
    json_array_begin(scan);
    while (json_array_next(scan)) {
        int64_t lower;
        uint64_t count;
        if (!json_array_begin(scan) || !json_array_next(scan) ||
            !json_i64(scan, 0, INT64_MAX, &lower) || !json_array_next(scan) ||
            !json_u64(scan, 1, (uint64_t)1 << 48, &count) || json_array_next(scan))
            return false;
        histogram_add(h, lower, count);
    }
    return true;
}

/* One metric's object as put_histogram writes it. */
static bool read_metric(struct json_scan *scan, struct histogram *h, struct moments *m)
{
    struct text key, sum = {0}, squares = {0};
    bool good = true;
    json_object_begin(scan);
    while (good && json_object_next(scan, &key)) {
        if (text_equal(key, "count"))
            good = json_u64(scan, 0, UINT64_MAX, &m->count);
        else if (text_equal(key, "min_ns"))
            good = json_i64(scan, 0, INT64_MAX, &m->min);
        else if (text_equal(key, "max_ns"))
            good = json_i64(scan, 0, INT64_MAX, &m->max);
        else if (text_equal(key, "sum_ns"))
            good = json_string(scan, &sum);
        else if (text_equal(key, "sum_of_squares_ns2"))
            good = json_string(scan, &squares);
        else if (text_equal(key, "buckets"))
            good = json_peek(scan) == JSON_ARRAY && read_buckets(scan, h);
        else
            good = json_skip(scan, NULL);
    }
    return good && m->count == h->count &&
           moments_parse_sums(m, sum.at, sum.length, squares.at, squares.length);
}

static void take_gaps(struct gap_store *g, const char *name, const char *text, size_t length)
{
    struct json_scan scan;
    struct text key;
    struct histogram h = {0};
    struct moments m = {0};
    json_scan_init(&scan, name, text, length, 1);
    json_object_begin(&scan);
    while (json_object_next(&scan, &key)) {
        if (!text_equal(key, metric_key(METRIC_CHUNK_GAP)) || json_peek(&scan) != JSON_OBJECT) {
            json_skip(&scan, NULL);
            continue;
        }
        if (!read_metric(&scan, &h, &m) || m.count == 0)
            break;
        g->folded = true;
        g->slice_ns = NO_INSTANT_NS;
        histogram_merge(&g->slices[0], &h);
        moments_merge(&g->moments[0], &m);
        break;
    }
    histogram_free(&h);
}

void collector_read_gaps(struct collector *c, const char *run)
{
    char *path = run_dir_file(run, "histograms.json"), *text = NULL;
    size_t length;
    if (c->gaps.exact.count == 0 && !c->gaps.folded &&
        file_read_all(path, (size_t)64 << 20, &text, &length, NULL) == 0)
        take_gaps(&c->gaps, path, text, length);
    free(text);
    free(path);
}
