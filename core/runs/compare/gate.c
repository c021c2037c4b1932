#include "core/runs/compare/gate.h"

#include "core/stats/compare.h"
#include "core/text.h"

#include <math.h>
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

static bool is_latency(const struct gate_figure *f)
{
    return f->what != COMPARE_SHARE && f->what != COMPARE_RATE && strcmp(f->key, "cost_usd") != 0;
}

static bool wants_more(const struct gate_figure *f)
{
    return f->what == COMPARE_RATE || strcmp(f->key, "goodput_fraction") == 0;
}

/* "500ms", "0.5s", "1%" of a share, "12" a second, "$0.01": a limit on the run itself. */
static bool parse_absolute(struct text limit, struct gate_figure *f)
{
    double value, unit = 1;
    if (is_latency(f)) {
        bool ms = take_suffix(&limit, "ms");
        if (!ms && !take_suffix(&limit, "s"))
            return false;
        unit = ms ? 1 : 1000;
    } else if (f->what == COMPARE_SHARE) {
        if (!take_suffix(&limit, "%"))
            return false;
        unit = 0.01;
    } else if (f->what == COMPARE_RATE) {
        take_suffix(&limit, "/s");
    } else if (limit.length > 0 && limit.at[0] == '$') {
        limit = (struct text){limit.at + 1, limit.length - 1};
    } else if (!take_suffix(&limit, "USD")) {
        return false;
    }
    if (!text_to_double(limit, &value) || !(value >= 0 && value <= 1e12))
        return false;
    f->allowed = value * unit;
    f->absolute = true;
    f->least = wants_more(f);
    return true;
}

/* "10%", "0.5pp": what is allowed, in the unit of the figure. */
static bool parse_relative(struct text limit, struct gate_figure *f)
{
    bool points = f->what == COMPARE_SHARE;
    double value;
    if (points ? !take_suffix(&limit, "pp") && !take_suffix(&limit, "pt")
               : !take_suffix(&limit, "%"))
        return false;
    if (!text_to_double(limit, &value) || !(value >= 0 && value <= 1e6))
        return false;
    f->allowed = value / 100;
    return true;
}

static int refuse_limit(const char *text, const struct gate_figure *f, struct error *err)
{
    if (f->what == COMPARE_SHARE)
        return error_set(err, ERR_INPUT,
                         "--fail-on '%s': a share is judged in percentage points against what was "
                         "before, as in '%s>0.5pp', or by itself, as in '%s%s'",
                         text, f->name, f->name, wants_more(f) ? "<95%" : ">1%");
    return error_set(err, ERR_INPUT,
                     "--fail-on '%s': by how much may it be worse? In percent of what it was "
                     "before, as in '%s>10%%', or by itself, as in '%s%s'",
                     text, f->name, f->name,
                     is_latency(f)             ? ">500ms"
                     : f->what == COMPARE_RATE ? "<100"
                                               : ">$0.01");
}

/* What stands behind the name: > or <, and the limit. */
static int parse_limit(const char *text, const char *sign, struct gate_figure *f, struct error *err)
{
    struct text limit = text_trim(text_of(sign + 1));
    f->points = f->what == COMPARE_SHARE;
    if (*sign == '>' && parse_relative(limit, f))
        return 0;
    if (!parse_absolute(limit, f))
        return refuse_limit(text, f, err);
    if (f->least != (*sign == '<'))
        return error_set(err, ERR_INPUT,
                         f->least ? "--fail-on '%s': it must not fall below a limit: write '%s<%s'"
                                  : "--fail-on '%s': it must not rise above a limit: write '%s>%s'",
                         text, f->name, sign + 1);
    return 0;
}

static bool is_judged(const struct gate *gate, const struct gate_figure *f)
{
    for (size_t i = 0; i < gate->count; i++) {
        const struct gate_figure *g = &gate->figures[i];
        if (strcmp(g->key, f->key) == 0 && g->what == f->what && g->absolute == f->absolute)
            return true;
    }
    return false;
}

int gate_parse(const char *text, struct gate *gate, struct error *err)
{
    const char *sign = strpbrk(text, "<>");
    struct gate_figure f = {0};
    if (!sign)
        return error_set(err, ERR_INPUT,
                         "--fail-on '%s': expected FIGURE>X, as in 'ttft_p99>10%%' or "
                         "'ttft_p99>500ms' (in quotes: the shell takes > for a file)",
                         text);
    struct text name = text_trim((struct text){text, (size_t)(sign - text)});
    if (!find_figure(name, &f))
        return error_set(
            err, ERR_INPUT,
            "--fail-on '%s': unknown figure; failed, dropped, goodput, "
            "request_throughput_rps, output_throughput_tps, cost, or ttft, "
            "ttft_scheduled, ttfo, tpot, chunk_gap_max, e2e, e2e_scheduled with _mean, "
            "_p50, _p90, _p95, _p99 or _p999",
            text);
    snprintf(f.name, sizeof f.name, "%.*s", (int)name.length, name.at);
    int status = parse_limit(text, sign, &f, err);
    if (status < 0)
        return status;
    if (is_judged(gate, &f))
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

bool gate_has_key(const struct gate *gate, const char *key)
{
    for (size_t i = 0; i < gate->count; i++)
        if (strcmp(gate->figures[i].key, key) == 0)
            return true;
    return false;
}

bool gate_compares(const struct gate *gate)
{
    for (size_t i = 0; i < gate->count; i++)
        if (!gate->figures[i].absolute)
            return true;
    return false;
}

void gate_format_value(const struct gate_figure *f, double value, char out[GATE_VALUE_SIZE])
{
    char digits[TEXT_GROUPED_SIZE], number[TEXT_GROUPED_SIZE];
    if (!isfinite(value)) {
        snprintf(out, GATE_VALUE_SIZE, "–");
    } else if (f->what == COMPARE_SHARE) {
        snprintf(out, GATE_VALUE_SIZE, "%s %%", TEXT_SHORT(value * 100, 3));
    } else if (strcmp(f->key, "cost_usd") == 0) {
        snprintf(out, GATE_VALUE_SIZE, "$%s", TEXT_SHORT(value, 3));
    } else {
        snprintf(digits, sizeof digits, "%.*f", fabs(value) < 100 ? 1 : 0, text_shown(value, 1));
        snprintf(out, GATE_VALUE_SIZE, "%s %s", text_group(digits, number),
                 f->what == COMPARE_RATE ? "/s" : "ms");
    }
}

const char *gate_unit(const struct gate_figure *f)
{
    return f->what == COMPARE_SHARE  ? "share"
           : f->what == COMPARE_RATE ? "per_second"
           : is_latency(f)           ? "ms"
                                     : "usd";
}
