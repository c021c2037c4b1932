/* Tokens of one model counted as another's: names, factors, bills in scaled tokens, and whether a
 * winner is named where nobody said how a model counts. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "core/runs/record/run_dir.h"
#include "sim/cost/bill/bill_tokens_show.h"
#include "sim/cost/tokens/model_name.h"
#include "sim/cost/tokens/token_learn.h"
#include "workloads/transform/transform.h"

#include <stdlib.h>
#include <string.h>

START_TEST(names_of_one_model_are_the_same)
{
    static const char *const same[][2] = {
        {"gpt-4o", "openai/gpt-4o"},
        {"gpt-4o-2024-08-06", "gpt-4o"},
        {"GPT-4o", "azure/gpt-4o"},
        {"claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4.5"},
        {"us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4.5"},
        {"deepseek-r1-671b", "deepseek/r1-671b"},
        {"mistral-large-latest", "mistral/large-2512"},
        {"gemini-2.5-pro-preview", "google/gemini-2.5-pro"},
        {"meta-llama/Llama-3.3-70B-Instruct", "meta/llama-3.3-70b"},
        {"o3", "openai/o3"},
    };
    static const char *const different[][2] = {
        {"gpt-4o", "gpt-4o-mini"},
        {"gpt-4o", "gpt-4.1"},
        {"claude-opus-5", "claude-opus-4.6"},
        {"claude-sonnet-4.5", "claude-opus-4.5"},
        {"o3", "o3-mini"},
        {"gpt-4o", "claude-opus-5"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        ck_assert_msg(model_name_same(same[i][0], same[i][1]), "%s", same[i][0]);
        ck_assert_msg(model_name_same(same[i][1], same[i][0]), "%s", same[i][0]);
    }
    for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
        ck_assert_msg(!model_name_same(different[i][0], different[i][1]), "%s", different[i][1]);
        ck_assert_msg(!model_name_same(different[i][1], different[i][0]), "%s", different[i][1]);
    }
}
END_TEST

START_TEST(a_plan_names_a_model_or_none)
{
    struct plan_book book = testing_plans(
        "{\"plans\": ["
        "{\"name\": \"openai/gpt-4o\", \"per_mtok\": {\"input\": \"1\", \"output\": \"1\"}},"
        "{\"name\": \"deepseek/v3.2\", \"per_mtok\": {\"input\": \"1\", \"output\": \"1\"}},"
        "{\"name\": \"claude-sonnet\", \"per_mtok\": {\"input\": \"1\", \"output\": \"1\"}},"
        "{\"name\": \"token\", \"per_mtok\": {\"input\": \"1\", \"output\": \"1\"}},"
        "{\"name\": \"openai/by-model\", \"per_mtok\": {\"input\": \"1\", \"output\": \"1\"}},"
        "{\"name\": \"claude/pro-5\", \"subscription\": {\"price\": \"20\", \"period\": "
        "\"month\"}},"
        "{\"name\": \"flat/gpt-9\", \"per_request\": \"0.1\"}]}");
    static const char *const names[] = {"gpt-4o", "v3.2", "claude-sonnet", NULL, NULL, NULL, NULL};
    for (size_t i = 0; i < book.count; i++)
        ck_assert_pstr_eq(model_name_of_plan(&book.plans[i]), names[i]);
    plan_book_free(&book);
}
END_TEST

START_TEST(factors_are_read_exactly_or_refused)
{
    struct token_scales scales = {0};
    struct error err = {0};
    char text[TOKEN_SCALE_TEXT_SIZE];
    ck_assert_int_eq(token_scales_add("claude-*=reasoning:1.5,in:1.3,out:1.1", &scales, &err), 0);
    ck_assert_str_eq(token_scale_text(&scales.items[0], text), "× 1.3 in, × 1.1 out");
    ck_assert_uint_eq(scales.items[0].factor[TOKENS_AS][USAGE_REASONING], 1500000);
    ck_assert_uint_eq(scales.items[0].factor[TOKENS_AS][USAGE_CACHED_INPUT], 1300000);
    ck_assert_uint_eq(token_scale_apply(&scales.items[0], TOKENS_AS, USAGE_CACHED_INPUT, 1001),
                      1302);
    ck_assert_uint_eq(token_scale_apply(&scales.items[0], TOKENS_AS, USAGE_OUTPUT, 10), 11);
    ck_assert_int_eq(token_scales_add("m=out:0.9", &scales, &err), 0);
    ck_assert_str_eq(token_scale_text(&scales.items[1], text), "× 1 in, × 0.9 out");
    token_scales_free(&scales);
    static const char *const wrong[] = {
        "m",       "=in:1",  "m=",       "m=in",    "m=in:", "m=in:0",    "m=in:21",
        "m=in:-1", "m=in:x", "m=on:1.3", "m=in:1,", "m=1.3", "m=in:1.3:2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error why = {0};
        ck_assert_msg(token_scales_add(wrong[i], &scales, &why) == ERR_INPUT, "%s", wrong[i]);
        ck_assert_msg(strstr(why.message, "--tokens-as") != NULL, "%s", why.message);
        token_scales_free(&scales);
    }
}
END_TEST

START_TEST(a_count_before_is_the_first_that_becomes_as_many)
{
    struct token_scales scales = {0};
    struct error err = {0};
    static const char *const given[] = {"m=in:1.3", "m=in:0.7", "m=in:1", "m=in:3.333333"};
    for (size_t g = 0; g < 4; g++)
        ck_assert_int_eq(token_scales_add(given[g], &scales, &err), 0);
    for (size_t g = 0; g < 4; g++)
        for (uint64_t n = 1; n < 3000; n++) {
            const struct token_scale *s = &scales.items[g];
            uint64_t before = token_scale_before(s, USAGE_UNCACHED_INPUT, n);
            ck_assert_uint_ge(token_scale_apply(s, TOKENS_AS, USAGE_UNCACHED_INPUT, before), n);
            ck_assert_uint_lt(token_scale_apply(s, TOKENS_AS, USAGE_UNCACHED_INPUT, before - 1), n);
        }
    token_scales_free(&scales);
}
END_TEST

/* A request of some model; its parts are cached and reasoning tokens. */
static void add(struct workload *w, const char *model, uint32_t in, uint32_t cached, uint32_t out,
                uint32_t reasoning)
{
    testing_add(w, (struct request){.timestamp_ns = (int64_t)w->count * NS_PER_S,
                                    .input_tokens = in,
                                    .output_tokens = out,
                                    .model = model,
                                    .attempts = 1,
                                    .has_usage = cached > 0 || reasoning > 0,
                                    .usage = usage_from_totals(in, cached, 0, 0, out, reasoning)});
}

