/* What goes between the processes of one run: records, assignments, clocks, rolls, allowances. */
#include "testing.h"

#include "bench/many/allowance.h"
#include "bench/many/assignment.h"
#include "bench/many/clock_offset.h"
#include "bench/many/record_pack.h"
#include "bench/many/roster.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "workloads/model/workload_pack.h"

#include <math.h>

START_TEST(whole_numbers_near_zero_take_few_bytes)
{
    const int64_t values[] = {0, 1, -1, 63, -64, 64, NS_PER_S, INT64_MAX, INT64_MIN};
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        pack_near(&b, values[i]);
        ck_assert(i > 4 || b.length == i + 1);
    }
    struct unpack u = unpack_of(&b);
    for (size_t i = 0; i < COUNT_OF(values); i++)
        ck_assert_int_eq(unpack_near(&u), values[i]);
    ck_assert(u.left == 0 && !u.broken);
    buffer_free(&b);
}
END_TEST

/* ---- records ---- */

static void fill_record(struct record *r, int64_t chunks[3], struct usage_extra *extra)
{
    record_init(r);
    r->request_id = "r1";
    r->session_id = "s";
    r->endpoint = "http://a/v1";
    r->model = "m";
    r->class_name = "rag";
    r->service = "batch";
    r->labels = "{\"team\":\"x\"}";
    r->row = 7;
    r->attempt = 2;
    r->final = true;
    for (int i = 0; i < RECORD_TIMES; i++)
        r->times_ns[i] = 1000000001 * (int64_t)(i + 1);
    r->status = RECORD_FAILED;
    r->failure = FAILURE_RESET;
    r->http_status = 200;
    r->finish_reason = "stop";
    r->message = "reset by peer";
    r->asked_input = 10;
    r->asked_output = 20;
    r->usage = usage_from_totals(100, 60, 10, 5, 30, 4);
    *extra = (struct usage_extra){"web_search", 2500000, 1};
    r->usage.extras = extra;
    r->usage.extra_count = 1;
    r->usage_from = USAGE_SERVER;
    r->streamed = true;
    r->chunks = 3;
    r->connects = 1;
    r->has_cost = true;
    r->cost = MONEY_USD / 7;
    r->odd = 5;
    chunks[0] = 5;
    chunks[1] = 5;
    chunks[2] = INT64_C(9000000000000000001);
    r->chunk_ns = chunks;
    r->text = "hi";
    r->raw_usage = "{\"a\":1}";
}

static void write_line(const struct record *r, struct buffer *out)
{
    buffer_init(out, BUFFER_UNBOUNDED);
    record_write_line(r, RECORD_CHUNKS | RECORD_TEXT | RECORD_RAW, out);
}

START_TEST(a_record_comes_out_as_it_went_in)
{
    int64_t chunks[3];
    struct usage_extra extra;
    struct record r, none, got;
    struct buffer bytes, sent, came;
    struct record_room room = {0};
    fill_record(&r, chunks, &extra);
    record_init(&none);
    none.request_id = "r2";
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    record_pack(&r, &bytes);
    record_pack(&none, &bytes);
    struct unpack u = unpack_of(&bytes);
    ck_assert(record_unpack(&u, &room, &got));
    write_line(&r, &sent);
    write_line(&got, &came);
    ck_assert_str_eq(sent.data, came.data);
    ck_assert_mem_eq(got.times_ns, r.times_ns, sizeof r.times_ns);
    ck_assert_mem_eq(got.chunk_ns, chunks, sizeof chunks);
    ck_assert_uint_eq(got.row, 7);
    ck_assert(record_unpack(&u, &room, &got));
    ck_assert_str_eq(got.request_id, "r2");
    ck_assert_ptr_null(got.chunk_ns);
    ck_assert_ptr_null(got.model);
    ck_assert_uint_eq(got.usage.extra_count, 0);
    ck_assert_uint_eq(u.left, 0);
    record_room_free(&room);
    buffer_free(&sent);
    buffer_free(&came);
    buffer_free(&bytes);
}
END_TEST

START_TEST(a_record_that_is_cut_short_is_none)
{
    int64_t chunks[3];
    struct usage_extra extra;
    struct record r, got;
    struct buffer bytes;
    struct record_room room = {0};
    fill_record(&r, chunks, &extra);
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    record_pack(&r, &bytes);
    for (size_t length = 0; length < bytes.length; length++) {
        char *piece = mem_copy_text(bytes.data, length);
        struct unpack u = {piece, length, false};
        ck_assert(!record_unpack(&u, &room, &got));
        free(piece);
    }
    record_room_free(&room);
    buffer_free(&bytes);
}
END_TEST

