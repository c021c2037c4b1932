/* Exact charges: the published vectors, look-up order, windows, rounding, failed attempts. */
#include "testing_plans.h"

#include "core/buffer.h"
#include "core/file.h"
#include "sim/cost/book/price.h"

#include <cjson/cJSON.h>
#include <string.h>

static money total_at(const struct plan *plan, struct usage u, enum service service, int64_t at)
{
    struct price_query q = {.usage = &u, .service = service, .at_unix_ns = at};
    struct charge c;
    ck_assert_int_eq(price_request(plan, plan_rate_for(plan, NULL), &q, &c), 0);
    return c.total;
}

/* vectors.json names its classes as genai-prices does; ours stand beside. */
static const char *const vector_classes[][2] = {
    {"input_mtok", "input"},
    {"output_mtok", "output"},
    {"cache_read_mtok", "cached_input"},
    {"cache_write_mtok", "cache_write"},
    {"cache_write_1h_mtok", "cache_write_1h"},
};

static const cJSON *tier_of(const cJSON *price)
{
    return cJSON_IsObject(price) ? cJSON_GetArrayItem(cJSON_GetObjectItem(price, "tiers"), 0)
                                 : NULL;
}

static void add_class_prices(struct buffer *b, const cJSON *prices, bool tiers)
{
    const char *comma = "";
    for (size_t i = 0; i < sizeof vector_classes / sizeof vector_classes[0]; i++) {
        const cJSON *price = cJSON_GetObjectItem(prices, vector_classes[i][0]);
        const cJSON *tier = tier_of(price);
        const char *text = cJSON_IsString(price) ? price->valuestring : NULL;
        if (tiers)
            text = tier ? cJSON_GetArrayItem(tier, 1)->valuestring : NULL;
        else if (cJSON_IsObject(price))
            text = cJSON_GetObjectItem(price, "base")->valuestring;
        if (!text)
            continue;
        buffer_add_format(b, "%s\"%s\": \"%s\"", comma, vector_classes[i][1], text);
        comma = ", ";
    }
}

static void vector_plan(struct buffer *b, const cJSON *prices)
{
    buffer_add_text(b, "{\"plans\": [{\"name\": \"v\", \"per_mtok\": {");
    add_class_prices(b, prices, false);
    buffer_add_text(b, "}");
    const cJSON *tier = tier_of(cJSON_GetObjectItem(prices, "input_mtok"));
    if (tier) {
        buffer_add_format(b, ", \"tiers\": [{\"input_over\": %d, \"per_mtok\": {",
                          cJSON_GetArrayItem(tier, 0)->valueint);
        add_class_prices(b, prices, true);
        buffer_add_text(b, "}}]");
    }
    const cJSON *item = cJSON_GetObjectItem(prices, "web_searches_kcount");
    if (item) /* "10" per thousand: all vectors have whole numbers of dollars here */
        buffer_add_format(b, ", \"per_tool\": {\"web_search\": \"%se-3\"}", item->valuestring);
    item = cJSON_GetObjectItem(prices, "audio_second");
    if (item)
        buffer_add_format(b, ", \"per_unit\": {\"audio_second\": \"%s\"}", item->valuestring);
    item = cJSON_GetObjectItem(prices, "requests_kcount");
    buffer_add_format(b, ", \"per_request\": \"%se-3\"", item ? item->valuestring : "0");
    buffer_add_text(b, "}]}");
}

static uint64_t count_of(const cJSON *usage, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(usage, key);
    return item ? (uint64_t)item->valuedouble : 0;
}

static void check_vector(const cJSON *v)
{
    const cJSON *usage = cJSON_GetObjectItem(v, "usage");
    const char *id = cJSON_GetObjectItem(v, "id")->valuestring;
    const char *expected = cJSON_GetObjectItem(v, "expected_total")->valuestring;
    const cJSON *reported = cJSON_GetObjectItem(usage, "provider_cost");
    if (reported) { /* the provider's own figure is kept to the last digit */
        money cost;
        ck_assert_int_eq(
            money_parse(reported->valuestring, strlen(reported->valuestring), MONEY_PER_ONE, &cost),
            MONEY_OK);
        testing_money(cost, expected, id);
        return;
    }
    struct buffer b;
    buffer_init(&b, 1 << 16);
    vector_plan(&b, cJSON_GetObjectItem(v, "prices"));
    struct plan_book book = testing_plans(b.data);
    struct usage u = usage_from_totals(count_of(usage, "input"), count_of(usage, "cache_read"),
                                       count_of(usage, "cache_write"), 0, count_of(usage, "output"),
                                       count_of(usage, "reasoning"));
    struct usage_extra extras[] = {
        {"web_search", (int64_t)count_of(usage, "web_searches") * PLAN_MICRO, 0},
        {"audio_second", (int64_t)count_of(usage, "audio_seconds") * PLAN_MICRO, 1}};
    u.extras = extras;
    u.extra_count = 2;
    struct price_query q = {.usage = &u, .at_unix_ns = TIME_NEVER};
    struct charge c;
    ck_assert_int_eq(price_request(&book.plans[0], &book.plans[0].rates[0], &q, &c), 0);
    testing_money(c.total, expected, id);
    const cJSON *part = cJSON_GetObjectItem(v, "expected_input");
    if (cJSON_IsString(part))
        testing_money(c.line[0] + c.line[1] + c.line[2] + c.line[3], part->valuestring, id);
    part = cJSON_GetObjectItem(v, "expected_output");
    if (cJSON_IsString(part))
        testing_money(c.line[USAGE_OUTPUT] + c.line[USAGE_REASONING], part->valuestring, id);
    plan_book_free(&book);
    buffer_free(&b);
}

