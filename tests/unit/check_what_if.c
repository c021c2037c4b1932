/* Recorded agents, caching what-ifs, runs read back, the best split. */
#include "testing_plans.h"
#include "testing_trace.h"
#include "testing_workload.h"

#include "core/buffer.h"
#include "core/runs/record/run_dir.h"
#include "sim/cost/bill/run_workload.h"
#include "sim/cost/shares/shares.h"
#include "sim/cost/what_if/what_if.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char oxlo[] =
    "{\"name\": \"oxlo/pro\", \"subscription\": {\"price\": \"80\", \"period\": \"month\","
    " \"includes\": {\"requests\": 1000, \"per\": \"day\"}, \"beyond\": \"queue\"}, \"limits\":"
    " {\"max_input_tokens\": 16000, \"max_output_tokens\": 4000}},"
    "{\"name\": \"oxlo/premium\", \"subscription\": {\"price\": \"350\", \"period\": \"month\","
    " \"includes\": {\"requests\": 5000, \"per\": \"day\"}, \"beyond\": \"queue\"}, \"limits\":"
    " {\"max_input_tokens\": 32000, \"max_output_tokens\": 8000}}";

static struct plan_book load(const char *first, const char *rest)
{
    struct buffer b;
    buffer_init(&b, 1 << 16);
    buffer_add_format(&b, "{\"plans\": [%s%s%s]}", first, rest ? "," : "", rest ? rest : "");
    struct plan_book book = testing_plans(b.data);
    buffer_free(&b);
    return book;
}

static const struct {
    const char *file;
    uint64_t claude, codex; /* calls */
    const char *claude_usd, *codex_usd, *uncached_usd, *both_usd;
} recordings[] = {
    {"tests/data/tracelab.jsonl", 3, 2, "0.1116", "0.02464", "0.54635", "0.13624"},
    {"tracelab/round_trace.jsonl", 10, 9, "0.5795915", "0.0893795", "2.32654", "0.668971"},
};

START_TEST(recorded_agents)
{
    struct workload w;
    testing_read_file(recordings[_i].file, &w, NULL);
    struct plan_book book = load(
        "{\"name\": \"claude\", \"models\": [\"claude-*\"], \"per_mtok\": {\"input\": \"5\","
        " \"cached_input\": \"0.5\", \"cache_write\": \"6.25\", \"output\": \"25\"}},"
        "{\"name\": \"codex\", \"models\": [\"gpt-5.4\"], \"per_mtok\": {\"input\": \"2.5\","
        " \"cached_input\": \"0.25\", \"output\": \"15\"}},"
        "{\"name\": \"claude, uncached\", \"models\": [\"claude-*\"], \"per_mtok\": {\"input\":"
        " \"5\", \"output\": \"25\"}},"
        "{\"name\": \"all\", \"rates\": [{\"models\": [\"claude-opus-*\"], \"per_mtok\":"
        " {\"input\": \"5\", \"cached_input\": \"0.5\", \"cache_write\": \"6.25\", \"output\":"
        " \"25\"}}, {\"per_mtok\": {\"input\": \"2.5\", \"cached_input\": \"0.25\", \"output\":"
        " \"15\"}}]}",
        oxlo);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.by = "model", .workers = 2});
    testing_money(bill.plans[0].total, recordings[_i].claude_usd, "Claude");
    ck_assert_uint_eq(bill.plans[0].served_requests, recordings[_i].claude);
    ck_assert_uint_eq(bill.plans[0].served.count[SERVE_MODEL], recordings[_i].codex);
    testing_money(bill.plans[1].total, recordings[_i].codex_usd, "Codex");
    testing_money(bill.plans[2].total, recordings[_i].uncached_usd, "Claude, nothing cached");
    testing_money(bill.plans[3].total, recordings[_i].both_usd, "both");
    ck_assert_int_eq(bill_shares_make(&bill, NULL), 0);
    ck_assert_uint_eq(bill.plans[3].group_count, 2);
    for (int i = 4; i < 6; i++) /* all of Claude's calls are above 32,000 tokens in */
        ck_assert_uint_eq(bill.plans[i].served.count[SERVE_INPUT], recordings[_i].claude);
    ck_assert_int_eq(bill.plans[4].rank, 0);
    ck_assert_int_eq(bill.plans[3].rank, 1);
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

