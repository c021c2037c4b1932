/* Two runs compared, from their files: pairing, windows, what counts as worse, and what is said. */
#include "core/memory.h"
#include "core/random.h"
#include "core/runs/compare/run_diff.h"
#include "made_run.h"
#include "testing.h"

#include <math.h>
#include <string.h>

static struct run_diff diff;

static void make_fail(struct record *r)
{
    r->status = RECORD_FAILED;
    r->failure = FAILURE_SERVER;
}

static int diff_with(const struct made *before, const struct made *after,
                     const struct run_diff_options *options, struct error *err)
{
    make_run(before);
    make_run(after);
    char *a = path_of(before->name), *b = path_of(after->name);
    const char *const paths[2] = {a, b};
    ck_assert_int_eq(run_diff_make(&diff, paths, options, NULL), 0);
    free(a);
    free(b);
    return run_diff_judge(&diff, err);
}

/* The same, judged by these figures alone; "" ends them. */
static int compare_by(const struct made *before, const struct made *after, const char *const *gate,
                      struct error *err)
{
    struct run_diff_options options = {.tolerance = 5, .share_tolerance = 1};
    for (; **gate; gate++)
        ck_assert_int_eq(gate_parse(*gate, &options.gate, NULL), 0);
    return diff_with(before, after, &options, err);
}

static const struct diff_judged *judged(const char *name)
{
    for (size_t i = 0; i < diff.judged_count; i++)
        if (strcmp(diff.judged[i].figure.name, name) == 0)
            return &diff.judged[i];
    return NULL;
}

static int compare_made(const struct made *before, const struct made *after)
{
    static const struct run_diff_options options = {.tolerance = 5, .share_tolerance = 1};
    return diff_with(before, after, &options, NULL);
}

static const struct diff_row *row_of(const char *key, double what)
{
    for (size_t i = 0; i < diff.count; i++)
        if (strcmp(diff.rows[i].key, key) == 0 && diff.rows[i].comparison.what == what)
            return &diff.rows[i];
    return NULL;
}

static bool says(const char *words)
{
    for (size_t i = 0; i < diff.note_count; i++)
        if (strstr(diff.notes[i], words))
            return true;
    return false;
}

static bool any_finding(void)
{
    for (size_t i = 0; i < diff.count; i++)
        if (diff.rows[i].finding)
            return true;
    return false;
}

static void fail_six_of_ten(struct record *r, size_t i, struct random *random)
{
    (void)i;
    if (random_unit(random) < 0.6)
        make_fail(r);
}

START_TEST(failures_are_worse_however_fast_the_rest_is)
{
    struct made before = {"a", NULL, 1000, 1, NULL}, after = {"b", NULL, 1000, 2, fail_six_of_ten};
    struct error err = {0};
    const struct run_diff_options options = {.tolerance = 5, .share_tolerance = 1};
    ck_assert_int_eq(diff_with(&before, &after, &options, &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "failed went from 0.0 % to"));
    const struct diff_row *failed = row_of("failed_fraction", COMPARE_SHARE);
    ck_assert(failed->finding && failed->regression);
    ck_assert_double_eq_tol(failed->comparison.change, 0.6, 0.05);
    ck_assert(!row_of("e2e_scheduled_ms", COMPARE_MEAN)->finding);
    ck_assert(row_of("request_throughput_rps", COMPARE_RATE)->finding); /* and is not judged */
    ck_assert(diff.paired && diff.alone[0] > 500 && diff.alone[1] == 0);
    ck_assert(says("completed in one run only"));
    ck_assert_int_eq(compare_made(&after, &before), 0); /* better is no failure of a gate */
    ck_assert(row_of("failed_fraction", COMPARE_SHARE)->finding);
}
END_TEST

static void fail_one(struct record *r, size_t i, size_t which)
{
    if (i == which)
        make_fail(r);
}

static void fail_third(struct record *r, size_t i, struct random *random)
{
    (void)random;
    fail_one(r, i, 3);
}

