/* The course of a fleet: by hand, and equal to trying everything. */
#include "core/clock.h"
#include "core/memory.h"
#include "core/random.h"
#include "sim/fleet/course.h"
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#define HOUR (3600 * NS_PER_S)
#define MOST_SLOTS 4
#define MOST_REPLICAS 3
#define PROFILES 256 /* of 4 slots with up to 3 replicas each */
#define CASES 200

/* A problem that owns what it points to. */
struct market {
    struct course_offer offers[2];
    struct course_commitment commitments[2];
    struct course_slot slots[24];
    uint64_t capacity[48];
    uint32_t lost[2 * 24], least[48];
    struct course_problem p;
};

static void market_init(struct market *m, size_t offers, size_t slots)
{
    memset(m, 0, sizeof *m);
    m->p = (struct course_problem){.offers = m->offers,
                                   .commitments = m->commitments,
                                   .slots = m->slots,
                                   .offer_count = offers,
                                   .slot_count = slots,
                                   .slot_ns = HOUR,
                                   .capacity_micro = m->capacity};
    for (size_t o = 0; o < offers; o++)
        m->offers[o] = (struct course_offer){MONEY_USD, HOUR, 0, false, 3};
    for (size_t i = 0; i < slots * offers; i++)
        m->capacity[i] = 100 * (uint64_t)COURSE_MICRO;
}

static void set_demands(struct market *m, const uint64_t *demand, money each)
{
    for (size_t t = 0; t < m->p.slot_count; t++)
        m->slots[t] = (struct course_slot){demand[t], each * (money)demand[t]};
}

/* ---- trying everything ---- */

/* What one replica that runs in these slots is paid. */
static uint64_t units_of(const struct course_offer *o, unsigned mask, size_t slots, int64_t slot_ns)
{
    uint64_t units = 0;
    for (size_t t = 0; t < slots;) {
        int64_t run = 0;
        for (; t < slots && (mask >> t & 1); t++)
            run++;
        if (run > 0)
            units += (uint64_t)((o->start_ns + run * slot_ns + o->unit_ns - 1) / o->unit_ns);
        t++;
    }
    return units;
}

/* Of each number of replicas by slot, base 4 with the first slot highest: the least that replicas
 * which come and go one by one can cost. */
static void price_profiles(const struct course_problem *p, size_t o, money cash[PROFILES])
{
    unsigned masks = 1u << p->slot_count;
    for (size_t i = 0; i < PROFILES; i++)
        cash[i] = MONEY_MAX;
    for (unsigned a = 0; a < masks; a++)
        for (unsigned b = a; b < masks; b++)
            for (unsigned c = b; c < masks; c++) {
                const unsigned all[MOST_REPLICAS] = {a, b, c};
                size_t number = 0;
                bool within = true;
                uint64_t units = 0;
                for (size_t k = 0; k < MOST_REPLICAS; k++)
                    units += units_of(&p->offers[o], all[k], p->slot_count, p->slot_ns);
                for (size_t t = 0; t < p->slot_count; t++) {
                    uint32_t n = (a >> t & 1) + (b >> t & 1) + (c >> t & 1);
                    within = within && n <= p->offers[o].most;
                    number = number * 4 + n;
                }
                money usd = p->offers[o].unit_usd * (money)units;
                if (within && usd < cash[number])
                    cash[number] = usd;
            }
}

struct tried {
    money cash; /* over all scenarios */
    uint64_t spilled, slots;
    uint32_t committed[2], replicas[2 * MOST_SLOTS];
};

static bool is_better(const struct tried *a, const struct tried *b, size_t numbers)
{
    if (a->cash != b->cash)
        return a->cash < b->cash;
    if (a->spilled != b->spilled)
        return a->spilled < b->spilled;
    if (a->slots != b->slots)
        return a->slots < b->slots;
    for (size_t i = 0; i < 2; i++)
        if (a->committed[i] != b->committed[i])
            return a->committed[i] < b->committed[i];
    for (size_t i = 0; i < numbers; i++)
        if (a->replicas[i] != b->replicas[i])
            return a->replicas[i] < b->replicas[i];
    return false;
}

