#include "testing_trace.h"

#include "core/random.h"
#include "workloads/describe/info.h"
#include "workloads/transform/prefix_cache.h"

#include <gsl/gsl_randist.h>

#include <math.h>

static bool info_of(const char *name, struct workload_info *info)
{
    struct workload w;
    struct trace_report report;
    if (!testing_read_file(name, &w, &report))
        return false;
    workload_info_compute(&w, &report, info);
    workload_free(&w);
    return true;
}

/* The number as the table prints it. */
static void printed(double value, int decimals, const char *expected)
{
    char text[64];
    snprintf(text, sizeof text, "%.*f", decimals, value);
    ck_assert_str_eq(text, expected);
}

static void printed_lengths(const struct info_summary *s, int mean_decimals, const char *mean,
                            int median_decimals, const char *median, int p99_decimals,
                            const char *p99)
{
    printed(s->mean, mean_decimals, mean);
    printed(s->p50, median_decimals, median);
    printed(s->p99, p99_decimals, p99);
}

START_TEST(azure_code)
{
    struct workload_info i;
    if (!info_of("azure2023/AzureLLMInferenceTrace_code.csv", &i))
        return;
    ck_assert_uint_eq(i.requests, 8819);
    printed_lengths(&i.input_tokens, 2, "2047.85", 0, "1469", 0, "7436");
    printed_lengths(&i.output_tokens, 2, "27.88", 0, "13", 1, "251.5");
    printed((double)i.duration_ns / 1e9, 3, "3435.948");
    printed(i.rate_rps, 3, "2.567");
    printed(i.interarrival_cv, 2, "13.15");
    ck_assert_uint_eq(i.empty_outputs, 0);
    workload_info_free(&i);
}
END_TEST

START_TEST(azure_conversation)
{
    struct workload_info i;
    if (!info_of("azure2023/AzureLLMInferenceTrace_conv_first10000.csv", &i))
        return;
    ck_assert_uint_eq(i.requests, 10000);
    printed(i.input_tokens.p50, 1, "1033.5");
    printed(i.output_tokens.p50, 0, "136");
    ck_assert_uint_eq(i.empty_outputs, 0);
    workload_info_free(&i);
}
END_TEST

START_TEST(mooncake)
{
    struct workload_info i;
    if (!info_of("mooncake/synthetic_trace.jsonl", &i))
        return;
    ck_assert_uint_eq(i.requests, 3993);
    printed_lengths(&i.input_tokens, 2, "15325.48", 0, "11587", 0, "66456");
    printed_lengths(&i.output_tokens, 2, "149.12", 0, "69", 0, "768");
    printed((double)i.duration_ns / 1e9, 3, "1022.025");
    printed(i.rate_rps, 3, "3.907");
    printed(i.interarrival_cv, 3, "1.011");
    ck_assert_uint_eq(i.empty_outputs, 0);
    printed(100 * i.hit_ratio_tokens, 2, "65.12");
    workload_info_free(&i);
    if (!info_of("mooncake/conversation_trace_first4000.jsonl", &i))
        return;
    printed(100 * i.hit_ratio_tokens, 2, "33.14");
    workload_info_free(&i);
}
END_TEST

START_TEST(burstgpt)
{
    struct workload_info i;
    if (!info_of("burstgpt/burstgpt_1_slice400.csv", &i))
        return;
    ck_assert_uint_eq(i.requests, 400);
    printed_lengths(&i.input_tokens, 2, "520.47", 0, "314", 0, "1958");
    printed_lengths(&i.output_tokens, 2, "276.53", 1, "229.5", 0, "1421");
    printed((double)i.duration_ns / 1e9, 0, "37269");
    printed(i.rate_rps, 4, "0.0107");
    printed(i.interarrival_cv, 2, "4.56");
    printed(100 * (double)i.empty_outputs / (double)i.requests, 2, "4.25");
    ck_assert_uint_eq(i.failed, 17);
    workload_info_free(&i);
}
END_TEST

