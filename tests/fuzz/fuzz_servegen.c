/* libFuzzer entry: a ServeGen data set. The first byte says whether the rest is an archive, or two
 * files with a line of "==" between: a client's rates and its lengths. What is read generates. */
#include "fuzzing.h"

#include "workloads/scenario/generate.h"
#include "workloads/scenario/servegen.h"

static void generate(const char *path, uint32_t clients)
{
    struct servegen_options o = {.rate_rps = clients ? 10 : 0, .clients = clients};
    struct servegen_report report;
    struct generate_options g = {.requests = 20};
    struct scenario s;
    struct workload w;
    struct error err = {0};
    scenario_init(&s);
    workload_init(&w);
    if (servegen_read(path, &o, &s, &report, &err) < 0) {
        if (!err.message[0])
            abort();
    } else if (workload_generate(&s, 1, &g, &w, &err) == 0 && w.count > 20) {
        abort();
    }
    workload_free(&w);
    scenario_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char between[] = "\n==\n";
    if (size < 2 || size > 1 << 16)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t length = size - 1;
    if (data[0] & 1) {
        generate(fuzz_write("set.tar", bytes, length), data[0] >> 1 & 3);
        return 0;
    }
    const char *end = memmem(bytes, length, between, 4);
    size_t first = end ? (size_t)(end - bytes) : length;
    mkdir(fuzz_path("set"), 0700);
    fuzz_write("set/chunk-1-trace.csv", bytes, first);
    fuzz_write("set/chunk-1-dataset.json", bytes + (end ? first + 4 : first),
               end ? length - first - 4 : 0);
    generate(fuzz_path("set"), data[0] >> 1 & 3);
    return 0;
}
