/* Sweeps and the search for the highest rate, over an endpoint whose limits are known: what is
 * concluded where the client was the limit, how requests are counted, and what a resumed sweep
 * takes from the one before. */
#include "cli/report/text/load_text.h"
#include "core/memory.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* An endpoint that holds up to one rate, asked by a client that keeps up to another. */
struct world {
    double capacity_rps, client_rps;
    int stalls; /* so many runs are spoiled, whatever the rate */
    bool too_short, resume;
    size_t budget, interrupt; /* runs until the cost budget is used up, until Ctrl-C; 0 = never */
    uint64_t max_requests;
    size_t runs;
};

static char directory[64];

static int run(void *context, struct load_run *r, struct error *err)
{
    struct world *w = context;
    bool limited = r->load > w->client_rps || w->stalls-- > 0, held = r->load <= w->capacity_rps;
    w->runs++;
    r->over_budget = w->budget > 0 && w->runs > w->budget;
    r->measured = !r->over_budget;
    r->point = (struct load_point){.load = r->load,
                                   .scheduled = 400,
                                   .failed = 1,
                                   .cancelled = 7,
                                   .unsent = 2,
                                   .request_rps = held ? r->load : w->capacity_rps,
                                   .goodput = held ? 1 : 0.5,
                                   .e2e_mean = 2,
                                   .in_flight = (held ? r->load : w->capacity_rps) * 2 / 1e3,
                                   .served = held ? 1 : 0.5,
                                   .sustained = w->too_short ? SUSTAINED_UNCLEAR : SUSTAINED_YES,
                                   .client_limited = limited};
    if (limited)
        strcpy(r->point.client_reason, "send lag p99 is 48 ms");
    return w->runs == w->interrupt ? error_set(err, ERR_INTERRUPTED, "interrupted") : 0;
}

/* What a person would read, and the JSON. */
struct seen {
    char *text, *json;
    size_t points;
};

static struct slo_list slos = {.count = 1};

static struct load_series series_of(struct world *w)
{
    return (struct load_series){.command = "bench",
                                .directory = directory,
                                .force = !w->resume,
                                .target = {&slos, 0.99},
                                .run = run,
                                .context = w};
}