/* ---- assignments ---- */

static void fill_workload(struct workload *w)
{
    struct error err = {0};
    uint64_t hashes[] = {7, UINT64_MAX};
    uint32_t after[] = {0};
    struct image_size image = {640, 480};
    struct usage_extra extra = {"web_search", 2000000, 0};
    struct request r = {.attempts = 1, .request_id = "first-9", .input_tokens = 5};
    workload_init(w);
    w->name = mem_copy_string("own");
    ck_assert_int_eq(workload_add(w, &r, &err), 0);
    r = (struct request){.timestamp_ns = 1500,
                         .delay_ns = 12,
                         .input_tokens = 1000,
                         .output_tokens = 100,
                         .after = after,
                         .after_count = 1,
                         .hash_ids = hashes,
                         .hash_count = 2,
                         .block_size = 512,
                         .images = &image,
                         .image_count = 1,
                         .request_id = "other",
                         .session_id = "s",
                         .model = "m",
                         .class_name = "rag",
                         .labels = "{\"user\": \"u\"}",
                         .service = SERVICE_OTHER,
                         .other_service = "scale",
                         .initiator = INITIATOR_USER,
                         .priority = -3,
                         .messages = text_of("[]"),
                         .body = text_of("{}"),
                         .extra = text_of("\"x\": 1"),
                         .has_usage = true,
                         .usage = usage_from_totals(1000, 600, 100, 50, 100, 40),
                         .status = REQUEST_ABORTED,
                         .attempts = 3,
                         .has_cost = true,
                         .cost = MONEY_USD / 8,
                         .first_token_ns = 3,
                         .end_ns = 9,
                         .finish_reason = "stop",
                         .counted_as = "n"};
    r.usage.extras = &extra;
    r.usage.extra_count = 1;
    ck_assert_int_eq(workload_add(w, &r, &err), 0);
}

static void check_second_row(const struct workload *w)
{
    struct request q;
    workload_get(w, 1, &q);
    ck_assert_int_eq(q.timestamp_ns, 1500);
    ck_assert_int_eq(q.delay_ns, 12);
    ck_assert_uint_eq(q.input_tokens, 1000);
    ck_assert_uint_eq(q.after_count, 1);
    ck_assert(q.hash_ids[1] == UINT64_MAX);
    ck_assert_uint_eq(q.images[0].height, 480);
    ck_assert_str_eq(q.request_id, "other");
    ck_assert_str_eq(q.session_id, "s");
    ck_assert_str_eq(q.model, "m");
    ck_assert_str_eq(q.class_name, "rag");
    ck_assert_str_eq(q.labels, "{\"user\": \"u\"}");
    ck_assert_str_eq(request_service(&q), "scale");
    ck_assert_int_eq(q.initiator, INITIATOR_USER);
    ck_assert_int_eq(q.priority, -3);
    ck_assert(text_equal(q.messages, "[]") && text_equal(q.body, "{}"));
    ck_assert(text_equal(q.extra, "\"x\": 1"));
    ck_assert(q.usage.tokens[USAGE_CACHED_INPUT] == 600);
    ck_assert_str_eq(q.usage.extras[0].name, "web_search");
    ck_assert_int_eq(q.status, REQUEST_ABORTED);
    ck_assert_uint_eq(q.attempts, 3);
    ck_assert(q.has_cost && q.cost == MONEY_USD / 8);
    ck_assert_int_eq(q.end_ns, 9);
    ck_assert_str_eq(q.finish_reason, "stop");
    ck_assert_str_eq(q.counted_as, "n");
}

START_TEST(a_workload_comes_out_with_all_its_columns)
{
    struct workload w, copy;
    struct buffer bytes, again;
    struct error err = {0};
    fill_workload(&w);
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    buffer_init(&again, BUFFER_UNBOUNDED);
    workload_pack(&w, &bytes);
    struct unpack u = unpack_of(&bytes);
    workload_init(&copy);
    workload_unpack(&u, &copy);
    ck_assert(!u.broken);
    ck_assert_uint_eq(copy.count, 2);
    check_second_row(&copy);
    workload_pack(&copy, &again);
    ck_assert_uint_eq(again.length, bytes.length);
    /* It can grow as any other. */
    struct request r = {.attempts = 1, .request_id = "third", .timestamp_ns = 1};
    ck_assert_int_eq(workload_add(&copy, &r, &err), 0);
    check_second_row(&copy);
    workload_free(&copy);
    workload_free(&w);
    buffer_free(&bytes);
    buffer_free(&again);
}
END_TEST

