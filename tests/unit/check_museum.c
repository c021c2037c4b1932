/* Bills that other tools got wrong (tests/museum): ours are right to the last digit. */
#include "testing_plans.h"

#include "core/file.h"
#include "core/text.h"
#include "core/usage/usage_report.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUSEUM "tests/museum"
#define LEAST_EXHIBITS 15

static const char *text_at(const cJSON *exhibit, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(exhibit, key);
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

/* A key that every exhibit has. */
static const char *said(const cJSON *exhibit, const char *file, const char *key)
{
    const char *text = text_at(exhibit, key);
    ck_assert_msg(text && *text, "%s has no \"%s\"", file, key);
    return text;
}

static money amount(const char *text)
{
    money value;
    ck_assert_int_eq(money_parse(text, strlen(text), MONEY_PER_ONE, &value), MONEY_OK);
    return value;
}

/* The prices of the day as a plan. */
static struct plan_book book_of(const cJSON *exhibit)
{
    cJSON *book = cJSON_CreateObject(), *plans = cJSON_AddArrayToObject(book, "plans");
    cJSON *plan = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(exhibit, "prices"), cJSON_True);
    cJSON_AddStringToObject(plan, "name", "prices");
    cJSON_AddItemToArray(plans, plan);
    char *text = cJSON_PrintUnformatted(book);
    struct plan_book out = testing_plans(text);
    free(text);
    cJSON_Delete(book);
    return out;
}

/* The usage object as a provider's answer would bring it. */
static struct usage usage_of(const cJSON *exhibit, const char *file)
{
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(exhibit, "usage"));
    struct usage_report report = {0};
    struct usage usage = {0};
    ck_assert_msg(usage_report_parse(text_of(text), &report), "%s: %s", file, text);
    usage_report_resolve(&report, &usage);
    free(text);
    return usage;
}

static enum service service_of(const cJSON *exhibit)
{
    const char *name = text_at(exhibit, "service");
    return name ? (enum service)service_from_name(text_of(name)) : SERVICE_STANDARD;
}

/* The part of the charge that the page speaks of, else all of it. */
static money charged(const struct charge *c, const char *of)
{
    money part[CHARGE_PARTS] = {0};
    if (!of)
        return c->total;
    charge_lines_add(c->line, part);
    for (int i = 0; i < CHARGE_PARTS; i++)
        if (strcmp(charge_part_name((enum charge_part)i), of) == 0)
            return part[i];
    ck_abort_msg("no part of a charge is called %s", of);
}

/* The right figure as the page writes it, cut or rounded to as many decimals. */
static bool is_as_said(money right, const char *page_says)
{
    const char *point = strchr(page_says, '.');
    money unit = MONEY_USD, said_there = amount(page_says);
    for (size_t i = 1; point && point[i]; i++)
        unit /= 10;
    return said_there == money_round(right, unit) || said_there == right - right % unit;
}

static void check_exhibit(const char *file)
{
    char path[512], *text;
    size_t length;
    snprintf(path, sizeof path, "%s/%s", MUSEUM, file);
    ck_assert_int_eq(file_read_all(path, 1 << 16, &text, &length, NULL), 0);
    cJSON *exhibit = cJSON_ParseWithLength(text, length);
    ck_assert_msg(exhibit != NULL, "%s is no JSON", file);
    struct plan_book book = book_of(exhibit);
    struct usage usage = usage_of(exhibit, file);
    const cJSON *unit = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(exhibit, "units"), "character");
    struct usage_extra extra = {"character", unit ? (int64_t)unit->valuedouble * PLAN_MICRO : 0, 1};
    usage.extras = &extra;
    usage.extra_count = unit != NULL;
    struct price_query q = {
        .usage = &usage, .service = service_of(exhibit), .at_unix_ns = TIME_NEVER};
    struct charge c;
    ck_assert_int_eq(price_request(&book.plans[0], &book.plans[0].rates[0], &q, &c), 0);
    ck_assert_msg(c.unpriced == 0, "%s: something has no price", file);
    money right = amount(said(exhibit, file, "right"));
    testing_money(charged(&c, text_at(exhibit, "of")), text_at(exhibit, "right"), file);
    ck_assert_msg(is_as_said(right, said(exhibit, file, "page_says")), "%s: the page says %s", file,
                  text_at(exhibit, "page_says"));
    ck_assert_msg(amount(said(exhibit, file, "wrong")) != right, "%s: nothing is wrong", file);
    ck_assert_msg(strncmp(said(exhibit, file, "page"), "https://", 8) == 0, "%s: the page", file);
    said(exhibit, file, "whose");
    said(exhibit, file, "why");
    said(exhibit, file, "reported");
    plan_book_free(&book);
    cJSON_Delete(exhibit);
    free(text);
}

START_TEST(what_others_got_wrong_is_right_here)
{
    DIR *folder = opendir(MUSEUM);
    size_t seen = 0;
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *e; (e = readdir(folder)) != NULL;) {
        size_t length = strlen(e->d_name);
        if (length < 6 || strcmp(e->d_name + length - 5, ".json") != 0)
            continue;
        check_exhibit(e->d_name);
        seen++;
    }
    closedir(folder);
    ck_assert_uint_ge(seen, LEAST_EXHIBITS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("museum");
    TCase *tc = tcase_create("exhibits");
    tcase_add_test(tc, what_others_got_wrong_is_right_here);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
