#include "sim/cost/bill/run_workload.h"

#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/summary/collector.h"

#include <stdlib.h>
#include <string.h>

#define RUN_JSON_MAX ((size_t)4 << 20)

/* One sent attempt, as long as its request's end is not known. */
struct sent {
    uint32_t request; /* number of its id */
    struct earlier_attempt attempt;
};

struct reading {
    struct names ids;
    uint32_t *last;   /* by request: the attempt that counts as the final one */
    uint32_t *row_of; /* by request */
    size_t request_capacity;
    struct sent *sent;
    size_t count, capacity;
    struct workload *w;
    struct earlier_attempts *earlier;
    struct run_workload_report *report;
    const struct slo_list *slos; /* NULL */
    struct collector *collector;
    size_t missed_capacity;
};

static enum request_status status_of(enum record_status s)
{
    if (s == RECORD_COMPLETED)
        return REQUEST_OK;
    return s == RECORD_FAILED ? REQUEST_FAILED : REQUEST_ABORTED;
}

static struct earlier_attempt attempt_of(const struct record *r)
{
    struct earlier_attempt a = {.usage = r->usage,
                                .asked_output = r->asked_output,
                                .status = r->status,
                                .http_status = r->http_status,
                                .sent_ns = r->sent_ns};
    a.usage.extras = NULL;
    a.usage.extra_count = 0;
    if (r->usage_from == USAGE_NONE) /* the prompt was sent, whatever came of it */
        a.usage = usage_from_totals(r->asked_input, 0, 0, 0, 0, 0);
    return a;
}

static int add_row(struct reading *g, const struct record *r, struct error *err)
{
    struct earlier_attempt a = attempt_of(r);
    struct request row = {
        .timestamp_ns = r->sent_ns != TIME_NEVER ? r->sent_ns : r->scheduled_ns,
        .input_tokens = (uint32_t)usage_input(&a.usage),
        .output_tokens = (uint32_t)usage_output(&a.usage),
        .request_id = r->request_id,
        .session_id = r->session_id,
        .model = r->model,
        .class_name = r->class_name,
        .labels = r->labels,
        .has_usage = true,
        .usage = a.usage,
        .status = status_of(r->status),
        .attempts = 1,
        .has_cost = r->has_cost,
        .cost = r->cost,
    };
    int service = r->service ? service_from_name(text_of(r->service)) : SERVICE_STANDARD;
    row.service = service < 0 ? SERVICE_STANDARD : (enum service)service;
    row.usage.extras = r->usage.extras;
    row.usage.extra_count = r->usage.extra_count;
    return workload_add(g->w, &row, err);
}

static uint32_t request_number(struct reading *g, const struct record *r)
{
    uint32_t n = names_add(&g->ids, text_of(r->request_id ? r->request_id : ""));
    size_t capacity = g->request_capacity;
    mem_grow(&g->last, &capacity, g->ids.count, sizeof *g->last);
    mem_grow(&g->row_of, &g->request_capacity, g->ids.count, sizeof *g->row_of);
    return n;
}

static void note(struct reading *g, const struct record *r)
{
    g->report->records++;
    if (r->status == RECORD_UNSENT)
        g->report->unsent++;
    else if (r->usage_from == USAGE_ESTIMATED)
        g->report->estimated++;
    else if (r->usage_from == USAGE_NONE)
        g->report->without_usage++;
}

/* First pass: all sent attempts, and which one of each request is its last. */
static int read_attempts(struct reading *g, const char *path, struct error *err)
{
    struct record_reader reader;
    struct record r;
    int more = record_reader_open(&reader, path, err);
    if (more < 0)
        return more;
    while ((more = record_reader_next(&reader, &r, err)) > 0) {
        note(g, &r);
        if (r.status == RECORD_UNSENT)
            continue;
        size_t before = g->ids.count;
        uint32_t request = request_number(g, &r);
        mem_grow(&g->sent, &g->capacity, g->count + 1, sizeof *g->sent);
        g->sent[g->count] = (struct sent){request, attempt_of(&r)};
        if (g->ids.count > before || r.final || r.attempt > 0)
            g->last[request] = (uint32_t)g->count;
        g->count++;
    }
    g->report->torn = reader.torn;
    record_reader_close(&reader);
    return more;
}

static void note_objectives(struct reading *g, const struct record *r)
{
    if (!g->collector)
        return;
    size_t row = g->w->count;
    mem_grow(&g->earlier->slo_missed, &g->missed_capacity, row + 1, sizeof(bool));
    g->earlier->slo_missed[row] = !r->final || !collector_last_meets(g->collector, g->slos);
}

