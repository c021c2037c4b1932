/* Coverage is measured on processes whose truth is known. An interval from order statistics or
 * from s/√n, which takes neighbours for independent, covers 15% to 60% there (shown beside). */
#include "core/random.h"
#include "core/stats/quantile.h"
#include "testing.h"
#include "testing_interval.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <string.h>

#define RUNS 200
#define N 5000

static double values[20000], sorted[20000];

/* First-order autoregression, standard normal in the margin. */
static void make_ar1(double phi, double offset, size_t n, struct random *r)
{
    double x = gsl_ran_ugaussian(random_gsl(r));
    for (size_t i = 0; i < n; i++) {
        values[i] = x + offset;
        x = phi * x + sqrt(1 - phi * phi) * gsl_ran_ugaussian(random_gsl(r));
    }
}

/* Times in system of an M/M/1 queue with service rate 1, from its steady state: exponential with
 * rate 1 − load. */
static void make_mm1(double load, size_t n, struct random *r)
{
    gsl_rng *g = random_gsl(r);
    double wait = random_unit(r) < load ? gsl_ran_exponential(g, 1 / (1 - load)) : 0;
    for (size_t i = 0; i < n; i++) {
        values[i] = wait + gsl_ran_exponential(g, 1);
        wait = fmax(0, values[i] - gsl_ran_exponential(g, 1 / load));
    }
}

struct coverage {
    int mean, p50, p99, naive_mean, naive_p50, naive_p99;
    int supported_p99;
};

static bool holds(double low, double truth, double high)
{
    return low <= truth && truth <= high;
}

static bool naive_quantile(size_t n, double p, double truth)
{
    double half = 1.96 * sqrt(p * (1 - p) / (double)n);
    return holds(quantile_sorted(sorted, n, p - half), truth,
                 quantile_sorted(sorted, n, fmin(1, p + half)));
}

static void count(struct coverage *c, size_t n, double mean, double p50, double p99)
{
    struct interval ci, q[2];
    const double p[2] = {0.5, 0.99};
    double sum = 0, squares = 0;
    interval_mean(values, n, 0.95, &ci);
    interval_quantiles(values, n, p, 2, 0.95, q);
    c->mean += ci.supported && holds(ci.low, mean, ci.high);
    c->p50 += q[0].supported && holds(q[0].low, p50, q[0].high);
    c->p99 += q[1].supported && holds(q[1].low, p99, q[1].high);
    c->supported_p99 += q[1].supported;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    double at = sum / (double)n, error = sqrt((squares / (double)n - at * at) / (double)n);
    c->naive_mean += holds(at - 1.96 * error, mean, at + 1.96 * error);
    memcpy(sorted, values, n * sizeof *values);
    gsl_sort(sorted, 1, n);
    c->naive_p50 += naive_quantile(n, 0.5, p50);
    c->naive_p99 += naive_quantile(n, 0.99, p99);
}

static void show(const char *name, const struct coverage *c)
{
    printf("%s: covered of %d (naive): mean %d (%d), p50 %d (%d), p99 %d of %d supported (%d)\n",
           name, RUNS, c->mean, c->naive_mean, c->p50, c->naive_p50, c->p99, c->supported_p99,
           c->naive_p99);
}

START_TEST(coverage_on_an_autoregression)
{
    static const double phis[] = {0, 0.6, 0.9};
    for (size_t k = 0; k < 3; k++) {
        struct coverage c = {0};
        for (uint64_t run = 0; run < RUNS; run++) {
            struct random r;
            random_init(&r, 11, RANDOM_TEST, run * 3 + k);
            make_ar1(phis[k], 10, N, &r);
            count(&c, N, 10, 10, 10 + gsl_cdf_ugaussian_Pinv(0.99));
        }
        show(k == 0 ? "AR(1) 0.0" : k == 1 ? "AR(1) 0.6" : "AR(1) 0.9", &c);
        /* 95% ± four standard errors of 200 runs, and not always: it must have a width to miss */
        ck_assert_int_ge(c.mean, 178);
        ck_assert_int_ge(c.p50, 178);
        ck_assert_int_ge(c.p99 + RUNS - c.supported_p99, 178);
        ck_assert_int_lt(c.mean + c.p50 + c.p99, 3 * RUNS);
        ck_assert_int_ge(c.supported_p99, 150);
        if (k == 2) {
            ck_assert_int_lt(c.naive_mean, 120);
            ck_assert_int_lt(c.naive_p50, 120);
        }
    }
}
END_TEST

