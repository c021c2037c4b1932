/* What a server's answer means for whoever waits for it. */
#include "bench/ready/ready.h"
#include "bench_fixture.h"

#include <math.h>
#include <signal.h>

static const struct {
    int status;
    enum ready_verdict models, answer; /* of GET /models; of a short request */
} statuses[] = {
    {200, READY_YES, READY_YES},         {404, READY_YES, READY_NEVER},
    {405, READY_YES, READY_NEVER},       {401, READY_NEVER, READY_NEVER},
    {403, READY_NEVER, READY_NEVER},     {400, READY_YES, READY_YES},
    {422, READY_YES, READY_YES},         {429, READY_NOT_YET, READY_NOT_YET},
    {408, READY_NOT_YET, READY_NOT_YET}, {502, READY_NOT_YET, READY_NOT_YET},
    {503, READY_NOT_YET, READY_NOT_YET}, {501, READY_YES, READY_NEVER},
};

START_TEST(a_status_is_waited_for_where_waiting_helps)
{
    ck_assert_int_eq(ready_of_status(statuses[_i].status, false), statuses[_i].models);
    ck_assert_int_eq(ready_of_status(statuses[_i].status, true), statuses[_i].answer);
}
END_TEST

START_TEST(a_certificate_does_not_get_better_by_waiting)
{
    ck_assert_int_eq(ready_of_curl(CURLE_OK), READY_YES);
    ck_assert_int_eq(ready_of_curl(CURLE_COULDNT_CONNECT), READY_NOT_YET);
    ck_assert_int_eq(ready_of_curl(CURLE_COULDNT_RESOLVE_HOST), READY_NOT_YET);
    ck_assert_int_eq(ready_of_curl(CURLE_GOT_NOTHING), READY_NOT_YET);
    ck_assert_int_eq(ready_of_curl(CURLE_OPERATION_TIMEDOUT), READY_NOT_YET);
    ck_assert_int_eq(ready_of_curl(CURLE_PEER_FAILED_VERIFICATION), READY_NEVER);
}
END_TEST

static void count_tellings(void *context, const struct endpoint_config *e, const char *why,
                           int64_t waited_ns)
{
    (void)e;
    (void)waited_ns;
    ck_assert(why[0] != '\0');
    ++*(int *)context;
}

/* Waits for a server of this fault; its end, and the message. */
static int wait_for(enum fault fault, int status, int64_t limit_ns, int *told, struct error *err)
{
    struct live l;
    live_start(&l, fault);
    l.server.status = status;
    l.server.always = true;
    struct workload w = testing_rows(1, 0, 20, 3);
    struct ready_wait wait = {.config = &l.config,
                              .workload = &w,
                              .limit_ns = limit_ns,
                              .told = count_tellings,
                              .context = told};
    int code = ready_run(&wait, err);
    workload_free(&w);
    l.workload = testing_rows(1, 0, 20, 3);
    live_end(&l);
    return code;
}

START_TEST(a_server_that_answers_is_ready_at_once)
{
    struct error err = {0};
    int told = 0;
    ck_assert_int_eq(wait_for(FAULT_WHOLE_JSON, 0, 60 * NS_PER_S, &told, &err), 0);
    ck_assert_int_eq(told, 0);
}
END_TEST

START_TEST(a_server_that_loads_is_asked_again)
{
    struct error err = {0};
    int told = 0;
    ck_assert_int_eq(wait_for(FAULT_STATUS_ONCE, 503, 60 * NS_PER_S, &told, &err), 0);
    ck_assert_int_eq(told, 1);
}
END_TEST

START_TEST(the_time_ends_the_wait_with_the_servers_words)
{
    struct error err = {0};
    int told = 0;
    ck_assert_int_eq(wait_for(FAULT_STATUS, 503, 700 * NS_PER_MS, &told, &err), ERR_WORK);
    ck_assert_int_ge(told, 1);
    ck_assert_msg(strstr(err.message, "was not ready within 0.7 s (--wait-ready)") &&
                      strstr(err.message, "503"),
                  "%s", err.message);
}
END_TEST

static const struct {
    enum fault fault;
    int status;
} hopeless[] = {{FAULT_STATUS, 401}, {FAULT_STATUS, 403}, {FAULT_STATUS, 404}, {FAULT_NOT_HTTP, 0}};

START_TEST(what_waiting_does_not_change_ends_it_at_once)
{
    struct error err = {0};
    int told = 0;
    int code = wait_for(hopeless[_i].fault, hopeless[_i].status, 600 * NS_PER_S, &told, &err);
    ck_assert_int_eq(code, ERR_WORK);
    ck_assert_int_eq(told, 0);
    ck_assert_msg(strstr(err.message, "will not get ready by waiting") != NULL, "%s", err.message);
}
END_TEST

/* A gateway's page under status 200 is no answer; neither is silence. */
static const enum fault useless[] = {FAULT_HTML, FAULT_SILENT, FAULT_RESET_FIRST};

START_TEST(what_is_no_answer_is_waited_for)
{
    struct error err = {0};
    int told = 0;
    ck_assert_int_eq(wait_for(useless[_i], 0, 600 * NS_PER_MS, &told, &err), ERR_WORK);
    ck_assert_msg(strstr(err.message, "was not ready within 0.6 s") != NULL, "%s", err.message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ready");
    TCase *t = tcase_create("ready");
    signal(SIGPIPE, SIG_IGN);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_status_is_waited_for_where_waiting_helps, 0,
                        (int)(sizeof statuses / sizeof *statuses));
    tcase_add_test(t, a_certificate_does_not_get_better_by_waiting);
    tcase_add_test(t, a_server_that_answers_is_ready_at_once);
    tcase_add_test(t, a_server_that_loads_is_asked_again);
    tcase_add_test(t, the_time_ends_the_wait_with_the_servers_words);
    tcase_add_loop_test(t, what_waiting_does_not_change_ends_it_at_once, 0,
                        (int)(sizeof hopeless / sizeof *hopeless));
    tcase_add_loop_test(t, what_is_no_answer_is_waited_for, 0,
                        (int)(sizeof useless / sizeof *useless));
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
