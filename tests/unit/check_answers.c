/* Answers as servers really send them: which are whole, which failed and with whose words, and what
 * was odd about them. Each is fed event by event, and in pieces of a few bytes. */
#include "bench/answer/attempt.h"
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#define STREAM "text/event-stream"
#define SAY(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define ROLE "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
#define ENDED(reason) \
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"
#define STOP ENDED("stop")
#define USAGE "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n"
#define DONE "data: [DONE]\n\n"
#define TWO SAY("a") SAY("b")
#define REST STOP USAGE DONE

struct answer {
    const char *what, *type, *body;
    enum failure_class failure; /* FAILURE_NONE = completed */
    const char *message;        /* the beginning; NULL = none */
    uint32_t odd, chunks;
    const char *text; /* NULL = "ab" where it completed */
};

#define NONE FAILURE_NONE
#define ERROR FAILURE_ERROR_EVENT
#define EMPTY FAILURE_EMPTY
#define MALFORMED FAILURE_MALFORMED
#define TRUNCATED FAILURE_TRUNCATED

static const struct answer ends[] = {
    {"as documented", STREAM, ROLE TWO REST, NONE, NULL, 0, 2, NULL},
    {"no end mark", STREAM, ROLE TWO STOP USAGE, NONE, NULL, ODDITY(NO_END_MARK), 2, NULL},
    {"no finish_reason", STREAM, TWO USAGE DONE, NONE, NULL, ODDITY(NO_FINISH_REASON), 2, NULL},
    {"an empty finish_reason", STREAM,
     "data: {\"choices\":[{\"delta\":{\"content\":\"ab\"},\"finish_reason\":\"\"}]}\n\n" DONE, NONE,
     NULL, ODDITY(NO_FINISH_REASON), 1, NULL},
    {"neither", STREAM, TWO USAGE, TRUNCATED, "the stream ended without finish_reason and [DONE]",
     0, 2, NULL},
    {"an end mark with blanks", STREAM, TWO STOP "data:  [DONE] \n\n", NONE, NULL, 0, 2, NULL},
    {"an end mark in quotes", STREAM, TWO STOP "data: \"[DONE]\"\n\n", NONE, NULL, 0, 2, NULL},
    {"an end mark without its blank line", STREAM, TWO STOP "data: [DONE]", NONE, NULL, 0, 2, NULL},
    {"an end mark without data", STREAM, TWO STOP "[DONE]\n\n", NONE, NULL, ODDITY(NO_DATA), 2,
     NULL},
    {"lines of a log that look like JSON's", STREAM,
     SAY("a") "[worker,\n{\n" SAY("b") STOP "[DONE]\n", NONE, NULL, ODDITY(NO_DATA), 2, NULL},
    {"a whole answer behind a byte-order mark", "application/json",
     "\xef\xbb\xbf{\"choices\":[{\"message\":{\"content\":\"ab\"},\"finish_reason\":\"stop\"}]}",
     NONE, NULL, 0, 0, NULL},
    {"text behind the end mark", STREAM, TWO STOP DONE SAY("c") DONE, NONE, NULL, 0, 2, NULL},
    {"the answer again as a message", STREAM,
     TWO
     "data: {\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"ab\"}}]}\n\n" DONE,
     NONE, NULL, ODDITY(REPEATS), 2, NULL},
    {"increments as messages", STREAM,
     "data: {\"choices\":[{\"message\":{\"content\":\"a\"}}]}\n\n"
     "data: {\"choices\":[{\"message\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n" DONE,
     NONE, NULL, 0, 2, NULL},
    {"a finish_reason of null in quotes", STREAM,
     "data: {\"choices\":[{\"delta\":{\"content\":\"ab\"},\"finish_reason\":\"null\"}]}\n\n" DONE,
     NONE, NULL, ODDITY(NO_FINISH_REASON), 1, NULL},
    {"empty lines alone", STREAM, "\n\n\n", TRUNCATED,
     "the stream ended without finish_reason and [DONE]", 0, 0, NULL},
    {"a byte-order mark alone", STREAM, "\xef\xbb\xbf\n", TRUNCATED,
     "the stream ended without finish_reason and [DONE]", 0, 0, NULL},
    {"a keep-alive, and usage behind the end mark", STREAM, "data: ping\n\n" DONE USAGE, NONE, NULL,
     ODDITY(NOT_JSON) | ODDITY(NO_TEXT) | ODDITY(NO_FINISH_REASON), 0, ""},
    {"filter results first", STREAM,
     "data: {\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n" TWO
     "data: {\"choices\":[{\"index\":0,\"finish_reason\":null,\"content_filter_offsets\":{},"
     "\"content_filter_result\":{\"error\":{\"code\":\"x\",\"message\":\"not "
     "filtered\"}}}]}\n\n" REST,
     NONE, NULL, 0, 2, NULL},
    {"reasoning in the choice", STREAM,
     "data: {\"choices\":[{\"text\":\"\",\"reasoning\":\"a\"}]}\n\n"
     "data: {\"choices\":[{\"text\":\"b\",\"reasoning\":null}]}\n\n" REST,
     NONE, NULL, 0, 2, NULL},
    {"a chain of thought's summary", STREAM,
     "data: {\"choices\":[{\"delta\":{\"cot_summary\":\"a\"}}]}\n\n" SAY("b") REST, NONE, NULL, 0,
     2, NULL},
    {"calls in camel's case", STREAM,
     "data: {\"choices\":[{\"delta\":{\"toolCalls\":[{\"id\":\"1\",\"function\":{\"name\":\"ab\","
     "\"arguments\":\"\"}}]}}]}\n\n" ENDED("tool_calls") USAGE DONE,
     NONE, NULL, 0, 1, NULL},
    {"two choices", STREAM,
     SAY("a") "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n" REST, NONE,
     NULL, 0, 2, NULL},
};

