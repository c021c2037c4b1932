/* The JSON scanner and writer: values, positions, every cut and every wrong byte. */
#include "core/json/json_scan.h"
#include "core/json/json_write.h"
#include "core/memory.h"
#include "tests/unit/testing.h"

#include <string.h>
#include <sys/mman.h>

static int skip_all(const char *text, size_t length, struct error *err)
{
    struct json_scan s;
    json_scan_init(&s, "t.json", text, length, 1);
    json_skip(&s, NULL);
    return json_scan_end(&s, err);
}

static const char document[] =
    "{\"a\": [1, -2.5e3, true, false, null], \"b\\n\\u00e9\": {\"c\": \"x\\\"y\"}, \"d\": [],"
    " \"e\": {}, \"\xc3\xa9\": \"\xf0\x9f\x98\x80\"}";

START_TEST(accepts_what_is_json_and_nothing_cut_short)
{
    size_t length = strlen(document);
    ck_assert_int_eq(skip_all(document, length, NULL), 0);
    for (size_t cut = 0; cut < length; cut++)
        ck_assert_msg(skip_all(document, cut, NULL) < 0, "cut at %zu", cut);
}
END_TEST

START_TEST(never_reads_past_the_end)
{
    /* The text ends where the page ends: one byte more would be a crash. */
    size_t page = (size_t)sysconf(_SC_PAGESIZE), length = strlen(document);
    char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    ck_assert_int_eq(mprotect(map + page, page, PROT_NONE), 0);
    for (size_t cut = 0; cut <= length; cut++) {
        char *at = map + page - cut;
        memcpy(at, document, cut);
        ck_assert_int_eq(skip_all(at, cut, NULL) == 0, cut == length);
    }
    munmap(map, 2 * page);
}
END_TEST

START_TEST(refuses_what_is_not_json)
{
    static const char *const bad[] = {
        "[1,]",  "{\"a\":1,}", "[01]",      "[1.]",        "[.5]",
        "[1e]",  "[+1]",       "[nan]",     "{a:1}",       "['x']",
        "[1 2]", "{\"a\" 1}",  "[\"\\x\"]", "[\"\\u12\"]", "[\"\t\"]",
        "[1]]",  "",           "  ",        "[\"\xc3\"]",  "[\"\xed\xa0\x80\"]",
        "1 2",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(skip_all(bad[i], strlen(bad[i]), NULL) == ERR_INPUT, "%s", bad[i]);
    struct buffer deep;
    buffer_init(&deep, 4096);
    for (int i = 0; i < 1000; i++)
        buffer_add_byte(&deep, '[');
    struct error err = {0};
    ck_assert_int_eq(skip_all(deep.data, deep.length, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "too deeply"));
    buffer_free(&deep);
}
END_TEST

START_TEST(errors_name_line_column_and_what_was_expected)
{
    const char *text = "{\n  \"name\": \"p\",\n  \"rpm\": -3\n}";
    struct json_scan s;
    struct text key, name;
    struct error err = {0};
    uint64_t rpm = 7;
    json_scan_init(&s, "plans.json", text, strlen(text), 11);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "name"))
            json_string(&s, &name);
        else
            json_u64(&s, 0, 100, &rpm);
    }
    ck_assert_int_eq(json_scan_end(&s, &err), ERR_INPUT);
    ck_assert_str_eq(err.file, "plans.json");
    ck_assert_int_eq(err.line, 13);
    ck_assert_int_eq(err.column, 10);
    ck_assert_str_eq(err.message, "expected a whole number from 0 to 100, found -3");
    ck_assert_uint_eq(rpm, 7);
}
END_TEST

START_TEST(a_value_of_another_kind_is_passed_over)
{
    const char *text = "[{\"a\": 1}, [{}], null, 2, \"x\"";
    struct json_scan s;
    struct text key;
    struct error err = {0};
    int objects = 0, elements = 0;
    json_scan_init(&s, "t", text, strlen(text), 1);
    json_array_begin(&s);
    for (; json_array_next(&s); elements++) {
        if (!json_skip_unless(&s, JSON_OBJECT))
            continue;
        json_object_begin(&s);
        while (json_object_next(&s, &key))
            ck_assert(json_skip_unless(&s, JSON_NUMBER) && json_skip(&s, NULL));
        objects++;
    }
    ck_assert_int_eq(objects, 1);
    ck_assert_int_eq(elements, 5);
    ck_assert(!json_skip_unless(&s, JSON_STRING)); /* errors stick */
    ck_assert_int_eq(json_scan_end(&s, &err), ERR_INPUT);
    ck_assert_str_eq(err.message, "expected ',' or ']', found the end of the text");
}
END_TEST

