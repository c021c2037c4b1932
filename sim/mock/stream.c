/* Streams: the bytes of an answer as far as it is due, with what its fault does to them. */
#include "sim/mock/server.h"

#include <string.h>

/* Rendered at most before the socket is asked whether it takes more. */
#define FLUSH_BYTES (256 * 1024)

void stream_add_head(struct exchange *x, const char *type, int64_t length, struct buffer *out)
{
    buffer_add_format(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nx-request-id: %s\r\n", x->status,
                      http_reason(x->status), type, x->request_id);
    if (x->has_limits)
        limiter_add_headers(&x->limits, out);
    bool stream = length < 0;
    if (stream && !x->framing.chunked)
        x->close = true; /* HTTP/1.0: the end of the connection ends the stream */
    if (!stream)
        buffer_add_format(out, "Content-Length: %lld\r\n", (long long)length);
    else if (x->framing.chunked)
        buffer_add_text(out, "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n");
    if (x->close)
        buffer_add_text(out, "Connection: close\r\n");
    else if (!x->framing.chunked)
        buffer_add_text(out, "Connection: keep-alive\r\n");
    buffer_add_text(out, "\r\n");
    x->head_sent = true;
}

/* Moves the JSON in m->json to m->out as an event. */
static void add_event(struct exchange *x)
{
    struct mock *m = x->mock;
    frame_event(m->json.data, m->json.length, x->framing, &m->out);
    buffer_clear(&m->json);
}

static void add_raw_event(struct exchange *x, const char *bytes, size_t length)
{
    frame_event(bytes, length, x->framing, &x->mock->out);
}

static void end_body(struct exchange *x)
{
    if (x->framing.chunked)
        buffer_add_text(&x->mock->out, "0\r\n\r\n");
    x->complete = true;
}

static void add_error_event(struct exchange *x)
{
    struct api_error e;
    api_error_set(&e, 500, "server_error", NULL, "internal_error",
                  "The server had an error while processing your request.");
    api_error_write(&e, &x->mock->json);
    add_event(x);
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
    frame_bytes(text.data, text.length, x->framing.chunked, &x->mock->out);
    buffer_free(&text);
}

/* A chunk that says it is longer than what comes. */
static void truncate(struct exchange *x)
{
    static const char half[] = "data: {\"id\":\"chatcmpl-";
    if (x->framing.chunked)
        buffer_add_text(&x->mock->out, "100\r\n");
    buffer_add(&x->mock->out, half, sizeof half - 1);
    x->complete = true;
    x->cut = CUT_CLOSE;
    x->outcome = "truncated";
}

static void reset(struct exchange *x)
{
    x->complete = true;
    x->cut = CUT_RESET;
    x->outcome = "reset";
}

/* What the fault puts in after so many chunks. False: nothing more may be rendered now. */
static bool pass_fault(struct exchange *x, int64_t now_ns)
{
    static const char ping[] = ": ping\n\n", broken[] = "{\"choices\": [{\"delta\": ";
    static const char not_utf8[] = "{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                                   "\"\xc3\x28\xff\xed\xa0\x80\"},\"finish_reason\":null}]}";
    const struct fault *f = &x->fault;
    uint32_t k = x->chunks;
    if (k == f->stall_after && !x->stalled) {
        x->stalled = true;
        pace_park(x, now_ns + f->stall_ns);
        return false;
    }
    if (k == f->ping_after)
        frame_bytes(ping, sizeof ping - 1, x->framing.chunked, &x->mock->out);
    if (k == f->huge_after)
        add_huge_comment(x);
    if (k == f->malformed_after)
        add_raw_event(x, broken, sizeof broken - 1);
    if (k == f->utf8_after)
        add_raw_event(x, not_utf8, sizeof not_utf8 - 1);
    if (k == f->error_after)
        add_error_event(x);
    else if (k == f->truncate_after)
        truncate(x);
    else if (k == f->reset_after)
        reset(x);
    return !x->complete;
}

