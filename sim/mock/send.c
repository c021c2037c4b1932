/* Sending: from rendered bytes to the socket, at once, when it takes more, or dripping. */
#include "core/memory.h"
#include "sim/mock/server.h"

#include <errno.h>
#include <sys/socket.h>

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    exchange_flush(context, clock_now_ns());
}

static void wait_for_socket(struct exchange *x)
{
    if (!x->writable)
        x->writable = event_new(x->mock->base, x->connection->fd, EV_WRITE, on_writable, x);
    event_add(x->writable, NULL);
}

/* What the socket takes of these bytes; negative if it is gone. */
static ssize_t send_some(const struct exchange *x, const char *bytes, size_t length)
{
    ssize_t n = send(x->connection->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return n;
}

static void keep(struct exchange *x, const char *bytes, size_t length, int64_t now_ns)
{
    buffer_add(&x->pending, bytes, length);
    x->pending_since_ns = now_ns;
}

/* Writes what was rendered; what the socket does not take is kept. False if it is gone. */
static bool send_rendered(struct exchange *x, int64_t now_ns)
{
    struct buffer *out = &x->mock->out;
    if (out->length == 0)
        return true;
    if (x->fault.drip_bytes) {
        keep(x, out->data, out->length, now_ns);
        return true;
    }
    ssize_t n = send_some(x, out->data, out->length);
    if (n < 0)
        return false;
    if ((size_t)n < out->length) {
        keep(x, out->data + n, out->length - (size_t)n, now_ns);
        wait_for_socket(x);
    }
    return true;
}

/* Writes what was kept, or a drop of it. False if the socket is gone. */
static bool send_kept(struct exchange *x, int64_t now_ns)
{
    size_t length = x->pending.length;
    bool drip = x->fault.drip_bytes > 0;
    if (drip && length > x->fault.drip_bytes)
        length = x->fault.drip_bytes;
    ssize_t n = send_some(x, x->pending.data, length);
    if (n < 0)
        return false;
    if (n > 0) {
        buffer_drop_front(&x->pending, (size_t)n);
        x->pending_since_ns = now_ns;
    }
    if (x->pending.length == 0)
        return true;
    if (drip && (size_t)n == length)
        pace_park(x, now_ns + x->fault.drip_ns);
    else
        wait_for_socket(x);
    return true;
}

/* Tokens from x->logged to x->written have left just now. */
static void note_tokens(struct exchange *x, int64_t now_ns)
{
    struct mock *m = x->mock;
    bool log = m->log.fd >= 0;
    if (log) {
        size_t count = x->stream ? x->written : 1;
        mem_grow(&x->written_ns, &x->written_capacity, count, sizeof *x->written_ns);
        for (size_t i = x->stream ? x->logged : 0; i < count; i++)
            x->written_ns[i] = now_ns;
    }
    for (uint32_t i = x->stream ? x->logged : x->written - 1; i < x->written; i++) {
        int64_t due_ns = x->due_ns[i - x->first_kept];
        due_ns = due_ns > x->resume_ns ? due_ns : x->resume_ns;
        if (x->fault.drip_bytes == 0 && !x->fault.buffer && x->fault.tokens_per_chunk == 1)
            metrics_observe(&m->metrics, METRIC_LATENESS, now_ns - due_ns);
        if (i == 0)
            metrics_observe(&m->metrics, METRIC_TTFT, now_ns - x->read_ns);
        else if (x->stream)
            metrics_observe(&m->metrics, METRIC_ITL, now_ns - x->last_written_ns);
        x->last_written_ns = now_ns;
    }
    x->logged = x->written;
    if (!log)
        x->first_kept = x->written;
}

static void note_written(struct exchange *x)
{
    if (x->logged < x->written)
        note_tokens(x, clock_now_ns());
    x->mock->report.chunks += x->chunks - x->chunks_counted;
    x->chunks_counted = x->chunks;
}

void exchange_flush(struct exchange *x, int64_t now_ns)
{
    struct mock *m = x->mock;
    int64_t held = pace_held_until(m, now_ns);
    if (held)
        pace_park(x, held);
    while (!x->parked) {
        if (x->pending.length && !send_kept(x, now_ns)) {
            connection_drop(x->connection);
            return;
        }
        if (x->pending.length)
            return;
        note_written(x);
        if (x->complete) {
            exchange_finish(x);
            return;
        }
        buffer_clear(&m->out);
        stream_render(x, now_ns);
        if (!send_rendered(x, now_ns)) {
            connection_drop(x->connection);
            return;
        }
        if (m->out.length == 0 && !x->complete)
            return;
        if (x->pending.length && !x->fault.drip_bytes)
            return; /* the socket is full */
    }
}
