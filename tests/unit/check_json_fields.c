/* Tables of JSON keys: every kind there and back, places of errors, what is left out. */
#include "core/clock.h"
#include "core/json/json_fields.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

enum colour { RED, GREEN, BLUE };
static const char *const colours[] = {"red", "green", "blue", NULL};
static const char *const sizes[] = {"small", "large", NULL};

struct wheel {
    double radius;
    enum colour colour;
};

struct car {
    bool open_top, has_price, lit;
    uint8_t doors;
    uint16_t year;
    uint32_t km;
    uint64_t serial;
    int16_t height;
    int64_t offset;
    int64_t built_ns, sold_ns, wait_ns;
    double weight, share;
    char *owner, *plate, *extras;
    char model[8];
    enum colour colour;
    const char *size;
    money price;
    struct wheel spare;
    struct wheel *wheels;
    size_t wheel_count;
    uint64_t tanks[3];
    struct {
        uint32_t seats;
    } inside;
    int odd;
};

static void check_wheel(struct json_scan *s, void *object, uint64_t seen)
{
    const struct wheel *w = object;
    if (w->colour == BLUE && (seen & 1))
        json_fail(s, "a blue wheel has no radius");
}

#define WHEEL(member) JSON_AT(struct wheel, member)
static const struct json_field wheel_rows[] = {
    {"radius", JSON_AS_DOUBLE, WHEEL(radius), 0, 10},
    {"colour", JSON_AS_CHOICE, WHEEL(colour), .names = colours, .what = "colour", .required = true},
};
static const struct json_table wheel_table = {JSON_ROWS(wheel_rows), .where = "a wheel of",
                                              .needs = "a wheel needs \"colour\"",
                                              .check = check_wheel};

static void read_odd(struct json_scan *s, const struct json_field *f, void *member)
{
    uint64_t value = 0;
    ck_assert_str_eq(f->name, "odd");
    if (json_u64(s, 0, 99, &value) && value % 2 == 0)
        json_fail(s, "this is even");
    *(int *)member = (int)value;
    if (s->context)
        ++*(int *)s->context;
}

static void write_odd(struct json_writer *w, const struct json_field *f, const void *member)
{
    ck_assert_str_eq(f->name, "odd");
    json_put_i64(w, *(const int *)member);
}

static bool is_one(const void *member)
{
    return *(const int *)member == 1;
}

#define CAR(member) JSON_AT(struct car, member)
static const struct json_field inside_rows[] = {
    {"seats", JSON_AS_UINT, .size = sizeof(uint32_t), .max = 9}};
static const struct json_table inside_table = {JSON_ROWS(inside_rows)};
static const struct json_field wheel_item = {NULL, JSON_AS_OBJECT, .size = sizeof(struct wheel),
                                             .table = &wheel_table};
static const struct json_field tank_item = {NULL, JSON_AS_UINT, .size = sizeof(uint64_t),
                                            .optional = true};
static const char *const tank_names[] = {"front", "middle", "back", NULL};

static const struct json_field car_rows[] = {
    {"open_top", JSON_AS_BOOL, CAR(open_top)},
    {"lit", JSON_AS_BOOL, CAR(lit), .optional = true},
    {"doors", JSON_AS_UINT, CAR(doors)},
    {"year", JSON_AS_UINT, CAR(year), 1886, 2100},
    {"km", JSON_AS_UINT, CAR(km), .optional = true},
    {"serial", JSON_AS_UINT, CAR(serial)},
    {"height", JSON_AS_INT, CAR(height)},
    {"offset", JSON_AS_INT, CAR(offset), -5, 5},
    {"built_ns", JSON_AS_NS, CAR(built_ns)},
    {"sold_ns", JSON_AS_NS, CAR(sold_ns)},
    {"wait", JSON_AS_MS, CAR(wait_ns)},
    {"weight", JSON_AS_DOUBLE, CAR(weight), .optional = true},
    {"share", JSON_AS_FIGURE, CAR(share)},
    {"owner", JSON_AS_STRING, CAR(owner), .max = 12},
    {"plate", JSON_AS_STRING, CAR(plate), .optional = true},
    {"extras", JSON_AS_RAW, CAR(extras), .max = 10, .optional = true},
    {"model", JSON_AS_CHARS, CAR(model)},
    {"colour", JSON_AS_CHOICE, CAR(colour), .names = colours, .what = "colour"},
    {"size", JSON_AS_NAME, CAR(size), .names = sizes},
    {"price", JSON_AS_MONEY, CAR(price), JSON_HAS(struct car, has_price)},
    {"spare", JSON_AS_OBJECT, CAR(spare), .table = &wheel_table, .groups = 2},
    {"wheels", JSON_AS_LIST, CAR(wheels), .max = 5, .what = "wheels", .item = &wheel_item,
     .count = offsetof(struct car, wheel_count), .optional = true},
    {NULL, JSON_AS_EACH, CAR(tanks), .item = &tank_item, .names = tank_names},
    {NULL, JSON_AS_INLINE, CAR(inside), .table = &inside_table},
    {"odd", JSON_AS_OTHER, CAR(odd), .read = read_odd, .write = write_odd, .is_nothing = is_one},
    {.name = "comment"},
};
static const struct json_table car_table = {JSON_ROWS(car_rows), .where = "the car"};