static uint64_t lacks_slowly(const struct course_problem *p, const struct tried *x, size_t t,
                             size_t s)
{
    money serves = 0;
    for (size_t o = 0; o < p->offer_count; o++) {
        uint32_t n = x->replicas[t * p->offer_count + o];
        uint32_t lost = p->lost && p->offers[o].spot ? p->lost[s * p->slot_count + t] : 0;
        n = lost > n ? 0 : n - lost;
        for (size_t c = 0; c < p->commitment_count; c++)
            if (p->commitments[c].offer == o)
                n += x->committed[c];
        serves += (money)n * (money)p->capacity_micro[t * p->offer_count + o];
    }
    serves /= COURSE_MICRO;
    return serves >= (money)p->slots[t].demand ? 0 : p->slots[t].demand - (uint64_t)serves;
}

/* Adds what does not find room; false where it must. */
static bool add_spill(const struct course_problem *p, struct tried *x)
{
    for (size_t t = 0; t < p->slot_count; t++)
        for (size_t s = 0; s < (p->lost ? p->scenario_count : 1); s++) {
            uint64_t lacks = lacks_slowly(p, x, t, s);
            money usd = 0;
            if (lacks == 0)
                continue;
            if (!p->can_spill)
                return false;
            money_prorate(p->slots[t].spill_usd, lacks, p->slots[t].demand, &usd);
            x->cash += usd;
            x->spilled += lacks;
        }
    return true;
}

static void unfold(const struct course_problem *p, const size_t *number, struct tried *x)
{
    x->slots = 0;
    for (size_t o = 0; o < p->offer_count; o++) {
        size_t rest = number[o];
        for (size_t t = p->slot_count; t-- > 0; rest /= 4) {
            x->replicas[t * p->offer_count + o] = rest % 4;
            x->slots += rest % 4;
        }
    }
}

static bool try_everything(const struct course_problem *p, struct tried *best)
{
    static money cash[2][PROFILES];
    money scenarios = p->lost ? (money)p->scenario_count : 1;
    bool found = false;
    for (size_t o = 0; o < p->offer_count; o++)
        price_profiles(p, o, cash[o]);
    uint32_t most[2] = {p->commitment_count > 0 ? p->commitments[0].most : 0,
                        p->commitment_count > 1 ? p->commitments[1].most : 0};
    for (size_t i = 0; i < PROFILES; i++)
        for (size_t j = 0; j < (p->offer_count > 1 ? PROFILES : 1); j++)
            for (uint32_t c = 0; c <= most[0]; c++)
                for (uint32_t d = 0; d <= most[1]; d++) {
                    struct tried x = {.committed = {c, d}};
                    if (cash[0][i] == MONEY_MAX || (p->offer_count > 1 && cash[1][j] == MONEY_MAX))
                        continue;
                    unfold(p, (size_t[]){i, j}, &x);
                    x.cash = cash[0][i] + (p->offer_count > 1 ? cash[1][j] : 0);
                    x.cash += p->commitments[0].cash * (money)c + p->commitments[1].cash * (money)d;
                    x.cash *= scenarios;
                    if (!add_spill(p, &x) ||
                        (found && !is_better(&x, best, p->slot_count * p->offer_count)))
                        continue;
                    *best = x;
                    found = true;
                }
    return found;
}

/* ---- small markets at random ---- */

/* Round numbers, so that many courses cost the same. */
static void draw_market(struct market *m, struct random *r)
{
    static const int64_t units[] = {1, 15, 30, 45, 60, 90, 120, 180, 240};
    static const int64_t starts[] = {0, 0, 5, 15, 30, 60, 75};
    market_init(m, 1 + random_below(r, 2), 1 + random_below(r, MOST_SLOTS));
    struct course_problem *p = &m->p;
    p->commitment_count = random_below(r, 3);
    p->can_spill = random_below(r, 3) > 0;
    for (size_t o = 0; o < p->offer_count; o++) {
        int64_t unit = units[random_below(r, COUNT_OF(units))];
        m->offers[o] = (struct course_offer){
            .unit_usd = MONEY_USD * (money)unit * (money)(1 + random_below(r, 3)) / 60,
            .unit_ns = unit * 60 * NS_PER_S,
            .start_ns = starts[random_below(r, COUNT_OF(starts))] * 60 * NS_PER_S,
            .spot = random_below(r, 3) == 0,
            .most = 1 + (uint32_t)random_below(r, MOST_REPLICAS)};
    }
    for (size_t c = 0; c < p->commitment_count; c++)
        m->commitments[c] = (struct course_commitment){random_below(r, p->offer_count),
                                                       MONEY_USD * (money)p->slot_count *
                                                           (money)(1 + random_below(r, 4)) / 2,
                                                       1 + (uint32_t)random_below(r, 2)};
    for (size_t t = 0; t < p->slot_count; t++) {
        uint64_t demand = 50 * random_below(r, 8);
        m->slots[t] =
            (struct course_slot){demand, MONEY_USD / 100 * (money)(demand * random_below(r, 4))};
    }
    for (size_t i = 0; i < p->slot_count * p->offer_count; i++)
        m->capacity[i] = 50 * (1 + random_below(r, 3)) * (uint64_t)COURSE_MICRO;
    if (random_below(r, 2) == 0)
        return;
    p->lost = m->lost;
    p->scenario_count = 2;
    for (size_t i = p->slot_count; i < 2 * p->slot_count; i++)
        m->lost[i] = (uint32_t)random_below(r, 3);
}

