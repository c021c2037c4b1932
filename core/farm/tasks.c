#include "core/farm/tasks.h"

#include "core/memory.h"

#include <stdlib.h>

struct tasks {
    const struct farm *farm;
    const struct task_kind *kind;
    const void *context;
    bool begun; /* the farm knows of the context */
    struct error failure;
};

struct tasks *tasks_create(const struct farm *farm, const struct task_kind *kind,
                           const void *context)
{
    struct tasks *t = mem_zero(1, sizeof *t);
    *t = (struct tasks){.farm = farm, .kind = kind, .context = context};
    return t;
}

void tasks_free(struct tasks *t)
{
    if (!t)
        return;
    if (t->begun)
        t->farm->end(t->farm->context);
    free(t);
}

bool tasks_are_shared(const struct tasks *t)
{
    return t->farm;
}

/* The context travels when the first task is known: a command that fails before costs nothing. */
static bool begin(struct tasks *t)
{
    if (!t->begun && !t->failure.code) {
        t->farm->begin(t->farm->context, t->kind, t->context, &t->failure);
        t->begun = true;
    }
    return t->failure.code == 0;
}

void tasks_want(struct tasks *t, const struct buffer *question, const char *directory)
{
    if (t->farm && begin(t))
        t->farm->want(t->farm->context, question, directory);
}

void tasks_forget(struct tasks *t)
{
    if (t->begun)
        t->farm->forget(t->farm->context);
}

bool tasks_is_done(struct tasks *t, const struct buffer *question)
{
    return t->begun && t->farm->is_done(t->farm->context, question);
}

int tasks_get(struct tasks *t, const struct buffer *question, const char *directory,
              struct buffer *answer, struct error *err)
{
    if (!t->farm) {
        struct unpack u = unpack_of(question);
        return t->kind->run(t->context, &u, directory, answer, err);
    }
    if (begin(t))
        return t->farm->get(t->farm->context, question, directory, answer, err);
    if (err && !err->code)
        *err = t->failure;
    return t->failure.code;
}
