/* Spools and sorters: what goes in comes out, from memory, from a file, or where no file can be. */
#include "core/random.h"
#include "core/sorter.h"
#include "tests/unit/testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

struct item {
    uint64_t number;
    char rest[16];
};

static struct item item_of(uint64_t number)
{
    struct item i = {.number = number};
    snprintf(i.rest, sizeof i.rest, "%llu", (unsigned long long)number * 3);
    return i;
}

static void fill(struct spool *s, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n < to; n++) {
        struct item i = item_of(n);
        spool_add(s, &i);
    }
}

static void check_whole(const struct spool *s, uint64_t count)
{
    struct spool_scan scan = spool_scan_of(s);
    uint64_t seen = 0;
    for (const struct item *i; (i = spool_scan_next(&scan)); seen++) {
        struct item expected = item_of(seen);
        ck_assert_mem_eq(i, &expected, sizeof expected);
    }
    ck_assert_uint_eq(seen, count);
    ck_assert_uint_eq(s->count, count);
}

START_TEST(items_come_back_in_order)
{
    /* Around one block, several of them, and none. */
    size_t block = SPOOL_BLOCK_BYTES / sizeof(struct item);
    const size_t counts[] = {0, 1, block - 1, block, block + 1, 3 * block, 10 * block + 7};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        struct spool s;
        spool_init(&s, sizeof(struct item));
        fill(&s, 0, counts[k]);
        check_whole(&s, counts[k]);
        ck_assert_int_eq(s.fd >= 0, counts[k] > block);
        fill(&s, counts[k], counts[k] + 100); /* reading leaves it ready for more */
        check_whole(&s, counts[k] + 100);
        spool_free(&s);
        ck_assert_uint_eq(s.count, 0);
    }
}
END_TEST

START_TEST(any_stretch_can_be_read)
{
    struct spool s;
    struct item some[300];
    spool_init(&s, sizeof(struct item));
    fill(&s, 0, 20000);
    for (uint64_t from = 0; from < 20000; from += 123) {
        size_t got = spool_read(&s, from, 300, some);
        ck_assert_uint_eq(got, from + 300 <= 20000 ? 300 : 20000 - from);
        for (size_t i = 0; i < got; i++)
            ck_assert_uint_eq(some[i].number, from + i);
    }
    ck_assert_uint_eq(spool_read(&s, 20000, 1, some), 0);
    ck_assert_uint_eq(spool_read(&s, UINT64_MAX, 1, some), 0);
    spool_free(&s);
}
END_TEST

/* Lowers one of the process's limits; gives what it was. */
static struct rlimit lower(__rlimit_resource_t resource, rlim_t to)
{
    struct rlimit before, now;
    ck_assert_int_eq(getrlimit(resource, &before), 0);
    now = before;
    now.rlim_cur = to;
    ck_assert_int_eq(setrlimit(resource, &now), 0);
    return before;
}

START_TEST(a_full_disk_loses_nothing)
{
    struct spool s;
    spool_init(&s, sizeof(struct item));
    signal(SIGXFSZ, SIG_IGN);
    /* The third block can only be written in part. */
    struct rlimit before = lower(RLIMIT_FSIZE, 2 * SPOOL_BLOCK_BYTES + 1000);
    fill(&s, 0, 50000);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert(s.no_file && s.filed == 2 && s.kept_count > 10);
    check_whole(&s, 50000);
    spool_free(&s);
}
END_TEST

START_TEST(no_file_loses_nothing)
{
    struct spool s;
    spool_init(&s, sizeof(struct item));
    struct rlimit before = lower(RLIMIT_NOFILE, 0);
    fill(&s, 0, 50000);
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert(s.fd < 0 && s.filed == 0);
    check_whole(&s, 50000);
    spool_free(&s);
}
END_TEST

START_TEST(the_file_has_no_name)
{
    char folder[] = "/tmp/farebox-spool-XXXXXX";
    struct spool s;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("TMPDIR", folder, 1);
    spool_init(&s, sizeof(struct item));
    fill(&s, 0, 10000);
    ck_assert_int_ge(s.fd, 0);
    ck_assert_int_eq(rmdir(folder), 0); /* empty: a killed process leaves nothing behind */
    check_whole(&s, 10000);
    spool_free(&s);
}
END_TEST

