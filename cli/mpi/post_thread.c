/* The one thread that speaks to MPI. */
#include "cli/mpi/post_state.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/pack/pack.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_NS (2 * NS_PER_MS)
#define PIECE ((uint64_t)16 << 20) /* of a broadcast */
#define BROADCAST_PAUSE_NS (200 * NS_PER_US)
#define PINGED_NS (20 * NS_PER_MS) /* after a ping the next one comes soon: no pause meanwhile */
#define EXCHANGES 10               /* with a rank, and more until the error is small */
#define SMALL_ERROR_NS (20 * NS_PER_US)
#define MEASURE_NS (250 * NS_PER_MS) /* for all exchanges with one rank, or its share of ... */
#define ALL_NS (5 * NS_PER_S)        /* ... what may pass with all of them */
#define FEWEST 4
#define FIRST_ANSWER_NS (2 * NS_PER_S)

struct ping {
    uint64_t number;
    int64_t theirs_ns; /* of the answer */
};

struct sending {
    MPI_Request request;
    struct buffer body;
};

struct receiving {
    MPI_Request request;
    struct letter letter;
    bool came;
};

struct mpi {
    struct post *post;
    MPI_Comm comm;
    struct sending *out;
    size_t out_count, out_capacity;
    struct receiving *in; /* in the order in which they were found */
    size_t in_count, in_capacity;
    int64_t pinged_ns;
    struct ping pong; /* the last answer, when it came and whose it was */
    int64_t pong_ns;
    int pong_from;
};

/* ---- sending ---- */

/* An error ends the request as well: its letter is lost, and the roster finds that out. */
static bool is_over(MPI_Request *request)
{
    int over = 0;
    return MPI_Test(request, &over, MPI_STATUS_IGNORE) != MPI_SUCCESS || over;
}

static void count_sent(struct mpi *m, size_t count)
{
    pthread_mutex_lock(&m->post->lock);
    m->post->under_way -= count;
    pthread_mutex_unlock(&m->post->lock);
}

static void drop_sent(struct mpi *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->out_count; i++) {
        if (is_over(&m->out[i].request))
            buffer_free(&m->out[i].body);
        else
            m->out[kept++] = m->out[i];
    }
    if (kept < m->out_count)
        count_sent(m, m->out_count - kept);
    m->out_count = kept;
}

static void send(struct mpi *m, struct letter *letter)
{
    struct sending s = {.body = letter->body};
    const char *bytes = s.body.data ? s.body.data : "";
    if (MPI_Isend(bytes, (int)s.body.length, MPI_BYTE, letter->from, (int)letter->kind, m->comm,
                  &s.request) != MPI_SUCCESS) {
        buffer_free(&s.body);
        count_sent(m, 1);
        return;
    }
    mem_grow(&m->out, &m->out_capacity, m->out_count + 1, sizeof *m->out);
    m->out[m->out_count++] = s;
}

static void send_all(struct mpi *m)
{
    struct letter letter;
    for (bool more = true; more;) {
        pthread_mutex_lock(&m->post->lock);
        more = letters_take(&m->post->outbox, &letter);
        pthread_mutex_unlock(&m->post->lock);
        if (more)
            send(m, &letter);
    }
}

static void send_ping(struct mpi *m, int to, enum letter_kind kind, const struct ping *ping)
{
    struct letter letter = {.from = to, .kind = kind};
    buffer_init(&letter.body, BUFFER_UNBOUNDED);
    pack_value(&letter.body, *ping);
    pthread_mutex_lock(&m->post->lock);
    m->post->under_way++;
    pthread_mutex_unlock(&m->post->lock);
    send(m, &letter);
}

/* ---- receiving ---- */

/* Begins to receive whatever has come. */
static void look(struct mpi *m)
{
    for (;;) {
        int found = 0, length = 0;
        MPI_Message message;
        MPI_Status status;
        if (MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, m->comm, &found, &message, &status) !=
                MPI_SUCCESS ||
            !found)
            return;
        MPI_Get_count(&status, MPI_BYTE, &length);
        mem_grow(&m->in, &m->in_capacity, m->in_count + 1, sizeof *m->in);
        struct receiving *r = &m->in[m->in_count++];
        *r = (struct receiving){
            .letter = {.from = status.MPI_SOURCE, .kind = (enum letter_kind)status.MPI_TAG}};
        buffer_init(&r->letter.body, BUFFER_UNBOUNDED);
        buffer_reserve(&r->letter.body, (size_t)length + 1);
        r->letter.body.length = (size_t)length;
        if (MPI_Imrecv(r->letter.body.data, length, MPI_BYTE, &message, &r->request) != MPI_SUCCESS)
            r->request = MPI_REQUEST_NULL;
    }
}

