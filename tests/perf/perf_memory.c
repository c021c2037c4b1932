/* Does memory grow with the length of a run? The program itself, `farebox bench`, against the null
 * endpoint in a process of its own: the peak resident memory of a run, and of one ten times as
 * long, by requests and by chunks.
 *
 *     FAREBOX=build/farebox perf_memory [requests [chunks]]      (the longer runs; 1e6, 1e7)
 */
#include "bench/client/null_endpoint.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKENS_SHORT 4
#define TOKENS_LONG 200
#define WORKLOAD_ROWS 1000

static char folder[] = "/tmp/farebox-memory-XXXXXX";

static void write_workload(const char *path, long rows, int tokens)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    for (long i = 0; i < rows; i++)
        fprintf(f, "{\"timestamp\":%ld,\"input_length\":10,\"output_length\":%d}\n", i / 10,
                tokens);
    fclose(f);
}

/* Peak resident memory of one run, MB; ends the program if the run fails. */
static double peak_mb(const char *url, const char *trace, long requests)
{
    char count[32], run[64];
    struct rusage used;
    int status;
    snprintf(count, sizeof count, "%ld", requests);
    snprintf(run, sizeof run, "%s/run", folder);
    const char *farebox = getenv("FAREBOX");
    pid_t pid = fork();
    if (pid == 0) {
        execl(farebox ? farebox : "build/farebox", "farebox", "bench", "--url", url, "--model",
              "null", "--no-probe", "--trace", trace, "--concurrency", "64", "--requests", count,
              "--quiet", "--force", "-o", run, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &used) < 0 || status != 0) {
        fprintf(stderr, "perf_memory: the run of %ld requests failed\n", requests);
        exit(1);
    }
    return (double)used.ru_maxrss / 1024;
}

static void compare(const char *what, const char *url, const char *trace, long requests, int tokens)
{
    double brief = peak_mb(url, trace, requests / 10), whole = peak_mb(url, trace, requests);
    printf("  %-36s %9ld requests %7.1f MB, %9ld requests (%.1fM chunks) %7.1f MB: %.2f times\n",
           what, requests / 10, brief, requests, (double)requests * tokens / 1e6, whole,
           whole / brief);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    long requests = argc > 1 ? atol(argv[1]) : 1000000,
         chunks = argc > 2 ? atol(argv[2]) : 10000000;
    char trace[64], clean[96];
    struct error err = {0};
    struct null_endpoint *n = null_endpoint_create(0, &err);
    if (!n || !mkdtemp(folder)) {
        fprintf(stderr, "perf_memory: %s\n", n ? "no temporary folder" : err.message);
        return 1;
    }
    pid_t server = fork();
    if (server == 0) {
        null_endpoint_main(n);
        _exit(0);
    }
    snprintf(trace, sizeof trace, "%s/trace.jsonl", folder);
    printf("peak resident memory of farebox bench\n");
    write_workload(trace, WORKLOAD_ROWS, TOKENS_SHORT);
    compare("requests (1,000 begun anew)", null_endpoint_url(n), trace, requests, TOKENS_SHORT);
    write_workload(trace, WORKLOAD_ROWS, TOKENS_LONG);
    compare("chunks (1,000 begun anew)", null_endpoint_url(n), trace, chunks / TOKENS_LONG,
            TOKENS_LONG);
    write_workload(trace, requests, TOKENS_SHORT);
    compare("requests (a trace as long as the run)", null_endpoint_url(n), trace, requests,
            TOKENS_SHORT);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    null_endpoint_free(n);
    snprintf(clean, sizeof clean, "rm -r %s", folder);
    return system(clean) != 0;
}
