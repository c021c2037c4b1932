/* The volume ladder, against the ordinary bill of every number of requests. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "core/random.h"
#include "sim/cost/ladder/ladder.h"

#define HOUR (3600 * NS_PER_S)
#define DAY (24 * HOUR)

/* One of each kind: by sums, by windows that are counted, and those that must be billed. */
static const char book_text[] =
    "{\"plans\": ["
    "{\"name\": \"token\", \"per_mtok\": {\"input\": \"80\", \"output\": \"240\"}},"
    "{\"name\": \"cheap\", \"per_mtok\": {\"input\": \"40\", \"output\": \"90\"},"
    " \"limits\": {\"rpd\": 4, \"beyond\": \"reject\"}},"
    "{\"name\": \"request\", \"per_request\": \"0.04\"},"
    "{\"name\": \"fee\", \"per_mtok\": {\"input\": \"70\", \"output\": \"200\"}, \"credit_fee\":"
    " {\"percent\": \"5.5\", \"minimum\": \"0.8\"}},"
    "{\"name\": \"day\", \"subscription\": {\"price\": \"2\", \"period\": \"month\", \"includes\":"
    " {\"requests\": 3, \"per\": \"day\"}, \"beyond\": \"queue\"}},"
    "{\"name\": \"large day\", \"subscription\": {\"price\": \"5\", \"period\": \"month\","
    " \"includes\": {\"requests\": 11, \"per\": \"day\"}, \"beyond\": \"reject\"},"
    " \"limits\": {\"rpm\": 2}},"
    "{\"name\": \"week\", \"subscription\": {\"price\": \"3\", \"period\": \"week\", \"includes\":"
    " {\"tokens\": 9000, \"per\": \"week\", \"window\": \"anchored\"}, \"beyond\": \"reject\"}},"
    "{\"name\": \"month\", \"subscription\": {\"price\": \"4\", \"period\": \"month\","
    " \"includes\": {\"requests\": 60, \"per\": \"month\"}, \"setup\": \"1\", \"beyond\": "
    "\"queue\"}},"
    "{\"name\": \"capped\", \"per_mtok\": {\"input\": \"30\", \"output\": \"30\"}, \"limits\":"
    " {\"max_input_tokens\": 450, \"max_output_tokens\": 90}},"
    "{\"name\": \"rolling\", \"subscription\": {\"price\": \"3\", \"period\": \"month\","
    " \"includes\": {\"requests\": 4, \"per\": \"5h\", \"window\": \"rolling\"},"
    " \"beyond\": \"reject\"}},"
    "{\"name\": \"overage\", \"subscription\": {\"price\": \"2\", \"period\": \"month\","
    " \"includes\": {\"requests\": 50, \"per\": \"month\"}, \"beyond\": \"pay\"},"
    " \"per_request\": \"0.05\"},"
    "{\"name\": \"credit\", \"subscription\": {\"price\": \"1.5\", \"period\": \"month\","
    " \"includes\": {\"usd\": \"1.8\", \"per\": \"month\"}}, \"per_mtok\": {\"input\": \"90\","
    " \"output\": \"250\"}},"
    "{\"name\": \"volume\", \"per_mtok\": {\"input\": \"99\", \"output\": \"250\"},"
    " \"volume\": {\"per\": \"month\", \"steps\": [{\"over_usd\": \"2\", \"off_percent\": 40}]}}]}";

