/* Limits in time, against a slow and obvious model of the same rules. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "core/memory.h"
#include "core/random.h"
#include "sim/cost/bill/serve.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>
#include <string.h>

/* ---- the model: every instant is tried, every past start is looked at again -------------- */

struct past {
    int64_t at_ns, end_ns;
    money_magnitude amount[4];
    bool counts[4]; /* the quota is for it */
};

struct model {
    const struct plan *plan;
    struct past *past;
    size_t count;
    int64_t duration_ns;
    int64_t start_unix_ns;
};

/* The window of the session at an instant: each begins with the first start after the last one's
 * end. Before one has begun it is empty. */
static void session_at(const struct model *m, size_t window, const struct plan_quota *q, int64_t at,
                       int64_t *begin, int64_t *end)
{
    *begin = *end = INT64_MIN;
    for (size_t i = 0; i < m->count; i++)
        if (m->past[i].counts[window] && m->past[i].at_ns >= *end) {
            *begin = m->past[i].at_ns;
            *end = *begin + plan_quota_length(q);
        }
    if (at >= *end)
        *begin = *end = at;
}

static money_magnitude used_at(const struct model *m, size_t window, const struct plan_quota *q,
                               int64_t at)
{
    int64_t begin = 0, end = 0;
    money_magnitude used = 0;
    if (q->alignment == WINDOW_SESSION)
        session_at(m, window, q, at, &begin, &end);
    else if (q->alignment != WINDOW_ROLLING)
        window_bounds(q, m->start_unix_ns, at, &begin, &end);
    for (size_t i = 0; i < m->count; i++) {
        bool in = q->alignment == WINDOW_ROLLING
                      ? m->past[i].at_ns > at - plan_quota_length(q) && m->past[i].at_ns <= at
                      : m->past[i].at_ns >= begin && m->past[i].at_ns < end;
        used += in ? m->past[i].amount[window] : 0;
    }
    return used;
}

static const struct plan_quota *quota_at(const struct plan *p, size_t i)
{
    return i < p->quota_count ? &p->quotas[i] : &p->rate_limits[i - p->quota_count];
}

/* $1 per million tokens in, $4 out; a token out may count for four. */
#define PRICE_IN (MONEY_USD / 1000000)
#define PRICE_OUT (4 * PRICE_IN)
static uint64_t output_counts_four[USAGE_CLASSES];

static money_magnitude need_of(const struct plan_quota *q, const char *model, uint32_t input,
                               uint32_t output)
{
    if (q->model_count > 0 && strcmp(q->models[0], model) != 0)
        return 0;
    if (q->unit == QUOTA_USD)
        return (money_magnitude)(PRICE_IN * (money)input + PRICE_OUT * (money)output);
    if (q->counts)
        return ((money_magnitude)input + (money_magnitude)output * 4) * PLAN_MICRO;
    return q->unit == QUOTA_REQUESTS ? PLAN_MICRO : (money_magnitude)input + output;
}

static money_magnitude amount_of(const struct plan_quota *q)
{
    return q->unit == QUOTA_USD ? (money_magnitude)q->usd
           : q->counts          ? (money_magnitude)q->amount * PLAN_MICRO
                                : q->amount;
}

/* What the windows before left unused: what came over from another one is used first. */
static money_magnitude carried_at(const struct model *m, size_t window, const struct plan_quota *q,
                                  int64_t at)
{
    int64_t first, begin, end;
    window_bounds(q, m->start_unix_ns, 0, &first, &end);
    window_bounds(q, m->start_unix_ns, at, &begin, &end);
    if (!q->rolls_over || begin <= first)
        return 0;
    money_magnitude used = used_at(m, window, q, begin - 1), amount = amount_of(q);
    if (used == 0)
        return amount;
    money_magnitude over = carried_at(m, window, q, begin - 1);
    money_magnitude own = used > over ? used - over : 0;
    return own < amount ? amount - own : 0;
}

