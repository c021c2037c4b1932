/* What a collector's records amount to. */
#include "core/runs/summary/collector_state.h"
#include "core/stats/sample.h"
#include "core/stats/steady.h"

#include <math.h>
#include <string.h>

#define MS 1e6 /* nanoseconds */

/* The instants that a phase covers: requests scheduled from `from` on, ends in [from, to]. */
struct phase {
    int64_t from_ns, to_ns;
    bool whole; /* all of the run: tokens in the bin that holds its end are all of them in it */
};

bool row_meets_slos(const struct request_row *r, const struct slo_list *slos)
{
    if (r->status != RECORD_COMPLETED)
        return false;
    for (size_t i = 0; i < slos->count; i++) {
        int64_t value;
        enum metric m = slos->items[i].metric;
        if (!row_metric(r, m, &value)) {
            if (m == METRIC_TPOT && r->streamed && r->one_token)
                continue;
            return false;
        }
        if ((double)value > slos->items[i].limit_ms * MS)
            return false;
    }
    return true;
}

bool collector_last_meets(const struct collector *c, const struct slo_list *slos)
{
    return sorter_count(&c->rows) > 0 && row_meets_slos(&c->last, slos);
}

void collector_last_sending(const struct collector *c, int64_t *ready_ns, int64_t *sent_ns)
{
    *ready_ns = c->last.ready_ns;
    *sent_ns = c->last.sent_ns;
}

/* Good requests, twice: of those scheduled in the phase, and of those that ended in it, so that
 * the rate of the good ones is never above the rate of all. */
struct good {
    uint64_t scheduled, completed;
};

static void count_request(const struct request_row *r, const struct phase *p, bool met,
                          struct phase_summary *out, struct good *good)
{
    bool scheduled_in = r->scheduled_ns >= p->from_ns;
    out->requests += scheduled_in;
    good->scheduled += scheduled_in && met;
    if (r->status != RECORD_COMPLETED || r->done_ns < p->from_ns || r->done_ns > p->to_ns)
        return;
    good->completed += met;
    out->completed++;
    out->input_tokens += r->input;
    out->cached_input_tokens += r->cached;
    out->reasoning_tokens += r->reasoning;
}

static void add_media(const struct collector *c, const struct phase *p, struct phase_summary *out)
{
    struct spool_scan scan = spool_scan_of(&c->media);
    for (const struct media_row *m; (m = spool_scan_next(&scan));)
        for (int i = 0; i < USAGE_MEDIA_CLASSES; i++)
            if (m->done_ns >= p->from_ns && m->done_ns <= p->to_ns)
                out->media_tokens[i] += m->tokens[i];
}

static void find_rates(const struct collector *c, const struct phase *p, const struct good *good,
                       bool slos, struct phase_summary *out)
{
    out->duration_s = (double)(p->to_ns - p->from_ns) / 1e9;
    out->output_tokens = p->whole ? token_bins_between(&c->tokens, 0, INT64_MAX)
                                  : token_bins_between(&c->tokens, p->from_ns, p->to_ns + 1);
    double s = out->duration_s > 0 ? out->duration_s : NAN;
    out->request_throughput_rps = (double)out->completed / s;
    out->output_throughput_tps = (double)out->output_tokens / s;
    out->total_throughput_tps = (double)(out->input_tokens + out->output_tokens) / s;
    out->goodput_rps = slos ? (double)good->completed / s : NAN;
    out->goodput_fraction =
        slos && out->requests ? (double)good->scheduled / (double)out->requests : NAN;
}

/* The two phases of a summary: its measured window, and everything. */
static void summarize_phases(struct collector *c, const struct phase phases[2],
                             const struct slo_list *slos, struct phase_summary *const out[2])
{
    struct good good[2] = {{0}};
    struct sorter_scan scan;
    const struct request_row *r;
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan))) {
        bool met = row_meets_slos(r, slos);
        for (int i = 0; i < 2; i++)
            count_request(r, &phases[i], met, out[i], &good[i]);
    }
    sorter_scan_end(&scan);
    for (int i = 0; i < 2; i++)
        add_media(c, &phases[i], out[i]);
    for (int i = 0; i < 2; i++)
        find_rates(c, &phases[i], &good[i], slos->count > 0, out[i]);
}

