/* The Responses API as bench reads and asks it. */
#include "bench/wire/responses.h"
#include "core/buffer.h"
#include "tests/unit/testing.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* ---- streams: what a client counts of one ---- */

/* An event as an attempt takes it; the kind of what it bore. */
struct stream {
    struct answer_so_far so_far;
    struct buffer text; /* of all chunks, in their order */
    unsigned chunks, summaries;
    unsigned kinds;
    bool ended, failed;
    char finish[40], message[80];
    struct usage usage;
    bool has_usage;
};

static void put(char *out, size_t size, struct text t)
{
    snprintf(out, size, "%.*s", (int)t.length, t.at);
}

static void take(struct stream *s, const char *name, const char *data)
{
    struct chunk c;
    if (s->ended)
        return;
    ck_assert_msg(responses_read_event(&s->so_far, name, text_of(data), &c) == 0, "%s", data);
    s->so_far.tokens |= c.tokens;
    s->so_far.part_tokens = c.begins ? 0 : s->so_far.part_tokens | c.tokens;
    s->chunks += c.tokens != 0;
    s->summaries += (c.tokens & CHUNK_SUMMARY) != 0;
    s->kinds |= c.tokens;
    const struct text texts[] = {c.reasoning, c.content, c.refusal, c.tool};
    for (size_t i = 0; i < 4; i++)
        if (texts[i].length)
            buffer_add(&s->text, texts[i].at, texts[i].length);
    s->ended |= c.ends;
    s->failed |= c.is_error;
    if (c.finish_reason.length)
        put(s->finish, sizeof s->finish, c.finish_reason);
    if (c.error_message.length)
        put(s->message, sizeof s->message, c.error_message);
    if (c.has_usage) {
        s->usage = c.usage;
        s->has_usage = true;
    }
}

/* Events that are only their data; the last is NULL. */
static struct stream read_stream(const char *const *events)
{
    struct stream s = {0};
    buffer_init(&s.text, 1 << 16);
    buffer_add(&s.text, "", 0);
    for (; *events; events++)
        take(&s, "", *events);
    return s;
}

static const char *text_in(struct stream *s)
{
    return s->text.length ? s->text.data : "";
}

#define ITEM_ADDED(item) \
    "{\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":" item "}"
#define ITEM_DONE(item) \
    "{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":" item "}"
#define PART_ADDED                                                                    \
    "{\"type\":\"response.content_part.added\",\"item_id\":\"m\",\"output_index\":0," \
    "\"content_index\":0,\"part\":{\"type\":\"output_text\",\"annotations\":[],\"text\":\"\"}}"
#define DELTA(type, text) "{\"delta\":\"" text "\",\"type\":\"response." type ".delta\"}"
#define COMPLETED(output)                                                                         \
    "{\"type\":\"response.completed\",\"sequence_number\":9,\"response\":{\"id\":\"resp_1\","     \
    "\"object\":\"response\",\"status\":\"completed\",\"error\":null,\"incomplete_details\":"     \
    "null,\"output\":" output ",\"usage\":{\"input_tokens\":40,\"input_tokens_details\":{"        \
    "\"cached_tokens\":16},\"output_tokens\":12,\"output_tokens_details\":{\"reasoning_tokens\":" \
    "5},\"total_tokens\":52}}}"
#define MESSAGE(text)                                                                     \
    "{\"type\":\"message\",\"id\":\"m\",\"role\":\"assistant\",\"status\":\"completed\"," \
    "\"content\":[{\"type\":\"output_text\",\"annotations\":[],\"text\":\"" text "\"}]}"

