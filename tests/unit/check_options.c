/* The parser of options: kinds of values, ranges, lists, --config, and what is written back. */
#include "cli/options.h"
#include "core/memory.h"
#include "tests/unit/testing.h"

struct sample {
    struct common_options common;
    bool force, probe;
    const char *name, *output;
    struct option_list urls;
    uint64_t count, requests;
    double share, speed;
    int64_t wait_ns;
};

#define AT(field) offsetof(struct sample, field)
static const struct option_spec specs[] = {
    {"force", 'f', OPTION_FLAG, AT(force), .help = "h"},
    {"probe", 0, OPTION_FLAG, AT(probe), "true", .help = "h"},
    {"name", 0, OPTION_TEXT, AT(name), "plain", "NAME", .help = "h"},
    {"output", 'o', OPTION_OUTPUT, AT(output), NULL, "FILE", .help = "h"},
    {"url", 'u', OPTION_LIST, AT(urls), NULL, "URL", .help = "h"},
    {"count", 'n', OPTION_COUNT, AT(count), "3", "N", .max = 5e6, .help = "h"},
    {"requests", 0, OPTION_COUNT, AT(requests), NULL, "N", .max = 100, .help = "h"},
    {"share", 0, OPTION_NUMBER, AT(share), "0.5", "SHARE", .min = 0.1, .max = 1, .help = "h"},
    {"speed", 0, OPTION_NUMBER, AT(speed), NULL, "X", .zero = true, .help = "h"},
    {"wait", 0, OPTION_DURATION, AT(wait_ns), "1s", "TIME", .max = 3600, .help = "h"},
    {0},
};

/* The words may hold anything but blanks. */
static int parse(const char *line, struct sample *out, struct error *err)
{
    char words[512], *argv[32];
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    *out = (struct sample){0};
    *err = (struct error){0};
    return options_parse(specs, argc, argv, out, err);
}

static struct sample parsed(const char *line)
{
    struct sample s;
    struct error err;
    ck_assert_msg(parse(line, &s, &err) == 0, "%s: %s", line, err.message);
    return s;
}

static void refused(const char *line, const char *words)
{
    struct sample s;
    struct error err;
    ck_assert_msg(parse(line, &s, &err) == ERR_INPUT, "%s was taken", line);
    ck_assert_msg(strstr(err.message, words) != NULL, "%s: %s, expected %s", line, err.message,
                  words);
    options_free(&s);
}

START_TEST(without_words_the_defaults_stand)
{
    struct sample s = parsed("");
    ck_assert(!s.force && s.probe && s.common.seed == 1 && !s.common.seed_given);
    ck_assert_str_eq(s.name, "plain");
    ck_assert_uint_eq(s.count, 3);
    ck_assert_int_eq(s.wait_ns, 1000000000);
    ck_assert(!options_given(&s, "count") && !options_typed(&s, "count"));
    options_free(&s);
}
END_TEST

START_TEST(values_stand_behind_a_space_an_equals_sign_or_a_letter)
{
    static const char *const lines[] = {
        "--count 7 --name x a -f -- -b", "a --count=7 --name=x --force -- -b",
        "-n7 -f --name x --force=true a -- -b", "-n 7 --force --name x a -- -b"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct sample s = parsed(lines[i]);
        ck_assert_msg(s.count == 7 && s.force, "%s", lines[i]);
        ck_assert_str_eq(s.name, "x");
        ck_assert_uint_eq(s.common.argument_count, 2);
        ck_assert_str_eq(s.common.arguments[0], "a");
        ck_assert_str_eq(s.common.arguments[1], "-b");
        ck_assert(options_typed(&s, "count"));
        options_free(&s);
    }
    struct sample s = parsed("--probe=false -");
    ck_assert(!s.probe);
    ck_assert_str_eq(s.common.arguments[0], "-"); /* standard input, no option */
    options_free(&s);
}
END_TEST