static struct metric_summary without_intervals(struct metric_summary m)
{
    for (int i = 0; i < 2; i++)
        m.ci_mean[i] = m.ci_p50[i] = m.ci_p99[i] = NAN;
    return m;
}

/* The metrics of the window and of everything; most often the two are the same. */
static void summarize_metrics(const struct collector *c, const struct columns *columns,
                              const struct phase phases[2], bool intervals,
                              struct phase_summary *const out[2])
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        for (int i = 0; i < 2; i++) {
            int64_t from_ns = phases[i].from_ns;
            if (i == 1 && from_ns == phases[0].from_ns)
                out[i]->metrics[m] = without_intervals(out[0]->metrics[m]);
            else if (m == METRIC_CHUNK_GAP)
                out[i]->metrics[m] = gaps_summarize(&c->gaps, from_ns, intervals && i == 0);
            else
                out[i]->metrics[m] =
                    column_summarize(&columns->of[m], from_ns, intervals && i == 0);
        }
    }
}

#define STEADY_LEAST 20 /* values, below which MSER-5 says nothing */

/* MSER-5 on TTFT from the schedule, else E2E, in scheduled order: the instant from which the run
 * looks steady; TIME_NEVER where it cannot tell or the run never settled. */
static int64_t steady_from(const struct columns *columns)
{
    const struct spool *column = &columns->of[METRIC_TTFT_SCHEDULED];
    if (column->count < STEADY_LEAST)
        column = &columns->of[METRIC_E2E_SCHEDULED];
    if (column->count < STEADY_LEAST)
        return TIME_NEVER;
    struct spool values;
    struct moments ignored = {0};
    spool_init(&values, sizeof(int64_t));
    column_values(column, INT64_MIN, &values, &ignored);
    struct sample sample = sample_of_spool(&values, 1);
    struct steady steady = steady_mser5_sample(&sample);
    spool_free(&values);
    struct timed_value first;
    return steady.reached && spool_read(column, steady.drop, 1, &first) ? first.due_ns : TIME_NEVER;
}

/* The largest number of requests between sending and end at once. */
static uint64_t peak_in_flight(struct collector *c)
{
    struct flights f;
    struct sorter_scan starts, ends;
    const int64_t *start, *end;
    uint64_t started = 0, ended = 0, peak = 0;
    collector_flights(c, &f);
    sorter_scan_begin(&starts, &f.starts);
    sorter_scan_begin(&ends, &f.ends);
    end = sorter_scan_next(&ends);
    while ((start = sorter_scan_next(&starts))) {
        started++;
        for (; end && *end <= *start; end = sorter_scan_next(&ends))
            ended++;
        if (started > ended && started - ended > peak) /* what ends as it starts is never there */
            peak = started - ended;
    }
    sorter_scan_end(&starts);
    sorter_scan_end(&ends);
    collector_flights_free(&f);
    return peak;
}

#define SHARE_UNIT 1e9 /* errors of lengths are kept as billionths */

static void take_errors(const struct spool *errors, struct summary *out)
{
    struct spool sorted;
    spool_init(&sorted, sizeof(int64_t));
    sort_values(errors, &sorted);
    struct sample rising = sample_of_spool(&sorted, SHARE_UNIT);
    out->input_error_p50 = sample_quantile(&rising, 0.5);
    out->input_error_p99 = sample_quantile(&rising, 0.99);
    spool_free(&sorted);
}

static void add_error_of(struct spool *errors, uint32_t got, uint32_t asked)
{
    int64_t units = llround(fabs((double)got - asked) / asked * SHARE_UNIT);
    spool_add(errors, &units);
}