START_TEST(a_recorded_trajectory)
{
    /* five calls of a SWE-agent run: 52,861 tokens in, 326 out, in all */
    static const uint32_t in[] = {8000, 9361, 10500, 11700, 13300}, out[] = {60, 70, 66, 50, 80};
    struct plan_book book = load("{\"name\": \"t\", \"per_mtok\": {\"input\": \"10\", \"output\":"
                                 " \"30\"}}",
                                 NULL);
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 5; i++)
        testing_add(&w, (struct request){
                            .input_tokens = in[i], .output_tokens = out[i], .session_id = "run"});
    struct bill bill = testing_bill(&w, &book, (struct bill_options){0});
    testing_money(bill.plans[0].total, "0.53839", "the run");
    ck_assert_uint_eq(bill.plans[0].session_stats.count, 1);
    ck_assert_double_eq_tol(bill.plans[0].session_stats.mean, 0.53839, 1e-9);
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *file, *uncached, *infinite, *ttl, *saved;
    uint64_t over_16000, over_32000;
} sessions[] = {
    {"tests/data/mooncake.jsonl", "15.02949", "8.138226", "8.304114", "6.891264", 27, 0},
    {"mooncake/synthetic_trace.jsonl", "323.8361", "144.4991255", "160.03034", "179.3369745", 1644,
     672},
};

