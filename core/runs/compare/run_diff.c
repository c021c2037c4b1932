#include "core/runs/compare/run_diff.h"

#include "core/runs/compare/run_level.h"
#include "core/runs/compare/run_pair.h"
#include "core/stats/compare_share.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLICES 320
#define LEAST_COMPLETED 20
#define REPEATS 0.01 /* two metrics with means as close as this say the same */

enum measure_kind {
    MEASURE_LATENCY,
    MEASURE_GAP,
    MEASURE_INPUT,
    MEASURE_OUTPUT,
    MEASURE_COST,
    MEASURE_FAILED,
    MEASURE_DROPPED,
    MEASURE_GOOD,
};

struct measure {
    enum measure_kind kind;
    const char *key, *title;
    enum diff_better better;
    enum metric metric;
    const struct slo_list *slos;
};

#define MOST_STATISTICS 6

static const double of_mean[] = {COMPARE_MEAN};

/* What is being built, and from what. */
struct maker {
    struct run_pair pair;
    struct run_diff *out;
    struct slo_list slos;
    const struct run_diff_options *options;
    const struct gate *gate; /* what must be there to be judged */
};

static bool measure_value(const struct pair_request *q, const void *context, double *value)
{
    const struct measure *m = context;
    const struct request_row *r = &q->row;
    bool completed = r->status == RECORD_COMPLETED;
    int64_t ns = 0;
    bool has = true;
    switch (m->kind) {
    case MEASURE_LATENCY:
        has = row_metric(r, m->metric, &ns);
        *value = (double)ns / NS_PER_MS;
        break;
    case MEASURE_GAP:
        has = q->longest_gap_ns != TIME_NEVER;
        *value = (double)q->longest_gap_ns / NS_PER_MS;
        break;
    case MEASURE_INPUT:
        has = completed && r->has_usage;
        *value = r->input;
        break;
    case MEASURE_OUTPUT:
        has = completed && r->has_usage;
        *value = r->output;
        break;
    case MEASURE_COST:
        has = q->has_cost;
        *value = money_to_double(q->cost);
        break;
    case MEASURE_FAILED:
        *value = r->status == RECORD_FAILED;
        break;
    case MEASURE_DROPPED:
        *value = r->status == RECORD_CANCELLED || r->status == RECORD_UNSENT;
        break;
    case MEASURE_GOOD:
        *value = row_meets_slos(r, m->slos);
        break;
    }
    return has;
}

static struct diff_row *add_row(struct run_diff *d, const char *key, const char *title,
                                enum diff_better better)
{
    struct diff_row *row = &d->rows[d->count++];
    *row = (struct diff_row){
        .key = key, .title = title, .better = better, .comparison = comparison_of(0, NAN, NAN, 0)};
    return row;
}

static void add_incomparable(struct run_diff *d, const struct measure *m, double what,
                             const char *why)
{
    struct diff_row *row = add_row(d, m->key, m->title, m->better);
    row->comparison.what = what;
    row->comparison.why = why;
    row->comparison.settled = true;
}

static void add_share(struct maker *k, const struct measure *m)
{
    struct pair_values v;
    run_pair_values(&k->pair, measure_value, m, &v);
    struct diff_row *row = add_row(k->out, m->key, m->title, m->better);
    static const double share = COMPARE_SHARE;
    if (k->options->plain)
        compare_estimates(v.values[0], v.n[0], v.values[1], v.n[1], &share, 1, &row->comparison);
    else
        compare_shares(v.values[0], v.n[0], v.values[1], v.n[1], k->pair.paired, &row->comparison);
    row->failures = m->kind == MEASURE_FAILED;
    pair_values_free(&v);
}

static void compare_values(const struct maker *k, const struct pair_values *v, const double *what,
                           size_t count, struct comparison *out)
{
    if (k->options->plain)
        compare_estimates(v->values[0], v->n[0], v->values[1], v->n[1], what, count, out);
    else
        compare_samples(v->values[0], v->n[0], v->values[1], v->n[1], k->pair.paired, what, count,
                        out);
}

