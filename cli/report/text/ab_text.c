#include "cli/report/text/ab_text.h"

#include "cli/report/text/diff_text.h"
#include "core/wrap.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TITLE_SIZE 64

static const char *name_of(const struct ab *ab, int side)
{
    static const char *const letters[2] = {"A", "B"};
    return ab->sides[side].name ? ab->sides[side].name : letters[side];
}

/* ---- doubts ---- */

static void doubt_failures(struct ab *ab, int side)
{
    const struct accounting *a = &ab->result.diff.accounting[side];
    uint64_t all = a->completed + a->failed + a->cancelled + a->unsent;
    if (a->failed > 0)
        buffer_add_format(&ab->doubts,
                          "%s failed %" PRIu64 " of %" PRIu64
                          " requests (%s %%): latencies are of those that both answered.\n",
                          name_of(ab, side), a->failed, all,
                          TEXT_SHORT(100 * (double)a->failed / (double)all, 2));
    if (a->cancelled + a->unsent > 0)
        buffer_add_format(&ab->doubts,
                          "Of %s %" PRIu64 " of %" PRIu64
                          " requests were cancelled or never sent.\n",
                          name_of(ab, side), a->cancelled + a->unsent, all);
}

static void doubt_client(struct ab *ab, int side)
{
    const struct repeat_diff *r = &ab->result;
    const char *why = r->diff.limits[side];
    if (r->limited[side] > 0)
        buffer_add_format(
            &ab->doubts,
            "The client was the limit in %zu of %s's %zu runs%s%s%s: a difference may "
            "be the client's.\n",
            r->limited[side], name_of(ab, side), r->repeats[side], *why ? " (" : "", why,
            *why ? ")" : "");
}

/* Notes that speak of sides, or of what the run was told to leave out, say it in other words. */
static void doubt_notes(struct ab *ab)
{
    const struct run_diff *d = &ab->result.diff;
    for (size_t i = 0; i < d->note_count; i++) {
        const char *note = d->notes[i];
        if (strstr(note, "before") || strncmp(note, "after", 5) == 0)
            continue;
        buffer_add_byte(&ab->doubts, *note >= 'a' && *note <= 'z' ? *note - 'a' + 'A' : *note);
        buffer_add_format(&ab->doubts, "%s.\n", note + 1);
    }
}

/* A run that did not end by itself takes its pair with it. */
static void doubt_runs(struct ab *ab)
{
    for (size_t i = 0; i < ab->count; i++) {
        const struct ab_run *run = &ab->runs[i];
        if (!run->whole)
            buffer_add_format(&ab->doubts,
                              "%s's run %" PRIu64 "-%zu did not end by itself, and is left out.\n",
                              name_of(ab, (int)run->side), run->pair, run->side + 1);
    }
}

static void doubt_pairs(struct ab *ab, uint64_t pairs)
{
    if (pairs == 0)
        buffer_add_text(&ab->doubts, "No pair of runs is whole: nothing is compared.\n");
    else if (pairs < ab->pairs_asked)
        buffer_add_format(&ab->doubts,
                          "%" PRIu64 " of %" PRIu64
                          " pairs of runs are whole: what follows is of those.\n",
                          pairs, ab->pairs_asked);
    if (pairs == 1)
        buffer_add_text(&ab->doubts, "One run a side: how far another would lie is not known, and "
                                     "no winner is named (--repeat 6).\n");
    else if (pairs > 1 && pairs < AB_SURE_PAIRS)
        buffer_add_format(&ab->doubts,
                          "With %" PRIu64 " pairs the intervals lean on the pairs being normally "
                          "distributed: six or more are safer (--repeat 6).\n",
                          pairs);
}

static void doubt_plan(struct ab *ab, int side)
{
    const struct ab_side *s = &ab->sides[side];
    if (s->plan && s->paid_by_period)
        buffer_add_format(&ab->doubts,
                          "%s is paid by the period (%s): that is not in the cost of its "
                          "requests.\n",
                          name_of(ab, side), s->plan);
}

