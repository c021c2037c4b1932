#include "core/runs/compare/ab.h"

#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_CAP ((size_t)64 << 20)

void ab_init(struct ab *ab)
{
    *ab = (struct ab){0};
    buffer_init(&ab->answer, BUFFER_UNBOUNDED);
    buffer_init(&ab->doubts, BUFFER_UNBOUNDED);
}

void ab_free(struct ab *ab)
{
    for (int i = 0; i < 2; i++) {
        free(ab->sides[i].name);
        free(ab->sides[i].url);
        free(ab->sides[i].model);
        free(ab->sides[i].plan);
    }
    repeat_diff_free(&ab->result);
    buffer_free(&ab->answer);
    buffer_free(&ab->doubts);
    free(ab->runs);
}

static struct ab_run *find_run(const struct ab *ab, size_t side, uint64_t pair)
{
    for (size_t i = 0; i < ab->count; i++)
        if (ab->runs[i].side == side && ab->runs[i].pair == pair)
            return &ab->runs[i];
    return NULL;
}

void ab_add_run(struct ab *ab, size_t side, uint64_t pair, bool whole, money spent)
{
    struct ab_run *earlier = find_run(ab, side, pair);
    struct ab_run run = {side, pair, whole, spent};
    if (earlier) {
        size_t behind = (size_t)(ab->runs + ab->count - earlier) - 1;
        if (money_add(earlier->spent, spent, &run.spent) < 0)
            run.spent = MONEY_MAX;
        memmove(earlier, earlier + 1, behind * sizeof *earlier);
        ab->count--;
    }
    mem_grow(&ab->runs, &ab->capacity, ab->count + 1, sizeof *ab->runs);
    ab->runs[ab->count++] = run;
}

bool ab_has_run(const struct ab *ab, size_t side, uint64_t pair)
{
    const struct ab_run *run = find_run(ab, side, pair);
    return run && run->whole;
}

uint64_t ab_pairs(const struct ab *ab)
{
    uint64_t pairs = 0;
    for (size_t i = 0; i < ab->count; i++)
        pairs += ab->runs[i].side == 0 && ab->runs[i].whole && ab_has_run(ab, 1, ab->runs[i].pair);
    return pairs;
}

/* ---- reading back ---- */

static void read_run(struct json_scan *s, struct ab *ab)
{
    struct text key, side = {0}, spent = {0};
    struct ab_run run = {0};
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "side"))
            json_string(s, &side);
        else if (text_equal(key, "pair"))
            json_u64(s, 1, 1000000, &run.pair);
        else if (text_equal(key, "whole"))
            json_bool(s, &run.whole);
        else if (text_equal(key, "spent_usd"))
            json_string(s, &spent);
        else
            json_skip(s, NULL);
    }
    if (s->failed || run.pair == 0)
        return;
    money_parse(spent.at, spent.length, MONEY_PER_ONE, &run.spent);
    ab_add_run(ab, text_equal(side, "B"), run.pair, run.whole, run.spent);
}

static void hash_text(const struct ab *ab, char out[20])
{
    snprintf(out, 20, "%016" PRIx64, ab->options_hash);
}

static int read_text(struct ab *ab, const char *file, struct text json, struct error *err)
{
    struct json_scan s;
    struct text key, hash = {0};
    char own[20];
    hash_text(ab, own);
    json_scan_init(&s, file, json.at, json.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "options")) {
            json_string(&s, &hash);
        } else if (text_equal(key, "runs")) {
            json_array_begin(&s);
            while (json_array_next(&s))
                read_run(&s, ab);
        } else {
            json_skip(&s, NULL);
        }
    }
    if (json_scan_end(&s, err) < 0)
        return err->code;
    if (!text_equal(hash, own))
        return error_set(err, ERR_INPUT,
                         "%s is of another comparison or of other options: --force begins anew",
                         file);
    return 0;
}

int ab_read_runs(struct ab *ab, const char *directory, struct error *err)
{
    char *file = run_dir_file(directory, AB_FILE), *text = NULL;
    size_t length;
    int status = file_read_all(file, FILE_CAP, &text, &length, err);
    if (status == 0)
        status = read_text(ab, file, (struct text){text, length}, err);
    free(text);
    free(file);
    return status < 0 ? ERR_INPUT : 0;
}

/* ---- comparing ---- */

static char *run_path(const char *directory, uint64_t pair, size_t side)
{
    char name[48];
    snprintf(name, sizeof name, "%" PRIu64 "-%zu", pair, side + 1);
    return run_dir_file(directory, name);
}

static size_t list_paths(const struct ab *ab, const char *directory, char **paths[2])
{
    size_t count = 0;
    for (int side = 0; side < 2; side++)
        paths[side] = mem_alloc((ab->count + 1) * sizeof *paths[side]);
    for (uint64_t pair = 1; pair <= ab->pairs_asked; pair++) {
        if (!ab_has_run(ab, 0, pair) || !ab_has_run(ab, 1, pair))
            continue;
        for (size_t side = 0; side < 2; side++)
            paths[side][count] = run_path(directory, pair, side);
        count++;
    }
    return count;
}

int ab_compare(struct ab *ab, const char *directory, const struct run_diff_options *options,
               struct error *err)
{
    char **paths[2];
    size_t count = list_paths(ab, directory, paths);
    struct repeat_side sides[2];
    for (int i = 0; i < 2; i++)
        sides[i] = (struct repeat_side){(const char *const *)paths[i], count};
    int status = count ? repeat_diff_make(&ab->result, sides, REPEAT_IN_TIME, options, err)
                       : error_set(err, ERR_WORK, "no pair of runs is whole: nothing is compared");
    ab->compared = status == 0;
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++)
            free(paths[side][i]);
        free(paths[side]);
    }
    return status;
}

bool ab_per_thousand(const struct ab *ab, int side, money *out)
{
    const struct diff_charges *c = &ab->result.diff.charges;
    return ab->compared && c->fits && c->requests[side] > 0 &&
           money_prorate(c->usd[side], 1000, c->requests[side], out) == 0;
}

enum diff_outcome ab_outcome_of(const struct ab *ab, size_t row)
{
    return run_diff_outcome(&ab->result.diff, &ab->result.diff.rows[row]);
}

int ab_winner_of(const struct ab *ab, size_t row)
{
    const struct diff_row *r = &ab->result.diff.rows[row];
    enum diff_outcome v = ab_outcome_of(ab, row);
    if (r->better == DIFF_NEITHER || (v != DIFF_HIGHER && v != DIFF_LOWER))
        return -1;
    return (v == DIFF_HIGHER) == (r->better == DIFF_MORE);
}

bool ab_is_headline(const struct ab *ab, size_t row)
{
    const struct run_diff *d = &ab->result.diff;
    const struct diff_row *r = &d->rows[row];
    double what = r->comparison.what;
    enum metric ttft = d->closed ? METRIC_TTFT : METRIC_TTFT_SCHEDULED;
    enum metric e2e = d->closed ? METRIC_E2E : METRIC_E2E_SCHEDULED;
    bool ends = strcmp(r->key, metric_key(ttft)) == 0 || strcmp(r->key, metric_key(e2e)) == 0;
    if (what == COMPARE_SHARE)
        return true;
    if (what == COMPARE_RATE)
        return d->closed && r->better == DIFF_MORE;
    return (ends && (what == 0.5 || what == 0.99)) ||
           (strcmp(r->key, metric_key(METRIC_TPOT)) == 0 && what == 0.5);
}