static struct workload random_workload(struct random *r)
{
    struct workload w;
    uint64_t sessions = 3 + random_below(r, 15), longest = random_below(r, 3) ? 1 : 5;
    int64_t at = 0, gap = random_below(r, 3) ? HOUR / 2 : 30 * HOUR;
    workload_init(&w);
    for (uint64_t s = 0; s < sessions; s++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", (int)s);
        at += (int64_t)random_below(r, (uint64_t)gap);
        for (uint64_t k = 0, turns = 1 + random_below(r, longest); k < turns; k++)
            testing_add(
                &w, (struct request){.timestamp_ns = at + (int64_t)k * 40 * NS_PER_S,
                                     .input_tokens = 50 + (uint32_t)random_below(r, 450),
                                     .output_tokens = 5 + (uint32_t)random_below(r, 90),
                                     .session_id = longest > 1 ? name : NULL,
                                     .status = random_below(r, 30) ? REQUEST_OK : REQUEST_FAILED});
    }
    if (random_below(r, 2)) {
        w.has_start = true;
        w.start_unix_ns = (1780000000 + (int64_t)random_below(r, 30000000)) * NS_PER_S;
    }
    return w;
}

static size_t random_plans(struct random *r, const struct plan_book *book,
                           const struct plan *plans[16])
{
    size_t count = 0;
    for (size_t i = 0; i < book->count; i++)
        if (random_below(r, 3) == 0)
            plans[count++] = &book->plans[i];
    if (count == 0)
        plans[count++] = &book->plans[random_below(r, book->count)];
    return count;
}

static struct bill bill_of(const struct workload *w, const struct plan *const *plans, size_t count,
                           struct bill_options options)
{
    struct bill bill;
    struct error err = {0};
    int code = bill_make(&bill, w, plans, count, &options, &err);
    ck_assert_msg(code == 0, "%s", err.message);
    return bill;
}

static struct ladder ladder_of(const struct bill *bill, struct ladder_options options)
{
    struct ladder ladder;
    struct error err = {0};
    int code = ladder_make(&ladder, bill, &options, &err);
    ck_assert_msg(code == 0, "%s", err.message);
    return ladder;
}

static void compare_step(const struct ladder_run *step, const struct bill *month, uint64_t requests)
{
    if (step->plan == LADDER_NOBODY) {
        ck_assert_msg(month->ranking_count == 0, "%llu requests", (unsigned long long)requests);
        return;
    }
    ck_assert_msg(month->ranking_count > 0, "%llu requests: none, not %s",
                  (unsigned long long)requests, month->plans[step->plan].plan->name);
    const struct plan_bill *first = &month->plans[month->ranking[0]];
    const char *name = month->plans[step->plan].plan->name;
    ck_assert_msg(month->ranking[0] == step->plan, "%llu requests: %s of %llu, not %s of %llu",
                  (unsigned long long)requests, first->plan->name,
                  (unsigned long long)first->subscriptions, name,
                  (unsigned long long)step->subscriptions);
    ck_assert_msg(first->subscriptions == step->subscriptions,
                  "%llu requests: %llu of %s, not %llu", (unsigned long long)requests,
                  (unsigned long long)first->subscriptions, name,
                  (unsigned long long)step->subscriptions);
    if (requests == step->from)
        ck_assert(step->total_from == first->total);
    if (requests == step->to)
        ck_assert(step->total_to == first->total);
}

/* Notes the first month in which the flat plan of a pair ranks before the other. */
static void note_pairs(const struct bill *bill, const struct bill *month, uint64_t requests,
                       uint64_t *first)
{
    for (size_t i = 0; i < bill->break_even_count; i++) {
        int token = month->plans[bill->break_even[i].token_plan].rank;
        int flat = month->plans[bill->break_even[i].flat_plan].rank;
        if (first[i] == 0 && token > 0 && flat > 0 && flat < token)
            first[i] = requests;
    }
}

