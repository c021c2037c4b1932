/* The mock's Responses API, on the wire. */
#include "core/memory.h"
#include "mock_fixture.h"
#include "sim/mock/api/kept.h"

#define RESPONSES "/v1/responses"
#define SAY(rest) "{\"model\":\"m\",\"input\":\"one two three\"" rest "}"
#define TOOLS                                                                                      \
    ",\"tools\":[{\"type\":\"function\",\"name\":\"get_weather\",\"parameters\":{\"type\":"        \
    "\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{\"type\":\"integer\","    \
    "\"minimum\":2,\"maximum\":5}},\"required\":[\"city\"]}},{\"type\":\"web_search\"},{\"type\":" \
    "\"function\",\"name\":\"get_time\",\"parameters\":null,\"strict\":true}]"

START_TEST(a_response_says_what_was_asked)
{
    start();
    cJSON *json = ask(RESPONSES,
                      SAY(",\"max_output_tokens\":4,\"instructions\":\"be short\",\"metadata\":{"
                          "\"team\":\"red\"},\"temperature\":0.3,\"user\":\"u1\","
                          "\"truncation\":\"auto\""),
                      200);
    ck_assert_str_eq(text_at(json, "object"), "response");
    ck_assert_int_eq(strncmp(text_at(json, "id"), "resp_", 5), 0);
    ck_assert_str_eq(text_at(json, "status"), "incomplete");
    ck_assert_str_eq(text_at(json, "incomplete_details.reason"), "max_output_tokens");
    ck_assert_str_eq(text_at(json, "model"), "m");
    ck_assert_str_eq(text_at(json, "instructions"), "be short");
    ck_assert_str_eq(text_at(json, "metadata.team"), "red");
    ck_assert_str_eq(text_at(json, "truncation"), "auto");
    ck_assert_str_eq(text_at(json, "tool_choice"), "auto");
    ck_assert_str_eq(text_at(json, "text.format.type"), "text");
    ck_assert_double_eq(number_at(json, "temperature"), 0.3);
    ck_assert_double_eq(number_at(json, "max_output_tokens"), 4);
    ck_assert(cJSON_IsNull(at(json, "error")));
    ck_assert_str_eq(text_at(json, "output.0.type"), "message");
    ck_assert_str_eq(text_at(json, "output.0.status"), "incomplete");
    ck_assert_str_eq(text_at(json, "output.0.content.0.type"), "output_text");
    ck_assert_uint_gt(strlen(text_at(json, "output.0.content.0.text")), 4);
    ck_assert_double_eq(number_at(json, "usage.input_tokens"), 7 + 2 + 3);
    ck_assert_double_eq(number_at(json, "usage.output_tokens"), 4);
    ck_assert_double_eq(number_at(json, "usage.total_tokens"), 16);
    cJSON_Delete(json);
    json = ask(RESPONSES, SAY(""), 200);
    ck_assert_str_eq(text_at(json, "status"), "completed");
    ck_assert(cJSON_IsNull(at(json, "incomplete_details")));
    cJSON_Delete(json);
}
END_TEST

/* The same conversation is the same prompt for chat and for this API: as long, with the same
 * answer. */
START_TEST(the_same_conversation_is_the_same_prompt)
{
    start();
    cJSON *chat = ask(CHAT,
                      "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"system\","
                      "\"content\":\"a b\"},{\"role\":\"user\",\"content\":\"c\"},{\"role\":"
                      "\"assistant\",\"content\":\"d e f\"},{\"role\":\"user\",\"content\":[{"
                      "\"type\":\"text\",\"text\":\"g h\"}]}]}",
                      200);
    cJSON *json = ask(RESPONSES,
                      "{\"model\":\"m\",\"max_output_tokens\":9,\"instructions\":\"a b\",\"input\":"
                      "[{\"role\":\"user\",\"content\":\"c\"},{\"type\":\"message\",\"id\":\"m1\","
                      "\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":"
                      "\"output_text\",\"text\":\"d e f\",\"annotations\":[]}]},{\"role\":\"user\","
                      "\"content\":[{\"type\":\"input_text\",\"text\":\"g h\"}]}]}",
                      200);
    ck_assert_double_eq(number_at(json, "usage.input_tokens"), 7 + 8);
    ck_assert_double_eq(number_at(chat, "usage.prompt_tokens"), 7 + 8);
    ck_assert_str_eq(text_at(json, "output.0.content.0.text"),
                     text_at(chat, "choices.0.message.content"));
    cJSON_Delete(chat);
    cJSON_Delete(json);
}
END_TEST

