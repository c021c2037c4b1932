/* Transforms: known figures on traces, and what each does to sessions, blocks and usage. */
#include "testing_trace.h"
#include "testing_workload.h"

#include "workloads/scenario/generate.h"
#include "workloads/transform/prefix_cache.h"
#include "workloads/transform/transform.h"

#include <string.h>

static void apply(const char *text, struct workload *w, struct transform_report *report)
{
    struct error err = {0};
    struct transform t;
    ck_assert_msg(transform_parse(text, &t, &err) == 0, "%s", err.message);
    ck_assert_msg(transform_apply(&t, 1, w, report, &err) == 0, "%s", err.message);
    ck_assert_msg(workload_check_order(w, NULL, &err) == 0, "%s", err.message);
    transform_free(&t);
}

static void make(const char *classes, uint64_t requests, struct workload *w)
{
    char text[2048];
    struct scenario s;
    struct error err = {0};
    snprintf(text, sizeof text,
             "{\"block_size\": 16, \"arrivals\": {\"process\": \"constant\", \"rate_rps\": 1},"
             " \"classes\": [%s]}",
             classes);
    ck_assert_msg(scenario_parse("test.json", text, strlen(text), &s, &err) == 0, "%s",
                  err.message);
    workload_init(w);
    ck_assert_int_eq(
        workload_generate(&s, 3, &(struct generate_options){.requests = requests}, w, &err), 0);
    scenario_free(&s);
}

static const struct {
    const char *file;
    size_t small, general, large;
} routes[] = {
    {"tests/data/azure.csv", 137, 1055, 808},
    {"azure2023/AzureLLMInferenceTrace_conv_first10000.csv", 988, 7183, 1829},
};

START_TEST(routing_by_input_sends_the_known_counts)
{
    struct workload w;
    struct transform_report report;
    testing_read_file(routes[_i].file, &w, NULL);
    apply("route=input<300:small,input<1500:general,*:large", &w, &report);
    size_t sent[3] = {0};
    for (size_t i = 0; i < w.count; i++)
        sent[w.model[i]]++;
    uint32_t small = names_find(&w.models, text_of("small")),
             general = names_find(&w.models, text_of("general")),
             large = names_find(&w.models, text_of("large"));
    ck_assert_uint_eq(sent[small], routes[_i].small);
    ck_assert_uint_eq(sent[general], routes[_i].general);
    ck_assert_uint_eq(sent[large], routes[_i].large);
    char says[128];
    snprintf(says, sizeof says, "route: %zu to small, %zu to general, %zu to large",
             routes[_i].small, routes[_i].general, routes[_i].large);
    ck_assert_str_eq(report.text, says);
    workload_free(&w);
}
END_TEST

/* The bill at 5 and 30 USD per million tokens, cached input 0.5, in units of 1e-7 USD. */
static uint64_t bill(const struct workload *w)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct usage u = workload_usage(w, i);
        sum += u.tokens[USAGE_UNCACHED_INPUT] * 50 + u.tokens[USAGE_CACHED_INPUT] * 5 +
               u.tokens[USAGE_OUTPUT] * 300;
    }
    return sum;
}

#define OWN "tests/data/mooncake.jsonl"
#define RECORDED "mooncake/synthetic_trace.jsonl"

static const struct {
    const char *file, *text;
    uint64_t bill;
} caches[] = {
    {OWN, "cache=none", 150294900},
    {OWN, "cache=infinite", 81382260},
    {OWN, "cache=ttl:300s,min=1024,step=128", 83041140},
    {OWN, "cache=lru:1000000000000", 81382260}, /* larger than everything: as the infinite one */
    {OWN, "cache=lru:1", 150294900},            /* not one block */
    {OWN, "cache=ttl:1d", 81382260},
    {RECORDED, "cache=none", 3238361000},
    {RECORDED, "cache=infinite", 1444991255},
    {RECORDED, "cache=ttl:300s,min=1024,step=128", 1600303400},
    {RECORDED, "cache=lru:1000000000000", 1444991255},
    {RECORDED, "cache=lru:1", 3238361000},
    {RECORDED, "cache=ttl:1d", 1444991255},
};