static void add_values(struct maker *k, const struct measure *m, const double *what, size_t count)
{
    struct pair_values v;
    struct comparison c[MOST_STATISTICS];
    run_pair_values(&k->pair, measure_value, m, &v);
    if (v.n[0] > 0 && v.n[1] > 0) {
        compare_values(k, &v, what, count, c);
        for (size_t i = 0; i < count; i++) {
            struct diff_row *row = add_row(k->out, m->key, m->title, m->better);
            row->comparison = c[i];
            row->latency = m->kind == MEASURE_LATENCY || m->kind == MEASURE_GAP;
        }
    } else if (v.n[0] + v.alone[0] > 0 && v.n[1] + v.alone[1] > 0) {
        add_incomparable(k->out, m, what[0], "no request has it in both");
    } else if (v.n[0] + v.alone[0] > 0) {
        add_incomparable(k->out, m, what[0], "only the first run has it");
    } else if (v.n[1] + v.alone[1] > 0) {
        add_incomparable(k->out, m, what[0], "only the second run has it");
    }
    pair_values_free(&v);
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return n ? sum / (double)n : NAN;
}

/* True if the two metrics say the same in both runs. Of plain figures all are given. */
static bool repeats(struct maker *k, enum metric a, enum metric b)
{
    struct pair_values x, y;
    struct measure m = {.metric = a};
    if (k->options->plain)
        return false;
    run_pair_values(&k->pair, measure_value, &m, &x);
    m.metric = b;
    run_pair_values(&k->pair, measure_value, &m, &y);
    bool same = true;
    for (int i = 0; i < 2; i++) {
        double left = mean_of(x.values[i], x.n[i]), right = mean_of(y.values[i], y.n[i]);
        same = same && !(fabs(left - right) > REPEATS * right);
    }
    pair_values_free(&x);
    pair_values_free(&y);
    return same;
}

/* Mean, p50, p99, and the quantiles that the gate asks for; in rising order. */
static void add_distribution(struct maker *k, const struct measure *m)
{
    static const double all[MOST_STATISTICS] = {COMPARE_MEAN, 0.5, 0.9, 0.95, 0.99, 0.999};
    double what[MOST_STATISTICS];
    size_t count = 0;
    for (size_t i = 0; i < MOST_STATISTICS; i++)
        if (all[i] < 0.9 || all[i] == 0.99 || gate_has(k->gate, m->key, all[i]))
            what[count++] = all[i];
    add_values(k, m, what, count);
}

static void add_latency(struct maker *k, enum metric metric)
{
    const struct measure m = {.key = metric_key(metric),
                              .title = metric_title(metric),
                              .better = DIFF_LESS,
                              .metric = metric};
    add_distribution(k, &m);
}

static bool asked_for(const struct maker *k, enum metric metric)
{
    return gate_has_key(k->gate, metric_key(metric));
}

/* The pooled gaps of answers whose chunks were not kept one by one: known, but not compared. */
static void add_pooled_gaps(struct maker *k)
{
    const struct measure m = {.key = metric_key(METRIC_CHUNK_GAP),
                              .title = metric_title(METRIC_CHUNK_GAP),
                              .better = DIFF_LESS};
    double p99[2];
    for (int i = 0; i < 2; i++) {
        const struct pair_run *run = &k->pair.runs[i];
        const struct gap_store *gaps = &run->collector->gaps;
        p99[i] = gaps_summarize(gaps, gaps->folded ? INT64_MIN : run->from_ns, false).p99;
    }
    if (isnan(p99[0]) && isnan(p99[1]))
        return;
    add_incomparable(k->out, &m, 0.99, "needs --record chunks");
    struct comparison *c = &k->out->rows[k->out->count - 1].comparison;
    c->before = p99[0];
    c->after = p99[1];
    c->change = p99[1] / p99[0] - 1;
}

static void add_gaps(struct maker *k)
{
    const struct measure m = {.kind = MEASURE_GAP,
                              .key = "chunk_gap_max_ms",
                              .title = "longest chunk gap",
                              .better = DIFF_LESS};
    struct pair_values v;
    run_pair_values(&k->pair, measure_value, &m, &v);
    if (v.n[0] > 0 && v.n[1] > 0)
        add_distribution(k, &m);
    else
        add_pooled_gaps(k);
    pair_values_free(&v);
}

