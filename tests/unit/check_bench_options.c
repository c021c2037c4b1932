/* How the options of bench go together: each pair that does not is told before anything is read. */
#include "cli/bench/bench_options.h"
#include "core/memory.h"
#include "tests/unit/testing.h"

#define URL "--url http://a/v1 "
#define BASE URL "--scenario chat "

static int check(const char *line, struct error *err)
{
    struct bench_options o = {0};
    char words[512], *argv[40];
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    *err = (struct error){0};
    int status = options_parse(bench_option_specs, argc, argv, &o, err);
    ck_assert_msg(status == 0, "%s: %s", line, err->message);
    status = bench_options_check(&o, err);
    options_free(&o);
    return status;
}

static const struct {
    const char *line, *words;
} bad[] = {
    {"--scenario chat", "expected --url"},
    {URL URL "--model a --model b --model c --scenario chat", "2 --url and 3 --model do not pair"},
    {URL "--model a --model b --share 1 --scenario chat", "expected 2 --share"},
    {URL, "expected a workload"},
    {BASE "--trace t", "give only one of --trace"},
    {BASE "--rate 4 --concurrency 2", "--rate is an open loop and --concurrency a closed one"},
    {BASE "--rate 4 --speed 2", "--speed is for the workload's own times"},
    {BASE "--concurrency 4 --speed 2", "--speed is for the workload's own times"},
    {BASE "--sweep rate=1,2 -o d --speed 2", "--speed is for the workload's own times"},
    {BASE "--concurrency 4 --max-in-flight 2", "--max-in-flight is for open loops"},
    {BASE "--sweep concurrency=1,2 -o d --max-in-flight 2", "--max-in-flight is for open loops"},
    {BASE "--sweep rate=1,2", "need -o DIR"},
    {BASE "--sweep rate=1,2 -o d --rate 3", "bring their own --rate"},
    {BASE "--sweep rate=1,2 -o d --concurrency 3", "bring their own --rate"},
    {BASE "--sweep rate=1,2 -o d --find-max --slo ttft=5", "exclude each other"},
    {BASE "--find-max --slo ttft=5", "need -o DIR"},
    {BASE "--find-max -o d", "--find-max needs objectives"},
    {BASE "--find-max -o d --slo ttft=5 --rate 1:10s", "expected one rate"},
    {BASE "--find-max -o d --slo ttft=5 --rate 0", "expected a number above 0"},
    {BASE "--repeat 2", "--repeat needs -o DIR"},
    {BASE "--cancel 0.1:20 --no-stream", "--cancel hangs up on streams"},
    {BASE "--cancel 0.1:20 --api embeddings", "--cancel hangs up on streams"},
    {BASE "--max-cost 5", "--max-cost needs --plans"},
    {BASE "--max-cost x --plans demo", "--max-cost x: expected an amount of USD above 0"},
    {BASE "--max-cost 0 --plans demo", "expected an amount of USD above 0"},
    {BASE "--assert ttft_p99", "ttft_p99"},
};

START_TEST(options_that_do_not_go_together_are_told)
{
    struct error err;
    ck_assert_msg(check(bad[_i].line, &err) == ERR_INPUT, "%s was taken", bad[_i].line);
    ck_assert_msg(strstr(err.message, bad[_i].words) != NULL, "%s: %s", bad[_i].line, err.message);
}
END_TEST

static const char *const good[] = {
    BASE,
    URL "--trace t --speed 2 --max-in-flight 3",
    BASE "--rate 4 --max-in-flight 3",
    BASE "--concurrency 4 --cancel 0.1:20",
    BASE "--sweep rate=1,2 -o d --max-in-flight 3",
    BASE "--sweep concurrency=adaptive -o d",
    BASE "--find-max -o d --slo ttft=5 --rate 8",
    BASE "--repeat 2 -o d --max-cost 5 --plans demo",
    URL URL "--model a --share 1 --share 3 --scenario chat",
    URL "--model a --model b --scenario chat --assert ttft_p99=500",
};

START_TEST(options_that_go_together_are_taken)
{
    struct error err;
    ck_assert_msg(check(good[_i], &err) == 0, "%s: %s", good[_i], err.message);
}
END_TEST

/* What a run would be, from options that were checked. */
START_TEST(a_setup_follows_the_options)
{
    char line[] = "--url http://a/v1 --model m --model n --share 1 --share 3 --scenario chat "
                  "--concurrency 8 --retry-status 429,503,connection --cancel 0.25:7 --shard 2/3 "
                  "--slo ttft=500 --warmup 2s --prompt-salt fixed",
         *argv[40];
    struct bench_options o = {0};
    struct bench_setup s;
    struct error err = {0};
    int argc = 0;
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    ck_assert_int_eq(options_parse(bench_option_specs, argc, argv, &o, &err), 0);
    ck_assert_int_eq(bench_options_check(&o, &err), 0);
    ck_assert_msg(bench_setup_make(&o, &s, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(s.config.endpoint_count, 2);
    ck_assert_str_eq(s.endpoints[1].url, "http://a/v1");
    ck_assert_str_eq(s.endpoints[1].name, "n");
    ck_assert_double_eq(s.endpoints[1].share, 3);
    ck_assert(s.config.schedule.mode == SCHEDULE_CLOSED && s.config.retry.on_transport);
    ck_assert_int_eq(s.config.retry.statuses[1], 503);
    ck_assert_int_eq(s.config.retry.statuses[2], 0);
    ck_assert_double_eq(s.config.cancel_share, 0.25);
    ck_assert_uint_eq(s.config.cancel_tokens, 7);
    ck_assert(s.config.shard == 1 && s.config.shards == 3 && s.config.salt == 0);
    ck_assert(s.summary.warmup == WARMUP_GIVEN && s.summary.warmup_ns == 2000000000);
    ck_assert_str_eq(s.summary.load, "closed");
    bench_setup_free(&s);
    options_free(&o);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_options");
    TCase *t = tcase_create("bench_options");
    tcase_add_loop_test(t, options_that_do_not_go_together_are_told, 0, COUNT_OF(bad));
    tcase_add_loop_test(t, options_that_go_together_are_taken, 0, COUNT_OF(good));
    tcase_add_test(t, a_setup_follows_the_options);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