static bool has_room(const struct model *m, size_t window, const struct plan_quota *q, int64_t at,
                     money_magnitude need)
{
    return need <= amount_of(q) &&
           used_at(m, window, q, at) + need <= amount_of(q) + carried_at(m, window, q, at);
}

static bool is_for(const struct plan_quota *q, const char *model)
{
    return q->model_count == 0 || strcmp(q->models[0], model) == 0;
}

static bool slot_free(const struct model *m, int64_t at)
{
    uint64_t running = 0;
    for (size_t i = 0; i < m->count; i++)
        running += m->past[i].at_ns <= at && m->past[i].end_ns > at;
    return m->plan->limits.concurrency == 0 || running < m->plan->limits.concurrency;
}

/* Seconds are tried one by one: all times of the test are whole seconds. */
static enum serve_fate model_place(struct model *m, int64_t *line_ns, int64_t due_ns,
                                   const char *model, uint32_t input, uint32_t output,
                                   int64_t *start_ns)
{
    const struct plan *p = m->plan;
    size_t windows = p->quota_count + p->rate_limit_count;
    bool queue_slots = p->limits.beyond == BEYOND_QUEUE, included = false, room_in_all = true;
    if (p->limits.max_input_tokens && input > p->limits.max_input_tokens)
        return SERVE_INPUT;
    for (size_t i = 0; i < windows; i++)
        if (quota_at(p, i)->beyond != BEYOND_PAY && is_for(quota_at(p, i), model) &&
            need_of(quota_at(p, i), model, input, output) > amount_of(quota_at(p, i)))
            return SERVE_LARGE;
    int64_t at = due_ns > *line_ns ? due_ns : *line_ns;
    for (;; at += NS_PER_S) {
        bool room = !queue_slots || slot_free(m, at);
        for (size_t i = 0; i < windows && room; i++) {
            const struct plan_quota *q = quota_at(p, i);
            if (q->beyond == BEYOND_QUEUE && is_for(q, model))
                room = has_room(m, i, q, at, need_of(q, model, input, output));
        }
        if (room)
            break;
    }
    *line_ns = at;
    for (size_t i = 0; i < windows; i++) {
        const struct plan_quota *q = quota_at(p, i);
        if (!is_for(q, model))
            continue;
        bool fits = has_room(m, i, q, at, need_of(q, model, input, output));
        if (!fits && q->beyond == BEYOND_REJECT)
            return i < p->quota_count ? SERVE_QUOTA : SERVE_RATE;
        if (i < p->quota_count && !(q->unit == QUOTA_USD && q->beyond == BEYOND_PAY)) {
            included = true;
            room_in_all = room_in_all && fits;
        }
    }
    included = included && room_in_all;
    if (!slot_free(m, at))
        return SERVE_RATE;
    struct past *now = &m->past[m->count++];
    *now = (struct past){.at_ns = at, .end_ns = at + m->duration_ns};
    for (size_t i = 0; i < windows; i++) {
        now->counts[i] = is_for(quota_at(p, i), model);
        if (now->counts[i] && (i >= p->quota_count || room_in_all))
            now->amount[i] = need_of(quota_at(p, i), model, input, output);
    }
    *start_ns = at;
    return included ? SERVE_INCLUDED : SERVE_PAID;
}

/* ---- random plans and workloads ------------------------------------------------------------ */

static uint64_t below(struct random *r, uint64_t n)
{
    return random_below(r, n);
}

static struct plan_quota random_quota(struct random *r, bool rate)
{
    static const int64_t lengths[] = {5, 7, 60, 3600, 86400};
    struct plan_quota q = {.unit = below(r, 3) ? QUOTA_REQUESTS : QUOTA_TOKENS,
                           .length_ns = lengths[below(r, 5)] * NS_PER_S,
                           .alignment = (enum plan_alignment)below(r, 4),
                           .beyond = (enum plan_beyond)below(r, rate ? 2 : 3),
                           .label = rate ? "rate" : "quota"};
    q.amount = q.unit == QUOTA_REQUESTS ? (1 + below(r, 12)) * PLAN_MICRO : 50 + below(r, 800);
    return q;
}