static const struct answer failures[] = {
    {"an error in the choice", STREAM,
     TWO "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\",\"error\":"
         "{\"code\":502,\"message\":\"upstream left\"}}]}\n\n" DONE,
     ERROR, "upstream left", 0, 2, NULL},
    {"an error in the delta", STREAM,
     TWO "data: {\"choices\":[{\"delta\":{\"error\":\"it broke\"}}]}\n\n" DONE, ERROR, "it broke",
     0, 2, NULL},
    {"finish_reason error alone", STREAM, TWO ENDED("error") DONE, ERROR,
     "the server ended the answer with finish_reason \"error\"", 0, 2, NULL},
    {"finish_reason abort", STREAM, TWO ENDED("abort") USAGE DONE, ERROR,
     "the server ended the answer with finish_reason \"abort\"", 0, 2, NULL},
    {"finish_reason in capitals", STREAM, TWO ENDED("ENGINE_ERROR") DONE, ERROR,
     "the server ended the answer with finish_reason \"ENGINE_ERROR\"", 0, 2, NULL},
    {"finish_reason of a network", STREAM, TWO ENDED("network_error") DONE, ERROR, NULL, 0, 2,
     NULL},
    {"finish_reason of resources", STREAM, TWO ENDED("insufficient_system_resource") DONE, ERROR,
     NULL, 0, 2, NULL},
    {"finish_reason as an object", STREAM,
     TWO "data: {\"choices\":[{\"delta\":{},\"finish_reason\":{\"type\":\"abort\",\"message\":"
         "\"the cache is full\"}}]}\n\n" DONE,
     ERROR, "the cache is full", 0, 2, NULL},
    {"an error beside choices", STREAM,
     TWO "data: {\"choices\":[],\"error\":{\"message\":\"overloaded\"}}\n\n" DONE, ERROR,
     "overloaded", 0, 2, NULL},
    {"an error that is true", STREAM, TWO "data: {\"error\":true,\"message\":\"no room\"}\n\n" DONE,
     ERROR, "no room", 0, 2, NULL},
    {"an event called error", STREAM, TWO "event: error\ndata: {\"detail\":\"timed out\"}\n\n",
     ERROR, "timed out", 0, 2, NULL},
    {"an event called error, in plain words", STREAM,
     TWO "event: error\ndata: Internal Server Error\n\n", ERROR, "Internal Server Error", 0, 2,
     NULL},
    {"an error line without words", STREAM, TWO "error:\n\n", ERROR, "the server gave no reason",
     ODDITY(NO_DATA), 2, NULL},
    {"an error event without words", STREAM, TWO "event: error\ndata:  \n\n", ERROR,
     "the server gave no reason", 0, 2, NULL},
    {"a status object", STREAM,
     "data: {\"choices\":null,\"base_resp\":{\"status_code\":1008,\"status_msg\":\"no "
     "balance\"}}\n\n",
     ERROR, "no balance", 0, 0, NULL},
    {"code and message", STREAM, "data: {\"code\":\"Throttling\",\"message\":\"too fast\"}\n\n",
     ERROR, "too fast", 0, 0, NULL},
    {"code and message, and an end mark", STREAM,
     SAY("a") "data: {\"code\":500,\"message\":\"engine \\\"A\\\" died\"}\n\n" DONE, ERROR,
     "engine \"A\" died", 0, 1, NULL},
    {"an error without data", STREAM,
     "{\"error\":{\"code\":400,\"message\":\"7000 tokens are too many\",\"type\":\"x\"}}", ERROR,
     "7000 tokens are too many", ODDITY(CONTENT_TYPE), 0, NULL},
    {"an error without data, printed nicely", STREAM,
     "{\n  \"error\": {\n    \"message\": \"too long\"\n  }\n}\n", ERROR, "too long",
     ODDITY(CONTENT_TYPE), 0, NULL},
    {"an error without data behind tokens", STREAM, TWO "{\"error\":{\"message\":\"gone\"}}\n",
     ERROR, "gone", ODDITY(NO_DATA), 2, NULL},
    {"a line called error", STREAM, TWO "error: {\"code\":500,\"message\":\"slot lost\"}\n\n",
     ERROR, "slot lost", ODDITY(NO_DATA), 2, NULL},
    {"a line called error, in plain words", STREAM, TWO "error: slot lost\n\n", ERROR, "slot lost",
     ODDITY(NO_DATA), 2, NULL},
    {"a body with a detail", "application/json", "{\"detail\":\"Not signed in\"}", ERROR,
     "Not signed in", 0, 0, NULL},
    {"a body with an error_msg", "application/json", "{\"error_code\":17,\"error_msg\":\"quota\"}",
     ERROR, "quota", 0, 0, NULL},
    {"a body with code and message", "application/json",
     "{\"code\":\"InvalidParameter\",\"message\":\"bad range\",\"request_id\":\"7\"}", ERROR,
     "bad range", 0, 0, NULL},
    {"a body with errors", "application/json",
     "{\"result\":null,\"success\":false,\"errors\":[{\"code\":7009,\"message\":\"no model\"}]}",
     ERROR, "no model", 0, 0, NULL},
    {"a body whose choice failed", "application/json",
     "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"error\",\"error\":{"
     "\"message\":"
     "\"lost\"}}]}",
     ERROR, "lost", 0, 0, NULL},
    {"a body of another API", "application/json",
     "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"ab\"}],\"usage\":{"
     "\"input_tokens\":9,\"output_tokens\":2}}",
     EMPTY, "the answer looks like one of --api messages, and --api chat was asked", 0, 0, NULL},
    {"a body of an API that is not spoken", "application/json",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"ab\"}]}}],\"usageMetadata\":{"
     "\"candidatesTokenCount\":2}}",
     EMPTY, "the answer looks like one of Gemini's own API", 0, 0, NULL},
    {"a body without words", "application/json", "{\"id\":7}", EMPTY,
     "the answer holds no token: {\"id\":7}", 0, 0, NULL},
    {"an error in a list", "application/json",
     "[{\"error\":{\"code\":429,\"message\":\"quota is spent\"}}]\n", ERROR, "quota is spent", 0, 0,
     NULL},
    {"an error in a list as an event", STREAM,
     TWO "data: [{\"error\":{\"code\":429,\"message\":\"quota is spent\"}}]\n\n", ERROR,
     "quota is spent", 0, 2, NULL},
    {"an error over several lines", STREAM,
     TWO "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"no slot\"\n  }\n}\n", ERROR,
     "no slot", ODDITY(NO_DATA), 2, NULL},
    {"an error in a list over several lines", STREAM,
     TWO "[{\n  \"error\": {\n    \"message\": \"no slot\"\n  }\n}\n]\n", ERROR, "no slot",
     ODDITY(NO_DATA), 2, NULL},
    {"a kind and a detail", "application/problem+json",
     "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"detail\":\"no such function\"}", ERROR,
     "no such function", 0, 0, NULL},
    {"a kind alone", "application/problem+json", "{\"title\":\"Not Found\",\"status\":404}", ERROR,
     "Not Found", 0, 0, NULL},
    {"a code and a description", "application/json",
     "{\"error\":\"invalid_token\",\"message\":\"it has expired\"}", ERROR, "it has expired", 0, 0,
     NULL},
    {"an exception by its name", STREAM,
     TWO "data: {\"modelTimeoutException\":{\"message\":\"took too long\"}}\n\n", ERROR,
     "took too long", 0, 2, NULL},
    {"a page", "text/html", "<html>sign in</html>", MALFORMED, "a web page: \"sign in\"", 0, 0,
     NULL},
    {"a page that is called a stream", STREAM, "<html>\nsign in</html>\n", MALFORMED, "<html>",
     ODDITY(NO_DATA), 0, NULL},
    {"an empty body", STREAM, "", TRUNCATED, "the stream ended without finish_reason and [DONE]", 0,
     0, NULL},
    {"nothing but an end mark", STREAM, DONE, EMPTY, "the stream ended without a token", 0, 0,
     NULL},
    {"a role and an end mark", STREAM, ROLE DONE, EMPTY, "the stream ended without a token", 0, 0,
     NULL},
    {"nothing but keep-alives", STREAM, "data: alive\n\ndata: still\n\n", MALFORMED, "alive",
     ODDITY(NOT_JSON), 0, NULL},
    {"nothing but what is no JSON", STREAM, "data: boo\n\n" DONE, MALFORMED, "boo",
     ODDITY(NOT_JSON), 0, NULL},
};

