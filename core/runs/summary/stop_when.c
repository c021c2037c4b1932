#include "core/runs/summary/stop_when.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/runs/summary/collector_state.h"
#include "core/stats/quantile.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MOST_NS (3600 * NS_PER_S)
#define ABOVE_ALL \
    1e200 /* milliseconds: a value of which only is known that it is above the limit */

/* ---- conditions ---- */

static int refuse(const char *text, struct error *err)
{
    return error_set(err, ERR_INPUT,
                     "--stop-when '%.60s': expected FIGURE>LIMIT, such as 'ttft_p50>5s', "
                     "'e2e_p99>30s over 60s', 'failed>50%%' or 'failures>20' (in quotes: the shell "
                     "takes > for a file)",
                     text);
}

/* Takes " over 30s" off the end. */
static int take_window(const char *text, struct text *limit, struct stop_rule *rule,
                       struct error *err)
{
    static const char word[] = " over ";
    size_t length = strlen(word);
    rule->window_ns = STOP_WINDOW_NS;
    for (size_t i = 0; i + length < limit->length; i++) {
        if (memcmp(limit->at + i, word, length) != 0)
            continue;
        struct text time =
            text_trim((struct text){limit->at + i + length, limit->length - i - length});
        *limit = text_trim((struct text){limit->at, i});
        if (rule->figure == STOP_FAILURES)
            return error_set(err, ERR_INPUT,
                             "--stop-when '%.60s': failures in a row have no window: leave "
                             "\"over ...\" out",
                             text);
        if (clock_parse_duration(time.at, time.length, &rule->window_ns) == 0 &&
            rule->window_ns >= NS_PER_S && rule->window_ns <= WINDOW_MOST_NS)
            return 0;
        return error_set(err, ERR_INPUT,
                         "--stop-when '%.60s': expected a time from 1s to 1h behind \"over\"",
                         text);
    }
    return 0;
}

static int read_figure(const char *text, struct text name, struct stop_rule *rule,
                       struct error *err)
{
    if (text_equal(name, "failed"))
        rule->figure = STOP_FAILED_SHARE;
    else if (text_equal(name, "failures"))
        rule->figure = STOP_FAILURES;
    else if (slo_find_statistic(name, &rule->metric, &rule->statistic) &&
             rule->metric != METRIC_CHUNK_GAP && rule->metric != METRIC_SEND_LAG)
        rule->figure = STOP_LATENCY;
    else
        return error_set(err, ERR_INPUT,
                         "--stop-when '%.60s': unknown figure; failed, failures, or ttft, "
                         "ttft_scheduled, ttfo, tpot, e2e, e2e_scheduled, queue with _mean, _p50, "
                         "_p90, _p95, _p99, _p999 or _max",
                         text);
    return 0;
}

static bool read_share(struct text limit, double *share)
{
    bool percent = limit.length && limit.at[limit.length - 1] == '%';
    limit.length -= percent;
    if (!text_to_double(text_trim(limit), share))
        return false;
    *share /= percent ? 100 : 1;
    return *share >= 0 && *share < 1;
}

/* A bare number is milliseconds, as in --slo and --assert. */
static bool read_latency(struct text limit, double *ms)
{
    int64_t ns;
    if (text_to_double(limit, ms))
        return *ms >= 0;
    if (clock_parse_duration(limit.at, limit.length, &ns) < 0)
        return false;
    *ms = (double)ns / NS_PER_MS;
    return true;
}

static int read_limit(const char *text, struct text limit, struct stop_rule *rule,
                      struct error *err)
{
    uint64_t count;
    switch (rule->figure) {
    case STOP_FAILED_SHARE:
        if (read_share(limit, &rule->limit))
            return 0;
        return error_set(err, ERR_INPUT,
                         "--stop-when '%.60s': expected a share below all of them, as in "
                         "'failed>50%%'; failures in a row are 'failures>20'",
                         text);
    case STOP_FAILURES:
        rule->limit = text_to_u64(limit, &count) ? (double)count : NAN;
        break;
    default:
        if (!read_latency(limit, &rule->limit))
            rule->limit = NAN;
    }
    return isnan(rule->limit) ? refuse(text, err) : 0;
}

