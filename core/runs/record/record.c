#include "core/runs/record/record.h"

#include <assert.h>
#include <stddef.h>

static_assert(offsetof(struct record, done_ns) + sizeof(int64_t) ==
                      offsetof(struct record, times_ns[RECORD_FIRST_DURATION]) &&
                  offsetof(struct record, tls_ns) + sizeof(int64_t) ==
                      offsetof(struct record, times_ns[RECORD_TIMES]),
              "times_ns holds every time");

const char *const record_status_names[] = {"completed", "failed", "cancelled", "unsent", NULL};

const char *const failure_names[] = {
    "none",
    "dns",
    "connect",
    "tls",
    "reset",
    "timeout_connect",
    "timeout_first_token",
    "timeout_gap",
    "timeout_total",
    "auth",
    "rate_limited",
    "bad_request",
    "server_error",
    "http",
    "error_event",
    "truncated",
    "malformed",
    "empty",
    "too_large",
    "client",
    "rejected",
    "other",
    NULL,
};

const char *const unsent_names[] = {"none",        "cap",       "budget", "parent_failed",
                                    "interrupted", "saturated", NULL};

void record_init(struct record *r)
{
    *r = (struct record){0};
    for (int i = 0; i < RECORD_TIMES; i++)
        r->times_ns[i] = TIME_NEVER;
}

const char *record_status_name(enum record_status s)
{
    return record_status_names[s];
}

const char *failure_name(enum failure_class f)
{
    return failure_names[f];
}

const char *unsent_name(enum unsent_reason u)
{
    return unsent_names[u];
}