static const struct {
    const char *file, *says;
} shares[] = {{OWN, "(59.41%)"}, {RECORDED, "(65.12%)"}};

START_TEST(prefix_caches_cost_what_is_known)
{
    struct workload w;
    testing_read_file(caches[_i].file, &w, NULL);
    apply(caches[_i].text, &w, NULL);
    ck_assert_uint_eq(bill(&w), caches[_i].bill);
    workload_free(&w);
}
END_TEST

START_TEST(the_infinite_cache_hits_the_known_share)
{
    struct workload w;
    struct transform_report report;
    testing_read_file(shares[_i].file, &w, NULL);
    apply("cache=infinite", &w, &report);
    ck_assert_ptr_nonnull(strstr(report.text, shares[_i].says));
    workload_free(&w);
}
END_TEST

/* A smaller cache never hits more, and what it hits shows in the bill. */
START_TEST(a_smaller_cache_hits_less)
{
    static const char *const sizes[] = {"cache=lru:50000", "cache=lru:100000", "cache=lru:500000",
                                        "cache=infinite"};
    uint64_t before = UINT64_MAX;
    for (size_t i = 0; i < 4; i++) {
        struct workload w;
        testing_read_file(shares[_i].file, &w, NULL);
        apply(sizes[i], &w, NULL);
        ck_assert_uint_lt(bill(&w), before);
        before = bill(&w);
        workload_free(&w);
    }
}
END_TEST

START_TEST(the_least_used_block_leaves_and_the_tail_before_the_head)
{
    struct cache_policy lru = {.kind = CACHE_LRU, .lru_tokens = 4 * 16, .step = 1};
    struct prefix_cache *c = prefix_cache_create(&lru, 16);
    static const uint64_t a[] = {1, 2, 3}, b[] = {7, 8}, other[] = {9};
    ck_assert_uint_eq(prefix_cache_use(c, a, 3, 40, 0), 0);
    ck_assert_uint_eq(prefix_cache_use(c, a, 3, 40, 1), 40); /* the tail is partial */
    ck_assert_uint_eq(prefix_cache_use(c, b, 2, 32, 2), 0);  /* pushes block 3 out */
    ck_assert_uint_eq(prefix_cache_use(c, a, 3, 40, 3), 32); /* brings it back, block 8 leaves */
    ck_assert_uint_eq(prefix_cache_use(c, b, 1, 16, 4), 16);
    ck_assert_uint_eq(prefix_cache_use(c, other, 1, 16, 5), 0);
    ck_assert_uint_eq(prefix_cache_use(c, a, 2, 32, 6), 32);
    prefix_cache_free(c);
}
END_TEST

START_TEST(an_idle_block_is_gone)
{
    struct cache_policy ttl = {.kind = CACHE_TTL, .ttl_ns = 100, .step = 1};
    struct prefix_cache *c = prefix_cache_create(&ttl, 16);
    static const uint64_t a[] = {1, 2};
    prefix_cache_use(c, a, 2, 32, 0);
    ck_assert_uint_eq(prefix_cache_use(c, a, 1, 16, 90), 16); /* refreshes block 1 only */
    ck_assert_uint_eq(prefix_cache_use(c, a, 2, 32, 110), 16);
    ck_assert_uint_eq(prefix_cache_use(c, a, 2, 32, 211), 0);
    prefix_cache_free(c);
}
END_TEST

START_TEST(cache_writes_are_what_is_new)
{
    struct workload w;
    make("{\"input\": 100, \"output\": 1, \"system_prompt\": {\"tokens\": 160}}", 2, &w);
    apply("cache=infinite,min:128,step:64,write:1h", &w, NULL);
    struct usage first = workload_usage(&w, 0), second = workload_usage(&w, 1);
    ck_assert_uint_eq(first.tokens[USAGE_CACHE_WRITE_1H], 256);
    ck_assert_uint_eq(first.tokens[USAGE_UNCACHED_INPUT], 4);
    ck_assert_uint_eq(second.tokens[USAGE_CACHED_INPUT], 128);
    ck_assert_uint_eq(second.tokens[USAGE_CACHE_WRITE_1H], 128);
    workload_free(&w);
}
END_TEST

