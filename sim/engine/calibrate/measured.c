#include "sim/engine/calibrate/measured.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_dir.h"
#include "sim/engine/calibrate/measured_server.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)16 << 20)
#define DOCUMENT_MAX_BYTES ((size_t)1 << 30)

static void append(struct measured_run *run, struct measured_request r)
{
    mem_grow(&run->requests, &run->capacity, run->count + 1, sizeof *run->requests);
    run->requests[run->count++] = r;
}

static void add(struct measured_run *run, struct measured_request r)
{
    if (r.output_tokens == 0 || r.first_ns < r.arrival_ns || r.last_ns < r.first_ns)
        run->skipped++;
    else
        append(run, r);
}

/* It took the server's time like others until the client hung up, or the run was cut: then
 * end_at_the_cut() says when. */
static void add_load(struct measured_run *run, struct measured_request r)
{
    r.cancelled = true;
    r.first_ns = r.last_ns = r.arrival_ns;
    append(run, r);
    run->load++;
}

static int64_t ns_of(double seconds)
{
    return llround(seconds * 1e9);
}

/* ---- our own runs ---- */

static uint32_t as_u32(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static int64_t per_token_ns(const struct record *r)
{
    struct pace pace = record_pace(r);
    int64_t value_ns = TIME_NEVER;
    pace_per_token(&pace, &value_ns);
    return value_ns;
}

static int take_record(void *context, const struct record *r, struct error *err)
{
    struct measured_run *run = context;
    bool sent = r->sent_ns != TIME_NEVER && r->done_ns != TIME_NEVER;
    (void)err;
    if (r->status == RECORD_CANCELLED && sent && r->asked_input && r->asked_output)
        add_load(run, (struct measured_request){.arrival_ns = r->sent_ns,
                                                .input_tokens = r->asked_input,
                                                .output_tokens = r->asked_output,
                                                .cancelled_ns = r->done_ns});
    else if (r->status != RECORD_COMPLETED || r->first_token_ns == TIME_NEVER)
        run->skipped++;
    else
        add(run, (struct measured_request){.arrival_ns = r->sent_ns,
                                           .first_ns = r->first_token_ns,
                                           .last_ns = r->last_token_ns,
                                           .input_tokens = as_u32(usage_input(&r->usage)),
                                           .cached_tokens = as_u32(usage_cached(&r->usage)),
                                           .output_tokens = as_u32(usage_output(&r->usage)),
                                           .per_token_ns = per_token_ns(r)});
    return 0;
}

static int read_own(const char *path, struct measured_run *run, struct error *err)
{
    char *summary = run_dir_file(path, "summary.json");
    bool torn = false;
    int status = run_records_read(path, take_record, run, &torn, err);
    run->killed = torn || !file_exists(summary);
    run->served_out = !run->killed; /* whatever was in flight has its record */
    free(summary);
    return status < 0 ? status : measured_read_server(path, run, err);
}

/* ---- JSON Lines: engine timestamps, or AIPerf ---- */

static double number(struct json_scan *s)
{
    double value = NAN;
    json_double(s, -1e18, 1e18, &value);
    return value;
}

/* {"value": 12.3, "unit": "ms"}, or the number alone; NAN for anything else. */
static double metric_value(struct json_scan *s)
{
    struct text key;
    double value = NAN;
    if (json_peek(s) == JSON_NUMBER)
        return number(s);
    if (!json_skip_unless(s, JSON_OBJECT))
        return value;
    json_object_begin(s);
    while (json_object_next(s, &key))
        if (text_equal(key, "value") && json_peek(s) == JSON_NUMBER)
            value = number(s);
        else
            json_skip(s, NULL);
    return value;
}

/* One line of either form; times in seconds, except for AIPerf's. */
struct line_values {
    double input, output, queued_s, first_s, last_s;
    double start_ns, end_ns, ttft_ms;
    bool cancelled;
};

static void scan_metadata(struct json_scan *s, struct line_values *v)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key))
        if (text_equal(key, "request_start_ns"))
            v->start_ns = number(s);
        else if (text_equal(key, "request_end_ns"))
            v->end_ns = number(s);
        else if (text_equal(key, "was_cancelled") && json_peek(s) != JSON_NULL)
            json_bool(s, &v->cancelled);
        else
            json_skip(s, NULL);
}

static void scan_metrics(struct json_scan *s, struct line_values *v)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key))
        if (text_equal(key, "time_to_first_token"))
            v->ttft_ms = metric_value(s);
        else if (text_equal(key, "input_sequence_length"))
            v->input = metric_value(s);
        else if (text_equal(key, "output_sequence_length"))
            v->output = metric_value(s);
        else
            json_skip(s, NULL);
}

