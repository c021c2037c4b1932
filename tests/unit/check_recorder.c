#include "bench/recorder/asked.h"
#include "bench/recorder/chunked.h"
#include "bench/recorder/head.h"
#include "bench/recorder/prefix_blocks.h"
#include "bench/recorder/sessions.h"
#include "bench/recorder/siphash.h"
#include "bench/recorder/tools_called.h"
#include "tests/unit/testing.h"

static const struct siphash_key own_key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

START_TEST(the_hash_is_siphash_2_4)
{
    /* Of the bytes 00 01 ... 0e under the key 00 01 ... 0f, as its authors print it. */
    unsigned char bytes[15];
    uint64_t chain;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    memcpy(&chain, bytes, 8);
    ck_assert_uint_eq(siphash(&own_key, chain, bytes + 8, 7), 0xa129ca6149be45e5);
    ck_assert_uint_ne(siphash(&own_key, chain, bytes + 8, 6), siphash(&own_key, 0, bytes + 8, 6));
}
END_TEST

/* ---- framing ---- */

/* The body of a chunked text that is fed in pieces; "" and *bad where it cannot be read. */
static size_t unframe(const char *framed, size_t count, size_t piece, char *body, struct chunked *c)
{
    size_t length = 0, at = 0;
    *c = (struct chunked){0};
    while (at < count && !c->done && !c->bad) {
        struct text data;
        size_t n = count - at < piece ? count - at : piece;
        at += chunked_take(c, framed + at, n, &data);
        memcpy(body + length, data.at, data.length);
        length += data.length;
    }
    return at;
}

START_TEST(chunks_are_read_in_pieces_of_every_size)
{
    static const char framed[] = "4\r\nWiki\r\n06;a=\"b\"\r\npedia \r\nD\r\nin \r\n\r\nchunks\r\n"
                                 "0\r\nX-Trailer: 1\r\nY: 2\r\n\r\nGET /";
    size_t whole = sizeof framed - 1;
    for (size_t piece = 1; piece <= whole; piece++) {
        char body[64] = "";
        struct chunked c;
        size_t taken = unframe(framed, whole, piece, body, &c);
        ck_assert(c.done && !c.bad);
        ck_assert_str_eq(body, "Wikipedia in \r\n\r\nchunks");
        ck_assert_uint_eq(taken, whole - 5);
    }
}
END_TEST

START_TEST(what_is_no_chunk_is_found_bad)
{
    static const char *const bad[] = {
        "\r\n",         "g\r\n",    "-1\r\n", "4\n",         "4\r\nWikix\r",
        "4\r\nWiki\n4", "0\r\n\rx", "4\rx",   "0x4\r\nWiki", "1111111111111111\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char body[64];
        struct chunked c;
        unframe(bad[i], strlen(bad[i]), 64, body, &c);
        ck_assert_msg(c.bad, "%s", bad[i]);
    }
}
END_TEST

static int read_head(const char *text, struct head *h)
{
    struct text all = {text, strlen(text)};
    ck_assert_uint_eq(head_length(all), all.length);
    return head_read(h, all);
}

START_TEST(a_head_says_how_long_its_body_is)
{
    struct head h;
    struct text value;
    ck_assert_int_eq(read_head("POST /v1/x?a=b HTTP/1.1\r\nHost: h\r\nCONTENT-length:  12 \r\n"
                               "Connection: TE, Close\r\nExpect: 100-Continue\r\n\r\n",
                               &h),
                     0);
    ck_assert(text_equal(h.method, "POST") && text_equal(h.target, "/v1/x?a=b"));
    ck_assert(h.length == 12 && h.closes && h.expects && !h.chunked && !h.old);
    ck_assert(head_find(h.lines, "content-length", &value) && text_equal(value, "12"));
    ck_assert(!head_find(h.lines, "content", &value));
    ck_assert_int_eq(read_head("GET / HTTP/1.0\r\n\r\n", &h), 0);
    ck_assert(h.old && h.closes && h.length == 0);
}
END_TEST

START_TEST(a_head_that_could_be_read_in_two_ways_is_refused)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET /\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nA b: c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nA\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"GET / HTTP/3\r\n\r\n", 505},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct head h;
        ck_assert_msg(read_head(cases[i].text, &h) == cases[i].status, "%s", cases[i].text);
    }
}
END_TEST

