/* Rewriting a workload row by row. Internal to the transforms.
 *
 *     static bool halve(void *context, size_t row, struct request *r) { ...; return true; }
 *     rewrite_rows(&w, keep, halve, &context, &changed, err);
 */
#ifndef FAREBOX_WORKLOADS_TRANSFORM_TRANSFORM_REWRITE_H
#define FAREBOX_WORKLOADS_TRANSFORM_TRANSFORM_REWRITE_H

#include "core/error.h"
#include "workloads/model/workload.h"
#include "workloads/transform/transform.h"

/* Changes a copy of the row; what it points to must last until the next call. True if it did. */
typedef bool rewrite_row(void *context, size_t row, struct request *r);

/* Replaces *w by its rows with `keep[row]` (NULL: all), each passed through `change` (NULL: none).
 * A request that waited for a dropped one waits for that one's own parents, or begins when it
 * would have begun, plus the delays. 0, or an error with *w as it was. */
int rewrite_rows(struct workload *w, const bool *keep, rewrite_row *change, void *context,
                 uint64_t *changed, struct error *err);

/* When each row begins if answers took no time; ns. The caller frees it. */
int64_t *rewrite_begin_times(const struct workload *w);

/* The first row of each row's session: its earliest one; a row without session leads itself. A
 * row without session that waits for others belongs to its first parent's. Caller frees. */
uint32_t *rewrite_leaders(const struct workload *w);

/* The transforms; each fills report->text. */
int transform_scale(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err);
int transform_select(const struct transform *t, uint64_t seed, struct workload *w,
                     struct transform_report *report, struct error *err);
int transform_truncate(const struct transform *t, uint64_t seed, struct workload *w,
                       struct transform_report *report, struct error *err);
int transform_responses(const struct transform *t, uint64_t seed, struct workload *w,
                        struct transform_report *report, struct error *err);
int transform_cache(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err);
int transform_route(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err);
int transform_retry(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err);
int transform_tools(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err);
int transform_priority(const struct transform *t, uint64_t seed, struct workload *w,
                       struct transform_report *report, struct error *err);
int transform_service(const struct transform *t, uint64_t seed, struct workload *w,
                      struct transform_report *report, struct error *err);

#endif
