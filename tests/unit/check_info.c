#include "testing_trace.h"

#include "core/random.h"
#include "workloads/describe/info.h"
#include "workloads/transform/prefix_cache.h"

#include <gsl/gsl_randist.h>

#include <math.h>

/* The number as it is printed with as many decimals as `expected`; NULL says nothing of it. */
static void printed(double value, const char *expected)
{
    char text[64];
    const char *point = expected ? strchr(expected, '.') : NULL;
    if (!expected)
        return;
    snprintf(text, sizeof text, "%.*f", point ? (int)strlen(point + 1) : 0, value);
    ck_assert_str_eq(text, expected);
}

struct lengths {
    const char *mean, *p50, *p99;
};

static const struct known {
    const char *file;
    uint64_t requests, empty_outputs, failed;
    struct lengths input, output;
    const char *duration_s, *rate_rps, *cv, *hit_percent;
} known[] = {
    {"tests/data/azure.csv",
     2000,
     0,
     0,
     {"1994.58", "1216", "13068.4"},
     {"130.32", "86", "717.0"},
     "732.223",
     "2.731",
     "1.662",
     NULL},
    {"tests/data/mooncake.jsonl",
     400,
     0,
     0,
     {"6444.48", "4739.5", "26557.7"},
     {"178.38", "124.5", "898.19"},
     "250.978",
     "1.594",
     "1.007",
     "59.41"},
    {"tests/data/burstgpt_1.csv",
     60,
     4,
     4,
     {"442.78", "366.5", "1254.36"},
     {"235.78", "181.5", "758.46"},
     "4945",
     "0.0121",
     "0.951",
     NULL},
    {"tests/data/ragpulse.jsonl",
     718,
     0,
     0,
     {"2791.94", "2643", "5555.30"},
     {"271.90", "231", "904.77"},
     "1209550",
     "0.000594",
     "2.449",
     NULL},
    {"azure2023/AzureLLMInferenceTrace_code.csv",
     8819,
     0,
     0,
     {"2047.85", "1469", "7436"},
     {"27.88", "13", "251.5"},
     "3435.948",
     "2.567",
     "13.15",
     NULL},
    {"azure2023/AzureLLMInferenceTrace_conv_first10000.csv",
     10000,
     0,
     0,
     {NULL, "1033.5", NULL},
     {NULL, "136", NULL},
     NULL,
     NULL,
     NULL,
     NULL},
    {"mooncake/synthetic_trace.jsonl",
     3993,
     0,
     0,
     {"15325.48", "11587", "66456"},
     {"149.12", "69", "768"},
     "1022.025",
     "3.907",
     "1.011",
     "65.12"},
    {"mooncake/conversation_trace_first4000.jsonl",
     4000,
     0,
     0,
     {0},
     {0},
     NULL,
     NULL,
     NULL,
     "33.14"},
    {"burstgpt/burstgpt_1_slice400.csv",
     400,
     17,
     17,
     {"520.47", "314", "1958"},
     {"276.53", "229.5", "1421"},
     "37269",
     "0.0107",
     "4.56",
     NULL},
    {"ragpulse/0_trace.jsonl",
     7106,
     0,
     0,
     {"2943.58", "3139.5", "5438"},
     {"283.24", "234", "891"},
     "1209321",
     "0.005876",
     "3.221",
     NULL},
};

static void printed_lengths(const struct info_summary *s, const struct lengths *l)
{
    printed(s->mean, l->mean);
    printed(s->p50, l->p50);
    printed(s->p99, l->p99);
}

static void info_of(const char *name, struct workload_info *info)
{
    struct workload w;
    struct trace_report report;
    testing_read_file(name, &w, &report);
    workload_info_compute(&w, &report, info);
    workload_free(&w);
}

START_TEST(a_trace_has_its_known_figures)
{
    const struct known *k = &known[_i];
    struct workload_info i;
    info_of(k->file, &i);
    ck_assert_uint_eq(i.requests, k->requests);
    printed_lengths(&i.input_tokens, &k->input);
    printed_lengths(&i.output_tokens, &k->output);
    printed((double)i.duration_ns / 1e9, k->duration_s);
    printed(i.rate_rps, k->rate_rps);
    printed(i.interarrival_cv, k->cv);
    printed(100 * i.hit_ratio_tokens, k->hit_percent);
    ck_assert_uint_eq(i.empty_outputs, k->empty_outputs);
    ck_assert_uint_eq(i.failed, k->failed);
    workload_info_free(&i);
}
END_TEST

static const char *const fortnights[] = {"tests/data/ragpulse.jsonl", "ragpulse/0_trace.jsonl"};

START_TEST(a_clock_that_starts_again_is_noted)
{
    struct workload_info i;
    info_of(fortnights[_i], &i);
    ck_assert_uint_eq(testing_note(&i.report, "clock_restarted"), 1);
    ck_assert_uint_eq(testing_note(&i.report, "time_went_back"), 0);
    ck_assert_uint_eq(testing_note(&i.report, "blank_line"), 1);
    workload_info_free(&i);
}
END_TEST

static const struct {
    const char *file;
    uint64_t requests;
    struct lengths input, output;
} lengths[] = {
    {"tests/data/lengths.csv", 5, {"220.0", "30", "961.6"}, {"89.0", "15", "385.0"}},
    {"lengths/lmsys.csv", 100000, {"92.2", "28", "750"}, {"207.4", "140", "850"}},
};

START_TEST(lengths_alone_have_no_rate)
{
    struct workload_info i;
    info_of(lengths[_i].file, &i);
    ck_assert_uint_eq(i.requests, lengths[_i].requests);
    printed_lengths(&i.input_tokens, &lengths[_i].input);
    printed_lengths(&i.output_tokens, &lengths[_i].output);
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
    workload_info_put_text(&i, 80, &b);
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

static const char *const mooncakes[] = {"tests/data/mooncake.jsonl",
                                        "mooncake/synthetic_trace.jsonl"};

START_TEST(curves_agree_with_simulated_caches)
{
    struct workload w;
    struct workload_info i;
    testing_read_file(mooncakes[_i], &w, NULL);
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
    TCase *t = tcase_create("known figures");
    tcase_add_loop_test(t, a_trace_has_its_known_figures, 0, (int)(sizeof known / sizeof *known));
    tcase_add_loop_test(t, a_clock_that_starts_again_is_noted, 0, 2);
    tcase_add_loop_test(t, lengths_alone_have_no_rate, 0, 2);
    suite_add_tcase(suite, t);
    t = tcase_create("by hand");
    tcase_add_test(t, a_small_workload_by_hand);
    tcase_add_test(t, reuse_by_size_and_idle_time);
    tcase_add_loop_test(t, curves_agree_with_simulated_caches, 0, 2);
    tcase_add_test(t, burstiness_tells_bursts_from_even_and_random_arrivals);
    tcase_add_test(t, fits_name_the_family);
    tcase_add_test(t, json_says_null_for_what_cannot_be_told);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
