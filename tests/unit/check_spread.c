/* Streams whose true rate is known, however their tokens are put into chunks. */
#include "bench/answer/attempt.h"
#include "core/runs/record/record.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#define TOKEN_NS (10 * NS_PER_MS) /* the true time per token */

/* What a stream tells beside its text. */
enum told { NOTHING, USAGE_EACH, LOGPROBS };

/* So many tokens in the first chunk, then so many in each, `count` in all. */
struct shape {
    int first, each, count;
};

static const struct shape shapes[] = {{1, 1, 200}, {15, 1, 215}, {3, 3, 240}, {40, 2, 240}};

static const struct attempt_config asked = {
    .api = &api_chat, .stream = true, .keep_text = true, .max_event = 1 << 16, .max_body = 4096};

/* Words of 3 to 6 bytes with their blank: the text of token `i`. */
static void add_word(struct buffer *out, int i)
{
    static const char *const words[] = {" to", " ride", " cab", " fares"};
    buffer_add_text(out, words[i * 7 % 4]);
}

static void add_logprobs(struct buffer *out, int from, int to)
{
    buffer_add_text(out, ",\"logprobs\":{\"content\":[");
    for (int i = from; i < to; i++) {
        buffer_add_text(out, i > from ? ",{\"token\":\"" : "{\"token\":\"");
        add_word(out, i);
        buffer_add_text(out, "\",\"logprob\":-0.25}");
    }
    buffer_add_text(out, "]}");
}

