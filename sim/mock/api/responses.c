/* OpenAI's responses: typed events, each with its number, and the response object around them. */
#include "sim/mock/api/responses.h"

#include "core/json/json_write.h"
#include "sim/mock/api/openai.h"

#include <stdio.h>
#include <string.h>

/* ---- items of the output: a part of the answer each ---- */

/* The letters that the ids of its items begin with, and the type. */
static const struct {
    const char *prefix, *type;
} items[] = {
    [PART_REASONING] = {"rs_", "reasoning"},
    [PART_CONTENT] = {"msg_", "message"},
    [PART_TOOL] = {"fc_", "function_call"},
};

/* The letters of this exchange's id, which all ids of its answer have. */
static const char *id_letters(const struct rendering *r)
{
    const char *dash = strchr(r->id, '-');
    return dash ? dash + 1 : r->id;
}

static void add_item_id(const struct rendering *r, uint32_t part, struct buffer *out)
{
    buffer_add_format(out, "%s%s%02x", items[r->answer->parts[part].kind].prefix, id_letters(r),
                      part);
}

/* All of a part's text, or none yet. */
static void add_text(const struct rendering *r, uint32_t part, bool whole, struct buffer *out)
{
    const struct answer_part *p = &r->answer->parts[part];
    if (whole && p->text) {
        json_escape(out, (struct text){p->text, p->length});
        return;
    }
    buffer_add_byte(out, '"');
    if (whole)
        answer_add_part(r->answer, part, out);
    buffer_add_byte(out, '"');
}

/* What a list of contents or summaries holds. */
static void add_part(const struct rendering *r, uint32_t part, bool whole, struct buffer *out)
{
    bool reasoning = r->answer->parts[part].kind == PART_REASONING;
    buffer_add_text(out, !reasoning ? "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[]"
                         : r->ask->reasoning_summary ? "{\"type\":\"summary_text\""
                                                     : "{\"type\":\"reasoning_text\"");
    buffer_add_text(out, ",\"text\":");
    add_text(r, part, whole, out);
    buffer_add_byte(out, '}');
}

static void add_list(const struct rendering *r, const char *key, uint32_t part, bool whole,
                     struct buffer *out)
{
    buffer_add_format(out, ",\"%s\":[", key);
    if (whole)
        add_part(r, part, true, out);
    buffer_add_byte(out, ']');
}

static void add_call(const struct rendering *r, uint32_t part, bool whole, struct buffer *out)
{
    const struct answer_part *p = &r->answer->parts[part];
    buffer_add_text(out, ",\"arguments\":");
    add_text(r, part, whole, out);
    buffer_add_format(out, ",\"call_id\":\"%s\",\"name\":", p->id);
    render_string(p->name, out);
}

static bool is_cut(const struct answer *a)
{
    return strcmp(a->finish_reason, "length") == 0;
}

/* An item as it begins, or whole. */
static void add_item(const struct rendering *r, uint32_t part, bool whole, struct buffer *out)
{
    const struct answer *a = r->answer;
    enum part_kind kind = a->parts[part].kind;
    buffer_add_text(out, "{\"id\":\"");
    add_item_id(r, part, out);
    bool cut = is_cut(a) && part + 1 == a->part_count;
    buffer_add_format(out, "\",\"type\":\"%s\",\"status\":\"%s\"", items[kind].type,
                      !whole ? "in_progress"
                      : cut  ? "incomplete"
                             : "completed");
    if (kind == PART_TOOL) {
        add_call(r, part, whole, out);
    } else if (kind == PART_CONTENT) {
        add_list(r, "content", part, whole, out);
        buffer_add_text(out, ",\"role\":\"assistant\"");
    } else {
        bool summary = r->ask->reasoning_summary;
        add_list(r, "summary", part, whole && summary, out);
        if (!summary)
            add_list(r, "content", part, whole, out);
    }
    buffer_add_byte(out, '}');
}

/* ---- the response ---- */

static void add_usage(const struct usage *u, struct buffer *out)
{
    unsigned long long in = usage_input(u), output = usage_output(u);
    buffer_add_format(out,
                      "{\"input_tokens\":%llu,\"input_tokens_details\":{\"cached_tokens\":%llu", in,
                      (unsigned long long)usage_cached(u));
    openai_add_images(u, out);
    buffer_add_format(
        out,
        "},\"output_tokens\":%llu,\"output_tokens_details\":{\"reasoning_tokens\":%llu}"
        ",\"total_tokens\":%llu}",
        output, (unsigned long long)u->tokens[USAGE_REASONING], in + output);
}

