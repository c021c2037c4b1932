#include "core/runs/server/server_summary.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A counter, as it is read. */
struct growth {
    double last, grown;        /* last: NAN before the first value */
    int64_t first_ns, last_ns; /* of the answers that hold its first and its last value */
};

/* A gauge of one source. */
struct level {
    double sum;
    uint64_t count;
};

struct source_state {
    struct level levels[SERVER_GAUGES];
    struct growth growths[SERVER_COUNTERS];
    int64_t power_ns; /* of the last power that is known; TIME_NEVER */
    double power_w, joule;
    bool has_joule;
};

struct other_state {
    double first, last, sum, max;
    uint64_t count;
};

/* A reading of server.jsonl under way. */
struct reading {
    struct server_summary *out;
    int64_t end_ns;
    struct server_levels levels;
    struct source_state sources[SERVER_SOURCES];
    struct other_state others[SERVER_OTHERS];
};

/* ---- a line ---- */

/* One that was not there at the source's first scrape has counted from 0 since. */
static bool add_growth(struct growth *g, double value, const struct server_line *line, bool first)
{
    bool fell = false;
    if (isnan(value))
        return false;
    if (isnan(g->last)) {
        g->first_ns = line->t_ns + (int64_t)(line->took_ms > 0 ? line->took_ms * 1e6 : 0);
        g->grown = first ? 0 : value;
    } else {
        fell = value < g->last;
        g->grown += fell ? value : value - g->last;
    }
    g->last = value;
    g->last_ns = line->t_ns;
    return fell;
}

/* By the trapezoid between two readings. */
static void add_power(struct source_state *s, double power_w, int64_t t_ns)
{
    if (isnan(power_w))
        return;
    if (s->power_ns != TIME_NEVER && t_ns > s->power_ns) {
        s->joule += (s->power_w + power_w) / 2 * (double)(t_ns - s->power_ns) / 1e9;
        s->has_joule = true;
    }
    s->power_w = power_w;
    s->power_ns = t_ns;
}

static void add_levels(struct reading *r, struct source_state *s, const struct server_line *line)
{
    for (int m = 0; m < SERVER_GAUGES; m++) {
        double value = line->values[m];
        if (isnan(value))
            continue;
        s->levels[m].sum += value;
        s->levels[m].count++;
        r->out->gauges[m].max =
            fmax(r->out->gauges[m].max,
                 server_levels_now(&r->levels, (enum server_metric)m)); /* NAN: nothing */
    }
}

static void add_other(struct reading *r, const struct server_other *o, bool within)
{
    struct server_summary *s = r->out;
    size_t i = 0;
    while (i < s->other_count && strcmp(s->others[i].name, o->name) != 0)
        i++;
    if (i == SERVER_OTHERS || isnan(o->value))
        return;
    struct other_state *state = &r->others[i];
    if (i == s->other_count) {
        snprintf(s->others[s->other_count++].name, SERVER_NAME_SIZE, "%s", o->name);
        *state = (struct other_state){.first = o->value, .max = NAN};
    }
    state->last = o->value;
    if (!within)
        return;
    state->sum += o->value;
    state->max = fmax(state->max, o->value);
    state->count++;
}

/* The values of a scrape that succeeded; `first`: of its source. */
static void take_values(struct reading *r, struct source_state *state,
                        const struct server_line *line, bool first)
{
    bool within = line->t_ns >= 0 && line->t_ns <= r->end_ns;
    for (int k = 0; k < SERVER_COUNTERS; k++)
        if (add_growth(&state->growths[k], line->values[SERVER_GAUGES + k], line, first))
            r->out->restarts++;
    add_power(state, line->values[SERVER_GPU_POWER], line->t_ns);
    if (within)
        add_levels(r, state, line);
    for (size_t k = 0; k < line->other_count; k++)
        add_other(r, &line->others[k], within);
}

static void take_line(void *context, const struct server_line *line)
{
    struct reading *r = context;
    struct server_summary *s = r->out;
    size_t i = server_levels_take(&r->levels, line);
    if (i == SERVER_SOURCES)
        return;
    struct server_source *source = &s->sources[i];
    s->source_count = r->levels.count;
    snprintf(source->url, sizeof source->url, "%s", line->source);
    if (line->error[0]) {
        source->scrapes_failed++;
        s->scrapes_failed++;
        snprintf(source->error, sizeof source->error, "%s", line->error);
        return;
    }
    if (line->server[0])
        snprintf(source->server, sizeof source->server, "%s", line->server);
    take_values(r, &r->sources[i], line, source->scrapes_ok == 0);
    source->scrapes_ok++;
    s->scrapes_ok++;
}

