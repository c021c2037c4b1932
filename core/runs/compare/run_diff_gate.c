/* The verdict: each judged figure passes, fails or stays undecided. */
#include "core/runs/compare/run_diff.h"
#include "core/stats/interval.h"
#include "core/stats/multiple.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ALPHA 0.025
#define INCIDENT 0.10  /* a rise of the failed share that counts even as a single event */
#define ROUNDING 1e-12 /* 10 % written in binary is not quite 10 % */

static struct diff_row *find_row(struct run_diff *d, const struct gate_figure *f)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->rows[i].key, f->key) == 0 && d->rows[i].comparison.what == f->what)
            return &d->rows[i];
    return NULL;
}

/* Estimate, limit and p in the direction of worse. */
static void orient(struct diff_judged *j, const struct diff_row *row)
{
    const struct comparison *c = &row->comparison;
    bool less = row->better == DIFF_LESS;
    j->worse = less ? c->change : -c->change;
    j->limit = less ? c->high : -c->low;
    j->p = less ? c->p_up : c->p_down;
    j->why = c->why;
    if (row->better == DIFF_NEITHER) { /* a throughput that follows another load */
        j->limit = j->p = NAN;
        j->why = "the load itself differs";
    }
}

/* Holm over the figures of which a finding was possible. */
static void adjust(struct run_diff *d, struct diff_row *const rows[GATE_FIGURES])
{
    double p[GATE_FIGURES];
    size_t family = 0;
    for (size_t i = 0; i < d->judged_count; i++)
        if (!rows[i] || !rows[i]->comparison.settled)
            p[family++] = d->judged[i].p;
    multiple_holm(p, family, p);
    family = 0;
    for (size_t i = 0; i < d->judged_count; i++)
        d->judged[i].p_adjusted = rows[i] && rows[i]->comparison.settled ? 1 : p[family++];
}

/* Many failures in one stretch: beyond chance only if each request failed by itself. */
static bool is_incident(const struct run_diff *d, const struct diff_row *row, double worse)
{
    return row->failures && worse >= INCIDENT &&
           row->comparison.p_independent * (double)d->count < 0.05;
}

/* How long runs would have to be: the width of an interval goes with 1/sqrt(n). */
static void find_would_decide(struct diff_judged *j, const struct comparison *c)
{
    double n = (double)c->values, needed = NAN, half = (c->high - c->low) / 2;
    if (c->supported) {
        double ratio = half / (j->worse - j->figure.allowed);
        needed = n * ratio * ratio;
        if (needed <= n) { /* surely worse than allowed by itself: it is the others that it takes */
            needed = NAN;
            j->why = "among so many figures it may be chance";
        }
    } else if (c->episodes > 0 && c->episodes < INTERVAL_LEAST_EPISODES) {
        needed = n * INTERVAL_LEAST_EPISODES / (double)c->episodes;
        j->at_least = true;
    } else if (c->what > 0.5 && isnan(c->p_value) && n > 0) {
        needed = INTERVAL_LEAST_EPISODES / (1 - c->what) * (1 - ROUNDING);
        j->at_least = true;
    }
    if (needed < 1e15)
        j->would_decide = (uint64_t)ceil(needed);
}

static void judge_figure(struct run_diff *d, struct diff_judged *j, struct diff_row *row)
{
    double allowed = j->figure.allowed + ROUNDING;
    bool worse = j->worse > allowed;
    bool incident = row && worse && is_incident(d, row, j->worse);
    if (row && worse && (j->p_adjusted <= ALPHA || incident)) {
        j->verdict = DIFF_FAIL;
        row->regression = true;
        if (j->p_adjusted <= ALPHA)
            row->finding = true;
        else
            run_diff_note(
                d, "failures came in one stretch: an event, not a rate, and counted as worse");
    } else if (j->limit <= allowed) {
        j->verdict = DIFF_PASS;
    } else {
        j->verdict = DIFF_UNDECIDED;
        if (row)
            find_would_decide(j, &row->comparison);
    }
}

void run_diff_apply(struct run_diff *d, const struct gate *gate)
{
    struct diff_row *rows[GATE_FIGURES];
    d->judged_count = gate->count;
    for (size_t i = 0; i < gate->count; i++) {
        struct diff_judged *j = &d->judged[i];
        *j = (struct diff_judged){.figure = gate->figures[i],
                                  .worse = NAN,
                                  .limit = NAN,
                                  .p = NAN,
                                  .why = "neither run has it"};
        rows[i] = find_row(d, &gate->figures[i]);
        if (rows[i])
            orient(j, rows[i]);
    }
    adjust(d, rows);
    for (size_t i = 0; i < gate->count; i++)
        judge_figure(d, &d->judged[i], rows[i]);
}

const char *diff_verdict_name(enum diff_verdict v)
{
    static const char *const names[] = {"PASS", "UNDECIDED", "FAIL"};
    return names[v];
}

enum diff_verdict run_diff_verdict(const struct run_diff *d)
{
    enum diff_verdict worst = DIFF_PASS;
    for (size_t i = 0; i < d->judged_count; i++)
        worst = d->judged[i].verdict > worst ? d->judged[i].verdict : worst;
    return worst;
}

static int tell_failure(struct run_diff *d, const struct diff_judged *j, size_t others,
                        struct error *err)
{
    const struct diff_row *row = find_row(d, &j->figure);
    const struct comparison *c = &row->comparison;
    char statistic[DIFF_STATISTIC_SIZE], more[48] = "";
    diff_statistic(c, statistic);
    if (others > 0)
        snprintf(more, sizeof more, "; %zu more FAIL", others);
    if (j->figure.points)
        return error_set(err, ERR_WORK,
                         "the share %s went from %.1f %% to %.1f %%, by more than the %s points "
                         "allowed%s",
                         row->title, c->before * 100, c->after * 100,
                         TEXT_SHORT(j->figure.allowed * 100, 6), more);
    return error_set(err, ERR_WORK, "%s %s is %.1f %% %s, more than the %s %% allowed%s",
                     row->title, statistic, fabs(c->change) * 100,
                     row->latency    ? "slower"
                     : c->change > 0 ? "higher"
                                     : "lower",
                     TEXT_SHORT(j->figure.allowed * 100, 6), more);
}

/* The worst of those that failed: shares come first, for what failed has no latency. */
static const struct diff_judged *worst_of(const struct run_diff *d, size_t *failed)
{
    const struct diff_judged *worst = NULL;
    *failed = 0;
    for (size_t i = 0; i < d->judged_count; i++) {
        const struct diff_judged *j = &d->judged[i];
        if (j->verdict != DIFF_FAIL)
            continue;
        ++*failed;
        if (!worst || (!worst->figure.points && (j->figure.points || j->worse > worst->worse)))
            worst = j;
    }
    return worst;
}

int run_diff_judge(struct run_diff *d, struct error *err)
{
    size_t failed;
    bool latency = false;
    const struct diff_judged *worst = worst_of(d, &failed);
    if (worst)
        return tell_failure(d, worst, failed - 1, err);
    for (size_t i = 0; i < d->count; i++)
        latency = latency || d->rows[i].latency;
    if (!latency)
        return error_set(err, ERR_WORK, "the runs have no latency in common");
    for (size_t i = 0; d->undecided_fails && i < d->judged_count; i++)
        if (d->judged[i].verdict == DIFF_UNDECIDED)
            return error_set(err, ERR_WORK, "%s is UNDECIDED, and --undecided fail counts that",
                             d->judged[i].figure.name);
    return 0;
}
