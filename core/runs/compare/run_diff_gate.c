/* The verdict: each judged figure passes, fails or stays undecided. */
#include "core/memory.h"
#include "core/runs/compare/run_diff.h"
#include "core/stats/interval.h"
#include "core/stats/multiple.h"
#include "core/stats/quantile.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA 0.025
#define INCIDENT 0.10  /* a rise of the failed share that counts even as a single event */
#define ROUNDING 1e-12 /* 10 % written in binary is not quite 10 % */

/* A row, of a figure that is judged against what was before. */
static struct diff_row *find_row(struct run_diff *d, const struct gate_figure *f)
{
    return f->absolute ? NULL : run_diff_find(d, f->key, f->what);
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

static bool is_settled(struct run_diff *d, size_t i)
{
    const struct diff_row *row = find_row(d, &d->judged[i].figure);
    return row && row->comparison.settled;
}

/* The same of a figure that is held against a limit. */
static void orient_level(struct diff_judged *j, const struct diff_level *l)
{
    const struct gate_figure *f = &j->figure;
    j->value = l->value;
    j->low = l->low;
    j->high = l->high;
    j->worse = f->least ? f->allowed - l->value : l->value - f->allowed;
    j->limit = f->least ? l->low : l->high;
    j->p = l->p_beyond;
    j->why = l->why;
}

/* Holm over the figures of all comparisons of which a finding was possible. */
static void adjust(struct run_diff *const *all, size_t count)
{
    size_t most = count * GATE_FIGURES, family = 0;
    double *p = mem_alloc((most + 1) * sizeof *p);
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < all[k]->judged_count; i++)
            if (!is_settled(all[k], i))
                p[family++] = all[k]->judged[i].p;
    multiple_holm(p, family, p);
    family = 0;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < all[k]->judged_count; i++)
            all[k]->judged[i].p_adjusted = is_settled(all[k], i) ? 1 : p[family++];
    free(p);
}

/* Many failures in one stretch: beyond chance only if each request failed by itself. */
static bool is_incident(const struct run_diff *d, const struct diff_row *row, double worse)
{
    return row->failures && worse >= INCIDENT &&
           row->comparison.p_independent * (double)d->count < 0.05;
}

/* How long runs would have to be: the width of an interval goes with 1/sqrt(n). */
static void find_would_decide(const struct run_diff *d, struct diff_judged *j,
                              const struct comparison *c)
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
    } else if (c->what > 0.5 && isnan(c->p_value) && n > 0 && d->repeats == 0) {
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
            find_would_decide(d, j, &row->comparison);
    }
}

/* Beside a limit: surely beyond, surely not, or neither. The more values, the narrower by
 * 1/sqrt(n).
 */
static void judge_level(const struct run_diff *d, struct diff_judged *j, const struct diff_level *l)
{
    double allowed = j->figure.allowed, slack = fabs(allowed) * ROUNDING + ROUNDING;
    bool within = j->figure.least ? j->low >= allowed - slack : j->high <= allowed + slack;
    double ratio = (j->limit - j->value) / j->worse, n = (double)l->values;
    if (j->worse > slack && j->p_adjusted <= ALPHA) {
        j->verdict = DIFF_FAIL;
        return;
    }
    j->verdict = within ? DIFF_PASS : DIFF_UNDECIDED;
    if (within)
        return;
    if (n * ratio * ratio > n && n * ratio * ratio < 1e15)
        j->would_decide = (uint64_t)ceil(n * ratio * ratio);
    j->at_least = isnan(j->limit) && j->figure.what > 0.5 && d->repeats == 0 && n > 0;
    if (j->at_least)
        j->would_decide = quantile_least_sample(j->figure.what);
    if (j->would_decide <= l->values)
        j->would_decide = 0;
}

static void take_figures(struct run_diff *d, const struct gate *gate, bool limits)
{
    d->judged_count = 0;
    for (size_t i = 0; i < gate->count; i++) {
        const struct gate_figure *f = &gate->figures[i];
        if (f->absolute && !limits)
            continue;
        struct diff_judged *j = &d->judged[d->judged_count++];
        *j = (struct diff_judged){.figure = *f,
                                  .worse = NAN,
                                  .limit = NAN,
                                  .value = NAN,
                                  .low = NAN,
                                  .high = NAN,
                                  .p = NAN,
                                  .why = "neither run has it"};
        const struct diff_row *row = find_row(d, f);
        if (row)
            orient(j, row);
        else if (f->absolute)
            orient_level(j, &d->levels[i]);
    }
}

