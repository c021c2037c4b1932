#include "cli/report/text/group_table.h"

#include "cli/report/text/summary_table.h"

#include <stdio.h>
#include <string.h>

enum { REQUESTS, FAILED, CANCELLED, UNSENT, COUNTS };

static void counts_of(const struct group_summary *g, uint64_t out[COUNTS])
{
    out[REQUESTS] = g->requests;
    out[FAILED] = g->failed;
    out[CANCELLED] = g->cancelled;
    out[UNSENT] = g->unsent;
}

/* What no group has needs no column. */
static void choose_counts(const struct summary *s, bool shown[COUNTS])
{
    uint64_t counts[COUNTS];
    shown[REQUESTS] = shown[FAILED] = true;
    shown[CANCELLED] = shown[UNSENT] = false;
    for (size_t i = 0; i < s->group_count; i++) {
        counts_of(&s->groups[i], counts);
        for (int k = 0; k < COUNTS; k++)
            shown[k] |= counts[k] > 0;
    }
}

static void add_head(const struct summary *s, const char *dimension, const bool shown[COUNTS],
                     struct buffer *out)
{
    static const char *const counts[COUNTS] = {"requests", "failed", "cancelled", "unsent"};
    static const char *const heads[] = {"TTFT p50", "TTFT p99", "TPOT p50",
                                        "E2E p50",  "E2E p99",  "tokens"};
    char title[GROUP_NAME_SIZE + 40];
    bool closed = s->load && strcmp(s->load, "closed") == 0;
    snprintf(title, sizeof title, "by %s, ms%s", dimension, closed ? "" : "; TTFT from schedule");
    buffer_add_byte(out, '\n');
    add_padded(out, title, 36, false);
    for (int i = 0; i < COUNTS; i++)
        if (shown[i])
            add_padded(out, counts[i], i == CANCELLED ? 11 : 9, true);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        add_padded(out, heads[i], 10, true);
    buffer_add_byte(out, '\n');
}

static void add_count(struct buffer *out, uint64_t value, int width)
{
    char cell[TEXT_GROUPED_SIZE];
    add_padded(out, text_group_u64(value, cell), width, true);
}

static void add_row(const struct summary *s, const struct group_summary *g,
                    const bool shown[COUNTS], struct buffer *out)
{
    uint64_t counts[COUNTS];
    bool closed = s->load && strcmp(s->load, "closed") == 0;
    const struct short_metric *ttft = &g->metrics[closed ? GROUP_TTFT : GROUP_TTFT_SCHEDULED];
    char name[40];
    snprintf(name, sizeof name, "  %.31s", g->name);
    add_padded(out, name, 36, false);
    counts_of(g, counts);
    for (int i = 0; i < COUNTS; i++)
        if (shown[i])
            add_count(out, counts[i], i == CANCELLED ? 11 : 9);
    add_padded_number(out, ttft->p50, 10);
    add_padded_number(out, ttft->p99, 10);
    add_padded_number(out, g->metrics[GROUP_TPOT].p50, 10);
    add_padded_number(out, g->metrics[GROUP_E2E].p50, 10);
    add_padded_number(out, g->metrics[GROUP_E2E].p99, 10);
    add_count(out, g->output_tokens, 10);
    buffer_add_byte(out, '\n');
}

bool group_is_shown(const char *dimension)
{
    return strcmp(dimension, "turn") != 0 && !text_starts(text_of(dimension), "label:");
}

void group_table(const struct summary *s, struct buffer *out)
{
    bool shown[COUNTS];
    choose_counts(s, shown);
    for (size_t i = 0; i < s->group_count; i++) {
        const char *dimension = s->groups[i].dimension;
        if (!group_is_shown(dimension))
            continue;
        if (i == 0 || strcmp(dimension, s->groups[i - 1].dimension) != 0)
            add_head(s, dimension, shown, out);
        add_row(s, &s->groups[i], shown, out);
    }
}
