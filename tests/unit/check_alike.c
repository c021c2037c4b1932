#include "bench/wire/alike.h"
#include "bench/wire/openai.h"
#include "core/random.h"
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#define FRONT "{\"id\":\"chatcmpl-7\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\""
#define BACK "\"},\"logprobs\":null,\"finish_reason\":null}]}"

static bool read_by(const struct alike *a, const char *event, struct chunk *c)
{
    return alike_read(a, "", text_of(event), c);
}

static void learn(struct alike *a, const char *event)
{
    struct chunk c;
    ck_assert_int_eq(openai_read_answer(text_of(event), &c), 0);
    alike_learn(a, "", text_of(event), &c);
}

START_TEST(the_next_event_is_known_by_the_bytes_around_its_text)
{
    struct alike a = {0};
    struct chunk c;
    ck_assert(!read_by(&a, FRONT " a" BACK, &c));
    learn(&a, FRONT " a" BACK);
    ck_assert(read_by(&a, FRONT " longer \\\"text\\\" \xc3\xa9" BACK, &c));
    ck_assert_uint_eq(c.tokens, CHUNK_CONTENT);
    ck_assert(text_equal(c.content, " longer \\\"text\\\" \xc3\xa9"));
    ck_assert(!c.has_usage && !c.finish_reason.length && !c.is_error && !c.ends);
}
END_TEST

START_TEST(an_event_of_another_name_is_read)
{
    struct alike a = {0};
    struct chunk c;
    learn(&a, FRONT " a" BACK);
    ck_assert(!alike_read(&a, "error", text_of(FRONT " a" BACK), &c));
}
END_TEST

/* Each differs from what is known in something that matters, or in nothing that is known. */
static const char *const others[] = {
    FRONT BACK,                        /* no text */
    FRONT "a\",\"refusal\":\"no" BACK, /* a quote that ends the text */
    FRONT "a\nb" BACK,                 /* no JSON */
    FRONT "a\\" BACK,                  /* the quote behind it is escaped */
    FRONT "\xff" BACK,                 /* no UTF-8 */
    FRONT "a\"},\"logprobs\":null,\"finish_reason\":\"stop\"}]}",
    "{\"id\":\"chatcmpl-8\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a" BACK,
    FRONT,
    "",
};

START_TEST(an_event_that_says_more_is_read)
{
    struct alike a = {0};
    struct chunk c;
    learn(&a, FRONT " a" BACK);
    ck_assert_msg(!read_by(&a, others[_i], &c), "%s", others[_i]);
}
END_TEST

static const char *const rich[] = {
    "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":1}}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"delta\":{\"content\":\"a\"}}]}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"delta\":{\"content\":\"b\"}}]}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\",\"reasoning\":\"b\"}}]}",
    "{\"choices\":[{\"delta\":{\"reasoning\":\"b\"}}]}",
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}}]}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"logprobs\":{\"content\":[{}]}}]}",
    "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}",
    "{\"choices\":[]}",
};

START_TEST(nothing_is_learnt_from_an_event_that_says_more)
{
    struct alike a = {0};
    struct chunk c;
    learn(&a, rich[_i]);
    ck_assert_msg(!read_by(&a, rich[_i], &c), "%s", rich[_i]);
}
END_TEST

static bool same(const struct chunk *x, const struct chunk *y)
{
    return x->tokens == y->tokens && text_same(x->content, y->content) &&
           text_same(x->reasoning, y->reasoning) && text_same(x->refusal, y->refusal) &&
           text_same(x->tool, y->tool) && text_same(x->finish_reason, y->finish_reason) &&
           x->has_usage == y->has_usage && x->is_error == y->is_error && x->odd == y->odd &&
           x->more_count == y->more_count && x->logprobs == y->logprobs &&
           x->is_foreign == y->is_foreign && x->is_whole_text == y->is_whole_text;
}

/* A known event with some bytes changed, from a few that mean something in JSON. */
static void change(char *event, size_t length, struct random *r)
{
    static const char bytes[] = "\"\\{}[],:aé\n ";
    for (uint64_t n = random_below(r, 4); n > 0; n--)
        event[random_below(r, length)] = bytes[random_below(r, sizeof bytes - 1)];
}

START_TEST(what_is_told_by_likeness_is_what_reading_gives)
{
    struct random r;
    size_t told = 0;
    random_init(&r, 7, RANDOM_TEST, 0);
    for (int i = 0; i < 100000; i++) {
        struct alike a = {0};
        struct chunk fast, slow;
        char event[256];
        learn(&a, FRONT " a" BACK);
        size_t length = (size_t)snprintf(event, sizeof event, FRONT "%.*s" BACK,
                                         1 + (int)random_below(&r, 12), "some words in it");
        change(event, length, &r);
        struct text data = {event, length};
        if (!alike_read(&a, "", data, &fast))
            continue;
        told++;
        ck_assert_msg(openai_read_answer(data, &slow) == 0, "%s", event);
        ck_assert_msg(same(&fast, &slow), "%s", event);
    }
    ck_assert_uint_gt(told, 10000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alike");
    TCase *t = tcase_create("alike");
    tcase_add_test(t, the_next_event_is_known_by_the_bytes_around_its_text);
    tcase_add_test(t, an_event_of_another_name_is_read);
    tcase_add_loop_test(t, an_event_that_says_more_is_read, 0, sizeof others / sizeof *others);
    tcase_add_loop_test(t, nothing_is_learnt_from_an_event_that_says_more, 0,
                        sizeof rich / sizeof *rich);
    tcase_add_test(t, what_is_told_by_likeness_is_what_reading_gives);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
