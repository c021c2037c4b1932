/* The model against a measured vLLM run: 300 requests that overload one RTX 4090; and against a run
 * in the same form whose times the model itself gave earlier, so that it does not drift unseen. */
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "sim/engine/engine.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST 300
#define SECONDS 200

static const struct {
    const char *requests, *seconds;
    size_t count, least_seconds;
} runs[] = {
    {"tests/data/servingsim.jsonl", "tests/data/servingsim.csv", 120, 50},
    {"../vllm-runs/RTX4090_Llama-3.1-8B.req.jsonl", "../vllm-runs/RTX4090_Llama-3.1-8B.ts.csv", 300,
     150},
};

struct measured {
    uint32_t input, output;
    double queued_s, first_s, last_s;
};

/* Times of one side, from the request's arrival, in seconds. */
struct outcome {
    double ttft[MOST], tpot[MOST], e2e[MOST];
};

static size_t row_count;
static struct measured rows[MOST];
static struct outcome real, model;
static int64_t due_ns[MOST];

static double number_of(struct json_scan *s)
{
    double value = 0;
    json_double(s, 0, 1e12, &value);
    return value;
}

static void read_row(struct text line, long number, struct measured *row)
{
    struct json_scan s;
    struct text key;
    json_scan_init(&s, "vllm", line.at, line.length, number);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "input_toks"))
            row->input = (uint32_t)number_of(&s);
        else if (text_equal(key, "output_toks"))
            row->output = (uint32_t)number_of(&s);
        else if (text_equal(key, "queued_ts"))
            row->queued_s = number_of(&s);
        else if (text_equal(key, "first_token_ts"))
            row->first_s = number_of(&s);
        else if (text_equal(key, "last_token_ts"))
            row->last_s = number_of(&s);
        else
            json_skip(&s, NULL);
    }
    ck_assert_int_eq(json_scan_end(&s, NULL), 0);
}

static int by_arrival(const void *a, const void *b)
{
    const struct measured *x = a, *y = b;
    return (x->queued_s > y->queued_s) - (x->queued_s < y->queued_s);
}

static void read_run(int run)
{
    char path[512];
    testing_data(runs[run].requests, path);
    struct line_reader reader;
    struct text line;
    ck_assert_int_eq(line_reader_open(&reader, path, 1 << 16, NULL), 0);
    while (line_reader_next(&reader, &line, NULL) > 0) {
        ck_assert_uint_lt(row_count, MOST);
        read_row(line, reader.number, &rows[row_count++]);
    }
    line_reader_close(&reader);
    ck_assert_uint_eq(row_count, runs[run].count);
    qsort(rows, row_count, sizeof *rows, by_arrival);
    double start = rows[0].queued_s;
    for (size_t i = 0; i < row_count; i++) {
        rows[i].queued_s -= start;
        real.ttft[i] = rows[i].first_s - start - rows[i].queued_s;
        real.e2e[i] = rows[i].last_s - start - rows[i].queued_s;
        real.tpot[i] = (real.e2e[i] - real.ttft[i]) / (rows[i].output - 1);
    }
}

static void hear_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns)
{
    (void)context;
    (void)count;
    if (first == 0)
        model.ttft[tag] = (double)(at_ns - due_ns[tag]) / 1e9;
}

static void hear_done(void *context, uint64_t tag, uint32_t cached, int64_t at_ns)
{
    (void)context;
    (void)cached;
    model.e2e[tag] = (double)(at_ns - due_ns[tag]) / 1e9;
    model.tpot[tag] = (model.e2e[tag] - model.ttft[tag]) / (rows[tag].output - 1);
}

/* Running requests and KV use at each whole second. */
struct curve {
    double running[SECONDS], kv[SECONDS];
};

static void submit_row(struct engine *e, size_t i)
{
    struct engine_request r = {
        .tag = i, .input_tokens = rows[i].input, .output_tokens = rows[i].output};
    ck_assert_int_eq(engine_submit(e, due_ns[i], &r), ENGINE_ACCEPTED);
}

