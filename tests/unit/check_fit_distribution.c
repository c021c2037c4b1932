#include "core/random.h"
#include "core/stats/fit.h"
#include "testing.h"

#include <math.h>
#include <string.h>

#define MOST 20000

static double values[MOST];

static void draw(const struct fit *f, size_t n, double resolution, uint64_t seed)
{
    struct random r;
    random_init(&r, seed, RANDOM_TEST, 0);
    for (size_t i = 0; i < n; i++) {
        values[i] = fit_random(f, random_gsl(&r));
        if (resolution > 0)
            values[i] = fmax(resolution, round(values[i] / resolution) * resolution);
    }
}

static const struct fit truths[] = {
    {FIT_EXPONENTIAL, 40, 0, 0}, {FIT_GAMMA, 3, 150, 0},    {FIT_GAMMA, 0.4, 100, 0},
    {FIT_WEIBULL, 300, 2.5, 0},  {FIT_WEIBULL, 50, 0.6, 0}, {FIT_LOGNORMAL, 5.5, 1.1, 0},
    {FIT_NORMAL, 1000, 60, 0},   {FIT_PARETO, 1.8, 20, 0},
};

static void is_near(double value, double truth, double relative)
{
    if (fabs(value - truth) > relative * fabs(truth))
        printf("%g is not %g\n", value, truth);
    ck_assert_double_le(fabs(value - truth), relative * fabs(truth));
}

/* By the families' formulas; infinite for a Pareto with alpha ≤ 1. */
static double fit_mean(const struct fit *f)
{
    switch (f->family) {
    case FIT_GAMMA:
        return f->a * f->b;
    case FIT_WEIBULL:
        return f->a * tgamma(1 + 1 / f->b);
    case FIT_LOGNORMAL:
        return exp(f->a + f->b * f->b / 2);
    case FIT_PARETO:
        return f->a > 1 ? f->a * f->b / (f->a - 1) : INFINITY;
    case FIT_CONSTANT:
    case FIT_EXPONENTIAL:
    case FIT_NORMAL:
    case FIT_FAMILIES:
        break;
    }
    return f->a;
}

START_TEST(cdf_quantile_mean_and_variates_agree)
{
    for (size_t k = 0; k < sizeof truths / sizeof *truths; k++) {
        const struct fit *f = &truths[k];
        for (double p = 0.01; p < 1; p += 0.07)
            ck_assert_double_eq_tol(fit_cdf(f, fit_quantile(f, p)), p, 1e-9);
        draw(f, MOST, 0, 100 + k);
        double mean = 0;
        size_t below = 0;
        for (size_t i = 0; i < MOST; i++) {
            mean += values[i] / MOST;
            below += values[i] <= fit_quantile(f, 0.7);
        }
        ck_assert_double_eq_tol((double)below / MOST, 0.7, 0.015);
        is_near(mean, fit_mean(f), f->family == FIT_PARETO ? 0.3 : 0.06);
    }
    struct fit heavy = {FIT_PARETO, 0.9, 1, 0};
    ck_assert(isinf(fit_mean(&heavy)));
    ck_assert(isnan(fit_quantile(&heavy, -1)) && isinf(fit_quantile(&heavy, 1)));
    ck_assert_double_eq(fit_cdf(&heavy, -3), 0);
}
END_TEST

START_TEST(continuous_samples_give_family_and_parameters_back)
{
    for (size_t k = 0; k < sizeof truths / sizeof *truths; k++) {
        struct fit best, all[FIT_FAMILIES];
        draw(&truths[k], MOST, 0, 200 + k);
        ck_assert(fit_resolution(values, MOST) == 0);
        ck_assert_int_eq(fit_best(values, MOST, 0, all, &best, NULL), 0);
        ck_assert_str_eq(fit_family_name(best.family), fit_family_name(truths[k].family));
        is_near(best.a, truths[k].a, 0.03);
        if (truths[k].b != 0)
            is_near(best.b, truths[k].b, 0.04);
        ck_assert_double_lt(best.distance, 0.015);
        ck_assert(isnan(all[FIT_CONSTANT].distance));
    }
}
END_TEST

