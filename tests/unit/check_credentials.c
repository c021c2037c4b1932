/* Whose credentials go where: keys of several URLs, what a URL, a header and a body hold, and what
 * is told of secrets on the command line. */
#include "bench/client/credentials.h"
#include "core/memory.h"
#include "tests/unit/testing.h"

#include <string.h>

#define LIST(...)                                                            \
    {                                                                        \
        .items = (const char *const[]){__VA_ARGS__},                         \
        .count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *) \
    }

static struct credentials read_good(const struct credential_sources *from)
{
    struct credentials c;
    struct error err = {0};
    ck_assert_msg(credentials_read(from, &c, &err) == 0, "%s", err.message);
    return c;
}

static void refused(const struct credential_sources *from, const char *words)
{
    struct credentials c;
    struct error err = {0};
    ck_assert_int_eq(credentials_read(from, &c, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, words) != NULL, "%s: expected %s", err.message, words);
    credentials_free(&c);
}

static bool is_word(const struct credentials *c, const char *word)
{
    for (size_t i = 0; i < c->word_count; i++)
        if (strcmp(c->words[i], word) == 0)
            return true;
    return false;
}

START_TEST(a_key_for_all_or_for_each)
{
    setenv("CHECK_KEY_A", "sk-a", 1);
    setenv("CHECK_KEY_B", "sk-b", 1);
    struct credential_sources from = {.urls = LIST("http://a/v1", "http://b/v1", "http://c/v1"),
                                      .key_variables = LIST("CHECK_KEY_A")};
    struct credentials c = read_good(&from);
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(c.sites[i].key, "sk-a");
    credentials_free(&c);
    from.key_variables = (struct credential_list)LIST("CHECK_KEY_B", "none", "CHECK_KEY_A");
    c = read_good(&from);
    ck_assert_str_eq(c.sites[0].key, "sk-b");
    ck_assert_ptr_null(c.sites[1].key);
    ck_assert_str_eq(c.sites[2].key, "sk-a");
    credentials_free(&c);
    from.key_variables.count = 2;
    refused(&from, "2 --api-key-env and 3 --url do not pair");
    from.key_variables = (struct credential_list)LIST("CHECK_KEY_NONE");
    refused(&from, "the environment has no such key");
    from.key_files = (struct credential_list)LIST("x");
    refused(&from, "exclude each other");
}
END_TEST

START_TEST(a_key_file_gives_its_first_line)
{
    char path[64];
    int fd = testing_text_file("sk-file \t\r\nmore\n", path);
    struct credential_sources from = {.urls = LIST("http://a/v1"), .key_files = LIST(path)};
    struct credentials c = read_good(&from);
    ck_assert_str_eq(c.sites[0].key, "sk-file");
    credentials_free(&c);
    close(fd);
    refused(&from, "cannot be opened");
    fd = testing_text_file("\nsk-second\n", path);
    refused(&from, "holds no key in its first line");
    close(fd);
}
END_TEST

/* The default key goes to one host only; an endpoint of our own and one with a password need none.
 */
START_TEST(the_default_key_leaves_for_one_host_only)
{
    setenv("OPENAI_API_KEY", "sk-default", 1);
    struct credential_sources from = {
        .urls = LIST("https://api.example.com/v1", "https://API.example.com/v2", "mock:constant")};
    struct credentials c = read_good(&from);
    ck_assert_str_eq(c.sites[0].key, "sk-default");
    ck_assert_str_eq(c.sites[1].key, "sk-default");
    ck_assert_ptr_null(c.sites[2].key);
    credentials_free(&c);
    static const char *const others[] = {
        "http://api.example.com/v1", "https://api.example.com:8/v1", "https://evil.example.com/v1",
        "https://api.example.com@evil.example.com/v1"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        from.urls = (struct credential_list)LIST("https://api.example.com/v1", others[i]);
        c = read_good(&from);
        ck_assert_msg(!c.sites[0].key && !c.sites[1].key, "%s", others[i]);
        credentials_free(&c);
    }
    from.urls = (struct credential_list)LIST("https://me:pw@api.example.com/v1");
    c = read_good(&from);
    ck_assert_ptr_null(c.sites[0].key);
    credentials_free(&c);
    unsetenv("OPENAI_API_KEY");
}
END_TEST

START_TEST(an_apis_own_variable_goes_before_the_default)
{
    struct credential_sources from = {.urls = LIST("http://a/v1"), .key_variable = "CHECK_KEY_OWN"};
    setenv("OPENAI_API_KEY", "sk-default", 1);
    struct credentials c = read_good(&from);
    ck_assert_str_eq(c.sites[0].key, "sk-default");
    credentials_free(&c);
    setenv("CHECK_KEY_OWN", "sk-own", 1);
    c = read_good(&from);
    ck_assert_str_eq(c.sites[0].key, "sk-own");
    credentials_free(&c);
    /* the same rule holds it back where there are several hosts */
    struct buffer lines;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    from.urls = (struct credential_list)LIST("http://a/v1", "http://b/v1");
    c = read_good(&from);
    ck_assert_ptr_null(c.sites[0].key);
    ck_assert_ptr_null(c.sites[1].key);
    credentials_add_open(&from, &lines);
    ck_assert_ptr_nonnull(strstr(lines.data, "CHECK_KEY_OWN goes to no endpoint"));
    credentials_free(&c);
    buffer_free(&lines);
    /* and another API does not ask for it */
    from = (struct credential_sources){.urls = LIST("http://a/v1")};
    c = read_good(&from);
    ck_assert_str_eq(c.sites[0].key, "sk-default");
    credentials_free(&c);
    unsetenv("CHECK_KEY_OWN");
    unsetenv("OPENAI_API_KEY");
}
END_TEST