/* ---- streams ---- */

/* The events of the stream that came last: their data, in order. */
static size_t read_events(cJSON **out, size_t most)
{
    size_t count = 0;
    char *rest = NULL, *copy = strdup(client.body.data);
    const char *name = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "event: ", 7) == 0) {
            name = line + 7;
            continue;
        }
        ck_assert_int_eq(strncmp(line, "data: ", 6), 0);
        ck_assert_uint_lt(count, most);
        out[count] = cJSON_Parse(line + 6);
        ck_assert_msg(out[count] != NULL, "%s", line);
        ck_assert_str_eq(text_at(out[count], "type"), name);
        ck_assert_double_eq(number_at(out[count], "sequence_number"), (double)count);
        count++;
    }
    free(copy);
    return count;
}

static cJSON *events[400];
static size_t event_count;

static void stream(const char *headers, const char *body)
{
    while (event_count)
        cJSON_Delete(events[--event_count]);
    raw_post(&client, RESPONSES, headers, body);
    ck_assert(raw_read_answer(&client));
    event_count = read_events(events, sizeof events / sizeof *events);
}

static void tear_down_stream(void)
{
    while (event_count)
        cJSON_Delete(events[--event_count]);
    tear_down();
}

/* "created,in_progress,...": the types without "response.", runs of one kind once. */
static const char *types(void)
{
    static char all[2000];
    const char *last = "";
    size_t n = 0;
    all[0] = '\0';
    for (size_t i = 0; i < event_count; i++) {
        const char *type = text_at(events[i], "type");
        type += strncmp(type, "response.", 9) == 0 ? 9 : 0;
        if (strcmp(type, last) != 0)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n ? " " : "", type);
        last = type;
    }
    return all;
}

/* The deltas of a type, joined. */
static char *joined(const char *type)
{
    struct buffer b;
    buffer_init(&b, 1 << 20);
    buffer_add(&b, "", 0);
    for (size_t i = 0; i < event_count; i++)
        if (strcmp(text_at(events[i], "type"), type) == 0)
            buffer_add_text(&b, text_at(events[i], "delta"));
    return buffer_take(&b);
}

START_TEST(a_stream_has_every_event_in_its_place)
{
    start();
    cJSON *whole = ask(RESPONSES, SAY(",\"max_output_tokens\":12"), 200);
    stream("", SAY(",\"max_output_tokens\":12,\"stream\":true"));
    ck_assert_str_eq(types(),
                     "created in_progress output_item.added content_part.added output_text.delta "
                     "output_text.done content_part.done output_item.done incomplete");
    ck_assert_uint_eq(event_count, 8 + 12);
    const cJSON *last = events[event_count - 1], *item = events[event_count - 2];
    char *text = joined("response.output_text.delta");
    ck_assert_str_eq(text, text_at(whole, "output.0.content.0.text"));
    ck_assert_str_eq(text, text_at(last, "response.output.0.content.0.text"));
    ck_assert_str_eq(text, text_at(item, "item.content.0.text"));
    ck_assert_str_eq(text, text_at(events[event_count - 4], "text"));
    free(text);
    ck_assert_str_eq(text_at(events[0], "response.status"), "in_progress");
    ck_assert_int_eq(cJSON_GetArraySize(at(events[0], "response.output")), 0);
    ck_assert(cJSON_IsNull(at(events[0], "response.usage")));
    ck_assert_str_eq(text_at(events[0], "response.id"), text_at(last, "response.id"));
    ck_assert_str_eq(text_at(events[4], "item_id"), text_at(item, "item.id"));
    ck_assert_double_eq(number_at(last, "response.usage.output_tokens"), 12);
    ck_assert(!raw_has(&client, "[DONE]"));
    cJSON_Delete(whole);
}
END_TEST