#define CHAT "{\"input\": 30, \"output\": 20, \"session\": {\"turns\": 4, \"think_s\": 0.5}}"

START_TEST(time_scales_delays_and_rate_does_not)
{
    struct workload w;
    struct request r;
    make(CHAT, 8, &w);
    apply("time=2", &w, NULL);
    workload_get(&w, 4, &r);
    ck_assert_int_eq(r.timestamp_ns, 2 * NS_PER_S);
    workload_get(&w, 5, &r);
    ck_assert_int_eq(r.delay_ns, NS_PER_S);
    apply("rate=4", &w, NULL);
    workload_get(&w, 4, &r);
    ck_assert_int_eq(r.timestamp_ns, NS_PER_S / 2);
    workload_get(&w, 5, &r);
    ck_assert_int_eq(r.delay_ns, NS_PER_S);
    workload_free(&w);
}
END_TEST

START_TEST(sampling_keeps_sessions_whole)
{
    struct workload w;
    make(CHAT, 4000, &w);
    apply("sample=0.3", &w, NULL);
    ck_assert_uint_eq(w.count % 4, 0);
    ck_assert_uint_gt(w.count, 1000);
    ck_assert_uint_lt(w.count, 1400);
    for (size_t i = 0; i < w.count; i++) {
        struct request r;
        workload_get(&w, i, &r);
        ck_assert_uint_eq(r.after_count, i % 4 ? 1 : 0);
        if (i % 4)
            ck_assert_uint_eq(r.after[0], i - 1);
    }
    workload_free(&w);
}
END_TEST

START_TEST(a_window_keeps_the_sessions_that_begin_in_it)
{
    struct workload w;
    struct request r;
    make(CHAT, 40, &w);
    apply("window=2s..5s", &w, NULL);
    ck_assert_uint_eq(w.count, 12);
    workload_get(&w, 4, &r);
    ck_assert_int_eq(r.timestamp_ns, NS_PER_S);
    ck_assert_str_eq(r.request_id, "s4.1");
    workload_free(&w);
}
END_TEST

START_TEST(truncation_cuts_contexts_and_their_blocks)
{
    struct workload w;
    struct request r;
    make(CHAT, 4, &w); /* 30, 80, 130, 180 tokens */
    apply("truncate=turns:2", &w, NULL);
    static const uint32_t inputs[] = {30, 80, 80, 80};
    for (size_t i = 0; i < 4; i++) {
        workload_get(&w, i, &r);
        ck_assert_uint_eq(r.input_tokens, inputs[i]);
        ck_assert_uint_eq(r.hash_count, (inputs[i] + 15) / 16);
    }
    workload_free(&w);
    make(CHAT, 4, &w);
    uint64_t second_block = w.hash_ids[w.hash_start[3] + 1];
    apply("truncate=tokens:100,head:32", &w, NULL);
    workload_get(&w, 3, &r);
    ck_assert_uint_eq(r.input_tokens, 100);
    ck_assert_uint_eq(r.hash_count, 7);
    ck_assert_uint_eq(r.hash_ids[1], second_block);
    workload_free(&w);
}
END_TEST

