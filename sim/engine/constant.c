#include "sim/engine/constant.h"

#include "core/heap.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A request in the engine. */
struct stream {
    uint64_t tag, order;
    int64_t first_ns; /* when its first token is due; waiting: not known yet */
    int64_t arrived_ns;
    uint32_t input_tokens, output_tokens, told; /* told: tokens the sink knows of */
    uint32_t next_waiting;                      /* slot number + 1; also links the free slots */
    enum { STREAM_FREE, STREAM_WAITING, STREAM_RUNNING } stage;
};

struct constant_engine {
    int64_t overhead_ns, ttft_ns, itl_ns;
    uint64_t limit; /* running at once */
    uint32_t replicas;
    bool per_token;
    struct stream *streams;
    size_t stream_count, stream_capacity;
    uint32_t free_head, waiting_head, waiting_tail; /* slot number + 1; 0 = none */
    struct heap due;                                /* the running streams' next events */
    uint32_t waiting;
    uint64_t submitted;
    const struct stream *ending;     /* within on_done */
    int64_t queue_since_ns, held_ns; /* since when somebody waits; how long before that */
    uint64_t prompt_tokens, output_tokens;
};

struct constant_engine *constant_create(const struct engine_config *config)
{
    struct constant_engine *c = mem_zero(1, sizeof *c);
    c->overhead_ns = llround(config->request_overhead_ms * (double)NS_PER_MS);
    c->ttft_ns = llround(config->ttft_ms * (double)NS_PER_MS);
    c->itl_ns = llround(config->itl_ms * (double)NS_PER_MS);
    c->replicas = config->replicas;
    c->limit =
        config->max_num_seqs ? (uint64_t)config->max_num_seqs * config->replicas : UINT64_MAX;
    c->per_token = config->per_token;
    return c;
}

void constant_free(struct constant_engine *c)
{
    if (!c)
        return;
    heap_free(&c->due);
    free(c->streams);
    free(c);
}

static int64_t token_due_ns(const struct constant_engine *c, const struct stream *s, uint32_t i)
{
    int64_t after_ns;
    if (__builtin_mul_overflow((int64_t)i, c->itl_ns, &after_ns) ||
        after_ns > TIME_LAST_PLANNED - s->first_ns)
        return s->first_ns > TIME_LAST_PLANNED ? s->first_ns : TIME_LAST_PLANNED;
    return s->first_ns + after_ns;
}

static void schedule(struct constant_engine *c, uint32_t slot)
{
    struct stream *s = &c->streams[slot];
    uint32_t i = s->told;
    if (i > 0 && !c->per_token)
        i = s->output_tokens - 1;
    heap_set(&c->due, slot, token_due_ns(c, s, i), s->order);
}

static void start(struct constant_engine *c, uint32_t slot, int64_t now_ns)
{
    struct stream *s = &c->streams[slot];
    s->stage = STREAM_RUNNING;
    s->first_ns = now_ns + c->ttft_ns;
    schedule(c, slot);
}

static uint32_t take_slot(struct constant_engine *c)
{
    if (c->free_head == 0) {
        mem_grow(&c->streams, &c->stream_capacity, c->stream_count + 1, sizeof *c->streams);
        return (uint32_t)c->stream_count++;
    }
    uint32_t slot = c->free_head - 1;
    c->free_head = c->streams[slot].next_waiting;
    return slot;
}

static void give_back(struct constant_engine *c, uint32_t slot)
{
    c->streams[slot].stage = STREAM_FREE;
    c->streams[slot].next_waiting = c->free_head;
    c->free_head = slot + 1;
}

void constant_submit(struct constant_engine *c, int64_t now_ns, const struct engine_request *r)
{
    uint32_t slot = take_slot(c);
    struct stream *s = &c->streams[slot];
    *s = (struct stream){.tag = r->tag,
                         .order = c->submitted++,
                         .arrived_ns = now_ns + c->overhead_ns,
                         .input_tokens = r->input_tokens,
                         .output_tokens = r->output_tokens,
                         .stage = STREAM_WAITING};
    c->prompt_tokens += r->input_tokens;
    if (c->due.count < c->limit) {
        start(c, slot, s->arrived_ns);
        return;
    }
    if (c->waiting_tail)
        c->streams[c->waiting_tail - 1].next_waiting = slot + 1;
    else
        c->waiting_head = slot + 1;
    c->waiting_tail = slot + 1;
    if (c->waiting++ == 0)
        c->queue_since_ns = now_ns;
}