START_TEST(numbers_have_suffixes_and_durations_units)
{
    static const struct {
        const char *text;
        int64_t ns;
    } durations[] = {{"2", 2000000000}, {"500ms", 500000000},    {"1.5m", 90000000000},
                     {"10us", 10000},   {"0.5h", 1800000000000}, {"7ns", 7}};
    struct sample s = parsed("--count 2k");
    ck_assert_uint_eq(s.count, 2000);
    options_free(&s);
    s = parsed("--count 3M");
    ck_assert_uint_eq(s.count, 3000000);
    options_free(&s);
    for (size_t i = 0; i < COUNT_OF(durations); i++) {
        char line[64];
        snprintf(line, sizeof line, "--wait %s", durations[i].text);
        s = parsed(line);
        ck_assert_msg(s.wait_ns == durations[i].ns, "%s", line);
        options_free(&s);
    }
}
END_TEST

/* 0 is refused where it would be as if nothing had been given. */
START_TEST(ranges_are_kept)
{
    static const char *const bad[] = {"--count 6M",   "--requests 0", "--requests 101",
                                      "--share 0.05", "--share 1.5",  "--share 0",
                                      "--speed -1",   "--wait 2h"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refused(bad[i], "is out of range: expected ");
    refused("--requests 0", "more than 0, at most 100");
    static const char *const beyond[] = {"--count 99999999999999999999",
                                         "--count 9999999999999999G", "--speed 1e400",
                                         "--share -1e999", "--wait 1e300d"};
    for (size_t i = 0; i < COUNT_OF(beyond); i++)
        refused(beyond[i], "is out of range: expected ");
    static const char *const none[] = {"--count 1e3", "--count 0x10", "--count 5x",  "--speed 0x10",
                                       "--speed nan", "--share 1e",   "--wait 1e9x", "--wait inf"};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        refused(none[i], ": expected a ");
    struct sample s = parsed("--count 0 --speed 0 --share 1 --requests 100");
    ck_assert_uint_eq(s.count, 0);
    ck_assert_double_eq(s.share, 1);
    options_free(&s);
}
END_TEST

START_TEST(what_is_no_value_is_refused)
{
    refused("--count", "--count needs a value: N");
    refused("--count 1.5", "expected a whole number, found \"1.5\"");
    refused("--count -1", "is out of range");
    refused("--count 99999999999999999999", "is out of range");
    refused("--share x", "expected a number, found \"x\"");
    refused("--share nan", "expected a number");
    refused("--wait 3x", "expected a duration such as 30s, 500ms or 2h, found \"3x\"");
    refused("--force=maybe", "takes no value (or true, false), found \"maybe\"");
    refused("-fx", "-f takes no value, found \"-fx\"");
    refused("--count 1 --count 1", "--count is given twice: it takes one value");
    refused("--force --force=false", "--force is given twice");
}
END_TEST

START_TEST(an_unknown_option_gets_the_nearest_one)
{
    refused("--cuont 3", "unknown option --cuont; did you mean --count?");
    refused("--jsn", "did you mean --json?");
    refused("--wholly-unknown", "--help lists them");
    refused("-z", "unknown option -z");
}
END_TEST

START_TEST(a_list_grows_with_each_value)
{
    struct sample s = parsed("--url a -u b --url=c");
    ck_assert_uint_eq(s.urls.count, 3);
    ck_assert_str_eq(s.urls.items[1], "b");
    options_free(&s);
}
END_TEST

/* "@" in `line` becomes the file's name. */
static int parse_with(const char *content, const char *line, struct sample *s, struct error *err)
{
    char path[64], words[256];
    int fd = testing_text_file(content, path);
    const char *at = strchr(line, '@');
    snprintf(words, sizeof words, "%.*s%s%s", (int)(at - line), line, path, at + 1);
    int status = parse(words, s, err);
    close(fd);
    return status;
}

START_TEST(a_file_gives_options_and_the_command_line_wins)
{
    static const char file[] = "{\"count\": 8, \"name\": \"a\\tb\", \"url\": [\"x\", \"y\"], "
                               "\"force\": true, \"wait\": \"2s\", \"requests\": null}";
    struct sample s;
    struct error err;
    ck_assert_msg(parse_with(file, "--config @ --count 9 --url z", &s, &err) == 0, "%s",
                  err.message);
    ck_assert_uint_eq(s.count, 9);
    ck_assert_str_eq(s.name, "a\tb");
    ck_assert(s.force && s.wait_ns == 2000000000 && s.requests == 0);
    ck_assert_uint_eq(s.urls.count, 1); /* the list of the command line stands alone */
    ck_assert(options_given(&s, "name") && !options_typed(&s, "name"));
    ck_assert(options_typed(&s, "url"));
    options_free(&s);
    ck_assert_int_eq(parse_with("{\"schema_version\": 1, \"x\": {\"count\": 5}, \"options\": "
                                "{\"count\": 8}, \"machine\": {}}",
                                "--config=@", &s, &err),
                     0);
    ck_assert_uint_eq(s.count, 8); /* a run.json */
    options_free(&s);
}
END_TEST

START_TEST(a_file_is_checked_as_the_command_line_is)
{
    static const struct {
        const char *content, *words;
    } bad[] = {{"{\"cuont\": 1}", "unknown option \"cuont\"; did you mean --count?"},
               {"{\"count\": 6000000}", "is out of range"},
               {"{\"count\": \"x\"}", "expected a whole number"},
               {"{\"count\": 1, \"count\": 1}", "key \"count\" stands twice"},
               {"{\"config\": \"y\"}", "one file does not name another"},
               {"[1]", "expected"},
               {"{\"count\": 1", "expected"}};
    struct sample s;
    struct error err;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        ck_assert_int_eq(parse_with(bad[i].content, "--config @", &s, &err), ERR_INPUT);
        ck_assert_msg(strstr(err.message, bad[i].words) != NULL, "%s: %s", bad[i].content,
                      err.message);
        ck_assert_int_ge(err.line, 1);
        options_free(&s);
    }
}
END_TEST