static uint32_t up(uint32_t tokens, uint32_t tenths)
{
    return (tokens * tenths + 9) / 10;
}

#define PRICES "\"per_mtok\": {\"input\": \"3\", \"cached_input\": \"0.3\", \"output\": \"15\"}"

/* Prices with a tier, caps, quotas that queue, limits by tokens, rates by model. */
static const char many_terms[] =
    "{\"plans\": ["
    "{\"name\": \"anthropic/claude-opus-5\", " PRICES ","
    " \"tiers\": [{\"input_over\": 2000, \"per_mtok\": {\"input\": \"6\", \"output\": \"22.5\"}}]},"
    "{\"name\": \"claude-capped\", " PRICES ", \"limits\": {\"max_input_tokens\": 3000,"
    " \"max_output_tokens\": 400}},"
    "{\"name\": \"claude-limited\", \"subscription\": {\"price\": \"20\", \"period\": \"month\","
    " \"includes\": {\"tokens\": 50000, \"per\": \"hour\"}, \"beyond\": \"queue\"}},"
    "{\"name\": \"claude-tpm\", " PRICES ", \"limits\": {\"tpm\": 90000}},"
    "{\"name\": \"by-model\", \"rates\": [{\"models\": [\"claude-*\"], " PRICES "},"
    " {\"models\": [\"gpt-*\"], \"per_mtok\": {\"input\": \"2.5\", \"output\": \"10\"}}]}]}";

