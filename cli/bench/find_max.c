#include "cli/bench/find_max.h"

#include "cli/bench/sweep_show.h"
#include "cli/report/text/summary_table.h"
#include "core/file.h"
#include "core/json/json_write.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_place.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NARROW 1.04
#define UNCLEAR_WITHIN 2 /* no closer to a rate at which the run was too short to tell */

struct search {
    const struct find_max *f;
    struct sweep_point probes[FIND_MAX_PROBES];
    size_t count;
    double low, high;  /* holds, does not hold; 0 and INFINITY = not known */
    uint64_t left;     /* requests */
    const char *ended; /* why it is not narrower; NULL */
    bool over_budget;
};

static bool holds(const struct search *s, const struct sweep_point *p)
{
    return sweep_judge_point(s->f->sweep, p) == SWEEP_HOLDS;
}

/* True if the client kept up when the same rate was tried again: that decides. */
static bool was_settled(const struct search *s, double rate)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->probes[i].value == rate && !sweep_client_limited(&s->probes[i]))
            return true;
    return false;
}

enum outcome { FAILED, TOO_SHORT, LIMITED };

static enum outcome outcome_of(enum sweep_verdict v)
{
    return v == SWEEP_CLIENT_LIMITED ? LIMITED : v == SWEEP_TOO_SHORT ? TOO_SHORT : FAILED;
}

/* The lowest rate that does not hold, was too short to tell, or was the client's limit; INFINITY =
 * none. */
static double lowest(const struct search *s, enum outcome wanted)
{
    double rate = INFINITY;
    for (size_t i = 0; i < s->count; i++) {
        enum sweep_verdict v = sweep_judge_point(s->f->sweep, &s->probes[i]);
        double value = s->probes[i].value;
        if (v != SWEEP_HOLDS && outcome_of(v) == wanted &&
            (wanted != LIMITED || !was_settled(s, value)))
            rate = fmin(rate, value);
    }
    return rate;
}

/* A stall of the client's machine passes: a probe that it spoiled is made once more before the
 * search turns down. */
static bool is_to_repeat(const struct search *s)
{
    const struct sweep_point *last = s->count ? &s->probes[s->count - 1] : NULL;
    return last && sweep_client_limited(last) && (s->count == 1 || last[-1].value != last->value);
}

static double next_rate(const struct search *s)
{
    const struct sweep_point *last = &s->probes[s->count - 1];
    if (isinf(s->high))
        return s->low * 4;
    double guess = 0.95 * last->request_rps;
    if (s->low == 0)
        return guess > s->high / 50 && guess < s->high / NARROW ? guess : s->high / 4;
    bool overloaded = !holds(s, last) && (last->goodput < 0.7 || last->served < 0.8);
    if (overloaded && guess > s->low * NARROW && guess < s->high / NARROW)
        return guess;
    return sqrt(s->low * s->high);
}

/* 0, an error, or SWEEP_BUDGET. */
static int probe(struct search *s, double rate, struct error *err)
{
    const struct find_max *f = s->f;
    struct sweep point = *f->sweep;
    struct buffer path;
    struct error missed = {0};
    point.requests = f->requests < s->left ? f->requests : s->left;
    s->left -= f->max_requests ? point.requests : 0;
    buffer_init(&path, BUFFER_UNBOUNDED);
    buffer_add_format(&path, "%s/probe-%zu", point.directory, s->count + 1);
    int status = point.run(point.context, &point, rate, path.data, &missed);
    if (status == 0 || status == ERR_WORK) {
        struct sweep_point *p = &s->probes[s->count];
        if (sweep_read_run(path.data, false, rate, p, err) == 0) {
            s->count++;
            if (!is_to_repeat(s))
                *(holds(s, p) ? &s->low : &s->high) = rate;
            say(point.terminal, "probe %zu: %.4g requests/s, goodput %.2f %%, served %.0f %%%s",
                s->count, rate, 100 * p->goodput, 100 * p->served,
                sweep_verdict_mark(sweep_judge_point(f->sweep, p)));
            status = 0;
        }
    }
    if (status < 0)
        *err = missed.code ? missed : *err;
    buffer_free(&path);
    return status;
}

static int search(struct search *s, struct error *err)
{
    double rate = s->f->start_rps;
    int status = 0;
    while (status == 0) {
        if (s->ended)
            return 0;
        if (s->count == FIND_MAX_PROBES)
            s->ended = "twelve probes were made";
        else if (s->left < FIND_MAX_LEAST)
            s->ended = "--max-requests was used up";
        if (s->ended)
            return 0;
        status = probe(s, rate, err);
        if (status == SWEEP_BUDGET) {
            s->ended = "--max-cost was used up";
            s->over_budget = true;
            return 0;
        }
        if (s->low > 0 && s->high / s->low <= NARROW)
            return status;
        if (s->low > 0 && s->high / s->low <= UNCLEAR_WITHIN && s->high == lowest(s, TOO_SHORT))
            s->ended = "the next runs would be too short, too";
        if (!is_to_repeat(s))
            rate = status == 0 ? next_rate(s) : 0;
    }
    return status;
}

