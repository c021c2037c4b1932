/* Streams: the bytes of an answer as far as it is due, with what its fault does to them. */
#include "sim/mock/exchange_state.h"

#include <string.h>

/* Rendered at most before the socket is asked whether it takes more. */
#define FLUSH_BYTES (256 * 1024)

void stream_add_head(struct exchange *x, const char *type, int64_t length, struct buffer *out)
{
    buffer_add_format(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nx-request-id: %s\r\n", x->status,
                      http_reason(x->status), type, x->request_id);
    if (x->api && x->api->id_header)
        buffer_add_format(out, "%s: %s\r\n", x->api->id_header, x->request_id);
    if (x->has_limits && x->api->anthropic_limits)
        limiter_add_anthropic_headers(&x->limits, clock_wall_ns(), out);
    else if (x->has_limits)
        limiter_add_headers(&x->limits, out);
    bool stream = length < 0;
    if (stream && !x->rendering.framing.chunked)
        x->close = true; /* HTTP/1.0: the end of the connection ends the stream */
    if (!stream)
        buffer_add_format(out, "Content-Length: %lld\r\n", (long long)length);
    else if (x->rendering.framing.chunked)
        buffer_add_text(out, "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n");
    if (x->close)
        buffer_add_text(out, "Connection: close\r\n");
    else if (!x->rendering.framing.chunked)
        buffer_add_text(out, "Connection: keep-alive\r\n");
    buffer_add_text(out, "\r\n");
    x->progress.head_sent = true;
}

static void add_raw_event(struct exchange *x, const char *bytes, size_t length)
{
    frame_event(NULL, bytes, length, x->rendering.framing, &x->server->out);
}

static void end_body(struct exchange *x)
{
    if (x->rendering.framing.chunked)
        buffer_add_text(&x->server->out, "0\r\n\r\n");
    x->progress.complete = true;
}

static void add_error_event(struct exchange *x)
{
    struct api_error e;
    api_error_set(&e, 500, "server_error", NULL, "internal_error",
                  "The server had an error while processing your request.");
    e.request_id = x->request_id;
    if (x->api->add_error_event) {
        x->api->add_error_event(&x->rendering, &e);
    } else {
        x->api->add_error(&e, &x->server->json);
        render_event(&x->rendering, x->api->error_event);
    }
    end_body(x);
    x->outcome = "error_event";
}

static void add_huge_comment(struct exchange *x)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    uint32_t length = x->fault.huge_bytes;
    buffer_add(&text, ": ", 2);
    buffer_reserve(&text, length + 2);
    memset(text.data + text.length, 'x', length);
    text.length += length;
    buffer_add(&text, "\n\n", 2);
    frame_bytes(text.data, text.length, x->rendering.framing.chunked, &x->server->out);
    buffer_free(&text);
}

/* A chunk that says it is longer than what comes. */
static void truncate(struct exchange *x)
{
    static const char half[] = "data: {\"id\":\"chatcmpl-";
    if (x->rendering.framing.chunked)
        buffer_add_text(&x->server->out, "100\r\n");
    buffer_add(&x->server->out, half, sizeof half - 1);
    x->progress.complete = true;
    x->progress.cut = CUT_CLOSE;
    x->outcome = "truncated";
}

static void reset(struct exchange *x)
{
    x->progress.complete = true;
    x->progress.cut = CUT_RESET;
    x->outcome = "reset";
}

/* What the fault puts in after so many chunks. False: nothing more may be rendered now. */
static bool pass_fault(struct exchange *x, int64_t now_ns)
{
    static const char ping[] = ": ping\n\n", broken[] = "{\"choices\": [{\"delta\": ";
    static const char not_utf8[] = "{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                                   "\"\xc3\x28\xff\xed\xa0\x80\"},\"finish_reason\":null}]}";
    const struct fault *f = &x->fault;
    uint32_t k = x->progress.chunks;
    if (k == f->stall_after && !x->progress.stalled) {
        x->progress.stalled = true;
        pace_park(x->server->pace, &x->paced, now_ns + f->stall_ns);
        return false;
    }
    if (k == f->ping_after)
        frame_bytes(ping, sizeof ping - 1, x->rendering.framing.chunked, &x->server->out);
    if (k == f->huge_after)
        add_huge_comment(x);
    if (k == f->malformed_after)
        add_raw_event(x, broken, sizeof broken - 1);
    if (k == f->utf8_after && x->api->not_utf8)
        add_raw_event(x, x->api->not_utf8, strlen(x->api->not_utf8));
    else if (k == f->utf8_after)
        add_raw_event(x, not_utf8, sizeof not_utf8 - 1);
    if (k == f->error_after)
        add_error_event(x);
    else if (k == f->truncate_after)
        truncate(x);
    else if (k == f->reset_after)
        reset(x);
    return !x->progress.complete;
}