START_TEST(coverage_on_a_queue)
{
    static const double loads[] = {0.5, 0.8};
    for (size_t k = 0; k < 2; k++) {
        struct coverage c = {0};
        double rate = 1 - loads[k];
        for (uint64_t run = 0; run < RUNS; run++) {
            struct random r;
            random_init(&r, 12, RANDOM_TEST, run * 3 + k);
            make_mm1(loads[k], 20000, &r);
            count(&c, 20000, 1 / rate, log(2) / rate, log(100) / rate);
        }
        show(k == 0 ? "M/M/1 50%" : "M/M/1 80%", &c);
        ck_assert_int_ge(c.mean, 178);
        ck_assert_int_ge(c.p50, 178);
        if (k == 0) {
            ck_assert_int_ge(c.p99, 174);
            ck_assert_int_lt(c.naive_p99, 150);
        } else {
            ck_assert_int_lt(c.naive_mean, 80);
            ck_assert_int_lt(c.naive_p50, 80);
        }
    }
}
END_TEST

/* Where nothing is correlated, the interval must not pay for it. */
START_TEST(width_is_that_of_independent_values_where_they_are)
{
    struct random r;
    random_init(&r, 13, RANDOM_TEST, 0);
    double width = 0;
    for (int run = 0; run < 100; run++) {
        struct interval ci;
        make_ar1(0, 10, 2000, &r);
        ck_assert(interval_mean(values, 2000, 0.95, &ci));
        width += (ci.high - ci.low) / 100;
        ck_assert_double_gt(ci.effective, 500);
    }
    ck_assert_double_eq_tol(width, 2 * 1.96 / sqrt(2000), 0.02);
}
END_TEST

START_TEST(samples_that_cannot_support_it)
{
    struct random r;
    random_init(&r, 14, RANDOM_TEST, 0);
    make_ar1(0, 10, 20000, &r);
    const double p[3] = {0.5, 0.99, 0.999};
    struct interval q[3], ci;
    ck_assert(!interval_mean(values, 19, 0.95, &ci) && isnan(ci.low) && isnan(ci.high));
    ck_assert(interval_mean(values, 20, 0.95, &ci));
    ck_assert(!interval_mean(values, 0, 0.95, &ci));
    ck_assert(!interval_mean(values, 100, 1.5, &ci));
    interval_quantiles(values, 0, p, 3, 0.95, q);
    ck_assert(!q[0].supported);
    interval_quantiles(values, 367, p, 3, 0.95, q);
    ck_assert(q[0].supported && !q[1].supported && isnan(q[1].low));
    interval_quantiles(values, 3687, p, 3, 0.95, q);
    ck_assert(q[1].supported && !q[2].supported);
    interval_quantiles(values, 20000, p, 3, 0.95, q);
    ck_assert(q[0].supported && q[1].supported && q[2].supported);
    /* A run at 95% load of 1,000 requests sees a few bursts: no number of requests helps p99. */
    make_mm1(0.95, 1000, &r);
    interval_quantiles(values, 1000, p, 3, 0.95, q);
    ck_assert(!q[1].supported);
}
END_TEST

/* The 20 slowest of 2,000 requests, in so many bursts. */
START_TEST(a_tail_needs_ten_separate_episodes)
{
    static const size_t bursts[] = {20, 10, 9, 5, 1};
    struct random r;
    random_init(&r, 16, RANDOM_TEST, 0);
    for (size_t k = 0; k < sizeof bursts / sizeof bursts[0]; k++) {
        struct interval q[2];
        const double p[2] = {0.5, 0.99};
        make_ar1(0, 10, 2000, &r);
        for (size_t i = 0; i < 20; i++)
            values[2000 / bursts[k] * (i % bursts[k]) + i / bursts[k]] = 50 + (double)i;
        interval_quantiles(values, 2000, p, 2, 0.95, q);
        ck_assert(q[0].supported); /* the middle has no tail */
        ck_assert_int_eq(q[1].supported, bursts[k] >= INTERVAL_LEAST_EPISODES);
    }
}
END_TEST

START_TEST(constant_values_have_a_point)
{
    for (size_t i = 0; i < 1000; i++)
        values[i] = 20;
    struct interval ci, q;
    const double p = 0.99;
    ck_assert(interval_mean(values, 1000, 0.95, &ci));
    ck_assert_double_eq(ci.low, 20);
    ck_assert_double_eq(ci.high, 20);
    interval_quantiles(values, 1000, &p, 1, 0.95, &q);
    ck_assert(!q.supported || (q.low == 20 && q.high == 20));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interval");
    TCase *tests = tcase_create("interval");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, coverage_on_an_autoregression);
    tcase_add_test(tests, coverage_on_a_queue);
    tcase_add_test(tests, width_is_that_of_independent_values_where_they_are);
    tcase_add_test(tests, samples_that_cannot_support_it);
    tcase_add_test(tests, a_tail_needs_ten_separate_episodes);
    tcase_add_test(tests, constant_values_have_a_point);
    return testing_run(suite);
}
