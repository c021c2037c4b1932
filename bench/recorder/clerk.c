#include "bench/recorder/clerk.h"

#include "bench/recorder/asked.h"
#include "bench/recorder/journal.h"
#include "bench/recorder/prefix_blocks.h"
#include "bench/recorder/row.h"
#include "bench/recorder/sessions.h"
#include "bench/recorder/tools_called.h"
#include "core/memory.h"
#include "core/usage/usage.h"
#include "workloads/trace/trace_json.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WAITING ((size_t)512 << 20) /* bytes of requests that are not rows yet */
#define LOOK_NS NS_PER_S                 /* how often rows that wait for a retry are looked at */

/* A request that failed: its row, until it is clear that it does not come again. */
struct waiting {
    uint64_t hash; /* of what was asked */
    int64_t first_ns, ended_ns;
    uint32_t id, attempts;
    struct session_place place;
    enum record_status status;
    bool estimated;
    struct usage usage;
    char *line;
    size_t length;
};

struct clerk {
    const struct clerk_config *config;
    pthread_t thread;
    pthread_mutex_t lock; /* of the queue and the report */
    pthread_cond_t wake;
    struct exchange *first, **last;
    size_t queued;
    bool finishing, rotates;
    struct clerk_report report;
    /* the thread's own */
    struct siphash_key key;
    struct asked asked;
    struct sessions sessions;
    struct prefix_blocks blocks;
    struct journal journal;
    struct waiting *waiting;
    size_t waiting_count, waiting_capacity;
    int64_t synced_ns;
    uint32_t ids, *files; /* in which file each row stands, by its id */
    size_t file_capacity;
    struct buffer line, tools;
};

/* ---- what is written ---- */

static void count_row(struct clerk *c, enum record_status status, bool estimated,
                      const struct usage *u)
{
    struct clerk_report *r = &c->report;
    r->rows++;
    r->failed += status == RECORD_FAILED;
    r->aborted += status == RECORD_CANCELLED;
    r->estimated += estimated;
    r->input_tokens += usage_input(u);
    r->cached_tokens += usage_cached(u);
    r->output_tokens += usage_output(u);
}

/* Under the lock. */
static void note_losses(struct clerk *c)
{
    c->report.lost = c->journal.lost;
    c->report.lost_errno = c->journal.lost_errno;
    c->report.files = c->journal.files;
}

static void write_line(struct clerk *c, const struct buffer *line, uint32_t id,
                       enum record_status status, bool estimated, const struct usage *u)
{
    bool written = journal_add(&c->journal, line);
    c->files[id] = written ? c->journal.files : 0;
    pthread_mutex_lock(&c->lock);
    if (written)
        count_row(c, status, estimated, u);
    note_losses(c);
    c->report.sessions = c->sessions.sessions;
    c->report.forgotten = c->blocks.forgotten;
    pthread_mutex_unlock(&c->lock);
}

static void write_waiting(struct clerk *c, struct waiting *w)
{
    struct buffer line = {w->line, w->length, w->length, w->length};
    write_line(c, &line, w->id, w->status, w->estimated, &w->usage);
    free(w->line);
}

/* Writes those that ended before `until_ns`. */
static void write_expired(struct clerk *c, int64_t until_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->waiting_count; i++)
        if (c->waiting[i].ended_ns < until_ns)
            write_waiting(c, &c->waiting[i]);
        else
            c->waiting[kept++] = c->waiting[i];
    c->waiting_count = kept;
}

/* ---- from a request to its row ---- */

static uint64_t hash_of_body(struct clerk *c, const struct exchange *x)
{
    uint64_t api = siphash(&c->key, 0, x->api->name, strlen(x->api->name));
    return siphash(&c->key, api, x->body.data ? x->body.data : "", x->body.length);
}

/* Takes the failed request that this one is a retry of off the list. */
static bool take_retried(struct clerk *c, uint64_t hash, int64_t arrived_ns, struct waiting *out)
{
    for (size_t i = 0; i < c->waiting_count; i++) {
        struct waiting *w = &c->waiting[i];
        if (w->hash != hash || arrived_ns < w->ended_ns ||
            arrived_ns - w->ended_ns > CLERK_RETRY_NS)
            continue;
        *out = *w;
        free(w->line);
        c->waiting_count--;
        memmove(w, w + 1, (c->waiting_count - i) * sizeof *w);
        return true;
    }
    return false;
}

/* All times count from the recording's start. */
static void shift_times(struct record *r, int64_t started_ns)
{
    for (int i = 0; i < RECORD_FIRST_DURATION; i++)
        if (r->times_ns[i] != TIME_NEVER)
            r->times_ns[i] -= started_ns;
}

