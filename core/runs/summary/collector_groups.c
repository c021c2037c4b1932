/* The figures of each class, model, endpoint, turn and label. */
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/summary/collector_state.h"
#include "core/stats/series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row must stay within a gigabyte of temporary file for ten million of them. */
_Static_assert(sizeof(struct request_row) <= 88, "a row of the collector grew");

#define LABEL_KEYS 4
#define VALUES_MOST 15 /* of one dimension; the rest is one group more */
#define UNSAID "(not said)"
#define OTHERS "(others)"

/* The metrics of one group; exact as long as they are few. */
#define GROUP_EXACT 4096

struct group_values {
    struct series metrics[GROUP_METRICS];
    uint64_t good;
};

/* The different values of one dimension, and which of them each combination has. */
struct dimension {
    char name[GROUP_NAME_SIZE];
    struct names values;
    uint32_t *value_of; /* by combination */
    uint64_t *requests; /* by value */
    uint32_t *places;   /* by value: the place in the list, VALUES_MOST = among the others */
    size_t count;       /* places in use */
    struct group_summary *groups; /* by place; they stand in the summary */
    struct group_values *group_values;
};

/* All dimensions with more than one value. */
struct dimensions {
    struct dimension items[GROUP_LABELS + LABEL_KEYS];
    size_t count;
};

static const char *turn_text(uint32_t range)
{
    static const char *const texts[] = {"1", "2", "3", "4", "5-8", "9-16", "17+"};
    return range >= 1 && range <= 7 ? texts[range - 1] : NULL;
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
        return json_member(text, label, &value) ? value : text_of(UNSAID);
    return text_of(text ? text : UNSAID);
}

