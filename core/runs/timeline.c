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

/* In flight: +1 in the line of the sending, −1 in the line after the end; summed up later. */
static void add_row(const struct request_row *r, struct timeline_line *lines, int64_t *changes,
                    size_t count, int64_t width_ns)
{
    if (r->scheduled_ns != TIME_NEVER)
        lines[line_of(r->scheduled_ns, width_ns)].due++;
    if (r->sent_ns != TIME_NEVER && line_of(r->sent_ns, width_ns) < count)
        lines[line_of(r->sent_ns, width_ns)].sent++;
    if (r->done_ns == TIME_NEVER)
        return;
    size_t end = line_of(r->done_ns, width_ns);
    if (r->status == RECORD_COMPLETED)
        lines[end].completed++;
    else
        lines[end].failed++;
    if (r->sent_ns == TIME_NEVER)
        return;
    changes[line_of(r->sent_ns, width_ns)]++;
    changes[end + 1]--;
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
    int64_t *changes = mem_zero(count + 1, sizeof *changes), in_flight = 0;
    for (size_t i = 0; i < c->row_count; i++)
        add_row(&c->rows[i], lines, changes, count, width_ns);
    for (size_t i = 0; i < count; i++) {
        int64_t from = (int64_t)i * width_ns;
        in_flight += changes[i];
        lines[i].t_s = i * (uint64_t)step;
        lines[i].seconds = (uint64_t)step;
        lines[i].in_flight = (uint64_t)(in_flight > 0 ? in_flight : 0);
        lines[i].output_tokens = token_bins_between(&c->tokens, from, from + width_ns);
    }
    free(changes);
    *out = lines;
    return count;
}