/* An answer that was too long to be read passed all the same. */
static void forgive_length(const struct exchange *x, struct record *r)
{
    if (r->failure != FAILURE_TOO_LARGE || x->broke != FAILURE_NONE || x->aborted)
        return;
    r->failure = FAILURE_NONE;
    r->status = RECORD_COMPLETED;
}

static struct record make_record(struct clerk *c, struct exchange *x)
{
    struct record r;
    struct attempt *a = &x->attempt;
    const struct asked *asked = &c->asked;
    a->cancelled = x->aborted && !attempt_is_whole(a);
    attempt_end(a, x->broke, NULL);
    record_init(&r);
    r.asked_input = trace_estimate_tokens(asked->prompt.length);
    r.asked_output = x->api->generates ? asked->output : 0;
    attempt_fill(a, &r);
    forgive_length(x, &r);
    r.scheduled_ns = r.ready_ns = r.sent_ns = x->arrived_ns;
    r.done_ns = x->ended_ns;
    r.attempt = 1;
    r.final = true;
    r.model = asked->model;
    r.service = asked->service;
    r.class_name = x->api->name;
    r.labels = x->labels;
    if (r.usage_from == USAGE_NONE)
        r.asked_output = 0; /* it was not made */
    shift_times(&r, c->config->started_ns);
    return r;
}

static struct session_place find_session(struct clerk *c, const struct exchange *x)
{
    const char *name = x->session ? x->session : c->asked.session;
    if (name)
        return sessions_find_name(&c->sessions, name, x->arrived_ns);
    return sessions_find(&c->sessions, &c->asked, x->arrived_ns);
}

static uint32_t next_id(struct clerk *c)
{
    mem_grow(&c->files, &c->file_capacity, (size_t)c->ids + 1, sizeof *c->files);
    c->files[c->ids] = 0;
    return c->ids++;
}

static void put_row(struct clerk *c, const struct exchange *x, const struct record *r,
                    const struct waiting *w)
{
    struct text answer = {x->answer.data ? x->answer.data : "", x->answer.length};
    struct text prompt = {c->asked.prompt.data ? c->asked.prompt.data : "", c->asked.prompt.length};
    uint64_t tokens = r->usage_from == USAGE_NONE ? r->asked_input : usage_input(&r->usage);
    const struct session_place *p = &w->place;
    buffer_clear(&c->line);
    buffer_clear(&c->tools);
    tools_called(answer, &c->tools);
    struct row row = {
        .record = r,
        .asked = &c->asked,
        .id = w->id,
        .first_ns = w->first_ns - c->config->started_ns,
        .attempts = w->attempts,
        .session = p->session,
        .session_id = x->session ? x->session : c->asked.session,
        .follows = p->follows && c->files[p->before] == c->journal.files,
        .after = p->before,
        .delay_ns = w->first_ns - p->ended_ns,
        .hash_count = prefix_blocks_add(&c->blocks, prompt, tokens),
        .block_tokens = c->config->block_tokens,
        .tools = {c->tools.data ? c->tools.data : "", c->tools.length},
        .content = c->config->content,
    };
    row.hash_ids = c->blocks.ids;
    row_put(&row, &c->line);
}

/* What failed before anything was made may come again. */
static bool may_come_again(const struct exchange *x, const struct record *r)
{
    return r->status != RECORD_COMPLETED && x->attempt.chunks == 0 && r->usage_from != USAGE_SERVER;
}

static void keep_waiting(struct clerk *c, struct waiting *w)
{
    w->length = c->line.length;
    w->line = mem_copy_text(c->line.data, c->line.length);
    mem_grow(&c->waiting, &c->waiting_capacity, c->waiting_count + 1, sizeof *c->waiting);
    c->waiting[c->waiting_count++] = *w;
}

static void make_row(struct clerk *c, struct exchange *x)
{
    struct waiting w = {0};
    asked_read(&c->asked, (struct text){x->body.data ? x->body.data : "", x->body.length},
               c->config->session_path);
    struct record r = make_record(c, x);
    uint64_t hash = hash_of_body(c, x);
    bool retries = take_retried(c, hash, x->arrived_ns, &w);
    if (!retries)
        w = (struct waiting){
            .first_ns = x->arrived_ns, .id = next_id(c), .place = find_session(c, x)};
    w.hash = hash;
    w.attempts++;
    w.ended_ns = x->ended_ns;
    w.status = r.status;
    w.estimated = r.usage_from == USAGE_ESTIMATED;
    w.usage = r.usage;
    put_row(c, x, &r, &w);
    if (c->config->observer.on_attempt)
        c->config->observer.on_attempt(c->config->observer.context, &r);
    pthread_mutex_lock(&c->lock);
    c->report.retries += retries;
    pthread_mutex_unlock(&c->lock);
    if (may_come_again(x, &r)) {
        keep_waiting(c, &w);
        return;
    }
    write_line(c, &c->line, w.id, w.status, w.estimated, &w.usage);
    if (r.status == RECORD_COMPLETED)
        sessions_note(&c->sessions, &w.place, w.id, x->ended_ns);
}