static void make_directory(void)
{
    snprintf(directory, sizeof directory, "/tmp/check_sweep.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static struct seen sweep_over_values(struct world *w, const char *values, int expect)
{
    struct sweep s = {.series = series_of(w), .resume = w->resume};
    struct buffer text, json;
    struct json_writer writer;
    struct error err = {0};
    ck_assert_int_eq(sweep_parse(values, &s.values, &err), 0);
    int status = sweep_run(&s, &err);
    ck_assert_msg(status == expect, "%s", err.message);
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_init(&json, BUFFER_UNBOUNDED);
    json_write_init(&writer, &json, 2);
    sweep_write_text(&s, 100, &text);
    sweep_write_json(&s, &writer);
    struct seen seen = {buffer_take(&text), buffer_take(&json), s.series.count};
    sweep_end(&s);
    return seen;
}

static struct seen carry_out(struct world *w, const char *values, int expect)
{
    struct find_max f = {
        .series = series_of(w), .start_rps = 4, .requests = 400, .max_requests = w->max_requests};
    struct buffer text, json;
    struct json_writer writer;
    struct error err = {0};
    make_directory();
    if (values)
        return sweep_over_values(w, values, expect);
    int status = find_max_run(&f, &err);
    status = status < 0 ? status : find_max_status(&f, &err);
    ck_assert_msg(status == expect, "%s", err.message);
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_init(&json, BUFFER_UNBOUNDED);
    json_write_init(&writer, &json, 2);
    find_max_write_text(&f, 100, &text);
    find_max_write_json(&f, &writer);
    struct seen seen = {buffer_take(&text), buffer_take(&json), f.series.count};
    load_series_end(&f.series);
    return seen;
}

static void forget(struct seen *s)
{
    free(s->text);
    free(s->json);
    ck_assert_int_eq(testing_remove(directory), 0);
}

static void expect(const char *text, const char *words, bool there)
{
    ck_assert_msg((strstr(text, words) != NULL) == there, "%s: %s in\n%s",
                  there ? "missing" : "not expected", words, text);
}

START_TEST(a_capacity_that_the_client_saw_is_printed_plain)
{
    struct world w = {.capacity_rps = 20, .client_rps = 1000};
    struct seen s = carry_out(&w, NULL, 0);
    expect(s.text, "and no longer at", true);
    expect(s.text, "the client was the limit", false);
    expect(s.json, "\"rate_is\": \"measured\"", true);
    expect(s.json, "\"client_limited_at_rps\": null", true);
    forget(&s);
}
END_TEST

/* The endpoint holds far more than the client can send: what was found is a lower bound. */
START_TEST(a_capacity_beyond_the_client_is_called_a_lower_bound)
{
    struct world w = {.capacity_rps = 500, .client_rps = 20};
    struct seen s = carry_out(&w, NULL, 0);
    expect(s.text, "holds at least at", true);
    expect(s.text, "no longer at", false);
    expect(s.text, "send lag p99 is 48 ms", true);
    expect(s.text, "✗ the client was the limit", true);
    expect(s.json, "\"rate_is\": \"at_least\"", true);
    expect(s.json, "\"fails_at_rps\": null", true);
    expect(s.json, "\"client_reason\": \"send lag p99 is 48 ms\"", true);
    const char *rate = strstr(s.json, "\"rate_rps\":");
    double found = strtod(rate + strlen("\"rate_rps\":"), NULL);
    ck_assert_double_le(found, 20);
    ck_assert_double_gt(found, 18);
    forget(&s);
}
END_TEST

START_TEST(a_client_that_was_always_the_limit_knows_no_capacity)
{
    struct world w = {.capacity_rps = 500, .client_rps = 0};
    struct seen s = carry_out(&w, NULL, ERR_WORK);
    expect(s.text, "What the endpoint can do is not known.", true);
    expect(s.text, "holds at", false);
    expect(s.json, "\"rate_is\": \"unknown\"", true);
    expect(s.json, "\"rate_rps\": null", true);
    forget(&s);
}
END_TEST

START_TEST(a_probe_that_a_stall_spoiled_is_made_once_more)
{
    struct world w = {.capacity_rps = 20, .client_rps = 1000, .stalls = 1};
    struct seen s = carry_out(&w, NULL, 0);
    expect(s.text, "and no longer at", true);
    expect(s.json, "\"rate_is\": \"measured\"", true);
    expect(s.json, "\"client_limited_at_rps\": null", true);
    expect(s.json, "\"client_limited\": true", true);
    forget(&s);
}
END_TEST

START_TEST(a_knee_under_the_clients_limit_is_a_lower_bound)
{
    struct world w = {.capacity_rps = 500, .client_rps = 20};
    struct seen s = carry_out(&w, "rate=5,10,40,80", 0);
    expect(s.text, "<- at least", true);
    expect(s.text, "<- knee", false);
    expect(s.text, "✗ At 2 of 4 points the client was the limit: send lag p99 is 48 ms.", true);
    expect(s.text, "its knee is at least 10", true);
    expect(s.json, "\"knee\": 10", true);
    expect(s.json, "\"knee_is\": \"at_least\"", true);
    forget(&s);
    w = (struct world){.capacity_rps = 12, .client_rps = 20};
    s = carry_out(&w, "rate=5,10,15,80", 0);
    expect(s.text, "10.0 ", true);
    expect(s.text, "<- knee", true);
    expect(s.text, "✗ the client was the limit", true);
    expect(s.json, "\"knee_is\": \"measured\"", true);
    forget(&s);
    w.client_rps = 0;
    s = carry_out(&w, "rate=5,10", 0);
    expect(s.text, "<-", false);
    expect(s.json, "\"knee_is\": \"unknown\"", true);
    forget(&s);
}
END_TEST

/* One number for each kind, in text and JSON of both. */
START_TEST(cancelled_requests_have_their_column)
{
    struct world w = {.capacity_rps = 20, .client_rps = 1000};
    for (int i = 0; i < 2; i++) {
        struct seen s = carry_out(&w, i ? "rate=5,10" : NULL, 0);
        expect(s.text, "cancelled", true);
        expect(s.text, "unsent", true);
        expect(s.json, "\"failed\": 1,", true);
        expect(s.json, "\"cancelled\": 7,", true);
        expect(s.json, "\"unsent\": 2,", true);
        forget(&s);
    }
}
END_TEST

START_TEST(values_are_parsed_ascending_and_each_once)
{
    struct sweep_values v;
    struct error err = {0};
    ck_assert_int_eq(sweep_parse("rate=4,1,2,2", &v, &err), 0);
    ck_assert(v.is_rate && !v.adaptive);
    ck_assert_uint_eq(v.count, 3);
    ck_assert_double_eq(v.values[0], 1);
    ck_assert_double_eq(v.values[2], 4);
    ck_assert_int_eq(sweep_parse("concurrency=1..64:log:7", &v, &err), 0);
    ck_assert(!v.is_rate);
    for (size_t i = 0; i < 7; i++)
        ck_assert_double_eq(v.values[i], 1 << i);
    ck_assert_int_eq(sweep_parse("rate=1..2:lin:3", &v, &err), 0);
    ck_assert_double_eq(v.values[1], 1.5);
    ck_assert_int_eq(sweep_parse("rate=adaptive", &v, &err), 0);
    ck_assert(v.adaptive);
}
END_TEST

START_TEST(values_that_make_no_sense_are_refused)
{
    static const char *const bad[] = {
        "rate",      "speed=1",         "rate=",           "rate=0",           "rate=1,-2",
        "rate=1..2", "rate=2..1:lin:3", "rate=1..2:lin:1", "rate=1..2:lin:65", "rate=x"};
    struct sweep_values v;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        ck_assert_msg(sweep_parse(bad[i], &v, &err) == ERR_INPUT, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.message, bad[i]));
    }
}
END_TEST

