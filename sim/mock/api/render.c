#include "sim/mock/api/render.h"

#include "core/json/json_write.h"
#include "core/random.h"

#include <string.h>

static void add_string(struct buffer *out, const char *text)
{
    json_escape(out, text_of(text));
}

/* {"id": …, "object": …, "created": …, "model": …, */
static void add_identity(struct buffer *out, const char *object, const char *model, const char *id,
                         int64_t created_s)
{
    buffer_add_format(out, "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%lld,\"model\":", id,
                      object, (long long)created_s);
    add_string(out, model);
    buffer_add_text(out, ",\"system_fingerprint\":\"fp_farebox\",");
}

void voice_init(struct voice *v, enum ask_kind kind, const char *model, const char *id,
                int64_t created_s, bool include_usage)
{
    *v = (struct voice){.kind = kind, .include_usage = include_usage};
    buffer_init(&v->head, BUFFER_UNBOUNDED);
    add_identity(&v->head, kind == ASK_CHAT ? "chat.completion.chunk" : "text_completion", model,
                 id, created_s);
    buffer_add_text(&v->head, "\"choices\":[");
}

void voice_free(struct voice *v)
{
    buffer_free(&v->head);
}

static void begin(const struct voice *v, struct buffer *out)
{
    buffer_add(out, v->head.data, v->head.length);
}

static void end(const struct voice *v, struct buffer *out)
{
    buffer_add_text(out, v->include_usage ? "],\"usage\":null}" : "]}");
}

void render_role(const struct voice *v, struct buffer *out)
{
    begin(v, out);
    buffer_add_text(out, "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                         "\"logprobs\":null,\"finish_reason\":null}");
    end(v, out);
}

static const char *piece_head(const struct voice *v, enum part_kind kind)
{
    if (v->kind == ASK_COMPLETION)
        return "{\"index\":0,\"text\":\"";
    return kind == PART_REASONING ? "{\"index\":0,\"delta\":{\"reasoning_content\":\""
                                  : "{\"index\":0,\"delta\":{\"content\":\"";
}

/* Text made beforehand holds quotes; words do not. */
static void add_piece(const struct answer *a, uint32_t part, uint32_t token, uint32_t count,
                      struct buffer *out)
{
    if (!a->parts[part].text) {
        for (uint32_t i = 0; i < count; i++)
            answer_add_piece(a, part, token + i, out);
        return;
    }
    struct buffer text, escaped;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_init(&escaped, BUFFER_UNBOUNDED);
    for (uint32_t i = 0; i < count; i++)
        answer_add_piece(a, part, token + i, &text);
    json_escape(&escaped, (struct text){text.length ? text.data : "", text.length});
    buffer_add(out, escaped.data + 1, escaped.length - 2);
    buffer_free(&text);
    buffer_free(&escaped);
}

void render_piece(const struct voice *v, const struct answer *a, uint32_t part, uint32_t token,
                  uint32_t count, struct buffer *out)
{
    const struct answer_part *p = &a->parts[part];
    begin(v, out);
    if (p->kind == PART_TOOL)
        buffer_add_format(out,
                          "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%u,"
                          "\"function\":{\"arguments\":\"",
                          part - (a->parts[0].kind == PART_REASONING));
    else
        buffer_add_text(out, piece_head(v, p->kind));
    add_piece(a, part, token, count, out);
    if (p->kind == PART_TOOL)
        buffer_add_text(out, "\"}}]},\"logprobs\":null,\"finish_reason\":null}");
    else
        buffer_add_text(out, v->kind == ASK_COMPLETION
                                 ? "\",\"logprobs\":null,\"finish_reason\":null}"
                                 : "\"},\"logprobs\":null,\"finish_reason\":null}");
    end(v, out);
}

void render_tool_head(const struct voice *v, const struct answer *a, uint32_t part,
                      struct buffer *out)
{
    const struct answer_part *p = &a->parts[part];
    begin(v, out);
    buffer_add_format(out,
                      "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%u,\"id\":\"%s\","
                      "\"type\":\"function\",\"function\":{\"name\":",
                      part - (a->parts[0].kind == PART_REASONING), p->id);
    add_string(out, p->name);
    buffer_add_text(out, ",\"arguments\":\"\"}}]},\"logprobs\":null,\"finish_reason\":null}");
    end(v, out);
}

void render_finish(const struct voice *v, const char *finish_reason, struct buffer *out)
{
    begin(v, out);
    buffer_add_format(out, "{\"index\":0,%s,\"logprobs\":null,\"finish_reason\":\"%s\"}",
                      v->kind == ASK_COMPLETION ? "\"text\":\"\"" : "\"delta\":{}", finish_reason);
    end(v, out);
}

void render_usage(const struct usage *u, struct buffer *out)
{
    unsigned long long in = usage_input(u), output = usage_output(u);
    buffer_add_format(out,
                      "{\"prompt_tokens\":%llu,\"completion_tokens\":%llu,\"total_tokens\":%llu,"
                      "\"prompt_tokens_details\":{\"cached_tokens\":%llu,\"audio_tokens\":0},"
                      "\"completion_tokens_details\":{\"reasoning_tokens\":%llu,"
                      "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
                      "\"rejected_prediction_tokens\":0}}",
                      in, output, in + output, (unsigned long long)u->tokens[USAGE_CACHED_INPUT],
                      (unsigned long long)u->tokens[USAGE_REASONING]);
}

void render_usage_chunk(const struct voice *v, const struct usage *u, struct buffer *out)
{
    begin(v, out);
    buffer_add_text(out, "],\"usage\":");
    render_usage(u, out);
    buffer_add_byte(out, '}');
}

