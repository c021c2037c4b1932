#include "cli/bench/sweep.h"

#include "cli/bench/sweep_show.h"
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/json/json_write.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"
#include "core/runs/record/run_place.h"
#include "core/runs/summary/summary.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_CAP ((size_t)1 << 20)
#define ADAPTIVE_GROWTH 1.1 /* less throughput than so much more by doubling = saturated */
#define ADAPTIVE_POINTS 18

/* ---- values ---- */

static double rounded(double value, bool whole)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", value);
    value = strtod(text, NULL);
    return whole ? round(value) : value;
}

static void add_value(struct sweep_values *v, double value)
{
    value = rounded(value, !v->is_rate);
    size_t i = v->count;
    while (i > 0 && v->values[i - 1] > value)
        i--;
    if ((i > 0 && v->values[i - 1] == value) || v->count == SWEEP_POINTS)
        return;
    memmove(v->values + i + 1, v->values + i, (v->count - i) * sizeof *v->values);
    v->values[i] = value;
    v->count++;
}

static int refuse(const char *text, struct error *err)
{
    return error_set(err, ERR_INPUT,
                     "--sweep %.80s: expected rate= or concurrency= and 1,2,4 or 1..64:lin:8 or "
                     "1..64:log:7 (up to %d values, above 0) or adaptive",
                     text, SWEEP_POINTS);
}

static int parse_range(const char *text, const char *list, struct sweep_values *out,
                       struct error *err)
{
    /* Not by sscanf: "1..64" would begin with the number "1.". */
    const char *dots = strstr(list, ".."), *colon = strchr(dots, ':');
    double low, high, count;
    if (!colon || (strncmp(colon, ":lin:", 5) != 0 && strncmp(colon, ":log:", 5) != 0) ||
        !text_to_double((struct text){list, (size_t)(dots - list)}, &low) ||
        !text_to_double((struct text){dots + 2, (size_t)(colon - dots - 2)}, &high) ||
        !text_to_double(text_of(colon + 5), &count) || !(low > 0) || !(high > low) ||
        !(high <= 1e6) || !(count >= 2) || !(count <= SWEEP_POINTS))
        return refuse(text, err);
    for (int i = 0; i < (int)count; i++) {
        double share = i / (floor(count) - 1);
        add_value(out, colon[2] == 'i' ? low + share * (high - low) : low * pow(high / low, share));
    }
    return 0;
}

static int parse_list(const char *text, const char *list, struct sweep_values *out,
                      struct error *err)
{
    size_t given = 0;
    for (const char *at = list; *at;) {
        struct text item = {at, strcspn(at, ",")};
        double value;
        if (!text_to_double(item, &value) || !(value > 0) || value > 1e6 || given++ == SWEEP_POINTS)
            return refuse(text, err);
        add_value(out, value);
        at += item.length + (at[item.length] == ',');
    }
    return out->count ? 0 : refuse(text, err);
}

int sweep_parse(const char *text, struct sweep_values *out, struct error *err)
{
    const char *equals = strchr(text, '=');
    *out = (struct sweep_values){.text = text};
    if (strncmp(text, "rate=", 5) == 0)
        out->is_rate = true;
    else if (strncmp(text, "concurrency=", 12) != 0)
        return refuse(text, err);
    if (strcmp(equals + 1, "adaptive") == 0) {
        out->adaptive = true;
        return 0;
    }
    int status = strstr(equals, "..") ? parse_range(text, equals + 1, out, err)
                                      : parse_list(text, equals + 1, out, err);
    if (status == 0 && out->values[0] <= 0)
        return refuse(text, err);
    return status;
}

/* ---- figures of a run ---- */

