#include "cli/mpi/serve.h"

#include "bench/many/roster.h"
#include "cli/command.h"
#include "cli/mpi/task_worker.h"
#include "cli/mpi/words.h"
#include "core/memory.h"
#include "core/stop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HAND_OUT_NS (60 * NS_PER_S)
#define PAUSE_NS (200 * NS_PER_US)
#define PIECE ((size_t)1 << 20)
#define PIECE_WAIT_NS (60 * NS_PER_S)

struct serving {
    struct post *post;
    struct grace *grace;
    const struct task_kind *kind;
    void *context;
    struct task_worker *worker;
    struct task_job *queue; /* not begun */
    size_t queued;
    int64_t beat_ns;
    bool released, leave;
};

static void beat(struct serving *s)
{
    int64_t now_ns = clock_now_ns();
    if (now_ns - s->beat_ns < ROSTER_BEAT_NS / 2)
        return;
    s->beat_ns = now_ns;
    post_send_bytes(s->post, 0, LETTER_BEAT, "", 0);
}

static void answer(struct post *post, uint64_t number, const struct error *err,
                   const struct buffer *bytes)
{
    struct answer_head head = {.number = number, .err = *err};
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    pack_value(&body, head);
    if (bytes)
        buffer_add(&body, bytes->data, bytes->length);
    post_send(post, 0, LETTER_ANSWER, &body);
}

/* A task's files are made here, and do not stay: rank 0 wants them. */
static int make_directory(struct task_job *job, struct error *err)
{
    const char *under = getenv("TMPDIR");
    struct buffer path;
    buffer_init(&path, BUFFER_UNBOUNDED);
    buffer_add_format(&path, "%s/farebox-task-XXXXXX", under && *under ? under : "/tmp");
    job->directory = buffer_take(&path);
    return mkdtemp(job->directory) ? 0 : error_errno(err, "%s cannot be made", job->directory);
}

/* ---- letters ---- */

static void take_task(struct serving *s, const struct letter *letter)
{
    struct task_job job = {0};
    struct task_head head;
    struct unpack u = unpack_of(&letter->body);
    unpack_value(&u, head);
    job.number = head.number;
    buffer_init(&job.question, BUFFER_UNBOUNDED);
    buffer_init(&job.answer, BUFFER_UNBOUNDED);
    buffer_add(&job.question, u.at, u.left);
    if (head.has_files && make_directory(&job, &job.err) < 0) {
        answer(s->post, job.number, &job.err, NULL);
        task_job_free(&job);
        return;
    }
    *(struct task_job *)mem_append(&s->queue, &s->queued, sizeof *s->queue) = job;
}

static void take(struct serving *s, const struct letter *letter)
{
    if (letter->kind == LETTER_TASK)
        take_task(s, letter);
    s->leave |= letter->kind == LETTER_LEAVE;
    s->released |= letter->kind == LETTER_RELEASE || s->leave;
}

static void hear(struct serving *s)
{
    struct letter letter;
    while (post_next(s->post, &letter)) {
        take(s, &letter);
        letter_free(&letter);
    }
}

/* ---- files ---- */

/* One piece is on its way at a time, so that a large file is not all in memory. Who has released us
 * takes no more of them, and may be closing its post: that is heard while a piece waits. */
static int send_piece(struct serving *s, struct file_head *head, const char *bytes, size_t size,
                      struct error *err)
{
    struct buffer body;
    int64_t until_ns = clock_now_ns() + PIECE_WAIT_NS;
    buffer_init(&body, BUFFER_UNBOUNDED);
    pack_value(&body, *head);
    buffer_add(&body, bytes, size);
    post_send(s->post, 0, LETTER_FILE, &body);
    head->first = false;
    while (!post_flush(s->post, ROSTER_BEAT_NS / 2)) {
        hear(s);
        if (s->released || clock_now_ns() > until_ns || stop_terminated())
            return error_set(err, ERR_WORK, "%s does not get to rank 0", head->name);
        beat(s);
    }
    beat(s);
    return 0;
}

static int send_open_file(struct serving *s, int fd, struct file_head *head, char *piece,
                          struct error *err)
{
    for (ssize_t got; !head->last;) {
        while ((got = read(fd, piece, PIECE)) < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, "%s cannot be read", head->name);
        head->last = got == 0;
        if (send_piece(s, head, piece, (size_t)got, err) < 0)
            return err->code;
    }
    return 0;
}

