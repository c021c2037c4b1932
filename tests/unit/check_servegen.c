/* ServeGen data sets: read from an archive or a folder, superposed client by client. */
#include "tests/unit/testing.h"
#include "tests/unit/testing_arrival.h"

#include "workloads/scenario/generate.h"
#include "workloads/scenario/servegen.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define SEEDS 5

static const struct {
    const char *file;
    unsigned clients, most; /* `most` clients make nine tenths of the load, one fewer does not */
} sets[] = {{"tests/data/servegen.tgz", 12, 3}, {"servegen/deepseek-r1.tgz", 73, 25}};

static void read_set(const char *path, struct servegen_options o, struct scenario *s,
                     struct servegen_report *report)
{
    struct error err = {0};
    scenario_init(s);
    ck_assert_msg(servegen_read(path, &o, s, report, &err) == 0, "%s", err.message);
}

START_TEST(a_few_clients_make_most_of_the_load)
{
    char path[512];
    struct scenario s;
    struct servegen_report all, top, fewer;
    testing_data(sets[_i].file, path);
    read_set(path, (struct servegen_options){0}, &s, &all);
    scenario_free(&s);
    read_set(path, (struct servegen_options){.clients = sets[_i].most}, &s, &top);
    scenario_free(&s);
    read_set(path, (struct servegen_options){.clients = sets[_i].most - 1}, &s, &fewer);
    scenario_free(&s);
    ck_assert_uint_eq(all.clients, sets[_i].clients);
    ck_assert_uint_eq(top.clients, sets[_i].most);
    ck_assert_double_ge(top.rate_rps / all.rate_rps, 0.9);
    ck_assert_double_lt(fewer.rate_rps / all.rate_rps, 0.9);
}
END_TEST

/* Every hour's count is the sum of all clients' rates over that hour. */
START_TEST(the_superposition_follows_the_sum_of_the_rates)
{
    char path[512];
    struct scenario s;
    struct workload w;
    struct error err = {0};
    double expected[24] = {0}, got[24] = {0};
    testing_data(sets[_i].file, path);
    read_set(path, (struct servegen_options){.rate_rps = 2}, &s, NULL);
    for (size_t i = 0; i < s.class_count; i++)
        for (double at = 300; at < 86400; at += 600)
            expected[(int)(at / 3600)] += 600 * testing_rate_at(&s.classes[i].arrival, at);
    s.name = strdup("servegen");
    for (uint64_t seed = 1; seed <= SEEDS; seed++) { /* bursty clients: one day is not enough */
        struct generate_options day = {.duration_s = 86400};
        workload_init(&w);
        ck_assert_int_eq(workload_generate(&s, seed, &day, &w, &err), 0);
        for (size_t i = 0; i < w.count; i++)
            got[w.timestamp_ns[i] / (3600 * NS_PER_S)] += 1.0 / SEEDS;
        ck_assert_ptr_nonnull(w.usage); /* the share of reasoning */
        workload_free(&w);
    }
    double total = 0, made = 0;
    for (int h = 0; h < 24; h++) {
        ck_assert_double_eq_tol(got[h] / expected[h], 1, 0.07);
        total += expected[h];
        made += got[h];
    }
    ck_assert_double_eq_tol(total, 2 * 86400, 1);
    ck_assert_double_eq_tol(made / total, 1, 0.01);
    scenario_free(&s);
}
END_TEST

