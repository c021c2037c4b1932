#include "cli/mpi/post_state.h"

#include "core/clock.h"
#include "core/memory.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void post_pause(int64_t ns)
{
    struct timespec pause = {ns / NS_PER_S, ns % NS_PER_S};
    nanosleep(&pause, NULL);
}

/* ---- queues ---- */

void letters_add(struct letters *l, struct letter letter)
{
    if (l->taken == l->count)
        l->taken = l->count = 0;
    mem_grow(&l->items, &l->capacity, l->count + 1, sizeof *l->items);
    l->items[l->count++] = letter;
}

bool letters_take(struct letters *l, struct letter *out)
{
    if (l->taken == l->count)
        return false;
    *out = l->items[l->taken++];
    return true;
}

static void letters_free(struct letters *l)
{
    struct letter letter;
    while (letters_take(l, &letter))
        letter_free(&letter);
    free(l->items);
}

void letter_free(struct letter *l)
{
    buffer_free(&l->body);
}

/* ---- life ---- */

/* Signals are for the thread that runs the command. */
struct post *post_open(void)
{
    struct post *p = mem_zero(1, sizeof *p);
    sigset_t all, before;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    if (pthread_create(&p->thread, NULL, post_thread, p))
        mem_exhausted();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_lock(&p->lock);
    while (!p->open)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return p;
}

void post_close(struct post *p)
{
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    letters_free(&p->inbox);
    letters_free(&p->outbox);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p);
}

int post_rank(const struct post *p)
{
    return p->rank;
}

int post_ranks(const struct post *p)
{
    return p->ranks;
}

/* ---- letters ---- */

void post_send(struct post *p, int to, enum letter_kind kind, struct buffer *body)
{
    struct letter letter = {.from = to, .kind = kind};
    buffer_init(&letter.body, BUFFER_UNBOUNDED);
    if (body) {
        letter.body = *body;
        buffer_init(body, BUFFER_UNBOUNDED);
    }
    pthread_mutex_lock(&p->lock);
    letters_add(&p->outbox, letter);
    p->under_way++;
    pthread_mutex_unlock(&p->lock);
}

void post_send_bytes(struct post *p, int to, enum letter_kind kind, const void *bytes, size_t size)
{
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    buffer_add(&body, bytes, size);
    post_send(p, to, kind, &body);
}

bool post_next(struct post *p, struct letter *out)
{
    pthread_mutex_lock(&p->lock);
    bool come = letters_take(&p->inbox, out);
    pthread_mutex_unlock(&p->lock);
    return come;
}

static bool is_sent(struct post *p)
{
    pthread_mutex_lock(&p->lock);
    bool sent = p->under_way == 0;
    pthread_mutex_unlock(&p->lock);
    return sent;
}

bool post_flush(struct post *p, int64_t limit_ns)
{
    int64_t until_ns = clock_now_ns() + limit_ns;
    while (!is_sent(p) && clock_now_ns() < until_ns)
        post_pause(NS_PER_MS);
    return is_sent(p);
}

/* ---- jobs ---- */

static void do_job(struct post *p, struct post_job *job)
{
    pthread_mutex_lock(&p->lock);
    p->job = job;
    while (!job->done)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

bool post_broadcast(struct post *p, struct buffer *body, uint64_t size, int64_t limit_ns)
{
    struct post_job job = {.broadcast = body, .size = size, .limit_ns = limit_ns};
    do_job(p, &job);
    return !job.failed;
}

void post_measure(struct post *p, int rank, struct clock_offset *out)
{
    struct post_job job = {.rank = rank};
    do_job(p, &job);
    *out = job.offset;
}