START_TEST(caching_pays_by_the_token_and_not_by_the_request)
{
    struct workload w;
    testing_read_file(sessions[_i].file, &w, NULL);
    struct plan_book book = load("{\"name\": \"t\", \"per_mtok\": {\"input\": \"5\","
                                 " \"cached_input\": \"0.5\", \"output\": \"30\"}}",
                                 oxlo);
    const struct plan *plans[] = {&book.plans[0], &book.plans[1], &book.plans[2]};
    const char *changes[] = {"cache"};
    struct bill_options options = {.workers = 2};
    struct what_if table;
    struct error err = {0};
    int code = what_if_make(&table, &w, plans, 3, changes, 1, &options, 1, NULL, &err);
    ck_assert_msg(code == 0, "%s", err.message);
    const char *const expected[] = {sessions[_i].uncached, sessions[_i].uncached,
                                    sessions[_i].infinite, sessions[_i].ttl};
    ck_assert_uint_eq(table.case_count, 4);
    for (size_t i = 0; i < 4; i++) {
        testing_money(table.cases[i].cells[0].total, expected[i], table.cases[i].name);
        testing_money(table.cases[i].cells[1].saved, "0", "flat");
        ck_assert_uint_eq(table.cases[i].cells[1].rejected, sessions[_i].over_16000);
        ck_assert_uint_eq(table.cases[i].cells[2].rejected, sessions[_i].over_32000);
    }
    what_if_free(&table);
    struct bill bill = testing_bill(&w, &book, options);
    ck_assert(bill.plans[0].waste.has_cache);
    testing_money(bill.plans[0].waste.cache_misses, sessions[_i].saved, "what a cache would save");
    testing_money(bill.plans[1].waste.cache_misses, "0", "nothing where requests are flat");
    bill_free(&bill);
    changes[0] = "cahce=none";
    ck_assert_int_eq(what_if_make(&table, &w, plans, 3, changes, 1, &options, 1, NULL, &err),
                     ERR_INPUT);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

static void put_record(struct run_dir *dir, const char *id, uint32_t attempt, bool final,
                       enum record_status status, int http, uint64_t in, uint64_t out)
{
    struct record r;
    struct error err = {0};
    record_init(&r);
    r.request_id = id;
    r.attempt = attempt;
    r.final = final;
    r.status = status;
    r.failure = status == RECORD_FAILED ? FAILURE_SERVER : FAILURE_NONE;
    r.http_status = http;
    r.scheduled_ns = r.ready_ns = attempt * NS_PER_S;
    if (status != RECORD_UNSENT)
        r.sent_ns = r.scheduled_ns;
    r.asked_input = 900;
    r.asked_output = 100;
    r.model = "m";
    if (in > 0) {
        r.usage = usage_from_totals(in, 0, 0, 0, out, 0);
        r.usage_from = USAGE_SERVER;
    }
    ck_assert_msg(run_dir_append(dir, &r, 0, &err) == 0, "%s", err.message);
}

/* A run that was killed between attempts: what was sent last stands for the request. */
START_TEST(requests_that_never_ended_are_billed_by_their_last_attempt)
{
    static const uint32_t earlier[] = {0, 0, 1, 1, 3};
    struct run_workload billed;
    struct error err = {0};
    struct record r;
    record_init(&r);
    run_workload_begin(&billed, NULL, NULL);
    const struct {
        const char *id;
        uint32_t attempt;
        bool final;
    } sent[] = {{"a", 1, false}, {"b", 1, true},  {"c", 1, false}, {"a", 2, false},
                {"c", 2, true},  {"d", 1, false}, {"a", 3, false}};
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        r.request_id = sent[i].id;
        r.attempt = sent[i].attempt;
        r.final = sent[i].final;
        r.status = r.final ? RECORD_COMPLETED : RECORD_FAILED;
        r.http_status = r.final ? 200 : 500;
        r.scheduled_ns = 0;
        r.sent_ns = (int64_t)(i + 7) * NS_PER_S;
        r.asked_input = (uint32_t)i;
        ck_assert_int_eq(run_workload_add(&billed, &r, &err), 0);
    }
    ck_assert_int_eq(run_workload_end(&billed, "none/x/", &err), 0);
    const struct workload *w = &billed.workload;
    ck_assert_uint_eq(w->count, 4); /* as they ended, then as they were sent */
    static const char *const ids[] = {"b", "c", "d", "a"};
    static const uint32_t inputs[] = {1, 4, 5, 6};
    for (size_t i = 0; i < 4; i++) {
        char made[REQUEST_ID_SIZE];
        ck_assert_str_eq(workload_request_id(w, i, made), ids[i]);
        ck_assert_uint_eq(w->input_tokens[i], inputs[i]);
        ck_assert_int_eq(billed.workload.earlier->finals[i].http_status, i < 2 ? 200 : 500);
        ck_assert_uint_eq(billed.workload.earlier->start[i], earlier[i]);
    }
    ck_assert_uint_eq(billed.workload.earlier->start[4], 3);
    ck_assert_int_eq(w->timestamp_ns[3], 6 * NS_PER_S); /* from the first that was sent */
    ck_assert_int_eq(billed.workload.earlier->items[1].sent_ns, 0);
    ck_assert_int_eq(billed.workload.earlier->items[2].sent_ns, 3 * NS_PER_S);
    ck_assert_str_eq(w->name, "x");
    run_workload_free(&billed);
}
END_TEST

