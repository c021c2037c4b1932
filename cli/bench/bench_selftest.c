#include "cli/bench/bench_selftest.h"

#include "bench/client/audit.h"
#include "bench/client/bench.h"
#include "bench/client/null_endpoint.h"
#include "cli/output.h"
#include "cli/report/text/summary_table.h"
#include "core/stats/histogram.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define SLEEPS 500
#define TOKENS 200

/* A load on the null endpoint, and what came of it. */
struct trial {
    int64_t gap_ns; /* between the tokens of a stream */
    bool stream;
    uint32_t slots; /* closed loop; 0: an open one at rate_rps */
    double rate_rps;
    uint64_t requests;
    uint32_t tokens;
    /* measured */
    uint64_t chunks, completed;
    double cpu_s, wall_s, cpu_peak, lag_p50_ms, lag_p99_ms;
};

struct limits {
    double clock_step_ns, timer_p50_ms, timer_p99_ms;
    struct trial whole, chunks, pace, many;
    uint64_t open_files;
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
    struct trial *t = context;
    t->chunks += r->chunks;
    t->completed += r->status == RECORD_COMPLETED;
    return true;
}

static void take(const struct bench_report *report, struct trial *t)
{
    t->cpu_s = (double)report->cpu_ns / 1e9;
    t->wall_s = (double)report->wall_ns / 1e9;
    t->cpu_peak = report->fidelity.cpu_peak;
    t->lag_p50_ms = report->fidelity.lag_p50_ms;
    t->lag_p99_ms = report->fidelity.lag_p99_ms;
}

/* One run of one worker against a null endpoint in a thread of its own. */
static int drive(struct trial *t, struct error *err)
{
    struct null_endpoint *n = null_endpoint_create(t->gap_ns, err);
    pthread_t thread;
    if (!n)
        return err->code;
    int bad = pthread_create(&thread, NULL, null_endpoint_main, n);
    if (bad) {
        null_endpoint_free(n);
        return error_set(err, ERR_SYSTEM, "cannot start a thread: %s", strerror(bad));
    }
    struct endpoint_config e = {.url = null_endpoint_url(n), .model = "null"};
    struct request row = {.input_tokens = 20, .output_tokens = t->tokens, .attempts = 1};
    struct run_observer observer = {t, count};
    struct bench_config c;
    struct bench_report report;
    struct workload w;
    workload_init(&w);
    workload_add(&w, &row, err);
    bench_config_init(&c);
    c.endpoints = &e;
    c.endpoint_count = 1;
    c.stream = t->stream;
    c.no_probe = true;
    c.schedule.mode = t->slots ? SCHEDULE_CLOSED : SCHEDULE_OPEN;
    c.schedule.max_requests = t->requests;
    profile_hold(&c.schedule.load, t->slots ? t->slots : t->rate_rps);
    int status = bench_run(&c, &w, &observer, &report, err);
    if (status == 0) {
        take(&report, t);
        bench_report_free(&report);
    }
    null_endpoint_stop(n);
    pthread_join(thread, NULL);
    null_endpoint_free(n);
    profile_free(&c.schedule.load);
    workload_free(&w);
    return status;
}

static double per_cpu_s(uint64_t count, const struct trial *t)
{
    return t->cpu_s > 0 ? (double)count / t->cpu_s : 0;
}

static void show_trials(const struct limits *l, struct buffer *out)
{
    char a[CELL_SIZE], b[CELL_SIZE], many[TEXT_GROUPED_SIZE];
    format_cell(per_cpu_s(l->whole.requests, &l->whole), a);
    format_cell((double)l->whole.completed / l->whole.wall_s, b);
    buffer_add_format(out,
                      "requests     %s per CPU second, %s/s here (%u connections, whole answers)\n",
                      a, b, l->whole.slots);
    format_cell(per_cpu_s(l->chunks.chunks, &l->chunks), a);
    format_cell((double)l->chunks.chunks / l->chunks.wall_s, b);
    buffer_add_format(out,
                      "chunks       %s per CPU second, %s/s here (%u streams of 100 a second)\n", a,
                      b, l->chunks.slots);
    text_group_u64(l->many.slots, many);
    buffer_add_format(out, "streams      %s at a time, 10 chunks a second each: %.0f %% of a CPU\n",
                      many, l->many.cpu_peak * 100);
    buffer_add_format(out, "sending      late by p50 %.3f, p99 %.3f ms at %.0f requests/s\n",
                      l->pace.lag_p50_ms, l->pace.lag_p99_ms, l->pace.rate_rps);
}