static void fail_last(struct record *r, size_t i, struct random *random)
{
    (void)random;
    fail_one(r, i, 990);
}

static void own_ids(struct record *r, size_t i, struct random *random)
{
    static char id[32];
    (void)random;
    snprintf(id, sizeof id, "other-%zu", i);
    r->request_id = id;
    fail_last(r, i, random);
}

/* Equal counts with different failures: by position among the completed all of them would be
 * shifted by one. The same answers in both: pairs that are pairs have no difference at all. */
START_TEST(pairs_are_of_the_same_request)
{
    struct made before = {"a", NULL, 1000, 1, fail_third}, after = {"b", NULL, 1000, 1, fail_last};
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(compare_made(&before, &after), 0);
        ck_assert(diff.paired);
        ck_assert_uint_eq(diff.pairs, 1000);
        ck_assert(diff.alone[0] == 1 && diff.alone[1] == 1);
        ck_assert(row_of("e2e_scheduled_ms", COMPARE_MEAN)->comparison.settled);
        ck_assert(row_of("output_tokens", COMPARE_MEAN)->comparison.settled);
        ck_assert_double_eq(row_of("failed_fraction", COMPARE_SHARE)->comparison.change, 0);
        after.change = own_ids; /* by place in the schedule, then */
    }
    after.requests = 960; /* ended sooner: what both hold is compared */
    after.change = NULL;
    ck_assert_int_eq(compare_made(&before, &after), 0);
    ck_assert(diff.paired && diff.pairs == 960);
    ck_assert(says("960 requests are compared"));
}
END_TEST

static void other_lengths(struct record *r, size_t i, struct random *random)
{
    (void)i;
    r->asked_input += (uint32_t)(1000 * random_unit(random));
}

START_TEST(other_requests_are_not_paired)
{
    struct made before = {"a", NULL, 1000, 1, NULL}, after = {"b", NULL, 1000, 3, other_lengths};
    compare_made(&before, &after);
    ck_assert(!diff.paired && diff.pairs == 0);
    ck_assert(says("independent samples"));
    ck_assert(!row_of("e2e_scheduled_ms", COMPARE_MEAN)->finding);
}
END_TEST

static void slow_start(struct record *r, size_t i, struct random *random)
{
    (void)random;
    if (i < 300) {
        r->first_token_ns = r->first_output_ns += 100 * MS;
        r->last_token_ns = r->done_ns += 100 * MS;
    }
}

START_TEST(a_warm_up_stays_out)
{
    struct made before = {"a", NULL, 1000, 1, NULL}, after = {"b", NULL, 1000, 2, slow_start};
    compare_made(&before, &after);
    ck_assert(row_of("ttft_scheduled_ms", COMPARE_MEAN)->comparison.change > 1);
    after.summary = "\"load\": \"open\", \"warmup_s\": 30}";
    ck_assert_int_eq(compare_made(&before, &after), 0);
    ck_assert_double_lt(fabs(row_of("ttft_scheduled_ms", COMPARE_MEAN)->comparison.change), 0.02);
    ck_assert_uint_eq(diff.requests[1], 700);
    ck_assert_uint_eq(diff.pairs, 700); /* also where only one of the runs left them out */
    ck_assert(says("after: the warm-up of 30 s is left out"));
}
END_TEST

static void late_sometimes(struct record *r, size_t i, struct random *random)
{
    (void)i;
    if (random_unit(random) < 0.2) {
        r->first_token_ns = r->first_output_ns += 50 * MS;
        r->last_token_ns = r->done_ns += 50 * MS;
    }
}