START_TEST(reasoning_is_an_item_of_its_own)
{
    config.reasoning_tokens = 6;
    start();
    stream("", SAY(",\"max_output_tokens\":10,\"stream\":true"));
    ck_assert_str_eq(types(),
                     "created in_progress output_item.added content_part.added "
                     "reasoning_text.delta reasoning_text.done content_part.done output_item.done "
                     "output_item.added content_part.added output_text.delta output_text.done "
                     "content_part.done output_item.done incomplete");
    const cJSON *last = events[event_count - 1];
    ck_assert_str_eq(text_at(last, "response.output.0.content.0.type"), "reasoning_text");
    ck_assert_double_eq(number_at(last, "response.usage.output_tokens"), 10);
    ck_assert_double_eq(number_at(last, "response.usage.output_tokens_details.reasoning_tokens"),
                        6);
    stream("",
           SAY(",\"max_output_tokens\":10,\"stream\":true,\"reasoning\":{\"summary\":\"auto\"}"));
    ck_assert_str_eq(types(),
                     "created in_progress output_item.added reasoning_summary_part.added "
                     "reasoning_summary_text.delta reasoning_summary_text.done "
                     "reasoning_summary_part.done output_item.done "
                     "output_item.added content_part.added output_text.delta output_text.done "
                     "content_part.done output_item.done incomplete");
    last = events[event_count - 1];
    char *text = joined("response.reasoning_summary_text.delta");
    ck_assert_str_eq(text_at(last, "response.output.0.type"), "reasoning");
    ck_assert_str_eq(text_at(last, "response.output.0.summary.0.text"), text);
    ck_assert_str_eq(text_at(last, "response.output.1.type"), "message");
    free(text);
    cJSON *json =
        ask(RESPONSES, SAY(",\"max_output_tokens\":10,\"reasoning\":{\"effort\":\"none\"}"), 200);
    ck_assert_str_eq(text_at(json, "output.0.type"), "message");
    ck_assert_double_eq(number_at(json, "usage.output_tokens_details.reasoning_tokens"), 0);
    cJSON_Delete(json);
}
END_TEST

START_TEST(functions_are_called)
{
    start();
    cJSON *json = ask(RESPONSES, SAY(TOOLS), 200);
    ck_assert_str_eq(text_at(json, "status"), "completed");
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "output")), 2);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "tools")), 3);
    ck_assert_str_eq(text_at(json, "output.0.type"), "function_call");
    ck_assert_str_eq(text_at(json, "output.0.name"), "get_weather");
    ck_assert_int_eq(strncmp(text_at(json, "output.0.call_id"), "call_", 5), 0);
    ck_assert_str_ne(text_at(json, "output.0.id"), text_at(json, "output.1.id"));
    cJSON *arguments = cJSON_Parse(text_at(json, "output.0.arguments"));
    ck_assert(number_at(arguments, "days") >= 2 && number_at(arguments, "days") <= 5);
    cJSON_Delete(arguments);
    ck_assert_str_eq(text_at(json, "output.1.arguments"), "{}");
    stream("", SAY(TOOLS ",\"stream\":true"));
    ck_assert_str_eq(types(),
                     "created in_progress output_item.added function_call_arguments.delta "
                     "function_call_arguments.done output_item.done output_item.added "
                     "function_call_arguments.delta function_call_arguments.done output_item.done "
                     "completed");
    const cJSON *last = events[event_count - 1];
    ck_assert_str_eq(text_at(last, "response.output.0.arguments"),
                     text_at(json, "output.0.arguments"));
    cJSON_Delete(json);
}
END_TEST

static const struct {
    const char *choice, *names; /* "" = it answers in words */
} choices[] = {
    {",\"tool_choice\":\"none\"", ""},
    {",\"tool_choice\":\"required\"", "get_weather get_time"},
    {",\"parallel_tool_calls\":false", "get_weather"},
    {",\"tool_choice\":{\"type\":\"function\",\"name\":\"get_time\"}", "get_time"},
    {",\"tool_choice\":{\"type\":\"web_search\"}", ""},
    {",\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[{\"type\":"
     "\"function\",\"name\":\"get_time\"}]}",
     "get_time"},
};

START_TEST(a_choice_says_which_functions)
{
    start();
    char body[2000], names[200] = "";
    snprintf(body, sizeof body, SAY("%s%s"), TOOLS, choices[_i].choice);
    cJSON *json = ask(RESPONSES, body, 200);
    for (const cJSON *item = at(json, "output")->child; item; item = item->next) {
        size_t n = strlen(names);
        if (strcmp(text_at(item, "type"), "function_call") == 0)
            snprintf(names + n, sizeof names - n, "%s%s", n ? " " : "", text_at(item, "name"));
    }
    ck_assert_str_eq(names, choices[_i].names);
    cJSON_Delete(json);
}
END_TEST

