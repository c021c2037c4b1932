/* The best split, against one that takes the dearest request that fits, again and again. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "core/memory.h"
#include "core/random.h"
#include "sim/cost/bill/split.h"
#include "sim/cost/book/window.h"

#define ROWS 400
#define LIMITS 2

static const struct {
    enum plan_alignment alignment[LIMITS];
    int64_t length_s[LIMITS];
    uint64_t amount[LIMITS];
    bool tokens;
} limits[] = {
    {{WINDOW_ANCHORED, WINDOW_ANCHORED}, {600, 60}, {20, 4}, false},   /* nested */
    {{WINDOW_ANCHORED, WINDOW_ANCHORED}, {600, 70}, {20, 4}, false},   /* across each other */
    {{WINDOW_CALENDAR, WINDOW_ANCHORED}, {3600, 60}, {30, 3}, false},  /* as the start has it */
    {{WINDOW_ANCHORED, WINDOW_ANCHORED}, {600, 60}, {900, 200}, true}, /* tokens of any number */
    {{WINDOW_ROLLING, WINDOW_ROLLING}, {3600, 60}, {1000, 1000}, false},
};

struct example {
    struct workload w;
    struct serve_rows rows;
    money token[ROWS], flat[ROWS];
    struct plan_rate rate;
    struct plan_quota quotas[LIMITS];
    struct plan plan;
};

static money some_money(struct random *r)
{
    uint64_t kind = random_below(r, 12);
    if (kind == 0)
        return MONEY_MAX;
    if (kind < 4) /* alike in all but their last digits */
        return ((money)1 << 70) + (money)random_below(r, 3);
    return (money)random_below(r, 1000) << random_below(r, 80);
}

static void make(struct example *e, int which, uint64_t seed)
{
    struct random r;
    random_init(&r, seed, RANDOM_TEST, 7);
    *e = (struct example){0};
    workload_init(&e->w);
    for (int i = 0; i < ROWS; i++) {
        workload_add_plain(&e->w, (int64_t)random_below(&r, 7200) * NS_PER_S,
                           (uint32_t)random_below(&r, 100), (uint32_t)random_below(&r, 10));
        e->token[i] = some_money(&r);
        e->flat[i] = random_below(&r, 3) ? 0 : some_money(&r);
    }
    for (int q = 0; q < LIMITS; q++)
        e->quotas[q] = (struct plan_quota){
            .unit = limits[which].tokens ? QUOTA_TOKENS : QUOTA_REQUESTS,
            .amount = limits[which].amount[q] * (limits[which].tokens ? 1 : PLAN_MICRO),
            .length_ns = limits[which].length_s[q] * NS_PER_S,
            .alignment = limits[which].alignment[q]};
    e->plan = (struct plan){
        .rates = &e->rate, .rate_count = 1, .quotas = e->quotas, .quota_count = LIMITS};
    serve_rows_make(&e->rows, &e->w, (struct serve_duration){0}, NULL);
}

static money saved_by(const struct example *e, int i)
{
    if (e->flat[i] == MONEY_MAX)
        return -MONEY_MAX;
    return e->token[i] == MONEY_MAX ? MONEY_MAX : e->token[i] - e->flat[i];
}

static bool fits(struct example *e, const struct serve_conditions *c, int row,
                 uint64_t used[][8000])
{
    size_t window[LIMITS];
    uint64_t need[LIMITS];
    for (int q = 0; q < LIMITS; q++) {
        struct plan_quota quota = e->quotas[q];
        if (quota.alignment == WINDOW_ROLLING)
            quota.alignment = WINDOW_ANCHORED;
        window[q] = (size_t)window_number(&quota, c->start_unix_ns, e->w.timestamp_ns[row]);
        need[q] = quota.unit == QUOTA_REQUESTS
                      ? PLAN_MICRO
                      : (uint64_t)e->w.input_tokens[row] + e->w.output_tokens[row];
        if (used[q][window[q]] + need[q] > quota.amount)
            return false;
    }
    for (int q = 0; q < LIMITS; q++)
        used[q][window[q]] += need[q];
    return true;
}

/* All rows by what they save, one after another. */
static struct split slow_split(struct example *e, const struct serve_conditions *c)
{
    static uint64_t used[LIMITS][8000];
    bool done[ROWS] = {false};
    struct split s = {0};
    memset(used, 0, sizeof used);
    for (int n = 0; n < ROWS; n++) {
        int best = -1;
        for (int i = 0; i < ROWS; i++)
            if (!done[i] && (best < 0 || saved_by(e, i) > saved_by(e, best)))
                best = i;
        done[best] = true;
        money charge = e->token[best];
        if (saved_by(e, best) > 0 && fits(e, c, best, used)) {
            s.to_flat++;
            s.flat_usage += e->flat[best];
            s.moved_usage += charge == MONEY_MAX ? 0 : charge;
        } else if (charge == MONEY_MAX) {
            s.unserved++;
        } else {
            s.to_token++;
            s.token_usage += charge;
        }
    }
    return s;
}

START_TEST(a_split_is_what_trying_row_by_row_gives)
{
    struct serve_conditions c = {.start_unix_ns = INT64_C(1760001234) * NS_PER_S};
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct example *e = mem_alloc(sizeof *e);
        struct split_order order;
        struct split s;
        make(e, _i, seed);
        struct split_charges charges = {e->token, e->flat, ROWS};
        split_order_make(&order, &charges, &e->plan, &e->rows, &c);
        split_make(&order, &e->plan, &s);
        struct split wanted = slow_split(e, &c);
        ck_assert_uint_gt(s.to_flat, 0);
        ck_assert_uint_eq(s.to_flat, wanted.to_flat);
        ck_assert_uint_eq(s.to_token, wanted.to_token);
        ck_assert_uint_eq(s.unserved, wanted.unserved);
        ck_assert(s.token_usage == wanted.token_usage);
        ck_assert(s.flat_usage == wanted.flat_usage);
        ck_assert(s.moved_usage == wanted.moved_usage);
        split_order_free(&order);
        serve_rows_free(&e->rows);
        workload_free(&e->w);
        free(e);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("split");
    TCase *t = tcase_create("split");
    tcase_add_loop_test(t, a_split_is_what_trying_row_by_row_gives, 0, COUNT_OF(limits));
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
