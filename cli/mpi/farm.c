#include "cli/mpi/farm.h"

#include "cli/mpi/lead_state.h"
#include "cli/mpi/task_worker.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"
#include "core/stop.h"
#include "core/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HAND_OUT_NS (60 * NS_PER_S)
#define PAUSE_NS (200 * NS_PER_US)
#define AWAY_NS NS_PER_S           /* not looked for so long: silence then was not the others' */
#define LIVING_NS (50 * NS_PER_MS) /* who is heard of so long behind the signal is alive */
#define LAST_WORDS_NS (550 * NS_PER_MS) /* in which everybody who lives says something */
#define SELF 0

enum item_state { WANTED, UNDER_WAY, DONE };

/* A task that is known of. */
struct item {
    uint64_t number, hash;
    struct buffer question;
    char *directory;
    enum item_state state;
    uint32_t rank; /* that does it */
    bool asked;    /* somebody waits for it */
    struct buffer answer;
    struct error err;
};

struct mpi_farm {
    struct lead *lead;
    struct farm farm;
    struct terminal terminal;
    uint64_t numbers; /* given so far */

    /* of a kind */
    const struct task_kind *kind;
    const void *context;
    struct task_worker *own;
    struct item **items; /* in the order in which they were wanted */
    size_t count, capacity;
    uint32_t *load;    /* by rank: tasks that it has */
    int64_t *heard_ns; /* by rank: its last letter */
    int64_t looked_ns;
    bool interrupted; /* a rank was */
    struct error failure;
};

/* ---- items ---- */

static void free_item(struct item *i)
{
    buffer_free(&i->question);
    buffer_free(&i->answer);
    free(i->directory);
    free(i);
}

static struct item *find(const struct mpi_farm *f, const struct buffer *question)
{
    uint64_t hash = text_hash(question->data, question->length);
    for (size_t i = 0; i < f->count; i++)
        if (f->items[i]->hash == hash && f->items[i]->question.length == question->length &&
            memcmp(f->items[i]->question.data, question->data, question->length) == 0)
            return f->items[i];
    return NULL;
}

static struct item *find_number(const struct mpi_farm *f, uint64_t number)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->items[i]->number == number)
            return f->items[i];
    return NULL;
}

static struct item *find_or_add(struct mpi_farm *f, const struct buffer *question,
                                const char *directory)
{
    struct item *i = find(f, question);
    if (i)
        return i;
    i = mem_zero(1, sizeof *i);
    i->number = ++f->numbers;
    i->hash = text_hash(question->data, question->length);
    i->directory = directory ? mem_copy_string(directory) : NULL;
    buffer_init(&i->question, BUFFER_UNBOUNDED);
    buffer_init(&i->answer, BUFFER_UNBOUNDED);
    buffer_add(&i->question, question->data, question->length);
    if (directory) /* of an earlier try, that did not end */
        run_files_clear(directory);
    mem_grow(&f->items, &f->capacity, f->count + 1, sizeof *f->items);
    f->items[f->count++] = i;
    return i;
}

static void drop(struct mpi_farm *f, struct item *gone)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++)
        if (f->items[i] != gone)
            f->items[kept++] = f->items[i];
    f->count = kept;
    free_item(gone);
}

/* ---- handing out ---- */

static void give_to_self(struct mpi_farm *f, struct item *i)
{
    struct task_job job = {.number = i->number};
    buffer_init(&job.question, BUFFER_UNBOUNDED);
    buffer_init(&job.answer, BUFFER_UNBOUNDED);
    buffer_add(&job.question, i->question.data, i->question.length);
    job.directory = i->directory ? mem_copy_string(i->directory) : NULL;
    task_worker_begin(f->own, &job);
}

static void finish(struct item *i, struct error *err)
{
    i->state = DONE;
    if (!i->err.code)
        i->err = *err;
}