static const struct {
    const char *file;
    int count;
} vector_files[] = {{"tests/data/vectors.json", 9}, {"../pricing/vectors.json", 26}};

START_TEST(vectors_are_exact)
{
    char path[512], *text;
    size_t length;
    struct error err = {0};
    testing_data(vector_files[_i].file, path);
    ck_assert_int_eq(file_read_all(path, 1 << 20, &text, &length, &err), 0);
    cJSON *vectors = cJSON_Parse(text), *v;
    ck_assert_int_eq(cJSON_GetArraySize(vectors), vector_files[_i].count);
    cJSON_ArrayForEach(v, vectors) check_vector(v);
    cJSON_Delete(vectors);
    free(text);
}
END_TEST

START_TEST(cached_and_reasoning_fall_back_to_their_parents)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"a\", \"per_mtok\": {\"input\": \"1\", \"output\": \"4\","
        " \"cache_write\": \"1.25\"}, \"tiers\": [{\"input_from\": 1000, \"per_mtok\":"
        " {\"input\": \"2\", \"reasoning\": \"9\"}}]}]}");
    const struct plan *p = &book.plans[0];
    struct usage u = {.tokens = {100, 100, 100, 100, 10, 10}};
    testing_money(total_at(p, u, 0, TIME_NEVER), "0.00053", "base: 100+100+125+125+40+40");
    u.tokens[0] = 700; /* 1,000 in all: the tier, from its threshold on */
    testing_money(total_at(p, u, 0, TIME_NEVER), "0.00198", "tier: 1400+200+125+125+40+90");
    u.tokens[0] = 699;
    testing_money(total_at(p, u, 0, TIME_NEVER), "0.001129", "one below: the base again");
    plan_book_free(&book);
}
END_TEST

START_TEST(windows_follow_the_clock)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"a\", \"per_mtok\": {\"input\": \"0.27\"}, \"windows\": ["
        "{\"start\": \"16:30\", \"end\": \"00:30\", \"multiplier\": \"0.5\"},"
        "{\"from\": \"2025-09-05T16:00:00Z\", \"per_mtok\": {\"input\": \"0.56\"}}]}]}");
    static const struct {
        const char *at, *expected;
    } cases[] = {
        {"2025-06-01T16:00:00Z", "27"},   {"2025-06-01T16:29:59.999Z", "27"},
        {"2025-06-01T16:30:00Z", "13.5"}, {"2025-06-01T23:59:59Z", "13.5"},
        {"2025-06-02T00:29:59Z", "13.5"}, {"2025-06-02T00:30:00Z", "27"},
        {"2025-09-05T17:00:00Z", "56"}, /* the last active window wins */
    };
    struct usage u = {.tokens = {100000000}};
    ck_assert(plan_needs_start(&book.plans[0]));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t at;
        ck_assert_int_eq(clock_parse_instant(cases[i].at, strlen(cases[i].at), &at), 0);
        testing_money(total_at(&book.plans[0], u, 0, at), cases[i].expected, cases[i].at);
    }
    plan_book_free(&book);
}
END_TEST