#define NOT_JSON ODDITY(NOT_JSON)
#define BAD_TEXT ODDITY(BAD_TEXT)
#define OTHER_TYPE ODDITY(CONTENT_TYPE)
#define WITH_ERROR(value) \
    "data: {\"choices\":[{\"delta\":{\"content\":\"ab\"}}],\"error\":" value "}\n\n" REST

static const struct answer odd[] = {
    {"called JSON", "application/json", ROLE TWO REST, NONE, NULL, OTHER_TYPE, 2, NULL},
    {"called text", "text/plain; charset=utf-8", TWO REST, NONE, NULL, OTHER_TYPE, 2, NULL},
    {"called nothing", NULL, TWO REST, NONE, NULL, OTHER_TYPE, 2, NULL},
    {"called JSON, behind a mark and blank lines", "application/json",
     "\xef\xbb\xbf\r\n\n" TWO REST, NONE, NULL, OTHER_TYPE, 2, NULL},
    {"called JSON, behind a comment", "application/json", ": hi\n\n" TWO REST, NONE, NULL,
     OTHER_TYPE, 2, NULL},
    {"called JSON, with names", "application/json", "event: chunk\n" SAY("ab") REST, NONE, NULL,
     OTHER_TYPE, 1, NULL},
    {"called JSON, with numbers", "application/json", "id: 1\nretry: 10\n" SAY("ab") REST, NONE,
     NULL, OTHER_TYPE, 1, NULL},
    {"a whole answer that is called a stream", STREAM,
     "\n\n{\"choices\":[{\"message\":{\"content\":\"ab\"},\"finish_reason\":\"stop\"}]}", NONE,
     NULL, OTHER_TYPE, 0, NULL},
    {"errors of \"\"", STREAM, WITH_ERROR("\"\""), NONE, NULL, 0, 1, NULL},
    {"errors of {}", STREAM, WITH_ERROR("{}"), NONE, NULL, 0, 1, NULL},
    {"errors of []", STREAM, WITH_ERROR("[]"), NONE, NULL, 0, 1, NULL},
    {"errors of false", STREAM, WITH_ERROR("false"), NONE, NULL, 0, 1, NULL},
    {"errors of null", STREAM, WITH_ERROR("null"), NONE, NULL, 0, 1, NULL},
    {"errors of 0", STREAM, WITH_ERROR("0"), NONE, NULL, 0, 1, NULL},
    {"errors of nothing inside", STREAM, WITH_ERROR("{\"code\":null,\"message\":\"\"}"), NONE, NULL,
     0, 1, NULL},
    {"errors of success", STREAM, WITH_ERROR("{\"code\":0,\"message\":\"success\"}"), NONE, NULL, 0,
     1, NULL},
    {"a good status object", STREAM,
     "data: {\"choices\":[{\"delta\":{\"content\":\"ab\"}}],\"base_resp\":{\"status_code\":0,"
     "\"status_msg\":\"\"}}\n\n" REST,
     NONE, NULL, 0, 1, NULL},
    {"a comment as data", STREAM, "data: : WORKING ON IT\n\n" TWO REST, NONE, NULL, NOT_JSON, 2,
     NULL},
    {"null as data", STREAM, TWO "data: null\n\n" REST, NONE, NULL, NOT_JSON, 2, NULL},
    {"a word as data", STREAM, SAY("a") "event: ping\ndata: keepalive\n\n" SAY("b") REST, NONE,
     NULL, NOT_JSON, 2, NULL},
    {"nothing as data", STREAM, "data:\n\n" TWO "data\n\n" REST, NONE, NULL, NOT_JSON, 2, NULL},
    {"JSON that is no answer", STREAM,
     "data: {\"type\":\"ping\"}\n\ndata: {\"message\":\"in the queue\"}\n\n" TWO REST, NONE, NULL,
     0, 2, NULL},
    {"a warning at the end", STREAM, TWO STOP "data: {\"warning\":\"no usage\"}\n\n" DONE, NONE,
     NULL, 0, 2, NULL},
    {"half an event", STREAM, SAY("a") "data: {\"choices\":[{\"del\n\n" SAY("b") REST, NONE, NULL,
     NOT_JSON, 2, NULL},
    {"numbers that are none", STREAM,
     "data: "
     "{\"choices\":[{\"delta\":{\"content\":\"ab\"},\"logprobs\":{\"content\":[{\"token\":\"ab\","
     "\"logprob\":-Infinity,\"top_logprobs\":[NaN,inf,]}]}}],\"x\":.5}\n\n" REST,
     NONE, NULL, BAD_TEXT, 1, NULL},
    {"Python's words and quotes", STREAM,
     "data: {'choices': [{'delta': {'content': 'a\\'b'}, 'finish_reason': None}], 'ok': "
     "True}\n\n" REST,
     NONE, NULL, BAD_TEXT, 1, "a'b"},
    {"a line end inside of a text", STREAM,
     "data: {\"choices\":[{\"delta\":{\"content\":\"a\tb\\q\"}}]}\n\n" REST, NONE, NULL, BAD_TEXT,
     1, "a\tb\\q"},
    {"half characters", STREAM, SAY("\xf0\x9f") SAY("\x98\x80") SAY("ab") REST, NONE, NULL,
     BAD_TEXT, 3,
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
     "ab"},
    {"half characters in a member that nobody needs", STREAM,
     "data: {\"id\":\"\xff\",\"choices\":[{\"delta\":{\"content\":\"ab\"}}]}\n\n" REST, NONE, NULL,
     BAD_TEXT, 1, NULL},
    {"chunks without data", STREAM,
     SAY("a") "{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n" DONE,
     NONE, NULL, ODDITY(NO_DATA), 2, NULL},
    {"a log's line among events", STREAM, SAY("a") "INFO: generating\n" SAY("b") REST, NONE, NULL,
     ODDITY(NO_DATA), 2, NULL},
    {"no blank lines", STREAM,
     "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n"
     "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n"
     "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\ndata: [DONE]\n",
     NONE, NULL, ODDITY(NO_BLANK), 2, NULL},
    {"no text", STREAM, ROLE STOP USAGE DONE, NONE, NULL, ODDITY(NO_TEXT), 0, ""},
    {"no text and no finish_reason, but tokens", STREAM, ROLE USAGE DONE, NONE, NULL,
     ODDITY(NO_TEXT) | ODDITY(NO_FINISH_REASON), 0, ""},
    {"no text in a body", "application/json",
     "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],\"usage\":{"
     "\"prompt_tokens\":9,\"completion_tokens\":1}}",
     NONE, NULL, ODDITY(NO_TEXT), 0, ""},
    {"a body with odd numbers", "application/json",
     "{\"choices\":[{\"message\":{\"content\":\"ab\"},\"finish_reason\":\"stop\",\"logprobs\":NaN}]"
     "}",
     NONE, NULL, BAD_TEXT, 0, NULL},
    {"a body without finish_reason", "application/json",
     "{\"choices\":[{\"message\":{\"content\":"
     "\"ab\"}}]}",
     NONE, NULL, ODDITY(NO_FINISH_REASON), 0, NULL},
};