static void give(struct mpi_farm *f, struct item *i, uint32_t rank)
{
    struct task_head head = {i->number, i->directory != NULL};
    struct buffer body;
    struct error err = {0};
    i->state = UNDER_WAY;
    i->rank = rank;
    if (rank == SELF) {
        f->load[SELF]++;
        give_to_self(f, i);
        return;
    }
    buffer_init(&body, BUFFER_UNBOUNDED);
    pack_value(&body, head);
    buffer_add(&body, i->question.data, i->question.length);
    if (f->kind->enclose && f->kind->enclose(f->context, &i->question, &body, &err) < 0) {
        buffer_free(&body);
        finish(i, &err);
        return;
    }
    f->load[rank]++;
    post_send(f->lead->post, (int)rank, LETTER_TASK, &body);
}

/* Who has the least to do; false where all have enough. */
static bool find_idle(const struct mpi_farm *f, uint32_t *rank)
{
    uint32_t most = f->kind->is_short ? 2 : 1;
    for (uint32_t load = 0; load < most; load++)
        for (*rank = 0; *rank < f->lead->ranks; ++*rank) {
            const struct roster_entry *e = &f->lead->roster.of[*rank];
            if (f->load[*rank] == load && !e->lost && !e->silent && (load == 0 || *rank != SELF))
                return true;
        }
    return false;
}

/* What is waited for goes first. */
static struct item *next_item(const struct mpi_farm *f)
{
    struct item *first = NULL;
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i]->state != WANTED)
            continue;
        if (f->items[i]->asked)
            return f->items[i];
        first = first ? first : f->items[i];
    }
    return first;
}

static void hand_out(struct mpi_farm *f)
{
    struct item *i;
    uint32_t rank;
    while (stop_level() == 0 && (i = next_item(f)) && find_idle(f, &rank))
        give(f, i, rank);
}

/* ---- what comes ---- */

static int write_piece(const struct item *i, const struct file_head *head, const struct unpack *u,
                       struct error *err)
{
    if (file_make_directories(i->directory, err) < 0)
        return err->code;
    char *path = run_dir_file(i->directory, head->name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (head->first ? O_TRUNC : O_APPEND), 0666);
    int status =
        fd < 0 ? error_errno(err, "%s", path) : file_write_all(fd, u->at, u->left, path, err);
    if (status == 0 && head->last && file_sync(fd) < 0)
        status = error_errno(err, "%s cannot be written", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return status;
}

static void take_file(struct mpi_farm *f, const struct letter *letter)
{
    struct file_head head;
    struct unpack u = unpack_of(&letter->body);
    unpack_value(&u, head);
    struct item *i = find_number(f, head.number);
    bool plain = head.name[0] && !memchr(head.name, '/', sizeof head.name) &&
                 memchr(head.name, '\0', sizeof head.name);
    if (i && i->directory && plain && i->err.code == 0)
        write_piece(i, &head, &u, &i->err);
}

/* What an operating system refused is of that rank's machine: it is named. */
static void name_the_rank(const struct mpi_farm *f, uint32_t rank, struct error *err)
{
    char name[RANK_HOST_SIZE + 32];
    struct error named = {0};
    if (err->code != ERR_SYSTEM)
        return;
    error_set(&named, ERR_SYSTEM, "%s: %s", lead_name(f->lead, rank, name), err->message);
    *err = named;
}

static void take_answer(struct mpi_farm *f, const struct letter *letter)
{
    struct answer_head head;
    struct unpack u = unpack_of(&letter->body);
    unpack_value(&u, head);
    struct item *i = find_number(f, head.number);
    name_the_rank(f, (uint32_t)letter->from, &head.err);
    if (head.number == 0 && !f->failure.code)
        f->failure = head.err;
    if (!i || i->state != UNDER_WAY || i->rank != (uint32_t)letter->from)
        return;
    f->load[letter->from]--;
    if (head.err.code == ERR_INTERRUPTED) {
        f->interrupted = true;
        return;
    }
    buffer_add(&i->answer, u.at, u.left);
    finish(i, &head.err);
}

static void take_own(struct mpi_farm *f)
{
    struct task_job job;
    if (!task_worker_take(f->own, &job))
        return;
    struct item *i = find_number(f, job.number);
    f->load[SELF]--;
    if (i) {
        buffer_add(&i->answer, job.answer.data, job.answer.length);
        finish(i, &job.err);
    }
    task_job_free(&job);
}

/* ---- who is silent ---- */

/* Its tasks are anybody's again, and what came of their files goes. */
static void hand_back(struct mpi_farm *f, uint32_t rank)
{
    f->load[rank] = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct item *item = f->items[i];
        if (item->state != UNDER_WAY || item->rank != rank)
            continue;
        item->state = WANTED;
        item->err = (struct error){0};
        if (item->directory)
            run_files_clear(item->directory);
    }
}

