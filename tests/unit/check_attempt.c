#include "bench/answer/attempt.h"
#include "bench/client/endpoint.h"
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN "data: {\"choices\":[{\"delta\":{\"content\":\" t\"}}]}\n\n"
#define ROLE "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
#define THINK "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n"
#define FINISH "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE                                                                       \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4," \
    "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}\n\n"
#define DONE "data: [DONE]\n\n"

static const struct attempt_config streaming = {
    .api = &api_chat, .stream = true, .max_event = 4096, .max_body = 4096};

/* One read at `ns`, of a socket that was readable at `wake_ns`. */
static bool read_at(struct attempt *a, int64_t wake_ns, int64_t ns, const char *text)
{
    struct arrival when = {wake_ns, ns, (uint64_t)ns};
    return attempt_feed(a, &when, text, strlen(text));
}

static void begin(struct attempt *a, const struct attempt_config *c)
{
    attempt_init(a);
    attempt_begin(a, c, 100);
    attempt_answer(a, 200, "text/event-stream");
}

static struct record fill(struct attempt *a)
{
    struct record r;
    record_init(&r);
    r.asked_input = 10;
    r.asked_output = 4;
    attempt_fill(a, &r);
    return r;
}

START_TEST(times_are_those_of_token_chunks)
{
    struct attempt a;
    begin(&a, &streaming);
    ck_assert(read_at(&a, 200, 210, ROLE));
    ck_assert(read_at(&a, 300, 305, THINK));
    ck_assert(read_at(&a, 400, 405, TOKEN));
    ck_assert(read_at(&a, 500, 505, TOKEN FINISH));
    ck_assert(read_at(&a, 600, 605, USAGE DONE));
    attempt_end(&a, FAILURE_NONE, NULL);
    struct record r = fill(&a);
    ck_assert_int_eq(r.status, RECORD_COMPLETED);
    ck_assert_int_eq(r.first_byte_ns, 210);
    ck_assert_int_eq(r.first_token_ns, 300);
    ck_assert_int_eq(r.first_output_ns, 400);
    ck_assert_int_eq(r.last_token_ns, 500);
    ck_assert_uint_eq(r.chunks, 3);
    ck_assert(r.reasoning_chunks);
    ck_assert_uint_eq(r.usage.tokens[USAGE_REASONING], 1);
    ck_assert_uint_eq(r.usage.tokens[USAGE_OUTPUT], 3);
    ck_assert_str_eq(r.finish_reason, "stop");
    attempt_free(&a);
}
END_TEST

/* What stands before an answer is looked at once, however long it is. */
START_TEST(blanks_without_end_take_no_time)
{
    const struct attempt_config config = {
        .api = &api_chat, .stream = true, .max_event = 4096, .max_body = 8 << 20};
    static char blanks[4097];
    struct attempt a;
    memset(blanks, '\n', sizeof blanks - 1);
    for (int round = 0; round < 2; round++) {
        begin(&a, &config);
        size_t taken = 0;
        while (taken < (round ? 16u << 20 : 7u << 20) && read_at(&a, 200, 200, blanks))
            taken += sizeof blanks - 1;
        if (round == 0)
            ck_assert(read_at(&a, 300, 300, TOKEN FINISH DONE));
        attempt_end(&a, FAILURE_NONE, NULL);
        struct record r = fill(&a);
        ck_assert_int_eq(r.failure, round ? FAILURE_TOO_LARGE : FAILURE_NONE);
        ck_assert_uint_le(taken, 8 << 20);
        attempt_free(&a);
    }
}
END_TEST

START_TEST(a_stream_of_tokens_has_an_end)
{
    struct attempt a;
    struct buffer many;
    int reads = 0;
    buffer_init(&many, BUFFER_UNBOUNDED);
    for (int i = 0; i < 1000; i++)
        buffer_add_text(&many, TOKEN);
    begin(&a, &streaming);
    while (reads < 3000 && read_at(&a, 200 + reads, 200 + reads, many.data))
        reads++;
    attempt_end(&a, FAILURE_NONE, NULL);
    struct record r = fill(&a);
    ck_assert_int_eq(r.failure, FAILURE_TOO_LARGE);
    ck_assert_int_eq(reads, 2000);
    attempt_free(&a);
    buffer_free(&many);
}
END_TEST

#define CALL                                                                                     \
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\"," \
    "\"arguments\":\"\"}}]}}]}\n\n"

