/* What is drawn follows its law: a million draws each, Kolmogorov–Smirnov before rounding,
 * chi-square for whole numbers; and rates follow their curves. Seeds are fixed, so that a pass is a
 * pass for good; the p-values must only not be tiny. */
#include "tests/unit/testing.h"
#include "tests/unit/testing_arrival.h"

#include "core/memory.h"
#include "testing_ks.h"
#include "workloads/scenario/arrival.h"
#include "workloads/scenario/length.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <string.h>

#define MOST_DRAWS 1000000
#define LEAST_P 0.005

static size_t draws(void)
{
    return testing_few() ? MOST_DRAWS / 10 : MOST_DRAWS;
}

/* qsort is slow at a million doubles; positive ones sort as integers, byte by byte. */
static void sort_positive(double *x, size_t n)
{
    uint64_t *from = mem_alloc(n * sizeof *from), *to = mem_alloc(n * sizeof *to);
    memcpy(from, x, n * sizeof *from);
    for (int shift = 0; shift < 64; shift += 16) {
        static size_t start[65537];
        memset(start, 0, sizeof start);
        for (size_t i = 0; i < n; i++)
            start[(from[i] >> shift & 0xffff) + 1]++;
        for (size_t i = 0; i < 65536; i++)
            start[i + 1] += start[i];
        for (size_t i = 0; i < n; i++)
            to[start[from[i] >> shift & 0xffff]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    memcpy(x, from, n * sizeof *from);
    free(from);
    free(to);
}

struct gap_law {
    enum arrival_process process;
    double shape, rate;
};

static double gap_cdf(double x, const void *context)
{
    const struct gap_law *law = context;
    switch (law->process) {
    case ARRIVAL_GAMMA:
        return gsl_cdf_gamma_P(x, law->shape, 1 / (law->rate * law->shape));
    case ARRIVAL_WEIBULL:
        return gsl_cdf_weibull_P(x, 1 / (law->rate * gsl_sf_gamma(1 + 1 / law->shape)), law->shape);
    default:
        return gsl_cdf_exponential_P(x, 1 / law->rate);
    }
}

static const struct gap_law gap_laws[] = {
    {ARRIVAL_POISSON, 1, 4},   {ARRIVAL_GAMMA, 0.25, 4}, {ARRIVAL_GAMMA, 3, 4},
    {ARRIVAL_WEIBULL, 0.6, 4}, {ARRIVAL_WEIBULL, 2, 4},
};

/* The gaps themselves, and that the stream's times are their sums: differences of times alone would
 * miss the smallest gaps of bursty processes, which lie below a double's step at 10^5 s. */
START_TEST(gaps_follow_their_process)
{
    const size_t n = draws();
    const struct gap_law *law = &gap_laws[_i];
    struct arrival a = arrival_poisson(law->rate);
    struct arrival_stream s;
    struct random same;
    double *gaps = mem_alloc(n * sizeof *gaps), sum = 0, square = 0, at;
    a.process = law->process;
    a.shape = law->shape;
    arrival_start(&s, &a, 1, 20, (uint64_t)_i);
    random_init(&same, 20, RANDOM_ARRIVALS, 2 * (uint64_t)_i);
    for (size_t i = 0; i < n; i++) {
        ck_assert(arrival_next(&s, &at));
        gaps[i] = arrival_gap(law->process, law->shape, false, &same) / law->rate;
        sum += gaps[i];
        square += gaps[i] * gaps[i];
        if (fabs(at - sum) > 1e-6)
            ck_abort_msg("arrival %zu at %.9f, not %.9f", i, at, sum);
    }
    sort_positive(gaps, n);
    struct ks_result r = ks_one_sample(gaps, n, gap_cdf, law, false);
    ck_assert_msg(r.p_value > LEAST_P, "D = %g, p = %g", r.statistic, r.p_value);
    double mean = sum / (double)n, cv = sqrt(square / (double)n - mean * mean) / mean;
    ck_assert_double_eq_tol(mean * law->rate, 1, 0.01);
    if (law->process == ARRIVAL_GAMMA)
        ck_assert_double_eq_tol(cv, 1 / sqrt(law->shape), 0.01 / law->shape);
    free(gaps);
}
END_TEST

START_TEST(a_ramp_s_integral_is_reached_where_it_says)
{
    static const double slopes[] = {0, 1e-12, 0.5, 40, -0.1};
    for (size_t i = 0; i < sizeof slopes / sizeof *slopes; i++)
        for (double sum = 0.01; sum < 40; sum *= 3) {
            double t = arrival_ramp(3, slopes[i], sum);
            ck_assert_double_eq_tol(3 * t + slopes[i] * t * t / 2, sum, 1e-12 * sum);
        }
    ck_assert_double_eq_tol(arrival_ramp(0, 2, 9), 3, 1e-12); /* from a rate of 0 */
}
END_TEST

START_TEST(a_cv_gives_its_shape)
{
    static const double cvs[] = {0.3, 0.8, 1.5, 3};
    for (size_t i = 0; i < 4; i++) {
        double k = arrival_shape_for_cv(ARRIVAL_WEIBULL, cvs[i]);
        double m = gsl_sf_gamma(1 + 1 / k);
        ck_assert_double_eq_tol(sqrt(gsl_sf_gamma(1 + 2 / k) / (m * m) - 1), cvs[i], 1e-6);
        ck_assert_double_eq_tol(arrival_shape_for_cv(ARRIVAL_GAMMA, cvs[i]), 1 / (cvs[i] * cvs[i]),
                                1e-12);
    }
}
END_TEST

static bool parse_length(const char *text, struct length *l)
{
    struct json_scan s;
    struct error err = {0};
    json_scan_init(&s, "length", text, strlen(text), 1);
    length_parse(&s, l);
    ck_assert_msg(json_scan_end(&s, &err) == 0, "%s", err.message);
    return true;
}

static double uniform_cdf(double x, const void *unused)
{
    (void)unused;
    return gsl_cdf_flat_P(x, 5, 25);
}

static double normal_cdf(double x, const void *unused)
{
    (void)unused;
    return gsl_cdf_gaussian_P(x - 1000, 50);
}

static double lognormal_cdf(double x, const void *unused)
{
    (void)unused;
    return gsl_cdf_lognormal_P(x, log(450), 1.1);
}

static double exponential_cdf(double x, const void *unused)
{
    (void)unused;
    return gsl_cdf_exponential_P(x, 20);
}

static double gamma_cdf(double x, const void *unused)
{
    (void)unused;
    return gsl_cdf_gamma_P(x, 4, 45);
}

static double bursty_gamma_cdf(double x, const void *unused)
{
    (void)unused;
    return gsl_cdf_gamma_P(x, 1.0 / 9, 1620);
}

static double pareto_cdf(double x, const void *unused)
{
    (void)unused;
    return gsl_cdf_pareto_P(x, 1.7, 30);
}

/* Quantiles 10, 20, 60 at 0, 0.5, 1: straight lines between. */
static double empirical_cdf(double x, const void *unused)
{
    (void)unused;
    return x < 10 ? 0 : x < 20 ? (x - 10) / 20 : x < 60 ? 0.5 + (x - 20) / 80 : 1;
}

static const struct {
    const char *text;
    ks_cdf *cdf;
} length_laws[] = {
    {"{\"distribution\": \"uniform\", \"low\": 5, \"high\": 25}", uniform_cdf},
    {"{\"distribution\": \"normal\", \"mean\": 1000, \"stddev\": 50}", normal_cdf},
    {"{\"distribution\": \"lognormal\", \"median\": 450, \"sigma\": 1.1}", lognormal_cdf},
    {"{\"distribution\": \"exponential\", \"mean\": 20}", exponential_cdf},
    {"{\"distribution\": \"gamma\", \"mean\": 180, \"cv\": 0.5}", gamma_cdf},
    {"{\"distribution\": \"gamma\", \"mean\": 180, \"cv\": 3}", bursty_gamma_cdf},
    {"{\"distribution\": \"pareto\", \"alpha\": 1.7, \"scale\": 30}", pareto_cdf},
    {"{\"distribution\": \"empirical\", \"quantiles\": [10, 20, 60]}", empirical_cdf},
};

START_TEST(lengths_follow_their_distribution)
{
    const size_t n = draws();
    struct length l;
    struct random r;
    double *values = mem_alloc(n * sizeof *values);
    parse_length(length_laws[_i].text, &l);
    random_init(&r, 31, RANDOM_TEST, (uint64_t)_i);
    for (size_t i = 0; i < n; i++)
        values[i] = length_draw(&l, &r);
    sort_positive(values, n);
    struct ks_result ks = ks_one_sample(values, n, length_laws[_i].cdf, NULL, false);
    ck_assert_msg(ks.p_value > LEAST_P, "D = %g, p = %g", ks.statistic, ks.p_value);
    free(values);
    length_free(&l);
}
END_TEST

/* The copula's way to a value, by quantile, gives the same marginal as the direct draw. */
START_TEST(scores_give_the_same_distribution)
{
    struct length l;
    struct random r;
    const size_t n = draws() / 4;
    double *values = mem_alloc(n * sizeof *values);
    parse_length(length_laws[_i].text, &l);
    random_init(&r, 32, RANDOM_TEST, (uint64_t)_i);
    for (size_t i = 0; i < n; i++)
        values[i] = length_at_score(&l, gsl_cdf_ugaussian_Pinv(random_open_unit(&r)));
    sort_positive(values, n);
    struct ks_result ks = ks_one_sample(values, n, length_laws[_i].cdf, NULL, false);
    ck_assert_msg(ks.p_value > LEAST_P, "D = %g, p = %g", ks.statistic, ks.p_value);
    free(values);
    length_free(&l);
}
END_TEST

/* Whole numbers 1 … cells − 1, and the rest in the last cell. */
static void check_counts(const char *text, const double *probability, size_t cells)
{
    const size_t n = draws();
    struct length l;
    struct random r;
    uint64_t *observed = mem_zero(cells, sizeof *observed);
    parse_length(text, &l);
    random_init(&r, 33, RANDOM_TEST, cells);
    for (size_t i = 0; i < n; i++) {
        uint32_t x = length_draw_count(&l, &r, 0);
        observed[x < cells ? x : cells - 1]++;
    }
    struct ks_result c = chi_square(observed, probability, cells, 0, 5);
    ck_assert_msg(c.p_value > LEAST_P, "X2 = %g, p = %g", c.statistic, c.p_value);
    free(observed);
    length_free(&l);
}

START_TEST(whole_numbers_pass_chi_square)
{
    double p[1001] = {0}, sum = 0;
    for (int k = 1; k <= 1000; k++)
        sum += p[k] = pow(k, -1.1);
    for (int k = 1; k <= 1000; k++)
        p[k] /= sum;
    check_counts("{\"distribution\": \"zipf\", \"a\": 1.1, \"max\": 1000}", p, 1001);

    double even[26] = {0};
    for (int k = 5; k <= 25; k++)
        even[k] = 1.0 / 21;
    check_counts("{\"distribution\": \"uniform\", \"low\": 5, \"high\": 25}", even, 26);

    double weights[8] = {0, 0.5, 0, 0.2, 0, 0, 0, 0.3};
    check_counts("{\"distribution\": \"empirical\", \"values\": [1, 3, 7], \"weights\": [5, 2, 3]}",
                 weights, 8);

    double rounded[400];
    for (int k = 0; k < 400; k++)
        rounded[k] = gsl_cdf_lognormal_P(k + 0.5, log(60), 0.5) -
                     (k ? gsl_cdf_lognormal_P(k - 0.5, log(60), 0.5) : 0);
    rounded[399] = gsl_cdf_lognormal_Q(398.5, log(60), 0.5);
    check_counts("{\"distribution\": \"lognormal\", \"median\": 60, \"sigma\": 0.5}", rounded, 400);
}
END_TEST

START_TEST(bounds_take_what_lies_beyond)
{
    struct length l;
    struct random r;
    size_t low = 0, high = 0;
    parse_length("{\"distribution\": \"normal\", \"mean\": 100, \"stddev\": 10, \"min\": 90,"
                 " \"max\": 105}",
                 &l);
    random_init(&r, 34, RANDOM_TEST, 0);
    for (size_t i = 0; i < 100000; i++) {
        double x = length_draw(&l, &r);
        ck_assert(x >= 90 && x <= 105);
        low += x <= 90;
        high += x >= 105;
    }
    ck_assert_double_eq_tol((double)low / 1e5, gsl_cdf_ugaussian_P(-1), 0.005);
    ck_assert_double_eq_tol((double)high / 1e5, gsl_cdf_ugaussian_Q(0.5), 0.005);
    length_free(&l);
}
END_TEST

static void parse_arrival(const char *text, struct arrival *a)
{
    struct json_scan s;
    struct error err = {0};
    json_scan_init(&s, "arrivals", text, strlen(text), 1);
    arrival_parse(&s, a);
    ck_assert_msg(json_scan_end(&s, &err) == 0, "%s", err.message);
}

/* Arrivals before `until_s`, counted in `cells` equal parts. */
static size_t count_arrivals(const struct arrival *a, double until_s, uint64_t *counts,
                             size_t cells)
{
    struct arrival_stream s;
    double at;
    size_t total = 0;
    arrival_start(&s, a, 1, 40, 0);
    memset(counts, 0, cells * sizeof *counts);
    while (arrival_next(&s, &at) && at < until_s) {
        counts[(size_t)(at / until_s * (double)cells)]++;
        total++;
    }
    return total;
}

/* λ(t) = λ0·(1 + A·cos(2π(h − peak)/24)): each quarter of an hour has its integral, exactly. */
START_TEST(the_day_curve_is_followed)
{
    enum { CELLS = 96 };
    struct arrival a;
    uint64_t counts[CELLS];
    double p[CELLS];
    parse_arrival("{\"rate_rps\": 5, \"diurnal\": {\"amplitude\": 0.8, \"peak_hour\": 15}}", &a);
    size_t total = count_arrivals(&a, 86400, counts, CELLS);
    ck_assert_double_eq_tol((double)total, 5 * 86400, 4 * sqrt(5 * 86400));
    for (int i = 0; i < CELLS; i++) {
        double from = 2 * M_PI * (i / 4.0 - 15) / 24, to = 2 * M_PI * ((i + 1) / 4.0 - 15) / 24;
        p[i] = (0.25 + 0.8 * (sin(to) - sin(from)) * 24 / (2 * M_PI)) / 24;
    }
    struct ks_result r = chi_square(counts, p, CELLS, 0, 5);
    ck_assert_msg(r.p_value > LEAST_P, "X2 = %g, p = %g", r.statistic, r.p_value);
}
END_TEST

/* Gamma gaps keep their burstiness under the curve: thinning would push their CV towards 1. */
START_TEST(burstiness_survives_the_day_curve)
{
    struct arrival a;
    struct arrival_stream s;
    double sum = 0, square = 0, before = 0, at;
    parse_arrival("{\"process\": \"gamma\", \"cv\": 3, \"rate_rps\": 20, \"diurnal\":"
                  " {\"amplitude\": 0.8}}",
                  &a);
    arrival_start(&s, &a, 1, 41, 0);
    for (size_t i = 0; i < 500000; i++) {
        ck_assert(arrival_next(&s, &at));
        double gap = (at - before) * testing_rate_at(&a, before); /* in units of the rate */
        before = at;
        sum += gap;
        square += gap * gap;
    }
    double mean = sum / 5e5;
    ck_assert_double_eq_tol(sqrt(square / 5e5 - mean * mean) / mean, 3, 0.1);
}
END_TEST

START_TEST(the_week_has_its_days)
{
    struct arrival a;
    uint64_t counts[7];
    parse_arrival("{\"rate_rps\": 1, \"weekly\": {\"weekend\": 0.375}, \"start_day\": \"friday\"}",
                  &a);
    size_t total = count_arrivals(&a, 7 * 86400, counts, 7);
    ck_assert_double_eq_tol((double)total / (7 * 86400), 1, 0.01);
    for (int i = 0; i < 7; i++) { /* Saturday and Sunday are the second and third day */
        double factor = (i == 1 || i == 2 ? 0.375 : 1) * 7 / 5.75;
        ck_assert_double_eq_tol((double)counts[i] / 86400, factor, 0.02);
    }
}
END_TEST

START_TEST(stages_ramp_and_end)
{
    struct arrival a;
    uint64_t counts[4];
    parse_arrival("{\"stages\": [{\"duration_s\": 1000, \"rate_rps\": 10}, {\"duration_s\": 2000,"
                  " \"rate_rps\": 10, \"to_rps\": 50}, {\"duration_s\": 1000, \"rate_rps\": 0}]}",
                  &a);
    ck_assert_double_eq_tol(arrival_mean_rps(&a), 17.5, 1e-9);
    count_arrivals(&a, 4000, counts, 4);
    ck_assert_double_eq_tol((double)counts[0], 10000, 400);
    ck_assert_double_eq_tol((double)counts[1], 20000, 560);
    ck_assert_double_eq_tol((double)counts[2], 40000, 800);
    ck_assert_uint_eq(counts[3], 0);
    arrival_free(&a);
    parse_arrival("{\"process\": \"constant\", \"stages\": [{\"duration_s\": 10, \"rate_rps\": 1},"
                  " {\"duration_s\": 10, \"rate_rps\": 2}], \"repeat\": true}",
                  &a);
    ck_assert_uint_eq(count_arrivals(&a, 40.5, counts, 4), 60);
    arrival_free(&a);
}
END_TEST

START_TEST(bursts_keep_the_mean_rate)
{
    struct arrival a;
    enum { CELLS = 4000 };
    static uint64_t counts[CELLS];
    parse_arrival("{\"rate_rps\": 3, \"on_off\": {\"on_s\": 30, \"off_s\": 90, \"off_factor\": 0,"
                  " \"fixed\": true}}",
                  &a);
    size_t total = count_arrivals(&a, 120000, counts, CELLS); /* cells of 30 s: on, off, off, off */
    ck_assert_double_eq_tol((double)total / 120000, 3, 0.03);
    for (size_t i = 0; i < CELLS; i++)
        ck_assert(i % 4 == 0 ? counts[i] > 200 : counts[i] == 0);
    parse_arrival("{\"rate_rps\": 3, \"on_off\": {\"on_s\": 30, \"off_s\": 90, \"off_factor\":"
                  " 0.1}}",
                  &a);
    total = count_arrivals(&a, 400000, counts, CELLS); /* cells of 100 s */
    ck_assert_double_eq_tol((double)total / 400000, 3, 0.1);
    double square = 0, mean = (double)total / CELLS;
    for (size_t i = 0; i < CELLS; i++)
        square += ((double)counts[i] - mean) * ((double)counts[i] - mean);
    ck_assert_double_gt(square / CELLS / mean, 20); /* Poisson would give 1 */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("distributions");
    TCase *t = tcase_create("distributions");
    tcase_add_loop_test(t, gaps_follow_their_process, 0, (int)(sizeof gap_laws / sizeof *gap_laws));
    tcase_add_test(t, a_ramp_s_integral_is_reached_where_it_says);
    tcase_add_test(t, a_cv_gives_its_shape);
    tcase_add_loop_test(t, lengths_follow_their_distribution, 0,
                        (int)(sizeof length_laws / sizeof *length_laws));
    tcase_add_loop_test(t, scores_give_the_same_distribution, 0,
                        (int)(sizeof length_laws / sizeof *length_laws));
    tcase_add_test(t, whole_numbers_pass_chi_square);
    tcase_add_test(t, bounds_take_what_lies_beyond);
    tcase_add_test(t, the_day_curve_is_followed);
    tcase_add_test(t, burstiness_survives_the_day_curve);
    tcase_add_test(t, the_week_has_its_days);
    tcase_add_test(t, stages_ramp_and_end);
    tcase_add_test(t, bursts_keep_the_mean_rate);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