/* Skips to the part that the choice's next token belongs to; its tokens that are left. */
static uint32_t next_part(const struct answer *a, struct choice *c)
{
    while (c->part_token >= a->parts[c->part].tokens) {
        c->part++;
        c->part_token = 0;
    }
    return a->parts[c->part].tokens - c->part_token;
}

/* How many tokens go into the choice's next chunk; 0 = it is not full yet. */
static uint32_t chunk_tokens(const struct exchange *x, uint32_t choice, struct choice *c)
{
    if (c->written == c->due)
        return 0;
    uint32_t left = next_part(x->rendering.answers[choice], c), ready = c->due - c->written;
    uint32_t wanted = x->fault.tokens_per_chunk;
    if (x->server->config.engine.speculative.num_speculative_tokens > 0 && wanted == 1)
        wanted = ready; /* those of one step go together */
    wanted = wanted < left ? wanted : left;
    return ready >= wanted ? wanted : 0;
}

/* What is rendered from here on is of this choice. */
static void choose(struct exchange *x, uint32_t choice)
{
    x->rendering.choice = choice;
    x->rendering.answer = x->rendering.answers[choice];
}

/* Chooses the next choice, in turn, that has a chunk; its tokens, 0 = there is none. */
static uint32_t next_chunk(struct exchange *x)
{
    for (uint32_t i = 0; i < x->ask.choices; i++) {
        uint32_t k = (x->turn + i) % x->ask.choices;
        uint32_t tokens = chunk_tokens(x, k, &x->choices[k]);
        if (tokens == 0)
            continue;
        choose(x, k);
        return tokens;
    }
    return 0;
}

/* Once more what stands in the buffer from there on. */
static void repeat(struct buffer *out, size_t from)
{
    size_t length = out->length - from;
    buffer_reserve(out, length);
    buffer_add(out, out->data + from, length);
}

static void add_chunk(struct exchange *x, uint32_t tokens)
{
    struct progress *p = &x->progress;
    struct rendering *r = &x->rendering;
    struct choice *c = &x->choices[r->choice];
    if (c->part_token == 0 && x->api->begin_part)
        x->api->begin_part(r, c->part);
    size_t from = r->out->length;
    x->api->add_piece(r, c->part, c->part_token, tokens);
    if (p->chunks == x->fault.duplicate_after)
        repeat(r->out, from);
    c->part_token += tokens;
    c->written += tokens;
    p->written += tokens;
    p->chunks++;
    x->turn = r->choice + 1;
    if (c->part_token == r->answer->parts[c->part].tokens && x->api->end_part)
        x->api->end_part(r, c->part);
}

static void add_tail(struct exchange *x)
{
    for (uint32_t k = 0; k < x->ask.choices && !x->fault.no_finish; k++) {
        choose(x, k);
        x->api->finish(&x->rendering, &x->usage);
    }
    if (!x->fault.no_done && !x->fault.no_finish)
        x->api->end(&x->rendering);
    end_body(x);
    x->outcome = "completed";
}

static void begin(struct exchange *x)
{
    for (uint32_t k = 0; k < x->ask.choices && x->api->begin; k++) {
        choose(x, k);
        x->api->begin(&x->rendering);
    }
    x->progress.begun = true;
}

static void render_events(struct exchange *x, int64_t now_ns)
{
    struct server *s = x->server;
    if (!x->progress.head_sent)
        stream_add_head(x, "text/event-stream; charset=utf-8", -1, &s->out);
    if (!x->progress.begun && (x->progress.due > 0 || x->engine_done))
        begin(x);
    uint32_t tokens;
    while (s->out.length < FLUSH_BYTES && (tokens = next_chunk(x)) > 0) {
        if (!pass_fault(x, now_ns))
            return;
        add_chunk(x, tokens);
    }
    if (x->engine_done && x->progress.written == x->progress.due && pass_fault(x, now_ns))
        add_tail(x);
}

static void render_body(struct exchange *x)
{
    struct server *s = x->server;
    const struct fault *f = &x->fault;
    if (f->reset_after != FAULT_NEVER) {
        reset(x);
        return;
    }
    x->api->add_answer(&x->rendering, &x->usage, &s->json);
    size_t length = s->json.length;
    if (f->malformed_after != FAULT_NEVER)
        s->json.length = length = length / 2;
    stream_add_head(x, "application/json", (int64_t)length, &s->out);
    bool cut = f->truncate_after != FAULT_NEVER;
    buffer_add(&s->out, s->json.data, cut ? length / 2 : length);
    x->progress.cut = cut ? CUT_CLOSE : CUT_NONE;
    x->outcome = cut ? "truncated" : "completed";
    x->progress.written = x->progress.due;
    x->progress.complete = true;
}

void stream_render(struct exchange *x, int64_t now_ns)
{
    buffer_clear(&x->server->json);
    if (x->fault.reset)
        reset(x);
    else if (x->stream && (x->engine_done || !x->fault.buffer))
        render_events(x, now_ns);
    else if (!x->stream && x->engine_done)
        render_body(x);
}