static const struct attempt_config asked = {
    .api = &api_chat, .stream = true, .keep_text = true, .max_event = 4096, .max_body = 4096};

/* Bytes until the next cut: behind the next blank line (0), or so many. */
static size_t next_piece(const char *at, size_t piece)
{
    const char *blank = strstr(at, "\n\n");
    size_t left = strlen(at), n = piece ? piece : blank ? (size_t)(blank - at) + 2 : left;
    return n < left ? n : left;
}

/* Plays the answer, 10 ms from piece to piece, to an end by HTTP's rules. */
static struct record play(struct attempt *a, const struct answer *w, size_t piece,
                          enum failure_class transport)
{
    struct record r;
    int64_t now_ns = 1000;
    uint64_t read = 0;
    attempt_init(a);
    attempt_begin(a, &asked, now_ns);
    attempt_answer(a, 200, w->type);
    for (const char *at = w->body; *at;) {
        size_t n = next_piece(at, piece);
        char *own = malloc(n); /* whatever is read beyond it is found */
        memcpy(own, at, n);
        now_ns += 10 * NS_PER_MS;
        bool go_on = attempt_feed(a, &(struct arrival){now_ns, now_ns, ++read}, own, n);
        free(own);
        if (!go_on)
            break;
        at += n;
    }
    attempt_end(a, transport, "cut");
    record_init(&r);
    attempt_fill(a, &r);
    return r;
}