START_TEST(a_workload_that_is_cut_short_is_none)
{
    struct workload w, copy;
    struct buffer bytes;
    fill_workload(&w);
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    workload_pack(&w, &bytes);
    for (size_t length = 0; length < bytes.length; length++) {
        char *piece = mem_copy_text(bytes.data, length);
        struct unpack u = {piece, length, false};
        workload_init(&copy);
        workload_unpack(&u, &copy);
        ck_assert(u.broken);
        ck_assert_uint_eq(copy.count, 0);
        workload_free(&copy);
        free(piece);
    }
    workload_free(&w);
    buffer_free(&bytes);
}
END_TEST

START_TEST(an_assignment_brings_what_was_read_and_learnt)
{
    static const char *const headers[] = {"X-Team: a", NULL}, *const secrets[] = {"word", NULL};
    static struct fidelity_probe probe = {
        .model = "m", .measured = true, .tokens_per_word = 1.5, .changes = "-stream_options "};
    struct endpoint_config e = {
        .url = "http://a/v1", .api_key = "k", .headers = headers, .secrets = secrets, .share = 2};
    struct stop_rules stops = {0};
    struct workload w;
    struct assignment a, got;
    struct buffer bytes;
    struct error err = {0};
    money most[2] = {MONEY_USD, 2 * MONEY_USD};
    fill_workload(&w);
    stop_rules_add(&stops, "failures>20", &err);
    a = (struct assignment){.probes = &probe,
                            .workload = &w,
                            .directory = "results/x",
                            .described = "{}",
                            .load = "open",
                            .most_by_row = most,
                            .detail = 3};
    bench_config_init(&a.config);
    a.config.endpoints = &e;
    a.config.endpoint_count = 1;
    a.config.stop_rules = &stops;
    a.config.api = &api_messages;
    ck_assert_int_eq(profile_parse("10:30s,+20,5:10s", &a.config.schedule.load, &err), 0);
    a.config.context = &a;
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    assignment_pack(&a, &bytes);
    ck_assert_int_eq(assignment_unpack(&bytes, &got), 0);
    const struct endpoint_config *came = &got.config.endpoints[0];
    ck_assert_str_eq(came->url, "http://a/v1");
    ck_assert_str_eq(came->api_key, "k");
    ck_assert_str_eq(came->headers[0], "X-Team: a");
    ck_assert_ptr_null(came->headers[1]);
    ck_assert_str_eq(came->secrets[0], "word");
    ck_assert_ptr_null(came->model);
    ck_assert_ptr_eq(got.config.api, &api_messages);
    ck_assert_ptr_null(got.config.context);
    ck_assert_uint_eq(got.config.schedule.load.count, a.config.schedule.load.count);
    ck_assert_uint_eq(got.config.schedule.load.stages[1].burst, 20);
    ck_assert_str_eq(got.config.stop_rules->items[0].text, "failures>20");
    ck_assert_str_eq(got.config.learnt[0].changes, "-stream_options ");
    ck_assert_double_eq(got.config.learnt[0].tokens_per_word, 1.5);
    ck_assert_str_eq(got.directory, "results/x");
    ck_assert(got.most_by_row[1] == 2 * MONEY_USD);
    check_second_row(got.workload);
    assignment_free(&got);
    profile_free(&a.config.schedule.load);
    workload_free(&w);
}
END_TEST

/* ---- clocks ---- */

START_TEST(the_shortest_round_trip_says_how_far_a_clock_is)
{
    struct clock_offset o = {0};
    const int64_t ahead_ns = -5 * NS_PER_S;
    /* Ways there and back, the one of the other's wait included: only the second is short. */
    const int64_t ways[][2] = {{900000, 100000}, {30000, 50000}, {10000, 4000000}};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        int64_t sent_ns = (int64_t)i * NS_PER_S;
        clock_offset_add(&o, sent_ns, sent_ns + ways[i][0] + ahead_ns,
                         sent_ns + ways[i][0] + ways[i][1]);
    }
    ck_assert_int_eq(o.error_ns, 40000);
    ck_assert_int_le(llabs(o.offset_ns - ahead_ns), o.error_ns);
    ck_assert_uint_eq(o.exchanges, 3);
}
END_TEST