/* Scaled by the option, and scaled by hand, request by request and class by class: one bill. */
START_TEST(scaled_tokens_are_billed_as_if_they_had_been_counted)
{
    struct plan_book book = testing_plans(many_terms);
    struct workload given, made;
    struct token_scales scales = {0};
    struct error err = {0};
    workload_init(&given);
    workload_init(&made);
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t cached = i % 3 ? i * 7 : 0, out = 1 + i * 3 % 501, reasoning = i % 4 ? out / 3 : 0;
        uint32_t rest = 1 + i * 37 % 2311;
        add(&given, "gpt-4o", rest + cached, cached, out, reasoning);
        add(&made, "claude-opus-5", up(rest, 13) + up(cached, 13), up(cached, 13),
            up(out - reasoning, 11) + up(reasoning, 11), up(reasoning, 11));
    }
    ck_assert_int_eq(token_scales_add("claude-*=in:1.3,out:1.1", &scales, &err), 0);
    static const char *const route = "route=*:claude-opus-5";
    ck_assert_int_eq(transform_apply_all(&route, 1, 1, &given, NULL, NULL, &err), 0);
    struct bill ours = testing_bill(&given, &book, (struct bill_options){.scales = &scales});
    struct bill theirs = testing_bill(&made, &book, (struct bill_options){0});
    for (size_t i = 0; i < book.count; i++) {
        const struct plan_bill *a = &ours.plans[i], *b = &theirs.plans[i];
        ck_assert_msg(a->total == b->total, "%s", a->plan->name);
        ck_assert_uint_eq(a->served_requests, b->served_requests);
        ck_assert_uint_eq(a->served.truncated, b->served.truncated);
        ck_assert_uint_eq(a->served.delayed, b->served.delayed);
        ck_assert_uint_eq(a->subscriptions, b->subscriptions);
        ck_assert_uint_eq(a->sums.input_tokens, b->sums.input_tokens);
        ck_assert_uint_eq(a->counts.scaled, 200);
        ck_assert_int_eq(a->rank, b->rank);
    }
    ck_assert_uint_lt(ours.plans[1].served_requests, 200); /* the cap binds: after scaling */
    ck_assert(!ours.undecided);
    bill_free(&ours);
    bill_free(&theirs);
    token_scales_free(&scales);
    workload_free(&given);
    workload_free(&made);
    plan_book_free(&book);
}
END_TEST

START_TEST(own_tokens_are_never_scaled)
{
    struct plan_book book = testing_plans(many_terms);
    struct token_scales scales = {0};
    struct error err = {0};
    struct workload w;
    workload_init(&w);
    add(&w, "claude-opus-5", 1000, 0, 100, 0);
    add(&w, "gpt-4o", 1000, 0, 100, 0);
    add(&w, NULL, 1000, 0, 100, 0);
    ck_assert_int_eq(token_scales_add("claude-opus-5=in:2,out:2", &scales, &err), 0);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.scales = &scales});
    const struct plan_bill *p = &bill.plans[0], *by_model = &bill.plans[4];
    ck_assert_uint_eq(p->counts.scaled, 2);
    ck_assert_uint_eq(p->counts.foreign + p->counts.unnamed, 0);
    ck_assert_uint_eq(p->sums.input_tokens, 5000);
    ck_assert_uint_eq(by_model->counts.scaled,
                      0); /* each has a rate of its own, or is not served */
    ck_assert_uint_eq(by_model->counts.foreign, 0);
    bill_free(&bill);
    token_scales_free(&scales);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* A plan whose name tells no model may be named itself: all of its requests are other counts. */
START_TEST(a_plan_that_names_no_model_can_be_named)
{
    struct plan_book book = testing_plans("{\"plans\": [{\"name\": \"cheap\", \"per_mtok\":"
                                          " {\"input\": \"1\", \"output\": \"1\"}},"
                                          " {\"name\": \"other\", \"per_mtok\": {\"input\":"
                                          " \"1\", \"output\": \"1\"}}]}");
    struct token_scales scales = {0};
    struct error err = {0};
    struct workload w;
    workload_init(&w);
    add(&w, "gpt-4o", 1000, 0, 100, 0);
    add(&w, NULL, 1000, 0, 100, 0);
    ck_assert_int_eq(token_scales_add("cheap=in:1.5,out:2", &scales, &err), 0);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.scales = &scales});
    testing_money(bill.plans[0].total, "0.0034", "cheap");
    testing_money(bill.plans[1].total, "0.0022", "other");
    bill_free(&bill);
    token_scales_free(&scales);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

static struct bill bill_of(const char *plans, const char *model, struct plan_book *book,
                           struct workload *w)
{
    *book = testing_plans(plans);
    workload_init(w);
    for (int i = 0; i < 40; i++)
        add(w, model, 1000, 0, 100, 0);
    return testing_bill(w, book, (struct bill_options){0});
}

