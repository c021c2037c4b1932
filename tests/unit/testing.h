/* What every unit test shares: the runner, and the way to data that lives beside the project.
 *
 * A test that needs a file from the traces' folder skips itself, with the reason, where the file
 * is absent:
 *
 *     char path[512];
 *     if (!testing_data("azure2023/AzureLLMInferenceTrace_code.csv", path))
 *         return;
 */
#ifndef FAREBOX_TESTS_TESTING_H
#define FAREBOX_TESTS_TESTING_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Path of a file under FAREBOX_TRACES (default ../shared/traces); "../pricing/x" reaches the
 * neighbours of that folder. False, after saying SKIP, if it is not there. */
static inline bool testing_data(const char *name, char path[512])
{
    const char *root = getenv("FAREBOX_TRACES");
    snprintf(path, 512, "%s/%s", root ? root : "../shared/traces", name);
    if (access(path, R_OK) == 0)
        return true;
    printf("SKIP %s is not there (FAREBOX_TRACES names its folder)\n", path);
    fflush(stdout);
    return false;
}

/* Check ends a test after 4 seconds unless its case says otherwise. A limit is there for what
 * hangs, not for what is slow: on a machine that does much else, or under a sanitizer, all are ten
 * times as long (CK_TIMEOUT_MULTIPLIER overrides it). Check reads it when a case is made, hence
 * before main.
 */
__attribute__((constructor)) static void testing_limits(void)
{
    setenv("CK_TIMEOUT_MULTIPLIER", "10", 0);
}

#define TESTING_TRIES 5

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