START_TEST(a_drift_is_told_with_what_it_may_be_wrong_by)
{
    double error_ppm;
    struct clock_offset before = {.exchanges = 1, .offset_ns = 100, .error_ns = 2000},
                        after = {.exchanges = 1,
                                 .offset_ns = 20100,
                                 .error_ns = 3000,
                                 .at_ns = NS_PER_S},
                        none = {0};
    ck_assert_double_eq_tol(clock_drift_ppm(&before, &after, &error_ppm), 20, 1e-9);
    ck_assert_double_eq_tol(error_ppm, 5, 1e-9);
    ck_assert(isnan(clock_drift_ppm(&before, &none, &error_ppm)) && isnan(error_ppm));
}
END_TEST

/* ---- who is there ---- */

START_TEST(silence_is_said_once_and_a_return_too)
{
    struct roster r;
    uint32_t rank;
    roster_init(&r, 2, 0);
    roster_end(&r, 0);
    ck_assert_int_eq(roster_next(&r, ROSTER_SILENT_NS - 1, &rank), ROSTER_SAME);
    ck_assert_int_eq(roster_next(&r, ROSTER_SILENT_NS, &rank), ROSTER_SILENT);
    ck_assert_uint_eq(rank, 1);
    ck_assert_int_eq(roster_next(&r, ROSTER_SILENT_NS, &rank), ROSTER_SAME);
    ck_assert(roster_hear(&r, 1, 7 * NS_PER_S));
    ck_assert_int_eq(roster_next(&r, 7 * NS_PER_S, &rank), ROSTER_BACK);
    ck_assert_int_eq(r.of[1].silence_ns, 7 * NS_PER_S);
    ck_assert_int_eq(roster_next(&r, 7 * NS_PER_S, &rank), ROSTER_SAME);
    ck_assert(roster_working(&r));
    roster_end(&r, 1);
    ck_assert(!roster_working(&r));
    ck_assert_int_eq(roster_next(&r, 100 * NS_PER_S, &rank), ROSTER_SAME);
    roster_free(&r);
}
END_TEST

START_TEST(who_is_lost_is_waited_for_no_more_and_not_heard_again)
{
    struct roster r;
    uint32_t rank;
    roster_init(&r, 2, 0);
    roster_end(&r, 0);
    ck_assert_int_eq(roster_next(&r, ROSTER_LOST_NS, &rank), ROSTER_LOST);
    ck_assert(!roster_working(&r));
    ck_assert(!roster_hear(&r, 1, ROSTER_LOST_NS + 1));
    roster_begin(&r, 20 * NS_PER_S);
    ck_assert(!roster_hear(&r, 1, 21 * NS_PER_S));
    roster_free(&r);
}
END_TEST

/* ---- money ---- */

START_TEST(an_allowance_admits_no_more_than_was_granted)
{
    const money most[] = {3, 5};
    struct allowance a;
    allowance_init(&a, most, 2);
    ck_assert(!allowance_admit(&a, 0));
    allowance_add(&a, 10);
    ck_assert(!allowance_low(&a));
    ck_assert(allowance_admit(&a, 1) && !allowance_low(&a)); /* 5 are left: the dearest one */
    ck_assert(allowance_admit(&a, 0) && allowance_low(&a));
    ck_assert(!allowance_admit(&a, 0));
    allowance_add(&a, 4);
    ck_assert(!allowance_low(&a));
    ck_assert(allowance_admit(&a, 1) && allowance_low(&a));
    ck_assert(allowance_close(&a) == 1);
    ck_assert(!allowance_admit(&a, 0));
    allowance_free(&a);
}
END_TEST

START_TEST(without_prices_there_is_no_limit)
{
    struct allowance a;
    allowance_init(&a, NULL, 0);
    ck_assert(allowance_admit(&a, 12) && !allowance_low(&a));
    allowance_free(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("many");
    TCase *t = tcase_create("many");
    tcase_add_test(t, whole_numbers_near_zero_take_few_bytes);
    tcase_add_test(t, a_record_comes_out_as_it_went_in);
    tcase_add_test(t, a_record_that_is_cut_short_is_none);
    tcase_add_test(t, a_workload_comes_out_with_all_its_columns);
    tcase_add_test(t, a_workload_that_is_cut_short_is_none);
    tcase_add_test(t, an_assignment_brings_what_was_read_and_learnt);
    tcase_add_test(t, the_shortest_round_trip_says_how_far_a_clock_is);
    tcase_add_test(t, a_drift_is_told_with_what_it_may_be_wrong_by);
    tcase_add_test(t, silence_is_said_once_and_a_return_too);
    tcase_add_test(t, who_is_lost_is_waited_for_no_more_and_not_heard_again);
    tcase_add_test(t, an_allowance_admits_no_more_than_was_granted);
    tcase_add_test(t, without_prices_there_is_no_limit);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