START_TEST(unknown_keys_get_the_nearest_known_one)
{
    static const char *const known[] = {"per_mtok", "per_request", NULL};
    const char *text = "{\"per_mtokens\": 1}";
    struct json_scan s;
    struct text key;
    struct error err = {0};
    json_scan_init(&s, "p", text, strlen(text), 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key))
        json_unknown_key(&s, key, known, "plan \"x\"");
    json_scan_end(&s, &err);
    ck_assert_str_eq(err.message,
                     "unknown key \"per_mtokens\" in plan \"x\"; did you mean \"per_mtok\"?");
    ck_assert_int_eq(err.column, 2);
}
END_TEST

START_TEST(strings_survive_writing_and_reading)
{
    static const char *const texts[] = {"",
                                        "plain",
                                        "q\"b\\s/",
                                        "\n\t\r\b\f\x01\x1f",
                                        "\xc3\xa9\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80 end",
                                        "\xc3\xa9\"q\\", /* an escape right behind */
                                        "\xe2\x82\xac\n\xc3\xa9\t\xf0\x9f\x98\x80\"",
                                        "a\xc3\xa9"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer out;
        struct json_scan s;
        char *copy = NULL;
        buffer_init(&out, 1000);
        json_escape(&out, text_of(texts[i]));
        json_scan_init(&s, "t", out.data, out.length, 1);
        ck_assert_msg(json_string_copy(&s, 100, &copy), "%s", out.data);
        ck_assert_int_eq(json_scan_end(&s, NULL), 0);
        ck_assert_str_eq(copy, texts[i]);
        free(copy);
        buffer_free(&out);
    }
}
END_TEST

START_TEST(wrong_bytes_become_replacement_characters)
{
    struct buffer out;
    buffer_init(&out, 1000);
    json_escape(&out, text_of("a\xff"
                              "b\xc3"));
    ck_assert_str_eq(out.data, "\"a\xEF\xBF\xBD"
                               "b\xEF\xBF\xBD\"");
    buffer_free(&out);
}
END_TEST

START_TEST(members_are_found_in_objects_alone)
{
    const char *object = "{\"a\": {\"user\": 1}, \"user\": \"u\\n1\", \"n\": [1, 2], \"e\": \"\"}";
    struct text value;
    ck_assert(json_member(object, "user", &value) && text_equal(value, "u\\n1"));
    ck_assert(json_member(object, "n", &value) && text_equal(value, "[1, 2]"));
    ck_assert(json_member(object, "e", &value) && value.length == 0);
    ck_assert(!json_member(object, "use", &value));
    static const char *const bad[] = {"", "[]", "\"user\"", "{\"user\": }", "{\"x\": 1", "{,"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!json_member(bad[i], "user", &value), "%s", bad[i]);
}
END_TEST

START_TEST(escapes_resolve_surrogate_pairs)
{
    struct buffer out;
    buffer_init(&out, 100);
    ck_assert(json_unescape(text_of("\\ud83d\\ude00\\u00e9\\ud800x\\/"), &out));
    ck_assert_str_eq(out.data, "\xf0\x9f\x98\x80\xc3\xa9\xEF\xBF\xBDx/");
    buffer_free(&out);
    buffer_init(&out, 3);
    ck_assert(json_unescape((struct text){NULL, 0}, &out));
    ck_assert(!json_unescape(text_of("abcd"), &out));
    buffer_free(&out);
}
END_TEST