static void compare_course(const struct course_problem *p, const struct course *c,
                           const struct tried *x)
{
    money scenarios = p->lost ? (money)p->scenario_count : 1, mean;
    money fixed = (c->units_usd + c->commitments_usd) * scenarios;
    money_prorate(x->cash - fixed, 1, (uint64_t)scenarios, &mean);
    ck_assert(mean == c->spill_usd);
    ck_assert(c->cash == c->units_usd + c->commitments_usd + c->spill_usd);
    ck_assert_uint_eq(c->spilled_sum, x->spilled);
    ck_assert_uint_eq(c->replica_slots, x->slots);
    for (size_t i = 0; i < p->commitment_count; i++)
        ck_assert_uint_eq(c->committed[i], x->committed[i]);
    for (size_t i = 0; i < p->slot_count * p->offer_count; i++)
        ck_assert_uint_eq(c->replicas[i], x->replicas[i]);
}

START_TEST(small_markets_give_what_trying_everything_gives_ties_too)
{
    struct random r;
    size_t served = 0;
    random_init(&r, 20, RANDOM_TEST, 0);
    for (size_t i = 0; i < CASES; i++) {
        struct market m;
        struct tried best = {0};
        struct course c;
        struct error err = {0};
        draw_market(&m, &r);
        bool found = try_everything(&m.p, &best);
        int status = course_find(&m.p, &c, &err);
        ck_assert_msg(found == (status == 0), "case %zu: %s", i, err.message);
        if (!found) {
            ck_assert_int_eq(err.code, ERR_WORK);
            continue;
        }
        compare_course(&m.p, &c, &best);
        course_free(&c);
        served++;
    }
    ck_assert_uint_ge(served, CASES / 2);
    ck_assert_uint_lt(served, CASES);
}
END_TEST

/* ---- by hand ---- */

START_TEST(a_replica_stays_over_a_gap_that_its_unit_outlasts)
{
    struct market m;
    struct course c;
    struct error err = {0};
    market_init(&m, 1, 4);
    m.offers[0].unit_ns = 4 * HOUR;
    set_demands(&m, (uint64_t[]){80, 0, 0, 80}, 0);
    ck_assert_int_eq(course_find(&m.p, &c, &err), 0);
    ck_assert(c.cash == MONEY_USD);
    ck_assert_uint_eq(c.starts[0], 1);
    course_free(&c);
    m.offers[0].unit_ns = HOUR; /* paid by the hour it goes in between */
    ck_assert_int_eq(course_find(&m.p, &c, &err), 0);
    ck_assert(c.cash == 2 * MONEY_USD);
    ck_assert_uint_eq(c.replicas[1], 0);
    ck_assert_uint_eq(c.starts[0], 2);
    course_free(&c);
}
END_TEST

START_TEST(a_cold_start_that_takes_longer_than_a_gap_keeps_a_replica_on)
{
    struct market m;
    struct course c;
    struct error err = {0};
    market_init(&m, 1, 3);
    m.offers[0].start_ns = 3 * HOUR / 2;
    set_demands(&m, (uint64_t[]){80, 0, 80}, 0);
    ck_assert_int_eq(course_find(&m.p, &c, &err), 0);
    ck_assert(c.cash == 5 * MONEY_USD); /* 1.5 + 3 hours; two of 1.5 + 1 would be six */
    ck_assert_uint_eq(c.replicas[1], 1);
    course_free(&c);
}
END_TEST

START_TEST(a_commitment_is_taken_where_its_hours_are_used)
{
    struct market m;
    struct course c;
    struct error err = {0};
    market_init(&m, 1, 4);
    m.p.commitment_count = 1;
    m.commitments[0] = (struct course_commitment){0, 3 * MONEY_USD, 3};
    set_demands(&m, (uint64_t[]){150, 150, 250, 80}, 0);
    ck_assert_int_eq(course_find(&m.p, &c, &err), 0);
    /* One replica is needed in four hours, a second in three, a third in one: of the second both
     * cost the same, and fewer replicas beside the commitments count. */
    ck_assert_uint_eq(c.committed[0], 2);
    ck_assert(c.cash == 7 * MONEY_USD);
    course_free(&c);
}
END_TEST

