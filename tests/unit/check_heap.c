#include "core/clock.h"
#include "core/heap.h"
#include "core/random.h"
#include "tests/unit/testing.h"

static bool is_odd(const void *context, uint64_t number)
{
    (void)context;
    return number % 2 == 1;
}

START_TEST(a_heap_forgets_what_is_not_wanted)
{
    struct heap h = {0};
    for (uint64_t i = 0; i < 1000; i++)
        heap_push(&h, (int64_t)(i * 7919 % 500), i); /* two of each time */
    heap_keep(&h, is_odd, NULL);
    ck_assert_uint_eq(h.count, 500);
    int64_t last = -1;
    while (h.count) {
        struct heap_entry e = heap_pop(&h);
        ck_assert_int_ge(e.at, last);
        ck_assert_int_eq(e.at, (int64_t)(e.number * 7919 % 500));
        ck_assert_uint_eq(e.number % 2, 1);
        last = e.at;
    }
    heap_keep(&h, is_odd, NULL); /* an empty one stays so */
    ck_assert_int_eq(heap_next(&h), TIME_NEVER);
    heap_free(&h);
}
END_TEST

START_TEST(equal_times_come_out_by_number)
{
    struct heap h = {0};
    for (uint64_t i = 0; i < 64; i++)
        heap_push(&h, 5, i * 37 % 64);
    for (uint64_t i = 0; i < 64; i++)
        ck_assert_uint_eq(heap_pop(&h).number, i);
    heap_free(&h);
}
END_TEST

#define NUMBERS 50

/* The number that comes first by looking at all of them; NUMBERS = none. */
static uint32_t first_of(const int64_t *at, const uint64_t *order)
{
    uint32_t first = NUMBERS;
    for (uint32_t i = 0; i < NUMBERS; i++)
        if (at[i] != TIME_NEVER && (first == NUMBERS || at[i] < at[first] ||
                                    (at[i] == at[first] && order[i] < order[first])))
            first = i;
    return first;
}

/* Against a plain list, by thousands of steps of every kind. */
START_TEST(numbers_are_set_moved_and_removed)
{
    int64_t at[NUMBERS];
    uint64_t order[NUMBERS] = {0};
    struct heap h = {0};
    struct random r;
    random_init(&r, 3, RANDOM_ARRIVALS, 0);
    for (int i = 0; i < NUMBERS; i++)
        at[i] = TIME_NEVER;
    for (uint64_t step = 0; step < 20000; step++) {
        uint32_t number = (uint32_t)(random_unit(&r) * NUMBERS), first = first_of(at, order);
        double what = random_unit(&r);
        if (what < 0.6) {
            at[number] = (int64_t)(random_unit(&r) * 20);
            order[number] = step * 7919 % 20011;
            heap_set(&h, number, at[number], order[number]);
        } else if (what < 0.8) {
            at[number] = TIME_NEVER;
            heap_remove(&h, number);
        } else if (what < 0.9 && first < NUMBERS) {
            ck_assert_uint_eq(heap_pop(&h).number, first);
            at[first] = TIME_NEVER;
        } else if (first < NUMBERS) {
            at[first] += (int64_t)(random_unit(&r) * 20);
            heap_delay_first(&h, at[first]);
        }
        first = first_of(at, order);
        ck_assert_int_eq(heap_next(&h), first < NUMBERS ? at[first] : TIME_NEVER);
        if (first < NUMBERS)
            ck_assert_uint_eq(h.entries[0].number, first);
    }
    heap_free(&h);
}
END_TEST

static bool longer(const void *context, uint64_t a, uint64_t b)
{
    const int *lengths = context;
    return lengths[a] > lengths[b];
}

START_TEST(another_order_can_be_given)
{
    int lengths[] = {3, 9, 1, 7, 5};
    struct heap h = {.before = longer, .context = lengths};
    for (uint64_t i = 0; i < 5; i++)
        heap_push(&h, 0, i);
    ck_assert_uint_eq(h.entries[0].number, 1);
    lengths[1] = 4;
    heap_delay_first(&h, 0);
    const uint64_t expected[] = {3, 4, 1, 0, 2};
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(heap_pop(&h).number, expected[i]);
    heap_free(&h);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("heap");
    TCase *t = tcase_create("heap");
    tcase_add_test(t, a_heap_forgets_what_is_not_wanted);
    tcase_add_test(t, equal_times_come_out_by_number);
    tcase_add_test(t, numbers_are_set_moved_and_removed);
    tcase_add_test(t, another_order_can_be_given);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