/* One chunk with the tokens [from, to). */
static void add_chunk(struct buffer *out, int from, int to, enum told told)
{
    buffer_add_text(out, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");
    for (int i = from; i < to; i++)
        add_word(out, i);
    buffer_add_text(out, "\"}");
    if (told == LOGPROBS)
        add_logprobs(out, from, to);
    buffer_add_text(out, "}]");
    if (told == USAGE_EACH)
        buffer_add_format(out, ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":%d}", to);
    buffer_add_text(out, "}\n\n");
}

static void feed(struct attempt *a, const char *text, int64_t at_ns)
{
    attempt_feed(a, &(struct arrival){at_ns, at_ns, (uint64_t)at_ns}, text, strlen(text));
}

static void begin(struct attempt *a)
{
    attempt_init(a);
    attempt_begin(a, &asked, 1);
    attempt_answer(a, 200, "text/event-stream");
}

/* The end with the tokens that the usage counts; the record lends from the attempt. */
static struct record finish(struct attempt *a, int tokens, int reasoning, int64_t at_ns)
{
    struct record r;
    char end[320];
    snprintf(end, sizeof end,
             "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
             "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":%d,"
             "\"completion_tokens_details\":{\"reasoning_tokens\":%d}}}\n\ndata: [DONE]\n\n",
             tokens, reasoning);
    feed(a, end, at_ns);
    attempt_end(a, FAILURE_NONE, NULL);
    record_init(&r);
    attempt_fill(a, &r);
    ck_assert_int_eq(r.status, RECORD_COMPLETED);
    return r;
}

/* A chunk leaves when its last token is made. */
static double measured_ms(const struct shape *s, enum told told)
{
    struct attempt a;
    struct buffer chunk;
    int64_t per_token_ns = 0;
    buffer_init(&chunk, BUFFER_UNBOUNDED);
    begin(&a);
    for (int from = 0, to = s->first; from < s->count; from = to, to += s->each) {
        buffer_clear(&chunk);
        add_chunk(&chunk, from, to, told);
        feed(&a, chunk.data, to * TOKEN_NS);
    }
    struct record r = finish(&a, s->count, 0, (s->count + 1) * TOKEN_NS);
    struct pace pace = record_pace(&r);
    ck_assert(pace_per_token(&pace, &per_token_ns));
    attempt_free(&a);
    buffer_free(&chunk);
    return (double)per_token_ns / 1e6;
}

START_TEST(the_true_rate_is_found_whatever_the_chunks_are)
{
    const struct shape *s = &shapes[_i];
    ck_assert_double_eq_tol(measured_ms(s, USAGE_EACH), 10, 0.2);
    ck_assert_double_eq_tol(measured_ms(s, LOGPROBS), 10, 0.2);
    ck_assert_double_eq_tol(measured_ms(s, NOTHING), 10, 1);
}
END_TEST

START_TEST(one_chunk_has_no_rate)
{
    for (int tokens = 1; tokens <= 8; tokens += 7) {
        struct attempt a;
        int64_t per_token_ns;
        begin(&a);
        feed(&a, "data: {\"choices\":[{\"delta\":{\"content\":\"a b c d e f g h\"}}]}\n\n", 100);
        struct record r = finish(&a, tokens, 0, 200);
        struct pace pace = record_pace(&r);
        ck_assert(!pace_per_token(&pace, &per_token_ns));
        ck_assert_uint_eq(r.first_chunk_tokens, (unsigned)tokens);
        attempt_free(&a);
    }
}
END_TEST

/* Usage that every chunk repeats counts no first chunk: the text tells. */
START_TEST(usage_of_all_with_each_chunk_is_not_believed)
{
    struct attempt a;
    begin(&a);
    for (int i = 0; i < 4; i++)
        feed(&a,
             "data: {\"choices\":[{\"delta\":{\"content\":\" two words\"}}],\"usage\":{"
             "\"prompt_tokens\":9,\"completion_tokens\":8}}\n\n",
             (i + 1) * TOKEN_NS);
    struct record r = finish(&a, 8, 0, 9 * TOKEN_NS);
    ck_assert_uint_eq(r.first_chunk_tokens, 2);
    attempt_free(&a);
}
END_TEST

/* 50 tokens of thinking of which a summary came, then 5 words: the pace is the words'. */
START_TEST(a_summary_of_the_reasoning_has_no_pace)
{
    static const char summary[] =
        "data: {\"choices\":[{\"delta\":{\"reasoning\":\"It weighs "
        "fares.\",\"reasoning_details\":[{"
        "\"type\":\"reasoning.summary\",\"summary\":\"It weighs fares.\"}]}}]}\n\n";
    struct attempt a;
    int64_t per_token_ns = 0;
    begin(&a);
    feed(&a, summary, 100 * NS_PER_MS);
    for (int i = 0; i < 5; i++)
        feed(&a, "data: {\"choices\":[{\"delta\":{\"content\":\" word\"}}]}\n\n",
             500 * NS_PER_MS + i * TOKEN_NS);
    struct record r = finish(&a, 55, 50, 900 * NS_PER_MS);
    struct pace pace = record_pace(&r);
    ck_assert_int_eq(r.first_token_ns, 100 * NS_PER_MS);
    ck_assert_int_eq(r.first_output_ns, 500 * NS_PER_MS);
    ck_assert(!r.reasoning_chunks);
    ck_assert(pace_per_token(&pace, &per_token_ns));
    ck_assert_int_eq(per_token_ns, TOKEN_NS);
    ck_assert_str_eq(r.text, "It weighs fares. word word word word word");
    attempt_free(&a);
}
END_TEST

/* Each event has all the thinking so far, the later ones beside the text again. */
START_TEST(of_texts_that_grow_only_the_growth_is_new)
{
    char event[256], all[64] = "";
    struct attempt a;
    begin(&a);
    for (int i = 0; i < 12; i++) {
        if (i < 6)
            strcat(all, " hm");
        snprintf(
            event, sizeof event,
            "data: {\"choices\":[{\"delta\":{\"content\":\"%s\",\"reasoning_details\":[{\"type\":"
            "\"reasoning.text\",\"text\":\"%s\"}]}}]}\n\n",
            i < 9 ? "" : " ok", all);
        feed(&a, event, (i + 1) * TOKEN_NS);
    }
    struct record r = finish(&a, 9, 6, 20 * TOKEN_NS);
    ck_assert_uint_eq(r.chunks, 9); /* three only repeated */
    ck_assert_uint_eq(r.odd, ODDITY(REPEATS));
    ck_assert(r.reasoning_chunks);
    ck_assert_int_eq(r.first_output_ns, 10 * TOKEN_NS);
    ck_assert_str_eq(r.text, " hm hm hm hm hm hm ok ok ok");
    attempt_free(&a);
}
END_TEST

/* Increments that begin with the one before, and repeat it, are increments. */
START_TEST(increments_that_begin_alike_are_all_kept)
{
    static const char *const words[] = {"a", "an", "and", " so", " so", " so", "a", "an"};
    char event[128];
    struct attempt a;
    begin(&a);
    for (int i = 0; i < 8; i++) {
        snprintf(event, sizeof event,
                 "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"%s\"}}]}\n\n", words[i]);
        feed(&a, event, (i + 1) * TOKEN_NS);
    }
    struct record r = finish(&a, 8, 8, 20 * TOKEN_NS);
    ck_assert_uint_eq(r.chunks, 8);
    ck_assert_uint_eq(r.odd, 0);
    ck_assert_str_eq(r.text, "aanand so so soaan");
    attempt_free(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spread");
    TCase *t = tcase_create("spread");
    tcase_add_loop_test(t, the_true_rate_is_found_whatever_the_chunks_are, 0,
                        (int)(sizeof shapes / sizeof *shapes));
    tcase_add_test(t, one_chunk_has_no_rate);
    tcase_add_test(t, usage_of_all_with_each_chunk_is_not_believed);
    tcase_add_test(t, a_summary_of_the_reasoning_has_no_pace);
    tcase_add_test(t, of_texts_that_grow_only_the_growth_is_new);
    tcase_add_test(t, increments_that_begin_alike_are_all_kept);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
