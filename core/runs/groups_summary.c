/* The figures of each class, model, endpoint, turn and label. */
#include "core/json_scan.h"
#include "core/memory.h"
#include "core/runs/collector.h"
#include "core/stats/quantile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row must stay within a gigabyte for ten million of them. */
_Static_assert(sizeof(struct request_row) <= 88, "a row of the collector grew");

#define LABEL_KEYS 4
#define VALUES_MOST 15 /* of one dimension; the rest is one group more */
#define UNSAID "(not said)"
#define OTHERS "(others)"

/* The different values of one dimension, and which of them each combination has. */
struct dimension {
    char name[GROUP_NAME_SIZE];
    struct names values;
    uint32_t *value_of; /* by combination */
    uint64_t *requests; /* by value */
    uint32_t *places;   /* by value: the place in the list, VALUES_MOST = among the others */
    size_t count;       /* places in use */
};

static const char *turn_text(uint32_t range)
{
    static const char *const texts[] = {"1", "2", "3", "4", "5-8", "9-16", "17+"};
    return range >= 1 && range <= 7 ? texts[range - 1] : NULL;
}

/* The value of a label in {"team": "x"}, without quotes, or nothing. */
static bool label_value(const char *labels, const char *wanted, struct text *out)
{
    struct json_scan s;
    struct text key;
    bool found = false;
    json_scan_init(&s, "labels", labels, strlen(labels), 1);
    json_object_begin(&s);
    while (!found && json_object_next(&s, &key)) {
        found = text_equal(key, wanted);
        if (json_peek(&s) == JSON_STRING)
            json_string(&s, out);
        else
            json_skip(&s, out);
    }
    return found && !s.failed;
}

/* Names of labels, at most LABEL_KEYS, in the order of their first sight. */
static size_t label_keys(const struct group_store *g, char keys[LABEL_KEYS][GROUP_NAME_SIZE])
{
    size_t count = 0;
    for (size_t i = 0; i < g->combinations.count; i++) {
        const char *labels = names_text(&g->texts, g->keys[i].parts[GROUP_LABELS]);
        struct json_scan s;
        struct text key;
        if (!labels)
            continue;
        json_scan_init(&s, "labels", labels, strlen(labels), 1);
        json_object_begin(&s);
        while (json_object_next(&s, &key)) {
            size_t k = 0;
            while (k < count && !text_equal(key, keys[k]))
                k++;
            if (k == count && count < LABEL_KEYS && key.length < GROUP_NAME_SIZE)
                snprintf(keys[count++], GROUP_NAME_SIZE, "%.*s", (int)key.length, key.at);
            json_skip(&s, NULL);
        }
    }
    return count;
}

static struct text value_in(const struct group_store *g, size_t combination, int part,
                            const char *label)
{
    uint32_t number = g->keys[combination].parts[part];
    const char *text = part == GROUP_TURN ? turn_text(number) : names_text(&g->texts, number);
    struct text value;
    if (part == GROUP_LABELS && text)
        return label_value(text, label, &value) ? value : text_of(UNSAID);
    return text_of(text ? text : UNSAID);
}

static void dimension_free(struct dimension *d)
{
    names_free(&d->values);
    free(d->value_of);
    free(d->requests);
    free(d->places);
}

static int by_requests(const void *a, const void *b, void *context)
{
    const struct dimension *d = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (d->requests[x] != d->requests[y])
        return d->requests[x] < d->requests[y] ? 1 : -1;
    return strcmp(names_text(&d->values, x), names_text(&d->values, y));
}

static int by_name(const void *a, const void *b, void *context)
{
    const struct dimension *d = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int left = atoi(names_text(&d->values, x)), right = atoi(names_text(&d->values, y));
    return left != right ? left - right
                         : strcmp(names_text(&d->values, x), names_text(&d->values, y));
}

/* Gives the values with the most requests a place each (turns: in their order). */
static void dimension_order(struct dimension *d, bool turns)
{
    uint32_t *order = mem_alloc(d->values.count * sizeof *order);
    d->places = mem_alloc(d->values.count * sizeof *d->places);
    for (uint32_t i = 0; i < d->values.count; i++)
        order[i] = i;
    qsort_r(order, d->values.count, sizeof *order, turns ? by_name : by_requests, d);
    for (uint32_t i = 0; i < d->values.count; i++)
        d->places[order[i]] = i < VALUES_MOST ? i : VALUES_MOST;
    d->count = d->values.count < VALUES_MOST + 1 ? d->values.count : VALUES_MOST + 1;
    free(order);
}

static void dimension_fill(struct dimension *d, const struct collector *c, int64_t from_ns,
                           int part)
{
    const struct group_store *g = &c->groups;
    names_init(&d->values);
    d->value_of = mem_alloc(g->combinations.count * sizeof *d->value_of);
    for (size_t i = 0; i < g->combinations.count; i++)
        d->value_of[i] = names_add(&d->values, value_in(g, i, part, d->name + strlen("label:")));
    d->requests = mem_zero(d->values.count + 1, sizeof *d->requests);
    for (size_t i = 0; i < c->row_count; i++)
        if (c->rows[i].scheduled_ns >= from_ns)
            d->requests[d->value_of[c->rows[i].group]]++;
    dimension_order(d, part == GROUP_TURN);
}