static int compare_items(const void *a, const void *b)
{
    uint64_t x = ((const struct item *)a)->number, y = ((const struct item *)b)->number;
    return (x > y) - (x < y);
}

static void check_sorted(struct sorter *s, uint64_t count)
{
    struct sorter_scan scan;
    uint64_t seen = 0;
    sorter_scan_begin(&scan, s);
    for (const struct item *i; (i = sorter_scan_next(&scan)); seen++) {
        struct item expected = item_of(seen);
        ck_assert_mem_eq(i, &expected, sizeof expected);
    }
    ck_assert_ptr_null(sorter_scan_next(&scan));
    sorter_scan_end(&scan);
    ck_assert_uint_eq(seen, count);
}

START_TEST(any_order_comes_out_sorted)
{
    /* One run, a run and one more, and many; 7919 is prime to all of them. */
    const uint64_t counts[] = {0, 1, 2, 43690, 43691, 300000};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        struct sorter s;
        sorter_init(&s, sizeof(struct item), compare_items);
        for (uint64_t n = 0; n < counts[k]; n++) {
            struct item i = item_of(n * 7919 % counts[k]);
            sorter_add(&s, &i);
        }
        ck_assert_uint_eq(sorter_count(&s), counts[k]);
        check_sorted(&s, counts[k]);
        struct item more = item_of(counts[k]);
        sorter_add(&s, &more); /* a scan leaves it ready for more */
        check_sorted(&s, counts[k] + 1);
        sorter_free(&s);
    }
}
END_TEST

START_TEST(equal_items_all_come_out)
{
    struct sorter s;
    struct spool out;
    struct random r;
    uint64_t counts[5] = {0}, seen[5] = {0};
    random_init(&r, 3, RANDOM_TEST, 0);
    sorter_init(&s, sizeof(int64_t), sorter_compare_int64);
    spool_init(&out, sizeof(int64_t));
    for (int i = 0; i < 400000; i++) {
        int64_t v = (int64_t)(random_u64(&r) % 5) - 2;
        counts[v + 2]++;
        sorter_add(&s, &v);
    }
    sorter_write(&s, &out);
    ck_assert_uint_eq(out.count, 400000);
    struct spool_scan scan = spool_scan_of(&out);
    int64_t last = INT64_MIN;
    for (const int64_t *v; (v = spool_scan_next(&scan)); last = *v) {
        ck_assert_int_ge(*v, last);
        seen[*v + 2]++;
    }
    ck_assert_mem_eq(seen, counts, sizeof seen);
    spool_free(&out);
    sorter_free(&s);
}
END_TEST

/* More than fit one run, of every size and sign, and many alike. */
START_TEST(numbers_are_sorted_whatever_their_size_and_sign)
{
    enum { COUNT = 300000 };
    int64_t *expected = malloc(COUNT * sizeof *expected);
    struct sorter s;
    struct sorter_scan scan;
    struct random r;
    random_init(&r, 4, RANDOM_TEST, 0);
    sorter_init(&s, sizeof(int64_t), sorter_compare_int64);
    for (size_t i = 0; i < COUNT; i++) {
        expected[i] = (int64_t)(random_u64(&r) >> random_below(&r, 64));
        if (i % 3 == 0)
            expected[i] = -(int64_t)(i % 1000);
        sorter_add(&s, &expected[i]);
    }
    qsort(expected, COUNT, sizeof *expected, sorter_compare_int64);
    sorter_scan_begin(&scan, &s);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(*(const int64_t *)sorter_scan_next(&scan), expected[i]);
    ck_assert(!sorter_scan_next(&scan));
    sorter_scan_end(&scan);
    sorter_free(&s);
    free(expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spool");
    TCase *tests = tcase_create("spool");
    tcase_add_test(tests, items_come_back_in_order);
    tcase_add_test(tests, any_stretch_can_be_read);
    tcase_add_test(tests, a_full_disk_loses_nothing);
    tcase_add_test(tests, no_file_loses_nothing);
    tcase_add_test(tests, the_file_has_no_name);
    tcase_add_test(tests, any_order_comes_out_sorted);
    tcase_add_test(tests, equal_items_all_come_out);
    tcase_add_test(tests, numbers_are_sorted_whatever_their_size_and_sign);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