static bool scan_flat(struct json_scan *s, struct text key, struct line_values *v)
{
    const struct {
        const char *key;
        double *out;
    } places[] = {{"input_toks", &v->input},
                  {"output_toks", &v->output},
                  {"queued_ts", &v->queued_s},
                  {"first_token_ts", &v->first_s},
                  {"last_token_ts", &v->last_s}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (text_equal(key, places[i].key)) {
            *places[i].out = metric_value(s);
            return true;
        }
    return false;
}

static struct line_values scan_line(struct json_scan *s)
{
    struct line_values v = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, false};
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key))
        if (text_equal(key, "metadata") && json_peek(s) == JSON_OBJECT)
            scan_metadata(s, &v);
        else if (text_equal(key, "metrics") && json_peek(s) == JSON_OBJECT)
            scan_metrics(s, &v);
        else if (!scan_flat(s, key, &v))
            json_skip(s, NULL);
    return v;
}

static uint32_t token_count(double value)
{
    return value >= 1 && value < 4e9 ? (uint32_t)value : 0;
}

static void add_line(struct measured_run *run, const struct line_values *v)
{
    struct measured_request r = {.input_tokens = token_count(v->input),
                                 .output_tokens = token_count(v->output)};
    if (!isnan(v->start_ns)) {
        /* Differences of doubles near 2e18 are exact to 256 ns: fine for milliseconds. */
        r.arrival_ns = (int64_t)v->start_ns;
        r.first_ns = isnan(v->ttft_ms) ? -1 : r.arrival_ns + llround(v->ttft_ms * 1e6);
        r.last_ns = isnan(v->end_ns) ? -1 : (int64_t)v->end_ns;
    } else {
        r.arrival_ns = ns_of(v->queued_s);
        r.first_ns = isnan(v->first_s) ? -1 : ns_of(v->first_s);
        r.last_ns = isnan(v->last_s) ? -1 : ns_of(v->last_s);
    }
    bool begun = !v->cancelled && !(isnan(v->start_ns) && isnan(v->queued_s));
    bool endless = begun && isnan(v->start_ns) && isnan(v->last_s);
    run->endless += endless;
    if (endless && r.input_tokens && r.output_tokens)
        add_load(run, r);
    else if (begun)
        add(run, r);
    else
        run->skipped++;
}

/* What has no end ran until the last instant that the run knows of. */
static void end_at_the_cut(struct measured_run *run)
{
    int64_t cut_ns = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct measured_request *r = &run->requests[i];
        int64_t latest_ns = r->last_ns > r->arrival_ns ? r->last_ns : r->arrival_ns;
        cut_ns = latest_ns > cut_ns ? latest_ns : cut_ns;
    }
    for (size_t i = 0; i < run->count; i++)
        if (run->requests[i].cancelled)
            run->requests[i].cancelled_ns = cut_ns;
}

static int read_lines(const char *path, struct measured_run *run, struct error *err)
{
    struct line_reader reader;
    struct text line;
    int more = line_reader_open(&reader, path, LINE_MAX_BYTES, err);
    if (more < 0)
        return more;
    while ((more = line_reader_next(&reader, &line, err)) > 0) {
        struct json_scan s;
        if (line.length == 0)
            continue;
        bool whole = reader.offset + line.length < reader.next_offset;
        json_scan_init(&s, reader.name, line.at, line.length, reader.number);
        struct line_values v = scan_line(&s);
        run->killed = json_scan_end(&s, whole ? err : NULL) < 0;
        if (run->killed && whole)
            more = ERR_INPUT;
        if (run->killed)
            break;
        add_line(run, &v);
    }
    end_at_the_cut(run);
    line_reader_close(&reader);
    return more < 0 ? more : 0;
}

/* ---- vLLM's result document ---- */

struct numbers {
    double *items;
    size_t count, capacity;
};

static void push(struct numbers *n, double value)
{
    mem_grow(&n->items, &n->capacity, n->count + 1, sizeof *n->items);
    n->items[n->count++] = value;
}

/* An array of numbers; of an inner array the sum. */
static void scan_numbers(struct json_scan *s, struct numbers *n)
{
    json_array_begin(s);
    while (json_array_next(s)) {
        double sum = 0;
        if (json_peek(s) == JSON_ARRAY) {
            json_array_begin(s);
            while (json_array_next(s))
                sum += number(s);
        } else {
            sum = number(s);
        }
        push(n, sum);
    }
}

enum { VLLM_INPUT, VLLM_OUTPUT, VLLM_TTFT, VLLM_ITL, VLLM_START, VLLM_COLUMNS };