/* Doubles up to the first load that no longer gains a tenth, then looks at 35 and 71 % of it. */
START_TEST(an_adaptive_sweep_ends_where_throughput_no_longer_follows)
{
    struct world w = {.capacity_rps = 20, .client_rps = 1000};
    struct seen s = carry_out(&w, "rate=adaptive", 0);
    ck_assert_uint_eq(s.points, 9); /* 1, 2, 4, 8, 16, 32, 64 and two between */
    expect(s.json, "\"value\": 22.4,", true);
    expect(s.json, "\"value\": 45.44,", true);
    expect(s.json, "\"knee\": 16", true);
    forget(&s);
    w = (struct world){.capacity_rps = 0.1, .client_rps = 1000};
    s = carry_out(&w, "rate=adaptive", 0);
    expect(s.json, "\"value\": 0.125,", true);
    expect(s.json, "\"value\": 0.0625,", false);
    forget(&s);
}
END_TEST

START_TEST(an_interrupted_sweep_goes_on_where_it_was)
{
    struct world w = {.capacity_rps = 12, .client_rps = 1000, .interrupt = 3};
    struct seen s = carry_out(&w, "rate=5,10,15,20", ERR_INTERRUPTED);
    ck_assert_uint_eq(s.points, 2);
    free(s.text);
    free(s.json);
    w.interrupt = 0;
    w.resume = true;
    s = sweep_over_values(&w, "rate=5,10,15,20", 0);
    ck_assert_uint_eq(w.runs, 5);
    struct world anew = {.capacity_rps = 12, .client_rps = 1000};
    char kept[sizeof directory];
    memcpy(kept, directory, sizeof kept);
    struct seen whole = carry_out(&anew, "rate=5,10,15,20", 0);
    ck_assert_str_eq(s.text, whole.text);
    ck_assert_str_eq(s.json, whole.json);
    forget(&whole);
    memcpy(directory, kept, sizeof kept);
    forget(&s);
}
END_TEST

START_TEST(another_sweep_is_not_gone_on_with)
{
    struct world w = {.capacity_rps = 12, .client_rps = 1000};
    struct seen s = carry_out(&w, "rate=5,10", 0);
    struct sweep other = {.series = series_of(&w), .resume = true};
    struct error err = {0};
    other.series.force = false;
    ck_assert_int_eq(sweep_parse("rate=5,11", &other.values, &err), 0);
    ck_assert_int_eq(sweep_run(&other, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "is of another sweep"));
    sweep_end(&other);
    ck_assert_uint_eq(w.runs, 2);
    forget(&s);
}
END_TEST