static void deliver(struct mpi *m, struct letter *letter)
{
    struct ping ping;
    struct unpack u = unpack_of(&letter->body);
    int64_t now_ns = clock_now_ns();
    if (letter->kind != LETTER_PING && letter->kind != LETTER_PONG) {
        pthread_mutex_lock(&m->post->lock);
        letters_add(&m->post->inbox, *letter);
        pthread_mutex_unlock(&m->post->lock);
        return;
    }
    unpack_value(&u, ping);
    if (letter->kind == LETTER_PING) {
        m->pinged_ns = ping.theirs_ns = now_ns;
        send_ping(m, letter->from, LETTER_PONG, &ping);
    } else {
        m->pong = ping;
        m->pong_ns = now_ns;
        m->pong_from = letter->from;
    }
    letter_free(letter);
}

/* True where an earlier letter of the same sender is still on its way. */
static bool must_wait(const struct mpi *m, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (m->in[k].letter.from == m->in[i].letter.from)
            return true;
    return false;
}

static void receive(struct mpi *m)
{
    size_t kept = 0;
    look(m);
    for (size_t i = 0; i < m->in_count; i++) {
        struct receiving r = m->in[i];
        m->in[kept] = r;
        r.came = r.came || is_over(&r.request);
        if (r.came && !must_wait(m, kept))
            deliver(m, &r.letter);
        else
            m->in[kept++] = r;
    }
    m->in_count = kept;
}

static void step(struct mpi *m)
{
    send_all(m);
    drop_sent(m);
    receive(m);
}

/* ---- jobs ---- */

static void broadcast(struct mpi *m, struct post_job *job)
{
    int64_t until_ns = clock_now_ns() + job->limit_ns;
    struct buffer *body = job->broadcast;
    if (m->post->rank != 0) {
        buffer_reserve(body, job->size + 1);
        body->length = job->size;
    }
    for (uint64_t at = 0; at < job->size && !job->failed; at += PIECE) {
        MPI_Request request;
        int piece = (int)(job->size - at < PIECE ? job->size - at : PIECE);
        job->failed =
            MPI_Ibcast(body->data + at, piece, MPI_BYTE, 0, m->comm, &request) != MPI_SUCCESS;
        while (!job->failed && !is_over(&request)) {
            job->failed = clock_now_ns() > until_ns;
            step(m);
            post_pause(BROADCAST_PAUSE_NS);
        }
    }
}

static bool exchange(struct mpi *m, struct post_job *job, uint64_t number, int64_t limit_ns)
{
    struct ping ping = {.number = number};
    int64_t sent_ns = clock_now_ns();
    send_ping(m, job->rank, LETTER_PING, &ping);
    while (clock_now_ns() - sent_ns < limit_ns) {
        step(m);
        if (m->pong_from != job->rank || m->pong.number != number)
            continue;
        clock_offset_add(&job->offset, sent_ns, m->pong.theirs_ns, m->pong_ns);
        return true;
    }
    return false;
}

/* Both sides look without a pause meanwhile: no request is under way. */
static void measure(struct mpi *m, struct post_job *job)
{
    int64_t begun_ns = clock_now_ns(), limit_ns = ALL_NS / m->post->ranks;
    const struct clock_offset *o = &job->offset;
    if (limit_ns > MEASURE_NS)
        limit_ns = MEASURE_NS;
    m->pong_from = -1;
    for (uint64_t i = 0; i < EXCHANGES || o->error_ns > SMALL_ERROR_NS; i++)
        if ((i >= FEWEST && clock_now_ns() - begun_ns > limit_ns) ||
            !exchange(m, job, i, i ? MEASURE_NS : FIRST_ANSWER_NS))
            return;
}

/* True where it is asked to end. */
static bool do_what_is_asked(struct mpi *m)
{
    struct post *p = m->post;
    pthread_mutex_lock(&p->lock);
    struct post_job *job = p->job;
    bool closing = p->closing;
    pthread_mutex_unlock(&p->lock);
    if (!job)
        return closing;
    if (job->broadcast)
        broadcast(m, job);
    else
        measure(m, job);
    pthread_mutex_lock(&p->lock);
    job->done = true;
    p->job = NULL;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return closing;
}

/* ---- life ---- */

static void open_post(struct mpi *m)
{
    int level;
    struct post *p = m->post;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_dup(MPI_COMM_WORLD, &m->comm);
    MPI_Comm_set_errhandler(m->comm, MPI_ERRORS_RETURN);
    pthread_mutex_lock(&p->lock);
    MPI_Comm_rank(m->comm, &p->rank);
    MPI_Comm_size(m->comm, &p->ranks);
    p->open = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void *post_thread(void *post)
{
    struct mpi m = {.post = post};
    open_post(&m);
    while (!do_what_is_asked(&m)) {
        step(&m);
        if (clock_now_ns() - m.pinged_ns > PINGED_NS)
            post_pause(PAUSE_NS);
    }
    for (size_t i = 0; i < m.out_count; i++)
        buffer_free(&m.out[i].body);
    for (size_t i = 0; i < m.in_count; i++)
        letter_free(&m.in[i].letter);
    free(m.out);
    free(m.in);
    MPI_Finalize();
    return NULL;
}
