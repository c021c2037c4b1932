#include "sim/plan/sweep.h"

#include "core/file.h"
#include "core/json/json_write.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"
#include "sim/plan/load_search.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_CAP ((size_t)1 << 20)
#define FOLLOWS_UP 1.1   /* less throughput than so much more by doubling = saturated */
#define FOLLOWS_DOWN 0.8 /* a rate of which less is served is beyond the knee */
#define ADAPTIVE_POINTS 19

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
    if ((i > 0 && v->values[i - 1] == value) || v->count == LOAD_POINTS)
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
                     text, LOAD_POINTS);
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
        !(high <= 1e6) || !(count >= 2) || !(count <= LOAD_POINTS))
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
        if (!text_to_double(item, &value) || !(value > 0) || value > 1e6 || given++ == LOAD_POINTS)
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

static const char *key_of(const struct sweep_values *v)
{
    return v->is_rate ? "rate" : "concurrency";
}

/* ---- the log ---- */

static void put_header(const struct sweep *s, struct buffer *out)
{
    struct json_writer w;
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, s->options_hash);
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    json_pair_string(&w, "sweep", s->values.text);
    json_pair_string(&w, "command", s->series.command);
    json_pair_string(&w, "options", hash);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}

static void put_point(const struct load_point *p, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    load_point_write(p, LOAD_IN_LOG, &w);
    buffer_add_byte(out, '\n');
}

/* Takes the lines that are whole; a torn last one is dropped when the log is written anew. */
static int read_log(struct sweep *s, struct error *err)
{
    struct load_series *all = &s->series;
    struct buffer header;
    char *text;
    size_t length;
    if (file_read_all(s->log_path, LOG_CAP, &text, &length, err) < 0)
        return err->code;
    buffer_init(&header, BUFFER_UNBOUNDED);
    put_header(s, &header);
    int status = 0;
    if (length < header.length || memcmp(text, header.data, header.length) != 0)
        status = error_set(err, ERR_INPUT,
                           "%s is of another sweep or of other options: --force begins anew",
                           s->log_path);
    const char *end;
    for (const char *at = text + header.length;
         status == 0 && (end = memchr(at, '\n', (size_t)(text + length - at))); at = end + 1)
        if (all->count < LOAD_POINTS &&
            load_point_read((struct text){at, (size_t)(end - at)}, !s->values.is_rate,
                            &all->points[all->count]))
            all->count++;
    buffer_free(&header);
    free(text);
    return status;
}

/* The log anew, with the points that there are. */
static int write_log(const struct sweep *s, struct error *err)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    put_header(s, &text);
    for (size_t i = 0; i < s->series.count; i++)
        put_point(&s->series.points[i], &text);
    int status = file_write_atomic(s->log_path, text.data, text.length, err);
    buffer_free(&text);
    return status;
}

static int begin_log(struct sweep *s, struct error *err)
{
    s->log_path = run_dir_file(s->series.place.path, "sweep.jsonl");
    bool there = file_exists(s->log_path);
    if (there && !s->series.force && !s->resume)
        return error_set(err, ERR_INPUT, "%s exists: --resume goes on, --force begins anew",
                         s->log_path);
    if (s->resume && there && read_log(s, err) < 0)
        return err->code;
    if (s->resume)
        run_files_clear_cut(s->series.place.path);
    int status = write_log(s, err);
    if (status == 0 && (s->log_fd = open(s->log_path, O_WRONLY | O_APPEND | O_CLOEXEC)) < 0)
        status = error_errno(err, "%s", s->log_path);
    return status;
}

static const struct load_point *find_point(const struct sweep *s, double load)
{
    for (size_t i = 0; i < s->series.count; i++)
        if (s->series.points[i].load == load)
            return &s->series.points[i];
    return NULL;
}

/* ---- what was found ---- */

/* Of what the endpoint was asked by a client that kept up. Where the next thing known of a higher
 * load is that the client was its limit, the knee is a lower bound. */