static struct short_metric summarize_short(double *values, size_t n)
{
    static const double p[] = {0.5, 0.9, 0.99};
    struct short_metric s = {n, NAN, NAN, NAN, NAN};
    double q[3], sum = 0;
    if (n == 0)
        return s;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    quantiles_select(values, n, p, 3, q);
    return (struct short_metric){n, sum / (double)n, q[0], q[1], q[2]};
}

static void summarize_group(const struct collector *c, const uint32_t *rows, size_t count,
                            const struct slo_list *slos, double *values, struct group_summary *out)
{
    static const enum metric metrics[GROUP_METRICS] = {METRIC_TTFT_SCHEDULED, METRIC_TTFT,
                                                       METRIC_TPOT, METRIC_E2E};
    uint64_t good = 0;
    out->requests = count;
    for (size_t i = 0; i < count; i++) {
        const struct request_row *r = &c->rows[rows[i]];
        out->failed += r->status == RECORD_FAILED;
        good += row_meets_slos(r, slos);
        if (r->status != RECORD_COMPLETED)
            continue;
        out->completed++;
        out->input_tokens += r->input;
        out->output_tokens += r->output;
    }
    out->goodput_fraction = slos->count && count ? (double)good / (double)count : NAN;
    for (int m = 0; m < GROUP_METRICS; m++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t ns;
            if (row_metric(&c->rows[rows[i]], metrics[m], &ns))
                values[n++] = (double)ns / 1e6;
        }
        out->metrics[m] = summarize_short(values, n);
    }
}

static const char *place_name(const struct dimension *d, uint32_t place)
{
    if (place == VALUES_MOST)
        return OTHERS;
    for (uint32_t i = 0; i < d->values.count; i++)
        if (d->places[i] == place)
            return names_text(&d->values, i);
    return UNSAID;
}

/* Rows by place, then each place's figures. */
static void dimension_summarize(const struct dimension *d, const struct collector *c,
                                int64_t from_ns, struct summary *out)
{
    size_t ends[VALUES_MOST + 1] = {0}, at = 0;
    uint32_t *rows = mem_alloc(c->row_count * sizeof *rows);
    double *values = mem_alloc(c->row_count * sizeof *values);
    for (uint32_t i = 0; i < d->values.count; i++)
        ends[d->places[i]] += d->requests[i];
    for (size_t p = 0; p < d->count; p++) {
        size_t count = ends[p];
        ends[p] = at;
        at += count;
    }
    for (size_t i = 0; i < c->row_count; i++)
        if (c->rows[i].scheduled_ns >= from_ns)
            rows[ends[d->places[d->value_of[c->rows[i].group]]]++] = (uint32_t)i;
    for (size_t p = 0; p < d->count && out->group_count < SUMMARY_GROUPS; p++) {
        size_t first = p ? ends[p - 1] : 0;
        struct group_summary *g = &out->groups[out->group_count++];
        *g = (struct group_summary){0};
        snprintf(g->dimension, sizeof g->dimension, "%s", d->name);
        snprintf(g->name, sizeof g->name, "%s", place_name(d, (uint32_t)p));
        summarize_group(c, rows + first, ends[p] - first, &out->slos, values, g);
    }
    free(values);
    free(rows);
}

static void add_dimension(struct collector *c, int64_t from_ns, int part, const char *label,
                          struct summary *out)
{
    static const char *const names[] = {"class", "model", "endpoint", "turn"};
    struct dimension d = {0};
    if (label)
        snprintf(d.name, sizeof d.name, "label:%.*s", GROUP_NAME_SIZE - 7, label);
    else
        snprintf(d.name, sizeof d.name, "%s", names[part]);
    dimension_fill(&d, c, from_ns, part);
    if (d.count > 1)
        dimension_summarize(&d, c, from_ns, out);
    dimension_free(&d);
}

static struct short_metric from_histogram(const struct histogram *h, const struct moments *m)
{
    if (m->count == 0)
        return (struct short_metric){0, NAN, NAN, NAN, NAN};
    return (struct short_metric){m->count, moments_mean(m) / 1e6, histogram_quantile(h, 0.5) / 1e6,
                                 histogram_quantile(h, 0.9) / 1e6,
                                 histogram_quantile(h, 0.99) / 1e6};
}

void collector_summarize_groups(struct collector *c, int64_t from_ns, struct summary *out)
{
    char keys[LABEL_KEYS][GROUP_NAME_SIZE];
    out->group_count = 0;
    for (int part = 0; part < GROUP_LABELS; part++)
        add_dimension(c, from_ns, part, NULL, out);
    size_t count = label_keys(&c->groups, keys);
    for (size_t i = 0; i < count; i++)
        add_dimension(c, from_ns, GROUP_LABELS, keys[i], out);
    for (int i = 0; i < SET_UP_PARTS; i++)
        out->set_up[i] = from_histogram(&c->groups.set_up[i], &c->groups.set_up_moments[i]);
    memcpy(out->error_samples, c->groups.samples, sizeof out->error_samples);
}