START_TEST(a_url_is_parted_from_its_secrets)
{
    struct credential_sources from = {.urls = LIST("https://me:p%40w@h/v1?key=a%2Bb&v=2")};
    struct credentials c = read_good(&from);
    ck_assert_str_eq(c.sites[0].url, "https://h/v1?key=a%2Bb&v=2");
    ck_assert_str_eq(c.sites[0].shown, "https://h/v1?key=(hidden)&v=2");
    ck_assert_str_eq(c.sites[0].user, "me");
    ck_assert_str_eq(c.sites[0].password, "p@w");
    ck_assert(is_word(&c, "a%2Bb") && is_word(&c, "a+b") && !is_word(&c, "2"));
    credentials_free(&c);
}
END_TEST

START_TEST(a_header_is_taken_from_its_file)
{
    char path[64], line[128];
    int fd = testing_text_file("Bearer sk-header\n", path);
    snprintf(line, sizeof line, "Authorization: @%s", path);
    struct credential_sources from = {.headers = LIST(line, "X-Plain: shown", "x-api-key: abc")};
    struct credentials c = read_good(&from);
    ck_assert_str_eq(c.headers[0], "Authorization: Bearer sk-header");
    ck_assert_str_eq(c.headers[1], "X-Plain: shown");
    ck_assert_ptr_null(c.headers[3]);
    ck_assert(is_word(&c, "sk-header") && is_word(&c, "abc") && !is_word(&c, "shown"));
    credentials_free(&c);
    close(fd);
    refused(&from, "cannot be opened");
}
END_TEST

START_TEST(a_body_comes_as_it_is_or_from_a_file)
{
    char path[64], at[80];
    int fd = testing_text_file("{\"api_key\": \"abc\", \"n\": 1}", path);
    snprintf(at, sizeof at, "@%s", path);
    struct credential_sources from = {.body = at};
    struct credentials c = read_good(&from);
    ck_assert_str_eq(c.body, "{\"api_key\": \"abc\", \"n\": 1}");
    ck_assert(is_word(&c, "abc"));
    credentials_free(&c);
    close(fd);
    from.body = "{\"n\": 2}";
    c = read_good(&from);
    ck_assert_str_eq(c.body, "{\"n\": 2}");
    ck_assert_uint_eq(c.word_count, 0);
    credentials_free(&c);
}
END_TEST

START_TEST(what_run_json_hides_has_to_be_given_anew)
{
    struct credential_sources from = {.urls = LIST("https://(hidden)@h/v1")};
    refused(&from, "its user and password are not in run.json");
    from.urls = (struct credential_list)LIST("https://h/v1?key=(hidden)");
    refused(&from, "a value of its query is not in run.json");
    from.urls.count = 0;
    from.headers = (struct credential_list)LIST("x-api-key: (hidden)");
    refused(&from, "the value of the header x-api-key is not in run.json");
    from.headers.count = 0;
    from.body = "{\"api_key\": \"(hidden)\"}";
    refused(&from, "--body: a value of it is not in run.json");
}
END_TEST

static int lines_told(const struct credential_sources *from, char text[4096])
{
    struct buffer lines;
    int count = 0;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    credentials_add_open(from, &lines);
    for (size_t i = 0; i < lines.length; i++)
        count += lines.data[i] == '\n';
    snprintf(text, 4096, "%s", lines.length ? lines.data : "");
    buffer_free(&lines);
    return count;
}

START_TEST(only_what_was_typed_is_told)
{
    char text[4096];
    struct credential_sources from = {
        .urls = LIST("https://me:pw@h/v1", "https://h/v1?key=abcdef", "https://h/v1"),
        .headers = LIST("x-api-key: abc", "x-api-key: @file", "x-plain: y"),
        .body = "{\"api_key\": \"abc\"}"};
    ck_assert_int_eq(lines_told(&from, text), 0);
    from.urls.typed = from.headers.typed = from.body_typed = true;
    ck_assert_int_eq(lines_told(&from, text), 4);
    ck_assert_ptr_nonnull(strstr(text, "the value of the header x-api-key"));
    ck_assert_ptr_nonnull(strstr(text, "the user and password of --url"));
    ck_assert_ptr_nonnull(strstr(text, "the secret in the query of --url"));
    ck_assert_ptr_nonnull(strstr(text, "the credential in --body"));
    ck_assert_ptr_null(strstr(text, "abc"));
    ck_assert_ptr_null(strstr(text, "pw@"));
    setenv("OPENAI_API_KEY", "sk-default", 1);
    struct credential_sources two = {.urls = LIST("https://a/v1", "https://b/v1")};
    ck_assert_int_eq(lines_told(&two, text), 1);
    ck_assert_ptr_nonnull(strstr(text, "OPENAI_API_KEY goes to no endpoint"));
    two.urls.count = 1;
    ck_assert_int_eq(lines_told(&two, text), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("credentials");
    TCase *t = tcase_create("credentials");
    unsetenv("OPENAI_API_KEY");
    tcase_add_test(t, a_key_for_all_or_for_each);
    tcase_add_test(t, a_key_file_gives_its_first_line);
    tcase_add_test(t, the_default_key_leaves_for_one_host_only);
    tcase_add_test(t, an_apis_own_variable_goes_before_the_default);
    tcase_add_test(t, a_url_is_parted_from_its_secrets);
    tcase_add_test(t, a_header_is_taken_from_its_file);
    tcase_add_test(t, a_body_comes_as_it_is_or_from_a_file);
    tcase_add_test(t, what_run_json_hides_has_to_be_given_anew);
    tcase_add_test(t, only_what_was_typed_is_told);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