static void find_knee(struct sweep *s)
{
    double best = 0;
    s->knee = SIZE_MAX;
    s->knee_at_least = false;
    for (size_t i = 0; i < s->series.count; i++) {
        const struct load_point *p = &s->series.points[i];
        enum load_verdict v = load_judge(p, &s->series.target);
        if (v == LOAD_CLIENT_LIMITED) {
            s->knee_at_least = true;
        } else if (s->series.target.slos->count > 0) {
            if (v == LOAD_MISSED || v == LOAD_QUEUE_GROWS || v == LOAD_STOPPED)
                return;
            if (v == LOAD_HOLDS) {
                s->knee = i;
                s->knee_at_least = false;
            }
        } else {
            s->knee_at_least = false;
            if (p->request_rps / p->e2e_mean > best) {
                best = p->request_rps / p->e2e_mean;
                s->knee = i;
            }
        }
    }
}

static void conclude(struct sweep *s)
{
    double n[LOAD_POINTS], x[LOAD_POINTS];
    struct error err = {0};
    size_t used = 0;
    s->limited = 0;
    for (size_t i = 0; i < s->series.count; i++) {
        const struct load_point *p = &s->series.points[i];
        n[used] = p->in_flight;
        x[used] = p->request_rps;
        if (load_client_limited(p))
            s->limited++;
        else
            used += n[used] > 0 && x[used] > 0;
    }
    find_knee(s);
    s->has_usl = usl_fit(n, x, used, &s->usl, &err) == 0;
}

/* ---- running ---- */

#define NAME_SIZE 48

static const char *name_of(const struct sweep *s, double load, char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "%s-%g", key_of(&s->values), load);
    return out;
}

/* Others may begin these, in their order. */
static void want_points(struct sweep *s, const double *loads, size_t count)
{
    char name[NAME_SIZE];
    for (size_t i = 0; i < count; i++)
        if (!find_point(s, loads[i]))
            load_series_want(&s->series, loads[i], name_of(s, loads[i], name));
}

/* Runs a point unless its line is there already. */
static int ensure_point(struct sweep *s, double load, struct error *err)
{
    struct load_series *all = &s->series;
    struct buffer line;
    char name[NAME_SIZE];
    bool over_budget;
    if (find_point(s, load) || all->count == LOAD_POINTS)
        return 0;
    name_of(s, load, name);
    int status = load_series_measure(all, load, name, 0, &over_budget, err);
    if (status < 0)
        return status;
    if (over_budget)
        return error_set(err, ERR_WORK, "--max-cost was used up at %g: that run does not count",
                         load);
    buffer_init(&line, BUFFER_UNBOUNDED);
    put_point(&all->points[all->count - 1], &line);
    status = file_write_all(s->log_fd, line.data, line.length, s->log_path, err);
    if (status == 0 && file_sync(s->log_fd) < 0)
        status = error_errno(err, "%s cannot be written", s->log_path);
    /* What is shown comes from the line, as where the sweep is gone on with. */
    struct text text = {line.data, line.length};
    if (status < 0 || !load_point_read(text, !s->values.is_rate, &all->points[all->count - 1]))
        all->count--;
    buffer_free(&line);
    return status;
}

/* An adaptive sweep under way: looks where throughput no longer follows the load. */
struct adaptive {
    struct sweep *sweep;
    size_t count;
    bool down; /* the first load was beyond it already */
    double last, last_rps;
};

static int follow(void *context, double *load, struct load_answer *answer, struct error *err)
{
    struct adaptive *a = context;
    *load = rounded(*load, !a->sweep->values.is_rate);
    answer->stop = a->count == ADAPTIVE_POINTS;
    if (answer->stop)
        return 0;
    if (ensure_point(a->sweep, *load, err) < 0)
        return err->code;
    const struct load_point *p = find_point(a->sweep, *load);
    double rps = p->request_rps;
    bool served = !a->sweep->values.is_rate || !(rps < FOLLOWS_DOWN * *load);
    answer->holds = a->count == 0 || a->down ? served : rps >= FOLLOWS_UP * a->last_rps;
    answer->holds &= !load_was_stopped(p);
    a->down |= a->count++ == 0 && !served;
    a->last = *load;
    a->last_rps = rps;
    return 0;
}

/* Doubles until throughput no longer follows, then looks between the last points. */
static int run_adaptive(struct sweep *s, struct error *err)
{
    static const double between[] = {0.35, 0.71};
    struct adaptive a = {.sweep = s};
    struct load_search search = {
        .start = 1, .factor = 2, .narrow = 2.01, .most = 1e6, .measure = follow, .context = &a};
    int status = load_search_run(&search, err);
    double top = a.down ? 2 * a.last : a.last, middles[COUNT_OF(between)] = {0};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(between) && status == 0; i++) {
        double middle = rounded(top * between[i], !s->values.is_rate);
        if (middle > 0)
            middles[count++] = middle;
    }
    want_points(s, middles, count);
    for (size_t i = 0; i < count && status == 0; i++)
        status = ensure_point(s, middles[i], err);
    return status;
}

