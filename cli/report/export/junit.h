/* Verdicts as JUnit's XML, which CI servers show as tests: a suite for each comparison, a test case
 * for each figure that is judged.
 *
 *     struct junit j;
 *     junit_begin(&j, &text);
 *     junit_add(&j, "results/before", "results/after", &diff);
 *     junit_end(&j);
 *
 * The elements and attributes are those of the schema that Jenkins reads (junit-4.xsd): testsuites,
 * testsuite, testcase, failure, skipped, system-out. FAIL is a failure; UNDECIDED is skipped, or a
 * failure where it counts as one; the words are those of the screen.
 */
#ifndef FAREBOX_CLI_REPORT_EXPORT_JUNIT_H
#define FAREBOX_CLI_REPORT_EXPORT_JUNIT_H

#include "core/buffer.h"
#include "core/runs/compare/run_diff.h"

struct junit {
    struct buffer *out; /* borrowed */
    struct buffer suites;
    size_t tests, failures, skipped;
};

void junit_begin(struct junit *j, struct buffer *out);
void junit_add(struct junit *j, const char *before, const char *after, const struct run_diff *d);
void junit_end(struct junit *j);

#endif