START_TEST(a_run_is_billed_with_all_its_attempts)
{
    char path[] = "/tmp/farebox-run-XXXXXX", run[64];
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(run, sizeof run, "%s/r", path);
    struct run_dir dir;
    struct error err = {0};
    ck_assert_msg(run_dir_create(&dir, run, &err) == 0, "%s", err.message);
    put_record(&dir, "a", 1, true, RECORD_COMPLETED, 200, 1000, 100);
    put_record(&dir, "b", 1, false, RECORD_FAILED, 429, 0, 0);
    put_record(&dir, "c", 1, true, RECORD_CANCELLED, 200, 1000, 40);
    put_record(&dir, "b", 2, false, RECORD_FAILED, 503, 0, 0);
    put_record(&dir, "b", 3, true, RECORD_COMPLETED, 200, 1000, 100);
    put_record(&dir, "d", 1, true, RECORD_FAILED, 500, 0, 0);
    put_record(&dir, "e", 0, true, RECORD_UNSENT, 0, 0, 0);
    ck_assert_int_eq(run_dir_close(&dir, &err), 0);

    struct run_workload billed;
    int code = run_workload_read(&billed, run, NULL, &err);
    ck_assert_msg(code == 0, "%s", err.message);
    ck_assert_uint_eq(billed.workload.count, 4);
    ck_assert_uint_eq(billed.report.unsent, 1);
    ck_assert_uint_eq(billed.report.without_usage, 3);
    ck_assert_str_eq(billed.workload.name, "r");
    struct plan_book book =
        load("{\"name\": \"t\", \"per_mtok\": {\"input\": \"1\", \"output\": \"10\"}, \"billed\":"
             " {\"failed\": {\"429\": \"none\", \"5xx\": \"input\"}, \"aborted\": \"full\"}}",
             NULL);
    struct bill bill = testing_bill(&billed.workload, &book, (struct bill_options){0});
    const struct plan_bill *p = &bill.plans[0];
    /* a 0.002; b 0.0009 for its 503 and 0.002; c 0.001 + 100 out; d 0.0009 */
    testing_money(p->total, "0.0078", "the run");
    testing_money(p->waste.retries, "0.0009", "retries");
    testing_money(p->waste.failed, "0.0009", "failed");
    testing_money(p->waste.aborted, "0.002", "aborted");
    ck_assert_uint_eq(p->waste.good_requests, 2);
    bill_free(&bill);
    run_workload_free(&billed);
    /* nothing here has a first token, so nothing can meet an objective on it */
    struct slo_list slos = {0};
    ck_assert_int_eq(slo_parse("e2e=1000", &slos, &err), 0);
    ck_assert_int_eq(run_workload_read(&billed, run, &slos, &err), 0);
    bill = testing_bill(&billed.workload, &book, (struct bill_options){0});
    ck_assert_uint_eq(bill.plans[0].waste.slo_missed_requests, 2);
    testing_money(bill.plans[0].waste.slo_missed, "0.004", "completed, and late");
    ck_assert_uint_eq(bill.plans[0].waste.good_requests, 0);
    bill_free(&bill);
    plan_book_free(&book);
    run_workload_free(&billed);
    ck_assert_int_eq(testing_remove(path), 0);
}
END_TEST

START_TEST(the_split_gives_the_dearest_to_the_flat_plan)
{
    struct plan_book book = load(
        "{\"name\": \"t\", \"per_mtok\": {\"input\": \"1000\"}},"
        "{\"name\": \"flat\", \"subscription\": {\"price\": \"3\", \"period\": \"day\","
        " \"includes\": {\"requests\": 3, \"per\": \"day\"}, \"beyond\": \"reject\"}, \"limits\":"
        " {\"rpm\": 2, \"max_input_tokens\": 9000}}",
        NULL);
    /* thousands of tokens = dollars; the first three fall into the same minute */
    static const uint32_t dollars[] = {5, 6, 7, 9, 10, 2};
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 6; i++)
        testing_add(&w, (struct request){.timestamp_ns = (i < 3 ? i : 60 * i) * NS_PER_S,
                                         .input_tokens = dollars[i] * 1000});
    struct bill bill = testing_bill(&w, &book, (struct bill_options){0});
    ck_assert_uint_eq(bill.break_even_count, 1);
    const struct bill_split *s = bill.best_split;
    /* 10 is above the cap. One flat plan would take 9, 7 and 6 ($20 in all), two of it take 5 and 2
     * as well; a third has nothing to take. */
    ck_assert_uint_eq(s->subscriptions, 2);
    ck_assert_uint_eq(s->to_flat, 5);
    testing_money(s->moved_usage, "29", "moved");
    testing_money(s->least_moved, "2", "least");
    testing_money(s->token_usage, "10", "the rest");
    testing_money(s->flat, "6", "two flat plans, a day");
    testing_money(s->total, "16", "in cash");
    testing_money(s->saved, "23", "saved against the token plan alone");
    testing_money(s->below, "16", "no other split costs less");
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("what_if");
    TCase *tc = tcase_create("what_if");
    tcase_add_loop_test(tc, recorded_agents, 0, 2);
    tcase_add_test(tc, a_recorded_trajectory);
    tcase_add_loop_test(tc, caching_pays_by_the_token_and_not_by_the_request, 0, 2);
    tcase_add_test(tc, a_run_is_billed_with_all_its_attempts);
    tcase_add_test(tc, requests_that_never_ended_are_billed_by_their_last_attempt);
    tcase_add_test(tc, the_split_gives_the_dearest_to_the_flat_plan);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
