#include "workloads/scenario/servegen.h"

#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "workloads/scenario/servegen_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_STEP_S 600.0
#define MOST_ROWS 1000000
#define MOST_WINDOWS 10000
#define MOST_SHAPE 1e6
#define MOST_WEIGHT 1e15

/* Lengths of one longer window. */
struct window {
    double start_s;
    bool has_input, has_output, has_reasoning;
    struct length input, output, reasoning;
};

/* One client while it is read. */
struct client {
    struct arrival_stage *stages;
    double *starts;
    size_t stage_count, stage_capacity, start_capacity;
    struct window *windows;
    size_t window_count, window_capacity;
    double mean_rps;
    uint64_t number;
};

static void client_free(struct client *c)
{
    for (size_t i = 0; i < c->window_count; i++) {
        length_free(&c->windows[i].input);
        length_free(&c->windows[i].output);
        length_free(&c->windows[i].reasoning);
    }
    free(c->windows);
    free(c->stages);
    free(c->starts);
}

/* One field of a line "ts,rate,cv,pattern,shape,scale"; moves *at past it. */
static struct text next_field(const char **at, const char *end)
{
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    struct text field = {*at, (size_t)((comma ? comma : end) - *at)};
    *at = comma ? comma + 1 : end;
    return field;
}

static int bad_field(const struct servegen_client *f, long line, struct text line_text,
                     struct text field, const char *expected, struct error *err)
{
    return error_at(err, f->trace_name, line, field.at - line_text.at + 1,
                    "found \"%.*s\", expected %s", (int)(field.length < 40 ? field.length : 40),
                    field.at, expected);
}

/* Appends one window of arrivals. The gaps' shape is the data's; their scale follows the rate. */
static int read_row(const struct servegen_client *f, long line, struct text text, struct client *c,
                    struct error *err)
{
    const char *at = text.at, *end = text.at + text.length;
    struct text start = next_field(&at, end), rate = next_field(&at, end);
    next_field(&at, end); /* the CV, which the shape says again */
    struct text pattern = next_field(&at, end), shape = next_field(&at, end);
    struct arrival_stage g = {.process = ARRIVAL_POISSON, .shape = 1};
    double start_s;
    if (!text_to_double(start, &start_s) || start_s < 0 || start_s > SCENARIO_MOST_SECONDS)
        return bad_field(f, line, text, start, "seconds from the start, at most 10^9", err);
    if (!text_to_double(rate, &g.from_rps) || g.from_rps < 0 || g.from_rps > 1e7)
        return bad_field(f, line, text, rate, "requests per second, from 0 to 10^7", err);
    if (text_equal(pattern, "Gamma"))
        g.process = ARRIVAL_GAMMA;
    else if (text_equal(pattern, "Weibull"))
        g.process = ARRIVAL_WEIBULL;
    else if (pattern.length)
        return bad_field(f, line, text, pattern, "Gamma, Weibull or nothing", err);
    double least = g.process == ARRIVAL_WEIBULL ? 0.05 : 0.001;
    if (pattern.length && g.from_rps > 0 &&
        (!text_to_double(shape, &g.shape) || g.shape < least || g.shape > MOST_SHAPE))
        return bad_field(f, line, text, shape, "a shape from 0.001, for Weibull 0.05, to 1,000,000",
                         err);
    if (c->stage_count && start_s <= c->starts[c->stage_count - 1])
        return bad_field(f, line, text, start, "a later window than the one before", err);
    if (c->stage_count == MOST_ROWS)
        return bad_field(f, line, text, start, "fewer windows", err);
    g.to_rps = g.from_rps;
    mem_grow((void **)&c->stages, &c->stage_capacity, c->stage_count + 1, sizeof *c->stages);
    mem_grow((void **)&c->starts, &c->start_capacity, c->stage_count + 1, sizeof *c->starts);
    c->starts[c->stage_count] = start_s;
    c->stages[c->stage_count++] = g;
    return 0;
}

static int read_trace(const struct servegen_client *f, struct client *c, struct error *err)
{
    const char *at = f->trace, *end = f->trace + f->trace_length;
    for (long line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct text text = {at, (size_t)((newline ? newline : end) - at)};
        at = newline ? newline + 1 : end;
        if (text.length && text.at[text.length - 1] == '\r')
            text.length--;
        if (text.length && read_row(f, line, text, c, err) < 0)
            return ERR_INPUT;
    }
    double requests = 0, seconds = 0;
    for (size_t i = 0; i < c->stage_count; i++) {
        bool last = i + 1 == c->stage_count;
        double step = !last ? c->starts[i + 1] - c->starts[i]
                      : i   ? c->starts[i] - c->starts[i - 1]
                            : DEFAULT_STEP_S;
        c->stages[i].duration_s = step;
        requests += step * c->stages[i].from_rps;
        seconds += step;
    }
    c->mean_rps = seconds > 0 ? requests / seconds : 0;
    return 0;
}

static void skip_spaces(const char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\n' || **at == '\t'))
        ++*at;
}