/* The text of all parts of a kind as a JSON string, or null where there is none. */
static void add_parts(const struct answer *a, enum part_kind kind, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    bool any = false;
    for (uint32_t i = 0; i < a->part_count; i++) {
        if (a->parts[i].kind != kind)
            continue;
        any = true;
        answer_add_part(a, i, &text);
    }
    if (any)
        json_escape(out, (struct text){text.length ? text.data : "", text.length});
    else
        buffer_add_text(out, "null");
    buffer_free(&text);
}

static void add_tool_call(const struct answer *a, uint32_t part, struct buffer *out)
{
    const struct answer_part *p = &a->parts[part];
    buffer_add_format(out, "{\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":", p->id);
    add_string(out, p->name);
    buffer_add_text(out, ",\"arguments\":");
    json_escape(out, (struct text){p->text, p->length});
    buffer_add_text(out, "}}");
}

static void add_message(const struct answer *a, struct buffer *out)
{
    buffer_add_text(out, "\"message\":{\"role\":\"assistant\",\"content\":");
    add_parts(a, PART_CONTENT, out);
    buffer_add_text(out, ",\"refusal\":null,\"annotations\":[]");
    if (a->reasoning_tokens) {
        buffer_add_text(out, ",\"reasoning_content\":");
        add_parts(a, PART_REASONING, out);
    }
    bool first = true;
    for (uint32_t i = 0; i < a->part_count; i++) {
        if (a->parts[i].kind != PART_TOOL)
            continue;
        buffer_add_text(out, first ? ",\"tool_calls\":[" : ",");
        add_tool_call(a, i, out);
        first = false;
    }
    buffer_add_text(out, first ? "}" : "]}");
}

void render_whole(const struct ask *ask, const char *model, const struct answer *a, const char *id,
                  int64_t created_s, const struct usage *u, struct buffer *out)
{
    bool chat = ask->kind == ASK_CHAT;
    add_identity(out, chat ? "chat.completion" : "text_completion", model, id, created_s);
    buffer_add_text(out, "\"choices\":[{\"index\":0,");
    if (chat) {
        add_message(a, out);
    } else {
        buffer_add_text(out, "\"text\":");
        add_parts(a, PART_CONTENT, out);
    }
    buffer_add_format(out,
                      ",\"logprobs\":null,\"finish_reason\":\"%s\"}],\"usage\":", a->finish_reason);
    render_usage(u, out);
    buffer_add_byte(out, '}');
}

/* Component i of text number `row`: pseudo-random in (−1, 1), the same for the same seed. */
static float component(uint64_t seed, uint32_t row, uint32_t i)
{
    int32_t bits = (int32_t)(random_mix(seed + row, i) >> 32);
    return (float)bits / 2147483648.0F;
}

static void add_embedding(const struct ask *ask, uint64_t seed, uint32_t row, struct buffer *out)
{
    if (ask->base64)
        buffer_add_byte(out, '"');
    else
        buffer_add_byte(out, '[');
    float group[3]; /* 12 bytes: base64 of it needs no padding */
    for (uint32_t i = 0; i < ask->dimensions; i++) {
        group[i % 3] = component(seed, row, i);
        if (!ask->base64)
            buffer_add_format(out, "%s%.7g", i ? "," : "", (double)group[i % 3]);
        else if (i % 3 == 2 || i + 1 == ask->dimensions)
            buffer_add_base64(out, group, (i % 3 + 1) * sizeof group[0]);
    }
    buffer_add_byte(out, ask->base64 ? '"' : ']');
}

void render_embeddings(const struct ask *ask, const char *model, uint64_t seed, struct buffer *out)
{
    buffer_add_text(out, "{\"object\":\"list\",\"data\":[");
    for (uint32_t row = 0; row < ask->inputs; row++) {
        buffer_add_format(
            out, "%s{\"object\":\"embedding\",\"index\":%u,\"embedding\":", row ? "," : "", row);
        add_embedding(ask, seed, row, out);
        buffer_add_byte(out, '}');
    }
    buffer_add_text(out, "],\"model\":");
    add_string(out, model);
    buffer_add_format(out, ",\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu}}",
                      (unsigned long long)ask->prompt.tokens,
                      (unsigned long long)ask->prompt.tokens);
}

/* Chunk sizes in hexadecimal: one small piece of every frame, so not through printf. */
static void add_chunk_size(size_t length, struct buffer *out)
{
    char text[20];
    size_t at = sizeof text;
    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = "0123456789abcdef"[length & 15];
        length >>= 4;
    } while (length);
    buffer_add(out, text + at, sizeof text - at);
}

void frame_bytes(const char *bytes, size_t length, bool chunked, struct buffer *out)
{
    if (length == 0)
        return; /* an empty chunk would end the body */
    if (chunked)
        add_chunk_size(length, out);
    buffer_add(out, bytes, length);
    if (chunked)
        buffer_add(out, "\r\n", 2);
}

void frame_event(const char *bytes, size_t length, struct framing f, struct buffer *out)
{
    const char *end = f.crlf ? "\r\n\r\n" : "\n\n";
    size_t end_length = f.crlf ? 4 : 2;
    if (f.chunked)
        add_chunk_size(length + 6 + end_length, out);
    buffer_add(out, "data: ", 6);
    buffer_add(out, bytes, length);
    buffer_add(out, end, end_length);
    if (f.chunked)
        buffer_add(out, "\r\n", 2);
}
