#include "sim/engine/policy.h"

/* A policy a row: its name in presets and options, and what it does. */
#define POLICIES(ROW)         \
    ROW("fcfs", &policy_fcfs) \
    ROW("priority", &policy_priority)

#define NAME(name, policy) name,
#define POLICY(name, policy) policy,

const char *const policy_names[] = {POLICIES(NAME) NULL};
static const struct policy *const policies[] = {POLICIES(POLICY) NULL};

const struct policy *policy_at(uint32_t number)
{
    return number < sizeof policies / sizeof *policies ? policies[number] : NULL;
}

const char *policy_name(size_t number)
{
    return number < sizeof policy_names / sizeof *policy_names ? policy_names[number] : NULL;
}