static const char *end_status(const struct rendering *r)
{
    return is_cut(r->answer) ? "incomplete" : "completed";
}

/* As it begins (u NULL), or whole. */
static void add_response(const struct rendering *r, const struct usage *u, struct buffer *out)
{
    bool cut = u && is_cut(r->answer);
    buffer_add_format(out,
                      "{\"id\":\"resp_%s\",\"object\":\"response\",\"created_at\":%lld,\"status\":"
                      "\"%s\",\"error\":null,\"incomplete_details\":%s,\"model\":",
                      id_letters(r), (long long)r->created_s, u ? end_status(r) : "in_progress",
                      cut ? "{\"reason\":\"max_output_tokens\"}" : "null");
    render_string(r->model, out);
    buffer_add_text(out, ",\"output\":[");
    for (uint32_t i = 0; u && i < r->answer->part_count; i++) {
        if (i)
            buffer_add_byte(out, ',');
        add_item(r, i, true, out);
    }
    buffer_add_text(out, "],");
    buffer_add_text(out, r->ask->echo);
    buffer_add_text(out, "\"usage\":");
    if (u)
        add_usage(u, out);
    else
        buffer_add_text(out, "null");
    buffer_add_byte(out, '}');
}

/* As keep() says it again. */
static void repeat(const struct rendering *r, uint32_t choice, struct prompt *prompt)
{
    const struct answer *a = r->answers[choice];
    for (uint32_t i = 0; i < a->part_count; i++) {
        if (a->parts[i].kind == PART_REASONING)
            continue;
        prompt_add(prompt, "assistant", 9);
        answer_repeat_part(a, i, prompt);
    }
}

/* What this answer adds to the conversation, as it would come back in an input. */
static void keep(const struct rendering *r, struct ask *a, struct kept *kept)
{
    char id[40];
    struct buffer text;
    if (!a->keeps)
        return;
    buffer_init(&text, BUFFER_UNBOUNDED);
    for (uint32_t i = 0; i < r->answer->part_count; i++) {
        if (r->answer->parts[i].kind == PART_REASONING)
            continue;
        buffer_clear(&text);
        answer_add_part(r->answer, i, &text);
        said_add(&a->said, SAID_ROLE, text_of("assistant"));
        said_add(&a->said, SAID_TEXT, (struct text){text.data ? text.data : "", text.length});
    }
    buffer_free(&text);
    snprintf(id, sizeof id, "resp_%s", id_letters(r));
    kept_put(kept, id, &a->said);
}

static void add_answer(const struct rendering *r, const struct usage *u, struct buffer *out)
{
    add_response(r, u, out);
}

/* ---- events ---- */

static void open_event(struct rendering *r, const char *type)
{
    buffer_add_text(r->json, "{\"type\":\"");
    buffer_add_text(r->json, type);
    buffer_add_text(r->json, "\",\"sequence_number\":");
    buffer_add_u64(r->json, r->sequence++);
}

static void close_event(struct rendering *r, const char *type)
{
    buffer_add_byte(r->json, '}');
    render_event(r, type);
}

static void tell_response(struct rendering *r, const char *type)
{
    open_event(r, type);
    buffer_add_text(r->json, ",\"response\":");
    add_response(r, NULL, r->json);
    close_event(r, type);
}

static void begin(struct rendering *r)
{
    buffer_init(&r->head, BUFFER_UNBOUNDED);
    tell_response(r, "response.created");
    tell_response(r, "response.in_progress");
}

/* Whose text an event's is: ,"item_id": ..., "output_index": ..., and the index within the item. */
static void add_place(const struct rendering *r, uint32_t part, struct buffer *out)
{
    enum part_kind kind = r->answer->parts[part].kind;
    buffer_add_text(out, ",\"item_id\":\"");
    add_item_id(r, part, out);
    buffer_add_format(out, "\",\"output_index\":%u", part);
    if (kind == PART_REASONING && r->ask->reasoning_summary)
        buffer_add_text(out, ",\"summary_index\":0");
    else if (kind != PART_TOOL)
        buffer_add_text(out, ",\"content_index\":0");
}

static void tell_item(struct rendering *r, const char *type, uint32_t part, bool whole)
{
    open_event(r, type);
    buffer_add_format(r->json, ",\"output_index\":%u,\"item\":", part);
    add_item(r, part, whole, r->json);
    close_event(r, type);
}