START_TEST(a_response_cache_drops_repeats_and_their_children_move_up)
{
    struct workload w;
    static const uint64_t same[] = {5, 6};
    workload_init(&w);
    for (uint32_t i = 0; i < 4; i++) {
        struct request r = {.timestamp_ns = i * NS_PER_S,
                            .input_tokens = 30,
                            .output_tokens = 1,
                            .attempts = 1,
                            .hash_ids = same,
                            .hash_count = 2,
                            .block_size = 16};
        uint32_t parent = 1;
        if (i == 3) { /* waits for the second one, which the cache answers */
            r.timestamp_ns = TIME_NEVER;
            r.after = &parent;
            r.after_count = 1;
            r.delay_ns = 500;
            r.hash_count = 1;
            r.input_tokens = 16;
        }
        testing_add(&w, r);
    }
    apply("responses=ttl:1500ms", &w, NULL);
    /* The second is a repeat; the third comes too late for the first one's answer. */
    ck_assert_uint_eq(w.count, 3);
    struct request child;
    workload_get(&w, 2, &child);
    ck_assert_int_eq(child.timestamp_ns, NS_PER_S + 500);
    ck_assert_uint_eq(child.after_count, 0);
    ck_assert_str_eq(child.request_id, "r4");
    workload_free(&w);
}
END_TEST

START_TEST(retries_follow_their_failure_rate)
{
    struct workload w;
    make("{\"input\": 1, \"output\": 1}", 20000, &w);
    apply("retry=fail:0.5,max:3", &w, NULL);
    double attempts = 0, failed = 0;
    for (size_t i = 0; i < w.count; i++) {
        struct request r;
        workload_get(&w, i, &r);
        attempts += r.attempts;
        failed += r.status == REQUEST_FAILED;
    }
    ck_assert_double_eq_tol(attempts / 20000, 1.75, 0.03);
    ck_assert_double_eq_tol(failed / 20000, 0.125, 0.01);
    apply("retry=max:1", &w, NULL);
    double failed_once = 0;
    for (size_t i = 0; i < w.count; i++)
        failed_once += w.status[i] == REQUEST_FAILED;
    ck_assert_double_eq_tol(failed_once / 20000, 0.5, 0.02);
    workload_free(&w);
}
END_TEST

#define AGENT                                                                                    \
    "{\"input\": 100, \"output\": 30, \"tools\": {\"steps\": 2, \"output\": 10, \"result\": 50," \
    " \"time_s\": 1, \"calls\": 3, \"call_input\": 5, \"call_output\": 7}}"

START_TEST(serial_calls_wait_for_one_another_and_grow)
{
    struct workload w;
    make(AGENT, 9, &w);
    apply("tools=serial", &w, NULL);
    static const uint32_t inputs[] = {100, 115, 122, 129, 181};
    for (size_t i = 0; i < 5; i++) {
        struct request r;
        workload_get(&w, i, &r);
        ck_assert_uint_eq(r.input_tokens, inputs[i]);
        ck_assert_uint_eq(r.hash_count, (inputs[i] + 15) / 16);
        ck_assert_uint_eq(r.after_count, i == 0 ? 0 : i == 4 ? 3 : 1);
        if (i > 0 && i < 4)
            ck_assert_uint_eq(r.after[0], i - 1);
    }
    workload_free(&w);
}
END_TEST

START_TEST(chained_steps_go_side_by_side)
{
    struct workload w;
    make("{\"input\": 100, \"output\": 30, \"tools\": {\"steps\": 4, \"output\": 10, \"result\":"
         " 50, \"time_s\": 1}}",
         5, &w); /* 100, 160, 220, 280, 340 */
    apply("tools=parallel:3", &w, NULL);
    static const uint32_t inputs[] = {100, 160, 160, 160, 340};
    for (size_t i = 0; i < 5; i++) {
        struct request r;
        workload_get(&w, i, &r);
        ck_assert_uint_eq(r.input_tokens, inputs[i]);
        ck_assert_uint_eq(r.after_count, i == 0 ? 0 : i == 4 ? 3 : 1);
        if (i > 0)
            ck_assert_uint_eq(r.after[0], i == 4 ? 1 : 0);
    }
    workload_free(&w);
}
END_TEST

