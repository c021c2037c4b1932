/* How fast requests are generated: rows alone, and rows written as canonical JSON Lines, beside
 * `wc -l` of the same file (wall time). One core, CPU time. */
#include "core/clock.h"
#include "workloads/scenario/generate.h"
#include "workloads/trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS 2000000

/* CPU time of this thread: what a core does, whoever else is on the machine. */
static double cpu_seconds(int64_t since_ns)
{
    return (double)(clock_thread_cpu_ns() - since_ns) / 1e9;
}

/* Generates everything in pieces; writes the lines to `out` where it is given. */
static int generate(const struct scenario *s, FILE *out, struct error *err)
{
    struct generate_options o = {.requests = REQUESTS};
    struct generator *g;
    struct buffer lines;
    int more = generator_create(s, 1, &o, &g, err) < 0 ? err->code : 1;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    while (more > 0) {
        struct workload w;
        workload_init(&w);
        more = generator_fill(g, 16384, &w, err);
        for (size_t i = 0; out && i < w.count; i++)
            trace_put_row(&w, i, TRACE_CANONICAL, &lines);
        if (out && lines.length)
            fwrite(lines.data, 1, lines.length, out);
        buffer_clear(&lines);
        workload_free(&w);
    }
    buffer_free(&lines);
    if (more == 0)
        generator_free(g);
    return more;
}

int main(void)
{
    struct scenario s;
    struct error err = {0};
    char path[] = "/tmp/perf_generate.XXXXXX", command[64];
    int fd = mkstemp(path);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out || scenario_load("chat", &s, &err) < 0)
        return EXIT_FAILURE;
    int64_t start = clock_thread_cpu_ns();
    int status = generate(&s, NULL, &err);
    double made = cpu_seconds(start);
    start = clock_thread_cpu_ns();
    if (status == 0)
        status = generate(&s, out, &err);
    long bytes = ftell(out);
    fclose(out);
    double written = cpu_seconds(start);
    snprintf(command, sizeof command, "wc -l %s >/dev/null", path);
    start = clock_now_ns();
    if (system(command) != 0)
        status = -1;
    double counted = (double)(clock_now_ns() - start) / 1e9;
    unlink(path);
    scenario_free(&s);
    if (status < 0) {
        fprintf(stderr, "%s\n", err.message);
        return EXIT_FAILURE;
    }
    printf("rows        %8.2f million requests/s a core\n", REQUESTS / made / 1e6);
    printf("JSON Lines  %8.2f million requests/s a core, %.0f MB/s\n", REQUESTS / written / 1e6,
           (double)bytes / written / 1e6);
    printf("wc -l       %8.2f million lines/s, %.0f MB/s\n", REQUESTS / counted / 1e6,
           (double)bytes / counted / 1e6);
    return EXIT_SUCCESS;
}
