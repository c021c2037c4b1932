/* The client's cost beside its yardsticks, in one run: libcurl that throws away what it reads, and,
 * for chunks, bare sockets. CPU time is that of this process, observer included. Ratios are of
 * rounds in which both were measured one after the other, and the middle one counts: what else
 * runs on the machine slows both.
 *
 *     perf_client [requests | apis | chunks | pace | memory | streams]
 */
#include "bench/client/bench.h"
#include "core/stats/histogram.h"
#include "tests/perf/yardsticks.h"

#define REQUESTS 30000
#define SLOTS 32
#define STREAMS 500
#define TOKENS 300
#define ROUNDS 5

/* ---- ours ---- */

struct seen {
    uint64_t completed, chunks, others;
    struct histogram lag;
};

static bool see(void *context, const struct record *r)
{
    struct seen *s = context;
    s->completed += r->status == RECORD_COMPLETED;
    s->others += r->status != RECORD_COMPLETED;
    s->chunks += r->chunks;
    if (r->sent_ns != TIME_NEVER)
        histogram_add(&s->lag, r->sent_ns - r->ready_ns, 1);
    return true;
}

static double ours(const struct server *s, struct bench_config *c, uint32_t rows, uint32_t tokens,
                   struct seen *seen)
{
    struct endpoint_config e = {.url = s->url, .model = "null"};
    struct bench_report report;
    struct error err = {0};
    struct workload w;
    struct run_observer observer = {seen, see};
    workload_init(&w);
    for (uint32_t i = 0; i < rows; i++) {
        struct request r = {.input_tokens = 10, .output_tokens = tokens, .attempts = 1};
        workload_add(&w, &r, &err);
    }
    c->endpoints = &e;
    c->endpoint_count = 1;
    c->no_probe = true;
    double start = cpu_s();
    if (bench_run(c, &w, &observer, &report, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    double spent = cpu_s() - start;
    bench_report_free(&report);
    workload_free(&w);
    if (seen->others)
        printf("! %llu did not complete\n", (unsigned long long)seen->others);
    return spent;
}

/* ---- rounds ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The middle of the rounds; shows them all behind it. */
static void show_ratios(const char *what, double goal, double ratio[ROUNDS])
{
    double sorted[ROUNDS];
    memcpy(sorted, ratio, sizeof sorted);
    qsort(sorted, ROUNDS, sizeof *sorted, compare);
    printf("  %-34s %.2f (goal %.2f; rounds", what, sorted[ROUNDS / 2], goal);
    for (int i = 0; i < ROUNDS; i++)
        printf(" %.2f", ratio[i]);
    printf(")\n");
}

/* CPU seconds of small POSTs in the form of an API. */
static double our_requests(const struct server *s, const struct bench_api *api)
{
    struct bench_config c;
    struct seen seen = {0};
    bench_config_init(&c);
    c.api = api;
    c.stream = false;
    c.schedule.mode = SCHEDULE_CLOSED;
    c.schedule.max_requests = REQUESTS;
    profile_hold(&c.schedule.load, SLOTS);
    double spent = ours(s, &c, 1000, 1, &seen);
    histogram_free(&seen.lag);
    profile_free(&c.schedule.load);
    return spent;
}

/* Chunks per CPU second of streams that all run at once. */
static double our_chunks(const struct server *s, const struct bench_api *api)
{
    struct bench_config c;
    struct seen seen = {0};
    bench_config_init(&c);
    c.api = api;
    c.schedule.mode = SCHEDULE_CLOSED;
    c.schedule.max_requests = STREAMS;
    profile_hold(&c.schedule.load, STREAMS);
    double spent = ours(s, &c, STREAMS, TOKENS, &seen);
    histogram_free(&seen.lag);
    profile_free(&c.schedule.load);
    return (double)seen.chunks / spent;
}

static void measure_requests(void)
{
    struct server s = start_server(0);
    char body[512];
    double ratio[ROUNDS], bare = 0, our = 0;
    snprintf(body, sizeof body, BODY, 1, "");
    for (int i = 0; i < ROUNDS; i++) {
        bare = REQUESTS / bare_run(&s, SLOTS, REQUESTS, body);
        our = REQUESTS / our_requests(&s, &api_chat);
        ratio[i] = our / bare;
    }
    printf("small POSTs per CPU second, %d connections (last round)\n  libcurl alone %9.0f\n"
           "  farebox       %9.0f\n",
           SLOTS, bare, our);
    show_ratios("of libcurl alone", 0.9, ratio);
    stop_server(&s);
}

static const struct bench_api *const others[] = {&api_completions, &api_responses, &api_messages};
#define OTHERS (sizeof others / sizeof *others)

/* Every API beside chat. */
static void measure_apis(void)
{
    struct server s = start_server(0), slow = start_server(10 * NS_PER_MS);
    double requests[OTHERS][ROUNDS], chunks[OTHERS][ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double posts = our_requests(&s, &api_chat), read = our_chunks(&slow, &api_chat);
        for (size_t k = 0; k < OTHERS; k++) {
            requests[k][i] = posts / our_requests(&s, others[k]);
            chunks[k][i] = our_chunks(&slow, others[k]) / read;
        }
    }
    printf("per CPU second, of what chat does\n");
    for (size_t k = 0; k < OTHERS; k++) {
        char what[64];
        snprintf(what, sizeof what, "requests, %s", others[k]->name);
        show_ratios(what, 0.9, requests[k]);
        snprintf(what, sizeof what, "chunks, %s", others[k]->name);
        show_ratios(what, 0.9, chunks[k]);
    }
    stop_server(&s);
    stop_server(&slow);
}

static void measure_chunks(void)
{
    struct server s = start_server(10 * NS_PER_MS);
    char body[512];
    double of_curl[ROUNDS], of_raw[ROUNDS], raw = 0, bare = 0, our = 0;
    snprintf(body, sizeof body, BODY, TOKENS, ",\"stream\":true");
    for (int i = 0; i < ROUNDS; i++) {
        raw = raw_chunks(&s, STREAMS, TOKENS);
        bare = STREAMS * TOKENS / bare_run(&s, STREAMS, STREAMS, body);
        our = our_chunks(&s, &api_chat);
        of_curl[i] = our / bare;
        of_raw[i] = our / raw;
    }
    printf("chunks per CPU second, %d streams x 100/s (last round)\n"
           "  bare sockets               %9.0f\n  libcurl that throws away   %9.0f\n"
           "  farebox                    %9.0f\n",
           STREAMS, raw, bare, our);
    show_ratios("of libcurl that throws away", 0.9, of_curl);
    show_ratios("of bare sockets", 0.55, of_raw);
    stop_server(&s);
}

static void measure_pace(void)
{
    struct server s = start_server(0);
    struct bench_config c;
    struct seen seen = {0};
    bench_config_init(&c);
    c.schedule.mode = SCHEDULE_OPEN;
    c.schedule.max_requests = 15000;
    profile_hold(&c.schedule.load, 5000);
    ours(&s, &c, 1000, 4, &seen);
    printf("send lag at 5,000 requests/s, ms\n  p50 %.3f  p99 %.3f (goal 0.3)\n",
           histogram_quantile(&seen.lag, 0.5) / 1e6, histogram_quantile(&seen.lag, 0.99) / 1e6);
    histogram_free(&seen.lag);
    profile_free(&c.schedule.load);
    stop_server(&s);
}

/* Peak memory after a short run, and after one that is ten times as long. */
static void measure_memory(void)
{
    struct server s = start_server(0);
    long peak_mb[2];
    uint64_t chunks[2];
    for (int i = 0; i < 2; i++) {
        struct bench_config c;
        struct seen seen = {0};
        struct rusage u;
        bench_config_init(&c);
        c.schedule.mode = SCHEDULE_CLOSED;
        c.schedule.max_requests = i ? 50000 : 5000;
        profile_hold(&c.schedule.load, 64);
        ours(&s, &c, 1000, 20, &seen);
        getrusage(RUSAGE_SELF, &u);
        peak_mb[i] = u.ru_maxrss / 1024;
        chunks[i] = seen.chunks;
        histogram_free(&seen.lag);
        profile_free(&c.schedule.load);
    }
    printf("peak memory after %llu chunks %ld MB, after %llu more %ld MB\n",
           (unsigned long long)chunks[0], peak_mb[0], (unsigned long long)chunks[1], peak_mb[1]);
    stop_server(&s);
}

static void measure_streams(void)
{
    struct server s = start_server(500 * NS_PER_MS);
    struct bench_config c;
    struct seen seen = {0};
    struct rusage u;
    bench_config_init(&c);
    c.schedule.mode = SCHEDULE_CLOSED;
    c.schedule.max_requests = 10000;
    profile_hold(&c.schedule.load, 10000);
    ours(&s, &c, 1000, 10, &seen);
    getrusage(RUSAGE_SELF, &u);
    printf("10,000 concurrent streams\n  completed %llu, peak memory %ld MB (goal 600)\n",
           (unsigned long long)seen.completed, u.ru_maxrss / 1024);
    histogram_free(&seen.lag);
    profile_free(&c.schedule.load);
    stop_server(&s);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*measure)(void);
    } all[] = {{"requests", measure_requests}, {"apis", measure_apis},
               {"chunks", measure_chunks},     {"pace", measure_pace},
               {"memory", measure_memory},     {"streams", measure_streams}};
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (argc < 2 || strcmp(argv[1], all[i].name) == 0)
            all[i].measure();
    return 0;
}