START_TEST(a_used_up_budget_ends_a_sweep_and_keeps_what_is_done)
{
    struct world w = {.capacity_rps = 12, .client_rps = 1000, .budget = 2};
    struct seen s = carry_out(&w, "rate=5,10,15", ERR_WORK);
    ck_assert_uint_eq(s.points, 2);
    forget(&s);
    w.runs = 0;
    s = carry_out(&w, NULL, ERR_WORK);
    expect(s.text, "Not narrower: --max-cost was used up", true);
    forget(&s);
}
END_TEST

START_TEST(a_search_stays_within_its_requests)
{
    struct world w = {.capacity_rps = 20, .client_rps = 1000, .max_requests = 1030};
    struct seen s = carry_out(&w, NULL, 0); /* 400, 400, 230, and then none */
    ck_assert_uint_eq(s.points, 3);
    expect(s.text, "Not narrower: --max-requests was used up", true);
    forget(&s);
}
END_TEST

START_TEST(runs_too_short_to_tell_hold_nothing)
{
    struct world w = {.capacity_rps = 20, .client_rps = 1000, .too_short = true};
    struct seen s = carry_out(&w, NULL, ERR_WORK);
    ck_assert_uint_eq(s.points, FIND_MAX_PROBES);
    expect(s.json, "\"rate_is\": \"unknown\"", true);
    expect(s.text, "too short to tell", true);
    forget(&s);
}
END_TEST

/* A line of the log holds every figure; one that is torn is none. */
START_TEST(a_point_is_read_back_as_it_was)
{
    struct load_point p = {.load = 0.3333,
                           .request_rps = 0.1,
                           .e2e_mean = 7,
                           .served = NAN,
                           .growth = NAN,
                           .sustained = SUSTAINED_NO,
                           .client_limited = 1,
                           .client_reason = "a \"reason\""},
                      back;
    struct buffer line;
    struct json_writer w;
    buffer_init(&line, BUFFER_UNBOUNDED);
    json_write_init(&w, &line, 0);
    load_point_write(&p, LOAD_IN_LOG, &w);
    struct text text = {line.data, line.length};
    ck_assert(load_point_read(text, false, &back));
    ck_assert_double_eq(back.load, p.load);
    ck_assert_double_eq(back.in_flight, 0.1 * 7 / 1e3);
    ck_assert(isnan(back.served));
    ck_assert_double_eq(back.sustained, SUSTAINED_NO);
    ck_assert_str_eq(back.client_reason, p.client_reason);
    for (text.length = 0; text.length < line.length; text.length++)
        ck_assert(!load_point_read(text, false, &back));
    buffer_free(&line);
}
END_TEST

/* ---- the search itself ---- */

struct limit {
    double holds_to, guess;
    size_t count, again, stop_after;
    double tried[64];
};

static int measure(void *context, double *load, struct load_answer *answer, struct error *err)
{
    struct limit *l = context;
    if (l->stop_after && l->count == l->stop_after) {
        answer->stop = true;
        return 0;
    }
    l->tried[l->count++] = *load;
    answer->again = l->again > 0;
    l->again -= answer->again;
    answer->holds = *load <= l->holds_to;
    answer->guess = l->guess > 0 ? l->guess : NAN;
    return l->holds_to < 0 ? error_set(err, ERR_WORK, "broken") : 0;
}

static struct load_search search(struct limit *l, double factor, int expect)
{
    struct load_search s = {.start = 4,
                            .factor = factor,
                            .narrow = 1.04,
                            .least = 0.01,
                            .most = 1e4,
                            .measure = measure,
                            .context = l};
    struct error err = {0};
    ck_assert_int_eq(load_search_run(&s, &err), expect);
    return s;
}