/* ---- the thread ---- */

static size_t weight_of(const struct exchange *x)
{
    return sizeof *x + x->body.capacity + x->answer.capacity + x->attempt.body.capacity;
}

/* Waits for something to do, but not for ever: rows wait for their retries. */
static struct exchange *wait_for_next(struct clerk *c, bool *rotates, bool *finishing)
{
    struct timespec until;
    pthread_mutex_lock(&c->lock);
    if (!c->first && !c->finishing && !c->rotates) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_NS / NS_PER_S;
        pthread_cond_timedwait(&c->wake, &c->lock, &until);
    }
    struct exchange *x = c->first;
    if (x) {
        c->first = x->next;
        c->last = c->first ? c->last : &c->first;
        c->queued -= weight_of(x);
    }
    *rotates = c->rotates;
    *finishing = c->finishing && !x;
    c->rotates = false;
    pthread_mutex_unlock(&c->lock);
    return x;
}

/* Rows are on the disk itself a second after they were written, and all at the end. */
static void sync_rows(struct clerk *c, int64_t now_ns, bool all)
{
    if (!all && now_ns - c->synced_ns < LOOK_NS)
        return;
    c->synced_ns = now_ns;
    if (all)
        journal_close(&c->journal);
    else
        journal_sync(&c->journal);
    pthread_mutex_lock(&c->lock);
    note_losses(c);
    pthread_mutex_unlock(&c->lock);
}

static void *work(void *context)
{
    struct clerk *c = context;
    bool rotates = false, finishing = false;
    while (!finishing) {
        struct exchange *x = wait_for_next(c, &rotates, &finishing);
        if (rotates)
            journal_rotate(&c->journal);
        if (x)
            make_row(c, x);
        exchange_free(x);
        write_expired(c, finishing ? TIME_NEVER : clock_now_ns() - CLERK_RETRY_NS);
        sync_rows(c, clock_now_ns(), finishing);
    }
    return NULL;
}

/* ---- for the loop ---- */

static void free_clerk(struct clerk *c)
{
    journal_close(&c->journal);
    asked_free(&c->asked);
    sessions_free(&c->sessions);
    prefix_blocks_free(&c->blocks);
    buffer_free(&c->line);
    buffer_free(&c->tools);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    explicit_bzero(&c->key, sizeof c->key);
    free(c->waiting);
    free(c->files);
    free(c);
}

static int start_thread(struct clerk *c, struct error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int bad = pthread_create(&c->thread, NULL, work, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return bad ? error_set(err, ERR_SYSTEM, "cannot start a thread: %s", strerror(bad)) : 0;
}

static int open_all(struct clerk *c, struct error *err)
{
    const struct clerk_config *o = c->config;
    int status = o->key_file ? siphash_key_file(&c->key, o->key_file, err)
                             : siphash_key_random(&c->key, err);
    if (status < 0)
        return status;
    sessions_init(&c->sessions, &c->key);
    prefix_blocks_init(&c->blocks, &c->key, o->block_tokens, o->key_file != NULL);
    status = journal_open(&c->journal, o->path, o->max_size, o->started_unix_ns, err);
    c->report.files = 1;
    return status < 0 ? status : start_thread(c, err);
}

struct clerk *clerk_start(const struct clerk_config *config, struct error *err)
{
    struct clerk *c = mem_zero(1, sizeof *c);
    pthread_condattr_t monotonic;
    c->config = config;
    c->journal.fd = -1;
    c->last = &c->first;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    asked_init(&c->asked);
    buffer_init(&c->line, BUFFER_UNBOUNDED);
    buffer_init(&c->tools, BUFFER_UNBOUNDED);
    if (open_all(c, err) == 0)
        return c;
    free_clerk(c);
    return NULL;
}

void clerk_take(struct clerk *c, struct exchange *x)
{
    pthread_mutex_lock(&c->lock);
    bool fits = c->queued + weight_of(x) <= MOST_WAITING;
    if (fits) {
        x->next = NULL;
        *c->last = x;
        c->last = &x->next;
        c->queued += weight_of(x);
        pthread_cond_signal(&c->wake);
    }
    c->report.dropped += !fits;
    pthread_mutex_unlock(&c->lock);
    if (!fits)
        exchange_free(x);
}

void clerk_rotate(struct clerk *c)
{
    pthread_mutex_lock(&c->lock);
    c->rotates = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

void clerk_look(struct clerk *c, struct clerk_report *out)
{
    pthread_mutex_lock(&c->lock);
    *out = c->report;
    pthread_mutex_unlock(&c->lock);
}

void clerk_finish(struct clerk *c, struct clerk_report *out)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->finishing = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    *out = c->report;
    free_clerk(c);
}
