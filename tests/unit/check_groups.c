/* The figures of each class, model, endpoint, turn and label of a run. */
#include "core/runs/summary/collector_state.h"
#include "core/runs/summary/groups.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

static struct record answered(const char *class_name, const char *session, int64_t due_ms,
                              int64_t ttft_ms)
{
    struct record r;
    record_init(&r);
    r.request_id = "r";
    r.attempt = 1;
    r.final = r.streamed = true;
    r.class_name = class_name;
    r.session_id = session;
    r.endpoint = "e";
    r.scheduled_ns = r.ready_ns = r.sent_ns = due_ms * NS_PER_MS;
    r.first_byte_ns = r.first_token_ns = r.first_output_ns = r.sent_ns + ttft_ms * NS_PER_MS;
    r.last_token_ns = r.done_ns = r.first_token_ns + 90 * NS_PER_MS;
    r.usage = usage_from_totals(100, 0, 0, 0, 10, 0);
    r.usage_from = USAGE_SERVER;
    return r;
}

static struct summary summarize(struct collector *c)
{
    struct summary_options o = {.command = "bench", .load = "open", .no_intervals = true};
    struct summary s;
    ck_assert_int_eq(slo_parse("ttft=150", &o.slos, NULL), 0);
    collector_summarize(c, &o, &s);
    return s;
}

static const struct group_summary *group(const struct summary *s, const char *dimension,
                                         const char *name)
{
    for (size_t i = 0; i < s->group_count; i++)
        if (strcmp(s->groups[i].dimension, dimension) == 0 && strcmp(s->groups[i].name, name) == 0)
            return &s->groups[i];
    return NULL;
}

START_TEST(each_class_has_its_own_figures)
{
    struct collector *c = collector_create();
    for (int i = 0; i < 10; i++) {
        struct record chat = answered("chat", NULL, i, 100), rag = answered("rag", NULL, i, 200);
        chat.labels = "{\"team\": \"red\"}";
        collector_add(c, &chat);
        if (i < 4)
            collector_add(c, &rag);
    }
    struct summary s = summarize(c);
    const struct group_summary *chat = group(&s, "class", "chat"), *rag = group(&s, "class", "rag");
    ck_assert_ptr_nonnull(chat);
    ck_assert_ptr_nonnull(rag);
    ck_assert_uint_eq(chat->requests, 10);
    ck_assert_uint_eq(rag->completed, 4);
    ck_assert_uint_eq(rag->output_tokens, 40);
    ck_assert_double_eq_tol(chat->metrics[GROUP_TTFT].p50, 100, 1e-9);
    ck_assert_double_eq_tol(rag->metrics[GROUP_E2E].mean, 290, 1e-9);
    ck_assert_double_eq_tol(rag->metrics[GROUP_TPOT].p99, 10, 1e-9);
    ck_assert_double_eq(chat->goodput_fraction, 1);
    ck_assert_double_eq(rag->goodput_fraction, 0);
    ck_assert_ptr_nonnull(group(&s, "label:team", "red"));
    ck_assert_ptr_nonnull(group(&s, "label:team", "(not said)"));
    ck_assert_ptr_null(group(&s, "endpoint", "e")); /* one endpoint only: nothing to tell apart */
    collector_free(c);
}
END_TEST

START_TEST(turns_count_within_their_session)
{
    struct collector *c = collector_create();
    for (int turn = 1; turn <= 20; turn++) {
        struct record a = answered("chat", "a", turn, turn), b = answered("chat", "b", turn, 500);
        collector_add(c, &a);
        if (turn <= 2)
            collector_add(c, &b);
    }
    struct summary s = summarize(c);
    ck_assert_uint_eq(group(&s, "turn", "1")->requests, 2);
    ck_assert_uint_eq(group(&s, "turn", "3")->requests, 1);
    ck_assert_uint_eq(group(&s, "turn", "5-8")->requests, 4);
    ck_assert_uint_eq(group(&s, "turn", "17+")->requests, 4);
    ck_assert_double_eq_tol(group(&s, "turn", "9-16")->metrics[GROUP_TTFT].mean, 12.5, 1e-9);
    ck_assert_str_eq(s.groups[0].name, "1"); /* turns stand in their order */
    collector_free(c);
}
END_TEST

