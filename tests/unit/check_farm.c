/* Work that others do a part of: what comes of it is what one process makes, to the last bit. */
#include "testing_farm.h"
#include "testing_workload.h"

#include "core/json/json_write.h"
#include "core/random.h"
#include "sim/plan/capacity.h"
#include "sim/plan/forecast.h"

#include <math.h>
#include <stdlib.h>

/* ---- capacity ---- */

static void add_point(const struct load_point *p, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    load_point_write(p, LOAD_IN_CURVE | LOAD_OF_RATES, &w);
}

static char *told(const struct capacity *c)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    buffer_add_format(&out, "%d %d %a %a %a %a %u %u %a %a", c->attainable, c->by_queue,
                      c->rate_rps, c->low_rps, c->high_rps, c->tried_rps, c->probes, c->limit,
                      c->limit_share, c->theory.rate_rps);
    for (size_t i = 0; i < CAPACITY_LIMITS; i++)
        buffer_add_format(&out, " %a", c->lifts[i]);
    for (size_t i = 0; i < c->seeds; i++)
        buffer_add_format(&out, " %a", c->seed_goodput[i]);
    for (size_t i = 0; i < c->curve_count; i++)
        add_point(&c->curve[i], &out);
    add_point(&c->unloaded, &out);
    return buffer_take(&out);
}

static void answers(struct workload *w, uint64_t seed)
{
    struct random r;
    random_init(&r, seed, RANDOM_TEST, 1);
    workload_init(w);
    for (int i = 0; i < 300; i++)
        workload_add_plain(w, 0, 100, 1 + (uint32_t)random_below(&r, 60));
}

static char *find(const struct engine_config *engine, const struct capacity_workloads *all,
                  const struct farm *farm)
{
    struct slo_list slos = {0};
    struct capacity c;
    struct error err = {0};
    double lifts[SLO_MAX];
    size_t binds;
    ck_assert_int_eq(slo_parse("ttft=1500", &slos, &err), 0);
    ck_assert_int_eq(slo_parse("e2e=4s", &slos, &err), 0);
    struct capacity_options o = {.engine = engine,
                                 .workloads = all->list,
                                 .workload_count = all->count,
                                 .slos = &slos,
                                 .goodput = 0.95,
                                 .seed = 7,
                                 .seeds = 4,
                                 .requests = 250};
    o.trials = farm ? tasks_create(farm, &capacity_trials, all) : NULL;
    ck_assert_msg(capacity_find(&o, &c, &err) == 0, "%s", err.message);
    ck_assert(c.attainable && c.curve_count > 0);
    ck_assert_int_eq(capacity_find_objective(&o, &c, lifts, &binds, &err), 0);
    tasks_free(o.trials);
    return told(&c);
}

/* Two workloads, of which seeds take turns; and more is wanted than asked for, as some of it is a
 * guess. */
START_TEST(a_capacity_is_the_same_whoever_simulates)
{
    struct workload w[2];
    const struct workload *list[] = {&w[0], &w[1]};
    struct capacity_workloads all = {list, 2};
    struct engine_config engine = engine_config_constant(40, 20);
    struct testing_farm farm;
    engine.max_num_seqs = 4;
    testing_farm_init(&farm);
    answers(&w[0], 1);
    answers(&w[1], 2);
    char *alone = find(&engine, &all, NULL), *together = find(&engine, &all, &farm.farm);
    ck_assert_str_eq(alone, together);
    ck_assert_uint_eq(farm.begun, 1);
    ck_assert_uint_gt(farm.wanted, farm.answered);
    free(alone);
    free(together);
    workload_free(&w[0]);
    workload_free(&w[1]);
}
END_TEST

/* ---- forecasts ---- */

