#include "sim/mock/metrics.h"

#include <math.h>
#include <string.h>

/* Upper bounds of the buckets, ended by 0; those of vLLM. */
static const double ttft_bounds[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
                                     0.25,  0.5,   0.75, 1,    2.5,  5,    7.5,  10,
                                     20,    40,    80,   160,  640,  2560, 0};
static const double itl_bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1,
                                    0.15,  0.2,    0.3,   0.4,  0.5,   0.75, 1,     2.5,
                                    5,     7.5,    10,    20,   40,    80,   0};
static const double e2e_bounds[] = {0.3, 0.5, 0.8, 1,  1.5, 2,   2.5, 5,   10,   15,   20,
                                    30,  40,  50,  60, 120, 240, 480, 960, 1920, 7680, 0};
static const double late_bounds[] = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
                                     0.01,   0.02,   0.05,   0.1,   1,     0};
static const double tpot_bounds[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                                     0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80,  0};
static const double step_bounds[] = {1,   8,    16,   32,   64,   128,   256,
                                     512, 1024, 2048, 4096, 8192, 16384, 0};
static const double token_bounds[] = {1,    2,    5,    10,    20,    50,    100,    200,    500,
                                      1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 0};

static const struct {
    const char *name, *help;
    const double *bounds;
    double unit; /* values in one unit of the metric */
} kinds[METRIC_COUNT] = {
    [METRIC_TTFT] = {"vllm:time_to_first_token_seconds", "Time to first token.", ttft_bounds, 1e9},
    [METRIC_ITL] = {"vllm:inter_token_latency_seconds", "Time between tokens.", itl_bounds, 1e9},
    [METRIC_E2E] = {"vllm:e2e_request_latency_seconds", "Time of a whole request.", e2e_bounds,
                    1e9},
    [METRIC_LATENESS] = {"farebox:chunk_lateness_seconds",
                         "How long after it was due a chunk was written.", late_bounds, 1e9},
    [METRIC_PROMPT_TOKENS] = {"vllm:request_prompt_tokens", "Prompt tokens of a request.",
                              token_bounds, 1},
    [METRIC_OUTPUT_TOKENS] = {"vllm:request_generation_tokens", "Output tokens of a request.",
                              token_bounds, 1},
    [METRIC_QUEUE] = {"vllm:request_queue_time_seconds", "Time of a request in the queue.",
                      e2e_bounds, 1e9},
    [METRIC_PREFILL] = {"vllm:request_prefill_time_seconds",
                        "Time of a request from the batch to its first token.", e2e_bounds, 1e9},
    [METRIC_DECODE] = {"vllm:request_decode_time_seconds",
                       "Time of a request from its first to its last token.", e2e_bounds, 1e9},
    [METRIC_INFERENCE] = {"vllm:request_inference_time_seconds",
                          "Time of a request from the batch to its last token.", e2e_bounds, 1e9},
    [METRIC_TPOT] = {"vllm:request_time_per_output_token_seconds",
                     "Mean time of a request's tokens behind the first.", tpot_bounds, 1e9},
    [METRIC_ITERATION] = {"vllm:iteration_tokens_total", "Tokens of a step.", step_bounds, 1},
};

void metrics_observe(struct metrics *x, enum metric which, int64_t value, uint64_t count)
{
    if (value < 0)
        value = 0;
    histogram_add(&x->values[which], value, count);
    x->sums[which] += value * (int64_t)count;
    if (value > x->max[which])
        x->max[which] = value;
}

/* The stretches of one that was dropped end with it. */
static void observe_stretches(struct metrics *x, const struct metrics_request *r)
{
    int64_t admitted_ns = r->stay.admitted_ns, done_ns = r->done_ns;
    int64_t from_ns = admitted_ns == TIME_NEVER ? done_ns : admitted_ns;
    int64_t first_ns = r->first_ns == TIME_NEVER ? done_ns : r->first_ns;
    int64_t last_ns = r->last_ns == TIME_NEVER ? done_ns : r->last_ns;
    int64_t queued_ns = r->stay.queued_ns < from_ns ? r->stay.queued_ns : from_ns;
    int64_t prefill_ns = admitted_ns == TIME_NEVER ? 0 : first_ns - from_ns;
    int64_t decode_ns = admitted_ns == TIME_NEVER ? 0 : last_ns - first_ns;
    metrics_observe(x, METRIC_QUEUE, from_ns - queued_ns, 1);
    metrics_observe(x, METRIC_PREFILL, prefill_ns, 1);
    metrics_observe(x, METRIC_DECODE, decode_ns, 1);
    metrics_observe(x, METRIC_INFERENCE, prefill_ns + decode_ns, 1);
    metrics_observe(x, METRIC_TPOT, r->engine_tokens > 1 ? decode_ns / (r->engine_tokens - 1) : 0,
                    1);
}

void metrics_finish(struct metrics *x, const char *finish_reason, const struct metrics_request *r)
{
    metrics_observe(x, METRIC_E2E, r->done_ns - r->read_ns, 1);
    metrics_observe(x, METRIC_PROMPT_TOKENS, (int64_t)r->prompt_tokens, 1);
    metrics_observe(x, METRIC_OUTPUT_TOKENS, (int64_t)r->written_tokens, 1);
    observe_stretches(x, r);
    if (!finish_reason)
        x->finished[FINISH_ABORT]++;
    else if (strcmp(finish_reason, "length") == 0)
        x->finished[FINISH_LENGTH]++;
    else
        x->finished[FINISH_STOP]++;
}