/* ---- what was found ---- */

/* Whether the rate found is the endpoint's: one that a client could not try above is not. */
static const char *rate_is(const struct search *s)
{
    double failed = lowest(s, FAILED);
    if (s->low == 0)
        return "unknown";
    return isfinite(failed) && failed <= s->high && lowest(s, LIMITED) > failed ? "measured"
                                                                                : "at_least";
}

static const char *limit_reason(const struct search *s, double rate)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->probes[i].value == rate && s->probes[i].client_reason[0])
            return s->probes[i].client_reason;
    return "it does not say why";
}

/* What the client's limit leaves open. */
static void add_limit(const struct search *s, double limited, struct buffer *out)
{
    if (s->low > 0)
        buffer_add_format(out,
                          "\nThe goodput of %g %% holds at least at %.4g requests/s; what the "
                          "endpoint can do above is not known.\n",
                          100 * s->f->sweep->goodput, s->low);
    else
        buffer_add_text(out, "\nWhat the endpoint can do is not known.\n");
    buffer_add_format(out, "✗ At %.4g requests/s the client was the limit: %s\n", limited,
                      limit_reason(s, limited));
}

static void add_answer(const struct search *s, struct buffer *out)
{
    double unclear = lowest(s, TOO_SHORT), limited = lowest(s, LIMITED);
    double target = 100 * s->f->sweep->goodput;
    bool narrowed_by_it = isfinite(unclear) && unclear <= s->high;
    if (isfinite(limited) && strcmp(rate_is(s), "measured") != 0)
        add_limit(s, limited, out);
    else if (s->low > 0 && isinf(s->high))
        buffer_add_format(out, "\nThe goodput holds at %.4g requests/s, the highest tried\n",
                          s->low);
    else if (s->low > 0 && !narrowed_by_it)
        buffer_add_format(out,
                          "\nThe goodput of %g %% holds at %.4g requests/s, and no longer at "
                          "%.4g\n",
                          target, s->low, s->high);
    else if (s->low > 0)
        buffer_add_format(out, "\nThe goodput of %g %% holds at %.4g requests/s\n", target, s->low);
    if (narrowed_by_it)
        buffer_add_format(out,
                          "%sAt %.4g requests/s the objectives were met, but the run was too short "
                          "to tell whether a queue grows: more --requests tell\n",
                          s->low > 0 ? "" : "\n", unclear);
    if (s->ended)
        buffer_add_format(out, "Not narrower: %s\n", s->ended);
}

/* The table's columns; the last two only where a probe has some. */
enum { ALWAYS = 10, COLUMNS = 12 };

static void probe_values(const struct sweep_point *p, double out[COLUMNS])
{
    const double values[COLUMNS] = {
        0,           p->value,    100 * p->goodput, p->request_rps, 100 * p->served, p->ttft_p50,
        p->ttft_p99, p->tpot_p99, p->e2e_p99,       p->failed,      p->cancelled,    p->unsent};
    memcpy(out, values, sizeof values);
}

static void choose_columns(const struct search *s, bool shown[COLUMNS])
{
    double values[COLUMNS];
    for (size_t k = 0; k < COLUMNS; k++)
        shown[k] = k < ALWAYS;
    for (size_t i = 0; i < s->count; i++) {
        probe_values(&s->probes[i], values);
        for (size_t k = ALWAYS; k < COLUMNS; k++)
            shown[k] |= values[k] > 0;
    }
}

static void add_row(const struct search *s, size_t at, const bool shown[COLUMNS],
                    struct buffer *out)
{
    double values[COLUMNS];
    probe_values(&s->probes[at], values);
    for (size_t k = 0; k < COLUMNS; k++) {
        char text[CELL_SIZE], number[CELL_SIZE + 4];
        if (!shown[k])
            continue;
        format_cell(values[k], text);
        if (k == 0)
            snprintf(text, sizeof text, "%zu", at + 1);
        snprintf(number, sizeof number, "%s%s", text,
                 (k == 2 || k == 4) && isfinite(values[k]) ? " %" : "");
        add_padded(out, number, k ? 12 : 6, true);
    }
    enum sweep_verdict v = sweep_judge_point(s->f->sweep, &s->probes[at]);
    buffer_add_format(out, "%s\n", v == SWEEP_HOLDS ? "  holds" : sweep_verdict_mark(v));
}