static const char *const plain[] = {
    "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"status\":"
    "\"in_progress\",\"output\":[],\"usage\":null,\"error\":null}}",
    "{\"type\":\"response.in_progress\",\"response\":{\"status\":\"in_progress\"}}",
    "{\"type\":\"keepalive\",\"sequence_number\":2}",
    ITEM_ADDED("{\"type\":\"message\",\"content\":[],\"role\":\"assistant\"}"),
    PART_ADDED,
    "{\"type\":\"response.output_text.delta\",\"item_id\":\"m\",\"delta\":\"The\",\"logprobs\":[],"
    "\"obfuscation\":\"x7\"}",
    DELTA("output_text", " fare"),
    DELTA("output_text", ""),
    "{\"type\":\"response.output_text.annotation.added\",\"annotation\":{\"text\":\"no\"}}",
    "{\"type\":\"response.output_text.done\",\"text\":\"The fare\"}",
    "{\"type\":\"response.content_part.done\",\"part\":{\"type\":\"output_text\",\"text\":\"The "
    "fare\"}}",
    ITEM_DONE(MESSAGE("The fare")),
    "{\"type\":\"codex.rate_limits\",\"delta\":\"no\",\"text\":\"no\"}",
    "{\"type\":\"response.something_new.delta\",\"delta\":\"no\"}",
    COMPLETED("[" MESSAGE("The fare") "]"),
    "[DONE]",
    NULL,
};

START_TEST(only_deltas_of_a_stream_count)
{
    struct stream s = read_stream(plain);
    ck_assert_str_eq(text_in(&s), "The fare");
    ck_assert_uint_eq(s.chunks, 2);
    ck_assert_uint_eq(s.kinds, CHUNK_CONTENT);
    ck_assert(s.ended && !s.failed);
    ck_assert_str_eq(s.finish, "stop");
    ck_assert(s.has_usage);
    ck_assert_uint_eq(s.usage.tokens[USAGE_UNCACHED_INPUT], 24);
    ck_assert_uint_eq(s.usage.tokens[USAGE_CACHED_INPUT], 16);
    ck_assert_uint_eq(s.usage.tokens[USAGE_OUTPUT], 7);
    ck_assert_uint_eq(s.usage.tokens[USAGE_REASONING], 5);
    buffer_free(&s.text);
}
END_TEST

static const struct {
    const char *event, *text;
    unsigned kinds;
} events[] = {
    {DELTA("output_text", "a"), "a", CHUNK_CONTENT},
    {DELTA("text", "a"), "a", CHUNK_CONTENT},
    {DELTA("refusal", "no"), "no", CHUNK_REFUSAL},
    {DELTA("reasoning_text", "hm"), "hm", CHUNK_REASONING},
    {DELTA("reasoning", "hm"), "hm", CHUNK_REASONING},
    {"{\"type\":\"response.reasoning.delta\",\"delta\":{\"text\":\"hm\",\"n\":1}}", "hm",
     CHUNK_REASONING},
    {DELTA("reasoning_summary_text", "so"), "so", CHUNK_REASONING | CHUNK_SUMMARY},
    {DELTA("reasoning_summary", "so"), "so", CHUNK_REASONING | CHUNK_SUMMARY},
    {DELTA("function_call_arguments", "{\\\"a\\\""), "{\\\"a\\\"", CHUNK_TOOL},
    {DELTA("custom_tool_call_input", "ls"), "ls", CHUNK_TOOL},
    {DELTA("mcp_call_arguments", "{"), "{", CHUNK_TOOL},
    {"{\"type\":\"response.mcp_call.arguments_delta\",\"delta\":\"{\"}", "{", CHUNK_TOOL},
    {DELTA("code_interpreter_call_code", "x=1"), "x=1", CHUNK_TOOL},
    {DELTA("audio.transcript", "say"), "say", CHUNK_CONTENT},
    {DELTA("output_audio_transcript", "say"), "say", CHUNK_CONTENT},
    {DELTA("audio", "UklGRg=="), "", 0},
    {ITEM_ADDED("{\"type\":\"function_call\",\"name\":\"fare\",\"arguments\":\"\"}"), "fare",
     CHUNK_TOOL},
    {ITEM_ADDED("{\"type\":\"web_search_call\",\"status\":\"in_progress\"}"), "", 0},
    {ITEM_ADDED("{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"gAAA\"}"), "", 0},
    {"{\"type\":\"response.web_search_call.searching\",\"item_id\":\"ws\"}", "", 0},
    {"{\"type\":\"response.file_search_call.completed\",\"item_id\":\"fs\"}", "", 0},
    {"{\"type\":\"response.image_generation_call.partial_image\",\"partial_image_b64\":\"x\"}", "",
     0},
    {"{\"type\":\"ping\"}", "", 0},
    {"{}", "", 0},
};

