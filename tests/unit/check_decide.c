/* What decides: draws, verdicts, candidates; and markets whose truth is known. */
#include "core/memory.h"
#include "core/random.h"
#include "sim/decide/candidate.h"
#include "sim/decide/own.h"
#include "sim/decide/redraw.h"
#include "sim/decide/verdict.h"
#include "tests/unit/testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- verdicts ---- */

START_TEST(the_cheapest_of_each_draw_is_counted)
{
    const double unit[] = {1, 1, 1, 3, /* of the first */ 2, 2, 2, 2};
    const bool open[] = {true, true, true, true, true, true, true, true};
    struct verdict v;
    verdict_make(&v, unit, open, 2, 4);
    ck_assert_uint_eq(v.leader, 0);
    ck_assert_uint_eq(v.runner_up, 1);
    ck_assert_double_eq_tol(v.probability[0], 0.75, 1e-12);
    ck_assert_double_eq_tol(v.regret, 0.25, 1e-12); /* (3 − 2) / 4 */
    ck_assert_double_eq_tol(v.advantage, 0.5, 1e-12);
    ck_assert(v.close);
    ck_assert(!v.unclear);
    verdict_free(&v);
}
END_TEST

START_TEST(what_does_not_serve_wins_nothing)
{
    const double unit[] = {1, 1, 2, 2};
    const bool open[] = {false, false, true, false};
    struct verdict v;
    verdict_make(&v, unit, open, 2, 2);
    ck_assert_uint_eq(v.leader, 1);
    ck_assert_uint_eq(v.runner_up, VERDICT_NOBODY);
    ck_assert_double_eq(v.probability[1], 1); /* of the draws with anybody */
    ck_assert_double_eq(v.ranges[1].acceptable, 0.5);
    ck_assert(isnan(v.ranges[0].median));
    ck_assert(isnan(v.advantage));
    verdict_free(&v);
}
END_TEST

START_TEST(equals_share_and_small_advantages_decide_nothing)
{
    const bool open[] = {true, true, true, true};
    const double equal[] = {5, 7, 5, 7}, near[] = {5, 7, 5.05, 7.07};
    struct verdict v;
    verdict_make(&v, equal, open, 2, 2);
    ck_assert_double_eq(v.probability[0], 0.5);
    ck_assert_double_eq(v.probability[1], 0.5);
    ck_assert(v.close);
    verdict_free(&v);
    verdict_make(&v, near, open, 2, 2);
    ck_assert_double_eq(v.probability[0], 1);
    ck_assert(v.close);
    ck_assert(v.unclear);
    verdict_free(&v);
}
END_TEST

START_TEST(nobody_at_all)
{
    const double unit[] = {1};
    const bool open[] = {false};
    struct verdict v;
    verdict_make(&v, unit, open, 1, 1);
    ck_assert_uint_eq(v.leader, VERDICT_NOBODY);
    ck_assert_double_eq(v.probability[0], 0);
    verdict_free(&v);
}
END_TEST

/* P = 90 % needs a difference of 1.2816 standard deviations. */
START_TEST(the_sample_that_would_decide)
{
    ck_assert_double_eq_tol(verdict_sample_factor(1.2815515655, 2, 0), 4, 1e-6);
    ck_assert_double_eq(verdict_sample_factor(1.2815515655, 0.5, 0), 1);
    ck_assert(isinf(verdict_sample_factor(1, 1, 1)));
    ck_assert_double_eq_tol(verdict_sample_factor(1.2815515655, 1, 0.8), 1 / 0.36, 1e-6);
}
END_TEST

/* ---- draws ---- */

static void add_session(struct workload *w, const char *session, const char *user, int64_t at_ns,
                        uint32_t turns, uint32_t input, uint32_t output)
{
    struct error err = {0};
    char labels[80];
    snprintf(labels, sizeof labels, "{\"user\":\"%s\"}", user ? user : "");
    for (uint32_t k = 0; k < turns; k++) {
        struct request r = {.timestamp_ns = at_ns + k,
                            .input_tokens = input * (k + 1),
                            .output_tokens = output,
                            .session_id = session,
                            .labels = user ? labels : NULL,
                            .attempts = 1,
                            .requests = 1};
        ck_assert_int_eq(workload_add(w, &r, &err), 0);
    }
}

static void make_sessions(struct workload *w, size_t sessions, size_t users, int64_t apart_ns)
{
    workload_init(w);
    for (size_t s = 0; s < sessions; s++) {
        char session[24], user[24];
        snprintf(session, sizeof session, "s%zu", s);
        snprintf(user, sizeof user, "u%zu", users ? s % users : 0);
        add_session(w, session, users ? user : NULL, (int64_t)s * apart_ns, 2, 100, 10);
    }
}