static const char whole[] =
    "{\"open_top\": true, \"doors\": 255, \"year\": 1999, \"km\": 4294967295, \"serial\": "
    "18446744073709551615, \"height\": -32768, \"offset\": -5, \"built_ns\": 0, \"wait\": 1.5, "
    "\"weight\": 1e-09, \"share\": 0.333333, \"owner\": \"J \\\"X\\\" \xc3\xa9\", \"extras\": "
    "{\"a\" : 1}, \"model\": "
    "\"T-Model\", \"colour\": \"blue\", \"size\": \"large\", \"price\": \"0.000000000001\", "
    "\"wheels\": [{\"radius\": 0.5, \"colour\": \"red\"}, {\"radius\": 0.25, \"colour\": "
    "\"green\"}, {\"radius\": 1, \"colour\": \"red\"}], \"front\": 7, \"back\": 8, \"seats\": 4, "
    "\"odd\": 3}";

static void drop(struct car *c)
{
    free(c->owner);
    free(c->plate);
    free(c->extras);
    free(c->wheels);
}

/* Reads a text; the error's message, or "" where there was none. */
static const char *read_as(const struct json_table *t, const char *text, struct car *c)
{
    static char message[1200];
    struct json_scan s;
    struct error err = {0};
    *c = (struct car){.built_ns = TIME_NEVER, .sold_ns = TIME_NEVER, .odd = 1};
    json_scan_init(&s, "car.json", text, strlen(text), 1);
    json_fields_read(&s, t, c);
    message[0] = '\0';
    if (json_scan_end(&s, &err) < 0)
        error_format(&err, message, sizeof message);
    return message;
}

static void refuses(const struct json_table *t, const char *text, const char *message)
{
    struct car c;
    ck_assert_str_eq(read_as(t, text, &c), message);
    drop(&c);
}

static char *written(const struct car *c, unsigned groups)
{
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, BUFFER_UNBOUNDED);
    json_write_init(&w, &out, 0);
    json_fields_write(&w, &car_table, c, groups);
    return buffer_take(&out);
}

START_TEST(every_kind_comes_back_as_it_was_written)
{
    struct car c;
    ck_assert_str_eq(read_as(&car_table, whole, &c), "");
    ck_assert_uint_eq(c.doors, 255);
    ck_assert_uint_eq(c.km, UINT32_MAX);
    ck_assert_uint_eq(c.serial, UINT64_MAX);
    ck_assert_int_eq(c.height, INT16_MIN);
    ck_assert_int_eq(c.wait_ns, 1500000);
    ck_assert_int_eq(c.colour, BLUE);
    ck_assert_ptr_eq(c.size, sizes[1]);
    ck_assert(c.has_price && c.price == MONEY_PICO_USD);
    ck_assert_uint_eq(c.wheel_count, 3);
    ck_assert_int_eq(c.wheels[1].colour, GREEN);
    ck_assert_uint_eq(c.tanks[2], 8);
    ck_assert_uint_eq(c.inside.seats, 4);
    char *back = written(&c, 0);
    ck_assert_str_eq(back, whole);
    free(back);
    drop(&c);
}
END_TEST

START_TEST(keys_may_stand_in_any_order)
{
    struct car c;
    ck_assert_str_eq(read_as(&car_table,
                             "{\"odd\": 5, \"seats\": 2, \"back\": 1, \"comment\": [{}], \"lit\": "
                             "true, \"doors\": 3, \"front\": 9}",
                             &c),
                     "");
    ck_assert_int_eq(c.odd, 5);
    ck_assert_uint_eq(c.inside.seats, 2);
    ck_assert_uint_eq(c.tanks[0], 9);
    ck_assert_uint_eq(c.tanks[2], 1);
    ck_assert_uint_eq(c.doors, 3);
    ck_assert(c.lit);
    drop(&c);
}
END_TEST

