/* The generator: the same seed gives the same bytes however the work is cut, and sessions are made
 * as their class says. */
#include "tests/unit/testing.h"

#include "workloads/scenario/generate.h"
#include "workloads/trace/trace.h"

#include <math.h>
#include <string.h>

static void load(const char *text, struct scenario *s)
{
    struct error err = {0};
    ck_assert_msg(scenario_parse("test.json", text, strlen(text), s, &err) == 0, "%s", err.message);
}

static void generate(const struct scenario *s, uint64_t seed, struct generate_options o,
                     struct workload *w)
{
    struct error err = {0};
    workload_init(w);
    ck_assert_msg(workload_generate(s, seed, &o, w, &err) == 0, "%s", err.message);
    ck_assert_msg(workload_check_order(w, NULL, &err) == 0, "%s", err.message);
}

/* The canonical lines, and the first session's number of each line. */
static char *lines_of(const struct workload *w)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    trace_put_header(w, TRACE_CANONICAL, &b);
    for (size_t i = 0; i < w->count; i++)
        trace_put_row(w, i, TRACE_CANONICAL, &b);
    return b.length ? buffer_take(&b) : strdup("");
}

static char *generated(const struct scenario *s, uint64_t seed, struct generate_options o)
{
    struct workload w;
    generate(s, seed, o, &w);
    char *lines = lines_of(&w);
    workload_free(&w);
    return lines;
}

static const char agents[] =
    "{\"block_size\": 64, \"arrivals\": {\"process\": \"gamma\", \"cv\": 2, \"rate_rps\": 3},"
    " \"classes\": ["
    "  {\"class\": \"agent\", \"weight\": 2, \"input\": {\"distribution\": \"lognormal\","
    "    \"median\": 300, \"sigma\": 0.5}, \"output\": {\"distribution\": \"gamma\", \"mean\": 80,"
    "    \"cv\": 1}, \"correlation\": 0.5, \"body\": {\"response_format\": {\"type\":"
    "    \"json_object\"}},"
    "   \"system_prompt\": {\"tokens\": {\"distribution\": \"uniform\", \"low\": 100, \"high\":"
    "    400}, \"count\": 4}, \"session\": {\"turns\": {\"distribution\": \"uniform\", \"low\": 1,"
    "    \"high\": 3}, \"think_s\": 5, \"early_stop\": 0.1},"
    "   \"tools\": {\"steps\": {\"distribution\": \"uniform\", \"low\": 0, \"high\": 4},"
    "    \"result\": 150, \"time_s\": 0.7, \"failure\": 0.2, \"calls\": {\"distribution\":"
    "    \"uniform\", \"low\": 0, \"high\": 3}, \"call_input\": 20, \"call_output\": 40}},"
    "  {\"class\": \"rag\", \"input\": 40, \"output\": 60, \"documents\": {\"tokens\": 500,"
    "    \"count\": 50, \"per_turn\": 3}, \"arrivals\": {\"rate_rps\": 1}}]}";

START_TEST(the_same_seed_gives_the_same_bytes)
{
    struct scenario s;
    load(agents, &s);
    char *one = generated(&s, 7, (struct generate_options){.requests = 500});
    char *again = generated(&s, 7, (struct generate_options){.requests = 500});
    char *other = generated(&s, 8, (struct generate_options){.requests = 500});
    ck_assert_str_eq(one, again);
    ck_assert_str_ne(one, other);
    free(one);
    free(again);
    free(other);
    scenario_free(&s);
}
END_TEST

START_TEST(pieces_and_a_longer_run_begin_with_the_same_bytes)
{
    struct scenario s;
    struct generator *g;
    struct error err = {0};
    struct buffer pieces;
    load(agents, &s);
    char *whole = generated(&s, 7, (struct generate_options){.requests = 500});
    char *longer = generated(&s, 7, (struct generate_options){.requests = 900});
    buffer_init(&pieces, BUFFER_UNBOUNDED);
    ck_assert_int_eq(generator_create(&s, 7, &(struct generate_options){.requests = 500}, &g, &err),
                     0);
    for (int more = 1; more > 0;) {
        struct workload w;
        workload_init(&w);
        more = generator_fill(g, 13, &w, &err);
        ck_assert_int_ge(more, 0);
        for (size_t i = 0; i < w.count; i++)
            trace_put_row(&w, i, TRACE_CANONICAL, &pieces);
        workload_free(&w);
    }
    generator_free(g);
    ck_assert_str_eq(pieces.data, whole);
    ck_assert_int_eq(strncmp(longer, whole, strlen(whole)), 0);
    buffer_free(&pieces);
    free(whole);
    free(longer);
    scenario_free(&s);
}
END_TEST

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Splits in place and sorts; returns the count. */
static size_t sorted_lines(char *text, char **out, size_t most)
{
    size_t count = 0;
    for (char *line = strtok(text, "\n"); line && count < most; line = strtok(NULL, "\n"))
        out[count++] = line;
    qsort(out, count, sizeof *out, compare_lines);
    return count;
}