/* A number up to one of the stops, which is taken too. */
static bool python_number(const char **at, const char *end, const char *stops, double *out,
                          char *stop)
{
    skip_spaces(at, end);
    const char *from = *at;
    while (*at < end && !strchr(stops, **at))
        ++*at;
    if (*at == end)
        return false;
    struct text digits = {from, (size_t)(*at - from)};
    while (digits.length && digits.at[digits.length - 1] == ' ')
        digits.length--;
    *stop = *(*at)++;
    return text_to_double(digits, out);
}

/* A Python dictionary {value: probability, ...} in a JSON string, of values up to `most`. An empty
 * one gives false and no error. */
static bool read_dictionary(struct json_scan *s, double most, struct length *out)
{
    struct text raw;
    double *values = NULL, *weights = NULL, sum = 0;
    size_t count = 0, value_capacity = 0, weight_capacity = 0;
    char stop = '{';
    if (!json_string(s, &raw))
        return false;
    const char *at = raw.at, *end = raw.at + raw.length;
    skip_spaces(&at, end);
    bool good = at < end && *at == '{';
    at += good;
    skip_spaces(&at, end);
    if (good && at < end && *at == '}')
        return false;
    while (good && stop != '}' && count < LENGTH_TABLE_MAX) {
        mem_grow((void **)&values, &value_capacity, count + 1, sizeof *values);
        mem_grow((void **)&weights, &weight_capacity, count + 1, sizeof *weights);
        good = python_number(&at, end, ":", &values[count], &stop) && values[count] >= 0 &&
               values[count] <= most && python_number(&at, end, ",}", &weights[count], &stop) &&
               weights[count] >= 0 && weights[count] <= MOST_WEIGHT;
        if (good)
            sum += weights[count++];
    }
    if (!good || stop != '}')
        json_fail(s,
                  "expected a dictionary such as {12: 0.5, 13: 0.5} in this string, of values from "
                  "0 to %s and weights from 0 to %s",
                  TEXT_SHORT(most, 6), TEXT_SHORT(MOST_WEIGHT, 6));
    else if (sum > 0)
        *out = length_from_weights(values, weights, count);
    free(values);
    free(weights);
    return !s->failed && sum > 0;
}

static void read_window(struct json_scan *s, struct window *w, struct servegen_report *report)
{
    const struct {
        const char *key;
        double most;
        struct length *to;
        bool *has;
    } places[] = {{"input_tokens", WORKLOAD_MAX_TOKENS, &w->input, &w->has_input},
                  {"output_tokens", WORKLOAD_MAX_TOKENS, &w->output, &w->has_output},
                  {"reason_ratio", 1, &w->reasoning, &w->has_reasoning}};
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        size_t i = 0;
        while (i < 3 && !text_equal(key, places[i].key))
            i++;
        if (i == 3) {
            json_skip(s, NULL);
            report->ignored_keys++;
        } else if (*places[i].has) {
            json_fail(s, "\"%s\" stands twice in this window", places[i].key);
        } else {
            *places[i].has = read_dictionary(s, places[i].most, places[i].to);
        }
    }
}

static int compare_windows(const void *a, const void *b)
{
    const struct window *left = a, *right = b;
    return (left->start_s > right->start_s) - (left->start_s < right->start_s);
}

static int read_dataset(const struct servegen_client *f, struct client *c,
                        struct servegen_report *report, struct error *err)
{
    struct json_scan s;
    struct text key;
    json_scan_init(&s, f->dataset_name, f->dataset, f->dataset_length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        double start_s;
        if (!text_to_double(key, &start_s) || start_s < 0 || start_s > SCENARIO_MOST_SECONDS ||
            c->window_count == MOST_WINDOWS) {
            json_fail(&s, "expected a window's start in seconds as key");
            break;
        }
        mem_grow((void **)&c->windows, &c->window_capacity, c->window_count + 1,
                 sizeof *c->windows);
        struct window *w = &c->windows[c->window_count++];
        struct length none = length_constant(0);
        *w = (struct window){.start_s = start_s, .input = none, .output = none, .reasoning = none};
        read_window(&s, w, report);
    }
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    qsort(c->windows, c->window_count, sizeof *c->windows, compare_windows);
    for (size_t i = 1; i < c->window_count; i++)
        if (c->windows[i].start_s == c->windows[i - 1].start_s)
            return error_at(err, f->dataset_name, 0, 0, "the window from %s s on stands twice",
                            TEXT_SHORT(c->windows[i].start_s, 6));
    return 0;
}

/* The client's window with lengths nearest to one that has none. */
static const struct window *nearest_window(const struct client *c, size_t wanted)
{
    for (size_t away = 0; away < c->window_count; away++) {
        for (int side = 0; side < 2; side++) {
            size_t i = side ? wanted + away : wanted - away;
            if (i < c->window_count && c->windows[i].has_input && c->windows[i].has_output)
                return &c->windows[i];
        }
    }
    return NULL;
}

