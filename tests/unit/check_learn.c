/* What is learnt of a tokenizer, and how near prompts then come to the asked length: against
 * tokenizers that are made up. */
#include "bench/prompt/learn.h"
#include "bench/prompt/prompt.h"
#include "tests/unit/testing_workload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A tokenizer: what it makes of a text. */
struct made_up {
    uint64_t (*tokens)(struct text text);
    uint64_t (*beside)(struct text text); /* what /tokenize has; NULL = the same */
    uint64_t template_tokens, beside_template;
    int counted, tokenized;
    bool serves_tokenize;
};

/* Words of 1 to 3 tokens, by their hash. */
static uint64_t by_hash(struct text text)
{
    uint64_t tokens = 0;
    for (const char *at = text.at, *end = text.at + text.length; at < end;) {
        const char *next = at + 1;
        while (next < end && *next != ' ')
            next++;
        tokens += 1 + text_hash(at, (size_t)(next - at)) % 3;
        at = next;
    }
    return tokens;
}

/* As by_hash, of a template that trims: the first word lacks its blank. */
static uint64_t trimmed(struct text text)
{
    return by_hash((struct text){text.at + 1, text.length - 1});
}

static uint64_t by_bytes(struct text text)
{
    return text.length;
}

static uint64_t by_four_letters(struct text text)
{
    return text.length / 4;
}

static uint64_t one_each(struct text text)
{
    return text.length / WORD_TOKENS;
}

static uint64_t a_fraction(struct text text)
{
    return (uint64_t)llround(1.3 * (double)one_each(text));
}

/* A word that stands twice in a row is one token: costs depend on neighbours. */
static uint64_t pairs_as_one(struct text text)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < text.length; i += WORD_TOKENS) {
        bool again = i && memcmp(text.at + i, text.at + i - WORD_TOKENS, WORD_TOKENS) == 0;
        tokens += again ? 0 : 1 + (text_hash(text.at + i, WORD_TOKENS) & 1);
    }
    return tokens;
}

static uint64_t count(void *context, struct text text)
{
    struct made_up *t = context;
    t->counted++;
    return t->template_tokens + t->tokens(text);
}

static uint64_t tokenize(void *context, struct text text)
{
    struct made_up *t = context;
    t->tokenized++;
    uint64_t tokens = t->beside ? t->beside(text) : t->tokens(text);
    return t->serves_tokenize ? t->beside_template + tokens : 0;
}

static struct prompt_scale learn(struct made_up *t, bool sparing)
{
    struct learner l = {count, tokenize, t, sparing};
    struct prompt_scale scale = {.model = "m"};
    struct learn_counts counts;
    t->counted = t->tokenized = 0;
    ck_assert_int_eq(learn_scale(&l, &scale, &counts), LEARNT);
    return scale;
}

/* The text of a request's one message. */
static struct text content(const struct buffer *body)
{
    const char *at = strstr(body->data, "\"content\":\"") + 11;
    return (struct text){at, (size_t)(strchr(at, '"') - at)};
}

/* How far prompts from 100 to 8,000 tokens are off the asked length, at the most: in tokens, or in
 * shares of the asked length where `relative`. */
