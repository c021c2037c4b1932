/* Where runs go, and what becomes of an earlier one. */
#include "cli/report/plot/run_plots.h"
#include "core/file.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"
#include "core/runs/record/run_place.h"
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[] = "/tmp/farebox-place-XXXXXX";

static void put_file(const char *directory, const char *name, const char *text)
{
    char *file = run_dir_file(directory, name);
    ck_assert_int_eq(file_make_directories(directory, NULL), 0);
    ck_assert_int_eq(file_write_atomic(file, text, strlen(text), NULL), 0);
    free(file);
}

static bool holds(const char *directory, const char *name, const char *text)
{
    char *file = run_dir_file(directory, name), *got = NULL;
    size_t length;
    bool same = file_read_all(file, 100, &got, &length, NULL) == 0 && strcmp(got, text) == 0;
    free(got);
    free(file);
    return same;
}

START_TEST(force_replaces_runs_only)
{
    char path[128], records[128];
    struct error err = {0};
    snprintf(path, sizeof path, "%s/precious", scratch);
    snprintf(records, sizeof records, "%s/precious/requests.jsonl", scratch);
    put_file(path, "thesis.txt", "x");
    ck_assert_int_eq(run_dir_check(path, RUN_FORCE, &err), ERR_INPUT);
    put_file(path, "requests.jsonl", "GET /"); /* anybody's, without a run.json */
    ck_assert_int_eq(run_dir_check(path, RUN_FORCE, &err), ERR_INPUT);
    put_file(path, "run.json", "{}");
    ck_assert_int_eq(run_dir_check(path, RUN_FORCE, &err), 0);
    ck_assert_int_eq(run_dir_check(records, RUN_FORCE, &err), ERR_INPUT);
    struct run_place p;
    ck_assert_int_eq(run_place_begin(&p, records, true, &err), ERR_INPUT);
    ck_assert(holds(path, "requests.jsonl", "GET /"));
}
END_TEST

START_TEST(a_run_grows_beside_the_one_that_it_replaces)
{
    char path[128], link[128], beside[128];
    struct error err = {0};
    struct run_place p;
    snprintf(path, sizeof path, "%s/earlier", scratch);
    snprintf(link, sizeof link, "%s/link", scratch);
    snprintf(beside, sizeof beside, "%s/earlier.new", scratch);
    put_file(path, "requests.jsonl", "old");
    put_file(path, "summary.json", "old");
    put_file(path, "notes.txt", "mine");
    ck_assert_int_eq(symlink("earlier", link), 0);
    ck_assert_int_eq(run_place_begin(&p, path, true, &err), 0);
    ck_assert_str_eq(p.path, beside);
    put_file(p.path, "requests.jsonl", "lost");
    ck_assert(holds(path, "requests.jsonl", "old"));
    run_place_free(&p); /* as a kill leaves it */
    ck_assert(holds(path, "summary.json", "old"));
    ck_assert_int_eq(run_place_begin(&p, link, true, &err), 0); /* neither is lost */
    ck_assert(holds(beside, "requests.jsonl", "lost"));
    put_file(p.path, "requests.jsonl", "new");
    ck_assert_int_eq(run_place_take(&p, &err), 0);
    ck_assert_str_eq(p.path, link);
    ck_assert(holds(path, "requests.jsonl", "new") && holds(link, "requests.jsonl", "new"));
    ck_assert(holds(path, "notes.txt", "mine") && !holds(path, "summary.json", "old"));
    run_place_free(&p);
}
END_TEST

/* Of the earlier run nothing stays, also not what the new one does not write; of others, all. */
START_TEST(nothing_of_an_earlier_run_stays)
{
    char path[128], plots[160], point[160], gone[160];
    struct error err = {0};
    struct run_place p;
    snprintf(path, sizeof path, "%s/mixed", scratch);
    snprintf(plots, sizeof plots, "%s/plots", path);
    snprintf(point, sizeof point, "%s/rate-20", path);
    snprintf(gone, sizeof gone, "%s/rate-30", path);
    put_file(path, "run.json", "old");
    put_file(path, "bill.json", "old");
    put_file(path, "bill.json.mine", "mine");
    put_file(path, "requests.csv", "old");
    put_file(path, "timeline.svg", "mine");
    put_file(plots, "timeline.svg", "old");
    put_file(plots, "paper.svg", "mine");
    put_file(point, "requests.jsonl", "old");
    put_file(point, "notes.txt", "mine");
    put_file(gone, "requests.jsonl", "old");
    ck_assert_int_eq(run_place_begin(&p, path, true, &err), 0);
    put_file(p.path, "run.json", "new");
    ck_assert_int_eq(run_place_take(&p, &err), 0);
    run_place_free(&p);
    ck_assert(holds(path, "run.json", "new") && holds(path, "bill.json.mine", "mine"));
    ck_assert(holds(path, "timeline.svg", "mine") && holds(plots, "paper.svg", "mine"));
    ck_assert(holds(point, "notes.txt", "mine") && !file_exists(gone));
    ck_assert(!holds(path, "bill.json", "old") && !holds(path, "requests.csv", "old"));
    ck_assert(!holds(plots, "timeline.svg", "old") && !holds(point, "requests.jsonl", "old"));
    snprintf(gone, sizeof gone, "%s.new", path);
    ck_assert(!file_exists(gone));
}
END_TEST