START_TEST(goodput_is_of_the_same_objectives)
{
    const char *half = "\"load\": \"open\", \"slo\": {\"ttft_ms\": 50}}";
    struct made before = {"a", half, 1000, 1, NULL}, after = {"b", half, 1000, 2, late_sometimes};
    const char *const gate[] = {"goodput>1pp", ""};
    ck_assert_int_eq(compare_by(&before, &after, gate, NULL), ERR_WORK);
    const struct diff_row *good = row_of("goodput_fraction", COMPARE_SHARE);
    ck_assert(good->regression && good->comparison.before == 1);
    ck_assert_double_eq_tol(good->comparison.change, -0.2, 0.05);
    after.summary = NULL;
    compare_made(&before, &after);
    good = row_of("goodput_fraction", COMPARE_SHARE);
    ck_assert(!good->comparison.supported && good->comparison.why);
    ck_assert(isnan(good->comparison.p_adjusted));
    before.summary = NULL;
    compare_made(&before, &after);
    ck_assert_ptr_null(row_of("goodput_fraction", COMPARE_SHARE));
    struct run_diff_options given = {.tolerance = 1000, .share_tolerance = 1};
    ck_assert_int_eq(slo_parse("ttft=50", &given.slos, NULL), 0);
    ck_assert_int_eq(gate_parse("goodput>1pp", &given.gate, NULL), 0);
    ck_assert_int_eq(diff_with(&before, &after, &given, NULL), ERR_WORK);
    ck_assert(row_of("goodput_fraction", COMPARE_SHARE)->regression);
    given.gate.figures[0].allowed = 0.4;
    ck_assert_int_eq(diff_with(&before, &after, &given, NULL), 0);
    ck_assert(row_of("goodput_fraction", COMPARE_SHARE)->finding);
}
END_TEST

static void die_late(struct record *r, size_t i, struct random *random)
{
    (void)random;
    if (i >= 850)
        make_fail(r);
}

START_TEST(an_endpoint_that_dies_is_worse_without_being_a_rate)
{
    struct made before = {"a", NULL, 1000, 1, NULL}, after = {"b", NULL, 1000, 2, die_late};
    ck_assert_int_eq(compare_made(&before, &after), ERR_WORK);
    const struct diff_row *failed = row_of("failed_fraction", COMPARE_SHARE);
    ck_assert(failed->regression && !failed->finding);
    ck_assert(says("in one stretch"));
}
END_TEST

static void everything_fails(struct record *r, size_t i, struct random *random)
{
    (void)i, (void)random;
    make_fail(r);
}

START_TEST(runs_without_a_latency_in_common)
{
    struct made before = {"a", NULL, 50, 1, NULL}, after = {"b", NULL, 50, 2, everything_fails};
    struct error err = {0};
    const struct run_diff_options options = {.tolerance = 5, .share_tolerance = 1};
    ck_assert_int_eq(diff_with(&before, &after, &options, &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "failed went from 0.0 % to 100.0 %"));
    ck_assert_str_eq(row_of("e2e_scheduled_ms", COMPARE_MEAN)->comparison.why,
                     "only the first run has it");
    err = (struct error){0};
    before.change = everything_fails;
    ck_assert_int_eq(diff_with(&before, &after, &options, &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "no latency in common"));
}
END_TEST

/* A closed loop: due when a slot opened, sent a second later. */
static void wait_for_slot(struct record *r, size_t i, struct random *random)
{
    (void)i, (void)random;
    r->scheduled_ns = r->scheduled_ns > 1000 * MS ? r->scheduled_ns - 1000 * MS : 0;
}

