/* Anthropic's messages. */
#include "sim/mock/api/messages.h"

#include "core/json/json_write.h"

#include <stdio.h>
#include <string.h>

#define SIGNATURE "ZmFyZWJveCBzaWducyBub3RoaW5n" /* of a thinking block */

/* ---- usage ---- */

static void add_usage(const struct usage *u, uint64_t output, struct buffer *out)
{
    const uint64_t *t = u->tokens;
    unsigned long long minutes = t[USAGE_CACHE_WRITE], hour = t[USAGE_CACHE_WRITE_1H];
    buffer_add_format(out,
                      "{\"input_tokens\":%llu,\"cache_creation_input_tokens\":%llu,"
                      "\"cache_read_input_tokens\":%llu,\"cache_creation\":{"
                      "\"ephemeral_5m_input_tokens\":%llu,\"ephemeral_1h_input_tokens\":%llu},"
                      "\"output_tokens\":%llu,\"service_tier\":\"standard\"",
                      (unsigned long long)t[USAGE_UNCACHED_INPUT], minutes + hour,
                      (unsigned long long)t[USAGE_CACHED_INPUT], minutes, hour,
                      (unsigned long long)output);
    if (t[USAGE_REASONING])
        buffer_add_format(out, ",\"output_tokens_details\":{\"thinking_tokens\":%llu}",
                          (unsigned long long)t[USAGE_REASONING]);
    buffer_add_byte(out, '}');
}

/* "stop_reason": ..., "stop_sequence": ... */
static void add_stop(const struct answer *a, struct buffer *out)
{
    const char *why = strcmp(a->finish_reason, "length") == 0       ? "max_tokens"
                      : strcmp(a->finish_reason, "tool_calls") == 0 ? "tool_use"
                      : a->stop                                     ? "stop_sequence"
                                                                    : "end_turn";
    buffer_add_format(out, "\"stop_reason\":\"%s\",\"stop_sequence\":", why);
    if (a->stop)
        render_string(a->stop, out);
    else
        buffer_add_text(out, "null");
}

/* ---- streams ---- */

static void begin(struct rendering *r)
{
    buffer_add_format(r->json,
                      "{\"type\":\"message_start\",\"message\":{\"id\":\"%s\",\"type\":\"message\","
                      "\"role\":\"assistant\",\"model\":",
                      r->id);
    render_string(r->model, r->json);
    buffer_add_text(r->json,
                    ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":");
    add_usage(&r->input, 1, r->json);
    buffer_add_text(r->json, "}}");
    render_event(r, "message_start");
}

/* A call is known by OpenAI's id: what stands behind "call_". */
static void add_tool_head(const struct answer_part *p, struct buffer *out)
{
    buffer_add_format(out, "{\"type\":\"tool_use\",\"id\":\"toolu_%s\",\"name\":", p->id + 5);
    render_string(p->name, out);
    buffer_add_text(out, ",\"input\":");
}

