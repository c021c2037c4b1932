/* What sessions have said: answers gathered from events of every size, histories and their end. */
#include "bench/prompt/prompt.h"
#include "tests/unit/testing_workload.h"

#include <cjson/cJSON.h>
#include <string.h>

static void gather_of(const struct bench_api *api, const char *const *events, struct reply *r)
{
    for (; *events; events++)
        api->read_reply(text_of(*events), r);
}

static void gather(const char *const *events, struct reply *r)
{
    gather_of(&api_chat, events, r);
}

static int add_nothing(const void *source, struct buffer *out)
{
    (void)source;
    return buffer_add_text(out, "asked");
}

/* The turn as a list of messages or items; the caller deletes it. */
static cJSON *turn_in(const struct bench_api *api, const struct reply *r)
{
    struct api_prompt p = {.add_text = add_nothing, .history = {"", 0}};
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_byte(&b, '[');
    ck_assert_int_eq(api->add_turn(&p, r, &b), 0);
    b.data[b.length - 1] = ']';
    cJSON *tree = cJSON_Parse(b.data);
    ck_assert_msg(tree != NULL, "not JSON: %s", b.data);
    buffer_free(&b);
    return tree;
}

static cJSON *turn_of(const struct reply *r)
{
    return turn_in(&api_chat, r);
}

/* What the turn is, without blanks. */
static void assert_turn(const struct bench_api *api, const struct reply *r, const char *expected)
{
    cJSON *turn = turn_in(api, r);
    char *text = cJSON_PrintUnformatted(turn);
    ck_assert_str_eq(text, expected);
    cJSON_free(text);
    cJSON_Delete(turn);
}

static const char *member(const cJSON *list, int i, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(list, i), key));
}

static int add_number(const void *source, size_t i, struct buffer *out)
{
    (void)source;
    return buffer_add_u64(out, i), 0;
}

#define CHAT_IMAGE(n) "{'type':'image_url','image_url':{'url':'data:image/png;base64," n "'}}"
#define INPUT_IMAGE(n) "{'type':'input_image','image_url':'data:image/png;base64," n "'}"
#define BLOCK(n) \
    "{'type':'image','source':{'type':'base64','media_type':'image/png','data':'" n "'}}"

static const struct {
    const struct bench_api *api;
    const char *member, *user, *answer;
} with_images[] = {
    {&api_chat, "messages",
     "{'role':'user','content':[{'type':'text','text':'asked'}," CHAT_IMAGE("0") "," CHAT_IMAGE(
         "1") "]}",
     "{'role':'assistant','content':'said'}"},
    {&api_responses, "input",
     "{'type':'message','role':'user','content':[{'type':'input_text','text':'asked'}," INPUT_IMAGE(
         "0") "," INPUT_IMAGE("1") "]}",
     "{'type':'message','role':'assistant','content':'said'}"},
    {&api_messages, "messages",
     "{'role':'user','content':[{'type':'text','text':'asked'}," BLOCK("0") "," BLOCK("1") "]}",
     "{'role':'assistant','content':[{'type':'text','text':'said'}]}"},
};

