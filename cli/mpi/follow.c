#include "cli/mpi/follow.h"

#include "bench/client/company.h"
#include "bench/many/allowance.h"
#include "bench/many/record_pack.h"
#include "bench/many/roster.h"
#include "cli/mpi/grace.h"
#include "cli/mpi/part.h"
#include "cli/mpi/serve.h"
#include "cli/mpi/words.h"
#include "core/stop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HAND_OUT_NS (60 * NS_PER_S)
#define START_WAIT_NS (180 * NS_PER_S)
#define BLOCK_BYTES ((size_t)256 << 10)
#define BLOCK_NS (250 * NS_PER_MS) /* records are no older when they leave */
#define WANT_NS (100 * NS_PER_MS)

struct follower {
    struct post *post;
    struct hello hello;
    struct grace grace;
    bool gone; /* rank 0 is, or the launcher ends the job */

    /* of a run */
    struct assignment assignment;
    struct allowance allowance;
    struct part part;
    struct buffer block;
    int64_t block_ns, beat_ns, want_ns; /* of the last ones */
    int64_t heard_ns;                   /* of rank 0 */
    bool ready_sent, finished;
};

static void complain(const struct follower *f, const char *text)
{
    fprintf(stderr, "farebox-mpi: rank %d (%s): %s\n", post_rank(f->post), f->hello.host, text);
}

static void send_ready(struct follower *f, int code, const char *message)
{
    struct ready ready = {.code = code};
    snprintf(ready.message, sizeof ready.message, "%.500s", message);
    post_send_bytes(f->post, 0, LETTER_READY, &ready, sizeof ready);
    f->ready_sent = true;
}

/* True where nobody answers any more, which is said once. */
static bool rank_0_is_gone(struct follower *f, int64_t now_ns)
{
    char text[400];
    if (f->gone || now_ns - f->heard_ns < ROSTER_LOST_NS)
        return f->gone;
    f->gone = true;
    snprintf(text, sizeof text,
             "rank 0 has not been heard of for %.0f s: this part ends here, what it did is in "
             "%.200s/rank-%d",
             (double)ROSTER_LOST_NS / 1e9, f->assignment.directory, post_rank(f->post));
    complain(f, text);
    return true;
}

/* ---- the start ---- */

static int64_t take_start(struct follower *f, const struct letter *letter)
{
    struct start start;
    struct unpack u = unpack_of(&letter->body);
    unpack_value(&u, start);
    allowance_add(&f->allowance, start.slice);
    return start.start_ns;
}

static int64_t wait_for_start(void *follower)
{
    struct follower *f = follower;
    struct letter letter;
    int64_t until_ns = clock_now_ns() + START_WAIT_NS, start_ns = TIME_NEVER;
    bool come = false;
    send_ready(f, 0, "");
    while (!come && clock_now_ns() < until_ns && !stop_terminated()) {
        while (!come && post_next(f->post, &letter)) {
            if ((come = letter.kind == LETTER_START))
                start_ns = take_start(f, &letter);
            letter_free(&letter);
        }
        post_pause(NS_PER_MS);
    }
    f->heard_ns = clock_now_ns();
    return start_ns;
}

/* ---- while it runs ---- */

static bool on_attempt(void *follower, const struct record *r)
{
    struct follower *f = follower;
    record_pack(r, &f->block);
    part_add(&f->part, r);
    return true;
}

static bool admit(void *follower, uint32_t row)
{
    struct follower *f = follower;
    return allowance_admit(&f->allowance, row);
}

static void send_block(struct follower *f, int64_t now_ns)
{
    f->block_ns = now_ns;
    if (f->block.length)
        post_send(f->post, 0, LETTER_ROWS, &f->block);
}

static void send_beat(struct follower *f, const struct company_meeting *m, int64_t now_ns)
{
    struct beat beat = {m->sent, m->in_flight, m->stop};
    struct buffer body;
    f->beat_ns = now_ns;
    buffer_init(&body, BUFFER_UNBOUNDED);
    pack_value(&body, beat);
    pack_list(&body, m->flights ? m->flights->items : NULL, m->flights ? m->flights->count : 0,
              sizeof *m->flights->items);
    post_send(f->post, 0, LETTER_BEAT, &body);
}

static void take(struct follower *f, const struct letter *letter, enum stop_request *stop)
{
    struct unpack u = unpack_of(&letter->body);
    struct beat answer = {.stop = STOP_NONE};
    money slice = 0;
    if (letter->kind == LETTER_FINISH)
        f->finished = true;
    if (letter->kind == LETTER_GRANT) {
        unpack_value(&u, slice);
        allowance_add(&f->allowance, slice);
    }
    if (letter->kind == LETTER_BEAT)
        unpack_value(&u, answer);
    *stop = answer.stop > *stop ? answer.stop : *stop;
}

static void hear(struct follower *f, enum stop_request *stop, int64_t now_ns)
{
    struct letter letter;
    while (post_next(f->post, &letter)) {
        f->heard_ns = now_ns;
        take(f, &letter, stop);
        letter_free(&letter);
    }
}

static void meet(void *follower, struct company_meeting *m)
{
    struct follower *f = follower;
    int64_t now_ns = clock_now_ns();
    hear(f, &m->stop, now_ns);
    m->stop = grace_stop(&f->grace, m->stop, now_ns);
    if (rank_0_is_gone(f, now_ns))
        m->stop = STOP_NOW;
    if (f->block.length >= BLOCK_BYTES || now_ns - f->block_ns >= BLOCK_NS)
        send_block(f, now_ns);
    if (now_ns - f->beat_ns >= ROSTER_BEAT_NS / 2)
        send_beat(f, m, now_ns);
    if (allowance_low(&f->allowance) && now_ns - f->want_ns >= WANT_NS) {
        f->want_ns = now_ns;
        post_send_bytes(f->post, 0, LETTER_WANT, "", 0);
    }
    part_tick(&f->part);
}