/* ---- all lines ---- */

static double mean_of(const struct reading *r, enum server_metric m)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < r->out->source_count; i++) {
        const struct level *l = &r->sources[i].levels[m];
        if (l->count == 0)
            continue;
        sum += l->sum / (double)l->count;
        count++;
    }
    return count == 0 ? NAN : server_metric_is_share(m) ? sum / (double)count : sum;
}

/* A counter over all sources that serve it, and the stretch that all of them cover. */
static double growth_of(const struct reading *r, enum server_metric m, int64_t *from_ns,
                        int64_t *to_ns)
{
    double sum = NAN;
    *from_ns = INT64_MIN;
    *to_ns = INT64_MAX;
    for (size_t i = 0; i < r->out->source_count; i++) {
        const struct growth *g = &r->sources[i].growths[m - SERVER_GAUGES];
        if (isnan(g->last))
            continue;
        sum = (isnan(sum) ? 0 : sum) + g->grown;
        *from_ns = g->first_ns > *from_ns ? g->first_ns : *from_ns;
        *to_ns = g->last_ns < *to_ns ? g->last_ns : *to_ns;
    }
    return sum;
}

static double energy_of(const struct reading *r)
{
    double joule = NAN;
    for (size_t i = 0; i < r->out->source_count; i++) {
        const struct source_state *s = &r->sources[i];
        const struct growth *meter = &s->growths[SERVER_GPU_ENERGY - SERVER_GAUGES];
        if (!isnan(meter->last) || s->has_joule)
            joule = (isnan(joule) ? 0 : joule) + (isnan(meter->last) ? s->joule : meter->grown);
    }
    return joule;
}

static void sum_up(struct reading *r)
{
    struct server_summary *s = r->out;
    int64_t from_ns, to_ns;
    for (int m = 0; m < SERVER_GAUGES; m++)
        s->gauges[m].mean = mean_of(r, (enum server_metric)m);
    for (int k = 0; k < SERVER_COUNTERS; k++)
        s->counts[k] = growth_of(r, (enum server_metric)(SERVER_GAUGES + k), &from_ns, &to_ns);
    double queries = server_summary_count(s, SERVER_PREFIX_QUERIES);
    s->prefix_hit_rate = queries > 0 ? server_summary_count(s, SERVER_PREFIX_HITS) / queries
                                     : s->gauges[SERVER_HIT_RATE].mean;
    s->energy_j = energy_of(r);
    for (size_t i = 0; i < s->other_count; i++) {
        const struct other_state *o = &r->others[i];
        s->others[i].mean = o->count ? o->sum / (double)o->count : NAN;
        s->others[i].max = o->max;
        s->others[i].increase = o->last - o->first;
    }
}

/* ---- theirs against ours ---- */

static void note_requests(struct server_summary *s, const struct server_ours *ours, double edge)
{
    double theirs = server_summary_count(s, SERVER_FINISHED), own = (double)ours->completed;
    double more = theirs - own, lost = (double)ours->failed;
    char a[TEXT_GROUPED_SIZE], b[TEXT_GROUPED_SIZE];
    text_group_u64((uint64_t)theirs, a);
    text_group_u64((uint64_t)own, b);
    if (more > lost + (double)ours->cancelled + edge)
        snprintf(
            s->note, sizeof s->note,
            "the server finished %s requests, and %s of ours completed: somebody else is using "
            "it, and its other figures hold that too",
            a, b);
    else if (more > (double)ours->cancelled + edge)
        snprintf(s->note, sizeof s->note,
                 "the server finished %s requests, and %s of ours completed: answers were lost on "
                 "the way, or came whole and were taken for failures",
                 a, b);
    else if (more < -edge)
        snprintf(s->note, sizeof s->note,
                 "the server finished %s requests, and %s of ours completed: %s", a, b,
                 s->restarts ? "it began anew in between"
                             : "other servers answer at this address too, or something between "
                               "answers in its place");
}