START_TEST(ragpulse)
{
    struct workload_info i;
    if (!info_of("ragpulse/0_trace.jsonl", &i))
        return;
    ck_assert_uint_eq(i.requests, 7106);
    printed_lengths(&i.input_tokens, 2, "2943.58", 1, "3139.5", 0, "5438");
    printed_lengths(&i.output_tokens, 2, "283.24", 0, "234", 0, "891");
    printed((double)i.duration_ns / 1e9, 0, "1209321");
    printed(i.rate_rps, 6, "0.005876");
    printed(i.interarrival_cv, 3, "3.221");
    ck_assert_uint_eq(i.empty_outputs, 0);
    ck_assert_uint_eq(testing_note(&i.report, "clock_restarted"), 1);
    ck_assert_uint_eq(testing_note(&i.report, "time_went_back"), 0);
    ck_assert_uint_eq(testing_note(&i.report, "blank_line"), 1);
    workload_info_free(&i);
}
END_TEST

START_TEST(lengths_only)
{
    struct workload_info i;
    if (!info_of("lengths/lmsys.csv", &i))
        return;
    ck_assert_uint_eq(i.requests, 100000);
    printed_lengths(&i.input_tokens, 1, "92.2", 0, "28", 0, "750");
    printed_lengths(&i.output_tokens, 1, "207.4", 0, "140", 0, "850");
    ck_assert(!i.has_duration);
    ck_assert(isnan(i.rate_rps) && isnan(i.interarrival_cv));
    workload_info_free(&i);
}
END_TEST

static void info_of_text(const char *text, struct workload_info *info)
{
    struct workload w;
    struct trace_report report = testing_read(text, NULL, &w);
    workload_info_compute(&w, &report, info);
    workload_free(&w);
}

START_TEST(a_small_workload_by_hand)
{
    struct workload_info i;
    /* Times 0, 1, 3 s (out of order in the file): gaps 1 and 2, mean 1.5, population sigma 0.5. */
    info_of_text("{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 0, \"hash_ids\": [1, "
                 "2, 3], \"block_size\": 4, \"session_id\": \"a\", \"status\": \"failed\"}\n"
                 "{\"timestamp\": 3000, \"input_length\": 11, \"output_length\": 4, \"hash_ids\": "
                 "[1, 2, 9], \"block_size\": 4, \"session_id\": \"a\"}\n"
                 "{\"timestamp\": 1000, \"input_length\": 6, \"output_length\": 8, \"hash_ids\": "
                 "[1, 2], \"block_size\": 4, \"session_id\": \"b\", \"status\": \"aborted\"}\n",
                 &i);
    ck_assert_uint_eq(i.requests, 3);
    ck_assert_uint_eq(i.failed, 1);
    ck_assert_uint_eq(i.aborted, 1);
    ck_assert_uint_eq(i.empty_outputs, 1);
    ck_assert_double_eq(i.rate_rps, 1.0);
    ck_assert_double_eq(i.interarrival_mean_s, 1.5);
    ck_assert_double_eq_tol(i.interarrival_cv, 1.0 / 3, 1e-12);
    ck_assert_double_eq(i.input_tokens.mean, 9);
    ck_assert_double_eq_tol(i.input_tokens.stddev, sqrt(7), 1e-12);
    ck_assert_double_eq(i.output_tokens.p90, 7.2);
    ck_assert_uint_eq(i.sessions, 2);
    ck_assert_double_eq(i.turns_per_session.mean, 1.5);
    /* In time order the second request hits 6 of its 6 tokens (2 blocks), the third 8 of 11. */
    ck_assert_uint_eq(i.hit_tokens, 14);
    ck_assert_uint_eq(i.hit_blocks, 4);
    ck_assert_double_eq(i.hit_ratio_tokens, 14.0 / 27);
    ck_assert_double_eq(i.hit_ratio_blocks, 0.5);
    ck_assert_uint_eq(i.distinct_blocks, 4);
    workload_info_free(&i);
}
END_TEST

START_TEST(json_says_null_for_what_cannot_be_told)
{
    struct workload_info i;
    struct buffer b;
    struct json_writer w;
    info_of_text("TIMESTAMP,ContextTokens,GeneratedTokens\nXXX,1,2\n\n", &i);
    buffer_init(&b, BUFFER_UNBOUNDED);
    json_write_init(&w, &b, 0);
    workload_info_put_json(&i, &w);
    static const char *const expected[] = {
        "\"requests\": 1, ",
        "\"failed\": 0, ",
        "\"duration_s\": null, ",
        "\"rate_rps\": null, ",
        ("\"input_tokens\": {\"mean\": 1, \"stddev\": 0, \"min\": 1, \"p50\": 1, \"p90\": 1, "
         "\"p99\": 1, \"max\": 1}, "),
        "\"interarrival\": {\"mean_s\": null, \"cv\": null}, ",
        "\"sessions\": 0, ",
        "\"turns_per_session\": null, ",
        "\"prefix\": null, ",
        "\"skipped\": {\"blank_line\": 1}",
    };
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++)
        ck_assert_msg(strstr(b.data, expected[k]) != NULL, "%s lacks %s", b.data, expected[k]);
    buffer_clear(&b);
    workload_info_put_text(&i, &b);
    ck_assert_ptr_nonnull(strstr(b.data, "skipped           1 × blank_line, first on line 3"));
    buffer_free(&b);
    workload_info_free(&i);
}
END_TEST