START_TEST(shards_are_disjoint_and_their_union_is_the_whole)
{
    enum { MOST = 2000, SHARDS = 3 };
    static char *whole_lines[MOST], *part_lines[MOST];
    struct scenario s;
    struct buffer parts;
    load(agents, &s);
    char *whole = generated(&s, 11, (struct generate_options){.requests = 1000});
    buffer_init(&parts, BUFFER_UNBOUNDED);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct generate_options o = {.requests = 1000, .shard = i, .shards = SHARDS};
        char *part = generated(&s, 11, o);
        ck_assert_uint_gt(strlen(part), strlen(whole) / SHARDS / 3);
        buffer_add_text(&parts, part);
        free(part);
    }
    size_t count = sorted_lines(whole, whole_lines, MOST);
    ck_assert_uint_eq(count, 1000);
    ck_assert_uint_eq(sorted_lines(parts.data, part_lines, MOST), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(whole_lines[i], part_lines[i]);
    buffer_free(&parts);
    free(whole);
    scenario_free(&s);
}
END_TEST

START_TEST(a_turn_carries_what_was_said_before)
{
    struct scenario s;
    struct workload w;
    load("{\"block_size\": 16, \"arrivals\": {\"rate_rps\": 1}, \"classes\": [{\"input\": 30,"
         " \"output\": 20, \"system_prompt\": {\"tokens\": 40}, \"session\": {\"turns\": 4,"
         " \"think_s\": 2.5, \"max_context_tokens\": 200}}]}",
         &s);
    generate(&s, 1, (struct generate_options){.requests = 6}, &w);
    /* 70, 120, 170 tokens; the fourth turn (220 + 20) no longer fits: the session is over. */
    static const uint32_t inputs[] = {70, 120, 170, 70, 120, 170};
    ck_assert_uint_eq(w.count, 6);
    for (size_t i = 0; i < 6; i++) {
        struct request r, first;
        workload_get(&w, i, &r);
        workload_get(&w, i < 3 ? 0 : 3, &first);
        ck_assert_uint_eq(r.input_tokens, inputs[i]);
        ck_assert_uint_eq(r.hash_count, (inputs[i] + 15) / 16);
        ck_assert_int_eq(r.timestamp_ns == TIME_NEVER, i % 3 != 0);
        ck_assert_uint_eq(r.after_count, i % 3 != 0);
        ck_assert_int_eq(r.delay_ns, i % 3 ? INT64_C(2500000000) : 0);
        if (i % 3)
            ck_assert_uint_eq(r.after[0], i - 1);
        /* the full blocks of the first turn lead the later ones; 40 of its tokens are everybody's
         */
        ck_assert_mem_eq(r.hash_ids, first.hash_ids, 4 * sizeof *r.hash_ids);
        ck_assert_uint_eq(r.hash_ids[0], w.hash_ids[0]);
        ck_assert_uint_eq(r.hash_ids[1], w.hash_ids[1]);
    }
    ck_assert_uint_ne(w.hash_ids[w.hash_start[3] + 2], w.hash_ids[2]);
    workload_free(&w);
    scenario_free(&s);
}
END_TEST

