/* The thread of a rank that does its tasks, one after the other, while the main thread is there for
 * the others.
 *
 *     struct task_worker *w = task_worker_create(&kind, context);
 *     if (task_worker_is_idle(w)) task_worker_begin(w, &job);         // the job is the worker's
 *     if (task_worker_take(w, &job)) use(&job.answer, &job.err);      // and the caller's again
 *     task_worker_free(w);                                            // waits for what is under
 * way
 */
#ifndef FAREBOX_CLI_MPI_TASK_WORKER_H
#define FAREBOX_CLI_MPI_TASK_WORKER_H

#include "core/farm/tasks.h"

#include <stdint.h>

struct task_job {
    uint64_t number;
    struct buffer question; /* what was enclosed behind it */
    char *directory;        /* NULL */
    struct buffer answer;
    struct error err;
};

void task_job_free(struct task_job *job);

struct task_worker;

/* Kind and context are borrowed. */
struct task_worker *task_worker_create(const struct task_kind *kind, const void *context);
void task_worker_free(struct task_worker *w);

/* True where it has neither a job nor one that is done. */
bool task_worker_is_idle(struct task_worker *w);
void task_worker_begin(struct task_worker *w, const struct task_job *job);
bool task_worker_take(struct task_worker *w, struct task_job *out);

#endif