START_TEST(what_is_written_gives_the_same_options)
{
    struct sample first = parsed("--count 12 --name a\"b -u x -u y --wait 250ms --share 0.75 -f"),
                  second;
    struct buffer text;
    struct json_writer w;
    struct error err;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 0);
    options_write(specs, &first, &w);
    ck_assert_msg(parse_with(text.data, "--config @", &second, &err) == 0, "%s in %s", err.message,
                  text.data);
    ck_assert_uint_eq(second.count, 12);
    ck_assert_str_eq(second.name, "a\"b");
    ck_assert_uint_eq(second.urls.count, 2);
    ck_assert_int_eq(second.wait_ns, first.wait_ns);
    ck_assert_double_eq(second.share, 0.75);
    ck_assert(second.force && second.probe);
    options_free(&first);
    options_free(&second);
    buffer_free(&text);
}
END_TEST

START_TEST(outputs_are_checked_before_any_work)
{
    struct sample s = parsed("-o -");
    struct error err = {0};
    ck_assert_int_eq(options_check_outputs(specs, &s, &err), 0);
    ck_assert(s.common.output_taken);
    options_free(&s);
    s = parsed("-o - --json");
    ck_assert_int_eq(options_check_outputs(specs, &s, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "both want standard output"));
    options_free(&s);
    s = parsed("-o tests/unit/testing.h");
    ck_assert_int_eq(options_check_outputs(specs, &s, &err), ERR_INPUT);
    options_free(&s);
    s = parsed("-f -o tests/unit/testing.h");
    ck_assert_int_eq(options_check_outputs(specs, &s, &err), 0);
    options_free(&s);
    err = (struct error){0};
    s = parsed("-f -o tests/unit/testing.h tests/unit/../unit/testing.h");
    ck_assert_int_eq(options_check_outputs(specs, &s, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "is read and written at once"));
    options_free(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *t = tcase_create("options");
    tcase_add_test(t, without_words_the_defaults_stand);
    tcase_add_test(t, values_stand_behind_a_space_an_equals_sign_or_a_letter);
    tcase_add_test(t, numbers_have_suffixes_and_durations_units);
    tcase_add_test(t, ranges_are_kept);
    tcase_add_test(t, what_is_no_value_is_refused);
    tcase_add_test(t, an_unknown_option_gets_the_nearest_one);
    tcase_add_test(t, a_list_grows_with_each_value);
    tcase_add_test(t, a_file_gives_options_and_the_command_line_wins);
    tcase_add_test(t, a_file_is_checked_as_the_command_line_is);
    tcase_add_test(t, what_is_written_gives_the_same_options);
    tcase_add_test(t, outputs_are_checked_before_any_work);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
