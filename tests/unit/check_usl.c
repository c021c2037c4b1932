#include "core/random.h"
#include "core/stats/erlang.h"
#include "core/stats/usl.h"
#include "testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

static void is_within(double value, double truth, double relative)
{
    ck_assert_double_le(fabs(value / truth - 1), relative);
}

/* Our own points have the parameters that they were made from, within the noise that was put on
 * them; the Cisco data of Practical Scalability has those that usl4j publishes for it. */
static const struct {
    const char *file;
    double tolerance, sigma, kappa, lambda, optimum, peak;
} sets[] = {
    {"tests/data/usl.csv", 0.02, 0.04, 9e-4, 500, 32.66, 5107.6},
    {"../reference/usl_cisco.csv", 1e-5, 0.02671591, 7.690945e-4, 995.6486, 35.57, 12341.75},
};

START_TEST(a_data_set_has_its_parameters)
{
    char path[512], line[256];
    double n[64], x[64];
    size_t count = 0;
    testing_data(sets[_i].file, path);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (count < 64 && fgets(line, sizeof line, file))
        if (sscanf(line, "%lf,%lf", &n[count], &x[count]) == 2)
            count++;
    fclose(file);
    ck_assert_uint_eq(count, 32);
    struct usl_fit f;
    struct error err = {0};
    ck_assert_int_eq(usl_fit(n, x, count, &f, &err), 0);
    is_within(f.sigma.value, sets[_i].sigma, sets[_i].tolerance);
    is_within(f.kappa.value, sets[_i].kappa, sets[_i].tolerance);
    is_within(f.lambda.value, sets[_i].lambda, sets[_i].tolerance);
    is_within(f.optimum.value, sets[_i].optimum, fmax(1e-3, sets[_i].tolerance));
    is_within(f.peak, sets[_i].peak, fmax(1e-3, sets[_i].tolerance));
    is_within(usl_throughput(&f, floor(f.optimum.value)), sets[_i].peak, sets[_i].tolerance);
    ck_assert(f.sigma.low > 0 && f.sigma.low < f.sigma.value && f.sigma.value < f.sigma.high);
    ck_assert(f.optimum.low < sets[_i].optimum && f.optimum.high > sets[_i].optimum);
    ck_assert_double_gt(f.r_squared, 0.99);
}
END_TEST

START_TEST(intervals_cover_what_made_the_data)
{
    int sigma = 0, kappa = 0, lambda = 0, optimum = 0, runs = 200;
    double truth = sqrt((1 - 0.05) / 0.001);
    for (int run = 0; run < runs; run++) {
        struct random r;
        random_init(&r, 91, RANDOM_TEST, (uint64_t)run);
        double n[20], x[20];
        for (size_t i = 0; i < 20; i++) {
            n[i] = 1 + 4 * (double)i;
            x[i] = 2e-6 * n[i] / (1 + 0.05 * (n[i] - 1) + 0.001 * n[i] * (n[i] - 1)) +
                   gsl_ran_gaussian(random_gsl(&r), 2e-7);
        }
        struct usl_fit f;
        ck_assert_int_eq(usl_fit(n, x, 20, &f, NULL), 0);
        sigma += f.sigma.low <= 0.05 && 0.05 <= f.sigma.high;
        kappa += f.kappa.low <= 0.001 && 0.001 <= f.kappa.high;
        lambda += f.lambda.low <= 2e-6 && 2e-6 <= f.lambda.high;
        optimum += f.optimum.low <= truth && truth <= f.optimum.high;
    }
    printf("usl: of %d covered: sigma %d, kappa %d, lambda %d, optimum %d\n", runs, sigma, kappa,
           lambda, optimum);
    ck_assert_int_ge(sigma, 178);
    ck_assert_int_ge(kappa, 178);
    ck_assert_int_ge(lambda, 178);
    ck_assert_int_ge(optimum, 174);
    ck_assert_int_lt(sigma + kappa + lambda, 3 * runs);
}
END_TEST

START_TEST(perfect_and_contended_scaling)
{
    double n[] = {1, 2, 4, 8, 16}, linear[5], contended[5];
    for (size_t i = 0; i < 5; i++) {
        linear[i] = 100 * n[i];
        contended[i] = 100 * n[i] / (1 + 0.1 * (n[i] - 1));
    }
    struct usl_fit f;
    ck_assert_int_eq(usl_fit(n, linear, 5, &f, NULL), 0);
    ck_assert_double_eq_tol(f.sigma.value, 0, 1e-6);
    ck_assert_double_eq_tol(f.kappa.value, 0, 1e-6);
    is_within(f.lambda.value, 100, 1e-5);
    ck_assert_int_eq(usl_fit(n, contended, 5, &f, NULL), 0);
    ck_assert_double_eq_tol(f.sigma.value, 0.1, 1e-6);
    ck_assert_double_gt(f.optimum.value, 1000); /* no or a very far maximum */
}
END_TEST

START_TEST(points_that_cannot_be_fitted)
{
    double n[] = {1, 2, 3, 4}, x[] = {10, 0, 12, 13}, same[] = {2, 2, 2, 3};
    struct usl_fit f;
    struct error err = {0};
    ck_assert_int_eq(usl_fit(n, x, 4, &f, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "point 2"));
    err = (struct error){0};
    x[1] = 11;
    ck_assert_int_eq(usl_fit(n, x, 3, &f, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "at least 4"));
    ck_assert_int_eq(usl_fit(same, x, 4, &f, NULL), ERR_INPUT);
    x[0] = INFINITY;
    ck_assert_int_eq(usl_fit(n, x, 4, &f, NULL), ERR_INPUT);
}
END_TEST

START_TEST(erlang_tables)
{
    ck_assert_double_eq_tol(erlang_c(10, 8), 0.409180, 5e-7);
    ck_assert_double_eq_tol(erlang_c(20, 16), 0.256078, 5e-7);
    ck_assert_double_eq_tol(erlang_c(100, 85), 0.074850, 5e-7);
    ck_assert_double_eq_tol(erlang_b(2, 1), 0.2, 1e-12);
    ck_assert_double_eq_tol(erlang_c(1, 0.7), 0.7, 1e-12);
    ck_assert_double_eq(erlang_c(4, 0), 0);
    ck_assert_double_eq(erlang_c(4, 4), 1);
    ck_assert(isfinite(erlang_c(100000, 99000)));
}
END_TEST

START_TEST(erlang_quantiles)
{
    /* M/M/1 at 80%: P(W > t) = 0.8 e^(−0.2 t) */
    ck_assert_double_eq_tol(erlang_wait_quantile(1, 0.8, 1, 0.99), log(80) / 0.2, 1e-9);
    ck_assert_double_eq(erlang_wait_quantile(1, 0.8, 1, 0.1), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("usl");
    TCase *tests = tcase_create("usl");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, a_data_set_has_its_parameters, 0, 2);
    tcase_add_test(tests, intervals_cover_what_made_the_data);
    tcase_add_test(tests, perfect_and_contended_scaling);
    tcase_add_test(tests, points_that_cannot_be_fitted);
    tcase_add_test(tests, erlang_tables);
    tcase_add_test(tests, erlang_quantiles);
    return testing_run(suite);
}