static void judge_all(struct run_diff *d, const struct gate *gate)
{
    size_t at = 0;
    for (size_t i = 0; i < gate->count && at < d->judged_count; i++) {
        struct diff_judged *j = &d->judged[at];
        if (gate->figures[i].absolute != j->figure.absolute)
            continue; /* a limit, judged with the first comparison */
        if (j->figure.absolute)
            judge_level(d, j, &d->levels[i]);
        else
            judge_figure(d, j, find_row(d, &j->figure));
        at++;
    }
}

void run_diff_apply(struct run_diff *const *all, size_t count, const struct gate *given)
{
    for (size_t k = 0; k < count; k++) {
        struct gate gate = run_diff_gate(all[k], given);
        take_figures(all[k], &gate, k == 0);
    }
    adjust(all, count);
    for (size_t k = 0; k < count; k++) {
        struct gate gate = run_diff_gate(all[k], given);
        judge_all(all[k], &gate);
    }
}

static bool has_key(const struct run_diff *d, const char *key)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->rows[i].key, key) == 0)
            return true;
    return false;
}

static void add_default(struct gate *gate, const struct run_diff *d, enum metric metric,
                        double what)
{
    if (has_key(d, metric_key(metric))) /* answers that do not stream have no first token */
        gate_add_latency(gate, metric, what, d->tolerance / 100);
}

struct gate run_diff_gate(const struct run_diff *d, const struct gate *given)
{
    struct gate gate = *given;
    if (given->count > 0)
        return gate;
    enum metric ttft = d->closed ? METRIC_TTFT : METRIC_TTFT_SCHEDULED;
    enum metric e2e = d->closed ? METRIC_E2E : METRIC_E2E_SCHEDULED;
    gate_add_failed(&gate, d->share_tolerance / 100);
    add_default(&gate, d, ttft, 0.5);
    add_default(&gate, d, ttft, 0.99);
    add_default(&gate, d, METRIC_TPOT, COMPARE_MEAN);
    add_default(&gate, d, e2e, COMPARE_MEAN);
    add_default(&gate, d, e2e, 0.99);
    return gate;
}

const char *diff_verdict_name(enum diff_verdict v)
{
    static const char *const names[] = {"PASS", "UNDECIDED", "FAIL"};
    return names[v];
}

const char *diff_verdict_key(enum diff_verdict v)
{
    static const char *const keys[] = {"pass", "undecided", "fail"};
    return keys[v];
}

enum diff_verdict run_diff_verdict(const struct run_diff *d)
{
    enum diff_verdict worst = DIFF_PASS;
    for (size_t i = 0; i < d->judged_count; i++)
        worst = d->judged[i].verdict > worst ? d->judged[i].verdict : worst;
    return worst;
}

static int tell_limit(const struct diff_judged *j, const char *more, struct error *err)
{
    char is[GATE_VALUE_SIZE], limit[GATE_VALUE_SIZE];
    gate_format_value(&j->figure, j->value, is);
    gate_format_value(&j->figure, j->figure.allowed, limit);
    return error_set(err, ERR_WORK, "%s is %s, %s the limit of %s%s", j->figure.name, is,
                     j->figure.least ? "below" : "above", limit, more);
}

static int tell_failure(struct run_diff *d, const struct diff_judged *j, size_t others,
                        struct error *err)
{
    const struct diff_row *row = find_row(d, &j->figure);
    char statistic[DIFF_STATISTIC_SIZE], more[48] = "";
    if (others > 0)
        snprintf(more, sizeof more, "; %zu more FAIL", others);
    if (j->figure.absolute)
        return tell_limit(j, more, err);
    const struct comparison *c = &row->comparison;
    diff_statistic(c, statistic);
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

/* A limit that was passed comes before a comparison: they have no unit in common. */
static bool is_worse(const struct diff_judged *a, const struct diff_judged *b)
{
    if (a->figure.absolute != b->figure.absolute)
        return a->figure.absolute;
    return a->figure.absolute ? a->worse / a->figure.allowed > b->worse / b->figure.allowed
                              : a->worse > b->worse;
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
        if (!worst || (!worst->figure.points && (j->figure.points || is_worse(j, worst))))
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
    for (size_t i = 0; i < d->judged_count; i++)
        latency = latency || d->judged[i].figure.absolute;
    if (!latency)
        return error_set(err, ERR_WORK, "the runs have no latency in common");
    for (size_t i = 0; d->undecided_fails && i < d->judged_count; i++)
        if (d->judged[i].verdict == DIFF_UNDECIDED)
            return error_set(err, ERR_WORK, "%s is UNDECIDED, and --undecided fail counts that",
                             d->judged[i].figure.name);
    return 0;
}