static void add_latencies(struct maker *k)
{
    static const enum metric ttft[] = {METRIC_TTFT_SCHEDULED, METRIC_TTFT};
    static const enum metric e2e[] = {METRIC_E2E_SCHEDULED, METRIC_E2E};
    /* Open loop and traces lead with the time from the schedule, closed loop with the sending. */
    int lead = k->out->closed;
    add_latency(k, ttft[lead]);
    if (asked_for(k, ttft[!lead]) || !repeats(k, ttft[!lead], ttft[lead]))
        add_latency(k, ttft[!lead]);
    if (asked_for(k, METRIC_TTFO) || !repeats(k, METRIC_TTFO, METRIC_TTFT))
        add_latency(k, METRIC_TTFO);
    add_latency(k, METRIC_TPOT);
    add_gaps(k);
    add_latency(k, e2e[lead]);
    if (asked_for(k, e2e[!lead]) || !repeats(k, e2e[!lead], e2e[lead]))
        add_latency(k, e2e[!lead]);
}

static bool same_slos(const struct slo_list *a, const struct slo_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        bool found = false;
        for (size_t j = 0; j < b->count; j++)
            found = found || (a->items[i].metric == b->items[j].metric &&
                              a->items[i].limit_ms == b->items[j].limit_ms);
        same = found;
    }
    return same;
}

static void add_goodput(struct maker *k)
{
    const struct pair_run *runs = k->pair.runs;
    const struct slo_list *a = &runs[0].summary->slos, *b = &runs[1].summary->slos;
    struct measure m = {.kind = MEASURE_GOOD,
                        .key = "goodput_fraction",
                        .title = "within objectives",
                        .better = DIFF_MORE};
    bool given = k->slos.count > 0;
    m.slos = given ? &k->slos : a;
    if (given || (a->count > 0 && same_slos(a, b)))
        add_share(k, &m);
    else if (a->count + b->count > 0)
        add_incomparable(k->out, &m, COMPARE_SHARE, "objectives differ: --slo");
}

static bool any_dropped(const struct run_pair *p)
{
    const struct accounting *a = &p->runs[0].collector->accounting;
    const struct accounting *b = &p->runs[1].collector->accounting;
    return a->cancelled + a->unsent + b->cancelled + b->unsent > 0;
}

static void add_shares(struct maker *k)
{
    static const struct measure failed = {
        .kind = MEASURE_FAILED, .key = "failed_fraction", .title = "failed"};
    static const struct measure dropped = {
        .kind = MEASURE_DROPPED, .key = "dropped_fraction", .title = "cancelled/unsent"};
    add_share(k, &failed);
    if (any_dropped(&k->pair))
        add_share(k, &dropped);
    add_goodput(k);
}

/* The three rates of a run's window, slice by slice. */
enum { RATE_DUE, RATE_COMPLETED, RATE_OUTPUT, RATES };

struct slices {
    double rate[RATES][SLICES];
    uint64_t completed;
};

/* As the summary's window: until the last request is due; a burst lasts until its last answer. */
static void fill_slices(struct pair_run *run, struct slices *out)
{
    const struct collector *c = run->collector;
    int64_t from = run->from_ns, to = c->last_due_ns > from ? c->last_due_ns : c->last_done_ns;
    double width = (double)(to - from) / SLICES;
    struct sorter_scan scan;
    const struct pair_request *q;
    *out = (struct slices){0};
    if (!(width > 0))
        return;
    sorter_scan_begin(&scan, &run->requests);
    while ((q = sorter_scan_next(&scan))) {
        double due = (double)(q->row.scheduled_ns - from) / width;
        double done = (double)(q->row.done_ns - from) / width;
        if (due >= 0)
            out->rate[RATE_DUE][due < SLICES ? (int)due : SLICES - 1] += 1e9 / width;
        if (q->row.status != RECORD_COMPLETED || done < 0 || done > SLICES)
            continue;
        out->rate[RATE_COMPLETED][done < SLICES ? (int)done : SLICES - 1] += 1e9 / width;
        out->completed++;
    }
    sorter_scan_end(&scan);
    for (int i = 0; i < SLICES; i++) {
        int64_t begin = from + (int64_t)(width * i), end = from + (int64_t)(width * (i + 1));
        out->rate[RATE_OUTPUT][i] =
            (double)token_bins_between(&c->tokens, begin, end) * 1e9 / width;
    }
}

