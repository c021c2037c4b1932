#include "sim/engine/policy.h"

#include <stddef.h>
#include <string.h>

static const struct policy *const policies[] = {&policy_fcfs, &policy_priority};
#define POLICIES (sizeof policies / sizeof *policies)

const struct policy *policy_at(uint32_t number)
{
    return number < POLICIES ? policies[number] : NULL;
}

const struct policy *policy_find(const char *name)
{
    for (size_t i = 0; i < POLICIES; i++)
        if (strcmp(policies[i]->name, name) == 0)
            return policies[i];
    return NULL;
}
