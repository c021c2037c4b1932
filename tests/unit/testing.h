/* What every unit test shares: the runner, and the way to its data.
 *
 * Small files of our own stand in tests/data/; recorded ones live beside the project, and a test of
 * them ends as skipped, with the reason, where they are absent. A test that wants both is a loop:
 *
 *     static const char *const files[] = {"tests/data/azure.csv", "azure2023/recorded.csv"};
 *
 *     char path[512];
 *     testing_data(files[_i], path);
 */
#ifndef FAREBOX_TESTS_TESTING_H
#define FAREBOX_TESTS_TESTING_H

#include "core/file.h"

#include <check.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Ends the test as skipped. Check knows no such end: the test's process, which is its own, leaves
 * as if it had passed, and `run` takes each line that starts with SKIP from the tests that passed.
 */
__attribute__((format(printf, 1, 2))) _Noreturn static inline void testing_skip(const char *why,
                                                                                ...)
{
    va_list arguments;
    va_start(arguments, why);
    printf("SKIP ");
    vprintf(why, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout);
    exit(EXIT_SUCCESS);
}

/* Path of a file that a test reads. What starts with "tests/data/" is in the repository and must be
 * there; all else is under FAREBOX_TRACES (default ../shared/traces; "../pricing/x" reaches the
 * neighbours of that folder), and the test is skipped if it is not. */
static inline void testing_data(const char *name, char path[512])
{
    const char *root = getenv("FAREBOX_TRACES");
    bool own = strncmp(name, "tests/data/", strlen("tests/data/")) == 0;
    if (own)
        snprintf(path, 512, "%s", name);
    else
        snprintf(path, 512, "%s/%s", root ? root : "../shared/traces", name);
    if (access(path, R_OK) == 0)
        return;
    ck_assert_msg(!own, "%s is not there: run the tests from the project's root", path);
    testing_skip("%s is not there (FAREBOX_TRACES names its folder)", path);
}

/* A file in memory that holds these bytes; its path goes to `path`. The caller closes it, and it is
 * gone. */
static inline int testing_memory_file(const void *bytes, size_t length, char path[64])
{
    int fd = memfd_create("testing", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(file_write_all(fd, bytes, length, "memory", NULL), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static inline int testing_text_file(const char *text, char path[64])
{
    return testing_memory_file(text, strlen(text), path);
}

static inline int testing_remove_one(const char *path, const struct stat *about, int kind,
                                     struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

/* Removes a folder with all that is in it; 0 if it was there and is gone. */
static inline int testing_remove(const char *folder)
{
    return nftw(folder, testing_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Check ends a test after 4 seconds. The limit is there for what hangs and not for what is slow, as
 * all is beside other work or under a sanitizer: it is ten minutes, for every test. Check reads it
 * when a case is made, hence before main. */
__attribute__((constructor)) static void testing_limits(void)
{
    setenv("CK_DEFAULT_TIMEOUT", "600", 0);
}

/* True where tests look for errors of memory and not at laws, under a sanitizer: what is drawn many
 * times to meet a statistical bound may be drawn a tenth as often (make asan and tsan say so). */
static inline bool testing_few(void)
{
    return getenv("FAREBOX_FEW_DRAWS") != NULL;
}

#define TESTING_TRIES 2

/* For a measurement that says nothing, as what it is measured with was late: `why` tells so (NULL:
 * it was not). Says it, and at the last of TESTING_TRIES (from 1) that the test is skipped.
 *
 *     for (int try = 1; try <= TESTING_TRIES; try++) {
 *         measure(&m);
 *         if (testing_void(try, m.late_ms > 5 ? "the mock was late" : NULL))
 *             continue;
 *         ck_assert(...);
 *         break;
 *     }
 */
static inline bool testing_void(int try, const char *why)
{
    if (why)
        printf("%s %s (%d of %d)\n", try == TESTING_TRIES ? "SKIP" : "VOID", why, try,
               TESTING_TRIES);
    fflush(stdout);
    return why != NULL;
}

/* Runs a suite and gives main's exit status. */
static inline int testing_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