START_TEST(the_bracket_widens_and_is_halved)
{
    struct limit l = {.holds_to = 50};
    struct load_search s = search(&l, 4, 0);
    ck_assert_double_eq(l.tried[1], 16);
    ck_assert_double_eq(l.tried[2], 64);
    ck_assert_double_eq(l.tried[3], 32);
    ck_assert_double_le(s.low, 50);
    ck_assert_double_gt(s.high, 50);
    ck_assert_double_le(s.high / s.low, 1.04);
    l = (struct limit){.holds_to = 1};
    s = search(&l, 1.1, 0); /* squared until it passes 2 */
    ck_assert_double_eq(l.tried[1], 4 / 1.1);
    ck_assert_double_eq_tol(l.tried[2], 4 / 1.1 / 1.21, 1e-12);
    ck_assert(s.low <= 1 && s.high > 1);
}
END_TEST

START_TEST(bounds_budgets_and_errors_end_a_search)
{
    struct limit l = {.holds_to = 1e9};
    struct load_search s = search(&l, 4, 0);
    ck_assert(isinf(s.high) && s.low <= 1e4 && s.low > 2500);
    l = (struct limit){.holds_to = 1e-9};
    s = search(&l, 4, 0);
    ck_assert(s.low == 0 && s.high >= 0.01);
    l = (struct limit){.holds_to = 50, .stop_after = 2};
    s = search(&l, 4, 0);
    ck_assert(s.low == 16 && isinf(s.high));
    l = (struct limit){.holds_to = -1};
    search(&l, 4, ERR_WORK);
}
END_TEST

START_TEST(guesses_and_repeats_are_heeded)
{
    struct limit l = {.holds_to = 50, .again = 1};
    search(&l, 4, 0);
    ck_assert_double_eq(l.tried[0], l.tried[1]);
    l = (struct limit){.holds_to = 1, .guess = 0.99};
    struct load_search s = search(&l, 4, 0);
    ck_assert_double_eq(l.tried[1], 0.99); /* inside the bracket, so it is tried */
    ck_assert_double_gt(s.high, 1);
    l = (struct limit){.holds_to = 1, .guess = 100}; /* above: not heeded */
    search(&l, 4, 0);
    ck_assert_double_eq(l.tried[1], 1);
}
END_TEST

START_TEST(what_is_known_is_not_measured_again)
{
    struct limit l = {.holds_to = 5};
    struct load_search s = {
        .low = 4, .high = 6, .narrow = 1.04, .factor = 2, .measure = measure, .context = &l};
    struct error err = {0};
    ck_assert_int_eq(load_search_run(&s, &err), 0);
    ck_assert_double_eq_tol(l.tried[0], sqrt(24), 1e-12);
    ck_assert(s.low <= 5 && s.high > 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep");
    TCase *t = tcase_create("sweep");
    struct error err = {0};
    slos.count = 0;
    if (slo_parse("ttft=500", &slos, &err) < 0)
        return EXIT_FAILURE;
    tcase_add_test(t, a_capacity_that_the_client_saw_is_printed_plain);
    tcase_add_test(t, a_capacity_beyond_the_client_is_called_a_lower_bound);
    tcase_add_test(t, a_client_that_was_always_the_limit_knows_no_capacity);
    tcase_add_test(t, a_probe_that_a_stall_spoiled_is_made_once_more);
    tcase_add_test(t, a_knee_under_the_clients_limit_is_a_lower_bound);
    tcase_add_test(t, cancelled_requests_have_their_column);
    tcase_add_test(t, values_are_parsed_ascending_and_each_once);
    tcase_add_test(t, values_that_make_no_sense_are_refused);
    tcase_add_test(t, an_adaptive_sweep_ends_where_throughput_no_longer_follows);
    tcase_add_test(t, an_interrupted_sweep_goes_on_where_it_was);
    tcase_add_test(t, another_sweep_is_not_gone_on_with);
    tcase_add_test(t, a_used_up_budget_ends_a_sweep_and_keeps_what_is_done);
    tcase_add_test(t, a_search_stays_within_its_requests);
    tcase_add_test(t, runs_too_short_to_tell_hold_nothing);
    tcase_add_test(t, a_point_is_read_back_as_it_was);
    tcase_add_test(t, the_bracket_widens_and_is_halved);
    tcase_add_test(t, bounds_budgets_and_errors_end_a_search);
    tcase_add_test(t, guesses_and_repeats_are_heeded);
    tcase_add_test(t, what_is_known_is_not_measured_again);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