static void write_table(const struct search *s, struct buffer *out)
{
    static const char *const heads[COLUMNS] = {"probe",   "rate (1/s)", "goodput",   "req/s",
                                               "served",  "TTFT p50",   "p99",       "TPOT p99",
                                               "E2E p99", "failed",     "cancelled", "unsent"};
    bool shown[COLUMNS];
    choose_columns(s, shown);
    for (size_t i = 0; i < COLUMNS; i++)
        if (shown[i])
            add_padded(out, heads[i], i ? 12 : 6, true);
    buffer_add_byte(out, '\n');
    for (size_t i = 0; i < s->count; i++)
        add_row(s, i, shown, out);
    buffer_add_text(out, "latencies in ms; served: completed over due while requests came\n");
    add_answer(s, out);
}

static void write_json(const struct search *s, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 2);
    json_begin_object(&w);
    json_pair_statistic(&w, "rate_rps", s->low > 0 ? s->low : NAN);
    json_pair_string(&w, "rate_is", rate_is(s));
    json_pair_statistic(&w, "fails_at_rps", lowest(s, FAILED));
    json_pair_statistic(&w, "client_limited_at_rps", lowest(s, LIMITED));
    json_pair_statistic(&w, "goodput", s->f->sweep->goodput);
    json_pair_statistic(&w, "too_short_at_rps", lowest(s, TOO_SHORT));
    json_pair_string(&w, "ended", s->ended);
    json_key(&w, "probes");
    json_begin_array(&w);
    for (size_t i = 0; i < s->count; i++) {
        const struct sweep_point *p = &s->probes[i];
        json_begin_object(&w);
        json_pair_statistic(&w, "rate_rps", p->value);
        sweep_write_counts(p, &w);
        json_pair_statistic(&w, "goodput_fraction", p->goodput);
        json_pair_statistic(&w, "request_throughput_rps", p->request_rps);
        json_pair_statistic(&w, "ttft_ms_p99", p->ttft_p99);
        json_pair_statistic(&w, "tpot_ms_p99", p->tpot_p99);
        json_pair_statistic(&w, "e2e_ms_p99", p->e2e_p99);
        sweep_write_sustained(p, &w);
        sweep_write_trust(p, &w);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}

/* Shows the probes and writes what belongs to them; then the search takes its place, unless `ran`
 * forbids it. */
static int show(const struct search *s, struct run_place *place, int ran, struct error *err)
{
    const struct sweep *sweep = s->f->sweep;
    struct buffer table, json;
    buffer_init(&table, BUFFER_UNBOUNDED);
    buffer_init(&json, BUFFER_UNBOUNDED);
    write_table(s, &table);
    write_json(s, &json);
    print_buffer(sweep->terminal->human, &table);
    char *path = run_dir_file(sweep->directory, "find-max.json");
    int status = file_write_atomic(path, json.data, json.length, err);
    free(path);
    if (status == 0)
        status = sweep_take_place(place, s->probes, s->count, ran, err);
    fprintf(sweep->terminal->human, "written to %s\n", place->path);
    if (sweep->json)
        print_buffer(sweep->terminal->machine, &json);
    buffer_free(&table);
    buffer_free(&json);
    return status;
}

int find_max_run(const struct find_max *given, struct error *err)
{
    struct sweep sweep = *given->sweep;
    struct find_max place_of = *given, *f = &place_of;
    struct run_place place;
    f->sweep = &sweep;
    struct search s = {
        .f = f, .high = INFINITY, .left = f->max_requests ? f->max_requests : UINT64_MAX};
    struct error unshown = {0};
    if (file_exists(f->sweep->directory) && !f->sweep->force)
        return error_set(err, ERR_INPUT, "%s exists: --force replaces it", f->sweep->directory);
    if (run_place_begin(&place, sweep.directory, sweep.force, err) < 0)
        return err->code;
    sweep.directory = place.path;
    int status = search(&s, err);
    if (s.count > 0 || s.ended) {
        int shown = show(&s, &place, status, status < 0 ? &unshown : err);
        status = status < 0 ? status : shown;
    }
    sweep_end_place(&place, sweep.terminal, s.count);
    if (status == 0 && s.over_budget)
        return error_set(err, ERR_WORK, "--max-cost was used up after %zu whole probes", s.count);
    double limited = lowest(&s, LIMITED);
    if (status == 0 && isfinite(limited) && s.low == 0)
        return error_set(err, ERR_WORK,
                         "what the endpoint sustains is not known: at %.4g requests/s the client "
                         "was the limit (%s)",
                         limited, limit_reason(&s, limited));
    if (status == 0 && isfinite(limited) && strcmp(rate_is(&s), "measured") != 0)
        warn(f->sweep->terminal,
             "%.4g requests/s is what the endpoint sustains at least: at %.4g the client was the "
             "limit",
             s.low, limited);
    if (status == 0 && s.low == 0)
        return error_set(err, ERR_WORK, "no rate tried is known to sustain a goodput of %g %%",
                         100 * f->sweep->goodput);
    return status;
}
