#include "core/clock.h"
#include "core/random.h"
#include "sim/mock/api/prefixes.h"
#include "tests/unit/testing.h"

#include <stdio.h>

#define MINUTES_5 300
#define HOUR 3600

static struct prefixes kept;
static struct prefix_list list;

static void set_up(void)
{
    kept = (struct prefixes){0};
    list = (struct prefix_list){0};
}

static void tear_down(void)
{
    prefix_list_free(&list);
    prefixes_free(&kept);
}

/* Asks a prompt of these places at a second, and keeps what it marks. */
static struct prefix_charge ask(const struct prefix_place *places, size_t count, int64_t at_s)
{
    prefix_list_free(&list);
    for (size_t i = 0; i < count; i++)
        prefix_list_add(&list, places[i].hash, places[i].tokens, places[i].lifetime_s);
    struct prefix_charge c = prefixes_charge(&kept, &list, at_s * NS_PER_S);
    prefixes_keep(&kept, &list, &c, at_s * NS_PER_S);
    return c;
}

static void expect(struct prefix_charge c, uint64_t read, uint64_t written, uint64_t written_1h)
{
    ck_assert_uint_eq(c.read, read);
    ck_assert_uint_eq(c.written, written);
    ck_assert_uint_eq(c.written_1h, written_1h);
}

START_TEST(without_marks_nothing_is_kept)
{
    const struct prefix_place p[] = {{1, 100, 0}, {2, 200, 0}};
    expect(ask(p, 2, 0), 0, 0, 0);
    expect(ask(p, 2, 1), 0, 0, 0);
    ck_assert_uint_eq(kept.used, 0);
}
END_TEST

START_TEST(a_mark_is_written_once_and_read_while_it_lives)
{
    const struct prefix_place p[] = {{1, 100, MINUTES_5}, {2, 150, 0}};
    expect(ask(p, 2, 0), 0, 100, 0);
    expect(ask(p, 2, 299), 100, 0, 0);
    expect(ask(p, 2, 598), 100, 0, 0); /* being read began its time anew */
    expect(ask(p, 2, 898), 0, 100, 0);
}
END_TEST

START_TEST(an_hour_is_written_apart_from_five_minutes)
{
    const struct prefix_place p[] = {{1, 100, HOUR}, {2, 150, MINUTES_5}, {3, 170, 0}};
    expect(ask(p, 3, 0), 0, 50, 100);
    expect(ask(p, 3, 1), 150, 0, 0);
    expect(ask(p, 3, 3000), 100, 50, 0);
    expect(ask(p, 3, 3200), 150, 0, 0);
    expect(ask(p, 3, 9000), 0, 50, 100);
}
END_TEST

START_TEST(a_conversation_reads_what_its_last_turn_wrote)
{
    const struct prefix_place p[] = {
        {1, 100, MINUTES_5}, {2, 150, 0}, {3, 220, MINUTES_5}, {9, 300, MINUTES_5}};
    expect(ask(p, 1, 0), 0, 100, 0);
    expect(ask(p, 3, 1), 100, 120, 0);
    const struct prefix_place next[] = {{1, 100, 0}, {2, 150, 0}, {3, 220, 0}, {4, 260, MINUTES_5}};
    expect(ask(next, 4, 2), 220, 40, 0); /* found behind the mark of now */
    const struct prefix_place other[] = {{7, 100, 0}, {8, 150, MINUTES_5}};
    expect(ask(other, 2, 3), 0, 150, 0);
}
END_TEST

START_TEST(what_is_kept_is_looked_for_at_twenty_places_before_a_mark)
{
    for (int apart = 19; apart <= 22; apart++) {
        struct prefix_place p[32];
        prefixes_free(&kept);
        for (int i = 0; i <= apart; i++)
            p[i] = (struct prefix_place){(uint64_t)i + 1, 10 * ((uint64_t)i + 1), 0};
        p[0].lifetime_s = MINUTES_5;
        ask(p, 1, 0);
        p[0].lifetime_s = 0;
        p[apart].lifetime_s = MINUTES_5;
        uint64_t read = apart <= PREFIX_LOOKBACK ? 10 : 0;
        expect(ask(p, (size_t)apart + 1, 1), read, p[apart].tokens - read, 0);
    }
}
END_TEST

