/* Transforms that look at one request or one session at a time: time and rate scaling, sampling and
 * windows, routing, retries, service. */
#include "workloads/transform/transform_rewrite.h"

#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scaling {
    double factor;    /* of times */
    bool whole_clock; /* delays too */
    const int64_t *times;
    const uint32_t *leaders;
};

static int64_t scaled(int64_t ns, double factor)
{
    double x = (double)ns * factor;
    return x > 9e18 ? (int64_t)9e18 : x < -9e18 ? (int64_t)-9e18 : llround(x);
}

static bool scale_row(void *context, size_t row, struct request *r)
{
    const struct scaling *s = context;
    if (s->whole_clock) {
        r->delay_ns = scaled(r->delay_ns, s->factor);
        if (r->timestamp_ns != TIME_NEVER)
            r->timestamp_ns = scaled(r->timestamp_ns, s->factor);
        return true;
    }
    if (r->timestamp_ns == TIME_NEVER)
        return false;
    /* The session's begin moves; what is inside keeps its distance from it. */
    int64_t begin_ns = s->times[s->leaders[row]];
    r->timestamp_ns = scaled(begin_ns, s->factor) + (r->timestamp_ns - begin_ns);
    return true;
}

int transform_scale(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err)
{
    (void)seed;
    bool whole = t->kind == TRANSFORM_TIME;
    int64_t *times = rewrite_begin_times(w);
    uint32_t *leaders = rewrite_leaders(w);
    struct scaling s = {whole ? t->factor : 1 / t->factor, whole, times, leaders};
    int status = rewrite_rows(w, NULL, scale_row, &s, &report->changed, err);
    free(times);
    free(leaders);
    snprintf(report->text, sizeof report->text, "%s: %s", whole ? "time" : "rate",
             whole ? "times and delays scaled" : "session starts scaled");
    return status;
}

/* Sessions by their leader; the random choice hangs on the leader's id, so that it is the same
 * whatever else was dropped before. */
static bool chosen(const struct transform *t, const struct workload *w, uint64_t seed,
                   uint32_t leader, int64_t begin_ns)
{
    char made[REQUEST_ID_SIZE];
    if (t->kind == TRANSFORM_WINDOW)
        return begin_ns >= t->from_ns && begin_ns < t->to_ns;
    const char *id = workload_request_id(w, leader, made);
    uint64_t x = random_mix(seed ^ UINT64_C(0x5a3b1e), text_hash(id, strlen(id)));
    return (double)(x >> 11) * 0x1p-53 < t->factor;
}

int transform_select(const struct transform *t, uint64_t seed, struct workload *w,
                     struct transform_report *report, struct error *err)
{
    int64_t *times = rewrite_begin_times(w);
    uint32_t *leaders = rewrite_leaders(w);
    bool *keep = mem_alloc(w->count + 1);
    uint64_t kept = 0, before = w->count;
    for (size_t i = 0; i < w->count; i++) {
        keep[i] = chosen(t, w, seed, leaders[i], times[leaders[i]]);
        kept += keep[i];
    }
    int status = rewrite_rows(w, keep, NULL, NULL, NULL, err);
    if (status == 0 && t->kind == TRANSFORM_WINDOW)
        workload_shift(w, -t->from_ns);
    free(times);
    free(leaders);
    free(keep);
    report->changed = before - kept;
    snprintf(report->text, sizeof report->text, "%s: %llu of %llu requests kept",
             t->kind == TRANSFORM_WINDOW ? "window" : "sample", (unsigned long long)kept,
             (unsigned long long)before);
    return status;
}

/* The number under "complexity" in an object's members; NAN if there is none. */
static double find_complexity(struct text members, bool braces)
{
    struct json_scan s;
    struct text key, digits;
    struct buffer b;
    double found = NAN;
    buffer_init(&b, BUFFER_UNBOUNDED);
    if (!braces)
        buffer_add_byte(&b, '{');
    buffer_add(&b, members.at, members.length);
    if (!braces)
        buffer_add_byte(&b, '}');
    json_scan_init(&s, "", b.data, b.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "complexity") && json_peek(&s) == JSON_NUMBER) {
            if (json_number(&s, &digits))
                text_to_double(digits, &found);
        } else {
            json_skip(&s, NULL);
        }
    }
    buffer_free(&b);
    return found;
}

static double complexity(const struct request *r)
{
    double found = NAN;
    if (r->extra.length)
        found = find_complexity(r->extra, false);
    if (isnan(found) && r->labels)
        found = find_complexity(text_of(r->labels), true);
    return found;
}

struct routing {
    const struct transform *t;
    uint64_t *sent;
    uint64_t unrouted;
};

static bool rule_fits(const struct route_rule *rule, const struct request *r)
{
    switch (rule->field) {
    case ROUTE_ANY:
        return true;
    case ROUTE_INPUT:
        return r->input_tokens < rule->below;
    case ROUTE_OUTPUT:
        return r->output_tokens < rule->below;
    case ROUTE_TOTAL:
        return (double)r->input_tokens + r->output_tokens < rule->below;
    case ROUTE_COMPLEXITY:
        return complexity(r) < rule->below;
    case ROUTE_CLASS:
        return r->class_name && !strcmp(r->class_name, rule->class_name);
    }
    return false;
}