static void conclude_doubts(struct ab *ab)
{
    buffer_clear(&ab->doubts);
    doubt_pairs(ab, ab_pairs(ab));
    doubt_runs(ab);
    for (int side = 0; ab->compared && side < 2; side++) {
        doubt_failures(ab, side);
        doubt_client(ab, side);
        doubt_plan(ab, side);
    }
    if (ab->compared)
        doubt_notes(ab);
}

/* ---- figures in words ---- */

/* "TTFT p50": the leading clock of a load needs no word. */
static void short_title(const struct diff_row *r, char out[TITLE_SIZE])
{
    char statistic[DIFF_STATISTIC_SIZE];
    int length = (int)strcspn(r->title, ",");
    diff_statistic(&r->comparison, statistic);
    if (r->latency)
        snprintf(out, TITLE_SIZE, "%.*s %s", length, r->title, statistic);
    else
        snprintf(out, TITLE_SIZE, "%s", r->title);
}

static const char *unit_of(const struct diff_row *r)
{
    return r->comparison.what == COMPARE_SHARE ? "points" : "%";
}

/* Digits behind the point for a change and its interval alike: one where all are below 10 %, and
 * where the ends would read the same without. */
static int decimals_of(const struct comparison *c)
{
    double largest = fabs(c->change);
    if (c->supported)
        largest = fmax(largest, fmax(fabs(c->low), fabs(c->high)));
    return largest < 0.0995 || (c->supported && c->high - c->low < 0.02);
}

/* "12", "0.8": a share of 1 as percent or points, without sign. */
static void add_size(struct buffer *out, double value, int decimals)
{
    buffer_add_format(out, "%.*f", decimals, fabs(value) * 100);
}

/* " (9 … 15 %)", in the direction of the change. */
static void add_interval(struct buffer *out, const struct diff_row *r)
{
    const struct comparison *c = &r->comparison;
    bool up = c->change > 0;
    int decimals = decimals_of(c);
    if (!c->supported)
        return;
    buffer_add_text(out, " (");
    add_size(out, up ? c->low : c->high, decimals);
    buffer_add_text(out, " … ");
    add_size(out, up ? c->high : c->low, decimals);
    buffer_add_format(out, " %s)", unit_of(r));
}

/* " (-8 … +11 %)" */
static void add_signed_interval(struct buffer *out, const struct diff_row *r)
{
    const struct comparison *c = &r->comparison;
    int decimals = decimals_of(c);
    buffer_add_text(out, c->low < 0 ? " (-" : " (+");
    add_size(out, c->low, decimals);
    buffer_add_text(out, c->high < 0 ? " … -" : " … +");
    add_size(out, c->high, decimals);
    buffer_add_format(out, " %s)", unit_of(r));
}

/* "12 % slower (9 … 15 %) in TTFT p50", "3.2 points more failed (2.1 … 4.3 points)". */
static void add_change(struct buffer *out, const struct diff_row *r)
{
    char title[TITLE_SIZE];
    bool up = r->comparison.change > 0;
    short_title(r, title);
    add_size(out, r->comparison.change, decimals_of(&r->comparison));
    buffer_add_format(out, " %s ", unit_of(r));
    if (r->latency) {
        buffer_add_text(out, up ? "slower" : "faster");
        add_interval(out, r);
        buffer_add_format(out, " in %s", title);
    } else {
        buffer_add_format(out, "%s %s", up ? "more" : "less", title);
        add_interval(out, r);
    }
}

static size_t count_of(const struct ab *ab, enum diff_outcome a, enum diff_outcome b, bool latency)
{
    size_t count = 0;
    for (size_t i = 0; i < ab->result.diff.count; i++) {
        enum diff_outcome v = ab_outcome_of(ab, i);
        count += (v == a || v == b) && ab_is_headline(ab, i) &&
                 ab->result.diff.rows[i].latency == latency;
    }
    return count;
}

