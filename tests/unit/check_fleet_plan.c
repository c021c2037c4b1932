/* What a fleet's options mean, how a demand is cut, and that a plan holds when it is replayed. */
#include "core/clock.h"
#include "core/memory.h"
#include "sim/fleet/fleet_plan.h"
#include "tests/unit/testing_workload.h"

#include <string.h>

#define HOUR (3600 * NS_PER_S)
#define ENGINE "rtx4090-llama-3.1-8b-tp1"

static void add_offer(struct fleet_terms *terms, const char *text)
{
    struct error err = {0};
    ck_assert_msg(fleet_offer_parse(text, terms, &err) == 0, "%s", err.message);
}

static void refuse_offer(const char *text, const char *why)
{
    struct fleet_terms terms = {0};
    struct error err = {0};
    ck_assert_int_eq(fleet_offer_parse(text, &terms, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, why), "%s: %s", text, err.message);
    fleet_terms_free(&terms);
}

START_TEST(an_offer_is_read_with_its_price_of_a_replica_or_of_its_gpus)
{
    struct fleet_terms terms = {0};
    money unit;
    add_offer(&terms, "h200-llama-3.3-70b-fp8-tp4=3.50/gpu-h,unit:30m,start:90s");
    add_offer(&terms, "h200-llama-3.3-70b-fp8-tp4=6/h,spot,most:3");
    ck_assert(terms.offers[0].hour == 14 * MONEY_USD);
    ck_assert_int_eq(terms.offers[0].start_ns, 90 * NS_PER_S);
    ck_assert_int_eq(fleet_offer_unit_usd(&terms.offers[0], &unit), 0);
    ck_assert(unit == 7 * MONEY_USD);
    ck_assert_str_eq(terms.offers[1].name, "h200-llama-3.3-70b-fp8-tp4:spot");
    ck_assert(terms.offers[1].spot && terms.offers[1].most == 3);
    ck_assert_int_eq(terms.offers[1].unit_ns, HOUR);
    fleet_terms_free(&terms);
}
END_TEST

START_TEST(an_offer_that_is_wrong_says_what_would_be_right)
{
    refuse_offer(ENGINE, "expected ENGINE=USD/h");
    refuse_offer(ENGINE "=cheap/h", "expected USD");
    refuse_offer(ENGINE "=2", "14/h");
    refuse_offer(ENGINE "=-1/h", "expected USD");
    refuse_offer(ENGINE "=1/h,unit:0s", "unit:1h");
    refuse_offer(ENGINE "=1/h,start:2d", "a day at most");
    refuse_offer(ENGINE "=1/h,most:0", "most:N");
    refuse_offer(ENGINE "=1/h,fast", "none of its terms");
    refuse_offer("constant=1/h", "constant times");
    refuse_offer("rtx4090-llama-3.1-8b-tp=1/h", "rtx4090-llama-3.1-8b-tp1");
}
END_TEST

START_TEST(commitments_are_to_offers_that_are_not_spot)
{
    struct fleet_terms terms = {0};
    struct error err = {0};
    money usd;
    add_offer(&terms, ENGINE "=2/h,spot");
    ck_assert_int_eq(fleet_commitment_parse(ENGINE "=30%", &terms, &err), ERR_INPUT);
    add_offer(&terms, ENGINE "=2/h");
    err = (struct error){0};
    ck_assert_int_eq(fleet_commitment_parse(ENGINE "=37.5%,term:7d,most:2", &terms, &err), 0);
    ck_assert_uint_eq(terms.commitments[0].offer, 1);
    ck_assert_int_eq(fleet_commitment_usd(&terms, &terms.commitments[0], 24 * HOUR, &usd), 0);
    ck_assert(usd == 30 * MONEY_USD);
    ck_assert_int_eq(fleet_commitment_parse(ENGINE "=130%", &terms, &err), ERR_INPUT);
    fleet_terms_free(&terms);
}
END_TEST

START_TEST(interruptions_are_times_with_or_without_a_number)
{
    struct fleet_terms terms = {0};
    struct error err = {0};
    ck_assert_int_eq(fleet_interruption_parse("2h-4h:1,9h-10h", &terms, &err), 0);
    ck_assert_uint_eq(terms.interruptions[0].count, 2);
    ck_assert_uint_eq(terms.interruptions[0].spans[0].replicas, 1);
    ck_assert_uint_eq(terms.interruptions[0].spans[1].replicas, UINT32_MAX);
    ck_assert_int_eq(fleet_interruption_parse("4h-2h", &terms, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "2h-4h:1"));
}
END_TEST

/* ---- a workload whose hours differ ---- */

/* `hours` with so many requests each, evenly; of the last hour the prompts are long. */
static void fill_hours(struct workload *w, const uint64_t *requests, size_t hours)
{
    workload_init(w);
    for (size_t t = 0; t < hours; t++)
        for (uint64_t i = 0; i < requests[t]; i++)
            workload_add_plain(w, (int64_t)t * HOUR + (int64_t)(i * (uint64_t)HOUR / requests[t]),
                               t + 1 < hours ? 200 : 400, 50);
}

