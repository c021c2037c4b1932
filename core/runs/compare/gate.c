#include "core/runs/compare/gate.h"

#include "core/stats/compare.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

/* What is no latency. */
static const struct {
    const char *name, *key;
    double what;
} plain[] = {
    {"failed", "failed_fraction", COMPARE_SHARE},
    {"failed_fraction", "failed_fraction", COMPARE_SHARE},
    {"dropped", "dropped_fraction", COMPARE_SHARE},
    {"goodput", "goodput_fraction", COMPARE_SHARE},
    {"goodput_fraction", "goodput_fraction", COMPARE_SHARE},
    {"request_throughput_rps", "request_throughput_rps", COMPARE_RATE},
    {"output_throughput_tps", "output_throughput_tps", COMPARE_RATE},
    {"cost", "cost_usd", COMPARE_MEAN},
    {"cost_usd", "cost_usd", COMPARE_MEAN},
};

static const struct {
    const char *name;
    double what;
} statistics[] = {{"mean", COMPARE_MEAN}, {"p50", 0.5},  {"p90", 0.9},
                  {"p95", 0.95},          {"p99", 0.99}, {"p999", 0.999}};

/* Latencies are named as in summary.json, less the unit. */
#define UNIT "_ms"
static const char *const latencies[] = {"ttft_ms",         "ttft_scheduled_ms", "ttfo_ms",
                                        "tpot_ms",         "chunk_gap_max_ms",  "e2e_ms",
                                        "e2e_scheduled_ms"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool find_latency(struct text name, struct gate_figure *out)
{
    for (size_t i = 0; i < COUNT(latencies); i++) {
        size_t length = strlen(latencies[i]) - strlen(UNIT);
        if (name.length <= length + 1 || memcmp(name.at, latencies[i], length) != 0 ||
            name.at[length] != '_')
            continue;
        struct text rest = {name.at + length + 1, name.length - length - 1};
        for (size_t k = 0; k < COUNT(statistics); k++) {
            if (!text_equal(rest, statistics[k].name))
                continue;
            out->key = latencies[i];
            out->what = statistics[k].what;
            return true;
        }
    }
    return false;
}

static bool find_figure(struct text name, struct gate_figure *out)
{
    for (size_t i = 0; i < COUNT(plain); i++) {
        if (text_equal(name, plain[i].name)) {
            out->key = plain[i].key;
            out->what = plain[i].what;
            return true;
        }
    }
    return find_latency(name, out);
}

static bool take_suffix(struct text *t, const char *suffix)
{
    size_t length = strlen(suffix);
    if (t->length < length || memcmp(t->at + t->length - length, suffix, length) != 0)
        return false;
    t->length -= length;
    *t = text_trim(*t);
    return true;
}

/* "10%", "0.5pp": what is allowed, in the unit of the figure. */
static int parse_limit(const char *text, struct text limit, struct gate_figure *f,
                       struct error *err)
{
    bool percent = take_suffix(&limit, "%");
    bool points = !percent && (take_suffix(&limit, "pp") || take_suffix(&limit, "pt"));
    double value;
    if ((!percent && !points) || !text_to_double(limit, &value) || !(value >= 0 && value <= 1e6))
        return error_set(err, ERR_INPUT,
                         "--fail-on '%s': by how much may it be worse? Percent or percentage "
                         "points, as in 'ttft_p99>10%%' or 'failed>0.5pp'",
                         text);
    f->points = f->what == COMPARE_SHARE;
    if (f->points != points)
        return error_set(err, ERR_INPUT,
                         f->points ? "--fail-on '%s': a share is judged in percentage points, as "
                                     "in '%s>0.5pp'"
                                   : "--fail-on '%s': it is judged in percent of what it was "
                                     "before, as in '%s>10%%'",
                         text, f->name);
    f->allowed = value / 100;
    return 0;
}

int gate_parse(const char *text, struct gate *gate, struct error *err)
{
    const char *greater = strchr(text, '>');
    struct gate_figure f = {0};
    if (!greater)
        return error_set(err, ERR_INPUT,
                         "--fail-on '%s': expected FIGURE>X, as in 'ttft_p99>10%%' (in quotes: the "
                         "shell takes > for a file)",
                         text);
    struct text name = text_trim((struct text){text, (size_t)(greater - text)});
    if (!find_figure(name, &f))
        return error_set(
            err, ERR_INPUT,
            "--fail-on '%s': unknown figure; failed, dropped, goodput, "
            "request_throughput_rps, output_throughput_tps, cost, or ttft, "
            "ttft_scheduled, ttfo, tpot, chunk_gap_max, e2e, e2e_scheduled with _mean, "
            "_p50, _p90, _p95, _p99 or _p999",
            text);
    snprintf(f.name, sizeof f.name, "%.*s", (int)name.length, name.at);
    int status = parse_limit(text, text_trim(text_of(greater + 1)), &f, err);
    if (status < 0)
        return status;
    if (gate_has(gate, f.key, f.what))
        return error_set(err, ERR_INPUT, "--fail-on '%s': %s is judged already; once is enough",
                         text, f.name);
    if (gate->count == GATE_FIGURES)
        return error_set(err, ERR_INPUT, "--fail-on: at most %d figures", GATE_FIGURES);
    gate->figures[gate->count++] = f;
    return 0;
}

void gate_add_latency(struct gate *gate, enum metric metric, double what, double allowed)
{
    struct gate_figure *f = &gate->figures[gate->count++];
    const char *key = metric_key(metric), *statistic = "";
    for (size_t k = 0; k < COUNT(statistics); k++)
        if (statistics[k].what == what)
            statistic = statistics[k].name;
    *f = (struct gate_figure){.key = key, .what = what, .allowed = allowed};
    snprintf(f->name, sizeof f->name, "%.*s_%s", (int)(strlen(key) - strlen(UNIT)), key, statistic);
}

void gate_add_failed(struct gate *gate, double allowed)
{
    gate->figures[gate->count++] = (struct gate_figure){.name = "failed",
                                                        .key = "failed_fraction",
                                                        .what = COMPARE_SHARE,
                                                        .allowed = allowed,
                                                        .points = true};
}

bool gate_has(const struct gate *gate, const char *key, double what)
{
    for (size_t i = 0; i < gate->count; i++)
        if (strcmp(gate->figures[i].key, key) == 0 && gate->figures[i].what == what)
            return true;
    return false;
}