START_TEST(a_result_of_a_tool_is_answered_in_words)
{
    start();
    cJSON *json =
        ask(RESPONSES,
            "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"type\":"
            "\"reasoning\",\"id\":\"rs\",\"summary\":[]},{\"type\":\"function_call\","
            "\"call_id\":\"c\",\"name\":\"get_time\",\"arguments\":\"{} x\"},{\"type\":"
            "\"function_call_output\",\"call_id\":\"c\",\"output\":\"ten past\"}]" TOOLS "}",
            200);
    ck_assert_str_eq(text_at(json, "output.0.type"), "message");
    ck_assert_str_eq(text_at(json, "status"), "completed");
    ck_assert_double_eq(number_at(json, "usage.input_tokens"), 7 + 1 + 2 + 2);
    cJSON_Delete(json);
}
END_TEST

START_TEST(formats_give_json)
{
    start();
    cJSON *json = ask(
        RESPONSES,
        SAY(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"x\",\"strict\":true,"
            "\"schema\":{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":\"boolean\"}}}}}"),
        200);
    cJSON *content = cJSON_Parse(text_at(json, "output.0.content.0.text"));
    ck_assert(cJSON_IsBool(at(content, "ok")));
    ck_assert_str_eq(text_at(json, "status"), "completed");
    ck_assert_str_eq(text_at(json, "text.format.name"), "x");
    cJSON_Delete(content);
    cJSON_Delete(json);
    json = ask(RESPONSES, SAY(",\"text\":{\"format\":{\"type\":\"json_object\"}}"), 200);
    content = cJSON_Parse(text_at(json, "output.0.content.0.text"));
    ck_assert(cJSON_IsObject(content));
    cJSON_Delete(content);
    cJSON_Delete(json);
    stream("", SAY(",\"stream\":true,\"text\":{\"format\":{\"type\":\"json_object\"}}"));
    char *text = joined("response.output_text.delta");
    content = cJSON_Parse(text);
    ck_assert(cJSON_IsObject(content));
    cJSON_Delete(content);
    free(text);
}
END_TEST

/* ---- refusals ---- */

static const struct {
    const char *body, *param, *code;
    int status;
} refusals[] = {
    {"{\"model\":\"m\"}", "input", "missing_required_parameter", 400},
    {"{\"input\":\"a\"}", "model", "missing_required_parameter", 400},
    {"{\"model\":\"m\",\"input\":[]}", "input", "empty_array", 400},
    {"{\"model\":\"m\",\"input\":[1]}", "input[0]", "invalid_type", 400},
    {"{\"model\":\"m\",\"input\":[{\"role\":\"tool\",\"content\":\"a\"}]}", "input[0].role",
     "invalid_value", 400},
    {"{\"model\":\"m\",\"input\":[{\"type\":\"function_call_output\",\"output\":\"a\"}]}",
     "input[0].call_id", "missing_required_parameter", 400},
    {"{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
     "\"text\":"
     "\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}]}",
     "input[0].content[1].type", "invalid_value", 400},
    {"{\"model\":\"m\",\"input\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"input_text\","
     "\"text\":\"a\"}]}]}",
     "input[0].content[0].type", "invalid_value", 400},
    {"{\"model\":\"m\",\"input\":[{\"role\":\"user\"}]}", "input[0].content",
     "missing_required_parameter", 400},
    {SAY(",\"max_tokens\":5"), "max_tokens", "unknown_parameter", 400},
    {SAY(",\"messages\":[]"), "messages", "unknown_parameter", 400},
    {SAY(",\"max_output_tokens\":0"), "max_output_tokens", "integer_below_min_value", 400},
    {SAY(",\"temperature\":9"), "temperature", "decimal_above_max_value", 400},
    {SAY(",\"stream_options\":{\"include_obfuscation\":false}"), "stream_options", "invalid_value",
     400},
    {SAY(",\"truncation\":\"some\""), "truncation", "invalid_value", 400},
    {SAY(",\"reasoning\":{\"summary\":\"long\"}"), "reasoning.summary", "invalid_value", 400},
    {SAY(",\"text\":{\"format\":{\"type\":\"xml\"}}"), "text.format.type", "invalid_value", 400},
    {SAY(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"x\"}}"), "text.format.schema",
     "missing_required_parameter", 400},
    {SAY(",\"tools\":[{\"type\":\"function\"}]"), "tools[0].name", "missing_required_parameter",
     400},
    {SAY(TOOLS ",\"tool_choice\":{\"type\":\"function\",\"name\":\"x\"}"), "tool_choice",
     "invalid_value", 400},
    {SAY(",\"prompt\":{\"id\":\"p1\"}"), "prompt", "prompt_not_found", 404},
    {SAY(",\"background\":true"), "background", "unsupported_value", 400},
    {SAY(",\"previous_response_id\":\"resp_1\""), "previous_response_id",
     "previous_response_not_found", 404},
    {SAY(",\"conversation\":{\"id\":\"conv_1\"}"), "conversation", "conversation_not_found", 404},
};