static void call_the_roll(struct mpi_farm *f, int64_t now_ns)
{
    char name[RANK_HOST_SIZE + 32];
    for (uint32_t rank; lead_next_lost(f->lead, &f->terminal, now_ns, &rank);) {
        warn(&f->terminal, "%s is given up: the others do what it had",
             lead_name(f->lead, rank, name));
        hand_back(f, rank);
    }
}

/* ---- a look ---- */

static void take(struct mpi_farm *f, const struct letter *letter, int64_t now_ns)
{
    if (!roster_hear(&f->lead->roster, (uint32_t)letter->from, now_ns))
        return;
    f->heard_ns[letter->from] = now_ns;
    if (letter->kind == LETTER_FILE)
        take_file(f, letter);
    else if (letter->kind == LETTER_ANSWER)
        take_answer(f, letter);
}

static void look(struct mpi_farm *f)
{
    struct letter letter;
    int64_t now_ns = clock_now_ns();
    if (now_ns - f->looked_ns > AWAY_NS)
        roster_begin(&f->lead->roster, now_ns);
    roster_end(&f->lead->roster, SELF);
    f->looked_ns = now_ns;
    while (post_next(f->lead->post, &letter)) {
        take(f, &letter, now_ns);
        letter_free(&letter);
    }
    take_own(f);
    grace_stop(&f->lead->grace, STOP_NONE, now_ns);
    if (!grace_has_begun(&f->lead->grace))
        call_the_roll(f, now_ns);
    hand_out(f);
}

/* ---- a kind's life ---- */

static int begin(void *context, const struct task_kind *kind, const void *task_context,
                 struct error *err)
{
    struct mpi_farm *f = context;
    struct context_head head = {0};
    struct buffer bytes;
    f->kind = kind;
    f->context = task_context;
    f->load = mem_zero(f->lead->ranks, sizeof *f->load);
    f->heard_ns = mem_zero(f->lead->ranks, sizeof *f->heard_ns);
    for (uint32_t i = 0; i < f->lead->ranks; i++)
        f->heard_ns[i] = clock_now_ns();
    f->own = task_worker_create(kind, task_context);
    stop_hold(); /* what has been done by then is for the command to keep */
    for (uint32_t i = 1; i < f->lead->ranks; i++)
        if (f->lead->roster.of[i].lost)
            return error_set(err, ERR_WORK, "a rank was lost before: the others cannot begin anew");
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    kind->pack(task_context, &bytes);
    head.size = bytes.length;
    snprintf(head.kind, sizeof head.kind, "%s", kind->name);
    lead_tell_all(f->lead, LETTER_CONTEXT, &head, sizeof head);
    bool all = post_broadcast(f->lead->post, &bytes, head.size, HAND_OUT_NS);
    buffer_free(&bytes);
    roster_begin(&f->lead->roster, clock_now_ns());
    f->looked_ns = clock_now_ns();
    return all ? 0
               : error_set(err, ERR_WORK, "the inputs did not reach every rank within a minute");
}

static void want(void *context, const struct buffer *question, const char *directory)
{
    struct mpi_farm *f = context;
    find_or_add(f, question, directory);
    look(f);
}

static void forget(void *context)
{
    struct mpi_farm *f = context;
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i]->state == WANTED)
            free_item(f->items[i]);
        else
            f->items[kept++] = f->items[i];
    }
    f->count = kept;
}