/* Where requests agree; tokens of answers that did not complete are the server's alone. */
static void note_tokens(struct server_summary *s, const struct server_ours *ours, double edge)
{
    const double tolerance = 0.01;
    double theirs = server_summary_count(s, SERVER_GENERATED_TOKENS);
    double own = (double)ours->output_tokens, room = tolerance * own + edge;
    char a[TEXT_GROUPED_SIZE], b[TEXT_GROUPED_SIZE];
    bool more = theirs > own + room && ours->failed + ours->cancelled == 0;
    if (s->note[0] || ours->estimated || !(more || theirs < own - room))
        return;
    text_group_u64((uint64_t)theirs, a);
    text_group_u64((uint64_t)own, b);
    snprintf(s->note, sizeof s->note,
             "the server generated %s tokens, and the usage of our answers tells of %s: %s", a, b,
             more ? "somebody else is using it, or it makes tokens that it does not report"
                  : "it reports tokens that it did not make, or began anew in between");
}

static double outside(const struct reading *r, const struct server_ours *ours, enum server_metric m,
                      bool tokens)
{
    int64_t from_ns, to_ns;
    double both[2] = {0, 0};
    growth_of(r, m, &from_ns, &to_ns);
    if (ours->outside && (from_ns > 0 || to_ns < ours->end_ns))
        ours->outside(ours->context, from_ns, to_ns, &both[0], &both[1]);
    return both[tokens];
}

static size_t count_sources(const struct reading *r, enum server_metric counter)
{
    size_t count = 0;
    for (size_t i = 0; i < r->out->source_count; i++)
        count += isnan(r->sources[i].growths[counter - SERVER_GAUGES].last) ? 0 : 1;
    return count;
}

static void compare(struct reading *r, const struct server_ours *ours)
{
    struct server_summary *s = r->out;
    double tokens = server_summary_count(s, SERVER_GENERATED_TOKENS);
    s->ours_completed = s->ours_output_tokens = NAN;
    s->j_per_token = s->energy_j / (tokens > 0 ? tokens : (double)ours->output_tokens);
    if (!isfinite(s->j_per_token))
        s->j_per_token = NAN;
    if (ours->others || count_sources(r, SERVER_FINISHED) < ours->endpoints)
        return;
    if (!isnan(server_summary_count(s, SERVER_FINISHED))) {
        s->ours_completed = (double)ours->completed;
        note_requests(s, ours, outside(r, ours, SERVER_FINISHED, false));
    }
    if (!isnan(tokens)) {
        s->ours_output_tokens = (double)ours->output_tokens;
        note_tokens(s, ours, outside(r, ours, SERVER_GENERATED_TOKENS, true));
    }
}

static void begin(struct reading *r, struct server_summary *out, int64_t end_ns)
{
    *out = (struct server_summary){0};
    r->out = out;
    r->end_ns = end_ns;
    server_levels_init(&r->levels);
    for (int m = 0; m < SERVER_GAUGES; m++)
        out->gauges[m].max = NAN;
    for (size_t i = 0; i < SERVER_SOURCES; i++) {
        r->sources[i].power_ns = TIME_NEVER;
        for (int k = 0; k < SERVER_COUNTERS; k++)
            r->sources[i].growths[k].last = NAN;
    }
}

double server_summary_count(const struct server_summary *s, enum server_metric counter)
{
    return s->counts[counter - SERVER_GAUGES];
}

int server_summarize(const char *run, const struct server_ours *ours, struct server_summary *out,
                     struct error *err)
{
    struct reading *r = mem_zero(1, sizeof *r);
    begin(r, out, ours->end_ns);
    int status = server_lines_read(run, take_line, r, err);
    if (status > 0 && out->scrapes_ok + out->scrapes_failed == 0)
        status = 0;
    if (status > 0) {
        sum_up(r);
        compare(r, ours);
    } else {
        *out = (struct server_summary){0};
    }
    free(r);
    return status;
}

/* ---- as JSON ---- */

static const char *const gauge_keys[] = {"queue",       "running",  "kv_use", "cache_hit_rate",
                                         "gpu_power_w", "gpu_util", NULL};

static bool is_no_gauge(const void *gauge)
{
    return isnan(((const struct server_gauge *)gauge)->mean);
}

#define AT(member) JSON_AT(struct server_gauge, member)
static const struct json_field gauge_rows[] = {{"mean", JSON_AS_FIGURE, AT(mean)},
                                               {"max", JSON_AS_FIGURE, AT(max)}};