/* ---- what is asked ---- */

static void read_asked(struct asked *a, const char *body)
{
    asked_read(a, text_of(body), NULL);
}

START_TEST(white_space_and_marks_for_caches_are_no_part_of_a_prompt)
{
    struct asked a, b;
    asked_init(&a);
    asked_init(&b);
    read_asked(&a, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                   "\"hi\"}]}],\"temperature\":1,\"system\":\"be brief\"}");
    read_asked(&b, "{\"system\": \"be brief\",\n \"messages\": [ {\"role\": \"user\", \"content\": "
                   "[{\"type\": \"text\", \"text\": \"hi\", \"cache_control\": {\"type\": "
                   "\"ephemeral\"}}]}], \"model\": \"m\", \"max_tokens\": 7}");
    ck_assert_str_eq(a.prompt.data, b.prompt.data);
    ck_assert_ptr_eq(strstr(a.prompt.data, "be brief"), a.prompt.data);
    ck_assert_uint_eq(a.turn_count, 2);
    ck_assert_str_eq(b.model, "m");
    ck_assert_uint_eq(b.output, 7);
    asked_free(&a);
    asked_free(&b);
}
END_TEST

START_TEST(a_tools_answer_comes_from_an_agent_and_all_else_from_a_user)
{
    static const struct {
        const char *body;
        enum request_initiator who;
    } cases[] = {
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"tool\"}]}", INITIATOR_USER},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", INITIATOR_AGENT},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"},{\"role\":\"user\",\"content\":"
         "\"y\"}]}",
         INITIATOR_USER},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"}]}]}",
         INITIATOR_AGENT},
        {"{\"input\":[{\"type\":\"function_call_output\",\"output\":\"x\"}]}", INITIATOR_AGENT},
        {"{\"input\":[{\"role\":\"user\",\"content\":\"x\"}]}", INITIATOR_USER},
        {"{\"input\":\"x\"}", INITIATOR_USER},
        {"{\"prompt\":\"x\"}", INITIATOR_UNKNOWN},
        {"no JSON", INITIATOR_UNKNOWN},
    };
    struct asked a;
    asked_init(&a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_asked(&a, cases[i].body);
        ck_assert_msg(a.initiator == cases[i].who, "%s", cases[i].body);
    }
    asked_free(&a);
}
END_TEST

