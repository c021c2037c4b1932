/* libFuzzer entry: a file of a run's directory, whose other files are whole. The first byte says
 * which file the rest is and what is done with the run: it is shown, exported, compared with the
 * run as it was, billed, joined with a part. Whatever the file holds, the command does its work or
 * says what is wrong, and the run's other files stay as they were. */
#include "fuzzing.h"

static const char *const files[] = {"run.json",      "summary.json",    "requests.jsonl",
                                    "server.jsonl",  "histograms.json", "timeline.jsonl",
                                    "workload.json", "bill.json",       "engine.json"};
#define FILES (sizeof files / sizeof *files)

/* Two parts of one run, simulated once. */
static void make_runs(void)
{
    static bool made;
    if (made)
        return;
    made = true;
    if (fuzz_run("sim", "--scenario", "chat", "--requests", "12", "--slo", "ttft=500", "-o",
                 fuzz_path("whole")) < 0 ||
        fuzz_run("sim", "--scenario", "chat", "--requests", "12", "--slo", "ttft=500", "-o",
                 fuzz_path("run")) < 0)
        abort();
}

static void use(unsigned how, const char *run, const char *other)
{
    const char *out = fuzz_path("out");
    switch (how) {
    case 0:
        fuzz_run("report", run, "--no-plots", "--force", "-o", out);
        break;
    case 1:
        fuzz_run("diff", other, run);
        break;
    case 2:
        fuzz_run("bill", run, "--plans", "demo");
        break;
    case 3:
        fuzz_run("merge", run, other, "--force", "-o", fuzz_path("merged"));
        fuzz_clear(fuzz_path("merged"));
        break;
    case 4:
        fuzz_run("report", run, "--export", "otlp", "--start", "2026-11-01T00:00:00Z", "--force",
                 "-o", out);
        break;
    case 5:
        fuzz_run("report", run, "--export", "csv", "--force", "-o", out);
        break;
    case 6:
        fuzz_run("workload", "info", run);
        break;
    default:
        fuzz_run("engine", "calibrate", run, "--engine", "rtx4090-llama-3.1-8b-tp1");
        break;
    }
    unlink(out);
}

/* The file's own bytes; NULL where there is no such file. */
static char *keep(const char *path, size_t *size)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    char *bytes = mem_alloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[64];
    size_t kept;
    if (size < 2)
        return 0;
    make_runs();
    snprintf(name, sizeof name, "run/%s", files[data[0] % FILES]);
    char *own = keep(fuzz_path(name), &kept);
    fuzz_write(name, data + 2, size - 2);
    use(data[1] % 8, fuzz_path("run"), fuzz_path("whole"));
    unlink(fuzz_path(name));
    if (own)
        fuzz_write(name, own, kept);
    free(own);
    return 0;
}
