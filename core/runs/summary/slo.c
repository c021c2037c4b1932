#include "core/runs/summary/slo.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/runs/summary/summary.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const metric_keys[] = {
    "ttft_ms", "ttft_scheduled_ms", "ttfo_ms",     "chunk_gap_ms", "tpot_ms",
    "e2e_ms",  "e2e_scheduled_ms",  "send_lag_ms", "queue_ms",     NULL};
static const struct {
    const char *name, *title;
} metrics[METRIC_COUNT] = {
    {"ttft", "TTFT, sent"},
    {"ttft_scheduled", "TTFT, scheduled"},
    {"ttfo", "first output token"},
    {"chunk_gap", "chunk gap"},
    {"tpot", "TPOT"},
    {"e2e", "E2E, sent"},
    {"e2e_scheduled", "E2E, scheduled"},
    {"send_lag", "send lag"},
    {"queue", "queue"},
};

static const struct {
    const char *name;
    double quantile;
} statistics[STATISTIC_COUNT] = {{"mean", NAN}, {"p50", 0.5},    {"p90", 0.9}, {"p95", 0.95},
                                 {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};

const char *metric_key(enum metric m)
{
    return metric_keys[m];
}

const char *metric_title(enum metric m)
{
    return metrics[m].title;
}

const char *metric_name(enum metric m)
{
    return metrics[m].name;
}

const char *statistic_name(enum statistic s)
{
    return statistics[s].name;
}

bool slo_is_objective(enum metric m)
{
    return m != METRIC_CHUNK_GAP;
}

static int metric_named(struct text name)
{
    for (int m = 0; m < METRIC_COUNT; m++)
        if (text_equal(name, metrics[m].name))
            return m;
    return -1;
}

/* Milliseconds of "500", "500ms" and "0.5s"; *is_time where a unit stands there. */
static bool read_limit(struct text t, double *limit, bool *is_time)
{
    int64_t ns;
    *is_time = t.length > 0 && !(t.at[t.length - 1] >= '0' && t.at[t.length - 1] <= '9');
    if (!*is_time)
        return text_to_double(t, limit) && *limit >= 0;
    if (clock_parse_duration(t.at, t.length, &ns) < 0)
        return false;
    *limit = (double)ns / (double)NS_PER_MS;
    return true;
}

/* Splits "name=limit"; what is meant may be written out, as in "name<=limit". */
static bool split(const char *text, struct text *name, double *limit, bool *is_time)
{
    static const char *const signs[] = {"<=", "≤", "=", "<"};
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        const char *sign = strstr(text, signs[i]);
        if (!sign)
            continue;
        *name = text_trim((struct text){text, (size_t)(sign - text)});
        return read_limit(text_trim(text_of(sign + strlen(signs[i]))), limit, is_time);
    }
    return false;
}

int slo_parse(const char *text, struct slo_list *list, struct error *err)
{
    struct text name;
    double limit;
    bool is_time;
    if (!split(text, &name, &limit, &is_time))
        return error_set(err, ERR_INPUT,
                         "--slo %s: expected METRIC=MILLISECONDS, as in ttft=500, or a time, as in "
                         "ttft=500ms or ttft=0.5s",
                         text);
    int m = metric_named(name);
    if (m < 0 || !slo_is_objective((enum metric)m))
        return error_set(err, ERR_INPUT,
                         "--slo %s: unknown metric; one of ttft, ttft_scheduled, ttfo, tpot, e2e, "
                         "e2e_scheduled, send_lag, queue",
                         text);
    if (list->count == SLO_MAX)
        return error_set(err, ERR_INPUT, "--slo: at most %d objectives", SLO_MAX);
    list->items[list->count++] = (struct slo){(enum metric)m, limit};
    return 0;
}

int slo_list_read(const char *const *texts, size_t count, struct slo_list *list, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (slo_parse(texts[i], list, err) < 0)
            return ERR_INPUT;
    return 0;
}

double statistic_quantile(enum statistic s)
{
    return statistics[s].quantile;
}

bool slo_find_statistic(struct text name, enum metric *metric, enum statistic *statistic)
{
    for (int i = 0; i < STATISTIC_COUNT; i++) {
        size_t tail = strlen(statistics[i].name) + 1;
        if (name.length <= tail || name.at[name.length - tail] != '_' ||
            memcmp(name.at + name.length - tail + 1, statistics[i].name, tail - 1) != 0)
            continue;
        int m = metric_named((struct text){name.at, name.length - tail});
        if (m < 0)
            continue;
        *metric = (enum metric)m;
        *statistic = (enum statistic)i;
        return true;
    }
    return false;
}

static double value_of(const struct metric_summary *m, enum statistic s)
{
    const double values[STATISTIC_COUNT] = {m->mean, m->p50,  m->p90, m->p95,
                                            m->p99,  m->p999, m->max};
    return values[s];
}

/* The value of "ttft_p99" and such; false if the name is none. */
static bool find_latency(struct text name, const struct summary *s, double *value)
{
    enum metric metric;
    enum statistic statistic;
    if (!slo_find_statistic(name, &metric, &statistic))
        return false;
    *value = value_of(&s->window.metrics[metric], statistic);
    return true;
}

static bool find_count(struct text name, const struct summary *s, double *value, bool *at_least)
{
    const struct accounting *a = &s->accounting;
    const struct {
        const char *name;
        double value;
        bool at_least;
    } known[] = {
        {"failed", (double)a->failed, false},
        {"cancelled", (double)a->cancelled, false},
        {"unsent", (double)a->unsent, false},
        {"retried", (double)a->retried, false},
        {"failed_fraction", a->scheduled ? (double)a->failed / (double)a->scheduled : 0, false},
        {"completed", (double)a->completed, true},
        {"request_throughput_rps", s->window.request_throughput_rps, true},
        {"output_throughput_tps", s->window.output_throughput_tps, true},
        {"total_throughput_tps", s->window.total_throughput_tps, true},
        {"goodput_rps", s->window.goodput_rps, true},
        {"goodput_fraction", s->window.goodput_fraction, true},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (text_equal(name, known[i].name)) {
            *value = known[i].value;
            *at_least = known[i].at_least;
            return true;
        }
    }
    return false;
}

int slo_assert(const char *text, const struct summary *s, struct error *err)
{
    struct text name;
    double limit, value;
    bool at_least = false, is_time;
    if (!split(text, &name, &limit, &is_time) ||
        (!find_latency(name, s, &value) && (is_time || !find_count(name, s, &value, &at_least))))
        return error_set(err, ERR_INPUT,
                         "--assert %s: expected METRIC_STATISTIC=LIMIT, as in ttft_p99=500, "
                         "e2e_mean=2s, failed=0 or goodput_fraction=0.95",
                         text);
    if (isnan(value))
        return error_set(err, ERR_WORK, "assertion %s missed: the run has no such figure", text);
    if (at_least ? value < limit : value > limit)
        return error_set(err, ERR_WORK, "assertion %s missed: it is %s", text,
                         TEXT_SHORT(value, 6));
    return 0;
}