START_TEST(closed_loops_lead_with_the_sending)
{
    const char *closed = "\"load\": \"closed\"}";
    struct made before = {"a", closed, 500, 1, wait_for_slot}, after = before;
    after.name = "b";
    after.seed = 2;
    compare_made(&before, &after);
    ck_assert_ptr_nonnull(row_of("e2e_scheduled_ms", COMPARE_MEAN));
    ck_assert(row_of("e2e_ms", COMPARE_MEAN) < row_of("e2e_scheduled_ms", COMPARE_MEAN));
    ck_assert_ptr_null(row_of("offered_rps", COMPARE_RATE)); /* nothing is offered to it */
    before.summary = NULL;
    compare_made(&before, &after);
    ck_assert(row_of("e2e_scheduled_ms", COMPARE_MEAN) < row_of("e2e_ms", COMPARE_MEAN));
    ck_assert(says("one run is a closed loop"));
    before = (struct made){"a", NULL, 500, 1, NULL}, after = (struct made){"b", NULL, 500, 2, NULL};
    compare_made(&before, &after); /* sent when due: it would say the same twice */
    ck_assert_ptr_null(row_of("e2e_ms", COMPARE_MEAN));
}
END_TEST

static void half_as_often(struct record *r, size_t i, struct random *random)
{
    (void)random;
    int64_t later = (int64_t)i * 100 * MS;
    r->scheduled_ns += later, r->ready_ns += later, r->sent_ns += later;
    r->first_token_ns += later, r->first_output_ns += later, r->last_token_ns += later;
    r->done_ns += later;
}

START_TEST(throughput_follows_the_load)
{
    struct made before = {"a", NULL, 1000, 1, NULL}, after = {"b", NULL, 1000, 2, half_as_often};
    ck_assert_int_eq(compare_made(&before, &after), 0);
    const struct diff_row *rate = row_of("request_throughput_rps", COMPARE_RATE);
    ck_assert(rate->finding && !rate->regression && rate->better == DIFF_NEITHER);
    ck_assert_double_eq_tol(rate->comparison.before, 10, 0.1);
    ck_assert_double_eq_tol(rate->comparison.after, 5, 0.1);
    ck_assert_double_eq_tol(row_of("output_throughput_tps", COMPARE_RATE)->comparison.after, 110,
                            2);
    ck_assert(says("the load itself differs"));
}
END_TEST

static void cost_a_cent(struct record *r, size_t i, struct random *random)
{
    (void)i, (void)random;
    r->has_cost = true;
    r->cost = MONEY_USD / 100;
}

static void cost_more_for_longer(struct record *r, size_t i, struct random *random)
{
    cost_a_cent(r, i, random);
    r->cost += MONEY_USD / 1000 * (money)(i % 3);
    r->usage = usage_from_totals(r->asked_input, 0, 0, 0, r->asked_output + 3, 0);
}

START_TEST(cost_and_tokens)
{
    struct made before = {"a", NULL, 500, 1, cost_a_cent};
    struct made after = {"b", NULL, 500, 1, cost_more_for_longer};
    const char *const gate[] = {"cost>5%", ""};
    ck_assert_int_eq(compare_by(&before, &after, gate, NULL), ERR_WORK);
    const struct diff_row *cost = row_of("cost_usd", COMPARE_MEAN);
    ck_assert(cost->regression);
    ck_assert_double_eq_tol(cost->comparison.change, 0.1, 0.001);
    const struct diff_row *output = row_of("output_tokens", COMPARE_MEAN);
    ck_assert(output->finding && !output->regression); /* longer is neither better nor worse */
    ck_assert(says("differ in length"));
    after.change = NULL;
    compare_made(&before, &after);
    ck_assert_str_eq(row_of("cost_usd", COMPARE_MEAN)->comparison.why, "only the first run has it");
}
END_TEST

static void fail_in_stretches(struct record *r, size_t i, struct random *random)
{
    static bool failing;
    failing = i > 0 && failing ? random_unit(random) < 0.9 : random_unit(random) < 0.005;
    if (failing)
        make_fail(r);
}

START_TEST(equal_runs_that_fail_stay_without_finding)
{
    int of = getenv("FAREBOX_LONG_TESTS") ? 200 : 20, found = 0, worse = 0;
    for (int pair = 0; pair < of; pair++) {
        struct made before = {"a", NULL, 1000, (uint64_t)(2 * pair + 1), fail_in_stretches};
        struct made after = {"b", NULL, 1000, (uint64_t)(2 * pair + 2), fail_in_stretches};
        worse += compare_made(&before, &after) < 0;
        found += any_finding();
    }
    printf("equal runs with 5%% failures in stretches: a finding in %d, worse in %d of %d\n", found,
           worse, of);
    ck_assert_int_le(found, of == 200 ? 18 : of / 8);
    ck_assert_int_le(worse, of == 200 ? 18 : of / 8);
}
END_TEST