START_TEST(what_holds_nothing_is_left_out_and_groups_are_asked_for)
{
    struct car c = {.built_ns = TIME_NEVER,
                    .sold_ns = TIME_NEVER,
                    .weight = NAN,
                    .share = NAN,
                    .size = sizes[0],
                    .odd = 1,
                    .spare = {2, GREEN}};
    char *text = written(&c, 1);
    ck_assert_str_eq(text, "{\"open_top\": false, \"doors\": 0, \"year\": 0, \"serial\": 0, "
                           "\"height\": 0, \"offset\": 0, \"wait\": 0, \"share\": null, \"owner\": "
                           "null, \"model\": \"\", \"colour\": \"red\", \"size\": \"small\", "
                           "\"seats\": 0}");
    free(text);
    text = written(&c, 3);
    ck_assert_ptr_nonnull(strstr(text, "\"spare\": {\"radius\": 2, \"colour\": \"green\"}"));
    free(text);
}
END_TEST

START_TEST(errors_say_where_and_what_would_be_right)
{
    const struct json_table *t = &car_table;
    refuses(t, "{\"doors\": 1,\n \"yaer\": 1}",
            "car.json:2:2: unknown key \"yaer\" in the car; did you mean \"year\"?");
    refuses(t, "{\"midle\": 1}",
            "car.json:1:2: unknown key \"midle\" in the car; did you mean \"middle\"?");
    refuses(t, "{\"wheels\": [{\"colr\": 1}]}",
            "car.json:1:14: unknown key \"colr\" in a wheel of the car; did you mean \"colour\"?");
    refuses(t, "{\"doors\": 256}",
            "car.json:1:11: expected a whole number from 0 to 255, found 256");
    refuses(t, "{\"year\": 1885}",
            "car.json:1:10: expected a whole number from 1886 to 2100, found 1885");
    refuses(t, "{\"height\": 32768}",
            "car.json:1:12: expected a whole number from -32768 to 32767, found 32768");
    refuses(t, "{\"offset\": 6}", "car.json:1:12: expected a whole number from -5 to 5, found 6");
    refuses(t, "{\"built_ns\": -1}",
            "car.json:1:14: expected a whole number from 0 to 9223372036854775806, found -1");
    refuses(t, "{\"wait\": -1}", "car.json:1:10: expected a time from 0 to 292 years, found -1");
    refuses(t, "{\"owner\": \"longer than 12\"}",
            "car.json:1:11: this string is longer than 12 bytes");
    refuses(t, "{\"extras\": [1]}", "car.json:1:12: expected an object, found [1");
    refuses(t, "{\"extras\": {\"ab\": 123}}", "car.json:1:12: this object is longer than 10 bytes");
    refuses(t, "{\"model\": \"T-Models\"}", "car.json:1:11: this string is longer than 7 bytes");
    refuses(t, "{\"colour\": \"gren\"}",
            "car.json:1:12: unknown colour \"gren\"; did you mean \"green\"?");
    refuses(t, "{\"colour\": \"ultraviolet\"}",
            "car.json:1:12: unknown colour \"ultraviolet\"; known: \"red\", \"green\", \"blue\"");
    refuses(t, "{\"size\": \"huge\"}",
            "car.json:1:10: expected one of \"small\", \"large\", found \"huge\"");
    refuses(t, "{\"price\": \"1e-25\"}",
            "car.json:1:11: \"1e-25\" is finer than 1e-24 USD per unit, which "
            "is the smallest price kept exactly");
    refuses(t, "{\"odd\": 4}", "car.json:1:9: this is even");
    refuses(t, "{\"lit\": 1}", "car.json:1:9: expected true or false, found 1");
    refuses(t, "[]", "car.json:1:1: expected an object, found [");
}
END_TEST

START_TEST(objects_are_checked_when_they_end)
{
    const struct json_table *t = &car_table;
    refuses(t, "{\"wheels\": [ {\"radius\": 1}]}", "car.json:1:14: a wheel needs \"colour\"");
    refuses(t, "{\"spare\": {\"colour\": \"blue\", \"radius\": 1}}",
            "car.json:1:11: a blue wheel has no radius");
    refuses(t, "{\"spare\": {\"colour\": \"blue\"}}", "");
    refuses(t,
            "{\"wheels\": [{\"colour\": \"red\"}, {\"colour\": \"red\"}, {\"colour\": \"red\"},"
            "{\"colour\": \"red\"}, {\"colour\": \"red\"}, {\"colour\": \"red\"}]}",
            "car.json:1:107: more than 5 wheels");
}
END_TEST