/* The point's members in sweep.jsonl, in their order. */
static const struct {
    const char *key;
    size_t offset;
} members[] = {
    {"value", offsetof(struct sweep_point, value)},
    {"scheduled", offsetof(struct sweep_point, requests)},
    {"failed", offsetof(struct sweep_point, failed)},
    {"cancelled", offsetof(struct sweep_point, cancelled)},
    {"unsent", offsetof(struct sweep_point, unsent)},
    {"request_throughput_rps", offsetof(struct sweep_point, request_rps)},
    {"output_throughput_tps", offsetof(struct sweep_point, output_tps)},
    {"goodput_fraction", offsetof(struct sweep_point, goodput)},
    {"ttft_ms_p50", offsetof(struct sweep_point, ttft_p50)},
    {"ttft_ms_p99", offsetof(struct sweep_point, ttft_p99)},
    {"tpot_ms_p50", offsetof(struct sweep_point, tpot_p50)},
    {"tpot_ms_p99", offsetof(struct sweep_point, tpot_p99)},
    {"e2e_ms_mean", offsetof(struct sweep_point, e2e_mean)},
    {"e2e_ms_p50", offsetof(struct sweep_point, e2e_p50)},
    {"e2e_ms_p99", offsetof(struct sweep_point, e2e_p99)},
    {"served_fraction", offsetof(struct sweep_point, served)},
    {"delay_growth", offsetof(struct sweep_point, growth)},
    {"sustained", offsetof(struct sweep_point, sustained)},
    {"client_limited", offsetof(struct sweep_point, client_limited)},
};
#define MEMBERS (sizeof members / sizeof *members)

static double *member(struct sweep_point *p, size_t i)
{
    return (double *)(void *)((char *)p + members[i].offset);
}

static int read_sustained(const char *path, bool closed, double warmup_s, struct sweep_point *out,
                          struct error *err)
{
    struct sustained s = {.verdict = SUSTAINED_YES, .served = NAN};
    s.start.rate = s.end.rate = NAN;
    int status = closed ? 0 : sustained_read_run(path, fmax(warmup_s, 0), &s, err);
    out->served = s.served;
    out->growth = fmax(s.start.rate, s.end.rate);
    out->sustained = s.verdict;
    return status;
}

static void take_figures(const struct summary *s, bool closed, struct sweep_point *out)
{
    const struct accounting *a = &s->accounting;
    const struct metric_summary *m = s->window.metrics;
    const struct metric_summary *ttft = &m[closed ? METRIC_TTFT : METRIC_TTFT_SCHEDULED];
    const struct metric_summary *e2e = &m[closed ? METRIC_E2E : METRIC_E2E_SCHEDULED];
    *out = (struct sweep_point){.requests = (double)a->scheduled,
                                .failed = (double)a->failed,
                                .cancelled = (double)a->cancelled,
                                .unsent = (double)a->unsent,
                                .request_rps = s->window.request_throughput_rps,
                                .output_tps = s->window.output_throughput_tps,
                                .goodput = s->window.goodput_fraction,
                                .ttft_p50 = ttft->p50,
                                .ttft_p99 = ttft->p99,
                                .tpot_p50 = m[METRIC_TPOT].p50,
                                .tpot_p99 = m[METRIC_TPOT].p99,
                                .e2e_mean = e2e->mean,
                                .e2e_p50 = e2e->p50,
                                .e2e_p99 = e2e->p99};
    /* A simulation has no client that could have been the limit. */
    bool audited = s->fidelity.known && strcmp(s->command, "bench") == 0;
    out->client_limited = audited ? s->fidelity.client_limited : NAN;
    memcpy(out->client_reason, s->fidelity.reason, sizeof out->client_reason);
}

int sweep_read_run(const char *path, bool closed, double value, struct sweep_point *out,
                   struct error *err)
{
    struct summary *s = mem_zero(1, sizeof *s);
    int status = summary_read_run(path, s, err);
    if (status == 0) {
        take_figures(s, closed, out);
        out->value = value;
        status = read_sustained(path, closed, s->warmup_s, out, err);
        /* Where the sessions' later turns never came at the rate, a load that was borne was a
         * lighter one. */
        if (out->sustained == SUSTAINED_YES && s->steady_rate_from_s > s->steady_rate_until_s)
            out->sustained = SUSTAINED_UNCLEAR;
        summary_free(s);
    }
    free(s);
    return status;
}

/* ---- the log ---- */

/* A sweep under way. */
struct progress_log {
    const struct sweep *sweep;
    struct sweep_point points[SWEEP_POINTS];
    size_t count;
    char *path;
    int fd;
};

