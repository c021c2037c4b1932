/* histograms.json, written and read for its chunk gaps, and timeline.jsonl. */
#include "core/file.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/summary/collector_state.h"

#include <stdlib.h>
#include <string.h>

#define HISTOGRAMS_MOST ((size_t)64 << 20) /* bytes of the file */

/* What histograms.json says of a metric. */
struct metric_totals {
    struct histogram histogram;
    struct moments moments;
    char sum[MOMENTS_TEXT_SIZE], squares[MOMENTS_TEXT_SIZE]; /* of the moments */
};

/* Thousands of pairs: one line. */
static void put_buckets(struct json_writer *w, const struct json_field *f, const void *histogram)
{
    int indent = w->indent;
    (void)f;
    w->indent = 0;
    json_begin_array(w);
    for (struct histogram_bucket b = {0}; histogram_next(histogram, &b);) {
        json_begin_array(w);
        json_put_i64(w, b.lower);
        json_put_u64(w, b.count);
        json_end_array(w);
    }
    json_end_array(w);
    w->indent = indent;
}

static void read_buckets(struct json_scan *s, const struct json_field *f, void *histogram)
{
    int64_t lower;
    uint64_t count;
    (void)f;
    json_array_begin(s);
    while (json_array_next(s)) {
        json_array_begin(s);
        if (json_array_next(s) && json_i64(s, 0, INT64_MAX, &lower) && json_array_next(s) &&
            json_u64(s, 1, (uint64_t)1 << 48, &count) && !json_array_next(s))
            histogram_add(histogram, lower, count);
        else
            json_fail(s, "expected [lower, count]");
    }
}

static void check_sums(struct json_scan *s, void *totals, uint64_t seen)
{
    struct metric_totals *t = totals;
    (void)seen;
    if (t->moments.count != t->histogram.count ||
        !moments_parse_sums(&t->moments, t->sum, strlen(t->sum), t->squares, strlen(t->squares)))
        json_fail(s, "its sums are not those of its buckets");
}

#define AT(member) JSON_AT(struct metric_totals, member)
static const struct json_field totals_rows[] = {
    {"count", JSON_AS_UINT, AT(moments.count)},
    {"min_ns", JSON_AS_INT, AT(moments.min)},
    {"max_ns", JSON_AS_INT, AT(moments.max)},
    {"sum_ns", JSON_AS_CHARS, AT(sum)},
    {"sum_of_squares_ns2", JSON_AS_CHARS, AT(squares)},
    {"buckets", .read = read_buckets, .write = put_buckets, AT(histogram)},
};
static const struct json_table totals_table = {JSON_ROWS(totals_rows), .open = true,
                                               .check = check_sums};

static void add_total(struct metric_totals *t, int64_t value_ns)
{
    histogram_add(&t->histogram, value_ns, 1);
    moments_add(&t->moments, value_ns, 1);
}

static void total_rows(struct collector *c, struct metric_totals totals[METRIC_COUNT])
{
    struct sorter_scan scan;
    const struct request_row *r;
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan))) {
        int64_t value;
        for (int m = 0; m < METRIC_COUNT; m++)
            if (row_metric(r, (enum metric)m, &value))
                add_total(&totals[m], value);
    }
    sorter_scan_end(&scan);
}

static void total_gaps(const struct gap_store *g, struct metric_totals *total)
{
    struct spool_scan scan = spool_scan_of(&g->exact);
    for (const struct timed_value *v; (v = spool_scan_next(&scan));)
        add_total(total, v->value_ns);
    for (int i = 0; i < GAP_SLICES; i++) {
        histogram_merge(&total->histogram, &g->slices[i]);
        moments_merge(&total->moments, &g->moments[i]);
    }
}

void collector_write_histograms(struct collector *c, struct json_writer *w)
{
    struct metric_totals totals[METRIC_COUNT] = {0};
    total_rows(c, totals);
    total_gaps(&c->gaps, &totals[METRIC_CHUNK_GAP]);
    json_begin_object(w);
    json_pair_u64(w, "schema_version", 1);
    json_key(w, "accounting");
    json_fields_write(w, &accounting_table, &c->accounting, 0);
    for (int m = 0; m < METRIC_COUNT; m++) {
        json_key(w, metric_key((enum metric)m));
        moments_format_sums(&totals[m].moments, totals[m].sum, totals[m].squares);
        json_fields_write(w, &totals_table, &totals[m], 0);
        histogram_free(&totals[m].histogram);
    }
    json_end_object(w);
    buffer_add_byte(w->out, '\n');
}

/* The width of a slice of gaps that belong to no instant: all of a run is in the first one, and so
 * in every window. A power of two of seconds, so that slices still join. */
#define NO_INSTANT_NS (NS_PER_S << 26)

static void take_gaps(struct gap_store *g, const char *path, struct text gaps)
{
    struct metric_totals t = {0};
    struct json_scan scan;
    json_scan_init(&scan, path, gaps.at, gaps.length, 1);
    json_fields_read(&scan, &totals_table, &t);
    if (json_scan_end(&scan, NULL) == 0 && t.moments.count > 0) {
        g->folded = true;
        g->slice_ns = NO_INSTANT_NS;
        histogram_merge(&g->slices[0], &t.histogram);
        moments_merge(&g->moments[0], &t.moments);
    }
    histogram_free(&t.histogram);
}

int collector_read_gaps(struct collector *c, const char *run, struct error *err)
{
    char *path = run_dir_file(run, "histograms.json"), *json = NULL;
    struct text gaps;
    size_t length;
    int status = 0;
    if (c->gaps.exact.count == 0 && !c->gaps.folded && file_exists(path))
        status = file_read_all(path, HISTOGRAMS_MOST, &json, &length, err);
    if (json && json_member(json, metric_key(METRIC_CHUNK_GAP), &gaps))
        take_gaps(&c->gaps, path, gaps);
    free(json);
    free(path);
    return status;
}

#define LINE(member)                                                 \
    {                                                                \
#member, JSON_AS_UINT, JSON_AT(struct timeline_line, member) \
    }
static const struct json_field line_rows[] = {
    LINE(t_s),    LINE(seconds),   LINE(due),    LINE(sent),          LINE(completed),
    LINE(failed), LINE(cancelled), LINE(unsent), LINE(output_tokens), LINE(in_flight),
};
static const struct json_table line_table = {JSON_ROWS(line_rows)};

void collector_write_timeline(struct collector *c, struct buffer *out)
{
    struct timeline_line *lines;
    size_t count = collector_timeline(c, &lines);
    for (size_t i = 0; i < count; i++) {
        struct json_writer w;
        json_write_init(&w, out, 0);
        json_fields_write(&w, &line_table, &lines[i], 0);
        buffer_add_byte(out, '\n');
    }
    free(lines);
}