START_TEST(every_event_bears_the_tokens_of_its_type)
{
    const char *const one[] = {events[_i].event, NULL};
    struct stream s = read_stream(one);
    ck_assert_msg(s.kinds == events[_i].kinds, "%s gave %u", events[_i].event, s.kinds);
    ck_assert_str_eq(text_in(&s), events[_i].text);
    ck_assert(!s.ended && !s.failed);
    buffer_free(&s.text);
}
END_TEST

START_TEST(an_events_name_stands_for_its_type)
{
    struct stream s = {0};
    buffer_init(&s.text, 1 << 16);
    take(&s, "response.output_text.delta", "{\"delta\":\"a\"}");
    take(&s, "response.output_text.delta", "{\"delta\":\"b\"}");
    take(&s, "response.completed", "{\"response\":{\"usage\":{\"input_tokens\":3}}}");
    ck_assert_str_eq(text_in(&s), "ab");
    ck_assert(s.ended && s.has_usage);
    ck_assert_str_eq(s.finish, "stop");
    buffer_free(&s.text);
}
END_TEST

/* Servers that stream no deltas of some part: its text counts once, where it first stands. */
static const char *const whole_parts[] = {
    ITEM_ADDED("{\"type\":\"function_call\",\"name\":\"fare\",\"arguments\":\"\"}"),
    "{\"type\":\"response.function_call_arguments.done\",\"arguments\":\"{}\",\"name\":\"fare\"}",
    ITEM_DONE("{\"type\":\"function_call\",\"name\":\"fare\",\"arguments\":\"{}\"}"),
    ITEM_ADDED("{\"type\":\"message\",\"content\":[]}"),
    ITEM_DONE(MESSAGE(" then")),
    ITEM_ADDED("{\"type\":\"message\",\"content\":[]}"),
    PART_ADDED,
    DELTA("output_text", " a"),
    "{\"type\":\"response.output_text.done\",\"text\":\" a\"}",
    PART_ADDED,
    "{\"type\":\"response.output_text.done\",\"text\":\" b\"}",
    ITEM_DONE("{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\" a\"},{"
              "\"type\":\"output_text\",\"text\":\" b\"}]}"),
    COMPLETED("[" MESSAGE("all of it") "]"),
    NULL,
};

START_TEST(text_without_deltas_counts_once)
{
    struct stream s = read_stream(whole_parts);
    ck_assert_str_eq(text_in(&s), "fare{} then a b");
    ck_assert_uint_eq(s.chunks, 5);
    buffer_free(&s.text);
    const char *const late[] = {
        COMPLETED("[{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":"
                  "\"so \"}]}," MESSAGE("all") "]"),
        NULL};
    s = read_stream(late);
    ck_assert_str_eq(text_in(&s), "so all");
    ck_assert_uint_eq(s.chunks, 1);
    ck_assert_uint_eq(s.kinds, CHUNK_REASONING | CHUNK_SUMMARY | CHUNK_CONTENT);
    buffer_free(&s.text);
}
END_TEST

#define STATUS(type, rest) "{\"type\":\"response." type "\",\"response\":{\"output\":[]" rest "}}"

