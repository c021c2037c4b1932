#include "bench/answer/attempt.h"
#include "bench/wire/messages.h"
#include "core/memory.h"
#include "tests/unit/testing.h"

#include <cjson/cJSON.h>
#include <string.h>

/* ---- events ---- */

static struct chunk event(const char *name, const char *json)
{
    static const struct answer_so_far start;
    struct chunk c;
    ck_assert_msg(messages_read_event(&start, name, text_of(json), &c) == 0, "%s", json);
    return c;
}

static const struct {
    const char *json;
    unsigned tokens;
    const char *finish;
    bool ends;
} events[] = {
    {"{\"type\":\"ping\"}", 0, "", false},
    {"{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":"
     "\"\"}}",
     0, "", false},
    {"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
     "\"Hi\"}}",
     CHUNK_CONTENT, "", false},
    {"{\"delta\":{\"text\":\"Hi\",\"type\":\"text_delta\"},\"index\":0,\"type\":"
     "\"content_block_delta\"}",
     CHUNK_CONTENT, "", false},
    {"{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\","
     "\"thinking\":\"\",\"signature\":\"\"}}",
     0, "", false},
    {"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\","
     "\"thinking\":\"hm\"}}",
     CHUNK_REASONING, "", false},
    {"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\","
     "\"signature\":\"EqQB\"}}",
     0, "", false},
    {"{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
     "\"redacted_thinking\",\"data\":\"EmwK\"}}",
     0, "", false},
    {"{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\","
     "\"id\":\"toolu_1\",\"name\":\"get_weather\",\"input\":{}}}",
     CHUNK_TOOL, "", false},
    {"{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
     "\"server_tool_use\",\"id\":\"srvtoolu_1\",\"name\":\"web_search\",\"input\":{}}}",
     CHUNK_TOOL, "", false},
    {"{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\","
     "\"partial_json\":\"{\\\"city\"}}",
     CHUNK_TOOL, "", false},
    {"{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\","
     "\"partial_json\":\"\"}}",
     0, "", false},
    {"{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":"
     "\"web_search_tool_result\",\"tool_use_id\":\"srvtoolu_1\",\"content\":[{\"type\":"
     "\"web_search_result\",\"title\":\"t\",\"url\":\"u\",\"text\":\"not the model's\"}]}}",
     0, "", false},
    {"{\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"citations_delta\","
     "\"citation\":{\"cited_text\":\"x\",\"type\":\"char_location\"}}}",
     0, "", false},
    {"{\"type\":\"content_block_stop\",\"index\":0}", 0, "", false},
    {"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
     "\"usage\":{\"output_tokens\":15}}",
     0, "stop", false},
    {"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"stop_sequence\"}}", 0, "stop",
     false},
    {"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"}}", 0, "length", false},
    {"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}", 0, "tool_calls",
     false},
    {"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"}}", 0, "refusal", false},
    {"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"pause_turn\"}}", 0, "pause_turn",
     false},
    {"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null}}", 0, "", false},
    {"{\"type\":\"message_stop\"}", 0, "", true},
    {"{\"type\":\"something_new\",\"delta\":{\"type\":\"newer\",\"blob\":{\"text\":\"x\"}}}", 0, "",
     false},
    {"[DONE]", 0, "", true},
};

START_TEST(events_bear_what_their_members_say)
{
    struct chunk c = event("", events[_i].json);
    ck_assert_msg(c.tokens == events[_i].tokens, "%s gave %u", events[_i].json, c.tokens);
    struct text reason = c.finish_reason.length ? c.finish_reason : text_of("");
    ck_assert_msg(text_equal(reason, events[_i].finish), "%s gave %.*s", events[_i].json,
                  (int)c.finish_reason.length, c.finish_reason.at);
    ck_assert_int_eq(c.ends, events[_i].ends);
    ck_assert(!c.is_error);
}
END_TEST

START_TEST(an_event_may_tell_its_kind_by_its_name_alone)
{
    ck_assert(event("message_stop", "{}").ends);
    ck_assert(event("error", "{\"message\":\"x\"}").is_error);
}
END_TEST