/* Of money, of one model, of tokens by class, with what is left over: each in some. */
static struct plan_quota special_quota(struct random *r)
{
    static char model[] = "a", *models[] = {model};
    struct plan_quota q = random_quota(r, false);
    if (below(r, 3) == 0) {
        q.unit = QUOTA_USD;
        q.usd = PRICE_IN * (money)(50 + below(r, 900));
    }
    if (below(r, 3) == 0) {
        q.models = models;
        q.model_count = 1;
    }
    if (q.unit == QUOTA_TOKENS && below(r, 2))
        q.counts = output_counts_four;
    q.rolls_over =
        (q.alignment == WINDOW_CALENDAR || q.alignment == WINDOW_ANCHORED) && below(r, 2);
    return q;
}

START_TEST(plans_equal_the_obvious_model)
{
    struct random r;
    random_init(&r, 20261101, RANDOM_TEST, (uint64_t)_i);
    struct plan_book priced = testing_plans(
        "{\"plans\": [{\"name\": \"p\", \"per_mtok\": {\"input\": \"1\", \"output\": \"4\"}}]}");
    for (int c = 0; c < USAGE_CLASSES; c++)
        output_counts_four[c] = usage_is_output((enum usage_class)c) ? 4 * PLAN_MICRO : PLAN_MICRO;
    for (int round = 0; round < 40; round++) {
        struct plan_quota quotas[2], limits[2];
        struct plan plan = {.name = "p",
                            .rates = priced.plans[0].rates,
                            .rate_count = 1,
                            .quotas = quotas,
                            .rate_limits = limits};
        plan.quota_count = below(&r, 3);
        plan.rate_limit_count = below(&r, 3);
        for (size_t i = 0; i < 2; i++) {
            quotas[i] = below(&r, 2) ? special_quota(&r) : random_quota(&r, false);
            limits[i] = random_quota(&r, true);
        }
        plan.limits.concurrency = below(&r, 2) ? 1 + below(&r, 4) : 0;
        plan.limits.beyond = (enum plan_beyond)below(&r, 2);
        plan.limits.max_input_tokens = below(&r, 2) ? 100 : 0;
        struct workload w;
        workload_init(&w);
        int64_t now = 0;
        size_t n = 1 + below(&r, 60);
        for (size_t i = 0; i < n; i++) {
            now += (int64_t)below(&r, 4) * (int64_t)below(&r, 5) * NS_PER_S;
            testing_add(&w, (struct request){.timestamp_ns = now,
                                             .input_tokens = (uint32_t)(1 + below(&r, 110)),
                                             .output_tokens = (uint32_t)below(&r, 40),
                                             .model = below(&r, 2) ? "a" : "b"});
        }
        struct serve_duration duration = {true, (int64_t)below(&r, 30) * NS_PER_S, 0};
        struct serve_conditions conditions = {(int64_t)below(&r, 200000) * NS_PER_S, false};
        struct serve_rows rows;
        struct serve_result result;
        struct error err = {0};
        ck_assert_int_eq(serve_rows_make(&rows, &w, duration, &err), 0);
        serve_plan(&plan, &rows, &conditions, &result);
        struct model m = {&plan, mem_zero(n, sizeof *m.past), 0, duration.first_ns,
                          conditions.start_unix_ns};
        int64_t line = 0;
        for (size_t i = 0; i < n; i++) {
            int64_t start = w.timestamp_ns[i];
            enum serve_fate fate =
                model_place(&m, &line, w.timestamp_ns[i], names_text(&w.models, w.model[i]),
                            w.input_tokens[i], w.output_tokens[i], &start);
            enum serve_fate got = result.fate ? (enum serve_fate)result.fate[i] : SERVE_PAID;
            ck_assert_msg(got == fate, "stream %d round %d row %zu: %s, the model says %s", _i,
                          round, i, serve_fate_name(got), serve_fate_name(fate));
            ck_assert_int_eq(result.start_ns ? result.start_ns[i] : start, start);
        }
        free(m.past);
        serve_result_free(&result);
        serve_rows_free(&rows);
        workload_free(&w);
    }
    plan_book_free(&priced);
}
END_TEST

