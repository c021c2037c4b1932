#include "testing_workload.h"

#include "core/error.h"
#include "core/memory.h"
#include "workloads/model/workload.h"

#include <string.h>

static const struct request plain = {.timestamp_ns = 0, .attempts = 1};

START_TEST(a_row_comes_back_as_it_went_in)
{
    struct workload w;
    struct error err = {0};
    uint64_t hashes[] = {7, UINT64_MAX};
    uint32_t after[] = {0};
    struct usage_extra extras[] = {{"web_search", 2000000, 0}, {"audio_second", 10500000, 1}};
    struct request first = plain, r = plain, got;
    first.request_id = "a";
    r.timestamp_ns = 1500;
    r.delay_ns = 12;
    r.input_tokens = 1000;
    r.output_tokens = 100;
    r.after = after;
    r.after_count = 1;
    r.hash_ids = hashes;
    r.hash_count = 2;
    r.block_size = 512;
    r.request_id = "b";
    r.session_id = "s";
    r.model = "m";
    r.class_name = "rag";
    r.labels = "{\"user\": \"u\"}";
    r.service = SERVICE_FLEX;
    r.priority = -3;
    r.messages = text_of("[]");
    r.body = text_of("{}");
    r.extra = text_of("\"x\": 1");
    r.has_usage = true;
    r.usage = usage_from_totals(1000, 600, 100, 50, 100, 40);
    r.usage.extras = extras;
    r.usage.extra_count = 2;
    r.status = REQUEST_ABORTED;
    r.attempts = 3;
    r.has_cost = true;
    r.cost = MONEY_USD / 8;
    workload_init(&w);
    ck_assert_int_eq(workload_add(&w, &first, &err), 0);
    ck_assert_int_eq(workload_add(&w, &r, &err), 0);
    workload_get(&w, 1, &got);
    ck_assert_int_eq(got.timestamp_ns, 1500);
    ck_assert_int_eq(got.delay_ns, 12);
    ck_assert_uint_eq(got.after_count, 1);
    ck_assert_uint_eq(got.after[0], 0);
    ck_assert_uint_eq(got.hash_count, 2);
    ck_assert_uint_eq(got.hash_ids[1], UINT64_MAX);
    ck_assert_uint_eq(got.block_size, 512);
    ck_assert_str_eq(got.request_id, "b");
    ck_assert_str_eq(got.session_id, "s");
    ck_assert_str_eq(got.model, "m");
    ck_assert_str_eq(got.class_name, "rag");
    ck_assert_str_eq(got.labels, "{\"user\": \"u\"}");
    ck_assert_int_eq(got.service, SERVICE_FLEX);
    ck_assert_int_eq(got.priority, -3);
    ck_assert(text_equal(got.messages, "[]") && text_equal(got.body, "{}"));
    ck_assert(text_equal(got.extra, "\"x\": 1"));
    ck_assert(got.has_usage);
    ck_assert_uint_eq(got.usage.tokens[USAGE_UNCACHED_INPUT], 250);
    ck_assert_uint_eq(got.usage.tokens[USAGE_CACHE_WRITE_1H], 50);
    ck_assert_uint_eq(got.usage.tokens[USAGE_OUTPUT], 60);
    ck_assert_uint_eq(got.usage.extra_count, 2);
    ck_assert_str_eq(got.usage.extras[1].name, "audio_second");
    ck_assert_int_eq(got.status, REQUEST_ABORTED);
    ck_assert_uint_eq(got.attempts, 3);
    ck_assert(got.has_cost && got.cost == MONEY_USD / 8);
    workload_get(&w, 0, &got);
    ck_assert(!got.has_usage && !got.has_cost && !got.model && got.hash_count == 0);
    ck_assert_uint_eq(got.attempts, 1);
    workload_free(&w);
}
END_TEST