static bool is_done(void *context, const struct buffer *question)
{
    struct mpi_farm *f = context;
    const struct item *i = find(f, question);
    return i && i->state == DONE && i->err.code != ERR_INTERRUPTED;
}

static void end(void *context)
{
    struct mpi_farm *f = context;
    lead_tell_all(f->lead, LETTER_RELEASE, "", 0);
    task_worker_free(f->own);
    for (size_t i = 0; i < f->count; i++)
        free_item(f->items[i]);
    free(f->items);
    free(f->load);
    free(f->heard_ns);
    f->items = NULL;
    f->load = NULL;
    f->heard_ns = NULL;
    f->count = f->capacity = 0;
}

/* ---- waiting ---- */

/* Who has said nothing since the launcher began to end the job; false: everybody has. */
static bool find_dead(const struct mpi_farm *f, uint32_t *rank)
{
    const struct lead *l = f->lead;
    for (*rank = 1; *rank < l->ranks; ++*rank)
        if (f->heard_ns[*rank] < l->grace.terminated_ns + LIVING_NS)
            return true;
    return false;
}

/* A launcher ends a job by a signal to all, and does not say whether it was told to or lost a rank:
 * that one says nothing more. */
static int say_why(struct mpi_farm *f, struct error *err)
{
    char name[RANK_HOST_SIZE + 32];
    const struct lead *l = f->lead;
    uint32_t dead;
    look(f);
    while (grace_has_begun(&l->grace) && find_dead(f, &dead) &&
           clock_now_ns() - l->grace.terminated_ns < LAST_WORDS_NS) {
        look(f);
        post_pause(PAUSE_NS);
    }
    if (!grace_has_begun(&l->grace) || !find_dead(f, &dead))
        return error_set(err, ERR_INTERRUPTED, "interrupted; what is done is kept");
    lead_name(l, dead, name);
    /* At once: what is to be written may take longer than the launcher waits before it kills. */
    warn(&f->terminal, "%s is gone: it was last heard of %.1f s ago", name,
         (double)(clock_now_ns() - f->heard_ns[dead]) / 1e9);
    return error_set(err, ERR_WORK, "%s is gone; what is done is kept", name);
}

static bool is_stopped(const struct mpi_farm *f)
{
    return stop_level() > 0 || f->interrupted || f->failure.code;
}

/* Until it is done, or will not be. */
static void wait_for(struct mpi_farm *f, const struct item *i)
{
    while (i->state != DONE && !is_stopped(f)) {
        look(f);
        if (i->state != DONE)
            post_pause(PAUSE_NS);
    }
    while (stop_level() > 0 && f->load[SELF]) { /* it sees the signal, too */
        look(f);
        post_pause(PAUSE_NS);
    }
}

static int get(void *context, const struct buffer *question, const char *directory,
               struct buffer *answer, struct error *err)
{
    struct mpi_farm *f = context;
    struct item *i = find_or_add(f, question, directory);
    i->asked = true;
    wait_for(f, i);
    if (f->failure.code)
        return error_set(err, f->failure.code, "%s", f->failure.message);
    if (i->state != DONE || i->err.code == ERR_INTERRUPTED)
        return say_why(f, err);
    buffer_add(answer, i->answer.data, i->answer.length);
    int status = i->err.code;
    if (status < 0 && err && !err->code)
        *err = i->err;
    drop(f, i);
    return status;
}

/* ---- life ---- */

struct mpi_farm *mpi_farm_create(struct lead *lead)
{
    struct mpi_farm *f = mem_zero(1, sizeof *f);
    f->lead = lead;
    f->terminal.notes = stderr;
    f->farm = (struct farm){.context = f,
                            .begin = begin,
                            .want = want,
                            .forget = forget,
                            .is_done = is_done,
                            .get = get,
                            .end = end};
    return f;
}

void mpi_farm_free(struct mpi_farm *f)
{
    free(f);
}

const struct farm *mpi_farm(const struct mpi_farm *f)
{
    return &f->farm;
}
