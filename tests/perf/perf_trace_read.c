/* How fast traces are read, on one core: Azure-style CSV and Mooncake JSON Lines made here, beside
 * `wc -l` and, for the compressed file, `gzip -dc` of the same bytes; and the memory that ten
 * million requests take. */
#include "core/clock.h"
#include "core/random.h"
#include "workloads/trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CSV_ROWS 5000000
#define MOONCAKE_ROWS 300000
#define LOG_ROWS 100000
#define QUOTED_ROWS 500000
#define MANY_ROWS 10000000

static void fill_csv(FILE *out, long rows)
{
    struct random r;
    char instant[CLOCK_INSTANT_SIZE];
    int64_t at_ns = INT64_C(1700158623979960000);
    random_init(&r, 1, RANDOM_TEST, 1);
    fputs("TIMESTAMP,ContextTokens,GeneratedTokens\r\n", out);
    for (long i = 0; i < rows; i++) {
        at_ns += (int64_t)random_below(&r, 500000) * 1000 + 1000;
        clock_format_instant(at_ns, instant);
        instant[10] = ' ';
        char *fraction = instant[19] == '.' ? instant + 20 : NULL;
        unsigned micro = fraction ? (unsigned)strtoul(fraction, NULL, 10) : 0;
        fprintf(out, "%.19s.%06u0,%d,%d\r\n", instant, micro, (int)random_below(&r, 7000) + 3,
                (int)random_below(&r, 500) + 6);
    }
}

static void fill_mooncake(FILE *out, long rows)
{
    struct random r;
    uint64_t next_block = 1;
    random_init(&r, 1, RANDOM_TEST, 2);
    for (long i = 0; i < rows; i++) {
        int blocks = (int)random_below(&r, 45) + 1;
        fprintf(
            out,
            "{\"timestamp\": %ld, \"input_length\": %d, \"output_length\": %d, \"hash_ids\": [0",
            i * 250, blocks * 512 - (int)random_below(&r, 512), (int)random_below(&r, 600) + 1);
        for (int k = 1; k < blocks; k++)
            fprintf(out, ", %llu", (unsigned long long)next_block++);
        fputs("]}\n", out);
    }
}

/* Lines of an agent's log: a turn of the user, an answer with text and usage, as Claude Code writes
 * them. Most of the bytes are text. */
static void fill_claude(FILE *out, long rows)
{
    static const char text[] = "I looked at the file: \\\"count\\\" is read before it is "
                               "set.\\n\\n```c\\n    size_t count;\\n"
                               "    for (size_t i = 0; i < n; i++)\\n```\\nThe loop below goes on "
                               "from there, so I moved the "
                               "line up and ran the tests again; they pass. ";
    struct random r;
    random_init(&r, 1, RANDOM_TEST, 3);
    for (long i = 0; i < rows; i++) {
        char instant[CLOCK_INSTANT_SIZE];
        clock_format_instant(INT64_C(1760000000) * NS_PER_S + i * 20 * NS_PER_S, instant);
        fprintf(out,
                "{\"parentUuid\":\"%08lx-0000\",\"isSidechain\":false,\"sessionId\":\"s-%ld\","
                "\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"",
                i, i / 50);
        for (uint64_t k = random_below(&r, 12); k > 0; k--)
            fputs(text, out);
        fprintf(out, "\"},\"uuid\":\"%08lx-0001\",\"timestamp\":\"%s\"}\n", i, instant);
        fprintf(out,
                "{\"parentUuid\":\"%08lx-0001\",\"isSidechain\":false,\"sessionId\":\"s-%ld\","
                "\"type\":\"assistant\",\"message\":{\"id\":\"msg_%ld\",\"type\":\"message\","
                "\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\",\"content\":[{\"type\":"
                "\"text\",\"text\":\"",
                i, i / 50, i);
        for (uint64_t k = random_below(&r, 12); k > 0; k--)
            fputs(text, out);
        fprintf(out,
                "\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":%d,"
                "\"cache_creation_input_tokens\":%d,\"cache_read_input_tokens\":%d,"
                "\"output_tokens\":%d}},\"requestId\":\"req_%ld\",\"uuid\":\"%08lx-0002\","
                "\"timestamp\":\"%s\"}\n",
                (int)random_below(&r, 20) + 1, (int)random_below(&r, 3000),
                (int)random_below(&r, 90000), (int)random_below(&r, 900) + 1, i, i, instant);
    }
}