START_TEST(complexity_comes_from_labels_and_classes_route_too)
{
    struct workload w;
    struct request r;
    make("{\"class\": \"a\", \"labels\": {\"complexity\": 0.5}, \"input\": 1, \"output\": 1}", 1,
         &w);
    apply("route=complexity<0.3:small,complexity<0.7:general,*:large", &w, NULL);
    workload_get(&w, 0, &r);
    ck_assert_str_eq(r.model, "general");
    apply("route=class=b:other,class=a:mine", &w, NULL);
    workload_get(&w, 0, &r);
    ck_assert_str_eq(r.model, "mine");
    apply("service=batch,class:a", &w, NULL);
    ck_assert_int_eq(w.service[0], SERVICE_BATCH);
    apply("priority=-3,class:b", &w, NULL);
    workload_get(&w, 0, &r);
    ck_assert_int_eq(r.priority, 0);
    apply("priority=-3,class:a", &w, NULL);
    workload_get(&w, 0, &r);
    ck_assert_int_eq(r.priority, -3);
    apply("priority=7", &w, NULL);
    workload_get(&w, 0, &r);
    ck_assert_int_eq(r.priority, 7);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *text, *says;
} wrong[] = {
    {"cahce=ttl:300s", "did you mean \"cache\""},
    {"cache=tll:300s", "did you mean \"ttl\""},
    {"cache=min:1024", "expected cache=none|infinite"},
    {"cache=ttl:soon", "a time such as 300s"},
    {"cache=none,infinite", "not several"},
    {"route=input<300", "RULE:MODEL"},
    {"route=inptu<300:x", "did you mean \"input\""},
    {"route=input<many:x", "a number"},
    {"sample=2", "a number from"},
    {"window=5..2", "ends after it begins"},
    {"truncate=", "expected truncate="},
    {"truncate=tokens:100,head:100", "shorter than what is kept"},
    {"retry=fail:0.5", "expected retry="},
    {"service=", "expected service=NAME"},
    {"priority=1.5", "a whole number"},
    {"priority=high", "expected a number"},
    {"priority=1,chat", "class:NAME"},
    {"tools=serial,parallel:3", "expected tools="},
};

START_TEST(what_is_wrong_is_quoted)
{
    struct transform t;
    struct error err = {0};
    ck_assert_int_eq(transform_parse(wrong[_i].text, &t, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, wrong[_i].says) != NULL, "%s", err.message);
}
END_TEST

START_TEST(a_workload_without_blocks_has_no_prefix_cache)
{
    struct workload w;
    struct transform t;
    struct error err = {0};
    workload_init(&w);
    workload_add_plain(&w, 0, 10, 1);
    ck_assert_int_eq(transform_parse("cache=infinite", &t, &err), 0);
    ck_assert_int_eq(transform_apply(&t, 1, &w, NULL, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "hash_ids"));
    ck_assert_uint_eq(w.count, 1);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transform");
    TCase *t = tcase_create("transform");
    tcase_add_loop_test(t, routing_by_input_sends_the_known_counts, 0, 2);
    tcase_add_loop_test(t, prefix_caches_cost_what_is_known, 0,
                        (int)(sizeof caches / sizeof *caches));
    tcase_add_loop_test(t, the_infinite_cache_hits_the_known_share, 0, 2);
    tcase_add_loop_test(t, a_smaller_cache_hits_less, 0, 2);
    tcase_add_test(t, the_least_used_block_leaves_and_the_tail_before_the_head);
    tcase_add_test(t, an_idle_block_is_gone);
    tcase_add_test(t, cache_writes_are_what_is_new);
    tcase_add_test(t, time_scales_delays_and_rate_does_not);
    tcase_add_test(t, sampling_keeps_sessions_whole);
    tcase_add_test(t, a_window_keeps_the_sessions_that_begin_in_it);
    tcase_add_test(t, truncation_cuts_contexts_and_their_blocks);
    tcase_add_test(t, a_response_cache_drops_repeats_and_their_children_move_up);
    tcase_add_test(t, retries_follow_their_failure_rate);
    tcase_add_test(t, serial_calls_wait_for_one_another_and_grow);
    tcase_add_test(t, chained_steps_go_side_by_side);
    tcase_add_test(t, complexity_comes_from_labels_and_classes_route_too);
    tcase_add_loop_test(t, what_is_wrong_is_quoted, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(t, a_workload_without_blocks_has_no_prefix_cache);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