static const char *joint(size_t done, size_t count)
{
    return done == 0 ? "" : done + 1 == count ? " and " : ", ";
}

/* "B is 12 % slower (9 … 15 %) in TTFT p50 and 8.0 % faster (7.0 … 9.0 %) in TPOT p50." */
static void answer_findings(struct ab *ab, bool latency)
{
    size_t done = 0, count = count_of(ab, DIFF_HIGHER, DIFF_LOWER, latency);
    if (count == 0)
        return;
    buffer_add_format(&ab->answer, "%s %s ", name_of(ab, 1), latency ? "is" : "has");
    for (size_t i = 0; i < ab->result.diff.count; i++) {
        const struct diff_row *r = &ab->result.diff.rows[i];
        enum diff_outcome v = ab_outcome_of(ab, i);
        if ((v != DIFF_HIGHER && v != DIFF_LOWER) || !ab_is_headline(ab, i) ||
            r->latency != latency)
            continue;
        buffer_add_text(&ab->answer, joint(done++, count));
        add_change(&ab->answer, r);
    }
    buffer_add_text(&ab->answer, ".\n");
}

/* "No difference in TPOT p50 and failed (...)." */
static void answer_list(struct ab *ab, enum diff_outcome a, enum diff_outcome b, const char *before,
                        const char *behind)
{
    size_t done = 0, count = count_of(ab, a, b, true) + count_of(ab, a, b, false);
    if (count == 0)
        return;
    buffer_add_text(&ab->answer, before);
    for (size_t i = 0; i < ab->result.diff.count; i++) {
        const struct diff_row *r = &ab->result.diff.rows[i];
        enum diff_outcome v = ab_outcome_of(ab, i);
        char title[TITLE_SIZE];
        if ((v != a && v != b) || !ab_is_headline(ab, i))
            continue;
        short_title(r, title);
        buffer_add_format(&ab->answer, "%s%s", joint(done++, count), title);
        if (a != DIFF_NO_DIFFERENCE)
            add_signed_interval(&ab->answer, r);
    }
    buffer_add_text(&ab->answer, behind);
}

/* ---- one run a side ---- */

static void answer_these_runs(struct ab *ab)
{
    const struct run_diff *d = &ab->result.diff;
    size_t done = 0, count = 0;
    for (size_t i = 0; i < d->count; i++)
        count += ab_is_headline(ab, i) && isfinite(d->rows[i].comparison.change);
    if (count == 0)
        return;
    buffer_add_format(&ab->answer, "In these runs %s was, against %s: ", name_of(ab, 1),
                      name_of(ab, 0));
    for (size_t i = 0; i < d->count; i++) {
        const struct diff_row *r = &d->rows[i];
        char title[TITLE_SIZE];
        if (!ab_is_headline(ab, i) || !isfinite(r->comparison.change))
            continue;
        short_title(r, title);
        buffer_add_text(&ab->answer, joint(done++, count));
        if (r->comparison.change == 0)
            buffer_add_format(&ab->answer, "equal in %s", title);
        else
            add_change(&ab->answer, r);
    }
    buffer_add_text(&ab->answer, ".\n");
}

/* ---- money ---- */

/* Rounded so far that the two differ where they do: the difference is that of what is shown. */
static int round_amounts(money *a, money *b)
{
    static const int decimals[] = {4, 6, 8, 12};
    money exact_a = *a, exact_b = *b, unit = MONEY_USD;
    int shown = 0;
    for (size_t i = 0; i < sizeof decimals / sizeof decimals[0]; i++) {
        for (; shown < decimals[i]; shown++)
            unit /= 10;
        *a = money_round(exact_a, unit);
        *b = money_round(exact_b, unit);
        if (*a != *b)
            break;
    }
    return exact_a == exact_b ? 4 : shown;
}