static const struct {
    const char *event, *finish, *error; /* error NULL = it is none */
} ends[] = {
    {COMPLETED("[{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"{}\"}]"), "tool_calls",
     NULL},
    {COMPLETED("[{\"type\":\"custom_tool_call\",\"name\":\"f\",\"input\":\"x\"}]"), "tool_calls",
     NULL},
    {COMPLETED("[{\"type\":\"web_search_call\",\"status\":\"completed\"}," MESSAGE("a") "]"),
     "stop", NULL},
    {STATUS("incomplete", ",\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":"
                          "\"max_output_tokens\"}"),
     "length", NULL},
    {STATUS("incomplete", ",\"incomplete_details\":{\"reason\":\"content_filter\"}"),
     "content_filter", NULL},
    {STATUS("incomplete", ",\"incomplete_details\":null"), "length", NULL},
    {STATUS("completed", ",\"status\":\"incomplete\""), "length", NULL},
    {STATUS("done", ""), "stop", NULL},
    {"{\"type\":\"response.completed\"}", "stop", NULL},
    {STATUS("failed", ",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":"
                      "\"it broke\"}"),
     "", "it broke"},
    {STATUS("failed", ",\"error\":null"), "", "the response failed, without a reason"},
    {STATUS("cancelled", ""), "", "the response was cancelled"},
    {"{\"type\":\"error\",\"sequence_number\":3,\"code\":\"rate_limit_exceeded\",\"message\":\"too "
     "fast\",\"param\":null}",
     "", "too fast"},
    {"{\"type\":\"error\",\"error\":{\"type\":\"server_error\",\"message\":\"busy\"}}", "", "busy"},
    {"{\"error\":{\"message\":\"gone\"}}", "", "gone"},
};

START_TEST(an_end_says_why)
{
    const char *const one[] = {ends[_i].event, NULL};
    struct stream s = read_stream(one);
    ck_assert_str_eq(s.finish, ends[_i].finish);
    ck_assert_int_eq(s.failed, ends[_i].error != NULL);
    ck_assert_str_eq(s.message, ends[_i].error ? ends[_i].error : "");
    ck_assert(s.ended || s.failed);
    buffer_free(&s.text);
}
END_TEST

/* Some servers do not say their output again when it is over. */
START_TEST(calls_of_the_stream_are_known_at_its_end)
{
    const char *const stream[] = {
        ITEM_ADDED("{\"type\":\"function_call\",\"name\":\"fare\",\"arguments\":\"\"}"),
        DELTA("function_call_arguments", "{}"), COMPLETED("[]"), NULL};
    struct stream s = read_stream(stream);
    ck_assert_str_eq(s.finish, "tool_calls");
    buffer_free(&s.text);
}
END_TEST

START_TEST(what_is_no_response_is_foreign)
{
    static const struct answer_so_far start;
    struct chunk c = {0};
    ck_assert_int_eq(responses_read_answer(text_of("{\"detail\":\"who are you?\"}"), &c), 0);
    ck_assert(c.is_foreign);
    ck_assert_int_eq(responses_read_answer(text_of("{\"output\":[]}"), &c), 0);
    ck_assert(!c.is_foreign);
    ck_assert_int_eq(
        responses_read_event(&start, "exception", text_of("{\"message\":\"slow down\"}"), &c), 0);
    ck_assert(c.is_foreign);
    ck_assert_int_eq(responses_read_event(&start, "", text_of(COMPLETED("[]")), &c), 0);
    ck_assert(!c.is_foreign);
}
END_TEST

START_TEST(done_alone_is_an_end_without_a_reason)
{
    const char *const stream[] = {DELTA("output_text", "a"), " [DONE]", NULL};
    struct stream s = read_stream(stream);
    ck_assert(s.ended && !s.failed);
    ck_assert_str_eq(s.finish, "");
    buffer_free(&s.text);
}
END_TEST

/* ---- whole answers ---- */

static struct chunk read_answer(const char *json)
{
    struct chunk c;
    ck_assert_msg(responses_read_answer(text_of(json), &c) == 0, "%s", json);
    return c;
}

