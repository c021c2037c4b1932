/* Simulated requests per second and core: the Mooncake synthetic trace repeated to a million
 * requests on eight replicas. Reading is not counted; the records go to an observer that only adds
 * them up. `perf_simulate TRACE` takes another trace. */
#include "core/clock.h"
#include "core/memory.h"
#include "sim/simulate.h"
#include "workloads/trace/trace.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUESTS 1000000
#define PRESET "rtxpro6000-llama-3.1-8b-tp1"
#define WANTED_RPS 100000

struct sums {
    uint64_t completed, tokens, chunks;
    int64_t gaps_ns;
};

static bool add(void *context, const struct record *r)
{
    struct sums *s = context;
    s->completed += r->status == RECORD_COMPLETED;
    s->tokens += usage_output(&r->usage);
    if (r->chunk_ns && r->chunks > 0) {
        s->chunks += r->chunks;
        s->gaps_ns += r->chunk_ns[r->chunks - 1] - r->chunk_ns[0];
    }
    return true;
}

/* The trace again and again, each time later and with prefixes of its own. */
static void repeat(const struct workload *once, struct workload *w)
{
    int64_t span = workload_span_ns(once);
    uint64_t *ids = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < REQUESTS; i++) {
        struct request r;
        uint64_t round = i / once->count;
        workload_get(once, i % once->count, &r);
        r.timestamp_ns += (int64_t)round * span;
        mem_grow(&ids, &capacity, r.hash_count, sizeof *ids);
        for (size_t k = 0; k < r.hash_count; k++)
            ids[k] = r.hash_ids[k] + (round << 32);
        r.hash_ids = ids;
        workload_add(w, &r, NULL);
    }
    free(ids);
}

static int measure(const struct workload *w, enum engine_router router, bool no_chunks)
{
    struct simulate_options options;
    struct simulate_report report;
    struct sums sums = {0};
    struct run_observer observer = {&sums, add};
    struct error err = {0};
    simulate_options_init(&options);
    engine_config_load(PRESET, &options.engine, &err);
    options.engine.replicas = 8;
    options.engine.router = router;
    options.no_chunks = no_chunks;
    int64_t start = clock_thread_cpu_ns();
    if (simulate_run(w, &options, &observer, &report, &err) < 0) {
        fprintf(stderr, "perf_simulate: %s\n", err.message);
        return 1;
    }
    double seconds = (double)(clock_thread_cpu_ns() - start) / 1e9;
    double rate = (double)w->count / seconds;
    printf("simulate: %.0f requests/s a core (%s%s; %lu requests, %lu completed, %.1f M tokens, "
           "%.1f M steps, %.1f %% of the prompts cached, %lu preemptions, %.2f s); wanted %d\n",
           rate, engine_router_name(router), no_chunks ? ", no chunk times" : "",
           (unsigned long)w->count, (unsigned long)sums.completed, (double)sums.tokens / 1e6,
           (double)report.engine.steps / 1e6,
           100.0 * (double)report.engine.cached_tokens / (double)report.engine.prompt_tokens,
           (unsigned long)report.engine.preemptions, seconds, WANTED_RPS);
    return rate < WANTED_RPS;
}

int main(int argc, char **argv)
{
    const char *root = getenv("FAREBOX_TRACES");
    char path[512];
    struct workload once, w;
    struct error err = {0};
    snprintf(path, sizeof path, "%s/mooncake/synthetic_trace.jsonl",
             root ? root : "../shared/traces");
    workload_init(&once);
    workload_init(&w);
    if (trace_read(argc > 1 ? argv[1] : path, NULL, &once, NULL, &err) < 0) {
        printf("SKIP simulate: %s\n", err.message);
        return 0;
    }
    repeat(&once, &w);
    int slow = measure(&w, ROUTER_ROUND_ROBIN, false);
    slow |= measure(&w, ROUTER_LEAST_LOADED, true);
    slow |= measure(&w, ROUTER_PREFIX_AWARE, false);
    workload_free(&once);
    workload_free(&w);
    return slow;
}