static void check(const struct answer *w, size_t piece)
{
    struct attempt a;
    struct record r = play(&a, w, piece, FAILURE_NONE);
    ck_assert_msg(r.failure == w->failure, "%s: %s, %s", w->what, failure_name(r.failure),
                  r.message ? r.message : "");
    if (w->message)
        ck_assert_msg(r.message && strncmp(r.message, w->message, strlen(w->message)) == 0,
                      "%s: %s", w->what, r.message ? r.message : "(no words)");
    ck_assert_msg(r.odd == w->odd, "%s: odd by %x", w->what, r.odd);
    ck_assert_msg(r.chunks == w->chunks, "%s: %u chunks", w->what, r.chunks);
    if (w->failure == FAILURE_NONE) {
        ck_assert_ptr_null(r.message);
        ck_assert_msg(strcmp(r.text ? r.text : "", w->text ? w->text : "ab") == 0, "%s: %s",
                      w->what, r.text ? r.text : "(no text)");
    }
    attempt_free(&a);
}

static void check_at_all_splits(const struct answer *w)
{
    for (size_t piece = 0; piece < 8; piece++)
        check(w, piece);
    check(w, SIZE_MAX);
}

START_TEST(an_end_mark_or_a_finish_reason_ends_an_answer)
{
    check_at_all_splits(&ends[_i]);
}
END_TEST