#define AT(name, price)                                                                            \
    "{\"name\": \"" name "\", \"per_mtok\": {\"input\": \"" price "\", \"output\": \"" price "\"}" \
    "}"

/* Who wins if every plan's tokens may be 30 % fewer or more than another model's counts. */
START_TEST(a_winner_is_named_where_no_doubt_about_tokens_changes_it)
{
    static const struct {
        const char *plans, *model;
        bool undecided;
    } cases[] = {
        /* its own counts against another model's, 29 % and 31 % above */
        {"{\"plans\": [" AT("openai/gpt-4o", "1") "," AT("anthropic/claude-opus-5", "1.42") "]}",
         "gpt-4o", true},
        {"{\"plans\": [" AT("openai/gpt-4o", "1") "," AT("anthropic/claude-opus-5", "1.43") "]}",
         "gpt-4o", false},
        {"{\"plans\": [" AT("openai/gpt-4o", "1.29") "," AT("anthropic/claude-opus-5", "1") "]}",
         "gpt-4o", true},
        {"{\"plans\": [" AT("openai/gpt-4o", "1.31") "," AT("anthropic/claude-opus-5", "1") "]}",
         "gpt-4o", false},
        /* two other models, each with a doubt of its own */
        {"{\"plans\": [" AT("google/gemini-3-pro", "1") "," AT("anthropic/claude-opus-5",
                                                               "1.85") "]}",
         "gpt-4o", true},
        {"{\"plans\": [" AT("google/gemini-3-pro", "1") "," AT("anthropic/claude-opus-5",
                                                               "1.86") "]}",
         "gpt-4o", false},
        /* two sellers of one model: what its tokens are is the same for both */
        {"{\"plans\": [" AT("anthropic/claude-opus-5", "1") "," AT("bedrock/claude-opus-5",
                                                                   "1.01") "]}",
         "gpt-4o", false},
        /* no model named, no plan's model known */
        {"{\"plans\": [" AT("openai/gpt-4o", "1") "," AT("anthropic/claude-opus-5", "1.01") "]}",
         NULL, false},
        {"{\"plans\": [" AT("token", "1") "," AT("other", "1.01") "]}", "gpt-4o", false},
        /* a flat price against another model's counts: 40 requests at $0.0011 are $0.044 */
        {"{\"plans\": [{\"name\": \"flat\", \"per_request\": \"0.0012\"}," AT(
             "anthropic/claude-opus-5", "1") "]}",
         "gpt-4o", true},
        {"{\"plans\": [{\"name\": \"flat\", \"per_request\": \"0.0015\"}," AT(
             "anthropic/claude-opus-5", "1") "]}",
         "gpt-4o", false},
        /* 30 % more tokens pass the cap: it would not serve all of it */
        {"{\"plans\": [{\"name\": \"anthropic/claude-opus-5\", \"per_mtok\": {\"input\": \"0.1\"},"
         " \"limits\": {\"max_input_tokens\": 1200}}," AT("openai/gpt-4o", "1") "]}",
         "gpt-4o", false},
        {"{\"plans\": [{\"name\": \"anthropic/claude-opus-5\", \"per_mtok\": {\"input\": \"0.1\","
         " \"output\": \"0.1\"}, \"limits\": {\"max_input_tokens\": 1200}}," AT("openai/gpt-4o",
                                                                                "1") "]}",
         "gpt-4o", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan_book book;
        struct workload w;
        struct bill bill = bill_of(cases[i].plans, cases[i].model, &book, &w);
        ck_assert_msg(bill.undecided == cases[i].undecided, "case %zu", i);
        for (size_t p = 0; p < bill.plan_count && bill.ranking_count == 2; p++)
            ck_assert_msg(bill.plans[p].contested == cases[i].undecided, "case %zu", i);
        for (size_t e = 0; e < bill.break_even_count; e++) {
            ck_assert(bill.break_even[e].undecided == cases[i].undecided);
            ck_assert(!bill.break_even[e].undecided ||
                      bill.break_even[e].input.kind == BREAK_EVEN_UNDECIDED);
        }
        bill_free(&bill);
        workload_free(&w);
        plan_book_free(&book);
    }
}
END_TEST

START_TEST(a_break_even_is_in_the_tokens_that_were_counted)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"claude-opus-5\", \"per_mtok\": {\"input\": \"3\", \"output\":"
        " \"15\"}}, {\"name\": \"flat\", \"per_request\": \"0.01\", \"limits\":"
        " {\"max_input_tokens\": 2000}}]}");
    struct token_scales scales = {0};
    struct error err = {0};
    struct workload w;
    workload_init(&w);
    add(&w, "gpt-4o", 1000, 0, 100, 0);
    ck_assert_int_eq(token_scales_add("claude-opus-5=in:1.3,out:1.1", &scales, &err), 0);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.scales = &scales});
    ck_assert_uint_eq(bill.break_even_count, 1);
    const struct break_even_answer *a = &bill.break_even[0].input;
    ck_assert_int_eq(a->kind, BREAK_EVEN_BEYOND);
    /* by hand: 110 out are $0.00165; the first n with ⌈1.3 n⌉ × $3/M above $0.00835 */
    uint64_t n = 0;
    while ((n * 13 + 9) / 10 * 3 <= 8350)
        n++;
    ck_assert_uint_eq(a->value, n);
    bill_free(&bill);
    token_scales_free(&scales);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(a_route_does_not_count_anew)
{
    struct workload w;
    struct error err = {0};
    static const char *const routes[] = {"route=*:claude-opus-5", "route=*:gpt-4o"};
    workload_init(&w);
    add(&w, "gpt-4o", 1000, 0, 100, 0);
    add(&w, NULL, 1000, 0, 100, 0);
    ck_assert_int_eq(transform_apply_all(routes, 2, 1, &w, NULL, NULL, &err), 0);
    struct request r;
    workload_get(&w, 0, &r);
    ck_assert_str_eq(r.model, "gpt-4o");
    ck_assert_str_eq(r.counted_as, "gpt-4o");
    workload_get(&w, 1, &r);
    ck_assert_str_eq(r.counted_as, "");
    workload_free(&w);
}
END_TEST

