/* Answers in forms beside choices, usage in increments, answers that are told twice, costs in
 * headers: what is read of each, event by event and in pieces of every size. */
#include "bench/answer/attempt.h"
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#define STREAM "text/event-stream"
#define LINES "application/x-ndjson"
#define JSON "application/json"
#define SAY(text) "data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define STOP "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define COUNTED(in, out)                                                                     \
    "data: {\"choices\":[{\"delta\":{\"content\":\"w \"}}],\"usage\":{\"prompt_tokens\":" in \
    ",\"completion_tokens\":" out "}}\n\n"
#define LONG_A "The quick brown fox "
#define LONG_B "jumps over the lazy dog"

struct form {
    const char *what, *type, *body;
    const char *text; /* NULL: it failed */
    uint32_t chunks, odd;
    uint64_t input, output, reasoning; /* 0: estimated */
    const char *message;
    bool reasons; /* a chunk was reasoning */
};

static const struct form forms[] = {
    {"another end mark", STREAM, SAY("ab") STOP "data: [END]\n\n", "ab", 1, 0, 0, 0, 0, NULL, 0},
    {"an end mark in small letters, and no reason", STREAM, SAY("ab") "data: [eos]\n\n", "ab", 1,
     ODDITY(NO_FINISH_REASON), 0, 0, 0, NULL, 0},
    {"a word in brackets that is no end", STREAM, SAY("a") "data: [PING]\n\n" SAY("b") STOP DONE,
     "ab", 2, ODDITY(NOT_JSON), 0, 0, 0, NULL, 0},

    {"Workers AI, chunks", STREAM,
     "data: {\"response\":\"a\",\"p\":\"abcd\"}\n\ndata: {\"response\":\"b\",\"p\":\"ab\"}\n\n"
     "data: {\"response\":\"\",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,"
     "\"total_tokens\":11}}\n\n" DONE,
     "ab", 2, ODDITY(NO_FINISH_REASON), 9, 2, 0, NULL, 0},
    {"Workers AI, a body", JSON,
     "{\"result\":{\"response\":\"ab\",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}},"
     "\"success\":true,\"errors\":[],\"messages\":[]}",
     "ab", 0, ODDITY(NO_FINISH_REASON), 9, 2, 0, NULL, 0},

    {"Ollama's chat, a line an object", LINES,
     "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":false}\n"
     "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"b\"},\"done\":false}\n"
     "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,"
     "\"done_reason\":\"stop\",\"total_duration\":9,\"prompt_eval_count\":26,\"eval_count\":7}\n",
     "ab", 2, 0, 26, 7, 0, NULL, 0},
    {"Ollama's thinking", LINES,
     "{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n"
     "{\"message\":{\"role\":\"assistant\",\"content\":\"ab\"},\"done\":false}\n"
     "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\","
     "\"prompt_eval_count\":26,\"eval_count\":7}\n",
     "hmab", 2, 0, 26, 7, 0, NULL, 1},
    {"Ollama's chat, a body", JSON,
     "{\"message\":{\"role\":\"assistant\",\"content\":\"ab\"},\"done\":true,\"done_reason\":"
     "\"stop\",\"prompt_eval_count\":26,\"eval_count\":7}",
     "ab", 0, 0, 26, 7, 0, NULL, 0},
    {"lines that end without their last", LINES,
     "{\"message\":{\"content\":\"a\"},\"done\":false}\n", NULL, 1, 0, 0, 0, 0,
     "the stream ended without finish_reason", 0},

    {"a thought beside the text", STREAM,
     "data: "
     "{\"choices\":[{\"delta\":{\"content\":\"hm\",\"extra_content\":{\"google\":{\"thought\":"
     "true}}}}]}\n\n" SAY("ab") STOP DONE,
     "hmab", 2, 0, 0, 0, 0, NULL, 1},
    {"no thought beside the text", STREAM,
     "data: "
     "{\"choices\":[{\"delta\":{\"content\":\"ab\",\"extra_content\":{\"google\":{\"thought\":"
     "false,\"thought_signature\":\"x\"}}}}]}\n\n" STOP DONE,
     "ab", 1, 0, 0, 0, 0, NULL, 0},

    {"the answer once more with its reason", STREAM,
     SAY("a") SAY("b") "data: {\"choices\":[{\"delta\":{\"content\":\"ab\"},\"finish_reason\":"
                       "\"stop\"}]}\n\n" DONE,
     "ab", 2, ODDITY(REPEATS), 0, 0, 0, NULL, 0},
    {"a long one once more", STREAM, SAY(LONG_A) SAY(LONG_B) SAY(LONG_A LONG_B) STOP DONE,
     LONG_A LONG_B, 2, ODDITY(REPEATS), 0, 0, 0, NULL, 0},
    {"a short word again by chance", STREAM, SAY("ha") SAY("ha") SAY("haha") STOP DONE, "hahahaha",
     3, 0, 0, 0, 0, NULL, 0},

    /* three words a chunk, each counted alone; nine in all */
    {"usage in increments", STREAM, COUNTED("9", "1") COUNTED("0", "1") COUNTED("0", "1") STOP DONE,
     "w w w ", 3, ODDITY(USAGE_PARTS), 9, 3, 0, NULL, 0},
    {"usage in increments of several", STREAM,
     COUNTED("9", "2") COUNTED("0", "2") COUNTED("0", "2") COUNTED("0", "2") COUNTED("0", "2")
         STOP DONE,
     "w w w w w ", 5, ODDITY(USAGE_PARTS), 9, 10, 0, NULL, 0},
    {"usage that grows", STREAM, COUNTED("9", "1") COUNTED("9", "2") COUNTED("9", "3") STOP DONE,
     "w w w ", 3, 0, 9, 3, 0, NULL, 0},
    {"usage told in full each time", STREAM,
     COUNTED("9", "7") COUNTED("9", "7") COUNTED("9", "7") STOP DONE, "w w w ", 3, 0, 9, 7, 0, NULL,
     0},

    {"usage that grows by less than the chunks", STREAM,
     COUNTED("9", "1") COUNTED("9", "1") COUNTED("9", "2") COUNTED("9", "2") COUNTED("9", "3")
         STOP DONE,
     "w w w w w ", 5, 0, 9, 3, 0, NULL, 0},
    {"usage told twice at the end", STREAM,
     SAY("a") SAY("b") SAY("c") COUNTED("9", "3") COUNTED("9", "3") STOP DONE, "abcw w ", 5, 0, 9,
     3, 0, NULL, 0},

    {"events of the messages API", STREAM,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{"
     "\"input_tokens\":9,\"output_tokens\":1}}}\n\nevent: content_block_delta\ndata: {\"type\":"
     "\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"ab\"}}\n\n"
     "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n" DONE,
     NULL, 0, 0, 0, 0, 0, "the stream looks like one of --api messages, and --api chat was asked",
     0},
    {"events of the responses API", STREAM,
     "data: {\"type\":\"response.created\",\"response\":{}}\n\ndata: {\"type\":"
     "\"response.output_text.delta\",\"delta\":\"ab\"}\n\n",
     NULL, 0, 0, 0, 0, 0, "the stream looks like one of --api responses", 0},
};

