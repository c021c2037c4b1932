/* The client's cost beside its yardsticks, in one run: a bare multi_socket loop of libcurl for
 * requests, a raw-socket reader for chunks. The server is the null endpoint in a process of its
 * own; CPU time is that of this process, observer included.
 *
 *     perf_client [requests | chunks | pace | memory | streams]
 */
#include "bench/client/bench.h"
#include "bench/client/null_endpoint.h"
#include "core/clock.h"
#include "core/stats/histogram.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUESTS 30000
#define SLOTS 32
#define STREAMS 500
#define TOKENS 300
#define BODY                                                                                       \
    "{\"model\":\"null\",\"messages\":[{\"role\":\"user\",\"content\":\" one two three four five " \
    "six seven eight nine ten\"}],\"max_tokens\":%d%s}"

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct server {
    pid_t pid;
    char url[64];
    int port;
};

static struct server start_server(int64_t gap_ns)
{
    struct server s;
    struct error err = {0};
    struct null_endpoint *n = null_endpoint_create(gap_ns, &err);
    if (!n) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    snprintf(s.url, sizeof s.url, "%s", null_endpoint_url(n));
    s.port = atoi(strrchr(s.url, ':') + 1);
    s.pid = fork();
    if (s.pid == 0) {
        null_endpoint_main(n);
        _exit(0);
    }
    null_endpoint_free(n);
    return s;
}

static void stop_server(const struct server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

/* ---- yardstick 1: a bare multi_socket loop ---- */

struct bare {
    CURLM *multi;
    int epoll;
    long timeout_ms;
};

static size_t ignore(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static int bare_socket(CURL *e, curl_socket_t fd, int what, void *context, void *known)
{
    struct bare *b = context;
    struct epoll_event want = {.data.fd = fd};
    (void)e;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(b->epoll, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(b->multi, fd, NULL);
        return 0;
    }
    want.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    epoll_ctl(b->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &want);
    curl_multi_assign(b->multi, fd, b);
    return 0;
}

static int bare_timer(CURLM *m, long ms, void *context)
{
    (void)m;
    ((struct bare *)context)->timeout_ms = ms;
    return 0;
}

static double bare_requests(const struct server *s)
{
    struct bare b = {curl_multi_init(), epoll_create1(0), -1};
    char url[128], body[512];
    int done = 0, begun = 0, running, left;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    snprintf(url, sizeof url, "%s/chat/completions", s->url);
    snprintf(body, sizeof body, BODY, 1, "");
    curl_multi_setopt(b.multi, CURLMOPT_SOCKETFUNCTION, bare_socket);
    curl_multi_setopt(b.multi, CURLMOPT_SOCKETDATA, &b);
    curl_multi_setopt(b.multi, CURLMOPT_TIMERFUNCTION, bare_timer);
    curl_multi_setopt(b.multi, CURLMOPT_TIMERDATA, &b);
    curl_multi_setopt(b.multi, CURLMOPT_MAXCONNECTS, 64L);
    double start = cpu_s();
    for (; begun < SLOTS; begun++) {
        CURL *e = curl_easy_init();
        curl_easy_setopt(e, CURLOPT_URL, url);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, ignore);
        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        curl_multi_add_handle(b.multi, e);
    }
    while (done < REQUESTS) {
        struct epoll_event events[64];
        int count = epoll_wait(b.epoll, events, 64, (int)b.timeout_ms);
        if (count == 0 || b.timeout_ms == 0)
            curl_multi_socket_action(b.multi, CURL_SOCKET_TIMEOUT, 0, &running);
        for (int i = 0; i < count; i++)
            curl_multi_socket_action(b.multi, events[i].data.fd,
                                     (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                         (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0),
                                     &running);
        CURLMsg *m;
        while ((m = curl_multi_info_read(b.multi, &left))) {
            CURL *e = m->easy_handle;
            curl_multi_remove_handle(b.multi, e);
            done++;
            if (begun++ < REQUESTS)
                curl_multi_add_handle(b.multi, e);
            else
                curl_easy_cleanup(e);
        }
    }
    double spent = cpu_s() - start;
    curl_multi_cleanup(b.multi);
    curl_slist_free_all(headers);
    close(b.epoll);
    return REQUESTS / spent;
}

/* ---- yardstick 2: a raw-socket reader ---- */

static int raw_connect(const struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)s->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        return -1;
    return fd;
}

/* Counts the events ("\n\n") of all streams and notes when each read came. */
static double raw_chunks(const struct server *s)
{
    char request[1024], body[512], bytes[16384];
    int epoll = epoll_create1(0), open = 0;
    uint64_t chunks = 0;
    int64_t last_ns = 0;
    snprintf(body, sizeof body, BODY, TOKENS, ",\"stream\":true");
    int length = snprintf(request, sizeof request,
                          "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    double start = cpu_s();
    for (int i = 0; i < STREAMS; i++) {
        int fd = raw_connect(s);
        struct epoll_event want = {.events = EPOLLIN, .data.fd = fd};
        if (fd < 0 || write(fd, request, (size_t)length) != length)
            exit(1);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &want);
        open++;
    }
    while (open) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            ssize_t n = read(events[i].data.fd, bytes, sizeof bytes);
            last_ns += clock_now_ns();
            for (char *at = bytes; (at = memmem(at, (size_t)(bytes + n - at), "\n\n", 2)); at += 2)
                chunks++;
            if (n <= 0 || memmem(bytes, (size_t)n, "[DONE]", 6)) {
                close(events[i].data.fd);
                open--;
            }
        }
    }
    double spent = cpu_s() - start;
    close(epoll);
    return last_ns ? (double)chunks / spent : 0;
}

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

static void measure_requests(void)
{
    struct server s = start_server(0);
    struct bench_config c;
    struct seen seen = {0};
    bench_config_init(&c);
    c.stream = false;
    c.schedule.mode = SCHEDULE_CLOSED;
    c.schedule.max_requests = REQUESTS;
    profile_hold(&c.schedule.load, SLOTS);
    double bare = bare_requests(&s), our = REQUESTS / ours(&s, &c, 1000, 1, &seen);
    printf(
        "small POSTs per CPU second, %d connections\n"
        "  bare multi_socket loop %9.0f\n  farebox                %9.0f   %.2f of it (goal 0.80)\n",
        SLOTS, bare, our, our / bare);
    histogram_free(&seen.lag);
    profile_free(&c.schedule.load);
    stop_server(&s);
}

static void measure_chunks(void)
{
    struct server s = start_server(10 * NS_PER_MS);
    struct bench_config c;
    struct seen seen = {0};
    bench_config_init(&c);
    c.schedule.mode = SCHEDULE_CLOSED;
    c.schedule.max_requests = STREAMS;
    profile_hold(&c.schedule.load, STREAMS);
    double raw = raw_chunks(&s), spent = ours(&s, &c, STREAMS, TOKENS, &seen);
    double our = (double)seen.chunks / spent;
    printf(
        "chunks per CPU second, %d streams x 100/s\n"
        "  raw-socket reader      %9.0f\n  farebox                %9.0f   %.2f of it (goal 0.45)\n",
        STREAMS, raw, our, our / raw);
    histogram_free(&seen.lag);
    profile_free(&c.schedule.load);
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
    } all[] = {{"requests", measure_requests},
               {"chunks", measure_chunks},
               {"pace", measure_pace},
               {"memory", measure_memory},
               {"streams", measure_streams}};
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (argc < 2 || strcmp(argv[1], all[i].name) == 0)
            all[i].measure();
    return 0;
}
