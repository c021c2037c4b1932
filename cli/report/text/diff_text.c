#include "cli/report/text/diff_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* In the words of the interval beside it: a change that may be chance among so many rows is
 * asked, and only what surely lies within the tolerance is called none. */
static const char *words_for(const struct run_diff *d, const struct diff_row *row)
{
    enum diff_outcome outcome = run_diff_outcome(d, row);
    if (outcome == DIFF_HIGHER)
        return row->latency ? "▲ slower" : "▲ higher";
    if (outcome == DIFF_LOWER)
        return row->latency ? "▼ faster" : "▼ lower";
    if (row->regression)
        return "▲ in one go";
    if (outcome == DIFF_PERHAPS_HIGHER)
        return row->latency ? "△ slower?" : "△ higher?";
    if (outcome == DIFF_PERHAPS_LOWER)
        return row->latency ? "▽ faster?" : "▽ lower?";
    return outcome == DIFF_NO_DIFFERENCE ? "= no change" : "? unclear";
}

void diff_format_change(double what, double value, char out[CELL_SIZE])
{
    int decimals = fabs(value) < 1 ? 1 : 0;
    if (!isfinite(value))
        snprintf(out, CELL_SIZE, "–");
    else if (fabs(value) >= 100)
        snprintf(out, CELL_SIZE, "×%s", TEXT_SHORT(value + 1, 3));
    else
        snprintf(out, CELL_SIZE, "%+.*f %s", decimals, text_shown(value * 100, decimals),
                 what == COMPARE_SHARE ? "pt" : "%");
}

static void format_value(const struct comparison *c, double value, char out[CELL_SIZE])
{
    if (c->what == COMPARE_SHARE && isfinite(value))
        snprintf(out, CELL_SIZE, "%.*f %%", value < 0.99995 ? 2 : 0, value * 100);
    else if (value > 0 && value < 0.01)
        snprintf(out, CELL_SIZE, "%s", TEXT_SHORT(value, 3));
    else
        format_cell(value, out);
}

static void print_row(const struct run_diff *d, const struct diff_row *row, struct buffer *out)
{
    const struct comparison *c = &row->comparison;
    char statistic[DIFF_STATISTIC_SIZE], name[64], cell[CELL_SIZE], low[CELL_SIZE], text[96];
    diff_statistic(c, statistic);
    snprintf(name, sizeof name, "%s, %s", row->title, statistic);
    int width = strcmp(row->key, "cost_usd") == 0 ? 9 : 8; /* 0.000934 */
    add_padded(out, name, 40 - 2 * width, false);
    format_value(c, c->before, cell);
    add_padded(out, cell, width, true);
    format_value(c, c->after, cell);
    add_padded(out, cell, width, true);
    diff_format_change(c->what, c->change, cell);
    add_padded(out, cell, 9, true);
    if (isnan(c->p_value) || (!c->supported && !row->finding && !row->regression)) {
        buffer_add_format(out, "  %s\n", c->why);
        return;
    }
    diff_format_change(c->what, c->low, low);
    diff_format_change(c->what, c->high, cell);
    snprintf(text, sizeof text, "%s … %s", low, cell);
    buffer_add_byte(out, ' ');
    add_padded(out, c->supported ? text : c->why, 18, true);
    buffer_add_format(out, " %s\n", words_for(d, row));
}

static void print_would_decide(const struct diff_judged *j, struct buffer *out)
{
    char cell[TEXT_GROUPED_SIZE], text[2 * CELL_SIZE];
    if (j->would_decide > 0) {
        text_group_u64(j->would_decide, cell);
        snprintf(text, sizeof text, "%s%s", j->at_least ? "≥ " : "", cell);
        add_padded(out, text, 14, true);
    }
    buffer_add_byte(out, '\n');
}

static void print_judged(const struct diff_judged *j, struct buffer *out)
{
    char cell[CELL_SIZE];
    add_padded(out, diff_verdict_name(j->verdict), 11, false);
    add_padded(out, j->figure.name, 24, false);
    diff_format_change(j->figure.what, j->worse, cell);
    add_padded(out, cell, 10, true);
    diff_format_change(j->figure.what, j->limit, cell);
    add_padded(out, cell, 10, true);
    snprintf(cell, sizeof cell, "%s %s", TEXT_SHORT(j->figure.allowed * 100, 6),
             j->figure.points ? "pt" : "%");
    add_padded(out, cell, 9, true);
    print_would_decide(j, out);
}

/* "480 … 510 ms": of a figure by itself. */
static void format_ends(const struct diff_judged *j, char out[2 * GATE_VALUE_SIZE])
{
    char low[GATE_VALUE_SIZE], high[GATE_VALUE_SIZE];
    gate_format_value(&j->figure, j->low, low);
    gate_format_value(&j->figure, j->high, high);
    snprintf(out, 2 * (size_t)GATE_VALUE_SIZE, "%.40s … %.40s", low, high);
}