static const struct attempt_config asked = {
    .api = &api_chat, .stream = true, .keep_text = true, .max_event = 4096, .max_body = 4096};

static void play(struct attempt *a, const struct form *f, size_t piece)
{
    size_t length = strlen(f->body);
    uint64_t read = 0;
    attempt_init(a);
    attempt_begin(a, &asked, 100);
    attempt_answer(a, 200, f->type);
    for (size_t at = 0; at < length; at += piece) {
        size_t n = length - at < piece ? length - at : piece;
        char *own = malloc(n); /* whatever is read beyond it is found */
        memcpy(own, f->body + at, n);
        bool go_on = attempt_feed(
            a, &(struct arrival){200 + (int64_t)at, 200 + (int64_t)at, ++read}, own, n);
        free(own);
        if (!go_on)
            break;
    }
    attempt_end(a, FAILURE_NONE, "");
}

static void check(const struct form *f, size_t piece)
{
    struct attempt a;
    struct record r;
    play(&a, f, piece);
    record_init(&r);
    r.asked_input = 9;
    attempt_fill(&a, &r);
    ck_assert_msg((r.status == RECORD_COMPLETED) == (f->text != NULL), "%s: %s", f->what,
                  r.message ? r.message : "completed");
    ck_assert_msg(r.chunks == f->chunks, "%s: %u chunks", f->what, r.chunks);
    if (f->text) {
        uint32_t odd = r.odd & ~(uint32_t)(f->output ? 0 : ODDITY(USAGE_UNKNOWN));
        ck_assert_msg(odd == f->odd, "%s: odd by %x", f->what, r.odd);
        ck_assert_msg(r.text && strcmp(r.text, f->text) == 0, "%s: %s", f->what, r.text);
        ck_assert_msg((r.first_reasoning_ns != TIME_NEVER) == f->reasons, "%s: reasoning", f->what);
    }
    if (f->output) {
        ck_assert_int_eq(r.usage_from, USAGE_SERVER);
        ck_assert_uint_eq(usage_input(&r.usage), f->input);
        ck_assert_uint_eq(usage_output(&r.usage), f->output);
    }
    if (f->message)
        ck_assert_msg(strncmp(r.message, f->message, strlen(f->message)) == 0, "%s: %s", f->what,
                      r.message);
    attempt_free(&a);
}