static void add_rate(struct maker *k, const struct slices s[2], int rate, const struct measure *m)
{
    if (s[0].completed < LEAST_COMPLETED || s[1].completed < LEAST_COMPLETED) {
        add_incomparable(k->out, m, COMPARE_RATE, "too few requests");
        return;
    }
    struct diff_row *row = add_row(k->out, m->key, m->title, m->better);
    bool together = k->pair.paired && !k->out->closed;
    if (k->options->plain)
        compare_estimates(s[0].rate[rate], SLICES, s[1].rate[rate], SLICES, of_mean, 1,
                          &row->comparison);
    else
        compare_samples(s[0].rate[rate], SLICES, s[1].rate[rate], SLICES, together, of_mean, 1,
                        &row->comparison);
    row->comparison.what = COMPARE_RATE;
}

static void add_rates(struct maker *k)
{
    static const struct measure rates[RATES] = {
        {.key = "offered_rps", .title = "offered req/s", .better = DIFF_NEITHER},
        {.key = "request_throughput_rps", .title = "completed req/s", .better = DIFF_MORE},
        {.key = "output_throughput_tps", .title = "output tok/s", .better = DIFF_MORE},
    };
    struct slices s[2];
    for (int i = 0; i < 2; i++)
        fill_slices(&k->pair.runs[i], &s[i]);
    for (int i = k->out->closed ? RATE_COMPLETED : RATE_DUE; i < RATES; i++)
        add_rate(k, s, i, &rates[i]);
}

static void add_work(struct maker *k)
{
    static const struct measure work[] = {
        {.kind = MEASURE_INPUT,
         .key = "input_tokens",
         .title = "input tokens",
         .better = DIFF_NEITHER},
        {.kind = MEASURE_OUTPUT,
         .key = "output_tokens",
         .title = "output tokens",
         .better = DIFF_NEITHER},
        {.kind = MEASURE_COST, .key = "cost_usd", .title = "cost USD", .better = DIFF_LESS},
    };
    for (size_t i = 0; i < sizeof work / sizeof work[0]; i++)
        add_values(k, &work[i], of_mean, 1);
}

/* Both ends of pairs that completed in one run only: what latencies leave out. */
static bool completed_value(const struct pair_request *q, const void *context, double *value)
{
    (void)context;
    *value = 1;
    return q->row.status == RECORD_COMPLETED;
}

static bool any_value(const struct pair_request *q, const void *context, double *value)
{
    (void)q;
    (void)context;
    *value = 1;
    return true;
}

static void count_pairs(struct maker *k)
{
    struct run_diff *d = k->out;
    struct pair_values v;
    d->paired = k->pair.paired;
    for (int i = 0; i < 2; i++)
        d->requests[i] = k->pair.runs[i].in_window;
    if (!d->paired && k->options->plain)
        return;
    if (!d->paired) {
        run_diff_note(
            d, "the runs do not hold the same requests: they are compared as independent samples");
        return;
    }
    run_pair_values(&k->pair, any_value, NULL, &v);
    d->pairs = v.n[0];
    pair_values_free(&v);
    run_pair_values(&k->pair, completed_value, NULL, &v);
    d->alone[0] = v.alone[0];
    d->alone[1] = v.alone[1];
    pair_values_free(&v);
    if (k->options->plain)
        return;
    if (d->pairs < d->requests[0] || d->pairs < d->requests[1])
        run_diff_note(d,
                      "%" PRIu64 " requests are compared, those in both windows, of %" PRIu64
                      " before and %" PRIu64 " after",
                      d->pairs, d->requests[0], d->requests[1]);
    if (d->alone[0] + d->alone[1] > 0)
        run_diff_note(d,
                      "latencies and tokens leave out what completed in one run only: %" PRIu64
                      " requests before, %" PRIu64 " after",
                      d->alone[0], d->alone[1]);
}