/* ---- a run ---- */

static void send_done(struct follower *f, const struct bench_report *report)
{
    struct done done = {.end = report->end,
                        .not_due = report->not_due,
                        .cpu_ns = report->cpu_ns,
                        .wall_ns = report->wall_ns,
                        .unused = allowance_close(&f->allowance),
                        .fidelity = fidelity_bare(&report->fidelity)};
    send_block(f, clock_now_ns());
    post_send_bytes(f->post, 0, LETTER_DONE, &done, sizeof done);
}

static void ask(struct follower *f, int64_t now_ns)
{
    static const struct company_meeting nothing;
    send_beat(f, &nothing, now_ns);
}

/* Its records are on their way; rank 0 may be waiting for others. It is asked whether it is there.
 */
static void wait_for_finish(struct follower *f)
{
    enum stop_request stop = STOP_NONE;
    while (!f->finished && !grace_has_begun(&f->grace)) {
        int64_t now_ns = clock_now_ns();
        hear(f, &stop, now_ns);
        stop = grace_stop(&f->grace, stop, now_ns);
        if (now_ns - f->beat_ns >= ROSTER_BEAT_NS)
            ask(f, now_ns);
        if (rank_0_is_gone(f, now_ns))
            return;
        post_pause(NS_PER_MS);
    }
}

static void finish_part(struct follower *f, const struct bench_report *report)
{
    char text[700];
    struct fidelity own = report->fidelity;
    own.rank.number = (uint64_t)post_rank(f->post);
    memcpy(own.rank.host, f->hello.host, sizeof own.rank.host);
    own.rank.offset_ms = own.rank.error_ms = own.rank.drift_ppm = own.rank.drift_error_ppm = NAN;
    part_finish(&f->part, &f->assignment, &own, report->not_due);
    if (!f->part.failure.code)
        return;
    snprintf(text, sizeof text, "its part is not kept: %.600s", f->part.failure.message);
    complain(f, text);
}

static void carry_out(struct follower *f)
{
    struct bench_report report = {0};
    struct error err = {0};
    const struct bench_company company = {.context = f, .start = wait_for_start, .poll = meet};
    struct run_observer observer = {f, on_attempt};
    struct bench_config *c = &f->assignment.config;
    c->shard = (uint32_t)post_rank(f->post);
    c->shards = (uint32_t)post_ranks(f->post);
    c->company = &company;
    c->admit = admit;
    c->context = f;
    part_begin(&f->part, &f->assignment, c->shard, c->shards);
    int status = bench_run(c, f->assignment.workload, &observer, &report, &err);
    if (status < 0 && !f->ready_sent)
        send_ready(f, err.code, err.message);
    if (status == 0)
        send_done(f, &report);
    wait_for_finish(f);
    if (status == 0)
        finish_part(f, &report);
    post_send_bytes(f->post, 0, LETTER_WROTE, "", 0);
    if (status == 0)
        bench_report_free(&report);
}

static void begin_run(struct follower *f)
{
    int64_t now_ns = clock_now_ns();
    f->part = (struct part){0};
    buffer_init(&f->block, BUFFER_UNBOUNDED);
    f->block_ns = f->beat_ns = f->want_ns = f->heard_ns = now_ns;
    f->ready_sent = f->finished = false;
    allowance_init(&f->allowance, f->assignment.most_by_row, f->assignment.workload->count);
}

static void take_turn(struct follower *f, const struct letter *letter)
{
    struct buffer bytes;
    uint64_t size;
    struct unpack u = unpack_of(&letter->body);
    unpack_value(&u, size);
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    bool came = post_broadcast(f->post, &bytes, size, HAND_OUT_NS);
    if (!came || assignment_unpack(&bytes, &f->assignment) < 0) {
        send_ready(f, ERR_WORK, "the assignment did not come whole");
        buffer_free(&bytes);
        return;
    }
    begin_run(f);
    carry_out(f);
    buffer_free(&f->block);
    allowance_free(&f->allowance);
    assignment_free(&f->assignment);
}

/* mpirun's pause before it kills ends with the first process that does: rank 0 needs it whole, and
 * says when it has written all. */
static void stay(struct follower *f)
{
    struct letter letter;
    bool leave = false;
    int64_t until_ns = clock_now_ns() + 2 * f->grace.length_ns;
    while (!leave && clock_now_ns() < until_ns) {
        while (post_next(f->post, &letter)) {
            leave = leave || letter.kind == LETTER_LEAVE;
            letter_free(&letter);
        }
        post_pause(NS_PER_MS);
    }
}

int follow_run(struct post *post, bool *together)
{
    struct follower f = {.post = post};
    struct letter letter;
    bool leave = false;
    words_hello(&f.hello);
    grace_init(&f.grace);
    post_send_bytes(f.post, 0, LETTER_HELLO, &f.hello, sizeof f.hello);
    while (!leave && !f.gone && !stop_terminated()) {
        while (!leave && !f.gone && post_next(post, &letter)) {
            if (letter.kind == LETTER_TURN)
                take_turn(&f, &letter);
            leave = letter.kind == LETTER_LEAVE ||
                    (letter.kind == LETTER_CONTEXT && serve_tasks(post, &letter, &f.grace));
            letter_free(&letter);
        }
        post_pause(NS_PER_MS);
    }
    grace_stop(&f.grace, STOP_NONE, clock_now_ns());
    if (!leave && !f.gone && grace_has_begun(&f.grace))
        stay(&f);
    *together = leave && !grace_has_begun(&f.grace); /* else rank 0 goes by itself */
    return *together ? 0 : 1;
}