static bool route_row(void *context, size_t row, struct request *r)
{
    struct routing *routing = context;
    (void)row;
    for (size_t i = 0; i < routing->t->rule_count; i++)
        if (rule_fits(&routing->t->rules[i], r)) {
            if (!r->counted_as) /* its tokens stay those that were counted */
                r->counted_as = r->model ? r->model : "";
            r->model = routing->t->rules[i].model;
            routing->sent[i]++;
            return true;
        }
    routing->unrouted++;
    return false;
}

static void add_note(struct transform_report *report, const char *text, uint64_t count,
                     const char *separator)
{
    size_t at = strlen(report->text);
    snprintf(report->text + at, sizeof report->text - at, "%s%llu to %s", separator,
             (unsigned long long)count, text);
}

int transform_route(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err)
{
    (void)seed;
    struct routing routing = {.t = t, .sent = mem_zero(t->rule_count, sizeof(uint64_t))};
    int status = rewrite_rows(w, NULL, route_row, &routing, &report->changed, err);
    for (size_t i = 0; i < t->rule_count; i++)
        add_note(report, t->rules[i].model, routing.sent[i], i ? ", " : "route: ");
    if (routing.unrouted)
        add_note(report, "no rule (left as they were)", routing.unrouted, ", ");
    free(routing.sent);
    return status;
}

struct retrying {
    const struct transform *t;
    uint64_t seed, extra, failed, lost; /* lost: tokens that were cached before */
};

/* The prompt is read anew; where the workload writes to its cache, it is written anew. */
static void lose_cache(struct retrying *retrying, struct request *r)
{
    const uint64_t *t = r->usage.tokens;
    uint64_t cached = usage_cached(&r->usage), short_write = t[USAGE_CACHE_WRITE],
             hour_write = t[USAGE_CACHE_WRITE_1H];
    if (!r->has_usage || cached == 0)
        return;
    if (hour_write > 0)
        hour_write += cached;
    else if (short_write > 0)
        short_write += cached;
    usage_set_cache(&r->usage, 0, short_write, hour_write);
    retrying->lost += cached;
}

/* Attempts until one succeeds or there are no more; without a failure rate the recorded number is
 * cut, and a request that needed more fails. */
static bool retry_row(void *context, size_t row, struct request *r)
{
    struct retrying *retrying = context;
    const struct transform *t = retrying->t;
    uint32_t attempts = r->attempts ? r->attempts : 1, before = attempts;
    enum request_status status = r->status;
    if (t->failure >= 0) {
        struct random random;
        random_init(&random, retrying->seed, RANDOM_RETRIES, row);
        attempts = 0;
        status = REQUEST_FAILED;
        while (attempts < t->attempts && status == REQUEST_FAILED) {
            attempts++;
            if (random_unit(&random) >= t->failure)
                status = REQUEST_OK;
        }
    } else if (attempts > t->attempts) {
        attempts = t->attempts;
        status = REQUEST_FAILED;
    }
    retrying->extra += attempts - 1;
    retrying->failed += status == REQUEST_FAILED;
    bool changed = attempts != before || status != r->status;
    r->attempts = attempts;
    r->status = status;
    if (t->cache_lost && attempts > 1)
        lose_cache(retrying, r);
    return changed;
}

int transform_retry(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err)
{
    struct retrying retrying = {.t = t, .seed = seed};
    int status = rewrite_rows(w, NULL, retry_row, &retrying, &report->changed, err);
    snprintf(report->text, sizeof report->text,
             "retry: %llu attempts beyond the first, %llu failed",
             (unsigned long long)retrying.extra, (unsigned long long)retrying.failed);
    size_t at = strlen(report->text);
    if (t->cache_lost)
        snprintf(report->text + at, sizeof report->text - at, ", %llu cached tokens lost",
                 (unsigned long long)retrying.lost);
    return status;
}

/* Whether it is of the class that the transform names, if it names one. */
static bool is_meant(const struct transform *t, const struct request *r)
{
    return !t->class_name || (r->class_name && strcmp(r->class_name, t->class_name) == 0);
}

static bool priority_row(void *context, size_t row, struct request *r)
{
    const struct transform *t = context;
    (void)row;
    if (!is_meant(t, r))
        return false;
    r->priority = t->priority;
    return true;
}

int transform_priority(const struct transform *t, uint64_t seed, struct workload *w,
                       struct transform_report *report, struct error *err)
{
    (void)seed;
    struct transform copy = *t;
    int status = rewrite_rows(w, NULL, priority_row, &copy, &report->changed, err);
    snprintf(report->text, sizeof report->text, "priority: %llu requests set to %d",
             (unsigned long long)report->changed, t->priority);
    return status;
}

static bool service_row(void *context, size_t row, struct request *r)
{
    const struct transform *t = context;
    (void)row;
    if (!is_meant(t, r))
        return false;
    r->service = t->service;
    r->other_service = t->other_service;
    return true;
}

int transform_service(const struct transform *t, uint64_t seed, struct workload *w,
                      struct transform_report *report, struct error *err)
{
    (void)seed;
    struct transform copy = *t;
    int status = rewrite_rows(w, NULL, service_row, &copy, &report->changed, err);
    snprintf(report->text, sizeof report->text, "service: %llu requests set to %s",
             (unsigned long long)report->changed,
             t->other_service ? t->other_service : service_name(t->service));
    return status;
}
