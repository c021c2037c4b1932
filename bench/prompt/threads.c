#include "bench/prompt/threads.h"

#include "core/memory.h"

#include <stdlib.h>

#define MAX_HISTORY ((size_t)16 << 20)

struct threads {
    const struct workload *workload;
    uint32_t *rows;        /* by session: how many it has */
    struct thread **first; /* by session */
    size_t count;
};

struct threads *threads_create(const struct workload *w)
{
    struct threads *t = mem_zero(1, sizeof *t);
    t->workload = w;
    t->count = w->session ? w->sessions.count : 0;
    t->rows = mem_zero(t->count, sizeof *t->rows);
    t->first = mem_zero(t->count, sizeof(struct thread *));
    for (size_t i = 0; t->count && i < w->count; i++)
        if (w->session[i] != NAME_NONE)
            t->rows[w->session[i]]++;
    return t;
}

static void free_thread(struct thread *t)
{
    buffer_free(&t->history);
    free(t);
}

void threads_free(struct threads *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        while (t->first[i]) {
            struct thread *next = t->first[i]->next;
            free_thread(t->first[i]);
            t->first[i] = next;
        }
    free(t->rows);
    free(t->first);
    free(t);
}

struct thread *threads_find(struct threads *t, uint32_t row, uint32_t repeat)
{
    uint32_t session = t->count ? t->workload->session[row] : NAME_NONE;
    if (session == NAME_NONE || t->rows[session] < 2)
        return NULL;
    struct thread *found = t->first[session];
    while (found && found->repeat != repeat)
        found = found->next;
    if (found)
        return found;
    found = mem_zero(1, sizeof *found);
    buffer_init(&found->history, MAX_HISTORY);
    found->repeat = repeat;
    found->next = t->first[session];
    t->first[session] = found;
    return found;
}

void threads_row_ended(struct threads *t, uint32_t row, uint32_t repeat)
{
    struct thread *ended = threads_find(t, row, repeat);
    if (!ended || ++ended->ended < t->rows[t->workload->session[row]])
        return;
    struct thread **at = &t->first[t->workload->session[row]];
    while (*at != ended)
        at = &(*at)->next;
    *at = ended->next;
    free_thread(ended);
}

bool threads_exist(const struct workload *w)
{
    struct threads *t = threads_create(w);
    bool found = false;
    for (size_t i = 0; i < t->count && !found; i++)
        found = t->rows[i] > 1;
    threads_free(t);
    return found;
}
