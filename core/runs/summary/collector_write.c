/* histograms.json and timeline.jsonl. */
#include "core/runs/summary/collector_state.h"

#include <stdlib.h>

static void put_histogram(struct json_writer *w, const struct histogram *h, const struct moments *m)
{
    char sum[MOMENTS_TEXT_SIZE], squares[MOMENTS_TEXT_SIZE];
    moments_format_sums(m, sum, squares);
    json_begin_object(w);
    json_pair_u64(w, "count", m->count);
    json_pair_i64(w, "min_ns", m->min);
    json_pair_i64(w, "max_ns", m->max);
    json_pair_string(w, "sum_ns", sum);
    json_pair_string(w, "sum_of_squares_ns2", squares);
    json_key(w, "buckets");
    int indent = w->indent;
    w->indent = 0; /* thousands of pairs: one line */
    json_begin_array(w);
    for (struct histogram_bucket b = {0}; histogram_next(h, &b);) {
        json_begin_array(w);
        json_put_i64(w, b.lower);
        json_put_u64(w, b.count);
        json_end_array(w);
    }
    json_end_array(w);
    w->indent = indent;
    json_end_object(w);
}

/* What histograms.json says of each metric. */
struct metric_totals {
    struct histogram histogram;
    struct moments moments;
};

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
        put_histogram(w, &totals[m].histogram, &totals[m].moments);
        histogram_free(&totals[m].histogram);
    }
    json_end_object(w);
    buffer_add_byte(w->out, '\n');
}

void collector_write_timeline(struct collector *c, struct buffer *out)
{
    struct timeline_line *lines;
    size_t count = collector_timeline(c, &lines);
    for (size_t i = 0; i < count; i++) {
        struct json_writer w;
        json_write_init(&w, out, 0);
        json_begin_object(&w);
        json_pair_u64(&w, "t_s", lines[i].t_s);
        json_pair_u64(&w, "seconds", lines[i].seconds);
        json_pair_u64(&w, "due", lines[i].due);
        json_pair_u64(&w, "sent", lines[i].sent);
        json_pair_u64(&w, "completed", lines[i].completed);
        json_pair_u64(&w, "failed", lines[i].failed);
        json_pair_u64(&w, "cancelled", lines[i].cancelled);
        json_pair_u64(&w, "unsent", lines[i].unsent);
        json_pair_u64(&w, "output_tokens", lines[i].output_tokens);
        json_pair_u64(&w, "in_flight", lines[i].in_flight);
        json_end_object(&w);
        buffer_add_byte(out, '\n');
    }
    free(lines);
}