static void show(const struct limits *l, struct buffer *out)
{
    const struct trial *trials[] = {&l->whole, &l->chunks, &l->pace, &l->many};
    char files[TEXT_GROUPED_SIZE], chunks[CELL_SIZE];
    text_group_u64(l->open_files, files);
    buffer_add_format(out,
                      "What one worker can do on this machine, against an endpoint that does "
                      "nothing\n\n"
                      "clock        steps of %.0f ns\n"
                      "timer        late by p50 %.3f, p99 %.3f ms\n",
                      l->clock_step_ns, l->timer_p50_ms, l->timer_p99_ms);
    show_trials(l, out);
    buffer_add_format(out, "connections  %s open files are allowed\n", files);
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        if (trials[i]->completed < trials[i]->requests)
            buffer_add_format(out, "! %llu requests failed\n",
                              (unsigned long long)(trials[i]->requests - trials[i]->completed));
    format_cell(per_cpu_s(l->chunks.chunks, &l->chunks) * AUDIT_MAX_CPU, chunks);
    buffer_add_format(out,
                      "\nA worker is trusted up to %.0f %% of its CPU, so plan one worker for each "
                      "%s chunks a second.\n",
                      AUDIT_MAX_CPU * 100, chunks);
}

static void write_json(const struct limits *l, struct json_writer *w)
{
    const struct {
        const char *key;
        double value;
    } values[] = {
        {"clock_step_ns", l->clock_step_ns},
        {"timer_late_p50_ms", l->timer_p50_ms},
        {"timer_late_p99_ms", l->timer_p99_ms},
        {"requests_per_cpu_s", per_cpu_s(l->whole.requests, &l->whole)},
        {"requests_per_s", (double)l->whole.completed / l->whole.wall_s},
        {"chunks_per_cpu_s", per_cpu_s(l->chunks.chunks, &l->chunks)},
        {"chunks_per_s", (double)l->chunks.chunks / l->chunks.wall_s},
        {"streams", l->many.slots},
        {"streams_cpu", l->many.cpu_peak},
        {"send_rate_rps", l->pace.rate_rps},
        {"send_lag_p50_ms", l->pace.lag_p50_ms},
        {"send_lag_p99_ms", l->pace.lag_p99_ms},
    };
    json_begin_object(w);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        json_pair_statistic(w, values[i].key, values[i].value);
    json_pair_u64(w, "open_files", l->open_files);
    json_end_object(w);
}

/* As many streams as half of the open files allow: the endpoint is in this process, too. */
static uint32_t stream_count(uint64_t open_files)
{
    uint64_t most = open_files > 400 ? (open_files - 200) / 2 : 100;
    return most < 2000 ? (uint32_t)most : 2000;
}

int bench_selftest(const struct terminal *t, bool json, struct error *err)
{
    struct limits l = {
        .whole = {.slots = 32, .requests = 20000, .tokens = 1},
        .chunks = {.gap_ns = 10 * NS_PER_MS,
                   .stream = true,
                   .slots = 200,
                   .requests = 200,
                   .tokens = TOKENS},
        .pace = {.stream = true, .rate_rps = 2000, .requests = 4000, .tokens = 4},
        .many = {.gap_ns = 100 * NS_PER_MS, .stream = true, .tokens = 20},
    };
    struct trial *trials[] = {&l.whole, &l.chunks, &l.pace, &l.many};
    struct rlimit files;
    struct output out;
    measure_clock(&l);
    measure_timer(&l);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        l.open_files = files.rlim_cur;
    l.many.slots = stream_count(l.open_files);
    l.many.requests = l.many.slots;
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        if (drive(trials[i], err) < 0)
            return err->code;
    output_begin(&out);
    show(&l, &out.text);
    write_json(&l, &out.json);
    output_end(&out, t->human, json ? t->machine : NULL);
    return 0;
}
