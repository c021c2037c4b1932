/* The timeline: what happened in each second of a run. */
#include "core/memory.h"
#include "core/runs/summary/collector_state.h"

#include <stdlib.h>

/* Runs of days would make a million lines: at most this many, each of whole seconds. */
#define TIMELINE_LINES 100000

static size_t line_of(int64_t at_ns, int64_t width_ns)
{
    return at_ns > 0 ? (size_t)(at_ns / width_ns) : 0;
}

static void add_row(const struct request_row *r, struct timeline_line *lines, size_t count,
                    int64_t width_ns)
{
    if (r->scheduled_ns != TIME_NEVER)
        lines[line_of(r->scheduled_ns, width_ns)].due++;
    if (r->sent_ns != TIME_NEVER && line_of(r->sent_ns, width_ns) < count)
        lines[line_of(r->sent_ns, width_ns)].sent++;
    if (r->status == RECORD_UNSENT && r->scheduled_ns != TIME_NEVER)
        lines[line_of(r->scheduled_ns, width_ns)].unsent++;
    if (r->done_ns == TIME_NEVER || r->status == RECORD_UNSENT)
        return;
    struct timeline_line *line = &lines[line_of(r->done_ns, width_ns)];
    line->completed += r->status == RECORD_COMPLETED;
    line->failed += r->status == RECORD_FAILED;
    line->cancelled += r->status == RECORD_CANCELLED;
}

/* Sorted instants, the next one in sight. */
struct instants {
    struct sorter_scan scan;
    int64_t next_ns; /* TIME_NEVER behind the last */
    size_t passed;
};

static void instants_step(struct instants *s)
{
    const int64_t *at = sorter_scan_next(&s->scan);
    s->next_ns = at ? *at : TIME_NEVER;
}

static void instants_begin(struct instants *s, struct sorter *from)
{
    sorter_scan_begin(&s->scan, from);
    s->passed = 0;
    instants_step(s);
}

static void instants_pass(struct instants *s)
{
    s->passed++;
    instants_step(s);
}

/* The largest number in flight at once within each line: one walk over all starts and ends. */
static void find_peaks(struct collector *c, struct timeline_line *lines, size_t count,
                       int64_t width_ns)
{
    struct flights f;
    struct instants starts, ends;
    collector_flights(c, &f);
    instants_begin(&starts, &f.starts);
    instants_begin(&ends, &f.ends);
    for (size_t i = 0; i < count; i++) {
        int64_t end_ns = (int64_t)(i + 1) * width_ns;
        uint64_t peak = starts.passed > ends.passed ? starts.passed - ends.passed : 0;
        while (starts.next_ns < end_ns) {
            while (ends.next_ns <= starts.next_ns)
                instants_pass(&ends);
            instants_pass(&starts);
            if (starts.passed > ends.passed && starts.passed - ends.passed > peak)
                peak = starts.passed - ends.passed;
        }
        while (ends.next_ns < end_ns)
            instants_pass(&ends);
        lines[i].in_flight = peak;
    }
    sorter_scan_end(&starts.scan);
    sorter_scan_end(&ends.scan);
    collector_flights_free(&f);
}

/* Tokens of each line. A bin that a line's end cuts counts in proportion, and what is cut off goes
 * to the next line: the lines' sum is that of all bins. */
static void fill_tokens(const struct token_bins *t, struct timeline_line *lines, size_t count,
                        int64_t width_ns)
{
    uint64_t before = 0, told = 0;
    size_t bin = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t end_ns = (int64_t)(i + 1) * width_ns;
        while (bin < t->count && ((int64_t)(bin + 1) * t->width_ns <= end_ns || i + 1 == count))
            before += t->counts[bin++];
        int64_t into_ns = end_ns - (int64_t)bin * t->width_ns;
        uint64_t by_end = before;
        if (bin < t->count && into_ns > 0)
            by_end += (uint64_t)((double)t->counts[bin] * (double)into_ns / (double)t->width_ns);
        lines[i].output_tokens = by_end - told;
        told = by_end;
    }
}

size_t collector_timeline(struct collector *c, struct timeline_line **out)
{
    *out = NULL;
    if (sorter_count(&c->rows) == 0)
        return 0;
    int64_t last_ns = c->last_due_ns > c->last_done_ns ? c->last_due_ns : c->last_done_ns;
    int64_t seconds = last_ns / NS_PER_S + 1;
    int64_t step = (seconds + TIMELINE_LINES - 1) / TIMELINE_LINES, width_ns = step * NS_PER_S;
    size_t count = (size_t)((seconds + step - 1) / step);
    struct timeline_line *lines = mem_zero(count, sizeof *lines);
    struct sorter_scan scan;
    const struct request_row *r;
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan)))
        add_row(r, lines, count, width_ns);
    sorter_scan_end(&scan);
    find_peaks(c, lines, count, width_ns);
    fill_tokens(&c->tokens, lines, count, width_ns);
    for (size_t i = 0; i < count; i++) {
        lines[i].t_s = i * (uint64_t)step;
        lines[i].seconds = (uint64_t)step;
    }
    *out = lines;
    return count;
}