START_TEST(a_failure_is_told_in_the_servers_words)
{
    check_at_all_splits(&failures[_i]);
}
END_TEST

START_TEST(what_is_odd_is_noted_and_fails_no_answer)
{
    check_at_all_splits(&odd[_i]);
}
END_TEST

/* A finish_reason is an end only where HTTP says that the body is whole. */
START_TEST(a_body_that_was_cut_stays_truncated)
{
    static const struct answer w = {
        "cut behind its finish_reason", STREAM, TWO STOP, TRUNCATED, NULL, 0, 2, NULL};
    struct attempt a;
    struct record r = play(&a, &w, 0, FAILURE_TRUNCATED);
    ck_assert_int_eq(r.failure, FAILURE_TRUNCATED);
    ck_assert_str_eq(r.message, "cut");
    ck_assert_uint_eq(r.odd, 0);
    attempt_free(&a);
}
END_TEST

/* The times of a stream do not depend on what it is called, nor on what stands between. */
START_TEST(a_stream_under_another_name_has_its_times)
{
    static const struct answer w = {
        "",  "application/json", ROLE SAY("a") "data: null\n\n" SAY("b") REST, NONE, NULL, 0, 2,
        NULL};
    struct attempt a;
    struct record r = play(&a, &w, 0, FAILURE_NONE);
    ck_assert(r.streamed);
    ck_assert_int_eq(r.first_byte_ns - r.sent_ns, 10 * NS_PER_MS);
    ck_assert_int_eq(r.first_token_ns - r.sent_ns, 20 * NS_PER_MS);
    ck_assert_int_eq(r.last_token_ns - r.sent_ns, 40 * NS_PER_MS);
    attempt_free(&a);
}
END_TEST