START_TEST(a_demand_is_cut_into_slots_and_grouped_by_what_they_ask)
{
    struct workload w;
    struct fleet_demand d;
    struct fleet_mixes mixes;
    struct error err = {0};
    fill_hours(&w, (uint64_t[]){100, 0, 300, 60}, 4);
    ck_assert_int_eq(fleet_demand_make(&w, HOUR, &d, &err), 0);
    ck_assert_uint_eq(d.slot_count, 4);
    ck_assert_uint_eq(d.slots[0].demand, 100);
    ck_assert_uint_eq(d.slots[1].demand, 0);
    ck_assert_uint_eq(d.slots[3].demand, 60);
    fleet_mixes_make(&d, 3, &mixes);
    ck_assert_uint_eq(mixes.count, 2);
    ck_assert_uint_eq(d.mix[0], d.mix[2]);
    ck_assert_uint_ne(d.mix[0], d.mix[3]);
    ck_assert_uint_eq(mixes.requests[d.mix[3]], 60);
    fleet_demand_free(&d);
    workload_free(&w);
}
END_TEST

/* ---- a plan ---- */

struct market {
    struct fleet_terms terms;
    struct slo_list slos;
    struct workload w;
    struct fleet_options o;
    struct fleet_plan p;
};

static void plan_hours(struct market *m, const uint64_t *requests, size_t hours)
{
    struct error err = {0};
    memset(m, 0, sizeof *m);
    add_offer(&m->terms, ENGINE "=1/h,unit:1h,start:5m");
    ck_assert_int_eq(slo_parse("ttft=1s", &m->slos, &err), 0);
    ck_assert_int_eq(slo_parse("tpot=20ms", &m->slos, &err), 0);
    fill_hours(&m->w, requests, hours);
    m->o = (struct fleet_options){.terms = &m->terms,
                                  .slos = &m->slos,
                                  .goodput = 0.99,
                                  .horizon = &m->w,
                                  .slot_ns = HOUR,
                                  .mixes = 3,
                                  .seed = 1,
                                  .seeds = 2,
                                  .requests = 300};
    ck_assert_msg(fleet_plan_make(&m->o, &m->p, &err) == 0, "%s", err.message);
}

static void market_free(struct market *m)
{
    fleet_plan_free(&m->p);
    workload_free(&m->w);
    fleet_terms_free(&m->terms);
}

START_TEST(a_busy_hour_has_more_replicas_and_its_requests_meet_the_objectives)
{
    struct market m;
    plan_hours(&m, (uint64_t[]){2000, 60000, 2000, 1000}, 4);
    const struct fleet_plan *p = &m.p;
    ck_assert_uint_eq(fleet_plan_replicas(p, 0, 0), 1);
    ck_assert_uint_gt(fleet_plan_replicas(p, 1, 0), 1);
    ck_assert_uint_eq(p->whole.missed_hours, 0);
    ck_assert_uint_eq(p->replay.due, m.w.count);
    ck_assert_uint_eq(p->whole.unserved, 0);
    /* Each replica's cold start begins one more unit than its hours. */
    ck_assert_uint_eq(p->course.units[0], p->course.replica_slots + p->course.starts[0]);
    ck_assert(p->whole.cash == (money)p->course.units[0] * MONEY_USD);
    market_free(&m);
}
END_TEST

START_TEST(looser_objectives_never_cost_more_and_the_plan_is_the_middle_of_the_curve)
{
    struct market m;
    plan_hours(&m, (uint64_t[]){2000, 60000, 1000}, 3);
    for (size_t i = 1; i < FLEET_CURVE; i++)
        if (m.p.curve[i - 1].possible)
            ck_assert(m.p.curve[i].possible && m.p.curve[i].cash <= m.p.curve[i - 1].cash);
    ck_assert(m.p.curve[2].scale == 1);
    if (m.p.rounds == 1)
        ck_assert(m.p.curve[2].cash == m.p.course.cash);
    market_free(&m);
}
END_TEST

START_TEST(of_two_days_the_second_judges_the_first)
{
    struct market m;
    uint64_t requests[48];
    for (size_t t = 0; t < 48; t++)
        requests[t] = t % 24 == 12 ? 20000 : 100;
    requests[47] = 60; /* long prompts */
    plan_hours(&m, requests, 48);
    const struct fleet_figure *all = m.p.figures;
    ck_assert(m.p.has_held_out && !m.p.drawn);
    ck_assert_uint_eq(m.p.held_from, 24);
    for (size_t way = 0; way < FLEET_WAYS; way++) {
        ck_assert(all[way].known && all[way].cash > 0);
        ck_assert_uint_eq(all[way].due, 23 * 100 + 20000 - 40);
    }
    /* The same hours again: the schedule of the first day is that of the second. */
    ck_assert(all[FLEET_LAST].cash == all[FLEET_FORESIGHT].cash);
    market_free(&m);
}
END_TEST

START_TEST(a_demand_of_one_day_has_nothing_held_out)
{
    struct market m;
    plan_hours(&m, (uint64_t[]){500, 800, 300}, 3);
    ck_assert(!m.p.has_held_out);
    market_free(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fleet plan");
    TCase *tests = tcase_create("fleet plan");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_offer_is_read_with_its_price_of_a_replica_or_of_its_gpus);
    tcase_add_test(tests, an_offer_that_is_wrong_says_what_would_be_right);
    tcase_add_test(tests, commitments_are_to_offers_that_are_not_spot);
    tcase_add_test(tests, interruptions_are_times_with_or_without_a_number);
    tcase_add_test(tests, a_demand_is_cut_into_slots_and_grouped_by_what_they_ask);
    tcase_add_test(tests, a_busy_hour_has_more_replicas_and_its_requests_meet_the_objectives);
    tcase_add_test(tests,
                   looser_objectives_never_cost_more_and_the_plan_is_the_middle_of_the_curve);
    tcase_add_test(tests, of_two_days_the_second_judges_the_first);
    tcase_add_test(tests, a_demand_of_one_day_has_nothing_held_out);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