static double worst(const struct made_up *t, const struct prompt_scale *scale, uint32_t shortest,
                    bool relative, uint32_t block)
{
    static const uint64_t ids[] = {5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    struct prompt_config c = {&api_chat, true, NULL, NULL, 3};
    struct workload w;
    double most = 0;
    workload_init(&w);
    for (uint32_t i = 0; i < 200; i++)
        testing_add(&w, (struct request){.input_tokens = shortest + i * i / 5,
                                         .output_tokens = 1,
                                         .hash_ids = block ? ids : NULL,
                                         .hash_count = block ? 16 : 0,
                                         .block_size = block});
    struct prompt_maker *m = prompt_maker_create(&c, &w, NULL);
    prompt_maker_set_scale(m, scale);
    for (uint32_t i = 0; i < w.count; i++) {
        struct due due = {.row = i, .ordinal = i};
        struct buffer body;
        buffer_init(&body, BUFFER_UNBOUNDED);
        ck_assert_int_eq(prompt_maker_build(m, &w, &due, "m", &body), 0);
        double asked = shortest + i * i / 5,
               got = (double)(t->template_tokens + t->tokens(content(&body))),
               off = fabs(got - asked) / (relative ? asked : 1);
        most = off > most ? off : most;
        buffer_free(&body);
    }
    prompt_maker_free(m);
    workload_free(&w);
    return most;
}

static const uint64_t templates[] = {0, 9, 27, 60};

START_TEST(words_of_unlike_costs_make_prompts_of_the_asked_length)
{
    for (int served = 0; served < 2; served++) {
        struct made_up t = {.tokens = by_hash,
                            .template_tokens = templates[_i],
                            .beside_template = 1,
                            .serves_tokenize = served};
        struct prompt_scale scale = learn(&t, false);
        ck_assert_double_eq(scale.template_tokens, (double)t.template_tokens);
        ck_assert_uint_eq(strlen(scale.word_tokens), WORDS_LISTED);
        ck_assert_int_eq(t.counted, served ? 2 : 2 + LEARN_WEIGHINGS + 1);
        ck_assert_int_eq(t.tokenized, served ? 2 + LEARN_WEIGHINGS + 1 : 1);
        ck_assert_double_eq(worst(&t, &scale, 80, false, 0), 0);
        ck_assert_double_eq(worst(&t, &scale, 80, false, 64), 0);
    }
}
END_TEST

static char *text_of_row(const struct prompt_maker *m, const struct workload *w, uint32_t row)
{
    struct due due = {.row = row, .ordinal = row};
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    ck_assert_int_eq(prompt_maker_build(m, w, &due, "m", &body), 0);
    struct text t = content(&body);
    char *copy = strndup(t.at, t.length);
    buffer_free(&body);
    return copy;
}

START_TEST(equal_blocks_are_equal_text_of_their_tokens)
{
    static const uint64_t a[] = {5, 6, 7}, b[] = {5, 6, 8};
    struct made_up t = {.tokens = by_hash, .template_tokens = 9};
    struct prompt_scale scale = learn(&t, false);
    struct request r = {
        .input_tokens = 200, .output_tokens = 1, .hash_ids = a, .hash_count = 3, .block_size = 64};
    struct prompt_config c = {&api_chat, true, NULL, NULL, 3};
    struct workload w;
    workload_init(&w);
    testing_add(&w, r);
    r.hash_ids = b;
    testing_add(&w, r);
    r.input_tokens = 180; /* the third block is cut short */
    testing_add(&w, r);
    struct prompt_maker *m = prompt_maker_create(&c, &w, NULL);
    prompt_maker_set_scale(m, &scale);
    char *x = text_of_row(m, &w, 0), *y = text_of_row(m, &w, 1), *z = text_of_row(m, &w, 2);
    size_t common = 0, longer = 0;
    while (x[common] == y[common])
        common++;
    while (y[longer] && y[longer] == z[longer])
        longer++;
    common -= common % WORD_TOKENS;
    ck_assert_uint_ge(by_hash((struct text){x, common}), 128);
    ck_assert_uint_le(by_hash((struct text){x, common}), 134);
    ck_assert_uint_ge(by_hash((struct text){y, longer - longer % WORD_TOKENS}), 180 - 9 - 3);
    free(x);
    free(y);
    free(z);
    prompt_maker_free(m);
    workload_free(&w);
}
END_TEST

START_TEST(two_counts_are_enough_where_a_word_is_a_token)
{
    struct made_up t = {.tokens = one_each, .template_tokens = templates[_i]};
    struct prompt_scale scale = learn(&t, false);
    ck_assert_double_eq(scale.template_tokens, (double)t.template_tokens);
    ck_assert_double_eq(scale.tokens_per_word, 1);
    ck_assert_int_eq(t.counted, 2);
    ck_assert_int_eq(t.tokenized, 0);
    ck_assert_double_eq(worst(&t, &scale, 70, false, 0), 0);
}
END_TEST

START_TEST(a_template_that_trims_the_text_costs_a_token_or_two)
{
    struct made_up t = {.tokens = trimmed, .template_tokens = 27};
    struct prompt_scale scale = learn(&t, false);
    ck_assert_uint_eq(strlen(scale.word_tokens), WORDS_LISTED);
    ck_assert_double_le(fabs(scale.template_tokens - 27), 2);
    ck_assert_double_le(worst(&t, &scale, 80, false, 0), 4);
}
END_TEST

START_TEST(tokens_by_letters_or_fractions_are_met_too)
{
    static const struct {
        uint64_t (*tokens)(struct text);
        int counts;
    } cases[] = {{by_bytes, 5}, {by_four_letters, 5}, {a_fraction, 2}};
    struct made_up t = {.tokens = cases[_i].tokens, .template_tokens = 9};
    struct prompt_scale scale = learn(&t, false);
    ck_assert_double_le(fabs(scale.template_tokens - 9), 1);
    ck_assert_int_le(t.counted, cases[_i].counts);
    ck_assert_double_le(worst(&t, &scale, 80, false, 0), t.tokens == by_bytes ? 3 : 1.5);
}
END_TEST

START_TEST(costs_that_depend_on_neighbours_are_met_in_the_mean)
{
    struct made_up t = {.tokens = pairs_as_one, .template_tokens = 9};
    struct prompt_scale scale = learn(&t, false);
    ck_assert_str_eq(scale.word_tokens, "");
    ck_assert_double_le(worst(&t, &scale, 2000, true, 0), 0.05);
}
END_TEST

START_TEST(a_budget_holds_the_probe_to_two_requests)
{
    struct made_up t = {.tokens = by_hash, .template_tokens = 9};
    struct prompt_scale scale = learn(&t, true);
    ck_assert_int_eq(t.counted, 2);
    ck_assert_str_eq(scale.word_tokens, "");
    ck_assert_double_le(fabs(scale.tokens_per_word - 2), 0.5);
    t.serves_tokenize = true;
    scale = learn(&t, true);
    ck_assert_int_eq(t.counted, 2);
    ck_assert_double_eq(worst(&t, &scale, 80, false, 0), 0);
}
END_TEST

START_TEST(another_tokenizer_beside_is_not_believed)
{
    struct made_up t = {
        .tokens = by_hash, .beside = one_each, .template_tokens = 9, .serves_tokenize = true};
    struct prompt_scale scale = learn(&t, false);
    ck_assert_int_eq(t.tokenized, 2);
    ck_assert_double_eq(worst(&t, &scale, 80, false, 0), 0);
}
END_TEST

START_TEST(a_scale_is_read_as_it_was_written)
{
    static const char *const texts[] = {"m=9:1", "=0:1.3", "a=b:c/d=27:1.0479166666666666"};
    struct prompt_scale scale;
    struct error err = {0};
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    ck_assert_int_eq(prompt_scale_read(texts[_i], &scale, &err), 0);
    prompt_scale_write(&scale, &out);
    ck_assert_str_eq(out.data, texts[_i]);
    struct made_up t = {.tokens = by_hash, .template_tokens = 9};
    struct prompt_scale learnt = learn(&t, false), back;
    buffer_clear(&out);
    prompt_scale_write(&learnt, &out);
    ck_assert_int_eq(prompt_scale_read(out.data, &back, &err), 0);
    ck_assert_str_eq(back.model, "m");
    ck_assert_str_eq(back.word_tokens, learnt.word_tokens);
    ck_assert_double_eq(back.tokens_per_word, learnt.tokens_per_word);
    buffer_free(&out);
}
END_TEST

START_TEST(what_is_no_scale_is_refused)
{
    static const char *const texts[] = {
        "",        "m",
        "9:1",     "m=9",
        "m=9:",    "m=:1",
        "m=-1:1",  "m=9:0",
        "m=9:-2",  "m=9:x",
        "m=9:1:1", "m=9:1111111111111111111111111111111111111111111111111111111111111116"};
    struct prompt_scale scale;
    struct error err = {0};
    ck_assert_int_eq(prompt_scale_read(texts[_i], &scale, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "expected MODEL=TEMPLATE:TOKENS"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learn");
    TCase *t = tcase_create("learn");
    tcase_add_loop_test(t, words_of_unlike_costs_make_prompts_of_the_asked_length, 0, 4);
    tcase_add_test(t, equal_blocks_are_equal_text_of_their_tokens);
    tcase_add_loop_test(t, two_counts_are_enough_where_a_word_is_a_token, 0, 4);
    tcase_add_test(t, a_template_that_trims_the_text_costs_a_token_or_two);
    tcase_add_loop_test(t, tokens_by_letters_or_fractions_are_met_too, 0, 3);
    tcase_add_test(t, costs_that_depend_on_neighbours_are_met_in_the_mean);
    tcase_add_test(t, a_budget_holds_the_probe_to_two_requests);
    tcase_add_test(t, another_tokenizer_beside_is_not_believed);
    tcase_add_loop_test(t, a_scale_is_read_as_it_was_written, 0, 3);
    tcase_add_loop_test(t, what_is_no_scale_is_refused, 0, 12);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
