/* The story: its figures against bills that are made one by one. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "core/random.h"
#include "sim/decide/story.h"

#define HERE 30

static const char book_text[] =
    "{\"plans\": ["
    "{\"name\": \"token\", \"rates\": ["
    " {\"models\": [\"small\"], \"per_mtok\": {\"input\": \"20\", \"output\": \"60\"}},"
    " {\"models\": [\"middle\"], \"per_mtok\": {\"input\": \"40\", \"output\": \"120\"}},"
    " {\"models\": [\"large\"], \"per_mtok\": {\"input\": \"80\", \"output\": \"240\"}}]},"
    "{\"name\": \"day\", \"subscription\": {\"price\": \"2\", \"period\": \"month\", \"includes\":"
    " {\"requests\": 3, \"per\": \"day\"}, \"beyond\": \"queue\"}},"
    "{\"name\": \"dear day\", \"subscription\": {\"price\": \"3\", \"period\": \"month\","
    " \"includes\": {\"requests\": 3, \"per\": \"day\"}, \"beyond\": \"queue\"}}]}";

static struct workload some_requests(uint64_t seed)
{
    struct workload w;
    struct random r;
    random_init(&r, seed, RANDOM_TEST, 0);
    workload_init(&w);
    for (int i = 0; i < 20; i++)
        testing_add(&w, (struct request){.timestamp_ns = i * 3600 * NS_PER_S,
                                         .input_tokens = 50 + (uint32_t)random_below(&r, 450),
                                         .output_tokens = 5 + (uint32_t)random_below(&r, 90),
                                         .model = "large"});
    return w;
}

static money total_of(const struct workload *w, const struct plan *plan, uint64_t volume)
{
    struct bill_options how = {.period = PERIOD_MONTH, .volume = volume, .workers = 1};
    struct bill bill;
    struct error err = {0};
    ck_assert_int_eq(bill_make(&bill, w, &plan, 1, &how, &err), 0);
    money total = bill.plans[0].total;
    bill_free(&bill);
    return total;
}

struct told {
    struct workload w;
    struct plan_book book;
    const struct plan *plans[3];
    struct story story;
};

static void tell(struct told *t, uint64_t seed)
{
    const struct workload *of = &t->w;
    struct error err = {0};
    t->w = some_requests(seed);
    t->book = testing_plans(book_text);
    for (size_t i = 0; i < t->book.count; i++)
        t->plans[i] = &t->book.plans[i];
    struct story_options o = {.plans = t->plans,
                              .plan_count = t->book.count,
                              .volume = HERE,
                              .tiers = {"small", "middle", "large"},
                              .seed = 1,
                              .workers = 1};
    ck_assert_msg(story_make(&t->story, &of, 1, &o, &err) == 0, "%s", err.message);
}

static void untell(struct told *t)
{
    story_free(&t->story);
    plan_book_free(&t->book);
    workload_free(&t->w);
}

/* Of both flat plans the one that pays first, at the first number of requests whose bill says so.
 */
START_TEST(flat_pays_from_the_first_month_whose_bill_is_lower)
{
    struct told t;
    uint64_t found = 0;
    tell(&t, (uint64_t)_i);
    for (uint64_t n = 1; n <= HERE * LADDER_TIMES && found == 0; n++)
        if (total_of(&t.w, t.plans[1], n) < total_of(&t.w, t.plans[0], n))
            found = n;
    struct story_pays pays = story_pays(&t.story.parts[0], t.story.token);
    ck_assert_uint_eq(pays.flat, 1);
    ck_assert_int_eq(pays.never, found == 0);
    ck_assert_uint_eq(pays.never ? 0 : pays.requests, found);
    untell(&t);
}
END_TEST

/* The route that the story names, applied by hand, is billed as the story says. */
START_TEST(three_tiers_are_about_three_four_and_three_of_ten)
{
    struct told t;
    struct story_saving saving;
    uint64_t small = 0, middle = 0;
    unsigned long long first, second;
    tell(&t, (uint64_t)_i);
    const struct story_part *p = &t.story.parts[0];
    ck_assert_int_eq(sscanf(p->changes[STORY_TIERS],
                            "route=total<%llu:small,total<%llu:middle,*:large", &first, &second),
                     2);
    for (size_t i = 0; i < t.w.count; i++) {
        uint64_t total = (uint64_t)t.w.input_tokens[i] + t.w.output_tokens[i];
        bool is_small = total < first, is_middle = !is_small && total < second;
        small += is_small;
        middle += is_middle;
    }
    ck_assert_msg(small >= 5 && small <= 9, "%d small", (int)small);
    ck_assert_msg(middle >= 6 && middle <= 10, "%d middle", (int)middle);
    ck_assert(story_saving(p, STORY_TIERS, 0, &saving));
    ck_assert(saving.before == total_of(&t.w, t.plans[0], HERE));
    ck_assert(saving.saved > 0 && saving.saved == saving.before - saving.after);
    ck_assert(story_saving(p, STORY_TIERS, 1, &saving));
    ck_assert(saving.saved == 0);
    ck_assert(!story_saving(p, STORY_CACHE, 0, &saving)); /* nobody knows what repeats */
    ck_assert(!story_saving(p, STORY_PARALLEL, 0, &saving));
    untell(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("story");
    TCase *tc = tcase_create("story");
    tcase_add_loop_test(tc, flat_pays_from_the_first_month_whose_bill_is_lower, 0, 5);
    tcase_add_loop_test(tc, three_tiers_are_about_three_four_and_three_of_ten, 0, 5);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