START_TEST(writes_numbers_that_read_back)
{
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, 10000);
    json_write_init(&w, &out, 0);
    json_begin_object(&w);
    json_key(&w, "ms");
    json_put_ms(&w, 1234567);
    json_key(&w, "neg");
    json_put_ms(&w, -1500000);
    json_key(&w, "whole");
    json_put_ms(&w, 20000000);
    json_key(&w, "d");
    json_put_double(&w, 0.1);
    json_key(&w, "third");
    json_put_double(&w, 1.0 / 3);
    json_key(&w, "stat");
    json_put_statistic(&w, 1234.56789);
    json_key(&w, "nan");
    json_put_double(&w, 0.0 / 0.0);
    json_key(&w, "min");
    json_put_i64(&w, INT64_MIN);
    json_key(&w, "a");
    json_begin_array(&w);
    json_end_array(&w);
    json_end_object(&w);
    ck_assert_str_eq(out.data, "{\"ms\": 1.234567, \"neg\": -1.5, \"whole\": 20, \"d\": 0.1, "
                               "\"third\": 0.3333333333333333, \"stat\": 1234.57, \"nan\": null, "
                               "\"min\": -9223372036854775808, \"a\": []}");
    ck_assert_int_eq(skip_all(out.data, out.length, NULL), 0);
    buffer_free(&out);
}
END_TEST

START_TEST(pairs_are_a_key_and_a_value)
{
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, 10000);
    json_write_init(&w, &out, 0);
    json_begin_object(&w);
    json_pair_string(&w, "s", "a\"b");
    json_pair_string(&w, "none", NULL);
    json_pair_u64(&w, "u", UINT64_MAX);
    json_pair_i64(&w, "i", -1);
    json_pair_bool(&w, "b", true);
    json_pair_double(&w, "d", 1.0 / 3);
    json_pair_statistic(&w, "stat", 1.0 / 3);
    json_pair_statistics(&w, "stats", (double[]){2, 1.0 / 3}, 2);
    json_pair_ms(&w, "ms", 1500000);
    json_pair_money(&w, "usd", MONEY_USD / 4);
    json_pair_raw(&w, "raw", text_of("[1]"));
    json_end_object(&w);
    ck_assert_str_eq(
        out.data,
        "{\"s\": \"a\\\"b\", \"none\": null, "
        "\"u\": 18446744073709551615, \"i\": -1, \"b\": true, "
        "\"d\": 0.3333333333333333, \"stat\": 0.333333, \"stats\": [2, 0.333333], \"ms\": 1.5, "
        "\"usd\": \"0.25\", \"raw\": [1]}");
    buffer_free(&out);
}
END_TEST

START_TEST(what_is_not_known_is_null)
{
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, 10000);
    json_write_init(&w, &out, 0);
    json_begin_object(&w);
    json_pair_known_u64(&w, "u", true, 7);
    json_pair_known_u64(&w, "no_u", false, 7);
    json_pair_known_money(&w, "usd", true, MONEY_USD / 4);
    json_pair_known_money(&w, "no_usd", false, MONEY_USD / 4);
    json_pair_instant(&w, "at", 86400 * NS_PER_S + 5 * NS_PER_MS);
    json_pair_instant(&w, "never", TIME_NEVER);
    json_end_object(&w);
    ck_assert_str_eq(out.data, "{\"u\": 7, \"no_u\": null, \"usd\": \"0.25\", \"no_usd\": null, "
                               "\"at\": \"1970-01-02T00:00:00.005Z\", \"never\": null}");
    buffer_free(&out);
}
END_TEST

/* Takes the text as an array of numbers; their count, or -1. */
static int take_numbers(const char *text, size_t length, uint64_t **items)
{
    struct json_scan s;
    size_t capacity = 0, count;
    *items = NULL;
    json_scan_init(&s, "t", text, length, 1);
    bool good = json_u64_array(&s, items, &capacity, &count);
    return json_scan_end(&s, NULL) == 0 && good ? (int)count : -1;
}