/* Five requests of one block size: 1 2, 3, 1 2, 4, 1 9, a minute and a half apart. */
static const char reuse[] =
    "{\"timestamp\": 0, \"input_length\": 8, \"output_length\": 1, \"hash_ids\": [1, 2], "
    "\"block_size\": 4}\n"
    "{\"timestamp\": 90000, \"input_length\": 4, \"output_length\": 1, \"hash_ids\": [3], "
    "\"block_size\": 4}\n"
    "{\"timestamp\": 180000, \"input_length\": 7, \"output_length\": 1, \"hash_ids\": [1, 2], "
    "\"block_size\": 4}\n"
    "{\"timestamp\": 270000, \"input_length\": 4, \"output_length\": 1, \"hash_ids\": [4], "
    "\"block_size\": 4}\n"
    "{\"timestamp\": 360000, \"input_length\": 9, \"output_length\": 1, \"hash_ids\": [1, 9], "
    "\"block_size\": 4}\n";

START_TEST(reuse_by_size_and_idle_time)
{
    struct workload_info i;
    struct workload w;
    testing_read(reuse, NULL, &w);
    workload_info_compute(&w, NULL, &i);
    workload_info_add_detail(&w, &i);
    /* The third request finds 1 behind {3} (2 blocks needed) and 2 behind {3, 1} (3 needed): 7
     * tokens. The last finds 1 behind {4} (2 needed): 4 tokens. Of 32 tokens in all. */
    const struct workload_detail *d = &i.detail;
    ck_assert_uint_eq(d->cache_count, 4);
    ck_assert_uint_eq(d->cache[0].blocks, 1);
    ck_assert_double_eq(d->cache[0].hit_ratio_tokens, 0);
    ck_assert_double_eq(d->cache[1].hit_ratio_tokens, 8.0 / 32);
    ck_assert_double_eq(d->cache[2].hit_ratio_tokens, 11.0 / 32);
    ck_assert_uint_eq(d->cache[3].blocks, 5);
    ck_assert_double_eq(d->cache[3].hit_ratio_tokens, i.hit_ratio_tokens);
    /* Both hits come 180 s after the last use. */
    ck_assert_int_eq(d->ttl[0].ttl_ns, 60 * NS_PER_S);
    ck_assert_double_eq(d->ttl[0].hit_ratio_tokens, 0);
    ck_assert_double_eq(d->ttl[1].hit_ratio_tokens, 11.0 / 32);
    workload_info_free(&i);
    workload_free(&w);
}
END_TEST

/* The tokens that a simulated cache hits, request by request. */
static double simulated(const struct workload *w, const struct cache_policy *policy)
{
    struct prefix_cache *c = prefix_cache_create(policy, w->block_size);
    uint64_t hits = 0, input = 0;
    for (size_t i = 0; i < w->count; i++) {
        hits += prefix_cache_use(c, w->hash_ids + w->hash_start[i],
                                 (size_t)(w->hash_start[i + 1] - w->hash_start[i]),
                                 w->input_tokens[i], w->timestamp_ns[i]);
        input += w->input_tokens[i];
    }
    prefix_cache_free(c);
    return (double)hits / (double)input;
}

START_TEST(curves_agree_with_simulated_caches)
{
    struct workload w;
    struct workload_info i;
    if (!testing_read_file("mooncake/synthetic_trace.jsonl", &w, NULL))
        return;
    workload_info_compute(&w, NULL, &i);
    workload_info_add_detail(&w, &i);
    for (size_t k = 9; k < i.detail.cache_count; k += 2) {
        struct cache_policy policy = {.kind = CACHE_LRU,
                                      .lru_tokens = i.detail.cache[k].blocks * w.block_size};
        ck_assert_double_eq_tol(i.detail.cache[k].hit_ratio_tokens, simulated(&w, &policy), 1e-12);
    }
    for (size_t k = 0; k < i.detail.ttl_count; k++) {
        struct cache_policy policy = {.kind = CACHE_TTL, .ttl_ns = i.detail.ttl[k].ttl_ns};
        ck_assert_double_eq_tol(i.detail.ttl[k].hit_ratio_tokens, simulated(&w, &policy), 1e-12);
    }
    workload_info_free(&i);
    workload_free(&w);
}
END_TEST