static void put_header(const struct sweep *s, struct buffer *out)
{
    struct json_writer w;
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, s->options_hash);
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    json_pair_string(&w, "sweep", s->values.text);
    json_pair_string(&w, "command", s->command);
    json_pair_string(&w, "options", hash);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}

static void put_point(const struct sweep_point *given, struct buffer *out)
{
    struct json_writer w;
    struct sweep_point p = *given;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    for (size_t i = 0; i < MEMBERS; i++)
        json_pair_double(&w, members[i].key, *member(&p, i));
    json_pair_string(&w, "client_reason", p.client_reason[0] ? p.client_reason : NULL);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}

static void take_member(struct json_scan *scan, struct text key, struct sweep_point *out)
{
    size_t i = 0;
    char *reason;
    while (i < MEMBERS && !text_equal(key, members[i].key))
        i++;
    if (i < MEMBERS && json_peek(scan) == JSON_NUMBER) {
        json_double(scan, -1e300, 1e300, member(out, i));
    } else if (text_equal(key, "client_reason") && json_peek(scan) == JSON_STRING &&
               json_string_copy(scan, LOG_CAP, &reason)) {
        snprintf(out->client_reason, sizeof out->client_reason, "%s", reason);
        free(reason);
    } else {
        json_skip(scan, NULL);
    }
}

static bool take_point(const char *line, size_t length, struct sweep_point *out)
{
    struct json_scan scan;
    struct text key;
    *out = (struct sweep_point){0};
    for (size_t i = 0; i < MEMBERS; i++)
        *member(out, i) = NAN;
    json_scan_init(&scan, "sweep.jsonl", line, length, 1);
    json_object_begin(&scan);
    while (json_object_next(&scan, &key))
        take_member(&scan, key, out);
    return json_scan_end(&scan, NULL) == 0 && isfinite(out->value) && isfinite(out->sustained);
}

static int read_log(struct progress_log *log, struct error *err)
{
    struct buffer header;
    char *text;
    size_t length;
    if (file_read_all(log->path, LOG_CAP, &text, &length, err) < 0)
        return err->code;
    buffer_init(&header, BUFFER_UNBOUNDED);
    put_header(log->sweep, &header);
    int status = 0;
    if (length < header.length || memcmp(text, header.data, header.length) != 0)
        status =
            error_set(err, ERR_INPUT,
                      "%s is of another sweep or of other options: --force begins anew", log->path);
    const char *end;
    for (const char *at = text + header.length;
         status == 0 && (end = memchr(at, '\n', (size_t)(text + length - at))); at = end + 1)
        if (log->count < SWEEP_POINTS &&
            take_point(at, (size_t)(end - at), &log->points[log->count]))
            log->count++;
    buffer_free(&header);
    free(text);
    return status;
}

static int begin_log(struct progress_log *log, struct error *err)
{
    struct buffer text;
    const struct sweep *s = log->sweep;
    if (file_make_directories(s->directory, err) < 0)
        return err->code;
    if (file_exists(log->path) && !s->force && !s->resume)
        return error_set(err, ERR_INPUT, "%s exists: --resume goes on, --force begins anew",
                         log->path);
    if (s->resume && file_exists(log->path) && read_log(log, err) < 0)
        return err->code;
    buffer_init(&text, BUFFER_UNBOUNDED);
    put_header(s, &text);
    for (size_t i = 0; i < log->count; i++)
        put_point(&log->points[i], &text);
    int status = file_write_atomic(log->path, text.data, text.length, err);
    buffer_free(&text);
    if (status == 0 && (log->fd = open(log->path, O_WRONLY | O_APPEND | O_CLOEXEC)) < 0)
        status = error_errno(err, "%s", log->path);
    return status;
}

static struct sweep_point *find_point(struct progress_log *log, double value)
{
    for (size_t i = 0; i < log->count; i++)
        if (log->points[i].value == value)
            return &log->points[i];
    return NULL;
}

/* ---- running ---- */