START_TEST(side_calls_are_joined_by_the_next_request)
{
    struct scenario s;
    struct workload w;
    load("{\"arrivals\": {\"rate_rps\": 1}, \"classes\": [{\"input\": 100, \"output\": 30, "
         "\"tools\":"
         " {\"steps\": 2, \"output\": 10, \"result\": 50, \"time_s\": 1, \"calls\": 3,"
         " \"call_input\": 5, \"call_output\": 7}}]}",
         &s);
    generate(&s, 1, (struct generate_options){.requests = 9}, &w);
    /* plan; 3 calls, reflect; 3 calls, answer. Each call carries the context and 5 tokens. */
    static const uint32_t inputs[] = {100, 115, 115, 115, 181, 196, 196, 196, 262};
    static const uint32_t outputs[] = {10, 7, 7, 7, 10, 7, 7, 7, 30};
    static const size_t waits[] = {0, 1, 1, 1, 3, 1, 1, 1, 3};
    static const uint32_t first_parent[] = {0, 0, 0, 0, 1, 4, 4, 4, 5};
    for (size_t i = 0; i < 9; i++) {
        struct request r;
        workload_get(&w, i, &r);
        ck_assert_uint_eq(r.input_tokens, inputs[i]);
        ck_assert_uint_eq(r.output_tokens, outputs[i]);
        ck_assert_uint_eq(r.after_count, waits[i]);
        for (size_t k = 0; k < waits[i]; k++)
            ck_assert_uint_eq(r.after[k], first_parent[i] + k);
        ck_assert_str_eq(r.session_id, "s1");
    }
    workload_free(&w);
    scenario_free(&s);
}
END_TEST

START_TEST(a_failed_step_is_asked_again_with_full_context)
{
    struct scenario s;
    struct workload w;
    load("{\"arrivals\": {\"rate_rps\": 1}, \"classes\": [{\"input\": 100, \"output\": 30, "
         "\"tools\":"
         " {\"steps\": 1, \"output\": 10, \"result\": 50, \"failure\": 1, \"error\": 8,"
         " \"max_repeats\": 2}}]}",
         &s);
    generate(&s, 1, (struct generate_options){.requests = 4}, &w);
    static const uint32_t inputs[] = {100, 118, 136, 196};
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(w.input_tokens[i], inputs[i]);
    workload_free(&w);
    scenario_free(&s);
}
END_TEST

START_TEST(reasoning_is_a_part_of_the_output)
{
    struct scenario s;
    struct workload w;
    load("{\"arrivals\": {\"rate_rps\": 1}, \"classes\": [{\"input\": 10, \"output\": 1000,"
         " \"reasoning\": 0.75}]}",
         &s);
    generate(&s, 1, (struct generate_options){.requests = 1}, &w);
    struct usage u = workload_usage(&w, 0);
    ck_assert_uint_eq(u.tokens[USAGE_OUTPUT], 250);
    ck_assert_uint_eq(u.tokens[USAGE_REASONING], 750);
    workload_free(&w);
    scenario_free(&s);
}
END_TEST

START_TEST(extent_and_rate_follow_the_options)
{
    struct scenario s;
    struct workload w;
    struct generator *g;
    struct error err = {0};
    load(
        "{\"arrivals\": {\"process\": \"constant\", \"rate_rps\": 2}, \"classes\": [{\"input\": 10,"
        " \"output\": 1}]}",
        &s);
    ck_assert_int_eq(generator_create(&s, 1, &(struct generate_options){0}, &g, &err), ERR_INPUT);
    struct profile rate;
    profile_hold(&rate, 100);
    struct generate_options given[] = {{.load = &rate, .arrivals = ARRIVAL_CONSTANT},
                                       {.load = &rate, .own_arrivals = true}};
    for (int i = 0; i < 2; i++) {
        given[i].duration_s = 30;
        generate(&s, 1, given[i], &w);
        ck_assert_uint_eq(w.count, 3000);
        ck_assert_int_eq(w.timestamp_ns[0], 0);
        ck_assert_int_eq(w.timestamp_ns[2999], INT64_C(29990000000));
        workload_free(&w);
    }
    profile_free(&rate);
    scenario_free(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("generate");
    TCase *t = tcase_create("generate");
    tcase_add_test(t, the_same_seed_gives_the_same_bytes);
    tcase_add_test(t, pieces_and_a_longer_run_begin_with_the_same_bytes);
    tcase_add_test(t, shards_are_disjoint_and_their_union_is_the_whole);
    tcase_add_test(t, a_turn_carries_what_was_said_before);
    tcase_add_test(t, side_calls_are_joined_by_the_next_request);
    tcase_add_test(t, a_failed_step_is_asked_again_with_full_context);
    tcase_add_test(t, reasoning_is_a_part_of_the_output);
    tcase_add_test(t, extent_and_rate_follow_the_options);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