static void note_runs(struct maker *k)
{
    static const char *const names[] = {"before", "after"};
    const struct pair_run *r = k->pair.runs;
    for (int i = 0; i < 2; i++) {
        const struct summary *s = r[i].summary;
        k->out->accounting[i] = r[i].collector->accounting;
        k->out->client_limited[i] = s->fidelity.client_limited;
        memcpy(k->out->limits[i], s->fidelity.reason, sizeof k->out->limits[i]);
        if (s->warmup_s > 0)
            run_diff_note(k->out, "%s: the warm-up of %s s is left out, as the run did", names[i],
                          TEXT_SHORT(s->warmup_s, 3));
        if (r[i].torn)
            run_diff_note(k->out, "%s: the last record was cut off and is left out", names[i]);
    }
    bool closed[2] = {summary_is_closed(r[0].summary), summary_is_closed(r[1].summary)};
    k->out->closed = closed[0] && closed[1];
    if (closed[0] != closed[1])
        run_diff_note(k->out,
                      "one run is a closed loop, the other is not: their waiting is not alike");
}

/* ---- figures against limits ---- */

static bool find_measure(const struct maker *k, const struct gate_figure *f, struct measure *out)
{
    static const struct measure known[] = {
        {.kind = MEASURE_GAP, .key = "chunk_gap_max_ms"},
        {.kind = MEASURE_FAILED, .key = "failed_fraction"},
        {.kind = MEASURE_DROPPED, .key = "dropped_fraction"},
        {.kind = MEASURE_GOOD, .key = "goodput_fraction"},
        {.kind = MEASURE_COST, .key = "cost_usd"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].key, f->key) == 0)
            *out = known[i];
    for (int m = 0; m < METRIC_COUNT; m++)
        if (strcmp(metric_key((enum metric)m), f->key) == 0)
            *out = (struct measure){.key = f->key, .metric = (enum metric)m};
    out->slos = k->slos.count ? &k->slos : &k->pair.runs[1].summary->slos;
    return out->key && (out->kind != MEASURE_GOOD || out->slos->count > 0);
}

static void level_of_rate(struct maker *k, const struct gate_figure *f, struct run_level *out)
{
    struct slices s;
    bool tokens = strcmp(f->key, "output_throughput_tps") == 0;
    fill_slices(&k->pair.runs[1], &s);
    run_level(s.rate[tokens ? RATE_OUTPUT : RATE_COMPLETED], SLICES, COMPARE_RATE, f->allowed, out);
    out->values = s.completed;
}

/* Of the second run alone. */
static void add_level(struct maker *k, const struct gate_figure *f, struct diff_level *out)
{
    struct run_level l = {NAN, NAN, NAN, NAN, NAN, 0, "the run has none"};
    struct measure m = {0};
    if (f->what == COMPARE_RATE) {
        level_of_rate(k, f, &l);
    } else if (find_measure(k, f, &m)) {
        double *values;
        size_t n;
        run_pair_own_values(&k->pair, 1, measure_value, &m, &values, &n);
        run_level(values, n, f->what, f->allowed, &l);
        free(values);
    }
    *out =
        (struct diff_level){l.value, l.low, l.high, f->least ? l.p_down : l.p_up, l.values, l.why};
}

static void add_levels(struct maker *k)
{
    for (size_t i = 0; i < k->gate->count; i++)
        if (k->gate->figures[i].absolute)
            add_level(k, &k->gate->figures[i], &k->out->levels[i]);
}

static void make_rows(struct maker *k)
{
    note_runs(k);
    count_pairs(k);
    add_shares(k);
    add_latencies(k);
    add_rates(k);
    add_work(k);
    run_pair_charges(&k->pair, &k->out->charges);
}

int run_diff_make(struct run_diff *out, const char *const paths[2],
                  const struct run_diff_options *options, struct error *err)
{
    struct maker k = {
        .out = out, .slos = options->slos, .options = options, .gate = &options->gate};
    *out = (struct run_diff){.tolerance = options->tolerance,
                             .share_tolerance = options->share_tolerance,
                             .undecided_fails = options->undecided_fails};
    int status = run_pair_read(&k.pair, paths, options->pricing,
                               options->apart ? PAIR_NEVER : PAIR_IF_SAME, err);
    if (status == 0)
        make_rows(&k);
    if (status == 0 && !options->plain) {
        add_levels(&k);
        run_diff_conclude(out);
        if (!options->open)
            run_diff_apply(&out, 1, &options->gate);
    }
    run_pair_free(&k.pair);
    return status;
}