START_TEST(errors_have_their_words)
{
    struct chunk c = event("error", "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
                                    "\"message\":\"Overloaded\"}}");
    ck_assert(c.is_error);
    ck_assert(text_equal(c.error_message, "Overloaded"));
    ck_assert_int_eq(
        messages_read_answer(text_of("{\"type\":\"error\",\"error\":{\"type\":"
                                     "\"invalid_request_error\",\"message\":\"max_tokens: "
                                     "Field required\"},\"request_id\":\"req_1\"}"),
                             &c),
        0);
    ck_assert(c.is_error);
    ck_assert(text_equal(c.error_message, "max_tokens: Field required"));
}
END_TEST

static const char *const malformed[] = {"", "{", "[]", "{\"type\":\"message_stop\"} x",
                                        "{\"delta\":{\"text\":\"a}"};

START_TEST(what_is_no_event_is_refused)
{
    static const struct answer_so_far start;
    struct chunk c;
    ck_assert_int_eq(messages_read_event(&start, "", text_of(malformed[_i]), &c), -1);
}
END_TEST

START_TEST(a_whole_answer_is_read)
{
    struct chunk c;
    const char *json =
        "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":"
        "["
        "{\"type\":\"thinking\",\"thinking\":\"let me see\",\"signature\":\"Eq\"},"
        "{\"type\":\"text\",\"text\":\"It rains.\",\"citations\":null},"
        "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"a\":[1,{}]}}],"
        "\"stop_reason\":\"tool_use\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":12,"
        "\"cache_creation_input_tokens\":300,\"cache_read_input_tokens\":1000,\"cache_creation\":{"
        "\"ephemeral_5m_input_tokens\":100,\"ephemeral_1h_input_tokens\":200},\"output_tokens\":40,"
        "\"output_tokens_details\":{\"thinking_tokens\":25},\"service_tier\":\"standard\"}}";
    ck_assert_int_eq(messages_read_answer(text_of(json), &c), 0);
    ck_assert_uint_eq(c.tokens, CHUNK_REASONING | CHUNK_CONTENT | CHUNK_TOOL);
    ck_assert(text_equal(c.content, "It rains."));
    ck_assert(text_equal(c.reasoning, "let me see"));
    ck_assert(text_equal(c.tool, "{\"a\":[1,{}]}"));
    ck_assert(text_equal(c.finish_reason, "tool_calls"));
    ck_assert(c.has_usage && !c.usage_grows);
    static const uint64_t want[] = {
        [USAGE_UNCACHED_INPUT] = 12,  [USAGE_CACHED_INPUT] = 1000, [USAGE_CACHE_WRITE] = 100,
        [USAGE_CACHE_WRITE_1H] = 200, [USAGE_OUTPUT] = 15,         [USAGE_REASONING] = 25};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        ck_assert_uint_eq(c.usage.tokens[i], want[i]);
}
END_TEST

/* ---- streams ---- */

#define START(usage)                                                                              \
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","      \
    "\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"m\",\"stop_reason\":" \
    "null,\"usage\":" usage "}}\n\n"