/* Runs a point unless its line is there already. */
static int ensure_point(struct progress_log *log, double value, struct error *err)
{
    const struct sweep *s = log->sweep;
    struct buffer path, line;
    struct sweep_point p;
    if (find_point(log, value) || log->count == SWEEP_POINTS)
        return 0;
    buffer_init(&path, BUFFER_UNBOUNDED);
    buffer_init(&line, BUFFER_UNBOUNDED);
    buffer_add_format(&path, "%s/%s-%g", s->directory, s->values.is_rate ? "rate" : "concurrency",
                      value);
    say(s->terminal, "%s %g", s->values.is_rate ? "rate" : "concurrency", value);
    struct error missed = {0};
    run_files_clear(path.data); /* of a sweep that is gone on with: a point that did not end */
    int status = s->run(s->context, s, value, path.data, &missed);
    if (status == ERR_WORK && sweep_read_run(path.data, !s->values.is_rate, value, &p, err) == 0) {
        warn(s->terminal, "at %g: %s", value, missed.message);
        status = 0;
    } else if (status == SWEEP_BUDGET) {
        status = error_set(err, ERR_WORK, "--max-cost was used up at %g: that run does not count",
                           value);
    } else if (status < 0) {
        *err = missed;
    } else {
        status = sweep_read_run(path.data, !s->values.is_rate, value, &p, err);
    }
    if (status == 0) {
        put_point(&p, &line);
        status = file_write_all(log->fd, line.data, line.length, log->path, err);
    }
    if (status == 0)
        take_point(line.data, line.length - 1, &log->points[log->count++]);
    buffer_free(&path);
    buffer_free(&line);
    return status;
}

static bool saturated(const struct sweep_point *before, const struct sweep_point *now)
{
    return !(now->request_rps >= ADAPTIVE_GROWTH * before->request_rps);
}

/* Doubles until throughput no longer follows, then looks between the last points. */
static int run_adaptive(struct progress_log *log, struct error *err)
{
    double value = 1, step = 2;
    if (ensure_point(log, value, err) < 0)
        return err->code;
    /* A rate of 1 may be beyond the knee already. */
    const struct sweep_point *first = find_point(log, value);
    if (log->sweep->values.is_rate && first->request_rps < 0.8 * value)
        step = 0.5;
    for (int i = 0; i < ADAPTIVE_POINTS; i++) {
        struct sweep_point before = *find_point(log, value);
        value = rounded(value * step, !log->sweep->values.is_rate);
        if (value > 1e6 || ensure_point(log, value, err) < 0)
            return err->code;
        const struct sweep_point *now = find_point(log, value);
        if (step > 1 ? saturated(&before, now) : !(now->request_rps < 0.8 * value))
            break;
    }
    double top = step > 1 ? value : 2 * value;
    const double between[] = {0.35, 0.71};
    for (size_t i = 0; i < 2; i++) {
        double middle = rounded(top * between[i], !log->sweep->values.is_rate);
        if (middle > 0 && ensure_point(log, middle, err) < 0)
            return err->code;
    }
    return 0;
}