START_TEST(what_spills_over_is_paid_by_its_share_and_only_where_it_is_cheaper)
{
    struct market m;
    struct course c;
    struct error err = {0};
    market_init(&m, 1, 2);
    m.p.can_spill = true;
    set_demands(&m, (uint64_t[]){110, 190}, MONEY_USD / 50);
    ck_assert_int_eq(course_find(&m.p, &c, &err), 0);
    ck_assert_uint_eq(c.spilled[0], 10);
    ck_assert_uint_eq(c.spilled[1], 0);
    ck_assert(c.spill_usd == MONEY_USD / 5);
    ck_assert(c.cash == 3 * MONEY_USD + MONEY_USD / 5);
    course_free(&c);
}
END_TEST

START_TEST(spot_replicas_are_lost_in_a_scenario_and_spill_over_there)
{
    struct market m;
    struct course c;
    struct error err = {0};
    market_init(&m, 1, 1);
    m.offers[0].spot = true;
    m.p.can_spill = true;
    m.p.lost = m.lost;
    m.p.scenario_count = 3;
    m.lost[2] = 1; /* in the last of the three */
    set_demands(&m, (uint64_t[]){100}, MONEY_USD * 24 / 1000);
    ck_assert_int_eq(course_find(&m.p, &c, &err), 0);
    ck_assert_uint_eq(c.replicas[0], 1);
    ck_assert(c.spill_usd == MONEY_USD * 8 / 10);
    course_free(&c);
    m.p.can_spill = false; /* then one more must be there */
    ck_assert_int_eq(course_find(&m.p, &c, &err), 0);
    ck_assert_uint_eq(c.replicas[0], 2);
    course_free(&c);
}
END_TEST

START_TEST(a_demand_beyond_all_replicas_is_named_with_its_slot)
{
    struct market m;
    struct course c;
    struct error err = {0};
    market_init(&m, 1, 3);
    set_demands(&m, (uint64_t[]){100, 350, 100}, 0);
    ck_assert_int_eq(course_find(&m.p, &c, &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "slot 2"));
    ck_assert_ptr_nonnull(strstr(err.message, "50 find no room"));
    m.capacity[1] = 0; /* of the second slot */
    err = (struct error){0};
    ck_assert_int_eq(course_find(&m.p, &c, &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "no offer meets the objectives at any rate"));
}
END_TEST

START_TEST(a_course_that_is_fixed_is_priced_as_it_is)
{
    struct market m;
    struct course c;
    struct error err = {0};
    market_init(&m, 1, 3);
    m.p.fixed = true;
    m.p.least = m.least;
    m.least[1] = 2;
    set_demands(&m, (uint64_t[]){50, 300, 0}, MONEY_USD / 100);
    ck_assert_int_eq(course_find(&m.p, &c, &err), 0);
    ck_assert(c.cash == 2 * MONEY_USD); /* nobody takes what lacks */
    ck_assert_uint_eq(c.spilled_sum, 150);
    course_free(&c);
}
END_TEST

START_TEST(too_many_states_are_refused_with_what_makes_them_fewer)
{
    struct market m;
    struct course c;
    struct error err = {0};
    market_init(&m, 1, 24);
    m.offers[0].unit_ns = 24 * HOUR;
    m.offers[0].most = 40;
    ck_assert_int_eq(course_find(&m.p, &c, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "most:N"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fleet course");
    TCase *tests = tcase_create("fleet course");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, small_markets_give_what_trying_everything_gives_ties_too);
    tcase_add_test(tests, a_replica_stays_over_a_gap_that_its_unit_outlasts);
    tcase_add_test(tests, a_cold_start_that_takes_longer_than_a_gap_keeps_a_replica_on);
    tcase_add_test(tests, a_commitment_is_taken_where_its_hours_are_used);
    tcase_add_test(tests, what_spills_over_is_paid_by_its_share_and_only_where_it_is_cheaper);
    tcase_add_test(tests, spot_replicas_are_lost_in_a_scenario_and_spill_over_there);
    tcase_add_test(tests, a_demand_beyond_all_replicas_is_named_with_its_slot);
    tcase_add_test(tests, a_course_that_is_fixed_is_priced_as_it_is);
    tcase_add_test(tests, too_many_states_are_refused_with_what_makes_them_fewer);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
