#include "cli/report/text/start_parts.h"

#include "cli/report/text/summary_table.h"

#include <stdio.h>

#define TELLING_SHARE 0.05

const char *start_part_title(int part)
{
    static const char *const titles[SET_UP_PARTS] = {"DNS",
                                                     "connect",
                                                     "TLS",
                                                     "first byte",
                                                     "first reasoning token",
                                                     "first text token",
                                                     "first tool token"};
    return titles[part];
}

bool start_part_tells(const struct summary *s, int part)
{
    const struct short_metric *m = &s->set_up[part];
    const struct metric_summary *metrics = s->all.metrics;
    const struct metric_summary *whole =
        metrics[METRIC_TTFT].count ? &metrics[METRIC_TTFT] : &metrics[METRIC_E2E];
    double telling = TELLING_SHARE * whole->p50;
    if (m->count == 0)
        return false;
    if (part < SET_UP_FIRST_BYTE)
        return whole->count == 0 || m->p99 >= telling;
    if (part == SET_UP_FIRST_BYTE)
        return whole->count > 0 && whole->p50 - m->p50 >= telling && telling > 0;
    return s->set_up[SET_UP_FIRST_REASONING].count + s->set_up[SET_UP_FIRST_TOOL].count > 0;
}

static void add_head(struct buffer *out)
{
    static const char *const heads[] = {"p50", "p90", "p99", "mean", "count"};
    buffer_add_byte(out, '\n');
    add_padded(out, "parts of the start, ms", 22, false);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        add_padded(out, heads[i], 9, true);
    buffer_add_byte(out, '\n');
}

/* The longest name takes a column of the first figure's room. */
static void add_part(const struct short_metric *m, const char *title, struct buffer *out)
{
    const double values[] = {m->p50, m->p90, m->p99, m->mean};
    char name[64], count[TEXT_GROUPED_SIZE];
    snprintf(name, sizeof name, "  %s", title);
    add_padded(out, name, 23, false);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        add_padded_number(out, values[i], i ? 9 : 8);
    add_padded(out, text_group_u64(m->count, count), 9, true);
    buffer_add_byte(out, '\n');
}

void start_parts_table(const struct summary *s, struct buffer *out)
{
    bool some = false;
    for (int part = 0; part < SET_UP_PARTS; part++) {
        if (!start_part_tells(s, part))
            continue;
        if (!some)
            add_head(out);
        some = true;
        add_part(&s->set_up[part], start_part_title(part), out);
    }
}