static void put(struct run_dir *dir, int number, uint32_t asked, uint64_t in, uint64_t out,
                enum usage_source from)
{
    struct record r;
    struct error err = {0};
    char id[16], session[16];
    snprintf(id, sizeof id, "r%d", number);
    snprintf(session, sizeof session, "s%d", number / 2);
    record_init(&r);
    r.request_id = id;
    r.session_id = session;
    r.attempt = 1;
    r.final = true;
    r.status = RECORD_COMPLETED;
    r.http_status = 200;
    r.sent_ns = r.scheduled_ns = r.ready_ns = 0;
    r.asked_input = asked;
    r.usage = usage_from_totals(in, 0, 0, 0, out, 0);
    r.usage_from = from;
    ck_assert_int_eq(run_dir_append(dir, &r, 0, &err), 0);
}

/* Two runs of the same 60 prompts; `noise`: the second one's counts vary by so much. */
static void write_runs(char folder[], char runs[2][64], uint32_t requests, uint32_t noise)
{
    struct error err = {0};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int run = 0; run < 2; run++) {
        struct run_dir dir;
        snprintf(runs[run], 64, "%s/%d", folder, run);
        ck_assert_int_eq(run_dir_create(&dir, runs[run], &err), 0);
        for (uint32_t i = 0; i < requests; i++) {
            uint32_t in = 1000 + i * 10, off = run ? i * 7919 % (2 * noise + 1) : noise;
            put(&dir, (int)i, in, run ? in * 13 / 10 + off - noise : in, run ? 110 : 100,
                USAGE_SERVER);
        }
        put(&dir, 1000 + run, 50, 50, 50, USAGE_SERVER);      /* in one of them only */
        put(&dir, 2000, run ? 60 : 50, 50, 50, USAGE_SERVER); /* another prompt */
        put(&dir, 3000, 50, 50, 50, USAGE_ESTIMATED);
        ck_assert_int_eq(run_dir_close(&dir, &err), 0);
    }
}

