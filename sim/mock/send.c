/* Sending: from rendered bytes to the socket, at once, when it takes more, or dripping. */
#include "core/memory.h"
#include "sim/mock/exchange_state.h"

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
    if (!x->pending.writable)
        x->pending.writable =
            event_new(x->server->base, connection_socket(x->connection), EV_WRITE, on_writable, x);
    event_add(x->pending.writable, NULL);
}

/* What the socket takes of these bytes; negative if it is gone. */
static ssize_t send_some(const struct exchange *x, const char *bytes, size_t length)
{
    ssize_t n = send(connection_socket(x->connection), bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return n;
}

static void add_pending(struct exchange *x, const char *bytes, size_t length, int64_t now_ns)
{
    buffer_add(&x->pending.bytes, bytes, length);
    x->pending.since_ns = now_ns;
}

/* Writes what was rendered; what the socket does not take stays pending. False if it is gone. */
static bool send_rendered(struct exchange *x, int64_t now_ns)
{
    struct buffer *out = &x->server->out;
    if (out->length == 0)
        return true;
    if (x->fault.drip_bytes) {
        add_pending(x, out->data, out->length, now_ns);
        return true;
    }
    ssize_t n = send_some(x, out->data, out->length);
    if (n < 0)
        return false;
    if ((size_t)n < out->length) {
        add_pending(x, out->data + n, out->length - (size_t)n, now_ns);
        wait_for_socket(x);
    }
    return true;
}

/* Writes what is pending, or a drop of it. False if the socket is gone. */
static bool send_pending(struct exchange *x, int64_t now_ns)
{
    size_t length = x->pending.bytes.length;
    bool drip = x->fault.drip_bytes > 0;
    if (drip && length > x->fault.drip_bytes)
        length = x->fault.drip_bytes;
    ssize_t n = send_some(x, x->pending.bytes.data, length);
    if (n < 0)
        return false;
    if (n > 0) {
        buffer_drop_front(&x->pending.bytes, (size_t)n);
        x->pending.since_ns = now_ns;
    }
    if (x->pending.bytes.length == 0)
        return true;
    if (drip && (size_t)n == length)
        pace_park(x->server->pace, &x->paced, now_ns + x->fault.drip_ns);
    else
        wait_for_socket(x);
    return true;
}

/* Whether speculative decoding gave the token together with the one before it. */
static bool of_one_step(const struct exchange *x, uint32_t token)
{
    uint32_t at = token - x->times.first_kept;
    return x->server->config.engine.speculative.num_speculative_tokens > 0 && at > 0 &&
           x->times.due_ns[at] == x->times.due_ns[at - 1];
}

/* Tokens from x->times.logged to x->progress.written have left just now. */
static void note_tokens(struct exchange *x, int64_t now_ns)
{
    struct server *s = x->server;
    bool log = s->log.fd >= 0;
    if (log) {
        size_t count = x->stream ? x->progress.written : 1;
        mem_grow(&x->times.written_ns, &x->times.written_capacity, count,
                 sizeof *x->times.written_ns);
        for (size_t i = x->stream ? x->times.logged : 0; i < count; i++)
            x->times.written_ns[i] = now_ns;
    }
    for (uint32_t i = x->stream ? x->times.logged : x->progress.written - 1;
         i < x->progress.written; i++) {
        int64_t due_ns = x->times.due_ns[i - x->times.first_kept];
        due_ns = due_ns > x->paced.resume_ns ? due_ns : x->paced.resume_ns;
        if (x->fault.drip_bytes == 0 && !x->fault.buffer && x->fault.tokens_per_chunk == 1)
            metrics_observe(&s->metrics, METRIC_LATENESS, now_ns - due_ns, 1);
        if (i == 0)
            metrics_observe(&s->metrics, METRIC_TTFT, now_ns - x->read_ns, 1);
        else if (x->stream && !of_one_step(x, i))
            metrics_observe(&s->metrics, METRIC_ITL, now_ns - x->times.last_written_ns, 1);
        x->times.last_written_ns = now_ns;
    }
    x->times.logged = x->progress.written;
    if (!log)
        x->times.first_kept = x->progress.written;
}

static void note_written(struct exchange *x)
{
    if (x->times.logged < x->progress.written)
        note_tokens(x, clock_now_ns());
    x->server->report.chunks += x->progress.chunks - x->progress.chunks_counted;
    x->progress.chunks_counted = x->progress.chunks;
}

void exchange_flush(struct exchange *x, int64_t now_ns)
{
    struct server *s = x->server;
    int64_t held = pace_held_until(s->pace, now_ns);
    if (held)
        pace_park(x->server->pace, &x->paced, held);
    while (!x->paced.parked) {
        if (x->pending.bytes.length && !send_pending(x, now_ns)) {
            connection_drop(x->connection);
            return;
        }
        if (x->pending.bytes.length)
            return;
        note_written(x);
        if (x->progress.complete) {
            exchange_finish(x);
            return;
        }
        buffer_clear(&s->out);
        stream_render(x, now_ns);
        if (!send_rendered(x, now_ns)) {
            connection_drop(x->connection);
            return;
        }
        if (s->out.length == 0 && !x->progress.complete)
            return;
        if (x->pending.bytes.length && !x->fault.drip_bytes)
            return; /* the socket is full */
    }
}