START_TEST(columns_that_come_late_hold_the_defaults_before)
{
    struct workload w;
    struct request r = plain, got;
    workload_init(&w);
    for (uint32_t i = 0; i < 1000; i++) {
        r.input_tokens = i;
        r.model = i >= 500 ? "m" : NULL;
        r.attempts = i >= 500 ? 2 : 1;
        r.has_cost = i >= 500;
        r.cost = i;
        ck_assert_int_eq(workload_add(&w, &r, NULL), 0);
    }
    for (size_t i = 0; i < 1000; i++) {
        workload_get(&w, i, &got);
        ck_assert_uint_eq(got.input_tokens, i);
        ck_assert_int_eq(got.model != NULL, i >= 500);
        ck_assert_uint_eq(got.attempts, i >= 500 ? 2 : 1);
        ck_assert_int_eq(got.has_cost, i >= 500);
    }
    ck_assert_ptr_null(w.session);
    workload_free(&w);
}
END_TEST

START_TEST(what_the_columns_cannot_hold_is_refused_and_changes_nothing)
{
    struct workload w;
    struct request r = plain;
    uint64_t hash = 1;
    workload_init(&w);
    r.request_id = "a";
    ck_assert_int_eq(workload_add(&w, &r, NULL), 0);
    ck_assert_int_eq(workload_add(&w, &r, NULL), ERR_INPUT);
    r.request_id = NULL;
    ck_assert_int_eq(workload_add(&w, &r, NULL), ERR_INPUT);
    r.request_id = "b";
    r.hash_ids = &hash;
    r.hash_count = 1;
    ck_assert_int_eq(workload_add(&w, &r, NULL), ERR_INPUT);
    r.block_size = 16;
    ck_assert_int_eq(workload_add(&w, &r, NULL), 0);
    r.block_size = 64;
    r.request_id = "c";
    ck_assert_int_eq(workload_add(&w, &r, NULL), ERR_INPUT);
    r.hash_count = 0;
    r.has_usage = true;
    r.input_tokens = 5;
    ck_assert_int_eq(workload_add(&w, &r, NULL), ERR_INPUT);
    ck_assert_uint_eq(w.count, 2);
    workload_free(&w);
}
END_TEST

START_TEST(ids_are_made_where_none_are_given)
{
    struct workload w;
    char made[REQUEST_ID_SIZE];
    workload_init(&w);
    workload_add_plain(&w, 0, 1, 1);
    workload_add_plain(&w, 0, 1, 1);
    ck_assert_str_eq(workload_request_id(&w, 1, made), "r2");
    workload_free(&w);
}
END_TEST

START_TEST(tokens_are_summed_beyond_32_bits)
{
    struct workload w;
    uint64_t input, output;
    workload_init(&w);
    workload_sum_tokens(&w, 0, &input, &output);
    ck_assert(input == 0 && output == 0);
    workload_add_plain(&w, 0, UINT32_MAX, 1);
    workload_add_plain(&w, 0, 2, 3);
    workload_add_plain(&w, 0, 7, 9);
    workload_sum_tokens(&w, 2, &input, &output);
    ck_assert_uint_eq(input, (uint64_t)UINT32_MAX + 2);
    ck_assert_uint_eq(output, 4);
    workload_free(&w);
}
END_TEST

START_TEST(time_order_keeps_ties_and_puts_the_untimed_last)
{
    static const int64_t times[] = {30, TIME_NEVER, 10, 30, 20, 10};
    static const uint32_t expected[] = {2, 5, 4, 0, 3, 1};
    struct workload w;
    int64_t first, last;
    workload_init(&w);
    ck_assert(!workload_time_range(&w, &first, &last));
    for (size_t i = 0; i < 6; i++)
        workload_add_plain(&w, times[i], 1, 1);
    uint32_t *order = workload_time_order(&w);
    ck_assert_mem_eq(order, expected, sizeof expected);
    free(order);
    ck_assert(workload_time_range(&w, &first, &last));
    ck_assert_int_eq(first, 10);
    ck_assert_int_eq(last, 30);
    ck_assert_int_eq(workload_span_ns(&w), 30);
    w.has_start = true;
    w.start_unix_ns = 100;
    workload_shift(&w, -10);
    ck_assert_int_eq(w.timestamp_ns[2], 0);
    ck_assert_int_eq(w.timestamp_ns[1], TIME_NEVER);
    ck_assert_int_eq(w.start_unix_ns, 110);
    workload_free(&w);
}
END_TEST