START_TEST(each_form_is_read_at_all_splits)
{
    for (size_t piece = 1; piece < 9; piece++)
        check(&forms[_i], piece);
    check(&forms[_i], SIZE_MAX / 2);
}
END_TEST

/* The time of a line is when it came, as that of an event. */
START_TEST(lines_have_the_times_of_a_stream)
{
    struct attempt a;
    struct record r;
    play(&a, &forms[5], 1);
    record_init(&r);
    attempt_fill(&a, &r);
    ck_assert_str_eq(forms[5].what, "Ollama's chat, a line an object");
    ck_assert(r.streamed);
    int64_t line_end = (int64_t)(strchr(forms[5].body, '\n') - forms[5].body);
    ck_assert_int_eq(r.first_token_ns, 200 + line_end);
    ck_assert_int_gt(r.last_token_ns, r.first_token_ns);
    attempt_free(&a);
}
END_TEST

static const struct {
    const char *own, *original, *body, *cost;
} costs[] = {
    {"5.2e-05", NULL, SAY("ab") STOP DONE, "0.000052"},
    {NULL, "0.25", SAY("ab") STOP DONE, "0.25"},
    {"0.2", "0.25", SAY("ab") STOP DONE, "0.2"},
    {"None", NULL, SAY("ab") STOP DONE, ""},
    {"-1", NULL, SAY("ab") STOP DONE, ""},
    /* what stands in the answer itself goes first */
    {"0.2", NULL, SAY("ab") STOP "data: {\"choices\":[],\"cost\":0.5}\n\n" DONE, "0.5"},
};

START_TEST(a_header_s_cost_is_the_reported_one)
{
    struct attempt a;
    struct record r;
    char cost[MONEY_TEXT_SIZE] = "";
    struct form f = {.type = STREAM, .body = costs[_i].body};
    play(&a, &f, 64);
    for (int again = 0; again < 2; again++) { /* whatever their order */
        if (costs[_i].own)
            attempt_header(&a, text_of("X-LiteLLM-Response-Cost"), text_of(costs[_i].own));
        if (costs[_i].original)
            attempt_header(&a, text_of("x-litellm-response-cost-original"),
                           text_of(costs[_i].original));
    }
    attempt_header(&a, text_of("x-litellm-key-spend"), text_of("9"));
    record_init(&r);
    attempt_fill(&a, &r);
    if (r.has_cost)
        money_format(r.cost, cost);
    ck_assert_str_eq(cost, costs[_i].cost);
    attempt_begin(&a, &asked, 500); /* the next answer's is not this one's */
    attempt_answer(&a, 200, STREAM);
    attempt_end(&a, FAILURE_NONE, "");
    record_init(&r);
    attempt_fill(&a, &r);
    ck_assert(!r.has_cost);
    attempt_free(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answer forms");
    TCase *t = tcase_create("forms");
    tcase_add_loop_test(t, each_form_is_read_at_all_splits, 0, sizeof forms / sizeof *forms);
    tcase_add_test(t, lines_have_the_times_of_a_stream);
    tcase_add_loop_test(t, a_header_s_cost_is_the_reported_one, 0, sizeof costs / sizeof *costs);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