START_TEST(tools_are_found_in_every_apis_answers)
{
    static const struct {
        const char *answer, *tools;
    } cases[] = {
        {"{\"choices\":[{\"message\":{\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\""
         ":\"a\"}},{\"function\":{\"name\":\"b\",\"arguments\":\"{}\"}}]}}]}",
         "[\"a\",\"b\"]"},
        {"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"a\"}}]}}]}\n\n"
         "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"name\"}}]}"
         "}]}\n\ndata: [DONE]\n\n",
         "[\"a\"]"},
        {"event: x\r\ndata: {\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"a\","
         "\"input\":{\"name\":\"no\"}}}\r\n\r\n",
         "[\"a\"]"},
        {"{\"output\":[{\"type\":\"function_call\",\"name\":\"a\",\"arguments\":\"{}\"}],"
         "\"tools\":[{\"type\":\"function\",\"name\":\"offered\"}]}",
         "[\"a\"]"},
        {"{\"choices\":[{\"message\":{\"content\":\"call a tool\"}}]}", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        tools_called(text_of(cases[i].answer), &out);
        ck_assert_pstr_eq(out.data, cases[i].tools);
        buffer_free(&out);
    }
}
END_TEST

/* ---- sharing ---- */

static size_t shared_of(struct prefix_blocks *b, const uint64_t *first, size_t count)
{
    size_t shared = 0;
    while (shared < count && first[shared] == b->ids[shared])
        shared++;
    return shared;
}

START_TEST(prompts_share_the_blocks_of_what_they_have_in_common)
{
    static char one[4000], two[6000];
    uint64_t first[64];
    struct prefix_blocks b;
    prefix_blocks_init(&b, &own_key, 16, false);
    for (size_t i = 0; i < sizeof one; i++)
        one[i] = two[i] = (char)('a' + i * i % 23 % 19);
    memset(two + 4000, 'x', 2000);
    /* 5 bytes a token: 800 tokens are 50 blocks of 80 bytes. */
    ck_assert_uint_eq(prefix_blocks_add(&b, (struct text){one, 4000}, 800), 50);
    memcpy(first, b.ids, 50 * sizeof *first);
    for (size_t i = 0; i < 50; i++)
        ck_assert_uint_eq(first[i], i);
    /* Other tokens a byte behind it: cut at the same places as far as they go together. */
    ck_assert_uint_eq(prefix_blocks_add(&b, (struct text){two, 6000}, 1300), 82);
    ck_assert_uint_eq(shared_of(&b, first, 50), 50);
    two[2000] = '!';
    prefix_blocks_add(&b, (struct text){two, 6000}, 1300);
    ck_assert_uint_eq(shared_of(&b, first, 50), 25);
    /* A partial block at the end is no beginning of a longer one. */
    ck_assert_uint_eq(prefix_blocks_add(&b, (struct text){one, 1240}, 248), 16);
    ck_assert_uint_eq(shared_of(&b, first, 16), 15);
    prefix_blocks_free(&b);
}
END_TEST

START_TEST(a_prompt_without_bytes_or_tokens_has_blocks_all_the_same_or_none)
{
    struct prefix_blocks b;
    prefix_blocks_init(&b, &own_key, 16, false);
    ck_assert_uint_eq(prefix_blocks_add(&b, text_of("hello"), 0), 0);
    ck_assert_uint_ge(prefix_blocks_add(&b, text_of(""), 100), 1);
    ck_assert_uint_ge(prefix_blocks_add(&b, text_of("abc"), 1000), 1);
    b.most = 8;
    prefix_blocks_add(&b, text_of("all this is too much to be remembered"), 160);
    ck_assert_uint_eq(b.forgotten, 1);
    prefix_blocks_free(&b);
}
END_TEST

static struct session_place find(struct sessions *s, const char *body, int64_t now_ns)
{
    struct asked a;
    asked_init(&a);
    read_asked(&a, body);
    struct session_place at = sessions_find(s, &a, now_ns);
    asked_free(&a);
    return at;
}

START_TEST(a_request_follows_the_longest_one_that_it_begins_with)
{
    struct sessions s;
    sessions_init(&s, &own_key);
    struct session_place one = find(&s, "{\"messages\":[\"a\"]}", 0);
    sessions_note(&s, &one, 0, 10);
    struct session_place two = find(&s, "{\"messages\":[\"a\",\"b\",\"c\"]}", 20);
    ck_assert(two.follows && two.before == 0 && two.session == one.session && two.ended_ns == 10);
    sessions_note(&s, &two, 1, 30);
    struct session_place three = find(&s, "{\"messages\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", 25);
    ck_assert(!three.follows && three.session == one.session); /* that had not ended */
    struct session_place other = find(&s, "{\"messages\":[\"ab\"]}", 40);
    ck_assert(!other.follows && other.session != one.session);
    sessions_free(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recorder");
    TCase *t = tcase_create("recorder");
    tcase_add_test(t, the_hash_is_siphash_2_4);
    tcase_add_test(t, chunks_are_read_in_pieces_of_every_size);
    tcase_add_test(t, what_is_no_chunk_is_found_bad);
    tcase_add_test(t, a_head_says_how_long_its_body_is);
    tcase_add_test(t, a_head_that_could_be_read_in_two_ways_is_refused);
    tcase_add_test(t, white_space_and_marks_for_caches_are_no_part_of_a_prompt);
    tcase_add_test(t, a_tools_answer_comes_from_an_agent_and_all_else_from_a_user);
    tcase_add_test(t, tools_are_found_in_every_apis_answers);
    tcase_add_test(t, prompts_share_the_blocks_of_what_they_have_in_common);
    tcase_add_test(t, a_prompt_without_bytes_or_tokens_has_blocks_all_the_same_or_none);
    tcase_add_test(t, a_request_follows_the_longest_one_that_it_begins_with);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