/* What others have done of a sweep that ends early is kept as well. */
static void keep_done(struct sweep *s)
{
    char name[NAME_SIZE];
    const struct sweep_values *v = &s->values;
    for (size_t i = 0; i < v->count; i++) {
        struct error unsaid = {0};
        if (!find_point(s, v->values[i]) &&
            load_series_is_done(&s->series, v->values[i], name_of(s, v->values[i], name)))
            ensure_point(s, v->values[i], &unsaid);
    }
}

static int run_points(struct sweep *s, struct error *err)
{
    const struct sweep_values *v = &s->values;
    if (v->adaptive)
        return run_adaptive(s, err);
    want_points(s, v->values, v->count);
    for (size_t i = 0; i < v->count; i++) {
        if (ensure_point(s, v->values[i], err) < 0) {
            keep_done(s);
            return err->code;
        }
        const struct load_point *p = find_point(s, v->values[i]);
        if (p && load_was_stopped(p)) {
            s->skipped = v->count - i - 1;
            return 0;
        }
    }
    return 0;
}

static int by_load(const void *a, const void *b)
{
    const struct load_point *x = a, *y = b;
    return (x->load > y->load) - (x->load < y->load);
}

static bool is_ascending(const struct sweep *s)
{
    for (size_t i = 1; i < s->series.count; i++)
        if (by_load(&s->series.points[i - 1], &s->series.points[i]) > 0)
            return false;
    return true;
}

int sweep_run(struct sweep *s, struct error *err)
{
    s->log_fd = -1;
    s->knee = SIZE_MAX;
    s->series.is_rate = s->values.is_rate;
    if (load_series_begin(&s->series, err) < 0 || begin_log(s, err) < 0) {
        s->series.count = 0;
        return err->code;
    }
    int status = run_points(s, err);
    bool in_order = s->values.adaptive || is_ascending(s);
    qsort(s->series.points, s->series.count, sizeof *s->series.points, by_load);
    conclude(s);
    /* Gone on with where points had ended in another order: the log is that of one that had not. */
    return status == 0 && !in_order ? write_log(s, err) : status;
}

void sweep_end(struct sweep *s)
{
    load_series_end(&s->series);
    if (s->log_fd >= 0)
        close(s->log_fd);
    free(s->log_path);
}

/* ---- JSON ---- */

static void write_parameter(struct json_writer *w, const char *key, const struct usl_parameter *p)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_statistic(w, "value", p->value);
    json_pair_statistic(w, "low", p->low);
    json_pair_statistic(w, "high", p->high);
    json_end_object(w);
}

static void write_usl(const struct usl_fit *usl, struct json_writer *w)
{
    json_key(w, "usl");
    json_begin_object(w);
    write_parameter(w, "lambda", &usl->lambda);
    write_parameter(w, "sigma", &usl->sigma);
    write_parameter(w, "kappa", &usl->kappa);
    write_parameter(w, "optimum", &usl->optimum);
    json_pair_statistic(w, "peak_rps", usl->peak);
    json_pair_statistic(w, "r_squared", usl->r_squared);
    json_end_object(w);
}

void sweep_write_json(const struct sweep *s, struct json_writer *w)
{
    const struct load_series *all = &s->series;
    bool known = s->knee != SIZE_MAX;
    json_begin_object(w);
    json_pair_string(w, "command", all->command);
    json_pair_string(w, "sweep", s->values.text);
    json_pair_string(w, "over", key_of(&s->values));
    json_key(w, "points");
    json_begin_array(w);
    for (size_t i = 0; i < all->count; i++)
        load_point_write(&all->points[i], LOAD_IN_SWEEP | (s->values.is_rate ? LOAD_OF_RATES : 0),
                         w);
    json_end_array(w);
    json_pair_statistic(w, "knee", known ? all->points[s->knee].load : NAN);
    if (s->skipped)
        json_pair_u64(w, "skipped", s->skipped);
    json_pair_string(w, "knee_is", !known ? "unknown" : s->knee_at_least ? "at_least" : "measured");
    if (s->has_usl)
        write_usl(&s->usl, w);
    json_end_object(w);
}