/* In quotes; the format knows three escapes. */
static void add_label_value(struct buffer *out, const char *value)
{
    buffer_add_byte(out, '"');
    for (; *value; value++)
        if (*value == '\n')
            buffer_add_text(out, "\\n");
        else
            buffer_add_format(out, "%s%c", strchr("\"\\", *value) ? "\\" : "", *value);
    buffer_add_byte(out, '"');
}

static void add_head(struct buffer *out, const char *name, const char *help, const char *type)
{
    buffer_add_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_value(struct buffer *out, const char *name, const char *help, const char *type,
                      const char *labels, double value)
{
    add_head(out, name, help, type);
    buffer_add_format(out, "%s{%s} %.17g\n", name, labels, value);
}

static void add_distribution(const struct metrics *x, enum metric which, const char *labels,
                             struct buffer *out)
{
    const char *name = kinds[which].name;
    add_head(out, name, kinds[which].help, "histogram");
    const struct histogram *h = &x->values[which];
    for (const double *bound = kinds[which].bounds; *bound > 0; bound++) {
        int64_t top = llround(*bound * kinds[which].unit);
        buffer_add_format(out, "%s_bucket{%s,le=\"%g\"} %llu\n", name, labels, *bound,
                          (unsigned long long)histogram_count_through(h, top));
    }
    unsigned long long count = h->count;
    buffer_add_format(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_sum{%s} %.17g\n%s_count{%s} %llu\n",
                      name, labels, count, name, labels, (double)x->sums[which] / kinds[which].unit,
                      name, labels, count);
}

static void add_finished(const struct metrics *x, const char *labels, struct buffer *out)
{
    static const char *const reasons[] = {"stop", "length", "abort"};
    add_head(out, "vllm:request_success_total", "Requests that ended, by reason.", "counter");
    for (int i = 0; i < FINISH_COUNT; i++)
        buffer_add_format(out, "vllm:request_success_total{%s,finished_reason=\"%s\"} %llu\n",
                          labels, reasons[i], (unsigned long long)x->finished[i]);
}

/* Constant engines keep no KV blocks, and look nothing up. */
static bool has_prefix_cache(const struct metrics_view *view)
{
    return view->engine->prefix_cache && view->state->kv_blocks_total > 0;
}

static void add_drafts(const struct engine_state *s, const char *labels, struct buffer *out)
{
    add_value(out, "vllm:spec_decode_num_drafts_total", "Drafts that were verified.", "counter",
              labels, (double)s->drafts);
    add_value(out, "vllm:spec_decode_num_draft_tokens_total", "Tokens of these drafts.", "counter",
              labels, (double)s->draft_tokens);
    add_value(out, "vllm:spec_decode_num_accepted_tokens_total", "Draft tokens that were accepted.",
              "counter", labels, (double)s->accepted_tokens);
}

static void add_engine(const struct metrics_view *view, const char *labels, struct buffer *out)
{
    const struct engine_state *s = view->state;
    double looked_up = has_prefix_cache(view) ? (double)s->prompt_tokens : 0;
    double use = s->kv_blocks_total ? (double)s->kv_blocks_used / (double)s->kv_blocks_total : 0;
    const struct {
        const char *name, *help, *type;
        double value;
    } rows[] = {
        {"vllm:num_requests_running", "Requests in the batch.", "gauge", s->running},
        {"vllm:num_requests_waiting", "Requests in the queue.", "gauge", s->waiting},
        {"vllm:kv_cache_usage_perc", "Share of the KV blocks in use, 0 to 1.", "gauge", use},
        {"vllm:num_preemptions_total", "Preempted requests.", "counter", (double)s->preemptions},
        {"vllm:prompt_tokens_total", "Prompt tokens processed.", "counter",
         (double)s->prompt_tokens},
        {"vllm:prompt_tokens_cached_total", "Prompt tokens taken from a cache.", "counter",
         (double)s->cached_tokens},
        {"vllm:generation_tokens_total", "Tokens generated.", "counter", (double)s->output_tokens},
        {"vllm:prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.",
         "counter", looked_up},
        {"vllm:prefix_cache_hits_total", "Prompt tokens found in the prefix cache.", "counter",
         (double)s->cached_tokens},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        add_value(out, rows[i].name, rows[i].help, rows[i].type, labels, rows[i].value);
    if (view->engine->speculative.num_speculative_tokens > 0)
        add_drafts(s, labels, out);
}

/* An info: always 1, and what it says stands in its labels. */
static void add_cache_config(const struct metrics_view *view, struct buffer *out)
{
    const char *name = "vllm:cache_config_info";
    const struct engine_state *s = view->state;
    uint64_t blocks = s->kv_blocks_total ? s->kv_blocks_total / s->replicas + 1 : 0;
    add_head(out, name, "Configuration of the KV cache.", "gauge");
    buffer_add_format(out,
                      "%s{block_size=\"%u\",enable_prefix_caching=\"%s\",engine=\"0\","
                      "num_gpu_blocks=\"%llu\"} 1\n",
                      name, view->engine->block_size, has_prefix_cache(view) ? "True" : "False",
                      (unsigned long long)blocks);
}

void metrics_write(const struct metrics *x, const struct metrics_view *view, struct buffer *out)
{
    struct buffer labels;
    buffer_init(&labels, BUFFER_UNBOUNDED);
    buffer_add_text(&labels, "engine=\"0\",model_name=");
    add_label_value(&labels, view->model);
    add_engine(view, labels.data, out);
    add_cache_config(view, out);
    add_finished(x, labels.data, out);
    for (int i = 0; i < METRIC_COUNT; i++)
        add_distribution(x, (enum metric)i, labels.data, out);
    buffer_free(&labels);
}

void metrics_free(struct metrics *x)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        histogram_free(&x->values[i]);
}