static void print_limit(const struct diff_judged *j, struct buffer *out)
{
    char cell[GATE_VALUE_SIZE], ends[2 * GATE_VALUE_SIZE];
    add_padded(out, diff_verdict_name(j->verdict), 11, false);
    add_padded(out, j->figure.name, 20, false);
    gate_format_value(&j->figure, j->value, cell);
    add_padded(out, cell, 10, true);
    format_ends(j, ends);
    buffer_add_byte(out, ' ');
    add_padded(out, ends, 19, true);
    snprintf(ends, sizeof ends, j->figure.least ? "≥ " : "≤ ");
    gate_format_value(&j->figure, j->figure.allowed, cell);
    snprintf(ends + strlen(ends), sizeof ends - strlen(ends), "%s", cell);
    add_padded(out, ends, 11, true);
    char needed[TEXT_GROUPED_SIZE];
    if (j->would_decide > 0)
        add_padded(out, text_group_u64(j->would_decide, needed), 8, true);
    buffer_add_byte(out, '\n');
}

static size_t count_limits(const struct run_diff *d)
{
    size_t count = 0;
    for (size_t i = 0; i < d->judged_count; i++)
        count += d->judged[i].figure.absolute;
    return count;
}

static void print_comparisons(const struct run_diff *d, struct buffer *out)
{
    buffer_add_format(out, "\n%35s%10s%10s%9s%14s\n", "", "worse by", "at most", "allowed",
                      "would decide");
    for (size_t i = 0; i < d->judged_count; i++)
        if (!d->judged[i].figure.absolute)
            print_judged(&d->judged[i], out);
    buffer_add_format(
        out,
        "FAIL: worse beyond chance (2.5 %%, one-sided, Holm over these) and by more than\n"
        "allowed. PASS: with 97.5 %% certainty by no more. Would decide: so many %s.\n",
        d->repeats ? "repeats" : "requests");
}

void diff_text_verdicts(const struct run_diff *d, struct buffer *out)
{
    size_t limits = count_limits(d);
    if (limits < d->judged_count)
        print_comparisons(d, out);
    if (limits == 0)
        return;
    buffer_add_format(out, "\n%31s%10s%20s%11s%8s\n", "", "is", "lies in (95 %)", "limit",
                      "decide");
    for (size_t i = 0; i < d->judged_count; i++)
        if (d->judged[i].figure.absolute)
            print_limit(&d->judged[i], out);
    buffer_add_format(out,
                      "FAIL: beyond the limit beyond chance (2.5 %%, one-sided, Holm). PASS: its\n"
                      "interval keeps the limit. Decide: so many %s would.\n",
                      d->repeats ? "repeats" : "requests");
}

void diff_text_table(const struct run_diff *d, const char *const names[2], struct buffer *out)
{
    add_padded(out, "latencies in ms", 24, false);
    add_padded(out, names[0], 8, true);
    add_padded(out, names[1], 8, true);
    buffer_add_format(out, "%9s%19s\n", "change", "lies in (95 %)");
    for (size_t i = 0; i < d->count; i++)
        print_row(d, &d->rows[i], out);
    buffer_add_text(out,
                    "▲ ▼ beyond chance at 5 % over all rows together (Holm). △ ▽ by its interval\n"
                    "alone, as one row in twenty is by chance. = surely within the tolerance.\n");
}

static void add_needed(const struct run_diff *d, const struct diff_judged *j, struct buffer *out)
{
    if (j->would_decide > 0)
        buffer_add_format(out, "; %s%" PRIu64 " %s would decide",
                          j->at_least ? "no fewer than " : "about ", j->would_decide,
                          d->repeats ? "repeats" : "requests");
}

static void tell_limit(const struct run_diff *d, const struct diff_judged *j, struct buffer *out)
{
    char is[GATE_VALUE_SIZE], ends[2 * GATE_VALUE_SIZE], limit[GATE_VALUE_SIZE];
    gate_format_value(&j->figure, j->value, is);
    gate_format_value(&j->figure, j->figure.allowed, limit);
    format_ends(j, ends);
    buffer_add_format(out, "it is %s (%s), limit %s%s", is, ends, limit,
                      j->why && j->verdict != DIFF_PASS ? ", " : "");
    if (j->why && j->verdict != DIFF_PASS)
        buffer_add_text(out, j->why);
    add_needed(d, j, out);
}

void diff_text_judged(const struct run_diff *d, const struct diff_judged *j, struct buffer *out)
{
    char worse[CELL_SIZE], limit[CELL_SIZE];
    if (j->figure.absolute) {
        tell_limit(d, j, out);
        return;
    }
    diff_format_change(j->figure.what, j->worse, worse);
    diff_format_change(j->figure.what, j->limit, limit);
    if (isnan(j->limit))
        buffer_add_format(out, "worse by %s, no limit (%s)", worse,
                          j->why ? j->why : "too few values");
    else
        buffer_add_format(out, "worse by %s, at most %s", worse, limit);
    buffer_add_format(out, ", %s %s allowed", TEXT_SHORT(j->figure.allowed * 100, 6),
                      j->figure.points ? "pt" : "%");
    add_needed(d, j, out);
}