/* 15 first tokens of 600 that come after 400 ms, here and there. */
static void late_here_and_there(struct record *r, size_t i, struct random *random)
{
    (void)random;
    if (i % 40 == 7) {
        r->first_token_ns += 380 * MS;
        r->first_output_ns += 380 * MS;
        r->last_token_ns = r->done_ns += 380 * MS;
    }
}

START_TEST(a_longer_tail_fails)
{
    struct made before = {"a", NULL, 600, 1, NULL};
    struct made after = {"b", NULL, 600, 2, late_here_and_there};
    const struct run_diff_options options = {.tolerance = 10, .share_tolerance = 1};
    struct error err = {0};
    ck_assert_int_eq(diff_with(&before, &after, &options, &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "TTFT, scheduled p99 is"));
    ck_assert_int_eq(judged("ttft_scheduled_p99")->verdict, DIFF_FAIL);
    ck_assert_int_eq(judged("ttft_scheduled_p50")->verdict, DIFF_PASS);
    ck_assert_int_eq(run_diff_verdict(&diff), DIFF_FAIL);
    const struct diff_row *row = row_of("ttft_scheduled_ms", 0.99);
    ck_assert(row->finding && row->regression);
    ck_assert_int_eq(diff_with(&after, &before, &options, NULL), 0); /* better passes */
}
END_TEST

/* A tenth of a run in which answers take a tenth longer: too little to tell. */
static void shaky(struct record *r, size_t i, struct random *random)
{
    double longer = 1 + 0.5 * random_unit(random);
    if (i % 50 < 25)
        longer = 1;
    r->last_token_ns = r->done_ns =
        r->first_token_ns + (int64_t)((double)(r->last_token_ns - r->first_token_ns) * longer);
}

START_TEST(what_is_undecided_says_what_would_decide)
{
    struct made before = {"a", NULL, 100, 1, shaky}, after = {"b", NULL, 100, 2, shaky};
    struct run_diff_options options = {.tolerance = 1, .share_tolerance = 1};
    struct error err = {0};
    ck_assert_int_eq(diff_with(&before, &after, &options, NULL), 0);
    ck_assert_int_eq(run_diff_verdict(&diff), DIFF_UNDECIDED);
    const struct diff_judged *e2e = judged("e2e_scheduled_mean");
    const struct comparison *c = &row_of("e2e_scheduled_ms", COMPARE_MEAN)->comparison;
    ck_assert_int_eq(e2e->verdict, DIFF_UNDECIDED);
    ck_assert_double_eq(e2e->limit, c->high);
    double ratio = (c->high - c->low) / 2 / (c->change - 0.01);
    ck_assert_uint_eq(e2e->would_decide, (uint64_t)ceil(100 * ratio * ratio));
    ck_assert_uint_gt(e2e->would_decide, 100);
    const struct diff_judged *p99 = judged("e2e_scheduled_p99");
    ck_assert(p99->verdict == DIFF_UNDECIDED && p99->at_least && p99->would_decide == 1000);
    options.undecided_fails = true;
    ck_assert_int_eq(diff_with(&before, &after, &options, &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "UNDECIDED"));
}
END_TEST