static void assert_same(const cJSON *got, const char *expected)
{
    char *want = mem_copy_string(expected), *text = cJSON_PrintUnformatted(got);
    for (char *c = want; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    ck_assert_str_eq(text, want);
    cJSON_free(text);
    free(want);
}

/* A first prompt, and one behind a turn that had the same images. */
START_TEST(images_stand_behind_the_text_of_their_turn)
{
    struct api_prompt p = {.images = 2, .add_image = add_number, .add_text = add_nothing};
    struct reply r = {0};
    struct buffer history, body;
    p.messages = p.history = (struct text){"", 0};
    reply_add(&r.text, text_of("said"));
    buffer_init(&history, BUFFER_UNBOUNDED);
    ck_assert_int_eq(with_images[_i].api->add_turn(&p, &r, &history), 0);
    for (int turns = 0; turns < 2; turns++) {
        buffer_init(&body, BUFFER_UNBOUNDED);
        buffer_add_byte(&body, '{');
        ck_assert_int_eq(with_images[_i].api->add_prompt(&p, &body), 0);
        body.data[body.length - 1] = '}'; /* the last comma */
        cJSON *tree = cJSON_ParseWithLength(body.data, body.length);
        const cJSON *list = cJSON_GetObjectItem(tree, with_images[_i].member);
        ck_assert_int_eq(cJSON_GetArraySize(list), turns ? 3 : 1);
        assert_same(cJSON_GetArrayItem(list, 0), with_images[_i].user);
        if (turns) {
            assert_same(cJSON_GetArrayItem(list, 1), with_images[_i].answer);
            assert_same(cJSON_GetArrayItem(list, 2), with_images[_i].user);
        }
        cJSON_Delete(tree);
        buffer_free(&body);
        p.history = (struct text){history.data, history.length};
    }
    buffer_free(&history);
    reply_free(&r);
}
END_TEST

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

#define USER_ITEM "{\"type\":\"message\",\"role\":\"user\",\"content\":\"asked\"}"
#define USER "{\"role\":\"user\",\"content\":\"asked\"}"

START_TEST(a_response_is_carried_as_items)
{
    static const char *const events[] = {
        "{\"type\":\"response.created\",\"response\":{\"output\":[]}}",
        "{\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":"
        "\"reasoning\","
        "\"summary\":[]}}",
        "{\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":0,\"delta\":\"hm\"}",
        "{\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":{\"type\":"
        "\"message\"}}",
        "{\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\"a \\\"b\\\"\"}",
        "{\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\"\\n\"}",
        "{\"type\":\"response.output_text.done\",\"output_index\":1,\"text\":\"a \\\"b\\\"\\n\"}",
        "{\"type\":\"response.output_item.done\",\"output_index\":1,\"item\":{\"type\":\"message\","
        "\"content\":[{\"type\":\"output_text\",\"text\":\"a \\\"b\\\"\\n\"}]}}",
        "{\"type\":\"response.output_item.added\",\"output_index\":2,\"item\":{\"type\":"
        "\"function_call\",\"id\":\"fc_1\",\"call_id\":\"x\",\"name\":\"f\",\"arguments\":\"\"}}",
        "{\"type\":\"response.output_item.added\",\"output_index\":3,\"item\":{\"type\":"
        "\"custom_tool_call\",\"call_id\":\"y\",\"name\":\"g\",\"input\":\"\"}}",
        "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":2,\"delta\":\"{}\"}",
        "{\"type\":\"response.custom_tool_call_input.delta\",\"output_index\":3,\"delta\":\"go\"}",
        "{\"type\":\"response.output_item.added\",\"output_index\":4,\"item\":{\"type\":"
        "\"code_interpreter_call\"}}",
        "{\"type\":\"response.code_interpreter_call_code.delta\",\"output_index\":4,\"delta\":"
        "\"1\"}",
        "{\"type\":\"response.function_call_arguments.done\",\"output_index\":2,\"arguments\":\"{}"
        "\"}",
        "{\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}",
        "[DONE]",
        "[1,{}]",
        NULL};
    static const char whole[] =
        "{\"object\":\"response\",\"output\":[{\"type\":\"reasoning\",\"content\":[{\"text\":"
        "\"hm\"}]},"
        "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"a "
        "\\\"b\\\"\\n\"}]},"
        "{\"arguments\":\"{}\",\"name\":\"f\",\"call_id\":\"x\",\"type\":\"function_call\"},"
        "{\"type\":\"custom_tool_call\",\"call_id\":\"y\",\"name\":\"g\",\"input\":\"go\"},"
        "{\"type\":\"code_interpreter_call\",\"code\":\"1\"}]}";
    static const char turn[] =
        "[" USER_ITEM
        ",{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"a \\\"b\\\"\\n\"},"
        "{\"type\":\"function_call\",\"call_id\":\"x\",\"name\":\"f\",\"arguments\":\"{}\"},"
        "{\"type\":\"custom_tool_call\",\"call_id\":\"y\",\"name\":\"g\",\"input\":\"go\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"x\",\"output\":\"done\"},"
        "{\"type\":\"custom_tool_call_output\",\"call_id\":\"y\",\"output\":\"done\"}]";
    struct reply r = {0};
    gather_of(&api_responses, events, &r);
    assert_turn(&api_responses, &r, turn);
    api_responses.read_reply(text_of(whole), &r); /* the same once more: it takes their place */
    assert_turn(&api_responses, &r, turn);
    reply_clear(&r);
    assert_turn(&api_responses, &r, "[" USER_ITEM "]");
    reply_free(&r);
}
END_TEST

START_TEST(a_message_of_blocks_is_carried_as_blocks)
{
    static const char *const events[] = {
        "{\"type\":\"message_start\",\"message\":{\"content\":[],\"usage\":{\"input_tokens\":3}}}",
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\","
        "\"thinking\":\"\"}}",
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\","
        "\"thinking\":\"hm\"}}",
        "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\","
        "\"text\":"
        "\"\"}}",
        "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":"
        "\"a \\\"b\\\"\"}}",
        "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"server_tool_"
        "use\","
        "\"id\":\"s\",\"name\":\"web_search\",\"input\":{}}}",
        "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"partial_json\":\"{}\"}}",
        "{\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"tool_use\","
        "\"id\":\"x\",\"name\":\"f\",\"input\":{}}}",
        "{\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\","
        "\"partial_json\":\"{\\\"at\\\":\"}}",
        "{\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"partial_json\":\"[1]}\"}}",
        "{\"type\":\"content_block_start\",\"index\":4,\"content_block\":{\"type\":\"tool_use\","
        "\"id\":\"y\",\"name\":\"g\",\"input\":{}}}",
        "{\"type\":\"content_block_delta\",\"index\":4,\"delta\":{\"partial_json\":\"{cut\"}}",
        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}",
        "{\"type\":\"message_stop\"}",
        "[1,{}]",
        NULL};
    static const char whole[] =
        "{\"type\":\"message\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},"
        "{\"type\":\"text\",\"text\":\"a \\\"b\\\"\"},{\"type\":\"tool_use\",\"id\":\"x\",\"name\":"
        "\"f\",\"input\":{\"at\":[1]}},{\"input\":{},\"name\":\"g\",\"id\":\"y\",\"type\":\"tool_"
        "use\""
        "}]}";
    static const char turn[] =
        "[" USER
        ",{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a \\\"b\\\"\"},"
        "{\"type\":\"tool_use\",\"id\":\"x\",\"name\":\"f\",\"input\":{\"at\":[1]}},"
        "{\"type\":\"tool_use\",\"id\":\"y\",\"name\":\"g\",\"input\":{}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"x\","
        "\"content\":"
        "\"done\"},{\"type\":\"tool_result\",\"tool_use_id\":\"y\",\"content\":\"done\"}]}]";
    struct reply r = {0};
    gather_of(&api_messages, events, &r);
    assert_turn(&api_messages, &r, turn);
    reply_clear(&r);
    api_messages.read_reply(text_of(whole), &r);
    assert_turn(&api_messages, &r, turn);
    reply_clear(&r);
    reply_add(&r.text, text_of(" \\n"));
    assert_turn(&api_messages, &r, "[" USER "]"); /* Anthropic takes no blank text */
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
    tcase_add_loop_test(t, images_stand_behind_the_text_of_their_turn, 0,
                        (int)(sizeof with_images / sizeof *with_images));
    tcase_add_test(t, text_is_gathered_and_reasoning_is_not);
    tcase_add_test(t, calls_without_a_number_are_told_apart);
    tcase_add_test(t, a_response_is_carried_as_items);
    tcase_add_test(t, a_message_of_blocks_is_carried_as_blocks);
    tcase_add_test(t, a_history_lasts_until_its_sessions_last_row);
    tcase_add_loop_test(t, new_text_fills_up_to_the_asked_length, 0, 6);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
