/* farebox diff: did it change? Two runs compared, metric by metric, with intervals. */
#include "cli/command.h"
#include "cli/report/summary_table.h"
#include "core/memory.h"
#include "core/runs/run_dir.h"
#include "core/runs/summary.h"
#include "core/stats/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diff_options {
    struct common_options common;
    double tolerance;
};

#define AT(field) offsetof(struct diff_options, field)
static const struct option_spec options[] = {
    {"tolerance", 0, OPTION_NUMBER, AT(tolerance), "5", "PERCENT", .min = 0, .max = 1000,
     .help = "exit 1 if something got worse, beyond chance and by more than this"},
    {0},
};

/* What is compared: every latency that both runs have, in these respects. */
static const enum metric metrics[] = {METRIC_TTFT_SCHEDULED, METRIC_TPOT, METRIC_E2E_SCHEDULED};
static const double respects[] = {COMPARE_MEAN, 0.5, 0.99};
#define METRICS (sizeof metrics / sizeof metrics[0])
#define RESPECTS (sizeof respects / sizeof respects[0])

struct finding {
    enum metric metric;
    struct comparison comparison;
};

static int read_run(const char *path, struct collector **out, struct error *err)
{
    *out = NULL;
    if (!run_dir_is_run(path))
        return error_set(err, ERR_INPUT, "%s is no run directory: it has no requests.jsonl", path);
    *out = collector_create();
    return collector_read_run(*out, path, NULL, err);
}

/* Compares every metric that both runs have; returns how many comparisons there are. */
static size_t compare_runs(struct collector *before, struct collector *after,
                           struct finding findings[METRICS * RESPECTS])
{
    struct comparison all[METRICS * RESPECTS];
    size_t count = 0;
    bool same = collector_same_requests(before, after);
    for (size_t i = 0; i < METRICS; i++) {
        double *a, *b;
        size_t n = collector_values(before, metrics[i], &a);
        size_t m = collector_values(after, metrics[i], &b);
        if (n > 0 && m > 0) {
            compare_samples(a, n, b, m, same && n == m, respects, RESPECTS, all + count);
            for (size_t k = 0; k < RESPECTS; k++)
                findings[count + k].metric = metrics[i];
            count += RESPECTS;
        }
        free(a);
        free(b);
    }
    compare_adjust(all, count);
    for (size_t i = 0; i < count; i++)
        findings[i].comparison = all[i];
    return count;
}

static bool is_finding(const struct comparison *c)
{
    return c->supported && c->p_adjusted < 0.05;
}

static void format_respect(double what, char out[16])
{
    if (what < 0)
        snprintf(out, 16, "mean");
    else
        snprintf(out, 16, "p%g", what * 100);
}

static void print_row(const struct finding *f, struct buffer *out)
{
    const struct comparison *c = &f->comparison;
    char name[64], respect[16], cell[CELL_SIZE], text[96];
    format_respect(c->what, respect);
    snprintf(name, sizeof name, "%s ms, %s", metric_title(f->metric), respect);
    add_padded(out, name, 28, false);
    format_cell(c->before, cell);
    add_padded(out, cell, 10, true);
    format_cell(c->after, cell);
    add_padded(out, cell, 10, true);
    snprintf(text, sizeof text, "%+.1f %%", c->change * 100);
    add_padded(out, text, 10, true);
    if (c->supported)
        snprintf(text, sizeof text, "%+.1f … %+.1f %%", c->low * 100, c->high * 100);
    else
        snprintf(text, sizeof text, "too few values");
    add_padded(out, text, 22, true);
    buffer_add_format(out, "  %s\n",
                      !is_finding(c)  ? "= no change beyond chance"
                      : c->change > 0 ? "▲ slower"
                                      : "▼ faster");
}

static void put_finding(struct json_writer *w, const struct finding *f)
{
    const struct comparison *c = &f->comparison;
    char respect[16];
    format_respect(c->what, respect);
    json_begin_object(w);
    json_pair_string(w, "metric", metric_key(f->metric));
    json_pair_string(w, "statistic", respect);
    json_pair_double(w, "before", c->before);
    json_pair_double(w, "after", c->after);
    json_pair_statistic(w, "change", c->change);
    json_pair_statistics(w, "ci95", (double[]){c->low, c->high}, 2);
    json_pair_statistic(w, "p_adjusted", c->p_adjusted);
    json_pair_bool(w, "changed", is_finding(c));
    json_end_object(w);
}

static void print_json(const struct terminal *t, const struct finding *findings, size_t count)
{
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, BUFFER_UNBOUNDED);
    json_write_init(&w, &out, 2);
    json_begin_object(&w);
    json_key(&w, "comparisons");
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        put_finding(&w, &findings[i]);
    json_end_array(&w);
    json_end_object(&w);
    buffer_add_byte(&out, '\n');
    print_buffer(t->machine, &out);
    buffer_free(&out);
}

/* The worst finding beyond the tolerance becomes the command's error. */
static int judge(const struct finding *findings, size_t count, double tolerance, struct error *err)
{
    const struct finding *worst = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct comparison *c = &findings[i].comparison;
        if (is_finding(c) && c->change * 100 > tolerance &&
            (!worst || c->change > worst->comparison.change))
            worst = &findings[i];
    }
    if (!worst)
        return 0;
    char respect[16];
    format_respect(worst->comparison.what, respect);
    return error_set(err, ERR_WORK, "%s %s is %.1f %% slower, more than the tolerance of %g %%",
                     metric_title(worst->metric), respect, worst->comparison.change * 100,
                     tolerance);
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct diff_options *o = parsed;
    struct collector *before = NULL, *after = NULL;
    struct finding findings[METRICS * RESPECTS];
    if (command_arguments(&o->common, 2, "two run directories", err) < 0)
        return ERR_INPUT;
    int status = read_run(o->common.arguments[0], &before, err);
    if (status == 0)
        status = read_run(o->common.arguments[1], &after, err);
    if (status == 0) {
        size_t count = compare_runs(before, after, findings);
        struct buffer out;
        buffer_init(&out, BUFFER_UNBOUNDED);
        buffer_add_format(&out, "\n%s → %s\n\n", o->common.arguments[0], o->common.arguments[1]);
        buffer_add_format(&out, "%28s%10s%10s%10s%22s\n", "", "before", "after", "change",
                          "lies in (95 %)");
        for (size_t i = 0; i < count; i++)
            print_row(&findings[i], &out);
        buffer_add_text(&out, "\nA change is named when it is beyond chance at 5 % over all rows "
                              "together (Holm).\n\n");
        print_buffer(t->human, &out);
        buffer_free(&out);
        if (o->common.json)
            print_json(t, findings, count);
        status = count ? judge(findings, count, o->tolerance, err)
                       : error_set(err, ERR_WORK, "the runs have no latency in common");
    }
    collector_free(before);
    collector_free(after);
    return status;
}

const struct command command_diff = {
    .name = "diff",
    .summary = "what changed between two runs, beyond chance",
    .usage = "RUN RUN",
    .about =
        "Compares two runs metric by metric: how much changed, the interval that the change lies\n"
        "in, and whether it is beyond chance. Exits 1 if something got slower by more than\n"
        "--tolerance.",
    .examples = "  farebox diff results/before results/after --tolerance 10\n",
    .options = options,
    .options_size = sizeof(struct diff_options),
    .run = run,
};