START_TEST(arrays_of_numbers_are_taken_whole)
{
    static const struct {
        const char *text;
        int count;
        uint64_t last;
    } cases[] = {
        {"[]", 0, 0},
        {"[ ]", 0, 0},
        {"[7]", 1, 7},
        {"[0, 1,2 ,  3,\t4]", 5, 4},
        {"[1, 18446744073709551615]", 2, UINT64_MAX},
        {"[1, 9999999999999999999, 5]", 3, 5},
        {"[1, 18446744073709551616]", -1, 0},
        {"[01]", -1, 0},
        {"[1, 01]", -1, 0},
        {"[1,]", -1, 0},
        {"[,1]", -1, 0},
        {"[1 2]", -1, 0},
        {"[1.0]", -1, 0},
        {"[-1]", -1, 0},
        {"[1, \"2\"]", -1, 0},
        {"[1]]", -1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t *items;
        int count = take_numbers(cases[i].text, strlen(cases[i].text), &items);
        ck_assert_msg(count == cases[i].count, "%s gave %d", cases[i].text, count);
        if (count > 0)
            ck_assert_uint_eq(items[count - 1], cases[i].last);
        free(items);
    }
    const char *whole = "[10, 200, 3000]";
    for (size_t cut = 0; cut < strlen(whole); cut++) {
        uint64_t *items;
        ck_assert_int_eq(take_numbers(whole, cut, &items), -1);
        free(items);
    }
}
END_TEST

/* Runs of plain bytes are passed eight at a time: what ends one is found at every place. */
START_TEST(a_string_ends_where_its_first_odd_byte_says)
{
    static const struct {
        const char *bytes;
        bool good;
    } odd[] = {{"\\n", true}, {"\xc3\xa9", true}, {"\x7f", true}, {"\x1f", false},
               {"\n", false}, {"\\q", false},     {"\xe9", false}};
    for (size_t length = 0; length < 40; length++)
        for (size_t at = 0; at <= length; at++)
            for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
                char text[64];
                struct json_scan s;
                struct text raw;
                size_t n = strlen(odd[k].bytes), whole = length + n;
                memset(text, 'a' + (int)(at % 3), sizeof text);
                text[0] = '"';
                memcpy(text + 1 + at, odd[k].bytes, n);
                text[1 + whole] = '"';
                json_scan_init(&s, "", text, whole + 2 + at % 9, 1); /* with bytes behind it */
                ck_assert(json_string(&s, &raw) == odd[k].good);
                ck_assert(!odd[k].good || (raw.at == text + 1 && raw.length == whole));
                json_scan_init(&s, "", text, whole + 1, 1);
                ck_assert(!json_string(&s, &raw));
            }
}
END_TEST

/* Texts are checked eight bytes at once: no place in them is passed over. */
START_TEST(an_odd_byte_is_escaped_wherever_it_stands)
{
    static const char odd[] = {'"', '\\', '\n', 0x1F, 0x7F, ' ', '!', '[', ']', '#', (char)0x80};
    for (size_t length = 1; length <= 20; length++)
        for (size_t at = 0; at < length; at++)
            for (size_t k = 0; k < sizeof odd; k++) {
                char text[21], expected[48];
                struct buffer b;
                memset(text, 'a', sizeof text);
                text[at] = odd[k];
                const char *as = odd[k] == '"'                   ? "\\\""
                                 : odd[k] == '\\'                ? "\\\\"
                                 : odd[k] == '\n'                ? "\\n"
                                 : odd[k] == 0x1F                ? "\\u001f"
                                 : (unsigned char)odd[k] >= 0x80 ? "\xEF\xBF\xBD"
                                                                 : (char[]){odd[k], 0};
                snprintf(expected, sizeof expected, "\"%.*s%s%.*s\"", (int)at, text, as,
                         (int)(length - at - 1), text + at + 1);
                buffer_init(&b, BUFFER_UNBOUNDED);
                json_escape(&b, (struct text){text, length});
                ck_assert_str_eq(b.data, expected);
                buffer_free(&b);
            }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("all");
    tcase_add_test(t, a_string_ends_where_its_first_odd_byte_says);
    tcase_add_test(t, accepts_what_is_json_and_nothing_cut_short);
    tcase_add_test(t, never_reads_past_the_end);
    tcase_add_test(t, refuses_what_is_not_json);
    tcase_add_test(t, errors_name_line_column_and_what_was_expected);
    tcase_add_test(t, a_value_of_another_kind_is_passed_over);
    tcase_add_test(t, unknown_keys_get_the_nearest_known_one);
    tcase_add_test(t, strings_survive_writing_and_reading);
    tcase_add_test(t, wrong_bytes_become_replacement_characters);
    tcase_add_test(t, members_are_found_in_objects_alone);
    tcase_add_test(t, escapes_resolve_surrogate_pairs);
    tcase_add_test(t, writes_numbers_that_read_back);
    tcase_add_test(t, pairs_are_a_key_and_a_value);
    tcase_add_test(t, what_is_not_known_is_null);
    tcase_add_test(t, arrays_of_numbers_are_taken_whole);
    tcase_add_test(t, an_odd_byte_is_escaped_wherever_it_stands);
    suite_add_tcase(s, t);
    return testing_run(s);
}