START_TEST(parts_merge_into_the_same_groups)
{
    static const char *const classes[] = {"a", "b", "c"};
    struct collector *whole = collector_create(), *one = collector_create(),
                     *two = collector_create();
    for (int i = 0; i < 90; i++) {
        struct record r = answered(classes[i % 3], NULL, i, 50 + i);
        r.dns_ns = i * NS_PER_MS;
        collector_add(whole, &r);
        collector_add(i < 30 ? one : two, &r);
    }
    struct collector *both = collector_create();
    collector_merge(both, two); /* numbers differ from those of the whole */
    collector_merge(both, one);
    struct summary s = summarize(whole), t = summarize(both);
    ck_assert_uint_eq(s.group_count, 3);
    ck_assert_uint_eq(t.group_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct group_summary *g = group(&t, "class", s.groups[i].name);
        ck_assert_uint_eq(g->requests, s.groups[i].requests);
        ck_assert_double_eq(g->metrics[GROUP_TTFT].p99, s.groups[i].metrics[GROUP_TTFT].p99);
    }
    ck_assert_uint_eq(t.set_up[SET_UP_DNS].count, 90);
    ck_assert_double_eq(t.set_up[SET_UP_DNS].mean, 44.5);
    collector_free(whole);
    collector_free(one);
    collector_free(two);
    collector_free(both);
}
END_TEST

START_TEST(a_thousand_classes_are_the_largest_and_the_others)
{
    struct collector *c = collector_create();
    uint64_t requests = 0;
    for (int i = 0; i < 2000; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i % 1000);
        struct record r = answered(i % 4 ? "big" : name, NULL, i, 100);
        collector_add(c, &r);
    }
    struct summary s = summarize(c);
    ck_assert_uint_eq(s.group_count, 16);
    ck_assert_str_eq(s.groups[0].name, "big");
    ck_assert_uint_eq(s.groups[0].requests, 1500);
    ck_assert_str_eq(s.groups[15].name, "(others)");
    for (size_t i = 0; i < s.group_count; i++)
        requests += s.groups[i].requests;
    ck_assert_uint_eq(requests, 2000);
    collector_free(c);
}
END_TEST

START_TEST(a_class_per_request_does_not_grow_the_store)
{
    struct group_store g;
    group_store_init(&g);
    for (int i = 0; i < 200000; i++) {
        char text[24];
        snprintf(text, sizeof text, "u%d", i);
        struct record r = answered(text, NULL, i, 100);
        r.model = text;
        group_store_add(&g, &r);
    }
    ck_assert_uint_le(g.texts.count, GROUP_TEXTS);
    ck_assert_uint_le(g.combinations.count, GROUP_MOST + 1);
    group_store_free(&g);
}
END_TEST

START_TEST(failures_keep_samples_of_their_words)
{
    struct collector *c = collector_create();
    static const char *const words[] = {"boom", "boom", "bang", "clang"};
    for (int i = 0; i < 4; i++) {
        struct record r = answered("chat", NULL, i, 100);
        r.status = RECORD_FAILED;
        r.failure = FAILURE_SERVER;
        r.message = words[i];
        collector_add(c, &r);
    }
    struct summary s = summarize(c);
    ck_assert_str_eq(s.error_samples[FAILURE_SERVER][0], "boom");
    ck_assert_str_eq(s.error_samples[FAILURE_SERVER][1], "bang");
    ck_assert_str_eq(s.error_samples[FAILURE_RESET][0], "");
    collector_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("groups");
    TCase *t = tcase_create("groups");
    tcase_add_test(t, each_class_has_its_own_figures);
    tcase_add_test(t, turns_count_within_their_session);
    tcase_add_test(t, parts_merge_into_the_same_groups);
    tcase_add_test(t, a_thousand_classes_are_the_largest_and_the_others);
    tcase_add_test(t, a_class_per_request_does_not_grow_the_store);
    tcase_add_test(t, failures_keep_samples_of_their_words);
    suite_add_tcase(s, t);
    return testing_run(s);
}
