/* What sessions have said: answers gathered from events of every size, histories and their end. */
#include "bench/prompt/prompt.h"
#include "tests/unit/testing_workload.h"

#include <cjson/cJSON.h>
#include <string.h>

static void gather(const char *const *events, struct reply *r)
{
    for (; *events; events++)
        api_chat.read_reply(text_of(*events), r);
}

static int add_nothing(const void *source, struct buffer *out)
{
    (void)source;
    return buffer_add_text(out, "asked");
}

/* The turn as a list of messages; the caller deletes it. */
static cJSON *turn_of(const struct reply *r)
{
    struct api_prompt p = {.add_text = add_nothing, .history = {"", 0}};
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_byte(&b, '[');
    ck_assert_int_eq(api_chat.add_turn(&p, r, &b), 0);
    b.data[b.length - 1] = ']';
    cJSON *tree = cJSON_Parse(b.data);
    ck_assert_msg(tree != NULL, "not JSON: %s", b.data);
    buffer_free(&b);
    return tree;
}

static const char *member(const cJSON *list, int i, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(list, i), key));
}

START_TEST(text_is_gathered_and_reasoning_is_not)
{
    static const char *const events[] = {
        "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
        "{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\",\"content\":null}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a \\\"b\\\"\\n\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"c\"},"
        "{\"type\":\"thinking\",\"thinking\":\"no\"},\"odd\"]}},{\"delta\":{\"content\":\"other\"}}"
        "]}",
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":3}}",
        "{\"choices\":null}",
        "{\"choices\":[{\"delta\":{\"refusal\":\"d\"}}]}",
        "[DONE]",
        "[1,{}]",
        NULL};
    struct reply r = {0};
    gather(events, &r);
    ck_assert_str_eq(r.text.data, "a \"b\"\ncd");
    reply_add(&r.text, (struct text){"\xc3", 1}); /* half a character */
    cJSON *turn = turn_of(&r);
    ck_assert_int_eq(cJSON_GetArraySize(turn), 2);
    ck_assert_str_eq(member(turn, 0, "content"), "asked");
    ck_assert_str_eq(member(turn, 1, "content"), "a \"b\"\ncd?");
    cJSON_Delete(turn);
    reply_clear(&r);
    ck_assert(reply_is_empty(&r));
    reply_free(&r);
}
END_TEST

START_TEST(calls_without_a_number_are_told_apart)
{
    static const char *const events[] = {
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"x\",\"function\":{\"name\":\"f\"}}]}}]"
        "}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"y\",\"function\":{\"name\":\"g\"}}]}}]"
        "}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":4000000000,\"id\":\"z\"},7,null]}}]}",
        NULL};
    struct reply r = {0};
    gather(events, &r);
    ck_assert_uint_eq(r.call_count, 2);
    ck_assert_str_eq(r.calls[0].arguments.data, "{}");
    ck_assert_str_eq(r.calls[1].name.data, "g");
    cJSON *turn = turn_of(&r);
    ck_assert_int_eq(cJSON_GetArraySize(turn), 4);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(turn, 1), "content")));
    ck_assert_str_eq(member(turn, 2, "tool_call_id"), "x");
    ck_assert_str_eq(member(turn, 3, "tool_call_id"), "y");
    cJSON_Delete(turn);
    reply_free(&r);
}
END_TEST

START_TEST(a_history_lasts_until_its_sessions_last_row)
{
    struct workload w;
    struct request r = {.input_tokens = 20, .output_tokens = 4, .session_id = "a"};
    workload_init(&w);
    for (int i = 0; i < 3; i++)
        testing_add(&w, r);
    r.session_id = "alone";
    testing_add(&w, r);
    struct threads *all = threads_create(&w);
    struct thread *t = threads_find(all, 0, 0);
    ck_assert_ptr_nonnull(t);
    ck_assert_ptr_eq(threads_find(all, 2, 0), t);
    ck_assert_ptr_ne(threads_find(all, 0, 1), t);
    ck_assert_ptr_null(threads_find(all, 3, 0));
    buffer_add_text(&t->history, "said");
    threads_row_ended(all, 0, 0);
    threads_row_ended(all, 1, 0);
    threads_row_ended(all, 0, 1);
    ck_assert_uint_eq(threads_find(all, 2, 0)->history.length, 4);
    threads_row_ended(all, 2, 0);
    ck_assert_uint_eq(threads_find(all, 2, 0)->history.length, 0);
    threads_free(all);
    workload_free(&w);
}
END_TEST

START_TEST(new_text_fills_up_to_the_asked_length)
{
    struct workload w;
    struct request r = {.input_tokens = 60, .output_tokens = 4, .session_id = "a"};
    workload_init(&w);
    testing_add(&w, r);
    testing_add(&w, r);
    struct prompt_config c = {&api_completions, false, NULL, NULL, 1};
    struct prompt_maker *m = prompt_maker_create(&c, &w, NULL);
    prompt_maker_set_scale(m, &(struct prompt_scale){.tokens_per_word = 2, .template_tokens = 10});
    static const double said[] = {20, 57, 58, 59.5, 60, 300};
    static const unsigned words[] = {20, 2, 1, 1, 1, 1};
    struct reply reply = {0};
    struct prompt_made made;
    struct due due = {0};
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    struct threads *all = threads_create(&w);
    struct thread *t = threads_find(all, 0, 0);
    ck_assert_int_eq(prompt_maker_build_turn(m, &w, &due, "m", t, &made, &b), 0);
    ck_assert(!made.later && !made.longer);
    prompt_maker_add_turn(m, &w, &due, &made, &reply, said[_i], t);
    size_t length = t->history.length;
    due = (struct due){.row = 1, .ordinal = 1};
    buffer_clear(&b);
    ck_assert_int_eq(prompt_maker_build_turn(m, &w, &due, "m", t, &made, &b), 0);
    ck_assert(made.later);
    ck_assert_int_eq(made.longer, _i > 2);
    ck_assert_uint_eq((size_t)(strchr(strstr(b.data, "\"prompt\":\"") + 10, '"') - b.data) -
                          (size_t)(strstr(b.data, "\"prompt\":\"") + 10 - b.data) - length,
                      words[_i] * WORD_TOKENS);
    buffer_free(&b);
    threads_free(all);
    prompt_maker_free(m);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *t = tcase_create("threads");
    tcase_add_test(t, text_is_gathered_and_reasoning_is_not);
    tcase_add_test(t, calls_without_a_number_are_told_apart);
    tcase_add_test(t, a_history_lasts_until_its_sessions_last_row);
    tcase_add_loop_test(t, new_text_fills_up_to_the_asked_length, 0, 6);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
