/* How true are the measured latencies? Bench against the mock's truth log on one host: the error
 * is client TTFT - (first token written - request read), beside what other clients were published
 * with (100 events/s a stream, true TTFT 50 ms, 4 cores).
 *
 *     perf_accuracy [STREAMS...]                 default: 100 500 1000
 */
#include "bench/client/bench.h"
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/stats/quantile.h"
#include "core/stop.h"
#include "sim/mock/mock.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKENS 150
#define SECONDS 4

/* Published errors of the Python and the Rust client, ms; 0 = not published. */
static const struct {
    uint32_t streams;
    double python_ms, rust_ms;
} published[] = {{100, 23, 3.5}, {500, 137, 19.9}, {1000, 294, 28}};

struct truth {
    double *ttft_ms; /* by row; NAN = not seen */
    double *gaps_ms; /* errors of the gaps, pooled */
    size_t gap_count, gap_capacity, rows;
    int64_t **chunks; /* the client's chunk times by row, owned */
    uint32_t *chunk_count;
    uint64_t others;
    bool limited;
};

static bool see(void *context, const struct record *r)
{
    struct truth *t = context;
    t->others += r->status != RECORD_COMPLETED;
    if (r->status != RECORD_COMPLETED)
        return true;
    t->ttft_ms[r->row] = (double)(r->first_token_ns - r->sent_ns) / 1e6;
    t->chunk_count[r->row] = r->chunks;
    t->chunks[r->row] = mem_alloc(r->chunks * sizeof(int64_t));
    memcpy(t->chunks[r->row], r->chunk_ns, r->chunks * sizeof(int64_t));
    return true;
}

/* The mock in a process of its own; it reports its lateness through the pipe at its end. */
static pid_t start_mock(char url[64], const char *log, int *report_fd)
{
    struct mock_config config;
    struct error err = {0};
    int ends[2];
    mock_config_init(&config);
    config.engine = engine_config_constant(50, 10);
    config.listen = "127.0.0.1:0";
    config.log_path = log;
    struct mock *m = mock_create(&config, &err);
    if (!m || pipe(ends) < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    snprintf(url, 64, "%s", mock_url(m));
    pid_t pid = fork();
    if (pid == 0) {
        struct mock_report report;
        stop_install();
        mock_run(m, NULL);
        mock_report(m, &report);
        mock_free(m); /* flushes the log */
        if (write(ends[1], &report.lateness_p99_ms, sizeof(double)) < 0)
            _exit(1);
        _exit(0);
    }
    close(ends[1]);
    *report_fd = ends[0];
    return pid;
}

/* One line of the truth log against what the client saw. */
static void compare(struct truth *t, struct text line)
{
    struct json_scan s;
    struct text key, id = {"", 0};
    int64_t read_ns = 0, at_ns, before_ns = 0, row = 0;
    uint32_t i = 0;
    json_scan_init(&s, "truth", line.at, line.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "x_request_id")) {
            json_string(&s, &id);
            if (id.length < 2 || !text_to_i64((struct text){id.at + 1, id.length - 1}, &row))
                return;
            row--;
        } else if (text_equal(key, "read_ns")) {
            json_i64(&s, 0, INT64_MAX, &read_ns);
        } else if (text_equal(key, "written_ns")) {
            json_array_begin(&s);
            for (; json_array_next(&s); i++, before_ns = at_ns) {
                if (!json_i64(&s, 0, INT64_MAX, &at_ns) || i >= t->chunk_count[row])
                    continue;
                if (i == 0) {
                    t->ttft_ms[row] -= (double)(at_ns - read_ns) / 1e6;
                    continue;
                }
                int64_t gap = t->chunks[row][i] - t->chunks[row][i - 1];
                mem_grow(&t->gaps_ms, &t->gap_capacity, t->gap_count + 1, sizeof(double));
                t->gaps_ms[t->gap_count++] = fabs((double)(gap - (at_ns - before_ns))) / 1e6;
            }
        } else {
            json_skip(&s, NULL);
        }
    }
}

