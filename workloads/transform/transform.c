#include "workloads/transform/transform.h"

#include "workloads/transform/transform_rewrite.h"

#include <stdio.h>

typedef int transform_function(const struct transform *t, uint64_t seed, struct workload *w,
                               struct transform_report *report, struct error *err);

static transform_function *const functions[TRANSFORM_KINDS] = {
    [TRANSFORM_TIME] = transform_scale,        [TRANSFORM_RATE] = transform_scale,
    [TRANSFORM_SAMPLE] = transform_select,     [TRANSFORM_WINDOW] = transform_select,
    [TRANSFORM_TRUNCATE] = transform_truncate, [TRANSFORM_RESPONSES] = transform_responses,
    [TRANSFORM_CACHE] = transform_cache,       [TRANSFORM_ROUTE] = transform_route,
    [TRANSFORM_RETRY] = transform_retry,       [TRANSFORM_TOOLS] = transform_tools,
    [TRANSFORM_SERVICE] = transform_service,   [TRANSFORM_PRIORITY] = transform_priority,
};

int transform_apply(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err)
{
    struct transform_report unwanted = {0};
    report = report ? report : &unwanted;
    *report = (struct transform_report){.before = w->count};
    if (workload_check_order(w, NULL, err) < 0)
        return ERR_INPUT;
    int status = functions[t->kind](t, seed, w, report, err);
    report->after = w->count;
    return status;
}

int transform_apply_all(const char *const *texts, size_t count, uint64_t seed, struct workload *w,
                        void (*note)(void *context, const char *text), void *context,
                        struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        struct transform t;
        struct transform_report report;
        size_t before = w->count;
        status = transform_parse(texts[i], &t, err);
        if (status < 0)
            break;
        status = transform_apply(&t, seed, w, &report, err);
        transform_free(&t);
        if (status == 0 && note)
            note(context, report.text);
        if (status == 0 && before > 0 && w->count == 0)
            status = error_set(err, ERR_INPUT, "%.80s leaves no request of %zu", texts[i], before);
    }
    /* What was cut away at the beginning is no wait before the rest. */
    int64_t first = 0, last = 0;
    if (status == 0 && count > 0 && workload_time_range(w, &first, &last) && first != 0)
        workload_shift(w, -first);
    return status;
}