static const struct {
    const char *json;
    unsigned tokens;
    const char *finish, *error;
} answers[] = {
    {"{\"object\":\"response\",\"status\":\"completed\",\"error\":null,\"output\":[" MESSAGE(
         "hi") "]}",
     CHUNK_CONTENT, "stop", NULL},
    {"{\"object\":\"response\",\"output\":[{\"type\":\"reasoning\",\"summary\":[],\"content\":[{"
     "\"type\":\"reasoning_text\",\"text\":\"hm\"}]},{\"type\":\"message\",\"content\":[{\"type\":"
     "\"refusal\",\"refusal\":\"no\"}]}],\"status\":\"completed\"}",
     CHUNK_REASONING | CHUNK_REFUSAL, "stop", NULL},
    {"{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"},"
     "\"output\":[{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"so\"}]"
     "}]}",
     CHUNK_REASONING | CHUNK_SUMMARY, "length", NULL},
    {"{\"status\":\"completed\",\"output\":[{\"type\":\"function_call\",\"name\":\"f\","
     "\"arguments\":\"{}\"}]}",
     CHUNK_TOOL, "tool_calls", NULL},
    {"{\"status\":\"queued\",\"output\":[],\"background\":true}", 0, "", NULL},
    {"{\"status\":\"failed\",\"output\":[],\"error\":{\"code\":\"server_error\",\"message\":"
     "\"it broke\"}}",
     0, "", "it broke"},
    {"{\"error\":{\"message\":\"no such model\",\"type\":\"invalid_request_error\"}}", 0, "",
     "no such model"},
    {"{\"object\":\"error\",\"message\":\"too long\",\"code\":400}", 0, "", "too long"},
};

START_TEST(whole_answers_are_read)
{
    struct chunk c = read_answer(answers[_i].json);
    ck_assert_msg(c.tokens == answers[_i].tokens, "%s gave %u", answers[_i].json, c.tokens);
    ck_assert(text_equal(c.finish_reason, answers[_i].finish));
    ck_assert_int_eq(c.is_error, answers[_i].error != NULL);
    if (answers[_i].error)
        ck_assert(text_equal(c.error_message, answers[_i].error));
}
END_TEST

/* A good payload cut anywhere is refused, and no byte beyond the cut is read. */
static void refuse_cuts(const char *whole, bool event)
{
    static const struct answer_so_far nothing = {0};
    struct chunk c;
    for (size_t cut = 0; cut < strlen(whole); cut++) {
        char *exact = malloc(cut ? cut : 1);
        memcpy(exact, whole, cut);
        struct text t = {exact, cut};
        int bad = event ? responses_read_event(&nothing, "", t, &c) : responses_read_answer(t, &c);
        ck_assert_int_lt(bad, 0);
        free(exact);
    }
}

START_TEST(cut_payloads_are_refused)
{
    struct chunk c;
    static const struct answer_so_far nothing = {0};
    refuse_cuts(COMPLETED("[" MESSAGE("\\u00e9") "]"), true);
    refuse_cuts(DELTA("output_text", "\\ud83d\\ude95"), true);
    refuse_cuts(answers[1].json, false);
    ck_assert_int_lt(responses_read_answer(text_of("<html>"), &c), 0);
    ck_assert_int_lt(responses_read_answer(text_of("null"), &c), 0);
    ck_assert_int_lt(responses_read_event(&nothing, "", text_of("[]"), &c), 0);
}
END_TEST

/* ---- inputs ---- */

