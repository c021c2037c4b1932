#include "bench/client/outbox.h"

#include <stdlib.h>

void finished_free(struct finished *f)
{
    free(f->message);
    free(f->content_type);
    free(f->text);
    free(f->raw_usage);
    free(f->chunk_ns);
    free(f);
}

void outbox_init(struct outbox *b)
{
    *b = (struct outbox){0};
    pthread_mutex_init(&b->lock, NULL);
}

void outbox_free(struct outbox *b)
{
    while (b->first) {
        struct finished *next = b->first->next;
        finished_free(b->first);
        b->first = next;
    }
    pthread_mutex_destroy(&b->lock);
}

void outbox_put(struct outbox *b, struct finished *first, struct finished *last, uint64_t count)
{
    pthread_mutex_lock(&b->lock);
    if (b->first)
        b->last->next = first;
    else
        b->first = first;
    b->last = last;
    b->waiting += count;
    if (b->waiting > b->peak)
        b->peak = b->waiting;
    pthread_mutex_unlock(&b->lock);
}

struct finished *outbox_take(struct outbox *b)
{
    pthread_mutex_lock(&b->lock);
    struct finished *chain = b->first;
    b->first = b->last = NULL;
    b->waiting = 0;
    pthread_mutex_unlock(&b->lock);
    return chain;
}