static void drive(struct truth *t, const char *url, uint32_t streams)
{
    struct endpoint_config e = {.url = url, .model = "m"};
    struct run_observer observer = {t, see};
    struct bench_config c;
    struct bench_report report;
    struct error err = {0};
    struct workload w;
    workload_init(&w);
    for (size_t i = 0; i < t->rows; i++) {
        struct request r = {.input_tokens = 40, .output_tokens = TOKENS, .attempts = 1};
        workload_add(&w, &r, &err);
    }
    bench_config_init(&c);
    c.endpoints = &e;
    c.endpoint_count = 1;
    c.no_probe = true;
    c.schedule.mode = SCHEDULE_OPEN;
    c.schedule.max_requests = t->rows;
    profile_hold(&c.schedule.load, streams / (0.05 + 0.01 * TOKENS));
    if (bench_run(&c, &w, &observer, &report, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    t->limited = report.fidelity.client_limited;
    bench_report_free(&report);
    profile_free(&c.schedule.load);
    workload_free(&w);
}

static void show(struct truth *t, uint32_t streams, double late_ms)
{
    const double p[] = {0.5, 0.99};
    double ttft[2], gap[2];
    char other[64] = "";
    quantiles_select(t->ttft_ms, t->rows, p, 2, ttft);
    quantiles_select(t->gaps_ms, t->gap_count, p, 2, gap);
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        if (published[i].streams == streams)
            snprintf(other, sizeof other, "%13.0f %11.1f", published[i].python_ms,
                     published[i].rust_ms);
    printf("%7u %10.3f %8.3f %10.3f %9.3f %10llu %s%s%s\n", streams, ttft[0], ttft[1], gap[1],
           late_ms, (unsigned long long)t->others, other, t->limited ? "  client_limited" : "",
           late_ms > 1 ? "  mock late: void" : "");
}

static void measure(uint32_t streams)
{
    char url[64], log[] = "/tmp/farebox-truth-XXXXXX";
    int report_fd;
    struct error err = {0};
    struct line_reader lines;
    struct text line;
    double late_ms = NAN;
    struct truth t = {.rows = (size_t)(streams * SECONDS / (0.05 + 0.01 * TOKENS))};
    close(mkstemp(log));
    t.ttft_ms = mem_zero(t.rows, sizeof *t.ttft_ms);
    t.chunks = mem_zero(t.rows, sizeof *t.chunks);
    t.chunk_count = mem_zero(t.rows, sizeof *t.chunk_count);
    pid_t pid = start_mock(url, log, &report_fd);
    drive(&t, url, streams);
    kill(pid, SIGTERM);
    if (read(report_fd, &late_ms, sizeof late_ms) != sizeof late_ms)
        fprintf(stderr, "the mock did not report\n");
    waitpid(pid, NULL, 0);
    close(report_fd);
    if (line_reader_open(&lines, log, (size_t)16 << 20, &err) == 0) {
        while (line_reader_next(&lines, &line, &err) > 0)
            compare(&t, line);
        line_reader_close(&lines);
    }
    unlink(log);
    show(&t, streams, late_ms);
    for (size_t i = 0; i < t.rows; i++)
        free(t.chunks[i]);
    free(t.chunks);
    free(t.chunk_count);
    free(t.ttft_ms);
    free(t.gaps_ms);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    printf(
        "error of measured latencies, ms (goal at 100 / 500 streams: TTFT p50 0.3 / 0.6, p99 1 / "
        "5)\n%7s %10s %8s %10s %9s %10s %13s %11s\n",
        "streams", "TTFT p50", "p99", "gap p99", "mock p99", "failed", "Python client",
        "Rust client");
    if (argc > 1)
        for (int i = 1; i < argc; i++)
            measure((uint32_t)atoi(argv[i]));
    else
        for (size_t i = 0; i < sizeof published / sizeof *published; i++)
            measure(published[i].streams);
    return 0;
}