START_TEST(what_cannot_be_answered_is_refused_by_name)
{
    start();
    cJSON *json = ask(RESPONSES, refusals[_i].body, refusals[_i].status);
    ck_assert_str_eq(text_at(json, "error.param"), refusals[_i].param);
    ck_assert_str_eq(text_at(json, "error.code"), refusals[_i].code);
    ck_assert_str_eq(text_at(json, "error.type"), "invalid_request_error");
    cJSON_Delete(json);
}
END_TEST

START_TEST(no_response_is_given_twice)
{
    start();
    raw_get(&client, "/v1/responses/resp_1");
    ck_assert(raw_read_answer(&client));
    ck_assert_int_eq(client.status, 404);
    ck_assert(
        raw_has(&client, "'resp_1' not found: this endpoint gives no response a second time"));
}
END_TEST

/* ---- conversations ---- */

static cJSON *go_on(const cJSON *from, const char *rest)
{
    char body[2000];
    snprintf(body, sizeof body, "{\"model\":\"m\",\"previous_response_id\":\"%s\"%s}",
             text_at(from, "id"), rest);
    return ask(RESPONSES, body, 200);
}

/* By an id, or with everything said again: the same prompt, so the same answer. */
START_TEST(a_conversation_goes_on_from_an_answers_id)
{
    start();
    cJSON *first = ask(RESPONSES, SAY(",\"max_output_tokens\":5,\"instructions\":\"x y\""), 200);
    cJSON *second = go_on(first, ",\"input\":\"four\",\"max_output_tokens\":6");
    cJSON *third = go_on(second, ",\"input\":\"five\",\"max_output_tokens\":7");
    ck_assert_double_eq(number_at(third, "usage.input_tokens"), 7 + 3 + 5 + 1 + 6 + 1);
    char body[2000];
    snprintf(body, sizeof body,
             "{\"model\":\"m\",\"max_output_tokens\":7,\"input\":[{\"role\":\"user\",\"content\":"
             "\"one two three\"},{\"role\":\"assistant\",\"content\":\"%s\"},{\"role\":\"user\","
             "\"content\":\"four\"},{\"role\":\"assistant\",\"content\":\"%s\"},{\"role\":\"user\","
             "\"content\":\"five\"}]}",
             text_at(first, "output.0.content.0.text"), text_at(second, "output.0.content.0.text"));
    cJSON *whole = ask(RESPONSES, body, 200);
    ck_assert_str_eq(text_at(third, "output.0.content.0.text"),
                     text_at(whole, "output.0.content.0.text"));
    ck_assert_double_eq(number_at(whole, "usage.input_tokens"),
                        number_at(third, "usage.input_tokens"));
    ck_assert_str_eq(text_at(third, "previous_response_id"), text_at(second, "id"));
    cJSON_Delete(first);
    cJSON_Delete(second);
    cJSON_Delete(third);
    cJSON_Delete(whole);
}
END_TEST

START_TEST(a_tools_result_alone_goes_on_from_its_call)
{
    start();
    cJSON *call = ask(RESPONSES, SAY(TOOLS ",\"parallel_tool_calls\":false"), 200);
    char rest[500];
    snprintf(rest, sizeof rest,
             ",\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"%s\",\"output\":"
             "\"rain\"}]" TOOLS,
             text_at(call, "output.0.call_id"));
    cJSON *said = go_on(call, rest);
    ck_assert_str_eq(text_at(said, "output.0.type"), "message");
    cJSON_Delete(call);
    cJSON_Delete(said);
}
END_TEST

START_TEST(what_is_not_stored_is_not_found)
{
    start();
    cJSON *json = ask(RESPONSES, SAY(",\"store\":false,\"max_output_tokens\":2"), 200);
    ck_assert(cJSON_IsFalse(at(json, "store")));
    char body[300];
    snprintf(body, sizeof body, SAY(",\"previous_response_id\":\"%s\""), text_at(json, "id"));
    cJSON *refused = ask(RESPONSES, body, 404);
    ck_assert_str_eq(text_at(refused, "error.code"), "previous_response_not_found");
    cJSON_Delete(json);
    cJSON_Delete(refused);
}
END_TEST