/* A place became free: the first in the queue takes it. */
static void admit(struct constant_engine *c, int64_t now_ns)
{
    while (c->waiting_head && c->due.count < c->limit) {
        uint32_t slot = c->waiting_head - 1;
        struct stream *s = &c->streams[slot];
        c->waiting_head = s->next_waiting;
        if (!c->waiting_head)
            c->waiting_tail = 0;
        if (--c->waiting == 0)
            c->held_ns += now_ns - c->queue_since_ns;
        start(c, slot, now_ns > s->arrived_ns ? now_ns : s->arrived_ns);
    }
}

static void unqueue(struct constant_engine *c, uint32_t slot, int64_t now_ns)
{
    uint32_t previous = 0;
    for (uint32_t at = c->waiting_head; at != slot + 1; at = c->streams[at - 1].next_waiting)
        previous = at;
    uint32_t next = c->streams[slot].next_waiting;
    if (previous)
        c->streams[previous - 1].next_waiting = next;
    else
        c->waiting_head = next;
    if (!next)
        c->waiting_tail = previous;
    if (--c->waiting == 0)
        c->held_ns += now_ns - c->queue_since_ns;
}

void constant_cancel(struct constant_engine *c, int64_t now_ns, uint64_t tag)
{
    for (uint32_t slot = 0; slot < c->stream_count; slot++) {
        struct stream *s = &c->streams[slot];
        if (s->stage == STREAM_FREE || s->tag != tag)
            continue;
        if (s->stage == STREAM_WAITING)
            unqueue(c, slot, now_ns);
        heap_remove(&c->due, slot);
        give_back(c, slot);
        admit(c, now_ns);
        return;
    }
}

int64_t constant_next_ns(const struct constant_engine *c)
{
    return heap_next(&c->due);
}

static void end_stream(struct constant_engine *c, uint32_t slot, int64_t at_ns,
                       const struct engine_sink *sink)
{
    heap_remove(&c->due, slot);
    c->ending = &c->streams[slot];
    if (sink->on_done)
        sink->on_done(sink->context, c->ending->tag, 0, at_ns);
    c->ending = NULL;
    give_back(c, slot);
    admit(c, at_ns);
}

/* What the stream at the head of the heap has to tell. */
static void serve(struct constant_engine *c, uint32_t slot, int64_t at_ns,
                  const struct engine_sink *sink)
{
    struct stream *s = &c->streams[slot];
    if (s->output_tokens > 0) {
        bool tell = s->told == 0 || c->per_token;
        uint32_t count = tell ? 1 : s->output_tokens - s->told;
        if (tell && sink->on_tokens)
            sink->on_tokens(sink->context, s->tag, s->told, count, at_ns);
        if (sink->on_step)
            sink->on_step(sink->context, count, 1 + (s->told ? 0 : s->input_tokens));
        c->output_tokens += count;
        s->told += count;
    } else if (sink->on_step) {
        sink->on_step(sink->context, 1, s->input_tokens);
    }
    if (s->told >= s->output_tokens)
        end_stream(c, slot, at_ns, sink);
    else
        schedule(c, slot);
}

void constant_advance(struct constant_engine *c, int64_t now_ns, const struct engine_sink *sink)
{
    while (c->due.count && c->due.entries[0].at <= now_ns)
        serve(c, (uint32_t)c->due.entries[0].number, c->due.entries[0].at, sink);
}

size_t constant_token_times(const struct constant_engine *c, int64_t *out, size_t capacity)
{
    if (!c->ending)
        return 0;
    size_t count = c->ending->output_tokens < capacity ? c->ending->output_tokens : capacity;
    for (size_t i = 0; i < count; i++)
        out[i] = token_due_ns(c, c->ending, (uint32_t)i);
    return count;
}

bool constant_find_stay(const struct constant_engine *c, uint64_t tag, struct engine_stay *out)
{
    const struct stream *s = c->ending && c->ending->tag == tag ? c->ending : NULL;
    for (size_t slot = 0; slot < c->stream_count && !s; slot++)
        if (c->streams[slot].stage != STREAM_FREE && c->streams[slot].tag == tag)
            s = &c->streams[slot];
    if (s)
        *out = (struct engine_stay){
            s->arrived_ns, s->stage == STREAM_WAITING ? TIME_NEVER : s->first_ns - c->ttft_ns};
    return s != NULL;
}

void constant_state(const struct constant_engine *c, struct engine_state *out)
{
    *out = (struct engine_state){.replicas = c->replicas,
                                 .running = (uint32_t)c->due.count,
                                 .waiting = c->waiting,
                                 .held_by_seqs_ns = c->held_ns,
                                 .prompt_tokens = c->prompt_tokens,
                                 .output_tokens = c->output_tokens};
}