static struct length copy_length(const struct length *l)
{
    struct length copy = *l;
    if (l->kind == LENGTH_VALUES) {
        copy.at = mem_alloc(l->count * sizeof *copy.at);
        copy.values = mem_alloc(l->count * sizeof *copy.values);
        memcpy(copy.at, l->at, l->count * sizeof *copy.at);
        memcpy(copy.values, l->values, l->count * sizeof *copy.values);
    }
    return copy;
}

/* The class of one length window: arrivals only from its start to the next one's. */
static void add_class(const struct client *c, size_t window, struct scenario *out,
                      struct servegen_report *report)
{
    double from_s = window ? c->windows[window].start_s : 0;
    double to_s = window + 1 < c->window_count ? c->windows[window + 1].start_s : INFINITY;
    const struct window *lengths = nearest_window(c, window);
    struct arrival a = arrival_poisson(0);
    char name[64];
    a.stages = mem_alloc(c->stage_count * sizeof *a.stages);
    a.stage_count = c->stage_count;
    a.repeat = true;
    for (size_t i = 0; i < c->stage_count; i++) {
        a.stages[i] = c->stages[i];
        if (c->starts[i] < from_s || c->starts[i] >= to_s)
            a.stages[i].from_rps = a.stages[i].to_rps = 0;
    }
    if (!(arrival_mean_rps(&a) > 0)) {
        arrival_free(&a);
        return;
    }
    report->empty_windows += lengths != &c->windows[window];
    report->windows++;
    report->rate_rps += arrival_mean_rps(&a);
    struct scenario_class *made = scenario_add_class(out);
    snprintf(name, sizeof name, "client-%llu", (unsigned long long)c->number);
    made->name = mem_copy_string(name);
    made->has_arrival = true;
    made->arrival = a;
    made->input = copy_length(&lengths->input);
    made->output = copy_length(&lengths->output);
    made->has_reasoning = lengths->has_reasoning;
    if (lengths->has_reasoning)
        made->reasoning = copy_length(&lengths->reasoning);
}

static int compare_rates(const void *a, const void *b)
{
    const struct client *left = a, *right = b;
    if (left->mean_rps > right->mean_rps || left->mean_rps < right->mean_rps)
        return left->mean_rps < right->mean_rps ? 1 : -1;
    return (left->number > right->number) - (left->number < right->number);
}

static int read_client(const struct servegen_client *f, struct client *c,
                       struct servegen_report *report, struct error *err)
{
    *c = (struct client){.number = f->number};
    if (!f->trace || !f->dataset)
        return error_set(err, ERR_INPUT, "client %llu has %s but no %s file",
                         (unsigned long long)f->number, f->trace ? "a trace" : "a dataset",
                         f->trace ? "dataset" : "trace");
    int status = read_trace(f, c, err);
    return status < 0 ? status : read_dataset(f, c, report, err);
}

/* Every rate times one factor, so that the sum is what was asked for. */
static void scale_rates(struct scenario *s, size_t first, double factor)
{
    for (size_t i = first; i < s->class_count; i++) {
        struct arrival *a = &s->classes[i].arrival;
        for (size_t k = 0; k < a->stage_count; k++) {
            a->stages[k].from_rps *= factor;
            a->stages[k].to_rps *= factor;
        }
    }
}

int servegen_read(const char *path, const struct servegen_options *options, struct scenario *out,
                  struct servegen_report *report, struct error *err)
{
    struct servegen_files files;
    struct servegen_report unwanted = {0};
    report = report ? report : &unwanted;
    *report = (struct servegen_report){0};
    if (servegen_files_read(path, &files, err) < 0)
        return ERR_INPUT;
    struct client *clients = mem_zero(files.count, sizeof *clients);
    size_t first = out->class_count, used = 0;
    int status = 0;
    for (size_t i = 0; i < files.count && status == 0; i++)
        status = read_client(&files.clients[i], &clients[i], report, err);
    qsort(clients, files.count, sizeof *clients, compare_rates);
    for (size_t i = 0; i < files.count && status == 0; i++) {
        const struct client *c = &clients[i];
        if (options->clients && used == options->clients)
            break;
        if (!(c->mean_rps > 0) || !nearest_window(c, 0)) {
            report->idle_clients++;
            continue;
        }
        used++;
        for (size_t k = 0; k < c->window_count; k++)
            add_class(c, k, out, report);
    }
    report->clients = used;
    if (status == 0 && used == 0)
        status = error_set(err, ERR_INPUT, "%s: no client ever sends a request", path);
    if (status == 0 && options->rate_rps > 0) {
        scale_rates(out, first, options->rate_rps / report->rate_rps);
        report->rate_rps = options->rate_rps;
    }
    for (size_t i = 0; i < files.count; i++)
        client_free(&clients[i]);
    free(clients);
    servegen_files_free(&files);
    return status;
}

bool servegen_is_path(const char *path)
{
    static const char *const endings[] = {".tgz", ".tar.gz", ".tar"};
    size_t length = strlen(path);
    for (size_t i = 0; i < 3; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strcmp(path + length - ending, endings[i]) == 0)
            return true;
    }
    return file_is_directory(path);
}
