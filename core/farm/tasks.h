/* Tasks: pieces of work that other processes can do, as the answer to each depends on nothing but
 * its question and on a context that is the same for all of them.
 *
 *     struct tasks *t = tasks_create(farm, &trial_tasks, &context);   // farm NULL: this process
 *     tasks_want(t, &question, NULL);              // as soon as it is known: somebody may begin
 *     if (tasks_get(t, &question, NULL, &answer, err) < 0) ...        // in the work's own order
 *     tasks_free(t);
 *
 * Without a farm nothing is done before it is asked for, and then in this thread. With one, whoever
 * is idle begins what is wanted, first come, first served, and tasks_get() waits for the answer. As
 * the order of asking is the same, so is all that comes of it, to the last bit. What is wanted and
 * never asked for is of no consequence: guesses may be wanted, too.
 *
 * There is a farm in farebox-mpi (cli/mpi/farm.h): the ranks of an MPI job.
 */
#ifndef FAREBOX_CORE_FARM_TASKS_H
#define FAREBOX_CORE_FARM_TASKS_H

#include "core/error.h"
#include "core/pack/pack.h"

#include <stdbool.h>

struct task_kind {
    const char *name;
    /* The context as bytes for another process, once for all tasks; and back: NULL where they are
     * not whole. The bytes stay there until release(). */
    void (*pack)(const void *context, struct buffer *out);
    void *(*unpack)(struct unpack *bytes);
    void (*release)(void *context);
    /* What goes along with a question to another process, behind its bytes, such as an input that
     * only this one can read. NULL = nothing. */
    int (*enclose)(const void *context, const struct buffer *question, struct buffer *out,
                   struct error *err);
    /* Answers a question (and what was enclosed, where it came from another process). Files go to
     * `directory`, which is NULL where the task has none. An answer may come with an error. Called
     * in one thread at a time, which need not be that of tasks_get(). */
    int (*run)(const void *context, struct unpack *question, const char *directory,
               struct buffer *answer, struct error *err);
    bool is_short; /* milliseconds: a second one is handed out before the first one's answer */
};

/* Who else works on tasks, of one kind and context at a time. */
struct farm {
    void *context;
    int (*begin)(void *farm, const struct task_kind *kind, const void *context, struct error *err);
    void (*want)(void *farm, const struct buffer *question, const char *directory);
    void (*forget)(void *farm);
    bool (*is_done)(void *farm, const struct buffer *question);
    int (*get)(void *farm, const struct buffer *question, const char *directory,
               struct buffer *answer, struct error *err);
    void (*end)(void *farm);
};

struct tasks;

/* The context is borrowed, and constant from here on. */
struct tasks *tasks_create(const struct farm *farm, const struct task_kind *kind,
                           const void *context);
void tasks_free(struct tasks *t);

/* False where wanting is of no use. */
bool tasks_are_shared(const struct tasks *t);

/* An answer to these bytes will be asked for, or perhaps. Of what is wanted already, nothing. */
void tasks_want(struct tasks *t, const struct buffer *question, const char *directory);

/* Nothing of what is wanted is worth beginning any more. */
void tasks_forget(struct tasks *t);

/* Whether tasks_get() need not wait. Never of what was not wanted. */
bool tasks_is_done(struct tasks *t, const struct buffer *question);

/* The answer, appended; asked for once. The task's own error, or the farm's: ERR_INTERRUPTED, and
 * ERR_WORK where one of those who work is gone and the others cannot go on. */
int tasks_get(struct tasks *t, const struct buffer *question, const char *directory,
              struct buffer *answer, struct error *err);

#endif
