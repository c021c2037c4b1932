/* A farm without other processes: what it is asked crosses over as bytes, and is answered from what
 * came out of them. It begins whatever is wanted, the last one first, as if that had been quicker.
 *
 *     struct testing_farm f;
 *     testing_farm_init(&f);
 *     struct capacity_options o = {..., .trials = tasks_create(&f.farm, &capacity_trials, &all)};
 */
#ifndef FAREBOX_TESTING_FARM_H
#define FAREBOX_TESTING_FARM_H

#include "core/farm/tasks.h"
#include "core/memory.h"
#include "tests/unit/testing.h"

#include <string.h>

struct testing_task {
    struct buffer question, answer;
    struct error err;
    bool done;
};

struct testing_farm {
    struct farm farm;
    const struct task_kind *kind;
    void *context;
    struct buffer bytes;
    struct testing_task *tasks;
    size_t count, wanted, answered, begun; /* begun: contexts */
};

static int testing_farm_begin(void *farm, const struct task_kind *kind, const void *context,
                              struct error *err)
{
    struct testing_farm *f = farm;
    (void)err;
    f->kind = kind;
    f->begun++;
    buffer_init(&f->bytes, BUFFER_UNBOUNDED);
    kind->pack(context, &f->bytes);
    for (size_t cut = 0; cut < f->bytes.length; cut += f->bytes.length / 50 + 1) {
        struct unpack part = {f->bytes.data, cut, false};
        ck_assert_msg(!kind->unpack(&part), "%s: %zu bytes are a context", kind->name, cut);
    }
    struct unpack u = unpack_of(&f->bytes);
    f->context = kind->unpack(&u);
    ck_assert_ptr_nonnull(f->context);
    ck_assert(!u.broken && u.left == 0);
    return 0;
}

static struct testing_task *testing_farm_find(struct testing_farm *f, const struct buffer *question)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->tasks[i].question.length == question->length &&
            memcmp(f->tasks[i].question.data, question->data, question->length) == 0)
            return &f->tasks[i];
    struct testing_task *t = mem_append(&f->tasks, &f->count, sizeof *f->tasks);
    *t = (struct testing_task){0};
    buffer_init(&t->question, BUFFER_UNBOUNDED);
    buffer_init(&t->answer, BUFFER_UNBOUNDED);
    buffer_add(&t->question, question->data, question->length);
    return t;
}

static void testing_farm_want(void *farm, const struct buffer *question, const char *directory)
{
    struct testing_farm *f = farm;
    (void)directory;
    f->wanted++;
    testing_farm_find(f, question);
}

static void testing_farm_forget(void *farm)
{
    struct testing_farm *f = farm;
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->tasks[i].done) {
            f->tasks[kept++] = f->tasks[i];
            continue;
        }
        buffer_free(&f->tasks[i].question);
        buffer_free(&f->tasks[i].answer);
    }
    f->count = kept;
}

static bool testing_farm_is_done(void *farm, const struct buffer *question)
{
    return testing_farm_find(farm, question)->done;
}

static int testing_farm_get(void *farm, const struct buffer *question, const char *directory,
                            struct buffer *answer, struct error *err)
{
    struct testing_farm *f = farm;
    testing_farm_find(f, question);
    for (size_t i = f->count; i-- > 0;) {
        struct testing_task *t = &f->tasks[i];
        struct unpack u = unpack_of(&t->question);
        if (!t->done)
            f->kind->run(f->context, &u, directory, &t->answer, &t->err);
        t->done = true;
    }
    struct testing_task *t = testing_farm_find(f, question);
    f->answered++;
    buffer_add(answer, t->answer.data, t->answer.length);
    if (t->err.code)
        *err = t->err;
    return t->err.code;
}

static void testing_farm_end(void *farm)
{
    struct testing_farm *f = farm;
    for (size_t i = 0; i < f->count; i++)
        f->tasks[i].done = false;
    testing_farm_forget(f);
    free(f->tasks);
    f->tasks = NULL;
    f->kind->release(f->context);
    buffer_free(&f->bytes);
}

static inline void testing_farm_init(struct testing_farm *f)
{
    *f = (struct testing_farm){.farm = {.context = f,
                                        .begin = testing_farm_begin,
                                        .want = testing_farm_want,
                                        .forget = testing_farm_forget,
                                        .is_done = testing_farm_is_done,
                                        .get = testing_farm_get,
                                        .end = testing_farm_end}};
}

#endif
