#include "workloads/describe/fit.h"

#include "core/memory.h"
#include "core/stats/ks.h"
#include "core/stats/quantile.h"
#include "workloads/describe/fit_arrival.h"
#include "workloads/scenario/generate.h"
#include "workloads/transform/prefix_cache.h"
#include "workloads/transform/transform_rewrite.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CLASSES 64
#define TABLE_STEPS 200
#define TWIN_SEED 1

static int compare_doubles(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Hits of an infinite cache row by row, in time order; sums to *hit of *total tokens. */
static double *hit_shares(const struct workload *w, uint64_t *hit, uint64_t *total)
{
    struct cache_policy policy = {.kind = CACHE_INFINITE, .step = 1};
    struct prefix_cache *cache = prefix_cache_create(&policy, w->block_size);
    double *shares = mem_zero(w->count + 1, sizeof *shares);
    int64_t *times = rewrite_begin_times(w);
    uint32_t *order = workload_order_by(times, w->count);
    *hit = *total = 0;
    for (size_t k = 0; k < w->count; k++) {
        uint32_t i = order[k];
        uint64_t tokens = prefix_cache_use(cache, w->hash_ids + w->hash_start[i],
                                           (size_t)(w->hash_start[i + 1] - w->hash_start[i]),
                                           w->input_tokens[i], times[i]);
        *hit += tokens;
        *total += w->input_tokens[i];
        shares[i] = w->input_tokens[i] ? (double)tokens / w->input_tokens[i] : 0;
    }
    prefix_cache_free(cache);
    free(times);
    free(order);
    return shares;
}

double workload_prefix_hit_ratio(const struct workload *w)
{
    uint64_t hit, total;
    if (!w->hash_start)
        return NAN;
    free(hit_shares(w, &hit, &total));
    return total ? (double)hit / (double)total : NAN;
}

/* Quantiles at even steps, the tail finer: the mean of a heavy tail hangs on it. */
static struct length fit_length(double *values, size_t count)
{
    static const double tail[] = {0.9965, 0.9975, 0.9985, 0.9992, 0.9997, 1};
    enum { EVEN = TABLE_STEPS, ALL = TABLE_STEPS + sizeof tail / sizeof *tail };
    double at[ALL], q[ALL];
    qsort(values, count, sizeof *values, compare_doubles);
    if (values[0] >= values[count - 1])
        return length_constant(values[0]);
    for (size_t i = 0; i < ALL; i++) {
        at[i] = i < EVEN ? (double)i / TABLE_STEPS : tail[i - EVEN];
        q[i] = quantile_sorted(values, count, at[i]);
    }
    return length_from_quantiles(at, q, ALL);
}

/* Normal scores of the average ranks. */
static void normal_scores(const uint32_t *values, const uint32_t *rows, size_t count, double *out)
{
    struct pair {
        double value;
        size_t index;
    } *sorted = mem_alloc((count + 1) * sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct pair){values[rows[i]], i};
    qsort(sorted, count, sizeof *sorted, compare_doubles); /* the value comes first */
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && sorted[end].value <= sorted[i].value)
            end++;
        double rank = ((double)i + (double)end + 1) / 2;
        double score = gsl_cdf_ugaussian_Pinv(rank / ((double)count + 1));
        for (; i < end; i++)
            out[sorted[i].index] = score;
    }
    free(sorted);
}

static double score_correlation(const struct workload *w, const uint32_t *rows, size_t count)
{
    double *x = mem_alloc((count + 1) * sizeof *x), *y = mem_alloc((count + 1) * sizeof *y);
    double xy = 0, xx = 0, yy = 0;
    normal_scores(w->input_tokens, rows, count, x);
    normal_scores(w->output_tokens, rows, count, y);
    for (size_t i = 0; i < count; i++) {
        xy += x[i] * y[i];
        xx += x[i] * x[i];
        yy += y[i] * y[i];
    }
    free(x);
    free(y);
    double r = xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
    return round(fmin(fmax(r, -1), 1) * 1e4) / 1e4;
}

/* Rows that belong together: the same class, model and service. */
struct group {
    uint16_t class_number, model;
    uint8_t service;
    uint32_t *rows;
    size_t count, capacity;
};