/* Of requests with images: of their text, where usage tells the images apart. */
static void compare_texts(const struct collector *c, uint32_t least_input, struct spool *errors)
{
    struct spool_scan scan = spool_scan_of(&c->media);
    for (const struct media_row *m; (m = spool_scan_next(&scan));)
        if (m->asked_text > 0 && m->asked_text >= least_input)
            add_error_of(errors, m->text, m->asked_text);
}

/* What was asked against what was got. */
static void compare_lengths(struct collector *c, uint32_t least_input, struct summary *out)
{
    struct spool errors;
    struct sorter_scan scan;
    const struct request_row *r;
    spool_init(&errors, sizeof(int64_t));
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan))) {
        if (r->status != RECORD_COMPLETED)
            continue;
        out->asked_input += r->asked_input;
        out->asked_output += r->asked_output;
        if (r->asked_input < least_input) {
            out->asked_too_little++;
        } else if (r->has_usage && r->asked_input > 0 && !r->has_images && !r->long_history) {
            add_error_of(&errors, r->input, r->asked_input);
        }
    }
    sorter_scan_end(&scan);
    compare_texts(c, least_input, &errors);
    take_errors(&errors, out);
    spool_free(&errors);
    out->tokens_per_chunk = c->chunks ? (double)c->chunked_tokens / (double)c->chunks : NAN;
}

static int64_t choose_warmup(const struct summary_options *o, int64_t first_due, int64_t last_due,
                             int64_t steady, struct summary *out)
{
    out->warmup_method = "none";
    if (o->warmup == WARMUP_GIVEN) {
        bool beyond = o->warmup_ns > last_due - first_due;
        out->warmup_method = beyond ? "beyond" : "given";
        return beyond ? first_due : first_due + o->warmup_ns;
    }
    if (o->warmup == WARMUP_MSER5) {
        out->warmup_method = steady == TIME_NEVER ? "unsettled" : "mser5";
        return steady == TIME_NEVER ? first_due : steady;
    }
    return first_due;
}

void collector_summarize(struct collector *c, const struct summary_options *o, struct summary *out)
{
    int64_t first_due = sorter_count(&c->rows) ? c->first_due_ns : 0, last_due = c->last_due_ns;
    int64_t last_end = c->last_done_ns > last_due ? c->last_done_ns : last_due;
    struct columns columns;
    *out = (struct summary){.command = o->command, .load = o->load, .slos = o->slos};
    columns_fill(&columns, c);
    int64_t steady = steady_from(&columns);
    struct phase phases[2] = {{0, last_due, false}, {first_due, last_end, true}};
    phases[0].from_ns = choose_warmup(o, first_due, last_due, steady, out);
    if (phases[0].from_ns > last_due)
        phases[0].from_ns = last_due;
    /* A single instant has no rate: the window of a burst lasts until its last answer. */
    if (phases[0].to_ns == phases[0].from_ns)
        phases[0].to_ns = last_end;
    out->steady_from_s = steady == TIME_NEVER ? NAN : (double)(steady - first_due) / 1e9;
    out->warmup_s = (double)(phases[0].from_ns - first_due) / 1e9;
    out->duration_s = (double)(last_end - first_due) / 1e9;
    out->last_due_s = (double)last_due / 1e9;
    out->accounting = c->accounting;
    out->estimated_usage = c->estimated_usage;
    out->connects = c->connects;
    out->slow_reads = c->slow_reads;
    out->asked_images = c->asked_images;
    memcpy(out->odd, c->odd, sizeof out->odd);
    out->peak_in_flight = peak_in_flight(c);
    if (o->stopped)
        out->stopped = *o->stopped;
    compare_lengths(c, o->least_input, out);
    struct phase_summary *const both[2] = {&out->window, &out->all};
    summarize_phases(c, phases, &o->slos, both);
    summarize_metrics(c, &columns, phases, !o->no_intervals, both);
    columns_free(&columns);
    out->steady_rate_from_s = out->steady_rate_until_s = NAN;
    if (o->steady_rate)
        o->steady_rate(o->rated, out->all.metrics[METRIC_E2E].mean, &out->steady_rate_from_s,
                       &out->steady_rate_until_s);
    collector_summarize_groups(c, phases[0].from_ns, out);
}