/* Usage that was still to come is taken from behind the end mark; other usage is not. */
START_TEST(usage_behind_the_end_mark_counts_once)
{
    static const struct answer late = {"", STREAM, TWO STOP DONE USAGE, NONE, NULL, 0, 2, NULL};
    static const struct answer twice = {
        "",
        STREAM,
        TWO STOP USAGE DONE
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":99}}\n\n",
        NONE,
        NULL,
        0,
        2,
        NULL};
    const struct answer *both[] = {&late, &twice};
    for (int i = 0; i < 2; i++) {
        struct attempt a;
        struct record r = play(&a, both[i], 0, FAILURE_NONE);
        ck_assert_int_eq(r.usage_from, USAGE_SERVER);
        ck_assert_uint_eq(r.usage.tokens[USAGE_OUTPUT], 2);
        attempt_free(&a);
    }
}
END_TEST

START_TEST(a_whole_answer_that_is_called_a_stream_is_not_streamed)
{
    static const struct answer w = {
        "",
        STREAM,
        "{\"choices\":[{\"message\":{\"content\":\"ab\"},\"finish_reason\":\"stop\"}]}",
        NONE,
        NULL,
        0,
        0,
        NULL};
    struct attempt a;
    struct record r = play(&a, &w, 7, FAILURE_NONE);
    ck_assert(!r.streamed && r.status == RECORD_COMPLETED);
    ck_assert(r.first_token_ns == TIME_NEVER && r.last_token_ns != TIME_NEVER);
    attempt_free(&a);
}
END_TEST

#define LOOP(t, test, table) tcase_add_loop_test(t, test, 0, (int)(sizeof table / sizeof *table))

int main(void)
{
    Suite *suite = suite_create("answers");
    TCase *t = tcase_create("answers");
    LOOP(t, an_end_mark_or_a_finish_reason_ends_an_answer, ends);
    LOOP(t, a_failure_is_told_in_the_servers_words, failures);
    LOOP(t, what_is_odd_is_noted_and_fails_no_answer, odd);
    tcase_add_test(t, a_body_that_was_cut_stays_truncated);
    tcase_add_test(t, a_stream_under_another_name_has_its_times);
    tcase_add_test(t, usage_behind_the_end_mark_counts_once);
    tcase_add_test(t, a_whole_answer_that_is_called_a_stream_is_not_streamed);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