int stop_rules_add(struct stop_rules *rules, const char *text, struct error *err)
{
    const char *greater = strchr(text, '>');
    struct stop_rule rule = {0};
    if (!greater || strlen(text) >= sizeof rule.text)
        return refuse(text, err);
    struct text name = text_trim((struct text){text, (size_t)(greater - text)});
    struct text limit = text_trim(text_of(greater + 1));
    if (read_figure(text, name, &rule, err) < 0 || take_window(text, &limit, &rule, err) < 0 ||
        read_limit(text, limit, &rule, err) < 0)
        return ERR_INPUT;
    if (rules->count == STOP_RULES)
        return error_set(err, ERR_INPUT, "--stop-when: at most %d conditions", STOP_RULES);
    snprintf(rule.text, sizeof rule.text, "%s", text);
    rules->items[rules->count++] = rule;
    return 0;
}

int stop_rules_read(struct stop_rules *rules, const char *const *texts, size_t count,
                    struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (stop_rules_add(rules, texts[i], err) < 0)
            return ERR_INPUT;
    return 0;
}

/* ---- conditions that can never hold ---- */

static bool is_of_stream(enum metric m)
{
    return m == METRIC_TTFT || m == METRIC_TTFT_SCHEDULED || m == METRIC_TTFO || m == METRIC_TPOT;
}

static bool is_within_attempt(enum metric m)
{
    return m == METRIC_TTFT || m == METRIC_TTFO || m == METRIC_E2E;
}

/* Why, as a sentence goes on behind the condition; false: it may hold. */
static bool never_holds(const struct stop_rule *rule, const struct stop_run *run, char *why,
                        size_t size)
{
    bool latency = rule->figure == STOP_LATENCY, windowed = rule->figure != STOP_FAILURES;
    double timeout_ms = (double)run->timeout_ns / NS_PER_MS;
    uint64_t ends = run->requests * (run->retries + 1);
    if (latency && is_of_stream(rule->metric) && !run->streams)
        snprintf(why, size,
                 "answers that come whole have no first token, and no time per token; "
                 "take e2e");
    else if (latency && is_within_attempt(rule->metric) && run->timeout_ns > 0 &&
             rule->limit > timeout_ms)
        snprintf(why, size,
                 "an attempt ends after %s s (--timeout-total): give a lower limit, or "
                 "'failed>50%%'",
                 TEXT_SHORT(timeout_ms / 1000, 6));
    else if (windowed && run->duration_ns > 0 && rule->window_ns > run->duration_ns)
        snprintf(why, size,
                 "it looks at %s s, and after %s s nothing becomes due any more: "
                 "give a shorter time behind \"over\"",
                 TEXT_SHORT((double)rule->window_ns / 1e9, 6),
                 TEXT_SHORT((double)run->duration_ns / 1e9, 6));
    else if (windowed && run->requests > 0 && ends < STOP_LEAST)
        snprintf(why, size, "it needs %d values, and there are %llu requests", STOP_LEAST,
                 (unsigned long long)run->requests);
    else if (!windowed && run->requests > 0 && (double)ends <= rule->limit)
        snprintf(why, size, "there are %llu requests only", (unsigned long long)run->requests);
    else
        return false;
    return true;
}

int stop_rules_check(const struct stop_rules *rules, const struct stop_run *run, struct error *err)
{
    char why[200];
    for (size_t i = 0; i < rules->count; i++)
        if (never_holds(&rules->items[i], run, why, sizeof why))
            return error_set(err, ERR_INPUT, "--stop-when '%.60s' can never hold: %s",
                             rules->items[i].text, why);
    return 0;
}

/* ---- what is watched ---- */

struct stop_watch {
    struct stop_rules rules;
    int64_t longest_ns; /* window */
    /* Attempts that ended, in the order in which they were told of; those before `first` are older
     * than every window. */
    struct request_row *ended;
    size_t first, count, capacity;
    uint64_t in_a_row;
    double *values; /* of the condition that is being looked at */
    size_t value_count, value_capacity, unknown;
    struct stop_outcome outcome;
};