/* Second pass: the final attempts become rows. */
static int read_rows(struct reading *g, const char *path, struct error *err)
{
    struct record_reader reader;
    struct record r;
    size_t n = 0;
    int more = record_reader_open(&reader, path, err);
    if (more < 0)
        return more;
    while ((more = record_reader_next(&reader, &r, err)) > 0) {
        if (g->collector)
            collector_add(g->collector, &r);
        if (r.status == RECORD_UNSENT)
            continue;
        uint32_t request = g->sent[n].request;
        if (g->last[request] == n) {
            g->row_of[request] = (uint32_t)g->w->count;
            note_objectives(g, &r);
            more = add_row(g, &r, err);
            if (more < 0)
                break;
        }
        n++;
    }
    record_reader_close(&reader);
    return more;
}

static void list_earlier(struct reading *g)
{
    struct earlier_attempts *e = g->earlier;
    size_t rows = g->w->count;
    e->start = mem_zero(rows + 1, sizeof *e->start);
    e->items = mem_alloc((g->count + 1) * sizeof *e->items);
    e->http_status = mem_zero(rows + 1, sizeof *e->http_status);
    e->asked_output = mem_zero(rows + 1, sizeof *e->asked_output);
    for (size_t i = 0; i < g->count; i++) {
        uint32_t row = g->row_of[g->sent[i].request];
        if (g->last[g->sent[i].request] != i) {
            e->start[row + 1]++;
            continue;
        }
        e->http_status[row] = (int16_t)g->sent[i].attempt.http_status;
        e->asked_output[row] = g->sent[i].attempt.asked_output;
    }
    for (size_t i = 0; i < rows; i++)
        e->start[i + 1] += e->start[i];
    uint64_t *at = mem_alloc((rows + 1) * sizeof *at);
    memcpy(at, e->start, (rows + 1) * sizeof *at);
    for (size_t i = 0; i < g->count; i++)
        if (g->last[g->sent[i].request] != i)
            e->items[at[g->row_of[g->sent[i].request]]++] = g->sent[i].attempt;
    free(at);
}

/* The wall clock at the run's start, where run.json says it (a simulation's does not). */
static void read_start(const char *directory, struct workload *w)
{
    char *path = run_dir_file(directory, "run.json"), *content = NULL;
    struct error none = {0};
    struct json_scan s;
    struct text key, started;
    size_t length;
    if (file_read_all(path, RUN_JSON_MAX, &content, &length, &none) == 0) {
        json_scan_init(&s, path, content, length, 1);
        json_object_begin(&s);
        while (json_object_next(&s, &key)) {
            if (!text_equal(key, "started") || json_peek(&s) != JSON_STRING)
                json_skip(&s, NULL);
            else if (json_string(&s, &started))
                w->has_start =
                    clock_parse_instant(started.at, started.length, &w->start_unix_ns) == 0;
        }
        free(content);
    }
    free(path);
}

/* As of a trace: the first attempt that was sent is time 0, and the start moves with it. */
static void start_at_first(struct workload *w, struct earlier_attempts *e)
{
    int64_t first = 0, last = 0;
    uint64_t attempts = e->start[w->count];
    if (!workload_time_range(w, &first, &last))
        return;
    for (uint64_t i = 0; i < attempts; i++)
        if (e->items[i].sent_ns < first)
            first = e->items[i].sent_ns;
    for (uint64_t i = 0; i < attempts; i++)
        if (e->items[i].sent_ns != TIME_NEVER)
            e->items[i].sent_ns -= first;
    workload_shift(w, -first);
}

int run_workload_read(const char *directory, struct workload *w, struct earlier_attempts *earlier,
                      struct run_workload_report *report, struct error *err)
{
    return run_workload_read_slo(directory, NULL, w, earlier, report, err);
}

int run_workload_read_slo(const char *directory, const struct slo_list *slos, struct workload *w,
                          struct earlier_attempts *earlier, struct run_workload_report *report,
                          struct error *err)
{
    struct reading g = {.w = w, .earlier = earlier, .report = report, .slos = slos};
    if (slos && slos->count > 0)
        g.collector = collector_create();
    char *path = run_dir_file(directory, "requests.jsonl");
    *earlier = (struct earlier_attempts){0};
    *report = (struct run_workload_report){0};
    names_init(&g.ids);
    int code = read_attempts(&g, path, err);
    if (code == 0)
        code = read_rows(&g, path, err);
    if (code == 0) {
        list_earlier(&g);
        read_start(directory, w);
        start_at_first(w, earlier);
    }
    if (code == 0 && !w->name) {
        size_t length = strlen(directory);
        while (length > 1 && directory[length - 1] == '/')
            length--;
        size_t at = length;
        while (at > 0 && directory[at - 1] != '/')
            at--;
        w->name = mem_copy_text(directory + at, length - at);
    }
    free(path);
    collector_free(g.collector);
    names_free(&g.ids);
    free(g.last);
    free(g.row_of);
    free(g.sent);
    return code < 0 ? code : 0;
}

void earlier_attempts_free(struct earlier_attempts *earlier)
{
    free(earlier->start);
    free(earlier->items);
    free(earlier->http_status);
    free(earlier->asked_output);
    free(earlier->slo_missed);
    *earlier = (struct earlier_attempts){0};
}