START_TEST(the_oldest_conversations_go_first)
{
    struct kept kept = {0};
    struct buffer said;
    char id[40], text[] = "abcdefgh";
    buffer_init(&said, BUFFER_UNBOUNDED);
    for (int i = 0; i < KEPT_MOST + 10; i++) {
        said_add(&said, SAID_ROLE, text_of("user"));
        said_add(&said, SAID_TEXT, (struct text){text, (size_t)(i % 8)});
        snprintf(id, sizeof id, "resp_%d", i);
        kept_put(&kept, id, &said);
    }
    ck_assert_ptr_null(kept_find(&kept, "resp_9"));
    const struct text *all = kept_find(&kept, "resp_10");
    ck_assert_ptr_nonnull(all);
    size_t at = 0;
    struct said one;
    ck_assert(said_next(*all, &at, &one) && one.kind == SAID_ROLE && text_equal(one.text, "user"));
    ck_assert(said_next(*all, &at, &one) && one.kind == SAID_TEXT && text_equal(one.text, "ab"));
    ck_assert(!said_next(*all, &at, &one));
    char *large = mem_zero(KEPT_BYTES / 2, 1);
    for (int i = 0; i < 3; i++) { /* no two of them fit */
        said_add(&said, SAID_TEXT, (struct text){large, KEPT_BYTES / 2});
        snprintf(id, sizeof id, "large_%d", i);
        kept_put(&kept, id, &said);
    }
    ck_assert_ptr_null(kept_find(&kept, "large_1"));
    ck_assert_ptr_nonnull(kept_find(&kept, "large_2"));
    ck_assert_uint_le(kept.bytes, KEPT_BYTES);
    free(large);
    kept_free(&kept);
    buffer_free(&said);
}
END_TEST

/* ---- faults ---- */

#define STREAMED SAY(",\"max_output_tokens\":5,\"stream\":true")

START_TEST(faults_have_the_form_of_the_api)
{
    start();
    stream("x-farebox-fault: error-after=2\r\n", STREAMED);
    const cJSON *last = events[event_count - 1];
    ck_assert_str_eq(text_at(last, "type"), "error");
    ck_assert_str_eq(text_at(last, "code"), "internal_error");
    stream("x-farebox-fault: no-done\r\n", STREAMED);
    ck_assert_str_eq(text_at(events[event_count - 1], "type"), "response.output_item.done");
    stream("x-farebox-fault: tokens-per-chunk=2\r\n", STREAMED);
    ck_assert_uint_eq(raw_count(&client, "event: response.output_text.delta"), 3);
    raw_post(&client, RESPONSES, "x-farebox-fault: utf8-after=2\r\n", STREAMED);
    ck_assert(raw_read_answer(&client));
    ck_assert(raw_has(&client, "\"delta\":\"\xc3\x28"));
}
END_TEST

#define LOOP(t, test, table) tcase_add_loop_test(t, test, 0, (int)(sizeof table / sizeof *table))

int main(void)
{
    Suite *suite = suite_create("mock responses");
    TCase *t = tcase_create("endpoint");
    tcase_add_checked_fixture(t, set_up, tear_down_stream);
    tcase_add_test(t, a_response_says_what_was_asked);
    tcase_add_test(t, the_same_conversation_is_the_same_prompt);
    tcase_add_test(t, a_stream_has_every_event_in_its_place);
    tcase_add_test(t, reasoning_is_an_item_of_its_own);
    tcase_add_test(t, functions_are_called);
    LOOP(t, a_choice_says_which_functions, choices);
    tcase_add_test(t, a_result_of_a_tool_is_answered_in_words);
    tcase_add_test(t, formats_give_json);
    LOOP(t, what_cannot_be_answered_is_refused_by_name, refusals);
    tcase_add_test(t, no_response_is_given_twice);
    tcase_add_test(t, a_conversation_goes_on_from_an_answers_id);
    tcase_add_test(t, a_tools_result_alone_goes_on_from_its_call);
    tcase_add_test(t, what_is_not_stored_is_not_found);
    tcase_add_test(t, the_oldest_conversations_go_first);
    tcase_add_test(t, faults_have_the_form_of_the_api);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
