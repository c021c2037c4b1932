#include "core/runs/record/record.h"

#include <string.h>

static const char *const status_names[RECORD_STATUSES] = {"completed", "failed", "cancelled",
                                                          "unsent"};

static const char *const failure_names[FAILURE_CLASSES] = {
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
};

static const char *const unsent_names[UNSENT_REASONS] = {"none", "cap", "budget", "parent_failed",
                                                         "interrupted"};

void record_init(struct record *r)
{
    *r = (struct record){
        .scheduled_ns = TIME_NEVER,
        .ready_ns = TIME_NEVER,
        .sent_ns = TIME_NEVER,
        .first_byte_ns = TIME_NEVER,
        .first_token_ns = TIME_NEVER,
        .first_output_ns = TIME_NEVER,
        .first_reasoning_ns = TIME_NEVER,
        .first_text_ns = TIME_NEVER,
        .first_tool_ns = TIME_NEVER,
        .last_token_ns = TIME_NEVER,
        .done_ns = TIME_NEVER,
        .dns_ns = TIME_NEVER,
        .connect_ns = TIME_NEVER,
        .tls_ns = TIME_NEVER,
    };
}

const char *record_status_name(enum record_status s)
{
    return status_names[s];
}

const char *failure_name(enum failure_class f)
{
    return failure_names[f];
}

const char *unsent_name(enum unsent_reason u)
{
    return unsent_names[u];
}

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

int record_status_from_name(const char *name)
{
    return find(status_names, RECORD_STATUSES, name);
}

int failure_from_name(const char *name)
{
    return find(failure_names, FAILURE_CLASSES, name);
}

int unsent_from_name(const char *name)
{
    return find(unsent_names, UNSENT_REASONS, name);
}
