#include "sim/cost/bill/run_workload.h"

#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_json.h"
#include "core/runs/summary/collector.h"
#include "workloads/model/record_request.h"

#include <stdlib.h>
#include <string.h>

/* An attempt that was sent and that another may follow. */
struct sent {
    uint32_t request; /* number of its id */
    struct earlier_attempt attempt;
};

#define NO_ROW UINT32_MAX

/* Attempts wait here until their request's final one comes, which becomes its row. The last of
 * those that none follows, as in a run that was killed, is made a row of in the end. */
struct run_reading {
    struct names ids;
    struct {
        uint32_t row;  /* NO_ROW = not ended */
        uint32_t last; /* the attempt in `sent` that would be its row */
    } * requests;      /* by number */
    size_t request_capacity;
    struct sent *sent;
    struct workload rows; /* of `sent`, one for one */
    size_t sent_count, sent_capacity;
    size_t final_capacity;
    struct slo_list slos;
    struct collector *collector, *own;
};

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

/* What is billed: this one attempt, when it was sent. */
static struct request row_of(const struct record *r)
{
    struct request row = record_request(r);
    if (r->sent_ns != TIME_NEVER)
        row.timestamp_ns = r->sent_ns;
    if (!row.has_usage) {
        row.usage = attempt_of(r).usage;
        row.usage.extras = r->usage.extras;
        row.usage.extra_count = r->usage.extra_count;
        row.output_tokens = 0;
        row.has_usage = true;
    }
    row.attempts = 1;
    return row;
}

static int add_row(struct run_workload *out, const struct request *row,
                   const struct earlier_attempt *a, bool missed, struct error *err)
{
    struct run_reading *g = out->reading;
    struct earlier_attempts *e = out->workload.earlier;
    size_t i = out->workload.count;
    mem_grow(&e->finals, &g->final_capacity, i + 1, sizeof *e->finals);
    e->finals[i] = (struct final_attempt){a->asked_output, (int16_t)a->http_status, missed};
    return workload_add(&out->workload, row, err);
}

static uint32_t request_number(struct run_reading *g, const struct record *r)
{
    size_t known = g->ids.count;
    uint32_t n = names_add(&g->ids, text_of(r->request_id ? r->request_id : ""));
    if (n < known)
        return n;
    mem_grow(&g->requests, &g->request_capacity, n + 1, sizeof *g->requests);
    g->requests[n].row = g->requests[n].last = NO_ROW;
    return n;
}

static int add_sent(struct run_reading *g, uint32_t request, const struct record *r,
                    struct error *err)
{
    struct request row = row_of(r);
    mem_grow(&g->sent, &g->sent_capacity, g->sent_count + 1, sizeof *g->sent);
    g->sent[g->sent_count] = (struct sent){request, attempt_of(r)};
    if (g->requests[request].last == NO_ROW || r->attempt > 0)
        g->requests[request].last = (uint32_t)g->sent_count;
    g->sent_count++;
    row.request_id = NULL;
    return workload_add(&g->rows, &row, err);
}

static void note(struct run_workload_report *report, const struct record *r)
{
    report->records++;
    if (r->status == RECORD_UNSENT)
        report->unsent++;
    else if (r->usage_from == USAGE_ESTIMATED)
        report->estimated++;
    else if (r->usage_from == USAGE_NONE)
        report->without_usage++;
}

void run_workload_begin(struct run_workload *out, const struct slo_list *slos,
                        struct collector *collector)
{
    struct run_reading *g = mem_zero(1, sizeof *g);
    *out = (struct run_workload){.reading = g};
    workload_init(&out->workload);
    out->workload.earlier = mem_zero(1, sizeof *out->workload.earlier);
    workload_init(&g->rows);
    names_init(&g->ids);
    if (!slos || slos->count == 0)
        return;
    g->slos = *slos;
    g->own = collector ? NULL : collector_create();
    g->collector = collector ? collector : g->own;
    out->workload.earlier->has_slo = true;
}