static void tell_part(struct rendering *r, const char *type, uint32_t part, bool whole)
{
    open_event(r, type);
    add_place(r, part, r->json);
    buffer_add_text(r->json, ",\"part\":");
    add_part(r, part, whole, r->json);
    close_event(r, type);
}

/* How the events of a part are called. */
struct names {
    const char *added, *delta, *text_done, *done; /* added, done: of calls there are none */
    const char *text, *tail; /* the member with all of the text; what texts have behind them */
};

static const struct names *names_of(const struct rendering *r, uint32_t part)
{
    static const struct names content = {"response.content_part.added",
                                         "response.output_text.delta",
                                         "response.output_text.done",
                                         "response.content_part.done",
                                         "text",
                                         ",\"logprobs\":[]"};
    static const struct names call = {NULL,
                                      "response.function_call_arguments.delta",
                                      "response.function_call_arguments.done",
                                      NULL,
                                      "arguments",
                                      ""};
    static const struct names reasoning = {"response.content_part.added",
                                           "response.reasoning_text.delta",
                                           "response.reasoning_text.done",
                                           "response.content_part.done",
                                           "text",
                                           ""};
    static const struct names summary = {"response.reasoning_summary_part.added",
                                         "response.reasoning_summary_text.delta",
                                         "response.reasoning_summary_text.done",
                                         "response.reasoning_summary_part.done",
                                         "text",
                                         ""};
    switch (r->answer->parts[part].kind) {
    case PART_TOOL:
        return &call;
    case PART_REASONING:
        return r->ask->reasoning_summary ? &summary : &reasoning;
    case PART_CONTENT:
        break;
    }
    return &content;
}

/* The head is what stands between the number of a delta and its text. */
static void begin_part(struct rendering *r, uint32_t part)
{
    const struct names *n = names_of(r, part);
    tell_item(r, "response.output_item.added", part, false);
    if (n->added)
        tell_part(r, n->added, part, false);
    buffer_clear(&r->head);
    add_place(r, part, &r->head);
    buffer_add_text(&r->head, ",\"delta\":\"");
}

static void add_piece(struct rendering *r, uint32_t part, uint32_t token, uint32_t count)
{
    const struct names *n = names_of(r, part);
    open_event(r, n->delta);
    buffer_add(r->json, r->head.data, r->head.length);
    render_text(r->answer, part, token, count, r->json);
    buffer_add_byte(r->json, '"');
    buffer_add_text(r->json, n->tail);
    close_event(r, n->delta);
}

static void end_part(struct rendering *r, uint32_t part)
{
    const struct names *n = names_of(r, part);
    open_event(r, n->text_done);
    add_place(r, part, r->json);
    buffer_add_format(r->json, ",\"%s\":", n->text);
    add_text(r, part, true, r->json);
    buffer_add_text(r->json, n->tail);
    close_event(r, n->text_done);
    if (n->done)
        tell_part(r, n->done, part, true);
    tell_item(r, "response.output_item.done", part, true);
}

/* The event that ends the stream holds the usage, too: it is made here and leaves with end(). */
static void finish(struct rendering *r, const struct usage *u)
{
    buffer_clear(&r->head);
    add_response(r, u, &r->head);
}

static void end(struct rendering *r)
{
    const char *type = is_cut(r->answer) ? "response.incomplete" : "response.completed";
    open_event(r, type);
    buffer_add_text(r->json, ",\"response\":");
    buffer_add(r->json, r->head.data, r->head.length);
    close_event(r, type);
}

static void add_error_event(struct rendering *r, const struct api_error *e)
{
    open_event(r, "error");
    buffer_add_text(r->json, ",\"code\":");
    render_string(e->code, r->json);
    buffer_add_text(r->json, ",\"message\":");
    render_string(e->message, r->json);
    buffer_add_text(r->json, ",\"param\":null");
    close_event(r, "error");
}

const struct mock_api mock_responses = {
    .path = "/responses",
    .id_prefix = "resp",
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .fields = responses_fields,
    .parse = responses_parse,
    .tells_images = true,
    .keep = keep,
    .repeat = repeat,
    .begin = begin,
    .begin_part = begin_part,
    .add_piece = add_piece,
    .end_part = end_part,
    .finish = finish,
    .end = end,
    .add_answer = add_answer,
    .add_error = api_error_write,
    .add_error_event = add_error_event,
    .not_utf8 = "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,"
                "\"delta\":\"\xc3\x28\xff\xed\xa0\x80\"}",
};