static void dimension_free(struct dimension *d)
{
    names_free(&d->values);
    free(d->value_of);
    free(d->requests);
    free(d->places);
    for (size_t i = 0; d->group_values && i < d->count; i++)
        for (int m = 0; m < GROUP_METRICS; m++)
            series_free(&d->group_values[i].metrics[m]);
    free(d->group_values);
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

/* `requests_of`: by combination. */
static void dimension_fill(struct dimension *d, const struct group_store *g,
                           const uint64_t *requests_of, int part)
{
    names_init(&d->values);
    d->value_of = mem_alloc(g->combinations.count * sizeof *d->value_of);
    for (size_t i = 0; i < g->combinations.count; i++)
        d->value_of[i] = names_add(&d->values, value_in(g, i, part, d->name + strlen("label:")));
    d->requests = mem_zero(d->values.count + 1, sizeof *d->requests);
    for (size_t i = 0; i < g->combinations.count; i++)
        d->requests[d->value_of[i]] += requests_of[i];
    dimension_order(d, part == GROUP_TURN);
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

/* Gives each place of the dimension a group in the summary. */
static void dimension_begin(struct dimension *d, struct summary *out)
{
    if (d->count > SUMMARY_GROUPS - out->group_count)
        d->count = SUMMARY_GROUPS - out->group_count;
    d->groups = out->groups + out->group_count;
    d->group_values = mem_zero(d->count, sizeof *d->group_values);
    out->group_count += d->count;
    for (size_t p = 0; p < d->count; p++) {
        d->groups[p] = (struct group_summary){0};
        snprintf(d->groups[p].dimension, GROUP_NAME_SIZE, "%s", d->name);
        snprintf(d->groups[p].name, GROUP_NAME_SIZE, "%s", place_name(d, (uint32_t)p));
        for (int m = 0; m < GROUP_METRICS; m++)
            series_init(&d->group_values[p].metrics[m], GROUP_EXACT);
    }
}

static void dimension_add(struct dimension *d, const struct request_row *r, bool met)
{
    static const enum metric metrics[GROUP_METRICS] = {METRIC_TTFT_SCHEDULED, METRIC_TTFT,
                                                       METRIC_TPOT, METRIC_E2E};
    uint32_t place = d->places[d->value_of[r->group]];
    if (place >= d->count)
        return;
    struct group_summary *g = &d->groups[place];
    struct group_values *values = &d->group_values[place];
    g->requests++;
    g->failed += r->status == RECORD_FAILED;
    g->cancelled += r->status == RECORD_CANCELLED;
    g->unsent += r->status == RECORD_UNSENT;
    values->good += met;
    if (r->status == RECORD_COMPLETED) {
        g->completed++;
        g->input_tokens += r->input;
        g->output_tokens += r->output;
    }
    for (int m = 0; m < GROUP_METRICS; m++) {
        int64_t ns;
        if (row_metric(r, metrics[m], &ns))
            series_add(&values->metrics[m], ns);
    }
}

static struct short_metric short_of(const struct series *s)
{
    static const double p[] = {0.5, 0.9, 0.99};
    double q[3];
    if (s->moments.count == 0)
        return (struct short_metric){0, NAN, NAN, NAN, NAN};
    series_quantiles(s, p, 3, q);
    return (struct short_metric){s->moments.count, moments_mean(&s->moments) / 1e6, q[0] / 1e6,
                                 q[1] / 1e6, q[2] / 1e6};
}

static void dimension_end(struct dimension *d, bool slos)
{
    for (size_t p = 0; p < d->count; p++) {
        struct group_summary *g = &d->groups[p];
        const struct group_values *values = &d->group_values[p];
        g->goodput_fraction =
            slos && g->requests ? (double)values->good / (double)g->requests : NAN;
        for (int m = 0; m < GROUP_METRICS; m++)
            g->metrics[m] = short_of(&values->metrics[m]);
    }
}

static void add_dimension(struct dimensions *all, const struct group_store *g,
                          const uint64_t *requests_of, int part, const char *label,
                          struct summary *out)
{
    static const char *const names[] = {"class", "model", "endpoint", "turn"};
    struct dimension *d = &all->items[all->count];
    *d = (struct dimension){0};
    if (label)
        snprintf(d->name, sizeof d->name, "label:%.*s", GROUP_NAME_SIZE - 7, label);
    else
        snprintf(d->name, sizeof d->name, "%s", names[part]);
    dimension_fill(d, g, requests_of, part);
    if (d->count > 1 && out->group_count < SUMMARY_GROUPS) {
        dimension_begin(d, out);
        all->count++;
    } else {
        dimension_free(d);
    }
}

static void find_dimensions(struct dimensions *all, struct collector *c, int64_t from_ns,
                            struct summary *out)
{
    char keys[LABEL_KEYS][GROUP_NAME_SIZE];
    uint64_t *requests_of = mem_zero(c->groups.combinations.count + 1, sizeof *requests_of);
    struct sorter_scan scan;
    const struct request_row *r;
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan)))
        requests_of[r->group] += r->scheduled_ns >= from_ns;
    sorter_scan_end(&scan);
    for (int part = 0; part < GROUP_LABELS; part++)
        add_dimension(all, &c->groups, requests_of, part, NULL, out);
    size_t count = label_keys(&c->groups, keys);
    for (size_t i = 0; i < count; i++)
        add_dimension(all, &c->groups, requests_of, GROUP_LABELS, keys[i], out);
    free(requests_of);
}

static void fill_dimensions(struct dimensions *all, struct collector *c, int64_t from_ns,
                            const struct slo_list *slos)
{
    struct sorter_scan scan;
    const struct request_row *r;
    sorter_scan_begin(&scan, &c->rows);
    while (all->count && (r = sorter_scan_next(&scan))) {
        if (r->scheduled_ns < from_ns)
            continue;
        bool met = row_meets_slos(r, slos);
        for (size_t i = 0; i < all->count; i++)
            dimension_add(&all->items[i], r, met);
    }
    sorter_scan_end(&scan);
    for (size_t i = 0; i < all->count; i++) {
        dimension_end(&all->items[i], slos->count > 0);
        dimension_free(&all->items[i]);
    }
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
    struct dimensions all = {.count = 0};
    out->group_count = 0;
    find_dimensions(&all, c, from_ns, out);
    fill_dimensions(&all, c, from_ns, &out->slos);
    for (int i = 0; i < SET_UP_PARTS; i++)
        out->set_up[i] = from_histogram(&c->groups.set_up[i], &c->groups.set_up_moments[i]);
    memcpy(out->error_samples, c->groups.samples, sizeof out->error_samples);
}