int run_workload_add(struct run_workload *out, const struct record *r, struct error *err)
{
    struct run_reading *g = out->reading;
    note(&out->report, r);
    if (g->own)
        collector_add(g->own, r);
    if (r->status == RECORD_UNSENT)
        return 0;
    uint32_t n = request_number(g, r);
    if (!r->final || g->requests[n].row != NO_ROW)
        return add_sent(g, n, r, err);
    struct request row = row_of(r);
    struct earlier_attempt a = attempt_of(r);
    g->requests[n].row = (uint32_t)out->workload.count;
    return add_row(out, &row, &a, g->collector && !collector_last_meets(g->collector, &g->slos),
                   err);
}

/* Requests that never ended: the last attempt of each becomes its row. */
static int add_unended(struct run_workload *out, struct error *err)
{
    struct run_reading *g = out->reading;
    int status = 0;
    for (size_t i = 0; i < g->sent_count && status == 0; i++) {
        struct request row;
        uint32_t n = g->sent[i].request;
        if (g->requests[n].row != NO_ROW || g->requests[n].last != i)
            continue;
        workload_get(&g->rows, i, &row);
        row.request_id = names_text(&g->ids, n);
        g->requests[n].row = (uint32_t)out->workload.count;
        g->sent[i].request = NO_ROW; /* it is no earlier one */
        status = add_row(out, &row, &g->sent[i].attempt, true, err);
    }
    return status;
}

static void list_earlier(struct run_workload *out)
{
    struct run_reading *g = out->reading;
    struct earlier_attempts *e = out->workload.earlier;
    size_t rows = out->workload.count;
    e->start = mem_zero(rows + 1, sizeof *e->start);
    e->items = mem_alloc((g->sent_count + 1) * sizeof *e->items);
    for (size_t i = 0; i < g->sent_count; i++)
        if (g->sent[i].request != NO_ROW)
            e->start[g->requests[g->sent[i].request].row + 1]++;
    for (size_t i = 0; i < rows; i++)
        e->start[i + 1] += e->start[i];
    uint64_t *at = mem_alloc((rows + 1) * sizeof *at);
    memcpy(at, e->start, (rows + 1) * sizeof *at);
    for (size_t i = 0; i < g->sent_count; i++)
        if (g->sent[i].request != NO_ROW)
            e->items[at[g->requests[g->sent[i].request].row]++] = g->sent[i].attempt;
    free(at);
}

/* The wall clock at the run's start, where it is known. */
static void read_start(const char *run, struct workload *w)
{
    struct run_json j;
    run_json_read(run, &j, NULL);
    w->has_start = j.started_unix_ns != TIME_NEVER;
    if (w->has_start)
        w->start_unix_ns = j.started_unix_ns;
    run_json_free(&j);
}

/* As of a trace: the first attempt that was sent is time 0, and the start moves with it. */
static void start_at_first(struct workload *w)
{
    struct earlier_attempts *e = w->earlier;
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

static void free_reading(struct run_workload *run)
{
    struct run_reading *g = run->reading;
    if (!g)
        return;
    collector_free(g->own);
    names_free(&g->ids);
    workload_free(&g->rows);
    free(g->requests);
    free(g->sent);
    free(g);
    run->reading = NULL;
}

int run_workload_end(struct run_workload *out, const char *run, struct error *err)
{
    int status = add_unended(out, err);
    if (status < 0)
        return status;
    list_earlier(out);
    free_reading(out);
    read_start(run, &out->workload);
    start_at_first(&out->workload);
    size_t length = strlen(run);
    while (length > 1 && run[length - 1] == '/')
        length--;
    size_t at = length;
    while (at > 0 && run[at - 1] != '/')
        at--;
    out->workload.name = mem_copy_text(run + at, length - at);
    return 0;
}

static int take_record(void *context, const struct record *r, struct error *err)
{
    return run_workload_add(context, r, err);
}

int run_workload_read(struct run_workload *out, const char *run, const struct slo_list *slos,
                      struct error *err)
{
    bool torn = false;
    run_workload_begin(out, slos, NULL);
    int status = run_records_read(run, take_record, out, &torn, err);
    out->report.torn = torn;
    return status < 0 ? status : run_workload_end(out, run, err);
}

void run_workload_free(struct run_workload *run)
{
    free_reading(run);
    workload_free(&run->workload);
    *run = (struct run_workload){0};
}