static int send_file(struct serving *s, uint64_t number, int directory, const char *name,
                     struct error *err)
{
    struct file_head head = {.number = number, .first = true};
    snprintf(head.name, sizeof head.name, "%s", name);
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "%s cannot be read", name);
    char *piece = mem_alloc(PIECE);
    int status = send_open_file(s, fd, &head, piece, err);
    free(piece);
    close(fd);
    return status;
}

/* Of a task that was cut off nobody wants them, and where the job is being ended nobody waits. */
static bool has_files_to_send(const struct serving *s, const struct task_job *job, bool wanted)
{
    return wanted && !s->released && job->err.code != ERR_SYSTEM &&
           job->err.code != ERR_INTERRUPTED && !stop_terminated();
}

/* Sends its files, if they are wanted, and removes them. */
static void clear_directory(struct serving *s, struct task_job *job, bool wanted)
{
    DIR *d = mem_given(opendir(job->directory));
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat about;
        if (fstatat(dirfd(d), e->d_name, &about, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(about.st_mode))
            continue;
        if (has_files_to_send(s, job, wanted))
            send_file(s, job->number, dirfd(d), e->d_name, &job->err);
        unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
    rmdir(job->directory);
}

/* ---- tasks ---- */

static void end_job(struct serving *s, struct task_job *job, bool wanted)
{
    if (job->directory)
        clear_directory(s, job, wanted);
    if (wanted)
        answer(s->post, job->number, &job->err, &job->answer);
    task_job_free(job);
}

static void work(struct serving *s)
{
    struct task_job job;
    if (task_worker_take(s->worker, &job))
        end_job(s, &job, !s->released);
    if (s->queued == 0 || s->released || !task_worker_is_idle(s->worker))
        return;
    job = s->queue[0];
    memmove(s->queue, s->queue + 1, --s->queued * sizeof *s->queue);
    task_worker_begin(s->worker, &job);
}

/* The launcher's grace is over for long: nobody will send us away. */
static bool is_forgotten(const struct serving *s)
{
    return grace_has_begun(s->grace) &&
           clock_now_ns() - s->grace->terminated_ns > 2 * s->grace->length_ns;
}

static void serve(struct serving *s)
{
    while (!is_forgotten(s)) {
        hear(s);
        if (s->leave && stop_level() == 0)
            raise(SIGUSR1); /* what is under way is of no use to anybody */
        work(s);
        if (s->released && task_worker_is_idle(s->worker))
            return;
        grace_stop(s->grace, STOP_NONE, clock_now_ns());
        beat(s);
        post_pause(PAUSE_NS);
    }
}

/* ---- the whole ---- */

static const struct task_kind *find_kind(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (commands[i]->tasks && strcmp(commands[i]->tasks->name, name) == 0)
            return commands[i]->tasks;
    return NULL;
}

static bool take_context(struct serving *s, const struct letter *letter, struct buffer *bytes)
{
    struct context_head head;
    struct unpack u = unpack_of(&letter->body);
    unpack_value(&u, head);
    head.kind[sizeof head.kind - 1] = '\0';
    bool came = post_broadcast(s->post, bytes, head.size, HAND_OUT_NS);
    struct unpack context = unpack_of(bytes);
    s->kind = find_kind(head.kind);
    s->context = came && s->kind ? s->kind->unpack(&context) : NULL;
    return s->context;
}

static void end_serving(struct serving *s)
{
    for (size_t i = 0; i < s->queued; i++)
        end_job(s, &s->queue[i], false);
    task_worker_free(s->worker);
    s->kind->release(s->context);
    free(s->queue);
}

bool serve_tasks(struct post *post, const struct letter *context, struct grace *grace)
{
    struct serving s = {.post = post, .grace = grace};
    struct error err = {0};
    struct buffer bytes;
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    stop_hold();
    if (take_context(&s, context, &bytes)) {
        s.worker = task_worker_create(s.kind, s.context);
        serve(&s);
        end_serving(&s);
    } else {
        error_set(&err, ERR_WORK, "rank %d: the inputs did not come whole", post_rank(post));
        answer(post, 0, &err, NULL);
    }
    buffer_free(&bytes);
    return s.leave;
}