/* Served by `times` of the plan as one: how many waited or were turned away by a limit. */
static uint64_t held_up(const struct plan *plan, uint64_t times, const struct serve_rows *rows,
                        const struct serve_conditions *conditions)
{
    struct plan_quota quotas[2], limits[2];
    struct plan many = *plan;
    struct serve_result result;
    many.quotas = quotas;
    many.rate_limits = limits;
    many.limits.concurrency *= times;
    for (size_t i = 0; i < 2; i++) {
        quotas[i] = plan->quotas[i];
        limits[i] = plan->rate_limits[i];
        quotas[i].amount *= quotas[i].beyond == BEYOND_PAY ? 1 : times;
        limits[i].amount *= times;
    }
    serve_plan(&many, rows, conditions, &result);
    uint64_t held = result.delayed + result.count[SERVE_QUOTA] + result.count[SERVE_RATE];
    serve_result_free(&result);
    return held;
}

/* So many of a plan that nobody waits, and no more than it takes. */
START_TEST(so_many_of_a_plan_make_nobody_wait)
{
    struct random r;
    random_init(&r, 20261102, RANDOM_TEST, (uint64_t)_i);
    for (int round = 0; round < 40; round++) {
        struct plan_rate rate = {0};
        struct plan_quota quotas[2], limits[2];
        struct plan plan = {
            .name = "p", .rates = &rate, .rate_count = 1, .quotas = quotas, .rate_limits = limits};
        plan.quota_count = below(&r, 3);
        plan.rate_limit_count = below(&r, 3);
        for (size_t i = 0; i < 2; i++) {
            quotas[i] = random_quota(&r, false);
            limits[i] = random_quota(&r, true);
            quotas[i].amount += quotas[i].unit == QUOTA_TOKENS ? 150 : 0;
            limits[i].amount += limits[i].unit == QUOTA_TOKENS ? 150 : 0;
        }
        /* No request is alone too large; and what is paid beyond one quota is not counted in the
         * other. */
        if (quotas[0].beyond == BEYOND_PAY || quotas[1].beyond == BEYOND_PAY)
            quotas[0].beyond = quotas[1].beyond = BEYOND_PAY;
        plan.limits.concurrency = below(&r, 2) ? 1 + below(&r, 4) : 0;
        plan.limits.beyond = (enum plan_beyond)below(&r, 2);
        struct workload w;
        workload_init(&w);
        int64_t now = 0;
        for (size_t i = 0, n = 1 + below(&r, 60); i < n; i++) {
            now += (int64_t)below(&r, 4) * (int64_t)below(&r, 5) * NS_PER_S;
            testing_add(&w, (struct request){.timestamp_ns = now,
                                             .input_tokens = (uint32_t)(1 + below(&r, 110)),
                                             .output_tokens = (uint32_t)below(&r, 40)});
        }
        struct serve_duration duration = {true, (int64_t)(1 + below(&r, 30)) * NS_PER_S, 0};
        struct serve_conditions conditions = {(int64_t)below(&r, 200000) * NS_PER_S, false};
        struct serve_rows rows;
        struct serve_need need;
        struct error err = {0};
        ck_assert_int_eq(serve_rows_make(&rows, &w, duration, &err), 0);
        serve_plans_needed(&plan, &rows, &conditions, &need);
        uint64_t enough = need.count ? need.count : 1;
        ck_assert_uint_eq(held_up(&plan, enough, &rows, &conditions), 0);
        if (enough > 1)
            ck_assert_msg(held_up(&plan, enough - 1, &rows, &conditions) > 0,
                          "stream %d round %d: %s", _i, round,
                          need.concurrency ? "concurrency" : need.window.label);
        serve_rows_free(&rows);
        workload_free(&w);
    }
}
END_TEST