/* A call as its block comes back, see messages_ask.c; JSON that was cut off is none. */
static void repeat_call(const struct answer_part *p, struct prompt *prompt)
{
    char id[40];
    cJSON *input = cJSON_ParseWithLength(p->text, p->length);
    char *text = input ? cJSON_PrintUnformatted(input) : NULL;
    snprintf(id, sizeof id, "toolu_%s", p->id + 5);
    prompt_add(prompt, "tool_use", 8);
    prompt_add(prompt, id, strlen(id));
    prompt_add_words(prompt, p->name, strlen(p->name));
    if (text)
        prompt_add_words(prompt, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(input);
}

static void repeat(const struct rendering *r, uint32_t choice, struct prompt *prompt)
{
    const struct answer *a = r->answers[choice];
    prompt_add(prompt, "assistant", 9);
    for (uint32_t i = 0; i < a->part_count; i++)
        if (a->parts[i].kind == PART_CONTENT)
            answer_repeat_part(a, i, prompt);
        else
            repeat_call(&a->parts[i], prompt);
}

static void begin_part(struct rendering *r, uint32_t part)
{
    const struct answer_part *p = &r->answer->parts[part];
    buffer_add_format(r->json,
                      "{\"type\":\"content_block_start\",\"index\":%u,\"content_block\":", part);
    if (p->kind == PART_TOOL) {
        add_tool_head(p, r->json);
        buffer_add_text(r->json, "{}}}");
    } else {
        buffer_add_text(r->json,
                        p->kind == PART_REASONING
                            ? "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}"
                            : "{\"type\":\"text\",\"text\":\"\"}}");
    }
    render_event(r, "content_block_start");
    if (part > 0)
        return;
    buffer_add_text(r->json, "{\"type\":\"ping\"}");
    render_event(r, "ping");
}

static void open_delta(struct rendering *r, uint32_t part, const char *delta)
{
    buffer_add_format(r->json, "{\"type\":\"content_block_delta\",\"index\":%u,\"delta\":%s", part,
                      delta);
}

static void add_piece(struct rendering *r, uint32_t part, uint32_t token, uint32_t count)
{
    static const char *const deltas[] = {
        [PART_REASONING] = "{\"type\":\"thinking_delta\",\"thinking\":\"",
        [PART_CONTENT] = "{\"type\":\"text_delta\",\"text\":\"",
        [PART_TOOL] = "{\"type\":\"input_json_delta\",\"partial_json\":\"",
    };
    enum part_kind kind = r->answer->parts[part].kind;
    if (kind == PART_REASONING && r->ask->hides_reasoning)
        return;
    open_delta(r, part, deltas[kind]);
    render_text(r->answer, part, token, count, r->json);
    buffer_add_text(r->json, "\"}}");
    render_event(r, "content_block_delta");
}

static void end_part(struct rendering *r, uint32_t part)
{
    if (r->answer->parts[part].kind == PART_REASONING) {
        open_delta(r, part, "{\"type\":\"signature_delta\",\"signature\":\"" SIGNATURE "\"}}");
        render_event(r, "content_block_delta");
    }
    buffer_add_format(r->json, "{\"type\":\"content_block_stop\",\"index\":%u}", part);
    render_event(r, "content_block_stop");
}

static void finish(struct rendering *r, const struct usage *u)
{
    buffer_add_text(r->json, "{\"type\":\"message_delta\",\"delta\":{");
    add_stop(r->answer, r->json);
    buffer_add_text(r->json, "},\"usage\":");
    add_usage(u, usage_output(u), r->json);
    buffer_add_byte(r->json, '}');
    render_event(r, "message_delta");
}

static void end(struct rendering *r)
{
    buffer_add_text(r->json, "{\"type\":\"message_stop\"}");
    render_event(r, "message_stop");
}

/* ---- whole answers ---- */

static void add_block(const struct rendering *r, uint32_t part, struct buffer *out)
{
    const struct answer_part *p = &r->answer->parts[part];
    uint32_t told = p->kind == PART_REASONING && r->ask->hides_reasoning ? 0 : p->tokens;
    if (p->kind == PART_TOOL) {
        /* Arguments that a limit cut are no object any more. */
        bool whole = strcmp(r->answer->finish_reason, "length") != 0;
        add_tool_head(p, out);
        buffer_add(out, whole ? p->text : "{}", whole ? p->length : 2);
        buffer_add_byte(out, '}');
        return;
    }
    buffer_add_text(out, p->kind == PART_REASONING ? "{\"type\":\"thinking\",\"thinking\":\""
                                                   : "{\"type\":\"text\",\"text\":\"");
    render_text(r->answer, part, 0, told, out);
    buffer_add_text(out, p->kind == PART_REASONING ? "\",\"signature\":\"" SIGNATURE "\"}" : "\"}");
}

static void add_answer(const struct rendering *r, const struct usage *u, struct buffer *out)
{
    buffer_add_format(
        out, "{\"id\":\"%s\",\"type\":\"message\",\"role\":\"assistant\",\"model\":", r->id);
    render_string(r->model, out);
    buffer_add_text(out, ",\"content\":[");
    for (uint32_t i = 0; i < r->answer->part_count; i++) {
        if (i)
            buffer_add_byte(out, ',');
        add_block(r, i, out);
    }
    buffer_add_text(out, "],");
    add_stop(r->answer, out);
    buffer_add_text(out, ",\"usage\":");
    add_usage(u, usage_output(u), out);
    buffer_add_byte(out, '}');
}

static void add_count(const struct rendering *r, const struct usage *u, struct buffer *out)
{
    (void)u;
    buffer_add_format(out, "{\"input_tokens\":%llu}", (unsigned long long)r->ask->prompt.tokens);
}

/* ---- errors ---- */

static const char *error_type(int status)
{
    static const struct {
        int status;
        const char *type;
    } types[] = {
        {401, "authentication_error"}, {402, "billing_error"},     {403, "permission_error"},
        {404, "not_found_error"},      {413, "request_too_large"}, {429, "rate_limit_error"},
        {504, "timeout_error"},        {529, "overloaded_error"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].status == status)
            return types[i].type;
    return status < 500 ? "invalid_request_error" : "api_error";
}

static void add_error(const struct api_error *e, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    json_pair_string(&w, "type", "error");
    json_key(&w, "error");
    json_begin_object(&w);
    json_pair_string(&w, "type", error_type(e->status));
    json_pair_string(&w, "message", e->message);
    json_end_object(&w);
    json_pair_string(&w, "request_id", e->request_id);
    json_end_object(&w);
}

/* clang-format off */
#define ANTHROPIC_FORM                 \
    .key_header = "x-api-key",         \
    .key_prefix = "",                  \
    .bearer_too = true,                \
    .needs_header = "anthropic-version", \
    .anthropic_limits = true,          \
    .id_header = "request-id",         \
    .id_prefix = "msg_",               \
    .fields = messages_fields,         \
    .add_error = add_error,            \
    .error_event = "error"
/* clang-format on */

const struct mock_api mock_messages = {
    .path = "/messages",
    ANTHROPIC_FORM,
    .parse = messages_parse,
    .repeat = repeat,
    .keeps_prefixes = true,
    .begin = begin,
    .begin_part = begin_part,
    .add_piece = add_piece,
    .end_part = end_part,
    .finish = finish,
    .end = end,
    .add_answer = add_answer,
    .not_utf8 = "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
                "\"text\":\"\xc3\x28\xff\xed\xa0\x80\"}}",
};

const struct mock_api mock_count_tokens = {
    .path = "/messages/count_tokens",
    ANTHROPIC_FORM,
    .parse = messages_parse_counted,
    .at_once = true,
    .add_answer = add_count,
};