static void replay(const char *preset, struct curve *curve)
{
    struct engine_config config;
    struct engine_sink sink = {.on_tokens = hear_tokens, .on_done = hear_done};
    ck_assert_int_eq(engine_config_load(preset, &config, NULL), 0);
    struct engine *e = engine_create(&config, 1, NULL);
    size_t next = 0;
    for (int second = 0; second < SECONDS; second++) {
        int64_t end = (second + 1) * NS_PER_S;
        for (; next < row_count; next++) {
            due_ns[next] = llround(rows[next].queued_s * 1e9);
            if (due_ns[next] > end)
                break;
            engine_advance(e, due_ns[next], &sink);
            submit_row(e, next);
        }
        engine_advance(e, end, &sink);
        struct engine_state state;
        engine_state(e, &state);
        curve->running[second] = state.running;
        curve->kv[second] = 100.0 * (double)state.kv_blocks_used / (double)state.kv_blocks_total;
    }
    ck_assert_int_eq(engine_next_ns(e), TIME_NEVER);
    engine_free(e);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double mean(const double *values)
{
    double sum = 0;
    for (size_t i = 0; i < row_count; i++)
        sum += values[i];
    return sum / (double)row_count;
}

/* Type 7 quantile. */
static double quantile(const double *values, double q)
{
    double sorted[MOST];
    memcpy(sorted, values, row_count * sizeof *sorted);
    qsort(sorted, row_count, sizeof *sorted, by_value);
    double place = q * (double)(row_count - 1);
    size_t below = (size_t)place;
    double fraction = place - (double)below;
    return sorted[below] +
           fraction * (sorted[below + 1 < row_count ? below + 1 : below] - sorted[below]);
}

static void close_to(const char *what, double got, double wanted, double tolerance)
{
    double error = got / wanted - 1;
    printf("%-18s model %10.4f measured %10.4f  %+.2f %%\n", what, got, wanted, 100 * error);
    ck_assert_msg(fabs(error) <= tolerance, "%s is off by %+.2f %%", what, 100 * error);
}

START_TEST(latencies_are_within_five_percent)
{
    static struct curve curve;
    read_run(_i);
    replay("rtx4090-llama-3.1-8b-tp1", &curve);
    close_to("TTFT mean s", mean(model.ttft), mean(real.ttft), 0.05);
    close_to("TTFT p99 s", quantile(model.ttft, 0.99), quantile(real.ttft, 0.99), 0.05);
    close_to("TPOT mean s", mean(model.tpot), mean(real.tpot), 0.05);
    close_to("TPOT p99 s", quantile(model.tpot, 0.99), quantile(real.tpot, 0.99), 0.05);
    close_to("E2E mean s", mean(model.e2e), mean(real.e2e), 0.05);
    close_to("E2E p99 s", quantile(model.e2e, 0.99), quantile(real.e2e, 0.99), 0.05);
}
END_TEST

/* The 5 % of requests that the real server served soonest. */
START_TEST(unqueued_ttft_is_within_a_fifth)
{
    static struct curve curve;
    read_run(_i);
    replay("rtx4090-llama-3.1-8b-tp1", &curve);
    size_t few = row_count / 20;
    double limit = quantile(real.ttft, (double)(few - 1) / (double)(row_count - 1));
    double model_sum = 0, real_sum = 0;
    for (size_t i = 0; i < row_count; i++)
        if (real.ttft[i] <= limit) {
            model_sum += model.ttft[i];
            real_sum += real.ttft[i];
        }
    close_to("least queued TTFT", model_sum / (double)few, real_sum / (double)few, 0.2);
}
END_TEST

static size_t read_curve(const char *path, struct curve *curve)
{
    struct line_reader reader;
    struct text line;
    size_t seconds = 0;
    ck_assert_int_eq(line_reader_open(&reader, path, 1 << 12, NULL), 0);
    while (line_reader_next(&reader, &line, NULL) > 0 && seconds < SECONDS) {
        char copy[256];
        double t, prompt, generated, running, waiting, kv;
        snprintf(copy, sizeof copy, "%.*s", (int)line.length, line.at);
        if (sscanf(copy, "%lf,%lf,%lf,%lf,%lf,%lf", &t, &prompt, &generated, &running, &waiting,
                   &kv) != 6)
            continue;
        curve->running[seconds] = running;
        curve->kv[seconds++] = kv;
    }
    line_reader_close(&reader);
    return seconds;
}

/* Mean absolute difference over the mean height. */
static double curve_error(const double *got, const double *wanted, size_t seconds)
{
    double difference = 0, height = 0;
    for (size_t i = 0; i < seconds; i++) {
        difference += fabs(got[i] - wanted[i]);
        height += wanted[i];
    }
    return difference / height;
}

START_TEST(curves_are_within_a_tenth)
{
    static struct curve got, wanted;
    char path[512];
    read_run(_i);
    testing_data(runs[_i].seconds, path);
    replay("rtx4090-llama-3.1-8b-tp1", &got);
    size_t seconds = read_curve(path, &wanted);
    ck_assert_uint_gt(seconds, runs[_i].least_seconds);
    double running = curve_error(got.running, wanted.running, seconds);
    double kv = curve_error(got.kv, wanted.kv, seconds);
    printf("curves: running off by %.1f %%, KV use by %.1f %%\n", 100 * running, 100 * kv);
    ck_assert_double_le(running, 0.1);
    ck_assert_double_le(kv, 0.1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_vllm");
    TCase *tests = tcase_create("vllm");
    tcase_add_loop_test(tests, latencies_are_within_five_percent, 0, 2);
    tcase_add_loop_test(tests, unqueued_ttft_is_within_a_fifth, 0, 2);
    tcase_add_loop_test(tests, curves_are_within_a_tenth, 0, 2);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
