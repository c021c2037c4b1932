/* Schedules of the tests: a config with a fixed seed, and one that must be made. */
#ifndef FAREBOX_TESTS_TESTING_SCHEDULE_H
#define FAREBOX_TESTS_TESTING_SCHEDULE_H

#include "testing_workload.h"
#include "workloads/load/schedule.h"

#include <math.h>

#define MS NS_PER_MS

static inline struct schedule_config config(enum schedule_mode mode)
{
    struct schedule_config c;
    schedule_config_init(&c);
    c.mode = mode;
    c.seed = 3;
    return c;
}

static inline struct schedule *create(const struct schedule_config *c, const struct workload *w)
{
    struct error err = {0};
    struct schedule *s = schedule_create(c, w, &err);
    ck_assert_msg(s != NULL, "%s", err.message);
    return s;
}

#endif