static size_t find_group(const struct workload *w, size_t row, struct group *groups, size_t *count)
{
    struct group g = {.class_number = w->class_number ? w->class_number[row] : UINT16_MAX,
                      .model = w->model ? w->model[row] : UINT16_MAX,
                      .service = w->service ? w->service[row] : SERVICE_STANDARD};
    for (size_t i = 0; i < *count; i++)
        if (groups[i].class_number == g.class_number && groups[i].model == g.model &&
            groups[i].service == g.service)
            return i;
    if (*count == MOST_CLASSES) /* what is rare beyond that goes with the first */
        return 0;
    groups[*count] = g;
    return (*count)++;
}

static char *name_copy(const struct names *names, uint16_t number)
{
    return number == UINT16_MAX ? NULL : mem_copy_string(names_text(names, number));
}

static void fit_class(const struct workload *w, const struct group *g, struct scenario_class *c)
{
    double *values = mem_alloc((g->count + 1) * sizeof *values);
    c->name = name_copy(&w->classes, g->class_number);
    c->model = name_copy(&w->models, g->model);
    const char *other;
    c->service = workload_service(w, g->rows[0], &other);
    c->other_service = other ? mem_copy_string(other) : NULL;
    c->weight = (double)g->count;
    for (size_t i = 0; i < g->count; i++)
        values[i] = w->input_tokens[g->rows[i]];
    c->input = fit_length(values, g->count);
    for (size_t i = 0; i < g->count; i++)
        values[i] = w->output_tokens[g->rows[i]];
    c->output = fit_length(values, g->count);
    c->correlation = score_correlation(w, g->rows, g->count);
    free(values);
}

static void fit_classes(const struct workload *w, struct scenario *s)
{
    struct group groups[MOST_CLASSES];
    size_t count = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct group *g = &groups[find_group(w, i, groups, &count)];
        mem_grow((void **)&g->rows, &g->capacity, g->count + 1, sizeof *g->rows);
        g->rows[g->count++] = (uint32_t)i;
    }
    for (size_t i = 0; i < count; i++) {
        fit_class(w, &groups[i], scenario_add_class(s));
        free(groups[i].rows);
    }
}

/* The shares of the input that hit, each weighed by the tokens of its input. */
static struct length fit_shares(const struct workload *w, const double *shares)
{
    enum { STEPS = 50 };
    struct share {
        double share, tokens;
    } *sorted = mem_alloc((w->count + 1) * sizeof *sorted);
    double at[STEPS + 1] = {0}, q[STEPS + 1] = {0}, total = 0, sum = 0;
    for (size_t i = 0; i < w->count; i++) {
        sorted[i] = (struct share){shares[i], w->input_tokens[i]};
        total += sorted[i].tokens;
    }
    qsort(sorted, w->count, sizeof *sorted, compare_doubles);
    size_t next = 0;
    for (size_t i = 0; i < w->count && next <= STEPS; i++) {
        sum += sorted[i].tokens;
        while (next <= STEPS && (sum >= total * (double)next / STEPS || i + 1 == w->count)) {
            at[next] = (double)next / STEPS;
            q[next++] = round(sorted[i].share * 1e4) / 1e4;
        }
    }
    free(sorted);
    return q[STEPS] > q[0] ? length_from_quantiles(at, q, STEPS + 1) : length_constant(q[0]);
}

static double twin_hit_ratio(const struct scenario *s, size_t requests)
{
    struct workload twin;
    struct generate_options o = {.requests = requests};
    workload_init(&twin);
    double ratio = NAN;
    if (workload_generate(s, TWIN_SEED, &o, &twin, NULL) == 0)
        ratio = workload_prefix_hit_ratio(&twin);
    workload_free(&twin);
    return ratio;
}

/* The largest pool of shared beginnings whose twin still hits as much as the trace: more of them
 * are more first uses, which miss. */
static void fit_prefixes(const struct workload *w, struct scenario *s, struct fit_report *report)
{
    uint64_t hit, total;
    double *shares = hit_shares(w, &hit, &total);
    report->prefix_hit_ratio = total ? (double)hit / (double)total : 0;
    s->block_size = w->block_size;
    if (hit == 0) {
        report->fitted_hit_ratio = 0;
        free(shares);
        return;
    }
    uint32_t best = 1;
    double best_distance = INFINITY;
    for (size_t i = 0; i < s->class_count; i++)
        s->classes[i].prefix =
            (struct scenario_pool){.count = 1, .zipf = 1, .tokens = fit_shares(w, shares)};
    size_t most = w->count < 20000 ? w->count : 20000;
    for (uint32_t pool = 1; pool <= 4096 && pool <= w->count; pool *= 2) {
        for (size_t i = 0; i < s->class_count; i++)
            s->classes[i].prefix.count = pool;
        double distance = fabs(twin_hit_ratio(s, most) - report->prefix_hit_ratio);
        if (distance <= best_distance || distance < 0.01) {
            best = pool;
            best_distance = fmin(distance, best_distance);
        }
    }
    for (size_t i = 0; i < s->class_count; i++)
        s->classes[i].prefix.count = best;
    report->prefix_pool = best;
    report->fitted_hit_ratio = twin_hit_ratio(s, most);
    free(shares);
}

