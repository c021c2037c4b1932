/* Rows that stand for many requests, as those of a usage report do. */
#include "workloads/model/workload.h"

bool workload_count_requests(const struct workload *w, uint64_t *out)
{
    bool known = true;
    *out = w->requests ? 0 : w->count;
    for (size_t i = 0; w->requests && i < w->count; i++) {
        known &= w->requests[i] != REQUESTS_UNKNOWN;
        *out += w->requests[i] == REQUESTS_UNKNOWN ? 1 : w->requests[i];
    }
    return known;
}

int workload_check_single(const struct workload *w, const char *what, struct error *err)
{
    if (!w->requests)
        return 0;
    return error_set(err, ERR_INPUT,
                     "rows of this workload stand for many requests, as a usage report's do, and "
                     "%s needs a row for each request; farebox bill and workload info take them",
                     what);
}

int64_t workload_bucket_end_ns(const struct workload *w, size_t i)
{
    int64_t span = w->bucket_ns ? w->bucket_ns[i] : 0, end;
    bool over = __builtin_add_overflow(w->timestamp_ns[i], span > 0 ? span : 1, &end);
    return over ? INT64_MAX : end;
}