START_TEST(burstiness_tells_bursts_from_even_and_random_arrivals)
{
    struct workload even, bursts;
    struct workload_info i;
    workload_init(&even);
    workload_init(&bursts);
    for (int k = 0; k < 2400; k++) {
        workload_add_plain(&even, k * (NS_PER_S / 10), 1, 1);
        /* Ten at once, every second. */
        workload_add_plain(&bursts, k / 10 * NS_PER_S, 1, 1);
    }
    workload_info_compute(&even, NULL, &i);
    workload_info_add_detail(&even, &i);
    ck_assert_uint_eq(i.detail.dispersion_count, 2);
    ck_assert_int_eq(i.detail.dispersion[1].window_ns, 10 * NS_PER_S);
    ck_assert_double_eq(i.detail.dispersion[1].index, 0);
    ck_assert_uint_eq(i.detail.window_count, INFO_WINDOWS);
    uint64_t sum = 0;
    for (int k = 0; k < INFO_WINDOWS; k++)
        sum += i.detail.windows[k].requests;
    ck_assert_uint_eq(sum, 2400);
    ck_assert_double_eq_tol(i.detail.windows[5].interarrival_cv, 0, 1e-9);
    ck_assert(i.detail.interarrival_s.known);
    ck_assert_int_eq(i.detail.interarrival_s.fit.family, FIT_CONSTANT);
    workload_info_free(&i);
    workload_info_compute(&bursts, NULL, &i);
    workload_info_add_detail(&bursts, &i);
    /* Gaps of nine zeros and a second: mean 0.1, variance 0.09. */
    ck_assert_double_eq_tol(i.detail.windows[5].interarrival_cv, 3, 0.01);
    workload_info_free(&i);
    workload_free(&even);
    workload_free(&bursts);
}
END_TEST

START_TEST(fits_name_the_family)
{
    struct workload w;
    struct workload_info i;
    struct random r;
    int64_t at_ns = 0;
    random_init(&r, 7, RANDOM_TEST, 0);
    workload_init(&w);
    for (int k = 0; k < 20000; k++) {
        at_ns += (int64_t)(gsl_ran_exponential(random_gsl(&r), 0.25) * 1e9);
        workload_add_plain(&w, at_ns, 1 + (uint32_t)gsl_ran_lognormal(random_gsl(&r), 6, 1), 64);
    }
    workload_info_compute(&w, NULL, &i);
    workload_info_add_detail(&w, &i);
    ck_assert_int_eq(i.detail.input.fit.family, FIT_LOGNORMAL);
    ck_assert_double_eq_tol(i.detail.input.fit.a, 6, 0.05);
    ck_assert_int_eq(i.detail.output.fit.family, FIT_CONSTANT);
    ck_assert_int_eq(i.detail.interarrival_s.fit.family, FIT_EXPONENTIAL);
    ck_assert_double_eq_tol(i.detail.interarrival_s.fit.a, 0.25, 0.01);
    ck_assert_double_eq_tol(i.detail.dispersion[0].index, 1, 0.1);
    workload_info_free(&i);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("info");
    TCase *t = tcase_create("figures of the public traces");
    tcase_add_test(t, azure_code);
    tcase_add_test(t, azure_conversation);
    tcase_add_test(t, mooncake);
    tcase_add_test(t, burstgpt);
    tcase_add_test(t, ragpulse);
    tcase_add_test(t, lengths_only);
    suite_add_tcase(suite, t);
    t = tcase_create("by hand");
    tcase_add_test(t, a_small_workload_by_hand);
    tcase_add_test(t, reuse_by_size_and_idle_time);
    tcase_add_test(t, curves_agree_with_simulated_caches);
    tcase_add_test(t, burstiness_tells_bursts_from_even_and_random_arrivals);
    tcase_add_test(t, fits_name_the_family);
    tcase_add_test(t, json_says_null_for_what_cannot_be_told);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
