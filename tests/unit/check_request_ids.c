/* Request ids: numbered ones are not kept as text, and nobody sees a difference. */
#include "testing_trace.h"
#include "testing_workload.h"

#include "workloads/model/request_ids.h"

static const struct {
    const char *ids[6];
    bool named; /* after the last one */
} lists[] = {
    {{"r1", "r2", "r3"}, false},
    {{"r8", "r9", "r10", "r11"}, false},
    {{"98", "99", "100"}, false},
    {{"a-b-0", "a-b-1"}, false},
    {{"r1", "r2", "r4", "r3"}, true},
    {{"r09", "r10"}, true},
    {{"r9", "r010"}, true},
    {{"x", "y", "x1"}, true},
    {{"4294967294", "4294967295", "4294967296"}, true},
    {{"a-beginning-that-is-long-1", "a-beginning-that-is-long-2"}, true},
};

START_TEST(every_id_is_found_and_read_as_it_was_given)
{
    struct request_ids ids = {0};
    char made[REQUEST_ID_SIZE];
    size_t count = 0;
    for (; lists[_i].ids[count]; count++)
        ck_assert(request_ids_add(&ids, text_of(lists[_i].ids[count])));
    ck_assert_uint_eq(ids.count, count);
    ck_assert_int_eq(ids.named, lists[_i].named);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(request_ids_text(&ids, i, made), lists[_i].ids[i]);
        ck_assert_uint_eq(request_ids_find(&ids, text_of(lists[_i].ids[i])), i);
        ck_assert(i == 0 || !request_ids_add(&ids, text_of(lists[_i].ids[i - 1])));
    }
    ck_assert_ptr_null(request_ids_text(&ids, ids.count, made));
    request_ids_free(&ids);
}
END_TEST

START_TEST(what_was_not_given_is_not_found)
{
    static const char *const others[] = {"r0", "r4", "r01", "r",           "s1",
                                         "1",  "",   "r11", "r99999999999"};
    struct request_ids ids = {0};
    for (int i = 0; i < 3; i++)
        ck_assert(request_ids_add(&ids, text_of(lists[0].ids[i])));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        ck_assert_uint_eq(request_ids_find(&ids, text_of(others[i])), NAME_NONE);
    request_ids_free(&ids);
}
END_TEST

START_TEST(an_id_given_twice_is_refused_before_and_after_the_numbers_end)
{
    testing_refused(
        "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"request_id\":\"r1\"}\n"
        "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"request_id\":\"r1\"}\n",
        2, 0, "\"r1\" was used before");
    testing_refused(
        "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"request_id\":\"r1\"}\n"
        "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"request_id\":\"x\"}\n"
        "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"request_id\":\"r1\"}\n",
        3, 0, "\"r1\" was used before");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("request ids");
    TCase *t = tcase_create("request ids");
    tcase_add_loop_test(t, every_id_is_found_and_read_as_it_was_given, 0, COUNT_OF(lists));
    tcase_add_test(t, what_was_not_given_is_not_found);
    tcase_add_test(t, an_id_given_twice_is_refused_before_and_after_the_numbers_end);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