/* Every number of requests, billed. */
static void compare_all(const struct ladder *l, const struct workload *w,
                        const struct plan *const *plans, size_t count, struct bill_options options)
{
    ck_assert(l->proven);
    ck_assert_uint_eq(l->end, l->here * LADDER_TIMES);
    ck_assert_uint_eq(l->steps[0].from, 1);
    ck_assert_uint_eq(l->steps[l->step_count - 1].to, l->end);
    uint64_t first[256] = {0};
    for (uint64_t n = 1, step = 0; n <= l->end; n++) {
        options.volume = n;
        struct bill month = bill_of(w, plans, count, options);
        step += n > l->steps[step].to;
        ck_assert_uint_ge(n, l->steps[step].from);
        compare_step(&l->steps[step], &month, n);
        note_pairs(l->bill, &month, n, first);
        bill_free(&month);
    }
    for (size_t i = 0; i < l->bill->break_even_count; i++)
        if (l->pairs[i].known)
            ck_assert_msg((l->pairs[i].never ? 0 : l->pairs[i].requests) == first[i],
                          "%s pays off against %s from %llu on, not %llu",
                          l->bill->plans[l->bill->break_even[i].flat_plan].plan->name,
                          l->bill->plans[l->bill->break_even[i].token_plan].plan->name,
                          (unsigned long long)first[i], (unsigned long long)l->pairs[i].requests);
}

#define CASES 4
#define ENOUGH_WORK ((uint64_t)1 << 50)
START_TEST(a_ladder_says_what_the_bill_of_every_volume_says)
{
    struct plan_book book = testing_plans(book_text);
    for (uint64_t i = 0; i < CASES; i++) {
        struct random r;
        random_init(&r, 15, RANDOM_TEST, (uint64_t)_i * CASES + i);
        struct workload w = random_workload(&r);
        const struct plan *plans[16];
        size_t count = random_plans(&r, &book, plans);
        struct bill_options o = {.workers = 1, .volume = 1 + random_below(&r, 30)};
        o.max_wait_ns = random_below(&r, 3) ? 0 : (int64_t)random_below(&r, 40) * HOUR;
        if (testing_few() && i > 0)
            o.volume = 1;
        struct bill bill = bill_of(&w, plans, count, o);
        struct ladder l =
            ladder_of(&bill, (struct ladder_options){.seed = 1, .redraws = 2, .work = ENOUGH_WORK});
        compare_all(&l, &w, plans, count, o);
        ladder_free(&l);
        bill_free(&bill);
        workload_free(&w);
    }
    plan_book_free(&book);
}
END_TEST

/* Quotas of 1,000 a day for $80 against $0.004 a request. */
static const char two[] =
    "{\"plans\": [{\"name\": \"meter\", \"per_mtok\": {\"input\": \"40\", \"output\": \"0\"}},"
    "{\"name\": \"flat\", \"subscription\": {\"price\": \"80\", \"period\": \"month\","
    " \"includes\": {\"requests\": 1000, \"per\": \"day\"}, \"beyond\": \"queue\"}}]}";

/* So many requests a day, on each of the days. */
static struct workload days_of(const size_t *requests, size_t days)
{
    struct workload w;
    workload_init(&w);
    for (size_t d = 0; d < days; d++)
        for (size_t i = 0; i < requests[d]; i++)
            workload_add_plain(&w, (int64_t)d * DAY + (int64_t)i * (DAY / (int64_t)requests[d]),
                               100, 1);
    return w;
}

