/* compare.json. */
#include "core/file.h"
#include "core/runs/compare/ab.h"
#include "core/runs/record/run_dir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const letters[2] = {"A", "B"};

static void put_side(const struct ab *ab, int i, struct json_writer *w)
{
    const struct ab_side *s = &ab->sides[i];
    const struct run_diff *d = &ab->result.diff;
    const struct accounting *a = &d->accounting[i];
    money per_thousand = 0;
    bool known = ab_per_thousand(ab, i, &per_thousand);
    json_begin_object(w);
    json_pair_string(w, "side", letters[i]);
    json_pair_string(w, "name", s->name);
    json_pair_string(w, "url", s->url);
    json_pair_string(w, "model", s->model);
    json_pair_string(w, "plan", s->plan);
    json_pair_bool(w, "paid_by_period", s->paid_by_period);
    json_pair_u64(w, "requests", a->completed + a->failed + a->cancelled + a->unsent);
    json_pair_u64(w, "completed", a->completed);
    json_pair_u64(w, "failed", a->failed);
    json_pair_u64(w, "cancelled", a->cancelled);
    json_pair_u64(w, "unsent", a->unsent);
    json_pair_u64(w, "client_limited_runs", ab->result.limited[i]);
    json_pair_known_money(w, "charged_usd", known, d->charges.usd[i]);
    json_pair_known_u64(w, "charged_requests", known, d->charges.requests[i]);
    json_pair_known_money(w, "per_1000_usd", known, per_thousand);
    json_end_object(w);
}

static void put_run(const struct ab_run *run, struct json_writer *w)
{
    char path[48];
    snprintf(path, sizeof path, "%" PRIu64 "-%zu", run->pair, run->side + 1);
    json_begin_object(w);
    json_pair_string(w, "path", path);
    json_pair_string(w, "side", letters[run->side]);
    json_pair_u64(w, "pair", run->pair);
    json_pair_bool(w, "whole", run->whole);
    json_pair_money(w, "spent_usd", run->spent);
    json_end_object(w);
}

/* "AB BA AB": the runs as they were made. */
static void put_order(const struct ab *ab, struct json_writer *w)
{
    struct buffer order;
    buffer_init(&order, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < ab->count; i++) {
        if (i > 0 && ab->runs[i].pair != ab->runs[i - 1].pair)
            buffer_add_byte(&order, ' ');
        buffer_add_text(&order, letters[ab->runs[i].side]);
    }
    json_pair_string(w, "order", order.length ? order.data : "");
    buffer_free(&order);
}

static void put_cost(const struct ab *ab, struct json_writer *w)
{
    money a, b, difference;
    if (!ab_per_thousand(ab, 0, &a) || !ab_per_thousand(ab, 1, &b)) {
        json_pair_string(w, "cost", NULL);
        return;
    }
    difference = b - a;
    json_key(w, "cost");
    json_begin_object(w);
    json_pair_money(w, "per_1000_a_usd", a);
    json_pair_money(w, "per_1000_b_usd", b);
    json_pair_money(w, "difference_usd", difference);
    json_end_object(w);
}

/* The number of the i-th whole pair. */
static uint64_t pair_number(const struct ab *ab, size_t i)
{
    for (uint64_t pair = 1; pair <= ab->pairs_asked; pair++)
        if (ab_has_run(ab, 0, pair) && ab_has_run(ab, 1, pair) && i-- == 0)
            return pair;
    return 0;
}

static void put_pairs(const struct ab *ab, size_t row, struct json_writer *w)
{
    const struct repeat_diff *r = &ab->result;
    bool difference = r->diff.rows[row].comparison.what == COMPARE_SHARE;
    json_key(w, "pairs");
    json_begin_array(w);
    for (size_t i = 0; i < r->repeats[0]; i++) {
        double a = r->rows[row].values[0][i], b = r->rows[row].values[1][i];
        json_begin_object(w);
        json_pair_u64(w, "pair", pair_number(ab, i));
        json_pair_double(w, "before", a);
        json_pair_double(w, "after", b);
        json_pair_statistic(w, "change", difference ? b - a : b / a - 1);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_row(const struct ab *ab, size_t row, struct json_writer *w)
{
    static const char *const verdicts[] = {"not_compared",   "higher",        "lower",
                                           "perhaps_higher", "perhaps_lower", "no_difference",
                                           "none_found"};
    const struct diff_row *r = &ab->result.diff.rows[row];
    int winner = ab_winner_of(ab, row);
    json_begin_object(w);
    run_diff_put_row(r, w);
    json_pair_string(w, "title", r->title);
    json_pair_bool(w, "latency", r->latency);
    json_pair_string(w, "verdict", verdicts[ab_outcome_of(ab, row)]);
    json_pair_string(w, "winner", winner < 0 ? NULL : letters[winner]);
    json_pair_bool(w, "headline", ab_is_headline(ab, row));
    put_pairs(ab, row, w);
    json_end_object(w);
}

static void put_rows(const struct ab *ab, struct json_writer *w)
{
    const struct run_diff *d = &ab->result.diff;
    json_key(w, "comparisons");
    json_begin_array(w);
    for (size_t i = 0; ab->compared && i < d->count; i++)
        put_row(ab, i, w);
    json_end_array(w);
    json_key(w, "notes");
    json_begin_array(w);
    for (size_t i = 0; ab->compared && i < d->note_count; i++)
        json_put_string(w, d->notes[i]);
    json_end_array(w);
}

/* In how many rows a difference could have been found. */
static size_t family_of(const struct ab *ab)
{
    size_t family = 0;
    for (size_t i = 0; i < ab->result.diff.count; i++)
        family += !ab->result.diff.rows[i].comparison.settled;
    return family;
}

void ab_write(const struct ab *ab, struct json_writer *w)
{
    char text[80];
    uint64_t pairs = ab_pairs(ab);
    json_begin_object(w);
    json_pair_u64(w, "schema_version", 1);
    json_pair_string(w, "command", "bench");
    json_pair_bool(w, "whole", pairs == ab->pairs_asked);
    json_pair_bool(w, "compared", ab->compared);
    json_pair_u64(w, "pairs", pairs);
    json_pair_u64(w, "pairs_asked", ab->pairs_asked);
    put_order(ab, w);
    json_pair_string(w, "unit", pairs > 1 ? "pair" : "run");
    snprintf(text, sizeof text, "Student's t of paired log ratios, Holm over %zu figures",
             family_of(ab));
    json_pair_string(w, "method", pairs > 1 && ab->compared ? text : NULL);
    json_pair_lines(w, "answer", (struct text){ab->answer.data, ab->answer.length});
    json_pair_lines(w, "doubts", (struct text){ab->doubts.data, ab->doubts.length});
    json_key(w, "sides");
    json_begin_array(w);
    put_side(ab, 0, w);
    put_side(ab, 1, w);
    json_end_array(w);
    put_cost(ab, w);
    put_rows(ab, w);
    json_key(w, "runs");
    json_begin_array(w);
    for (size_t i = 0; i < ab->count; i++)
        put_run(&ab->runs[i], w);
    json_end_array(w);
    snprintf(text, sizeof text, "%016" PRIx64, ab->options_hash);
    json_pair_string(w, "options", text);
    json_end_object(w);
}

int ab_write_file(const struct ab *ab, const char *directory, struct error *err)
{
    struct buffer text;
    struct json_writer w;
    char *path = run_dir_file(directory, AB_FILE);
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    ab_write(ab, &w);
    buffer_add_byte(&text, '\n');
    int status = file_write_atomic(path, text.data, text.length, err);
    buffer_free(&text);
    free(path);
    return status;
}
