/* The timeline: what happened in each second of a run. */
#include "core/memory.h"
#include "core/runs/collector.h"

#include <stdlib.h>

/* Runs of days would make a million lines: at most this many, each of whole seconds. */
#define TIMELINE_LINES 100000

static int64_t last_instant(const struct collector *c)
{
    int64_t last = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        const struct request_row *r = &c->rows[i];
        if (r->scheduled_ns != TIME_NEVER && r->scheduled_ns > last)
            last = r->scheduled_ns;
        if (r->done_ns != TIME_NEVER && r->done_ns > last)
            last = r->done_ns;
    }
    return last;
}

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
    if (r->done_ns == TIME_NEVER)
        return;
    if (r->status == RECORD_COMPLETED)
        lines[line_of(r->done_ns, width_ns)].completed++;
    else
        lines[line_of(r->done_ns, width_ns)].failed++;
}

/* The largest number in flight at once within each line: one walk over all starts and ends. */
static void find_peaks(const struct collector *c, struct timeline_line *lines, size_t count,
                       int64_t width_ns)
{
    struct flights f;
    size_t started = 0, ended = 0;
    collector_flights(c, &f);
    for (size_t i = 0; i < count; i++) {
        int64_t end = (int64_t)(i + 1) * width_ns;
        uint64_t peak = started - ended;
        while (started < f.count && f.starts[started] < end) {
            while (ended < f.count && f.ends[ended] <= f.starts[started])
                ended++;
            started++;
            if (started - ended > peak)
                peak = started - ended;
        }
        while (ended < f.count && f.ends[ended] < end)
            ended++;
        lines[i].in_flight = peak;
    }
    collector_flights_free(&f);
}

size_t collector_timeline(struct collector *c, struct timeline_line **out)
{
    *out = NULL;
    if (c->row_count == 0)
        return 0;
    int64_t seconds = last_instant(c) / NS_PER_S + 1;
    int64_t step = (seconds + TIMELINE_LINES - 1) / TIMELINE_LINES, width_ns = step * NS_PER_S;
    size_t count = (size_t)((seconds + step - 1) / step);
    struct timeline_line *lines = mem_zero(count, sizeof *lines);
    for (size_t i = 0; i < c->row_count; i++)
        add_row(&c->rows[i], lines, count, width_ns);
    find_peaks(c, lines, count, width_ns);
    for (size_t i = 0; i < count; i++) {
        int64_t from = (int64_t)i * width_ns;
        lines[i].t_s = i * (uint64_t)step;
        lines[i].seconds = (uint64_t)step;
        lines[i].output_tokens = token_bins_between(&c->tokens, from, from + width_ns);
    }
    *out = lines;
    return count;
}