/* Token counts: whole, at least 1, and small enough that taking them as exact would bias. */
START_TEST(rounded_integers_are_fitted_as_cells)
{
    static const struct fit small[] = {
        {FIT_EXPONENTIAL, 2, 0, 0}, {FIT_LOGNORMAL, 0.7, 0.8, 0}, {FIT_GAMMA, 2, 2, 0},
        {FIT_WEIBULL, 6, 1.7, 0},   {FIT_NORMAL, 20, 3, 0},       {FIT_LOGNORMAL, 6, 1, 0},
    };
    for (size_t k = 0; k < sizeof small / sizeof *small; k++) {
        struct fit best, one;
        draw(&small[k], MOST, 1, 300 + k);
        ck_assert(fit_resolution(values, MOST) == 1);
        ck_assert_int_eq(fit_one(small[k].family, values, MOST, 1, &one, NULL), 0);
        is_near(one.a, small[k].a, 0.035);
        if (small[k].b != 0)
            is_near(one.b, small[k].b, 0.035);
        ck_assert_double_lt(one.distance, 0.015);
        ck_assert_int_eq(fit_best(values, MOST, 1, NULL, &best, NULL), 0);
        ck_assert_double_le(best.distance, one.distance + 1e-12);
        ck_assert_str_eq(fit_family_name(best.family), fit_family_name(small[k].family));
    }
    /* Beside: the plain estimate of the second is far off. */
    struct fit plain;
    draw(&small[1], MOST, 1, 301);
    ck_assert_int_eq(fit_one(FIT_LOGNORMAL, values, MOST, 0, &plain, NULL), 0);
    ck_assert_double_gt(fabs(plain.b / 0.8 - 1), 0.05);
}
END_TEST

START_TEST(zeros_and_coarse_times)
{
    struct fit f, gaps = {FIT_EXPONENTIAL, 5, 0, 0};
    draw(&gaps, 5000, 0, 400);
    for (size_t i = 0; i < 5000; i++)
        values[i] = floor(values[i] * 10) / 10; /* 100 ms clock: many gaps of 0 */
    ck_assert_int_eq(fit_one(FIT_EXPONENTIAL, values, 5000, 0, &f, NULL), 0);
    struct error err = {0};
    ck_assert_int_eq(fit_one(FIT_LOGNORMAL, values, 5000, 0, &f, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "not positive"));
    ck_assert_int_eq(fit_one(FIT_WEIBULL, values, 5000, 0.1, &f, NULL), 0);
    is_near(f.b, 1, 0.06);
}
END_TEST

START_TEST(what_has_no_spread_or_no_sense)
{
    struct fit f, all[FIT_FAMILIES];
    struct error err = {0};
    for (size_t i = 0; i < 50; i++)
        values[i] = 128;
    ck_assert_int_eq(fit_best(values, 50, 1, all, &f, &err), 0);
    char text[64];
    fit_describe(&f, text, sizeof text);
    ck_assert_str_eq(text, "constant(value=128)");
    ck_assert_double_eq(fit_quantile(&f, 0.3), 128);
    ck_assert_int_eq(fit_one(FIT_GAMMA, values, 50, 1, &f, &err), ERR_INPUT);
    err = (struct error){0};
    ck_assert_int_eq(fit_best(values, 0, 1, NULL, &f, &err), ERR_INPUT);
    values[7] = NAN;
    err = (struct error){0};
    ck_assert_int_eq(fit_best(values, 50, 1, NULL, &f, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "value 8"));
    values[7] = -5;
    ck_assert_int_eq(fit_best(values, 50, 1, NULL, &f, NULL), 0);
    ck_assert_int_eq(f.family, FIT_NORMAL);
    values[0] = 1;
    values[1] = 2;
    ck_assert_int_eq(fit_best(values, 2, 1, NULL, &f, NULL), 0); /* two values: no crash */
}
END_TEST

START_TEST(names)
{
    struct fit f = {FIT_LOGNORMAL, 6.25, 0.875, 0};
    char text[64];
    fit_describe(&f, text, sizeof text);
    ck_assert_str_eq(text, "lognormal(mu=6.25, sigma=0.875)");
    ck_assert_ptr_null(fit_parameter_name(FIT_EXPONENTIAL, 1));
    ck_assert_str_eq(fit_parameter_name(FIT_PARETO, 0), "alpha");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fit_distribution");
    TCase *tests = tcase_create("fit");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, cdf_quantile_mean_and_variates_agree);
    tcase_add_test(tests, continuous_samples_give_family_and_parameters_back);
    tcase_add_test(tests, rounded_integers_are_fitted_as_cells);
    tcase_add_test(tests, zeros_and_coarse_times);
    tcase_add_test(tests, what_has_no_spread_or_no_sense);
    tcase_add_test(tests, names);
    return testing_run(suite);
}