static void scan_vllm(struct json_scan *s, struct numbers columns[VLLM_COLUMNS])
{
    static const char *const keys[] = {"input_lens", "output_lens", "ttfts", "itls", "start_times"};
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        int column = 0;
        while (column < VLLM_COLUMNS && !text_equal(key, keys[column]))
            column++;
        if (column < VLLM_COLUMNS && json_peek(s) == JSON_ARRAY)
            scan_numbers(s, &columns[column]);
        else
            json_skip(s, NULL);
    }
}

static int add_vllm(const char *path, const struct numbers *c, struct measured_run *run,
                    struct error *err)
{
    size_t count = c[VLLM_TTFT].count;
    for (int i = 0; i < VLLM_COLUMNS; i++)
        if (c[i].count != count || count == 0)
            return error_at(err, path, 0, 0,
                            "a vLLM result needs input_lens, output_lens, ttfts, itls and "
                            "start_times of equal length: save it with --save-detailed");
    for (size_t i = 0; i < count; i++) {
        double start = c[VLLM_START].items[i], first = start + c[VLLM_TTFT].items[i];
        add(run,
            (struct measured_request){.arrival_ns = ns_of(start),
                                      .first_ns = c[VLLM_TTFT].items[i] > 0 ? ns_of(first) : -1,
                                      .last_ns = ns_of(first + c[VLLM_ITL].items[i]),
                                      .input_tokens = token_count(c[VLLM_INPUT].items[i]),
                                      .output_tokens = token_count(c[VLLM_OUTPUT].items[i])});
    }
    return 0;
}

static int read_vllm(const char *path, struct measured_run *run, struct error *err)
{
    char *text = NULL;
    size_t length;
    struct numbers columns[VLLM_COLUMNS] = {0};
    struct json_scan s;
    if (file_read_all(path, DOCUMENT_MAX_BYTES, &text, &length, err) < 0)
        return err->code;
    json_scan_init(&s, path, text, length, 1);
    scan_vllm(&s, columns);
    int status = json_scan_end(&s, err);
    if (status == 0)
        status = add_vllm(path, columns, run, err);
    for (int i = 0; i < VLLM_COLUMNS; i++)
        free(columns[i].items);
    free(text);
    return status;
}

/* ---- any of them ---- */

static int by_arrival(const void *a, const void *b)
{
    const struct measured_request *x = a, *y = b;
    return (x->arrival_ns > y->arrival_ns) - (x->arrival_ns < y->arrival_ns);
}

static void start_at_zero(struct measured_run *run)
{
    qsort(run->requests, run->count, sizeof *run->requests, by_arrival);
    int64_t start_ns = run->requests[0].arrival_ns;
    for (size_t i = 0; i < run->count; i++) {
        run->requests[i].arrival_ns -= start_ns;
        run->requests[i].first_ns -= start_ns;
        run->requests[i].last_ns -= start_ns;
        if (run->requests[i].cancelled)
            run->requests[i].cancelled_ns -= start_ns;
    }
    for (size_t i = 0; i < run->scrape_count; i++)
        run->scrapes[i].t_ns -= start_ns;
}

/* JSON Lines of one of the two forms begin with an object that names its keys. */
static int is_lines(const char *path, bool *lines, struct error *err)
{
    struct line_reader reader;
    struct text start;
    if (line_reader_open(&reader, path, LINE_MAX_BYTES, err) < 0)
        return err->code;
    int status = line_reader_peek(&reader, 4096, &start, err);
    if (status >= 0) {
        struct text flat = text_of("*\"queued_ts\"*"), nested = text_of("{*\"metadata\"*");
        *lines = text_matches(start, flat) || text_matches(start, nested);
    }
    line_reader_close(&reader);
    return status;
}

int measured_read(const char *path, struct measured_run *run, struct error *err)
{
    bool lines = false;
    int status;
    *run = (struct measured_run){.name = mem_copy_string(path),
                                 .server = {.hit_rate = NAN, .preemptions = NAN}};
    if (run_dir_is_run(path))
        status = read_own(path, run, err);
    else if ((status = is_lines(path, &lines, err)) >= 0)
        status = lines ? read_lines(path, run, err) : read_vllm(path, run, err);
    if (status >= 0 && run->count == run->load)
        status = error_at(err, path, 0, 0, "no completed request with a first token (%llu without)",
                          (unsigned long long)run->skipped);
    if (status < 0) {
        measured_free(run);
        return status;
    }
    start_at_zero(run);
    return 0;
}

void measured_free(struct measured_run *run)
{
    free(run->requests);
    free(run->scrapes);
    free(run->name);
    *run = (struct measured_run){0};
}