#define TEXT(words)                                                                               \
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{" \
    "\"type\":\"text_delta\",\"text\":\"" words "\"}}\n\n"
#define DELTA(reason, usage)                                                                       \
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason \
    "\",\"stop_sequence\":null},\"usage\":" usage "}\n\n"
#define STOP "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
#define PING "event: ping\ndata: {\"type\": \"ping\"}\n\n"

/* Feeds a stream in pieces of `piece` bytes, each a millisecond after the one before. */
static struct record feed(struct attempt *a, const char *stream, size_t piece)
{
    static const struct attempt_config config = {.api = &api_messages,
                                                 .stream = true,
                                                 .max_event = 1 << 16,
                                                 .max_body = 1 << 16,
                                                 .keep_text = true};
    struct record r;
    attempt_init(a);
    attempt_begin(a, &config, 0);
    attempt_answer(a, 200, "text/event-stream; charset=utf-8");
    size_t length = strlen(stream);
    for (size_t at = 0, n = 1; at < length; at += piece, n++) {
        struct arrival arrival = {(int64_t)n * NS_PER_MS, (int64_t)n * NS_PER_MS, n};
        size_t count = length - at < piece ? length - at : piece;
        if (!attempt_feed(a, &arrival, stream + at, count))
            break;
    }
    attempt_end(a, FAILURE_NONE, NULL);
    record_init(&r);
    attempt_fill(a, &r);
    return r;
}

static const struct {
    const char *stream;
    uint64_t uncached, cached, written, output;
    uint32_t chunks;
} streams[] = {
    /* the end tells the output alone */
    {START("{\"input_tokens\":25,\"cache_read_input_tokens\":100,\"output_tokens\":1}")
         PING TEXT("Hello") TEXT(" there") DELTA("end_turn", "{\"output_tokens\":15}") STOP,
     25, 100, 0, 15, 2},
    /* the end tells all of it again, and the input has grown: a tool of the server's was used */
    {START("{\"input_tokens\":25,\"output_tokens\":2}") TEXT("a")
         DELTA("end_turn", "{\"input_tokens\":700,\"cache_creation_input_tokens\":0,"
                           "\"cache_read_input_tokens\":0,\"output_tokens\":30}") STOP,
     700, 0, 0, 30, 1},
    /* the start knew the length, the end where it came from */
    {START("{\"input_tokens\":1000,\"output_tokens\":1}") TEXT("a")
         DELTA("end_turn", "{\"input_tokens\":100,\"cache_creation_input_tokens\":50,"
                           "\"cache_read_input_tokens\":850,\"output_tokens\":3}") STOP,
     100, 850, 50, 3, 1},
    /* gateways that know nothing at the start */
    {START("{\"input_tokens\":0,\"output_tokens\":0}") TEXT("a")
         DELTA("max_tokens", "{\"input_tokens\":9,\"output_tokens\":4}") STOP,
     9, 0, 0, 4, 1},
    /* two deltas, the second with less */
    {START("{\"input_tokens\":9,\"output_tokens\":1}") TEXT("a")
         DELTA("end_turn", "{\"output_tokens\":8}") DELTA("end_turn", "{\"output_tokens\":5}") STOP,
     9, 0, 0, 8, 1},
};

START_TEST(the_usage_of_an_answer_is_put_together)
{
    for (size_t piece = 1; piece < 400; piece = piece * 3 / 2 + 1) {
        struct attempt a;
        struct record r = feed(&a, streams[_i].stream, piece);
        ck_assert_msg(r.status == RECORD_COMPLETED, "%s", r.message);
        ck_assert_uint_eq(r.usage.tokens[USAGE_UNCACHED_INPUT], streams[_i].uncached);
        ck_assert_uint_eq(r.usage.tokens[USAGE_CACHED_INPUT], streams[_i].cached);
        ck_assert_uint_eq(r.usage.tokens[USAGE_CACHE_WRITE], streams[_i].written);
        ck_assert_uint_eq(r.usage.tokens[USAGE_OUTPUT], streams[_i].output);
        ck_assert_int_eq(r.usage_from, USAGE_SERVER);
        ck_assert_uint_eq(r.chunks, streams[_i].chunks);
        attempt_free(&a);
    }
}
END_TEST

START_TEST(a_cut_stream_knows_its_input_and_estimates_its_output)
{
    struct attempt a;
    struct record r = feed(&a,
                           START("{\"input_tokens\":25,\"cache_creation_input_tokens\":70,"
                                 "\"output_tokens\":1}") TEXT("a") TEXT("b") TEXT("c"),
                           64);
    ck_assert_int_eq(r.status, RECORD_FAILED);
    ck_assert_int_eq(r.failure, FAILURE_TRUNCATED);
    ck_assert_uint_eq(r.usage.tokens[USAGE_UNCACHED_INPUT], 25);
    ck_assert_uint_eq(r.usage.tokens[USAGE_CACHE_WRITE], 70);
    ck_assert_uint_eq(r.usage.tokens[USAGE_OUTPUT], 3);
    ck_assert_int_eq(r.usage_from, USAGE_ESTIMATED);
    attempt_free(&a);
}
END_TEST

START_TEST(an_error_in_a_stream_fails_it_with_the_servers_words)
{
    struct attempt a;
    struct record r = feed(
        &a,
        START("{\"input_tokens\":25,\"output_tokens\":1}") TEXT(
            "a") "event: error\ndata: {"
                 "\"type\": \"error\", \"error\": {\"type\": \"overloaded_error\", \"message\": "
                 "\"Overloaded\"}}\n\n",
        1000);
    ck_assert_int_eq(r.failure, FAILURE_ERROR_EVENT);
    ck_assert_ptr_nonnull(strstr(r.message, "Overloaded"));
    attempt_free(&a);
}
END_TEST

START_TEST(what_is_no_message_fails_in_the_servers_words)
{
    static const char *const bodies[][2] = {
        {"{\"detail\": \"who are you?\"}", "who are you?"},
        {"[{\"error\": {\"message\": \"quota is spent\"}}]", "quota is spent"},
        {"event: exception\ndata: {\"message\": \"slow down\"}\n\n", "slow down"},
        {START("{\"input_tokens\":25,\"output_tokens\":1}")
             TEXT("a") "data: {\"throttlingException\": {\"message\": \"slow down\"}}\n\n",
         "slow down"},
    };
    struct attempt a;
    struct record r = feed(&a, bodies[_i][0], 1000);
    ck_assert_int_eq(r.failure, FAILURE_ERROR_EVENT);
    ck_assert_str_eq(r.message, bodies[_i][1]);
    attempt_free(&a);
}
END_TEST

START_TEST(thinking_text_and_tools_have_their_first_instants)
{
    struct attempt a;
    struct record r = feed(
        &a,
        START("{\"input_tokens\":5,\"output_tokens\":1}") "data: "
                                                          "{\"type\":\"content_block_delta\","
                                                          "\"delta\":{\"thinking\":\"hm\"}}\n\n"
                                                          "data: "
                                                          "{\"type\":\"content_block_delta\","
                                                          "\"delta\":{\"signature\":\"Eq\"}}"
                                                          "\n\n" TEXT(
                                                              "So") "data: "
                                                                    "{\"type\":\"content_block_"
                                                                    "start\",\"content_block\":{"
                                                                    "\"type\":\"tool_use\","
                                                                    "\"name\":\"f\",\"input\":{}}}"
                                                                    "\n\n"
                                                                    "data: "
                                                                    "{\"type\":\"content_block_"
                                                                    "delta\",\"delta\":{\"partial_"
                                                                    "json\":\"{}\"}}\n\n" DELTA(
                                                                        "tool_use",
                                                                        "{\"output_tokens\":9}")
                                                                        STOP,
        1);
    ck_assert_int_eq(r.status, RECORD_COMPLETED);
    ck_assert_str_eq(r.finish_reason, "tool_calls");
    ck_assert_uint_eq(r.chunks, 4);
    ck_assert(r.reasoning_chunks);
    ck_assert_int_eq(r.first_reasoning_ns, r.first_token_ns);
    ck_assert(r.first_reasoning_ns < r.first_text_ns && r.first_text_ns < r.first_tool_ns);
    ck_assert_int_eq(r.first_output_ns, r.first_text_ns);
    ck_assert_str_eq(r.text, "hmSof{}");
    attempt_free(&a);
}
END_TEST

/* ---- requests ---- */

/* OpenAI's list, and the members that it becomes; a ' stands for a quotation mark. */
static const char *const lists[][2] = {
    {"[{'role':'user','content':'hi'}]", "{'messages':[{'role':'user','content':'hi'}]}"},
    {"[{'role':'system','content':'be brief'},{'role':'user','content':'hi'}]",
     "{'system':[{'type':'text','text':'be brief'}],"
     "'messages':[{'role':'user','content':'hi'}]}"},
    {"[{'role':'developer','content':[{'type':'text','text':'a'}]},"
     "{'role':'user','content':'\\'q\\''},{'role':'system','content':'b'}]",
     "{'system':[{'type':'text','text':'a'},{'type':'text','text':'b'}],"
     "'messages':[{'role':'user','content':'\\'q\\''}]}"},
    /* parts: text and blocks of Anthropic's own as they are, images in its form */
    {"[{'role':'user','content':["
     "{'type':'text','text':'see','cache_control':{'type':'ephemeral'}},"
     "{'type':'image_url','image_url':{'url':'data:image/png;base64,AAAA'}},"
     "{'type':'image_url','image_url':{'url':'https://a/b.png','detail':'low'}},"
     "{'type':'document','source':{'type':'text','data':'d'}}]}]",
     "{'messages':[{'role':'user','content':["
     "{'type':'text','text':'see','cache_control':{'type':'ephemeral'}},"
     "{'type':'image','source':{'type':'base64','media_type':'image/png','data':'AAAA'}},"
     "{'type':'image','source':{'type':'url','url':'https://a/b.png'}},"
     "{'type':'document','source':{'type':'text','data':'d'}}]}]}"},
    /* calls, and all of their results in one message */
    {"[{'role':'user','content':'go'},{'role':'assistant','content':null,'tool_calls':["
     "{'id':'c1','type':'function','function':{'name':'f','arguments':'{\\'a\\':\\'b\\\\\\'c\\'}'}}"
     ","
     "{'id':'c2','type':'function','function':{'name':'g','arguments':''}}]},"
     "{'role':'tool','tool_call_id':'c1','content':'one'},"
     "{'role':'tool','tool_call_id':'c2','content':[{'type':'text','text':'two'}]},"
     "{'role':'user','content':'on'}]",
     "{'messages':[{'role':'user','content':'go'},{'role':'assistant','content':["
     "{'type':'tool_use','id':'c1','name':'f','input':{'a':'b\\'c'}},"
     "{'type':'tool_use','id':'c2','name':'g','input':{}}]},{'role':'user','content':["
     "{'type':'tool_result','tool_use_id':'c1','content':'one'},"
     "{'type':'tool_result','tool_use_id':'c2','content':[{'type':'text','text':'two'}]}]},"
     "{'role':'user','content':'on'}]}"},
    /* a list that ends with results; what was said with a call stands before it, reasoning goes */
    {"[{'role':'assistant','reasoning_content':'r','content':'so','tool_calls':["
     "{'id':'c1','function':{'name':'f','arguments':'no object'}}]},"
     "{'content':'x','tool_call_id':'c1','role':'tool'}]",
     "{'messages':[{'role':'assistant','content':[{'type':'text','text':'so'},"
     "{'type':'tool_use','id':'c1','name':'f','input':{}}]},"
     "{'role':'user','content':[{'type':'tool_result','tool_use_id':'c1','content':'x'}]}]}"},
    {"{'no':'list'}", "{'messages':{'no':'list'}}"},
};

static char *quoted(const char *text)
{
    char *copy = mem_copy_string(text);
    for (char *at = copy; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    return copy;
}

START_TEST(openais_lists_become_anthropics)
{
    char *list = quoted(lists[_i][0]), *expected = quoted(lists[_i][1]);
    struct buffer made;
    buffer_init(&made, BUFFER_UNBOUNDED);
    buffer_add_byte(&made, '{');
    ck_assert_int_eq(messages_add_prompt(text_of(list), &made), 0);
    made.data[made.length - 1] = '}'; /* the last comma */
    cJSON *got = cJSON_ParseWithLength(made.data, made.length), *want = cJSON_Parse(expected);
    ck_assert_ptr_nonnull(want);
    ck_assert_msg(got && cJSON_Compare(got, want, 1), "%s became %.*s", list, (int)made.length,
                  made.data);
    cJSON_Delete(got);
    cJSON_Delete(want);
    buffer_free(&made);
    free(list);
    free(expected);
}
END_TEST

START_TEST(a_list_beyond_the_cap_is_refused)
{
    struct buffer small;
    buffer_init(&small, 20);
    ck_assert_int_eq(
        messages_add_prompt(text_of("[{\"role\":\"user\",\"content\":\"words\"}]"), &small), -1);
    ck_assert_uint_eq(small.length, 0);
    buffer_free(&small);
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof(list)[0]))

int main(void)
{
    Suite *suite = suite_create("messages");
    TCase *t = tcase_create("events");
    tcase_add_loop_test(t, events_bear_what_their_members_say, 0, COUNT(events));
    tcase_add_test(t, an_event_may_tell_its_kind_by_its_name_alone);
    tcase_add_test(t, errors_have_their_words);
    tcase_add_loop_test(t, what_is_no_event_is_refused, 0, COUNT(malformed));
    tcase_add_test(t, a_whole_answer_is_read);
    suite_add_tcase(suite, t);
    t = tcase_create("streams");
    tcase_add_loop_test(t, the_usage_of_an_answer_is_put_together, 0, COUNT(streams));
    tcase_add_test(t, a_cut_stream_knows_its_input_and_estimates_its_output);
    tcase_add_test(t, an_error_in_a_stream_fails_it_with_the_servers_words);
    tcase_add_loop_test(t, what_is_no_message_fails_in_the_servers_words, 0, 4);
    tcase_add_test(t, thinking_text_and_tools_have_their_first_instants);
    suite_add_tcase(suite, t);
    t = tcase_create("requests");
    tcase_add_loop_test(t, openais_lists_become_anthropics, 0, COUNT(lists));
    tcase_add_test(t, a_list_beyond_the_cap_is_refused);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