/* Quotas of every kind, limits, subscriptions that are bought in numbers, fees, rounding. */
static const char plans_text[] =
    "{\"book\": \"t\", \"as_of\": \"2026-11-01\", \"currency\": \"USD\", \"plans\": ["
    "{\"name\": \"token\", \"per_mtok\": {\"input\": \"0.50\", \"output\": \"2.15\"}},"
    "{\"name\": \"flat\", \"subscription\": {\"price\": \"3\", \"period\": \"month\", \"setup\": 2,"
    " \"includes\": {\"requests\": 90, \"per\": \"30d\"}, \"beyond\": \"reject\"}},"
    "{\"name\": \"counts\", \"per_request\": \"0.01\", \"subscription\": {\"price\": 5, \"period\":"
    " \"month\", \"includes\": {\"tokens\": 8000, \"per\": \"day\", \"counts\": {\"output\":"
    " 10}}}},"
    "{\"name\": \"tool\", \"per_request\": \"0.01\", \"per_tool\": {\"search\": \"0.01\"}, "
    "\"free\":"
    " {\"tool\": \"search\", \"calls\": 4, \"per\": \"day\"}},"
    "{\"name\": \"some\", \"per_request\": \"0.01\", \"free\": [{\"usd\": \"0.04\", \"per\":"
    " \"day\", \"models\": \"big\"}, {\"usd\": \"0.03\", \"per\": \"day\", \"rollover\": true}]},"
    "{\"name\": \"volume\", \"per_request\": \"0.01\", \"rounding\": {\"to\": \"0.01\","
    " \"mode\": \"up\", \"on\": \"bill\"}, \"volume\": {\"per\": \"month\", \"steps\":"
    " [{\"over_usd\": \"0.5\", \"off_percent\": \"10\"}]}}]}";

/* Nine days of some sessions, half of their requests of model big. */
static void add_days(struct workload *w)
{
    struct usage_extra search = {"search", PLAN_MICRO, false};
    workload_init(w);
    for (int d = 0; d < 9; d++)
        for (int i = 0; i < 8 + d % 3 * 4; i++) {
            uint32_t input = 1000 + 10 * (uint32_t)i;
            struct request r = {.timestamp_ns = (d * 86400 + i * 3600) * NS_PER_S,
                                .input_tokens = input,
                                .output_tokens = 100,
                                .model = i % 2 ? "big" : "small",
                                .session_id = i % 3 ? "a" : "b",
                                .has_usage = true,
                                .usage = usage_from_totals(input, 0, 0, 0, 100, 0)};
            r.usage.extras = &search;
            r.usage.extra_count = 1;
            testing_add(w, r);
        }
}

static char *forecast(const struct workload *w, const struct plan_book *book,
                      const struct farm *farm, int expect)
{
    static const struct forecast_scenario grows[] = {
        {"base", false, 0}, {"more", true, 20}, {"mad", true, 1000}};
    const struct plan *plans[8];
    struct forecast_options o = {.months = expect ? 24 : 2,
                                 .samples = 30,
                                 .seed = 3,
                                 .has_budget = true,
                                 .budget = 5 * MONEY_USD,
                                 .scenarios = grows,
                                 .scenario_count = expect ? 3 : 2,
                                 .farm = farm};
    struct forecast f;
    struct json_writer writer;
    struct buffer out;
    struct error err = {0};
    for (size_t i = 0; i < book->count; i++)
        plans[i] = &book->plans[i];
    int status = forecast_make(&f, w, plans, book->count, &o, &err);
    ck_assert_msg(status == expect, "%d: %s", status, err.message);
    if (status < 0)
        return mem_copy_string(err.message);
    buffer_init(&out, BUFFER_UNBOUNDED);
    json_write_init(&writer, &out, 2);
    forecast_write_json(&f, NULL, &writer);
    forecast_free(&f);
    return buffer_take(&out);
}

START_TEST(a_forecast_is_the_same_whoever_draws)
{
    static const int expect[] = {0, ERR_INPUT}; /* also of what is refused */
    struct workload w;
    struct plan_book book = {0};
    struct testing_farm farm;
    struct error err = {0};
    ck_assert_msg(plan_book_parse("t", plans_text, sizeof plans_text - 1, &book, &err) == 0, "%s",
                  err.message);
    testing_farm_init(&farm);
    add_days(&w);
    char *alone = forecast(&w, &book, NULL, expect[_i]);
    char *together = forecast(&w, &book, &farm.farm, expect[_i]);
    ck_assert_str_eq(alone, together);
    ck_assert_uint_eq(farm.begun, 1);
    free(alone);
    free(together);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("farm");
    TCase *tests = tcase_create("farm");
    tcase_add_test(tests, a_capacity_is_the_same_whoever_simulates);
    tcase_add_loop_test(tests, a_forecast_is_the_same_whoever_draws, 0, 2);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