START_TEST(every_picture_is_known_as_ours)
{
    char name[64];
    ck_assert_ptr_nonnull(run_plots_name(0));
    for (size_t i = 0; run_plots_name(i); i++) {
        snprintf(name, sizeof name, "%s.svg", run_plots_name(i));
        ck_assert_msg(run_files_are_plots(name), "%s", name);
    }
    ck_assert(!run_files_are_plots("timeline-2025.svg"));
}
END_TEST

/* One run at a time is written to a directory, and to that beside it. */
START_TEST(a_place_is_held)
{
    char path[128];
    struct error err = {0};
    struct run_place first, second;
    snprintf(path, sizeof path, "%s/held", scratch);
    ck_assert_int_eq(run_place_begin(&first, path, false, &err), 0);
    ck_assert_int_eq(run_place_begin(&second, path, false, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "another run"));
    put_file(path, "run.json", "old");
    ck_assert_int_eq(run_place_begin(&second, path, true, NULL), ERR_INPUT);
    run_place_free(&first);
    ck_assert_int_eq(run_place_begin(&first, path, true, NULL), 0);
    ck_assert_int_eq(run_place_begin(&second, path, true, NULL), ERR_INPUT);
    ck_assert_int_eq(run_place_begin(&second, first.path, true, NULL), ERR_INPUT);
    ck_assert_int_eq(run_place_take(&first, &err), 0);
    run_place_free(&first);
    ck_assert_int_eq(run_place_begin(&second, path, true, NULL), 0);
    run_place_discard(&second);
    run_place_free(&second);
}
END_TEST

START_TEST(force_takes_what_a_kill_leaves)
{
    char path[128];
    struct error err = {0};
    snprintf(path, sizeof path, "%s/remnant", scratch);
    put_file(path, "summary.json", "{}");
    put_file(path, "histograms.json.farebox-x8Kq2a", "{");
    ck_assert_msg(run_dir_check(path, RUN_FORCE, &err) == 0, "%s", err.message);
    put_file(path, "thesis.txt", "x");
    ck_assert_int_eq(run_dir_check(path, RUN_FORCE, &err), ERR_INPUT);
}
END_TEST

START_TEST(what_was_cut_goes_where_a_directory_is_gone_on_with)
{
    static const char *const cut[] = {"sweep.json.farebox-x8Kq2a",
                                      "plots/sweep.svg.farebox-AAAAAA"};
    static const char *const stay[] = {"sweep.json", "my.farebox-notes", ".farebox-x8Kq2a"};
    char path[128], pictures[160];
    snprintf(path, sizeof path, "%s/cut", scratch);
    snprintf(pictures, sizeof pictures, "%s/plots", path);
    for (size_t i = 0; i < COUNT_OF(stay); i++)
        put_file(path, stay[i], "x");
    put_file(path, cut[0], "x");
    put_file(pictures, cut[1] + strlen("plots/"), "x");
    run_files_clear_cut(path);
    for (size_t i = 0; i < COUNT_OF(cut); i++) {
        char *file = run_dir_file(path, cut[i]);
        ck_assert_msg(!file_exists(file), "%s", file);
        free(file);
    }
    for (size_t i = 0; i < COUNT_OF(stay); i++) {
        char *file = run_dir_file(path, stay[i]);
        ck_assert_msg(file_exists(file), "%s", file);
        free(file);
    }
}
END_TEST

int main(void)
{
    if (!mkdtemp(scratch))
        return EXIT_FAILURE;
    Suite *s = suite_create("run_place");
    TCase *t = tcase_create("all");
    tcase_add_test(t, force_replaces_runs_only);
    tcase_add_test(t, a_run_grows_beside_the_one_that_it_replaces);
    tcase_add_test(t, nothing_of_an_earlier_run_stays);
    tcase_add_test(t, every_picture_is_known_as_ours);
    tcase_add_test(t, a_place_is_held);
    tcase_add_test(t, what_was_cut_goes_where_a_directory_is_gone_on_with);
    tcase_add_test(t, force_takes_what_a_kill_leaves);
    suite_add_tcase(s, t);
    int status = testing_run(s);
    testing_remove(scratch);
    return status;
}