static const struct {
    const char *messages, *input;
} inputs[] = {
    {"[{\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\"},{\"role\":\"user\",\"content\":"
     "\"Hi\",\"name\":\"ann\"}]",
     "[{\"type\":\"message\",\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\"},{\"type\":"
     "\"message\",\"role\":\"user\",\"content\":\"Hi\"}]"},
    {" [ { \"content\" : [ {\"type\":\"text\",\"text\":\"See\"} , {\"type\":\"image_url\","
     "\"image_url\":{\"url\":\"data:x\",\"detail\":\"low\"}}, {\"type\":\"input_audio\","
     "\"input_audio\":{\"data\":\"\",\"format\":\"wav\"}}, {\"type\":\"file\",\"file\":{"
     "\"file_id\":\"f1\"}} ] , \"role\":\"user\"} ] ",
     "[{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"
     "\"See\"},{\"type\":\"input_image\",\"image_url\":\"data:x\",\"detail\":\"low\"},{\"type\":"
     "\"input_audio\",\"input_audio\":{\"data\":\"\",\"format\":\"wav\"}},{\"type\":\"input_file\","
     "\"file_id\":\"f1\"}]}]"},
    {"[{\"role\":\"developer\",\"content\":\"d\"},{\"role\":\"assistant\",\"content\":[{\"type\":"
     "\"text\",\"text\":\"a\"},{\"type\":\"refusal\",\"refusal\":\"b\"}],\"reasoning_content\":"
     "\"hm\"}]",
     "[{\"type\":\"message\",\"role\":\"developer\",\"content\":\"d\"},{\"type\":\"message\","
     "\"role\":\"assistant\",\"content\":\"ab\"}]"},
    {"[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
     "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"c2\","
     "\"type\":\"custom\",\"custom\":{\"name\":\"sh\",\"input\":\"ls\"}}]},{\"role\":\"tool\","
     "\"tool_call_id\":\"c1\",\"content\":\"rain\"},{\"role\":\"tool\",\"tool_call_id\":\"c2\","
     "\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"text\",\"text\":\"y\"}]}]",
     "[{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":"
     "1}\"},{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"sh\",\"input\":\"ls\"},{"
     "\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"rain\"},{\"type\":"
     "\"function_call_output\",\"call_id\":\"c2\",\"output\":\"xy\"}]"},
    {"[{\"role\":\"assistant\",\"content\":\"wait\",\"function_call\":{\"name\":\"f\","
     "\"arguments\":\"{}\"}},{\"role\":\"function\",\"name\":\"f\",\"content\":null}]",
     "[{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"wait\"},{\"type\":"
     "\"function_call\",\"call_id\":\"f\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
     "\"function_call_output\",\"call_id\":\"f\",\"output\":\"\"}]"},
    {"[]", "[]"},
};

START_TEST(messages_become_items)
{
    struct buffer b;
    buffer_init(&b, 1 << 16);
    buffer_add_text(&b, "\"input\":");
    size_t start = b.length;
    ck_assert_int_eq(responses_add_input(text_of(inputs[_i].messages), &b), 0);
    ck_assert_str_eq(b.data + start, inputs[_i].input);
    cJSON *json = cJSON_Parse(b.data + start);
    ck_assert_ptr_nonnull(json);
    cJSON_Delete(json);
    /* Beyond its cap nothing is claimed to be whole. */
    for (size_t cap = 0; cap < strlen(inputs[_i].input); cap++) {
        struct buffer small;
        buffer_init(&small, cap);
        ck_assert_int_lt(responses_add_input(text_of(inputs[_i].messages), &small), 0);
        buffer_free(&small);
    }
    buffer_free(&b);
}
END_TEST

#define LOOP(t, test, table) tcase_add_loop_test(t, test, 0, (int)(sizeof table / sizeof *table))

int main(void)
{
    Suite *suite = suite_create("responses");
    TCase *t = tcase_create("responses");
    tcase_add_test(t, only_deltas_of_a_stream_count);
    LOOP(t, every_event_bears_the_tokens_of_its_type, events);
    tcase_add_test(t, an_events_name_stands_for_its_type);
    tcase_add_test(t, text_without_deltas_counts_once);
    LOOP(t, an_end_says_why, ends);
    tcase_add_test(t, calls_of_the_stream_are_known_at_its_end);
    tcase_add_test(t, done_alone_is_an_end_without_a_reason);
    tcase_add_test(t, what_is_no_response_is_foreign);
    LOOP(t, whole_answers_are_read, answers);
    tcase_add_test(t, cut_payloads_are_refused);
    LOOP(t, messages_become_items, inputs);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