static void put(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void make_folder(char folder[64], const char *trace, const char *dataset)
{
    strcpy(folder, "/tmp/check_servegen.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    put(folder, "chunk-1-trace.csv", trace);
    put(folder, "chunk-1-dataset.json", dataset);
}

#define LENGTHS                                                                              \
    "{\"0\": {\"input_tokens\": \"{10: 0.25, 20: 0.75}\", \"output_tokens\": \"{7: 1.0}\"}," \
    " \"1200\": {\"input_tokens\": \"{}\", \"output_tokens\": \"{}\"}}"

START_TEST(a_folder_in_a_scenario)
{
    char folder[64], path[128];
    struct scenario s;
    struct workload w;
    struct error err = {0};
    make_folder(folder, "0,1.0,1,Gamma,1,1\n600,0,0,,0,0\n1200,2,1,Weibull,1,0.5\n", LENGTHS);
    put(folder, "scenario.json",
        "{\"duration_s\": 1800, \"servegen\": {\"path\": \".\"}, \"classes\": []}");
    snprintf(path, sizeof path, "%s/scenario.json", folder);
    ck_assert_msg(scenario_load(path, &s, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(s.class_count, 2); /* one for each length window */
    workload_init(&w);
    ck_assert_int_eq(workload_generate(&s, 3, &(struct generate_options){0}, &w, &err), 0);
    double count[3] = {0}, long_inputs = 0;
    for (size_t i = 0; i < w.count; i++) {
        count[w.timestamp_ns[i] / (600 * NS_PER_S)]++;
        ck_assert(w.input_tokens[i] == 10 || w.input_tokens[i] == 20);
        ck_assert_uint_eq(w.output_tokens[i], 7);
        long_inputs += w.input_tokens[i] == 20;
    }
    ck_assert_double_eq_tol(count[0], 600, 80);
    ck_assert_double_eq(count[1], 0);
    ck_assert_double_eq_tol(count[2], 1200, 120);
    ck_assert_double_eq_tol(long_inputs / (double)w.count, 0.75, 0.05);
    workload_free(&w);
    scenario_free(&s);
    testing_remove(folder);
}
END_TEST

static const struct {
    const char *trace, *dataset, *says, *file;
    long line, column;
} wrong[] = {
    {"0,1,1,Gamma,1,1\n600,x,1,Gamma,1,1\n", LENGTHS, "requests per second", "trace.csv", 2, 5},
    {"0,1,1,Gauss,1,1\n", LENGTHS, "Gamma, Weibull or nothing", "trace.csv", 1, 7},
    {"0,1,1,Gamma,0,1\n", LENGTHS, "a shape from 0.001", "trace.csv", 1, 13},
    {"600,1,1,,0,0\n600,1,1,,0,0\n", LENGTHS, "a later window", "trace.csv", 2, 1},
    {"0,1,1,Gamma,1,1\n", "{\"0\": {\"input_tokens\": \"{1: 0.5\", \"output_tokens\": \"{}\"}}",
     "a dictionary", "dataset.json", 1, 24},
    {"0,1,1,Gamma,1,1\n",
     "{\"0\": {\"input_tokens\": \"{1: 1}\", \"output_tokens\": \"{1: 1}\",\n"
     "\"input_tokens\": \"{2: 1}\"}}",
     "\"input_tokens\" stands twice", "dataset.json", 2, 1},
    {"0,1,1,Gamma,1,1\n",
     "{\"0\": {\"input_tokens\": \"{1: 1}\", \"output_tokens\": \"{1: 1}\"}, \"0\": {}}",
     "the window from 0 s on stands twice", "dataset.json", 0, 0},
    {"1e300,1,1,,0,0\n", LENGTHS, "at most 10^9", "trace.csv", 1, 1},
    {"0,1,1,Gamma,1e300,1\n", LENGTHS, "a shape from 0.001", "trace.csv", 1, 13},
    {"0,1,1,,0,0\n", "{\"0\": {\"output_tokens\": \"{1: 1}\", \"input_tokens\": \"{1e9: 1}\"}}",
     "of values from 0 to 100,000,000", "dataset.json", 1, 51},
    {"0,1,1,,0,0\n", "{\"0\": {\"output_tokens\": \"{-1: 1}\", \"input_tokens\": \"{1: 1}\"}}",
     "of values from 0 to 100,000,000", "dataset.json", 1, 25},
    {"0,1,1,,0,0\n", "{\"1e300\": {\"output_tokens\": \"{1: 1}\", \"input_tokens\": \"{1: 1}\"}}",
     "a window's start in seconds", "dataset.json", 1, 2},
    {"0,0,0,,0,0\n", LENGTHS, "no client ever sends", "", 0, 0},
};

START_TEST(what_is_wrong_is_named_with_its_place)
{
    char folder[64];
    struct scenario s;
    struct servegen_options o = {0};
    struct error err = {0};
    make_folder(folder, wrong[_i].trace, wrong[_i].dataset);
    scenario_init(&s);
    ck_assert_int_eq(servegen_read(folder, &o, &s, NULL, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, wrong[_i].says) != NULL, "%s", err.message);
    ck_assert_msg(strstr(err.file, wrong[_i].file) != NULL, "%s", err.file);
    ck_assert_int_eq(err.line, wrong[_i].line);
    ck_assert_int_eq(err.column, wrong[_i].column);
    scenario_free(&s);
    testing_remove(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("servegen");
    TCase *t = tcase_create("servegen");
    tcase_add_loop_test(t, a_few_clients_make_most_of_the_load, 0, 2);
    tcase_add_loop_test(t, the_superposition_follows_the_sum_of_the_rates, 0, 2);
    tcase_add_test(t, a_folder_in_a_scenario);
    tcase_add_loop_test(t, what_is_wrong_is_named_with_its_place, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
