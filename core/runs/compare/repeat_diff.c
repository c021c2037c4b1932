#include "core/runs/compare/repeat_diff.h"

#include "core/memory.h"
#include "core/runs/compare/repeats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ECHO 0.01 /* two metrics with means as close as this say the same */

/* What is being built. */
struct maker {
    struct repeat_diff *out;
    const struct repeat_side *sides;
    const struct run_diff_options *options;
    struct run_diff pair; /* at hand */
    double requests[2];   /* of all repeats */
};

/* The number of the row with that key and statistic; their count where there is none. */
static size_t find_row(struct repeat_diff *r, const char *key, double what)
{
    const struct diff_row *row = run_diff_find(&r->diff, key, what);
    return row ? (size_t)(row - r->diff.rows) : r->diff.count;
}

static double *no_values(size_t count)
{
    double *values = mem_alloc((count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = NAN;
    return values;
}

static size_t ensure_row(struct repeat_diff *r, const struct diff_row *row)
{
    size_t at = find_row(r, row->key, row->comparison.what);
    if (at < r->diff.count || at == DIFF_ROWS)
        return at;
    r->diff.rows[at] = *row;
    r->diff.count++;
    for (int side = 0; side < 2; side++)
        r->rows[at].values[side] = no_values(r->repeats[side]);
    return at;
}

static void take_rows(struct maker *k, size_t repeat)
{
    struct repeat_diff *r = k->out;
    for (size_t i = 0; i < k->pair.count; i++) {
        const struct diff_row *row = &k->pair.rows[i];
        size_t at = ensure_row(r, row);
        if (at == DIFF_ROWS)
            continue;
        if (repeat < r->repeats[0])
            r->rows[at].values[0][repeat] = row->comparison.before;
        if (repeat < r->repeats[1])
            r->rows[at].values[1][repeat] = row->comparison.after;
    }
}

static bool is_noted(const struct run_diff *d, const char *note)
{
    for (size_t i = 0; i < d->note_count; i++)
        if (strcmp(d->notes[i], note) == 0)
            return true;
    return false;
}

/* Of one side, unless this repeat is there only for the other one's sake. */
static void take_side(struct maker *k, size_t repeat, int side)
{
    struct repeat_diff *r = k->out;
    struct run_diff *d = &r->diff, *p = &k->pair;
    if (repeat >= r->repeats[side])
        return;
    accounting_add(&d->accounting[side], &p->accounting[side]);
    d->requests[side] += p->requests[side];
    d->alone[side] += p->alone[side];
    d->charges.requests[side] += p->charges.requests[side];
    if (money_add(d->charges.usd[side], p->charges.usd[side], &d->charges.usd[side]) < 0)
        d->charges.fits = false;
    if (!p->client_limited[side])
        return;
    if (r->limited[side]++ == 0)
        memcpy(d->limits[side], p->limits[side], sizeof d->limits[side]);
    d->client_limited[side] = true;
}

static void take_pair(struct maker *k, size_t repeat)
{
    struct repeat_diff *r = k->out;
    struct run_diff *d = &r->diff, *p = &k->pair;
    take_rows(k, repeat);
    take_side(k, repeat, 0);
    take_side(k, repeat, 1);
    d->pairs += p->pairs;
    d->closed = (repeat == 0 || d->closed) && p->closed;
    d->charges.fits = d->charges.fits && p->charges.fits;
    r->strange += !p->paired;
    for (size_t i = 0; i < p->note_count; i++)
        if (!is_noted(d, p->notes[i]))
            run_diff_note(d, "%s", p->notes[i]);
}

static void clear(struct repeat_diff *r, const struct repeat_side sides[2],
                  const struct run_diff_options *o)
{
    repeat_diff_free(r);
    *r = (struct repeat_diff){
        .diff = {.tolerance = o->tolerance,
                 .share_tolerance = o->share_tolerance,
                 .undecided_fails = o->undecided_fails,
                 .charges = {.fits = true}},
        .repeats = {sides[0].count, sides[1].count},
    };
}

/* Of a side with fewer repeats the last one stands in, and does not count again. */
static const char *path_of(const struct repeat_side *s, size_t repeat)
{
    return s->paths[repeat < s->count ? repeat : s->count - 1];
}

static int read_all(struct maker *k, bool apart, struct error *err)
{
    size_t most = k->sides[0].count > k->sides[1].count ? k->sides[0].count : k->sides[1].count;
    struct run_diff_options plain = *k->options;
    plain.plain = true;
    plain.apart = apart;
    clear(k->out, k->sides, k->options);
    for (size_t i = 0; i < most; i++) {
        const char *const paths[2] = {path_of(&k->sides[0], i), path_of(&k->sides[1], i)};
        if (run_diff_make(&k->pair, paths, &plain, err) < 0)
            return err->code;
        take_pair(k, i);
    }
    return 0;
}

/* ---- comparing ---- */

/* The repeats that have the figure, of pairs those that both have it. */
static size_t known(const double *values, const double *other, size_t n, double *out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]) && !(other && isnan(other[i])))
            out[count++] = values[i];
    return count;
}

static void compare_row(struct maker *k, size_t at)
{
    struct repeat_diff *r = k->out;
    struct diff_row *row = &r->diff.rows[at];
    double *const *values = r->rows[at].values;
    double *kept[2];
    const char *why = row->comparison.why;
    struct repeat_values v = {
        .paired = r->paired, .requests_before = k->requests[0], .requests_after = k->requests[1]};
    for (int side = 0; side < 2; side++)
        kept[side] = mem_alloc((r->repeats[side] + 1) * sizeof(double));
    v.n_before = known(values[0], r->paired ? values[1] : NULL, r->repeats[0], kept[0]);
    v.n_after = known(values[1], r->paired ? values[0] : NULL, r->repeats[1], kept[1]);
    v.before = kept[0];
    v.after = kept[1];
    repeats_compare(&v, row->comparison.what, &row->comparison);
    if (v.n_before == 0 || v.n_after == 0) {
        row->comparison.why = why ? why : "no run has it";
        row->comparison.settled = true;
    }
    free(kept[0]);
    free(kept[1]);
}