START_TEST(a_factor_is_learnt_from_runs_of_the_same_prompts)
{
    char folder[] = "/tmp/farebox-learn-XXXXXX", runs[2][64];
    struct token_lesson lesson;
    struct error err = {0};
    write_runs(folder, runs, 60, _i ? 200 : 0);
    ck_assert_msg(token_learn(runs[0], runs[1], &lesson, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(lesson.pairs, 60);
    ck_assert_uint_eq(lesson.unpaired, 2);
    ck_assert_uint_eq(lesson.different, 1);
    ck_assert_uint_eq(lesson.factor[TOKENS_AS][1], 1100000);
    ck_assert_uint_eq(lesson.factor[TOKENS_LOW][1], 1100000);
    ck_assert_uint_eq(lesson.factor[TOKENS_HIGH][1], 1100000);
    if (_i == 0) {
        ck_assert_uint_eq(lesson.factor[TOKENS_AS][0], 1300000);
        ck_assert_uint_le(lesson.factor[TOKENS_HIGH][0] - lesson.factor[TOKENS_LOW][0], 2);
    } else {
        ck_assert_uint_lt(lesson.factor[TOKENS_LOW][0], 1300000);
        ck_assert_uint_gt(lesson.factor[TOKENS_HIGH][0], 1300000);
        ck_assert_uint_gt(lesson.factor[TOKENS_LOW][0], 1200000);
        ck_assert_uint_lt(lesson.factor[TOKENS_HIGH][0], 1400000);
    }
    testing_remove(folder);
}
END_TEST

START_TEST(a_few_sessions_teach_no_factor)
{
    char folder[] = "/tmp/farebox-learn-XXXXXX", runs[2][64];
    struct token_lesson lesson;
    struct error err = {0};
    write_runs(folder, runs, 18, 0); /* nine sessions */
    ck_assert_int_eq(token_learn(runs[0], runs[1], &lesson, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, "18 requests in common") != NULL, "%s", err.message);
    testing_remove(folder);
}
END_TEST

/* A learnt factor's interval is a doubt as ± 30 % is, only a smaller one. */
START_TEST(the_interval_of_a_learnt_factor_decides_as_well)
{
    uint64_t wide[TOKEN_SIDES][2] = {{1200000, 1200000}, {1300000, 1300000}, {1400000, 1400000}};
    struct plan_book book = testing_plans(
        "{\"plans\": [" AT("openai/gpt-4o", "1.35") "," AT("anthropic/claude-opus-5", "1") "]}");
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 40; i++)
        add(&w, "gpt-4o", 1000, 0, 100, 0);
    for (int narrow = 0; narrow < 2; narrow++) {
        struct token_scales scales = {0};
        struct buffer text;
        if (narrow)
            wide[TOKENS_HIGH][0] = wide[TOKENS_HIGH][1] = 1340000;
        token_scales_add_learnt(&scales, text_of("claude-opus-5"), wide, 60);
        struct bill bill = testing_bill(&w, &book, (struct bill_options){.scales = &scales});
        ck_assert(bill.undecided == !narrow);
        buffer_init(&text, BUFFER_UNBOUNDED);
        bill_write_table(&bill, 80, &text);
        ck_assert((strstr(text.data, "No plan is named cheapest") != NULL) == !narrow);
        ck_assert((strstr(text.data, "Cheapest that serves everything") != NULL) == narrow);
        ck_assert_ptr_nonnull(strstr(text.data, "learnt from 60 pairs"));
        buffer_free(&text);
        bill_free(&bill);
        token_scales_free(&scales);
    }
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokens");
    TCase *tc = tcase_create("tokens");
    tcase_add_test(tc, names_of_one_model_are_the_same);
    tcase_add_test(tc, a_plan_names_a_model_or_none);
    tcase_add_test(tc, factors_are_read_exactly_or_refused);
    tcase_add_test(tc, a_count_before_is_the_first_that_becomes_as_many);
    tcase_add_test(tc, scaled_tokens_are_billed_as_if_they_had_been_counted);
    tcase_add_test(tc, own_tokens_are_never_scaled);
    tcase_add_test(tc, a_plan_that_names_no_model_can_be_named);
    tcase_add_test(tc, a_winner_is_named_where_no_doubt_about_tokens_changes_it);
    tcase_add_test(tc, a_break_even_is_in_the_tokens_that_were_counted);
    tcase_add_test(tc, a_route_does_not_count_anew);
    tcase_add_loop_test(tc, a_factor_is_learnt_from_runs_of_the_same_prompts, 0, 2);
    tcase_add_test(tc, a_few_sessions_teach_no_factor);
    tcase_add_test(tc, the_interval_of_a_learnt_factor_decides_as_well);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