START_TEST(services_weights_steps_and_rounding)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"a\", \"per_mtok\": {\"input\": \"3\"}, \"per_request\":"
        " \"0.04\", \"weights\": [{\"models\": [\"big*\"], \"weight\": \"2.5\"}],"
        " \"multipliers\": {\"batch\": \"0.5\"}, \"services\": {\"priority\": {\"per_mtok\":"
        " {\"input\": \"7\"}}}, \"per_unit\": {\"audio_second\": {\"price\": \"0.001\","
        " \"step\": 1, \"minimum\": 10}}},"
        "{\"name\": \"r\", \"per_mtok\": {\"input\": \"0.33\"}, \"rounding\": {\"to\":"
        " \"0.0001\", \"mode\": \"up\", \"on\": \"request\"}, \"minimum_per_request\":"
        " \"0.0002\"}]}");
    const struct plan *p = &book.plans[0];
    struct usage u = {.tokens = {1000}};
    testing_money(total_at(p, u, SERVICE_STANDARD, TIME_NEVER), "0.043", "standard");
    testing_money(total_at(p, u, SERVICE_BATCH, TIME_NEVER), "0.0415", "batch");
    testing_money(total_at(p, u, SERVICE_PRIORITY, TIME_NEVER), "0.047", "priority");
    struct usage_extra seconds = {"audio_second", 3500000, 1};
    u.extras = &seconds;
    u.extra_count = 1;
    struct price_query q = {.usage = &u, .at_unix_ns = TIME_NEVER, .model = "big-1"};
    struct charge c;
    ck_assert_int_eq(price_request(p, &p->rates[0], &q, &c), 0);
    testing_money(c.line[CHARGE_REQUEST], "0.1", "2.5 requests");
    testing_money(c.line[CHARGE_UNITS], "0.01", "3.5 s billed as 10");
    seconds.count_micro = 12100000;
    ck_assert_int_eq(price_request(p, &p->rates[0], &q, &c), 0);
    testing_money(c.line[CHARGE_UNITS], "0.013", "12.1 s billed as 13");
    u.extra_count = 0;
    testing_money(total_at(&book.plans[1], u, 0, TIME_NEVER), "0.0004", "0.00033 rounded up");
    u.tokens[0] = 1;
    testing_money(total_at(&book.plans[1], u, 0, TIME_NEVER), "0.0002", "the minimum");
    plan_book_free(&book);
}
END_TEST

START_TEST(what_did_not_complete_is_billed_as_the_plan_says)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"a\", \"per_mtok\": {\"input\": \"1\", \"output\": \"10\"},"
        "\"billed\": {\"failed\": {\"429\": \"none\", \"5xx\": \"input\", \"default\":"
        " \"delivered\"}, \"aborted\": \"full\", \"retried\": \"final\"}}]}");
    struct record r;
    record_init(&r);
    r.final = true;
    r.usage_from = USAGE_SERVER;
    r.usage = usage_from_totals(1000, 0, 0, 0, 100, 0);
    r.asked_output = 500;
    const struct {
        enum record_status status;
        int http;
        const char *expected;
        int billed;
    } cases[] = {{RECORD_COMPLETED, 200, "0.002", 1}, {RECORD_FAILED, 429, "0", 0},
                 {RECORD_FAILED, 503, "0.001", 1},    {RECORD_FAILED, 0, "0.002", 1},
                 {RECORD_CANCELLED, 200, "0.006", 1}, {RECORD_UNSENT, 0, "0", 0}};
    money charge;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        r.status = cases[i].status;
        r.http_status = cases[i].http;
        ck_assert_int_eq(price_record(&book.plans[0], &r, TIME_NEVER, &charge), cases[i].billed);
        testing_money(charge, cases[i].expected, "billed");
    }
    r.status = RECORD_FAILED;
    r.http_status = 500;
    r.final = false; /* a retry follows, and only final attempts are billed */
    ck_assert_int_eq(price_record(&book.plans[0], &r, TIME_NEVER, &charge), 0);
    plan_book_free(&book);
}
END_TEST

START_TEST(what_has_no_price_is_told)
{
    struct plan_book book =
        testing_plans("{\"plans\": [{\"name\": \"a\", \"per_mtok\": {\"output\": \"10\"}}]}");
    struct usage_extra search = {"web_search", PLAN_MICRO, 0};
    struct usage u = {.tokens = {5, 0, 0, 0, 4}, .extras = &search, .extra_count = 1};
    struct price_query q = {.usage = &u, .at_unix_ns = TIME_NEVER};
    struct charge c;
    ck_assert_int_eq(price_request(&book.plans[0], &book.plans[0].rates[0], &q, &c), 0);
    testing_money(c.total, "0.00004", "output");
    ck_assert_uint_eq(c.unpriced, 1u << USAGE_UNCACHED_INPUT | UNPRICED_EXTRAS);
    u.tokens[USAGE_OUTPUT] = UINT64_MAX;
    book.plans[0].rates[0].resolved[0].tables[0].price[USAGE_OUTPUT] = MONEY_USD;
    ck_assert_int_eq(price_request(&book.plans[0], &book.plans[0].rates[0], &q, &c), -1);
    plan_book_free(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("price");
    TCase *tc = tcase_create("charges");
    tcase_add_loop_test(tc, vectors_are_exact, 0, 2);
    tcase_add_test(tc, cached_and_reasoning_fall_back_to_their_parents);
    tcase_add_test(tc, windows_follow_the_clock);
    tcase_add_test(tc, services_weights_steps_and_rounding);
    tcase_add_test(tc, what_did_not_complete_is_billed_as_the_plan_says);
    tcase_add_test(tc, what_has_no_price_is_told);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