static double mean_of(struct repeat_diff *r, const char *key, int side)
{
    const struct diff_row *row = run_diff_find(&r->diff, key, COMPARE_MEAN);
    return !row ? NAN : side ? row->comparison.after : row->comparison.before;
}

/* True if the first metric says what the second one says already. */
static bool is_echo(const struct maker *k, const char *key, const char *of)
{
    for (int side = 0; side < 2; side++)
        if (fabs(mean_of(k->out, key, side) - mean_of(k->out, of, side)) >
            ECHO * mean_of(k->out, of, side))
            return false;
    return !gate_has_key(&k->options->gate, key);
}

static void drop_rows(struct repeat_diff *r, const char *key)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->diff.count; i++) {
        if (strcmp(r->diff.rows[i].key, key) == 0) {
            free(r->rows[i].values[0]);
            free(r->rows[i].values[1]);
            continue;
        }
        r->diff.rows[kept] = r->diff.rows[i];
        r->rows[kept++] = r->rows[i];
    }
    r->diff.count = kept;
}

static void drop_echoes(struct maker *k)
{
    static const enum metric ttft[] = {METRIC_TTFT_SCHEDULED, METRIC_TTFT};
    static const enum metric e2e[] = {METRIC_E2E_SCHEDULED, METRIC_E2E};
    int lead = k->out->diff.closed;
    const char *keys[][2] = {{metric_key(METRIC_TTFO), metric_key(METRIC_TTFT)},
                             {metric_key(ttft[!lead]), metric_key(ttft[lead])},
                             {metric_key(e2e[!lead]), metric_key(e2e[lead])}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (is_echo(k, keys[i][0], keys[i][1]))
            drop_rows(k->out, keys[i][0]);
}

/* ---- what is said, limits ---- */

static void note_all(struct maker *k)
{
    const struct repeat_diff *r = k->out;
    struct run_diff *d = &k->out->diff;
    if (r->strange > 0)
        run_diff_note(d, "in %zu of %zu pairs of runs the two sides do not hold the same requests",
                      r->strange, r->repeats[0]);
    if (d->alone[0] + d->alone[1] > 0)
        run_diff_note(d,
                      "latencies and tokens leave out what completed on one side only: %" PRIu64
                      " requests before, %" PRIu64 " after",
                      d->alone[0], d->alone[1]);
}

static void add_level(struct maker *k, const struct gate_figure *f, struct diff_level *out)
{
    struct repeat_diff *r = k->out;
    struct repeat_level l;
    size_t at = find_row(r, f->key, f->what);
    *out = (struct diff_level){NAN, NAN, NAN, NAN, 0, "no run has it"};
    if (at == r->diff.count)
        return;
    double *kept = mem_alloc((r->repeats[1] + 1) * sizeof *kept);
    size_t n = known(r->rows[at].values[1], NULL, r->repeats[1], kept);
    repeats_level(kept, n, k->requests[1], f->what, f->allowed, &l);
    *out = (struct diff_level){.value = l.value,
                               .low = l.low,
                               .high = l.high,
                               .p_beyond = f->least ? l.p_down : l.p_up,
                               .values = n,
                               .why = n < 2 ? "one run" : NULL};
    free(kept);
}

static void conclude(struct maker *k)
{
    struct repeat_diff *r = k->out;
    struct run_diff *d = &r->diff;
    for (int side = 0; side < 2; side++)
        k->requests[side] = (double)d->requests[side];
    d->repeats = r->repeats[0] < r->repeats[1] ? r->repeats[0] : r->repeats[1];
    d->paired = r->paired;
    note_all(k);
    for (size_t i = 0; i < d->count; i++)
        compare_row(k, i);
    drop_echoes(k);
    for (size_t i = 0; i < k->options->gate.count; i++)
        if (k->options->gate.figures[i].absolute)
            add_level(k, &k->options->gate.figures[i], &d->levels[i]);
    run_diff_conclude(d);
    if (!k->options->open)
        run_diff_apply(&d, 1, &k->options->gate);
}

int repeat_diff_make(struct repeat_diff *out, const struct repeat_side sides[2],
                     enum repeat_pairing pairing, const struct run_diff_options *options,
                     struct error *err)
{
    struct maker *k = mem_zero(1, sizeof *k);
    *k = (struct maker){.out = out, .sides = sides, .options = options};
    bool pairs = sides[0].count == sides[1].count;
    *out = (struct repeat_diff){0};
    int status = read_all(k, !pairs, err);
    if (status == 0 && pairing == REPEAT_IF_SAME && pairs && out->strange > 0) {
        pairs = false; /* a pair for some of the figures would be none for others */
        status = read_all(k, true, err);
    }
    if (status == 0) {
        out->paired = pairs;
        if (!pairs)
            out->strange = 0;
        conclude(k);
    } else {
        repeat_diff_free(out);
    }
    free(k);
    return status;
}

void repeat_diff_free(struct repeat_diff *r)
{
    for (size_t i = 0; i < r->diff.count; i++) {
        free(r->rows[i].values[0]);
        free(r->rows[i].values[1]);
    }
    r->diff.count = 0;
}