static void answer_cost(struct ab *ab)
{
    const struct diff_row *row = run_diff_find(&ab->result.diff, "cost_usd", COMPARE_MEAN);
    money a, b;
    char of_a[MONEY_TEXT_SIZE], of_b[MONEY_TEXT_SIZE], more[MONEY_TEXT_SIZE];
    if (!row || !ab_per_thousand(ab, 0, &a) || !ab_per_thousand(ab, 1, &b))
        return;
    int decimals = round_amounts(&a, &b);
    money_format_amount(a, decimals, of_a);
    money_format_amount(b, decimals, of_b);
    money_format_amount(b > a ? b - a : a - b, decimals, more);
    if (a == b)
        buffer_add_format(&ab->answer, "A thousand requests cost $%s on both sides.\n", of_a);
    else if (row->finding)
        buffer_add_format(&ab->answer, "%s is $%s %s per thousand requests ($%s against $%s).\n",
                          name_of(ab, 1), more, b > a ? "dearer" : "cheaper", of_b, of_a);
    else
        buffer_add_format(&ab->answer, "A thousand requests cost $%s on %s and $%s on %s%s.\n",
                          of_a, name_of(ab, 0), of_b, name_of(ab, 1),
                          ab_pairs(ab) > 1 ? ": no difference beyond chance" : " in these runs");
}

static void conclude_answer(struct ab *ab)
{
    buffer_clear(&ab->answer);
    if (!ab->compared)
        return;
    if (ab_pairs(ab) < 2) {
        answer_these_runs(ab);
    } else {
        answer_findings(ab, true);
        answer_findings(ab, false);
        answer_list(ab, DIFF_PERHAPS_HIGHER, DIFF_PERHAPS_LOWER, "Perhaps a difference in ",
                    ": among so many figures it may be chance.\n");
        answer_list(ab, DIFF_NO_DIFFERENCE, DIFF_NO_DIFFERENCE, "No difference in ",
                    " (within 5 %; of shares within a point).\n");
        answer_list(ab, DIFF_NONE_FOUND, DIFF_NONE_FOUND, "No difference found in ",
                    ": it may be as large as that.\n");
    }
    answer_cost(ab);
}

void ab_text_conclude(struct ab *ab)
{
    conclude_doubts(ab);
    conclude_answer(ab);
}

/* ---- the screen ---- */

static void write_lines(const struct buffer *lines, const char *mark, int width, struct buffer *out)
{
    for (const char *at = lines->length ? lines->data : ""; *at;) {
        size_t length = strcspn(at, "\n");
        char line[1024];
        snprintf(line, sizeof line, "%s%.*s", mark, (int)length, at);
        wrap_text(text_of(line), (size_t)width, 2, out);
        buffer_add_byte(out, '\n');
        at += length + (at[length] == '\n');
    }
}

static void write_side(const struct ab *ab, int side, struct buffer *out)
{
    const struct ab_side *s = &ab->sides[side];
    buffer_add_format(out, "%c  %s", 'A' + side, s->name ? s->name : s->url);
    if (s->name)
        buffer_add_format(out, ", %s", s->url);
    if (s->model)
        buffer_add_format(out, ", model %s", s->model);
    if (s->plan)
        buffer_add_format(out, ", plan %s", s->plan);
    buffer_add_byte(out, '\n');
}

void ab_text_write(const struct ab *ab, int width, struct buffer *out)
{
    static const char *const names[2] = {"A", "B"};
    buffer_add_byte(out, '\n');
    write_side(ab, 0, out);
    write_side(ab, 1, out);
    buffer_add_byte(out, '\n');
    if (ab->doubts.length > 0)
        write_lines(&ab->doubts, "! ", width, out);
    if (ab->doubts.length > 0 && ab->compared)
        buffer_add_byte(out, '\n');
    write_lines(&ab->answer, "", width, out);
    if (!ab->compared)
        return;
    buffer_add_byte(out, '\n');
    diff_text_table(&ab->result.diff, names, out);
    if (ab_pairs(ab) > 1)
        buffer_add_format(out, "Student's t of the log ratios of %" PRIu64 " pairs of runs.\n",
                          ab_pairs(ab));
    buffer_add_byte(out, '\n');
}
