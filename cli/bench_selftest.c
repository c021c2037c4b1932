#include "cli/bench_selftest.h"

#include "bench/bench.h"
#include "bench/null_endpoint.h"
#include "cli/report/summary_table.h"
#include "core/stats/histogram.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#define SLEEPS 500
#define REQUESTS 20000
#define STREAMS 200
#define TOKENS 200

struct limits {
    double clock_step_ns, timer_p50_ms, timer_p99_ms;
    double requests_per_cpu_s, chunks_per_cpu_s, lag_p99_ms;
    uint64_t chunks, failed, open_files;
};

static void measure_clock(struct limits *l)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < 10000; i++) {
        int64_t a = clock_now_ns(), b = clock_now_ns();
        if (b > a && b - a < least)
            least = b - a;
    }
    l->clock_step_ns = (double)least;
}

static void measure_timer(struct limits *l)
{
    struct histogram late = {0};
    for (int i = 0; i < SLEEPS; i++) {
        int64_t at_ns = clock_now_ns() + NS_PER_MS;
        struct timespec at = {at_ns / NS_PER_S, at_ns % NS_PER_S};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        histogram_add(&late, clock_now_ns() - at_ns, 1);
    }
    l->timer_p50_ms = histogram_quantile(&late, 0.5) / 1e6;
    l->timer_p99_ms = histogram_quantile(&late, 0.99) / 1e6;
    histogram_free(&late);
}

static bool count(void *context, const struct record *r)
{
    struct limits *l = context;
    l->chunks += r->chunks;
    l->failed += r->status != RECORD_COMPLETED;
    return true;
}

/* One run against a null endpoint; gives the worker's CPU seconds. */
static int drive(struct limits *l, int64_t gap_ns, bool stream, uint32_t slots, uint64_t requests,
                 double *cpu_s, struct error *err)
{
    struct null_endpoint *n = null_endpoint_create(gap_ns, err);
    pthread_t thread;
    if (!n)
        return err->code;
    pthread_create(&thread, NULL, null_endpoint_main, n);
    struct endpoint_config e = {.url = null_endpoint_url(n), .model = "null"};
    struct request row = {.input_tokens = 20, .output_tokens = TOKENS, .attempts = 1};
    struct run_observer observer = {l, count};
    struct bench_config c;
    struct bench_report report;
    struct workload w;
    workload_init(&w);
    workload_add(&w, &row, err);
    bench_config_init(&c);
    c.endpoints = &e;
    c.endpoint_count = 1;
    c.stream = stream;
    c.no_probe = true;
    c.schedule.mode = SCHEDULE_CLOSED;
    c.schedule.max_requests = requests;
    profile_hold(&c.schedule.load, slots);
    int status = bench_run(&c, &w, &observer, &report, err);
    if (status == 0) {
        *cpu_s = (double)report.fidelity.cpu_ns / 1e9;
        l->lag_p99_ms = report.verdict.lag_p99_ms;
        bench_report_free(&report);
    }
    null_endpoint_stop(n);
    pthread_join(thread, NULL);
    null_endpoint_free(n);
    profile_free(&c.schedule.load);
    workload_free(&w);
    return status;
}

static void show(const struct limits *l, struct buffer *out)
{
    char a[CELL_SIZE], b[CELL_SIZE], files[GROUPED_SIZE];
    format_cell(l->requests_per_cpu_s, a);
    format_cell(l->chunks_per_cpu_s, b);
    format_grouped((int64_t)l->open_files, files);
    buffer_add_format(out,
                      "What one worker can do on this machine, against an endpoint that does "
                      "nothing\n\n"
                      "clock        steps of %.0f ns\n"
                      "timer        late by p50 %.3f, p99 %.3f ms\n"
                      "requests     %s per CPU second (32 connections, whole answers)\n"
                      "chunks       %s per CPU second (%d streams of 100 a second)\n"
                      "connections  %s open files are allowed\n",
                      l->clock_step_ns, l->timer_p50_ms, l->timer_p99_ms, a, b, STREAMS, files);
    if (l->failed)
        buffer_add_format(out, "! %llu requests failed\n", (unsigned long long)l->failed);
    format_cell(l->chunks_per_cpu_s * FIDELITY_MAX_CPU, b);
    buffer_add_format(out,
                      "\nA worker is trusted up to %.0f %% of its CPU, so plan one worker for each "
                      "%s chunks a second.\n",
                      FIDELITY_MAX_CPU * 100, b);
}

static void write_json(const struct limits *l, struct buffer *out)
{
    const struct {
        const char *key;
        double value;
    } values[] = {
        {"clock_step_ns", l->clock_step_ns},       {"timer_late_p50_ms", l->timer_p50_ms},
        {"timer_late_p99_ms", l->timer_p99_ms},    {"requests_per_cpu_s", l->requests_per_cpu_s},
        {"chunks_per_cpu_s", l->chunks_per_cpu_s},
    };
    struct json_writer w;
    json_write_init(&w, out, 2);
    json_begin_object(&w);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        json_key(&w, values[i].key);
        json_put_statistic(&w, values[i].value);
    }
    json_key(&w, "open_files");
    json_put_u64(&w, l->open_files);
    json_end_object(&w);
    buffer_add_byte(out, '\n');
}

int bench_selftest(const struct terminal *t, bool json, struct error *err)
{
    struct limits l = {0};
    struct rlimit files;
    struct buffer text;
    double cpu_s = 0;
    measure_clock(&l);
    measure_timer(&l);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        l.open_files = files.rlim_cur;
    if (drive(&l, 0, false, 32, REQUESTS, &cpu_s, err) < 0)
        return err->code;
    l.requests_per_cpu_s = REQUESTS / cpu_s;
    l.chunks = 0;
    if (drive(&l, 10 * NS_PER_MS, true, STREAMS, STREAMS, &cpu_s, err) < 0)
        return err->code;
    l.chunks_per_cpu_s = (double)l.chunks / cpu_s;
    buffer_init(&text, BUFFER_UNBOUNDED);
    show(&l, &text);
    print_buffer(t->human, &text);
    if (json) {
        write_json(&l, &text);
        print_buffer(t->machine, &text);
    }
    buffer_free(&text);
    return 0;
}
