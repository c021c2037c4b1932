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

uint64_t record_streamed_tokens(const struct record *r)
{
    return usage_output(&r->usage) - (r->reasoning_chunks ? 0 : r->usage.tokens[USAGE_REASONING]);
}

struct pace record_pace(const struct record *r)
{
    uint64_t n = record_streamed_tokens(r), first = r->first_chunk_tokens;
    bool from_output = !r->reasoning_chunks && r->first_output_ns != TIME_NEVER;
    if (first == 0)
        first = r->chunks == 1 ? n : 1;
    uint64_t rest = r->streamed && n > first ? n - first : 0;
    return (struct pace){.from_ns = from_output ? r->first_output_ns : r->first_token_ns,
                         .to_ns = r->last_token_ns,
                         .tokens = rest < UINT32_MAX ? (uint32_t)rest : UINT32_MAX};
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
