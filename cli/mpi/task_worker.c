#include "cli/mpi/task_worker.h"

#include "core/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum state { IDLE, GIVEN, DONE };

struct task_worker {
    const struct task_kind *kind;
    const void *context;
    pthread_t thread;

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t changed;
    enum state state;
    bool closing;
    struct task_job job;
};

void task_job_free(struct task_job *job)
{
    buffer_free(&job->question);
    buffer_free(&job->answer);
    free(job->directory);
    *job = (struct task_job){0};
}

static bool wait_for_job(struct task_worker *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->state != GIVEN && !w->closing)
        pthread_cond_wait(&w->changed, &w->lock);
    bool given = w->state == GIVEN;
    pthread_mutex_unlock(&w->lock);
    return given;
}

static void *work(void *worker)
{
    struct task_worker *w = worker;
    while (wait_for_job(w)) { /* which nobody else touches until it is done */
        struct unpack u = unpack_of(&w->job.question);
        w->kind->run(w->context, &u, w->job.directory, &w->job.answer, &w->job.err);
        pthread_mutex_lock(&w->lock);
        w->state = DONE;
        pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

/* Signals are for the main thread. */
struct task_worker *task_worker_create(const struct task_kind *kind, const void *context)
{
    struct task_worker *w = mem_zero(1, sizeof *w);
    sigset_t all, before;
    w->kind = kind;
    w->context = context;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    if (pthread_create(&w->thread, NULL, work, w))
        mem_exhausted();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w;
}

void task_worker_free(struct task_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    task_job_free(&w->job);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w);
}

static enum state state_of(struct task_worker *w)
{
    pthread_mutex_lock(&w->lock);
    enum state state = w->state;
    pthread_mutex_unlock(&w->lock);
    return state;
}

bool task_worker_is_idle(struct task_worker *w)
{
    return state_of(w) == IDLE;
}

void task_worker_begin(struct task_worker *w, const struct task_job *job)
{
    pthread_mutex_lock(&w->lock);
    w->job = *job;
    w->state = GIVEN;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

bool task_worker_take(struct task_worker *w, struct task_job *out)
{
    if (state_of(w) != DONE)
        return false;
    pthread_mutex_lock(&w->lock);
    *out = w->job;
    w->job = (struct task_job){0};
    w->state = IDLE;
    pthread_mutex_unlock(&w->lock);
    return true;
}