/* A table with a text in quotes, line ends and doubled quotes inside. */
static void fill_quoted(FILE *out, long rows)
{
    struct random r;
    random_init(&r, 1, RANDOM_TEST, 4);
    fputs("time,model,prompt,input,output\r\n", out);
    for (long i = 0; i < rows; i++) {
        char instant[CLOCK_INSTANT_SIZE];
        clock_format_instant(INT64_C(1760000000) * NS_PER_S + i * NS_PER_S, instant);
        fprintf(out, "%s,small,\"", instant);
        for (uint64_t k = random_below(&r, 8); k > 0; k--)
            fputs("Dear all,\nplease say \"\"yes\"\" or \"\"no\"\" to the offer of last week, and "
                  "add "
                  "what you would change; with a comma, where there is one.\r\n",
                  out);
        fprintf(out, "\",%d,%d\r\n", (int)random_below(&r, 7000) + 3,
                (int)random_below(&r, 500) + 6);
    }
}

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_now_ns() - start_ns) / 1e9;
}

/* Seconds of this process's CPU time: a machine that is busy does not count. */
static double cpu_s(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* What a bare look for line ends takes, a piece at a time. */
static void scan_lines(const char *path, double megabytes)
{
    static char piece[1 << 18];
    FILE *in = fopen(path, "r");
    uint64_t lines = 0;
    if (!in)
        return;
    double start = cpu_s();
    for (size_t got; (got = fread(piece, 1, sizeof piece, in)) > 0;)
        for (const char *at = piece; (at = memchr(at, '\n', got - (size_t)(at - piece))); at++)
            lines++;
    printf("%-22s %8.1f MB/s   (%llu lines)\n", "  memchr for line ends",
           megabytes / (cpu_s() - start), (unsigned long long)lines);
    fclose(in);
}

/* Reads the file; prints its speed over the uncompressed bytes. */
static int measure(const char *name, const char *path, const struct trace_options *how,
                   double megabytes)
{
    struct workload w;
    struct error err = {0};
    workload_init(&w);
    double start = cpu_s();
    if (trace_read(path, how, &w, NULL, &err) < 0) {
        fprintf(stderr, "%s: %s\n", path, err.message);
        return EXIT_FAILURE;
    }
    double taken = cpu_s() - start;
    printf("%-22s %8.1f MB/s   %5.2f million requests/s   (%.0f MB in %.2f s)\n", name,
           megabytes / taken, (double)w.count / taken / 1e6, megabytes, taken);
    workload_free(&w);
    return EXIT_SUCCESS;
}

static void yardstick(const char *name, const char *command, const char *path, double megabytes)
{
    char line[256];
    snprintf(line, sizeof line, "%s '%s' > /dev/null", command, path);
    int64_t start = clock_now_ns();
    if (system(line) != 0)
        return;
    printf("%-22s %8.1f MB/s\n", name, megabytes / seconds_since(start));
}

static int measure_file(const char *form, void (*fill)(FILE *, long), long rows,
                        const char *columns, bool packed)
{
    struct trace_options how = {.columns = columns};
    char path[] = "/tmp/perf_trace.XXXXXX", command[64], packed_path[64];
    struct stat about;
    int fd = mkstemp(path);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out)
        return EXIT_FAILURE;
    fill(out, rows);
    fclose(out);
    stat(path, &about);
    double megabytes = (double)about.st_size / 1e6;
    yardstick("  wc -l", "wc -l", path, megabytes);
    scan_lines(path, megabytes);
    int status = measure(form, path, &how, megabytes);
    snprintf(packed_path, sizeof packed_path, "%s.gz", path);
    snprintf(command, sizeof command, "gzip -1 %s", path);
    if (packed && system(command) == 0) {
        yardstick("  gzip -dc", "gzip -dc", packed_path, megabytes);
        status |= measure("  the same as .gz", packed_path, &how, megabytes);
        unlink(packed_path);
    }
    unlink(path);
    return status;
}

/* Ten million requests in a process of their own: peak resident memory. */
static int measure_memory(void)
{
    char path[] = "/tmp/perf_trace.XXXXXX";
    struct rusage usage;
    int fd = mkstemp(path), status;
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out)
        return EXIT_FAILURE;
    fill_csv(out, MANY_ROWS);
    fclose(out);
    pid_t child = fork();
    if (child == 0) {
        struct workload w;
        workload_init(&w);
        _exit(trace_read(path, NULL, &w, NULL, NULL) < 0 || w.count != MANY_ROWS);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0 || status != 0)
        status = EXIT_FAILURE;
    else
        printf("%-22s %8.1f MB resident for 10 million requests\n", "memory",
               (double)usage.ru_maxrss / 1e3);
    unlink(path);
    return status;
}

int main(void)
{
    int status = measure_file("Azure CSV", fill_csv, CSV_ROWS, NULL, true);
    status |= measure_file("Mooncake JSON Lines", fill_mooncake, MOONCAKE_ROWS, NULL, false);
    status |= measure_file("agent's log", fill_claude, LOG_ROWS, NULL, false);
    status |= measure_file("CSV with quotes", fill_quoted, QUOTED_ROWS,
                           "timestamp=time,model=model,input=input,output=output", false);
    return status | measure_memory();
}