START_TEST(even_days_pay_off_a_quota_by_the_day_from_its_price_on)
{
    struct plan_book book = testing_plans(two);
    struct workload w = testing_rows(500, 60 * NS_PER_S, 100, 1);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1, .volume = 9000});
    struct ladder l = ladder_of(&bill, (struct ladder_options){.seed = 1, .redraws = 50});
    ck_assert(l.proven);
    ck_assert_uint_eq(l.here, 9000);
    ck_assert_uint_eq(ladder_at(&l, 9000)->run.plan, 0);
    ck_assert_uint_eq(ladder_at(&l, 20000)->run.plan, 0); /* $80 either way: it has no number */
    const struct ladder_interval *flat = ladder_at(&l, 25000);
    ck_assert_uint_eq(flat->run.plan, 1);
    ck_assert_uint_eq(flat->run.from, 20001);
    ck_assert_uint_eq(flat->run.to, 30000); /* a second one at $160 pays off from 40,001 on */
    ck_assert(flat->surety.known);
    ck_assert_uint_eq(flat->surety.low, 20001); /* all sessions are alike: nothing to draw */
    ck_assert_uint_eq(flat->surety.high, 20001);
    ck_assert_uint_eq(l.break_even_count, 1);
    ck_assert_uint_eq(l.break_even[0].use_millionths, 20001 * (uint64_t)1000000 / 30000);
    ladder_attach(&l, &bill);
    ck_assert_uint_eq(bill.break_even[0].volume.value, 667);
    ladder_free(&l);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(days_that_vary_pay_it_off_later)
{
    static const size_t requests[] = {20, 100, 30, 250, 60, 40, 90};
    struct plan_book book = testing_plans(two);
    struct workload w = days_of(requests, 6); /* no week: the ladder is even */
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1, .volume = 9000});
    struct ladder l = ladder_of(&bill, (struct ladder_options){.seed = 1, .redraws = 60});
    const struct ladder_interval *flat = ladder_at(&l, 25000);
    ck_assert_uint_eq(flat->run.from, 20001);
    ck_assert(l.by_days);
    ck_assert(flat->surety.known);
    ck_assert_uint_gt(flat->surety.low, 20001);
    ladder_free(&l);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(what_is_not_worked_out_is_not_called_proven)
{
    struct plan_book book = testing_plans(book_text);
    struct workload w = testing_rows(300, 7 * 60 * NS_PER_S, 300, 50);
    const struct plan *plans[] = {&book.plans[2], &book.plans[9]}; /* by the request, rolling */
    struct bill_options o = {.workers = 1, .volume = 300};
    struct bill bill = bill_of(&w, plans, 2, o);
    struct ladder l = ladder_of(&bill, (struct ladder_options){.work = 1});
    ck_assert(!l.proven);
    for (size_t i = 0; i < l.interval_count;
         i++) { /* its ends are those of the bill all the same */
        const struct ladder_run *r = &l.intervals[i].run;
        for (int last = 0; last < 2; last++) {
            o.volume = last ? r->to : r->from;
            struct bill month = bill_of(&w, plans, 2, o);
            ck_assert_uint_eq(month.ranking[0], r->plan);
            bill_free(&month);
        }
    }
    ladder_free(&l);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* Beyond 500,000 requests a stretch is billed and scaled: the ladder goes on along that. */
START_TEST(large_months_are_scaled_as_the_bill_scales_them)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"meter\", \"per_mtok\": {\"input\": \"4\", \"output\": \"0\"}},"
        "{\"name\": \"base\", \"subscription\": {\"price\": \"300\", \"period\": \"month\"},"
        " \"per_mtok\": {\"input\": \"1\", \"output\": \"0\"}}]}");
    const struct plan *plans[] = {&book.plans[0], &book.plans[1]};
    struct workload w = testing_rows(70, NS_PER_S, 1000, 1);
    struct bill_options o = {.workers = 1, .volume = 60000, .totals_only = true};
    struct bill bill = bill_of(&w, plans, 2, o);
    struct ladder l = ladder_of(&bill, (struct ladder_options){0});
    ck_assert(l.proven);
    ck_assert_uint_eq(l.interval_count, 2);
    const struct ladder_run *base = &l.intervals[1].run;
    ck_assert_uint_eq(base->from, 100001);
    ck_assert_uint_eq(base->to, 600000);
    o.volume = 600000;
    struct bill month = bill_of(&w, plans, 2, o);
    ck_assert(month.plans[1].total == base->total_to);
    bill_free(&month);
    ladder_free(&l);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ladder");
    TCase *tc = tcase_create("ladder");
    tcase_add_loop_test(tc, a_ladder_says_what_the_bill_of_every_volume_says, 0, 10);
    tcase_add_test(tc, even_days_pay_off_a_quota_by_the_day_from_its_price_on);
    tcase_add_test(tc, days_that_vary_pay_it_off_later);
    tcase_add_test(tc, what_is_not_worked_out_is_not_called_proven);
    tcase_add_test(tc, large_months_are_scaled_as_the_bill_scales_them);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