struct stop_watch *stop_watch_create(const struct stop_rules *rules)
{
    struct stop_watch *w = mem_zero(1, sizeof *w);
    w->rules = *rules;
    for (size_t i = 0; i < rules->count; i++)
        if (rules->items[i].figure != STOP_FAILURES && rules->items[i].window_ns > w->longest_ns)
            w->longest_ns = rules->items[i].window_ns;
    return w;
}

void stop_watch_free(struct stop_watch *w)
{
    if (!w)
        return;
    free(w->ended);
    free(w->values);
    free(w);
}

const struct stop_outcome *stop_watch_outcome(const struct stop_watch *w)
{
    return &w->outcome;
}

/* Moves what is still of use to the front, once the rest is the greater part. */
static void forget_old(struct stop_watch *w, int64_t before_ns)
{
    while (w->first < w->count && w->ended[w->first].done_ns < before_ns)
        w->first++;
    if (w->first < 1024 || w->first < w->count / 2)
        return;
    w->count -= w->first;
    memmove(w->ended, w->ended + w->first, w->count * sizeof *w->ended);
    w->first = 0;
}

void stop_watch_note(struct stop_watch *w, const struct record *r)
{
    if (r->status == RECORD_UNSENT || r->done_ns == TIME_NEVER)
        return;
    if (r->status == RECORD_FAILED)
        w->in_a_row++;
    else
        w->in_a_row = 0;
    if (w->longest_ns == 0)
        return;
    mem_grow(&w->ended, &w->capacity, w->count + 1, sizeof *w->ended);
    w->ended[w->count++] = row_of(r);
}

/* ---- one condition ---- */

static void add_value(struct stop_watch *w, double ms)
{
    mem_grow(&w->values, &w->value_capacity, w->value_count + 1, sizeof *w->values);
    w->values[w->value_count++] = ms;
}

static void add_unknown(struct stop_watch *w)
{
    add_value(w, ABOVE_ALL);
    w->unknown++;
}

static bool is_of_first_token(enum metric m)
{
    return m == METRIC_TTFT || m == METRIC_TTFT_SCHEDULED || m == METRIC_TTFO;
}

/* From when on a request waits for the metric's value; TIME_NEVER where waiting tells nothing. */
static int64_t begin_of(enum metric m, int64_t scheduled_ns, int64_t sent_ns)
{
    if (m == METRIC_TPOT || m == METRIC_QUEUE)
        return TIME_NEVER;
    return m == METRIC_TTFT_SCHEDULED || m == METRIC_E2E_SCHEDULED ? scheduled_ns : sent_ns;
}

static bool is_beyond(const struct stop_rule *rule, int64_t begin_ns, int64_t end_ns)
{
    return begin_ns != TIME_NEVER && (double)(end_ns - begin_ns) / NS_PER_MS > rule->limit;
}

static void add_ended(struct stop_watch *w, const struct stop_rule *rule, int64_t from_ns)
{
    for (size_t i = w->first; i < w->count; i++) {
        const struct request_row *r = &w->ended[i];
        int64_t value_ns, at_ns = r->done_ns;
        if (row_metric(r, rule->metric, &value_ns)) {
            if (is_of_first_token(rule->metric))
                at_ns = rule->metric == METRIC_TTFO ? r->first_output_ns : r->first_token_ns;
            if (at_ns >= from_ns)
                add_value(w, (double)value_ns / NS_PER_MS);
        } else if (at_ns >= from_ns && r->first_token_ns == TIME_NEVER &&
                   is_beyond(rule, begin_of(rule->metric, r->scheduled_ns, r->sent_ns),
                             r->done_ns)) {
            add_unknown(w);
        }
    }
}

static void add_flight(struct stop_watch *w, const struct stop_rule *rule, int64_t from_ns,
                       int64_t now_ns, const struct stop_flight *f)
{
    int64_t begin_ns = begin_of(rule->metric, f->scheduled_ns, f->sent_ns), came_ns = TIME_NEVER;
    if (is_of_first_token(rule->metric))
        came_ns = rule->metric == METRIC_TTFO ? f->first_output_ns : f->first_token_ns;
    if (came_ns == TIME_NEVER && is_beyond(rule, begin_ns, now_ns))
        add_unknown(w);
    else if (came_ns != TIME_NEVER && came_ns >= from_ns)
        add_value(w, (double)(came_ns - begin_ns) / NS_PER_MS);
}