static const struct json_table gauge_table = {JSON_ROWS(gauge_rows), .open = true, .nulls = true};
static const struct json_field gauge_item = {.kind = JSON_AS_OBJECT,
                                             .size = sizeof(struct server_gauge),
                                             .table = &gauge_table,
                                             .is_nothing = is_no_gauge};
static const struct json_field count_item = {
    .kind = JSON_AS_FIGURE, .size = sizeof(double), .optional = true};

#undef AT
#define AT(member) JSON_AT(struct server_source, member)
static const struct json_field source_rows[] = {
    {"url", JSON_AS_CHARS, AT(url)},
    {"server", JSON_AS_CHARS, AT(server), .optional = true},
    {"scrapes_ok", JSON_AS_UINT, AT(scrapes_ok)},
    {"scrapes_failed", JSON_AS_UINT, AT(scrapes_failed)},
    {"error", JSON_AS_CHARS, AT(error), .optional = true},
};
static const struct json_table source_table = {JSON_ROWS(source_rows), .open = true, .nulls = true};

static void read_sources(struct json_scan *scan, const struct json_field *f, void *object)
{
    struct server_summary *s = object;
    (void)f;
    json_array_begin(scan);
    while (json_array_next(scan)) {
        struct server_source source = {0};
        json_fields_read(scan, &source_table, &source);
        if (s->source_count < SERVER_SOURCES)
            s->sources[s->source_count++] = source;
    }
}

static void write_sources(struct json_writer *w, const struct json_field *f, const void *object)
{
    const struct server_summary *s = object;
    (void)f;
    json_begin_array(w);
    for (size_t i = 0; i < s->source_count; i++)
        json_fields_write(w, &source_table, &s->sources[i], 0);
    json_end_array(w);
}

#undef AT
#define AT(member) JSON_AT(struct server_other_summary, member)
static const struct json_field other_rows[] = {
    {"mean", JSON_AS_FIGURE, AT(mean)},
    {"max", JSON_AS_FIGURE, AT(max)},
    {"increase", JSON_AS_FIGURE, AT(increase)},
};
static const struct json_table other_table = {JSON_ROWS(other_rows), .open = true, .nulls = true};

static void read_others(struct json_scan *scan, const struct json_field *f, void *object)
{
    struct server_summary *s = object;
    struct text key;
    (void)f;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        struct server_other_summary o = {.mean = NAN, .max = NAN, .increase = NAN};
        text_cut(key, o.name, sizeof o.name);
        json_fields_read(scan, &other_table, &o);
        if (s->other_count < SERVER_OTHERS)
            s->others[s->other_count++] = o;
    }
}

static void write_others(struct json_writer *w, const struct json_field *f, const void *object)
{
    const struct server_summary *s = object;
    (void)f;
    json_begin_object(w);
    for (size_t i = 0; i < s->other_count; i++) {
        json_key(w, s->others[i].name);
        json_fields_write(w, &other_table, &s->others[i], 0);
    }
    json_end_object(w);
}

static bool has_no_other(const void *object)
{
    return ((const struct server_summary *)object)->other_count == 0;
}

#undef AT
#define AT(member) JSON_AT(struct server_summary, member)
#define FIGURE(member) JSON_AS_FIGURE, AT(member), .optional = true
static const struct json_field rows[] = {
    {"scrapes_ok", JSON_AS_UINT, AT(scrapes_ok)},
    {"scrapes_failed", JSON_AS_UINT, AT(scrapes_failed)},
    {"sources", .read = read_sources, .write = write_sources},
    {NULL, JSON_AS_EACH, AT(gauges), .item = &gauge_item, .names = gauge_keys},
    {NULL, JSON_AS_EACH, AT(counts), .item = &count_item,
     .names = server_metric_keys + SERVER_GAUGES},
    {"prefix_hit_rate", FIGURE(prefix_hit_rate)},
    {"energy_j", FIGURE(energy_j)},
    {"j_per_token", FIGURE(j_per_token)},
    {"restarts", JSON_AS_UINT, AT(restarts), .optional = true},
    {"ours_completed", FIGURE(ours_completed)},
    {"ours_output_tokens", FIGURE(ours_output_tokens)},
    {"differs", JSON_AS_CHARS, AT(note), .optional = true},
    {"other", .read = read_others, .write = write_others, .is_nothing = has_no_other},
};
const struct json_table server_summary_table = {JSON_ROWS(rows), .open = true, .nulls = true};