/* Text at 200, reasoning at 300, a tool call at 400: each kind has a first token of its own. */
START_TEST(each_kind_of_token_has_its_first)
{
    struct attempt a;
    begin(&a, &streaming);
    ck_assert(read_at(&a, 200, 200, TOKEN));
    ck_assert(read_at(&a, 300, 300, THINK));
    ck_assert(read_at(&a, 400, 400, CALL));
    ck_assert(read_at(&a, 500, 500, CALL));
    ck_assert(read_at(&a, 600, 600, TOKEN FINISH));
    ck_assert(!attempt_is_whole(&a));
    ck_assert(read_at(&a, 700, 700, DONE));
    ck_assert(attempt_is_whole(&a));
    attempt_end(&a, FAILURE_NONE, NULL);
    struct record r = fill(&a);
    ck_assert_int_eq(r.first_token_ns, 200);
    ck_assert_int_eq(r.first_output_ns, 200);
    ck_assert_int_eq(r.first_text_ns, 200);
    ck_assert_int_eq(r.first_reasoning_ns, 300);
    ck_assert_int_eq(r.first_tool_ns, 400);
    attempt_begin(&a, &streaming, 1000); /* and forgets them */
    r = fill(&a);
    ck_assert(r.first_text_ns == TIME_NEVER && r.first_tool_ns == TIME_NEVER &&
              r.first_reasoning_ns == TIME_NEVER);
    attempt_free(&a);
}
END_TEST

/* Only what stands first in a read was there when the loop woke; and nothing arrived before the
 * read before it, nor before it was asked for. */