START_TEST(the_last_place_can_be_marked_afterwards)
{
    prefix_list_mark_last(&list, HOUR);
    ck_assert_uint_eq(list.marks, 0);
    prefix_list_add(&list, 5, 40, 0);
    prefix_list_mark_last(&list, HOUR);
    prefix_list_mark_last(&list, MINUTES_5);
    ck_assert_uint_eq(list.marks, 1);
    expect(prefixes_charge(&kept, &list, 0), 0, 0, 40);
}
END_TEST

/* Every charge against an obvious model: an array by hash of when each prefix dies. */
START_TEST(charges_are_those_of_an_obvious_model)
{
    enum { HASHES = 40 };
    int64_t dies[HASHES] = {0};
    uint32_t lives[HASHES] = {0};
    struct random r;
    random_init(&r, 7, RANDOM_PROMPTS, 0);
    int64_t now = 1;
    for (int round = 0; round < 20000; round++) {
        struct prefix_place p[8];
        size_t count = random_u64(&r) % 8;
        uint64_t tokens = 0;
        for (size_t i = 0; i < count; i++) {
            static const uint32_t marks[] = {0, 0, MINUTES_5, HOUR};
            tokens += random_u64(&r) % 50;
            p[i] = (struct prefix_place){1 + random_u64(&r) % (HASHES - 1), tokens,
                                         marks[random_u64(&r) % 4]};
        }
        uint64_t read = 0, last = 0, last_1h = 0, found = 0;
        bool looks = false;
        for (size_t i = count; i-- > 0;) {
            looks = looks || p[i].lifetime_s;
            if (looks && !found && dies[p[i].hash] > now) {
                found = p[i].hash;
                read = p[i].tokens;
            }
            last = p[i].lifetime_s && p[i].tokens > last ? p[i].tokens : last;
            last_1h = p[i].lifetime_s == HOUR && p[i].tokens > last_1h ? p[i].tokens : last_1h;
        }
        last_1h = last_1h > read ? last_1h : read;
        expect(ask(p, count, now), read, last > last_1h ? last - last_1h : 0, last_1h - read);
        if (found)
            dies[found] = now + lives[found];
        for (size_t i = 0; i < count; i++) {
            if (p[i].lifetime_s && dies[p[i].hash] <= now)
                lives[p[i].hash] = p[i].lifetime_s;
            if (p[i].lifetime_s)
                dies[p[i].hash] = now + lives[p[i].hash];
        }
        now += (int64_t)(random_u64(&r) % 120);
    }
}
END_TEST

START_TEST(the_dead_make_room)
{
    for (uint64_t i = 1; i < 50000; i++) {
        const struct prefix_place p = {i * UINT64_C(0x9e3779b97f4a7c15), 10, MINUTES_5};
        ask(&p, 1, (int64_t)i * 10);
    }
    ck_assert_uint_lt(kept.size, 1024); /* thirty are alive at a time */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prefixes");
    TCase *t = tcase_create("prefixes");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, without_marks_nothing_is_kept);
    tcase_add_test(t, a_mark_is_written_once_and_read_while_it_lives);
    tcase_add_test(t, an_hour_is_written_apart_from_five_minutes);
    tcase_add_test(t, a_conversation_reads_what_its_last_turn_wrote);
    tcase_add_test(t, what_is_kept_is_looked_for_at_twenty_places_before_a_mark);
    tcase_add_test(t, the_last_place_can_be_marked_afterwards);
    tcase_add_test(t, charges_are_those_of_an_obvious_model);
    tcase_add_test(t, the_dead_make_room);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