static char *make_comment(const struct workload *w, const struct fit_report *r)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_format(&b,
                      "Fitted to %s: %zu requests. Lengths are quantile tables joined by the "
                      "correlation of their normal scores; the gaps' CV is %s, fitted %s.",
                      w->name ? w->name : "a trace", w->count, TEXT_SHORT(r->interarrival_cv, 4),
                      TEXT_SHORT(r->fitted_cv, 4));
    if (!isnan(r->prefix_hit_ratio))
        buffer_add_format(&b, " An infinite prefix cache hits %.2f%% of the tokens, fitted %.2f%%.",
                          100 * r->prefix_hit_ratio, 100 * r->fitted_hit_ratio);
    if (r->dependent)
        buffer_add_format(&b, " %zu requests waited for others; that is not kept.", r->dependent);
    return buffer_take(&b);
}

int workload_fit(const struct workload *w, struct scenario *out, struct fit_report *report,
                 struct error *err)
{
    *report =
        (struct fit_report){.requests = w->count, .prefix_hit_ratio = NAN, .fitted_hit_ratio = NAN};
    scenario_init(out);
    if (w->count < 2)
        return error_set(err, ERR_INPUT, "a fit needs at least 2 requests, found %zu", w->count);
    int64_t *times = rewrite_begin_times(w);
    uint32_t *order = workload_order_by(times, w->count);
    int64_t *sorted = mem_alloc(w->count * sizeof *sorted);
    for (size_t i = 0; i < w->count; i++)
        sorted[i] = times[order[i]];
    int status = fit_arrival(sorted, w->count, &out->arrival, report, err);
    free(times);
    free(order);
    free(sorted);
    if (status < 0)
        return status;
    out->has_arrival = true;
    out->name = mem_copy_string(w->name ? w->name : "fit");
    out->requests = w->count;
    out->has_start = w->has_start;
    out->start_unix_ns = w->start_unix_ns;
    fit_classes(w, out);
    for (size_t i = 0; w->after_start && i < w->count; i++)
        report->dependent += w->after_start[i + 1] > w->after_start[i];
    report->classes = out->class_count;
    if (w->hash_start)
        fit_prefixes(w, out, report);
    out->comment = make_comment(w, report);
    return 0;
}

static double *sorted_copy(const uint32_t *values, size_t count)
{
    double *copy = mem_alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = values[i];
    qsort(copy, count, sizeof *copy, compare_doubles);
    return copy;
}

static double distance(const uint32_t *a, size_t na, const uint32_t *b, size_t nb)
{
    double *x = sorted_copy(a, na), *y = sorted_copy(b, nb);
    double d = ks_two_samples(x, na, y, nb).statistic;
    free(x);
    free(y);
    return d;
}

double workload_interarrival_cv(const struct workload *w)
{
    int64_t *times = rewrite_begin_times(w);
    uint32_t *order = workload_order_by(times, w->count);
    double *gaps = mem_alloc((w->count + 1) * sizeof *gaps);
    for (size_t i = 1; i < w->count; i++)
        gaps[i - 1] = (double)(times[order[i]] - times[order[i - 1]]) / 1e9;
    double cv = w->count > 1 ? fit_cv(gaps, w->count - 1) : NAN;
    free(times);
    free(order);
    free(gaps);
    return cv;
}

void workload_fit_compare(const struct workload *w, const struct workload *twin,
                          struct fit_distance *out)
{
    out->ks_input = distance(w->input_tokens, w->count, twin->input_tokens, twin->count);
    out->ks_output = distance(w->output_tokens, w->count, twin->output_tokens, twin->count);
    out->interarrival_cv = workload_interarrival_cv(w);
    out->twin_cv = workload_interarrival_cv(twin);
    out->hit_ratio = workload_prefix_hit_ratio(w);
    out->twin_hit_ratio = workload_prefix_hit_ratio(twin);
}