/* Skips to the part that the next token belongs to; its tokens that are left. */
static uint32_t next_part(struct exchange *x)
{
    while (x->part_token >= x->answer.parts[x->part].tokens) {
        x->part++;
        x->part_token = 0;
    }
    return x->answer.parts[x->part].tokens - x->part_token;
}

/* How many tokens go into the next chunk; 0 = it is not full yet. */
static uint32_t chunk_tokens(struct exchange *x)
{
    if (x->written == x->due)
        return 0;
    uint32_t left = next_part(x), ready = x->due - x->written;
    uint32_t wanted = x->fault.tokens_per_chunk;
    wanted = wanted < left ? wanted : left;
    return ready >= wanted ? wanted : 0;
}

static void add_chunk(struct exchange *x, uint32_t tokens)
{
    struct mock *m = x->mock;
    if (x->part_token == 0 && x->answer.parts[x->part].kind == PART_TOOL) {
        render_tool_head(&x->voice, &x->answer, x->part, &m->json);
        add_event(x);
    }
    render_piece(&x->voice, &x->answer, x->part, x->part_token, tokens, &m->json);
    if (x->chunks == x->fault.duplicate_after)
        frame_event(m->json.data, m->json.length, x->framing, &m->out);
    add_event(x);
    x->part_token += tokens;
    x->written += tokens;
    x->chunks++;
}

static void add_tail(struct exchange *x)
{
    struct mock *m = x->mock;
    if (!x->fault.no_finish) {
        render_finish(&x->voice, x->answer.finish_reason, &m->json);
        add_event(x);
    }
    if (x->voice.include_usage && !x->fault.no_finish) {
        render_usage_chunk(&x->voice, &x->usage, &m->json);
        add_event(x);
    }
    if (!x->fault.no_done && !x->fault.no_finish)
        add_raw_event(x, "[DONE]", 6);
    end_body(x);
    x->outcome = "completed";
}

static void add_role(struct exchange *x)
{
    if (x->ask.kind == ASK_CHAT) {
        render_role(&x->voice, &x->mock->json);
        add_event(x);
    }
    x->role_sent = true;
}

static void render_events(struct exchange *x, int64_t now_ns)
{
    struct mock *m = x->mock;
    if (!x->head_sent)
        stream_add_head(x, "text/event-stream; charset=utf-8", -1, &m->out);
    if (!x->role_sent && (x->due > 0 || x->engine_done))
        add_role(x);
    uint32_t tokens;
    while (m->out.length < FLUSH_BYTES && (tokens = chunk_tokens(x)) > 0) {
        if (!pass_fault(x, now_ns))
            return;
        add_chunk(x, tokens);
    }
    if (x->engine_done && x->written == x->due && pass_fault(x, now_ns))
        add_tail(x);
}

static void render_body(struct exchange *x)
{
    struct mock *m = x->mock;
    const struct fault *f = &x->fault;
    if (f->reset_after != FAULT_NEVER) {
        reset(x);
        return;
    }
    if (x->ask.kind == ASK_EMBEDDING)
        render_embeddings(&x->ask, x->model, x->ask.prompt.chain, &m->json);
    else
        render_whole(&x->ask, x->model, &x->answer, x->id, x->created_s, &x->usage, &m->json);
    size_t length = m->json.length;
    if (f->malformed_after != FAULT_NEVER)
        m->json.length = length = length / 2;
    stream_add_head(x, "application/json", (int64_t)length, &m->out);
    bool cut = f->truncate_after != FAULT_NEVER;
    buffer_add(&m->out, m->json.data, cut ? length / 2 : length);
    x->cut = cut ? CUT_CLOSE : CUT_NONE;
    x->outcome = cut ? "truncated" : "completed";
    x->written = x->due;
    x->complete = true;
}

void stream_render(struct exchange *x, int64_t now_ns)
{
    buffer_clear(&x->mock->json);
    if (x->fault.reset)
        reset(x);
    else if (x->stream && (x->engine_done || !x->fault.buffer))
        render_events(x, now_ns);
    else if (!x->stream && x->engine_done)
        render_body(x);
}