START_TEST(turns_wait_for_those_before_them)
{
    struct workload w;
    struct serve_rows rows;
    struct error err = {0};
    workload_init(&w);
    uint32_t first = 2, second = 0;
    testing_add(&w, (struct request){.timestamp_ns = TIME_NEVER,
                                     .delay_ns = NS_PER_S,
                                     .after = &first,
                                     .after_count = 1,
                                     .input_tokens = 1,
                                     .output_tokens = 10});
    testing_add(&w, (struct request){.timestamp_ns = TIME_NEVER,
                                     .after = &second,
                                     .after_count = 1,
                                     .input_tokens = 1,
                                     .output_tokens = 10});
    testing_add(
        &w, (struct request){.timestamp_ns = 5 * NS_PER_S, .input_tokens = 1, .output_tokens = 10});
    struct serve_duration duration = {true, NS_PER_S, NS_PER_S / 10};
    ck_assert_int_eq(serve_rows_make(&rows, &w, duration, &err), 0);
    ck_assert_int_eq(serve_due(&rows, 2), 5 * NS_PER_S);
    ck_assert_int_eq(serve_due(&rows, 0), 8 * NS_PER_S);
    ck_assert_int_eq(serve_due(&rows, 1), 10 * NS_PER_S);
    ck_assert_uint_eq(rows.order[0], 2);
    ck_assert_int_eq(rows.span_ns, 10 * NS_PER_S);
    serve_rows_free(&rows);
    w.after[0] = 1; /* now rows 0 and 1 wait for each other */
    ck_assert_int_eq(serve_rows_make(&rows, &w, duration, &err), ERR_INPUT);
    workload_free(&w);
}
END_TEST

START_TEST(months_are_calendar_months)
{
    struct plan_quota q = {.unit = QUOTA_REQUESTS, .amount = PLAN_MICRO};
    int64_t start, begin, end;
    ck_assert_int_eq(clock_parse_instant("2026-01-31T12:00:00Z", 20, &start), 0);
    window_bounds(&q, start, 0, &begin, &end);
    ck_assert_int_eq(end, 12 * 3600 * NS_PER_S);
    window_bounds(&q, start, end, &begin, &end);
    ck_assert_int_eq(end - begin, 28 * 86400 * NS_PER_S);
    ck_assert_int_eq(window_number(&q, start, begin), 1);
}
END_TEST

/* Ten requests, a second apart, of so many tokens in and 10 out. */
static void serve_ten(const char *text, const uint32_t input[10], const char *const *models,
                      struct serve_result *out)
{
    struct plan_book book = testing_plans(text);
    struct serve_conditions conditions = {0};
    struct serve_rows rows;
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 10; i++)
        testing_add(&w, (struct request){.timestamp_ns = i * NS_PER_S,
                                         .input_tokens = input[i],
                                         .output_tokens = 10,
                                         .model = models ? models[i] : NULL});
    ck_assert_int_eq(serve_rows_make(&rows, &w, (struct serve_duration){0}, NULL), 0);
    serve_plan(&book.plans[0], &rows, &conditions, out);
    serve_rows_free(&rows);
    workload_free(&w);
    plan_book_free(&book);
}

static void check_fates(const struct serve_result *r, const char *expected)
{
    static const char letters[SERVE_FATES + 1] = "pimnclqrbe";
    for (int i = 0; i < 10; i++)
        ck_assert_msg(letters[r->fate[i]] == expected[i], "row %d: %s", i,
                      serve_fate_name((enum serve_fate)r->fate[i]));
}