START_TEST(what_is_drawn_follows_the_sample)
{
    const int64_t hour = 3600 * NS_PER_S;
    const struct {
        size_t sessions, users;
        int64_t apart_ns;
        const char *unit;
        size_t blocks;
    } cases[] = {
        {50, 0, NS_PER_S, "sessions", 50}, {60, 20, NS_PER_S, "users", 20},
        {60, 5, NS_PER_S, "sessions", 60}, /* so few users are no sample of users */
        {240, 0, hour, "days", 10},        {240, 30, hour, "users and days", 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct workload w;
        struct redraw r;
        struct error err = {0};
        make_sessions(&w, cases[i].sessions, cases[i].users, cases[i].apart_ns);
        ck_assert_int_eq(redraw_open(&r, &w, &err), 0);
        ck_assert_str_eq(redraw_unit(&r), cases[i].unit);
        ck_assert_uint_eq(r.blocks, cases[i].blocks);
        redraw_free(&r);
        workload_free(&w);
    }
}
END_TEST

START_TEST(users_come_whole_and_draws_repeat)
{
    struct workload w;
    struct redraw r;
    struct error err = {0};
    uint32_t times[60] = {0}, first[256];
    make_sessions(&w, 60, 20, NS_PER_S);
    ck_assert_int_eq(redraw_open(&r, &w, &err), 0);
    redraw_make(&r, 3, 8);
    for (size_t i = 0; i < r.drawn_count; i++)
        times[r.drawn[i]]++;
    for (size_t s = 0; s < 60; s++)
        ck_assert_uint_eq(times[s], times[s % 20]);
    size_t count = r.drawn_count;
    memcpy(first, r.drawn, count * sizeof *first);
    redraw_make(&r, 3, 9);
    redraw_make(&r, 3, 8);
    ck_assert_uint_eq(r.drawn_count, count);
    ck_assert_mem_eq(r.drawn, first, count * sizeof *first);
    redraw_free(&r);
    workload_free(&w);
}
END_TEST

START_TEST(fewer_are_drawn_where_few_or_skewed)
{
    double even[100], skewed[100];
    for (size_t i = 0; i < 100; i++) {
        even[i] = (double)(i % 10);
        skewed[i] = i == 0 ? 1000 : 1;
    }
    ck_assert_uint_ge(redraw_so_many(even, 100), 96);
    ck_assert_uint_le(redraw_so_many(even, 100), 99);
    ck_assert_uint_lt(redraw_so_many(skewed, 100), 60);
    ck_assert_uint_eq(redraw_so_many(even, 1), 1);
}
END_TEST

/* ---- one's own ---- */

START_TEST(a_slower_replica_sustains_less)
{
    struct own o = {.nodes = {{0.5, 0}, {0.8, 2}, {1, 4}, {1.25, 8}, {2, 16}}, .node_count = 5};
    ck_assert_double_eq_tol(own_rate(&o, 1, 1), 4, 1e-9);
    ck_assert_double_eq_tol(own_rate(&o, 1.25, 1), 2 / 1.25, 1e-9);
    ck_assert_double_eq_tol(own_rate(&o, 0.8, 1), 8 / 0.8, 1e-9);
    ck_assert_double_eq_tol(own_rate(&o, 1, 2), 16, 1e-9);
    ck_assert_double_eq(own_rate(&o, 1, 0.6), 0); /* at half it is missed even without load */
    ck_assert_double_lt(own_rate(&o, 1.1, 1), 4 / 1.1);
}
END_TEST

/* ---- candidates ---- */

START_TEST(candidates_are_told_apart)
{
    struct candidate_list list = {0};
    struct slo_list slos = {0};
    struct error err = {0};
    ck_assert_int_eq(candidate_list_add(&list, "demo/token, constant+2.50 ,demo/fl*", &slos, &err),
                     0);
    ck_assert_uint_eq(list.count, 3);
    ck_assert_int_eq(list.items[0].kind, CANDIDATE_PLAN);
    ck_assert_int_eq(list.items[1].kind, CANDIDATE_OWN);
    ck_assert_str_eq(list.items[1].name, "constant+2.50");
    ck_assert(list.items[1].gpu_hour == MONEY_USD * 5 / 2);
    ck_assert_str_eq(list.items[2].plan->name, "demo/flat");
    candidate_list_free(&list);
}
END_TEST

START_TEST(what_is_no_candidate_is_refused)
{
    static const char *const wrong[][2] = {
        {"nobody/here", "nobody/here"},          {"no/run+demo/token", "no run's directory"},
        {"constant+cheap", "price of one GPU"},  {"no-such-engine+2", "no-such-engine"},
        {"demo/token,,demo/flat", "empty name"}, {"demo/token,demo/token", "twice"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct candidate_list list = {0};
        struct slo_list slos = {0};
        struct error err = {0};
        ck_assert_int_eq(candidate_list_add(&list, wrong[i][0], &slos, &err), ERR_INPUT);
        ck_assert_msg(strstr(err.message, wrong[i][1]) != NULL, "%s: %s", wrong[i][0], err.message);
        candidate_list_free(&list);
    }
}
END_TEST

/* ---- markets ---- */

/* A law of sessions: turns are geometric, turn k of a session of size L asks k·L tokens and is
 * answered with `answer`·L; L is lognormal. Money for each request is then known. */
struct law {
    double stop, spread, answer;
};

enum { TOKEN, LONG, FLAT, OWN, CANDIDATES };

struct market {
    struct law law;
    double input[2], output[2]; /* of the two token plans, for a token */
    double flat, own, error;    /* for each request; the 90th percentile of own's error */
    double truth[CANDIDATES];
};

#define SIZE_MEDIAN 1000.0

static double mean_size(const struct law *l)
{
    return SIZE_MEDIAN * exp(l->spread * l->spread / 2);
}

/* Turns t: E t = 1/q, E t² = (2 − q)/q²; Σ k = t(t + 1)/2. */
static double expected_input(const struct law *l)
{
    double q = l->stop, turns = 1 / q, squares = (2 - q) / (q * q);
    return mean_size(l) * (squares + turns) / 2 / turns;
}

static double level(struct random *g, double expected, double spread)
{
    return expected * exp(gsl_ran_gaussian(random_gsl(g), spread));
}

static void make_market(struct market *m, struct random *g)
{
    static const double errors[] = {0.05, 0.1, 0.2};
    double spread = 0.15 + 0.85 * random_unit(g), size; /* lists differ by so much */
    m->law = (struct law){0.15 + 0.85 * random_unit(g), 0.3 + 0.9 * random_unit(g),
                          0.1 + 0.4 * random_unit(g)};
    double input = expected_input(&m->law), output = m->law.answer * mean_size(&m->law);
    m->input[0] = 1e-6;
    m->output[0] = 4e-6;
    size = input * m->input[0] + output * m->output[0];
    double share = random_unit(g), other = level(g, size, spread);
    m->input[1] = other * share / input;
    m->output[1] = other * (1 - share) / output;
    m->flat = level(g, size, spread);
    m->own = level(g, size, spread);
    m->error = errors[random_below(g, 3)];
    m->truth[TOKEN] = size;
    m->truth[LONG] = other;
    m->truth[FLAT] = m->flat;
    m->truth[OWN] = level(g, m->own, log1p(m->error) / 1.6448536269514722);
}

static void make_sample(const struct market *m, size_t sessions, struct random *g,
                        struct workload *w)
{
    workload_init(w);
    for (size_t s = 0; s < sessions; s++) {
        char name[24];
        double size = level(g, SIZE_MEDIAN, m->law.spread);
        uint32_t turns = gsl_ran_geometric(random_gsl(g), m->law.stop);
        snprintf(name, sizeof name, "s%zu", s);
        add_session(w, name, NULL, (int64_t)s, turns, (uint32_t)lround(size),
                    (uint32_t)lround(size * m->law.answer));
    }
}

#define DRAWS 200

struct tally {
    uint64_t stated[10], held[10]; /* by decile of the stated probability, times 1e6 the sum */
    double sum[10];
    uint64_t near, near_close, far, far_close;
    double regret, real, real_squares;
    uint64_t markets;
};

static void draw_market(const struct market *m, const struct workload *w, uint64_t seed,
                        double *unit, struct random *g)
{
    struct redraw r;
    struct error err = {0};
    ck_assert_int_eq(redraw_open(&r, w, &err), 0);
    for (uint64_t d = 0; d < DRAWS; d++) {
        double input = 0, output = 0, rows = 0;
        redraw_make(&r, seed, d);
        for (size_t i = 0; i < r.drawn_count; i++) {
            size_t from = r.sessions.start[r.drawn[i]], to = r.sessions.start[r.drawn[i] + 1];
            double turns = (double)(to - from), one = w->input_tokens[r.sessions.row[from]];
            input += one * turns * (turns + 1) / 2;
            output += turns * w->output_tokens[r.sessions.row[from]];
            rows += turns;
        }
        for (int p = 0; p < 2; p++)
            unit[(size_t)(p ? LONG : TOKEN) * DRAWS + d] =
                (input * m->input[p] + output * m->output[p]) / rows;
        unit[FLAT * DRAWS + d] = m->flat;
        unit[OWN * DRAWS + d] = level(g, m->own, log1p(m->error) / 1.6448536269514722);
    }
    redraw_free(&r);
}

static void count_market(struct tally *t, const struct market *m, const struct verdict *v)
{
    size_t best = 0;
    double next = INFINITY;
    for (size_t c = 1; c < CANDIDATES; c++)
        best = m->truth[c] < m->truth[best] ? c : best;
    for (size_t c = 0; c < CANDIDATES; c++) {
        int decile = v->probability[c] >= 1 ? 9 : (int)(10 * v->probability[c]);
        next = c != best && m->truth[c] < next ? m->truth[c] : next;
        t->stated[decile]++;
        t->sum[decile] += v->probability[c];
        t->held[decile] += c == best;
    }
    double apart = next / m->truth[best] - 1, real = m->truth[v->leader] - m->truth[best];
    t->near += apart < 0.01;
    t->near_close += apart < 0.01 && v->close;
    t->far += apart > 0.3;
    t->far_close += apart > 0.3 && v->close;
    t->regret += v->regret / m->truth[TOKEN];
    t->real += real / m->truth[TOKEN];
    t->real_squares += real * real / (m->truth[TOKEN] * m->truth[TOKEN]);
    t->markets++;
}

static void play(struct tally *t, uint64_t number)
{
    static bool open[CANDIDATES * DRAWS];
    static double unit[CANDIDATES * DRAWS];
    struct random g;
    struct market m;
    struct workload w;
    struct verdict v;
    random_init(&g, 20261130, RANDOM_TEST, number);
    make_market(&m, &g);
    size_t sessions = (size_t)(80 * exp(random_unit(&g) * log(2000.0 / 80)));
    make_sample(&m, sessions, &g, &w);
    for (size_t i = 0; i < CANDIDATES * DRAWS; i++)
        open[i] = true;
    draw_market(&m, &w, number, unit, &g);
    verdict_make(&v, unit, open, CANDIDATES, DRAWS);
    count_market(t, &m, &v);
    verdict_free(&v);
    workload_free(&w);
}

/* MARKETS=10000 is `make check-decide`. */
START_TEST(markets_whose_truth_is_known)
{
    const char *asked = getenv("MARKETS");
    uint64_t markets = asked ? strtoull(asked, NULL, 10) : 400;
    struct tally t = {0};
    for (uint64_t i = 0; i < markets; i++)
        play(&t, i);
    for (int k = 0; k < 10; k++) {
        double n = (double)t.stated[k], p = n > 0 ? t.sum[k] / n : 0;
        double held = n > 0 ? (double)t.held[k] / n : 0;
        double allowed = fmax(0.05, 3 * sqrt(p * (1 - p) / (n > 0 ? n : 1)));
        fprintf(stderr, "stated %.3f  held %.3f  of %.0f  (within %.3f)\n", p, held, n, allowed);
        ck_assert_msg(n == 0 || fabs(held - p) <= allowed, "decile %d: stated %.3f, held %.3f", k,
                      p, held);
    }
    double n = (double)t.markets, real = t.real / n;
    double deviation = sqrt((t.real_squares / n - real * real) / n);
    double near = (double)t.near_close / (double)t.near, far = (double)t.far_close / (double)t.far;
    fprintf(stderr,
            "regret %.4f, real %.4f ± %.4f; too close: %.3f of %llu that differ by < 1 %%, %.3f of "
            "%llu by > 30 %%\n",
            t.regret / n, real, deviation, near, (unsigned long long)t.near, far,
            (unsigned long long)t.far);
    ck_assert_double_le(fabs(t.regret / n - real), 3 * deviation + 0.002);
    if (markets >= 2000) {
        ck_assert_double_ge(near, 0.95);
        ck_assert_double_le(far, 0.10);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decide");
    TCase *t = tcase_create("decide");
    tcase_set_timeout(t, 1200);
    tcase_add_test(t, the_cheapest_of_each_draw_is_counted);
    tcase_add_test(t, what_does_not_serve_wins_nothing);
    tcase_add_test(t, equals_share_and_small_advantages_decide_nothing);
    tcase_add_test(t, nobody_at_all);
    tcase_add_test(t, the_sample_that_would_decide);
    tcase_add_test(t, what_is_drawn_follows_the_sample);
    tcase_add_test(t, users_come_whole_and_draws_repeat);
    tcase_add_test(t, fewer_are_drawn_where_few_or_skewed);
    tcase_add_test(t, a_slower_replica_sustains_less);
    tcase_add_test(t, candidates_are_told_apart);
    tcase_add_test(t, what_is_no_candidate_is_refused);
    tcase_add_test(t, markets_whose_truth_is_known);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
