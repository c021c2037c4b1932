#include "cli/commands/bill/bill_subjects.h"

#include "cli/run_bill.h"
#include "cli/workload_files.h"
#include "cli/workload_source.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "workloads/transform/transform.h"

#include <stdlib.h>
#include <string.h>

static bool is_changed(const struct bill_subjects_request *q)
{
    return q->transforms && q->transforms->count > 0;
}

static void tell_transform(void *context, const char *text)
{
    say(context, "%s", text);
}

static int read_file(struct bill_subject *s, const struct bill_subjects_request *q,
                     const struct terminal *t, struct error *err)
{
    s->is_run = run_dir_is_run(s->path);
    if (s->is_run && is_changed(q))
        return error_set(err, ERR_INPUT,
                         "%s is a run, whose requests were sent as they are: --transform changes "
                         "traces and scenarios (--what-if prices a changed run beside it)",
                         s->path);
    if (trace_or_run_read(s->path, q->reading, q->slos, t, &s->run, err) < 0)
        return err->code;
    if (s->is_run)
        run_bill_tell(t, &s->run.report);
    if (q->requests > 0 && q->requests < s->run.workload.count)
        s->run.workload.count = q->requests;
    return 0;
}

/* As workload gen would write it, and bill would read that. */
static int generate(struct bill_subject *s, const struct bill_subjects_request *q,
                    const struct terminal *t, struct error *err)
{
    const struct workload_source source = {.scenario = s->scenario};
    const struct generate_options limits = {.requests = q->requests ? q->requests : q->generated,
                                            .duration_s = (double)q->duration_ns / 1e9};
    struct workload *w = &s->run.workload;
    int64_t first, last;
    int status = workload_source_load(&source, t, &limits, q->seed, w, err);
    if (status == 0 && workload_time_range(w, &first, &last))
        workload_shift(w, -first);
    return status;
}

static int change(struct bill_subject *s, const struct bill_subjects_request *q,
                  const struct terminal *t, struct error *err)
{
    struct workload *w = &s->run.workload;
    int status = workload_check_single(w, "--transform", err);
    if (status == 0)
        status = transform_apply_all(q->transforms->items, q->transforms->count, q->seed, w,
                                     tell_transform, (void *)(uintptr_t)t, err);
    return status;
}

/* Gives a name that an earlier subject has a number. */
static void tell_apart(const struct bill_subjects *s, struct bill_subject *last)
{
    char *name = last->run.workload.name;
    size_t same = 1;
    for (const struct bill_subject *i = s->items; name && i < last; i++) {
        const char *other = i->run.workload.name;
        size_t length = strlen(name);
        same += other && strncmp(other, name, length) == 0 &&
                (other[length] == '\0' || strncmp(other + length, " (", 2) == 0);
    }
    if (same == 1)
        return;
    struct buffer numbered;
    buffer_init(&numbered, BUFFER_UNBOUNDED);
    buffer_add_format(&numbered, "%s (%zu)", name, same);
    free(name);
    last->run.workload.name = buffer_take(&numbered);
}

int bill_subjects_read(struct bill_subjects *out, const struct bill_subjects_request *q,
                       const struct terminal *t, struct error *err)
{
    size_t count = q->path_count + q->scenarios->count;
    int status = 0;
    *out = (struct bill_subjects){.items = mem_zero(count + 1, sizeof *out->items)};
    for (size_t i = 0; i < count && status == 0; i++) {
        struct bill_subject *s = &out->items[out->count++];
        workload_init(&s->run.workload);
        if (i < q->path_count) {
            s->path = q->paths[i];
            status = read_file(s, q, t, err);
        } else {
            s->scenario = q->scenarios->items[i - q->path_count];
            status = generate(s, q, t, err);
        }
        if (status == 0 && is_changed(q))
            status = change(s, q, t, err);
        if (status == 0)
            tell_apart(out, s);
    }
    return status;
}

void bill_subjects_free(struct bill_subjects *s)
{
    for (size_t i = 0; i < s->count; i++) {
        what_if_free(&s->items[i].what_if);
        ladder_free(&s->items[i].ladder);
        bill_free(&s->items[i].bill);
        run_workload_free(&s->items[i].run);
    }
    free(s->items);
    *s = (struct bill_subjects){0};
}
