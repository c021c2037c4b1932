/* The mock's speed: chunks per CPU second, punctuality at 50,000 chunks/s, memory of 10,000
 * streams. The client is a process of its own, so that the CPU time told is the mock's alone. */
#include "raw_reader.h"
#include "sim/mock/mock.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int64_t process_cpu_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NS_PER_US;
}

static long resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long total = 0, resident = 0;
    if (f && fscanf(f, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* How long the threads of this process were ready to run and had no CPU: on a busy machine
 * lateness says more about the neighbours than about the mock. */
static int64_t waited_for_cpu_ns(void)
{
    int64_t sum = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *d; tasks && (d = readdir(tasks)) != NULL;) {
        char path[300];
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", d->d_name);
        FILE *f = d->d_name[0] == '.' ? NULL : fopen(path, "r");
        long long ran, waited;
        if (f && fscanf(f, "%lld %lld", &ran, &waited) == 2)
            sum += waited;
        if (f)
            fclose(f);
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

struct outcome {
    int64_t waited_ns;
    struct raw_result client;
    struct mock_report report;
    int64_t mock_cpu_ns;
    long peak_kib;
};

/* Runs the client in a child process against a mock in this one. */
static void measure(double itl_ms, const struct raw_load *wanted, struct outcome *out)
{
    struct mock_config config;
    mock_config_init(&config);
    config.engine = engine_config_constant(50, itl_ms);
    struct error err = {0};
    struct mock *m = mock_create(&config, &err);
    struct raw_result *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!m || shared == MAP_FAILED) {
        fprintf(stderr, "perf_mock: %s\n", err.message);
        exit(1);
    }
    struct raw_load load = *wanted;
    load.port = mock_port(m);
    pid_t child = fork();
    if (child == 0) {
        raw_reader_run(&load, shared);
        _exit(0);
    }
    int64_t cpu_ns = process_cpu_ns(), waited_ns = waited_for_cpu_ns();
    mock_start(m, &err);
    out->peak_kib = 0;
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        long kib = resident_kib();
        out->peak_kib = kib > out->peak_kib ? kib : out->peak_kib;
        out->waited_ns = waited_for_cpu_ns() - waited_ns;
        usleep(50000);
    }
    mock_stop(m);
    out->mock_cpu_ns = process_cpu_ns() - cpu_ns;
    out->client = *shared;
    mock_report(m, &out->report);
    mock_free(m);
    munmap(shared, sizeof *shared);
}

static bool show(const char *name, const struct raw_load *load, const struct outcome *o)
{
    double chunks = (double)o->report.chunks, cpu_s = (double)o->mock_cpu_ns / 1e9;
    double wall_s = (double)o->client.wall_ns / 1e9;
    printf("%s: %u streams of %u tokens in %.2f s: %.0f chunks/s\n", name, load->streams,
           load->tokens, wall_s, chunks / wall_s);
    printf("  mock: %.0f chunks per CPU second, %.1f MiB resident at most\n", chunks / cpu_s,
           (double)o->peak_kib / 1024);
    printf("  late by p50 %.3f, p99 %.3f, max %.3f ms (waited %.2f s for a CPU)\n",
           o->report.lateness_p50_ms, o->report.lateness_p99_ms, o->report.lateness_max_ms,
           (double)o->waited_ns / 1e9);
    printf("  raw reader: %.0f events per CPU second, %u streams failed\n",
           (double)o->client.events / ((double)o->client.cpu_ns / 1e9), o->client.failed);
    fflush(stdout);
    bool whole = o->client.events == (uint64_t)load->streams * (load->tokens + 3);
    if (!whole)
        printf("  WRONG: %llu events arrived\n", (unsigned long long)o->client.events);
    return whole && o->client.failed == 0;
}

int main(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    struct outcome o;
    struct raw_load fast = {.streams = 1000, .tokens = 200, .spread_ns = NS_PER_S};
    measure(20, &fast, &o);
    bool good = show("50,000 chunks/s", &fast, &o);
    bool quick = (double)o.report.chunks / ((double)o.mock_cpu_ns / 1e9) >= 90000;
    bool punctual = o.report.lateness_p99_ms <= 2;

    uint32_t most = files.rlim_cur > 10200 ? 10000 : (uint32_t)files.rlim_cur - 200;
    struct raw_load many = {.streams = most, .tokens = 8, .spread_ns = 3 * NS_PER_S};
    measure(1000, &many, &o);
    good = show("concurrent streams", &many, &o) && good;
    bool small = o.peak_kib < 1024 * 1024;
    printf("goals: 90,000 chunks per CPU second %s, p99 within 2 ms %s, %u streams in 1 GiB %s\n",
           quick ? "met" : "MISSED", punctual ? "met" : "MISSED", most, small ? "met" : "MISSED");
    return good && quick && punctual && small ? 0 : 1;
}