static int run_points(struct progress_log *log, struct error *err)
{
    const struct sweep_values *v = &log->sweep->values;
    if (v->adaptive)
        return run_adaptive(log, err);
    for (size_t i = 0; i < v->count; i++)
        if (ensure_point(log, v->values[i], err) < 0)
            return err->code;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    const struct sweep_point *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Shows the points and writes what belongs to them; then the sweep takes its place, unless `ran`
 * forbids it. */
static int show(struct progress_log *log, struct run_place *place, int ran, struct error *err)
{
    const struct sweep *s = log->sweep;
    struct sweep_result r = {.sweep = s, .points = log->points, .count = log->count};
    struct buffer table, json;
    struct json_writer w;
    if (r.count == 0)
        return 0;
    qsort(r.points, r.count, sizeof *r.points, by_value);
    sweep_judge(&r);
    buffer_init(&table, BUFFER_UNBOUNDED);
    buffer_init(&json, BUFFER_UNBOUNDED);
    json_write_init(&w, &json, 2);
    sweep_write_json(&r, &w);
    buffer_add_byte(&json, '\n');
    sweep_write_table(&r, &table);
    print_buffer(s->terminal->human, &table);
    char *path = run_dir_file(s->directory, "sweep.json");
    int status = file_write_atomic(path, json.data, json.length, err);
    free(path);
    struct error undrawn = {0};
    if (status == 0 && r.count > 1 && sweep_draw(&r, &undrawn) < 0)
        warn(s->terminal, "no plot: %s", undrawn.message);
    if (status == 0)
        status = sweep_take_place(place, log->points, log->count, ran, err);
    fprintf(s->terminal->human, "\nwritten to %s\n", place->path);
    if (s->json)
        print_buffer(s->terminal->machine, &json);
    buffer_free(&table);
    buffer_free(&json);
    return status;
}

bool sweep_point_completed(const struct sweep_point *p)
{
    return p->requests - p->failed - p->unsent > 0;
}

int sweep_take_place(struct run_place *place, const struct sweep_point *points, size_t count,
                     int status, struct error *err)
{
    bool completed = false;
    for (size_t i = 0; i < count; i++)
        completed |= sweep_point_completed(&points[i]);
    if (!completed || status == ERR_SYSTEM)
        return 0;
    return run_place_take(place, err);
}

void sweep_end_place(struct run_place *place, const struct terminal *t, size_t count)
{
    if (run_place_is_beside(place) && count == 0)
        run_place_discard(place);
    if (run_place_is_beside(place) && file_exists(place->path))
        warn(t, "%s keeps what was there; the new runs are in %s", place->given, place->path);
    run_place_free(place);
}

/* Runs and shows; the directory is the place's. */
static int run_in(struct progress_log *log, struct sweep *s, struct run_place *place,
                  struct error *err)
{
    struct error unshown = {0};
    s->directory = place->path;
    log->path = run_dir_file(s->directory, "sweep.jsonl");
    int status = begin_log(log, err);
    if (status < 0)
        return status;
    status = run_points(log, err);
    struct error *first = status < 0 ? &unshown : err;
    int shown = show(log, place, status, first);
    return status < 0 ? status : shown;
}

int sweep_run(const struct sweep *given, struct error *err)
{
    struct sweep s = *given;
    struct progress_log log = {.sweep = &s, .fd = -1};
    struct run_place place;
    if (run_place_begin(&place, s.directory, s.force, err) < 0)
        return err->code;
    int status = run_in(&log, &s, &place, err);
    sweep_end_place(&place, s.terminal, log.count);
    if (log.fd >= 0)
        close(log.fd);
    free(log.path);
    return status;
}

/* ---- the runs inside ---- */

void sweep_child_options(const struct option_spec *specs, const char *key,
                         struct option_spec out[SWEEP_OPTIONS])
{
    static const char *const own[] = {"sweep",  "find-max", "resume",      "force",
                                      "output", "goodput",  "max-requests"};
    size_t count = 0;
    for (; specs->name && count + 1 < SWEEP_OPTIONS; specs++) {
        bool dropped = false;
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            dropped |= strcmp(specs->name, own[i]) == 0;
        if (dropped)
            continue;
        out[count] = *specs;
        if (key && strcmp(specs->name, key) == 0)
            out[count].fallback = ""; /* written although it was not given */
        count++;
    }
    out[count] = (struct option_spec){0};
}

uint64_t sweep_options_hash(const struct option_spec *specs, const void *options)
{
    struct option_spec kept[SWEEP_OPTIONS];
    struct buffer text;
    struct json_writer w;
    sweep_child_options(specs, NULL, kept);
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 0);
    options_write(kept, options, &w);
    uint64_t hash = text_hash(text.data, text.length);
    buffer_free(&text);
    return hash;
}

int sweep_quiet_terminal(const struct terminal *t, struct terminal *out, struct error *err)
{
    *out = *t;
    out->human = out->machine = fopen("/dev/null", "w");
    return out->human ? 0 : error_errno(err, "/dev/null");
}

void sweep_quiet_free(struct terminal *quiet)
{
    if (quiet->human)
        fclose(quiet->human);
}