START_TEST(a_chunk_is_dated_by_what_is_known)
{
    struct attempt a;
    begin(&a, &streaming);
    ck_assert(read_at(&a, 50, 210, TOKEN));        /* with the headers: by the read */
    ck_assert(read_at(&a, 300, 390, TOKEN TOKEN)); /* the first by the wake-up */
    ck_assert(read_at(&a, 350, 450, TOKEN));       /* woken before the read before: by that */
    ck_assert(read_at(&a, 500, 590, ROLE TOKEN));  /* behind something else: by the read */
    static const int64_t expected[] = {210, 300, 390, 390, 590};
    ck_assert_uint_eq(a.chunks, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(a.chunk_ns[i], expected[i]);
    attempt_free(&a);
}
END_TEST

START_TEST(how_the_connection_ended_does_not_matter_after_done)
{
    struct attempt a;
    begin(&a, &streaming);
    ck_assert(read_at(&a, 200, 210, TOKEN FINISH USAGE DONE));
    attempt_end(&a, FAILURE_RESET, "reset");
    ck_assert_int_eq(fill(&a).status, RECORD_COMPLETED);
    attempt_free(&a);
}
END_TEST

START_TEST(usage_is_estimated_where_none_came)
{
    struct attempt a;
    begin(&a, &streaming);
    ck_assert(read_at(&a, 200, 210, THINK TOKEN TOKEN));
    attempt_end(&a, FAILURE_RESET, "reset by peer");
    struct record r = fill(&a);
    ck_assert_int_eq(r.failure, FAILURE_RESET);
    ck_assert_str_eq(r.message, "reset by peer");
    ck_assert_int_eq(r.usage_from, USAGE_ESTIMATED);
    ck_assert_uint_eq(r.usage.tokens[USAGE_UNCACHED_INPUT], 10);
    ck_assert_uint_eq(r.usage.tokens[USAGE_OUTPUT], 2);
    ck_assert_uint_eq(r.usage.tokens[USAGE_REASONING], 1);
    attempt_free(&a);
}
END_TEST

START_TEST(a_cancelled_stream_hangs_up_and_is_no_failure)
{
    struct attempt_config c = streaming;
    struct attempt a;
    c.cancel_after = 2;
    begin(&a, &c);
    ck_assert(read_at(&a, 200, 210, TOKEN));
    ck_assert(!read_at(&a, 300, 310, TOKEN TOKEN));
    attempt_end(&a, FAILURE_NONE, NULL);
    struct record r = fill(&a);
    ck_assert_int_eq(r.status, RECORD_CANCELLED);
    ck_assert_uint_eq(r.chunks, 2);
    attempt_free(&a);
}
END_TEST

START_TEST(an_attempt_forgets_the_one_before)
{
    struct attempt a;
    begin(&a, &streaming);
    read_at(&a, 200, 210, TOKEN "data: {\"cut");
    attempt_end(&a, FAILURE_RESET, "x");
    attempt_begin(&a, &streaming, 1000);
    attempt_answer(&a, 200, "text/event-stream");
    ck_assert(read_at(&a, 1200, 1210, TOKEN FINISH DONE));
    attempt_end(&a, FAILURE_NONE, NULL);
    struct record r = fill(&a);
    ck_assert_int_eq(r.status, RECORD_COMPLETED);
    ck_assert_uint_eq(r.chunks, 1);
    ck_assert_ptr_null(r.message);
    attempt_free(&a);
}
END_TEST

START_TEST(words_of_a_server_become_text)
{
    struct attempt a;
    attempt_init(&a);
    attempt_begin(&a, &streaming, 0);
    attempt_answer(&a, 502, "text/plain");
    read_at(&a, 1, 2, "bad\x1b[31m \xc3( gateway\n");
    attempt_end(&a, FAILURE_NONE, NULL);
    struct record r = fill(&a);
    ck_assert_int_eq(r.failure, FAILURE_SERVER);
    ck_assert_str_eq(r.message, "bad [31m ?( gateway");
    attempt_free(&a);
}
END_TEST

#define KEY "sk-proj-9fQ2mXw7Lr4TzB8e"

/* What a body says and what is kept of it. */
static const struct {
    const char *body, *message;
} refusals[] = {
    {"{\"error\":{\"message\":\"at most \\\"8192\\\" tokens\\nwere asked \\u00fcber\"}}",
     "at most \"8192\" tokens were asked über"},
    {"{\"detail\":\"Not \\\"Found\\\"\"}", "Not \"Found\""},
    {"{\"detail\":[{\"loc\":[\"body\",\"n\"],\"msg\":\"field required\"}]}", "field required (n)"},
    {"[{\"error\":{\"code\":400,\"message\":\"too long\"}}]", "too long"},
    {"{\"message\":\"no such route\"}", "no such route"},
    {"{\"error\":\"a\\u001b[31m\\u0085b\\u202ec\"}", "a [31m\xef\xbf\xbd"
                                                     "b\xef\xbf\xbd"
                                                     "c"},
    {"{\"error\":\"key sk-pr\\u006fj-9fQ2mXw7Lr4TzB8e is wrong\"}", "key (hidden) is wrong"},
    {"{\"code\": 3}", "{\"code\": 3}"},
    {"<html><title>key sk-proj-9fQ2mXw7Lr4TzB8e</title>", "a web page: \"key (hidden)\""},
};

START_TEST(a_refusal_is_told_in_its_own_words)
{
    struct secrets secrets = {0};
    struct attempt_config c = streaming;
    struct attempt a;
    secrets_add(&secrets, KEY);
    c.secrets = &secrets;
    attempt_init(&a);
    attempt_begin(&a, &c, 0);
    attempt_answer(&a, 400, "application/json");
    read_at(&a, 1, 2, refusals[_i].body);
    attempt_end(&a, FAILURE_NONE, NULL);
    struct record r = fill(&a);
    ck_assert_int_eq(r.failure, FAILURE_BAD_REQUEST);
    ck_assert_str_eq(r.content_type, "application/json");
    ck_assert_str_eq(r.message, refusals[_i].message);
    attempt_free(&a);
    secrets_free(&secrets);
}
END_TEST

/* 400 letters of two bytes: cut between two of them, and said. */
START_TEST(long_words_are_cut_between_characters)
{
    char words[801];
    struct attempt a;
    size_t bad;
    for (size_t i = 0; i < 800; i += 2)
        memcpy(words + i, "ä", 3);
    attempt_init(&a);
    attempt_begin(&a, &streaming, 0);
    attempt_answer(&a, 500, "text/plain");
    read_at(&a, 1, 2, words);
    attempt_end(&a, FAILURE_NONE, NULL);
    const char *kept = fill(&a).message;
    size_t length = strlen(kept);
    ck_assert_uint_gt(length, 200);
    ck_assert(text_is_utf8(kept, length, &bad));
    ck_assert_str_eq(kept + length - strlen("ä…"), "ä…");
    attempt_free(&a);
}
END_TEST

/* The words as they are kept, at most `most` bytes; the caller frees them. */
static char *hidden(const char *secret, const char *words, size_t most)
{
    struct secrets s = {0};
    struct buffer b;
    secrets_add(&s, "");
    secrets_add(&s, NULL);
    secrets_add(&s, secret);
    buffer_init(&b, BUFFER_UNBOUNDED);
    secrets_hide(&s, text_of(words), most, &b);
    secrets_free(&s);
    return buffer_take(&b);
}

START_TEST(secrets_are_hidden_whole_in_part_and_behind_a_mask)
{
    static const struct {
        const char *secret, *words, *expected;
    } cases[] = {
        {KEY, "bad key " KEY ".", "bad key (hidden)."},
        {KEY, KEY, "(hidden)"},
        {KEY, KEY KEY " " KEY, "(hidden)(hidden) (hidden)"},
        {KEY, "starts with sk-proj-9f, as it should", "starts with (hidden), as it should"},
        {KEY, "ends with w7Lr4TzB8e", "ends with (hidden)"},
        {KEY, "key sk-p****************B8e!", "key (hidden)!"},
        {KEY, "key ***zB8e, key ...B8e", "key (hidden), key (hidden)"},
        {KEY, "key sk-\\u2022\\u2022TzB8e", "key (hidden)"},
        {KEY, "key sk-proj-9\xe2\x80\xa6", "key (hidden)"},
        {KEY, "keys begin with sk-proj and are long", "keys begin with sk-proj and are long"},
        {KEY, "wait... 8e, x**2 and so on", "wait... 8e, x**2 and so on"},
        {"EMPTY", "EMPTY is no key, nor is EMPTYING", "(hidden) is no key, nor is EMPTYING"},
        {"x", "x marks an axis (x)", "(hidden) marks an axis ((hidden))"},
        {"", "nothing", "nothing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = hidden(cases[i].secret, cases[i].words, SIZE_MAX);
        ck_assert_str_eq(got, cases[i].expected);
        free(got);
    }
}
END_TEST

/* A model that goes on with dots writes no mask: megabytes of them cost one look each (looking anew
 * at every dot took minutes, and the loop stood still for it), and a mask behind them is still one.
 */
START_TEST(long_runs_of_dots_are_passed_quickly)
{
    size_t count = (size_t)4 << 20;
    char *words = malloc(count + 64);
    memset(words, '.', count);
    strcpy(words + count, " and ...zB8e");
    char *got = hidden(KEY, words, SIZE_MAX);
    ck_assert_uint_eq(strlen(got), count + strlen(" and (hidden)"));
    ck_assert_str_eq(got + count, " and (hidden)");
    free(got);
    strcpy(words + count, "zB8e");
    got = hidden(KEY, words, SIZE_MAX);
    ck_assert_str_eq(got, "(hidden)");
    free(got);
    free(words);
}
END_TEST

/* Wherever the words are cut, what is left shows no 8 bytes of the key. */
START_TEST(a_cut_shows_no_part_of_a_secret)
{
    const char *words = "an answer that repeats " KEY " and goes on for a while";
    for (size_t most = 1; most < strlen(words); most++) {
        char *got = hidden(KEY, words, most);
        ck_assert_uint_le(strlen(got), most);
        ck_assert_ptr_null(strstr(got, "sk-"));
        free(got);
    }
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    for (int i = 0; i < 5000; i++)
        buffer_add_text(&b, i == 120 ? KEY : ". ");
    char *got = hidden(KEY, b.data, 255);
    ck_assert_uint_eq(strlen(got), 255);
    ck_assert_ptr_nonnull(strstr(got, "(hidden)"));
    free(got);
    buffer_free(&b);
}
END_TEST

START_TEST(nothing_that_is_kept_of_an_answer_holds_the_key)
{
    struct secrets secrets = {0};
    struct attempt_config c = streaming;
    struct attempt a;
    secrets_add(&secrets, KEY);
    c.secrets = &secrets;
    c.keep_text = c.keep_raw = true;
    begin(&a, &c);
    ck_assert(read_at(&a, 200, 210,
                      "data: {\"choices\":[{\"delta\":{\"content\":\"it is sk-pro\"}}]}\n\n"));
    ck_assert(
        read_at(&a, 300, 310,
                "data: {\"choices\":[{\"delta\":{\"content\":\"j-9fQ2mXw7Lr4TzB8e.\"}}]}\n\n"));
    ck_assert(read_at(&a, 400, 410,
                      "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"" KEY "\"}],"
                      "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"key\":\"" KEY
                      "\"}}\n\n" DONE));
    attempt_end(&a, FAILURE_NONE, NULL);
    struct record r = fill(&a);
    ck_assert_int_eq(r.status, RECORD_COMPLETED);
    ck_assert_str_eq(r.text, "it is (hidden).");
    ck_assert_str_eq(r.finish_reason, "(hidden)");
    ck_assert_str_eq(r.raw_usage,
                     "{\"prompt_tokens\":9,\"completion_tokens\":2,\"key\":\"(hidden)\"}");
    attempt_begin(&a, &c, 500);
    attempt_end(&a, FAILURE_CONNECT, "refused by " KEY);
    ck_assert_str_eq(fill(&a).message, "refused by (hidden)");
    attempt_free(&a);
    secrets_free(&secrets);
}
END_TEST

/* An API that tells its usage in parts, and ends with an event of its own. */
static int read_parts(const struct answer_so_far *so_far, const char *event, struct text data,
                      struct chunk *out)
{
    struct usage_report *r = &out->report;
    *out = (struct chunk){.tokens = 0};
    if (strcmp(event, "text") == 0) {
        out->tokens = CHUNK_CONTENT;
        out->content = data;
    } else if (strcmp(event, "bye") == 0) {
        out->ends = true;
    } else {
        int which = event[0] == 'i' ? COUNT_PROMPT : COUNT_COMPLETION;
        ck_assert(so_far->has_usage == (event[0] != 'i'));
        out->has_usage = r->is_there = true;
        r->given = 1u << which;
        r->count[which] = data.length;
        out->finish_reason = text_of("stop");
    }
    return 0;
}

static const char *const version[] = {"x-version: 7", NULL};
static const struct bench_api in_parts = {.path = "/parts",
                                          .generates = true,
                                          .key_header = "x-key: ",
                                          .headers = version,
                                          .read_event = read_parts,
                                          .end_mark = "bye"};

START_TEST(an_api_reads_its_own_events_and_says_when_they_end)
{
    static const char *const events = "event: in\ndata: 1234567\n\nevent: text\ndata: hello\n\n"
                                      "event: out\ndata: 123\n\n";
    struct attempt_config c = streaming;
    c.api = &in_parts;
    struct attempt a;
    for (int whole = 0; whole < 2; whole++) {
        begin(&a, &c);
        ck_assert(read_at(&a, 200, 210, events));
        if (whole)
            ck_assert(read_at(&a, 300, 310, "event: bye\ndata: 0\n\n"));
        ck_assert_int_eq(attempt_is_whole(&a), whole);
        attempt_end(&a, FAILURE_NONE, NULL);
        struct record r = fill(&a);
        ck_assert_uint_eq(r.usage.tokens[USAGE_UNCACHED_INPUT], 7);
        ck_assert_uint_eq(r.usage.tokens[USAGE_OUTPUT], 3);
        ck_assert_int_eq(r.failure, FAILURE_NONE);
        ck_assert_uint_eq(r.odd, whole ? 0 : ODDITY(NO_END_MARK));
        attempt_free(&a);
    }
}
END_TEST

static bool has_line(const struct curl_slist *list, const char *line)
{
    while (list && strcmp(list->data, line) != 0)
        list = list->next;
    return list != NULL;
}

START_TEST(an_apis_headers_are_sent_unless_the_user_gives_them)
{
    static const char *const own[] = {"X-Version: 8", "X-KEY: mine", NULL};
    struct endpoint_config c = {.url = "http://127.0.0.1:1/v1", .api_key = "secret-of-ours"};
    struct endpoint e;
    struct error err = {0};
    for (int given = 0; given < 2; given++) {
        c.headers = given ? own : NULL;
        ck_assert_int_eq(endpoint_prepare(&e, &c, &in_parts, true, &err), 0);
        ck_assert_str_eq(e.url, "http://127.0.0.1:1/v1/parts");
        ck_assert_int_eq(has_line(e.headers, "x-key: secret-of-ours"), !given);
        ck_assert_int_eq(has_line(e.headers, "x-version: 7"), !given);
        ck_assert_int_eq(has_line(e.headers, "X-Version: 8"), given);
        endpoint_free(&e);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attempt");
    TCase *t = tcase_create("attempt");
    tcase_add_test(t, times_are_those_of_token_chunks);
    tcase_add_test(t, each_kind_of_token_has_its_first);
    tcase_add_test(t, a_chunk_is_dated_by_what_is_known);
    tcase_add_test(t, how_the_connection_ended_does_not_matter_after_done);
    tcase_add_test(t, usage_is_estimated_where_none_came);
    tcase_add_test(t, a_cancelled_stream_hangs_up_and_is_no_failure);
    tcase_add_test(t, an_attempt_forgets_the_one_before);
    tcase_add_test(t, blanks_without_end_take_no_time);
    tcase_add_test(t, a_stream_of_tokens_has_an_end);
    tcase_add_test(t, words_of_a_server_become_text);
    tcase_add_test(t, secrets_are_hidden_whole_in_part_and_behind_a_mask);
    tcase_add_test(t, long_runs_of_dots_are_passed_quickly);
    tcase_add_test(t, a_cut_shows_no_part_of_a_secret);
    tcase_add_test(t, nothing_that_is_kept_of_an_answer_holds_the_key);
    tcase_add_loop_test(t, a_refusal_is_told_in_its_own_words, 0,
                        (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(t, long_words_are_cut_between_characters);
    tcase_add_test(t, an_api_reads_its_own_events_and_says_when_they_end);
    tcase_add_test(t, an_apis_headers_are_sent_unless_the_user_gives_them);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