static void count_other(struct json_scan *s, void *object, struct text key)
{
    struct car *c = object;
    c->doors = (uint8_t)(c->doors + key.length);
    json_skip(s, NULL);
}

START_TEST(a_table_says_what_happens_to_odd_keys)
{
    struct car c;
    struct json_table t = car_table;
    refuses(&t, "{\"doors\": 1, \"doors\": 2}", "");
    t.once = true;
    refuses(&t, "{\"doors\": 1, \"doors\": 2}", "car.json:1:14: key \"doors\" stands twice");
    refuses(&t, "{\"front\": 1, \"back\": 2, \"odd\": 1}", "");
    refuses(&t, "{\"doors\": null}", "car.json:1:11: expected a number, found null");
    t.nulls = true;
    refuses(&t, "{\"doors\": null, \"doors\": 2}", "");
    t.open = true;
    refuses(&t, "{\"wings\": {\"a\": [1]}, \"doors\": 2}", "");
    t.other = count_other;
    ck_assert_str_eq(read_as(&t, "{\"wings\": 1, \"fin\": 2}", &c), "");
    ck_assert_uint_eq(c.doors, 8);
    drop(&c);
}
END_TEST

static void name_car(const struct json_scan *s, const void *object, char out[JSON_WHERE_SIZE])
{
    const struct car *c = object;
    ck_assert_str_eq(s->file, "car.json");
    snprintf(out, JSON_WHERE_SIZE, "the car of %s", c->owner ? c->owner : "nobody");
}

START_TEST(an_object_is_called_by_what_was_read_of_it)
{
    struct json_table t = car_table;
    t.name = name_car;
    refuses(&t, "{\"owner\": \"Ann\", \"spare\": {\"x\": 1}}",
            "car.json:1:28: unknown key \"x\" in a wheel of the car of Ann; known are "
            "\"radius\", \"colour\"");
    refuses(&t, "{\"xyzzy\": 1}", "car.json:1:2: unknown key \"xyzzy\" in the car of nobody");
}
END_TEST

START_TEST(a_reader_tells_what_it_saw_and_keeps_a_context)
{
    struct json_scan s;
    struct car c = {0};
    int calls = 0;
    const char text[] = "{\"lit\": true, \"back\": 1, \"odd\": 7}";
    json_scan_init(&s, "car.json", text, strlen(text), 1);
    s.context = &calls;
    uint64_t seen = json_fields_read(&s, &car_table, &c);
    ck_assert_uint_eq(seen, 1u << 1 | 1u << 22 | 1u << 24);
    ck_assert_int_eq(json_scan_end(&s, NULL), 0);
    ck_assert_int_eq(calls, 1);
    ck_assert_ptr_null(s.inside);
}
END_TEST

START_TEST(times_and_doubles_are_cleared)
{
    struct car c = {.doors = 3};
    json_fields_clear(&car_table, &c);
    ck_assert(c.built_ns == TIME_NEVER && c.sold_ns == TIME_NEVER);
    ck_assert(isnan(c.weight) && isnan(c.share) && isnan(c.spare.radius));
    ck_assert_uint_eq(c.doors, 3);
}
END_TEST

START_TEST(the_known_keys_come_with_those_inside)
{
    const char *names[65];
    ck_assert_uint_eq(json_fields_names(&car_table, names, 64), 28);
    ck_assert_str_eq(names[22], "front");
    ck_assert_str_eq(names[25], "seats");
    ck_assert_str_eq(names[27], "comment");
    ck_assert_ptr_null(names[28]);
    ck_assert_uint_eq(json_fields_names(&car_table, names, 22), 22);
    ck_assert_ptr_null(names[22]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_fields");
    TCase *tcase = tcase_create("json_fields");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, every_kind_comes_back_as_it_was_written);
    tcase_add_test(tcase, keys_may_stand_in_any_order);
    tcase_add_test(tcase, what_holds_nothing_is_left_out_and_groups_are_asked_for);
    tcase_add_test(tcase, errors_say_where_and_what_would_be_right);
    tcase_add_test(tcase, objects_are_checked_when_they_end);
    tcase_add_test(tcase, a_table_says_what_happens_to_odd_keys);
    tcase_add_test(tcase, an_object_is_called_by_what_was_read_of_it);
    tcase_add_test(tcase, a_reader_tells_what_it_saw_and_keeps_a_context);
    tcase_add_test(tcase, times_and_doubles_are_cleared);
    tcase_add_test(tcase, the_known_keys_come_with_those_inside);
    return testing_run(suite);
}