START_TEST(caps_are_inclusive_and_what_they_refuse_uses_up_nothing)
{
    const uint32_t input[10] = {100, 101, 1, 1, 1, 101, 1, 1, 1, 1};
    struct serve_result r;
    serve_ten("{\"plans\": [{\"name\": \"a\", \"subscription\": {\"price\": 1, \"period\":"
              " \"day\", \"includes\": {\"requests\": 4, \"per\": \"day\"}, \"beyond\":"
              " \"reject\"}, \"limits\": {\"max_input_tokens\": 100}}]}",
              input, NULL, &r);
    check_fates(&r, "iciiicqqqq");
    ck_assert(r.quota_used == 4 * (money_magnitude)PLAN_MICRO);
    serve_result_free(&r);
    serve_ten("{\"plans\": [{\"name\": \"a\", \"per_request\": 1, \"limits\":"
              " {\"max_total_tokens\": 110}}]}",
              input, NULL, &r);
    check_fates(&r, "pcpppcpppp");
    serve_result_free(&r);
}
END_TEST

START_TEST(alone_more_than_a_window_is_never_served)
{
    const uint32_t input[10] = {90, 91, 1, 91, 1, 1, 1, 1, 1, 1};
    struct serve_result r;
    serve_ten("{\"plans\": [{\"name\": \"a\", \"per_request\": 1, \"limits\": {\"tpm\": 100}}]}",
              input, NULL, &r);
    check_fates(&r, "plplpppppp");
    ck_assert_int_eq(r.start_ns[0], 0);
    ck_assert_int_eq(r.start_ns[2], 60 * NS_PER_S); /* the first took all of its minute */
    serve_result_free(&r);
    const uint32_t small[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    serve_ten("{\"plans\": [{\"name\": \"a\", \"per_request\": 1, \"free\": {\"requests\": 0,"
              " \"per\": \"day\"}}]}",
              small, NULL, &r);
    check_fates(&r, "pppppppppp"); /* a quota of nothing, and what is beyond is paid */
    serve_result_free(&r);
}
END_TEST

START_TEST(a_rolling_window_has_room_when_its_length_has_passed)
{
    const uint32_t input[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    struct serve_result r;
    serve_ten("{\"plans\": [{\"name\": \"a\", \"subscription\": {\"price\": 1, \"period\":"
              " \"day\", \"includes\": {\"requests\": 2, \"per\": \"5s\", \"window\":"
              " \"rolling\"}, \"beyond\": \"reject\"}}]}",
              input, NULL, &r);
    check_fates(&r, "iiqqqiiqqq");
    serve_result_free(&r);
}
END_TEST

START_TEST(models_decide_whether_a_plan_serves_at_all)
{
    const uint32_t input[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const char *const models[10] = {"a", "b", NULL, "c", "a", "b", NULL, "c", "a", "a"};
    struct serve_result r;
    serve_ten("{\"plans\": [{\"name\": \"p\", \"rates\": [{\"models\": \"a\", \"per_request\": 1},"
              " {\"models\": [\"b*\"], \"per_request\": 2}]}]}",
              input, models, &r);
    check_fates(&r, "ppnmppnmpp");
    ck_assert_uint_eq(r.count[SERVE_MODEL], 2);
    ck_assert_uint_eq(r.count[SERVE_UNNAMED], 2);
    serve_result_free(&r);
    serve_ten("{\"plans\": [{\"name\": \"p\", \"models\": \"a\", \"per_request\": 1}]}", input,
              models, &r);
    check_fates(&r, "pmpmpmpmpp"); /* one rate: without a name nothing has to be guessed */
    serve_result_free(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve");
    TCase *tc = tcase_create("limits");
    tcase_add_loop_test(tc, plans_equal_the_obvious_model, 0, 10);
    tcase_add_loop_test(tc, so_many_of_a_plan_make_nobody_wait, 0, 10);
    tcase_add_test(tc, turns_wait_for_those_before_them);
    tcase_add_test(tc, months_are_calendar_months);
    tcase_add_test(tc, caps_are_inclusive_and_what_they_refuse_uses_up_nothing);
    tcase_add_test(tc, alone_more_than_a_window_is_never_served);
    tcase_add_test(tc, a_rolling_window_has_room_when_its_length_has_passed);
    tcase_add_test(tc, models_decide_whether_a_plan_serves_at_all);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