static double figure_of(struct stop_watch *w, enum statistic statistic)
{
    double p = statistic_quantile(statistic), sum = 0;
    if (!isnan(p))
        return quantile_select(w->values, w->value_count, p);
    for (size_t i = 0; i < w->value_count; i++)
        sum += w->values[i];
    return sum / (double)w->value_count;
}

static void put_time(double ms, char *out, size_t size)
{
    if (ms >= 1000)
        snprintf(out, size, "%s s", TEXT_SHORT(ms / 1000, 3));
    else
        snprintf(out, size, "%s ms", TEXT_SHORT(ms, 3));
}

/* The figure in words: of what has not come yet only is known that it is above. */
static void tell_latency(struct stop_watch *w, const struct stop_rule *rule, double value)
{
    char text[32], name[STOP_TEXT_SIZE], waiting[64] = "";
    bool known = value < ABOVE_ALL / 1e6;
    put_time(known ? value : rule->limit, text, sizeof text);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(rule->text, "> "), rule->text);
    if (w->unknown)
        snprintf(waiting, sizeof waiting, " (%zu of %zu had not come yet)", w->unknown,
                 w->value_count);
    snprintf(w->outcome.reason, sizeof w->outcome.reason, "%s was %s%s over the last %s s%s", name,
             known ? "" : "above ", text, TEXT_SHORT((double)rule->window_ns / 1e9, 6), waiting);
}

static bool judge_latency(struct stop_watch *w, const struct stop_rule *rule, int64_t now_ns,
                          const struct stop_flight *flights, size_t count)
{
    int64_t from_ns = now_ns - rule->window_ns;
    w->value_count = w->unknown = 0;
    add_ended(w, rule, from_ns);
    for (size_t i = 0; i < count; i++)
        add_flight(w, rule, from_ns, now_ns, &flights[i]);
    if (from_ns < 0 || w->value_count < STOP_LEAST)
        return false;
    double value = figure_of(w, rule->statistic);
    if (!(value > rule->limit))
        return false;
    tell_latency(w, rule, value);
    return true;
}

static bool judge_failed(struct stop_watch *w, const struct stop_rule *rule, int64_t now_ns)
{
    int64_t from_ns = now_ns - rule->window_ns;
    uint64_t failed = 0, all = 0;
    for (size_t i = w->first; i < w->count; i++) {
        if (w->ended[i].done_ns < from_ns || w->ended[i].status == RECORD_CANCELLED)
            continue;
        all++;
        failed += w->ended[i].status == RECORD_FAILED;
    }
    if (from_ns < 0 || all < STOP_LEAST || !((double)failed > rule->limit * (double)all))
        return false;
    snprintf(w->outcome.reason, sizeof w->outcome.reason, "%llu of %llu failed over the last %s s",
             (unsigned long long)failed, (unsigned long long)all,
             TEXT_SHORT((double)rule->window_ns / 1e9, 6));
    return true;
}

static bool judge_failures(struct stop_watch *w, const struct stop_rule *rule)
{
    if (!((double)w->in_a_row > rule->limit))
        return false;
    snprintf(w->outcome.reason, sizeof w->outcome.reason, "%llu failed one after the other",
             (unsigned long long)w->in_a_row);
    return true;
}

bool stop_watch_judge(struct stop_watch *w, int64_t now_ns, const struct stop_flight *flights,
                      size_t count)
{
    if (w->outcome.condition[0])
        return true;
    forget_old(w, now_ns - w->longest_ns);
    for (size_t i = 0; i < w->rules.count; i++) {
        const struct stop_rule *rule = &w->rules.items[i];
        bool holds = rule->figure == STOP_FAILURES ? judge_failures(w, rule)
                     : rule->figure == STOP_FAILED_SHARE
                         ? judge_failed(w, rule, now_ns)
                         : judge_latency(w, rule, now_ns, flights, count);
        if (!holds)
            continue;
        w->outcome.at_s = (double)now_ns / 1e9;
        memcpy(w->outcome.condition, rule->text, sizeof w->outcome.condition);
        return true;
    }
    return false;
}