START_TEST(only_what_is_asked_for_is_judged)
{
    struct made before = {"a", NULL, 1000, 1, NULL}, after = {"b", NULL, 1000, 2, late_sometimes};
    const char *const tpot[] = {"tpot_mean>1%", "failed>0.5pp", ""};
    const char *const p90[] = {"ttft_p90>10%", ""}, *const absent[] = {"cost>1%", ""};
    ck_assert_int_eq(compare_by(&before, &after, tpot, NULL), 0);
    ck_assert_uint_eq(diff.judged_count, 2);
    ck_assert_int_eq(run_diff_verdict(&diff), DIFF_PASS);
    ck_assert(row_of("ttft_scheduled_ms", COMPARE_MEAN)->finding);
    ck_assert_int_eq(compare_by(&before, &after, p90, NULL), ERR_WORK);
    ck_assert_ptr_nonnull(row_of("ttft_ms", 0.9));
    ck_assert_int_eq(compare_by(&before, &after, absent, NULL), 0);
    ck_assert_int_eq(judged("cost")->verdict, DIFF_UNDECIDED);
    ck_assert_str_eq(judged("cost")->why, "neither run has it");
}
END_TEST

START_TEST(limits_are_in_the_units_of_their_figures)
{
    static const struct {
        const char *text, *unit, *reads;
        double allowed;
        bool least;
    } limits[] = {
        {"ttft_p99>500ms", "ms", "500 ms", 500, false},
        {"e2e_p50>1.5s", "ms", "1,500 ms", 1500, false},
        {"failed > 1 %", "share", "1 %", 0.01, false},
        {"goodput<95%", "share", "95 %", 0.95, true},
        {"output_throughput_tps<1200", "per_second", "1,200 /s", 1200, true},
        {"cost>$0.01", "usd", "$0.01", 0.01, false},
        {"ttft_p99>10%", "ms", "", 0.1, false}, /* and the same figure against what was before */
    };
    struct gate gate = {0};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        char reads[GATE_VALUE_SIZE];
        ck_assert_int_eq(gate_parse(limits[i].text, &gate, NULL), 0);
        const struct gate_figure *f = &gate.figures[i];
        ck_assert_double_eq_tol(f->allowed, limits[i].allowed, 1e-12);
        ck_assert(f->absolute == (*limits[i].reads != '\0') && f->least == limits[i].least);
        ck_assert_str_eq(gate_unit(f), limits[i].unit);
        gate_format_value(f, f->allowed, reads);
        if (f->absolute)
            ck_assert_str_eq(reads, limits[i].reads);
    }
    ck_assert(gate_compares(&gate));
    ck_assert_int_eq(gate_parse("ttft_p99>1s", &gate, NULL), ERR_INPUT); /* twice */
}
END_TEST

/* Median 21 ms, p99 near 22 ms of 1,000 requests; nothing failed. */
START_TEST(a_run_is_held_against_limits)
{
    struct made run = {"a", NULL, 1000, 1, NULL}, slow = {"b", NULL, 1000, 2, late_sometimes};
    const char *const kept[] = {"ttft_p50>22ms", "ttft_p99>23ms", "failed>1%", ""};
    const char *const passed[] = {"ttft_p50>20ms", ""};
    char near[64];
    ck_assert_int_eq(compare_by(&slow, &run, kept, NULL), 0); /* whatever was before */
    ck_assert_int_eq(run_diff_verdict(&diff), DIFF_PASS);
    ck_assert_double_eq_tol(judged("ttft_p50")->value, 21, 0.2);
    ck_assert(judged("ttft_p50")->low < 21.2 && judged("ttft_p50")->high < 22);
    snprintf(near, sizeof near, "ttft_p50>%.4fms", judged("ttft_p50")->value);
    struct error err = {0};
    ck_assert_int_eq(compare_by(&run, &run, passed, &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "ttft_p50 is 2"));
    ck_assert_ptr_nonnull(strstr(err.message, "above the limit of 20.0 ms"));
    ck_assert_int_eq(compare_by(&run, &run, (const char *const[]){near, ""}, NULL), 0);
    ck_assert_int_eq(judged("ttft_p50")->verdict, DIFF_UNDECIDED);
    ck_assert_int_eq(compare_by(&run, &slow, kept, NULL), ERR_WORK); /* its p99 is 71 ms */
    ck_assert_int_eq(judged("ttft_p99")->verdict, DIFF_FAIL);
    ck_assert_int_eq(judged("failed")->verdict, DIFF_PASS);
}
END_TEST

