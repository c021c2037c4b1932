#include "cli/report/text/group_table.h"

#include "cli/report/text/summary_table.h"
#include "core/memory.h"
#include "core/screen/table.h"

#include <string.h>

static struct table *begin_table(const struct summary *s, const char *dimension, struct buffer *out)
{
    static const struct table_column columns[] = {
        {.head = "", .left = true, .indent = 2},
        {.head = "requests"},
        {.head = "failed"},
        {.head = "cancelled", .optional = true},
        {.head = "unsent", .optional = true},
        {.head = "TTFT p50"},
        {.head = "TTFT p99"},
        {.head = "TPOT p50"},
        {.head = "E2E p50", .rank = 1},
        {.head = "E2E p99"},
        {.head = "tokens", .rank = 2},
    };
    buffer_add_format(out, "\nby %s, ms%s\n", dimension,
                      summary_is_closed(s) ? "" : "; TTFT from schedule");
    return table_create(columns, COUNT_OF(columns));
}

static void add_count(struct table *t, uint64_t value)
{
    char cell[TEXT_GROUPED_SIZE];
    table_cell(t, text_group_u64(value, cell));
}

static void add_number(struct table *t, double value)
{
    char cell[CELL_SIZE];
    table_cell(t, format_cell(value, cell));
}

static void add_row(const struct summary *s, const struct group_summary *g, struct table *t)
{
    const struct short_metric *ttft =
        &g->metrics[summary_is_closed(s) ? GROUP_TTFT : GROUP_TTFT_SCHEDULED];
    table_cell(t, g->name);
    add_count(t, g->requests);
    add_count(t, g->failed);
    add_count(t, g->cancelled);
    add_count(t, g->unsent);
    add_number(t, ttft->p50);
    add_number(t, ttft->p99);
    add_number(t, g->metrics[GROUP_TPOT].p50);
    add_number(t, g->metrics[GROUP_E2E].p50);
    add_number(t, g->metrics[GROUP_E2E].p99);
    add_count(t, g->output_tokens);
}

bool group_is_shown(const char *dimension)
{
    return strcmp(dimension, "turn") != 0 && !text_starts(text_of(dimension), "label:");
}

void group_table(const struct summary *s, int width, struct buffer *out)
{
    struct table *t = NULL;
    const char *last = "";
    for (size_t i = 0; i < s->group_count; i++) {
        const char *dimension = s->groups[i].dimension;
        if (!group_is_shown(dimension))
            continue;
        if (t && strcmp(dimension, last) != 0) {
            table_end(t, width, out);
            t = NULL;
        }
        if (!t)
            t = begin_table(s, dimension, out);
        add_row(s, &s->groups[i], t);
        last = dimension;
    }
    if (t)
        table_end(t, width, out);
}