/* Rows that wait: row i for the parents[i] (−1 = none). */
static int check_parents(const int *parents, size_t count, size_t *row)
{
    struct workload w;
    workload_init(&w);
    for (size_t i = 0; i < count; i++) {
        struct request r = plain;
        uint32_t parent = (uint32_t)parents[i];
        r.after = &parent;
        r.after_count = parents[i] >= 0;
        testing_add(&w, r);
    }
    int status = workload_check_order(&w, row, NULL);
    workload_free(&w);
    return status;
}

START_TEST(rings_and_missing_parents_are_found)
{
    size_t row = 99;
    ck_assert_int_eq(check_parents((int[]){-1, 0, 1, 1}, 4, &row), 0);
    ck_assert_int_eq(check_parents((int[]){3, 0, -1, 2}, 4, &row), 0);
    ck_assert_int_eq(check_parents((int[]){-1, 1}, 2, &row), ERR_INPUT);
    ck_assert_uint_eq(row, 1);
    /* Row 0 hangs on the ring 2 → 3 → 4 → 2 without lying on it. */
    ck_assert_int_eq(check_parents((int[]){2, -1, 3, 4, 2}, 5, &row), ERR_INPUT);
    ck_assert(row >= 2);
    ck_assert_int_eq(check_parents((int[]){-1, 7}, 2, &row), ERR_INPUT);
    ck_assert_uint_eq(row, 1);
}
END_TEST

START_TEST(service_names_go_both_ways)
{
    for (int i = 0; i < SERVICE_COUNT; i++)
        ck_assert_int_eq(service_from_name(text_of(service_name((enum service)i))), i);
    ck_assert_int_eq(service_from_name(text_of("fast")), -1);
    ck_assert_int_eq(service_called(text_of("fast")), SERVICE_OTHER);
    ck_assert_int_eq(service_called(text_of("flex")), SERVICE_FLEX);
    ck_assert_int_eq(service_called(text_of("on_demand")), SERVICE_STANDARD);
}
END_TEST

START_TEST(services_of_other_names_keep_them)
{
    struct workload w;
    struct request r;
    struct error err = {0};
    char name[16];
    workload_init(&w);
    for (int i = 0; i < 251; i++) {
        snprintf(name, sizeof name, "tier%d", i);
        r = (struct request){.service = SERVICE_OTHER, .other_service = name, .attempts = 1};
        ck_assert_int_eq(workload_add(&w, &r, &err), i < 250 ? 0 : ERR_INPUT);
    }
    r = (struct request){.service = SERVICE_BATCH, .attempts = 1};
    ck_assert_int_eq(workload_add(&w, &r, &err), 0);
    workload_get(&w, 249, &r);
    ck_assert_str_eq(request_service(&r), "tier249");
    workload_get(&w, 250, &r);
    ck_assert_str_eq(request_service(&r), "batch");
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("workload");
    TCase *t = tcase_create("model");
    tcase_add_test(t, a_row_comes_back_as_it_went_in);
    tcase_add_test(t, columns_that_come_late_hold_the_defaults_before);
    tcase_add_test(t, what_the_columns_cannot_hold_is_refused_and_changes_nothing);
    tcase_add_test(t, ids_are_made_where_none_are_given);
    tcase_add_test(t, tokens_are_summed_beyond_32_bits);
    tcase_add_test(t, time_order_keeps_ties_and_puts_the_untimed_last);
    tcase_add_test(t, rings_and_missing_parents_are_found);
    tcase_add_test(t, service_names_go_both_ways);
    tcase_add_test(t, services_of_other_names_keep_them);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