/* 300 requests, none beyond: p99 may still lie there (0.99^300 = 4.9 %). */
START_TEST(a_run_too_short_for_its_limit_is_undecided)
{
    struct made run = {"a", NULL, 300, 1, NULL};
    const char *const far[] = {"ttft_p99>50ms", ""};
    ck_assert_int_eq(compare_by(&run, &run, far, NULL), 0);
    ck_assert_int_eq(judged("ttft_p99")->verdict, DIFF_UNDECIDED);
    ck_assert_uint_eq(judged("ttft_p99")->would_decide, 368);
    run.requests = 1000;
    ck_assert_int_eq(compare_by(&run, &run, far, NULL), 0);
    ck_assert_int_eq(judged("ttft_p99")->verdict, DIFF_PASS);
}
END_TEST

START_TEST(gates_that_are_none)
{
    static const char *const wrong[] = {
        "ttft_p99",      "ttft_p99>10",    "failed>1",      "e2e_p42>1%",
        "tpot_mean>5pp", "ttft_p99>-1%",   "ttft_p99>nan%", ">1%",
        "ttft>5%",       "ttft_p99<500ms", "goodput>95%",   "ttft_p99>500MB",
        "cost>5ms",      "failed<1%",      "ttft_p99<10%",  "request_throughput_rps>10",
        "ttft_p99>-5ms", "failed>500ms",   "cost<$1",
    };
    struct gate gate = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(gate_parse(wrong[i], &gate, NULL), ERR_INPUT);
    ck_assert_uint_eq(gate.count, 0);
    ck_assert_int_eq(gate_parse("e2e_p999 > 2.5 %", &gate, NULL), 0);
    ck_assert_int_eq(gate_parse("failed>0.5pt", &gate, NULL), 0);
    ck_assert_double_eq_tol(gate.figures[0].allowed, 0.025, 1e-15);
    ck_assert(gate.figures[1].points && gate_has(&gate, "e2e_ms", 0.999));
    ck_assert_int_eq(gate_parse("failed_fraction>1pp", &gate, NULL), ERR_INPUT); /* twice */
}
END_TEST

int main(void)
{
    if (!mkdtemp(scratch))
        return EXIT_FAILURE;
    Suite *suite = suite_create("run_diff");
    TCase *tests = tcase_create("run_diff");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, failures_are_worse_however_fast_the_rest_is);
    tcase_add_test(tests, pairs_are_of_the_same_request);
    tcase_add_test(tests, other_requests_are_not_paired);
    tcase_add_test(tests, a_warm_up_stays_out);
    tcase_add_test(tests, goodput_is_of_the_same_objectives);
    tcase_add_test(tests, an_endpoint_that_dies_is_worse_without_being_a_rate);
    tcase_add_test(tests, runs_without_a_latency_in_common);
    tcase_add_test(tests, closed_loops_lead_with_the_sending);
    tcase_add_test(tests, throughput_follows_the_load);
    tcase_add_test(tests, cost_and_tokens);
    tcase_add_test(tests, a_longer_tail_fails);
    tcase_add_test(tests, what_is_undecided_says_what_would_decide);
    tcase_add_test(tests, only_what_is_asked_for_is_judged);
    tcase_add_test(tests, limits_are_in_the_units_of_their_figures);
    tcase_add_test(tests, a_run_is_held_against_limits);
    tcase_add_test(tests, a_run_too_short_for_its_limit_is_undecided);
    tcase_add_test(tests, gates_that_are_none);
    tcase_add_test(tests, equal_runs_that_fail_stay_without_finding);
    int status = testing_run(suite);
    testing_remove(scratch);
    return status;
}
