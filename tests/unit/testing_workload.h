/* Small workloads of the tests. Whoever makes one frees it. */
#ifndef FAREBOX_TESTS_TESTING_WORKLOAD_H
#define FAREBOX_TESTS_TESTING_WORKLOAD_H

#include "testing.h"

#include "core/error.h"
#include "workloads/model/workload.h"

/* Adds a row that must be good; attempts that are not set are one. */
static inline void testing_add(struct workload *w, struct request r)
{
    struct error err = {0};
    if (r.attempts == 0)
        r.attempts = 1;
    ck_assert_msg(workload_add(w, &r, &err) == 0, "%s", err.message);
}

/* Equal rows, the first at 0 and each of the others gap_ns later. */
static inline struct workload testing_rows(size_t count, int64_t gap_ns, uint32_t input,
                                           uint32_t output)
{
    struct workload w;
    workload_init(&w);
    for (size_t i = 0; i < count; i++)
        workload_add_plain(&w, (int64_t)i * gap_ns, input, output);
    return w;
}

#endif
